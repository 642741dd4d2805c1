
/* RFC 9636: "TZif", whose last line is a rule for the time after its table */


#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pm_procfs.h"
#include "pm_tz.h"


#define PM_TZ_FILE   (1024 * 1024)
#define PM_TZ_HEAD   44
#define PM_TZ_TYPES  256
#define PM_TZ_DAY    86400


typedef struct {                        /* when the clocks are set */
    char      form;                     /* M, J or 0: days from 0 */
    int       month, week, day;
    int32_t   time;                     /* seconds of the day */
} pm_tz_rule_t;


struct pm_tz_s {
    size_t         n;
    int64_t       *at;
    int32_t       *offset;              /* from then on */
    int32_t        first;               /* before the first */

    /* after the last */
    unsigned       rule:1;
    unsigned       dst:1;
    int32_t        std_offset;
    int32_t        dst_offset;
    pm_tz_rule_t   start;
    pm_tz_rule_t   end;
};


static uint32_t pm_tz_u32(const unsigned char *p);
static int64_t pm_tz_i64(const unsigned char *p);
static int pm_tz_table(pm_tz_t *tz, const unsigned char *p, size_t len,
    size_t size, size_t *used);
static void pm_tz_footer(pm_tz_t *tz, const char *s);
static const char *pm_tz_word(const char *s);
static const char *pm_tz_seconds(const char *s, int32_t *seconds);
static const char *pm_tz_when(const char *s, pm_tz_rule_t *r);
static int64_t pm_tz_instant(const pm_tz_rule_t *r, int64_t year,
    int32_t offset);
static int32_t pm_tz_rule_offset(const pm_tz_t *tz, int64_t at);


int
pm_tz_load(int root, const char *name, pm_tz_t **tz)
{
    int          rc;
    char         path[256];
    ssize_t      n;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p;

    *tz = NULL;

    if (name == NULL) {
        (void) snprintf(path, sizeof(path), "etc/localtime");

    } else {

        for (p = name; *p; p++) {
            if (!isalnum((unsigned char) *p) && strchr("/_+-", *p) == NULL) {
                return ENOENT;
            }
        }

        if (*name == '\0' || *name == '/' || p - name > 128) {
            return ENOENT;
        }

        (void) snprintf(path, sizeof(path), "usr/share/zoneinfo/%s", name);
    }

    n = pm_procfs_read_all(root, path, &buf, PM_TZ_FILE);

    if (n == -1) {
        rc = errno;
        pm_buf_free(&buf);

        if (name == NULL && rc == ENOENT) {
            *tz = calloc(1, sizeof(pm_tz_t));
            return *tz ? 0 : ENOMEM;
        }

        return (rc == EISDIR || rc == ENOTDIR) ? ENOENT : rc;
    }

    *tz = pm_tz_parse(buf.data, n);

    pm_buf_free(&buf);

    return *tz ? 0 : EBADMSG;
}


void
pm_tz_free(pm_tz_t *tz)
{
    if (tz) {
        free(tz->at);
        free(tz->offset);
        free(tz);
    }
}


pm_tz_t *
pm_tz_parse(const char *data, size_t len)
{
    size_t                used;
    char                  footer[256];
    const char           *end;
    pm_tz_t              *tz;
    const unsigned char  *p;

    p = (const unsigned char *) data;

    tz = calloc(1, sizeof(pm_tz_t));
    if (tz == NULL) {
        return NULL;
    }

    if (len < PM_TZ_HEAD || memcmp(p, "TZif", 4) != 0) {
        goto failed;
    }

    /* the second table has 64 bits for an instant; the first is skipped */

    if (p[4] == '\0') {

        if (pm_tz_table(tz, p, len, 4, &used) == -1) {
            goto failed;
        }

        return tz;
    }

    if (pm_tz_table(NULL, p, len, 4, &used) == -1) {
        goto failed;
    }

    p += used;
    len -= used;

    if (pm_tz_table(tz, p, len, 8, &used) == -1) {
        goto failed;
    }

    p += used;
    len -= used;

    if (len < 2 || *p != '\n') {
        return tz;
    }

    end = memchr(p + 1, '\n', len - 1);

    if (end && (size_t) (end - (const char *) p) < sizeof(footer)) {
        used = end - (const char *) p - 1;
        memcpy(footer, p + 1, used);
        footer[used] = '\0';

        pm_tz_footer(tz, footer);
    }

    return tz;

failed:

    pm_tz_free(tz);

    return NULL;
}


int32_t
pm_tz_offset(const pm_tz_t *tz, int64_t at)
{
    size_t  low, high, mid;

    if (tz->n == 0 || at >= tz->at[tz->n - 1]) {

        if (tz->rule) {
            return pm_tz_rule_offset(tz, at);
        }

        return tz->n ? tz->offset[tz->n - 1] : tz->first;
    }

    if (at < tz->at[0]) {
        return tz->first;
    }

    low = 0;
    high = tz->n - 1;

    while (high - low > 1) {
        mid = low + (high - low) / 2;

        if (tz->at[mid] <= at) {
            low = mid;

        } else {
            high = mid;
        }
    }

    return tz->offset[low];
}


