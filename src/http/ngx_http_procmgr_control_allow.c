
/*
 * Lists of what the policy allows, cut down to what the account may: one
 * that has a list of services acts on these and does nothing else.  The
 * database has that list and refuses the rest; here it is told.  While the
 * database is away nothing can be done at all, and the policy's own is told.
 */


#include "ngx_http_procmgr_control.h"
#include "ngx_http_procmgr_sql.h"


typedef struct {
    ngx_http_procmgr_list_args_t  args;
    ngx_procmgr_view_t            view;
    ngx_http_procmgr_looked_pt    handler;  /* NULL: the list as it is */
    json_t                       *services; /* NULL: no list of its own */
} ngx_http_procmgr_allow_t;


static ngx_int_t ngx_http_procmgr_allow_told(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);
static ngx_int_t ngx_http_procmgr_allow_send(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_allow_look(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list);
static void ngx_http_procmgr_allow_cut(ngx_http_procmgr_allow_t *a,
    json_t *list);
static void ngx_http_procmgr_allow_services(ngx_http_procmgr_allow_t *a,
    json_t *list);
static void ngx_http_procmgr_allow_free(void *data);


ngx_int_t
ngx_http_procmgr_control_allowed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what,
    ngx_http_procmgr_looked_pt handler)
{
    const char                *params[1];
    ngx_pool_cleanup_t        *cln;
    ngx_http_procmgr_allow_t  *a;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_procmgr_allow_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    a = cln->data;

    ngx_memzero(a, sizeof(ngx_http_procmgr_allow_t));

    cln->handler = ngx_http_procmgr_allow_free;

    a->handler = handler;
    a->args.what = what;
    a->args.role = ctx->role;

    if (ngx_http_procmgr_control_view(r, &a->args, &a->view) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->data = a;

    /* there is nothing that a viewer may do */

    if (ctx->role < NGX_PROCMGR_ROLE_OPERATOR || ctx->pm->pg == NULL) {
        return ngx_http_procmgr_allow_send(r, ctx);
    }

    params[0] = ctx->sess.user;

    return ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_ACTOR_ALLOW, 1,
                                params, ngx_http_procmgr_allow_told);
}


static ngx_int_t
ngx_http_procmgr_allow_told(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_http_procmgr_allow_t  *a;

    a = ctx->data;

    if (json_is_array(value)) {
        a->services = json_incref(value);
    }

    return ngx_http_procmgr_allow_send(r, ctx);
}


static ngx_int_t
ngx_http_procmgr_allow_send(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_allow_t  *a;

    a = ctx->data;

    if (a->services == NULL && a->handler == NULL) {
        return ngx_http_procmgr_send_view(r, &a->view);
    }

    return ngx_http_procmgr_control_look(r, ctx, &a->view,
                                         ngx_http_procmgr_allow_look);
}


static ngx_int_t
ngx_http_procmgr_allow_look(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list)
{
    ngx_http_procmgr_allow_t  *a;

    a = ctx->data;

    if (list && a->services) {
        ngx_http_procmgr_allow_cut(a, list);
    }

    if (a->handler) {
        return a->handler(r, ctx, body, list);
    }

    if (body == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "busy", "the list could not be made in time");
    }

    if (list == NULL) {
        return ngx_http_procmgr_send_body(r, body);
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_incref(list));
}


static void
ngx_http_procmgr_allow_cut(ngx_http_procmgr_allow_t *a, json_t *list)
{
    size_t  i;

    static const char *const  others[] = { "commands", "signals",
                                           "priorities" };

    switch (a->args.what) {

    case NGX_HTTP_PROCMGR_LIST_SERVICES:
        ngx_http_procmgr_allow_services(a, list);
        break;

    case NGX_HTTP_PROCMGR_LIST_COMMANDS:
        (void) json_array_clear(list);
        break;

    default: /* NGX_HTTP_PROCMGR_LIST_POLICY */
        ngx_http_procmgr_allow_services(a, json_object_get(list, "services"));

        for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
            (void) json_array_clear(json_object_get(list, others[i]));
        }

        break;
    }
}


/* a service that it may not act on is still seen, without actions */

static void
ngx_http_procmgr_allow_services(ngx_http_procmgr_allow_t *a, json_t *list)
{
    size_t       i, k;
    json_t      *service, *name;
    ngx_uint_t   may;

    json_array_foreach(list, i, service) {

        may = 0;

        json_array_foreach(a->services, k, name) {
            may |= json_equal(name, json_object_get(service, "name"));
        }

        if (!may) {
            (void) json_array_clear(json_object_get(service, "actions"));
        }
    }
}


static void
ngx_http_procmgr_allow_free(void *data)
{
    ngx_http_procmgr_allow_t *a = data;

    json_decref(a->services);
}
