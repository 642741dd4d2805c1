
/* the readers of files in /proc, and the memory between them and the helper */


#ifndef _HELPER_READER_H_INCLUDED_
#define _HELPER_READER_H_INCLUDED_


#include "helper.h"


#define HELPER_READER_FLUSH  (256 * 1024)
#define HELPER_READER_END    ((uid_t) -1)       /* instead of an owner */


typedef struct {
    volatile size_t    len;           /* whole records in data */

    /* the longest record behind the last that did not make it flush */
    uint8_t            data[HELPER_READER_FLUSH + sizeof(pm_wire_head_t)
                            + PM_WIRE_RECORD_LEN];
} helper_records_t;


/* one is sent while the other is written */

struct helper_reader_s {
    volatile uint32_t  index;         /* the process being read */
    volatile uint32_t  done;          /* its fields that are recorded */
    volatile uint32_t  half;          /* where they are written */
    uint32_t           count;

    pm_wire_pid_t      pids[PM_WIRE_PIDS];

    helper_records_t   records[2];
};


/* that owner by now, or errno */
void helper_reader(const helper_t *h, int error) __attribute__((noreturn));


#endif /* _HELPER_READER_H_INCLUDED_ */
