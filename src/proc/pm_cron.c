
#include <string.h>
#include <strings.h>

#include "pm_cron.h"
#include "pm_parse.h"


#define PM_CRON_DAY     86400
#define PM_CRON_YEARS   9               /* from a leap day over 2100 */
#define PM_CRON_JUMP    (3 * 3600)      /* a longer one is a new clock */


typedef struct {
    const char         *why;
    unsigned            low;
    unsigned            high;
    const char *const  *names;
} pm_cron_field_t;


static int pm_cron_setting(pm_cron_line_t *l, const char *p,
    const char *end);
static const char *pm_cron_fields(pm_cron_time_t *t, const char **p,
    const char *end);
static const char *pm_cron_word(pm_cron_time_t *t, const char **p,
    const char *end);
static const char *pm_cron_list(const pm_cron_field_t *f, const char *p,
    const char *end, uint64_t *bits);
static const char *pm_cron_range(const pm_cron_field_t *f, const char *p,
    const char *end, uint64_t *bits);
static const char *pm_cron_number(const pm_cron_field_t *f, const char *p,
    const char *end, unsigned *number);
static void pm_cron_command(pm_cron_line_t *l, const char *p,
    const char *end);
static int pm_cron_blank(const char *p, const char *end);
static int pm_cron_day(const pm_cron_time_t *t, const pm_date_t *d);
static int64_t pm_cron_find(const pm_cron_time_t *t, int64_t local,
    int64_t until);


static const char *const  pm_cron_months[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
    "nov", "dec", NULL
};


static const char *const  pm_cron_weekdays[] = {
    "sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL
};


static const pm_cron_field_t  pm_cron_table[] = {
    { "bad minute", 0, 59, NULL },
    { "bad hour", 0, 23, NULL },
    { "bad day-of-month", 1, 31, NULL },
    { "bad month", 1, 12, pm_cron_months },
    { "bad day-of-week", 0, 7, pm_cron_weekdays }
};


static const struct {
    const char  *word;
    const char  *fields;
} pm_cron_words[] = {
    { "yearly", "0 0 1 1 *" },
    { "annually", "0 0 1 1 *" },
    { "monthly", "0 0 1 * *" },
    { "weekly", "0 0 * * 0" },
    { "daily", "0 0 * * *" },
    { "midnight", "0 0 * * *" },
    { "hourly", "0 * * * *" },
    { NULL, NULL }
};


void
pm_cron_line(pm_cron_line_t *l, const char *p, size_t len, int system)
{
    const char  *end;

    memset(l, 0, sizeof(pm_cron_line_t));

    end = p + len;
    p = pm_parse_blanks(p, end);

    if (p == end || *p == '#') {
        return;
    }

    if (pm_cron_setting(l, p, end)) {
        l->kind = PM_CRON_SET;
        return;
    }

    l->kind = PM_CRON_BROKEN;
    l->schedule.data = p;

    l->why = (*p == '@') ? pm_cron_word(&l->time, &p, end)
                         : pm_cron_fields(&l->time, &p, end);

    if (l->why) {
        l->schedule.len = end - l->schedule.data;
        return;
    }

    l->schedule.len = p - l->schedule.data;

    p = pm_parse_blanks(p, end);

    if (system) {
        l->user.data = p;

        while (!pm_cron_blank(p, end)) {
            p++;
        }

        l->user.len = p - l->user.data;

        if (l->user.len == 0) {
            l->why = "bad username";
            return;
        }

        p = pm_parse_blanks(p, end);
    }

    pm_cron_command(l, p, end);

    if (p == end) {
        l->why = "bad command";
        return;
    }

    l->kind = PM_CRON_TASK;
}


const char *
pm_cron_time(pm_cron_time_t *t, const char *p, size_t len)
{
    const char  *end;

    memset(t, 0, sizeof(pm_cron_time_t));

    end = p + len;
    p = pm_parse_blanks(p, end);

    return (p < end && *p == '@') ? pm_cron_word(t, &p, end)
                                  : pm_cron_fields(t, &p, end);
}


/*
 * The instants of a stretch without a change of clocks are looked for in its
 * local time.
 */

