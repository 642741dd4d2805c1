
/*
 * A piece of work for the thread pool that owns its memory and has its
 * deadline: a worker that is shutting down does not exit under it.
 */


#ifndef _NGX_PROCMGR_TASK_H_INCLUDED_
#define _NGX_PROCMGR_TASK_H_INCLUDED_


#include "ngx_procmgr.h"


/*
 * run() is called in a thread, done() in the event loop; both get the task's
 * own `ctx' of `size' zeroed bytes.  done() is called also when the owner is
 * gone: it frees what run() made.
 */
typedef void (*ngx_procmgr_task_pt)(void *ctx, ngx_log_t *log);

/* the zeroed ctx to fill, or NULL */
void *ngx_procmgr_task_create(ngx_procmgr_t *pm, size_t size,
    ngx_procmgr_task_pt run, void (*done)(void *ctx));

/* NGX_OK, or NGX_BUSY when the queue is full: then ctx is freed, no done() */
ngx_int_t ngx_procmgr_task_post(void *ctx);

/* of a ctx that was not posted */
void ngx_procmgr_task_free(void *ctx);


#endif /* _NGX_PROCMGR_TASK_H_INCLUDED_ */
