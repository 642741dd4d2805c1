
/*
 * The badge: the number of unread rows.  Everybody polls it, so one worker
 * asks for it once a second at most, however many do.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_event.h"


#define NGX_HTTP_PROCMGR_UNREAD_AGE  1000       /* ms */


typedef struct {                            /* of this worker */
    ngx_queue_t           waiting;
    json_int_t            value;
    uint64_t              made;             /* boottime ms, 0: out of date */
    unsigned              asking:1;
    unsigned              changed:1;        /* since it was asked */
} ngx_http_procmgr_unread_t;


typedef struct {                            /* a request that waits for it */
    ngx_queue_t           queue;
    ngx_http_request_t   *r;
    ngx_pool_cleanup_t   *cln;
} ngx_http_procmgr_unread_wait_t;


static void ngx_http_procmgr_unread_gone(void *data);
static void ngx_http_procmgr_unread_done(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_unread_send(ngx_http_request_t *r,
    json_int_t value);


/* reset by ngx_http_procmgr_log_init() */
static ngx_http_procmgr_unread_t  ngx_http_procmgr_unread;


void
ngx_http_procmgr_log_init(void)
{
    ngx_memzero(&ngx_http_procmgr_unread, sizeof(ngx_http_procmgr_unread_t));
    ngx_queue_init(&ngx_http_procmgr_unread.waiting);
}


void
ngx_http_procmgr_log_changed(void)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    ngx_http_procmgr_unread.made = 0;
    ngx_http_procmgr_unread.changed = 1;

    /* pages may listen to any worker */

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_procmgr_module);

    ngx_procmgr_event_log_changed(&pmcf->pm);
}


ngx_int_t
ngx_http_procmgr_log_unread(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_unread_t       *u;
    ngx_http_procmgr_unread_wait_t  *w;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    u = &ngx_http_procmgr_unread;

    if (u->made && ngx_procmgr_boottime() - u->made
                   < NGX_HTTP_PROCMGR_UNREAD_AGE)
    {
        return ngx_http_procmgr_unread_send(r, u->value);
    }

    if (ctx->pm->pg == NULL) {
        return ngx_http_procmgr_db_away(r);
    }

    w = ngx_palloc(r->pool, sizeof(ngx_http_procmgr_unread_wait_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->r = r;
    w->cln = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_unread_gone, w);

    if (w->cln == NULL) {
        return NGX_ERROR;
    }

    if (!u->asking) {

        if (ngx_procmgr_pg_query(ctx->pm, NGX_HTTP_PROCMGR_SQL_LOG_UNREAD, 0,
                                 NULL, 0, ngx_http_procmgr_unread_done, u)
            == NULL)
        {
            w->cln->handler = NULL;
            return NGX_ERROR;
        }

        u->asking = 1;
        u->changed = 0;
    }

    ngx_queue_insert_tail(&u->waiting, &w->queue);

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_unread_gone(void *data)
{
    ngx_http_procmgr_unread_wait_t *w = data;

    ngx_queue_remove(&w->queue);
}


static void
ngx_http_procmgr_unread_done(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_unread_t *u = data;

    json_t                          *json, *value;
    json_int_t                       n;
    ngx_queue_t                     *q;
    ngx_http_procmgr_unread_wait_t  *w;

    json = ngx_http_procmgr_pg_json(res);
    value = json_object_get(json, "unread");

    n = json_is_integer(value) ? json_integer_value(value) : -1;

    json_decref(json);

    u->asking = 0;

    if (n >= 0 && !u->changed) {
        u->value = n;
        u->made = ngx_procmgr_boottime();
    }

    /* a request that is answered may bring others to their end */

    while (!ngx_queue_empty(&u->waiting)) {

        q = ngx_queue_head(&u->waiting);
        w = ngx_queue_data(q, ngx_http_procmgr_unread_wait_t, queue);

        ngx_queue_remove(q);
        w->cln->handler = NULL;

        ngx_http_procmgr_finish(w->r, n >= 0
                                      ? ngx_http_procmgr_unread_send(w->r, n)
                                      : ngx_http_procmgr_db_away(w->r));
    }
}


static ngx_int_t
ngx_http_procmgr_unread_send(ngx_http_request_t *r, json_int_t value)
{
    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK,
                                      json_pack("{s:I}", "unread", value));
}
