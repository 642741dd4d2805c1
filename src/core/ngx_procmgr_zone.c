
#include "ngx_procmgr_zone.h"
#include "ngx_procmgr_watch.h"


#define NGX_PROCMGR_ZONE_MAGIC   0x70726d67
#define NGX_PROCMGR_ZONE_DATA    (1024 * 1024)   /* least room for data */

/* a zone of another build cannot be taken over */
#define NGX_PROCMGR_ZONE_LAYOUT                                               \
    (sizeof(ngx_procmgr_shm_t) + sizeof(ngx_procmgr_watch_shm_t))

/* pages that are left to the slab allocator itself */
#define NGX_PROCMGR_ZONE_SPARE   4

#define NGX_PROCMGR_SCAN_WAIT    10000           /* ms, for another's scan */
#define NGX_PROCMGR_SCAN_LEASE   10000
#define NGX_PROCMGR_SCAN_POLL    500             /* microseconds */
#define NGX_PROCMGR_WRITE_LEASE  60000

/* a part that was asked for so lately is read by each scan */
#define NGX_PROCMGR_WANT_KEPT    10000


typedef struct {
    pthread_mutex_t          mutex;
    pm_scan_t               *scan;
    ngx_pid_t                pid;       /* whose scan it is */
} ngx_procmgr_scanner_t;


static ngx_int_t ngx_procmgr_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static pm_snapshot_t *ngx_procmgr_zone_copy(ngx_procmgr_t *pm,
    ngx_uint_t base, uint64_t oldest, unsigned want);
static pm_snapshot_t *ngx_procmgr_zone_scan(ngx_procmgr_t *pm, unsigned want,
    char err[NGX_PROCMGR_ERR_LEN], int *zone_full);
static ngx_int_t ngx_procmgr_zone_publish(ngx_procmgr_t *pm,
    pm_snapshot_t *s, unsigned have, uint64_t made);
static unsigned ngx_procmgr_zone_wanted(ngx_procmgr_t *pm, unsigned want,
    uint64_t now);


/* one scan at a time in this worker, whatever the number of threads */

static ngx_procmgr_scanner_t  ngx_procmgr_scanner =
    { .mutex = PTHREAD_MUTEX_INITIALIZER };


ngx_shm_zone_t *
ngx_procmgr_zone_add(ngx_conf_t *cf, ngx_procmgr_t *pm, ngx_str_t *name,
    size_t size, void *tag)
{
    size_t           least;
    ngx_shm_zone_t  *shm_zone;

    least = sizeof(ngx_procmgr_shm_t) + NGX_PROCMGR_ZONE_DATA
            + ngx_procmgr_watch_room(NGX_PROCMGR_ZONE_DATA);

    /* what the slab allocator keeps for itself, and rounding */

    least += least / 64 + (NGX_PROCMGR_ZONE_SPARE + 8) * ngx_pagesize;
    least = ngx_align(least, 64 * 1024);

    if (size < least) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" of %uz bytes is too small, "
                           "it needs at least %uzk", name, size, least / 1024);
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is already in use", name);
        return NULL;
    }

    shm_zone->init = ngx_procmgr_zone_init;
    shm_zone->data = pm;

    pm->shm_zone = shm_zone;

    return shm_zone;
}