int64_t
pm_cron_next(const pm_cron_time_t *t, const pm_tz_t *tz, int64_t after)
{
    int      fixed;
    int32_t  offset, later;
    int64_t  at, change, last, end, found;

    /* of an empty range nothing comes, which would take long to find */

    if (t->reboot || t->minute == 0 || t->hour == 0 || t->month == 0) {
        return PM_CRON_NEVER;
    }

    fixed = !t->minute_star && !t->hour_star;

    at = after + 60 - (after % 60 + 60) % 60;
    last = at + (int64_t) PM_CRON_YEARS * 366 * PM_CRON_DAY;

    offset = pm_tz_offset(tz, at);

    /* the second of two equal hours may have begun */

    if (fixed) {
        change = pm_tz_next(tz, at - PM_CRON_JUMP);
        later = pm_tz_offset(tz, at - PM_CRON_JUMP);

        if (change <= at && later > offset && later - offset < PM_CRON_JUMP
            && at < change + (later - offset))
        {
            at = change + (later - offset);
        }
    }

    while (at < last) {

        offset = pm_tz_offset(tz, at);
        change = pm_tz_next(tz, at);
        end = change < last ? change : last;

        found = pm_cron_find(t, at + offset, end + offset);

        if (found != PM_CRON_NEVER) {
            return found - offset;
        }

        if (end == last) {
            break;
        }

        at = change;
        later = pm_tz_offset(tz, change);

        if (!fixed) {
            continue;
        }

        if (later > offset && later - offset < PM_CRON_JUMP) {

            found = pm_cron_find(t, change + offset, change + later);

            if (found != PM_CRON_NEVER) {
                return change;
            }

        } else if (later < offset && offset - later < PM_CRON_JUMP) {
            at = change + (offset - later);
        }
    }

    return PM_CRON_NEVER;
}


int
pm_cron_name(const char *name)
{
    const char  *p;

    for (p = name; *p; p++) {

        if (!(*p >= '0' && *p <= '9') && !(*p >= 'a' && *p <= 'z')
            && !(*p >= 'A' && *p <= 'Z') && *p != '_' && *p != '-')
        {
            return 0;
        }
    }

    return p != name;
}


/* NAME=value, both perhaps in quotes and with blanks around */

static int
pm_cron_setting(pm_cron_line_t *l, const char *p, const char *end)
{
    int             i;
    char            quote;
    pm_cron_str_t  *str;

    for (i = 0; i < 2; i++) {

        str = i ? &l->value : &l->name;
        quote = (p < end && (*p == '"' || *p == '\'')) ? *p++ : '\0';

        str->data = p;

        while (p < end
               && (quote ? *p != quote
                         : (i || (*p != '=' && *p != ' ' && *p != '\t'))))
        {
            p++;
        }

        str->len = p - str->data;

        if (quote) {
            if (p == end) {
                return 0;
            }

            p++;
        }

        if (i) {
            break;
        }

        p = pm_parse_blanks(p, end);

        if (p == end || *p != '=') {
            return 0;
        }

        p = pm_parse_blanks(p + 1, end);

        if (p == end) {
            return 0;
        }
    }

    while (!quote && str->len
           && pm_cron_blank(str->data + str->len - 1, end))
    {
        str->len--;
    }

    return 1;
}


static const char *
pm_cron_fields(pm_cron_time_t *t, const char **line, const char *end)
{
    size_t       i;
    uint64_t     bits[5];
    const char  *p, *last;

    p = *line;
    last = p;

    for (i = 0; i < 5; i++) {

        if (p < end && *p == '*') {
            t->minute_star |= (i == 0);
            t->hour_star |= (i == 1);
            t->day_star |= (i == 2);
            t->weekday_star |= (i == 4);
        }

        last = pm_cron_list(&pm_cron_table[i], p, end, &bits[i]);

        if (last == NULL) {
            return pm_cron_table[i].why;
        }

        p = pm_parse_blanks(last, end);
    }

    t->minute = bits[0];
    t->hour = bits[1];
    t->day = bits[2];
    t->month = bits[3];
    t->weekday = (bits[4] | bits[4] >> 7) & 0x7f;

    *line = last;

    return NULL;
}


static const char *
pm_cron_word(pm_cron_time_t *t, const char **line, const char *end)
{
    size_t       i, len;
    const char  *p, *word, *fields;

    word = *line + 1;

    for (p = word; !pm_cron_blank(p, end); p++) { /* void */ }

    len = p - word;
    *line = p;

    if (len == 6 && memcmp(word, "reboot", 6) == 0) {
        t->reboot = 1;
        return NULL;
    }

    for (i = 0; pm_cron_words[i].word; i++) {

        if (strlen(pm_cron_words[i].word) == len
            && memcmp(pm_cron_words[i].word, word, len) == 0)
        {
            fields = pm_cron_words[i].fields;

            return pm_cron_fields(t, &fields, fields + strlen(fields));
        }
    }

    return "bad time specifier";
}


