
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
#define NGX_PROCMGR_WAYS       8        /* entries of one place in a table */

#define NGX_PROCMGR_SESS_FRESH 1000     /* ms the database's word is good */
#define NGX_PROCMGR_SESS_AHEAD 850      /* and is asked for again */
#define NGX_PROCMGR_SESS_AWAY  60000    /* and for reads, while it is away */

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
    int64_t                  clock;     /* of the database, behind boottime */
    int64_t                  touched;   /* last_seen written at, ms */
    uint64_t                 epoch;
    uint64_t                 checked;   /* boottime ms, by the database */
    uint64_t                 used;      /* boottime ms */
} ngx_procmgr_sess_t;


typedef struct {                        /* of a source or an account */
    uint32_t                 hash;
    uint32_t                 failures;
    uint32_t                 pending;   /* attempts that are being checked */
    uint64_t                 until;     /* boottime ms */
    uint64_t                 last;
} ngx_procmgr_throttle_t;


typedef struct {
    uint64_t                 epoch;
    uint64_t                 epoch_checked;     /* boottime ms */
    uint64_t                 epoch_failed;      /* the last try, or 0 */
    ngx_pid_t                epoch_asker;
    uint64_t                 epoch_asked;
    uint64_t                 unread;            /* rows, for the badge */
    uint64_t                 unread_made;       /* boottime ms, 0: never */
    uint64_t                 unread_changes;    /* of the log, before it */
    ngx_pid_t                hashers[2];        /* at most 2 hashes a host */
    uint64_t                 hashers_until[2];
    ngx_procmgr_sess_t       sess[NGX_PROCMGR_SESSIONS];
    ngx_procmgr_throttle_t   throttle[NGX_PROCMGR_THROTTLES];
} ngx_procmgr_sess_shm_t;


/*
 * NGX_OK: known, and at the newest epoch that this host knows.  NGX_AGAIN:
 * known, but some session was ended since: ask again.  NGX_DECLINED: not
 * known.  `vouched' is when the database last stood for it (boottime ms).
 */
ngx_int_t ngx_procmgr_sess_get(ngx_procmgr_t *pm, const u_char key[32],
    ngx_procmgr_sess_t *dst, uint64_t *vouched);
void ngx_procmgr_sess_put(ngx_procmgr_t *pm, const ngx_procmgr_sess_t *src);
void ngx_procmgr_sess_drop(ngx_procmgr_t *pm, const u_char key[32]);
void ngx_procmgr_sess_drop_id(ngx_procmgr_t *pm, const char *id);
/* all sessions of the account but the one of this id */
void ngx_procmgr_sess_drop_account(ngx_procmgr_t *pm, int64_t account,
    const char *keep);

/* NGX_OK for one caller in `every' ms: it writes last_seen */
ngx_int_t ngx_procmgr_sess_touch(ngx_procmgr_t *pm, const u_char key[32],
    int64_t now, int64_t every);


/* who waits for the epoch; in the memory of its owner */
typedef struct {
    ngx_queue_t              queue;
    void                   (*handler)(void *data);
    void                    *data;
    uint64_t                 since;
    unsigned                 queued:1;
} ngx_procmgr_epoch_wait_t;

/*
 * Has the epoch read when it is older than NGX_PROCMGR_SESS_AHEAD and nobody
 * on this host reads it.  `w' may be NULL; its handler comes when the epoch is
 * fresh or could not be read, never from inside this call.
 */
void ngx_procmgr_epoch_ask(ngx_procmgr_t *pm, ngx_procmgr_epoch_wait_t *w);
void ngx_procmgr_epoch_forget(ngx_procmgr_epoch_wait_t *w);

/* the last try to read it failed */
ngx_uint_t ngx_procmgr_epoch_failed(ngx_procmgr_t *pm);


/* delays after failed passwords, by source and by account */
#define NGX_PROCMGR_THROTTLE_SOURCE   0
#define NGX_PROCMGR_THROTTLE_ACCOUNT  1

/*
 * 0, or the seconds to wait.  After 0 the attempt is on record until it
 * leaves: many at once are not a way around the delays.
 */
ngx_uint_t ngx_procmgr_throttle_enter(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what);
void ngx_procmgr_throttle_leave(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what);
void ngx_procmgr_throttle_failed(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what);
void ngx_procmgr_throttle_reset(ngx_procmgr_t *pm, ngx_uint_t kind,
    ngx_str_t *what);


#endif /* _NGX_PROCMGR_SESS_H_INCLUDED_ */
