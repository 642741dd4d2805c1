
/*
 * Login, and the same proof of a password for its change and for a fresh
 * authentication.
 *
 * Delays after failures (zone) -> account (database) -> yescrypt (thread) ->
 * session (database) -> cookie.  Unknown, wrong and disabled take the same
 * way to the same answer.
 */


#include "ngx_http_procmgr.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_crypt.h"
#include "../policy/pm_sha256.h"


#define NGX_HTTP_PROCMGR_USER_MAX     64
#define NGX_HTTP_PROCMGR_AGENT_MAX    256

/* base64url of 32 bytes and a zero */
#define NGX_HTTP_PROCMGR_SECRET_LEN   44


/* what the password is for */
typedef enum {
    NGX_HTTP_PROCMGR_FOR_LOGIN = 0,
    NGX_HTTP_PROCMGR_FOR_PASSWORD,
    NGX_HTTP_PROCMGR_FOR_REAUTH
} ngx_http_procmgr_purpose_e;


typedef struct {
    ngx_str_t             user;         /* members of the body */
    ngx_str_t             password;
    ngx_str_t             fresh;        /* the new password */

    ngx_http_procmgr_purpose_e   purpose;

    ngx_procmgr_t        *pm;
    ngx_http_request_t   *request;
    ngx_procmgr_crypt_t  *crypt;
    int64_t               account;
    uint64_t              sent;
    ngx_uint_t            wait;         /* s until the next attempt */
    ngx_str_t             who;          /* the name, as the delays know it */
    char                 *name;         /* the same for statements */
    char                 *remote;
    char                 *agent;
    u_char                token[NGX_HTTP_PROCMGR_SECRET_LEN];
    unsigned              disabled:1;
    unsigned              known:1;
    unsigned              source:1;     /* entered, as the delays count */
    unsigned              named:1;
} ngx_http_procmgr_login_t;


static ngx_int_t ngx_http_procmgr_login_begin(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_member_t *members,
    ngx_http_procmgr_purpose_e purpose);
