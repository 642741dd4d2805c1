
/*
 * What one nginx knows of its procmgr: made by the configuration, the same
 * in all workers but for the parts set in init_process.  No HTTP below here.
 */


#ifndef _NGX_PROCMGR_H_INCLUDED_
#define _NGX_PROCMGR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>


typedef struct ngx_procmgr_s         ngx_procmgr_t;
typedef struct ngx_procmgr_shm_s     ngx_procmgr_shm_t;
typedef struct ngx_procmgr_views_s   ngx_procmgr_views_t;
typedef struct ngx_procmgr_execs_s   ngx_procmgr_execs_t;
typedef struct ngx_procmgr_pg_s      ngx_procmgr_pg_t;
typedef struct ngx_procmgr_history_s  ngx_procmgr_history_t;


typedef struct {
    ngx_str_t             path;     /* zero terminated */
    ngx_uint_t            max;      /* at most so many at once */
    u_char                key[32];  /* of the MAC, read by the master */
    char                  spool[33];    /* names its spool in the log */
    unsigned              set:1;
} ngx_procmgr_helper_conf_t;


struct ngx_procmgr_s {
    /* configuration */
    ngx_shm_zone_t             *shm_zone;
    ngx_msec_t                  interval;       /* of a snapshot */
    ngx_uint_t                  history_size;   /* samples, 0 is off */
    ngx_shm_zone_t             *history_zone;
    ngx_thread_pool_t          *thread_pool;
    ngx_procmgr_helper_conf_t   helper;
    ngx_str_t                   conninfo;       /* zero terminated */
    ngx_str_t                   listen;         /* another, direct one */
    ngx_str_t                   host;           /* zero terminated */

    /* of this worker, set in init_process */
    ngx_slab_pool_t            *shpool;
    ngx_procmgr_shm_t          *sh;
    ngx_procmgr_views_t        *views;
    ngx_procmgr_history_t      *history;
    ngx_procmgr_execs_t        *execs;
    ngx_procmgr_pg_t           *pg;
    ngx_procmgr_pg_t           *pg_listen;
};


/*
 * A timer without a connection: the debug log reads a descriptor from the
 * data of every event, so the owner is found by ngx_procmgr_owner() instead.
 */
extern ngx_connection_t  ngx_procmgr_no_connection;

void ngx_procmgr_event(ngx_event_t *ev, ngx_event_handler_pt handler);

#define ngx_procmgr_owner(ev, type, member)                                   \
    ((type *) ((u_char *) (ev) - offsetof(type, member)))

/* CLOCK_BOOTTIME in milliseconds; good in any thread, unlike ngx_time() */
uint64_t ngx_procmgr_boottime(void);
uint64_t ngx_procmgr_boottime_us(void);

/* 32 random bytes from getrandom() or NGX_ERROR; never weaker */
ngx_int_t ngx_procmgr_random(u_char *buf, size_t len);

/* a random UUID, version 4, in lower case: 36 bytes and a zero */
ngx_int_t ngx_procmgr_uuid(u_char buf[37]);


#endif /* _NGX_PROCMGR_H_INCLUDED_ */
