
/*
 * procmgrctl policy check of signals and priorities.  The target is said in
 * the policy's own words: "uid=1000 sigs=TERM", "uid=1000 nice=5 ionice=idle".
 */


#include <string.h>
#include "../policy/pm_policy.h"
#include "../policy/pm_policy_option.h"
#include "../policy/pm_words.h"
#include "ctl.h"


static int ctl_process_word(pm_policy_entry_t *e, pm_policy_entry_t *protect,
    const char *word);
static int ctl_process_permit(const pm_policy_t *policy,
    const pm_policy_entry_t *e, unsigned role);


pm_permit_e
ctl_policy_process(const pm_policy_t *policy, int signal, const char *target,
    unsigned role, const pm_policy_entry_t **found)
{
    size_t              i;
    pm_words_t          words;
    pm_policy_t         one;
    pm_policy_entry_t   e, protect;

    if (pm_words_split(&words, target, strlen(target)) == -1) {
        return PM_DENY_UNKNOWN;
    }

    memset(&e, 0, sizeof(e));
    memset(&protect, 0, sizeof(protect));
    e.kind = signal ? PM_POLICY_SIGNAL : PM_POLICY_PRIORITY;
    protect.kind = PM_POLICY_PROTECT;

    for (i = 0; i < words.n; i++) {
        if (ctl_process_word(&e, &protect, words.word[i]) == -1) {
            return PM_DENY_UNKNOWN;
        }
    }

    /* one process and one change of it, as a request has them */

    if (e.nranges != 1 || e.range[0].from != e.range[0].to
        || e.nice.from != e.nice.to || (e.ionice & (e.ionice - 1))
        || (e.sigs & (e.sigs - 1)) || e.options == 1
        || pm_policy_protects(policy, (pid_t) protect.range[0].from,
                              protect.unit ? protect.unit : ""))
    {
        return PM_DENY_UNKNOWN;
    }

    one = *policy;
    one.n = 1;

    for (i = 0; i < policy->n; i++) {
        one.entry = &policy->entry[i];

        if (ctl_process_permit(&one, &e, role)) {
            *found = one.entry;
            return PM_PERMIT;
        }
    }

    return PM_DENY_UNKNOWN;
}


/* e->options: 1 for the uid, 2 for more, 4 for a niceness */

static int
ctl_process_word(pm_policy_entry_t *e, pm_policy_entry_t *protect,
    const char *word)
{
    size_t                     len;
    pm_policy_entry_t         *to;
    const pm_policy_option_t  *o;

    len = strcspn(word, "=");

    for (o = pm_policy_options; word[len] && o->name; o++) {

        if (strlen(o->name) != len || strncmp(o->name, word, len) != 0
            || strcmp(o->name, "roles") == 0)
        {
            continue;
        }

        to = (o->kinds & (1u << e->kind)) ? e
             : (o->kinds & (1u << PM_POLICY_PROTECT)) ? protect : NULL;

        if (to == NULL) {
            return -1;
        }

        if (to == e) {
            e->options |= strcmp(o->name, "uid") == 0 ? 1
                          : strcmp(o->name, "nice") == 0 ? 6 : 2;
        }

        return pm_policy_option(to, o, word + len + 1);
    }

    return -1;
}


static int
ctl_process_permit(const pm_policy_t *policy, const pm_policy_entry_t *e,
    unsigned role)
{
    int                 sig;
    pm_policy_change_t  change;
    pm_policy_target_t  who;

    memset(&who, 0, sizeof(who));
    who.uid[0] = who.uid[1] = who.uid[2] = (uid_t) e->range[0].from;

    if (e->kind == PM_POLICY_SIGNAL) {

        for (sig = 1; sig < 32; sig++) {
            if (e->sigs & (1u << sig)) {
                return pm_policy_signal(policy, &who, sig, role);
            }
        }

        return 0;
    }

    memset(&change, 0, sizeof(change));
    change.nice = (e->options & 4) != 0;
    change.nice_value = (int) e->nice.from;
    change.affinity = e->affinity == 2;

    while (change.ionice_class < 4
           && !(e->ionice & (1u << change.ionice_class)))
    {
        change.ionice_class++;
    }

    change.ionice = change.ionice_class < 4;

    return (change.nice || change.ionice || change.affinity)
           && pm_policy_priority(policy, &who, &change, role);
}
