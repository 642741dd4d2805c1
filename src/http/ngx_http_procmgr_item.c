
/*
 * One item of a process, and whole processes: /process/<pid>/<item>, and
 * simple=false.
 */

#include "ngx_http_procmgr_item.h"
#include "../core/ngx_procmgr_zone.h"
#include "../proc/pm_conn.h"
#include "../proc/pm_late.h"


/* ms since the password was given */
#define NGX_HTTP_PROCMGR_FRESH  300000

/* looks for a process that a snapshot has just missed */
#define NGX_HTTP_PROCMGR_LOOKS  3


typedef struct {
    ngx_flag_t                       human;
    ngx_uint_t                       shape;
    ngx_flag_t                       grouped;
    ngx_flag_t                       recursive;
    ngx_uint_t                       kind;
} ngx_http_procmgr_item_query_t;


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    int64_t                          pid;       /* 0: all of them */
    ngx_uint_t                       item;      /* F_MAX: the object */
    ngx_http_procmgr_how_t           how;
    unsigned                         unlogged:1;
} ngx_http_procmgr_item_args_t;


static ngx_int_t ngx_http_procmgr_item(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_item_unknown(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_procmgr_item_ask(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_item_args_t *args);
static ngx_uint_t ngx_http_procmgr_item_fresh(ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_item_logged(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);
static ngx_int_t ngx_http_procmgr_item_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_item_args_t *args);
static ngx_uint_t ngx_http_procmgr_item_hidden(int64_t pid);
static void ngx_http_procmgr_make_item(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_make_value(ngx_procmgr_job_t *job,
    const pm_proc_t *p);
static void ngx_http_procmgr_make_full(ngx_procmgr_job_t *job,
    const pm_proc_t *p);
static pm_snapshot_t *ngx_http_procmgr_item_late(ngx_procmgr_job_t *job,
    int32_t pid, unsigned want);


ngx_http_procmgr_route_t  ngx_http_procmgr_item_routes[] = {

    { NGX_HTTP_GET, "process/{pid}/{word}",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_item },

    { 0, NULL, 0, 0, NULL }
};


static const char *const  ngx_http_procmgr_shapes[] = {
    "object", "array", NULL
};


#define ngx_http_procmgr_item_common                                          \
    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,                                     \
      offsetof(ngx_http_procmgr_item_query_t, human), 0, 0, NULL },           \
                                                                              \
    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,                                     \
      offsetof(ngx_http_procmgr_item_query_t, shape), 0, 0,                   \
      ngx_http_procmgr_shapes }


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_item_args[] = {

    ngx_http_procmgr_item_common,

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_maps_args[] = {

    ngx_http_procmgr_item_common,

    { "grouped", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_item_query_t, grouped), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_children_args[] = {

    ngx_http_procmgr_item_common,

    { "recursive", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_item_query_t, recursive), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_conns_args[] = {

    ngx_http_procmgr_item_common,

    { "kind", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_item_query_t, kind), 0, 0, pm_conn_kinds },

    { NULL, 0, 0, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_item(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_uint_t  item;

    item = ngx_http_procmgr_field(ctx->seg[1].data, ctx->seg[1].len);

    if (item == NGX_HTTP_PROCMGR_F_MAX) {
        return ngx_http_procmgr_item_unknown(r, &ctx->seg[1]);
    }

    return ngx_http_procmgr_item_one(r, ctx, item);
}


ngx_int_t
ngx_http_procmgr_item_one(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_uint_t item)
{
    ngx_http_procmgr_item_args_t    args;
    const ngx_http_procmgr_arg_t   *table;
    ngx_http_procmgr_item_query_t   query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_item_query_t));

    query.grouped = 1;
    query.kind = PM_CONN_INET;

    switch (item) {

    case NGX_HTTP_PROCMGR_F_MEMORY_MAPS:
        table = ngx_http_procmgr_maps_args;
        break;

    case NGX_HTTP_PROCMGR_F_CHILDREN:
        table = ngx_http_procmgr_children_args;
        break;

    case NGX_HTTP_PROCMGR_F_CONNECTIONS:
        table = ngx_http_procmgr_conns_args;
        break;

    default:
        table = ngx_http_procmgr_item_args;
    }

    if (ngx_http_procmgr_args(r, ctx, table, &query) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_item_args_t));

    args.pid = ctx->pid;
    args.item = item;
    args.how.fields = ngx_http_procmgr_bit(item);
    args.how.object = (query.shape == 0);
    args.how.human = (query.human != 0);
    args.how.ungrouped = (query.grouped == 0);
    args.how.recursive = (query.recursive != 0);
    args.how.kind = query.kind;

    return ngx_http_procmgr_item_ask(r, ctx, &args);
}


ngx_int_t
ngx_http_procmgr_process_full(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid, ngx_uint_t object,
    ngx_uint_t human)
{
    ngx_http_procmgr_item_args_t  args;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_item_args_t));

    args.pid = pid;
    args.item = NGX_HTTP_PROCMGR_F_MAX;
    args.how.fields = NGX_HTTP_PROCMGR_FULL_FIELDS;
    args.how.object = (object != 0);
    args.how.human = (human != 0);
    args.how.kind = PM_CONN_INET;

    return ngx_http_procmgr_item_ask(r, ctx, &args);
}


