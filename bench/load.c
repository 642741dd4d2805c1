
/*
 * load N SOCKETS: N idle processes as a busy host has them: 85 % with one
 * thread, 10 % with four, 5 % with eight, ten descriptors each, SOCKETS bound
 * UDP sockets on loopback spread over them.  Prints "ready", lives until its
 * stdin ends.
 */


#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>


static void *
idle(void *arg)
{
    for ( ;; ) {
        pause();
    }

    return arg;
}


static void
child(long n, long sockets)
{
    int                 fd, threads;
    long                i;
    char                name[16];
    pthread_t           tid;
    pthread_attr_t      attr;
    struct sockaddr_in  sin;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(name, sizeof(name), "load-%u", (unsigned) n);
    prctl(PR_SET_NAME, name);

    for (fd = 3; fd < 10; fd++) {
        if (open("/dev/null", O_RDONLY) == -1) {
            _exit(1);
        }
    }

    for (i = 0; i < sockets; i++) {
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        sin = (struct sockaddr_in) { .sin_family = AF_INET };
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

        if (fd == -1
            || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1)
        {
            _exit(1);
        }
    }

    threads = n % 20 == 0 ? 8 : n % 20 <= 2 ? 4 : 1;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);

    while (--threads > 0) {
        if (pthread_create(&tid, &attr, idle, NULL) != 0) {
            _exit(1);
        }
    }

    idle(NULL);
}


int
main(int argc, char **argv)
{
    long           i, n, sockets, each;
    char           c;
    pid_t          pid, *pids;
    struct rlimit  rl;

    if (argc != 3 || (n = atol(argv[1])) <= 0
        || (sockets = atol(argv[2])) < 0)
    {
        fprintf(stderr, "usage: load N SOCKETS\n");
        return 2;
    }

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        setrlimit(RLIMIT_NOFILE, &rl);
    }

    pids = calloc(n, sizeof(pid_t));
    if (pids == NULL) {
        return 1;
    }

    for (i = 0; i < n; i++) {
        each = sockets / n + (i < sockets % n);
        pid = fork();

        if (pid == 0) {
            child(i, each);
        }

        if (pid == -1) {
            perror("fork");
            break;
        }

        pids[i] = pid;
    }

    sleep(1);
    printf("ready\n");
    fflush(stdout);

    while (i == n && read(STDIN_FILENO, &c, 1) > 0) {
        /* wait for the end of the input */
    }

    while (i-- > 0) {
        kill(pids[i], SIGKILL);
    }

    while (wait(NULL) > 0) { /* void */ }

    return 0;
}
