
/* the language of lists: what it means, and where it says an error is */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_filter.h"


enum { PID = 0, RSS, NAME, USER, SECRET, MAPS };


static int
find(const char *name, size_t len, pm_filter_type_e *type)
{
    int  i;

    static const struct {
        const char        *name;
        pm_filter_type_e   type;
    } fields[] = {
        { "pid", PM_FILTER_NUMBER },
        { "rss", PM_FILTER_NUMBER },
        { "name", PM_FILTER_TEXT },
        { "username", PM_FILTER_TEXT },
        { "secret", PM_FILTER_NUMBER },
        { "memory_maps", PM_FILTER_NONE },
        { NULL, PM_FILTER_NONE }
    };

    for (i = 0; fields[i].name; i++) {
        if (strlen(fields[i].name) == len
            && memcmp(fields[i].name, name, len) == 0)
        {
            *type = fields[i].type;
            return i;
        }
    }

    return -1;
}


/* pid 42, 1.5 MiB, "nginx: worker (a)", www-data; the rest is not known */

static void
get(void *data, unsigned field, pm_filter_value_t *v)
{
    (void) data;

    v->known = 1;

    switch (field) {

    case PID:
        v->number = 42;
        return;

    case RSS:
        v->number = 1572864;
        return;

    case NAME:
        v->text = "nginx: worker (a)---";
        v->len = strlen("nginx: worker (a)");
        return;

    case USER:
        v->text = "www-data";
        v->len = 8;
        return;

    default:
        v->known = 0;
    }
}


static int
hit(const char *text)
{
    pm_filter_t  f;

    if (pm_filter_compile(&f, text, strlen(text), find) != 0) {
        fail_msg("\"%s\": %s at %zu", text, f.error, f.pos);
    }

    return pm_filter_run(&f, get, NULL);
}


static void
wrong(const char *text, size_t pos, const char *error)
{
    char         *copy;
    size_t        len;
    pm_filter_t   f;

    /* without a zero behind it, so that a sanitizer sees each step too far */

    len = strlen(text);
    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);

    if (pm_filter_compile(&f, copy, len, find) != -1) {
        fail_msg("\"%s\" is accepted", text);
    }

    if (f.pos != pos || strstr(f.error, error) == NULL) {
        fail_msg("\"%s\": \"%s\" at %zu", text, f.error, f.pos);
    }

    free(copy);
}


static void
numbers(void **state)
{
    (void) state;

    assert_true(hit("pid = 42"));
    assert_true(hit("pid=42"));
    assert_false(hit("pid != 42"));
    assert_true(hit("pid >= 42 and pid <= 42"));
    assert_false(hit("pid < 42"));
    assert_false(hit("pid > 42"));
    assert_true(hit("pid > -1"));
    assert_true(hit("pid > 41.9"));
    assert_true(hit("rss = 1.5M"));
    assert_true(hit("rss = 1536k"));
    assert_true(hit("rss < 1G"));
    assert_true(hit("rss < 1T"));
    assert_true(hit("pid = \"42\""));
}


static void
texts(void **state)
{
    (void) state;

    assert_true(hit("username = www-data"));
    assert_false(hit("username = www"));
    assert_false(hit("username = www-data-2"));
    assert_false(hit("username = WWW-DATA"));
    assert_true(hit("username ~ WWW"));
    assert_true(hit("username < www-datb"));
    assert_true(hit("username > www-dat"));
    assert_true(hit("name ~ \"worker (\""));
    assert_true(hit("name = 'nginx: worker (a)'"));
    assert_true(hit("name ~ ''"));
    assert_false(hit("name ~ '---'"));
    assert_true(hit("name != \"a\\\"b\""));
    assert_true(hit("name ~ \"\\w\\o\\r\""));
    assert_false(hit("name = \"\""));
}


static void
logic(void **state)
{
    (void) state;

    assert_true(hit("pid = 1 or pid = 42"));
    assert_false(hit("pid = 1 and pid = 42"));
    assert_true(hit("pid = 42 or pid = 1 and pid = 2"));
    assert_false(hit("(pid = 42 or pid = 1) and pid = 2"));
    assert_true(hit("not pid = 1"));
    assert_true(hit("not not pid = 42"));
    assert_false(hit("not pid = 42 or pid = 1"));
    assert_false(hit("not (pid = 42 or pid = 1)"));
    assert_true(hit("pid=42 AND NOT pid=1"));
    assert_true(hit("(((pid=42)))and(name~nginx)"));
}


/* neither it nor its contrary: nobody learns what may not be known */

static void
unknown(void **state)
{
    (void) state;

    assert_false(hit("secret = 1"));
    assert_false(hit("secret != 1"));
    assert_false(hit("not secret = 1"));
    assert_false(hit("not (secret = 1 or pid = 1)"));
    assert_true(hit("secret = 1 or pid = 42"));
    assert_false(hit("secret = 1 and pid = 42"));
    assert_true(hit("not (secret = 1 and pid = 1)"));
}


