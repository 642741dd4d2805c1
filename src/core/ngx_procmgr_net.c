
#include "ngx_procmgr_net.h"
#include "ngx_procmgr_zone.h"


#define NGX_PROCMGR_NET_TRIES  8


typedef struct {
    int                   (*read)(void *data);
    size_t                (*unwrap)(void *data, pm_wraps_t *wraps, int keep);
    void                   *data;
} ngx_procmgr_reading_t;


typedef struct {
    int                     root;
    pm_disk_io_t          **io;
    size_t                 *n;
} ngx_procmgr_disks_t;


static int ngx_procmgr_nowrap(ngx_procmgr_t *pm, ngx_procmgr_net_shm_t *sh,
    ngx_procmgr_reading_t *r, ngx_uint_t nowrap, ngx_uint_t *full);
static int ngx_procmgr_net_read(void *data);
static size_t ngx_procmgr_net_unwrap(void *data, pm_wraps_t *wraps,
    int keep);
static int ngx_procmgr_disk_read(void *data);
static size_t ngx_procmgr_disk_unwrap(void *data, pm_wraps_t *wraps,
    int keep);


int
ngx_procmgr_net_io(ngx_procmgr_t *pm, pm_net_ios_t *ios, ngx_uint_t nowrap,
    ngx_uint_t *full)
{
    ngx_procmgr_reading_t  r;

    r.read = ngx_procmgr_net_read;
    r.unwrap = ngx_procmgr_net_unwrap;
    r.data = ios;

    return ngx_procmgr_nowrap(pm, &pm->sh->net, &r, nowrap, full);
}


int
ngx_procmgr_disk_io(ngx_procmgr_t *pm, int root, pm_disk_io_t **io,
    size_t *n, ngx_uint_t nowrap, ngx_uint_t *full)
{
    ngx_procmgr_disks_t    disks;
    ngx_procmgr_reading_t  r;

    *n = 0;
    *io = NULL;

    disks.root = root;
    disks.io = io;
    disks.n = n;

    r.read = ngx_procmgr_disk_read;
    r.unwrap = ngx_procmgr_disk_unwrap;
    r.data = &disks;

    return ngx_procmgr_nowrap(pm, &pm->sh->disk, &r, nowrap, full);
}


/*
 * A reading that is older than the one remembered looks like counters that
 * fell.  So it counts only when nobody remembered another since it began;
 * else it is read anew, and at last the values are taken without being
 * remembered.
 */

static int
ngx_procmgr_nowrap(ngx_procmgr_t *pm, ngx_procmgr_net_shm_t *sh,
    ngx_procmgr_reading_t *r, ngx_uint_t nowrap, ngx_uint_t *full)
{
    int         rc;
    uint64_t    version;
    ngx_uint_t  try, newest;

    *full = 0;

    for (try = 1; /* void */ ; try++) {

        ngx_shmtx_lock(&pm->shpool->mutex);
        version = sh->version;
        ngx_shmtx_unlock(&pm->shpool->mutex);

        rc = r->read(r->data);

        if (rc != 0 || !nowrap) {
            return rc;
        }

        ngx_shmtx_lock(&pm->shpool->mutex);

        newest = (sh->version == version);

        if (newest || try == NGX_PROCMGR_NET_TRIES) {

            *full = (r->unwrap(r->data, &sh->wraps, newest) != 0);
            sh->version += newest;

            ngx_shmtx_unlock(&pm->shpool->mutex);

            return 0;
        }

        ngx_shmtx_unlock(&pm->shpool->mutex);
    }
}


static int
ngx_procmgr_net_read(void *data)
{
    return pm_net_io_read(data, NULL);
}


static size_t
ngx_procmgr_net_unwrap(void *data, pm_wraps_t *wraps, int keep)
{
    return pm_net_unwrap(wraps, data, keep);
}


static int
ngx_procmgr_disk_read(void *data)
{
    ngx_procmgr_disks_t *disks = data;

    free(*disks->io);

    return pm_disk_io(disks->root, disks->io, disks->n);
}


static size_t
ngx_procmgr_disk_unwrap(void *data, pm_wraps_t *wraps, int keep)
{
    ngx_procmgr_disks_t *disks = data;

    return pm_disk_unwrap(wraps, *disks->io, *disks->n, keep);
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
