
/*
 * What the parts of the scan share: pm_scan.c (the list and the block),
 * pm_scan_host.c (system files), pm_scan_row.c (processes),
 * pm_scan_largest.c (those with the most memory), pm_snapshot.c.
 */


#ifndef _PM_SCAN_PART_H_INCLUDED_
#define _PM_SCAN_PART_H_INCLUDED_


#include "pm_name.h"
#include "pm_pid.h"
#include "pm_procfs.h"
#include "pm_scan.h"
#include "pm_user.h"


/* another layout of the rows is another snapshot */
#define PM_SCAN_MAGIC    (0x504d0000 + (uint32_t) sizeof(pm_proc_t))

#define PM_SCAN_FILE     (16 * 1024 * 1024)
#define PM_SCAN_INTERN   256            /* a power of two */

/* pm_proc_t.flags */
#define PM_SCAN_UID      0x0001         /* uid[] is known, from whatever scan */
#define PM_SCAN_NAME     0x0002         /* cmdline was asked for the name */
#define PM_SCAN_TRY      0x0004         /* in two bits: so often in vain */
#define PM_SCAN_TRIES    0x000c


typedef enum {
    PM_SYS_STAT = 0,
    PM_SYS_MEMINFO,
    PM_SYS_LOADAVG,
    PM_SYS_UPTIME,
    PM_SYS_CPU,
    PM_SYS_MEMORY,
    PM_SYS_IO,
    PM_SYS_MAX
} pm_scan_sys_e;


typedef struct {
    uint32_t        hash;
    pm_str_t        str;
} pm_scan_intern_t;


struct pm_scan_s {
    int               proc;             /* the folder */
    int               sys[PM_SYS_MAX];  /* -1 where there is none */
    size_t            page_size;
    uint32_t          ticks;            /* per second */
    pm_users_t       *users;
    pm_names_t       *names;
    pm_buf_t          file;
    char             *dents;
    int32_t          *pids;
    size_t            npids;
    size_t            pids_size;

    /* two, so that the last snapshot can be prev of the next */
    pm_buf_t          block[2];
    unsigned          turn;

    /* of the scan that runs */
    pm_buf_t         *b;
    size_t            used;
    unsigned          want;
    const pm_snapshot_t  *prev;
    uint32_t          prev_next;        /* rows of prev are merged in */
    uint32_t          unnamed;          /* rows whose name may be cut */
    pm_scan_intern_t  intern[PM_SCAN_INTERN];
};


#define pm_scan_snapshot(scan)  ((pm_snapshot_t *) (scan)->b->data)


/* room for n bytes behind what is used; the block may move */
int pm_scan_grow(pm_scan_t *scan, size_t n);

/*
 * Many processes have the same user and control group: what still stands at
 * its place in the table is not written again.
 */
int pm_scan_string(pm_scan_t *scan, const char *s, size_t len,
    pm_str_t *str);

int pm_scan_host(pm_scan_t *scan);
int pm_scan_processes(pm_scan_t *scan);
int pm_scan_largest(pm_scan_t *scan);
/* 1: it is read, 0: it is gone (or hidden), -1: the scan fails */
int pm_scan_process(pm_scan_t *scan, int32_t pid, pm_proc_t *p);
int pm_scan_statm(pm_scan_t *scan, int32_t pid, pm_proc_t *p);
/* its row of the last scan, or NULL; asked for with ever larger pids */
const pm_proc_t *pm_scan_before(pm_scan_t *scan, int32_t pid);
/* name and comm of `before', which stay true as long as the comm does */
int pm_scan_keep_name(pm_scan_t *scan, pm_proc_t *p,
    const pm_proc_t *before);
/* the row of a process whose name may be cut, and was not asked for yet */
int pm_scan_unnamed(const pm_proc_t *p);
/* asks for the names that no scan has asked for yet */
int pm_scan_long_names(pm_scan_t *scan);


#endif /* _PM_SCAN_PART_H_INCLUDED_ */
