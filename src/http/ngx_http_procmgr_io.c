
/*
 * Answers: status, headers and bodies of everything that procmgr says.
 * nginx's own pages are never used, so a client reads one kind of error.
 */


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_DETAIL  1024


typedef struct {
    ngx_str_t             key;
    ngx_str_t             value;
} ngx_http_procmgr_const_header_t;


typedef struct {                        /* a request that waits for a view */
    ngx_http_request_t   *request;
    ngx_procmgr_wait_t   *wait;
    ngx_pool_cleanup_t   *cln;
} ngx_http_procmgr_viewer_t;


typedef struct {
    void                (*forget)(void *data);
    void                 *data;
} ngx_http_procmgr_gone_t;


static const char *ngx_http_procmgr_title(ngx_uint_t status);
static ngx_int_t ngx_http_procmgr_push(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_head(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *cache, off_t len);
static ngx_int_t ngx_http_procmgr_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *cache, u_char *data,
    size_t len);
static ngx_int_t ngx_http_procmgr_problem_text(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const u_char *detail, size_t len,
    json_t *more);
static ngx_int_t ngx_http_procmgr_not_modified(ngx_http_request_t *r,
    ngx_str_t *etag);
static void ngx_http_procmgr_gone(void *data);
static void ngx_http_procmgr_free(void *data);
static void ngx_http_procmgr_release(void *data);
static void ngx_http_procmgr_view_gone(void *data);
static void ngx_http_procmgr_view_made(void *data, ngx_procmgr_body_t *body);


/* X-Frame-Options is for browsers that do not know frame-ancestors */

static ngx_http_procmgr_const_header_t  ngx_http_procmgr_headers[] = {

    { ngx_string("Content-Security-Policy"),
      ngx_string("default-src 'self'; frame-ancestors 'none'; "
                 "base-uri 'none'; form-action 'self'") },

    { ngx_string("X-Content-Type-Options"), ngx_string("nosniff") },

    { ngx_string("Referrer-Policy"), ngx_string("no-referrer") },

    { ngx_string("X-Frame-Options"), ngx_string("DENY") },

    { ngx_null_string, ngx_null_string }
};


static ngx_str_t  ngx_http_procmgr_json_type = ngx_string("application/json");
static ngx_str_t  ngx_http_procmgr_problem_type =
    ngx_string("application/problem+json");

static ngx_str_t  ngx_http_procmgr_cache_key = ngx_string("Cache-Control");
static ngx_str_t  ngx_http_procmgr_no_store = ngx_string("no-store");
static ngx_str_t  ngx_http_procmgr_private = ngx_string("private, no-cache");


ngx_int_t
ngx_http_procmgr_send_json(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json)
{
    char                *text;
    ngx_pool_cleanup_t  *cln;

    if (json == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "internal_error", "no memory");
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        json_decref(json);
        return NGX_ERROR;
    }

    /* so many digits that 0.1 is not 0.10000000000000001 */

    text = json_dumps(json, JSON_COMPACT|JSON_ENCODE_ANY
                            |JSON_REAL_PRECISION(15));

    json_decref(json);

    if (text == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "internal_error", "no memory");
    }

    cln->handler = ngx_http_procmgr_free;
    cln->data = text;

    return ngx_http_procmgr_send(r, status, &ngx_http_procmgr_json_type,
                                 &ngx_http_procmgr_no_store, (u_char *) text,
                                 ngx_strlen(text));
}


ngx_int_t
ngx_http_procmgr_send_empty(ngx_http_request_t *r)
{
    return ngx_http_procmgr_send(r, NGX_HTTP_NO_CONTENT, NULL,
                                 &ngx_http_procmgr_no_store, NULL, 0);
}


