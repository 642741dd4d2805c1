
/* units of systemd; the truth is what it shows of them before and after */


#include "helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_SYSTEMD_SHOW   10000   /* ms at most, to be told */
#define HELPER_SYSTEMD_LEAVE  3000    /* ms at most, to be moved */


static void helper_systemd_argv(const pm_policy_entry_t *e, int action,
    helper_run_t *run);
static void helper_systemd_observe(const pm_policy_entry_t *e,
    helper_state_t *s);
static void helper_systemd_copy(helper_state_t *s, const char *key, char *buf,
    size_t size);
static int helper_systemd_within(const char *group);


static const char  helper_systemctl[] = "/usr/bin/systemctl";


const helper_manager_t  helper_systemd = {
    (1u << PM_ACTIONS) - 1,
    250,
    1,
    helper_systemctl,
    NULL,
    helper_systemd_argv,
    helper_systemd_observe,
    helper_systemd_explain,
    helper_systemd_list
};


static const char  helper_systemd_keys[] =
    "Id,LoadState,ActiveState,SubState,Result,InvocationID,MainPID,"
    "Type,UnitFileState,ControlGroup,ConditionResult,"
    "ConditionTimestampMonotonic,Description,User,ExecStart,"
    "FragmentPath,ActiveEnterTimestamp,MemoryCurrent";


/* one unit a call; -1 - action does not wait for the job */

static void
helper_systemd_argv(const pm_policy_entry_t *e, int action, helper_run_t *run)
{
    run->argc = 0;

    helper_run_word(run, helper_systemctl);
    helper_run_word(run, "--no-ask-password");

    if (action < 0) {
        helper_run_word(run, "--no-block");
        action = -1 - action;
    }

    helper_run_word(run, pm_action_names[action]);
    helper_run_word(run, "--");
    helper_run_word(run, e->unit);
}


static void
helper_systemd_observe(const pm_policy_entry_t *e, helper_state_t *s)
{
    char           *p;
    char            why[HELPER_WHY];
    const char     *value;
    helper_proc_t   proc;
    helper_run_t    run;

    static uint8_t  err[PM_WIRE_OUTPUT];

    static const char *const  words[] = {
        helper_systemctl, "show", "--no-pager", "--timestamp=unix", "-p",
        helper_systemd_keys,
        "--", NULL
    };

    memset(s, 0, sizeof(helper_state_t));
    s->state = "unknown";

    helper_run_start(&run, HELPER_SYSTEMD_SHOW);
    helper_run_words(&run, words);
    helper_run_word(&run, e->unit);

    /* what the action said is still to be told */

    run.out = (uint8_t *) s->text;
    run.cap = sizeof(s->text) - 1;
    run.err = err;

    if (helper_exec(&run, why, sizeof(why)) != 0 || run.exit_code != 0) {
        snprintf(s->sub, sizeof(s->sub), "systemd does not answer");
        return;
    }

    s->len = run.out_len;

    for (p = s->text; (p = memchr(p, '\n', s->len - (size_t) (p - s->text)));
         /* void */)
    {
        *p++ = '\0';
    }

    value = helper_systemd_get(s, "ActiveState");

    s->state = strcmp(value, "active") == 0 ? "active"
               : strcmp(value, "reloading") == 0 ? "active"
               : strcmp(value, "inactive") == 0 ? "inactive"
               : strcmp(value, "failed") == 0 ? "failed"
               : strcmp(value, "activating") == 0 ? "activating"
               : strcmp(value, "deactivating") == 0 ? "deactivating"
               : "unknown";

    helper_systemd_copy(s, "SubState", s->sub, sizeof(s->sub));
    helper_systemd_copy(s, "InvocationID", s->run, sizeof(s->run));
    helper_systemd_copy(s, "UnitFileState", s->enabled, sizeof(s->enabled));

    s->missing = strcmp(helper_systemd_get(s, "LoadState"), "not-found") == 0;
    s->once = strcmp(s->state, "inactive") == 0
              && strcmp(helper_systemd_get(s, "Type"), "oneshot") == 0
              && strcmp(helper_systemd_get(s, "Result"), "success") == 0
              && !helper_systemd_unmet(s);

    s->pid = (pid_t) strtol(helper_systemd_get(s, "MainPID"), NULL, 10);

    if (s->pid > 0 && helper_proc(s->pid, &proc) == 0) {
        s->start = proc.start;
    }
}


const char *
helper_systemd_get(const helper_state_t *s, const char *key)
{
    size_t       len;
    const char  *p;

    len = strlen(key);

    for (p = s->text; p < s->text + s->len; p += strlen(p) + 1) {
        if (strncmp(p, key, len) == 0 && p[len] == '=') {
            return p + len + 1;
        }
    }

    return "";
}


/* systemd may have forgotten by now that it ever looked at the conditions */

int
helper_systemd_unmet(const helper_state_t *s)
{
    return strcmp(helper_systemd_get(s, "ConditionTimestampMonotonic"), "0")
           != 0
           && strcmp(helper_systemd_get(s, "ConditionResult"), "no") == 0;
}


static void
helper_systemd_copy(helper_state_t *s, const char *key, char *buf,
    size_t size)
{
    snprintf(buf, size, "%.*s", (int) size - 1, helper_systemd_get(s, key));
}


/* would the helper go down with this unit? */

int
helper_systemd_own(const helper_state_t *s)
{
    const char  *group;

    group = helper_systemd_get(s, "ControlGroup");

    return group[0] && group[1] && helper_systemd_within(group);
}


static int
helper_systemd_within(const char *group)
{
    char     buf[PM_WIRE_TEXT];
    char    *p, *save;
    size_t   len;

    (void) helper_proc_read("/proc/self/cgroup", buf, sizeof(buf));
    len = strlen(group);

    for (p = strtok_r(buf, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {

        p = strchr(p, ':');
        p = p ? strchr(p + 1, ':') : NULL;

        if (p && strncmp(p + 1, group, len) == 0
            && (p[1 + len] == '\0' || p[1 + len] == '/'))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * This process becomes a scope of its own, beside the unit of nginx, and
 * lives on when that ends.
 */

int
helper_systemd_leave(const char *op, char *why, size_t size)
{
    char          name[64], group[80], pid[16];
    uint64_t      end;
    helper_run_t  run;

    static uint8_t  out[PM_WIRE_OUTPUT];

    static const char *const  call[] = {
        "/usr/bin/busctl", "--system", "--timeout=5", "call",
        "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager", "StartTransientUnit",
        "ssa(sv)a(sa(sv))", NULL
    };

    static const char *const  pids[] = { "fail", "1", "PIDs", "au", "1", NULL };

    snprintf(name, sizeof(name), "procmgr-%.40s.scope", op);
    snprintf(group, sizeof(group), "/system.slice/%s", name);
    snprintf(pid, sizeof(pid), "%d", (int) getpid());

    helper_run_start(&run, HELPER_SYSTEMD_SHOW);
    run.out = out;
    helper_run_words(&run, call);
    helper_run_word(&run, name);
    helper_run_words(&run, pids);
    helper_run_word(&run, pid);
    helper_run_word(&run, "0");

    if (helper_exec(&run, why, size) != 0) {
        return -1;
    }

    end = helper_now() + HELPER_SYSTEMD_LEAVE;

    while (run.exit_code == 0 && helper_now() < end) {

        if (helper_systemd_within(group)) {
            return 0;
        }

        helper_sleep(10);
    }

    snprintf(why, size, "the helper runs within this unit and could not "
             "leave it, so it would end with it");

    return -1;
}
