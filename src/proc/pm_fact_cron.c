
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "pm_fact.h"
#include "pm_schedule.h"


static void pm_fact_schedule_row(void *data, const pm_schedule_row_t *row);


/* the number of tasks that this host runs, as far as everybody may read */

int
pm_fact_schedule(pm_fact_t *f)
{
    unsigned        n, found, lost;
    pm_schedule_t  *s;

    n = 0;

    s = pm_schedule_create(f->path, time(NULL), pm_fact_schedule_row, &n);

    if (s == NULL) {
        return errno;
    }

    lost = pm_schedule_read(s, &found);

    pm_schedule_free(s);

    if (lost & PM_SCHEDULE_TABLES) {
        return EACCES;
    }

    if (found == 0) {
        return ENOENT;
    }

    snprintf(f->out, f->size, "%u", n);

    return 0;
}


static void
pm_fact_schedule_row(void *data, const pm_schedule_row_t *row)
{
    unsigned  *n = data;

    *n += row->enabled;
}
