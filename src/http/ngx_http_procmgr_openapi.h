
/*
 * The description of the HTTP interface: the routes are those of the route
 * tables, the words and the parameters stand in tables of their own, which a
 * test compares with what each route accepts.
 */


#ifndef _NGX_HTTP_PROCMGR_OPENAPI_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_OPENAPI_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


typedef struct {
    const char   *key;          /* "name", or "scope.name" where it differs */
    char          type;         /* b bool, i integer, s string, e one of, */
                                /* n number, o object, a array of strings, */
                                /* m of integers, d of numbers */
    int64_t       min;          /* of the number, or of the string's length */
    int64_t       max;
    const char   *values;       /* "one two", or NULL */
    const char   *otherwise;    /* the default, as JSON, or NULL */
    const char   *text;
} ngx_http_procmgr_param_doc_t;


typedef struct {
    ngx_uint_t    family;       /* NGX_HTTP_PROCMGR_* */
    ngx_uint_t    method;
    const char   *path;         /* as in the route table */
    const char   *names;        /* of its {word} and {id}, in order */
    char          answer;       /* o object, a array, v any value, */
                                /* c created, x operation, t text, e events, */
                                /* - nothing */
    const char   *params;       /* keys of the parameters, or NULL */
    const char   *body;         /* keys of the members, a must with "!" */
    const char   *text;
} ngx_http_procmgr_route_doc_t;


typedef struct {
    ngx_uint_t    status;
    const char   *name;
    const char   *codes;
    const char   *text;
} ngx_http_procmgr_problem_doc_t;


/* each ends with NULL in its last member */
extern const ngx_http_procmgr_param_doc_t  ngx_http_procmgr_param_docs[];
extern const ngx_http_procmgr_route_doc_t  ngx_http_procmgr_route_docs[];
extern const ngx_http_procmgr_problem_doc_t  ngx_http_procmgr_problem_docs[];


/* parts of the description; `answer' is that of a route's words */
void ngx_http_procmgr_openapi_components(pm_json_t *j);
void ngx_http_procmgr_openapi_answers(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route, char answer);

/* a member, and the words of a text as an array */
void ngx_http_procmgr_openapi_text(pm_json_t *j, const char *key,
    const char *value);
void ngx_http_procmgr_openapi_words(pm_json_t *j, const char *words);

/* a handler of the route table */
ngx_int_t ngx_http_procmgr_openapi(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);


#endif /* _NGX_HTTP_PROCMGR_OPENAPI_H_INCLUDED_ */
