
/* The last lines of a service's own log, read by the helper */


#include "ngx_http_procmgr_control.h"


#define NGX_HTTP_PROCMGR_JOURNAL_LINES  100
#define NGX_HTTP_PROCMGR_JOURNAL_MAX    1000


typedef struct {
    int64_t                   lines;
} ngx_http_procmgr_journal_t;


static void ngx_http_procmgr_journal_lines(pm_json_t *j, const u_char *p,
    size_t len);


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_journal_args[] = {

    { "lines", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_journal_t, lines),
      1, NGX_HTTP_PROCMGR_JOURNAL_MAX, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_control_journal(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_journal_t     journal;
    ngx_http_procmgr_list_args_t   args;

    journal.lines = NGX_HTTP_PROCMGR_JOURNAL_LINES;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_journal_args, &journal)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (!ngx_http_procmgr_control_name(&ctx->seg[0])) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_name", "\"%V\" cannot be a service's name",
                   &ctx->seg[0]);
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_JOURNAL;
    args.role = ctx->role;
    args.lines = journal.lines;

    ngx_memcpy(args.name, ctx->seg[0].data, ctx->seg[0].len);

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_send_view(r, &view);
}


void
ngx_http_procmgr_control_make_journal(ngx_procmgr_job_t *job)
{
    char                  why[256];
    uint64_t              cut;
    const char           *result, *code, *reason;
    ngx_uint_t            status;
    ngx_procmgr_reply_t   reply;

    const ngx_http_procmgr_list_args_t  *args = job->args;

    if (ngx_http_procmgr_control_helper(job->pm, "journal", args, 0, NULL,
                                        NULL, &reply, why, sizeof(why))
        != NGX_OK)
    {
        ngx_procmgr_job_fail(job, NGX_HTTP_SERVICE_UNAVAILABLE,
                             "helper_unavailable", "%s", why);
        return;
    }

    result = pm_wire_get(&reply.msg, "result");
    code = pm_wire_get(&reply.msg, "code");
    reason = pm_wire_get(&reply.msg, "reason");

    if (result && ngx_strcmp(result, "ok") == 0) {
        pm_json_object(&job->json);
        pm_json_key(&job->json, "name");
        pm_json_str(&job->json, args->name);
        pm_json_key(&job->json, "truncated");
        pm_json_bool(&job->json, pm_wire_getu(&reply.msg, "truncated", 1, &cut)
                                 == 0 && cut);
        ngx_http_procmgr_journal_lines(&job->json, reply.out, reply.out_len);
        pm_json_object_end(&job->json);

        ngx_procmgr_reply_free(&reply);
        return;
    }

    status = NGX_HTTP_FORBIDDEN;

    if (code == NULL) {
        code = "policy_denied";
    }

    if (result == NULL || ngx_strcmp(result, "error") == 0) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        code = "helper_unavailable";

    } else if (ngx_strcmp(result, "failed") == 0) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        code = "journal_unavailable";

    } else if (ngx_strcmp(code, "unknown_service") == 0) {
        status = NGX_HTTP_NOT_FOUND;
        code = "not_found";

    } else if (ngx_strcmp(code, "not_supported") == 0) {
        status = NGX_HTTP_NOT_IMPLEMENTED;

    } else if (ngx_http_procmgr_outcome_helper(code)) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        code = "helper_unavailable";
    }

    ngx_procmgr_job_fail(job, status, code, "%s",
                         reason ? reason : "the helper answered nonsense");

    ngx_procmgr_reply_free(&reply);
}


static void
ngx_http_procmgr_journal_lines(pm_json_t *j, const u_char *p, size_t len)
{
    const u_char  *last, *end;

    last = p + len;

    pm_json_key(j, "lines");
    pm_json_array(j);

    while (p < last) {

        end = memchr(p, '\n', (size_t) (last - p));
        if (end == NULL) {
            end = last;
        }

        pm_json_strn(j, (const char *) p, (size_t) (end - p));

        p = end + 1;
    }

    pm_json_array_end(j);
}
