
/* questions to the policy: commands, processes and logs */


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pm_policy.h"


static char  text[4096];


static void
parse(pm_policy_t *p, const char *s)
{
    size_t  len;

    len = strlen(s);
    memcpy(text, s, len);

    assert_int_equal(pm_policy_parse(p, text, len), 0);
}


static void
test_command(void **state)
{
    size_t                    i;
    pm_policy_t               p;
    const pm_policy_entry_t  *e;

    static const struct {
        const char  *words[5];
        size_t       n;
        pm_permit_e  permit;
    } cases[] = {
        { { "q", "b", "5" }, 3, PM_PERMIT },
        { { "q", "aa", "-3" }, 3, PM_PERMIT },
        { { "q", "c", "10" }, 3, PM_PERMIT },
        { { "q", "c", "0" }, 3, PM_PERMIT },
        { { "q", "a", "5" }, 3, PM_DENY_UNKNOWN },
        { { "q", "aaa", "5" }, 3, PM_DENY_UNKNOWN },
        { { "q", "", "5" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b,c", "5" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b)", "5" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b", "11" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b", "-4" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b", "1..2" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b", "05" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b", "" }, 3, PM_DENY_UNKNOWN },
        { { "q", "b" }, 2, PM_DENY_UNKNOWN },
        { { "q", "b", "5", "x" }, 4, PM_DENY_UNKNOWN },
        { { "Q", "b", "5" }, 3, PM_DENY_UNKNOWN },
        { { "two" }, 1, PM_PERMIT },
        { { "high" }, 1, PM_DENY_ROLE },
        { { "none" }, 0, PM_DENY_UNKNOWN },
    };

    (void) state;

    parse(&p, "signal uid=1 sigs=TERM roles=viewer\n"
              "command one path=/q q enum(aa,b,c) int(-3..10) user=u "
                  "roles=viewer\n"
              "command no path=/q two user=u roles=admin\n"
              "command two path=/q two user=u roles=viewer\n"
              "command high path=/q high user=u roles=admin\n");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(pm_policy_command(&p, "", cases[i].words, cases[i].n,
                                           PM_ROLE_VIEWER, &e),
                         cases[i].permit);
    }

    assert_int_equal(pm_policy_command(&p, "", cases[17].words, 1,
                                       PM_ROLE_VIEWER, &e), PM_PERMIT);
    assert_string_equal(e->name, "two");

    assert_int_equal(pm_policy_command(&p, "two", cases[17].words, 1,
                                       PM_ROLE_VIEWER, &e), PM_PERMIT);
    assert_int_equal(pm_policy_command(&p, "no", cases[17].words, 1,
                                       PM_ROLE_VIEWER, &e), PM_DENY_ROLE);
    assert_string_equal(e->name, "no");
    assert_int_equal(pm_policy_command(&p, "one", cases[17].words, 1,
                                       PM_ROLE_VIEWER, &e), PM_DENY_UNKNOWN);
    assert_null(e);

    pm_policy_free(&p);
}


static void
test_signal(void **state)
{
    pm_policy_t         p;
    pm_policy_target_t  t;

    (void) state;

    parse(&p, "read fields=all roles=viewer\n"
              "signal uid=10..20,30 sigs=TERM,KILL roles=operator\n"
              "signal uid=40 sigs=HUP roles=viewer\n");

    memset(&t, 0, sizeof(t));
    t.uid[0] = t.uid[1] = t.uid[2] = 10;
    assert_true(pm_policy_signal(&p, &t, 15, PM_ROLE_OPERATOR));
    assert_true(pm_policy_signal(&p, &t, 9, PM_ROLE_OPERATOR));
    assert_false(pm_policy_signal(&p, &t, 1, PM_ROLE_OPERATOR));
    assert_false(pm_policy_signal(&p, &t, 15, PM_ROLE_ADMIN));

    t.uid[0] = t.uid[1] = t.uid[2] = 30;
    assert_true(pm_policy_signal(&p, &t, 15, PM_ROLE_OPERATOR));
    t.uid[0] = 9;
    assert_false(pm_policy_signal(&p, &t, 15, PM_ROLE_OPERATOR));
    t.uid[0] = 30;
    t.uid[1] = 21;
    assert_false(pm_policy_signal(&p, &t, 15, PM_ROLE_OPERATOR));
    t.uid[1] = 20;
    t.uid[2] = 0;
    assert_false(pm_policy_signal(&p, &t, 15, PM_ROLE_OPERATOR));

    pm_policy_free(&p);
}


static void
test_priority(void **state)
{
    pm_policy_t         p;
    pm_policy_target_t  t;
    pm_policy_change_t  c;

    (void) state;

    parse(&p, "read fields=all roles=viewer\n"
              "priority uid=10 nice=-2..5 roles=operator\n"
              "priority uid=10 ionice=idle affinity=on roles=operator\n"
              "priority uid=11 affinity=off nice=1 roles=operator\n");

    memset(&t, 0, sizeof(t));
    memset(&c, 0, sizeof(c));
    t.uid[0] = t.uid[1] = t.uid[2] = 10;

    c.nice = 1;
    c.nice_value = -2;
    assert_true(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_ADMIN));
    c.nice_value = -3;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));
    c.nice_value = 6;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));

    /* one line has it all, or none */
    c.nice_value = 5;
    c.affinity = 1;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));

    c.nice = 0;
    assert_true(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));
    c.ionice = 1;
    c.ionice_class = 3;
    assert_true(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));
    c.ionice_class = 2;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));

    c.ionice = 0;
    t.uid[0] = t.uid[1] = t.uid[2] = 11;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));
    t.uid[0] = t.uid[1] = t.uid[2] = 12;
    assert_false(pm_policy_priority(&p, &t, &c, PM_ROLE_OPERATOR));

    pm_policy_free(&p);
}


