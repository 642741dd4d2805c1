
/*
 * Who holds which socket, in the thread: what the worker may see itself, the
 * others through the helper, and what is known of processes that have not
 * run since the last time.
 */


#ifndef _NGX_HTTP_PROCMGR_HOLDERS_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_HOLDERS_H_INCLUDED_


#include "ngx_http_procmgr_system.h"
#include "../proc/pm_fd_keep.h"
#include "../proc/pm_late.h"
#include "../proc/pm_netns.h"


typedef struct ngx_http_procmgr_kept_s  ngx_http_procmgr_kept_t;


typedef struct {
    ngx_procmgr_job_t               *job;
    ngx_uint_t                       role;
    ngx_http_procmgr_search_t       *search;    /* or NULL: its fields too */
    pm_netnses_t                    *netns;     /* or NULL: its numbers too */
    int32_t                         *unknown;   /* pids to ask for them */
    size_t                           nunknown;

    pm_fd_map_t                      map;
    pm_fd_walk_t                     walk;
    pm_lates_t                       lates;     /* sockets are read anew */

    ngx_http_procmgr_kept_t         *old;
    ngx_http_procmgr_kept_t         *kept;      /* this walk's */
    uint64_t                         now;

    pm_wire_pid_t                   *ask;
    pm_fd_kept_t                    *asked;     /* what is known of them */
    size_t                           nask;
    size_t                           nsorted;   /* of them by pid */
    size_t                           fds;       /* of them for descriptors */
    size_t                           answered;
    unsigned                         hidden:1;  /* there may be more */
} ngx_http_procmgr_holders_t;


/* zeroes it; NGX_ERROR after the job failed: free() is due in any case */
ngx_int_t ngx_http_procmgr_holders_init(ngx_http_procmgr_holders_t *h,
    ngx_procmgr_job_t *job, ngx_uint_t role);
void ngx_http_procmgr_holders_free(ngx_http_procmgr_holders_t *h);

/* h->map has what is wanted, h->search and h->netns are set: reads all */
ngx_int_t ngx_http_procmgr_holders_read(ngx_http_procmgr_holders_t *h);

/* a process of the snapshot or a late one, and its name; or NULL */
const pm_proc_t *ngx_http_procmgr_holders_proc(ngx_http_procmgr_holders_t *h,
    int32_t pid, const char **name, size_t *len);


#endif /* _NGX_HTTP_PROCMGR_HOLDERS_H_INCLUDED_ */
