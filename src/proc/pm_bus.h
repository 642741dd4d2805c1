
/*
 * systemd's units, asked over the system bus as any user may: no library, no
 * program.  It waits for others: in a pool thread only.
 */


#ifndef _PM_BUS_H_INCLUDED_
#define _PM_BUS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_procfs.h"


#define PM_BUS_SOCKET  "/run/dbus/system_bus_socket"


typedef struct {                        /* zero terminated, into the answer */
    const char  *name;
    const char  *description;
    const char  *load_state;
    const char  *active_state;
    const char  *sub_state;
    const char  *following;             /* "" is none */
    uint32_t     job;                   /* 0 is none */
    const char  *job_type;
} pm_unit_row_t;


typedef struct {
    pm_unit_row_t  *elts;               /* failed first, then by name */
    size_t          n;
    pm_buf_t        buf;
} pm_unit_rows_t;


/*
 * 0, or an errno: ENOENT, there is no bus; ESRCH, nobody there knows units;
 * EACCES, it does not tell us; ETIMEDOUT; EBADMSG, what came is no answer.
 */
int pm_bus_units(const char *path, int timeout_ms, pm_unit_rows_t *rows);
void pm_unit_rows_free(pm_unit_rows_t *rows);

/* the body of the answer, which is in rows->buf already; sorts */
int pm_bus_parse_units(pm_unit_rows_t *rows, size_t len);


#endif /* _PM_BUS_H_INCLUDED_ */
