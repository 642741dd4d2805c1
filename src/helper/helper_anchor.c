
/*
 * The head of the log's chain, as it was when an action was asked for: kept
 * in the system's log and beside the spool, where who rewrites the database
 * does not reach.  "procmgrctl log verify --anchor" compares.
 */


#include "helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_ANCHORS       "anchors"
#define HELPER_ANCHORS_OLD   "anchors.old"
#define HELPER_ANCHORS_SIZE  (8 * 1024 * 1024)  /* then a new file */
#define HELPER_ANCHOR_LEN    384


const char *
helper_anchor_mark(const helper_t *h)
{
    const char  *p, *mark;

    mark = pm_wire_get(&h->msg, "chain");

    for (p = mark; p && *p; p++) {
        if (*p <= ' ' || *p == 0x7f || p - mark == HELPER_ANCHOR_LEN) {
            return NULL;
        }
    }

    return mark;
}


void
helper_anchor(const helper_t *h, int dir)
{
    int           fd;
    char          line[HELPER_ANCHOR_LEN + 128];
    size_t        n;
    const char   *mark;
    struct stat   st;

    mark = helper_anchor_mark(h);

    if (mark == NULL) {
        return;
    }

    fd = openat(dir, HELPER_ANCHORS,
                O_WRONLY|O_APPEND|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0600);
    if (fd == -1) {
        return;
    }

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        n = (size_t) snprintf(line, sizeof(line), "%lld op=%.36s chain=%s\n",
                              (long long) time(NULL), h->op, mark);

        if (n < sizeof(line) && write(fd, line, n) == (ssize_t) n
            && st.st_size > HELPER_ANCHORS_SIZE)
        {
            (void) renameat(dir, HELPER_ANCHORS, dir, HELPER_ANCHORS_OLD);
        }
    }

    close(fd);
}
