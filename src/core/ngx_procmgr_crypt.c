
/*
 * A hash takes tens of milliseconds and some megabytes.  Two slots in the
 * zone bound it for the host; a slot ends by itself when its worker dies.
 *
 * The hash runs in a thread of its own that the pool's thread waits for: a
 * thread may lower its priority, but not raise it again without privilege,
 * and the pool's thread goes on to other work.
 */


#include <crypt.h>
#include <pthread.h>
#include <sys/resource.h>

#include "ngx_procmgr_crypt.h"
#include "ngx_procmgr_task.h"
#include "ngx_procmgr_zone.h"
#include "../policy/pm_sha256.h"


#define NGX_PROCMGR_CRYPT_QUEUE  32
#define NGX_PROCMGR_CRYPT_SLOTS  2
#define NGX_PROCMGR_CRYPT_WAIT   10000      /* ms for a turn */
#define NGX_PROCMGR_CRYPT_LEASE  15000      /* ms of a slot */
#define NGX_PROCMGR_CRYPT_POLL   10
#define NGX_PROCMGR_CRYPT_STACK  (256 * 1024)
#define NGX_PROCMGR_CRYPT_NICE   10

/* "$y$jBT$", as procmgrctl makes them */
#define NGX_PROCMGR_CRYPT_PREFIX  "$y$"
#define NGX_PROCMGR_CRYPT_COST    7

/* what an account that does not exist is compared with */
#define NGX_PROCMGR_CRYPT_DUMMY   "$y$jBT$k2XAnEHBqQ1Ct2aMXFKNa/"


struct ngx_procmgr_crypt_s {
    ngx_queue_t            queue;
    ngx_procmgr_t         *pm;
    ngx_procmgr_crypt_pt   handler;     /* NULL: its owner left */
    void                  *data;
    uint64_t               deadline;    /* of the turn */
    uint64_t               until;       /* of the slot */
    ngx_uint_t             slot;
    ngx_int_t              rc;
    u_char                 random[16];
    char                   password[NGX_PROCMGR_PASSWORD_MAX + 1];
    char                   hash[NGX_PROCMGR_HASH_LEN];
    unsigned               make:1;
    unsigned               queued:1;
};


typedef struct {
    ngx_procmgr_crypt_t   *crypt;
} ngx_procmgr_crypt_task_t;


typedef struct {                        /* of this worker */
    ngx_queue_t            waiting;
    ngx_uint_t             length;
    ngx_event_t            poll;
    ngx_connection_t       dumb;        /* the debug log reads its fd */
    unsigned               ready:1;
} ngx_procmgr_crypts_t;


static void ngx_procmgr_crypt_next(ngx_event_t *ev);
static ngx_int_t ngx_procmgr_crypt_start(ngx_procmgr_crypt_t *c);
static ngx_int_t ngx_procmgr_crypt_take(ngx_procmgr_crypt_t *c);
static void ngx_procmgr_crypt_release(ngx_procmgr_crypt_t *c);
static void ngx_procmgr_crypt_run(void *data, ngx_log_t *log);
static void *ngx_procmgr_crypt_thread(void *data);
static void ngx_procmgr_crypt_work(ngx_procmgr_crypt_t *c);
static void ngx_procmgr_crypt_done(void *data);
static void ngx_procmgr_crypt_close(ngx_procmgr_crypt_t *c, ngx_int_t rc);


static ngx_procmgr_crypts_t  ngx_procmgr_crypts;


