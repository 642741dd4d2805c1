
/*
 * procmgrctl migrate: NNN_name.sql in their order, each in one transaction
 * together with its line in schema_version, so that it is there wholly or
 * not at all.  A lock of the transaction keeps a second migration waiting.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <errno.h>
#include "ctl.h"


#ifndef PM_SQL_DIR
#define PM_SQL_DIR  "/usr/share/procmgr/sql"
#endif

#define CTL_SQL_MAX  (4 * 1024 * 1024)


static int ctl_is_migration(const struct dirent *entry);
static int ctl_migrate_begin(PGconn *conn);
static int ctl_migrate_one(ctl_t *ctl, PGconn *conn, const char *name,
    int *applied);
static char *ctl_read(const char *dir, const char *name);


int
ctl_migrate(ctl_t *ctl)
{
    int              i, n, rc, done, applied;
    char             level[16];
    PGconn          *conn;
    PGresult        *res;
    const char      *dir, *params[1];
    struct dirent  **names;

    dir = ctl->argc ? ctl->argv[0] : PM_SQL_DIR;

    n = scandir(dir, &names, ctl_is_migration, alphasort);

    if (n == -1) {
        return ctl_say(CTL_FAILED, "cannot read %s: %s", dir, strerror(errno));
    }

    if (n == 0) {
        free(names);
        return ctl_say(CTL_FAILED, "no migration in %s", dir);
    }

    rc = CTL_OK;
    done = 0;

    for (i = 1; i < n; i++) {
        if (strncmp(names[i - 1]->d_name, names[i]->d_name, 3) == 0) {
            rc = ctl_say(CTL_FAILED, "%s and %s have one number",
                         names[i - 1]->d_name, names[i]->d_name);
        }
    }

    if (rc == CTL_OK) {
        conn = ctl_connect(ctl);

        for (i = 0; i < n && rc == CTL_OK; i++) {
            rc = ctl_migrate_one(ctl, conn, names[i]->d_name, &applied);

            if (applied && ctl->json) {
                printf(done ? "," : "{\"applied\":[");
                ctl_string(names[i]->d_name);

            } else if (applied) {
                printf("applied %s\n", names[i]->d_name);
            }

            done += applied;
        }

        if (rc == CTL_OK) {
            snprintf(level, sizeof(level), "%.3s", names[n - 1]->d_name);
            params[0] = level;

            res = ctl_query(conn, "SELECT max(version) "
                            "FROM procmgr.schema_version "
                            "HAVING max(version) > $1::int", 1, params);

            if (res == NULL) {
                rc = CTL_FAILED;

            } else if (PQntuples(res)) {
                rc = ctl_say(CTL_FAILED, "the schema has version %s, which is "
                             "newer than %s", PQgetvalue(res, 0, 0), dir);
            }

            PQclear(res);
        }

        PQfinish(conn);
    }

    for (i = 0; i < n; i++) {
        free(names[i]);
    }

    free(names);

    if (ctl->json) {
        printf(done ? "]}\n" : "{\"applied\":[]}\n");

    } else if (rc == CTL_OK && done == 0) {
        printf("the schema is up to date\n");
    }

    return rc;
}


static int
ctl_is_migration(const struct dirent *entry)
{
    size_t       len;
    const char  *name;

    name = entry->d_name;
    len = strlen(name);

    return strspn(name, "0123456789") == 3 && name[3] == '_'
           && len > 8 && strcmp(name + len - 4, ".sql") == 0;
}


static int
ctl_migrate_begin(PGconn *conn)
{
    return ctl_exec(conn, "cannot prepare the schema",
        "BEGIN;"
        "SET LOCAL client_min_messages = warning;"
        "SELECT pg_advisory_xact_lock(7809082);"
        "CREATE SCHEMA IF NOT EXISTS procmgr;"
        "CREATE TABLE IF NOT EXISTS procmgr.schema_version ("
        "    version     int PRIMARY KEY,"
        "    name        text NOT NULL,"
        "    sha256      bytea NOT NULL,"
        "    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp());");
}


static int
ctl_migrate_one(ctl_t *ctl, PGconn *conn, const char *name, int *applied)
{
    int          rc;
    char         version[4], *sql;
    PGresult    *res;
    const char  *params[3];

    *applied = 0;

    sql = ctl_read(ctl->argc ? ctl->argv[0] : PM_SQL_DIR, name);

    if (sql == NULL) {
        return CTL_FAILED;
    }

    snprintf(version, sizeof(version), "%.3s", name);

    params[0] = version;
    params[1] = name;
    params[2] = sql;

    res = NULL;
    rc = ctl_migrate_begin(conn);

    if (rc == CTL_OK) {
        res = ctl_query(conn, "SELECT sha256 = sha256(convert_to($2, 'UTF8')) "
                        "FROM procmgr.schema_version WHERE version = $1::int",
                        2, (const char *[]) { version, sql });
        rc = res ? CTL_OK : CTL_FAILED;
    }

    if (rc == CTL_OK && PQntuples(res)) {

        if (PQgetvalue(res, 0, 0)[0] != 't') {
            (void) ctl_say(0, "warning: %s is not what was applied under "
                           "this number", name);
        }

        rc = ctl_exec(conn, name, "ROLLBACK");

    } else if (rc == CTL_OK) {
        PQclear(res);
        res = NULL;

        rc = ctl_exec(conn, name, sql);

        if (rc == CTL_OK && PQtransactionStatus(conn) != PQTRANS_INTRANS) {
            rc = ctl_say(CTL_FAILED, "%s ends its transaction itself", name);
        }

        if (rc == CTL_OK) {
            rc = ctl_exec(conn, name, "RESET ROLE");
        }

        if (rc == CTL_OK) {
            res = ctl_query(conn, "INSERT INTO procmgr.schema_version "
                            "(version, name, sha256) VALUES ($1::int, $2, "
                            "sha256(convert_to($3, 'UTF8')))", 3, params);
            rc = res ? CTL_OK : CTL_FAILED;
        }

        if (rc == CTL_OK) {
            rc = ctl_exec(conn, name, "COMMIT");
        }

        if (rc == CTL_OK) {
            *applied = 1;
        }
    }

    PQclear(res);
    free(sql);

    return rc;
}


static char *
ctl_read(const char *dir, const char *name)
{
    FILE    *file;
    char    *text, path[4096];
    size_t   n;

    if ((size_t) snprintf(path, sizeof(path), "%s/%s", dir, name)
        >= sizeof(path))
    {
        (void) ctl_say(0, "too long a name: %s", dir);
        return NULL;
    }

    file = fopen(path, "re");

    if (file == NULL) {
        (void) ctl_say(0, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }

    text = malloc(CTL_SQL_MAX);
    n = text ? fread(text, 1, CTL_SQL_MAX, file) : 0;

    if (text == NULL || ferror(file) || n == CTL_SQL_MAX
        || memchr(text, '\0', n) != NULL)
    {
        (void) ctl_say(0, "cannot read %s", path);
        free(text);
        fclose(file);
        return NULL;
    }

    text[n] = '\0';
    fclose(file);

    return text;
}
