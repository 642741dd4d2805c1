
/*
 * Processors, memory, disks, sensors and users of a host that is a folder:
 * what the files of real machines and broken ones give.
 */

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utmpx.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "pm_child.h"
#include "pm_cpu.h"
#include "pm_disk.h"
#include "pm_sensor.h"
#include "pm_tree.h"
#include "pm_vm.h"
#include "pm_who.h"


#define CPU  "sys/devices/system/cpu/"


static pm_wraps_t  wraps;


static int
folder(void)
{
    int  root;

    tree_create();

    root = pm_procfs_open(tree);
    assert_true(root != -1);

    return root;
}


static void
test_cpu(void **state)
{
    int              root;
    size_t           n;
    pm_cpu_freq_t   *f, mean;
    pm_cpu_stats_t   s;

    (void) state;

    root = folder();

    assert_int_equal(pm_cpu_stats(root, &s), ENOENT);
    assert_int_equal(pm_cpu_freqs(root, &f, &n), ENOENT);
    assert_int_equal(pm_cpu_cores(root), 0);

    tree_text("proc/stat", "cpu 1 2 3 4\nintr 3426981 0 17\nctxt 10696910\n"
                           "btime 1\nsoftirq 4749207 1 2\n");
    assert_int_equal(pm_cpu_stats(root, &s), 0);
    assert_int_equal(s.ctx_switches, 10696910);
    assert_int_equal(s.interrupts, 3426981);
    assert_int_equal(s.soft_interrupts, 4749207);

    tree_text("proc/stat", "cpu 1 2 3 4\nintr x\nctxt 10696910\n");
    assert_int_equal(pm_cpu_stats(root, &s), ENODATA);

    /* cpuinfo alone: no limits; two sockets of two cores each */

    tree_text("proc/cpuinfo",
              "processor\t: 0\ncpu MHz\t\t: 2596.134\nphysical id\t: 0\n"
              "cpu cores\t: 2\n\n"
              "processor\t: 1\ncpu MHz\t\t: 2600.5\nphysical id\t: 1\n"
              "cpu cores\t: 2\n\n");
    assert_int_equal(pm_cpu_freqs(root, &f, &n), 0);
    assert_int_equal(n, 2);
    assert_true(f[1].current == 2600.5 && f[1].min < 0 && f[1].max < 0);
    pm_cpu_freq_mean(f, n, &mean);
    assert_true(fabs(mean.current - 2598.317) < 0.001 && mean.max < 0);
    free(f);
    assert_int_equal(pm_cpu_cores(root), 4);

    /* cpufreq gives limits; its own "now" where cpuinfo has another number */

    tree_text(CPU "cpufreq/policy0/scaling_cur_freq", "1100000\n");
    tree_text(CPU "cpufreq/policy0/scaling_min_freq", "400000\n");
    tree_text(CPU "cpufreq/policy0/scaling_max_freq", "3600000\n");
    assert_int_equal(pm_cpu_freqs(root, &f, &n), 0);
    assert_int_equal(n, 1);
    assert_true(f[0].current == 1100 && f[0].min == 400
                && f[0].max == 3600);
    free(f);

    tree_text(CPU "cpufreq/policy10/cpuinfo_cur_freq", "900000\n");
    assert_int_equal(pm_cpu_freqs(root, &f, &n), 0);
    assert_int_equal(n, 2);
    assert_true(f[0].current == 2596.134 && f[1].current == 2600.5
                && f[1].max < 0);
    free(f);

    /* four threads of two cores */

    tree_text(CPU "cpu0/topology/thread_siblings_list", "0,2\n");
    tree_text(CPU "cpu1/topology/thread_siblings_list", "1,3\n");
    tree_text(CPU "cpu2/topology/thread_siblings_list", "0,2\n");
    tree_text(CPU "cpu3/topology/thread_siblings_list", "1,3\n");
    assert_int_equal(pm_cpu_cores(root), 2);

    close(root);
    tree_remove();
}


