
/* frames between the worker and the helper: written, read, and mutated */


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pm_wire.h"
#include "pm_sha256.h"


static uint8_t  key[PM_WIRE_KEY_LEN] = "0123456789abcdef0123456789abcde";


static void
request(pm_wire_text_t *t)
{
    pm_wire_start(t);
    pm_wire_add(t, "v", "1");
    pm_wire_add(t, "verb", "service");
    pm_wire_add(t, "op", "6f1c7e02-8f2b-4c55-b6a8-3f6e1d1f0a11");
    pm_wire_addu(t, "expires", 123456);
    pm_wire_add(t, "name", "demo");
    pm_wire_seal(t, key);
    assert_false(t->error);
}


static int
parse(pm_wire_msg_t *m, pm_wire_text_t *t, const uint8_t *k)
{
    int          rc;
    const char  *why;

    why = NULL;
    rc = pm_wire_parse(m, t->data, t->len, k, &why);
    assert_true((rc == 0) == (why == NULL));
    assert_true(rc == 0 || m->n == 0);

    return rc;
}


static int
parse_str(pm_wire_msg_t *m, const char *str)
{
    static pm_wire_text_t  t;

    t.len = strlen(str);
    memcpy(t.data, str, t.len + 1);

    return parse(m, &t, NULL);
}


