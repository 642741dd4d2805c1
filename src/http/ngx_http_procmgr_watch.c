
/* Watches: the routes and what is read; and their return after a restart */


#include "ngx_http_procmgr_watch.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_WATCH_AGAIN  1000      /* ms */
#define NGX_HTTP_PROCMGR_WATCH_LEASE  10000     /* ms, of the restoring */


typedef struct {                        /* of a view; no pointers */
    u_char                    id[37];
    ngx_flag_t                human;
    uint64_t                  from;     /* number of a sample */
    int64_t                   after;    /* or a time, unix ms; -1: none */
    int64_t                   limit;
} ngx_http_procmgr_watch_args_t;


typedef struct {
    ngx_flag_t                human;
    ngx_str_t                 since;
    int64_t                   limit;
} ngx_http_procmgr_watch_query_t;


typedef struct {                        /* of this worker */
    ngx_procmgr_t            *pm;
    ngx_event_t               timer;
} ngx_http_procmgr_watch_restore_t;


static ngx_int_t ngx_http_procmgr_watch_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_watch_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_watch_plain(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_make_pt make);
static ngx_int_t ngx_http_procmgr_watch_past(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_watch_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_make_pt make,
    ngx_http_procmgr_watch_args_t *args);
static ngx_int_t ngx_http_procmgr_watch_since(ngx_str_t *s,
    ngx_http_procmgr_watch_args_t *args);
static void ngx_http_procmgr_watch_make_list(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_watch_make_one(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_watch_make_past(ngx_procmgr_job_t *job);

static void ngx_http_procmgr_watch_restore(ngx_event_t *ev);
static void ngx_http_procmgr_watch_restored(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_watch_back(ngx_procmgr_t *pm, json_t *row);


ngx_http_procmgr_route_t  ngx_http_procmgr_watch_routes[] = {

    { NGX_HTTP_GET, "watches", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_watch_list },

    { NGX_HTTP_POST, "watches", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_watch_create },

    { NGX_HTTP_GET, "watches/{id}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_watch_one },

    { NGX_HTTP_PATCH, "watches/{id}", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_BODY|NGX_HTTP_PROCMGR_ACT,
      ngx_http_procmgr_watch_patch },

    { NGX_HTTP_DELETE, "watches/{id}", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_ACT, ngx_http_procmgr_watch_delete },

    { NGX_HTTP_GET, "watches/{id}/history", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_watch_past },

    { NGX_HTTP_POST, "watches/{id}/stop", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_ACT, ngx_http_procmgr_watch_stop },

    { NGX_HTTP_POST, "watches/{id}/start", NGX_PROCMGR_ROLE_OPERATOR,
      NGX_HTTP_PROCMGR_ACT, ngx_http_procmgr_watch_start },

    { 0, NULL, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_watch_human[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_watch_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_watch_page[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_watch_query_t, human), 0, 0, NULL },

    { "since", NGX_HTTP_PROCMGR_ARG_STR,
      offsetof(ngx_http_procmgr_watch_query_t, since), 0, 40, NULL },

    { "limit", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_watch_query_t, limit), 1,
      NGX_PROCMGR_WATCH_SAMPLES, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


/* of this worker; set by ngx_http_procmgr_watch_init() */
static ngx_http_procmgr_watch_restore_t  ngx_http_procmgr_watch_restorer;


static ngx_int_t
ngx_http_procmgr_watch_list(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_watch_plain(r, ctx,
                                        ngx_http_procmgr_watch_make_list);
}


static ngx_int_t
ngx_http_procmgr_watch_one(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_watch_plain(r, ctx,
                                        ngx_http_procmgr_watch_make_one);
}


static ngx_int_t
ngx_http_procmgr_watch_plain(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_make_pt make)
{
    ngx_http_procmgr_watch_args_t   args;
    ngx_http_procmgr_watch_query_t  q;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_watch_args_t));
    ngx_memzero(&q, sizeof(ngx_http_procmgr_watch_query_t));

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_watch_human, &q)
        != NGX_OK)
    {
        return ctx->rc;
    }

    args.human = q.human;
    ngx_strlow(args.id, ctx->seg[0].data, ngx_min(ctx->seg[0].len, 36));

    return ngx_http_procmgr_watch_view(r, ctx, make, &args);
}


static ngx_int_t
ngx_http_procmgr_watch_past(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_watch_args_t   args;
    ngx_http_procmgr_watch_query_t  q;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_watch_args_t));
    ngx_memzero(&q, sizeof(ngx_http_procmgr_watch_query_t));

    q.limit = NGX_PROCMGR_WATCH_SAMPLES;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_watch_page, &q)
        != NGX_OK)
    {
        return ctx->rc;
    }

    args.human = q.human;
    args.limit = q.limit;
    ngx_strlow(args.id, ctx->seg[0].data, 36);

    if (ngx_http_procmgr_watch_since(&q.since, &args) != NGX_OK) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "since \"%V\" is neither the \"next\" of "
                   "an answer nor a time as 2026-01-31T12:00:00.000Z",
                   &q.since);
    }

    return ngx_http_procmgr_watch_view(r, ctx,
                                       ngx_http_procmgr_watch_make_past,
                                       &args);
}


