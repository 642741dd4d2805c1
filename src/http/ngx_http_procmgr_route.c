
/*
 * From a request to its handler: the steps that every request takes, in one
 * order, whatever its family.
 */


#include "ngx_http_procmgr.h"


/* steps; a wait ends by going on with the one that is stored in the ctx */
#define NGX_HTTP_PROCMGR_STEP_SESSION  0
#define NGX_HTTP_PROCMGR_STEP_BODY     1
#define NGX_HTTP_PROCMGR_STEP_HANDLER  2


static ngx_int_t ngx_http_procmgr_read_body(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_body_handler(ngx_http_request_t *r);
static void ngx_http_procmgr_wait(ngx_http_request_t *r);
static ngx_int_t ngx_http_procmgr_path(ngx_http_request_t *r, ngx_str_t *path);
static ngx_int_t ngx_http_procmgr_find(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t family);
static ngx_uint_t ngx_http_procmgr_match(ngx_http_procmgr_ctx_t *ctx,
    const char *pattern);
static ngx_uint_t ngx_http_procmgr_is_pid(ngx_str_t *s, ngx_int_t *pid);
static ngx_int_t ngx_http_procmgr_not_allowed(ngx_http_request_t *r,
    ngx_uint_t methods);


/* a family's tables are looked through in this order */

static const struct {
    ngx_uint_t                 family;
    ngx_http_procmgr_route_t  *routes;
} ngx_http_procmgr_tables[] = {
    { NGX_HTTP_PROCMGR_SESSION, ngx_http_procmgr_session_routes },
    { NGX_HTTP_PROCMGR_SYSTEM, ngx_http_procmgr_system_routes },
    { NGX_HTTP_PROCMGR_SYSTEM, ngx_http_procmgr_item_routes },
    { NGX_HTTP_PROCMGR_SYSTEM, ngx_http_procmgr_network_routes },
    { NGX_HTTP_PROCMGR_SYSTEM, ngx_http_procmgr_host_routes },
    { NGX_HTTP_PROCMGR_SYSTEM, ngx_http_procmgr_constants_routes },
    { NGX_HTTP_PROCMGR_MEMORY, ngx_http_procmgr_watch_routes },
    { NGX_HTTP_PROCMGR_MEMORY, ngx_http_procmgr_memory_routes },
    { NGX_HTTP_PROCMGR_CONTROL, ngx_http_procmgr_control_routes },
    { NGX_HTTP_PROCMGR_LOG, ngx_http_procmgr_log_routes },
    { NGX_HTTP_PROCMGR_METRICS, ngx_http_procmgr_metrics_routes },
    { NGX_HTTP_PROCMGR_EVENTS, ngx_http_procmgr_events_routes },
    { 0, NULL }
};


static struct {
    ngx_uint_t   method;
    const char  *name;
} ngx_http_procmgr_methods[] = {
    { NGX_HTTP_GET, "GET, HEAD" },
    { NGX_HTTP_POST, "POST" },
    { NGX_HTTP_PUT, "PUT" },
    { NGX_HTTP_PATCH, "PATCH" },
    { NGX_HTTP_DELETE, "DELETE" },
    { 0, NULL }
};


ngx_int_t
ngx_http_procmgr_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_procmgr_ctx_t         *ctx;
    ngx_http_procmgr_loc_conf_t    *plcf;
    ngx_http_procmgr_main_conf_t   *pmcf;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "procmgr handler");

    /* an answer may come after the main request has gone on without it */

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_procmgr_module);
    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->request = r;
    ctx->pm = &pmcf->pm;

    ngx_http_set_ctx(r, ctx, ngx_http_procmgr_module);

    if (ngx_http_procmgr_check_host(r, ctx) != NGX_OK) {
        return ctx->rc;
    }

    if (ngx_http_procmgr_path(r, &ctx->path) != NGX_OK) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no \"%V\"", &r->uri);
    }

    if (ngx_http_procmgr_find(r, ctx, plcf->family) != NGX_OK) {
        return ctx->rc;
    }

    /* a wait for the session must not stand in the way of the body's bytes */

    if (!(ctx->route->flags & NGX_HTTP_PROCMGR_BODY)) {
        rc = ngx_http_discard_request_body(r);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            r->keepalive = 0;
            return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                            "bad_request",
                                            "the body is malformed");
        }
    }

    rc = ngx_http_procmgr_run(r, ctx);

    if (rc == NGX_AGAIN) {
        r->main->count++;
        ngx_http_procmgr_wait(r);
        return NGX_DONE;
    }

    return rc;
}


