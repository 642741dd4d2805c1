
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_late.h"
#include "pm_pid.h"
#include "pm_procfs.h"


#define PM_LATE_BUF  8192


static int pm_late_parse(pm_late_t *late, int dir, int32_t pid);
static int32_t pm_late_pid(const char *name);
static int pm_late_cmp(const void *a, const void *b);
static int pm_late_key(const void *key, const void *elt);


int
pm_late_read(pm_late_t *late, int proc, int32_t pid)
{
    int   dir, rc;
    char  path[PM_PROCFS_PATH];

    memset(late, 0, sizeof(pm_late_t));

    if (pm_procfs_path(path, pid, "") == 0) {
        return EINVAL;
    }

    /* both files of one process, whoever gets the number meanwhile */

    dir = openat(proc, path, O_PATH|O_DIRECTORY|O_CLOEXEC);
    if (dir == -1) {
        return errno;
    }

    rc = pm_late_parse(late, dir, pid);

    close(dir);

    return rc;
}


static int
pm_late_parse(pm_late_t *late, int dir, int32_t pid)
{
    char        buf[PM_LATE_BUF];
    ssize_t     n;
    uint64_t    tgid;
    pm_slice_t  comm;

    n = pm_procfs_read(dir, "stat", buf, sizeof(buf));

    if (n == -1) {
        return errno;
    }

    if (pm_pid_parse_stat(buf, (size_t) n, &late->proc, &comm) != 0) {
        return ESRCH;
    }

    late->proc.pid = pid;
    late->len = (uint32_t) (comm.len < PM_LATE_COMM ? comm.len
                                                    : PM_LATE_COMM);
    memcpy(late->comm, comm.data, late->len);

    n = pm_procfs_read(dir, "status", buf, sizeof(buf));

    if (n == -1) {
        return errno;
    }

    /* a thread has a folder too, though it is in no list */

    if (pm_pid_status_value(buf, (size_t) n, "Tgid", &tgid) != 0
        || tgid != (uint64_t) pid
        || pm_pid_parse_status(buf, (size_t) n, &late->proc) != 0)
    {
        return ESRCH;
    }

    late->proc.euid = late->proc.uid[1];

    return 0;
}


int
pm_lates_read(pm_lates_t *l, int proc, const pm_snapshot_t *s)
{
    int                rc, fd;
    DIR               *dir;
    size_t             allocated;
    int32_t            pid;
    pm_late_t         *elts;
    struct dirent     *e;

    fd = openat(proc, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }

    dir = fdopendir(fd);
    if (dir == NULL) {
        rc = errno;
        close(fd);
        return rc;
    }

    rc = 0;

    while ((e = readdir(dir)) != NULL) {

        pid = pm_late_pid(e->d_name);

        if (pid == 0 || pm_snapshot_find(s, pid) != NULL) {
            continue;
        }

        if (l->n == l->allocated) {

            if (l->n >= PM_LATE_MAX) {
                rc = E2BIG;
                break;
            }

            allocated = l->allocated ? 2 * l->allocated : 16;

            elts = realloc(l->elts, allocated * sizeof(pm_late_t));
            if (elts == NULL) {
                rc = ENOMEM;
                break;
            }

            l->elts = elts;
            l->allocated = allocated;
        }

        if (pm_late_read(&l->elts[l->n], proc, pid) == 0) {
            l->n++;
        }
    }

    (void) closedir(dir);

    if (l->n > 1) {
        qsort(l->elts, l->n, sizeof(pm_late_t), pm_late_cmp);
    }

    return rc;
}


/* 0 is none */

static int32_t
pm_late_pid(const char *name)
{
    int32_t  pid;

    pid = 0;

    for ( /* void */ ; *name; name++) {

        if (*name < '0' || *name > '9' || pid > 99999999) {
            return 0;
        }

        pid = pid * 10 + (*name - '0');
    }

    return pid;
}


static int
pm_late_cmp(const void *a, const void *b)
{
    const pm_late_t  *x = a, *y = b;

    return (x->proc.pid > y->proc.pid) - (x->proc.pid < y->proc.pid);
}


const pm_late_t *
pm_lates_find(const pm_lates_t *l, int32_t pid)
{
    if (l->n == 0) {
        return NULL;
    }

    return bsearch(&pid, l->elts, l->n, sizeof(pm_late_t), pm_late_key);
}


static int
pm_late_key(const void *key, const void *elt)
{
    int32_t           pid = *(const int32_t *) key;
    const pm_late_t  *late = elt;

    return (pid > late->proc.pid) - (pid < late->proc.pid);
}


void
pm_lates_free(pm_lates_t *l)
{
    free(l->elts);
    memset(l, 0, sizeof(pm_lates_t));
}
