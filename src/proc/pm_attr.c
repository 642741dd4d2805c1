
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/ioprio.h>

#include "pm_attr.h"
#include "pm_parse.h"
#include "pm_procfs.h"


#define PM_ATTR_DENTS    32768
#define PM_ATTR_THREADS  1048576


typedef enum {
    PM_FDS_UNKNOWN = 0,
    PM_FDS_SIZE,
    PM_FDS_NONE
} pm_fds_e;


static int pm_threads_list(pm_threads_t *t, int task);
static int pm_threads_push(pm_threads_t *t, int32_t tid);
static int pm_threads_cmp(const void *a, const void *b);
static int pm_threads_times(pm_threads_t *t, int dir, const char *prefix,
    int32_t pid, uint64_t starttime);
static const char *pm_limit_value(const char *p, const char *end,
    uint64_t *value);
static int pm_ttys_folder(pm_ttys_t *t, const char *dev, const char *folder,
    const char *start);


static int  pm_fds_known = PM_FDS_UNKNOWN;


const char *const  pm_limit_names[PM_LIMITS] = {
    "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK",
    "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME"
};

static const char *const  pm_limit_lines[PM_LIMITS] = {
    "Max cpu time ", "Max file size ", "Max data size ", "Max stack size ",
    "Max core file size ", "Max resident set ", "Max processes ",
    "Max open files ", "Max locked memory ", "Max address space ",
    "Max file locks ", "Max pending signals ", "Max msgqueue size ",
    "Max nice priority ", "Max realtime priority ", "Max realtime timeout "
};


