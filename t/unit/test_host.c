
/*
 * The system files of /proc and the facts of the host.
 */


#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utmpx.h>

#include <cmocka.h>

#include "pm_host.h"
#include "pm_procfs.h"
#include "pm_tree.h"


#define FIXTURE  PM_FIXTURES "/debian"


static pm_buf_t  file;


static size_t
load(const char *path)
{
    ssize_t  n;

    n = pm_procfs_read_all(AT_FDCWD, path, &file, 1024 * 1024);
    assert_true(n >= 0);

    return n;
}


/* the same text in a block that ends with it */

static const char *
cut(const char *text, size_t len)
{
    static char  *block;

    free(block);
    block = NULL;

    if (text == NULL) {
        return NULL;
    }

    block = malloc(len + 1);
    assert_non_null(block);

    memcpy(block, text, len);
    block[len] = '\0';

    return block;
}


static void
test_stat(void **state)
{
    size_t           n;
    uint32_t         ncpus;
    uint64_t         btime;
    pm_cpu_t         cpus[2];
    pm_cpu_ticks_t   all;

    (void) state;

    n = load(FIXTURE "/proc/stat");

    assert_int_equal(pm_host_parse_stat(file.data, n, &all, cpus, 2, &ncpus,
                                        &btime),
                     0);
    assert_int_equal(ncpus, 4);
    assert_int_equal(btime, 1418183276);
    assert_int_equal(all.user, 10132153);
    assert_int_equal(all.nice, 290696);
    assert_int_equal(all.softirq, 25195);
    assert_int_equal(all.steal, 0);
    assert_int_equal(all.guest, 175628);
    assert_int_equal(cpus[0].ticks.user, 1393280);
    assert_int_equal(cpus[1].ticks.idle, 13384220);

    while (n > 0) {
        n--;
        (void) pm_host_parse_stat(cut(file.data, n), n, &all, cpus, 2, &ncpus,
                                  &btime);
    }

    cut(NULL, 0);

    /* an old kernel has fewer columns */

    assert_int_equal(pm_host_parse_stat("cpu  1 2 3 4\nbtime 5\n", 21, &all,
                                        cpus, 2, &ncpus, &btime),
                     0);
    assert_int_equal(all.idle, 4);
    assert_int_equal(all.iowait, 0);
    assert_int_equal(ncpus, 0);

    assert_int_equal(pm_host_parse_stat("cpu  1 2 3\nbtime 5\n", 19, &all,
                                        cpus, 2, &ncpus, &btime),
                     -1);
    assert_int_equal(pm_host_parse_stat("btime 5\n", 8, &all, cpus, 2, &ncpus,
                                        &btime),
                     -1);
    assert_int_equal(pm_host_parse_stat("", 0, &all, cpus, 2, &ncpus, &btime),
                     -1);
}


static void
test_meminfo(void **state)
{
    size_t       n;
    pm_memory_t  m;

    (void) state;

    n = load(FIXTURE "/proc/meminfo");

    assert_int_equal(pm_host_parse_meminfo(file.data, n, &m), 0);
    assert_int_equal(m.total, 7899824);
    assert_int_equal(m.free, 5210804);
    assert_int_equal(m.available, 5827944);
    assert_int_equal(m.buffers, 132112);
    assert_int_equal(m.cached, 1640336);
    assert_int_equal(m.sreclaimable, 154748);
    assert_int_equal(m.shmem, 19240);
    assert_int_equal(m.active, 1407484);
    assert_int_equal(m.inactive, 1001884);
    assert_int_equal(m.slab, 211412);
    assert_int_equal(m.swap_total, 7995388);
    assert_int_equal(m.swap_free, 7995380);
    assert_int_equal(m.swap_cached, 12);

    assert_int_equal(pm_host_parse_meminfo("MemTotal:  1 kB\n", 16, &m), 0);
    assert_int_equal(m.total, 1);
    assert_int_equal(m.free, 0);

    assert_int_equal(pm_host_parse_meminfo("MemTotal:  1", 12, &m), -1);
    assert_int_equal(pm_host_parse_meminfo("MemFree:  1 kB\n", 15, &m), -1);
    assert_int_equal(pm_host_parse_meminfo("", 0, &m), -1);
}


