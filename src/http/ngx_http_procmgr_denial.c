
/*
 * Requests that are denied before anybody is known to ask: a worker counts
 * them by code and source and sends what it has counted in one statement, at
 * most every five seconds, so that a flood of them is no load on the database.
 * What was counted since then is lost when the worker ends.
 */


#include "ngx_http_procmgr.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_DENIAL_EVERY  5000     /* ms */
#define NGX_HTTP_PROCMGR_DENIAL_MAX    16       /* of one source each */
#define NGX_HTTP_PROCMGR_DENIAL_TEXT   256
#define NGX_HTTP_PROCMGR_DENIAL_CODES  3


typedef struct {
    const char           *code;
    u_char                remote[64];
    char                  target[NGX_HTTP_PROCMGR_DENIAL_TEXT + 1];
    char                  agent[NGX_HTTP_PROCMGR_DENIAL_TEXT + 1];
    char                  path[NGX_HTTP_PROCMGR_DENIAL_TEXT + 1];
    json_int_t            n;            /* 0: free */
    json_int_t            sent;         /* of n, on their way */
} ngx_http_procmgr_denial_t;


typedef struct {                        /* of this worker */
    ngx_procmgr_t              *pm;
    ngx_event_t                 timer;

    /* behind those of one source: all others, by code */
    ngx_http_procmgr_denial_t   rows[NGX_HTTP_PROCMGR_DENIAL_MAX
                                     + NGX_HTTP_PROCMGR_DENIAL_CODES];
    unsigned                    sending:1;
} ngx_http_procmgr_denials_t;


static ngx_http_procmgr_denial_t *ngx_http_procmgr_denial_row(
    ngx_uint_t code, ngx_str_t *remote);
static void ngx_http_procmgr_denial_text(ngx_http_request_t *r, char *dst,
    ngx_str_t *s);
static void ngx_http_procmgr_denial_send(ngx_event_t *ev);
static void ngx_http_procmgr_denial_sent(void *data,
    ngx_procmgr_pg_result_t *res);


static const char *const  ngx_http_procmgr_denial_codes[] = {
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
    d->timer.cancelable = 1;

    ngx_http_procmgr_denials = d;

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_denial(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_uint_t code, ngx_str_t *target)
{
    ngx_str_t                    remote;
    ngx_table_elt_t             *agent;
    ngx_http_procmgr_denial_t   *row;
    ngx_http_procmgr_denials_t  *d;

    d = ngx_http_procmgr_denials;

    if (ctx->pm->pg == NULL || d == NULL) {
        return NGX_DECLINED;
    }

    remote = r->connection->addr_text;
    remote.len = ngx_min(remote.len, sizeof(row->remote) - 1);

    row = ngx_http_procmgr_denial_row(code, &remote);

    if (row->n++ == 0) {

        if (row >= &d->rows[NGX_HTTP_PROCMGR_DENIAL_MAX]) {
            ngx_str_set(&remote, "*");
        }

        agent = r->headers_in.user_agent;

        row->code = ngx_http_procmgr_denial_codes[code];
        ngx_cpystrn(row->remote, remote.data, remote.len + 1);

        ngx_http_procmgr_denial_text(r, row->target, target);
        ngx_http_procmgr_denial_text(r, row->agent,
                                     agent ? &agent->value : NULL);
        ngx_http_procmgr_denial_text(r, row->path, &r->uri);
    }

    if (!d->timer.timer_set) {
        ngx_http_procmgr_denial_send(&d->timer);
    }

    return NGX_DECLINED;
}


/* the one of this source, a free one, or that of all others */

static ngx_http_procmgr_denial_t *
ngx_http_procmgr_denial_row(ngx_uint_t code, ngx_str_t *remote)
{
    ngx_uint_t                  i;
    ngx_http_procmgr_denial_t  *row, *spare;

    row = ngx_http_procmgr_denials->rows;
    spare = &row[NGX_HTTP_PROCMGR_DENIAL_MAX + code];

    for (i = 0; i < NGX_HTTP_PROCMGR_DENIAL_MAX; i++) {

        if (row[i].n == 0) {
            spare = &row[i];
            continue;
        }

        if (row[i].code == ngx_http_procmgr_denial_codes[code]
            && ngx_strlen(row[i].remote) == remote->len
            && ngx_memcmp(row[i].remote, remote->data, remote->len) == 0)
        {
            return &row[i];
        }
    }

    return spare;
}


static void
ngx_http_procmgr_denial_text(ngx_http_request_t *r, char *dst, ngx_str_t *s)
{
    char  *text;

    text = s ? ngx_http_procmgr_text(r, s, NGX_HTTP_PROCMGR_DENIAL_TEXT)
             : NULL;

    (void) ngx_cpystrn((u_char *) dst, (u_char *) (text ? text : ""),
                       NGX_HTTP_PROCMGR_DENIAL_TEXT + 1);
}


static void
ngx_http_procmgr_denial_send(ngx_event_t *ev)
{
    char                        *text;
    json_t                      *rows;
    ngx_uint_t                   i;
    const char                  *params[2];
    ngx_http_procmgr_denial_t   *row;
    ngx_http_procmgr_denials_t  *d;

    d = ngx_procmgr_owner(ev, ngx_http_procmgr_denials_t, timer);

    if (d->sending) {
        ngx_add_timer(&d->timer, NGX_HTTP_PROCMGR_DENIAL_EVERY);
        return;
    }

    rows = json_array();

    for (i = 0; i < sizeof(d->rows) / sizeof(d->rows[0]); i++) {
        row = &d->rows[i];
        row->sent = row->n;

        if (row->n) {
            (void) json_array_append_new(rows,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}",
                                 "code", row->code,
                                 "remote", row->remote,
                                 "target", row->target,
                                 "agent", row->agent,
                                 "path", row->path,
                                 "n", row->n));
        }
    }

    text = json_array_size(rows) ? json_dumps(rows, JSON_COMPACT) : NULL;

    json_decref(rows);

    if (text == NULL) {
        return;
    }

    ngx_add_timer(&d->timer, NGX_HTTP_PROCMGR_DENIAL_EVERY);

    params[0] = (const char *) d->pm->host.data;
    params[1] = text;

    d->sending = ngx_procmgr_pg_query(d->pm,
                                      NGX_HTTP_PROCMGR_SQL_REQUEST_DENIED, 2,
                                      params, 0, ngx_http_procmgr_denial_sent,
                                      d)
                 != NULL;

    free(text);
}


/* what the database did not take is sent again with what comes meanwhile */

static void
ngx_http_procmgr_denial_sent(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_denials_t *d = data;

    ngx_uint_t  i;

    d->sending = 0;

    if (res->ended != NGX_PROCMGR_PG_OK) {

        if (res->ended == NGX_PROCMGR_PG_REFUSED) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "procmgr: denied requests are not recorded (%s)",
                          res->sqlstate);
        }

        return;
    }

    for (i = 0; i < sizeof(d->rows) / sizeof(d->rows[0]); i++) {
        d->rows[i].n -= d->rows[i].sent;
        d->rows[i].sent = 0;
    }
}
