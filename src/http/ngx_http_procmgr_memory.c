
/* The family "memory": one process; watches are in files of their own */


#include "ngx_http_procmgr_groups.h"
#include "ngx_http_procmgr_item.h"
#include "ngx_http_procmgr_row.h"
#include "ngx_http_procmgr_summary.h"
#include "../proc/pm_human.h"
#include "../proc/pm_mem.h"


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

    /* of the helper's records, that of the link first */
    pm_buf_t                         exe;
    size_t                           exe_len;
    pm_mem_t                         mem;
    int                              error;     /* of smaps */
    unsigned                         exe_known:1;
    unsigned                         known:1;
} ngx_http_procmgr_memory_t;


static ngx_int_t ngx_http_procmgr_memory_self(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_memory_pid(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_memory_self_maps(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_memory_maps(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

static void ngx_http_procmgr_make_memory_pid(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_memory_make(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_ask(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_memory_status(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_stats(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_segments(ngx_http_procmgr_memory_t *m);
static void ngx_http_procmgr_memory_sizes(ngx_http_procmgr_memory_t *m,
    const uint64_t size[PM_MEM_SIZES], ngx_uint_t from);
static void ngx_http_procmgr_memory_list(pm_json_t *j, const char *key,
    pm_slice_t list);
static void ngx_http_procmgr_memory_size(ngx_http_procmgr_memory_t *m,
    const char *key, uint64_t value, uint64_t unit);
static void ngx_http_procmgr_memory_gone(ngx_procmgr_job_t *job);


ngx_http_procmgr_route_t  ngx_http_procmgr_memory_routes[] = {

    { NGX_HTTP_GET, "groups", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_groups },

    { NGX_HTTP_GET, "self", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_self },

    { NGX_HTTP_GET, "{pid}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_pid },

    { NGX_HTTP_GET, "self/maps", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_self_maps },

    { NGX_HTTP_GET, "{pid}/maps", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_memory_maps },

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
ngx_http_procmgr_memory_self_maps(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ctx->pid = ngx_pid;

    return ngx_http_procmgr_memory_maps(r, ctx);
}


static ngx_int_t
ngx_http_procmgr_memory_maps(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_item_one(r, ctx, NGX_HTTP_PROCMGR_F_MEMORY_MAPS);
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
        ngx_http_procmgr_item_absent(job, args->pid);

    } else {
        ngx_http_procmgr_memory_make(&m);
    }

    pm_buf_free(&m.file);
    pm_buf_free(&m.exe);

    job->snapshot = first;

    free(late);
}


static void
ngx_http_procmgr_memory_make(ngx_http_procmgr_memory_t *m)
{
    int              rc;
    pm_json_t       *j;
    struct timespec  ts;

    ngx_http_procmgr_memory_ask(m);

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    m->time = (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

    rc = pm_mem_read(m->proc->pid, m->proc->starttime, &m->file, &m->status);

    if (rc == ENOENT || rc == ESRCH) {
        ngx_http_procmgr_memory_gone(m->job);
        return;
    }

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(m->job, "reading of status", rc);
        return;
    }

    /* what lives, but lost its memory meanwhile, is on its way to its end */

    if (m->error && !(m->status.have & 1u << PM_MEM_VMSIZE)) {
        m->error = 0;
        m->known = 1;
    }

    if (m->error == ENOENT) {
        ngx_procmgr_job_fail(m->job, NGX_HTTP_NOT_IMPLEMENTED, "unsupported",
                             "this kernel has no smaps");
        return;
    }

    if (m->error && m->error != ESRCH
        && !ngx_http_procmgr_read_unknown(m->error))
    {
        ngx_http_procmgr_syscall_failed(m->job, "reading of smaps", m->error);
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
    ngx_http_procmgr_memory_segments(m);

    pm_json_object_end(j);
}


/* a reading of these may never end: it is the helper's, whoever owns them */

static void
ngx_http_procmgr_memory_ask(ngx_http_procmgr_memory_t *m)
{
    pm_wire_pid_t                          pid;
    const ngx_http_procmgr_memory_args_t  *args;

    args = m->job->args;

    if (m->proc->kthread || m->proc->state == 'Z' || m->proc->state == 'X') {
        m->known = 1;
        return;
    }

    ngx_memzero(&pid, sizeof(pm_wire_pid_t));

    pid.pid = m->proc->pid;
    pid.fields = 1u << PM_READ_EXE | 1u << PM_READ_SMAPS;
    pid.starttime = m->proc->starttime;

    ngx_http_procmgr_read(m->job, args->system.role, &pid, 1,
                          ngx_http_procmgr_memory_record, m);
}


static void
ngx_http_procmgr_memory_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_memory_t *m = data;

    if (head->pid != m->proc->pid) {
        return;
    }

    if (head->field == PM_READ_EXE) {

        /* without a link there is no executable, and that is known */

        if (head->error == 0 && head->len
            && pm_buf_grow(&m->exe, head->len) == 0)
        {
            ngx_memcpy(m->exe.data, bytes, head->len);
            m->exe_len = head->len;
        }

        m->exe_known = (m->exe_len || head->error == ENOENT);
        return;
    }

    if (head->field != PM_READ_SMAPS) {
        return;
    }

    m->error = head->error;

    m->known = head->error == 0 && !head->more && m->exe_known
               && pm_mem_segments((const char *) bytes, head->len,
                                  m->exe.data, m->exe_len, &m->mem)
                  == 0;
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

    pm_json_key(j, "timestamp");
    ngx_http_procmgr_summary_time(j, m->time);

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_memory_segments(ngx_http_procmgr_memory_t *m)
{
    uint64_t         threads;
    pm_json_t       *j;
    ngx_uint_t       i;
    const pm_mem_t  *mem;

    j = &m->job->json;
    mem = &m->mem;

    pm_json_key(j, "segments");

    if (!m->known) {
        ngx_http_procmgr_partial(m->job, "segments");
        ngx_http_procmgr_partial(m->job, "totals");

        pm_json_null(j);
        pm_json_key(j, "totals");
        pm_json_null(j);
        pm_json_key(j, "thread_stacks");
        pm_json_null(j);
        return;
    }

    pm_json_object(j);

    for (i = 0; i < PM_MEM_SEGMENTS; i++) {
        pm_json_key(j, pm_mem_segment_names[i]);
        pm_json_object(j);
        ngx_http_procmgr_memory_sizes(m, mem->segment[i], PM_MEM_SIZE);
        pm_json_object_end(j);
    }

    pm_json_object_end(j);

    pm_json_key(j, "totals");
    pm_json_object(j);
    ngx_http_procmgr_memory_sizes(m, mem->total, PM_MEM_RSS);
    ngx_http_procmgr_memory_size(m, "physical_plus_swap",
                                 mem->total[PM_MEM_RSS]
                                 + mem->total[PM_MEM_SWAP], 1);
    pm_json_object_end(j);

    /* threads whose stacks are not to be seen have them all the same */

    threads = m->status.number[PM_MEM_THREADS];
    threads -= (threads > 0);

    pm_json_key(j, "thread_stacks");

    if (threads && mem->stacks == 0 && mem->maps) {
        pm_json_null(j);

    } else {
        pm_json_u64(j, ngx_min(threads, mem->stacks));
    }
}


static void
ngx_http_procmgr_memory_sizes(ngx_http_procmgr_memory_t *m,
    const uint64_t size[PM_MEM_SIZES], ngx_uint_t from)
{
    ngx_uint_t  i;

    for (i = from; i < PM_MEM_SIZES; i++) {
        ngx_http_procmgr_memory_size(m, pm_mem_size_names[i], size[i], 1);
    }
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
