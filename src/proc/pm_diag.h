
/*
 * A dump of the kernel's sock_diag: one request, its answers one by one.
 * It takes milliseconds: in a pool thread only.
 */


#ifndef _PM_DIAG_H_INCLUDED_
#define _PM_DIAG_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    const void  *request;               /* what follows the netlink head */
    size_t       len;
    size_t       least;                 /* bytes of an answer */

    /* 0, or an errno that ends the dump */
    int        (*row)(void *data, const void *msg, size_t len);
    /* the dump begins anew: what it gave so far is not to be counted */
    void       (*again)(void *data);
    void        *data;
} pm_diag_t;


/* 0, or errno (ENOENT: the kernel has no such module) */
int pm_diag_dump(const pm_diag_t *diag);


#endif /* _PM_DIAG_H_INCLUDED_ */
