
/*
 * procmgrctl log: whether the chain is whole, what it says, and what of it is
 * old.  An archive is a file of lines, one event each with all that its hash
 * covers, between a head that says which hash it continues and an end that
 * says how many there are.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"


#define CTL_ARCHIVE_PAGE  1000


static int ctl_verify_end(ctl_t *ctl, PGconn *conn, long long checked);
static int ctl_verify_archive(ctl_t *ctl, PGconn *conn);
static int ctl_verify_line(PGconn *conn, char *line, char hash[65],
    int *done);
static int ctl_archive_host(ctl_t *ctl, PGconn *conn, const char *host);
static void ctl_archived(ctl_t *ctl, const char *host, const char *path,
    const char *n);
static FILE *ctl_archive_open(ctl_t *ctl, const char *host,
    const char *until, const char *to, char path[4096]);
static int ctl_archive_write(PGconn *conn, FILE *file, const char *host,
    long long from, long long to);
static int ctl_archive_close(ctl_t *ctl, FILE *file, const char *path);


int
ctl_log_verify(ctl_t *ctl)
{
    int          rc;
    char         from[32];
    PGconn      *conn;
    PGresult    *res;
    long long    checked;
    const char  *params[2];

    conn = ctl_connect(ctl);

    if (ctl->archive) {
        rc = ctl_verify_archive(ctl, conn);
        PQfinish(conn);
        return rc;
    }

    snprintf(from, sizeof(from), "0");
    checked = 0;

    for ( ;; ) {
        params[0] = ctl->host;
        params[1] = from;

        res = ctl_query(conn, "SELECT v->>'next', v->>'checked', "
                        "v->'bad'->>'seq', v->'bad'->>'op_id', "
                        "v->'bad'->>'reason', v->'bad' "
                        "FROM (SELECT procmgr.log_verify($1, $2::bigint, "
                        "50000)::json) AS t (v)", 2, params);

        if (res == NULL) {
            PQfinish(conn);
            return CTL_FAILED;
        }

        checked += atoll(PQgetvalue(res, 0, 1));

        if (!PQgetisnull(res, 0, 2)) {

            if (ctl->json) {
                printf("{\"ok\":false,\"checked\":%lld,\"bad\":%s}\n",
                       checked, PQgetvalue(res, 0, 5));
            }

            rc = ctl_say(CTL_NO, "row %s (operation %s): %s",
                         PQgetvalue(res, 0, 2),
                         PQgetisnull(res, 0, 3) ? "-" : PQgetvalue(res, 0, 3),
                         PQgetvalue(res, 0, 4));
            break;
        }

        if (PQgetisnull(res, 0, 0)) {
            rc = ctl_verify_end(ctl, conn, checked);
            break;
        }

        snprintf(from, sizeof(from), "%s", PQgetvalue(res, 0, 0));
        PQclear(res);
    }

    PQclear(res);
    PQfinish(conn);

    return rc;
}


/* whole from inside; the marks tell of an end that is missing */

static int
ctl_verify_end(ctl_t *ctl, PGconn *conn, long long checked)
{
    int        rc;
    long long  marks;

    if (ctl->anchor) {
        rc = ctl_anchor(ctl, conn, &marks);

        if (rc != CTL_OK) {
            return rc;
        }
    }

    if (ctl->json) {
        printf("{\"ok\":true,\"checked\":%lld,\"bad\":null", checked);

        if (ctl->anchor) {
            printf(",\"marks\":%lld", marks);
        }

        printf("}\n");

    } else if (ctl->anchor) {
        printf("ok %lld events, %lld marks\n", checked, marks);

    } else {
        printf("ok %lld events\n", checked);
    }

    return CTL_OK;
}


