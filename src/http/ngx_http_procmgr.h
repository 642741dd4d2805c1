
/*
 * The HTTP side: a route table, one way to answer, one file per family.
 *
 * Life of a request: content handler -> Host -> route -> session -> role ->
 * CSRF -> body -> the route's handler.  A handler returns what a send or
 * problem function returned, or NGX_AGAIN when it will answer later by
 * ngx_http_procmgr_finish().  A request that ends early runs its pool's
 * cleanups: whoever waits for it registers one and forgets it there.
 */


#ifndef _NGX_HTTP_PROCMGR_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <jansson.h>

#include "../core/ngx_procmgr.h"
#include "../core/ngx_procmgr_view.h"
#include "../core/ngx_procmgr_sess.h"
#include "../core/ngx_procmgr_pg.h"


extern ngx_module_t  ngx_http_procmgr_module;


/* families, the argument of the directive "procmgr" */
#define NGX_HTTP_PROCMGR_SESSION  1
#define NGX_HTTP_PROCMGR_SYSTEM   2
#define NGX_HTTP_PROCMGR_MEMORY   3
#define NGX_HTTP_PROCMGR_CONTROL  4
#define NGX_HTTP_PROCMGR_LOG      5
#define NGX_HTTP_PROCMGR_METRICS  6
#define NGX_HTTP_PROCMGR_EVENTS   7


typedef struct {
    ngx_procmgr_t        pm;
    ngx_str_t            cookie;        /* name */
    time_t               idle;          /* seconds */
    time_t               absolute;
    ngx_uint_t           events_max;    /* listeners of all workers */
    ngx_array_t         *origins;       /* ngx_http_procmgr_origin_t */
    ngx_str_t            pool_name;     /* of the threads */
    ngx_uint_t           families;      /* bits 1 << NGX_HTTP_PROCMGR_* */
    ngx_uint_t           authed;        /* those of them with sessions */
} ngx_http_procmgr_main_conf_t;


typedef struct {
    ngx_str_t            origin;        /* "https://host:port" */
    ngx_str_t            host;          /* "host:port" as in Host */
    unsigned             tls:1;
} ngx_http_procmgr_origin_t;


typedef struct {
    ngx_array_t          names;         /* ngx_str_t, of server_name */
} ngx_http_procmgr_srv_conf_t;


typedef struct {
    ngx_uint_t           family;        /* NGX_HTTP_PROCMGR_* or unset */
    ngx_flag_t           auth;
    ngx_uint_t           role;          /* raised minimum */
} ngx_http_procmgr_loc_conf_t;


typedef struct ngx_http_procmgr_ctx_s  ngx_http_procmgr_ctx_t;