static void
test_round_trip(void **state)
{
    char                   all[256];
    size_t                 i;
    uint64_t               u;
    pm_wire_msg_t          m;
    pm_wire_text_t         t;
    const pm_wire_pair_t  *pair;

    (void) state;

    for (i = 0; i < 256; i++) {
        all[i] = (char) i;
    }

    pm_wire_start(&t);
    pm_wire_addn(&t, "all", all, sizeof(all));
    pm_wire_add(&t, "empty", "");
    pm_wire_addu(&t, "max", UINT64_MAX);
    pm_wire_addu(&t, "zero", 0);
    pm_wire_addi(&t, "min", INT64_MIN);
    pm_wire_addi(&t, "minus", -5);
    pm_wire_addi(&t, "plus", INT64_MAX);
    pm_wire_seal(&t, key);
    assert_false(t.error);

    assert_int_equal(parse(&m, &t, key), 0);
    assert_int_equal(m.n, 7);

    pair = pm_wire_pair(&m, "all");
    assert_non_null(pair);
    assert_int_equal(pair->len, sizeof(all));
    assert_memory_equal(pair->value, all, sizeof(all));

    assert_string_equal(pm_wire_get(&m, "empty"), "");
    assert_string_equal(pm_wire_get(&m, "min"), "-9223372036854775808");
    assert_string_equal(pm_wire_get(&m, "minus"), "-5");
    assert_string_equal(pm_wire_get(&m, "plus"), "9223372036854775807");
    assert_null(pm_wire_get(&m, "mac"));
    assert_null(pm_wire_get(&m, "al"));

    assert_int_equal(pm_wire_getu(&m, "max", UINT64_MAX, &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(pm_wire_getu(&m, "zero", 0, &u), 0);
    assert_true(u == 0);
    assert_int_equal(pm_wire_getu(&m, "max", UINT64_MAX - 1, &u), -1);
    assert_int_equal(pm_wire_getu(&m, "minus", UINT64_MAX, &u), -1);
    assert_int_equal(pm_wire_getu(&m, "empty", UINT64_MAX, &u), -1);
    assert_int_equal(pm_wire_getu(&m, "none", UINT64_MAX, &u), -1);
    assert_int_equal(pm_wire_getu(&m, "all", UINT64_MAX, &u), -1);

    assert_int_equal(parse_str(&m, "n=18446744073709551616\n"), 0);
    assert_int_equal(pm_wire_getu(&m, "n", UINT64_MAX, &u), -1);
    assert_int_equal(parse_str(&m, "n=000000000000000000001\n"), 0);
    assert_int_equal(pm_wire_getu(&m, "n", UINT64_MAX, &u), -1);
}


static void
test_overflow(void **state)
{
    char            big[PM_WIRE_TEXT + 1];
    pm_wire_text_t  t;

    (void) state;

    memset(big, 'x', sizeof(big));

    pm_wire_start(&t);
    pm_wire_addn(&t, "k", big, PM_WIRE_TEXT - 3);
    assert_false(t.error);
    assert_int_equal(t.len, PM_WIRE_TEXT);
    pm_wire_add(&t, "l", "");
    assert_true(t.error);

    pm_wire_start(&t);
    pm_wire_addn(&t, "k", big, PM_WIRE_TEXT - 2);
    assert_true(t.error);
    assert_int_equal(t.len, 0);

    /* the error stays */
    pm_wire_add(&t, "k", "v");
    assert_int_equal(t.len, 0);

    pm_wire_start(&t);
    pm_wire_addn(&t, "k", big, sizeof(big));
    assert_true(t.error);

    memset(big, '\n', sizeof(big));
    pm_wire_start(&t);
    pm_wire_addn(&t, "k", big, PM_WIRE_TEXT / 3);
    assert_true(t.error);

    pm_wire_start(&t);
    pm_wire_add(&t, "Key", "v");
    assert_true(t.error);

    pm_wire_start(&t);
    pm_wire_add(&t, "", "v");
    assert_true(t.error);

    pm_wire_start(&t);
    pm_wire_add(&t, "a23456789012345678901234567890123", "v");
    assert_true(t.error);
}


static void
test_bad_texts(void **state)
{
    char           many[PM_WIRE_KEYS * 8 + 16];
    size_t         i, n;
    pm_wire_msg_t  m;

    static const char *const  bad[] = {
        "", "\n", "a", "a=1", "a=1\nb", "a=1\nb=2", "=1\n", "A=1\n",
        "a b=1\n", "a=1\na=2\n", "a=%\n", "a=%0\n", "a=%0g\n", "a=%0a\n",
        "a=%41\n", "a=\t\n", "a=\r\n", "a=\x7f\n", "a=1\n\n", "a\n=1\n",
        "a=%2\nb=5\n", "a23456789012345678901234567890123=1\n",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_str(&m, bad[i]) != -1) {
            fail_msg("accepted: \"%s\"", bad[i]);
        }
    }

    assert_int_equal(parse_str(&m, "a=%0A%25\nb==\n"), 0);
    assert_string_equal(pm_wire_get(&m, "a"), "\n%");
    assert_string_equal(pm_wire_get(&m, "b"), "=");

    for (i = 0, n = 0; i <= PM_WIRE_KEYS; i++) {

        if (i == PM_WIRE_KEYS) {
            assert_int_equal(parse_str(&m, many), 0);
            assert_int_equal(m.n, PM_WIRE_KEYS);
        }

        n += (size_t) snprintf(many + n, sizeof(many) - n, "k%zu=1\n", i);
    }

    assert_int_equal(parse_str(&m, many), -1);
}


static void
test_mac(void **state)
{
    size_t          i;
    uint8_t         other[PM_WIRE_KEY_LEN];
    pm_wire_msg_t   m;
    pm_wire_text_t  t, copy;

    (void) state;

    request(&t);

    copy = t;
    assert_int_equal(parse(&m, &copy, key), 0);
    assert_string_equal(pm_wire_get(&m, "name"), "demo");

    /* every bit of the text */
    for (i = 0; i < t.len * 8; i++) {
        copy = t;
        copy.data[i / 8] ^= (char) (1 << i % 8);
        assert_int_equal(parse(&m, &copy, key), -1);
    }

    /* every bit of the key */
    for (i = 0; i < sizeof(key) * 8; i++) {
        memcpy(other, key, sizeof(key));
        other[i / 8] ^= (uint8_t) (1 << i % 8);
        copy = t;
        assert_int_equal(parse(&m, &copy, other), -1);
    }

    /* every shorter one, from either end */
    for (i = 0; i < t.len; i++) {
        copy = t;
        copy.len = i;
        assert_int_equal(parse(&m, &copy, key), -1);

        copy.len = t.len - i - 1;
        memcpy(copy.data, t.data + i + 1, copy.len);
        assert_int_equal(parse(&m, &copy, key), -1);
    }

    /* something added */
    for (i = 0; i <= t.len; i++) {
        copy = t;
        memmove(copy.data + i + 4, t.data + i, t.len - i);
        memcpy(copy.data + i, "x=1\n", 4);
        copy.len = t.len + 4;
        assert_int_equal(parse(&m, &copy, key), -1);
    }

    /* the MAC alone */
    pm_wire_start(&t);
    pm_wire_seal(&t, key);
    assert_int_equal(parse(&m, &t, key), -1);

    /* a sealed text that is not well formed all the same */
    pm_wire_start(&t);
    pm_wire_add(&t, "a", "1");
    pm_wire_add(&t, "a", "2");
    pm_wire_seal(&t, key);
    assert_int_equal(parse(&m, &t, key), -1);
}


static void
test_random(void **state)
{
    long            i;
    size_t          n;
    pm_wire_msg_t   m;
    pm_wire_text_t  t, copy;

    (void) state;

    request(&t);
    srand(1);

    for (i = 0; i < 20000; i++) {
        copy = t;

        for (n = (size_t) rand() % 8 + 1; n; n--) {
            copy.data[(size_t) rand() % t.len] = (char) rand();
        }

        if (memcmp(copy.data, t.data, t.len) != 0) {
            assert_int_equal(parse(&m, &copy, key), -1);
        }

        /* without a key anything may come out, but nothing may break */
        (void) parse(&m, &copy, NULL);
    }
}


static void
test_layout(void **state)
{
    int  i;

    (void) state;

    assert_int_equal(sizeof(pm_wire_head_t), 16);
    assert_int_equal(sizeof(pm_wire_pid_t), 16);

    for (i = 0; i < PM_READ_MAX; i++) {
        assert_non_null(pm_read_names[i]);
    }

    assert_string_equal(pm_read_names[PM_READ_FD], "fd");
    assert_string_equal(pm_read_names[PM_READ_SMAPS_ROLLUP], "smaps_rollup");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_layout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
