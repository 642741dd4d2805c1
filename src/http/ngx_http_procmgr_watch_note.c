
/*
 * Rows of alerts and ends, written when the database is there, once; and the
 * command of an alert behind its row.
 */


#include "ngx_http_procmgr_watch.h"
#include "ngx_http_procmgr_sql.h"
#include "../policy/pm_words.h"


#define NGX_HTTP_PROCMGR_NOTES_AT_ONCE  4
#define NGX_HTTP_PROCMGR_NOTES_AGAIN    1000    /* ms */


typedef struct {                            /* malloc()ed */
    ngx_procmgr_t               *pm;
    ngx_procmgr_watch_note_t     note;
} ngx_http_procmgr_note_t;


static void ngx_http_procmgr_note_written(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_note_command(ngx_http_procmgr_note_t *n,
    const char *role);
static void ngx_http_procmgr_note_done(void *data, ngx_uint_t written);


/* of this worker: notes that are with the database, and when to try again */

static ngx_uint_t  ngx_http_procmgr_notes_n;
static uint64_t    ngx_http_procmgr_notes_at;


void
ngx_http_procmgr_watch_notes(ngx_procmgr_t *pm)
{
    const char               *args[10];
    ngx_http_procmgr_note_t  *n;

    if (pm->pg == NULL
        || ngx_procmgr_boottime() < ngx_http_procmgr_notes_at)
    {
        return;
    }

    while (ngx_http_procmgr_notes_n < NGX_HTTP_PROCMGR_NOTES_AT_ONCE) {

        n = ngx_alloc(sizeof(ngx_http_procmgr_note_t), ngx_cycle->log);
        if (n == NULL) {
            return;
        }

        n->pm = pm;

        if (ngx_procmgr_watch_note_take(pm, &n->note) != NGX_OK) {
            ngx_free(n);
            return;
        }

        args[0] = (const char *) n->note.id;
        args[1] = (const char *) pm->host.data;
        args[2] = (const char *) n->note.watch;
        args[3] = n->note.kind == NGX_PROCMGR_NOTE_ALERT ? "memory_alert"
                                                         : "memory_watch";
        args[4] = n->note.target;
        args[5] = n->note.actor;
        args[6] = ngx_http_procmgr_role_name(n->note.role);
        args[7] = n->note.remote;
        args[8] = n->note.code;
        args[9] = n->note.detail;

        ngx_http_procmgr_notes_n++;

        if (ngx_procmgr_pg_query(pm, NGX_HTTP_PROCMGR_SQL_WATCH_NOTE, 10,
                                 args, 0, ngx_http_procmgr_note_written, n)
            == NULL)
        {
            ngx_http_procmgr_note_done(n, 0);
            return;
        }
    }
}


static void
ngx_http_procmgr_note_written(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_note_t *n = data;

    json_t     *json;
    ngx_int_t   rc;

    if (res->ended == NGX_PROCMGR_PG_OK) {
        ngx_http_procmgr_log_changed();

        json = ngx_http_procmgr_pg_json(res);
        rc = NGX_DECLINED;

        if (n->note.on_alert[0]) {
            rc = ngx_http_procmgr_note_command(n,
                     json_string_value(json_object_get(json, "role")));
        }

        json_decref(json);

        if (rc != NGX_OK) {
            ngx_http_procmgr_note_done(n, rc == NGX_DECLINED);
        }

        return;
    }

    /* data exception, integrity: it would be refused for ever */

    if (res->ended == NGX_PROCMGR_PG_REFUSED
        && (ngx_strncmp(res->sqlstate, "22", 2) == 0
            || ngx_strncmp(res->sqlstate, "23", 2) == 0))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: a row of watch %s was refused (%s): %s",
                      n->note.watch, res->sqlstate, n->note.detail);
        ngx_http_procmgr_note_done(n, 1);
        return;
    }

    ngx_http_procmgr_note_done(n, 0);
}


/*
 * With the rights that who made the watch has today, if these are less.
 * NGX_OK: _note_done() comes when its intent is known.  NGX_DECLINED: it will
 * not be run.  NGX_ERROR: not now.
 */

static ngx_int_t
ngx_http_procmgr_note_command(ngx_http_procmgr_note_t *n, const char *role)
{
    u_char                     lock[sizeof(n->note.command)
                                    + sizeof("command:")];
    json_t                    *request;
    ngx_int_t                  rc;
    ngx_uint_t                 today;
    pm_words_t                 words;
    ngx_http_procmgr_act_t     act;
    ngx_http_procmgr_agent_t   agent;

    today = role ? ngx_http_procmgr_role(role) : NGX_PROCMGR_ROLE_NONE;
    today = ngx_min(today, n->note.role);

    if (today < NGX_PROCMGR_ROLE_OPERATOR) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr: the command of watch %s is not run: \"%s\" "
                      "may not act any more", n->note.watch, n->note.actor);
        return NGX_DECLINED;
    }

    if (pm_words_split(&words, n->note.on_alert,
                       ngx_strlen(n->note.on_alert))
        != 0)
    {
        return NGX_DECLINED;
    }

    request = ngx_http_procmgr_command_request(&words, 0);
    if (request == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&act, sizeof(ngx_http_procmgr_act_t));

    act.type = "command_run";
    act.verb = "command";
    act.request = request;
    act.target.data = (u_char *) n->note.on_alert;
    act.target.len = ngx_strlen(n->note.on_alert);
    act.lock.data = lock;
    act.lock.len = ngx_sprintf(lock, "command:%s", n->note.command) - lock;

    agent.user = n->note.actor;
    agent.role = today;
    agent.remote = n->note.remote;
    agent.key = (const char *) n->note.id;
    agent.told = ngx_http_procmgr_note_done;
    agent.data = n;

    rc = ngx_http_procmgr_op_launch(n->pm, &agent, &act);

    json_decref(request);

    return rc;
}


/* or what is left of it is done again later */

static void
ngx_http_procmgr_note_done(void *data, ngx_uint_t written)
{
    ngx_http_procmgr_note_t *n = data;

    ngx_procmgr_t  *pm;

    pm = n->pm;

    ngx_procmgr_watch_note_leave(pm, n->note.id, written);
    ngx_free(n);

    ngx_http_procmgr_notes_n--;

    if (!written) {
        ngx_http_procmgr_notes_at = ngx_procmgr_boottime()
                                    + NGX_HTTP_PROCMGR_NOTES_AGAIN;
        ngx_procmgr_watch_kick(pm);
        return;
    }

    ngx_http_procmgr_watch_notes(pm);
}
