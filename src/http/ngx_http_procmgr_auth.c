
/*
 * Who asks: the session of the cookie, from the zone while the database's
 * word on it is fresh, and the role.
 */


#include "ngx_http_procmgr.h"
#include "ngx_http_procmgr_sql.h"
#include "../policy/pm_sha256.h"


/* 32 bytes in base64url */
#define NGX_HTTP_PROCMGR_TOKEN_LEN   43

/* last_seen is written at most so often, ms */


static ngx_int_t ngx_http_procmgr_no_auth(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_loc_conf_t *plcf);
static ngx_int_t ngx_http_procmgr_find_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_read_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_session_read(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_wait_epoch(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_epoch_known(void *data);
static void ngx_http_procmgr_epoch_gone(void *data);
static ngx_int_t ngx_http_procmgr_no_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_token(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_str_t *token);
static ngx_uint_t ngx_http_procmgr_cookie(ngx_str_t *header, ngx_str_t *name,
    ngx_str_t *value);
static void ngx_http_procmgr_cookie_name(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, u_char buf[128], ngx_str_t *name);
static ngx_int_t ngx_http_procmgr_copy(json_t *value, const char *key,
    char *dst, size_t size);


static const char *ngx_http_procmgr_roles[] = {
    "none", "viewer", "operator", "admin"
};


const char *
ngx_http_procmgr_role_name(ngx_uint_t role)
{
    return ngx_http_procmgr_roles[role <= NGX_PROCMGR_ROLE_ADMIN ? role : 0];
}


ngx_uint_t
ngx_http_procmgr_role(const char *name)
{
    ngx_uint_t  i;

    for (i = NGX_PROCMGR_ROLE_VIEWER; i <= NGX_PROCMGR_ROLE_ADMIN; i++) {
        if (ngx_strcmp(ngx_http_procmgr_roles[i], name) == 0) {
            return i;
        }
    }

    return NGX_PROCMGR_ROLE_NONE;
}


ngx_int_t
ngx_http_procmgr_check_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_int_t                     rc;
    ngx_uint_t                    need;
    ngx_http_procmgr_loc_conf_t  *plcf;

    if (ctx->route->flags & NGX_HTTP_PROCMGR_ANON) {
        return NGX_OK;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_procmgr_module);

    if (!plcf->auth) {
        rc = ngx_http_procmgr_no_auth(r, ctx, plcf);

    } else if (ctx->known) {
        rc = NGX_OK;

    } else {
        rc = ngx_http_procmgr_find_session(r, ctx);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->role = ctx->sess.role;

    need = ngx_max(ctx->route->role, plcf->role);

    /* an attempt to act is refused by its handler, which leaves a row */

    if (plcf->family == NGX_HTTP_PROCMGR_CONTROL
        && (ctx->route->flags & NGX_HTTP_PROCMGR_ACT))
    {
        need = ctx->route->role;
    }

    if (ctx->role < need) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN,
                                           "role_too_low",
                                           "this needs the role %s, yours is "
                                           "%s",
                                           ngx_http_procmgr_role_name(need),
                                           ngx_http_procmgr_role_name(
                                                                ctx->role));
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the location is guarded by nginx's own means: nothing but reading */

static ngx_int_t
ngx_http_procmgr_no_auth(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_loc_conf_t *plcf)
{
    char  *user;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, "read_only",
                                           "without sessions there is only "
                                           "reading");
        return NGX_DECLINED;
    }

    ctx->sess.role = ngx_max(plcf->role, NGX_PROCMGR_ROLE_VIEWER);

    if (ngx_http_auth_basic_user(r) == NGX_OK) {
        user = ngx_http_procmgr_text(r, &r->headers_in.user,
                                     sizeof(ctx->sess.user) - 1);
        if (user == NULL) {
            ctx->rc = NGX_ERROR;
            return NGX_DECLINED;
        }

        (void) ngx_cpystrn((u_char *) ctx->sess.user, (u_char *) user,
                           sizeof(ctx->sess.user));
    }

    return NGX_OK;
}


/*
 * The zone's entry is good for a second after the database stood for it: by
 * the session itself, or by the epoch that says that no session was ended.
 * The epoch is read a little ahead of that, so that many who poll never wait.
 */