static int
ctl_verify_archive(ctl_t *ctl, PGconn *conn)
{
    int        rc, done;
    char      *line, hash[65];
    FILE      *file;
    size_t     size;
    ssize_t    n;
    long long  number;

    file = fopen(ctl->archive, "re");

    if (file == NULL) {
        return ctl_say(CTL_FAILED, "cannot open %s: %s", ctl->archive,
                       strerror(errno));
    }

    rc = CTL_OK;
    done = 0;
    line = NULL;
    size = 0;
    hash[0] = '\0';

    for (number = 1; rc == CTL_OK; number++) {
        n = getline(&line, &size, file);

        if (n <= 0) {
            break;
        }

        if (done || memchr(line, '\0', (size_t) n)) {
            rc = CTL_NO;

        } else {
            rc = ctl_verify_line(conn, line, hash, &done);
        }

        if (rc == CTL_NO) {
            (void) ctl_say(0, "line %lld of %s is not what was written",
                           number, ctl->archive);
        }
    }

    if (rc == CTL_OK && (!done || ferror(file))) {
        rc = ctl_say(CTL_NO, "%s has no end", ctl->archive);
    }

    if (rc == CTL_OK) {
        ctl->json ? printf("{\"ok\":true,\"checked\":%lld,\"bad\":null}\n",
                           number - 3)
                  : printf("ok %lld events, the last is %s\n", number - 3,
                           hash);

    } else if (ctl->json && rc == CTL_NO) {
        printf("{\"ok\":false,\"bad\":{\"line\":%lld}}\n", number - 1);
    }

    free(line);
    fclose(file);

    return rc;
}


/*
 * The head starts the chain, each event continues it, and the end must be
 * what the database kept when it let go of them.
 */

static int
ctl_verify_line(PGconn *conn, char *line, char hash[65], int *done)
{
    PGresult    *res;
    const char  *params[2];

    params[0] = line;
    params[1] = hash;

    res = PQexecParams(conn,
        "SELECT CASE WHEN l ? 'archive' THEN l->>'before' "
        "WHEN l ? 'end' THEN CASE WHEN l->>'end' = $2 AND EXISTS "
        "(SELECT FROM procmgr.chain_archive c WHERE c.host = l->>'host' "
        "AND c.n = (l->>'to')::bigint AND encode(c.hash, 'hex') = $2) "
        "THEN l->>'end' END "
        "ELSE procmgr.archive_check($1::json, $2) END, l ? 'end', "
        "l ? 'archive' FROM (SELECT $1::jsonb) AS t (l)",
        2, NULL, params, NULL, NULL, 0);

    /* no JSON, or not of this shape */

    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQgetisnull(res, 0, 0)
        || strlen(PQgetvalue(res, 0, 0)) > 64)
    {
        PQclear(res);
        return PQstatus(conn) == CONNECTION_OK
               ? CTL_NO : ctl_say(CTL_DATABASE, "the connection is lost");
    }

    *done = (PQgetvalue(res, 0, 1)[0] == 't');

    memcpy(hash, PQgetvalue(res, 0, 0), strlen(PQgetvalue(res, 0, 0)) + 1);

    PQclear(res);

    return CTL_OK;
}


int
ctl_log_export(ctl_t *ctl)
{
    char         before[32];
    PGconn      *conn;
    PGresult    *res;
    const char  *params[5];

    if (ctl->format && strcmp(ctl->format, "csv") != 0
        && strcmp(ctl->format, "jsonl") != 0)
    {
        return ctl_say(CTL_USAGE, "--format is csv or jsonl");
    }

    if (ctl->format && ctl->json && strcmp(ctl->format, "csv") == 0) {
        return ctl_say(CTL_USAGE, "--json is no CSV");
    }

    params[0] = ctl->format ? ctl->format : "jsonl";
    params[1] = NULL;
    params[2] = ctl->host;
    params[3] = ctl->since;
    params[4] = ctl->until;

    conn = ctl_connect(ctl);

    for ( ;; ) {
        res = ctl_query(conn, "SELECT e->>'text', e->>'next' FROM (SELECT "
                        "procmgr.log_export(jsonb_strip_nulls("
                        "jsonb_build_object('host', $3::text, 'since', "
                        "$4::timestamptz, 'until', $5::timestamptz)), $1, "
                        "$2::bigint)::json) AS t (e)", 5, params);

        if (res == NULL) {
            PQfinish(conn);
            return CTL_FAILED;
        }

        if (fputs(PQgetvalue(res, 0, 0), stdout) == EOF
            || PQgetisnull(res, 0, 1))
        {
            break;
        }

        snprintf(before, sizeof(before), "%s", PQgetvalue(res, 0, 1));
        params[1] = before;

        PQclear(res);
    }

    PQclear(res);
    PQfinish(conn);

    return CTL_OK;
}


