
#include "ngx_procmgr_job.h"


void
ngx_procmgr_job_fail(ngx_procmgr_job_t *job, ngx_uint_t status,
    const char *code, const char *fmt, ...)
{
    va_list  args;

    job->status = status;

    (void) snprintf(job->code, sizeof(job->code), "%s", code);

    va_start(args, fmt);
    (void) vsnprintf(job->detail, sizeof(job->detail), fmt, args);
    va_end(args);
}


ngx_procmgr_body_t *
ngx_procmgr_job_run(ngx_procmgr_t *pm, ngx_procmgr_key_t *key,
    ngx_procmgr_make_pt make, const void *args, unsigned want,
    ngx_msec_t max_age, ngx_log_t *log)
{
    int                  zone_full;
    char                 err[NGX_PROCMGR_ERR_LEN];
    size_t               arena;
    uint64_t             made;
    pm_snapshot_t       *s;
    ngx_procmgr_job_t    job;
    ngx_procmgr_body_t  *body;

    arena = pm->sh->arena_size;
    s = NULL;

    ngx_memzero(&job, sizeof(ngx_procmgr_job_t));

    job.pm = pm;
    job.args = args;
    job.log = log;
    job.status = 200;

    /* above its limit the size is still to be known, for the log */

    pm_json_init(&job.json, 4 * arena);

    made = ngx_procmgr_boottime();

    if (want) {
        s = ngx_procmgr_zone_snapshot(pm, max_age, want, err,
                                      &zone_full);

        if (s == NULL) {
            ngx_procmgr_job_fail(&job, zone_full ? 503 : 500,
                                 zone_full ? "zone_full"
                                           : "system_call_failed",
                                 "%s", err);

        } else {
            made = s->monotonic_ns / 1000000;
            job.snapshot = s;
        }
    }

    if (job.status == 200) {
        make(&job);
        ngx_atomic_fetch_add(&pm->sh->counters.views_made, 1);
    }

    free(s);

    if (job.status == 200
        && (pm_json_error(&job.json) == EFBIG || job.json.total > arena))
    {
        ngx_procmgr_zone_full(pm, &pm->sh->body_said, "an answer",
                              job.json.total,
                              job.json.total / 2 * NGX_PROCMGR_PARTS);

        ngx_procmgr_job_fail(&job, 503, "zone_full",
                             "the answer does not fit into the zone");
    }

    body = ngx_procmgr_body_create(pm, key);

    if (body) {
        body->status = job.status;
        body->made = made;
        body->generation = ngx_procmgr_generation(pm);

        ngx_memcpy(body->code, job.code, sizeof(body->code));
        ngx_memcpy(body->detail, job.detail, sizeof(body->detail));
        ngx_memcpy(body->partial, job.partial, sizeof(body->partial));
    }

    if (body && job.status == 200) {

        if (pm_json_error(&job.json) == 0) {
            body->data = (u_char *) pm_json_flatten(&job.json);
            body->len = job.json.total;
        }

        if (body->data == NULL) {
            free(body);
            body = NULL;
        }
    }

    pm_json_free(&job.json);

    return body;
}
