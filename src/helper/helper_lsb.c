
/* services of scripts as in the Linux Standard Base, /etc/init.d/... */


#include "helper.h"
#include "../policy/pm_path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_LSB_STATUS  10000      /* ms at most, of "status" */


static const char *helper_lsb_path(const pm_policy_entry_t *e, char *path,
    size_t size);
static void helper_lsb_argv(const pm_policy_entry_t *e, int action,
    helper_run_t *run);
static void helper_lsb_observe(const pm_policy_entry_t *e, helper_state_t *s);
static pid_t helper_lsb_pid(const char *path, uint64_t *start);
static void helper_lsb_list(const pm_policy_entry_t *e,
    const helper_state_t *s, pm_wire_text_t *t);
static void helper_lsb_description(const char *path, char *buf, size_t size);


const helper_manager_t  helper_lsb = {
    1u << PM_ACTION_START|1u << PM_ACTION_STOP|1u << PM_ACTION_RESTART
    |1u << PM_ACTION_RELOAD|1u << PM_ACTION_STATUS,
    0,
    0,
    helper_lsb_path,
    helper_lsb_argv,
    helper_lsb_observe,
    NULL,
    helper_lsb_list
};


static const char *
helper_lsb_path(const pm_policy_entry_t *e, char *path, size_t size)
{
    if (e->unit[0] == '/') {
        return e->unit;
    }

    snprintf(path, size, "/etc/init.d/%s", e->unit);

    return path;
}


static void
helper_lsb_argv(const pm_policy_entry_t *e, int action, helper_run_t *run)
{
    static char  path[PM_POLICY_NAME + 16];

    static const char *const  scope[] = {
        "/usr/bin/systemd-run", "--scope", "--quiet", "--collect", "--", NULL
    };

    run->argc = 0;

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
    int            fd;
    char           buf[32];
    long           pid;
    ssize_t        n;
    helper_proc_t  p;

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
        || helper_proc((pid_t) pid, &p) != 0 || p.state == 'Z')
    {
        return 0;
    }

    *start = p.start;

    return (pid_t) pid;
}


static void
helper_lsb_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t)
{
    char         path[256], text[200];
    const char  *program;

    (void) s;

    program = helper_lsb_path(e, path, sizeof(path));
    pm_wire_add(t, "program", program);

    helper_lsb_description(program, text, sizeof(text));

    if (text[0]) {
        pm_wire_add(t, "description", text);
    }
}


/* of the script's own head */

static void
helper_lsb_description(const char *path, char *buf, size_t size)
{
    int          fd;
    char         text[4096];
    char        *p;
    size_t       len;
    ssize_t      n;
    struct stat  st;

    static const char  key[] = "\n# Short-Description:";

    buf[0] = '\0';

    fd = pm_path_open(path, helper_owner, 0, &st, text, sizeof(text));
    if (fd == -1) {
        return;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);

    if (n <= 0) {
        return;
    }

    text[n] = '\0';
    p = strstr(text, key);

    if (p == NULL) {
        return;
    }

    p += sizeof(key) - 1;
    p += strspn(p, " \t");
    len = strcspn(p, "\r\n");

    if (len >= size) {
        len = size - 1;
    }

    memcpy(buf, p, len);
    buf[len] = '\0';
}
