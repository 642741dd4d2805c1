
/*
 * procmgrctl account: accounts are made here and by no request alone.  A
 * password comes from standard input or a terminal, never as an argument,
 * and leaves this program as a hash only.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <termios.h>
#include <unistd.h>
#include <crypt.h>
#include "ctl.h"


/* 64 MiB for one hash: "$y$jBT$" */
#define CTL_YESCRYPT_COST  7


static int ctl_account_write(ctl_t *ctl, const char *sql, int add);
static int ctl_account_same(ctl_t *ctl, PGconn *conn, const char *password);
static int ctl_name_ok(const char *name);
static int ctl_hash(const char *password, const char *setting,
    char hash[CRYPT_OUTPUT_SIZE]);
static int ctl_password(ctl_t *ctl, char password[CTL_PASSWORD_MAX + 2]);
static ssize_t ctl_password_line(char *buf, size_t size);
static ssize_t ctl_password_ask(char *buf, size_t size);
static ssize_t ctl_password_prompt(const char *prompt, char *buf, size_t size);


int
ctl_account_add(ctl_t *ctl)
{
    if (!ctl_role_ok(ctl->role)) {
        return ctl_say(CTL_USAGE, "--role is one of viewer, operator, admin");
    }

    if (!ctl_name_ok(ctl->argv[0])) {
        return ctl_say(CTL_USAGE, "a name has 1 to 64 bytes of UTF-8 without "
                       "spaces and control characters, and does not begin "
                       "with \"token:\"");
    }

    return ctl_account_write(ctl,
        "SELECT procmgr.account_add($1, $4, $2, $5::boolean, $3)", 1);
}


int
ctl_account_passwd(ctl_t *ctl)
{
    return ctl_account_write(ctl,
        "SELECT procmgr.account_passwd($1, $2, $3)", 0);
}


static int
ctl_account_write(ctl_t *ctl, const char *sql, int add)
{
    int          rc;
    char         password[CTL_PASSWORD_MAX + 2], hash[CRYPT_OUTPUT_SIZE];
    PGconn      *conn;
    PGresult    *res;
    const char  *params[5], *said;

    rc = ctl_password(ctl, password);

    if (rc != CTL_OK) {
        explicit_bzero(password, sizeof(password));
        return rc;
    }

    conn = ctl_connect(ctl);

    if (ctl->or_update && ctl_account_same(ctl, conn, password)) {
        explicit_bzero(password, sizeof(password));
        PQfinish(conn);
        ctl_done(ctl, "unchanged", ctl->argv[0]);
        return CTL_OK;
    }

    rc = ctl_hash(password, NULL, hash);

    explicit_bzero(password, sizeof(password));

    if (rc != CTL_OK) {
        PQfinish(conn);
        return rc;
    }

    params[0] = ctl->argv[0];
    params[1] = hash;
    params[2] = ctl_host();
    params[3] = ctl->role;
    params[4] = ctl->or_update ? "true" : "false";

    res = ctl_query(conn, sql, add ? 5 : 3, params);

    if (res == NULL) {
        PQfinish(conn);
        return CTL_FAILED;
    }

    said = PQgetvalue(res, 0, 0);

    if (strcmp(said, "exists") == 0) {
        rc = ctl_say(CTL_EXISTS, "there is an account \"%s\" already",
                     ctl->argv[0]);

    } else if (strcmp(said, "missing") == 0) {
        rc = ctl_say(CTL_MISSING, "there is no account \"%s\"", ctl->argv[0]);

    } else {
        ctl_done(ctl, said, ctl->argv[0]);
    }

    PQclear(res);
    PQfinish(conn);

    return rc;
}


/* a new hash of the same password would end all sessions for nothing */

static int
ctl_account_same(ctl_t *ctl, PGconn *conn, const char *password)
{
    int          same;
    char         hash[CRYPT_OUTPUT_SIZE];
    PGresult    *res;
    const char  *params[2];

    params[0] = ctl->argv[0];
    params[1] = ctl->role;

    res = ctl_query(conn, "SELECT a->>'hash' "
                    "FROM (SELECT procmgr.account_auth($1)::json) AS t (a) "
                    "WHERE a->>'role' = $2", 2, params);

    same = res && PQntuples(res) == 1
           && ctl_hash(password, PQgetvalue(res, 0, 0), hash) == CTL_OK
           && strcmp(hash, PQgetvalue(res, 0, 0)) == 0;

    PQclear(res);

    return same;
}


