
/*
 * The badge: the number of unread rows.  Everybody polls it, so it is asked
 * for once in an interval and host, however many do; with a connection that
 * listens, only when the database says that it changed.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_event.h"
#include "../core/ngx_procmgr_zone.h"


/* when notices come, ms */
#define NGX_HTTP_PROCMGR_UNREAD_AGE  60000


typedef struct {                            /* of this worker */
    ngx_procmgr_t        *pm;
    ngx_queue_t           waiting;
    uint64_t              changes;          /* of the log, when it was asked */
    unsigned              asking:1;
} ngx_http_procmgr_unread_t;


typedef struct {                            /* a request that waits for it */
    ngx_queue_t           queue;
    ngx_http_request_t   *r;
    ngx_pool_cleanup_t   *cln;
} ngx_http_procmgr_unread_wait_t;


static ngx_int_t ngx_http_procmgr_unread_known(ngx_procmgr_t *pm,
    json_int_t *value);
static void ngx_http_procmgr_unread_gone(void *data);
static void ngx_http_procmgr_unread_done(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_unread_send(ngx_http_request_t *r,
    json_int_t value);


/* reset by ngx_http_procmgr_log_init() */
static ngx_http_procmgr_unread_t  ngx_http_procmgr_unread;


void
ngx_http_procmgr_log_init(ngx_procmgr_t *pm)
{
    ngx_memzero(&ngx_http_procmgr_unread, sizeof(ngx_http_procmgr_unread_t));
    ngx_queue_init(&ngx_http_procmgr_unread.waiting);

    ngx_http_procmgr_unread.pm = pm;

    ngx_procmgr_pg_on_notice(pm, ngx_http_procmgr_log_changed);
}


void
ngx_http_procmgr_log_changed(void)
{
    /* pages may listen to any worker, and ask any for the badge */

    ngx_procmgr_event_log_changed(ngx_http_procmgr_unread.pm);
}


/* what any worker of this host learned, while it is not out of date */

static ngx_int_t
ngx_http_procmgr_unread_known(ngx_procmgr_t *pm, json_int_t *value)
{
    uint64_t                 now, age;
    ngx_int_t                rc;
    ngx_procmgr_sess_shm_t  *sh;

    sh = &pm->sh->sess;
    now = ngx_procmgr_boottime();

    age = ngx_procmgr_pg_listening(pm) ? NGX_HTTP_PROCMGR_UNREAD_AGE
                                       : pm->interval;

    ngx_shmtx_lock(&pm->shpool->mutex);

    rc = sh->unread_made != 0
         && now - sh->unread_made < age
         && sh->unread_changes == pm->sh->events.log_changes
         ? NGX_OK : NGX_DECLINED;

    *value = sh->unread;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


ngx_int_t
ngx_http_procmgr_log_unread(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    json_int_t                       value;
    ngx_http_procmgr_unread_t       *u;
    ngx_http_procmgr_unread_wait_t  *w;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    u = &ngx_http_procmgr_unread;

    if (ngx_http_procmgr_unread_known(ctx->pm, &value) == NGX_OK) {
        return ngx_http_procmgr_unread_send(r, value);
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
        u->changes = ctx->pm->sh->events.log_changes;

        if (ngx_procmgr_pg_query(ctx->pm, NGX_HTTP_PROCMGR_SQL_LOG_UNREAD, 0,
                                 NULL, 0, ngx_http_procmgr_unread_done, u)
            == NULL)
        {
            w->cln->handler = NULL;
            return NGX_ERROR;
        }

        u->asking = 1;
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
    ngx_procmgr_sess_shm_t          *sh;
    ngx_http_procmgr_unread_wait_t  *w;

    json = ngx_http_procmgr_pg_json(res);
    value = json_object_get(json, "unread");

    n = json_is_integer(value) ? json_integer_value(value) : -1;

    json_decref(json);

    u->asking = 0;

    if (n >= 0) {
        sh = &u->pm->sh->sess;

        ngx_shmtx_lock(&u->pm->shpool->mutex);

        sh->unread = n;
        sh->unread_made = ngx_procmgr_boottime();
        sh->unread_changes = u->changes;

        ngx_shmtx_unlock(&u->pm->shpool->mutex);
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
