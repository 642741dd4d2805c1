
#include "ngx_http_procmgr_openapi.h"


#define NGX_HTTP_PROCMGR_OPENAPI_VERSION  "1.0.0"

/* beyond it a limit is none that JSON's numbers could tell */
#define NGX_HTTP_PROCMGR_OPENAPI_MAX      INT64_MAX


static void ngx_http_procmgr_make_openapi(ngx_procmgr_job_t *job);
static void ngx_http_procmgr_openapi_head(pm_json_t *j);
static void ngx_http_procmgr_openapi_paths(pm_json_t *j);
static void ngx_http_procmgr_openapi_route(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route);
static void ngx_http_procmgr_openapi_segments(pm_json_t *j,
    const ngx_http_procmgr_route_t *route,
    const ngx_http_procmgr_route_doc_t *doc);
static void ngx_http_procmgr_openapi_params(pm_json_t *j, const char *keys);
static void ngx_http_procmgr_openapi_headers(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route);
static void ngx_http_procmgr_openapi_header(pm_json_t *j, const char *name,
    const char *text);
static void ngx_http_procmgr_openapi_body(pm_json_t *j, const char *keys);
static void ngx_http_procmgr_openapi_schema(pm_json_t *j,
    const ngx_http_procmgr_param_doc_t *param);
static const ngx_http_procmgr_param_doc_t *ngx_http_procmgr_openapi_next(
    const char **keys, ngx_uint_t *must);
static const char *ngx_http_procmgr_openapi_name(
    const ngx_http_procmgr_param_doc_t *param);
static const ngx_http_procmgr_route_doc_t *ngx_http_procmgr_openapi_doc(
    ngx_uint_t family, const ngx_http_procmgr_route_t *route);
static ngx_uint_t ngx_http_procmgr_openapi_same(const char *a,
    const char *b);
static void ngx_http_procmgr_openapi_path(char *dst, size_t size,
    ngx_uint_t family, const char *path,
    const ngx_http_procmgr_route_doc_t *doc);


/* where examples/nginx.conf mounts them, in the order of their numbers */

static const char *const  ngx_http_procmgr_openapi_mounts[] = {
    "", "/session", "/system", "/memory", "/control", "/log", "/metrics",
    "/events"
};


static const struct {
    ngx_uint_t   method;
    const char  *name;
} ngx_http_procmgr_openapi_methods[] = {
    { NGX_HTTP_GET, "get" },
    { NGX_HTTP_POST, "post" },
    { NGX_HTTP_PUT, "put" },
    { NGX_HTTP_PATCH, "patch" },
    { NGX_HTTP_DELETE, "delete" },
    { 0, NULL }
};


ngx_int_t
ngx_http_procmgr_openapi(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_system_args_t  args;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&args, sizeof(ngx_http_procmgr_system_args_t));

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_openapi,
                                        &args, sizeof(args), 0, "openapi");
}


static void
ngx_http_procmgr_make_openapi(ngx_procmgr_job_t *job)
{
    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);
    ngx_http_procmgr_openapi_head(j);
    ngx_http_procmgr_openapi_paths(j);
    ngx_http_procmgr_openapi_components(j);
    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_head(pm_json_t *j)
{
    ngx_http_procmgr_openapi_text(j, "openapi", "3.1.0");

    pm_json_key(j, "info");
    pm_json_object(j);
    ngx_http_procmgr_openapi_text(j, "title", "procmgr");
    ngx_http_procmgr_openapi_text(j, "version",
                                  NGX_HTTP_PROCMGR_OPENAPI_VERSION);
    ngx_http_procmgr_openapi_text(j, "description",
        "A Linux host, seen and steered through nginx. Paths are those of the "
        "bundled configuration; a family may be mounted elsewhere. null is "
        "\"not permitted\" or \"not known\"; X-Procmgr-Partial names what an "
        "answer lost to permissions.");
    pm_json_object_end(j);

    pm_json_key(j, "security");
    pm_json_raw(j, "[{\"cookie\":[]},{\"bearer\":[]}]",
                sizeof("[{\"cookie\":[]},{\"bearer\":[]}]") - 1);
}


