
/*
 * Network namespaces of processes.  Their numbers are told only to who may
 * look into a process; but the files below /proc/<pid>/net can be read by
 * all, and those of two namespaces are not the same files.
 */


#ifndef _PM_NETNS_H_INCLUDED_
#define _PM_NETNS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_sock.h"


#define PM_NETNS_MAX   4096
#define PM_NETNS_PIDS  4                /* one of them may end */


typedef struct {
    uint64_t     mark;                  /* of its files */
    uint64_t     number;                /* as lsns has it, 0 is not known */
    int32_t      pid[PM_NETNS_PIDS];
    unsigned     npids;
} pm_netns_t;


typedef struct {
    pm_netns_t  *elts;                  /* the first is the caller's own */
    size_t       n;
    size_t       allocated;
    size_t       last;                  /* the one found last */
    int          proc;                  /* descriptor of /proc */
} pm_netnses_t;


/* proc is a descriptor of /proc.  0, or errno */
int pm_netns_init(pm_netnses_t *list, int proc);
void pm_netns_free(pm_netnses_t *list);

/* 0; ENOENT or ESRCH when the process is gone, E2BIG, ENOMEM, EACCES */
int pm_netns_add(pm_netnses_t *list, int32_t pid);

/*
 * Processes of other namespaces whose number is not known, sorted; *n of them.
 * malloc()ed, or NULL when there is none or no memory.
 */
int32_t *pm_netns_unknown(const pm_netnses_t *list, size_t *n);

/* of qsort() and bsearch() */
int pm_netns_by_pid(const void *one, const void *two);

/* what the link ns/net of that process says, "net:[4026531840]" */
void pm_netns_told(pm_netnses_t *list, int32_t pid, const char *link,
    size_t len);

/*
 * Adds the sockets of all namespaces but the first, whose index they get;
 * protos, tcp and udp as pm_socks_dump() takes them.  The number of those
 * that could not be read.
 */
size_t pm_netns_sockets(const pm_netnses_t *list, pm_socks_t *s,
    unsigned protos, unsigned tcp, unsigned udp);


#endif /* _PM_NETNS_H_INCLUDED_ */
