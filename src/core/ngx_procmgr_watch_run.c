
/*
 * A worker's part in the watches.  The holder of the lease wakes when the
 * next sample is due and has all that are due taken in one task; the others
 * look now and then whether it is still there.  Without a watch that runs
 * nobody wakes.
 */


#include "ngx_procmgr_watch_run.h"
#include "ngx_procmgr_task.h"


#define NGX_PROCMGR_WATCH_SLEEP   1000  /* ms, the longest of the holder */
#define NGX_PROCMGR_WATCH_STANDBY 250   /* ms, of the others */
#define NGX_PROCMGR_WATCH_RETRY   1000  /* ms, of notes and of searches */
#define NGX_PROCMGR_WATCH_SEARCH  10000 /* ms, the longest between searches */
#define NGX_PROCMGR_WATCH_FINDS   16    /* searches in one task */


typedef struct {                        /* targets without a process */
    ngx_procmgr_watcher_t   *watcher;
    ngx_uint_t               n;
    struct {
        uint32_t             i;
        uint32_t             kind;
        uint64_t             run;
        char                 target[NGX_PROCMGR_WATCH_TARGET];
    } find[NGX_PROCMGR_WATCH_FINDS];
} ngx_procmgr_watch_search_t;


static void ngx_procmgr_watch_timer(ngx_event_t *ev);
static void ngx_procmgr_watch_arm(ngx_procmgr_watcher_t *r, ngx_msec_t delay);
static ngx_uint_t ngx_procmgr_watch_next(ngx_procmgr_watcher_t *r,
    uint64_t now, uint64_t *next);
static void ngx_procmgr_watch_leave(ngx_procmgr_watcher_t *r);
static void ngx_procmgr_watch_taken(void *ctx);
static void ngx_procmgr_watch_search(ngx_procmgr_watcher_t *r, uint64_t now);
static void ngx_procmgr_watch_searching(void *ctx, ngx_log_t *log);
static void ngx_procmgr_watch_searched(void *ctx);


/* of this worker; set by ngx_procmgr_watch_init() */
static ngx_procmgr_watcher_t  ngx_procmgr_watcher;


ngx_int_t
ngx_procmgr_watch_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle,
    void (*notes)(ngx_procmgr_t *pm))
{
    ngx_uint_t              i;
    ngx_procmgr_watcher_t  *r;

    r = &ngx_procmgr_watcher;

    ngx_memzero(r, sizeof(ngx_procmgr_watcher_t));

    r->pm = pm;
    r->notes = notes;
    r->proc = -1;

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {
        r->fds[i].fd = -1;
    }

    ngx_procmgr_event(&r->timer, ngx_procmgr_watch_timer);

    r->timer.log = cycle->log;
    r->timer.cancelable = 1;
    r->ready = 1;

    (void) ngx_procmgr_watch_boot();

    ngx_procmgr_watch_kick(pm);

    return NGX_OK;
}


void
ngx_procmgr_watch_exit(ngx_procmgr_t *pm)
{
    if (ngx_procmgr_watcher.ready) {
        ngx_procmgr_watch_leave(&ngx_procmgr_watcher);
    }
}


void
ngx_procmgr_watch_kick(ngx_procmgr_t *pm)
{
    uint64_t                now, next;
    ngx_procmgr_watcher_t  *r;

    r = &ngx_procmgr_watcher;

    /* one that is awake, or on standby, looks by itself */

    if (!r->ready || r->flight || r->timer.timer_set
        || ngx_exiting || ngx_terminate)
    {
        return;
    }

    now = ngx_procmgr_boottime();

    if (ngx_procmgr_watch_next(r, now, &next)
        || ngx_procmgr_watch_notes(pm))
    {
        ngx_procmgr_watch_arm(r, 1);
    }
}


/* whatever the holder takes just now counts no more: see _put() */

void
ngx_procmgr_watch_seize(ngx_procmgr_t *pm)
{
    ngx_procmgr_watch_shm_t  *ws;

    if (!ngx_procmgr_watcher.ready || ngx_exiting || ngx_terminate) {
        return;
    }

    ws = ngx_procmgr_watch_shm(pm);

    ngx_shmtx_lock(&pm->shpool->mutex);

    ws->sampler.pid = ngx_pid;
    ws->sampler.until = ngx_procmgr_boottime() + NGX_PROCMGR_WATCH_LEASE;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (!ngx_procmgr_watcher.flight) {
        ngx_procmgr_watch_arm(&ngx_procmgr_watcher, 1);
    }
}