typedef ngx_int_t (*ngx_http_procmgr_handler_pt)(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


/* flags of a route */
#define NGX_HTTP_PROCMGR_ANON    0x01   /* without a session */
#define NGX_HTTP_PROCMGR_BODY    0x02   /* a JSON object must come */
#define NGX_HTTP_PROCMGR_NOCSRF  0x04   /* the login alone */
#define NGX_HTTP_PROCMGR_ACT     0x08   /* never on a cached session while
                                           the database is away */


/*
 * A path is what stands behind the location's prefix: words, and the tokens
 * {pid}, {id}, {word} that match one segment and are put into ctx->seg[].
 * {pid} is [1-9][0-9]{0,9} and goes to ctx->pid too; {id} is a UUID; {word}
 * is any segment.  The first route of a table that matches is taken.
 */
typedef struct {
    ngx_uint_t                    method;       /* NGX_HTTP_GET (HEAD too) */
    const char                   *path;         /* "" is the family itself */
    ngx_uint_t                    role;         /* least role */
    ngx_uint_t                    flags;
    ngx_http_procmgr_handler_pt   handler;
} ngx_http_procmgr_route_t;


/* each ends by a route without handler; route.c lists them by family */
extern ngx_http_procmgr_route_t  ngx_http_procmgr_session_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_system_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_item_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_host_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_constants_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_network_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_watch_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_memory_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_control_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_log_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_events_routes[];
extern ngx_http_procmgr_route_t  ngx_http_procmgr_metrics_routes[];


/* the route with this number, whatever its table; NULL behind the last */
const ngx_http_procmgr_route_t *ngx_http_procmgr_route(ngx_uint_t n,
    ngx_uint_t *family);


struct ngx_http_procmgr_ctx_s {
    ngx_http_request_t           *request;
    ngx_procmgr_t                *pm;
    ngx_http_procmgr_route_t     *route;
    ngx_str_t                     path;     /* behind the prefix */
    ngx_str_t                     seg[2];
    ngx_int_t                     pid;
    ngx_procmgr_sess_t            sess;     /* a copy; user "" is anonymous */
    ngx_uint_t                    role;
    json_t                       *body;     /* freed with the request */
    ngx_int_t                     rc;       /* of an answer already sent */
    ngx_str_t                     type;     /* of a view, JSON if empty */
    void                         *data;     /* of the handler */

    /* of the steps before the handler */
    ngx_uint_t                    step;
    ngx_str_t                     host;     /* as the client named it */
    u_char                        key[32];  /* SHA-256 of the token */
    uint64_t                      vouched;  /* of a session not yet taken */
    uint64_t                      doubted;  /* since when, of a stream's */
    ngx_procmgr_epoch_wait_t      wait;
    unsigned                      secure:1; /* the browser speaks TLS */
    unsigned                      cached:1; /* sess is from the zone */
    unsigned                      known:1;  /* sess is good */
    unsigned                      waited:1; /* for the epoch, once */
    unsigned                      bearer:1; /* a token, not the cookie */
};


/* answers; each returns what the handler has to return */

/* takes the reference of `json' */
ngx_int_t ngx_http_procmgr_send_json(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json);
/* 204 */
ngx_int_t ngx_http_procmgr_send_empty(ngx_http_request_t *r);
/* the head of a 200 without a length; the body is up to the caller */
ngx_int_t ngx_http_procmgr_stream(ngx_http_request_t *r, ngx_str_t *type);
/* a view with ETag, 304 and X-Procmgr-Partial; or the problem it holds */
ngx_int_t ngx_http_procmgr_send_body(ngx_http_request_t *r,
    ngx_procmgr_body_t *body);
/* application/problem+json; detail in printf's form of nginx ("%V") */
ngx_int_t ngx_http_procmgr_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *fmt, ...);
/* the same with members of its own (takes the reference of `more') */
ngx_int_t ngx_http_procmgr_problem_json(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *detail, json_t *more);
/* adds a header to the answer */
ngx_int_t ngx_http_procmgr_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/*
 * Gets the view and answers with it, now or when it is made; the client may
 * leave meanwhile.  Returns what the handler has to return.
 */
ngx_int_t ngx_http_procmgr_send_view(ngx_http_request_t *r,
    ngx_procmgr_view_t *view);

/* an asynchronous handler's last call: finalizes with rc, runs posted */
void ngx_http_procmgr_finish(ngx_http_request_t *r, ngx_int_t rc);

/* forget(data) when the request's pool goes; cln->data = NULL disarms it */
ngx_pool_cleanup_t *ngx_http_procmgr_on_gone(ngx_http_request_t *r,
    void (*forget)(void *data), void *data);


/*
 * One statement of this request, its JSON parsed.  `value' is NULL for SQL
 * NULL and for any end but NGX_PROCMGR_PG_OK; it and `res' are valid during
 * the call.  The handler returns what a route's handler returns; it does not
 * come when the client has left.  Returns NGX_AGAIN, or an answer's code when
 * memory is short.
 */
typedef ngx_int_t (*ngx_http_procmgr_asked_pt)(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_pg_result_t *res, json_t *value);

ngx_int_t ngx_http_procmgr_ask(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const char *sql, ngx_uint_t nparams,
    const char *const *params, ngx_http_procmgr_asked_pt handler);

/* 503 database_unavailable */
ngx_int_t ngx_http_procmgr_db_away(ngx_http_request_t *r);

/*
 * Text from the outside for a statement: zero terminated, valid UTF-8,
 * without control characters, at most `max' bytes.  NULL: no memory.
 */
char *ngx_http_procmgr_text(ngx_http_request_t *r, ngx_str_t *s, size_t max);

/* the first header of this name (lower case) that the client sent, or NULL */
ngx_str_t *ngx_http_procmgr_header_in(ngx_http_request_t *r, const char *name);


/* query parameters: a table, a struct to fill */

#define NGX_HTTP_PROCMGR_ARG_BOOL  1    /* ngx_flag_t */
#define NGX_HTTP_PROCMGR_ARG_INT   2    /* int64_t in min..max */
#define NGX_HTTP_PROCMGR_ARG_STR   3    /* ngx_str_t, unescaped, <= max bytes */
#define NGX_HTTP_PROCMGR_ARG_ENUM  4    /* ngx_uint_t, index in values[] */

typedef struct {
    const char                   *name;
    ngx_uint_t                    type;
    size_t                        offset;
    int64_t                       min;
    int64_t                       max;
    const char *const            *values;   /* NULL terminated */
} ngx_http_procmgr_arg_t;

/*
 * NGX_OK; or NGX_DECLINED after a 400 that names the parameter, the value and
 * what is allowed: the handler then returns ctx->rc.  Values not given keep
 * what the struct holds.  An unknown or repeated parameter is a 400.
 */
