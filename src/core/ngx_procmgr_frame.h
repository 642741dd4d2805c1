
/* the helper's answer taken apart, in the event loop or in a thread */


#ifndef _NGX_PROCMGR_FRAME_H_INCLUDED_
#define _NGX_PROCMGR_FRAME_H_INCLUDED_


#include "ngx_procmgr_spawn.h"


#define NGX_PROCMGR_FRAME_RECORD  PM_WIRE_RECORD_LEN


typedef struct {                        /* zeroed before its first use */
    u_char                  *buf;
    size_t                   size;
    size_t                   pos;       /* what is not taken apart yet */
    size_t                   last;
    size_t                   need;      /* bytes of the message at pos */
} ngx_procmgr_frame_t;


/* where to read to, and how much: at least one byte; NGX_ERROR: no memory */
ngx_int_t ngx_procmgr_frame_room(ngx_procmgr_frame_t *f, u_char **p,
    size_t *size);

/*
 * After n bytes were read.  NGX_AGAIN: more is needed.  NGX_DONE: the final
 * frame is in the reply.  NGX_ERROR: reply->why says what is wrong.
 */
ngx_int_t ngx_procmgr_frame_feed(ngx_procmgr_frame_t *f, size_t n,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply);

void ngx_procmgr_frame_free(ngx_procmgr_frame_t *f);


#endif /* _NGX_PROCMGR_FRAME_H_INCLUDED_ */
