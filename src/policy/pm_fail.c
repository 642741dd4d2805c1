
/* what a failpoint does in the build of the fault run, nothing elsewhere */


#include "pm_fail.h"


#ifdef PROCMGR_FAILPOINTS

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>


#define PM_FAIL_DETAIL  4096


/* the helper has its own, fixed when it is linked */
const char  *pm_fail_dir __attribute__((weak));


void
pm_fail_at(const char *name, const char *detail)
{
    int                 fd, len, err;
    char                text[PM_FAIL_DETAIL + 128];
    ssize_t             n;
    const char         *dir;
    struct sockaddr_un  sa;

    err = errno;
    dir = pm_fail_dir ? pm_fail_dir : getenv("PROCMGR_FAIL_DIR");

    if (dir == NULL) {
        return;
    }

    memset(&sa, 0, sizeof(sa));
    sa.sun_family = AF_UNIX;

    len = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);

    if (len < 0 || (size_t) len >= sizeof(sa.sun_path)) {
        return;
    }

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return;
    }

    if (connect(fd, (struct sockaddr *) &sa, sizeof(sa)) == 0) {

        len = snprintf(text, sizeof(text), "%s %d %.*s", name, (int) getpid(),
                       PM_FAIL_DETAIL, detail ? detail : "");

        n = send(fd, text, (size_t) len, MSG_NOSIGNAL);

        if (n == len && shutdown(fd, SHUT_WR) == 0) {

            do {
                n = read(fd, text, sizeof(text));
            } while (n > 0 || (n == -1 && errno == EINTR));
        }
    }

    close(fd);

    errno = err;
}

#endif