/* the routes of one path stand in one object, wherever their tables do */

static void
ngx_http_procmgr_openapi_paths(pm_json_t *j)
{
    char                             path[256];
    ngx_uint_t                       i, k, family, other;
    const ngx_http_procmgr_route_t  *route, *same;

    pm_json_key(j, "paths");
    pm_json_object(j);

    for (i = 0; (route = ngx_http_procmgr_route(i, &family)); i++) {

        for (k = 0; k < i; k++) {
            same = ngx_http_procmgr_route(k, &other);

            if (other == family && ngx_strcmp(same->path, route->path) == 0) {
                break;
            }
        }

        if (k < i) {
            continue;
        }

        ngx_http_procmgr_openapi_path(path, sizeof(path), family, route->path,
                                 ngx_http_procmgr_openapi_doc(family, route));

        pm_json_key_n(j, path, ngx_strlen(path));
        pm_json_object(j);

        for (k = i; (same = ngx_http_procmgr_route(k, &other)); k++) {

            if (other == family && ngx_strcmp(same->path, route->path) == 0) {
                ngx_http_procmgr_openapi_route(j, family, same);
            }
        }

        pm_json_object_end(j);
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_route(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route)
{
    ngx_uint_t                           i;
    const ngx_http_procmgr_route_doc_t  *doc;

    doc = ngx_http_procmgr_openapi_doc(family, route);

    for (i = 0; ngx_http_procmgr_openapi_methods[i].name; i++) {
        if (ngx_http_procmgr_openapi_methods[i].method == route->method) {
            pm_json_key(j, ngx_http_procmgr_openapi_methods[i].name);
        }
    }

    pm_json_object(j);

    pm_json_key(j, "tags");
    pm_json_array(j);
    pm_json_str(j, ngx_http_procmgr_openapi_mounts[family] + 1);
    pm_json_array_end(j);

    ngx_http_procmgr_openapi_text(j, "summary", doc ? doc->text
                                                    : "Not described");

    if (route->flags & NGX_HTTP_PROCMGR_ANON) {
        pm_json_key(j, "security");
        pm_json_array(j);
        pm_json_array_end(j);

    } else {
        ngx_http_procmgr_openapi_text(j, "x-role",
                                      ngx_http_procmgr_role_name(route->role));
    }

    pm_json_key(j, "parameters");
    pm_json_array(j);
    ngx_http_procmgr_openapi_segments(j, route, doc);
    ngx_http_procmgr_openapi_params(j, doc ? doc->params : NULL);
    ngx_http_procmgr_openapi_headers(j, family, route);
    pm_json_array_end(j);

    if (route->flags & NGX_HTTP_PROCMGR_BODY) {
        ngx_http_procmgr_openapi_body(j, doc ? doc->body : NULL);
    }

    ngx_http_procmgr_openapi_answers(j, family, route,
                                     doc ? doc->answer : 'v');

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_segments(pm_json_t *j,
    const ngx_http_procmgr_route_t *route,
    const ngx_http_procmgr_route_doc_t *doc)
{
    const char  *p;

    for (p = strchr(route->path, '{'); p; p = strchr(p + 1, '{')) {
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "name",
                                      p[1] == 'p' ? "pid"
                                      : doc && doc->names ? doc->names
                                      : p[1] == 'i' ? "id" : "word");
        ngx_http_procmgr_openapi_text(j, "in", "path");
        pm_json_key(j, "required");
        pm_json_bool(j, 1);

        pm_json_key(j, "schema");
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "type",
                                      p[1] == 'p' ? "integer" : "string");

        if (p[1] == 'i') {
            ngx_http_procmgr_openapi_text(j, "format", "uuid");
        }

        if (p[1] == 'p') {
            pm_json_key(j, "minimum");
            pm_json_i64(j, 1);
        }

        pm_json_object_end(j);
        pm_json_object_end(j);
    }
}


static void
ngx_http_procmgr_openapi_params(pm_json_t *j, const char *keys)
{
    ngx_uint_t                           must;
    const ngx_http_procmgr_param_doc_t  *param;

    while ((param = ngx_http_procmgr_openapi_next(&keys, &must))) {
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "name",
                                      ngx_http_procmgr_openapi_name(param));
        ngx_http_procmgr_openapi_text(j, "in", "query");
        ngx_http_procmgr_openapi_text(j, "description", param->text);
        pm_json_key(j, "schema");
        ngx_http_procmgr_openapi_schema(j, param);
        pm_json_object_end(j);
    }
}


