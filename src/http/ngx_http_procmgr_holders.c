
#include "ngx_http_procmgr_holders.h"

#include <pthread.h>


/* ms; so late can a changed policy be seen in what the helper read */
#define NGX_HTTP_PROCMGR_KEEP_FOR  10000


struct ngx_http_procmgr_kept_s {
    ngx_uint_t                       refs;
    pm_fd_keep_t                     keep;
};


static void ngx_http_procmgr_holders_ask(ngx_http_procmgr_holders_t *h,
    const pm_proc_t *p, unsigned fields, ngx_uint_t late);
static int ngx_http_procmgr_holders_sockets(ngx_http_procmgr_holders_t *h,
    const pm_proc_t *p, pm_fd_kept_t *want);
static void ngx_http_procmgr_holders_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_holders_fds(ngx_http_procmgr_holders_t *h,
    const pm_wire_head_t *head, const u_char *bytes);
static ngx_http_procmgr_kept_t *ngx_http_procmgr_kept_get(ngx_uint_t role);
static void ngx_http_procmgr_kept_put(ngx_uint_t role,
    ngx_http_procmgr_kept_t *kept);
static void ngx_http_procmgr_kept_release(ngx_http_procmgr_kept_t *kept);


/* by role: what the helper reads depends on it */

static pthread_mutex_t           ngx_http_procmgr_kept_lock
                                                = PTHREAD_MUTEX_INITIALIZER;
static ngx_http_procmgr_kept_t
                          *ngx_http_procmgr_kept[NGX_PROCMGR_ROLE_ADMIN + 1];


ngx_int_t
ngx_http_procmgr_holders_init(ngx_http_procmgr_holders_t *h,
    ngx_procmgr_job_t *job, ngx_uint_t role)
{
    int     rc;
    size_t  n;

    ngx_memzero(h, sizeof(ngx_http_procmgr_holders_t));

    h->job = job;
    h->role = role;
    h->now = ngx_procmgr_boottime();

    rc = pm_fd_walk_init(&h->walk, NULL);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(job, "open", rc);
        return NGX_ERROR;
    }

    /* without memory or descriptors the rows are those of the snapshot */

    (void) pm_lates_read(&h->lates, h->walk.proc, job->snapshot);

    n = job->snapshot->nprocs + h->lates.n + 1;

    h->ask = ngx_calloc(n * sizeof(pm_wire_pid_t), job->log);
    h->asked = ngx_calloc(n * sizeof(pm_fd_kept_t), job->log);
    h->kept = ngx_calloc(sizeof(ngx_http_procmgr_kept_t), job->log);

    if (h->ask == NULL || h->asked == NULL || h->kept == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return NGX_ERROR;
    }

    h->kept->refs = 1;
    h->old = ngx_http_procmgr_kept_get(role);

    return NGX_OK;
}


void
ngx_http_procmgr_holders_free(ngx_http_procmgr_holders_t *h)
{
    pm_fd_walk_free(&h->walk);
    pm_fd_map_free(&h->map);
    pm_lates_free(&h->lates);
    ngx_free(h->ask);
    ngx_free(h->asked);
    free(h->unknown);

    ngx_http_procmgr_kept_release(h->old);
    ngx_http_procmgr_kept_release(h->kept);
}


ngx_int_t
ngx_http_procmgr_holders_read(ngx_http_procmgr_holders_t *h)
{
    size_t            i;
    unsigned          fields;
    const pm_proc_t  *p;

    if (h->netns) {
        h->unknown = pm_netns_unknown(h->netns, &h->nunknown);
    }

    p = pm_snapshot_procs(h->job->snapshot);

    for (i = 0; i < h->job->snapshot->nprocs; i++, p++) {

        fields = h->search ? ngx_http_procmgr_search_own(h->search,
                                                         h->walk.proc, p)
                           : 0;

        ngx_http_procmgr_holders_ask(h, p, fields, 0);
    }

    h->nsorted = h->nask;

    for (i = 0; i < h->lates.n; i++) {
        ngx_http_procmgr_holders_ask(h, &h->lates.elts[i].proc, 0, 1);
    }

    ngx_http_procmgr_read(h->job, h->role, h->ask, h->nask,
                          ngx_http_procmgr_holders_record, h);

    h->hidden = (h->answered < h->fds || h->map.truncated);

    pm_fd_map_sort(&h->map);

    if (h->map.error) {
        ngx_http_procmgr_syscall_failed(h->job, "malloc", ENOMEM);
        return NGX_ERROR;
    }

    if (h->map.used && h->kept->keep.error == 0) {
        pm_fd_keep_sort(&h->kept->keep);
        ngx_http_procmgr_kept_put(h->role, h->kept);
    }

    return NGX_OK;
}


/* what the worker may see itself; the others are put on the list to ask */

static void
ngx_http_procmgr_holders_ask(ngx_http_procmgr_holders_t *h,
    const pm_proc_t *p, unsigned fields, ngx_uint_t late)
{
    int            rc;
    pm_fd_kept_t  *asked;

    asked = &h->asked[h->nask];

    ngx_memzero(asked, sizeof(pm_fd_kept_t));

    asked->pid = p->pid;
    asked->starttime = p->starttime;

    /* neither a thread of the kernel nor the dead have descriptors */

    if (h->map.used && !p->kthread && p->state != 'Z' && p->state != 'X') {

        if (!late && p->state != 'R'
            && pm_fd_state(&asked->state, h->walk.proc, p->pid) == 0)
        {
            asked->taken = h->now;
        }

        rc = ngx_http_procmgr_holders_sockets(h, p, asked);

        if (rc != 0 && rc != ENOENT && rc != ESRCH) {
            fields |= 1 << PM_READ_FD;
            h->fds++;
        }
    }

    if (h->unknown
        && bsearch(&p->pid, h->unknown, h->nunknown, sizeof(int32_t),
                   pm_netns_by_pid))
    {
        fields |= 1 << PM_READ_NETNS;
    }

    if (fields) {
        h->ask[h->nask].pid = p->pid;
        h->ask[h->nask].starttime = p->starttime;
        h->ask[h->nask].fields = fields;
        h->nask++;
    }
}


