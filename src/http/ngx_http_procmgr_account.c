
/*
 * Accounts, for admins: /session/accounts.  A password that comes is hashed
 * in a thread first; the database keeps and tells its hash to nobody.
 */


#include "ngx_http_procmgr_op.h"
#include "../core/ngx_procmgr_crypt.h"


#define NGX_HTTP_PROCMGR_SERVICES_MAX  256


typedef struct {
    ngx_str_t             name;         /* members of the body */
    ngx_str_t             role;
    ngx_str_t             password;
    ngx_flag_t            disabled;

    ngx_http_request_t   *request;
    ngx_procmgr_crypt_t  *crypt;
    json_t               *changes;
    char                 *who;          /* the name, for statements */
    unsigned              add:1;
} ngx_http_procmgr_account_t;


static ngx_http_procmgr_account_t *ngx_http_procmgr_account(
    ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_account_body(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    const ngx_http_procmgr_member_t *members);
static ngx_int_t ngx_http_procmgr_account_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    json_t *services);
static ngx_int_t ngx_http_procmgr_account_write(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a);
static void ngx_http_procmgr_account_hashed(void *data, ngx_int_t rc,
    const char *hash);
static ngx_int_t ngx_http_procmgr_account_send(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    const char *hash);
static ngx_int_t ngx_http_procmgr_account_said(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_account_shown(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static void ngx_http_procmgr_account_gone(void *data);


#define ngx_http_procmgr_account_at(member)                                   \
    offsetof(ngx_http_procmgr_account_t, member)

static const ngx_http_procmgr_member_t  ngx_http_procmgr_account_new[] = {

    { "name", 's', 0, ngx_http_procmgr_account_at(name), 1, 64 },

    { "role", 's', 0, ngx_http_procmgr_account_at(role), 1, 16 },

    { "password", 's', 0, ngx_http_procmgr_account_at(password),
      NGX_HTTP_PROCMGR_PASSWORD_MIN, NGX_PROCMGR_PASSWORD_MAX },

    { NULL, 0, 0, 0, 0, 0 }
};


static const ngx_http_procmgr_member_t  ngx_http_procmgr_account_changes[] = {

    { "role", 's', 1, ngx_http_procmgr_account_at(role), 1, 16 },

    { "password", 's', 1, ngx_http_procmgr_account_at(password),
      NGX_HTTP_PROCMGR_PASSWORD_MIN, NGX_PROCMGR_PASSWORD_MAX },

    { "disabled", 'b', 1, ngx_http_procmgr_account_at(disabled), 0, 0 },

    { NULL, 0, 0, 0, 0, 0 }
};


ngx_int_t
ngx_http_procmgr_account_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_procmgr_ask(r, ctx, "SELECT procmgr.account_list()", 0,
                                NULL, ngx_http_procmgr_account_shown);
}


ngx_int_t
ngx_http_procmgr_account_get(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    const char                  *params[1];
    ngx_http_procmgr_account_t  *a;

    a = ngx_http_procmgr_account(r, ctx);

    if (a == NULL) {
        return ctx->rc;
    }

    params[0] = a->who;

    return ngx_http_procmgr_ask(r, ctx, "SELECT procmgr.account_get($1)", 1,
                                params, ngx_http_procmgr_account_shown);
}


static ngx_int_t
ngx_http_procmgr_account_shown(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    if (value == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no account \"%V\"",
                                        &ctx->seg[0]);
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_incref(value));
}


ngx_int_t
ngx_http_procmgr_account_add(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char                       ch;
    size_t                       i;
    ngx_http_procmgr_account_t  *a;

    a = ngx_http_procmgr_account(r, ctx);

    if (a == NULL
        || ngx_http_procmgr_account_body(r, ctx, a,
                                         ngx_http_procmgr_account_new)
           != NGX_OK)
    {
        return ctx->rc;
    }

    for (i = 0; i < a->name.len; i++) {
        ch = a->name.data[i];

        if (ch <= ' ' || ch == 0x7f || ch == '/') {
            break;
        }
    }

    if (i < a->name.len
        || (a->name.len >= 6
            && ngx_strncmp(a->name.data, "token:", 6) == 0))
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter",
                                        "name is \"%V\", which has spaces, "
                                        "slashes or control characters, or "
                                        "begins with \"token:\"", &a->name);
    }

    a->add = 1;
    a->who = ngx_http_procmgr_text(r, &a->name, 64);

    if (a->who == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_account_write(r, ctx, a);
}


