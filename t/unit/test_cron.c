
/*
 * Tables of cron: what a line is, when it runs next, time zones and the days
 * when clocks are set.  Expected instants are worked out by libc or by hand,
 * and by going through every minute.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_cron.h"
#include "pm_procfs.h"
#include "pm_tree.h"


static pm_tz_t *
zone(const char *name)
{
    int       root;
    pm_tz_t  *tz;

    root = pm_procfs_open("/");
    assert_int_equal(pm_tz_load(root, name, &tz), 0);
    close(root);

    return tz;
}


/* "2026-03-29 02:30" of UTC */

static int64_t
utc(const char *s)
{
    int  y, m, d, h, min;

    assert_int_equal(sscanf(s, "%d-%d-%d %d:%d", &y, &m, &d, &h, &min), 5);

    return pm_days(y, m, d) * 86400 + h * 3600 + min * 60;
}


static const char *
text(int64_t at)
{
    static char  buf[32];
    pm_date_t    d;

    if (at == PM_CRON_NEVER) {
        return "never";
    }

    pm_date(at / 86400, &d);

    snprintf(buf, sizeof(buf), "%04d-%02d-%02d %02d:%02d", (int) d.year,
             d.month, d.day, (int) (at % 86400 / 3600),
             (int) (at % 3600 / 60));

    return buf;
}


static const char *
next(const char *fields, const char *name, const char *after)
{
    pm_tz_t         *tz;
    const char      *why;
    pm_cron_time_t   t;

    why = pm_cron_time(&t, fields, strlen(fields));

    if (why) {
        return why;
    }

    tz = zone(name);
    why = text(pm_cron_next(&t, tz, utc(after)));
    pm_tz_free(tz);

    return why;
}


static void
test_dates(void **state)
{
    int64_t    i;
    time_t     t;
    struct tm  tm;
    pm_date_t  d;

    (void) state;

    for (i = -200000; i < 200000; i += 13) {
        t = i * 86400;
        gmtime_r(&t, &tm);
        pm_date(i, &d);

        assert_int_equal(d.year, tm.tm_year + 1900);
        assert_int_equal(d.month, tm.tm_mon + 1);
        assert_int_equal(d.day, tm.tm_mday);
        assert_int_equal(d.weekday, tm.tm_wday);
        assert_int_equal(pm_days(d.year, d.month, d.day), i);
    }
}


/* libc's own answer for every few hours of many years */

static void
test_zones(void **state)
{
    size_t      i;
    time_t      t;
    int64_t     change;
    pm_tz_t    *tz;
    struct tm   tm;

    static const char *const  names[] = {
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
        "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
        "Europe/Dublin", "Pacific/Apia", "Asia/Shanghai",
        "Antarctica/Troll", "America/Nuuk", NULL
    };

    (void) state;

    for (i = 0; names[i]; i++) {
        setenv("TZ", names[i], 1);
        tzset();

        tz = zone(names[i]);
        change = pm_tz_next(tz, 0);

        for (t = 0; t < (time_t) 3600 * 24 * 366 * 90; t += 7 * 3600) {
            localtime_r(&t, &tm);

            if (pm_tz_offset(tz, t) != tm.tm_gmtoff) {
                fail_msg("%s at %lld: %d, libc has %ld", names[i],
                         (long long) t, pm_tz_offset(tz, t), tm.tm_gmtoff);
            }

            while (change <= t) {
                assert_true(pm_tz_offset(tz, change)
                            != pm_tz_offset(tz, change - 1));
                change = pm_tz_next(tz, change);
            }

            assert_true(pm_tz_offset(tz, t)
                        == pm_tz_offset(tz, change == PM_TZ_NEVER
                                            ? t : change - 1));
        }

        pm_tz_free(tz);
    }

    unsetenv("TZ");
    tzset();
}


