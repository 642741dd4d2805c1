
/*
 * Operations: privileged actions that outlive their request.
 *
 *   NEW -> INTENT -> RUNNING -> OUTCOME -> DONE
 *             |         `-> LOST -^  `<-> OUTCOME_RETRY     (or left open)
 *             `-> NOT_STARTED            (nobody knows whether it committed)
 *   NEW -> REFUSED -> DONE               (a row without an action)
 *
 * No committed intent, no exec.  The request is answered when the outcome is
 * committed, or earlier by 202; an operation completes without it.
 */


#ifndef _NGX_HTTP_PROCMGR_OP_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_OP_H_INCLUDED_


#include "ngx_http_procmgr.h"
#include "../core/ngx_procmgr_pg.h"
#include "../core/ngx_procmgr_spawn.h"


/* between the words of a command, on the wire */
#define NGX_HTTP_PROCMGR_ARGV_SEP  0x1f


typedef struct {
    const char      *type;      /* logType: "service_restart" */
    const char      *verb;      /* of the helper: "service" */
    ngx_str_t        target;    /* as the row shows it */
    ngx_str_t        lock;      /* one operation at a time on this; empty:
                                   on the target */
    json_t          *request;   /* an object of words, integers and lists of
                                   them: what the row keeps and the helper
                                   is asked */
    ngx_msec_t       timeout;   /* of the helper's run */
    unsigned         measured:1;    /* the helper sends samples */
    unsigned         known:1;       /* the policy names it for the role */
} ngx_http_procmgr_act_t;


/* what the log will say of an operation; `result' is malloc()ed JSON */
typedef struct {
    const char      *ret;       /* success, failure, refused, unknown */
    char             code[33];  /* "" is none */
    char            *result;
} ngx_http_procmgr_outcome_t;


/* in init_process, when the database and the helper can be asked */
ngx_int_t ngx_http_procmgr_ops_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);

/* what a handler has to return */
ngx_int_t ngx_http_procmgr_op_start(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act);
/*
 * answers 403, or what belongs to the code, and leaves a row that says so;
 * an account has so many of these a minute, then 429
 */
ngx_int_t ngx_http_procmgr_op_refuse(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act,
    const char *code, const char *reason);

/*
 * Nobody waits for it: an operation of an account that something else starts.
 * There is one of a key, whatever comes between: told(data, settled) comes
 * once, and what is not settled may be launched again.  NGX_ERROR: nothing was
 * begun, and told() does not come.
 */
typedef struct {
    const char      *user;
    ngx_uint_t       role;
    const char      *remote;
    const char      *key;       /* a UUID */
    void           (*told)(void *data, ngx_uint_t settled);
    void            *data;
} ngx_http_procmgr_agent_t;

ngx_int_t ngx_http_procmgr_op_launch(ngx_procmgr_t *pm,
    ngx_http_procmgr_agent_t *agent, ngx_http_procmgr_act_t *act);


/* the operation is one of this worker's */
ngx_uint_t ngx_http_procmgr_op_known(const char *id);


/* recover.c */

ngx_int_t ngx_http_procmgr_recover_init(ngx_procmgr_t *pm,
    ngx_cycle_t *cycle);
void ngx_http_procmgr_recover_soon(void);

/* one line in the error log for the whole host, until it works again */
void ngx_http_procmgr_helper_trouble(ngx_procmgr_t *pm, const char *why);
/* of the final answer to "status": NULL, or why it cannot be used */
const char *ngx_http_procmgr_helper_status(const pm_wire_msg_t *msg);


/* outcome.c; NGX_ERROR: no memory, and o is without a result */

ngx_int_t ngx_http_procmgr_outcome_reply(ngx_http_procmgr_outcome_t *o,
    const pm_wire_msg_t *msg, const u_char *out, size_t out_len,
    const u_char *err, size_t err_len);
ngx_int_t ngx_http_procmgr_outcome_word(ngx_http_procmgr_outcome_t *o,
    const char *ret, const char *code, const char *reason);
/*
 * The answer to "query".  NGX_OK: the outcome is in o; NGX_AGAIN: it runs;
 * NGX_DECLINED: it has not begun; NGX_ERROR: nothing can be said
 */
ngx_int_t ngx_http_procmgr_outcome_spool(ngx_http_procmgr_outcome_t *o,
    ngx_procmgr_reply_t *reply);
void ngx_http_procmgr_outcome_free(ngx_http_procmgr_outcome_t *o);
/* a code of the helper's own trouble: nothing was executed */
ngx_uint_t ngx_http_procmgr_outcome_helper(const char *code);


/* series.c */

typedef struct {
    ngx_array_t     *points;
    const char      *text;
} ngx_http_procmgr_series_t;

ngx_int_t ngx_http_procmgr_series_init(ngx_http_procmgr_series_t *series,
    ngx_pool_t *pool);
void ngx_http_procmgr_series_add(ngx_http_procmgr_series_t *series,
    const u_char *bytes, size_t len);
/* for the database; NULL when there is nothing, or no memory */
const char *ngx_http_procmgr_series_text(ngx_http_procmgr_series_t *series,
    ngx_pool_t *pool);

