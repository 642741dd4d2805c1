
/*
 * The samples that are due, in one task of a pool thread: read without the
 * lock, then each put to its watch with it.
 */


#include "ngx_procmgr_watch_run.h"
#include "ngx_procmgr_event.h"


#define NGX_PROCMGR_WATCH_SLOPE   5000  /* ms between looks at the slope */


typedef struct {                        /* a sample that is due */
    uint32_t                 i;
    uint32_t                 interval;
    uint64_t                 run;
    pm_watch_who_t           who;
} ngx_procmgr_watch_due_t;


static int ngx_procmgr_watch_fd(ngx_procmgr_watcher_t *r,
    ngx_procmgr_watch_due_t *d);
static void ngx_procmgr_watch_put(ngx_procmgr_watcher_t *r,
    ngx_procmgr_watch_due_t *d, ngx_procmgr_watch_sample_t *s, ngx_err_t err,
    ngx_log_t *log);
static void ngx_procmgr_watch_alarm(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    double limit, unsigned *state, ngx_procmgr_watch_said_t *said);
static void ngx_procmgr_watch_gone(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_procmgr_watch_said_t *said);
static void ngx_procmgr_watch_slope(ngx_procmgr_t *pm,
    ngx_procmgr_watch_due_t *d);


void
ngx_procmgr_watch_take(void *ctx, ngx_log_t *log)
{
    int                           fd;
    uint64_t                      now;
    ngx_err_t                     err;
    ngx_uint_t                    i, n, mine;
    ngx_procmgr_t                *pm;
    ngx_procmgr_watch_t          *w;
    ngx_procmgr_watcher_t        *r;
    ngx_procmgr_watch_due_t       due[NGX_PROCMGR_WATCHES], *d;
    ngx_procmgr_watch_shm_t      *ws;
    ngx_procmgr_watch_sample_t    s;
    ngx_procmgr_watch_flight_t   *f;

    f = ctx;
    r = f->watcher;
    pm = r->pm;
    ws = ngx_procmgr_watch_shm(pm);
    now = ngx_procmgr_boottime();
    n = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    mine = (ws->sampler.pid == ngx_pid);

    for (i = 0; mine && i < NGX_PROCMGR_WATCHES; i++) {

        w = &ws->watch[i];

        if (w->state != NGX_PROCMGR_WATCH_RUNNING) {
            ngx_procmgr_watch_close(r, i);
            continue;
        }

        if (w->who.pid == 0
            || pm_watch_slot(now, w->def.interval) <= w->slot)
        {
            continue;
        }

        d = &due[n++];

        d->i = (uint32_t) i;
        d->run = w->run;
        d->who = w->who;
        d->interval = w->def.interval;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    for (i = 0; i < n; i++) {

        d = &due[i];
        err = 0;

        fd = ngx_procmgr_watch_fd(r, d);
        s.t = ngx_procmgr_boottime();

        if (fd == -1 || pm_watch_read(fd, &r->buf, s.mem) == -1) {
            err = ngx_errno;
            ngx_procmgr_watch_close(r, d->i);
        }

        ngx_procmgr_watch_put(r, d, &s, err, log);
    }
}


/* the descriptor of a watch, opened when its process is another one */

static int
ngx_procmgr_watch_fd(ngx_procmgr_watcher_t *r, ngx_procmgr_watch_due_t *d)
{
    ngx_procmgr_watch_fd_t  *k;

    k = &r->fds[d->i];

    if (k->fd != -1
        && k->run == d->run
        && k->who.pid == d->who.pid
        && k->who.starttime == d->who.starttime)
    {
        return k->fd;
    }

    ngx_procmgr_watch_close(r, d->i);

    if (r->proc == -1) {
        r->proc = pm_procfs_open("/proc");

        if (r->proc == -1) {
            return -1;
        }
    }

    k->run = d->run;
    k->who = d->who;
    k->fd = pm_watch_open(r->proc, &k->who);

    return k->fd;
}


static void
ngx_procmgr_watch_put(ngx_procmgr_watcher_t *r, ngx_procmgr_watch_due_t *d,
    ngx_procmgr_watch_sample_t *s, ngx_err_t err, ngx_log_t *log)
{
    char                      title[NGX_PROCMGR_WATCH_TARGET + 16];
    uint64_t                  slot;
    ngx_uint_t                look, verbose;
    ngx_procmgr_t            *pm;
    ngx_procmgr_watch_t      *w;
    ngx_procmgr_watch_shm_t  *ws;
    ngx_procmgr_watch_said_t  said;

    said.n = 0;
    pm = r->pm;
    ws = ngx_procmgr_watch_shm(pm);
    w = &ws->watch[d->i];
    slot = pm_watch_slot(s->t, d->interval);
    look = 0;
    verbose = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    /* only the holder's samples count, and one of each slot */

    if (ws->sampler.pid != ngx_pid
        || w->state != NGX_PROCMGR_WATCH_RUNNING
        || w->run != d->run
        || w->who.pid != d->who.pid
        || slot <= w->slot)
    {
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return;
    }

    /* of what lies before this slot nobody has a sample */

    w->missed += slot - w->slot - 1;
    (void) ngx_atomic_fetch_add(&ws->missed, slot - w->slot - 1);

    w->slot = slot;

    switch (err) {

    case 0:
        ngx_procmgr_watch_append(pm, w, s);
        ngx_procmgr_watch_edges(pm, w, &said);

        verbose = w->def.verbose;
        look = (s->t - w->looked >= NGX_PROCMGR_WATCH_SLOPE);

        if (verbose) {
            ngx_procmgr_watch_title(w, title, sizeof(title));
        }

        break;

    case ESRCH:
    case ESTALE:
    case NGX_ECHILD:
        ngx_procmgr_watch_gone(pm, w, &said);
        break;

    case NGX_EAGAIN:
        break;

    default:
        w->missed++;
        (void) ngx_atomic_fetch_add(&ws->missed, 1);
        break;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    ngx_procmgr_watch_say(pm, &said);

    if (verbose) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "procmgr watch of %s: virtual %uL physical %uL "
                      "shared %uL", title, s->mem[PM_WATCH_VIRTUAL],
                      s->mem[PM_WATCH_PHYSICAL], s->mem[PM_WATCH_SHARED]);
    }

    if (look) {
        ngx_procmgr_watch_slope(pm, d);
    }
}


