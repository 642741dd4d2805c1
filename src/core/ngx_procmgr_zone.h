
/*
 * The shared zone: what all workers of this host have in common.
 *
 * Layout rules: fixed arrays allocated once; no pointer to process memory;
 * short critical sections under shpool->mutex (the master unlocks it when
 * its holder dies) for the tables, an odd/even sequence for large copies:
 * the reader copies, then looks again.
 *
 * Behind this struct stands one block of the whole rest of the zone: the
 * watches and their samples, then three buffers of the snapshot, each a fifth
 * of what is left, and the arena of the bodies.
 */


#ifndef _NGX_PROCMGR_ZONE_H_INCLUDED_
#define _NGX_PROCMGR_ZONE_H_INCLUDED_


#include "ngx_procmgr.h"
#include "ngx_procmgr_denial.h"
#include "ngx_procmgr_event.h"
#include "ngx_procmgr_net.h"
#include "ngx_procmgr_sess.h"
#include "../proc/pm_scan.h"


#define NGX_PROCMGR_SLOTS    64         /* bodies shared by the workers */
#define NGX_PROCMGR_KEY_LEN  256
#define NGX_PROCMGR_PARTS    5          /* one a snapshot, two the arena */
#define NGX_PROCMGR_HELPERS  64         /* at most so many at once */


typedef struct {                        /* a right that ends by itself */
    ngx_pid_t                pid;       /* or with its holder's process */
    uint64_t                 until;     /* boottime, ms */
} ngx_procmgr_lease_t;


typedef struct {                        /* bytes written by one, read by all */
    ngx_atomic_t             seq;       /* odd while it is written */
    ngx_procmgr_lease_t      writer;
    uint64_t                 generation;
    uint64_t                 made;      /* boottime, ms, at the start */
    size_t                   offset;    /* from the zone's start */
    size_t                   size;      /* allocated */
    size_t                   len;       /* 0 is nothing */
} ngx_procmgr_region_t;


typedef struct {                        /* counters for /metrics and tests */
    ngx_atomic_t             scans;
    ngx_atomic_t             scan_us;
    ngx_atomic_t             views_made;
    ngx_atomic_t             views_cached;
    ngx_atomic_t             helper_runs;
    ngx_atomic_t             helper_lost;
    ngx_atomic_t             ops;
    ngx_atomic_t             tasks_posted;
    ngx_atomic_t             tasks_done;
    ngx_atomic_t             tasks_refused;
} ngx_procmgr_counters_t;


typedef struct {                        /* a body, status 200 only */
    ngx_procmgr_region_t     region;
    ngx_procmgr_lease_t      maker;
    uint64_t                 used;      /* boottime, ms */
    uint32_t                 hash;
    uint32_t                 key_len;   /* 0 is a free slot */
    u_char                   key[NGX_PROCMGR_KEY_LEN];
    char                     partial[128];
} ngx_procmgr_slot_t;


struct ngx_procmgr_shm_s {
    uint32_t                 magic;
    uint32_t                 layout;    /* sizeof() of this */
    uint64_t                 birth;     /* makes ETags of two zones differ */
    ngx_atomic_t             generation;    /* of the newest thing made */

    size_t                   watch_offset;  /* see ngx_procmgr_watch.h */
    size_t                   watch_size;
    size_t                   data_size;     /* of the block behind */
    size_t                   arena_offset;
    size_t                   arena_size;
    ngx_atomic_t             snapshot_said; /* bytes asked for in the log, */
    ngx_atomic_t             body_said;     /* so that it is said once */

    /*
     * the snapshot: the active one, the one that cpu times are compared
     * with when the active one is too young, and the one to write next
     */
    ngx_procmgr_lease_t      scanner;
    ngx_procmgr_region_t     snapshot[3];
    uint32_t                 snapshot_have[3];
    uint32_t                 snapshot_active;
    uint32_t                 snapshot_base;
    uint64_t                 wanted[32];    /* when, by bit of PM_HAVE_* */
    uint64_t                 snapshot_full; /* it did not fit, when */

    ngx_procmgr_slot_t       slots[NGX_PROCMGR_SLOTS];

    ngx_procmgr_lease_t      helpers[NGX_PROCMGR_HELPERS];
    ngx_atomic_t             helper_said;   /* its trouble was logged once */
    uint64_t                 helper_waited; /* when one had waited long */
    ngx_procmgr_lease_t      recoverer;     /* of operations left open */
    ngx_procmgr_lease_t      denial_sender;
    ngx_atomic_t             pg_met;        /* times a worker reached it */

    ngx_procmgr_counters_t   counters;
    ngx_procmgr_net_shm_t    net;
    ngx_procmgr_net_shm_t    disk;
    ngx_procmgr_sess_shm_t   sess;
    ngx_procmgr_event_shm_t  events;
    ngx_procmgr_denial_shm_t denials;
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


/* for the other files of this folder; (m) is with shpool->mutex locked */

/* (m) NGX_OK: it is this process's for so long.  NGX_BUSY: it is another's */
ngx_int_t ngx_procmgr_lease_take(ngx_procmgr_lease_t *lease, uint64_t now,
    ngx_msec_t time);

/* a lease of another living process that has not ended */
ngx_uint_t ngx_procmgr_lease_held(ngx_procmgr_lease_t *lease, uint64_t now);

/*
 * (m) begin: NGX_OK, or NGX_BUSY while another living process writes there.
 * The bytes are copied without the lock.  (m) end: NGX_OK, or NGX_ERROR when
 * the region was taken away meanwhile.
 */
ngx_int_t ngx_procmgr_region_begin(ngx_procmgr_region_t *region, uint64_t now);
ngx_int_t ngx_procmgr_region_end(ngx_procmgr_region_t *region,
    ngx_atomic_uint_t seq, size_t len, uint64_t made, uint64_t generation);

/*
 * `val' is a copy of *region taken under the lock.  NGX_OK: its bytes are in
 * dst.  NGX_AGAIN: they were overwritten meanwhile.
 */
ngx_int_t ngx_procmgr_region_read(ngx_procmgr_t *pm,
    ngx_procmgr_region_t *region, ngx_procmgr_region_t *val, u_char *dst);

u_char *ngx_procmgr_region_data(ngx_procmgr_t *pm,
    ngx_procmgr_region_t *region);

uint64_t ngx_procmgr_generation(ngx_procmgr_t *pm);

/* logs once that `what' needs more room than the zone has, and how much */
void ngx_procmgr_zone_full(ngx_procmgr_t *pm, ngx_atomic_t *said,
    const char *what, size_t len, size_t data_needed);


#endif /* _NGX_PROCMGR_ZONE_H_INCLUDED_ */
