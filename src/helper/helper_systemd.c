
/* units of systemd; the truth is what it shows of them before and after */


#include "helper_drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_SYSTEMD_LEAVE  3000    /* ms at most, to be moved */


static void helper_systemd_observe(const pm_policy_entry_t *e,
    const helper_run_t *run, helper_state_t *s);
static void helper_systemd_copy(helper_state_t *s, const char *key, char *buf,
    size_t size);
static int helper_systemd_within(const char *pid, const char *group);


const helper_manager_t  helper_systemd = {
    250,
    1,
    helper_systemd_observe,
    helper_systemd_explain,
    helper_systemd_list
};


static void
helper_systemd_observe(const pm_policy_entry_t *e, const helper_run_t *run,
    helper_state_t *s)
{
    char           *p;
    size_t          i;
    const char     *value;
    helper_proc_t   proc;

    static const char *const  states[] = {
        "active", "inactive", "failed", "activating", "deactivating"
    };

    (void) e;

    memset(s, 0, sizeof(helper_state_t));
    s->state = "unknown";

    if (run->failed || run->exit_code != 0) {
        snprintf(s->sub, sizeof(s->sub), "systemd does not answer");
        return;
    }

    s->len = run->out_len;
    memcpy(s->text, run->out, s->len);

    for (p = s->text; (p = memchr(p, '\n', s->len - (size_t) (p - s->text)));
         /* void */)
    {
        *p++ = '\0';
    }

    value = helper_systemd_get(s, "ActiveState");

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(value, states[i]) == 0) {
            s->state = states[i];
        }
    }

    if (strcmp(value, "reloading") == 0) {
        s->state = "active";
    }

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

    return group[0] && group[1] && helper_systemd_within("self", group);
}


static int
helper_systemd_within(const char *pid, const char *group)
{
    char     path[32], buf[PM_WIRE_TEXT];
    char    *p, *save;
    size_t   len;

    snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
    (void) helper_proc_read(path, buf, sizeof(buf));
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
 * This process and the one that runs its programs become a scope of their
 * own, beside the unit of nginx, and live on when that ends.
 */

int
helper_systemd_leave(helper_t *h, char *why, size_t size)
{
    char           group[80], pid[16];
    uint64_t       end;
    helper_run_t  *run;

    snprintf(group, sizeof(group), "/system.slice/procmgr-%.40s.scope", h->op);
    snprintf(pid, sizeof(pid), "%d", (int) getppid());

    run = helper_run(h, HELPER_LEAVE);
    end = helper_now() + HELPER_SYSTEMD_LEAVE;

    while (run->exit_code == 0 && helper_now() < end) {

        if (helper_systemd_within("self", group)
            && helper_systemd_within(pid, group))
        {
            return 0;
        }

        helper_sleep(10);
    }

    snprintf(why, size, "the helper runs within this unit and could not "
             "leave it, so it would end with it");

    return -1;
}