ngx_procmgr_crypt_t *
ngx_procmgr_crypt(ngx_procmgr_t *pm, ngx_str_t *password, const char *hash,
    ngx_procmgr_crypt_pt handler, void *data)
{
    ngx_procmgr_crypt_t   *c;
    ngx_procmgr_crypts_t  *cs;

    cs = &ngx_procmgr_crypts;

    if (!cs->ready) {
        ngx_queue_init(&cs->waiting);

        cs->dumb.fd = (ngx_socket_t) -1;
        cs->poll.handler = ngx_procmgr_crypt_next;
        cs->poll.data = &cs->dumb;
        cs->poll.log = ngx_cycle->log;
        cs->ready = 1;
    }

    if (cs->length == NGX_PROCMGR_CRYPT_QUEUE
        || password->len > NGX_PROCMGR_PASSWORD_MAX
        || (hash && ngx_strlen(hash) >= NGX_PROCMGR_HASH_LEN))
    {
        return NULL;
    }

    c = ngx_calloc(sizeof(ngx_procmgr_crypt_t), ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    /*
     * set by ngx_calloc():
     *
     *     c->until = 0;
     *     c->slot = 0;
     */

    c->pm = pm;
    c->handler = handler;
    c->data = data;
    c->deadline = ngx_procmgr_boottime() + NGX_PROCMGR_CRYPT_WAIT;

    ngx_memcpy(c->password, password->data, password->len);

    if (hash == NULL) {
        c->make = 1;

        if (ngx_procmgr_random(c->random, sizeof(c->random)) != NGX_OK) {
            ngx_explicit_memzero(c, sizeof(ngx_procmgr_crypt_t));
            ngx_free(c);
            return NULL;
        }

    } else {
        (void) ngx_cpystrn((u_char *) c->hash,
                           (u_char *) (hash[0] ? hash
                                               : NGX_PROCMGR_CRYPT_DUMMY),
                           NGX_PROCMGR_HASH_LEN);
    }

    /* the first come are the first served, and always from the event loop */

    c->queued = 1;
    cs->length++;
    ngx_queue_insert_tail(&cs->waiting, &c->queue);

    if (cs->poll.timer_set) {
        ngx_del_timer(&cs->poll);
    }

    ngx_post_event(&cs->poll, &ngx_posted_events);

    return c;
}


void
ngx_procmgr_crypt_forget(ngx_procmgr_crypt_t *c)
{
    c->handler = NULL;

    /* one that runs is freed when it has ended */

    if (c->queued) {
        ngx_procmgr_crypt_close(c, NGX_DECLINED);
    }
}


static void
ngx_procmgr_crypt_next(ngx_event_t *ev)
{
    ngx_int_t              rc;
    ngx_queue_t           *q;
    ngx_procmgr_crypt_t   *c;
    ngx_procmgr_crypts_t  *cs;

    cs = &ngx_procmgr_crypts;

    ev->timedout = 0;

    while (!ngx_queue_empty(&cs->waiting)) {

        q = ngx_queue_head(&cs->waiting);
        c = ngx_queue_data(q, ngx_procmgr_crypt_t, queue);

        if (ngx_procmgr_boottime() >= c->deadline) {
            ngx_procmgr_crypt_close(c, NGX_BUSY);
            continue;
        }

        if (ngx_procmgr_crypt_take(c) != NGX_OK) {

            /* other workers do not tell when they have done */

            if (!ev->timer_set) {
                ngx_add_timer(ev, NGX_PROCMGR_CRYPT_POLL);
            }

            return;
        }

        rc = ngx_procmgr_crypt_start(c);

        if (rc != NGX_OK) {
            ngx_procmgr_crypt_release(c);
            ngx_procmgr_crypt_close(c, rc);
        }
    }
}


static ngx_int_t
ngx_procmgr_crypt_start(ngx_procmgr_crypt_t *c)
{
    ngx_procmgr_crypt_task_t  *task;

    task = ngx_procmgr_task_create(c->pm, sizeof(ngx_procmgr_crypt_task_t),
                                   ngx_procmgr_crypt_run,
                                   ngx_procmgr_crypt_done);
    if (task == NULL) {
        return NGX_ERROR;
    }

    task->crypt = c;

    if (ngx_procmgr_task_post(task) != NGX_OK) {
        return NGX_BUSY;
    }

    c->queued = 0;
    ngx_procmgr_crypts.length--;
    ngx_queue_remove(&c->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_procmgr_crypt_take(ngx_procmgr_crypt_t *c)
{
    uint64_t                 now;
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_procmgr_sess_shm_t  *sh;

    rc = NGX_BUSY;
    sh = &c->pm->sh->sess;
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&c->pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_CRYPT_SLOTS; i++) {
        if (sh->hashers[i] == 0 || now >= sh->hashers_until[i]) {
            sh->hashers[i] = ngx_pid;
            sh->hashers_until[i] = now + NGX_PROCMGR_CRYPT_LEASE;

            c->slot = i;
            c->until = sh->hashers_until[i];

            rc = NGX_OK;
            break;
        }
    }

    ngx_shmtx_unlock(&c->pm->shpool->mutex);

    return rc;
}


static void
ngx_procmgr_crypt_release(ngx_procmgr_crypt_t *c)
{
    ngx_procmgr_sess_shm_t  *sh;

    sh = &c->pm->sh->sess;

    ngx_shmtx_lock(&c->pm->shpool->mutex);

    /* it may have run out, and be another's now */

    if (sh->hashers[c->slot] == ngx_pid
        && sh->hashers_until[c->slot] == c->until)
    {
        sh->hashers[c->slot] = 0;
    }

    ngx_shmtx_unlock(&c->pm->shpool->mutex);
}


static void
ngx_procmgr_crypt_run(void *data, ngx_log_t *log)
{
    ngx_procmgr_crypt_task_t *task = data;

    int             err;
    pthread_t       tid;
    pthread_attr_t  attr;

    err = pthread_attr_init(&attr);

    if (err == 0) {
        (void) pthread_attr_setstacksize(&attr, NGX_PROCMGR_CRYPT_STACK);

        err = pthread_create(&tid, &attr, ngx_procmgr_crypt_thread,
                             task->crypt);

        (void) pthread_attr_destroy(&attr);
    }

    if (err == 0) {
        (void) pthread_join(tid, NULL);
        return;
    }

    /* no thread: the login matters more than the priority */

    ngx_procmgr_crypt_work(task->crypt);
}


static void *
ngx_procmgr_crypt_thread(void *data)
{
    /* on Linux a priority is the thread's */

    (void) setpriority(PRIO_PROCESS, 0, NGX_PROCMGR_CRYPT_NICE);

    ngx_procmgr_crypt_work(data);

    return NULL;
}


static void
ngx_procmgr_crypt_work(ngx_procmgr_crypt_t *c)
{
    char               *out, setting[CRYPT_GENSALT_OUTPUT_SIZE];
    size_t              len;
    const char         *with;
    struct crypt_data  *cd;

    c->rc = NGX_ERROR;
    with = c->hash;

    if (c->make) {
        if (crypt_gensalt_rn(NGX_PROCMGR_CRYPT_PREFIX, NGX_PROCMGR_CRYPT_COST,
                             (char *) c->random, sizeof(c->random), setting,
                             sizeof(setting))
            == NULL)
        {
            return;
        }

        with = setting;
    }

    cd = calloc(1, sizeof(struct crypt_data));
    if (cd == NULL) {
        return;
    }

    /* crypt_r() is wrapped by sanitizers, which find no libcrypt in nginx */

    out = crypt_rn(c->password, with, cd, sizeof(struct crypt_data));

    /*
     * NULL, and "*0" of other calls, are failures: an account without a
     * usable hash costs what any other does.
     */

    if (out == NULL || out[0] == '*') {

        if (!c->make) {
            out = crypt_rn(c->password, NGX_PROCMGR_CRYPT_DUMMY, cd,
                           sizeof(struct crypt_data));
            c->rc = (out && out[0] != '*') ? NGX_DECLINED : NGX_ERROR;
        }

        goto done;
    }

    len = strlen(out);

    if (c->make) {
        if (len < NGX_PROCMGR_HASH_LEN) {
            memcpy(c->hash, out, len + 1);
            c->rc = NGX_OK;
        }

        goto done;
    }

    c->rc = (len == strlen(c->hash) && pm_equal(out, c->hash, len))
            ? NGX_OK : NGX_DECLINED;

done:

    explicit_bzero(cd, sizeof(struct crypt_data));
    free(cd);
}


static void
ngx_procmgr_crypt_done(void *data)
{
    ngx_procmgr_crypt_task_t *task = data;

    ngx_procmgr_crypt_t   *c;
    ngx_procmgr_crypts_t  *cs;

    c = task->crypt;
    cs = &ngx_procmgr_crypts;

    ngx_procmgr_crypt_release(c);
    ngx_procmgr_crypt_close(c, c->rc);

    if (!ngx_queue_empty(&cs->waiting)) {
        if (cs->poll.timer_set) {
            ngx_del_timer(&cs->poll);
        }

        ngx_post_event(&cs->poll, &ngx_posted_events);
    }
}


static void
ngx_procmgr_crypt_close(ngx_procmgr_crypt_t *c, ngx_int_t rc)
{
    if (c->queued) {
        c->queued = 0;
        ngx_procmgr_crypts.length--;
        ngx_queue_remove(&c->queue);
    }

    ngx_explicit_memzero(c->password, sizeof(c->password));

    if (c->handler) {
        c->handler(c->data, rc, c->make ? c->hash : NULL);
    }

    ngx_explicit_memzero(c, sizeof(ngx_procmgr_crypt_t));
    ngx_free(c);
}