static void
ngx_procmgr_watch_arm(ngx_procmgr_watcher_t *r, ngx_msec_t delay)
{
    if (r->timer.timer_set) {
        ngx_del_timer(&r->timer);
    }

    ngx_add_timer(&r->timer, ngx_max(delay, 1));
}


/* whether one runs, and when its next sample is due */

static ngx_uint_t
ngx_procmgr_watch_next(ngx_procmgr_watcher_t *r, uint64_t now, uint64_t *next)
{
    uint64_t                  due;
    ngx_uint_t                i, n;
    ngx_procmgr_watch_t      *w;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(r->pm);
    n = 0;

    *next = now + NGX_PROCMGR_WATCH_SLEEP;

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {

        w = &ws->watch[i];

        if (w->state != NGX_PROCMGR_WATCH_RUNNING) {
            continue;
        }

        n++;

        if (w->who.pid) {
            due = (w->slot + 1) * ngx_max(w->def.interval, 1);

        } else {
            due = r->finding ? *next : w->find_at;
        }

        if (due < *next) {
            *next = due;
        }
    }

    return n;
}


static void
ngx_procmgr_watch_timer(ngx_event_t *ev)
{
    uint64_t                     now, next;
    ngx_int_t                    rc;
    ngx_uint_t                   n;
    ngx_procmgr_watcher_t       *r;
    ngx_procmgr_watch_shm_t     *ws;
    ngx_procmgr_watch_flight_t  *f;

    r = ngx_procmgr_owner(ev, ngx_procmgr_watcher_t, timer);

    ev->timedout = 0;

    if (r->flight) {
        return;
    }

    if (ngx_exiting || ngx_terminate) {
        ngx_procmgr_watch_leave(r);
        return;
    }

    if (r->notes && ngx_procmgr_watch_notes(r->pm)) {
        r->notes(r->pm);
    }

    ws = ngx_procmgr_watch_shm(r->pm);
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&r->pm->shpool->mutex);

    n = ngx_procmgr_watch_next(r, now, &next);

    rc = n ? ngx_procmgr_lease_take(&ws->sampler, now,
                                    NGX_PROCMGR_WATCH_LEASE)
           : NGX_DONE;

    ngx_shmtx_unlock(&r->pm->shpool->mutex);

    if (rc == NGX_DONE) {
        ngx_procmgr_watch_leave(r);

        if (ngx_procmgr_watch_notes(r->pm)) {
            ngx_procmgr_watch_arm(r, NGX_PROCMGR_WATCH_RETRY);
        }

        return;
    }

    if (rc == NGX_BUSY) {
        ngx_procmgr_watch_leave(r);
        ngx_procmgr_watch_arm(r, NGX_PROCMGR_WATCH_STANDBY);
        return;
    }

    ngx_procmgr_watch_search(r, now);

    if (next > now) {
        ngx_procmgr_watch_arm(r, next - now);
        return;
    }

    f = ngx_procmgr_task_create(r->pm, sizeof(ngx_procmgr_watch_flight_t),
                                ngx_procmgr_watch_take,
                                ngx_procmgr_watch_taken);

    if (f) {
        f->watcher = r;

        if (ngx_procmgr_task_post(f) == NGX_OK) {
            r->flight = 1;
            return;
        }
    }

    /* all threads are busy: what is not taken meanwhile is missed */

    ngx_procmgr_watch_arm(r, NGX_PROCMGR_WATCH_FASTEST);
}


/* this worker does not sample, or not any more */

