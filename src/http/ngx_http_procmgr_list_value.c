
/*
 * What a list of processes can be filtered and sorted by: the columns, their
 * values, and the reading of those that stand beyond the snapshot.
 */

#include "ngx_http_procmgr_list.h"
#include "ngx_http_procmgr_row.h"


#define NGX_HTTP_PROCMGR_STATUS_MAX  (1024 * 1024)

#define ngx_http_procmgr_reads(f)  (1u << (f))

#define NGX_HTTP_PROCMGR_LIST_COUNTS                                          \
    (ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_NUM_FDS)                         \
     |ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_NUM_HANDLES))


typedef struct {
    const char                      *name;      /* NULL: that of the field */
    pm_filter_type_e                 type;
    unsigned                         want;      /* PM_HAVE_* */
    unsigned                         read;      /* 1 << PM_READ_* */
} ngx_http_procmgr_column_t;


static void ngx_http_procmgr_list_own(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_cand_t *c, uint64_t columns);
static unsigned ngx_http_procmgr_list_asks(ngx_http_procmgr_list_t *list,
    uint32_t i, unsigned reads);
static void ngx_http_procmgr_list_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static ngx_uint_t ngx_http_procmgr_list_opened(ngx_http_procmgr_list_t *list,
    const u_char *data, size_t len);
static int64_t ngx_http_procmgr_list_count(const u_char *data, size_t len);
static size_t ngx_http_procmgr_list_line(
    char buf[NGX_HTTP_PROCMGR_VALUE_LEN], const ngx_str_t *text);


/* what is not listed here cannot be compared */

static const ngx_http_procmgr_column_t
    ngx_http_procmgr_columns[NGX_HTTP_PROCMGR_C_MAX + 1] =
{
    [NGX_HTTP_PROCMGR_F_PID] = { "pid", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_F_PPID] = { "ppid", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_F_NAME] = { "name", PM_FILTER_TEXT, 0, 0 },
    [NGX_HTTP_PROCMGR_F_EXE] = { "exe", PM_FILTER_TEXT, 0,
                                 ngx_http_procmgr_reads(PM_READ_EXE) },
    [NGX_HTTP_PROCMGR_F_CMDLINE] = { "cmdline", PM_FILTER_TEXT, 0,
                                     ngx_http_procmgr_reads(PM_READ_CMDLINE) },
    [NGX_HTTP_PROCMGR_F_CREATE_TIME] = { "create_time", PM_FILTER_NUMBER,
                                         0, 0 },
    [NGX_HTTP_PROCMGR_F_STATUS] = { "status", PM_FILTER_TEXT, 0, 0 },
    [NGX_HTTP_PROCMGR_F_CWD] = { "cwd", PM_FILTER_TEXT, 0,
                                 ngx_http_procmgr_reads(PM_READ_CWD) },
    [NGX_HTTP_PROCMGR_F_USERNAME] = { "username", PM_FILTER_TEXT, 0, 0 },
    [NGX_HTTP_PROCMGR_F_NICE] = { "nice", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_F_NUM_HANDLES] = { "num_handles", PM_FILTER_NUMBER,
                                         0, 0 },
    [NGX_HTTP_PROCMGR_F_NUM_FDS] = { "num_fds", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_F_NUM_THREADS] = { "num_threads", PM_FILTER_NUMBER,
                                         0, 0 },
    [NGX_HTTP_PROCMGR_F_CPU_PERCENT] = { "cpu_percent", PM_FILTER_NUMBER,
                                         0, 0 },
    [NGX_HTTP_PROCMGR_F_CPU_NUM] = { "cpu_num", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_F_MEMORY_PERCENT] = { "memory_percent",
                                            PM_FILTER_NUMBER,
                                            PM_HAVE_STATM, 0 },
    [NGX_HTTP_PROCMGR_F_TERMINAL] = { "terminal", PM_FILTER_TEXT, 0, 0 },
    [NGX_HTTP_PROCMGR_F_CGROUP] = { "cgroup", PM_FILTER_TEXT,
                                    PM_HAVE_CGROUP, 0 },
    [NGX_HTTP_PROCMGR_F_UNIT] = { "unit", PM_FILTER_TEXT, PM_HAVE_CGROUP,
                                  0 },

    [NGX_HTTP_PROCMGR_C_IDENTITY] = { "identity", PM_FILTER_TEXT, 0, 0 },
    [NGX_HTTP_PROCMGR_C_RSS] = { "rss", PM_FILTER_NUMBER, PM_HAVE_STATM, 0 },
    [NGX_HTTP_PROCMGR_C_VMS] = { "vms", PM_FILTER_NUMBER, PM_HAVE_STATM, 0 },
    [NGX_HTTP_PROCMGR_C_SHARED] = { "shared", PM_FILTER_NUMBER,
                                    PM_HAVE_STATM, 0 },
    [NGX_HTTP_PROCMGR_C_SWAP] = { "swap", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_C_READ] = { "read_bytes_per_s", PM_FILTER_NUMBER, 0,
                                  ngx_http_procmgr_reads(PM_READ_IO) },
    [NGX_HTTP_PROCMGR_C_WRITE] = { "write_bytes_per_s", PM_FILTER_NUMBER, 0,
                                   ngx_http_procmgr_reads(PM_READ_IO) },
    [NGX_HTTP_PROCMGR_C_DEPTH] = { "depth", PM_FILTER_NUMBER, 0, 0 },
    [NGX_HTTP_PROCMGR_C_FILES] = { "num_openfiles", PM_FILTER_NUMBER, 0,
                                   ngx_http_procmgr_reads(PM_READ_NFILES) }
};


