
/*
 * Growth in a noisy series: the Theil-Sen slope, the median of the slopes of
 * all pairs of points, which a quarter of wild values does not move, with the
 * confidence interval that Kendall's statistic gives.  And the series of a
 * process's memory that it is found in: the lowest value of each stretch of
 * time, where a garbage collector's teeth have their roots.
 */


#ifndef _PM_SLOPE_H_INCLUDED_
#define _PM_SLOPE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_SLOPE_POINTS  128            /* and so 8128 pairs at most */


typedef struct {
    uint32_t  n;                        /* points, 0: nothing is known */
    double    span;                     /* of the time */
    double    slope;                    /* values per unit of the time */
    double    low;                      /* it is between these with 99 % */
    double    high;
} pm_slope_t;


/*
 * Of points in the order of their time; of more than PM_SLOPE_POINTS some are
 * taken, evenly.  0, or -1 and n = 0 where the points tell nothing: fewer
 * than three, or all at one time.
 */
int pm_slope(const double *t, const double *v, size_t n, pm_slope_t *slope);


#define PM_TREND_HOUR  3600000          /* ms, what a trend looks back */


typedef struct {
    uint32_t  t;                        /* ms since the trend's start */
    float     mb;
} pm_trend_point_t;


typedef struct {                        /* no pointers: it lives in a zone */
    uint64_t          start;            /* ms, of the first sample */
    uint64_t          open;             /* ms, where the last point begins */
    uint32_t          width;            /* ms, of a point */
    uint32_t          n;
    pm_trend_point_t  point[PM_SLOPE_POINTS];
} pm_trend_t;


/* an interval is what lies between samples at least, in ms */
void pm_trend_init(pm_trend_t *trend, uint32_t interval);

/* a sample; times only grow */
void pm_trend_add(pm_trend_t *trend, uint64_t t, uint64_t bytes);

/* MB per minute; 0, or -1 when it is too early */
int pm_trend_slope(const pm_trend_t *trend, pm_slope_t *slope);

/*
 * Whether memory is growing by `limit' MB a minute: surely by half of it, over
 * two minutes at least, and in each quarter of the time, so that no single
 * step counts.  `was' is the last answer: half of the limit keeps it.
 */
int pm_trend_leaks(const pm_trend_t *trend, const pm_slope_t *slope,
    double limit, int was);


#endif /* _PM_SLOPE_H_INCLUDED_ */
