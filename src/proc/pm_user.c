
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "pm_parse.h"
#include "pm_procfs.h"
#include "pm_user.h"


#define PM_USERS_FILE     (64 * 1024 * 1024)
#define PM_USERS_NAME     256
#define PM_USERS_ASKED    256           /* uids the name service knows */

#define PM_USERS_KNOWN    600           /* seconds an answer is good for */
#define PM_USERS_UNKNOWN  60


typedef struct {
    uint32_t       uid;
    uint32_t       len;                 /* 0 is a free slot */
    size_t         off;                 /* in the text of the file */
} pm_users_slot_t;


typedef enum {
    PM_ASK_FREE = 0,
    PM_ASK_NEW,                         /* the thread shall take it */
    PM_ASK_KNOWN,
    PM_ASK_UNKNOWN
} pm_users_state_e;


typedef struct {
    pm_users_state_e  state;
    uint32_t          uid;
    time_t            expires;
    size_t            len;
    char              name[PM_USERS_NAME];
} pm_users_ask_t;


/*
 * What the thread that asks shares with the owner.  The last one frees it:
 * an answer may come when the owner has gone long ago.
 */

typedef struct {
    pthread_mutex_t   mutex;
    pthread_cond_t    answered;
    unsigned          refs;
    unsigned          running:1;
    unsigned          closed:1;
    pm_users_ask_t    ask[PM_USERS_ASKED];
} pm_users_shared_t;


struct pm_users_s {
    char               *path;
    pm_buf_t            text;
    pm_users_slot_t    *slots;
    size_t              mask;           /* slots - 1, a power of two */
    dev_t               dev;
    ino_t               ino;
    off_t               size;
    struct timespec     mtime;
    struct timespec     deadline;       /* of the name service */
    time_t              now;
    pm_users_shared_t  *shared;         /* NULL: only the file */
    char                number[16];
    char                answer[PM_USERS_NAME];
};


static void pm_users_load(pm_users_t *u);
static int pm_users_line(pm_users_t *u, const char *p, const char *end);
static pm_users_slot_t *pm_users_slot(pm_users_t *u, uint32_t uid);
static const char *pm_users_ask(pm_users_t *u, uint32_t uid, size_t *len);
static int pm_users_start(pm_users_shared_t *s);
static void *pm_users_thread(void *data);
static void pm_users_release(pm_users_shared_t *s);


pm_users_t *
pm_users_create(const char *passwd)
{
    pm_users_t          *u;
    pthread_condattr_t   attr;

    u = calloc(1, sizeof(pm_users_t));
    if (u == NULL) {
        return NULL;
    }

    u->path = strdup(passwd);
    if (u->path == NULL) {
        free(u);
        return NULL;
    }

    if (strcmp(passwd, "/etc/passwd") == 0) {

        u->shared = calloc(1, sizeof(pm_users_shared_t));
        if (u->shared == NULL) {
            free(u->path);
            free(u);
            return NULL;
        }

        u->shared->refs = 1;

        pthread_mutex_init(&u->shared->mutex, NULL);

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&u->shared->answered, &attr);
        pthread_condattr_destroy(&attr);
    }

    pm_users_refresh(u, 0);

    return u;
}


void
pm_users_destroy(pm_users_t *u)
{
    if (u == NULL) {
        return;
    }

    if (u->shared) {
        pthread_mutex_lock(&u->shared->mutex);
        u->shared->closed = 1;
        pm_users_release(u->shared);
    }

    pm_buf_free(&u->text);
    free(u->slots);
    free(u->path);
    free(u);
}


