
/*
 * The scan: a host of fixtures, hosts that change between two scans, broken
 * and vanishing processes, real ones with hostile names.
 */


#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "pm_name.h"
#include "pm_scan_host.h"


#define FIXTURE  PM_FIXTURES "/debian/proc"


static double
sum(const pm_cpu_percent_t *p)
{
    return (p->us * 10 + p->sy * 10 + p->ni * 10 + p->id * 10 + p->wa * 10
            + p->hi * 10 + p->si * 10 + p->st * 10) / 10;
}


static pm_snapshot_t *
copy(const pm_snapshot_t *s)
{
    pm_snapshot_t  *c;

    c = malloc(s->size);
    assert_non_null(c);

    memcpy(c, s, s->size);

    return c;
}


/* as if it had been made so long before, or after */

static void
shift(pm_snapshot_t *s, int64_t ns)
{
    uint32_t    i;
    pm_proc_t  *p;

    p = (pm_proc_t *) pm_snapshot_procs(s);

    for (i = 0; i < s->nprocs; i++) {
        p[i].sampled += ns;
    }

    s->monotonic_ns += ns;
}


static void
test_fixture(void **state)
{
    uint32_t              i;
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;

    (void) state;

    scan = pm_scan_create(FIXTURE);
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));

    assert_int_equal(s->nprocs, 10);
    assert_int_equal(s->tasks.total, 10);
    assert_int_equal(s->tasks.running, 1);
    assert_int_equal(s->tasks.sleeping, 7);
    assert_int_equal(s->tasks.stopped, 1);
    assert_int_equal(s->tasks.zombie, 1);
    assert_int_equal(s->ncpus, 4);
    assert_int_equal(s->btime, 1418183276);
    assert_true(s->uptime == 350735.47);
    assert_true(s->load[1] == 1.18);
    assert_int_equal(s->memory.total, 7899824);
    assert_int_equal(s->have_pressure,
                     PM_PRESSURE_SOME | PM_PRESSURE_FULL
                     | PM_PRESSURE_SOME << 1);
    assert_int_equal(s->pressure_some[0].total, 8434843);
    assert_true(sum(&s->cpu.percent) == 100);

    for (i = 0; i < s->ncpus; i++) {
        assert_true(sum(&pm_snapshot_cpus(s)[i].percent) == 100);
    }

    p = find(s, 78);
    assert_int_equal(p->have, ALL);
    assert_int_equal(p->ppid, 77);
    assert_int_equal(p->uid[0], 33);
    assert_int_equal(p->euid, 33);
    assert_int_equal(p->rss, 2500 * sysconf(_SC_PAGESIZE));
    assert_int_equal(p->processor, 2);
    assert_int_equal(p->kthread, 0);
    assert_int_equal(p->utime, 99);
    assert_true(p->cpu_percent == 0);
    assert_string_equal(text(s, p->name), "nginx");
    assert_string_equal(text(s, p->username), "www-data");
    assert_string_equal(text(s, p->cgroup), "/system.slice/nginx.service");

    /* the user of a setuid program is the one who started it */

    p = find(s, 102);
    assert_string_equal(text(s, p->username), "alice");
    assert_int_equal(p->euid, 0);

    p = find(s, 9);
    assert_int_equal(p->kthread, 1);
    assert_int_equal(p->vms, 0);

    /* workers of the kernel have names of up to 63 bytes */

    assert_int_equal(p->comm.len, 63);
    assert_string_equal(text(s, p->comm), "kworker/u256:31+ext4-rsv-"
                        "conversion-of-a-device-with-a-long-nam");
    assert_string_equal(text(s, p->name), text(s, p->comm));

    p = find(s, 1);
    assert_int_equal(p->nvcsw, 9007);

    p = find(s, 101);
    assert_int_equal(p->nice, 5);
    assert_int_equal(p->tty_nr, 34816);

    assert_string_equal(text(s, find(s, 1000)->username), "54321");
    assert_int_equal(find(s, 103)->state, 'Z');

    assert_null(pm_snapshot_find(s, 0));
    assert_null(pm_snapshot_find(s, 3));
    assert_null(pm_snapshot_find(s, 1001));

    /* less is read when less is wanted, and it is said */

    s = pm_scan(scan, 0, s);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));
    assert_int_equal(s->nprocs, 10);

    p = find(s, 78);
    assert_int_equal(p->have, PM_HAVE_STAT);
    assert_int_equal(p->rss, 0);
    assert_int_equal(p->nvcsw, 0);
    assert_int_equal(p->cgroup.len, 0);
    assert_string_equal(text(s, p->username), "www-data");

    pm_scan_destroy(scan);
    pm_scan_destroy(NULL);
}


