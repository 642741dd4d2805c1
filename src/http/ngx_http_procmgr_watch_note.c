
/*
 * Rows of alerts and ends, written when the database is there, once; and the
 * command of an alert behind its row.
 */


#include "ngx_http_procmgr_watch.h"
#include "ngx_http_procmgr_sql.h"


#define NGX_HTTP_PROCMGR_NOTES_AT_ONCE  4
#define NGX_HTTP_PROCMGR_NOTES_AGAIN    1000    /* ms */


typedef struct {                            /* malloc()ed */
    ngx_procmgr_t               *pm;
    ngx_procmgr_watch_note_t     note;
} ngx_http_procmgr_note_t;


static void ngx_http_procmgr_note_written(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_note_done(ngx_http_procmgr_note_t *n,
    ngx_uint_t written);


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

    if (res->ended == NGX_PROCMGR_PG_OK) {
        ngx_http_procmgr_log_changed();
        ngx_http_procmgr_note_done(n, 1);
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


static void
ngx_http_procmgr_note_done(ngx_http_procmgr_note_t *n, ngx_uint_t written)
{
    ngx_procmgr_t  *pm;

    pm = n->pm;

    ngx_procmgr_watch_note_leave(pm, n->note.id, written);
    ngx_free(n);

    ngx_http_procmgr_notes_n--;

    if (!written) {
        ngx_http_procmgr_notes_at = ngx_procmgr_boottime()
                                    + NGX_HTTP_PROCMGR_NOTES_AGAIN;
    }

    ngx_procmgr_watch_kick(pm);
}
