
/* /system/disk and /system/sensors, in the thread */


#include "ngx_http_procmgr_host.h"
#include "../core/ngx_procmgr_net.h"
#include "../proc/pm_human.h"
#include "../proc/pm_sensor.h"


#define NGX_HTTP_PROCMGR_DISK_TIMEOUT  1000


static ngx_int_t ngx_http_procmgr_disk_path(ngx_procmgr_job_t *job,
    const pm_mounts_t *m, pm_disk_usage_t *usage);
static void ngx_http_procmgr_disk_partitions(ngx_procmgr_job_t *job,
    const pm_mounts_t *m);
static void ngx_http_procmgr_disk_usage(ngx_procmgr_job_t *job,
    const pm_mounts_t *m);
static ngx_uint_t ngx_http_procmgr_disk_shown(ngx_procmgr_job_t *job,
    const pm_mount_t *mount);
static void ngx_http_procmgr_disk_usage_one(ngx_procmgr_job_t *job,
    const pm_disk_usage_t *u);
static void ngx_http_procmgr_disk_io(ngx_procmgr_job_t *job, int root);
static void ngx_http_procmgr_disk_io_one(ngx_procmgr_job_t *job,
    const pm_disk_io_t *io);
static void ngx_http_procmgr_sensor_temps(ngx_procmgr_job_t *job,
    const pm_temp_t *t, size_t n);
static void ngx_http_procmgr_sensor_degrees(ngx_procmgr_job_t *job,
    const char *key, double celsius);
static void ngx_http_procmgr_sensor_fans(ngx_procmgr_job_t *job,
    const pm_fan_t *f, size_t n);
static void ngx_http_procmgr_sensor_battery(ngx_procmgr_job_t *job, int root);


void
ngx_http_procmgr_make_disk(ngx_procmgr_job_t *job)
{
    int                                  rc, root;
    pm_json_t                           *j;
    pm_mounts_t                          mounts;
    pm_disk_usage_t                      usage;
    const ngx_http_procmgr_host_args_t  *args;

    j = &job->json;
    args = job->args;

    root = pm_procfs_open("/");

    if (root == -1) {
        ngx_http_procmgr_syscall_failed(job, "open", errno);
        return;
    }

    rc = pm_mounts_read(root, &mounts);

    if (rc) {
        ngx_http_procmgr_syscall_failed(job, "read", rc);
        close(root);
        return;
    }

    if (args->path[0] != '\0'
        && ngx_http_procmgr_disk_path(job, &mounts, &usage) != NGX_OK)
    {
        goto done;
    }

    pm_json_object(j);

    pm_json_key(j, "partitions");
    ngx_http_procmgr_disk_partitions(job, &mounts);

    pm_json_key(j, "usage");

    if (args->path[0] != '\0') {
        ngx_http_procmgr_disk_usage_one(job, &usage);

    } else {
        ngx_http_procmgr_disk_usage(job, &mounts);
    }

    pm_json_key(j, "io");
    ngx_http_procmgr_disk_io(job, root);

    pm_json_object_end(j);

done:

    pm_mounts_free(&mounts);
    close(root);
}


static ngx_int_t
ngx_http_procmgr_disk_path(ngx_procmgr_job_t *job, const pm_mounts_t *m,
    pm_disk_usage_t *usage)
{
    int                                  rc;
    const char                          *path, *word;
    const pm_mount_t                    *mount;
    const ngx_http_procmgr_host_args_t  *args;

    args = job->args;
    path = args->path;

    mount = pm_mounts_find(m, path);

    if (mount == NULL || !mount->local) {
        ngx_procmgr_job_fail(job, NGX_HTTP_BAD_REQUEST, "bad_parameter",
                             "\"path\" is \"%.128s\", allowed is one on a "
                             "local file system", path);
        return NGX_DECLINED;
    }

    rc = pm_disk_usages(&path, 1, NGX_HTTP_PROCMGR_DISK_TIMEOUT, usage);

    if (rc == 0) {
        rc = usage->error;
    }

    switch (rc) {

    case 0:
        return NGX_OK;

    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_FOUND, "not_found",
                             "there is no path \"%.128s\"", path);
        return NGX_DECLINED;

    case EACCES:
        ngx_procmgr_job_fail(job, NGX_HTTP_FORBIDDEN, "access_denied",
                             "the path \"%.128s\" may not be read", path);
        return NGX_DECLINED;

    default:
        word = strerrorname_np(rc);
        ngx_procmgr_job_fail(job, NGX_HTTP_INTERNAL_SERVER_ERROR,
                             "system_call_failed", "statfs failed: %s",
                             word ? word : "unknown error");
        return NGX_DECLINED;
    }
}


