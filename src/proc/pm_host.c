
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_host.h"
#include "pm_parse.h"


typedef struct {
    const char  *key;
    size_t       len;
    size_t       offset;
} pm_host_line_t;


#define pm_host_line(key, field)                                              \
    { key ":", sizeof(key), offsetof(pm_memory_t, field) }


static const char *pm_host_ticks(const char *p, const char *end,
    pm_cpu_ticks_t *t);
static int pm_host_average(const char *p, const char *end, pm_pressure_t *v);
static double pm_host_part(uint64_t part, uint64_t total, double share);


static const pm_host_line_t  pm_host_meminfo[] = {
    pm_host_line("MemTotal", total),
    pm_host_line("MemFree", free),
    pm_host_line("MemAvailable", available),
    pm_host_line("Buffers", buffers),
    pm_host_line("Cached", cached),
    pm_host_line("SwapCached", swap_cached),
    pm_host_line("Active", active),
    pm_host_line("Inactive", inactive),
    pm_host_line("SwapTotal", swap_total),
    pm_host_line("SwapFree", swap_free),
    pm_host_line("Shmem", shmem),
    pm_host_line("Slab", slab),
    pm_host_line("SReclaimable", sreclaimable),
    { NULL, 0, 0 }
};


int
pm_host_parse_stat(const char *buf, size_t len, pm_cpu_ticks_t *all,
    pm_cpu_t *cpus, size_t max, uint32_t *ncpus, uint64_t *btime)
{
    int              seen;
    uint32_t         n;
    uint64_t         number;
    const char      *p, *v, *end;
    pm_cpu_ticks_t   t;

    enum { CPU = 1, BTIME = 2, ALL = 3 };

    seen = 0;
    n = 0;
    end = buf + len;

    for (p = buf; p < end; p = pm_parse_line(p, end)) {

        v = pm_parse_key(p, end, "cpu");

        if (v) {
            if (v < end && *v == ' ') {

                if (pm_host_ticks(v, end, all) == NULL) {
                    return -1;
                }

                seen |= CPU;
                continue;
            }

            v = pm_parse_u64(v, end, &number);

            if (v == NULL || pm_host_ticks(v, end, &t) == NULL) {
                return -1;
            }

            if (n < max) {
                cpus[n].ticks = t;
            }

            n++;
            continue;
        }

        v = pm_parse_key(p, end, "btime ");

        if (v) {
            v = pm_parse_u64(v, end, btime);

            if (v == NULL || v == end) {
                return -1;
            }

            seen |= BTIME;
        }
    }

    *ncpus = n;

    return seen == ALL ? 0 : -1;
}


int
pm_host_parse_meminfo(const char *buf, size_t len, pm_memory_t *m)
{
    int                    total;
    uint64_t               number;
    const char            *p, *v, *end;
    const pm_host_line_t  *line;

    memset(m, 0, sizeof(pm_memory_t));

    total = 0;
    end = buf + len;

    for (p = buf; p < end; p = pm_parse_line(p, end)) {

        for (line = pm_host_meminfo; line->key; line++) {

            v = pm_parse_word(p, end, line->key, line->len);

            if (v == NULL) {
                continue;
            }

            v = pm_parse_u64(pm_parse_blanks(v, end), end, &number);

            if (v == NULL || v == end) {
                return -1;
            }

            memcpy((char *) m + line->offset, &number, sizeof(uint64_t));

            total |= (line->offset == offsetof(pm_memory_t, total));
            break;
        }
    }

    return total ? 0 : -1;
}


int
pm_host_parse_loadavg(const char *buf, size_t len, double load[3])
{
    int          i;
    double       v[3];
    const char  *p, *end;

    p = buf;
    end = buf + len;

    for (i = 0; i < 3; i++) {

        p = pm_parse_decimal(p, end, &v[i]);

        if (p == NULL || p == end || *p != ' ') {
            return -1;
        }

        p++;
    }

    memcpy(load, v, sizeof(v));

    return 0;
}


int
pm_host_parse_uptime(const char *buf, size_t len, double *uptime)
{
    double       v;
    const char  *p, *end;

    end = buf + len;

    p = pm_parse_decimal(buf, end, &v);

    if (p == NULL || p == end || *p != ' ') {
        return -1;
    }

    *uptime = v;

    return 0;
}


