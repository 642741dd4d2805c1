
/*
 * libpq reads once per call and may leave data in the socket, so its events
 * are level-triggered and set by ngx_add_event() only.  Its descriptor may
 * change at each step of connecting: events are taken away before a step and
 * set anew after it.
 */


#include "ngx_procmgr_pg_conn.h"
#include "../policy/pm_fail.h"
#include "ngx_procmgr_zone.h"


static void ngx_procmgr_pg_set_state(ngx_procmgr_pg_conn_t *conn,
    ngx_procmgr_pg_state_e state);
static void ngx_procmgr_pg_connect_step(ngx_procmgr_pg_conn_t *conn,
    PostgresPollingStatusType wanted);
static void ngx_procmgr_pg_greeting(ngx_procmgr_pg_conn_t *conn);
static void ngx_procmgr_pg_greeted(ngx_procmgr_pg_conn_t *conn);
static ngx_int_t ngx_procmgr_pg_flush(ngx_procmgr_pg_conn_t *conn);
static void ngx_procmgr_pg_receive(ngx_procmgr_pg_conn_t *conn);
static void ngx_procmgr_pg_complete(ngx_procmgr_pg_conn_t *conn);
static const char *ngx_procmgr_pg_error(ngx_procmgr_pg_conn_t *conn);
static ngx_int_t ngx_procmgr_pg_watch(ngx_event_t *ev);
static void ngx_procmgr_pg_unwatch(ngx_procmgr_pg_conn_t *conn,
    ngx_event_t *ev);
static void ngx_procmgr_pg_io_handler(ngx_event_t *ev);
static void ngx_procmgr_pg_notice(void *data, const char *message);


static const char  *ngx_procmgr_pg_states[] = {
    "closed", "connecting", "idle", "busy"
};


/* what may follow a state */

static const ngx_uint_t  ngx_procmgr_pg_after[] = {
    1 << ngx_procmgr_pg_connecting,
    1 << ngx_procmgr_pg_idle | 1 << ngx_procmgr_pg_closed,
    1 << ngx_procmgr_pg_busy | 1 << ngx_procmgr_pg_closed,
    1 << ngx_procmgr_pg_idle | 1 << ngx_procmgr_pg_closed
};


void
ngx_procmgr_pg_connect(ngx_procmgr_pg_conn_t *conn)
{
    int                fd;
    ngx_connection_t  *c;
    ngx_procmgr_pg_t  *pg;

    pg = conn->pg;
    pg->met = pg->pm->sh->pg_met;

    ngx_procmgr_pg_set_state(conn, ngx_procmgr_pg_connecting);

    conn->pq = PQconnectStartParams(pg->keys, pg->values, 0);

    if (conn->pq == NULL) {
        ngx_procmgr_pg_close(conn, "no memory");
        return;
    }

    PQsetNoticeProcessor(conn->pq, ngx_procmgr_pg_notice, conn);

    fd = PQsocket(conn->pq);

    if (PQstatus(conn->pq) == CONNECTION_BAD || fd == -1) {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }

    c = ngx_get_connection(fd, ngx_cycle->log);

    if (c == NULL) {
        ngx_procmgr_pg_close(conn, "no free connection");
        return;
    }

    c->data = conn;
    c->read->handler = ngx_procmgr_pg_io_handler;
    c->write->handler = ngx_procmgr_pg_io_handler;
    c->read->log = c->log;
    c->write->log = c->log;

    /* the descriptor is libpq's, who closes it */
    c->shared = 1;

    conn->connection = c;

    ngx_procmgr_pg_connect_step(conn, PGRES_POLLING_WRITING);
}


/* waits for what libpq wants, which is writing before the first poll */

static void
ngx_procmgr_pg_connect_step(ngx_procmgr_pg_conn_t *conn,
    PostgresPollingStatusType wanted)
{
    ngx_connection_t  *c;

    c = conn->connection;

    switch (wanted) {

    case PGRES_POLLING_READING:
    case PGRES_POLLING_WRITING:

        c->fd = PQsocket(conn->pq);

        if (c->fd == -1
            || ngx_procmgr_pg_watch(wanted == PGRES_POLLING_READING
                                    ? c->read : c->write)
               != NGX_OK)
        {
            ngx_procmgr_pg_close(conn, "no event for the socket");
        }

        return;

    case PGRES_POLLING_OK:

        c->fd = PQsocket(conn->pq);

        if (PQsetnonblocking(conn->pq, 1) != 0
            || ngx_procmgr_pg_watch(c->read) != NGX_OK)
        {
            ngx_procmgr_pg_close(conn, "no event for the socket");
            return;
        }

        conn->greeted = 1;

        if (PQsendQuery(conn->pq, conn->pg->listener ? NGX_PROCMGR_PG_LISTEN
                                                     : NGX_PROCMGR_PG_GREETING)
            == 0
            || ngx_procmgr_pg_flush(conn) != NGX_OK)
        {
            ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        }

        return;

    default:
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }
}