static void
test_small_files(void **state)
{
    int            full;
    double         load3[3], uptime;
    size_t         n;
    pm_pressure_t  some, all;

    (void) state;

    n = load(FIXTURE "/proc/loadavg");
    assert_int_equal(pm_host_parse_loadavg(file.data, n, load3), 0);
    assert_true(load3[0] == 0.2 && load3[1] == 1.18 && load3[2] == 12.09);
    assert_int_equal(pm_host_parse_loadavg("0.20 1.18 12.0", 14, load3), -1);
    assert_int_equal(pm_host_parse_loadavg("", 0, load3), -1);

    n = load(FIXTURE "/proc/uptime");
    assert_int_equal(pm_host_parse_uptime(file.data, n, &uptime), 0);
    assert_true(uptime == 350735.47);
    assert_int_equal(pm_host_parse_uptime("350735.4", 8, &uptime), -1);

    n = load(FIXTURE "/proc/pressure/cpu");
    assert_int_equal(pm_host_parse_pressure(file.data, n, &some, &all, &full),
                     0);
    assert_int_equal(full, 1);
    assert_true(some.avg10 == 0.12 && some.avg60 == 3.4);
    assert_int_equal(some.total, 8434843);

    n = load(FIXTURE "/proc/pressure/memory");
    assert_int_equal(pm_host_parse_pressure(file.data, n, &some, &all, &full),
                     0);
    assert_int_equal(full, 0);

    assert_int_equal(pm_host_parse_pressure("some avg10=0.1", 14, &some, &all,
                                            &full),
                     -1);
    assert_int_equal(pm_host_parse_pressure("", 0, &some, &all, &full), -1);
}


static double
sum(const pm_cpu_percent_t *p)
{
    return (p->us * 10 + p->sy * 10 + p->ni * 10 + p->id * 10 + p->wa * 10
            + p->hi * 10 + p->si * 10 + p->st * 10) / 10;
}


static void
test_percent(void **state)
{
    int                i;
    uint64_t           seed;
    pm_cpu_ticks_t     a, b;
    pm_cpu_percent_t   p;

    (void) state;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));

    assert_int_equal(pm_host_cpu_percent(&a, &b, &p), -1);

    /* guest is a part of user: it is not counted again */

    b.user = 50;
    b.guest = 50;
    b.idle = 50;

    assert_int_equal(pm_host_cpu_percent(&a, &b, &p), 0);
    assert_true(p.us == 50 && p.id == 50 && sum(&p) == 100);

    assert_int_equal(pm_host_cpu_percent(NULL, &b, &p), 0);
    assert_true(p.us == 50 && p.id == 50);

    /* thirds: the rest goes somewhere */

    b.user = 1;
    b.idle = 1;
    b.system = 1;

    assert_int_equal(pm_host_cpu_percent(&a, &b, &p), 0);
    assert_true(sum(&p) == 100);
    assert_true(p.us >= 33.3 && p.us <= 33.4);

    /* what went back counts as nothing */

    a.idle = 1000;
    a.iowait = 10;

    assert_int_equal(pm_host_cpu_percent(&a, &b, &p), 0);
    assert_true(p.id == 0 && p.wa == 0 && p.us == 50 && p.sy == 50);

    seed = 88172645463325252ULL;

    memset(&a, 0, sizeof(a));

    for (i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;

        b.user = seed & 0xff;
        b.nice = seed >> 8 & 0xf;
        b.system = seed >> 12 & 0xff;
        b.idle = seed >> 20 & 0xffff;
        b.iowait = seed >> 36 & 0xff;
        b.irq = seed >> 44 & 0xf;
        b.softirq = seed >> 48 & 0xff;
        b.steal = (seed >> 56 & 0xff) + 1;

        assert_int_equal(pm_host_cpu_percent(&a, &b, &p), 0);
        assert_true(sum(&p) == 100);
    }
}


static char  value[256];

static const char *
fact(const char *name)
{
    int  rc;

    rc = pm_host_fact_at(FIXTURE, name, value, sizeof(value));

    return rc ? strerror(rc) : value;
}


static void
test_facts(void **state)
{
    (void) state;

    assert_string_equal(fact("os_type"), "Linux");
    assert_string_equal(fact("os_version"),
                        "Debian GNU/Linux 12 (\"bookworm\")");
    assert_string_equal(fact("hostname"), "fixture");
    assert_string_equal(fact("kernel"), "6.1.0-18-amd64");
    assert_string_equal(fact("boot_time"), "1418183276");
    assert_string_equal(fact("uptime"), "350735.47");
    assert_string_equal(fact("timezone"), "Asia/Shanghai");
    assert_string_equal(fact("cpu_model"),
                        "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz");
    assert_string_equal(fact("cpu_count"), "4");
    assert_string_equal(fact("load"), "0.20 1.18 12.09");
    assert_string_equal(fact("memory_total"), "8089419776");
    assert_string_equal(fact("virtualization"), "vm");

    /* 3 of crontab with times, 1 @daily, 1 of cron.d; not the backup */

    assert_string_equal(fact("schedule"), "5");

    /* not there: why */

    assert_string_equal(fact("users"), strerror(ENOENT));
    assert_string_equal(fact("nonsense"), strerror(EINVAL));

    assert_int_equal(pm_host_fact_at("/nonexistent", "os_type", value, 16),
                     ENOENT);
    assert_int_equal(pm_host_fact_at(FIXTURE, "os_version", value, 8), 0);
    assert_string_equal(value, "Debian ");
    assert_int_equal(pm_host_fact_at(FIXTURE, "os_version", value, 0), EINVAL);
}


