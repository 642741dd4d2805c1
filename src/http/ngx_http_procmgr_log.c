
/* The family "log": the operation log and its unread rows */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_log.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_LOG_IDS_MAX    256     /* a body has 16 KiB */
#define NGX_HTTP_PROCMGR_LOG_VERIFY     5000    /* events of one call */


typedef struct {
    ngx_str_t             host;
    int64_t               from;
    int64_t               limit;
} ngx_http_procmgr_verify_args_t;


static ngx_int_t ngx_http_procmgr_log_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_log_get(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_log_read(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_log_verify(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

static json_t *ngx_http_procmgr_log_spec(ngx_http_procmgr_ctx_t *ctx,
    const char **why);

static ngx_int_t ngx_http_procmgr_log_page(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);
static ngx_int_t ngx_http_procmgr_log_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);
static ngx_int_t ngx_http_procmgr_log_marked(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);
static ngx_int_t ngx_http_procmgr_log_verified(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);
static ngx_int_t ngx_http_procmgr_log_send(ngx_http_request_t *r,
    ngx_procmgr_pg_result_t *res, json_t *value, const char *member);


/* who may mark rows as read, and verify, is said here once */

ngx_http_procmgr_route_t  ngx_http_procmgr_log_routes[] = {

    { NGX_HTTP_GET, "", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_list },

    { NGX_HTTP_GET, "unread", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_unread },

    { NGX_HTTP_POST, "read", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_log_read },

    { NGX_HTTP_GET, "export", NGX_PROCMGR_ROLE_ADMIN, 0,
      ngx_http_procmgr_log_export },

    { NGX_HTTP_GET, "verify", NGX_PROCMGR_ROLE_ADMIN, 0,
      ngx_http_procmgr_log_verify },

    { NGX_HTTP_GET, "{id}/series", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_series },

    { NGX_HTTP_GET, "{word}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_get },

    { 0, NULL, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_verify_table[] = {

    { "host", NGX_HTTP_PROCMGR_ARG_STR,
      offsetof(ngx_http_procmgr_verify_args_t, host), 1, 255, NULL },

    { "from", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_verify_args_t, from),
      0, NGX_HTTP_PROCMGR_LOG_SEQ_MAX, NULL },

    { "limit", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_verify_args_t, limit),
      1, NGX_HTTP_PROCMGR_LOG_VERIFY, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_log_list(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    char                         *text;
    u_char                        limit[NGX_INT64_LEN + 1];
    u_char                        before[NGX_INT64_LEN + 1];
    ngx_int_t                     rc;
    const char                   *args[3];
    ngx_http_procmgr_log_args_t   a;

    text = ngx_http_procmgr_log_filters(r, ctx, &a, 0);

    if (text == NULL) {
        return ctx->rc;
    }

    *ngx_sprintf(limit, "%L", a.limit) = '\0';
    *ngx_sprintf(before, "%L", a.before) = '\0';

    args[0] = text;
    args[1] = (const char *) limit;
    args[2] = a.before ? (const char *) before : NULL;

    rc = ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_LOG_LIST, 3, args,
                              ngx_http_procmgr_log_page);

    free(text);

    return rc;
}


static ngx_int_t
ngx_http_procmgr_log_page(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_procmgr_pg_result_t *res, json_t *value)
{
    return ngx_http_procmgr_log_send(r, res, value, "rows");
}


static ngx_int_t
ngx_http_procmgr_log_get(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    char        id[37];
    const char  *args[1];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    if (!ngx_http_procmgr_is_uuid(ctx->seg[0].data, ctx->seg[0].len)) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter",
                                        "\"%V\" is no operation's id",
                                        &ctx->seg[0]);
    }

    ngx_memcpy(id, ctx->seg[0].data, 36);
    id[36] = '\0';

    args[0] = id;

    return ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_LOG_GET, 1, args,
                                ngx_http_procmgr_log_one);
}


static ngx_int_t
ngx_http_procmgr_log_one(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_procmgr_pg_result_t *res, json_t *value)
{
    if (res->ended == NGX_PROCMGR_PG_OK && value == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no operation \"%V\"",
                                        &ctx->seg[0]);
    }

    return ngx_http_procmgr_log_send(r, res, value, "op_id");
}


