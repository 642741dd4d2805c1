
/* between the files of the family "log" */


#ifndef _NGX_HTTP_PROCMGR_LOG_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_LOG_H_INCLUDED_


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_LOG_SEQ_MAX    9007199254740991    /* 2^53 - 1 */

#define NGX_HTTP_PROCMGR_LOG_CSV    0
#define NGX_HTTP_PROCMGR_LOG_JSONL  1


typedef struct {
    ngx_flag_t            unread;
    ngx_uint_t            type;
    ngx_uint_t            status;
    ngx_str_t             actor;
    ngx_str_t             target;
    ngx_str_t             host;
    ngx_str_t             q;
    ngx_str_t             since;
    ngx_str_t             until;
    int64_t               limit;
    int64_t               before;
    ngx_uint_t            format;       /* of an export */
} ngx_http_procmgr_log_args_t;


/*
 * The query's filters as the database takes them, malloc()ed; `export' has a
 * format and no pages.  NULL: it was answered, ctx->rc tells.
 */
char *ngx_http_procmgr_log_filters(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_log_args_t *a,
    ngx_uint_t export);

/* export.c: GET /log/export */
ngx_int_t ngx_http_procmgr_log_export(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


#endif /* _NGX_HTTP_PROCMGR_LOG_H_INCLUDED_ */
