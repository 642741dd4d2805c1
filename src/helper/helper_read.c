
/*
 * Protected files of /proc for many processes in one go.  A read there can
 * hang for ever and ends by SIGKILL only, so it is done by children, one for
 * each owner; what they read lies in memory that is shared with them, and is
 * sent on in whole records: one that is killed takes its last record with it
 * and nothing else.  While one half of the memory is sent, the other is
 * written.
 */


#include "helper.h"
#include "helper_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>


#define HELPER_READ_ONE   2000        /* ms for one process */
#define HELPER_READ_ALL   20000       /* ms for all */
#define HELPER_READ_MARGIN  250       /* ms to send the rest */


typedef struct {
    pm_wire_pid_t   pid;
    uid_t           owner;
} helper_read_pid_t;


static size_t helper_read_sort(helper_t *h, helper_read_pid_t *list,
    uint32_t fields);
static int helper_read_cmp(const void *a, const void *b);
static size_t helper_read_some(helper_reader_t *shared, size_t n, uid_t owner,
    uint64_t deadline, int *error);
static int helper_read_follow(helper_reader_t *shared, int sock,
    uint64_t deadline);
static int helper_read_send(helper_records_t *records);
static void helper_read_error(const pm_wire_pid_t *pid, int error);
static void helper_read_denied(pm_wire_text_t *t, uint32_t fields);


void
helper_read(helper_t *h)
{
    int                 dir, error;
    char                mark[64], why[HELPER_WHY];
    size_t              n, i, from, to, done;
    uint32_t            asked, fields;
    uint64_t            deadline;
    pm_wire_text_t      t;
    helper_reader_t    *shared;
    helper_read_pid_t  *list;

    fields = pm_policy_fields(&h->policy, h->role);

    for (i = 0, asked = 0; i < h->npids; i++) {
        asked |= h->pids[i].fields;
    }

    asked &= (1u << PM_READ_MAX) - 1;

    if (h->npids && (asked & fields) == 0) {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow these fields to the role %s", h->role_name);
        return;
    }

    list = malloc((h->npids + 1) * sizeof(helper_read_pid_t));
    shared = mmap(NULL, sizeof(helper_reader_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (list == NULL || shared == MAP_FAILED) {
        helper_io_answer(h, "error", "helper_error", "no memory");
        free(list);
        return;
    }

    n = helper_read_sort(h, list, fields);
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

            done = helper_read_some(shared, to - from, list[from].owner,
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

    free(list);

    helper_io_start(&t, "ok", NULL, NULL);
    helper_read_denied(&t, asked & ~fields);
    helper_io_final(&t, NULL);

    snprintf(mark, sizeof(mark), "read.%s.%x", h->role_name,
             (unsigned) (asked & fields));

    dir = helper_spool_open(why, sizeof(why));

    if (dir != -1 && helper_spool_first(dir, mark)) {
        helper_log(h, "first read of fields %x, %zu processes",
                   (unsigned) (asked & fields), h->npids);
    }
}


/*
 * By owner of the files, which is who may read them: the effective user, or
 * root for a process that is not dumpable.
 */

static size_t
helper_read_sort(helper_t *h, helper_read_pid_t *list, uint32_t fields)
{
    int             proc;
    char            path[32];
    size_t          i, n;
    struct stat     st;
    pm_wire_pid_t  *p;

    proc = open("/proc", O_PATH|O_DIRECTORY|O_CLOEXEC);

    for (i = 0, n = 0; i < h->npids; i++) {

        p = &h->pids[i];
        p->fields &= fields;

        if (p->fields == 0) {
            continue;
        }

        list[n].pid = *p;
        list[n].owner = helper_owner;

        if (!helper_unprivileged) {
            snprintf(path, sizeof(path), "%d/environ", p->pid);

            if (p->pid <= 0
                || fstatat(proc, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
            {
                helper_read_error(p, p->pid <= 0 ? EINVAL : errno);
                continue;
            }

            list[n].owner = st.st_uid;
        }

        n++;
    }

    close(proc);

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
helper_read_some(helper_reader_t *shared, size_t n, uid_t owner,
    uint64_t deadline, int *error)
{
    int    sock[2];
    pid_t  pid;

    *error = EAGAIN;
    shared->done = 0;

    if (helper_now() >= deadline) {
        *error = ETIMEDOUT;
        return shared->index;
    }

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sock) == -1) {
        return shared->index;
    }

    shared->half = 0;
    shared->records[0].len = 0;
    shared->records[1].len = 0;
    shared->count = (uint32_t) n;
    pid = fork();

    if (pid == 0) {
        close(sock[0]);
        helper_reader(shared, owner, sock[1]);
    }

    close(sock[1]);

    if (pid != -1) {
        *error = helper_read_follow(shared, sock[0], deadline);

        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);

        /* what it finished before it was stopped, the older half first */
        (void) helper_read_send(&shared->records[(shared->half & 1) ^ 1]);
        (void) helper_read_send(&shared->records[shared->half & 1]);
    }

    close(sock[0]);

    return shared->index;
}


/*
 * A byte from the reader hands over the half it has written, a byte back says
 * that it is empty again.  Its end of the socket closes when it is through.
 */

static int
helper_read_follow(helper_reader_t *shared, int sock, uint64_t deadline)
{
    int             wait;
    char            c;
    uint32_t        index;
    uint64_t        now, limit;
    struct pollfd   pfd;

    index = shared->index;
    limit = helper_now() + HELPER_READ_ONE;

    for ( ;; ) {
        now = helper_now();

        if (shared->index != index) {
            index = shared->index;
            limit = now + HELPER_READ_ONE;
        }

        if (now >= limit || now >= deadline) {
            return ETIMEDOUT;
        }

        wait = (int) ((limit < deadline ? limit : deadline) - now);

        pfd.fd = sock;
        pfd.events = POLLIN;

        if (poll(&pfd, 1, wait) != 1) {
            continue;
        }

        if (read(sock, &c, 1) != 1) {
            return EIO;
        }

        if (helper_read_send(&shared->records[c & 1]) != 0) {
            _exit(0);                 /* nobody listens any more */
        }

        if (write(sock, &c, 1) != 1) {
            return EIO;
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
