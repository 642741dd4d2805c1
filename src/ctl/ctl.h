
/*
 * procmgrctl: what its files have in common.
 */


#ifndef _CTL_H_INCLUDED_
#define _CTL_H_INCLUDED_


#include <stddef.h>
#include <libpq-fe.h>


/* exit codes, as the manual page has them */
#define CTL_OK        0
#define CTL_FAILED    1
#define CTL_USAGE     2
#define CTL_EXISTS    3
#define CTL_MISSING   4
#define CTL_DATABASE  5

/* what crypt() takes, without the zero */
#define CTL_PASSWORD_MAX  511


typedef struct {
    const char  *conninfo;
    const char  *role;
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

/* the name of this host in the log */
const char *ctl_host(void);


int ctl_migrate(ctl_t *ctl);
int ctl_account_add(ctl_t *ctl);
int ctl_account_list(ctl_t *ctl);
int ctl_account_passwd(ctl_t *ctl);


#endif /* _CTL_H_INCLUDED_ */
