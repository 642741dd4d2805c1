
/*
 * Directives of procmgr, and what a worker sets up and takes down.
 */


#include <sys/prctl.h>

#include "src/http/ngx_http_procmgr.h"
#include "src/http/ngx_http_procmgr_conf.h"
#include "src/http/ngx_http_procmgr_op.h"
#include "src/http/ngx_http_procmgr_watch.h"
#include "src/core/ngx_procmgr_history.h"
#include "src/core/ngx_procmgr_zone.h"
#include "src/core/ngx_procmgr_spawn.h"


static void *ngx_http_procmgr_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_procmgr_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_procmgr_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_procmgr_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_procmgr_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


static ngx_int_t ngx_http_procmgr_init_process(ngx_cycle_t *cycle);
static void ngx_http_procmgr_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_procmgr_role_names[] = {
    { ngx_string("viewer"), NGX_PROCMGR_ROLE_VIEWER },
    { ngx_string("operator"), NGX_PROCMGR_ROLE_OPERATOR },
    { ngx_string("admin"), NGX_PROCMGR_ROLE_ADMIN },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_http_procmgr_cookie_post = {
    ngx_http_procmgr_conf_cookie
};


static ngx_command_t  ngx_http_procmgr_commands[] = {

    { ngx_string("procmgr"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_procmgr_conf_family,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_procmgr_loc_conf_t, family),
      &ngx_http_procmgr_family_names },

    { ngx_string("procmgr_auth"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_procmgr_loc_conf_t, auth),
      NULL },

    { ngx_string("procmgr_role"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_procmgr_loc_conf_t, role),
      &ngx_http_procmgr_role_names },

    { ngx_string("procmgr_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_procmgr_conf_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_procmgr_conf_database,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_helper"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_procmgr_conf_helper,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_interval"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_procmgr_conf_interval,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_history"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_procmgr_conf_history,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_procmgr_main_conf_t, pool_name),
      NULL },

    { ngx_string("procmgr_session"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_procmgr_conf_session,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_events"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_procmgr_conf_events,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_origin"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_procmgr_conf_origin,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("procmgr_cookie"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_procmgr_main_conf_t, cookie),
      &ngx_http_procmgr_cookie_post },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_procmgr_module_ctx = {
    NULL,                                   /* preconfiguration */
    ngx_http_procmgr_conf_check,            /* postconfiguration */

    ngx_http_procmgr_create_main_conf,      /* create main configuration */
    ngx_http_procmgr_init_main_conf,        /* init main configuration */

    ngx_http_procmgr_create_srv_conf,       /* create server configuration */
    NULL,                                   /* merge server configuration */

    ngx_http_procmgr_create_loc_conf,       /* create location configuration */
    ngx_http_procmgr_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_procmgr_module = {
    NGX_MODULE_V1,
    &ngx_http_procmgr_module_ctx,           /* module context */
    ngx_http_procmgr_commands,              /* module directives */
    NGX_HTTP_MODULE,                        /* module type */
    NULL,                                   /* init master */
    NULL,                                   /* init module */
    ngx_http_procmgr_init_process,          /* init process */
    NULL,                                   /* init thread */
    NULL,                                   /* exit thread */
    ngx_http_procmgr_exit_process,          /* exit process */
    NULL,                                   /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_procmgr_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_procmgr_main_conf_t));
    if (pmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     pmcf->pm.shm_zone = NULL;
     *     pmcf->pm.history_zone = NULL;
     *     pmcf->pm.thread_pool = NULL;
     *     pmcf->pm.helper = { 0 };
     *     pmcf->pm.conninfo = { 0, NULL };
     *     pmcf->cookie = { 0, NULL };
     *     pmcf->origins = NULL;
     *     pmcf->pool_name = { 0, NULL };
     *     pmcf->families = 0;
     *     pmcf->authed = 0;
     */

    pmcf->pm.interval = NGX_CONF_UNSET_MSEC;
    pmcf->pm.history_size = NGX_CONF_UNSET_UINT;

    /* a parameter of statements: the cycle's own has no zero at its end */

    pmcf->pm.host.len = cf->cycle->hostname.len;
    pmcf->pm.host.data = ngx_pnalloc(cf->pool, pmcf->pm.host.len + 1);
    if (pmcf->pm.host.data == NULL) {
        return NULL;
    }

    ngx_cpystrn(pmcf->pm.host.data, cf->cycle->hostname.data,
                pmcf->pm.host.len + 1);

    pmcf->idle = NGX_CONF_UNSET;
    pmcf->absolute = NGX_CONF_UNSET;
    pmcf->events_max = NGX_CONF_UNSET_UINT;

    return pmcf;
}


static char *
ngx_http_procmgr_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    ngx_conf_init_msec_value(pmcf->pm.interval, 1000);
    ngx_conf_init_uint_value(pmcf->pm.history_size, 0);
    ngx_conf_init_value(pmcf->idle, 15 * 60);
    ngx_conf_init_value(pmcf->absolute, 8 * 60 * 60);
    ngx_conf_init_uint_value(pmcf->events_max, 64);

    if (pmcf->absolute < pmcf->idle) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"procmgr_session\" has an \"absolute\" of %T s "
                           "that is shorter than its \"idle\" of %T s",
                           pmcf->absolute, pmcf->idle);
        return NGX_CONF_ERROR;
    }

    if (pmcf->cookie.len == 0) {
        ngx_str_set(&pmcf->cookie, "procmgr");
    }

    if (pmcf->pool_name.len == 0) {
        ngx_str_set(&pmcf->pool_name, "procmgr");
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_procmgr_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_procmgr_srv_conf_t  *pscf;

    pscf = ngx_palloc(cf->pool, sizeof(ngx_http_procmgr_srv_conf_t));
    if (pscf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&pscf->names, cf->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NULL;
    }

    return pscf;
}


static void *
ngx_http_procmgr_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_procmgr_loc_conf_t  *plcf;

    plcf = ngx_palloc(cf->pool, sizeof(ngx_http_procmgr_loc_conf_t));
    if (plcf == NULL) {
        return NULL;
    }

    plcf->family = NGX_CONF_UNSET_UINT;
    plcf->auth = NGX_CONF_UNSET;
    plcf->role = NGX_CONF_UNSET_UINT;

    return plcf;
}


