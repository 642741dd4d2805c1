
/* The table of watches in the zone, and their rings of samples */


#include "ngx_procmgr_watch.h"


/* of a watch that is not in the database yet: its worker may have died */
#define NGX_PROCMGR_WATCH_MAKING  15000     /* ms */

/* of the rest of the zone */
#define NGX_PROCMGR_WATCH_SHARE   8


static size_t ngx_procmgr_watch_stride(const ngx_procmgr_watch_def_t *def);
static size_t ngx_procmgr_watch_need(const ngx_procmgr_watch_def_t *def);
static ngx_int_t ngx_procmgr_watch_reserve(ngx_procmgr_t *pm,
    ngx_procmgr_watch_t *w, char err[NGX_PROCMGR_ERR_LEN]);
static void ngx_procmgr_watch_release(ngx_procmgr_t *pm,
    ngx_procmgr_watch_t *w);
static ngx_procmgr_watch_t *ngx_procmgr_watch_same(ngx_procmgr_t *pm,
    const ngx_procmgr_watch_def_t *def);
static u_char *ngx_procmgr_watch_place(ngx_procmgr_t *pm, uint32_t chunk,
    size_t offset);


size_t
ngx_procmgr_watch_room(size_t data)
{
    size_t  n;

    n = data / NGX_PROCMGR_WATCH_SHARE / NGX_PROCMGR_WATCH_CHUNK;
    n = ngx_min(n, NGX_PROCMGR_WATCH_CHUNKS);

    return ngx_align(sizeof(ngx_procmgr_watch_shm_t), NGX_PROCMGR_WATCH_CHUNK)
           + n * NGX_PROCMGR_WATCH_CHUNK;
}


void
ngx_procmgr_watch_zone(ngx_procmgr_t *pm)
{
    size_t                    head;
    ngx_procmgr_shm_t        *sh;
    ngx_procmgr_watch_shm_t  *ws;

    sh = pm->sh;
    ws = ngx_procmgr_watch_shm(pm);

    ngx_memzero(ws, sizeof(ngx_procmgr_watch_shm_t));

    head = ngx_align(sizeof(ngx_procmgr_watch_shm_t),
                     NGX_PROCMGR_WATCH_CHUNK);

    ws->chunks_offset = sh->watch_offset + head;
    ws->nchunks = (sh->watch_size - head) / NGX_PROCMGR_WATCH_CHUNK;
}


ngx_procmgr_watch_shm_t *
ngx_procmgr_watch_shm(ngx_procmgr_t *pm)
{
    return (ngx_procmgr_watch_shm_t *) (pm->shm_zone->shm.addr
                                        + pm->sh->watch_offset);
}


static size_t
ngx_procmgr_watch_stride(const ngx_procmgr_watch_def_t *def)
{
    return (1 + (def->detail ? PM_WATCH_FIELDS : PM_WATCH_BASIC))
           * sizeof(uint64_t);
}


/* chunks */

static size_t
ngx_procmgr_watch_need(const ngx_procmgr_watch_def_t *def)
{
    size_t  n;

    n = NGX_PROCMGR_WATCH_CHUNK / ngx_procmgr_watch_stride(def);

    return (def->history + n - 1) / n;
}


ngx_procmgr_watch_t *
ngx_procmgr_watch_find(ngx_procmgr_t *pm, const u_char *id)
{
    ngx_uint_t                i;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {
        if (ws->watch[i].state != NGX_PROCMGR_WATCH_FREE
            && ngx_memcmp(ws->watch[i].def.id, id, 36) == 0)
        {
            return &ws->watch[i];
        }
    }

    return NULL;
}


/* another of the same target that runs, or is about to */

static ngx_procmgr_watch_t *
ngx_procmgr_watch_same(ngx_procmgr_t *pm, const ngx_procmgr_watch_def_t *def)
{
    ngx_uint_t                i;
    ngx_procmgr_watch_t      *w;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {

        w = &ws->watch[i];

        if ((w->state != NGX_PROCMGR_WATCH_NEW
             && w->state != NGX_PROCMGR_WATCH_RUNNING)
            || w->def.kind != def->kind
            || ngx_memcmp(w->def.id, def->id, 36) == 0)
        {
            continue;
        }

        if (def->kind == NGX_PROCMGR_WATCH_PID
            ? (w->def.who.pid == def->who.pid
               && w->def.who.starttime == def->who.starttime)
            : ngx_strcmp(w->def.target, def->target) == 0)
        {
            return w;
        }
    }

    return NULL;
}


