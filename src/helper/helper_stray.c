
/* what a program left running: found below us in the tree, and ended */


#include "helper.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>


#define HELPER_SPARE  64


typedef struct {
    pid_t     pid;
    pid_t     ppid;
    uint64_t  start;
    int       ours;
} helper_stray_t;


static size_t helper_stray_list(helper_stray_t **list);
static int helper_stray_ours(helper_stray_t *list, size_t n);
static void helper_stray_signal(const helper_stray_t *s, int sig);


/* children from before: a service that an earlier step has started */
static pid_t   helper_spared[HELPER_SPARE];
static size_t  helper_nspared;


void
helper_stray_spare(void)
{
    int      fd;
    char     buf[1024];
    char    *p, *end;
    long     pid;
    ssize_t  n;

    helper_nspared = 0;

    fd = open("/proc/thread-self/children", O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    buf[n > 0 ? n : 0] = '\0';

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
    size_t           i, n;
    unsigned         found;
    helper_stray_t  *list;

    n = helper_stray_list(&list);

    while (helper_stray_ours(list, n)) {
        /* void: as deep as the tree is */
    }

    for (i = 0, found = 0; i < n; i++) {

        if (!list[i].ours) {
            continue;
        }

        found++;

        if (sig) {
            helper_stray_signal(&list[i], sig);
        }
    }

    free(list);

    return found;
}


static int
helper_stray_ours(helper_stray_t *list, size_t n)
{
    int     more;
    size_t  i, j;
    pid_t   self;

    more = 0;
    self = getpid();

    for (i = 0; i < n; i++) {

        if (list[i].ours) {
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
                || (list[j].ours && list[j].pid == list[i].ppid))
            {
                list[i].ours = 1;
                more = 1;
                break;
            }
        }
    }

    return more;
}


/* of every process that is not a zombie */

static size_t
helper_stray_list(helper_stray_t **list)
{
    int              ppid;
    DIR             *dir;
    char             state;
    size_t           n, size;
    uint64_t         start;
    helper_stray_t  *p;
    struct dirent   *d;

    *list = NULL;
    n = 0;
    size = 0;

    dir = opendir("/proc");
    if (dir == NULL) {
        return 0;
    }

    while ((d = readdir(dir)) != NULL) {

        if (!isdigit((unsigned char) d->d_name[0])
            || helper_stat(atoi(d->d_name), &state, &ppid, &start) != 0
            || state == 'Z' || state == 'X')
        {
            continue;
        }

        if (n == size) {
            size = size ? 2 * size : 1024;
            p = realloc(*list, size * sizeof(helper_stray_t));

            if (p == NULL) {
                break;
            }

            *list = p;
        }

        p = &(*list)[n++];
        p->pid = atoi(d->d_name);
        p->ppid = ppid;
        p->start = start;
        p->ours = 0;
    }

    closedir(dir);

    return n;
}


/* the pid may be another's by now: the start tells, and the pidfd holds it */

static void
helper_stray_signal(const helper_stray_t *s, int sig)
{
    int       fd, ppid;
    char      state;
    uint64_t  start;

    fd = (int) syscall(SYS_pidfd_open, s->pid, 0);
    if (fd == -1) {
        return;
    }

    if (helper_stat(s->pid, &state, &ppid, &start) == 0
        && start == s->start)
    {
        (void) syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
    }

    close(fd);
}


/* a name may hold anything, so count from the last parenthesis */

int
helper_stat(int pid, char *state, int *ppid, uint64_t *start)
{
    int                  fd;
    char                 path[32], buf[1024];
    char                *p;
    ssize_t              n;
    unsigned long long   ticks;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    if (n <= 0) {
        return -1;
    }

    buf[n] = '\0';
    p = strrchr(buf, ')');

    if (p == NULL
        || sscanf(p + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
                  "%*d %*d %*d %*d %*d %*d %llu", state, ppid, &ticks) != 3)
    {
        return -1;
    }

    *start = ticks;

    return 0;
}
