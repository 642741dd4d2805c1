
/* commands: only those that the policy has, word for word */


#include "helper.h"

#include <stdio.h>
#include <string.h>


static size_t helper_command_split(const char *text, char *buf, size_t size,
    const char **words);


void
helper_command(helper_t *h)
{
    char                      why[HELPER_WHY], target[200], text[PM_WIRE_TEXT];
    size_t                    i, n;
    const char               *id, *argv, *word, *code, *result;
    const char               *words[PM_POLICY_WORDS];
    pm_permit_e               permit;
    helper_run_t              run;
    helper_user_t             user;
    pm_wire_text_t            t;
    const pm_policy_entry_t  *e;

    static helper_measure_t  measure;

    id = pm_wire_get(&h->msg, "id");
    argv = pm_wire_get(&h->msg, "argv");
    word = pm_wire_get(&h->msg, "measure");

    n = argv ? helper_command_split(argv, text, sizeof(text), words) : 0;

    if (n == 0) {
        helper_io_answer(h, "refused", "bad_request",
                         "no words, or too many of them");
        return;
    }

    permit = pm_policy_command(&h->policy, id ? id : "", words, n, h->role,
                               &e);

    if (permit == PM_DENY_ROLE) {
        helper_io_answer(h, "refused", "role_too_low", "the policy does not "
                         "allow the command \"%.64s\" to the role %s",
                         e->name, h->role_name);
        return;
    }

    if (permit != PM_PERMIT) {
        helper_io_answer(h, "refused", "unknown_command",
                         "the policy has no command of these words");
        return;
    }

    if (helper_exec_check(e->path, why, sizeof(why)) != 0) {
        helper_io_answer(h, "refused", "not_executable", "%s", why);
        return;
    }

    if (!helper_unprivileged && helper_env_user(e->user, &user) != 0) {
        helper_io_answer(h, "refused", "unknown_user",
                         "there is no user \"%.64s\" to run it as", e->user);
        return;
    }

    snprintf(target, sizeof(target), "command %s", e->name);

    if (helper_act_begin(h, target, e->name) != 0) {
        return;
    }

    helper_run_start(&run, e->timeout * 1000);
    run.path = e->path;
    run.user = helper_unprivileged ? NULL : &user;
    run.cap = e->output;
    run.measure = word && strcmp(word, "1") == 0 ? &measure : NULL;

    for (i = 0; i < n; i++) {
        helper_run_word(&run, words[i]);
    }

    helper_log(h, "permitted: command %s (%s) as %s", e->name, e->path,
               e->user);

    if (helper_exec(&run, why, sizeof(why)) != 0) {
        result = "refused";
        code = "not_executable";

    } else {
        code = helper_act_judge(&run, why, sizeof(why));
        result = code ? "failed" : "ok";

        if (run.measure) {
            helper_measure_records(run.measure);
        }
    }

    helper_io_start(&t, result, code, code ? why : NULL);
    pm_wire_add(&t, "id", e->name);
    helper_act_text(&t, &run);

    if (run.measure && run.measure->real) {
        helper_measure_text(run.measure, &run, &t);
    }

    helper_act_end(h, &t, &run);

    helper_log(h, "%s%s%s: command %s, exit %d, signal %d", result,
               code ? " " : "", code ? code : "", e->name, run.exit_code,
               run.signal);
}


/* 0x1f stands between words; none of them is longer than the request */

static size_t
helper_command_split(const char *text, char *buf, size_t size,
    const char **words)
{
    char    *p, *end;
    size_t   n, len;

    len = strlen(text);

    if (len == 0 || len >= size) {
        return 0;
    }

    memcpy(buf, text, len + 1);

    for (n = 0, p = buf; p; p = end) {

        if (n == PM_POLICY_WORDS) {
            return 0;
        }

        words[n++] = p;
        end = strchr(p, 0x1f);

        if (end) {
            *end++ = '\0';
        }
    }

    return n;
}
