
/*
 * Tokens of scripts: "Authorization: Bearer".  A browser never sends one by
 * itself, so neither origin nor X-CSRF-Token is asked for.
 */


#include "ngx_http_procmgr.h"


/* "pm_" and 32 bytes in base64url, as procmgrctl prints it */
#define NGX_HTTP_PROCMGR_BEARER_LEN  46


/*
 * NGX_DECLINED: there is none, the cookie counts.  NGX_ABORT: what came is
 * none that could be known.
 */

ngx_int_t
ngx_http_procmgr_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    size_t            i;
    u_char            ch, *p;
    ngx_table_elt_t  *h;

    static const u_char  scheme[] = "bearer";

    h = r->headers_in.authorization;

    if (h == NULL || h->value.len < sizeof(scheme) - 1
        || ngx_strncasecmp(h->value.data, (u_char *) scheme,
                           sizeof(scheme) - 1)
           != 0
        || (h->value.len > sizeof(scheme) - 1
            && h->value.data[sizeof(scheme) - 1] != ' '))
    {
        return NGX_DECLINED;
    }

    p = h->value.data + sizeof(scheme) - 1;

    token->len = h->value.len - (sizeof(scheme) - 1);

    while (token->len && *p == ' ') {
        p++;
        token->len--;
    }

    token->data = p;

    if (token->len != NGX_HTTP_PROCMGR_BEARER_LEN
        || ngx_strncmp(p, "pm_", 3) != 0)
    {
        return NGX_ABORT;
    }

    for (i = 3; i < token->len; i++) {
        ch = p[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z')
              || (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_'))
        {
            return NGX_ABORT;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_person(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    if (!ctx->sess.bearer) {
        return NGX_OK;
    }

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, "bearer_token",
                                       "a token has no session and no "
                                       "password");
    return NGX_DECLINED;
}