/*
 * NGX_AGAIN: a handler that waits holds the request and finishes it.
 * NGX_DONE: nginx reads the body and calls back.
 */

ngx_int_t
ngx_http_procmgr_run(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_int_t   rc;

    if (ctx->step == NGX_HTTP_PROCMGR_STEP_SESSION) {

        rc = ngx_http_procmgr_check_session(r, ctx);

        if (rc == NGX_OK) {
            rc = ngx_http_procmgr_check_csrf(r, ctx);
        }

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? ctx->rc : rc;
        }

        ctx->step = NGX_HTTP_PROCMGR_STEP_BODY;
    }

    if (ctx->step == NGX_HTTP_PROCMGR_STEP_BODY) {

        ctx->step = NGX_HTTP_PROCMGR_STEP_HANDLER;

        if (ctx->route->flags & NGX_HTTP_PROCMGR_BODY) {
            return ngx_http_procmgr_read_body(r, ctx);
        }
    }

    return ctx->route->handler(r, ctx);
}


static ngx_int_t
ngx_http_procmgr_read_body(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ngx_http_procmgr_is_json(r)) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                        "not_json",
                                        "Content-Type must be "
                                        "application/json");
    }

    if (r->headers_in.content_length_n > NGX_HTTP_PROCMGR_BODY_MAX) {
        r->keepalive = 0;
        return ngx_http_procmgr_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "body_too_large",
                                        "the body is longer than %d bytes",
                                        NGX_HTTP_PROCMGR_BODY_MAX);
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_procmgr_body_handler);

    if (rc < NGX_HTTP_SPECIAL_RESPONSE) {
        return NGX_DONE;
    }

    r->keepalive = 0;

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "body_too_large",
                                        "the body is too long");
    }

    if (rc == NGX_HTTP_BAD_REQUEST) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_request",
                                        "the body is malformed");
    }

    return rc;
}


static void
ngx_http_procmgr_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_procmgr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    rc = ngx_http_procmgr_parse_body(r, ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_procmgr_run(r, ctx);

    } else {
        rc = ctx->rc;
    }

    /*
     * The reference of the body's reader is the one that a wait holds.
     * Posted requests are run by the caller, which may be the content phase.
     */

    if (rc == NGX_AGAIN) {
        ngx_http_procmgr_wait(r);
        return;
    }

    ngx_http_finalize_request(r, rc);
}


/* a client that leaves is seen while nothing is read from it */

static void
ngx_http_procmgr_wait(ngx_http_request_t *r)
{
    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }
}


/*
 * What stands behind the prefix.  A location without a slash at its end is
 * also a prefix of other words: "/logout" is not in "/log".
 */

static ngx_int_t
ngx_http_procmgr_path(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->uri.len < clcf->name.len) {
        return NGX_DECLINED;
    }

    path->data = r->uri.data + clcf->name.len;
    path->len = r->uri.len - clcf->name.len;

    if (path->len
        && path->data[0] != '/'
        && clcf->name.len
        && clcf->name.data[clcf->name.len - 1] != '/')
    {
        return NGX_DECLINED;
    }

    while (path->len && path->data[0] == '/') {
        path->data++;
        path->len--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_find(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_uint_t family)
{
    ngx_uint_t                 i, method, allowed;
    ngx_http_procmgr_route_t  *route;

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;
    allowed = 0;

    for (i = 0; ngx_http_procmgr_tables[i].routes; i++) {

        if (ngx_http_procmgr_tables[i].family != family) {
            continue;
        }

        for (route = ngx_http_procmgr_tables[i].routes;
             route->handler;
             route++)
        {
            if (!ngx_http_procmgr_match(ctx, route->path)) {
                continue;
            }

            if (route->method == method) {
                ctx->route = route;
                return NGX_OK;
            }

            allowed |= route->method;
        }
    }

    if (allowed) {
        ctx->rc = ngx_http_procmgr_not_allowed(r, allowed);
        return NGX_DECLINED;
    }

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                       "there is no \"%V\"", &r->uri);
    return NGX_DECLINED;
}


