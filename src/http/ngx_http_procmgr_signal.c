
/*
 * Signals and priorities: to a process that is named by its pid and by when
 * it was started, so that no other process of the same pid is met.
 */


#include "ngx_http_procmgr_control.h"
#include "../proc/pm_host.h"
#include "../proc/pm_pid.h"
#include "../proc/pm_procfs.h"


#define NGX_HTTP_PROCMGR_SIGNAL_WAIT      3000      /* ms */
#define NGX_HTTP_PROCMGR_SIGNAL_WAIT_MAX  60000
#define NGX_HTTP_PROCMGR_AFFINITY_MAX     512       /* CPUs in one list */
#define NGX_HTTP_PROCMGR_CPU_MAX          1023


typedef struct {
    int64_t                   pid;
    json_t                   *create_time;
    ngx_str_t                 identity;
    ngx_str_t                 signal;
    ngx_flag_t                tree;
    int64_t                   wait_ms;
    ngx_str_t                 then;
} ngx_http_procmgr_signal_t;


typedef struct {
    int64_t                   pid;
    json_t                   *create_time;
    ngx_str_t                 identity;
    int64_t                   nice;
    json_t                   *ionice;
    json_t                   *affinity;
} ngx_http_procmgr_priority_t;


static ngx_int_t ngx_http_procmgr_process_act(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act, int64_t pid,
    json_t *create_time, ngx_str_t *identity);
static ngx_int_t ngx_http_procmgr_process_booted(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *boot);
static ngx_int_t ngx_http_procmgr_process_start(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid, int64_t ticks);
static ngx_int_t ngx_http_procmgr_process_there(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *there);
static ngx_int_t ngx_http_procmgr_process_identity(ngx_str_t *identity,
    int64_t *pid, int64_t *ticks);
static const char *ngx_http_procmgr_signal_name(ngx_str_t *name);
static ngx_int_t ngx_http_procmgr_priority_set(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_priority_t *p,
    json_t *request);


#define NGX_HTTP_PROCMGR_NICE_UNSET  1000


static const ngx_http_procmgr_member_t  ngx_http_procmgr_signal_members[] = {

    { "pid", 'i', 1, offsetof(ngx_http_procmgr_signal_t, pid),
      1, NGX_MAX_INT32_VALUE },

    { "create_time", 'j', 1,
      offsetof(ngx_http_procmgr_signal_t, create_time), 0, 0 },

    { "identity", 's', 1, offsetof(ngx_http_procmgr_signal_t, identity),
      3, 40 },

    { "signal", 's', 0, offsetof(ngx_http_procmgr_signal_t, signal),
      0, 16 },

    { "tree", 'b', 1, offsetof(ngx_http_procmgr_signal_t, tree),
      0, 0 },

    { "wait_ms", 'i', 1, offsetof(ngx_http_procmgr_signal_t, wait_ms),
      0, NGX_HTTP_PROCMGR_SIGNAL_WAIT_MAX },

    { "then", 's', 1, offsetof(ngx_http_procmgr_signal_t, then),
      0, 16 },

    { NULL, 0, 0, 0, 0, 0 }
};


static const ngx_http_procmgr_member_t  ngx_http_procmgr_priority_members[] = {

    { "pid", 'i', 1, offsetof(ngx_http_procmgr_priority_t, pid),
      1, NGX_MAX_INT32_VALUE },

    { "create_time", 'j', 1,
      offsetof(ngx_http_procmgr_priority_t, create_time), 0, 0 },

    { "identity", 's', 1, offsetof(ngx_http_procmgr_priority_t, identity),
      3, 40 },

    { "nice", 'i', 1, offsetof(ngx_http_procmgr_priority_t, nice),
      -20, 19 },

    { "ionice", 'j', 1, offsetof(ngx_http_procmgr_priority_t, ionice),
      0, 0 },

    { "cpu_affinity", 'j', 1,
      offsetof(ngx_http_procmgr_priority_t, affinity), 0, 0 },

    { NULL, 0, 0, 0, 0, 0 }
};


ngx_int_t
ngx_http_procmgr_control_signal(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    const char                 *name;
    ngx_http_procmgr_act_t     *act;
    ngx_http_procmgr_signal_t   s;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&s, sizeof(ngx_http_procmgr_signal_t));

    s.wait_ms = NGX_HTTP_PROCMGR_SIGNAL_WAIT;

    if (ngx_http_procmgr_members(r, ctx, ngx_http_procmgr_signal_members, &s)
        != NGX_OK)
    {
        return ctx->rc;
    }

    name = ngx_http_procmgr_signal_name(&s.signal);

    if (name == NULL) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "signal \"%V\" is no signal's name, as "
                   "TERM, KILL, STOP, CONT, HUP", &s.signal);
    }

    if (s.then.len
        && (s.then.len != 4 || ngx_strncmp(s.then.data, "KILL", 4) != 0))
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "then can only be KILL");
    }

    act = ngx_http_procmgr_control_act(r,
              json_pack("{s:s, s:b, s:I, s:s}", "signal", name,
                        "tree", (int) s.tree,
                        "wait_ms", (json_int_t) s.wait_ms,
                        "then", s.then.len ? "KILL" : ""));
    if (act == NULL) {
        return NGX_ERROR;
    }

    act->type = "process_signal";
    act->verb = "signal";

    return ngx_http_procmgr_process_act(r, ctx, act, s.pid, s.create_time,
                                        &s.identity);
}


