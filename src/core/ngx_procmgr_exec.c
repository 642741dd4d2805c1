
/* running the helper in the event loop */


#include "ngx_procmgr_exec.h"
#include "ngx_procmgr_zone.h"
#include "../policy/pm_fail.h"
#include <sys/prctl.h>


#define NGX_PROCMGR_EXEC_POLL  20       /* ms, while other workers run all */


typedef enum {
    ngx_procmgr_exec_waiting = 0,       /* for its turn */
    ngx_procmgr_exec_sending,
    ngx_procmgr_exec_reading,
    ngx_procmgr_exec_closed
} ngx_procmgr_exec_state_e;


struct ngx_procmgr_execs_s {
    ngx_procmgr_t             *pm;
    ngx_queue_t                waiting;
    ngx_event_t                pump;
    uint64_t                   beat;    /* ms, when it was last looked at */
};


struct ngx_procmgr_exec_s {
    ngx_pool_t                *pool;
    ngx_procmgr_t             *pm;
    ngx_queue_t                queue;   /* while it waits */
    ngx_procmgr_exec_state_e   state;
    ngx_event_t                timer;
    ngx_msec_t                 timeout;
    ngx_connection_t          *connection;
    ngx_int_t                  turn;    /* index in sh->helpers, or -1 */
    pm_wire_text_t             text;
    ngx_procmgr_out_t          out;
    size_t                     sent;
    ngx_procmgr_frame_t        frame;
    ngx_procmgr_record_pt      record;
    ngx_procmgr_reply_pt       handler;
    void                      *data;
    ngx_procmgr_reply_t        reply;
    uint64_t                   since;   /* ms, when it came */
    unsigned                   late:1;  /* it expires from its turn on */
    unsigned                   stale:1; /* nobody counts on it any more */
};


static void ngx_procmgr_execs_beat(ngx_procmgr_execs_t *execs);
static void ngx_procmgr_execs_pump(ngx_event_t *ev);
static void ngx_procmgr_exec_set_state(ngx_procmgr_exec_t *exec,
    ngx_procmgr_exec_state_e state);
static void ngx_procmgr_exec_start(ngx_procmgr_exec_t *exec);
static void ngx_procmgr_exec_write_handler(ngx_event_t *wev);
static void ngx_procmgr_exec_read_handler(ngx_event_t *rev);
static void ngx_procmgr_exec_timer(ngx_event_t *ev);
static void ngx_procmgr_exec_lost(ngx_procmgr_exec_t *exec, const char *why);
static void ngx_procmgr_exec_close(ngx_procmgr_exec_t *exec, ngx_uint_t ended,
    const char *why);


