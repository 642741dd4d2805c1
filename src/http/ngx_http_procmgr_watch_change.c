
/*
 * What changes a watch.  A change outlives its request: what was committed
 * in the database has to be so in the zone too.
 *
 *   create, start:  look (thread) -> database -> zone
 *   stop, delete:   zone -> database, and back when that fails
 *   thresholds:     database -> zone
 *
 * What the database did not answer is undone, and looked up later.
 */


#include "ngx_http_procmgr_watch.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_event.h"
#include "../core/ngx_procmgr_task.h"


typedef struct {                            /* in the thread */
    ngx_http_procmgr_change_t    *change;
    ngx_uint_t                    kind;
    char                          target[NGX_PROCMGR_WATCH_TARGET];
    pm_watch_who_t                who;
    ngx_procmgr_watch_sample_t    first;
    ngx_uint_t                    status;
    char                          code[32];
    char                          err[NGX_PROCMGR_ERR_LEN];
} ngx_http_procmgr_watch_look_t;


static ngx_int_t ngx_http_procmgr_watch_known(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_watch_t *w);
static void ngx_http_procmgr_watch_gone(void *data);
static void ngx_http_procmgr_watch_looking(void *ctx, ngx_log_t *log);
static void ngx_http_procmgr_watch_looked(void *ctx);
static ngx_int_t ngx_http_procmgr_watch_write(ngx_http_procmgr_change_t *c);
static void ngx_http_procmgr_watch_written(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_watch_undo(ngx_http_procmgr_change_t *c);
static ngx_int_t ngx_http_procmgr_watch_answer(ngx_http_request_t *r,
    ngx_procmgr_t *pm, const u_char *id, ngx_uint_t status);
static ngx_int_t ngx_http_procmgr_watch_exists(ngx_http_request_t *r,
    const u_char *other);


static const char *const  ngx_http_procmgr_watch_codes[] = {
    "started", "started", "stopped", "changed", "deleted"
};


ngx_http_procmgr_change_t *
ngx_http_procmgr_watch_change(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what)
{
    size_t                      len;
    ngx_http_procmgr_change_t  *c;

    c = ngx_calloc(sizeof(ngx_http_procmgr_change_t), ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    c->gone = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_watch_gone, c);

    if (c->gone == NULL || ngx_procmgr_uuid(c->op) != NGX_OK) {

        if (c->gone) {
            c->gone->handler = NULL;
        }

        ngx_free(c);
        return NULL;
    }

    c->r = r;
    c->pm = ctx->pm;
    c->what = what;
    c->role = ctx->role;

    ngx_cpystrn((u_char *) c->actor, (u_char *) ctx->sess.user,
                sizeof(c->actor));

    len = ngx_min(r->connection->addr_text.len, sizeof(c->remote) - 1);
    ngx_memcpy(c->remote, r->connection->addr_text.data, len);

    return c;
}


/* the client has left: a change that is under way goes on */

static void
ngx_http_procmgr_watch_gone(void *data)
{
    ngx_http_procmgr_change_t *c = data;

    c->r = NULL;
    c->gone = NULL;
}


ngx_http_request_t *
ngx_http_procmgr_watch_detach(ngx_http_procmgr_change_t *c)
{
    ngx_http_request_t  *r;

    r = c->r;

    if (c->gone) {
        c->gone->handler = NULL;
        c->gone = NULL;
    }

    c->r = NULL;

    return r;
}


static ngx_int_t
ngx_http_procmgr_watch_known(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_watch_t *w)
{
    u_char  id[37];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_strlow(id, ctx->seg[0].data, 36);
    id[36] = '\0';

    if (ngx_procmgr_watch_get(ctx->pm, id, w) != NGX_OK
        || w->state == NGX_PROCMGR_WATCH_NEW)
    {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                           "there is no watch \"%s\"", id);
        return NGX_DECLINED;
    }

    if (ctx->pm->pg == NULL) {
        ctx->rc = ngx_http_procmgr_db_away(r);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_watch_start(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_watch_t         w;
    ngx_http_procmgr_change_t  *c;

    if (ngx_http_procmgr_watch_known(r, ctx, &w) != NGX_OK) {
        return ctx->rc;
    }

    if (w.state == NGX_PROCMGR_WATCH_RUNNING) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_CONFLICT,
                                        "already_running",
                                        "this watch runs already");
    }

    c = ngx_http_procmgr_watch_change(r, ctx, NGX_HTTP_PROCMGR_WATCH_START);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->def = w.def;

    return ngx_http_procmgr_watch_look(r, c);
}


