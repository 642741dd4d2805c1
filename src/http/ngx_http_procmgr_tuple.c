
/* tuples of psutil: objects, or their values alone */


#include "ngx_http_procmgr_host.h"
#include "../proc/pm_human.h"


void
ngx_http_procmgr_tuple(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_host_args_t  *args = job->args;

    if (args->array) {
        pm_json_array(&job->json);

    } else {
        pm_json_object(&job->json);
    }
}


void
ngx_http_procmgr_tuple_end(ngx_procmgr_job_t *job)
{
    const ngx_http_procmgr_host_args_t  *args = job->args;

    if (args->array) {
        pm_json_array_end(&job->json);

    } else {
        pm_json_object_end(&job->json);
    }
}


void
ngx_http_procmgr_tuple_key(ngx_procmgr_job_t *job, const char *key)
{
    const ngx_http_procmgr_host_args_t  *args = job->args;

    if (!args->array) {
        pm_json_key(&job->json, key);
    }
}


void
ngx_http_procmgr_tuple_count(ngx_procmgr_job_t *job, const char *key,
    uint64_t n)
{
    ngx_http_procmgr_tuple_key(job, key);
    pm_json_u64(&job->json, n);
}


void
ngx_http_procmgr_tuple_fixed(ngx_procmgr_job_t *job, const char *key,
    double value, int digits)
{
    ngx_http_procmgr_tuple_key(job, key);
    pm_json_fixed(&job->json, value, digits);
}


void
ngx_http_procmgr_tuple_str(ngx_procmgr_job_t *job, const char *key,
    const char *s)
{
    ngx_http_procmgr_tuple_key(job, key);
    pm_json_str(&job->json, s);
}


void
ngx_http_procmgr_tuple_size(ngx_procmgr_job_t *job, const char *key,
    uint64_t bytes)
{
    char                                 name[64], buf[PM_HUMAN_LEN];
    const ngx_http_procmgr_host_args_t  *args = job->args;

    ngx_http_procmgr_tuple_count(job, key, bytes);

    if (args->system.human && !args->array) {
        (void) pm_human_size(buf, bytes);
        (void) snprintf(name, sizeof(name), "%s_human", key);
        pm_json_key(&job->json, name);
        pm_json_str(&job->json, buf);
    }
}


void
ngx_http_procmgr_tuple_seconds(ngx_procmgr_job_t *job, const char *key,
    double seconds)
{
    char                                 name[64], buf[PM_HUMAN_LEN];
    const ngx_http_procmgr_host_args_t  *args = job->args;

    ngx_http_procmgr_tuple_key(job, key);
    pm_json_double(&job->json, seconds);

    if (args->system.human && !args->array) {
        (void) pm_human_duration(buf, seconds);
        (void) snprintf(name, sizeof(name), "%s_human", key);
        pm_json_key(&job->json, name);
        pm_json_str(&job->json, buf);
    }
}
