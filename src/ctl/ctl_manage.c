
/*
 * procmgrctl account, token, session: who may come in and what for.  All of
 * it is functions of the schema, which leave a row in the log.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/random.h>
#include "../policy/pm_sha256.h"
#include "ctl.h"


/* "pm_" and 32 bytes in base64url: what the module takes for a token */
#define CTL_TOKEN_LEN  46


static int ctl_account_set(ctl_t *ctl, const char *sql, const char *value);
static int ctl_said(ctl_t *ctl, const char *said, const char *kind,
    const char *done, PGresult *res);
static int ctl_service_ok(const char *name);
static int ctl_token(char token[CTL_TOKEN_LEN + 1]);


int
ctl_role_ok(const char *role)
{
    return role && (strcmp(role, "viewer") == 0
                    || strcmp(role, "operator") == 0
                    || strcmp(role, "admin") == 0);
}


int
ctl_account_role(ctl_t *ctl)
{
    if (!ctl_role_ok(ctl->argv[1])) {
        return ctl_say(CTL_USAGE, "a role is one of viewer, operator, admin");
    }

    return ctl_account_set(ctl, "jsonb_build_object('role', $3::text)",
                           ctl->argv[1]);
}


int
ctl_account_disable(ctl_t *ctl)
{
    return ctl_account_set(ctl, "jsonb_build_object('disabled', $3::boolean)",
                           "true");
}


int
ctl_account_unlock(ctl_t *ctl)
{
    return ctl_account_set(ctl, "jsonb_build_object('disabled', $3::boolean)",
                           "false");
}


int
ctl_account_allow(ctl_t *ctl)
{
    int     i, rc;
    char   *list, *p;
    size_t  len;

    len = 1;

    for (i = 1; i < ctl->argc; i++) {
        if (!ctl_service_ok(ctl->argv[i])) {
            return ctl_say(CTL_USAGE, "\"%s\" is no name of a service",
                           ctl->argv[i]);
        }

        len += strlen(ctl->argv[i]) + 1;
    }

    list = malloc(len);

    if (list == NULL) {
        return ctl_say(CTL_FAILED, "no memory");
    }

    p = list;

    for (i = 1; i < ctl->argc; i++) {

        if (i > 1) {
            *p++ = ' ';
        }

        p = stpcpy(p, ctl->argv[i]);
    }

    *p = '\0';

    rc = ctl_account_set(ctl, "jsonb_build_object('services', "
                         "to_jsonb(string_to_array($3, ' ')))", list);

    free(list);

    return rc;
}


/* `changes' is a literal of ours, with the value as its parameter */

static int
ctl_account_set(ctl_t *ctl, const char *changes, const char *value)
{
    char         sql[512];
    const char  *params[3];

    snprintf(sql, sizeof(sql), "SELECT procmgr.account_change($1, %s, false, "
             "'procmgrctl', NULL, NULL, $2)", changes);

    params[0] = ctl->argv[0];
    params[1] = ctl_host();
    params[2] = value;

    return ctl_change(ctl, sql, 3, params, "account", "changed");
}


int
ctl_account_delete(ctl_t *ctl)
{
    const char  *params[2];

    params[0] = ctl->argv[0];
    params[1] = ctl_host();

    return ctl_change(ctl, "SELECT procmgr.account_delete($1, false, "
                      "'procmgrctl', NULL, NULL, $2)", 2, params, "account",
                      "deleted");
}


/* the token is printed once and kept nowhere: its hash is what is stored */

int
ctl_token_add(ctl_t *ctl)
{
    int            rc;
    char           token[CTL_TOKEN_LEN + 1], hex[2 * PM_SHA256_LEN + 1];
    char           days[16];
    uint8_t        sum[PM_SHA256_LEN];
    const char    *name, *params[6];
    pm_sha256_t    sha;

    name = ctl->argv[0];

    if (strlen(name) > 32 || name[0] == '\0' || strchr("._-", name[0])
        || name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
    {
        return ctl_say(CTL_USAGE, "a token's name has 1 to 32 letters, "
                       "digits, dots, underscores and hyphens");
    }

    if (ctl->role && !ctl_role_ok(ctl->role)) {
        return ctl_say(CTL_USAGE, "--role is one of viewer, operator, admin");
    }

    if (ctl_token(token) == -1) {
        return ctl_say(CTL_FAILED, "getrandom() failed: %s", strerror(errno));
    }

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, token, CTL_TOKEN_LEN);
    pm_sha256_final(&sha, sum);
    pm_hex(hex, sum, PM_SHA256_LEN);

    snprintf(days, sizeof(days), "%d", ctl->days);

    params[0] = name;
    params[1] = ctl->argv[1];
    params[2] = ctl->role;
    params[3] = hex;
    params[4] = ctl->days ? days : NULL;
    params[5] = ctl_host();

    rc = ctl_change(ctl, "SELECT procmgr.token_add($1, $2, $3, $4, $5::int, "
                    "'procmgrctl', $6)", 6, params, "token", NULL);

    if (rc == CTL_OK) {
        ctl->json ? printf("{\"name\":\"%s\",\"token\":\"%s\"}\n", name,
                           token)
                  : printf("%s\n", token);
    }

    explicit_bzero(token, sizeof(token));

    return rc;
}


