
/* a typed line as the words that a shell would make of it */


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pm_words.h"


static void
check(const char *line, const char *want)
{
    char        got[4096];
    size_t      i, n;
    pm_words_t  w;

    assert_int_equal(pm_words_split(&w, line, strlen(line)), 0);
    assert_null(w.error);

    for (i = 0, n = 0; i < w.n; i++) {
        n += (size_t) snprintf(got + n, sizeof(got) - n, "[%s]", w.word[i]);
    }

    assert_string_equal(got, want);
}


static void
check_fails(const char *line, size_t len, size_t at, const char *error)
{
    pm_words_t  w;

    assert_int_equal(pm_words_split(&w, line, len), -1);
    assert_string_equal(w.error, error);
    assert_int_equal(w.at, at);
    assert_int_equal(w.n, 0);
}


static void
test_split(void **state)
{
    (void) state;

    check("ls", "[ls]");
    check("  ls \t -l  ", "[ls][-l]");
    check("supervisorctl -c /etc/supervisord.conf restart all",
          "[supervisorctl][-c][/etc/supervisord.conf][restart][all]");
    check("a 'b c' d", "[a][b c][d]");
    check("a \"b c\" d", "[a][b c][d]");
    check("a\\ b", "[a b]");
    check("a'b'\"c\"d", "[abcd]");
    check("a '' \"\" b", "[a][][][b]");
    check("a ''b", "[a][b]");
    check("'a\\b'", "[a\\b]");
    check("\"a\\b\"", "[a\\b]");
    check("\"\\\"\\\\\\$\\`\"", "[\"\\$`]");
    check("a \\'b\\' \\\\", "[a]['b'][\\]");
    check("'a\"b' \"c'd\"", "[a\"b][c'd]");
    check("a \xc3\xa4\xff", "[a][\xc3\xa4\xff]");
}


/* what a shell would expand or obey is a byte like any other */

static void
test_no_expansion(void **state)
{
    (void) state;

    check("a $HOME ${x} `id` $(id) \"$HOME\"",
          "[a][$HOME][${x}][`id`][$(id)][$HOME]");
    check("a ~ ~root * ? [a-z] {b,c} !!",
          "[a][~][~root][*][?][[a-z]][{b,c}][!!]");
    check("a;b & c | d > e < f (g) #h", "[a;b][&][c][|][d][>][e][<][f][(g)]"
          "[#h]");
    check("X=1 a", "[X=1][a]");
}


static void
test_refused(void **state)
{
    (void) state;

    check_fails("", 0, 0, "there is no command");
    check_fails(" \t ", 3, 0, "there is no command");
    check_fails("'' a", 4, 0, "there is no command");
    check_fails("a 'b", 4, 2, "the quote is not closed");
    check_fails("a \"b\\\"", 6, 2, "the quote is not closed");
    check_fails("a 'b' c\"d", 9, 7, "the quote is not closed");
    check_fails("a \"b\\", 5, 2, "the quote is not closed");
    check_fails("a b\\", 4, 3, "nothing follows the backslash");
    check_fails("a\0b", 3, 1, "a control character");
    check_fails("a\nb", 3, 1, "a control character");
    check_fails("a 'b\nc'", 7, 4, "a control character");
    check_fails("a\x1f" "b", 3, 1, "a control character");
    check_fails("a\x7f", 2, 1, "a control character");
    check_fails("a\r", 2, 1, "a control character");
}


static void
test_limits(void **state)
{
    char        line[PM_WORDS_LEN + 2];
    size_t      i;
    pm_words_t  w;

    (void) state;

    memset(line, 'x', sizeof(line));

    assert_int_equal(pm_words_split(&w, line, PM_WORDS_LEN), 0);
    assert_int_equal(strlen(w.word[0]), PM_WORDS_LEN);

    check_fails(line, PM_WORDS_LEN + 1, PM_WORDS_LEN, "it is too long");

    for (i = 0; i < 2 * PM_WORDS_MAX; i += 2) {
        line[i] = 'x';
        line[i + 1] = ' ';
    }

    assert_int_equal(pm_words_split(&w, line, 2 * PM_WORDS_MAX), 0);
    assert_int_equal(w.n, PM_WORDS_MAX);

    check_fails(line, 2 * PM_WORDS_MAX + 1, 2 * PM_WORDS_MAX,
                "too many words");

    /* the buffer is full to its last byte */

    memset(line, 'x', sizeof(line));

    for (i = 0; i < PM_WORDS_MAX - 1; i++) {
        line[2 * i + 1] = ' ';
    }

    assert_int_equal(pm_words_split(&w, line, PM_WORDS_LEN), 0);
    assert_int_equal(w.n, PM_WORDS_MAX);
}


/* any bytes: words of what was there, and nothing behind the buffer */

static void
test_any(void **state)
{
    char        line[80];
    size_t      i, k, n, len;
    pm_words_t  w;

    static const char  bytes[] = "ab '\"\\\t$\x80\n";

    (void) state;

    srand(7);

    for (i = 0; i < 200000; i++) {
        len = (size_t) rand() % sizeof(line);

        for (k = 0; k < len; k++) {
            line[k] = bytes[(size_t) rand() % (sizeof(bytes)
                                               - (rand() % 8 ? 2 : 1))];
        }

        if (pm_words_split(&w, line, len) != 0) {
            assert_non_null(w.error);
            assert_true(w.at <= len);
            continue;
        }

        assert_true(w.n > 0);

        for (k = 0, n = 0; k < w.n; k++) {
            n += strlen(w.word[k]);
        }

        assert_true(n <= len);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_no_expansion),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
