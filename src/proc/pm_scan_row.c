
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "pm_scan_part.h"


#define PM_SCAN_NAMES_MS  50            /* for a batch of long names */


static int pm_scan_ids(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before);
static int pm_scan_status(pm_scan_t *scan, pm_proc_t *p);
static int pm_scan_names(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before, const pm_slice_t *comm);
static int pm_scan_cgroup(pm_scan_t *scan, pm_proc_t *p);
static void pm_scan_percent(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before);
static int pm_scan_gone(void);
static int pm_scan_fatal(void);
static void pm_scan_count(pm_tasks_t *tasks, char state);


int
pm_scan_processes(pm_scan_t *scan)
{
    int             rc;
    size_t          i, n, off;
    pm_proc_t       p;
    pm_tasks_t      tasks;
    pm_snapshot_t  *s;

    n = 0;
    off = scan->used;

    /* rows of processes that vanish on the way stay a gap before the text */

    if (pm_scan_grow(scan, scan->npids * sizeof(pm_proc_t)) == -1) {
        return -1;
    }

    scan->used += scan->npids * sizeof(pm_proc_t);

    memset(&tasks, 0, sizeof(pm_tasks_t));

    for (i = 0; i < scan->npids; i++) {

        rc = pm_scan_process(scan, scan->pids[i], &p);

        if (rc == -1) {
            return -1;
        }

        if (rc == 0) {
            continue;
        }

        memcpy(scan->b->data + off + n * sizeof(pm_proc_t), &p,
               sizeof(pm_proc_t));
        n++;

        scan->unnamed += pm_scan_unnamed(&p);

        pm_scan_count(&tasks, p.state);
    }

    memset(scan->b->data + off + n * sizeof(pm_proc_t), 0,
           (scan->npids - n) * sizeof(pm_proc_t));

    s = pm_scan_snapshot(scan);

    s->procs_off = off;
    s->nprocs = n;
    s->tasks = tasks;

    return 0;
}


int
pm_scan_process(pm_scan_t *scan, int32_t pid, pm_proc_t *p)
{
    char              path[PM_PROCFS_PATH], text[4096];
    ssize_t           n;
    pm_slice_t        comm;
    const pm_proc_t  *before;

    memset(p, 0, sizeof(pm_proc_t));

    pm_procfs_path(path, pid, "stat");

    n = pm_procfs_read(scan->proc, path, text, sizeof(text));

    if (n == -1) {
        return pm_scan_fatal() ? -1 : 0;
    }

    if (pm_pid_parse_stat(text, n, p, &comm) == -1 || p->pid != pid) {
        return 0;
    }

    p->sampled = pm_scan_snapshot(scan)->monotonic_ns;

    if (scan->want & (PM_HAVE_STATM|PM_HAVE_LARGEST)) {

        switch (pm_scan_statm(scan, pid, p)) {

        case 0:
            return 0;

        case -1:
            return -1;
        }
    }

    before = pm_scan_before(scan, pid);

    if (before && before->starttime != p->starttime) {
        before = NULL;
    }

    switch (pm_scan_ids(scan, p, before)) {

    case 0:
        return 0;

    case -1:
        return -1;
    }

    if (scan->want & PM_HAVE_CGROUP) {

        switch (pm_scan_cgroup(scan, p)) {

        case 0:
            return 0;

        case -1:
            return -1;
        }
    }

    if (before) {
        pm_scan_percent(scan, p, before);
    }

    if (pm_scan_names(scan, p, before, &comm) == -1) {
        return -1;
    }

    return 1;
}


int
pm_scan_statm(pm_scan_t *scan, int32_t pid, pm_proc_t *p)
{
    char     path[PM_PROCFS_PATH], text[256];
    ssize_t  n;

    pm_procfs_path(path, pid, "statm");

    n = pm_procfs_read(scan->proc, path, text, sizeof(text));

    if (n == -1) {
        if (pm_scan_gone()) {
            return 0;
        }

        return pm_scan_fatal() ? -1 : 1;
    }

    (void) pm_pid_parse_statm(text, n, scan->page_size, p);

    return 1;
}


/* a row that was never sampled says 0 */

