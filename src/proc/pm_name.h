
/*
 * Names longer than the kernel's 15 characters.  They stand in cmdline, and
 * reading that waits for the memory lock of the process, which a hostile or
 * a broken one holds for ever: only a process of its own can be killed out
 * of such a read.  It is made for a batch and lives for some microseconds.
 */


#ifndef _PM_NAME_H_INCLUDED_
#define _PM_NAME_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_pid.h"


#define PM_NAMES_BATCH  1024
#define PM_NAMES_LEN    256


typedef enum {
    PM_NAME_WAITS = 0,                  /* was not reached: ask again */
    PM_NAME_STUCK,                      /* its read did not end */
    PM_NAME_SHORT,                      /* the comm is all there is */
    PM_NAME_LONG
} pm_name_state_e;


typedef struct {
    int32_t   pid;
    uint16_t  state;                    /* pm_name_state_e */
    uint16_t  len;
    char      name[PM_NAMES_LEN];       /* the comm first, then the name */
} pm_name_t;


typedef struct pm_names_s  pm_names_t;


/* proc is a descriptor of /proc that stays open */
pm_names_t *pm_names_create(int proc);
void pm_names_destroy(pm_names_t *names);

/* starts a batch; pm_names_add() returns 0 when it is full */
void pm_names_start(pm_names_t *names);
int pm_names_add(pm_names_t *names, int32_t pid, const char *comm,
    size_t len);

/*
 * Reads at most so long.  The batch, with the states set; where no process
 * can be made, all of it waits.
 */
const pm_name_t *pm_names_read(pm_names_t *names, int timeout_ms, size_t *n);


#endif /* _PM_NAME_H_INCLUDED_ */
