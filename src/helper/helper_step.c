
/*
 * What may be run for a request: which program, with which words.  All of it
 * comes from the policy and from these tables, and is there before root is
 * given up; who asks for a run then says its number and nothing else.
 */


#include "helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_STEP_LOOK  10000       /* ms at most, to be told a state */
#define HELPER_STEP_LIST  4000        /* ms at most, to list the timers */


/* a word of '%' and a letter is filled in, see helper_step_words() */

#define HELPER_SYSTEMCTL      "/usr/bin/systemctl"
#define HELPER_SUPERVISORCTL  "/usr/bin/supervisorctl"
#define HELPER_UPDATE_RC      "/usr/sbin/update-rc.d"

typedef const char *const  helper_words_t[16];

static helper_words_t  helper_act[PM_MANAGERS] = {
    { HELPER_SYSTEMCTL, "--no-ask-password", "%a", "--", "%u", NULL },
    { "%s", "%a", NULL },
    { HELPER_SUPERVISORCTL, "-c", "%c", "%a", "%u", NULL }
};

static helper_words_t  helper_observe[PM_MANAGERS] = {
    { HELPER_SYSTEMCTL, "show", "--no-pager", "--timestamp=unix", "-p",
      "Id,LoadState,ActiveState,SubState,Result,InvocationID,MainPID,"
      "Type,UnitFileState,ControlGroup,ConditionResult,"
      "ConditionTimestampMonotonic,Description,User,ExecStart,"
      "FragmentPath,ActiveEnterTimestamp,MemoryCurrent", "--", "%u", NULL },
    { "%s", "status", NULL },
    { HELPER_SUPERVISORCTL, "-c", "%c", "status", "%u", NULL }
};

static helper_words_t  helper_log_of[PM_MANAGERS] = {
    { "/usr/bin/journalctl", "--no-pager", "--quiet", "--output=short-iso",
      "-n", "%n", "-u", "%u", NULL },
    { NULL },                         /* a file, which need not be run */
    { HELPER_SUPERVISORCTL, "-c", "%c", "tail", "-65536", "%u", NULL }
};

static helper_words_t  helper_id = {
    HELPER_SYSTEMCTL, "show", "--no-pager", "-p", "Id", "--value", "--", "%u",
    NULL
};

static helper_words_t  helper_detached = {
    HELPER_SYSTEMCTL, "--no-ask-password", "--no-block", "%a", "--", "%u",
    NULL
};

/* both processes of the helper become a scope of their own */

static helper_words_t  helper_leave[2] = {
    { "/usr/bin/busctl", "--system", "--timeout=5", "call",
      "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
      "org.freedesktop.systemd1.Manager", "StartTransientUnit",
      "ssa(sv)a(sa(sv))", NULL },
    { "fail", "1", "PIDs", "au", "2", NULL }
};

static helper_words_t  helper_enable = { HELPER_UPDATE_RC, "%i", "%a", NULL };

/* what a script leaves running must not die with the unit of nginx */

static helper_words_t  helper_scope = {
    "/usr/bin/systemd-run", "--scope", "--quiet", "--collect", "--", NULL
};

static helper_words_t  helper_timers = {
    HELPER_SYSTEMCTL, "list-timers", "--all", "--no-pager", "--output=json",
    NULL
};


static void helper_step_words(helper_run_t *run, helper_words_t words,
    const pm_policy_entry_t *e, const char *action);


static char  helper_step_lines[16];
static char  helper_step_name[64];
static char  helper_step_pids[2][16];


int
helper_steps(helper_t *h, size_t n)
{
    h->step = calloc(n, sizeof(helper_run_t));

    if (h->step == NULL) {
        return helper_refuse(h, "error", "helper_error", "no memory");
    }

    h->nsteps = n;

    return 0;
}


void
helper_step_start(helper_run_t *run, unsigned timeout)
{
    static uint8_t  out[PM_WIRE_OUTPUT], err[PM_WIRE_OUTPUT];

    memset(run, 0, sizeof(helper_run_t));

    run->exit_code = -1;
    run->timeout = timeout;
    run->out = out;
    run->err = err;
}


void
helper_step_word(helper_run_t *run, const char *word)
{
    if (run->argc < HELPER_ARGS) {
        run->argv[run->argc++] = word;
    }
}


static void
helper_step_words(helper_run_t *run, helper_words_t words,
    const pm_policy_entry_t *e, const char *action)
{
    size_t       i;
    const char  *p;

    static const char  letters[] = "acinsu";

    const char *const  values[] = {
        action, e ? e->config : NULL, e ? helper_step_init(e) : NULL,
        helper_step_lines, e ? helper_step_script(e) : NULL,
        e ? e->unit : NULL
    };

    for (i = 0; words[i]; i++) {
        p = words[i][0] == '%' ? strchr(letters, words[i][1]) : NULL;
        helper_step_word(run, p ? values[p - letters] : words[i]);
    }
}


/* NULL when there is none that does this to such a service */

