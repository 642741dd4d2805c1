
/*
 * What the files of the family "control" share: views of what the helper
 * lists, made in a pool thread, and the way from a request to an operation.
 */


#ifndef _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_


#include "ngx_http_procmgr_op.h"
#include "../policy/pm_words.h"


#define NGX_HTTP_PROCMGR_NAME_MAX       128

#define NGX_HTTP_PROCMGR_LIST_SERVICES  1
#define NGX_HTTP_PROCMGR_LIST_COMMANDS  2
#define NGX_HTTP_PROCMGR_LIST_POLICY    3
#define NGX_HTTP_PROCMGR_LIST_UNITS     4
#define NGX_HTTP_PROCMGR_LIST_JOURNAL   5
#define NGX_HTTP_PROCMGR_LIST_BOOT      6
#define NGX_HTTP_PROCMGR_LIST_PROCESS   7

/* ms; a manager that does not answer is waited for, for each service of it */
#define NGX_HTTP_PROCMGR_LIST_TIMEOUT   30000


typedef struct {                            /* of a view; no pointers */
    ngx_uint_t                what;
    ngx_uint_t                role;
    ngx_uint_t                lines;        /* of a journal */
    char                      name[NGX_HTTP_PROCMGR_NAME_MAX + 1];
} ngx_http_procmgr_list_args_t;


/* control_list.c, in a pool thread */

/* an array of the services or commands of args->role, or the helper's word */
void ngx_http_procmgr_control_make(ngx_procmgr_job_t *job);
/* what args->role may do; without a helper, why there is none */
void ngx_http_procmgr_control_make_policy(ngx_procmgr_job_t *job);
/* one run of the helper; NGX_OK: *reply is to be freed; else `why' tells */
ngx_int_t ngx_http_procmgr_control_helper(ngx_procmgr_t *pm,
    const char *verb, const ngx_http_procmgr_list_args_t *args,
    ngx_uint_t live, ngx_procmgr_record_pt record, void *data,
    ngx_procmgr_reply_t *reply, char *why, size_t len);

/* journal.c, signal.c, in a pool thread */

/* {"name","truncated","lines":[...]} of the service's log */
void ngx_http_procmgr_control_make_journal(ngx_procmgr_job_t *job);
/* when this host was started, in seconds */
void ngx_http_procmgr_control_make_boot(ngx_procmgr_job_t *job);
/* true: there is a process of the identity that args->name has */
void ngx_http_procmgr_control_make_process(ngx_procmgr_job_t *job);


/* control_look.c */

/* of args->what for args->role; NGX_ERROR: no memory */
ngx_int_t ngx_http_procmgr_control_view(ngx_http_request_t *r,
    ngx_http_procmgr_list_args_t *args, ngx_procmgr_view_t *view);

/*
 * Gets a view for this request.  `value' is its JSON, NULL when it could not
 * be made, and valid during the call; the handler returns what a route's
 * handler returns.  It does not come when the client has left.
 */
typedef ngx_int_t (*ngx_http_procmgr_looked_pt)(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *value);

ngx_int_t ngx_http_procmgr_control_look(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_view_t *view,
    ngx_http_procmgr_looked_pt handler);


/* control_allow.c */

/*
 * The view of `what' for this account, sent, or given to the handler like
 * control_look() does
 */
ngx_int_t ngx_http_procmgr_control_allowed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t what,
    ngx_http_procmgr_looked_pt handler);


/* control.c */

ngx_uint_t ngx_http_procmgr_control_name(ngx_str_t *name);

/*
 * An act that outlives the call, zeroed; `request' is taken and released with
 * the HTTP request.  NULL: no memory, and the request is released.
 */
ngx_http_procmgr_act_t *ngx_http_procmgr_control_act(ngx_http_request_t *r,
    json_t *request);

/* NGX_DECLINED: the role is too low, a row says so, ctx->rc tells */
ngx_int_t ngx_http_procmgr_control_may(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act);

/* the password was given within the last five minutes, or it is a refusal */
ngx_int_t ngx_http_procmgr_control_fresh(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_act_t *act);


/* command.c */

/* what a run of these words asks for; without words when there are none */
json_t *ngx_http_procmgr_command_request(pm_words_t *words,
    ngx_flag_t measure);
/* of a list of commands the one of these words, as the helper will find it */
json_t *ngx_http_procmgr_command_find(json_t *list, json_t *argv);


/* the handlers of routes: command.c, signal.c, journal.c */

ngx_int_t ngx_http_procmgr_control_command(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_control_signal(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_control_priority(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_control_journal(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


#endif /* _NGX_HTTP_PROCMGR_CONTROL_H_INCLUDED_ */