/* GET /log/<op_id>/series */
ngx_int_t ngx_http_procmgr_log_series(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


/* the JSON a function of the schema returned, or NULL when it is broken */
json_t *ngx_http_procmgr_pg_json(ngx_procmgr_pg_result_t *res);

/* unread.c */

void ngx_http_procmgr_log_init(ngx_procmgr_t *pm);
ngx_int_t ngx_http_procmgr_log_unread(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
/* the number of unread rows of this worker is out of date */
void ngx_http_procmgr_log_changed(void);


/* between op.c, op_run.c and op_http.c */

#define NGX_HTTP_PROCMGR_OP_PATIENCE  3300      /* ms, of the intent */

typedef enum {
    NGX_HTTP_PROCMGR_OP_NEW = 0,
    NGX_HTTP_PROCMGR_OP_INTENT,
    NGX_HTTP_PROCMGR_OP_RUNNING,
    NGX_HTTP_PROCMGR_OP_LOST,
    NGX_HTTP_PROCMGR_OP_OUTCOME,
    NGX_HTTP_PROCMGR_OP_OUTCOME_RETRY,
    NGX_HTTP_PROCMGR_OP_REFUSED,
    NGX_HTTP_PROCMGR_OP_NOT_STARTED,
    NGX_HTTP_PROCMGR_OP_DONE
} ngx_http_procmgr_op_state_e;


typedef struct {
    ngx_queue_t                   queue;
    ngx_pool_t                   *pool;
    ngx_procmgr_t                *pm;
    ngx_http_procmgr_op_state_e   state;

    u_char                        id[37];
    ngx_str_t                     actor;
    const char                   *role;
    const char                   *verb;
    json_t                       *request;
    ngx_msec_t                    timeout;

    /* id, host, type, target, actor, role, remote, request; two of a call,
       what it holds, whose spool tells of it, is it known to the policy */
    const char                   *args[13];
    int64_t                       seq;
    time_t                        sec;
    ngx_uint_t                    msec;

    ngx_http_request_t           *r;        /* weak */
    ngx_pool_cleanup_t           *gone;
    ngx_str_t                     location;
    ngx_str_t                     applied;  /* Preference-Applied */
    ngx_event_t                   wait;     /* then 202 */

    ngx_event_t                   timer;    /* then the next attempt */
    ngx_uint_t                    tries;
    ngx_uint_t                    leaving;
    uint64_t                      until;    /* boottime ms */

    ngx_http_procmgr_outcome_t    outcome;
    ngx_http_procmgr_series_t     series;

    /* of an agent, until it was told */
    void                        (*told)(void *data, ngx_uint_t settled);
    void                         *told_data;

    unsigned                      impatient:1;
    unsigned                      measured:1;
    unsigned                      bare:1;   /* the result was not accepted */
} ngx_http_procmgr_op_t;


/* op.c */

void ngx_http_procmgr_op_set_state(ngx_http_procmgr_op_t *op,
    ngx_http_procmgr_op_state_e state);
void ngx_http_procmgr_op_close(ngx_http_procmgr_op_t *op, const char *reason);
/* the agent, if there is one and it was not told before */
void ngx_http_procmgr_op_told(ngx_http_procmgr_op_t *op, ngx_uint_t settled);

/* op_run.c: the handlers of statements and timers */

void ngx_http_procmgr_op_intent_done(void *data,
    ngx_procmgr_pg_result_t *res);
void ngx_http_procmgr_op_refused_done(void *data,
    ngx_procmgr_pg_result_t *res);
void ngx_http_procmgr_op_timer(ngx_event_t *ev);
void ngx_http_procmgr_op_wait(ngx_event_t *ev);

/* op_http.c */

/* Prefer: wait=N, in ms */
ngx_int_t ngx_http_procmgr_op_prefer(ngx_http_procmgr_op_t *op,
    ngx_http_request_t *r, ngx_msec_t *wait);
/* Idempotency-Key; NGX_DECLINED: it was answered, ctx->rc tells */
ngx_int_t ngx_http_procmgr_op_idem(ngx_http_procmgr_op_t *op,
    ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx);
/* the log is mounted beside control: "/x/control/..." -> "/x/log/<op_id>" */
ngx_int_t ngx_http_procmgr_op_location(ngx_http_procmgr_op_t *op,
    ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx);

/* the request's cleanup */
void ngx_http_procmgr_op_gone(void *data);
/* the request, if it still waits: to be answered now */
ngx_http_request_t *ngx_http_procmgr_op_detach(ngx_http_procmgr_op_t *op);
/* 202: it runs, or has run and `reason' says what is missing */
void ngx_http_procmgr_op_accepted(ngx_http_procmgr_op_t *op,
    const char *reason);
/* 503: the log cannot be written, and nothing was done */
ngx_int_t ngx_http_procmgr_op_away(ngx_http_request_t *r);
void ngx_http_procmgr_op_unavailable(ngx_http_procmgr_op_t *op);
/* takes the reference of `row', which may be NULL or anything */
void ngx_http_procmgr_op_answer(ngx_http_procmgr_op_t *op, json_t *row);
/* `id' is the operation it conflicts with, `own' the row of this attempt */
void ngx_http_procmgr_op_conflict(ngx_http_procmgr_op_t *op,
    const char *code, const char *detail, const char *id, const char *own);
/* 429: this account was refused too often; takes no reference of `json' */
void ngx_http_procmgr_op_throttled(ngx_http_procmgr_op_t *op, json_t *json);
/* a member that is a string, or "" */
const char *ngx_http_procmgr_op_word(json_t *row, const char *key);


#endif /* _NGX_HTTP_PROCMGR_OP_H_INCLUDED_ */
