
#include <math.h>
#include <string.h>

#include "pm_slope.h"


#define PM_SLOPE_PAIRS     (PM_SLOPE_POINTS * (PM_SLOPE_POINTS - 1) / 2)
#define PM_SLOPE_Z         2.5758       /* 99 % on both sides */

#define PM_TREND_LEAST     10           /* points that say something */
#define PM_TREND_SURE      2.0          /* minutes, before it is called so */

/* of its share of the growth, which each quarter of the time must have */
#define PM_TREND_SHARE     0.5

#define PM_TREND_MB        1048576.0
#define PM_TREND_MINUTE    60000.0


static double pm_slope_nth(double *v, size_t n, size_t k);
static void pm_trend_halve(pm_trend_t *trend);


int
pm_slope(const double *t, const double *v, size_t n, pm_slope_t *slope)
{
    double  x[PM_SLOPE_POINTS], y[PM_SLOPE_POINTS], s[PM_SLOPE_PAIRS];
    double  reach;
    size_t  i, k, pairs, below, above;

    memset(slope, 0, sizeof(pm_slope_t));

    if (n < 3) {
        return -1;
    }

    if (n > PM_SLOPE_POINTS) {

        for (i = 0; i < PM_SLOPE_POINTS; i++) {
            k = i * (n - 1) / (PM_SLOPE_POINTS - 1);
            x[i] = t[k];
            y[i] = v[k];
        }

        n = PM_SLOPE_POINTS;

    } else {
        memcpy(x, t, n * sizeof(double));
        memcpy(y, v, n * sizeof(double));
    }

    pairs = 0;

    for (i = 0; i < n; i++) {
        for (k = i + 1; k < n; k++) {
            if (x[k] > x[i]) {
                s[pairs++] = (y[k] - y[i]) / (x[k] - x[i]);
            }
        }
    }

    if (pairs == 0) {
        return -1;
    }

    /* as many slopes lie below the true one as above, more or less so many */

    reach = PM_SLOPE_Z * sqrt((double) n * (double) (n - 1)
                              * (double) (2 * n + 5) / 18);

    below = 0;
    above = pairs - 1;

    if (reach < (double) pairs) {
        below = (size_t) (((double) pairs - reach) / 2);
        above = (size_t) (((double) pairs + reach) / 2);
        above = above < pairs ? above : pairs - 1;
    }

    slope->n = (uint32_t) n;
    slope->span = x[n - 1] - x[0];
    slope->low = pm_slope_nth(s, pairs, below);
    slope->high = pm_slope_nth(s, pairs, above);
    slope->slope = pm_slope_nth(s, pairs, pairs / 2);

    if (pairs % 2 == 0) {
        slope->slope = (slope->slope + pm_slope_nth(s, pairs, pairs / 2 - 1))
                       / 2;
    }

    return 0;
}


/* what would stand at k if v were sorted; v is put into another order */

static double
pm_slope_nth(double *v, size_t n, size_t k)
{
    double  pivot, tmp;
    size_t  low, high, i, j;

    low = 0;
    high = n - 1;

    while (low < high) {

        pivot = v[low + (high - low) / 2];
        i = low;
        j = high;

        for ( ;; ) {

            while (v[i] < pivot) { i++; }
            while (v[j] > pivot) { j--; }

            if (i >= j) {
                break;
            }

            tmp = v[i];
            v[i++] = v[j];
            v[j--] = tmp;
        }

        /* [low..j] <= pivot <= [j + 1..high], neither of them empty */

        if (k <= j) {
            high = j;

        } else {
            low = j + 1;
        }
    }

    return v[k];
}


void
pm_trend_init(pm_trend_t *trend, uint32_t interval)
{
    trend->start = 0;
    trend->open = 0;
    trend->width = interval ? interval : 1;
    trend->n = 0;
}


void
pm_trend_add(pm_trend_t *trend, uint64_t t, uint64_t bytes)
{
    float              mb;
    uint64_t           gone;
    pm_trend_point_t  *p;

    mb = (float) ((double) bytes / PM_TREND_MB);

    if (trend->n == 0) {
        trend->start = t;
    }

    if (trend->n && t < trend->open + trend->width) {

        p = &trend->point[trend->n - 1];

        if (mb < p->mb) {
            p->mb = mb;
        }

        return;
    }

    if (trend->n == PM_SLOPE_POINTS) {

        if ((uint64_t) trend->width * PM_SLOPE_POINTS < PM_TREND_HOUR) {
            pm_trend_halve(trend);

        } else {
            trend->n--;
            memmove(&trend->point[0], &trend->point[1],
                    trend->n * sizeof(pm_trend_point_t));
        }
    }

    /* the times of points stay small however long it takes */

    if (t - trend->start > UINT32_MAX / 2) {

        gone = trend->point[0].t;

        if (t - trend->start - gone > UINT32_MAX / 2) {
            trend->n = 0;
            gone = t - trend->start;
        }

        trend->start += gone;

        for (p = trend->point; p < trend->point + trend->n; p++) {
            p->t -= (uint32_t) gone;
        }
    }

    p = &trend->point[trend->n++];

    p->t = (uint32_t) (t - trend->start);
    p->mb = mb;

    trend->open = t;
}


static void
pm_trend_halve(pm_trend_t *trend)
{
    uint32_t                 i;
    const pm_trend_point_t  *a, *b;

    for (i = 0; i < PM_SLOPE_POINTS / 2; i++) {

        a = &trend->point[2 * i];
        b = a + 1;

        trend->point[i].mb = a->mb < b->mb ? a->mb : b->mb;
        trend->point[i].t = a->t;
    }

    trend->n = PM_SLOPE_POINTS / 2;
    trend->width *= 2;
}


int
pm_trend_slope(const pm_trend_t *trend, pm_slope_t *slope)
{
    double    t[PM_SLOPE_POINTS], v[PM_SLOPE_POINTS];
    uint32_t  i, n;

    memset(slope, 0, sizeof(pm_slope_t));

    n = trend->n < PM_SLOPE_POINTS ? trend->n : PM_SLOPE_POINTS;

    if (n < PM_TREND_LEAST) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        t[i] = trend->point[i].t / PM_TREND_MINUTE;
        v[i] = trend->point[i].mb;
    }

    return pm_slope(t, v, n, slope);
}


int
pm_trend_leaks(const pm_trend_t *trend, const pm_slope_t *slope,
    double limit, int was)
{
    double                   rise, low[4], mean[4];
    size_t                   i, k, n, from, to;
    const pm_trend_point_t  *p;

    if (slope->n == 0 || slope->low <= 0) {
        return 0;
    }

    if (was) {
        return slope->slope >= limit / 2;
    }

    if (slope->span < PM_TREND_SURE
        || slope->slope < limit
        || slope->low < limit / 2)
    {
        return 0;
    }

    n = trend->n;

    for (i = 0; i < 4; i++) {

        from = n * i / 4;
        to = n * (i + 1) / 4;
        p = &trend->point[from];

        mean[i] = 0;
        low[i] = p->mb;

        for (k = 0; k < to - from; k++) {
            mean[i] += p[k].t / PM_TREND_MINUTE / (double) (to - from);
            low[i] = p[k].mb < low[i] ? p[k].mb : low[i];
        }
    }

    for (i = 1; i < 4; i++) {

        rise = low[i] - low[i - 1];

        if (rise < PM_TREND_SHARE * slope->slope * (mean[i] - mean[i - 1])
            || rise < PM_TREND_SHARE * (low[3] - low[0]) / 3)
        {
            return 0;
        }
    }

    return 1;
}
