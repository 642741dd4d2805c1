
/* what a run has cost: as wait4() tells, and its memory while it ran */


#include "helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define HELPER_MEASURE_STEP  100      /* ms */


static uint64_t helper_measure_now(void);


void
helper_measure_start(helper_measure_t *m)
{
    memset(m, 0, sizeof(helper_measure_t));

    m->step = 1;
    m->start = helper_measure_now();
    m->next = helper_now();
}


static uint64_t
helper_measure_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


/* every 100 ms; of a long run every second one, every fourth, ... is kept */

int
helper_measure_sample(helper_measure_t *m, pid_t pid)
{
    char              path[32];
    unsigned          i, v[4];
    uint64_t          now;
    helper_sample_t  *s;

    static const char *const  keys[] = {
        "VmPeak:", "VmSize:", "VmHWM:", "VmRSS:"
    };

    now = helper_now();

    if (now < m->next) {
        return (int) (m->next - now);
    }

    while (m->next <= now) {
        m->next += HELPER_MEASURE_STEP;
    }

    snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);

    if (helper_measure_kb(path, keys, v, 4) != 4) {
        return (int) (m->next - now);
    }

    m->rss_sum += v[3];
    m->size_sum += v[1];

    if (v[0] > m->size_max) {
        m->size_max = v[0];
    }

    if (m->taken++ % m->step == 0) {

        if (m->n == HELPER_SAMPLES) {
            m->n /= 2;
            m->step *= 2;

            for (i = 1; i < m->n; i++) {
                m->sample[i] = m->sample[2 * i];
            }
        }

        s = &m->sample[m->n++];
        s->ms = (unsigned) ((helper_measure_now() - m->start) / 1000);
        s->peak = v[0];
        s->size = v[1];
        s->hwm = v[2];
        s->rss = v[3];
    }

    return (int) (m->next - now);
}


/* how many of the keys have a value in kB there */

unsigned
helper_measure_kb(const char *path, const char *const *keys,
    unsigned *values, unsigned n)
{
    char      buf[8192];
    char     *p;
    unsigned  i;

    buf[0] = '\n';
    (void) helper_proc_read(path, buf + 1, sizeof(buf) - 1);

    for (i = 0; i < n; i++) {
        for (p = strstr(buf, keys[i]); p && p[-1] != '\n';
             p = strstr(p + 1, keys[i]))
        {
            /* void: the end of another key */
        }

        if (p == NULL) {
            break;
        }

        values[i] = (unsigned) strtoul(p + strlen(keys[i]), NULL, 10);
    }

    return i;
}


void
helper_measure_end(helper_measure_t *m, const struct rusage *usage)
{
    m->usage = *usage;
    m->real = helper_measure_now() - m->start;
}
