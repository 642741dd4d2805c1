
/*
 * The family "events": server-sent events for the pages that listen.
 *
 * Each worker has one list of those who listen to it and, while there are
 * any, one timer.  What it tells is made once for all: the summary is the
 * view that everybody polls, the state of the log is asked for by one worker
 * of the host, alerts and watches are read from the ring in the zone.
 *
 * Whoever is slow has one message under way and no more: the summary is the
 * newest when his turn comes, and the ring waits for him as long as it goes.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "ngx_http_procmgr_summary.h"
#include "../core/ngx_procmgr_zone.h"


#define NGX_HTTP_PROCMGR_EVENTS_TICK   100      /* ms */
#define NGX_HTTP_PROCMGR_EVENTS_ALIVE  15000    /* a comment after silence */
#define NGX_HTTP_PROCMGR_EVENTS_BATCH  8        /* of the ring, at once */

/* around one event: "id: <16 hex>-<20 digits>\nevent: ...\ndata: \n\n" */
#define NGX_HTTP_PROCMGR_EVENTS_ROOM   256


typedef struct {                            /* of this worker */
    ngx_queue_t                listeners;
    ngx_procmgr_t             *pm;
    ngx_event_t                tick;
    ngx_procmgr_wait_t        *wait;        /* for the summary */
    ngx_procmgr_body_t        *summary;
    uint64_t                   asked;       /* boottime ms */
    ngx_procmgr_event_log_t    log;
    unsigned                   asking:1;    /* the database, for the log */
} ngx_http_procmgr_events_t;


typedef struct {
    ngx_queue_t                queue;
    ngx_http_request_t        *request;
    ngx_http_procmgr_ctx_t    *ctx;
    ngx_buf_t                  buf;
    u_char                    *data;        /* of the message under way */
    size_t                     size;
    uint64_t                   seq;         /* told of the ring */
    uint64_t                   log;         /* its version */
    uint64_t                   summary;     /* its generation */
    uint64_t                   told;        /* boottime ms */
} ngx_http_procmgr_listener_t;


static ngx_int_t ngx_http_procmgr_events(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_events_gone(void *data);
static uint64_t ngx_http_procmgr_events_last(ngx_http_request_t *r,
    ngx_procmgr_t *pm);

static void ngx_http_procmgr_events_tick(ngx_event_t *ev);
static void ngx_http_procmgr_events_summary(ngx_http_procmgr_events_t *e,
    uint64_t now);
static void ngx_http_procmgr_events_made(void *data,
    ngx_procmgr_body_t *body);
static void ngx_http_procmgr_events_log(ngx_http_procmgr_events_t *e);
static void ngx_http_procmgr_events_logged(void *data,
    ngx_procmgr_pg_result_t *res);

static ngx_int_t ngx_http_procmgr_events_step(ngx_http_procmgr_listener_t *l,
    uint64_t now);
static ngx_int_t ngx_http_procmgr_events_fill(ngx_http_procmgr_listener_t *l,
    uint64_t now);
static u_char *ngx_http_procmgr_events_ring(ngx_http_procmgr_listener_t *l,
    u_char *p, u_char *last);
static ngx_int_t ngx_http_procmgr_events_send(ngx_http_procmgr_listener_t *l,
    ngx_chain_t *out);
static ngx_uint_t ngx_http_procmgr_events_busy(
    ngx_http_procmgr_listener_t *l);
static void ngx_http_procmgr_events_write(ngx_http_request_t *r);


ngx_http_procmgr_route_t  ngx_http_procmgr_events_routes[] = {

    { NGX_HTTP_GET, "", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_events },

    { 0, NULL, 0, 0, NULL }
};


/* of this process, set when the first one comes */
static ngx_http_procmgr_events_t  ngx_http_procmgr_events_ctx;


static ngx_int_t
ngx_http_procmgr_events(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_chain_t                    out;
    ngx_http_procmgr_events_t     *e;
    ngx_http_procmgr_listener_t   *l;
    ngx_http_procmgr_main_conf_t  *pmcf;

    static ngx_str_t  type = ngx_string("text/event-stream");
    static u_char     hello[] = "retry: 2000" CRLF CRLF;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_str_set(&value, "no");

    if (ngx_http_procmgr_header(r, "X-Accel-Buffering", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_http_procmgr_stream(r, &type);
    }

    l = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_listener_t));
    if (l == NULL) {
        return NGX_ERROR;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     l->data = NULL;
     *     l->size = 0;
     *     l->log = 0;
     *     l->summary = 0;
     */

    l->request = r;
    l->ctx = ctx;
    l->told = ngx_procmgr_boottime();

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_events_gone, l)
        == NULL)
    {
        return NGX_ERROR;
    }

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_procmgr_module);

    if (ngx_exiting
        || ngx_procmgr_event_enter(ctx->pm, pmcf->events_max) != NGX_OK)
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "too_many_listeners",
                                        "no more than %ui may listen",
                                        pmcf->events_max);
    }

    e = &ngx_http_procmgr_events_ctx;

    if (e->pm == NULL) {
        ngx_queue_init(&e->listeners);
        ngx_procmgr_event(&e->tick, ngx_http_procmgr_events_tick);
    }

    e->pm = ctx->pm;
    ctx->data = l;

    ngx_queue_insert_tail(&e->listeners, &l->queue);

    l->seq = ngx_http_procmgr_events_last(r, ctx->pm);

    /* an end is not told by a length, and nothing follows it */

    r->keepalive = 0;

    rc = ngx_http_procmgr_stream(r, &type);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    l->buf.pos = hello;
    l->buf.last = hello + sizeof(hello) - 1;
    l->buf.memory = 1;
    l->buf.flush = 1;

    out.buf = &l->buf;
    out.next = NULL;

    if (ngx_http_procmgr_events_send(l, &out) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!e->tick.timer_set) {
        ngx_add_timer(&e->tick, 1);
    }

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_events_gone(void *data)
{
    ngx_http_procmgr_listener_t *l = data;

    if (l->data) {
        ngx_free(l->data);
        l->data = NULL;
    }

    if (l->queue.next) {
        ngx_queue_remove(&l->queue);
        l->queue.next = NULL;

        ngx_procmgr_event_leave(l->ctx->pm);
    }
}


