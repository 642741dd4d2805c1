
/*
 * The scan for the processes with the most memory: which it reads whole, and
 * what of the others it keeps for the next.
 */


#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_name.h"
#include "pm_scan_host.h"


#define WHOLE  (PM_HAVE_STAT|PM_HAVE_STATM)


static void
size(int pid, unsigned pages)
{
    char  path[64], buf[64];

    snprintf(path, sizeof(path), "proc/%d/statm", pid);
    snprintf(buf, sizeof(buf), "9999 %u 0 0 0 1 0\n", pages);
    tree_text(path, buf);
}


static unsigned
whole(const pm_snapshot_t *s)
{
    unsigned  n;
    uint32_t  i;

    for (i = 0, n = 0; i < s->nprocs; i++) {
        n += (pm_snapshot_procs(s)[i].have & PM_HAVE_STAT) != 0;
    }

    return n;
}


/* a copy, as if it and its samples were so many seconds old */

static pm_snapshot_t *
aged(const pm_snapshot_t *s, unsigned seconds)
{
    uint32_t        i;
    pm_proc_t      *p;
    pm_snapshot_t  *c;

    c = malloc(s->size);
    assert_non_null(c);
    memcpy(c, s, s->size);

    p = (pm_proc_t *) pm_snapshot_procs(c);

    for (i = 0; i < c->nprocs; i++) {
        if (p[i].sampled) {
            p[i].sampled -= seconds * UINT64_C(1000000000);
        }
    }

    c->monotonic_ns -= seconds * UINT64_C(1000000000);

    return c;
}


static void
test_parts(void **state)
{
    (void) state;

    assert_int_equal(pm_scan_parts(PM_HAVE_LARGEST), PM_HAVE_LARGEST);
    assert_int_equal(pm_scan_parts(0), PM_HAVE_STAT);
    assert_int_equal(pm_scan_parts(PM_HAVE_STAT), PM_HAVE_STAT);
    assert_int_equal(pm_scan_parts(PM_HAVE_STATM), WHOLE|PM_HAVE_LARGEST);
    assert_int_equal(pm_scan_parts(PM_HAVE_LARGEST|PM_HAVE_CGROUP),
                     WHOLE|PM_HAVE_LARGEST|PM_HAVE_CGROUP);
}


static void
test_which(void **state)
{
    int                   i;
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;

    (void) state;

    tree_create();
    host();

    /* equal ones are taken by their pids, so that 41 is the last */

    for (i = 1; i <= 60; i++) {
        process(i, "same", 0, 1);
        size(i, i > 30 && i <= 50 ? 700 : 5);
    }

    size(3, 900);
    size(59, 800);
    size(60, 701);

    /* those without a stat file give their places to others */

    assert_int_equal(unlink(tree_path("proc/3/stat")), 0);
    assert_int_equal(unlink(tree_path("proc/32/stat")), 0);

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, PM_HAVE_LARGEST, NULL);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));

    assert_int_equal(s->nprocs, 60);
    assert_int_equal(whole(s), PM_SCAN_LARGEST);
    assert_int_equal(s->tasks.total, 0);
    assert_int_equal(s->memory.total, 1000);

    for (i = 1; i <= 60; i++) {
        p = find(s, i);
        assert_int_equal(p->have & WHOLE,
                         i >= 59 || (i > 30 && i <= 45 && i != 32)
                         ? WHOLE : PM_HAVE_STATM);
        assert_int_equal(p->rss / sysconf(_SC_PAGESIZE),
                         i == 3 ? 900 : i == 59 ? 800 : i == 60 ? 701
                         : i > 30 && i <= 50 ? 700 : 5);
    }

    p = find(s, 59);
    assert_int_equal(p->num_threads, 1);
    assert_int_equal(p->starttime, 1);
    assert_string_equal(text(s, p->name), "same");
    assert_string_equal(text(s, p->username), "one");

    /* there may be fewer, and none at all */

    for (i = 8; i <= 60; i++) {
        char  path[64];

        snprintf(path, sizeof(path), "proc/%d/statm", i);
        (void) unlink(tree_path(path));
    }

    s = pm_scan(scan, PM_HAVE_LARGEST, s);
    assert_non_null(s);
    assert_int_equal(s->nprocs, 7);
    assert_int_equal(whole(s), 6);

    for (i = 1; i < 8; i++) {
        char  path[64];

        snprintf(path, sizeof(path), "proc/%d/statm", i);
        (void) unlink(tree_path(path));
    }

    s = pm_scan(scan, PM_HAVE_LARGEST, s);
    assert_non_null(s);
    assert_int_equal(s->nprocs, 0);
    assert_true(pm_snapshot_valid(s, s->size));

    pm_scan_destroy(scan);
    tree_remove();
}


