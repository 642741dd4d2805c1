
/*
 * /system/schedule: what this host runs by time.  Tables of users and what
 * systemd plans come through the helper, where the policy lets it.
 */


#include "ngx_http_procmgr_host.h"
#include "../proc/pm_bus.h"
#include "../proc/pm_schedule.h"
#include "../proc/pm_timer.h"


#define NGX_HTTP_PROCMGR_SCHEDULE_TIMEOUT  5000
#define NGX_HTTP_PROCMGR_SCHEDULE_BUS      2000

/* ms; a refusal is a process and a line in the system's log each time */
#define NGX_HTTP_PROCMGR_SCHEDULE_DENIED   10000


typedef struct {
    ngx_procmgr_job_t  *job;
    pm_schedule_t      *schedule;
    unsigned            crontabs:1;     /* wanted from the helper */
    unsigned            timers:1;       /* the helper told of them */
} ngx_http_procmgr_schedule_t;


static void ngx_http_procmgr_schedule_ask(ngx_http_procmgr_schedule_t *s,
    ngx_uint_t role);
static void ngx_http_procmgr_schedule_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_schedule_lost(ngx_http_procmgr_schedule_t *s,
    const char *source, const char *user, int err);
static void ngx_http_procmgr_schedule_timers(ngx_http_procmgr_schedule_t *s,
    const char *text, size_t len);
static int ngx_http_procmgr_schedule_active(const pm_unit_rows_t *units,
    const char *name);
static int ngx_http_procmgr_schedule_told(void *list, const char *name);
static int64_t ngx_http_procmgr_schedule_usec(json_t *timer,
    const char *key);
static void ngx_http_procmgr_schedule_row(void *data,
    const pm_schedule_row_t *row);
static void ngx_http_procmgr_schedule_str(pm_json_t *j, const char *key,
    const pm_cron_str_t *s);
static void ngx_http_procmgr_schedule_time(pm_json_t *j, const char *key,
    int64_t seconds);


static uint64_t  ngx_http_procmgr_schedule_until[NGX_PROCMGR_ROLE_ADMIN + 1];


void
ngx_http_procmgr_make_schedule(ngx_procmgr_job_t *job)
{
    int                                    timers;
    unsigned                               lost, found;
    ngx_http_procmgr_schedule_t            s;
    const ngx_http_procmgr_system_args_t  *args;

    args = job->args;

    ngx_memzero(&s, sizeof(ngx_http_procmgr_schedule_t));

    s.job = job;
    s.schedule = pm_schedule_create("/", time(NULL),
                                    ngx_http_procmgr_schedule_row, job);

    if (s.schedule == NULL) {
        ngx_http_procmgr_syscall_failed(job, "open", errno);
        return;
    }

    pm_json_array(&job->json);

    lost = pm_schedule_read(s.schedule, &found);

    s.crontabs = ((lost & PM_SCHEDULE_CRONTABS) != 0);
    timers = pm_timer_there("/");

    if (s.crontabs || timers) {
        ngx_http_procmgr_schedule_ask(&s, args->role);
    }

    if (s.crontabs) {
        ngx_http_procmgr_partial(job, "crontabs");
    }

    if (timers && !s.timers) {
        ngx_http_procmgr_partial(job, "timers");
        (void) pm_timer_read("/", ngx_http_procmgr_schedule_row, job);
    }

    if (lost & PM_SCHEDULE_TABLES) {
        ngx_http_procmgr_partial(job, "tables");
    }

    pm_json_array_end(&job->json);

    pm_schedule_free(s.schedule);
}


static void
ngx_http_procmgr_schedule_ask(ngx_http_procmgr_schedule_t *s,
    ngx_uint_t role)
{
    u_char                op[37];
    uint64_t              now, *until;
    ngx_str_t             actor;
    const char           *name, *result;
    pm_wire_text_t        text;
    ngx_procmgr_reply_t   reply;

    now = ngx_procmgr_boottime();
    until = &ngx_http_procmgr_schedule_until[role];

    if (__atomic_load_n(until, __ATOMIC_RELAXED) > now
        || ngx_procmgr_uuid(op) != NGX_OK)
    {
        return;
    }

    /* a view is made for all who have the role, whoever was the first */

    name = ngx_http_procmgr_role_name(role);

    actor.data = (u_char *) name;
    actor.len = ngx_strlen(name);

    ngx_memzero(&reply, sizeof(ngx_procmgr_reply_t));

    ngx_procmgr_request(&text, "schedule", (char *) op, &actor, name,
                        NGX_HTTP_PROCMGR_SCHEDULE_TIMEOUT);

    ngx_procmgr_exec_wait(s->job->pm, &text, NULL, 0,
                          NGX_HTTP_PROCMGR_SCHEDULE_TIMEOUT,
                          ngx_http_procmgr_schedule_record, s, &reply);

    result = NULL;

    if (reply.ended == NGX_PROCMGR_EXEC_DONE) {
        result = pm_wire_get(&reply.msg, "result");

        if (result != NULL && ngx_strcmp(result, "ok") == 0) {
            s->crontabs = 0;

        } else {
            __atomic_store_n(until, now + NGX_HTTP_PROCMGR_SCHEDULE_DENIED,
                             __ATOMIC_RELAXED);
        }
    }

    ngx_procmgr_reply_free(&reply);
}


/* a path, a zero byte and the file; of systemd its list in JSON */

