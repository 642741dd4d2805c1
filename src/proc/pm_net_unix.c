
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "pm_diag.h"
#include "pm_net_unix.h"
#include "pm_parse.h"
#include "pm_procfs.h"


#define PM_NET_UNIX_TEXT  (256 * 1024 * 1024)
#define PM_NET_UNIX_TYPE  4             /* columns before it, and the flags */


static void pm_net_unix_again(void *data);
static int pm_net_unix_row(void *data, const void *msg, size_t len);
static void pm_net_unix_line(pm_net_unixes_t *u, const char *p,
    const char *end);
static void pm_net_unix_put(pm_net_unixes_t *u, uint64_t inode, uint8_t type,
    const char *name, size_t len);
static int pm_net_unix_cmp(const void *a, const void *b, void *paths);


int
pm_net_unix_dump(pm_net_unixes_t *u, const char *root)
{
    int  rc;

    rc = pm_net_unix_netlink(u);

    if (rc != 0 && rc != ENOMEM) {
        pm_net_unix_again(u);
        rc = pm_net_unix_text(u, root);
    }

    return rc ? rc : u->error;
}


int
pm_net_unix_netlink(pm_net_unixes_t *u)
{
    int                   rc;
    pm_diag_t             diag;
    struct unix_diag_req  req;

    memset(&req, 0, sizeof(req));

    req.sdiag_family = AF_UNIX;
    req.udiag_states = UINT32_MAX;
    req.udiag_show = UDIAG_SHOW_NAME;

    diag.request = &req;
    diag.len = sizeof(req);
    diag.least = sizeof(struct unix_diag_msg);
    diag.row = pm_net_unix_row;
    diag.again = pm_net_unix_again;
    diag.data = u;

    rc = pm_diag_dump(&diag);

    return u->error ? u->error : rc;
}


static void
pm_net_unix_again(void *data)
{
    pm_net_unixes_t *u = data;

    u->n = 0;
    u->len = 0;
    u->truncated = 0;
}


static int
pm_net_unix_row(void *data, const void *msg, size_t len)
{
    pm_net_unixes_t *u = data;

    int                          left;
    size_t                       n;
    const char                  *name;
    const struct rtattr         *a;
    const struct unix_diag_msg  *d;

    d = msg;
    name = NULL;
    n = 0;

    left = (int) (len - NLMSG_ALIGN(sizeof(struct unix_diag_msg)));

    a = (const struct rtattr *) ((const char *) msg
                                 + NLMSG_ALIGN(sizeof(*d)));

    for ( /* void */ ; RTA_OK(a, left); a = RTA_NEXT(a, left)) {

        if (a->rta_type == UNIX_DIAG_NAME) {
            name = RTA_DATA(a);
            n = RTA_PAYLOAD(a);
        }
    }

    /* the zero that ends a path is no part of it */

    if (n && name[0] != '\0' && name[n - 1] == '\0') {
        n--;
    }

    pm_net_unix_put(u, d->udiag_ino, d->udiag_type, name, n);

    return u->error;
}


int
pm_net_unix_text(pm_net_unixes_t *u, const char *root)
{
    int          rc;
    char         path[PATH_MAX];
    ssize_t      n;
    pm_buf_t     buf;
    const char  *p, *end, *next;

    if (snprintf(path, sizeof(path), "%s/net/unix", root ? root : "/proc")
        >= (int) sizeof(path))
    {
        return ENAMETOOLONG;
    }

    memset(&buf, 0, sizeof(buf));

    n = pm_procfs_read_all(AT_FDCWD, path, &buf, PM_NET_UNIX_TEXT);

    if (n == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    end = buf.data + n;

    for (p = buf.data; p < end; p = next) {
        next = pm_parse_line(p, end);
        pm_net_unix_line(u, p, (next[-1] == '\n') ? next - 1 : next);
    }

    pm_buf_free(&buf);

    return u->error;
}


/*
 * "0000000000000000: 00000002 00000000 00010000 0001 01 22345 /run/a b":
 * what stands behind the space that follows the inode is the name
 */

static void
pm_net_unix_line(pm_net_unixes_t *u, const char *p, const char *end)
{
    int          i, digits, c;
    unsigned     type, v;
    uint64_t     inode;

    static const char  tail[PM_NET_UNIX_TYPE + 2] = { ':', ' ', ' ', ' ', ' ',
                                                      ' ' };

    type = 0;

    for (i = 0; i < PM_NET_UNIX_TYPE + 2; i++) {

        p = pm_parse_blanks(p, end);

        v = 0;

        for (digits = 0; p < end; digits++, p++) {
            c = *p;

            if (c >= '0' && c <= '9') {
                c -= '0';

            } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
                c = (c | 0x20) - 'a' + 10;

            } else {
                break;
            }

            v = v << 4 | (unsigned) c;
        }

        if (digits == 0 || digits > 16 || p == end || *p++ != tail[i]) {
            return;
        }

        if (i == PM_NET_UNIX_TYPE) {
            type = v;
        }
    }

    p = pm_parse_blanks(p, end);
    p = pm_parse_u64(p, end, &inode);

    if (p == NULL || type > UINT8_MAX || (p < end && *p != ' ')) {
        return;
    }

    p += (p < end);

    pm_net_unix_put(u, inode, (uint8_t) type, p, (size_t) (end - p));
}


static void
pm_net_unix_put(pm_net_unixes_t *u, uint64_t inode, uint8_t type,
    const char *name, size_t len)
{
    char           *paths;
    size_t          i, n;
    pm_net_unix_t  *k;

    if (u->n == PM_NET_UNIX_MAX) {
        u->truncated = 1;
        return;
    }

    if (len > PM_NET_UNIX_PATH) {
        len = PM_NET_UNIX_PATH;
    }

    if (u->n == u->allocated) {
        n = u->allocated ? 2 * u->allocated : 256;

        k = realloc(u->elts, n * sizeof(pm_net_unix_t));
        if (k == NULL) {
            u->error = ENOMEM;
            return;
        }

        u->elts = k;
        u->allocated = n;
    }

    if (u->size - u->len < len) {
        n = u->size ? 2 * u->size : 16384;

        paths = realloc(u->paths, n);
        if (paths == NULL) {
            u->error = ENOMEM;
            return;
        }

        u->paths = paths;
        u->size = n;
    }

    k = &u->elts[u->n++];

    k->inode = inode;
    k->type = type;
    k->path = (uint32_t) u->len;
    k->len = (uint8_t) len;

    for (i = 0; i < len; i++) {
        u->paths[u->len++] = name[i] ? name[i] : '@';
    }
}


void
pm_net_unix_sort(pm_net_unixes_t *u)
{
    if (u->n > 1) {
        qsort_r(u->elts, u->n, sizeof(pm_net_unix_t), pm_net_unix_cmp,
                u->paths);
    }
}


static int
pm_net_unix_cmp(const void *a, const void *b, void *paths)
{
    int                   rc;
    size_t                len;
    const char           *text = paths;
    const pm_net_unix_t  *x = a, *y = b;

    if (x->type != y->type) {
        return x->type - y->type;
    }

    len = (x->len < y->len) ? x->len : y->len;

    rc = len ? memcmp(text + x->path, text + y->path, len) : 0;
    if (rc != 0) {
        return rc;
    }

    if (x->len != y->len) {
        return x->len - y->len;
    }

    return (x->inode > y->inode) - (x->inode < y->inode);
}


void
pm_net_unix_free(pm_net_unixes_t *u)
{
    free(u->elts);
    free(u->paths);
    memset(u, 0, sizeof(pm_net_unixes_t));
}
