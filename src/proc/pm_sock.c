
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/inet_diag.h>

#include "pm_sock.h"


/* the kernel fills at most 32 KiB at once, whatever is asked for */
#define PM_SOCK_BUF      32768
/* a dump that was interrupted by changes is begun anew so many times */
#define PM_SOCK_RETRIES  3
/* of one dump; it has no business to take longer */
#define PM_SOCK_SECONDS  5


static int pm_socks_request(int fd, int proto, unsigned states,
    uint32_t seq);
static int pm_socks_answer(pm_socks_t *s, int fd, int proto, uint32_t seq,
    void *buf);
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
    int             fd, rc, try;
    void           *buf;
    size_t          n;
    struct timeval  tv;

    fd = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd == -1) {
        return errno;
    }

    tv.tv_sec = PM_SOCK_SECONDS;
    tv.tv_usec = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1) {
        rc = errno;
        close(fd);
        return rc;
    }

    buf = malloc(PM_SOCK_BUF);
    if (buf == NULL) {
        close(fd);
        return ENOMEM;
    }

    n = s->n;
    rc = 0;

    for (try = 1; try <= PM_SOCK_RETRIES; try++) {

        s->n = n;
        s->truncated = 0;

        rc = pm_socks_request(fd, proto, states, (uint32_t) try);

        if (rc == 0) {
            rc = pm_socks_answer(s, fd, proto, (uint32_t) try, buf);
        }

        if (rc != EINTR) {
            break;
        }
    }

    free(buf);
    close(fd);

    if (rc == EINTR) {
        /* still changing under the dump: the last one is as good as any */
        rc = 0;
    }

    return rc;
}


static int
pm_socks_request(int fd, int proto, unsigned states, uint32_t seq)
{
    struct sockaddr_nl  kernel;

    struct {
        struct nlmsghdr          nlh;
        struct inet_diag_req_v2  req;
    } m;

    memset(&m, 0, sizeof(m));

    m.nlh.nlmsg_len = sizeof(m);
    m.nlh.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    m.nlh.nlmsg_flags = NLM_F_REQUEST|NLM_F_DUMP;
    m.nlh.nlmsg_seq = seq;

    m.req.sdiag_family = (proto & 1) ? AF_INET6 : AF_INET;
    m.req.sdiag_protocol = (proto < PM_SOCK_UDP) ? IPPROTO_TCP : IPPROTO_UDP;
    m.req.idiag_states = states;

    memset(&kernel, 0, sizeof(kernel));
    kernel.nl_family = AF_NETLINK;

    while (sendto(fd, &m, sizeof(m), 0, (struct sockaddr *) &kernel,
                  sizeof(kernel))
           == -1)
    {
        if (errno != EINTR) {
            return errno;
        }
    }

    return 0;
}


/* 0 when the dump is whole, EINTR when it was interrupted, or errno */

static int
pm_socks_answer(pm_socks_t *s, int fd, int proto, uint32_t seq, void *buf)
{
    int                  rc;
    ssize_t              n;
    unsigned             left;
    socklen_t            len;
    struct timespec      now, end;
    struct nlmsghdr     *h;
    struct nlmsgerr     *e;
    struct sockaddr_nl   from;

    rc = 0;

    (void) clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += PM_SOCK_SECONDS;

    for ( ;; ) {
        len = sizeof(from);
        memset(&from, 0, len);

        n = recvfrom(fd, buf, PM_SOCK_BUF, MSG_TRUNC,
                     (struct sockaddr *) &from, &len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            return (errno == EAGAIN) ? ETIMEDOUT : errno;
        }

        if (n == 0 || n > PM_SOCK_BUF) {
            return EPROTO;
        }

        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        if (now.tv_sec > end.tv_sec) {
            return ETIMEDOUT;
        }

        if (len != sizeof(from) || from.nl_pid != 0) {
            /* another process may write to a netlink socket too */
            continue;
        }

        left = (unsigned) n;

        for (h = buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {

            if (h->nlmsg_seq != seq) {
                continue;
            }

            if (h->nlmsg_flags & NLM_F_DUMP_INTR) {
                rc = EINTR;
            }

            switch (h->nlmsg_type) {

            case NLMSG_DONE:

                /* an error that came late stands in the closing message */

                if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
                    int  done;

                    memcpy(&done, NLMSG_DATA(h), sizeof(int));

                    if (done < 0) {
                        return -done;
                    }
                }

                return s->error ? s->error : rc;

            case NLMSG_ERROR:

                if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
                    return EPROTO;
                }

                e = NLMSG_DATA(h);

                return (e->error < 0) ? -e->error : EPROTO;

            case SOCK_DIAG_BY_FAMILY:

                if (h->nlmsg_len
                    < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
                {
                    return EPROTO;
                }

                pm_socks_diag(s, proto, NLMSG_DATA(h));

                break;
            }
        }
    }
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