/* "2026-01-31T12:00:00.123Z", or digits */

static ngx_int_t
ngx_http_procmgr_watch_since(ngx_str_t *s, ngx_http_procmgr_watch_args_t *args)
{
    char        buf[48];
    int         n, year, mon, day, hour, min, sec, ms;
    ngx_int_t   from;
    struct tm   tm;

    args->after = -1;

    if (s->len == 0) {
        return NGX_OK;
    }

    from = ngx_atoi(s->data, s->len);

    if (from != NGX_ERROR) {
        args->from = (uint64_t) from;
        return NGX_OK;
    }

    if (s->len >= sizeof(buf)) {
        return NGX_DECLINED;
    }

    ngx_cpystrn((u_char *) buf, s->data, s->len + 1);

    ms = 0;
    n = 0;

    if (sscanf(buf, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &mon, &day, &hour,
               &min, &sec, &n)
        != 6)
    {
        return NGX_DECLINED;
    }

    if (buf[n] == '.') {

        if (sscanf(buf + n, ".%3d", &ms) != 1
            || strspn(buf + n + 1, "0123456789") != 3)
        {
            return NGX_DECLINED;
        }

        n += 4;
    }

    if (ngx_strcmp(buf + n, "Z") != 0
        || year < 1970 || mon < 1 || mon > 12 || day < 1 || day > 31
        || hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 60
        || ms < 0)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&tm, sizeof(struct tm));

    tm.tm_year = year - 1900;
    tm.tm_mon = mon - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = min;
    tm.tm_sec = sec;

    args->after = (int64_t) timegm(&tm) * 1000 + ms;

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_watch_view(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_procmgr_make_pt make, ngx_http_procmgr_watch_args_t *args)
{
    u_char              *p;
    ngx_procmgr_view_t   view;

    /* so each worker that is asked stands by for the one that samples */

    ngx_procmgr_watch_kick(ctx->pm);

    p = ngx_pnalloc(r->pool, 160);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&view, sizeof(ngx_procmgr_view_t));

    view.key.data = p;
    view.key.len = ngx_snprintf(p, 160, "watch/%s/%d/%uL/%L/%L/%d", args->id,
                                (int) args->human, args->from, args->after,
                                args->limit,
                                make == ngx_http_procmgr_watch_make_past)
                   - p;
    view.make = make;
    view.args = args;
    view.args_size = sizeof(ngx_http_procmgr_watch_args_t);
    view.again = 1;

    return ngx_http_procmgr_send_view(r, &view);
}


/* in pool threads */

