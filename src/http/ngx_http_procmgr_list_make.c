
/*
 * A list of processes, in the thread: who may be a hit by what the snapshot
 * has, then what filter, order and name take of those, then the rest for the
 * rows that are returned alone.
 */

#include "ngx_http_procmgr_list.h"


typedef struct {                        /* of a run of the filter */
    ngx_http_procmgr_list_t         *list;
    uint32_t                         index;
    char                             buf[NGX_HTTP_PROCMGR_VALUE_LEN];
} ngx_http_procmgr_list_run_t;


static ngx_int_t ngx_http_procmgr_list_init(ngx_http_procmgr_list_t *list);
static void ngx_http_procmgr_list_free(ngx_http_procmgr_list_t *list);
static void ngx_http_procmgr_list_candidates(ngx_http_procmgr_list_t *list);
static ngx_uint_t ngx_http_procmgr_list_candidate(
    ngx_http_procmgr_list_t *list, const pm_proc_t *p);
static ngx_int_t ngx_http_procmgr_list_compared(
    ngx_http_procmgr_list_t *list);
static ngx_int_t ngx_http_procmgr_list_denied(ngx_http_procmgr_list_t *list,
    uint64_t columns);
static void ngx_http_procmgr_list_hits(ngx_http_procmgr_list_t *list);
static void ngx_http_procmgr_list_get(void *data, unsigned field,
    pm_filter_value_t *value);
static void ngx_http_procmgr_list_sort(ngx_http_procmgr_list_t *list);
static int ngx_http_procmgr_list_cmp(const void *a, const void *b,
    void *data);
static int ngx_http_procmgr_list_cmp_text(ngx_http_procmgr_list_t *list,
    uint32_t a, uint32_t b);
static void ngx_http_procmgr_list_cut(ngx_http_procmgr_list_t *list);


const char *const  ngx_http_procmgr_list_states[] = {
    "running", "sleeping", "disk-sleep", "stopped", "tracing-stop", "zombie",
    "dead", "wake-kill", "waking", "idle", "parked", NULL
};


void
ngx_http_procmgr_make_list(ngx_procmgr_job_t *job)
{
    ngx_http_procmgr_list_t  *list;

    list = ngx_calloc(sizeof(ngx_http_procmgr_list_t), job->log);
    if (list == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return;
    }

    list->job = job;
    list->args = job->args;
    list->n = job->snapshot->nprocs;
    list->total = (double) job->snapshot->memory.total * 1024;
    list->walk.proc = -1;

    if (ngx_http_procmgr_list_init(list) == NGX_OK) {

        ngx_http_procmgr_list_candidates(list);

        if (ngx_http_procmgr_list_compared(list) == NGX_OK) {
            ngx_http_procmgr_list_hits(list);
            ngx_http_procmgr_list_rows(list);
        }
    }

    ngx_http_procmgr_list_free(list);
}


static ngx_int_t
ngx_http_procmgr_list_init(ngx_http_procmgr_list_t *list)
{
    int                                  rc;
    uint64_t                             fds;
    const char                          *text;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;
    text = (const char *) args->text;

    list->cands = ngx_calloc(((size_t) list->n + 1)
                             * sizeof(ngx_http_procmgr_cand_t),
                             list->job->log);
    list->order = ngx_alloc(((size_t) list->n + 1) * sizeof(uint32_t),
                            list->job->log);

    if (list->cands == NULL || list->order == NULL) {
        ngx_http_procmgr_syscall_failed(list->job, "malloc", ENOMEM);
        return NGX_ERROR;
    }

    rc = pm_fd_walk_init(&list->walk, NULL);

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(list->job, "open", rc);
        return NGX_ERROR;
    }

    list->counted = (pm_attr_fds(list->walk.proc, ngx_pid, &fds) == ENOTSUP);

    /* the event loop has tried both already */

    if (args->filter.len) {
        (void) pm_filter_compile(&list->filter, text + args->filter.off,
                                 args->filter.len,
                                 ngx_http_procmgr_column_find);
    }

    if (args->name.len) {
        (void) pm_match_init(&list->match, text + args->name.off,
                             args->name.len);
    }

    return NGX_OK;
}