static ngx_int_t
ngx_http_procmgr_find_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    uint64_t    age;
    ngx_int_t   rc;
    ngx_str_t   token;
    pm_sha256_t  sha;
    ngx_uint_t  act;

    rc = ngx_http_procmgr_bearer(r, &token);

    ctx->bearer = (rc != NGX_DECLINED);

    if (!ctx->bearer) {
        rc = ngx_http_procmgr_token(r, ctx, &token);
    }

    if (rc != NGX_OK) {
        return ngx_http_procmgr_no_session(r, ctx);
    }

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, token.data, token.len);
    pm_sha256_final(&sha, ctx->key);

    rc = ngx_procmgr_sess_get(ctx->pm, ctx->key, &ctx->sess, &ctx->vouched);

    /*
     * One that has idled too long by what is known here may have been in use
     * at another host.
     */

    ctx->cached = (rc != NGX_DECLINED && !ngx_http_procmgr_expired(&ctx->sess));

    if (!ctx->cached || rc == NGX_AGAIN) {
        return ngx_http_procmgr_read_session(r, ctx);
    }

    act = ctx->route->flags & NGX_HTTP_PROCMGR_ACT;
    age = ngx_procmgr_boottime() - ctx->vouched;

    if (age < NGX_PROCMGR_SESS_FRESH) {

        if (age >= NGX_PROCMGR_SESS_AHEAD) {
            ngx_procmgr_epoch_ask(ctx->pm, NULL);
        }

    } else if (!act
               && age <= NGX_PROCMGR_SESS_AWAY
               && ngx_procmgr_epoch_failed(ctx->pm))
    {
        ngx_procmgr_epoch_ask(ctx->pm, NULL);

    } else if (!ctx->waited) {
        return ngx_http_procmgr_wait_epoch(r, ctx);

    } else {
        ctx->rc = ngx_http_procmgr_db_away(r);
        return NGX_DECLINED;
    }

    ctx->known = 1;

    ngx_http_procmgr_touch(r, ctx, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_no_session(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_UNAUTHORIZED, "no_session",
                                       "there is no session, or it has ended");
    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_procmgr_wait_epoch(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_epoch_gone, &ctx->wait)
        == NULL)
    {
        ctx->rc = NGX_ERROR;
        return NGX_DECLINED;
    }

    ctx->waited = 1;
    ctx->wait.handler = ngx_http_procmgr_epoch_known;
    ctx->wait.data = r;

    ngx_procmgr_epoch_ask(ctx->pm, &ctx->wait);

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_epoch_known(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_procmgr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    ngx_http_procmgr_finish(r, ngx_http_procmgr_run(r, ctx));
}


static void
ngx_http_procmgr_epoch_gone(void *data)
{
    ngx_procmgr_epoch_forget(data);
}


