
/*
 * The fields of a process: a table by name, the reading of what stands
 * beyond the snapshot for many processes at once, and their values as JSON.
 * All but the table is for the thread.
 */


#ifndef _NGX_HTTP_PROCMGR_FIELD_H_INCLUDED_
#define _NGX_HTTP_PROCMGR_FIELD_H_INCLUDED_


#include "ngx_http_procmgr_system.h"


/* in the order of the full object, and behind it what only an item has */

typedef enum {
    NGX_HTTP_PROCMGR_F_PID = 0,
    NGX_HTTP_PROCMGR_F_PPID,
    NGX_HTTP_PROCMGR_F_NAME,
    NGX_HTTP_PROCMGR_F_EXE,
    NGX_HTTP_PROCMGR_F_CMDLINE,
    NGX_HTTP_PROCMGR_F_ENVIRON,
    NGX_HTTP_PROCMGR_F_CREATE_TIME,
    NGX_HTTP_PROCMGR_F_STATUS,
    NGX_HTTP_PROCMGR_F_CWD,
    NGX_HTTP_PROCMGR_F_USERNAME,
    NGX_HTTP_PROCMGR_F_NICE,
    NGX_HTTP_PROCMGR_F_IONICE,
    NGX_HTTP_PROCMGR_F_IO_COUNTERS,
    NGX_HTTP_PROCMGR_F_NUM_CTX_SWITCHES,
    NGX_HTTP_PROCMGR_F_NUM_HANDLES,
    NGX_HTTP_PROCMGR_F_NUM_FDS,
    NGX_HTTP_PROCMGR_F_NUM_THREADS,
    NGX_HTTP_PROCMGR_F_THREADS,
    NGX_HTTP_PROCMGR_F_CPU_PERCENT,
    NGX_HTTP_PROCMGR_F_CPU_TIMES,
    NGX_HTTP_PROCMGR_F_CPU_NUM,
    NGX_HTTP_PROCMGR_F_CPU_AFFINITY,
    NGX_HTTP_PROCMGR_F_MEMORY_INFO,
    NGX_HTTP_PROCMGR_F_MEMORY_FULL_INFO,
    NGX_HTTP_PROCMGR_F_MEMORY_PERCENT,
    NGX_HTTP_PROCMGR_F_MEMORY_MAPS,
    NGX_HTTP_PROCMGR_F_OPEN_FILES,
    NGX_HTTP_PROCMGR_F_CONNECTIONS,
    NGX_HTTP_PROCMGR_F_UIDS,
    NGX_HTTP_PROCMGR_F_GIDS,
    NGX_HTTP_PROCMGR_F_TERMINAL,

    NGX_HTTP_PROCMGR_F_FULL,            /* so many are in the full object */

    NGX_HTTP_PROCMGR_F_RLIMIT = NGX_HTTP_PROCMGR_F_FULL,
    NGX_HTTP_PROCMGR_F_CGROUP,
    NGX_HTTP_PROCMGR_F_UNIT,
    NGX_HTTP_PROCMGR_F_IS_RUNNING,
    NGX_HTTP_PROCMGR_F_PARENT,
    NGX_HTTP_PROCMGR_F_PARENTS,
    NGX_HTTP_PROCMGR_F_CHILDREN,

    NGX_HTTP_PROCMGR_F_MAX
} ngx_http_procmgr_field_e;


#define ngx_http_procmgr_bit(f)  (UINT64_C(1) << (f))

#define NGX_HTTP_PROCMGR_FULL_FIELDS                                          \
    (ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_FULL) - 1)


typedef struct {
    const char                      *name;
    unsigned                         want;      /* PM_HAVE_* */
    unsigned                         read;      /* 1 << PM_READ_* */
    unsigned                         zombie:1;  /* 409: a zombie has it not */
} ngx_http_procmgr_field_t;


/* F_MAX of them, by number */
extern const ngx_http_procmgr_field_t  ngx_http_procmgr_fields[];

/* F_MAX when there is none of this name */
ngx_uint_t ngx_http_procmgr_field(const u_char *name, size_t len);

/* the union of what these fields want of the snapshot */
unsigned ngx_http_procmgr_fields_want(uint64_t fields);


typedef struct {                        /* how values are read and written */
    uint64_t                         fields;    /* ngx_http_procmgr_bit() */
    ngx_uint_t                       role;
    ngx_uint_t                       kind;      /* PM_CONN_* of connections */
    unsigned                         object:1;  /* named, not positional */
    unsigned                         values:1;  /* of environ, not names */
    unsigned                         ungrouped:1;       /* memory_maps */
    unsigned                         recursive:1;       /* children */
    unsigned                         human:1;   /* sizes for people, too */
} ngx_http_procmgr_how_t;


typedef struct ngx_http_procmgr_rows_s  ngx_http_procmgr_rows_t;

/*
 * Reads what the fields need beyond the snapshot of n processes of the job's
 * snapshot, in one batch of the helper; what it does not give is `null' and
 * told as partial.  NULL after the job failed.
 */
ngx_http_procmgr_rows_t *ngx_http_procmgr_rows_read(ngx_procmgr_job_t *job,
    const ngx_http_procmgr_how_t *how, const pm_proc_t *const *procs,
    size_t n);
void ngx_http_procmgr_rows_free(ngx_http_procmgr_rows_t *rows);

/* it vanished meanwhile: the row has to be left out */
ngx_uint_t ngx_http_procmgr_row_gone(ngx_http_procmgr_rows_t *rows, size_t i);

/* it has ended, and its parent has not noticed yet */
ngx_uint_t ngx_http_procmgr_row_zombie(ngx_http_procmgr_rows_t *rows,
    size_t i);

/* not permitted, as far as it is known before its value is written */
ngx_uint_t ngx_http_procmgr_row_denied(ngx_http_procmgr_rows_t *rows,
    size_t i, ngx_uint_t field);

/* it lives, and this kernel has not what the field is read from */
ngx_uint_t ngx_http_procmgr_row_lacks(ngx_http_procmgr_rows_t *rows, size_t i,
    ngx_uint_t field);

/* the errno of a read that failed for no right that is missing, or 0 */
int ngx_http_procmgr_row_error(ngx_http_procmgr_rows_t *rows, size_t i);

/*
 * Of a record's error: it was not permitted, or not done in time.  These are
 * no failures of the host: the value is not known.
 */
ngx_uint_t ngx_http_procmgr_read_unknown(int error);

/* the value of one field, appended to the job's JSON */
void ngx_http_procmgr_row_json(ngx_http_procmgr_rows_t *rows, size_t i,
    ngx_uint_t field);

/* the object with all keys of how->fields */
void ngx_http_procmgr_row_object(ngx_http_procmgr_rows_t *rows, size_t i);

/*
 * Arguments as an array, as /proc/<pid>/cmdline has them.  Secrets among them
 * are for administrators: see pm_mask.h.
 */
void ngx_http_procmgr_json_args(pm_json_t *j, ngx_uint_t role,
    const char *data, size_t len);


#endif /* _NGX_HTTP_PROCMGR_FIELD_H_INCLUDED_ */
