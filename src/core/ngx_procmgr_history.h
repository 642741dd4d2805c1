
/*
 * Samples of the host, one an interval, in a ring of their own shared zone:
 * "procmgr_history".  One worker at a time takes them, for all of this host;
 * when it ends or dies another goes on.  Nothing of it is there when it is
 * off.
 */


#ifndef _NGX_PROCMGR_HISTORY_H_INCLUDED_
#define _NGX_PROCMGR_HISTORY_H_INCLUDED_


#include "ngx_procmgr.h"
#include "../proc/pm_scan.h"


#define NGX_PROCMGR_HISTORY_MIN  2      /* samples */
#define NGX_PROCMGR_HISTORY_MAX  100000


/* bytes per second */
#define NGX_PROCMGR_RATE_RX     0       /* all interfaces but the loopback */
#define NGX_PROCMGR_RATE_TX     1
#define NGX_PROCMGR_RATE_READ   2       /* all disks */
#define NGX_PROCMGR_RATE_WRITE  3
#define NGX_PROCMGR_RATES       4


typedef struct {
    uint64_t              seq;          /* from 1, without a gap */
    uint64_t              made;         /* boottime, ms */
    int64_t               wall_ms;
    pm_cpu_ticks_t        ticks;
    pm_cpu_percent_t      percent;      /* since the sample before */
    pm_tasks_t            tasks;
    pm_memory_t           memory;
    double                load[3];
    int64_t               rate[NGX_PROCMGR_RATES];  /* -1 is not known */
} ngx_procmgr_sample_t;


/* once pm->history and pm->shm_zone are known; NGX_ERROR is logged */
ngx_int_t ngx_procmgr_history_add(ngx_conf_t *cf, ngx_procmgr_t *pm,
    void *tag);

/* in init_process and exit_process; nothing when it is off */
ngx_int_t ngx_procmgr_history_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);
void ngx_procmgr_history_exit(ngx_procmgr_t *pm);

/* the number of the newest sample, 0 when there is none */
uint64_t ngx_procmgr_history_newest(ngx_procmgr_t *pm);

/*
 * At most n samples behind the one with this number, the oldest first: how
 * many there are.
 */
size_t ngx_procmgr_history_read(ngx_procmgr_t *pm, uint64_t since,
    ngx_procmgr_sample_t *dst, size_t n);


#endif /* _NGX_PROCMGR_HISTORY_H_INCLUDED_ */
