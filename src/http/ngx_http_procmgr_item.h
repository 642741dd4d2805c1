
/* items of a process and whole processes, for the files of the lists */


#ifndef _NGX_HTTP_PROCMGR_ITEM_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_ITEM_H_INCLUDED_


#include "ngx_http_procmgr_field.h"


#define NGX_HTTP_PROCMGR_SQL_SENSITIVE_READ                                   \
    "SELECT procmgr.sensitive_read($1, $2, $3, $4, $5, $6)"


/* full objects of one process, or with pid = 0 of all: the whole answer */
ngx_int_t ngx_http_procmgr_process_full(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid, ngx_uint_t object,
    ngx_uint_t human);

/* one item of the process ctx->pid, with the parameters it has */
ngx_int_t ngx_http_procmgr_item_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t item);

/*
 * In the thread: a process of the job's snapshot, or of a newer one that is
 * then the job's; put the first one back and free() *late.  NULL: there is no
 * such process.
 */
const pm_proc_t *ngx_http_procmgr_item_find(ngx_procmgr_job_t *job,
    int64_t pid, unsigned want, pm_snapshot_t **late);

/* the problem of a process that was not found: 404, or 403 where it hides */
void ngx_http_procmgr_item_absent(ngx_procmgr_job_t *job, int64_t pid);


#endif /* _NGX_HTTP_PROCMGR_ITEM_H_INCLUDED_ */