const char *
helper_step_program(const pm_policy_entry_t *e, int action)
{
    int  enable;

    enable = action == PM_ACTION_ENABLE || action == PM_ACTION_DISABLE;

    switch (e->manager) {

    case PM_MANAGER_SYSTEMD:
        return HELPER_SYSTEMCTL;

    case PM_MANAGER_SUPERVISOR:
        return enable || action == PM_ACTION_RELOAD ? NULL
                                                    : HELPER_SUPERVISORCTL;

    default:
        return !enable ? helper_step_script(e)
               : helper_step_init(e) ? HELPER_UPDATE_RC : NULL;
    }
}


const char *
helper_step_script(const pm_policy_entry_t *e)
{
    char  *path;

    if (e->manager != PM_MANAGER_LSB || e->unit[0] == '/') {
        return e->unit;
    }

    return asprintf(&path, "/etc/init.d/%s", e->unit) == -1 ? "" : path;
}


/* which only those of one folder have */

const char *
helper_step_init(const pm_policy_entry_t *e)
{
    static const char  dir[] = "/etc/init.d/";

    if (e->unit[0] != '/') {
        return e->unit;
    }

    return strncmp(e->unit, dir, sizeof(dir) - 1) == 0
           && strchr(e->unit + sizeof(dir) - 1, '/') == NULL
           ? e->unit + sizeof(dir) - 1 : NULL;
}


void
helper_step_service(helper_t *h)
{
    helper_run_t             *run;
    const char               *action;
    const pm_policy_entry_t  *e;

    e = h->e;
    action = pm_action_names[h->action];

    run = &h->step[HELPER_ACT];
    helper_step_start(run, e->timeout * 1000);
    run->once = 1;

    if (e->manager == PM_MANAGER_LSB && !helper_unprivileged
        && (h->action == PM_ACTION_START || h->action == PM_ACTION_RESTART)
        && access("/run/systemd/system", F_OK) == 0
        && access(helper_scope[0], X_OK) == 0)
    {
        helper_step_words(run, helper_scope, e, action);
    }

    helper_step_words(run, e->manager == PM_MANAGER_LSB
                           && (h->action == PM_ACTION_ENABLE
                               || h->action == PM_ACTION_DISABLE)
                           ? helper_enable : helper_act[e->manager],
                      e, action);

    helper_step_observe(&h->step[HELPER_OBSERVE], e);

    if (e->manager != PM_MANAGER_SYSTEMD) {
        return;
    }

    run = &h->step[HELPER_DETACHED];
    *run = h->step[HELPER_ACT];
    run->argc = 0;
    helper_step_words(run, helper_detached, e, action);

    run = &h->step[HELPER_LEAVE];
    helper_step_start(run, HELPER_STEP_LOOK);
    snprintf(helper_step_name, sizeof(helper_step_name),
             "procmgr-%.40s.scope", h->op);
    helper_step_words(run, helper_leave[0], e, action);
    helper_step_word(run, helper_step_name);
    helper_step_words(run, helper_leave[1], e, action);
    helper_step_word(run, helper_step_pids[0]);
    helper_step_word(run, helper_step_pids[1]);
    helper_step_word(run, "0");
}


/* the processes that leave, once both are there */

void
helper_step_leave(pid_t one, pid_t other)
{
    snprintf(helper_step_pids[0], sizeof(helper_step_pids[0]), "%d",
             (int) one);
    snprintf(helper_step_pids[1], sizeof(helper_step_pids[1]), "%d",
             (int) other);
}


/* what an action said is still to be told: this goes elsewhere */

void
helper_step_observe(helper_run_t *run, const pm_policy_entry_t *e)
{
    static uint8_t  seen[PM_WIRE_TEXT];

    helper_step_start(run, HELPER_STEP_LOOK);
    run->out = seen;
    run->cap = sizeof(seen) - 1;
    run->err = NULL;

    if (e->manager == PM_MANAGER_LSB && e->timeout * 1000 < run->timeout) {
        run->timeout = e->timeout * 1000;
    }

    helper_step_words(run, helper_observe[e->manager], e, NULL);
}


/* what a unit is called, whatever its alias: "" when that is not known */

void
helper_step_id(const pm_policy_entry_t *e, char *buf, size_t size)
{
    helper_run_t  run;

    helper_step_observe(&run, e);
    run.argc = 0;
    helper_step_words(&run, helper_id, e, NULL);

    buf[0] = '\0';

    if (helper_exec(&run) == 0 && run.exit_code == 0 && run.out_len > 1
        && run.out_len <= size)
    {
        memcpy(buf, run.out, run.out_len - 1);
        buf[run.out_len - 1] = '\0';
    }
}


void
helper_step_log(helper_run_t *run, const pm_policy_entry_t *e,
    unsigned lines)
{
    helper_step_start(run, HELPER_STEP_LOOK);
    run->tail = 1;
    snprintf(helper_step_lines, sizeof(helper_step_lines), "%u", lines);
    helper_step_words(run, helper_log_of[e->manager], e, NULL);
}


void
helper_step_timers(helper_run_t *run)
{
    helper_step_start(run, HELPER_STEP_LIST);
    helper_step_words(run, helper_timers, NULL, NULL);
}