static void
pm_scan_percent(pm_scan_t *scan, pm_proc_t *p, const pm_proc_t *before)
{
    uint64_t  used, last;

    used = p->utime + p->stime;
    last = before->utime + before->stime;

    if (before->sampled && before->sampled < p->sampled && used > last) {

        p->cpu_percent = rint((double) (used - last) / scan->ticks
                              / ((p->sampled - before->sampled) / 1e9)
                              * 1000)
                         / 10;
    }
}


/*
 * The real uid stands in status alone.  It is read once in the life of a
 * process, and again when the effective one changed, unless the whole of
 * status is wanted.
 */

static int
pm_scan_ids(pm_scan_t *scan, pm_proc_t *p, const pm_proc_t *before)
{
    char         path[PM_PROCFS_PATH];
    struct stat  st;

    if (scan->want & PM_HAVE_STATUS) {
        return pm_scan_status(scan, p);
    }

    pm_procfs_path(path, p->pid, "");

    if (fstatat(scan->proc, path, &st, 0) == -1) {
        return pm_scan_fatal() ? -1 : 0;
    }

    p->euid = st.st_uid;

    if (before && (before->flags & PM_SCAN_UID) && before->euid == p->euid) {
        memcpy(p->uid, before->uid, sizeof(p->uid));
        memcpy(p->gid, before->gid, sizeof(p->gid));
        p->flags |= PM_SCAN_UID;

        return 1;
    }

    return pm_scan_status(scan, p);
}


static int
pm_scan_status(pm_scan_t *scan, pm_proc_t *p)
{
    char         path[PM_PROCFS_PATH];
    ssize_t      n;
    struct stat  st;

    pm_procfs_path(path, p->pid, "status");

    n = pm_procfs_read_record(scan->proc, path, &scan->file,
                              PM_SCAN_FILE);

    if (n == -1) {
        if (pm_scan_gone()) {
            return 0;
        }

        if (pm_scan_fatal()) {
            return -1;
        }

    } else if (pm_pid_parse_status(scan->file.data, n, p) == 0) {
        p->flags |= PM_SCAN_UID;
        p->euid = p->uid[1];

        if (!(scan->want & PM_HAVE_STATUS)) {

            /* only its ids stay true until the next scan */

            p->have &= ~PM_HAVE_STATUS;
            p->nvcsw = 0;
            p->nivcsw = 0;
        }

        return 1;
    }

    pm_procfs_path(path, p->pid, "");

    if (fstatat(scan->proc, path, &st, 0) == -1) {
        return pm_scan_fatal() ? -1 : 0;
    }

    p->euid = st.st_uid;

    return 1;
}


static int
pm_scan_names(pm_scan_t *scan, pm_proc_t *p, const pm_proc_t *before,
    const pm_slice_t *comm)
{
    size_t       len;
    const char  *name;

    if (pm_scan_string(scan, comm->data, comm->len, &p->comm) == -1) {
        return -1;
    }

    p->name = p->comm;

    /* the answer of cmdline stands as long as the comm does */

    if (before
        && before->comm.len == comm->len
        && memcmp(pm_snapshot_str(scan->prev, before->comm), comm->data,
                  comm->len)
           == 0
        && pm_scan_keep_name(scan, p, before) == -1)
    {
        return -1;
    }

    name = pm_users_name(scan->users,
                         p->flags & PM_SCAN_UID ? p->uid[0] : p->euid, &len);

    return pm_scan_string(scan, name, len, &p->username);
}


int
pm_scan_keep_name(pm_scan_t *scan, pm_proc_t *p, const pm_proc_t *before)
{
    if (!(before->flags & (PM_SCAN_NAME|PM_SCAN_TRIES))) {
        return 0;
    }

    p->flags |= before->flags & (PM_SCAN_NAME|PM_SCAN_TRIES);

    if (pm_scan_string(scan, pm_snapshot_str(scan->prev, before->comm),
                       before->comm.len, &p->comm)
        == -1)
    {
        return -1;
    }

    return pm_scan_string(scan, pm_snapshot_str(scan->prev, before->name),
                          before->name.len, &p->name);
}


