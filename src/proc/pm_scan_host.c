
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pm_host.h"
#include "pm_scan_part.h"


static int pm_scan_cpus(pm_scan_t *scan, const char *text, size_t len);
static void pm_scan_pressure(pm_scan_t *scan);


int
pm_scan_host(pm_scan_t *scan)
{
    int             i;
    ssize_t         n;
    pm_snapshot_t  *s;

    for (i = 0; i < PM_SYS_CPU; i++) {

        n = pm_procfs_reread(scan->sys[i], &scan->file, PM_SCAN_FILE);

        if (n == -1) {
            return -1;
        }

        s = pm_scan_snapshot(scan);

        switch (i) {

        case PM_SYS_STAT:
            if (pm_scan_cpus(scan, scan->file.data, n) == -1) {
                return -1;
            }

            continue;

        case PM_SYS_MEMINFO:
            if (pm_host_parse_meminfo(scan->file.data, n, &s->memory) == 0) {
                continue;
            }

            break;

        case PM_SYS_LOADAVG:
            if (pm_host_parse_loadavg(scan->file.data, n, s->load) == 0) {
                continue;
            }

            break;

        case PM_SYS_UPTIME:
            if (pm_host_parse_uptime(scan->file.data, n, &s->uptime) == 0) {
                continue;
            }

            break;
        }

        errno = EBADMSG;
        return -1;
    }

    pm_scan_pressure(scan);

    return 0;
}


static int
pm_scan_cpus(pm_scan_t *scan, const char *text, size_t len)
{
    size_t                 room;
    uint32_t               i, n;
    pm_cpu_t              *cpus;
    const pm_cpu_t        *before;
    pm_snapshot_t         *s;
    const pm_snapshot_t   *prev;

    room = scan->prev ? scan->prev->ncpus : sysconf(_SC_NPROCESSORS_CONF);

    for ( ;; ) {

        if (pm_scan_grow(scan, room * sizeof(pm_cpu_t)) == -1) {
            return -1;
        }

        s = pm_scan_snapshot(scan);
        cpus = (pm_cpu_t *) (scan->b->data + scan->used);

        memset(cpus, 0, room * sizeof(pm_cpu_t));

        if (pm_host_parse_stat(text, len, &s->cpu.ticks, cpus, room, &n,
                               &s->btime)
            == -1)
        {
            errno = EBADMSG;
            return -1;
        }

        if (n <= room) {
            break;
        }

        room = n;
    }

    s->ncpus = n;
    s->cpus_off = scan->used;

    scan->used += n * sizeof(pm_cpu_t);

    prev = scan->prev;

    if (pm_host_cpu_percent(prev ? &prev->cpu.ticks : NULL, &s->cpu.ticks,
                            &s->cpu.percent)
        == -1)
    {
        /* not a tick passed */

        if (prev) {
            s->cpu.percent = prev->cpu.percent;

        } else {
            s->cpu.percent.id = 100;
        }
    }

    /* a CPU that came or went moves the others */

    before = (prev && prev->ncpus == n) ? pm_snapshot_cpus(prev) : NULL;

    for (i = 0; i < n; i++) {

        if (pm_host_cpu_percent(before ? &before[i].ticks : NULL,
                                &cpus[i].ticks, &cpus[i].percent)
            == -1)
        {
            if (before) {
                cpus[i].percent = before[i].percent;

            } else {
                cpus[i].percent.id = 100;
            }
        }
    }

    return 0;
}


static void
pm_scan_pressure(pm_scan_t *scan)
{
    int             i, full;
    ssize_t         n;
    pm_snapshot_t  *s;

    s = pm_scan_snapshot(scan);

    for (i = 0; i < 3; i++) {

        if (scan->sys[PM_SYS_CPU + i] == -1) {
            continue;
        }

        n = pm_procfs_reread(scan->sys[PM_SYS_CPU + i], &scan->file,
                             PM_SCAN_FILE);

        if (n == -1
            || pm_host_parse_pressure(scan->file.data, n,
                                      &s->pressure_some[i],
                                      &s->pressure_full[i], &full)
               == -1)
        {
            continue;
        }

        s->have_pressure |= PM_PRESSURE_SOME << i;

        if (full) {
            s->have_pressure |= PM_PRESSURE_FULL << i;
        }
    }
}
