
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_sock.h"


#define PM_SOCK_TEXT_BUF  32768


static const char *pm_socks_hex(const char *p, const char *end,
    int digits, uint64_t *value);
static const char *pm_socks_decimal(const char *p, const char *end,
    uint64_t *value);
static const char *pm_socks_address(const char *p, const char *end, int v6,
    uint8_t addr[16], uint16_t *port);


int
pm_socks_text(pm_socks_t *s, const char *root, int proto, unsigned states)
{
    int      fd, rc, skip;
    char    *buf, *p, *eol;
    char     path[PATH_MAX];
    size_t   len;
    ssize_t  n;

    if (snprintf(path, sizeof(path), "%s/net/%s", root ? root : "/proc",
                 pm_sock_proto(proto))
        >= (int) sizeof(path))
    {
        return ENAMETOOLONG;
    }

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }

    buf = malloc(PM_SOCK_TEXT_BUF);
    if (buf == NULL) {
        close(fd);
        return ENOMEM;
    }

    rc = 0;
    len = 0;
    skip = 0;

    for ( ;; ) {
        n = read(fd, buf + len, PM_SOCK_TEXT_BUF - len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            rc = errno;
            break;
        }

        if (n == 0) {
            break;
        }

        len += (size_t) n;
        p = buf;

        while ((eol = memchr(p, '\n', len - (size_t) (p - buf))) != NULL) {

            if (!skip) {
                (void) pm_socks_line(s, proto, states, p,
                                     (size_t) (eol - p));
            }

            skip = 0;
            p = eol + 1;
        }

        len -= (size_t) (p - buf);

        if (len == PM_SOCK_TEXT_BUF) {
            /* no line of the kernel is so long */
            skip = 1;
            len = 0;
        }

        memmove(buf, p, len);
    }

    free(buf);
    close(fd);

    return rc ? rc : s->error;
}


/*
 * "   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000
 *  00000000   107        0 22345 ..."
 */

int
pm_socks_line(pm_socks_t *s, int proto, unsigned states, const char *line,
    size_t len)
{
    int          v6;
    uint64_t     n, state, tx, rx, uid, inode;
    pm_sock_t    k, *dst;
    const char  *p, *end;

    p = line;
    end = line + len;
    v6 = proto & 1;

    memset(&k, 0, sizeof(pm_sock_t));

    p = pm_socks_decimal(p, end, &n);

    if (p == NULL || p == end || *p++ != ':') {
        return -1;
    }

    p = pm_socks_address(p, end, v6, k.local, &k.local_port);
    p = p ? pm_socks_address(p, end, v6, k.remote, &k.remote_port) : NULL;
    p = p ? pm_socks_hex(p, end, 2, &state) : NULL;
    p = p ? pm_socks_hex(p, end, 8, &tx) : NULL;

    if (p == NULL || p == end || *p++ != ':') {
        return -1;
    }

    p = pm_socks_hex(p, end, 8, &rx);

    /* the timer and its time, retransmissions */

    p = p ? pm_socks_hex(p, end, 2, &n) : NULL;

    if (p == NULL || p == end || *p++ != ':') {
        return -1;
    }

    p = pm_socks_hex(p, end, 8, &n);
    p = p ? pm_socks_hex(p, end, 8, &n) : NULL;
    p = p ? pm_socks_decimal(p, end, &uid) : NULL;
    p = p ? pm_socks_decimal(p, end, &n) : NULL;
    p = p ? pm_socks_decimal(p, end, &inode) : NULL;

    if (p == NULL || (p < end && *p != ' ') || uid > UINT32_MAX) {
        return -1;
    }

    if (state == 0 || state > PM_SOCK_STATES || !(states & (1u << state))) {
        return 1;
    }

    k.proto = (uint8_t) proto;
    k.state = (uint8_t) state;
    k.uid = (uint32_t) uid;
    k.inode = inode;

    if (proto < PM_SOCK_UDP && state == PM_SOCK_LISTEN) {
        k.backlog = (uint32_t) rx;
        k.backlog_max = UINT32_MAX;

    } else {
        k.recv_q = (uint32_t) rx;
        k.send_q = (uint32_t) tx;
    }

    dst = pm_socks_push(s);
    if (dst != NULL) {
        *dst = k;
    }

    return 0;
}


/* exactly so many digits behind any spaces; NULL is no such number */

static const char *
pm_socks_hex(const char *p, const char *end, int digits, uint64_t *value)
{
    int       i, c;
    uint64_t  v;

    while (p < end && *p == ' ') {
        p++;
    }

    if (end - p < digits) {
        return NULL;
    }

    v = 0;

    for (i = 0; i < digits; i++) {
        c = (unsigned char) *p++;

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else if (c >= 'A' && c <= 'F') {
            c -= 'A' - 10;

        } else if (c >= 'a' && c <= 'f') {
            c -= 'a' - 10;

        } else {
            return NULL;
        }

        v = v << 4 | (unsigned) c;
    }

    *value = v;

    return p;
}


static const char *
pm_socks_decimal(const char *p, const char *end, uint64_t *value)
{
    uint64_t     v;
    const char  *start;

    while (p < end && *p == ' ') {
        p++;
    }

    v = 0;
    start = p;

    while (p < end && *p >= '0' && *p <= '9') {

        if (p - start == 19) {
            return NULL;
        }

        v = v * 10 + (uint64_t) (*p++ - '0');
    }

    *value = v;

    return (p == start) ? NULL : p;
}


/* each word of an address is printed as the machine holds it */

static const char *
pm_socks_address(const char *p, const char *end, int v6, uint8_t addr[16],
    uint16_t *port)
{
    int       i, words;
    uint32_t  w;
    uint64_t  v;

    words = v6 ? 4 : 1;

    while (p < end && *p == ' ') {
        p++;
    }

    for (i = 0; i < words; i++) {

        if (p == end || *p == ' ') {
            return NULL;
        }

        p = pm_socks_hex(p, end, 8, &v);
        if (p == NULL) {
            return NULL;
        }

        w = (uint32_t) v;
        memcpy(addr + 4 * i, &w, 4);
    }

    if (p == end || *p++ != ':' || p == end || *p == ' ') {
        return NULL;
    }

    p = pm_socks_hex(p, end, 4, &v);
    if (p != NULL) {
        *port = (uint16_t) v;
    }

    return p;
}
