
/* An operation from the answer to its intent to the row of its outcome */


#include "ngx_http_procmgr_op.h"
#include "ngx_http_procmgr_sql.h"
#include "../core/ngx_procmgr_zone.h"
#include "../policy/pm_fail.h"


#define NGX_HTTP_PROCMGR_OP_RETRY    60000      /* ms, of an outcome */
#define NGX_HTTP_PROCMGR_OP_BACKOFF  5000       /* ms, the longest pause */
#define NGX_HTTP_PROCMGR_OP_LEAVE    3          /* retries while exiting */
#define NGX_HTTP_PROCMGR_OP_LOOK     5000       /* ms, into the spool */


static void ngx_http_procmgr_op_not_started(ngx_http_procmgr_op_t *op);
static void ngx_http_procmgr_op_not_started_done(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_op_run(ngx_http_procmgr_op_t *op,
    const char *chain);
static void ngx_http_procmgr_op_list(pm_wire_text_t *text, const char *key,
    json_t *list);
static void ngx_http_procmgr_op_sample(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_op_reply(void *data, ngx_procmgr_reply_t *reply);
static void ngx_http_procmgr_op_look(ngx_http_procmgr_op_t *op);
static void ngx_http_procmgr_op_looked(void *data,
    ngx_procmgr_reply_t *reply);
static void ngx_http_procmgr_op_outcome(ngx_http_procmgr_op_t *op);
static void ngx_http_procmgr_op_outcome_done(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_op_outcome_retry(ngx_http_procmgr_op_t *op);


void
ngx_http_procmgr_op_intent_done(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_op_t *op = data;

    json_t      *json, *row;
    const char  *status, *id;

    if (res->ended == NGX_PROCMGR_PG_AWAY) {
        ngx_http_procmgr_op_unavailable(op);
        ngx_http_procmgr_op_close(op, "the database is away");
        return;
    }

    if (res->ended == NGX_PROCMGR_PG_REFUSED
        && ngx_strncmp(res->sqlstate, "57P", 3) != 0
        && ngx_strncmp(res->sqlstate, "08", 2) != 0)
    {
        /* rolled back */

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the intent of operation %s was refused "
                      "(%s): %s", op->id, res->sqlstate,
                      res->message ? res->message : "");

        ngx_http_procmgr_op_unavailable(op);
        ngx_http_procmgr_op_close(op, "the database refused");
        return;
    }

    json = ngx_http_procmgr_pg_json(res);
    status = ngx_http_procmgr_op_word(json, "status");
    id = ngx_http_procmgr_op_word(json, "op_id");

    /* its row is there, or was never to be */

    if (status[0] && ngx_strcmp(status, "tombstone") != 0) {
        ngx_http_procmgr_op_told(op, 1);
    }

    if (ngx_strcmp(status, "ok") == 0) {
        pm_fail(intent_committed, NULL);

        op->seq = json_integer_value(json_object_get(json, "seq"));
        ngx_http_procmgr_op_run(op, ngx_http_procmgr_op_word(json, "chain"));

    } else if (ngx_strcmp(status, "busy") == 0) {
        ngx_http_procmgr_log_changed();
        ngx_http_procmgr_op_conflict(op, "target_busy",
                             "another operation on it is running", id,
                             ngx_http_procmgr_op_word(json, "refused"));
        ngx_http_procmgr_op_close(op, "busy");

    } else if (ngx_strcmp(status, "throttled") == 0) {
        ngx_http_procmgr_op_throttled(op, json);
        ngx_http_procmgr_op_close(op, "throttled");

    } else if (ngx_strcmp(status, "mismatch") == 0) {
        ngx_http_procmgr_op_conflict(op, "idempotency_mismatch",
                             "this Idempotency-Key came with another request",
                             id, "");
        ngx_http_procmgr_op_close(op, "mismatch");

    } else if (ngx_strcmp(status, "repeat") == 0) {
        row = json_object_get(json, "op");
        ngx_http_procmgr_op_answer(op, json_incref(row));
        ngx_http_procmgr_op_close(op, "repeat");

    } else if (ngx_strcmp(status, "tombstone") == 0) {
        ngx_http_procmgr_op_unavailable(op);
        ngx_http_procmgr_op_close(op, "tombstone");

    } else {

        /* it may be committed, or will be */

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "procmgr: no answer to the intent of operation %s, "
                      "it is not started", op->id);

        ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_NOT_STARTED);
        ngx_http_procmgr_op_unavailable(op);
        ngx_http_procmgr_op_not_started(op);
    }

    json_decref(json);
}


