
/*
 * Sums over the processes of a snapshot that have something in common.  What
 * is shared between processes is in the RSS of each: sums of RSS count it more
 * than once, those of PSS do not.
 */


#ifndef _PM_GROUP_H_INCLUDED_
#define _PM_GROUP_H_INCLUDED_


#include "pm_pid.h"


typedef enum {
    PM_GROUP_USER = 0,                  /* the real one */
    PM_GROUP_UNIT,                      /* needs PM_HAVE_CGROUP */
    PM_GROUP_NAME
} pm_group_by_e;

typedef enum {
    PM_GROUP_RSS = 0,                   /* these two need PM_HAVE_STATM */
    PM_GROUP_VMS,
    PM_GROUP_PROCESSES,
    PM_GROUP_THREADS,
    PM_GROUP_TICKS,                     /* of the processor, those that live */
    PM_GROUP_PSS,                       /* of here on: see `unknown' */
    PM_GROUP_USS,
    PM_GROUP_SWAP,
    PM_GROUP_SUMS,
    PM_GROUP_KEY = PM_GROUP_SUMS        /* an order, no sum */
} pm_group_sum_e;


typedef struct {                        /* of a process: its smaps_rollup */
    unsigned     known:1;
    pm_smaps_t   sums;
} pm_group_smaps_t;


typedef struct {
    char        *key;
    size_t       len;                   /* 0: those that have none */
    uint64_t     sum[PM_GROUP_SUMS];
    uint32_t     unknown;               /* processes without smaps */
} pm_group_t;


typedef struct {
    pm_group_t  *elts;
    size_t       n;
    size_t       allocated;
    uint32_t    *slots;
    size_t       nslots;
} pm_groups_t;


/*
 * smaps has one element for each process of the snapshot, or is NULL.
 * Returns 0 or ENOMEM; free in both cases.  What is zeroed is empty.
 */
int pm_groups_make(pm_groups_t *g, const pm_snapshot_t *s, pm_group_by_e by,
    const pm_group_smaps_t *smaps);
void pm_groups_free(pm_groups_t *g);

/* by a sum, or the key; equal ones by key */
void pm_groups_sort(pm_groups_t *g, pm_group_sum_e by, int desc);


#endif /* _PM_GROUP_H_INCLUDED_ */
