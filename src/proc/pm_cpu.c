
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_cpu.h"
#include "pm_parse.h"
#include "pm_procfs.h"


#define PM_CPU_FILE     (16 * 1024 * 1024)
#define PM_CPU_MAX      65536
#define PM_CPU_SOCKETS  1024


static size_t pm_cpu_info_freqs(int root, pm_cpu_freq_t *freqs, size_t max);
static size_t pm_cpu_policies(int root, const char *folder,
    const char *prefix, const char *suffix, unsigned *ids, size_t max);
static int pm_cpu_khz(int root, const char *folder, const char *prefix,
    unsigned id, const char *suffix, double *mhz, const char *file);
static unsigned pm_cpu_cores_sys(int root, const char *file);
static unsigned pm_cpu_cores_info(int root);
static int pm_cpu_cmp(const void *a, const void *b);


int
pm_cpu_parse_stats(const char *buf, size_t len, pm_cpu_stats_t *s)
{
    size_t       i;
    unsigned     seen;
    uint64_t    *value;
    const char  *p, *v, *end;

    static const struct {
        const char  *key;
        size_t       offset;
    } keys[] = {
        { "ctxt ", offsetof(pm_cpu_stats_t, ctx_switches) },
        { "intr ", offsetof(pm_cpu_stats_t, interrupts) },
        { "softirq ", offsetof(pm_cpu_stats_t, soft_interrupts) }
    };

    seen = 0;
    end = buf + len;

    for (p = buf; p < end; p = pm_parse_line(p, end)) {

        for (i = 0; i < 3; i++) {

            v = pm_parse_word(p, end, keys[i].key, strlen(keys[i].key));

            if (v == NULL) {
                continue;
            }

            value = (uint64_t *) ((char *) s + keys[i].offset);

            if (pm_parse_u64(v, end, value) == NULL) {
                return -1;
            }

            seen |= 1u << i;
        }
    }

    return seen == 7 ? 0 : -1;
}


int
pm_cpu_stats(int root, pm_cpu_stats_t *s)
{
    int       rc;
    ssize_t   n;
    pm_buf_t  buf = { NULL, 0 };

    n = pm_procfs_read_all(root, "proc/stat", &buf, PM_CPU_FILE);

    if (n == -1) {
        rc = errno;

    } else {
        rc = pm_cpu_parse_stats(buf.data, n, s) == -1 ? ENODATA : 0;
    }

    pm_buf_free(&buf);

    return rc;
}


/*
 * The limits are those of cpufreq; the frequency of now is cpuinfo's where
 * it has one for each of them, because reading cpufreq's may cost 10 ms.
 */

int
pm_cpu_freqs(int root, pm_cpu_freq_t **freqs, size_t *n)
{
    size_t          i, nids, ninfo;
    unsigned       *ids;
    const char     *folder, *prefix, *suffix;
    pm_cpu_freq_t  *f;

    *n = 0;
    *freqs = NULL;

    f = malloc(PM_CPU_MAX * sizeof(pm_cpu_freq_t));
    ids = malloc(PM_CPU_MAX * sizeof(unsigned));

    if (f == NULL || ids == NULL) {
        free(f);
        free(ids);
        return ENOMEM;
    }

    folder = "sys/devices/system/cpu/cpufreq";
    prefix = "policy";
    suffix = "";

    nids = pm_cpu_policies(root, folder, prefix, suffix, ids, PM_CPU_MAX);

    if (nids == 0) {
        folder = "sys/devices/system/cpu";
        prefix = "cpu";
        suffix = "/cpufreq";

        nids = pm_cpu_policies(root, folder, prefix, suffix, ids,
                               PM_CPU_MAX);
    }

    ninfo = pm_cpu_info_freqs(root, f, PM_CPU_MAX);

    for (i = 0; i < nids; i++) {

        if (ninfo != nids
            && pm_cpu_khz(root, folder, prefix, ids[i], suffix,
                          &f[i].current, "scaling_cur_freq")
               == -1)
        {
            (void) pm_cpu_khz(root, folder, prefix, ids[i], suffix,
                              &f[i].current, "cpuinfo_cur_freq");
        }

        (void) pm_cpu_khz(root, folder, prefix, ids[i], suffix,
                          &f[i].min, "scaling_min_freq");
        (void) pm_cpu_khz(root, folder, prefix, ids[i], suffix,
                          &f[i].max, "scaling_max_freq");
    }

    free(ids);

    *n = nids ? nids : ninfo;

    if (*n == 0) {
        free(f);
        return ENOENT;
    }

    *freqs = realloc(f, *n * sizeof(pm_cpu_freq_t));

    if (*freqs == NULL) {
        *freqs = f;
    }

    return 0;
}


void
pm_cpu_freq_mean(const pm_cpu_freq_t *freqs, size_t n, pm_cpu_freq_t *mean)
{
    size_t  i;

    memset(mean, 0, sizeof(pm_cpu_freq_t));

#define pm_cpu_add(field)                                                     \
    if (freqs[i].field < 0 || mean->field < 0) {                              \
        mean->field = PM_CPU_UNKNOWN;                                         \
                                                                              \
    } else {                                                                  \
        mean->field += freqs[i].field / (double) n;                           \
    }

    for (i = 0; i < n; i++) {
        pm_cpu_add(current)
        pm_cpu_add(min)
        pm_cpu_add(max)
    }
}


