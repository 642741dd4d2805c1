
/*
 * The family "metrics": what a Prometheus collects.  The host, its processes
 * by name or unit (never by pid: such series never end), and what the module
 * does itself.  There is no session: nginx's allow and deny guard it.
 *
 * Label values are names of processes, which anybody chooses: they are
 * escaped, limited in number, and those that look the same are one.
 */


#include "ngx_http_procmgr_groups.h"
#include "../core/ngx_procmgr_zone.h"
#include "../proc/pm_expo.h"


#define NGX_HTTP_PROCMGR_METRICS_TOP      100
#define NGX_HTTP_PROCMGR_METRICS_TOP_MAX  1000
#define NGX_HTTP_PROCMGR_METRICS_KEY      1024  /* of a label's value */


typedef struct {
    ngx_uint_t                       by;        /* in metrics_by[] */
    int64_t                          top;
} ngx_http_procmgr_metrics_query_t;


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    ngx_http_procmgr_metrics_query_t query;
    ngx_uint_t                       open;      /* OpenMetrics */
} ngx_http_procmgr_metrics_args_t;


static ngx_int_t ngx_http_procmgr_metrics(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static void ngx_http_procmgr_make_metrics(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_metrics_host(pm_expo_t *e,
    const pm_snapshot_t *s);
static void ngx_http_procmgr_metrics_cpu(pm_expo_t *e,
    const pm_snapshot_t *s);
static void ngx_http_procmgr_metrics_pressure(pm_expo_t *e,
    const pm_snapshot_t *s);
static ngx_int_t ngx_http_procmgr_metrics_groups(pm_expo_t *e,
    const pm_snapshot_t *s, const ngx_http_procmgr_metrics_query_t *q);
static void ngx_http_procmgr_metrics_cut(pm_groups_t *g, size_t top,
    pm_group_t *other);
static void ngx_http_procmgr_metrics_add(pm_group_t *to,
    const pm_group_t *from);
static void ngx_http_procmgr_metrics_group(pm_expo_t *e, const char *label,
    const pm_group_t *group, ngx_uint_t sum, uint32_t hz);
static void ngx_http_procmgr_metrics_own(pm_expo_t *e, ngx_procmgr_t *pm);
static void ngx_http_procmgr_metrics_kind(pm_expo_t *e, const char *key,
    const char *value, uint64_t v);


ngx_http_procmgr_route_t  ngx_http_procmgr_metrics_routes[] = {

    { NGX_HTTP_GET, "", NGX_PROCMGR_ROLE_NONE, NGX_HTTP_PROCMGR_ANON,
      ngx_http_procmgr_metrics },

    { 0, NULL, 0, 0, NULL }
};


static const char *const  ngx_http_procmgr_metrics_by[] = {
    "name", "unit", NULL
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_metrics_table[] = {

    { "by", NGX_HTTP_PROCMGR_ARG_ENUM,
      offsetof(ngx_http_procmgr_metrics_query_t, by), 0, 0,
      ngx_http_procmgr_metrics_by },

    { "top", NGX_HTTP_PROCMGR_ARG_INT,
      offsetof(ngx_http_procmgr_metrics_query_t, top), 0,
      NGX_HTTP_PROCMGR_METRICS_TOP_MAX, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_metrics(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    unsigned                          want;
    ngx_str_t                        *accept, value;
    ngx_http_procmgr_metrics_args_t   args;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_metrics_args_t));

    args.query.top = NGX_HTTP_PROCMGR_METRICS_TOP;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_metrics_table,
                              &args.query)
        != NGX_OK)
    {
        return ctx->rc;
    }

    accept = ngx_http_procmgr_header_in(r, "accept");

    args.open = accept
                && ngx_strlcasestrn(accept->data, accept->data + accept->len,
                                    (u_char *) "application/openmetrics-text",
                                    28 - 1)
                   != NULL;

    if (args.open) {
        ngx_str_set(&ctx->type, "application/openmetrics-text; "
                                "version=1.0.0; charset=utf-8");

    } else {
        ngx_str_set(&ctx->type, "text/plain; version=0.0.4; charset=utf-8");
    }

    ngx_str_set(&value, "Accept");

    if (ngx_http_procmgr_header(r, "Vary", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    want = ngx_http_procmgr_groups_want(args.query.by == 0 ? PM_GROUP_NAME
                                                           : PM_GROUP_UNIT);

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_metrics,
                                        &args, sizeof(args), want,
                                        "metrics?by=%ui&top=%L&open=%ui",
                                        args.query.by, args.query.top,
                                        args.open);
}


static void
ngx_http_procmgr_make_metrics(ngx_procmgr_job_t *job)
{
    pm_expo_t                               e;
    const ngx_http_procmgr_metrics_args_t  *args;

    args = job->args;

    pm_expo_init(&e, (int) args->open);

    ngx_http_procmgr_metrics_host(&e, job->snapshot);
    ngx_http_procmgr_metrics_cpu(&e, job->snapshot);
    ngx_http_procmgr_metrics_pressure(&e, job->snapshot);

    if (ngx_http_procmgr_metrics_groups(&e, job->snapshot, &args->query)
        != NGX_OK)
    {
        e.error = 1;
    }

    ngx_http_procmgr_metrics_own(&e, job->pm);

    pm_expo_end(&e);

    if (e.error) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);

    } else {
        pm_json_raw(&job->json, e.buf.data, e.len);
    }

    pm_expo_free(&e);
}


