
/*
 * What the readers read, sent on in whole records: one that is ended takes
 * its last record with it and nothing else.  While one half of the memory is
 * sent, the other is written.  By now the helper is nobody.
 */


#include "helper_drive.h"
#include "helper_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>


#define HELPER_READ_ONE   2000        /* ms for one process */
#define HELPER_READ_ALL   20000       /* ms for all */
#define HELPER_READ_MARGIN  250       /* ms to send the rest */


typedef struct {
    pm_wire_pid_t   pid;
    uid_t           owner;
} helper_read_pid_t;


static size_t helper_read_sort(helper_t *h, helper_read_pid_t *list);
static int helper_read_cmp(const void *a, const void *b);
static size_t helper_read_some(helper_t *h, size_t n, uid_t owner,
    uint64_t deadline, int *error);
static int helper_read_follow(helper_t *h, uint64_t deadline);
static int helper_read_send(helper_records_t *records);
static void helper_read_error(const pm_wire_pid_t *pid, int error);
static void helper_read_denied(pm_wire_text_t *t, uint32_t fields);


static helper_read_pid_t  helper_read_list[PM_WIRE_PIDS];


void
helper_read_act(helper_t *h)
{
    int                 error;
    size_t              n, from, to, done;
    uint64_t            deadline;
    pm_wire_text_t      t;
    helper_reader_t    *shared;
    helper_read_pid_t  *list;

    close(h->reads[1]);

    list = helper_read_list;
    shared = h->shared;
    n = helper_read_sort(h, list);
    deadline = helper_now() + HELPER_READ_ALL;

    /* what was read is of use only before the worker stops waiting */

    if (deadline > h->expires - HELPER_READ_MARGIN) {
        deadline = h->expires - HELPER_READ_MARGIN;
    }

    for (from = 0; from < n; from = to) {

        for (to = from; to < n && list[to].owner == list[from].owner; to++) {
            shared->pids[to - from] = list[to].pid;
        }

        shared->index = 0;

        while (shared->index < to - from) {

            done = helper_read_some(h, to - from, list[from].owner,
                                    deadline, &error);

            if (done == to - from) {
                break;
            }

            /* the one it stuck at, and on with the next */

            shared->pids[done].fields &= ~shared->done;
            helper_read_error(&shared->pids[done], error);
            shared->index = (uint32_t) done + 1;
        }
    }

    helper_io_start(&t, "ok", NULL, NULL);
    helper_read_denied(&t, h->asked & ~h->fields);
    helper_io_final(&t, NULL);

    if (h->first) {
        helper_log(h, "first read of fields %x, %zu processes",
                   (unsigned) h->fields, h->npids);
    }
}


/*
 * By owner of the files, which is who may read them: the effective user, or
 * root for a process that is not dumpable.
 */

