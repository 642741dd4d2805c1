
/*
 * Parents and children of a process, from one snapshot, so that they are of
 * one moment.  Start times tell kin from a later owner of the number.
 */

#include "ngx_http_procmgr_row.h"


/* of a line of parents: more than that is a circle */
#define NGX_HTTP_PROCMGR_LINE  65536

#define NGX_HTTP_PROCMGR_KIN_UNKNOWN  0
#define NGX_HTTP_PROCMGR_KIN_NO       1
#define NGX_HTTP_PROCMGR_KIN_YES      2


static const pm_proc_t *ngx_http_procmgr_parent(const pm_snapshot_t *s,
    const pm_proc_t *p);
static void ngx_http_procmgr_json_relative(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_json_children(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p);
static void ngx_http_procmgr_kin_mark(const pm_snapshot_t *s, u_char *marks,
    const pm_proc_t *child);


void
ngx_http_procmgr_json_kin(ngx_http_procmgr_rows_t *rows, const pm_proc_t *p,
    ngx_uint_t field)
{
    pm_json_t   *j;
    ngx_uint_t   n;

    j = &rows->job->json;

    switch (field) {

    case NGX_HTTP_PROCMGR_F_PARENT:
        p = ngx_http_procmgr_parent(rows->job->snapshot, p);

        if (p) {
            ngx_http_procmgr_json_relative(rows, p);

        } else {
            pm_json_null(j);
        }

        return;

    case NGX_HTTP_PROCMGR_F_PARENTS:
        pm_json_array(j);

        for (n = 0; n < NGX_HTTP_PROCMGR_LINE; n++) {

            p = ngx_http_procmgr_parent(rows->job->snapshot, p);

            if (p == NULL) {
                break;
            }

            ngx_http_procmgr_json_relative(rows, p);
        }

        pm_json_array_end(j);
        return;

    case NGX_HTTP_PROCMGR_F_CHILDREN:
        ngx_http_procmgr_json_children(rows, p);
        return;

    default:
        pm_json_null(j);
    }
}


static const pm_proc_t *
ngx_http_procmgr_parent(const pm_snapshot_t *s, const pm_proc_t *p)
{
    const pm_proc_t  *parent;

    if (p->ppid <= 0) {
        return NULL;
    }

    parent = pm_snapshot_find(s, p->ppid);

    return (parent && parent->starttime <= p->starttime) ? parent : NULL;
}


double
ngx_http_procmgr_create_time(const pm_snapshot_t *s, const pm_proc_t *p)
{
    /* in psutil's order: the last digit depends on it */

    return (double) p->starttime / s->ticks_per_second + (double) s->btime;
}


static void
ngx_http_procmgr_json_relative(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p)
{
    pm_json_t  *j;

    j = &rows->job->json;

    ngx_http_procmgr_entry(rows, j);
    ngx_http_procmgr_entry_u64(rows, j, "pid", (uint64_t) p->pid);
    ngx_http_procmgr_entry_key(rows, j, "name");
    ngx_http_procmgr_json_name(rows->job, p);
    ngx_http_procmgr_entry_key(rows, j, "create_time");
    pm_json_double(j, ngx_http_procmgr_create_time(rows->job->snapshot, p));
    ngx_http_procmgr_entry_end(rows, j);
}


/* by pid; each process of the line is looked at once */

static void
ngx_http_procmgr_json_children(ngx_http_procmgr_rows_t *rows,
    const pm_proc_t *p)
{
    u_char               *marks;
    uint32_t              i;
    pm_json_t            *j;
    const pm_proc_t      *all;
    const pm_snapshot_t  *s;

    j = &rows->job->json;
    s = rows->job->snapshot;
    all = pm_snapshot_procs(s);

    marks = NULL;

    if (rows->how.recursive) {

        marks = ngx_calloc(s->nprocs + 1, rows->job->log);
        if (marks == NULL) {
            ngx_http_procmgr_syscall_failed(rows->job, "malloc", ENOMEM);
            return;
        }

        marks[p - all] = NGX_HTTP_PROCMGR_KIN_YES;
    }

    pm_json_array(j);

    for (i = 0; i < s->nprocs; i++) {

        if (&all[i] == p) {
            continue;
        }

        if (marks) {
            ngx_http_procmgr_kin_mark(s, marks, &all[i]);

            if (marks[i] != NGX_HTTP_PROCMGR_KIN_YES) {
                continue;
            }

        } else if (ngx_http_procmgr_parent(s, &all[i]) != p) {
            continue;
        }

        ngx_http_procmgr_json_relative(rows, &all[i]);
    }

    pm_json_array_end(j);

    ngx_free(marks);
}


/* up to the first of the line that is known, and down with what it says */

static void
ngx_http_procmgr_kin_mark(const pm_snapshot_t *s, u_char *marks,
    const pm_proc_t *child)
{
    u_char            mark;
    ngx_uint_t        n;
    const pm_proc_t  *all, *p;

    all = pm_snapshot_procs(s);
    mark = NGX_HTTP_PROCMGR_KIN_NO;

    for (p = child, n = 0; p && n < NGX_HTTP_PROCMGR_LINE; n++) {

        if (marks[p - all] != NGX_HTTP_PROCMGR_KIN_UNKNOWN) {
            mark = marks[p - all];
            break;
        }

        p = ngx_http_procmgr_parent(s, p);
    }

    for (p = child, n = 0; p && n < NGX_HTTP_PROCMGR_LINE; n++) {

        if (marks[p - all] != NGX_HTTP_PROCMGR_KIN_UNKNOWN) {
            break;
        }

        marks[p - all] = mark;
        p = ngx_http_procmgr_parent(s, p);
    }
}