static void
ngx_http_procmgr_metrics_host(pm_expo_t *e, const pm_snapshot_t *s)
{
    ngx_uint_t          i;
    const pm_tasks_t   *t;
    const pm_memory_t  *m;

    static const char *const  minutes[] = { "1", "5", "15" };

    t = &s->tasks;
    m = &s->memory;

    pm_expo_family(e, "procmgr_host_tasks", PM_EXPO_GAUGE, NULL,
                   "Processes of the host by state");
    ngx_http_procmgr_metrics_kind(e, "state", "running", t->running);
    ngx_http_procmgr_metrics_kind(e, "state", "sleeping", t->sleeping);
    ngx_http_procmgr_metrics_kind(e, "state", "stopped", t->stopped);
    ngx_http_procmgr_metrics_kind(e, "state", "zombie", t->zombie);

    pm_expo_family(e, "procmgr_host_memory_bytes", PM_EXPO_GAUGE, "bytes",
                   "Memory of the host");
    ngx_http_procmgr_metrics_kind(e, "kind", "total", m->total * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "free", m->free * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "available",
                                  m->available * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "buffers", m->buffers * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "cached", m->cached * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "reclaimable",
                                  m->sreclaimable * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "shared", m->shmem * 1024);

    pm_expo_family(e, "procmgr_host_swap_bytes", PM_EXPO_GAUGE, "bytes",
                   "Swap of the host");
    ngx_http_procmgr_metrics_kind(e, "kind", "total", m->swap_total * 1024);
    ngx_http_procmgr_metrics_kind(e, "kind", "free", m->swap_free * 1024);

    pm_expo_family(e, "procmgr_host_load", PM_EXPO_GAUGE, NULL,
                   "Load average of the host");

    for (i = 0; i < 3; i++) {
        pm_expo_sample(e);
        pm_expo_label(e, "minutes", minutes[i], ngx_strlen(minutes[i]));
        pm_expo_millionths(e, (uint64_t) (s->load[i] * 1000000 + 0.5));
    }

    pm_expo_family(e, "procmgr_host_uptime_seconds", PM_EXPO_GAUGE, "seconds",
                   "Time since the host was started");
    pm_expo_sample(e);
    pm_expo_millionths(e, (uint64_t) (s->uptime * 1000000));
}


static void
ngx_http_procmgr_metrics_cpu(pm_expo_t *e, const pm_snapshot_t *s)
{
    ngx_uint_t             i;
    const pm_cpu_ticks_t  *t;

    t = &s->cpu.ticks;

    /* the time of guests is in user and nice already */

    const struct {
        const char  *mode;
        uint64_t     ticks;
    } modes[] = {
        { "user", t->user },
        { "nice", t->nice },
        { "system", t->system },
        { "idle", t->idle },
        { "iowait", t->iowait },
        { "irq", t->irq },
        { "softirq", t->softirq },
        { "steal", t->steal }
    };

    pm_expo_family(e, "procmgr_host_cpu_seconds", PM_EXPO_COUNTER, "seconds",
                   "Time of all processors by what they did");

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        pm_expo_sample(e);
        pm_expo_label(e, "mode", modes[i].mode, ngx_strlen(modes[i].mode));
        pm_expo_millionths(e, modes[i].ticks
                              * (1000000 / s->ticks_per_second));
    }
}


