
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pm_group.h"
#include "pm_hash.h"
#include "pm_unit.h"


typedef struct {
    pm_group_sum_e  by;
    int             desc;
} pm_group_order_t;


static pm_group_t *pm_groups_get(pm_groups_t *g, const char *key, size_t len);
static int pm_groups_rehash(pm_groups_t *g);
static int pm_group_cmp(const void *a, const void *b, void *order);


int
pm_groups_make(pm_groups_t *g, const pm_snapshot_t *s, pm_group_by_e by,
    const pm_group_smaps_t *smaps)
{
    char              unit[PM_UNIT_LEN];
    size_t            len;
    uint32_t          i;
    pm_group_t       *group;
    const char       *key;
    const pm_proc_t  *p;

    p = pm_snapshot_procs(s);

    for (i = 0; i < s->nprocs; i++, p++) {

        switch (by) {

        case PM_GROUP_USER:
            key = pm_snapshot_str(s, p->username);
            len = p->username.len;
            break;

        case PM_GROUP_UNIT:
            key = unit;
            len = pm_unit_of(unit, pm_snapshot_str(s, p->cgroup),
                             p->cgroup.len);
            break;

        default:
            key = pm_snapshot_str(s, p->name);
            len = p->name.len;
        }

        group = pm_groups_get(g, key, len);
        if (group == NULL) {
            return ENOMEM;
        }

        group->sum[PM_GROUP_PROCESSES]++;
        group->sum[PM_GROUP_THREADS] += p->num_threads;
        group->sum[PM_GROUP_TICKS] += p->utime + p->stime;
        group->sum[PM_GROUP_RSS] += p->rss;
        group->sum[PM_GROUP_VMS] += p->vms;

        if (smaps && smaps[i].known) {
            group->sum[PM_GROUP_PSS] += smaps[i].sums.pss;
            group->sum[PM_GROUP_USS] += smaps[i].sums.uss;
            group->sum[PM_GROUP_SWAP] += smaps[i].sums.swap;

        } else {
            group->unknown++;
        }
    }

    return 0;
}


static pm_group_t *
pm_groups_get(pm_groups_t *g, const char *key, size_t len)
{
    size_t       slot, allocated;
    pm_group_t  *group, *elts;

    /* at most half of the slots are taken */

    if (2 * (g->n + 1) > g->nslots && pm_groups_rehash(g) != 0) {
        return NULL;
    }

    slot = pm_hash(key, len) & (g->nslots - 1);

    while (g->slots[slot]) {

        group = &g->elts[g->slots[slot] - 1];

        if (group->len == len && memcmp(group->key, key, len) == 0) {
            return group;
        }

        slot = (slot + 1) & (g->nslots - 1);
    }

    if (g->n == g->allocated) {

        allocated = g->allocated ? 2 * g->allocated : 64;

        elts = realloc(g->elts, allocated * sizeof(pm_group_t));
        if (elts == NULL) {
            return NULL;
        }

        g->elts = elts;
        g->allocated = allocated;
    }

    group = &g->elts[g->n];

    memset(group, 0, sizeof(pm_group_t));

    group->key = malloc(len + 1);
    if (group->key == NULL) {
        return NULL;
    }

    memcpy(group->key, key, len);
    group->key[len] = '\0';
    group->len = len;

    g->slots[slot] = (uint32_t) ++g->n;

    return group;
}


static int
pm_groups_rehash(pm_groups_t *g)
{
    size_t     i, n, slot;
    uint32_t  *slots;

    n = g->nslots ? 2 * g->nslots : 256;

    slots = calloc(n, sizeof(uint32_t));
    if (slots == NULL) {
        return ENOMEM;
    }

    for (i = 0; i < g->n; i++) {

        slot = pm_hash(g->elts[i].key, g->elts[i].len) & (n - 1);

        while (slots[slot]) {
            slot = (slot + 1) & (n - 1);
        }

        slots[slot] = (uint32_t) (i + 1);
    }

    free(g->slots);

    g->slots = slots;
    g->nslots = n;

    return 0;
}


void
pm_groups_sort(pm_groups_t *g, pm_group_sum_e by, int desc)
{
    pm_group_order_t  order = { by, desc };

    if (g->n > 1) {
        qsort_r(g->elts, g->n, sizeof(pm_group_t), pm_group_cmp, &order);
    }

    /* the slots told the places of before */

    free(g->slots);
    g->slots = NULL;
    g->nslots = 0;
}


static int
pm_group_cmp(const void *a, const void *b, void *data)
{
    const pm_group_t        *x = a, *y = b;
    const pm_group_order_t  *order = data;

    int                      rc;

    if (order->by != PM_GROUP_KEY) {
        rc = (x->sum[order->by] > y->sum[order->by])
             - (x->sum[order->by] < y->sum[order->by]);

        if (rc) {
            return order->desc ? -rc : rc;
        }
    }

    rc = strcmp(x->key, y->key);

    return (order->by == PM_GROUP_KEY && order->desc) ? -rc : rc;
}


void
pm_groups_free(pm_groups_t *g)
{
    size_t  i;

    for (i = 0; i < g->n; i++) {
        free(g->elts[i].key);
    }

    free(g->elts);
    free(g->slots);

    memset(g, 0, sizeof(pm_groups_t));
}
