
/* the systemd unit of a process, which its cgroup's path names */


#ifndef _PM_UNIT_H_INCLUDED_
#define _PM_UNIT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_UNIT_LEN  256                /* systemd's own limit, and a zero */


/*
 * The unit in "/system.slice/ssh.service": the first folder below the slices,
 * as systemd has it, so that what a service makes below its own does not
 * count.  Its length; 0 and "" when the path leads to none.
 */
size_t pm_unit_of(char dst[PM_UNIT_LEN], const char *path, size_t len);

/*
 * The same from /proc/<pid>/cgroup, which everybody may read; proc is a
 * descriptor of /proc.  0 and "" also when the process is gone.
 */
size_t pm_unit_read(char dst[PM_UNIT_LEN], int proc, int32_t pid);


#endif /* _PM_UNIT_H_INCLUDED_ */