/* takes the key of the intent, so that a late one fails on it */

static void
ngx_http_procmgr_op_not_started(ngx_http_procmgr_op_t *op)
{
    pm_fail(not_started_before, NULL);

    if (ngx_procmgr_pg_query(op->pm, NGX_HTTP_PROCMGR_SQL_OP_NOT_STARTED, 8,
                             op->args, 0,
                             ngx_http_procmgr_op_not_started_done, op)
        == NULL)
    {
        ngx_add_timer(&op->timer, 1000);
    }
}


static void
ngx_http_procmgr_op_not_started_done(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_op_t *op = data;

    if (res->ended == NGX_PROCMGR_PG_OK) {
        ngx_http_procmgr_log_changed();
        ngx_http_procmgr_op_close(op, "settled as not started");
        return;
    }

    /* at the exit of a worker: recovery finds a late intent without a spool */

    if (ngx_exiting && ++op->leaving > NGX_HTTP_PROCMGR_OP_LEAVE) {
        ngx_http_procmgr_op_close(op, "left to recovery");
        return;
    }

    ngx_add_timer(&op->timer, 1000);
}


void
ngx_http_procmgr_op_refused_done(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_op_t *op = data;

    json_t              *json, *row;
    ngx_http_request_t  *r;

    json = ngx_http_procmgr_pg_json(res);
    row = json_object_get(json, "op");

    if (json_is_object(row)) {
        ngx_http_procmgr_log_changed();
        ngx_http_procmgr_op_answer(op, json_incref(row));

    } else if (json_is_integer(json_object_get(json, "wait"))) {
        ngx_http_procmgr_op_throttled(op, json);

    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the refusal of %s on \"%s\" by \"%s\" is not "
                      "in the log", op->args[2], op->args[3], op->args[4]);

        r = ngx_http_procmgr_op_detach(op);

        if (r) {
            ngx_http_procmgr_finish(r,
                ngx_http_procmgr_problem(r, NGX_HTTP_FORBIDDEN, op->args[8],
                                         "%s", op->args[9]));
        }
    }

    json_decref(json);

    ngx_http_procmgr_op_close(op, "refused");
}


/*
 * The helper keeps the head of the log's chain where the database cannot
 * reach: an end that is cut off later is missed there.
 */

static void
ngx_http_procmgr_op_run(ngx_http_procmgr_op_t *op, const char *chain)
{
    json_t          *value;
    const char      *key;
    pm_wire_text_t   text;

    ngx_procmgr_request(&text, op->verb, (const char *) op->id, &op->actor,
                        op->role, 0);

    json_object_foreach(op->request, key, value) {

        if (json_is_string(value)) {
            pm_wire_addn(&text, key, json_string_value(value),
                         json_string_length(value));

        } else if (json_is_integer(value)) {
            pm_wire_addi(&text, key, json_integer_value(value));

        } else if (json_is_boolean(value)) {
            pm_wire_addu(&text, key, json_is_true(value));

        } else if (json_is_array(value)) {
            ngx_http_procmgr_op_list(&text, key, value);
        }
    }

    /* nothing that must be there gives way to it */

    if (chain[0] && text.len + ngx_strlen(chain) < PM_WIRE_TEXT - 128) {
        pm_wire_add(&text, "chain", chain);
    }

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_RUNNING);

    (void) ngx_atomic_fetch_add(&op->pm->sh->counters.ops, 1);

    if (op->pm->helper.set && !text.error
        && ngx_procmgr_exec(op->pm, &text, op->timeout,
                            op->measured ? ngx_http_procmgr_op_sample : NULL,
                            ngx_http_procmgr_op_reply, op))
    {
        if (op->impatient) {
            ngx_http_procmgr_op_accepted(op, NULL);
        }

        return;
    }

    (void) ngx_http_procmgr_outcome_word(&op->outcome, "failure",
                                         "helper_unavailable",
                                         "there is no helper to do it");
    ngx_http_procmgr_op_outcome(op);
}


