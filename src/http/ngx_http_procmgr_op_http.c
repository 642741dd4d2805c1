
/* What an operation takes from its request and what it answers */


#include "ngx_http_procmgr_op.h"
#include "../policy/pm_sha256.h"


#define NGX_HTTP_PROCMGR_OP_WAIT      10        /* s, as Prefer would say */
#define NGX_HTTP_PROCMGR_OP_WAIT_MAX  60


static ngx_int_t ngx_http_procmgr_op_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static ngx_uint_t ngx_http_procmgr_op_refusal(const char **code);
static json_t *ngx_http_procmgr_op_row(ngx_http_procmgr_op_t *op,
    const char *reason);


/* refusals that are no 403, and what the API calls them */

static const struct {
    const char  *code;
    ngx_uint_t   status;
    const char  *name;
} ngx_http_procmgr_op_refusals[] = {
    { "busy", NGX_HTTP_CONFLICT, "target_busy" },
    { "stale_process", NGX_HTTP_CONFLICT, "stale_process" },
    { "zombie", NGX_HTTP_CONFLICT, "zombie_process" },
    { "no_such_process", NGX_HTTP_NOT_FOUND, "no_such_process" },
    { "bad_name", NGX_HTTP_BAD_REQUEST, "bad_name" },
    { "bad_command", NGX_HTTP_BAD_REQUEST, "bad_command" },
    { "not_supported", NGX_HTTP_NOT_IMPLEMENTED, "not_supported" },
    { NULL, 0, NULL }
};


/* RFC 7240: what is not understood is ignored */

ngx_int_t
ngx_http_procmgr_op_prefer(ngx_http_procmgr_op_t *op, ngx_http_request_t *r,
    ngx_msec_t *wait)
{
    u_char     *p, *last;
    ngx_int_t   n;
    ngx_str_t  *value;

    *wait = NGX_HTTP_PROCMGR_OP_WAIT * 1000;

    value = ngx_http_procmgr_header_in(r, "prefer");

    if (value == NULL) {
        return NGX_OK;
    }

    p = value->data;
    last = p + value->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == ',' || *p == '\t')) {
            p++;
        }

        if (last - p > 5 && ngx_strncasecmp(p, (u_char *) "wait=", 5) == 0) {

            p += 5;

            for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
                n = ngx_min(n * 10 + (*p - '0'),
                            NGX_HTTP_PROCMGR_OP_WAIT_MAX);
            }

            if (p[-1] == '=' || (p < last && *p != ',' && *p != ' '
                                 && *p != ';'))
            {
                return NGX_OK;
            }

            *wait = n * 1000;

            op->applied.data = ngx_pnalloc(op->pool,
                                           sizeof("wait=") + NGX_INT_T_LEN);
            if (op->applied.data == NULL) {
                return NGX_ERROR;
            }

            op->applied.len = ngx_sprintf(op->applied.data, "wait=%i", n)
                              - op->applied.data;

            return NGX_OK;
        }

        while (p < last && *p != ',') {
            p++;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_op_idem(ngx_http_procmgr_op_t *op, ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char         *hex;
    u_char       *p;
    uint8_t       sum[PM_SHA256_LEN];
    ngx_str_t     key, *value;
    pm_sha256_t   sha;

    value = ngx_http_procmgr_header_in(r, "idempotency-key");

    if (value == NULL) {
        return NGX_OK;
    }

    key = *value;

    if (key.len == 38 && key.data[0] == '"' && key.data[37] == '"') {
        key.data++;
        key.len -= 2;
    }

    if (!ngx_http_procmgr_is_uuid(key.data, key.len)) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "Idempotency-Key is no UUID");
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(op->pool, key.len + 1);
    hex = ngx_pnalloc(op->pool, 2 * PM_SHA256_LEN + 1);

    if (p == NULL || hex == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(p, key.data, key.len);
    p[key.len] = '\0';

    /* the type tells routes apart, the request is the body put in order */

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, op->args[2], ngx_strlen(op->args[2]) + 1);
    pm_sha256_update(&sha, op->args[7], ngx_strlen(op->args[7]));
    pm_sha256_final(&sha, sum);

    pm_hex(hex, sum, PM_SHA256_LEN);

    op->args[8] = (const char *) p;
    op->args[9] = hex;

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_op_location(ngx_http_procmgr_op_t *op, ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   prefix;

    static ngx_str_t  family = ngx_string("control");

    prefix = r->uri;

    if (prefix.len >= ctx->path.len) {
        prefix.len -= ctx->path.len;
    }

    while (prefix.len && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }

    if (prefix.len > family.len
        && ngx_strncmp(prefix.data + prefix.len - family.len, family.data,
                       family.len)
           == 0
        && prefix.data[prefix.len - family.len - 1] == '/')
    {
        prefix.len -= family.len;

    } else {
        ngx_str_set(&prefix, "/");
    }

    op->location.data = ngx_pnalloc(op->pool, prefix.len * 3
                                              + sizeof("log/") + 36);
    if (op->location.data == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) ngx_escape_uri(op->location.data, prefix.data, prefix.len,
                                  NGX_ESCAPE_URI);
    p = ngx_sprintf(p, "log/%s", op->id);

    op->location.len = p - op->location.data;

    return NGX_OK;
}


void
ngx_http_procmgr_op_gone(void *data)
{
    ngx_http_procmgr_op_t *op = data;

    op->gone = NULL;
    (void) ngx_http_procmgr_op_detach(op);
}


ngx_http_request_t *
ngx_http_procmgr_op_detach(ngx_http_procmgr_op_t *op)
{
    ngx_http_request_t  *r;

    r = op->r;
    op->r = NULL;

    if (op->gone) {
        op->gone->handler = NULL;
        op->gone = NULL;
    }

    if (op->wait.timer_set) {
        ngx_del_timer(&op->wait);
    }

    return r;
}


void
ngx_http_procmgr_op_accepted(ngx_http_procmgr_op_t *op, const char *reason)
{
    json_t  *row;

    row = ngx_http_procmgr_op_row(op, reason);

    ngx_http_procmgr_op_answer(op, row);
}


ngx_int_t
ngx_http_procmgr_op_away(ngx_http_request_t *r)
{
    return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "database_unavailable",
                                    "the operation log cannot be written, "
                                    "so nothing was done");
}


