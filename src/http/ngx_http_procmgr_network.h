
/* between the queries of /system/network and their making in the thread */


#ifndef _NGX_HTTP_PROCMGR_NETWORK_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_NETWORK_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    ngx_uint_t                       kind;      /* index of the names */
    unsigned                         pernic:1;
    unsigned                         nowrap:1;
    unsigned                         array:1;
} ngx_http_procmgr_network_args_t;


void ngx_http_procmgr_make_connections(ngx_procmgr_job_t *job);


#endif /* _NGX_HTTP_PROCMGR_NETWORK_H_INCLUDED_ */
