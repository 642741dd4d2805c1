
#include "ngx_procmgr_view.h"
#include "ngx_procmgr_task.h"
#include "ngx_procmgr_zone.h"
#include "ngx_procmgr_slot.h"
#include "ngx_procmgr_node.h"
#include "ngx_procmgr_job.h"


#define NGX_PROCMGR_VIEW_TIMEOUT  10000
#define NGX_PROCMGR_VIEW_POLL     3         /* ms, while another makes it */

/* what the event loop copies itself; more is a thread's work */
#define NGX_PROCMGR_COPY_INLINE   65536


typedef enum {
    ngx_procmgr_flight_new = 0,
    ngx_procmgr_flight_poll,            /* another worker makes it */
    ngx_procmgr_flight_task             /* a thread makes or copies it */
} ngx_procmgr_flight_state_e;


struct ngx_procmgr_flight_s {
    ngx_procmgr_t             *pm;
    ngx_procmgr_node_t        *node;        /* NULL: shared with nobody */
    ngx_queue_t                waits;
    ngx_event_t                poll;
    ngx_procmgr_flight_state_e state;
    uint64_t                   oldest;
    uint64_t                   generation;  /* what another makes, or 0 */

    ngx_procmgr_key_t          key;
    ngx_procmgr_make_pt        make;
    unsigned                   want;
    ngx_msec_t                 max_age;
    size_t                     args_size;
    u_char                     args[NGX_PROCMGR_ARGS_LEN];
};


struct ngx_procmgr_wait_s {
    ngx_queue_t                queue;
    ngx_event_t                timer;
    ngx_procmgr_flight_t      *flight;
    ngx_procmgr_body_pt        handler;
    void                      *data;
};


typedef struct {                        /* the ctx of a task */
    /* the thread does not look into it */
    ngx_procmgr_flight_t      *flight;

    ngx_procmgr_t             *pm;
    ngx_procmgr_key_t          key;
    ngx_procmgr_make_pt        make;
    unsigned                   want;
    ngx_msec_t                 max_age;
    ngx_procmgr_seen_t         seen;
    ngx_procmgr_body_t        *body;

    /* the arguments stand behind */
    max_align_t                args[1];
} ngx_procmgr_work_t;


static ngx_procmgr_wait_t *ngx_procmgr_wait_add(ngx_procmgr_flight_t *flight,
    ngx_msec_t timeout, ngx_procmgr_body_pt handler, void *data);
static void ngx_procmgr_wait_remove(ngx_procmgr_wait_t *wait);
static void ngx_procmgr_wait_timer(ngx_event_t *ev);

static ngx_int_t ngx_procmgr_flight_step(ngx_procmgr_flight_t *flight,
    ngx_procmgr_body_t **body);
static ngx_int_t ngx_procmgr_flight_post(ngx_procmgr_flight_t *flight,
    ngx_procmgr_seen_t *seen);
static void ngx_procmgr_flight_poll_handler(ngx_event_t *ev);
static void ngx_procmgr_flight_end(ngx_procmgr_flight_t *flight,
    ngx_procmgr_body_t *body);
static void ngx_procmgr_flight_free(ngx_procmgr_flight_t *flight);
static void ngx_procmgr_flight_detach(ngx_procmgr_flight_t *flight);

static void ngx_procmgr_work_make(void *ctx, ngx_log_t *log);
static void ngx_procmgr_work_made(void *ctx);
static void ngx_procmgr_work_copy(void *ctx, ngx_log_t *log);
static void ngx_procmgr_work_copied(void *ctx);