static ngx_int_t
ngx_procmgr_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_procmgr_t *pm = shm_zone->data;

    u_char             *block;
    size_t              len, part;
    ngx_uint_t          i;
    ngx_slab_pool_t    *shpool;
    ngx_procmgr_shm_t  *sh;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data || shm_zone->shm.exists) {
        sh = shpool->data;

        if (sh->magic != NGX_PROCMGR_ZONE_MAGIC
            || sh->layout != NGX_PROCMGR_ZONE_LAYOUT)
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" was made by another version of the "
                          "module: restart nginx instead of reloading it",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        pm->shpool = shpool;
        pm->sh = sh;

        return NGX_OK;
    }

    len = sizeof(" in procmgr zone \"\"") + shm_zone->shm.name.len;

    shpool->log_ctx = ngx_slab_alloc(shpool, len);
    if (shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(shpool->log_ctx, " in procmgr zone \"%V\"%Z",
                &shm_zone->shm.name);

    shpool->log_nomem = 0;

    sh = ngx_slab_calloc(shpool, sizeof(ngx_procmgr_shm_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    if (ngx_procmgr_random((u_char *) &sh->birth, sizeof(uint64_t))
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, ngx_errno,
                      "getrandom() failed");
        return NGX_ERROR;
    }

    if (shpool->pfree <= NGX_PROCMGR_ZONE_SPARE) {
        return NGX_ERROR;
    }

    sh->data_size = (shpool->pfree - NGX_PROCMGR_ZONE_SPARE) * ngx_pagesize;

    block = ngx_slab_alloc(shpool, sh->data_size);
    if (block == NULL) {
        return NGX_ERROR;
    }

    sh->watch_offset = block - shm_zone->shm.addr;
    sh->watch_size = ngx_procmgr_watch_room(sh->data_size);

    block += sh->watch_size;
    sh->data_size -= sh->watch_size;

    part = sh->data_size / NGX_PROCMGR_PARTS;
    part -= part % ngx_pagesize;

    for (i = 0; i < 3; i++) {
        sh->snapshot[i].offset = block - shm_zone->shm.addr + i * part;
        sh->snapshot[i].size = part;
    }

    sh->snapshot_active = 0;
    sh->snapshot_base = 1;

    sh->arena_offset = block - shm_zone->shm.addr + 3 * part;
    sh->arena_size = sh->data_size - 3 * part;

    pm->shpool = shpool;
    pm->sh = sh;

    ngx_procmgr_watch_zone(pm);

    sh->layout = NGX_PROCMGR_ZONE_LAYOUT;
    sh->magic = NGX_PROCMGR_ZONE_MAGIC;

    shpool->data = sh;

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_zone_attach(ngx_procmgr_t *pm)
{
    if (pm->shm_zone == NULL) {
        return NGX_ERROR;
    }

    pm->shpool = (ngx_slab_pool_t *) pm->shm_zone->shm.addr;
    pm->sh = pm->shpool->data;

    return NGX_OK;
}


uint64_t
ngx_procmgr_generation(ngx_procmgr_t *pm)
{
    return ngx_atomic_fetch_add(&pm->sh->generation, 1) + 1;
}


ngx_uint_t
ngx_procmgr_lease_held(ngx_procmgr_lease_t *lease, uint64_t now)
{
    if (lease->pid == 0 || lease->pid == ngx_pid || lease->until <= now) {
        return 0;
    }

    return kill(lease->pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


ngx_int_t
ngx_procmgr_lease_take(ngx_procmgr_lease_t *lease, uint64_t now,
    ngx_msec_t time)
{
    if (ngx_procmgr_lease_held(lease, now)) {
        return NGX_BUSY;
    }

    lease->pid = ngx_pid;
    lease->until = now + time;

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_region_begin(ngx_procmgr_region_t *region, uint64_t now)
{
    if ((region->seq & 1) && ngx_procmgr_lease_held(&region->writer, now)) {
        return NGX_BUSY;
    }

    /* odd already when its writer died: still another number */

    region->seq += 1 + (region->seq & 1);
    region->writer.pid = ngx_pid;
    region->writer.until = now + NGX_PROCMGR_WRITE_LEASE;
    region->len = 0;

    ngx_memory_barrier();

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_region_end(ngx_procmgr_region_t *region, ngx_atomic_uint_t seq,
    size_t len, uint64_t made, uint64_t generation)
{
    if (region->seq != seq) {
        return NGX_ERROR;
    }

    region->len = len;
    region->made = made;
    region->generation = generation;
    region->writer.pid = 0;

    ngx_memory_barrier();

    region->seq++;

    return NGX_OK;
}


u_char *
ngx_procmgr_region_data(ngx_procmgr_t *pm, ngx_procmgr_region_t *region)
{
    return pm->shm_zone->shm.addr + region->offset;
}


ngx_int_t
ngx_procmgr_region_read(ngx_procmgr_t *pm, ngx_procmgr_region_t *region,
    ngx_procmgr_region_t *val, u_char *dst)
{
    ngx_memcpy(dst, ngx_procmgr_region_data(pm, val), val->len);

    ngx_memory_barrier();

    return (region->seq == val->seq) ? NGX_OK : NGX_AGAIN;
}


void
ngx_procmgr_zone_full(ngx_procmgr_t *pm, ngx_atomic_t *said,
    const char *what, size_t len, size_t data_needed)
{
    size_t             size;
    ngx_atomic_uint_t  old;

    old = *said;

    /* hosts grow: a quarter more than what would just do is asked for */

    if (len <= old || !ngx_atomic_cmp_set(said, old, len + len / 4)) {
        return;
    }

    size = pm->shm_zone->shm.size - pm->sh->data_size;
    size += data_needed + data_needed / 4;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "zone \"%V\" is full: %s of %uz bytes does not fit, "
                  "procmgr_zone %V:%uzm is needed",
                  &pm->shm_zone->shm.name, what, len,
                  &pm->shm_zone->shm.name, size / (1024 * 1024) + 1);
}


pm_snapshot_t *
ngx_procmgr_zone_snapshot(ngx_procmgr_t *pm, ngx_msec_t max_age,
    unsigned want, char err[NGX_PROCMGR_ERR_LEN], int *zone_full)
{
    uint64_t            now, start, oldest, full;
    ngx_int_t           rc;
    pm_snapshot_t      *s;
    ngx_procmgr_shm_t  *sh;

    sh = pm->sh;

    *zone_full = 0;
    err[0] = '\0';

    start = ngx_procmgr_boottime();

    /* an age of 0 is a scan that starts after this call */

    oldest = start - ngx_min(max_age, start) + 1;

    s = ngx_procmgr_zone_copy(pm, 0, oldest, want);
    if (s) {
        return s;
    }

    (void) pthread_mutex_lock(&ngx_procmgr_scanner.mutex);

    for ( ;; ) {

        now = ngx_procmgr_boottime();

        s = ngx_procmgr_zone_copy(pm, 0, oldest, want);
        if (s) {
            break;
        }

        ngx_shmtx_lock(&pm->shpool->mutex);

        full = sh->snapshot_full;

        if (full && full + pm->interval > now) {
            rc = NGX_DECLINED;

        } else {
            rc = ngx_procmgr_lease_take(&sh->scanner, now,
                                        NGX_PROCMGR_SCAN_LEASE);
        }

        ngx_shmtx_unlock(&pm->shpool->mutex);

        if (rc == NGX_DECLINED) {
            *zone_full = 1;
            ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                         "the snapshot does not fit into the zone%Z");
            break;
        }

        if (rc == NGX_OK) {
            s = ngx_procmgr_zone_scan(pm, want, err, zone_full);

            ngx_shmtx_lock(&pm->shpool->mutex);

            if (sh->scanner.pid == ngx_pid) {
                sh->scanner.pid = 0;
            }

            ngx_shmtx_unlock(&pm->shpool->mutex);

            break;
        }

        if (ngx_terminate || now - start > NGX_PROCMGR_SCAN_WAIT) {
            ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                         "another worker's scan does not end%Z");
            break;
        }

        usleep(NGX_PROCMGR_SCAN_POLL);
    }

    (void) pthread_mutex_unlock(&ngx_procmgr_scanner.mutex);

    return s;
}


/* the active snapshot, or the base; not older than so, with all that parts */

static pm_snapshot_t *
ngx_procmgr_zone_copy(ngx_procmgr_t *pm, ngx_uint_t base, uint64_t oldest,
    unsigned want)
{
    uint32_t               i, have;
    ngx_uint_t             tries;
    pm_snapshot_t         *s;
    ngx_procmgr_shm_t     *sh;
    ngx_procmgr_region_t   val;

    sh = pm->sh;

    for (tries = 0; tries < 4; tries++) {

        ngx_shmtx_lock(&pm->shpool->mutex);

        i = base ? sh->snapshot_base : sh->snapshot_active;
        have = sh->snapshot_have[i];
        val = sh->snapshot[i];

        ngx_shmtx_unlock(&pm->shpool->mutex);

        if (val.len == 0
            || (val.seq & 1)
            || val.len > val.size
            || val.made < oldest
            || (want & ~have))
        {
            return NULL;
        }

        s = malloc(val.len);
        if (s == NULL) {
            return NULL;
        }

        if (ngx_procmgr_region_read(pm, &sh->snapshot[i], &val, (u_char *) s)
                == NGX_OK
            && pm_snapshot_valid(s, val.len))
        {
            return s;
        }

        free(s);
    }

    return NULL;
}


static pm_snapshot_t *
ngx_procmgr_zone_scan(ngx_procmgr_t *pm, unsigned want,
    char err[NGX_PROCMGR_ERR_LEN], int *zone_full)
{
    uint64_t                made, start;
    ngx_err_t               e;
    ngx_uint_t              young;
    pm_snapshot_t          *s, *prev;
    ngx_procmgr_shm_t      *sh;
    const pm_snapshot_t    *scan;
    ngx_procmgr_scanner_t  *scanner;

    sh = pm->sh;
    scanner = &ngx_procmgr_scanner;

    /* a scan made before fork() would share its descriptors' positions */

    if (scanner->scan == NULL || scanner->pid != ngx_pid) {
        scanner->scan = pm_scan_create("/proc");
        scanner->pid = ngx_pid;

        if (scanner->scan == NULL) {
            e = ngx_errno;
            ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                         "opening /proc failed: %s%Z", strerror(e));
            return NULL;
        }
    }

    made = ngx_procmgr_boottime();
    want = pm_scan_parts(ngx_procmgr_zone_wanted(pm, want, made));

    /*
     * a difference of some milliseconds says nothing about the load: the
     * clock of the processes has ticks of 10 ms
     */

    ngx_shmtx_lock(&pm->shpool->mutex);

    young = sh->snapshot[sh->snapshot_active].made + pm->interval / 2 > made;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    prev = ngx_procmgr_zone_copy(pm, young, 0, 0);

    start = ngx_procmgr_boottime_us();

    scan = pm_scan(scanner->scan, want, prev);
    e = ngx_errno;

    free(prev);

    if (scan == NULL) {
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                     "reading /proc failed: %s%Z", strerror(e));
        return NULL;
    }

    ngx_atomic_fetch_add(&sh->counters.scans, 1);
    ngx_atomic_fetch_add(&sh->counters.scan_us,
                         ngx_procmgr_boottime_us() - start);

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "procmgr scan: %uD processes, %uL bytes, %uL us",
                   scan->nprocs, scan->size,
                   ngx_procmgr_boottime_us() - start);

    s = malloc(scan->size);
    if (s == NULL) {
        ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN, "no memory%Z");
        return NULL;
    }

    ngx_memcpy(s, scan, scan->size);

    s->generation = ngx_procmgr_generation(pm);

    if (ngx_procmgr_zone_publish(pm, s, want, made) == NGX_OK) {
        return s;
    }

    *zone_full = 1;
    ngx_snprintf((u_char *) err, NGX_PROCMGR_ERR_LEN,
                 "the snapshot does not fit into the zone%Z");

    ngx_procmgr_zone_full(pm, &sh->snapshot_said, "a snapshot", s->size,
                          s->size * NGX_PROCMGR_PARTS);

    free(s);

    return NULL;
}


