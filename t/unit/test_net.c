
/* interfaces and UNIX sockets: texts of /proc/net, and the kernel's answers */

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_net.h"
#include "pm_netns.h"
#include "pm_net_unix.h"


static void
io_text(void **state)
{
    size_t        i;
    pm_net_io_t   sum;
    pm_net_ios_t  ios;

    static const uint64_t  eth0[] = { 2000, UINT64_MAX, 21, 20, 1, 7, 2, 8 };
    static const uint64_t  abc[] = { 9, 1, 10, 2, 3, 11, 4, 12 };

    (void) state;

    memset(&ios, 0, sizeof(ios));

    /* twice: the second replaces the first */

    assert_int_equal(pm_net_io_read(&ios, PM_FIXTURES "/net"), 0);
    assert_int_equal(pm_net_io_read(&ios, PM_FIXTURES "/net"), 0);

    /* neither the broken lines nor the heads */
    assert_int_equal(ios.n, 4);
    assert_string_equal(ios.elts[0].name, "lo");
    assert_string_equal(ios.elts[1].name, "eth0");
    assert_string_equal(ios.elts[2].name, "a:b:c");
    assert_string_equal(ios.elts[3].name, "last");

    assert_memory_equal(ios.elts[1].value, eth0, sizeof(eth0));
    assert_memory_equal(ios.elts[2].value, abc, sizeof(abc));

    ios.elts[1].value[PM_NET_BYTES_RECV] = 0;

    pm_net_io_sum(&ios, &sum);

    assert_int_equal(sum.value[PM_NET_BYTES_SENT], 1000 + 2000 + 9 + 2);
    assert_int_equal(sum.value[PM_NET_BYTES_RECV], 1000 + 1 + 1);
    assert_int_equal(sum.value[PM_NET_DROPOUT], 8 + 12 + 2);

    ios.n = 0;
    pm_net_io_sum(&ios, &sum);

    for (i = 0; i < PM_NET_COUNTERS; i++) {
        assert_int_equal(sum.value[i], 0);
    }

    pm_net_io_free(&ios);

    assert_int_equal(pm_net_io_read(&ios, "/nonexistent"), ENOENT);
    assert_int_equal(ios.n, 0);
}


/* the counters of interfaces that are named in one word, each by a letter */

static pm_net_ios_t *
reading(const char *names, const uint64_t *values)
{
    size_t  i, k;

    static pm_net_io_t   elts[8];
    static pm_net_ios_t  ios = { elts, 0, 8 };

    memset(elts, 0, sizeof(elts));
    ios.n = strlen(names);

    for (i = 0; i < ios.n; i++) {
        elts[i].name[0] = names[i];

        for (k = 0; k < PM_NET_COUNTERS; k++) {
            elts[i].value[k] = values[i] + k;
        }
    }

    return &ios;
}

#define READ(names, ...)  reading(names, (uint64_t[]) { __VA_ARGS__ })


static pm_wraps_t  wraps;


static void
check(pm_net_ios_t *ios, int keep, ...)
{
    size_t    i;
    va_list   ap;

    assert_int_equal(pm_net_unwrap(&wraps, ios, keep), 0);

    va_start(ap, keep);

    for (i = 0; i < ios->n; i++) {
        assert_int_equal(ios->elts[i].value[0], va_arg(ap, int));
    }

    va_end(ap);
}


static void
unwrap(void **state)
{
    (void) state;

    memset(&wraps, 0, sizeof(wraps));

    check(READ("ab", 100, 200), 1, 100, 200);
    check(READ("ab", 110, 200), 1, 110, 200);

    /* one fell: what it had is added, then and later */
    check(READ("ab", 5, 210), 1, 115, 210);
    assert_int_equal(wraps.elts[0].lost[7], 117);
    check(READ("ab", 6, 220), 1, 116, 220);

    /* again */
    check(READ("ab", 1, 220), 1, 117, 220);

    /* in another order, and one more among them */
    check(READ("bca", 230, 7, 2), 1, 230, 7, 118);
    assert_int_equal(wraps.n, 3);
    check(READ("acb", 2, 8, 230), 1, 118, 8, 230);

    /* a value that is older than the last says nothing new */
    check(READ("ab", 1, 240), 0, 118, 240);
    check(READ("acb", 3, 8, 231), 1, 119, 8, 231);

    /* what is gone is forgotten */
    check(READ("cb", 9, 232), 1, 9, 232);
    assert_int_equal(wraps.n, 2);
    check(READ("acb", 1, 9, 232), 1, 1, 9, 232);

    check(READ("", 0), 1);
    assert_int_equal(wraps.n, 0);

    /* a number that no one wrote */
    wraps.n = UINT32_MAX;
    check(READ("a", 1), 1, 1);
}