static void
ngx_http_procmgr_schedule_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_schedule_t *s = data;

    char         source[512], *user;
    size_t       len, rest;
    const char  *text;

    text = memchr(bytes, '\0', head->len);

    if (text == NULL) {
        return;
    }

    len = text - (const char *) bytes;

    if (len == 0 || len >= sizeof(source)) {
        return;
    }

    ngx_memcpy(source, bytes, len + 1);

    text++;
    rest = head->len - len - 1;

    if (rest && *text == '[' && strstr(source, "timers") != NULL) {
        ngx_http_procmgr_schedule_timers(s, text, rest);
        return;
    }

    user = strrchr(source, '/');

    if (!s->crontabs || user == NULL || user[1] == '\0') {
        return;
    }

    if (head->error) {
        ngx_http_procmgr_schedule_lost(s, source, user + 1, head->error);
        return;
    }

    pm_schedule_crontab(s->schedule, source, user + 1, text, rest);
}


static void
ngx_http_procmgr_schedule_lost(ngx_http_procmgr_schedule_t *s,
    const char *source, const char *user, int err)
{
    pm_schedule_row_t  row;

    if (err == ENOENT) {
        return;
    }

    ngx_memzero(&row, sizeof(pm_schedule_row_t));

    row.source = source;
    row.user.data = user;
    row.user.len = ngx_strlen(user);
    row.next = PM_CRON_NEVER;
    row.last = PM_CRON_NEVER;
    row.error = (err == EFBIG) ? "is too long to be a table"
                               : "cannot be read";

    ngx_http_procmgr_partial(s->job, "crontabs");
    ngx_http_procmgr_schedule_row(s->job, &row);
}


static void
ngx_http_procmgr_schedule_timers(ngx_http_procmgr_schedule_t *s,
    const char *text, size_t len)
{
    size_t           i;
    json_t          *list, *timer;
    const char      *unit;
    pm_unit_rows_t   units;

    list = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_array(list)) {
        json_decref(list);
        return;
    }

    s->timers = 1;

    /* the list has stopped ones too, and does not say so */

    if (pm_bus_units(PM_BUS_SOCKET, NGX_HTTP_PROCMGR_SCHEDULE_BUS, &units)
        != 0)
    {
        ngx_memzero(&units, sizeof(pm_unit_rows_t));
    }

    json_array_foreach(list, i, timer) {

        unit = json_string_value(json_object_get(timer, "unit"));

        if (unit == NULL || *unit == '\0' || ngx_strlen(unit) > 255
            || strchr(unit, '/') != NULL)
        {
            continue;
        }

        pm_timer_named("/", unit,
                       ngx_http_procmgr_schedule_usec(timer, "next"),
                       ngx_http_procmgr_schedule_usec(timer, "last"),
                       ngx_http_procmgr_schedule_active(&units, unit),
                       ngx_http_procmgr_schedule_row, s->job);
    }

    pm_timer_rest("/", ngx_http_procmgr_schedule_told, list,
                  ngx_http_procmgr_schedule_row, s->job);

    pm_unit_rows_free(&units);
    json_decref(list);
}


/* one that nobody knows of is taken to be what most are */

static int
ngx_http_procmgr_schedule_active(const pm_unit_rows_t *units,
    const char *name)
{
    size_t  i;

    for (i = 0; i < units->n; i++) {
        if (ngx_strcmp(units->elts[i].name, name) == 0) {
            return ngx_strcmp(units->elts[i].active_state, "active") == 0;
        }
    }

    return 1;
}


static int
ngx_http_procmgr_schedule_told(void *list, const char *name)
{
    size_t       i;
    json_t      *timer;
    const char  *unit;

    json_array_foreach((json_t *) list, i, timer) {
        unit = json_string_value(json_object_get(timer, "unit"));

        if (unit && ngx_strcmp(unit, name) == 0) {
            return 1;
        }
    }

    return 0;
}


static int64_t
ngx_http_procmgr_schedule_usec(json_t *timer, const char *key)
{
    int64_t  usec;

    usec = json_integer_value(json_object_get(timer, key));

    return usec > 0 ? usec / 1000000 : PM_CRON_NEVER;
}


static void
ngx_http_procmgr_schedule_row(void *data, const pm_schedule_row_t *row)
{
    ngx_procmgr_job_t *job = data;

    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);

    pm_json_key(j, "source");
    pm_json_str(j, row->source);

    pm_json_key(j, "line");

    if (row->line) {
        pm_json_u64(j, row->line);

    } else {
        pm_json_null(j);
    }

    ngx_http_procmgr_schedule_str(j, "user", &row->user);
    ngx_http_procmgr_schedule_str(j, "schedule", &row->schedule);
    ngx_http_procmgr_schedule_str(j, "command", &row->command);
    ngx_http_procmgr_schedule_str(j, "input", &row->input);
    ngx_http_procmgr_schedule_str(j, "timezone", &row->zone);
    ngx_http_procmgr_schedule_time(j, "next", row->next);
    ngx_http_procmgr_schedule_time(j, "last", row->last);

    pm_json_key(j, "enabled");
    pm_json_bool(j, row->enabled);

    pm_json_key(j, "error");
    pm_json_str(j, row->error);

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_schedule_str(pm_json_t *j, const char *key,
    const pm_cron_str_t *s)
{
    pm_json_key(j, key);

    if (s->data == NULL) {
        pm_json_null(j);

    } else {
        pm_json_strn(j, s->data, s->len);
    }
}


static void
ngx_http_procmgr_schedule_time(pm_json_t *j, const char *key,
    int64_t seconds)
{
    char  text[PM_TIME_LEN];

    pm_json_key(j, key);

    if (seconds == PM_CRON_NEVER) {
        pm_json_null(j);
        return;
    }

    pm_time_text(text, seconds * 1000);
    pm_json_str(j, text);
}