static size_t
helper_read_sort(helper_t *h, helper_read_pid_t *list)
{
    char            path[32];
    size_t          i, n;
    struct stat     st;
    pm_wire_pid_t  *p;

    for (i = 0, n = 0; i < h->npids; i++) {

        p = &h->pids[i];
        p->fields &= h->fields;

        if (p->fields == 0) {
            continue;
        }

        list[n].pid = *p;
        list[n].owner = helper_owner;

        if (!helper_unprivileged) {
            snprintf(path, sizeof(path), "%d/environ", p->pid);

            if (p->pid <= 0
                || fstatat(h->proc, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
            {
                helper_read_error(p, p->pid <= 0 ? EINVAL : errno);
                continue;
            }

            list[n].owner = st.st_uid;
        }

        n++;
    }

    qsort(list, n, sizeof(helper_read_pid_t), helper_read_cmp);

    return n;
}


static int
helper_read_cmp(const void *a, const void *b)
{
    const helper_read_pid_t  *x = a, *y = b;

    if (x->owner != y->owner) {
        return x->owner < y->owner ? -1 : 1;
    }

    return (x->pid.pid > y->pid.pid) - (x->pid.pid < y->pid.pid);
}


/* one reader from shared->index on; how far it came, and why no further */

static size_t
helper_read_some(helper_t *h, size_t n, uid_t owner, uint64_t deadline,
    int *error)
{
    helper_reader_t  *shared;

    shared = h->shared;
    shared->done = 0;

    if (helper_now() >= deadline) {
        *error = ETIMEDOUT;
        return shared->index;
    }

    shared->half = 0;
    shared->records[0].len = 0;
    shared->records[1].len = 0;
    shared->count = (uint32_t) n;

    if (write(h->sock, &owner, sizeof(owner)) != sizeof(owner)) {
        _exit(1);
    }

    *error = helper_read_follow(h, deadline);

    /* what it finished before it was stopped, the older half first */

    (void) helper_read_send(&shared->records[(shared->half & 1) ^ 1]);
    (void) helper_read_send(&shared->records[shared->half & 1]);

    return shared->index;
}


/*
 * A byte from the reader hands over the half it has written, a byte back says
 * that it is empty again.  A byte from who started it says that it ended.
 */

static int
helper_read_follow(helper_t *h, uint64_t deadline)
{
    int                late, wait;
    char               c;
    uid_t              end;
    uint32_t           index;
    uint64_t           now, limit;
    struct pollfd      pfd[2];
    helper_reader_t   *shared;

    shared = h->shared;
    index = shared->index;
    limit = helper_now() + HELPER_READ_ONE;
    end = HELPER_READER_END;
    late = 0;

    for ( ;; ) {
        now = helper_now();

        if (shared->index != index) {
            index = shared->index;
            limit = now + HELPER_READ_ONE;
        }

        if (!late && (now >= limit || now >= deadline)) {
            late = 1;

            if (write(h->sock, &end, sizeof(end)) != sizeof(end)) {
                _exit(1);
            }
        }

        wait = late ? -1 : (int) ((limit < deadline ? limit : deadline) - now);

        pfd[0].fd = h->sock;
        pfd[1].fd = late ? -1 : h->reads[0];
        pfd[0].events = pfd[1].events = POLLIN;
        pfd[0].revents = pfd[1].revents = 0;

        if (poll(pfd, 2, wait) == -1 && errno != EINTR) {
            _exit(1);                 /* it would be so for ever */
        }

        if (pfd[0].revents) {

            if (read(h->sock, &c, 1) != 1) {
                _exit(1);
            }

            while (recv(h->reads[0], &c, 1, MSG_DONTWAIT) == 1) {
                /* void: both halves are sent now */
            }

            return late ? ETIMEDOUT : EIO;
        }

        if (pfd[1].revents == 0 || read(h->reads[0], &c, 1) != 1) {
            continue;
        }

        if (helper_read_send(&shared->records[c & 1]) != 0) {
            _exit(0);                 /* nobody listens any more */
        }

        if (write(h->reads[0], &c, 1) != 1) {
            continue;                 /* it has just ended */
        }

        /* it may have waited for this */

        limit = helper_now() + HELPER_READ_ONE;
    }
}


static int
helper_read_send(helper_records_t *records)
{
    int  rc;

    rc = helper_io_send(records->data, records->len);
    records->len = 0;

    return rc;
}


static void
helper_read_error(const pm_wire_pid_t *pid, int error)
{
    int  f;

    for (f = 0; f < PM_READ_MAX; f++) {
        if (pid->fields & (1u << f)) {
            helper_io_record(pid->pid, f, error, NULL, 0);
        }
    }
}


static void
helper_read_denied(pm_wire_text_t *t, uint32_t fields)
{
    int     f;
    char    buf[256];
    size_t  n;

    if (fields == 0) {
        return;
    }

    for (f = 0, n = 0; f < PM_READ_MAX; f++) {
        if (fields & (1u << f)) {
            n += (size_t) snprintf(buf + n, sizeof(buf) - n, "%s%s",
                                   n ? "," : "", pm_read_names[f]);
        }
    }

    pm_wire_add(t, "denied", buf);
}