static void
unwrap_full(void **state)
{
    size_t        i, n;
    pm_net_ios_t  ios;

    (void) state;

    memset(&wraps, 0, sizeof(wraps));

    n = PM_WRAPS + 3;

    ios.elts = calloc(n, sizeof(pm_net_io_t));
    ios.n = ios.allocated = n;

    for (i = 0; i < n; i++) {
        snprintf(ios.elts[i].name, PM_NET_NAME, "if%zu", i);
        ios.elts[i].value[0] = 100;
    }

    assert_int_equal(pm_net_unwrap(&wraps, &ios, 1), 3);

    /* in the reverse order too, those that have a place keep it */

    for (i = 0; i < n; i++) {
        memset(ios.elts[i].name, 0, PM_NET_NAME);
        snprintf(ios.elts[i].name, PM_NET_NAME, "if%zu", n - 1 - i);
        ios.elts[i].value[0] = 50;
    }

    assert_int_equal(pm_net_unwrap(&wraps, &ios, 1), 3);
    assert_int_equal(wraps.n, PM_WRAPS);

    assert_int_equal(ios.elts[0].value[0], 50);
    assert_int_equal(ios.elts[3].value[0], 150);
    assert_int_equal(ios.elts[n - 4].value[0], 150);
    assert_int_equal(ios.elts[n - 1].value[0], 150);

    free(ios.elts);
}


static void
hardware(void **state)
{
    char     dst[PM_NET_ADDR];
    uint8_t  addr[40];

    (void) state;

    memset(addr, 0xfe, sizeof(addr));
    addr[1] = 0x0a;

    pm_net_hardware(dst, addr, 6, 1);
    assert_string_equal(dst, "fe:0a:fe:fe:fe:fe");
    pm_net_hardware(dst, addr, 4, 1);
    assert_string_equal(dst, "fe:0a:fe:fe:00:00");
    pm_net_hardware(dst, addr, 4, 0);
    assert_string_equal(dst, "fe:0a:fe:fe");
    pm_net_hardware(dst, addr, 0, 1);
    assert_string_equal(dst, "");
    pm_net_hardware(dst, addr, 24, 1);
    assert_int_equal(strlen(dst), 24 * 3 - 1);
    pm_net_hardware(dst, addr, 40, 1);
    assert_string_equal(dst, "");
}


static void
flags(void **state)
{
    char  dst[PM_NET_FLAGS];

    (void) state;

    pm_net_flags(dst, 0);
    assert_string_equal(dst, "");
    pm_net_flags(dst, IFF_UP|IFF_LOOPBACK|IFF_RUNNING);
    assert_string_equal(dst, "up,loopback,running");
    pm_net_flags(dst, IFF_DYNAMIC|IFF_BROADCAST);
    assert_string_equal(dst, "broadcast,dynamic");

    /* those above have no names */
    pm_net_flags(dst, 0xffffffff);
    assert_string_equal(dst, "up,broadcast,debug,loopback,pointopoint,"
                        "notrailers,running,noarp,promisc,allmulti,master,"
                        "slave,multicast,portsel,automedia,dynamic");
}


