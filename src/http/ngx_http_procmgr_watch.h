
/* watches: /memory/watches and all below it */


#ifndef _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


/* every route of ngx_http_procmgr_watch_routes[] */
ngx_int_t ngx_http_procmgr_watch_handler(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


#endif /* _NGX_HTTP_PROCMGR_WATCH_H_INCLUDED_ */
