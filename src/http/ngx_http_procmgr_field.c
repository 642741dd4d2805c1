
/*
 * The fields of processes: what is read for them beyond the snapshot.  Files
 * that are protected, or whose reading may never end, come from the helper
 * in one batch, whoever owns the process: the policy decides for all of them.
 */

#include "ngx_http_procmgr_row.h"
#include "../proc/pm_late.h"


/* the text of the parts: beyond it the answer is none anyway */
#define NGX_HTTP_PROCMGR_STORE  (512 * 1024 * 1024)


static ngx_int_t ngx_http_procmgr_rows_init(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *const *procs);
static uint32_t ngx_http_procmgr_row_asks(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_rows_ask(ngx_http_procmgr_rows_t *rows);
static void ngx_http_procmgr_rows_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static ngx_http_procmgr_row_t *ngx_http_procmgr_rows_find(
    ngx_http_procmgr_rows_t *rows, int32_t pid);
static void ngx_http_procmgr_row_settle(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row);
static void ngx_http_procmgr_rows_partial(ngx_http_procmgr_rows_t *rows);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_row(const void *a,
    const void *b);


#define ngx_http_procmgr_read_bit(f)  (1u << (f))

#define NGX_HTTP_PROCMGR_READ_CONNS   ngx_http_procmgr_read_bit(PM_READ_FD)
#define NGX_HTTP_PROCMGR_READ_FILES   ngx_http_procmgr_read_bit(PM_READ_FILES)
#define NGX_HTTP_PROCMGR_READ_EXE     ngx_http_procmgr_read_bit(PM_READ_EXE)
#define NGX_HTTP_PROCMGR_READ_CWD     ngx_http_procmgr_read_bit(PM_READ_CWD)
#define NGX_HTTP_PROCMGR_READ_ENV     ngx_http_procmgr_read_bit(PM_READ_ENVIRON)
#define NGX_HTTP_PROCMGR_READ_IO      ngx_http_procmgr_read_bit(PM_READ_IO)
#define NGX_HTTP_PROCMGR_READ_ARGS    ngx_http_procmgr_read_bit(PM_READ_CMDLINE)
#define NGX_HTTP_PROCMGR_READ_SMAPS   ngx_http_procmgr_read_bit(PM_READ_SMAPS)
#define NGX_HTTP_PROCMGR_READ_SUMS                                            \
    ngx_http_procmgr_read_bit(PM_READ_SMAPS_ROLLUP)

/* those that a kernel thread or a zombie has: the rest is known */
#define NGX_HTTP_PROCMGR_READ_ALWAYS                                          \
    (NGX_HTTP_PROCMGR_READ_CWD|NGX_HTTP_PROCMGR_READ_IO)


#define NGX_HTTP_PROCMGR_COUNTS                                               \
    (ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_NUM_FDS)                         \
     |ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_NUM_HANDLES))


const ngx_http_procmgr_field_t  ngx_http_procmgr_fields[] = {
    { "pid", PM_HAVE_STAT, 0, 0 },
    { "ppid", PM_HAVE_STAT, 0, 0 },
    { "name", PM_HAVE_STAT, 0, 0 },
    { "exe", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_EXE, 1 },
    { "cmdline", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_ARGS, 1 },
    { "environ", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_ENV, 1 },
    { "create_time", PM_HAVE_STAT, 0, 0 },
    { "status", PM_HAVE_STAT, 0, 0 },
    { "cwd", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_CWD, 1 },
    { "username", PM_HAVE_STAT, 0, 0 },
    { "nice", PM_HAVE_STAT, 0, 0 },
    { "ionice", PM_HAVE_STAT, 0, 0 },
    { "io_counters", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_IO, 0 },
    { "num_ctx_switches", PM_HAVE_STAT|PM_HAVE_STATUS, 0, 0 },
    { "num_handles", PM_HAVE_STAT, 0, 0 },
    { "num_fds", PM_HAVE_STAT, 0, 0 },
    { "num_threads", PM_HAVE_STAT, 0, 0 },
    { "threads", PM_HAVE_STAT, 0, 0 },
    { "cpu_percent", PM_HAVE_STAT, 0, 0 },
    { "cpu_times", PM_HAVE_STAT, 0, 0 },
    { "cpu_num", PM_HAVE_STAT, 0, 0 },
    { "cpu_affinity", PM_HAVE_STAT, 0, 0 },
    { "memory_info", PM_HAVE_STAT|PM_HAVE_STATM, 0, 0 },
    { "memory_full_info", PM_HAVE_STAT|PM_HAVE_STATM,
      NGX_HTTP_PROCMGR_READ_SUMS, 0 },
    { "memory_percent", PM_HAVE_STAT|PM_HAVE_STATM, 0, 0 },
    { "memory_maps", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_SMAPS, 1 },
    { "open_files", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_FILES, 0 },
    { "connections", PM_HAVE_STAT, NGX_HTTP_PROCMGR_READ_CONNS, 0 },
    { "uids", PM_HAVE_STAT|PM_HAVE_STATUS, 0, 0 },
    { "gids", PM_HAVE_STAT|PM_HAVE_STATUS, 0, 0 },
    { "terminal", PM_HAVE_STAT, 0, 0 },
    { "rlimit", PM_HAVE_STAT, 0, 0 },
    { "cgroup", PM_HAVE_STAT|PM_HAVE_CGROUP, 0, 0 },
    { "unit", PM_HAVE_STAT|PM_HAVE_CGROUP, 0, 0 },
    { "is_running", PM_HAVE_STAT, 0, 0 },
    { "parent", PM_HAVE_STAT, 0, 0 },
    { "parents", PM_HAVE_STAT, 0, 0 },
    { "children", PM_HAVE_STAT, 0, 0 }
};


