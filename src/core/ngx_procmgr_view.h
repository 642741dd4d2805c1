
/*
 * A view is an answer made in a pool thread from the snapshot, /proc or the
 * helper, and then shared: within one interval it is made once for the host,
 * whatever the number of workers and clients.  Nobody asks, nothing is made.
 */


#ifndef _NGX_PROCMGR_VIEW_H_INCLUDED_
#define _NGX_PROCMGR_VIEW_H_INCLUDED_


#include "ngx_procmgr.h"
#include "../proc/pm_json.h"
#include "../proc/pm_scan.h"


#define NGX_PROCMGR_ARGS_LEN  4096


typedef struct {                        /* in the thread */
    ngx_procmgr_t           *pm;
    const pm_snapshot_t     *snapshot;  /* NULL when want is 0 */
    const void              *args;
    ngx_log_t               *log;       /* the thread's, for this call only */

    /* what it makes: status 200 and json, or a problem */
    ngx_uint_t               status;
    char                     code[32];
    char                     detail[256];
    char                     partial[128];    /* "fd,io": lost to rights */
    pm_json_t                json;
} ngx_procmgr_job_t;

typedef void (*ngx_procmgr_make_pt)(ngx_procmgr_job_t *job);

/* sets status, code and detail (printf's form) of a job */
void ngx_procmgr_job_fail(ngx_procmgr_job_t *job, ngx_uint_t status,
    const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));


typedef struct {                        /* in the event loop; counted */
    ngx_uint_t               refs;
    ngx_uint_t               status;
    uint64_t                 birth;
    uint64_t                 generation;
    uint64_t                 made;      /* boottime, ms */
    uint32_t                 hash;      /* of the key */
    char                     code[32];
    char                     detail[256];
    char                     partial[128];
    size_t                   len;
    u_char                  *data;
} ngx_procmgr_body_t;


typedef struct ngx_procmgr_wait_s  ngx_procmgr_wait_t;

/* body is NULL when the deadline passed or memory is short */
typedef void (*ngx_procmgr_body_pt)(void *data, ngx_procmgr_body_t *body);


typedef struct {
    ngx_str_t                key;       /* canonical query, role included */
    ngx_procmgr_make_pt      make;
    const void              *args;      /* copied, no pointers inside */
    size_t                   args_size; /* <= NGX_PROCMGR_ARGS_LEN */
    unsigned                 want;      /* PM_HAVE_*, 0: no snapshot */
    ngx_msec_t               max_age;   /* 0 is pm->interval */
    ngx_msec_t               timeout;   /* of the wait; 0 is 10 s */
    unsigned                 again:1;   /* never from the cache */
} ngx_procmgr_view_t;


ngx_int_t ngx_procmgr_views_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);

/*
 * NGX_OK: *body is there (release it).  NGX_AGAIN: handler(data, body) comes
 * later, once; the body it gets is released after it returns, unless it is
 * held.  NGX_BUSY: the thread pool's queue is full.  NGX_ERROR.
 */
ngx_int_t ngx_procmgr_view_get(ngx_procmgr_t *pm, ngx_procmgr_view_t *view,
    ngx_procmgr_body_t **body, ngx_procmgr_body_pt handler, void *data,
    ngx_procmgr_wait_t **wait);

/* the owner of `data' goes: its handler is never called */
void ngx_procmgr_view_forget(ngx_procmgr_wait_t *wait);

void ngx_procmgr_body_hold(ngx_procmgr_body_t *body);
void ngx_procmgr_body_release(ngx_procmgr_body_t *body);


#endif /* _NGX_PROCMGR_VIEW_H_INCLUDED_ */