static void
test_memory(void **state)
{
    int        root;
    pm_vm_t    vm;
    pm_swap_t  swap;

    (void) state;

    root = folder();

    assert_int_equal(pm_vm_read(root, &vm, &swap), ENOENT);

    tree_text("proc/meminfo",
              "MemTotal:  7899824 kB\nMemFree:  5210804 kB\n"
              "MemAvailable:  5827944 kB\nBuffers:  2104 kB\n"
              "Cached:  1800000 kB\nSReclaimable:  125092 kB\n"
              "SwapTotal:  7995388 kB\nSwapFree:  7995388 kB\n");
    assert_int_equal(pm_vm_read(root, &vm, &swap), 0);
    assert_int_equal(vm.used / 1024, 761824);
    assert_int_equal(vm.cached / 1024, 1925092);
    assert_true(fabs(vm.percent - 26.2) < 0.05);
    assert_int_equal(swap.used, 0);
    assert_false(swap.have_io);

    /* a container's parts pass its whole */

    tree_text("proc/meminfo",
              "MemTotal:  1000 kB\nMemFree:  600 kB\n"
              "MemAvailable:  5000 kB\nBuffers:  0 kB\n"
              "Cached:  900 kB\nSwapTotal:  10 kB\nSwapFree:  20 kB\n");
    tree_text("proc/vmstat", "nr_free_pages 1\npswpin 3\npswpout 2\n");
    assert_int_equal(pm_vm_read(root, &vm, &swap), 0);
    assert_int_equal(vm.used, 400 * 1024);
    assert_int_equal(vm.available, 600 * 1024);
    assert_int_equal(swap.used, 0);
    assert_int_equal(swap.sin, 3 * 4096);
    assert_int_equal(swap.sout, 2 * 4096);
    assert_true(swap.have_io);

    close(root);
    tree_remove();
}


static void
test_mounts(void **state)
{
    int                root;
    pm_mounts_t        m;
    const pm_mount_t  *p;

    (void) state;

    root = folder();

    assert_int_equal(pm_mounts_read(root, &m), ENOENT);

    tree_text("proc/filesystems", "nodev\tsysfs\nnodev\ttmpfs\nnodev\tnfs4\n"
                                  "\text4\n\tfuseblk\nnodev\tfuse\n");
    tree_text("proc/self/mounts",
              "/dev/sda1 / ext4 rw,relatime 0 0\n"
              "none /run tmpfs rw 0 0\n"
              "server:/x /mnt/n\\040fs nfs4 rw 0 0\n"
              "/dev/sdb1 /mnt/n\\040fs/local ext4 rw 0 0\n"
              "/dev/sdc1 /mnt/n\\040fsx ext4 ro 0 0\n"
              "/dev/sdd1 /win fuseblk rw 0 0\n"
              "sshfs /home/a/remote fuse.sshfs rw 0 0\n"
              "/dev/sde1 /covered ext4 rw 0 0\n"
              "server:/y /covered nfs4 rw 0 0\n"
              "auto /net autofs rw 0 0\n"
              "server:/z /back nfs4 rw 0 0\n"
              "/dev/sdf1 /back ext4 rw 0 0\n"
              "broken\n"
              "virtiofs /v virtiofs rw 0 0");
    assert_int_equal(pm_mounts_read(root, &m), 0);
    assert_int_equal(m.n, 13);

    assert_true(m.elts[0].local && m.elts[0].physical);
    assert_true(m.elts[1].local && !m.elts[1].physical);
    assert_string_equal(m.elts[1].device, "");
    assert_string_equal(m.elts[2].mountpoint, "/mnt/n fs");
    assert_false(m.elts[2].local);
    assert_false(m.elts[3].local);      /* the way leads over the server */
    assert_true(m.elts[4].local);
    assert_false(m.elts[5].local);      /* a program answers */
    assert_false(m.elts[6].local);
    assert_false(m.elts[7].local);      /* what is seen there is remote */
    assert_false(m.elts[8].local);
    assert_false(m.elts[9].local);
    assert_false(m.elts[10].local);
    assert_true(m.elts[11].local);      /* what is seen there is local */
    assert_false(m.elts[12].local);     /* another machine's */

    p = pm_mounts_find(&m, "/mnt/n fs/deep/er");
    assert_string_equal(p->device, "server:/x");
    p = pm_mounts_find(&m, "/mnt/n fsx/deep");
    assert_string_equal(p->device, "/dev/sdc1");
    p = pm_mounts_find(&m, "/covered");
    assert_string_equal(p->device, "server:/y");
    p = pm_mounts_find(&m, "/usr");
    assert_string_equal(p->device, "/dev/sda1");

    pm_mounts_free(&m);
    close(root);
    tree_remove();
}


