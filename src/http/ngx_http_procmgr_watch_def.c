
/* The definition of a watch, from JSON and back */


#include "ngx_http_procmgr_watch.h"


#define NGX_HTTP_PROCMGR_WATCH_MB    1e10       /* ten petabytes */
#define NGX_HTTP_PROCMGR_WATCH_FAST  1e6        /* MB a minute */


static ngx_int_t ngx_http_procmgr_watch_target(json_t *json,
    ngx_procmgr_watch_def_t *def, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
static ngx_int_t ngx_http_procmgr_watch_kept(json_t *json,
    ngx_procmgr_watch_def_t *def);
static ngx_int_t ngx_http_procmgr_watch_limits_of(json_t *json,
    ngx_procmgr_watch_def_t *def, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
static ngx_int_t ngx_http_procmgr_watch_int(json_t *json, const char *key,
    uint32_t *dst, uint32_t min, uint32_t max,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
static ngx_int_t ngx_http_procmgr_watch_text(json_t *value, char *dst,
    size_t size);
static ngx_int_t ngx_http_procmgr_watch_known(json_t *json,
    const char *const *keys, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY]);
static ngx_int_t ngx_http_procmgr_watch_bad(
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY], const char *fmt, ...);


static const char *const  ngx_http_procmgr_watch_keys[] = {
    "pid", "unit", "name", "interval_ms", "history_size", "verbose_logging",
    "thresholds_mb", "growth_mb_per_min", "on_alert", "detail", NULL
};

static const char *const  ngx_http_procmgr_watch_limit_keys[] = {
    "thresholds_mb", "growth_mb_per_min", NULL
};


ngx_int_t
ngx_http_procmgr_watch_def_parse(json_t *json, ngx_procmgr_watch_def_t *def,
    ngx_uint_t kept, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    json_t  *value;

    ngx_memzero(def, sizeof(ngx_procmgr_watch_def_t));

    def->interval = 100;
    def->history = 1000;
    def->nlimits = 1;
    def->limit[0] = 100;

    if (!json_is_object(json)) {
        return ngx_http_procmgr_watch_bad(why, "it must be an object");
    }

    if ((!kept
         && ngx_http_procmgr_watch_known(json, ngx_http_procmgr_watch_keys,
                                         why)
            != NGX_OK)
        || ngx_http_procmgr_watch_target(json, def, why) != NGX_OK
        || ngx_http_procmgr_watch_int(json, "interval_ms", &def->interval,
                                      NGX_PROCMGR_WATCH_FASTEST,
                                      NGX_PROCMGR_WATCH_SLOWEST, why)
           != NGX_OK
        || ngx_http_procmgr_watch_int(json, "history_size", &def->history, 1,
                                      NGX_PROCMGR_WATCH_SAMPLES, why)
           != NGX_OK
        || ngx_http_procmgr_watch_limits_of(json, def, why) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    value = json_object_get(json, "on_alert");

    if (value && !json_is_null(value)
        && ngx_http_procmgr_watch_text(value, def->on_alert,
                                       sizeof(def->on_alert))
           != NGX_OK)
    {
        return ngx_http_procmgr_watch_bad(why, "on_alert must be a command of "
                                          "the policy, of 1 to %d bytes, or "
                                          "null",
                                          NGX_PROCMGR_WATCH_COMMAND - 1);
    }

    value = json_object_get(json, "verbose_logging");

    if (value && !json_is_null(value)) {

        if (!json_is_boolean(value)) {
            return ngx_http_procmgr_watch_bad(why, "verbose_logging must be "
                                              "true or false");
        }

        def->verbose = json_is_true(value) ? 1 : 0;
    }

    value = json_object_get(json, "detail");

    if (value && !json_is_null(value)) {

        if (!json_is_boolean(value)) {
            return ngx_http_procmgr_watch_bad(why,
                                              "detail must be true or false");
        }

        def->detail = json_is_true(value) ? 1 : 0;
    }

    return kept ? ngx_http_procmgr_watch_kept(json, def) : NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_watch_target(json_t *json, ngx_procmgr_watch_def_t *def,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    json_t      *pid, *unit, *name;
    ngx_uint_t   n;

    pid = json_object_get(json, "pid");
    unit = json_object_get(json, "unit");
    name = json_object_get(json, "name");

    n = (pid && !json_is_null(pid)) + (unit && !json_is_null(unit))
        + (name && !json_is_null(name));

    if (n != 1) {
        return ngx_http_procmgr_watch_bad(why, "exactly one of pid, unit and "
                                          "name must be given");
    }

    if (pid && !json_is_null(pid)) {

        if (!json_is_integer(pid)
            || json_integer_value(pid) < 1
            || json_integer_value(pid) > NGX_MAX_INT32_VALUE)
        {
            return ngx_http_procmgr_watch_bad(why, "pid must be an integer "
                                              "from 1 to %d",
                                              NGX_MAX_INT32_VALUE);
        }

        def->kind = NGX_PROCMGR_WATCH_PID;
        def->who.pid = (int32_t) json_integer_value(pid);

        return NGX_OK;
    }

    def->kind = (unit && !json_is_null(unit)) ? NGX_PROCMGR_WATCH_UNIT
                                              : NGX_PROCMGR_WATCH_NAME;

    if (ngx_http_procmgr_watch_text(
            def->kind == NGX_PROCMGR_WATCH_UNIT ? unit : name, def->target,
            sizeof(def->target))
        != NGX_OK)
    {
        return ngx_http_procmgr_watch_bad(why, "%s must be a string of 1 to "
                                          "%d bytes",
                                          def->kind == NGX_PROCMGR_WATCH_UNIT
                                          ? "unit" : "name",
                                          NGX_PROCMGR_WATCH_TARGET - 1);
    }

    return NGX_OK;
}


/* which process it is: a pid alone says nothing after a restart */

static ngx_int_t
ngx_http_procmgr_watch_kept(json_t *json, ngx_procmgr_watch_def_t *def)
{
    json_t      *value;
    const char  *text;

    value = json_object_get(json, "command");

    if (value) {
        (void) ngx_http_procmgr_watch_text(value, def->command,
                                           sizeof(def->command));
    }

    if (def->kind != NGX_PROCMGR_WATCH_PID) {
        return NGX_OK;
    }

    text = json_string_value(json_object_get(json, "process"));

    if (text) {
        ngx_cpystrn((u_char *) def->who.name, (u_char *) text, PM_WATCH_NAME);
    }

    value = json_object_get(json, "start");
    text = json_string_value(json_object_get(json, "boot"));

    def->who.starttime = (uint64_t) json_integer_value(value);

    /* of another boot: no process can be that one */

    if (def->who.starttime == 0 || text == NULL
        || ngx_strcmp(text, ngx_procmgr_watch_boot()) != 0)
    {
        def->who.starttime = UINT64_MAX;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_watch_limits_parse(json_t *json, ngx_procmgr_watch_def_t *def,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    if (ngx_http_procmgr_watch_known(json, ngx_http_procmgr_watch_limit_keys,
                                     why)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (json_object_size(json) == 0) {
        return ngx_http_procmgr_watch_bad(why, "thresholds_mb or "
                                          "growth_mb_per_min must be given");
    }

    return ngx_http_procmgr_watch_limits_of(json, def, why);
}


static ngx_int_t
ngx_http_procmgr_watch_limits_of(json_t *json, ngx_procmgr_watch_def_t *def,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    size_t   i;
    double   mb;
    json_t  *value, *item;

    value = json_object_get(json, "thresholds_mb");

    if (value && !json_is_null(value)) {

        if (!json_is_array(value)
            || json_array_size(value) > NGX_PROCMGR_WATCH_LIMITS)
        {
            return ngx_http_procmgr_watch_bad(why, "thresholds_mb must be a "
                                              "list of 0 to %d numbers",
                                              NGX_PROCMGR_WATCH_LIMITS);
        }

        json_array_foreach(value, i, item) {

            mb = json_number_value(item);

            if (!json_is_number(item) || !(mb >= 0.001)
                || mb > NGX_HTTP_PROCMGR_WATCH_MB)
            {
                return ngx_http_procmgr_watch_bad(why, "each of thresholds_mb "
                           "must be a number from 0.001 to 10000000000");
            }

            def->limit[i] = mb;
        }

        def->nlimits = (uint32_t) json_array_size(value);
    }

    value = json_object_get(json, "growth_mb_per_min");

    if (value == NULL) {
        return NGX_OK;
    }

    if (json_is_null(value)) {
        def->growth = 0;
        return NGX_OK;
    }

    mb = json_number_value(value);

    if (!json_is_number(value) || !(mb >= 0.001)
        || mb > NGX_HTTP_PROCMGR_WATCH_FAST)
    {
        return ngx_http_procmgr_watch_bad(why, "growth_mb_per_min must be a "
                                          "number from 0.001 to 1000000, or "
                                          "null");
    }

    def->growth = mb;

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_watch_int(json_t *json, const char *key, uint32_t *dst,
    uint32_t min, uint32_t max, u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    json_t  *value;

    value = json_object_get(json, key);

    if (value == NULL || json_is_null(value)) {
        return NGX_OK;
    }

    if (!json_is_integer(value)
        || json_integer_value(value) < min || json_integer_value(value) > max)
    {
        return ngx_http_procmgr_watch_bad(why, "%s must be an integer from "
                                          "%uD to %uD", key, min, max);
    }

    *dst = (uint32_t) json_integer_value(value);

    return NGX_OK;
}


/* jansson gives valid UTF-8 without zeros; no control characters either */

static ngx_int_t
ngx_http_procmgr_watch_text(json_t *value, char *dst, size_t size)
{
    size_t       i, len;
    const char  *text;

    text = json_string_value(value);
    len = json_string_length(value);

    if (text == NULL || len == 0 || len >= size) {
        return NGX_DECLINED;
    }

    for (i = 0; i < len; i++) {
        if ((u_char) text[i] < 0x20 || text[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    ngx_memcpy(dst, text, len);
    dst[len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_watch_known(json_t *json, const char *const *keys,
    u_char why[NGX_HTTP_PROCMGR_WATCH_WHY])
{
    u_char      *p, *last, names[NGX_HTTP_PROCMGR_WATCH_WHY];
    json_t      *value;
    ngx_uint_t   i;
    const char  *key;

    json_object_foreach(json, key, value) {

        for (i = 0; keys[i]; i++) {
            if (ngx_strcmp(keys[i], key) == 0) {
                break;
            }
        }

        if (keys[i] == NULL) {
            p = names;
            last = names + sizeof(names);

            for (i = 0; keys[i]; i++) {
                p = ngx_slprintf(p, last, "%s%s", i ? ", " : "", keys[i]);
            }

            return ngx_http_procmgr_watch_bad(why, "unknown member \"%*s\", "
                                              "allowed is %*s",
                                              ngx_min(ngx_strlen(key), 64),
                                              key, (size_t) (p - names),
                                              names);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_watch_bad(u_char why[NGX_HTTP_PROCMGR_WATCH_WHY],
    const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(why, why + NGX_HTTP_PROCMGR_WATCH_WHY - 1, fmt, args);
    va_end(args);

    *p = '\0';

    return NGX_DECLINED;
}


char *
ngx_http_procmgr_watch_def_text(const ngx_procmgr_watch_def_t *def)
{
    char        *text;
    json_t      *json, *limits;
    ngx_uint_t   i;

    limits = json_array();

    for (i = 0; i < def->nlimits; i++) {
        (void) json_array_append_new(limits, json_real(def->limit[i]));
    }

    json = json_pack("{s:i, s:i, s:b, s:b, s:o}",
                     "interval_ms", (int) def->interval,
                     "history_size", (int) def->history,
                     "verbose_logging", (int) def->verbose,
                     "detail", (int) def->detail,
                     "thresholds_mb", limits);
    if (json == NULL) {
        return NULL;
    }

    (void) json_object_set_new(json, "growth_mb_per_min", def->growth > 0
                               ? json_real(def->growth) : json_null());
    (void) json_object_set_new(json, "on_alert", def->on_alert[0]
                               ? json_string(def->on_alert) : json_null());

    if (def->command[0]) {
        (void) json_object_set_new(json, "command",
                                   json_string(def->command));
    }

    if (def->kind == NGX_PROCMGR_WATCH_PID) {

        (void) json_object_set_new(json, "pid", json_integer(def->who.pid));
        (void) json_object_set_new(json, "start",
                            json_integer((json_int_t) def->who.starttime));
        (void) json_object_set_new(json, "boot",
                                   json_string(ngx_procmgr_watch_boot()));

        /* NULL, which sets nothing, when its bytes are no UTF-8 */

        (void) json_object_set_new(json, "process",
                                   json_string(def->who.name));

    } else {
        (void) json_object_set_new(json, def->kind == NGX_PROCMGR_WATCH_UNIT
                                   ? "unit" : "name",
                                   json_string(def->target));
    }

    text = json_dumps(json, JSON_COMPACT|JSON_SORT_KEYS);

    json_decref(json);

    return text;
}