/* what is the answer to the first words: nobody uses a connection before */

static void
ngx_procmgr_pg_greeting(ngx_procmgr_pg_conn_t *conn)
{
    char              *level;
    PGresult          *res;
    const char        *state;
    ExecStatusType     status;
    ngx_procmgr_pg_t  *pg;
    u_char             why[128];

    pg = conn->pg;

    if (PQconsumeInput(conn->pq) == 0
        || ngx_procmgr_pg_flush(conn) != NGX_OK)
    {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }

    while (!PQisBusy(conn->pq)) {

        res = PQgetResult(conn->pq);

        if (res) {
            PQclear(conn->res);
            conn->res = res;
            continue;
        }

        status = PQresultStatus(conn->res);

        if (status == PGRES_COMMAND_OK && pg->listener) {
            ngx_procmgr_pg_greeted(conn);
            return;
        }

        if (status == PGRES_TUPLES_OK && PQntuples(conn->res) == 1) {
            level = PQgetvalue(conn->res, 0, 0);

            if (ngx_strcmp(level, NGX_PROCMGR_SCHEMA) == 0) {
                ngx_procmgr_pg_greeted(conn);
                return;
            }

            pg->foreign = 1;

            (void) ngx_snprintf(why, sizeof(why), "its schema has the number "
                                "%s, this module needs " NGX_PROCMGR_SCHEMA
                                ": see procmgrctl migrate%Z", level);

            ngx_procmgr_pg_close(conn, (char *) why);
            return;
        }

        state = PQresultErrorField(conn->res, PG_DIAG_SQLSTATE);

        /* no schema, no function, or no right to it */

        if (state && (ngx_strcmp(state, "3F000") == 0
                      || ngx_strcmp(state, "42883") == 0
                      || ngx_strcmp(state, "42501") == 0))
        {
            pg->foreign = 1;
            ngx_procmgr_pg_close(conn, "it has no schema for this role: see "
                                 "procmgrctl migrate");
            return;
        }

        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }
}


static void
ngx_procmgr_pg_greeted(ngx_procmgr_pg_conn_t *conn)
{
    PQclear(conn->res);

    conn->res = NULL;
    conn->pg->foreign = 0;

    ngx_procmgr_pg_set_state(conn, ngx_procmgr_pg_idle);
    ngx_procmgr_pg_up(conn->pg);
}


void
ngx_procmgr_pg_send(ngx_procmgr_pg_conn_t *conn, ngx_procmgr_pg_query_t *query)
{
    ngx_queue_remove(&query->queue);
    conn->pg->nwaiting--;

    ngx_procmgr_pg_set_state(conn, ngx_procmgr_pg_busy);

    query->conn = conn;
    conn->query = query;

    if (PQsendQueryParams(conn->pq, query->sql, (int) query->nparams, NULL,
                          query->params, NULL, NULL, 0)
        == 0
        || ngx_procmgr_pg_flush(conn) != NGX_OK)
    {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }

    pm_fail(statement_sent, query->sql);
}


static ngx_int_t
ngx_procmgr_pg_flush(ngx_procmgr_pg_conn_t *conn)
{
    int  rc;

    rc = PQflush(conn->pq);

    if (rc == -1) {
        return NGX_ERROR;
    }

    if (rc == 0) {
        ngx_procmgr_pg_unwatch(conn, conn->connection->write);
        return NGX_OK;
    }

    return ngx_procmgr_pg_watch(conn->connection->write);
}


