
/* units of systemd; the truth is what it shows of them before and after */


#include "helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_SYSTEMD_SHOW   10000   /* ms at most, to be told */
#define HELPER_SYSTEMD_LEAVE  3000    /* ms at most, to be moved */


static const char *helper_systemd_program(const pm_policy_entry_t *e,
    char *buf, size_t size);
static void helper_systemd_argv(const pm_policy_entry_t *e, int action,
    helper_run_t *run);
static void helper_systemd_observe(const pm_policy_entry_t *e,
    helper_state_t *s);
static int helper_systemd_unmet(const helper_state_t *s);
static void helper_systemd_copy(helper_state_t *s, const char *key, char *buf,
    size_t size);
static const char *helper_systemd_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size);
static void helper_systemd_list(const pm_policy_entry_t *e,
    const helper_state_t *s, pm_wire_text_t *t);
static int helper_systemd_within(const char *group);


const helper_manager_t  helper_systemd = {
    (1u << PM_ACTIONS) - 1,
    250,
    1,
    helper_systemd_program,
    helper_systemd_argv,
    helper_systemd_observe,
    helper_systemd_explain,
    helper_systemd_list
};


static const char  helper_systemctl[] = "/usr/bin/systemctl";

static const char  helper_systemd_keys[] =
    "Id,LoadState,ActiveState,SubState,Result,InvocationID,MainPID,"
    "Type,UnitFileState,ControlGroup,ConditionResult,"
    "ConditionTimestampMonotonic,Description,User,ExecStart,"
    "FragmentPath,ActiveEnterTimestamp,MemoryCurrent";


static const char *
helper_systemd_program(const pm_policy_entry_t *e, char *buf, size_t size)
{
    (void) e;
    (void) buf;
    (void) size;

    return helper_systemctl;
}


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

static int
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


/* in the order in which one explains the other */

static const char *
helper_systemd_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size)
{
    size_t       i, len;
    const char  *result;

    static const struct {
        const char  *said;            /* by systemctl */
        const char  *key;             /* or shown of the unit */
        const char  *value;
        const char  *code;
        const char  *why;
    } known[] = {
        { "not been booted", NULL, NULL, "manager_unavailable",
          "systemd does not run here" },
        { "Failed to connect to bus", NULL, NULL, "manager_unavailable",
          "systemd cannot be reached" },
        { "authentication required", NULL, NULL, "permission_denied",
          "systemd does not allow this to the helper's user" },
        { "Access denied", NULL, NULL, "permission_denied",
          "systemd does not allow this to the helper's user" },
        { NULL, "LoadState", "not-found", "not_found",
          "systemd knows no such unit" },
        { " does not exist", NULL, NULL, "not_found",
          "systemd knows no such unit" },
        { " is masked", NULL, NULL, "masked", "the unit is masked" },
        { "reload is not applicable", NULL, NULL, "reload_unsupported",
          "the unit cannot be reloaded" },
        { "Operation refused", NULL, NULL, "refuse_manual",
          "the unit may not be started or stopped by hand" },
        { "attempted too often", NULL, NULL, "rate_limited",
          "the unit was started too often in too short a time; "
          "it stays so until \"systemctl reset-failed\" or for a while" },
        { NULL, "Result", "start-limit-hit", "rate_limited",
          "the unit was started too often in too short a time" },
        { "ependency ", NULL, NULL, "dependency_failed",
          "another unit that it needs could not be started" },
        { "bad unit file", NULL, NULL, "bad_unit",
          "the unit's file is not valid" },
        { NULL, "LoadState", "bad-setting", "bad_unit",
          "the unit's file is not valid" },
    };

    if (action == PM_ACTION_ENABLE && run->exit_code == 0) {
        snprintf(why, size, "the unit's file does not say how it would be "
                 "enabled");
        return "not_installable";
    }

    len = run->err_len < PM_WIRE_OUTPUT ? run->err_len : PM_WIRE_OUTPUT;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {

        if (known[i].said
            ? memmem(run->err, len, known[i].said, strlen(known[i].said))
              != NULL
            : strcmp(helper_systemd_get(after, known[i].key), known[i].value)
              == 0)
        {
            snprintf(why, size, "%s", known[i].why);
            return known[i].code;
        }
    }

    if (action == PM_ACTION_START || action == PM_ACTION_RESTART) {
        result = helper_systemd_get(after, "Result");

        if (run->exit_code == 0 && helper_systemd_unmet(after)) {
            snprintf(why, size, "a condition of the unit is not met, so it "
                     "was not started");
            return "condition_failed";
        }

        if (strcmp(result, "timeout") == 0) {
            snprintf(why, size, "the service was not ready in its time");
            return "start_timeout";
        }

        if (run->exit_code == 0 && strcmp(after->state, "inactive") == 0) {
            snprintf(why, size, "systemd started it without an error, but it "
                     "does not run: it ended at once, or one of its "
                     "conditions is not met");
            return "not_running";
        }

        if (strcmp(after->state, "active") != 0) {
            snprintf(why, size, "the service did not stay up: it is %s (%s)",
                     after->state, result);
            return "start_failed";
        }
    }

    return NULL;
}


static void
helper_systemd_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t)
{
    char         text[256];
    size_t       i;
    const char  *value, *end;

    static const char *const  keys[][2] = {
        { "Description", "description" }, { "User", "user" },
        { "FragmentPath", "unit_file" }, { "ControlGroup", "cgroup" },
    };

    (void) e;

    if (s == NULL) {
        return;
    }

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        value = helper_systemd_get(s, keys[i][0]);

        if (value[0]) {
            pm_wire_addn(t, keys[i][1], value, strnlen(value, 300));
        }
    }

    value = helper_systemd_get(s, "MemoryCurrent");

    if (value[0] >= '0' && value[0] <= '9' && strlen(value) < 20) {
        pm_wire_add(t, "memory", value);
    }

    value = helper_systemd_get(s, "ActiveEnterTimestamp");

    if (value[0] == '@') {
        pm_wire_add(t, "since", value + 1);
    }

    /* ExecStart={ path=/usr/sbin/cron ; argv[]=... */

    value = strstr(helper_systemd_get(s, "ExecStart"), "path=");
    end = value ? strstr(value, " ;") : NULL;

    if (end && (size_t) (end - value) < sizeof(text)) {
        pm_wire_addn(t, "program", value + 5, (size_t) (end - value) - 5);
    }
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
    int      fd;
    char     buf[PM_WIRE_TEXT];
    char    *p, *save;
    size_t   len;
    ssize_t  n;

    fd = open("/proc/self/cgroup", O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    buf[n > 0 ? n : 0] = '\0';
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
