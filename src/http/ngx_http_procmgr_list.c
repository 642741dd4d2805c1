
/* the parameters of lists of processes: /process and /process/info */

#include "ngx_http_procmgr_item.h"
#include "ngx_http_procmgr_list.h"


#define NGX_HTTP_PROCMGR_NUM        10
#define NGX_HTTP_PROCMGR_LIST_MAX   (PM_WIRE_PIDS * 64)
#define NGX_HTTP_PROCMGR_LIST_LONG  4096


typedef struct {
    ngx_flag_t                       human;
    ngx_flag_t                       simple;
    ngx_flag_t                       tree;
    ngx_uint_t                       shape;
    ngx_uint_t                       order;
    ngx_uint_t                       status;
    int64_t                          num;       /* -1: not given */
    int64_t                          limit;
    int64_t                          offset;
    ngx_str_t                        sort;      /* NULL: not given */
    ngx_str_t                        fields;
    ngx_str_t                        name;
    ngx_str_t                        user;
    ngx_str_t                        pid;
    ngx_str_t                        filter;
    ngx_str_t                        open;
} ngx_http_procmgr_list_query_t;


static ngx_int_t ngx_http_procmgr_list_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_list_query_t *query);
static ngx_uint_t ngx_http_procmgr_list_plain(
    const ngx_http_procmgr_list_query_t *query);
static ngx_int_t ngx_http_procmgr_list_args(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_list_query_t *query,
    ngx_http_procmgr_list_args_t *args);
static ngx_int_t ngx_http_procmgr_list_sort_by(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_list_query_t *query,
    ngx_http_procmgr_list_args_t *args);
static ngx_int_t ngx_http_procmgr_list_fields(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value,
    ngx_http_procmgr_list_args_t *args);
static void ngx_http_procmgr_list_add(ngx_http_procmgr_list_args_t *args,
    ngx_uint_t column);
static ngx_int_t ngx_http_procmgr_list_pids(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value,
    ngx_http_procmgr_list_args_t *args);
static ngx_int_t ngx_http_procmgr_list_filter(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value);
static void ngx_http_procmgr_list_keep(ngx_http_procmgr_list_args_t *args,
    ngx_http_procmgr_span_t *span, const ngx_str_t *value);
static ngx_int_t ngx_http_procmgr_list_bad(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const char *name, const ngx_str_t *value,
    size_t pos, const char *why);
static ngx_int_t ngx_http_procmgr_list_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_list_args_t *args,
    ngx_str_t *key);


static const char *const  ngx_http_procmgr_list_orders[] = {
    "asc", "desc", NULL
};


static const char *const  ngx_http_procmgr_list_shapes[] = {
    "array", "object", NULL
};


static const u_char  ngx_http_procmgr_list_top[] = {
    NGX_HTTP_PROCMGR_F_PID, NGX_HTTP_PROCMGR_F_NAME,
    NGX_HTTP_PROCMGR_F_USERNAME, NGX_HTTP_PROCMGR_F_CPU_PERCENT,
    NGX_HTTP_PROCMGR_F_MEMORY_PERCENT, NGX_HTTP_PROCMGR_C_FILES,
    NGX_HTTP_PROCMGR_F_NUM_THREADS
};


static const u_char  ngx_http_procmgr_list_simple[] = {
    NGX_HTTP_PROCMGR_F_NAME, NGX_HTTP_PROCMGR_F_USERNAME,
    NGX_HTTP_PROCMGR_F_PID
};


#define ngx_http_procmgr_list_offset(member)                                  \
    offsetof(ngx_http_procmgr_list_query_t, member)

#define ngx_http_procmgr_list_str(name, max)                                  \
    { #name, NGX_HTTP_PROCMGR_ARG_STR, ngx_http_procmgr_list_offset(name),    \
      1, max, NULL }

