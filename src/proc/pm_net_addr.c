
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pm_net.h"


/* what the C library leaves room for behind a sockaddr_ll, InfiniBand's */
#define PM_NET_HARDWARE  24
#define PM_NET_MAC       6


static int pm_net_addr_put(pm_net_addrs_t *addrs, const struct ifaddrs *ifa);
static void pm_net_addr_text(char dst[PM_NET_ADDR],
    const struct sockaddr *sa, int family, int pad);
static void pm_net_addr_group(pm_net_addrs_t *addrs, pm_net_addr_t *dst);


int
pm_net_addrs_read(pm_net_addrs_t *addrs)
{
    int              rc;
    pm_net_addr_t   *grouped;
    struct ifaddrs  *list, *ifa;

    addrs->n = 0;

    if (getifaddrs(&list) == -1) {
        return errno;
    }

    rc = 0;

    for (ifa = list; ifa && rc == 0; ifa = ifa->ifa_next) {
        rc = pm_net_addr_put(addrs, ifa);
    }

    freeifaddrs(list);

    if (rc == 0 && addrs->n) {
        grouped = malloc(addrs->n * sizeof(pm_net_addr_t));
        if (grouped == NULL) {
            return ENOMEM;
        }

        pm_net_addr_group(addrs, grouped);

        free(addrs->elts);
        addrs->elts = grouped;
        addrs->allocated = addrs->n;
    }

    return rc;
}


static int
pm_net_addr_put(pm_net_addrs_t *addrs, const struct ifaddrs *ifa)
{
    int             family;
    size_t          n;
    pm_net_addr_t   a, *elts;

    if (ifa->ifa_addr == NULL) {
        return 0;
    }

    memset(&a, 0, sizeof(a));

    family = ifa->ifa_addr->sa_family;

    a.family = family;
    memcpy(a.name, ifa->ifa_name, strnlen(ifa->ifa_name, PM_NET_NAME - 1));

    pm_net_addr_text(a.address, ifa->ifa_addr, family, 1);

    if (a.address[0] == '\0') {
        /* a tunnel has a link without an address */
        return 0;
    }

    pm_net_addr_text(a.netmask, ifa->ifa_netmask, family, 0);

    /* both stand in the same place, and an interface may have both flags */

    if (ifa->ifa_flags & IFF_BROADCAST) {
        pm_net_addr_text(a.broadcast, ifa->ifa_broadaddr, family, 0);

    } else if (ifa->ifa_flags & IFF_POINTOPOINT) {
        pm_net_addr_text(a.ptp, ifa->ifa_dstaddr, family, 0);
    }

    if (addrs->n == addrs->allocated) {
        n = addrs->allocated ? 2 * addrs->allocated : 16;

        elts = realloc(addrs->elts, n * sizeof(pm_net_addr_t));
        if (elts == NULL) {
            return ENOMEM;
        }

        addrs->elts = elts;
        addrs->allocated = n;
    }

    addrs->elts[addrs->n++] = a;

    return 0;
}


static void
pm_net_addr_text(char dst[PM_NET_ADDR], const struct sockaddr *sa,
    int family, int pad)
{
    size_t               len;
    socklen_t            size;
    const uint8_t       *hw;
    struct sockaddr_ll   ll;

    dst[0] = '\0';

    if (sa == NULL) {
        return;
    }

    switch (family) {

    case AF_INET:
    case AF_INET6:

        size = (family == AF_INET) ? sizeof(struct sockaddr_in)
                                   : sizeof(struct sockaddr_in6);

        if (getnameinfo(sa, size, dst, PM_NET_ADDR, NULL, 0, NI_NUMERICHOST)
            != 0)
        {
            dst[0] = '\0';
        }

        return;

    case AF_PACKET:

        memcpy(&ll, sa, sizeof(ll));

        hw = (const uint8_t *) sa + offsetof(struct sockaddr_ll, sll_addr);
        len = ll.sll_halen;

        if (len > PM_NET_HARDWARE) {
            len = PM_NET_HARDWARE;
        }

        pm_net_hardware(dst, hw, len, pad);

        return;
    }
}


void
pm_net_hardware(char dst[PM_NET_ADDR], const uint8_t *addr, size_t len,
    int pad)
{
    char        *p;
    size_t       i, n;
    uint8_t      c;

    static const char  hex[] = "0123456789abcdef";

    n = (pad && len < PM_NET_MAC) ? PM_NET_MAC : len;

    if (len == 0 || n > PM_NET_ADDR / 3) {
        dst[0] = '\0';
        return;
    }

    p = dst;

    for (i = 0; i < n; i++) {
        c = (i < len) ? addr[i] : 0;

        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
        *p++ = ':';
    }

    p[-1] = '\0';
}


/*
 * By interface in the order of their first appearance, and by family, the
 * addresses of one family as they came.
 */

static void
pm_net_addr_group(pm_net_addrs_t *addrs, pm_net_addr_t *dst)
{
    size_t          i, k, n;
    pm_net_addr_t  *a;

    static const int  families[] = { AF_INET, AF_INET6, AF_PACKET };

    n = 0;
    a = addrs->elts;

    for (i = 0; i < addrs->n; i++) {

        size_t  first, f;

        for (first = 0; first < i; first++) {
            if (memcmp(a[first].name, a[i].name, PM_NET_NAME) == 0) {
                break;
            }
        }

        if (first < i) {
            continue;
        }

        for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {

            for (k = i; k < addrs->n; k++) {

                if (a[k].family == families[f]
                    && memcmp(a[k].name, a[i].name, PM_NET_NAME) == 0)
                {
                    dst[n++] = a[k];
                }
            }
        }
    }

    addrs->n = n;
}


void
pm_net_addrs_free(pm_net_addrs_t *addrs)
{
    free(addrs->elts);
    memset(addrs, 0, sizeof(pm_net_addrs_t));
}
