
/* what the files of the host's answers share: one way to write a tuple */


#ifndef _NGX_HTTP_PROCMGR_HOST_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_HOST_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


typedef struct {                        /* of a view */
    ngx_http_procmgr_system_args_t   system;
    ngx_uint_t                       array;     /* tuples, not objects */
    ngx_uint_t                       percpu;
    ngx_uint_t                       all;
    ngx_uint_t                       perdisk;
    ngx_uint_t                       nowrap;
    ngx_uint_t                       fahrenheit;
    char                             path[512];
} ngx_http_procmgr_host_args_t;


/*
 * A tuple is an object, or with shape=array its values alone; only objects
 * have room for what people read.
 */

void ngx_http_procmgr_tuple(ngx_procmgr_job_t *job);
void ngx_http_procmgr_tuple_end(ngx_procmgr_job_t *job);
void ngx_http_procmgr_tuple_key(ngx_procmgr_job_t *job, const char *key);
void ngx_http_procmgr_tuple_size(ngx_procmgr_job_t *job, const char *key,
    uint64_t bytes);
void ngx_http_procmgr_tuple_count(ngx_procmgr_job_t *job, const char *key,
    uint64_t n);
void ngx_http_procmgr_tuple_fixed(ngx_procmgr_job_t *job, const char *key,
    double value, int digits);
void ngx_http_procmgr_tuple_str(ngx_procmgr_job_t *job, const char *key,
    const char *s);
void ngx_http_procmgr_tuple_seconds(ngx_procmgr_job_t *job, const char *key,
    double seconds);


/* a handler of the route table */
ngx_int_t ngx_http_procmgr_host_history(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/* makers of views */
void ngx_http_procmgr_make_schedule(ngx_procmgr_job_t *job);
void ngx_http_procmgr_make_units(ngx_procmgr_job_t *job);
void ngx_http_procmgr_make_disk(ngx_procmgr_job_t *job);
void ngx_http_procmgr_make_sensors(ngx_procmgr_job_t *job);


#endif /* _NGX_HTTP_PROCMGR_HOST_H_INCLUDED_ */