ngx_int_t
ngx_procmgr_view_get(ngx_procmgr_t *pm, ngx_procmgr_view_t *view,
    ngx_procmgr_body_t **body, ngx_procmgr_body_pt handler, void *data,
    ngx_procmgr_wait_t **wait)
{
    uint64_t               now;
    ngx_int_t              rc;
    ngx_msec_t             max_age, timeout;
    ngx_procmgr_key_t      key;
    ngx_procmgr_node_t    *node;
    ngx_procmgr_flight_t  *flight;

    max_age = view->max_age ? view->max_age : pm->interval;
    timeout = view->timeout ? view->timeout : NGX_PROCMGR_VIEW_TIMEOUT;

    now = ngx_procmgr_boottime();
    node = NULL;

    ngx_procmgr_node_key(&key, &view->key);

    if (!view->again) {
        node = ngx_procmgr_node_find(pm, &key);

        if (node && node->body && node->body->made + max_age > now) {

            ngx_atomic_fetch_add(&pm->sh->counters.views_cached, 1);

            node->body->refs++;
            *body = node->body;

            return NGX_OK;
        }

        if (node && node->flight) {
            *wait = ngx_procmgr_wait_add(node->flight, timeout, handler,
                                         data);
            return *wait ? NGX_AGAIN : NGX_ERROR;
        }

        if (node == NULL) {
            node = ngx_procmgr_node_add(pm, &key);
            if (node == NULL) {
                return NGX_ERROR;
            }
        }
    }

    if (view->args_size > NGX_PROCMGR_ARGS_LEN) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "procmgr view has %uz bytes of arguments",
                      view->args_size);
        return NGX_ERROR;
    }

    flight = ngx_calloc(sizeof(ngx_procmgr_flight_t), ngx_cycle->log);
    if (flight == NULL) {
        return NGX_ERROR;
    }

    flight->pm = pm;
    flight->key = key;
    flight->make = view->make;
    flight->want = view->want;
    flight->max_age = view->again ? 0 : max_age;
    flight->oldest = now - ngx_min(max_age, now) + 1;
    flight->args_size = view->args_size;

    if (view->args_size) {
        ngx_memcpy(flight->args, view->args, view->args_size);
    }

    ngx_queue_init(&flight->waits);
    ngx_procmgr_event(&flight->poll, ngx_procmgr_flight_poll_handler);

    if (node) {
        flight->node = node;
        node->flight = flight;
    }

    *wait = ngx_procmgr_wait_add(flight, timeout, handler, data);
    if (*wait == NULL) {
        ngx_procmgr_flight_free(flight);
        return NGX_ERROR;
    }

    rc = ngx_procmgr_flight_step(flight, body);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    /* the answer is here, or there is none: nobody waits */

    ngx_procmgr_wait_remove(*wait);
    *wait = NULL;

    if (rc == NGX_OK) {
        (*body)->refs++;
        ngx_procmgr_flight_end(flight, *body);

    } else {
        ngx_procmgr_flight_free(flight);
    }

    return rc;
}


void
ngx_procmgr_view_forget(ngx_procmgr_wait_t *wait)
{
    ngx_procmgr_flight_t  *flight;

    flight = wait->flight;

    ngx_procmgr_wait_remove(wait);

    if (flight
        && flight->state == ngx_procmgr_flight_poll
        && ngx_queue_empty(&flight->waits))
    {
        ngx_procmgr_flight_free(flight);
    }
}


static ngx_procmgr_wait_t *
ngx_procmgr_wait_add(ngx_procmgr_flight_t *flight, ngx_msec_t timeout,
    ngx_procmgr_body_pt handler, void *data)
{
    ngx_procmgr_wait_t  *wait;

    wait = ngx_calloc(sizeof(ngx_procmgr_wait_t), ngx_cycle->log);
    if (wait == NULL) {
        return NULL;
    }

    wait->flight = flight;
    wait->handler = handler;
    wait->data = data;

    ngx_procmgr_event(&wait->timer, ngx_procmgr_wait_timer);
    ngx_add_timer(&wait->timer, timeout);

    ngx_queue_insert_tail(&flight->waits, &wait->queue);

    return wait;
}


static void
ngx_procmgr_wait_remove(ngx_procmgr_wait_t *wait)
{
    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    ngx_queue_remove(&wait->queue);
    ngx_free(wait);
}


