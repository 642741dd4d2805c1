/*
 * A program with memory of known sizes: test of the parts of a process.
 * It prints "ready" and waits until its input ends.
 *
 *   layout [threads [mappings]]
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>


#define MB  (1024 * 1024)

static const char  text[1 * MB] = { 1 };        /* of text */
static char        data[3 * MB] = { 1 };        /* of data */
static char        bss[5 * MB];


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}


static void *
map(size_t size, int prot, int flags, int fd)
{
    char  *p;

    p = mmap(NULL, size, prot, flags, fd, 0);
    if (p == MAP_FAILED) {
        fail("mmap");
    }

    if (prot & PROT_WRITE) {
        memset(p, 1, size);
    }

    return p;
}


static void *
thread(void *arg)
{
    for ( ;; ) {
        pause();
    }

    return arg;
}


int
main(int argc, char **argv)
{
    int                  fd, i, n;
    char                *p, *heap, c;
    size_t               k;
    pthread_t            tid;
    volatile const char *t;
    volatile unsigned    sum;

    n = (argc > 1) ? atoi(argv[1]) : 0;

    for (t = text, sum = 0, k = 0; k < sizeof(text); k += 4096) {
        sum += t[k];
    }

    memset(data, 2, sizeof(data));
    memset(bss, 2, sizeof(bss));

    /* heap: 8 MB */

    heap = sbrk(8 * MB);
    if (heap == (void *) -1) {
        fail("sbrk");
    }

    memset(heap, 1, 8 * MB);

    /* anonymous: 16 MB, and 4 MB of huge pages where there are any */

    map(16 * MB, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1);

    p = mmap(NULL, 6 * MB, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
             -1, 0);
    p = (char *) (((uintptr_t) p + 2 * MB - 1) & ~(uintptr_t) (2 * MB - 1));
    (void) madvise(p, 4 * MB, MADV_HUGEPAGE);
    memset(p, 1, 4 * MB);

    /* as a virtual machine of Java reserves, and commits a part of it */

    p = map(1024 * MB, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1);
    if (mprotect(p + 64 * MB, 2 * MB, PROT_READ|PROT_WRITE) == -1) {
        fail("mprotect");
    }

    memset(p + 64 * MB, 1, 2 * MB);

    /* as Go maps its arenas */

    p = mmap((void *) 0xc000000000, 64 * MB, PROT_NONE,
             MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);
    p = mmap(p, 4 * MB, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0);
    if (p == MAP_FAILED) {
        fail("mmap");
    }

    memset(p, 1, 4 * MB);

    /* shared: 4 + 2 + 1 + 1 MB */

    map(4 * MB, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1);

    fd = memfd_create("layout", 0);
    if (fd == -1 || ftruncate(fd, 2 * MB) == -1) {
        fail("memfd_create");
    }

    map(2 * MB, PROT_READ|PROT_WRITE, MAP_SHARED, fd);

    fd = shmget(IPC_PRIVATE, 1 * MB, 0600);
    p = shmat(fd, NULL, 0);
    if (fd == -1 || p == (void *) -1) {
        fail("shmget");
    }

    (void) shmctl(fd, IPC_RMID, NULL);
    memset(p, 1, 1 * MB);

    fd = open("/dev/shm", O_TMPFILE|O_RDWR, 0600);
    if (fd == -1 || ftruncate(fd, 1 * MB) == -1) {
        fail("/dev/shm");
    }

    map(1 * MB, PROT_READ|PROT_WRITE, MAP_SHARED, fd);

    /* other: 2 MB of a file that is no program, changed in private */

    fd = open("/dev/shm", O_TMPFILE|O_RDWR, 0600);
    if (fd == -1 || ftruncate(fd, 2 * MB) == -1) {
        fail("/dev/shm");
    }

    map(2 * MB, PROT_READ|PROT_WRITE, MAP_PRIVATE, fd);

    for (i = 0; i < n; i++) {
        if (pthread_create(&tid, NULL, thread, NULL) != 0) {
            fail("pthread_create");
        }
    }

    /* neighbours of different rights are mappings of their own */

    n = (argc > 2) ? atoi(argv[2]) : 0;

    if (n) {
        p = map((size_t) n * 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1);

        for (i = 0; i < n; i += 2) {
            if (mprotect(p + (size_t) i * 4096, 4096, PROT_READ|PROT_WRITE)
                == -1)
            {
                fail("mprotect");
            }
        }
    }

    puts("ready");
    fflush(stdout);

    while (read(0, &c, 1) == 1) { /* void */ }

    return 0;
}
