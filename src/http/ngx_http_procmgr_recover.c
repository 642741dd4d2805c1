
/*
 * Settling what a crash left open: an operation without an outcome is looked
 * up in the helper's spool.
 *
 * How long an operation has been open is measured from when this worker saw
 * it first: the database's clock and this host's need not agree.  A sealed
 * request that the helper has not begun when its lifetime is over can never
 * be begun, so only then an operation without a spool is "not started"; and
 * not while one that is not sealed yet may wait for its turn.
 */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_zone.h"
#include "../policy/pm_fail.h"


#define NGX_HTTP_PROCMGR_RECOVER_SOON   2000    /* ms */
#define NGX_HTTP_PROCMGR_RECOVER_AGAIN  5000
#define NGX_HTTP_PROCMGR_RECOVER_LATER  30000   /* the helper does not help */

/* for its own worker to record an outcome that is there */
#define NGX_HTTP_PROCMGR_RECOVER_AGE    15000
#define NGX_HTTP_PROCMGR_RECOVER_NONE   (NGX_PROCMGR_EXEC_LIFETIME          \
                                         + NGX_PROCMGR_EXEC_LONG + 5000)

#define NGX_HTTP_PROCMGR_RECOVER_LEASE  60000
#define NGX_HTTP_PROCMGR_HELPER_TIMEOUT 5000


typedef struct {
    ngx_procmgr_t              *pm;
    ngx_event_t                 timer;
    json_t                     *rows;
    size_t                      next;
    char                        id[37];     /* of the row looked at */
    uint64_t                    since;      /* boottime ms */
    json_int_t                  mark;       /* rows up to it: open since */
    ngx_msec_t                  again;      /* 0: nothing is left open */
    ngx_http_procmgr_outcome_t  outcome;
    ngx_http_procmgr_series_t   series;     /* of a measured run */
    ngx_pool_t                 *pool;       /* of the series */
    unsigned                    running:1;
} ngx_http_procmgr_recover_t;


static void ngx_http_procmgr_recover_status(void *data,
    ngx_procmgr_reply_t *reply);
