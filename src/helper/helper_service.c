
/* acting on a service: what it was, what was done, what it is now */


#include "helper.h"
#include "../policy/pm_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>


#define HELPER_EFFECT       5000      /* ms at most until it shows */
#define HELPER_EFFECT_STEP  10


static const char *helper_service_refused(pm_permit_e permit, char *why,
    size_t size, const char *name, const char *action, const char *role);
static const char *helper_service_target(helper_service_t *s);
static void helper_service_act(helper_t *h, helper_service_t *s);
static void helper_service_run(helper_t *h, helper_service_t *s);
static int helper_service_done(const helper_service_t *s);
static int helper_service_wait(helper_service_t *s);
static int helper_service_effect(const helper_service_t *s);
static int helper_service_other(const helper_state_t *before,
    const helper_state_t *after);


static const helper_manager_t *const  helper_managers[PM_MANAGERS] = {
    &helper_systemd, &helper_lsb, &helper_supervisor
};

helper_service_t  helper_service_one;

static helper_state_t  *helper_states;        /* of the policy's entries */


const helper_manager_t *
helper_manager(const pm_policy_entry_t *e)
{
    return helper_managers[e->manager];
}


int
helper_service_ask(helper_t *h)
{
    int                  fd;
    char                 why[HELPER_WHY], lock[1200];
    const char          *name, *word, *code;
    pm_permit_e          permit;
    struct stat          st;
    helper_service_t    *s;

    static char          path[256];

    s = &helper_service_one;
    name = pm_wire_get(&h->msg, "name");
    word = pm_wire_get(&h->msg, "action");

    if (name == NULL || word == NULL) {
        helper_io_answer(h, "refused", "bad_request",
                         "name or action is missing");
        return -1;
    }

    s->action = pm_action(word);
    permit = pm_policy_service(&h->policy, name, s->action, h->role, &s->e);

    if (permit != PM_PERMIT) {
        code = helper_service_refused(permit, why, sizeof(why), name, word,
                                      h->role_name);
        helper_io_answer(h, "refused", code, "%s", why);
        return -1;
    }

    s->m = helper_manager(s->e);
    s->program = s->m->program;

    if (!(s->m->actions & (1u << s->action))) {
        s->program = NULL;

    } else if (s->program == NULL) {
        s->program = s->m->program_of(s->e, s->action, path, sizeof(path));
    }

    if (s->program == NULL) {
        helper_io_answer(h, "refused", "not_supported", "%s of %s services "
                         "of this kind is not supported", word,
                         pm_manager_names[s->e->manager]);
        return -1;
    }

    if (helper_exec_check(s->program, why, sizeof(why)) != 0) {
        helper_io_answer(h, "refused", "not_executable", "%s", why);
        return -1;
    }

    if (s->e->config) {
        fd = pm_path_open(s->e->config, helper_owner, 0, &st, why,
                          sizeof(why));

        if (fd == -1) {
            helper_io_answer(h, "refused", "config_invalid", "%s", why);
            return -1;
        }

        close(fd);
    }

    snprintf(lock, sizeof(lock), "%s %s", pm_manager_names[s->e->manager],
             helper_service_target(s));

    if (helper_act_begin(h, lock, name) != 0) {
        return -1;
    }

    helper_service_act(h, s);

    return 0;
}


static const char *
helper_service_refused(pm_permit_e permit, char *why, size_t size,
    const char *name, const char *action, const char *role)
{
    switch (permit) {

    case PM_DENY_ACTION:
        snprintf(why, size, "the policy does not allow \"%.64s\" of \"%.64s\"",
                 action, name);
        return "action_not_allowed";

    case PM_DENY_ROLE:
        snprintf(why, size, "the policy does not allow \"%.64s\" of \"%.64s\" "
                 "to the role %s", action, name, role);
        return "role_too_low";

    default:
        snprintf(why, size, "the policy knows no service \"%.64s\"", name);
        return "unknown_service";
    }
}


/* by whatever name it goes: units have aliases */

static const char *
helper_service_target(helper_service_t *s)
{
    const char  *id;

    if (s->e->manager == PM_MANAGER_LSB) {
        return s->program;
    }

    if (s->e->manager == PM_MANAGER_SYSTEMD) {
        s->m->observe(s->e, &s->before);
        id = helper_systemd_get(&s->before, "Id");

        if (id[0] && strlen(id) < 1024) {
            return id;
        }
    }

    return s->e->unit;
}


static void
helper_service_act(helper_t *h, helper_service_t *s)
{
    s->start = helper_now();
    helper_run_start(&s->run, s->e->timeout * 1000);
    s->m->argv(s->e, s->action, &s->run);

    helper_log(h, "permitted: %s %s (%s %s)", pm_action_names[s->action],
               s->e->name, pm_manager_names[s->e->manager], s->e->unit);

    s->m->observe(s->e, &s->before);
    s->after = s->before;
    s->done = s->action == PM_ACTION_STATUS || helper_service_done(s);

    if (!s->done) {
        helper_service_run(h, s);
    }
}


static void
helper_service_run(helper_t *h, helper_service_t *s)
{
    /* what ends nginx ends all that it has started, and its own answer */

    if (s->e->manager == PM_MANAGER_SYSTEMD && helper_systemd_own(&s->before)
        && (s->action == PM_ACTION_STOP || s->action == PM_ACTION_RESTART))
    {
        if (helper_systemd_leave(h->op, s->why, sizeof(s->why)) != 0) {
            s->code = "own_unit";
            return;
        }

        s->detached = 1;
        s->m->argv(s->e, -1 - s->action, &s->run);
    }

    if (helper_exec(&s->run, s->why, sizeof(s->why)) != 0) {
        s->code = "not_executable";
        return;
    }

    if (s->detached && s->run.exit_code == 0) {

        /* nginx's end would wait for ours: it reads the spool instead */
        (void) shutdown(HELPER_SOCKET, SHUT_RDWR);
    }

    s->effect = helper_service_wait(s);
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
helper_service_wait(helper_service_t *s)
{
    int       effect;
    unsigned  step;
    uint64_t  end;

    end = helper_now() + (s->run.timeout < HELPER_EFFECT || s->detached
                          ? s->run.timeout : HELPER_EFFECT);
    step = HELPER_EFFECT_STEP;

    for ( ;; ) {
        s->m->observe(s->e, &s->after);
        effect = helper_service_effect(s);

        /* what failed has nothing more to come */

        if (effect || s->run.exit_code != 0 || helper_now() >= end) {
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
        s->m->observe(s->e, &s->after);
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


/* how the services are that a role may see, where that is asked for */

int
helper_list_ask(helper_t *h)
{
    size_t                    i;
    const char               *only, *live;
    const pm_policy_entry_t  *e;

    only = pm_wire_get(&h->msg, "name");
    live = pm_wire_get(&h->msg, "live");

    if (live == NULL || strcmp(live, "1") != 0) {
        return 0;
    }

    helper_states = calloc(h->policy.n + 1, sizeof(helper_state_t));

    for (i = 0; helper_states && i < h->policy.n; i++) {
        e = &h->policy.entry[i];

        if (e->kind == PM_POLICY_SERVICE && (e->roles & h->role)
            && (only == NULL || strcmp(e->name, only) == 0)
            && pm_policy_first(&h->policy, i, h->role))
        {
            helper_manager(e)->observe(e, &helper_states[i]);
        }
    }

    return 0;
}


const helper_state_t *
helper_list_state(size_t i)
{
    return helper_states ? &helper_states[i] : NULL;
}