const char *
ngx_http_procmgr_column_name(ngx_uint_t column)
{
    return (column < NGX_HTTP_PROCMGR_F_MAX)
           ? ngx_http_procmgr_fields[column].name
           : ngx_http_procmgr_columns[column].name;
}


unsigned
ngx_http_procmgr_column_want(ngx_uint_t column)
{
    return ngx_http_procmgr_columns[column].want;
}


unsigned
ngx_http_procmgr_column_read(const ngx_http_procmgr_list_t *list,
    ngx_uint_t column)
{
    /* an older kernel does not tell how many descriptors there are */

    if (list->counted
        && (ngx_http_procmgr_bit(column) & NGX_HTTP_PROCMGR_LIST_COUNTS))
    {
        return ngx_http_procmgr_reads(PM_READ_FD);
    }

    return ngx_http_procmgr_columns[column].read;
}


int
ngx_http_procmgr_column_find(const char *name, size_t len,
    pm_filter_type_e *type)
{
    ngx_uint_t  i;

    i = ngx_http_procmgr_field((const u_char *) name, len);

    if (i == NGX_HTTP_PROCMGR_F_MAX) {

        for ( /* void */ ; i < NGX_HTTP_PROCMGR_C_MAX; i++) {

            if (ngx_strlen(ngx_http_procmgr_columns[i].name) == len
                && ngx_memcmp(ngx_http_procmgr_columns[i].name, name, len)
                   == 0)
            {
                break;
            }
        }

        if (i == NGX_HTTP_PROCMGR_C_MAX) {
            return -1;
        }
    }

    *type = ngx_http_procmgr_columns[i].name
            ? ngx_http_procmgr_columns[i].type : PM_FILTER_NONE;

    return (int) i;
}


