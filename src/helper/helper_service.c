
/* acting on a service: what it was, what was done, what it is now */


#include "helper.h"
#include "../policy/pm_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>


#define HELPER_EFFECT       5000      /* ms at most until it shows */
#define HELPER_EFFECT_STEP  10


typedef struct {
    const pm_policy_entry_t  *e;
    const helper_manager_t   *m;
    int                       action;
    int                       detached;   /* nobody waits for the answer */
    const char               *program;
    helper_run_t              run;
    helper_state_t            before;
    helper_state_t            after;
} helper_service_t;


static const char *helper_service_refused(pm_permit_e permit, char *why,
    size_t size, const char *name, const char *action, const char *role);
static const char *helper_service_target(helper_service_t *s);
static void helper_service_act(helper_t *h, helper_service_t *s);
static const char *helper_service_run(helper_t *h, helper_service_t *s,
    const char **code, char *why, size_t size);
static int helper_service_done(const helper_service_t *s);
static int helper_service_wait(helper_service_t *s);
static int helper_service_effect(const helper_service_t *s);
static int helper_service_other(const helper_state_t *before,
    const helper_state_t *after);
static int helper_service_is(const helper_state_t *s, const char *state);
static const char *helper_service_judge(const helper_service_t *s,
    int effect, char *why, size_t size);
static void helper_service_text(pm_wire_text_t *t, const char *when,
    const helper_state_t *s);


static const helper_manager_t *const  helper_managers[PM_MANAGERS] = {
    &helper_systemd, &helper_lsb, &helper_supervisor
};

static helper_service_t  helper_service_one;


const helper_manager_t *
helper_manager(const pm_policy_entry_t *e)
{
    return helper_managers[e->manager];
}


void
helper_service(helper_t *h)
{
    int                  fd;
    char                 why[HELPER_WHY], lock[1200], path[256];
    const char          *name, *word, *code;
    pm_permit_e          permit;
    struct stat          st;
    helper_service_t    *s;

    s = &helper_service_one;
    name = pm_wire_get(&h->msg, "name");
    word = pm_wire_get(&h->msg, "action");

    if (name == NULL || word == NULL) {
        helper_io_answer(h, "refused", "bad_request",
                         "name or action is missing");
        return;
    }

    s->action = pm_action(word);
    permit = pm_policy_service(&h->policy, name, s->action, h->role, &s->e);

    if (permit != PM_PERMIT) {
        code = helper_service_refused(permit, why, sizeof(why), name, word,
                                      h->role_name);
        helper_io_answer(h, "refused", code, "%s", why);
        return;
    }

    s->m = helper_manager(s->e);

    if (!(s->m->actions & (1u << s->action))) {
        helper_io_answer(h, "refused", "not_supported", "%s of %s services "
                         "is not supported", word,
                         pm_manager_names[s->e->manager]);
        return;
    }

    s->program = s->m->program(s->e, path, sizeof(path));

    if (helper_exec_check(s->program, why, sizeof(why)) != 0) {
        helper_io_answer(h, "refused", "not_executable", "%s", why);
        return;
    }

    if (s->e->config) {
        fd = pm_path_open(s->e->config, helper_owner, 0, &st, why,
                          sizeof(why));

        if (fd == -1) {
            helper_io_answer(h, "refused", "config_invalid", "%s", why);
            return;
        }

        close(fd);
    }

    snprintf(lock, sizeof(lock), "%s %s", pm_manager_names[s->e->manager],
             helper_service_target(s));

    if (helper_act_begin(h, lock, name) == 0) {
        helper_service_act(h, s);
    }
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
    char             why[HELPER_WHY];
    uint64_t         start;
    const char      *code, *result;
    pm_wire_text_t   t;

    start = helper_now();
    helper_run_start(&s->run, s->e->timeout * 1000);
    s->m->argv(s->e, s->action, &s->run);

    helper_log(h, "permitted: %s %s (%s %s)", pm_action_names[s->action],
               s->e->name, pm_manager_names[s->e->manager], s->e->unit);

    s->m->observe(s->e, &s->before);
    s->after = s->before;

    result = "ok";
    code = NULL;

    if (s->action != PM_ACTION_STATUS && helper_service_done(s)) {
        code = "unchanged";
        snprintf(why, sizeof(why), "%s is %s already", s->e->name,
                 s->action >= PM_ACTION_ENABLE ? s->before.enabled
                                               : s->before.state);

    } else if (s->action != PM_ACTION_STATUS) {
        result = helper_service_run(h, s, &code, why, sizeof(why));
    }

    s->run.duration = helper_now() - start;

    helper_io_start(&t, result, code, code ? why : NULL);
    helper_act_text(&t, &s->run);
    helper_service_text(&t, "before", &s->before);
    helper_service_text(&t, "after", &s->after);
    helper_act_end(h, &t, &s->run);

    helper_log(h, "%s%s%s: %s %s, exit %d, %s before, %s after", result,
               code ? " " : "", code ? code : "",
               pm_action_names[s->action], s->e->name, s->run.exit_code,
               s->before.state, s->after.state);
}


