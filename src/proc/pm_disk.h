
/*
 * Mounts, the room on them and the counters of the disks.
 *
 * A file system that another machine or a program answers for may be asked
 * nothing: it may never answer.
 */


#ifndef _PM_DISK_H_INCLUDED_
#define _PM_DISK_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_procfs.h"
#include "pm_wrap.h"


typedef struct {
    const char  *device;                /* "" is none */
    const char  *mountpoint;
    const char  *fstype;
    const char  *opts;
    unsigned     physical:1;            /* on a device of its own */
    unsigned     local:1;               /* it may be asked for its room */
} pm_mount_t;


typedef struct {
    pm_mount_t  *elts;                  /* in the kernel's order */
    size_t       n;
    pm_buf_t     buf;
} pm_mounts_t;


/* `root' is a descriptor of "/", or of fixtures; 0, or an errno */
int pm_mounts_read(int root, pm_mounts_t *m);
void pm_mounts_free(pm_mounts_t *m);

/* the mount that a path lies on, links in it unseen, or NULL */
const pm_mount_t *pm_mounts_find(const pm_mounts_t *m, const char *path);


#define PM_DISK_PATH  4096

typedef struct {                        /* bytes, as df counts them */
    int       error;                    /* or an errno: ETIMEDOUT */
    uint64_t  total;
    uint64_t  used;
    uint64_t  free;                     /* for those who are not root */
    double    percent;                  /* of what they can have */
} pm_disk_usage_t;

/*
 * The room where each path lies, asked by a child that is killed when it did
 * not end in time.  0, or an errno: nothing was asked.
 */
int pm_disk_usages(const char *const *paths, size_t n, int timeout_ms,
    pm_disk_usage_t *usages);


#define PM_DISK_NAME    64
#define PM_DISK_FIELDS  9

typedef enum {                          /* psutil's order */
    PM_DISK_READ_COUNT = 0,
    PM_DISK_WRITE_COUNT,
    PM_DISK_READ_BYTES,
    PM_DISK_WRITE_BYTES,
    PM_DISK_READ_TIME,                  /* ms */
    PM_DISK_WRITE_TIME,
    PM_DISK_READ_MERGED_COUNT,
    PM_DISK_WRITE_MERGED_COUNT,
    PM_DISK_BUSY_TIME
} pm_disk_field_e;

extern const char *const  pm_disk_fields[PM_DISK_FIELDS];


typedef struct {
    char      name[PM_DISK_NAME];
    uint64_t  value[PM_DISK_FIELDS];
    unsigned  whole:1;                  /* no partition */
} pm_disk_io_t;


/* malloc()ed; a line of another form is left out */
int pm_disk_io(int root, pm_disk_io_t **io, size_t *n);

/* counters that fell go on from where they were: see pm_unwrap() */
size_t pm_disk_unwrap(pm_wraps_t *wraps, pm_disk_io_t *io, size_t n,
    int keep);

/* all disks in one; partitions are in their disks already */
void pm_disk_io_sum(const pm_disk_io_t *io, size_t n, pm_disk_io_t *sum);


#endif /* _PM_DISK_H_INCLUDED_ */
