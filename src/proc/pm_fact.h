
/*
 * What the files of the facts share: pm_fact.c, pm_fact_cron.c (scheduled
 * tasks), pm_fact_virt.c (virtual machines and containers).
 */


#ifndef _PM_FACT_H_INCLUDED_
#define _PM_FACT_H_INCLUDED_


#include "pm_host.h"
#include "pm_procfs.h"


typedef struct {
    int          root;                  /* the folder all paths start from */
    const char  *path;                  /* its name */
    int          live;                  /* this host, no fixtures */
    char        *out;
    size_t       size;
} pm_fact_t;


ssize_t pm_fact_read(pm_fact_t *f, const char *path, pm_buf_t *buf);

/* these set the value and return 0 or an errno, as all facts do */
int pm_fact_set(pm_fact_t *f, const char *data, size_t len);
int pm_fact_first_line(pm_fact_t *f, const char *path);
/* the value of the first line "<key> : value" of cpuinfo */
int pm_fact_cpuinfo(pm_fact_t *f, const char *key);

int pm_fact_virtualization(pm_fact_t *f);
int pm_fact_schedule(pm_fact_t *f);


#endif /* _PM_FACT_H_INCLUDED_ */
