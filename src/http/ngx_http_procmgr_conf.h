
/*
 * Values of the directives, and what must hold between them.
 */


#ifndef _NGX_HTTP_PROCMGR_CONF_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_CONF_H_INCLUDED_


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_FAMILY_BIT(f)  ((ngx_uint_t) 1 << (f))


extern ngx_conf_enum_t  ngx_http_procmgr_family_names[];


char *ngx_http_procmgr_conf_family(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_helper(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_interval(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_history(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_session(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_procmgr_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* of ngx_conf_post_t */
char *ngx_http_procmgr_conf_cookie(ngx_conf_t *cf, void *post, void *data);

/* postconfiguration */
ngx_int_t ngx_http_procmgr_conf_check(ngx_conf_t *cf);


#endif /* _NGX_HTTP_PROCMGR_CONF_H_INCLUDED_ */
