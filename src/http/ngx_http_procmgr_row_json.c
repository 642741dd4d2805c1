
/*
 * A process as JSON: what the snapshot holds, what the kernel tells now, and
 * the parts that the helper's records were made into.
 */

#include "ngx_http_procmgr_row.h"


static void ngx_http_procmgr_row_part(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t part, const char *kernel);
static void ngx_http_procmgr_row_environ_json(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row);
static void ngx_http_procmgr_row_list(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t part);
static void ngx_http_procmgr_row_count(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row);
static void ngx_http_procmgr_row_threads(ngx_http_procmgr_rows_t *rows);
static void ngx_http_procmgr_row_times(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_row_affinity(ngx_http_procmgr_rows_t *rows);
static void ngx_http_procmgr_row_memory(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t full);
static void ngx_http_procmgr_row_ids(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p, const uint32_t id[3]);
static void ngx_http_procmgr_row_terminal(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_row_limits(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_row_limit(pm_json_t *j, uint64_t v);
static void ngx_http_procmgr_row_cgroup(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p, ngx_uint_t unit);


void
ngx_http_procmgr_row_object(ngx_http_procmgr_rows_t *rows, size_t i)
{
    pm_json_t   *j;
    ngx_uint_t   f;

    j = &rows->job->json;

    pm_json_object(j);

    for (f = 0; f < NGX_HTTP_PROCMGR_F_MAX; f++) {

        if (rows->how.fields & ngx_http_procmgr_bit(f)) {
            pm_json_key(j, ngx_http_procmgr_fields[f].name);
            ngx_http_procmgr_row_json(rows, i, f);
        }
    }

    pm_json_object_end(j);
}


void
ngx_http_procmgr_row_json(ngx_http_procmgr_rows_t *rows, size_t i,
    ngx_uint_t field)
{
    double                   total;
    pm_json_t               *j;
    const char              *status;
    const pm_proc_t         *p;
    const pm_snapshot_t     *s;
    ngx_http_procmgr_row_t  *row;

    j = &rows->job->json;
    s = rows->job->snapshot;
    row = &rows->rows[i];
    p = row->proc;

    ngx_http_procmgr_row_now(rows, i);

    switch (field) {

    case NGX_HTTP_PROCMGR_F_PID:
        pm_json_i64(j, p->pid);
        return;

    case NGX_HTTP_PROCMGR_F_PPID:
        pm_json_i64(j, p->ppid);
        return;

    case NGX_HTTP_PROCMGR_F_NAME:
        ngx_http_procmgr_json_name(rows->job, p);
        return;

    case NGX_HTTP_PROCMGR_F_EXE:
        ngx_http_procmgr_row_part(rows, row, NGX_HTTP_PROCMGR_PART_EXE, "");
        return;

    case NGX_HTTP_PROCMGR_F_CMDLINE:
        if (row->zombie) {
            pm_json_null(j);
            return;
        }

        ngx_http_procmgr_row_list(rows, row, NGX_HTTP_PROCMGR_PART_CMDLINE);
        return;

    case NGX_HTTP_PROCMGR_F_ENVIRON:
        ngx_http_procmgr_row_environ_json(rows, row);
        return;

    case NGX_HTTP_PROCMGR_F_CREATE_TIME:
        pm_json_double(j, ngx_http_procmgr_create_time(s, p));
        return;

    case NGX_HTTP_PROCMGR_F_STATUS:
        status = pm_attr_status(row->zombie ? 'Z' : p->state);
        pm_json_str(j, status);
        return;

    case NGX_HTTP_PROCMGR_F_CWD:
        ngx_http_procmgr_row_part(rows, row, NGX_HTTP_PROCMGR_PART_CWD,
                                  NULL);
        return;

    case NGX_HTTP_PROCMGR_F_USERNAME:
        ngx_http_procmgr_json_user(rows->job, p);
        return;

    case NGX_HTTP_PROCMGR_F_NICE:
        pm_json_i64(j, p->nice);
        return;

    case NGX_HTTP_PROCMGR_F_IONICE:
        if (rows->now.ionice_error) {
            pm_json_null(j);
            return;
        }

        ngx_http_procmgr_entry(rows, j);
        ngx_http_procmgr_entry_u64(rows, j, "ioclass", rows->now.ioclass);
        ngx_http_procmgr_entry_u64(rows, j, "value", rows->now.iovalue);
        ngx_http_procmgr_entry_end(rows, j);
        return;

    case NGX_HTTP_PROCMGR_F_IO_COUNTERS:
        ngx_http_procmgr_row_part(rows, row, NGX_HTTP_PROCMGR_PART_IO, NULL);
        return;

    case NGX_HTTP_PROCMGR_F_NUM_CTX_SWITCHES:
        if (!(p->have & PM_HAVE_STATUS)) {
            pm_json_null(j);
            return;
        }

        ngx_http_procmgr_entry(rows, j);
        ngx_http_procmgr_entry_u64(rows, j, "voluntary", p->nvcsw);
        ngx_http_procmgr_entry_u64(rows, j, "involuntary", p->nivcsw);
        ngx_http_procmgr_entry_end(rows, j);
        return;

    case NGX_HTTP_PROCMGR_F_NUM_HANDLES:
    case NGX_HTTP_PROCMGR_F_NUM_FDS:
        ngx_http_procmgr_row_count(rows, row);
        return;

    case NGX_HTTP_PROCMGR_F_NUM_THREADS:
        pm_json_u64(j, p->num_threads);
        return;

    case NGX_HTTP_PROCMGR_F_THREADS:
        ngx_http_procmgr_row_threads(rows);
        return;

    case NGX_HTTP_PROCMGR_F_CPU_PERCENT:
        pm_json_fixed(j, p->cpu_percent, 1);
        return;

    case NGX_HTTP_PROCMGR_F_CPU_TIMES:
        ngx_http_procmgr_row_times(rows, p);
        return;

    case NGX_HTTP_PROCMGR_F_CPU_NUM:
        pm_json_i64(j, p->processor);
        return;

    case NGX_HTTP_PROCMGR_F_CPU_AFFINITY:
        ngx_http_procmgr_row_affinity(rows);
        return;

    case NGX_HTTP_PROCMGR_F_MEMORY_INFO:
        ngx_http_procmgr_row_memory(rows, row, 0);
        return;

    case NGX_HTTP_PROCMGR_F_MEMORY_FULL_INFO:
        ngx_http_procmgr_row_memory(rows, row, 1);
        return;

    case NGX_HTTP_PROCMGR_F_MEMORY_PERCENT:
        total = (double) s->memory.total * 1024;

        if ((p->have & PM_HAVE_STATM) && total > 0) {
            pm_json_double(j, (double) p->rss / total * 100);

        } else {
            pm_json_null(j);
        }

        return;

    case NGX_HTTP_PROCMGR_F_MEMORY_MAPS:
        if (row->zombie) {
            pm_json_null(j);
            return;
        }

        ngx_http_procmgr_row_list(rows, row, NGX_HTTP_PROCMGR_PART_MAPS);
        return;

    case NGX_HTTP_PROCMGR_F_OPEN_FILES:
        ngx_http_procmgr_row_list(rows, row, NGX_HTTP_PROCMGR_PART_FILES);
        return;

    case NGX_HTTP_PROCMGR_F_CONNECTIONS:
        ngx_http_procmgr_row_list(rows, row, NGX_HTTP_PROCMGR_PART_CONNS);
        return;

    case NGX_HTTP_PROCMGR_F_UIDS:
        ngx_http_procmgr_row_ids(rows, p, p->uid);
        return;

    case NGX_HTTP_PROCMGR_F_GIDS:
        ngx_http_procmgr_row_ids(rows, p, p->gid);
        return;

    case NGX_HTTP_PROCMGR_F_TERMINAL:
        ngx_http_procmgr_row_terminal(rows, p);
        return;

    case NGX_HTTP_PROCMGR_F_RLIMIT:
        ngx_http_procmgr_row_limits(rows, p);
        return;

    case NGX_HTTP_PROCMGR_F_CGROUP:
        ngx_http_procmgr_row_cgroup(rows, p, 0);
        return;

    case NGX_HTTP_PROCMGR_F_UNIT:
        ngx_http_procmgr_row_cgroup(rows, p, 1);
        return;

    case NGX_HTTP_PROCMGR_F_IS_RUNNING:
        pm_json_bool(j, 1);
        return;

    default:
        ngx_http_procmgr_json_kin(rows, p, field);
    }
}


/* a value of the helper; what a kernel thread has in its place, or NULL */

static void
ngx_http_procmgr_row_part(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t part, const char *kernel)
{
    if (row->part[part].len) {
        pm_part_copy(&rows->job->json, &rows->store, &row->part[part]);
        return;
    }

    /* a program file that is not there, and no zombie: as psutil has it */

    if (part == NGX_HTTP_PROCMGR_PART_EXE && !row->zombie
        && (row->none & 1u << PM_READ_EXE))
    {
        kernel = "";

    } else if (!row->proc->kthread) {
        kernel = NULL;
    }

    pm_json_str(&rows->job->json, kernel);
}


static void
ngx_http_procmgr_row_environ_json(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row)
{
    pm_json_t  *j;

    j = &rows->job->json;

    if (rows->how.role != NGX_PROCMGR_ROLE_ADMIN || row->zombie) {
        pm_json_null(j);
        return;
    }

    if (row->proc->kthread) {
        pm_json_object(j);
        pm_json_object_end(j);
        return;
    }

    ngx_http_procmgr_row_part(rows, row, NGX_HTTP_PROCMGR_PART_ENVIRON,
                              NULL);
}


/* where there is no memory and no descriptor, the list is empty */

static void
ngx_http_procmgr_row_list(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t part)
{
    if (row->zombie || row->proc->kthread) {
        pm_json_array(&rows->job->json);
        pm_json_array_end(&rows->job->json);
        return;
    }

    ngx_http_procmgr_row_part(rows, row, part, NULL);
}


static void
ngx_http_procmgr_row_count(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row)
{
    pm_json_t  *j;

    j = &rows->job->json;

    if (rows->now.fds_error == 0) {
        pm_json_u64(j, rows->now.fds);

    } else if (row->zombie || row->proc->kthread) {
        pm_json_u64(j, 0);

    } else if (row->have & 1u << PM_READ_FD) {
        pm_json_u64(j, row->fds);

    } else {
        pm_json_null(j);
    }
}


static void
ngx_http_procmgr_row_threads(ngx_http_procmgr_rows_t *rows)
{
    size_t      i;
    double      ticks;
    pm_json_t  *j;

    j = &rows->job->json;
    ticks = rows->job->snapshot->ticks_per_second;

    if (rows->now.threads_error) {
        pm_json_null(j);
        return;
    }

    pm_json_array(j);

    for (i = 0; i < rows->threads.n; i++) {
        ngx_http_procmgr_entry(rows, j);
        ngx_http_procmgr_entry_u64(rows, j, "id", rows->threads.elts[i].tid);
        ngx_http_procmgr_entry_key(rows, j, "user_time");
        pm_json_double(j, (double) rows->threads.elts[i].utime / ticks);
        ngx_http_procmgr_entry_key(rows, j, "system_time");
        pm_json_double(j, (double) rows->threads.elts[i].stime / ticks);
        ngx_http_procmgr_entry_end(rows, j);
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_row_times(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p)
{
    double                    ticks;
    uint64_t                  value[5];
    pm_json_t                *j;
    ngx_uint_t                i;

    static const char *const  names[] = {
        "user", "system", "children_user", "children_system", "iowait"
    };

    j = &rows->job->json;
    ticks = rows->job->snapshot->ticks_per_second;

    value[0] = p->utime;
    value[1] = p->stime;
    value[2] = p->cutime;
    value[3] = p->cstime;
    value[4] = p->blkio;

    ngx_http_procmgr_entry(rows, j);

    for (i = 0; i < 5; i++) {
        ngx_http_procmgr_entry_key(rows, j, names[i]);
        pm_json_double(j, (double) value[i] / ticks);
    }

    ngx_http_procmgr_entry_end(rows, j);
}


static void
ngx_http_procmgr_row_affinity(ngx_http_procmgr_rows_t *rows)
{
    size_t      i;
    pm_json_t  *j;

    j = &rows->job->json;

    if (rows->now.affinity_error) {
        pm_json_null(j);
        return;
    }

    pm_json_array(j);

    for (i = 0; i < rows->cpus.n; i++) {
        if (pm_cpuset_has(&rows->cpus, i)) {
            pm_json_u64(j, i);
        }
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_row_memory(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t full)
{
    pm_json_t        *j;
    const pm_proc_t  *p;

    p = row->proc;
    j = &rows->job->json;

    if (!(p->have & PM_HAVE_STATM)
        || (full && !row->zombie && !p->kthread
            && !(row->have & 1u << PM_READ_SMAPS_ROLLUP)))
    {
        pm_json_null(j);
        return;
    }

    ngx_http_procmgr_entry(rows, j);
    ngx_http_procmgr_entry_size(rows, j, "rss", p->rss);
    ngx_http_procmgr_entry_size(rows, j, "vms", p->vms);
    ngx_http_procmgr_entry_size(rows, j, "shared", p->shared);
    ngx_http_procmgr_entry_size(rows, j, "text", p->text);
    ngx_http_procmgr_entry_size(rows, j, "lib", 0);
    ngx_http_procmgr_entry_size(rows, j, "data", p->data);
    ngx_http_procmgr_entry_size(rows, j, "dirty", 0);

    if (full) {
        ngx_http_procmgr_entry_size(rows, j, "uss", row->sums.uss);
        ngx_http_procmgr_entry_size(rows, j, "pss", row->sums.pss);
        ngx_http_procmgr_entry_size(rows, j, "swap", row->sums.swap);
    }

    ngx_http_procmgr_entry_end(rows, j);
}


static void
ngx_http_procmgr_row_ids(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p,
    const uint32_t id[3])
{
    pm_json_t  *j;

    j = &rows->job->json;

    if (!(p->have & PM_HAVE_STATUS)) {
        pm_json_null(j);
        return;
    }

    ngx_http_procmgr_entry(rows, j);
    ngx_http_procmgr_entry_u64(rows, j, "real", id[0]);
    ngx_http_procmgr_entry_u64(rows, j, "effective", id[1]);
    ngx_http_procmgr_entry_u64(rows, j, "saved", id[2]);
    ngx_http_procmgr_entry_end(rows, j);
}


/* the devices are looked at once, and only when somebody has a terminal */

static void
ngx_http_procmgr_row_terminal(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p)
{
    if (p->tty_nr && !rows->ttys_read) {
        rows->ttys_read = 1;
        (void) pm_ttys_read(&rows->ttys, "/dev");
    }

    pm_json_str(&rows->job->json, pm_ttys_name(&rows->ttys, p->tty_nr));
}


static void
ngx_http_procmgr_row_limits(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p)
{
    char         path[PM_PROCFS_PATH];
    ssize_t      n;
    pm_json_t   *j;
    ngx_uint_t   i;
    pm_limit_t   limits[PM_LIMITS];

    j = &rows->job->json;

    if (pm_procfs_path(path, p->pid, "limits") == 0) {
        pm_json_null(j);
        return;
    }

    n = pm_procfs_read_record(rows->walk.proc, path, &rows->file, 65536);

    if (n == -1 || pm_limits_parse(rows->file.data, n, limits) == -1) {
        pm_json_null(j);
        return;
    }

    pm_json_object(j);

    for (i = 0; i < PM_LIMITS; i++) {
        pm_json_key(j, pm_limit_names[i]);
        ngx_http_procmgr_entry(rows, j);
        ngx_http_procmgr_entry_key(rows, j, "soft");
        ngx_http_procmgr_row_limit(j, limits[i].soft);
        ngx_http_procmgr_entry_key(rows, j, "hard");
        ngx_http_procmgr_row_limit(j, limits[i].hard);
        ngx_http_procmgr_entry_end(rows, j);
    }

    pm_json_object_end(j);
}


/* psutil.RLIM_INFINITY is -1 */

static void
ngx_http_procmgr_row_limit(pm_json_t *j, uint64_t v)
{
    if (v == PM_LIMIT_NONE) {
        pm_json_i64(j, -1);

    } else {
        pm_json_u64(j, v);
    }
}


static void
ngx_http_procmgr_row_cgroup(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p,
    ngx_uint_t unit)
{
    char         name[PM_UNIT_LEN];
    pm_json_t   *j;
    const char  *path;

    j = &rows->job->json;
    path = pm_snapshot_str(rows->job->snapshot, p->cgroup);

    if (!(p->have & PM_HAVE_CGROUP)) {
        pm_json_null(j);

    } else if (!unit) {
        pm_json_strn(j, path, p->cgroup.len);

    } else if (pm_unit_of(name, path, p->cgroup.len)) {
        pm_json_str(j, name);

    } else {
        pm_json_null(j);
    }
}