int
pm_host_parse_pressure(const char *buf, size_t len, pm_pressure_t *some,
    pm_pressure_t *all, int *full)
{
    int          found;
    const char  *p, *v, *end;

    found = 0;
    *full = 0;
    end = buf + len;

    for (p = buf; p < end; p = pm_parse_line(p, end)) {

        v = pm_parse_key(p, end, "some ");

        if (v) {
            if (pm_host_average(v, end, some) == -1) {
                return -1;
            }

            found = 1;
            continue;
        }

        v = pm_parse_key(p, end, "full ");

        if (v) {
            if (pm_host_average(v, end, all) == -1) {
                return -1;
            }

            *full = 1;
        }
    }

    return found ? 0 : -1;
}


int
pm_host_cpu_percent(const pm_cpu_ticks_t *before, const pm_cpu_ticks_t *now,
    pm_cpu_percent_t *percent)
{
    int              i, largest;
    double           rest[8];
    uint64_t         total, delta[8];
    unsigned         sum, tenths[8];
    pm_cpu_ticks_t   zero;

    if (before == NULL) {
        memset(&zero, 0, sizeof(pm_cpu_ticks_t));
        before = &zero;
    }

    /*
     * The kernel adds guest to user and guest_nice to nice; idle and iowait
     * may go back a little.
     */

#define pm_host_delta(field)                                                  \
    (now->field > before->field ? now->field - before->field : 0)

    delta[0] = pm_host_delta(user);
    delta[1] = pm_host_delta(system);
    delta[2] = pm_host_delta(nice);
    delta[3] = pm_host_delta(idle);
    delta[4] = pm_host_delta(iowait);
    delta[5] = pm_host_delta(irq);
    delta[6] = pm_host_delta(softirq);
    delta[7] = pm_host_delta(steal);

    total = 0;

    for (i = 0; i < 8; i++) {
        total += delta[i];
    }

    if (total == 0) {
        return -1;
    }

    /* what rounding down leaves goes to the largest remainders */

    sum = 0;

    for (i = 0; i < 8; i++) {
        rest[i] = (double) delta[i] / (double) total * 1000;
        tenths[i] = rest[i];
        rest[i] -= tenths[i];
        sum += tenths[i];
    }

    while (sum < 1000) {

        largest = 0;

        for (i = 1; i < 8; i++) {
            if (rest[i] > rest[largest]) {
                largest = i;
            }
        }

        rest[largest] = -1;
        tenths[largest]++;
        sum++;
    }

    percent->us = tenths[0] / 10.0;
    percent->sy = tenths[1] / 10.0;
    percent->ni = tenths[2] / 10.0;
    percent->id = tenths[3] / 10.0;
    percent->wa = tenths[4] / 10.0;
    percent->hi = tenths[5] / 10.0;
    percent->si = tenths[6] / 10.0;
    percent->st = tenths[7] / 10.0;

    percent->guest = pm_host_part(pm_host_delta(guest), total, percent->us);
    percent->guest_nice = pm_host_part(pm_host_delta(guest_nice), total,
                                       percent->ni);

    return 0;
}


/* of one of the shares, in tenths that do not pass it */

static double
pm_host_part(uint64_t part, uint64_t total, double share)
{
    double  percent;

    percent = (unsigned) ((double) part / (double) total * 1000) / 10.0;

    return percent > share ? share : percent;
}


/* user nice system idle and, in kernels that have them, six more */

static const char *
pm_host_ticks(const char *p, const char *end, pm_cpu_ticks_t *t)
{
    int       i;
    uint64_t  v[10];

    for (i = 0; i < 10; i++) {
        v[i] = 0;

        p = pm_parse_blanks(p, end);

        if (i >= 4 && p < end && *p == '\n') {
            continue;
        }

        p = pm_parse_u64(p, end, &v[i]);

        if (p == NULL || p == end) {
            return NULL;
        }
    }

    t->user = v[0];
    t->nice = v[1];
    t->system = v[2];
    t->idle = v[3];
    t->iowait = v[4];
    t->irq = v[5];
    t->softirq = v[6];
    t->steal = v[7];
    t->guest = v[8];
    t->guest_nice = v[9];

    return p;
}


static int
pm_host_average(const char *p, const char *end, pm_pressure_t *v)
{
    pm_pressure_t  t;

    if ((p = pm_parse_key(p, end, "avg10=")) == NULL
        || (p = pm_parse_decimal(p, end, &t.avg10)) == NULL
        || (p = pm_parse_key(p, end, " avg60=")) == NULL
        || (p = pm_parse_decimal(p, end, &t.avg60)) == NULL
        || (p = pm_parse_key(p, end, " avg300=")) == NULL
        || (p = pm_parse_decimal(p, end, &t.avg300)) == NULL
        || (p = pm_parse_key(p, end, " total=")) == NULL
        || (p = pm_parse_u64(p, end, &t.total)) == NULL
        || p == end)
    {
        return -1;
    }

    *v = t;

    return 0;
}