void
ngx_http_procmgr_list_value(ngx_http_procmgr_list_t *list, uint32_t i,
    unsigned column, char buf[NGX_HTTP_PROCMGR_VALUE_LEN],
    pm_filter_value_t *value)
{
    ngx_str_t                 text;
    const pm_proc_t          *p;
    const pm_snapshot_t      *s;
    ngx_http_procmgr_cand_t  *c;

    c = &list->cands[i];
    p = c->proc;
    s = list->job->snapshot;

    value->text = NULL;
    value->known = 1;

    switch (column) {

    case NGX_HTTP_PROCMGR_F_PID:
        value->number = p->pid;
        return;

    case NGX_HTTP_PROCMGR_F_PPID:
        value->number = p->ppid;
        return;

    case NGX_HTTP_PROCMGR_F_NAME:
        value->text = pm_snapshot_str(s, p->name);
        value->len = p->name.len;
        return;

    case NGX_HTTP_PROCMGR_F_EXE:
    case NGX_HTTP_PROCMGR_F_CWD:
        value->known = ngx_http_procmgr_search_text(list->texts, i,
                           column == NGX_HTTP_PROCMGR_F_EXE ? PM_READ_EXE
                                                            : PM_READ_CWD,
                           &text);
        value->text = (char *) text.data;
        value->len = text.len;
        return;

    case NGX_HTTP_PROCMGR_F_CMDLINE:
        value->known = ngx_http_procmgr_search_text(list->texts, i,
                                                    PM_READ_CMDLINE, &text);
        value->text = buf;
        value->len = ngx_http_procmgr_list_line(buf, &text);
        return;

    case NGX_HTTP_PROCMGR_F_CREATE_TIME:
        value->number = ngx_http_procmgr_create_time(s, p);
        return;

    case NGX_HTTP_PROCMGR_F_STATUS:
        value->text = pm_attr_status(p->state);
        break;

    case NGX_HTTP_PROCMGR_F_USERNAME:
        value->text = pm_snapshot_str(s, p->username);
        value->len = p->username.len;
        value->known = (value->len != 0);
        return;

    case NGX_HTTP_PROCMGR_F_NICE:
        value->number = p->nice;
        return;

    case NGX_HTTP_PROCMGR_F_NUM_HANDLES:
    case NGX_HTTP_PROCMGR_F_NUM_FDS:
        value->number = (double) c->fds;
        value->known = (c->fds >= 0);
        return;

    case NGX_HTTP_PROCMGR_F_NUM_THREADS:
        value->number = p->num_threads;
        return;

    case NGX_HTTP_PROCMGR_F_CPU_PERCENT:
        value->number = p->cpu_percent;
        return;

    case NGX_HTTP_PROCMGR_F_CPU_NUM:
        value->number = p->processor;
        return;

    case NGX_HTTP_PROCMGR_F_MEMORY_PERCENT:
        value->number = (double) p->rss / list->total * 100;
        value->known = (p->have & PM_HAVE_STATM) && list->total > 0;
        return;

    case NGX_HTTP_PROCMGR_F_TERMINAL:
        value->text = p->tty_nr ? pm_ttys_name(&list->ttys, p->tty_nr)
                                : NULL;
        break;

    case NGX_HTTP_PROCMGR_F_CGROUP:
        value->text = pm_snapshot_str(s, p->cgroup);
        value->len = p->cgroup.len;
        value->known = (p->have & PM_HAVE_CGROUP) != 0;
        return;

    case NGX_HTTP_PROCMGR_F_UNIT:
        value->len = pm_unit_of(buf, pm_snapshot_str(s, p->cgroup),
                                p->cgroup.len);
        value->text = buf;
        value->known = (value->len != 0);
        return;

    case NGX_HTTP_PROCMGR_C_IDENTITY:
        value->len = ngx_sprintf((u_char *) buf, "%D:%uL", p->pid,
                                 p->starttime)
                     - (u_char *) buf;
        value->text = buf;
        return;

    case NGX_HTTP_PROCMGR_C_RSS:
        value->number = (double) p->rss;
        value->known = (p->have & PM_HAVE_STATM) != 0;
        return;

    case NGX_HTTP_PROCMGR_C_VMS:
        value->number = (double) p->vms;
        value->known = (p->have & PM_HAVE_STATM) != 0;
        return;

    case NGX_HTTP_PROCMGR_C_SHARED:
        value->number = (double) p->shared;
        value->known = (p->have & PM_HAVE_STATM) != 0;
        return;

    case NGX_HTTP_PROCMGR_C_SWAP:
        value->number = (double) c->swap;
        value->known = (c->swap >= 0);
        return;

    case NGX_HTTP_PROCMGR_C_READ:
        value->number = c->read;
        value->known = (c->read >= 0);
        return;

    case NGX_HTTP_PROCMGR_C_WRITE:
        value->number = c->write;
        value->known = (c->write >= 0);
        return;

    case NGX_HTTP_PROCMGR_C_DEPTH:
        value->number = c->depth;
        return;

    case NGX_HTTP_PROCMGR_C_FILES:
        value->number = (double) c->files;
        value->known = (c->files >= 0);
        return;
    }

    value->known = (value->text != NULL);
    value->len = value->text ? ngx_strlen(value->text) : 0;
}


