
/*
 * Bytes a second that processes read and write.  A sample is kept for each
 * process somebody asked this of, by pid and start time; the first one tells
 * nothing.  One younger than a second stays what the next are measured
 * against, so that two lists at once do not take it from each other.
 */

#include "ngx_http_procmgr_list.h"

#include <pthread.h>


#define NGX_HTTP_PROCMGR_RATE_STEP  1000000000          /* ns */
#define NGX_HTTP_PROCMGR_RATE_OLD   (600LL * 1000000000)


typedef struct {
    int32_t                          pid;
    uint64_t                         starttime;
    uint64_t                         at;        /* boottime, ns */
    uint64_t                         read;
    uint64_t                         write;
} ngx_http_procmgr_sample_t;


static double ngx_http_procmgr_rate(uint64_t now, uint64_t before,
    uint64_t ns);


static pthread_mutex_t             ngx_http_procmgr_rate_lock
                                                = PTHREAD_MUTEX_INITIALIZER;

/* by pid */
static ngx_http_procmgr_sample_t  *ngx_http_procmgr_samples;
static size_t                      ngx_http_procmgr_nsamples;


void
ngx_http_procmgr_list_rates(ngx_http_procmgr_list_t *list,
    const uint32_t *index, uint32_t n)
{
    size_t                      k;
    uint32_t                    i;
    uint64_t                    now;
    struct timespec             ts;
    ngx_http_procmgr_cand_t    *c;
    ngx_http_procmgr_sample_t  *samples, *s, *old;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    now = (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;

    (void) pthread_mutex_lock(&ngx_http_procmgr_rate_lock);

    samples = malloc((n + ngx_http_procmgr_nsamples + 1)
                     * sizeof(ngx_http_procmgr_sample_t));

    if (samples == NULL) {
        (void) pthread_mutex_unlock(&ngx_http_procmgr_rate_lock);
        return;
    }

    s = samples;
    old = ngx_http_procmgr_samples;

    /* both are by pid: the new ones are put between the old ones */

    for (i = 0, k = 0; i <= n; i++) {

        c = (i < n) ? &list->cands[index[i]] : NULL;

        while (k < ngx_http_procmgr_nsamples
               && (c == NULL || old[k].pid < c->proc->pid))
        {
            if (now - old[k].at < NGX_HTTP_PROCMGR_RATE_OLD) {
                *s++ = old[k];
            }

            k++;
        }

        if (c == NULL || !c->io_known) {
            continue;
        }

        s->pid = c->proc->pid;
        s->starttime = c->proc->starttime;
        s->at = now;
        s->read = c->io.read_bytes;
        s->write = c->io.write_bytes;

        if (k < ngx_http_procmgr_nsamples
            && old[k].pid == s->pid)
        {
            if (old[k].starttime == s->starttime && old[k].at < now) {

                c->read = ngx_http_procmgr_rate(s->read, old[k].read,
                                                now - old[k].at);
                c->write = ngx_http_procmgr_rate(s->write, old[k].write,
                                                 now - old[k].at);

                if (now - old[k].at < NGX_HTTP_PROCMGR_RATE_STEP) {
                    *s = old[k];
                }
            }

            k++;
        }

        s++;
    }

    free(ngx_http_procmgr_samples);

    ngx_http_procmgr_samples = samples;
    ngx_http_procmgr_nsamples = s - samples;

    (void) pthread_mutex_unlock(&ngx_http_procmgr_rate_lock);
}


/* the kernel's counters never fall in the life of a process */

static double
ngx_http_procmgr_rate(uint64_t now, uint64_t before, uint64_t ns)
{
    return (now < before) ? 0 : (double) (now - before) * 1e9 / (double) ns;
}
