
/*
 * Bodies in the zone: a table of slots by key, and an arena whose only map
 * is that table, so that a worker that dies leaves nothing half-linked.
 */


#ifndef _NGX_PROCMGR_SLOT_H_INCLUDED_
#define _NGX_PROCMGR_SLOT_H_INCLUDED_


#include "ngx_procmgr.h"
#include "ngx_procmgr_view.h"
#include "ngx_procmgr_zone.h"


typedef struct {
    uint32_t                 hash;
    uint32_t                 len;
    u_char                   data[NGX_PROCMGR_KEY_LEN];
} ngx_procmgr_key_t;


typedef struct {                        /* what the table said of a key */
    ngx_int_t                slot;      /* -1: all are being written */
    ngx_procmgr_region_t     region;
    char                     partial[128];
    unsigned                 there:1;   /* a body that is new enough */
    unsigned                 held:1;    /* another worker makes it */
} ngx_procmgr_seen_t;


/*
 * Looks for a body made at `oldest' or later, or of `generation' or newer
 * unless that is 0.  When there is none and nobody makes it, this worker is
 * its maker from now on.
 */
void ngx_procmgr_slot_look(ngx_procmgr_t *pm, ngx_procmgr_key_t *key,
    uint64_t oldest, uint64_t generation, ngx_procmgr_seen_t *seen);

/* NULL: memory is short, or NGX_AGAIN in *rc: it was overwritten meanwhile */
ngx_procmgr_body_t *ngx_procmgr_slot_read(ngx_procmgr_t *pm,
    ngx_procmgr_key_t *key, ngx_procmgr_seen_t *seen, ngx_int_t *rc);

/* the maker's end: with its body (status 200), or with nothing */
void ngx_procmgr_slot_leave(ngx_procmgr_t *pm, ngx_int_t slot,
    ngx_procmgr_key_t *key, ngx_procmgr_body_t *body);

/* zeroed but for its key and one reference; in any thread */
ngx_procmgr_body_t *ngx_procmgr_body_create(ngx_procmgr_t *pm,
    ngx_procmgr_key_t *key);


#endif /* _NGX_PROCMGR_SLOT_H_INCLUDED_ */