static void
ngx_http_procmgr_watch_make_list(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_watch_args_t *args = job->args;

    ngx_uint_t           i;
    ngx_procmgr_watch_t  w;

    pm_json_array(&job->json);

    for (i = 0; i < NGX_PROCMGR_WATCHES; i++) {
        if (ngx_procmgr_watch_at(job->pm, i, &w) == NGX_OK) {
            ngx_procmgr_watch_json(&job->json, &w, args->human);
        }
    }

    pm_json_array_end(&job->json);
}


static void
ngx_http_procmgr_watch_make_one(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_watch_args_t *args = job->args;

    ngx_procmgr_watch_t  w;

    if (ngx_procmgr_watch_get(job->pm, args->id, &w) != NGX_OK) {
        ngx_procmgr_job_fail(job, 404, "not_found", "there is no watch \"%s\"",
                             args->id);
        return;
    }

    ngx_procmgr_watch_json(&job->json, &w, args->human);
}


static void
ngx_http_procmgr_watch_make_past(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_watch_args_t *args = job->args;

    size_t                       i, n, limit;
    uint64_t                     from, first;
    ngx_procmgr_watch_t          w;
    ngx_procmgr_watch_sample_t  *s;

    if (ngx_procmgr_watch_get(job->pm, args->id, &w) != NGX_OK) {
        ngx_procmgr_job_fail(job, 404, "not_found", "there is no watch \"%s\"",
                             args->id);
        return;
    }

    /* a cursor of an earlier run */

    from = args->from <= w.samples ? args->from : 0;

    limit = args->after >= 0 ? w.def.history
                             : (size_t) ngx_min(args->limit,
                                                (int64_t) w.def.history);

    s = malloc(limit * sizeof(ngx_procmgr_watch_sample_t));

    if (s == NULL) {
        ngx_procmgr_job_fail(job, 500, "internal_error", "no memory");
        return;
    }

    n = ngx_procmgr_watch_history(job->pm, args->id, from, limit, s, &first);
    i = 0;

    if (n == 0) {
        first = w.samples;
    }

    if (args->after >= 0) {

        while (i < n && (int64_t) s[i].t + w.offset <= args->after) {
            i++;
        }

        n = ngx_min(n, i + (size_t) args->limit);
    }

    pm_json_object(&job->json);
    pm_json_key(&job->json, "history");
    pm_json_array(&job->json);

    for ( /* void */ ; i < n; i++) {
        pm_json_object(&job->json);
        ngx_procmgr_watch_json_sample(&job->json, &w, &s[i], args->human);
        pm_json_object_end(&job->json);
    }

    pm_json_array_end(&job->json);
    pm_json_key(&job->json, "next");
    pm_json_u64(&job->json, first + n);
    pm_json_object_end(&job->json);

    free(s);
}


ngx_int_t
ngx_http_procmgr_watch_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_http_procmgr_watch_restore_t  *rest;

    rest = &ngx_http_procmgr_watch_restorer;

    ngx_memzero(rest, sizeof(ngx_http_procmgr_watch_restore_t));

    rest->pm = pm;

    ngx_procmgr_event(&rest->timer, ngx_http_procmgr_watch_restore);
    rest->timer.log = cycle->log;
    rest->timer.cancelable = 1;

    if (!ngx_procmgr_watch_shm(pm)->restored) {
        ngx_add_timer(&rest->timer, 1);
    }

    return ngx_procmgr_watch_init(pm, cycle, ngx_http_procmgr_watch_notes);
}


void
ngx_http_procmgr_watch_exit(ngx_procmgr_t *pm)
{
    ngx_procmgr_watch_exit(pm);
}


/* one worker asks, all wait until it is done: then each knows what runs */

