
/*
 * Statements wait in one queue of the worker.  A statement has one deadline
 * from its call to its end, and its timer keeps a worker alive that shuts
 * down; the timers of connections do not.
 */


#include "ngx_procmgr_pg_conn.h"
#include "ngx_procmgr_zone.h"


static ngx_procmgr_pg_t *ngx_procmgr_pg_create(ngx_procmgr_t *pm,
    ngx_cycle_t *cycle, ngx_str_t *conninfo);
static void ngx_procmgr_pg_destroy(ngx_procmgr_pg_t *pg);
static void ngx_procmgr_pg_dispatch_handler(ngx_event_t *ev);
static void ngx_procmgr_pg_retry_handler(ngx_event_t *ev);
static void ngx_procmgr_pg_query_timer_handler(ngx_event_t *ev);
static ngx_procmgr_pg_conn_t *ngx_procmgr_pg_find(ngx_procmgr_pg_t *pg,
    ngx_procmgr_pg_state_e state);
static ngx_uint_t ngx_procmgr_pg_count(ngx_procmgr_pg_t *pg,
    ngx_procmgr_pg_state_e state);


ngx_int_t
ngx_procmgr_pg_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    if (pm->conninfo.len == 0) {
        return NGX_OK;
    }

    pm->pg = ngx_procmgr_pg_create(pm, cycle, &pm->conninfo);

    if (pm->pg == NULL) {
        return NGX_ERROR;
    }

    if (pm->listen.len == 0) {
        return NGX_OK;
    }

    pm->pg_listen = ngx_procmgr_pg_create(pm, cycle, &pm->listen);

    if (pm->pg_listen == NULL) {
        return NGX_ERROR;
    }

    /* it is there before anybody asks */

    pm->pg_listen->listener = 1;
    ngx_add_timer(&pm->pg_listen->retry, 1);

    return NGX_OK;
}


static ngx_procmgr_pg_t *
ngx_procmgr_pg_create(ngx_procmgr_t *pm, ngx_cycle_t *cycle,
    ngx_str_t *conninfo)
{
    ngx_uint_t         i;
    ngx_procmgr_pg_t  *pg;

    pg = ngx_pcalloc(cycle->pool, sizeof(ngx_procmgr_pg_t));
    if (pg == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     pg->conns[].state = ngx_procmgr_pg_closed;
     *     pg->backoff = 0;
     *     pg->up = 0;
     *     pg->away = 0;
     *     pg->foreign = 0;
     *     pg->listener = 0;
     */

    pg->pm = pm;
    ngx_queue_init(&pg->waiting);

    ngx_procmgr_event(&pg->dispatch, ngx_procmgr_pg_dispatch_handler);
    ngx_procmgr_event(&pg->retry, ngx_procmgr_pg_retry_handler);
    pg->retry.cancelable = 1;

    for (i = 0; i < NGX_PROCMGR_PG_CONNS; i++) {
        pg->conns[i].pg = pg;
        ngx_procmgr_event(&pg->conns[i].timer,
                          ngx_procmgr_pg_conn_timer_handler);
        pg->conns[i].timer.cancelable = 1;
    }

    return ngx_procmgr_pg_keywords(pg, conninfo, cycle->pool) == NGX_OK
           ? pg : NULL;
}


void
ngx_procmgr_pg_exit(ngx_procmgr_t *pm)
{
    ngx_procmgr_pg_destroy(pm->pg);
    ngx_procmgr_pg_destroy(pm->pg_listen);

    pm->pg = NULL;
    pm->pg_listen = NULL;
}


static void
ngx_procmgr_pg_destroy(ngx_procmgr_pg_t *pg)
{
    ngx_uint_t               i;
    ngx_queue_t             *q;
    ngx_procmgr_pg_query_t  *query;

    if (pg == NULL) {
        return;
    }

    /* handlers' owners may be gone already: none is called any more */

    while (!ngx_queue_empty(&pg->waiting)) {
        q = ngx_queue_head(&pg->waiting);
        query = ngx_queue_data(q, ngx_procmgr_pg_query_t, queue);
        query->handler = NULL;
        ngx_procmgr_pg_finish(query, NGX_PROCMGR_PG_AWAY, NULL, "exiting");
    }

    for (i = 0; i < NGX_PROCMGR_PG_CONNS; i++) {

        if (pg->conns[i].state == ngx_procmgr_pg_closed) {
            continue;
        }

        if (pg->conns[i].query) {
            pg->conns[i].query->handler = NULL;
        }

        ngx_procmgr_pg_close(&pg->conns[i], NULL);
    }

    if (pg->retry.timer_set) {
        ngx_del_timer(&pg->retry);
    }

    if (pg->dispatch.posted) {
        ngx_delete_posted_event(&pg->dispatch);
    }
}


ngx_procmgr_pg_query_t *
ngx_procmgr_pg_query(ngx_procmgr_t *pm, const char *sql, ngx_uint_t nparams,
    const char *const *params, ngx_msec_t timeout, ngx_procmgr_pg_pt handler,
    void *data)
{
    char                    *p;
    size_t                   size, len;
    ngx_uint_t               i;
    ngx_procmgr_pg_t        *pg;
    ngx_procmgr_pg_query_t  *query;

    pg = pm->pg;

    if (pg == NULL) {
        return NULL;
    }

    if (pg->nwaiting == NGX_PROCMGR_PG_QUEUE) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "procmgr: %d statements wait for the database",
                      NGX_PROCMGR_PG_QUEUE);
        return NULL;
    }

    size = sizeof(ngx_procmgr_pg_query_t) + nparams * sizeof(char *);

    for (i = 0; i < nparams; i++) {
        size += params[i] ? ngx_strlen(params[i]) + 1 : 0;
    }

    query = ngx_alloc(size, ngx_cycle->log);
    if (query == NULL) {
        return NULL;
    }

    ngx_memzero(query, sizeof(ngx_procmgr_pg_query_t));

    p = (char *) &query->params[nparams];

    for (i = 0; i < nparams; i++) {

        if (params[i] == NULL) {
            query->params[i] = NULL;
            continue;
        }

        len = ngx_strlen(params[i]) + 1;
        query->params[i] = p;
        p = (char *) ngx_cpymem(p, params[i], len);
    }

    query->pg = pg;
    query->sql = sql;
    query->nparams = nparams;
    query->handler = handler;
    query->data = data;
    query->timeout = timeout ? timeout : NGX_PROCMGR_PG_TIMEOUT;

    ngx_procmgr_event(&query->timer, ngx_procmgr_pg_query_timer_handler);
    ngx_add_timer(&query->timer, query->timeout);

    ngx_queue_insert_tail(&pg->waiting, &query->queue);
    pg->nwaiting++;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "procmgr pg query %p: %s", query, sql);

    /* the handler does not come from inside this call */

    ngx_post_event(&pg->dispatch, &ngx_posted_next_events);

    return query;
}


