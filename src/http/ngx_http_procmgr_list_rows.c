
/* the rows of a list that are returned, in their order */

#include "ngx_http_procmgr_list.h"
#include "../proc/pm_human.h"


static ngx_int_t ngx_http_procmgr_list_batch(ngx_http_procmgr_list_t *list,
    const uint32_t *order, uint32_t n, uint32_t wanted, uint32_t *shown);
static ngx_uint_t ngx_http_procmgr_list_row(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_rows_t *rows, size_t n, uint32_t i);
static void ngx_http_procmgr_list_extra(ngx_http_procmgr_list_t *list,
    uint32_t i, ngx_uint_t column);
static void ngx_http_procmgr_list_size(ngx_http_procmgr_list_t *list,
    const char *name, int64_t bytes, ngx_uint_t known);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_index(const void *a,
    const void *b);


/*
 * A row whose process ends while the rest of it is read is left out; those
 * next behind take the places.  Each such batch is twice the last one: when
 * thousands end at once there are few of them.
 */

void
ngx_http_procmgr_list_rows(ngx_http_procmgr_list_t *list)
{
    uint32_t  first, n, shown, wanted, end;

    if (list->job->status != NGX_HTTP_OK) {
        return;
    }

    pm_json_array(&list->job->json);

    first = 0;
    shown = 0;
    n = list->norder;
    wanted = list->norder;
    end = list->norder + list->nspare;

    while (shown < wanted && first < end) {

        n = ngx_min(n, end - first);

        if (ngx_http_procmgr_list_batch(list, list->order + first, n,
                                        wanted, &shown)
            != NGX_OK)
        {
            return;
        }

        first += n;
        n *= 2;
    }

    pm_json_array_end(&list->job->json);
}


static ngx_int_t
ngx_http_procmgr_list_batch(ngx_http_procmgr_list_t *list,
    const uint32_t *order, uint32_t n, uint32_t wanted, uint32_t *shown)
{
    uint32_t                             i, *index;
    uint64_t                             columns;
    unsigned                             reads;
    const pm_proc_t                    **procs;
    ngx_http_procmgr_how_t               how;
    ngx_http_procmgr_rows_t             *rows;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;

    procs = ngx_alloc(n * (sizeof(pm_proc_t *) + sizeof(uint32_t)),
                      list->job->log);
    if (procs == NULL) {
        ngx_http_procmgr_syscall_failed(list->job, "malloc", ENOMEM);
        return NGX_ERROR;
    }

    index = (uint32_t *) (procs + n);

    for (i = 0; i < n; i++) {
        procs[i] = list->cands[order[i]].proc;
        index[i] = order[i];
    }

    qsort(index, n, sizeof(uint32_t), ngx_http_procmgr_cmp_index);

    /* of what only lists have, that which was not compared by */

    columns = ngx_http_procmgr_list_columns(args)
              & ~(ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_MAX) - 1)
              & ~list->filter.fields;

    if (args->sort < NGX_HTTP_PROCMGR_C_MAX) {
        columns &= ~ngx_http_procmgr_bit(args->sort);
    }

    reads = 0;

    for (i = 0; i < NGX_HTTP_PROCMGR_C_MAX; i++) {
        if (columns & ngx_http_procmgr_bit(i)) {
            reads |= ngx_http_procmgr_column_read(list, i);
        }
    }

    ngx_http_procmgr_list_read(list, index, n, columns, reads);
    ngx_http_procmgr_list_partial(list, index, n, columns);

    ngx_memzero(&how, sizeof(ngx_http_procmgr_how_t));

    how.fields = ngx_http_procmgr_list_columns(args)
                 & (ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_MAX) - 1);
    how.role = args->system.role;
    how.object = args->object;
    how.human = args->system.human;
    how.kind = PM_CONN_INET;

    rows = ngx_http_procmgr_rows_read(list->job, &how, procs, n);

    ngx_free(procs);

    if (rows == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n && *shown < wanted; i++) {
        *shown += ngx_http_procmgr_list_row(list, rows, i, order[i]);
    }

    ngx_http_procmgr_rows_free(rows);

    return NGX_OK;
}


