
/* growth in synthetic series: found where it is, and nowhere else */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_slope.h"


#define MB       1048576.0
#define MINUTES  60000


/* the same numbers in every run */

static uint64_t  seed;


static double
uniform(void)                           /* -1 .. 1 */
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;

    return (double) (seed >> 11) / (double) (UINT64_C(1) << 52) - 1;
}


static double
noise(double width)
{
    return width * (uniform() + uniform() + uniform());
}


/*
 * A series is replayed as a watch sees it: a look at the verdict every five
 * seconds.  The time in ms of the first "it grows", or 0.
 */

typedef double (*series_pt)(uint64_t t);


static uint64_t
replay(series_pt series, uint64_t interval, uint64_t until, double limit,
    pm_slope_t *last)
{
    int         leaks;
    double      mb;
    uint64_t    t, looked, found;
    pm_trend_t  trend;
    pm_slope_t  slope;

    pm_trend_init(&trend, (uint32_t) interval);
    memset(&slope, 0, sizeof(pm_slope_t));

    leaks = 0;
    looked = 0;
    found = 0;

    for (t = 0; t < until; t += interval) {

        mb = series(t);

        if (mb < 0) {
            continue;
        }

        pm_trend_add(&trend, 1000000 + t, (uint64_t) (mb * MB));

        if (t - looked < 5000) {
            continue;
        }

        looked = t;

        if (pm_trend_slope(&trend, &slope) == 0) {
            leaks = pm_trend_leaks(&trend, &slope, limit, leaks);
        }

        if (leaks && !found) {
            found = t;
        }
    }

    if (last) {
        *last = slope;
    }

    return found;
}


static double
steady(uint64_t t)
{
    (void) t;
    return 200 + noise(2);
}


static double
flat(uint64_t t)
{
    (void) t;
    return 64;
}


static double
leak(uint64_t t)
{
    return 200 + t / 60000.0 + noise(2);
}


static double
leak_outliers(uint64_t t)
{
    double  v;

    v = leak(t);

    return uniform() > 0.8 ? v + 400 : v;
}


/* nothing is known for a minute of each three */

static double
leak_gaps(uint64_t t)
{
    return t % 180000 > 120000 ? -1 : leak(t);
}


static double
sawtooth(uint64_t t)
{
    return 100 + (double) (t % 45000) / 45000 * 80 + noise(1);
}


static double
sawtooth_leak(uint64_t t)
{
    return sawtooth(t) + t / 60000.0 * 3;
}


static double
step(uint64_t t)
{
    return (t < 240000 ? 100 : 180) + noise(1);
}


static double
two_steps(uint64_t t)
{
    return 100 + (t > 100000) * 40 + (t > 130000) * 40 + noise(1);
}


static double
start(uint64_t t)                       /* fills a cache, then is content */
{
    return 50 + 100 * (1 - exp(-(double) t / 15000)) + noise(1);
}


static double
outliers(uint64_t t)
{
    (void) t;
    return uniform() > 0.7 ? 900 : 200 + noise(1);
}


static double
shrinking(uint64_t t)
{
    return 500 - t / 60000.0 * 5 + noise(1);
}


static void
exact(void **state)
{
    double      t[200], v[200];
    size_t      i;
    pm_slope_t  s;

    (void) state;

    for (i = 0; i < 200; i++) {
        t[i] = (double) i;
        v[i] = 3 + 0.5 * (double) i;
    }

    assert_int_equal(pm_slope(t, v, 10, &s), 0);
    assert_int_equal(s.n, 10);
    assert_true(fabs(s.slope - 0.5) < 1e-12);
    assert_true(fabs(s.low - 0.5) < 1e-12 && fabs(s.high - 0.5) < 1e-12);
    assert_true(fabs(s.span - 9) < 1e-12);

    /* of many, some */

    assert_int_equal(pm_slope(t, v, 200, &s), 0);
    assert_int_equal(s.n, PM_SLOPE_POINTS);
    assert_true(fabs(s.slope - 0.5) < 1e-12);
    assert_true(fabs(s.span - 199) < 1e-12);

    /* a quarter of wild values changes nothing */

    for (i = 0; i < 100; i += 5) {
        v[i] = 1e6;
    }

    assert_int_equal(pm_slope(t, v, 100, &s), 0);
    assert_true(fabs(s.slope - 0.5) < 0.01);

    assert_int_equal(pm_slope(t, v, 2, &s), -1);
    assert_int_equal(s.n, 0);

    for (i = 0; i < 10; i++) {
        t[i] = 7;
    }

    assert_int_equal(pm_slope(t, v, 10, &s), -1);
}


/* against all slopes, sorted */

static int
compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}


static void
sorted(void **state)
{
    double      t[60], v[60], all[60 * 59 / 2];
    size_t      i, k, n, pairs, round;
    pm_slope_t  s;

    (void) state;

    seed = 7;

    for (round = 0; round < 200; round++) {

        n = 3 + round % 57;

        for (i = 0; i < n; i++) {
            t[i] = (double) i;
            v[i] = round % 3 ? noise(5) : floor(noise(2));
        }

        pairs = 0;

        for (i = 0; i < n; i++) {
            for (k = i + 1; k < n; k++) {
                all[pairs++] = (v[k] - v[i]) / (t[k] - t[i]);
            }
        }

        qsort(all, pairs, sizeof(double), compare);

        assert_int_equal(pm_slope(t, v, n, &s), 0);
        assert_true(fabs(s.slope
                         - (all[pairs / 2] + all[(pairs - 1) / 2]) / 2)
                    < 1e-9);
        assert_true(s.low <= s.slope && s.slope <= s.high);
    }
}


