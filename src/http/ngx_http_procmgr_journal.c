
/* The last lines of a service's own log, read by the helper */


#include "ngx_http_procmgr_control.h"


#define NGX_HTTP_PROCMGR_JOURNAL_LINES  100
#define NGX_HTTP_PROCMGR_JOURNAL_MAX    1000


typedef struct {
    int64_t                   lines;
} ngx_http_procmgr_journal_t;


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