ngx_int_t
ngx_http_procmgr_watch_stop(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_watch_t         w;
    ngx_http_procmgr_change_t  *c;

    if (ngx_http_procmgr_watch_known(r, ctx, &w) != NGX_OK) {
        return ctx->rc;
    }

    c = ngx_http_procmgr_watch_change(r, ctx, NGX_HTTP_PROCMGR_WATCH_STOP);
    if (c == NULL) {
        return NGX_ERROR;
    }

    if (ngx_procmgr_watch_stop(ctx->pm, w.def.id) != NGX_OK) {
        (void) ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        return ngx_http_procmgr_watch_answer(r, ctx->pm, w.def.id, 200);
    }

    c->stopped = 1;

    (void) ngx_procmgr_watch_get(ctx->pm, w.def.id, &w);

    c->def = w.def;
    ngx_procmgr_watch_summary(&w, "the watch was stopped", c->detail,
                              sizeof(c->detail));

    return ngx_http_procmgr_watch_write(c);
}


ngx_int_t
ngx_http_procmgr_watch_patch(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char                      why[NGX_HTTP_PROCMGR_WATCH_WHY];
    ngx_procmgr_watch_t         w;
    ngx_http_procmgr_change_t  *c;

    if (ngx_http_procmgr_watch_known(r, ctx, &w) != NGX_OK) {
        return ctx->rc;
    }

    if (ngx_http_procmgr_watch_limits_parse(ctx->body, &w.def, why)
        != NGX_OK)
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter", "%s", why);
    }

    c = ngx_http_procmgr_watch_change(r, ctx, NGX_HTTP_PROCMGR_WATCH_PATCH);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->def = w.def;

    return ngx_http_procmgr_watch_write(c);
}


ngx_int_t
ngx_http_procmgr_watch_delete(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_procmgr_watch_t         w;
    ngx_http_procmgr_change_t  *c;

    if (ngx_http_procmgr_watch_known(r, ctx, &w) != NGX_OK) {
        return ctx->rc;
    }

    c = ngx_http_procmgr_watch_change(r, ctx, NGX_HTTP_PROCMGR_WATCH_DELETE);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->stopped = (ngx_procmgr_watch_stop(ctx->pm, w.def.id) == NGX_OK);

    (void) ngx_procmgr_watch_get(ctx->pm, w.def.id, &w);

    c->def = w.def;
    ngx_procmgr_watch_summary(&w, "the watch was deleted", c->detail,
                              sizeof(c->detail));

    return ngx_http_procmgr_watch_write(c);
}


ngx_int_t
ngx_http_procmgr_watch_look(ngx_http_request_t *r,
    ngx_http_procmgr_change_t *c)
{
    ngx_http_procmgr_watch_look_t  *look;

    look = ngx_procmgr_task_create(c->pm,
                                   sizeof(ngx_http_procmgr_watch_look_t),
                                   ngx_http_procmgr_watch_looking,
                                   ngx_http_procmgr_watch_looked);
    if (look == NULL) {
        (void) ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        return NGX_ERROR;
    }

    look->change = c;
    look->kind = c->def.kind;
    look->who = c->def.who;
    ngx_memcpy(look->target, c->def.target, sizeof(look->target));

    if (ngx_procmgr_task_post(look) != NGX_OK) {
        (void) ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "busy", "too much work is waiting");
    }

    return NGX_AGAIN;
}


static void
ngx_http_procmgr_watch_looking(void *ctx, ngx_log_t *log)
{
    ngx_http_procmgr_watch_look_t  *look;

    look = ctx;

    look->status = ngx_procmgr_watch_look(look->change->pm, look->kind,
                                          look->target, &look->who,
                                          &look->first, look->code,
                                          look->err);
}


static void
ngx_http_procmgr_watch_looked(void *ctx)
{
    char                            err[NGX_PROCMGR_ERR_LEN];
    u_char                          other[37];
    ngx_int_t                       rc;
    ngx_http_request_t             *r;
    ngx_http_procmgr_change_t      *c;
    ngx_http_procmgr_watch_look_t  *look;

    look = ctx;
    c = look->change;

    /* nobody waits for it any more, and nothing is done yet */

    if (c->r == NULL) {
        ngx_free(c);
        return;
    }

    if (look->status) {
        r = ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        ngx_http_procmgr_finish(r,
            ngx_http_procmgr_problem(r, look->status, look->code, "%s",
                                     look->err));
        return;
    }

    if (c->def.kind == NGX_PROCMGR_WATCH_PID) {
        c->def.who = look->who;
    }

    rc = NGX_OK;

    if (c->what == NGX_HTTP_PROCMGR_WATCH_CREATE) {
        rc = ngx_procmgr_watch_add(c->pm, &c->def, other, err);
    }

    if (rc != NGX_OK) {
        r = ngx_http_procmgr_watch_detach(c);
        ngx_free(c);
        ngx_http_procmgr_finish(r, rc == NGX_BUSY
            ? ngx_http_procmgr_watch_exists(r, other)
            : ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "zone_full", "%s", err));
        return;
    }

    /* what is found by the way is the first process of a name or a unit */

    c->first = look->first;
    c->who = look->who;

    r = c->r;
    rc = ngx_http_procmgr_watch_write(c);

    if (rc != NGX_AGAIN) {
        ngx_http_procmgr_finish(r, rc);
    }
}


