
/*
 * Time zones read from their files: any number of them at once and in any
 * thread, which libc cannot.
 */


#ifndef _PM_TZ_H_INCLUDED_
#define _PM_TZ_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_TZ_NEVER  INT64_MAX


typedef struct pm_tz_s  pm_tz_t;


/*
 * `root' is a descriptor of "/", or of fixtures; name is as "Europe/Berlin",
 * or NULL for the zone of the host, UTC where it has none.  0, or an errno:
 * ENOENT, there is no such zone; EBADMSG, the file is none.
 */
int pm_tz_load(int root, const char *name, pm_tz_t **tz);
void pm_tz_free(pm_tz_t *tz);

/* a zone from the bytes of a file, or NULL */
pm_tz_t *pm_tz_parse(const char *data, size_t len);

/* seconds that local time is before UTC, at an instant of UTC */
int32_t pm_tz_offset(const pm_tz_t *tz, int64_t at);

/* the next instant from which on the offset is another, or PM_TZ_NEVER */
int64_t pm_tz_next(const pm_tz_t *tz, int64_t at);


typedef struct {
    int64_t  year;
    int      month;                     /* 1 .. 12 */
    int      day;                       /* 1 .. 31 */
    int      weekday;                   /* 0 .. 6, Sunday first */
} pm_date_t;

/* days since 1970-01-01, of the Gregorian calendar */
void pm_date(int64_t days, pm_date_t *d);
int64_t pm_days(int64_t year, int month, int day);

/* "2026-11-21T00:30:00.000Z"; "" for what is no year of four digits */
#define PM_TIME_LEN  32

void pm_time_text(char dst[PM_TIME_LEN], int64_t ms);


#endif /* _PM_TZ_H_INCLUDED_ */
