
/*
 * The host: the parsers of the system files of /proc, and the facts that
 * name it (/system/info).
 */


#ifndef _PM_HOST_H_INCLUDED_
#define _PM_HOST_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_scan.h"


/*
 * The parsers take the text of the file and return 0, or -1 when it is not
 * such a file.  The text must end with a zero byte.
 */

/* cpus has room for max, *ncpus is how many there are */
int pm_host_parse_stat(const char *buf, size_t len, pm_cpu_ticks_t *all,
    pm_cpu_t *cpus, size_t max, uint32_t *ncpus, uint64_t *btime);
int pm_host_parse_meminfo(const char *buf, size_t len, pm_memory_t *m);
int pm_host_parse_loadavg(const char *buf, size_t len, double load[3]);
int pm_host_parse_uptime(const char *buf, size_t len, double *uptime);
/* *full tells whether there is a line "full" */
int pm_host_parse_pressure(const char *buf, size_t len,
    pm_pressure_t *some, pm_pressure_t *all, int *full);

/*
 * Percent of the ticks between two readings, in tenths that sum to 100.0;
 * before == NULL is since boot.  -1 when no tick passed: nothing is written.
 */
int pm_host_cpu_percent(const pm_cpu_ticks_t *before,
    const pm_cpu_ticks_t *now, pm_cpu_percent_t *percent);


/*
 * The facts.  A number is decimal digits, perhaps with a fraction; text may
 * hold any bytes but zero.
 */

typedef enum {
    PM_FACT_TEXT = 0,
    PM_FACT_NUMBER
} pm_fact_type_e;

typedef struct {
    const char      *name;              /* "os_type", "hostname", ... */
    pm_fact_type_e   type;
} pm_host_fact_t;


extern const pm_host_fact_t  pm_host_facts[];   /* ends with name NULL */

/*
 * 0 and the value, zero terminated (cut where size does not suffice), or an
 * errno that says why there is none; EINVAL is an unknown name.  Only files
 * and system calls of this host: no name look-up, no network.
 */
int pm_host_fact(const char *name, char *buf, size_t size);

/* the same below a folder of fixtures that holds etc, proc, sys, run */
int pm_host_fact_at(const char *root, const char *name, char *buf,
    size_t size);


#endif /* _PM_HOST_H_INCLUDED_ */