static void
loopback(void **state)
{
    int             fd, found;
    size_t          i, k;
    pm_net_stat_t   st;
    pm_net_addrs_t  addrs;

    (void) state;

    fd = pm_net_stat_open();
    assert_true(fd != -1);

    assert_int_equal(pm_net_stat_read(&st, fd, "lo"), 0);
    assert_non_null(strstr(st.flags, "loopback"));
    assert_int_equal(st.isup, strstr(st.flags, "running") != NULL);
    assert_int_equal(st.speed, 0);
    assert_true(st.mtu > 0);

    assert_int_equal(pm_net_stat_read(&st, fd, "no-such-nic"), ENODEV);
    assert_int_equal(pm_net_stat_read(&st, fd, "a-name-of-16-byt"), ENODEV);

    close(fd);

    memset(&addrs, 0, sizeof(addrs));

    assert_int_equal(pm_net_addrs_read(&addrs), 0);

    found = 0;

    for (i = 0; i < addrs.n; i++) {

        assert_string_not_equal(addrs.elts[i].address, "");

        if (strcmp(addrs.elts[i].name, "lo") == 0
            && addrs.elts[i].family == AF_PACKET)
        {
            assert_string_equal(addrs.elts[i].address, "00:00:00:00:00:00");
            assert_string_equal(addrs.elts[i].netmask, "");
            assert_string_equal(addrs.elts[i].broadcast, "");
            found = 1;
        }

        /* of one interface side by side, by family */

        for (k = i + 1; k < addrs.n; k++) {
            if (strcmp(addrs.elts[k].name, addrs.elts[i].name) == 0) {
                assert_string_equal(addrs.elts[k - 1].name,
                                    addrs.elts[i].name);
                assert_true(addrs.elts[k].family >= addrs.elts[i].family);
            }
        }
    }

    assert_true(found);

    pm_net_addrs_free(&addrs);
}


