
#include "ngx_http_procmgr_services.h"


#define NGX_HTTP_PROCMGR_UDP_UNCONN                                           \
    (PM_SOCK_ANY & ~(1 << PM_SOCK_ESTABLISHED))


typedef struct {
    ngx_flag_t                       all;
    ngx_flag_t                       human;
    ngx_uint_t                       proto;
    ngx_uint_t                       state;
    ngx_uint_t                       netns;
    int64_t                          port;
    ngx_str_t                        name;
} ngx_http_procmgr_services_query_t;


/* in the order of the bits */

static const char *const  ngx_http_procmgr_services_protos[] = {
    "tcp", "tcp6", "udp", "udp6", NULL
};


static const char *const  ngx_http_procmgr_services_states[] = {
    "LISTEN", "ESTABLISHED", "UNCONN", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
    "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "CLOSING",
    NULL
};


/* the same order; the twelfth is the third before it is accepted */

static const struct {
    unsigned  tcp;
    unsigned  udp;
}  ngx_http_procmgr_services_bits[] = {
    { 1 << 10, 0 },
    { 1 << 1, 1 << 1 },
    { 0, NGX_HTTP_PROCMGR_UDP_UNCONN },
    { 1 << 2, 0 },
    { 1 << 3 | 1 << 12, 0 },
    { 1 << 4, 0 },
    { 1 << 5, 0 },
    { 1 << 6, 0 },
    { 1 << 7, 0 },
    { 1 << 8, 0 },
    { 1 << 9, 0 },
    { 1 << 11, 0 }
};


static const char *const  ngx_http_procmgr_services_netns[] = {
    "own", "all", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_services_table[] = {

    { "all", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_services_query_t, all), 0, 0, NULL },

    { "proto", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_services_query_t, proto), 0, 0,
      ngx_http_procmgr_services_protos },

    { "state", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_services_query_t, state), 0, 0,
      ngx_http_procmgr_services_states },

    { "port", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_services_query_t, port), 1, 65535, NULL },

    { "name", NGX_HTTP_PROCMGR_ARG_STR,
      offsetof(ngx_http_procmgr_services_query_t, name), 0, PM_MATCH_LEN,
      NULL },

    { "netns", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_services_query_t, netns), 0, 0,
      ngx_http_procmgr_services_netns },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL,
      offsetof(ngx_http_procmgr_services_query_t, human), 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_services(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    u_char                             words[PM_MATCH_LEN + PM_MATCH_WORDS];
    u_char                            *p;
    unsigned                           want;
    ngx_str_t                          name;
    ngx_uint_t                         i;
    ngx_http_procmgr_services_args_t   args;
    ngx_http_procmgr_services_query_t  query;

    ngx_memzero(&query, sizeof(ngx_http_procmgr_services_query_t));

    query.proto = NGX_CONF_UNSET_UINT;
    query.state = NGX_CONF_UNSET_UINT;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_services_table, &query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_services_args_t));

    args.protos = (query.proto == NGX_CONF_UNSET_UINT)
                  ? PM_SOCK_ALL : 1u << query.proto;
    args.port = (unsigned) query.port;
    args.netns = (query.netns != 0);

    /* a state that is asked for is meant, whether or not it is a service's */

    if (query.state != NGX_CONF_UNSET_UINT) {
        args.tcp = ngx_http_procmgr_services_bits[query.state].tcp;
        args.udp = ngx_http_procmgr_services_bits[query.state].udp;

    } else if (query.all) {
        args.tcp = PM_SOCK_ANY;
        args.udp = PM_SOCK_ANY;

    } else {
        args.tcp = 1 << PM_SOCK_LISTEN;
        args.udp = NGX_HTTP_PROCMGR_UDP_UNCONN;
    }

    want = PM_HAVE_STAT;
    p = words;

    if (query.name.data != NULL) {

        if (pm_match_init(&args.match, (char *) query.name.data,
                          query.name.len)
            != 0)
        {
            return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                            "bad_parameter",
                                            "parameter \"name\": \"%V\" is "
                                            "not 1 to %d words of together "
                                            "at most %d bytes", &query.name,
                                            PM_MATCH_WORDS, PM_MATCH_LEN);
        }

        want |= PM_HAVE_CGROUP;
        args.named = 1;

        for (i = 0; i < args.match.n; i++) {
            *p++ = ' ';
            p = ngx_cpymem(p, args.match.text + args.match.word[i],
                           args.match.len[i]);
        }
    }

    name.data = words;
    name.len = p - words;

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_services,
                                        &args, sizeof(args), want,
                                        "services?protos=%xd&tcp=%xd&udp=%xd"
                                        "&port=%ud&netns=%ud&named=%ud"
                                        "&name=%V",
                                        args.protos, args.tcp, args.udp,
                                        args.port, args.netns, args.named,
                                        &name);
}
