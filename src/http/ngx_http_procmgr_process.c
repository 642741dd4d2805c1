
#include "ngx_http_procmgr_item.h"
#include "../proc/pm_late.h"


#define NGX_HTTP_PROCMGR_NUM  10

/* of processes with their names, users and sizes */
#define NGX_HTTP_PROCMGR_WANT_NAMES  PM_HAVE_STAT
#define NGX_HTTP_PROCMGR_WANT_LIST   (PM_HAVE_STAT|PM_HAVE_STATM)


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    int64_t                          num;
    int64_t                          pid;
} ngx_http_procmgr_process_args_t;


typedef struct {
    ngx_flag_t                       human;
    ngx_flag_t                       simple;
    ngx_uint_t                       shape;
    int64_t                          num;
} ngx_http_procmgr_process_query_t;


/* in place of a number of files */
#define NGX_HTTP_PROCMGR_UNKNOWN  -1
#define NGX_HTTP_PROCMGR_GONE     -2


typedef struct {                        /* a row of the answer */
    const pm_proc_t                 *proc;
    int64_t                          files;
} ngx_http_procmgr_process_row_t;


/* rows by pid, for the helper's records */
typedef struct {
    ngx_http_procmgr_process_row_t **rows;
    size_t                           n;
} ngx_http_procmgr_process_asked_t;


static ngx_int_t ngx_http_procmgr_process_simple(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid);

static void ngx_http_procmgr_make_list(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_make_names(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_make_one(ngx_procmgr_job_t *job);
static ngx_int_t ngx_http_procmgr_make_late(ngx_procmgr_job_t *job,
    int32_t pid);
static ngx_http_procmgr_process_row_t *ngx_http_procmgr_process_rows(
    ngx_procmgr_job_t *job);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_rss(const void *a,
    const void *b);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_pid(const void *a,
    const void *b);
static void ngx_http_procmgr_count_files(ngx_procmgr_job_t *job,
    ngx_http_procmgr_process_row_t *rows, size_t n);
static ngx_int_t ngx_http_procmgr_own_files(pm_fd_walk_t *walk,
    ngx_http_procmgr_process_row_t *row);
static void ngx_http_procmgr_ask_files(ngx_procmgr_job_t *job,
    ngx_http_procmgr_process_row_t **asked, size_t n);
static void ngx_http_procmgr_files_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_json_simple(ngx_procmgr_job_t *job,
    const pm_proc_t *p);


static const char *const  ngx_http_procmgr_process_shapes[] = {
    "array", "object", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_process_list_args[] = {

    { "num", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_process_query_t, num), 1, INT64_MAX, NULL },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_process_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_process_args[] = {

    { "simple", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_process_query_t, simple), 0, 0, NULL },

    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_process_query_t, shape), 0, 0,
      ngx_http_procmgr_process_shapes },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_process_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_process_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_process_args_t   args;
    ngx_http_procmgr_process_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_process_query_t));

    query.num = NGX_HTTP_PROCMGR_NUM;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_process_list_args,
                              &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_process_args_t));

    /* more than there can be are all */

    args.num = ngx_min(query.num, PM_WIRE_PIDS * 64);

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_list,
                                        &args, sizeof(args),
                                        NGX_HTTP_PROCMGR_WANT_LIST,
                                        "process?num=%L", args.num);
}


ngx_int_t
ngx_http_procmgr_process_info(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_process_args_t  args;

    if (ngx_http_procmgr_process_simple(r, ctx, 0) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_process_args_t));

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_names,
                                        &args, sizeof(args),
                                        NGX_HTTP_PROCMGR_WANT_NAMES,
                                        "process/info?simple=1");
}


ngx_int_t
ngx_http_procmgr_process_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_process_args_t  args;

    if (ngx_http_procmgr_process_simple(r, ctx, ctx->pid) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_process_args_t));

    args.pid = ctx->pid;

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_one,
                                        &args, sizeof(args),
                                        NGX_HTTP_PROCMGR_WANT_NAMES,
                                        "process/%L?simple=1", args.pid);
}


/* NGX_DECLINED: ctx->rc is the answer, of full objects too */