void
ngx_procmgr_pg_forget(ngx_procmgr_pg_query_t *query)
{
    query->handler = NULL;
}


ngx_str_t
ngx_procmgr_pg_value(ngx_procmgr_pg_result_t *res, ngx_uint_t row,
    ngx_uint_t col)
{
    ngx_str_t  value;

    ngx_str_null(&value);

    if (row < res->nrows && col < res->ncols
        && !PQgetisnull(res->res, (int) row, (int) col))
    {
        value.data = (u_char *) PQgetvalue(res->res, (int) row, (int) col);
        value.len = PQgetlength(res->res, (int) row, (int) col);
    }

    return value;
}


ngx_int_t
ngx_procmgr_pg_alive(ngx_procmgr_t *pm)
{
    return pm->pg != NULL && pm->pg->up;
}


ngx_int_t
ngx_procmgr_pg_foreign(ngx_procmgr_t *pm)
{
    return pm->pg != NULL && pm->pg->foreign;
}


void
ngx_procmgr_pg_on_notice(ngx_procmgr_t *pm, void (*handler)(void))
{
    if (pm->pg_listen) {
        pm->pg_listen->on_notice = handler;
    }
}


ngx_int_t
ngx_procmgr_pg_listening(ngx_procmgr_t *pm)
{
    return pm->pg_listen != NULL && pm->pg_listen->up;
}


void
ngx_procmgr_pg_on_up(ngx_procmgr_t *pm, void (*handler)(ngx_procmgr_t *))
{
    ngx_procmgr_pg_t  *pg;

    pg = pm->pg;

    if (pg != NULL && pg->non_up < NGX_PROCMGR_PG_UPS) {
        pg->on_up[pg->non_up++] = handler;
    }
}


static void
ngx_procmgr_pg_dispatch_handler(ngx_event_t *ev)
{
    ngx_procmgr_pg_dispatch(ngx_procmgr_owner(ev, ngx_procmgr_pg_t,
                                              dispatch));
}


/*
 * Gives the waiting statements to idle connections, or opens one for them.
 * While the database is away there are neither, and all fail at once, unless
 * another worker has reached it since this one tried.
 */

void
ngx_procmgr_pg_dispatch(ngx_procmgr_pg_t *pg)
{
    ngx_queue_t             *q;
    ngx_procmgr_pg_conn_t   *conn;
    ngx_procmgr_pg_query_t  *query;

    while (!ngx_queue_empty(&pg->waiting)) {
        q = ngx_queue_head(&pg->waiting);
        query = ngx_queue_data(q, ngx_procmgr_pg_query_t, queue);

        conn = ngx_procmgr_pg_find(pg, ngx_procmgr_pg_idle);

        if (conn) {
            ngx_procmgr_pg_send(conn, query);
            continue;
        }

        if (pg->retry.timer_set) {

            if (pg->up) {
                return;
            }

            if (pg->met == pg->pm->sh->pg_met) {
                ngx_procmgr_pg_finish(query, NGX_PROCMGR_PG_AWAY, NULL,
                                      "the database is away");
                continue;
            }

            ngx_del_timer(&pg->retry);
        }

        conn = ngx_procmgr_pg_find(pg, ngx_procmgr_pg_closed);

        if (conn == NULL
            || ngx_procmgr_pg_count(pg, ngx_procmgr_pg_connecting)
               >= pg->nwaiting)
        {
            return;
        }

        ngx_procmgr_pg_connect(conn);
    }
}