static void
test_no_host(void **state)
{
    (void) state;

    errno = 0;
    assert_null(pm_scan_create("/nonexistent"));
    assert_int_equal(errno, ENOENT);

    tree_create();

    assert_null(pm_scan_create(tree));
    assert_int_equal(errno, ENOENT);

    tree_remove();
}


static void
test_broken_host(void **state)
{
    pm_scan_t            *scan;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();
    process(1, "init", 0, 1);

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_int_equal(s->have_pressure, 0);

    tree_text("proc/meminfo", "");
    assert_null(pm_scan(scan, ALL, NULL));
    assert_int_equal(errno, EBADMSG);

    tree_text("proc/meminfo", "MemTotal:  2000 kB\n");
    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_int_equal(s->memory.total, 2000);

    tree_text("proc/stat", "cpu 1 2");
    assert_null(pm_scan(scan, ALL, NULL));
    assert_int_equal(errno, EBADMSG);

    /* it works again when the files do */

    host();
    assert_non_null(pm_scan(scan, ALL, NULL));

    pm_scan_destroy(scan);
    tree_remove();
}


static void
test_rates(void **state)
{
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;
    pm_snapshot_t        *prev;

    (void) state;

    tree_create();
    host();
    process(10, "busy", 1000, 7);
    process(11, "reused", 1000, 7);
    process(12, "backwards", 1000, 7);

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_true(find(s, 10)->cpu_percent == 0);
    assert_true(s->cpu.percent.us == 10 && s->cpu.percent.id == 80);

    prev = copy(s);
    shift(prev, -10000000000);

    process(9, "new", 5000, 7);
    process(10, "busy", 1000 + 5 * s->ticks_per_second, 7);
    process(11, "reused", 5000, 8);
    process(12, "backwards", 900, 7);
    tree_text("proc/stat", "cpu  20 0 10 90 0 0 0 0 20 0\n"
              "cpu0 20 0 10 90 0 0 0 0 20 0\nbtime 1000\n");

    s = pm_scan(scan, ALL, prev);
    assert_non_null(s);

    p = find(s, 10);
    assert_true(p->cpu_percent > 45 && p->cpu_percent <= 50);
    assert_true(fabs(p->cpu_percent * 10 - rint(p->cpu_percent * 10)) < 1e-9);
    assert_true(find(s, 9)->cpu_percent == 0);
    assert_true(find(s, 11)->cpu_percent == 0);
    assert_true(find(s, 12)->cpu_percent == 0);

    assert_true(s->cpu.percent.us == 50 && s->cpu.percent.id == 50);
    assert_true(pm_snapshot_cpus(s)[0].percent.us == 50);

    /* no tick passed: the last figures stand */

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);
    assert_true(s->cpu.percent.us == 50 && s->cpu.percent.id == 50);

    /* a clock that goes back, a CPU that comes */

    shift(prev, 1000000000000);
    tree_text("proc/stat", "cpu  20 0 20 90 0 0 0 0 20 0\n"
              "cpu0 1 0 1 2 0 0 0 0 20 0\ncpu3 0 0 0 0 0 0 0 0 0 0\n"
              "btime 1000\n");

    s = pm_scan(scan, ALL, prev);
    assert_non_null(s);
    assert_true(find(s, 10)->cpu_percent == 0);
    assert_int_equal(s->ncpus, 2);
    assert_true(pm_snapshot_cpus(s)[0].percent.id == 50);
    assert_true(pm_snapshot_cpus(s)[1].percent.id == 100);

    free(prev);
    pm_scan_destroy(scan);
    tree_remove();
}