static void
ngx_http_procmgr_openapi_headers(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route)
{
    if (route->method == NGX_HTTP_GET) {
        return;
    }

    if (!(route->flags & NGX_HTTP_PROCMGR_NOCSRF)) {
        ngx_http_procmgr_openapi_header(j, "X-CSRF-Token",
                                        "csrf of the session; a bearer token "
                                        "needs none");
    }

    if (family == NGX_HTTP_PROCMGR_CONTROL) {
        ngx_http_procmgr_openapi_header(j, "Idempotency-Key",
                                        "a UUID: the same one gives the first "
                                        "operation again");
        ngx_http_procmgr_openapi_header(j, "Prefer",
                                        "wait=N: seconds until 202");
    }
}


static void
ngx_http_procmgr_openapi_header(pm_json_t *j, const char *name,
    const char *text)
{
    pm_json_object(j);
    ngx_http_procmgr_openapi_text(j, "name", name);
    ngx_http_procmgr_openapi_text(j, "in", "header");
    ngx_http_procmgr_openapi_text(j, "description", text);
    pm_json_key(j, "schema");
    pm_json_object(j);
    ngx_http_procmgr_openapi_text(j, "type", "string");
    pm_json_object_end(j);
    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_body(pm_json_t *j, const char *keys)
{
    ngx_uint_t                           must;
    const char                          *all;
    const ngx_http_procmgr_param_doc_t  *param;

    pm_json_key(j, "requestBody");
    pm_json_object(j);
    pm_json_key(j, "required");
    pm_json_bool(j, 1);
    pm_json_key(j, "content");
    pm_json_object(j);
    pm_json_key(j, "application/json");
    pm_json_object(j);
    pm_json_key(j, "schema");
    pm_json_object(j);

    ngx_http_procmgr_openapi_text(j, "type", "object");
    pm_json_key(j, "additionalProperties");
    pm_json_bool(j, 0);

    pm_json_key(j, "properties");
    pm_json_object(j);

    all = keys;

    while ((param = ngx_http_procmgr_openapi_next(&keys, &must))) {
        pm_json_key(j, ngx_http_procmgr_openapi_name(param));
        ngx_http_procmgr_openapi_schema(j, param);
    }

    pm_json_object_end(j);

    pm_json_key(j, "required");
    pm_json_array(j);

    while ((param = ngx_http_procmgr_openapi_next(&all, &must))) {
        if (must) {
            pm_json_str(j, ngx_http_procmgr_openapi_name(param));
        }
    }

    pm_json_array_end(j);

    pm_json_object_end(j);
    pm_json_object_end(j);
    pm_json_object_end(j);
    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_schema(pm_json_t *j,
    const ngx_http_procmgr_param_doc_t *param)
{
    const char  *type;

    switch (param->type) {

    case 'b':
        type = "boolean";
        break;

    case 'i':
        type = "integer";
        break;

    case 'n':
        type = "number";
        break;

    case 'o':
        type = "object";
        break;

    case 'a':
    case 'd':
    case 'm':
        type = "array";
        break;

    default:
        type = "string";
    }

    pm_json_object(j);
    ngx_http_procmgr_openapi_text(j, "type", type);

    if (param->type == 'i') {
        pm_json_key(j, "minimum");
        pm_json_i64(j, param->min);

        if (param->max < NGX_HTTP_PROCMGR_OPENAPI_MAX) {
            pm_json_key(j, "maximum");
            pm_json_i64(j, param->max);
        }
    }

    if (param->type == 's') {
        pm_json_key(j, "minLength");
        pm_json_i64(j, param->min);
        pm_json_key(j, "maxLength");
        pm_json_i64(j, param->max);
    }

    if (param->values) {
        pm_json_key(j, "enum");
        ngx_http_procmgr_openapi_words(j, param->values);
    }

    if (ngx_strcmp(type, "array") == 0) {
        pm_json_key(j, "items");
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "type", param->type == 'a' ? "string"
                                                 : param->type == 'd'
                                                 ? "number" : "integer");
        pm_json_object_end(j);
    }

    if (param->otherwise) {
        pm_json_key(j, "default");
        pm_json_raw(j, param->otherwise, ngx_strlen(param->otherwise));
    }

    pm_json_object_end(j);
}


/* the next of the keys; NULL at their end, or for an unknown one */

static const ngx_http_procmgr_param_doc_t *
ngx_http_procmgr_openapi_next(const char **keys, ngx_uint_t *must)
{
    size_t                               len;
    const char                          *key;
    const ngx_http_procmgr_param_doc_t  *param;

    key = *keys;

    if (key == NULL || *key == '\0') {
        return NULL;
    }

    len = strcspn(key, "! ");

    *must = (key[len] == '!');
    *keys = key + len + *must;
    *keys += (**keys == ' ');

    for (param = ngx_http_procmgr_param_docs; param->text; param++) {
        if (ngx_strlen(param->key) == len
            && ngx_memcmp(param->key, key, len) == 0)
        {
            return param;
        }
    }

    return NULL;
}


static const char *
ngx_http_procmgr_openapi_name(const ngx_http_procmgr_param_doc_t *param)
{
    const char  *dot;

    dot = strchr(param->key, '.');

    return dot ? dot + 1 : param->key;
}


static const ngx_http_procmgr_route_doc_t *
ngx_http_procmgr_openapi_doc(ngx_uint_t family,
    const ngx_http_procmgr_route_t *route)
{
    const ngx_http_procmgr_route_doc_t  *doc;

    for (doc = ngx_http_procmgr_route_docs; doc->text; doc++) {
        if (doc->family == family
            && doc->method == route->method
            && ngx_http_procmgr_openapi_same(doc->path, route->path))
        {
            return doc;
        }
    }

    return NULL;
}


/* {id} and {word} are one here */

static ngx_uint_t
ngx_http_procmgr_openapi_same(const char *a, const char *b)
{
    for ( /* void */ ; *a || *b; a++, b++) {

        if (*a != *b) {
            return 0;
        }

        if (*a == '{') {

            if ((a[1] == 'p') != (b[1] == 'p')) {
                return 0;
            }

            a += strcspn(a, "}");
            b += strcspn(b, "}");
        }
    }

    return 1;
}


/* "process/{pid}/{word}" of the table is "/system/process/{pid}/{item}" */

static void
ngx_http_procmgr_openapi_path(char *dst, size_t size, ngx_uint_t family,
    const char *path, const ngx_http_procmgr_route_doc_t *doc)
{
    size_t       len;
    const char  *p;

    (void) snprintf(dst, size, "%s%s",
                    ngx_http_procmgr_openapi_mounts[family],
                    *path ? "/" : "");

    for (p = path; *p; /* void */ ) {
        len = ngx_strlen(dst);

        if (*p == '{' && p[1] != 'p' && doc && doc->names) {
            (void) snprintf(dst + len, size - len, "{%s}", doc->names);
            p += strcspn(p, "}") + 1;
            continue;
        }

        (void) snprintf(dst + len, size - len, "%c", *p++);
    }
}