int64_t
pm_tz_next(const pm_tz_t *tz, int64_t at)
{
    size_t     i;
    int32_t    offset;
    int64_t    year, next, t;
    pm_date_t  date;

    offset = pm_tz_offset(tz, at);

    for (i = 0; i < tz->n; i++) {
        if (tz->at[i] > at && tz->offset[i] != offset) {
            return tz->at[i];
        }
    }

    next = PM_TZ_NEVER;

    if (!tz->rule || !tz->dst) {
        return next;
    }

    if (tz->n && at < tz->at[tz->n - 1]) {
        at = tz->at[tz->n - 1];
    }

    pm_date(at / PM_TZ_DAY, &date);

    for (year = date.year - 1; year <= date.year + 1; year++) {

        t = pm_tz_instant(&tz->start, year, tz->std_offset);

        if (t > at && t < next) {
            next = t;
        }

        t = pm_tz_instant(&tz->end, year, tz->dst_offset);

        if (t > at && t < next) {
            next = t;
        }
    }

    return next;
}


static uint32_t
pm_tz_u32(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static int64_t
pm_tz_i64(const unsigned char *p)
{
    return (int64_t) ((uint64_t) pm_tz_u32(p) << 32 | pm_tz_u32(p + 4));
}


/* with tz NULL its length alone */

static int
pm_tz_table(pm_tz_t *tz, const unsigned char *p, size_t len, size_t size,
    size_t *used)
{
    size_t                i, k, total, ut, std, leap, n, types, chars;
    const unsigned char  *index, *type;

    if (len < PM_TZ_HEAD || memcmp(p, "TZif", 4) != 0) {
        return -1;
    }

    ut = pm_tz_u32(p + 20);
    std = pm_tz_u32(p + 24);
    leap = pm_tz_u32(p + 28);
    n = pm_tz_u32(p + 32);
    types = pm_tz_u32(p + 36);
    chars = pm_tz_u32(p + 40);

    if (n > PM_TZ_FILE || types == 0 || types > PM_TZ_TYPES
        || chars > PM_TZ_FILE || leap > PM_TZ_FILE || ut > PM_TZ_TYPES
        || std > PM_TZ_TYPES)
    {
        return -1;
    }

    total = PM_TZ_HEAD + n * size + n + types * 6 + chars
            + leap * (size + 4) + std + ut;

    if (total > len) {
        return -1;
    }

    *used = total;

    if (tz == NULL) {
        return 0;
    }

    p += PM_TZ_HEAD;
    index = p + n * size;
    type = index + n;

    tz->first = (int32_t) pm_tz_u32(type);

    if (n == 0) {
        return 0;
    }

    tz->at = calloc(n, sizeof(int64_t));
    tz->offset = calloc(n, sizeof(int32_t));

    if (tz->at == NULL || tz->offset == NULL) {
        return -1;
    }

    for (i = 0; i < n; i++) {

        k = index[i];

        if (k >= types) {
            return -1;
        }

        tz->at[i] = (size == 8) ? pm_tz_i64(p + i * 8)
                                : (int32_t) pm_tz_u32(p + i * 4);
        tz->offset[i] = (int32_t) pm_tz_u32(type + k * 6);

        if (i && tz->at[i] <= tz->at[i - 1]) {
            return -1;
        }
    }

    tz->n = n;

    return 0;
}


/* "CET-1CEST,M3.5.0,M10.5.0/3" */

static void
pm_tz_footer(pm_tz_t *tz, const char *s)
{
    int32_t  west;

    if ((s = pm_tz_word(s)) == NULL || (s = pm_tz_seconds(s, &west)) == NULL) {
        return;
    }

    tz->std_offset = -west;

    if (*s == '\0') {
        tz->rule = 1;
        return;
    }

    if ((s = pm_tz_word(s)) == NULL) {
        return;
    }

    tz->dst_offset = tz->std_offset + 3600;

    if (*s != ',') {

        if ((s = pm_tz_seconds(s, &west)) == NULL) {
            return;
        }

        tz->dst_offset = -west;
    }

    if ((s = pm_tz_when(s, &tz->start)) == NULL
        || (s = pm_tz_when(s, &tz->end)) == NULL
        || *s != '\0')
    {
        return;
    }

    tz->rule = 1;
    tz->dst = 1;
}


static const char *
pm_tz_word(const char *s)
{
    const char  *p;

    if (*s == '<') {
        p = strchr(s, '>');
        return p ? p + 1 : NULL;
    }

    for (p = s; isalpha((unsigned char) *p); p++) { /* void */ }

    return p == s ? NULL : p;
}


/* [+-]hh[:mm[:ss]] */

static const char *
pm_tz_seconds(const char *s, int32_t *seconds)
{
    int      i, n, sign, unit;
    int32_t  sum;

    sign = 1;

    if (*s == '-' || *s == '+') {
        sign = (*s++ == '-') ? -1 : 1;
    }

    sum = 0;
    unit = 3600;

    for (i = 0; i < 3; i++) {

        if (i && *s++ != ':') {
            return NULL;
        }

        if (!isdigit((unsigned char) *s)) {
            return NULL;
        }

        for (n = 0; isdigit((unsigned char) *s) && n < 1000; s++) {
            n = n * 10 + (*s - '0');
        }

        sum += n * unit;
        unit /= 60;

        if (*s != ':') {
            break;
        }
    }

    *seconds = sign * sum;

    return s;
}


/* ",Mm.w.d/time", ",Jn", ",n" */

static const char *
pm_tz_when(const char *s, pm_tz_rule_t *r)
{
    int  n;

    if (*s++ != ',') {
        return NULL;
    }

    n = 0;
    r->form = *s;
    r->time = 2 * 3600;

    if (*s == 'M') {

        if (sscanf(s + 1, "%2d.%1d.%1d%n", &r->month, &r->week, &r->day, &n)
            != 3
            || r->month < 1 || r->month > 12 || r->week < 1 || r->week > 5
            || r->day < 0 || r->day > 6)
        {
            return NULL;
        }

        s += 1 + n;

    } else {

        if (*s == 'J') {
            s++;

        } else {
            r->form = '0';
        }

        if (sscanf(s, "%3d%n", &r->day, &n) != 1 || r->day < 0
            || r->day > 365)
        {
            return NULL;
        }

        s += n;
    }

    return *s == '/' ? pm_tz_seconds(s + 1, &r->time) : s;
}


static int64_t
pm_tz_instant(const pm_tz_rule_t *r, int64_t year, int32_t offset)
{
    int        leap;
    int64_t    day, next;
    pm_date_t  date;

    switch (r->form) {

    case 'M':
        day = pm_days(year, r->month, 1);
        pm_date(day, &date);

        day += (r->day - date.weekday + 7) % 7 + (r->week - 1) * 7;

        next = r->month == 12 ? pm_days(year + 1, 1, 1)
                              : pm_days(year, r->month + 1, 1);

        while (day >= next) {
            day -= 7;
        }

        break;

    case 'J':
        leap = pm_days(year, 3, 1) - pm_days(year, 2, 28) == 2;
        day = pm_days(year, 1, 1) + r->day - 1 + (leap && r->day >= 60);
        break;

    default:
        day = pm_days(year, 1, 1) + r->day;
    }

    return day * PM_TZ_DAY + r->time - offset;
}


static int32_t
pm_tz_rule_offset(const pm_tz_t *tz, int64_t at)
{
    int64_t    start, end;
    pm_date_t  date;

    if (!tz->dst) {
        return tz->std_offset;
    }

    pm_date((at + tz->std_offset) / PM_TZ_DAY, &date);

    start = pm_tz_instant(&tz->start, date.year, tz->std_offset);
    end = pm_tz_instant(&tz->end, date.year, tz->dst_offset);

    if (start < end) {
        return (at >= start && at < end) ? tz->dst_offset : tz->std_offset;
    }

    return (at >= end && at < start) ? tz->std_offset : tz->dst_offset;
}


/* eras of 400 years that begin in March, so that a leap day is the last */

void
pm_date(int64_t days, pm_date_t *d)
{
    int64_t  era, day, year, doy, mp, weekday;

    weekday = (days + 4) % 7;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day = days - era * 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    doy = day - (365 * year + year / 4 - year / 100);
    mp = (5 * doy + 2) / 153;

    d->day = doy - (153 * mp + 2) / 5 + 1;
    d->month = mp < 10 ? mp + 3 : mp - 9;
    d->year = year + era * 400 + (d->month <= 2);
    d->weekday = weekday < 0 ? weekday + 7 : weekday;
}


int64_t
pm_days(int64_t year, int month, int day)
{
    int64_t  era, y, doy;

    y = year - (month <= 2);
    era = (y >= 0 ? y : y - 399) / 400;
    y -= era * 400;
    doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + y * 365 + y / 4 - y / 100 + doy - 719468;
}


void
pm_time_text(char dst[PM_TIME_LEN], int64_t ms)
{
    int        rest;
    int64_t    days;
    pm_date_t  d;

    dst[0] = '\0';

    days = ms / 86400000 - (ms % 86400000 < 0);
    rest = ms - days * 86400000;

    pm_date(days, &d);

    if (d.year < 0 || d.year > 9999) {
        return;
    }

    (void) snprintf(dst, PM_TIME_LEN, "%04u-%02d-%02dT%02d:%02d:%02d.%03dZ",
                    (unsigned) d.year, d.month, d.day, rest / 3600000,
                    rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
}
