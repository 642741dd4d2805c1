
/*
 * Values of the directives: whatever is wrong is found by "nginx -t", and the
 * message quotes it.
 */


#include "ngx_http_procmgr_conf.h"
#include "../core/ngx_procmgr_conf.h"
#include "../core/ngx_procmgr_history.h"
#include "../core/ngx_procmgr_zone.h"


#define NGX_HTTP_PROCMGR_EVENTS_MOST  10000


static ngx_int_t ngx_http_procmgr_conf_names(ngx_conf_t *cf);


ngx_conf_enum_t  ngx_http_procmgr_family_names[] = {
    { ngx_string("session"), NGX_HTTP_PROCMGR_SESSION },
    { ngx_string("system"), NGX_HTTP_PROCMGR_SYSTEM },
    { ngx_string("memory"), NGX_HTTP_PROCMGR_MEMORY },
    { ngx_string("control"), NGX_HTTP_PROCMGR_CONTROL },
    { ngx_string("log"), NGX_HTTP_PROCMGR_LOG },
    { ngx_string("events"), NGX_HTTP_PROCMGR_EVENTS },
    { ngx_string("metrics"), NGX_HTTP_PROCMGR_METRICS },
    { ngx_null_string, 0 }
};


char *
ngx_http_procmgr_conf_family(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    rv = ngx_conf_set_enum_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* there a prefix is not known, and so neither is the resource's path */

#if (NGX_PCRE)
    if (clcf->regex) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"procmgr %V\" cannot be used in the regular "
                           "expression location \"%V\"", &value[1],
                           &clcf->name);
        return NGX_CONF_ERROR;
    }
