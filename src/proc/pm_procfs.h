
/*
 * Reading files of /proc: whole, relative to a kept descriptor, without
 * stat() and stdio.  What is read always ends with a zero byte that is not
 * counted.
 */


#ifndef _PM_PROCFS_H_INCLUDED_
#define _PM_PROCFS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define PM_PROCFS_PATH  32              /* "4194304/smaps_rollup" fits */


typedef struct {                        /* grows, is kept between reads */
    char    *data;
    size_t   size;
} pm_buf_t;


/* a directory; -1 and errno */
int pm_procfs_open(const char *path);

/*
 * "<pid>/<file>"; returns the length, or 0 when it does not fit
 */
size_t pm_procfs_path(char path[PM_PROCFS_PATH], int32_t pid,
    const char *file);

/*
 * One read of a file that the kernel shows in one piece (stat, statm);
 * what is beyond size - 1 bytes is cut.  The length, or -1 and errno.
 */
ssize_t pm_procfs_read(int dirfd, const char *path, char *buf, size_t size);

/*
 * A file up to its end.  More than limit bytes are an error, EFBIG, and the
 * buffer holds the first part then.
 */
ssize_t pm_procfs_read_all(int dirfd, const char *path, pm_buf_t *buf,
    size_t limit);

/* the same for a file of one record: a read that was not filled ends it */
ssize_t pm_procfs_read_record(int dirfd, const char *path, pm_buf_t *buf,
    size_t limit);

/* up to its end, from the start of a descriptor that is kept open */
ssize_t pm_procfs_reread(int fd, pm_buf_t *buf, size_t limit);

/* ENAMETOOLONG when size does not suffice */
ssize_t pm_procfs_readlink(int dirfd, const char *path, char *buf,
    size_t size);

/* room for size bytes; -1 and errno, the old content stays */
int pm_buf_grow(pm_buf_t *buf, size_t size);
void pm_buf_free(pm_buf_t *buf);


#endif /* _PM_PROCFS_H_INCLUDED_ */
