
/* getdents64(), statx(), memrchr() */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pm_fd.h"
#include "pm_fd_keep.h"


#define PM_FD_BUF      32768
#define PM_FD_NOWHERE  UINT32_MAX


static pm_fd_slot_t *pm_fd_map_slot(const pm_fd_map_t *m, uint64_t inode);
static int pm_fd_map_cmp(const void *a, const void *b);
static int pm_fd_open(pm_fd_walk_t *w, int32_t pid);
static int pm_fd_check(int dir, uint64_t starttime);
static int pm_fd_number(const char *s);


int
pm_fd_map_init(pm_fd_map_t *m, size_t n)
{
    size_t  size;

    memset(m, 0, sizeof(pm_fd_map_t));

    m->last = PM_FD_NOWHERE;

    /* at most half full, so that a miss costs one or two probes */

    for (size = 64; size < 2 * n; size *= 2) { /* void */ }

    m->slots = calloc(size, sizeof(pm_fd_slot_t));
    if (m->slots == NULL) {
        m->error = ENOMEM;
        return ENOMEM;
    }

    m->mask = size - 1;

    return 0;
}


void
pm_fd_map_free(pm_fd_map_t *m)
{
    free(m->slots);
    free(m->holders);
    memset(m, 0, sizeof(pm_fd_map_t));
}


void
pm_fd_map_want(pm_fd_map_t *m, uint64_t inode)
{
    pm_fd_slot_t  *slot;

    if (inode == 0 || 2 * m->used > m->mask) {
        return;
    }

    slot = pm_fd_map_slot(m, inode);

    if (slot->inode == 0) {
        slot->inode = inode;
        m->used++;
    }
}


/* its slot, or the free one where it would stand */

