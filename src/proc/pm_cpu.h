
/* what psutil tells of the processors beside their times */


#ifndef _PM_CPU_H_INCLUDED_
#define _PM_CPU_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {                        /* counted since boot */
    uint64_t  ctx_switches;
    uint64_t  interrupts;
    uint64_t  soft_interrupts;
} pm_cpu_stats_t;


#define PM_CPU_UNKNOWN  -1.0

typedef struct {                        /* MHz, or PM_CPU_UNKNOWN */
    double    current;
    double    min;
    double    max;
} pm_cpu_freq_t;


/* 0, or -1 when it is not such a file */
int pm_cpu_parse_stats(const char *buf, size_t len, pm_cpu_stats_t *s);


/* `root' is a descriptor of "/", or of fixtures; 0, or an errno */

int pm_cpu_stats(int root, pm_cpu_stats_t *s);

/* of every processor, malloc()ed; ENOENT: this machine does not tell */
int pm_cpu_freqs(int root, pm_cpu_freq_t **freqs, size_t *n);

/* their mean; what one of them does not tell is not known of all */
void pm_cpu_freq_mean(const pm_cpu_freq_t *freqs, size_t n,
    pm_cpu_freq_t *mean);

/* physical cores; 0 is not known */
unsigned pm_cpu_cores(int root);


#endif /* _PM_CPU_H_INCLUDED_ */
