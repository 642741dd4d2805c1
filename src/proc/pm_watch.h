
/*
 * A process that is looked at again and again: its status, from a descriptor
 * that stays open and never shows another process of the same pid, and what
 * follows from a sample.  The rest are pure functions.
 */


#ifndef _PM_WATCH_H_INCLUDED_
#define _PM_WATCH_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_procfs.h"


#define PM_WATCH_NAME  64               /* a comm, and a zero */


typedef enum {                          /* what a sample consists of, bytes */
    PM_WATCH_VIRTUAL = 0,               /* VmSize */
    PM_WATCH_PHYSICAL,                  /* VmRSS */
    PM_WATCH_SHARED,                    /* RssFile */
    PM_WATCH_DATA,                      /* of here on: the detail */
    PM_WATCH_STACK,
    PM_WATCH_EXE,
    PM_WATCH_LIB,
    PM_WATCH_SWAP,
    PM_WATCH_FIELDS
} pm_watch_field_e;

#define PM_WATCH_BASIC    PM_WATCH_DATA     /* fields without the detail */
#define PM_WATCH_UNKNOWN  UINT64_MAX        /* the kernel has no such line */


typedef struct {
    int32_t   pid;
    uint64_t  starttime;                /* clock ticks after boot */
    char      name[PM_WATCH_NAME];      /* valid UTF-8 */
} pm_watch_who_t;


/*
 * The status of who->pid, kept open; proc is a descriptor of /proc.  Fills in
 * the rest of *who, unless its start time is known: then it must be the same.
 * -1 and errno: ESRCH no such process, ESTALE its pid is another's by now,
 * ENODATA it has no memory of its own (a thread of the kernel), ECHILD it is
 * a zombie, EACCES and others of open().
 */
int pm_watch_open(int proc, pm_watch_who_t *who);

/*
 * One sample.  -1 and errno: ESRCH it is gone, EAGAIN it is just going,
 * others of read().
 */
int pm_watch_read(int fd, pm_buf_t *buf, uint64_t mem[PM_WATCH_FIELDS]);

/* 0, or -1 when the text shows no memory */
int pm_watch_parse(const char *text, size_t len,
    uint64_t mem[PM_WATCH_FIELDS]);


/*
 * Edges: 1 when the value has just passed the limit, -1 when it has come back
 * and the next one counts again, which takes a twentieth of the limit, so
 * that a value around the limit is one edge; else 0.
 */
int pm_watch_edge(unsigned *above, uint64_t value, uint64_t limit);

/*
 * Samples are due at multiples of the interval on the clock of the host, so
 * that all watches of one interval are due at once, whoever takes them.
 */
#define pm_watch_slot(now, interval)  ((now) / (interval))


#endif /* _PM_WATCH_H_INCLUDED_ */
