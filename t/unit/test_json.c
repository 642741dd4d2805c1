
/*
 * The JSON writer: structure, strings of any bytes, numbers that read back
 * equal, bounds.
 */


#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_json.h"


static char  text[4096];


static const char *
finish(pm_json_t *j)
{
    char  *block;

    assert_int_equal(pm_json_error(j), 0);
    assert_true(j->total < sizeof(text));

    block = pm_json_flatten(j);
    assert_non_null(block);

    memcpy(text, block, j->total);
    text[j->total] = '\0';

    free(block);
    pm_json_free(j);

    return text;
}


static const char *
string(const char *s, size_t len)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_strn(&j, s, len);

    return finish(&j);
}

#define literal(s)  string(s, sizeof(s) - 1)


static const char *
number(double v)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_double(&j, v);

    return finish(&j);
}


static const char *
fixed(double v, int digits)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_fixed(&j, v, digits);

    return finish(&j);
}


static const char *
u64(uint64_t v)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_u64(&j, v);

    return finish(&j);
}


static const char *
i64(int64_t v)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_i64(&j, v);

    return finish(&j);
}


static void
test_structure(void **state)
{
    pm_json_t  j;

    (void) state;

    pm_json_init(&j, 0);

    pm_json_object(&j);
    pm_json_key(&j, "a");
    pm_json_array(&j);
    pm_json_array_end(&j);
    pm_json_key(&j, "b");
    pm_json_array(&j);
    pm_json_u64(&j, 1);
    pm_json_object(&j);
    pm_json_object_end(&j);
    pm_json_object(&j);
    pm_json_key_n(&j, "k\"\0", 3);
    pm_json_null(&j);
    pm_json_key_n(&j, "", 0);
    pm_json_raw(&j, "[1, 2]", 6);
    pm_json_object_end(&j);
    pm_json_bool(&j, 1);
    pm_json_bool(&j, 0);
    pm_json_raw(&j, "3", 1);
    pm_json_str(&j, NULL);
    pm_json_str(&j, "x");
    pm_json_array_end(&j);
    pm_json_key(&j, "c");
    pm_json_i64(&j, -1);
    pm_json_object_end(&j);

    assert_string_equal(finish(&j),
                        "{\"a\":[],\"b\":[1,{},{\"k\\\"\\u0000\":null,"
                        "\"\":[1, 2]},true,false,3,null,\"x\"],\"c\":-1}");
}


