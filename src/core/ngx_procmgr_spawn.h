
/*
 * Running the helper: one exec for one request, one frame there, records and
 * a final frame back.  The worker never learns an exit status and needs none:
 * an end of file before the final frame means that the result is unknown.
 */


#ifndef _NGX_PROCMGR_SPAWN_H_INCLUDED_
#define _NGX_PROCMGR_SPAWN_H_INCLUDED_


#include "ngx_procmgr.h"
#include "../policy/pm_wire.h"


/* how a run ended */
#define NGX_PROCMGR_EXEC_DONE     0     /* a final frame came */
#define NGX_PROCMGR_EXEC_AWAY     1     /* it was not started: nothing done */
#define NGX_PROCMGR_EXEC_LOST     2     /* started, and no final frame */


typedef struct {
    ngx_uint_t               ended;     /* NGX_PROCMGR_EXEC_* */
    char                     why[128];  /* when not DONE */
    pm_wire_msg_t            msg;       /* of the final frame */
    u_char                  *out;       /* stdout_len bytes */
    size_t                   out_len;
    u_char                  *err;
    size_t                   err_len;
    void                    *mem;       /* of msg, out and err */
} ngx_procmgr_reply_t;

/* data is valid during the call only; for a verb that streams */
typedef void (*ngx_procmgr_record_pt)(void *data, const pm_wire_head_t *head,
    const u_char *bytes);

typedef void (*ngx_procmgr_reply_pt)(void *data, ngx_procmgr_reply_t *reply);


/* in init_process; other programs of this user cannot read the key then */
ngx_int_t ngx_procmgr_execs_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);

/* ms from a request's turn on: the helper begins none that is older */
#define NGX_PROCMGR_EXEC_LIFETIME  20000
/* ms of waiting from which on all workers are told, see helper_waited */
#define NGX_PROCMGR_EXEC_LONG      5000

/*
 * v, verb, op, actor, role, expires; the caller adds the rest.  A lifetime of
 * 0 is for ngx_procmgr_exec() alone: it is good for NGX_PROCMGR_EXEC_LIFETIME
 * from its turn on, however long it waited.
 */
void ngx_procmgr_request(pm_wire_text_t *t, const char *verb, const char *op,
    ngx_str_t *actor, const char *role, ngx_msec_t lifetime);


typedef struct ngx_procmgr_exec_s  ngx_procmgr_exec_t;

/*
 * In the event loop.  Waits for its turn when `max' run already, at most
 * `timeout' ms, and then has as much for its run.  The text is copied.  The
 * handler comes exactly once unless forgotten, never from inside this call;
 * the reply is valid during it.  NULL: no memory.
 */
ngx_procmgr_exec_t *ngx_procmgr_exec(ngx_procmgr_t *pm, pm_wire_text_t *text,
    ngx_msec_t timeout, ngx_procmgr_record_pt record,
    ngx_procmgr_reply_pt handler, void *data);

/* one that still waits is not started; one that runs goes on to its end */
void ngx_procmgr_exec_forget(ngx_procmgr_exec_t *exec);

/*
 * The same in a pool thread, waiting for the end: the turn and the run within
 * `timeout' ms.  `pids' is the payload of the verb "read", or NULL.  The
 * reply is filled; its memory is malloc()ed: ngx_procmgr_reply_free().
 */
void ngx_procmgr_exec_wait(ngx_procmgr_t *pm, pm_wire_text_t *text,
    const pm_wire_pid_t *pids, size_t npids, ngx_msec_t timeout,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply);
void ngx_procmgr_reply_free(ngx_procmgr_reply_t *reply);


#endif /* _NGX_PROCMGR_SPAWN_H_INCLUDED_ */
