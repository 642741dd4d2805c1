
/*
 * The facts of /system/info: small files and system calls, read when asked.
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>

#include "pm_fact.h"
#include "pm_parse.h"
#include "pm_who.h"


#define PM_FACT_FILE  (1024 * 1024)


typedef int (*pm_fact_pt)(pm_fact_t *f);


static int pm_fact_os_type(pm_fact_t *f);
static int pm_fact_os_version(pm_fact_t *f);
static int pm_fact_hostname(pm_fact_t *f);
static int pm_fact_kernel(pm_fact_t *f);
static int pm_fact_architecture(pm_fact_t *f);
static int pm_fact_boot_time(pm_fact_t *f);
static int pm_fact_uptime(pm_fact_t *f);
static int pm_fact_timezone(pm_fact_t *f);
static int pm_fact_cpu_model(pm_fact_t *f);
static int pm_fact_cpu_count(pm_fact_t *f);
static int pm_fact_load(pm_fact_t *f);
static int pm_fact_users(pm_fact_t *f);
static int pm_fact_memory_total(pm_fact_t *f);

static int pm_fact_release(pm_fact_t *f, const char *key);
static int pm_fact_stat(pm_fact_t *f, uint32_t *ncpus, uint64_t *btime);


const pm_host_fact_t  pm_host_facts[] = {
    { "os_type", PM_FACT_TEXT },
    { "os_version", PM_FACT_TEXT },
    { "hostname", PM_FACT_TEXT },
    { "kernel", PM_FACT_TEXT },
    { "architecture", PM_FACT_TEXT },
    { "boot_time", PM_FACT_NUMBER },
    { "uptime", PM_FACT_NUMBER },
    { "timezone", PM_FACT_TEXT },
    { "cpu_model", PM_FACT_TEXT },
    { "cpu_count", PM_FACT_NUMBER },
    { "load", PM_FACT_TEXT },
    { "users", PM_FACT_NUMBER },
    { "virtualization", PM_FACT_TEXT },
    { "memory_total", PM_FACT_NUMBER },
    { "schedule", PM_FACT_NUMBER },
    { NULL, PM_FACT_TEXT }
};


static const pm_fact_pt  pm_fact_handlers[] = {
    pm_fact_os_type,
    pm_fact_os_version,
    pm_fact_hostname,
    pm_fact_kernel,
    pm_fact_architecture,
    pm_fact_boot_time,
    pm_fact_uptime,
    pm_fact_timezone,
    pm_fact_cpu_model,
    pm_fact_cpu_count,
    pm_fact_load,
    pm_fact_users,
    pm_fact_virtualization,
    pm_fact_memory_total,
    pm_fact_schedule
};


int
pm_host_fact(const char *name, char *buf, size_t size)
{
    return pm_host_fact_at("/", name, buf, size);
}


int
pm_host_fact_at(const char *root, const char *name, char *buf, size_t size)
{
    int         rc;
    size_t      i;
    pm_fact_t   f;

    if (size == 0) {
        return EINVAL;
    }

    buf[0] = '\0';

    for (i = 0; pm_host_facts[i].name; i++) {

        if (strcmp(pm_host_facts[i].name, name) != 0) {
            continue;
        }

        f.out = buf;
        f.size = size;
        f.path = root;
        f.live = (strcmp(root, "/") == 0);

        f.root = pm_procfs_open(root);
        if (f.root == -1) {
            return errno;
        }

        rc = pm_fact_handlers[i](&f);

        close(f.root);

        return rc;
    }

    return EINVAL;
}


static int
pm_fact_os_type(pm_fact_t *f)
{
    return pm_fact_first_line(f, "proc/sys/kernel/ostype");
}


static int
pm_fact_os_version(pm_fact_t *f)
{
    int  rc;

    rc = pm_fact_release(f, "PRETTY_NAME");

    if (rc == ENODATA) {
        rc = pm_fact_release(f, "NAME");
    }

    return rc;
}


static int
pm_fact_hostname(pm_fact_t *f)
{
    struct utsname  u;

    if (!f->live) {
        return pm_fact_first_line(f, "proc/sys/kernel/hostname");
    }

    if (uname(&u) == -1) {
        return errno;
    }

    return pm_fact_set(f, u.nodename, strlen(u.nodename));
}


static int
pm_fact_kernel(pm_fact_t *f)
{
    return pm_fact_first_line(f, "proc/sys/kernel/osrelease");
}


static int
pm_fact_architecture(pm_fact_t *f)
{
    struct utsname  u;

    if (uname(&u) == -1) {
        return errno;
    }

    return pm_fact_set(f, u.machine, strlen(u.machine));
}


static int
pm_fact_boot_time(pm_fact_t *f)
{
    int       rc;
    uint32_t  ncpus;
    uint64_t  btime;

    rc = pm_fact_stat(f, &ncpus, &btime);

    if (rc == 0) {
        snprintf(f->out, f->size, "%llu", (unsigned long long) btime);
    }

    return rc;
}


static int
pm_fact_uptime(pm_fact_t *f)
{
    int          rc;
    char        *p;
    double       uptime;
    ssize_t      n;
    pm_buf_t     buf = { NULL, 0 };

    n = pm_fact_read(f, "proc/uptime", &buf);

    if (n == -1) {
        rc = errno;

    } else if (pm_host_parse_uptime(buf.data, n, &uptime) == -1) {
        rc = ENODATA;

    } else {
        p = memchr(buf.data, ' ', n);
        rc = pm_fact_set(f, buf.data, p - buf.data);
    }

    pm_buf_free(&buf);

    return rc;
}


static int
pm_fact_timezone(pm_fact_t *f)
{
    char     link[512], *p;
    ssize_t  n;

    n = pm_procfs_readlink(f->root, "etc/localtime", link, sizeof(link));

    if (n > 0) {
        p = strstr(link, "zoneinfo/");

        if (p) {
            p += sizeof("zoneinfo/") - 1;
            return pm_fact_set(f, p, strlen(p));
        }
    }

    return pm_fact_first_line(f, "etc/timezone");
}


static int
pm_fact_cpu_model(pm_fact_t *f)
{
    size_t               i;
    int                  rc;
    static const char   *keys[] = {
        "model name", "Model", "cpu model", "Hardware", "machine",
        "Processor", NULL
    };

    rc = ENODATA;

    for (i = 0; keys[i]; i++) {

        rc = pm_fact_cpuinfo(f, keys[i]);

        if (rc != ENODATA) {
            break;
        }
    }

    return rc;
}


static int
pm_fact_cpu_count(pm_fact_t *f)
{
    int       rc;
    uint32_t  ncpus;
    uint64_t  btime;

    rc = pm_fact_stat(f, &ncpus, &btime);

    if (rc == 0) {
        snprintf(f->out, f->size, "%u", (unsigned) ncpus);
    }

    return rc;
}


static int
pm_fact_load(pm_fact_t *f)
{
    int       i, rc;
    char     *p;
    double    load[3];
    ssize_t   n;
    pm_buf_t  buf = { NULL, 0 };

    n = pm_fact_read(f, "proc/loadavg", &buf);

    if (n == -1) {
        rc = errno;

    } else if (pm_host_parse_loadavg(buf.data, n, load) == -1) {
        rc = ENODATA;

    } else {
        p = buf.data;

        for (i = 0; i < 3; i++) {
            p = strchr(p, ' ') + 1;
        }

        rc = pm_fact_set(f, buf.data, p - buf.data - 1);
    }

    pm_buf_free(&buf);

    return rc;
}


/* sessions, as uptime(1) counts its users */

