
/*
 * psutil's functions of the system: processors, memory, disks, sensors,
 * users, boot time.  Its names and units; null where psutil has a 0 that
 * nobody said.
 */


#include "ngx_http_procmgr_host.h"
#include "../proc/pm_cpu.h"
#include "../proc/pm_procfs.h"
#include "../proc/pm_vm.h"
#include "../proc/pm_who.h"


typedef struct {
    ngx_flag_t                       human;
    ngx_flag_t                       percpu;
    ngx_flag_t                       all;
    ngx_flag_t                       perdisk;
    ngx_flag_t                       nowrap;
    ngx_flag_t                       fahrenheit;
    ngx_uint_t                       shape;
    ngx_str_t                        path;
} ngx_http_procmgr_host_query_t;


static ngx_int_t ngx_http_procmgr_host_cpu(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_memory(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_disk(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_sensors(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_users(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_boot_time(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_schedule(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_units(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_host_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_host_args_t *args);

static void ngx_http_procmgr_make_cpu(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_cpu_times(ngx_procmgr_job_t *job,
    const pm_cpu_ticks_t *t);
static void ngx_http_procmgr_cpu_percent(ngx_procmgr_job_t *job,
    const pm_cpu_percent_t *c);
static void ngx_http_procmgr_cpu_stats(ngx_procmgr_job_t *job, int root);
static void ngx_http_procmgr_cpu_freq(ngx_procmgr_job_t *job, int root);
static void ngx_http_procmgr_cpu_freq_one(ngx_procmgr_job_t *job,
    const pm_cpu_freq_t *f);
static void ngx_http_procmgr_make_memory(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_make_users(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_make_boot_time(ngx_procmgr_job_t *job);


ngx_http_procmgr_route_t  ngx_http_procmgr_host_routes[] = {

    { NGX_HTTP_GET, "cpu",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_cpu },

    { NGX_HTTP_GET, "memory",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_memory },

    { NGX_HTTP_GET, "disk",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_disk },

    { NGX_HTTP_GET, "sensors",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_sensors },

    { NGX_HTTP_GET, "users",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_users },

    { NGX_HTTP_GET, "boot_time",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_boot_time },

    { NGX_HTTP_GET, "history",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_history },

    { NGX_HTTP_GET, "schedule",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_schedule },

    { NGX_HTTP_GET, "units",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_host_units },

    { 0, NULL, 0, 0, NULL }
};


static const char *const  ngx_http_procmgr_host_shapes[] = {
    "object", "array", NULL
};


#define ngx_http_procmgr_host_flag(name)                                      \
    { #name, NGX_HTTP_PROCMGR_ARG_BOOL,                                       \
      offsetof(ngx_http_procmgr_host_query_t, name), 0, 0, NULL }

#define ngx_http_procmgr_host_shape                                           \
    { "shape", NGX_HTTP_PROCMGR_ARG_ENUM,                                     \
      offsetof(ngx_http_procmgr_host_query_t, shape), 0, 0,                   \
      ngx_http_procmgr_host_shapes }

#define ngx_http_procmgr_host_end  { NULL, 0, 0, 0, 0, NULL }


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_host_few_args[] = {
    ngx_http_procmgr_host_flag(human),
    ngx_http_procmgr_host_end
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_host_args[] = {
    ngx_http_procmgr_host_flag(human),
    ngx_http_procmgr_host_shape,
    ngx_http_procmgr_host_end
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_host_cpu_args[] = {
    ngx_http_procmgr_host_flag(percpu),
    ngx_http_procmgr_host_flag(human),
    ngx_http_procmgr_host_shape,
    ngx_http_procmgr_host_end
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_host_disk_args[] = {
    ngx_http_procmgr_host_flag(all),
    ngx_http_procmgr_host_flag(perdisk),
    ngx_http_procmgr_host_flag(nowrap),
    ngx_http_procmgr_host_flag(human),
    ngx_http_procmgr_host_shape,

    { "path", NGX_HTTP_PROCMGR_ARG_STR,
      offsetof(ngx_http_procmgr_host_query_t, path), 1,
      sizeof(((ngx_http_procmgr_host_args_t *) 0)->path) - 1, NULL },

    ngx_http_procmgr_host_end
};


static const ngx_http_procmgr_arg_t  ngx_http_procmgr_host_sensors_args[] = {
    ngx_http_procmgr_host_flag(fahrenheit),
    ngx_http_procmgr_host_flag(human),
    ngx_http_procmgr_host_shape,
    ngx_http_procmgr_host_end
};


static ngx_int_t
ngx_http_procmgr_host_cpu(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_cpu_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_cpu,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "cpu?percpu=%ui&array=%ui&human=%ud",
                                        args.percpu, args.array,
                                        args.system.human);
}


static ngx_int_t
ngx_http_procmgr_host_memory(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_memory,
                                        &args, sizeof(args), 0,
                                        "memory?array=%ui&human=%ud",
                                        args.array, args.system.human);
}


static ngx_int_t
ngx_http_procmgr_host_disk(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_disk_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    if (args.path[0] != '\0' && args.path[0] != '/') {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                        "bad_parameter",
                                        "\"path\" is \"%s\", allowed is an "
                                        "absolute path", args.path);
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_disk,
                                        &args, sizeof(args), 0,
                                        "disk?all=%ui&perdisk=%ui&array=%ui"
                                        "&human=%ud&nowrap=%ui&path=%s",
                                        args.all, args.perdisk, args.array,
                                        args.system.human, args.nowrap,
                                        args.path);
}


static ngx_int_t
ngx_http_procmgr_host_sensors(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx,
                                    ngx_http_procmgr_host_sensors_args, &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_sensors,
                                        &args, sizeof(args), 0,
                                        "sensors?fahrenheit=%ui&array=%ui"
                                        "&human=%ud", args.fahrenheit,
                                        args.array, args.system.human);
}


static ngx_int_t
ngx_http_procmgr_host_users(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_users,
                                        &args, sizeof(args), 0,
                                        "users?array=%ui", args.array);
}


static ngx_int_t
ngx_http_procmgr_host_boot_time(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_few_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_boot_time,
                                        &args, sizeof(args), PM_HAVE_STAT,
                                        "boot_time");
}


static ngx_int_t
ngx_http_procmgr_host_schedule(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_few_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx,
                                        ngx_http_procmgr_make_schedule,
                                        &args, sizeof(args), 0, "schedule");
}


static ngx_int_t
ngx_http_procmgr_host_units(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_host_args_t  args;

    if (ngx_http_procmgr_host_query(r, ctx, ngx_http_procmgr_host_few_args,
                                    &args)
        != NGX_OK)
    {
        return ctx->rc;
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_units,
                                        &args, sizeof(args), 0, "units");
}


static ngx_int_t
ngx_http_procmgr_host_query(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    ngx_http_procmgr_host_args_t *args)
{
    ngx_int_t                      rc;
    ngx_http_procmgr_host_query_t  query;

    ngx_memzero(args, sizeof(ngx_http_procmgr_host_args_t));
    ngx_memzero(&query, sizeof(ngx_http_procmgr_host_query_t));

    query.nowrap = 1;

    rc = ngx_http_procmgr_args(r, ctx, table, &query);

    if (rc != NGX_OK) {
        return rc;
    }

    args->system.human = (query.human != 0);
    args->array = query.shape;
    args->percpu = (query.percpu != 0);
    args->all = (query.all != 0);
    args->perdisk = (query.perdisk != 0);
    args->nowrap = (query.nowrap != 0);
    args->fahrenheit = (query.fahrenheit != 0);

    if (query.path.len) {
        ngx_memcpy(args->path, query.path.data, query.path.len);
    }

    return NGX_OK;
}


static void
ngx_http_procmgr_make_cpu(ngx_procmgr_job_t *job)
{
    int                                  root;
    unsigned                             cores;
    uint32_t                             i;
    pm_json_t                           *j;
    const pm_cpu_t                      *cpus;
    const pm_snapshot_t                 *s;
    const ngx_http_procmgr_host_args_t  *args;

    j = &job->json;
    s = job->snapshot;
    args = job->args;
    cpus = pm_snapshot_cpus(s);

    root = pm_procfs_open("/");

    if (root == -1) {
        ngx_http_procmgr_syscall_failed(job, "open", errno);
        return;
    }

    pm_json_object(j);

    pm_json_key(j, "times");

    if (args->percpu) {
        pm_json_array(j);

        for (i = 0; i < s->ncpus; i++) {
            ngx_http_procmgr_cpu_times(job, &cpus[i].ticks);
        }

        pm_json_array_end(j);

    } else {
        ngx_http_procmgr_cpu_times(job, &s->cpu.ticks);
    }

    pm_json_key(j, "times_percent");

    if (args->percpu) {
        pm_json_array(j);

        for (i = 0; i < s->ncpus; i++) {
            ngx_http_procmgr_cpu_percent(job, &cpus[i].percent);
        }

        pm_json_array_end(j);

    } else {
        ngx_http_procmgr_cpu_percent(job, &s->cpu.percent);
    }

    pm_json_key(j, "stats");
    ngx_http_procmgr_cpu_stats(job, root);

    pm_json_key(j, "freq");
    ngx_http_procmgr_cpu_freq(job, root);

    cores = pm_cpu_cores(root);

    pm_json_key(j, "count");
    pm_json_object(j);
    pm_json_key(j, "logical");
    pm_json_u64(j, s->ncpus);
    pm_json_key(j, "physical");

    if (cores) {
        pm_json_u64(j, cores);

    } else {
        pm_json_null(j);
    }

    pm_json_object_end(j);
    pm_json_object_end(j);

    close(root);
}


static void
ngx_http_procmgr_cpu_times(ngx_procmgr_job_t *job, const pm_cpu_ticks_t *t)
{
    double  hz;

    hz = job->snapshot->ticks_per_second;

    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_seconds(job, "user", t->user / hz);
    ngx_http_procmgr_tuple_seconds(job, "nice", t->nice / hz);
    ngx_http_procmgr_tuple_seconds(job, "system", t->system / hz);
    ngx_http_procmgr_tuple_seconds(job, "idle", t->idle / hz);
    ngx_http_procmgr_tuple_seconds(job, "iowait", t->iowait / hz);
    ngx_http_procmgr_tuple_seconds(job, "irq", t->irq / hz);
    ngx_http_procmgr_tuple_seconds(job, "softirq", t->softirq / hz);
    ngx_http_procmgr_tuple_seconds(job, "steal", t->steal / hz);
    ngx_http_procmgr_tuple_seconds(job, "guest", t->guest / hz);
    ngx_http_procmgr_tuple_seconds(job, "guest_nice", t->guest_nice / hz);
    ngx_http_procmgr_tuple_end(job);
}


/* guest time is in user and nice too, as in psutil */

static void
ngx_http_procmgr_cpu_percent(ngx_procmgr_job_t *job,
    const pm_cpu_percent_t *c)
{
    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_fixed(job, "user", c->us, 1);
    ngx_http_procmgr_tuple_fixed(job, "nice", c->ni, 1);
    ngx_http_procmgr_tuple_fixed(job, "system", c->sy, 1);
    ngx_http_procmgr_tuple_fixed(job, "idle", c->id, 1);
    ngx_http_procmgr_tuple_fixed(job, "iowait", c->wa, 1);
    ngx_http_procmgr_tuple_fixed(job, "irq", c->hi, 1);
    ngx_http_procmgr_tuple_fixed(job, "softirq", c->si, 1);
    ngx_http_procmgr_tuple_fixed(job, "steal", c->st, 1);
    ngx_http_procmgr_tuple_fixed(job, "guest", c->guest, 1);
    ngx_http_procmgr_tuple_fixed(job, "guest_nice", c->guest_nice, 1);
    ngx_http_procmgr_tuple_end(job);
}


static void
ngx_http_procmgr_cpu_stats(ngx_procmgr_job_t *job, int root)
{
    pm_cpu_stats_t  stats;

    if (pm_cpu_stats(root, &stats) != 0) {
        pm_json_null(&job->json);
        return;
    }

    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_count(job, "ctx_switches", stats.ctx_switches);
    ngx_http_procmgr_tuple_count(job, "interrupts", stats.interrupts);
    ngx_http_procmgr_tuple_count(job, "soft_interrupts",
                                 stats.soft_interrupts);

    /* Linux does not count them */

    ngx_http_procmgr_tuple_key(job, "syscalls");
    pm_json_null(&job->json);

    ngx_http_procmgr_tuple_end(job);
}


static void
ngx_http_procmgr_cpu_freq(ngx_procmgr_job_t *job, int root)
{
    size_t                               i, n;
    pm_cpu_freq_t                       *freqs, mean;
    const ngx_http_procmgr_host_args_t  *args;

    args = job->args;

    if (pm_cpu_freqs(root, &freqs, &n) != 0) {
        pm_json_null(&job->json);
        return;
    }

    if (args->percpu) {
        pm_json_array(&job->json);

        for (i = 0; i < n; i++) {
            ngx_http_procmgr_cpu_freq_one(job, &freqs[i]);
        }

        pm_json_array_end(&job->json);

    } else {
        pm_cpu_freq_mean(freqs, n, &mean);
        ngx_http_procmgr_cpu_freq_one(job, &mean);
    }

    free(freqs);
}


static void
ngx_http_procmgr_cpu_freq_one(ngx_procmgr_job_t *job, const pm_cpu_freq_t *f)
{
    size_t         i;
    const double  *values[3];

    static const char *const  names[] = { "current", "min", "max" };

    values[0] = &f->current;
    values[1] = &f->min;
    values[2] = &f->max;

    ngx_http_procmgr_tuple(job);

    for (i = 0; i < 3; i++) {
        ngx_http_procmgr_tuple_key(job, names[i]);

        if (*values[i] < 0) {
            pm_json_null(&job->json);

        } else {
            pm_json_double(&job->json, *values[i]);
        }
    }

    ngx_http_procmgr_tuple_end(job);
}


static void
ngx_http_procmgr_make_memory(ngx_procmgr_job_t *job)
{
    int         rc, root;
    pm_vm_t     vm;
    pm_json_t  *j;
    pm_swap_t   swap;

    j = &job->json;

    root = pm_procfs_open("/");
    rc = (root == -1) ? errno : pm_vm_read(root, &vm, &swap);

    if (root != -1) {
        close(root);
    }

    if (rc) {
        ngx_http_procmgr_syscall_failed(job, "read", rc);
        return;
    }

    pm_json_object(j);

    pm_json_key(j, "virtual");
    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_size(job, "total", vm.total);
    ngx_http_procmgr_tuple_size(job, "available", vm.available);
    ngx_http_procmgr_tuple_fixed(job, "percent", vm.percent, 1);
    ngx_http_procmgr_tuple_size(job, "used", vm.used);
    ngx_http_procmgr_tuple_size(job, "free", vm.free);
    ngx_http_procmgr_tuple_size(job, "active", vm.active);
    ngx_http_procmgr_tuple_size(job, "inactive", vm.inactive);
    ngx_http_procmgr_tuple_size(job, "buffers", vm.buffers);
    ngx_http_procmgr_tuple_size(job, "cached", vm.cached);
    ngx_http_procmgr_tuple_size(job, "shared", vm.shared);
    ngx_http_procmgr_tuple_size(job, "slab", vm.slab);
    ngx_http_procmgr_tuple_end(job);

    pm_json_key(j, "swap");
    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_size(job, "total", swap.total);
    ngx_http_procmgr_tuple_size(job, "used", swap.used);
    ngx_http_procmgr_tuple_size(job, "free", swap.free);
    ngx_http_procmgr_tuple_fixed(job, "percent", swap.percent, 1);

    if (swap.have_io) {
        ngx_http_procmgr_tuple_size(job, "sin", swap.sin);
        ngx_http_procmgr_tuple_size(job, "sout", swap.sout);

    } else {
        ngx_http_procmgr_tuple_key(job, "sin");
        pm_json_null(j);
        ngx_http_procmgr_tuple_key(job, "sout");
        pm_json_null(j);
    }

    ngx_http_procmgr_tuple_end(job);

    pm_json_object_end(j);
}


/* without the file there are no sessions to tell of, as who has it */

static void
ngx_http_procmgr_make_users(ngx_procmgr_job_t *job)
{
    int         rc, root;
    size_t      i, n;
    pm_who_t   *who;
    pm_json_t  *j;

    j = &job->json;

    root = pm_procfs_open("/");
    rc = (root == -1) ? errno : pm_who_read(root, &who, &n);

    if (root != -1) {
        close(root);
    }

    if (rc == ENOENT) {
        ngx_http_procmgr_partial(job, "users");
        n = 0;
        who = NULL;

    } else if (rc) {
        ngx_http_procmgr_syscall_failed(job, "read", rc);
        return;
    }

    pm_json_array(j);

    for (i = 0; i < n; i++) {
        ngx_http_procmgr_tuple(job);
        ngx_http_procmgr_tuple_str(job, "name", who[i].user);
        ngx_http_procmgr_tuple_str(job, "terminal", who[i].terminal[0]
                                                    ? who[i].terminal : NULL);
        ngx_http_procmgr_tuple_str(job, "host",
                                   ngx_strcmp(who[i].host, ":0") == 0
                                   || ngx_strcmp(who[i].host, ":0.0") == 0
                                   ? "localhost" : who[i].host);
        ngx_http_procmgr_tuple_fixed(job, "started", who[i].started, 1);
        ngx_http_procmgr_tuple_key(job, "pid");
        pm_json_i64(j, who[i].pid);
        ngx_http_procmgr_tuple_end(job);
    }

    pm_json_array_end(j);

    free(who);
}


static void
ngx_http_procmgr_make_boot_time(ngx_procmgr_job_t *job)
{
    pm_json_fixed(&job->json, job->snapshot->btime, 1);
}
