
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/inet_diag.h>

#include "pm_diag.h"
#include "pm_sock.h"


typedef struct {
    pm_socks_t  *socks;
    size_t       n;                     /* it had before this dump */
    int          proto;
} pm_socks_dumped_t;


static void pm_socks_again(void *data);
static int pm_socks_row(void *data, const void *msg, size_t len);
static void pm_socks_diag(pm_socks_t *s, int proto,
    const struct inet_diag_msg *d);
static int pm_socks_cmp(const void *a, const void *b);


static const char *const  pm_sock_protos[PM_SOCK_PROTOS] = {
    "tcp", "tcp6", "udp", "udp6"
};

/* 12 is a request socket, which netstat does not tell from the third */
static const char *const  pm_sock_states[PM_SOCK_STATES + 1] = {
    "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
    "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN",
    "CLOSING", "SYN_RECV"
};


void
pm_socks_init(pm_socks_t *s)
{
    memset(s, 0, sizeof(pm_socks_t));
}


void
pm_socks_free(pm_socks_t *s)
{
    free(s->elts);
    pm_socks_init(s);
}


int
pm_socks_dump(pm_socks_t *s, const char *root, unsigned protos, unsigned tcp,
    unsigned udp)
{
    int       rc, proto;
    size_t    n;
    unsigned  states;

    for (proto = 0; proto < PM_SOCK_PROTOS; proto++) {

        if (!(protos & (1u << proto))) {
            continue;
        }

        states = (proto == PM_SOCK_UDP || proto == PM_SOCK_UDP6) ? udp : tcp;

        if (states == 0) {
            continue;
        }

        n = s->n;

        rc = pm_socks_netlink(s, proto, states);

        if (rc != 0 && rc != ENOMEM) {

            /* no module for it, no such family, or netlink is filtered */

            s->n = n;
            s->text = 1;

            rc = pm_socks_text(s, root, proto, states);

            if (rc == ENOENT) {
                /* a kernel without IPv6 has no such file: no sockets */
                rc = 0;
            }
        }

        if (rc != 0) {
            return rc;
        }
    }

    return s->error;
}


int
pm_socks_netlink(pm_socks_t *s, int proto, unsigned states)
{
    int                      rc;
    pm_diag_t                diag;
    pm_socks_dumped_t        dumped;
    struct inet_diag_req_v2  req;

    memset(&req, 0, sizeof(req));

    req.sdiag_family = (proto & 1) ? AF_INET6 : AF_INET;
    req.sdiag_protocol = (proto < PM_SOCK_UDP) ? IPPROTO_TCP : IPPROTO_UDP;
    req.idiag_states = states;

    dumped.socks = s;
    dumped.proto = proto;
    dumped.n = s->n;

    diag.request = &req;
    diag.len = sizeof(req);
    diag.least = sizeof(struct inet_diag_msg);
    diag.row = pm_socks_row;
    diag.again = pm_socks_again;
    diag.data = &dumped;

    rc = pm_diag_dump(&diag);

    return s->error ? s->error : rc;
}


static void
pm_socks_again(void *data)
{
    pm_socks_dumped_t *dumped = data;

    dumped->socks->n = dumped->n;
    dumped->socks->truncated = 0;
}


static int
pm_socks_row(void *data, const void *msg, size_t len)
{
    pm_socks_dumped_t *dumped = data;

    (void) len;

    pm_socks_diag(dumped->socks, dumped->proto, msg);

    return 0;
}


static void
pm_socks_diag(pm_socks_t *s, int proto, const struct inet_diag_msg *d)
{
    pm_sock_t  *k;

    if (d->idiag_state == 0 || d->idiag_state > PM_SOCK_STATES) {
        return;
    }

    k = pm_socks_push(s);
    if (k == NULL) {
        return;
    }

    k->proto = (uint8_t) proto;
    k->state = d->idiag_state;
    k->inode = d->idiag_inode;
    k->uid = d->idiag_uid;
    k->ifindex = d->id.idiag_if;
    k->local_port = ntohs(d->id.idiag_sport);
    k->remote_port = ntohs(d->id.idiag_dport);

    /* of a v4 socket the kernel leaves the other twelve bytes as they were */

    if (proto & 1) {
        memcpy(k->local, d->id.idiag_src, 16);
        memcpy(k->remote, d->id.idiag_dst, 16);

    } else {
        memcpy(k->local, d->id.idiag_src, 4);
        memcpy(k->remote, d->id.idiag_dst, 4);
    }

    if (proto < PM_SOCK_UDP && k->state == PM_SOCK_LISTEN) {
        k->backlog = d->idiag_rqueue;
        k->backlog_max = d->idiag_wqueue;

    } else {
        k->recv_q = d->idiag_rqueue;
        k->send_q = d->idiag_wqueue;
    }
}


