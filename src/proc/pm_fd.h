
/*
 * Descriptors: who holds a socket, and how many files a process has open.
 *
 * A link of /proc/<pid>/fd is text of the kernel and never blocks; it is read
 * in a pool thread for the processes the caller may look into, and by the
 * helper for the others, whose record "<fd> <link>\0"... is parsed here too.
 */


#ifndef _PM_FD_H_INCLUDED_
#define _PM_FD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* of one process and socket; a program that made more of them by dup() is
   shown with these */
#define PM_FD_DUPS      64
#define PM_FD_HOLDERS   1048576


typedef struct {
    uint32_t         slot;
    int32_t          pid;
    int32_t          fd;
} pm_fd_holder_t;


typedef struct {
    uint64_t         inode;             /* 0 is a free slot */
    uint32_t         first;             /* of the holders, once sorted */
    uint32_t         n;
} pm_fd_slot_t;


typedef struct pm_fd_keep_s  pm_fd_keep_t;


/* inodes somebody wants to know the holders of, and their holders */
typedef struct {
    pm_fd_slot_t    *slots;
    size_t           mask;              /* of slots: a power of two less 1 */
    size_t           used;
    pm_fd_holder_t  *holders;
    size_t           n;
    size_t           allocated;
    uint32_t         last;              /* slot of the last one added, */
    int32_t          last_pid;          /* its process, */
    unsigned         last_n;            /* and how many they are */
    pm_fd_keep_t    *keep;              /* gets all sockets, or NULL */
    int              error;             /* 0, ENOMEM */
    unsigned         truncated:1;       /* PM_FD_DUPS or PM_FD_HOLDERS */
} pm_fd_map_t;


/* room for `n' inodes: 0 or ENOMEM */
int pm_fd_map_init(pm_fd_map_t *m, size_t n);
void pm_fd_map_free(pm_fd_map_t *m);

/* not more than init() had room for; 0 is no inode */
void pm_fd_map_want(pm_fd_map_t *m, uint64_t inode);

/* a holder, when the inode is wanted: 1, else 0 */
int pm_fd_map_add(pm_fd_map_t *m, uint64_t inode, int32_t pid, int32_t fd);

/* forgets those added since the map had `n' */
void pm_fd_map_cut(pm_fd_map_t *m, size_t n);

/* by inode, pid, fd; equal ones merged.  pm_fd_map_find() works after it */
void pm_fd_map_sort(pm_fd_map_t *m);
const pm_fd_holder_t *pm_fd_map_find(const pm_fd_map_t *m, uint64_t inode,
    size_t *n);


/* inode of "socket:[123]", or 0 */
uint64_t pm_fd_socket(const char *link, size_t len);

/*
 * A record of descriptors as the helper gives it, "<fd> <link>\0"... : adds
 * the sockets of `pid'.  The number added, or -1 when it is no such record:
 * then nothing of it is added.
 */
int pm_fd_parse(pm_fd_map_t *m, int32_t pid, const char *data, size_t len);


typedef struct {
    int              proc;              /* descriptor of /proc */
    char            *buf;               /* for directory entries */
} pm_fd_walk_t;

/* root is a folder of fixtures, or NULL: "/proc" */
int pm_fd_walk_init(pm_fd_walk_t *w, const char *root);
void pm_fd_walk_free(pm_fd_walk_t *w);

/*
 * 0; EACCES or EPERM when the caller may not look into the process; ENOENT or
 * ESRCH when it is gone, or when starttime is not 0 and not its own.
 */
int pm_fd_sockets(pm_fd_walk_t *w, pm_fd_map_t *m, int32_t pid,
    uint64_t starttime);

/*
 * Open files as psutil counts them: links to an absolute path that are
 * regular files which still have a name.  The same errors.
 */
int pm_fd_files(pm_fd_walk_t *w, int32_t pid, uint64_t starttime,
    uint64_t *n);


#endif /* _PM_FD_H_INCLUDED_ */