/* 0: it is gone */

static ngx_uint_t
ngx_http_procmgr_list_row(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_rows_t *rows, size_t n, uint32_t i)
{
    pm_json_t                           *j;
    ngx_uint_t                           k, column;
    ngx_http_procmgr_cand_t             *c;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;
    j = &list->job->json;
    c = &list->cands[i];

    if (c->files == NGX_HTTP_PROCMGR_GONE
        || ngx_http_procmgr_row_gone(rows, n))
    {
        return 0;
    }

    pm_json_object(j);

    for (k = 0; k < args->ncols; k++) {
        column = args->cols[k];

        if (column < NGX_HTTP_PROCMGR_F_MAX) {
            pm_json_key(j, ngx_http_procmgr_column_name(column));
            ngx_http_procmgr_row_json(rows, n, column);

        } else {
            ngx_http_procmgr_list_extra(list, i, column);
        }
    }

    if (args->tree) {
        pm_json_key(j, "ancestor");
        pm_json_bool(j, !c->hit);
    }

    pm_json_object_end(j);

    return 1;
}


static void
ngx_http_procmgr_list_extra(ngx_http_procmgr_list_t *list, uint32_t i,
    ngx_uint_t column)
{
    char                      buf[NGX_HTTP_PROCMGR_VALUE_LEN];
    pm_json_t                *j;
    const char               *name;
    pm_filter_value_t         value;
    ngx_http_procmgr_cand_t  *c;

    j = &list->job->json;
    c = &list->cands[i];
    name = ngx_http_procmgr_column_name(column);

    switch (column) {

    case NGX_HTTP_PROCMGR_C_RSS:
        ngx_http_procmgr_list_size(list, name, (int64_t) c->proc->rss,
                                   c->proc->have & PM_HAVE_STATM);
        return;

    case NGX_HTTP_PROCMGR_C_VMS:
        ngx_http_procmgr_list_size(list, name, (int64_t) c->proc->vms,
                                   c->proc->have & PM_HAVE_STATM);
        return;

    case NGX_HTTP_PROCMGR_C_SHARED:
        ngx_http_procmgr_list_size(list, name, (int64_t) c->proc->shared,
                                   c->proc->have & PM_HAVE_STATM);
        return;

    case NGX_HTTP_PROCMGR_C_SWAP:
        ngx_http_procmgr_list_size(list, name, c->swap, c->swap >= 0);
        return;
    }

    ngx_memzero(&value, sizeof(pm_filter_value_t));

    ngx_http_procmgr_list_value(list, i, column, buf, &value);

    pm_json_key(j, name);

    if (!value.known) {
        pm_json_null(j);

    } else if (value.text) {
        pm_json_strn(j, value.text, value.len);

    } else {
        pm_json_i64(j, (int64_t) value.number);
    }
}


static void
ngx_http_procmgr_list_size(ngx_http_procmgr_list_t *list, const char *name,
    int64_t bytes, ngx_uint_t known)
{
    char        key[64], human[PM_HUMAN_LEN];
    pm_json_t  *j;

    j = &list->job->json;

    pm_json_key(j, name);

    if (!known) {
        pm_json_null(j);
        return;
    }

    pm_json_i64(j, bytes);

    if (list->args->system.human) {
        (void) snprintf(key, sizeof(key), "%s_human", name);
        (void) pm_human_size(human, (uint64_t) bytes);

        pm_json_key(j, key);
        pm_json_str(j, human);
    }
}


uint64_t
ngx_http_procmgr_list_columns(const ngx_http_procmgr_list_args_t *args)
{
    uint64_t    columns;
    ngx_uint_t  i;

    columns = 0;

    for (i = 0; i < args->ncols; i++) {
        columns |= ngx_http_procmgr_bit(args->cols[i]);
    }

    return columns;
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_index(const void *a, const void *b)
{
    uint32_t  x, y;

    x = *(const uint32_t *) a;
    y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}