static char *
ngx_http_procmgr_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_procmgr_loc_conf_t *prev = parent;
    ngx_http_procmgr_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_procmgr_main_conf_t  *pmcf;

    ngx_conf_merge_value(conf->auth, prev->auth, 1);
    ngx_conf_merge_uint_value(conf->role, prev->role, NGX_PROCMGR_ROLE_NONE);

    /* "if" and "limit_except" are locations without a name of their own */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname
        && clcf->handler == NULL
        && conf->family == NGX_CONF_UNSET_UINT
        && prev->family != NGX_CONF_UNSET_UINT)
    {
        conf->family = prev->family;
        clcf->handler = ngx_http_procmgr_handler;
    }

    if (conf->family == NGX_CONF_UNSET_UINT) {
        return NGX_CONF_OK;
    }

    if (!conf->auth
        && (conf->family == NGX_HTTP_PROCMGR_CONTROL
            || conf->family == NGX_HTTP_PROCMGR_SESSION))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"procmgr %V\" in location \"%V\" is not possible "
                           "with \"procmgr_auth off\"",
                           &ngx_http_procmgr_family_names[
                               conf->family == NGX_HTTP_PROCMGR_CONTROL
                               ? 3 : 0].name,
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_procmgr_module);

    pmcf->families |= NGX_HTTP_PROCMGR_FAMILY_BIT(conf->family);

    /* there are no sessions in /metrics, whatever stands above it */

    if (conf->auth && conf->family != NGX_HTTP_PROCMGR_METRICS) {
        pmcf->authed |= NGX_HTTP_PROCMGR_FAMILY_BIT(conf->family);
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_procmgr_init_process(ngx_cycle_t *cycle)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_procmgr_module);

    if (pmcf == NULL || pmcf->pm.shm_zone == NULL) {
        return NGX_OK;
    }

    /*
     * The helper's key is in this memory, and any program of the same user
     * could read it.  nginx has just allowed core dumps again.
     */

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "prctl(PR_SET_DUMPABLE) failed");
        return NGX_ERROR;
    }

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    if (ngx_procmgr_zone_attach(&pmcf->pm) != NGX_OK
        || ngx_procmgr_views_init(&pmcf->pm, cycle) != NGX_OK
        || ngx_procmgr_history_init(&pmcf->pm, cycle) != NGX_OK
        || ngx_procmgr_execs_init(&pmcf->pm, cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (pmcf->pm.conninfo.len == 0) {
        return NGX_OK;
    }

    if (ngx_procmgr_pg_init(&pmcf->pm, cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_procmgr_ops_init(&pmcf->pm, cycle) != NGX_OK
        || ngx_http_procmgr_denial_init(&pmcf->pm, cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (pmcf->families & NGX_HTTP_PROCMGR_FAMILY_BIT(NGX_HTTP_PROCMGR_MEMORY))
    {
        return ngx_http_procmgr_watch_init(&pmcf->pm, cycle);
    }

    return NGX_OK;
}


static void
ngx_http_procmgr_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_procmgr_module);

    if (pmcf) {
        ngx_procmgr_history_exit(&pmcf->pm);
    }

    if (pmcf && pmcf->pm.pg) {
        ngx_http_procmgr_watch_exit(&pmcf->pm);
        ngx_procmgr_pg_exit(&pmcf->pm);
    }
}
