
/* threads, limits, terminals, descriptors, sockets of processes */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <cmocka.h>

#include "pm_attr.h"
#include "pm_conn.h"
#include "pm_fd.h"
#include "pm_procfs.h"
#include "pm_tree.h"


static void
file(const char *path, const char *text)
{
    FILE  *f;

    f = fopen(tree_path(path), "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}


static void
thread_line(const char *path, int tid, const char *comm, int utime,
    int stime, int start)
{
    char  text[512];

    snprintf(text, sizeof(text), "%d (%s) S 1 1 1 0 -1 0 0 0 0 0 %d %d 0 0 "
             "20 0 3 0 %d 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 17 0 0 0 0 1 1 1 1\n",
             tid, comm, utime, stime, start);
    file(path, text);
}


static void
threads(void **state)
{
    int           proc;
    char          path[64];
    size_t        i;
    pm_threads_t  t;

    static const int  tids[] = { 9, 10, 99, 100, 1000, 101 };
    static const int  want[] = { 10, 100, 1000, 101, 9, 99 };

    (void) state;

    tree_create();
    assert_int_equal(mkdir(tree_path("10"), 0755), 0);
    assert_int_equal(mkdir(tree_path("10/task"), 0755), 0);
    assert_int_equal(mkdir(tree_path("10/task/x1"), 0755), 0);

    for (i = 0; i < 6; i++) {
        snprintf(path, sizeof(path), "10/task/%d", tids[i]);
        assert_int_equal(mkdir(tree_path(path), 0755), 0);
        snprintf(path, sizeof(path), "10/task/%d/stat", tids[i]);

        /* names that imitate what stands behind them */

        thread_line(path, tids[i], i & 1 ? "x) S 1 1 1 1" : "a\nb", tids[i],
                    2 * tids[i], 77);
    }

    proc = pm_procfs_open(tree);
    assert_int_not_equal(proc, -1);

    memset(&t, 0, sizeof(t));

    assert_int_equal(pm_threads_read(&t, proc, 10, 77, 0), 0);
    assert_int_equal(t.n, 6);

    for (i = 0; i < 6; i++) {
        assert_int_equal(t.elts[i].tid, want[i]);
        assert_int_equal(t.elts[i].utime, want[i]);
        assert_int_equal(t.elts[i].stime, 2 * want[i]);
    }

    /* another process has the number now */

    assert_int_equal(pm_threads_read(&t, proc, 10, 78, 0), ESRCH);
    assert_int_equal(pm_threads_read(&t, proc, 10, 78, 1), ESRCH);
    assert_int_equal(pm_threads_read(&t, proc, 11, 0, 0), ENOENT);
    assert_int_equal(pm_threads_read(&t, proc, 11, 0, 1), ESRCH);

    /* the only one: its folder is not asked */

    assert_int_equal(pm_threads_read(&t, proc, 10, 77, 1), 0);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.elts[0].tid, 10);

    /* one that has just ended */

    assert_int_equal(unlink(tree_path("10/task/9/stat")), 0);
    assert_int_equal(pm_threads_read(&t, proc, 10, 77, 0), 0);
    assert_int_equal(t.n, 5);

    pm_threads_free(&t);
    close(proc);
    tree_remove();
}


static const char  limits_text[] =
    "Limit                     Soft Limit           Hard Limit           Units"
    "     \n"
    "Max cpu time              unlimited            7                    s\n"
    "Max file size             unlimited            unlimited            b\n"
    "Max data size             unlimited            unlimited            b\n"
    "Max stack size            8388608              unlimited            b\n"
    "Max core file size        0                    18446744073709551614 b\n"
    "Max resident set          unlimited            unlimited            b\n"
    "Max processes             96365                96365                p\n"
    "Max open files            32768                32768                f\n"
    "Max locked memory         1                    2                    b\n"
    "Max address space         unlimited            unlimited            b\n"
    "Max file locks            unlimited            unlimited            l\n"
    "Max pending signals       96365                96365                s\n"
    "Max msgqueue size         819200               819200               b\n"
    "Max nice priority         0                    0                    \n"
    "Max realtime priority     3                    4                    \n"
    "Max realtime timeout      unlimited            5                    us\n";


static void
limits(void **state)
{
    size_t      i;
    pm_limit_t  l[PM_LIMITS];

    (void) state;

    assert_int_equal(pm_limits_parse(limits_text, sizeof(limits_text) - 1, l),
                     0);
    assert_int_equal(l[0].soft, PM_LIMIT_NONE);
    assert_int_equal(l[0].hard, 7);
    assert_int_equal(l[3].soft, 8388608);
    assert_int_equal(l[4].hard, UINT64_MAX - 1);
    assert_int_equal(l[7].soft, 32768);
    assert_string_equal(pm_limit_names[7], "RLIMIT_NOFILE");
    assert_int_equal(l[14].hard, 4);
    assert_int_equal(l[15].hard, 5);

    /* cut anywhere before the unit of the last line */

    for (i = 0; i < sizeof(limits_text) - 24; i++) {
        assert_int_equal(pm_limits_parse(limits_text, i, l), -1);
    }
}


static void
terminals(void **state)
{
    pm_ttys_t    t;
    struct stat  st;

    (void) state;

    memset(&t, 0, sizeof(t));

    assert_int_equal(pm_ttys_read(&t, "/dev"), 0);
    assert_null(pm_ttys_name(&t, 0));
    assert_null(pm_ttys_name(&t, 0xfffffff0));

    if (stat("/dev/tty", &st) == 0 && S_ISCHR(st.st_mode)) {
        assert_string_equal(pm_ttys_name(&t, (uint32_t) st.st_rdev),
                            "/dev/tty");
    }

    pm_ttys_free(&t);

    /* neither files nor folders that are not there */

    tree_create();
    file("tty1", "");
    assert_int_equal(pm_ttys_read(&t, tree), 0);
    assert_int_equal(t.n, 0);
    pm_ttys_free(&t);
    tree_remove();
}


static void
calls(void **state)
{
    int          i, n, proc;
    unsigned     c, v;
    uint64_t     before, after;
    cpu_set_t    set;
    pm_cpuset_t  cpus;

    (void) state;

    assert_int_equal(pm_attr_ionice(getpid(), &c, &v), 0);
    assert_in_range(c, 0, 3);
    assert_int_equal(pm_attr_ionice(INT32_MAX, &c, &v), ESRCH);

    assert_int_equal(pm_attr_affinity(getpid(), &cpus), 0);
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);

    for (i = 0, n = 0; (size_t) i < cpus.n; i++) {
        n += pm_cpuset_has(&cpus, i);
        assert_int_equal(pm_cpuset_has(&cpus, i),
                         i < CPU_SETSIZE && CPU_ISSET(i, &set) ? 1 : 0);
    }

    assert_int_equal(n, CPU_COUNT(&set));
    assert_int_equal(pm_attr_affinity(INT32_MAX, &cpus), ESRCH);

    proc = pm_procfs_open("/proc");

    if (pm_attr_fds(proc, getpid(), &before) == 0) {
        i = dup(0);
        assert_int_equal(pm_attr_fds(proc, getpid(), &after), 0);
        assert_int_equal(after, before + 1);
        close(i);
        assert_int_equal(pm_attr_fds(proc, INT32_MAX, &after), ENOENT);
    }

    /* an older kernel: somebody has to read the folder */

    pm_attr_fds_forget();
    assert_int_equal(pm_attr_fds(proc, getpid(), &after), ENOTSUP);

    close(proc);

    assert_string_equal(pm_attr_status('S'), "sleeping");
    assert_string_equal(pm_attr_status('t'), "tracing-stop");
    assert_null(pm_attr_status('?'));
}