pm_sock_t *
pm_socks_push(pm_socks_t *s)
{
    size_t      allocated;
    pm_sock_t  *elts;

    if (s->error) {
        return NULL;
    }

    if (s->n == PM_SOCK_MAX) {
        s->truncated = 1;
        return NULL;
    }

    if (s->n == s->allocated) {
        allocated = s->allocated ? 2 * s->allocated : 256;

        elts = realloc(s->elts, allocated * sizeof(pm_sock_t));
        if (elts == NULL) {
            s->error = ENOMEM;
            return NULL;
        }

        s->elts = elts;
        s->allocated = allocated;
    }

    return memset(&s->elts[s->n++], 0, sizeof(pm_sock_t));
}


void
pm_socks_sort(pm_socks_t *s)
{
    if (s->n > 1) {
        qsort(s->elts, s->n, sizeof(pm_sock_t), pm_socks_cmp);
    }
}


static int
pm_socks_cmp(const void *a, const void *b)
{
    int               rc;
    const pm_sock_t  *x = a, *y = b;

    if (x->proto != y->proto) {
        return x->proto - y->proto;
    }

    if (x->local_port != y->local_port) {
        return x->local_port - y->local_port;
    }

    rc = memcmp(x->local, y->local, 16);
    if (rc != 0) {
        return rc;
    }

    if (x->remote_port != y->remote_port) {
        return x->remote_port - y->remote_port;
    }

    rc = memcmp(x->remote, y->remote, 16);
    if (rc != 0) {
        return rc;
    }

    if (x->netns != y->netns) {
        return x->netns - y->netns;
    }

    return (x->inode > y->inode) - (x->inode < y->inode);
}


size_t
pm_sock_addr(char dst[PM_SOCK_ADDR_LEN], const pm_sock_t *s, int remote)
{
    int             n;
    char            text[INET6_ADDRSTRLEN], port[8];
    uint16_t        number;
    const char     *left, *right;
    const uint8_t  *addr;

    static const uint8_t  mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0xff, 0xff };

    addr = remote ? s->remote : s->local;
    number = remote ? s->remote_port : s->local_port;

    left = "";
    right = "";

    if (!(s->proto & 1)) {
        (void) inet_ntop(AF_INET, addr, text, sizeof(text));

    } else if (memcmp(addr, mapped, 12) == 0) {
        (void) inet_ntop(AF_INET, addr + 12, text, sizeof(text));

    } else {
        left = "[";
        right = "]";
        (void) inet_ntop(AF_INET6, addr, text, sizeof(text));
    }

    if (number == 0) {
        memcpy(port, "*", sizeof("*"));

    } else {
        (void) snprintf(port, sizeof(port), "%u", (unsigned) number);
    }

    n = snprintf(dst, PM_SOCK_ADDR_LEN, "%s%s%s:%s", left, text, right, port);

    return (size_t) n;
}


uint64_t
pm_sock_netns(void)
{
    struct stat  st;

    if (stat("/proc/self/ns/net", &st) == -1) {
        return 0;
    }

    return st.st_ino;
}


const char *
pm_sock_proto(int proto)
{
    return pm_sock_protos[proto];
}


const char *
pm_sock_state(int proto, int state)
{
    if (proto >= PM_SOCK_UDP) {
        return (state == PM_SOCK_ESTABLISHED) ? "ESTABLISHED" : "UNCONN";
    }

    if (state < 0 || state > PM_SOCK_STATES) {
        state = 0;
    }

    return pm_sock_states[state];
}
