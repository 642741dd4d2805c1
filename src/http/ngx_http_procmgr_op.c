
/* Operations: their making, their states and their end */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "../policy/pm_fail.h"


#define NGX_HTTP_PROCMGR_OPS_MAX     1024       /* of a worker */

/* ms; the helper bounds itself, and a policy's timeout is an hour at most */
#define NGX_HTTP_PROCMGR_OP_TIMEOUT  3700000


typedef struct {
    ngx_procmgr_t                *pm;
    ngx_queue_t                   queue;
    ngx_uint_t                    n;
} ngx_http_procmgr_ops_t;


static ngx_http_procmgr_op_t *ngx_http_procmgr_op_of(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act);
static ngx_http_procmgr_op_t *ngx_http_procmgr_op_create(ngx_procmgr_t *pm,
    const char *user, ngx_uint_t role, ngx_str_t *remote,
    ngx_http_procmgr_act_t *act);
static const char *ngx_http_procmgr_op_copy(ngx_pool_t *pool,
    const void *data, size_t len);
static void ngx_http_procmgr_op_pg_up(ngx_procmgr_t *pm);


#define ngx_http_procmgr_op_to(state)  (1 << NGX_HTTP_PROCMGR_OP_##state)

static const struct {
    const char  *name;
    ngx_uint_t   next;
} ngx_http_procmgr_op_states[] = {

    { "new", ngx_http_procmgr_op_to(INTENT)
             |ngx_http_procmgr_op_to(REFUSED)
             |ngx_http_procmgr_op_to(DONE) },

    { "intent", ngx_http_procmgr_op_to(RUNNING)
                |ngx_http_procmgr_op_to(NOT_STARTED)
                |ngx_http_procmgr_op_to(DONE) },

    { "running", ngx_http_procmgr_op_to(OUTCOME)
                 |ngx_http_procmgr_op_to(LOST) },

    { "lost", ngx_http_procmgr_op_to(OUTCOME)
              |ngx_http_procmgr_op_to(DONE) },

    { "outcome", ngx_http_procmgr_op_to(OUTCOME_RETRY)
                 |ngx_http_procmgr_op_to(DONE) },

    { "outcome_retry", ngx_http_procmgr_op_to(OUTCOME)
                       |ngx_http_procmgr_op_to(DONE) },

    { "refused", ngx_http_procmgr_op_to(DONE) },

    { "not_started", ngx_http_procmgr_op_to(DONE) },

    { "done", 0 }
};


/* of this worker; set by ngx_http_procmgr_ops_init() */
static ngx_http_procmgr_ops_t  ngx_http_procmgr_ops;

/* a timer's ident in debug messages is the fd of its data */
static ngx_connection_t  ngx_http_procmgr_op_ident;


