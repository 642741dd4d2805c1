
/* programs and groups of supervisord, whose exit codes tell little */


#include "helper_drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void helper_supervisor_observe(const pm_policy_entry_t *e,
    const helper_run_t *run, helper_state_t *s);
static int helper_supervisor_line(helper_state_t *s, char *line);


const helper_manager_t  helper_supervisor = {
    250,
    1,
    helper_supervisor_observe,
    helper_supervisor_explain,
    helper_supervisor_list
};


/* a line for each program: its name, its state, its pid where it has one */

static void
helper_supervisor_observe(const pm_policy_entry_t *e,
    const helper_run_t *run, helper_state_t *s)
{
    int             is, worst;
    char           *line, *save;
    unsigned        n, active;
    helper_proc_t   proc;

    /* from what says least of a group to what says most */

    static const char *const  states[] = {
        "unknown", "active", "inactive", "activating", "deactivating",
        "failed"
    };

    (void) e;

    memset(s, 0, sizeof(helper_state_t));
    s->state = states[0];

    if (run->failed || (run->exit_code != 0 && run->exit_code != 3)) {
        s->missing = 1;
        snprintf(s->sub, sizeof(s->sub), "no status");
        return;
    }

    memcpy(s->text, run->out, run->out_len);

    worst = 0;
    n = 0;
    active = 0;

    for (line = strtok_r(s->text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
    {
        is = helper_supervisor_line(s, line);

        if (is > worst) {
            worst = is;
        }

        n++;
        active += is == 1;
    }

    s->state = worst == 2 && active ? "failed" : states[worst];

    if (n > 1) {
        snprintf(s->sub, sizeof(s->sub), "%u of %u running", active, n);
    }

    if (s->npids && helper_proc(s->pids[0], &proc) == 0) {
        s->pid = s->pids[0];
        s->start = proc.start;
    }
}


/* "group:name   RUNNING   pid 4711, uptime 0:00:05" */

static int
helper_supervisor_line(helper_state_t *s, char *line)
{
    char     *word, *rest, *save;
    unsigned  i;

    static const struct {
        const char  *word;
        int          is;
    } words[] = {
        { "RUNNING", 1 }, { "STOPPED", 2 }, { "EXITED", 2 },
        { "STARTING", 3 }, { "STOPPING", 4 }, { "BACKOFF", 5 }, { "FATAL", 5 }
    };

    (void) strtok_r(line, " ", &save);
    word = strtok_r(NULL, " ", &save);
    rest = strtok_r(NULL, "", &save);

    if (word == NULL) {
        return 0;
    }

    rest = rest ? strstr(rest, "pid ") : NULL;

    if (rest && s->npids < HELPER_PIDS) {
        s->pids[s->npids++] = (pid_t) strtol(rest + 4, NULL, 10);
    }

    snprintf(s->sub, sizeof(s->sub), "%.32s", word);

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].word) == 0) {
            return words[i].is;
        }
    }

    return 0;
}
