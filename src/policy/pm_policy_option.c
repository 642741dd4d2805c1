
/* the options of a policy's line and their values */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pm_policy.h"
#include "pm_policy_option.h"

#include <string.h>


#define pm_kind(k)   (1u << PM_POLICY_##k)
#define pm_field(f)  offsetof(pm_policy_entry_t, f)


static int pm_policy_list(const pm_policy_option_t *o, const char *value,
    pm_policy_entry_t *e);
static int pm_policy_bit(const pm_policy_option_t *o, const char *name);
static int pm_policy_number(const char *s, size_t len, int64_t min,
    int64_t max, int64_t *n);


static const char *const  pm_ioclass_names[] = {
    "none", "realtime", "best-effort", "idle"
};

static const char *const  pm_affinity_names[] = { "off", "on" };


#define PM_HAVE_ROLES                                                        \
    (pm_kind(SERVICE)|pm_kind(COMMAND)|pm_kind(SIGNAL)|pm_kind(PRIORITY)     \
     |pm_kind(READ)|pm_kind(JOURNAL)|pm_kind(SCHEDULE))

const pm_policy_option_t  pm_policy_options[] = {

    { "roles", PM_HAVE_ROLES, PM_HAVE_ROLES, PM_OPTION_BITS,
      pm_field(roles), pm_role_names, 0, 3, 0 },

    { "timeout", pm_kind(SERVICE)|pm_kind(COMMAND), 0, PM_OPTION_NUMBER,
      pm_field(timeout), NULL, 1, 3600, 's' },

    { "actions", pm_kind(SERVICE), pm_kind(SERVICE), PM_OPTION_BITS,
      pm_field(actions), pm_action_names, 0, PM_ACTIONS, 0 },

    { "pidfile", pm_kind(SERVICE), 0, PM_OPTION_PATH,
      pm_field(pidfile), NULL, 0, 0, 0 },

    { "log", pm_kind(SERVICE), 0, PM_OPTION_PATH,
      pm_field(log), NULL, 0, 0, 0 },

    { "config", pm_kind(SERVICE), 0, PM_OPTION_PATH,
      pm_field(config), NULL, 0, 0, 0 },

    { "path", pm_kind(COMMAND), pm_kind(COMMAND), PM_OPTION_PATH,
      pm_field(path), NULL, 0, 0, 0 },

    { "user", pm_kind(COMMAND), pm_kind(COMMAND), PM_OPTION_NAME,
      pm_field(user), NULL, 0, 0, 0 },

    { "output", pm_kind(COMMAND), 0, PM_OPTION_NUMBER,
      pm_field(output), NULL, 0, PM_WIRE_OUTPUT, 'k' },

    { "example", pm_kind(COMMAND), 0, PM_OPTION_TEXT,
      pm_field(example), NULL, 0, 0, 0 },

    { "uid", pm_kind(SIGNAL)|pm_kind(PRIORITY),
      pm_kind(SIGNAL)|pm_kind(PRIORITY), PM_OPTION_IDS,
      0, NULL, 0, UINT32_MAX - 1, 0 },

    { "sigs", pm_kind(SIGNAL), pm_kind(SIGNAL), PM_OPTION_SIGNALS,
      pm_field(sigs), NULL, 0, 32, 0 },

    { "nice", pm_kind(PRIORITY), 0, PM_OPTION_RANGE,
      pm_field(nice), NULL, -20, 19, 0 },

    { "ionice", pm_kind(PRIORITY), 0, PM_OPTION_BITS,
      pm_field(ionice), pm_ioclass_names, 0, 4, 0 },

    { "affinity", pm_kind(PRIORITY), 0, PM_OPTION_BITS,
      pm_field(affinity), pm_affinity_names, 0, 2, 0 },

    { "fields", pm_kind(READ), pm_kind(READ), PM_OPTION_FIELDS,
      pm_field(fields), pm_read_names, 0, PM_READ_MAX, 0 },

    { "unit", pm_kind(JOURNAL)|pm_kind(PROTECT), pm_kind(JOURNAL),
      PM_OPTION_NAMES, pm_field(unit), NULL, 0, 0, 0 },

    { "lines", pm_kind(JOURNAL), 0, PM_OPTION_NUMBER,
      pm_field(lines), NULL, 1, 10000, 0 },

    { "pid", pm_kind(PROTECT), 0, PM_OPTION_IDS,
      0, NULL, 0, INT32_MAX, 0 },

    { NULL, 0, 0, PM_OPTION_TEXT, 0, NULL, 0, 0, 0 }
};


