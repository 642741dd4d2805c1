
/*
 * Niceness, its like for disks, and CPUs of a process with all its threads.
 * By now the helper is nobody, with the capability for these and no other.
 */


#include "helper_drive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>


#define HELPER_IO_PROCESS  1          /* of ioprio_set(2) */
#define HELPER_IO_SHIFT    13


typedef struct {
    int                       nice;
    int                       io;         /* as ioprio_set(2) has it */
    cpu_set_t                 cpus;
} helper_values_t;


static int helper_priority_request(helper_t *h);
static int helper_priority_cpus(const char *text, cpu_set_t *cpus);
static int helper_priority_get(pid_t pid, helper_values_t *p);
static int helper_priority_set(pid_t pid, const pm_policy_change_t *c,
    const helper_values_t *p);
static void helper_values_text(pm_wire_text_t *t, const char *when,
    const helper_values_t *p);


static helper_target_t     helper_target;
static pm_policy_change_t  helper_change;
static helper_values_t     helper_want;


int
helper_priority_may(helper_t *h)
{
    const helper_target_t  *t;

    t = &helper_target;

    if (helper_priority_request(h) != 0) {
        return helper_refuse(h, "refused", "bad_request", "nice, "
                             "ionice_class, ionice_value or affinity is "
                             "missing or wrong");
    }

    if (helper_target_request(h, &helper_target) != 0) {
        return -1;
    }

    if (!pm_policy_priority(&h->policy, &t->who, &helper_change, h->role))
    {
        return helper_refuse(h, "refused", "policy_denied", "the policy does "
                             "not allow this priority of process %d of uid %u "
                             "to the role %s", (int) t->who.pid,
                             (unsigned) t->who.uid[0], h->role_name);
    }

    return 0;
}


static int
helper_priority_request(helper_t *h)
{
    char                *end;
    long                 n;
    uint64_t             value;
    const char          *nice, *class, *cpus;
    helper_values_t     *p;
    pm_policy_change_t  *c;

    c = &helper_change;
    p = &helper_want;

    memset(c, 0, sizeof(pm_policy_change_t));
    memset(p, 0, sizeof(helper_values_t));

    nice = pm_wire_get(&h->msg, "nice");
    class = pm_wire_get(&h->msg, "ionice_class");
    cpus = pm_wire_get(&h->msg, "affinity");

    if (nice) {
        n = strtol(nice, &end, 10);

        if (end == nice || *end || n < -20 || n > 19) {
            return -1;
        }

        c->nice = 1;
        p->nice = c->nice_value = (int) n;
    }

    if (class) {
        if (pm_wire_getu(&h->msg, "ionice_class", 3, &value) != 0) {
            return -1;
        }

        c->ionice = 1;
        c->ionice_class = (unsigned) value;
        p->io = (int) value << HELPER_IO_SHIFT;

        if (pm_wire_get(&h->msg, "ionice_value")) {
            if (pm_wire_getu(&h->msg, "ionice_value", 7, &value) != 0) {
                return -1;
            }

            p->io |= (int) value;
        }
    }

    if (cpus) {
        c->affinity = 1;

        if (helper_priority_cpus(cpus, &p->cpus) != 0) {
            return -1;
        }
    }

    return c->nice || c->ionice || c->affinity ? 0 : -1;
}


/* numbers with commas between them */

static int
helper_priority_cpus(const char *text, cpu_set_t *cpus)
{
    char           *end;
    unsigned long   n;

    CPU_ZERO(cpus);

    for ( ;; ) {

        if (!isdigit((unsigned char) *text)) {
            return -1;
        }

        n = strtoul(text, &end, 10);

        if (n >= CPU_SETSIZE) {
            return -1;
        }

        CPU_SET(n, cpus);

        if (*end == '\0') {
            return 0;
        }

        if (*end != ',') {
            return -1;
        }

        text = end + 1;
    }
}


