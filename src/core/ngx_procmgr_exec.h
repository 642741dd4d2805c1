
/* a run of the helper: what its two ways, by event and by thread, share */


#ifndef _NGX_PROCMGR_EXEC_H_INCLUDED_
#define _NGX_PROCMGR_EXEC_H_INCLUDED_


#include "ngx_procmgr_spawn.h"
#include "ngx_procmgr_frame.h"


#define NGX_PROCMGR_EXEC_EXITING   "the worker is shutting down"
#define NGX_PROCMGR_EXEC_NO_TURN   "too many runs of the helper wait"
#define NGX_PROCMGR_EXEC_STALE     "it waited while its worker stood still"
#define NGX_PROCMGR_EXEC_TOO_LONG  "the request to the helper is too long"
#define NGX_PROCMGR_EXEC_LATE      "the helper did not answer in time"
#define NGX_PROCMGR_EXEC_ENDED     "the helper ended without an answer"


typedef struct {                        /* head, text and payload, sealed */
    u_char                     data[sizeof(pm_wire_head_t) + PM_WIRE_TEXT];
    size_t                     len;
    const u_char              *payload;
    size_t                     payload_len;
} ngx_procmgr_out_t;


/* at most helper.max at once on the host; the index of the turn, or -1 */
ngx_int_t ngx_procmgr_exec_turn(ngx_procmgr_t *pm, ngx_msec_t time);
void ngx_procmgr_exec_turn_end(ngx_procmgr_t *pm, ngx_int_t turn);

/* the payload is set by the caller; NGX_ERROR: the text is too long */
ngx_int_t ngx_procmgr_exec_seal(ngx_procmgr_t *pm, ngx_procmgr_out_t *out,
    pm_wire_text_t *text);

/* fd[0] is this end, non-blocking; an errno */
ngx_err_t ngx_procmgr_exec_spawn(ngx_procmgr_t *pm, int fd[2]);

/* logs the helper's trouble once for the host until it works again */
void ngx_procmgr_exec_said(ngx_procmgr_t *pm, ngx_procmgr_reply_t *reply);


#endif /* _NGX_PROCMGR_EXEC_H_INCLUDED_ */