static void
ngx_procmgr_pg_retry_handler(ngx_event_t *ev)
{
    ngx_procmgr_pg_t       *pg;
    ngx_procmgr_pg_conn_t  *conn;

    pg = ngx_procmgr_owner(ev, ngx_procmgr_pg_t, retry);

    if (!pg->up) {
        conn = ngx_procmgr_pg_find(pg, ngx_procmgr_pg_closed);

        if (conn && ngx_procmgr_pg_count(pg, ngx_procmgr_pg_connecting) == 0) {
            ngx_procmgr_pg_connect(conn);
        }
    }

    ngx_procmgr_pg_dispatch(pg);
}


static void
ngx_procmgr_pg_query_timer_handler(ngx_event_t *ev)
{
    ngx_procmgr_pg_query_t  *query;

    query = ngx_procmgr_owner(ev, ngx_procmgr_pg_query_t, timer);

    if (query->conn) {
        ngx_procmgr_pg_close(query->conn, "the statement timed out");
        return;
    }

    ngx_procmgr_pg_finish(query, NGX_PROCMGR_PG_AWAY, NULL,
                          "timed out before it was sent");
}


static ngx_procmgr_pg_conn_t *
ngx_procmgr_pg_find(ngx_procmgr_pg_t *pg, ngx_procmgr_pg_state_e state)
{
    ngx_uint_t  i;

    /* the first ones are taken first, so that the last ones become old */

    for (i = 0; i < NGX_PROCMGR_PG_CONNS; i++) {
        if (pg->conns[i].state == state) {
            return &pg->conns[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_procmgr_pg_count(ngx_procmgr_pg_t *pg, ngx_procmgr_pg_state_e state)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_PROCMGR_PG_CONNS; i++) {
        if (pg->conns[i].state == state) {
            n++;
        }
    }

    return n;
}


void
ngx_procmgr_pg_up(ngx_procmgr_pg_t *pg)
{
    ngx_uint_t  i, was;

    was = pg->up;

    pg->up = 1;
    pg->backoff = 0;

    (void) ngx_atomic_fetch_add(&pg->pm->sh->pg_met, 1);

    if (pg->retry.timer_set) {
        ngx_del_timer(&pg->retry);
    }

    if (pg->away) {
        pg->away = 0;
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "procmgr: the database is back%s",
                      pg->listener ? " at \"listen=\"" : "");
    }

    /* what was told meanwhile was missed */

    if (pg->on_notice) {
        pg->on_notice();
    }

    if (!was) {
        for (i = 0; i < pg->non_up; i++) {
            pg->on_up[i](pg->pm);
        }
    }
}


/* an attempt to connect failed: the next one comes after a while */

void
ngx_procmgr_pg_down(ngx_procmgr_pg_t *pg, const char *reason)
{
    ngx_msec_t  delay;

    pg->backoff = pg->backoff ? ngx_min(pg->backoff * 2, NGX_PROCMGR_PG_LAST)
                              : NGX_PROCMGR_PG_FIRST;

    delay = pg->backoff - (ngx_msec_t) ngx_random() % (pg->backoff / 4);

    if (!pg->retry.timer_set) {
        ngx_add_timer(&pg->retry, delay);
    }

    if (ngx_procmgr_pg_count(pg, ngx_procmgr_pg_idle)
        + ngx_procmgr_pg_count(pg, ngx_procmgr_pg_busy) > 0)
    {
        /* it takes no more of us, but it is there */
        return;
    }

    pg->up = 0;

    if (!pg->away) {
        pg->away = 1;
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the database %s%s: %s",
                      pg->foreign ? "cannot be used" : "is away",
                      pg->listener ? " at \"listen=\"" : "", reason);
    }
}


/* the one end of a statement */

void
ngx_procmgr_pg_finish(ngx_procmgr_pg_query_t *query, ngx_uint_t ended,
    PGresult *res, const char *message)
{
    const char               *state;
    ngx_procmgr_pg_result_t   result;

    if (query->timer.timer_set) {
        ngx_del_timer(&query->timer);
    }

    if (query->conn == NULL) {
        ngx_queue_remove(&query->queue);
        query->pg->nwaiting--;
    }

    ngx_memzero(&result, sizeof(ngx_procmgr_pg_result_t));

    result.ended = ended;
    result.message = message;
    result.res = res;

    if (ended == NGX_PROCMGR_PG_OK) {
        result.nrows = PQntuples(res);
        result.ncols = PQnfields(res);

    } else if (ended == NGX_PROCMGR_PG_REFUSED) {
        state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
        message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

        (void) ngx_cpystrn((u_char *) result.sqlstate,
                           (u_char *) (state ? state : ""),
                           sizeof(result.sqlstate));
        result.message = message ? message : "";
    }

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "procmgr pg query %p: ended:%ui rows:%ui",
                   query, ended, result.nrows);

    if (query->handler) {
        query->handler(query->data, &result);
    }

    ngx_free(query);
}