static ngx_int_t
ngx_http_procmgr_read_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char                           hex[65], idle[NGX_INT64_LEN + 1];
    ngx_int_t                      rc;
    const char                    *params[2];
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    pm_hex(hex, ctx->key, sizeof(ctx->key));
    (void) ngx_sprintf((u_char *) idle, "%T%Z", pmcf->idle);

    params[0] = hex;
    params[1] = idle;

    /* what was true when it was sent */

    ctx->sess.checked = ngx_procmgr_boottime();

    rc = ctx->bearer
         ? ngx_http_procmgr_ask(r, ctx,
                 NGX_HTTP_PROCMGR_SQL_SESSION("token_get($1)"), 1,
                 params, ngx_http_procmgr_session_read)
         : ngx_http_procmgr_ask(r, ctx,
                 NGX_HTTP_PROCMGR_SQL_SESSION("session_get($1, $2::int)"), 2,
                 params, ngx_http_procmgr_session_read);

    if (rc != NGX_AGAIN) {
        ctx->rc = rc;
        return NGX_DECLINED;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_procmgr_session_read(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    uint64_t             now;
    ngx_procmgr_sess_t   sess;

    now = ngx_procmgr_boottime();

    if (res->ended != NGX_PROCMGR_PG_OK) {

        if (!ctx->cached
            || (ctx->route->flags & NGX_HTTP_PROCMGR_ACT)
            || now - ctx->vouched > NGX_PROCMGR_SESS_AWAY)
        {
            return ngx_http_procmgr_db_away(r);
        }

        ctx->known = 1;

        return ngx_http_procmgr_run(r, ctx);
    }

    ngx_memzero(&sess, sizeof(ngx_procmgr_sess_t));

    if (value == NULL
        || ngx_http_procmgr_sess_parse(value, &sess) != NGX_OK
        || ngx_http_procmgr_expired(&sess))
    {
        ngx_procmgr_sess_drop(ctx->pm, ctx->key);
        (void) ngx_http_procmgr_no_session(r, ctx);
        return ctx->rc;
    }

    ngx_memcpy(sess.key, ctx->key, sizeof(sess.key));
    sess.checked = ctx->sess.checked;
    sess.used = now;
    sess.bearer = ctx->bearer;
    sess.touched = ctx->cached ? ctx->sess.touched : 0;

    ngx_procmgr_sess_put(ctx->pm, &sess);

    ctx->sess = sess;
    ctx->known = 1;

    ngx_http_procmgr_touch(r, ctx, 0);

    return ngx_http_procmgr_run(r, ctx);
}


ngx_int_t
ngx_http_procmgr_sess_parse(json_t *value, ngx_procmgr_sess_t *s)
{
    char     role[16];
    json_t  *epoch, *account, *expires, *idle, *auth, *now;

    if (ngx_http_procmgr_copy(value, "id", s->id, sizeof(s->id)) != NGX_OK
        || ngx_http_procmgr_copy(value, "user", s->user, sizeof(s->user))
           != NGX_OK
        || ngx_http_procmgr_copy(value, "csrf", s->csrf, sizeof(s->csrf))
           != NGX_OK
        || ngx_http_procmgr_copy(value, "role", role, sizeof(role)) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    s->role = ngx_http_procmgr_role(role);

    if (s->role == NGX_PROCMGR_ROLE_NONE) {
        return NGX_DECLINED;
    }

    account = json_object_get(value, "account");
    expires = json_object_get(value, "expires_ms");
    idle = json_object_get(value, "idle_until_ms");
    auth = json_object_get(value, "auth_at_ms");
    epoch = json_object_get(value, "epoch");
    now = json_object_get(value, "now_ms");

    if (!json_is_integer(account) || !json_is_integer(expires)
        || !json_is_integer(idle) || !json_is_integer(auth)
        || !json_is_integer(now)
        || !json_is_integer(epoch) || json_integer_value(epoch) < 0)
    {
        return NGX_DECLINED;
    }

    s->account = json_integer_value(account);
    s->expires = json_integer_value(expires);
    s->idle_until = json_integer_value(idle);
    s->auth_at = json_integer_value(auth);
    s->clock = json_integer_value(now) - (int64_t) ngx_procmgr_boottime();
    s->epoch = json_integer_value(epoch);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_copy(json_t *value, const char *key, char *dst, size_t size)
{
    json_t  *member;

    member = json_object_get(value, key);

    if (!json_is_string(member)
        || json_string_length(member) == 0
        || json_string_length(member) >= size)
    {
        return NGX_DECLINED;
    }

    (void) ngx_cpystrn((u_char *) dst, (u_char *) json_string_value(member),
                       size);

    return NGX_OK;
}


ngx_uint_t
ngx_http_procmgr_expired(ngx_procmgr_sess_t *s)
{
    int64_t  now;

    now = ngx_http_procmgr_sess_now(s);

    return now >= s->expires || now >= s->idle_until;
}


/* the token of the cookie, if it can be one at all */

static ngx_int_t
ngx_http_procmgr_token(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_str_t *token)
{
    size_t             i;
    u_char             ch, buf[128];
    ngx_str_t          name;
    ngx_table_elt_t   *h;
#if (nginx_version < 1023000)
    ngx_uint_t         n;
    ngx_table_elt_t  **cookies;
#endif

    ngx_http_procmgr_cookie_name(r, ctx, buf, &name);

    token->len = 0;

#if (nginx_version >= 1023000)

    for (h = r->headers_in.cookie; h; h = h->next) {
        if (ngx_http_procmgr_cookie(&h->value, &name, token)) {
            break;
        }
    }

#else

    cookies = r->headers_in.cookies.elts;

    for (n = 0; n < r->headers_in.cookies.nelts; n++) {
        h = cookies[n];

        if (ngx_http_procmgr_cookie(&h->value, &name, token)) {
            break;
        }
    }

#endif

    if (token->len != NGX_HTTP_PROCMGR_TOKEN_LEN) {
        return NGX_DECLINED;
    }

    for (i = 0; i < token->len; i++) {
        ch = token->data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z')
              || (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_'))
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_procmgr_cookie(ngx_str_t *header, ngx_str_t *name, ngx_str_t *value)
{
    u_char  *p, *last, *end;

    p = header->data;
    last = p + header->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == ';')) { p++; }

        end = ngx_strlchr(p, last, ';');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) > name->len
            && p[name->len] == '='
            && ngx_memcmp(p, name->data, name->len) == 0)
        {
            value->data = p + name->len + 1;
            value->len = end - value->data;

            while (value->len && value->data[value->len - 1] == ' ') {
                value->len--;
            }

            return 1;
        }

        p = end;
    }

    return 0;
}


/* on TLS a name that only this very host can set, and only by TLS */

static void
ngx_http_procmgr_cookie_name(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, u_char buf[128], ngx_str_t *name)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    name->data = buf;
    name->len = ngx_slprintf(buf, buf + 128, "%s%V",
                             ctx->secure ? "__Host-" : "", &pmcf->cookie)
                - buf;
}


ngx_int_t
ngx_http_procmgr_set_cookie(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_str_t *token)
{
    u_char     *p, buf[128];
    size_t      len;
    ngx_str_t   name, value;

    ngx_http_procmgr_cookie_name(r, ctx, buf, &name);

    len = name.len + token->len
          + sizeof("=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_slprintf(p, p + len,
                             "%V=%V; Path=/; HttpOnly; SameSite=Strict%s%s",
                             &name, token, ctx->secure ? "; Secure" : "",
                             token->len ? "" : "; Max-Age=0")
                - p;

    return ngx_http_procmgr_header(r, "Set-Cookie", &value);
}