static void
ngx_http_procmgr_watch_restore(ngx_event_t *ev)
{
    ngx_int_t                          rc;
    const char                        *args[1];
    ngx_procmgr_watch_shm_t           *ws;
    ngx_http_procmgr_watch_restore_t  *rest;

    rest = &ngx_http_procmgr_watch_restorer;
    ev->timedout = 0;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ws = ngx_procmgr_watch_shm(rest->pm);

    if (ws->restored) {
        ngx_procmgr_watch_kick(rest->pm);
        return;
    }

    ngx_shmtx_lock(&rest->pm->shpool->mutex);

    rc = ngx_procmgr_lease_take(&ws->restorer, ngx_procmgr_boottime(),
                                NGX_HTTP_PROCMGR_WATCH_LEASE);

    ngx_shmtx_unlock(&rest->pm->shpool->mutex);

    args[0] = (const char *) rest->pm->host.data;

    if (rc != NGX_OK
        || ngx_procmgr_pg_query(rest->pm, NGX_HTTP_PROCMGR_SQL_WATCH_LIST, 1,
                                args, 0, ngx_http_procmgr_watch_restored,
                                rest)
           == NULL)
    {
        ngx_add_timer(&rest->timer, NGX_HTTP_PROCMGR_WATCH_AGAIN);
    }
}


static void
ngx_http_procmgr_watch_restored(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_watch_restore_t *rest = data;

    size_t                    i;
    json_t                   *list, *row;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(rest->pm);
    list = ngx_http_procmgr_pg_json(res);

    if (!json_is_array(list)) {

        /* a schema that is older than this module has no watches */

        if (res->ended == NGX_PROCMGR_PG_REFUSED
            && ngx_strcmp(res->sqlstate, "42883") == 0)
        {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "procmgr: the database has no watches: migrate it");
            ws->restored = 1;

        } else if (!ngx_exiting && !ngx_terminate) {
            ngx_add_timer(&rest->timer, NGX_HTTP_PROCMGR_WATCH_AGAIN);
        }

        json_decref(list);
        return;
    }

    json_array_foreach(list, i, row) {
        ngx_http_procmgr_watch_back(rest->pm, row);
    }

    json_decref(list);

    ws->restored = 1;

    ngx_procmgr_watch_kick(rest->pm);
}


static void
ngx_http_procmgr_watch_back(ngx_procmgr_t *pm, json_t *row)
{
    char                      err[NGX_PROCMGR_ERR_LEN];
    u_char                    other[37], why[NGX_HTTP_PROCMGR_WATCH_WHY];
    const char               *id, *actor, *remote, *role;
    ngx_procmgr_watch_t       w;
    ngx_procmgr_watch_def_t   def;

    id = json_string_value(json_object_get(row, "id"));
    actor = json_string_value(json_object_get(row, "actor"));
    remote = json_string_value(json_object_get(row, "remote"));
    role = json_string_value(json_object_get(row, "role"));

    if (id == NULL || ngx_strlen(id) != 36 || actor == NULL || role == NULL
        || ngx_http_procmgr_watch_def_parse(json_object_get(row, "def"), &def,
                                            1, why)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the watch %s of the database is not understood",
                      id ? id : "");
        return;
    }

    ngx_cpystrn(def.id, (u_char *) id, sizeof(def.id));
    ngx_cpystrn((u_char *) def.actor, (u_char *) actor, sizeof(def.actor));
    ngx_cpystrn((u_char *) def.remote, (u_char *) (remote ? remote : ""),
                sizeof(def.remote));
    def.role = ngx_http_procmgr_role(role);

    if (ngx_procmgr_watch_get(pm, def.id, &w) == NGX_OK) {
        return;
    }

    err[0] = '\0';

    if (ngx_procmgr_watch_add(pm, &def, other, err) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the watch %s does not come back: %s", id,
                      err[0] ? err : "another one has its target");
        return;
    }

    if (json_is_true(json_object_get(row, "running"))) {
        (void) ngx_procmgr_watch_run(pm, def.id,
                                     def.kind == NGX_PROCMGR_WATCH_PID
                                     ? &def.who : NULL, NULL, other, err);

    } else {
        (void) ngx_procmgr_watch_stop(pm, def.id);
    }
}
