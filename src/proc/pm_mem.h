
/*
 * The memory of one process: what its status says, and its mappings sorted
 * into parts that add up to the whole.  Texts as the files have them, from
 * /proc or from the helper, cut anywhere; nothing is read here.
 */


#ifndef _PM_MEM_H_INCLUDED_
#define _PM_MEM_H_INCLUDED_


#include "pm_pid.h"


typedef enum {                          /* KiB */
    PM_MEM_VMPEAK = 0,
    PM_MEM_VMSIZE,
    PM_MEM_VMLCK,
    PM_MEM_VMPIN,
    PM_MEM_VMHWM,
    PM_MEM_VMRSS,
    PM_MEM_RSSANON,
    PM_MEM_RSSFILE,
    PM_MEM_RSSSHMEM,
    PM_MEM_VMDATA,
    PM_MEM_VMSTK,
    PM_MEM_VMEXE,
    PM_MEM_VMLIB,
    PM_MEM_VMPTE,
    PM_MEM_VMSWAP,
    PM_MEM_VMS,

    PM_MEM_TGID = PM_MEM_VMS,           /* plain numbers */
    PM_MEM_PPID,
    PM_MEM_TRACERPID,
    PM_MEM_FDSIZE,
    PM_MEM_THREADS,
    PM_MEM_NUMBERS
} pm_mem_number_e;

extern const char *const  pm_mem_names[PM_MEM_NUMBERS];


typedef struct {                        /* points into what is parsed */
    uint32_t     have;                  /* 1 << PM_MEM_* */
    uint64_t     number[PM_MEM_NUMBERS];
    pm_slice_t   state;                 /* "S (sleeping)" */
    pm_slice_t   uid;                   /* four numbers between tabs */
    pm_slice_t   gid;
    pm_slice_t   groups;
} pm_mem_status_t;

/* kernel threads and zombies have no VM lines; -1: it is no such text */
int pm_mem_status(const char *buf, size_t len, pm_mem_status_t *st);

/* 1 and the next number of such a slice, or 0 */
int pm_mem_next(pm_slice_t *list, uint64_t *value);


#endif /* _PM_MEM_H_INCLUDED_ */
