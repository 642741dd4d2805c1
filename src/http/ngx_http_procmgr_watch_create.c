
/* A new watch: what is asked for, and whether its command may be run */


#include "ngx_http_procmgr_watch.h"


#define NGX_HTTP_PROCMGR_WATCH_COMMANDS  60000  /* ms, as control has it */


static ngx_int_t ngx_http_procmgr_watch_command(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list);


ngx_int_t
ngx_http_procmgr_watch_create(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char                         why[NGX_HTTP_PROCMGR_WATCH_WHY];
    ngx_procmgr_view_t             view;
    ngx_procmgr_watch_def_t        def;
    ngx_http_procmgr_change_t     *c;
    ngx_http_procmgr_list_args_t   args;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    if (ngx_http_procmgr_watch_def_parse(ctx->body, &def, 0, why) != NGX_OK) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter", "%s", why);
    }

    if (ctx->pm->pg == NULL) {
        return ngx_http_procmgr_db_away(r);
    }

    c = ngx_http_procmgr_watch_change(r, ctx, NGX_HTTP_PROCMGR_WATCH_CREATE);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->def = def;
    c->def.role = (uint32_t) c->role;

    /* the row of the start has the id of the watch */

    ngx_memcpy(c->def.id, c->op, 37);
    ngx_memcpy(c->def.actor, c->actor, sizeof(c->actor));
    ngx_memcpy(c->def.remote, c->remote, sizeof(c->remote));

    if (def.on_alert[0] == '\0') {
        return ngx_http_procmgr_watch_look(r, c);
    }

    ctx->data = c;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_COMMANDS;
    args.role = ctx->role;

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        (void) ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        return NGX_ERROR;
    }

    view.max_age = NGX_HTTP_PROCMGR_WATCH_COMMANDS;

    return ngx_http_procmgr_control_look(r, ctx, &view,
                                         ngx_http_procmgr_watch_command);
}


/* what an alert may start is looked at now, by whoever is to be blamed */

static ngx_int_t
ngx_http_procmgr_watch_command(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list)
{
    json_t                     *entry, *request;
    ngx_int_t                   rc;
    pm_words_t                  words;
    const char                 *id, *user, *text;
    ngx_http_procmgr_act_t     *act;
    ngx_http_procmgr_change_t  *c;

    c = ctx->data;
    text = c->def.on_alert;

    rc = pm_words_split(&words, text, ngx_strlen(text));
    request = ngx_http_procmgr_command_request(&words, 0);
    act = ngx_http_procmgr_control_act(r, request);

    if (act == NULL) {
        rc = NGX_ERROR;
        goto failed;
    }

    if (list == NULL) {
        rc = ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "helper_unavailable",
                                      "the commands of the policy cannot be "
                                      "looked at");
        goto failed;
    }

    act->type = "command_run";
    act->verb = "command";
    act->target.data = (u_char *) text;
    act->target.len = ngx_strlen(text);

    entry = rc == 0 ? ngx_http_procmgr_command_find(list,
                                json_object_get(act->request, "argv"))
                    : NULL;

    id = json_string_value(json_object_get(entry, "id"));
    user = json_string_value(json_object_get(entry, "user"));

    if (id == NULL) {
        rc = ngx_http_procmgr_op_refuse(r, ctx, act, "unknown_command",
                 "on_alert is none of the policy's commands for this role");
        goto failed;
    }

    if (user
        && (ngx_strcmp(user, "root") == 0 || ngx_strcmp(user, "0") == 0)
        && ngx_http_procmgr_control_fresh(r, ctx, act) != NGX_OK)
    {
        rc = ctx->rc;
        goto failed;
    }

    ngx_cpystrn((u_char *) c->def.command, (u_char *) id,
                sizeof(c->def.command));

    return ngx_http_procmgr_watch_look(r, c);

failed:

    (void) ngx_http_procmgr_watch_detach(c);
    ngx_free(c);

    return rc;
}