static void
ngx_procmgr_pg_receive(ngx_procmgr_pg_conn_t *conn)
{
    PGnotify        *note;
    PGresult        *res;
    ExecStatusType   status;

    pm_fail(statement_answered, conn->query ? conn->query->sql : NULL);

    if (PQconsumeInput(conn->pq) == 0
        || ngx_procmgr_pg_flush(conn) != NGX_OK)
    {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }

    while (!PQisBusy(conn->pq)) {

        if (conn->state != ngx_procmgr_pg_busy) {
            break;
        }

        res = PQgetResult(conn->pq);

        if (res == NULL) {
            ngx_procmgr_pg_complete(conn);
            break;
        }

        status = PQresultStatus(res);

        /*
         * Rows come before the commit; a failure of the commit is a result
         * of its own behind them, and the one that counts.
         */

        if (conn->res == NULL
            || (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK))
        {
            PQclear(conn->res);
            conn->res = res;

        } else {
            PQclear(res);
        }

        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT
            || status == PGRES_COPY_BOTH)
        {
            ngx_procmgr_pg_close(conn, "a statement copies");
            return;
        }
    }

    if (conn->state == ngx_procmgr_pg_closed) {
        return;
    }

    while ((note = PQnotifies(conn->pq)) != NULL) {
        PQfreemem(note);

        if (conn->pg->on_notice) {
            conn->pg->on_notice();
        }
    }

    if (PQstatus(conn->pq) != CONNECTION_OK) {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
    }
}


/* the server is ready for the next statement: this one is over for good */

static void
ngx_procmgr_pg_complete(ngx_procmgr_pg_conn_t *conn)
{
    PGresult                *res;
    ngx_uint_t               ended;
    ExecStatusType           status;
    ngx_procmgr_pg_query_t  *query;

    if (PQstatus(conn->pq) != CONNECTION_OK
        || PQtransactionStatus(conn->pq) != PQTRANS_IDLE
        || conn->res == NULL)
    {
        ngx_procmgr_pg_close(conn, ngx_procmgr_pg_error(conn));
        return;
    }

    query = conn->query;
    res = conn->res;

    conn->query = NULL;
    conn->res = NULL;

    status = PQresultStatus(res);

    ended = (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
            ? NGX_PROCMGR_PG_OK : NGX_PROCMGR_PG_REFUSED;

    ngx_procmgr_pg_set_state(conn, ngx_procmgr_pg_idle);

    ngx_procmgr_pg_finish(query, ended, res, "");

    PQclear(res);
}


/* a statement that was sent may have run or not */

void
ngx_procmgr_pg_close(ngx_procmgr_pg_conn_t *conn, const char *reason)
{
    u_char                    text[NGX_MAX_CONF_ERRSTR];
    ngx_connection_t         *c;
    ngx_procmgr_pg_query_t   *query;
    ngx_procmgr_pg_state_e    was;

    /* the reason may be libpq's own memory */

    (void) ngx_cpystrn(text, (u_char *) (reason ? reason : "exiting"),
                       sizeof(text));

    was = conn->state;
    query = conn->query;
    c = conn->connection;

    ngx_procmgr_pg_set_state(conn, ngx_procmgr_pg_closed);

    if (c) {
        ngx_procmgr_pg_unwatch(conn, c->read);
        ngx_procmgr_pg_unwatch(conn, c->write);
        ngx_close_connection(c);
    }

    PQclear(conn->res);
    PQfinish(conn->pq);

    conn->connection = NULL;
    conn->query = NULL;
    conn->res = NULL;
    conn->pq = NULL;
    conn->greeted = 0;

    if (reason && was == ngx_procmgr_pg_connecting) {
        ngx_procmgr_pg_down(conn->pg, (char *) text);

    } else if (query) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "procmgr: lost a statement: %s", text);
    }

    /* nobody's statement brings a listener back */

    if (reason && conn->pg->listener) {
        conn->pg->up = 0;

        if (!conn->pg->retry.timer_set && !ngx_exiting && !ngx_terminate) {
            ngx_add_timer(&conn->pg->retry, NGX_PROCMGR_PG_FIRST);
        }
    }

    if (query) {
        ngx_procmgr_pg_finish(query, NGX_PROCMGR_PG_UNKNOWN, NULL,
                              (char *) text);
    }

    if (reason && !ngx_queue_empty(&conn->pg->waiting)) {
        ngx_post_event(&conn->pg->dispatch, &ngx_posted_next_events);
    }
}


