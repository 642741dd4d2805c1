
/*
 * The session family: the sessions of an account, and their end.
 */


#include "ngx_http_procmgr.h"
#include "../policy/pm_sha256.h"


static ngx_int_t ngx_http_procmgr_session_get(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_session_end(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_session_ended(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_session_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_session_listed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_session_end_id(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_session_ended_id(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);


ngx_http_procmgr_route_t  ngx_http_procmgr_session_routes[] = {

    { NGX_HTTP_POST, "", NGX_PROCMGR_ROLE_NONE,
      NGX_HTTP_PROCMGR_ANON|NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_NOCSRF,
      ngx_http_procmgr_login },

    { NGX_HTTP_GET, "", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_session_get },

    { NGX_HTTP_DELETE, "", NGX_PROCMGR_ROLE_VIEWER, NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_session_end },

    { NGX_HTTP_GET, "list", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_session_list },

    { NGX_HTTP_POST, "password", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_password },

    { NGX_HTTP_POST, "reauth", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_reauth },

    { NGX_HTTP_GET, "accounts", NGX_PROCMGR_ROLE_ADMIN, 0,
      ngx_http_procmgr_account_list },

    { NGX_HTTP_POST, "accounts", NGX_PROCMGR_ROLE_ADMIN,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_account_add },

    { NGX_HTTP_GET, "accounts/{word}", NGX_PROCMGR_ROLE_ADMIN, 0,
      ngx_http_procmgr_account_get },

    { NGX_HTTP_PATCH, "accounts/{word}", NGX_PROCMGR_ROLE_ADMIN,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_account_change },

    { NGX_HTTP_DELETE, "accounts/{word}", NGX_PROCMGR_ROLE_ADMIN,
      NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_account_delete },

    { NGX_HTTP_DELETE, "{id}", NGX_PROCMGR_ROLE_VIEWER, NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_session_end_id },

    { 0, NULL, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_session_get(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK,
                                      ngx_http_procmgr_session_json(r,
                                                                &ctx->sess));
}


json_t *
ngx_http_procmgr_session_json(ngx_http_request_t *r, ngx_procmgr_sess_t *s)
{
    char                           expires[sizeof("2026-01-01T00:00:00.000Z")];
    time_t                         sec;
    struct tm                      tm;
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    sec = s->expires / 1000;

    ngx_memzero(&tm, sizeof(struct tm));
    (void) gmtime_r(&sec, &tm);

    (void) ngx_snprintf((u_char *) expires, sizeof(expires),
                        "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ%Z",
                        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                        tm.tm_hour, tm.tm_min, tm.tm_sec,
                        (int) (s->expires % 1000));

    expires[sizeof(expires) - 1] = '\0';

    return json_pack("{s:s, s:s, s:s?, s:s, s:I}",
                     "user", s->user,
                     "role", ngx_http_procmgr_role_name(s->role),
                     "csrf", s->bearer ? NULL : s->csrf,
                     "expires", expires,
                     "idle_seconds", (json_int_t) pmcf->idle);
}


static ngx_int_t
ngx_http_procmgr_session_end(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char         hex[65];
    const char  *params[1];

    if (ngx_http_procmgr_person(r, ctx) != NGX_OK
        || ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK)
    {
        return ctx->rc;
    }

    pm_hex(hex, ctx->key, sizeof(ctx->key));

    params[0] = hex;

    return ngx_http_procmgr_ask(r, ctx, "SELECT procmgr.session_end($1)", 1,
                                params, ngx_http_procmgr_session_ended);
}


static ngx_int_t
ngx_http_procmgr_session_ended(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_str_t  none;

    /* it may have ended even if nobody says so */

    ngx_procmgr_sess_drop(ctx->pm, ctx->key);

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    ngx_str_null(&none);

    if (ngx_http_procmgr_set_cookie(r, ctx, &none) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_send_empty(r);
}


static ngx_int_t
ngx_http_procmgr_session_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char         account[NGX_INT64_LEN + 1];
    const char  *params[2];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    (void) ngx_sprintf((u_char *) account, "%L%Z", ctx->sess.account);

    params[0] = account;
    params[1] = (ctx->role == NGX_PROCMGR_ROLE_ADMIN) ? "true" : "false";

    return ngx_http_procmgr_ask(r, ctx,
                                "SELECT procmgr.session_list($1::bigint, "
                                "$2::bool)",
                                2, params, ngx_http_procmgr_session_listed);
}


static ngx_int_t
ngx_http_procmgr_session_listed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    size_t   i;
    json_t  *row, *id;

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    if (!json_is_array(value)) {
        return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_array());
    }

    json_array_foreach(value, i, row) {
        id = json_object_get(row, "id");

        (void) json_object_set_new(row, "current",
                           json_boolean(json_is_string(id)
                                        && ngx_strcmp(json_string_value(id),
                                                      ctx->sess.id)
                                           == 0));
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_incref(value));
}


static ngx_int_t
ngx_http_procmgr_session_end_id(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char         id[37], account[NGX_INT64_LEN + 1];
    const char  *params[3];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    (void) ngx_cpystrn((u_char *) id, ctx->seg[0].data, sizeof(id));
    (void) ngx_sprintf((u_char *) account, "%L%Z", ctx->sess.account);

    params[0] = id;
    params[1] = account;
    params[2] = (ctx->role == NGX_PROCMGR_ROLE_ADMIN) ? "true" : "false";

    return ngx_http_procmgr_ask(r, ctx,
                                "SELECT procmgr.session_end_id($1::uuid, "
                                "$2::bigint, $3::bool)",
                                3, params, ngx_http_procmgr_session_ended_id);
}


static ngx_int_t
ngx_http_procmgr_session_ended_id(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    u_char  id[37];

    if (res->ended != NGX_PROCMGR_PG_OK) {
        return ngx_http_procmgr_db_away(r);
    }

    if (!json_is_true(json_object_get(value, "ended"))) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no session \"%V\"",
                                        &ctx->seg[0]);
    }

    ngx_strlow(id, ctx->seg[0].data, 36);
    id[36] = '\0';

    ngx_procmgr_sess_drop_id(ctx->pm, (const char *) id);

    return ngx_http_procmgr_send_empty(r);
}
