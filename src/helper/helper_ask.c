
/*
 * Which signal, which priority, which schedules are asked for, and may they
 * be: the part of these verbs that runs as root.
 */


#include "helper.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_SIGNAL_WAIT  60000     /* ms at most to wait for the end */
#define HELPER_IO_SHIFT     13        /* of ioprio_set(2) */
#define HELPER_TIMERS       4000      /* ms at most, to list the timers */


static int helper_signal_number(const char *name);
static int helper_priority_request(helper_t *h, pm_policy_change_t *c,
    helper_values_t *p);
static int helper_priority_cpus(const char *text, cpu_set_t *cpus);
static void helper_schedule_timers(void);


helper_signal_t    helper_signal_one;
helper_priority_t  helper_priority_one;


int
helper_signal_ask(helper_t *h)
{
    uint64_t          below, wait;
    const char       *name, *then;
    helper_signal_t  *s;

    s = &helper_signal_one;
    s->helper = h;

    name = pm_wire_get(&h->msg, "signal");
    then = pm_wire_get(&h->msg, "then");

    s->sig = name ? helper_signal_number(name) : 0;
    s->then = then && then[0] ? helper_signal_number(then) : 0;

    below = 0;
    wait = 0;

    if (s->sig == 0 || (then && then[0] && s->then == 0)
        || (pm_wire_get(&h->msg, "tree")
            && pm_wire_getu(&h->msg, "tree", 1, &below) != 0)
        || (pm_wire_get(&h->msg, "wait_ms")
            && pm_wire_getu(&h->msg, "wait_ms", HELPER_SIGNAL_WAIT, &wait)
               != 0))
    {
        helper_io_answer(h, "refused", "bad_request",
                         "signal, then, tree or wait_ms is wrong");
        return -1;
    }

    if (helper_target_request(h, &s->tree[0]) != 0) {
        return -1;
    }

    s->n = 1;

    if (!helper_signal_permit(h, &s->tree[0])) {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow this signal to process %d of uid %u to the "
                         "role %s", (int) s->tree[0].who.pid,
                         (unsigned) s->tree[0].who.uid[0], h->role_name);
        return -1;
    }

    s->below = (int) below;
    s->wait = (unsigned) wait;

    return helper_target_begin(h, &s->tree[0]);
}


static int
helper_signal_number(const char *name)
{
    int          i;
    const char  *s;

    for (i = 1; i < 32; i++) {
        s = sigabbrev_np(i);

        if (s && strcmp(s, name) == 0) {
            return i;
        }
    }

    return 0;
}


/* the second one too, should it come to that */

int
helper_signal_permit(helper_t *h, const helper_target_t *t)
{
    helper_signal_t  *s;

    s = &helper_signal_one;

    return pm_policy_signal(&h->policy, &t->who, s->sig, h->role)
           && (s->then == 0
               || pm_policy_signal(&h->policy, &t->who, s->then, h->role));
}


int
helper_priority_ask(helper_t *h)
{
    helper_priority_t  *p;

    p = &helper_priority_one;

    if (helper_priority_request(h, &p->change, &p->want) != 0) {
        helper_io_answer(h, "refused", "bad_request", "nice, ionice_class, "
                         "ionice_value or affinity is missing or wrong");
        return -1;
    }

    if (helper_target_request(h, &p->target) != 0) {
        return -1;
    }

    if (!pm_policy_priority(&h->policy, &p->target.who, &p->change,
                            h->role))
    {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow this priority of process %d of uid %u to the "
                         "role %s", (int) p->target.who.pid,
                         (unsigned) p->target.who.uid[0], h->role_name);
        return -1;
    }

    return helper_target_begin(h, &p->target);
}


static int
helper_priority_request(helper_t *h, pm_policy_change_t *c,
    helper_values_t *p)
{
    char        *end;
    long         n;
    uint64_t     value;
    const char  *nice, *class, *cpus;

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


int
helper_schedule_ask(helper_t *h)
{
    int   dir;
    char  mark[64], why[HELPER_WHY];

    if (!pm_policy_schedule(&h->policy, h->role)) {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow the schedules to the role %s", h->role_name);
        return -1;
    }

    snprintf(mark, sizeof(mark), "schedule.%s", h->role_name);
    dir = helper_spool_open(why, sizeof(why));

    if (dir != -1 && helper_spool_first(dir, mark)) {
        helper_log(h, "first read of the schedules");
    }

    helper_schedule_timers();

    return 0;
}


/* systemd tells them to everybody, but without its bus to root alone */

static void
helper_schedule_timers(void)
{
    char          why[HELPER_WHY];
    helper_run_t  run;

    static const char *const  words[] = {
        "/usr/bin/systemctl", "list-timers", "--all", "--no-pager",
        "--output=json", NULL
    };

    if (access("/run/systemd/system", F_OK) == -1) {
        return;
    }

    helper_run_start(&run, HELPER_TIMERS);
    helper_run_words(&run, words);

    if (helper_exec(&run, why, sizeof(why)) == 0 && run.exit_code == 0
        && run.out_total == run.out_len)
    {
        helper_schedule_send("systemd timers", 0, run.out_len);
    }
}


/* the path, a zero byte, and so many bytes of what was read */

void
helper_schedule_send(const char *path, int error, size_t len)
{
    size_t          n;

    static uint8_t  record[512 + PM_WIRE_OUTPUT];

    n = strlen(path) + 1;
    memcpy(record, path, n);
    memcpy(record + n, helper_out, len);

    helper_io_record(0, 0, error, record, n + len);
}