static uint64_t
inode(int fd)
{
    struct stat  st;

    assert_int_equal(fstat(fd, &st), 0);

    return st.st_ino;
}


static void
sockets(void **state)
{
    int                 tcp, udp, local, proc;
    socklen_t           len;
    pm_conn_t           c;
    pm_conns_t          own, other;
    struct sockaddr_in  in;
    struct sockaddr_un  un;

    (void) state;

    tcp = socket(AF_INET, SOCK_STREAM, 0);
    udp = socket(AF_INET6, SOCK_DGRAM, 0);
    local = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(tcp, (struct sockaddr *) &in, sizeof(in)), 0);
    assert_int_equal(listen(tcp, 1), 0);
    len = sizeof(in);
    assert_int_equal(getsockname(tcp, (struct sockaddr *) &in, &len), 0);

    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "pm test %d",
             (int) getpid());
    assert_int_equal(bind(local, (struct sockaddr *) &un,
                          (socklen_t) (offsetof(struct sockaddr_un, sun_path)
                                       + 1 + strlen(un.sun_path + 1))), 0);
    assert_int_equal(listen(local, 1), 0);

    memset(&own, 0, sizeof(own));
    memset(&other, 0, sizeof(other));

    assert_int_equal(pm_conns_own(&own, PM_SOCK_ALL|PM_CONN_UNIX), 0);

    assert_int_equal(pm_conns_find(&own, inode(tcp), &c), 1);
    assert_int_equal(c.family, AF_INET);
    assert_int_equal(c.type, SOCK_STREAM);
    assert_string_equal(c.status, "LISTEN");
    assert_string_equal(c.local, "127.0.0.1");
    assert_int_equal(c.local_port, ntohs(in.sin_port));
    assert_int_equal(c.remote_port, 0);
    assert_null(c.path);

    assert_int_equal(pm_conns_find(&own, inode(local), &c), 1);
    assert_int_equal(c.family, AF_UNIX);
    assert_string_equal(c.status, "NONE");
    assert_int_equal(c.path[0], '@');
    assert_memory_equal(c.path + 1, un.sun_path + 1, c.path_len - 1);

    /* one that is not bound stands in no table */

    assert_int_equal(pm_conns_find(&own, inode(udp), &c), 0);
    assert_int_equal(pm_conns_find(&own, 0, &c), 0);

    /* the same as a process sees it, from the text */

    assert_int_equal(pm_conns_of(&other, NULL, getpid(),
                                 1u << PM_SOCK_TCP), 0);
    assert_int_equal(pm_conns_find(&other, inode(tcp), &c), 1);
    assert_string_equal(c.local, "127.0.0.1");
    assert_int_equal(pm_conns_find(&other, inode(local), &c), 0);

    proc = pm_procfs_open("/proc");
    assert_int_not_equal(pm_conn_netns(proc, 0), 0);
    assert_int_equal(pm_conn_netns(proc, 0), pm_conn_netns(proc, getpid()));
    assert_int_equal(pm_conn_netns(proc, INT32_MAX), 0);
    close(proc);

    pm_conns_free(&own);
    pm_conns_free(&other);
    close(tcp);
    close(udp);
    close(local);
}


static void
kinds(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; pm_conn_kinds[i]; i++) {
        assert_int_not_equal(pm_conn_protos[i], 0);
    }

    assert_int_equal(i, 11);
    assert_string_equal(pm_conn_kinds[PM_CONN_INET], "inet");
    assert_int_equal(pm_conn_protos[PM_CONN_INET], PM_SOCK_ALL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(threads),
        cmocka_unit_test(limits),
        cmocka_unit_test(terminals),
        cmocka_unit_test(calls),
        cmocka_unit_test(sockets),
        cmocka_unit_test(kinds)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
