
/*
 * Where a request comes from: Host and Origin, which keep the pages of other
 * sites from reading answers and from acting in the user's name.
 */


#include "ngx_http_procmgr.h"
#include "../policy/pm_sha256.h"


static ngx_uint_t ngx_http_procmgr_own_name(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_uint_t ngx_http_procmgr_same_host(ngx_str_t *host,
    ngx_http_procmgr_origin_t *origin);
static ngx_uint_t ngx_http_procmgr_own_origin(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_str_t *origin);


/*
 * A name that is not ours means that somebody else's name was made to point
 * here: the browser would give that page our answers.
 */

ngx_int_t
ngx_http_procmgr_check_host(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_str_t                      name, uri;
    ngx_uint_t                     i, found;
    ngx_http_procmgr_origin_t     *origin;
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

#if (NGX_HTTP_SSL)
    ctx->secure = (r->connection->ssl != NULL);
#endif

    if (r->headers_in.host) {
        ctx->host = r->headers_in.host->value;

    } else {
        ctx->host = r->headers_in.server;
    }

    /* "GET http://name/ HTTP/1.1": the two names must be the same */

    if (r->host_start && r->host_end) {
        uri.data = r->host_start;
        uri.len = r->host_end - r->host_start;

        if (ctx->host.len < uri.len
            || ngx_strncasecmp(uri.data, ctx->host.data, uri.len) != 0
            || (ctx->host.len > uri.len && ctx->host.data[uri.len] != ':'))
        {
            goto bad;
        }
    }

    if (ctx->host.len == 0) {
        goto bad;
    }

    if (pmcf->origins) {
        found = 0;
        origin = pmcf->origins->elts;

        for (i = 0; i < pmcf->origins->nelts; i++) {

            if (!ngx_http_procmgr_same_host(&ctx->host, &origin[i])) {
                continue;
            }

            /* of two that differ by the scheme: the one of this connection */

            if (!found || origin[i].tls == ctx->secure) {
                found = origin[i].tls ? 2 : 1;

                if (origin[i].tls == ctx->secure) {
                    break;
                }
            }
        }

        if (!found) {
            goto bad;
        }

        ctx->secure = (found == 2);

        return NGX_OK;
    }

    name = ctx->host;

    for (i = name.len; i > 0 && name.data[i - 1] != ':'; i--) {
        if (name.data[i - 1] < '0' || name.data[i - 1] > '9') {
            break;
        }
    }

    if (i > 1 && name.data[i - 1] == ':') {
        name.len = i - 1;
    }

    if (ngx_http_procmgr_own_name(r, &name)) {
        return NGX_OK;
    }

bad:

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_MISDIRECTED_REQUEST,
                                       "bad_host",
                                       "\"%V\" is not a name of this server",
                                       &ctx->host);

    return ngx_http_procmgr_denial(r, ctx, NGX_HTTP_PROCMGR_BAD_HOST,
                                   &ctx->host);
}


/* loopback, or a server_name */