ngx_int_t
ngx_procmgr_execs_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_procmgr_execs_t  *execs;

    execs = ngx_pcalloc(cycle->pool, sizeof(ngx_procmgr_execs_t));
    if (execs == NULL) {
        return NGX_ERROR;
    }

    execs->pm = pm;

    ngx_queue_init(&execs->waiting);

    ngx_procmgr_event(&execs->pump, ngx_procmgr_execs_pump);

    pm->execs = execs;

    if (pm->helper.set && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "prctl(PR_SET_DUMPABLE) failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_procmgr_exec_t *
ngx_procmgr_exec(ngx_procmgr_t *pm, pm_wire_text_t *text, ngx_msec_t timeout,
    ngx_procmgr_record_pt record, ngx_procmgr_reply_pt handler, void *data)
{
    ngx_pool_t           *pool;
    ngx_procmgr_exec_t   *exec;
    ngx_procmgr_execs_t  *execs;

    execs = pm->execs;

    pool = ngx_create_pool(NGX_MIN_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    exec = ngx_pcalloc(pool, sizeof(ngx_procmgr_exec_t));
    if (exec == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     exec->state = ngx_procmgr_exec_waiting;
     *     exec->connection = NULL;
     *     exec->frame, exec->reply
     */

    exec->pool = pool;
    exec->pm = pm;
    exec->timeout = timeout;
    exec->turn = -1;
    exec->text = *text;
    exec->record = record;
    exec->handler = handler;
    exec->data = data;
    exec->late = ngx_strnstr((u_char *) text->data, "\nexpires=", text->len)
                 == NULL;

    ngx_procmgr_execs_beat(execs);

    exec->since = execs->beat;

    ngx_queue_insert_tail(&execs->waiting, &exec->queue);

    /* not cancelable: a worker does not exit before the end of a run */

    ngx_procmgr_event(&exec->timer, ngx_procmgr_exec_timer);
    ngx_add_timer(&exec->timer, timeout);

    /* the loop does not sleep before it, as it might before posted events */

    ngx_post_event(&execs->pump, &ngx_posted_next_events);

    return exec;
}


void
ngx_procmgr_exec_forget(ngx_procmgr_exec_t *exec)
{
    exec->handler = NULL;
    exec->record = NULL;

    if (exec->state == ngx_procmgr_exec_waiting) {
        ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY, "forgotten");
    }
}


/*
 * Other workers must not take an operation for lost that still waits here, so
 * that who waits says so.  If this worker stood still meanwhile for longer
 * than they can be expected to believe it, nothing that waited is started.
 */

static void
ngx_procmgr_execs_beat(ngx_procmgr_execs_t *execs)
{
    uint64_t             now;
    ngx_queue_t         *q;
    ngx_procmgr_exec_t  *exec;

    now = ngx_procmgr_boottime();

    if (now - execs->beat > NGX_PROCMGR_EXEC_LIFETIME) {

        for (q = ngx_queue_head(&execs->waiting);
             q != ngx_queue_sentinel(&execs->waiting);
             q = ngx_queue_next(q))
        {
            exec = ngx_queue_data(q, ngx_procmgr_exec_t, queue);
            exec->stale = exec->late;
        }
    }

    execs->beat = now;

    if (ngx_queue_empty(&execs->waiting)) {
        return;
    }

    exec = ngx_queue_data(ngx_queue_head(&execs->waiting), ngx_procmgr_exec_t,
                          queue);

    if (now - exec->since >= NGX_PROCMGR_EXEC_LONG) {
        execs->pm->sh->helper_waited = now;
    }
}


/* starts those whose turn it is, in the order they came */

static void
ngx_procmgr_execs_pump(ngx_event_t *ev)
{
    ngx_int_t             turn;
    ngx_queue_t          *q;
    ngx_procmgr_exec_t   *exec;
    ngx_procmgr_execs_t  *execs;

    execs = ngx_procmgr_owner(ev, ngx_procmgr_execs_t, pump);

    ev->timedout = 0;

    ngx_procmgr_execs_beat(execs);

    while (!ngx_queue_empty(&execs->waiting)) {

        q = ngx_queue_head(&execs->waiting);
        exec = ngx_queue_data(q, ngx_procmgr_exec_t, queue);

        if (exec->stale) {
            ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY,
                                   NGX_PROCMGR_EXEC_STALE);
            continue;
        }

        turn = ngx_procmgr_exec_turn(execs->pm, exec->timeout);

        if (turn == -1) {

            /* another worker cannot tell when its run ends */

            if (!ev->timer_set) {
                ngx_add_timer(ev, NGX_PROCMGR_EXEC_POLL);
            }

            return;
        }

        ngx_queue_remove(&exec->queue);
        exec->turn = turn;

        ngx_procmgr_exec_start(exec);
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }
}


static void
ngx_procmgr_exec_set_state(ngx_procmgr_exec_t *exec,
    ngx_procmgr_exec_state_e state)
{
    ngx_log_debug3(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "procmgr exec %p: state %d to %d",
                   exec, (int) exec->state, (int) state);

    if (state <= exec->state) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "procmgr exec goes from state %d to %d",
                      (int) exec->state, (int) state);
        ngx_debug_point();
    }

    exec->state = state;
}


static void
ngx_procmgr_exec_start(ngx_procmgr_exec_t *exec)
{
    int                fd[2];
    ngx_err_t          err;
    ngx_event_t       *rev, *wev;
    ngx_procmgr_t     *pm;
    ngx_connection_t  *c;

    pm = exec->pm;

    if (exec->late) {
        pm_wire_addu(&exec->text, "expires",
                     pm->execs->beat + NGX_PROCMGR_EXEC_LIFETIME);
    }

    if (ngx_procmgr_exec_seal(pm, &exec->out, &exec->text) != NGX_OK) {
        ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY,
                               NGX_PROCMGR_EXEC_TOO_LONG);
        return;
    }

    pm_fail(exec_before, exec->text.data);

    err = ngx_procmgr_exec_spawn(pm, fd);

    if (err) {
        (void) snprintf(exec->reply.why, sizeof(exec->reply.why),
                        "starting \"%s\" failed: %s",
                        (char *) pm->helper.path.data, strerror(err));
        ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY, NULL);
        return;
    }

    c = ngx_get_connection(fd[0], ngx_cycle->log);

    if (c == NULL) {

        /* the helper reads an end of file and does nothing */

        (void) ngx_close_socket(fd[0]);
        ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY,
                               "no free connection");
        return;
    }

    pm_fail(exec_spawned, exec->text.data);

    exec->connection = c;

    c->data = exec;
    c->pool = exec->pool;
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->log_error = NGX_ERROR_INFO;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    rev = c->read;
    wev = c->write;

    rev->log = c->log;
    wev->log = c->log;
    rev->handler = ngx_procmgr_exec_read_handler;
    wev->handler = ngx_procmgr_exec_write_handler;
    wev->ready = 1;

    ngx_procmgr_exec_set_state(exec, ngx_procmgr_exec_sending);

    /* the time it waited for its turn is not taken from its run */

    if (exec->timer.timer_set) {
        ngx_del_timer(&exec->timer);
    }

    ngx_add_timer(&exec->timer, exec->timeout);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_procmgr_exec_lost(exec, "no event for the helper's socket");
        return;
    }

    ngx_procmgr_exec_write_handler(wev);
}