ngx_uint_t
ngx_http_procmgr_field(const u_char *name, size_t len)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_PROCMGR_F_MAX; i++) {

        if (ngx_strlen(ngx_http_procmgr_fields[i].name) == len
            && ngx_memcmp(ngx_http_procmgr_fields[i].name, name, len) == 0)
        {
            break;
        }
    }

    return i;
}


unsigned
ngx_http_procmgr_fields_want(uint64_t fields)
{
    unsigned    want;
    ngx_uint_t  i;

    want = 0;

    for (i = 0; i < NGX_HTTP_PROCMGR_F_MAX; i++) {
        if (fields & ngx_http_procmgr_bit(i)) {
            want |= ngx_http_procmgr_fields[i].want;
        }
    }

    return want;
}


ngx_http_procmgr_rows_t *
ngx_http_procmgr_rows_read(ngx_procmgr_job_t *job,
    const ngx_http_procmgr_how_t *how, const pm_proc_t *const *procs,
    size_t n)
{
    size_t                    i;
    ngx_http_procmgr_rows_t  *rows;

    rows = ngx_calloc(sizeof(ngx_http_procmgr_rows_t), job->log);
    if (rows == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return NULL;
    }

    rows->job = job;
    rows->how = *how;
    rows->n = n;
    rows->now.row = -1;
    rows->walk.proc = -1;

    pm_json_init(&rows->store, NGX_HTTP_PROCMGR_STORE);

    if (ngx_http_procmgr_rows_init(rows, procs) != NGX_OK) {
        ngx_http_procmgr_rows_free(rows);
        return NULL;
    }

    ngx_http_procmgr_rows_ask(rows);

    if (pm_json_error(&rows->store)) {

        /* what does not fit there does not fit into the answer */

        ngx_procmgr_job_fail(job, NGX_HTTP_SERVICE_UNAVAILABLE, "zone_full",
                             "the answer does not fit into the zone");
        ngx_http_procmgr_rows_free(rows);
        return NULL;
    }

    for (i = 0; i < n; i++) {
        ngx_http_procmgr_row_settle(rows, &rows->rows[i]);
    }

    ngx_http_procmgr_rows_partial(rows);

    return rows;
}


static ngx_int_t
ngx_http_procmgr_rows_init(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *const *procs)
{
    int                      rc;
    size_t                   i;
    uint64_t                 fds;
    ngx_http_procmgr_row_t  *row;

    rows->rows = ngx_calloc((rows->n + 1) * sizeof(ngx_http_procmgr_row_t),
                            rows->job->log);
    rows->index = ngx_alloc((rows->n + 1) * sizeof(ngx_http_procmgr_row_t *),
                            rows->job->log);

    if (rows->rows == NULL || rows->index == NULL) {
        ngx_http_procmgr_syscall_failed(rows->job, "malloc", ENOMEM);
        return NGX_ERROR;
    }

    rc = pm_fd_walk_init(&rows->walk, NULL);

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(rows->job, "open", rc);
        return NGX_ERROR;
    }

    rows->counted = (pm_attr_fds(rows->walk.proc, ngx_pid, &fds) == ENOTSUP);

    for (i = 0; i < rows->n; i++) {
        row = &rows->rows[i];

        row->proc = procs[i];
        row->zombie = (procs[i]->state == 'Z' || procs[i]->state == 'X');
        row->asked = ngx_http_procmgr_row_asks(rows, procs[i]);

        rows->index[i] = row;
    }

    qsort(rows->index, rows->n, sizeof(ngx_http_procmgr_row_t *),
          ngx_http_procmgr_cmp_row);

    return NGX_OK;
}