ngx_int_t
ngx_procmgr_watch_add(ngx_procmgr_t *pm, const ngx_procmgr_watch_def_t *def,
    u_char other[37], char err[NGX_PROCMGR_ERR_LEN])
{
    uint64_t                  now;
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_procmgr_watch_t      *w, *free;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    now = ngx_procmgr_boottime();
    free = NULL;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {

        w = &ws->watch[i];

        if (w->state == NGX_PROCMGR_WATCH_NEW
            && w->maker.pid != ngx_pid
            && !ngx_procmgr_lease_held(&w->maker, now))
        {
            ngx_procmgr_watch_release(pm, w);
        }

        if (w->state == NGX_PROCMGR_WATCH_FREE && free == NULL) {
            free = w;
        }
    }

    w = ngx_procmgr_watch_same(pm, def);

    if (w) {
        ngx_memcpy(other, w->def.id, 37);
        rc = NGX_BUSY;

    } else if (free == NULL) {
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "there are %d watches already, and no room for more: "
                     "delete one%Z", NGX_PROCMGR_WATCHES);
        rc = NGX_DECLINED;

    } else {
        ngx_memzero(free, sizeof(ngx_procmgr_watch_t));

        free->def = *def;
        rc = ngx_procmgr_watch_reserve(pm, free, err);

        if (rc == NGX_OK) {
            free->maker.pid = ngx_pid;
            free->maker.until = now + NGX_PROCMGR_WATCH_MAKING;
            free->state = NGX_PROCMGR_WATCH_NEW;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


/* chunks for its history */

static ngx_int_t
ngx_procmgr_watch_reserve(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    char err[NGX_PROCMGR_ERR_LEN])
{
    size_t                    n, used, room, per;
    ngx_uint_t                i, mine;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    mine = w - ws->watch + 1;
    used = 0;
    room = 0;

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {
        if (ws->watch[i].state != NGX_PROCMGR_WATCH_FREE) {
            used += ws->watch[i].def.history;
        }
    }

    for (i = 0; i < ws->nchunks; i++) {
        room += (ws->owner[i] == 0);
    }

    n = ngx_procmgr_watch_need(&w->def);
    per = NGX_PROCMGR_WATCH_CHUNK / ngx_procmgr_watch_stride(&w->def);

    if (used + w->def.history > NGX_PROCMGR_WATCH_SAMPLES) {
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "history_size %uD does not fit: of %d samples in all "
                     "%uz are free%Z", w->def.history,
                     NGX_PROCMGR_WATCH_SAMPLES,
                     NGX_PROCMGR_WATCH_SAMPLES - used);
        return NGX_DECLINED;
    }

    if (n > room) {
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "history_size %uD does not fit into the zone, which has "
                     "room for %uz such samples: procmgr_zone %V:%uzm is "
                     "needed%Z", w->def.history, room * per,
                     &pm->shm_zone->shm.name,
                     (pm->shm_zone->shm.size
                      + (n - room) * NGX_PROCMGR_WATCH_CHUNK
                        * (NGX_PROCMGR_WATCH_SHARE + 1))
                     / (1024 * 1024) + 1);
        return NGX_DECLINED;
    }

    for (i = 0; n && i < ws->nchunks; i++) {
        if (ws->owner[i] == 0) {
            ws->owner[i] = (u_char) mine;
            n--;
        }
    }

    return NGX_OK;
}


static void
ngx_procmgr_watch_release(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w)
{
    ngx_uint_t                i, mine;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    mine = w - ws->watch + 1;

    w->state = NGX_PROCMGR_WATCH_FREE;

    for (i = 0; i < ws->nchunks; i++) {
        if (ws->owner[i] == mine) {
            ws->owner[i] = 0;
        }
    }
}