static ngx_uint_t
ngx_http_procmgr_own_name(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t                    *own, rest;
    ngx_uint_t                    i;
    ngx_http_procmgr_srv_conf_t  *pscf;

    static ngx_str_t  loopback[] = {
        ngx_string("127.0.0.1"),
        ngx_string("[::1]"),
        ngx_string("localhost"),
        ngx_null_string
    };

    for (own = loopback; own->len; own++) {
        if (own->len == name->len
            && ngx_strncasecmp(own->data, name->data, own->len) == 0)
        {
            return 1;
        }
    }

    pscf = ngx_http_get_module_srv_conf(r, ngx_http_procmgr_module);

    own = pscf->names.elts;

    for (i = 0; i < pscf->names.nelts; i++) {

        rest = own[i];

        if (rest.len == name->len
            && ngx_strncasecmp(rest.data, name->data, rest.len) == 0)
        {
            return 1;
        }

        if (rest.data[0] == '.') {

            /* ".example.com" is "example.com" and "*.example.com" */

            if (rest.len - 1 == name->len
                && ngx_strncasecmp(rest.data + 1, name->data, name->len) == 0)
            {
                return 1;
            }

        } else if (rest.data[0] == '*') {
            rest.data++;
            rest.len--;

        } else {
            continue;
        }

        if (name->len > rest.len
            && ngx_strncasecmp(name->data + name->len - rest.len, rest.data,
                               rest.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* an origin leaves the scheme's own port out, a Host may name it */

static ngx_uint_t
ngx_http_procmgr_same_host(ngx_str_t *host, ngx_http_procmgr_origin_t *origin)
{
    ngx_str_t  port;

    if (host->len < origin->host.len
        || ngx_strncasecmp(host->data, origin->host.data, origin->host.len)
           != 0)
    {
        return 0;
    }

    if (host->len == origin->host.len) {
        return 1;
    }

    port.data = host->data + origin->host.len;
    port.len = host->len - origin->host.len;

    return origin->tls
           ? (port.len == 4 && ngx_strncmp(port.data, ":443", 4) == 0)
           : (port.len == 3 && ngx_strncmp(port.data, ":80", 3) == 0);
}


/*
 * A page of another origin can send forms and simple requests with the
 * cookie, but neither JSON nor a header of ours, and it cannot hide where it
 * comes from.
 */

ngx_int_t
ngx_http_procmgr_check_csrf(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    size_t      len;
    ngx_str_t   user, *origin, *site, *token;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NGX_OK;
    }

    if (r->headers_in.content_type && !ngx_http_procmgr_is_json(r)) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                           "not_json",
                                           "Content-Type must be "
                                           "application/json");
        return NGX_DECLINED;
    }

    if (ctx->sess.bearer) {
        return NGX_OK;
    }

    origin = ngx_http_procmgr_header_in(r, "origin");
    site = ngx_http_procmgr_header_in(r, "sec-fetch-site");

    if (origin) {
        if (!ngx_http_procmgr_own_origin(r, ctx, origin)) {
            goto other;
        }

    } else if (site) {
        if (site->len != sizeof("same-origin") - 1
            || ngx_strncasecmp(site->data, (u_char *) "same-origin",
                               sizeof("same-origin") - 1)
               != 0)
        {
            goto other;
        }

    } else if (!(ctx->route->flags & NGX_HTTP_PROCMGR_NOCSRF)) {
        goto other;
    }

    if (ctx->route->flags & NGX_HTTP_PROCMGR_NOCSRF) {
        return NGX_OK;
    }

    token = ngx_http_procmgr_header_in(r, "x-csrf-token");
    len = ngx_strlen(ctx->sess.csrf);

    if (len == 0 || token == NULL || token->len != len
        || !pm_equal(token->data, ctx->sess.csrf, len))
    {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, "bad_csrf",
                                           "X-CSRF-Token is not the "
                                           "session's");

        /* whose session would have been used */

        user.data = (u_char *) ctx->sess.user;
        user.len = ngx_strlen(ctx->sess.user);

        return ngx_http_procmgr_denial(r, ctx, NGX_HTTP_PROCMGR_BAD_CSRF,
                                       &user);
    }

    return NGX_OK;

other:

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, "bad_origin",
                                       "the request does not come from this "
                                       "server's own page");

    return ngx_http_procmgr_denial(r, ctx, NGX_HTTP_PROCMGR_BAD_ORIGIN,
                                   origin ? origin : site);
}


static ngx_uint_t
ngx_http_procmgr_own_origin(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_str_t *origin)
{
    ngx_str_t                      scheme;
    ngx_uint_t                     i;
    ngx_http_procmgr_origin_t     *own;
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    if (pmcf->origins == NULL) {

        if (ctx->secure) {
            ngx_str_set(&scheme, "https://");

        } else {
            ngx_str_set(&scheme, "http://");
        }

        return origin->len == scheme.len + ctx->host.len
               && ngx_strncasecmp(origin->data, scheme.data, scheme.len) == 0
               && ngx_strncasecmp(origin->data + scheme.len, ctx->host.data,
                                  ctx->host.len)
                  == 0;
    }

    own = pmcf->origins->elts;

    for (i = 0; i < pmcf->origins->nelts; i++) {
        if (ngx_http_procmgr_same_host(&ctx->host, &own[i])
            && origin->len == own[i].origin.len
            && ngx_strncasecmp(origin->data, own[i].origin.data, origin->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}
