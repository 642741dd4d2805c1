
#include "ngx_procmgr_net.h"
#include "ngx_procmgr_zone.h"


#define NGX_PROCMGR_NET_TRIES  8


/*
 * A reading that is older than the one remembered looks like counters that
 * fell.  So it counts only when nobody remembered another since it began;
 * else it is read anew, and at last the values are taken without being
 * remembered.
 */

int
ngx_procmgr_net_io(ngx_procmgr_t *pm, pm_net_ios_t *ios, ngx_uint_t nowrap,
    ngx_uint_t *full)
{
    int                     rc;
    uint64_t                version;
    ngx_uint_t              try, newest;
    ngx_procmgr_net_shm_t  *net;

    net = &pm->sh->net;
    *full = 0;

    for (try = 1; /* void */ ; try++) {

        ngx_shmtx_lock(&pm->shpool->mutex);
        version = net->version;
        ngx_shmtx_unlock(&pm->shpool->mutex);

        rc = pm_net_io_read(ios, NULL);

        if (rc != 0 || !nowrap) {
            return rc;
        }

        ngx_shmtx_lock(&pm->shpool->mutex);

        newest = (net->version == version);

        if (newest || try == NGX_PROCMGR_NET_TRIES) {

            *full = (pm_net_unwrap(&net->wraps, ios, newest) != 0);
            net->version += newest;

            ngx_shmtx_unlock(&pm->shpool->mutex);

            return 0;
        }

        ngx_shmtx_unlock(&pm->shpool->mutex);
    }
}


void
ngx_procmgr_net_clear(ngx_procmgr_t *pm)
{
    ngx_procmgr_net_shm_t  *net;

    net = &pm->sh->net;

    ngx_shmtx_lock(&pm->shpool->mutex);

    net->wraps.n = 0;
    net->version++;
    net->cleared++;

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_atomic_uint_t
ngx_procmgr_net_cleared(ngx_procmgr_t *pm)
{
    return pm->sh->net.cleared;
}
