
#include "ngx_http_procmgr_network.h"
#include "../core/ngx_procmgr_net.h"
#include "../proc/pm_human.h"

#include <sys/socket.h>


typedef struct {
    ngx_flag_t                       pernic;
    ngx_flag_t                       nowrap;
    ngx_flag_t                       human;
    ngx_uint_t                       kind;
    ngx_uint_t                       shape;
} ngx_http_procmgr_network_query_t;


static ngx_int_t ngx_http_procmgr_network_io(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_network_clear(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_network_connections(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_network_addrs(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_network_stats(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_network_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_network_args_t *args);

static void ngx_http_procmgr_make_network_io(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_network_counters(pm_json_t *j,
    const pm_net_io_t *io, const ngx_http_procmgr_network_args_t *args);
static void ngx_http_procmgr_make_network_addrs(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_network_addr(pm_json_t *j,
    const pm_net_addr_t *a, ngx_uint_t array);
static void ngx_http_procmgr_network_text(pm_json_t *j, const char *key,
    const char *text);
static void ngx_http_procmgr_make_network_stats(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_network_stat(pm_json_t *j,
    const pm_net_stat_t *st, const ngx_http_procmgr_network_args_t *args);
static void ngx_http_procmgr_network_name(pm_json_t *j, const char *name);


ngx_http_procmgr_route_t  ngx_http_procmgr_network_routes[] = {

    { NGX_HTTP_GET, "network/io",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_network_io },

    { NGX_HTTP_POST, "network/io/cache_clear",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_network_clear },

    { NGX_HTTP_GET, "network/connections",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_network_connections },

    { NGX_HTTP_GET, "network/addrs",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_network_addrs },

    { NGX_HTTP_GET, "network/stats",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_network_stats },

    { 0, NULL, 0, 0, NULL }
};


/* object stands first: it is what nobody asked for */

static const char *const  ngx_http_procmgr_network_shapes[] = {
    "object", "array", NULL
};


static const char *const  ngx_http_procmgr_network_kinds[] = {
    "inet", "inet4", "inet6", "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6",
    "unix", "all", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_network_io_table[] = {

    { "pernic", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_network_query_t, pernic), 0, 0, NULL },

    { "nowrap", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_network_query_t, nowrap), 0, 0, NULL },

    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_network_query_t, shape), 0, 0,
      ngx_http_procmgr_network_shapes },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_network_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_connections_table[] = {

    { "kind", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_network_query_t, kind), 0, 0,
      ngx_http_procmgr_network_kinds },

    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_network_query_t, shape), 0, 0,
      ngx_http_procmgr_network_shapes },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_network_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_network_nic_table[] = {

    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_network_query_t, shape), 0, 0,
      ngx_http_procmgr_network_shapes },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_network_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_network_no_table[] = {

    { NULL, 0, 0, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_network_io(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_network_args_t  args;

    if (ngx_http_procmgr_network_query(r, ctx,
                                       ngx_http_procmgr_network_io_table,
                                       &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    /* what was made before the memory was emptied is no answer after it */

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_network_io,
                                        &args, sizeof(args), 0,
                                        "network/io?pernic=%d&nowrap=%d"
                                        "&array=%d&human=%d&cleared=%uA",
                                        args.pernic, args.nowrap, args.array,
                                        args.system.human,
                                        ngx_procmgr_net_cleared(ctx->pm));
}


static ngx_int_t
ngx_http_procmgr_network_clear(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_network_no_table,
                              NULL)
        != NGX_OK)
    {
        return ctx->rc;
    }

    ngx_procmgr_net_clear(ctx->pm);

    return ngx_http_procmgr_send_empty(r);
}


static ngx_int_t
ngx_http_procmgr_network_connections(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_network_args_t  args;

    if (ngx_http_procmgr_network_query(r, ctx,
                                       ngx_http_procmgr_connections_table,
                                       &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_connections,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "network/connections?kind=%ui"
                                        "&array=%d",
                                        args.kind, args.array);
}


static ngx_int_t
ngx_http_procmgr_network_addrs(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_network_args_t  args;

    if (ngx_http_procmgr_network_query(r, ctx,
                                       ngx_http_procmgr_network_nic_table,
                                       &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_network_addrs,
                                        &args, sizeof(args), 0,
                                        "network/addrs?array=%d",
                                        args.array);
}


static ngx_int_t
ngx_http_procmgr_network_stats(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_network_args_t  args;

    if (ngx_http_procmgr_network_query(r, ctx,
                                       ngx_http_procmgr_network_nic_table,
                                       &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_network_stats,
                                        &args, sizeof(args), 0,
                                        "network/stats?array=%d&human=%d",
                                        args.array, args.system.human);
}


static ngx_int_t
ngx_http_procmgr_network_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_network_args_t *args)
{
    ngx_http_procmgr_network_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_network_query_t));
    ngx_memzero(args, sizeof(ngx_http_procmgr_network_args_t));

    query.nowrap = 1;

    if (ngx_http_procmgr_args(r, ctx, table, &query) != NGX_OK) {
        return NGX_DECLINED;
    }

    args->pernic = (query.pernic != 0);
    args->nowrap = (query.nowrap != 0);
    args->array = (query.shape != 0);
    args->kind = query.kind;

    /* an array has no names to stand beside */
    args->system.human = (query.human && !args->array);

    return NGX_OK;
}


static void
ngx_http_procmgr_make_network_io(ngx_procmgr_job_t *job)
{
    int                                     rc;
    size_t                                  i;
    pm_json_t                              *j;
    ngx_uint_t                              full;
    pm_net_io_t                             sum;
    pm_net_ios_t                            ios;
    const ngx_http_procmgr_network_args_t  *args;

    j = &job->json;
    args = job->args;

    ngx_memzero(&ios, sizeof(pm_net_ios_t));

    rc = ngx_procmgr_net_io(job->pm, &ios, args->nowrap, &full);

    if (rc != 0) {
        pm_net_io_free(&ios);
        ngx_http_procmgr_syscall_failed(job, "read", rc);
        return;
    }

    if (full) {
        ngx_http_procmgr_partial(job, "nowrap");
    }

    if (args->pernic) {
        pm_json_object(j);

        for (i = 0; i < ios.n; i++) {
            ngx_http_procmgr_network_name(j, ios.elts[i].name);
            ngx_http_procmgr_network_counters(j, &ios.elts[i], args);
        }

        pm_json_object_end(j);

    } else if (ios.n) {
        pm_net_io_sum(&ios, &sum);
        ngx_http_procmgr_network_counters(j, &sum, args);

    } else {
        pm_json_null(j);
    }

    pm_net_io_free(&ios);
}


static void
ngx_http_procmgr_network_counters(pm_json_t *j, const pm_net_io_t *io,
    const ngx_http_procmgr_network_args_t *args)
{
    char        human[PM_HUMAN_LEN];
    ngx_uint_t  i;

    static const char *const  names[] = {
        "bytes_sent_human", "bytes_recv_human"
    };

    if (args->array) {
        pm_json_array(j);

    } else {
        pm_json_object(j);
    }

    for (i = 0; i < PM_NET_COUNTERS; i++) {

        if (!args->array) {
            pm_json_key(j, pm_net_names[i]);
        }

        pm_json_u64(j, io->value[i]);

        if (args->system.human && i <= PM_NET_BYTES_RECV) {
            (void) pm_human_size(human, io->value[i]);
            pm_json_key(j, names[i]);
            pm_json_str(j, human);
        }
    }

    if (args->array) {
        pm_json_array_end(j);

    } else {
        pm_json_object_end(j);
    }
}


static void
ngx_http_procmgr_make_network_addrs(ngx_procmgr_job_t *job)
{
    int                                     rc;
    size_t                                  i;
    pm_json_t                              *j;
    pm_net_addrs_t                          addrs;
    const pm_net_addr_t                    *a;
    const ngx_http_procmgr_network_args_t  *args;

    j = &job->json;
    args = job->args;

    ngx_memzero(&addrs, sizeof(pm_net_addrs_t));

    rc = pm_net_addrs_read(&addrs);

    if (rc != 0) {
        pm_net_addrs_free(&addrs);
        ngx_http_procmgr_syscall_failed(job, "getifaddrs", rc);
        return;
    }

    pm_json_object(j);

    for (i = 0; i < addrs.n; i++) {
        a = &addrs.elts[i];

        if (i == 0 || ngx_strcmp(a[-1].name, a->name) != 0) {

            if (i) {
                pm_json_array_end(j);
            }

            ngx_http_procmgr_network_name(j, a->name);
            pm_json_array(j);
        }

        ngx_http_procmgr_network_addr(j, a, args->array);
    }

    if (addrs.n) {
        pm_json_array_end(j);
    }

    pm_json_object_end(j);

    pm_net_addrs_free(&addrs);
}


static void
ngx_http_procmgr_network_addr(pm_json_t *j, const pm_net_addr_t *a,
    ngx_uint_t array)
{
    if (array) {
        pm_json_array(j);

    } else {
        pm_json_object(j);
        pm_json_key(j, "family");
    }

    pm_json_i64(j, a->family);

    ngx_http_procmgr_network_text(j, array ? NULL : "address", a->address);
    ngx_http_procmgr_network_text(j, array ? NULL : "netmask", a->netmask);
    ngx_http_procmgr_network_text(j, array ? NULL : "broadcast",
                                  a->broadcast);
    ngx_http_procmgr_network_text(j, array ? NULL : "ptp", a->ptp);

    if (array) {
        pm_json_array_end(j);

    } else {
        pm_json_object_end(j);
    }
}


static void
ngx_http_procmgr_network_text(pm_json_t *j, const char *key,
    const char *text)
{
    if (key) {
        pm_json_key(j, key);
    }

    if (*text) {
        /* a scope is the name of an interface: any bytes */
        pm_json_strn(j, text, ngx_strlen(text));

    } else {
        pm_json_null(j);
    }
}


static void
ngx_http_procmgr_make_network_stats(ngx_procmgr_job_t *job)
{
    int                                     fd, rc;
    size_t                                  i;
    pm_json_t                              *j;
    pm_net_ios_t                            ios;
    pm_net_stat_t                           st;
    const ngx_http_procmgr_network_args_t  *args;

    j = &job->json;
    args = job->args;

    ngx_memzero(&ios, sizeof(pm_net_ios_t));

    fd = pm_net_stat_open();
    if (fd == -1) {
        ngx_http_procmgr_syscall_failed(job, "socket", errno);
        return;
    }

    rc = pm_net_io_read(&ios, NULL);

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(job, "read", rc);
        goto done;
    }

    pm_json_object(j);

    for (i = 0; i < ios.n; i++) {

        rc = pm_net_stat_read(&st, fd, ios.elts[i].name);

        if (rc == ENODEV) {
            /* gone since it was listed */
            continue;
        }

        ngx_http_procmgr_network_name(j, ios.elts[i].name);

        if (rc != 0) {
            pm_json_null(j);
            ngx_http_procmgr_partial(job, "stats");
            continue;
        }

        ngx_http_procmgr_network_stat(j, &st, args);
    }

    pm_json_object_end(j);

done:

    close(fd);
    pm_net_io_free(&ios);
}


static void
ngx_http_procmgr_network_stat(pm_json_t *j, const pm_net_stat_t *st,
    const ngx_http_procmgr_network_args_t *args)
{
    char  human[PM_HUMAN_LEN];

    if (args->array) {
        pm_json_array(j);
        pm_json_bool(j, st->isup);
        pm_json_i64(j, st->duplex);
        pm_json_i64(j, st->speed);
        pm_json_i64(j, st->mtu);
        pm_json_str(j, st->flags);
        pm_json_array_end(j);

        return;
    }

    pm_json_object(j);
    pm_json_key(j, "isup");
    pm_json_bool(j, st->isup);
    pm_json_key(j, "duplex");
    pm_json_i64(j, st->duplex);
    pm_json_key(j, "speed");
    pm_json_i64(j, st->speed);
    pm_json_key(j, "mtu");
    pm_json_i64(j, st->mtu);

    if (args->system.human) {
        (void) pm_human_size(human, (uint64_t) st->mtu);
        pm_json_key(j, "mtu_human");
        pm_json_str(j, human);
    }

    pm_json_key(j, "flags");
    pm_json_str(j, st->flags);
    pm_json_object_end(j);
}


static void
ngx_http_procmgr_network_name(pm_json_t *j, const char *name)
{
    pm_json_key_n(j, name, ngx_strlen(name));
}