static ngx_int_t ngx_http_procmgr_login_account(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_login_hash(ngx_http_request_t *r,
    ngx_http_procmgr_login_t *login, ngx_str_t *password, const char *hash,
    ngx_procmgr_crypt_pt handler);
static ngx_int_t ngx_http_procmgr_login_right(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_login_compared(void *data, ngx_int_t rc,
    const char *hash);
static ngx_int_t ngx_http_procmgr_login_failed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_login_logged(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_login_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_login_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static void ngx_http_procmgr_password_made(void *data, ngx_int_t rc,
    const char *hash);
static ngx_int_t ngx_http_procmgr_password_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_reauth_write(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_reauth_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static void ngx_http_procmgr_login_keep(ngx_http_procmgr_ctx_t *ctx,
    ngx_procmgr_sess_t *sess, uint64_t sent);
static void ngx_http_procmgr_login_gone(void *data);
static void ngx_http_procmgr_login_leave(ngx_http_procmgr_login_t *login);
static ngx_int_t ngx_http_procmgr_throttle(ngx_http_request_t *r,
    ngx_http_procmgr_login_t *login);
static ngx_int_t ngx_http_procmgr_throttled(ngx_http_request_t *r);
static ngx_int_t ngx_http_procmgr_secret(
    u_char buf[NGX_HTTP_PROCMGR_SECRET_LEN]);


static const ngx_http_procmgr_member_t  ngx_http_procmgr_login_members[] = {

    { "username", 's', 0, offsetof(ngx_http_procmgr_login_t, user),
      1, NGX_HTTP_PROCMGR_USER_MAX },

    { "password", 's', 0, offsetof(ngx_http_procmgr_login_t, password),
      1, NGX_PROCMGR_PASSWORD_MAX },

    { NULL, 0, 0, 0, 0, 0 }
};


static const ngx_http_procmgr_member_t  ngx_http_procmgr_password_members[] = {

    { "old", 's', 0, offsetof(ngx_http_procmgr_login_t, password),
      1, NGX_PROCMGR_PASSWORD_MAX },

    { "new", 's', 0, offsetof(ngx_http_procmgr_login_t, fresh),
      NGX_HTTP_PROCMGR_PASSWORD_MIN, NGX_PROCMGR_PASSWORD_MAX },

    { NULL, 0, 0, 0, 0, 0 }
};


static const ngx_http_procmgr_member_t  ngx_http_procmgr_reauth_members[] = {

    { "password", 's', 0, offsetof(ngx_http_procmgr_login_t, password),
      1, NGX_PROCMGR_PASSWORD_MAX },

    { NULL, 0, 0, 0, 0, 0 }
};


ngx_int_t
ngx_http_procmgr_login(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_login_begin(r, ctx, ngx_http_procmgr_login_members,
                                        NGX_HTTP_PROCMGR_FOR_LOGIN);
}


ngx_int_t
ngx_http_procmgr_password(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_login_begin(r, ctx,
                                        ngx_http_procmgr_password_members,
                                        NGX_HTTP_PROCMGR_FOR_PASSWORD);
}


ngx_int_t
ngx_http_procmgr_reauth(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_login_begin(r, ctx,
                                        ngx_http_procmgr_reauth_members,
                                        NGX_HTTP_PROCMGR_FOR_REAUTH);
}


static ngx_int_t
ngx_http_procmgr_login_begin(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_member_t *members,
    ngx_http_procmgr_purpose_e purpose)
{
    ngx_str_t                 *agent, none;
    const char                *params[1];
    ngx_http_procmgr_login_t  *login;

    login = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_login_t));
    if (login == NULL) {
        return NGX_ERROR;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     login->fresh = { 0, NULL };
     *     login->crypt = NULL;
     *     login->disabled = 0;
     *     login->known = 0;
     */

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_login_gone, login)
        == NULL)
    {
        return NGX_ERROR;
    }

    login->pm = ctx->pm;
    login->request = r;
    login->purpose = purpose;
    ctx->data = login;

    if (ngx_http_procmgr_person(r, ctx) != NGX_OK
        || ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK
        || ngx_http_procmgr_members(r, ctx, members, login) != NGX_OK)
    {
        return ctx->rc;
    }

    if (purpose != NGX_HTTP_PROCMGR_FOR_LOGIN) {
        login->user.data = (u_char *) ctx->sess.user;
        login->user.len = ngx_strlen(ctx->sess.user);
    }

    ngx_str_null(&none);

    agent = ngx_http_procmgr_header_in(r, "user-agent");

    login->name = ngx_http_procmgr_text(r, &login->user,
                                        NGX_HTTP_PROCMGR_USER_MAX);
    login->remote = ngx_http_procmgr_text(r, &r->connection->addr_text, 64);
    login->agent = ngx_http_procmgr_text(r, agent ? agent : &none,
                                         NGX_HTTP_PROCMGR_AGENT_MAX);

    if (login->name == NULL || login->remote == NULL || login->agent == NULL) {
        return NGX_ERROR;
    }

    /* the name as the database gets it: no way to write it differently */

    login->who.data = (u_char *) login->name;
    login->who.len = ngx_strlen(login->name);

    if (ngx_http_procmgr_throttle(r, login) != NGX_OK) {
        ngx_http_procmgr_login_leave(login);
        return ngx_http_procmgr_hold(r, ngx_http_procmgr_throttled);
    }

    params[0] = login->name;

    return ngx_http_procmgr_ask(r, ctx, "SELECT procmgr.account_auth($1)", 1,
                                params, ngx_http_procmgr_login_account);
}


static ngx_int_t
ngx_http_procmgr_throttle(ngx_http_request_t *r,
    ngx_http_procmgr_login_t *login)
{
    login->wait = ngx_procmgr_throttle_enter(login->pm,
                                             NGX_PROCMGR_THROTTLE_SOURCE,
                                             &r->connection->addr_text);
    if (login->wait) {
        return NGX_DECLINED;
    }

    login->source = 1;

    login->wait = ngx_procmgr_throttle_enter(login->pm,
                                             NGX_PROCMGR_THROTTLE_ACCOUNT,
                                             &login->who);
    if (login->wait) {
        return NGX_DECLINED;
    }

    login->named = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_throttled(ngx_http_request_t *r)
{
    u_char                    *p;
    ngx_str_t                  value;
    ngx_http_procmgr_ctx_t    *ctx;
    ngx_http_procmgr_login_t  *login;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);
    login = ctx->data;

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%ui", login->wait) - p;

    if (ngx_http_procmgr_header(r, "Retry-After", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_TOO_MANY_REQUESTS,
                                    "throttled",
                                    "too many failures, try again in %ui s",
                                    login->wait);
}


static ngx_int_t
ngx_http_procmgr_login_account(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    json_t                    *id, *hash;
    const char                *known;
    ngx_http_procmgr_login_t  *login;

    login = ctx->data;
    known = "";

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    id = json_object_get(value, "id");
    hash = json_object_get(value, "hash");

    if (json_is_integer(id) && json_is_string(hash)
        && json_string_length(hash) < NGX_PROCMGR_HASH_LEN)
    {
        login->known = 1;
        login->account = json_integer_value(id);
        login->disabled = !json_is_false(json_object_get(value, "disabled"));
        known = json_string_value(hash);
    }

    return ngx_http_procmgr_login_hash(r, login, &login->password, known,
                                       ngx_http_procmgr_login_compared);
}


static ngx_int_t
ngx_http_procmgr_login_hash(ngx_http_request_t *r,
    ngx_http_procmgr_login_t *login, ngx_str_t *password, const char *hash,
    ngx_procmgr_crypt_pt handler)
{
    ngx_http_procmgr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    login->crypt = ngx_procmgr_crypt(ctx->pm, password, hash, handler, login);

    if (login->crypt) {
        return NGX_AGAIN;
    }

    ngx_http_procmgr_login_leave(login);

    return ngx_http_procmgr_hold(r, ngx_http_procmgr_busy);
}


static void
ngx_http_procmgr_login_compared(void *data, ngx_int_t rc, const char *hash)
{
    ngx_http_procmgr_login_t *login = data;

    ngx_http_request_t      *r;
    ngx_http_procmgr_ctx_t  *ctx;

    r = login->request;
    login->crypt = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    if (rc == NGX_OK && login->known && !login->disabled) {
        rc = ngx_http_procmgr_login_right(r, ctx);

    } else if (rc == NGX_OK || rc == NGX_DECLINED) {
        rc = ngx_http_procmgr_login_failed(r, ctx);

    } else {
        rc = ngx_http_procmgr_busy(r);
    }

    ngx_http_procmgr_finish(r, rc);
}


static ngx_int_t
ngx_http_procmgr_login_right(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_login_t  *login;

    login = ctx->data;

    ngx_procmgr_throttle_reset(ctx->pm, NGX_PROCMGR_THROTTLE_SOURCE,
                               &r->connection->addr_text);
    ngx_procmgr_throttle_reset(ctx->pm, NGX_PROCMGR_THROTTLE_ACCOUNT,
                               &login->who);

    ngx_http_procmgr_login_leave(login);

    switch (login->purpose) {

    case NGX_HTTP_PROCMGR_FOR_LOGIN:
        return ngx_http_procmgr_login_session(r, ctx);

    case NGX_HTTP_PROCMGR_FOR_PASSWORD:
        return ngx_http_procmgr_login_hash(r, login, &login->fresh, NULL,
                                           ngx_http_procmgr_password_made);

    default: /* NGX_HTTP_PROCMGR_FOR_REAUTH */
        return ngx_http_procmgr_reauth_write(r, ctx);
    }
}


static ngx_int_t
ngx_http_procmgr_login_failed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    const char                *params[4];
    ngx_http_procmgr_login_t  *login;

    login = ctx->data;

    ngx_procmgr_throttle_failed(ctx->pm, NGX_PROCMGR_THROTTLE_SOURCE,
                                &r->connection->addr_text);
    ngx_procmgr_throttle_failed(ctx->pm, NGX_PROCMGR_THROTTLE_ACCOUNT,
                                &login->who);

    ngx_http_procmgr_login_leave(login);

    params[0] = login->name;
    params[1] = login->remote;
    params[2] = login->agent;
    params[3] = (const char *) ctx->pm->host.data;

    /* nobody waits for it: the answer's time tells nothing */

    (void) ngx_procmgr_pg_query(ctx->pm,
                                "SELECT procmgr.login_failed($1, $2, $3, $4)",
                                4, params, 0, ngx_http_procmgr_login_logged,
                                NULL);

    if (login->purpose != NGX_HTTP_PROCMGR_FOR_LOGIN) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN,
                                        "wrong_password",
                                        "the password is not right");
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_UNAUTHORIZED, "login_failed",
                                    "the user name or the password is not "
                                    "right");
}