static void
test_protect(void **state)
{
    pm_policy_t  p;

    (void) state;

    parse(&p, "read fields=all roles=viewer\n"
              "protect pid=5,7..9\n"
              "protect unit=a.service,b.service\n");

    assert_true(pm_policy_protects(&p, 5, ""));
    assert_true(pm_policy_protects(&p, 8, ""));
    assert_false(pm_policy_protects(&p, 6, ""));
    assert_false(pm_policy_protects(&p, 10, "a.servic"));
    assert_true(pm_policy_protects(&p, 10, "a.service"));
    assert_true(pm_policy_protects(&p, 10, "b.service"));
    assert_false(pm_policy_protects(&p, 10, "a.service,b.service"));

    pm_policy_free(&p);
}


static void
test_journal(void **state)
{
    pm_policy_t  p;

    (void) state;

    parse(&p, "service web systemd nginx.service actions=status roles=admin\n"
              "service q supervisor g:q config=/c actions=status "
                  "roles=admin\n"
              "journal unit=nginx.service,other roles=admin lines=50\n"
              "journal unit=nginx.service roles=admin,operator lines=20\n"
              "journal unit=x,q roles=admin\n"
              "schedule roles=admin\n");

    assert_int_equal(pm_policy_journal(&p, &p.entry[0], PM_ROLE_ADMIN), 50);
    assert_int_equal(pm_policy_journal(&p, &p.entry[0], PM_ROLE_OPERATOR),
                     20);
    assert_int_equal(pm_policy_journal(&p, &p.entry[0], PM_ROLE_VIEWER), 0);
    assert_int_equal(pm_policy_journal(&p, &p.entry[1], PM_ROLE_ADMIN), 200);
    assert_int_equal(pm_policy_journal(&p, &p.entry[1], PM_ROLE_OPERATOR), 0);

    assert_true(pm_policy_schedule(&p, PM_ROLE_ADMIN));
    assert_false(pm_policy_schedule(&p, PM_ROLE_OPERATOR));

    pm_policy_free(&p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_protect),
        cmocka_unit_test(test_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
