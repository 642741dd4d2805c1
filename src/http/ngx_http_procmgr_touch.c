
/* A session that is in use: what is written of it, and whether it holds */


#include "ngx_http_procmgr.h"
#include "ngx_http_procmgr_sql.h"
#include "../policy/pm_sha256.h"


#define NGX_HTTP_PROCMGR_TOUCH  60000           /* ms */
#define NGX_HTTP_PROCMGR_DOUBT  900             /* ms */


typedef struct {                        /* a last_seen on its way */
    ngx_procmgr_t        *pm;
    u_char                key[32];
    int64_t               touched;
    uint64_t              sent;
    ngx_uint_t            bearer;
} ngx_http_procmgr_toucher_t;


static void ngx_http_procmgr_touched(void *data,
    ngx_procmgr_pg_result_t *res);


/* a short idle time is kept alive more often */

void
ngx_http_procmgr_touch(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_uint_t now_too)
{
    char                           hex[65], idle[NGX_INT64_LEN + 1];
    int64_t                        now, every;
    const char                    *params[2];
    ngx_http_procmgr_toucher_t    *t;
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    now = ngx_http_procmgr_sess_now(&ctx->sess);
    every = ngx_min(NGX_HTTP_PROCMGR_TOUCH, (int64_t) pmcf->idle * 250);

    if (ngx_procmgr_epoch_failed(ctx->pm)) {
        return;
    }

    if (!now_too
        && ((now - ctx->sess.touched < every && now >= ctx->sess.touched)
            || ngx_procmgr_sess_touch(ctx->pm, ctx->key, now, every)
               != NGX_OK))
    {
        return;
    }

    t = ngx_alloc(sizeof(ngx_http_procmgr_toucher_t), ngx_cycle->log);
    if (t == NULL) {
        return;
    }

    t->pm = ctx->pm;
    t->bearer = ctx->bearer;
    t->touched = now;
    t->sent = ngx_procmgr_boottime();
    ngx_memcpy(t->key, ctx->key, sizeof(t->key));

    pm_hex(hex, ctx->key, sizeof(ctx->key));
    (void) ngx_sprintf((u_char *) idle, "%T%Z", pmcf->idle);

    params[0] = hex;
    params[1] = idle;

    if (ngx_procmgr_pg_query(ctx->pm,
                 t->bearer
                 ? NGX_HTTP_PROCMGR_SQL_SESSION("token_touch($1)")
                 : NGX_HTTP_PROCMGR_SQL_SESSION("session_touch($1, $2::int)"),
                             t->bearer ? 1 : 2, params, 0,
                             ngx_http_procmgr_touched, t)
        == NULL)
    {
        ngx_free(t);
    }
}


static void
ngx_http_procmgr_touched(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_toucher_t *t = data;

    json_t              *value;
    ngx_str_t            text;
    ngx_procmgr_sess_t   sess;

    if (res->ended != NGX_PROCMGR_PG_OK || res->nrows != 1) {
        ngx_free(t);
        return;
    }

    text = ngx_procmgr_pg_value(res, 0, 0);

    value = text.data ? json_loadb((char *) text.data, text.len, 0, NULL)
                      : NULL;

    ngx_memzero(&sess, sizeof(ngx_procmgr_sess_t));

    if (value == NULL || ngx_http_procmgr_sess_parse(value, &sess) != NGX_OK) {
        ngx_procmgr_sess_drop(t->pm, t->key);

    } else {
        ngx_memcpy(sess.key, t->key, sizeof(sess.key));
        sess.touched = t->touched;
        sess.bearer = t->bearer;
        sess.checked = t->sent;
        sess.used = ngx_procmgr_boottime();

        ngx_procmgr_sess_put(t->pm, &sess);
    }

    json_decref(value);
    ngx_free(t);
}


/*
 * Of an answer that goes on, by what the zone knows, so that it can be asked
 * often.  Some session was ended: the database tells whether it is this one,
 * and has some time for it.
 */

ngx_int_t
ngx_http_procmgr_session_holds(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    uint64_t                      age, now;
    ngx_int_t                     rc;
    ngx_procmgr_sess_t            sess;
    ngx_http_procmgr_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_procmgr_module);

    if (!plcf->auth) {
        return NGX_OK;
    }

    rc = ngx_procmgr_sess_get(ctx->pm, ctx->key, &sess, &ctx->vouched);

    if (rc == NGX_DECLINED
        || ngx_http_procmgr_expired(&sess)
        || sess.role != ctx->role)
    {
        return NGX_DECLINED;
    }

    ctx->sess = sess;
    now = ngx_procmgr_boottime();

    if (rc == NGX_AGAIN) {

        if (ctx->doubted == 0) {
            ctx->doubted = now;
            ngx_http_procmgr_touch(r, ctx, 1);
        }

        return (now - ctx->doubted < NGX_HTTP_PROCMGR_DOUBT) ? NGX_OK
                                                             : NGX_DECLINED;
    }

    ctx->doubted = 0;

    age = now - ctx->vouched;

    if (age >= NGX_PROCMGR_SESS_AHEAD) {
        ngx_procmgr_epoch_ask(ctx->pm, NULL);
    }

    if (age > (ngx_procmgr_epoch_failed(ctx->pm)
               ? NGX_PROCMGR_SESS_AWAY : 3 * NGX_PROCMGR_SESS_FRESH))
    {
        return NGX_DECLINED;
    }

    ngx_http_procmgr_touch(r, ctx, 0);

    return NGX_OK;
}
