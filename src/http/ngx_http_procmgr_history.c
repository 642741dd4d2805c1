
/*
 * Samples of the host of the last minutes: the parts of the summary that make
 * a chart, and what the network and the disks moved.
 */


#include "ngx_http_procmgr_host.h"
#include "ngx_http_procmgr_summary.h"
#include "../core/ngx_procmgr_history.h"


#define NGX_HTTP_PROCMGR_SAMPLES  64    /* copied at once */
#define NGX_HTTP_PROCMGR_SINCE    9007199254740991


typedef struct {
    ngx_flag_t                       human;
    int64_t                          since;
    int64_t                          limit;
} ngx_http_procmgr_history_query_t;


typedef struct {                        /* of a view */
    ngx_http_procmgr_system_args_t   system;
    uint64_t                         since;
    uint64_t                         limit;
} ngx_http_procmgr_history_args_t;


static void ngx_http_procmgr_make_history(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_history_sample(pm_json_t *j,
    const ngx_procmgr_sample_t *s, ngx_uint_t human);
static void ngx_http_procmgr_history_rate(pm_json_t *j, const char *key,
    int64_t rate);


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_history_table[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_history_query_t, human), 0, 0, NULL },

    { "since", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_history_query_t, since),
      0, NGX_HTTP_PROCMGR_SINCE, NULL },

    { "limit", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_history_query_t, limit),
      1, NGX_PROCMGR_HISTORY_MAX, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_host_history(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_history_args_t   args;
    ngx_http_procmgr_history_query_t  query;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_history_args_t));
    ngx_memzero(&query, sizeof(ngx_http_procmgr_history_query_t));

    query.limit = NGX_PROCMGR_HISTORY_MAX;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_history_table, &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (ctx->pm->history_zone == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_IMPLEMENTED,
                                        "unsupported",
                                        "\"procmgr_history\" is off");
    }

    args.system.human = (query.human != 0);
    args.since = query.since;
    args.limit = query.limit;

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_history,
                                        &args, sizeof(args), 0,
                                        "history?since=%uL&limit=%uL"
                                        "&human=%ud", args.since, args.limit,
                                        args.system.human);
}


static void
ngx_http_procmgr_make_history(ngx_procmgr_job_t *job)
{
    size_t                                  i, n;
    uint64_t                                since, left;
    pm_json_t                              *j;
    ngx_procmgr_sample_t                   *samples;
    const ngx_http_procmgr_history_args_t  *args;

    j = &job->json;
    args = job->args;
    left = args->limit;

    /* numbers begin anew with nginx: one that was not yet is of before */

    since = args->since;

    if (since > ngx_procmgr_history_newest(job->pm)) {
        since = 0;
    }

    samples = ngx_alloc(NGX_HTTP_PROCMGR_SAMPLES
                        * sizeof(ngx_procmgr_sample_t), job->log);
    if (samples == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return;
    }

    pm_json_object(j);

    pm_json_key(j, "interval_ms");
    pm_json_u64(j, job->pm->interval);
    pm_json_key(j, "size");
    pm_json_u64(j, job->pm->history_size);

    pm_json_key(j, "history");
    pm_json_array(j);

    do {
        n = ngx_procmgr_history_read(job->pm, since, samples,
                                     ngx_min(left, NGX_HTTP_PROCMGR_SAMPLES));

        for (i = 0; i < n; i++) {
            ngx_http_procmgr_history_sample(j, &samples[i],
                                            args->system.human);
            since = samples[i].seq;
        }

        left -= n;

    } while (n && left);

    pm_json_array_end(j);

    pm_json_key(j, "next");
    pm_json_u64(j, since);

    pm_json_object_end(j);

    ngx_free(samples);
}


static void
ngx_http_procmgr_history_sample(pm_json_t *j, const ngx_procmgr_sample_t *s,
    ngx_uint_t human)
{
    pm_json_object(j);

    pm_json_key(j, "seq");
    pm_json_u64(j, s->seq);
    pm_json_key(j, "time");
    ngx_http_procmgr_summary_time(j, s->wall_ms);

    pm_json_key(j, "tasks");
    ngx_http_procmgr_summary_tasks(j, &s->tasks);
    pm_json_key(j, "cpu");
    ngx_http_procmgr_summary_cpu(j, &s->percent);
    pm_json_key(j, "memory");
    ngx_http_procmgr_summary_memory(j, &s->memory, human);
    pm_json_key(j, "swap");
    ngx_http_procmgr_summary_swap(j, &s->memory, human);
    pm_json_key(j, "load");
    ngx_http_procmgr_summary_load(j, s->load);

    pm_json_key(j, "network");
    pm_json_object(j);
    ngx_http_procmgr_history_rate(j, "rx_bytes_per_s",
                                  s->rate[NGX_PROCMGR_RATE_RX]);
    ngx_http_procmgr_history_rate(j, "tx_bytes_per_s",
                                  s->rate[NGX_PROCMGR_RATE_TX]);
    pm_json_object_end(j);

    pm_json_key(j, "disk");
    pm_json_object(j);
    ngx_http_procmgr_history_rate(j, "read_bytes_per_s",
                                  s->rate[NGX_PROCMGR_RATE_READ]);
    ngx_http_procmgr_history_rate(j, "write_bytes_per_s",
                                  s->rate[NGX_PROCMGR_RATE_WRITE]);
    pm_json_object_end(j);

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_history_rate(pm_json_t *j, const char *key, int64_t rate)
{
    pm_json_key(j, key);

    if (rate == -1) {
        pm_json_null(j);
        return;
    }

    pm_json_i64(j, rate);
}