void
helper_priority_act(helper_t *h)
{
    int                 rc;
    char                why[HELPER_WHY];
    uint64_t            start;
    const char         *code, *result;
    helper_run_t        run;
    pm_wire_text_t      t;
    helper_values_t     want, before, after;
    helper_target_t     target;
    pm_policy_change_t  c;

    if (helper_priority_may(h) != 0) {
        helper_io_refused(h);         /* it was well a moment ago */
        return;
    }

    c = helper_change;
    want = helper_want;
    target = helper_target;

    start = helper_now();
    helper_step_start(&run, 0);
    result = "failed";
    code = NULL;

    rc = helper_priority_get(target.who.pid, &before);
    after = before;

    if (rc == 0) {
        rc = helper_priority_set(target.who.pid, &c, &want);
        (void) helper_priority_get(target.who.pid, &after);
    }

    /* of another process, if this one has ended: then nothing of it counts */

    if (helper_target_gone(&target)) {
        code = "no_such_process";
        snprintf(why, sizeof(why), "process %d has just ended",
                 (int) target.who.pid);

    } else if (rc) {
        code = rc == EPERM || rc == EACCES ? "permission_denied"
                                           : "invalid_value";
        snprintf(why, sizeof(why), "the kernel refused it: %s",
                 strerror(rc));

    } else if ((c.nice && after.nice != want.nice)
               || (c.ionice && after.io != want.io))
    {
        code = "no_effect";
        snprintf(why, sizeof(why), "the priority is not what was set");

    } else {
        result = "ok";

        if (memcmp(&before, &after, sizeof(before)) == 0) {
            code = "unchanged";
            snprintf(why, sizeof(why), "it was so already");
        }
    }

    run.duration = helper_now() - start;

    helper_io_start(&t, result, code, code ? why : NULL);
    helper_act_text(&t, &run);
    helper_values_text(&t, "before", &before);
    helper_values_text(&t, "after", &after);
    helper_act_end(h, &t, &run);

    helper_log(h, "%s%s%s: priority of process %d, nice %d before, %d after",
               result, code ? " " : "", code ? code : "",
               (int) target.who.pid, before.nice, after.nice);
}


/* 0 or errno */

static int
helper_priority_get(pid_t pid, helper_values_t *p)
{
    memset(p, 0, sizeof(helper_values_t));

    errno = 0;
    p->nice = getpriority(PRIO_PROCESS, (id_t) pid);

    if (p->nice == -1 && errno) {
        return errno;
    }

    p->io = (int) syscall(SYS_ioprio_get, HELPER_IO_PROCESS, pid);

    return p->io == -1 || sched_getaffinity(pid, sizeof(p->cpus), &p->cpus)
                          == -1 ? errno : 0;
}


/* twice: a thread may have started another before its turn came */

static int
helper_priority_set(pid_t pid, const pm_policy_change_t *c,
    const helper_values_t *p)
{
    int             rc, pass;
    DIR            *dir;
    char            path[32];
    pid_t           tid;
    struct dirent  *d;

    snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);

    for (pass = 0, rc = 0; pass < 2 && rc == 0; pass++) {

        dir = opendir(path);
        if (dir == NULL) {
            return errno;
        }

        while (rc == 0 && (d = readdir(dir)) != NULL) {

            tid = isdigit((unsigned char) d->d_name[0]) ? atoi(d->d_name) : 0;

            if (tid == 0) {
                continue;
            }

            if ((c->nice
                 && setpriority(PRIO_PROCESS, (id_t) tid, p->nice) == -1)
                || (c->ionice
                    && syscall(SYS_ioprio_set, HELPER_IO_PROCESS, tid, p->io)
                       == -1)
                || (c->affinity
                    && sched_setaffinity(tid, sizeof(p->cpus), &p->cpus)
                       == -1))
            {
                /* a thread that ended is no failure */
                rc = errno == ESRCH ? 0 : errno;
            }
        }

        closedir(dir);
    }

    return rc;
}


static void
helper_values_text(pm_wire_text_t *t, const char *when,
    const helper_values_t *p)
{
    int     i;
    char    key[32], text[1200];
    size_t  n;

    snprintf(key, sizeof(key), "%s_nice", when);
    pm_wire_addi(t, key, p->nice);

    snprintf(key, sizeof(key), "%s_ionice", when);
    snprintf(text, sizeof(text), "%d,%d", p->io >> HELPER_IO_SHIFT,
             p->io & ((1 << HELPER_IO_SHIFT) - 1));
    pm_wire_add(t, key, text);

    text[0] = '\0';

    for (i = 0, n = 0; i < CPU_SETSIZE && n + 8 < sizeof(text); i++) {
        if (CPU_ISSET(i, &p->cpus)) {
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%d",
                                   n ? "," : "", i);
        }
    }

    snprintf(key, sizeof(key), "%s_affinity", when);
    pm_wire_add(t, key, text);
}
