
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

#define NGX_HTTP_PROCMGR_WATCH_WHY  160

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


/* watch_change.c: the handlers of routes */

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


/* watch_note.c */

/* writes the rows that wait; a command of an alert is started behind its row */
void ngx_http_procmgr_watch_notes(ngx_procmgr_t *pm);


#endif /* _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_ */
