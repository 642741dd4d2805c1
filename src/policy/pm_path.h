
/* opening a file that nobody but its rightful owners can have put there */


#ifndef _PM_PATH_H_INCLUDED_
#define _PM_PATH_H_INCLUDED_


#include <stddef.h>
#include <sys/types.h>
#include <sys/stat.h>


#define PM_PATH_DIR       0x01        /* a folder, not a regular file */
#define PM_PATH_NOFOLLOW  0x02        /* the last part is no link */
#define PM_PATH_SECRET    0x04        /* group and others may not even read */
#define PM_PATH_SINGLE    0x08        /* one link and no access list */


/*
 * Opens an absolute path for reading.  It and every folder and link on the
 * way must belong to root or to `owner' and be writable by its owner only; a
 * sticky bit is no excuse.  Each step is relative to the folder checked
 * before it, so nothing can be swapped meanwhile.  A descriptor and what
 * fstat() says of it, or -1 and a sentence in `why'.
 */
int pm_path_open(const char *path, uid_t owner, int flags, struct stat *st,
    char *why, size_t size);


#endif /* _PM_PATH_H_INCLUDED_ */