static void
ngx_http_procmgr_disk_partitions(ngx_procmgr_job_t *job,
    const pm_mounts_t *m)
{
    size_t             i;
    const pm_mount_t  *p;

    pm_json_array(&job->json);

    for (i = 0; i < m->n; i++) {
        p = &m->elts[i];

        if (!ngx_http_procmgr_disk_shown(job, p)) {
            continue;
        }

        ngx_http_procmgr_tuple(job);
        ngx_http_procmgr_tuple_str(job, "device", p->device);
        ngx_http_procmgr_tuple_str(job, "mountpoint", p->mountpoint);
        ngx_http_procmgr_tuple_str(job, "fstype", p->fstype);
        ngx_http_procmgr_tuple_str(job, "opts", p->opts);
        ngx_http_procmgr_tuple_end(job);
    }

    pm_json_array_end(&job->json);
}


/* by mount point; null where it may not be asked or did not answer */

static void
ngx_http_procmgr_disk_usage(ngx_procmgr_job_t *job, const pm_mounts_t *m)
{
    int                rc;
    size_t             i, k, n;
    const char       **paths;
    pm_disk_usage_t   *usages, *u;
    const pm_mount_t  *p;

    paths = ngx_calloc((m->n + 1) * sizeof(char *), job->log);
    usages = ngx_calloc((m->n + 1) * sizeof(pm_disk_usage_t), job->log);

    if (paths == NULL || usages == NULL) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        goto done;
    }

    n = 0;

    for (i = 0; i < m->n; i++) {
        if (m->elts[i].local
            && ngx_http_procmgr_disk_shown(job, &m->elts[i]))
        {
            paths[n++] = m->elts[i].mountpoint;
        }
    }

    rc = pm_disk_usages(paths, n, NGX_HTTP_PROCMGR_DISK_TIMEOUT, usages);

    pm_json_object(&job->json);

    for (i = 0, k = 0; i < m->n; i++) {
        p = &m->elts[i];

        if (!ngx_http_procmgr_disk_shown(job, p)) {
            continue;
        }

        u = p->local ? &usages[k++] : NULL;

        /* one that lies below another cannot be seen: the later one is */

        if (pm_mounts_find(m, p->mountpoint) != p) {
            continue;
        }

        pm_json_key_n(&job->json, p->mountpoint, ngx_strlen(p->mountpoint));

        if (rc || u == NULL || u->error) {
            ngx_http_procmgr_partial(job, "usage");
            pm_json_null(&job->json);

        } else {
            ngx_http_procmgr_disk_usage_one(job, u);
        }
    }

    pm_json_object_end(&job->json);

done:

    ngx_free(paths);
    ngx_free(usages);
}


static ngx_uint_t
ngx_http_procmgr_disk_shown(ngx_procmgr_job_t *job, const pm_mount_t *mount)
{
    const ngx_http_procmgr_host_args_t  *args = job->args;

    return args->all || mount->physical;
}


static void
ngx_http_procmgr_disk_usage_one(ngx_procmgr_job_t *job,
    const pm_disk_usage_t *u)
{
    ngx_http_procmgr_tuple(job);
    ngx_http_procmgr_tuple_size(job, "total", u->total);
    ngx_http_procmgr_tuple_size(job, "used", u->used);
    ngx_http_procmgr_tuple_size(job, "free", u->free);
    ngx_http_procmgr_tuple_fixed(job, "percent", u->percent, 1);
    ngx_http_procmgr_tuple_end(job);
}


static void
ngx_http_procmgr_disk_io(ngx_procmgr_job_t *job, int root)
{
    size_t                               i, n;
    pm_json_t                           *j;
    ngx_uint_t                           full;
    pm_disk_io_t                        *io, sum;
    const ngx_http_procmgr_host_args_t  *args;

    j = &job->json;
    args = job->args;

    if (ngx_procmgr_disk_io(job->pm, root, &io, &n, args->nowrap, &full)
        != 0)
    {
        ngx_http_procmgr_partial(job, "io");
        pm_json_null(j);
        return;
    }

    /* there are more of them than can be remembered */

    if (full) {
        ngx_http_procmgr_partial(job, "io");
    }

    if (args->perdisk) {
        pm_json_object(j);

        for (i = 0; i < n; i++) {
            pm_json_key_n(j, io[i].name, ngx_strlen(io[i].name));
            ngx_http_procmgr_disk_io_one(job, &io[i]);
        }

        pm_json_object_end(j);

    } else if (n == 0) {
        pm_json_null(j);

    } else {
        pm_disk_io_sum(io, n, &sum);
        ngx_http_procmgr_disk_io_one(job, &sum);
    }

    free(io);
}


static void
ngx_http_procmgr_disk_io_one(ngx_procmgr_job_t *job, const pm_disk_io_t *io)
{
    size_t  i;

    ngx_http_procmgr_tuple(job);

    for (i = 0; i < PM_DISK_FIELDS; i++) {

        if (i == PM_DISK_READ_BYTES || i == PM_DISK_WRITE_BYTES) {
            ngx_http_procmgr_tuple_size(job, pm_disk_fields[i],
                                        io->value[i]);

        } else {
            ngx_http_procmgr_tuple_count(job, pm_disk_fields[i],
                                         io->value[i]);
        }
    }

    ngx_http_procmgr_tuple_end(job);
}


