
/*
 * Events for the pages that listen: a ring in the zone that any worker writes
 * and every worker reads.  Nobody has to listen.  The oldest are overwritten;
 * a reader that fell behind is told so.
 */


#ifndef _NGX_PROCMGR_EVENT_H_INCLUDED_
#define _NGX_PROCMGR_EVENT_H_INCLUDED_


#include "ngx_procmgr.h"


#define NGX_PROCMGR_EVENTS     128
#define NGX_PROCMGR_EVENT_LEN  2000     /* bytes of one */


typedef enum {
    NGX_PROCMGR_EVENT_ALERT = 0,        /* "alert": a threshold was passed */
    NGX_PROCMGR_EVENT_WATCH,            /* "watch": one started or ended */
    NGX_PROCMGR_EVENT_KINDS
} ngx_procmgr_event_kind_e;

extern const char *const  ngx_procmgr_event_names[NGX_PROCMGR_EVENT_KINDS];


typedef struct {
    uint64_t                 seq;       /* from 1 on, 0 is none */
    uint32_t                 kind;
    uint32_t                 len;
    u_char                   json[NGX_PROCMGR_EVENT_LEN];
} ngx_procmgr_event_t;


typedef struct {                        /* in the zone */
    ngx_atomic_t             seq;       /* of the newest */
    ngx_procmgr_event_t      ring[NGX_PROCMGR_EVENTS];
} ngx_procmgr_event_shm_t;


/*
 * In the event loop or in a thread: one JSON object without line feeds, as
 * jansson's JSON_COMPACT and pm_json write it.  NGX_DECLINED: too long.
 */
ngx_int_t ngx_procmgr_event_publish(ngx_procmgr_t *pm, ngx_uint_t kind,
    const u_char *json, size_t len);

/* the number of the newest; without a lock */
uint64_t ngx_procmgr_event_last(ngx_procmgr_t *pm);

/*
 * The first behind seq.  NGX_OK; NGX_DONE: there is none yet; NGX_DECLINED:
 * it is overwritten.
 */
ngx_int_t ngx_procmgr_event_next(ngx_procmgr_t *pm, uint64_t seq,
    ngx_procmgr_event_t *dst);


#endif /* _NGX_PROCMGR_EVENT_H_INCLUDED_ */