static void
ngx_http_procmgr_metrics_pressure(pm_expo_t *e, const pm_snapshot_t *s)
{
    ngx_uint_t  i, full;

    static const char *const  names[] = { "cpu", "memory", "io" };

    if (s->have_pressure == 0) {
        return;
    }

    pm_expo_family(e, "procmgr_host_pressure_seconds", PM_EXPO_COUNTER,
                   "seconds", "Time in which processes waited for a resource");

    for (i = 0; i < 6; i++) {

        full = i / 3;

        if (!(s->have_pressure & (full ? PM_PRESSURE_FULL : PM_PRESSURE_SOME)
                                 << i % 3))
        {
            continue;
        }

        pm_expo_sample(e);
        pm_expo_label(e, "resource", names[i % 3], ngx_strlen(names[i % 3]));
        pm_expo_label(e, "share", full ? "full" : "some", 4);
        pm_expo_millionths(e, full ? s->pressure_full[i % 3].total
                                   : s->pressure_some[i % 3].total);
    }
}


static ngx_int_t
ngx_http_procmgr_metrics_groups(pm_expo_t *e, const pm_snapshot_t *s,
    const ngx_http_procmgr_metrics_query_t *q)
{
    size_t        i;
    ngx_int_t     rc;
    ngx_uint_t    k;
    const char   *label;
    pm_group_t    other;
    pm_groups_t   g;

    static const struct {
        ngx_uint_t   sum;
        const char  *name;
        const char  *unit;
        const char  *help;
    } families[] = {
        { PM_GROUP_PROCESSES, "procmgr_group_processes", NULL,
          "Processes of a group" },
        { PM_GROUP_THREADS, "procmgr_group_threads", NULL,
          "Threads of a group" },
        { PM_GROUP_RSS, "procmgr_group_resident_memory_bytes", "bytes",
          "Resident memory of a group; what its processes share counts more "
          "than once" },
        { PM_GROUP_VMS, "procmgr_group_virtual_memory_bytes", "bytes",
          "Virtual memory of a group" },
        { PM_GROUP_TICKS, "procmgr_group_cpu_seconds", "seconds",
          "Time of the processors that the living processes of a group have "
          "used" }
    };

    ngx_memzero(&g, sizeof(pm_groups_t));
    ngx_memzero(&other, sizeof(pm_group_t));

    label = ngx_http_procmgr_metrics_by[q->by];
    rc = NGX_ERROR;

    if (pm_groups_make(&g, s, q->by == 0 ? PM_GROUP_NAME : PM_GROUP_UNIT,
                       NULL)
        == 0)
    {
        pm_groups_sort(&g, PM_GROUP_RSS, 1);
        ngx_http_procmgr_metrics_cut(&g, (size_t) q->top, &other);
        rc = NGX_OK;
    }

    for (k = 0; k < sizeof(families) / sizeof(families[0]); k++) {

        pm_expo_family(e, families[k].name, PM_EXPO_GAUGE, families[k].unit,
                       families[k].help);

        for (i = 0; i < g.n; i++) {

            if (g.elts[i].sum[PM_GROUP_PROCESSES]) {
                ngx_http_procmgr_metrics_group(e, label, &g.elts[i],
                                               families[k].sum,
                                               s->ticks_per_second);
            }
        }

        if (other.sum[PM_GROUP_PROCESSES]) {
            ngx_http_procmgr_metrics_group(e, "other", &other,
                                           families[k].sum,
                                           s->ticks_per_second);
        }
    }

    pm_groups_free(&g);

    return rc;
}


/*
 * The first `top' stay, as the text shows them: of two that are written alike
 * the second has no processes any more, and the first has them too.
 */

static void
ngx_http_procmgr_metrics_cut(pm_groups_t *g, size_t top, pm_group_t *other)
{
    char    *key;
    size_t   i, k;

    for (i = top; i < g->n; i++) {
        ngx_http_procmgr_metrics_add(other, &g->elts[i]);
        free(g->elts[i].key);
    }

    g->n = ngx_min(g->n, top);

    other->key = (char *) "true";
    other->len = 4;

    for (i = 0; i < g->n; i++) {

        key = malloc(NGX_HTTP_PROCMGR_METRICS_KEY);

        if (key) {
            g->elts[i].len = pm_utf8_repair(key, NGX_HTTP_PROCMGR_METRICS_KEY,
                                            g->elts[i].key, g->elts[i].len);
            free(g->elts[i].key);
            g->elts[i].key = key;
        }

        for (k = 0; k < i; k++) {
            if (g->elts[k].len == g->elts[i].len
                && ngx_memcmp(g->elts[k].key, g->elts[i].key,
                              g->elts[i].len) == 0)
            {
                ngx_http_procmgr_metrics_add(&g->elts[k], &g->elts[i]);
                ngx_memzero(g->elts[i].sum, sizeof(g->elts[i].sum));
                break;
            }
        }
    }
}