static void
ngx_procmgr_wait_timer(ngx_event_t *ev)
{
    void                 *data;
    ngx_procmgr_wait_t   *wait;
    ngx_procmgr_body_pt   handler;

    wait = ngx_procmgr_owner(ev, ngx_procmgr_wait_t, timer);

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "procmgr view timed out: \"%*s\"",
                   (size_t) wait->flight->key.len, wait->flight->key.data);

    handler = wait->handler;
    data = wait->data;

    ngx_procmgr_view_forget(wait);

    handler(data, NULL);
}


/*
 * One look at the zone.  NGX_OK: the body is in another worker's slot and is
 * copied.  NGX_AGAIN: a thread works, or another worker does.  NGX_BUSY:
 * there is no room in the thread pool's queue.
 */

static ngx_int_t
ngx_procmgr_flight_step(ngx_procmgr_flight_t *flight,
    ngx_procmgr_body_t **body)
{
    ngx_int_t            rc;
    ngx_procmgr_t       *pm;
    ngx_procmgr_seen_t   seen;

    pm = flight->pm;

    if (flight->node == NULL) {
        ngx_memzero(&seen, sizeof(ngx_procmgr_seen_t));
        seen.slot = -1;

        return ngx_procmgr_flight_post(flight, &seen);
    }

    for ( ;; ) {

        ngx_procmgr_slot_look(pm, &flight->key, flight->oldest,
                              flight->generation, &seen);

        if (seen.held && !seen.there) {

            /* what is being made already will be new enough */

            if (flight->generation == 0) {
                flight->generation = seen.region.generation + 1;
            }

            flight->state = ngx_procmgr_flight_poll;
            ngx_add_timer(&flight->poll, NGX_PROCMGR_VIEW_POLL);

            return NGX_AGAIN;
        }

        if (!seen.there || seen.region.len > NGX_PROCMGR_COPY_INLINE) {
            return ngx_procmgr_flight_post(flight, &seen);
        }

        *body = ngx_procmgr_slot_read(pm, &flight->key, &seen, &rc);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }
}


/* makes the view and leaves it in the slot, or copies it from there */

static ngx_int_t
ngx_procmgr_flight_post(ngx_procmgr_flight_t *flight,
    ngx_procmgr_seen_t *seen)
{
    ngx_int_t            rc;
    ngx_procmgr_t       *pm;
    ngx_procmgr_work_t  *work;

    pm = flight->pm;
    rc = NGX_ERROR;

    work = ngx_procmgr_task_create(pm, sizeof(ngx_procmgr_work_t)
                                       + flight->args_size,
                                   seen->there ? ngx_procmgr_work_copy
                                               : ngx_procmgr_work_make,
                                   seen->there ? ngx_procmgr_work_copied
                                               : ngx_procmgr_work_made);

    if (work) {
        work->flight = flight;
        work->pm = pm;
        work->key = flight->key;
        work->seen = *seen;
        work->make = flight->make;
        work->want = flight->want;
        work->max_age = flight->max_age;
        ngx_memcpy(work->args, flight->args, flight->args_size);

        rc = ngx_procmgr_task_post(work);
    }

    if (rc == NGX_OK) {
        flight->state = ngx_procmgr_flight_task;
        return NGX_AGAIN;
    }

    if (!seen->there) {
        ngx_procmgr_slot_leave(pm, seen->slot, &flight->key, NULL);
    }

    return rc;
}


static void
ngx_procmgr_flight_poll_handler(ngx_event_t *ev)
{
    ngx_int_t              rc;
    ngx_procmgr_body_t    *body;
    ngx_procmgr_flight_t  *flight;

    flight = ngx_procmgr_owner(ev, ngx_procmgr_flight_t, poll);

    ev->timedout = 0;
    body = NULL;

    if (ngx_queue_empty(&flight->waits)) {
        ngx_procmgr_flight_free(flight);
        return;
    }

    flight->state = ngx_procmgr_flight_new;

    rc = ngx_procmgr_flight_step(flight, &body);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_BUSY) {
        body = ngx_procmgr_body_create(flight->pm, &flight->key);

        if (body) {
            body->status = 503;
            (void) snprintf(body->code, sizeof(body->code), "busy");
            (void) snprintf(body->detail, sizeof(body->detail),
                            "the queue of the thread pool is full");
        }
    }

    ngx_procmgr_flight_end(flight, body);
}