/* where a page left off that lost its connection; else from now on */

static uint64_t
ngx_http_procmgr_events_last(ngx_http_request_t *r, ngx_procmgr_t *pm)
{
    u_char      birth[17];
    ngx_int_t    seq;
    uint64_t     last;
    ngx_str_t   *id;

    last = ngx_procmgr_event_last(pm);

    id = ngx_http_procmgr_header_in(r, "last-event-id");

    if (id == NULL || id->len < 18) {
        return last;
    }

    (void) ngx_sprintf(birth, "%016xL", pm->sh->birth);

    if (ngx_memcmp(id->data, birth, 16) != 0 || id->data[16] != '-') {
        return last;
    }

    seq = ngx_atoi(id->data + 17, id->len - 17);

    return (seq == NGX_ERROR || (uint64_t) seq > last) ? last
                                                       : (uint64_t) seq;
}


static void
ngx_http_procmgr_events_tick(ngx_event_t *ev)
{
    uint64_t                      now;
    ngx_int_t                     rc;
    ngx_queue_t                  *q, *next;
    ngx_connection_t             *c;
    ngx_http_procmgr_events_t    *e;
    ngx_http_procmgr_listener_t  *l;

    e = ngx_procmgr_owner(ev, ngx_http_procmgr_events_t, tick);

    ev->timedout = 0;
    now = ngx_procmgr_boottime();

    if (!ngx_queue_empty(&e->listeners) && !ngx_exiting && !ngx_terminate) {
        ngx_http_procmgr_events_summary(e, now);
        ngx_http_procmgr_events_log(e);
    }

    for (q = ngx_queue_head(&e->listeners);
         q != ngx_queue_sentinel(&e->listeners);
         q = next)
    {
        next = ngx_queue_next(q);
        l = ngx_queue_data(q, ngx_http_procmgr_listener_t, queue);
        c = l->request->connection;

        rc = ngx_http_procmgr_events_step(l, now);

        if (rc == NGX_OK) {
            continue;
        }

        /* NGX_DONE: an end that the page may know as one */

        if (rc == NGX_DONE) {
            rc = ngx_http_procmgr_events_busy(l)
                 ? NGX_ERROR : ngx_http_send_special(l->request,
                                                     NGX_HTTP_LAST);
        }

        ngx_http_finalize_request(l->request, rc);
        ngx_http_run_posted_requests(c);
    }

    if (!ngx_queue_empty(&e->listeners)) {
        ngx_add_timer(ev, NGX_HTTP_PROCMGR_EVENTS_TICK);
        return;
    }

    /* nobody listens: nothing is kept, and nothing is waited for */

    if (e->wait) {
        ngx_procmgr_view_forget(e->wait);
        e->wait = NULL;
    }

    if (e->summary) {
        ngx_procmgr_body_release(e->summary);
        e->summary = NULL;
    }
}


