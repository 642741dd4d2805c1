
/* The family "memory": one process; watches are in files of their own */


#include "ngx_http_procmgr_item.h"
#include "ngx_http_procmgr_row.h"
#include "../proc/pm_human.h"
#include "../proc/pm_mem.h"


#define NGX_HTTP_PROCMGR_STATUS_MAX  (2 * 1024 * 1024)  /* many groups */


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    int64_t                          pid;
} ngx_http_procmgr_memory_args_t;


typedef struct {                        /* in the thread */
    ngx_procmgr_job_t               *job;
    const pm_proc_t                 *proc;
    ngx_uint_t                       human;
    pm_buf_t                         file;
    int64_t                          time;      /* ms */
    pm_mem_status_t                  status;
} ngx_http_procmgr_memory_t;


static ngx_int_t ngx_http_procmgr_memory_self(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_memory_pid(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

static void ngx_http_procmgr_make_memory_pid(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_memory_make(ngx_http_procmgr_memory_t *m);
static int ngx_http_procmgr_memory_read(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_status(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_stats(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_list(pm_json_t *j, const char *key,
    pm_slice_t list);
static void ngx_http_procmgr_memory_size(ngx_http_procmgr_memory_t *m,
    const char *key, uint64_t value, uint64_t unit);
static void ngx_http_procmgr_memory_gone(ngx_procmgr_job_t *job);


ngx_http_procmgr_route_t  ngx_http_procmgr_memory_routes[] = {

    { NGX_HTTP_GET, "self", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_self },

    { NGX_HTTP_GET, "{pid}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_pid },

    { 0, NULL, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_memory_args[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL, 0, 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


/* the worker that answers */

static ngx_int_t
ngx_http_procmgr_memory_self(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ctx->pid = ngx_pid;

    return ngx_http_procmgr_memory_pid(r, ctx);
}


static ngx_int_t
ngx_http_procmgr_memory_pid(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_flag_t                      human;
    ngx_http_procmgr_memory_args_t  args;

    human = 0;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_memory_args, &human)
        != NGX_OK)
    {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_memory_args_t));

    args.pid = ctx->pid;
    args.system.human = (human != 0);

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_memory_pid,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "memory/%L?human=%d", args.pid,
                                        args.system.human);
}


static void
ngx_http_procmgr_make_memory_pid(ngx_procmgr_job_t *job)
{
    pm_snapshot_t                         *late;
    const pm_snapshot_t                   *first;
    ngx_http_procmgr_memory_t              m;
    const ngx_http_procmgr_memory_args_t  *args;

    args = job->args;
    first = job->snapshot;

    ngx_memzero(&m, sizeof(ngx_http_procmgr_memory_t));

    m.job = job;
    m.human = args->system.human;
    m.proc = ngx_http_procmgr_item_find(job, args->pid, PM_HAVE_STAT, &late);

    if (m.proc == NULL) {
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                             "there is no process %lld",
                             (long long) args->pid);

    } else {
        ngx_http_procmgr_memory_make(&m);
    }

    pm_buf_free(&m.file);

    job->snapshot = first;

    free(late);
}


static void
ngx_http_procmgr_memory_make(ngx_http_procmgr_memory_t *m)
{
    int         rc;
    pm_json_t  *j;

    rc = ngx_http_procmgr_memory_read(m);

    if (rc == ENOENT || rc == ESRCH) {
        ngx_http_procmgr_memory_gone(m->job);
        return;
    }

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(m->job, "reading its status", rc);
        return;
    }

    j = &m->job->json;

    pm_json_object(j);

    pm_json_key(j, "pid");
    pm_json_i64(j, m->proc->pid);
    pm_json_key(j, "name");
    ngx_http_procmgr_json_name(m->job, m->proc);
    pm_json_key(j, "create_time");
    pm_json_double(j, ngx_http_procmgr_create_time(m->job->snapshot,
                                                   m->proc));

    ngx_http_procmgr_memory_status(m);

    pm_json_key(j, "page_size");
    pm_json_u64(j, m->job->snapshot->page_size);

    ngx_http_procmgr_memory_stats(m);

    pm_json_object_end(j);
}


/* all of one process, whoever gets the number meanwhile */

static int
ngx_http_procmgr_memory_read(ngx_http_procmgr_memory_t *m)
{
    int              rc, proc, dir;
    char             stat[4096], path[PM_PROCFS_PATH];
    ssize_t          n;
    pm_proc_t        p;
    pm_slice_t       comm;
    struct timespec  ts;

    (void) pm_procfs_path(path, m->proc->pid, "");

    proc = pm_procfs_open("/proc");
    if (proc == -1) {
        return errno;
    }

    dir = openat(proc, path, O_PATH|O_DIRECTORY|O_CLOEXEC);
    rc = (dir == -1) ? errno : 0;

    (void) close(proc);

    if (rc != 0) {
        return rc;
    }

    n = pm_procfs_read(dir, "stat", stat, sizeof(stat));

    if (n == -1) {
        rc = errno;

    } else if (pm_pid_parse_stat(stat, (size_t) n, &p, &comm) != 0
               || p.starttime != m->proc->starttime)
    {
        rc = ESRCH;

    } else {
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        m->time = (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

        n = pm_procfs_read_all(dir, "status", &m->file,
                               NGX_HTTP_PROCMGR_STATUS_MAX);

        rc = (n == -1) ? errno
             : pm_mem_status(m->file.data, (size_t) n, &m->status) == -1
               ? ENODATA : 0;
    }

    (void) close(dir);

    return rc;
}


static void
ngx_http_procmgr_memory_status(ngx_http_procmgr_memory_t *m)
{
    pm_json_t              *j;
    ngx_uint_t              i;
    const pm_mem_status_t  *st;

    j = &m->job->json;
    st = &m->status;

    pm_json_key(j, "status");
    pm_json_object(j);

    pm_json_key(j, "State");
    pm_json_strn(j, st->state.data, st->state.len);

    for (i = 0; i < PM_MEM_NUMBERS; i++) {

        if (!(st->have & 1u << i)) {
            pm_json_key(j, pm_mem_names[i]);
            pm_json_null(j);

        } else if (i < PM_MEM_VMS) {
            ngx_http_procmgr_memory_size(m, pm_mem_names[i], st->number[i],
                                         1024);

        } else {
            pm_json_key(j, pm_mem_names[i]);
            pm_json_u64(j, st->number[i]);
        }
    }

    ngx_http_procmgr_memory_list(j, "Uid", st->uid);
    ngx_http_procmgr_memory_list(j, "Gid", st->gid);
    ngx_http_procmgr_memory_list(j, "Groups", st->groups);

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_memory_list(pm_json_t *j, const char *key, pm_slice_t list)
{
    uint64_t  v;

    pm_json_key(j, key);
    pm_json_array(j);

    while (pm_mem_next(&list, &v)) {
        pm_json_u64(j, v);
    }

    pm_json_array_end(j);
}


/* what has no memory has none of it: statm says 0, status says nothing */

static void
ngx_http_procmgr_memory_stats(ngx_http_procmgr_memory_t *m)
{
    pm_json_t              *j;
    ngx_uint_t              i;
    const pm_mem_status_t  *st;

    static const struct {
        const char  *name;
        ngx_uint_t   number;
    } stats[] = {
        { "virtual_size", PM_MEM_VMSIZE },
        { "physical_size", PM_MEM_VMRSS },
        { "shared_size", PM_MEM_RSSFILE }
    };

    j = &m->job->json;
    st = &m->status;

    pm_json_key(j, "stats");
    pm_json_object(j);

    for (i = 0; i < 3; i++) {

        if ((st->have & 1u << stats[i].number)
            || !(st->have & 1u << PM_MEM_VMSIZE))
        {
            ngx_http_procmgr_memory_size(m, stats[i].name,
                                         st->number[stats[i].number] * 1024,
                                         1);

        } else {
            pm_json_key(j, stats[i].name);
            pm_json_null(j);
        }
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_memory_size(ngx_http_procmgr_memory_t *m, const char *key,
    uint64_t value, uint64_t unit)
{
    char  name[64], human[PM_HUMAN_LEN];

    pm_json_key(&m->job->json, key);
    pm_json_u64(&m->job->json, value);

    if (m->human) {
        (void) snprintf(name, sizeof(name), "%s_human", key);
        (void) pm_human_size(human, value * unit);

        pm_json_key(&m->job->json, name);
        pm_json_str(&m->job->json, human);
    }
}


static void
ngx_http_procmgr_memory_gone(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_memory_args_t  *args;

    args = job->args;

    ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "no_such_process",
                         "the process %lld has ended",
                         (long long) args->pid);
}
