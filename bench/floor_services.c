
/*
 * floor_services ROUNDS: the system calls that an answer to /system/services
 * cannot do without, and nothing else: all sockets by sock_diag, the links of
 * all descriptors, the name of each process that holds a socket.  Prints the
 * milliseconds of each round.
 */


#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>


static char  buf[32768];
static char  entries[32768];


static void
dump(int fd, int family, int protocol, unsigned states)
{
    ssize_t           n;
    unsigned          left;
    struct nlmsghdr  *h;

    struct {
        struct nlmsghdr          head;
        struct inet_diag_req_v2  req;
    } m;

    memset(&m, 0, sizeof(m));
    m.head.nlmsg_len = sizeof(m);
    m.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    m.head.nlmsg_flags = NLM_F_REQUEST|NLM_F_DUMP;
    m.req.sdiag_family = (unsigned char) family;
    m.req.sdiag_protocol = (unsigned char) protocol;
    m.req.idiag_states = states;

    if (send(fd, &m, sizeof(m), 0) == -1) {
        return;
    }

    for ( ;; ) {
        n = recv(fd, buf, sizeof(buf), 0);

        if (n <= 0) {
            return;
        }

        left = (unsigned) n;

        for (h = (struct nlmsghdr *) buf; NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left))
        {
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
                return;
            }
        }
    }
}


static void
walk(int proc, const char *pid)
{
    int                dir, fd, sockets;
    char               path[300], link[64];
    ssize_t            n, off, len;
    struct dirent64   *e;

    snprintf(path, sizeof(path), "%s/fd", pid);

    dir = openat(proc, path, O_RDONLY|O_DIRECTORY);
    if (dir == -1) {
        return;
    }

    sockets = 0;

    while ((n = getdents64(dir, buf, sizeof(buf))) > 0) {

        for (off = 0; off < n; off += e->d_reclen) {
            e = (struct dirent64 *) (buf + off);

            if (e->d_name[0] == '.') {
                continue;
            }

            len = readlinkat(dir, e->d_name, link, sizeof(link));
            sockets += (len > 8 && memcmp(link, "socket:[", 8) == 0);
        }
    }

    close(dir);

    if (sockets) {
        snprintf(path, sizeof(path), "%s/comm", pid);

        fd = openat(proc, path, O_RDONLY);
        if (fd != -1) {
            (void) !read(fd, link, sizeof(link));
            close(fd);
        }
    }
}


int
main(int argc, char **argv)
{
    int               fd, proc, rounds;
    ssize_t           n, off;
    struct timespec   a, b;
    struct dirent64  *e;

    for (rounds = argc > 1 ? atoi(argv[1]) : 1; rounds > 0; rounds--) {

        clock_gettime(CLOCK_MONOTONIC, &a);

        fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);

        dump(fd, AF_INET, IPPROTO_TCP, 0xfff);
        dump(fd, AF_INET6, IPPROTO_TCP, 0xfff);
        dump(fd, AF_INET, IPPROTO_UDP, 0xfff);
        dump(fd, AF_INET6, IPPROTO_UDP, 0xfff);

        close(fd);

        proc = open("/proc", O_RDONLY|O_DIRECTORY);

        while ((n = getdents64(proc, entries, sizeof(entries))) > 0) {

            for (off = 0; off < n; off += e->d_reclen) {
                e = (struct dirent64 *) (entries + off);

                if (e->d_name[0] >= '0' && e->d_name[0] <= '9') {
                    walk(proc, e->d_name);
                }
            }
        }

        close(proc);

        clock_gettime(CLOCK_MONOTONIC, &b);

        printf("%.3f\n", (b.tv_sec - a.tv_sec) * 1e3
                         + (b.tv_nsec - a.tv_nsec) / 1e6);
    }

    return 0;
}