#endif

    if (clcf->named) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"procmgr %V\" cannot be used in the named "
                           "location \"%V\"", &value[1], &clcf->name);
        return NGX_CONF_ERROR;
    }

    clcf->handler = ngx_http_procmgr_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, name, text;

    if (pmcf->pm.shm_zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = ngx_strlchr(value[1].data, value[1].data + value[1].len, ':');

    if (p == NULL || p == value[1].data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", it must be \"name:size\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = p - value[1].data;

    text.data = p + 1;
    text.len = value[1].data + value[1].len - text.data;

    size = ngx_parse_size(&text);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    pmcf->pm.shm_zone = ngx_procmgr_zone_add(cf, &pmcf->pm, &name, size,
                                             &ngx_http_procmgr_module);

    return pmcf->pm.shm_zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_procmgr_conf_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    char         buf[256];
    ngx_str_t   *value, text;
    const char  *why;

    if (pmcf->pm.conninfo.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_procmgr_conf_conninfo(cf, &value[1], &pmcf->pm.conninfo)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    why = ngx_procmgr_pg_check(&pmcf->pm.conninfo, buf, sizeof(buf));

    if (why == NULL && cf->args->nelts == 3) {

        text = value[2];

        if (text.len < 8 || ngx_strncmp(text.data, "listen=", 7) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        text.data += 7;
        text.len -= 7;

        if (ngx_procmgr_conf_conninfo(cf, &text, &pmcf->pm.listen) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        why = ngx_procmgr_pg_check(&pmcf->pm.listen, buf, sizeof(buf));
    }

    /* the value may hold a password: only what is wrong with it is told */

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"procmgr_database\": %s", why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_helper(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    if (pmcf->pm.helper.set) {
        return "is duplicate";
    }

    return ngx_procmgr_conf_helper(cf, &pmcf->pm.helper);
}


char *
ngx_http_procmgr_conf_interval(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    ngx_int_t   msec;
    ngx_str_t  *value;

    if (pmcf->pm.interval != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    msec = ngx_parse_time(&value[1], 0);

    if (msec == NGX_ERROR || msec < 10 || msec > 3600 * 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid interval \"%V\", it must be from 10ms to "
                           "1h", &value[1]);
        return NGX_CONF_ERROR;
    }

    pmcf->pm.interval = msec;

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_history(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (pmcf->pm.history_size != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        pmcf->pm.history_size = 0;
        return NGX_CONF_OK;
    }

    n = ngx_atoi(value[1].data, value[1].len);

    if (n < NGX_PROCMGR_HISTORY_MIN || n > NGX_PROCMGR_HISTORY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid history \"%V\", it must be \"off\" or from "
                           "%d to %d samples", &value[1],
                           NGX_PROCMGR_HISTORY_MIN, NGX_PROCMGR_HISTORY_MAX);
        return NGX_CONF_ERROR;
    }

    pmcf->pm.history_size = n;

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_session(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    time_t      sec, *dst;
    ngx_str_t  *value, text;
    ngx_uint_t  i;

    if (pmcf->idle != NGX_CONF_UNSET || pmcf->absolute != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "idle=", 5) == 0) {
            text.data = value[i].data + 5;
            dst = &pmcf->idle;

        } else if (ngx_strncmp(value[i].data, "absolute=", 9) == 0) {
            text.data = value[i].data + 9;
            dst = &pmcf->absolute;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*dst != NGX_CONF_UNSET) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        text.len = value[i].data + value[i].len - text.data;

        sec = ngx_parse_time(&text, 1);

        if (sec == (time_t) NGX_ERROR || sec < 1 || sec > 30 * 86400) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid time \"%V\", it must be from 1s to "
                               "30d", &value[i]);
            return NGX_CONF_ERROR;
        }

        *dst = sec;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_events(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (pmcf->events_max != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "max=", 4) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    n = ngx_atoi(value[1].data + 4, value[1].len - 4);

    if (n < 1 || n > NGX_HTTP_PROCMGR_EVENTS_MOST) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\", it must be from 1 to %d",
                           &value[1], NGX_HTTP_PROCMGR_EVENTS_MOST);
        return NGX_CONF_ERROR;
    }

    pmcf->events_max = n;

    return NGX_CONF_OK;
}


char *
ngx_http_procmgr_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_procmgr_main_conf_t *pmcf = conf;

    u_char                     *p, *last, *colon;
    size_t                      scheme;
    ngx_str_t                  *value, port;
    ngx_int_t                   n;
    ngx_uint_t                  i;
    ngx_http_procmgr_origin_t  *origin;

    if (pmcf->origins) {
        return "is duplicate";
    }

    value = cf->args->elts;

    pmcf->origins = ngx_array_create(cf->pool, cf->args->nelts,
                                     sizeof(ngx_http_procmgr_origin_t));
    if (pmcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        origin = ngx_array_push(pmcf->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        origin->tls = 0;

        ngx_strlow(value[i].data, value[i].data, value[i].len);

        if (ngx_strncmp(value[i].data, "http://", 7) == 0) {
            scheme = 7;

        } else if (ngx_strncmp(value[i].data, "https://", 8) == 0) {
            scheme = 8;
            origin->tls = 1;

        } else {
            goto invalid;
        }

        last = value[i].data + value[i].len;
        colon = NULL;

        for (p = value[i].data + scheme; p < last; p++) {

            /* the colons of an IPv6 address stand in brackets */

            if (*p == '[' && p == value[i].data + scheme) {
                p = ngx_strlchr(p, last, ']');
                if (p == NULL) {
                    goto invalid;
                }

                continue;
            }

            if (*p == ':' && colon == NULL) {
                colon = p;
                continue;
            }

            if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
                  || *p == '-' || *p == '.' || *p == '_'))
            {
                goto invalid;
            }
        }

        if (colon == value[i].data + scheme || p == value[i].data + scheme) {
            goto invalid;
        }

        if (colon) {
            port.data = colon + 1;
            port.len = last - port.data;

            n = ngx_atoi(port.data, port.len);

            if (n < 1 || n > 65535) {
                goto invalid;
            }

            /* browsers leave it out */

            if (n == (origin->tls ? 443 : 80)) {
                last = colon;
            }
        }

        origin->origin.data = value[i].data;
        origin->origin.len = last - value[i].data;

        origin->host.data = value[i].data + scheme;
        origin->host.len = last - origin->host.data;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid origin \"%V\", it must be "
                       "\"http[s]://host[:port]\"", &value[i]);

    return NGX_CONF_ERROR;
}


