
/*
 * All tasks that a host runs by time: tables of cron, folders of scripts,
 * anacron.
 */


#ifndef _PM_SCHEDULE_H_INCLUDED_
#define _PM_SCHEDULE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_cron.h"


#define PM_SCHEDULE_ROWS  20000


typedef struct {                        /* NULL data: not known or none */
    const char      *source;            /* "/etc/crontab" */
    unsigned         line;              /* of it, from 1; 0: all of it */
    pm_cron_str_t    user;
    pm_cron_str_t    schedule;
    pm_cron_str_t    command;
    pm_cron_str_t    input;             /* lines end with % */
    pm_cron_str_t    zone;              /* where it is not the host's */
    int64_t          next;              /* seconds, or PM_CRON_NEVER */
    int64_t          last;              /* the same */
    unsigned         enabled:1;
    const char      *error;             /* why it does not run, or NULL */
} pm_schedule_row_t;

/* what the row points to is valid during the call */
typedef void (*pm_schedule_pt)(void *data, const pm_schedule_row_t *row);


/* bits of what cannot be read */
#define PM_SCHEDULE_TABLES    0x01      /* of the system */
#define PM_SCHEDULE_CRONTABS  0x02      /* of the users */


typedef struct pm_schedule_s  pm_schedule_t;

/*
 * `root' is a folder as "/" or of fixtures; rows come for the time after
 * `now'.  NULL and errno.
 */
pm_schedule_t *pm_schedule_create(const char *root, int64_t now,
    pm_schedule_pt row, void *data);
void pm_schedule_free(pm_schedule_t *s);

/*
 * Rows of all that can be read, and bits of what cannot; *found counts the
 * files and folders that are there.
 */
unsigned pm_schedule_read(pm_schedule_t *s, unsigned *found);

/* rows of a table that somebody else has read; user is its owner */
void pm_schedule_crontab(pm_schedule_t *s, const char *source,
    const char *user, const char *text, size_t len);


#endif /* _PM_SCHEDULE_H_INCLUDED_ */
