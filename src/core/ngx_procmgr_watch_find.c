
/*
 * From a target to a process.  A unit or a name stands for the oldest of its
 * processes whose parent is not one of them: what was started, not what it
 * started.
 */


#include "ngx_procmgr_watch.h"
#include "../proc/pm_unit.h"
#include <fcntl.h>


typedef struct {
    const pm_snapshot_t      *s;
    ngx_uint_t                kind;
    const char               *target;
    size_t                    len;
} ngx_procmgr_watch_match_t;


static ngx_uint_t ngx_procmgr_watch_is(ngx_procmgr_watch_match_t *m,
    const pm_proc_t *p);
static const pm_proc_t *ngx_procmgr_watch_pick(ngx_procmgr_watch_match_t *m);
static ngx_uint_t ngx_procmgr_watch_first(pm_watch_who_t *who,
    ngx_procmgr_watch_sample_t *first, char code[32],
    char err[NGX_PROCMGR_ERR_LEN]);
static ngx_uint_t ngx_procmgr_watch_problem(ngx_uint_t status,
    const char *word, char code[32]);


ngx_uint_t
ngx_procmgr_watch_look(ngx_procmgr_t *pm, ngx_uint_t kind, const char *target,
    pm_watch_who_t *who, ngx_procmgr_watch_sample_t *first, char code[32],
    char err[NGX_PROCMGR_ERR_LEN])
{
    int                         zone_full;
    pm_snapshot_t              *s;
    const pm_proc_t            *p;
    ngx_procmgr_watch_match_t   m;

    if (kind == NGX_PROCMGR_WATCH_PID) {
        return ngx_procmgr_watch_first(who, first, code, err);
    }

    s = ngx_procmgr_zone_snapshot(pm, pm->interval,
                                  PM_HAVE_STAT|PM_HAVE_CGROUP, err,
                                  &zone_full);
    if (s == NULL) {
        return ngx_procmgr_watch_problem(zone_full ? 503 : 500,
                                         zone_full ? "zone_full"
                                                   : "system_call_failed",
                                         code);
    }

    m.s = s;
    m.kind = kind;
    m.target = target;
    m.len = ngx_strlen(target);

    p = ngx_procmgr_watch_pick(&m);

    if (p == NULL) {
        free(s);
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "no process of %s \"%s\"%Z",
                     kind == NGX_PROCMGR_WATCH_UNIT ? "unit" : "name",
                     target);
        return ngx_procmgr_watch_problem(404, "no_such_process", code);
    }

    ngx_memzero(who, sizeof(pm_watch_who_t));

    who->pid = p->pid;
    who->starttime = p->starttime;

    free(s);

    return ngx_procmgr_watch_first(who, first, code, err);
}


static const pm_proc_t *
ngx_procmgr_watch_pick(ngx_procmgr_watch_match_t *m)
{
    uint32_t          i;
    const pm_proc_t  *p, *parent, *best;

    p = pm_snapshot_procs(m->s);
    best = NULL;

    for (i = 0; i < m->s->nprocs; i++, p++) {

        if (p->state == 'Z' || p->kthread || !ngx_procmgr_watch_is(m, p)) {
            continue;
        }

        parent = pm_snapshot_find(m->s, p->ppid);

        if (parent && parent->state != 'Z' && ngx_procmgr_watch_is(m, parent))
        {
            continue;
        }

        if (best == NULL || p->starttime < best->starttime) {
            best = p;
        }
    }

    return best;
}


static ngx_uint_t
ngx_procmgr_watch_is(ngx_procmgr_watch_match_t *m, const pm_proc_t *p)
{
    char    unit[PM_UNIT_LEN];
    size_t  n;

    if (m->kind == NGX_PROCMGR_WATCH_NAME) {
        return p->name.len == m->len
               && ngx_memcmp(pm_snapshot_str(m->s, p->name), m->target,
                             m->len)
                  == 0;
    }

    n = pm_unit_of(unit, pm_snapshot_str(m->s, p->cgroup), p->cgroup.len);

    return n == m->len && ngx_memcmp(unit, m->target, n) == 0;
}


static ngx_uint_t
ngx_procmgr_watch_first(pm_watch_who_t *who,
    ngx_procmgr_watch_sample_t *first, char code[32],
    char err[NGX_PROCMGR_ERR_LEN])
{
    int        proc, fd, rc;
    pm_buf_t   buf;
    ngx_err_t  e;

    proc = pm_procfs_open("/proc");
    fd = -1;

    if (proc != -1) {
        fd = pm_watch_open(proc, who);
        e = ngx_errno;
        (void) close(proc);
        ngx_set_errno(e);
    }

    rc = -1;

    if (fd != -1) {
        buf.data = NULL;
        buf.size = 0;

        first->t = ngx_procmgr_boottime();
        rc = pm_watch_read(fd, &buf, first->mem);
        e = ngx_errno;

        pm_buf_free(&buf);
        (void) close(fd);
        ngx_set_errno(e);
    }

    if (rc == 0) {
        return 0;
    }

    switch (ngx_errno) {

    case ESRCH:
    case ESTALE:
    case NGX_EAGAIN:
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "there is no process %D%Z", who->pid);
        return ngx_procmgr_watch_problem(404, "no_such_process", code);

    case NGX_ECHILD:
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "process %D is a zombie and has no memory any more%Z",
                     who->pid);
        return ngx_procmgr_watch_problem(409, "zombie_process", code);

    case ENODATA:
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "process %D is a thread of the kernel, which has no "
                     "memory of its own%Z", who->pid);
        return ngx_procmgr_watch_problem(501, "unsupported", code);

    case NGX_EACCES:
    case NGX_EPERM:
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "the status of process %D may not be read%Z", who->pid);
        return ngx_procmgr_watch_problem(403, "access_denied", code);

    default:
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "reading the status of process %D failed: %s%Z",
                     who->pid, strerror(ngx_errno));
        return ngx_procmgr_watch_problem(500, "system_call_failed", code);
    }
}


static ngx_uint_t
ngx_procmgr_watch_problem(ngx_uint_t status, const char *word, char code[32])
{
    ngx_cpystrn((u_char *) code, (u_char *) word, 32);

    return status;
}


const char *
ngx_procmgr_watch_boot(void)
{
    ssize_t      n;
    static char  boot[NGX_PROCMGR_WATCH_BOOT];

    if (boot[0] == '\0') {
        n = pm_procfs_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot,
                           sizeof(boot));

        boot[n > 0 ? ngx_min(n, 36) : 0] = '\0';
    }

    return boot;
}