int
ctl_log_archive(ctl_t *ctl)
{
    int        i, rc;
    PGconn    *conn;
    PGresult  *hosts;

    if (ctl->days == 0) {
        return ctl_say(CTL_USAGE, "--days says how many days stay");
    }

    conn = ctl_connect(ctl);

    hosts = ctl_query(conn, "SELECT host FROM procmgr.chain "
                      "WHERE $1::text IS NULL OR host = $1 ORDER BY host", 1,
                      &ctl->host);

    rc = hosts ? CTL_OK : CTL_FAILED;

    if (ctl->json) {
        printf("[");
    }

    for (i = 0; rc == CTL_OK && i < PQntuples(hosts); i++) {

        if (ctl->json && i) {
            printf(",");
        }

        rc = ctl_archive_host(ctl, conn, PQgetvalue(hosts, i, 0));
    }

    if (ctl->json) {
        printf("]\n");
    }

    PQclear(hosts);
    PQfinish(conn);

    return rc;
}


/*
 * One transaction: the lines are on disk before the database forgets them.
 * A file without its end in the database's own table is left by a connection
 * that was lost: both then have the rows, and the file is not counted.
 */

static int
ctl_archive_host(ctl_t *ctl, PGconn *conn, const char *host)
{
    int          rc;
    char         path[4096], days[16];
    FILE        *file;
    PGresult    *plan, *res;
    const char  *from, *to, *until, *params[4];

    res = NULL;
    plan = NULL;
    file = NULL;

    snprintf(days, sizeof(days), "%d", ctl->days);

    params[0] = host;
    params[1] = days;

    rc = ctl_exec(conn, "cannot archive", "BEGIN;"
                  "SELECT pg_advisory_xact_lock(7809083);");

    if (rc == CTL_OK) {
        plan = ctl_query(conn, "SELECT p->>'from', p->>'to', p->>'until', "
                         "left(p->>'until', 10), json_build_object('archive', "
                         "1, 'host', p->'host', 'from', p->'from', 'before', "
                         "p->'before') FROM (SELECT procmgr.archive_plan($1, "
                         "$2::int)) AS t (p) WHERE p IS NOT NULL", 2, params);

        rc = plan ? CTL_OK : CTL_FAILED;
    }

    if (rc != CTL_OK || PQntuples(plan) == 0) {

        if (rc == CTL_OK) {
            ctl_archived(ctl, host, NULL, "0");
        }

        goto done;
    }

    from = PQgetvalue(plan, 0, 0);
    to = PQgetvalue(plan, 0, 1);
    until = PQgetvalue(plan, 0, 2);

    file = ctl_archive_open(ctl, host, PQgetvalue(plan, 0, 3), to, path);

    if (file == NULL) {
        rc = CTL_FAILED;
        goto done;
    }

    fprintf(file, "%s\n", PQgetvalue(plan, 0, 4));

    rc = ctl_archive_write(conn, file, host, atoll(from), atoll(to));

    if (rc == CTL_OK) {
        params[1] = to;
        params[2] = until;

        res = ctl_query(conn, "SELECT procmgr.archive_drop($1, $2::bigint, "
                        "$3::timestamptz, 'procmgrctl')::json->>'operations'",
                        3, params);

        rc = res ? CTL_OK : CTL_FAILED;
    }

    if (rc == CTL_OK) {
        PGresult  *end;

        end = ctl_query(conn, "SELECT json_build_object('end', encode(hash, "
                        "'hex'), 'host', host, 'to', n) "
                        "FROM procmgr.chain_archive "
                        "WHERE host = $1 AND n = $2::bigint", 2, params);

        rc = end ? CTL_OK : CTL_FAILED;

        if (end) {
            fprintf(file, "%s\n", PQgetvalue(end, 0, 0));
            PQclear(end);
        }
    }

    if (rc == CTL_OK) {
        rc = ctl_archive_close(ctl, file, path);
        file = NULL;
    }

    if (rc == CTL_OK) {
        rc = ctl_exec(conn, "cannot archive", "COMMIT");

        if (rc == CTL_OK) {
            ctl_archived(ctl, host, path, PQgetvalue(res, 0, 0));
        }

    } else {
        (void) unlink(path);
    }

done:

    if (file) {
        fclose(file);
    }

    if (PQtransactionStatus(conn) != PQTRANS_IDLE) {
        (void) ctl_exec(conn, "cannot archive", "ROLLBACK");
    }

    PQclear(plan);
    PQclear(res);

    return rc;
}


