
#include "ngx_procmgr_event.h"
#include "ngx_procmgr_zone.h"


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
