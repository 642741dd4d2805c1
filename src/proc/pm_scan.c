
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "pm_parse.h"
#include "pm_scan_part.h"


#define PM_SCAN_DENTS    65536
#define PM_SCAN_USERS_MS 100            /* for the name service */


static int pm_scan_list(pm_scan_t *scan);
static int pm_scan_pid(pm_scan_t *scan, int32_t pid);
static int pm_scan_compare(const void *a, const void *b);


static const char  *pm_scan_files[] = {
    "stat",
    "meminfo",
    "loadavg",
    "uptime",
    "pressure/cpu",
    "pressure/memory",
    "pressure/io"
};


pm_scan_t *
pm_scan_create(const char *root)
{
    int         i, err;
    char        path[PATH_MAX];
    pm_scan_t  *scan;

    scan = calloc(1, sizeof(pm_scan_t));
    if (scan == NULL) {
        return NULL;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {
        scan->sys[i] = -1;
    }

    scan->page_size = sysconf(_SC_PAGESIZE);
    scan->ticks = sysconf(_SC_CLK_TCK);

    scan->proc = pm_procfs_open(root);
    if (scan->proc == -1) {
        goto failed;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {

        scan->sys[i] = openat(scan->proc, pm_scan_files[i],
                              O_RDONLY|O_CLOEXEC);

        if (i < PM_SYS_CPU && scan->sys[i] == -1) {
            goto failed;
        }
    }

    scan->dents = malloc(PM_SCAN_DENTS);
    if (scan->dents == NULL) {
        goto failed;
    }

    if (strcmp(root, "/proc") == 0) {
        scan->users = pm_users_create("/etc/passwd");

    } else {
        snprintf(path, sizeof(path), "%s/../etc/passwd", root);
        scan->users = pm_users_create(path);
    }

    if (scan->users == NULL) {
        goto failed;
    }

    scan->names = pm_names_create(scan->proc);
    if (scan->names == NULL) {
        goto failed;
    }

    return scan;

failed:

    err = errno;

    pm_scan_destroy(scan);

    errno = err;

    return NULL;
}


void
pm_scan_destroy(pm_scan_t *scan)
{
    int  i;

    if (scan == NULL) {
        return;
    }

    for (i = 0; i < PM_SYS_MAX; i++) {
        if (scan->sys[i] != -1) {
            close(scan->sys[i]);
        }
    }

    if (scan->proc != -1) {
        close(scan->proc);
    }

    pm_names_destroy(scan->names);
    pm_users_destroy(scan->users);
    pm_buf_free(&scan->file);
    pm_buf_free(&scan->block[0]);
    pm_buf_free(&scan->block[1]);
    free(scan->dents);
    free(scan->pids);
    free(scan);
}


unsigned
pm_scan_parts(unsigned want)
{
    if (want == PM_HAVE_LARGEST) {
        return want;
    }

    want |= PM_HAVE_STAT;

    if (want & PM_HAVE_LARGEST) {
        want |= PM_HAVE_STATM;
    }

    return (want & PM_HAVE_STATM) ? want | PM_HAVE_LARGEST : want;
}


const pm_snapshot_t *
pm_scan(pm_scan_t *scan, unsigned want, const pm_snapshot_t *prev)
{
    pm_snapshot_t    *s;
    struct timespec   boot, wall;

    scan->turn ^= 1;

    if ((const char *) prev == scan->block[scan->turn].data) {
        scan->turn ^= 1;
    }

    scan->b = &scan->block[scan->turn];
    scan->used = 0;
    scan->want = pm_scan_parts(want);
    scan->prev = prev;
    scan->prev_next = 0;
    scan->unnamed = 0;

    memset(scan->intern, 0, sizeof(scan->intern));

    if (pm_scan_grow(scan, sizeof(pm_snapshot_t)) == -1) {
        return NULL;
    }

    s = pm_scan_snapshot(scan);

    memset(s, 0, sizeof(pm_snapshot_t));

    scan->used = sizeof(pm_snapshot_t);

    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &wall);

    s->magic = PM_SCAN_MAGIC;
    s->layout = sizeof(pm_snapshot_t);
    s->monotonic_ns = boot.tv_sec * 1000000000ULL + boot.tv_nsec;
    s->wall_ms = wall.tv_sec * 1000LL + wall.tv_nsec / 1000000;
    s->ticks_per_second = scan->ticks;
    s->page_size = scan->page_size;

    pm_users_refresh(scan->users, PM_SCAN_USERS_MS);

    if (pm_scan_list(scan) == -1
        || pm_scan_host(scan) == -1
        || (scan->want == PM_HAVE_LARGEST ? pm_scan_largest(scan)
                                          : pm_scan_processes(scan)) == -1
        || pm_scan_long_names(scan) == -1)
    {
        return NULL;
    }

    s = pm_scan_snapshot(scan);

    s->size = scan->used;

    return s;
}


/* all pids, ascending */

static int
pm_scan_list(pm_scan_t *scan)
{
    int                      sorted;
    char                    *p, *end;
    long                     n;
    uint64_t                 pid;
    const char              *name, *stop;
    const struct dirent64   *entry;

    scan->npids = 0;
    sorted = 1;

    if (lseek(scan->proc, 0, SEEK_SET) == -1) {
        return -1;
    }

    for ( ;; ) {

        n = syscall(SYS_getdents64, scan->proc, scan->dents, PM_SCAN_DENTS);

        if (n == -1) {
            return -1;
        }

        if (n == 0) {
            break;
        }

        end = scan->dents + n;

        for (p = scan->dents; p < end; p += entry->d_reclen) {

            entry = (const struct dirent64 *) p;
            name = entry->d_name;

            if (*name < '1' || *name > '9') {
                continue;
            }

            stop = pm_parse_u64(name, name + 11, &pid);

            if (stop == NULL || *stop != '\0' || pid > INT32_MAX) {
                continue;
            }

            if (scan->npids && scan->pids[scan->npids - 1] > (int32_t) pid) {
                sorted = 0;
            }

            if (pm_scan_pid(scan, pid) == -1) {
                return -1;
            }
        }
    }

    /* the kernel lists them in order, a folder of fixtures does not */

    if (!sorted) {
        qsort(scan->pids, scan->npids, sizeof(int32_t), pm_scan_compare);
    }

    return 0;
}


static int
pm_scan_pid(pm_scan_t *scan, int32_t pid)
{
    size_t    size;
    int32_t  *pids;

    if (scan->npids == scan->pids_size) {

        size = scan->pids_size ? scan->pids_size * 2 : 1024;

        pids = realloc(scan->pids, size * sizeof(int32_t));
        if (pids == NULL) {
            return -1;
        }

        scan->pids = pids;
        scan->pids_size = size;
    }

    scan->pids[scan->npids++] = pid;

    return 0;
}


static int
pm_scan_compare(const void *a, const void *b)
{
    int32_t  x, y;

    x = *(const int32_t *) a;
    y = *(const int32_t *) b;

    return (x > y) - (x < y);
}


int
pm_scan_grow(pm_scan_t *scan, size_t n)
{
    size_t  need, size;

    need = scan->used + n;

    if (need <= scan->b->size) {
        return 0;
    }

    if (need > UINT32_MAX) {
        errno = EFBIG;
        return -1;
    }

    size = need + need / 4 + 4096;

    return pm_buf_grow(scan->b, size);
}


int
pm_scan_string(pm_scan_t *scan, const char *s, size_t len, pm_str_t *str)
{
    size_t             i;
    uint32_t           hash;
    pm_scan_intern_t  *slot;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) s[i]) * 16777619u;
    }

    slot = &scan->intern[(hash ^ hash >> 16) & (PM_SCAN_INTERN - 1)];

    if (slot->hash == hash && slot->str.len == len && slot->str.off
        && memcmp(scan->b->data + slot->str.off, s, len) == 0)
    {
        *str = slot->str;
        return 0;
    }

    if (pm_scan_grow(scan, len) == -1) {
        return -1;
    }

    memcpy(scan->b->data + scan->used, s, len);

    str->off = scan->used;
    str->len = len;

    scan->used += len;

    slot->hash = hash;
    slot->str = *str;

    return 0;
}
