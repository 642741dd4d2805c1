
/* acting on a service: what it was, what was done, what it is now */


#include "helper_drive.h"

#include <string.h>
#include <sys/socket.h>


#define HELPER_EFFECT       5000      /* ms at most until it shows */
#define HELPER_EFFECT_STEP  10


static void helper_service_observe(helper_t *h, const helper_service_t *s,
    helper_state_t *state);
static void helper_service_run(helper_t *h, helper_service_t *s);
static int helper_service_done(const helper_service_t *s);
static int helper_service_wait(helper_t *h, helper_service_t *s);
static int helper_service_effect(const helper_service_t *s);
static int helper_service_other(const helper_state_t *before,
    const helper_state_t *after);


static const helper_manager_t *const  helper_managers[PM_MANAGERS] = {
    &helper_systemd, &helper_lsb, &helper_supervisor
};


const helper_manager_t *
helper_manager(const pm_policy_entry_t *e)
{
    return helper_managers[e->manager];
}


void
helper_service_act(helper_t *h)
{
    static helper_service_t  one;
    helper_service_t        *s;

    s = &one;
    s->e = h->e;
    s->m = helper_manager(s->e);
    s->action = h->action;
    s->start = helper_now();
    s->run = &h->step[HELPER_ACT];

    helper_log(h, "permitted: %s %s (%s %s)", pm_action_names[s->action],
               s->e->name, pm_manager_names[s->e->manager], s->e->unit);

    helper_service_observe(h, s, &s->before);
    s->after = s->before;
    s->done = s->action == PM_ACTION_STATUS || helper_service_done(s);

    if (!s->done) {
        helper_service_run(h, s);
    }

    (void) helper_env_caps(0);        /* all that is to be seen was seen */

    helper_service_tell(h, s);
}


static void
helper_service_observe(helper_t *h, const helper_service_t *s,
    helper_state_t *state)
{
    s->m->observe(s->e, helper_run(h, HELPER_OBSERVE), state);
}


static void
helper_service_run(helper_t *h, helper_service_t *s)
{
    /* what ends nginx ends all that it has started, and its own answer */

    if (s->e->manager == PM_MANAGER_SYSTEMD && helper_systemd_own(&s->before)
        && (s->action == PM_ACTION_STOP || s->action == PM_ACTION_RESTART))
    {
        if (helper_systemd_leave(h, s->why, sizeof(s->why)) != 0) {
            s->code = "own_unit";
            return;
        }

        s->detached = 1;
        s->run = &h->step[HELPER_DETACHED];
    }

    if (helper_run(h, s->detached ? HELPER_DETACHED : HELPER_ACT)->failed) {
        s->code = "not_executable";
        memcpy(s->why, s->run->why, sizeof(s->why));
        return;
    }

    if (s->detached && s->run->exit_code == 0) {

        /* nginx's end would wait for ours: it reads the spool instead */
        (void) shutdown(HELPER_SOCKET, SHUT_RDWR);
    }

    s->effect = helper_service_wait(h, s);
}


/* is there nothing to do? */

static int
helper_service_done(const helper_service_t *s)
{
    const helper_state_t  *b;

    b = &s->before;

    switch (s->action) {

    case PM_ACTION_START:
        return helper_state_is(b, "active");

    case PM_ACTION_STOP:
        return helper_state_is(b, "inactive") && !b->missing;

    case PM_ACTION_ENABLE:
        return strcmp(b->enabled, "enabled") == 0;

    case PM_ACTION_DISABLE:
        return strcmp(b->enabled, "disabled") == 0;

    default:
        return 0;
    }
}


/* yes or no; some effects take their time, and some do not last */

static int
helper_service_wait(helper_t *h, helper_service_t *s)
{
    int       effect;
    unsigned  step;
    uint64_t  end;

    end = helper_now() + (s->run->timeout < HELPER_EFFECT || s->detached
                          ? s->run->timeout : HELPER_EFFECT);
    step = HELPER_EFFECT_STEP;

    for ( ;; ) {
        helper_service_observe(h, s, &s->after);
        effect = helper_service_effect(s);

        /* what failed has nothing more to come */

        if (effect || s->run->exit_code != 0 || helper_now() >= end) {
            break;
        }

        if (s->m->waits && !s->detached
            && !helper_state_is(&s->after, "activating")
            && !helper_state_is(&s->after, "deactivating"))
        {
            break;
        }

        helper_sleep(step);
        step = step < 160 ? 2 * step : step;
    }

    if (effect && s->m->settle && helper_state_is(&s->after, "active")
        && (s->action == PM_ACTION_START || s->action == PM_ACTION_RESTART))
    {
        helper_sleep(s->m->settle);
        helper_service_observe(h, s, &s->after);
        effect = helper_service_effect(s);
    }

    return effect;
}


static int
helper_service_effect(const helper_service_t *s)
{
    int  active;

    const helper_state_t *a = &s->after;

    active = helper_state_is(a, "active");

    switch (s->action) {

    case PM_ACTION_START:
        return active || (a->once && helper_service_other(&s->before, a));

    case PM_ACTION_STOP:
        return (helper_state_is(a, "inactive")
                || helper_state_is(a, "failed")) && a->npids == 0;

    case PM_ACTION_RESTART:
        return (active || a->once) && helper_service_other(&s->before, a);

    case PM_ACTION_ENABLE:
        return strncmp(a->enabled, "enabled", 7) == 0;

    case PM_ACTION_DISABLE:
        return strncmp(a->enabled, "enabled", 7) != 0;

    default:
        return active;
    }
}


/* is it another run than before, as far as can be known? */

static int
helper_service_other(const helper_state_t *before,
    const helper_state_t *after)
{
    unsigned  i, j;

    if (before->run[0] && after->run[0]) {
        return strcmp(before->run, after->run) != 0;
    }

    for (i = 0; i < before->npids; i++) {
        for (j = 0; j < after->npids; j++) {
            if (before->pids[i] == after->pids[j]) {
                return 0;
            }
        }
    }

    return before->pid == 0 || after->pid != before->pid
           || after->start != before->start;
}