#define NGX_HTTP_PROCMGR_LIST_ARGS                                            \
    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,                                     \
      ngx_http_procmgr_list_offset(human), 0, 0, NULL },                      \
                                                                              \
    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,                                     \
      ngx_http_procmgr_list_offset(shape), 0, 0,                              \
      ngx_http_procmgr_list_shapes },                                         \
                                                                              \
    { "limit", NGX_HTTP_PROCMGR_ARG_INT,                                      \
      ngx_http_procmgr_list_offset(limit), 1, INT32_MAX, NULL },              \
                                                                              \
    { "offset", NGX_HTTP_PROCMGR_ARG_INT,                                     \
      ngx_http_procmgr_list_offset(offset), 0, INT32_MAX, NULL },             \
                                                                              \
    { "order", NGX_HTTP_PROCMGR_ARG_ENUM,                                     \
      ngx_http_procmgr_list_offset(order), 0, 0,                              \
      ngx_http_procmgr_list_orders },                                         \
                                                                              \
    { "status", NGX_HTTP_PROCMGR_ARG_ENUM,                                    \
      ngx_http_procmgr_list_offset(status), 0, 0,                             \
      ngx_http_procmgr_list_states },                                         \
                                                                              \
    { "tree", NGX_HTTP_PROCMGR_ARG_BOOL,                                      \
      ngx_http_procmgr_list_offset(tree), 0, 0, NULL },                       \
                                                                              \
    ngx_http_procmgr_list_str(sort, NGX_HTTP_PROCMGR_LIST_LONG),              \
    ngx_http_procmgr_list_str(fields, NGX_HTTP_PROCMGR_LIST_LONG),            \
    ngx_http_procmgr_list_str(name, PM_MATCH_LEN),                            \
    ngx_http_procmgr_list_str(user, NGX_HTTP_PROCMGR_LIST_USER),              \
    ngx_http_procmgr_list_str(pid, NGX_HTTP_PROCMGR_LIST_LONG),               \
    ngx_http_procmgr_list_str(filter, NGX_HTTP_PROCMGR_LIST_LONG),            \
    ngx_http_procmgr_list_str(open, NGX_HTTP_PROCMGR_LIST_PATH),              \
                                                                              \
    { NULL, 0, 0, 0, 0, NULL }


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_list_top_args[] = {

    { "num", NGX_HTTP_PROCMGR_ARG_INT,
      ngx_http_procmgr_list_offset(num), 1, INT64_MAX, NULL },

    NGX_HTTP_PROCMGR_LIST_ARGS
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_list_info_args[] = {

    { "simple", NGX_HTTP_PROCMGR_ARG_BOOL,
      ngx_http_procmgr_list_offset(simple), 0, 0, NULL },

    NGX_HTTP_PROCMGR_LIST_ARGS
};


ngx_int_t
ngx_http_procmgr_process_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    u_char                         buf[64];
    int64_t                        num;
    ngx_str_t                      key;
    ngx_http_procmgr_list_args_t   args;
    ngx_http_procmgr_list_query_t  query;

    if (ngx_http_procmgr_list_query(r, ctx, ngx_http_procmgr_list_top_args,
                                    &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (query.num != -1 && query.limit != -1) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter",
                                        "\"num\" is %L and \"limit\" is %L, "
                                        "one of them has to go",
                                        query.num, query.limit);
    }

    if (ngx_http_procmgr_list_args(r, ctx, &query, &args) != NGX_OK) {
        return ctx->rc;
    }

    if (query.fields.data == NULL) {
        ngx_memcpy(args.cols, ngx_http_procmgr_list_top,
                   sizeof(ngx_http_procmgr_list_top));
        args.ncols = sizeof(ngx_http_procmgr_list_top);
    }

    if (query.sort.data == NULL && query.name.data == NULL) {

        /* the largest first */

        args.sort = NGX_HTTP_PROCMGR_C_RSS;
        args.desc = (query.order != 0);
    }

    /* more than there can be are all; a tree of ten has no branches */

    num = query.num;

    if (num == -1) {
        num = query.tree ? NGX_HTTP_PROCMGR_LIST_MAX : NGX_HTTP_PROCMGR_NUM;
    }

    if (query.limit == -1) {
        args.limit = ngx_min(num, NGX_HTTP_PROCMGR_LIST_MAX);
    }

    key.len = 0;
    key.data = buf;

    if (ngx_http_procmgr_list_plain(&query)) {
        key.len = ngx_sprintf(buf, "process?num=%L&human=%d", args.limit,
                              args.system.human)
                  - buf;
    }

    return ngx_http_procmgr_list_view(r, ctx, &args, &key);
}