int
pm_threads_read(pm_threads_t *t, int proc, int32_t pid, uint64_t starttime,
    int alone)
{
    int   task, rc;
    char  path[PM_PROCFS_PATH], prefix[PM_PROCFS_PATH];

    t->n = 0;

    if (alone) {

        /* its only thread has its number: no folder is opened */

        rc = pm_threads_push(t, pid);

        if (rc != 0) {
            return rc;
        }

        (void) snprintf(prefix, sizeof(prefix), "%d/task/", pid);

        return pm_threads_times(t, proc, prefix, pid, starttime);
    }

    if (pm_procfs_path(path, pid, "task") == 0) {
        return EINVAL;
    }

    task = openat(proc, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (task == -1) {
        return errno;
    }

    rc = pm_threads_list(t, task);

    if (rc == 0) {

        if (t->n > 1) {
            qsort(t->elts, t->n, sizeof(pm_thread_t), pm_threads_cmp);
        }

        rc = pm_threads_times(t, task, "", pid, starttime);
    }

    close(task);

    return rc;
}


static int
pm_threads_list(pm_threads_t *t, int task)
{
    int                rc;
    uint64_t           tid;
    ssize_t            n, off;
    const char        *end;
    struct dirent64   *e;

    if (t->dents == NULL) {
        t->dents = malloc(PM_ATTR_DENTS);
        if (t->dents == NULL) {
            return ENOMEM;
        }
    }

    for ( ;; ) {
        n = getdents64(task, t->dents, PM_ATTR_DENTS);

        if (n <= 0) {
            return n ? errno : 0;
        }

        for (off = 0; off < n; off += e->d_reclen) {
            e = (struct dirent64 *) (t->dents + off);

            end = e->d_name + strlen(e->d_name);

            if (pm_parse_u64(e->d_name, end, &tid) != end
                || tid > INT32_MAX)
            {
                continue;
            }

            rc = pm_threads_push(t, (int32_t) tid);

            if (rc != 0) {
                return rc;
            }
        }
    }
}


static int
pm_threads_push(pm_threads_t *t, int32_t tid)
{
    size_t        allocated;
    pm_thread_t  *elts;

    if (t->n == t->allocated) {

        if (t->n == PM_ATTR_THREADS) {
            return E2BIG;
        }

        allocated = t->allocated ? 2 * t->allocated : 64;

        elts = realloc(t->elts, allocated * sizeof(pm_thread_t));
        if (elts == NULL) {
            return ENOMEM;
        }

        t->elts = elts;
        t->allocated = allocated;
    }

    t->elts[t->n].tid = tid;
    t->n++;

    return 0;
}


/* as strings: "10" stands before "9" */

static int
pm_threads_cmp(const void *a, const void *b)
{
    const pm_thread_t  *x = a, *y = b;

    uint32_t            u, v, p, q;

    if (x->tid == y->tid) {
        return 0;
    }

    u = (uint32_t) x->tid;
    v = (uint32_t) y->tid;

    for (p = 1; u / p >= 10; p *= 10) { /* void */ }
    for (q = 1; v / q >= 10; q *= 10) { /* void */ }

    /* of the same length, and where they are equal the shorter is first */

    if (p < q) {
        v /= q / p;
        return (u > v) ? 1 : -1;
    }

    u /= p / q;

    return (u < v) ? -1 : (u > v || p > q) ? 1 : 0;
}


/* those that ended meanwhile are left out */

static int
pm_threads_times(pm_threads_t *t, int dir, const char *prefix, int32_t pid,
    uint64_t starttime)
{
    char         path[2 * PM_PROCFS_PATH], text[4096];
    size_t       i, k;
    ssize_t      n;
    pm_proc_t    p;
    pm_slice_t   comm;

    for (i = 0, k = 0; i < t->n; i++) {

        (void) snprintf(path, sizeof(path), "%s%d/stat", prefix,
                        t->elts[i].tid);

        n = pm_procfs_read(dir, path, text, sizeof(text));

        if (n == -1) {

            if (errno != ENOENT && errno != ESRCH) {
                return errno;
            }

            continue;
        }

        if (pm_pid_parse_stat(text, n, &p, &comm) == -1) {
            continue;
        }

        if (t->elts[i].tid == pid && starttime && p.starttime != starttime) {
            return ESRCH;
        }

        t->elts[k].tid = t->elts[i].tid;
        t->elts[k].utime = p.utime;
        t->elts[k].stime = p.stime;
        k++;
    }

    t->n = k;

    return k ? 0 : ESRCH;
}


void
pm_threads_free(pm_threads_t *t)
{
    free(t->elts);
    free(t->dents);

    memset(t, 0, sizeof(pm_threads_t));
}


int
pm_attr_ionice(int32_t pid, unsigned *ioclass, unsigned *value)
{
    long  v;

    v = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid);

    if (v == -1) {
        return errno;
    }

    *ioclass = (unsigned) v >> 13;
    *value = (unsigned) v & 0x1fff;

    return 0;
}


int
pm_attr_affinity(int32_t pid, pm_cpuset_t *set)
{
    long  n;

    /* the call itself: it tells how many bytes the kernel has */

    n = syscall(SYS_sched_getaffinity, pid, sizeof(set->set), set->set);

    if (n == -1) {
        return errno;
    }

    set->n = 8 * (size_t) n;

    return 0;
}


int
pm_attr_fds(int proc, int32_t pid, uint64_t *n)
{
    char          path[PM_PROCFS_PATH];
    const char   *env;
    struct statx  st;

    if (pm_fds_known == PM_FDS_UNKNOWN) {

        /* this process has some open for sure */

        env = getenv("PROCMGR_FDS");

        pm_fds_known = (env == NULL || strcmp(env, "folder") != 0)
                       && statx(proc, "self/fd", 0, STATX_SIZE, &st) == 0
                       && st.stx_size > 0
                       ? PM_FDS_SIZE : PM_FDS_NONE;
    }

    if (pm_fds_known == PM_FDS_NONE) {
        return ENOTSUP;
    }

    if (pm_procfs_path(path, pid, "fd") == 0) {
        return EINVAL;
    }

    if (statx(proc, path, 0, STATX_SIZE, &st) == -1) {
        return errno;
    }

    *n = st.stx_size;

    return 0;
}


void
pm_attr_fds_forget(void)
{
    pm_fds_known = PM_FDS_NONE;
}


