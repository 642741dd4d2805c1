
/*
 * The inside of ngx_http_procmgr_field.h: what is read of a process beyond
 * the snapshot, and how it becomes JSON.
 */


#ifndef _NGX_HTTP_PROCMGR_ROW_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_ROW_H_INCLUDED_


#include "ngx_http_procmgr_field.h"
#include "../proc/pm_attr.h"
#include "../proc/pm_conn.h"
#include "../proc/pm_map.h"
#include "../proc/pm_part.h"
#include "../proc/pm_procfs.h"


/* values that are written as the helper's records come */

typedef enum {
    NGX_HTTP_PROCMGR_PART_EXE = 0,
    NGX_HTTP_PROCMGR_PART_CWD,
    NGX_HTTP_PROCMGR_PART_CMDLINE,
    NGX_HTTP_PROCMGR_PART_ENVIRON,
    NGX_HTTP_PROCMGR_PART_IO,
    NGX_HTTP_PROCMGR_PART_MAPS,
    NGX_HTTP_PROCMGR_PART_FILES,
    NGX_HTTP_PROCMGR_PART_CONNS,
    NGX_HTTP_PROCMGR_PARTS
} ngx_http_procmgr_part_e;


typedef struct {
    const pm_proc_t                *proc;
    uint32_t                        asked;      /* 1 << PM_READ_* */
    uint32_t                        have;       /* they came, and are whole */
    uint32_t                        none;       /* ENOENT or ESRCH came */
    uint32_t                        lacks;      /* ENOENT */
    uint16_t                        error;      /* of a call that failed */
    uint32_t                        fds;
    pm_smaps_t                      sums;
    pm_part_t                       part[NGX_HTTP_PROCMGR_PARTS];
    unsigned                        gone:1;
    unsigned                        zombie:1;
    unsigned                        cut:1;      /* connections */
} ngx_http_procmgr_row_t;


typedef struct {                        /* of one row, read when it is due */
    ssize_t                         row;        /* -1: of none */
    int                             ionice_error;
    unsigned                        ioclass;
    unsigned                        iovalue;
    int                             affinity_error;
    int                             threads_error;
    int                             fds_error;
    uint64_t                        fds;
} ngx_http_procmgr_now_t;


struct ngx_http_procmgr_rows_s {
    ngx_procmgr_job_t              *job;
    ngx_http_procmgr_how_t          how;
    ngx_http_procmgr_row_t         *rows;
    size_t                          n;
    ngx_http_procmgr_row_t        **index;      /* by pid */
    ngx_http_procmgr_row_t         *last;       /* a record came for */
    pm_fd_walk_t                    walk;
    pm_json_t                       store;      /* of the parts */

    ngx_http_procmgr_now_t          now;
    pm_threads_t                    threads;
    pm_cpuset_t                     cpus;
    pm_ttys_t                       ttys;
    pm_maps_t                       maps;
    pm_buf_t                        vars;       /* of one environment */
    pm_buf_t                        file;

    pm_conns_t                      conns;
    pm_conns_t                     *others;
    ngx_uint_t                      nothers;

    unsigned                        conns_read:1;
    unsigned                        ttys_read:1;
    unsigned                        counted:1;  /* descriptors, by folder */
};


/* a record of the helper, as values in the store */
void ngx_http_procmgr_row_record(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t field, const char *data,
    size_t len);

/* what stands in rows->now; the row may be gone then */
void ngx_http_procmgr_row_now(ngx_http_procmgr_rows_t *rows, size_t i);

/* psutil's tuples: an object where names are asked for, else an array */
void ngx_http_procmgr_entry(ngx_http_procmgr_rows_t *rows, pm_json_t *j);
void ngx_http_procmgr_entry_end(ngx_http_procmgr_rows_t *rows, pm_json_t *j);
void ngx_http_procmgr_entry_key(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key);
void ngx_http_procmgr_entry_u64(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key, uint64_t v);
/* bytes: with their form for people where that is asked for */
void ngx_http_procmgr_entry_size(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key, uint64_t v);


/* the kin of a process, from the snapshot */
void ngx_http_procmgr_json_kin(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p, ngx_uint_t field);
double ngx_http_procmgr_create_time(const pm_snapshot_t *s,
    const pm_proc_t *p);


#endif /* _NGX_HTTP_PROCMGR_ROW_H_INCLUDED_ */
