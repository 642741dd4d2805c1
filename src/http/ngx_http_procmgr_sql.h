
/*
 * The statements of control and log.  Every one is a call of a function of
 * the schema; values come as parameters only.
 */


#ifndef _NGX_HTTP_PROCMGR_SQL_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_SQL_H_INCLUDED_


/* a session, and what the clock says that measures it */

#define NGX_HTTP_PROCMGR_SQL_SESSION(call)                                    \
    "SELECT (procmgr." call "::jsonb || jsonb_build_object('now_ms', "        \
    "(extract(epoch FROM clock_timestamp()) * 1000)::bigint))::text"


/*
 * $1 op_id, $2 host, $3 type, $4 target, $5 actor, $6 role, $7 remote,
 * $8 request stand first in all that make a row
 */

#define NGX_HTTP_PROCMGR_SQL_OP_INTENT                                        \
    "SELECT procmgr.op_intent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "      \
    "$11, $12, $13)"

#define NGX_HTTP_PROCMGR_SQL_OP_REFUSE                                        \
    "SELECT procmgr.op_refuse($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

#define NGX_HTTP_PROCMGR_SQL_OP_NOT_STARTED                                   \
    "SELECT procmgr.op_not_started($1, $2, $3, $4, $5, $6, $7, $8)"

#define NGX_HTTP_PROCMGR_SQL_OP_OUTCOME                                       \
    "SELECT procmgr.op_outcome($1, $2, $3, $4, $5)"

#define NGX_HTTP_PROCMGR_SQL_OP_OPEN                                          \
    "SELECT procmgr.op_open($1, $2)"

#define NGX_HTTP_PROCMGR_SQL_ACTOR_ALLOW                                      \
    "SELECT procmgr.actor_allow($1)"

#define NGX_HTTP_PROCMGR_SQL_REQUEST_DENIED                                   \
    "SELECT procmgr.request_denied($1, $2)"

#define NGX_HTTP_PROCMGR_SQL_LOG_LIST                                         \
    "SELECT procmgr.log_list($1, $2, $3)"

#define NGX_HTTP_PROCMGR_SQL_LOG_EXPORT                                       \
    "SELECT procmgr.log_export($1, $2, $3)"

#define NGX_HTTP_PROCMGR_SQL_LOG_GET                                          \
    "SELECT procmgr.log_get($1)"

#define NGX_HTTP_PROCMGR_SQL_LOG_SERIES                                       \
    "SELECT procmgr.log_series($1)"

#define NGX_HTTP_PROCMGR_SQL_LOG_UNREAD                                       \
    "SELECT procmgr.log_unread()"

#define NGX_HTTP_PROCMGR_SQL_LOG_READ                                         \
    "SELECT procmgr.log_read($1, $2)"

#define NGX_HTTP_PROCMGR_SQL_LOG_VERIFY                                       \
    "SELECT procmgr.log_verify($1, $2, $3)"

#define NGX_HTTP_PROCMGR_SQL_WATCH_ADD                                        \
    "SELECT procmgr.watch_add($1, $2, $3, $4, $5, $6, $7)"

#define NGX_HTTP_PROCMGR_SQL_WATCH_CHANGE                                     \
    "SELECT procmgr.watch_change($1, $2, $3, $4, $5, $6, $7, $8, $9)"

#define NGX_HTTP_PROCMGR_SQL_WATCH_NOTE                                       \
    "SELECT procmgr.watch_note($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

#define NGX_HTTP_PROCMGR_SQL_WATCH_LIST                                       \
    "SELECT procmgr.watch_list($1)"


#endif /* _NGX_HTTP_PROCMGR_SQL_H_INCLUDED_ */
