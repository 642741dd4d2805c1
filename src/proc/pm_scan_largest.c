
/*
 * The processes with the most memory, in two steps: statm of all, which is
 * cheap, then the rest of few.  The others' rows are those of the last scan
 * but for their memory: what was learned of them is not lost to the next.
 */

#include <stdlib.h>
#include <string.h>

#include "pm_scan_part.h"


typedef struct {
    uint64_t  rss;
    uint32_t  row;
} pm_scan_size_t;


static int pm_scan_sizes(pm_scan_t *scan, pm_scan_size_t *sizes);
static int pm_scan_batch(pm_scan_t *scan, uint32_t *rows, size_t n);
static void pm_scan_sift(pm_scan_size_t *heap, size_t n, size_t i);
static int pm_scan_above(const pm_scan_size_t *a, const pm_scan_size_t *b);
static int pm_scan_cmp_row(const void *a, const void *b);


int
pm_scan_largest(pm_scan_t *scan)
{
    int              found, rc;
    size_t           i, n, taken;
    uint32_t         rows[PM_SCAN_LARGEST];
    pm_scan_size_t  *heap;

    heap = malloc((scan->npids + 1) * sizeof(pm_scan_size_t));
    if (heap == NULL) {
        return -1;
    }

    rc = pm_scan_sizes(scan, heap);
    n = pm_scan_snapshot(scan)->nprocs;

    for (i = n / 2; rc == 0 && i-- > 0; /* void */ ) {
        pm_scan_sift(heap, n, i);
    }

    /* in the place of those that end meanwhile come the next */

    for (found = 0; rc == 0 && n && found < PM_SCAN_LARGEST; /* void */ ) {

        taken = 0;

        while (n && taken < (size_t) (PM_SCAN_LARGEST - found)) {
            rows[taken++] = heap[0].row;
            heap[0] = heap[--n];
            pm_scan_sift(heap, n, 0);
        }

        rc = pm_scan_batch(scan, rows, taken);

        if (rc != -1) {
            found += rc;
            rc = 0;
        }
    }

    free(heap);

    return rc;
}


/* a row of each, and its size */

static int
pm_scan_sizes(pm_scan_t *scan, pm_scan_size_t *sizes)
{
    int               rc;
    size_t            i, off;
    uint32_t          n;
    pm_proc_t         p;
    pm_snapshot_t    *s;
    const pm_proc_t  *before;

    n = 0;
    off = scan->used;

    if (pm_scan_grow(scan, scan->npids * sizeof(pm_proc_t)) == -1) {
        return -1;
    }

    scan->used += scan->npids * sizeof(pm_proc_t);

    for (i = 0; i < scan->npids; i++) {

        before = pm_scan_before(scan, scan->pids[i]);

        if (before) {
            p = *before;

        } else {
            memset(&p, 0, sizeof(pm_proc_t));
            p.pid = scan->pids[i];
        }

        p.have = 0;
        p.rss = 0;
        p.cpu_percent = 0;
        p.flags = before ? before->flags & PM_SCAN_UID : 0;

        memset(&p.comm, 0, sizeof(pm_str_t));
        memset(&p.name, 0, sizeof(pm_str_t));
        memset(&p.username, 0, sizeof(pm_str_t));
        memset(&p.cgroup, 0, sizeof(pm_str_t));

        if (before && pm_scan_keep_name(scan, &p, before) == -1) {
            return -1;
        }

        rc = pm_scan_statm(scan, p.pid, &p);

        if (rc == -1) {
            return -1;
        }

        if (rc == 0) {
            continue;
        }

        memcpy(scan->b->data + off + n * sizeof(pm_proc_t), &p,
               sizeof(pm_proc_t));

        sizes[n].rss = p.rss;
        sizes[n].row = n;
        n++;
    }

    memset(scan->b->data + off + n * sizeof(pm_proc_t), 0,
           (scan->npids - n) * sizeof(pm_proc_t));

    s = pm_scan_snapshot(scan);

    s->procs_off = off;
    s->nprocs = n;

    return 0;
}


/* how many of these were there still */

static int
pm_scan_batch(pm_scan_t *scan, uint32_t *rows, size_t n)
{
    int         found, rc;
    size_t      i;
    pm_proc_t   p, *row;

    found = 0;

    /* in the order of the last scan's rows */

    qsort(rows, n, sizeof(uint32_t), pm_scan_cmp_row);

    scan->prev_next = 0;

    for (i = 0; i < n; i++) {

        row = (pm_proc_t *) pm_snapshot_procs(pm_scan_snapshot(scan))
              + rows[i];

        rc = pm_scan_process(scan, row->pid, &p);

        if (rc == -1) {
            return -1;
        }

        if (rc == 0) {
            continue;
        }

        row = (pm_proc_t *) pm_snapshot_procs(pm_scan_snapshot(scan))
              + rows[i];
        *row = p;

        scan->unnamed += pm_scan_unnamed(&p);
        found++;
    }

    return found;
}


/* the largest is the root */

static void
pm_scan_sift(pm_scan_size_t *heap, size_t n, size_t i)
{
    size_t          child;
    pm_scan_size_t  moved;

    for ( ;; ) {

        child = 2 * i + 1;

        if (child >= n) {
            return;
        }

        if (child + 1 < n && pm_scan_above(&heap[child + 1], &heap[child])) {
            child++;
        }

        if (!pm_scan_above(&heap[child], &heap[i])) {
            return;
        }

        moved = heap[i];
        heap[i] = heap[child];
        heap[child] = moved;

        i = child;
    }
}


/* of equal ones the lower pid, as the list has them */

static int
pm_scan_above(const pm_scan_size_t *a, const pm_scan_size_t *b)
{
    return a->rss != b->rss ? a->rss > b->rss : a->row < b->row;
}


static int
pm_scan_cmp_row(const void *a, const void *b)
{
    uint32_t  x, y;

    x = *(const uint32_t *) a;
    y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}
