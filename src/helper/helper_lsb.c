
/* services of scripts as in the Linux Standard Base, /etc/init.d/... */


#include "helper_drive.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


static void helper_lsb_observe(const pm_policy_entry_t *e,
    const helper_run_t *run, helper_state_t *s);
static void helper_lsb_enabled(const char *name, char *buf, size_t size);
static pid_t helper_lsb_pid(const char *path, uint64_t *start);


const helper_manager_t  helper_lsb = {
    0,
    0,
    helper_lsb_observe,
    helper_lsb_explain,
    helper_lsb_list
};


/*
 * 0 runs, 1 dead with a pid file, 2 dead with a lock file, 3 does not run, 4
 * unknown.  Some scripts say 1 of whatever does not run, so that without its
 * pid file 1 is no failure where the policy knows where that file would be.
 */

static void
helper_lsb_observe(const pm_policy_entry_t *e, const helper_run_t *run,
    helper_state_t *s)
{
    int           there;
    const char   *init;
    struct stat   st;

    memset(s, 0, sizeof(helper_state_t));

    s->state = "unknown";
    init = helper_step_init(e);

    if (init) {
        helper_lsb_enabled(init, s->enabled, sizeof(s->enabled));
    }

    if (run->failed) {
        snprintf(s->sub, sizeof(s->sub), "no status");
        return;
    }

    if (run->timed_out) {
        snprintf(s->sub, sizeof(s->sub), "status timed out");
        return;
    }

    there = 0;

    if (e->pidfile) {
        there = stat(e->pidfile, &st) == 0;
        s->pid = helper_lsb_pid(e->pidfile, &s->start);
    }

    switch (run->exit_code) {

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
    snprintf(s->sub, sizeof(s->sub), "status %d", run->exit_code);
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
