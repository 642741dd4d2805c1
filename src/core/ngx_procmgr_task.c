
#include "ngx_procmgr_task.h"
#include "ngx_procmgr_zone.h"


#define NGX_PROCMGR_TASK_SLOW  60000


typedef struct {
    ngx_thread_task_t         task;
    ngx_procmgr_t            *pm;
    ngx_procmgr_task_pt       run;
    void                    (*done)(void *ctx);
} ngx_procmgr_task_t;


/* what stands before the ctx keeps its alignment */

#define NGX_PROCMGR_TASK_HEAD                                                 \
    ngx_align(sizeof(ngx_procmgr_task_t), NGX_ALIGNMENT * 2)

#define ngx_procmgr_task(ctx)                                                 \
    ((ngx_procmgr_task_t *) ((u_char *) (ctx) - NGX_PROCMGR_TASK_HEAD))


static void ngx_procmgr_task_run(void *ctx, ngx_log_t *log);
static void ngx_procmgr_task_event(ngx_event_t *ev);


void *
ngx_procmgr_task_create(ngx_procmgr_t *pm, size_t size,
    ngx_procmgr_task_pt run, void (*done)(void *ctx))
{
    u_char              *ctx;
    ngx_procmgr_task_t  *t;

    t = ngx_calloc(NGX_PROCMGR_TASK_HEAD + size, ngx_cycle->log);
    if (t == NULL) {
        return NULL;
    }

    ctx = (u_char *) t + NGX_PROCMGR_TASK_HEAD;

    t->pm = pm;
    t->run = run;
    t->done = done;

    t->task.ctx = ctx;
    t->task.handler = ngx_procmgr_task_run;

    ngx_procmgr_event(&t->task.event, ngx_procmgr_task_event);

    return ctx;
}


ngx_int_t
ngx_procmgr_task_post(void *ctx)
{
    ngx_procmgr_task_t      *t;
    ngx_procmgr_counters_t  *counters;

    t = ngx_procmgr_task(ctx);
    counters = &t->pm->sh->counters;

    (void) ngx_atomic_fetch_add(&counters->tasks_posted, 1);

    if (ngx_thread_task_post(t->pm->thread_pool, &t->task) != NGX_OK) {
        (void) ngx_atomic_fetch_add(&counters->tasks_done, 1);
        (void) ngx_atomic_fetch_add(&counters->tasks_refused, 1);
        ngx_free(t);
        return NGX_BUSY;
    }

    /*
     * the worker does not exit while this timer is set; a completion cannot
     * come before, as it runs in this thread
     */

    ngx_add_timer(&t->task.event, NGX_PROCMGR_TASK_SLOW);

    return NGX_OK;
}


void
ngx_procmgr_task_free(void *ctx)
{
    ngx_free(ngx_procmgr_task(ctx));
}


static void
ngx_procmgr_task_run(void *ctx, ngx_log_t *log)
{
    ngx_procmgr_task(ctx)->run(ctx, log);
}


static void
ngx_procmgr_task_event(ngx_event_t *ev)
{
    ngx_thread_task_t   *task;
    ngx_procmgr_task_t  *t;

    task = ngx_procmgr_owner(ev, ngx_thread_task_t, event);
    t = ngx_procmgr_task(task->ctx);

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "procmgr task #%ui event, timedout:%d",
                   task->id, ev->timedout);

    /* a timer that ends in the same turn as the task is not the end */

    if (ev->timedout && !ev->complete) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "procmgr task #%ui runs for more than %d seconds",
                      task->id, NGX_PROCMGR_TASK_SLOW / 1000);

        ngx_add_timer(ev, NGX_PROCMGR_TASK_SLOW);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    (void) ngx_atomic_fetch_add(&t->pm->sh->counters.tasks_done, 1);

    t->done(task->ctx);

    ngx_free(t);
}