static void
ngx_procmgr_pg_set_state(ngx_procmgr_pg_conn_t *conn,
    ngx_procmgr_pg_state_e state)
{
    ngx_log_debug3(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "procmgr pg connection %p: %s -> %s", conn,
                   ngx_procmgr_pg_states[conn->state],
                   ngx_procmgr_pg_states[state]);

    if (!(ngx_procmgr_pg_after[conn->state] & (1 << state))) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "procmgr pg connection: %s after %s",
                      ngx_procmgr_pg_states[state],
                      ngx_procmgr_pg_states[conn->state]);
    }

    conn->state = state;

    /* nginx asks idle connections to close when the worker shuts down */

    if (conn->connection) {
        conn->connection->idle = (state == ngx_procmgr_pg_idle);
    }

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    if (state == ngx_procmgr_pg_connecting) {
        ngx_add_timer(&conn->timer, NGX_PROCMGR_PG_CONNECT);

    } else if (state == ngx_procmgr_pg_idle && !conn->pg->listener) {
        ngx_add_timer(&conn->timer, NGX_PROCMGR_PG_IDLE);
    }
}


/* what libpq says, in one line; it never holds the password */

static const char *
ngx_procmgr_pg_error(ngx_procmgr_pg_conn_t *conn)
{
    char         *p;
    static char   line[NGX_MAX_CONF_ERRSTR];

    (void) ngx_cpystrn((u_char *) line, (u_char *) PQerrorMessage(conn->pq),
                       sizeof(line));

    for (p = line; *p; p++) {
        if ((u_char) *p < ' ') {
            *p = ' ';
        }
    }

    while (p > line && p[-1] == ' ') {
        *--p = '\0';
    }

    return line[0] ? line : "closed by the server";
}


static ngx_int_t
ngx_procmgr_pg_watch(ngx_event_t *ev)
{
    if (ev->active) {
        return NGX_OK;
    }

    return ngx_add_event(ev, ev->write ? NGX_WRITE_EVENT : NGX_READ_EVENT,
                         NGX_LEVEL_EVENT);
}


static void
ngx_procmgr_pg_unwatch(ngx_procmgr_pg_conn_t *conn, ngx_event_t *ev)
{
    ngx_uint_t  flags;

    if (!ev->active) {
        return;
    }

    /* libpq closes a broken socket itself: nothing is left to take away */

    flags = (PQsocket(conn->pq) == conn->connection->fd) ? 0 : NGX_CLOSE_EVENT;

    (void) ngx_del_event(ev, ev->write ? NGX_WRITE_EVENT : NGX_READ_EVENT,
                         flags);
}


static void
ngx_procmgr_pg_io_handler(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_procmgr_pg_t           *pg;
    ngx_procmgr_pg_conn_t      *conn;

    c = ev->data;
    conn = c->data;
    pg = conn->pg;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "procmgr pg connection %p: %s event", conn,
                   ev->write ? "write" : "read");

    switch (conn->state) {

    case ngx_procmgr_pg_connecting:

        if (conn->greeted) {
            ngx_procmgr_pg_greeting(conn);
            break;
        }

        ngx_procmgr_pg_unwatch(conn, c->read);
        ngx_procmgr_pg_unwatch(conn, c->write);

        ngx_procmgr_pg_connect_step(conn, PQconnectPoll(conn->pq));
        break;

    case ngx_procmgr_pg_idle:

        if (c->close) {
            ngx_procmgr_pg_close(conn, "shutting down");
            break;
        }

        /* fall through */

    case ngx_procmgr_pg_busy:

        /*
         * a worker that is told to close this in a hurry does not: the
         * statement's deadline is near
         */

        ngx_procmgr_pg_receive(conn);
        break;

    case ngx_procmgr_pg_closed:
        break;
    }

    ngx_procmgr_pg_dispatch(pg);

    /* nobody will ask a worker that shuts down to close this one */

    if ((ngx_exiting || ngx_terminate)
        && conn->state == ngx_procmgr_pg_idle)
    {
        ngx_procmgr_pg_close(conn, "shutting down");
    }
}


void
ngx_procmgr_pg_conn_timer_handler(ngx_event_t *ev)
{
    ngx_procmgr_pg_t       *pg;
    ngx_procmgr_pg_conn_t  *conn;

    conn = ngx_procmgr_owner(ev, ngx_procmgr_pg_conn_t, timer);
    pg = conn->pg;

    ngx_procmgr_pg_close(conn, conn->state == ngx_procmgr_pg_idle
                               ? "idle" : "connecting timed out");
    ngx_procmgr_pg_dispatch(pg);
}


static void
ngx_procmgr_pg_notice(void *data, const char *message)
{
    size_t  len;

    len = ngx_strlen(message);

    while (len && message[len - 1] == '\n') {
        len--;
    }

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0, "procmgr: database: %*s",
                  len, message);
}
