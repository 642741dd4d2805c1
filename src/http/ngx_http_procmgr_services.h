
/* between the query of /system/services and its making in the thread */


#ifndef _NGX_HTTP_PROCMGR_SERVICES_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_SERVICES_H_INCLUDED_


#include "ngx_http_procmgr_system.h"
#include "../proc/pm_sock.h"


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    unsigned                         protos;
    unsigned                         tcp;       /* states */
    unsigned                         udp;
    unsigned                         port;
    unsigned                         named;
    unsigned                         netns;     /* all, not one's own alone */
    pm_match_t                       match;
} ngx_http_procmgr_services_args_t;


void ngx_http_procmgr_make_services(ngx_procmgr_job_t *job);


#endif /* _NGX_HTTP_PROCMGR_SERVICES_H_INCLUDED_ */