/* words stand between the separator of argv, numbers between commas */

static void
ngx_http_procmgr_op_list(pm_wire_text_t *text, const char *key, json_t *list)
{
    u_char      *p, *last, buf[PM_WIRE_TEXT];
    json_t      *item;
    size_t       i, len;

    p = buf;
    last = buf + sizeof(buf);

    json_array_foreach(list, i, item) {

        len = json_is_string(item) ? json_string_length(item)
                                   : NGX_INT64_LEN;

        if ((size_t) (last - p) < len + 1) {
            text->error = 1;
            return;
        }

        if (json_is_string(item)) {

            if (i) {
                *p++ = NGX_HTTP_PROCMGR_ARGV_SEP;
            }

            p = ngx_cpymem(p, json_string_value(item), len);

        } else {
            p = ngx_sprintf(p, "%s%L", i ? "," : "",
                            (int64_t) json_integer_value(item));
        }
    }

    pm_wire_addn(text, key, buf, p - buf);
}


static void
ngx_http_procmgr_op_sample(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_op_t *op = data;

    if (head->error == 0) {
        ngx_http_procmgr_series_add(&op->series, bytes, head->len);
    }
}


static void
ngx_http_procmgr_op_reply(void *data, ngx_procmgr_reply_t *reply)
{
    ngx_http_procmgr_op_t *op = data;

    pm_fail(reply_read, NULL);

    switch (reply->ended) {

    case NGX_PROCMGR_EXEC_DONE:

        (void) ngx_http_procmgr_outcome_reply(&op->outcome, &reply->msg,
                                              reply->out, reply->out_len,
                                              reply->err, reply->err_len);
        break;

    case NGX_PROCMGR_EXEC_AWAY:

        (void) ngx_http_procmgr_outcome_word(&op->outcome, "failure",
                                 "helper_unavailable",
                                 "the helper could not be started, "
                                 "so nothing was done");
        break;

    default: /* NGX_PROCMGR_EXEC_LOST */

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the helper of operation %s was lost: %s",
                      op->id, reply->why);

        ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_LOST);
        ngx_http_procmgr_op_look(op);
        return;
    }

    ngx_http_procmgr_op_outcome(op);
}


/* what was not answered may have been written into the spool */

static void
ngx_http_procmgr_op_look(ngx_http_procmgr_op_t *op)
{
    pm_wire_text_t  text;

    ngx_procmgr_request(&text, "query", (const char *) op->id, &op->actor,
                        "admin", NGX_HTTP_PROCMGR_OP_LOOK);

    if (ngx_procmgr_exec(op->pm, &text, NGX_HTTP_PROCMGR_OP_LOOK, NULL,
                         ngx_http_procmgr_op_looked, op)
        == NULL)
    {
        ngx_http_procmgr_op_close(op, "its end is not known yet");
        ngx_http_procmgr_recover_soon();
    }
}


static void
ngx_http_procmgr_op_looked(void *data, ngx_procmgr_reply_t *reply)
{
    ngx_http_procmgr_op_t *op = data;

    switch (ngx_http_procmgr_outcome_spool(&op->outcome, reply)) {

    case NGX_AGAIN:
    case NGX_DECLINED:

        /* it runs, or may yet begin: recovery waits for its end */

        ngx_http_procmgr_op_close(op, "its end is not known yet");
        ngx_http_procmgr_recover_soon();
        return;

    case NGX_ERROR:

        (void) ngx_http_procmgr_outcome_word(&op->outcome, "unknown", "lost",
                                "the helper ended without an answer, "
                                "so nobody knows what was done");
        break;
    }

    ngx_http_procmgr_op_outcome(op);
}


static void
ngx_http_procmgr_op_outcome(ngx_http_procmgr_op_t *op)
{
    const char  *args[5];

    pm_fail(outcome_before, NULL);

    if (op->until == 0) {
        op->until = ngx_procmgr_boottime() + NGX_HTTP_PROCMGR_OP_RETRY;
    }

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_OUTCOME);

    args[0] = (const char *) op->id;
    args[1] = op->outcome.ret;
    args[2] = op->outcome.code[0] ? op->outcome.code : NULL;
    args[3] = op->outcome.result && !op->bare ? op->outcome.result : "{}";

    args[4] = op->measured && !op->bare
                  ? ngx_http_procmgr_series_text(&op->series, op->pool)
                  : NULL;

    if (ngx_procmgr_pg_query(op->pm, NGX_HTTP_PROCMGR_SQL_OP_OUTCOME, 5, args,
                             0, ngx_http_procmgr_op_outcome_done, op)
        == NULL)
    {
        ngx_http_procmgr_op_outcome_retry(op);
    }
}