int
ctl_token_list(ctl_t *ctl)
{
    return ctl_table(ctl, "SELECT procmgr.token_list()",
        "SELECT t->>'name', t->>'account', t->>'role', t->>'state', "
        "coalesce(t->>'expires', '-'), coalesce(t->>'last_used', '-') "
        "FROM json_array_elements(procmgr.token_list()::json) "
        "WITH ORDINALITY AS l (t, i) ORDER BY i");
}


int
ctl_token_revoke(ctl_t *ctl)
{
    const char  *params[2];

    params[0] = ctl->argv[0];
    params[1] = ctl_host();

    return ctl_change(ctl, "SELECT procmgr.token_revoke($1, 'procmgrctl', $2)",
                      2, params, "token", "revoked");
}


int
ctl_session_list(ctl_t *ctl)
{
    return ctl_table(ctl, "SELECT procmgr.session_list(NULL, true)",
        "SELECT s->>'id', s->>'user', s->>'role', s->>'last_seen', "
        "s->>'expires', coalesce(s->>'remote', '-'), s->>'host' "
        "FROM json_array_elements(procmgr.session_list(NULL, true)::json) "
        "WITH ORDINALITY AS l (s, i) ORDER BY i");
}


int
ctl_session_end(ctl_t *ctl)
{
    const char  *id, *params[2];

    id = ctl->argv[0];

    if (strlen(id) != 36 || id[strspn(id, "0123456789abcdefABCDEF-")]) {
        return ctl_say(CTL_USAGE, "\"%s\" is no id of a session", id);
    }

    params[0] = id;
    params[1] = ctl_host();

    return ctl_change(ctl, "SELECT json_build_object('status', CASE WHEN "
                      "(procmgr.session_stop($1::uuid, 'procmgrctl', $2)"
                      "::json->>'ended')::boolean "
                      "THEN 'ok' ELSE 'missing' END)", 2, params, "session",
                      "ended");
}


int
ctl_change(ctl_t *ctl, const char *sql, int n, const char *const *params,
    const char *kind, const char *done)
{
    int          rc;
    char         text[1024];
    PGconn      *conn;
    PGresult    *res;

    conn = ctl_connect(ctl);

    snprintf(text, sizeof(text), "SELECT s->>'status', s, s->>'role' "
             "FROM (SELECT (%s)::json) AS t (s)", sql);

    res = ctl_query(conn, text, n, params);

    if (res == NULL) {
        PQfinish(conn);
        return CTL_FAILED;
    }

    rc = ctl_said(ctl, PQgetvalue(res, 0, 0), kind, done, res);

    PQclear(res);
    PQfinish(conn);

    return rc;
}


static int
ctl_said(ctl_t *ctl, const char *said, const char *kind, const char *done,
    PGresult *res)
{
    const char  *name;

    name = ctl->argv[0];

    if (strcmp(said, "ok") == 0) {

        if (done) {
            ctl->json ? printf("%s\n", PQgetvalue(res, 0, 1))
                      : printf("%s %s\n", done, name);
        }

        return CTL_OK;
    }

    if (strcmp(said, "already") == 0) {
        ctl_done(ctl, "unchanged", name);
        return CTL_OK;
    }

    if (strcmp(said, "exists") == 0) {
        return ctl_say(CTL_EXISTS, "there is or was a %s \"%s\" already",
                       kind, name);
    }

    if (strcmp(said, "missing") == 0) {

        /* a token is made of an account, its second argument */

        return done ? ctl_say(CTL_MISSING, "there is no %s \"%s\"", kind, name)
                    : ctl_say(CTL_MISSING, "there is no account \"%s\"",
                              ctl->argv[1]);
    }

    if (strcmp(said, "role_too_high") == 0) {
        return ctl_say(CTL_USAGE, "the account's role is %s, a token's cannot "
                       "be higher", PQgetvalue(res, 0, 2));
    }

    return ctl_say(CTL_FAILED, "the database answered \"%s\"", said);
}


int
ctl_table(ctl_t *ctl, const char *json, const char *lines)
{
    int        i, j;
    PGconn    *conn;
    PGresult  *res;

    conn = ctl_connect(ctl);
    res = ctl_query(conn, ctl->json ? json : lines, 0, NULL);

    for (i = 0; res && i < PQntuples(res); i++) {
        for (j = 0; j < PQnfields(res); j++) {
            printf("%s%s", j ? "\t" : "", PQgetvalue(res, i, j));
        }

        putchar('\n');
    }

    PQclear(res);
    PQfinish(conn);

    return res ? CTL_OK : CTL_FAILED;
}


/* as the policy spells names */

static int
ctl_service_ok(const char *name)
{
    return name[0] != '\0' && name[0] != '-' && strlen(name) <= 128
           && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._:-")]
              == '\0';
}


static int
ctl_token(char token[CTL_TOKEN_LEN + 1])
{
    char      *p;
    size_t     i, bits;
    uint8_t    random[32];
    uint32_t   value;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";

    if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random)) {
        return -1;
    }

    p = stpcpy(token, "pm_");
    value = 0;
    bits = 0;

    for (i = 0; i < sizeof(random); i++) {
        value = (value << 8 | random[i]) & 0xffff;

        for (bits += 8; bits >= 6; bits -= 6) {
            *p++ = digits[value >> (bits - 6) & 0x3f];
        }
    }

    *p++ = digits[value << (6 - bits) & 0x3f];
    *p = '\0';

    explicit_bzero(random, sizeof(random));

    return 0;
}