ngx_int_t
ngx_procmgr_watch_run(ngx_procmgr_t *pm, const u_char *id,
    const pm_watch_who_t *who, const ngx_procmgr_watch_sample_t *first,
    u_char other[37], char err[NGX_PROCMGR_ERR_LEN])
{
    uint64_t                  now;
    ngx_int_t                 rc;
    ngx_time_t               *tp;
    ngx_procmgr_watch_t      *w, *same;
    ngx_procmgr_watch_def_t   def;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    tp = ngx_timeofday();
    rc = NGX_OK;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);
    same = w ? ngx_procmgr_watch_same(pm, &w->def) : NULL;

    if (w == NULL) {
        rc = NGX_ERROR;

    } else if (w->state == NGX_PROCMGR_WATCH_RUNNING) {
        rc = NGX_DONE;

    } else if (same) {
        ngx_memcpy(other, same->def.id, 37);
        rc = NGX_BUSY;
    }

    if (rc != NGX_OK) {
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return rc;
    }

    now = ngx_procmgr_boottime();
    def = w->def;

    /* nobody else writes there while it does not run */

    ngx_memzero(w, sizeof(ngx_procmgr_watch_t));

    w->def = def;
    w->run = ++ws->runs;
    w->started = first ? first->t : now;
    w->offset = (int64_t) tp->sec * 1000 + tp->msec - (int64_t) now;
    w->slot = pm_watch_slot(w->started, def.interval);

    if (who) {
        w->who = *who;
    }

    pm_trend_init(&w->trend, def.interval);

    w->state = NGX_PROCMGR_WATCH_RUNNING;

    if (first) {
        ngx_procmgr_watch_append(pm, w, first);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_watch_stop(ngx_procmgr_t *pm, const u_char *id)
{
    ngx_int_t             rc;
    ngx_procmgr_watch_t  *w;

    rc = NGX_ERROR;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);

    if (w) {
        rc = NGX_DONE;

        if (w->state == NGX_PROCMGR_WATCH_RUNNING) {
            w->state = NGX_PROCMGR_WATCH_STOPPED;
            w->ended = ngx_procmgr_boottime();
            rc = NGX_OK;

        } else if (w->state == NGX_PROCMGR_WATCH_NEW) {
            w->state = NGX_PROCMGR_WATCH_STOPPED;
            rc = NGX_OK;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_watch_resume(ngx_procmgr_t *pm, const u_char *id)
{
    ngx_procmgr_watch_t  *w;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);

    if (w && w->state == NGX_PROCMGR_WATCH_STOPPED
        && ngx_procmgr_watch_same(pm, &w->def) == NULL)
    {
        w->state = NGX_PROCMGR_WATCH_RUNNING;
        w->ended = 0;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_watch_remove(ngx_procmgr_t *pm, const u_char *id)
{
    ngx_procmgr_watch_t  *w;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);

    if (w) {
        ngx_procmgr_watch_release(pm, w);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_int_t
ngx_procmgr_watch_limits(ngx_procmgr_t *pm, const ngx_procmgr_watch_def_t *def)
{
    ngx_procmgr_watch_t  *w;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, def->id);

    if (w) {
        w->def.nlimits = def->nlimits;
        w->def.growth = def->growth;
        w->growing = 0;

        ngx_memcpy(w->def.limit, def->limit, sizeof(def->limit));
        ngx_memzero(w->above, sizeof(w->above));
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return w ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_procmgr_watch_get(ngx_procmgr_t *pm, const u_char *id,
    ngx_procmgr_watch_t *dst)
{
    ngx_procmgr_watch_t  *w;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);

    if (w) {
        *dst = *w;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return w ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_procmgr_watch_at(ngx_procmgr_t *pm, ngx_uint_t n, ngx_procmgr_watch_t *dst)
{
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);

    ngx_shmtx_lock(&pm->shpool->mutex);

    *dst = ws->watch[n];

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return dst->state == NGX_PROCMGR_WATCH_FREE
           || dst->state == NGX_PROCMGR_WATCH_NEW ? NGX_DECLINED : NGX_OK;
}


static u_char *
ngx_procmgr_watch_place(ngx_procmgr_t *pm, uint32_t chunk, size_t offset)
{
    return pm->shm_zone->shm.addr
           + ngx_procmgr_watch_shm(pm)->chunks_offset
           + (size_t) chunk * NGX_PROCMGR_WATCH_CHUNK + offset;
}


void
ngx_procmgr_watch_append(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    const ngx_procmgr_watch_sample_t *s)
{
    size_t                    stride, per, pos;
    u_char                   *owner, *next;
    ngx_uint_t                i, mine;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    mine = w - ws->watch + 1;

    stride = ngx_procmgr_watch_stride(&w->def);
    per = NGX_PROCMGR_WATCH_CHUNK / stride;
    pos = w->samples % w->def.history;

    if (pos % per == 0) {

        /* the next of its chunks, or the first one again */

        owner = pos ? ws->owner + w->chunk + 1 : ws->owner;

        next = memchr(owner, (int) mine, ws->owner + ws->nchunks - owner);

        if (next == NULL) {
            return;
        }

        w->chunk = (uint32_t) (next - ws->owner);
    }

    ngx_memcpy(ngx_procmgr_watch_place(pm, w->chunk, pos % per * stride), s,
               stride);

    ngx_memory_barrier();

    w->samples++;
    w->current = *s;

    if (w->samples == 1) {
        w->initial = *s;
        w->max = *s;
    }

    if (s->mem[PM_WATCH_PHYSICAL] > w->max.mem[PM_WATCH_PHYSICAL]) {
        w->max.t = s->t;
    }

    for (i = 0; i < PM_WATCH_FIELDS; i++) {
        w->sum[i] += (double) s->mem[i];
        w->max.mem[i] = ngx_max(w->max.mem[i], s->mem[i]);
    }

    pm_trend_add(&w->trend, s->t, s->mem[PM_WATCH_PHYSICAL]);

    (void) ngx_atomic_fetch_add(&ws->samples, 1);
}


size_t
ngx_procmgr_watch_history(ngx_procmgr_t *pm, const u_char *id, uint64_t from,
    size_t n, ngx_procmgr_watch_sample_t *dst, uint64_t *first)
{
    size_t                    i, k, pos, stride, per, nchunks;
    uint16_t                  chunk[NGX_PROCMGR_WATCH_CHUNKS];
    uint64_t                  run, end, oldest;
    ngx_uint_t                mine;
    ngx_procmgr_watch_t      *w;
    ngx_procmgr_watch_def_t   def;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    nchunks = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    w = ngx_procmgr_watch_find(pm, id);

    if (w == NULL) {
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return 0;
    }

    def = w->def;
    run = w->run;
    end = w->samples;
    mine = w - ws->watch + 1;

    for (i = 0; i < ws->nchunks; i++) {
        if (ws->owner[i] == mine) {
            chunk[nchunks++] = (uint16_t) i;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    oldest = end > def.history ? end - def.history : 0;
    from = ngx_max(from, oldest);

    if (from >= end) {
        *first = end;
        return 0;
    }

    n = ngx_min(n, end - from);

    stride = ngx_procmgr_watch_stride(&def);
    per = NGX_PROCMGR_WATCH_CHUNK / stride;

    for (i = 0; i < n; i++) {

        pos = (from + i) % def.history;

        if (pos / per >= nchunks) {
            return 0;
        }

        dst[i].mem[PM_WATCH_DATA] = 0;

        ngx_memcpy(&dst[i],
                   ngx_procmgr_watch_place(pm, chunk[pos / per],
                                           pos % per * stride),
                   stride);
    }

    /* what was overwritten meanwhile, and the one being overwritten */

    ngx_shmtx_lock(&pm->shpool->mutex);

    end = (w->run == run && w->state != NGX_PROCMGR_WATCH_FREE)
          ? w->samples : 0;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (end == 0) {
        return 0;
    }

    oldest = end > def.history ? end - def.history : 0;

    k = oldest > from ? ngx_min(oldest - from, n) : 0;

    if (k) {
        ngx_memmove(dst, dst + k, (n - k) * sizeof(*dst));
    }

    *first = from + k;

    return n - k;
}


void
ngx_procmgr_watch_title(const ngx_procmgr_watch_t *w, char *buf, size_t len)
{
    switch (w->def.kind) {

    case NGX_PROCMGR_WATCH_PID:
        (void) snprintf(buf, len, "pid %d (%s)", (int) w->def.who.pid,
                        w->def.who.name);
        break;

    case NGX_PROCMGR_WATCH_UNIT:
        (void) snprintf(buf, len, "unit %s", w->def.target);
        break;

    default:
        (void) snprintf(buf, len, "name %s", w->def.target);
        break;
    }
}
