
/*
 * The scan: names beyond the kernel's 15 characters, and command lines whose
 * read never ends.
 */


#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "pm_name.h"
#include "pm_scan_host.h"


/* names beyond the kernel's 15 characters */

static void
test_long_names(void **state)
{
    char                  args[6000];
    pm_scan_t            *scan;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    process(5, "short", 0, 1);
    tree_text("proc/5/cmdline", "/bin/shorter");

    process(6, "gnome-terminal-", 0, 1);
    tree_write("proc/6/cmdline", "/usr/bin/gnome-terminal-server\0-x", 34);

    process(7, "gnome-terminal-", 0, 1);
    tree_write("proc/7/cmdline", "other\0", 6);

    process(8, "gnome-terminal-", 0, 1);
    tree_text("proc/8/cmdline", "");

    process(9, "abcdefghijklmno", 0, 1);
    memset(args, 'x', sizeof(args));
    memcpy(args, "abcdefghijklmno long\0", 21);
    tree_write("proc/9/cmdline", args, sizeof(args));

    process(10, "xxxxxxxxxxxxxxx", 0, 1);
    memset(args, 'x', sizeof(args));
    tree_write("proc/10/cmdline", args, sizeof(args));

    process(11, "gnome-terminal-", 0, 1);

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));

    assert_string_equal(text(s, find(s, 5)->name), "short");
    assert_string_equal(text(s, find(s, 6)->name), "gnome-terminal-server");
    assert_string_equal(text(s, find(s, 6)->comm), "gnome-terminal-");
    assert_string_equal(text(s, find(s, 7)->name), "gnome-terminal-");
    assert_string_equal(text(s, find(s, 8)->name), "gnome-terminal-");
    assert_string_equal(text(s, find(s, 9)->name), "abcdefghijklmno long");
    assert_string_equal(text(s, find(s, 10)->name), "xxxxxxxxxxxxxxx");
    assert_string_equal(text(s, find(s, 11)->name), "gnome-terminal-");

    /* kept without another look, until the process or its comm changes */

    assert_int_equal(unlink(tree_path("proc/6/cmdline")), 0);
    tree_text("proc/7/cmdline", "gnome-terminal-client");

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);
    assert_string_equal(text(s, find(s, 6)->name), "gnome-terminal-server");
    assert_string_equal(text(s, find(s, 7)->name), "gnome-terminal-");

    process_stat(6, "gnome-terminal-", 0, 2);
    process_stat(7, "gnome-terminal_", 0, 1);
    tree_text("proc/7/cmdline", "gnome-terminal_new");

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);
    assert_string_equal(text(s, find(s, 6)->name), "gnome-terminal-");
    assert_string_equal(text(s, find(s, 7)->name), "gnome-terminal_new");

    pm_scan_destroy(scan);
    tree_remove();
}


/* more of them than one batch takes */

static void
test_many_long_names(void **state)
{
    int                   i, n;
    char                  path[64], name[64];
    pm_scan_t            *scan;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    for (i = 1; i <= PM_NAMES_BATCH + 500; i++) {
        process(i, i % 3 ? "abcdefghijklmno" : "abc", 0, 1);
        snprintf(path, sizeof(path), "proc/%d/cmdline", i);
        n = snprintf(name, sizeof(name), "/bin/abcdefghijklmno-%d", i);
        tree_write(path, name, n + 1);
    }

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = NULL;

    /* a slow machine may need another scan for the rest */

    for (n = 0; n < 50; n++) {
        s = pm_scan(scan, ALL, s);
        assert_non_null(s);
        assert_true(pm_snapshot_valid(s, s->size));
    }

    for (i = 1; i <= PM_NAMES_BATCH + 500; i++) {
        snprintf(name, sizeof(name), "abcdefghijklmno-%d", i);
        assert_string_equal(text(s, find(s, i)->name), i % 3 ? name : "abc");
    }

    pm_scan_destroy(scan);
    tree_remove();
}


static unsigned  children_ended;

static void
child_ended(int signo)
{
    (void) signo;

    children_ended++;
}


static unsigned
descriptors(void)
{
    DIR       *dir;
    unsigned   n;

    dir = opendir("/proc/self/fd");
    assert_non_null(dir);

    for (n = 0; readdir(dir); n++) { /* void */ }

    closedir(dir);

    return n;
}


static double
milliseconds(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}


/* a read that never ends: nobody opens the other end of a fifo */

static void
test_stuck_arguments(void **state)
{
    int                   i;
    double                start;
    unsigned              fds;
    pm_scan_t            *scan;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    process(5, "abcdefghijklmno", 0, 1);
    tree_write("proc/5/cmdline", "abcdefghijklmno-5", 18);

    process(6, "abcdefghijklmno", 0, 1);
    assert_int_equal(mkfifo(tree_path("proc/6/cmdline"), 0600), 0);

    process(7, "abcdefghijklmno", 0, 1);
    tree_write("proc/7/cmdline", "abcdefghijklmno-7", 18);

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    fds = descriptors();
    children_ended = 0;
    signal(SIGCHLD, child_ended);

    /* a scan waits so long and no longer, what stands behind it waits */

    start = milliseconds();

    s = pm_scan(scan, ALL, NULL);
    assert_non_null(s);
    assert_true(milliseconds() - start >= 45);
    assert_string_equal(text(s, find(s, 6)->name), "abcdefghijklmno");
    assert_string_equal(text(s, find(s, 7)->name), "abcdefghijklmno");

    /* after some tries it is given up: the others are read */

    for (i = 0; i < 20; i++) {
        s = pm_scan(scan, ALL, s);
        assert_non_null(s);
    }

    assert_int_equal(unlink(tree_path("proc/6/cmdline")), 0);
    tree_write("proc/6/cmdline", "abcdefghijklmno-6", 18);

    s = pm_scan(scan, ALL, s);
    assert_non_null(s);

    assert_string_equal(text(s, find(s, 5)->name), "abcdefghijklmno-5");
    assert_string_equal(text(s, find(s, 6)->name), "abcdefghijklmno");
    assert_string_equal(text(s, find(s, 7)->name), "abcdefghijklmno-7");

    /* the program around never hears of the reader, nothing stays of it */

    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(children_ended, 0);
    assert_int_equal(descriptors(), fds);
    assert_int_equal(waitpid(-1, NULL, __WALL), -1);
    assert_int_equal(errno, ECHILD);

    pm_scan_destroy(scan);
    tree_remove();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_many_long_names),
        cmocka_unit_test(test_stuck_arguments)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
