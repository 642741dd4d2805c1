
/* making a body, in a pool thread */


#ifndef _NGX_PROCMGR_JOB_H_INCLUDED_
#define _NGX_PROCMGR_JOB_H_INCLUDED_


#include "ngx_procmgr.h"
#include "ngx_procmgr_slot.h"
#include "ngx_procmgr_view.h"


/* a body of one reference: JSON, or a problem; NULL: memory is short */
ngx_procmgr_body_t *ngx_procmgr_job_run(ngx_procmgr_t *pm,
    ngx_procmgr_key_t *key, ngx_procmgr_make_pt make, const void *args,
    unsigned want, ngx_msec_t max_age, ngx_log_t *log);


#endif /* _NGX_PROCMGR_JOB_H_INCLUDED_ */
