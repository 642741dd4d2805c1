
/*
 * The family "control": what the policy lets a role do, and its doing.
 * The policy is the helper's; here is only what it tells.
 */


#include "ngx_http_procmgr_control.h"


#define NGX_HTTP_PROCMGR_FRESH  (5 * 60 * 1000)     /* ms */


typedef struct {
    ngx_str_t                 name;
    ngx_str_t                 action;
} ngx_http_procmgr_service_t;


static ngx_int_t ngx_http_procmgr_control_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_commands(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_policy(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what);
static ngx_int_t ngx_http_procmgr_control_service(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list);
static ngx_int_t ngx_http_procmgr_control_do(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_control_held(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *units);
static ngx_uint_t ngx_http_procmgr_control_need(ngx_http_request_t *r);
static void ngx_http_procmgr_control_act_free(void *data);


/*
 * Who may act is looked at in the handler: an attempt of an account whose
 * role is too low is a row of the log.
 */

ngx_http_procmgr_route_t  ngx_http_procmgr_control_routes[] = {

    { NGX_HTTP_GET, "services", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_services },

    { NGX_HTTP_POST, "services", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_control_do },

    { NGX_HTTP_GET, "services/{word}", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_service },

    { NGX_HTTP_GET, "services/{word}/journal", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_journal },

    { NGX_HTTP_GET, "commands", NGX_PROCMGR_ROLE_OPERATOR, 0,
      ngx_http_procmgr_control_commands },

    { NGX_HTTP_POST, "commands", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_control_command },

    { NGX_HTTP_POST, "signal", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_control_signal },

    { NGX_HTTP_POST, "priority", NGX_PROCMGR_ROLE_VIEWER,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_control_priority },

    { NGX_HTTP_GET, "policy", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_control_policy },

    { 0, NULL, 0, 0, NULL }
};


/* longer than a name can be: what cannot be one is refused with a row */

static const ngx_http_procmgr_member_t  ngx_http_procmgr_control_members[] = {

    { "name", 's', 0, offsetof(ngx_http_procmgr_service_t, name),
      0, 1024 },

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
    return ngx_http_procmgr_control_list(r, ctx,
                                         NGX_HTTP_PROCMGR_LIST_SERVICES);
}


static ngx_int_t
ngx_http_procmgr_control_commands(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_control_list(r, ctx,
                                         NGX_HTTP_PROCMGR_LIST_COMMANDS);
}


static ngx_int_t
ngx_http_procmgr_control_policy(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_control_list(r, ctx,
                                         NGX_HTTP_PROCMGR_LIST_POLICY);
}


static ngx_int_t
ngx_http_procmgr_control_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what)
{
    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_procmgr_control_allowed(r, ctx, what, NULL);
}


/* taken from the list: any number of names cost one run of the helper */

static ngx_int_t
ngx_http_procmgr_control_service(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    if (!ngx_http_procmgr_control_name(&ctx->seg[0])) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_name", "\"%V\" cannot be a service's name",
                   &ctx->seg[0]);
    }

    return ngx_http_procmgr_control_allowed(r, ctx,
                                            NGX_HTTP_PROCMGR_LIST_SERVICES,
                                            ngx_http_procmgr_control_one);
}


static ngx_int_t
ngx_http_procmgr_control_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list)
{
    size_t      i;
    json_t     *item, *value;
    ngx_str_t  *name;

    name = &ctx->seg[0];

    if (body == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "busy", "the list of services could not be made in time");
    }

    if (list == NULL) {
        return ngx_http_procmgr_send_body(r, body);
    }

    json_array_foreach(list, i, item) {

        value = json_object_get(item, "name");

        if (json_is_string(value)
            && json_string_length(value) == name->len
            && ngx_memcmp(json_string_value(value), name->data, name->len)
               == 0)
        {
            return ngx_http_procmgr_send_json(r, NGX_HTTP_OK,
                                              json_incref(item));
        }
    }

    return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                   "the policy has no service \"%V\" for this role", name);
}