ngx_int_t
ngx_http_procmgr_control_priority(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    json_t                       *request;
    ngx_http_procmgr_act_t       *act;
    ngx_http_procmgr_priority_t   p;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&p, sizeof(ngx_http_procmgr_priority_t));

    p.nice = NGX_HTTP_PROCMGR_NICE_UNSET;

    if (ngx_http_procmgr_members(r, ctx, ngx_http_procmgr_priority_members,
                                 &p)
        != NGX_OK)
    {
        return ctx->rc;
    }

    request = json_object();
    act = ngx_http_procmgr_control_act(r, request);

    if (act == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_procmgr_priority_set(r, ctx, &p, request) != NGX_OK) {
        return ctx->rc;
    }

    act->type = "process_priority";
    act->verb = "priority";

    return ngx_http_procmgr_process_act(r, ctx, act, p.pid, p.create_time,
                                        &p.identity);
}


/* NGX_DECLINED: it was answered, ctx->rc tells */

static ngx_int_t
ngx_http_procmgr_priority_set(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_priority_t *p,
    json_t *request)
{
    size_t      i;
    json_t     *cpu, *class, *value;
    json_int_t  n;

    if (p->nice == NGX_HTTP_PROCMGR_NICE_UNSET && p->ionice == NULL
        && p->affinity == NULL)
    {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                      "bad_parameter", "one of nice, ionice and cpu_affinity "
                      "is needed");
        return NGX_DECLINED;
    }

    if (p->nice != NGX_HTTP_PROCMGR_NICE_UNSET) {
        (void) json_object_set_new(request, "nice", json_integer(p->nice));
    }

    if (p->ionice) {

        class = json_array_get(p->ionice, 0);
        value = json_array_get(p->ionice, 1);
        n = json_integer_value(class);

        /* none and idle have no levels */

        if (json_array_size(p->ionice) != 2
            || !json_is_integer(class) || !json_is_integer(value)
            || n < 0 || n > 3
            || json_integer_value(value) < 0
            || json_integer_value(value) > ((n == 1 || n == 2) ? 7 : 0))
        {
            ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                          "bad_parameter", "ionice must be [class,value]: "
                          "class 0 to 3, value 0 to 7 for the classes 1 and "
                          "2, else 0");
            return NGX_DECLINED;
        }

        (void) json_object_set(request, "ionice_class", class);
        (void) json_object_set(request, "ionice_value", value);
    }

    if (p->affinity) {

        n = json_array_size(p->affinity);

        if (n == 0 || n > NGX_HTTP_PROCMGR_AFFINITY_MAX) {
            goto affinity;
        }

        json_array_foreach(p->affinity, i, cpu) {

            n = json_integer_value(cpu);

            if (!json_is_integer(cpu) || n < 0
                || n > NGX_HTTP_PROCMGR_CPU_MAX)
            {
                goto affinity;
            }
        }

        (void) json_object_set(request, "affinity", p->affinity);
    }

    return NGX_OK;

affinity:

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                  "bad_parameter", "cpu_affinity must be a list of 1 to %d "
                  "numbers of CPUs", NGX_HTTP_PROCMGR_AFFINITY_MAX);
    return NGX_DECLINED;
}


/* exactly one of identity, and pid with create_time */

static ngx_int_t
ngx_http_procmgr_process_act(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act, int64_t pid,
    json_t *create_time, ngx_str_t *identity)
{
    int64_t                        ticks;
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_list_args_t   args;

    ctx->data = act;

    if (identity->len) {

        if (pid || create_time) {
            goto which;
        }

        if (ngx_http_procmgr_process_identity(identity, &pid, &ticks)
            != NGX_OK)
        {
            return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                       "bad_parameter", "identity \"%V\" is not "
                       "\"<pid>:<start ticks>\"", identity);
        }

        return ngx_http_procmgr_process_start(r, ctx, pid, ticks);
    }

    if (pid == 0 || create_time == NULL) {
        goto which;
    }

    if (!json_is_number(create_time)
        || !(json_number_value(create_time) > 0)
        || !(json_number_value(create_time) < 4e9))
    {
        return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                   "bad_parameter", "create_time must be seconds since 1970");
    }

    (void) json_object_set_new(act->request, "pid", json_integer(pid));
    (void) json_object_set(act->request, "create_time", create_time);

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_BOOT;

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_control_look(r, ctx, &view,
                                         ngx_http_procmgr_process_booted);

which:

    return ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST, "bad_parameter",
               "either pid and create_time or identity is needed");
}


/* create_time was made of the start in ticks by the same two numbers */