/* takes the reference of body; body is NULL when memory is short */

static void
ngx_procmgr_flight_end(ngx_procmgr_flight_t *flight, ngx_procmgr_body_t *body)
{
    void                 *data;
    ngx_queue_t          *q;
    ngx_procmgr_t        *pm;
    ngx_procmgr_node_t   *node;
    ngx_procmgr_wait_t   *wait;
    ngx_procmgr_body_pt   handler;

    pm = flight->pm;
    node = flight->node;

    if (body && body->status == 200) {

        if (node == NULL) {
            node = ngx_procmgr_node_find(pm, &flight->key);

            if (node == NULL) {
                node = ngx_procmgr_node_add(pm, &flight->key);
            }
        }

        if (node) {
            ngx_procmgr_node_put(pm, node, body);
        }
    }

    /* a handler may ask for the same key at once, and may forget others */

    ngx_procmgr_flight_detach(flight);

    flight->state = ngx_procmgr_flight_task;

    while (!ngx_queue_empty(&flight->waits)) {

        q = ngx_queue_head(&flight->waits);
        wait = ngx_queue_data(q, ngx_procmgr_wait_t, queue);

        handler = wait->handler;
        data = wait->data;

        ngx_procmgr_wait_remove(wait);

        handler(data, body);
    }

    if (body) {
        ngx_procmgr_body_release(body);
    }

    ngx_procmgr_flight_free(flight);
}


static void
ngx_procmgr_flight_free(ngx_procmgr_flight_t *flight)
{
    ngx_queue_t         *q;
    ngx_procmgr_wait_t  *wait;

    while (!ngx_queue_empty(&flight->waits)) {
        q = ngx_queue_head(&flight->waits);
        wait = ngx_queue_data(q, ngx_procmgr_wait_t, queue);
        ngx_procmgr_wait_remove(wait);
    }

    if (flight->poll.timer_set) {
        ngx_del_timer(&flight->poll);
    }

    ngx_procmgr_flight_detach(flight);

    ngx_free(flight);
}


/* a key that made nothing is not kept */

static void
ngx_procmgr_flight_detach(ngx_procmgr_flight_t *flight)
{
    ngx_procmgr_node_t  *node;

    node = flight->node;

    if (node == NULL) {
        return;
    }

    flight->node = NULL;
    node->flight = NULL;

    if (node->body == NULL) {
        ngx_procmgr_node_free(flight->pm, node);
    }
}


static void
ngx_procmgr_work_make(void *ctx, ngx_log_t *log)
{
    ngx_procmgr_work_t *work = ctx;

    ngx_procmgr_body_t  *body;

    body = ngx_procmgr_job_run(work->pm, &work->key, work->make, work->args,
                               work->want, work->max_age, log);

    ngx_procmgr_slot_leave(work->pm, work->seen.slot, &work->key,
                           (body && body->status == 200) ? body : NULL);

    work->body = body;
}


static void
ngx_procmgr_work_made(void *ctx)
{
    ngx_procmgr_work_t *work = ctx;

    ngx_procmgr_flight_end(work->flight, work->body);
}


static void
ngx_procmgr_work_copy(void *ctx, ngx_log_t *log)
{
    ngx_procmgr_work_t *work = ctx;

    ngx_int_t  rc;

    work->body = ngx_procmgr_slot_read(work->pm, &work->key, &work->seen,
                                       &rc);
}


static void
ngx_procmgr_work_copied(void *ctx)
{
    ngx_procmgr_work_t *work = ctx;

    if (work->body) {
        ngx_procmgr_flight_end(work->flight, work->body);
        return;
    }

    /* overwritten while it was copied: look again */

    ngx_procmgr_flight_poll_handler(&work->flight->poll);
}
