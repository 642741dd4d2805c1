
/*
 * GET /log/export: the log as CSV or lines of JSON, a page of the database
 * after the other, each asked for when the one before it has left for the
 * client: however long the log is, one page of it is in memory.
 *
 * Once the head is sent nothing can be told any more: a failure cuts the
 * connection, so that what was got is not taken for the whole.
 */


#include "ngx_http_procmgr_log.h"
#include "ngx_http_procmgr_sql.h"


typedef struct {
    ngx_http_request_t      *request;
    ngx_procmgr_t           *pm;
    ngx_procmgr_pg_query_t  *query;     /* of the next page */
    char                    *filters;
    const char              *format;
    ngx_str_t                type;
    json_t                  *page;      /* its text is being sent */
    ngx_buf_t               *buf;
    int64_t                  next;      /* 0: this is the last page */
} ngx_http_procmgr_export_t;


static ngx_int_t ngx_http_procmgr_export_ask(ngx_http_procmgr_export_t *e);
static void ngx_http_procmgr_export_page(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_export_take(ngx_http_procmgr_export_t *e,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_export_send(ngx_http_procmgr_export_t *e);
static ngx_int_t ngx_http_procmgr_export_sent(ngx_http_procmgr_export_t *e,
    ngx_int_t rc);
static void ngx_http_procmgr_export_write(ngx_http_request_t *r);
static void ngx_http_procmgr_export_gone(void *data);


ngx_int_t
ngx_http_procmgr_log_export(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_str_t                     value;
    ngx_http_procmgr_export_t    *e;
    ngx_http_procmgr_log_args_t   a;

    e = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_export_t));
    if (e == NULL) {
        return NGX_ERROR;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     e->query = NULL;
     *     e->filters = NULL;
     *     e->page = NULL;
     *     e->next = 0;
     */

    e->request = r;
    e->pm = ctx->pm;
    ctx->data = e;

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_export_gone, e) == NULL) {
        return NGX_ERROR;
    }

    e->buf = ngx_calloc_buf(r->pool);
    if (e->buf == NULL) {
        return NGX_ERROR;
    }

    e->filters = ngx_http_procmgr_log_filters(r, ctx, &a, 1);

    if (e->filters == NULL) {
        return ctx->rc;
    }

    if (a.format == NGX_HTTP_PROCMGR_LOG_CSV) {
        e->format = "csv";
        ngx_str_set(&e->type, "text/csv; charset=utf-8; header=present");
        ngx_str_set(&value, "attachment; filename=\"procmgr-log.csv\"");

    } else {
        e->format = "jsonl";
        ngx_str_set(&e->type, "application/x-ndjson");
        ngx_str_set(&value, "attachment; filename=\"procmgr-log.jsonl\"");
    }

    if (ngx_http_procmgr_export_ask(e) != NGX_AGAIN) {
        return ngx_http_procmgr_db_away(r);
    }

    return ngx_http_procmgr_header(r, "Content-Disposition", &value) == NGX_OK
           ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_http_procmgr_export_ask(ngx_http_procmgr_export_t *e)
{
    char         before[NGX_INT64_LEN + 1];
    const char  *params[3];

    (void) ngx_sprintf((u_char *) before, "%L%Z", e->next);

    params[0] = e->filters;
    params[1] = e->format;
    params[2] = e->next ? before : NULL;

    e->query = ngx_procmgr_pg_query(e->pm, NGX_HTTP_PROCMGR_SQL_LOG_EXPORT, 3,
                                    params, 0, ngx_http_procmgr_export_page,
                                    e);

    return e->query ? NGX_AGAIN : NGX_ERROR;
}


static void
ngx_http_procmgr_export_page(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_export_t *e = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = e->request;
    e->query = NULL;

    if (ngx_http_procmgr_export_take(e, res) != NGX_OK) {
        rc = r->header_sent ? NGX_ERROR : ngx_http_procmgr_db_away(r);

    } else {
        rc = r->header_sent ? NGX_OK : ngx_http_procmgr_stream(r, &e->type);

        if (rc == NGX_OK || rc == NGX_AGAIN) {
            rc = r->header_only ? NGX_OK : ngx_http_procmgr_export_send(e);
        }
    }

    ngx_http_procmgr_finish(r, rc);
}


static ngx_int_t
ngx_http_procmgr_export_take(ngx_http_procmgr_export_t *e,
    ngx_procmgr_pg_result_t *res)
{
    json_t     *text, *next;
    ngx_str_t   value;

    json_decref(e->page);
    e->page = NULL;

    if (res->ended != NGX_PROCMGR_PG_OK || res->nrows != 1) {
        return NGX_ERROR;
    }

    value = ngx_procmgr_pg_value(res, 0, 0);

    if (value.data) {
        e->page = json_loadb((char *) value.data, value.len, 0, NULL);
    }

    text = json_object_get(e->page, "text");
    next = json_object_get(e->page, "next");

    /* a page that does not come after the last one would never end */

    if (!json_is_string(text)
        || !(json_is_null(next)
             || (json_is_integer(next) && json_integer_value(next) > 0
                 && (e->next == 0 || json_integer_value(next) < e->next))))
    {
        ngx_log_error(NGX_LOG_ERR, e->request->connection->log, 0,
                      "procmgr: the database's answer is no page of the log");
        return NGX_ERROR;
    }

    e->next = json_is_null(next) ? 0 : json_integer_value(next);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_export_send(ngx_http_procmgr_export_t *e)
{
    json_t       *text;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    text = json_object_get(e->page, "text");

    b = e->buf;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = (u_char *) json_string_value(text);
    b->pos = b->start;
    b->last = b->pos + json_string_length(text);
    b->end = b->last;
    b->memory = (b->pos != b->last);
    b->flush = (e->next != 0);
    b->last_buf = (e->next == 0);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_procmgr_export_sent(e,
               ngx_http_output_filter(e->request, &out));
}


/* the page is the client's, or as much of it as he takes */

static ngx_int_t
ngx_http_procmgr_export_sent(ngx_http_procmgr_export_t *e, ngx_int_t rc)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = e->request;
    c = r->connection;
    wev = c->write;

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (e->next == 0) {

        /* what is left of the last page is written by nginx */

        return NGX_OK;
    }

    if (r->buffered || c->buffered || e->buf->pos != e->buf->last) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        r->write_event_handler = ngx_http_procmgr_export_write;

        if (!wev->delayed) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
            return NGX_ERROR;
        }

        return NGX_AGAIN;
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    return ngx_http_procmgr_export_ask(e);
}


static void
ngx_http_procmgr_export_write(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_event_t                *wev;
    ngx_http_procmgr_ctx_t     *ctx;
    ngx_http_procmgr_export_t  *e;

    wev = r->connection->write;

    ctx = ngx_http_get_module_ctx(r, ngx_http_procmgr_module);
    e = ctx->data;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    rc = ngx_http_procmgr_export_sent(e, ngx_http_output_filter(r, NULL));

    if (rc != NGX_AGAIN) {
        ngx_http_finalize_request(r, rc);
    }
}


static void
ngx_http_procmgr_export_gone(void *data)
{
    ngx_http_procmgr_export_t *e = data;

    if (e->query) {
        ngx_procmgr_pg_forget(e->query);
        e->query = NULL;
    }

    json_decref(e->page);
    e->page = NULL;

    free(e->filters);
    e->filters = NULL;
}
