
/* what a run has cost: as wait4() tells, and its memory while it ran */


#include "helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define HELPER_MEASURE_STEP  100      /* ms */


static uint64_t helper_measure_now(void);
static unsigned helper_measure_kb(const char *path, const char *const *keys,
    unsigned *values, unsigned n);


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

static unsigned
helper_measure_kb(const char *path, const char *const *keys,
    unsigned *values, unsigned n)
{
    int       fd;
    char      buf[8192];
    char     *p;
    ssize_t   len;
    unsigned  i;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    buf[0] = '\n';
    len = read(fd, buf + 1, sizeof(buf) - 2);
    close(fd);

    buf[len > 0 ? len + 1 : 1] = '\0';

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


void
helper_measure_records(const helper_measure_t *m)
{
    int       n;
    char      line[80];
    unsigned  i;

    for (i = 0; i < m->n; i++) {
        n = snprintf(line, sizeof(line), "%u %u %u %u %u", m->sample[i].ms,
                     m->sample[i].peak, m->sample[i].size, m->sample[i].hwm,
                     m->sample[i].rss);

        helper_io_record(0, 0, 0, line, (size_t) n);
    }
}


void
helper_measure_text(const helper_measure_t *m, const helper_run_t *run,
    pm_wire_text_t *t)
{
    unsigned              host[3];
    const struct rusage  *u;

    static const char *const  keys[] = {
        "MemTotal:", "MemAvailable:", "MemFree:"
    };

    u = &m->usage;

    /* as a shell has it in $? */

    pm_wire_addi(t, "usage_retval", run->signal ? 128 + run->signal
                                                : run->exit_code);
    pm_wire_addu(t, "usage_real_us", m->real);
    pm_wire_addi(t, "usage_user_us", u->ru_utime.tv_sec * INT64_C(1000000)
                                     + u->ru_utime.tv_usec);
    pm_wire_addi(t, "usage_sys_us", u->ru_stime.tv_sec * INT64_C(1000000)
                                    + u->ru_stime.tv_usec);
    pm_wire_addi(t, "usage_maxrss_kb", u->ru_maxrss);

    if (m->taken) {
        pm_wire_addu(t, "usage_avgrss_kb", m->rss_sum / m->taken);
        pm_wire_addu(t, "usage_maxvsize_kb", m->size_max);
        pm_wire_addu(t, "usage_avgvsize_kb", m->size_sum / m->taken);
    }

    pm_wire_addi(t, "usage_minflt", u->ru_minflt);
    pm_wire_addi(t, "usage_majflt", u->ru_majflt);
    pm_wire_addi(t, "usage_nvcsw", u->ru_nvcsw);
    pm_wire_addi(t, "usage_nivcsw", u->ru_nivcsw);
    pm_wire_addi(t, "usage_inblock", u->ru_inblock);
    pm_wire_addi(t, "usage_oublock", u->ru_oublock);

    if (helper_measure_kb("/proc/meminfo", keys, host, 3) == 3) {
        pm_wire_addu(t, "usage_host_total_kb", host[0]);
        pm_wire_addu(t, "usage_host_available_kb", host[1]);
        pm_wire_addu(t, "usage_host_free_kb", host[2]);
    }
}
