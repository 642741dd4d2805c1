
/*
 * A request that waits for one row of the database.
 */


#include "ngx_http_procmgr.h"


typedef struct {
    ngx_http_request_t         *request;
    ngx_http_procmgr_asked_pt   handler;
    ngx_procmgr_pg_query_t     *query;
} ngx_http_procmgr_asker_t;


static void ngx_http_procmgr_asked(void *data, ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_ask_gone(void *data);


ngx_int_t
ngx_http_procmgr_ask(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const char *sql, ngx_uint_t nparams, const char *const *params,
    ngx_http_procmgr_asked_pt handler)
{
    ngx_http_procmgr_asker_t  *a;

    a = ngx_palloc(r->pool, sizeof(ngx_http_procmgr_asker_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    a->request = r;
    a->handler = handler;
    a->query = NULL;

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_ask_gone, a) == NULL) {
        return NGX_ERROR;
    }

    a->query = ngx_procmgr_pg_query(ctx->pm, sql, nparams, params, 0,
                                    ngx_http_procmgr_asked, a);
    if (a->query == NULL) {
        return ngx_http_procmgr_db_away(r);
    }

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_asked(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_asker_t *a = data;

    json_t                   *value;
    ngx_int_t                 rc;
    ngx_str_t                 text;
    json_error_t              error;
    ngx_http_request_t       *r;
    ngx_http_procmgr_ctx_t   *ctx;
    ngx_procmgr_pg_result_t   bad;

    r = a->request;
    a->query = NULL;
    value = NULL;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    if (res->ended == NGX_PROCMGR_PG_OK && res->nrows == 1) {

        text = ngx_procmgr_pg_value(res, 0, 0);

        if (text.data) {
            value = json_loadb((char *) text.data, text.len,
                               JSON_DECODE_ANY|JSON_REJECT_DUPLICATES,
                               &error);

            if (value == NULL) {
                ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                              "procmgr: the database answered no JSON: %s",
                              error.text);

                bad = *res;
                bad.ended = NGX_PROCMGR_PG_REFUSED;
                res = &bad;
            }
        }
    }

    rc = a->handler(r, ctx, res, value);

    json_decref(value);

    ngx_http_procmgr_finish(r, rc);
}


static void
ngx_http_procmgr_ask_gone(void *data)
{
    ngx_http_procmgr_asker_t *a = data;

    if (a->query) {
        ngx_procmgr_pg_forget(a->query);
        a->query = NULL;
    }
}


ngx_int_t
ngx_http_procmgr_db_away(ngx_http_request_t *r)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    if (ngx_procmgr_pg_foreign(&pmcf->pm)) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "database_schema",
                                        "the database is of another version "
                                        "than this module");
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "database_unavailable",
                                    "the database does not answer");
}