/*
 * A snapshot that cannot be published because its buffer is still another's
 * is good for who asked: only a missing room is an error.
 */

static ngx_int_t
ngx_procmgr_zone_publish(ngx_procmgr_t *pm, pm_snapshot_t *s, unsigned have,
    uint64_t made)
{
    uint32_t               i;
    ngx_int_t              rc;
    ngx_atomic_uint_t      seq;
    ngx_procmgr_shm_t     *sh;
    ngx_procmgr_region_t  *region, *active;

    sh = pm->sh;

    ngx_shmtx_lock(&pm->shpool->mutex);

    i = 3 - sh->snapshot_active - sh->snapshot_base;
    region = &sh->snapshot[i];

    if (s->size > region->size) {
        sh->snapshot_full = made;
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return NGX_DECLINED;
    }

    sh->snapshot_full = 0;

    if (sh->scanner.pid != ngx_pid) {
        ngx_shmtx_unlock(&pm->shpool->mutex);
        return NGX_OK;
    }

    rc = ngx_procmgr_region_begin(region, made);
    seq = region->seq;

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    ngx_memcpy(ngx_procmgr_region_data(pm, region), s, s->size);

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (ngx_procmgr_region_end(region, seq, s->size, made, s->generation)
        == NGX_OK)
    {
        active = &sh->snapshot[sh->snapshot_active];

        if (active->made + pm->interval / 2 <= made) {
            sh->snapshot_base = sh->snapshot_active;
        }

        sh->snapshot_have[i] = have;
        sh->snapshot_active = i;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return NGX_OK;
}


/*
 * Different requests want different parts; if each made a scan of its own,
 * there would be several in an interval.
 */

static unsigned
ngx_procmgr_zone_wanted(ngx_procmgr_t *pm, unsigned want, uint64_t now)
{
    unsigned            all;
    ngx_uint_t          i;
    ngx_procmgr_shm_t  *sh;

    sh = pm->sh;
    all = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < 32; i++) {

        if (want & (1u << i)) {
            sh->wanted[i] = now;
        }

        if (sh->wanted[i] && sh->wanted[i] + NGX_PROCMGR_WANT_KEPT > now) {
            all |= 1u << i;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return all;
}
