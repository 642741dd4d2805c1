
/*
 * The tree of processes.  A parent is who is named so and is not younger: a
 * number that was given again is none.
 */

#include "ngx_http_procmgr_list.h"


#define NGX_HTTP_PROCMGR_NONE  -1
#define NGX_HTTP_PROCMGR_OPEN  UINT32_MAX       /* a depth not yet known */
#define NGX_HTTP_PROCMGR_PATH  (UINT32_MAX - 1) /* on the way up */


void
ngx_http_procmgr_list_depths(ngx_http_procmgr_list_t *list)
{
    int32_t                   k, next;
    uint32_t                  i, depth;
    const pm_proc_t          *p, *parent, *first;
    const pm_snapshot_t      *s;
    ngx_http_procmgr_cand_t  *c;

    c = list->cands;
    s = list->job->snapshot;
    first = pm_snapshot_procs(s);

    for (i = 0; i < list->n; i++) {
        p = c[i].proc;

        c[i].parent = NGX_HTTP_PROCMGR_NONE;
        c[i].depth = NGX_HTTP_PROCMGR_OPEN;

        if (p->ppid <= 0 || p->ppid == p->pid) {
            continue;
        }

        parent = pm_snapshot_find(s, p->ppid);

        if (parent && parent->starttime <= p->starttime) {
            c[i].parent = (int32_t) (parent - first);
        }
    }

    for (i = 0; i < list->n; i++) {

        /* up to one whose depth is known, and down again */

        depth = 0;

        for (k = (int32_t) i; k != NGX_HTTP_PROCMGR_NONE; k = c[k].parent) {

            if (c[k].depth < NGX_HTTP_PROCMGR_PATH) {
                depth += c[k].depth + 1;
                break;
            }

            c[k].depth = NGX_HTTP_PROCMGR_PATH;

            next = c[k].parent;

            if (next != NGX_HTTP_PROCMGR_NONE
                && c[next].depth == NGX_HTTP_PROCMGR_PATH)
            {
                /* the numbers of a scan that took long may make a ring */

                c[k].parent = NGX_HTTP_PROCMGR_NONE;
            }

            depth++;
        }

        for (k = (int32_t) i;
             k != NGX_HTTP_PROCMGR_NONE
             && c[k].depth == NGX_HTTP_PROCMGR_PATH;
             k = c[k].parent)
        {
            c[k].depth = --depth;
        }
    }
}


void
ngx_http_procmgr_list_ancestors(ngx_http_procmgr_list_t *list)
{
    int32_t                   k;
    uint32_t                  i, n;
    ngx_http_procmgr_cand_t  *c;

    c = list->cands;
    n = list->norder;

    for (i = 0; i < n; i++) {

        for (k = c[list->order[i]].parent;
             k != NGX_HTTP_PROCMGR_NONE && !c[k].shown;
             k = c[k].parent)
        {
            c[k].shown = 1;
            list->order[list->norder++] = (uint32_t) k;
        }
    }
}


ngx_int_t
ngx_http_procmgr_list_nest(ngx_http_procmgr_list_t *list)
{
    int32_t                  *first, *next, *head, k;
    uint32_t                  i, n;
    ngx_http_procmgr_cand_t  *c;

    c = list->cands;

    /* the first child and the next sibling of each; behind all, the roots */

    first = ngx_alloc(2 * ((size_t) list->n + 1) * sizeof(int32_t),
                      list->job->log);
    if (first == NULL) {
        return NGX_ERROR;
    }

    next = first + list->n + 1;

    for (i = 0; i <= list->n; i++) {
        first[i] = NGX_HTTP_PROCMGR_NONE;
    }

    for (i = list->norder; i-- > 0; /* void */ ) {
        k = (int32_t) list->order[i];

        head = (c[k].parent == NGX_HTTP_PROCMGR_NONE)
               ? &first[list->n] : &first[c[k].parent];

        next[k] = *head;
        *head = k;
    }

    n = 0;
    k = first[list->n];

    while (k != NGX_HTTP_PROCMGR_NONE) {

        list->order[n++] = (uint32_t) k;

        if (first[k] != NGX_HTTP_PROCMGR_NONE) {
            k = first[k];
            continue;
        }

        while (k != NGX_HTTP_PROCMGR_NONE
               && next[k] == NGX_HTTP_PROCMGR_NONE)
        {
            k = c[k].parent;
        }

        if (k != NGX_HTTP_PROCMGR_NONE) {
            k = next[k];
        }
    }

    list->norder = n;

    ngx_free(first);

    return NGX_OK;
}