ngx_int_t
ngx_http_procmgr_send_body(ngx_http_request_t *r, ngx_procmgr_body_t *body)
{
    u_char                  *p;
    ngx_str_t                etag, partial;
    ngx_table_elt_t         *h;
    ngx_pool_cleanup_t      *cln;
    ngx_http_procmgr_ctx_t  *ctx;

    if (body->status != NGX_HTTP_OK) {
        return ngx_http_procmgr_problem(r, body->status,
                                        body->code[0] ? body->code
                                                      : "internal_error",
                                        "%s", body->detail);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, sizeof("W/\"--\"") - 1 + 16 + 16 + 8);
    if (p == NULL) {
        return NGX_ERROR;
    }

    etag.data = p;
    etag.len = ngx_sprintf(p, "W/\"%xL-%xL-%08xD\"", (int64_t) body->birth,
                           (int64_t) body->generation, body->hash)
               - p;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    ngx_str_set(&h->key, "ETag");
    h->value = etag;
    r->headers_out.etag = h;

    if (body->partial[0]) {
        partial.len = ngx_strlen(body->partial);
        partial.data = ngx_pnalloc(r->pool, partial.len);
        if (partial.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(partial.data, body->partial, partial.len);

        if (ngx_http_procmgr_header(r, "X-Procmgr-Partial", &partial)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* nginx's own filter would do the same, after it read the file's time */

    r->disable_not_modified = 1;

    if (ngx_http_procmgr_not_modified(r, &etag) == NGX_OK) {
        return ngx_http_procmgr_send(r, NGX_HTTP_NOT_MODIFIED, NULL,
                                     &ngx_http_procmgr_private, NULL, 0);
    }

    ngx_procmgr_body_hold(body);

    cln->handler = ngx_http_procmgr_release;
    cln->data = body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    return ngx_http_procmgr_send(r, NGX_HTTP_OK,
                                 ctx->type.len ? &ctx->type
                                               : &ngx_http_procmgr_json_type,
                                 &ngx_http_procmgr_private, body->data,
                                 body->len);
}


ngx_int_t
ngx_http_procmgr_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *fmt, ...)
{
    u_char   *last, buf[NGX_HTTP_PROCMGR_DETAIL];
    va_list   args;

    va_start(args, fmt);
    last = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);
    va_end(args);

    return ngx_http_procmgr_problem_text(r, status, code, buf, last - buf,
                                         NULL);
}


ngx_int_t
ngx_http_procmgr_problem_json(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *detail, json_t *more)
{
    return ngx_http_procmgr_problem_text(r, status, code,
                                         (const u_char *) detail,
                                         ngx_strlen(detail), more);
}


static ngx_int_t
ngx_http_procmgr_problem_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const u_char *detail, size_t len, json_t *more)
{
    char                *text, *value;
    size_t               total;
    json_t              *member;
    pm_json_t            j;
    const char          *key;
    ngx_pool_cleanup_t  *cln;

    pm_json_init(&j, 0);

    pm_json_object(&j);

    pm_json_key(&j, "type");
    pm_json_str(&j, "about:blank");
    pm_json_key(&j, "title");
    pm_json_str(&j, ngx_http_procmgr_title(status));
    pm_json_key(&j, "status");
    pm_json_u64(&j, status);
    pm_json_key(&j, "detail");
    pm_json_strn(&j, (const char *) detail, len);
    pm_json_key(&j, "code");
    pm_json_str(&j, code);

    json_object_foreach(more, key, member) {
        value = json_dumps(member, JSON_COMPACT|JSON_ENCODE_ANY);
        if (value == NULL) {
            continue;
        }

        pm_json_key_n(&j, key, ngx_strlen(key));
        pm_json_raw(&j, value, ngx_strlen(value));
        free(value);
    }

    pm_json_object_end(&j);

    json_decref(more);

    text = pm_json_error(&j) ? NULL : pm_json_flatten(&j);
    total = j.total;

    pm_json_free(&j);

    if (text == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        free(text);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_procmgr_free;
    cln->data = text;

    return ngx_http_procmgr_send(r, status, &ngx_http_procmgr_problem_type,
                                 &ngx_http_procmgr_no_store, (u_char *) text,
                                 total);
}


static const char *
ngx_http_procmgr_title(ngx_uint_t status)
{
    switch (status) {
    case 400:  return "Bad Request";
    case 401:  return "Unauthorized";
    case 403:  return "Forbidden";
    case 404:  return "Not Found";
    case 405:  return "Method Not Allowed";
    case 409:  return "Conflict";
    case 413:  return "Content Too Large";
    case 415:  return "Unsupported Media Type";
    case 421:  return "Misdirected Request";
    case 422:  return "Unprocessable Content";
    case 429:  return "Too Many Requests";
    case 500:  return "Internal Server Error";
    case 501:  return "Not Implemented";
    case 503:  return "Service Unavailable";
    case 504:  return "Gateway Timeout";
    default:   return "Error";
    }
}


ngx_int_t
ngx_http_procmgr_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  key;

    key.len = ngx_strlen(name);
    key.data = (u_char *) name;

    return ngx_http_procmgr_push(r, &key, value);
}


static ngx_int_t
ngx_http_procmgr_push(ngx_http_request_t *r, ngx_str_t *key, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key = *key;
    h->value = *value;

    return NGX_OK;
}


/*
 * NGX_AGAIN of the filters becomes NGX_OK: what they could not write yet is
 * theirs, and ngx_http_finalize_request() sees it.  So NGX_AGAIN is left to
 * mean "answered later" in this module.
 */

static ngx_int_t
ngx_http_procmgr_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *cache, u_char *data, size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    rc = ngx_http_procmgr_head(r, status, type, cache, len);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    if (r->header_only) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = data;
    b->last = data + len;
    b->memory = len ? 1 : 0;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    return (rc == NGX_AGAIN) ? NGX_OK : rc;
}


/* len is -1: nobody knows it yet */