ngx_int_t
ngx_http_procmgr_ops_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_memzero(&ngx_http_procmgr_ops, sizeof(ngx_http_procmgr_ops_t));

    ngx_http_procmgr_ops.pm = pm;
    ngx_queue_init(&ngx_http_procmgr_ops.queue);

    ngx_http_procmgr_op_ident.fd = (ngx_socket_t) -1;

    ngx_http_procmgr_log_init(pm);

    if (ngx_http_procmgr_recover_init(pm, cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (pm->pg) {
        ngx_procmgr_pg_on_up(pm, ngx_http_procmgr_op_pg_up);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_op_start(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_act_t *act)
{
    ngx_int_t               rc;
    ngx_msec_t              wait, timeout;
    ngx_msec_int_t          spent;
    ngx_http_procmgr_op_t  *op;

    if (ctx->pm->pg == NULL) {
        return ngx_http_procmgr_op_away(r);
    }

    if (ngx_http_procmgr_ops.n >= NGX_HTTP_PROCMGR_OPS_MAX) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "too_many_operations",
                   "too many operations are unsettled, nothing was done");
    }

    op = ngx_http_procmgr_op_of(r, ctx, act);

    if (op == NULL) {
        goto failed;
    }

    if (ngx_http_procmgr_op_prefer(op, r, &wait) != NGX_OK
        || ngx_http_procmgr_op_location(op, r, ctx) != NGX_OK)
    {
        ngx_http_procmgr_op_close(op, "no memory");
        goto failed;
    }

    rc = ngx_http_procmgr_op_idem(op, r, ctx);

    if (rc != NGX_OK) {
        ngx_http_procmgr_op_close(op, "bad key");

        if (rc == NGX_DECLINED) {
            return ctx->rc;
        }

        goto failed;
    }

    /* the whole time until "unavailable" is bounded, not this part of it */

    spent = (ngx_msec_int_t) ((ngx_time() - r->start_sec) * 1000
                              + (ngx_timeofday()->msec - r->start_msec));

    timeout = NGX_HTTP_PROCMGR_OP_PATIENCE;

    if (spent > 0) {
        timeout = ngx_max(1000, NGX_HTTP_PROCMGR_OP_PATIENCE - spent);
    }

    op->gone = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_op_gone, op);

    if (op->gone == NULL) {
        ngx_http_procmgr_op_close(op, "no memory");
        goto failed;
    }

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_INTENT);

    pm_fail(intent_before, NULL);

    if (ngx_procmgr_pg_query(op->pm, NGX_HTTP_PROCMGR_SQL_OP_INTENT, 13,
                             op->args, timeout,
                             ngx_http_procmgr_op_intent_done, op)
        == NULL)
    {
        (void) ngx_http_procmgr_op_detach(op);
        ngx_http_procmgr_op_close(op, "no statement");
        return ngx_http_procmgr_op_away(r);
    }

    op->r = r;

    if (wait) {
        ngx_add_timer(&op->wait, wait);

    } else {
        op->impatient = 1;
    }

    return NGX_AGAIN;

failed:

    return NGX_ERROR;
}


ngx_int_t
ngx_http_procmgr_op_refuse(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_act_t *act, const char *code, const char *reason)
{
    ngx_http_procmgr_op_t  *op;

    if (ctx->pm->pg == NULL
        || ngx_http_procmgr_ops.n >= NGX_HTTP_PROCMGR_OPS_MAX)
    {
        goto unwritten;
    }

    op = ngx_http_procmgr_op_of(r, ctx, act);

    if (op == NULL) {
        goto unwritten;
    }

    op->args[8] = ngx_http_procmgr_op_copy(op->pool, code, ngx_strlen(code));
    op->args[9] = ngx_http_procmgr_op_copy(op->pool, reason,
                                           ngx_strlen(reason));

    op->gone = ngx_http_procmgr_on_gone(r, ngx_http_procmgr_op_gone, op);

    if (op->args[8] == NULL || op->args[9] == NULL || op->gone == NULL) {
        (void) ngx_http_procmgr_op_detach(op);
        ngx_http_procmgr_op_close(op, "no memory");
        goto unwritten;
    }

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_REFUSED);

    if (ngx_procmgr_pg_query(op->pm, NGX_HTTP_PROCMGR_SQL_OP_REFUSE, 10,
                             op->args, NGX_HTTP_PROCMGR_OP_PATIENCE,
                             ngx_http_procmgr_op_refused_done, op)
        == NULL)
    {
        (void) ngx_http_procmgr_op_detach(op);
        ngx_http_procmgr_op_close(op, "no statement");
        goto unwritten;
    }

    op->r = r;

    return NGX_AGAIN;

unwritten:

    return ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, code, "%s",
                                    reason);
}