/* the view of GET /system/summary: who polls and who listens share it */

static void
ngx_http_procmgr_events_summary(ngx_http_procmgr_events_t *e, uint64_t now)
{
    ngx_int_t                       rc;
    ngx_procmgr_body_t             *body;
    ngx_procmgr_view_t              view;
    ngx_http_procmgr_system_args_t  args;

    if (e->wait || now - e->asked < e->pm->interval) {
        return;
    }

    e->asked = now;

    ngx_memzero(&view, sizeof(ngx_procmgr_view_t));
    ngx_memzero(&args, sizeof(ngx_http_procmgr_system_args_t));

    args.role = NGX_PROCMGR_ROLE_VIEWER;

    ngx_str_set(&view.key, "system/summary?human=0&role=viewer");
    view.make = ngx_http_procmgr_make_summary;
    view.args = &args;
    view.args_size = sizeof(ngx_http_procmgr_system_args_t);
    view.want = PM_HAVE_STAT;

    body = NULL;

    rc = ngx_procmgr_view_get(e->pm, &view, &body,
                              ngx_http_procmgr_events_made, e, &e->wait);

    if (rc == NGX_AGAIN) {
        return;
    }

    e->wait = NULL;

    if (rc == NGX_OK) {
        ngx_http_procmgr_events_made(e, body);
        ngx_procmgr_body_release(body);
    }
}


static void
ngx_http_procmgr_events_made(void *data, ngx_procmgr_body_t *body)
{
    ngx_http_procmgr_events_t *e = data;

    e->wait = NULL;

    if (body == NULL || body->status != NGX_HTTP_OK) {
        return;
    }

    ngx_procmgr_body_hold(body);

    if (e->summary) {
        ngx_procmgr_body_release(e->summary);
    }

    e->summary = body;
}


static void
ngx_http_procmgr_events_log(ngx_http_procmgr_events_t *e)
{
    const char  *params[3];

    if (e->asking || e->pm->pg == NULL
        || ngx_procmgr_event_log_get(e->pm, &e->log) != NGX_AGAIN)
    {
        return;
    }

    params[0] = "{}";
    params[1] = "1";
    params[2] = NULL;

    if (ngx_procmgr_pg_query(e->pm, NGX_HTTP_PROCMGR_SQL_LOG_LIST, 3, params,
                             0, ngx_http_procmgr_events_logged, e)
        == NULL)
    {
        ngx_procmgr_event_log_put(e->pm, NULL);
        return;
    }

    e->asking = 1;
}


static void
ngx_http_procmgr_events_logged(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_events_t *e = data;

    json_t                   *page, *unread, *seq;
    ngx_procmgr_event_log_t   log;

    e->asking = 0;

    page = ngx_http_procmgr_pg_json(res);
    unread = json_object_get(page, "unread");
    seq = json_object_get(json_array_get(json_object_get(page, "rows"), 0),
                          "seq");

    ngx_memzero(&log, sizeof(ngx_procmgr_event_log_t));

    log.unread = json_integer_value(unread);
    log.seq = json_integer_value(seq);

    ngx_procmgr_event_log_put(e->pm, json_is_integer(unread) ? &log : NULL);

    json_decref(page);
}


/* NGX_OK; NGX_DONE: it has to end; NGX_ERROR: it is to be cut */

static ngx_int_t
ngx_http_procmgr_events_step(ngx_http_procmgr_listener_t *l, uint64_t now)
{
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = l->request;

    if (ngx_exiting || ngx_terminate
        || ngx_http_procmgr_session_holds(r, l->ctx) != NGX_OK)
    {
        return NGX_DONE;
    }

    if (ngx_http_procmgr_events_busy(l)) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (now - l->told > clcf->send_timeout) {
            ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                          "client timed out");
            r->connection->timedout = 1;
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    return ngx_http_procmgr_events_fill(l, now);
}


/* all that there is to tell as one message */

