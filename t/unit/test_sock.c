
/* sockets: the text of /proc/net, and the kernel's own answer against it */

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_sock.h"


static pm_sock_t *
find(pm_socks_t *s, uint64_t inode)
{
    size_t  i;

    for (i = 0; i < s->n; i++) {
        if (s->elts[i].inode == inode) {
            return &s->elts[i];
        }
    }

    return NULL;
}


static void
check_addr(const pm_sock_t *k, const char *local, const char *remote)
{
    char    addr[PM_SOCK_ADDR_LEN];
    size_t  n;

    n = pm_sock_addr(addr, k, 0);
    assert_string_equal(addr, local);
    assert_int_equal(n, strlen(local));

    n = pm_sock_addr(addr, k, 1);
    assert_string_equal(addr, remote);
    assert_int_equal(n, strlen(remote));
}


static void
text_tcp(void **state)
{
    pm_sock_t   *k;
    pm_socks_t   s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_TCP,
                                   PM_SOCK_ANY), 0);

    /* the broken lines and the state nobody knows are left out */
    assert_int_equal(s.n, 5);

    k = find(&s, 22345);
    assert_non_null(k);
    check_addr(k, "127.0.0.1:5432", "0.0.0.0:*");
    assert_int_equal(k->state, PM_SOCK_LISTEN);
    assert_int_equal(k->uid, 107);

    /* what waits for accept() is no queue of bytes */
    assert_int_equal(k->recv_q, 0);
    assert_int_equal(k->send_q, 0);
    assert_int_equal(k->backlog, 3);
    assert_int_equal(k->backlog_max, UINT32_MAX);

    k = find(&s, 33001);
    assert_non_null(k);
    check_addr(k, "127.0.0.1:8080", "127.0.0.1:50082");
    assert_int_equal(k->recv_q, 42);
    assert_int_equal(k->send_q, 16);
    assert_int_equal(k->backlog, 0);
    assert_string_equal(pm_sock_state(k->proto, k->state), "ESTABLISHED");

    assert_string_equal(pm_sock_state(s.elts[3].proto, s.elts[3].state),
                        "TIME_WAIT");
    check_addr(&s.elts[3], "192.0.2.2:39032", "203.0.113.80:80");
    assert_string_equal(pm_sock_state(s.elts[4].proto, s.elts[4].state),
                        "SYN_RECV");

    pm_socks_free(&s);
}


static void
text_states(void **state)
{
    pm_socks_t  s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_TCP,
                                   1 << PM_SOCK_LISTEN), 0);
    assert_int_equal(s.n, 2);

    pm_socks_free(&s);
}


static void
text_tcp6(void **state)
{
    pm_socks_t  s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_TCP6,
                                   PM_SOCK_ANY), 0);
    assert_int_equal(s.n, 3);

    check_addr(&s.elts[0], "[::]:80", "[::]:*");
    check_addr(&s.elts[1], "127.0.0.1:8005", "[::]:*");
    check_addr(&s.elts[2], "[2001:db8::1]:22", "[2001:db8::2]:54321");

    pm_socks_free(&s);
}


static void
text_udp(void **state)
{
    pm_socks_t  s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_UDP,
                                   PM_SOCK_ANY), 0);
    assert_int_equal(s.n, 2);

    check_addr(&s.elts[0], "0.0.0.0:68", "0.0.0.0:*");
    assert_int_equal(s.elts[0].recv_q, 768);
    assert_string_equal(pm_sock_state(PM_SOCK_UDP, s.elts[0].state),
                        "UNCONN");

    check_addr(&s.elts[1], "127.0.0.1:54321", "127.0.0.1:53");
    assert_string_equal(pm_sock_state(PM_SOCK_UDP, s.elts[1].state),
                        "ESTABLISHED");

    pm_socks_free(&s);
}


static void
text_missing(void **state)
{
    pm_socks_t  s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_UDP6,
                                   PM_SOCK_ANY), ENOENT);
    assert_int_equal(s.n, 0);

    pm_socks_free(&s);
}


/* a line cut anywhere is either refused or the same; never read beyond */

static void
text_cut(void **state)
{
    char        *copy;
    size_t       i, len;
    pm_socks_t   s;

    static const char  line[] =
        "   0: 0100007F:1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000   107        0 22345";

    (void) state;

    pm_socks_init(&s);

    len = sizeof(line) - 1;

    for (i = 0; i <= len; i++) {

        /* so that a sanitizer sees the end */

        copy = malloc(i ? i : 1);
        assert_non_null(copy);
        memcpy(copy, line, i);

        if (pm_socks_line(&s, PM_SOCK_TCP, PM_SOCK_ANY, copy, i) == 0) {
            assert_true(i > len - 5);
        }

        free(copy);
    }

    assert_int_equal(s.n, 5);
    assert_int_equal(s.elts[4].inode, 22345);

    pm_socks_free(&s);
}