ngx_int_t
ngx_http_procmgr_account_change(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_account_t  *a;

    a = ngx_http_procmgr_account(r, ctx);

    if (a == NULL
        || ngx_http_procmgr_account_body(r, ctx, a,
                                         ngx_http_procmgr_account_changes)
           != NGX_OK)
    {
        return ctx->rc;
    }

    if (a->disabled != NGX_CONF_UNSET) {
        (void) json_object_set_new(a->changes, "disabled",
                                   json_boolean(a->disabled));
    }

    if (json_object_size(a->changes) == 0 && a->password.len == 0) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter", "one of role, "
                                        "disabled, services and password is "
                                        "needed");
    }

    return ngx_http_procmgr_account_write(r, ctx, a);
}


ngx_int_t
ngx_http_procmgr_account_delete(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    const char                  *params[5];
    ngx_http_procmgr_account_t  *a;

    a = ngx_http_procmgr_account(r, ctx);

    if (a == NULL) {
        return ctx->rc;
    }

    params[0] = a->who;
    params[1] = ctx->sess.user;
    params[2] = ngx_http_procmgr_role_name(ctx->role);
    params[3] = ngx_http_procmgr_text(r, &r->connection->addr_text, 64);
    params[4] = (const char *) ctx->pm->host.data;

    if (params[3] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_ask(r, ctx, "SELECT procmgr.account_delete($1, "
                                "true, $2, $3, $4, $5)", 5, params,
                                ngx_http_procmgr_account_said);
}


/* NULL: it was answered, ctx->rc tells */

static ngx_http_procmgr_account_t *
ngx_http_procmgr_account(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_account_t  *a;

    ctx->rc = NGX_ERROR;

    a = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_account_t));
    if (a == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     a->role = { 0, NULL };
     *     a->password = { 0, NULL };
     *     a->crypt = NULL;
     *     a->add = 0;
     */

    a->request = r;
    a->disabled = NGX_CONF_UNSET;
    a->changes = json_object();
    a->who = ngx_http_procmgr_text(r, &ctx->seg[0], 64);

    ctx->data = a;

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_account_gone, a) == NULL)
    {
        json_decref(a->changes);
        return NULL;
    }

    if (a->changes == NULL || a->who == NULL
        || ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK)
    {
        return NULL;
    }

    return a;
}