static int
pm_fact_users(pm_fact_t *f)
{
    int        rc;
    size_t     n;
    pm_who_t  *who;

    rc = pm_who_read(f->root, &who, &n);

    if (rc) {
        return rc;
    }

    free(who);

    snprintf(f->out, f->size, "%zu", n);

    return 0;
}


static int
pm_fact_memory_total(pm_fact_t *f)
{
    int          rc;
    ssize_t      n;
    pm_buf_t     buf = { NULL, 0 };
    pm_memory_t  m;

    n = pm_fact_read(f, "proc/meminfo", &buf);

    if (n == -1) {
        rc = errno;

    } else if (pm_host_parse_meminfo(buf.data, n, &m) == -1) {
        rc = ENODATA;

    } else {
        snprintf(f->out, f->size, "%llu",
                 (unsigned long long) m.total * 1024);
        rc = 0;
    }

    pm_buf_free(&buf);

    return rc;
}


ssize_t
pm_fact_read(pm_fact_t *f, const char *path, pm_buf_t *buf)
{
    return pm_procfs_read_all(f->root, path, buf, PM_FACT_FILE);
}


int
pm_fact_set(pm_fact_t *f, const char *data, size_t len)
{
    while (len && (data[len - 1] == ' ' || data[len - 1] == '\t')) {
        len--;
    }

    if (len == 0) {
        return ENODATA;
    }

    if (len >= f->size) {
        len = f->size - 1;
    }

    memcpy(f->out, data, len);
    f->out[len] = '\0';

    return 0;
}