void
ngx_procmgr_watch_edges(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_procmgr_watch_said_t *said)
{
    ngx_uint_t  i;

    for (i = 0; i < w->def.nlimits; i++) {

        if (pm_watch_edge(&w->above[i], w->current.mem[PM_WATCH_PHYSICAL],
                          (uint64_t) (w->def.limit[i] * 1048576))
            == 1)
        {
            ngx_procmgr_watch_alarm(pm, w, w->def.limit[i], &w->above[i],
                                    said);
        }
    }
}


/* (m) without room for its row it has not been: the next sample tries again */

static void
ngx_procmgr_watch_alarm(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    double limit, unsigned *state, ngx_procmgr_watch_said_t *said)
{
    char  detail[NGX_PROCMGR_WATCH_DETAIL];

    ngx_procmgr_watch_alert(w, limit, detail, sizeof(detail));

    if (ngx_procmgr_watch_note(pm, w, NGX_PROCMGR_NOTE_ALERT,
                               limit > 0 ? "threshold_exceeded"
                                         : "memory_growth",
                               detail)
        != NGX_OK)
    {
        *state = 0;
        return;
    }

    w->alerts++;

    if (said->n < NGX_PROCMGR_WATCH_SAID) {
        said->event[said->n].kind = NGX_PROCMGR_EVENT_ALERT;
        ngx_memcpy(said->event[said->n].json, detail, sizeof(detail));
        said->n++;
    }
}


void
ngx_procmgr_watch_say(ngx_procmgr_t *pm, ngx_procmgr_watch_said_t *said)
{
    ngx_uint_t  i;

    for (i = 0; i < said->n; i++) {
        (void) ngx_procmgr_event_publish(pm, said->event[i].kind,
                                         (u_char *) said->event[i].json,
                                         ngx_strlen(said->event[i].json));
    }

    said->n = 0;
}


/* (m) its process is no more */

static void
ngx_procmgr_watch_gone(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_procmgr_watch_said_t *said)
{
    char      detail[NGX_PROCMGR_WATCH_DETAIL];
    uint64_t  now;

    now = ngx_procmgr_boottime();

    if (w->def.kind != NGX_PROCMGR_WATCH_PID) {
        w->who.pid = 0;
        w->find_at = now;
        return;
    }

    w->ended = now;

    ngx_procmgr_watch_summary(w, "the process has ended", detail,
                              sizeof(detail));

    if (ngx_procmgr_watch_note(pm, w, NGX_PROCMGR_NOTE_END, "ended", detail)
        != NGX_OK)
    {
        w->ended = 0;
        return;
    }

    w->state = NGX_PROCMGR_WATCH_ENDED;

    if (said->n < NGX_PROCMGR_WATCH_SAID) {
        said->event[said->n].kind = NGX_PROCMGR_EVENT_WATCH;
        ngx_procmgr_watch_event(w, "ended", said->event[said->n].json,
                                sizeof(said->event[said->n].json));
        said->n++;
    }
}


/* 8128 pairs are too many for the time of a lock */

static void
ngx_procmgr_watch_slope(ngx_procmgr_t *pm, ngx_procmgr_watch_due_t *d)
{
    int                       leaks;
    uint64_t                  now;
    unsigned                  was;
    pm_slope_t                slope;
    pm_trend_t                trend;
    ngx_procmgr_watch_t      *w;
    ngx_procmgr_watch_shm_t  *ws;
    ngx_procmgr_watch_said_t  said;

    said.n = 0;
    ws = ngx_procmgr_watch_shm(pm);
    w = &ws->watch[d->i];
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    trend = w->trend;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (pm_trend_slope(&trend, &slope) == -1) {
        return;
    }

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (w->run == d->run && w->state == NGX_PROCMGR_WATCH_RUNNING) {

        w->looked = now;
        w->slope = slope;

        leaks = w->def.growth > 0
                && pm_trend_leaks(&trend, &slope, w->def.growth,
                                  (int) w->growing);

        was = w->growing;
        w->growing = (uint32_t) leaks;

        if (leaks && !was) {
            was = 1;
            ngx_procmgr_watch_alarm(pm, w, 0, &was, &said);
            w->growing = was;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    ngx_procmgr_watch_say(pm, &said);
}


void
ngx_procmgr_watch_close(ngx_procmgr_watcher_t *r, ngx_uint_t i)
{
    if (r->fds[i].fd != -1) {
        (void) close(r->fds[i].fd);
        r->fds[i].fd = -1;
    }
}
