
/*
 * Names that the kernel cut at fifteen characters, completed from the command
 * line once and then known by process (number and start time), so that the
 * command lines are not read for every answer.
 *
 * Not locked: the caller sees to it.
 */


#ifndef _PM_NAMES_H_INCLUDED_
#define _PM_NAMES_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_scan.h"


#define PM_NAMES_LEN   256              /* of a file's name */
/* a program may replace itself by one whose name begins as its own */
#define PM_NAMES_LIFE  60000            /* ms */


typedef struct pm_names_s  pm_names_t;


pm_names_t *pm_names_create(void);
void pm_names_destroy(pm_names_t *names);

/* 1 when the snapshot's name may be the beginning of a longer one */
int pm_names_cut(const pm_snapshot_t *s, const pm_proc_t *p);

/* the length of the name that is known of it, or 0 */
size_t pm_names_get(pm_names_t *names, const pm_snapshot_t *s,
    const pm_proc_t *p, uint64_t now, char dst[PM_NAMES_LEN]);

/* from the command line; -1 when memory is short */
int pm_names_learn(pm_names_t *names, const pm_snapshot_t *s,
    const pm_proc_t *p, uint64_t now, const char *cmdline, size_t len);

/* forgets the processes that are not in the snapshot */
void pm_names_purge(pm_names_t *names, const pm_snapshot_t *s);

size_t pm_names_number(const pm_names_t *names);


#endif /* _PM_NAMES_H_INCLUDED_ */