/* the arguments as one types them */

static size_t
ngx_http_procmgr_list_line(char buf[NGX_HTTP_PROCMGR_VALUE_LEN],
    const ngx_str_t *text)
{
    size_t  i, len;

    len = ngx_min(text->len, NGX_HTTP_PROCMGR_VALUE_LEN);

    while (len && text->data[len - 1] == '\0') {
        len--;
    }

    for (i = 0; i < len; i++) {
        buf[i] = text->data[i] ? (char) text->data[i] : ' ';
    }

    return len;
}


void
ngx_http_procmgr_list_read(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n, uint64_t columns, unsigned reads)
{
    uint32_t                  i;
    unsigned                  asks;
    pm_wire_pid_t            *pids, *w;
    ngx_http_procmgr_cand_t  *c;

    if (columns & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_TERMINAL)) {
        (void) pm_ttys_read(&list->ttys, "/dev");
    }

    for (i = 0; i < n; i++) {
        ngx_http_procmgr_list_own(list, &list->cands[index[i]], columns);
    }

    if (reads == 0) {
        return;
    }

    pids = ngx_calloc(((size_t) n + 1) * sizeof(pm_wire_pid_t),
                      list->job->log);
    if (pids == NULL) {
        return;
    }

    w = pids;

    for (i = 0; i < n; i++) {

        asks = ngx_http_procmgr_list_asks(list, index[i], reads);

        if (asks) {
            c = &list->cands[index[i]];

            w->pid = c->proc->pid;
            w->starttime = c->proc->starttime;
            w->fields = asks;
            w++;
        }
    }

    if (w != pids) {
        ngx_http_procmgr_read(list->job, list->args->system.role, pids,
                              w - pids, ngx_http_procmgr_list_record, list);
    }

    ngx_free(pids);

    if (reads & ngx_http_procmgr_reads(PM_READ_IO)) {
        ngx_http_procmgr_list_rates(list, index, n);
    }
}


/* what everybody may read, and what the worker's own rights suffice for */

static void
ngx_http_procmgr_list_own(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_cand_t *c, uint64_t columns)
{
    int       rc;
    char      path[PM_PROCFS_PATH];
    ssize_t   len;
    uint64_t  n;

    if ((columns & NGX_HTTP_PROCMGR_LIST_COUNTS)
        && pm_attr_fds(list->walk.proc, c->proc->pid, &n) == 0)
    {
        c->fds = (int64_t) n;
    }

    if ((columns & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_C_SWAP))
        && pm_procfs_path(path, c->proc->pid, "status") != 0)
    {
        len = pm_procfs_read_record(list->walk.proc, path, &list->file,
                                    NGX_HTTP_PROCMGR_STATUS_MAX);

        if (len > 0
            && pm_pid_status_value(list->file.data, len, "VmSwap", &n) == 0
            && n <= (uint64_t) NGX_MAX_OFF_T_VALUE / 1024)
        {
            c->swap = (int64_t) n * 1024;
        }
    }

    if ((columns & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_C_FILES))
        && c->files == NGX_HTTP_PROCMGR_UNKNOWN
        && ngx_http_procmgr_own(c->proc))
    {
        rc = pm_fd_files(&list->walk, c->proc->pid, c->proc->starttime, &n);

        if (rc == 0) {
            c->files = (int64_t) n;

        } else if (rc == ENOENT || rc == ESRCH) {
            c->files = NGX_HTTP_PROCMGR_GONE;
        }
    }
}


static unsigned
ngx_http_procmgr_list_asks(ngx_http_procmgr_list_t *list, uint32_t i,
    unsigned reads)
{
    ngx_http_procmgr_cand_t  *c;

    c = &list->cands[i];

    if (c->files != NGX_HTTP_PROCMGR_UNKNOWN) {
        reads &= ~ngx_http_procmgr_reads(PM_READ_NFILES);
    }

    /* neither arguments nor files: that is known */

    if (c->proc->kthread || c->proc->state == 'Z' || c->proc->state == 'X') {

        reads &= ngx_http_procmgr_reads(PM_READ_IO)
                 |ngx_http_procmgr_reads(PM_READ_NFILES);

        c->fds_known = 1;

        if (list->counted) {
            c->fds = 0;
        }

        if (list->texts) {
            ngx_http_procmgr_search_none(list->texts, c->proc);
        }
    }

    return reads;
}