static void ngx_http_procmgr_recover_timer(ngx_event_t *ev);
static void ngx_http_procmgr_recover_open(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_recover_next(ngx_http_procmgr_recover_t *rec);
static ngx_int_t ngx_http_procmgr_recover_series(
    ngx_http_procmgr_recover_t *rec);
static void ngx_http_procmgr_recover_sample(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_recover_reply(void *data,
    ngx_procmgr_reply_t *reply);
static void ngx_http_procmgr_recover_settled(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_recover_stop(ngx_http_procmgr_recover_t *rec);
static void ngx_http_procmgr_recover_keep(ngx_http_procmgr_recover_t *rec,
    ngx_msec_t again);
static uint64_t ngx_http_procmgr_recover_age(ngx_http_procmgr_recover_t *rec);
static ngx_int_t ngx_http_procmgr_recover_lease(
    ngx_http_procmgr_recover_t *rec, ngx_msec_t time);


static ngx_str_t  ngx_http_procmgr_recover_actor = ngx_string("procmgr");

/* of this worker; set by ngx_http_procmgr_recover_init() */
static ngx_http_procmgr_recover_t  ngx_http_procmgr_recover;

/* a timer's ident in debug messages is the fd of its data */
static ngx_connection_t  ngx_http_procmgr_recover_ident;


ngx_int_t
ngx_http_procmgr_recover_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    u_char                       id[37];
    pm_wire_text_t               text;
    ngx_http_procmgr_recover_t  *rec;

    rec = &ngx_http_procmgr_recover;

    ngx_memzero(rec, sizeof(ngx_http_procmgr_recover_t));

    rec->pm = pm;

    ngx_http_procmgr_recover_ident.fd = (ngx_socket_t) -1;

    rec->timer.handler = ngx_http_procmgr_recover_timer;
    rec->timer.data = &ngx_http_procmgr_recover_ident;
    rec->timer.log = cycle->log;
    rec->timer.cancelable = 1;

    if (!pm->helper.set) {
        return NGX_OK;
    }

    if (pm->pg) {
        ngx_http_procmgr_recover_soon();
    }

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    if (ngx_procmgr_uuid(id) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_procmgr_request(&text, "status", (char *) id,
                        &ngx_http_procmgr_recover_actor, "admin",
                        NGX_HTTP_PROCMGR_HELPER_TIMEOUT);

    if (ngx_procmgr_exec(pm, &text, NGX_HTTP_PROCMGR_HELPER_TIMEOUT, NULL,
                         ngx_http_procmgr_recover_status, rec)
        == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the operator's one line about a helper that cannot help */

void
ngx_http_procmgr_helper_trouble(ngx_procmgr_t *pm, const char *why)
{
    if (ngx_atomic_cmp_set(&pm->sh->helper_said, 0, 1)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the helper \"%V\" cannot be used: %s",
                      &pm->helper.path, why);
    }
}


const char *
ngx_http_procmgr_helper_status(const pm_wire_msg_t *msg)
{
    uint64_t     setuid, unprivileged;
    const char  *result, *why;

    result = pm_wire_get(msg, "result");

    if (result == NULL || ngx_strcmp(result, "ok") != 0) {
        why = pm_wire_get(msg, "reason");
        return why ? why : "it answered nonsense";
    }

    if (pm_wire_getu(msg, "setuid", 1, &setuid) != 0
        || pm_wire_getu(msg, "unprivileged", 1, &unprivileged) != 0)
    {
        return "it answered nonsense";
    }

    if (!setuid && !unprivileged) {
        return "it is not setuid, or the file system or NoNewPrivileges "
               "makes that void";
    }

    why = pm_wire_get(msg, "policy");

    if (why && ngx_strcmp(why, "ok") != 0) {
        return why;
    }

    why = pm_wire_get(msg, "spool");

    if (why && ngx_strcmp(why, "ok") != 0) {
        return why;
    }

    return NULL;
}


static void
ngx_http_procmgr_recover_status(void *data, ngx_procmgr_reply_t *reply)
{
    ngx_http_procmgr_recover_t *rec = data;

    const char  *why;

    why = reply->ended == NGX_PROCMGR_EXEC_DONE
              ? ngx_http_procmgr_helper_status(&reply->msg) : reply->why;

    if (why) {
        ngx_http_procmgr_helper_trouble(rec->pm, why);
        return;
    }

    rec->pm->sh->helper_said = 0;
}


void
ngx_http_procmgr_recover_soon(void)
{
    ngx_http_procmgr_recover_t  *rec;

    rec = &ngx_http_procmgr_recover;

    if (!rec->running && !rec->timer.timer_set && rec->pm->helper.set) {
        ngx_add_timer(&rec->timer, NGX_HTTP_PROCMGR_RECOVER_SOON);
    }
}


static void
ngx_http_procmgr_recover_timer(ngx_event_t *ev)
{
    const char                  *args[2];
    ngx_http_procmgr_recover_t  *rec;

    rec = &ngx_http_procmgr_recover;

    ev->timedout = 0;

    if (ngx_exiting || ngx_terminate || rec->running) {
        return;
    }

    if (ngx_http_procmgr_recover_lease(rec, NGX_HTTP_PROCMGR_RECOVER_LEASE)
        != NGX_OK)
    {
        /* another worker is at it; it may die over it */

        ngx_add_timer(&rec->timer, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
        return;
    }

    pm_fail(recover_open, NULL);

    args[0] = (const char *) rec->pm->host.data;
    args[1] = rec->pm->helper.spool;

    if (ngx_procmgr_pg_query(rec->pm, NGX_HTTP_PROCMGR_SQL_OP_OPEN, 2, args,
                             0, ngx_http_procmgr_recover_open, rec)
        == NULL)
    {
        ngx_add_timer(&rec->timer, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
        return;
    }

    rec->running = 1;
    rec->again = 0;
}


static void
ngx_http_procmgr_recover_open(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_recover_t *rec = data;

    size_t       i;
    json_t      *row;
    json_int_t   seq, first, last;

    if (res->ended == NGX_PROCMGR_PG_AWAY && !ngx_procmgr_pg_alive(rec->pm)) {

        /* its return starts this again */

        ngx_http_procmgr_recover_stop(rec);
        return;
    }

    rec->rows = ngx_http_procmgr_pg_json(res);
    rec->next = 0;

    if (!json_is_array(rec->rows)) {
        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
        ngx_http_procmgr_recover_stop(rec);
        return;
    }

    first = 0;
    last = 0;

    json_array_foreach(rec->rows, i, row) {
        seq = json_integer_value(json_object_get(row, "seq"));

        if (i == 0 || seq < first) {
            first = seq;
        }

        last = ngx_max(last, seq);
    }

    if (rec->since == 0 || first > rec->mark) {
        rec->since = ngx_procmgr_boottime();
        rec->mark = last;
    }

    ngx_http_procmgr_recover_next(rec);
}


static void
ngx_http_procmgr_recover_next(ngx_http_procmgr_recover_t *rec)
{
    json_t          *row;
    const char      *id;
    pm_wire_text_t   text;

    while (!ngx_exiting && rec->next < json_array_size(rec->rows)) {

        row = json_array_get(rec->rows, rec->next++);
        id = ngx_http_procmgr_op_word(row, "op_id");

        if (!ngx_http_procmgr_is_uuid((u_char *) id, ngx_strlen(id))
            || ngx_http_procmgr_op_known(id))
        {
            continue;
        }

        if (json_integer_value(json_object_get(row, "seq")) > rec->mark
            || ngx_http_procmgr_recover_age(rec)
               < NGX_HTTP_PROCMGR_RECOVER_AGE)
        {
            ngx_http_procmgr_recover_keep(rec,
                                          NGX_HTTP_PROCMGR_RECOVER_AGAIN);
            continue;
        }

        (void) ngx_http_procmgr_recover_lease(rec,
                                              NGX_HTTP_PROCMGR_RECOVER_LEASE);

        pm_fail(recover_look, NULL);

        ngx_memcpy(rec->id, id, sizeof(rec->id));

        ngx_procmgr_request(&text, "query", rec->id,
                            &ngx_http_procmgr_recover_actor, "admin",
                            NGX_HTTP_PROCMGR_HELPER_TIMEOUT);

        if (ngx_http_procmgr_recover_series(rec) == NGX_OK
            && ngx_procmgr_exec(rec->pm, &text,
                                NGX_HTTP_PROCMGR_HELPER_TIMEOUT,
                                ngx_http_procmgr_recover_sample,
                                ngx_http_procmgr_recover_reply, rec))
        {
            return;
        }

        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
    }

    ngx_http_procmgr_recover_stop(rec);
}


/* an empty one, for what the next answer brings */

static ngx_int_t
ngx_http_procmgr_recover_series(ngx_http_procmgr_recover_t *rec)
{
    if (rec->pool) {
        ngx_destroy_pool(rec->pool);
    }

    ngx_memzero(&rec->series, sizeof(ngx_http_procmgr_series_t));

    rec->pool = ngx_create_pool(NGX_MIN_POOL_SIZE, ngx_cycle->log);

    return rec->pool ? ngx_http_procmgr_series_init(&rec->series, rec->pool)
                     : NGX_ERROR;
}


static void
ngx_http_procmgr_recover_sample(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_recover_t *rec = data;

    ngx_http_procmgr_series_add(&rec->series, bytes, head->len);
}


static void
ngx_http_procmgr_recover_reply(void *data, ngx_procmgr_reply_t *reply)
{
    ngx_http_procmgr_recover_t *rec = data;

    ngx_int_t    rc;
    const char  *args[5];

    pm_fail(recover_told, NULL);

    rc = ngx_http_procmgr_outcome_spool(&rec->outcome, reply);

    if (rc == NGX_ERROR) {
        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_LATER);

    } else if (rc == NGX_DECLINED
               && ngx_http_procmgr_recover_age(rec)
                  >= NGX_HTTP_PROCMGR_RECOVER_NONE
               && ngx_procmgr_boottime()
                  >= rec->pm->sh->helper_waited
                     + NGX_HTTP_PROCMGR_RECOVER_NONE)
    {
        rc = ngx_http_procmgr_outcome_word(&rec->outcome, "failure",
                                           "not_started",
                                           "it was not started");
    }

    if (rc != NGX_OK) {
        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
        ngx_http_procmgr_recover_next(rec);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "procmgr: operation %s was left open, its spool says %s",
                  rec->id, rec->outcome.ret);

    pm_fail(recover_settle, NULL);

    args[0] = rec->id;
    args[1] = rec->outcome.ret;
    args[2] = rec->outcome.code[0] ? rec->outcome.code : NULL;
    args[3] = rec->outcome.result;
    args[4] = ngx_http_procmgr_series_text(&rec->series, rec->pool);

    if (ngx_procmgr_pg_query(rec->pm, NGX_HTTP_PROCMGR_SQL_OP_OUTCOME, 5,
                             args, 0, ngx_http_procmgr_recover_settled, rec)
        == NULL)
    {
        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
        ngx_http_procmgr_recover_next(rec);
    }
}


static void
ngx_http_procmgr_recover_settled(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_recover_t *rec = data;

    if (res->ended == NGX_PROCMGR_PG_OK) {
        ngx_http_procmgr_log_changed();

    } else {
        ngx_http_procmgr_recover_keep(rec, NGX_HTTP_PROCMGR_RECOVER_AGAIN);
    }

    ngx_http_procmgr_recover_next(rec);
}


static void
ngx_http_procmgr_recover_stop(ngx_http_procmgr_recover_t *rec)
{
    json_decref(rec->rows);
    rec->rows = NULL;

    ngx_http_procmgr_outcome_free(&rec->outcome);

    if (rec->pool) {
        ngx_destroy_pool(rec->pool);
        rec->pool = NULL;
    }

    (void) ngx_http_procmgr_recover_lease(rec, 0);

    rec->running = 0;

    if (rec->again == 0) {
        rec->since = 0;
        return;
    }

    if (!ngx_exiting) {
        ngx_add_timer(&rec->timer, rec->again);
    }
}


static void
ngx_http_procmgr_recover_keep(ngx_http_procmgr_recover_t *rec,
    ngx_msec_t again)
{
    rec->again = ngx_max(rec->again, again);
}


static uint64_t
ngx_http_procmgr_recover_age(ngx_http_procmgr_recover_t *rec)
{
    return ngx_procmgr_boottime() - rec->since;
}


static ngx_int_t
ngx_http_procmgr_recover_lease(ngx_http_procmgr_recover_t *rec,
    ngx_msec_t time)
{
    ngx_int_t       rc;
    ngx_procmgr_t  *pm;

    pm = rec->pm;

    ngx_shmtx_lock(&pm->shpool->mutex);

    rc = ngx_procmgr_lease_take(&pm->sh->recoverer, ngx_procmgr_boottime(),
                                time);

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}