static const char *
helper_service_run(helper_t *h, helper_service_t *s, const char **code,
    char *why, size_t size)
{
    int  effect;

    /* what ends nginx ends all that it has started, and its own answer */

    if (s->e->manager == PM_MANAGER_SYSTEMD && helper_systemd_own(&s->before)
        && (s->action == PM_ACTION_STOP || s->action == PM_ACTION_RESTART))
    {
        if (helper_systemd_leave(h->op, why, size) != 0) {
            *code = "own_unit";
            return "refused";
        }

        s->detached = 1;
        s->m->argv(s->e, -1 - s->action, &s->run);
    }

    if (helper_exec(&s->run, why, size) != 0) {
        *code = "not_executable";
        return "refused";
    }

    if (s->detached && s->run.exit_code == 0) {

        /* nginx's end would wait for ours: it reads the spool instead */
        (void) shutdown(HELPER_SOCKET, SHUT_RDWR);
    }

    effect = helper_service_wait(s);
    *code = helper_service_judge(s, effect, why, size);

    if (*code == NULL && s->action == PM_ACTION_STOP
        && helper_service_is(&s->after, "failed")
        && !helper_service_is(&s->before, "failed"))
    {
        *code = "forced";
        snprintf(why, size, "%s did not stop by itself and had to be killed",
                 s->e->name);
        return "ok";
    }

    return *code ? "failed" : "ok";
}


/* is there nothing to do? */

static int
helper_service_done(const helper_service_t *s)
{
    const helper_state_t  *b;

    b = &s->before;

    switch (s->action) {

    case PM_ACTION_START:
        return helper_service_is(b, "active");

    case PM_ACTION_STOP:
        return helper_service_is(b, "inactive") && !b->missing;

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
            && !helper_service_is(&s->after, "activating")
            && !helper_service_is(&s->after, "deactivating"))
        {
            break;
        }

        helper_sleep(step);
        step = step < 160 ? 2 * step : step;
    }

    if (effect && s->m->settle && helper_service_is(&s->after, "active")
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

    active = helper_service_is(a, "active");

    switch (s->action) {

    case PM_ACTION_START:
        return active || (a->once && helper_service_other(&s->before, a));

    case PM_ACTION_STOP:
        return (helper_service_is(a, "inactive")
                || helper_service_is(a, "failed")) && a->npids == 0;

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


static int
helper_service_is(const helper_state_t *s, const char *state)
{
    return strcmp(s->state, state) == 0;
}


/* NULL is well; success takes the effect and the exit status */

static const char *
helper_service_judge(const helper_service_t *s, int effect, char *why,
    size_t size)
{
    const char  *code, *action;

    action = pm_action_names[s->action];

    if (effect && s->run.exit_code == 0) {
        return NULL;
    }

    if (!s->run.timed_out && !s->run.signal && s->m->explain) {
        code = s->m->explain(s->action, &s->run, &s->after, why, size);

        if (code) {
            return code;
        }
    }

    if (s->run.timed_out || s->run.signal) {
        return helper_act_judge(&s->run, why, size);
    }

    if (s->run.exit_code != 0) {
        snprintf(why, size, "%s %s ended with status %d; the service is %s",
                 s->program, action, s->run.exit_code, s->after.state);
        return "exit_status";
    }

    if (s->action == PM_ACTION_RESTART
        && helper_service_is(&s->after, "active"))
    {
        snprintf(why, size, "the same process runs as before the restart");
        return "not_restarted";
    }

    snprintf(why, size, "%s reported success, but the service is %s",
             s->program, s->action >= PM_ACTION_ENABLE ? s->after.enabled
                                                       : s->after.state);

    return "no_effect";
}


static void
helper_service_text(pm_wire_text_t *t, const char *when,
    const helper_state_t *s)
{
    char  key[32];

    snprintf(key, sizeof(key), "%s_state", when);
    pm_wire_add(t, key, s->state);

    snprintf(key, sizeof(key), "%s_sub", when);
    pm_wire_add(t, key, s->sub);

    if (s->pid) {
        snprintf(key, sizeof(key), "%s_pid", when);
        pm_wire_addi(t, key, s->pid);
    }

    if (s->enabled[0]) {
        snprintf(key, sizeof(key), "%s_enabled", when);
        pm_wire_add(t, key, s->enabled);
    }
}