static ngx_int_t
ngx_http_procmgr_events_fill(ngx_http_procmgr_listener_t *l, uint64_t now)
{
    size_t                      size;
    u_char                     *p, *last;
    uint64_t                    n;
    ngx_chain_t                 out;
    ngx_procmgr_body_t         *body;
    ngx_http_procmgr_events_t  *e;

    e = &ngx_http_procmgr_events_ctx;

    n = ngx_procmgr_event_last(e->pm) - l->seq;
    n = ngx_min(n, NGX_HTTP_PROCMGR_EVENTS_BATCH);

    body = (e->summary && e->summary->generation != l->summary)
           ? e->summary : NULL;

    if (n == 0 && body == NULL && l->log == e->log.version
        && now - l->told < NGX_HTTP_PROCMGR_EVENTS_ALIVE)
    {
        return NGX_OK;
    }

    size = NGX_HTTP_PROCMGR_EVENTS_ROOM * 3
           + n * (NGX_PROCMGR_EVENT_LEN + NGX_HTTP_PROCMGR_EVENTS_ROOM)
           + (body ? body->len : 0);

    if (size > l->size) {

        if (l->data) {
            ngx_free(l->data);
        }

        l->data = ngx_alloc(size, ngx_cycle->log);
        l->size = l->data ? size : 0;

        if (l->data == NULL) {
            return NGX_ERROR;
        }
    }

    p = l->data;
    last = p + l->size;

    if (n) {
        p = ngx_http_procmgr_events_ring(l, p, last);
    }

    if (l->log != e->log.version) {
        l->log = e->log.version;

        p = ngx_slprintf(p, last, "event: log\ndata: {\"unread\":%L,"
                         "\"seq\":%L}\n\n", e->log.unread, e->log.seq);
    }

    if (body) {
        l->summary = body->generation;

        p = ngx_slprintf(p, last, "event: summary\ndata: %*s\n\n", body->len,
                         body->data);
    }

    if (p == l->data) {
        p = ngx_slprintf(p, last, ":\n\n");
    }

    l->told = now;

    ngx_memzero(&l->buf, sizeof(ngx_buf_t));

    l->buf.pos = l->data;
    l->buf.last = p;
    l->buf.memory = 1;
    l->buf.flush = 1;

    out.buf = &l->buf;
    out.next = NULL;

    return ngx_http_procmgr_events_send(l, &out);
}


/* what is overwritten by now is lost, and the rest goes on */

static u_char *
ngx_http_procmgr_events_ring(ngx_http_procmgr_listener_t *l, u_char *p,
    u_char *last)
{
    uint64_t             newest;
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_procmgr_t       *pm;
    ngx_procmgr_event_t  event;

    pm = l->ctx->pm;

    for (i = 0; i < NGX_HTTP_PROCMGR_EVENTS_BATCH; i++) {

        rc = ngx_procmgr_event_next(pm, l->seq, &event);

        if (rc == NGX_DECLINED) {
            newest = ngx_procmgr_event_last(pm);
            l->seq = (newest > l->seq + NGX_PROCMGR_EVENTS)
                     ? newest - NGX_PROCMGR_EVENTS : l->seq + 1;
            continue;
        }

        if (rc != NGX_OK
            || (size_t) (last - p)
               < event.len + NGX_HTTP_PROCMGR_EVENTS_ROOM * 2)
        {
            break;
        }

        l->seq = event.seq;

        p = ngx_slprintf(p, last, "id: %016xL-%uL\nevent: %s\ndata: %*s\n\n",
                         pm->sh->birth, event.seq,
                         ngx_procmgr_event_names[event.kind],
                         (size_t) event.len, event.json);
    }

    return p;
}


/* out is NULL: what is left of the message */

static ngx_int_t
ngx_http_procmgr_events_send(ngx_http_procmgr_listener_t *l, ngx_chain_t *out)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = l->request;

    rc = ngx_http_output_filter(r, out);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_http_procmgr_events_busy(l)) {
        r->write_event_handler = ngx_http_request_empty_handler;
        return NGX_OK;
    }

    r->write_event_handler = ngx_http_procmgr_events_write;

    return ngx_handle_write_event(r->connection->write, 0);
}


static ngx_uint_t
ngx_http_procmgr_events_busy(ngx_http_procmgr_listener_t *l)
{
    return l->request->buffered || l->request->connection->buffered
           || l->buf.pos != l->buf.last;
}


static void
ngx_http_procmgr_events_write(ngx_http_request_t *r)
{
    ngx_event_t             *wev;
    ngx_http_procmgr_ctx_t  *ctx;

    wev = r->connection->write;
    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);

    if (wev->delayed) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    if (ngx_http_procmgr_events_send(ctx->data, NULL) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
