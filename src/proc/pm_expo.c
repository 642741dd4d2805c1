
#include <stdio.h>
#include <string.h>

#include "pm_expo.h"
#include "pm_json.h"


#define PM_EXPO_ROOM  65536


static void pm_expo_put(pm_expo_t *e, const char *s, size_t len);
static void pm_expo_text(pm_expo_t *e, const char *s);
static void pm_expo_value(pm_expo_t *e, const char *s);


void
pm_expo_init(pm_expo_t *e, int open)
{
    memset(e, 0, sizeof(pm_expo_t));

    e->open = (open != 0);
}


void
pm_expo_free(pm_expo_t *e)
{
    pm_buf_free(&e->buf);
}


void
pm_expo_family(pm_expo_t *e, const char *name, pm_expo_type_e type,
    const char *unit, const char *help)
{
    int          i;
    const char  *suffix;

    static const char *const  words[] = { "# HELP ", "# TYPE " };

    e->name = name;
    e->type = type;

    /* the older form knows a counter by the name of its samples */

    suffix = (type == PM_EXPO_COUNTER && !e->open) ? "_total" : "";

    for (i = 0; i < 2; i++) {
        pm_expo_text(e, words[i]);
        pm_expo_text(e, name);
        pm_expo_text(e, suffix);
        pm_expo_text(e, " ");
        pm_expo_text(e, i == 0 ? help
                        : type == PM_EXPO_COUNTER ? "counter" : "gauge");
        pm_expo_text(e, "\n");
    }

    if (unit && e->open) {
        pm_expo_text(e, "# UNIT ");
        pm_expo_text(e, name);
        pm_expo_text(e, " ");
        pm_expo_text(e, unit);
        pm_expo_text(e, "\n");
    }
}


void
pm_expo_sample(pm_expo_t *e)
{
    pm_expo_text(e, e->name);

    if (e->type == PM_EXPO_COUNTER) {
        pm_expo_text(e, "_total");
    }

    e->labels = 0;
}


void
pm_expo_label(pm_expo_t *e, const char *key, const char *value, size_t len)
{
    int          valid;
    size_t       n;
    const char  *end;

    pm_expo_text(e, e->labels ? "," : "{");
    pm_expo_text(e, key);
    pm_expo_text(e, "=\"");

    e->labels = 1;

    for (end = value + len; value < end; value += n) {

        n = pm_utf8_sequence(value, end - value, &valid);

        if (!valid) {
            pm_expo_text(e, "\xef\xbf\xbd");

        } else if (*value == '\\') {
            pm_expo_text(e, "\\\\");

        } else if (*value == '"') {
            pm_expo_text(e, "\\\"");

        } else if (*value == '\n') {
            pm_expo_text(e, "\\n");

        } else if (*value) {
            pm_expo_put(e, value, n);
        }
    }

    pm_expo_text(e, "\"");
}


void
pm_expo_u64(pm_expo_t *e, uint64_t v)
{
    char  buf[32];

    (void) snprintf(buf, sizeof(buf), "%llu", (unsigned long long) v);

    pm_expo_value(e, buf);
}


void
pm_expo_i64(pm_expo_t *e, int64_t v)
{
    char  buf[32];

    (void) snprintf(buf, sizeof(buf), "%lld", (long long) v);

    pm_expo_value(e, buf);
}


void
pm_expo_millionths(pm_expo_t *e, uint64_t v)
{
    char  buf[64];

    (void) snprintf(buf, sizeof(buf), "%llu.%06llu",
                    (unsigned long long) v / 1000000,
                    (unsigned long long) v % 1000000);

    pm_expo_value(e, buf);
}


static void
pm_expo_value(pm_expo_t *e, const char *s)
{
    pm_expo_text(e, e->labels ? "} " : " ");
    pm_expo_text(e, s);
    pm_expo_text(e, "\n");
}


void
pm_expo_end(pm_expo_t *e)
{
    if (e->open) {
        pm_expo_text(e, "# EOF\n");
    }
}


static void
pm_expo_text(pm_expo_t *e, const char *s)
{
    pm_expo_put(e, s, strlen(s));
}


static void
pm_expo_put(pm_expo_t *e, const char *s, size_t len)
{
    if (e->error) {
        return;
    }

    if (e->len + len > e->buf.size
        && pm_buf_grow(&e->buf, 2 * e->buf.size + len + PM_EXPO_ROOM) == -1)
    {
        e->error = 1;
        return;
    }

    memcpy(e->buf.data + e->len, s, len);
    e->len += len;
}