static void
text_no_line(void **state)
{
    size_t      i;
    pm_socks_t  s;

    static const char *const  bad[] = {
        "",
        "  sl  local_address rem_address   st tx_queue rx_queue",
        " : 0100007F:1538 00000000:0000 0A 0:0 00:0 0 0 0 1",
        " 0: 0100007F1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000 107 0 1",
        " 0: 0100007G:1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000 107 0 1",
        " 0: 0100007F:1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000 -1 0 1",
        " 0: 0100007F:1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000 107 0 99999999999999999999",
        " 0: 0100007F:1538 00000000:0000 0A 00000000:00000003 00:00000000 "
        "00000000 107 0 12x"
    };

    (void) state;

    pm_socks_init(&s);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(pm_socks_line(&s, PM_SOCK_TCP, PM_SOCK_ANY, bad[i],
                                       strlen(bad[i])), -1);
    }

    assert_int_equal(s.n, 0);

    pm_socks_free(&s);
}


static void
sorted(void **state)
{
    pm_socks_t  s;

    (void) state;

    pm_socks_init(&s);

    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_UDP,
                                   PM_SOCK_ANY), 0);
    assert_int_equal(pm_socks_text(&s, PM_FIXTURES "/sock", PM_SOCK_TCP,
                                   PM_SOCK_ANY), 0);

    pm_socks_sort(&s);

    assert_int_equal(s.elts[0].local_port, 111);
    assert_int_equal(s.elts[1].local_port, 5432);
    assert_int_equal(s.elts[2].remote_port, 50082);
    assert_int_equal(s.elts[3].remote_port, 50084);
    assert_int_equal(s.elts[5].proto, PM_SOCK_UDP);
    assert_int_equal(s.elts[5].local_port, 68);

    pm_socks_free(&s);
}


static int
made(int family, int type, const char *addr, uint16_t *port, uint64_t *inode)
{
    int                  fd;
    socklen_t            len;
    struct stat          st;
    struct sockaddr_in   in;
    struct sockaddr_in6  in6;

    fd = socket(family, type|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (family == AF_INET) {
        memset(&in, 0, sizeof(in));
        in.sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
        assert_int_equal(bind(fd, (struct sockaddr *) &in, sizeof(in)), 0);

        len = sizeof(in);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &in, &len), 0);
        *port = ntohs(in.sin_port);

    } else {
        memset(&in6, 0, sizeof(in6));
        in6.sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, addr, &in6.sin6_addr), 1);

        if (bind(fd, (struct sockaddr *) &in6, sizeof(in6)) == -1) {
            close(fd);
            return -1;
        }

        len = sizeof(in6);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &in6, &len), 0);
        *port = ntohs(in6.sin6_port);
    }

    assert_int_equal(fstat(fd, &st), 0);
    *inode = st.st_ino;

    return fd;
}


/* what the kernel tells by netlink and by text of the same sockets */