static void
ngx_procmgr_watch_leave(ngx_procmgr_watcher_t *r)
{
    ngx_uint_t                i;
    ngx_procmgr_watch_shm_t  *ws;

    if (r->flight) {
        return;
    }

    ws = ngx_procmgr_watch_shm(r->pm);

    ngx_shmtx_lock(&r->pm->shpool->mutex);

    if (ws->sampler.pid == ngx_pid) {
        ws->sampler.pid = 0;
    }

    ngx_shmtx_unlock(&r->pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {
        ngx_procmgr_watch_close(r, i);
    }

    if (r->proc != -1) {
        (void) close(r->proc);
        r->proc = -1;
    }

    pm_buf_free(&r->buf);
}


static void
ngx_procmgr_watch_taken(void *ctx)
{
    ngx_procmgr_watch_flight_t  *f;

    f = ctx;

    f->watcher->flight = 0;

    ngx_procmgr_watch_timer(&f->watcher->timer);
}


/* processes for the units and names that have none */

static void
ngx_procmgr_watch_search(ngx_procmgr_watcher_t *r, uint64_t now)
{
    ngx_uint_t                   i, n;
    ngx_procmgr_watch_t         *w;
    ngx_procmgr_watch_shm_t     *ws;
    ngx_procmgr_watch_search_t  *s;

    if (r->finding) {
        return;
    }

    ws = ngx_procmgr_watch_shm(r->pm);
    s = NULL;
    n = 0;

    ngx_shmtx_lock(&r->pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {

        w = &ws->watch[i];

        if (w->state != NGX_PROCMGR_WATCH_RUNNING
            || w->who.pid != 0
            || w->find_at > now
            || n == NGX_PROCMGR_WATCH_FINDS)
        {
            continue;
        }

        if (s == NULL) {
            s = ngx_procmgr_task_create(r->pm,
                                        sizeof(ngx_procmgr_watch_search_t),
                                        ngx_procmgr_watch_searching,
                                        ngx_procmgr_watch_searched);
            if (s == NULL) {
                break;
            }

            s->watcher = r;
        }

        s->find[n].i = (uint32_t) i;
        s->find[n].kind = w->def.kind;
        s->find[n].run = w->run;
        ngx_memcpy(s->find[n].target, w->def.target, sizeof(w->def.target));
        n++;

        w->find_at = now + ngx_max(NGX_PROCMGR_WATCH_RETRY,
                                   ngx_min(w->def.interval,
                                           NGX_PROCMGR_WATCH_SEARCH));
    }

    ngx_shmtx_unlock(&r->pm->shpool->mutex);

    if (s) {
        s->n = n;
        r->finding = (ngx_procmgr_task_post(s) == NGX_OK);
    }
}


static void
ngx_procmgr_watch_searching(void *ctx, ngx_log_t *log)
{
    char                         code[32], err[NGX_PROCMGR_ERR_LEN];
    ngx_uint_t                   i;
    ngx_procmgr_t               *pm;
    pm_watch_who_t               who;
    ngx_procmgr_watch_t         *w;
    ngx_procmgr_watch_shm_t     *ws;
    ngx_procmgr_watch_search_t  *s;
    ngx_procmgr_watch_said_t     said;
    ngx_procmgr_watch_sample_t   first;

    said.n = 0;
    s = ctx;
    pm = s->watcher->pm;
    ws = ngx_procmgr_watch_shm(pm);

    for (i = 0; i < s->n; i++) {

        if (ngx_procmgr_watch_look(pm, s->find[i].kind, s->find[i].target,
                                   &who, &first, code, err)
            != 0)
        {
            ngx_log_debug1(NGX_LOG_DEBUG_CORE, log, 0,
                           "procmgr watch: %s", err);
            continue;
        }

        w = &ws->watch[s->find[i].i];

        ngx_shmtx_lock(&pm->shpool->mutex);

        if (w->state == NGX_PROCMGR_WATCH_RUNNING
            && w->run == s->find[i].run
            && w->who.pid == 0
            && ws->sampler.pid == ngx_pid)
        {
            w->who = who;
            w->slot = pm_watch_slot(first.t, w->def.interval);
            w->restarts += (w->samples != 0);

            pm_trend_init(&w->trend, w->def.interval);
            ngx_memzero(&w->slope, sizeof(pm_slope_t));

            ngx_procmgr_watch_append(pm, w, &first);
            ngx_procmgr_watch_edges(pm, w, &said);
        }

        ngx_shmtx_unlock(&pm->shpool->mutex);

        ngx_procmgr_watch_say(pm, &said);
    }
}


static void
ngx_procmgr_watch_searched(void *ctx)
{
    ngx_procmgr_watch_search_t  *s;

    s = ctx;

    s->watcher->finding = 0;

    ngx_procmgr_watch_kick(s->watcher->pm);
}