int
pm_limits_parse(const char *buf, size_t len, pm_limit_t *limits)
{
    int          i;
    unsigned     seen;
    const char  *p, *end, *v;
    pm_limit_t   found[PM_LIMITS];

    seen = 0;
    end = buf + len;

    for (p = buf; p < end; p = pm_parse_line(p, end)) {

        for (i = 0; i < PM_LIMITS; i++) {

            v = pm_parse_word(p, end, pm_limit_lines[i],
                              strlen(pm_limit_lines[i]));
            if (v == NULL) {
                continue;
            }

            v = pm_limit_value(v, end, &found[i].soft);
            v = v ? pm_limit_value(v, end, &found[i].hard) : NULL;

            /* what follows is its unit, so that a number is whole */

            if (v && v < end) {
                seen |= 1u << i;
            }

            break;
        }
    }

    if (seen != (1u << PM_LIMITS) - 1) {
        return -1;
    }

    memcpy(limits, found, sizeof(found));

    return 0;
}


static const char *
pm_limit_value(const char *p, const char *end, uint64_t *value)
{
    const char  *v;

    p = pm_parse_blanks(p, end);
    v = pm_parse_key(p, end, "unlimited");

    if (v) {
        *value = PM_LIMIT_NONE;
        return v;
    }

    return pm_parse_u64(p, end, value);
}


int
pm_ttys_read(pm_ttys_t *t, const char *dev)
{
    int  rc;

    rc = pm_ttys_folder(t, dev, "", "tty");

    return rc ? rc : pm_ttys_folder(t, dev, "/pts", "");
}


static int
pm_ttys_folder(pm_ttys_t *t, const char *dev, const char *folder,
    const char *start)
{
    DIR            *dir;
    char            path[4096];
    size_t          allocated;
    pm_tty_t       *elts;
    struct stat     st;
    struct dirent  *e;

    if (snprintf(path, sizeof(path), "%s%s", dev, folder)
        >= (int) sizeof(path))
    {
        return 0;
    }

    dir = opendir(path);

    if (dir == NULL) {
        return 0;
    }

    while ((e = readdir(dir)) != NULL) {

        if (e->d_name[0] == '.'
            || strncmp(e->d_name, start, strlen(start)) != 0
            || fstatat(dirfd(dir), e->d_name, &st, 0) == -1
            || !S_ISCHR(st.st_mode))
        {
            continue;
        }

        if (t->n == t->allocated) {

            allocated = t->allocated ? 2 * t->allocated : 128;

            elts = realloc(t->elts, allocated * sizeof(pm_tty_t));
            if (elts == NULL) {
                (void) closedir(dir);
                return ENOMEM;
            }

            t->elts = elts;
            t->allocated = allocated;
        }

        elts = &t->elts[t->n];

        if (snprintf(elts->name, sizeof(elts->name), "/dev%s/%s", folder,
                     e->d_name)
            >= (int) sizeof(elts->name))
        {
            continue;
        }

        elts->dev = (uint32_t) st.st_rdev;
        t->n++;
    }

    (void) closedir(dir);

    return 0;
}


const char *
pm_ttys_name(const pm_ttys_t *t, uint32_t tty_nr)
{
    size_t  i;

    if (tty_nr == 0) {
        return NULL;
    }

    for (i = 0; i < t->n; i++) {
        if (t->elts[i].dev == tty_nr) {
            return t->elts[i].name;
        }
    }

    return NULL;
}


void
pm_ttys_free(pm_ttys_t *t)
{
    free(t->elts);

    memset(t, 0, sizeof(pm_ttys_t));
}


const char *
pm_attr_status(char state)
{
    switch (state) {

    case 'R':
        return "running";

    case 'S':
        return "sleeping";

    case 'D':
        return "disk-sleep";

    case 'T':
        return "stopped";

    case 't':
        return "tracing-stop";

    case 'Z':
        return "zombie";

    case 'X':
    case 'x':
        return "dead";

    case 'K':
        return "wake-kill";

    case 'W':
        return "waking";

    case 'I':
        return "idle";

    case 'P':
        return "parked";

    default:
        return NULL;
    }
}