static void
test_usage(void **state)
{
    const char       *paths[3];
    pm_disk_usage_t   u[3];

    (void) state;

    paths[0] = "/";
    paths[1] = "/no/such/path";
    paths[2] = "/proc";

    assert_int_equal(pm_disk_usages(paths, 3, 5000, u), 0);
    assert_int_equal(u[0].error, 0);
    assert_true(u[0].total > 0 && u[0].total >= u[0].used + u[0].free);
    assert_true(u[0].percent > 0 && u[0].percent <= 100);
    assert_int_equal(u[1].error, ENOENT);
    assert_int_equal(u[2].error, 0);
    assert_int_equal(u[2].total, 0);

    assert_int_equal(pm_disk_usages(paths, 0, 5000, u), 0);
}


/*
 * A file system that never answers, in a mount namespace of its own: a
 * program of the user's that reads no request.  0, or what went wrong; 77:
 * it cannot be made here.
 */

static int
dead_mount(void)
{
    int               fd;
    char              link[128], where[128], options[128];
    const char       *paths[3];
    struct timespec   before, after;
    pm_disk_usage_t   u[3];

    fd = open("/dev/fuse", O_RDWR|O_CLOEXEC);

    snprintf(where, sizeof(where), "%s/dead", tree);
    snprintf(link, sizeof(link), "%s/link", tree);
    snprintf(options, sizeof(options),
             "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);

    if (fd == -1 || unshare(CLONE_NEWNS) == -1
        || mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL) == -1
        || mkdir(where, 0755) == -1 || symlink("dead", link) == -1
        || mount("dead", where, "fuse", 0, options) == -1)
    {
        return 77;
    }

    paths[0] = "/";
    paths[1] = link;
    paths[2] = "/";

    clock_gettime(CLOCK_MONOTONIC, &before);

    if (pm_disk_usages(paths, 3, 300, u) != 0) {
        return 1;
    }

    clock_gettime(CLOCK_MONOTONIC, &after);

    if (u[0].error != 0 || u[1].error != ETIMEDOUT
        || u[2].error != ETIMEDOUT)
    {
        return 2;
    }

    if (after.tv_sec - before.tv_sec > 2) {
        return 3;
    }

    /* the next one asks anew */

    return pm_disk_usages(paths, 1, 5000, u) || u[0].error ? 4 : 0;
}


static void
test_dead_mount(void **state)
{
    int  pid, status;

    (void) state;

    if (geteuid() != 0) {
        skip();
    }

    tree_create();

    pid = fork();

    if (pid == 0) {
        _exit(dead_mount());
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    tree_remove();

    assert_true(WIFEXITED(status));

    if (WEXITSTATUS(status) == 77) {
        skip();
    }

    assert_int_equal(WEXITSTATUS(status), 0);
}


/* a child that never ends is gone after its time, and no signal tells */

static volatile sig_atomic_t  told;


static void
on_child(int signo)
{
    (void) signo;

    told = 1;
}


static void
test_child(void **state)
{
    int               pidfd, pid;
    struct timespec   before, after;

    (void) state;

    signal(SIGCHLD, on_child);

    clock_gettime(CLOCK_MONOTONIC, &before);

    pid = pm_child_start(&pidfd, "procmgr-test");

    if (pid == 0) {
        for ( ;; ) {
            pause();
        }
    }

    assert_int_equal(pid, 1);
    assert_false(pm_child_ended(pidfd, 50));
    pm_child_kill(pidfd);
    assert_true(pm_child_ended(pidfd, 5000));
    close(pidfd);

    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 5);
    assert_int_equal(told, 0);

    signal(SIGCHLD, SIG_DFL);
}


