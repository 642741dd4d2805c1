
/* services of scripts as in the Linux Standard Base, /etc/init.d/... */


#include "helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_LSB_STATUS  10000      /* ms at most, of "status" */


static pid_t helper_lsb_pid(const char *path, uint64_t *start);


const char *
helper_lsb_path(const pm_policy_entry_t *e, char *path, size_t size)
{
    if (e->unit[0] == '/') {
        return e->unit;
    }

    snprintf(path, size, "/etc/init.d/%s", e->unit);

    return path;
}


void
helper_lsb_argv(const pm_policy_entry_t *e, int action, helper_run_t *run)
{
    size_t       i;
    static char  path[PM_POLICY_NAME + 16];

    static const char *const  scope[] = {
        "/usr/bin/systemd-run", "--scope", "--quiet", "--collect", "--"
    };

    run->argc = 0;

    /* what it leaves running must not die with the unit of nginx */

    if (!helper_unprivileged
        && (action == PM_ACTION_START || action == PM_ACTION_RESTART)
        && access("/run/systemd/system", F_OK) == 0
        && access(scope[0], X_OK) == 0)
    {
        for (i = 0; i < sizeof(scope) / sizeof(scope[0]); i++) {
            run->argv[run->argc++] = scope[i];
        }
    }

    run->argv[run->argc++] = helper_lsb_path(e, path, sizeof(path));
    run->argv[run->argc++] = pm_action_names[action];
}


/*
 * 0 runs, 1 dead with a pid file, 2 dead with a lock file, 3 does not run, 4
 * unknown.  Some scripts say 1 of whatever does not run, so that without its
 * pid file 1 is no failure where the policy knows where that file would be.
 */

void
helper_lsb_observe(const pm_policy_entry_t *e, helper_state_t *s)
{
    int           there;
    char          why[HELPER_WHY];
    helper_run_t  run;
    struct stat   st;

    memset(s, 0, sizeof(helper_state_t));
    memset(&run, 0, sizeof(run));

    s->state = "unknown";

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


/* 0 unless it lives */

static pid_t
helper_lsb_pid(const char *path, uint64_t *start)
{
    int          fd, ppid;
    char         buf[32], state;
    long         pid;
    ssize_t      n;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_NOCTTY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    if (n <= 0) {
        return 0;
    }

    buf[n] = '\0';
    pid = strtol(buf, NULL, 10);

    if (pid <= 1 || pid > 4194304
        || helper_stat((int) pid, &state, &ppid, start) != 0 || state == 'Z')
    {
        return 0;
    }

    return (pid_t) pid;
}