static void
ngx_http_procmgr_list_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_list_t *list = data;

    ngx_int_t                 n;
    const pm_proc_t          *p;
    ngx_http_procmgr_cand_t  *c;

    p = pm_snapshot_find(list->job->snapshot, head->pid);
    if (p == NULL) {
        return;
    }

    c = &list->cands[p - pm_snapshot_procs(list->job->snapshot)];

    switch (head->field) {

    case PM_READ_NFILES:

        if (head->error == ENOENT || head->error == ESRCH) {
            c->files = NGX_HTTP_PROCMGR_GONE;

        } else if (head->error == 0) {
            n = ngx_atoi((u_char *) bytes, head->len);

            if (n != NGX_ERROR) {
                c->files = n;
            }
        }

        return;

    case PM_READ_IO:

        if (head->error == 0
            && pm_pid_parse_io((const char *) bytes, head->len, &c->io) == 0)
        {
            c->io_known = 1;
        }

        return;

    case PM_READ_FD:

        if (head->error == 0) {
            c->fds_known = 1;
            c->opened = ngx_http_procmgr_list_opened(list, bytes, head->len);

            if (list->counted && !head->more) {
                c->fds = ngx_http_procmgr_list_count(bytes, head->len);
            }

        } else if (head->error == ENOENT || head->error == ESRCH) {
            c->fds_known = 1;
        }

        return;

    default:

        if (list->texts) {
            ngx_http_procmgr_search_record(list->texts, head, bytes);
        }
    }
}


/* "<fd> <link>\0" for each */

static ngx_uint_t
ngx_http_procmgr_list_opened(ngx_http_procmgr_list_t *list,
    const u_char *data, size_t len)
{
    const u_char                         *p, *end, *zero, *path;
    const ngx_http_procmgr_span_t        *span;

    end = data + len;
    span = &list->args->open;
    path = list->args->text + span->off;

    for (p = data; p < end; p = zero + 1) {

        zero = memchr(p, '\0', end - p);
        if (zero == NULL) {
            break;
        }

        p = memchr(p, ' ', zero - p);
        if (p == NULL) {
            break;
        }

        p++;

        if ((size_t) (zero - p) == span->len
            && ngx_memcmp(p, path, span->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* each ends in a zero */

static int64_t
ngx_http_procmgr_list_count(const u_char *data, size_t len)
{
    size_t   i;
    int64_t  n;

    for (i = 0, n = 0; i < len; i++) {
        n += (data[i] == '\0');
    }

    return n;
}


ngx_uint_t
ngx_http_procmgr_list_known(ngx_http_procmgr_list_t *list, uint32_t i,
    unsigned read)
{
    ngx_str_t                 text;
    ngx_http_procmgr_cand_t  *c;

    c = &list->cands[i];

    switch (read) {

    case ngx_http_procmgr_reads(PM_READ_NFILES):
        return c->files != NGX_HTTP_PROCMGR_UNKNOWN;

    case ngx_http_procmgr_reads(PM_READ_FD):
        return c->fds != NGX_HTTP_PROCMGR_UNKNOWN;

    case ngx_http_procmgr_reads(PM_READ_IO):
        return c->io_known;

    case ngx_http_procmgr_reads(PM_READ_EXE):
        return ngx_http_procmgr_search_text(list->texts, i, PM_READ_EXE,
                                            &text);

    case ngx_http_procmgr_reads(PM_READ_CWD):
        return ngx_http_procmgr_search_text(list->texts, i, PM_READ_CWD,
                                            &text);

    case ngx_http_procmgr_reads(PM_READ_CMDLINE):
        return ngx_http_procmgr_search_text(list->texts, i, PM_READ_CMDLINE,
                                            &text);

    default:
        return 1;
    }
}