static ngx_int_t
ngx_http_procmgr_process_simple(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid)
{
    ngx_http_procmgr_process_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_process_query_t));

    query.simple = 1;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_process_args, &query)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (!query.simple) {
        ctx->rc = ngx_http_procmgr_process_full(r, ctx, pid,
                                                query.shape == 1,
                                                query.human);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_procmgr_make_list(ngx_procmgr_job_t *job)
{
    size_t                                  i, n;
    double                                  total;
    pm_json_t                              *j;
    const pm_proc_t                        *p;
    const pm_snapshot_t                    *s;
    ngx_http_procmgr_process_row_t         *rows;
    const ngx_http_procmgr_process_args_t  *args;

    j = &job->json;
    s = job->snapshot;
    args = job->args;

    rows = ngx_http_procmgr_process_rows(job);
    if (rows == NULL) {
        return;
    }

    qsort(rows, s->nprocs, sizeof(ngx_http_procmgr_process_row_t),
          ngx_http_procmgr_cmp_rss);

    n = ngx_min((uint64_t) args->num, s->nprocs);

    ngx_http_procmgr_count_files(job, rows, n);

    total = (double) s->memory.total * 1024;

    pm_json_array(j);

    for (i = 0; i < n; i++) {
        p = rows[i].proc;

        if (rows[i].files == NGX_HTTP_PROCMGR_GONE) {
            continue;
        }

        pm_json_object(j);

        pm_json_key(j, "pid");
        pm_json_i64(j, p->pid);
        pm_json_key(j, "name");
        ngx_http_procmgr_json_name(job, p);
        pm_json_key(j, "username");
        ngx_http_procmgr_json_user(job, p);
        pm_json_key(j, "cpu_percent");
        pm_json_fixed(j, p->cpu_percent, 1);
        pm_json_key(j, "memory_percent");

        if ((p->have & PM_HAVE_STATM) && total > 0) {
            /* in psutil's order: the last digit depends on it */
            pm_json_double(j, (double) p->rss / total * 100);

        } else {
            pm_json_null(j);
        }

        pm_json_key(j, "num_openfiles");

        if (rows[i].files >= 0) {
            pm_json_i64(j, rows[i].files);

        } else {
            pm_json_null(j);
        }

        pm_json_key(j, "num_threads");
        pm_json_u64(j, p->num_threads);

        pm_json_object_end(j);
    }

    pm_json_array_end(j);

    ngx_free(rows);
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_rss(const void *a, const void *b)
{
    const ngx_http_procmgr_process_row_t  *x = a, *y = b;

    if (x->proc->rss != y->proc->rss) {
        return (x->proc->rss < y->proc->rss) ? 1 : -1;
    }

    return (x->proc->pid > y->proc->pid) - (x->proc->pid < y->proc->pid);
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_pid(const void *a, const void *b)
{
    ngx_http_procmgr_process_row_t *const  *x = a, *const  *y = b;

    return ((*x)->proc->pid > (*y)->proc->pid)
           - ((*x)->proc->pid < (*y)->proc->pid);
}


/* by the worker's own rights, and by the helper in one batch */

static void
ngx_http_procmgr_count_files(ngx_procmgr_job_t *job,
    ngx_http_procmgr_process_row_t *rows, size_t n)
{
    size_t                           i, asked;
    pm_fd_walk_t                     walk;
    ngx_http_procmgr_process_row_t **ask;

    ask = ngx_alloc((n + 1) * sizeof(ngx_http_procmgr_process_row_t *),
                    job->log);

    if (ask == NULL || pm_fd_walk_init(&walk, NULL) != 0) {
        ngx_http_procmgr_partial(job, "num_openfiles");
        ngx_free(ask);
        return;
    }

    asked = 0;

    for (i = 0; i < n; i++) {

        if (ngx_http_procmgr_own_files(&walk, &rows[i]) == NGX_DECLINED) {
            ask[asked++] = &rows[i];
        }
    }

    pm_fd_walk_free(&walk);

    if (asked) {
        ngx_http_procmgr_ask_files(job, ask, asked);
    }

    ngx_free(ask);
}


static ngx_int_t
ngx_http_procmgr_own_files(pm_fd_walk_t *walk,
    ngx_http_procmgr_process_row_t *row)
{
    int       rc;
    uint64_t  n;

    if (!ngx_http_procmgr_own(row->proc)) {
        return NGX_DECLINED;
    }

    rc = pm_fd_files(walk, row->proc->pid, row->proc->starttime, &n);

    if (rc == 0) {
        row->files = (int64_t) n;
        return NGX_OK;
    }

    if (rc == ENOENT || rc == ESRCH) {
        row->files = NGX_HTTP_PROCMGR_GONE;
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static void
ngx_http_procmgr_ask_files(ngx_procmgr_job_t *job,
    ngx_http_procmgr_process_row_t **asked, size_t n)
{
    size_t                                  i;
    pm_wire_pid_t                          *pids;
    ngx_http_procmgr_process_asked_t        ctx;
    const ngx_http_procmgr_process_args_t  *args;

    args = job->args;

    pids = ngx_calloc(n * sizeof(pm_wire_pid_t), job->log);

    if (pids != NULL) {

        qsort(asked, n, sizeof(ngx_http_procmgr_process_row_t *),
              ngx_http_procmgr_cmp_pid);

        for (i = 0; i < n; i++) {
            pids[i].pid = asked[i]->proc->pid;
            pids[i].starttime = asked[i]->proc->starttime;
            pids[i].fields = 1 << PM_READ_NFILES;
        }

        ctx.rows = asked;
        ctx.n = n;

        ngx_http_procmgr_read(job, args->system.role, pids, n,
                              ngx_http_procmgr_files_record, &ctx);

        ngx_free(pids);
    }

    for (i = 0; i < n; i++) {

        if (asked[i]->files == NGX_HTTP_PROCMGR_UNKNOWN) {
            ngx_http_procmgr_partial(job, "num_openfiles");
            break;
        }
    }
}


static void
ngx_http_procmgr_files_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_process_asked_t *asked = data;

    ngx_int_t                          n;
    pm_proc_t                          proc;
    ngx_http_procmgr_process_row_t     key, *pkey, **row;

    if (head->field != PM_READ_NFILES) {
        return;
    }

    proc.pid = head->pid;
    key.proc = &proc;
    pkey = &key;

    row = bsearch(&pkey, asked->rows, asked->n,
                  sizeof(ngx_http_procmgr_process_row_t *),
                  ngx_http_procmgr_cmp_pid);

    if (row == NULL) {
        return;
    }

    if (head->error == ENOENT || head->error == ESRCH) {
        (*row)->files = NGX_HTTP_PROCMGR_GONE;

    } else if (head->error == 0) {
        n = ngx_atoi((u_char *) bytes, head->len);

        if (n != NGX_ERROR) {
            (*row)->files = n;
        }
    }
}


static void
ngx_http_procmgr_make_names(ngx_procmgr_job_t *job)
{
    uint32_t          i;
    const pm_proc_t  *p;

    p = pm_snapshot_procs(job->snapshot);

    pm_json_array(&job->json);

    for (i = 0; i < job->snapshot->nprocs; i++) {
        ngx_http_procmgr_json_simple(job, &p[i]);
    }

    pm_json_array_end(&job->json);
}


static void
ngx_http_procmgr_make_one(ngx_procmgr_job_t *job)
{
    const pm_proc_t                        *p;
    const ngx_http_procmgr_process_args_t  *args;

    args = job->args;

    p = NULL;

    if (args->pid <= NGX_MAX_INT32_VALUE) {

        p = pm_snapshot_find(job->snapshot, (int32_t) args->pid);

        if (p == NULL
            && ngx_http_procmgr_make_late(job, (int32_t) args->pid) == NGX_OK)
        {
            return;
        }
    }

    if (p == NULL) {
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                             "there is no process %lld",
                             (long long) args->pid);
        return;
    }

    pm_json_array(&job->json);
    ngx_http_procmgr_json_simple(job, p);
    pm_json_array_end(&job->json);
}


/* one that was not there yet when the snapshot was made */

static ngx_int_t
ngx_http_procmgr_make_late(ngx_procmgr_job_t *job, int32_t pid)
{
    int           rc;
    char          user[NGX_HTTP_PROCMGR_USER_LEN];
    pm_json_t    *j;
    pm_late_t     late;
    pm_fd_walk_t  walk;

    if (pm_fd_walk_init(&walk, NULL) != 0) {
        return NGX_DECLINED;
    }

    rc = pm_late_read(&late, walk.proc, pid);

    pm_fd_walk_free(&walk);

    if (rc != 0) {
        return NGX_DECLINED;
    }

    ngx_http_procmgr_users_refresh();
    ngx_http_procmgr_user_name(user, late.proc.uid[0]);

    j = &job->json;

    pm_json_array(j);
    pm_json_object(j);
    pm_json_key(j, "name");
    pm_json_strn(j, late.comm, late.len);
    pm_json_key(j, "username");
    pm_json_str(j, user);
    pm_json_key(j, "pid");
    pm_json_i64(j, pid);
    pm_json_object_end(j);
    pm_json_array_end(j);

    return NGX_OK;
}


/* one for each process, by pid; NULL after the job failed */

static ngx_http_procmgr_process_row_t *
ngx_http_procmgr_process_rows(ngx_procmgr_job_t *job)
{
    uint32_t                         i, n;
    const pm_proc_t                 *p;
    ngx_http_procmgr_process_row_t  *rows;

    n = job->snapshot->nprocs;
    p = pm_snapshot_procs(job->snapshot);

    rows = ngx_calloc((n + 1) * sizeof(ngx_http_procmgr_process_row_t),
                      job->log);
    if (rows == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return NULL;
    }

    for (i = 0; i < n; i++) {
        rows[i].proc = &p[i];
        rows[i].files = NGX_HTTP_PROCMGR_UNKNOWN;
    }

    return rows;
}


static void
ngx_http_procmgr_json_simple(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);
    pm_json_key(j, "name");
    ngx_http_procmgr_json_name(job, p);
    pm_json_key(j, "username");
    ngx_http_procmgr_json_user(job, p);
    pm_json_key(j, "pid");
    pm_json_i64(j, p->pid);
    pm_json_object_end(j);
}