/* the interval holds the true slope about as often as it says */

static void
covered(void **state)
{
    double      t[100], v[100];
    size_t      i, round, in;
    pm_slope_t  s;

    (void) state;

    seed = 11;
    in = 0;

    for (round = 0; round < 1000; round++) {

        for (i = 0; i < 100; i++) {
            t[i] = (double) i;
            v[i] = 2 * t[i] + noise(30);
        }

        assert_int_equal(pm_slope(t, v, 100, &s), 0);
        in += s.low <= 2 && s.high >= 2;
    }

    assert_in_range(in, 975, 1000);
}


static void
found(void **state)
{
    size_t      i;
    uint64_t    at;
    pm_slope_t  s;

    static const uint64_t  intervals[] = { 50, 100, 500, 1000, 5000 };

    (void) state;

    for (i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {

        seed = 100 + i;

        at = replay(leak, intervals[i], 10 * MINUTES, 0.5, &s);
        assert_in_range(at, 2 * MINUTES, 10 * MINUTES);
        assert_true(s.low > 0 && s.low < 1 && s.high > 1);

        assert_in_range(replay(leak_outliers, intervals[i], 20 * MINUTES, 0.5,
                               NULL),
                        2 * MINUTES, 20 * MINUTES);
        assert_in_range(replay(leak_gaps, intervals[i], 20 * MINUTES, 0.5,
                               NULL),
                        2 * MINUTES, 20 * MINUTES);
    }

    /* below what is asked for it is no alert */

    seed = 5;
    assert_int_equal(replay(leak, 100, 60 * MINUTES, 3, NULL), 0);

    assert_in_range(replay(sawtooth_leak, 100, 20 * MINUTES, 1, NULL),
                    2 * MINUTES, 20 * MINUTES);
}


static void
quiet(void **state)
{
    size_t  i, k;

    static const series_pt  series[] = {
        steady, flat, sawtooth, step, two_steps, start, outliers, shrinking
    };

    (void) state;

    for (i = 0; i < sizeof(series) / sizeof(series[0]); i++) {
        for (k = 0; k < 20; k++) {
            seed = 1000 * i + k;
            assert_int_equal(replay(series[i], 1000, 40 * MINUTES, 0.5, NULL),
                             0);
        }

        assert_int_equal(replay(series[i], 100, 30 * MINUTES, 0.5, NULL), 0);
    }
}


static void
ends(void **state)
{
    uint64_t    t;
    pm_trend_t  trend;
    pm_slope_t  slope;
    int         leaks;

    (void) state;

    pm_trend_init(&trend, 1000);
    leaks = 0;

    /* it grows for ten minutes, then it is content */

    for (t = 0; t < 10 * MINUTES; t += 1000) {
        pm_trend_add(&trend, t, (uint64_t) ((100 + t / 60000.0) * MB));
    }

    assert_int_equal(pm_trend_slope(&trend, &slope), 0);
    leaks = pm_trend_leaks(&trend, &slope, 0.9, leaks);
    assert_int_equal(leaks, 1);

    for ( /* void */ ; t < 90 * MINUTES; t += 1000) {
        pm_trend_add(&trend, t, (uint64_t) (110 * MB));
    }

    assert_int_equal(pm_trend_slope(&trend, &slope), 0);
    assert_int_equal(pm_trend_leaks(&trend, &slope, 0.9, leaks), 0);
}


static void
bounded(void **state)
{
    uint64_t    t;
    pm_trend_t  trend;
    pm_slope_t  slope;

    (void) state;

    /* fifty days at an hour, and a jump over half a year */

    pm_trend_init(&trend, 3600000);
    assert_int_equal(pm_trend_slope(&trend, &slope), -1);

    for (t = 5; t < UINT64_C(50) * 86400000; t += 3600000) {
        pm_trend_add(&trend, t, t);
        assert_true(trend.n <= PM_SLOPE_POINTS);
    }

    assert_int_equal(pm_trend_slope(&trend, &slope), 0);
    assert_true(fabs(slope.slope - 60000 / MB) < 0.001);

    pm_trend_add(&trend, t + UINT64_C(200) * 86400000, 1);
    assert_true(trend.n >= 1 && trend.n <= PM_SLOPE_POINTS);

    /* an hour at 50 ms is kept in as many points */

    pm_trend_init(&trend, 50);

    for (t = 0; t < UINT64_C(3) * PM_TREND_HOUR; t += 50) {
        pm_trend_add(&trend, t, 1 << 20);
    }

    assert_true(trend.n > PM_SLOPE_POINTS / 2);
    assert_true((uint64_t) trend.width * PM_SLOPE_POINTS
                <= 2 * PM_TREND_HOUR);
    assert_int_equal(pm_trend_slope(&trend, &slope), 0);
    assert_true(slope.slope == 0);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact),
        cmocka_unit_test(sorted),
        cmocka_unit_test(covered),
        cmocka_unit_test(found),
        cmocka_unit_test(quiet),
        cmocka_unit_test(ends),
        cmocka_unit_test(bounded)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