ngx_int_t
ngx_http_procmgr_process_info(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_str_t                      key;
    ngx_uint_t                     i, plain;
    ngx_http_procmgr_list_args_t   args;
    ngx_http_procmgr_list_query_t  query;

    if (ngx_http_procmgr_list_query(r, ctx, ngx_http_procmgr_list_info_args,
                                    &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    plain = ngx_http_procmgr_list_plain(&query);

    if (plain && !query.simple) {
        return ngx_http_procmgr_process_full(r, ctx, 0, query.shape == 1,
                                             query.human);
    }

    if (ngx_http_procmgr_list_args(r, ctx, &query, &args) != NGX_OK) {
        return ctx->rc;
    }

    if (query.fields.data == NULL && query.simple) {
        ngx_memcpy(args.cols, ngx_http_procmgr_list_simple,
                   sizeof(ngx_http_procmgr_list_simple));
        args.ncols = sizeof(ngx_http_procmgr_list_simple);

    } else if (query.fields.data == NULL) {

        for (i = 0; i < NGX_HTTP_PROCMGR_F_FULL; i++) {
            args.cols[i] = (u_char) i;
        }

        args.ncols = NGX_HTTP_PROCMGR_F_FULL;
    }

    if (query.limit == -1) {
        args.limit = NGX_HTTP_PROCMGR_LIST_MAX;
    }

    ngx_str_set(&key, "process/info?simple=1");

    if (!plain) {
        key.len = 0;
    }

    return ngx_http_procmgr_list_view(r, ctx, &args, &key);
}


static ngx_int_t
ngx_http_procmgr_list_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_list_query_t *query)
{
    ngx_memzero(query, sizeof(ngx_http_procmgr_list_query_t));

    query->simple = 1;
    query->num = -1;
    query->limit = -1;
    query->order = NGX_CONF_UNSET_UINT;
    query->status = NGX_CONF_UNSET_UINT;

    return ngx_http_procmgr_args(r, ctx, table, query);
}


/* no more than the first path had: its answers are shared by all browsers */

static ngx_uint_t
ngx_http_procmgr_list_plain(const ngx_http_procmgr_list_query_t *query)
{
    return query->limit == -1 && query->offset == 0 && !query->tree
           && query->order == NGX_CONF_UNSET_UINT
           && query->status == NGX_CONF_UNSET_UINT
           && query->sort.data == NULL && query->fields.data == NULL
           && query->name.data == NULL && query->user.data == NULL
           && query->pid.data == NULL && query->filter.data == NULL
           && query->open.data == NULL;
}


/* all but the columns and the order where none is given */

static ngx_int_t
ngx_http_procmgr_list_args(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_list_query_t *query,
    ngx_http_procmgr_list_args_t *args)
{
    pm_match_t  match;

    ngx_memzero(args, sizeof(ngx_http_procmgr_list_args_t));

    args->system.human = (query->human != 0);
    args->object = (query->shape == 1);
    args->offset = query->offset;
    args->limit = query->limit;
    args->tree = (query->tree != 0);
    args->desc = (query->order == 1);
    args->status = (query->status == NGX_CONF_UNSET_UINT)
                   ? 0 : (u_char) (query->status + 1);

    if (ngx_http_procmgr_list_sort_by(r, ctx, query, args) != NGX_OK
        || ngx_http_procmgr_list_fields(r, ctx, &query->fields, args)
           != NGX_OK
        || ngx_http_procmgr_list_pids(r, ctx, &query->pid, args) != NGX_OK
        || ngx_http_procmgr_list_filter(r, ctx, &query->filter) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (query->name.data
        && pm_match_init(&match, (char *) query->name.data, query->name.len)
           == -1)
    {
        return ngx_http_procmgr_list_bad(r, ctx, "name", &query->name, 0,
                                         "allowed are one to eight words");
    }

    if (query->open.data && query->open.data[0] != '/') {
        return ngx_http_procmgr_list_bad(r, ctx, "open", &query->open, 0,
                                         "allowed is an absolute path");
    }

    ngx_http_procmgr_list_keep(args, &args->user, &query->user);
    ngx_http_procmgr_list_keep(args, &args->name, &query->name);
    ngx_http_procmgr_list_keep(args, &args->filter, &query->filter);
    ngx_http_procmgr_list_keep(args, &args->open, &query->open);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_list_sort_by(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_list_query_t *query,
    ngx_http_procmgr_list_args_t *args)
{
    int               column;
    pm_filter_type_e  type;

    args->sort = NGX_HTTP_PROCMGR_BY_PID;

    if (query->sort.data == NULL) {
        return NGX_OK;
    }

    column = ngx_http_procmgr_column_find((char *) query->sort.data,
                                          query->sort.len, &type);

    if (column == -1) {
        return ngx_http_procmgr_list_bad(r, ctx, "sort", &query->sort, 0,
                                         "there is no such field");
    }

    if (type == PM_FILTER_NONE) {
        return ngx_http_procmgr_list_bad(r, ctx, "sort", &query->sort, 0,
                                         "this field has no order");
    }

    args->sort = (u_char) column;

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_list_fields(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value,
    ngx_http_procmgr_list_args_t *args)
{
    int                column;
    u_char            *p, *last, *end;
    pm_filter_type_e   type;

    p = value->data;

    if (p == NULL) {
        return NGX_OK;
    }

    last = p + value->len;

    do {
        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        column = ngx_http_procmgr_column_find((char *) p, end - p, &type);

        if (column == -1) {
            return ngx_http_procmgr_list_bad(r, ctx, "fields", value,
                                             p - value->data + 1,
                                             "there is no such field");
        }

        ngx_http_procmgr_list_add(args, column);

        p = end + 1;

    } while (end < last);

    return NGX_OK;
}


static void
ngx_http_procmgr_list_add(ngx_http_procmgr_list_args_t *args,
    ngx_uint_t column)
{
    ngx_uint_t  i;

    for (i = 0; i < args->ncols; i++) {
        if (args->cols[i] == column) {
            return;
        }
    }

    args->cols[args->ncols++] = (u_char) column;
}


static ngx_int_t
ngx_http_procmgr_list_pids(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value,
    ngx_http_procmgr_list_args_t *args)
{
    u_char     *p, *last, *end;
    ngx_int_t   pid;

    p = value->data;

    if (p == NULL) {
        return NGX_OK;
    }

    last = p + value->len;

    do {
        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        pid = (*p >= '1' && *p <= '9' && end - p <= 10)
              ? ngx_atoi(p, end - p) : NGX_ERROR;

        if (pid == NGX_ERROR || args->npids == NGX_HTTP_PROCMGR_LIST_PIDS) {
            return ngx_http_procmgr_list_bad(r, ctx, "pid", value,
                                             p - value->data + 1,
                                             "allowed are up to 64 process "
                                             "numbers");
        }

        /* one that cannot be is not there */

        args->pids[args->npids++] = (int32_t) ngx_min(pid, INT32_MAX);

        p = end + 1;

    } while (end < last);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_list_filter(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_str_t *value)
{
    pm_filter_t  filter;

    if (value->data == NULL
        || pm_filter_compile(&filter, (char *) value->data, value->len,
                             ngx_http_procmgr_column_find)
           == 0)
    {
        return NGX_OK;
    }

    return ngx_http_procmgr_list_bad(r, ctx, "filter", value, filter.pos,
                                     filter.error);
}


static void
ngx_http_procmgr_list_keep(ngx_http_procmgr_list_args_t *args,
    ngx_http_procmgr_span_t *span, const ngx_str_t *value)
{
    span->off = args->len;
    span->len = (uint16_t) value->len;

    if (value->len) {
        ngx_memcpy(args->text + args->len, value->data, value->len);
        args->len += (uint16_t) value->len;
    }
}


static ngx_int_t
ngx_http_procmgr_list_bad(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const char *name, const ngx_str_t *value, size_t pos, const char *why)
{
    u_char     *p, at[64];
    ngx_str_t   cut;

    p = at;

    if (pos) {
        p = ngx_sprintf(at, " at position %uz", pos);
    }

    cut = *value;
    cut.len = ngx_min(cut.len, 128);

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                       "bad_parameter",
                                       "\"%s\" is \"%V\",%*s %s", name, &cut,
                                       (size_t) (p - at), at, why);
    return NGX_DECLINED;
}


/* without a key the arguments are the key: they are canonical */

static ngx_int_t
ngx_http_procmgr_list_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_list_args_t *args,
    ngx_str_t *key)
{
    size_t           size;
    uint64_t         columns;
    unsigned         want;
    ngx_uint_t       i;
    pm_filter_t      filter;

    size = offsetof(ngx_http_procmgr_list_args_t, text) + args->len;

    if (args->tree) {
        ngx_http_procmgr_list_add(args, NGX_HTTP_PROCMGR_F_PPID);
        ngx_http_procmgr_list_add(args, NGX_HTTP_PROCMGR_C_DEPTH);
    }

    want = PM_HAVE_STAT;
    columns = 0;

    for (i = 0; i < args->ncols; i++) {
        columns |= ngx_http_procmgr_bit(args->cols[i]);
    }

    want |= ngx_http_procmgr_fields_want(columns);

    if (args->sort < NGX_HTTP_PROCMGR_C_MAX) {
        columns |= ngx_http_procmgr_bit(args->sort);
    }

    if (args->filter.len
        && pm_filter_compile(&filter,
                             (char *) args->text + args->filter.off,
                             args->filter.len, ngx_http_procmgr_column_find)
           == 0)
    {
        columns |= filter.fields;
    }

    for (i = 0; i < NGX_HTTP_PROCMGR_C_MAX; i++) {
        if (columns & ngx_http_procmgr_bit(i)) {
            want |= ngx_http_procmgr_column_want(i);
        }
    }

    if (args->name.len) {
        want |= PM_HAVE_CGROUP;
    }

    /* the first path as it was asked for by most needs few of them whole */

    if (key->len && args->sort == NGX_HTTP_PROCMGR_C_RSS
        && args->limit <= PM_SCAN_LARGEST)
    {
        want = PM_HAVE_LARGEST;
    }

    if (key->len) {
        return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_list,
                                            args, size, want, "%V", key);
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_list,
                                        args, size, want, "process/list?%*s",
                                        size, args);
}