static void
test_disk_io(void **state)
{
    int            root;
    size_t         n;
    pm_disk_io_t  *io, sum;

    (void) state;

    root = folder();

    assert_int_equal(pm_disk_io(root, &io, &n), ENOENT);

    tree_text("proc/diskstats",
              "   8       0 sda 10 1 100 5 20 2 200 6 0 7 8 0 0 0 0 0 0\n"
              "   8       1 sda1 9 1 90 4 19 2 190 5 0 6 7 0 0 0 0 0 0\n"
              " 104       0 cciss/c0d0 1 0 8 1 1 0 8 1 0 2 2\n"
              "   8      16 short 1 2 3 4\n"
              "garbage\n");
    tree_text("sys/block/sda/stat", "");
    tree_text("sys/block/cciss!c0d0/stat", "");

    assert_int_equal(pm_disk_io(root, &io, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(io[0].name, "sda");
    assert_true(io[0].whole && !io[1].whole && io[2].whole);
    assert_int_equal(io[0].value[PM_DISK_READ_COUNT], 10);
    assert_int_equal(io[0].value[PM_DISK_WRITE_COUNT], 20);
    assert_int_equal(io[0].value[PM_DISK_READ_BYTES], 51200);
    assert_int_equal(io[0].value[PM_DISK_WRITE_BYTES], 102400);
    assert_int_equal(io[0].value[PM_DISK_READ_TIME], 5);
    assert_int_equal(io[0].value[PM_DISK_WRITE_TIME], 6);
    assert_int_equal(io[0].value[PM_DISK_READ_MERGED_COUNT], 1);
    assert_int_equal(io[0].value[PM_DISK_WRITE_MERGED_COUNT], 2);
    assert_int_equal(io[0].value[PM_DISK_BUSY_TIME], 7);

    pm_disk_io_sum(io, n, &sum);
    assert_int_equal(sum.value[PM_DISK_READ_COUNT], 11);

    /* milliseconds are 32 bits wide: they begin anew and go on */

    memset(&wraps, 0, sizeof(wraps));

    io[0].value[PM_DISK_BUSY_TIME] = UINT32_MAX;
    assert_int_equal(pm_disk_unwrap(&wraps, io, n, 1), 0);
    io[0].value[PM_DISK_BUSY_TIME] = 5;
    assert_int_equal(pm_disk_unwrap(&wraps, io, n, 1), 0);
    assert_true(io[0].value[PM_DISK_BUSY_TIME]
                == (uint64_t) UINT32_MAX + 5);
    assert_int_equal(io[1].value[PM_DISK_BUSY_TIME], 6);

    free(io);
    close(root);
    tree_remove();
}


static void
test_sensors(void **state)
{
    int           root;
    size_t        n;
    pm_fan_t     *f;
    pm_temp_t    *t;
    pm_battery_t  b;

    (void) state;

    root = folder();

    assert_int_equal(pm_sensor_temps(root, &t, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(pm_sensor_fans(root, &f, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(pm_sensor_battery(root, &b), ENOENT);

    /* zones where no chip has a thermometer */

    tree_text("sys/class/thermal/thermal_zone0/temp", "27800\n");
    tree_text("sys/class/thermal/thermal_zone0/type", "acpitz\n");
    tree_text("sys/class/thermal/thermal_zone0/trip_point_0_type",
              "critical\n");
    tree_text("sys/class/thermal/thermal_zone0/trip_point_0_temp",
              "119000\n");
    tree_text("sys/class/thermal/cooling_device0/type", "Fan\n");
    assert_int_equal(pm_sensor_temps(root, &t, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(t[0].chip, "acpitz");
    assert_true(t[0].current == 27.8 && t[0].critical == 119
                && t[0].high <= PM_SENSOR_UNKNOWN);
    free(t);

    tree_text("sys/class/hwmon/hwmon0/name", "coretemp\n");
    tree_text("sys/class/hwmon/hwmon0/temp10_input", "41000\n");
    tree_text("sys/class/hwmon/hwmon0/temp2_input", "-5500\n");
    tree_text("sys/class/hwmon/hwmon0/temp2_label", "Core 0\n");
    tree_text("sys/class/hwmon/hwmon0/temp2_max", "84000\n");
    tree_text("sys/class/hwmon/hwmon0/temp2_crit", "nonsense\n");
    tree_text("sys/class/hwmon/hwmon0/temp3_input", "");
    tree_text("sys/class/hwmon/hwmon0/temp3_label", "broken\n");
    tree_text("sys/class/hwmon/hwmon1/device/name", "asus\n");
    tree_text("sys/class/hwmon/hwmon1/name", "asus\n");
    tree_text("sys/class/hwmon/hwmon1/device/fan1_input", "3200\n");
    tree_text("sys/class/hwmon/hwmon1/device/fan1_label", "cpu_fan\n");
    assert_int_equal(pm_sensor_temps(root, &t, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(t[0].chip, "coretemp");
    assert_string_equal(t[0].label, "Core 0");
    assert_true(t[0].current == -5.5 && t[0].high == 84
                && t[0].critical <= PM_SENSOR_UNKNOWN);
    assert_true(t[1].current == 41);
    free(t);

    assert_int_equal(pm_sensor_fans(root, &f, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(f[0].label, "cpu_fan");
    assert_int_equal(f[0].current, 3200);
    free(f);

    tree_text("sys/class/power_supply/BAT0/energy_now", "30000000\n");
    tree_text("sys/class/power_supply/BAT0/energy_full", "40000000\n");
    tree_text("sys/class/power_supply/BAT0/power_now", "10000000\n");
    tree_text("sys/class/power_supply/BAT0/status", "Discharging\n");
    assert_int_equal(pm_sensor_battery(root, &b), 0);
    assert_true(b.percent == 75 && b.plugged == 0 && b.secsleft == 10800);

    tree_text("sys/class/power_supply/AC/online", "1\n");
    assert_int_equal(pm_sensor_battery(root, &b), 0);
    assert_true(b.plugged == 1 && b.secsleft == PM_BATTERY_UNLIMITED);

    tree_text("sys/class/power_supply/AC/online", "0\n");
    tree_text("sys/class/power_supply/BAT0/power_now", "0\n");
    assert_int_equal(pm_sensor_battery(root, &b), 0);
    assert_true(b.secsleft == PM_BATTERY_UNKNOWN);

    close(root);
    tree_remove();
}


static void
test_users(void **state)
{
    int            root;
    size_t         n;
    pm_who_t      *who;
    struct utmpx   u[3];

    (void) state;

    root = folder();

    assert_int_equal(pm_who_read(root, &who, &n), ENOENT);

    /* fields that are full have no zero; one that logged out */

    memset(u, 0, sizeof(u));
    u[0].ut_type = USER_PROCESS;
    memset(u[0].ut_user, 'u', sizeof(u[0].ut_user));
    memset(u[0].ut_line, 'l', sizeof(u[0].ut_line));
    memset(u[0].ut_host, 'h', sizeof(u[0].ut_host));
    u[0].ut_tv.tv_sec = 1700000000;
    u[0].ut_pid = 4711;
    u[1].ut_type = DEAD_PROCESS;
    memcpy(u[1].ut_user, "gone", 5);
    u[2].ut_type = USER_PROCESS;
    memcpy(u[2].ut_user, "bob", 4);

    tree_write("run/utmp", u, sizeof(u));
    assert_int_equal(pm_who_read(root, &who, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(strlen(who[0].user), sizeof(u[0].ut_user));
    assert_int_equal(strlen(who[0].host), sizeof(u[0].ut_host));
    assert_int_equal(who[0].started, 1700000000);
    assert_int_equal(who[0].pid, 4711);
    assert_string_equal(who[1].user, "bob");
    assert_string_equal(who[1].terminal, "");
    free(who);

    tree_write("run/utmp", u, sizeof(u) - 1);
    assert_int_equal(pm_who_read(root, &who, &n), 0);
    assert_int_equal(n, 1);
    free(who);

    close(root);
    tree_remove();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_dead_mount),
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_disk_io),
        cmocka_unit_test(test_sensors),
        cmocka_unit_test(test_users)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