static void
ngx_http_procmgr_login_logged(void *data, ngx_procmgr_pg_result_t *res)
{
    if (res->ended != NGX_PROCMGR_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "procmgr: a failed login could not be recorded");
    }
}


static ngx_int_t
ngx_http_procmgr_login_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char                           hex[65], account[NGX_INT64_LEN + 1],
                                   idle[NGX_INT64_LEN + 1],
                                   absolute[NGX_INT64_LEN + 1];
    u_char                         csrf[NGX_HTTP_PROCMGR_SECRET_LEN];
    const char                    *params[8];
    pm_sha256_t                    sha;
    ngx_http_procmgr_login_t      *login;
    ngx_http_procmgr_main_conf_t  *pmcf;

    login = ctx->data;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    if (ngx_http_procmgr_secret(login->token) != NGX_OK
        || ngx_http_procmgr_secret(csrf) != NGX_OK)
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "system_call_failed",
                                        "getrandom() failed");
    }

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, login->token, ngx_strlen(login->token));
    pm_sha256_final(&sha, ctx->key);

    pm_hex(hex, ctx->key, sizeof(ctx->key));

    (void) ngx_sprintf((u_char *) account, "%L%Z", login->account);
    (void) ngx_sprintf((u_char *) idle, "%T%Z", pmcf->idle);
    (void) ngx_sprintf((u_char *) absolute, "%T%Z", pmcf->absolute);

    params[0] = account;
    params[1] = hex;
    params[2] = (const char *) csrf;
    params[3] = idle;
    params[4] = absolute;
    params[5] = login->remote;
    params[6] = login->agent;
    params[7] = (const char *) ctx->pm->host.data;

    login->sent = ngx_procmgr_boottime();

    return ngx_http_procmgr_ask(r, ctx,
               NGX_HTTP_PROCMGR_SQL_SESSION("session_create($1::bigint, $2, "
                                            "$3, $4::int, $5::int, $6, $7, "
                                            "$8)"),
               8, params, ngx_http_procmgr_login_done);
}