static ngx_int_t
ngx_http_procmgr_head(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *cache, off_t len)
{
    ngx_int_t                         rc;
    ngx_http_procmgr_const_header_t  *h;

    if (r->header_sent) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "procmgr: a second answer to one request");
        return NGX_ERROR;
    }

    /* a body that nobody read; what is malformed in it ends the connection */

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        r->keepalive = 0;
    }

    for (h = ngx_http_procmgr_headers; h->key.len; h++) {
        if (ngx_http_procmgr_push(r, &h->key, &h->value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_procmgr_push(r, &ngx_http_procmgr_cache_key, cache)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = status;

    if (type) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
        r->headers_out.content_length_n = len;

    } else {
        ngx_str_null(&r->headers_out.content_type);
        r->headers_out.content_type_len = 0;
        r->headers_out.content_type_lowcase = NULL;
        r->headers_out.content_length_n = -1;
        r->header_only = 1;
    }

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_procmgr_stream(ngx_http_request_t *r, ngx_str_t *type)
{
    return ngx_http_procmgr_head(r, NGX_HTTP_OK, type,
                                 &ngx_http_procmgr_no_store, -1);
}


/* If-None-Match, weakly: a list, or "*" (RFC 9110, 13.1.2) */

static ngx_int_t
ngx_http_procmgr_not_modified(ngx_http_request_t *r, ngx_str_t *etag)
{
    u_char           *p, *last, *start;
    ngx_str_t         bare;
    ngx_table_elt_t  *h;

    h = r->headers_in.if_none_match;

    if (h == NULL) {
        return NGX_DECLINED;
    }

    bare.data = etag->data + 2;
    bare.len = etag->len - 2;

    p = h->value.data;
    last = p + h->value.len;

    if (h->value.len == 1 && *p == '*') {
        return NGX_OK;
    }

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
            p += 2;
        }

        if (p == last || *p != '"') {
            return NGX_DECLINED;
        }

        start = p++;

        while (p < last && *p != '"') {
            p++;
        }

        if (p == last) {
            return NGX_DECLINED;
        }

        p++;

        if ((size_t) (p - start) == bare.len
            && ngx_memcmp(start, bare.data, bare.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_procmgr_send_view(ngx_http_request_t *r, ngx_procmgr_view_t *view)
{
    ngx_int_t                   rc;
    ngx_procmgr_body_t         *body;
    ngx_http_procmgr_ctx_t     *ctx;
    ngx_http_procmgr_viewer_t  *v;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    v = ngx_palloc(r->pool, sizeof(ngx_http_procmgr_viewer_t));
    if (v == NULL) {
        return NGX_ERROR;
    }

    v->request = r;
    v->wait = NULL;

    /* before it waits, so that nothing can fail behind it */

    v->cln = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_view_gone, v);
    if (v->cln == NULL) {
        return NGX_ERROR;
    }

    body = NULL;

    rc = ngx_procmgr_view_get(ctx->pm, view, &body,
                              ngx_http_procmgr_view_made, v, &v->wait);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    v->wait = NULL;

    if (rc == NGX_OK) {
        rc = ngx_http_procmgr_send_body(r, body);
        ngx_procmgr_body_release(body);
        return rc;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "busy", "too much work is waiting");
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "internal_error", "no memory");
}


static void
ngx_http_procmgr_view_gone(void *data)
{
    ngx_http_procmgr_viewer_t *v = data;

    if (v->wait) {
        ngx_procmgr_view_forget(v->wait);
        v->wait = NULL;
    }
}


static void
ngx_http_procmgr_view_made(void *data, ngx_procmgr_body_t *body)
{
    ngx_http_procmgr_viewer_t *v = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = v->request;
    v->wait = NULL;

    if (body) {
        rc = ngx_http_procmgr_send_body(r, body);

    } else {
        rc = ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "timeout",
                                      "the answer was not made in time");
    }

    ngx_http_procmgr_finish(r, rc);
}


void
ngx_http_procmgr_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    /* it waits again: the reference of the first wait is still held */

    if (rc == NGX_AGAIN) {
        return;
    }

    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


ngx_pool_cleanup_t *
ngx_http_procmgr_on_gone(ngx_http_request_t *r, void (*forget)(void *data),
    void *data)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_procmgr_gone_t  *gone;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_procmgr_gone_t));
    if (cln == NULL) {
        return NULL;
    }

    gone = cln->data;
    gone->forget = forget;
    gone->data = data;

    cln->handler = ngx_http_procmgr_gone;

    return cln;
}


static void
ngx_http_procmgr_gone(void *data)
{
    ngx_http_procmgr_gone_t *gone = data;

    if (gone) {
        gone->forget(gone->data);
    }
}


static void
ngx_http_procmgr_free(void *data)
{
    free(data);
}


static void
ngx_http_procmgr_release(void *data)
{
    ngx_procmgr_body_release(data);
}