/* what follows a list up to the next blank does not count for cron */

static const char *
pm_cron_list(const pm_cron_field_t *f, const char *p, const char *end,
    uint64_t *bits)
{
    *bits = 0;

    for ( ;; ) {

        p = pm_cron_range(f, p, end, bits);

        if (p == NULL) {
            return NULL;
        }

        if (p == end || *p != ',') {
            break;
        }

        p++;
    }

    while (!pm_cron_blank(p, end)) {
        p++;
    }

    return p;
}


/* a range that goes backwards is empty */

static const char *
pm_cron_range(const pm_cron_field_t *f, const char *p, const char *end,
    uint64_t *bits)
{
    unsigned  from, to, step, i;

    step = 1;

    if (p < end && *p == '*') {
        from = f->low;
        to = f->high;
        p++;

    } else {
        p = pm_cron_number(f, p, end, &from);

        if (p == NULL || from < f->low || from > f->high) {
            return NULL;
        }

        if (p == end || *p != '-') {

            if (p < end && *p == '/') {
                return NULL;
            }

            *bits |= UINT64_C(1) << from;
            return p;
        }

        p = pm_cron_number(f, p + 1, end, &to);

        if (p == NULL || to < f->low || to > f->high) {
            return NULL;
        }
    }

    if (p < end && *p == '/') {
        p = pm_cron_number(NULL, p + 1, end, &step);

        if (p == NULL || step == 0) {
            return NULL;
        }
    }

    for (i = from; i <= to; i += step) {
        *bits |= UINT64_C(1) << i;
    }

    return p;
}


/* digits, or a name of three letters in any case */

static const char *
pm_cron_number(const pm_cron_field_t *f, const char *p, const char *end,
    unsigned *number)
{
    size_t       i, len;
    uint64_t     n;
    const char  *last, *digits;

    for (last = p;
         last < end
         && ((*last >= '0' && *last <= '9') || (*last >= 'a' && *last <= 'z')
             || (*last >= 'A' && *last <= 'Z'));
         last++)
    {
        /* void */
    }

    len = last - p;

    if (len == 0) {
        return NULL;
    }

    for (i = 0; len == 3 && f && f->names && f->names[i]; i++) {
        if (strncasecmp(f->names[i], p, 3) == 0) {
            *number = i + f->low;
            return last;
        }
    }

    n = 0;
    digits = pm_parse_u64(p, last, &n);

    if (digits != last || n > 1000000) {
        return NULL;
    }

    *number = n;

    return last;
}


static void
pm_cron_command(pm_cron_line_t *l, const char *p, const char *end)
{
    const char  *s;

    l->command.data = p;

    for (s = p; s < end && *s != '%'; s++) {

        if (*s == '\\' && s + 1 < end && s[1] == '%') {
            s++;
        }
    }

    l->command.len = s - p;

    if (s < end) {
        l->input.data = s + 1;
        l->input.len = end - s - 1;
    }
}


static int
pm_cron_blank(const char *p, const char *end)
{
    return p >= end || *p == ' ' || *p == '\t';
}


/* both days are asked for: then either will do */

static int
pm_cron_day(const pm_cron_time_t *t, const pm_date_t *d)
{
    int  day, weekday;

    day = (t->day >> d->day) & 1;
    weekday = (t->weekday >> d->weekday) & 1;

    return (t->day_star || t->weekday_star) ? (day && weekday)
                                            : (day || weekday);
}


/* the first minute that matches in [local, until), both in local time */

static int64_t
pm_cron_find(const pm_cron_time_t *t, int64_t local, int64_t until)
{
    int        hour, minute;
    int64_t    day;
    pm_date_t  d;

    local += (60 - local % 60) % 60;

    while (local < until) {

        day = local / PM_CRON_DAY;
        pm_date(day, &d);

        if (!((t->month >> d.month) & 1)) {
            local = (d.month == 12 ? pm_days(d.year + 1, 1, 1)
                                   : pm_days(d.year, d.month + 1, 1))
                    * PM_CRON_DAY;
            continue;
        }

        if (!pm_cron_day(t, &d)) {
            local = (day + 1) * PM_CRON_DAY;
            continue;
        }

        hour = local % PM_CRON_DAY / 3600;

        if (!((t->hour >> hour) & 1)) {
            local += 3600 - local % 3600;
            continue;
        }

        minute = local % 3600 / 60;

        if (!((t->minute >> minute) & 1)) {
            local += 60;
            continue;
        }

        return local;
    }

    return PM_CRON_NEVER;
}