static void
ngx_http_procmgr_metrics_add(pm_group_t *to, const pm_group_t *from)
{
    ngx_uint_t  i;

    for (i = 0; i < PM_GROUP_SUMS; i++) {
        to->sum[i] += from->sum[i];
    }
}


/* an empty value is no label: the processes that are in no unit */

static void
ngx_http_procmgr_metrics_group(pm_expo_t *e, const char *label,
    const pm_group_t *group, ngx_uint_t sum, uint32_t hz)
{
    pm_expo_sample(e);
    pm_expo_label(e, label, group->key, group->len);

    if (sum == PM_GROUP_TICKS) {
        pm_expo_millionths(e, group->sum[sum] * (1000000 / hz));

    } else {
        pm_expo_u64(e, group->sum[sum]);
    }
}


static void
ngx_http_procmgr_metrics_own(pm_expo_t *e, ngx_procmgr_t *pm)
{
    uint64_t                 now;
    ngx_uint_t               i, n;
    ngx_procmgr_shm_t       *sh;
    ngx_procmgr_counters_t  *c;

    sh = pm->sh;
    c = &sh->counters;
    now = ngx_procmgr_boottime();

    const struct {
        const char    *name;
        ngx_atomic_t  *value;
        const char    *help;
    } counters[] = {
        { "procmgr_scans", &c->scans, "Scans of all processes" },
        { "procmgr_views_made", &c->views_made, "Answers that were made" },
        { "procmgr_views_cached", &c->views_cached,
          "Requests answered by what was there" },
        { "procmgr_tasks", &c->tasks_posted,
          "Tasks given to the thread pool" },
        { "procmgr_tasks_done", &c->tasks_done,
          "Tasks the thread pool has done" },
        { "procmgr_tasks_refused", &c->tasks_refused,
          "Tasks that found the queue of the thread pool full" },
        { "procmgr_helper_runs", &c->helper_runs, "Runs of the helper" },
        { "procmgr_helper_lost", &c->helper_lost,
          "Runs of the helper whose result nobody learned" },
        { "procmgr_operations", &c->ops, "Operations" },
        { "procmgr_events", &sh->events.seq, "Alerts and ends of watches" }
    };

    pm_expo_family(e, "procmgr_scan_seconds", PM_EXPO_COUNTER, "seconds",
                   "Time that the scans took");
    pm_expo_sample(e);
    pm_expo_millionths(e, c->scan_us);

    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        pm_expo_family(e, counters[i].name, PM_EXPO_COUNTER, NULL,
                       counters[i].help);
        pm_expo_sample(e);
        pm_expo_u64(e, *counters[i].value);
    }

    n = 0;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_HELPERS; i++) {
        n += (sh->helpers[i].pid != 0 && sh->helpers[i].until > now);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    pm_expo_family(e, "procmgr_helpers_running", PM_EXPO_GAUGE, NULL,
                   "Helpers that run now");
    pm_expo_sample(e);
    pm_expo_u64(e, n);

    pm_expo_family(e, "procmgr_event_listeners", PM_EXPO_GAUGE, NULL,
                   "Pages that listen for events");
    pm_expo_sample(e);
    pm_expo_u64(e, ngx_procmgr_event_listeners(pm));

    pm_expo_family(e, "procmgr_zone_size_bytes", PM_EXPO_GAUGE, "bytes",
                   "Size of the shared zone");
    pm_expo_sample(e);
    pm_expo_u64(e, pm->shm_zone->shm.size);

    /* as the last look for ended sessions found it */

    if (sh->sess.epoch_checked || sh->sess.epoch_failed) {
        pm_expo_family(e, "procmgr_database_up", PM_EXPO_GAUGE, NULL,
                       "Whether the database answered when it was last "
                       "asked");
        pm_expo_sample(e);
        pm_expo_u64(e, sh->sess.epoch_failed == 0);
    }
}


static void
ngx_http_procmgr_metrics_kind(pm_expo_t *e, const char *key,
    const char *value, uint64_t v)
{
    pm_expo_sample(e);
    pm_expo_label(e, key, value, ngx_strlen(value));
    pm_expo_u64(e, v);
}