static void
test_zone_files(void **state)
{
    int       root;
    pm_tz_t  *tz;

    static const char  *const  bad[] = {
        "", "/etc/passwd", "../../etc/passwd", "Europe", "No/Such", "a b",
        "Europe/Berlin\n", NULL
    };
    size_t  i;
    char    data[64];

    (void) state;

    root = pm_procfs_open("/");

    for (i = 0; bad[i]; i++) {
        assert_int_not_equal(pm_tz_load(root, bad[i], &tz), 0);
        assert_null(tz);
    }

    close(root);

    tree_create();
    root = pm_procfs_open(tree);

    assert_int_equal(pm_tz_load(root, NULL, &tz), 0);
    assert_int_equal(pm_tz_offset(tz, 1), 0);
    assert_true(pm_tz_next(tz, 1) == PM_TZ_NEVER);
    pm_tz_free(tz);

    tree_text("etc/localtime", "TZif2");
    assert_int_equal(pm_tz_load(root, NULL, &tz), EBADMSG);

    close(root);
    tree_remove();

    /* counts beyond the file */

    memset(data, 0xff, sizeof(data));
    memcpy(data, "TZif2", 5);
    assert_null(pm_tz_parse(data, sizeof(data)));

    memset(data, 0, sizeof(data));
    memcpy(data, "TZif2", 5);
    assert_null(pm_tz_parse(data, sizeof(data)));
}