unsigned
pm_cpu_cores(int root)
{
    unsigned  n;

    n = pm_cpu_cores_sys(root, "core_cpus_list");

    if (n == 0) {
        n = pm_cpu_cores_sys(root, "thread_siblings_list");
    }

    return n ? n : pm_cpu_cores_info(root);
}


/* "cpu MHz : 2596.134" of each section */

static size_t
pm_cpu_info_freqs(int root, pm_cpu_freq_t *freqs, size_t max)
{
    size_t       n;
    double       mhz;
    ssize_t      len;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p, *v, *end;

    n = 0;

    len = pm_procfs_read_all(root, "proc/cpuinfo", &buf, PM_CPU_FILE);

    if (len == -1) {
        len = 0;
    }

    end = buf.data + len;

    for (p = buf.data; p < end && n < max; p = pm_parse_line(p, end)) {

        v = pm_parse_key(p, end, "cpu MHz");

        if (v == NULL) {
            continue;
        }

        v = pm_parse_blanks(v, end);

        if (v < end && *v == ':'
            && pm_parse_decimal(pm_parse_blanks(v + 1, end), end, &mhz))
        {
            freqs[n].current = mhz;
            freqs[n].min = PM_CPU_UNKNOWN;
            freqs[n].max = PM_CPU_UNKNOWN;
            n++;
        }
    }

    pm_buf_free(&buf);

    return n;
}


static size_t
pm_cpu_policies(int root, const char *folder, const char *prefix,
    const char *suffix, unsigned *ids, size_t max)
{
    int             fd;
    DIR            *dir;
    char            path[300];
    size_t          n, len;
    uint64_t        id;
    const char     *p, *end;
    struct dirent  *entry;

    fd = openat(root, folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return 0;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        close(fd);
        return 0;
    }

    n = 0;
    len = strlen(prefix);

    while (n < max && (entry = readdir(dir)) != NULL) {

        end = entry->d_name + strlen(entry->d_name);

        p = pm_parse_word(entry->d_name, end, prefix, len);

        if (p == NULL || pm_parse_u64(p, end, &id) != end
            || id > UINT32_MAX)
        {
            continue;
        }

        snprintf(path, sizeof(path), "%s%s", entry->d_name, suffix);

        if (faccessat(fd, path, F_OK, 0) == 0) {
            ids[n++] = id;
        }
    }

    closedir(dir);

    qsort(ids, n, sizeof(unsigned), pm_cpu_cmp);

    return n;
}


static int
pm_cpu_khz(int root, const char *folder, const char *prefix, unsigned id,
    const char *suffix, double *mhz, const char *file)
{
    char      path[256], buf[64];
    ssize_t   n;
    uint64_t  khz;

    snprintf(path, sizeof(path), "%s/%s%u%s/%s", folder, prefix, id, suffix,
             file);

    n = pm_procfs_read(root, path, buf, sizeof(buf));

    if (n == -1 || pm_parse_u64(buf, buf + n, &khz) == NULL) {
        *mhz = PM_CPU_UNKNOWN;
        return -1;
    }

    *mhz = (double) khz / 1000;

    return 0;
}


/* each list of siblings belongs to one core: its first one counts */

static unsigned
pm_cpu_cores_sys(int root, const char *file)
{
    char       path[128], buf[4096];
    size_t     i, nids;
    ssize_t    n;
    unsigned   cores, *ids;
    uint64_t   first;

    ids = malloc(PM_CPU_MAX * sizeof(unsigned));
    if (ids == NULL) {
        return 0;
    }

    cores = 0;

    nids = pm_cpu_policies(root, "sys/devices/system/cpu", "cpu",
                           "/topology", ids, PM_CPU_MAX);

    for (i = 0; i < nids; i++) {

        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/topology/"
                 "%s", ids[i], file);

        n = pm_procfs_read(root, path, buf, sizeof(buf));

        if (n > 0 && pm_parse_u64(buf, buf + n, &first)
            && first == ids[i])
        {
            cores++;
        }
    }

    free(ids);

    return cores;
}


static unsigned
pm_cpu_cores_info(int root)
{
    size_t       i, n;
    ssize_t      len;
    uint64_t     socket[PM_CPU_SOCKETS], cores[PM_CPU_SOCKETS], id, number;
    unsigned     have, sum;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p, *v, *end;

    n = 0;
    id = 0;
    sum = 0;
    have = 0;

    memset(cores, 0, sizeof(cores));

    len = pm_procfs_read_all(root, "proc/cpuinfo", &buf, PM_CPU_FILE);

    if (len == -1) {
        len = 0;
    }

    end = buf.data + len;

    for (p = buf.data; p < end; p = pm_parse_line(p, end)) {

        if (*p == '\n') {
            have = 0;
            continue;
        }

        v = pm_parse_key(p, end, "physical id\t: ");

        if (v && pm_parse_u64(v, end, &id)) {
            have = 1;
            continue;
        }

        v = pm_parse_key(p, end, "cpu cores\t: ");

        if (v == NULL || !have || pm_parse_u64(v, end, &number) == NULL) {
            continue;
        }

        for (i = 0; i < n && socket[i] != id; i++) { /* void */ }

        if (i < PM_CPU_SOCKETS) {
            socket[i] = id;
            cores[i] = number;
            n += (i == n);
        }
    }

    pm_buf_free(&buf);

    for (i = 0; i < n; i++) {
        sum += cores[i];
    }

    return sum;
}


static int
pm_cpu_cmp(const void *a, const void *b)
{
    unsigned  x, y;

    x = *(const unsigned *) a;
    y = *(const unsigned *) b;

    return (x > y) - (x < y);
}