void
ngx_http_procmgr_rows_free(ngx_http_procmgr_rows_t *rows)
{
    ngx_uint_t  i;

    if (rows == NULL) {
        return;
    }

    for (i = 0; i < rows->nothers; i++) {
        pm_conns_free(&rows->others[i]);
    }

    ngx_free(rows->others);

    pm_conns_free(&rows->conns);
    pm_buf_free(&rows->file);
    pm_buf_free(&rows->vars);
    pm_maps_free(&rows->maps);
    pm_ttys_free(&rows->ttys);
    pm_threads_free(&rows->threads);
    pm_json_free(&rows->store);

    if (rows->walk.proc != -1) {
        pm_fd_walk_free(&rows->walk);
    }

    ngx_free(rows->index);
    ngx_free(rows->rows);
    ngx_free(rows);
}


static uint32_t
ngx_http_procmgr_row_asks(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p)
{
    uint32_t    reads;
    ngx_uint_t  i;

    reads = 0;

    for (i = 0; i < NGX_HTTP_PROCMGR_F_MAX; i++) {
        if (rows->how.fields & ngx_http_procmgr_bit(i)) {
            reads |= ngx_http_procmgr_fields[i].read;
        }
    }

    /* an older kernel counts descriptors for their owner alone */

    if (rows->counted
        && (rows->how.fields & NGX_HTTP_PROCMGR_COUNTS))
    {
        reads |= NGX_HTTP_PROCMGR_READ_CONNS;
    }

    /* nobody but an administrator sees even the names there */

    if (rows->how.role != NGX_PROCMGR_ROLE_ADMIN) {
        reads &= ~NGX_HTTP_PROCMGR_READ_ENV;
    }

    if (p->kthread) {
        return reads & NGX_HTTP_PROCMGR_READ_ALWAYS;
    }

    if (p->state == 'Z' || p->state == 'X') {
        return reads & NGX_HTTP_PROCMGR_READ_IO;
    }

    return reads;
}


static void
ngx_http_procmgr_rows_ask(ngx_http_procmgr_rows_t *rows)
{
    size_t          i, n;
    pm_wire_pid_t  *pids;

    pids = ngx_calloc((rows->n + 1) * sizeof(pm_wire_pid_t), rows->job->log);
    if (pids == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i < rows->n; i++) {

        if (rows->rows[i].asked) {
            pids[n].pid = rows->rows[i].proc->pid;
            pids[n].fields = rows->rows[i].asked;
            pids[n].starttime = rows->rows[i].proc->starttime;
            n++;
        }
    }

    if (n) {
        ngx_http_procmgr_read(rows->job, rows->how.role, pids, n,
                              ngx_http_procmgr_rows_record, rows);
    }

    ngx_free(pids);
}


static void
ngx_http_procmgr_rows_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_rows_t *rows = data;

    ngx_http_procmgr_row_t  *row;

    row = ngx_http_procmgr_rows_find(rows, head->pid);

    if (row == NULL || head->field >= PM_READ_MAX
        || !(row->asked & 1u << head->field))
    {
        return;
    }

    if (head->error == ENOENT || head->error == ESRCH) {
        row->none |= 1u << head->field;
        row->lacks |= (head->error == ENOENT) ? 1u << head->field : 0;
        return;
    }

    if (head->error && !ngx_http_procmgr_read_unknown(head->error)) {
        row->error = head->error;
    }

    /* a part of a list would be a lie */

    if (head->error == 0 && !head->more) {
        ngx_http_procmgr_row_record(rows, row, head->field,
                                    (const char *) bytes, head->len);
    }
}


/* the records of a process come one behind the other */

static ngx_http_procmgr_row_t *
ngx_http_procmgr_rows_find(ngx_http_procmgr_rows_t *rows, int32_t pid)
{
    pm_proc_t                 proc;
    ngx_http_procmgr_row_t    key, *pkey, **found;

    if (rows->last && rows->last->proc->pid == pid) {
        return rows->last;
    }

    proc.pid = pid;
    key.proc = &proc;
    pkey = &key;

    found = bsearch(&pkey, rows->index, rows->n,
                    sizeof(ngx_http_procmgr_row_t *),
                    ngx_http_procmgr_cmp_row);

    rows->last = found ? *found : NULL;

    return rows->last;
}


/* one whose files were not there has ended, or become a zombie */

static void
ngx_http_procmgr_row_settle(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row)
{
    pm_late_t  late;

    if (row->none == 0) {
        return;
    }

    if (pm_late_read(&late, rows->walk.proc, row->proc->pid) != 0
        || late.proc.starttime != row->proc->starttime)
    {
        row->gone = 1;
        return;
    }

    row->zombie = (late.proc.state == 'Z' || late.proc.state == 'X');
}