int
pm_scan_long_names(pm_scan_t *scan)
{
    size_t            n;
    uint32_t          i, first;
    pm_str_t          name;
    pm_proc_t        *p;
    pm_snapshot_t    *s;
    const pm_name_t  *found;

    first = 0;

    /* a reader of an earlier scan may have ended since */

    pm_names_start(scan->names);

    while (scan->unnamed) {

        s = pm_scan_snapshot(scan);
        p = (pm_proc_t *) pm_snapshot_procs(s);

        for (i = first; i < s->nprocs; i++) {

            if (pm_scan_unnamed(&p[i])
                && !pm_names_add(scan->names, p[i].pid,
                                 pm_snapshot_str(s, p[i].comm),
                                 p[i].comm.len))
            {
                break;
            }
        }

        found = pm_names_read(scan->names, PM_SCAN_NAMES_MS, &n);

        if (n == 0) {
            break;
        }

        for (i = first; n; i++) {

            s = pm_scan_snapshot(scan);
            p = (pm_proc_t *) pm_snapshot_procs(s) + i;

            if (p->pid != found->pid) {
                continue;
            }

            if (found->state == PM_NAME_WAITS) {

                /* the time is over, the next scan asks */

                return 0;
            }

            if (found->state == PM_NAME_STUCK
                && (p->flags & PM_SCAN_TRIES) < 2 * PM_SCAN_TRY)
            {
                /* the reader may only have waited for a CPU */

                p->flags += PM_SCAN_TRY;
                return 0;
            }

            p->flags |= PM_SCAN_NAME;
            scan->unnamed--;

            if (found->state == PM_NAME_LONG) {

                if (pm_scan_string(scan, found->name, found->len, &name)
                    == -1)
                {
                    return -1;
                }

                s = pm_scan_snapshot(scan);
                p = (pm_proc_t *) pm_snapshot_procs(s) + i;
                p->name = name;
            }

            found++;
            n--;
        }

        first = i;

        pm_names_start(scan->names);
    }

    return 0;
}


/*
 * A kernel thread and a zombie have no arguments; in state D a process often
 * holds the lock that the read would wait for: a later scan will ask.
 */

int
pm_scan_unnamed(const pm_proc_t *p)
{
    return (p->have & PM_HAVE_STAT)
           && p->comm.len >= PM_PID_COMM && !(p->flags & PM_SCAN_NAME)
           && !p->kthread && p->state != 'Z' && p->state != 'X'
           && p->state != 'D';
}


static int
pm_scan_cgroup(pm_scan_t *scan, pm_proc_t *p)
{
    char        path[PM_PROCFS_PATH];
    ssize_t     n;
    pm_slice_t  cgroup;

    pm_procfs_path(path, p->pid, "cgroup");

    n = pm_procfs_read_record(scan->proc, path, &scan->file,
                              PM_SCAN_FILE);

    if (n == -1) {
        if (pm_scan_gone()) {
            return 0;
        }

        return pm_scan_fatal() ? -1 : 1;
    }

    if (pm_pid_parse_cgroup(scan->file.data, n, &cgroup) == -1) {
        return 1;
    }

    if (pm_scan_string(scan, cgroup.data, cgroup.len, &p->cgroup) == -1) {
        return -1;
    }

    p->have |= PM_HAVE_CGROUP;

    return 1;
}


/* both lists go up by pid */

const pm_proc_t *
pm_scan_before(pm_scan_t *scan, int32_t pid)
{
    const pm_proc_t  *rows, *row;

    if (scan->prev == NULL) {
        return NULL;
    }

    rows = pm_snapshot_procs(scan->prev);

    while (scan->prev_next < scan->prev->nprocs) {

        row = &rows[scan->prev_next];

        if (row->pid > pid) {
            break;
        }

        scan->prev_next++;

        if (row->pid == pid) {
            return row;
        }
    }

    return NULL;
}


static int
pm_scan_gone(void)
{
    return errno == ENOENT || errno == ESRCH || errno == ENOTDIR;
}


/* what a list without this process must not hide */

static int
pm_scan_fatal(void)
{
    return errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}


static void
pm_scan_count(pm_tasks_t *tasks, char state)
{
    tasks->total++;

    switch (state) {

    case 'R':
        tasks->running++;
        break;

    case 'T':
    case 't':
        tasks->stopped++;
        break;

    case 'Z':
        tasks->zombie++;
        break;

    default:
        tasks->sleeping++;
        break;
    }
}
