
/*
 * Tables, folders, anacron and timers of a host that is a folder: which rows
 * come, when they run, and what is said of those that do not.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_schedule.h"
#include "pm_timer.h"
#include "pm_tree.h"


/* 2026-11-21 00:30 UTC, a Saturday */
#define NOW  1795221000


static char    rows[1048576];
static size_t  len;


static void
add(const char *what, const pm_cron_str_t *s)
{
    if (s->data) {
        len += snprintf(rows + len, sizeof(rows) - len, "%s%.*s", what,
                        (int) s->len, s->data);
    }
}


static void
row(void *data, const pm_schedule_row_t *r)
{
    char  time[PM_TIME_LEN];

    (void) data;

    if (len > sizeof(rows) / 2) {
        return;
    }

    len += snprintf(rows + len, sizeof(rows) - len, "%s", r->source);

    if (r->line) {
        len += snprintf(rows + len, sizeof(rows) - len, ":%u", r->line);
    }

    add(" ", &r->schedule);
    add(" ", &r->user);
    add(" ", &r->command);
    add(" %", &r->input);
    add(" ", &r->zone);

    if (r->next != PM_CRON_NEVER) {
        pm_time_text(time, r->next * 1000);
        len += snprintf(rows + len, sizeof(rows) - len, " -> %.16s", time);
    }

    if (r->last != PM_CRON_NEVER) {
        pm_time_text(time, r->last * 1000);
        len += snprintf(rows + len, sizeof(rows) - len, " <- %.16s", time);
    }

    if (!r->enabled) {
        len += snprintf(rows + len, sizeof(rows) - len, " off");
    }

    if (r->error) {
        len += snprintf(rows + len, sizeof(rows) - len, " (%s)", r->error);
    }

    len += snprintf(rows + len, sizeof(rows) - len, "\n");
}


static unsigned
schedule(unsigned *found)
{
    unsigned        lost;
    pm_schedule_t  *s;

    len = 0;
    rows[0] = '\0';

    s = pm_schedule_create(tree, NOW, row, NULL);
    assert_non_null(s);

    lost = pm_schedule_read(s, found);

    pm_schedule_free(s);

    return lost;
}


static void
test_tables(void **state)
{
    unsigned  found;

    (void) state;

    tree_create();

    assert_int_equal(schedule(&found), 0);
    assert_int_equal(found, 0);
    assert_string_equal(rows, "");

    tree_text("etc/crontab",
              "# m h dom mon dow user command\n"
              "SHELL=/bin/sh\n"
              "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n"
              "25 6 * * * root run-parts --report /etc/cron.daily\n"
              "61 * * * * root true\n"
              "0 0 31 2 * root true\n"
              "@reboot www-data sleep 1%in%put\n");
    tree_text("etc/cron.d/one", "0 6 * * mon root a\n");
    tree_text("etc/cron.d/one.dpkg-old", "0 6 * * mon root b\n");
    tree_text("etc/cron.d/.placeholder", "0 6 * * mon root c\n");
    tree_text("etc/cron.daily/script", "#!/bin/sh\n");
    assert_int_equal(chmod(tree_path("etc/cron.daily/script"), 0755), 0);
    tree_text("etc/cron.daily/off", "#!/bin/sh\n");
    tree_text("etc/cron.daily/script.sh", "#!/bin/sh\n");
    tree_text("etc/cron.weekly/alone", "#!/bin/sh\n");
    assert_int_equal(chmod(tree_path("etc/cron.weekly/alone"), 0755), 0);
    tree_text("var/spool/cron/crontabs/alice", "0 1 * * * run me\n");
    tree_text("var/spool/cron/crontabs/tmp.a1b2c3", "0 1 * * * no\n");

    assert_int_equal(schedule(&found), 0);
    assert_int_equal(found, 7);
    assert_string_equal(rows,
        "/etc/crontab:3 17 * * * * root cd / && run-parts --report "
        "/etc/cron.hourly -> 2026-11-21T01:17\n"
        "/etc/crontab:4 25 6 * * * root run-parts --report /etc/cron.daily "
        "-> 2026-11-21T06:25\n"
        "/etc/crontab:5 61 * * * * root true off (bad minute)\n"
        "/etc/crontab:6 0 0 31 2 * root true (never runs: there is no such "
        "day or time)\n"
        "/etc/crontab:7 @reboot www-data sleep 1 %in%put\n"
        "/etc/cron.d/one:1 0 6 * * mon root a -> 2026-11-23T06:00\n"
        "/etc/cron.daily 25 6 * * * root /etc/cron.daily/off off (may not "
        "be executed)\n"
        "/etc/cron.daily 25 6 * * * root /etc/cron.daily/script "
        "-> 2026-11-21T06:25\n"
        "/etc/cron.weekly root /etc/cron.weekly/alone off (no table runs "
        "this folder)\n"
        "/var/spool/cron/crontabs/alice:1 0 1 * * * alice run me "
        "-> 2026-11-21T01:00\n");

    tree_remove();
}