static pm_fd_slot_t *
pm_fd_map_slot(const pm_fd_map_t *m, uint64_t inode)
{
    size_t  i;

    i = (size_t) ((inode * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & m->mask;

    while (m->slots[i].inode != 0 && m->slots[i].inode != inode) {
        i = (i + 1) & m->mask;
    }

    return &m->slots[i];
}


int
pm_fd_map_add(pm_fd_map_t *m, uint64_t inode, int32_t pid, int32_t fd)
{
    size_t           allocated;
    uint32_t         slot;
    pm_fd_slot_t    *s;
    pm_fd_holder_t  *holders;

    if (m->error || inode == 0) {
        return 0;
    }

    if (m->keep) {
        pm_fd_keep_link(m->keep, inode, fd);
    }

    s = pm_fd_map_slot(m, inode);

    if (s->inode == 0) {
        return 0;
    }

    slot = (uint32_t) (s - m->slots);

    if (slot == m->last && pid == m->last_pid) {

        if (m->last_n == PM_FD_DUPS) {
            m->truncated = 1;
            return 0;
        }

        m->last_n++;

    } else {
        m->last = slot;
        m->last_pid = pid;
        m->last_n = 1;
    }

    if (m->n == m->allocated) {

        if (m->n == PM_FD_HOLDERS) {
            m->truncated = 1;
            return 0;
        }

        allocated = m->allocated ? 2 * m->allocated : 256;

        holders = realloc(m->holders, allocated * sizeof(pm_fd_holder_t));
        if (holders == NULL) {
            m->error = ENOMEM;
            return 0;
        }

        m->holders = holders;
        m->allocated = allocated;
    }

    m->holders[m->n].slot = slot;
    m->holders[m->n].pid = pid;
    m->holders[m->n].fd = fd;
    m->n++;

    return 1;
}


void
pm_fd_map_cut(pm_fd_map_t *m, size_t n)
{
    m->n = n;
    m->last = PM_FD_NOWHERE;
}


void
pm_fd_map_sort(pm_fd_map_t *m)
{
    size_t           i, n;
    pm_fd_slot_t    *slot;
    pm_fd_holder_t  *h;

    h = m->holders;

    if (m->n > 1) {
        qsort(h, m->n, sizeof(pm_fd_holder_t), pm_fd_map_cmp);
    }

    for (i = 0; i <= m->mask; i++) {
        m->slots[i].n = 0;
    }

    n = 0;

    for (i = 0; i < m->n; i++) {

        if (n > 0 && pm_fd_map_cmp(&h[n - 1], &h[i]) == 0) {
            continue;
        }

        h[n] = h[i];

        slot = &m->slots[h[n].slot];

        if (slot->n++ == 0) {
            slot->first = (uint32_t) n;
        }

        n++;
    }

    pm_fd_map_cut(m, n);
}


static int
pm_fd_map_cmp(const void *a, const void *b)
{
    const pm_fd_holder_t  *x = a, *y = b;

    if (x->slot != y->slot) {
        return (x->slot > y->slot) ? 1 : -1;
    }

    if (x->pid != y->pid) {
        return (x->pid > y->pid) ? 1 : -1;
    }

    return (x->fd > y->fd) - (x->fd < y->fd);
}


const pm_fd_holder_t *
pm_fd_map_find(const pm_fd_map_t *m, uint64_t inode, size_t *n)
{
    pm_fd_slot_t  *slot;

    *n = 0;

    if (inode == 0) {
        return NULL;
    }

    slot = pm_fd_map_slot(m, inode);

    if (slot->inode == 0 || slot->n == 0) {
        return NULL;
    }

    *n = slot->n;

    return &m->holders[slot->first];
}


uint64_t
pm_fd_socket(const char *link, size_t len)
{
    uint64_t     inode;
    const char  *p, *end;

    if (len < sizeof("socket:[1]") - 1 || len > sizeof("socket:[]") - 1 + 19
        || memcmp(link, "socket:[", 8) != 0 || link[len - 1] != ']')
    {
        return 0;
    }

    inode = 0;
    end = link + len - 1;

    for (p = link + 8; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        inode = inode * 10 + (uint64_t) (*p - '0');
    }

    return inode;
}


int
pm_fd_parse(pm_fd_map_t *m, int32_t pid, const char *data, size_t len)
{
    int          fd, added;
    size_t       n;
    const char  *p, *end, *zero;

    n = m->n;
    added = 0;

    p = data;
    end = data + len;

    while (p < end) {

        zero = memchr(p, '\0', (size_t) (end - p));
        if (zero == NULL) {
            goto invalid;
        }

        fd = pm_fd_number(p);
        if (fd == -1) {
            goto invalid;
        }

        /* the zero at the end stops both */

        while (*p >= '0' && *p <= '9') {
            p++;
        }

        if (*p++ != ' ') {
            goto invalid;
        }

        added += pm_fd_map_add(m, pm_fd_socket(p, (size_t) (zero - p)), pid,
                               fd);
        p = zero + 1;
    }

    return added;

invalid:

    pm_fd_map_cut(m, n);

    return -1;
}


/* a decimal number that begins here, or -1 */

static int
pm_fd_number(const char *s)
{
    int  n, digits;

    n = 0;

    for (digits = 0; *s >= '0' && *s <= '9'; digits++, s++) {

        if (digits == 9) {
            return -1;
        }

        n = n * 10 + (*s - '0');
    }

    return digits ? n : -1;
}


int
pm_fd_walk_init(pm_fd_walk_t *w, const char *root)
{
    w->buf = malloc(PM_FD_BUF);
    if (w->buf == NULL) {
        w->proc = -1;
        return ENOMEM;
    }

    w->proc = open(root ? root : "/proc", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (w->proc == -1) {
        free(w->buf);
        w->buf = NULL;
        return errno;
    }

    return 0;
}


void
pm_fd_walk_free(pm_fd_walk_t *w)
{
    free(w->buf);
    w->buf = NULL;

    if (w->proc != -1) {
        close(w->proc);
        w->proc = -1;
    }
}


int
pm_fd_sockets(pm_fd_walk_t *w, pm_fd_map_t *m, int32_t pid,
    uint64_t starttime)
{
    int              dir, fd, rc, added;
    char             link[32];
    size_t           before;
    ssize_t          n, len, off;
    struct dirent64  *e;

    dir = pm_fd_open(w, pid);
    if (dir == -1) {
        return errno;
    }

    added = 0;
    before = m->n;

    for ( ;; ) {
        n = getdents64(dir, w->buf, PM_FD_BUF);

        if (n <= 0) {
            rc = (n == -1) ? errno : 0;
            break;
        }

        for (off = 0; off < n; off += e->d_reclen) {
            e = (struct dirent64 *) (w->buf + off);

            fd = pm_fd_number(e->d_name);
            if (fd == -1) {
                continue;
            }

            len = readlinkat(dir, e->d_name, link, sizeof(link));

            if (len == -1) {

                if (errno == EACCES || errno == EPERM) {
                    rc = errno;
                    goto done;
                }

                /* closed since */
                continue;
            }

            added += pm_fd_map_add(m, pm_fd_socket(link, (size_t) len), pid,
                                   fd);
        }
    }

done:

    if (rc == 0 && added) {
        rc = pm_fd_check(dir, starttime);
    }

    close(dir);

    if (rc != 0) {
        pm_fd_map_cut(m, before);
    }

    return rc;
}


int
pm_fd_files(pm_fd_walk_t *w, int32_t pid, uint64_t starttime, uint64_t *count)
{
    int               dir, rc;
    char              first;
    ssize_t           n, off;
    uint64_t          files;
    struct statx      st;
    struct dirent64  *e;

    dir = pm_fd_open(w, pid);
    if (dir == -1) {
        return errno;
    }

    files = 0;

    for ( ;; ) {
        n = getdents64(dir, w->buf, PM_FD_BUF);

        if (n <= 0) {
            rc = (n == -1) ? errno : 0;
            break;
        }

        for (off = 0; off < n; off += e->d_reclen) {
            e = (struct dirent64 *) (w->buf + off);

            if (e->d_name[0] == '.') {
                continue;
            }

            if (readlinkat(dir, e->d_name, &first, 1) == -1) {

                if (errno == EACCES || errno == EPERM) {
                    rc = errno;
                    goto done;
                }

                continue;
            }

            if (first != '/') {
                continue;
            }

            /* what is cached will do: a dead server must not be asked */

            if (statx(dir, e->d_name, AT_STATX_DONT_SYNC,
                      STATX_TYPE|STATX_NLINK, &st)
                == -1)
            {
                continue;
            }

            if (S_ISREG(st.stx_mode) && st.stx_nlink > 0) {
                files++;
            }
        }
    }

done:

    if (rc == 0) {
        rc = pm_fd_check(dir, starttime);
    }

    close(dir);

    *count = files;

    return rc;
}


static int
pm_fd_open(pm_fd_walk_t *w, int32_t pid)
{
    char  path[sizeof("2147483647/fd")];

    (void) snprintf(path, sizeof(path), "%u/fd", (unsigned) pid);

    return openat(w->proc, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
}


/*
 * The folder belongs to one process for as long as it is open, whoever gets
 * the number after it; so its parent tells whether it was the one meant.
 */

static int
pm_fd_check(int dir, uint64_t starttime)
{
    int       fd, field;
    char     *p;
    char      buf[1024];
    ssize_t   n;

    if (starttime == 0) {
        return 0;
    }

    fd = openat(dir, "../stat", O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }

    n = read(fd, buf, sizeof(buf) - 1);

    if (n <= 0) {
        n = n ? errno : ESRCH;
        close(fd);
        return (int) n;
    }

    close(fd);

    buf[n] = '\0';

    p = memrchr(buf, ')', (size_t) n);
    if (p == NULL) {
        return ESRCH;
    }

    /* the name is the second field, the time the twenty-second */

    for (field = 2; field < 22; field++) {
        p = strchr(p + 1, ' ');
        if (p == NULL) {
            return ESRCH;
        }
    }

    return (strtoull(p + 1, NULL, 10) == starttime) ? 0 : ESRCH;
}
