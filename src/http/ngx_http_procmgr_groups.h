
/* sums over groups of processes: for /memory/groups and the metrics */


#ifndef _NGX_HTTP_PROCMGR_GROUPS_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_GROUPS_H_INCLUDED_


#include "ngx_http_procmgr_system.h"
#include "../proc/pm_group.h"


/* the parts of the snapshot that sums by this need */
unsigned ngx_http_procmgr_groups_want(ngx_uint_t by);

/* handler of the route table */
ngx_int_t ngx_http_procmgr_memory_groups(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


#endif /* _NGX_HTTP_PROCMGR_GROUPS_H_INCLUDED_ */
