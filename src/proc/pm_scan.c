
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "pm_host.h"
#include "pm_name.h"
#include "pm_parse.h"
#include "pm_pid.h"
#include "pm_procfs.h"
#include "pm_scan.h"
#include "pm_user.h"


/* another layout of the rows is another snapshot */
#define PM_SCAN_MAGIC    (0x504d0000 + (uint32_t) sizeof(pm_proc_t))

#define PM_SCAN_DENTS    65536
#define PM_SCAN_FILE     (16 * 1024 * 1024)
#define PM_SCAN_INTERN   256            /* a power of two */
#define PM_SCAN_USERS_MS 100            /* for the name service */
#define PM_SCAN_NAMES_MS 50             /* for a batch of long names */

/* pm_proc_t.flags */
#define PM_SCAN_UID      0x0001         /* uid[] is known, from whatever scan */
#define PM_SCAN_NAME     0x0002         /* cmdline was asked for the name */


typedef enum {
    PM_SYS_STAT = 0,
    PM_SYS_MEMINFO,
    PM_SYS_LOADAVG,
    PM_SYS_UPTIME,
    PM_SYS_CPU,
    PM_SYS_MEMORY,
    PM_SYS_IO,
    PM_SYS_MAX
} pm_scan_sys_e;


typedef struct {
    uint32_t        hash;
    pm_str_t        str;
} pm_scan_intern_t;


struct pm_scan_s {
    int               proc;             /* the folder */
    int               sys[PM_SYS_MAX];  /* -1 where there is none */
    size_t            page_size;
    uint32_t          ticks;            /* per second */
    pm_users_t       *users;
    pm_names_t       *names;
    pm_buf_t          file;
    char             *dents;
    int32_t          *pids;
    size_t            npids;
    size_t            pids_size;

    /* two, so that the last snapshot can be prev of the next */
    pm_buf_t          block[2];
    unsigned          turn;

    /* of the scan that runs */
    pm_buf_t         *b;
    size_t            used;
    unsigned          want;
    const pm_snapshot_t  *prev;
    double            elapsed;          /* seconds since prev */
    uint32_t          prev_next;        /* rows of prev are merged in */
    uint32_t          unnamed;          /* rows whose name may be cut */
    pm_scan_intern_t  intern[PM_SCAN_INTERN];
};


static int pm_scan_list(pm_scan_t *scan);
static int pm_scan_pid(pm_scan_t *scan, int32_t pid);
static int pm_scan_compare(const void *a, const void *b);
static int pm_scan_host(pm_scan_t *scan);
static int pm_scan_cpus(pm_scan_t *scan, const char *text, size_t len);
static void pm_scan_pressure(pm_scan_t *scan);
static int pm_scan_processes(pm_scan_t *scan);
static int pm_scan_process(pm_scan_t *scan, int32_t pid, pm_proc_t *p);
static int pm_scan_ids(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before);
static int pm_scan_status(pm_scan_t *scan, pm_proc_t *p);
static int pm_scan_names(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before, const pm_slice_t *comm);
static int pm_scan_long_names(pm_scan_t *scan);
static int pm_scan_unnamed(const pm_proc_t *p);
static int pm_scan_cgroup(pm_scan_t *scan, pm_proc_t *p);
static const pm_proc_t *pm_scan_before(pm_scan_t *scan, const pm_proc_t *p);
static int pm_scan_gone(void);
static int pm_scan_fatal(void);
static void pm_scan_count(pm_tasks_t *tasks, char state);
static int pm_scan_grow(pm_scan_t *scan, size_t n);
static int pm_scan_string(pm_scan_t *scan, const char *s, size_t len,
    pm_str_t *str);
static int pm_snapshot_within(const pm_snapshot_t *s, const pm_str_t *str);


static const char  *pm_scan_files[] = {
    "stat",
    "meminfo",
    "loadavg",
    "uptime",
    "pressure/cpu",
    "pressure/memory",
    "pressure/io"
};


#define pm_scan_snapshot(scan)  ((pm_snapshot_t *) (scan)->b->data)


