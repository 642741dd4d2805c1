
/*
 * The polled header: what top prints above its list, as numbers and as its
 * lines of text.
 */


#include "ngx_http_procmgr_summary.h"
#include "../proc/pm_human.h"

#include <time.h>


static uint64_t ngx_http_procmgr_summary_cache(const pm_memory_t *m);
static uint64_t ngx_http_procmgr_summary_used(const pm_memory_t *m);
static void ngx_http_procmgr_summary_size(pm_json_t *j, const char *key,
    uint64_t kib, ngx_uint_t human);
static void ngx_http_procmgr_summary_pressure(pm_json_t *j,
    const pm_snapshot_t *s);
static void ngx_http_procmgr_summary_stall(pm_json_t *j,
    const pm_pressure_t *p);
static void ngx_http_procmgr_summary_text(pm_json_t *j,
    const pm_snapshot_t *s);
static char *ngx_http_procmgr_human_key(char dst[64], const char *key);


ngx_int_t
ngx_http_procmgr_summary(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_system_args_t  args;

    if (ngx_http_procmgr_system_human(r, ctx, &args) != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_summary,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "summary?human=%d", args.human);
}


void
ngx_http_procmgr_make_summary(ngx_procmgr_job_t *job)
{
    char                                   key[64], human[PM_HUMAN_LEN];
    uint32_t                               i;
    pm_json_t                             *j;
    const pm_cpu_t                        *cpus;
    const pm_snapshot_t                   *s;
    const ngx_http_procmgr_system_args_t  *args;

    j = &job->json;
    s = job->snapshot;
    args = job->args;

    pm_json_object(j);

    pm_json_key(j, "generation");
    pm_json_u64(j, s->generation);
    pm_json_key(j, "time");
    ngx_http_procmgr_summary_time(j, s->wall_ms);

    pm_json_key(j, "tasks");
    ngx_http_procmgr_summary_tasks(j, &s->tasks);

    pm_json_key(j, "cpu");
    ngx_http_procmgr_summary_cpu(j, &s->cpu.percent);

    pm_json_key(j, "cpus");
    pm_json_array(j);

    cpus = pm_snapshot_cpus(s);

    for (i = 0; i < s->ncpus; i++) {
        ngx_http_procmgr_summary_cpu(j, &cpus[i].percent);
    }

    pm_json_array_end(j);

    pm_json_key(j, "memory");
    ngx_http_procmgr_summary_memory(j, &s->memory, args->human);

    pm_json_key(j, "swap");
    ngx_http_procmgr_summary_swap(j, &s->memory, args->human);

    pm_json_key(j, "load");
    ngx_http_procmgr_summary_load(j, s->load);

    pm_json_key(j, "uptime");
    pm_json_fixed(j, s->uptime, 2);

    if (args->human) {
        (void) pm_human_duration(human, s->uptime);
        pm_json_key(j, ngx_http_procmgr_human_key(key, "uptime"));
        pm_json_str(j, human);
    }

    pm_json_key(j, "pressure");
    ngx_http_procmgr_summary_pressure(j, s);

    pm_json_key(j, "text");
    ngx_http_procmgr_summary_text(j, s);

    pm_json_object_end(j);
}


void
ngx_http_procmgr_summary_time(pm_json_t *j, int64_t ms)
{
    char       buf[64];
    time_t     sec;
    struct tm  tm;

    sec = (time_t) (ms / 1000);

    if (ms < 0 || gmtime_r(&sec, &tm) == NULL) {
        pm_json_null(j);
        return;
    }

    (void) snprintf(buf, sizeof(buf), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                    tm.tm_hour, tm.tm_min, tm.tm_sec, (int) (ms % 1000));

    pm_json_str(j, buf);
}


void
ngx_http_procmgr_summary_tasks(pm_json_t *j, const pm_tasks_t *tasks)
{
    pm_json_object(j);
    pm_json_key(j, "total");
    pm_json_u64(j, tasks->total);
    pm_json_key(j, "running");
    pm_json_u64(j, tasks->running);
    pm_json_key(j, "sleeping");
    pm_json_u64(j, tasks->sleeping);
    pm_json_key(j, "stopped");
    pm_json_u64(j, tasks->stopped);
    pm_json_key(j, "zombie");
    pm_json_u64(j, tasks->zombie);
    pm_json_object_end(j);
}


void
ngx_http_procmgr_summary_cpu(pm_json_t *j, const pm_cpu_percent_t *c)
{
    pm_json_object(j);
    pm_json_key(j, "us");
    pm_json_double(j, c->us);
    pm_json_key(j, "sy");
    pm_json_double(j, c->sy);
    pm_json_key(j, "ni");
    pm_json_double(j, c->ni);
    pm_json_key(j, "id");
    pm_json_double(j, c->id);
    pm_json_key(j, "wa");
    pm_json_double(j, c->wa);
    pm_json_key(j, "hi");
    pm_json_double(j, c->hi);
    pm_json_key(j, "si");
    pm_json_double(j, c->si);
    pm_json_key(j, "st");
    pm_json_double(j, c->st);
    pm_json_object_end(j);
}


void
ngx_http_procmgr_summary_memory(pm_json_t *j, const pm_memory_t *m,
    ngx_uint_t human)
{
    pm_json_object(j);
    ngx_http_procmgr_summary_size(j, "total", m->total, human);
    ngx_http_procmgr_summary_size(j, "free", m->free, human);
    ngx_http_procmgr_summary_size(j, "used",
                                  ngx_http_procmgr_summary_used(m), human);
    ngx_http_procmgr_summary_size(j, "buff_cache",
                                  ngx_http_procmgr_summary_cache(m), human);
    ngx_http_procmgr_summary_size(j, "available", m->available, human);
    ngx_http_procmgr_summary_size(j, "used_available",
                                  m->total > m->available
                                  ? m->total - m->available : 0, human);
    pm_json_object_end(j);
}