static void
test_broken_processes(void **state)
{
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    process(5, "good", 0, 1);
    process(6, "a) S 1 (b", 0, 1);
    process(7, "new\nline", 0, 1);
    process(8, "Uid:\t0\t0\t0", 0, 1);

    /* gone before the first file, or after it */

    tree_text("proc/20/cmdline", "x");
    process_stat(21, "gone", 0, 1);

    /* empty, cut, of another process */

    tree_text("proc/22/stat", "");
    tree_text("proc/23/stat", "23 (cut) S 1 1");
    process(24, "other", 0, 1);
    tree_text("proc/24/stat", "5 (good) S 1 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 "
              "1 0 1 4096 1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n");

    /* what is there counts, what is not is not known */

    process(25, "nostatus", 0, 1);
    tree_text("proc/25/status", "Name:\tnostatus\nUid:\t0\t0\t");
    process(26, "nocgroup", 0, 1);
    tree_text("proc/26/cgroup", "");
    tree_text("proc/26/statm", "1 2 3");

    /* no processes */

    tree_text("proc/0/stat", "x");
    tree_text("proc/007/stat", "x");
    tree_text("proc/12x/stat", "x");
    tree_text("proc/4294967301/stat", "x");
    tree_text("proc/99999999999999999999999/stat", "x");
    tree_text("proc/31", "x");

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));
    assert_int_equal(s->nprocs, 6);
    assert_int_equal(s->tasks.total, 6);

    assert_string_equal(text(s, find(s, 6)->name), "a) S 1 (b");
    assert_string_equal(text(s, find(s, 7)->name), "new\nline");

    p = find(s, 8);
    assert_string_equal(text(s, p->name), "Uid:\t0\t0\t0");
    assert_string_equal(text(s, p->username), "one");
    assert_int_equal(p->uid[0], 1);

    p = find(s, 25);
    assert_int_equal(p->have, ALL & ~PM_HAVE_STATUS);
    assert_int_equal(p->euid, getuid());

    p = find(s, 26);
    assert_int_equal(p->have, ALL & ~PM_HAVE_CGROUP & ~PM_HAVE_STATM);
    assert_int_equal(p->cgroup.len, 0);

    pm_scan_destroy(scan);
    tree_remove();
}


/* the real uid is read once in a life, and again after a change of user */

static void
test_uid_is_kept(void **state)
{
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();
    process(5, "a", 0, 1);
    process(6, "b", 0, 1);
    process_status(5, "a", 1, getuid());
    process_status(6, "b", 1, getuid());

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, PM_HAVE_STAT, NULL);
    assert_non_null(s);
    assert_string_equal(text(s, find(s, 5)->username), "one");

    process_status(5, "a", 2, getuid());
    process_status(6, "b", 2, getuid());
    process_stat(6, "b", 0, 2);

    s = pm_scan(scan, PM_HAVE_STAT, s);
    assert_non_null(s);

    p = find(s, 5);
    assert_string_equal(text(s, p->username), "one");
    assert_int_equal(p->uid[0], 1);
    assert_int_equal(p->have, PM_HAVE_STAT);

    /* another process under the same pid */

    assert_string_equal(text(s, find(s, 6)->username), "two");

    /* status tells the truth when it is read */

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);
    assert_string_equal(text(s, find(s, 5)->username), "two");

    pm_scan_destroy(scan);
    tree_remove();
}


static void
test_growth(void **state)
{
    int                   i, n;
    char                  comm[64], expected[64];
    pm_scan_t            *scan;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = NULL;

    for (n = 0; n <= 1500; n += 500) {

        for (i = n - 499; i <= n; i++) {
            if (i > 0) {
                snprintf(comm, sizeof(comm), "process %d with a name", i * 7);
                process(i * 7, comm, i, 1);
            }
        }

        s = pm_scan(scan, ALL, s);
        assert_non_null(s);
        assert_true(pm_snapshot_valid(s, s->size));
        assert_int_equal(s->nprocs, n);
    }

    for (i = 1; i <= 1500; i++) {
        snprintf(expected, sizeof(expected), "process %d with a name", i * 7);
        assert_string_equal(text(s, find(s, i * 7)->comm), expected);
        assert_string_equal(text(s, find(s, i * 7)->username), "one");
        assert_int_equal(find(s, i * 7)->utime, i);
    }

    pm_scan_destroy(scan);
    tree_remove();
}


/* a list that is short because descriptors are would be a lie */

static void
test_no_descriptors(void **state)
{
    int                   fd;
    pm_scan_t            *scan;
    struct rlimit         old, none;
    const pm_snapshot_t  *s;

    (void) state;

    scan = pm_scan_create(FIXTURE);
    assert_non_null(scan);

    fd = open("/dev/null", O_RDONLY);
    assert_true(fd != -1);
    close(fd);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

    s = pm_scan(scan, ALL, NULL);

    if (s) {
        fd = -1;

    } else {
        fd = errno;
    }

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(fd, EMFILE);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_int_equal(s->nprocs, 10);

    pm_scan_destroy(scan);
}


