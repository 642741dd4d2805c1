
/*
 * Requests that are denied before anybody is known to ask, counted in the
 * zone by code and source: what one worker counted and did not live to write
 * to the database is written by another.
 */


#ifndef _NGX_PROCMGR_DENIAL_H_INCLUDED_
#define _NGX_PROCMGR_DENIAL_H_INCLUDED_


#include "ngx_procmgr.h"


#define NGX_PROCMGR_DENIAL_CODES  3
#define NGX_PROCMGR_DENIAL_MAX    16        /* of one source each */
#define NGX_PROCMGR_DENIAL_ROWS                                               \
    (NGX_PROCMGR_DENIAL_MAX + NGX_PROCMGR_DENIAL_CODES)

#define NGX_PROCMGR_DENIAL_TEXT   256


typedef struct {
    ngx_uint_t               code;
    char                     remote[64];
    char                     target[NGX_PROCMGR_DENIAL_TEXT + 1];
    char                     agent[NGX_PROCMGR_DENIAL_TEXT + 1];
    char                     path[NGX_PROCMGR_DENIAL_TEXT + 1];
    uint64_t                 n;         /* 0: free */
    uint64_t                 sent;      /* of n, on their way */
} ngx_procmgr_denial_t;


typedef struct {
    uint64_t                 next;      /* boottime ms, of a statement */

    /* behind those of one source: all others, by code */
    ngx_procmgr_denial_t     rows[NGX_PROCMGR_DENIAL_ROWS];
} ngx_procmgr_denial_shm_t;


/*
 * One more like `row', of which the code and the source are looked at.
 * NGX_DECLINED: it is the first, and ngx_procmgr_denial_add() needs the rest.
 */
ngx_int_t ngx_procmgr_denial_count(ngx_procmgr_t *pm,
    const ngx_procmgr_denial_t *row);
void ngx_procmgr_denial_add(ngx_procmgr_t *pm,
    const ngx_procmgr_denial_t *row);

/*
 * NGX_OK: `rows' is a copy of all, and this process has the right to write
 * them until it settles; then nobody has for `every' ms.  NGX_BUSY: it is too
 * early, unless `now' is set, or another process writes.  NGX_DECLINED: there
 * are none.
 */
ngx_int_t ngx_procmgr_denial_take(ngx_procmgr_t *pm,
    ngx_procmgr_denial_t rows[NGX_PROCMGR_DENIAL_ROWS], ngx_msec_t every,
    ngx_uint_t now);
void ngx_procmgr_denial_settle(ngx_procmgr_t *pm, ngx_uint_t written);


#endif /* _NGX_PROCMGR_DENIAL_H_INCLUDED_ */
