
/* The family "log": the operation log and its unread rows */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_LOG_LIMIT      100
#define NGX_HTTP_PROCMGR_LOG_LIMIT_MAX  500
#define NGX_HTTP_PROCMGR_LOG_IDS_MAX    256     /* a body has 16 KiB */
#define NGX_HTTP_PROCMGR_LOG_SEQ_MAX    9007199254740991    /* 2^53 - 1 */
#define NGX_HTTP_PROCMGR_LOG_VERIFY     5000    /* events of one call */


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
} ngx_http_procmgr_log_args_t;


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

static ngx_int_t ngx_http_procmgr_log_filter(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, json_t *filters, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_time(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, json_t *filters, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_rfc3339(ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_digits(u_char **p, u_char *last,
    ngx_uint_t n, ngx_uint_t min, ngx_uint_t max);
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

    { NGX_HTTP_GET, "verify", NGX_PROCMGR_ROLE_ADMIN, 0,
      ngx_http_procmgr_log_verify },

    { NGX_HTTP_GET, "{id}/series", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_series },

    { NGX_HTTP_GET, "{word}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_log_get },

    { 0, NULL, 0, 0, NULL }
};


static const char *const  ngx_http_procmgr_log_types[] = {
    "service_start", "service_stop", "service_restart", "service_reload",
    "service_enable", "service_disable", "command_run", "process_signal",
    "process_priority", "login", "logout", "login_failed",
    "password_changed", "memory_alert", "memory_watch", "sensitive_read",
    "account_added", "account_changed", "account_deleted", "token_added",
    "token_revoked", "log_archived", NULL
};


static const char *const  ngx_http_procmgr_log_statuses[] = {
    "pending", "running", "success", "failure", "refused", "unknown", NULL
};


#define ngx_http_procmgr_log_at(member)                                       \
    offsetof(ngx_http_procmgr_log_args_t, member)

static const ngx_http_procmgr_arg_t  ngx_http_procmgr_log_table[] = {

    { "unread", NGX_HTTP_PROCMGR_ARG_BOOL, ngx_http_procmgr_log_at(unread),
      0, 0, NULL },

    { "logType", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_log_at(type),
      0, 0, ngx_http_procmgr_log_types },

    { "retStatus", NGX_HTTP_PROCMGR_ARG_ENUM,
      ngx_http_procmgr_log_at(status), 0, 0,
      ngx_http_procmgr_log_statuses },

    { "actor", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(actor),
      1, 255, NULL },

    { "target", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(target),
      1, 1024, NULL },

    { "host", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(host),
      1, 255, NULL },

    { "q", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(q),
      0, 200, NULL },

    { "since", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(since),
      1, 40, NULL },

    { "until", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(until),
      1, 40, NULL },

    { "limit", NGX_HTTP_PROCMGR_ARG_INT, ngx_http_procmgr_log_at(limit),
      1, NGX_HTTP_PROCMGR_LOG_LIMIT_MAX, NULL },

    { "before", NGX_HTTP_PROCMGR_ARG_INT, ngx_http_procmgr_log_at(before),
      1, NGX_HTTP_PROCMGR_LOG_SEQ_MAX, NULL },

    { NULL, 0, 0, 0, 0, NULL }
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
    json_t                       *filters;
    ngx_int_t                     rc;
    const char                   *args[3];
    ngx_http_procmgr_log_args_t   a;

    ngx_memzero(&a, sizeof(ngx_http_procmgr_log_args_t));

    a.unread = NGX_CONF_UNSET;
    a.type = NGX_CONF_UNSET_UINT;
    a.status = NGX_CONF_UNSET_UINT;
    a.limit = NGX_HTTP_PROCMGR_LOG_LIMIT;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_log_table, &a)
        != NGX_OK)
    {
        return ctx->rc;
    }

    filters = json_object();

    if (filters == NULL) {
        return NGX_ERROR;
    }

    if (a.unread != NGX_CONF_UNSET) {
        (void) json_object_set_new(filters, "unread", json_boolean(a.unread));
    }

    if (a.type != NGX_CONF_UNSET_UINT) {
        (void) json_object_set_new(filters, "logType",
                          json_string(ngx_http_procmgr_log_types[a.type]));
    }

    if (a.status != NGX_CONF_UNSET_UINT) {
        (void) json_object_set_new(filters, "retStatus",
                     json_string(ngx_http_procmgr_log_statuses[a.status]));
    }

    if (ngx_http_procmgr_log_filter(r, ctx, filters, "actor", &a.actor)
        != NGX_OK
        || ngx_http_procmgr_log_filter(r, ctx, filters, "target", &a.target)
           != NGX_OK
        || ngx_http_procmgr_log_filter(r, ctx, filters, "host", &a.host)
           != NGX_OK
        || ngx_http_procmgr_log_filter(r, ctx, filters, "q", &a.q) != NGX_OK
        || ngx_http_procmgr_log_time(r, ctx, filters, "since", &a.since)
           != NGX_OK
        || ngx_http_procmgr_log_time(r, ctx, filters, "until", &a.until)
           != NGX_OK)
    {
        json_decref(filters);
        return ctx->rc;
    }

    text = json_dumps(filters, JSON_COMPACT);

    json_decref(filters);

    if (text == NULL) {
        return NGX_ERROR;
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


/* NGX_DECLINED: it was answered, ctx->rc tells */

static ngx_int_t
ngx_http_procmgr_log_filter(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, json_t *filters, const char *name,
    ngx_str_t *value)
{
    if (value->len == 0) {
        return NGX_OK;
    }

    if (ngx_strlchr(value->data, value->data + value->len, '\0') == NULL
        && json_object_set_new(filters, name,
                               json_stringn((char *) value->data, value->len))
           == 0)
    {
        return NGX_OK;
    }

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                       "bad_parameter",
                                       "parameter \"%s\" is no UTF-8 text",
                                       name);
    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_procmgr_log_time(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    json_t *filters, const char *name, ngx_str_t *value)
{
    if (value->len == 0) {
        return NGX_OK;
    }

    if (ngx_http_procmgr_log_rfc3339(value) != NGX_OK) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                      "bad_parameter", "parameter \"%s\" is \"%V\", not a "
                      "time as 2026-01-31T12:00:00Z", name, value);
        return NGX_DECLINED;
    }

    return ngx_http_procmgr_log_filter(r, ctx, filters, name, value);
}


/* a space in the offset's place of '+' is what a query makes of it */

static ngx_int_t
ngx_http_procmgr_log_rfc3339(ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_int_t   year, month, day;

    static const u_char  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    p = value->data;
    last = p + value->len;

    year = ngx_http_procmgr_log_digits(&p, last, 4, 1970, 9999);

    if (year == NGX_ERROR || p == last || *p++ != '-') {
        return NGX_ERROR;
    }

    month = ngx_http_procmgr_log_digits(&p, last, 2, 1, 12);

    if (month == NGX_ERROR || p == last || *p++ != '-') {
        return NGX_ERROR;
    }

    day = ngx_http_procmgr_log_digits(&p, last, 2, 1, days[month - 1]
                  + (month == 2 && year % 4 == 0
                     && (year % 100 != 0 || year % 400 == 0)));

    if (day == NGX_ERROR || p == last || (*p != 'T' && *p != 't')) {
        return NGX_ERROR;
    }

    p++;

    if (ngx_http_procmgr_log_digits(&p, last, 2, 0, 23) == NGX_ERROR
        || p == last || *p++ != ':'
        || ngx_http_procmgr_log_digits(&p, last, 2, 0, 59) == NGX_ERROR
        || p == last || *p++ != ':'
        || ngx_http_procmgr_log_digits(&p, last, 2, 0, 59) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (p < last && *p == '.') {

        p++;

        if (ngx_http_procmgr_log_digits(&p, last, 1, 0, 9) == NGX_ERROR) {
            return NGX_ERROR;
        }

        while (p < last && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    if (last - p == 1 && (*p == 'Z' || *p == 'z')) {
        return NGX_OK;
    }

    if (last - p != 6 || (*p != '+' && *p != '-' && *p != ' ')) {
        return NGX_ERROR;
    }

    if (*p == ' ') {
        *p = '+';
    }

    p++;

    if (ngx_http_procmgr_log_digits(&p, last, 2, 0, 14) == NGX_ERROR
        || *p++ != ':'
        || ngx_http_procmgr_log_digits(&p, last, 2, 0, 59) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_log_digits(u_char **p, u_char *last, ngx_uint_t n,
    ngx_uint_t min, ngx_uint_t max)
{
    ngx_int_t  value;

    if ((size_t) (last - *p) < n) {
        return NGX_ERROR;
    }

    value = ngx_atoi(*p, n);

    if (value == NGX_ERROR || value < (ngx_int_t) min
        || value > (ngx_int_t) max)
    {
        return NGX_ERROR;
    }

    *p += n;

    return value;
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
