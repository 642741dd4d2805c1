
/*
 * The connection to the database, and what it says when it says no.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"


static void ctl_complain(PGconn *conn, PGresult *res, const char *what);
static void ctl_notice(void *data, const PGresult *res);


PGconn *
ctl_connect(ctl_t *ctl)
{
    PGconn      *conn;
    PGresult    *res;
    const char  *keys[4], *values[4];

    /* the last one wins; "dbname" is taken apart when it is a conninfo */

    keys[0] = "dbname";
    values[0] = ctl->conninfo ? ctl->conninfo : "dbname=procmgr";
    keys[1] = "fallback_application_name";
    values[1] = "procmgrctl";
    keys[2] = NULL;
    values[2] = NULL;

    conn = PQconnectdbParams(keys, values, 1);

    if (conn == NULL || PQstatus(conn) != CONNECTION_OK) {
        ctl_complain(conn, NULL, "cannot connect to the database");
        PQfinish(conn);
        exit(CTL_DATABASE);
    }

    PQsetNoticeReceiver(conn, ctl_notice, NULL);

    /* names in our files are qualified; nothing of the session leads astray */

    res = PQexec(conn, "SET search_path = pg_catalog, pg_temp");
    PQclear(res);

    return conn;
}


PGresult *
ctl_query(PGconn *conn, const char *sql, int n, const char *const *params)
{
    PGresult        *res;
    ExecStatusType   status;

    res = PQexecParams(conn, sql, n, NULL, params, NULL, NULL, 0);
    status = PQresultStatus(res);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        ctl_complain(conn, res, NULL);
        PQclear(res);
        return NULL;
    }

    return res;
}


int
ctl_exec(PGconn *conn, const char *what, const char *sql)
{
    PGresult        *res;
    ExecStatusType   status;

    res = PQexec(conn, sql);
    status = PQresultStatus(res);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        ctl_complain(conn, res, what);
        PQclear(res);
        return CTL_FAILED;
    }

    PQclear(res);

    return CTL_OK;
}


static void
ctl_complain(PGconn *conn, PGresult *res, const char *what)
{
    size_t       len;
    const char  *text, *where;

    text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    where = res ? PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION) : NULL;

    if (text == NULL) {
        text = conn ? PQerrorMessage(conn) : "no memory";
    }

    for (len = strlen(text); len && text[len - 1] == '\n'; len--) { /* void */ }

    (void) ctl_say(0, "%s%s%.*s%s%s", what ? what : "", what ? ": " : "",
                   (int) len, text, where ? " at character " : "",
                   where ? where : "");
}


static void
ctl_notice(void *data, const PGresult *res)
{
    const char  *severity;

    (void) data;

    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && strcmp(severity, "WARNING") == 0) {
        (void) ctl_say(0, "warning: %s",
                       PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
    }
}


void
ctl_string(const char *text)
{
    const unsigned char  *p;

    putchar('"');

    for (p = (const unsigned char *) text; *p; p++) {

        if (*p < ' ') {
            printf("\\u%04x", *p);
            continue;
        }

        if (*p == '"' || *p == '\\') {
            putchar('\\');
        }

        putchar(*p);
    }

    putchar('"');
}


void
ctl_done(ctl_t *ctl, const char *done, const char *name)
{
    if (!ctl->json) {
        printf("%s %s\n", done, name);
        return;
    }

    printf("{\"status\":\"%s\",\"name\":", done);
    ctl_string(name);
    printf("}\n");
}


const char *
ctl_host(void)
{
    static char  name[256];

    if (gethostname(name, sizeof(name) - 1) == -1 || name[0] == '\0') {
        return "unknown";
    }

    return name;
}