static ngx_int_t
ngx_http_procmgr_item_unknown(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char       known[1024], *p, *last;
    ngx_str_t    list;
    ngx_uint_t   i;

    p = known;
    last = known + sizeof(known);

    for (i = 0; i < NGX_HTTP_PROCMGR_F_MAX; i++) {
        p = ngx_slprintf(p, last, "%s%s", i ? " " : "",
                         ngx_http_procmgr_fields[i].name);
    }

    list.data = known;
    list.len = p - known;

    return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST, "bad_parameter",
                                    "item \"%V\" is none of %V", name, &list);
}


/*
 * Values of environments are for who has just proved to be an administrator,
 * and each such request is on record before it is answered.
 */

static ngx_int_t
ngx_http_procmgr_item_ask(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_item_args_t *args)
{
    char                          *target, *user, *remote, *request;
    ngx_str_t                      s;
    u_char                         buf[64], *p;
    const char                    *params[6];
    ngx_http_procmgr_item_args_t  *kept;

    args->how.role = ctx->role;

    if (!(args->how.fields
          & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_ENVIRON))
        || !ngx_http_procmgr_item_fresh(ctx))
    {
        return ngx_http_procmgr_item_view(r, ctx, args);
    }

    kept = ngx_palloc(r->pool, sizeof(ngx_http_procmgr_item_args_t));
    if (kept == NULL) {
        return NGX_ERROR;
    }

    *kept = *args;
    ctx->data = kept;

    p = args->pid ? ngx_sprintf(buf, "process %L", args->pid)
                  : ngx_sprintf(buf, "all processes");
    s.data = buf;
    s.len = p - buf;

    target = ngx_http_procmgr_text(r, &s, 64);

    s.data = (u_char *) ctx->sess.user;
    s.len = ngx_strlen(ctx->sess.user);

    user = ngx_http_procmgr_text(r, &s, 64);
    remote = ngx_http_procmgr_text(r, &r->connection->addr_text, 64);

    s.data = (u_char *) "{\"fields\":[\"environ\"]}";
    s.len = ngx_strlen(s.data);

    request = ngx_http_procmgr_text(r, &s, 64);

    if (target == NULL || user == NULL || remote == NULL || request == NULL) {
        return NGX_ERROR;
    }

    params[0] = (char *) ctx->pm->host.data;
    params[1] = target;
    params[2] = user;
    params[3] = ngx_http_procmgr_role_name(ctx->role);
    params[4] = remote;
    params[5] = request;

    return ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_SENSITIVE_READ,
                                6, params, ngx_http_procmgr_item_logged);
}


static ngx_uint_t
ngx_http_procmgr_item_fresh(ngx_http_procmgr_ctx_t *ctx)
{
    if (ctx->role != NGX_PROCMGR_ROLE_ADMIN || ctx->sess.bearer
        || ctx->sess.user[0] == '\0')
    {
        return 0;
    }

    return ngx_http_procmgr_sess_now(&ctx->sess) - ctx->sess.auth_at
           <= NGX_HTTP_PROCMGR_FRESH;
}


