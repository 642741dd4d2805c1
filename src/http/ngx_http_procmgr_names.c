
/* names of processes and users for the threads of this worker */

#include "ngx_http_procmgr_system.h"
#include "../proc/pm_user.h"

#include <pthread.h>


/* the name service gets so many ms of one answer */
#define NGX_HTTP_PROCMGR_USERS_WAIT  100


static pthread_mutex_t  ngx_http_procmgr_names_lock
                                                = PTHREAD_MUTEX_INITIALIZER;

/* made at the first use, in the worker */
static pm_names_t      *ngx_http_procmgr_names;
static pm_users_t      *ngx_http_procmgr_users;
static size_t           ngx_http_procmgr_names_full = 256;


ngx_uint_t
ngx_http_procmgr_name_cut(const pm_snapshot_t *s, const pm_proc_t *p)
{
    char    name[PM_NAMES_LEN];
    size_t  len;

    if (!pm_names_cut(s, p)) {
        return 0;
    }

    len = 0;

    (void) pthread_mutex_lock(&ngx_http_procmgr_names_lock);

    if (ngx_http_procmgr_names) {
        len = pm_names_get(ngx_http_procmgr_names, s, p,
                           ngx_procmgr_boottime(), name);
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_names_lock);

    return len == 0;
}


void
ngx_http_procmgr_name_learn(const pm_snapshot_t *s, const pm_proc_t *p,
    const u_char *cmdline, size_t len)
{
    pm_names_t  *names;

    if (!pm_names_cut(s, p)) {
        return;
    }

    (void) pthread_mutex_lock(&ngx_http_procmgr_names_lock);

    if (ngx_http_procmgr_names == NULL) {
        ngx_http_procmgr_names = pm_names_create();
    }

    names = ngx_http_procmgr_names;

    if (names) {

        if (pm_names_number(names) >= ngx_http_procmgr_names_full) {
            pm_names_purge(names, s);

            ngx_http_procmgr_names_full = 2 * pm_names_number(names) + 256;
        }

        (void) pm_names_learn(names, s, p, ngx_procmgr_boottime(),
                              (const char *) cmdline, len);
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_names_lock);
}


size_t
ngx_http_procmgr_name(char dst[PM_NAMES_LEN], const pm_snapshot_t *s,
    const pm_proc_t *p)
{
    size_t  len;

    len = 0;

    if (pm_names_cut(s, p)) {

        (void) pthread_mutex_lock(&ngx_http_procmgr_names_lock);

        if (ngx_http_procmgr_names) {
            len = pm_names_get(ngx_http_procmgr_names, s, p,
                               ngx_procmgr_boottime(), dst);
        }

        (void) pthread_mutex_unlock(&ngx_http_procmgr_names_lock);
    }

    if (len == 0) {
        len = ngx_min(p->name.len, PM_NAMES_LEN);
        ngx_memcpy(dst, pm_snapshot_str(s, p->name), len);
    }

    return len;
}


void
ngx_http_procmgr_json_name(ngx_procmgr_job_t *job, const pm_proc_t *p)
{
    char    name[PM_NAMES_LEN];
    size_t  len;

    len = ngx_http_procmgr_name(name, job->snapshot, p);

    pm_json_strn(&job->json, name, len);

    if (len == p->name.len && ngx_http_procmgr_name_cut(job->snapshot, p)) {
        ngx_http_procmgr_partial(job, "name");
    }
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
    (void) pthread_mutex_lock(&ngx_http_procmgr_names_lock);

    if (ngx_http_procmgr_users == NULL) {
        ngx_http_procmgr_users = pm_users_create("/etc/passwd");
    }

    if (ngx_http_procmgr_users) {
        pm_users_refresh(ngx_http_procmgr_users,
                         NGX_HTTP_PROCMGR_USERS_WAIT);
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_names_lock);
}


void
ngx_http_procmgr_user_name(char dst[NGX_HTTP_PROCMGR_USER_LEN], uint32_t uid)
{
    size_t       len;
    const char  *name;

    (void) snprintf(dst, NGX_HTTP_PROCMGR_USER_LEN, "%u", (unsigned) uid);

    (void) pthread_mutex_lock(&ngx_http_procmgr_names_lock);

    if (ngx_http_procmgr_users) {
        name = pm_users_name(ngx_http_procmgr_users, uid, &len);
        len = ngx_min(len, NGX_HTTP_PROCMGR_USER_LEN - 1);

        ngx_memcpy(dst, name, len);
        dst[len] = '\0';
    }

    (void) pthread_mutex_unlock(&ngx_http_procmgr_names_lock);
}
