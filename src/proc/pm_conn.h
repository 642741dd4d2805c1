
/*
 * Sockets by inode, as psutil has them: TCP, UDP and UNIX of one network
 * namespace, to be joined to the descriptors of processes.
 *
 * The own namespace is dumped by sock_diag, another one is read from the
 * text below a process of it.  In a pool thread only.
 */


#ifndef _PM_CONN_H_INCLUDED_
#define _PM_CONN_H_INCLUDED_


#include "pm_net_unix.h"
#include "pm_sock.h"


#define PM_CONN_UNIX      (1u << PM_SOCK_PROTOS)    /* beside 1 << PM_SOCK_* */

/* psutil's kinds, ends with NULL; their sets, by the same index */
extern const char *const  pm_conn_kinds[];
extern const unsigned     pm_conn_protos[];

#define PM_CONN_INET      8             /* index of "inet", psutil's own */

#define PM_CONN_ADDR_LEN  46
#define PM_CONN_OTHERS    64            /* other namespaces of one answer */


typedef struct {                        /* zeroed before its first use */
    uint64_t         netns;             /* as pm_conn_netns() has it */
    pm_socks_t       socks;
    pm_net_unixes_t  unixes;
    uint32_t        *slots;             /* by inode: an index plus 1 */
    size_t           nslots;            /* a power of two */
    int              error;             /* 0, or errno: it is not whole */
} pm_conns_t;


typedef struct {
    int           family;               /* AF_INET, AF_INET6, AF_UNIX */
    int           type;                 /* SOCK_* */
    const char   *status;               /* "LISTEN", "NONE" */
    char          local[PM_CONN_ADDR_LEN];
    char          remote[PM_CONN_ADDR_LEN];
    uint16_t      local_port;           /* 0: there is no address */
    uint16_t      remote_port;
    const char   *path;                 /* of AF_UNIX */
    size_t        path_len;
} pm_conn_t;


/*
 * 0, or errno; what could be read is there in any case.  The second reads
 * what the process sees, below root (NULL: "/proc").
 */
int pm_conns_own(pm_conns_t *c, unsigned protos);
int pm_conns_of(pm_conns_t *c, const char *root, int32_t pid,
    unsigned protos);
void pm_conns_free(pm_conns_t *c);

/* 1 and the socket, or 0 */
int pm_conns_find(const pm_conns_t *c, uint64_t inode, pm_conn_t *conn);

/*
 * A number of the network namespace of a process, for which no rights are
 * needed; 0: it is gone, or has none.  pid 0 is the caller.
 */
uint64_t pm_conn_netns(int proc, int32_t pid);


#endif /* _PM_CONN_H_INCLUDED_ */
