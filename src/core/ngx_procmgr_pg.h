
/*
 * PostgreSQL in the event loop: a small pool of connections per worker,
 * statements with parameters only, a deadline for each.  libpq is included
 * in ngx_procmgr_pg_*.c and nowhere else.
 */


#ifndef _NGX_PROCMGR_PG_H_INCLUDED_
#define _NGX_PROCMGR_PG_H_INCLUDED_


#include "ngx_procmgr.h"


/* how a statement ended */
#define NGX_PROCMGR_PG_OK       0       /* rows */
#define NGX_PROCMGR_PG_REFUSED  1       /* the server said no: sqlstate */
#define NGX_PROCMGR_PG_AWAY     2       /* it was never sent: nothing done */
#define NGX_PROCMGR_PG_UNKNOWN  3       /* sent, no answer: it may have run */


typedef struct {
    ngx_uint_t               ended;     /* NGX_PROCMGR_PG_* */
    char                     sqlstate[6];
    const char              *message;   /* for the log, never for a client */
    ngx_uint_t               nrows;
    ngx_uint_t               ncols;
    void                    *res;
} ngx_procmgr_pg_result_t;

/* the result is valid during the call only */
typedef void (*ngx_procmgr_pg_pt)(void *data, ngx_procmgr_pg_result_t *res);

typedef struct ngx_procmgr_pg_query_s  ngx_procmgr_pg_query_t;


/*
 * At nginx -t: NULL, or a word why not (names need a look-up and are refused:
 * a socket folder, or host= with hostaddr=; unknown keywords).
 */
const char *ngx_procmgr_pg_check(ngx_str_t *conninfo, char *buf, size_t len);

/* in init_process; connects when the first statement comes */
ngx_int_t ngx_procmgr_pg_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle);
void ngx_procmgr_pg_exit(ngx_procmgr_t *pm);

/*
 * Sends one statement.  `sql' is a literal; `params' are zero terminated
 * texts (NULL is SQL NULL) and are copied.  The handler comes exactly once,
 * never from inside this call, at the latest after `timeout' ms (0: a little
 * more than the server's own 3 s).  NULL: no memory, or too many wait.
 */
ngx_procmgr_pg_query_t *ngx_procmgr_pg_query(ngx_procmgr_t *pm,
    const char *sql, ngx_uint_t nparams, const char *const *params,
    ngx_msec_t timeout, ngx_procmgr_pg_pt handler, void *data);

/* the owner of `data' goes: its handler is never called, the statement runs */
void ngx_procmgr_pg_forget(ngx_procmgr_pg_query_t *query);

/* bytes of a value, zero terminated; data is NULL for SQL NULL */
ngx_str_t ngx_procmgr_pg_value(ngx_procmgr_pg_result_t *res, ngx_uint_t row,
    ngx_uint_t col);

/* a connection is up, as far as the last attempt told */
ngx_int_t ngx_procmgr_pg_alive(ngx_procmgr_t *pm);

/* its schema is not the one that the module was written for */
ngx_int_t ngx_procmgr_pg_foreign(ngx_procmgr_t *pm);

/*
 * With a direct connection the handler is called at each notice of rows that
 * are new or were read; listening() is true while none can be missed.
 */
void ngx_procmgr_pg_on_notice(ngx_procmgr_t *pm, void (*handler)(void));
ngx_int_t ngx_procmgr_pg_listening(ngx_procmgr_t *pm);

/* called at every change from away to up (recovery of open operations) */
void ngx_procmgr_pg_on_up(ngx_procmgr_t *pm, void (*handler)(ngx_procmgr_t *));


#endif /* _NGX_PROCMGR_PG_H_INCLUDED_ */