static void
errors(void **state)
{
    (void) state;

    wrong("", 1, "name of a field");
    wrong("   ", 4, "name of a field");
    wrong("pidd = 1", 1, "no such field");
    wrong("pid = 1 and foo = 2", 13, "no such field");
    wrong("memory_maps = 1", 1, "cannot be compared");
    wrong("pid", 4, "= != < <= > >= ~");
    wrong("pid 1", 5, "= != < <= > >= ~");
    wrong("pid ! 1", 5, "= != < <= > >= ~");
    wrong("pid =", 6, "a value");
    wrong("pid = and pid = 1", 7, "a value");
    wrong("pid = )", 7, "a value");
    wrong("pid = abc", 7, "a number");
    wrong("pid = 1X", 7, "a number");
    wrong("pid = 1MM", 7, "a number");
    wrong("pid = -", 7, "a number");
    wrong("pid = ''", 7, "a number");
    wrong("pid ~ 1", 5, "is for text");
    wrong("pid = 1 pid = 2", 9, "\"and\" or \"or\"");
    wrong("pid = 1 and", 12, "name of a field");
    wrong("(pid = 1", 9, "\")\"");
    wrong("pid = 1)", 8, "never opened");
    wrong("()", 2, "name of a field");
    wrong("not", 4, "name of a field");
    wrong("name = \"abc", 8, "never closed");
    wrong("name = 'abc\\'", 8, "never closed");
    wrong("name = \"", 8, "never closed");
    wrong("and pid = 1", 1, "no such field");
    wrong("pid == 1", 6, "a value");
}


/* with a zero, so long as the arrays of this file are */

static size_t
put(char *text, size_t n, const char *s)
{
    memcpy(text + n, s, strlen(s) + 1);

    return n + strlen(s);
}


static void
bounds(void **state)
{
    char         text[4 * PM_FILTER_LEN];
    size_t       i, n;
    pm_filter_t  f;

    (void) state;

    /* depth */

    n = 0;

    for (i = 0; i < PM_FILTER_DEPTH; i++) {
        text[n++] = '(';
    }

    n = put(text, n, "pid=42");

    for (i = 0; i < PM_FILTER_DEPTH; i++) {
        text[n++] = ')';
    }

    text[n] = '\0';

    assert_true(hit(text));

    memset(text, '(', PM_FILTER_LEN);
    text[PM_FILTER_LEN] = '\0';
    wrong(text, PM_FILTER_DEPTH + 1, "too deep");

    n = 0;

    for (i = 0; i < PM_FILTER_DEPTH + 1; i++) {
        n = put(text, n, "not ");
    }

    (void) put(text, n, "pid=1");
    assert_int_equal(pm_filter_compile(&f, text, strlen(text), find), -1);
    assert_string_equal(f.error, "the expression is too deep");

    /* terms: n of them have n - 1 signs between them */

    n = put(text, 0, "pid=1");

    for (i = 1; i < PM_FILTER_NODES / 2; i++) {
        n = put(text, n, " or pid=42");
    }

    assert_int_equal(pm_filter_compile(&f, text, n, find), 0);
    assert_true(pm_filter_run(&f, get, NULL));

    n = put(text, n, " or pid=42");
    assert_int_equal(pm_filter_compile(&f, text, n, find), -1);
    assert_string_equal(f.error, "the expression has too many terms");

    /* length */

    n = put(text, 0, "name = '");
    memset(text + n, 'x', PM_FILTER_LEN - n);
    text[PM_FILTER_LEN - 1] = '\'';
    assert_int_equal(pm_filter_compile(&f, text, PM_FILTER_LEN, find), 0);
    text[PM_FILTER_LEN - 1] = 'x';
    text[PM_FILTER_LEN] = '\'';
    assert_int_equal(pm_filter_compile(&f, text, PM_FILTER_LEN + 1, find),
                     -1);
    assert_int_equal(f.pos, PM_FILTER_LEN + 1);
    assert_string_equal(f.error, "the expression is too long");
}


static void
fields(void **state)
{
    pm_filter_t  f;
    const char  *text = "pid = 1 or not name ~ x";

    (void) state;

    assert_int_equal(pm_filter_compile(&f, text, strlen(text), find), 0);
    assert_int_equal(f.fields, (1 << PID) | (1 << NAME));
}


/* whatever comes: no fault, and what compiles also runs */

static void
noise(void **state)
{
    char         text[64];
    size_t       i, k, n;
    pm_filter_t  f;

    static const char *const  words[] = {
        "pid", "name", "and", "or", "not", "(", ")", "=", "!=", "<", "~",
        "1", "2M", "\"", "'", "\\", " ", "x", "\xff", "-", "\t"
    };

    (void) state;

    srand(1);

    for (i = 0; i < 200000; i++) {

        n = 0;

        for (k = rand() % 12; k; k--) {
            n = put(text, n,
                    words[rand() % (sizeof(words) / sizeof(words[0]))]);
        }

        if (pm_filter_compile(&f, text, n, find) == 0) {
            (void) pm_filter_run(&f, get, NULL);

        } else {
            assert_non_null(f.error);
            assert_in_range(f.pos, 1, n + 1);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts),
        cmocka_unit_test(logic),
        cmocka_unit_test(unknown),
        cmocka_unit_test(errors),
        cmocka_unit_test(bounds),
        cmocka_unit_test(fields),
        cmocka_unit_test(noise)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
