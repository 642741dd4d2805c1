
/*
 * Processes that are hard to read: hostile MODE [N] [SECONDS].  It says "ready"
 * on its output when it is what it was asked to be, and waits.
 *
 *   name       named as N says, in bytes of hex
 *   args       N bytes of arguments
 *   empty      arguments that were overwritten by zeros
 *   maps       N mappings more
 *   threads    N threads, named like stat lines
 *   forks      forks N children a second that end at once
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>


#define ONE_ARG  100000


static void
ready(void)
{
    (void) !write(1, "ready\n", 6);
}


static void
rest(void)
{
    for ( ;; ) {
        (void) pause();
    }
}


static void *
idle(void *arg)
{
    prctl(PR_SET_NAME, "x) R 1 1 1 1", 0, 0, 0);
    (void) arg;
    rest();

    return NULL;
}


static void
name(const char *hex)
{
    char      comm[16];
    unsigned  i, c;

    memset(comm, 0, sizeof(comm));

    for (i = 0; i < sizeof(comm) - 1 && hex[0] && hex[1]; i++, hex += 2) {
        if (sscanf(hex, "%2x", &c) != 1) {
            exit(2);
        }

        comm[i] = (char) c;
    }

    prctl(PR_SET_NAME, comm, 0, 0, 0);
}


/* itself again, with so many */

static void
args(char **argv, size_t n)
{
    size_t         i, count;
    char         **list, *big;
    struct rlimit  limit;

    limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    (void) setrlimit(RLIMIT_STACK, &limit);

    count = n / ONE_ARG;
    list = calloc(count + 3, sizeof(char *));
    big = malloc(ONE_ARG);

    if (list == NULL || big == NULL) {
        exit(2);
    }

    memset(big, 'x', ONE_ARG - 1);
    big[ONE_ARG - 1] = '\0';

    list[0] = argv[0];
    list[1] = "wait";

    for (i = 0; i < count; i++) {
        list[i + 2] = big;
    }

    execv("/proc/self/exe", list);
    fprintf(stderr, "exec: %s\n", strerror(errno));
    exit(2);
}


static void
maps(long n)
{
    long   i;
    char  *p;

    for (i = 0; i < n; i++) {

        /* of two kinds, so that they do not become one */

        p = mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_READ|PROT_WRITE,
                 MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
            fprintf(stderr, "mmap %ld: %s\n", i, strerror(errno));
            exit(2);
        }
    }
}


static void
forks(long n, long seconds)
{
    long             i;
    struct timespec  pause_for;

    signal(SIGCHLD, SIG_IGN);
    ready();

    pause_for.tv_sec = 0;
    pause_for.tv_nsec = 1000000000 / n;

    for (i = 0; i < n * seconds; i++) {

        switch (fork()) {

        case 0:
            _exit(0);

        case -1:
            break;
        }

        nanosleep(&pause_for, NULL);
    }

    rest();
}


int
main(int argc, char **argv)
{
    long         i, n;
    char        *end;
    pthread_t    t;
    const char  *mode;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

    mode = argc > 1 ? argv[1] : "";
    n = argc > 2 ? atol(argv[2]) : 0;

    if (strcmp(mode, "name") == 0 && argc > 2) {
        name(argv[2]);

    } else if (strcmp(mode, "args") == 0) {
        args(argv, (size_t) n);

    } else if (strcmp(mode, "empty") == 0) {
        end = argv[argc - 1] + strlen(argv[argc - 1]);
        memset(argv[0], 0, (size_t) (end - argv[0]));

    } else if (strcmp(mode, "maps") == 0) {
        maps(n);

    } else if (strcmp(mode, "threads") == 0) {
        for (i = 0; i < n; i++) {
            if (pthread_create(&t, NULL, idle, NULL) != 0) {
                return 2;
            }
        }

        usleep(200000);

    } else if (strcmp(mode, "forks") == 0) {
        forks(n ? n : 1, argc > 3 ? atol(argv[3]) : 1);

    } else if (strcmp(mode, "wait") != 0) {
        return 2;
    }

    ready();
    rest();

    return 0;
}
