
/*
 * The family "control": what the policy lets a role do, and its doing.
 * The policy is the helper's; here is only what it tells.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_control.h"


#define NGX_HTTP_PROCMGR_NAME_MAX  128


typedef struct {                            /* one service of the list */
    ngx_http_request_t       *r;
    ngx_str_t                 name;
    ngx_procmgr_wait_t       *wait;
    ngx_pool_cleanup_t       *cln;
} ngx_http_procmgr_one_t;


typedef struct {
    ngx_str_t                 name;
    ngx_str_t                 action;
} ngx_http_procmgr_service_t;


static ngx_int_t ngx_http_procmgr_control_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_service(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_act(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_commands(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_policy(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

static ngx_int_t ngx_http_procmgr_control_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what, ngx_procmgr_view_t *view,
    ngx_http_procmgr_list_args_t *args);
static void ngx_http_procmgr_control_one_gone(void *data);
static void ngx_http_procmgr_control_one_made(void *data,
    ngx_procmgr_body_t *body);
static ngx_int_t ngx_http_procmgr_control_one(ngx_http_request_t *r,
    ngx_str_t *name, ngx_procmgr_body_t *body);
static ngx_uint_t ngx_http_procmgr_control_name(ngx_str_t *name);


/*
 * Who may act is looked at in the handler: an attempt of an account whose
 * role is too low is a row of the log.
 */

ngx_http_procmgr_route_t  ngx_http_procmgr_control_routes[] = {

    { NGX_HTTP_GET, "services", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_services },

    { NGX_HTTP_POST, "services", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_control_act },

    { NGX_HTTP_GET, "services/{word}", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_service },

    { NGX_HTTP_GET, "commands", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_commands },

    { NGX_HTTP_GET, "policy", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_control_policy },

    { 0, NULL, 0, 0, NULL }
};




static const ngx_http_procmgr_member_t  ngx_http_procmgr_control_members[] = {

    { "name", 's', 0, offsetof(ngx_http_procmgr_service_t, name),
      0, NGX_HTTP_PROCMGR_NAME_MAX },

    { "action", 's', 0, offsetof(ngx_http_procmgr_service_t, action),
      0, 16 },

    { NULL, 0, 0, 0, 0, 0 }
};


static const struct {
    const char  *action;
    const char  *type;
} ngx_http_procmgr_control_actions[] = {
    { "start", "service_start" },
    { "stop", "service_stop" },
    { "restart", "service_restart" },
    { "reload", "service_reload" },
    { "enable", "service_enable" },
    { "disable", "service_disable" },
    { NULL, NULL }
};


static ngx_int_t
ngx_http_procmgr_control_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_view_t            view;
    ngx_http_procmgr_list_args_t  args;

    if (ngx_http_procmgr_control_view(r, ctx, NGX_HTTP_PROCMGR_LIST_SERVICES,
                                      &view, &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_send_view(r, &view);
}


static ngx_int_t
ngx_http_procmgr_control_commands(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_view_t            view;
    ngx_http_procmgr_list_args_t  args;

    if (ngx_http_procmgr_control_view(r, ctx, NGX_HTTP_PROCMGR_LIST_COMMANDS,
                                      &view, &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_send_view(r, &view);
}


static ngx_int_t
ngx_http_procmgr_control_policy(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_view_t            view;
    ngx_http_procmgr_list_args_t  args;

    if (ngx_http_procmgr_control_view(r, ctx, NGX_HTTP_PROCMGR_LIST_POLICY,
                                      &view, &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_send_view(r, &view);
}


/* taken from the list: any number of names cost one run of the helper */

static ngx_int_t
ngx_http_procmgr_control_service(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_procmgr_body_t            *body;
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_one_t        *one;
    ngx_http_procmgr_list_args_t   args;

    if (!ngx_http_procmgr_control_name(&ctx->seg[0])) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "\"%V\" cannot be a service's name",
                   &ctx->seg[0]);
    }

    if (ngx_http_procmgr_control_view(r, ctx, NGX_HTTP_PROCMGR_LIST_SERVICES,
                                      &view, &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    one = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_one_t));
    if (one == NULL) {
        return NGX_ERROR;
    }

    one->r = r;
    one->name = ctx->seg[0];

    one->cln = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_control_one_gone,
                                        one);
    if (one->cln == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_procmgr_view_get(ctx->pm, &view, &body,
                              ngx_http_procmgr_control_one_made, one,
                              &one->wait);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    one->wait = NULL;

    if (rc == NGX_OK) {
        rc = ngx_http_procmgr_control_one(r, &one->name, body);
        ngx_procmgr_body_release(body);
        return rc;
    }

    return ngx_http_procmgr_control_one(r, &one->name, NULL);
}


static void
ngx_http_procmgr_control_one_gone(void *data)
{
    ngx_http_procmgr_one_t *one = data;

    if (one->wait) {
        ngx_procmgr_view_forget(one->wait);
        one->wait = NULL;
    }
}


static void
ngx_http_procmgr_control_one_made(void *data, ngx_procmgr_body_t *body)
{
    ngx_http_procmgr_one_t *one = data;

    one->wait = NULL;

    ngx_http_procmgr_finish(one->r,
        ngx_http_procmgr_control_one(one->r, &one->name, body));
}


static ngx_int_t
ngx_http_procmgr_control_one(ngx_http_request_t *r, ngx_str_t *name,
    ngx_procmgr_body_t *body)
{
    size_t         i;
    json_t        *list, *item, *value;
    ngx_int_t      rc;
    json_error_t   error;

    if (body == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "busy", "the list of services could not be made in time");
    }

    if (body->status != NGX_HTTP_OK) {
        return ngx_http_procmgr_send_body(r, body);
    }

    list = json_loadb((char *) body->data, body->len, 0, &error);

    json_array_foreach(list, i, item) {

        value = json_object_get(item, "name");

        if (json_string_length(value) == name->len
            && ngx_strncmp(json_string_value(value), name->data, name->len)
               == 0)
        {
            rc = ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json_incref(item));
            json_decref(list);
            return rc;
        }
    }

    json_decref(list);

    return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                   "the policy has no service \"%V\" for this role", name);
}


static ngx_int_t
ngx_http_procmgr_control_act(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    json_t                      *request;
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_procmgr_act_t       act;
    ngx_http_procmgr_service_t   service;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&service, sizeof(ngx_http_procmgr_service_t));

    if (ngx_http_procmgr_members(r, ctx, ngx_http_procmgr_control_members,
                                 &service)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (!ngx_http_procmgr_control_name(&service.name)) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "name \"%V\" cannot be a service's name: "
                   "1 to 128 letters, digits and @._:- without a leading "
                   "hyphen", &service.name);
    }

    for (i = 0; ngx_http_procmgr_control_actions[i].action; i++) {

        if (service.action.len
            == ngx_strlen(ngx_http_procmgr_control_actions[i].action)
            && ngx_strncmp(service.action.data,
                           ngx_http_procmgr_control_actions[i].action,
                           service.action.len)
               == 0)
        {
            break;
        }
    }

    if (ngx_http_procmgr_control_actions[i].action == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "action \"%V\" is none of start, stop, "
                   "restart, reload, enable, disable", &service.action);
    }

    request = json_pack("{s:s%, s:s}",
                        "name", service.name.data, (size_t) service.name.len,
                        "action", ngx_http_procmgr_control_actions[i].action);
    if (request == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&act, sizeof(ngx_http_procmgr_act_t));

    act.type = ngx_http_procmgr_control_actions[i].type;
    act.verb = "service";
    act.target = service.name;
    act.request = request;

    if (ctx->role < NGX_PROCMGR_ROLE_OPERATOR) {
        rc = ngx_http_procmgr_op_refuse(r, ctx, &act, "role_too_low",
                                  "this needs the role operator");

    } else {
        rc = ngx_http_procmgr_op_start(r, ctx, &act);
    }

    json_decref(request);

    return rc;
}


