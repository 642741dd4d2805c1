
/*
 * The mappings of a process: smaps taken apart, and summed by path as psutil
 * groups them.  The text may come from the helper and be cut anywhere.
 */


#ifndef _PM_MAP_H_INCLUDED_
#define _PM_MAP_H_INCLUDED_


#include "pm_pid.h"


typedef enum {                          /* in psutil's order */
    PM_MAP_RSS = 0,
    PM_MAP_SIZE,
    PM_MAP_PSS,
    PM_MAP_SHARED_CLEAN,
    PM_MAP_SHARED_DIRTY,
    PM_MAP_PRIVATE_CLEAN,
    PM_MAP_PRIVATE_DIRTY,
    PM_MAP_REFERENCED,
    PM_MAP_ANONYMOUS,
    PM_MAP_SWAP,
    PM_MAP_SIZES,

    PM_MAP_PRIVATE_HUGETLB = PM_MAP_SIZES,      /* psutil's end there */
    PM_MAP_ALL
} pm_map_size_e;

extern const char *const  pm_map_names[PM_MAP_SIZES];


typedef struct {                        /* points into what is parsed */
    pm_slice_t   addr;
    pm_slice_t   perms;
    pm_slice_t   path;                  /* "[anon]" where it has none */
    uint64_t     size[PM_MAP_ALL];      /* bytes */
} pm_map_t;


typedef struct {
    const char  *pos;
    const char  *end;
} pm_map_iter_t;

void pm_map_start(pm_map_iter_t *iter, const char *buf, size_t len);
/* 1 and the next mapping, 0: no more, -1: it is no such text, or cut */
int pm_map_next(pm_map_iter_t *iter, pm_map_t *map);


/* kept between processes, so that nothing is allocated for each */

typedef struct {
    pm_map_t    *elts;                  /* in the order they first appear */
    size_t       n;
    size_t       allocated;
    uint32_t    *slots;                 /* of elts, plus 1 */
    size_t       nslots;                /* a power of two */
} pm_maps_t;

/* 0, -1: it is no such text, or ENOMEM; psutil's sizes alone */
int pm_maps_group(pm_maps_t *maps, const char *buf, size_t len);
void pm_maps_free(pm_maps_t *maps);


/*
 * A link of the kernel without what it puts behind it: its length up to a
 * zero, and without " (deleted)" unless a file has such a name.
 */
size_t pm_link_len(const char *path, size_t len);


#endif /* _PM_MAP_H_INCLUDED_ */
