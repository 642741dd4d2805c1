
/*
 * Sockets of processes, kept from one walk to the next: a process that has
 * not run since has not changed its descriptors.
 *
 * That it has not run is known by the time that its threads had on a
 * processor and by how often they got one.  /proc tells both to everybody,
 * for a tenth of what the links of its descriptors cost.
 */


#ifndef _PM_FD_KEEP_H_INCLUDED_
#define _PM_FD_KEEP_H_INCLUDED_


#include "pm_fd.h"


/* ms; a process that is on a processor all the time is counted at its tick */
#define PM_FD_KEEP_AGE  20


/* with more it costs what it saves */
#define PM_FD_KEEP_THREADS  16


typedef struct {
    uint64_t         threads;           /* a mark of their numbers */
    uint64_t         ran;               /* ns, all of them */
    uint64_t         turns;
    uint64_t         fds;               /* 0 before Linux 6.2 */
} pm_fd_state_t;


typedef struct {
    uint64_t         inode;
    int32_t          fd;
} pm_fd_link_t;


typedef struct {
    int32_t          pid;
    uint32_t         n;                 /* of its links */
    size_t           first;
    uint64_t         starttime;
    uint64_t         taken;             /* ms, when the state was */
    uint64_t         until;             /* ms, 0 is as long as it lives */
    pm_fd_state_t    state;
} pm_fd_kept_t;


struct pm_fd_keep_s {
    pm_fd_kept_t    *elts;
    size_t           n;
    size_t           allocated;
    pm_fd_link_t    *links;
    size_t           nlinks;
    size_t           allocated_links;
    int              error;             /* 0, ENOMEM: not to be used */
};


void pm_fd_keep_free(pm_fd_keep_t *keep);

/* 0, or -1: it has too many threads, is gone, or the kernel does not tell */
int pm_fd_state(pm_fd_state_t *state, int proc, int32_t pid);

/*
 * A process whose links are to come, from a map that has map->keep set.  Its
 * state was taken before its links are read.
 */
void pm_fd_keep_begin(pm_fd_keep_t *keep, const pm_fd_kept_t *kept);
void pm_fd_keep_link(pm_fd_keep_t *keep, uint64_t inode, int32_t fd);
/* forgets the last one: its links could not be read */
void pm_fd_keep_cut(pm_fd_keep_t *keep);

/* by pid; find() works after it */
void pm_fd_keep_sort(pm_fd_keep_t *keep);

/*
 * What is kept of a process, when it is as it was: want has its pid, start
 * time, state and, in taken, the time now.  Or NULL.
 */
const pm_fd_kept_t *pm_fd_keep_find(const pm_fd_keep_t *keep,
    const pm_fd_kept_t *want);

/* into a map, as if they were read */
void pm_fd_keep_add(const pm_fd_keep_t *keep, const pm_fd_kept_t *kept,
    pm_fd_map_t *map);


#endif /* _PM_FD_KEEP_H_INCLUDED_ */
