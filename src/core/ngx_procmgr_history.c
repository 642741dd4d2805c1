
#include "ngx_procmgr_history.h"
#include "ngx_procmgr_task.h"
#include "ngx_procmgr_zone.h"
#include "../proc/pm_host.h"


#define NGX_PROCMGR_HISTORY_MAGIC  0x70726d68

/* how long a worker that does not look at its timer keeps its right */
#define ngx_procmgr_history_lease(pm)  (2 * (pm)->interval + 1000)


typedef struct {                        /* in the zone */
    uint32_t                    magic;
    uint32_t                    layout; /* sizeof() of a sample */
    ngx_procmgr_lease_t         sampler;
    uint64_t                    newest; /* its number */
    uint64_t                    size;
    ngx_procmgr_sample_t        samples[];
} ngx_procmgr_ring_t;


typedef struct {                        /* counters at a moment */
    uint64_t                    us;     /* boottime */
    pm_wrap_list_t              net;
    pm_wrap_list_t              disks;
} ngx_procmgr_counted_t;


struct ngx_procmgr_history_s {          /* of a worker */
    ngx_procmgr_t              *pm;
    ngx_event_t                 timer;
    ngx_uint_t                  running;

    /* of its one task */
    ngx_procmgr_counted_t       last;
};


typedef struct {                        /* the ctx of a task */
    ngx_procmgr_history_t      *history;
} ngx_procmgr_sampling_t;


static ngx_int_t ngx_procmgr_history_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_procmgr_ring_t *ngx_procmgr_history_ring(ngx_procmgr_t *pm,
    ngx_shmtx_t **mutex);
static void ngx_procmgr_history_timer(ngx_event_t *ev);
static void ngx_procmgr_history_sample(void *ctx, ngx_log_t *log);
static void ngx_procmgr_history_sampled(void *ctx);
static void ngx_procmgr_history_append(ngx_procmgr_t *pm,
    ngx_procmgr_sample_t *sample);
static void ngx_procmgr_history_rates(ngx_procmgr_history_t *history,
    int64_t rate[NGX_PROCMGR_RATES]);
static void ngx_procmgr_history_sum(const pm_wrap_list_t *now,
    const pm_wrap_list_t *last, ngx_uint_t first, ngx_uint_t second,
    uint64_t sum[2]);
static uint64_t ngx_procmgr_history_grown(uint64_t now, uint64_t before);
static void ngx_procmgr_history_count(ngx_procmgr_counted_t *c);


ngx_int_t
ngx_procmgr_history_add(ngx_conf_t *cf, ngx_procmgr_t *pm, void *tag)
{
    size_t      size;
    ngx_str_t   name;

    name.len = pm->shm_zone->shm.name.len + sizeof(".history") - 1;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name.data, "%V.history", &pm->shm_zone->shm.name);

    size = sizeof(ngx_procmgr_ring_t)
           + pm->history_size * sizeof(ngx_procmgr_sample_t);

    /* what the slab allocator keeps for itself, and rounding */

    size += size / 64 + 8 * ngx_pagesize;

    /*
     * a zone of its own: another number of samples makes another zone on
     * reload, and the rest of what is shared stays
     */

    pm->history_zone = ngx_shared_memory_add(cf, &name,
                                             ngx_align(size, ngx_pagesize),
                                             tag);
    if (pm->history_zone == NULL) {
        return NGX_ERROR;
    }

    pm->history_zone->init = ngx_procmgr_history_zone_init;
    pm->history_zone->data = pm;

    return NGX_OK;
}


static ngx_int_t
ngx_procmgr_history_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_procmgr_t *pm = shm_zone->data;

    size_t               size;
    ngx_slab_pool_t     *shpool;
    ngx_procmgr_ring_t  *ring;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data || shm_zone->shm.exists) {
        ring = shpool->data;

        if (ring->magic != NGX_PROCMGR_HISTORY_MAGIC
            || ring->layout != sizeof(ngx_procmgr_sample_t))
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" was made by another version of the "
                          "module: restart nginx instead of reloading it",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    size = sizeof(ngx_procmgr_ring_t)
           + pm->history_size * sizeof(ngx_procmgr_sample_t);

    ring = ngx_slab_calloc(shpool, size);
    if (ring == NULL) {
        return NGX_ERROR;
    }

    ring->size = pm->history_size;
    ring->layout = sizeof(ngx_procmgr_sample_t);
    ring->magic = NGX_PROCMGR_HISTORY_MAGIC;

    shpool->data = ring;

    return NGX_OK;
}


static ngx_procmgr_ring_t *
ngx_procmgr_history_ring(ngx_procmgr_t *pm, ngx_shmtx_t **mutex)
{
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) pm->history_zone->shm.addr;

    *mutex = &shpool->mutex;

    return shpool->data;
}


ngx_int_t
ngx_procmgr_history_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_procmgr_history_t  *history;

    if (pm->history_zone == NULL) {
        return NGX_OK;
    }

    history = ngx_pcalloc(cycle->pool, sizeof(ngx_procmgr_history_t));
    if (history == NULL) {
        return NGX_ERROR;
    }

    history->pm = pm;
    pm->history = history;

    ngx_procmgr_event(&history->timer, ngx_procmgr_history_timer);

    history->timer.cancelable = 1;

    ngx_add_timer(&history->timer, 1);

    return NGX_OK;
}