static int
has_unix(const pm_net_unixes_t *u, uint64_t inode, int type,
    const char *path)
{
    size_t  i;

    for (i = 0; i < u->n; i++) {
        if (u->elts[i].inode == inode && u->elts[i].type == type
            && u->elts[i].len == strlen(path)
            && memcmp(u->paths + u->elts[i].path, path, strlen(path)) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
unix_text(void **state)
{
    pm_net_unixes_t  u;

    (void) state;

    memset(&u, 0, sizeof(u));

    assert_int_equal(pm_net_unix_text(&u, PM_FIXTURES "/net"), 0);
    assert_int_equal(u.n, 6);

    assert_true(has_unix(&u, 101, SOCK_STREAM, "/run/with a space  and two"));
    assert_true(has_unix(&u, 102, SOCK_DGRAM, "@abstract name@"));
    assert_true(has_unix(&u, 103, SOCK_SEQPACKET, ""));
    assert_true(has_unix(&u, 0, SOCK_STREAM, "/run/leading"));
    assert_true(has_unix(&u, 104, SOCK_STREAM, " /space first"));
    assert_true(has_unix(&u, 105, SOCK_STREAM, "/run/\377\t."));

    pm_net_unix_sort(&u);
    assert_int_equal(u.elts[0].inode, 104);
    assert_int_equal(u.elts[u.n - 1].inode, 103);

    pm_net_unix_free(&u);

    assert_int_equal(pm_net_unix_text(&u, "/nonexistent"), ENOENT);
}


static uint64_t
inode_of(int fd)
{
    struct stat  st;

    assert_int_equal(fstat(fd, &st), 0);

    return st.st_ino;
}


/* both ways tell the same of sockets with awkward names */

static void
unix_kernel(void **state)
{
    int                 i, way, fd[3], pair[2];
    socklen_t           len;
    pm_net_unixes_t     u;
    struct sockaddr_un  sun;

    static const struct {
        int          type;
        const char  *name;
        size_t       len;
        const char  *shown;
    } t[] = {
        { SOCK_STREAM, "/tmp/pm net  %d", 0, "/tmp/pm net  %d" },
        { SOCK_DGRAM, "\0pm\0net %d", 10, "@pm@net %d" },
        { SOCK_SEQPACKET, "\0%d", 3, "@%d" },
    };

    char  shown[3][64], name[64];

    (void) state;

    memset(&u, 0, sizeof(u));

    for (i = 0; i < 3; i++) {

        fd[i] = socket(AF_UNIX, t[i].type, 0);
        assert_true(fd[i] != -1);

        memset(&sun, 0, sizeof(sun));
        sun.sun_family = AF_UNIX;

        snprintf(shown[i], sizeof(shown[i]), t[i].shown, (int) getpid());

        if (t[i].len == 0) {
            snprintf(name, sizeof(name), t[i].name, (int) getpid());
            memcpy(sun.sun_path, name, strlen(name));
            len = sizeof(sun);

        } else {
            size_t  k;

            len = strlen(shown[i]);

            for (k = 0; k < len; k++) {
                sun.sun_path[k] = (shown[i][k] == '@') ? '\0' : shown[i][k];
            }

            len += offsetof(struct sockaddr_un, sun_path);
        }

        assert_int_equal(bind(fd[i], (struct sockaddr *) &sun, len), 0);
    }

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

    for (way = 0; way < 3; way++) {

        switch (way) {

        case 0:
            assert_int_equal(pm_net_unix_text(&u, NULL), 0);
            break;

        case 1:
            i = pm_net_unix_netlink(&u);
            if (i == ENOENT) {
                /* no module for it */
                continue;
            }

            assert_int_equal(i, 0);
            break;

        default:
            assert_int_equal(pm_net_unix_dump(&u, NULL), 0);
            break;
        }

        for (i = 0; i < 3; i++) {
            assert_true(has_unix(&u, inode_of(fd[i]), t[i].type, shown[i]));
        }

        assert_true(has_unix(&u, inode_of(pair[0]), SOCK_STREAM, ""));
        assert_true(has_unix(&u, inode_of(pair[1]), SOCK_STREAM, ""));

        pm_net_unix_free(&u);
    }

    for (i = 0; i < 3; i++) {
        close(fd[i]);
    }

    close(pair[0]);
    close(pair[1]);
    (void) unlink(shown[0]);
}


/* of others a link tells the number, and nothing else does */

static void
netns_told(void **state)
{
    size_t         i, n;
    int32_t       *pids;
    pm_netns_t     ns[3];
    pm_netnses_t   list;

    static const char *const  bad[] = {
        "", "net:[]", "net:[1", "net:1]", "mnt:[1]", "net:[-1]", "net:[1 ]",
        "net:[0x1]", "net:[99999999999999999999999]"
    };

    (void) state;

    memset(ns, 0, sizeof(ns));
    memset(&list, 0, sizeof(list));

    ns[0].pid[0] = 1;
    ns[0].npids = 1;
    ns[1].pid[0] = 30;
    ns[1].pid[1] = 9;
    ns[1].npids = 2;
    ns[2].pid[0] = 7;
    ns[2].npids = 1;
    ns[2].number = 5;

    list.elts = ns;
    list.n = 3;

    /* neither one's own nor one that is known */

    pids = pm_netns_unknown(&list, &n);
    assert_non_null(pids);
    assert_int_equal(n, 2);
    assert_int_equal(pids[0], 9);
    assert_int_equal(pids[1], 30);
    free(pids);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        pm_netns_told(&list, 9, bad[i], strlen(bad[i]));
        assert_int_equal(ns[1].number, 0);
    }

    pm_netns_told(&list, 8, "net:[4026531840]", 16);
    assert_int_equal(ns[1].number, 0);

    pm_netns_told(&list, 9, "net:[4026531840]", 16);
    assert_int_equal(ns[1].number, 4026531840);

    /* what is known stays */

    pm_netns_told(&list, 30, "net:[6]", 7);
    assert_int_equal(ns[1].number, 4026531840);

    assert_null(pm_netns_unknown(&list, &n));
    assert_int_equal(n, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(io_text),
        cmocka_unit_test(unwrap),
        cmocka_unit_test(unwrap_full),
        cmocka_unit_test(hardware),
        cmocka_unit_test(flags),
        cmocka_unit_test(loopback),
        cmocka_unit_test(unix_text),
        cmocka_unit_test(unix_kernel),
        cmocka_unit_test(netns_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