static void
ngx_procmgr_exec_write_handler(ngx_event_t *wev)
{
    ssize_t              n;
    ngx_connection_t    *c;
    ngx_procmgr_exec_t  *exec;

    c = wev->data;
    exec = c->data;

    if (exec->state != ngx_procmgr_exec_sending) {
        return;
    }

    while (exec->sent < exec->out.len) {

        n = c->send(c, exec->out.data + exec->sent,
                    exec->out.len - exec->sent);

        if (n == NGX_AGAIN) {

            if (ngx_handle_write_event(wev, 0) != NGX_OK) {
                ngx_procmgr_exec_lost(exec,
                                      "no event for the helper's socket");
            }

            return;
        }

        if (n == NGX_ERROR) {

            /* it may have refused before it read all: the answer tells */

            return;
        }

        exec->sent += n;
    }

    ngx_procmgr_exec_set_state(exec, ngx_procmgr_exec_reading);

    pm_fail(exec_sent, exec->text.data);
}


static void
ngx_procmgr_exec_read_handler(ngx_event_t *rev)
{
    u_char              *p;
    size_t               size;
    ssize_t              n;
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_procmgr_exec_t  *exec;

    c = rev->data;
    exec = c->data;

    if (c->close) {
        ngx_procmgr_exec_lost(exec, NGX_PROCMGR_EXEC_EXITING);
        return;
    }

    for ( ;; ) {

        if (ngx_procmgr_frame_room(&exec->frame, &p, &size) != NGX_OK) {
            ngx_procmgr_exec_lost(exec, "no memory for the answer");
            return;
        }

        n = c->recv(c, p, size);

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_procmgr_exec_lost(exec,
                                      "no event for the helper's socket");
            }

            return;
        }

        if (n <= 0) {
            ngx_procmgr_exec_lost(exec, NGX_PROCMGR_EXEC_ENDED);
            return;
        }

        rc = ngx_procmgr_frame_feed(&exec->frame, n, exec->record, exec->data,
                                    &exec->reply);

        if (rc == NGX_DONE) {
            ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_DONE, NULL);
            return;
        }

        if (rc == NGX_ERROR) {
            ngx_procmgr_exec_lost(exec, NULL);
            return;
        }
    }
}


static void
ngx_procmgr_exec_timer(ngx_event_t *ev)
{
    ngx_procmgr_exec_t  *exec;

    exec = ngx_procmgr_owner(ev, ngx_procmgr_exec_t, timer);

    ev->timedout = 0;

    if (exec->state == ngx_procmgr_exec_waiting) {
        ngx_procmgr_exec_close(exec, NGX_PROCMGR_EXEC_AWAY,
                               NGX_PROCMGR_EXEC_NO_TURN);
        return;
    }

    ngx_procmgr_exec_lost(exec, NGX_PROCMGR_EXEC_LATE);
}


/* a helper that did not get the whole request cannot have acted */

static void
ngx_procmgr_exec_lost(ngx_procmgr_exec_t *exec, const char *why)
{
    ngx_procmgr_exec_close(exec,
                           exec->state == ngx_procmgr_exec_sending
                               ? NGX_PROCMGR_EXEC_AWAY
                               : NGX_PROCMGR_EXEC_LOST,
                           why);
}


/* the one end of a run; `why' is NULL when reply.why says it already */

static void
ngx_procmgr_exec_close(ngx_procmgr_exec_t *exec, ngx_uint_t ended,
    const char *why)
{
    ngx_pool_t            *pool;
    ngx_procmgr_t         *pm;
    ngx_procmgr_execs_t   *execs;
    ngx_procmgr_reply_t   *reply;

    pm = exec->pm;
    execs = pm->execs;
    pool = exec->pool;
    reply = &exec->reply;

    if (exec->state == ngx_procmgr_exec_waiting && exec->turn == -1) {
        ngx_queue_remove(&exec->queue);
    }

    ngx_procmgr_exec_set_state(exec, ngx_procmgr_exec_closed);

    if (exec->timer.timer_set) {
        ngx_del_timer(&exec->timer);
    }

    if (exec->connection) {
        exec->connection->pool = NULL;
        ngx_close_connection(exec->connection);
        exec->connection = NULL;
    }

    ngx_procmgr_frame_free(&exec->frame);

    reply->ended = ended;

    if (why) {
        (void) snprintf(reply->why, sizeof(reply->why), "%s", why);
    }

    if (exec->turn != -1) {
        ngx_procmgr_exec_turn_end(pm, exec->turn);
        ngx_procmgr_exec_said(pm, reply);
    }

    if (!ngx_queue_empty(&execs->waiting)) {
        ngx_post_event(&execs->pump, &ngx_posted_next_events);
    }

    if (exec->handler) {
        exec->handler(exec->data, reply);
    }

    ngx_procmgr_reply_free(reply);

    ngx_destroy_pool(pool);
}
