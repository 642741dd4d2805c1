
/*
 * Reads of the helper for a view, in the thread.  What the policy denied to
 * a role is not asked for again for some seconds: each refusal is a process
 * and a line in the system's log.
 */

#include "ngx_http_procmgr_system.h"

#include <pthread.h>


/* ms; so late can a changed policy be seen */
#define NGX_HTTP_PROCMGR_DENIED_FOR  10000


typedef struct {
    unsigned                         fields;    /* 1 << PM_READ_* */
    uint64_t                         until;     /* boottime, ms */
} ngx_http_procmgr_denied_t;


static void ngx_http_procmgr_denied_put(ngx_uint_t role, unsigned fields);
static unsigned ngx_http_procmgr_denied_words(const char *s);


static pthread_mutex_t            ngx_http_procmgr_denied_lock
                                                = PTHREAD_MUTEX_INITIALIZER;
static ngx_http_procmgr_denied_t
                        ngx_http_procmgr_denied[NGX_PROCMGR_ROLE_ADMIN + 1];


void
ngx_http_procmgr_read(ngx_procmgr_job_t *job, ngx_uint_t role,
    pm_wire_pid_t *pids, size_t n, ngx_procmgr_record_pt record, void *data)
{
    size_t                i, k;
    ngx_str_t             actor;
    unsigned              asked, denied;
    const char           *name, *word;
    u_char                op[37];
    ngx_msec_t            timeout;
    pm_wire_text_t        text;
    ngx_procmgr_reply_t   reply;

    k = 0;
    asked = 0;
    denied = ngx_http_procmgr_read_denied(role);

    for (i = 0; i < n && k < PM_WIRE_PIDS; i++) {

        pids[k] = pids[i];
        pids[k].fields &= ~denied;

        if (pids[k].fields) {
            asked |= pids[k].fields;
            k++;
        }
    }

    if (k == 0 || ngx_procmgr_uuid(op) != NGX_OK) {
        return;
    }

    /* a view is made for all who have the role, whoever was the first */

    name = ngx_http_procmgr_role_name(role);

    actor.data = (u_char *) name;
    actor.len = ngx_strlen(name);

    ngx_memzero(&reply, sizeof(ngx_procmgr_reply_t));

    timeout = ngx_min(NGX_HTTP_PROCMGR_READ_TIMEOUT + k,
                      NGX_HTTP_PROCMGR_READ_MAX);

    ngx_procmgr_request(&text, "read", (char *) op, &actor, name, timeout);

    ngx_procmgr_exec_wait(job->pm, &text, pids, k, timeout, record, data,
                          &reply);

    if (reply.ended == NGX_PROCMGR_EXEC_DONE) {

        word = pm_wire_get(&reply.msg, "denied");

        if (word != NULL) {
            ngx_http_procmgr_denied_put(role, ngx_http_procmgr_denied_words(
                                                                     word));
        }

        word = pm_wire_get(&reply.msg, "code");

        if (word != NULL && ngx_strcmp(word, "policy_denied") == 0) {
            ngx_http_procmgr_denied_put(role, asked);
        }
    }

    ngx_procmgr_reply_free(&reply);
}


unsigned
ngx_http_procmgr_read_denied(ngx_uint_t role)
{
    unsigned                    fields;
    ngx_http_procmgr_denied_t  *denied;

    fields = 0;
    denied = &ngx_http_procmgr_denied[role];

    (void) pthread_mutex_lock(&ngx_http_procmgr_denied_lock);

    if (denied->until > ngx_procmgr_boottime()) {
        fields = denied->fields;
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_denied_lock);

    return fields;
}


static void
ngx_http_procmgr_denied_put(ngx_uint_t role, unsigned fields)
{
    uint64_t                    now;
    ngx_http_procmgr_denied_t  *denied;

    now = ngx_procmgr_boottime();
    denied = &ngx_http_procmgr_denied[role];

    (void) pthread_mutex_lock(&ngx_http_procmgr_denied_lock);

    if (denied->until <= now) {
        denied->fields = 0;
        denied->until = now + NGX_HTTP_PROCMGR_DENIED_FOR;
    }

    denied->fields |= fields;

    (void) pthread_mutex_unlock(&ngx_http_procmgr_denied_lock);
}


/* "exe,environ" */

static unsigned
ngx_http_procmgr_denied_words(const char *s)
{
    size_t      len;
    unsigned    fields;
    ngx_uint_t  i;

    fields = 0;

    while (*s) {
        len = strcspn(s, ",");

        for (i = 0; i < PM_READ_MAX; i++) {
            if (ngx_strlen(pm_read_names[i]) == len
                && ngx_strncmp(pm_read_names[i], s, len) == 0)
            {
                fields |= 1u << i;
            }
        }

        s += len;
        s += (*s == ',');
    }

    return fields;
}
