
/* commands: only those that the policy has, word for word */


#include "helper.h"

#include <stdio.h>
#include <string.h>


static size_t helper_command_split(const char *text, char *buf, size_t size,
    const char **words);


int
helper_command_ask(helper_t *h)
{
    char                      why[HELPER_WHY], target[200];
    size_t                    i, n;
    const char               *id, *argv, *word;
    const char               *words[PM_POLICY_WORDS];
    pm_permit_e               permit;
    helper_run_t             *run;
    const pm_policy_entry_t  *e;

    static char              text[PM_WIRE_TEXT];
    static helper_user_t     user;
    static helper_measure_t  measure;

    id = pm_wire_get(&h->msg, "id");
    argv = pm_wire_get(&h->msg, "argv");
    word = pm_wire_get(&h->msg, "measure");

    n = argv ? helper_command_split(argv, text, sizeof(text), words) : 0;

    if (n == 0) {
        return helper_refuse(h, "refused", "bad_request", "no words, or too "
                             "many of them");
    }

    permit = pm_policy_command(&h->policy, id ? id : "", words, n, h->role,
                               &e);

    h->e = e;

    if (permit == PM_DENY_ROLE) {
        return helper_refuse(h, "refused", "role_too_low", "the policy does "
                             "not allow the command \"%.64s\" to the role %s",
                             e->name, h->role_name);
    }

    if (permit != PM_PERMIT) {
        return helper_refuse(h, "refused", "unknown_command", "the policy has "
                             "no command of these words");
    }

    if (helper_exec_check(e->path, why, sizeof(why)) != 0) {
        return helper_refuse(h, "refused", "not_executable", "%s", why);
    }

    if (!helper_unprivileged && helper_env_user(e->user, &user) != 0) {
        return helper_refuse(h, "refused", "unknown_user", "there is no user "
                             "\"%.64s\" to run it as", e->user);
    }

    snprintf(target, sizeof(target), "command %s", e->name);

    if (helper_steps(h, 1) != 0
        || helper_spool_begin(h, target, e->name) != 0)
    {
        return -1;
    }

    run = h->step;
    helper_step_start(run, e->timeout * 1000);
    run->once = 1;
    run->path = e->path;
    run->user = helper_unprivileged ? NULL : &user;
    run->cap = e->output;
    run->measure = word && strcmp(word, "1") == 0 ? &measure : NULL;

    for (i = 0; i < n; i++) {
        helper_step_word(run, words[i]);
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
