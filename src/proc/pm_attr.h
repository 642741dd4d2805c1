
/*
 * What the kernel tells of a process by system calls and small files that
 * everybody may read and that never block.
 */


#ifndef _PM_ATTR_H_INCLUDED_
#define _PM_ATTR_H_INCLUDED_


#include "pm_pid.h"


typedef struct {
    int32_t       tid;
    uint64_t      utime;                /* clock ticks */
    uint64_t      stime;
} pm_thread_t;


typedef struct {                        /* kept between processes */
    pm_thread_t  *elts;                 /* psutil's order: TIDs as strings */
    size_t        n;
    size_t        allocated;
    char         *dents;
} pm_threads_t;

/*
 * The threads of a process; alone is set when it has one only, as far as is
 * known.  proc is a descriptor of /proc.  0, or errno: ESRCH also when the
 * process is another one than that of this start time.
 */
int pm_threads_read(pm_threads_t *t, int proc, int32_t pid,
    uint64_t starttime, int alone);
void pm_threads_free(pm_threads_t *t);


/* class and value as the kernel has them; 0 or errno */
int pm_attr_ionice(int32_t pid, unsigned *ioclass, unsigned *value);


#define PM_ATTR_CPUS  8192

typedef struct {
    size_t         n;                   /* bits in set */
    unsigned long  set[PM_ATTR_CPUS / (8 * sizeof(unsigned long))];
} pm_cpuset_t;

#define pm_cpuset_has(s, i)                                                   \
    ((s)->set[(i) / (8 * sizeof(unsigned long))]                              \
     >> ((i) % (8 * sizeof(unsigned long))) & 1)

int pm_attr_affinity(int32_t pid, pm_cpuset_t *set);


/*
 * The number of descriptors, which Linux 6.2 tells to everybody.  0, errno,
 * or ENOTSUP where the kernel is older, or PROCMGR_FDS=folder stands in the
 * environment: the folder has to be read then.
 */
int pm_attr_fds(int proc, int32_t pid, uint64_t *n);
/* the same for a test */
void pm_attr_fds_forget(void);


#define PM_LIMITS         16
#define PM_LIMIT_NONE     UINT64_MAX

typedef struct {
    uint64_t      soft;
    uint64_t      hard;
} pm_limit_t;

extern const char *const  pm_limit_names[PM_LIMITS];    /* "RLIMIT_CPU" */

/* /proc/<pid>/limits: all sixteen of them, or -1 */
int pm_limits_parse(const char *buf, size_t len, pm_limit_t *limits);


/* device files by number, for the terminal of a process */

typedef struct {
    uint32_t      dev;
    char          name[28];             /* "/dev/pts/1048575" */
} pm_tty_t;

typedef struct {
    pm_tty_t     *elts;
    size_t        n;
    size_t        allocated;
} pm_ttys_t;

/* dev is "/dev", or a folder of fixtures; 0 or ENOMEM */
int pm_ttys_read(pm_ttys_t *t, const char *dev);
/* NULL when no device has this number */
const char *pm_ttys_name(const pm_ttys_t *t, uint32_t tty_nr);
void pm_ttys_free(pm_ttys_t *t);


/* psutil's word for the letter of stat: "sleeping" */
const char *pm_attr_status(char state);


#endif /* _PM_ATTR_H_INCLUDED_ */