static void
test_every_fact_answers(void **state)
{
    int     rc;
    size_t  i;

    (void) state;

    for (i = 0; pm_host_facts[i].name; i++) {

        memset(value, 'x', sizeof(value));

        rc = pm_host_fact(pm_host_facts[i].name, value, sizeof(value));

        assert_true(rc >= 0 && rc != EINVAL);
        assert_non_null(memchr(value, '\0', sizeof(value)));

        if (rc == 0) {
            assert_true(value[0] != '\0');

            if (pm_host_facts[i].type == PM_FACT_NUMBER) {
                assert_int_equal(strspn(value, "0123456789."), strlen(value));
            }
        }
    }

    assert_int_equal(i, 15);
}


static const char *
own(const char *name)
{
    int  rc;

    rc = pm_host_fact_at(tree, name, value, sizeof(value));

    return rc ? strerror(rc) : value;
}


static void
test_odd_hosts(void **state)
{
    size_t         i;
    struct utmpx   u[3];

    (void) state;

    tree_create();

    assert_string_equal(own("os_version"), strerror(ENOENT));
    assert_string_equal(own("schedule"), strerror(ENOENT));
    assert_string_equal(own("timezone"), strerror(ENOENT));
    assert_string_equal(own("virtualization"), "none");

    /* os-release: quotes, escapes, no value, no newline at the end */

    tree_text("etc/os-release", "PRETTY_NAME=\nNAME='One $two \\three'");
    assert_string_equal(own("os_version"), "One $two \\three");

    tree_text("etc/os-release", "XPRETTY_NAME=x\nPRETTY_NAME=Plain word\n");
    assert_string_equal(own("os_version"), "Plain");

    tree_text("etc/os-release", "PRETTY_NAME=\"never closed\\");
    assert_string_equal(own("os_version"), "never closed\\");

    tree_text("etc/os-release", "");
    assert_string_equal(own("os_version"), strerror(ENODATA));

    /* the link tells more than the file */

    tree_text("etc/timezone", "Wrong/Zone\n");
    assert_int_equal(symlink("../usr/share/zoneinfo/Europe/Berlin",
                             tree_path("etc/localtime")),
                     0);
    assert_string_equal(own("timezone"), "Europe/Berlin");

    assert_int_equal(unlink(tree_path("etc/localtime")), 0);
    tree_text("etc/localtime", "TZif2");
    assert_string_equal(own("timezone"), "Wrong/Zone");

    /* an ARM board has a model, a table of firmware a vendor */

    tree_text("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00\n\n"
              "Model\t\t: Raspberry Pi 4\n");
    assert_string_equal(own("cpu_model"), "Raspberry Pi 4");

    tree_text("proc/cpuinfo", "processor\t: 0\n");
    assert_string_equal(own("cpu_model"), strerror(ENODATA));

    tree_text("sys/class/dmi/id/sys_vendor", "QEMU\n");
    assert_string_equal(own("virtualization"), "qemu");

    tree_text("proc/1/cgroup", "0::/kubepods.slice/a\n");
    assert_string_equal(own("virtualization"), "kubernetes");

    tree_text("run/systemd/container", "lxc\n");
    assert_string_equal(own("virtualization"), "lxc");

    /* sessions */

    memset(u, 0, sizeof(u));

    for (i = 0; i < 3; i++) {
        u[i].ut_type = i ? USER_PROCESS : BOOT_TIME;
        memset(u[i].ut_user, 'a', sizeof(u[i].ut_user));
    }

    tree_write("run/utmp", u, sizeof(u));
    assert_string_equal(own("users"), "2");

    tree_write("run/utmp", u, sizeof(u) - 1);
    assert_string_equal(own("users"), "1");

    tree_text("run/utmp", "");
    assert_string_equal(own("users"), "0");

    tree_text("etc/crontab", "* * * * * root x");
    assert_string_equal(own("schedule"), "1");

    tree_remove();
}


static int
teardown(void **state)
{
    (void) state;

    pm_buf_free(&file);
    cut(NULL, 0);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_meminfo),
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_every_fact_answers),
        cmocka_unit_test(test_odd_hosts)
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
