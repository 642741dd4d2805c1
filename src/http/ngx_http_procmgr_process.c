
/* one process; the lists are in ngx_http_procmgr_list.c */

#include "ngx_http_procmgr_item.h"


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    int64_t                          pid;
} ngx_http_procmgr_process_args_t;


typedef struct {
    ngx_flag_t                       human;
    ngx_flag_t                       simple;
    ngx_uint_t                       shape;
} ngx_http_procmgr_process_query_t;


static void ngx_http_procmgr_make_one(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_json_simple(ngx_procmgr_job_t *job,
    const pm_proc_t *p);


static const char *const  ngx_http_procmgr_process_shapes[] = {
    "array", "object", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_process_args[] = {

    { "simple", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_process_query_t, simple), 0, 0, NULL },

    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_process_query_t, shape), 0, 0,
      ngx_http_procmgr_process_shapes },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_process_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_process_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_process_args_t   args;
    ngx_http_procmgr_process_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_process_query_t));

    query.simple = 1;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_process_args, &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (!query.simple) {
        return ngx_http_procmgr_process_full(r, ctx, ctx->pid,
                                             query.shape == 1, query.human);
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_process_args_t));

    args.pid = ctx->pid;

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_one,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "process/%L?simple=1", args.pid);
}


static void
ngx_http_procmgr_make_one(ngx_procmgr_job_t *job)
{
    pm_snapshot_t                          *late;
    const pm_proc_t                        *p;
    const pm_snapshot_t                    *first;
    const ngx_http_procmgr_process_args_t  *args;

    args = job->args;
    first = job->snapshot;

    p = ngx_http_procmgr_item_find(job, args->pid, PM_HAVE_STAT, &late);

    if (p) {
        pm_json_array(&job->json);
        ngx_http_procmgr_json_simple(job, p);
        pm_json_array_end(&job->json);

    } else {
        ngx_http_procmgr_item_absent(job, args->pid);
    }

    job->snapshot = first;

    free(late);
}


static void
ngx_http_procmgr_json_simple(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);
    pm_json_key(j, "name");
    ngx_http_procmgr_json_name(job, p);
    pm_json_key(j, "username");
    ngx_http_procmgr_json_user(job, p);
    pm_json_key(j, "pid");
    pm_json_i64(j, p->pid);
    pm_json_object_end(j);
}