/* samples, users and names last through the scans that do not read them */

static void
test_kept(void **state)
{
    int                   i;
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;
    pm_snapshot_t        *prev;

    (void) state;

    tree_create();
    host();

    for (i = 1; i <= 40; i++) {
        process(i, i == 2 ? "gnome-terminal-" : "same", 1000, 7);
        size(i, 10 * i);
    }

    tree_text("proc/2/cmdline", "gnome-terminal-server");

    scan = pm_scan_create(tree_path("proc"));
    assert_non_null(scan);

    s = pm_scan(scan, WHOLE, NULL);
    assert_non_null(s);
    assert_string_equal(text(s, find(s, 2)->name), "gnome-terminal-server");
    prev = aged(s, 10);

    /* nobody is there any more to tell the long name again */

    assert_int_equal(unlink(tree_path("proc/2/cmdline")), 0);
    assert_int_equal(unlink(tree_path("proc/2/status")), 0);

    process(40, "same", 1000 + 4 * s->ticks_per_second, 7);
    size(40, 400);

    s = pm_scan(scan, PM_HAVE_LARGEST, prev);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));
    free(prev);

    p = find(s, 40);
    assert_true(p->cpu_percent > 35 && p->cpu_percent <= 40);
    assert_true(find(s, 39)->cpu_percent == 0);
    assert_int_equal(find(s, 2)->have, PM_HAVE_STATM);
    assert_int_equal(find(s, 2)->username.len, 0);

    /* ten seconds later 40 is small, has its sample of then, and 2 is large */

    prev = aged(s, 10);
    s = pm_scan(scan, PM_HAVE_LARGEST, prev);
    assert_non_null(s);
    free(prev);

    process_stat(2, "gnome-terminal-", 1000 + 2 * s->ticks_per_second, 7);
    size(2, 5000);
    size(40, 1);

    prev = aged(s, 10);
    s = pm_scan(scan, PM_HAVE_LARGEST, prev);
    assert_non_null(s);
    free(prev);

    p = find(s, 2);
    assert_int_equal(p->have & WHOLE, WHOLE);
    assert_string_equal(text(s, p->name), "gnome-terminal-server");
    assert_string_equal(text(s, p->username), "one");

    /* its last sample was thirty seconds ago */

    assert_true(p->cpu_percent > 6 && p->cpu_percent <= 6.7);

    /* a scan of all compares each with its own last sample */

    process(40, "same", 1000 + 9 * s->ticks_per_second, 7);

    for (i = 3; i < 40; i++) {
        process(i, "same", 1000 + 4 * s->ticks_per_second, i == 20 ? 8 : 7);
    }

    prev = aged(s, 10);
    s = pm_scan(scan, WHOLE, prev);
    assert_non_null(s);
    free(prev);

    p = find(s, 40);
    assert_true(p->cpu_percent > 22 && p->cpu_percent <= 25);
    p = find(s, 5);
    assert_true(p->cpu_percent > 9 && p->cpu_percent <= 10);
    assert_true(find(s, 20)->cpu_percent == 0);
    assert_true(find(s, 2)->cpu_percent == 0);
    assert_int_equal(s->tasks.total, 40);

    pm_scan_destroy(scan);
    tree_remove();
}


/* this host: the same ones as by a scan of all */

static void
test_this_host(void **state)
{
    unsigned              n;
    uint32_t              i;
    uint64_t              least;
    pm_scan_t            *scan;
    const pm_proc_t      *p;
    const pm_snapshot_t  *s;

    (void) state;

    scan = pm_scan_create("/proc");
    assert_non_null(scan);

    s = pm_scan(scan, PM_HAVE_LARGEST, NULL);
    assert_non_null(s);
    assert_true(pm_snapshot_valid(s, s->size));

    n = whole(s);
    assert_true(n == PM_SCAN_LARGEST || n == s->nprocs);

    /* nobody else is larger, but for what grew between the two steps */

    least = UINT64_MAX;
    p = pm_snapshot_procs(s);

    for (i = 0; i < s->nprocs; i++) {
        if ((p[i].have & PM_HAVE_STAT) && p[i].rss < least) {
            least = p[i].rss;
        }
    }

    for (i = 0; i < s->nprocs; i++) {
        if (!(p[i].have & PM_HAVE_STAT)) {
            assert_true(p[i].rss <= least + least / 2 + (1 << 24));
        }
    }

    pm_scan_destroy(scan);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_this_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