/* the next worker need not wait for the end of the lease */

void
ngx_procmgr_history_exit(ngx_procmgr_t *pm)
{
    ngx_shmtx_t         *mutex;
    ngx_procmgr_ring_t  *ring;

    if (pm->history == NULL) {
        return;
    }

    ring = ngx_procmgr_history_ring(pm, &mutex);

    ngx_shmtx_lock(mutex);

    if (ring->sampler.pid == ngx_pid) {
        ring->sampler.pid = 0;
    }

    ngx_shmtx_unlock(mutex);
}


static void
ngx_procmgr_history_timer(ngx_event_t *ev)
{
    uint64_t                 now, until;
    ngx_int_t                rc;
    ngx_shmtx_t             *mutex;
    ngx_procmgr_t           *pm;
    ngx_procmgr_ring_t      *ring;
    ngx_procmgr_history_t   *history;
    ngx_procmgr_sampling_t  *sampling;

    history = ngx_procmgr_owner(ev, ngx_procmgr_history_t, timer);
    pm = history->pm;

    if (ngx_exiting || ngx_terminate) {
        ngx_procmgr_history_exit(pm);
        return;
    }

    ring = ngx_procmgr_history_ring(pm, &mutex);
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(mutex);

    rc = ngx_procmgr_lease_take(&ring->sampler, now,
                                ngx_procmgr_history_lease(pm));
    until = ring->sampler.until;

    ngx_shmtx_unlock(mutex);

    if (rc != NGX_OK) {
        ngx_add_timer(ev, until - now);
        return;
    }

    ngx_add_timer(ev, pm->interval);

    if (history->running) {
        return;
    }

    sampling = ngx_procmgr_task_create(pm, sizeof(ngx_procmgr_sampling_t),
                                       ngx_procmgr_history_sample,
                                       ngx_procmgr_history_sampled);
    if (sampling == NULL) {
        return;
    }

    sampling->history = history;

    if (ngx_procmgr_task_post(sampling) == NGX_OK) {
        history->running = 1;
    }
}


static void
ngx_procmgr_history_sample(void *ctx, ngx_log_t *log)
{
    ngx_procmgr_sampling_t *sampling = ctx;

    int                     zone_full;
    char                    err[NGX_PROCMGR_ERR_LEN];
    ngx_procmgr_t          *pm;
    pm_snapshot_t          *s;
    ngx_procmgr_sample_t    sample;

    pm = sampling->history->pm;

    /* what somebody has just asked for is good for this too */

    s = ngx_procmgr_zone_snapshot(pm, pm->interval, PM_HAVE_STAT, err,
                                  &zone_full);
    if (s == NULL) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "procmgr history has no sample: %s", err);
        return;
    }

    ngx_memzero(&sample, sizeof(ngx_procmgr_sample_t));

    sample.made = s->monotonic_ns / 1000000;
    sample.wall_ms = s->wall_ms;
    sample.ticks = s->cpu.ticks;
    sample.percent = s->cpu.percent;
    sample.tasks = s->tasks;
    sample.memory = s->memory;
    ngx_memcpy(sample.load, s->load, sizeof(sample.load));

    free(s);

    ngx_procmgr_history_rates(sampling->history, sample.rate);
    ngx_procmgr_history_append(pm, &sample);
}


static void
ngx_procmgr_history_sampled(void *ctx)
{
    ngx_procmgr_sampling_t *sampling = ctx;

    sampling->history->running = 0;
}


/*
 * The number of a sample is written behind it: the one that a worker died
 * over is seen to be none.
 */

static void
ngx_procmgr_history_append(ngx_procmgr_t *pm, ngx_procmgr_sample_t *sample)
{
    ngx_shmtx_t           *mutex;
    ngx_procmgr_ring_t    *ring;
    ngx_procmgr_sample_t  *slot, *before;

    ring = ngx_procmgr_history_ring(pm, &mutex);

    ngx_shmtx_lock(mutex);

    before = &ring->samples[ring->newest % ring->size];

    if (ring->sampler.pid != ngx_pid
        || (ring->newest && before->made >= sample->made))
    {
        ngx_shmtx_unlock(mutex);
        return;
    }

    if (ring->newest
        && pm_host_cpu_percent(&before->ticks, &sample->ticks,
                               &sample->percent)
           == -1)
    {
        /* not a tick passed */

        sample->percent = before->percent;
    }

    slot = &ring->samples[(ring->newest + 1) % ring->size];

    slot->seq = 0;
    ngx_memory_barrier();

    *slot = *sample;

    ngx_memory_barrier();
    slot->seq = ++ring->newest;

    ngx_shmtx_unlock(mutex);
}


uint64_t
ngx_procmgr_history_newest(ngx_procmgr_t *pm)
{
    uint64_t             newest;
    ngx_shmtx_t         *mutex;
    ngx_procmgr_ring_t  *ring;

    ring = ngx_procmgr_history_ring(pm, &mutex);

    ngx_shmtx_lock(mutex);
    newest = ring->newest;
    ngx_shmtx_unlock(mutex);

    return newest;
}