static ngx_int_t
ngx_http_procmgr_control_do(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char                          *text;
    ngx_uint_t                     i;
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_act_t        *act;
    ngx_http_procmgr_service_t     service;
    ngx_http_procmgr_list_args_t   args;

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

    act = ngx_http_procmgr_control_act(r,
              json_pack("{s:s%, s:s}", "name", service.name.data,
                        (size_t) service.name.len, "action",
                        ngx_http_procmgr_control_actions[i].action));

    text = ngx_http_procmgr_text(r, &service.name, 1024);

    if (act == NULL || text == NULL) {
        return NGX_ERROR;
    }

    act->type = ngx_http_procmgr_control_actions[i].type;
    act->verb = "service";
    act->target.data = (u_char *) text;
    act->target.len = ngx_strlen(text);

    if (ngx_http_procmgr_control_may(r, ctx, act) != NGX_OK) {
        return ctx->rc;
    }

    if (!ngx_http_procmgr_control_name(&service.name)) {
        return ngx_http_procmgr_op_refuse(r, ctx, act, "bad_name",
                   "this cannot be a service's name: 1 to 128 letters, "
                   "digits and @._:- without a leading hyphen");
    }

    ctx->data = act;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_UNITS;
    args.role = ctx->role;

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_control_look(r, ctx, &view,
                                         ngx_http_procmgr_control_held);
}


/*
 * Two names of one unit hold the same thing.  Without the list, or when the
 * policy does not know the name, the helper will say what is wrong.
 */

static ngx_int_t
ngx_http_procmgr_control_held(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *units)
{
    u_char                  *p;
    size_t                   i;
    json_t                  *entry, *value;
    const char              *unit, *action;
    ngx_http_procmgr_act_t  *act;

    act = ctx->data;

    entry = json_object_get(units, (char *) act->target.data);
    action = json_string_value(json_object_get(act->request, "action"));
    unit = json_string_value(json_array_get(entry, 0));

    if (unit == NULL) {
        unit = (char *) act->target.data;
    }

    json_array_foreach(entry, i, value) {

        if (i && ngx_strcmp(json_string_value(value), action) == 0) {
            act->known = 1;
        }
    }

    p = ngx_pnalloc(r->pool, sizeof("service:") + ngx_strlen(unit));
    if (p == NULL) {
        return NGX_ERROR;
    }

    act->lock.data = p;
    act->lock.len = ngx_sprintf(p, "service:%s", unit) - p;

    return ngx_http_procmgr_op_start(r, ctx, act);
}


ngx_http_procmgr_act_t *
ngx_http_procmgr_control_act(ngx_http_request_t *r, json_t *request)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_procmgr_act_t  *act;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    act = ngx_pcalloc(r->pool, sizeof(ngx_http_procmgr_act_t));

    if (cln == NULL || act == NULL || request == NULL) {
        json_decref(request);
        return NULL;
    }

    cln->handler = ngx_http_procmgr_control_act_free;
    cln->data = request;

    act->request = request;

    return act;
}


static void
ngx_http_procmgr_control_act_free(void *data)
{
    json_decref(data);
}


/* the location may ask for more than the family does */

static ngx_uint_t
ngx_http_procmgr_control_need(ngx_http_request_t *r)
{
    ngx_http_procmgr_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_procmgr_module);

    return ngx_max(plcf->role, NGX_PROCMGR_ROLE_OPERATOR);
}


ngx_int_t
ngx_http_procmgr_control_may(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act)
{
    u_char      reason[64];
    ngx_uint_t  need;

    need = ngx_http_procmgr_control_need(r);

    if (ctx->role >= need) {
        return NGX_OK;
    }

    *ngx_sprintf(reason, "this needs the role %s, yours is %s",
                 ngx_http_procmgr_role_name(need),
                 ngx_http_procmgr_role_name(ctx->role))
        = '\0';

    ctx->rc = ngx_http_procmgr_op_refuse(r, ctx, act, "role_too_low",
                                         (char *) reason);
    return NGX_DECLINED;
}


ngx_int_t
ngx_http_procmgr_control_fresh(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act)
{
    int64_t  now;

    now = ngx_http_procmgr_sess_now(&ctx->sess);

    /* a clock that was set back is no proof of freshness */

    if (!ctx->sess.bearer && ctx->sess.auth_at
        && now - ctx->sess.auth_at <= NGX_HTTP_PROCMGR_FRESH
        && ctx->sess.auth_at - now <= NGX_HTTP_PROCMGR_FRESH)
    {
        return NGX_OK;
    }

    ctx->rc = ngx_http_procmgr_op_refuse(r, ctx, act, "reauth_required",
                  "this needs the password again, given within the last five "
                  "minutes");
    return NGX_DECLINED;
}


ngx_uint_t
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