static void
ctl_archived(ctl_t *ctl, const char *host, const char *path, const char *n)
{
    if (ctl->json) {
        printf("{\"host\":");
        ctl_string(host);
        printf(",\"operations\":%s,\"file\":", n);
        path ? ctl_string(path) : (void) printf("null");
        printf("}");

    } else if (path) {
        printf("archived %s operations of %s in %s\n", n, host, path);

    } else {
        printf("nothing to archive of %s\n", host);
    }
}


/* a host's name is nobody's way to another folder */

static FILE *
ctl_archive_open(ctl_t *ctl, const char *host, const char *until,
    const char *to, char path[4096])
{
    int    fd, n;
    char  *p, safe[256];

    snprintf(safe, sizeof(safe), "%s", host);

    for (p = safe; *p; p++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                   "0123456789._-", *p) == NULL)
        {
            *p = '_';
        }
    }

    n = snprintf(path, 4096, "%s/procmgr-%s-%s-%s.jsonl", ctl->argv[0], safe,
                 until, to);

    if (n >= 4096) {
        (void) ctl_say(0, "too long a name: %s", ctl->argv[0]);
        return NULL;
    }

    fd = open(path, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (fd == -1) {
        (void) ctl_say(0, "cannot make %s: %s", path, strerror(errno));
        return NULL;
    }

    return fdopen(fd, "w");
}


static int
ctl_archive_write(PGconn *conn, FILE *file, const char *host, long long from,
    long long to)
{
    int          i, n;
    char         first[32], last[32];
    PGresult    *res;
    const char  *params[3];

    params[0] = host;
    params[1] = first;
    params[2] = last;

    while (from <= to) {
        n = (int) (to - from < CTL_ARCHIVE_PAGE ? to - from + 1
                                                : CTL_ARCHIVE_PAGE);

        snprintf(first, sizeof(first), "%lld", from);
        snprintf(last, sizeof(last), "%lld", from + n - 1);

        res = ctl_query(conn, "SELECT procmgr.archive_line($1, n) "
                        "FROM generate_series($2::bigint, $3::bigint) "
                        "AS g (n) ORDER BY n", 3, params);

        if (res == NULL) {
            return CTL_FAILED;
        }

        for (i = 0; i < PQntuples(res); i++) {
            fprintf(file, "%s\n", PQgetvalue(res, i, 0));
        }

        PQclear(res);

        from += n;
    }

    return CTL_OK;
}


static int
ctl_archive_close(ctl_t *ctl, FILE *file, const char *path)
{
    int  fd, rc;

    rc = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0
         ? CTL_OK : CTL_FAILED;

    if (fclose(file) != 0) {
        rc = CTL_FAILED;
    }

    /* its name too */

    fd = open(ctl->argv[0], O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1 || fsync(fd) == -1) {
        rc = CTL_FAILED;
    }

    if (fd != -1) {
        close(fd);
    }

    return rc == CTL_OK ? rc : ctl_say(rc, "cannot write %s: %s", path,
                                       strerror(errno));
}
