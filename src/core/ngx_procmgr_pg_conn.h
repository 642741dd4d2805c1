
/*
 * The inside of ngx_procmgr_pg: a pool of connections and the statements that
 * wait for one.
 */


#ifndef _NGX_PROCMGR_PG_CONN_H_INCLUDED_
#define _NGX_PROCMGR_PG_CONN_H_INCLUDED_


#include "ngx_procmgr_pg.h"
#include <libpq-fe.h>


#define NGX_PROCMGR_PG_CONNS     4
#define NGX_PROCMGR_PG_QUEUE     1024       /* statements waiting */
#define NGX_PROCMGR_PG_TIMEOUT   3250       /* the server's own is 3000 */
#define NGX_PROCMGR_PG_CONNECT   2000
#define NGX_PROCMGR_PG_IDLE      30000
#define NGX_PROCMGR_PG_FIRST     250        /* of the back-off */
#define NGX_PROCMGR_PG_LAST      4000
#define NGX_PROCMGR_PG_KEYS      32
#define NGX_PROCMGR_PG_UPS       4

#define NGX_PROCMGR_PG_GREETING  "SELECT procmgr.schema_level()"
#define NGX_PROCMGR_PG_LISTEN    "LISTEN procmgr_unread"


typedef enum {
    ngx_procmgr_pg_closed = 0,
    ngx_procmgr_pg_connecting,
    ngx_procmgr_pg_idle,
    ngx_procmgr_pg_busy
} ngx_procmgr_pg_state_e;


typedef struct {
    ngx_procmgr_pg_state_e    state;
    ngx_procmgr_pg_t         *pg;
    PGconn                   *pq;
    ngx_connection_t         *connection;
    ngx_procmgr_pg_query_t   *query;        /* when busy */
    PGresult                 *res;          /* of it, so far */
    ngx_event_t               timer;        /* of connecting, or idle */
    unsigned                  greeted:1;    /* its first words are sent */
} ngx_procmgr_pg_conn_t;


struct ngx_procmgr_pg_query_s {
    ngx_queue_t               queue;
    ngx_procmgr_pg_t         *pg;
    ngx_procmgr_pg_conn_t    *conn;         /* once it is sent */
    ngx_procmgr_pg_pt         handler;      /* NULL: forgotten */
    void                     *data;
    const char               *sql;
    ngx_msec_t                timeout;
    ngx_event_t               timer;
    ngx_uint_t                nparams;
    const char               *params[];
};


struct ngx_procmgr_pg_s {
    ngx_procmgr_t            *pm;
    ngx_procmgr_pg_conn_t     conns[NGX_PROCMGR_PG_CONNS];
    ngx_queue_t               waiting;
    ngx_uint_t                nwaiting;
    ngx_event_t               dispatch;
    ngx_event_t               retry;        /* set: no attempt before */
    ngx_msec_t                backoff;
    ngx_atomic_uint_t         met;          /* sh->pg_met at our attempt */
    const char               *keys[NGX_PROCMGR_PG_KEYS];
    const char               *values[NGX_PROCMGR_PG_KEYS];
    void                    (*on_up[NGX_PROCMGR_PG_UPS])(ngx_procmgr_t *);
    ngx_uint_t                non_up;
    void                    (*on_notice)(void);     /* of a listener */
    unsigned                  up:1;
    unsigned                  away:1;       /* and it was logged */
    unsigned                  foreign:1;    /* another version's schema */
    unsigned                  listener:1;   /* one connection that stays */
};


/* ngx_procmgr_pg_conf.c: the arrays for libpq */
ngx_int_t ngx_procmgr_pg_keywords(ngx_procmgr_pg_t *pg, ngx_str_t *conninfo,
    ngx_pool_t *pool);

/* ngx_procmgr_pg.c: the pool */
void ngx_procmgr_pg_dispatch(ngx_procmgr_pg_t *pg);
void ngx_procmgr_pg_up(ngx_procmgr_pg_t *pg);
void ngx_procmgr_pg_down(ngx_procmgr_pg_t *pg, const char *reason);
void ngx_procmgr_pg_finish(ngx_procmgr_pg_query_t *query, ngx_uint_t ended,
    PGresult *res, const char *message);

/* ngx_procmgr_pg_conn.c: one connection */
void ngx_procmgr_pg_connect(ngx_procmgr_pg_conn_t *conn);
void ngx_procmgr_pg_send(ngx_procmgr_pg_conn_t *conn,
    ngx_procmgr_pg_query_t *query);
void ngx_procmgr_pg_conn_timer_handler(ngx_event_t *ev);

/* the one end of a connection; NULL as reason: the worker exits */
void ngx_procmgr_pg_close(ngx_procmgr_pg_conn_t *conn, const char *reason);


#endif /* _NGX_PROCMGR_PG_CONN_H_INCLUDED_ */