static void
ngx_http_procmgr_list_free(ngx_http_procmgr_list_t *list)
{
    ngx_http_procmgr_search_free(list->texts);
    pm_buf_free(&list->file);
    pm_ttys_free(&list->ttys);

    if (list->walk.proc != -1) {
        pm_fd_walk_free(&list->walk);
    }

    ngx_free(list->order);
    ngx_free(list->cands);
    ngx_free(list);
}


static void
ngx_http_procmgr_list_candidates(ngx_http_procmgr_list_t *list)
{
    uint32_t                  i;
    const pm_proc_t          *p;
    ngx_http_procmgr_cand_t  *c;

    c = list->cands;
    p = pm_snapshot_procs(list->job->snapshot);

    for (i = 0; i < list->n; i++) {

        c[i].proc = &p[i];
        c[i].files = NGX_HTTP_PROCMGR_UNKNOWN;
        c[i].fds = NGX_HTTP_PROCMGR_UNKNOWN;
        c[i].swap = NGX_HTTP_PROCMGR_UNKNOWN;
        c[i].read = NGX_HTTP_PROCMGR_UNKNOWN;
        c[i].write = NGX_HTTP_PROCMGR_UNKNOWN;
        c[i].parent = -1;

        if (ngx_http_procmgr_list_candidate(list, &p[i])) {
            c[i].hit = 1;
            list->order[list->norder++] = i;
        }
    }
}


/* by what the snapshot has of every process */

static ngx_uint_t
ngx_http_procmgr_list_candidate(ngx_http_procmgr_list_t *list,
    const pm_proc_t *p)
{
    ngx_int_t                            uid;
    ngx_uint_t                           i;
    const u_char                        *user;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;

    /* a scan for the largest has the others' memory alone */

    if (!(p->have & PM_HAVE_STAT)) {
        return 0;
    }

    if (args->npids) {

        for (i = 0; i < args->npids && args->pids[i] != p->pid; i++) {
            /* void */
        }

        if (i == args->npids) {
            return 0;
        }
    }

    if (args->status
        && ngx_strcmp(pm_attr_status(p->state),
                      ngx_http_procmgr_list_states[args->status - 1])
           != 0)
    {
        return 0;
    }

    if (args->user.len) {
        user = args->text + args->user.off;

        if (p->username.len == args->user.len
            && ngx_memcmp(pm_snapshot_str(list->job->snapshot, p->username),
                          user, args->user.len)
               == 0)
        {
            return 1;
        }

        uid = ngx_atoi((u_char *) user, args->user.len);

        return uid != NGX_ERROR && uid == (ngx_int_t) p->uid[0];
    }

    return 1;
}


/* reads what filter, order, name and open take of all candidates */

static ngx_int_t
ngx_http_procmgr_list_compared(ngx_http_procmgr_list_t *list)
{
    uint64_t                             columns;
    unsigned                             reads;
    ngx_uint_t                           i;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;

    columns = list->filter.fields;

    if (args->sort < NGX_HTTP_PROCMGR_C_MAX) {
        columns |= ngx_http_procmgr_bit(args->sort);
    }

    reads = args->open.len ? 1u << PM_READ_FD : 0;

    for (i = 0; i < NGX_HTTP_PROCMGR_C_MAX; i++) {
        if (columns & ngx_http_procmgr_bit(i)) {
            reads |= ngx_http_procmgr_column_read(list, i);
        }
    }

    if (args->name.len) {
        reads |= (1u << PM_READ_CMDLINE) | (1u << PM_READ_EXE);
    }

    if (reads & ((1u << PM_READ_CMDLINE) | (1u << PM_READ_EXE)
                 | (1u << PM_READ_CWD)))
    {
        list->texts = ngx_http_procmgr_search_create(list->job, &list->match);

        if (list->texts == NULL) {
            ngx_http_procmgr_syscall_failed(list->job, "malloc", ENOMEM);
            return NGX_ERROR;
        }
    }

    if (args->tree
        || ((columns | ngx_http_procmgr_list_columns(args))
            & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_C_DEPTH)))
    {
        ngx_http_procmgr_list_depths(list);
    }

    ngx_http_procmgr_list_read(list, list->order, list->norder, columns,
                               reads);

    if (ngx_http_procmgr_list_denied(list, columns) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_procmgr_list_partial(list, list->order, list->norder, columns);

    return NGX_OK;
}


