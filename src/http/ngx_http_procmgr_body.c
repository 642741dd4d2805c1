
/*
 * The JSON body of a request.
 */


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_TYPE  "application/json"


static ngx_int_t ngx_http_procmgr_body_bytes(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_str_t *bytes);
static const char *ngx_http_procmgr_json_word(json_error_t *error);
static void ngx_http_procmgr_body_free(void *data);


/* application/json, with no parameter but the charset that JSON has */

ngx_uint_t
ngx_http_procmgr_is_json(ngx_http_request_t *r)
{
    size_t            len;
    u_char           *p, *last;
    ngx_table_elt_t  *h;

    h = r->headers_in.content_type;
    len = sizeof(NGX_HTTP_PROCMGR_TYPE) - 1;

    if (h == NULL || h->value.len < len
        || ngx_strncasecmp(h->value.data, (u_char *) NGX_HTTP_PROCMGR_TYPE,
                           len)
           != 0)
    {
        return 0;
    }

    p = h->value.data + len;
    last = h->value.data + h->value.len;

    while (p < last && (*p == ' ' || *p == '\t')) { p++; }

    if (p == last) {
        return 1;
    }

    if (*p++ != ';') {
        return 0;
    }

    while (p < last && (*p == ' ' || *p == '\t')) { p++; }

    return (last - p == 13
            && ngx_strncasecmp(p, (u_char *) "charset=utf-8", 13) == 0)
           || (last - p == 15
               && ngx_strncasecmp(p, (u_char *) "charset=\"utf-8\"", 15)
                  == 0);
}


ngx_int_t
ngx_http_procmgr_parse_body(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    json_t              *json;
    ngx_int_t            rc;
    ngx_str_t            bytes;
    json_error_t         error;
    ngx_pool_cleanup_t  *cln;

    rc = ngx_http_procmgr_body_bytes(r, ctx, &bytes);
    if (rc != NGX_OK) {
        return rc;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        ctx->rc = NGX_ERROR;
        return NGX_DECLINED;
    }

    json = json_loadb((char *) bytes.data, bytes.len, JSON_REJECT_DUPLICATES,
                      &error);

    ngx_explicit_memzero(bytes.data, bytes.len);

    if (json == NULL) {

        /* jansson's own text quotes the input, which may be a password */

        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_json",
                                           "the body is not JSON: %s at line "
                                           "%d, column %d, byte %d",
                                           ngx_http_procmgr_json_word(&error),
                                           error.line, error.column,
                                           error.position);
        return NGX_DECLINED;
    }

    cln->handler = ngx_http_procmgr_body_free;
    cln->data = json;

    if (!json_is_object(json)) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_json",
                                           "the body must be a JSON object");
        return NGX_DECLINED;
    }

    ctx->body = json;

    return NGX_OK;
}


/* the body may lie in several buffers or in a file */

static ngx_int_t
ngx_http_procmgr_body_bytes(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_str_t *bytes)
{
    off_t         total;
    u_char       *p;
    size_t        size;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    total = 0;

    for (cl = bufs; cl; cl = cl->next) {
        total += ngx_buf_size(cl->buf);
    }

    if (total > NGX_HTTP_PROCMGR_BODY_MAX) {
        ctx->rc = ngx_http_procmgr_problem(r,
                                           NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                           "body_too_large",
                                           "the body is longer than %d bytes",
                                           NGX_HTTP_PROCMGR_BODY_MAX);
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, total + 1);
    if (p == NULL) {
        ctx->rc = NGX_ERROR;
        return NGX_DECLINED;
    }

    bytes->data = p;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = ngx_buf_size(b);

        if (size == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, size);
            continue;
        }

        n = ngx_read_file(b->file, p, size, b->file_pos);

        if (n != (ssize_t) size) {
            ctx->rc = ngx_http_procmgr_problem(r,
                                             NGX_HTTP_INTERNAL_SERVER_ERROR,
                                             "internal_error",
                                             "the body could not be read");
            return NGX_DECLINED;
        }

        p += size;
    }

    bytes->len = p - bytes->data;

    return NGX_OK;
}


static const char *
ngx_http_procmgr_json_word(json_error_t *error)
{
    switch (json_error_code(error)) {

    case json_error_stack_overflow:
        return "nested too deeply";

    case json_error_premature_end_of_input:
        return "it ends too early";

    case json_error_end_of_input_expected:
        return "something follows its end";

    case json_error_invalid_utf8:
        return "invalid UTF-8";

    case json_error_duplicate_key:
        return "a member stands twice";

    case json_error_numeric_overflow:
        return "a number is too large";

    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "\\u0000 is not allowed";

    case json_error_out_of_memory:
        return "no memory";

    default:
        return "invalid syntax";
    }
}


static void
ngx_http_procmgr_body_free(void *data)
{
    json_t      *value;
    const char  *key;

    /* a password is not left behind in the heap */

    json_object_foreach(data, key, value) {
        if (json_is_string(value)) {
            ngx_explicit_memzero((char *) json_string_value(value),
                                 json_string_length(value));
        }
    }

    json_decref(data);
}
