
/* what all actions have in common: the spool, the lock, what is told */


#include "helper.h"
#include "../policy/pm_fail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>


uint8_t  helper_out[PM_WIRE_OUTPUT];
uint8_t  helper_err[PM_WIRE_OUTPUT];


void
helper_run_start(helper_run_t *run, unsigned timeout)
{
    memset(run, 0, sizeof(helper_run_t));

    run->exit_code = -1;
    run->timeout = timeout;
    run->out = helper_out;
    run->err = helper_err;
}


void
helper_run_word(helper_run_t *run, const char *word)
{
    if (run->argc < HELPER_ARGS) {
        run->argv[run->argc++] = word;
    }
}


void
helper_run_words(helper_run_t *run, const char *const *words)
{
    for ( /* void */ ; *words; words++) {
        helper_run_word(run, *words);
    }
}


int
helper_act_begin(helper_t *h, const char *target, const char *name)
{
    int   dir, rc;
    char  why[HELPER_WHY];

    dir = h->dir = helper_spool_open(why, sizeof(why));

    if (dir == -1) {
        helper_io_answer(h, "error", "spool_failed", "%s", why);
        return -1;
    }

    if (helper_spool_lock(dir, target) == -1) {
        helper_io_answer(h, "refused", "busy",
                         "another action on %s is running", name);
        return -1;
    }

    pm_fail(spool_before, NULL);

    rc = helper_spool_begin(h, dir, why, sizeof(why));

    if (rc == 1) {
        helper_io_answer(h, "refused", "replayed",
                         "this operation has been run");
        return -1;
    }

    if (rc == -1) {
        helper_io_answer(h, "error", "spool_failed", "%s", why);
        return -1;
    }

    pm_fail(spool_begun, NULL);

    helper_anchor(h, dir);

    return 0;
}


/* on the disk first, so that nobody knows what the spool does not */

void
helper_act_end(helper_t *h, pm_wire_text_t *t, const helper_run_t *run)
{
    pm_fail(end_before, NULL);

    helper_spool_end(h, t, run);

    pm_fail(end_written, NULL);

    helper_io_final(t, run);

    pm_fail(answer_sent, NULL);
}


void
helper_sleep(unsigned ms)
{
    struct timespec  ts;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    (void) nanosleep(&ts, NULL);
}