static void
test_strings(void **state)
{
    (void) state;

    assert_string_equal(literal(""), "\"\"");
    assert_string_equal(literal("</script><img>"), "\"</script><img>\"");
    assert_string_equal(literal("\"\\/"), "\"\\\"\\\\/\"");
    assert_string_equal(literal("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    assert_string_equal(literal("\0\x01\x1f\x7f"),
                        "\"\\u0000\\u0001\\u001f\x7f\"");
    assert_string_equal(literal("\x1b[31m"), "\"\\u001b[31m\"");

    /* valid: 2, 3, 4 bytes, the borders of each */

    assert_string_equal(literal("\xc2\x80\xdf\xbf"), "\"\xc2\x80\xdf\xbf\"");
    assert_string_equal(literal("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"),
                        "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\"");
    assert_string_equal(literal("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
                        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
    assert_string_equal(literal("\xe8\xbf\x9b\xe7\xa8\x8b"),
                        "\"\xe8\xbf\x9b\xe7\xa8\x8b\"");
}


#define BAD  "\xef\xbf\xbd"

static void
test_broken_utf8(void **state)
{
    (void) state;

    assert_string_equal(literal("a\xff" "b"), "\"a" BAD "b\"");
    assert_string_equal(literal("\x80\xbf"), "\"" BAD BAD "\"");

    /* overlong */

    assert_string_equal(literal("\xc0\xaf"), "\"" BAD BAD "\"");
    assert_string_equal(literal("\xe0\x80\xaf"), "\"" BAD BAD BAD "\"");
    assert_string_equal(literal("\xf0\x80\x80\xaf"),
                        "\"" BAD BAD BAD BAD "\"");

    /* surrogates, and above U+10FFFF */

    assert_string_equal(literal("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");
    assert_string_equal(literal("\xed\xbf\xbf"), "\"" BAD BAD BAD "\"");
    assert_string_equal(literal("\xf4\x90\x80\x80"),
                        "\"" BAD BAD BAD BAD "\"");
    assert_string_equal(literal("\xf5\x80"), "\"" BAD BAD "\"");

    /* cut: one mark for what was right so far */

    assert_string_equal(literal("\xe8\xbf"), "\"" BAD "\"");
    assert_string_equal(literal("\xf0\x9f\x98" "x"), "\"" BAD "x\"");
    assert_string_equal(literal("\xf0\x9f\xe8\xbf\x9b"),
                        "\"" BAD "\xe8\xbf\x9b\"");
    assert_string_equal(literal("\xc3\""), "\"" BAD "\\\"\"");

    /* the example of the Unicode standard, table 3-11 */

    assert_string_equal(literal("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
                        "\"" BAD BAD BAD BAD BAD "A" BAD BAD "B\"");
}


static void
test_repair(void **state)
{
    char  buf[16];

    (void) state;

    assert_int_equal(pm_utf8_repair(buf, sizeof(buf), "a\0b\xff", 4), 5);
    assert_string_equal(buf, "ab" BAD);

    assert_int_equal(pm_utf8_repair(buf, 4, "ab\xe8\xbf\x9b", 5), 2);
    assert_string_equal(buf, "ab");

    assert_int_equal(pm_utf8_repair(buf, 4, "\xff\xff", 2), 3);
    assert_string_equal(buf, BAD);

    assert_int_equal(pm_utf8_repair(buf, 1, "abc", 3), 0);
    assert_string_equal(buf, "");

    assert_int_equal(pm_utf8_repair(buf, 0, "abc", 3), 0);
}


static void
test_integers(void **state)
{
    int       i;
    char      expected[32];
    uint64_t  v;

    (void) state;

    assert_string_equal(u64(0), "0");
    assert_string_equal(u64(9007199254740991ULL), "9007199254740991");
    assert_string_equal(u64(9007199254740992ULL), "\"9007199254740992\"");
    assert_string_equal(u64(UINT64_MAX), "\"18446744073709551615\"");
    assert_string_equal(i64(0), "0");
    assert_string_equal(i64(-1), "-1");
    assert_string_equal(i64(-9007199254740991LL), "-9007199254740991");
    assert_string_equal(i64(-9007199254740992LL), "\"-9007199254740992\"");
    assert_string_equal(i64(INT64_MIN), "\"-9223372036854775808\"");
    assert_string_equal(i64(INT64_MAX), "\"9223372036854775807\"");

    for (i = 0, v = 1; i < 16; i++, v *= 10) {
        snprintf(expected, sizeof(expected), "%llu", (unsigned long long) v);
        assert_string_equal(u64(v), expected);

        snprintf(expected, sizeof(expected), "%llu",
                 (unsigned long long) v - 1);
        assert_string_equal(u64(v - 1), expected);
    }
}


static void
test_doubles(void **state)
{
    int       i;
    double    v;
    uint64_t  bits, seed;

    (void) state;

    assert_string_equal(number(0), "0.0");
    assert_string_equal(number(1), "1.0");
    assert_string_equal(number(-1.5), "-1.5");
    assert_string_equal(number(0.1), "0.1");
    assert_string_equal(number(99.99), "99.99");
    assert_string_equal(number(12.05), "12.05");
    assert_string_equal(number(1554196017.04), "1554196017.04");
    assert_string_equal(number(5.805025852813063), "5.805025852813063");
    assert_string_equal(number(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number(1e22), "1e+22");
    assert_string_equal(number(9007199254740993.0), "9007199254740992.0");
    assert_string_equal(number(1e-7), "1e-07");
    assert_string_equal(number(NAN), "null");
    assert_string_equal(number(INFINITY), "null");
    assert_string_equal(number(-INFINITY), "null");
    assert_true(strtod(number(DBL_MAX), NULL) == DBL_MAX);
    assert_true(strtod(number(DBL_MIN), NULL) == DBL_MIN);
    assert_true(strtod(number(5e-324), NULL) == 5e-324);

    seed = 88172645463325252ULL;

    for (i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;

        bits = seed;
        memcpy(&v, &bits, sizeof(double));

        if (isfinite(v)) {
            assert_true(strtod(number(v), NULL) == v);
        }

        v = (double) (seed % 100000000000ULL) / (i % 2 ? 100 : 1000);

        assert_true(strtod(number(v), NULL) == v);
        assert_true(strtod(number(-v), NULL) == -v);
    }
}


static void
test_fixed(void **state)
{
    (void) state;

    assert_string_equal(fixed(99.5, 1), "99.5");
    assert_string_equal(fixed(0, 1), "0.0");
    assert_string_equal(fixed(-0.04, 1), "0.0");
    assert_string_equal(fixed(-0.05001, 1), "-0.1");
    assert_string_equal(fixed(12, 0), "12");
    assert_string_equal(fixed(12.3456, -1), "12");
    assert_string_equal(fixed(NAN, 1), "null");
    assert_int_equal(strlen(fixed(-DBL_MAX, 99)), 1 + 309 + 1 + 17);
}


/* strings and keys around the border of a chunk */

static void
test_chunks(void **state)
{
    char       *big, *block;
    size_t      i, n, total;
    pm_json_t   j;

    (void) state;

    n = PM_JSON_CHUNK * 3 + 7;

    big = malloc(n);
    assert_non_null(big);

    for (i = 0; i < n; i++) {
        big[i] = "ab\n\xe8"[i % 4];
    }

    for (i = 0; i < 8; i++) {

        pm_json_init(&j, 0);
        pm_json_array(&j);
        pm_json_strn(&j, big, PM_JSON_CHUNK - 12 + i);
        pm_json_object(&j);
        pm_json_key(&j, "key_that_moves");
        pm_json_u64(&j, 1234567);
        pm_json_object_end(&j);
        pm_json_strn(&j, big, n);
        pm_json_array_end(&j);

        assert_int_equal(pm_json_error(&j), 0);

        total = j.total;

        block = pm_json_flatten(&j);
        assert_non_null(block);

        assert_memory_equal(block, "[\"ab\\n" BAD, 8);
        assert_memory_equal(block + total - 2, "\"]", 2);
        assert_non_null(memmem(block, total,
                               ",{\"key_that_moves\":1234567},\"ab\\n", 33));

        free(block);
        pm_json_free(&j);
    }

    free(big);
}


static void
test_limit(void **state)
{
    int         i;
    char       *block;
    pm_json_t   j;

    (void) state;

    pm_json_init(&j, 10);
    pm_json_str(&j, "12345678");
    assert_int_equal(pm_json_error(&j), 0);
    assert_int_equal(j.total, 10);

    block = pm_json_flatten(&j);
    assert_memory_equal(block, "\"12345678\"", 10);
    free(block);

    pm_json_null(&j);
    assert_int_equal(pm_json_error(&j), EFBIG);
    assert_int_equal(j.total, 10);

    /* sticky */

    pm_json_u64(&j, 1);
    pm_json_key(&j, "k");
    pm_json_str(&j, "s");
    assert_int_equal(pm_json_error(&j), EFBIG);
    assert_null(pm_json_flatten(&j));

    pm_json_free(&j);

    pm_json_init(&j, PM_JSON_CHUNK * 2);

    for (i = 0; i < PM_JSON_CHUNK; i++) {
        pm_json_str(&j, "0123456789");
    }

    assert_int_equal(pm_json_error(&j), EFBIG);
    assert_true(j.total <= PM_JSON_CHUNK * 2);

    pm_json_free(&j);
}


static void
test_empty(void **state)
{
    char       *block;
    pm_json_t   j;

    (void) state;

    pm_json_init(&j, 0);

    block = pm_json_flatten(&j);
    assert_non_null(block);
    free(block);

    pm_json_free(&j);
    pm_json_free(&j);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_empty)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
