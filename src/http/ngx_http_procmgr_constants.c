
/* /system/constants: psutil's names and what they stand for on Linux */


#include "ngx_http_procmgr.h"

#include <sys/resource.h>


static ngx_int_t ngx_http_procmgr_constants(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


ngx_http_procmgr_route_t  ngx_http_procmgr_constants_routes[] = {

    { NGX_HTTP_GET, "constants",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_constants },

    { 0, NULL, 0, 0, NULL }
};


typedef struct {
    const char  *name;
    const char  *text;                  /* NULL: the number */
    int          number;
} ngx_http_procmgr_constant_t;


static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_status[] = {
    { "STATUS_RUNNING", "running", 0 },
    { "STATUS_SLEEPING", "sleeping", 0 },
    { "STATUS_DISK_SLEEP", "disk-sleep", 0 },
    { "STATUS_STOPPED", "stopped", 0 },
    { "STATUS_TRACING_STOP", "tracing-stop", 0 },
    { "STATUS_ZOMBIE", "zombie", 0 },
    { "STATUS_DEAD", "dead", 0 },
    { "STATUS_WAKE_KILL", "wake-kill", 0 },
    { "STATUS_WAKING", "waking", 0 },
    { "STATUS_IDLE", "idle", 0 },
    { "STATUS_LOCKED", "locked", 0 },
    { "STATUS_WAITING", "waiting", 0 },
    { "STATUS_PARKED", "parked", 0 },
    { NULL, NULL, 0 }
};


static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_prio[] = {
    { "IOPRIO_CLASS_NONE", NULL, 0 },
    { "IOPRIO_CLASS_RT", NULL, 1 },
    { "IOPRIO_CLASS_BE", NULL, 2 },
    { "IOPRIO_CLASS_IDLE", NULL, 3 },
    { NULL, NULL, 0 }
};


static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_rlimit[] = {
    { "RLIM_INFINITY", NULL, -1 },
    { "RLIMIT_AS", NULL, RLIMIT_AS },
    { "RLIMIT_CORE", NULL, RLIMIT_CORE },
    { "RLIMIT_CPU", NULL, RLIMIT_CPU },
    { "RLIMIT_DATA", NULL, RLIMIT_DATA },
    { "RLIMIT_FSIZE", NULL, RLIMIT_FSIZE },
    { "RLIMIT_LOCKS", NULL, RLIMIT_LOCKS },
    { "RLIMIT_MEMLOCK", NULL, RLIMIT_MEMLOCK },
    { "RLIMIT_MSGQUEUE", NULL, RLIMIT_MSGQUEUE },
    { "RLIMIT_NICE", NULL, RLIMIT_NICE },
    { "RLIMIT_NOFILE", NULL, RLIMIT_NOFILE },
    { "RLIMIT_NPROC", NULL, RLIMIT_NPROC },
    { "RLIMIT_RSS", NULL, RLIMIT_RSS },
    { "RLIMIT_RTPRIO", NULL, RLIMIT_RTPRIO },
    { "RLIMIT_RTTIME", NULL, RLIMIT_RTTIME },
    { "RLIMIT_SIGPENDING", NULL, RLIMIT_SIGPENDING },
    { "RLIMIT_STACK", NULL, RLIMIT_STACK },
    { NULL, NULL, 0 }
};


static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_conn[] = {
    { "CONN_ESTABLISHED", "ESTABLISHED", 0 },
    { "CONN_SYN_SENT", "SYN_SENT", 0 },
    { "CONN_SYN_RECV", "SYN_RECV", 0 },
    { "CONN_FIN_WAIT1", "FIN_WAIT1", 0 },
    { "CONN_FIN_WAIT2", "FIN_WAIT2", 0 },
    { "CONN_TIME_WAIT", "TIME_WAIT", 0 },
    { "CONN_CLOSE", "CLOSE", 0 },
    { "CONN_CLOSE_WAIT", "CLOSE_WAIT", 0 },
    { "CONN_LAST_ACK", "LAST_ACK", 0 },
    { "CONN_LISTEN", "LISTEN", 0 },
    { "CONN_CLOSING", "CLOSING", 0 },
    { "CONN_NONE", "NONE", 0 },
    { NULL, NULL, 0 }
};


/* of Windows and Solaris: no socket of this host is in these states */

static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_other[] = {
    { "CONN_DELETE_TCB", "DELETE_TCB", 0 },
    { "CONN_IDLE", "IDLE", 0 },
    { "CONN_BOUND", "BOUND", 0 },
    { NULL, NULL, 0 }
};


static const ngx_http_procmgr_constant_t  ngx_http_procmgr_const_hw[] = {
    { "AF_LINK", NULL, AF_PACKET },
    { "NIC_DUPLEX_FULL", NULL, 2 },
    { "NIC_DUPLEX_HALF", NULL, 1 },
    { "NIC_DUPLEX_UNKNOWN", NULL, 0 },
    { "POWER_TIME_UNKNOWN", NULL, -1 },
    { "POWER_TIME_UNLIMITED", NULL, -2 },
    { NULL, NULL, 0 }
};


static const char *const  ngx_http_procmgr_const_os[] = {
    "LINUX", "POSIX", "WINDOWS", "MACOS", "OSX", "BSD", "FREEBSD", "NETBSD",
    "OPENBSD", "SUNOS", "AIX", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_const_args[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL, 0, 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static json_t *ngx_http_procmgr_const_json(
    const ngx_http_procmgr_constant_t *c);


static ngx_int_t
ngx_http_procmgr_constants(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    int                                 rc;
    json_t                             *os, *conn, *json;
    ngx_flag_t                          human;
    ngx_uint_t                          i;
    const ngx_http_procmgr_constant_t  *c;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_const_args, &human)
        != NGX_OK)
    {
        return ctx->rc;
    }

    rc = 0;
    os = json_object();
    conn = ngx_http_procmgr_const_json(ngx_http_procmgr_const_conn);

    for (i = 0; ngx_http_procmgr_const_os[i]; i++) {

        /* the first two */

        rc |= json_object_set_new(os, ngx_http_procmgr_const_os[i],
                                  json_boolean(i < 2));
    }

    for (c = ngx_http_procmgr_const_other; c->name; c++) {
        rc |= json_object_set_new(conn, c->name,
                                  json_pack("{s:s,s:b}", "value", c->text,
                                            "linux", 0));
    }

    if (rc != 0) {
        json_decref(os);
        json_decref(conn);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}",
               "os", os,
               "status",
               ngx_http_procmgr_const_json(ngx_http_procmgr_const_status),
               "priority",
               ngx_http_procmgr_const_json(ngx_http_procmgr_const_prio),
               "resource",
               ngx_http_procmgr_const_json(ngx_http_procmgr_const_rlimit),
               "connection", conn,
               "hardware",
               ngx_http_procmgr_const_json(ngx_http_procmgr_const_hw));

    if (json == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json);
}


/* NULL: no memory */

static json_t *
ngx_http_procmgr_const_json(const ngx_http_procmgr_constant_t *c)
{
    json_t  *json, *value;

    json = json_object();

    for ( /* void */ ; json && c->name; c++) {

        value = c->text ? json_string(c->text) : json_integer(c->number);

        if (json_object_set_new(json, c->name, value) != 0) {
            json_decref(json);
            return NULL;
        }
    }

    return json;
}