static void
test_lines(void **state)
{
    size_t           i;
    pm_cron_line_t   l;

    static const struct {
        const char     *line;
        pm_cron_kind_e  kind;
        const char     *what;
    } t[] = {
        { "", PM_CRON_NONE, NULL },
        { " \t ", PM_CRON_NONE, NULL },
        { "  # a comment", PM_CRON_NONE, NULL },
        { "SHELL=/bin/sh", PM_CRON_SET, "/bin/sh" },
        { " PATH = /bin:/usr/bin  ", PM_CRON_SET, "/bin:/usr/bin" },
        { "MAILTO=\"\"", PM_CRON_SET, "" },
        { "\"A B\" = 'c d'", PM_CRON_SET, "c d" },
        { "A=", PM_CRON_BROKEN, "bad minute" },
        { "* * * * * root true", PM_CRON_TASK, "true" },
        { "17 * * * * root A=1 true", PM_CRON_TASK, "A=1 true" },
        { "@daily root\ttrue", PM_CRON_TASK, "true" },
        { "@reboot root true", PM_CRON_TASK, "true" },
        { "@Daily root true", PM_CRON_BROKEN, "bad time specifier" },
        { "@ root true", PM_CRON_BROKEN, "bad time specifier" },
        { "* * * * *", PM_CRON_BROKEN, "bad username" },
        { "* * * * * root", PM_CRON_BROKEN, "bad command" },
        { "* * * * * root  ", PM_CRON_BROKEN, "bad command" },
        { "60 * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { "1x * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { "5/10 * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { "*/0 * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { "1,2, * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { ",1 * * * * root true", PM_CRON_BROKEN, "bad minute" },
        { "99999999999999999999 * * * * root x", PM_CRON_BROKEN,
          "bad minute" },
        { "0 24 * * * root true", PM_CRON_BROKEN, "bad hour" },
        { "0 -1 * * * root true", PM_CRON_BROKEN, "bad hour" },
        { "0 0 0 * * root true", PM_CRON_BROKEN, "bad day-of-month" },
        { "0 0 32 * * root true", PM_CRON_BROKEN, "bad day-of-month" },
        { "0 0 * 13 * root true", PM_CRON_BROKEN, "bad month" },
        { "0 0 * january * root true", PM_CRON_BROKEN, "bad month" },
        { "0 0 * * 8 root true", PM_CRON_BROKEN, "bad day-of-week" },
        { "0 0 * * monday root true", PM_CRON_BROKEN, "bad day-of-week" },
        { "0 0 * JAN,feb Mon-FRI root true", PM_CRON_TASK, "true" },
        { "0 0 1-15/2,20 */3 1-5 root true", PM_CRON_TASK, "true" },
        { "00007 * * * * root true", PM_CRON_TASK, "true" },
        { "* * * * * root date +\\%F%mail", PM_CRON_TASK, "date +\\%F" },
        { "FOO BAR=x", PM_CRON_BROKEN, "bad minute" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {

        pm_cron_line(&l, t[i].line, strlen(t[i].line), 1);

        if (l.kind != t[i].kind) {
            fail_msg("\"%s\" is of kind %d", t[i].line, l.kind);
        }

        if (l.kind == PM_CRON_BROKEN) {
            assert_string_equal(l.why, t[i].what);
        }

        if (l.kind == PM_CRON_TASK) {
            assert_int_equal(l.command.len, strlen(t[i].what));
            assert_memory_equal(l.command.data, t[i].what, l.command.len);
            assert_int_equal(l.user.len, 4);
        }

        if (l.kind == PM_CRON_SET) {
            assert_int_equal(l.value.len, strlen(t[i].what));
            assert_memory_equal(l.value.data, t[i].what, l.value.len);
        }
    }

    /* a user's own table has no users in it */

    pm_cron_line(&l, "0 5 * * 1 tar -zcf x%one%two", 28, 0);
    assert_int_equal(l.kind, PM_CRON_TASK);
    assert_int_equal(l.schedule.len, 9);
    assert_memory_equal(l.command.data, "tar -zcf x", l.command.len);
    assert_memory_equal(l.input.data, "one%two", l.input.len);

    pm_cron_line(&l, "@daily", 6, 0);
    assert_string_equal(l.why, "bad command");
}


static void
test_next(void **state)
{
    size_t  i;

    static const struct {
        const char  *fields;
        const char  *after;
        const char  *next;
    } t[] = {
        { "* * * * *", "2026-11-21 00:00", "2026-11-21 00:01" },
        { "17 * * * *", "2026-11-21 00:17", "2026-11-21 01:17" },
        { "25 6 * * *", "2026-11-21 06:24", "2026-11-21 06:25" },
        { "25 6 * * *", "2026-11-21 06:25", "2026-11-22 06:25" },
        { "47 6 * * 7", "2026-11-21 00:00", "2026-11-22 06:47" },
        { "52 6 1 * *", "2026-11-21 00:00", "2026-12-01 06:52" },
        { "*/15 * * * *", "2026-11-21 00:46", "2026-11-21 01:00" },
        { "0-30/7 9-17 * * mon-fri", "2026-11-20 17:28",
          "2026-11-23 09:00" },
        { "0 0 1 1 *", "2026-11-21 00:00", "2027-01-01 00:00" },
        { "0 0 29 2 *", "2026-11-21 00:00", "2028-02-29 00:00" },
        { "0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00" },
        { "0 0 31 2 *", "2026-11-21 00:00", "never" },
        { "0 0 31 4,6 *", "2026-11-21 00:00", "never" },
        { "0 0 * * 6-0", "2026-11-21 00:00", "never" },
        { "10-5 * * * *", "2026-11-21 00:00", "never" },
        { "0 12 * feb sun", "2026-11-21 00:00", "2027-02-07 12:00" },
        { "0 0 * * 5-7", "2026-11-21 00:00", "2026-11-22 00:00" },
        { "0 0 * * 0,7", "2026-11-21 00:00", "2026-11-22 00:00" },

        /* a day of the month or of the week, where none begins with "*" */
        { "0 0 13 * 5", "2026-11-13 00:00", "2026-11-20 00:00" },
        { "0 0 13 * 5", "2026-12-11 00:00", "2026-12-13 00:00" },
        { "0 0 1-7 * 1", "2026-11-21 00:00", "2026-11-23 00:00" },
        { "0 0 */2 * 1", "2026-11-21 00:00", "2026-11-23 00:00" },
        { "0 0 */2 * 1", "2026-11-23 00:00", "2026-12-07 00:00" },
        { "0 0 13 * *", "2026-11-13 00:00", "2026-12-13 00:00" },

        { "@hourly", "2026-11-21 00:30", "2026-11-21 01:00" },
        { "@daily", "2026-11-21 00:30", "2026-11-22 00:00" },
        { "@midnight", "2026-11-21 00:30", "2026-11-22 00:00" },
        { "@weekly", "2026-11-21 00:30", "2026-11-22 00:00" },
        { "@monthly", "2026-11-21 00:30", "2026-12-01 00:00" },
        { "@yearly", "2026-11-21 00:30", "2027-01-01 00:00" },
        { "@annually", "2026-11-21 00:30", "2027-01-01 00:00" },
        { "@reboot", "2026-11-21 00:30", "never" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {

        if (strcmp(next(t[i].fields, "UTC", t[i].after), t[i].next) != 0) {
            fail_msg("\"%s\" after %s: %s, not %s", t[i].fields, t[i].after,
                     next(t[i].fields, "UTC", t[i].after), t[i].next);
        }
    }
}


/* Berlin: 2026-03-29 01:00 UTC is 03:00, 2026-10-25 01:00 UTC is 02:00 */

static void
test_clocks(void **state)
{
    size_t  i;

    static const struct {
        const char  *fields;
        const char  *zone;
        const char  *after;
        const char  *next;
    } t[] = {
        { "0 12 * * *", "Asia/Kolkata", "2026-11-21 00:00",
          "2026-11-21 06:30" },
        { "0 9 * * *", "America/New_York", "2026-11-21 00:00",
          "2026-11-21 14:00" },

        /* the hour that is left out: at its end, once */
        { "30 2 * * *", "Europe/Berlin", "2026-03-28 01:30",
          "2026-03-29 01:00" },
        { "30 2 * * *", "Europe/Berlin", "2026-03-29 01:00",
          "2026-03-30 00:30" },
        { "30 3 * * *", "Europe/Berlin", "2026-03-28 12:00",
          "2026-03-29 01:30" },
        { "0 2 29 3 *", "Europe/Berlin", "2026-01-01 00:00",
          "2026-03-29 01:00" },

        /* every hour: those that there are */
        { "30 * * * *", "Europe/Berlin", "2026-03-29 00:30",
          "2026-03-29 01:30" },
        { "*/20 2 * * *", "Europe/Berlin", "2026-03-28 01:40",
          "2026-03-30 00:00" },

        /* two equal hours: the first of them */
        { "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00",
          "2026-10-25 00:30" },
        { "30 2 * * *", "Europe/Berlin", "2026-10-25 00:30",
          "2026-10-26 01:30" },
        { "30 2 * * *", "Europe/Berlin", "2026-10-25 01:10",
          "2026-10-26 01:30" },
        { "0 3 * * *", "Europe/Berlin", "2026-10-25 00:30",
          "2026-10-25 02:00" },

        /* both for what runs every hour */
        { "30 * * * *", "Europe/Berlin", "2026-10-25 00:30",
          "2026-10-25 01:30" },
        { "*/30 2 * * *", "Europe/Berlin", "2026-10-25 00:30",
          "2026-10-25 01:00" },

        /* half an hour is set there */
        { "15 2 * * *", "Australia/Lord_Howe", "2026-10-02 16:00",
          "2026-10-03 15:30" },

        /* a day that was left out is a new clock: nothing is made up for */
        { "0 12 30 12 *", "Pacific/Apia", "2011-01-01 00:00",
          "2012-12-29 22:00" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {

        if (strcmp(next(t[i].fields, t[i].zone, t[i].after), t[i].next)
            != 0)
        {
            fail_msg("\"%s\" in %s after %s: %s, not %s", t[i].fields,
                     t[i].zone, t[i].after,
                     next(t[i].fields, t[i].zone, t[i].after), t[i].next);
        }
    }
}


/* a run is the first minute of libc's local time that fits the fields */

static int
fits(const pm_cron_time_t *t, time_t at)
{
    int        day, weekday;
    struct tm  tm;

    localtime_r(&at, &tm);

    day = (t->day >> tm.tm_mday) & 1;
    weekday = (t->weekday >> tm.tm_wday) & 1;

    return ((t->minute >> tm.tm_min) & 1) && ((t->hour >> tm.tm_hour) & 1)
           && ((t->month >> (tm.tm_mon + 1)) & 1)
           && ((t->day_star || t->weekday_star) ? day && weekday
                                                : day || weekday);
}


static void
test_every_minute(void **state)
{
    int              i;
    char             fields[128];
    time_t           at, end;
    int64_t          run;
    pm_tz_t         *tz;
    unsigned         seed;
    pm_cron_time_t   t;

    (void) state;

    setenv("TZ", "America/New_York", 1);
    tzset();

    tz = zone("America/New_York");
    seed = 1;

#define pick(n)  ((seed = seed * 1103515245 + 12345) >> 16) % (n)

    for (i = 0; i < 300; i++) {
        unsigned  a = pick(60), b = pick(24), c = pick(28), d = pick(7);

        /* a star in front: the clocks do not matter */

        snprintf(fields, sizeof(fields), i % 2 ? "%u */%u %u * %u"
                                               : "%u */%u */%u * %u",
                 a, b % 12 + 1, c + 1, d);

        assert_null(pm_cron_time(&t, fields, strlen(fields)));

        at = utc("2026-03-01 00:00") + pick(86400 * 300);
        run = pm_cron_next(&t, tz, at);

        end = at + 86400 * 60;

        for (at += 60 - at % 60; at < end && !fits(&t, at); at += 60) {
            /* void */
        }

        if (at < end) {
            if (run != at) {
                fail_msg("\"%s\": %s", fields, text(run));
            }

        } else {
            assert_true(run >= end || run == PM_CRON_NEVER);
        }
    }

    pm_tz_free(tz);
    unsetenv("TZ");
    tzset();
}


/* the same calendars as systemd understands them, where it is there */

static void
test_systemd(void **state)
{
    int      seen;
    char     cmd[512], line[256], want[64];
    FILE    *out;
    size_t   i;

    static const struct {
        const char  *fields;
        const char  *calendar;
    } t[] = {
        { "0 6 * * mon", "Mon *-*-* 06:00" },
        { "*/15 * * * *", "*:0/15" },
        { "25 6 * * *", "06:25" },
        { "52 6 1 * *", "*-*-01 06:52" },
        { "0 0 29 2 *", "*-02-29" },
        { "30 3 * 3,10 sat,sun", "Sat,Sun *-03,10-* 03:30" },
        { "5 0-23/3 * * 1-5", "Mon..Fri *-*-* 00/3:05" },
        { "59 23 31 12 *", "*-12-31 23:59" },
        { "@weekly", "Sun *-*-* 00:00" },
        { "@yearly", "yearly" }
    };

    static const char *const  after[] = {
        "2026-11-21 00:30", "2026-03-27 20:00", "2026-10-24 19:00",
        "2027-12-31 23:59", "2028-02-28 22:59"
    };

    static const char *const  zones[] = {
        "Europe/Berlin", "Asia/Kolkata", "UTC"
    };

    (void) state;

    if (access("/usr/bin/systemd-analyze", X_OK) == -1) {
        skip();
    }

    for (i = 0; i < 150; i++) {
        const char  *zone_name = zones[i / 50], *from = after[i / 10 % 5];

        snprintf(cmd, sizeof(cmd), "TZ=%s LC_ALL=C systemd-analyze calendar "
                 "--base-time='%s:00 UTC' '%s' 2>/dev/null", zone_name,
                 from, t[i % 10].calendar);

        out = popen(cmd, "r");
        assert_non_null(out);

        seen = 0;

        while (fgets(line, sizeof(line), out)) {

            /* "(in UTC): Mon 2026-11-23 05:00:00 UTC", or the line itself */

            if ((strstr(line, "(in UTC)") || strstr(line, "Next elapse"))
                && strstr(line, " UTC\n")
                && sscanf(strstr(line, ": ") + 2, "%*s %63[0-9: -]", want)
                   == 1)
            {
                want[16] = '\0';
                seen = 1;
            }
        }

        pclose(out);

        if (seen && strcmp(next(t[i % 10].fields, zone_name, from), want)
                    != 0)
        {
            fail_msg("\"%s\" in %s after %s: %s, systemd has %s",
                     t[i % 10].fields, zone_name, from,
                     next(t[i % 10].fields, zone_name, from), want);
        }

        if (i % 10 != 4) {
            assert_true(seen);
        }
    }
}


/* what the real one refuses we call broken, where it is there */

static void
test_real_cron(void **state)
{
    int              real, fd;
    char             path[] = "/tmp/procmgr.XXXXXX", cmd[128];
    size_t           i;
    pm_cron_line_t   l;

    static const char *const  lines[] = {
        "* * * * * x", "5/10 * * * * x", "*/0 * * * * x", "*/70 * * * * x",
        "0 0 * * sat-sun x", "0 0 * * fri-7 x", "0 0 * * monday x",
        "0 0 * JAN,feb mon x", "10-5 * * * * x", "60 * * * * x",
        "58-61 * * * * x", "58-61/5 * * * * x", "* * 0 * * x",
        "* * * * 8 x", "* * * 0 * x", "@daily x", "@Daily x",
        "@midnight x", "@foo x", "A=b", " A = \"b c\"", "A=", "\"A\"=b",
        "'A' = b", "A=\"\"", "A B=c", "1,2, * * * * x", ",1 * * * * x",
        "1-2-3 * * * * x", "1-5/100 * * * * x", "*/2,3 * * * * x",
        "1~5 * * * * x", "1x * * * * x", "*x * * * * x", "1-3x * * * * x",
        "0 24 * * * x", "00005 * * * * x", "*-5 * * * * x", "- * * * * x",
        "-1 * * * * x", "1- * * * * x", "1-/2 * * * * x", "1/ * * * * x",
        "*/ * * * * x", "0 0 1-15/2,20 */3 1-5 x %%y", "# a", " \t# b",
        "* * * * x", "1 2 3", "x", "@reboot x", "0 0 * mar-may,dec * x",
        "0 0 * * 0-7 x", "0 0 * * mon,wed,7 x", "* * * jan-13 * x"
    };

    (void) state;

    if (access("/usr/bin/crontab", X_OK) == -1
        || access("/var/spool/cron/crontabs", F_OK) == -1)
    {
        skip();
    }

    fd = mkstemp(path);
    assert_true(fd != -1);

    snprintf(cmd, sizeof(cmd), "crontab -n %s >/dev/null 2>&1", path);

    dprintf(fd, "0 0 * * * x\n");

    if (system(cmd) != 0) {
        close(fd);
        unlink(path);
        skip();
    }

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {

        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        dprintf(fd, "%s\n", lines[i]);

        real = (system(cmd) == 0);

        pm_cron_line(&l, lines[i], strlen(lines[i]), 0);

        if (real != (l.kind != PM_CRON_BROKEN)) {
            fail_msg("\"%s\": cron %s it", lines[i],
                     real ? "takes" : "refuses");
        }
    }

    close(fd);
    unlink(path);
}


static void
test_times(void **state)
{
    char  buf[PM_TIME_LEN];

    (void) state;

    pm_time_text(buf, INT64_C(1795221000123));
    assert_string_equal(buf, "2026-11-21T00:30:00.123Z");
    pm_time_text(buf, -1);
    assert_string_equal(buf, "1969-12-31T23:59:59.999Z");
    pm_time_text(buf, 0);
    assert_string_equal(buf, "1970-01-01T00:00:00.000Z");
    pm_time_text(buf, INT64_MAX);
    assert_string_equal(buf, "");
}


static void
test_names(void **state)
{
    (void) state;

    assert_true(pm_cron_name("e2scrub_all"));
    assert_true(pm_cron_name("man-db"));
    assert_false(pm_cron_name(""));
    assert_false(pm_cron_name(".placeholder"));
    assert_false(pm_cron_name("one.dpkg-old"));
    assert_false(pm_cron_name("script.sh"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_zone_files),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_every_minute),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_real_cron),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_names)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
