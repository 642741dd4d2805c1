
/* what a program left running: found below us in the tree, and ended */


#include "helper.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>


#define HELPER_SPARE  64


static int helper_stray_ours(const helper_proc_t *list, char *ours, size_t n);
static void helper_stray_signal(const helper_proc_t *p, int sig);


/* children from before: a service that an earlier step has started */
static pid_t   helper_spared[HELPER_SPARE];
static size_t  helper_nspared;


void
helper_stray_spare(void)
{
    char   buf[1024];
    char  *p, *end;
    long   pid;

    helper_nspared = 0;

    (void) helper_proc_read("/proc/thread-self/children", buf, sizeof(buf));

    for (p = buf; helper_nspared < HELPER_SPARE; p = end) {

        pid = strtol(p, &end, 10);

        if (end == p) {
            break;
        }

        helper_spared[helper_nspared++] = (pid_t) pid;
    }
}


/* signals all that live below us, but for the spared; how many there are */

unsigned
helper_stray_kill(int sig)
{
    char           *ours;
    size_t          i, n;
    unsigned        found;
    helper_proc_t  *list;

    n = helper_proc_list(&list);
    ours = calloc(n + 1, 1);

    while (ours && helper_stray_ours(list, ours, n)) {
        /* void: as deep as the tree is */
    }

    for (i = 0, found = 0; ours && i < n; i++) {

        if (!ours[i]) {
            continue;
        }

        found++;

        if (sig) {
            helper_stray_signal(&list[i], sig);
        }
    }

    free(ours);
    free(list);

    return found;
}


static int
helper_stray_ours(const helper_proc_t *list, char *ours, size_t n)
{
    int     more;
    size_t  i, j;
    pid_t   self;

    more = 0;
    self = getpid();

    for (i = 0; i < n; i++) {

        if (ours[i]) {
            continue;
        }

        for (j = 0; j < helper_nspared; j++) {
            if (helper_spared[j] == list[i].pid) {
                break;
            }
        }

        if (j < helper_nspared) {
            continue;
        }

        for (j = 0; j < n; j++) {
            if (list[i].ppid == self
                || (ours[j] && list[j].pid == list[i].ppid))
            {
                ours[i] = 1;
                more = 1;
                break;
            }
        }
    }

    return more;
}


/* the pid may be another's by now: the start tells, and the pidfd holds it */

static void
helper_stray_signal(const helper_proc_t *p, int sig)
{
    int            fd;
    helper_proc_t  now;

    fd = (int) syscall(SYS_pidfd_open, p->pid, 0);
    if (fd == -1) {
        return;
    }

    if (helper_proc(p->pid, &now) == 0 && now.start == p->start) {
        (void) syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
    }

    close(fd);
}
