
/* who is logged in, as who(1) reads it */


#ifndef _PM_WHO_H_INCLUDED_
#define _PM_WHO_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {                        /* any bytes but zero */
    char      user[40];
    char      terminal[40];             /* "" is none */
    char      host[264];
    int64_t   started;                  /* seconds */
    int32_t   pid;
} pm_who_t;


/*
 * `root' is a descriptor of "/", or of fixtures.  0 and a malloc()ed list,
 * or an errno: ENOENT, this host keeps no such list.
 */
int pm_who_read(int root, pm_who_t **who, size_t *n);


#endif /* _PM_WHO_H_INCLUDED_ */