static ngx_int_t
ngx_http_procmgr_watch_write(ngx_http_procmgr_change_t *c)
{
    ngx_http_request_t  *r;

    if (ngx_http_procmgr_watch_query(c, ngx_http_procmgr_watch_written)) {
        return NGX_AGAIN;
    }

    r = ngx_http_procmgr_watch_detach(c);

    ngx_http_procmgr_watch_undo(c);
    ngx_free(c);

    return ngx_http_procmgr_db_away(r);
}


ngx_procmgr_pg_query_t *
ngx_http_procmgr_watch_query(ngx_http_procmgr_change_t *c,
    ngx_procmgr_pg_pt handler)
{
    char                   *def;
    char                    target[NGX_PROCMGR_WATCH_TARGET + 16];
    const char             *role, *args[9];
    ngx_procmgr_watch_t     w;
    ngx_procmgr_pg_query_t *query;

    role = ngx_http_procmgr_role_name(c->role);
    def = ngx_http_procmgr_watch_def_text(&c->def);
    query = NULL;

    if (def && c->what == NGX_HTTP_PROCMGR_WATCH_CREATE) {

        w.def = c->def;
        ngx_procmgr_watch_title(&w, target, sizeof(target));

        args[0] = (const char *) c->def.id;
        args[1] = (const char *) c->pm->host.data;
        args[2] = target;
        args[3] = c->actor;
        args[4] = role;
        args[5] = c->remote;
        args[6] = def;

        query = ngx_procmgr_pg_query(c->pm, NGX_HTTP_PROCMGR_SQL_WATCH_ADD, 7,
                                     args, 0, handler, c);

    } else if (def) {

        args[0] = (const char *) c->op;
        args[1] = (const char *) c->pm->host.data;
        args[2] = (const char *) c->def.id;
        args[3] = c->actor;
        args[4] = role;
        args[5] = c->remote;
        args[6] = ngx_http_procmgr_watch_codes[c->what];
        args[7] = c->detail[0] ? c->detail : NULL;
        args[8] = (c->what == NGX_HTTP_PROCMGR_WATCH_START
                   || c->what == NGX_HTTP_PROCMGR_WATCH_PATCH) ? def : NULL;

        query = ngx_procmgr_pg_query(c->pm, NGX_HTTP_PROCMGR_SQL_WATCH_CHANGE,
                                     9, args, 0, handler, c);
    }

    free(def);

    return query;
}


static void
ngx_http_procmgr_watch_written(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_change_t *c = data;

    json_t              *json;
    ngx_int_t            rc;
    ngx_uint_t           ok, missing;
    const char          *status;
    ngx_http_request_t  *r;

    json = ngx_http_procmgr_pg_json(res);
    status = json_string_value(json_object_get(json, "status"));

    ok = (status && ngx_strcmp(status, "ok") == 0);
    missing = (status && ngx_strcmp(status, "missing") == 0);

    json_decref(json);

    if (res->ended == NGX_PROCMGR_PG_REFUSED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: a change of watch %s was refused (%s): %s",
                      c->def.id, res->sqlstate,
                      res->message ? res->message : "");
    }

    /* what the database does not know need not be ended there */

    if (missing
        && (c->what == NGX_HTTP_PROCMGR_WATCH_STOP
            || c->what == NGX_HTTP_PROCMGR_WATCH_DELETE))
    {
        ok = 1;
    }

    rc = NGX_OK;

    if (ok) {
        ngx_http_procmgr_log_changed();
        rc = ngx_http_procmgr_watch_counts(c);

    } else {
        ngx_http_procmgr_watch_undo(c);
    }

    r = ngx_http_procmgr_watch_detach(c);

    if (r) {

        if (missing && !ok) {
            rc = ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                          "there is no watch \"%s\" any more",
                                          c->def.id);

        } else if (!ok) {
            rc = ngx_http_procmgr_db_away(r);

        } else if (rc != NGX_OK) {
            rc = ngx_http_procmgr_problem(r, NGX_HTTP_CONFLICT,
                                          "already_exists",
                                          "a watch of this target runs "
                                          "already");

        } else if (c->what == NGX_HTTP_PROCMGR_WATCH_DELETE) {
            rc = ngx_http_procmgr_send_empty(r);

        } else {
            rc = ngx_http_procmgr_watch_answer(r, c->pm, c->def.id,
                     c->what == NGX_HTTP_PROCMGR_WATCH_CREATE ? 201 : 200);
        }

        ngx_http_procmgr_finish(r, rc);
    }

    if (res->ended == NGX_PROCMGR_PG_UNKNOWN) {
        ngx_http_procmgr_watch_late(c);
        return;
    }

    ngx_free(c);
}


