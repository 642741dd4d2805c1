
/*
 * stuck FOLDER: a process whose arguments, environment and mappings cannot be
 * read: who tries waits for ever.  One of its threads waits for a page with
 * the lock of the mappings in its hands: the page is in a file of a file
 * system that is mounted on FOLDER, and does not answer.  Another one wants
 * to change the mappings, and all who come later stand behind it.
 *
 * Says its pid, and "stuck" when it is.  All ends when this program does.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>


#define PAGE  4096


static int  fuse;


static void
fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(1);
}


static void
answer(uint64_t unique, int error, const void *data, size_t len)
{
    struct iovec            iov[2];
    struct fuse_out_header  head;

    head.len = (uint32_t) (sizeof(head) + len);
    head.error = -error;
    head.unique = unique;

    iov[0].iov_base = &head;
    iov[0].iov_len = sizeof(head);
    iov[1].iov_base = (void *) data;
    iov[1].iov_len = len;

    (void) !writev(fuse, iov, len ? 2 : 1);
}


static void
attributes(struct fuse_attr *a, uint64_t node)
{
    memset(a, 0, sizeof(struct fuse_attr));

    a->ino = node;
    a->nlink = 1;
    a->size = 16 * PAGE;
    a->mode = node == FUSE_ROOT_ID ? S_IFDIR|0555 : S_IFREG|0444;
}


static void
serve(void)
{
    ssize_t                 n;
    unsigned                reads;
    struct fuse_in_header  *in;
    struct fuse_init_out    init;
    struct fuse_open_out    opened;
    struct fuse_attr_out    attr;
    struct fuse_entry_out   entry;

    static char  buf[1 << 20];

    reads = 0;
    in = (struct fuse_in_header *) buf;

    for ( ;; ) {
        n = read(fuse, buf, sizeof(buf));

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n < (ssize_t) sizeof(struct fuse_in_header)) {
            return;
        }

        switch (in->opcode) {

        case FUSE_INIT:
            memset(&init, 0, sizeof(init));
            init.major = FUSE_KERNEL_VERSION;
            init.minor = 31;
            init.max_write = PAGE;
            answer(in->unique, 0, &init, sizeof(init));
            break;

        case FUSE_LOOKUP:
            memset(&entry, 0, sizeof(entry));
            entry.nodeid = 2;
            entry.entry_valid = entry.attr_valid = 3600;
            attributes(&entry.attr, 2);
            answer(in->unique, 0, &entry, sizeof(entry));
            break;

        case FUSE_GETATTR:
            memset(&attr, 0, sizeof(attr));
            attr.attr_valid = 3600;
            attributes(&attr.attr, in->nodeid);
            answer(in->unique, 0, &attr, sizeof(attr));
            break;

        case FUSE_OPEN:
            memset(&opened, 0, sizeof(opened));
            answer(in->unique, 0, &opened, sizeof(opened));
            break;

        case FUSE_READ:

            /*
             * a first wait is without the lock; after an error the kernel
             * tries once more, and keeps it
             */

            if (reads++ == 0) {
                answer(in->unique, EIO, NULL, 0);
                break;
            }

            printf("stuck\n");
            fflush(stdout);
            break;

        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
            break;

        case FUSE_FLUSH:
        case FUSE_RELEASE:
            answer(in->unique, 0, NULL, 0);
            break;

        default:
            answer(in->unique, ENOSYS, NULL, 0);
        }
    }
}


static void *
touch(void *page)
{
    (void) *(volatile char *) page;

    return NULL;
}


static void
victim(const char *folder)
{
    int        fd;
    void      *page, *p;
    char       path[4096];
    pthread_t  t;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "a-name-of-15-ch");

    snprintf(path, sizeof(path), "%s/file", folder);

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        fail("open");
    }

    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    if (page == MAP_FAILED) {
        fail("mmap");
    }

    close(fd);

    printf("%d\n", (int) getpid());
    fflush(stdout);

    if (pthread_create(&t, NULL, touch, page) != 0) {
        fail("pthread_create");
    }

    for ( ;; ) {
        p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);
        munmap(p, PAGE);
        usleep(1000);
    }
}


int
main(int argc, char **argv)
{
    char  options[96];

    prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (argc != 2) {
        return 2;
    }

    /* the mount ends with its last process, whatever becomes of the test */

    if (unshare(CLONE_NEWNS) == -1
        || mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL) == -1)
    {
        fail("unshare");
    }

    fuse = open("/dev/fuse", O_RDWR|O_CLOEXEC);
    if (fuse == -1) {
        fail("/dev/fuse");
    }

    snprintf(options, sizeof(options),
             "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);

    if (mount("stuck", argv[1], "fuse", MS_NOSUID|MS_NODEV, options) == -1) {
        fail("mount");
    }

    if (fork() == 0) {
        close(fuse);
        victim(argv[1]);
    }

    serve();

    return 0;
}
