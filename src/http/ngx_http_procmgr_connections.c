
/* rows of /system/network/connections, as psutil has them, but all holders */

#include "ngx_http_procmgr_network.h"
#include "ngx_http_procmgr_holders.h"
#include "../proc/pm_net_unix.h"
#include "../proc/pm_sock.h"

#include <arpa/inet.h>


#define NGX_HTTP_PROCMGR_UNIX  (1 << PM_SOCK_PROTOS)


typedef struct {
    ngx_procmgr_job_t               *job;
    pm_socks_t                       socks;
    pm_net_unixes_t                  unixes;
    ngx_http_procmgr_holders_t       holders;
    unsigned                         array;
} ngx_http_procmgr_connections_t;


static ngx_int_t ngx_http_procmgr_connections_read(
    ngx_http_procmgr_connections_t *v, unsigned kinds);
static void ngx_http_procmgr_connections_inet(
    ngx_http_procmgr_connections_t *v);
static void ngx_http_procmgr_connections_unix(
    ngx_http_procmgr_connections_t *v);
static void ngx_http_procmgr_connection_inet(
    ngx_http_procmgr_connections_t *v, const pm_sock_t *k,
    const pm_fd_holder_t *h);
static void ngx_http_procmgr_connection_unix(
    ngx_http_procmgr_connections_t *v, const pm_net_unix_t *k,
    const pm_fd_holder_t *h);
static void ngx_http_procmgr_connection_start(
    ngx_http_procmgr_connections_t *v, const pm_fd_holder_t *h,
    int family, int type);
static void ngx_http_procmgr_connection_key(
    ngx_http_procmgr_connections_t *v, const char *key);
static void ngx_http_procmgr_connection_end(
    ngx_http_procmgr_connections_t *v, const char *status,
    const pm_fd_holder_t *h);
static void ngx_http_procmgr_connection_addr(pm_json_t *j,
    const pm_sock_t *k, ngx_uint_t remote);


/* in the order of ngx_http_procmgr_network_kinds[] */

static const unsigned  ngx_http_procmgr_kind_bits[] = {
    1 << PM_SOCK_TCP | 1 << PM_SOCK_TCP6 | 1 << PM_SOCK_UDP
        | 1 << PM_SOCK_UDP6,
    1 << PM_SOCK_TCP | 1 << PM_SOCK_UDP,
    1 << PM_SOCK_TCP6 | 1 << PM_SOCK_UDP6,
    1 << PM_SOCK_TCP | 1 << PM_SOCK_TCP6,
    1 << PM_SOCK_TCP,
    1 << PM_SOCK_TCP6,
    1 << PM_SOCK_UDP | 1 << PM_SOCK_UDP6,
    1 << PM_SOCK_UDP,
    1 << PM_SOCK_UDP6,
    NGX_HTTP_PROCMGR_UNIX,
    PM_SOCK_ALL | NGX_HTTP_PROCMGR_UNIX
};


void
ngx_http_procmgr_make_connections(ngx_procmgr_job_t *job)
{
    ngx_http_procmgr_connections_t          v;
    const ngx_http_procmgr_network_args_t  *args;

    args = job->args;

    ngx_memzero(&v, sizeof(ngx_http_procmgr_connections_t));

    v.job = job;
    v.array = args->array;

    pm_socks_init(&v.socks);

    if (ngx_http_procmgr_holders_init(&v.holders, job, args->system.role)
        != NGX_OK
        || ngx_http_procmgr_connections_read(&v,
                                    ngx_http_procmgr_kind_bits[args->kind])
           != NGX_OK
        || ngx_http_procmgr_holders_read(&v.holders) != NGX_OK)
    {
        goto done;
    }

    if (v.holders.hidden) {
        ngx_http_procmgr_partial(job, "fd");
        ngx_http_procmgr_partial(job, "pid");
    }

    pm_json_array(&job->json);

    ngx_http_procmgr_connections_inet(&v);
    ngx_http_procmgr_connections_unix(&v);

    pm_json_array_end(&job->json);

done:

    ngx_http_procmgr_holders_free(&v.holders);
    pm_net_unix_free(&v.unixes);
    pm_socks_free(&v.socks);
}


static ngx_int_t
ngx_http_procmgr_connections_read(ngx_http_procmgr_connections_t *v,
    unsigned kinds)
{
    int         rc;
    size_t      i;
    pm_sock_t  *k;

    rc = pm_socks_dump(&v->socks, NULL, kinds & PM_SOCK_ALL, PM_SOCK_ANY,
                       PM_SOCK_ANY);

    if (rc == 0 && (kinds & NGX_HTTP_PROCMGR_UNIX)) {
        rc = pm_net_unix_dump(&v->unixes, NULL);
    }

    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "sock_diag", rc);
        return NGX_ERROR;
    }

    rc = pm_fd_map_init(&v->holders.map, v->socks.n + v->unixes.n);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "malloc", rc);
        return NGX_ERROR;
    }

    for (i = 0; i < v->socks.n; i++) {
        k = &v->socks.elts[i];

        /* without a port an address is not shown */

        if (k->local_port == 0) {
            ngx_memzero(k->local, sizeof(k->local));
        }

        if (k->remote_port == 0) {
            ngx_memzero(k->remote, sizeof(k->remote));
        }

        pm_fd_map_want(&v->holders.map, k->inode);
    }

    for (i = 0; i < v->unixes.n; i++) {
        pm_fd_map_want(&v->holders.map, v->unixes.elts[i].inode);
    }

    pm_socks_sort(&v->socks);
    pm_net_unix_sort(&v->unixes);

    if (v->socks.truncated || v->unixes.truncated) {
        ngx_http_procmgr_partial(v->job, "connections");
    }

    return NGX_OK;
}