ngx_uint_t
ngx_http_procmgr_op_known(const char *id)
{
    ngx_queue_t            *q;
    ngx_http_procmgr_op_t  *op;

    for (q = ngx_queue_head(&ngx_http_procmgr_ops.queue);
         q != ngx_queue_sentinel(&ngx_http_procmgr_ops.queue);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_procmgr_op_t, queue);

        if (ngx_strcmp(op->id, id) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_procmgr_op_launch(ngx_procmgr_t *pm, ngx_http_procmgr_agent_t *agent,
    ngx_http_procmgr_act_t *act)
{
    ngx_str_t               remote;
    ngx_http_procmgr_op_t  *op;

    if (pm->pg == NULL || ngx_http_procmgr_ops.n >= NGX_HTTP_PROCMGR_OPS_MAX) {
        return NGX_ERROR;
    }

    remote.data = (u_char *) agent->remote;
    remote.len = ngx_strlen(agent->remote);

    op = ngx_http_procmgr_op_create(pm, agent->user, agent->role, &remote,
                                    act);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->args[8] = ngx_http_procmgr_op_copy(op->pool, agent->key,
                                           ngx_strlen(agent->key));
    op->args[9] = act->type;

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_INTENT);

    if (op->args[8] == NULL
        || ngx_procmgr_pg_query(pm, NGX_HTTP_PROCMGR_SQL_OP_INTENT, 13,
                                op->args, NGX_HTTP_PROCMGR_OP_PATIENCE,
                                ngx_http_procmgr_op_intent_done, op)
           == NULL)
    {
        ngx_http_procmgr_op_close(op, "no statement");
        return NGX_ERROR;
    }

    op->told = agent->told;
    op->told_data = agent->data;

    return NGX_OK;
}


void
ngx_http_procmgr_op_told(ngx_http_procmgr_op_t *op, ngx_uint_t settled)
{
    void  (*told)(void *data, ngx_uint_t settled);

    told = op->told;

    if (told) {
        op->told = NULL;
        told(op->told_data, settled);
    }
}


static ngx_http_procmgr_op_t *
ngx_http_procmgr_op_of(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_http_procmgr_act_t *act)
{
    return ngx_http_procmgr_op_create(ctx->pm, ctx->sess.user, ctx->role,
                                      &r->connection->addr_text, act);
}


static ngx_http_procmgr_op_t *
ngx_http_procmgr_op_create(ngx_procmgr_t *pm, const char *user,
    ngx_uint_t role, ngx_str_t *remote, ngx_http_procmgr_act_t *act)
{
    char                   *text;
    ngx_uint_t              i;
    ngx_pool_t             *pool;
    ngx_time_t             *tp;
    ngx_http_procmgr_op_t  *op;

    const struct {
        const void  *data;
        size_t       len;
    } values[] = {
        { pm->host.data, pm->host.len },
        { act->type, ngx_strlen(act->type) },
        { act->target.data, act->target.len },
        { user, ngx_strlen(user) },
        { ngx_http_procmgr_role_name(role),
          ngx_strlen(ngx_http_procmgr_role_name(role)) },
        { remote->data, remote->len }
    };

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    op = ngx_pcalloc(pool, sizeof(ngx_http_procmgr_op_t));
    if (op == NULL) {
        goto failed;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     op->state = NGX_HTTP_PROCMGR_OP_NEW;
     *     op->r = NULL;
     *     op->args[8] = NULL;
     *     op->args[9] = NULL;
     *     op->args[10] = NULL;
     *     op->outcome.result = NULL;
     */

    op->pool = pool;
    op->pm = pm;
    op->role = ngx_http_procmgr_role_name(role);
    op->verb = act->verb;
    op->timeout = act->timeout ? act->timeout : NGX_HTTP_PROCMGR_OP_TIMEOUT;

    if (ngx_procmgr_uuid(op->id) != NGX_OK) {
        goto failed;
    }

    op->args[0] = (const char *) op->id;
    op->args[11] = op->pm->helper.set ? op->pm->helper.spool : NULL;
    op->args[12] = act->known ? "t" : "f";

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {

        op->args[i + 1] = ngx_http_procmgr_op_copy(pool, values[i].data,
                                                   values[i].len);
        if (op->args[i + 1] == NULL) {
            goto failed;
        }
    }

    if (act->lock.len) {
        op->args[10] = ngx_http_procmgr_op_copy(pool, act->lock.data,
                                                act->lock.len);
        if (op->args[10] == NULL) {
            goto failed;
        }
    }

    op->measured = act->measured;

    if (op->measured
        && ngx_http_procmgr_series_init(&op->series, pool) != NGX_OK)
    {
        goto failed;
    }

    op->actor.data = (u_char *) op->args[4];
    op->actor.len = ngx_strlen(op->args[4]);

    text = json_dumps(act->request, JSON_COMPACT|JSON_SORT_KEYS);
    if (text == NULL) {
        goto failed;
    }

    op->args[7] = ngx_http_procmgr_op_copy(pool, text, ngx_strlen(text));

    free(text);

    if (op->args[7] == NULL) {
        goto failed;
    }

    op->request = json_incref(act->request);

    tp = ngx_timeofday();
    op->sec = tp->sec;
    op->msec = tp->msec;

    op->timer.handler = ngx_http_procmgr_op_timer;
    op->timer.data = &ngx_http_procmgr_op_ident;
    op->timer.log = ngx_cycle->log;

    op->wait.handler = ngx_http_procmgr_op_wait;
    op->wait.data = &ngx_http_procmgr_op_ident;
    op->wait.log = ngx_cycle->log;

    ngx_queue_insert_tail(&ngx_http_procmgr_ops.queue, &op->queue);
    ngx_http_procmgr_ops.n++;

    return op;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static const char *
ngx_http_procmgr_op_copy(ngx_pool_t *pool, const void *data, size_t len)
{
    u_char  *p;

    p = ngx_pnalloc(pool, len + 1);

    if (p) {
        *ngx_cpymem(p, data, len) = '\0';
    }

    return (const char *) p;
}


void
ngx_http_procmgr_op_set_state(ngx_http_procmgr_op_t *op,
    ngx_http_procmgr_op_state_e state)
{
    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "procmgr operation %s: %s -> %s", op->id,
                   ngx_http_procmgr_op_states[op->state].name,
                   ngx_http_procmgr_op_states[state].name);

    if (!(ngx_http_procmgr_op_states[op->state].next & (1 << state))) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "procmgr operation %s went from %s to %s", op->id,
                      ngx_http_procmgr_op_states[op->state].name,
                      ngx_http_procmgr_op_states[state].name);
        ngx_debug_point();
    }

    op->state = state;
}


