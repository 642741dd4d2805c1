
/* systemd's timers, as far as their files tell */


#ifndef _PM_TIMER_H_INCLUDED_
#define _PM_TIMER_H_INCLUDED_


#include "pm_schedule.h"


/* whether systemd runs this host */
int pm_timer_there(const char *root);

/*
 * A row of each timer that is enabled, and then of those that are not.
 * `root' is a folder as "/".  0, or an errno.  What runs next systemd alone
 * knows: timers count from events and have random delays.
 */
int pm_timer_read(const char *root, pm_schedule_pt row, void *data);

/* the row of one timer whose next and last run somebody else has told */
void pm_timer_named(const char *root, const char *name, int64_t next,
    int64_t last, int enabled, pm_schedule_pt row, void *data);

/*
 * The rows of the timers that have a file and are not started: those for
 * which told() does not return that they had a row already.
 */
typedef int (*pm_timer_told_pt)(void *told, const char *name);

void pm_timer_rest(const char *root, pm_timer_told_pt told, void *list,
    pm_schedule_pt row, void *data);


#endif /* _PM_TIMER_H_INCLUDED_ */