static uint64_t
ngx_http_procmgr_summary_cache(const pm_memory_t *m)
{
    return m->buffers + m->cached + m->sreclaimable;
}


/* the kernel counts these at different moments */

static uint64_t
ngx_http_procmgr_summary_used(const pm_memory_t *m)
{
    uint64_t  gone;

    gone = m->free + ngx_http_procmgr_summary_cache(m);

    return (m->total > gone) ? m->total - gone : 0;
}


void
ngx_http_procmgr_summary_swap(pm_json_t *j, const pm_memory_t *m,
    ngx_uint_t human)
{
    pm_json_object(j);
    ngx_http_procmgr_summary_size(j, "total", m->swap_total, human);
    ngx_http_procmgr_summary_size(j, "free", m->swap_free, human);
    ngx_http_procmgr_summary_size(j, "used",
                                  m->swap_total > m->swap_free
                                  ? m->swap_total - m->swap_free : 0, human);
    ngx_http_procmgr_summary_size(j, "avail_mem", m->available, human);
    pm_json_object_end(j);
}


void
ngx_http_procmgr_summary_load(pm_json_t *j, const double load[3])
{
    ngx_uint_t  i;

    pm_json_array(j);

    for (i = 0; i < 3; i++) {
        pm_json_fixed(j, load[i], 2);
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_summary_size(pm_json_t *j, const char *key, uint64_t kib,
    ngx_uint_t human)
{
    char  buf[PM_HUMAN_LEN], name[64];

    pm_json_key(j, key);
    pm_json_u64(j, kib);

    if (human) {
        (void) pm_human_size(buf, kib * 1024);
        pm_json_key(j, ngx_http_procmgr_human_key(name, key));
        pm_json_str(j, buf);
    }
}


static char *
ngx_http_procmgr_human_key(char dst[64], const char *key)
{
    (void) snprintf(dst, 64, "%s_human", key);

    return dst;
}


static void
ngx_http_procmgr_summary_pressure(pm_json_t *j, const pm_snapshot_t *s)
{
    ngx_uint_t  i;

    static const char *const  names[] = { "cpu", "memory", "io" };

    pm_json_object(j);

    for (i = 0; i < 3; i++) {
        pm_json_key(j, names[i]);

        if (!(s->have_pressure & (PM_PRESSURE_SOME << i))) {
            pm_json_null(j);
            continue;
        }

        /* the processor has no "full" before Linux 5.13 */

        pm_json_object(j);
        pm_json_key(j, "some");
        ngx_http_procmgr_summary_stall(j, &s->pressure_some[i]);
        pm_json_key(j, "full");
        ngx_http_procmgr_summary_stall(j,
                                 (s->have_pressure & (PM_PRESSURE_FULL << i))
                                 ? &s->pressure_full[i] : NULL);
        pm_json_object_end(j);
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_summary_stall(pm_json_t *j, const pm_pressure_t *p)
{
    if (p == NULL) {
        pm_json_null(j);
        return;
    }

    pm_json_object(j);
    pm_json_key(j, "avg10");
    pm_json_fixed(j, p->avg10, 2);
    pm_json_key(j, "avg60");
    pm_json_fixed(j, p->avg60, 2);
    pm_json_key(j, "avg300");
    pm_json_fixed(j, p->avg300, 2);
    pm_json_key(j, "total");
    pm_json_u64(j, p->total);
    pm_json_object_end(j);
}


/* the lines of top's header */

static void
ngx_http_procmgr_summary_text(pm_json_t *j, const pm_snapshot_t *s)
{
    char                     buf[256];
    const pm_memory_t       *m;
    const pm_cpu_percent_t  *c;

    m = &s->memory;
    c = &s->cpu.percent;

    pm_json_object(j);

    (void) snprintf(buf, sizeof(buf),
                    "%u total, %u running, %u sleeping, %u stopped, "
                    "%u zombie",
                    s->tasks.total, s->tasks.running, s->tasks.sleeping,
                    s->tasks.stopped, s->tasks.zombie);
    pm_json_key(j, "tasks");
    pm_json_str(j, buf);

    (void) snprintf(buf, sizeof(buf),
                    "%.1f us, %.1f sy, %.1f ni, %.1f id, %.1f wa, %.1f hi, "
                    "%.1f si, %.1f st",
                    c->us, c->sy, c->ni, c->id, c->wa, c->hi, c->si, c->st);
    pm_json_key(j, "cpu");
    pm_json_str(j, buf);

    (void) snprintf(buf, sizeof(buf),
                    "%" PRIu64 " total, %" PRIu64 " free, %" PRIu64
                    " used, %" PRIu64 " buff/cache",
                    m->total, m->free, ngx_http_procmgr_summary_used(m),
                    ngx_http_procmgr_summary_cache(m));
    pm_json_key(j, "memory");
    pm_json_str(j, buf);

    (void) snprintf(buf, sizeof(buf),
                    "%" PRIu64 " total, %" PRIu64 " free, %" PRIu64
                    " used. %" PRIu64 " avail Mem",
                    m->swap_total, m->swap_free,
                    m->swap_total > m->swap_free
                    ? m->swap_total - m->swap_free : 0,
                    m->available);
    pm_json_key(j, "swap");
    pm_json_str(j, buf);

    pm_json_object_end(j);
}
