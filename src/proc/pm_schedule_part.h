
/* what the files of the schedule share: pm_schedule.c, pm_anacron.c */


#ifndef _PM_SCHEDULE_PART_H_INCLUDED_
#define _PM_SCHEDULE_PART_H_INCLUDED_


#include "pm_schedule.h"


#define PM_SCHEDULE_FILE   (1024 * 1024)
#define PM_SCHEDULE_PATH   512
#define PM_SCHEDULE_TEXT   256


typedef struct {                        /* run by a line with run-parts */
    const char        *folder;
    char               schedule[PM_SCHEDULE_TEXT];
    int64_t            next;
    unsigned           found:1;
    unsigned           anacron:1;
} pm_schedule_parts_t;


struct pm_schedule_s {
    int                  root;
    int64_t              now;
    pm_tz_t             *tz;            /* of the host, or NULL */
    pm_schedule_pt       row;
    void                *data;
    size_t               rows;
    unsigned             lost;
    unsigned             found;

    /* as the host's cron has them */
    unsigned             zones:1;       /* it knows CRON_TZ */
    unsigned             newline:1;     /* a table must end with one */
    unsigned             strict:1;      /* it looks at owner and mode */
    unsigned             anacron:1;     /* there is one */

    pm_schedule_parts_t  parts[4];
};


void pm_schedule_row(pm_schedule_t *s, pm_schedule_row_t *row);

/* rows of /etc/anacrontab */
void pm_schedule_anacron(pm_schedule_t *s);


#endif /* _PM_SCHEDULE_PART_H_INCLUDED_ */
