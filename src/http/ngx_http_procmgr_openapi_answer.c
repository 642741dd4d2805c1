
/* What a route answers, and the problems that all of them share */


#include "ngx_http_procmgr_openapi.h"


static void ngx_http_procmgr_openapi_answer(pm_json_t *j, const char *status,
    const char *text, const char *type, const char *schema);


void
ngx_http_procmgr_openapi_components(pm_json_t *j)
{
    const ngx_http_procmgr_problem_doc_t  *p;

    static const char  security[] =
        "{\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\","
        "\"name\":\"procmgr\"},"
        "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}";

    static const char  schemas[] =
        "{\"Problem\":{\"type\":\"object\","
        "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\"],"
        "\"properties\":{\"type\":{\"type\":\"string\"},"
        "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
        "\"detail\":{\"type\":\"string\"},"
        "\"code\":{\"type\":\"string\",\"pattern\":\"^[a-z_]+$\"}}},"
        "\"Operation\":{\"type\":\"object\","
        "\"required\":[\"op_id\",\"retStatus\"],"
        "\"properties\":{\"op_id\":{\"type\":\"string\","
        "\"format\":\"uuid\"},\"retStatus\":{\"type\":\"string\"},"
        "\"is_exec\":{\"type\":\"boolean\"}}}}";

    pm_json_key(j, "components");
    pm_json_object(j);

    pm_json_key(j, "securitySchemes");
    pm_json_raw(j, security, sizeof(security) - 1);
    pm_json_key(j, "schemas");
    pm_json_raw(j, schemas, sizeof(schemas) - 1);

    pm_json_key(j, "responses");
    pm_json_object(j);

    for (p = ngx_http_procmgr_problem_docs; p->text; p++) {
        pm_json_key(j, p->name);
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "description", p->text);

        pm_json_key(j, "content");
        pm_json_object(j);
        pm_json_key(j, "application/problem+json");
        pm_json_object(j);
        pm_json_key(j, "schema");
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "$ref",
                                      "#/components/schemas/Problem");

        /* a refused act has the policy's or the helper's own code */

        pm_json_key(j, "properties");
        pm_json_object(j);
        pm_json_key(j, "code");
        pm_json_object(j);
        pm_json_key(j, "examples");
        ngx_http_procmgr_openapi_words(j, p->codes);
        pm_json_object_end(j);
        pm_json_object_end(j);

        pm_json_object_end(j);
        pm_json_object_end(j);
        pm_json_object_end(j);
        pm_json_object_end(j);
    }

    pm_json_object_end(j);
    pm_json_object_end(j);
}


void
ngx_http_procmgr_openapi_answers(pm_json_t *j, ngx_uint_t family,
    const ngx_http_procmgr_route_t *route, char answer)
{
    char                                   ref[64], status[8];
    ngx_uint_t                             body, write, takes;
    const ngx_http_procmgr_problem_doc_t  *p;

    static const char  operation[] =
        "{\"$ref\":\"#/components/schemas/Operation\"}";

    body = (route->flags & NGX_HTTP_PROCMGR_BODY) != 0;
    write = (route->method != NGX_HTTP_GET);

    pm_json_key(j, "responses");
    pm_json_object(j);

    switch (answer) {

    case '-':
        ngx_http_procmgr_openapi_answer(j, "204", "Done", NULL, NULL);
        break;

    case 'c':
        ngx_http_procmgr_openapi_answer(j, "201", "Made", "application/json",
                                        "{\"type\":\"object\"}");
        break;

    case 'x':
        ngx_http_procmgr_openapi_answer(j, "200", "The finished operation",
                                        "application/json", operation);
        ngx_http_procmgr_openapi_answer(j, "202",
                                        "It still runs: Location tells where "
                                        "to look", "application/json",
                                        operation);
        break;

    case 't':
        ngx_http_procmgr_openapi_answer(j, "200", "A stream", "text/plain",
                                        "{\"type\":\"string\"}");
        break;

    case 'e':
        ngx_http_procmgr_openapi_answer(j, "200", "Events",
                                        "text/event-stream",
                                        "{\"type\":\"string\"}");
        break;

    default:
        ngx_http_procmgr_openapi_answer(j, "200", "The answer",
                                        "application/json",
                                        answer == 'o' ? "{\"type\":\"object\"}"
                                        : answer == 'a'
                                        ? "{\"type\":\"array\"}" : "{}");
    }

    if (family == NGX_HTTP_PROCMGR_SYSTEM && !write) {
        ngx_http_procmgr_openapi_answer(j, "304", "It did not change", NULL,
                                        NULL);
    }

    for (p = ngx_http_procmgr_problem_docs; p->text; p++) {

        switch (p->status) {

        case 401:
            takes = !(route->flags & NGX_HTTP_PROCMGR_ANON) || body;
            break;

        case 403:
            takes = !(route->flags & NGX_HTTP_PROCMGR_ANON) || write;
            break;

        case 409:
        case 429:
            takes = write;
            break;

        case 413:
        case 415:
            takes = body;
            break;

        default:
            takes = 1;
        }

        if (!takes) {
            continue;
        }

        (void) snprintf(status, sizeof(status), "%d", (int) p->status);
        (void) snprintf(ref, sizeof(ref), "#/components/responses/%s",
                        p->name);

        pm_json_key(j, status);
        pm_json_object(j);
        ngx_http_procmgr_openapi_text(j, "$ref", ref);
        pm_json_object_end(j);
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_openapi_answer(pm_json_t *j, const char *status,
    const char *text, const char *type, const char *schema)
{
    pm_json_key(j, status);
    pm_json_object(j);
    ngx_http_procmgr_openapi_text(j, "description", text);

    if (type) {
        pm_json_key(j, "content");
        pm_json_object(j);
        pm_json_key(j, type);
        pm_json_object(j);
        pm_json_key(j, "schema");
        pm_json_raw(j, schema, ngx_strlen(schema));
        pm_json_object_end(j);
        pm_json_object_end(j);
    }

    pm_json_object_end(j);
}


void
ngx_http_procmgr_openapi_words(pm_json_t *j, const char *words)
{
    size_t  len;

    pm_json_array(j);

    for ( /* void */ ; *words; words += len + (words[len] == ' ')) {
        len = strcspn(words, " ");
        pm_json_strn(j, words, len);
    }

    pm_json_array_end(j);
}


void
ngx_http_procmgr_openapi_text(pm_json_t *j, const char *key,
    const char *value)
{
    pm_json_key(j, key);
    pm_json_str(j, value);
}
