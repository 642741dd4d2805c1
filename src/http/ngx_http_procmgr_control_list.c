
/*
 * What the policy allows, as the helper lists it.  All of this runs in a
 * pool thread.
 */


#include "ngx_http_procmgr_control.h"


typedef struct {
    ngx_uint_t                what;
    pm_json_t                *services;
    pm_json_t                *commands;
    pm_json_t                *signals;
    pm_json_t                *priorities;
    ngx_uint_t                broken;
} ngx_http_procmgr_list_t;


static ngx_int_t ngx_http_procmgr_control_list(ngx_procmgr_t *pm,
    const ngx_http_procmgr_list_args_t *args, ngx_uint_t live,
    ngx_http_procmgr_list_t *list, char *why, size_t len);
static void ngx_http_procmgr_control_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_control_record_service(pm_json_t *j,
    const pm_wire_msg_t *msg, ngx_uint_t brief);
static void ngx_http_procmgr_control_pids(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_control_record_unit(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_control_record_command(pm_json_t *j,
    const pm_wire_msg_t *msg, ngx_uint_t brief);
static void ngx_http_procmgr_control_record_priority(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_control_record_signal(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_control_text(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);
static void ngx_http_procmgr_control_number(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);
static void ngx_http_procmgr_control_flag(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);
static void ngx_http_procmgr_control_words(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name, char separator);
static void ngx_http_procmgr_control_items(pm_json_t *j,
    const pm_wire_msg_t *msg, const char *name, char separator);
static void ngx_http_procmgr_control_line(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);


void
ngx_http_procmgr_control_make(ngx_procmgr_job_t *job)
{
    char                     why[256];
    ngx_http_procmgr_list_t  list;

    const ngx_http_procmgr_list_args_t  *args = job->args;

    ngx_memzero(&list, sizeof(ngx_http_procmgr_list_t));

    list.what = args->what;

    if (args->what == NGX_HTTP_PROCMGR_LIST_COMMANDS) {
        list.commands = &job->json;

    } else {
        list.services = &job->json;
    }

    if (args->what == NGX_HTTP_PROCMGR_LIST_UNITS) {
        pm_json_object(&job->json);

    } else {
        pm_json_array(&job->json);
    }

    if (ngx_http_procmgr_control_list(job->pm, args,
                              args->what == NGX_HTTP_PROCMGR_LIST_SERVICES,
                              &list, why, sizeof(why))
        != NGX_OK)
    {
        ngx_procmgr_job_fail(job, NGX_HTTP_SERVICE_UNAVAILABLE,
                             "helper_unavailable", "%s", why);
        return;
    }

    if (args->what == NGX_HTTP_PROCMGR_LIST_UNITS) {
        pm_json_object_end(&job->json);

    } else {
        pm_json_array_end(&job->json);
    }
}


void
ngx_http_procmgr_control_make_policy(ngx_procmgr_job_t *job)
{
    char                     why[256];
    ngx_int_t                rc;
    pm_json_t                services, commands, signals, priorities, *j;
    uint64_t                 setuid, unprivileged;
    ngx_uint_t               i, known;
    const char              *trouble;
    ngx_procmgr_reply_t      reply;
    ngx_http_procmgr_list_t  list;

    const ngx_http_procmgr_list_args_t  *args = job->args;

    const struct {
        const char  *key;
        pm_json_t   *json;
    } parts[] = {
        { "services", &services },
        { "commands", &commands },
        { "signals", &signals },
        { "priorities", &priorities }
    };

    known = 0;
    setuid = 0;
    unprivileged = 0;

    rc = ngx_http_procmgr_control_helper(job->pm, "status", args, 0,
                                         NULL, NULL, &reply, why,
                                         sizeof(why));
    if (rc == NGX_OK) {

        known = (pm_wire_getu(&reply.msg, "setuid", 1, &setuid) == 0
                 && pm_wire_getu(&reply.msg, "unprivileged", 1, &unprivileged)
                    == 0);

        trouble = ngx_http_procmgr_helper_status(&reply.msg);

        if (trouble) {
            ngx_cpystrn((u_char *) why, (u_char *) trouble, sizeof(why));
            rc = NGX_DECLINED;
        }

        ngx_procmgr_reply_free(&reply);
    }

    ngx_memzero(&list, sizeof(ngx_http_procmgr_list_t));

    list.what = NGX_HTTP_PROCMGR_LIST_POLICY;
    list.services = &services;
    list.commands = &commands;
    list.signals = &signals;
    list.priorities = &priorities;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        pm_json_init(parts[i].json, 0);
        pm_json_array(parts[i].json);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_procmgr_control_list(job->pm, args, 0, &list, why,
                                           sizeof(why));
    }

    j = &job->json;

    pm_json_object(j);

    pm_json_key(j, "role");
    pm_json_str(j, ngx_http_procmgr_role_name(args->role));

    pm_json_key(j, "helper");
    pm_json_object(j);
    pm_json_key(j, "available");
    pm_json_bool(j, rc == NGX_OK);
    pm_json_key(j, "setuid");

    if (known) {
        pm_json_bool(j, (int) setuid);
        pm_json_key(j, "unprivileged");
        pm_json_bool(j, (int) unprivileged);

    } else {
        pm_json_null(j);
        pm_json_key(j, "unprivileged");
        pm_json_null(j);
    }

    pm_json_key(j, "reason");
    pm_json_str(j, rc == NGX_OK ? NULL : why);
    pm_json_object_end(j);

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {

        char  *data;

        pm_json_array_end(parts[i].json);
        pm_json_key(j, parts[i].key);

        data = pm_json_flatten(parts[i].json);

        /* what came before the trouble is no policy */

        if (data && rc == NGX_OK) {
            pm_json_raw(j, data, parts[i].json->total);

        } else {
            pm_json_array(j);
            pm_json_array_end(j);
        }

        free(data);
        pm_json_free(parts[i].json);
    }

    pm_json_key(j, "can");
    pm_json_object(j);
    pm_json_key(j, "act");
    pm_json_bool(j, rc == NGX_OK && args->role >= NGX_PROCMGR_ROLE_OPERATOR);
    pm_json_key(j, "log_read");
    pm_json_bool(j, args->role >= NGX_PROCMGR_ROLE_OPERATOR);
    pm_json_key(j, "log_verify");
    pm_json_bool(j, args->role >= NGX_PROCMGR_ROLE_ADMIN);
    pm_json_object_end(j);

    pm_json_object_end(j);
}


static ngx_int_t
ngx_http_procmgr_control_list(ngx_procmgr_t *pm,
    const ngx_http_procmgr_list_args_t *args, ngx_uint_t live,
    ngx_http_procmgr_list_t *list, char *why, size_t len)
{
    ngx_int_t            rc;
    const char          *text;
    ngx_procmgr_reply_t  reply;

    rc = ngx_http_procmgr_control_helper(pm, "list", args, live,
                                         ngx_http_procmgr_control_record,
                                         list, &reply, why, len);
    if (rc != NGX_OK) {
        return rc;
    }

    text = pm_wire_get(&reply.msg, "result");

    if (text == NULL || ngx_strcmp(text, "ok") != 0 || list->broken) {
        text = pm_wire_get(&reply.msg, "reason");
        ngx_cpystrn((u_char *) why,
                    (u_char *) (text ? text : "it answered nonsense"), len);
        rc = NGX_DECLINED;
    }

    ngx_procmgr_reply_free(&reply);

    return rc;
}


ngx_int_t
ngx_http_procmgr_control_helper(ngx_procmgr_t *pm, const char *verb,
    const ngx_http_procmgr_list_args_t *args, ngx_uint_t live,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply,
    char *why, size_t len)
{
    u_char          id[37];
    pm_wire_text_t  text;

    static ngx_str_t  actor = ngx_string("procmgr");

    if (!pm->helper.set) {
        ngx_cpystrn((u_char *) why, (u_char *) "no helper is configured",
                    len);
        return NGX_DECLINED;
    }

    if (ngx_procmgr_uuid(id) != NGX_OK) {
        ngx_cpystrn((u_char *) why, (u_char *) "no random bytes", len);
        return NGX_DECLINED;
    }

    ngx_procmgr_request(&text, verb, (char *) id, &actor,
                        ngx_http_procmgr_role_name(args->role),
                        NGX_HTTP_PROCMGR_LIST_TIMEOUT);

    if (live) {
        pm_wire_addu(&text, "live", 1);
    }

    if (args->name[0]) {
        pm_wire_add(&text, "name", args->name);
    }

    if (args->lines) {
        pm_wire_addu(&text, "lines", args->lines);
    }

    ngx_memzero(reply, sizeof(ngx_procmgr_reply_t));

    ngx_procmgr_exec_wait(pm, &text, NULL, 0, NGX_HTTP_PROCMGR_LIST_TIMEOUT,
                          record, data, reply);

    if (reply->ended == NGX_PROCMGR_EXEC_DONE) {
        return NGX_OK;
    }

    /* reply->why names the path: that is for the error log */

    ngx_cpystrn((u_char *) why,
                (u_char *) (reply->ended == NGX_PROCMGR_EXEC_AWAY
                                ? "the helper could not be started"
                                : "the helper did not answer"),
                len);

    ngx_procmgr_reply_free(reply);

    return NGX_DECLINED;
}


static void
ngx_http_procmgr_control_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_list_t *list = data;

    char            text[PM_WIRE_TEXT + 1];
    ngx_uint_t      brief;
    const char     *kind, *why;
    pm_wire_msg_t   msg;

    if (head->error || head->len > PM_WIRE_TEXT) {
        list->broken = 1;
        return;
    }

    ngx_memcpy(text, bytes, head->len);
    text[head->len] = '\0';

    if (pm_wire_parse(&msg, text, head->len, NULL, &why) != 0) {
        list->broken = 1;
        return;
    }

    kind = pm_wire_get(&msg, "kind");

    if (kind == NULL) {
        list->broken = 1;
        return;
    }

    brief = (list->what == NGX_HTTP_PROCMGR_LIST_POLICY);

    if (list->services && ngx_strcmp(kind, "service") == 0) {

        if (list->what == NGX_HTTP_PROCMGR_LIST_UNITS) {
            ngx_http_procmgr_control_record_unit(list->services, &msg);

        } else {
            ngx_http_procmgr_control_record_service(list->services, &msg,
                                                    brief);
        }

    } else if (list->commands && ngx_strcmp(kind, "command") == 0) {
        ngx_http_procmgr_control_record_command(list->commands, &msg, brief);

    } else if (list->priorities && ngx_strcmp(kind, "priority") == 0) {
        ngx_http_procmgr_control_record_priority(list->priorities, &msg);

    } else if (list->signals && ngx_strcmp(kind, "signal") == 0) {
        ngx_http_procmgr_control_record_signal(list->signals, &msg);
    }
}


static void
ngx_http_procmgr_control_record_service(pm_json_t *j,
    const pm_wire_msg_t *msg, ngx_uint_t brief)
{
    pm_json_object(j);

    ngx_http_procmgr_control_text(j, "name", msg, "name");

    if (!brief) {
        ngx_http_procmgr_control_text(j, "manager", msg, "manager");
        ngx_http_procmgr_control_text(j, "unit", msg, "unit");
        ngx_http_procmgr_control_text(j, "description", msg, "description");
        ngx_http_procmgr_control_text(j, "state", msg, "state");
        ngx_http_procmgr_control_text(j, "sub_state", msg, "sub_state");
        ngx_http_procmgr_control_number(j, "main_pid", msg, "main_pid");
        ngx_http_procmgr_control_text(j, "since", msg, "since");
        ngx_http_procmgr_control_number(j, "memory", msg, "memory");
        ngx_http_procmgr_control_flag(j, "enabled", msg, "enabled");
        ngx_http_procmgr_control_text(j, "executable", msg, "program");
        ngx_http_procmgr_control_text(j, "user", msg, "user");
        ngx_http_procmgr_control_text(j, "start_type", msg, "start_type");
        ngx_http_procmgr_control_text(j, "unit_file", msg, "unit_file");
        ngx_http_procmgr_control_pids(j, msg);
    }

    ngx_http_procmgr_control_words(j, "actions", msg, "actions", ',');

    pm_json_object_end(j);
}


/* null: the manager does not tell */

static void
ngx_http_procmgr_control_pids(pm_json_t *j, const pm_wire_msg_t *msg)
{
    char           *end;
    const char     *p;
    unsigned long   n;

    p = pm_wire_get(msg, "pids");

    if (p == NULL) {
        p = pm_wire_get(msg, "main_pid");
    }

    pm_json_key(j, "pids");

    if (p == NULL) {
        pm_json_null(j);
        return;
    }

    pm_json_array(j);

    while (*p >= '0' && *p <= '9') {
        n = strtoul(p, &end, 10);
        pm_json_u64(j, n);
        p = end + (*end == ',');
    }

    pm_json_array_end(j);
}


/* "name":["manager unit","start","stop",...] */

static void
ngx_http_procmgr_control_record_unit(pm_json_t *j, const pm_wire_msg_t *msg)
{
    char                   unit[PM_WIRE_TEXT];
    const char            *manager;
    const pm_wire_pair_t  *name, *id;

    name = pm_wire_pair(msg, "name");
    manager = pm_wire_get(msg, "manager");
    id = pm_wire_pair(msg, "unit");

    if (name == NULL || manager == NULL || id == NULL) {
        return;
    }

    (void) snprintf(unit, sizeof(unit), "%s %s", manager, id->value);

    pm_json_key_n(j, name->value, name->len);
    pm_json_array(j);
    pm_json_str(j, unit);
    ngx_http_procmgr_control_items(j, msg, "actions", ',');
    pm_json_array_end(j);
}


static void
ngx_http_procmgr_control_record_command(pm_json_t *j,
    const pm_wire_msg_t *msg, ngx_uint_t brief)
{
    pm_json_object(j);

    ngx_http_procmgr_control_text(j, "id", msg, "name");

    if (!brief) {
        ngx_http_procmgr_control_line(j, "command", msg, "words");
        ngx_http_procmgr_control_words(j, "words", msg, "words",
                                       NGX_HTTP_PROCMGR_ARGV_SEP);
        ngx_http_procmgr_control_text(j, "user", msg, "user");
    }

    ngx_http_procmgr_control_text(j, "example", msg, "example");
    ngx_http_procmgr_control_words(j, "roles", msg, "roles", ',');
    ngx_http_procmgr_control_number(j, "timeout_s", msg, "timeout");

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_control_record_priority(pm_json_t *j,
    const pm_wire_msg_t *msg)
{
    uint64_t    classes;
    ngx_uint_t  i;

    pm_json_object(j);

    ngx_http_procmgr_control_text(j, "uid", msg, "uid");
    ngx_http_procmgr_control_text(j, "nice", msg, "nice");
    pm_json_key(j, "ionice");
    pm_json_array(j);

    if (pm_wire_getu(msg, "ionice", 0x0f, &classes) == 0) {
        for (i = 0; i < 4; i++) {
            if (classes & (1 << i)) {
                pm_json_u64(j, i);
            }
        }
    }

    pm_json_array_end(j);

    ngx_http_procmgr_control_flag(j, "affinity", msg, "affinity");

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_control_record_signal(pm_json_t *j,
    const pm_wire_msg_t *msg)
{
    pm_json_object(j);

    ngx_http_procmgr_control_text(j, "uid", msg, "uid");
    ngx_http_procmgr_control_words(j, "signals", msg, "sigs", ',');

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_control_text(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, name);

    pm_json_key(j, key);

    if (pair && pair->len) {
        pm_json_strn(j, pair->value, pair->len);

    } else {
        pm_json_null(j);
    }
}


static void
ngx_http_procmgr_control_number(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    uint64_t  n;

    pm_json_key(j, key);

    if (pm_wire_getu(msg, name, UINT64_MAX, &n) == 0) {
        pm_json_u64(j, n);

    } else {
        pm_json_null(j);
    }
}


static void
ngx_http_procmgr_control_flag(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    uint64_t  n;

    pm_json_key(j, key);

    if (pm_wire_getu(msg, name, 1, &n) == 0) {
        pm_json_bool(j, (int) n);

    } else {
        pm_json_null(j);
    }
}


static void
ngx_http_procmgr_control_words(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name, char separator)
{
    pm_json_key(j, key);
    pm_json_array(j);
    ngx_http_procmgr_control_items(j, msg, name, separator);
    pm_json_array_end(j);
}


static void
ngx_http_procmgr_control_items(pm_json_t *j, const pm_wire_msg_t *msg,
    const char *name, char separator)
{
    const char            *p, *end, *word;
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, name);

    if (pair == NULL) {
        return;
    }

    p = pair->value;
    end = p + pair->len;

    while (p < end) {
        word = p;

        p = memchr(word, separator, (size_t) (end - word));
        if (p == NULL) {
            p = end;
        }

        /* to look is no action of this interface */

        if (separator != ','
            || (p > word
                && !(p - word == 6 && ngx_memcmp(word, "status", 6) == 0)))
        {
            pm_json_strn(j, word, (size_t) (p - word));
        }

        p++;
    }
}


/* words with blanks between them, for people */

static void
ngx_http_procmgr_control_line(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    char                   buf[PM_WIRE_TEXT];
    size_t                 i, len;
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, name);

    pm_json_key(j, key);

    if (pair == NULL) {
        pm_json_null(j);
        return;
    }

    len = ngx_min(pair->len, sizeof(buf));

    for (i = 0; i < len; i++) {
        buf[i] = pair->value[i] == NGX_HTTP_PROCMGR_ARGV_SEP ? ' '
                                                             : pair->value[i];
    }

    pm_json_strn(j, buf, len);
}
