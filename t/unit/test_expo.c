
/* metrics as text */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_expo.h"


static void
write_all(pm_expo_t *e)
{
    static const char  name[] = "a\"\\\n\xff\0\xe2\x82\xac{}=,";

    pm_expo_family(e, "x_bytes", PM_EXPO_GAUGE, "bytes", "What it is");
    pm_expo_sample(e);
    pm_expo_label(e, "name", name, sizeof(name) - 1);
    pm_expo_label(e, "b", "", 0);
    pm_expo_u64(e, UINT64_MAX);
    pm_expo_sample(e);
    pm_expo_i64(e, -5);

    pm_expo_family(e, "y_seconds", PM_EXPO_COUNTER, "seconds", "Time");
    pm_expo_sample(e);
    pm_expo_millionths(e, 1000001);
    pm_expo_end(e);
}


static void
is(int open, const char *want)
{
    pm_expo_t  e;

    pm_expo_init(&e, open);
    write_all(&e);

    assert_false(e.error);
    assert_int_equal(e.len, strlen(want));
    assert_memory_equal(e.buf.data, want, e.len);

    pm_expo_free(&e);
}


static void
both(void **state)
{
    (void) state;

    is(0, "# HELP x_bytes What it is\n"
          "# TYPE x_bytes gauge\n"
          "x_bytes{name=\"a\\\"\\\\\\n\xef\xbf\xbd\xe2\x82\xac{}=,\",b=\"\"} "
          "18446744073709551615\n"
          "x_bytes -5\n"
          "# HELP y_seconds_total Time\n"
          "# TYPE y_seconds_total counter\n"
          "y_seconds_total 1.000001\n");

    is(1, "# HELP x_bytes What it is\n"
          "# TYPE x_bytes gauge\n"
          "# UNIT x_bytes bytes\n"
          "x_bytes{name=\"a\\\"\\\\\\n\xef\xbf\xbd\xe2\x82\xac{}=,\",b=\"\"} "
          "18446744073709551615\n"
          "x_bytes -5\n"
          "# HELP y_seconds Time\n"
          "# TYPE y_seconds counter\n"
          "# UNIT y_seconds seconds\n"
          "y_seconds_total 1.000001\n"
          "# EOF\n");
}


static void
grows(void **state)
{
    int        i;
    char      *text;
    pm_expo_t  e;

    (void) state;

    text = malloc(100000);
    memset(text, '"', 100000);

    pm_expo_init(&e, 1);
    pm_expo_family(&e, "x", PM_EXPO_GAUGE, NULL, "x");

    for (i = 0; i < 20; i++) {
        pm_expo_sample(&e);
        pm_expo_label(&e, "l", text, 100000);
        pm_expo_u64(&e, 1);
    }

    pm_expo_end(&e);

    assert_false(e.error);
    assert_int_equal(e.len, strlen("# HELP x x\n# TYPE x gauge\n# EOF\n")
                            + 20 * (200000 + strlen("x{l=\"\"} 1\n")));

    pm_expo_free(&e);
    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(both),
        cmocka_unit_test(grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