size_t
ngx_procmgr_history_read(ngx_procmgr_t *pm, uint64_t since,
    ngx_procmgr_sample_t *dst, size_t n)
{
    size_t                 i;
    uint64_t               seq;
    ngx_shmtx_t           *mutex;
    ngx_procmgr_ring_t    *ring;
    ngx_procmgr_sample_t  *slot;

    ring = ngx_procmgr_history_ring(pm, &mutex);
    i = 0;

    ngx_shmtx_lock(mutex);

    if (ring->newest > ring->size && since < ring->newest - ring->size) {
        since = ring->newest - ring->size;
    }

    for (seq = since + 1; seq <= ring->newest && i < n; seq++) {
        slot = &ring->samples[seq % ring->size];

        if (slot->seq == seq) {
            dst[i++] = *slot;
        }
    }

    ngx_shmtx_unlock(mutex);

    return i;
}


/*
 * What each interface and disk counted since the last sample that this worker
 * took.  One that is new counts from the next sample on, and the sum over
 * those that are left never falls.
 */

static void
ngx_procmgr_history_rates(ngx_procmgr_history_t *history,
    int64_t rate[NGX_PROCMGR_RATES])
{
    double                  seconds;
    ngx_uint_t              i, known;
    uint64_t                sum[NGX_PROCMGR_RATES];
    ngx_procmgr_counted_t   now, *last;

    last = &history->last;

    ngx_procmgr_history_count(&now);

    ngx_procmgr_history_sum(&now.net, &last->net, PM_NET_BYTES_RECV,
                            PM_NET_BYTES_SENT, &sum[NGX_PROCMGR_RATE_RX]);

    ngx_procmgr_history_sum(&now.disks, &last->disks, PM_DISK_READ_BYTES,
                            PM_DISK_WRITE_BYTES, &sum[NGX_PROCMGR_RATE_READ]);

    seconds = (now.us - last->us) / 1000000.0;

    for (i = 0; i < NGX_PROCMGR_RATES; i++) {

        known = (i < NGX_PROCMGR_RATE_READ) ? now.net.n && last->net.n
                                            : now.disks.n && last->disks.n;

        rate[i] = (known && seconds > 0) ? (int64_t) (sum[i] / seconds) : -1;
    }

    free(last->net.elts);
    free(last->disks.elts);

    *last = now;
}


/* two of the counters; both lists are in nearly the same order */

static void
ngx_procmgr_history_sum(const pm_wrap_list_t *now, const pm_wrap_list_t *last,
    ngx_uint_t first, ngx_uint_t second, uint64_t sum[2])
{
    size_t           i, k, tries;
    const char      *elt, *before;
    const uint64_t  *value, *old;

    k = 0;
    sum[0] = 0;
    sum[1] = 0;

    for (i = 0; i < now->n; i++) {
        elt = (const char *) now->elts + i * now->size;

        for (tries = 0; tries < last->n; tries++) {
            before = (const char *) last->elts + k * last->size;

            k = (k + 1) % last->n;

            if (ngx_strcmp(elt, before) != 0) {
                continue;
            }

            value = (const uint64_t *) (elt + now->value);
            old = (const uint64_t *) (before + last->value);

            sum[0] += ngx_procmgr_history_grown(value[first], old[first]);
            sum[1] += ngx_procmgr_history_grown(value[second], old[second]);

            break;
        }
    }
}


/* a counter that fell began anew at 0 */

static uint64_t
ngx_procmgr_history_grown(uint64_t now, uint64_t before)
{
    return (now >= before) ? now - before : now;
}


/*
 * The interfaces but the loopback, the disks without their partitions; a list
 * that cannot be read is empty.
 */

static void
ngx_procmgr_history_count(ngx_procmgr_counted_t *c)
{
    int            root;
    size_t         i, n;
    pm_net_ios_t   net;
    pm_disk_io_t  *disks;

    ngx_memzero(c, sizeof(ngx_procmgr_counted_t));
    ngx_memzero(&net, sizeof(pm_net_ios_t));

    c->us = ngx_procmgr_boottime_us();

    if (pm_net_io_read(&net, NULL) != 0) {
        net.n = 0;
    }

    c->net.elts = net.elts;
    c->net.size = sizeof(pm_net_io_t);
    c->net.value = offsetof(pm_net_io_t, value);

    for (i = 0; i < net.n; i++) {
        if (ngx_strcmp(net.elts[i].name, "lo") != 0) {
            net.elts[c->net.n++] = net.elts[i];
        }
    }

    root = pm_procfs_open("/");

    if (root == -1) {
        return;
    }

    if (pm_disk_io(root, &disks, &n) != 0) {
        n = 0;
    }

    (void) close(root);

    c->disks.elts = disks;
    c->disks.size = sizeof(pm_disk_io_t);
    c->disks.value = offsetof(pm_disk_io_t, value);

    for (i = 0; i < n; i++) {
        if (disks[i].whole) {
            disks[c->disks.n++] = disks[i];
        }
    }
}
