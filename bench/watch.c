
/*
 * watch N ROUNDS: N processes of its own, the status of each read ROUNDS times
 * from a descriptor that stays open: the floor, the reads alone, and a sample
 * as a watch takes it.  CPU time in microseconds for one, the least of seven
 * parts.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "pm_watch.h"


#define PARTS  7


static double
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}


int
main(int argc, char **argv)
{
    int              n, i, k, part, rounds, proc, *fd;
    char             text[8192];
    pid_t           *pid;
    double           start, spent, floor_us, ours_us;
    pm_buf_t         buf = { NULL, 0 };
    uint64_t         mem[PM_WATCH_FIELDS];
    pm_watch_who_t   who;

    n = argc > 1 ? atoi(argv[1]) : 100;
    rounds = argc > 2 ? atoi(argv[2]) : 200;

    fd = calloc((size_t) n, sizeof(int));
    pid = calloc((size_t) n, sizeof(pid_t));
    proc = pm_procfs_open("/proc");

    if (fd == NULL || pid == NULL || proc == -1) {
        return 1;
    }

    for (i = 0; i < n; i++) {

        pid[i] = fork();

        if (pid[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for ( ;; ) {
                pause();
            }
        }

        memset(&who, 0, sizeof(who));
        who.pid = pid[i];
        fd[i] = pm_watch_open(proc, &who);

        if (fd[i] == -1) {
            return 1;
        }
    }

    floor_us = 1e9;
    ours_us = 1e9;

    for (part = 0; part < PARTS; part++) {

        start = cpu();

        for (k = 0; k < rounds; k++) {
            for (i = 0; i < n; i++) {
                if (pread(fd[i], text, sizeof(text), 0) <= 0) {
                    return 1;
                }
            }
        }

        spent = (cpu() - start) / rounds / n;
        floor_us = spent < floor_us ? spent : floor_us;

        start = cpu();

        for (k = 0; k < rounds; k++) {
            for (i = 0; i < n; i++) {
                if (pm_watch_read(fd[i], &buf, mem) != 0) {
                    return 1;
                }
            }
        }

        spent = (cpu() - start) / rounds / n;
        ours_us = spent < ours_us ? spent : ours_us;
    }

    printf("%.3f %.3f\n", ours_us, floor_us);

    for (i = 0; i < n; i++) {
        kill(pid[i], SIGKILL);
    }

    return 0;
}
