
/* commands: only those that the policy has, word for word */


#include "helper.h"

#include <stdio.h>
#include <string.h>


static size_t helper_command_split(const char *text, char *buf, size_t size,
    const char **words);


helper_said_t  helper_said;


int
helper_command_ask(helper_t *h)
{
    char                      why[HELPER_WHY], target[200];
    size_t                    i, n;
    const char               *id, *argv, *word;
    const char               *words[PM_POLICY_WORDS];
    pm_permit_e               permit;
    helper_run_t             *run;
    helper_said_t            *s;
    const pm_policy_entry_t  *e;

    static char              text[PM_WIRE_TEXT];
    static helper_user_t     user;
    static helper_measure_t  measure;

    s = &helper_said;
    id = pm_wire_get(&h->msg, "id");
    argv = pm_wire_get(&h->msg, "argv");
    word = pm_wire_get(&h->msg, "measure");

    n = argv ? helper_command_split(argv, text, sizeof(text), words) : 0;

    if (n == 0) {
        helper_io_answer(h, "refused", "bad_request",
                         "no words, or too many of them");
        return -1;
    }

    permit = pm_policy_command(&h->policy, id ? id : "", words, n, h->role,
                               &e);

    s->e = e;

    if (permit == PM_DENY_ROLE) {
        helper_io_answer(h, "refused", "role_too_low", "the policy does not "
                         "allow the command \"%.64s\" to the role %s",
                         e->name, h->role_name);
        return -1;
    }

    if (permit != PM_PERMIT) {
        helper_io_answer(h, "refused", "unknown_command",
                         "the policy has no command of these words");
        return -1;
    }

    if (helper_exec_check(e->path, why, sizeof(why)) != 0) {
        helper_io_answer(h, "refused", "not_executable", "%s", why);
        return -1;
    }

    if (!helper_unprivileged && helper_env_user(e->user, &user) != 0) {
        helper_io_answer(h, "refused", "unknown_user",
                         "there is no user \"%.64s\" to run it as", e->user);
        return -1;
    }

    snprintf(target, sizeof(target), "command %s", e->name);

    if (helper_act_begin(h, target, e->name) != 0) {
        return -1;
    }

    run = &s->run;
    helper_run_start(run, e->timeout * 1000);
    run->path = e->path;
    run->user = helper_unprivileged ? NULL : &user;
    run->cap = e->output;
    run->measure = word && strcmp(word, "1") == 0 ? &measure : NULL;

    for (i = 0; i < n; i++) {
        helper_run_word(run, words[i]);
    }

    helper_log(h, "permitted: command %s (%s) as %s", e->name, e->path,
               e->user);

    if (helper_exec(run, s->why, sizeof(s->why)) != 0) {
        s->code = "not_executable";
    }

    return 0;
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
