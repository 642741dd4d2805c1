
/*
 * TCP and UDP sockets of a network namespace, by sock_diag, or where the
 * kernel lacks it by the text of /proc/net/{tcp,tcp6,udp,udp6}.
 *
 * The dumps take milliseconds: in a pool thread only.
 */


#ifndef _PM_SOCK_H_INCLUDED_
#define _PM_SOCK_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_SOCK_TCP        0
#define PM_SOCK_TCP6       1
#define PM_SOCK_UDP        2
#define PM_SOCK_UDP6       3
#define PM_SOCK_PROTOS     4

#define PM_SOCK_ALL        0x0f         /* bits 1 << PM_SOCK_* */

/* the kernel's numbers */
#define PM_SOCK_ESTABLISHED  1
#define PM_SOCK_TIME_WAIT    6
#define PM_SOCK_CLOSE        7          /* of a UDP socket: not connected */
#define PM_SOCK_LISTEN       10
#define PM_SOCK_STATES       12

/* any state: those after the twelfth are bound, and nothing else yet */
#define PM_SOCK_ANY          0x1ffe

#define PM_SOCK_MAX          524288
#define PM_SOCK_ADDR_LEN     80


typedef struct {
    uint64_t   inode;                   /* 0: no descriptor leads to it */
    uint32_t   uid;
    uint32_t   ifindex;                 /* bound to, 0 is any or not known */
    uint32_t   recv_q;                  /* as netstat; of a listener 0 */
    uint32_t   send_q;
    uint32_t   backlog;                 /* of a listener: wait for accept() */
    uint32_t   backlog_max;             /* UINT32_MAX is not known */
    uint16_t   local_port;
    uint16_t   remote_port;
    uint16_t   netns;                   /* index of a list, 0 is one's own */
    uint8_t    proto;                   /* PM_SOCK_* */
    uint8_t    state;
    uint8_t    local[16];               /* network order, v4 in the first 4 */
    uint8_t    remote[16];
} pm_sock_t;


typedef struct {
    pm_sock_t  *elts;
    size_t      n;
    size_t      allocated;
    int         error;                  /* 0, ENOMEM */
    unsigned    truncated:1;            /* more than PM_SOCK_MAX */
    unsigned    text:1;                 /* something came from /proc/net */
} pm_socks_t;


void pm_socks_init(pm_socks_t *s);
void pm_socks_free(pm_socks_t *s);

/*
 * Adds the sockets of the caller's network namespace: protos is a set of
 * 1 << PM_SOCK_*, tcp and udp are sets of 1 << state.  root is a folder of
 * fixtures, or NULL: "/proc".  0, or errno.
 */
int pm_socks_dump(pm_socks_t *s, const char *root, unsigned protos,
    unsigned tcp, unsigned udp);

/* the two ways, apart: 0, or errno (ENOENT: the kernel has it not) */
int pm_socks_netlink(pm_socks_t *s, int proto, unsigned states);
int pm_socks_text(pm_socks_t *s, const char *root, int proto,
    unsigned states);

/* a zeroed element, or NULL: then s->error or s->truncated is set */
pm_sock_t *pm_socks_push(pm_socks_t *s);

/* one line of the text: 0 added, 1 another state, -1 no such line */
int pm_socks_line(pm_socks_t *s, int proto, unsigned states,
    const char *line, size_t len);

/* by proto, local port, local address, remote port, remote address, netns */
void pm_socks_sort(pm_socks_t *s);

/* "0.0.0.0:111", "[::]:80", "[::]:*"; a v4-mapped one as "127.0.0.1:80" */
size_t pm_sock_addr(char dst[PM_SOCK_ADDR_LEN], const pm_sock_t *s,
    int remote);

/* the number of the caller's network namespace, 0 is not known */
uint64_t pm_sock_netns(void);

/* "tcp6" */
const char *pm_sock_proto(int proto);
/* netstat's words; UDP is "UNCONN" or "ESTABLISHED" */
const char *pm_sock_state(int proto, int state);


#endif /* _PM_SOCK_H_INCLUDED_ */
