
/*
 * Events for the pages that listen: a ring in the zone that any worker writes
 * and every worker reads.  Nobody has to listen.  The oldest are overwritten;
 * a reader that fell behind is told so.
 */


#ifndef _NGX_PROCMGR_EVENT_H_INCLUDED_
#define _NGX_PROCMGR_EVENT_H_INCLUDED_


#include "ngx_procmgr.h"


#define NGX_PROCMGR_EVENTS     128
#define NGX_PROCMGR_LISTENERS  64       /* workers that have some */
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


typedef struct {                        /* of the log, for its badge */
    uint64_t                 version;   /* grows with each that differs */
    int64_t                  unread;
    int64_t                  seq;       /* of the newest row */
} ngx_procmgr_event_log_t;


typedef struct {                        /* in the zone */
    ngx_atomic_t             seq;       /* of the newest */
    ngx_procmgr_event_t      ring[NGX_PROCMGR_EVENTS];

    ngx_procmgr_event_log_t  log;
    ngx_atomic_t             log_changes;       /* told by those who write */
    ngx_atomic_uint_t        log_asked;         /* so many were told then */
    uint64_t                 log_made;          /* boottime ms */
    uint64_t                 log_until;         /* of the asker's right */

    struct {
        ngx_pid_t            pid;
        ngx_uint_t           n;
    }                        listeners[NGX_PROCMGR_LISTENERS];
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

/* one more who listens; NGX_BUSY: there are `max' in all workers */
ngx_int_t ngx_procmgr_event_enter(ngx_procmgr_t *pm, ngx_uint_t max);
void ngx_procmgr_event_leave(ngx_procmgr_t *pm);
ngx_uint_t ngx_procmgr_event_listeners(ngx_procmgr_t *pm);

/*
 * What is known of the log, once a second and when a change was told.
 * NGX_AGAIN: it is the caller's to ask the database, and to put what it says,
 * or NULL.
 */
ngx_int_t ngx_procmgr_event_log_get(ngx_procmgr_t *pm,
    ngx_procmgr_event_log_t *log);
void ngx_procmgr_event_log_put(ngx_procmgr_t *pm,
    const ngx_procmgr_event_log_t *log);
void ngx_procmgr_event_log_changed(ngx_procmgr_t *pm);


#endif /* _NGX_PROCMGR_EVENT_H_INCLUDED_ */