/* what the host's cron knows it says itself */

static void
test_daemons(void **state)
{
    char      *table;
    unsigned   found;

    (void) state;

    tree_create();


    table = "CRON_TZ=Asia/Kolkata\n0 12 * * * root a\n"
            "CRON_TZ=No/Where\n0 12 * * * root b\n"
            "CRON_TZ=\"\"\n0 12 * * * root c";

    tree_text("etc/crontab", table);

    assert_int_equal(schedule(&found), 0);
    assert_non_null(strstr(rows, "root b No/Where off (there is no such "
                                 "time zone)\n"));

    tree_text("usr/sbin/cron", "\177ELF CRON_TZ");
    assert_int_equal(schedule(&found), 0);
    assert_non_null(strstr(rows, "root b No/Where off"));

    /* Debian's: no zones, and a last line without an end counts for all */

    tree_text("usr/sbin/cron", "\177ELF Missing newline before EOF");
    assert_int_equal(schedule(&found), 0);
    assert_non_null(strstr(rows, "/etc/crontab:2 0 12 * * * root a off "
                                 "(cron refuses this file"));

    tree_text("etc/crontab", "CRON_TZ=No/Where\n0 12 * * * root b\n");
    assert_int_equal(schedule(&found), 0);
    assert_string_equal(rows, "/etc/crontab:2 0 12 * * * root b "
                              "-> 2026-11-21T12:00\n");

    tree_remove();
}


static void
test_anacron(void **state)
{
    unsigned  found;

    (void) state;

    tree_create();

    tree_text("etc/anacrontab",
              "# comment\nSTART_HOURS_RANGE=3-22\n"
              "1\t5\tcron.daily\trun-parts --report /etc/cron.daily\n"
              "@monthly 15 cron.monthly run-parts /etc/cron.monthly\n"
              "x 5 id command\n7 5 id\n");
    tree_text("etc/crontab",
              "25 6 * * * root test -x /usr/sbin/anacron || run-parts "
              "/etc/cron.daily\n");
    tree_text("etc/cron.daily/script", "");
    assert_int_equal(chmod(tree_path("etc/cron.daily/script"), 0755), 0);
    tree_text("var/spool/anacron/cron.daily", "20261120\n");

    /* not installed: the line of cron runs it */

    assert_int_equal(schedule(&found), 0);
    assert_non_null(strstr(rows, "cron.daily off (anacron is not "
                                 "installed)\n"));
    assert_non_null(strstr(rows, "/etc/cron.daily/script "
                                 "-> 2026-11-21T06:25\n"));

    tree_text("usr/sbin/anacron", "");

    assert_int_equal(schedule(&found), 0);
    assert_non_null(strstr(rows, "/etc/anacrontab:3 1\t5 root run-parts "
                                 "--report /etc/cron.daily "
                                 "<- 2026-11-20T00:00\n"));
    assert_non_null(strstr(rows, "/etc/anacrontab:4 @monthly 15 root "));
    assert_non_null(strstr(rows, "off (bad period)\n"));
    assert_non_null(strstr(rows, "off (bad command)\n"));
    assert_non_null(strstr(rows, "/etc/cron.daily 1\t5 root "
                                 "/etc/cron.daily/script\n"));

    tree_remove();
}


/* files that are none, bytes that are no text */

