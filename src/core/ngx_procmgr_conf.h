
/*
 * Directives whose values are files that only the master may read.
 */


#ifndef _NGX_PROCMGR_CONF_H_INCLUDED_
#define _NGX_PROCMGR_CONF_H_INCLUDED_


#include "ngx_procmgr.h"


/* "conninfo" or "file=path"; dst is zero terminated.  It logs why not */
ngx_int_t ngx_procmgr_conf_conninfo(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *dst);

/* "path key=path [max=n]" of cf->args: NGX_CONF_OK, or why not is logged */
char *ngx_procmgr_conf_helper(ngx_conf_t *cf, ngx_procmgr_helper_conf_t *dst);


#endif /* _NGX_PROCMGR_CONF_H_INCLUDED_ */
