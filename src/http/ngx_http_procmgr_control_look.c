
/* A request of control that needs a view before it goes on */


#include "ngx_http_procmgr_control.h"


/* names and units change with the policy only: a wrong one does no harm,
   since the helper looks again and has a lock of its own */
#define NGX_HTTP_PROCMGR_LOOK_UNITS  60000      /* ms */


typedef struct {
    ngx_http_request_t           *r;
    ngx_http_procmgr_looked_pt    handler;
    ngx_procmgr_wait_t           *wait;
} ngx_http_procmgr_look_t;


static void ngx_http_procmgr_control_look_gone(void *data);
static void ngx_http_procmgr_control_look_made(void *data,
    ngx_procmgr_body_t *body);
static ngx_int_t ngx_http_procmgr_control_looked(ngx_http_procmgr_look_t *look,
    ngx_procmgr_body_t *body);


ngx_int_t
ngx_http_procmgr_control_view(ngx_http_request_t *r,
    ngx_http_procmgr_list_args_t *args, ngx_procmgr_view_t *view)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, sizeof("control////") + 3 * NGX_INT_T_LEN
                             + NGX_HTTP_PROCMGR_NAME_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(view, sizeof(ngx_procmgr_view_t));

    view->key.data = p;
    view->key.len = ngx_sprintf(p, "control/%ui/%ui/%ui/%s", args->what,
                                args->role, args->lines, args->name)
                    - p;
    view->args = args;
    view->args_size = sizeof(ngx_http_procmgr_list_args_t);

    switch (args->what) {

    case NGX_HTTP_PROCMGR_LIST_POLICY:
        view->make = ngx_http_procmgr_control_make_policy;
        break;

    case NGX_HTTP_PROCMGR_LIST_JOURNAL:
        view->make = ngx_http_procmgr_control_make_journal;
        break;

    case NGX_HTTP_PROCMGR_LIST_BOOT:
        view->make = ngx_http_procmgr_control_make_boot;
        break;

    case NGX_HTTP_PROCMGR_LIST_PROCESS:
        view->make = ngx_http_procmgr_control_make_process;
        view->again = 1;
        break;

    case NGX_HTTP_PROCMGR_LIST_UNITS:
        view->max_age = NGX_HTTP_PROCMGR_LOOK_UNITS;
        view->make = ngx_http_procmgr_control_make;
        break;

    default:
        view->timeout = NGX_HTTP_PROCMGR_LIST_TIMEOUT;
        view->make = ngx_http_procmgr_control_make;
        break;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_control_look(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_view_t *view,
    ngx_http_procmgr_looked_pt handler)
{
    ngx_int_t                 rc;
    ngx_procmgr_body_t       *body;
    ngx_http_procmgr_look_t  *look;

    look = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_look_t));
    if (look == NULL) {
        return NGX_ERROR;
    }

    look->r = r;
    look->handler = handler;

    /* before it waits, so that nothing can fail behind it */

    if (ngx_http_procmgr_on_gone(r, ngx_http_procmgr_control_look_gone, look)
        == NULL)
    {
        return NGX_ERROR;
    }

    body = NULL;

    rc = ngx_procmgr_view_get(ctx->pm, view, &body,
                              ngx_http_procmgr_control_look_made, look,
                              &look->wait);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    look->wait = NULL;

    if (rc != NGX_OK) {
        return ngx_http_procmgr_control_looked(look, NULL);
    }

    rc = ngx_http_procmgr_control_looked(look, body);

    ngx_procmgr_body_release(body);

    return rc;
}


static void
ngx_http_procmgr_control_look_gone(void *data)
{
    ngx_http_procmgr_look_t *look = data;

    if (look->wait) {
        ngx_procmgr_view_forget(look->wait);
        look->wait = NULL;
    }
}


static void
ngx_http_procmgr_control_look_made(void *data, ngx_procmgr_body_t *body)
{
    ngx_http_procmgr_look_t *look = data;

    look->wait = NULL;

    ngx_http_procmgr_finish(look->r,
                            ngx_http_procmgr_control_looked(look, body));
}


static ngx_int_t
ngx_http_procmgr_control_looked(ngx_http_procmgr_look_t *look,
    ngx_procmgr_body_t *body)
{
    json_t                  *value;
    ngx_int_t                rc;
    json_error_t             error;
    ngx_http_procmgr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(look->r, ngx_http_procmgr_module);
    value = NULL;

    if (body && body->status == NGX_HTTP_OK) {
        value = json_loadb((char *) body->data, body->len, JSON_DECODE_ANY,
                           &error);
    }

    rc = look->handler(look->r, ctx, body, value);

    json_decref(value);

    return rc;
}
