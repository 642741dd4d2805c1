
/*
 * What the files of the system family share.  A view's args begin with
 * ngx_http_procmgr_system_args_t; what runs in the thread says so.
 */


#ifndef _NGX_HTTP_PROCMGR_SYSTEM_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_SYSTEM_H_INCLUDED_


#include "ngx_http_procmgr.h"
#include "../core/ngx_procmgr_spawn.h"
#include "../proc/pm_fd.h"
#include "../proc/pm_match.h"
#include "../proc/pm_unit.h"


/*
 * ms: what the helper may take to read, with a ms for each process, and the
 * most of it; what who waits for the answer has beyond it
 */
#define NGX_HTTP_PROCMGR_READ_TIMEOUT  5000
#define NGX_HTTP_PROCMGR_READ_MAX      15000
#define NGX_HTTP_PROCMGR_READ_REST     5000


typedef struct {
    ngx_uint_t       role;
    unsigned         human:1;
    unsigned         again:1;           /* made for this request alone */
} ngx_http_procmgr_system_args_t;


/* handlers of the route table */
ngx_int_t ngx_http_procmgr_process_list(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_process_info(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_process_one(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);
ngx_int_t ngx_http_procmgr_services(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx);

/* zeroed args with what "human", the one parameter, says; as args() does */
ngx_int_t ngx_http_procmgr_system_human(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_http_procmgr_system_args_t *args);

/*
 * Answers with a view: `what' in printf's form of nginx is the resource with
 * its arguments in their canonical order; the role is added to it.
 */
ngx_int_t ngx_http_procmgr_system_view(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_make_pt make, void *args,
    size_t size, unsigned want, const char *what, ...);


/* in the thread */

/* "num_openfiles" is not whole: said once, however often it is told */
void ngx_http_procmgr_partial(ngx_procmgr_job_t *job, const char *field);

/* 500 "system_call_failed" */
void ngx_http_procmgr_syscall_failed(ngx_procmgr_job_t *job,
    const char *call, int err);

/*
 * The helper's read for this role; records go to record().  No answer, or a
 * denied field, are records that do not come.  pids is changed.
 */
void ngx_http_procmgr_read(ngx_procmgr_job_t *job, ngx_uint_t role,
    pm_wire_pid_t *pids, size_t n, ngx_procmgr_record_pt record,
    void *data);
/* what the policy denied to this role lately: 1 << PM_READ_* */
unsigned ngx_http_procmgr_read_denied(ngx_uint_t role);

/* whether this worker may look into a process, as far as the uid tells */
ngx_uint_t ngx_http_procmgr_own(const pm_proc_t *p);

/* name and user name of a process as values */
void ngx_http_procmgr_json_name(ngx_procmgr_job_t *job, const pm_proc_t *p);
void ngx_http_procmgr_json_user(ngx_procmgr_job_t *job, const pm_proc_t *p);

/* RFC 3339, UTC; ms since the epoch */
void ngx_http_procmgr_json_time(pm_json_t *j, int64_t ms);

/* of a uid, or the number; refresh once before a row of them */
#define NGX_HTTP_PROCMGR_USER_LEN  256

void ngx_http_procmgr_users_refresh(void);
void ngx_http_procmgr_user_name(char dst[NGX_HTTP_PROCMGR_USER_LEN],
    uint32_t uid);

/*
 * The search over all processes of the job's snapshot, which has to have
 * PM_HAVE_CGROUP.  own() keeps what the worker may read and returns the
 * fields to ask the helper for; then its records; then run().
 */

typedef struct ngx_http_procmgr_search_s  ngx_http_procmgr_search_t;

ngx_http_procmgr_search_t *ngx_http_procmgr_search_create(
    ngx_procmgr_job_t *job, const pm_match_t *match);
void ngx_http_procmgr_search_free(ngx_http_procmgr_search_t *search);
unsigned ngx_http_procmgr_search_own(ngx_http_procmgr_search_t *search,
    int proc, const pm_proc_t *p);
void ngx_http_procmgr_search_record(ngx_http_procmgr_search_t *search,
    const pm_wire_head_t *head, const u_char *bytes);
void ngx_http_procmgr_search_run(ngx_http_procmgr_search_t *search);

/* one of them, by its place in the snapshot; this one has no such texts */
unsigned ngx_http_procmgr_search_match(ngx_http_procmgr_search_t *search,
    uint32_t i);
void ngx_http_procmgr_search_none(ngx_http_procmgr_search_t *search,
    const pm_proc_t *p);
/* a text by PM_READ_*, whether it is known */
ngx_uint_t ngx_http_procmgr_search_text(ngx_http_procmgr_search_t *search,
    uint32_t i, ngx_uint_t field, ngx_str_t *text);

/* 0 is no hit */
unsigned ngx_http_procmgr_search_score(ngx_http_procmgr_search_t *search,
    int32_t pid);
/* it stands elsewhere in the answer */
void ngx_http_procmgr_search_shown(ngx_http_procmgr_search_t *search,
    int32_t pid);
/* the hits that do not, the best first; the last call but free() */
void ngx_http_procmgr_search_json(ngx_http_procmgr_search_t *search);


#endif /* _NGX_HTTP_PROCMGR_SYSTEM_H_INCLUDED_ */
