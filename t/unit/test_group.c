
/* sums over the processes of a snapshot */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_group.h"


#define N  3000


/* a snapshot of n processes, three to a name, of two users, one unit */

static pm_snapshot_t *
snapshot(uint32_t n)
{
    char           *text;
    size_t          size, off;
    uint32_t        i;
    pm_proc_t      *p;
    pm_snapshot_t  *s;

    static const char  unit[] = "/system.slice/x.service";

    size = sizeof(pm_snapshot_t) + n * (sizeof(pm_proc_t) + 64);

    s = calloc(1, size);
    s->size = size;
    s->nprocs = n;
    s->procs_off = sizeof(pm_snapshot_t);

    p = (pm_proc_t *) (s + 1);
    text = (char *) (p + n);

    for (i = 0; i < n; i++, p++, text += 64) {
        off = text - (char *) s;

        p->pid = (int32_t) i + 1;
        p->rss = 4096 * (i + 1);
        p->vms = 8192;
        p->num_threads = 2;
        p->utime = 3;
        p->stime = 4;

        p->name.off = (uint32_t) off;
        p->name.len = (uint32_t) sprintf(text, "n%u", i / 3);
        p->username.off = p->name.off + 16;
        p->username.len = (i % 2) ? 4 : 3;
        strcpy(text + 16, (i % 2) ? "root" : "abc");

        if (i % 3 == 0) {
            p->cgroup.off = p->name.off + 32;
            p->cgroup.len = sizeof(unit) - 1;
            memcpy(text + 32, unit, sizeof(unit));
        }
    }

    return s;
}


static void
by_name(void **state)
{
    size_t             i;
    uint64_t           rss;
    pm_groups_t        g;
    pm_snapshot_t     *s;
    pm_group_smaps_t  *smaps;

    (void) state;

    s = snapshot(N);
    smaps = calloc(N, sizeof(pm_group_smaps_t));

    for (i = 0; i < N; i++) {
        smaps[i].known = (i != 4);
        smaps[i].sums.pss = 10;
    }

    memset(&g, 0, sizeof(g));
    assert_int_equal(pm_groups_make(&g, s, PM_GROUP_NAME, smaps), 0);
    assert_int_equal(g.n, N / 3);

    pm_groups_sort(&g, PM_GROUP_RSS, 1);

    for (i = 0, rss = 0; i < g.n; i++) {
        assert_int_equal(g.elts[i].sum[PM_GROUP_PROCESSES], 3);
        assert_int_equal(g.elts[i].sum[PM_GROUP_THREADS], 6);
        assert_int_equal(g.elts[i].sum[PM_GROUP_TICKS], 21);
        assert_true(i == 0 || g.elts[i].sum[PM_GROUP_RSS]
                              < g.elts[i - 1].sum[PM_GROUP_RSS]);
        rss += g.elts[i].sum[PM_GROUP_RSS];

        if (strcmp(g.elts[i].key, "n1") == 0) {
            assert_int_equal(g.elts[i].unknown, 1);

        } else {
            assert_int_equal(g.elts[i].unknown, 0);
            assert_int_equal(g.elts[i].sum[PM_GROUP_PSS], 30);
        }
    }

    assert_int_equal(rss, 4096ull * N * (N + 1) / 2);
    assert_string_equal(g.elts[0].key, "n999");

    /* what is equal stands by key */

    pm_groups_sort(&g, PM_GROUP_VMS, 1);
    assert_string_equal(g.elts[0].key, "n0");
    assert_string_equal(g.elts[1].key, "n1");
    assert_string_equal(g.elts[2].key, "n10");

    pm_groups_sort(&g, PM_GROUP_KEY, 1);
    assert_string_equal(g.elts[0].key, "n999");

    pm_groups_free(&g);
    free(smaps);
    free(s);
}


static void
by_user_and_unit(void **state)
{
    pm_groups_t     g;
    pm_snapshot_t  *s;

    (void) state;

    s = snapshot(7);

    memset(&g, 0, sizeof(g));
    assert_int_equal(pm_groups_make(&g, s, PM_GROUP_USER, NULL), 0);
    pm_groups_sort(&g, PM_GROUP_KEY, 0);
    assert_int_equal(g.n, 2);
    assert_string_equal(g.elts[0].key, "abc");
    assert_int_equal(g.elts[0].sum[PM_GROUP_PROCESSES], 4);
    assert_int_equal(g.elts[0].unknown, 4);
    assert_string_equal(g.elts[1].key, "root");
    pm_groups_free(&g);

    assert_int_equal(pm_groups_make(&g, s, PM_GROUP_UNIT, NULL), 0);
    pm_groups_sort(&g, PM_GROUP_PROCESSES, 0);
    assert_int_equal(g.n, 2);
    assert_string_equal(g.elts[0].key, "x.service");
    assert_int_equal(g.elts[0].sum[PM_GROUP_PROCESSES], 3);
    assert_int_equal(g.elts[1].len, 0);
    pm_groups_free(&g);

    /* of none there are none */

    s->nprocs = 0;
    assert_int_equal(pm_groups_make(&g, s, PM_GROUP_NAME, NULL), 0);
    assert_int_equal(g.n, 0);
    pm_groups_sort(&g, PM_GROUP_RSS, 1);
    pm_groups_free(&g);

    free(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(by_user_and_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