void
ngx_http_procmgr_op_unavailable(ngx_http_procmgr_op_t *op)
{
    ngx_http_request_t  *r;

    r = ngx_http_procmgr_op_detach(op);

    if (r) {
        ngx_http_procmgr_finish(r, ngx_http_procmgr_op_away(r));
    }
}


void
ngx_http_procmgr_op_answer(ngx_http_procmgr_op_t *op, json_t *row)
{
    json_t              *more;
    ngx_int_t            rc;
    ngx_uint_t           status;
    const char          *ret, *code, *detail, *id;
    ngx_http_request_t  *r;

    r = ngx_http_procmgr_op_detach(op);

    if (r == NULL) {
        json_decref(row);
        return;
    }

    id = ngx_http_procmgr_op_word(row, "op_id");
    ret = ngx_http_procmgr_op_word(row, "retStatus");
    code = ngx_http_procmgr_op_word(row, "code");
    detail = ngx_http_procmgr_op_word(row, "cmdret");

    status = NGX_HTTP_OK;

    if (ngx_strcmp(ret, "refused") == 0) {
        status = ngx_http_procmgr_op_refusal(&code);

    } else if (ngx_strcmp(ret, "failure") == 0) {

        if (ngx_http_procmgr_outcome_helper(code)) {
            status = NGX_HTTP_SERVICE_UNAVAILABLE;
        }

    } else if (ngx_strcmp(ret, "running") == 0) {
        status = NGX_HTTP_ACCEPTED;

    } else if (ret[0] == '\0') {
        json_decref(row);
        row = NULL;
        status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (row == NULL) {
        rc = ngx_http_procmgr_problem(r, status, "bad_row",
                                      "the row of the operation is broken");

    } else if (status >= NGX_HTTP_BAD_REQUEST) {

        more = json_pack("{s:s, s:s}",
                         "op_id", id,
                         "reason", code[0] ? code : "policy_denied");

        rc = ngx_http_procmgr_problem_json(r, status,
                 status == NGX_HTTP_SERVICE_UNAVAILABLE ? "helper_unavailable"
                 : code[0] ? code : "policy_denied",
                 detail, more);

        json_decref(row);

    } else {
        rc = NGX_OK;

        if (status == NGX_HTTP_ACCEPTED && op->location.len
            && ngx_http_procmgr_is_uuid((u_char *) id, ngx_strlen(id)))
        {

            /* a repeated key is answered with an operation of another id */

            ngx_memcpy(op->location.data + op->location.len - 36, id, 36);

            rc = ngx_http_procmgr_op_header(r, "Location", &op->location);
        }

        if (rc == NGX_OK && op->applied.len) {
            rc = ngx_http_procmgr_op_header(r, "Preference-Applied",
                                            &op->applied);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_procmgr_send_json(r, status, row);

        } else {
            json_decref(row);
        }
    }

    ngx_http_procmgr_finish(r, rc);
}


static ngx_uint_t
ngx_http_procmgr_op_refusal(const char **code)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_procmgr_op_refusals[i].code; i++) {
        if (ngx_strcmp(*code, ngx_http_procmgr_op_refusals[i].code) == 0) {
            *code = ngx_http_procmgr_op_refusals[i].name;
            return ngx_http_procmgr_op_refusals[i].status;
        }
    }

    return ngx_http_procmgr_outcome_helper(*code)
               ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_FORBIDDEN;
}


