
/*
 * What people and the other side of a pipe say: expressions, searches,
 * command lines, the policy, frames.  The first byte chooses who reads it.
 */

#include <stdlib.h>
#include <string.h>

#include "pm_filter.h"
#include "pm_match.h"
#include "pm_policy.h"
#include "pm_wire.h"
#include "pm_words.h"


typedef void (*fuzz_pt)(const char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static int
fuzz_find(const char *name, size_t len, pm_filter_type_e *type)
{
    *type = (pm_filter_type_e) (len % 3);
    return (len == 0 || name[0] == 'x') ? -1 : name[0] & 63;
}


static void
fuzz_get(void *data, unsigned field, pm_filter_value_t *value)
{
    static const char  text[3] = { 'n', 'g', '\xff' };

    (void) data;

    value->text = text;
    value->len = field % 4;
    value->len = value->len > 3 ? 3 : value->len;
    value->number = (double) field - 8;
    value->known = field % 5 != 0;
}


static void
fuzz_filter(const char *p, size_t n)
{
    pm_filter_t  f;

    if (pm_filter_compile(&f, p, n, fuzz_find) == 0) {
        (void) pm_filter_run(&f, fuzz_get, NULL);

    } else if (f.error == NULL || f.pos == 0 || f.pos > n + 1) {
        abort();
    }
}


/* what is searched is the rest of the text */

static void
fuzz_match(const char *p, size_t n)
{
    size_t           half, i;
    pm_match_t       m;
    pm_match_text_t  fields[PM_MATCH_FIELDS];

    half = n / 2 < 16 ? n / 2 : 16;

    if (pm_match_init(&m, p, half) != 0) {
        return;
    }

    for (i = 0; i < PM_MATCH_FIELDS; i++) {
        fields[i].text = (i == 1) ? NULL : p + half;
        fields[i].len = (i == 1) ? 0 : n - half;
    }

    (void) pm_match(&m, fields);
}


static void
fuzz_words(const char *p, size_t n)
{
    size_t      i, all;
    pm_words_t  w;

    if (pm_words_split(&w, p, n) != 0) {
        if (w.error == NULL || w.at > n + 1) {
            abort();
        }

        return;
    }

    for (all = 0, i = 0; i < w.n; i++) {
        all += strlen(w.word[i]);
    }

    if (w.n == 0 || all > n) {
        abort();
    }
}


/* a policy that is taken permits nobody what has no role in it */

static void
fuzz_policy(const char *p, size_t n)
{
    char                     *text;
    size_t                    i;
    unsigned                  role, allowed;
    pm_policy_t               policy;
    pm_policy_target_t        t = { 4711, { 1000, 1000, 0 } };
    const pm_policy_entry_t  *e;
    static const char *const  words[] = { "/bin/echo", "5", "a" };

    text = malloc(n + 1);
    if (text == NULL) {
        return;
    }

    memcpy(text, p, n);
    text[n] = '\0';

    if (pm_policy_parse(&policy, text, n) != 0) {
        if (policy.error[0] == '\0') {
            abort();
        }

        pm_policy_free(&policy);
        free(text);
        return;
    }

    for (role = 0; role <= PM_ROLE_ADMIN; role = role ? role << 1 : 1) {
        allowed = 0;
        allowed |= pm_policy_service(&policy, "demo", PM_ACTION_STOP, role,
                                     &e) == PM_PERMIT;
        allowed |= pm_policy_command(&policy, "", words, 3, role, &e)
                   == PM_PERMIT;
        allowed |= pm_policy_fields(&policy, role) != 0;
        allowed |= pm_policy_actions(&policy, "demo", role) != 0;
        allowed |= pm_policy_signal(&policy, &t, 15, role);
        allowed |= pm_policy_schedule(&policy, role);

        for (i = 0; i < policy.n; i++) {
            (void) pm_policy_first(&policy, i, role);
        }

        if (role == 0 && allowed) {
            abort();
        }
    }

    pm_policy_free(&policy);
    free(text);
}


/* a text that is read can be written, and read again as the same */

static void
fuzz_wire(const char *p, size_t n)
{
    char                   *text;
    size_t                  i;
    uint64_t                v;
    const char             *why;
    pm_wire_msg_t           m, again;
    pm_wire_text_t         *t;
    const pm_wire_pair_t   *pair;
    static const uint8_t    key[PM_WIRE_KEY_LEN] = "a key";

    text = malloc(n + 1);
    t = malloc(sizeof(pm_wire_text_t));

    if (text == NULL || t == NULL) {
        free(text);
        free(t);
        return;
    }

    memcpy(text, p, n);

    if (pm_wire_parse(&m, text, n, key, &why) == 0) {
        abort();
    }

    memcpy(text, p, n);

    if (pm_wire_parse(&m, text, n, NULL, &why) == 0) {

        pm_wire_start(t);

        for (i = 0; i < m.n; i++) {
            pm_wire_addn(t, m.pair[i].key, m.pair[i].value, m.pair[i].len);
            (void) pm_wire_getu(&m, m.pair[i].key, UINT64_MAX, &v);
        }

        if (!t->error
            && pm_wire_parse(&again, t->data, t->len, NULL, &why) != 0)
        {
            abort();
        }

        for (i = 0; !t->error && i < m.n; i++) {
            pair = pm_wire_pair(&again, m.pair[i].key);

            if (pair == NULL || pair->len != m.pair[i].len
                || memcmp(pair->value, m.pair[i].value, pair->len) != 0)
            {
                abort();
            }
        }
    }

    free(text);
    free(t);
}


static const fuzz_pt  fuzz_readers[] = {
    fuzz_filter,
    fuzz_match,
    fuzz_words,
    fuzz_policy,
    fuzz_wire
};


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char    *text;
    size_t   n;

    if (size == 0) {
        return 0;
    }

    n = sizeof(fuzz_readers) / sizeof(fuzz_readers[0]);

    text = malloc(size);
    if (text == NULL) {
        return 0;
    }

    memcpy(text + 1, data + 1, size - 1);
    fuzz_readers[data[0] % n](text + 1, size - 1);

    free(text);
    return 0;
}
