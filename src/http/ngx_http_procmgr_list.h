
/*
 * Lists of processes: the parameters (list.c), the columns and their values
 * for comparing (list_value.c), the tree (list_tree.c), rates (list_rate.c),
 * the search of the hits (list_make.c) and the answer (list_rows.c).  All but
 * the parameters is in the thread.
 */


#ifndef _NGX_HTTP_PROCMGR_LIST_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_LIST_H_INCLUDED_


#include "ngx_http_procmgr_field.h"
#include "../proc/pm_attr.h"
#include "../proc/pm_conn.h"
#include "../proc/pm_filter.h"
#include "../proc/pm_procfs.h"


#define NGX_HTTP_PROCMGR_LIST_PIDS  64
#define NGX_HTTP_PROCMGR_LIST_PATH  1024
#define NGX_HTTP_PROCMGR_LIST_USER  256
#define NGX_HTTP_PROCMGR_LIST_TEXT                                            \
    (PM_FILTER_LEN + PM_MATCH_LEN + NGX_HTTP_PROCMGR_LIST_PATH                \
     + NGX_HTTP_PROCMGR_LIST_USER)


/* the fields of a process, and behind them what only lists have */

typedef enum {
    NGX_HTTP_PROCMGR_C_IDENTITY = NGX_HTTP_PROCMGR_F_MAX,
    NGX_HTTP_PROCMGR_C_RSS,
    NGX_HTTP_PROCMGR_C_VMS,
    NGX_HTTP_PROCMGR_C_SHARED,
    NGX_HTTP_PROCMGR_C_SWAP,
    NGX_HTTP_PROCMGR_C_READ,
    NGX_HTTP_PROCMGR_C_WRITE,
    NGX_HTTP_PROCMGR_C_DEPTH,
    NGX_HTTP_PROCMGR_C_FILES,
    NGX_HTTP_PROCMGR_C_MAX              /* not above 64 */
} ngx_http_procmgr_column_e;


/* orders that are no column */
#define NGX_HTTP_PROCMGR_BY_PID  NGX_HTTP_PROCMGR_C_MAX


const char *ngx_http_procmgr_column_name(ngx_uint_t column);
/* what comparing it takes of the snapshot */
unsigned ngx_http_procmgr_column_want(ngx_uint_t column);
/* a pm_filter_find_pt */
int ngx_http_procmgr_column_find(const char *name, size_t len,
    pm_filter_type_e *type);


typedef struct {
    uint16_t                         off;
    uint16_t                         len;       /* 0 is not given */
} ngx_http_procmgr_span_t;


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    int64_t                          offset;
    int64_t                          limit;
    int32_t                          pids[NGX_HTTP_PROCMGR_LIST_PIDS];
    u_char                           npids;
    u_char                           cols[NGX_HTTP_PROCMGR_C_MAX];
    u_char                           ncols;
    u_char                           sort;
    u_char                           desc;
    u_char                           tree;
    u_char                           object;
    u_char                           status;    /* 1 is the first, 0 any */
    ngx_http_procmgr_span_t          user;
    ngx_http_procmgr_span_t          name;
    ngx_http_procmgr_span_t          filter;
    ngx_http_procmgr_span_t          open;
    uint16_t                         len;       /* of the text */
    u_char                           text[NGX_HTTP_PROCMGR_LIST_TEXT];
} ngx_http_procmgr_list_args_t;


extern const char *const  ngx_http_procmgr_list_states[];


/* in place of a number */
#define NGX_HTTP_PROCMGR_UNKNOWN  -1
#define NGX_HTTP_PROCMGR_GONE     -2


typedef struct {                        /* one for each of the snapshot's */
    const pm_proc_t                 *proc;
    int64_t                          files;
    int64_t                          fds;
    int64_t                          swap;
    double                           read;      /* bytes a second */
    double                           write;
    pm_io_t                          io;
    double                           key;       /* of the order */
    uint32_t                         score;
    int32_t                          parent;    /* its index, or -1 */
    uint32_t                         depth;
    unsigned                         hit:1;
    unsigned                         shown:1;   /* or brought by a hit */
    unsigned                         known:1;   /* key is */
    unsigned                         io_known:1;
    unsigned                         fds_known:1;       /* open files are */
    unsigned                         opened:1;
} ngx_http_procmgr_cand_t;


typedef struct {
    ngx_procmgr_job_t                   *job;
    const ngx_http_procmgr_list_args_t  *args;
    ngx_http_procmgr_cand_t             *cands;
    uint32_t                             n;
    uint32_t                            *order; /* those that are shown, */
    uint32_t                             norder;
    uint32_t                             nspare;    /* and next behind them */
    pm_filter_t                          filter;
    pm_match_t                           match;
    pm_fd_walk_t                         walk;
    pm_ttys_t                            ttys;
    pm_buf_t                             file;
    ngx_http_procmgr_search_t           *texts;
    pm_filter_type_e                     sort_type;
    double                               total; /* memory, bytes */
    unsigned                             counted:1;     /* descriptors, one */
                                                        /* by one */
} ngx_http_procmgr_list_t;


/* what comparing it takes of the helper */
unsigned ngx_http_procmgr_column_read(const ngx_http_procmgr_list_t *list,
    ngx_uint_t column);


/* a value is text in the list, or in buf */
#define NGX_HTTP_PROCMGR_VALUE_LEN  4096

void ngx_http_procmgr_list_value(ngx_http_procmgr_list_t *list, uint32_t i,
    unsigned column, char buf[NGX_HTTP_PROCMGR_VALUE_LEN],
    pm_filter_value_t *value);

/* what the columns take, read for these n candidates */
void ngx_http_procmgr_list_read(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n, uint64_t columns, unsigned reads);
/* whether one of these reads, 1 << PM_READ_*, was answered */
ngx_uint_t ngx_http_procmgr_list_known(ngx_http_procmgr_list_t *list,
    uint32_t i, unsigned read);

/* parents and depths; ancestors of what is shown; children under parents */
void ngx_http_procmgr_list_depths(ngx_http_procmgr_list_t *list);
void ngx_http_procmgr_list_ancestors(ngx_http_procmgr_list_t *list);
/* list->order is in the order of siblings: NGX_ERROR is no memory */
ngx_int_t ngx_http_procmgr_list_nest(ngx_http_procmgr_list_t *list);

/* read and write of those candidates whose io is known */
void ngx_http_procmgr_list_rates(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n);


/* tells which of the columns are not whole for these n candidates */
void ngx_http_procmgr_list_partial(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n, uint64_t columns);
/* bits of what is shown */
uint64_t ngx_http_procmgr_list_columns(
    const ngx_http_procmgr_list_args_t *args);
void ngx_http_procmgr_list_rows(ngx_http_procmgr_list_t *list);


void ngx_http_procmgr_make_list(ngx_procmgr_job_t *job);


#endif /* _NGX_HTTP_PROCMGR_LIST_H_INCLUDED_ */
