
/*
 * procmgrctl: what its files have in common.
 */


#ifndef _CTL_H_INCLUDED_
#define _CTL_H_INCLUDED_


#include <stddef.h>
#include <libpq-fe.h>

#include "../policy/pm_policy.h"


/* exit codes, as the manual page has them */
#define CTL_OK        0
#define CTL_FAILED    1
#define CTL_USAGE     2
#define CTL_EXISTS    3
#define CTL_MISSING   4
#define CTL_DATABASE  5
#define CTL_NO        6         /* the answer is no: broken, denied */

/* what crypt() takes, without the zero */
#define CTL_PASSWORD_MAX  511


typedef struct {
    const char  *conninfo;
    const char  *role;
    const char  *format;
    const char  *host;
    const char  *since;
    const char  *until;
    const char  *anchor;
    const char  *archive;
    const char  *helper;
    const char  *key;
    const char  *policy;
    const char  *nginx;
    const char  *config;
    int          days;          /* 0: not given */
    int          password_stdin;
    int          or_update;
    int          json;
    int          argc;          /* of the command's own arguments */
    char       **argv;
} ctl_t;


/* a line to stderr; returns code */
int ctl_say(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/* exits with CTL_DATABASE when there is no connection */
PGconn *ctl_connect(ctl_t *ctl);

/*
 * The result of one statement with text parameters; NULL after saying why
 * not, in the server's words but without codes.
 */
PGresult *ctl_query(PGconn *conn, const char *sql, int n,
    const char *const *params);

/* several statements of our own, without parameters */
int ctl_exec(PGconn *conn, const char *what, const char *sql);

/*
 * A function that answers {"status":...}: "ok" prints `done' and the name
 * (or the JSON), anything else is said of that `kind' of thing.
 */
int ctl_change(ctl_t *ctl, const char *sql, int n, const char *const *params,
    const char *kind, const char *done);

/* a text as JSON has it, with its quotes */
void ctl_string(const char *text);

/* "done name", or {"status":"done","name":"..."} */
void ctl_done(ctl_t *ctl, const char *done, const char *name);

/* rows as lines of fields with tabs between; with --json the bare `json' */
int ctl_table(ctl_t *ctl, const char *json, const char *lines);

/* one of the three roles */
int ctl_role_ok(const char *role);

/* the name of this host in the log */
const char *ctl_host(void);


/* the marks of a file against the chain; CTL_NO names the first that is off */
int ctl_anchor(ctl_t *ctl, PGconn *conn, long long *marks);


/* NULL, or why the helper cannot be used; as root */
const char *ctl_helper_status(const char *path, const char *key_path);


int ctl_migrate(ctl_t *ctl);
int ctl_account_add(ctl_t *ctl);
int ctl_account_list(ctl_t *ctl);
int ctl_account_passwd(ctl_t *ctl);
int ctl_account_role(ctl_t *ctl);
int ctl_account_disable(ctl_t *ctl);
int ctl_account_unlock(ctl_t *ctl);
int ctl_account_delete(ctl_t *ctl);
int ctl_account_allow(ctl_t *ctl);
int ctl_token_add(ctl_t *ctl);
int ctl_token_list(ctl_t *ctl);
int ctl_token_revoke(ctl_t *ctl);
int ctl_session_list(ctl_t *ctl);
int ctl_session_end(ctl_t *ctl);
int ctl_log_verify(ctl_t *ctl);
int ctl_log_heads(ctl_t *ctl);
int ctl_log_export(ctl_t *ctl);
int ctl_log_archive(ctl_t *ctl);
int ctl_check(ctl_t *ctl);
int ctl_policy_check(ctl_t *ctl);

/* the target in the policy's words; *found is the line that permits it */
pm_permit_e ctl_policy_process(const pm_policy_t *policy, int signal,
    const char *target, unsigned role, const pm_policy_entry_t **found);


#endif /* _CTL_H_INCLUDED_ */