static void
ngx_http_procmgr_op_outcome_done(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_op_t *op = data;

    json_t      *json, *row;
    const char  *reason;

    if (res->ended == NGX_PROCMGR_PG_REFUSED) {

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the outcome of operation %s was refused "
                      "(%s): %s", op->id, res->sqlstate,
                      res->message ? res->message : "");

        /* data exception: its status alone is better than nothing */

        if (ngx_strncmp(res->sqlstate, "22", 2) == 0) {
            op->bare = 1;
        }
    }

    if (res->ended != NGX_PROCMGR_PG_OK) {
        ngx_http_procmgr_op_outcome_retry(op);
        return;
    }

    pm_fail(answer_before, NULL);

    ngx_http_procmgr_log_changed();

    reason = "done";

    json = ngx_http_procmgr_pg_json(res);
    row = json_object_get(json, "op");

    if (json_is_object(row)) {
        ngx_http_procmgr_op_answer(op, json_incref(row));

    } else {
        reason = "the log did not confirm its outcome";

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: no row came for the outcome of operation %s",
                      op->id);
    }

    json_decref(json);

    ngx_http_procmgr_op_close(op, reason);
}


static void
ngx_http_procmgr_op_outcome_retry(ngx_http_procmgr_op_t *op)
{
    ngx_msec_t  pause;

    ngx_http_procmgr_op_set_state(op, NGX_HTTP_PROCMGR_OP_OUTCOME_RETRY);

    if (ngx_procmgr_boottime() >= op->until) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the outcome of operation %s (%s) could not "
                      "be recorded, it is left to recovery", op->id,
                      op->outcome.ret);

        ngx_http_procmgr_op_close(op, "its outcome is not recorded yet");
        return;
    }

    pause = ngx_min(200 << ngx_min(op->tries, 6),
                    NGX_HTTP_PROCMGR_OP_BACKOFF);
    op->tries++;

    ngx_add_timer(&op->timer, pause);
}


void
ngx_http_procmgr_op_timer(ngx_event_t *ev)
{
    ngx_http_procmgr_op_t  *op;

    op = (ngx_http_procmgr_op_t *)
             ((u_char *) ev - offsetof(ngx_http_procmgr_op_t, timer));

    ev->timedout = 0;

    if (op->state == NGX_HTTP_PROCMGR_OP_NOT_STARTED) {
        ngx_http_procmgr_op_not_started(op);

    } else {
        ngx_http_procmgr_op_outcome(op);
    }
}


void
ngx_http_procmgr_op_wait(ngx_event_t *ev)
{
    ngx_http_procmgr_op_t  *op;

    op = (ngx_http_procmgr_op_t *)
             ((u_char *) ev - offsetof(ngx_http_procmgr_op_t, wait));

    ev->timedout = 0;

    switch (op->state) {

    case NGX_HTTP_PROCMGR_OP_INTENT:

        /* not accepted before it is committed */

        op->impatient = 1;
        break;

    case NGX_HTTP_PROCMGR_OP_RUNNING:
        ngx_http_procmgr_op_accepted(op, NULL);
        break;

    default:
        ngx_http_procmgr_op_accepted(op, "its outcome is not recorded yet");
        break;
    }
}


json_t *
ngx_http_procmgr_pg_json(ngx_procmgr_pg_result_t *res)
{
    json_t        *json;
    ngx_str_t      value;
    json_error_t   error;

    if (res->ended != NGX_PROCMGR_PG_OK || res->nrows == 0
        || res->ncols == 0)
    {
        return NULL;
    }

    value = ngx_procmgr_pg_value(res, 0, 0);

    if (value.data == NULL) {
        return NULL;
    }

    json = json_loadb((char *) value.data, value.len,
                      JSON_DECODE_ANY|JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the database sent broken JSON: %s",
                      error.text);
    }

    return json;
}