/* the request outlives the operation's pool: its log may name the header */

static ngx_int_t
ngx_http_procmgr_op_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  copy;

    copy.len = value->len;
    copy.data = ngx_pstrdup(r->pool, value);

    if (copy.data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_header(r, name, &copy);
}


void
ngx_http_procmgr_op_conflict(ngx_http_procmgr_op_t *op, const char *code,
    const char *detail, const char *id, const char *own)
{
    ngx_http_request_t  *r;

    r = ngx_http_procmgr_op_detach(op);

    if (r) {
        ngx_http_procmgr_finish(r,
            ngx_http_procmgr_problem_json(r, NGX_HTTP_CONFLICT, code, detail,
                json_pack("{s:s, s:s?}", "op_id", id,
                          "refused_op_id", own[0] ? own : NULL)));
    }
}


void
ngx_http_procmgr_op_throttled(ngx_http_procmgr_op_t *op, json_t *json)
{
    u_char               buf[NGX_INT64_LEN];
    ngx_int_t            rc;
    ngx_str_t            value;
    json_int_t           wait;
    ngx_http_request_t  *r;

    r = ngx_http_procmgr_op_detach(op);

    if (r == NULL) {
        return;
    }

    wait = json_integer_value(json_object_get(json, "wait"));
    wait = ngx_max(1, ngx_min(wait, 3600));

    value.data = buf;
    value.len = ngx_sprintf(buf, "%L", (int64_t) wait) - buf;

    rc = ngx_http_procmgr_op_header(r, "Retry-After", &value);

    if (rc == NGX_OK) {
        rc = ngx_http_procmgr_problem(r, NGX_HTTP_TOO_MANY_REQUESTS,
                 "throttled", "too many attempts of this account were "
                 "refused, nothing was done: try again in %V s", &value);
    }

    ngx_http_procmgr_finish(r, rc);
}


/* the operation as far as this worker knows it */

static json_t *
ngx_http_procmgr_op_row(ngx_http_procmgr_op_t *op, const char *reason)
{
    u_char       time[sizeof("1970-09-28T12:00:00.000Z") + NGX_TIME_T_LEN];
    ngx_tm_t     tm;
    ngx_uint_t   i;
    json_t      *row;

    static const char *const  unknown[] = {
        "argv", "exit_code", "signal", "stdout", "stderr", "truncated",
        "before", "after", "duration_ms", "usage", "is_exec", NULL
    };

    ngx_gmtime(op->sec, &tm);

    *ngx_sprintf(time, "%4d-%02d-%02dT%02d:%02d:%02d.%03uiZ",
                 tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                 tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec, op->msec)
        = '\0';

    row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s,"
                    " s:s, s:s?, s:O, s:s?, s:s?, s:s}",
                    "seq", (json_int_t) op->seq,
                    "op_id", (const char *) op->id,
                    "host", op->args[1],
                    "logTime", (const char *) time,
                    "logType", op->args[2],
                    "target", op->args[3],
                    "actor", op->args[4],
                    "role", op->args[5],
                    "remote", op->args[6],
                    "retStatus", "running",
                    "logStatus", "unread",
                    "state", "running",
                    "code", reason ? "outcome_not_recorded" : NULL,
                    "request", op->request,
                    "reason", reason,
                    "cmdret", reason,
                    "retopt", "Unkown");

    if (row == NULL) {
        return NULL;
    }

    for (i = 0; unknown[i]; i++) {
        (void) json_object_set_new(row, unknown[i], json_null());
    }

    return row;
}


const char *
ngx_http_procmgr_op_word(json_t *row, const char *key)
{
    const char  *word;

    word = json_string_value(json_object_get(row, key));

    return word ? word : "";
}
