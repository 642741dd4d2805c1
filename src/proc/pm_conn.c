
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "pm_conn.h"
#include "pm_procfs.h"


static int pm_conns_index(pm_conns_t *c);
static uint64_t pm_conns_inode(const pm_conns_t *c, size_t i);
static size_t pm_conns_slot(const pm_conns_t *c, uint64_t inode);
static void pm_conn_inet(const pm_sock_t *s, pm_conn_t *conn);


#define PM_CONN_TCP4  (1u << PM_SOCK_TCP)
#define PM_CONN_TCP6  (1u << PM_SOCK_TCP6)
#define PM_CONN_UDP4  (1u << PM_SOCK_UDP)
#define PM_CONN_UDP6  (1u << PM_SOCK_UDP6)


const char *const  pm_conn_kinds[] = {
    "all", "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "inet",
    "inet4", "inet6", NULL
};

const unsigned  pm_conn_protos[] = {
    PM_SOCK_ALL|PM_CONN_UNIX,
    PM_CONN_TCP4|PM_CONN_TCP6, PM_CONN_TCP4, PM_CONN_TCP6,
    PM_CONN_UDP4|PM_CONN_UDP6, PM_CONN_UDP4, PM_CONN_UDP6,
    PM_CONN_UNIX,
    PM_SOCK_ALL, PM_CONN_TCP4|PM_CONN_UDP4, PM_CONN_TCP6|PM_CONN_UDP6
};


int
pm_conns_own(pm_conns_t *c, unsigned protos)
{
    int  rc;

    c->error = pm_socks_dump(&c->socks, NULL, protos & PM_SOCK_ALL,
                             PM_SOCK_ANY, PM_SOCK_ANY);

    if (protos & PM_CONN_UNIX) {
        rc = pm_net_unix_dump(&c->unixes, NULL);

        if (rc != 0) {
            c->error = rc;
        }
    }

    rc = pm_conns_index(c);

    return rc ? rc : c->error;
}


int
pm_conns_of(pm_conns_t *c, const char *root, int32_t pid, unsigned protos)
{
    int   rc, proto;
    char  path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%d", root ? root : "/proc", pid)
        >= (int) sizeof(path))
    {
        return ENAMETOOLONG;
    }

    for (proto = 0; proto < PM_SOCK_PROTOS; proto++) {

        if (!(protos & (1u << proto))) {
            continue;
        }

        rc = pm_socks_text(&c->socks, path, proto, PM_SOCK_ANY);

        if (rc != 0 && rc != ENOENT) {
            c->error = rc;
        }
    }

    if (protos & PM_CONN_UNIX) {
        rc = pm_net_unix_text(&c->unixes, path);

        if (rc != 0 && rc != ENOENT) {
            c->error = rc;
        }
    }

    rc = pm_conns_index(c);

    return rc ? rc : c->error;
}


void
pm_conns_free(pm_conns_t *c)
{
    pm_socks_free(&c->socks);
    pm_net_unix_free(&c->unixes);
    free(c->slots);

    memset(c, 0, sizeof(pm_conns_t));
}


static int
pm_conns_index(pm_conns_t *c)
{
    size_t    i, n, slot;
    uint64_t  inode;

    n = c->socks.n + c->unixes.n;

    for (c->nslots = 64; c->nslots < 2 * n; c->nslots *= 2) { /* void */ }

    free(c->slots);

    c->slots = calloc(c->nslots, sizeof(uint32_t));
    if (c->slots == NULL) {
        c->nslots = 0;
        return ENOMEM;
    }

    for (i = 0; i < n; i++) {

        inode = pm_conns_inode(c, i);

        if (inode == 0) {
            continue;
        }

        slot = pm_conns_slot(c, inode);

        if (c->slots[slot] == 0) {
            c->slots[slot] = (uint32_t) i + 1;
        }
    }

    return 0;
}


static uint64_t
pm_conns_inode(const pm_conns_t *c, size_t i)
{
    return i < c->socks.n ? c->socks.elts[i].inode
                          : c->unixes.elts[i - c->socks.n].inode;
}


/* where it stands, or the free one where it would */

static size_t
pm_conns_slot(const pm_conns_t *c, uint64_t inode)
{
    size_t  slot;

    slot = (size_t) ((inode * UINT64_C(0x9e3779b97f4a7c15)) >> 32)
           & (c->nslots - 1);

    while (c->slots[slot]
           && pm_conns_inode(c, c->slots[slot] - 1) != inode)
    {
        slot = (slot + 1) & (c->nslots - 1);
    }

    return slot;
}


int
pm_conns_find(const pm_conns_t *c, uint64_t inode, pm_conn_t *conn)
{
    size_t                i;
    const pm_net_unix_t  *u;

    if (inode == 0 || c->nslots == 0) {
        return 0;
    }

    i = c->slots[pm_conns_slot(c, inode)];

    if (i == 0) {
        return 0;
    }

    i--;

    memset(conn, 0, sizeof(pm_conn_t));

    if (i < c->socks.n) {
        pm_conn_inet(&c->socks.elts[i], conn);
        return 1;
    }

    u = &c->unixes.elts[i - c->socks.n];

    conn->family = AF_UNIX;
    conn->type = u->type;
    conn->status = "NONE";
    conn->path = u->len ? c->unixes.paths + u->path : "";
    conn->path_len = u->len;

    return 1;
}


static void
pm_conn_inet(const pm_sock_t *s, pm_conn_t *conn)
{
    conn->family = (s->proto & 1) ? AF_INET6 : AF_INET;

    if (s->proto < PM_SOCK_UDP) {
        conn->type = SOCK_STREAM;
        conn->status = pm_sock_state(s->proto, s->state);

    } else {
        conn->type = SOCK_DGRAM;
        conn->status = "NONE";
    }

    conn->local_port = s->local_port;
    conn->remote_port = s->remote_port;

    (void) inet_ntop(conn->family, s->local, conn->local,
                     sizeof(conn->local));
    (void) inet_ntop(conn->family, s->remote, conn->remote,
                     sizeof(conn->remote));
}


/*
 * Each namespace has files of its own below net, whose inodes are numbered
 * like nothing else in /proc; ns/net itself is for those with rights.
 */

uint64_t
pm_conn_netns(int proc, int32_t pid)
{
    char          path[PM_PROCFS_PATH];
    struct statx  st;

    if (pid == 0) {
        memcpy(path, "self/net/tcp", sizeof("self/net/tcp"));

    } else if (pm_procfs_path(path, pid, "net/tcp") == 0) {
        return 0;
    }

    return statx(proc, path, 0, STATX_INO, &st) == 0 ? st.stx_ino : 0;
}
