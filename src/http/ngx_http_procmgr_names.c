
/* names of processes and of users, for the threads of this worker */

#include "ngx_http_procmgr_system.h"
#include "../proc/pm_user.h"

#include <pthread.h>


/* the name service gets so many ms of one answer */
#define NGX_HTTP_PROCMGR_USERS_WAIT  100


static pthread_mutex_t  ngx_http_procmgr_users_lock
                                                = PTHREAD_MUTEX_INITIALIZER;

/* made at the first use, in the worker */
static pm_users_t      *ngx_http_procmgr_users;


void
ngx_http_procmgr_json_name(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    pm_json_strn(&job->json, pm_snapshot_str(job->snapshot, p->name),
                 p->name.len);
}


void
ngx_http_procmgr_json_user(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    if (p->username.len) {
        pm_json_strn(&job->json, pm_snapshot_str(job->snapshot, p->username),
                     p->username.len);

    } else {
        pm_json_null(&job->json);
    }
}


void
ngx_http_procmgr_users_refresh(void)
{
    (void) pthread_mutex_lock(&ngx_http_procmgr_users_lock);

    if (ngx_http_procmgr_users == NULL) {
        ngx_http_procmgr_users = pm_users_create("/etc/passwd");
    }

    if (ngx_http_procmgr_users) {
        pm_users_refresh(ngx_http_procmgr_users,
                         NGX_HTTP_PROCMGR_USERS_WAIT);
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_users_lock);
}


void
ngx_http_procmgr_user_name(char dst[NGX_HTTP_PROCMGR_USER_LEN], uint32_t uid)
{
    size_t       len;
    const char  *name;

    (void) snprintf(dst, NGX_HTTP_PROCMGR_USER_LEN, "%u", (unsigned) uid);

    (void) pthread_mutex_lock(&ngx_http_procmgr_users_lock);

    if (ngx_http_procmgr_users) {
        name = pm_users_name(ngx_http_procmgr_users, uid, &len);
        len = ngx_min(len, NGX_HTTP_PROCMGR_USER_LEN - 1);

        ngx_memcpy(dst, name, len);
        dst[len] = '\0';
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_users_lock);
}