static ngx_int_t
ngx_http_procmgr_item_logged(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    ngx_http_procmgr_item_args_t  *args;

    args = ctx->data;

    /* not on record: then the names have to do */

    args->how.values = (res->ended == NGX_PROCMGR_PG_OK
                        && json_is_integer(value));
    args->unlogged = !args->how.values;

    return ngx_http_procmgr_item_view(r, ctx, args);
}


static ngx_int_t
ngx_http_procmgr_item_view(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_item_args_t *args)
{
    const char  *item;

    item = (args->item == NGX_HTTP_PROCMGR_F_MAX) ? "*"
           : ngx_http_procmgr_fields[args->item].name;

    /* values are made for who asks, and kept nowhere */

    args->system.again = args->how.values;

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_item,
               args, sizeof(ngx_http_procmgr_item_args_t),
               ngx_http_procmgr_fields_want(args->how.fields),
               "process/%L/%s?object=%d&human=%d&grouped=%d&recursive=%d"
               "&kind=%ui&unlogged=%d",
               args->pid, item, args->how.object, args->how.human,
               !args->how.ungrouped, args->how.recursive, args->how.kind,
               args->unlogged);
}


const pm_proc_t *
ngx_http_procmgr_item_find(ngx_procmgr_job_t *job, int64_t pid,
    unsigned want, pm_snapshot_t **late)
{
    const pm_proc_t  *p;

    *late = NULL;

    if (pid > NGX_MAX_INT32_VALUE) {
        return NULL;
    }

    p = pm_snapshot_find(job->snapshot, (int32_t) pid);

    if (p == NULL) {
        *late = ngx_http_procmgr_item_late(job, (int32_t) pid, want);

        if (*late) {
            job->snapshot = *late;
            p = pm_snapshot_find(*late, (int32_t) pid);
        }
    }

    return p;
}


void
ngx_http_procmgr_item_absent(ngx_procmgr_job_t *job, int64_t pid)
{
    if (ngx_http_procmgr_item_hidden(pid)) {
        ngx_procmgr_job_fail(job, NGX_HTTP_FORBIDDEN, "access_denied",
                             "the process %lld is another user's, and /proc "
                             "is mounted with hidepid", (long long) pid);
        return;
    }

    ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                         "there is no process %lld", (long long) pid);
}


/* with hidepid=1 there are folders that do not open; with 2 there are none */

static ngx_uint_t
ngx_http_procmgr_item_hidden(int64_t pid)
{
    int        proc, rc;
    pm_late_t  late;

    if (pid > NGX_MAX_INT32_VALUE) {
        return 0;
    }

    proc = pm_procfs_open("/proc");
    if (proc == -1) {
        return 0;
    }

    rc = pm_late_read(&late, proc, (int32_t) pid);

    (void) close(proc);

    return rc == EPERM || rc == EACCES;
}


static void
ngx_http_procmgr_make_item(ngx_procmgr_job_t *job)
{
    const pm_proc_t                     *p;
    pm_snapshot_t                       *late;
    const pm_snapshot_t                 *first;
    const ngx_http_procmgr_item_args_t  *args;

    args = job->args;

    if (args->unlogged) {
        ngx_http_procmgr_partial(job, "environ");
    }

    if (args->pid == 0) {
        ngx_http_procmgr_make_full(job, NULL);
        return;
    }

    first = job->snapshot;

    p = ngx_http_procmgr_item_find(job, args->pid,
                           ngx_http_procmgr_fields_want(args->how.fields),
                           &late);

    if (args->item == NGX_HTTP_PROCMGR_F_MAX) {
        if (p) {
            ngx_http_procmgr_make_full(job, p);
        }

    } else {
        ngx_http_procmgr_make_value(job, p);
    }

    if (p == NULL && job->status == NGX_HTTP_OK
        && (args->item != NGX_HTTP_PROCMGR_F_IS_RUNNING
            || ngx_http_procmgr_item_hidden(args->pid)))
    {
        ngx_http_procmgr_item_absent(job, args->pid);
    }

    job->snapshot = first;

    free(late);
}


