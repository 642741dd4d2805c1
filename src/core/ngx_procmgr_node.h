
/* the bodies a worker keeps, by key; the event loop alone uses them */


#ifndef _NGX_PROCMGR_NODE_H_INCLUDED_
#define _NGX_PROCMGR_NODE_H_INCLUDED_


#include "ngx_procmgr.h"
#include "ngx_procmgr_slot.h"
#include "ngx_procmgr_view.h"


typedef struct ngx_procmgr_flight_s  ngx_procmgr_flight_t;


typedef struct {                        /* a key this worker was asked for */
    ngx_queue_t              chain;
    ngx_queue_t              lru;
    ngx_procmgr_key_t        key;
    ngx_procmgr_body_t      *body;
    ngx_procmgr_flight_t    *flight;    /* it is being made; then it stays */
} ngx_procmgr_node_t;


void ngx_procmgr_node_key(ngx_procmgr_key_t *key, ngx_str_t *name);

/* the node's use counts, or NULL */
ngx_procmgr_node_t *ngx_procmgr_node_find(ngx_procmgr_t *pm,
    ngx_procmgr_key_t *key);
ngx_procmgr_node_t *ngx_procmgr_node_add(ngx_procmgr_t *pm,
    ngx_procmgr_key_t *key);
void ngx_procmgr_node_free(ngx_procmgr_t *pm, ngx_procmgr_node_t *node);

/* keeps a reference of its own; older bodies may go for it */
void ngx_procmgr_node_put(ngx_procmgr_t *pm, ngx_procmgr_node_t *node,
    ngx_procmgr_body_t *body);


#endif /* _NGX_PROCMGR_NODE_H_INCLUDED_ */
