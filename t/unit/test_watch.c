
/* one sample of a process, and edges of thresholds */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_watch.h"


static const char  status[] =
    "Name:\tx\\nVmRSS:\t9\n"
    "State:\tS (sleeping)\n"
    "Tgid:\t7\n"
    "Groups:\t1 2 3 \n"
    "VmPeak:\t     100 kB\n"
    "VmSize:\t      90 kB\n"
    "VmLck:\t       0 kB\n"
    "VmPin:\t       0 kB\n"
    "VmHWM:\t      50 kB\n"
    "VmRSS:\t      40 kB\n"
    "RssAnon:\t      10 kB\n"
    "RssFile:\t      30 kB\n"
    "RssShmem:\t       1 kB\n"
    "VmData:\t      11 kB\n"
    "VmStk:\t      12 kB\n"
    "VmExe:\t      13 kB\n"
    "VmLib:\t      14 kB\n"
    "VmPTE:\t      15 kB\n"
    "VmSwap:\t      16 kB\n"
    "HugetlbPages:\t       0 kB\n"
    "Threads:\t1\n";


static void
parse(void **state)
{
    char      *p, *text;
    size_t     i, len;
    uint64_t   mem[PM_WATCH_FIELDS];

    static const uint64_t  expected[] = { 90, 40, 30, 11, 12, 13, 14, 16 };

    (void) state;

    assert_int_equal(pm_watch_parse(status, sizeof(status) - 1, mem), 0);

    for (i = 0; i < PM_WATCH_FIELDS; i++) {
        assert_int_equal(mem[i], expected[i] * 1024);
    }

    /* a kernel without swap */

    text = strdup(status);
    assert_non_null(text);
    p = strstr(text, "VmSwap");
    assert_non_null(p);
    *p = 'W';
    assert_int_equal(pm_watch_parse(text, strlen(text), mem), 0);
    assert_int_equal(mem[PM_WATCH_LIB], 14 * 1024);
    assert_true(mem[PM_WATCH_SWAP] == PM_WATCH_UNKNOWN);
    free(text);

    /* cut anywhere, it is read within its bounds */

    for (len = 0; len < sizeof(status) - 1; len++) {
        text = malloc(len ? len : 1);
        assert_non_null(text);
        memcpy(text, status, len);
        (void) pm_watch_parse(text, len, mem);
        free(text);
    }

    assert_int_equal(pm_watch_parse("", 0, mem), -1);
    assert_int_equal(pm_watch_parse("Name:\tx\nState:\tZ\n", 17, mem), -1);
}


static void
sample(void **state)
{
    int              proc, fd;
    char            *big;
    pm_buf_t         buf = { NULL, 0 };
    uint64_t         a[PM_WATCH_FIELDS], b[PM_WATCH_FIELDS];
    pm_watch_who_t   who;

    (void) state;

    proc = pm_procfs_open("/proc");
    assert_true(proc >= 0);

    memset(&who, 0, sizeof(who));
    who.pid = getpid();

    fd = pm_watch_open(proc, &who);
    assert_true(fd >= 0);
    assert_true(who.starttime > 0);
    assert_string_equal(who.name, "test_watch");

    assert_int_equal(pm_watch_read(fd, &buf, a), 0);
    assert_true(a[PM_WATCH_VIRTUAL] >= a[PM_WATCH_PHYSICAL]);

    big = mmap(NULL, 64 << 20, PROT_READ|PROT_WRITE,
               MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);
    assert_true(big != MAP_FAILED);
    memset(big, 1, 64 << 20);

    assert_int_equal(pm_watch_read(fd, &buf, b), 0);
    assert_true(b[PM_WATCH_PHYSICAL] >= a[PM_WATCH_PHYSICAL] + (63 << 20));
    assert_true(b[PM_WATCH_VIRTUAL] >= a[PM_WATCH_VIRTUAL] + (63 << 20));
    assert_true(b[PM_WATCH_DATA] >= a[PM_WATCH_DATA] + (63 << 20));

    (void) munmap(big, 64 << 20);
    close(fd);

    /* another of this pid */

    who.starttime++;
    assert_int_equal(pm_watch_open(proc, &who), -1);
    assert_int_equal(errno, ESTALE);

    who.starttime = 0;
    who.pid = 0;
    assert_int_equal(pm_watch_open(proc, &who), -1);
    assert_int_equal(errno, ESRCH);

    pm_buf_free(&buf);
    close(proc);
}


static void
ends(void **state)
{
    int              proc, fd, tries;
    pid_t            pid;
    pm_buf_t         buf = { NULL, 0 };
    uint64_t         mem[PM_WATCH_FIELDS];
    siginfo_t        info;
    pm_watch_who_t   who;

    (void) state;

    proc = pm_procfs_open("/proc");
    assert_true(proc >= 0);

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        for ( ;; ) {
            pause();
        }
    }

    memset(&who, 0, sizeof(who));
    who.pid = pid;

    fd = pm_watch_open(proc, &who);
    assert_true(fd >= 0);
    assert_int_equal(pm_watch_read(fd, &buf, mem), 0);

    /* a zombie, then nothing */

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED|WNOWAIT), 0);

    assert_int_equal(pm_watch_read(fd, &buf, mem), -1);
    assert_int_equal(errno, ESRCH);

    who.starttime = 0;
    assert_int_equal(pm_watch_open(proc, &who), -1);
    assert_int_equal(errno, ECHILD);

    assert_int_equal(waitpid(pid, NULL, 0), pid);

    for (tries = 0; pm_watch_read(fd, &buf, mem) == 0 && tries < 100; tries++)
    {
        usleep(1000);
    }

    assert_int_equal(pm_watch_read(fd, &buf, mem), -1);
    assert_int_equal(errno, ESRCH);

    close(fd);

    assert_int_equal(pm_watch_open(proc, &who), -1);
    assert_int_equal(errno, ESRCH);

    /* a thread of the kernel, where the namespace shows one */

    who.pid = 2;
    who.starttime = 0;

    fd = pm_watch_open(proc, &who);

    if (fd == -1) {
        assert_true(errno == ENODATA || errno == ESRCH);

    } else {
        close(fd);
    }

    pm_buf_free(&buf);
    close(proc);
}


static void
edges(void **state)
{
    unsigned  above;
    size_t    i;

    static const struct {
        uint64_t  value;
        int       edge;
    } t[] = {
        { 0, 0 }, { 99, 0 }, { 100, 0 },    /* strictly above */
        { 101, 1 }, { 300, 0 }, { 100, 0 }, { 101, 0 }, { 96, 0 },
        { 101, 0 },                         /* around it: no other edge */
        { 95, -1 }, { 100, 0 }, { 101, 1 }, { 0, -1 }, { 0, 0 },
        { UINT64_MAX, 1 }, { UINT64_MAX, 0 }
    };

    (void) state;

    above = 0;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(pm_watch_edge(&above, t[i].value, 100), t[i].edge);
    }

    /* a limit of few bytes comes back too */

    above = 0;
    assert_int_equal(pm_watch_edge(&above, 2, 1), 1);
    assert_int_equal(pm_watch_edge(&above, 1, 1), -1);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse),
        cmocka_unit_test(sample),
        cmocka_unit_test(ends),
        cmocka_unit_test(edges)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