static void
ngx_http_procmgr_make_value(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    const ngx_http_procmgr_field_t      *field;
    ngx_http_procmgr_rows_t             *rows;
    const ngx_http_procmgr_item_args_t  *args;

    args = job->args;
    field = &ngx_http_procmgr_fields[args->item];

    if (p == NULL) {
        if (args->item == NGX_HTTP_PROCMGR_F_IS_RUNNING) {
            pm_json_bool(&job->json, 0);
        }

        return;
    }

    rows = ngx_http_procmgr_rows_read(job, &args->how, &p, 1);
    if (rows == NULL) {
        return;
    }

    if (ngx_http_procmgr_row_gone(rows, 0)) {

        if (args->item == NGX_HTTP_PROCMGR_F_IS_RUNNING) {
            pm_json_bool(&job->json, 0);

        } else {
            ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                                 "the process %lld has ended",
                                 (long long) args->pid);
        }

    } else if (field->zombie && ngx_http_procmgr_row_zombie(rows, 0)) {
        ngx_procmgr_job_fail(job, NGX_HTTP_CONFLICT, "zombie_process",
                             "the process %lld is a zombie and has no %s",
                             (long long) args->pid, field->name);

    } else if (args->item == NGX_HTTP_PROCMGR_F_MEMORY_MAPS
               && ngx_http_procmgr_row_lacks(rows, 0, args->item))
    {
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_IMPLEMENTED, "unsupported",
                             "this kernel has no smaps");

    } else if (ngx_http_procmgr_row_error(rows, 0)) {
        ngx_http_procmgr_syscall_failed(job, "reading of /proc",
                                     ngx_http_procmgr_row_error(rows, 0));

    } else if (ngx_http_procmgr_row_denied(rows, 0, args->item)) {
        ngx_procmgr_job_fail(job, NGX_HTTP_FORBIDDEN, "access_denied",
                             "%s of the process %lld may not be read by the "
                             "role %s, or the helper did not read it",
                             field->name, (long long) args->pid,
                             ngx_http_procmgr_role_name(args->how.role));

    } else {
        ngx_http_procmgr_row_json(rows, 0, args->item);
    }

    ngx_http_procmgr_rows_free(rows);
}


/* one process, or all that there are */

static void
ngx_http_procmgr_make_full(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    size_t                               i, n;
    const pm_proc_t                    **procs;
    ngx_http_procmgr_rows_t             *rows;
    const ngx_http_procmgr_item_args_t  *args;

    args = job->args;
    n = p ? 1 : job->snapshot->nprocs;

    procs = ngx_alloc((n + 1) * sizeof(pm_proc_t *), job->log);
    if (procs == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return;
    }

    for (i = 0; i < n; i++) {
        procs[i] = p ? p : pm_snapshot_procs(job->snapshot) + i;
    }

    rows = ngx_http_procmgr_rows_read(job, &args->how, procs, n);

    ngx_free(procs);

    if (rows == NULL) {
        return;
    }

    if (p && ngx_http_procmgr_row_gone(rows, 0)) {
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                             "the process %lld has ended",
                             (long long) args->pid);
        ngx_http_procmgr_rows_free(rows);
        return;
    }

    pm_json_array(&job->json);

    for (i = 0; i < n; i++) {
        if (!ngx_http_procmgr_row_gone(rows, i)) {
            ngx_http_procmgr_row_object(rows, i);
        }
    }

    pm_json_array_end(&job->json);

    ngx_http_procmgr_rows_free(rows);
}


/* a newer snapshot for a process that is there and that the first has not */

static pm_snapshot_t *
ngx_http_procmgr_item_late(ngx_procmgr_job_t *job, int32_t pid,
    unsigned want)
{
    int             zone_full;
    char            err[NGX_PROCMGR_ERR_LEN];
    pm_late_t       late;
    ngx_uint_t      n;
    pm_fd_walk_t    walk;
    pm_snapshot_t  *s;

    if (pm_fd_walk_init(&walk, NULL) != 0) {
        return NULL;
    }

    s = NULL;

    for (n = 0; n < NGX_HTTP_PROCMGR_LOOKS; n++) {

        if (pm_late_read(&late, walk.proc, pid) != 0) {
            break;
        }

        s = ngx_procmgr_zone_snapshot(job->pm, 1, want, err, &zone_full);

        if (s == NULL || pm_snapshot_find(s, pid)) {
            break;
        }

        free(s);
        s = NULL;
    }

    pm_fd_walk_free(&walk);

    return s;
}
