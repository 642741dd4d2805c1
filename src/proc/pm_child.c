
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pm_child.h"


/*
 * Not fork(): a child that ends must send no SIGCHLD, because the program
 * around us would take it for one of its own, and a thread must not run the
 * handlers of the others.  Nor may a signal meant for that program run its
 * handlers in the child.
 */

int
pm_child_start(int *pidfd, const char *name)
{
    int                err;
    long               pid;
    sigset_t           all, old;
    struct clone_args  args;

    memset(&args, 0, sizeof(struct clone_args));

    args.flags = CLONE_PIDFD;
    args.pidfd = (uintptr_t) pidfd;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);

    pid = syscall(SYS_clone3, &args, sizeof(struct clone_args));

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) prctl(PR_SET_NAME, name);
        return 0;
    }

    err = errno;

    pthread_sigmask(SIG_SETMASK, &old, NULL);

    errno = err;

    return pid == -1 ? -1 : 1;
}


void
pm_child_exit(void)
{
    for ( ;; ) {
        syscall(SYS_exit_group, 0);
    }
}


int
pm_child_ended(int pidfd, int timeout_ms)
{
    siginfo_t      info;
    struct pollfd  p;

    p.fd = pidfd;
    p.events = POLLIN;

    if (poll(&p, 1, timeout_ms) != 1) {
        return 0;
    }

    while (waitid(P_PIDFD, pidfd, &info, WEXITED|__WALL) == -1
           && errno == EINTR)
    {
        /* void */
    }

    return 1;
}


void
pm_child_kill(int pidfd)
{
    (void) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}
