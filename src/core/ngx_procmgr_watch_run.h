
/* between watch_run.c, the event loop's part, and watch_take.c, the thread's */


#ifndef _NGX_PROCMGR_WATCH_RUN_H_INCLUDED_
#define _NGX_PROCMGR_WATCH_RUN_H_INCLUDED_


#include "ngx_procmgr_watch.h"


typedef struct {                        /* a status kept open */
    int                      fd;        /* -1: none */
    uint64_t                 run;
    pm_watch_who_t           who;
} ngx_procmgr_watch_fd_t;


typedef struct {                        /* of this worker */
    ngx_procmgr_t           *pm;
    ngx_event_t              timer;
    void                   (*notes)(ngx_procmgr_t *pm);
    int                      proc;      /* these are the flight's */
    pm_buf_t                 buf;
    ngx_procmgr_watch_fd_t   fds[NGX_PROCMGR_WATCHES];
    unsigned                 flight:1;
    unsigned                 finding:1;
    unsigned                 ready:1;
} ngx_procmgr_watcher_t;


typedef struct {
    ngx_procmgr_watcher_t   *watcher;
} ngx_procmgr_watch_flight_t;


/* what those who listen are to be told, which takes the lock itself */

#define NGX_PROCMGR_WATCH_SAID  (NGX_PROCMGR_WATCH_LIMITS + 2)

typedef struct {
    ngx_uint_t               n;
    struct {
        ngx_uint_t           kind;
        char                 json[NGX_PROCMGR_WATCH_DETAIL];
    } event[NGX_PROCMGR_WATCH_SAID];
} ngx_procmgr_watch_said_t;


void ngx_procmgr_watch_close(ngx_procmgr_watcher_t *r, ngx_uint_t i);

/* in a pool thread, of a flight: all samples that are due */
void ngx_procmgr_watch_take(void *ctx, ngx_log_t *log);

/* (m) what follows from the newest sample */
void ngx_procmgr_watch_edges(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_procmgr_watch_said_t *said);
/* without the lock */
void ngx_procmgr_watch_say(ngx_procmgr_t *pm, ngx_procmgr_watch_said_t *said);


#endif /* _NGX_PROCMGR_WATCH_RUN_H_INCLUDED_ */