int
pm_policy_option(pm_policy_entry_t *e, const pm_policy_option_t *o,
    const char *value)
{
    char     *field;
    size_t    len;
    int64_t   n, unit;

    field = (char *) e + o->field;
    len = strlen(value);
    unit = 1;

    switch (o->type) {

    case PM_OPTION_FIELDS:
        if (strcmp(value, "all") == 0) {
            e->fields = (1u << PM_READ_MAX) - 1;
            return 0;
        }

        /* fall through */

    case PM_OPTION_BITS:
    case PM_OPTION_SIGNALS:
    case PM_OPTION_IDS:
        return pm_policy_list(o, value, e);

    case PM_OPTION_NUMBER:
        if (len && o->suffix && value[len - 1] == o->suffix) {
            unit = o->suffix == 'k' ? 1024 : 1;
            len--;
        }

        if (pm_policy_number(value, len, o->from, o->to / unit, &n) != 0) {
            return -1;
        }

        *(unsigned *) field = (unsigned) (n * unit);
        return 0;

    case PM_OPTION_RANGE:
        return pm_policy_range(value, len, o->from, o->to,
                               (pm_range_t *) field);

    case PM_OPTION_NAME:
        *(const char **) field = value;
        return pm_policy_name_ok(value, "") ? 0 : -1;

    case PM_OPTION_NAMES:
        *(const char **) field = value;
        return pm_policy_name_ok(value, ",\\") ? 0 : -1;

    case PM_OPTION_PATH:
        *(const char **) field = value;
        return pm_policy_path_ok(value) ? 0 : -1;

    default: /* PM_OPTION_TEXT */
        *(const char **) field = value;
        return len <= 512 ? 0 : -1;
    }
}


/* elements with commas between them, none of them twice */

static int
pm_policy_list(const pm_policy_option_t *o, const char *value,
    pm_policy_entry_t *e)
{
    int          bit;
    char         name[32];
    size_t       len;
    unsigned    *bits;
    const char  *p, *next;

    bits = (unsigned *) ((char *) e + o->field);

    for (p = value; p; p = next) {

        len = strcspn(p, ",");
        next = p[len] ? p + len + 1 : NULL;

        if (o->type == PM_OPTION_IDS) {
            if (e->nranges == PM_POLICY_RANGES
                || pm_policy_range(p, len, o->from, o->to,
                                   &e->range[e->nranges]) != 0)
            {
                return -1;
            }

            e->nranges++;
            continue;
        }

        if (len >= sizeof(name)) {
            return -1;
        }

        memcpy(name, p, len);
        name[len] = '\0';

        bit = pm_policy_bit(o, name);

        if (bit == -1 || (*bits & (1u << bit))) {
            return -1;
        }

        *bits |= 1u << bit;
    }

    return 0;
}


static int
pm_policy_bit(const pm_policy_option_t *o, const char *name)
{
    int          i;
    const char  *s;

    for (i = 0; i < (int) o->to; i++) {

        s = o->type == PM_OPTION_SIGNALS ? sigabbrev_np(i) : o->names[i];

        if (s && strcmp(s, name) == 0) {
            return i;
        }
    }

    return -1;
}


int
pm_policy_name_ok(const char *s, const char *more)
{
    size_t  i;

    if (s[0] == '-' || s[0] == '\0') {
        return 0;
    }

    for (i = 0; s[i]; i++) {
        if ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z')
            || (s[i] >= '0' && s[i] <= '9') || strchr("@._:-", s[i])
            || strchr(more, s[i]))
        {
            continue;
        }

        return 0;
    }

    return i <= PM_POLICY_NAME;
}


/* absolute, and no step goes back */

int
pm_policy_path_ok(const char *s)
{
    size_t  len;

    if (s[0] != '/' || s[1] == '\0' || strlen(s) > 1024) {
        return 0;
    }

    for ( /* void */ ; *s; s += len) {
        s++;
        len = strcspn(s, "/");

        if (len == 0 || (len == 1 && s[0] == '.')
            || (len == 2 && s[0] == '.' && s[1] == '.'))
        {
            return 0;
        }
    }

    return 1;
}


static int
pm_policy_number(const char *s, size_t len, int64_t min, int64_t max,
    int64_t *n)
{
    int          minus;
    int64_t      v;
    const char  *end;

    end = s + len;
    minus = len && *s == '-';
    s += minus;

    if (s == end || end - s > 10) {
        return -1;
    }

    for (v = 0; s < end; s++) {
        if (*s < '0' || *s > '9') {
            return -1;
        }

        v = v * 10 + (*s - '0');
    }

    *n = minus ? -v : v;

    return *n < min || *n > max ? -1 : 0;
}


/* a..b, or one number */

int
pm_policy_range(const char *s, size_t len, int64_t min, int64_t max,
    pm_range_t *r)
{
    const char  *p;

    p = memmem(s, len, "..", 2);

    if (p == NULL) {
        p = s + len;
    }

    if (pm_policy_number(s, (size_t) (p - s), min, max, &r->from) != 0) {
        return -1;
    }

    r->to = r->from;

    if (p == s + len) {
        return 0;
    }

    p += 2;

    if (pm_policy_number(p, (size_t) (s + len - p), min, max, &r->to) != 0) {
        return -1;
    }

    return r->from > r->to ? -1 : 0;
}
