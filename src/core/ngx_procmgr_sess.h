
/*
 * Known sessions in the zone, so that a request costs no statement.
 *
 * A session is found by the SHA-256 of its token.  PostgreSQL is the truth:
 * one "epoch" read per host and second tells whether any session was ended,
 * and an entry of an older epoch is asked for again.
 */


#ifndef _NGX_PROCMGR_SESS_H_INCLUDED_
#define _NGX_PROCMGR_SESS_H_INCLUDED_


#include "ngx_procmgr.h"


#define NGX_PROCMGR_SESSIONS   1024
#define NGX_PROCMGR_THROTTLES  4096

#define NGX_PROCMGR_ROLE_NONE      0
#define NGX_PROCMGR_ROLE_VIEWER    1
#define NGX_PROCMGR_ROLE_OPERATOR  2
#define NGX_PROCMGR_ROLE_ADMIN     3


typedef struct {
    u_char                   key[32];   /* SHA-256 of the token */
    char                     id[37];    /* uuid of the row */
    char                     user[65];
    char                     csrf[65];
    uint32_t                 role;      /* NGX_PROCMGR_ROLE_* */
    uint32_t                 bearer;
    int64_t                  account;   /* id */
    int64_t                  expires;   /* absolute, unix time in ms */
    int64_t                  idle_until;
    int64_t                  auth_at;   /* fresh authentication, ms */
    int64_t                  touched;   /* last_seen written at, ms */
    uint64_t                 epoch;
    uint64_t                 checked;   /* boottime ms, by the database */
    uint64_t                 used;      /* boottime ms */
} ngx_procmgr_sess_t;


typedef struct {                        /* of a source or an account */
    uint32_t                 hash;
    uint32_t                 failures;
    uint64_t                 until;     /* boottime ms */
    uint64_t                 last;
} ngx_procmgr_throttle_t;


typedef struct {
    uint64_t                 epoch;
    uint64_t                 epoch_checked;     /* boottime ms */
    ngx_pid_t                epoch_asker;
    uint64_t                 epoch_asked;
    ngx_pid_t                hashers[2];        /* at most 2 hashes a host */
    uint64_t                 hashers_until[2];
    ngx_procmgr_sess_t       sess[NGX_PROCMGR_SESSIONS];
    ngx_procmgr_throttle_t   throttle[NGX_PROCMGR_THROTTLES];
} ngx_procmgr_sess_shm_t;


#endif /* _NGX_PROCMGR_SESS_H_INCLUDED_ */
