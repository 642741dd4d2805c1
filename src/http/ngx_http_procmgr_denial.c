
/*
 * Requests that are denied before anybody is known to ask are counted in the
 * zone and sent in one statement, at most every five seconds, so that a flood
 * of them is no load on the database.
 *
 * A worker that leaves sends what there is; what one that was killed has
 * counted is sent by the worker that is started in its place.  One that is
 * killed while its statement is on its way leaves it open whether it was run:
 * it is sent again.
 */


#include "ngx_http_procmgr.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_denial.h"


#define NGX_HTTP_PROCMGR_DENIAL_EVERY  5000     /* ms */
#define NGX_HTTP_PROCMGR_DENIAL_LOOK   1000


typedef struct {                        /* of this worker */
    ngx_procmgr_t              *pm;
    ngx_event_t                 timer;
    ngx_procmgr_denial_t        rows[NGX_PROCMGR_DENIAL_ROWS];
    unsigned                    sending:1;
} ngx_http_procmgr_denials_t;


static void ngx_http_procmgr_denial_text(ngx_http_request_t *r, char *dst,
    ngx_str_t *s);
static void ngx_http_procmgr_denial_send(ngx_event_t *ev);
static void ngx_http_procmgr_denial_later(ngx_http_procmgr_denials_t *d);
static char *ngx_http_procmgr_denial_json(ngx_procmgr_denial_t *row);
static void ngx_http_procmgr_denial_sent(void *data,
    ngx_procmgr_pg_result_t *res);


static const char *const
    ngx_http_procmgr_denial_codes[NGX_PROCMGR_DENIAL_CODES] =
{
    "bad_host", "bad_origin", "bad_csrf"
};


static ngx_http_procmgr_denials_t  *ngx_http_procmgr_denials;


ngx_int_t
ngx_http_procmgr_denial_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_http_procmgr_denials_t  *d;

    d = ngx_pcalloc(cycle->pool, sizeof(ngx_http_procmgr_denials_t));
    if (d == NULL) {
        return NGX_ERROR;
    }

    d->pm = pm;
    ngx_procmgr_event(&d->timer, ngx_http_procmgr_denial_send);

    /* what another left: one look, that no exit waits for */

    d->timer.cancelable = 1;
    ngx_add_timer(&d->timer, NGX_HTTP_PROCMGR_DENIAL_LOOK);

    ngx_http_procmgr_denials = d;

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_denial(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_uint_t code, ngx_str_t *target)
{
    ngx_str_t                   *remote;
    ngx_table_elt_t             *agent;
    ngx_procmgr_denial_t         row;
    ngx_http_procmgr_denials_t  *d;

    d = ngx_http_procmgr_denials;

    if (ctx->pm->pg == NULL || d == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&row, sizeof(ngx_procmgr_denial_t));

    remote = &r->connection->addr_text;

    row.code = code;
    (void) ngx_cpystrn((u_char *) row.remote, remote->data,
                       ngx_min(remote->len + 1, sizeof(row.remote)));

    if (ngx_procmgr_denial_count(d->pm, &row) != NGX_OK) {

        agent = r->headers_in.user_agent;

        ngx_http_procmgr_denial_text(r, row.target, target);
        ngx_http_procmgr_denial_text(r, row.agent,
                                     agent ? &agent->value : NULL);
        ngx_http_procmgr_denial_text(r, row.path, &r->uri);

        ngx_procmgr_denial_add(d->pm, &row);
    }

    /* the first look of a new worker may be set, and may be cancelled */

    if (!d->timer.timer_set || d->timer.cancelable) {
        ngx_http_procmgr_denial_send(&d->timer);
    }

    return NGX_DECLINED;
}


static void
ngx_http_procmgr_denial_text(ngx_http_request_t *r, char *dst, ngx_str_t *s)
{
    char  *text;

    text = s ? ngx_http_procmgr_text(r, s, NGX_PROCMGR_DENIAL_TEXT) : NULL;

    (void) ngx_cpystrn((u_char *) dst, (u_char *) (text ? text : ""),
                       NGX_PROCMGR_DENIAL_TEXT + 1);
}


static void
ngx_http_procmgr_denial_send(ngx_event_t *ev)
{
    char                        *text;
    ngx_int_t                    rc;
    const char                  *params[2];
    ngx_http_procmgr_denials_t  *d;

    d = ngx_procmgr_owner(ev, ngx_http_procmgr_denials_t, timer);

    if (d->sending) {
        return;
    }

    rc = ngx_procmgr_denial_take(d->pm, d->rows,
                                 NGX_HTTP_PROCMGR_DENIAL_EVERY, ngx_exiting);

    if (rc == NGX_BUSY) {
        ngx_http_procmgr_denial_later(d);
    }

    if (rc != NGX_OK) {
        return;
    }

    text = ngx_http_procmgr_denial_json(d->rows);

    params[0] = (const char *) d->pm->host.data;
    params[1] = text;

    if (text) {
        d->sending = ngx_procmgr_pg_query(d->pm,
                                          NGX_HTTP_PROCMGR_SQL_REQUEST_DENIED,
                                          2, params, 0,
                                          ngx_http_procmgr_denial_sent, d)
                     != NULL;
    }

    free(text);

    if (!d->sending) {
        ngx_procmgr_denial_settle(d->pm, 0);

        if (!ngx_exiting) {
            ngx_http_procmgr_denial_later(d);
        }
    }
}


/* a worker that leaves waits for this timer, and sends without waiting */

static void
ngx_http_procmgr_denial_later(ngx_http_procmgr_denials_t *d)
{
    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    d->timer.cancelable = 0;
    ngx_add_timer(&d->timer, NGX_HTTP_PROCMGR_DENIAL_LOOK);
}


static char *
ngx_http_procmgr_denial_json(ngx_procmgr_denial_t *row)
{
    char        *text;
    json_t      *rows;
    ngx_uint_t   i;

    rows = json_array();

    for (i = 0; i < NGX_PROCMGR_DENIAL_ROWS; i++) {

        if (row[i].n == 0) {
            continue;
        }

        (void) json_array_append_new(rows,
                   json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}",
                             "code", ngx_http_procmgr_denial_codes[row[i].code],
                             "remote", row[i].remote,
                             "target", row[i].target,
                             "agent", row[i].agent,
                             "path", row[i].path,
                             "n", (json_int_t) row[i].n));
    }

    text = json_dumps(rows, JSON_COMPACT);

    json_decref(rows);

    return text;
}


/* what the database did not take is sent again with what comes meanwhile */

static void
ngx_http_procmgr_denial_sent(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_denials_t *d = data;

    d->sending = 0;

    ngx_procmgr_denial_settle(d->pm, res->ended == NGX_PROCMGR_PG_OK);

    if (res->ended == NGX_PROCMGR_PG_REFUSED) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "procmgr: denied requests are not recorded (%s)",
                      res->sqlstate);
    }

    /* no exit waits for a database that is away */

    if (res->ended == NGX_PROCMGR_PG_OK || !ngx_exiting) {
        ngx_http_procmgr_denial_send(&d->timer);
    }
}