static ngx_int_t
ngx_http_procmgr_login_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_str_t                  token;
    ngx_procmgr_sess_t         sess;
    ngx_http_procmgr_login_t  *login;

    login = ctx->data;

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    ngx_memzero(&sess, sizeof(ngx_procmgr_sess_t));

    if (ngx_http_procmgr_sess_parse(value, &sess) != NGX_OK) {

        /* the account was disabled or deleted meanwhile */

        return ngx_http_procmgr_login_failed(r, ctx);
    }

    ngx_http_procmgr_login_keep(ctx, &sess, login->sent);

    token.data = login->token;
    token.len = ngx_strlen(login->token);

    if (ngx_http_procmgr_set_cookie(r, ctx, &token) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_explicit_memzero(login->token, sizeof(login->token));

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK,
                                      ngx_http_procmgr_session_json(r, &sess));
}


static void
ngx_http_procmgr_login_keep(ngx_http_procmgr_ctx_t *ctx,
    ngx_procmgr_sess_t *sess, uint64_t sent)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    ngx_memcpy(sess->key, ctx->key, sizeof(sess->key));
    sess->checked = sent;
    sess->used = ngx_procmgr_boottime();
    sess->touched = (int64_t) tp->sec * 1000 + tp->msec;

    ngx_procmgr_sess_put(ctx->pm, sess);
}


