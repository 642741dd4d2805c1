
#include "ngx_http_procmgr_system.h"
#include "../proc/pm_host.h"
#include "../proc/pm_human.h"

#include <time.h>


#define NGX_HTTP_PROCMGR_FACT_LEN  4096


static ngx_int_t ngx_http_procmgr_health(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_info(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_summary(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_system_human(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_system_args_t *args);

static void ngx_http_procmgr_make_info(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_info_human(pm_json_t *j, const char *name,
    const char *value);
static void ngx_http_procmgr_make_summary(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_summary_time(pm_json_t *j, int64_t ms);
static void ngx_http_procmgr_summary_cpu(pm_json_t *j,
    const pm_cpu_percent_t *c);
static void ngx_http_procmgr_summary_size(pm_json_t *j, const char *key,
    uint64_t kib, ngx_uint_t human);
static void ngx_http_procmgr_summary_pressure(pm_json_t *j,
    const pm_snapshot_t *s);
static void ngx_http_procmgr_summary_stall(pm_json_t *j,
    const pm_pressure_t *p);
static void ngx_http_procmgr_summary_text(pm_json_t *j,
    const pm_snapshot_t *s, uint64_t cache, uint64_t used);
static char *ngx_http_procmgr_human_key(char dst[64], const char *key);


ngx_http_procmgr_route_t  ngx_http_procmgr_system_routes[] = {

    { NGX_HTTP_GET, "health",
      NGX_PROCMGR_ROLE_NONE, NGX_HTTP_PROCMGR_ANON,
      ngx_http_procmgr_health },

    { NGX_HTTP_GET, "summary",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_summary },

    { NGX_HTTP_GET, "info",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_info },

    { NGX_HTTP_GET, "services",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_services },

    { NGX_HTTP_GET, "process",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_process_list },

    { NGX_HTTP_GET, "process/info",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_process_info },

    { NGX_HTTP_GET, "process/{pid}",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_process_one },

    { 0, NULL, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_system_table[] = {

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL, 0, 0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_no_args[] = {

    { NULL, 0, 0, 0, 0, NULL }
};


static ngx_int_t
ngx_http_procmgr_health(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    json_t  *json;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_no_args, NULL)
        != NGX_OK)
    {
        return ctx->rc;
    }

    json = json_pack("{s:s}", "status", "ok");
    if (json == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_procmgr_send_json(r, NGX_HTTP_OK, json);
}


static ngx_int_t
ngx_http_procmgr_info(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_system_args_t  args;

    if (ngx_http_procmgr_system_human(r, ctx, &args) != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_info,
                                        &args, sizeof(args), 0,
                                        "info?human=%d", args.human);
}


static ngx_int_t
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


static ngx_int_t
ngx_http_procmgr_system_human(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_system_args_t *args)
{
    ngx_int_t   rc;
    ngx_flag_t  human;

    ngx_memzero(args, sizeof(ngx_http_procmgr_system_args_t));

    human = 0;

    rc = ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_system_table, &human);

    args->human = (human != 0);

    return rc;
}


ngx_int_t
ngx_http_procmgr_system_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_make_pt make, void *args,
    size_t size, unsigned want, const char *what, ...)
{
    u_char                          *p, *last, key[NGX_PROCMGR_ARGS_LEN];
    va_list                          ap;
    ngx_procmgr_view_t               view;
    ngx_http_procmgr_system_args_t  *system;

    system = args;
    system->role = ctx->role;

    ngx_memzero(&view, sizeof(ngx_procmgr_view_t));

    view.make = make;
    view.args = args;
    view.args_size = size;
    view.want = want;
    view.again = system->again;
    view.timeout = NGX_HTTP_PROCMGR_READ_MAX + NGX_HTTP_PROCMGR_READ_REST;

    last = key + sizeof(key);

    p = ngx_slprintf(key, last, "system/");

    va_start(ap, what);
    p = ngx_vslprintf(p, last, what, ap);
    va_end(ap);

    p = ngx_slprintf(p, last, "&role=%s",
                     ngx_http_procmgr_role_name(ctx->role));

    view.key.len = p - key;
    view.key.data = ngx_pnalloc(r->pool, view.key.len);

    if (view.key.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(view.key.data, key, view.key.len);

    return ngx_http_procmgr_send_view(r, &view);
}


void
ngx_http_procmgr_partial(ngx_procmgr_job_t *job, const char *field)
{
    size_t       len;
    u_char      *p, *last;
    const char  *s;

    len = ngx_strlen(field);

    for (s = job->partial; (s = ngx_strstr(s, field)) != NULL; s += len) {

        if ((s == job->partial || s[-1] == ',')
            && (s[len] == ',' || s[len] == '\0'))
        {
            return;
        }
    }

    p = (u_char *) job->partial + ngx_strlen(job->partial);
    last = (u_char *) job->partial + sizeof(job->partial) - 1;

    if (len + 1 > (size_t) (last - p)) {
        return;
    }

    p = ngx_slprintf(p, last, "%s%s", job->partial[0] ? "," : "", field);
    *p = '\0';
}


void
ngx_http_procmgr_syscall_failed(ngx_procmgr_job_t *job, const char *call,
    int err)
{
    const char  *word;

    word = strerrorname_np(err);

    ngx_procmgr_job_fail(job, NGX_HTTP_INTERNAL_SERVER_ERROR,
                         "system_call_failed", "%s failed: %s", call,
                         word ? word : "unknown error");
}


ngx_uint_t
ngx_http_procmgr_own(const pm_proc_t *p)
{
    uid_t  uid;

    uid = geteuid();

    return uid == 0 || uid == p->euid;
}


static void
ngx_http_procmgr_make_info(ngx_procmgr_job_t *job)
{
    int                                    rc;
    char                                  *value;
    pm_json_t                             *j;
    const char                            *error;
    const pm_host_fact_t                  *fact;
    const ngx_http_procmgr_system_args_t  *args;

    j = &job->json;
    args = job->args;

    value = ngx_alloc(NGX_HTTP_PROCMGR_FACT_LEN, job->log);
    if (value == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        return;
    }

    pm_json_object(j);

    for (fact = pm_host_facts; fact->name; fact++) {

        rc = pm_host_fact(fact->name, value, NGX_HTTP_PROCMGR_FACT_LEN);

        pm_json_key(j, fact->name);
        pm_json_object(j);

        pm_json_key(j, "is_exec");
        pm_json_bool(j, rc == 0);

        pm_json_key(j, "cmdret");

        if (rc != 0) {
            error = strerrordesc_np(rc);
            pm_json_str(j, error ? error : "unknown error");

        } else if (fact->type == PM_FACT_NUMBER) {
            pm_json_raw(j, value, ngx_strlen(value));

        } else {
            pm_json_strn(j, value, ngx_strlen(value));
        }

        pm_json_key(j, "retopt");
        pm_json_str(j, "Unkown");

        if (rc == 0 && args->human) {
            ngx_http_procmgr_info_human(j, fact->name, value);
        }

        pm_json_object_end(j);
    }

    pm_json_object_end(j);

    ngx_free(value);
}


/* the one size and the one duration among the facts */

static void
ngx_http_procmgr_info_human(pm_json_t *j, const char *name, const char *value)
{
    char  human[PM_HUMAN_LEN];

    if (ngx_strcmp(name, "memory_total") == 0) {
        (void) pm_human_size(human, strtoull(value, NULL, 10));

    } else if (ngx_strcmp(name, "uptime") == 0) {
        (void) pm_human_duration(human, strtod(value, NULL));

    } else {
        return;
    }

    pm_json_key(j, "cmdret_human");
    pm_json_str(j, human);
}


static void
ngx_http_procmgr_make_summary(ngx_procmgr_job_t *job)
{
    char                                   key[64], human[PM_HUMAN_LEN];
    uint32_t                               i;
    uint64_t                               cache, used, gone;
    pm_json_t                             *j;
    const pm_cpu_t                        *cpus;
    const pm_memory_t                     *m;
    const pm_snapshot_t                   *s;
    const ngx_http_procmgr_system_args_t  *args;

    j = &job->json;
    s = job->snapshot;
    m = &s->memory;
    args = job->args;

    pm_json_object(j);

    pm_json_key(j, "generation");
    pm_json_u64(j, s->generation);
    pm_json_key(j, "time");
    ngx_http_procmgr_summary_time(j, s->wall_ms);

    pm_json_key(j, "tasks");
    pm_json_object(j);
    pm_json_key(j, "total");
    pm_json_u64(j, s->tasks.total);
    pm_json_key(j, "running");
    pm_json_u64(j, s->tasks.running);
    pm_json_key(j, "sleeping");
    pm_json_u64(j, s->tasks.sleeping);
    pm_json_key(j, "stopped");
    pm_json_u64(j, s->tasks.stopped);
    pm_json_key(j, "zombie");
    pm_json_u64(j, s->tasks.zombie);
    pm_json_object_end(j);

    pm_json_key(j, "cpu");
    ngx_http_procmgr_summary_cpu(j, &s->cpu.percent);

    pm_json_key(j, "cpus");
    pm_json_array(j);

    cpus = pm_snapshot_cpus(s);

    for (i = 0; i < s->ncpus; i++) {
        ngx_http_procmgr_summary_cpu(j, &cpus[i].percent);
    }

    pm_json_array_end(j);

    /* the kernel counts these at different moments */

    cache = m->buffers + m->cached + m->sreclaimable;
    gone = m->free + cache;
    used = (m->total > gone) ? m->total - gone : 0;

    pm_json_key(j, "memory");
    pm_json_object(j);
    ngx_http_procmgr_summary_size(j, "total", m->total, args->human);
    ngx_http_procmgr_summary_size(j, "free", m->free, args->human);
    ngx_http_procmgr_summary_size(j, "used", used, args->human);
    ngx_http_procmgr_summary_size(j, "buff_cache", cache, args->human);
    ngx_http_procmgr_summary_size(j, "available", m->available, args->human);
    ngx_http_procmgr_summary_size(j, "used_available",
                                  m->total > m->available
                                  ? m->total - m->available : 0,
                                  args->human);
    pm_json_object_end(j);

    pm_json_key(j, "swap");
    pm_json_object(j);
    ngx_http_procmgr_summary_size(j, "total", m->swap_total, args->human);
    ngx_http_procmgr_summary_size(j, "free", m->swap_free, args->human);
    ngx_http_procmgr_summary_size(j, "used",
                                  m->swap_total > m->swap_free
                                  ? m->swap_total - m->swap_free : 0,
                                  args->human);
    ngx_http_procmgr_summary_size(j, "avail_mem", m->available, args->human);
    pm_json_object_end(j);

    pm_json_key(j, "load");
    pm_json_array(j);

    for (i = 0; i < 3; i++) {
        pm_json_fixed(j, s->load[i], 2);
    }

    pm_json_array_end(j);

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
    ngx_http_procmgr_summary_text(j, s, cache, used);

    pm_json_object_end(j);
}


static void
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


static void
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
ngx_http_procmgr_summary_text(pm_json_t *j, const pm_snapshot_t *s,
    uint64_t cache, uint64_t used)
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
                    m->total, m->free, used, cache);
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
