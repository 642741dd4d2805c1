
#include "ngx_procmgr_event.h"
#include "ngx_procmgr_zone.h"


#define NGX_PROCMGR_EVENT_LOG_AGE   1000        /* ms */
#define NGX_PROCMGR_EVENT_LOG_SOON  200         /* after a change */
#define NGX_PROCMGR_EVENT_LOG_WAIT  5000        /* for the database */


static ngx_uint_t ngx_procmgr_event_count(ngx_procmgr_event_shm_t *sh,
    ngx_uint_t *mine);


const char *const  ngx_procmgr_event_names[NGX_PROCMGR_EVENT_KINDS] = {
    "alert", "watch"
};


ngx_int_t
ngx_procmgr_event_publish(ngx_procmgr_t *pm, ngx_uint_t kind,
    const u_char *json, size_t len)
{
    uint64_t                  seq;
    ngx_procmgr_event_t      *e;
    ngx_procmgr_event_shm_t  *sh;

    if (len > NGX_PROCMGR_EVENT_LEN) {
        return NGX_DECLINED;
    }

    sh = &pm->sh->events;

    ngx_shmtx_lock(&pm->shpool->mutex);

    seq = sh->seq + 1;
    e = &sh->ring[seq % NGX_PROCMGR_EVENTS];

    /* whoever dies in here leaves no event instead of half of one */

    e->seq = 0;

    ngx_memory_barrier();

    e->kind = kind;
    e->len = len;
    ngx_memcpy(e->json, json, len);

    ngx_memory_barrier();

    e->seq = seq;
    sh->seq = seq;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return NGX_OK;
}


uint64_t
ngx_procmgr_event_last(ngx_procmgr_t *pm)
{
    return pm->sh->events.seq;
}


ngx_int_t
ngx_procmgr_event_next(ngx_procmgr_t *pm, uint64_t seq,
    ngx_procmgr_event_t *dst)
{
    ngx_int_t                 rc;
    ngx_procmgr_event_t      *e;
    ngx_procmgr_event_shm_t  *sh;

    sh = &pm->sh->events;

    if (sh->seq <= seq) {
        return NGX_DONE;
    }

    ngx_shmtx_lock(&pm->shpool->mutex);

    e = &sh->ring[(seq + 1) % NGX_PROCMGR_EVENTS];
    rc = (e->seq == seq + 1) ? NGX_OK : NGX_DECLINED;

    if (rc == NGX_OK) {
        ngx_memcpy(dst, e, offsetof(ngx_procmgr_event_t, json) + e->len);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


ngx_int_t
ngx_procmgr_event_enter(ngx_procmgr_t *pm, ngx_uint_t max)
{
    ngx_int_t                 rc;
    ngx_uint_t                mine;
    ngx_procmgr_event_shm_t  *sh;

    sh = &pm->sh->events;
    rc = NGX_BUSY;

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (ngx_procmgr_event_count(sh, &mine) < max
        && mine != NGX_PROCMGR_LISTENERS)
    {
        sh->listeners[mine].pid = ngx_pid;
        sh->listeners[mine].n++;
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_event_leave(ngx_procmgr_t *pm)
{
    ngx_uint_t                mine;
    ngx_procmgr_event_shm_t  *sh;

    sh = &pm->sh->events;

    ngx_shmtx_lock(&pm->shpool->mutex);

    (void) ngx_procmgr_event_count(sh, &mine);

    if (mine != NGX_PROCMGR_LISTENERS && sh->listeners[mine].n) {
        sh->listeners[mine].n--;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_uint_t
ngx_procmgr_event_listeners(ngx_procmgr_t *pm)
{
    ngx_uint_t  n, mine;

    ngx_shmtx_lock(&pm->shpool->mutex);

    n = ngx_procmgr_event_count(&pm->sh->events, &mine);

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return n;
}


/* of workers that live; `mine' is the place of this one */

static ngx_uint_t
ngx_procmgr_event_count(ngx_procmgr_event_shm_t *sh, ngx_uint_t *mine)
{
    ngx_uint_t  i, n;

    n = 0;
    *mine = NGX_PROCMGR_LISTENERS;

    for (i = 0; i < NGX_PROCMGR_LISTENERS; i++) {

        if (sh->listeners[i].n
            && sh->listeners[i].pid != ngx_pid
            && kill(sh->listeners[i].pid, 0) == -1
            && ngx_errno == NGX_ESRCH)
        {
            sh->listeners[i].n = 0;
        }

        n += sh->listeners[i].n;

        if (sh->listeners[i].pid == ngx_pid
            || (sh->listeners[i].n == 0
                && (*mine == NGX_PROCMGR_LISTENERS
                    || sh->listeners[*mine].pid != ngx_pid)))
        {
            *mine = i;
        }
    }

    return n;
}


ngx_int_t
ngx_procmgr_event_log_get(ngx_procmgr_t *pm, ngx_procmgr_event_log_t *log)
{
    uint64_t                  now, age;
    ngx_int_t                 rc;
    ngx_procmgr_event_shm_t  *sh;

    sh = &pm->sh->events;
    now = ngx_procmgr_boottime();
    rc = NGX_OK;

    ngx_shmtx_lock(&pm->shpool->mutex);

    *log = sh->log;
    age = now - sh->log_made;

    if (sh->log_until <= now
        && (age >= NGX_PROCMGR_EVENT_LOG_AGE
            || (age >= NGX_PROCMGR_EVENT_LOG_SOON
                && sh->log_asked != sh->log_changes)))
    {
        sh->log_until = now + NGX_PROCMGR_EVENT_LOG_WAIT;
        sh->log_asked = sh->log_changes;
        rc = NGX_AGAIN;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_event_log_put(ngx_procmgr_t *pm,
    const ngx_procmgr_event_log_t *log)
{
    ngx_procmgr_event_shm_t  *sh;

    sh = &pm->sh->events;

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (log && (sh->log.version == 0
                || log->unread != sh->log.unread
                || log->seq != sh->log.seq))
    {
        sh->log.version++;
        sh->log.unread = log->unread;
        sh->log.seq = log->seq;
    }

    sh->log_made = ngx_procmgr_boottime();
    sh->log_until = 0;

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


void
ngx_procmgr_event_log_changed(ngx_procmgr_t *pm)
{
    ngx_atomic_fetch_add(&pm->sh->events.log_changes, 1);
}