static ngx_int_t
ngx_http_procmgr_account_body(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    const ngx_http_procmgr_member_t *members)
{
    json_t     *services;
    ngx_int_t   rc;

    services = json_incref(json_object_get(ctx->body, "services"));

    if (services) {
        (void) json_object_del(ctx->body, "services");
        rc = ngx_http_procmgr_account_services(r, ctx, a, services);
        json_decref(services);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ngx_http_procmgr_members(r, ctx, members, a) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (a->role.len == 0) {
        return NGX_OK;
    }

    if (ngx_strlchr(a->role.data, a->role.data + a->role.len, '\0')
        || json_object_set_new(a->changes, "role",
                               json_stringn((char *) a->role.data,
                                            a->role.len))
           != 0
        || ngx_http_procmgr_role(json_string_value(
                                     json_object_get(a->changes, "role")))
           == NGX_PROCMGR_ROLE_NONE)
    {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "role is \"%V\", not one of "
                                           "viewer, operator, admin",
                                           &a->role);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* names as the policy has them; that each is in it is not asked here */

static ngx_int_t
ngx_http_procmgr_account_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    json_t *services)
{
    size_t       i, len;
    json_t      *service;
    const char  *name;

    if (!json_is_array(services)
        || json_array_size(services) > NGX_HTTP_PROCMGR_SERVICES_MAX)
    {
        goto bad;
    }

    json_array_foreach(services, i, service) {
        name = json_string_value(service);
        len = json_string_length(service);

        if (name == NULL || len == 0 || len > 128 || name[0] == '-'
            || strspn(name, "abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._:-")
               != len)
        {
            goto bad;
        }
    }

    if (json_object_set(a->changes, "services", services) != 0) {
        ctx->rc = NGX_ERROR;
        return NGX_DECLINED;
    }

    return NGX_OK;

bad:

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                       "bad_parameter",
                                       "services must be an array of at most "
                                       "%d names of services",
                                       NGX_HTTP_PROCMGR_SERVICES_MAX);
    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_procmgr_account_write(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a)
{
    if (a->password.len == 0) {
        return ngx_http_procmgr_account_send(r, ctx, a, NULL);
    }

    a->crypt = ngx_procmgr_crypt(ctx->pm, &a->password, NULL,
                                 ngx_http_procmgr_account_hashed, a);

    return a->crypt ? NGX_AGAIN : ngx_http_procmgr_busy(r);
}


static void
ngx_http_procmgr_account_hashed(void *data, ngx_int_t rc, const char *hash)
{
    ngx_http_procmgr_account_t *a = data;

    ngx_http_request_t      *r;
    ngx_http_procmgr_ctx_t  *ctx;

    r = a->request;
    a->crypt = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    rc = (rc == NGX_OK) ? ngx_http_procmgr_account_send(r, ctx, a, hash)
                        : ngx_http_procmgr_busy(r);

    ngx_http_procmgr_finish(r, rc);
}


static ngx_int_t
ngx_http_procmgr_account_send(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_account_t *a,
    const char *hash)
{
    char        *text;
    ngx_int_t    rc;
    const char  *params[7];

    if (hash && json_object_set_new(a->changes, "hash", json_string(hash))
                != 0)
    {
        return NGX_ERROR;
    }

    text = json_dumps(a->changes, JSON_COMPACT);

    if (text == NULL) {
        return NGX_ERROR;
    }

    params[0] = a->who;
    params[1] = text;
    params[2] = ctx->sess.user;
    params[3] = ngx_http_procmgr_role_name(ctx->role);
    params[4] = ngx_http_procmgr_text(r, &r->connection->addr_text, 64);
    params[5] = (const char *) ctx->pm->host.data;

    if (params[4] == NULL) {
        rc = NGX_ERROR;

    } else if (a->add) {
        rc = ngx_http_procmgr_ask(r, ctx,
                 "SELECT procmgr.account_new($1, $2::jsonb->>'role', "
                 "$2::jsonb->>'hash', $2::jsonb->'services', $3, $4, $5, $6)",
                 6, params, ngx_http_procmgr_account_said);

    } else {
        rc = ngx_http_procmgr_ask(r, ctx,
                 "SELECT procmgr.account_change($1, $2::jsonb, true, $3, $4, "
                 "$5, $6)",
                 6, params, ngx_http_procmgr_account_said);
    }

    ngx_explicit_memzero(text, ngx_strlen(text));
    free(text);

    return rc;
}


static ngx_int_t
ngx_http_procmgr_account_said(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    json_t                      *account;
    const char                  *status;
    ngx_http_procmgr_account_t  *a;

    a = ctx->data;

    status = json_string_value(json_object_get(value, "status"));

    if (res->ended != NGX_PROCMGR_PG_OK || status == NULL) {
        return ngx_http_procmgr_db_away(r);
    }

    if (ngx_strcmp(status, "exists") == 0) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_CONFLICT,
                                        "already_exists",
                                        "there is an account \"%s\" already",
                                        a->who);
    }

    if (ngx_strcmp(status, "missing") == 0) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no account \"%s\"", a->who);
    }

    if (ngx_strcmp(status, "last_admin") == 0) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_CONFLICT, "last_admin",
                                        "nobody would be left who can "
                                        "administer accounts");
    }

    /* sessions in the zone are asked for again: the epoch has grown */

    ngx_http_procmgr_log_changed();

    account = json_object_get(value, "account");

    if (account == NULL) {
        return ngx_http_procmgr_send_empty(r);
    }

    return ngx_http_procmgr_send_json(r, a->add ? NGX_HTTP_CREATED
                                                : NGX_HTTP_OK,
                                      json_incref(account));
}


static void
ngx_http_procmgr_account_gone(void *data)
{
    ngx_http_procmgr_account_t *a = data;

    if (a->crypt) {
        ngx_procmgr_crypt_forget(a->crypt);
        a->crypt = NULL;
    }

    json_decref(a->changes);
    a->changes = NULL;
}