static void
ngx_http_procmgr_rows_partial(ngx_http_procmgr_rows_t *rows)
{
    size_t      i;
    ngx_uint_t  f;

    for (f = 0; f < NGX_HTTP_PROCMGR_F_MAX; f++) {

        if (!(rows->how.fields & ngx_http_procmgr_bit(f))) {
            continue;
        }

        for (i = 0; i < rows->n; i++) {

            if (ngx_http_procmgr_row_denied(rows, i, f)
                || (f == NGX_HTTP_PROCMGR_F_CONNECTIONS
                    && rows->rows[i].cut))
            {
                ngx_http_procmgr_partial(rows->job,
                                         ngx_http_procmgr_fields[f].name);
                break;
            }
        }
    }
}


ngx_uint_t
ngx_http_procmgr_row_denied(ngx_http_procmgr_rows_t *rows, size_t i,
    ngx_uint_t field)
{
    uint32_t                 reads;
    ngx_http_procmgr_row_t  *row;

    row = &rows->rows[i];
    reads = ngx_http_procmgr_fields[field].read;

    if (row->gone) {
        return 0;
    }

    if (field == NGX_HTTP_PROCMGR_F_ENVIRON
        && rows->how.role != NGX_PROCMGR_ROLE_ADMIN)
    {
        return 1;
    }

    if (row->zombie) {
        return (reads & row->asked & NGX_HTTP_PROCMGR_READ_IO & ~row->have)
               != 0;
    }

    if (field == NGX_HTTP_PROCMGR_F_NUM_FDS
        || field == NGX_HTTP_PROCMGR_F_NUM_HANDLES)
    {
        reads = rows->counted ? NGX_HTTP_PROCMGR_READ_CONNS : 0;
    }

    return (reads & row->asked & ~row->have & ~row->none) != 0;
}


ngx_uint_t
ngx_http_procmgr_row_lacks(ngx_http_procmgr_rows_t *rows, size_t i,
    ngx_uint_t field)
{
    ngx_http_procmgr_row_t  *row;

    row = &rows->rows[i];

    return !row->gone && !row->zombie
           && (row->lacks & ngx_http_procmgr_fields[field].read);
}


int
ngx_http_procmgr_row_error(ngx_http_procmgr_rows_t *rows, size_t i)
{
    return rows->rows[i].error;
}


ngx_uint_t
ngx_http_procmgr_read_unknown(int error)
{
    return error == EACCES || error == EPERM || error == ETIMEDOUT
           || error == EAGAIN || error == EFBIG;
}


ngx_uint_t
ngx_http_procmgr_row_gone(ngx_http_procmgr_rows_t *rows, size_t i)
{
    if (!rows->rows[i].gone) {
        ngx_http_procmgr_row_now(rows, i);
    }

    return rows->rows[i].gone;
}


ngx_uint_t
ngx_http_procmgr_row_zombie(ngx_http_procmgr_rows_t *rows, size_t i)
{
    return rows->rows[i].zombie;
}


void
ngx_http_procmgr_row_now(ngx_http_procmgr_rows_t *rows, size_t i)
{
    uint64_t                 fields;
    const pm_proc_t         *p;
    ngx_http_procmgr_now_t  *now;

    now = &rows->now;

    if (now->row == (ssize_t) i) {
        return;
    }

    now->row = (ssize_t) i;

    p = rows->rows[i].proc;
    fields = rows->how.fields;

    now->threads_error = 0;
    now->ionice_error = 0;
    now->affinity_error = 0;
    now->fds_error = 0;

    if (fields & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_THREADS)) {
        now->threads_error = pm_threads_read(&rows->threads,
                                             rows->walk.proc, p->pid,
                                             p->starttime,
                                             p->num_threads == 1);
    }

    if (fields & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_IONICE)) {
        now->ionice_error = pm_attr_ionice(p->pid, &now->ioclass,
                                           &now->iovalue);
    }

    if (fields & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_CPU_AFFINITY)) {
        now->affinity_error = pm_attr_affinity(p->pid, &rows->cpus);
    }

    if (fields & NGX_HTTP_PROCMGR_COUNTS) {
        now->fds_error = pm_attr_fds(rows->walk.proc, p->pid, &now->fds);
    }

    if (now->threads_error == ENOENT || now->threads_error == ESRCH
        || now->fds_error == ENOENT || now->fds_error == ESRCH
        || (!rows->rows[i].zombie
            && (now->ionice_error == ESRCH || now->affinity_error == ESRCH)))
    {
        rows->rows[i].gone = 1;
    }
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_row(const void *a, const void *b)
{
    ngx_http_procmgr_row_t *const  *x = a, *const  *y = b;

    return ((*x)->proc->pid > (*y)->proc->pid)
           - ((*x)->proc->pid < (*y)->proc->pid);
}
