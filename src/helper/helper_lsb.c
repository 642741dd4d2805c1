
/* services of scripts as in the Linux Standard Base, /etc/init.d/... */


#include "helper.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_LSB_STATUS  10000      /* ms at most, of "status" */


static const char *helper_lsb_init(const pm_policy_entry_t *e);
static void helper_lsb_enabled(const char *name, char *buf, size_t size);
static const char *helper_lsb_program(const pm_policy_entry_t *e, int action,
    char *buf, size_t size);
static void helper_lsb_argv(const pm_policy_entry_t *e, int action,
    helper_run_t *run);
static void helper_lsb_observe(const pm_policy_entry_t *e, helper_state_t *s);
static pid_t helper_lsb_pid(const char *path, uint64_t *start);


const helper_manager_t  helper_lsb = {
    1u << PM_ACTION_START|1u << PM_ACTION_STOP|1u << PM_ACTION_RESTART
    |1u << PM_ACTION_RELOAD|1u << PM_ACTION_ENABLE|1u << PM_ACTION_DISABLE
    |1u << PM_ACTION_STATUS,
    0,
    0,
    NULL,
    helper_lsb_program,
    helper_lsb_argv,
    helper_lsb_observe,
    helper_lsb_explain,
    helper_lsb_list
};


static const char  helper_lsb_rc[] = "/usr/sbin/update-rc.d";


const char *
helper_lsb_path(const pm_policy_entry_t *e, char *path, size_t size)
{
    if (e->unit[0] == '/') {
        return e->unit;
    }

    snprintf(path, size, "/etc/init.d/%s", e->unit);

    return path;
}


/* the name that runlevels know it by, which only those of one folder have */

static const char *
helper_lsb_init(const pm_policy_entry_t *e)
{
    static const char  dir[] = "/etc/init.d/";

    if (e->unit[0] != '/') {
        return e->unit;
    }

    return strncmp(e->unit, dir, sizeof(dir) - 1) == 0
           && strchr(e->unit + sizeof(dir) - 1, '/') == NULL
           ? e->unit + sizeof(dir) - 1 : NULL;
}


static const char *
helper_lsb_program(const pm_policy_entry_t *e, int action, char *buf,
    size_t size)
{
    if (action == PM_ACTION_ENABLE || action == PM_ACTION_DISABLE) {
        return helper_lsb_init(e) ? helper_lsb_rc : NULL;
    }

    return helper_lsb_path(e, buf, size);
}


static void
helper_lsb_argv(const pm_policy_entry_t *e, int action, helper_run_t *run)
{
    static char  path[PM_POLICY_NAME + 16];

    static const char *const  scope[] = {
        "/usr/bin/systemd-run", "--scope", "--quiet", "--collect", "--", NULL
    };

    run->argc = 0;

    if (action == PM_ACTION_ENABLE || action == PM_ACTION_DISABLE) {
        helper_run_word(run, helper_lsb_rc);
        helper_run_word(run, helper_lsb_init(e));
        helper_run_word(run, pm_action_names[action]);
        return;
    }

    /* what it leaves running must not die with the unit of nginx */

    if (!helper_unprivileged
        && (action == PM_ACTION_START || action == PM_ACTION_RESTART)
        && access("/run/systemd/system", F_OK) == 0
        && access(scope[0], X_OK) == 0)
    {
        helper_run_words(run, scope);
    }

    helper_run_word(run, helper_lsb_path(e, path, sizeof(path)));
    helper_run_word(run, pm_action_names[action]);
}


/*
 * 0 runs, 1 dead with a pid file, 2 dead with a lock file, 3 does not run, 4
 * unknown.  Some scripts say 1 of whatever does not run, so that without its
 * pid file 1 is no failure where the policy knows where that file would be.
 */

static void
helper_lsb_observe(const pm_policy_entry_t *e, helper_state_t *s)
{
    int           there;
    char          why[HELPER_WHY];
    helper_run_t  run;
    struct stat   st;

    memset(s, 0, sizeof(helper_state_t));
    memset(&run, 0, sizeof(run));

    s->state = "unknown";

    if (helper_lsb_init(e)) {
        helper_lsb_enabled(helper_lsb_init(e), s->enabled,
                           sizeof(s->enabled));
    }

    helper_lsb_argv(e, PM_ACTION_STATUS, &run);
    run.timeout = e->timeout * 1000;

    if (run.timeout > HELPER_LSB_STATUS) {
        run.timeout = HELPER_LSB_STATUS;
    }

    if (helper_exec(&run, why, sizeof(why)) != 0) {
        snprintf(s->sub, sizeof(s->sub), "no status");
        return;
    }

    if (run.timed_out) {
        snprintf(s->sub, sizeof(s->sub), "status timed out");
        return;
    }

    there = 0;

    if (e->pidfile) {
        there = stat(e->pidfile, &st) == 0;
        s->pid = helper_lsb_pid(e->pidfile, &s->start);
    }

    switch (run.exit_code) {

    case 0:
        s->state = "active";
        snprintf(s->sub, sizeof(s->sub), "running");
        return;

    case 1:
    case 2:
        s->state = e->pidfile && !there ? "inactive" : "failed";
        break;

    case 3:
        s->state = "inactive";
        break;

    default:
        break;
    }

    s->pid = 0;
    s->start = 0;
    snprintf(s->sub, sizeof(s->sub), "status %d", run.exit_code);
}


/* is it started in one of the runlevels, stopped in all, or in none of them */

static void
helper_lsb_enabled(const char *name, char *buf, size_t size)
{
    int             known;
    char            dir[] = "/etc/rcN.d";
    DIR            *d;
    const char     *level;
    struct dirent  *e;

    known = 0;

    for (level = "S2345"; *level; level++) {

        dir[sizeof("/etc/rc") - 1] = *level;
        d = opendir(dir);

        while (d && (e = readdir(d)) != NULL) {

            if ((e->d_name[0] != 'S' && e->d_name[0] != 'K')
                || strlen(e->d_name) < 4 || strcmp(e->d_name + 3, name) != 0)
            {
                continue;
            }

            known |= e->d_name[0] == 'S' ? 2 : 1;
        }

        if (d) {
            closedir(d);
        }
    }

    if (known) {
        snprintf(buf, size, "%s", known & 2 ? "enabled" : "disabled");
    }
}


/* 0 unless it lives */

static pid_t
helper_lsb_pid(const char *path, uint64_t *start)
{
    char           buf[32];
    long           pid;
    helper_proc_t  p;

    (void) helper_proc_read(path, buf, sizeof(buf));
    pid = strtol(buf, NULL, 10);

    if (pid <= 1 || pid > 4194304
        || helper_proc((pid_t) pid, &p) != 0 || p.state == 'Z')
    {
        return 0;
    }

    *start = p.start;

    return (pid_t) pid;
}
