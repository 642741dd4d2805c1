
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utmpx.h>

#include "pm_procfs.h"
#include "pm_who.h"


#define PM_WHO_FILE  (16 * 1024 * 1024)


static void pm_who_copy(char *dst, size_t size, const char *src, size_t len);


int
pm_who_read(int root, pm_who_t **who, size_t *n)
{
    int            rc;
    size_t         i, len;
    ssize_t        size;
    pm_buf_t       buf = { NULL, 0 };
    pm_who_t      *w;
    struct utmpx   u;

    *n = 0;
    *who = NULL;

    size = pm_procfs_read_all(root, "run/utmp", &buf, PM_WHO_FILE);

    if (size == -1 && errno == ENOENT) {
        size = pm_procfs_read_all(root, "var/run/utmp", &buf, PM_WHO_FILE);
    }

    if (size == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    len = (size_t) size / sizeof(struct utmpx);

    *who = malloc((len + 1) * sizeof(pm_who_t));

    if (*who == NULL) {
        pm_buf_free(&buf);
        return ENOMEM;
    }

    for (i = 0; i < len; i++) {

        memcpy(&u, buf.data + i * sizeof(struct utmpx),
               sizeof(struct utmpx));

        if (u.ut_type != USER_PROCESS || u.ut_user[0] == '\0') {
            continue;
        }

        w = &(*who)[(*n)++];

        pm_who_copy(w->user, sizeof(w->user), u.ut_user, sizeof(u.ut_user));
        pm_who_copy(w->terminal, sizeof(w->terminal), u.ut_line,
                    sizeof(u.ut_line));
        pm_who_copy(w->host, sizeof(w->host), u.ut_host, sizeof(u.ut_host));

        w->started = u.ut_tv.tv_sec;
        w->pid = u.ut_pid;
    }

    pm_buf_free(&buf);

    return 0;
}


/* a field that is full has no zero at its end */

static void
pm_who_copy(char *dst, size_t size, const char *src, size_t len)
{
    len = strnlen(src, len < size ? len : size - 1);

    memcpy(dst, src, len);
    dst[len] = '\0';
}