pm_scan_t *
pm_scan_create(const char *root)
{
    int         i, err;
    char        path[PATH_MAX];
    pm_scan_t  *scan;

    scan = calloc(1, sizeof(pm_scan_t));
    if (scan == NULL) {
        return NULL;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {
        scan->sys[i] = -1;
    }

    scan->page_size = sysconf(_SC_PAGESIZE);
    scan->ticks = sysconf(_SC_CLK_TCK);

    scan->proc = pm_procfs_open(root);
    if (scan->proc == -1) {
        goto failed;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {

        scan->sys[i] = openat(scan->proc, pm_scan_files[i],
                              O_RDONLY|O_CLOEXEC);

        if (scan->sys[i] == -1 && i < PM_SYS_CPU) {
            goto failed;
        }
    }

    scan->dents = malloc(PM_SCAN_DENTS);
    if (scan->dents == NULL) {
        goto failed;
    }

    if (strcmp(root, "/proc") == 0) {
        scan->users = pm_users_create("/etc/passwd");

    } else {
        snprintf(path, sizeof(path), "%s/../etc/passwd", root);
        scan->users = pm_users_create(path);
    }

    if (scan->users == NULL) {
        goto failed;
    }

    scan->names = pm_names_create(scan->proc);
    if (scan->names == NULL) {
        goto failed;
    }

    return scan;

failed:

    err = errno;

    pm_scan_destroy(scan);

    errno = err;

    return NULL;
}


void
pm_scan_destroy(pm_scan_t *scan)
{
    int  i;

    if (scan == NULL) {
        return;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {
        if (scan->sys[i] != -1) {
            close(scan->sys[i]);
        }
    }

    if (scan->proc != -1) {
        close(scan->proc);
    }

    pm_names_destroy(scan->names);
    pm_users_destroy(scan->users);
    pm_buf_free(&scan->file);
    pm_buf_free(&scan->block[0]);
    pm_buf_free(&scan->block[1]);
    free(scan->dents);
    free(scan->pids);
    free(scan);
}


const pm_snapshot_t *
pm_scan(pm_scan_t *scan, unsigned want, const pm_snapshot_t *prev)
{
    pm_snapshot_t    *s;
    struct timespec   boot, wall;

    scan->turn ^= 1;

    if ((const char *) prev == scan->block[scan->turn].data) {
        scan->turn ^= 1;
    }

    scan->b = &scan->block[scan->turn];
    scan->used = 0;
    scan->want = want | PM_HAVE_STAT;
    scan->prev = prev;
    scan->prev_next = 0;
    scan->unnamed = 0;
    scan->elapsed = 0;

    memset(scan->intern, 0, sizeof(scan->intern));

    if (pm_scan_grow(scan, sizeof(pm_snapshot_t)) == -1) {
        return NULL;
    }

    s = pm_scan_snapshot(scan);

    memset(s, 0, sizeof(pm_snapshot_t));

    scan->used = sizeof(pm_snapshot_t);

    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &wall);

    s->magic = PM_SCAN_MAGIC;
    s->layout = sizeof(pm_snapshot_t);
    s->monotonic_ns = boot.tv_sec * 1000000000ULL + boot.tv_nsec;
    s->wall_ms = wall.tv_sec * 1000LL + wall.tv_nsec / 1000000;
    s->ticks_per_second = scan->ticks;
    s->page_size = scan->page_size;

    if (prev && prev->monotonic_ns < s->monotonic_ns) {
        scan->elapsed = (s->monotonic_ns - prev->monotonic_ns) / 1e9;
    }

    pm_users_refresh(scan->users, PM_SCAN_USERS_MS);

    if (pm_scan_list(scan) == -1
        || pm_scan_host(scan) == -1
        || pm_scan_processes(scan) == -1
        || pm_scan_long_names(scan) == -1)
    {
        return NULL;
    }

    s = pm_scan_snapshot(scan);

    s->size = scan->used;

    return s;
}


int
pm_snapshot_valid(const pm_snapshot_t *s, size_t size)
{
    int32_t           last;
    uint32_t          i;
    const pm_proc_t  *p;

    if (s == NULL || size < sizeof(pm_snapshot_t)
        || s->magic != PM_SCAN_MAGIC
        || s->layout != sizeof(pm_snapshot_t)
        || s->size != size
        || s->cpus_off % sizeof(uint64_t) || s->procs_off % sizeof(uint64_t)
        || s->cpus_off < sizeof(pm_snapshot_t) || s->cpus_off > size
        || s->procs_off < sizeof(pm_snapshot_t) || s->procs_off > size
        || s->ncpus > (size - s->cpus_off) / sizeof(pm_cpu_t)
        || s->nprocs > (size - s->procs_off) / sizeof(pm_proc_t)
        || s->ticks_per_second == 0)
    {
        return 0;
    }

    p = pm_snapshot_procs(s);
    last = 0;

    for (i = 0; i < s->nprocs; i++, p++) {

        if (p->pid <= last
            || !pm_snapshot_within(s, &p->comm)
            || !pm_snapshot_within(s, &p->name)
            || !pm_snapshot_within(s, &p->username)
            || !pm_snapshot_within(s, &p->cgroup))
        {
            return 0;
        }

        last = p->pid;
    }

    return 1;
}


const pm_proc_t *
pm_snapshot_find(const pm_snapshot_t *s, int32_t pid)
{
    uint32_t          low, high, middle;
    const pm_proc_t  *procs;

    procs = pm_snapshot_procs(s);
    low = 0;
    high = s->nprocs;

    while (low < high) {

        middle = low + (high - low) / 2;

        if (procs[middle].pid < pid) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low < s->nprocs && procs[low].pid == pid ? &procs[low] : NULL;
}


/* all pids, ascending */

static int
pm_scan_list(pm_scan_t *scan)
{
    int                      sorted;
    char                    *p, *end;
    long                     n;
    uint64_t                 pid;
    const char              *name, *stop;
    const struct dirent64   *entry;

    scan->npids = 0;
    sorted = 1;

    if (lseek(scan->proc, 0, SEEK_SET) == -1) {
        return -1;
    }

    for ( ;; ) {

        n = syscall(SYS_getdents64, scan->proc, scan->dents, PM_SCAN_DENTS);

        if (n == -1) {
            return -1;
        }

        if (n == 0) {
            break;
        }

        end = scan->dents + n;

        for (p = scan->dents; p < end; p += entry->d_reclen) {

            entry = (const struct dirent64 *) p;
            name = entry->d_name;

            if (*name < '1' || *name > '9') {
                continue;
            }

            stop = pm_parse_u64(name, name + 11, &pid);

            if (stop == NULL || *stop != '\0' || pid > INT32_MAX) {
                continue;
            }

            if (scan->npids && scan->pids[scan->npids - 1] > (int32_t) pid) {
                sorted = 0;
            }

            if (pm_scan_pid(scan, pid) == -1) {
                return -1;
            }
        }
    }

    /* the kernel lists them in order, a folder of fixtures does not */

    if (!sorted) {
        qsort(scan->pids, scan->npids, sizeof(int32_t), pm_scan_compare);
    }

    return 0;
}


static int
pm_scan_pid(pm_scan_t *scan, int32_t pid)
{
    size_t    size;
    int32_t  *pids;

    if (scan->npids == scan->pids_size) {

        size = scan->pids_size ? scan->pids_size * 2 : 1024;

        pids = realloc(scan->pids, size * sizeof(int32_t));
        if (pids == NULL) {
            return -1;
        }

        scan->pids = pids;
        scan->pids_size = size;
    }

    scan->pids[scan->npids++] = pid;

    return 0;
}


static int
pm_scan_compare(const void *a, const void *b)
{
    int32_t  x, y;

    x = *(const int32_t *) a;
    y = *(const int32_t *) b;

    return (x > y) - (x < y);
}


static int
pm_scan_host(pm_scan_t *scan)
{
    int             i;
    ssize_t         n;
    pm_snapshot_t  *s;

    for (i = 0; i < PM_SYS_CPU; i++) {

        n = pm_procfs_reread(scan->sys[i], &scan->file, PM_SCAN_FILE);

        if (n == -1) {
            return -1;
        }

        s = pm_scan_snapshot(scan);

        switch (i) {

        case PM_SYS_STAT:
            if (pm_scan_cpus(scan, scan->file.data, n) == -1) {
                return -1;
            }

            continue;

        case PM_SYS_MEMINFO:
            if (pm_host_parse_meminfo(scan->file.data, n, &s->memory) == 0) {
                continue;
            }

            break;

        case PM_SYS_LOADAVG:
            if (pm_host_parse_loadavg(scan->file.data, n, s->load) == 0) {
                continue;
            }

            break;

        case PM_SYS_UPTIME:
            if (pm_host_parse_uptime(scan->file.data, n, &s->uptime) == 0) {
                continue;
            }

            break;
        }

        errno = EBADMSG;
        return -1;
    }

    pm_scan_pressure(scan);

    return 0;
}


static int
pm_scan_cpus(pm_scan_t *scan, const char *text, size_t len)
{
    size_t                 room;
    uint32_t               i, n;
    pm_cpu_t              *cpus;
    const pm_cpu_t        *before;
    pm_snapshot_t         *s;
    const pm_snapshot_t   *prev;

    room = scan->prev ? scan->prev->ncpus : sysconf(_SC_NPROCESSORS_CONF);

    for ( ;; ) {

        if (pm_scan_grow(scan, room * sizeof(pm_cpu_t)) == -1) {
            return -1;
        }

        s = pm_scan_snapshot(scan);
        cpus = (pm_cpu_t *) (scan->b->data + scan->used);

        memset(cpus, 0, room * sizeof(pm_cpu_t));

        if (pm_host_parse_stat(text, len, &s->cpu.ticks, cpus, room, &n,
                               &s->btime)
            == -1)
        {
            errno = EBADMSG;
            return -1;
        }

        if (n <= room) {
            break;
        }

        room = n;
    }

    s->ncpus = n;
    s->cpus_off = scan->used;

    scan->used += n * sizeof(pm_cpu_t);

    prev = scan->prev;

    if (pm_host_cpu_percent(prev ? &prev->cpu.ticks : NULL, &s->cpu.ticks,
                            &s->cpu.percent)
        == -1)
    {
        /* not a tick passed */

        if (prev) {
            s->cpu.percent = prev->cpu.percent;

        } else {
            s->cpu.percent.id = 100;
        }
    }

    /* a CPU that came or went moves the others */

    before = (prev && prev->ncpus == n) ? pm_snapshot_cpus(prev) : NULL;

    for (i = 0; i < n; i++) {

        if (pm_host_cpu_percent(before ? &before[i].ticks : NULL,
                                &cpus[i].ticks, &cpus[i].percent)
            == -1)
        {
            if (before) {
                cpus[i].percent = before[i].percent;

            } else {
                cpus[i].percent.id = 100;
            }
        }
    }

    return 0;
}


static void
pm_scan_pressure(pm_scan_t *scan)
{
    int             i, full;
    ssize_t         n;
    pm_snapshot_t  *s;

    s = pm_scan_snapshot(scan);

    for (i = 0; i < 3; i++) {

        if (scan->sys[PM_SYS_CPU + i] == -1) {
            continue;
        }

        n = pm_procfs_reread(scan->sys[PM_SYS_CPU + i], &scan->file,
                             PM_SCAN_FILE);

        if (n == -1
            || pm_host_parse_pressure(scan->file.data, n,
                                      &s->pressure_some[i],
                                      &s->pressure_full[i], &full)
               == -1)
        {
            continue;
        }

        s->have_pressure |= PM_PRESSURE_SOME << i;

        if (full) {
            s->have_pressure |= PM_PRESSURE_FULL << i;
        }
    }
}


static int
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


/* 1: it is read, 0: it is gone (or hidden), -1: the scan fails */

static int
pm_scan_process(pm_scan_t *scan, int32_t pid, pm_proc_t *p)
{
    char              path[PM_PROCFS_PATH], text[4096];
    ssize_t           n;
    uint64_t          used;
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

    if (scan->want & PM_HAVE_STATM) {

        char  statm[256];

        pm_procfs_path(path, pid, "statm");

        n = pm_procfs_read(scan->proc, path, statm, sizeof(statm));

        if (n == -1) {
            if (pm_scan_gone()) {
                return 0;
            }

            if (pm_scan_fatal()) {
                return -1;
            }

        } else {
            (void) pm_pid_parse_statm(statm, n, scan->page_size, p);
        }
    }

    before = pm_scan_before(scan, p);

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

    if (before && scan->elapsed > 0) {

        used = p->utime + p->stime;

        if (used > before->utime + before->stime) {
            used -= before->utime + before->stime;

            p->cpu_percent = rint((double) used / scan->ticks
                                  / scan->elapsed * 1000)
                             / 10;
        }
    }

    if (pm_scan_names(scan, p, before, &comm) == -1) {
        return -1;
    }

    return 1;
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

    if (before && (before->flags & PM_SCAN_NAME)
        && before->comm.len == comm->len
        && memcmp(pm_snapshot_str(scan->prev, before->comm), comm->data,
                  comm->len)
           == 0)
    {
        p->flags |= PM_SCAN_NAME;

        if (pm_scan_string(scan, pm_snapshot_str(scan->prev, before->name),
                           before->name.len, &p->name)
            == -1)
        {
            return -1;
        }
    }

    name = pm_users_name(scan->users,
                         p->flags & PM_SCAN_UID ? p->uid[0] : p->euid, &len);

    return pm_scan_string(scan, name, len, &p->username);
}


/* asks for the names that no scan has asked for yet */

static int
pm_scan_long_names(pm_scan_t *scan)
{
    size_t            n;
    uint32_t          i, first;
    pm_str_t          name;
    pm_proc_t        *p;
    pm_snapshot_t    *s;
    const pm_name_t  *found;

    first = 0;

    while (scan->unnamed) {

        s = pm_scan_snapshot(scan);
        p = (pm_proc_t *) pm_snapshot_procs(s);

        pm_names_start(scan->names);

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
    }

    return 0;
}


/*
 * A kernel thread and a zombie have no arguments; in state D a process often
 * holds the lock that the read would wait for: a later scan will ask.
 */

static int
pm_scan_unnamed(const pm_proc_t *p)
{
    return p->comm.len >= PM_PID_COMM && !(p->flags & PM_SCAN_NAME)
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


/* the row of the last scan; both lists go up by pid */

static const pm_proc_t *
pm_scan_before(pm_scan_t *scan, const pm_proc_t *p)
{
    const pm_proc_t  *rows, *row;

    if (scan->prev == NULL) {
        return NULL;
    }

    rows = pm_snapshot_procs(scan->prev);

    while (scan->prev_next < scan->prev->nprocs) {

        row = &rows[scan->prev_next];

        if (row->pid > p->pid) {
            break;
        }

        scan->prev_next++;

        if (row->pid == p->pid) {
            return row->starttime == p->starttime ? row : NULL;
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


/* room for n bytes behind what is used; the block may move */

static int
pm_scan_grow(pm_scan_t *scan, size_t n)
{
    size_t  need, size;

    need = scan->used + n;

    if (need <= scan->b->size) {
        return 0;
    }

    if (need > UINT32_MAX) {
        errno = EFBIG;
        return -1;
    }

    size = need + need / 4 + 4096;

    return pm_buf_grow(scan->b, size);
}


/*
 * Many processes have the same user and control group: what still stands at
 * its place in the table is not written again.
 */

static int
pm_scan_string(pm_scan_t *scan, const char *s, size_t len, pm_str_t *str)
{
    size_t             i;
    uint32_t           hash;
    pm_scan_intern_t  *slot;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) s[i]) * 16777619u;
    }

    slot = &scan->intern[(hash ^ hash >> 16) & (PM_SCAN_INTERN - 1)];

    if (slot->hash == hash && slot->str.len == len && slot->str.off
        && memcmp(scan->b->data + slot->str.off, s, len) == 0)
    {
        *str = slot->str;
        return 0;
    }

    if (pm_scan_grow(scan, len) == -1) {
        return -1;
    }

    memcpy(scan->b->data + scan->used, s, len);

    str->off = scan->used;
    str->len = len;

    scan->used += len;

    slot->hash = hash;
    slot->str = *str;

    return 0;
}


static int
pm_snapshot_within(const pm_snapshot_t *s, const pm_str_t *str)
{
    return str->off <= s->size && str->len <= s->size - str->off;
}
