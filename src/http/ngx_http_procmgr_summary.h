
/* the host in one answer, and its parts for who tells of it otherwise */


#ifndef _NGX_HTTP_PROCMGR_SUMMARY_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_SUMMARY_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


ngx_int_t ngx_http_procmgr_summary(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/* in the thread; the job's args begin with ngx_http_procmgr_system_args_t */
void ngx_http_procmgr_make_summary(ngx_procmgr_job_t *job);

/* each writes one value; `human' adds the sizes as people read them */
void ngx_http_procmgr_summary_time(pm_json_t *j, int64_t ms);
void ngx_http_procmgr_summary_tasks(pm_json_t *j, const pm_tasks_t *tasks);
void ngx_http_procmgr_summary_cpu(pm_json_t *j, const pm_cpu_percent_t *c);
void ngx_http_procmgr_summary_memory(pm_json_t *j, const pm_memory_t *m,
    ngx_uint_t human);
void ngx_http_procmgr_summary_swap(pm_json_t *j, const pm_memory_t *m,
    ngx_uint_t human);
void ngx_http_procmgr_summary_load(pm_json_t *j, const double load[3]);


#endif /* _NGX_HTTP_PROCMGR_SUMMARY_H_INCLUDED_ */
