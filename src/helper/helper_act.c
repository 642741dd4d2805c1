
/* what all actions have in common: the spool, the lock, what is told */


#include "helper.h"
#include "../policy/pm_fail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>


uint8_t  helper_out[PM_WIRE_OUTPUT];
uint8_t  helper_err[PM_WIRE_OUTPUT];

static int  helper_act_spool;         /* the folder */


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

    dir = helper_act_spool = helper_spool_open(why, sizeof(why));

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

    helper_spool_prune(helper_act_spool);
}


void
helper_act_text(pm_wire_text_t *t, const helper_run_t *run)
{
    char      argv[1024];
    size_t    n, len;
    unsigned  i;

    if (run->exit_code >= 0) {
        pm_wire_addi(t, "exit_code", run->exit_code);
    }

    if (run->signal) {
        pm_wire_addi(t, "signal", run->signal);
    }

    pm_wire_addu(t, "duration_ms", run->duration);
    pm_wire_addu(t, "stdout_len", run->out_len);
    pm_wire_addu(t, "stderr_len", run->err_len);
    pm_wire_addu(t, "stdout_total", run->out_total);
    pm_wire_addu(t, "stderr_total", run->err_total);
    pm_wire_addu(t, "truncated", run->out_total > run->out_len
                                 || run->err_total > run->err_len);

    for (i = 0, n = 0; i < run->argc; i++) {

        len = strlen(run->argv[i]);

        if (len + 1 > sizeof(argv) - n) {
            break;
        }

        if (i) {
            argv[n++] = 0x1f;
        }

        memcpy(argv + n, run->argv[i], len);
        n += len;
    }

    pm_wire_addn(t, "argv", argv, n);
}


const char *
helper_act_judge(const helper_run_t *run, char *why, size_t size)
{
    const char  *program;

    program = run->path ? run->path : run->argv[0];

    if (run->timed_out) {
        snprintf(why, size, "%s did not end within %u s and was killed",
                 program, run->timeout / 1000);
        return "timeout";
    }

    if (run->signal) {
        snprintf(why, size, "%s was ended by signal %d", program,
                 run->signal);
        return "killed";
    }

    if (run->exit_code != 0) {
        snprintf(why, size, "%s ended with status %d", program,
                 run->exit_code);
        return "exit_status";
    }

    return NULL;
}


void
helper_sleep(unsigned ms)
{
    struct timespec  ts;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    (void) nanosleep(&ts, NULL);
}
