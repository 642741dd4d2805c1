
/* the policy's grammar: a kind, its words, its options, one line each */


#include "pm_policy.h"
#include "pm_policy_option.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define PM_POLICY_TIMEOUT  30
#define PM_POLICY_LINES    200


typedef struct {
    pm_policy_t        *policy;
    pm_policy_entry_t  *e;
    size_t              allocated;
    unsigned            line;
    unsigned            nwords;
    char               *word[PM_POLICY_WORDS];
    char                quoted[PM_POLICY_WORDS];
} pm_policy_line_t;


static int pm_policy_error(pm_policy_line_t *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int pm_policy_line(pm_policy_line_t *l, char *p);
static int pm_policy_split(pm_policy_line_t *l, char *p);
static int pm_policy_unit(pm_policy_line_t *l);
static int pm_policy_word(pm_policy_line_t *l, unsigned i);
static int pm_policy_finish(pm_policy_line_t *l);
static int pm_policy_same(const char *a, const char *b);


int
pm_policy_parse(pm_policy_t *p, char *data, size_t len)
{
    char              *s, *end, *eol;
    pm_policy_line_t   l;

    p->entry = NULL;
    p->n = 0;
    p->data = NULL;
    p->error[0] = '\0';

    memset(&l, 0, sizeof(l));
    l.policy = p;
    end = data + len;

    for (s = data; s < end; s = eol + 1) {

        l.line++;

        eol = memchr(s, '\n', (size_t) (end - s));
        if (eol == NULL) {
            pm_policy_error(&l, "the last line has no end");
            goto failed;
        }

        *eol = '\0';

        if (strlen(s) != (size_t) (eol - s)) {
            pm_policy_error(&l, "a zero byte");
            goto failed;
        }

        if (pm_policy_line(&l, s) != 0) {
            goto failed;
        }
    }

    return 0;

failed:

    pm_policy_free(p);

    return -1;
}


static int
pm_policy_error(pm_policy_line_t *l, const char *fmt, ...)
{
    int      n;
    char    *p;
    va_list  args;

    p = l->policy->error;
    n = snprintf(p, sizeof(l->policy->error), "line %u: ", l->line);

    va_start(args, fmt);
    vsnprintf(p + n, sizeof(l->policy->error) - (size_t) n, fmt, args);
    va_end(args);

    return -1;
}


static int
pm_policy_line(pm_policy_line_t *l, char *p)
{
    int                        k;
    char                      *value;
    unsigned                   i;
    pm_policy_t               *policy;
    pm_policy_entry_t         *e;
    const pm_policy_option_t  *o;

    if (pm_policy_split(l, p) != 0) {
        return -1;
    }

    if (l->nwords == 0) {
        return 0;
    }

    k = l->quoted[0] ? -1 : pm_name(pm_kind_names, PM_POLICY_KINDS,
                                    l->word[0]);

    if (k == -1) {
        return pm_policy_error(l, "unknown word \"%s\"", l->word[0]);
    }

    policy = l->policy;

    if (policy->n == l->allocated) {
        l->allocated = l->allocated ? 2 * l->allocated : 32;

        e = realloc(policy->entry, l->allocated * sizeof(*e));
        if (e == NULL) {
            return pm_policy_error(l, "no memory");
        }

        policy->entry = e;
    }

    e = l->e = &policy->entry[policy->n++];
    memset(e, 0, sizeof(*e));
    e->kind = (pm_policy_kind_e) k;
    e->line = l->line;
    e->timeout = PM_POLICY_TIMEOUT;
    e->output = PM_WIRE_OUTPUT;
    e->lines = PM_POLICY_LINES;

    i = 1;

    if (k == PM_POLICY_SERVICE || k == PM_POLICY_COMMAND) {
        if (l->nwords < 2 || !pm_policy_name_ok(l->word[1], "")) {
            return pm_policy_error(l, "%s needs a name of "
                                   "[A-Za-z0-9@._:-]", pm_kind_names[k]);
        }

        e->name = l->word[i++];
    }

    if (k == PM_POLICY_SERVICE) {
        if (pm_policy_unit(l) != 0) {
            return -1;
        }

        i = 4;
    }

    for ( /* void */ ; i < l->nwords; i++) {

        value = l->quoted[i] == '"' ? NULL : strchr(l->word[i], '=');

        for (o = pm_policy_options; value && o->name; o++) {
            if ((o->kinds & (1u << k))
                && strlen(o->name) == (size_t) (value - l->word[i])
                && strncmp(o->name, l->word[i], strlen(o->name)) == 0)
            {
                break;
            }
        }

        if (value == NULL || o->name == NULL) {

            if (k != PM_POLICY_COMMAND) {
                return pm_policy_error(l, "unknown word \"%s\"", l->word[i]);
            }

            if (pm_policy_word(l, i) != 0) {
                return -1;
            }

            continue;
        }

        if (e->options & (1u << (o - pm_policy_options))) {
            return pm_policy_error(l, "\"%s\" stands twice", o->name);
        }

        e->options |= 1u << (o - pm_policy_options);

        if (pm_policy_option(e, o, value + 1) != 0) {
            return pm_policy_error(l, "invalid %s=\"%s\"", o->name,
                                   value + 1);
        }
    }

    return pm_policy_finish(l);
}


/*
 * Words stand between blanks; a part in "" keeps its blanks, and \ in it
 * takes the next byte as it is.  A word that is quoted from its start is
 * marked '"', one with a quoted part behind its '=' is an option like others.
 */

static int
pm_policy_split(pm_policy_line_t *l, char *p)
{
    int    quote;
    char  *dst;

    l->nwords = 0;

    for ( ;; ) {
        p += strspn(p, " \t");

        if (*p == '\0' || *p == '#') {
            return 0;
        }

        if (l->nwords == PM_POLICY_WORDS) {
            return pm_policy_error(l, "more than %d words", PM_POLICY_WORDS);
        }

        l->word[l->nwords] = dst = p;
        l->quoted[l->nwords++] = *p == '"' ? '"' : 0;
        quote = 0;

        for ( /* void */ ; *p; p++) {

            if ((unsigned char) *p < 0x20 || *p == 0x7f) {
                if (quote || *p != '\t') {
                    return pm_policy_error(l, "control character %02x",
                                           (unsigned char) *p);
                }
            }

            if (*p == '"') {
                quote = !quote;
                continue;
            }

            if (!quote && (*p == ' ' || *p == '\t')) {
                p++;
                break;
            }

            if (quote && *p == '\\') {
                p++;

                if (*p != '"' && *p != '\\') {
                    return pm_policy_error(l, "only \\\" and \\\\ are known");
                }
            }

            *dst++ = *p;
        }

        if (quote) {
            return pm_policy_error(l, "a quote has no end");
        }

        *dst = '\0';
    }
}


static int
pm_policy_unit(pm_policy_line_t *l)
{
    int    manager;
    char  *unit;

    /* what a unit's name may have beside what all names have */

    static const char *const  more[PM_MANAGERS] = { "\\", "+", "*" };

    if (l->nwords < 4) {
        return pm_policy_error(l, "service needs a name, a manager, a unit");
    }

    manager = pm_name(pm_manager_names, PM_MANAGERS, l->word[2]);
    unit = l->word[3];

    if (manager == -1) {
        return pm_policy_error(l, "unknown manager \"%s\"", l->word[2]);
    }

    if (manager == PM_MANAGER_LSB && unit[0] == '/'
        ? !pm_policy_path_ok(unit) : !pm_policy_name_ok(unit, more[manager]))
    {
        return pm_policy_error(l, "invalid unit \"%s\"", unit);
    }

    l->e->manager = (pm_manager_e) manager;
    l->e->unit = unit;

    return 0;
}


/* fixed, or enum(a,b), or int(1..10) */

static int
pm_policy_word(pm_policy_line_t *l, unsigned i)
{
    int                 ok;
    char               *w;
    size_t              len, n;
    pm_range_t          r;
    pm_policy_entry_t  *e;

    e = l->e;
    w = l->word[i];
    len = strlen(w);
    ok = len != 0;

    if (!l->quoted[i]) {

        /* a mistyped option must not become a word */
        n = strspn(w, "abcdefghijklmnopqrstuvwxyz");

        if (n && w[n] == '=') {
            ok = 0;

        } else if (strncmp(w, "int(", 4) == 0) {
            ok = w[len - 1] == ')' && strstr(w, "..")
                 && pm_policy_range(w + 4, len - 5, INT32_MIN, INT32_MAX, &r)
                    == 0;
            e->placeholders |= UINT64_C(1) << e->nwords;

        } else if (strncmp(w, "enum(", 5) == 0) {
            ok = len > 6 && w[5] != ',' && strchr(w, ')') == w + len - 1
                 && w[len - 2] != ',' && strstr(w, ",,") == NULL;
            e->placeholders |= UINT64_C(1) << e->nwords;

        } else {
            ok = strpbrk(w, "()") == NULL;
        }
    }

    if (!ok) {
        return pm_policy_error(l, "unknown word \"%s\"", w);
    }

    if (e->words == NULL) {
        e->words = calloc(PM_POLICY_WORDS, sizeof(char *));
        if (e->words == NULL) {
            return pm_policy_error(l, "no memory");
        }
    }

    e->words[e->nwords++] = w;

    return 0;
}


/* what the line as a whole must be */

static int
pm_policy_finish(pm_policy_line_t *l)
{
    size_t                     i;
    pm_policy_t               *p;
    pm_policy_entry_t         *e, *o;
    const pm_policy_option_t  *opt;

    p = l->policy;
    e = l->e;

    for (opt = pm_policy_options; opt->name; opt++) {
        if ((opt->required & (1u << e->kind))
            && !(e->options & (1u << (opt - pm_policy_options))))
        {
            return pm_policy_error(l, "%s needs %s=", pm_kind_names[e->kind],
                                   opt->name);
        }
    }

    switch (e->kind) {

    case PM_POLICY_SERVICE:
        if ((e->pidfile || e->log) && e->manager != PM_MANAGER_LSB) {
            return pm_policy_error(l, "pidfile= and log= are for lsb "
                                   "services");
        }

        if (!e->config != (e->manager != PM_MANAGER_SUPERVISOR)) {
            return pm_policy_error(l, "config= is for supervisor services, "
                                   "which need it");
        }

        break;

    case PM_POLICY_COMMAND:
        if (e->nwords == 0) {
            return pm_policy_error(l, "command needs its words");
        }

        break;

    case PM_POLICY_PRIORITY:
        if (!(e->nice.from || e->nice.to || e->ionice || e->affinity)) {
            return pm_policy_error(l, "priority needs nice=, ionice= or "
                                   "affinity=");
        }

        break;

    case PM_POLICY_PROTECT:
        if (e->nranges == 0 && e->unit == NULL) {
            return pm_policy_error(l, "protect needs pid= or unit=");
        }

        break;

    default:
        break;
    }

    if (e->name == NULL) {
        return 0;
    }

    for (i = 0; i + 1 < p->n; i++) {
        o = &p->entry[i];

        if (o->kind != e->kind || strcmp(o->name, e->name) != 0) {
            continue;
        }

        if (e->kind == PM_POLICY_COMMAND) {
            return pm_policy_error(l, "command \"%s\" stands in line %u too",
                                   e->name, o->line);
        }

        if (o->manager != e->manager || strcmp(o->unit, e->unit) != 0
            || !pm_policy_same(o->pidfile, e->pidfile)
            || !pm_policy_same(o->log, e->log)
            || !pm_policy_same(o->config, e->config))
        {
            return pm_policy_error(l, "service \"%s\" is another one in "
                                   "line %u", e->name, o->line);
        }
    }

    return 0;
}


/* NULL is the same as NULL only */

static int
pm_policy_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}
