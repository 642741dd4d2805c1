
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>

#include "pm_net.h"
#include "pm_parse.h"
#include "pm_procfs.h"


#define PM_NET_COLUMNS  16              /* of /proc/net/dev */
#define PM_NET_LIMIT    (8 * 1024 * 1024)


static int pm_net_io_line(pm_net_ios_t *ios, const char *p, const char *end);


const char *const  pm_net_names[PM_NET_COUNTERS] = {
    "bytes_sent", "bytes_recv", "packets_sent", "packets_recv",
    "errin", "errout", "dropin", "dropout"
};


/* where they stand in the line; eight of receiving, eight of sending */
static const uint8_t  pm_net_columns[PM_NET_COUNTERS] = {
    8, 0, 9, 1, 2, 10, 3, 11
};


/* by bit */
static const char *const  pm_net_flag_names[] = {
    "up", "broadcast", "debug", "loopback", "pointopoint", "notrailers",
    "running", "noarp", "promisc", "allmulti", "master", "slave",
    "multicast", "portsel", "automedia", "dynamic"
};


int
pm_net_io_read(pm_net_ios_t *ios, const char *root)
{
    int          rc;
    char         path[PATH_MAX];
    pm_buf_t     buf;
    ssize_t      n;
    const char  *p, *end, *next;

    ios->n = 0;

    if (snprintf(path, sizeof(path), "%s/net/dev", root ? root : "/proc")
        >= (int) sizeof(path))
    {
        return ENAMETOOLONG;
    }

    memset(&buf, 0, sizeof(buf));

    n = pm_procfs_read_all(AT_FDCWD, path, &buf, PM_NET_LIMIT);

    if (n == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    rc = 0;
    end = buf.data + n;

    for (p = buf.data; p < end && rc == 0; p = next) {
        next = pm_parse_line(p, end);
        rc = pm_net_io_line(ios, p, next);
    }

    pm_buf_free(&buf);

    return rc;
}


/* "  eth0: 1234 5 0 ...": a name may hold colons, a number does not */

static int
pm_net_io_line(pm_net_ios_t *ios, const char *p, const char *end)
{
    size_t        i, len;
    uint64_t      v[PM_NET_COLUMNS];
    const char   *colon;
    pm_net_io_t  *io;

    p = pm_parse_blanks(p, end);

    colon = memrchr(p, ':', (size_t) (end - p));

    if (colon == NULL || colon == p || colon - p >= PM_NET_NAME) {
        return 0;
    }

    len = (size_t) (colon - p);

    for (i = 0, colon++; i < PM_NET_COLUMNS; i++) {

        colon = pm_parse_blanks(colon, end);
        colon = pm_parse_u64(colon, end, &v[i]);

        if (colon == NULL) {
            return 0;
        }
    }

    if (ios->n == ios->allocated) {
        i = ios->allocated ? 2 * ios->allocated : 16;

        io = realloc(ios->elts, i * sizeof(pm_net_io_t));
        if (io == NULL) {
            return ENOMEM;
        }

        ios->elts = io;
        ios->allocated = i;
    }

    io = &ios->elts[ios->n++];

    memset(io->name, 0, PM_NET_NAME);
    memcpy(io->name, p, len);

    for (i = 0; i < PM_NET_COUNTERS; i++) {
        io->value[i] = v[pm_net_columns[i]];
    }

    return 0;
}


void
pm_net_io_free(pm_net_ios_t *ios)
{
    free(ios->elts);
    memset(ios, 0, sizeof(pm_net_ios_t));
}


void
pm_net_io_sum(const pm_net_ios_t *ios, pm_net_io_t *sum)
{
    size_t  i, k;

    memset(sum, 0, sizeof(pm_net_io_t));

    for (i = 0; i < ios->n; i++) {
        for (k = 0; k < PM_NET_COUNTERS; k++) {
            sum->value[k] += ios->elts[i].value[k];
        }
    }
}


size_t
pm_net_unwrap(pm_wraps_t *wraps, pm_net_ios_t *ios, int keep)
{
    pm_wrap_list_t  list;

    list.elts = ios->elts;
    list.n = ios->n;
    list.size = sizeof(pm_net_io_t);
    list.value = offsetof(pm_net_io_t, value);
    list.counters = PM_NET_COUNTERS;

    return pm_unwrap(wraps, &list, keep);
}


int
pm_net_stat_open(void)
{
    return socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0);
}


int
pm_net_stat_read(pm_net_stat_t *st, int fd, const char *name)
{
    size_t              len;
    uint32_t            speed;
    struct ifreq        ifr;
    struct ethtool_cmd  cmd;

    memset(st, 0, sizeof(pm_net_stat_t));
    memset(&ifr, 0, sizeof(ifr));

    len = strnlen(name, IFNAMSIZ);

    if (len == IFNAMSIZ) {
        return ENODEV;
    }

    memcpy(ifr.ifr_name, name, len);

    if (ioctl(fd, SIOCGIFMTU, &ifr) == -1) {
        return errno;
    }

    st->mtu = ifr.ifr_mtu;

    if (ioctl(fd, SIOCGIFFLAGS, &ifr) == -1) {
        return errno;
    }

    pm_net_flags(st->flags, (unsigned short) ifr.ifr_flags);
    st->isup = (ifr.ifr_flags & IFF_RUNNING) != 0;

    memset(&cmd, 0, sizeof(cmd));
    cmd.cmd = ETHTOOL_GSET;
    ifr.ifr_data = (void *) &cmd;

    if (ioctl(fd, SIOCETHTOOL, &ifr) == -1) {

        /* a driver that has no answer leaves both unknown */

        return (errno == ENODEV) ? ENODEV : 0;
    }

    switch (cmd.duplex) {

    case DUPLEX_FULL:
        st->duplex = PM_NET_DUPLEX_FULL;
        break;

    case DUPLEX_HALF:
        st->duplex = PM_NET_DUPLEX_HALF;
        break;
    }

    speed = (uint32_t) cmd.speed_hi << 16 | cmd.speed;

    if (speed <= INT_MAX) {
        st->speed = (int) speed;
    }

    return 0;
}


void
pm_net_flags(char dst[PM_NET_FLAGS], unsigned flags)
{
    size_t    len;
    char     *p;
    unsigned  bit;

    p = dst;

    for (bit = 0; bit < 16; bit++) {

        if (!(flags & (1u << bit))) {
            continue;
        }

        if (p != dst) {
            *p++ = ',';
        }

        /* all of them together are shorter than PM_NET_FLAGS */

        len = strlen(pm_net_flag_names[bit]);
        memcpy(p, pm_net_flag_names[bit], len);
        p += len;
    }

    *p = '\0';
}
