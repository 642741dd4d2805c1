
/*
 * The part that stays root while somebody else decides what comes next: it
 * runs what the policy has permitted, by its number, and tells what came of
 * it.  It reads nothing else, and ends when nobody asks any more.
 */


#include "helper.h"

#include <unistd.h>
#include <sys/socket.h>
#include <sys/uio.h>


static void helper_runner_serve(helper_t *h, int sock)
    __attribute__((noreturn));


/* 0 in a child, which is to give up root; -1 when there is none: refused */

int
helper_runner(helper_t *h)
{
    int    sock[2];
    pid_t  pid;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sock) == -1
        || (pid = fork()) == -1)
    {
        return helper_refuse(h, "error", "helper_error", "fork failed");
    }

    if (pid) {
        close(sock[1]);

        if (h->shared) {
            helper_read_serve(h, sock[0]);
        }

        helper_step_leave(getpid(), pid);
        helper_runner_serve(h, sock[0]);
    }

    close(sock[0]);
    h->sock = sock[1];

    return 0;
}


static void
helper_runner_serve(helper_t *h, int sock)
{
    int            acted;
    uint32_t       n;
    helper_run_t  *run;
    struct iovec   v[4];

    acted = 0;

    while (read(sock, &n, sizeof(n)) == sizeof(n) && n < h->nsteps) {

        run = &h->step[n];

        if (run->argc == 0 || (run->once && acted)) {
            break;
        }

        acted |= run->once;
        run->failed = helper_exec(run);

        v[0] = (struct iovec) { run, sizeof(helper_run_t) };
        v[1] = (struct iovec) { run->out, run->out_len };
        v[2] = (struct iovec) { run->err, run->err_len };
        v[3] = (struct iovec) { run->measure,
                                run->measure ? sizeof(helper_measure_t) : 0 };

        if (writev(sock, v, 4) == -1) {
            break;
        }
    }

    _exit(0);
}
