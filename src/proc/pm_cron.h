
/*
 * Tables of cron, read as Debian's cron reads them, and when a line of them
 * runs next.
 */


#ifndef _PM_CRON_H_INCLUDED_
#define _PM_CRON_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_tz.h"


#define PM_CRON_NEVER  -1


typedef struct {                        /* bit n is the value n */
    uint64_t     minute;
    uint32_t     hour;
    uint32_t     day;                   /* of the month */
    uint32_t     month;
    uint32_t     weekday;               /* 0 .. 6, Sunday first */
    unsigned     minute_star:1;         /* the field begins with "*" */
    unsigned     hour_star:1;
    unsigned     day_star:1;
    unsigned     weekday_star:1;
    unsigned     reboot:1;              /* at the start of cron alone */
} pm_cron_time_t;


typedef enum {
    PM_CRON_NONE = 0,                   /* empty or a comment */
    PM_CRON_SET,                        /* NAME = value */
    PM_CRON_TASK,
    PM_CRON_BROKEN
} pm_cron_kind_e;


typedef struct {                        /* into the text of the line */
    const char  *data;
    size_t       len;
} pm_cron_str_t;


typedef struct {
    pm_cron_kind_e   kind;
    const char      *why;               /* of a broken line: "bad hour" */

    pm_cron_str_t    name;              /* of a setting, without quotes */
    pm_cron_str_t    value;

    pm_cron_str_t    schedule;          /* as written */
    pm_cron_str_t    user;              /* of a system's table */
    pm_cron_str_t    command;           /* up to the first bare % */
    pm_cron_str_t    input;             /* behind it: lines end with % */
    pm_cron_time_t   time;
} pm_cron_line_t;


/* a line without its end; a table of the system has users in its lines */
void pm_cron_line(pm_cron_line_t *l, const char *p, size_t len, int system);

/* five fields, or "@daily" and the like; NULL, or what is wrong */
const char *pm_cron_time(pm_cron_time_t *t, const char *p, size_t len);

/*
 * The first run after an instant, or PM_CRON_NEVER.  A task whose minute and
 * hour are fixed runs once where clocks are set: at the end of an hour that
 * is left out, and in the first of two equal hours.
 */
int64_t pm_cron_next(const pm_cron_time_t *t, const pm_tz_t *tz,
    int64_t after);

/* the names of files that cron and run-parts look at */
int pm_cron_name(const char *name);


#endif /* _PM_CRON_H_INCLUDED_ */
