
/*
 * Sessions, the epoch of their revocation, and the delays after failed
 * passwords: tables of places with a few ways each, under the zone's mutex.
 * The oldest entry of a full place gives way.
 */


#include "ngx_procmgr_sess.h"
#include "ngx_procmgr_zone.h"
#include "ngx_procmgr_pg.h"
#include "../policy/pm_sha256.h"


#define NGX_PROCMGR_EPOCH_TIMEOUT  1000     /* of the statement, ms */
#define NGX_PROCMGR_EPOCH_LEASE    1500
#define NGX_PROCMGR_EPOCH_POLL     5

#define NGX_PROCMGR_THROTTLE_FREE  2        /* failures without a delay */
#define NGX_PROCMGR_THROTTLE_LIFE  (15 * 60 * 1000)
#define NGX_PROCMGR_THROTTLE_STALE (30 * 1000)  /* of who never left */


typedef struct {                        /* of this worker */
    ngx_procmgr_t           *pm;
    ngx_procmgr_pg_query_t  *query;
    uint64_t                 asked;
    ngx_queue_t              waiters;
    ngx_event_t              poll;
    ngx_connection_t         dumb;      /* the debug log reads its fd */
    unsigned                 ready:1;
} ngx_procmgr_epoch_t;


static ngx_procmgr_sess_t *ngx_procmgr_sess_find(ngx_procmgr_sess_shm_t *sh,
    const u_char key[32]);
static ngx_procmgr_sess_t *ngx_procmgr_sess_place(ngx_procmgr_sess_shm_t *sh,
    const u_char key[32]);