int
ctl_account_list(ctl_t *ctl)
{
    int        i;
    PGconn    *conn;
    PGresult  *res;

    conn = ctl_connect(ctl);

    if (ctl->json) {
        res = ctl_query(conn, "SELECT procmgr.account_list()", 0, NULL);

        if (res) {
            printf("%s\n", PQgetvalue(res, 0, 0));
        }

    } else {
        res = ctl_query(conn,
            "SELECT a->>'name', a->>'role', a->>'sessions', "
            "CASE WHEN (a->>'disabled')::boolean THEN 'disabled' ELSE '-' END "
            "FROM json_array_elements(procmgr.account_list()::json) "
            "WITH ORDINALITY AS l (a, i) ORDER BY i", 0, NULL);

        for (i = 0; res && i < PQntuples(res); i++) {
            printf("%s\t%s\t%s\t%s\n", PQgetvalue(res, i, 0),
                   PQgetvalue(res, i, 1), PQgetvalue(res, i, 2),
                   PQgetvalue(res, i, 3));
        }
    }

    PQclear(res);
    PQfinish(conn);

    return res ? CTL_OK : CTL_FAILED;
}


static int
ctl_name_ok(const char *name)
{
    size_t                len;
    const unsigned char  *p;

    len = strlen(name);

    for (p = (const unsigned char *) name; *p; p++) {
        if (*p <= ' ' || *p == 0x7f) {
            return 0;
        }
    }

    return len >= 1 && len <= 64 && strncmp(name, "token:", 6) != 0;
}


static int
ctl_password(ctl_t *ctl, char password[CTL_PASSWORD_MAX + 2])
{
    ssize_t  n;

    if (ctl->password_stdin) {
        n = ctl_password_line(password, CTL_PASSWORD_MAX + 2);

    } else if (isatty(STDIN_FILENO)) {
        n = ctl_password_ask(password, CTL_PASSWORD_MAX + 2);

    } else {
        return ctl_say(CTL_USAGE, "standard input is no terminal: "
                       "use --password-stdin");
    }

    if (n == -1) {
        return CTL_FAILED;
    }

    if (n == 0 || n > CTL_PASSWORD_MAX || memchr(password, '\0', (size_t) n)) {
        return ctl_say(CTL_USAGE, "a password has 1 to %d bytes, none of them "
                       "zero", CTL_PASSWORD_MAX);
    }

    password[n] = '\0';

    return CTL_OK;
}


/* with the setting of another hash, or a new one */

static int
ctl_hash(const char *password, const char *setting,
    char hash[CRYPT_OUTPUT_SIZE])
{
    int                 rc;
    char                fresh[CRYPT_GENSALT_OUTPUT_SIZE], *made;
    struct crypt_data  *data;

    if (setting == NULL) {
        setting = crypt_gensalt_rn("$y$", CTL_YESCRYPT_COST, NULL, 0, fresh,
                                   sizeof(fresh));
        if (setting == NULL) {
            return ctl_say(CTL_FAILED, "cannot make a salt: %s",
                           strerror(errno));
        }
    }

    data = calloc(1, sizeof(struct crypt_data));
    made = data ? crypt_r(password, setting, data) : NULL;

    if (made == NULL || made[0] == '*') {
        rc = ctl_say(CTL_FAILED, "cannot hash the password");

    } else {
        memcpy(hash, made, strlen(made) + 1);
        rc = CTL_OK;
    }

    if (data) {
        explicit_bzero(data, sizeof(struct crypt_data));
        free(data);
    }

    return rc;
}


/* one line, or what there is to the end, without its newline */

static ssize_t
ctl_password_line(char *buf, size_t size)
{
    char     *end;
    size_t    len;
    ssize_t   n;

    for (len = 0; len < size; len += (size_t) n) {
        n = read(STDIN_FILENO, buf + len, size - len);

        if (n == -1) {
            (void) ctl_say(0, "cannot read the password: %s",
                           strerror(errno));
            return -1;
        }

        end = memchr(buf + len, '\n', (size_t) n);

        if (end) {
            return end - buf;
        }

        if (n == 0) {
            break;
        }
    }

    return (ssize_t) len;
}


static ssize_t
ctl_password_ask(char *buf, size_t size)
{
    char     again[CTL_PASSWORD_MAX + 2];
    ssize_t  n, m;

    n = ctl_password_prompt("Password: ", buf, size);

    if (n == -1) {
        return -1;
    }

    m = ctl_password_prompt("Again: ", again, sizeof(again));

    if (m == -1 || m != n || memcmp(buf, again, (size_t) n) != 0) {
        (void) ctl_say(0, "the two passwords differ");
        explicit_bzero(buf, size);
        n = -1;
    }

    explicit_bzero(again, sizeof(again));

    return n;
}


static ssize_t
ctl_password_prompt(const char *prompt, char *buf, size_t size)
{
    ssize_t         n;
    struct termios  was, silent;

    if (tcgetattr(STDIN_FILENO, &was) == -1) {
        (void) ctl_say(0, "cannot silence the terminal: %s", strerror(errno));
        return -1;
    }

    silent = was;
    silent.c_lflag &= ~(tcflag_t) ECHO;

    fprintf(stderr, "%s", prompt);

    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == -1) {
        (void) ctl_say(0, "cannot silence the terminal: %s", strerror(errno));
        return -1;
    }

    n = ctl_password_line(buf, size);

    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    fputc('\n', stderr);

    return n;
}