void
ngx_http_procmgr_op_close(ngx_http_procmgr_op_t *op, const char *reason)
{
    ngx_pool_t  *pool;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "procmgr operation %s closed: %s", op->id, reason);

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_DONE);

    ngx_http_procmgr_op_told(op, 0);

    /* a request that still waits was not told anything better */

    if (op->r) {
        ngx_http_procmgr_op_accepted(op, reason);
    }

    if (op->timer.timer_set) {
        ngx_del_timer(&op->timer);
    }

    ngx_queue_remove(&op->queue);
    ngx_http_procmgr_ops.n--;

    json_decref(op->request);
    ngx_http_procmgr_outcome_free(&op->outcome);

    pool = op->pool;
    op->pool = NULL;

    ngx_destroy_pool(pool);
}


static void
ngx_http_procmgr_op_pg_up(ngx_procmgr_t *pm)
{
    ngx_queue_t            *q;
    ngx_http_procmgr_op_t  *op;

    for (q = ngx_queue_head(&ngx_http_procmgr_ops.queue);
         q != ngx_queue_sentinel(&ngx_http_procmgr_ops.queue);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_procmgr_op_t, queue);

        if (op->timer.timer_set) {
            ngx_add_timer(&op->timer, 1);
        }
    }

    ngx_http_procmgr_recover_soon();
}
