
/* What the family "log" is asked for: filters, pages, times */


#include "ngx_http_procmgr_log.h"


#define NGX_HTTP_PROCMGR_LOG_LIMIT      100
#define NGX_HTTP_PROCMGR_LOG_LIMIT_MAX  500


static ngx_int_t ngx_http_procmgr_log_filter(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, json_t *filters, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_time(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, json_t *filters, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_rfc3339(ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_log_digits(u_char **p, u_char *last,
    ngx_uint_t n, ngx_uint_t min, ngx_uint_t max);


static const char *const  ngx_http_procmgr_log_types[] = {
    "service_start", "service_stop", "service_restart", "service_reload",
    "service_enable", "service_disable", "command_run", "process_signal",
    "process_priority", "login", "logout", "login_failed",
    "password_changed", "memory_alert", "memory_watch", "sensitive_read",
    "account_added", "account_changed", "account_deleted", "token_added",
    "token_revoked", "log_archived", "request_denied", NULL
};


static const char *const  ngx_http_procmgr_log_statuses[] = {
    "pending", "running", "success", "failure", "refused", "unknown", NULL
};


static const char *const  ngx_http_procmgr_log_formats[] = {
    "csv", "jsonl", NULL
};


#define ngx_http_procmgr_log_at(member)                                       \
    offsetof(ngx_http_procmgr_log_args_t, member)

#define ngx_http_procmgr_log_filter_args                                      \
    { "unread", NGX_HTTP_PROCMGR_ARG_BOOL, ngx_http_procmgr_log_at(unread),   \
      0, 0, NULL },                                                           \
                                                                              \
    { "logType", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_log_at(type),    \
      0, 0, ngx_http_procmgr_log_types },                                     \
                                                                              \
    { "retStatus", NGX_HTTP_PROCMGR_ARG_ENUM,                                 \
      ngx_http_procmgr_log_at(status), 0, 0,                                  \
      ngx_http_procmgr_log_statuses },                                        \
                                                                              \
    { "actor", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(actor),      \
      1, 255, NULL },                                                         \
                                                                              \
    { "target", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(target),    \
      1, 1024, NULL },                                                        \
                                                                              \
    { "host", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(host),        \
      1, 255, NULL },                                                         \
                                                                              \
    { "q", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(q),              \
      0, 200, NULL },                                                         \
                                                                              \
    { "since", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(since),      \
      1, 40, NULL },                                                          \
                                                                              \
    { "until", NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_log_at(until),      \
      1, 40, NULL }


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_log_list_args[] = {

    ngx_http_procmgr_log_filter_args,

    { "limit", NGX_HTTP_PROCMGR_ARG_INT, ngx_http_procmgr_log_at(limit),
      1, NGX_HTTP_PROCMGR_LOG_LIMIT_MAX, NULL },

    { "before", NGX_HTTP_PROCMGR_ARG_INT, ngx_http_procmgr_log_at(before),
      1, NGX_HTTP_PROCMGR_LOG_SEQ_MAX, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_log_export_args[] = {

    ngx_http_procmgr_log_filter_args,

    { "format", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_log_at(format),
      0, 0, ngx_http_procmgr_log_formats },

    { NULL, 0, 0, 0, 0, NULL }
};


char *
ngx_http_procmgr_log_filters(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_log_args_t *a,
    ngx_uint_t export)
{
    char    *text;
    json_t  *filters;

    ngx_memzero(a, sizeof(ngx_http_procmgr_log_args_t));

    a->unread = NGX_CONF_UNSET;
    a->type = NGX_CONF_UNSET_UINT;
    a->status = NGX_CONF_UNSET_UINT;
    a->format = NGX_HTTP_PROCMGR_LOG_JSONL;
    a->limit = NGX_HTTP_PROCMGR_LOG_LIMIT;

    if (ngx_http_procmgr_args(r, ctx,
                              export ? ngx_http_procmgr_log_export_args
                                     : ngx_http_procmgr_log_list_args, a)
        != NGX_OK)
    {
        return NULL;
    }

    /* it reads every row in question: no index finds a part of a word */

    if (a->q.len && a->since.len == 0) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "parameter \"q\" needs a time to "
                                           "begin at, \"since\"");
        return NULL;
    }

    ctx->rc = NGX_ERROR;

    filters = json_object();

    if (filters == NULL) {
        return NULL;
    }

    if (a->unread != NGX_CONF_UNSET) {
        (void) json_object_set_new(filters, "unread", json_boolean(a->unread));
    }

    if (a->type != NGX_CONF_UNSET_UINT) {
        (void) json_object_set_new(filters, "logType",
                          json_string(ngx_http_procmgr_log_types[a->type]));
    }

    if (a->status != NGX_CONF_UNSET_UINT) {
        (void) json_object_set_new(filters, "retStatus",
                     json_string(ngx_http_procmgr_log_statuses[a->status]));
    }

    text = NULL;

    if (ngx_http_procmgr_log_filter(r, ctx, filters, "actor", &a->actor)
        == NGX_OK
        && ngx_http_procmgr_log_filter(r, ctx, filters, "target", &a->target)
           == NGX_OK
        && ngx_http_procmgr_log_filter(r, ctx, filters, "host", &a->host)
           == NGX_OK
        && ngx_http_procmgr_log_filter(r, ctx, filters, "q", &a->q) == NGX_OK
        && ngx_http_procmgr_log_time(r, ctx, filters, "since", &a->since)
           == NGX_OK
        && ngx_http_procmgr_log_time(r, ctx, filters, "until", &a->until)
           == NGX_OK)
    {
        text = json_dumps(filters, JSON_COMPACT);
    }

    json_decref(filters);

    return text;
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