static ngx_procmgr_epoch_t *ngx_procmgr_epoch_get(ngx_procmgr_t *pm);
static void ngx_procmgr_epoch_read(ngx_procmgr_t *pm);
static void ngx_procmgr_epoch_handler(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_procmgr_epoch_poll(ngx_event_t *ev);
static void ngx_procmgr_epoch_wake(ngx_procmgr_epoch_t *ep, uint64_t checked,
    uint64_t failed);
static uint32_t ngx_procmgr_throttle_hash(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what);
static ngx_procmgr_throttle_t *ngx_procmgr_throttle_find(
    ngx_procmgr_sess_shm_t *sh, uint32_t hash, uint64_t now, ngx_uint_t add);
static ngx_uint_t ngx_procmgr_throttle_at_once(ngx_uint_t kind,
    uint32_t failures);
static uint64_t ngx_procmgr_throttle_delay(ngx_uint_t kind,
    uint32_t failures);


static ngx_procmgr_epoch_t  ngx_procmgr_epoch;


ngx_int_t
ngx_procmgr_sess_get(ngx_procmgr_t *pm, const u_char key[32],
    ngx_procmgr_sess_t *dst, uint64_t *vouched)
{
    uint64_t                 now;
    ngx_int_t                rc;
    ngx_procmgr_sess_t      *s;
    ngx_procmgr_sess_shm_t  *sh;

    sh = &pm->sh->sess;
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    s = ngx_procmgr_sess_find(sh, key);

    if (s == NULL) {
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return NGX_DECLINED;
    }

    s->used = now;
    *dst = *s;
    *vouched = s->checked;

    if (s->epoch >= sh->epoch) {
        rc = NGX_OK;

        if (sh->epoch_checked > s->checked) {
            *vouched = sh->epoch_checked;
        }

    } else {
        rc = NGX_AGAIN;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_sess_put(ngx_procmgr_t *pm, const ngx_procmgr_sess_t *src)
{
    ngx_procmgr_sess_t      *s;
    ngx_procmgr_sess_shm_t  *sh;

    sh = &pm->sh->sess;

    ngx_shmtx_lock(&pm->shpool->mutex);

    s = ngx_procmgr_sess_find(sh, src->key);

    if (s == NULL) {
        s = ngx_procmgr_sess_place(sh, src->key);
    }

    *s = *src;

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_sess_drop(ngx_procmgr_t *pm, const u_char key[32])
{
    ngx_procmgr_sess_t  *s;

    ngx_shmtx_lock(&pm->shpool->mutex);

    s = ngx_procmgr_sess_find(&pm->sh->sess, key);

    if (s) {
        ngx_memzero(s, sizeof(ngx_procmgr_sess_t));
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_sess_drop_id(ngx_procmgr_t *pm, const char *id)
{
    ngx_uint_t           i;
    ngx_procmgr_sess_t  *s;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_SESSIONS; i++) {
        s = &pm->sh->sess.sess[i];

        if (s->used && ngx_strncmp(s->id, id, sizeof(s->id)) == 0) {
            ngx_memzero(s, sizeof(ngx_procmgr_sess_t));
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_sess_drop_account(ngx_procmgr_t *pm, int64_t account,
    const char *keep)
{
    ngx_uint_t           i;
    ngx_procmgr_sess_t  *s;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_SESSIONS; i++) {
        s = &pm->sh->sess.sess[i];

        if (s->used && s->account == account
            && ngx_strncmp(s->id, keep, sizeof(s->id)) != 0)
        {
            ngx_memzero(s, sizeof(ngx_procmgr_sess_t));
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_int_t
ngx_procmgr_sess_touch(ngx_procmgr_t *pm, const u_char key[32], int64_t now,
    int64_t every)
{
    ngx_int_t            rc;
    ngx_procmgr_sess_t  *s;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(&pm->shpool->mutex);

    s = ngx_procmgr_sess_find(&pm->sh->sess, key);

    /* a clock that was set back does not stop the writing for long */

    if (s && (now - s->touched >= every || now < s->touched)) {
        s->touched = now;
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


static ngx_procmgr_sess_t *
ngx_procmgr_sess_place(ngx_procmgr_sess_shm_t *sh, const u_char key[32])
{
    ngx_uint_t           i;
    ngx_procmgr_sess_t  *s, *oldest;

    i = ((key[0] << 8 | key[1])
         % (NGX_PROCMGR_SESSIONS / NGX_PROCMGR_WAYS)) * NGX_PROCMGR_WAYS;

    oldest = s = &sh->sess[i];

    for (i = 0; i < NGX_PROCMGR_WAYS; i++) {
        if (s[i].used < oldest->used) {
            oldest = &s[i];
        }
    }

    return oldest;
}


/* a free entry has never been used: its time is zero, as is its key */

static ngx_procmgr_sess_t *
ngx_procmgr_sess_find(ngx_procmgr_sess_shm_t *sh, const u_char key[32])
{
    ngx_uint_t           i;
    ngx_procmgr_sess_t  *s;

    i = ((key[0] << 8 | key[1])
         % (NGX_PROCMGR_SESSIONS / NGX_PROCMGR_WAYS)) * NGX_PROCMGR_WAYS;

    s = &sh->sess[i];

    for (i = 0; i < NGX_PROCMGR_WAYS; i++) {
        if (s[i].used && ngx_memcmp(s[i].key, key, 32) == 0) {
            return &s[i];
        }
    }

    return NULL;
}


static ngx_procmgr_epoch_t *
ngx_procmgr_epoch_get(ngx_procmgr_t *pm)
{
    ngx_procmgr_epoch_t  *ep;

    ep = &ngx_procmgr_epoch;

    if (!ep->ready) {
        ngx_queue_init(&ep->waiters);

        ep->pm = pm;
        ep->dumb.fd = (ngx_socket_t) -1;
        ep->poll.handler = ngx_procmgr_epoch_poll;
        ep->poll.data = &ep->dumb;
        ep->poll.log = ngx_cycle->log;
        ep->ready = 1;
    }

    return ep;
}


void
ngx_procmgr_epoch_ask(ngx_procmgr_t *pm, ngx_procmgr_epoch_wait_t *w)
{
    ngx_procmgr_epoch_t  *ep;

    ep = ngx_procmgr_epoch_get(pm);

    ngx_procmgr_epoch_read(pm);

    if (w == NULL) {
        return;
    }

    w->since = ngx_procmgr_boottime();
    w->queued = 1;

    ngx_queue_insert_tail(&ep->waiters, &w->queue);

    /*
     * Another worker may be the one that asks; also, what this worker asked
     * may have been answered between the look at the session and here.
     */

    if (ep->query == NULL && !ep->poll.timer_set) {
        ngx_add_timer(&ep->poll, NGX_PROCMGR_EPOCH_POLL);
    }
}


void
ngx_procmgr_epoch_forget(ngx_procmgr_epoch_wait_t *w)
{
    if (w->queued) {
        w->queued = 0;
        ngx_queue_remove(&w->queue);
    }
}


ngx_uint_t
ngx_procmgr_epoch_failed(ngx_procmgr_t *pm)
{
    return pm->sh->sess.epoch_failed != 0;
}


/* one asker on the host: the right to ask ends by itself when it dies */

static void
ngx_procmgr_epoch_read(ngx_procmgr_t *pm)
{
    uint64_t                 now;
    ngx_uint_t               mine;
    ngx_procmgr_epoch_t     *ep;
    ngx_procmgr_sess_shm_t  *sh;

    ep = &ngx_procmgr_epoch;
    sh = &pm->sh->sess;

    if (ep->query) {
        return;
    }

    now = ngx_procmgr_boottime();
    mine = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (now - sh->epoch_checked >= NGX_PROCMGR_SESS_AHEAD
        && (sh->epoch_asker == 0
            || now - sh->epoch_asked > NGX_PROCMGR_EPOCH_LEASE))
    {
        sh->epoch_asker = ngx_pid;
        sh->epoch_asked = now;
        mine = 1;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (!mine) {
        return;
    }

    ep->asked = now;
    ep->query = ngx_procmgr_pg_query(pm, "SELECT procmgr.session_epoch()", 0,
                                     NULL, NGX_PROCMGR_EPOCH_TIMEOUT,
                                     ngx_procmgr_epoch_handler, ep);

    /* no memory: the lease runs out, and whoever waits asks again */
}


static void
ngx_procmgr_epoch_handler(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_procmgr_epoch_t *ep = data;

    uint64_t                 now, checked, failed;
    ngx_str_t                text;
    ngx_int_t                epoch;
    ngx_procmgr_t           *pm;
    ngx_procmgr_sess_shm_t  *sh;

    pm = ep->pm;
    sh = &pm->sh->sess;
    ep->query = NULL;
    epoch = NGX_ERROR;

    if (res->ended == NGX_PROCMGR_PG_OK && res->nrows == 1) {
        text = ngx_procmgr_pg_value(res, 0, 0);

        if (text.data) {
            epoch = ngx_atoi(text.data, text.len);
        }
    }

    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (sh->epoch_asker == ngx_pid) {
        sh->epoch_asker = 0;
    }

    if (epoch == NGX_ERROR) {
        sh->epoch_failed = now;

    } else {

        /* a database put back from an older copy: nothing known is true */

        if ((uint64_t) epoch < sh->epoch) {
            ngx_memzero(sh->sess, sizeof(sh->sess));
        }

        sh->epoch = epoch;
        sh->epoch_failed = 0;

        if (ep->asked > sh->epoch_checked) {
            sh->epoch_checked = ep->asked;
        }
    }

    checked = sh->epoch_checked;
    failed = sh->epoch_failed;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    ngx_procmgr_epoch_wake(ep, checked, failed);
}


static void
ngx_procmgr_epoch_poll(ngx_event_t *ev)
{
    uint64_t                 checked, failed;
    ngx_procmgr_t           *pm;
    ngx_procmgr_epoch_t     *ep;
    ngx_procmgr_sess_shm_t  *sh;

    ep = &ngx_procmgr_epoch;
    pm = ep->pm;
    sh = &pm->sh->sess;

    ev->timedout = 0;

    if (ngx_queue_empty(&ep->waiters)) {
        return;
    }

    ngx_procmgr_epoch_read(pm);

    ngx_shmtx_lock(&pm->shpool->mutex);
    checked = sh->epoch_checked;
    failed = sh->epoch_failed;
    ngx_shmtx_unlock(&pm->shpool->mutex);

    ngx_procmgr_epoch_wake(ep, checked, failed);
}


/* whoever waits since before the failure, or is content with what is known */

static void
ngx_procmgr_epoch_wake(ngx_procmgr_epoch_t *ep, uint64_t checked,
    uint64_t failed)
{
    uint64_t                   now;
    ngx_queue_t               *q, ready;
    ngx_procmgr_epoch_wait_t  *w;

    now = ngx_procmgr_boottime();

    ngx_queue_init(&ready);

    for (q = ngx_queue_head(&ep->waiters);
         q != ngx_queue_sentinel(&ep->waiters);
         /* void */)
    {
        w = ngx_queue_data(q, ngx_procmgr_epoch_wait_t, queue);
        q = ngx_queue_next(q);

        if (now - checked < NGX_PROCMGR_SESS_FRESH
            || failed >= w->since
            || now - w->since > 2 * NGX_PROCMGR_EPOCH_LEASE)
        {
            ngx_queue_remove(&w->queue);
            ngx_queue_insert_tail(&ready, &w->queue);
        }
    }

    /* a handler may free itself and others, and may wait again */

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        w = ngx_queue_data(q, ngx_procmgr_epoch_wait_t, queue);

        ngx_queue_remove(q);
        w->queued = 0;
        w->handler(w->data);
    }

    if (!ngx_queue_empty(&ep->waiters)
        && ep->query == NULL
        && !ep->poll.timer_set)
    {
        ngx_add_timer(&ep->poll, NGX_PROCMGR_EPOCH_POLL);
    }
}


ngx_uint_t
ngx_procmgr_throttle_enter(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what)
{
    uint32_t                 hash;
    uint64_t                 now;
    ngx_uint_t               wait;
    ngx_procmgr_throttle_t  *t;

    wait = 0;
    now = ngx_procmgr_boottime();
    hash = ngx_procmgr_throttle_hash(pm, kind, what);

    ngx_shmtx_lock(&pm->shpool->mutex);

    t = ngx_procmgr_throttle_find(&pm->sh->sess, hash, now, 1);

    if (t->pending && now - t->last > NGX_PROCMGR_THROTTLE_STALE) {
        t->pending = 0;
    }

    if (now < t->until) {
        wait = (t->until - now + 999) / 1000;

    } else if (t->pending >= ngx_procmgr_throttle_at_once(kind, t->failures)) {
        wait = 1;

    } else {
        t->pending++;
        t->last = now;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return wait;
}


void
ngx_procmgr_throttle_leave(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what)
{
    uint32_t                 hash;
    ngx_procmgr_throttle_t  *t;

    hash = ngx_procmgr_throttle_hash(pm, kind, what);

    ngx_shmtx_lock(&pm->shpool->mutex);

    t = ngx_procmgr_throttle_find(&pm->sh->sess, hash,
                                  ngx_procmgr_boottime(), 0);

    if (t && t->pending) {
        t->pending--;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


/* who has failed before gets one attempt at a time */

static ngx_uint_t
ngx_procmgr_throttle_at_once(ngx_uint_t kind, uint32_t failures)
{
    if (failures >= NGX_PROCMGR_THROTTLE_FREE) {
        return 1;
    }

    return (kind == NGX_PROCMGR_THROTTLE_SOURCE) ? 16 : 4;
}


void
ngx_procmgr_throttle_failed(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what)
{
    uint32_t                 hash;
    uint64_t                 now;
    ngx_procmgr_throttle_t  *t;

    now = ngx_procmgr_boottime();
    hash = ngx_procmgr_throttle_hash(pm, kind, what);

    ngx_shmtx_lock(&pm->shpool->mutex);

    t = ngx_procmgr_throttle_find(&pm->sh->sess, hash, now, 1);

    t->failures++;
    t->last = now;
    t->until = now + ngx_procmgr_throttle_delay(kind, t->failures);

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_throttle_reset(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what)
{
    uint32_t                 hash;
    ngx_procmgr_throttle_t  *t;

    hash = ngx_procmgr_throttle_hash(pm, kind, what);

    ngx_shmtx_lock(&pm->shpool->mutex);

    t = ngx_procmgr_throttle_find(&pm->sh->sess, hash,
                                  ngx_procmgr_boottime(), 0);

    if (t) {
        t->failures = 0;
        t->until = 0;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


/*
 * 1, 2, 4, ... seconds; an account's delay stays short, since it is anybody
 * who can cause it
 */

static uint64_t
ngx_procmgr_throttle_delay(ngx_uint_t kind, uint32_t failures)
{
    uint64_t  delay, max;

    if (failures <= NGX_PROCMGR_THROTTLE_FREE) {
        return 0;
    }

    max = (kind == NGX_PROCMGR_THROTTLE_SOURCE) ? 300 : 30;

    delay = (uint64_t) 1 << ngx_min(failures - NGX_PROCMGR_THROTTLE_FREE - 1,
                                    16);

    return ngx_min(delay, max) * 1000;
}


/* salted by the zone, so that nobody chooses who shares his place */

static uint32_t
ngx_procmgr_throttle_hash(ngx_procmgr_t *pm, ngx_uint_t kind, ngx_str_t *what)
{
    uint8_t      digest[PM_SHA256_LEN];
    uint32_t     hash;
    pm_sha256_t  sha;

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, &pm->sh->birth, sizeof(pm->sh->birth));
    pm_sha256_update(&sha, &kind, sizeof(kind));
    pm_sha256_update(&sha, what->data, what->len);
    pm_sha256_final(&sha, digest);

    ngx_memcpy(&hash, digest, sizeof(hash));

    return hash ? hash : 1;
}


static ngx_procmgr_throttle_t *
ngx_procmgr_throttle_find(ngx_procmgr_sess_shm_t *sh, uint32_t hash,
    uint64_t now, ngx_uint_t add)
{
    ngx_uint_t               i;
    ngx_procmgr_throttle_t  *t, *oldest;

    i = (hash % (NGX_PROCMGR_THROTTLES / NGX_PROCMGR_WAYS))
        * NGX_PROCMGR_WAYS;

    oldest = t = &sh->throttle[i];

    for (i = 0; i < NGX_PROCMGR_WAYS; i++) {

        if (t[i].hash && now - t[i].last > NGX_PROCMGR_THROTTLE_LIFE) {
            ngx_memzero(&t[i], sizeof(ngx_procmgr_throttle_t));
        }

        if (t[i].hash == hash) {
            return &t[i];
        }

        if (t[i].last < oldest->last) {
            oldest = &t[i];
        }
    }

    if (!add) {
        return NULL;
    }

    ngx_memzero(oldest, sizeof(ngx_procmgr_throttle_t));
    oldest->hash = hash;

    return oldest;
}