const ngx_http_procmgr_route_t *
ngx_http_procmgr_route(ngx_uint_t n, ngx_uint_t *family)
{
    ngx_uint_t                 i;
    ngx_http_procmgr_route_t  *route;

    for (i = 0; ngx_http_procmgr_tables[i].routes; i++) {

        for (route = ngx_http_procmgr_tables[i].routes;
             route->handler;
             route++)
        {
            if (n-- == 0) {
                *family = ngx_http_procmgr_tables[i].family;
                return route;
            }
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_procmgr_match(ngx_http_procmgr_ctx_t *ctx, const char *pattern)
{
    size_t       len;
    u_char      *p, *last, *end;
    ngx_str_t    seg;
    ngx_uint_t   n;
    const char  *next;

    n = 0;
    p = ctx->path.data;
    last = p + ctx->path.len;

    if (*pattern == '\0' || p == last) {
        return *pattern == '\0' && p == last;
    }

    for ( ;; ) {

        end = ngx_strlchr(p, last, '/');

        seg.data = p;
        seg.len = (end ? end : last) - p;

        next = strchr(pattern, '/');
        len = next ? (size_t) (next - pattern) : ngx_strlen(pattern);

        if (*pattern == '{') {

            if (seg.len == 0) {
                return 0;
            }

            if (pattern[1] == 'p'
                && !ngx_http_procmgr_is_pid(&seg, &ctx->pid))
            {
                return 0;
            }

            if (pattern[1] == 'i'
                && !ngx_http_procmgr_is_uuid(seg.data, seg.len))
            {
                return 0;
            }

            if (n < 2) {
                ctx->seg[n++] = seg;
            }

        } else if (seg.len != len || ngx_memcmp(p, pattern, len) != 0) {
            return 0;
        }

        if (end == NULL || next == NULL) {
            return end == NULL && next == NULL;
        }

        p = end + 1;
        pattern = next + 1;
    }
}


static ngx_uint_t
ngx_http_procmgr_is_pid(ngx_str_t *s, ngx_int_t *pid)
{
    ngx_int_t  n;

    if (s->len > 10 || s->data[0] == '0') {
        return 0;
    }

    n = ngx_atoi(s->data, s->len);

    if (n == NGX_ERROR) {
        return 0;
    }

    *pid = n;

    return 1;
}


ngx_uint_t
ngx_http_procmgr_is_uuid(const u_char *p, size_t len)
{
    u_char  c;
    size_t  i;

    if (len != 36) {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (p[i] != '-') {
                return 0;
            }

            continue;
        }

        c = (u_char) (p[i] | 0x20);

        if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f'))) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_procmgr_not_allowed(ngx_http_request_t *r, ngx_uint_t methods)
{
    u_char      *p, *last;
    ngx_str_t    allow;
    ngx_uint_t   i;

    allow.data = ngx_pnalloc(r->pool, 64);
    if (allow.data == NULL) {
        return NGX_ERROR;
    }

    p = allow.data;
    last = p + 64;

    for (i = 0; ngx_http_procmgr_methods[i].name; i++) {
        if (methods & ngx_http_procmgr_methods[i].method) {
            p = ngx_slprintf(p, last, "%s%s", p == allow.data ? "" : ", ",
                             ngx_http_procmgr_methods[i].name);
        }
    }

    allow.len = p - allow.data;

    if (ngx_http_procmgr_header(r, "Allow", &allow) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_ALLOWED,
                                    "method_not_allowed",
                                    "%V is not possible here, but %V",
                                    &r->method_name, &allow);
}
