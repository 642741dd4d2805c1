
#include "ngx_http_procmgr_watch.h"


ngx_http_procmgr_route_t  ngx_http_procmgr_watch_routes[] = {

    { NGX_HTTP_GET, "watches", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_watch_handler },

    { NGX_HTTP_GET, "watches/{word}", NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_watch_handler },

    { 0, NULL, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_watch_handler(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    return ngx_http_procmgr_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there are no watches here");
}