static void
test_valid(void **state)
{
    size_t                size;
    pm_scan_t            *scan;
    pm_proc_t            *p;
    pm_snapshot_t        *c;
    const pm_snapshot_t  *s;

    (void) state;

    scan = pm_scan_create(FIXTURE);
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);

    size = s->size;

#define refuse(change)                                                        \
    c = copy(s);                                                              \
    p = (pm_proc_t *) pm_snapshot_procs(c);                                   \
    (void) p;                                                                 \
    change;                                                                   \
    if (pm_snapshot_valid(c, size)) {                                         \
        fail_msg("valid after " #change);                                     \
    }                                                                         \
    free(c)

    c = copy(s);
    assert_true(pm_snapshot_valid(c, size));
    assert_false(pm_snapshot_valid(c, size - 1));
    assert_false(pm_snapshot_valid(c, 0));
    assert_false(pm_snapshot_valid(NULL, 0));
    free(c);

    refuse(c->magic++);
    refuse(c->layout++);
    refuse(c->size++);
    refuse(c->nprocs = UINT32_MAX);
    refuse(c->ncpus = UINT32_MAX);
    refuse(c->procs_off = size + 8);
    refuse(c->procs_off += 4);
    refuse(c->procs_off = 0);
    refuse(c->cpus_off = UINT64_MAX - 7);
    refuse(c->ticks_per_second = 0);
    refuse(p[0].pid = 0);
    refuse(p[1].pid = p[0].pid);
    refuse(p[9].comm.off = size + 1);
    refuse(p[9].name.len = UINT32_MAX);
    refuse(p[3].username.off = UINT32_MAX);
    refuse(p[3].cgroup.len = size);

    pm_scan_destroy(scan);
}


static void
child(const char *name, int fd)
{
    char  c;

    prctl(PR_SET_NAME, name);

    if (write(fd, "x", 1) == 1) {
        c = 0;
        (void) c;
    }

    for ( ;; ) {
        pause();
    }
}


/* this host, with processes that call themselves what they like */

static void
test_this_host(void **state)
{
    int                   i, fds[2];
    char                  c;
    pid_t                 pids[4];
    uint32_t              k;
    pm_scan_t            *scan;
    const pm_proc_t      *p, *own;
    const pm_snapshot_t  *s;

    static const char  *names[] = {
        "x) R 1 1 1 1", "Uid:\t7\t7\t7", "a\nb\xff\xfe", "123456789012345"
    };

    (void) state;

    assert_int_equal(pipe(fds), 0);

    for (i = 0; i < 4; i++) {

        pids[i] = fork();
        assert_true(pids[i] != -1);

        if (pids[i] == 0) {
            child(names[i], fds[1]);
        }

        assert_int_equal(read(fds[0], &c, 1), 1);
    }

    scan = pm_scan_create("/proc");
    assert_non_null(scan);

    s = NULL;

    for (i = 0; i < 3; i++) {
        s = pm_scan(scan, ALL, s);
        assert_non_null(s);
        assert_true(pm_snapshot_valid(s, s->size));
        assert_true(sum(&s->cpu.percent) == 100);
        assert_int_equal(s->tasks.total, s->nprocs);
        assert_true(s->ncpus > 0);
        assert_true(s->memory.total > 0);
    }

    own = find(s, getpid());
    assert_int_equal(own->ppid, getppid());
    assert_int_equal(own->uid[0], getuid());
    assert_int_equal(own->gid[0], getgid());
    assert_int_equal(own->have, ALL);
    assert_true(own->rss > 0 && own->rss < own->vms);

    for (i = 0; i < 4; i++) {
        p = find(s, pids[i]);
        assert_string_equal(text(s, p->comm), names[i]);
        assert_int_equal(p->ppid, getpid());
        assert_int_equal(p->uid[0], getuid());
        assert_string_equal(text(s, p->username), text(s, own->username));
        assert_true(p->state == 'S' || p->state == 'R');

        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);

    for (i = 0; i < 4; i++) {
        assert_null(pm_snapshot_find(s, pids[i]));
    }

    for (k = 1; k < s->nprocs; k++) {
        assert_true(pm_snapshot_procs(s)[k].pid
                    > pm_snapshot_procs(s)[k - 1].pid);
    }

    close(fds[0]);
    close(fds[1]);
    pm_scan_destroy(scan);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_fixture),
        cmocka_unit_test(test_no_host),
        cmocka_unit_test(test_broken_host),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_broken_processes),
        cmocka_unit_test(test_uid_is_kept),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_this_host)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
