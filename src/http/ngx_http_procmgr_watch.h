
/*
 * Watches: /memory/watches and all below it.  The table is in the zone, the
 * definitions are in PostgreSQL; a change counts when it is in both.
 */


#ifndef _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_


#include "ngx_http_procmgr_control.h"
#include "../core/ngx_procmgr_watch.h"


/* in init_process, where the memory family is mounted */
ngx_int_t ngx_http_procmgr_watch_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);
void ngx_http_procmgr_watch_exit(ngx_procmgr_t *pm);


/* watch_def.c */

#define NGX_HTTP_PROCMGR_WATCH_WHY  256

/*
 * What a client asks for, or what the database kept (`kept'): that has more
 * members.  NGX_DECLINED and a sentence that names the member and its range.
 */
ngx_int_t ngx_http_procmgr_watch_def_parse(json_t *json,
    ngx_procmgr_watch_def_t *def, ngx_uint_t kept,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
/* "thresholds_mb" and "growth_mb_per_min" of a PATCH; as above */
ngx_int_t ngx_http_procmgr_watch_limits_parse(json_t *json,
    ngx_procmgr_watch_def_t *def, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
/* for the database; NULL: no memory */
char *ngx_http_procmgr_watch_def_text(const ngx_procmgr_watch_def_t *def);


/* watch_create.c, watch_change.c: the handlers of routes */

ngx_int_t ngx_http_procmgr_watch_create(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_watch_start(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_watch_stop(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_watch_patch(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_watch_delete(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


/* between watch_create.c and watch_change.c */

typedef enum {
    NGX_HTTP_PROCMGR_WATCH_CREATE = 0,
    NGX_HTTP_PROCMGR_WATCH_START,
    NGX_HTTP_PROCMGR_WATCH_STOP,
    NGX_HTTP_PROCMGR_WATCH_PATCH,
    NGX_HTTP_PROCMGR_WATCH_DELETE
} ngx_http_procmgr_watch_what_e;


typedef struct {                            /* malloc()ed */
    ngx_http_request_t           *r;        /* weak */
    ngx_pool_cleanup_t           *gone;
    ngx_procmgr_t                *pm;
    ngx_uint_t                    what;
    ngx_procmgr_watch_def_t       def;
    u_char                        op[37];   /* of the row */
    char                          actor[NGX_PROCMGR_WATCH_ACTOR];
    char                          remote[NGX_PROCMGR_WATCH_REMOTE];
    ngx_uint_t                    role;
    char                          detail[NGX_PROCMGR_WATCH_DETAIL];
    pm_watch_who_t                who;      /* what it starts with */
    ngx_procmgr_watch_sample_t    first;
    ngx_event_t                   timer;    /* when nobody knows its end */
    unsigned                      stopped:1;    /* by this change */
    unsigned                      read:1;   /* the database answers again */
} ngx_http_procmgr_change_t;

/* the request's until it waits for something */
ngx_http_procmgr_change_t *ngx_http_procmgr_watch_change(
    ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what);
/* the request, if it still waits; the change is the caller's to free */
ngx_http_request_t *ngx_http_procmgr_watch_detach(
    ngx_http_procmgr_change_t *c);
/* looks at the process, then goes on: what a handler returns */
ngx_int_t ngx_http_procmgr_watch_look(ngx_http_request_t *r,
    ngx_http_procmgr_change_t *c);


/* writes it; NULL: it was not sent */
ngx_procmgr_pg_query_t *ngx_http_procmgr_watch_query(
    ngx_http_procmgr_change_t *c, ngx_procmgr_pg_pt handler);
/* an event, and the zone follows what is committed */
ngx_int_t ngx_http_procmgr_watch_counts(ngx_http_procmgr_change_t *c);


/* watch_late.c */

/*
 * A change was sent, and no answer came: takes it, and has the zone follow
 * what the database says of it when it can be asked.
 */
void ngx_http_procmgr_watch_late(ngx_http_procmgr_change_t *c);


/* watch_note.c */

/* writes the rows that wait; a command of an alert is started behind its row */
void ngx_http_procmgr_watch_notes(ngx_procmgr_t *pm);


#endif /* _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_ */