/* rows are a set: of equal ones without a holder there is one */

static void
ngx_http_procmgr_connections_inet(ngx_http_procmgr_connections_t *v)
{
    size_t                 i, n;
    unsigned               shown;
    const pm_sock_t       *k, *last;
    const pm_fd_holder_t  *h;

    last = NULL;
    shown = 0;

    for (i = 0; i < v->socks.n; i++) {
        k = &v->socks.elts[i];

        if (last == NULL
            || last->proto != k->proto
            || last->local_port != k->local_port
            || last->remote_port != k->remote_port
            || ngx_memcmp(last->local, k->local, 16) != 0
            || ngx_memcmp(last->remote, k->remote, 16) != 0)
        {
            shown = 0;
        }

        last = k;

        h = pm_fd_map_find(&v->holders.map, k->inode, &n);

        if (n == 0) {

            /* the state of one that is not TCP is not told */

            unsigned  bit = (k->proto < PM_SOCK_UDP) ? 1u << k->state : 1;

            if (!(shown & bit)) {
                shown |= bit;
                ngx_http_procmgr_connection_inet(v, k, NULL);
            }
        }

        for ( /* void */ ; n; n--, h++) {
            ngx_http_procmgr_connection_inet(v, k, h);
        }
    }
}


static void
ngx_http_procmgr_connections_unix(ngx_http_procmgr_connections_t *v)
{
    size_t                 i, n;
    const char            *paths;
    const pm_net_unix_t   *k, *last;
    const pm_fd_holder_t  *h;

    last = NULL;
    paths = v->unixes.paths;

    for (i = 0; i < v->unixes.n; i++) {
        k = &v->unixes.elts[i];

        h = pm_fd_map_find(&v->holders.map, k->inode, &n);

        if (n == 0) {

            if (last == NULL
                || last->type != k->type
                || last->len != k->len
                || (k->len && ngx_memcmp(paths + last->path, paths + k->path,
                                         k->len)
                              != 0))
            {
                ngx_http_procmgr_connection_unix(v, k, NULL);
            }

            last = k;
        }

        for ( /* void */ ; n; n--, h++) {
            ngx_http_procmgr_connection_unix(v, k, h);
        }
    }
}


static void
ngx_http_procmgr_connection_inet(ngx_http_procmgr_connections_t *v,
    const pm_sock_t *k, const pm_fd_holder_t *h)
{
    ngx_uint_t  tcp;

    tcp = (k->proto < PM_SOCK_UDP);

    ngx_http_procmgr_connection_start(v, h,
                                      (k->proto & 1) ? AF_INET6 : AF_INET,
                                      tcp ? SOCK_STREAM : SOCK_DGRAM);

    ngx_http_procmgr_connection_key(v, "laddr");
    ngx_http_procmgr_connection_addr(&v->job->json, k, 0);
    ngx_http_procmgr_connection_key(v, "raddr");
    ngx_http_procmgr_connection_addr(&v->job->json, k, 1);

    ngx_http_procmgr_connection_end(v, tcp ? pm_sock_state(k->proto, k->state)
                                           : "NONE",
                                    h);
}


static void
ngx_http_procmgr_connection_unix(ngx_http_procmgr_connections_t *v,
    const pm_net_unix_t *k, const pm_fd_holder_t *h)
{
    pm_json_t  *j;

    j = &v->job->json;

    ngx_http_procmgr_connection_start(v, h, AF_UNIX, k->type);

    ngx_http_procmgr_connection_key(v, "laddr");
    pm_json_strn(j, k->len ? v->unixes.paths + k->path : "", k->len);
    ngx_http_procmgr_connection_key(v, "raddr");
    pm_json_str(j, "");

    ngx_http_procmgr_connection_end(v, "NONE", h);
}


static void
ngx_http_procmgr_connection_start(ngx_http_procmgr_connections_t *v,
    const pm_fd_holder_t *h, int family, int type)
{
    pm_json_t  *j;

    j = &v->job->json;

    if (v->array) {
        pm_json_array(j);

    } else {
        pm_json_object(j);
    }

    ngx_http_procmgr_connection_key(v, "fd");
    pm_json_i64(j, h ? h->fd : -1);
    ngx_http_procmgr_connection_key(v, "family");
    pm_json_i64(j, family);
    ngx_http_procmgr_connection_key(v, "type");
    pm_json_i64(j, type);
}


static void
ngx_http_procmgr_connection_key(ngx_http_procmgr_connections_t *v,
    const char *key)
{
    if (!v->array) {
        pm_json_key(&v->job->json, key);
    }
}


static void
ngx_http_procmgr_connection_end(ngx_http_procmgr_connections_t *v,
    const char *status, const pm_fd_holder_t *h)
{
    pm_json_t  *j;

    j = &v->job->json;

    ngx_http_procmgr_connection_key(v, "status");
    pm_json_str(j, status);
    ngx_http_procmgr_connection_key(v, "pid");

    if (h) {
        pm_json_i64(j, h->pid);

    } else {
        pm_json_null(j);
    }

    if (v->array) {
        pm_json_array_end(j);

    } else {
        pm_json_object_end(j);
    }
}


/* ["::ffff:127.0.0.1",80], or [] where there is no port */

static void
ngx_http_procmgr_connection_addr(pm_json_t *j, const pm_sock_t *k,
    ngx_uint_t remote)
{
    char      text[INET6_ADDRSTRLEN];
    uint16_t  port;

    port = remote ? k->remote_port : k->local_port;

    pm_json_array(j);

    if (port) {
        (void) inet_ntop((k->proto & 1) ? AF_INET6 : AF_INET,
                         remote ? k->remote : k->local, text, sizeof(text));
        pm_json_str(j, text);
        pm_json_u64(j, port);
    }

    pm_json_array_end(j);
}
