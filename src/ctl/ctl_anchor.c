
/*
 * procmgrctl log: the heads of the chains as marks to keep elsewhere, and
 * marks that were kept against the chains as they are now.  A mark is a word
 * "chain=<number>:<hash>@<host>" anywhere in a line: of the file beside the
 * helper's spool, of the system's log, of "log heads".
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include "ctl.h"


#define CTL_MARK       "chain="
#define CTL_HASH_LEN   64


typedef struct {
    char         n[20];
    char         hash[CTL_HASH_LEN + 1];
    char         host[256];
} ctl_mark_t;


static const char *ctl_mark(const char *p, ctl_mark_t *mark);
static int ctl_mark_check(ctl_t *ctl, PGconn *conn, const ctl_mark_t *mark,
    long long line);


int
ctl_log_heads(ctl_t *ctl)
{
    int          i;
    PGconn      *conn;
    PGresult    *res;

    conn = ctl_connect(ctl);

    res = ctl_query(conn, ctl->json
        ? "SELECT coalesce(json_agg(h ORDER BY i), '[]') "
          "FROM json_array_elements(procmgr.chain_heads()::json) "
          "WITH ORDINALITY AS l (h, i) "
          "WHERE $1::text IS NULL OR h->>'host' = $1"
        : "SELECT 'chain=' || m FROM procmgr.chain_marks($1) AS l (m)",
        1, &ctl->host);

    for (i = 0; res && i < PQntuples(res); i++) {
        printf("%s\n", PQgetvalue(res, i, 0));
    }

    PQclear(res);
    PQfinish(conn);

    return res ? CTL_OK : CTL_FAILED;
}


int
ctl_anchor(ctl_t *ctl, PGconn *conn, long long *marks)
{
    int          rc;
    char        *line;
    FILE        *file;
    size_t       size;
    long long    number;
    const char  *p;
    ctl_mark_t   mark;

    file = strcmp(ctl->anchor, "-") == 0 ? stdin : fopen(ctl->anchor, "re");

    if (file == NULL) {
        return ctl_say(CTL_FAILED, "cannot open %s: %s", ctl->anchor,
                       strerror(errno));
    }

    rc = CTL_OK;
    line = NULL;
    size = 0;
    *marks = 0;

    for (number = 1; rc == CTL_OK && getline(&line, &size, file) > 0;
         number++)
    {
        for (p = line; rc == CTL_OK && (p = ctl_mark(p, &mark)) != NULL; ) {

            if (ctl->host && strcmp(mark.host, ctl->host) != 0) {
                continue;
            }

            rc = ctl_mark_check(ctl, conn, &mark, number);
            (*marks)++;
        }
    }

    if (rc == CTL_OK && ferror(file)) {
        rc = ctl_say(CTL_FAILED, "cannot read %s: %s", ctl->anchor,
                     strerror(errno));

    } else if (rc == CTL_OK && *marks == 0) {
        rc = ctl_say(CTL_FAILED, "%s has no mark", ctl->anchor);
    }

    free(line);

    if (file != stdin) {
        fclose(file);
    }

    return rc;
}


/* the next mark from p on, and what is behind it; NULL: there is none */

static const char *
ctl_mark(const char *p, ctl_mark_t *mark)
{
    size_t       n, len;
    const char  *hash, *host;

    while ((p = strstr(p, CTL_MARK)) != NULL) {
        p += strlen(CTL_MARK);

        n = strspn(p, "0123456789");
        hash = p + n + 1;

        if (n == 0 || n >= sizeof(mark->n) || p[n] != ':'
            || strspn(hash, "0123456789abcdef") != CTL_HASH_LEN
            || hash[CTL_HASH_LEN] != '@')
        {
            continue;
        }

        host = hash + CTL_HASH_LEN + 1;
        len = strcspn(host, " \t\r\n");

        if (len == 0 || len >= sizeof(mark->host)) {
            continue;
        }

        snprintf(mark->n, sizeof(mark->n), "%.*s", (int) n, p);
        snprintf(mark->hash, sizeof(mark->hash), "%.*s", CTL_HASH_LEN, hash);
        snprintf(mark->host, sizeof(mark->host), "%.*s", (int) len, host);

        return host + len;
    }

    return NULL;
}


static int
ctl_mark_check(ctl_t *ctl, PGconn *conn, const ctl_mark_t *mark,
    long long line)
{
    int          rc;
    PGresult    *res;
    const char  *params[3];

    params[0] = mark->host;
    params[1] = mark->n;
    params[2] = mark->hash;

    res = ctl_query(conn, "SELECT procmgr.chain_mark_check($1, $2::bigint, "
                    "$3)", 3, params);

    if (res == NULL) {
        return CTL_FAILED;
    }

    rc = CTL_OK;

    if (!PQgetisnull(res, 0, 0)) {

        if (ctl->json) {
            printf("{\"ok\":false,\"bad\":{\"line\":%lld,\"n\":%s,\"host\":",
                   line, mark->n);
            ctl_string(mark->host);
            printf(",\"reason\":");
            ctl_string(PQgetvalue(res, 0, 0));
            printf("}}\n");
        }

        rc = ctl_say(CTL_NO, "line %lld of %s, event %s of %s: %s", line,
                     ctl->anchor, mark->n, mark->host, PQgetvalue(res, 0, 0));
    }

    PQclear(res);

    return rc;
}