static ngx_int_t
ngx_http_procmgr_log_read(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    char        *text;
    json_t      *spec;
    ngx_int_t    rc;
    const char  *why, *args[2];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    why = NULL;
    spec = ngx_http_procmgr_log_spec(ctx, &why);

    if (spec == NULL) {

        if (why == NULL) {
            return NGX_ERROR;
        }

        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter", "%s", why);
    }

    text = json_dumps(spec, JSON_COMPACT);

    json_decref(spec);

    if (text == NULL) {
        return NGX_ERROR;
    }

    args[0] = ctx->sess.user;
    args[1] = text;

    rc = ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_LOG_READ, 2, args,
                              ngx_http_procmgr_log_marked);

    free(text);

    return rc;
}


/* exactly one of "ids", "upto" and "all", and nothing of the client's else */

static json_t *
ngx_http_procmgr_log_spec(ngx_http_procmgr_ctx_t *ctx, const char **why)
{
    size_t   i;
    json_t  *value, *id;

    if (json_object_size(ctx->body) != 1) {
        *why = "exactly one of ids, upto and all is needed";
        return NULL;
    }

    value = json_object_get(ctx->body, "all");

    if (value) {

        if (!json_is_true(value)) {
            *why = "all can only be true";
            return NULL;
        }

        return json_pack("{s:b}", "all", 1);
    }

    value = json_object_get(ctx->body, "upto");

    if (value) {

        if (!json_is_integer(value) || json_integer_value(value) < 1
            || json_integer_value(value) > NGX_HTTP_PROCMGR_LOG_SEQ_MAX)
        {
            *why = "upto must be the seq of a row";
            return NULL;
        }

        return json_pack("{s:O}", "upto", value);
    }

    value = json_object_get(ctx->body, "ids");

    if (value) {

        if (!json_is_array(value) || json_array_size(value) == 0
            || json_array_size(value) > NGX_HTTP_PROCMGR_LOG_IDS_MAX)
        {
            *why = "ids must be an array of 1 to 256 op_ids";
            return NULL;
        }

        json_array_foreach(value, i, id) {

            if (!json_is_string(id)
                || !ngx_http_procmgr_is_uuid((u_char *) json_string_value(id),
                                             json_string_length(id)))
            {
                *why = "ids must be an array of 1 to 256 op_ids";
                return NULL;
            }
        }

        return json_pack("{s:O}", "ids", value);
    }

    *why = "exactly one of ids, upto and all is needed";

    return NULL;
}


static ngx_int_t
ngx_http_procmgr_log_marked(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_http_procmgr_log_changed();

    return ngx_http_procmgr_log_send(r, res, value, "unread");
}


static ngx_int_t
ngx_http_procmgr_log_verify(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char                           from[NGX_INT64_LEN + 1];
    u_char                           limit[NGX_INT64_LEN + 1];
    const char                      *args[3];
    ngx_http_procmgr_verify_args_t   a;

    ngx_memzero(&a, sizeof(ngx_http_procmgr_verify_args_t));

    a.limit = NGX_HTTP_PROCMGR_LOG_VERIFY;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_verify_table, &a)
        != NGX_OK)
    {
        return ctx->rc;
    }

    *ngx_sprintf(from, "%L", a.from) = '\0';
    *ngx_sprintf(limit, "%L", a.limit) = '\0';

    args[0] = NULL;
    args[1] = (const char *) from;
    args[2] = (const char *) limit;

    if (a.host.len) {
        args[0] = ngx_http_procmgr_text(r, &a.host, 255);

        if (args[0] == NULL) {
            return NGX_ERROR;
        }
    }

    return ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_LOG_VERIFY, 3,
                                args, ngx_http_procmgr_log_verified);
}


static ngx_int_t
ngx_http_procmgr_log_verified(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    return ngx_http_procmgr_log_send(r, res, value, "ok");
}


/* what the database sent, when it is what was asked for */

static ngx_int_t
ngx_http_procmgr_log_send(ngx_http_request_t *r, ngx_procmgr_pg_result_t *res,
    json_t *value, const char *member)
{
    if (json_object_get(value, member)) {
        return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_incref(value));
    }

    if (res->ended == NGX_PROCMGR_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "procmgr: the database's answer has no \"%s\"", member);
    }

    return ngx_http_procmgr_db_away(r);
}