/* a row that is there or not would tell what the role may not see */

static ngx_int_t
ngx_http_procmgr_list_denied(ngx_http_procmgr_list_t *list, uint64_t columns)
{
    unsigned     denied;
    ngx_uint_t   i;

    denied = ngx_http_procmgr_read_denied(list->args->system.role);

    for (i = 0; i < NGX_HTTP_PROCMGR_C_MAX; i++) {

        if ((columns & ngx_http_procmgr_bit(i))
            && (ngx_http_procmgr_column_read(list, i) & denied))
        {
            ngx_procmgr_job_fail(list->job, NGX_HTTP_FORBIDDEN,
                                 "access_denied",
                                 "\"%s\" is not for this role: it cannot be "
                                 "filtered or sorted by",
                                 ngx_http_procmgr_column_name(i));
            return NGX_ERROR;
        }
    }

    if (list->args->open.len && (denied & (1u << PM_READ_FD))) {
        ngx_procmgr_job_fail(list->job, NGX_HTTP_FORBIDDEN, "access_denied",
                             "descriptors are not for this role: \"open\" "
                             "cannot be asked for");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_procmgr_list_partial(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n, uint64_t columns)
{
    unsigned    read;
    uint32_t    k;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_PROCMGR_C_MAX; i++) {

        if (!(columns & ngx_http_procmgr_bit(i))) {
            continue;
        }

        read = ngx_http_procmgr_column_read(list, i);

        for (k = 0; read && k < n; k++) {

            if (ngx_http_procmgr_list_known(list, index[k], read)) {
                continue;
            }

            ngx_http_procmgr_partial(list->job,
                                     ngx_http_procmgr_column_name(i));
            break;
        }
    }

    for (k = 0; list->args->open.len && k < n; k++) {

        if (!list->cands[index[k]].fds_known) {
            ngx_http_procmgr_partial(list->job, "open");
            break;
        }
    }
}


static void
ngx_http_procmgr_list_hits(ngx_http_procmgr_list_t *list)
{
    uint32_t                             i, k, n;
    ngx_http_procmgr_cand_t             *c;
    ngx_http_procmgr_list_run_t          run;
    const ngx_http_procmgr_list_args_t  *args;

    n = 0;
    args = list->args;
    run.list = list;

    for (i = 0; i < list->norder; i++) {

        k = list->order[i];
        c = &list->cands[k];
        c->hit = 0;

        if (args->open.len && !c->opened) {
            continue;
        }

        if (args->name.len) {
            c->score = ngx_http_procmgr_search_match(list->texts, k);

            if (c->score == 0) {
                continue;
            }
        }

        if (args->filter.len) {
            run.index = k;

            if (!pm_filter_run(&list->filter, ngx_http_procmgr_list_get,
                               &run))
            {
                continue;
            }
        }

        c->hit = 1;
        c->shown = 1;
        list->order[n++] = k;
    }

    list->norder = n;

    ngx_http_procmgr_list_sort(list);
    ngx_http_procmgr_list_cut(list);

    if (args->tree) {
        ngx_http_procmgr_list_ancestors(list);
        ngx_http_procmgr_list_sort(list);

        if (ngx_http_procmgr_list_nest(list) != NGX_OK) {
            ngx_http_procmgr_syscall_failed(list->job, "malloc", ENOMEM);
        }
    }
}


static void
ngx_http_procmgr_list_get(void *data, unsigned field,
    pm_filter_value_t *value)
{
    ngx_http_procmgr_list_run_t *run = data;

    ngx_http_procmgr_list_value(run->list, run->index, field, run->buf,
                                value);
}


static void
ngx_http_procmgr_list_sort(ngx_http_procmgr_list_t *list)
{
    char                      buf[NGX_HTTP_PROCMGR_VALUE_LEN];
    uint32_t                  i;
    pm_filter_value_t         value;
    ngx_http_procmgr_cand_t  *c;

    if (list->args->sort < NGX_HTTP_PROCMGR_C_MAX) {

        (void) ngx_http_procmgr_column_find(
                   ngx_http_procmgr_column_name(list->args->sort),
                   ngx_strlen(ngx_http_procmgr_column_name(list->args->sort)),
                   &list->sort_type);

        for (i = 0; i < list->norder; i++) {
            c = &list->cands[list->order[i]];

            ngx_memzero(&value, sizeof(pm_filter_value_t));

            ngx_http_procmgr_list_value(list, list->order[i],
                                        list->args->sort, buf, &value);
            c->key = value.number;
            c->known = value.known;
        }
    }

    qsort_r(list->order, list->norder, sizeof(uint32_t),
            ngx_http_procmgr_list_cmp, list);
}


static int
ngx_http_procmgr_list_cmp(const void *a, const void *b, void *data)
{
    ngx_http_procmgr_list_t *list = data;

    int                             rc;
    uint32_t                        i, k;
    const ngx_http_procmgr_cand_t  *x, *y;

    i = *(const uint32_t *) a;
    k = *(const uint32_t *) b;

    x = &list->cands[i];
    y = &list->cands[k];

    rc = 0;

    if (list->args->sort < NGX_HTTP_PROCMGR_C_MAX) {

        /* what is not known is last in either order */

        if (x->known != y->known) {
            return x->known ? -1 : 1;
        }

        if (x->known) {
            rc = (list->sort_type == PM_FILTER_TEXT)
                 ? ngx_http_procmgr_list_cmp_text(list, i, k)
                 : (x->key > y->key) - (x->key < y->key);
        }

    } else if (x->score != y->score) {
        return (x->score < y->score) ? 1 : -1;

    } else if (list->args->desc) {
        return (i < k) - (i > k);
    }

    if (rc) {
        return list->args->desc ? -rc : rc;
    }

    /* they stand there by pid */

    return (i > k) - (i < k);
}


static int
ngx_http_procmgr_list_cmp_text(ngx_http_procmgr_list_t *list, uint32_t a,
    uint32_t b)
{
    int                rc;
    char               first[NGX_HTTP_PROCMGR_VALUE_LEN];
    char               second[NGX_HTTP_PROCMGR_VALUE_LEN];
    size_t             len;
    pm_filter_value_t  x, y;

    ngx_http_procmgr_list_value(list, a, list->args->sort, first, &x);
    ngx_http_procmgr_list_value(list, b, list->args->sort, second, &y);

    len = ngx_min(x.len, y.len);
    rc = len ? ngx_memcmp(x.text, y.text, len) : 0;

    return rc ? rc : (x.len > y.len) - (x.len < y.len);
}


static void
ngx_http_procmgr_list_cut(ngx_http_procmgr_list_t *list)
{
    uint32_t                             i, first, n;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;

    first = (uint32_t) ngx_min((uint64_t) args->offset, list->norder);
    n = (uint32_t) ngx_min((uint64_t) args->limit, list->norder - first);

    for (i = 0; i < list->norder; i++) {

        if (i < first || i >= first + n) {
            list->cands[list->order[i]].hit = 0;
            list->cands[list->order[i]].shown = 0;
        }
    }

    ngx_memmove(list->order, list->order + first,
                (list->norder - first) * sizeof(uint32_t));

    /* a tree is whole: nobody takes a place in it */

    list->nspare = args->tree ? 0 : list->norder - first - n;
    list->norder = n;
}