static void
both_ways(void **state)
{
    int                 tcp, udp, tcp6, client, served, rc, i;
    char                local[64];
    uint16_t            port[3];
    uint64_t            inode[3];
    pm_sock_t          *a, *b;
    pm_socks_t          diag, text;
    socklen_t           len;
    struct sockaddr_in  in;

    (void) state;

    tcp = made(AF_INET, SOCK_STREAM, "127.0.0.1", &port[0], &inode[0]);
    udp = made(AF_INET, SOCK_DGRAM, "127.0.0.1", &port[1], &inode[1]);
    tcp6 = made(AF_INET6, SOCK_STREAM, "::1", &port[2], &inode[2]);

    assert_int_not_equal(tcp, -1);
    assert_int_not_equal(udp, -1);
    assert_int_equal(listen(tcp, 7), 0);

    if (tcp6 != -1) {
        assert_int_equal(listen(tcp6, 9), 0);
    }

    /* one connection stays in the backlog with eleven bytes */

    client = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    assert_int_not_equal(client, -1);

    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_port = htons(port[0]);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *) &in, sizeof(in)), 0);

    pm_socks_init(&diag);
    pm_socks_init(&text);

    for (i = 0; i < PM_SOCK_PROTOS; i++) {
        rc = pm_socks_netlink(&diag, i, PM_SOCK_ANY);

        if (rc != 0) {
            /* a kernel without it */
            assert_true(rc == ENOENT || rc == EPROTONOSUPPORT
                        || rc == EAFNOSUPPORT || rc == EPERM);
            skip();
        }

        rc = pm_socks_text(&text, NULL, i, PM_SOCK_ANY);
        assert_true(rc == 0 || rc == ENOENT);
    }

    for (i = 0; i < 3; i++) {

        if (i == 2 && tcp6 == -1) {
            break;
        }

        a = find(&diag, inode[i]);
        b = find(&text, inode[i]);

        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(a->local_port, port[i]);
        assert_int_equal(a->uid, getuid());

        /* the text does not tell the limit */

        assert_int_equal(b->backlog_max, i == 1 ? 0 : UINT32_MAX);
        b->backlog_max = a->backlog_max;

        assert_memory_equal(a, b, sizeof(pm_sock_t));
    }

    a = find(&diag, inode[0]);
    (void) snprintf(local, sizeof(local), "127.0.0.1:%u", port[0]);
    check_addr(a, local, "0.0.0.0:*");
    assert_int_equal(a->backlog, 1);
    assert_int_equal(a->backlog_max, 7);
    assert_int_equal(a->recv_q, 0);
    assert_int_equal(a->send_q, 0);

    a = find(&diag, inode[1]);
    assert_string_equal(pm_sock_state(a->proto, a->state), "UNCONN");

    if (tcp6 != -1) {
        a = find(&diag, inode[2]);
        assert_int_equal(a->proto, PM_SOCK_TCP6);
        (void) snprintf(local, sizeof(local), "[::1]:%u", port[2]);
        check_addr(a, local, "[::]:*");
    }

    pm_socks_free(&diag);
    pm_socks_free(&text);

    /* accepted, and written to */

    len = sizeof(in);
    served = accept(tcp, (struct sockaddr *) &in, &len);
    assert_int_not_equal(served, -1);
    assert_int_equal(write(client, "eleven bytes", 11), 11);

    assert_int_equal(pm_socks_dump(&diag, NULL, 1 << PM_SOCK_TCP,
                                   1 << PM_SOCK_ESTABLISHED, 0), 0);

    for (i = 0; i < (int) diag.n; i++) {
        assert_int_equal(diag.elts[i].state, PM_SOCK_ESTABLISHED);

        if (diag.elts[i].local_port == port[0]
            && diag.elts[i].remote_port == ntohs(in.sin_port))
        {
            assert_int_equal(diag.elts[i].recv_q, 11);
            break;
        }
    }

    assert_true(i < (int) diag.n);

    pm_socks_free(&diag);

    close(served);
    close(client);
    close(tcp);
    close(udp);

    if (tcp6 != -1) {
        close(tcp6);
    }
}


/* more than fits into one answer of the kernel */

static void
many(void **state)
{
    int         fd[300], i, n;
    uint16_t    port;
    uint64_t    inode[300];
    pm_socks_t  s;

    (void) state;

    for (n = 0; n < 300; n++) {
        fd[n] = made(AF_INET, SOCK_DGRAM, "127.0.0.1", &port, &inode[n]);
        assert_int_not_equal(fd[n], -1);
    }

    pm_socks_init(&s);

    assert_int_equal(pm_socks_dump(&s, NULL, PM_SOCK_ALL, PM_SOCK_ANY,
                                   PM_SOCK_ANY), 0);

    for (i = 0; i < n; i++) {
        assert_non_null(find(&s, inode[i]));
        close(fd[i]);
    }

    assert_false(s.truncated);

    pm_socks_free(&s);
}


static void
words(void **state)
{
    (void) state;

    assert_string_equal(pm_sock_proto(PM_SOCK_UDP6), "udp6");
    assert_string_equal(pm_sock_state(PM_SOCK_TCP, 10), "LISTEN");
    assert_string_equal(pm_sock_state(PM_SOCK_TCP6, 5), "FIN_WAIT2");
    assert_string_equal(pm_sock_state(PM_SOCK_TCP, 12), "SYN_RECV");
    assert_string_equal(pm_sock_state(PM_SOCK_TCP, 99), "UNKNOWN");
    assert_string_equal(pm_sock_state(PM_SOCK_UDP6, 7), "UNCONN");

    assert_true(pm_sock_netns() > 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(text_tcp),
        cmocka_unit_test(text_states),
        cmocka_unit_test(text_tcp6),
        cmocka_unit_test(text_udp),
        cmocka_unit_test(text_missing),
        cmocka_unit_test(text_cut),
        cmocka_unit_test(text_no_line),
        cmocka_unit_test(sorted),
        cmocka_unit_test(both_ways),
        cmocka_unit_test(many),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