void
pm_users_refresh(pm_users_t *u, unsigned wait_ms)
{
    struct stat  st;

    clock_gettime(CLOCK_MONOTONIC, &u->deadline);

    u->now = u->deadline.tv_sec;

    u->deadline.tv_sec += wait_ms / 1000;
    u->deadline.tv_nsec += wait_ms % 1000 * 1000000;

    if (u->deadline.tv_nsec >= 1000000000) {
        u->deadline.tv_nsec -= 1000000000;
        u->deadline.tv_sec++;
    }

    if (stat(u->path, &st) == -1) {

        /* it is renamed into place: better old names than none */

        return;
    }

    if (u->slots
        && st.st_dev == u->dev && st.st_ino == u->ino
        && st.st_size == u->size
        && st.st_mtim.tv_sec == u->mtime.tv_sec
        && st.st_mtim.tv_nsec == u->mtime.tv_nsec)
    {
        return;
    }

    u->dev = st.st_dev;
    u->ino = st.st_ino;
    u->size = st.st_size;
    u->mtime = st.st_mtim;

    pm_users_load(u);
}


const char *
pm_users_name(pm_users_t *u, uint32_t uid, size_t *len)
{
    const char       *name;
    pm_users_slot_t  *slot;

    if (u->slots) {

        slot = pm_users_slot(u, uid);

        if (slot->len) {
            *len = slot->len;
            return u->text.data + slot->off;
        }
    }

    if (u->shared) {

        name = pm_users_ask(u, uid, len);

        if (name) {
            return name;
        }
    }

    *len = snprintf(u->number, sizeof(u->number), "%u", (unsigned) uid);

    return u->number;
}


static void
pm_users_load(pm_users_t *u)
{
    size_t            n;
    ssize_t           len;
    const char       *p, *end, *next;
    pm_users_slot_t  *slots;

    len = pm_procfs_read_all(AT_FDCWD, u->path, &u->text, PM_USERS_FILE);

    if (len == -1) {
        free(u->slots);
        u->slots = NULL;
        return;
    }

    end = u->text.data + len;

    n = 1;

    for (p = u->text.data; p < end; p = pm_parse_line(p, end)) {
        n++;
    }

    for (u->mask = 16; u->mask < n * 2; u->mask *= 2) { /* void */ }

    slots = calloc(u->mask, sizeof(pm_users_slot_t));

    free(u->slots);
    u->slots = slots;

    if (slots == NULL) {
        return;
    }

    u->mask--;

    for (p = u->text.data; p < end; p = next) {
        next = pm_parse_line(p, end);
        (void) pm_users_line(u, p, next);
    }
}


/* name:password:uid:...; the first line of a uid is its name */

static int
pm_users_line(pm_users_t *u, const char *p, const char *end)
{
    size_t            len;
    uint64_t          uid;
    const char       *s;
    pm_users_slot_t  *slot;

    s = memchr(p, ':', end - p);

    if (s == NULL || s == p || *p == '#' || *p == '+' || *p == '-') {
        return -1;
    }

    len = s - p;

    s = memchr(s + 1, ':', end - s - 1);

    if (s == NULL) {
        return -1;
    }

    s = pm_parse_u64(s + 1, end, &uid);

    if (s == NULL || s == end || *s != ':' || uid > UINT32_MAX
        || len >= PM_USERS_NAME)
    {
        return -1;
    }

    slot = pm_users_slot(u, uid);

    if (slot->len) {
        return 0;
    }

    slot->uid = uid;
    slot->len = len;
    slot->off = p - u->text.data;

    return 0;
}


static pm_users_slot_t *
pm_users_slot(pm_users_t *u, uint32_t uid)
{
    size_t  i;

    /* at least half of the slots are free */

    for (i = uid * 2654435761u & u->mask;
         u->slots[i].len && u->slots[i].uid != uid;
         i = (i + 1) & u->mask)
    {
        /* void */
    }

    return &u->slots[i];
}


