
/* getdents64() */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pm_fd_keep.h"
#include "pm_parse.h"
#include "pm_procfs.h"


/* links of a folder: "." and "..", then one for each folder in it */
#define PM_FD_KEEP_LINKS  2


static int pm_fd_state_task(pm_fd_state_t *state, int proc, int32_t pid,
    uint64_t threads);
static int pm_fd_state_thread(pm_fd_state_t *state, int dir, int32_t tid);
static int pm_fd_keep_cmp(const void *a, const void *b);


void
pm_fd_keep_free(pm_fd_keep_t *keep)
{
    free(keep->elts);
    free(keep->links);
    memset(keep, 0, sizeof(pm_fd_keep_t));
}


int
pm_fd_state(pm_fd_state_t *state, int proc, int32_t pid)
{
    char         path[PM_PROCFS_PATH];
    uint64_t     threads;
    struct stat  st;

    memset(state, 0, sizeof(pm_fd_state_t));

    /*
     * The threads are counted first: one that is made later needs another
     * that runs.
     */

    if (pm_procfs_path(path, pid, "task") == 0
        || fstatat(proc, path, &st, 0) == -1
        || st.st_nlink <= PM_FD_KEEP_LINKS
        || st.st_nlink > PM_FD_KEEP_LINKS + PM_FD_KEEP_THREADS)
    {
        return -1;
    }

    threads = st.st_nlink - PM_FD_KEEP_LINKS;

    if (threads == 1) {

        if (pm_fd_state_thread(state, proc, pid) == -1) {
            return -1;
        }

    } else if (pm_fd_state_task(state, proc, pid, threads) == -1) {
        return -1;
    }

    if (pm_procfs_path(path, pid, "fd") == 0
        || fstatat(proc, path, &st, 0) == -1)
    {
        return -1;
    }

    state->fds = (uint64_t) st.st_size;

    return 0;
}


static int
pm_fd_state_task(pm_fd_state_t *state, int proc, int32_t pid,
    uint64_t threads)
{
    int               dir, rc;
    char              path[PM_PROCFS_PATH];
    ssize_t           n, off;
    int64_t           tid;
    const char       *end;
    struct dirent64  *e;

    union {
        struct dirent64  first;
        char             data[2048];
    } buf;

    if (pm_procfs_path(path, pid, "task") == 0) {
        return -1;
    }

    dir = openat(proc, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (dir == -1) {
        return -1;
    }

    rc = 0;

    while ((n = getdents64(dir, &buf, sizeof(buf))) > 0 && rc == 0) {

        for (off = 0; off < n && rc == 0; off += e->d_reclen) {
            e = (struct dirent64 *) (buf.data + off);

            if (e->d_name[0] == '.') {
                continue;
            }

            end = e->d_name + strlen(e->d_name);

            if (threads-- == 0
                || pm_parse_i64(e->d_name, end, &tid) != end
                || tid > INT32_MAX)
            {
                rc = -1;
                break;
            }

            rc = pm_fd_state_thread(state, dir, (int32_t) tid);
        }
    }

    close(dir);

    return (rc == 0 && n == 0 && threads == 0) ? 0 : -1;
}


/* of a folder that holds those of processes or of threads */

static int
pm_fd_state_thread(pm_fd_state_t *state, int dir, int32_t tid)
{
    char         path[PM_PROCFS_PATH], buf[128];
    ssize_t      n;
    uint64_t     ran, waited, turns;
    const char  *p, *end;

    if (pm_procfs_path(path, tid, "schedstat") == 0) {
        return -1;
    }

    n = pm_procfs_read(dir, path, buf, sizeof(buf));
    if (n <= 0) {
        return -1;
    }

    end = buf + n;

    p = pm_parse_u64(buf, end, &ran);
    p = p ? pm_parse_u64(pm_parse_blanks(p, end), end, &waited) : NULL;
    p = p ? pm_parse_u64(pm_parse_blanks(p, end), end, &turns) : NULL;

    if (p == NULL || turns == 0) {
        return -1;
    }

    state->threads = state->threads * 31 + (uint64_t) tid;
    state->ran += ran;
    state->turns += turns;

    return 0;
}


void
pm_fd_keep_begin(pm_fd_keep_t *keep, const pm_fd_kept_t *kept)
{
    size_t         n;
    pm_fd_kept_t  *elts;

    if (keep->error) {
        return;
    }

    if (keep->n == keep->allocated) {
        n = keep->allocated ? 2 * keep->allocated : 256;

        elts = realloc(keep->elts, n * sizeof(pm_fd_kept_t));
        if (elts == NULL) {
            keep->error = ENOMEM;
            return;
        }

        keep->elts = elts;
        keep->allocated = n;
    }

    elts = &keep->elts[keep->n++];

    *elts = *kept;
    elts->first = keep->nlinks;
    elts->n = 0;
}


void
pm_fd_keep_link(pm_fd_keep_t *keep, uint64_t inode, int32_t fd)
{
    size_t         n;
    pm_fd_link_t  *links;

    if (keep->error || keep->n == 0) {
        return;
    }

    if (keep->nlinks == keep->allocated_links) {
        n = keep->allocated_links ? 2 * keep->allocated_links : 1024;

        links = (n > PM_FD_HOLDERS)
                ? NULL : realloc(keep->links, n * sizeof(pm_fd_link_t));
        if (links == NULL) {
            keep->error = ENOMEM;
            return;
        }

        keep->links = links;
        keep->allocated_links = n;
    }

    links = &keep->links[keep->nlinks++];

    links->inode = inode;
    links->fd = fd;

    keep->elts[keep->n - 1].n++;
}


void
pm_fd_keep_cut(pm_fd_keep_t *keep)
{
    if (keep->error == 0 && keep->n) {
        keep->nlinks = keep->elts[--keep->n].first;
    }
}


void
pm_fd_keep_sort(pm_fd_keep_t *keep)
{
    if (keep->n > 1) {
        qsort(keep->elts, keep->n, sizeof(pm_fd_kept_t), pm_fd_keep_cmp);
    }
}


static int
pm_fd_keep_cmp(const void *a, const void *b)
{
    const pm_fd_kept_t  *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}


const pm_fd_kept_t *
pm_fd_keep_find(const pm_fd_keep_t *keep, const pm_fd_kept_t *want)
{
    const pm_fd_kept_t  *k;

    if (keep->n == 0) {
        return NULL;
    }

    k = bsearch(want, keep->elts, keep->n, sizeof(pm_fd_kept_t),
                pm_fd_keep_cmp);

    if (k == NULL
        || k->starttime != want->starttime
        || k->state.threads != want->state.threads
        || k->state.ran != want->state.ran
        || k->state.turns != want->state.turns
        || k->state.fds != want->state.fds
        || k->taken + PM_FD_KEEP_AGE > want->taken
        || (k->until && k->until <= want->taken))
    {
        return NULL;
    }

    return k;
}


void
pm_fd_keep_add(const pm_fd_keep_t *keep, const pm_fd_kept_t *kept,
    pm_fd_map_t *map)
{
    size_t  i;

    for (i = kept->first; i < kept->first + kept->n; i++) {
        (void) pm_fd_map_add(map, keep->links[i].inode, kept->pid,
                             keep->links[i].fd);
    }
}
