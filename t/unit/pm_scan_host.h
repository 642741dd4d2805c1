
/*
 * A host in a test's own folder for the scan, and looks at a snapshot.
 */


#ifndef _PM_SCAN_HOST_H_INCLUDED_
#define _PM_SCAN_HOST_H_INCLUDED_


#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pm_scan.h"
#include "pm_tree.h"


#define ALL  (PM_HAVE_STAT|PM_HAVE_STATM|PM_HAVE_STATUS|PM_HAVE_CGROUP)


static inline const char *
text(const pm_snapshot_t *s, pm_str_t str)
{
    static char  buf[4][512];
    static int   turn;

    assert_true(str.len < sizeof(buf[0]));

    turn = (turn + 1) % 4;

    memcpy(buf[turn], pm_snapshot_str(s, str), str.len);
    buf[turn][str.len] = '\0';

    return buf[turn];
}


static inline const pm_proc_t *
find(const pm_snapshot_t *s, int32_t pid)
{
    const pm_proc_t  *p;

    p = pm_snapshot_find(s, pid);

    if (p == NULL) {
        fail_msg("process %d is not there", (int) pid);
    }

    return p;
}


/* a host in the tree */

static inline void
host(void)
{
    tree_text("proc/stat", "cpu  10 0 10 80 0 0 0 0 0 0\n"
              "cpu0 10 0 10 80 0 0 0 0 0 0\nbtime 1000\n");
    tree_text("proc/meminfo", "MemTotal:  1000 kB\n");
    tree_text("proc/loadavg", "0.00 0.00 0.00 1/1 1\n");
    tree_text("proc/uptime", "100.00 100.00\n");
    tree_text("etc/passwd", "root:x:0:0::/:\none:x:1:1::/:\ntwo:x:2:2::/:\n");
}


static inline void
process_stat(int pid, const char *comm, unsigned utime, unsigned start)
{
    char  path[64], buf[1024];

    snprintf(path, sizeof(path), "proc/%d/stat", pid);
    snprintf(buf, sizeof(buf), "%d (%s) S 1 1 1 0 -1 0 1 0 0 0 %u 0 0 0 20 0 "
             "1 0 %u 4096 1 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 "
             "0 0 0 0 0 0\n", pid, comm, utime, start);
    tree_text(path, buf);
}


static inline void
process_status(int pid, const char *comm, unsigned uid, unsigned euid)
{
    char  path[64], buf[1024];

    snprintf(path, sizeof(path), "proc/%d/status", pid);
    snprintf(buf, sizeof(buf), "Name:\t%s\nUid:\t%u\t%u\t%u\t%u\n"
             "Gid:\t0\t0\t0\t0\nThreads:\t1\nvoluntary_ctxt_switches:\t5\n"
             "nonvoluntary_ctxt_switches:\t6\n", comm, uid, euid, euid, euid);
    tree_text(path, buf);
}


static inline void
process(int pid, const char *comm, unsigned utime, unsigned start)
{
    char  path[64];

    process_stat(pid, comm, utime, start);
    /* the folder is that of the user who runs the test */
    process_status(pid, comm, 1, geteuid());

    snprintf(path, sizeof(path), "proc/%d/statm", pid);
    tree_text(path, "2 1 0 0 0 1 0\n");

    snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
    tree_text(path, "0::/a\n");
}


#endif /* _PM_SCAN_HOST_H_INCLUDED_ */
