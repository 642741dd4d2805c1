
/* the last lines that a service has left, where its manager keeps them */


#include "helper_drive.h"

#include <errno.h>
#include <string.h>


static int helper_journal_read(helper_t *h, helper_run_t *run);
static void helper_journal_cut(helper_run_t *run, unsigned lines);


void
helper_journal_act(helper_t *h)
{
    char             why[HELPER_WHY];
    const char      *code;
    helper_run_t    *run;
    pm_wire_text_t   t;

    run = h->step;
    code = NULL;

    if (h->e->manager == PM_MANAGER_LSB) {

        if (helper_journal_read(h, run) != 0) {
            helper_io_refused(h);
            return;
        }

    } else if (helper_run(h, 0)->failed) {
        (void) helper_refuse(h, "refused", "log_unreadable", "%s", run->why);
        helper_io_refused(h);
        return;

    } else {
        code = helper_act_judge(run, why, sizeof(why));
    }

    helper_journal_cut(run, h->lines);

    helper_io_start(&t, code ? "failed" : "ok", code, code ? why : NULL);
    helper_act_text(&t, run);
    helper_io_final(&t, run);
}


static int
helper_journal_read(helper_t *h, helper_run_t *run)
{
    off_t        whole;
    ssize_t      n;
    const char  *path;

    path = h->e->log;

    if (path == NULL) {
        return helper_refuse(h, "refused", "no_log", "the policy names no "
                             "log of \"%.64s\"", h->e->name);
    }

    n = helper_tail(path, run->out, PM_WIRE_OUTPUT, &whole);

    if (n == -1) {
        return errno == EINVAL
               ? helper_refuse(h, "refused", "log_unreadable", "%s is no "
                               "regular file of one name", path)
               : helper_refuse(h, "refused", "log_unreadable",
                               "read %s failed: %s", path, strerror(errno));
    }

    run->exit_code = 0;
    run->out_len = (size_t) n;
    run->out_total = (uint64_t) whole;

    return 0;
}


/* whole lines, and no more than asked for */

static void
helper_journal_cut(helper_run_t *run, unsigned lines)
{
    size_t    i, from;
    unsigned  n;

    from = 0;

    for (i = run->out_len, n = 0; i > 1; i--) {
        if (run->out[i - 2] == '\n' && ++n == lines) {
            from = i - 1;
            break;
        }
    }

    if (from == 0 && run->out_total > run->out_len) {
        while (from < run->out_len && run->out[from++] != '\n') {
            /* void: the rest of a line that is cut */
        }
    }

    run->out_len -= from;
    memmove(run->out, run->out + from, run->out_len);
}