/* NGX_DECLINED: it was answered, ctx->rc tells */

static ngx_int_t
ngx_http_procmgr_control_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what, ngx_procmgr_view_t *view,
    ngx_http_procmgr_list_args_t *args)
{
    u_char  *p;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, sizeof("control//") + 2 * NGX_INT_T_LEN);
    if (p == NULL) {
        ctx->rc = NGX_ERROR;
        return NGX_DECLINED;
    }

    ngx_memzero(view, sizeof(ngx_procmgr_view_t));
    ngx_memzero(args, sizeof(ngx_http_procmgr_list_args_t));

    args->what = what;
    args->role = ctx->role;

    view->key.data = p;
    view->key.len = ngx_sprintf(p, "control/%ui/%ui", what, ctx->role) - p;
    view->args = args;
    view->args_size = sizeof(ngx_http_procmgr_list_args_t);
    view->make = (what == NGX_HTTP_PROCMGR_LIST_POLICY)
                     ? ngx_http_procmgr_control_make_policy
                     : ngx_http_procmgr_control_make;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_procmgr_control_name(ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_PROCMGR_NAME_MAX
        || name->data[0] == '-')
    {
        return 0;
    }

    for (i = 0; i < name->len; i++) {

        c = name->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '@' || c == '.' || c == '_' || c == ':' || c == '-')
        {
            continue;
        }

        return 0;
    }

    return 1;
}
