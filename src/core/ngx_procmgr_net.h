
/*
 * Counters of the network's interfaces and of the disks that never fall, one
 * for all workers.
 */


#ifndef _NGX_PROCMGR_NET_H_INCLUDED_
#define _NGX_PROCMGR_NET_H_INCLUDED_


#include "ngx_procmgr.h"
#include "../proc/pm_disk.h"
#include "../proc/pm_net.h"


typedef struct {                        /* a part of the zone */
    uint64_t                 version;   /* grows with each reading */
    ngx_atomic_t             cleared;   /* how often it was emptied */
    pm_wraps_t               wraps;
} ngx_procmgr_net_shm_t;


/*
 * In a pool thread: the counters now, corrected when nowrap is set.  0, or
 * errno; *full is set when there are more interfaces than can be remembered.
 */
int ngx_procmgr_net_io(ngx_procmgr_t *pm, pm_net_ios_t *ios,
    ngx_uint_t nowrap, ngx_uint_t *full);

/* the same of the disks; io is malloc()ed, `root' a descriptor of "/" */
int ngx_procmgr_disk_io(ngx_procmgr_t *pm, int root, pm_disk_io_t **io,
    size_t *n, ngx_uint_t nowrap, ngx_uint_t *full);

/* forgets what was added so far to the network's */
void ngx_procmgr_net_clear(ngx_procmgr_t *pm);

/* to tell what was made before from what was made after */
ngx_atomic_uint_t ngx_procmgr_net_cleared(ngx_procmgr_t *pm);


#endif /* _NGX_PROCMGR_NET_H_INCLUDED_ */