/* 0, or errno: EACCES when the helper has to be asked */

static int
ngx_http_procmgr_holders_sockets(ngx_http_procmgr_holders_t *h,
    const pm_proc_t *p, pm_fd_kept_t *want)
{
    int                  rc;
    pm_fd_keep_t        *keep;
    const pm_fd_kept_t  *kept;

    keep = &h->kept->keep;

    if (want->taken && h->old) {

        kept = pm_fd_keep_find(&h->old->keep, want);

        if (kept) {
            pm_fd_keep_begin(keep, kept);

            h->map.keep = keep;
            pm_fd_keep_add(&h->old->keep, kept, &h->map);
            h->map.keep = NULL;

            return 0;
        }
    }

    if (!ngx_http_procmgr_own(p)) {
        return EACCES;
    }

    if (want->taken) {
        pm_fd_keep_begin(keep, want);
        h->map.keep = keep;
    }

    rc = pm_fd_sockets(&h->walk, &h->map, p->pid, p->starttime);

    h->map.keep = NULL;

    if (want->taken && rc != 0) {
        pm_fd_keep_cut(keep);
    }

    return rc;
}


static void
ngx_http_procmgr_holders_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_holders_t *h = data;

    size_t       len;
    const char  *name;

    if (ngx_http_procmgr_holders_proc(h, head->pid, &name, &len) == NULL) {
        return;
    }

    switch (head->field) {

    case PM_READ_FD:

        if (head->error == ENOENT || head->error == ESRCH) {
            h->answered++;

        } else if (head->error == 0) {
            ngx_http_procmgr_holders_fds(h, head, bytes);
        }

        break;

    case PM_READ_NETNS:

        if (h->netns && head->error == 0) {
            pm_netns_told(h->netns, head->pid, (const char *) bytes,
                          head->len);
        }

        break;

    case PM_READ_CMDLINE:
    case PM_READ_EXE:

        if (h->search) {
            ngx_http_procmgr_search_record(h->search, head, bytes);
        }

        break;
    }
}


static void
ngx_http_procmgr_holders_fds(ngx_http_procmgr_holders_t *h,
    const pm_wire_head_t *head, const u_char *bytes)
{
    int            rc;
    size_t         low, high, middle;
    pm_fd_kept_t  *asked;

    /* nothing is known of the late ones, which stand behind the others */

    low = 0;
    high = h->nsorted;
    asked = NULL;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (h->asked[middle].pid < head->pid) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    if (low < h->nsorted
        && h->asked[low].pid == head->pid
        && h->asked[low].taken)
    {
        asked = &h->asked[low];
        asked->until = h->now + NGX_HTTP_PROCMGR_KEEP_FOR;

        pm_fd_keep_begin(&h->kept->keep, asked);
        h->map.keep = &h->kept->keep;
    }

    rc = pm_fd_parse(&h->map, head->pid, (const char *) bytes, head->len);

    h->map.keep = NULL;

    if (rc != -1 && !head->more) {
        h->answered++;

    } else if (asked) {
        pm_fd_keep_cut(&h->kept->keep);
    }
}


const pm_proc_t *
ngx_http_procmgr_holders_proc(ngx_http_procmgr_holders_t *h, int32_t pid,
    const char **name, size_t *len)
{
    const pm_proc_t  *p;
    const pm_late_t  *late;

    p = pm_snapshot_find(h->job->snapshot, pid);

    if (p) {
        *name = pm_snapshot_str(h->job->snapshot, p->name);
        *len = p->name.len;

        return p;
    }

    late = pm_lates_find(&h->lates, pid);

    if (late) {
        *name = late->comm;
        *len = late->len;

        return &late->proc;
    }

    return NULL;
}


static ngx_http_procmgr_kept_t *
ngx_http_procmgr_kept_get(ngx_uint_t role)
{
    ngx_http_procmgr_kept_t  *kept;

    (void) pthread_mutex_lock(&ngx_http_procmgr_kept_lock);

    kept = ngx_http_procmgr_kept[role];

    if (kept) {
        kept->refs++;
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_kept_lock);

    return kept;
}


/* what is kept does not change any more */

static void
ngx_http_procmgr_kept_put(ngx_uint_t role, ngx_http_procmgr_kept_t *kept)
{
    ngx_http_procmgr_kept_t  *old;

    (void) pthread_mutex_lock(&ngx_http_procmgr_kept_lock);

    old = ngx_http_procmgr_kept[role];
    ngx_http_procmgr_kept[role] = kept;
    kept->refs++;

    (void) pthread_mutex_unlock(&ngx_http_procmgr_kept_lock);

    ngx_http_procmgr_kept_release(old);
}


static void
ngx_http_procmgr_kept_release(ngx_http_procmgr_kept_t *kept)
{
    ngx_uint_t  refs;

    if (kept == NULL) {
        return;
    }

    (void) pthread_mutex_lock(&ngx_http_procmgr_kept_lock);
    refs = --kept->refs;
    (void) pthread_mutex_unlock(&ngx_http_procmgr_kept_lock);

    if (refs == 0) {
        pm_fd_keep_free(&kept->keep);
        ngx_free(kept);
    }
}
