
#include <string.h>

#include "pm_pid.h"
#include "pm_procfs.h"
#include "pm_unit.h"


#define PM_UNIT_CGROUP  4096


static int pm_unit_ends(const char *s, size_t len, const char *suffix);


static const char *const  pm_unit_types[] = {
    ".service", ".scope", ".socket", ".mount", ".swap", NULL
};


size_t
pm_unit_of(char dst[PM_UNIT_LEN], const char *path, size_t len)
{
    size_t       n;
    const char  *p, *end, *slash, *const *type;

    dst[0] = '\0';

    end = path + len;

    for (p = path; p < end; p = slash + 1) {

        slash = memchr(p, '/', (size_t) (end - p));
        if (slash == NULL) {
            slash = end;
        }

        n = (size_t) (slash - p);

        if (n == 0 || pm_unit_ends(p, n, ".slice")) {
            continue;
        }

        /* a name that could be taken for one of the kernel's has a "_" */

        if (*p == '_') {
            p++;
            n--;
        }

        for (type = pm_unit_types; *type; type++) {

            if (n < PM_UNIT_LEN && pm_unit_ends(p, n, *type)) {
                memcpy(dst, p, n);
                dst[n] = '\0';
                return n;
            }
        }

        break;
    }

    return 0;
}


static int
pm_unit_ends(const char *s, size_t len, const char *suffix)
{
    size_t  n;

    n = strlen(suffix);

    return len > n && memcmp(s + len - n, suffix, n) == 0;
}


size_t
pm_unit_read(char dst[PM_UNIT_LEN], int proc, int32_t pid)
{
    char        buf[PM_UNIT_CGROUP], path[PM_PROCFS_PATH];
    ssize_t     n;
    pm_slice_t  cgroup;

    dst[0] = '\0';

    if (pm_procfs_path(path, pid, "cgroup") == 0) {
        return 0;
    }

    n = pm_procfs_read(proc, path, buf, sizeof(buf));

    if (n <= 0 || pm_pid_parse_cgroup(buf, (size_t) n, &cgroup) != 0) {
        return 0;
    }

    return pm_unit_of(dst, cgroup.data, cgroup.len);
}
