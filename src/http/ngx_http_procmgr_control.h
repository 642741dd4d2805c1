
/* What the helper's list becomes: views made in a pool thread */


#ifndef _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_LIST_SERVICES  1
#define NGX_HTTP_PROCMGR_LIST_COMMANDS  2
#define NGX_HTTP_PROCMGR_LIST_POLICY    3


typedef struct {                            /* of a view; no pointers */
    ngx_uint_t                what;
    ngx_uint_t                role;
} ngx_http_procmgr_list_args_t;


/* an array of the services or commands of args->role, or the helper's word */
void ngx_http_procmgr_control_make(ngx_procmgr_job_t *job);
/* what args->role may do; without a helper, why there is none */
void ngx_http_procmgr_control_make_policy(ngx_procmgr_job_t *job);


#endif /* _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_ */