static ngx_int_t
ngx_http_procmgr_process_booted(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *boot)
{
    double                   ticks;
    int64_t                  pid;
    ngx_http_procmgr_act_t  *act;

    act = ctx->data;

    if (body && boot == NULL) {
        return ngx_http_procmgr_send_body(r, body);
    }

    if (!json_is_number(boot)) {
        return ngx_http_procmgr_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "busy", "too much work is waiting");
    }

    pid = json_integer_value(json_object_get(act->request, "pid"));

    ticks = (json_number_value(json_object_get(act->request, "create_time"))
             - json_number_value(boot)) * sysconf(_SC_CLK_TCK);

    (void) json_object_del(act->request, "create_time");

    /* before this host was started: not a process that there is */

    ticks = ngx_max(0, ticks + 0.5);

    return ngx_http_procmgr_process_start(r, ctx, pid, (int64_t) ticks);
}


static ngx_int_t
ngx_http_procmgr_process_start(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, int64_t pid, int64_t ticks)
{
    u_char                        *p;
    const char                    *then;
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_act_t        *act;
    ngx_http_procmgr_list_args_t   args;

    act = ctx->data;

    if (json_object_set_new(act->request, "pid", json_integer(pid)) != 0
        || json_object_set_new(act->request, "starttime",
                               json_integer(ticks))
           != 0)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, sizeof("process::") + 2 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    act->lock.data = p;
    act->lock.len = ngx_sprintf(p, "process:%L:%L", pid, ticks) - p;

    act->target = act->lock;
    act->target.data += sizeof("process:") - 1;
    act->target.len -= sizeof("process:") - 1;

    if (ngx_http_procmgr_control_may(r, ctx, act) != NGX_OK) {
        return ctx->rc;
    }

    then = json_string_value(json_object_get(act->request, "then"));

    if (then && then[0]
        && ngx_http_procmgr_control_fresh(r, ctx, act) != NGX_OK)
    {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_PROCESS;
    ngx_memcpy(args.name, act->target.data,
               ngx_min(act->target.len, NGX_HTTP_PROCMGR_NAME_MAX));

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_control_look(r, ctx, &view,
                                         ngx_http_procmgr_process_there);
}


/* what is not there may not be tried for ever, see act->known */

static ngx_int_t
ngx_http_procmgr_process_there(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *there)
{
    ngx_http_procmgr_act_t  *act;

    act = ctx->data;
    act->known = json_is_true(there);

    return ngx_http_procmgr_op_start(r, ctx, act);
}


static ngx_int_t
ngx_http_procmgr_process_identity(ngx_str_t *identity, int64_t *pid,
    int64_t *ticks)
{
    u_char  *p, *last, *colon;
    off_t    n;

    p = identity->data;
    last = p + identity->len;

    colon = ngx_strlchr(p, last, ':');

    if (colon == NULL || *p == '0') {
        return NGX_ERROR;
    }

    n = ngx_atoof(p, colon - p);

    if (n <= 0 || n > NGX_MAX_INT32_VALUE) {
        return NGX_ERROR;
    }

    *pid = n;

    n = ngx_atoof(colon + 1, last - colon - 1);

    /* as JSON keeps it */

    if (n < 0 || n > 9007199254740991) {
        return NGX_ERROR;
    }

    *ticks = n;

    return NGX_OK;
}


/* without "SIG", as the policy writes them; the first 31 */

static const char *
ngx_http_procmgr_signal_name(ngx_str_t *name)
{
    int          i;
    const char  *word;

    for (i = 1; i < 32; i++) {

        word = sigabbrev_np(i);

        if (word && ngx_strlen(word) == name->len
            && ngx_strncmp(word, name->data, name->len) == 0)
        {
            return word;
        }
    }

    return NULL;
}


void
ngx_http_procmgr_control_make_boot(ngx_procmgr_job_t *job)
{
    char  buf[64];
    int   err;

    err = pm_host_fact("boot_time", buf, sizeof(buf));

    if (err) {
        ngx_procmgr_job_fail(job, NGX_HTTP_INTERNAL_SERVER_ERROR,
                             "system_call_failed", "reading the time of the "
                             "start of this host failed: %s", strerror(err));
        return;
    }

    pm_json_raw(&job->json, buf, ngx_strlen(buf));
}


void
ngx_http_procmgr_control_make_process(ngx_procmgr_job_t *job)
{
    int                   proc;
    char                  path[PM_PROCFS_PATH], buf[1024];
    int64_t               pid, ticks;
    ssize_t               n;
    pm_proc_t             p;
    pm_slice_t            comm;
    ngx_str_t             identity;

    const ngx_http_procmgr_list_args_t  *args = job->args;

    n = -1;
    ngx_memzero(&p, sizeof(pm_proc_t));

    identity.data = (u_char *) args->name;
    identity.len = ngx_strlen(args->name);

    proc = pm_procfs_open("/proc");

    if (proc != -1) {

        if (ngx_http_procmgr_process_identity(&identity, &pid, &ticks)
            == NGX_OK
            && pm_procfs_path(path, (int32_t) pid, "stat"))
        {
            n = pm_procfs_read(proc, path, buf, sizeof(buf));
        }

        close(proc);
    }

    pm_json_bool(&job->json, n > 0
                             && pm_pid_parse_stat(buf, (size_t) n, &p, &comm)
                                == 0
                             && (int64_t) p.starttime == ticks);
}
