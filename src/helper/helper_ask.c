
/*
 * Of each verb, what is decided by the policy and done as root before it is
 * given up: nothing is run here but what tells a unit's own name.
 */


#include "helper.h"
#include "../policy/pm_fail.h"
#include "../policy/pm_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>


#define HELPER_JOURNAL_LINES  1000


int
helper_status_ask(helper_t *h)
{
    int  dir;

    (void) pm_policy_load(&h->policy, helper_policy_path, helper_owner);

    dir = helper_spool_open(h->why, sizeof(h->why));

    if (dir != -1) {
        close(dir);
        h->why[0] = '\0';
    }

    return 0;
}


/* what is known of an operation: its file, to be read by nobody */

int
helper_query_ask(helper_t *h)
{
    int   dir;
    char  why[HELPER_WHY];

    pm_fail(query_before, NULL);

    dir = helper_spool_open(why, sizeof(why));
    if (dir == -1) {
        return helper_refuse(h, "error", "spool_failed", "%s", why);
    }

    h->stored = openat(dir, h->op, O_RDONLY|O_NOFOLLOW|O_CLOEXEC);

    if (h->stored == -1 && errno != ENOENT) {
        return helper_refuse(h, "error", "spool_failed", "open failed: %s",
                             strerror(errno));
    }

    return 0;
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

    if (helper_steps(h, h->policy.n + 1) != 0) {
        return -1;
    }

    for (i = 0; i < h->policy.n; i++) {
        e = &h->policy.entry[i];

        if (e->kind == PM_POLICY_SERVICE && (e->roles & h->role)
            && (only == NULL || strcmp(e->name, only) == 0)
            && pm_policy_first(&h->policy, i, h->role))
        {
            helper_step_observe(&h->step[i], e);
        }
    }

    return 0;
}


int
helper_journal_ask(helper_t *h)
{
    uint64_t     asked;
    const char  *name;

    name = pm_wire_get(&h->msg, "name");

    if (name == NULL || pm_wire_getu(&h->msg, "lines", HELPER_JOURNAL_LINES,
                                     &asked) != 0 || asked == 0)
    {
        return helper_refuse(h, "refused", "bad_request", "name or lines is "
                             "missing or wrong");
    }

    (void) pm_policy_service(&h->policy, name, -1, h->role, &h->e);

    if (h->e == NULL) {
        return helper_refuse(h, "refused", "unknown_service", "the policy "
                             "knows no service \"%.64s\"", name);
    }

    h->lines = pm_policy_journal(&h->policy, h->e, h->role);

    if (h->lines == 0) {
        return helper_refuse(h, "refused", "policy_denied", "the policy does "
                             "not allow the log of \"%.64s\" to the role %s",
                             name, h->role_name);
    }

    if (asked < h->lines) {
        h->lines = (unsigned) asked;
    }

    if (helper_steps(h, 1) != 0) {
        return -1;
    }

    helper_step_log(h->step, h->e, h->lines);

    return 0;
}


/* systemd tells its timers to everybody, but without its bus to root alone */

int
helper_schedule_ask(helper_t *h)
{
    char  mark[64];

    if (!pm_policy_schedule(&h->policy, h->role)) {
        return helper_refuse(h, "refused", "policy_denied", "the policy does "
                             "not allow the schedules to the role %s",
                             h->role_name);
    }

    snprintf(mark, sizeof(mark), "schedule.%s", h->role_name);
    helper_spool_first(h, mark);

    if (access("/run/systemd/system", F_OK) == -1) {
        return 0;
    }

    if (helper_steps(h, 1) != 0) {
        return -1;
    }

    helper_step_timers(h->step);

    return 0;
}


int
helper_service_ask(helper_t *h)
{
    int           fd;
    char          why[HELPER_WHY], id[1024], lock[1200];
    const char   *name, *word, *program, *target;
    pm_permit_e   permit;
    struct stat   st;

    name = pm_wire_get(&h->msg, "name");
    word = pm_wire_get(&h->msg, "action");

    if (name == NULL || word == NULL) {
        return helper_refuse(h, "refused", "bad_request",
                             "name or action is missing");
    }

    h->action = pm_action(word);
    permit = pm_policy_service(&h->policy, name, h->action, h->role, &h->e);

    if (permit == PM_DENY_ACTION) {
        return helper_refuse(h, "refused", "action_not_allowed", "the policy "
                             "does not allow \"%.64s\" of \"%.64s\"", word,
                             name);
    }

    if (permit == PM_DENY_ROLE) {
        return helper_refuse(h, "refused", "role_too_low", "the policy does "
                             "not allow \"%.64s\" of \"%.64s\" to the role %s",
                             word, name, h->role_name);
    }

    if (permit != PM_PERMIT) {
        return helper_refuse(h, "refused", "unknown_service", "the policy "
                             "knows no service \"%.64s\"", name);
    }

    program = helper_step_program(h->e, h->action);

    if (program == NULL) {
        return helper_refuse(h, "refused", "not_supported", "%s of %s "
                             "services of this kind is not supported", word,
                             pm_manager_names[h->e->manager]);
    }

    if (helper_exec_check(program, why, sizeof(why)) != 0) {
        return helper_refuse(h, "refused", "not_executable", "%s", why);
    }

    if (h->e->config) {
        fd = pm_path_open(h->e->config, helper_owner, 0, &st, why,
                          sizeof(why));

        if (fd == -1) {
            return helper_refuse(h, "refused", "config_invalid", "%s", why);
        }

        close(fd);
    }

    /* one at a time, by whatever name it goes: units have aliases */

    target = h->e->unit;

    if (h->e->manager == PM_MANAGER_LSB) {
        target = program;

    } else if (h->e->manager == PM_MANAGER_SYSTEMD) {
        helper_step_id(h->e, id, sizeof(id));
        target = id[0] ? id : target;
    }

    snprintf(lock, sizeof(lock), "%s %s", pm_manager_names[h->e->manager],
             target);

    if (helper_steps(h, HELPER_STEPS) != 0
        || helper_spool_begin(h, lock, name) != 0)
    {
        return -1;
    }

    helper_step_service(h);

    return 0;
}


/* it may be, as far as nobody can tell: see helper_apart() */

int
helper_process_ask(helper_t *h)
{
    char      name[40];
    uint64_t  pid;

    if (pm_wire_getu(&h->msg, "pid", INT32_MAX, &pid) != 0) {
        return helper_refuse(h, "refused", "bad_request", "no pid");
    }

    snprintf(name, sizeof(name), "process %d", (int) pid);

    return helper_spool_begin(h, name, name);
}
