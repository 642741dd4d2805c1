
/*
 * The memory of a measured run over its time: from the helper's samples to
 * the database, and from there to the chart.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_SERIES_MAX   1000      /* as the schema has it */
#define NGX_HTTP_PROCMGR_SERIES_COLS  5


typedef struct {
    int64_t      value[NGX_HTTP_PROCMGR_SERIES_COLS];   /* -1: not known */
} ngx_http_procmgr_point_t;


static ngx_int_t ngx_http_procmgr_log_series_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res,
    json_t *value);


/* the first is in seconds here and in ms on its way, the others in KiB */
static const char *const
    ngx_http_procmgr_series_names[NGX_HTTP_PROCMGR_SERIES_COLS] = {
    "t", "VmPeak", "VmSize", "VmHWM", "VmRSS"
};


ngx_int_t
ngx_http_procmgr_series_init(ngx_http_procmgr_series_t *series,
    ngx_pool_t *pool)
{
    series->points = ngx_array_create(pool, 64,
                                      sizeof(ngx_http_procmgr_point_t));

    return series->points ? NGX_OK : NGX_ERROR;
}


/* "t VmPeak VmSize VmHWM VmRSS", in decimal */

void
ngx_http_procmgr_series_add(ngx_http_procmgr_series_t *series,
    const u_char *bytes, size_t len)
{
    int64_t                    n;
    ngx_uint_t                 i;
    const u_char              *p, *last;
    ngx_http_procmgr_point_t  *point, new;

    if (series->points->nelts == NGX_HTTP_PROCMGR_SERIES_MAX) {
        return;
    }

    p = bytes;
    last = p + len;

    for (i = 0; i < NGX_HTTP_PROCMGR_SERIES_COLS; i++) {

        while (p < last && *p == ' ') { p++; }

        if (p == last || *p < '0' || *p > '9') {
            new.value[i] = -1;

            while (p < last && *p != ' ') { p++; }

            continue;
        }

        for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
            n = ngx_min(n * 10 + (*p - '0'), NGX_MAX_INT32_VALUE * 1000LL);
        }

        new.value[i] = n;
    }

    if (new.value[0] == -1) {
        return;
    }

    point = ngx_array_push(series->points);

    if (point) {
        *point = new;
    }
}


const char *
ngx_http_procmgr_series_text(ngx_http_procmgr_series_t *series,
    ngx_pool_t *pool)
{
    u_char                    *p;
    ngx_uint_t                 i, k;
    ngx_http_procmgr_point_t  *point;

    if (series->text || series->points->nelts == 0) {
        return series->text;
    }

    p = ngx_pnalloc(pool, series->points->nelts
                          * (NGX_HTTP_PROCMGR_SERIES_COLS
                             * (NGX_INT64_LEN + 1) + 3)
                          + 3);
    if (p == NULL) {
        return NULL;
    }

    series->text = (const char *) p;
    point = series->points->elts;

    *p++ = '[';

    for (i = 0; i < series->points->nelts; i++) {

        if (i) {
            *p++ = ',';
        }

        *p++ = '[';

        for (k = 0; k < NGX_HTTP_PROCMGR_SERIES_COLS; k++) {

            if (k) {
                *p++ = ',';
            }

            if (point[i].value[k] == -1) {
                p = ngx_cpymem(p, "null", 4);

            } else {
                p = ngx_sprintf(p, "%L", point[i].value[k]);
            }
        }

        *p++ = ']';
    }

    *p++ = ']';
    *p = '\0';

    return series->text;
}


ngx_int_t
ngx_http_procmgr_log_series(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char        id[37];
    const char  *args[1];

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memcpy(id, ctx->seg[0].data, 36);
    id[36] = '\0';

    args[0] = id;

    return ngx_http_procmgr_ask(r, ctx, NGX_HTTP_PROCMGR_SQL_LOG_SERIES, 1,
                                args, ngx_http_procmgr_log_series_done);
}


static ngx_int_t
ngx_http_procmgr_log_series_done(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value)
{
    size_t   i, k;
    json_t  *list, *row, *point, *cell;

    if (res->ended == NGX_PROCMGR_PG_OK && value == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                        "there is no operation \"%V\"",
                                        &ctx->seg[0]);
    }

    if (!json_is_array(value)) {
        return ngx_http_procmgr_db_away(r);
    }

    list = json_array();

    json_array_foreach(value, i, row) {

        point = json_object();

        for (k = 0; k < NGX_HTTP_PROCMGR_SERIES_COLS; k++) {

            cell = json_array_get(row, k);

            if (!json_is_integer(cell)) {
                cell = json_null();

            } else if (k == 0) {
                cell = json_real(json_integer_value(cell) / 1000.0);

            } else {
                json_incref(cell);
            }

            (void) json_object_set_new(point,
                                       ngx_http_procmgr_series_names[k],
                                       cell);
        }

        (void) json_array_append_new(list, point);
    }

    if (list == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, list);
}
