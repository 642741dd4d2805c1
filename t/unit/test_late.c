
/* processes that came after a snapshot */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_late.h"
#include "pm_procfs.h"


static pid_t
child(void)
{
    pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        /* it ends with a test that fails, too */

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void) prctl(PR_SET_NAME, "late) R 1", 0, 0, 0);

        for ( ;; ) {
            (void) pause();
        }
    }

    return pid;
}


static void
one(void **state)
{
    int        proc;
    pid_t      pid;
    pm_late_t  late;

    (void) state;

    proc = pm_procfs_open("/proc");
    assert_int_not_equal(proc, -1);

    pid = child();

    /* until it has its name */

    do {
        assert_int_equal(pm_late_read(&late, proc, pid), 0);
    } while (late.len != 9 || memcmp(late.comm, "late) R 1", 9) != 0);

    assert_int_equal(late.proc.pid, pid);
    assert_int_equal(late.proc.ppid, getpid());
    assert_int_equal(late.proc.uid[0], getuid());
    assert_int_equal(late.proc.euid, geteuid());
    assert_true(late.proc.starttime > 0);
    assert_int_equal(late.proc.kthread, 0);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_not_equal(pm_late_read(&late, proc, pid), 0);

    assert_int_not_equal(pm_late_read(&late, proc, 0x7fffffff), 0);
    assert_int_not_equal(pm_late_read(&late, proc, -1), 0);

    close(proc);
}


static void *
thread(void *data)
{
    *(volatile pid_t *) data = gettid();

    for ( ;; ) {
        (void) pause();
    }

    return NULL;
}


static void
of_a_thread(void **state)
{
    int             proc;
    pm_late_t       late;
    pthread_t       t;
    volatile pid_t  tid;

    (void) state;

    proc = pm_procfs_open("/proc");
    assert_int_not_equal(proc, -1);

    tid = 0;
    assert_int_equal(pthread_create(&t, NULL, thread, (void *) &tid), 0);

    while (tid == 0) {
        (void) usleep(1000);
    }

    assert_int_equal(pm_late_read(&late, proc, tid), ESRCH);
    assert_int_equal(pm_late_read(&late, proc, getpid()), 0);

    (void) pthread_cancel(t);
    (void) pthread_join(t, NULL);

    close(proc);
}


static void
list(void **state)
{
    int                   proc;
    pid_t                 pid;
    pm_scan_t            *scan;
    pm_lates_t            l;
    const pm_late_t      *late;
    const pm_snapshot_t  *s;

    (void) state;

    proc = pm_procfs_open("/proc");
    assert_int_not_equal(proc, -1);

    scan = pm_scan_create("/proc");
    assert_non_null(scan);

    s = pm_scan(scan, PM_HAVE_STAT, NULL);
    assert_non_null(s);

    pid = child();

    memset(&l, 0, sizeof(l));
    assert_null(pm_lates_find(&l, pid));

    assert_int_equal(pm_lates_read(&l, proc, s), 0);

    late = pm_lates_find(&l, pid);
    assert_non_null(late);
    assert_int_equal(late->proc.ppid, getpid());

    /* those of the snapshot are not read again */

    assert_null(pm_lates_find(&l, getpid()));

    pm_lates_free(&l);
    assert_int_equal(l.n, 0);

    (void) kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);

    pm_scan_destroy(scan);
    close(proc);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(one),
        cmocka_unit_test(of_a_thread),
        cmocka_unit_test(list),
    };

    return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
