
/*
 * The memory of one process: what its status says, and its mappings sorted
 * into parts that add up to the whole.  The parsers take texts as the files
 * have them, from /proc or from the helper, cut anywhere.
 */


#ifndef _PM_MEM_H_INCLUDED_
#define _PM_MEM_H_INCLUDED_


#include "pm_pid.h"
#include "pm_procfs.h"


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

/*
 * The status of the process that began then, whoever gets its number
 * meanwhile; the text stays in buf.  0, or errno: ENOENT or ESRCH when it has
 * ended.
 */
int pm_mem_read(int32_t pid, uint64_t starttime, pm_buf_t *buf,
    pm_mem_status_t *st);

/* 1 and the next number of such a slice, or 0 */
int pm_mem_next(pm_slice_t *list, uint64_t *value);


typedef enum {
    PM_MEM_TEXT = 0,            /* the executable, not writable */
    PM_MEM_DATA,                /* the executable, writable, and its bss */
    PM_MEM_HEAP,                /* brk */
    PM_MEM_STACK,               /* of the main thread */
    PM_MEM_LIBRARIES,           /* other files, of which a part is code */
    PM_MEM_ANONYMOUS,           /* of no file: malloc, threads' stacks */
    PM_MEM_SHARED,              /* MAP_SHARED, of files or not */
    PM_MEM_OTHER,               /* vdso, files that are only read */
    PM_MEM_SEGMENTS
} pm_mem_segment_e;

typedef enum {
    PM_MEM_SIZE = 0,
    PM_MEM_RSS,
    PM_MEM_PSS,
    PM_MEM_USS,
    PM_MEM_SWAP,
    PM_MEM_SIZES
} pm_mem_size_e;

extern const char *const  pm_mem_segment_names[PM_MEM_SEGMENTS];
extern const char *const  pm_mem_size_names[PM_MEM_SIZES];

typedef struct {                        /* bytes */
    uint64_t     segment[PM_MEM_SEGMENTS][PM_MEM_SIZES];
    uint64_t     total[PM_MEM_SIZES];   /* exactly their sum */
    uint32_t     maps;
    uint32_t     stacks;                /* that look like a thread's */
} pm_mem_t;

/*
 * Sorts the mappings of an smaps.  `exe' is the link of /proc/<pid>/exe.
 * -1: it is no such text, or cut.
 */
int pm_mem_segments(const char *buf, size_t len, const char *exe,
    size_t exe_len, pm_mem_t *mem);


#endif /* _PM_MEM_H_INCLUDED_ */