static void
ngx_http_procmgr_password_made(void *data, ngx_int_t rc, const char *hash)
{
    ngx_http_procmgr_login_t *login = data;

    char                     account[NGX_INT64_LEN + 1];
    const char              *params[3];
    ngx_http_request_t      *r;
    ngx_http_procmgr_ctx_t  *ctx;

    r = login->request;
    login->crypt = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    if (rc != NGX_OK) {
        ngx_http_procmgr_finish(r, ngx_http_procmgr_busy(r));
        return;
    }

    (void) ngx_sprintf((u_char *) account, "%L%Z", login->account);

    params[0] = account;
    params[1] = hash;
    params[2] = ctx->sess.id;

    rc = ngx_http_procmgr_ask(r, ctx,
                              "SELECT procmgr.account_password($1::bigint, "
                              "$2, $3::uuid)",
                              3, params, ngx_http_procmgr_password_done);

    ngx_http_procmgr_finish(r, rc);
}


static ngx_int_t
ngx_http_procmgr_password_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    ngx_procmgr_sess_drop_account(ctx->pm, ctx->sess.account, ctx->sess.id);

    return ngx_http_procmgr_send_empty(r);
}


static ngx_int_t
ngx_http_procmgr_reauth_write(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char                           hex[65], idle[NGX_INT64_LEN + 1];
    const char                    *params[2];
    ngx_http_procmgr_login_t      *login;
    ngx_http_procmgr_main_conf_t  *pmcf;

    login = ctx->data;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    pm_hex(hex, ctx->key, sizeof(ctx->key));
    (void) ngx_sprintf((u_char *) idle, "%T%Z", pmcf->idle);

    params[0] = hex;
    params[1] = idle;

    login->sent = ngx_procmgr_boottime();

    return ngx_http_procmgr_ask(r, ctx,
               NGX_HTTP_PROCMGR_SQL_SESSION("session_reauth($1, $2::int)"),
               2, params, ngx_http_procmgr_reauth_done);
}


static ngx_int_t
ngx_http_procmgr_reauth_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_procmgr_sess_t         sess;
    ngx_http_procmgr_login_t  *login;

    login = ctx->data;

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    ngx_memzero(&sess, sizeof(ngx_procmgr_sess_t));

    if (ngx_http_procmgr_sess_parse(value, &sess) != NGX_OK) {
        ngx_procmgr_sess_drop(ctx->pm, ctx->key);
        return ngx_http_procmgr_problem(r, NGX_HTTP_UNAUTHORIZED, "no_session",
                                        "the session has ended");
    }

    ngx_http_procmgr_login_keep(ctx, &sess, login->sent);

    return ngx_http_procmgr_send_empty(r);
}


static void
ngx_http_procmgr_login_gone(void *data)
{
    ngx_http_procmgr_login_t *login = data;

    if (login->crypt) {
        ngx_procmgr_crypt_forget(login->crypt);
        login->crypt = NULL;
    }

    ngx_http_procmgr_login_leave(login);

    ngx_explicit_memzero(login->token, sizeof(login->token));
}


/*
 * The attempt is over when its answer is known: the request may live on while
 * nginx lingers at its connection, and would count against the next one.
 */

static void
ngx_http_procmgr_login_leave(ngx_http_procmgr_login_t *login)
{
    if (login->source) {
        login->source = 0;
        ngx_procmgr_throttle_leave(login->pm, NGX_PROCMGR_THROTTLE_SOURCE,
                                   &login->request->connection->addr_text);
    }

    if (login->named) {
        login->named = 0;
        ngx_procmgr_throttle_leave(login->pm, NGX_PROCMGR_THROTTLE_ACCOUNT,
                                   &login->who);
    }
}


static ngx_int_t
ngx_http_procmgr_secret(u_char buf[NGX_HTTP_PROCMGR_SECRET_LEN])
{
    u_char     random[32];
    ngx_str_t  src, dst;

    if (ngx_procmgr_random(random, sizeof(random)) != NGX_OK) {
        return NGX_ERROR;
    }

    src.data = random;
    src.len = sizeof(random);

    dst.data = buf;

    ngx_encode_base64url(&dst, &src);

    buf[dst.len] = '\0';

    ngx_explicit_memzero(random, sizeof(random));

    return NGX_OK;
}
