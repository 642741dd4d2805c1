
/* sizes and durations to read, and the unit in a cgroup's path */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_human.h"
#include "pm_procfs.h"
#include "pm_unit.h"


static void
sizes(void **state)
{
    char    buf[PM_HUMAN_LEN];
    size_t  i;

    static const struct {
        uint64_t     bytes;
        const char  *text;
    } t[] = {
        { 0, "0 B" },
        { 1023, "1023 B" },
        { 1024, "1.0 KiB" },
        { 1536, "1.5 KiB" },
        { 1024 * 1024 - 1, "1.0 MiB" },
        { 1024 * 1024 - 52 * 1024, "972.0 KiB" },
        { UINT64_C(1610612736), "1.5 GiB" },
        { UINT64_C(8089419776), "7.5 GiB" },
        { UINT64_C(1) << 40, "1.0 TiB" },
        { UINT64_MAX, "16.0 EiB" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(pm_human_size(buf, t[i].bytes), strlen(t[i].text));
        assert_string_equal(buf, t[i].text);
    }
}


static void
durations(void **state)
{
    char    buf[PM_HUMAN_LEN];
    size_t  i;

    static const struct {
        double       seconds;
        const char  *text;
    } t[] = {
        { 0, "0 s" },
        { 4.9, "4 s" },
        { 60, "1 min 0 s" },
        { 3599.99, "59 min 59 s" },
        { 3600, "1 h 0 min" },
        { 86399, "23 h 59 min" },
        { 273600, "3 d 4 h" },
        { 31536000.5, "365 d 0 h" },
        { -1, "0 s" },
        { NAN, "0 s" },
        { INFINITY, "0 s" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(pm_human_duration(buf, t[i].seconds),
                         strlen(t[i].text));
        assert_string_equal(buf, t[i].text);
    }
}


static void
units(void **state)
{
    int     proc;
    char    unit[PM_UNIT_LEN], path[2 * PM_UNIT_LEN];
    size_t  i;

    static const struct {
        const char  *path;
        const char  *unit;
    } t[] = {
        { "/system.slice/ssh.service", "ssh.service" },
        { "/system.slice/system-getty.slice/getty@tty1.service",
          "getty@tty1.service" },
        { "/user.slice/user-0.slice/session-3.scope", "session-3.scope" },
        { "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
          "user@1000.service" },
        { "/system.slice/docker-0a1b.scope/init", "docker-0a1b.scope" },
        { "/system.slice/_cpu.service", "cpu.service" },
        { "/init.scope", "init.scope" },
        { "/", "" },
        { "", "" },
        { "/system.slice", "" },
        { "/.service", "" },
        { "/docker/0a1b/x.service", "" },
        { "no.service", "no.service" }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(pm_unit_of(unit, t[i].path, strlen(t[i].path)),
                         strlen(t[i].unit));
        assert_string_equal(unit, t[i].unit);
    }

    /* a name that no unit can have */

    memset(path, 'a', sizeof(path));
    memcpy(path + sizeof(path) - 8, ".service", 8);
    assert_int_equal(pm_unit_of(unit, path, sizeof(path)), 0);

    proc = pm_procfs_open("/proc");
    assert_int_not_equal(proc, -1);
    assert_int_equal(pm_unit_read(unit, proc, 0x7fffffff), 0);
    (void) pm_unit_read(unit, proc, getpid());
    close(proc);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(units),
    };

    return cmocka_run_group_tests_name("human", tests, NULL, NULL);
}