void
ngx_http_procmgr_make_sensors(ngx_procmgr_job_t *job)
{
    int         rc, root;
    size_t      ntemps, nfans;
    pm_fan_t   *fans;
    pm_json_t  *j;
    pm_temp_t  *temps;

    j = &job->json;

    root = pm_procfs_open("/");

    if (root == -1) {
        ngx_http_procmgr_syscall_failed(job, "open", errno);
        return;
    }

    temps = NULL;
    fans = NULL;

    rc = pm_sensor_temps(root, &temps, &ntemps);

    if (rc == 0) {
        rc = pm_sensor_fans(root, &fans, &nfans);
    }

    if (rc) {
        ngx_http_procmgr_syscall_failed(job, "read", rc);

    } else {
        pm_json_object(j);

        pm_json_key(j, "temperatures");
        ngx_http_procmgr_sensor_temps(job, temps, ntemps);

        pm_json_key(j, "fans");
        ngx_http_procmgr_sensor_fans(job, fans, nfans);

        pm_json_key(j, "battery");
        ngx_http_procmgr_sensor_battery(job, root);

        pm_json_object_end(j);
    }

    free(temps);
    free(fans);
    close(root);
}


/* two chips of one name are one list: a key stands once */

static void
ngx_http_procmgr_sensor_temps(ngx_procmgr_job_t *job, const pm_temp_t *t,
    size_t n)
{
    size_t      i, k;
    double      high, critical;
    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);

    for (i = 0; i < n; i++) {

        for (k = 0; k < i && ngx_strcmp(t[k].chip, t[i].chip) != 0; k++) {
            /* void */
        }

        if (k < i) {
            continue;
        }

        pm_json_key_n(j, t[i].chip, ngx_strlen(t[i].chip));
        pm_json_array(j);

        for (k = i; k < n; k++) {

            if (ngx_strcmp(t[k].chip, t[i].chip) != 0) {
                continue;
            }

            /* one limit stands for both, as in psutil */

            high = t[k].high;
            critical = t[k].critical;

            if (high <= PM_SENSOR_UNKNOWN) {
                high = critical;

            } else if (critical <= PM_SENSOR_UNKNOWN) {
                critical = high;
            }

            ngx_http_procmgr_tuple(job);
            ngx_http_procmgr_tuple_str(job, "label", t[k].label);
            ngx_http_procmgr_sensor_degrees(job, "current", t[k].current);
            ngx_http_procmgr_sensor_degrees(job, "high", high);
            ngx_http_procmgr_sensor_degrees(job, "critical", critical);
            ngx_http_procmgr_tuple_end(job);
        }

        pm_json_array_end(j);
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_sensor_degrees(ngx_procmgr_job_t *job, const char *key,
    double celsius)
{
    const ngx_http_procmgr_host_args_t  *args = job->args;

    ngx_http_procmgr_tuple_key(job, key);

    if (celsius <= PM_SENSOR_UNKNOWN) {
        pm_json_null(&job->json);

    } else {
        pm_json_double(&job->json, args->fahrenheit ? celsius * 9 / 5 + 32
                                                    : celsius);
    }
}


static void
ngx_http_procmgr_sensor_fans(ngx_procmgr_job_t *job, const pm_fan_t *f,
    size_t n)
{
    size_t      i, k;
    pm_json_t  *j;

    j = &job->json;

    pm_json_object(j);

    for (i = 0; i < n; i++) {

        for (k = 0; k < i && ngx_strcmp(f[k].chip, f[i].chip) != 0; k++) {
            /* void */
        }

        if (k < i) {
            continue;
        }

        pm_json_key_n(j, f[i].chip, ngx_strlen(f[i].chip));
        pm_json_array(j);

        for (k = i; k < n; k++) {

            if (ngx_strcmp(f[k].chip, f[i].chip) != 0) {
                continue;
            }

            ngx_http_procmgr_tuple(job);
            ngx_http_procmgr_tuple_str(job, "label", f[k].label);
            ngx_http_procmgr_tuple_key(job, "current");
            pm_json_i64(j, f[k].current);
            ngx_http_procmgr_tuple_end(job);
        }

        pm_json_array_end(j);
    }

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_sensor_battery(ngx_procmgr_job_t *job, int root)
{
    char                                 human[PM_HUMAN_LEN];
    pm_json_t                           *j;
    pm_battery_t                         b;
    const ngx_http_procmgr_host_args_t  *args;

    j = &job->json;
    args = job->args;

    if (pm_sensor_battery(root, &b) != 0) {
        pm_json_null(j);
        return;
    }

    ngx_http_procmgr_tuple(job);

    ngx_http_procmgr_tuple_key(job, "percent");
    pm_json_double(j, b.percent);

    ngx_http_procmgr_tuple_key(job, "secsleft");
    pm_json_i64(j, b.secsleft);

    if (args->system.human && !args->array && b.secsleft >= 0) {
        (void) pm_human_duration(human, b.secsleft);
        pm_json_key(j, "secsleft_human");
        pm_json_str(j, human);
    }

    ngx_http_procmgr_tuple_key(job, "power_plugged");

    if (b.plugged == -1) {
        pm_json_null(j);

    } else {
        pm_json_bool(j, b.plugged);
    }

    ngx_http_procmgr_tuple_end(job);
}
