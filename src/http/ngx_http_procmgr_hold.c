
/*
 * A refusal that is held for a moment.
 *
 * A refused login costs next to nothing, and who floods tries again once it
 * is answered: thousands of them a second would take the worker's time from
 * all that it serves.  No two wait for the same time, so that they do not
 * come back together.
 */


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_HOLD_LEAST   200       /* ms */
#define NGX_HTTP_PROCMGR_HOLD_SPREAD  300


typedef struct {
    ngx_http_request_t       *request;
    ngx_http_procmgr_held_pt  answer;
    ngx_event_t               timer;
} ngx_http_procmgr_hold_t;


static void ngx_http_procmgr_hold_over(ngx_event_t *ev);
static void ngx_http_procmgr_hold_gone(void *data);


ngx_int_t
ngx_http_procmgr_hold(ngx_http_request_t *r, ngx_http_procmgr_held_pt answer)
{
    ngx_http_procmgr_hold_t  *h;

    /* it costs a connection, and others must have one */

    if (ngx_cycle->free_connection_n < ngx_cycle->connection_n / 4) {
        return answer(r);
    }

    h = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_hold_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->request = r;
    h->answer = answer;
    ngx_procmgr_event(&h->timer, ngx_http_procmgr_hold_over);

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_hold_gone, h) == NULL) {
        return NGX_ERROR;
    }

    ngx_add_timer(&h->timer,
                  NGX_HTTP_PROCMGR_HOLD_LEAST
                  + (ngx_msec_t) ngx_random() % NGX_HTTP_PROCMGR_HOLD_SPREAD);

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_hold_over(ngx_event_t *ev)
{
    ngx_http_procmgr_hold_t  *h;

    h = ngx_procmgr_owner(ev, ngx_http_procmgr_hold_t, timer);

    ngx_http_procmgr_finish(h->request, h->answer(h->request));
}


static void
ngx_http_procmgr_hold_gone(void *data)
{
    ngx_http_procmgr_hold_t *h = data;

    if (h->timer.timer_set) {
        ngx_del_timer(&h->timer);
    }
}


ngx_int_t
ngx_http_procmgr_busy(ngx_http_request_t *r)
{
    ngx_str_t  value;

    ngx_str_set(&value, "1");

    if (ngx_http_procmgr_header(r, "Retry-After", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, "busy",
                                    "too many passwords are being checked");
}
