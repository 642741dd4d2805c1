
/*
 * Processes that came after a snapshot: a socket that is new may be one of
 * theirs, and a number that is not in the snapshot need not be wrong.
 */


#ifndef _PM_LATE_H_INCLUDED_
#define _PM_LATE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_scan.h"


#define PM_LATE_MAX   16384             /* of one list */
#define PM_LATE_COMM  64


typedef struct {
    pm_proc_t   proc;                   /* stat and ids; no strings */
    uint32_t    len;
    char        comm[PM_LATE_COMM];
} pm_late_t;


typedef struct {
    pm_late_t  *elts;                   /* by pid */
    size_t      n;
    size_t      allocated;
} pm_lates_t;


/*
 * One process by its number; proc is a descriptor of /proc.  0, or errno:
 * ESRCH or ENOENT also for the number of a thread.
 */
int pm_late_read(pm_late_t *late, int proc, int32_t pid);

/* all that are not in the snapshot: 0, or errno; what was read is kept */
int pm_lates_read(pm_lates_t *l, int proc, const pm_snapshot_t *s);
const pm_late_t *pm_lates_find(const pm_lates_t *l, int32_t pid);
void pm_lates_free(pm_lates_t *l);


#endif /* _PM_LATE_H_INCLUDED_ */
