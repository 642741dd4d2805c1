
/* the search by name */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pm_match.h"


static unsigned
score(const char *query, const char *name, const char *unit, const char *exe,
    const char *cmdline, size_t cmdline_len)
{
    pm_match_t       m;
    pm_match_text_t  f[PM_MATCH_FIELDS];

    assert_int_equal(pm_match_init(&m, query, strlen(query)), 0);

    memset(f, 0, sizeof(f));

    if (name) {
        f[PM_MATCH_NAME].text = name;
        f[PM_MATCH_NAME].len = strlen(name);
    }

    if (unit) {
        f[PM_MATCH_UNIT].text = unit;
        f[PM_MATCH_UNIT].len = strlen(unit);
    }

    if (exe) {
        f[PM_MATCH_EXE].text = exe;
        f[PM_MATCH_EXE].len = strlen(exe);
    }

    if (cmdline) {
        f[PM_MATCH_CMDLINE].text = cmdline;
        f[PM_MATCH_CMDLINE].len = cmdline_len;
    }

    return pm_match(&m, f);
}


static void
substring(void **state)
{
    (void) state;

    assert_true(score("nginx", "nginx", NULL, NULL, NULL, 0) > 0);
    assert_true(score("NGINX", "nginx", NULL, NULL, NULL, 0) > 0);
    assert_true(score("gin", "NGINX", NULL, NULL, NULL, 0) > 0);
    assert_int_equal(score("apache", "nginx", NULL, NULL, NULL, 0), 0);
    assert_true(score("ssh", "sshd", "ssh.service", NULL, NULL, 0) > 0);
    assert_true(score("cron", NULL, "cron.service", NULL, NULL, 0) > 0);
    assert_true(score("sbin", NULL, NULL, "/usr/sbin/x", NULL, 0) > 0);
    assert_true(score("--port=1", "x", NULL, NULL, "x\0--port=1", 10) > 0);
    assert_int_equal(score("x", NULL, NULL, NULL, NULL, 0), 0);
}


static void
every_word(void **state)
{
    (void) state;

    assert_true(score("redis 6380", "redis-server", NULL, NULL,
                      "redis-server\0*:6380", 19) > 0);
    assert_int_equal(score("redis 6381", "redis-server", NULL, NULL,
                           "redis-server\0*:6380", 19), 0);
    assert_true(score("  redis   ", "redis", NULL, NULL, NULL, 0) > 0);
}


static void
subsequence(void **state)
{
    static const char  java[] = "/opt/java\0-Dxenon\0-gcs=1";

    (void) state;

    assert_true(score("ngx", "nginx", NULL, NULL, NULL, 0) > 0);
    assert_true(score("pstgrs", NULL, NULL, "/usr/lib/postgresql/15/bin/p",
                      NULL, 0) > 0);
    assert_int_equal(score("xgn", "nginx", NULL, NULL, NULL, 0), 0);

    /* over a whole unit, but within one word of a command line */

    assert_true(score("sds", NULL, "systemd-udevd.service", NULL, NULL, 0)
                > 0);
    assert_true(score("dxn", NULL, NULL, NULL, java, sizeof(java) - 1) > 0);
    assert_int_equal(score("jxg", NULL, NULL, NULL, java, sizeof(java) - 1),
                     0);
}


static void
best_first(void **state)
{
    (void) state;

    /* whole, start, word, inside */

    assert_true(score("ssh", "ssh", NULL, NULL, NULL, 0)
                > score("ssh", "sshd", NULL, NULL, NULL, 0));
    assert_true(score("ssh", "sshd", NULL, NULL, NULL, 0)
                > score("ssh", "my-ssh-x", NULL, NULL, NULL, 0));
    assert_true(score("ssh", "my-ssh-x", NULL, NULL, NULL, 0)
                > score("ssh", "myssh", NULL, NULL, NULL, 0));

    /* name, unit, executable, arguments, letters in their order */

    assert_true(score("ssh", "xssh", NULL, NULL, NULL, 0)
                > score("ssh", NULL, "ssh", NULL, NULL, 0));
    assert_true(score("ssh", NULL, "xssh", NULL, NULL, 0)
                > score("ssh", NULL, NULL, "ssh", NULL, 0));
    assert_true(score("ssh", NULL, NULL, "xssh", NULL, 0)
                > score("ssh", NULL, NULL, NULL, "ssh", 3));
    assert_true(score("ssh", NULL, NULL, NULL, "xssh", 4)
                > score("ssh", "s-s-h", NULL, NULL, NULL, 0));
}


static void
bounds(void **state)
{
    char             name[2 * PM_MATCH_LEN];
    pm_match_t       m;
    pm_match_text_t  f[PM_MATCH_FIELDS];

    (void) state;

    memset(name, 'a', sizeof(name));

    assert_int_equal(pm_match_init(&m, "", 0), -1);
    assert_int_equal(pm_match_init(&m, "   ", 3), -1);
    assert_int_equal(pm_match_init(&m, name, PM_MATCH_LEN + 1), -1);
    assert_int_equal(pm_match_init(&m, "1 2 3 4 5 6 7 8 9", 17), -1);
    assert_int_equal(pm_match_init(&m, "1 2 3 4 5 6 7 8", 15), 0);
    assert_int_equal(pm_match_init(&m, name, PM_MATCH_LEN), 0);

    memset(f, 0, sizeof(f));
    f[PM_MATCH_NAME].text = name;
    f[PM_MATCH_NAME].len = sizeof(name);
    assert_true(pm_match(&m, f) > 0);

    f[PM_MATCH_NAME].len = PM_MATCH_LEN - 1;
    assert_int_equal(pm_match(&m, f), 0);

    /* bytes that are no letters are bytes */

    assert_int_equal(pm_match_init(&m, "\xff\xfe", 2), 0);
    f[PM_MATCH_NAME].text = "x\xff\xfe";
    f[PM_MATCH_NAME].len = 3;
    assert_true(pm_match(&m, f) > 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(substring),
        cmocka_unit_test(every_word),
        cmocka_unit_test(subsequence),
        cmocka_unit_test(best_first),
        cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
