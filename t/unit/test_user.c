
/*
 * Names of users: the file and its changes, uids that are not in it.
 */


#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_user.h"
#include "pm_tree.h"


#define FIXTURE  PM_FIXTURES "/debian/etc/passwd"


static const char *
name(pm_users_t *u, uint32_t uid)
{
    size_t       len;
    const char  *s;
    static char  buf[2][300];
    static int   turn;

    s = pm_users_name(u, uid, &len);

    assert_non_null(s);
    assert_true(len > 0 && len < sizeof(buf[0]));

    turn ^= 1;

    memcpy(buf[turn], s, len);
    buf[turn][len] = '\0';

    return buf[turn];
}


static void
test_file(void **state)
{
    pm_users_t  *u;

    (void) state;

    u = pm_users_create(FIXTURE);
    assert_non_null(u);

    assert_string_equal(name(u, 0), "root");
    assert_string_equal(name(u, 33), "www-data");
    assert_string_equal(name(u, 1000), "alice");
    assert_string_equal(name(u, 4294967295u), "4294967295");
    assert_string_equal(name(u, 54321), "54321");

    pm_users_destroy(u);
    pm_users_destroy(NULL);
}


static void
test_changes(void **state)
{
    pm_users_t  *u;

    (void) state;

    tree_create();
    tree_text("passwd", "a:x:1:1::/:\nb:x:2:2::/:\n");

    u = pm_users_create(tree_path("passwd"));
    assert_non_null(u);
    assert_string_equal(name(u, 1), "a");
    assert_string_equal(name(u, 2), "b");

    /* another inode, as programs write it */

    tree_text("passwd.new", "c:x:1:1::/:\nb:x:2:2::/:\n");
    assert_int_equal(rename(tree_path("passwd.new"), tree_path("passwd")), 0);

    assert_string_equal(name(u, 1), "a");
    pm_users_refresh(u, 0);
    assert_string_equal(name(u, 1), "c");

    /* gone for a moment: the old names stand */

    assert_int_equal(unlink(tree_path("passwd")), 0);
    pm_users_refresh(u, 0);
    assert_string_equal(name(u, 1), "c");

    /* another size, no line end, nothing at all */

    tree_text("passwd", "dd:x:1:");
    pm_users_refresh(u, 0);
    assert_string_equal(name(u, 1), "dd");
    assert_string_equal(name(u, 2), "2");

    tree_text("passwd", "");
    pm_users_refresh(u, 0);
    assert_string_equal(name(u, 1), "1");

    pm_users_destroy(u);

    /* never there */

    u = pm_users_create(tree_path("nothing"));
    assert_non_null(u);
    assert_string_equal(name(u, 0), "0");
    pm_users_destroy(u);

    tree_remove();
}


static void
test_many(void **state)
{
    char        *text, expected[32];
    size_t       n;
    unsigned     i;
    pm_users_t  *u;

    (void) state;

    tree_create();

    text = malloc(20000 * 64);
    assert_non_null(text);

    n = 0;

    for (i = 0; i < 20000; i++) {
        n += snprintf(text + n, 64, "user%u:x:%u:1:,,,:/home:/bin/sh\n", i,
                      i * 64);
    }

    tree_write("passwd", text, n);
    free(text);

    u = pm_users_create(tree_path("passwd"));
    assert_non_null(u);

    for (i = 0; i < 20000; i++) {
        snprintf(expected, sizeof(expected), "user%u", i);
        assert_string_equal(name(u, i * 64), expected);
        snprintf(expected, sizeof(expected), "%u", i * 64 + 1);
        assert_string_equal(name(u, i * 64 + 1), expected);
    }

    pm_users_destroy(u);
    tree_remove();
}


static void
test_hostile_names(void **state)
{
    char         text[1024];
    size_t       n;
    pm_users_t  *u;

    (void) state;

    tree_create();

    /* longer than any name, and empty */

    memset(text, 'n', 600);
    n = 600;
    n += snprintf(text + n, 400, ":x:5:5::/:\n:x:6:6::/:\n"
                  "<b>\xff:x:7:7::/:\n");

    tree_write("passwd", text, n);

    u = pm_users_create(tree_path("passwd"));
    assert_non_null(u);
    assert_string_equal(name(u, 5), "5");
    assert_string_equal(name(u, 6), "6");
    assert_string_equal(name(u, 7), "<b>\xff");

    pm_users_destroy(u);
    tree_remove();
}


/* the real file; a uid nobody has is asked of the name service, in time */

static void
test_name_service(void **state)
{
    int          i;
    pm_users_t  *u;

    (void) state;

    for (i = 0; i < 20; i++) {
        u = pm_users_create("/etc/passwd");
        assert_non_null(u);
        assert_string_equal(name(u, 0), "root");

        pm_users_refresh(u, i % 2 ? 1000 : 0);
        assert_string_equal(name(u, 4000000000u), "4000000000");
        assert_string_equal(name(u, 4000000001u), "4000000001");
        assert_string_equal(name(u, 4000000000u), "4000000000");

        /* the answer may still be on its way */

        pm_users_destroy(u);
    }

    /* more than are remembered */

    u = pm_users_create("/etc/passwd");
    assert_non_null(u);

    pm_users_refresh(u, 2000);

    for (i = 0; i < 1000; i++) {
        assert_int_equal(strspn(name(u, 4000000000u + i), "0123456789"), 10);
    }

    pm_users_destroy(u);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_name_service)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