/* it is committed: the zone follows */

ngx_int_t
ngx_http_procmgr_watch_counts(ngx_http_procmgr_change_t *c)
{
    char                  err[NGX_PROCMGR_ERR_LEN];
    char                  event[NGX_PROCMGR_WATCH_DETAIL];
    u_char                other[37];
    ngx_int_t             rc;
    ngx_procmgr_watch_t   w;

    rc = NGX_OK;

    switch (c->what) {

    case NGX_HTTP_PROCMGR_WATCH_CREATE:
    case NGX_HTTP_PROCMGR_WATCH_START:

        rc = ngx_procmgr_watch_run(c->pm, c->def.id, &c->who, &c->first,
                                   other, err);
        break;

    case NGX_HTTP_PROCMGR_WATCH_PATCH:

        (void) ngx_procmgr_watch_limits(c->pm, &c->def);
        break;

    default:
        break;
    }

    if (rc == NGX_OK && ngx_procmgr_watch_get(c->pm, c->def.id, &w) == NGX_OK)
    {
        ngx_procmgr_watch_event(&w, ngx_http_procmgr_watch_codes[c->what],
                                event, sizeof(event));

        (void) ngx_procmgr_event_publish(c->pm, NGX_PROCMGR_EVENT_WATCH,
                                         (u_char *) event, ngx_strlen(event));
    }

    if (c->what == NGX_HTTP_PROCMGR_WATCH_DELETE) {
        ngx_procmgr_watch_remove(c->pm, c->def.id);

    } else {
        ngx_procmgr_watch_seize(c->pm);
    }

    return rc;
}


static void
ngx_http_procmgr_watch_undo(ngx_http_procmgr_change_t *c)
{
    if (c->what == NGX_HTTP_PROCMGR_WATCH_CREATE) {
        ngx_procmgr_watch_remove(c->pm, c->def.id);

    } else if (c->stopped) {
        ngx_procmgr_watch_resume(c->pm, c->def.id);
        ngx_procmgr_watch_kick(c->pm);
    }
}


static ngx_int_t
ngx_http_procmgr_watch_answer(ngx_http_request_t *r, ngx_procmgr_t *pm,
    const u_char *id, ngx_uint_t status)
{
    char                 *text;
    json_t               *json;
    pm_json_t             j;
    ngx_str_t             location;
    json_error_t          error;
    ngx_procmgr_watch_t   w;

    if (ngx_procmgr_watch_get(pm, id, &w) != NGX_OK) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no watch \"%s\" any more",
                                        id);
    }

    pm_json_init(&j, 0);
    ngx_procmgr_watch_json(&j, &w, 0);

    text = pm_json_flatten(&j);
    json = text ? json_loadb(text, j.total, 0, &error) : NULL;

    free(text);
    pm_json_free(&j);

    if (json == NULL) {
        return NGX_ERROR;
    }

    if (status == NGX_HTTP_CREATED) {

        location.len = r->uri.len + 1 + 36;
        location.data = ngx_pnalloc(r->pool, location.len);

        if (location.data) {
            ngx_sprintf(location.data, "%V/%*s", &r->uri, (size_t) 36, id);
        }

        if (location.data == NULL
            || ngx_http_procmgr_header(r, "Location", &location) != NGX_OK)
        {
            json_decref(json);
            return NGX_ERROR;
        }
    }

    return ngx_http_procmgr_send_json(r, status, json);
}


static ngx_int_t
ngx_http_procmgr_watch_exists(ngx_http_request_t *r, const u_char *other)
{
    return ngx_http_procmgr_problem(r, NGX_HTTP_CONFLICT, "already_exists",
                                    "watch \"%s\" of this target runs "
                                    "already", other);
}
