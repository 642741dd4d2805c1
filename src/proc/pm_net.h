
/*
 * Network interfaces: counters of /proc/net/dev, addresses, what the drivers
 * say.  All of the caller's network namespace; a driver may take a while to
 * answer: in a pool thread only.
 */


#ifndef _PM_NET_H_INCLUDED_
#define _PM_NET_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_wrap.h"


#define PM_NET_NAME   16                /* with its zero, as the kernel's */
#define PM_NET_ADDR   96                /* "fe80::1%<name>", 24 bytes in hex */
#define PM_NET_FLAGS  160

/* in psutil's order */
#define PM_NET_BYTES_SENT    0
#define PM_NET_BYTES_RECV    1
#define PM_NET_PACKETS_SENT  2
#define PM_NET_PACKETS_RECV  3
#define PM_NET_ERRIN         4
#define PM_NET_ERROUT        5
#define PM_NET_DROPIN        6
#define PM_NET_DROPOUT       7
#define PM_NET_COUNTERS      8

extern const char *const  pm_net_names[PM_NET_COUNTERS];


typedef struct {
    char        name[PM_NET_NAME];
    uint64_t    value[PM_NET_COUNTERS];
} pm_net_io_t;


typedef struct {
    pm_net_io_t  *elts;                 /* in the kernel's order */
    size_t        n;
    size_t        allocated;
} pm_net_ios_t;


/*
 * root is a folder of fixtures, or NULL: "/proc".  0, or errno.  A line that
 * is no interface's is left out.  What the list had before is replaced.
 */
int pm_net_io_read(pm_net_ios_t *ios, const char *root);
void pm_net_io_free(pm_net_ios_t *ios);

/* the sum of all, with what an empty list sums to */
void pm_net_io_sum(const pm_net_ios_t *ios, pm_net_io_t *sum);


/* counters that fell go on from where they were: see pm_unwrap() */
size_t pm_net_unwrap(pm_wraps_t *wraps, pm_net_ios_t *ios, int keep);


/* an address, "" is not there */
typedef struct {
    int         family;                 /* AF_INET, AF_INET6, AF_PACKET */
    char        name[PM_NET_NAME];
    char        address[PM_NET_ADDR];
    char        netmask[PM_NET_ADDR];
    char        broadcast[PM_NET_ADDR];
    char        ptp[PM_NET_ADDR];       /* the other end's */
} pm_net_addr_t;


typedef struct {
    pm_net_addr_t  *elts;               /* of one interface side by side, */
    size_t          n;                  /* by family */
    size_t          allocated;
} pm_net_addrs_t;


int pm_net_addrs_read(pm_net_addrs_t *addrs);
void pm_net_addrs_free(pm_net_addrs_t *addrs);

/* "02:00:5e": in pairs of hex, at least six of them when pad is set */
void pm_net_hardware(char dst[PM_NET_ADDR], const uint8_t *addr, size_t len,
    int pad);


/* psutil's numbers */
#define PM_NET_DUPLEX_UNKNOWN  0
#define PM_NET_DUPLEX_HALF     1
#define PM_NET_DUPLEX_FULL     2


typedef struct {
    int         isup;
    int         duplex;
    int         speed;                  /* megabits, 0 is not known */
    int         mtu;
    char        flags[PM_NET_FLAGS];    /* "up,broadcast,running" */
} pm_net_stat_t;


/*
 * fd is a socket to ask with, from pm_net_stat_open() (-1 and errno).  0, or
 * errno: ENODEV when there is no such interface any more.
 */
int pm_net_stat_open(void);
int pm_net_stat_read(pm_net_stat_t *st, int fd, const char *name);

void pm_net_flags(char dst[PM_NET_FLAGS], unsigned flags);


#endif /* _PM_NET_H_INCLUDED_ */