ngx_int_t ngx_http_procmgr_args(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *table,
    void *dst);

/*
 * Members of the JSON body; the same contract.  "s" string (ngx_str_t,
 * 1..max bytes unless optional), "b" bool (ngx_flag_t), "i" integer
 * (int64_t), "j" any value (json_t *, not referenced).  An unknown member is
 * a 400.
 */
typedef struct {
    const char                   *name;
    char                          type;
    unsigned                      optional:1;
    size_t                        offset;
    int64_t                       min;
    int64_t                       max;
} ngx_http_procmgr_member_t;

ngx_int_t ngx_http_procmgr_members(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_member_t *table,
    void *dst);

/* as of RFC 9562, in any case of letters */
ngx_uint_t ngx_http_procmgr_is_uuid(const u_char *p, size_t len);

/* "viewer", "operator", "admin" */
const char *ngx_http_procmgr_role_name(ngx_uint_t role);
ngx_uint_t ngx_http_procmgr_role(const char *name);


/* between the files of this side only */

ngx_int_t ngx_http_procmgr_handler(ngx_http_request_t *r);

/* takes the steps from where they stopped: a handler's return value */
ngx_int_t ngx_http_procmgr_run(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/*
 * The steps.  NGX_OK; NGX_DECLINED after an answer, its code in ctx->rc;
 * NGX_AGAIN: ngx_http_procmgr_run() will be called again.
 */
ngx_int_t ngx_http_procmgr_check_host(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_check_session(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
/*
 * Writes that the session is in use, at most once a minute, or `now_too', and
 * takes what the database says of it.  Nobody waits for it.
 */
void ngx_http_procmgr_touch(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t now_too);
ngx_uint_t ngx_http_procmgr_expired(ngx_procmgr_sess_t *s);
/* of an answer that goes on; NGX_DECLINED: its session may have ended */
ngx_int_t ngx_http_procmgr_session_holds(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_check_csrf(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/*
 * A request was denied by what it came with, `target': counted for the log.
 * Returns NGX_DECLINED.
 */
#define NGX_HTTP_PROCMGR_BAD_HOST    0
#define NGX_HTTP_PROCMGR_BAD_ORIGIN  1
#define NGX_HTTP_PROCMGR_BAD_CSRF    2

ngx_int_t ngx_http_procmgr_denial(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_uint_t code, ngx_str_t *target);
/* in init_process, when there is a database */
ngx_int_t ngx_http_procmgr_denial_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);

/* the body is there: parses it into ctx->body */
ngx_int_t ngx_http_procmgr_parse_body(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_uint_t ngx_http_procmgr_is_json(ngx_http_request_t *r);

#define NGX_HTTP_PROCMGR_BODY_MAX  16384

/* a session as the database tells it; NGX_DECLINED: not to be trusted */
ngx_int_t ngx_http_procmgr_sess_parse(json_t *value, ngx_procmgr_sess_t *s);
/*
 * Unix time in ms as the database has it, which the session is measured by:
 * this host's clock may differ from it, and jump.
 */
#define ngx_http_procmgr_sess_now(s)                                          \
    ((int64_t) ngx_procmgr_boottime() + (s)->clock)

/* bearer.c */

ngx_int_t ngx_http_procmgr_bearer(ngx_http_request_t *r, ngx_str_t *token);
/* NGX_DECLINED: a token was told that this is not for it */
ngx_int_t ngx_http_procmgr_person(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

#define NGX_HTTP_PROCMGR_PASSWORD_MIN  8

/* routes of the session family in account.c */
ngx_int_t ngx_http_procmgr_account_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_account_get(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_account_add(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_account_change(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_account_delete(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/* hold.c */

/* a refusal is answered a moment later; NGX_AGAIN, or what answer() returns */
typedef ngx_int_t (*ngx_http_procmgr_held_pt)(ngx_http_request_t *r);

ngx_int_t ngx_http_procmgr_hold(ngx_http_request_t *r,
    ngx_http_procmgr_held_pt answer);

/* 503: too many passwords are being hashed */
ngx_int_t ngx_http_procmgr_busy(ngx_http_request_t *r);

/* routes of the session family in login.c, and what account.c answers too */
ngx_int_t ngx_http_procmgr_login(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_password(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_reauth(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
json_t *ngx_http_procmgr_session_json(ngx_http_request_t *r,
    ngx_procmgr_sess_t *s);
/* Set-Cookie; an empty token removes the cookie */
ngx_int_t ngx_http_procmgr_set_cookie(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_str_t *token);


#endif /* _NGX_HTTP_PROCMGR_H_INCLUDED_ */
