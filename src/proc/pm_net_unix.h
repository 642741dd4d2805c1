
/*
 * UNIX sockets of the caller's network namespace, by sock_diag, or where the
 * kernel lacks it by the text of /proc/net/unix.
 */


#ifndef _PM_NET_UNIX_H_INCLUDED_
#define _PM_NET_UNIX_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_NET_UNIX_MAX   524288
#define PM_NET_UNIX_PATH  108


typedef struct {
    uint64_t            inode;          /* 0: no descriptor leads to it */
    uint32_t            path;           /* offset in the paths */
    uint8_t             len;
    uint8_t             type;           /* SOCK_STREAM, ... */
} pm_net_unix_t;


typedef struct {
    pm_net_unix_t      *elts;
    size_t              n;
    size_t              allocated;
    char               *paths;          /* '@' for each zero of a name */
    size_t              len;
    size_t              size;
    int                 error;          /* 0, ENOMEM */
    unsigned            truncated:1;    /* more than PM_NET_UNIX_MAX */
} pm_net_unixes_t;


/* root is a folder of fixtures, or NULL: "/proc".  0, or errno */
int pm_net_unix_dump(pm_net_unixes_t *u, const char *root);
void pm_net_unix_free(pm_net_unixes_t *u);

/* the two ways, apart */
int pm_net_unix_netlink(pm_net_unixes_t *u);
int pm_net_unix_text(pm_net_unixes_t *u, const char *root);

/* by type, path and inode */
void pm_net_unix_sort(pm_net_unixes_t *u);


#endif /* _PM_NET_UNIX_H_INCLUDED_ */
