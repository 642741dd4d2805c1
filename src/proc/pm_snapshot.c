
#include "pm_scan_part.h"


static int pm_snapshot_within(const pm_snapshot_t *s, const pm_str_t *str);


int
pm_snapshot_valid(const pm_snapshot_t *s, size_t size)
{
    int32_t           last;
    uint32_t          i;
    const pm_proc_t  *p;

    if (s == NULL || size < sizeof(pm_snapshot_t)
        || s->magic != PM_SCAN_MAGIC
        || s->layout != sizeof(pm_snapshot_t)
        || s->size != size
        || s->cpus_off % sizeof(uint64_t) || s->procs_off % sizeof(uint64_t)
        || s->cpus_off < sizeof(pm_snapshot_t) || s->cpus_off > size
        || s->procs_off < sizeof(pm_snapshot_t) || s->procs_off > size
        || s->ncpus > (size - s->cpus_off) / sizeof(pm_cpu_t)
        || s->nprocs > (size - s->procs_off) / sizeof(pm_proc_t)
        || s->ticks_per_second == 0)
    {
        return 0;
    }

    p = pm_snapshot_procs(s);
    last = 0;

    for (i = 0; i < s->nprocs; i++, p++) {

        if (p->pid <= last
            || !pm_snapshot_within(s, &p->comm)
            || !pm_snapshot_within(s, &p->name)
            || !pm_snapshot_within(s, &p->username)
            || !pm_snapshot_within(s, &p->cgroup))
        {
            return 0;
        }

        last = p->pid;
    }

    return 1;
}


const pm_proc_t *
pm_snapshot_find(const pm_snapshot_t *s, int32_t pid)
{
    uint32_t          low, high, middle;
    const pm_proc_t  *procs;

    procs = pm_snapshot_procs(s);
    low = 0;
    high = s->nprocs;

    while (low < high) {

        middle = low + (high - low) / 2;

        if (procs[middle].pid < pid) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low < s->nprocs && procs[low].pid == pid ? &procs[low] : NULL;
}


static int
pm_snapshot_within(const pm_snapshot_t *s, const pm_str_t *str)
{
    return str->off <= s->size && str->len <= s->size - str->off;
}
