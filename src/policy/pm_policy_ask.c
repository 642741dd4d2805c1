
/* questions to the policy: commands, processes and logs */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pm_policy.h"
#include "pm_policy_option.h"

#include <string.h>


static int pm_policy_match(const pm_policy_entry_t *e,
    const char *const *words, size_t n);
static int pm_policy_within(const pm_policy_entry_t *e, int64_t n);
static int pm_policy_owns(const pm_policy_entry_t *e,
    const pm_policy_target_t *t);
static int pm_policy_named(const char *list, const char *ends,
    const char *name);


pm_permit_e
pm_policy_command(const pm_policy_t *p, const char *id,
    const char *const *words, size_t n, unsigned role,
    const pm_policy_entry_t **e)
{
    size_t                    i;
    const pm_policy_entry_t  *c;

    *e = NULL;

    for (i = 0; i < p->n; i++) {
        c = &p->entry[i];

        if (c->kind != PM_POLICY_COMMAND
            || (id[0] && strcmp(c->name, id) != 0)
            || !pm_policy_match(c, words, n))
        {
            continue;
        }

        *e = c;

        if (c->roles & role) {
            return PM_PERMIT;
        }
    }

    return *e ? PM_DENY_ROLE : PM_DENY_UNKNOWN;
}


/* word for word, and in each place what the policy has there */

static int
pm_policy_match(const pm_policy_entry_t *e, const char *const *words,
    size_t n)
{
    size_t       i;
    const char  *w;
    pm_range_t   range, value;

    if (n != e->nwords) {
        return 0;
    }

    for (i = 0; i < n; i++) {

        w = e->words[i];

        if (!(e->placeholders & (UINT64_C(1) << i))) {

            if (strcmp(w, words[i]) != 0) {
                return 0;
            }

        } else if (w[0] == 'e') {

            if (!pm_policy_named(w + 5, ",)", words[i])) {
                return 0;
            }

        } else {
            (void) pm_policy_range(w + 4, strlen(w) - 5, INT32_MIN,
                                   INT32_MAX, &range);

            /* no range, and nothing that some would take for octal */

            if (strchr(words[i], '.')
                || (words[i][0] == '0' && words[i][1])
                || pm_policy_range(words[i], strlen(words[i]), range.from,
                                   range.to, &value) != 0)
            {
                return 0;
            }
        }
    }

    return 1;
}


int
pm_policy_signal(const pm_policy_t *p, const pm_policy_target_t *t, int sig,
    unsigned role)
{
    size_t                    i;
    const pm_policy_entry_t  *e;

    i = 0;

    while ((e = pm_policy_next(p, &i, PM_POLICY_SIGNAL, role)) != NULL) {
        if ((e->sigs & (1u << sig)) && pm_policy_owns(e, t)) {
            return 1;
        }
    }

    return 0;
}


/* one line must permit all of it */

int
pm_policy_priority(const pm_policy_t *p, const pm_policy_target_t *t,
    const pm_policy_change_t *c, unsigned role)
{
    int                       nice, ionice, affinity;
    size_t                    i;
    const pm_policy_entry_t  *e;

    i = 0;

    while ((e = pm_policy_next(p, &i, PM_POLICY_PRIORITY, role)) != NULL) {

        nice = !c->nice || ((e->nice.from || e->nice.to)
                            && c->nice_value >= e->nice.from
                            && c->nice_value <= e->nice.to);
        ionice = !c->ionice || (e->ionice & (1u << c->ionice_class));
        affinity = !c->affinity || e->affinity == 2;

        if (nice && ionice && affinity && pm_policy_owns(e, t)) {
            return 1;
        }
    }

    return 0;
}


int
pm_policy_protects(const pm_policy_t *p, pid_t pid, const char *unit)
{
    size_t                    i;
    const pm_policy_entry_t  *e;

    for (i = 0; i < p->n; i++) {
        e = &p->entry[i];

        if (e->kind == PM_POLICY_PROTECT
            && (pm_policy_within(e, pid)
                || (e->unit && pm_policy_named(e->unit, ",", unit))))
        {
            return 1;
        }
    }

    return 0;
}


/* by the unit's name or by the one that the policy gave the service */

unsigned
pm_policy_journal(const pm_policy_t *p, const pm_policy_entry_t *service,
    unsigned role)
{
    size_t                    i;
    unsigned                  lines;
    const pm_policy_entry_t  *e;

    i = 0;
    lines = 0;

    while ((e = pm_policy_next(p, &i, PM_POLICY_JOURNAL, role)) != NULL) {
        if (e->lines > lines
            && (pm_policy_named(e->unit, ",", service->unit)
                || pm_policy_named(e->unit, ",", service->name)))
        {
            lines = e->lines;
        }
    }

    return lines;
}


int
pm_policy_schedule(const pm_policy_t *p, unsigned role)
{
    size_t  i;

    i = 0;

    return pm_policy_next(p, &i, PM_POLICY_SCHEDULE, role) != NULL;
}


static int
pm_policy_within(const pm_policy_entry_t *e, int64_t n)
{
    unsigned  i;

    for (i = 0; i < e->nranges; i++) {
        if (n >= e->range[i].from && n <= e->range[i].to) {
            return 1;
        }
    }

    return 0;
}


/* a program that changes its user is as much of the one as of the other */

static int
pm_policy_owns(const pm_policy_entry_t *e, const pm_policy_target_t *t)
{
    return pm_policy_within(e, t->uid[0]) && pm_policy_within(e, t->uid[1])
           && pm_policy_within(e, t->uid[2]);
}


/* one of a list's; an empty name is none */

static int
pm_policy_named(const char *list, const char *ends, const char *name)
{
    size_t  len;

    for ( /* void */ ; ; list += len + 1) {

        len = strcspn(list, ends);

        if (len && strlen(name) == len && strncmp(list, name, len) == 0) {
            return 1;
        }

        if (list[len] == '\0' || list[len + 1] == '\0') {
            return 0;
        }
    }
}