static void
test_hostile(void **state)
{
    size_t    i;
    char      big[70000];
    unsigned  found;

    (void) state;

    tree_create();

    tree_write("etc/crontab", "\0\0\0\n* * * * * \0root x\n\xff\xfe\n@\n\n",
               28);
    assert_int_equal(schedule(&found), 0);
    assert_int_equal(found, 1);

    memset(big, '*', sizeof(big));
    tree_write("etc/cron.d/stars", big, sizeof(big));
    assert_int_equal(schedule(&found), 0);

    for (i = 0; i + 3 < sizeof(big); i += 3) {
        memcpy(big + i, "*,\n", 3);
    }

    tree_write("etc/cron.d/stars", big, i);
    assert_int_equal(schedule(&found), PM_SCHEDULE_TABLES);

    /* a folder, a pipe and a loop in place of a file */

    assert_int_equal(mkdir(tree_path("etc/cron.d/folder"), 0755), 0);
    assert_int_equal(mkfifo(tree_path("etc/cron.d/pipe"), 0644), 0);
    assert_int_equal(symlink("loop", tree_path("etc/cron.d/loop")), 0);
    tree_text("etc/cron.d/stars", "");
    tree_text("etc/crontab", "");

    assert_int_equal(schedule(&found), PM_SCHEDULE_TABLES);
    assert_string_equal(rows, "/etc/cron.d/loop off (cannot be read)\n");

    tree_remove();
}


static void
test_timers(void **state)
{
    (void) state;

    tree_create();
    len = 0;
    rows[0] = '\0';

    assert_false(pm_timer_there(tree));
    assert_int_equal(pm_timer_read(tree, row, NULL), 0);
    assert_string_equal(rows, "");

    tree_text("run/systemd/system/.keep", "");
    assert_true(pm_timer_there(tree));

    tree_text("usr/lib/systemd/system/a.timer",
              "[Timer]\nOnCalendar=*-*-* 6,18:00\nRandomizedDelaySec=12h\n"
              "Persistent=true\n");
    tree_text("usr/lib/systemd/system/b.timer",
              "[Timer]\nOnCalendar=hourly\nOnCalendar=\nOnBootSec=15min\n"
              "OnUnitActiveSec=1d\nUnit=other.service");
    tree_text("usr/lib/systemd/system/off.timer",
              "[Timer]\nOnCalendar=daily\n");
    tree_text("usr/lib/systemd/system/hidden.timer",
              "[Timer]\nOnCalendar=daily\n");
    tree_text("etc/systemd/system/hidden.timer",
              "[Timer]\nOnCalendar=weekly\n");
    tree_text("lib/systemd/system/many@.timer",
              "[Timer]\nOnCalendar=daily\n");
    tree_text("etc/systemd/system/timers.target.wants/a.timer", "");
    tree_text("etc/systemd/system/timers.target.wants/gone.timer", "");
    tree_text("etc/systemd/system/timers.target.wants/x.service", "");
    tree_text("lib/systemd/system/timers.target.wants/a.timer", "");
    tree_text("lib/systemd/system/timers.target.wants/b.timer", "");

    assert_int_equal(pm_timer_read(tree, row, NULL), 0);
    assert_non_null(strstr(rows, "a.timer *-*-* 6,18:00 a.service\n"));
    assert_non_null(strstr(rows, "b.timer OnBootSec=15min; "
                                 "OnUnitActiveSec=1d other.service\n"));
    assert_non_null(strstr(rows, "gone.timer gone.service\n"));
    assert_non_null(strstr(rows, "off.timer daily off.service off\n"));
    assert_non_null(strstr(rows, "hidden.timer weekly hidden.service off\n"));
    assert_null(strstr(rows, "hidden.timer daily"));
    assert_null(strstr(rows, "many@"));
    assert_null(strstr(rows, "x.service"));
    assert_null(strstr(strstr(rows, "a.timer") + 1, "a.timer"));

    len = 0;
    pm_timer_named(tree, "a.timer", NOW, NOW - 86400, 1, row, NULL);
    assert_string_equal(rows, "a.timer *-*-* 6,18:00 a.service "
                        "-> 2026-11-21T00:30 <- 2026-11-20T00:30\n");

    tree_remove();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_daemons),
        cmocka_unit_test(test_anacron),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_timers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
