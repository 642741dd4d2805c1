
#include "ngx_http_procmgr_openapi.h"
#include "ngx_http_procmgr_summary.h"
#include "../proc/pm_host.h"
#include "../proc/pm_human.h"


#define NGX_HTTP_PROCMGR_FACT_LEN  4096


static ngx_int_t ngx_http_procmgr_health(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
static ngx_int_t ngx_http_procmgr_info(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

static void ngx_http_procmgr_make_info(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_info_human(pm_json_t *j, const char *name,
    const char *value);


ngx_http_procmgr_route_t  ngx_http_procmgr_system_routes[] = {

    { NGX_HTTP_GET, "health",
      NGX_PROCMGR_ROLE_NONE, NGX_HTTP_PROCMGR_ANON,
      ngx_http_procmgr_health },

    { NGX_HTTP_GET, "openapi.json",
      NGX_PROCMGR_ROLE_VIEWER, 0,
      ngx_http_procmgr_openapi },

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


ngx_int_t
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
