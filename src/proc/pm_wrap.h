
/*
 * Counters that fell, because a driver began anew or 32 bits were full: what
 * was lost is added from then on.  What is gone is forgotten.  No pointers:
 * it may stand in shared memory.
 */


#ifndef _PM_WRAP_H_INCLUDED_
#define _PM_WRAP_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_WRAPS          512
#define PM_WRAP_NAME      64
#define PM_WRAP_COUNTERS  9

typedef struct {
    char        name[PM_WRAP_NAME];
    uint64_t    last[PM_WRAP_COUNTERS];
    uint64_t    lost[PM_WRAP_COUNTERS];
} pm_wrap_t;


typedef struct {
    uint32_t    n;
    pm_wrap_t   elts[PM_WRAPS];         /* in the order of the last reading */
} pm_wraps_t;


typedef struct {                        /* a reading */
    void       *elts;                   /* each begins with its name */
    size_t      n;
    size_t      size;                   /* of one */
    size_t      value;                  /* where its uint64_t[] begins */
    size_t      counters;               /* of them */
} pm_wrap_list_t;


/*
 * Corrects the values and remembers them; with keep = 0 it does the first
 * alone, for values that may be older than those remembered.  The number of
 * elements there was no room for: their values stay as they are.
 */
size_t pm_unwrap(pm_wraps_t *wraps, const pm_wrap_list_t *list, int keep);


#endif /* _PM_WRAP_H_INCLUDED_ */
