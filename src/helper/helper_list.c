
/* what a role may do, and how the services that it may act on are now */


#include "helper_drive.h"

#include <stdio.h>
#include <string.h>


/* ms; who waits gives up after 30000, and one status takes up to 10000 */
#define HELPER_LIST_LATE  18000


static void helper_list_service(helper_t *h, const pm_policy_entry_t *e,
    size_t step, uint64_t late, pm_wire_text_t *t);
static void helper_list_words(pm_wire_text_t *t, const pm_policy_entry_t *e);
static void helper_list_names(pm_wire_text_t *t, const char *key,
    uint64_t bits, const char *const *names, unsigned n);
static void helper_list_ranges(pm_wire_text_t *t, const char *key,
    const pm_range_t *r, unsigned n);


void
helper_list_act(helper_t *h)
{
    size_t                    i;
    unsigned                  n;
    uint64_t                  late;
    const char               *only;
    pm_wire_text_t            t;
    const pm_policy_entry_t  *e;

    late = helper_now() + HELPER_LIST_LATE;
    only = pm_wire_get(&h->msg, "name");

    for (i = 0, n = 0; i < h->policy.n; i++) {
        e = &h->policy.entry[i];

        if (!(e->roles & h->role) || !pm_policy_first(&h->policy, i,
                                                      h->role)
            || (only && (e->name == NULL || strcmp(e->name, only) != 0)))
        {
            continue;
        }

        pm_wire_start(&t);
        pm_wire_add(&t, "kind", pm_kind_names[e->kind]);

        if (e->name) {
            pm_wire_add(&t, "name", e->name);
        }

        switch (e->kind) {

        case PM_POLICY_SERVICE:
            helper_list_service(h, e, i, late, &t);
            break;

        case PM_POLICY_COMMAND:
            pm_wire_add(&t, "id", e->name);
            helper_list_words(&t, e);
            pm_wire_add(&t, "path", e->path);
            pm_wire_add(&t, "user", e->user);
            pm_wire_addu(&t, "timeout", e->timeout);

            if (e->example) {
                pm_wire_add(&t, "example", e->example);
            }

            break;

        case PM_POLICY_SIGNAL:
            helper_list_names(&t, "sigs", e->sigs, NULL, 32);
            helper_list_ranges(&t, "uid", e->range, e->nranges);
            break;

        case PM_POLICY_PRIORITY:
            helper_list_ranges(&t, "uid", e->range, e->nranges);
            helper_list_ranges(&t, "nice", &e->nice, 1);
            pm_wire_addu(&t, "ionice", e->ionice);
            pm_wire_addu(&t, "affinity", e->affinity >> 1);
            break;

        case PM_POLICY_READ:
            helper_list_names(&t, "fields", pm_policy_fields(&h->policy,
                                                             h->role),
                              pm_read_names, PM_READ_MAX);
            break;

        case PM_POLICY_JOURNAL:
            pm_wire_add(&t, "unit", e->unit);
            pm_wire_addu(&t, "lines", e->lines);
            break;

        default:
            break;
        }

        helper_list_names(&t, "roles", e->roles, pm_role_names, 3);

        if (!t.error) {
            helper_io_record(0, 0, 0, t.data, t.len);
            n++;
        }
    }

    helper_io_start(&t, "ok", NULL, NULL);
    pm_wire_addu(&t, "entries", n);
    helper_io_final(&t, NULL);
}


static void
helper_list_service(helper_t *h, const pm_policy_entry_t *e, size_t step,
    uint64_t late, pm_wire_text_t *t)
{
    const helper_state_t  *s;

    static helper_state_t        state;
    static const helper_state_t  unasked = {
        .state = "unknown", .sub = "status not asked, others took too long"
    };

    s = NULL;

    if (h->nsteps && helper_now() < late) {
        helper_manager(e)->observe(e, helper_run(h, step), &state);
        s = &state;

    } else if (h->nsteps) {
        s = &unasked;
    }

    pm_wire_add(t, "manager", pm_manager_names[e->manager]);
    pm_wire_add(t, "unit", e->unit);
    helper_list_names(t, "actions", pm_policy_actions(&h->policy, e->name,
                                                      h->role),
                      pm_action_names, PM_ACTIONS);

    if (s) {
        pm_wire_add(t, "state", s->state);
        pm_wire_add(t, "sub_state", s->sub);

        if (s->pid) {
            pm_wire_addi(t, "main_pid", s->pid);
            pm_wire_addu(t, "main_start", s->start);
        }

        if (s->enabled[0]) {
            pm_wire_addu(t, "enabled", strncmp(s->enabled, "enabled", 7) == 0);
            pm_wire_add(t, "start_type", s->enabled);
        }
    }

    helper_manager(e)->list(e, s, t);
}


static void
helper_list_words(pm_wire_text_t *t, const pm_policy_entry_t *e)
{
    char      buf[1024];
    size_t    len;
    unsigned  i;

    for (i = 0, len = 0; i < e->nwords && len + 1 < sizeof(buf); i++) {
        len += (size_t) snprintf(buf + len, sizeof(buf) - len, "%s%s",
                                 i ? "\x1f" : "", e->words[i]);
    }

    pm_wire_add(t, "words", buf);
}


/* NULL: names of signals */

static void
helper_list_names(pm_wire_text_t *t, const char *key, uint64_t bits,
    const char *const *names, unsigned n)
{
    char         buf[512];
    size_t       len;
    unsigned     i;
    const char  *name;

    buf[0] = '\0';

    for (i = 0, len = 0; i < n; i++) {

        if (!(bits & (UINT64_C(1) << i))) {
            continue;
        }

        name = names ? names[i] : sigabbrev_np((int) i);

        if (name && len + strlen(name) + 2 < sizeof(buf)) {
            len += (size_t) snprintf(buf + len, sizeof(buf) - len, "%s%s",
                                     len ? "," : "", name);
        }
    }

    pm_wire_add(t, key, buf);
}


static void
helper_list_ranges(pm_wire_text_t *t, const char *key, const pm_range_t *r,
    unsigned n)
{
    char      buf[512];
    size_t    len;
    unsigned  i;

    buf[0] = '\0';

    for (i = 0, len = 0; i < n && len + 50 < sizeof(buf); i++) {
        len += (size_t) snprintf(buf + len, sizeof(buf) - len, "%s%lld..%lld",
                                 i ? "," : "", (long long) r[i].from,
                                 (long long) r[i].to);
    }

    pm_wire_add(t, key, buf);
}