/* a token of RFC 6265, short, and without a prefix that browsers know */

char *
ngx_http_procmgr_conf_cookie(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t  *name = data;

    size_t  i;
    u_char  ch;

    if (name->len == 0 || name->len > 64
        || (name->len > 1 && name->data[0] == '_' && name->data[1] == '_'))
    {
        goto invalid;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
        {
            goto invalid;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid cookie name \"%V\"",
                       name);

    return NGX_CONF_ERROR;
}


/* what the families need may stand behind them in the file */

ngx_int_t
ngx_http_procmgr_conf_check(ngx_conf_t *cf)
{
    ngx_uint_t                     need;
    ngx_conf_enum_t               *e;
    ngx_http_procmgr_main_conf_t  *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_procmgr_module);

    for (e = ngx_http_procmgr_family_names; e->name.len; e++) {

        if (!(pmcf->families & NGX_HTTP_PROCMGR_FAMILY_BIT(e->value))) {
            continue;
        }

        if (pmcf->pm.shm_zone == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"procmgr %V\" needs \"procmgr_zone\"",
                               &e->name);
            return NGX_ERROR;
        }

        need = (e->value == NGX_HTTP_PROCMGR_LOG)
               || (pmcf->authed & NGX_HTTP_PROCMGR_FAMILY_BIT(e->value));

        if (need && pmcf->pm.conninfo.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"procmgr %V\" needs \"procmgr_database\"",
                               &e->name);
            return NGX_ERROR;
        }
    }

    if (pmcf->pm.shm_zone == NULL && pmcf->pm.history_size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"procmgr_history\" needs \"procmgr_zone\"");
        return NGX_ERROR;
    }

    if (pmcf->pm.shm_zone == NULL) {
        return NGX_OK;
    }

    if (pmcf->pm.history_size
        && ngx_procmgr_history_add(cf, &pmcf->pm, &ngx_http_procmgr_module)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    pmcf->pm.thread_pool = ngx_thread_pool_add(cf, &pmcf->pool_name);

    if (pmcf->pm.thread_pool == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_procmgr_conf_names(cf);
}


/*
 * nginx forgets its own list when the configuration is read.  Regular
 * expressions and names that end by a wildcard are left out: others can own
 * a name that matches.
 */

static ngx_int_t
ngx_http_procmgr_conf_names(ngx_conf_t *cf)
{
    ngx_str_t                     *name;
    ngx_uint_t                     s, n;
    ngx_http_server_name_t        *sn;
    ngx_http_core_srv_conf_t     **cscfp;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_procmgr_srv_conf_t   *pscf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    cscfp = cmcf->servers.elts;

    for (s = 0; s < cmcf->servers.nelts; s++) {

        pscf = cscfp[s]->ctx->srv_conf[ngx_http_procmgr_module.ctx_index];
        sn = cscfp[s]->server_names.elts;

        for (n = 0; n < cscfp[s]->server_names.nelts; n++) {

#if (NGX_PCRE)
            if (sn[n].regex) {
                continue;
            }
#endif

            if (sn[n].name.len == 0
                || sn[n].name.data[sn[n].name.len - 1] == '*'
                || (sn[n].name.len == 1 && sn[n].name.data[0] == '_'))
            {
                continue;
            }

            name = ngx_array_push(&pscf->names);
            if (name == NULL) {
                return NGX_ERROR;
            }

            *name = sn[n].name;
        }
    }

    return NGX_OK;
}