int
pm_fact_first_line(pm_fact_t *f, const char *path)
{
    int       rc;
    ssize_t   n;
    pm_buf_t  buf = { NULL, 0 };

    n = pm_fact_read(f, path, &buf);

    if (n == -1) {
        rc = errno;

    } else {
        rc = pm_fact_set(f, buf.data, strcspn(buf.data, "\n"));
    }

    pm_buf_free(&buf);

    return rc;
}


/* os-release: KEY=value, 'value' or "value" with \ before " $ ` \ */

static int
pm_fact_release(pm_fact_t *f, const char *key)
{
    int          rc;
    char         quote, value[256];
    size_t       len, n;
    ssize_t      size;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p, *v, *end;

    size = pm_fact_read(f, "etc/os-release", &buf);

    if (size == -1 && errno == ENOENT) {
        size = pm_fact_read(f, "usr/lib/os-release", &buf);
    }

    if (size == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    rc = ENODATA;
    len = strlen(key);
    end = buf.data + size;

    for (p = buf.data; p < end; p = pm_parse_line(p, end)) {

        v = pm_parse_word(p, end, key, len);

        if (v == NULL || v == end || *v != '=') {
            continue;
        }

        v++;
        n = 0;
        quote = '\0';

        if (v < end && (*v == '"' || *v == '\'')) {
            quote = *v++;
        }

        for ( /* void */ ; v < end && *v != '\n' && *v; v++) {

            if (quote ? *v == quote : (*v == ' ' || *v == '\t')) {
                break;
            }

            if (*v == '\\' && quote != '\'' && v + 1 < end && v[1] != '\n') {
                v++;
            }

            if (n < sizeof(value)) {
                value[n++] = *v;
            }
        }

        rc = pm_fact_set(f, value, n);         /* the last one counts */
    }

    pm_buf_free(&buf);

    return rc;
}


static int
pm_fact_stat(pm_fact_t *f, uint32_t *ncpus, uint64_t *btime)
{
    int              rc;
    ssize_t          n;
    pm_buf_t         buf = { NULL, 0 };
    pm_cpu_ticks_t   all;

    *ncpus = 0;
    *btime = 0;

    n = pm_fact_read(f, "proc/stat", &buf);

    if (n == -1) {
        rc = errno;

    } else if (pm_host_parse_stat(buf.data, n, &all, NULL, 0, ncpus, btime)
               == -1)
    {
        rc = ENODATA;

    } else {
        rc = 0;
    }

    pm_buf_free(&buf);

    return rc;
}


int
pm_fact_cpuinfo(pm_fact_t *f, const char *key)
{
    int          rc;
    size_t       len;
    ssize_t      n;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p, *v, *end;

    n = pm_procfs_read_all(f->root, "proc/cpuinfo", &buf, 16 * PM_FACT_FILE);

    if (n == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    rc = ENODATA;
    len = strlen(key);
    end = buf.data + n;

    for (p = buf.data; p < end; p = pm_parse_line(p, end)) {

        v = pm_parse_word(p, end, key, len);

        if (v == NULL) {
            continue;
        }

        v = pm_parse_blanks(v, end);

        if (v == end || *v != ':') {
            continue;
        }

        v = pm_parse_blanks(v + 1, end);

        rc = pm_fact_set(f, v, strcspn(v, "\n"));
        break;
    }

    pm_buf_free(&buf);

    return rc;
}
