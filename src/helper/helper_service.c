
/* acting on a service: what it was, what was done, what it is now */


#include "helper.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define HELPER_EFFECT       5000      /* ms at most until it shows */
#define HELPER_EFFECT_STEP  10


static const char *helper_service_refused(pm_permit_e permit, char *why,
    size_t size, const char *name, const char *action, const char *role);
static int helper_service_done(int action, const helper_state_t *before);
static int helper_service_effect(int action, const helper_state_t *before,
    const helper_state_t *after);
static void helper_service_act(helper_t *h, const pm_policy_entry_t *e,
    int action);
static const char *helper_service_judge(const pm_policy_entry_t *e,
    int action, const helper_run_t *run, int effect,
    const helper_state_t *after, char *why, size_t size);
static void helper_service_text(pm_wire_text_t *t, const helper_run_t *run,
    const helper_state_t *before, const helper_state_t *after);


static uint8_t  helper_service_out[PM_WIRE_OUTPUT];
static uint8_t  helper_service_err[PM_WIRE_OUTPUT];


void
helper_service(helper_t *h)
{
    int                       action, dir, rc;
    char                      why[HELPER_WHY], lock[1200], path[256];
    const char               *name, *word, *code, *program;
    pm_permit_e               permit;
    const pm_policy_entry_t  *e;

    name = pm_wire_get(&h->msg, "name");
    word = pm_wire_get(&h->msg, "action");

    if (name == NULL || word == NULL) {
        helper_io_answer(h, "refused", "bad_request",
                         "name or action is missing");
        return;
    }

    action = pm_action(word);
    permit = pm_policy_service(&h->policy, name, action, h->role, &e);

    if (permit != PM_PERMIT) {
        code = helper_service_refused(permit, why, sizeof(why), name, word,
                                      h->role_name);
        helper_io_answer(h, "refused", code, "%s", why);
        return;
    }

    if (e->manager != PM_MANAGER_LSB || action == PM_ACTION_ENABLE
        || action == PM_ACTION_DISABLE)
    {
        helper_io_answer(h, "refused", "not_supported", "%s of %s services "
                         "is not supported", word,
                         pm_manager_names[e->manager]);
        return;
    }

    program = helper_lsb_path(e, path, sizeof(path));

    if (helper_exec_check(program, why, sizeof(why)) != 0) {
        helper_io_answer(h, "refused", "not_executable", "%s", why);
        return;
    }

    dir = helper_spool_open(why, sizeof(why));
    if (dir == -1) {
        helper_io_answer(h, "error", "spool_failed", "%s", why);
        return;
    }

    snprintf(lock, sizeof(lock), "%s %s", pm_manager_names[e->manager],
             program);

    if (helper_spool_lock(dir, lock) == -1) {
        helper_io_answer(h, "refused", "busy",
                         "another action on %s is running", name);
        return;
    }

    rc = helper_spool_begin(h, dir, why, sizeof(why));

    if (rc == 1) {
        helper_io_answer(h, "refused", "replayed",
                         "this operation has been run");
        return;
    }

    if (rc == -1) {
        helper_io_answer(h, "error", "spool_failed", "%s", why);
        return;
    }

    helper_service_act(h, e, action);
    helper_spool_prune(dir);
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


static void
helper_service_act(helper_t *h, const pm_policy_entry_t *e, int action)
{
    int              effect;
    char             why[HELPER_WHY];
    unsigned         step;
    uint64_t         start, end;
    const char      *code, *result;
    helper_run_t     run;
    helper_state_t   before, after;
    pm_wire_text_t   t;
    struct timespec  ts;

    start = helper_now();
    memset(&run, 0, sizeof(run));
    run.exit_code = -1;
    run.timeout = e->timeout * 1000;
    run.out = helper_service_out;
    run.err = helper_service_err;
    helper_lsb_argv(e, action, &run);

    helper_log(h, "permitted: %s %s (%s %s)", pm_action_names[action],
               e->name, pm_manager_names[e->manager],
               run.argv[run.argc - 2]);

    helper_lsb_observe(e, &before);
    after = before;

    result = "ok";
    code = NULL;

    if (action != PM_ACTION_STATUS && helper_service_done(action, &before)) {
        code = "unchanged";
        snprintf(why, sizeof(why), "%s is %s already", e->name, before.state);

    } else if (action != PM_ACTION_STATUS) {

        if (helper_exec(&run, why, sizeof(why)) != 0) {
            result = "refused";
            code = "not_executable";

        } else {
            end = helper_now() + (run.timeout < HELPER_EFFECT ? run.timeout
                                                              : HELPER_EFFECT);
            step = HELPER_EFFECT_STEP;

            for ( ;; ) {
                helper_lsb_observe(e, &after);
                effect = helper_service_effect(action, &before, &after);

                /* a script that failed has nothing more to come */

                if (effect || run.exit_code != 0 || helper_now() >= end) {
                    break;
                }

                ts.tv_sec = 0;
                ts.tv_nsec = step * 1000000L;
                nanosleep(&ts, NULL);
                step = step < 160 ? 2 * step : step;
            }

            code = helper_service_judge(e, action, &run, effect, &after, why,
                                        sizeof(why));
            result = code ? "failed" : "ok";
        }
    }

    run.duration = helper_now() - start;

    helper_io_start(&t, result, code, code ? why : NULL);
    helper_service_text(&t, &run, &before, &after);

    helper_spool_end(h, &t, &run);
    helper_io_final(&t, &run);

    helper_log(h, "%s%s%s: %s %s, exit %d, %s before, %s after", result,
               code ? " " : "", code ? code : "", pm_action_names[action],
               e->name, run.exit_code, before.state, after.state);
}


/* is there nothing to do? */

static int
helper_service_done(int action, const helper_state_t *before)
{
    switch (action) {

    case PM_ACTION_START:
        return strcmp(before->state, "active") == 0;

    case PM_ACTION_STOP:
        return strcmp(before->state, "inactive") == 0;

    default:
        return 0;
    }
}


static int
helper_service_effect(int action, const helper_state_t *before,
    const helper_state_t *after)
{
    int  active;

    active = strcmp(after->state, "active") == 0;

    switch (action) {

    case PM_ACTION_STOP:
        return strcmp(after->state, "inactive") == 0
               || strcmp(after->state, "failed") == 0;

    case PM_ACTION_RESTART:
        return active && (before->pid == 0 || after->pid != before->pid
                          || after->start != before->start);

    default:
        return active;
    }
}


/* NULL is well; success takes the effect and the exit status */

static const char *
helper_service_judge(const pm_policy_entry_t *e, int action,
    const helper_run_t *run, int effect, const helper_state_t *after,
    char *why, size_t size)
{
    const char  *script;

    script = run->argv[run->argc - 2];

    if (run->timed_out) {
        snprintf(why, size, "%s did not end within %u s and was killed",
                 script, e->timeout);
        return "timeout";
    }

    if (run->signal) {
        snprintf(why, size, "%s was ended by signal %d", script,
                 run->signal);
        return "killed";
    }

    if (run->exit_code != 0) {
        snprintf(why, size, "%s %s ended with status %d; the service is %s",
                 script, pm_action_names[action], run->exit_code,
                 after->state);
        return "exit_status";
    }

    if (effect) {
        return NULL;
    }

    if (action == PM_ACTION_RESTART && strcmp(after->state, "active") == 0) {
        snprintf(why, size, "the same process runs as before the restart");
        return "not_restarted";
    }

    snprintf(why, size, "%s reported success, but the service is %s",
             script, after->state);

    return "no_effect";
}


static void
helper_service_text(pm_wire_text_t *t, const helper_run_t *run,
    const helper_state_t *before, const helper_state_t *after)
{
    char      argv[1024];
    size_t    n, len;
    unsigned  i;

    if (run->exit_code >= 0) {
        pm_wire_addi(t, "exit_code", run->exit_code);
    }

    if (run->signal) {
        pm_wire_addi(t, "signal", run->signal);
    }

    pm_wire_addu(t, "duration_ms", run->duration);
    pm_wire_addu(t, "stdout_len", run->out_len);
    pm_wire_addu(t, "stderr_len", run->err_len);
    pm_wire_addu(t, "stdout_total", run->out_total);
    pm_wire_addu(t, "stderr_total", run->err_total);
    pm_wire_addu(t, "truncated", run->out_total > run->out_len
                                 || run->err_total > run->err_len);

    pm_wire_add(t, "before_state", before->state);
    pm_wire_add(t, "before_sub", before->sub);

    if (before->pid) {
        pm_wire_addi(t, "before_pid", before->pid);
    }

    pm_wire_add(t, "after_state", after->state);
    pm_wire_add(t, "after_sub", after->sub);

    if (after->pid) {
        pm_wire_addi(t, "after_pid", after->pid);
    }

    for (i = 0, n = 0; i < run->argc; i++) {

        len = strlen(run->argv[i]);

        if (len + 1 > sizeof(argv) - n) {
            break;
        }

        if (i) {
            argv[n++] = 0x1f;
        }

        memcpy(argv + n, run->argv[i], len);
        n += len;
    }

    pm_wire_addn(t, "argv", argv, n);
}
