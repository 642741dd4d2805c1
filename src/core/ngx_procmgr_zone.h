
/*
 * The shared zone: what all workers of this host have in common.
 *
 * Layout rules: fixed arrays allocated once; no pointer to process memory;
 * short critical sections under shpool->mutex (the master unlocks it when
 * its holder dies) for the tables, an odd/even sequence for large copies:
 * the reader copies, then looks again.
 */


#ifndef _NGX_PROCMGR_ZONE_H_INCLUDED_
#define _NGX_PROCMGR_ZONE_H_INCLUDED_


#include "ngx_procmgr.h"
#include "ngx_procmgr_sess.h"
#include "../proc/pm_scan.h"


#define NGX_PROCMGR_SLOTS    64         /* bodies shared by the workers */
#define NGX_PROCMGR_KEY_LEN  256


typedef struct {                        /* a right that ends by itself */
    ngx_pid_t                pid;
    uint64_t                 until;     /* boottime, ms */
} ngx_procmgr_lease_t;


typedef struct {                        /* counters for /metrics and tests */
    ngx_atomic_t             scans;
    ngx_atomic_t             scan_us;
    ngx_atomic_t             views_made;
    ngx_atomic_t             views_cached;
    ngx_atomic_t             helper_runs;
    ngx_atomic_t             helper_lost;
    ngx_atomic_t             ops;
} ngx_procmgr_counters_t;


typedef struct {
    ngx_atomic_t             seq;       /* odd while it is written */
    uint64_t                 generation;
    uint64_t                 made;      /* boottime, ms */
    uint64_t                 used;
    ngx_procmgr_lease_t      maker;
    size_t                   offset;    /* of the body, from shm start */
    size_t                   size;      /* allocated */
    size_t                   len;
    uint32_t                 status;
    uint32_t                 hash;
    u_char                   key[NGX_PROCMGR_KEY_LEN];
    u_char                   key_len_hi;
    u_char                   key_len_lo;
    char                     code[32];
    char                     detail[256];
    char                     partial[128];
} ngx_procmgr_slot_t;


struct ngx_procmgr_shm_s {
    uint32_t                 magic;
    uint32_t                 layout;    /* sizeof() of this */
    uint64_t                 birth;     /* makes ETags of two zones differ */
    ngx_atomic_t             generation;

    /* the snapshot: two buffers, the one of the even/odd index is active */
    ngx_procmgr_lease_t      scanner;
    ngx_atomic_t             snapshot;  /* generation; 0 is none yet */
    uint64_t                 snapshot_made;
    uint32_t                 snapshot_have;
    size_t                   snapshot_offset[2];
    size_t                   snapshot_size[2];
    size_t                   snapshot_len[2];

    ngx_procmgr_slot_t       slots[NGX_PROCMGR_SLOTS];

    ngx_pid_t                helpers[64];   /* who runs one, by worker */
    ngx_atomic_t             helper_said;   /* its trouble was logged once */

    ngx_procmgr_counters_t   counters;
    ngx_procmgr_sess_shm_t   sess;
};


/* "procmgr_zone name:size": adds the zone; NULL after logging why not */
ngx_shm_zone_t *ngx_procmgr_zone_add(ngx_conf_t *cf, ngx_procmgr_t *pm,
    ngx_str_t *name, size_t size, void *tag);

/* in init_process: pm->shpool and pm->sh */
ngx_int_t ngx_procmgr_zone_attach(ngx_procmgr_t *pm);

/*
 * In a pool thread: a copy of the newest snapshot, malloc()ed.  It is scanned
 * anew when it is older than max_age (ms) or lacks a part of `want'; whoever
 * gets the lease scans, the others wait for it.  NULL and a sentence in err.
 */
#define NGX_PROCMGR_ERR_LEN  256

pm_snapshot_t *ngx_procmgr_zone_snapshot(ngx_procmgr_t *pm, ngx_msec_t max_age,
    unsigned want, char err[NGX_PROCMGR_ERR_LEN], int *zone_full);


#endif /* _NGX_PROCMGR_ZONE_H_INCLUDED_ */
