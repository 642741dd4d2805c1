
/* the rows of a list that are returned, in their order */

#include "ngx_http_procmgr_list.h"
#include "../proc/pm_human.h"


static void ngx_http_procmgr_list_row(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_rows_t *rows, size_t n);
static void ngx_http_procmgr_list_extra(ngx_http_procmgr_list_t *list,
    uint32_t i, ngx_uint_t column);
static void ngx_http_procmgr_list_size(ngx_http_procmgr_list_t *list,
    const char *name, int64_t bytes, ngx_uint_t known);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_index(const void *a,
    const void *b);


void
ngx_http_procmgr_list_rows(ngx_http_procmgr_list_t *list)
{
    uint32_t                             i, *index;
    uint64_t                             columns;
    unsigned                             reads;
    const pm_proc_t                    **procs;
    ngx_http_procmgr_how_t               how;
    ngx_http_procmgr_rows_t             *rows;
    const ngx_http_procmgr_list_args_t  *args;

    if (list->job->status != NGX_HTTP_OK) {
        return;
    }

    args = list->args;

    procs = ngx_alloc(((size_t) list->norder + 1)
                      * (sizeof(pm_proc_t *) + sizeof(uint32_t)),
                      list->job->log);
    if (procs == NULL) {
        ngx_http_procmgr_syscall_failed(list->job, "malloc", ENOMEM);
        return;
    }

    index = (uint32_t *) (procs + list->norder + 1);

    for (i = 0; i < list->norder; i++) {
        procs[i] = list->cands[list->order[i]].proc;
        index[i] = list->order[i];
    }

    qsort(index, list->norder, sizeof(uint32_t), ngx_http_procmgr_cmp_index);

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

    ngx_http_procmgr_list_read(list, index, list->norder, columns, reads);
    ngx_http_procmgr_list_partial(list, columns);

    ngx_memzero(&how, sizeof(ngx_http_procmgr_how_t));

    how.fields = ngx_http_procmgr_list_columns(args)
                 & (ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_MAX) - 1);
    how.role = args->system.role;
    how.object = args->object;
    how.human = args->system.human;
    how.kind = PM_CONN_INET;

    rows = ngx_http_procmgr_rows_read(list->job, &how, procs, list->norder);

    if (rows) {
        pm_json_array(&list->job->json);

        for (i = 0; i < list->norder; i++) {
            ngx_http_procmgr_list_row(list, rows, i);
        }

        pm_json_array_end(&list->job->json);

        ngx_http_procmgr_rows_free(rows);
    }

    ngx_free(procs);
}


static void
ngx_http_procmgr_list_row(ngx_http_procmgr_list_t *list,
    ngx_http_procmgr_rows_t *rows, size_t n)
{
    uint32_t                             i;
    pm_json_t                           *j;
    ngx_uint_t                           k, column;
    ngx_http_procmgr_cand_t             *c;
    const ngx_http_procmgr_list_args_t  *args;

    args = list->args;
    j = &list->job->json;
    i = list->order[n];
    c = &list->cands[i];

    if (c->files == NGX_HTTP_PROCMGR_GONE
        || ngx_http_procmgr_row_gone(rows, n))
    {
        return;
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