static const char *
pm_users_ask(pm_users_t *u, uint32_t uid, size_t *len)
{
    int                 i, posted;
    const char         *name;
    pm_users_ask_t     *ask, *oldest;
    pm_users_shared_t  *s;

    s = u->shared;
    ask = NULL;
    oldest = NULL;
    name = NULL;
    posted = 0;

    pthread_mutex_lock(&s->mutex);

    for (i = 0; i < PM_USERS_ASKED; i++) {

        if (s->ask[i].state != PM_ASK_FREE && s->ask[i].uid == uid) {
            ask = &s->ask[i];
            break;
        }

        /* one that was not answered is the thread's */

        if (s->ask[i].state != PM_ASK_NEW
            && (oldest == NULL || s->ask[i].expires < oldest->expires))
        {
            oldest = &s->ask[i];
        }
    }

    if (ask == NULL) {

        if (oldest == NULL) {
            goto done;
        }

        ask = oldest;
        ask->uid = uid;
        ask->len = 0;
        ask->state = PM_ASK_NEW;
        posted = 1;

    } else if (ask->state != PM_ASK_NEW && ask->expires <= u->now) {

        /* what was known stands until the service answers again */

        ask->state = PM_ASK_NEW;
        posted = 1;
    }

    /* a service that did not answer in time is not waited for again */

    if (posted) {

        if (!s->running && pm_users_start(s) == -1) {
            ask->state = PM_ASK_UNKNOWN;
            ask->expires = u->now + PM_USERS_UNKNOWN;
        }

        while (ask->state == PM_ASK_NEW
               && pthread_cond_timedwait(&s->answered, &s->mutex,
                                         &u->deadline) == 0)
        {
            /* void */
        }
    }

    if (ask->len) {
        memcpy(u->answer, ask->name, ask->len);
        *len = ask->len;
        name = u->answer;
    }

done:

    pthread_mutex_unlock(&s->mutex);

    return name;
}


/* under the mutex */

static int
pm_users_start(pm_users_shared_t *s)
{
    int             err;
    sigset_t        all, old;
    pthread_t       thread;
    pthread_attr_t  attr;

    if (pthread_attr_init(&attr) != 0) {
        return -1;
    }

    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

    /* signals belong to the threads the program knows */

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);

    err = pthread_create(&thread, &attr, pm_users_thread, s);

    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);

    if (err) {
        return -1;
    }

    s->running = 1;
    s->refs++;

    return 0;
}


static void *
pm_users_thread(void *data)
{
    int                 i, rc;
    char                text[16384];
    uint32_t            uid;
    pm_users_ask_t     *ask;
    struct passwd       pw, *found;
    struct timespec     now;
    pm_users_shared_t  *s;

    s = data;

    pthread_mutex_lock(&s->mutex);

    for ( ;; ) {

        ask = NULL;

        for (i = 0; i < PM_USERS_ASKED && !s->closed; i++) {
            if (s->ask[i].state == PM_ASK_NEW) {
                ask = &s->ask[i];
                break;
            }
        }

        if (ask == NULL) {
            break;
        }

        uid = ask->uid;

        pthread_mutex_unlock(&s->mutex);

        found = NULL;
        rc = getpwuid_r(uid, &pw, text, sizeof(text), &found);

        clock_gettime(CLOCK_MONOTONIC, &now);

        pthread_mutex_lock(&s->mutex);

        if (rc == 0 && found && found->pw_name[0]
            && strlen(found->pw_name) < PM_USERS_NAME)
        {
            ask->len = strlen(found->pw_name);
            memcpy(ask->name, found->pw_name, ask->len);
            ask->state = PM_ASK_KNOWN;
            ask->expires = now.tv_sec + PM_USERS_KNOWN;

        } else {

            /* an error is not an answer: what was known stays */

            if (rc == 0) {
                ask->len = 0;
            }

            ask->state = PM_ASK_UNKNOWN;
            ask->expires = now.tv_sec + PM_USERS_UNKNOWN;
        }

        pthread_cond_broadcast(&s->answered);
    }

    s->running = 0;

    pm_users_release(s);

    return NULL;
}


/* unlocks the mutex */

static void
pm_users_release(pm_users_shared_t *s)
{
    unsigned  refs;

    refs = --s->refs;

    pthread_mutex_unlock(&s->mutex);

    if (refs == 0) {
        pthread_cond_destroy(&s->answered);
        pthread_mutex_destroy(&s->mutex);
        free(s);
    }
}
