
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "pm_child.h"
#include "pm_disk.h"
#include "pm_parse.h"


#define PM_DISK_FILE     (16 * 1024 * 1024)
#define PM_DISK_STUCK    4              /* children that cannot be killed */
#define PM_DISK_KILL_MS  20
#define PM_DISK_SECTOR   512


/* shared with the child, which writes nothing else */

typedef struct {
    volatile uint32_t  next;            /* the one that is asked */
    pm_disk_usage_t    usage[];
} pm_disk_batch_t;


static char *pm_disk_word(char **p);
static void pm_disk_unescape(char *s);
static int pm_disk_type(const char *list, const char *fstype);
static int pm_disk_known(const char *const *list, const char *fstype);
static int pm_disk_below(const char *path, const char *top);
static void pm_disk_child(const char *const *paths, size_t n,
    pm_disk_batch_t *batch);
static void pm_disk_ask(const char *path, pm_disk_usage_t *u);
static int pm_disk_room(void);
static void pm_disk_left(int pidfd);
static int pm_disk_line(const char *p, const char *end, pm_disk_io_t *io);


const char *const  pm_disk_fields[PM_DISK_FIELDS] = {
    "read_count", "write_count", "read_bytes", "write_bytes", "read_time",
    "write_time", "read_merged_count", "write_merged_count", "busy_time"
};


/* no device of their own, and nobody but the kernel answers */

static const char *const  pm_disk_local[] = {
    "tmpfs", "ramfs", "devtmpfs", "zfs", "btrfs", "bcachefs", "overlay",
    "aufs", "ubifs", "jffs2", "hugetlbfs", "efivarfs", "rootfs", "proc",
    "sysfs", "devpts", "cgroup", "cgroup2", "cpuset", "securityfs",
    "selinuxfs", "debugfs", "tracefs", "pstore", "bpf", "configfs",
    "mqueue", "fusectl", "binfmt_misc", "nsfs", "binder", "resctrl",
    "rpc_pipefs", NULL
};


/* a device, but a program or other machines behind it */

static const char *const  pm_disk_remote[] = {
    "fuseblk", "gfs", "gfs2", "ocfs2", "vmhgfs", "autofs", NULL
};


static pthread_mutex_t  pm_disk_lock = PTHREAD_MUTEX_INITIALIZER;
static int              pm_disk_stuck[PM_DISK_STUCK];
static unsigned         pm_disk_nstuck;


int
pm_mounts_read(int root, pm_mounts_t *m)
{
    int          rc;
    char        *p, *next, *line;
    size_t       i, k, lines;
    ssize_t      n;
    pm_buf_t     types = { NULL, 0 };
    pm_mount_t  *mount;

    memset(m, 0, sizeof(pm_mounts_t));

    n = pm_procfs_read_all(root, "proc/self/mounts", &m->buf, PM_DISK_FILE);

    if (n == -1) {
        rc = errno;
        goto failed;
    }

    if (pm_procfs_read_all(root, "proc/filesystems", &types, PM_DISK_FILE)
        == -1)
    {
        rc = errno;
        goto failed;
    }

    lines = 0;

    for (p = m->buf.data; *p; p++) {
        lines += (*p == '\n');
    }

    m->elts = calloc(lines + 1, sizeof(pm_mount_t));

    if (m->elts == NULL) {
        rc = ENOMEM;
        goto failed;
    }

    for (line = m->buf.data; line && *line && m->n <= lines; line = next) {

        next = strchr(line, '\n');

        if (next) {
            *next++ = '\0';
        }

        mount = &m->elts[m->n];

        p = line;
        mount->device = pm_disk_word(&p);
        mount->mountpoint = pm_disk_word(&p);
        mount->fstype = pm_disk_word(&p);
        mount->opts = pm_disk_word(&p);

        if (mount->opts == NULL) {
            continue;
        }

        if (strcmp(mount->device, "none") == 0) {
            mount->device = "";
        }

        mount->physical = (mount->device[0] != '\0'
                           && pm_disk_type(types.data, mount->fstype));

        mount->local = (mount->physical
                        || pm_disk_known(pm_disk_local, mount->fstype))
                       && !pm_disk_known(pm_disk_remote, mount->fstype);

        m->n++;
    }

    /*
     * The way to a mount may lead through one that may not be asked, or one
     * may lie on it since.
     */

    for (i = 0; i < m->n; i++) {

        for (k = 0; m->elts[i].local && k < m->n; k++) {

            if (m->elts[k].local
                || !pm_disk_below(m->elts[i].mountpoint,
                                  m->elts[k].mountpoint))
            {
                continue;
            }

            m->elts[i].local = (k < i && strcmp(m->elts[i].mountpoint,
                                                m->elts[k].mountpoint) == 0);
        }
    }

    pm_buf_free(&types);

    return 0;

failed:

    pm_buf_free(&types);
    pm_mounts_free(m);

    return rc;
}


void
pm_mounts_free(pm_mounts_t *m)
{
    free(m->elts);
    pm_buf_free(&m->buf);

    m->elts = NULL;
    m->n = 0;
}


const pm_mount_t *
pm_mounts_find(const pm_mounts_t *m, const char *path)
{
    size_t             i, len, best;
    const pm_mount_t  *found;

    best = 0;
    found = NULL;

    for (i = 0; i < m->n; i++) {

        len = strlen(m->elts[i].mountpoint);

        if (len >= best && pm_disk_below(path, m->elts[i].mountpoint)) {
            best = len;
            found = &m->elts[i];
        }
    }

    return found;
}


static char *
pm_disk_word(char **p)
{
    char  *word, *end;

    word = *p;

    if (word == NULL || *word == '\0') {
        *p = NULL;
        return NULL;
    }

    end = strchr(word, ' ');

    if (end) {
        *end++ = '\0';
    }

    *p = end;

    pm_disk_unescape(word);

    return word;
}


/* the kernel writes blanks, ends of lines and backslashes as \ooo */

static void
pm_disk_unescape(char *s)
{
    char  *d;

    for (d = s; *s; s++) {

        if (s[0] == '\\'
            && s[1] >= '0' && s[1] <= '3'
            && s[2] >= '0' && s[2] <= '7'
            && s[3] >= '0' && s[3] <= '7')
        {
            *d++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
            s += 3;
            continue;
        }

        *d++ = *s;
    }

    *d = '\0';
}


/* "nodev\tproc" and "\text4": whether the type needs a device */

static int
pm_disk_type(const char *list, const char *fstype)
{
    size_t       len;
    const char  *p, *end;

    len = strlen(fstype);

    if (strcmp(fstype, "zfs") == 0) {
        return 1;
    }

    for (p = list; *p; p = *end ? end + 1 : end) {

        end = p + strcspn(p, "\n");

        if (*p == '\t' && (size_t) (end - p - 1) == len
            && memcmp(p + 1, fstype, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
pm_disk_known(const char *const *list, const char *fstype)
{
    for ( /* void */ ; *list; list++) {
        if (strcmp(*list, fstype) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
pm_disk_below(const char *path, const char *top)
{
    size_t  len;

    len = strlen(top);

    while (len && top[len - 1] == '/') {
        len--;
    }

    return strncmp(path, top, len) == 0
           && (path[len] == '/' || path[len] == '\0');
}


int
pm_disk_usages(const char *const *paths, size_t n, int timeout_ms,
    pm_disk_usage_t *usages)
{
    int               pid, pidfd;
    size_t            i, size;
    pm_disk_batch_t  *batch;

    if (n == 0) {
        return 0;
    }

    if (!pm_disk_room()) {
        return EAGAIN;
    }

    size = sizeof(pm_disk_batch_t) + n * sizeof(pm_disk_usage_t);

    batch = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                 -1, 0);

    if (batch == MAP_FAILED) {
        return errno;
    }

    for (i = 0; i < n; i++) {
        batch->usage[i].error = ETIMEDOUT;
    }

    pid = pm_child_start(&pidfd, "procmgr-disk");

    if (pid == -1) {
        pid = errno;
        munmap(batch, size);
        return pid;
    }

    if (pid == 0) {
        pm_disk_child(paths, n, batch);
    }

    if (pm_child_ended(pidfd, timeout_ms)) {
        close(pidfd);

    } else {
        pm_child_kill(pidfd);

        if (pm_child_ended(pidfd, PM_DISK_KILL_MS)) {
            close(pidfd);

        } else {
            pm_disk_left(pidfd);
        }
    }

    memcpy(usages, batch->usage, n * sizeof(pm_disk_usage_t));

    munmap(batch, size);

    return 0;
}


/* one that hangs must not keep a port or a file of the program busy */

static void
pm_disk_child(const char *const *paths, size_t n, pm_disk_batch_t *batch)
{
    size_t  i;

    if (syscall(SYS_close_range, 0, ~0U, 0) == 0) {

        for (i = 0; i < n; i++) {
            pm_disk_ask(paths[i], &batch->usage[i]);
        }
    }

    pm_child_exit();
}


static void
pm_disk_ask(const char *path, pm_disk_usage_t *u)
{
    uint64_t       unit, all;
    struct statfs  st;

    if (statfs(path, &st) == -1) {
        u->error = errno;
        return;
    }

    unit = st.f_frsize ? st.f_frsize : st.f_bsize;

    u->total = (uint64_t) st.f_blocks * unit;
    u->free = (uint64_t) st.f_bavail * unit;
    u->used = (uint64_t) (st.f_blocks - st.f_bfree) * unit;

    all = u->used + u->free;

    u->percent = all ? (double) u->used / (double) all * 100 : 0;

    /* whole before it counts: the child may be killed anywhere */

    __atomic_store_n(&u->error, 0, __ATOMIC_RELEASE);
}


static int
pm_disk_room(void)
{
    int       room;
    unsigned  i, n;

    n = 0;

    pthread_mutex_lock(&pm_disk_lock);

    for (i = 0; i < pm_disk_nstuck; i++) {

        if (pm_child_ended(pm_disk_stuck[i], 0)) {
            close(pm_disk_stuck[i]);

        } else {
            pm_disk_stuck[n++] = pm_disk_stuck[i];
        }
    }

    pm_disk_nstuck = n;
    room = (n < PM_DISK_STUCK);

    pthread_mutex_unlock(&pm_disk_lock);

    return room;
}


static void
pm_disk_left(int pidfd)
{
    pthread_mutex_lock(&pm_disk_lock);

    if (pm_disk_nstuck < PM_DISK_STUCK) {
        pm_disk_stuck[pm_disk_nstuck++] = pidfd;

    } else {
        close(pidfd);
    }

    pthread_mutex_unlock(&pm_disk_lock);
}


int
pm_disk_io(int root, pm_disk_io_t **io, size_t *n)
{
    int            rc;
    char          *c, path[PM_DISK_NAME + 16];
    size_t         lines;
    ssize_t        size;
    pm_buf_t       buf = { NULL, 0 };
    const char    *p, *end;
    pm_disk_io_t  *d;

    *n = 0;
    *io = NULL;

    size = pm_procfs_read_all(root, "proc/diskstats", &buf, PM_DISK_FILE);

    if (size == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    lines = 1;
    end = buf.data + size;

    for (p = buf.data; p < end; p++) {
        lines += (*p == '\n');
    }

    *io = calloc(lines, sizeof(pm_disk_io_t));

    if (*io == NULL) {
        pm_buf_free(&buf);
        return ENOMEM;
    }

    for (p = buf.data; p < end; p = pm_parse_line(p, end)) {

        d = &(*io)[*n];

        if (pm_disk_line(p, pm_parse_line(p, end), d) == -1) {
            continue;
        }

        snprintf(path, sizeof(path), "sys/block/%s", d->name);

        /* "cciss/c0d0" is cciss!c0d0 there */

        for (c = path + sizeof("sys/block/") - 1; *c; c++) {
            if (*c == '/') {
                *c = '!';
            }
        }

        d->whole = (faccessat(root, path, F_OK, 0) == 0);

        (*n)++;
    }

    pm_buf_free(&buf);

    return 0;
}


size_t
pm_disk_unwrap(pm_wraps_t *wraps, pm_disk_io_t *io, size_t n, int keep)
{
    pm_wrap_list_t  list;

    list.elts = io;
    list.n = n;
    list.size = sizeof(pm_disk_io_t);
    list.value = offsetof(pm_disk_io_t, value);
    list.counters = PM_DISK_FIELDS;

    return pm_unwrap(wraps, &list, keep);
}


void
pm_disk_io_sum(const pm_disk_io_t *io, size_t n, pm_disk_io_t *sum)
{
    size_t  i, k;

    memset(sum, 0, sizeof(pm_disk_io_t));

    for (i = 0; i < n; i++) {

        for (k = 0; io[i].whole && k < PM_DISK_FIELDS; k++) {
            sum->value[k] += io[i].value[k];
        }
    }
}


/* major minor name, then at least eleven numbers (since Linux 2.6.25) */

static int
pm_disk_line(const char *p, const char *end, pm_disk_io_t *io)
{
    size_t       i, len;
    uint64_t     v[11];
    const char  *name;

    static const unsigned char  order[PM_DISK_FIELDS] = {
        0, 4, 2, 6, 3, 7, 1, 5, 9
    };

    for (i = 0; i < 2; i++) {
        p = pm_parse_u64(pm_parse_blanks(p, end), end, &v[0]);

        if (p == NULL) {
            return -1;
        }
    }

    name = pm_parse_blanks(p, end);

    for (p = name; p < end && *p != ' ' && *p != '\n'; p++) { /* void */ }

    len = p - name;

    if (len == 0 || len >= PM_DISK_NAME) {
        return -1;
    }

    memcpy(io->name, name, len);
    io->name[len] = '\0';

    for (i = 0; i < 11; i++) {
        p = pm_parse_u64(pm_parse_blanks(p, end), end, &v[i]);

        if (p == NULL) {
            return -1;
        }
    }

    for (i = 0; i < PM_DISK_FIELDS; i++) {
        io->value[i] = v[order[i]];
    }

    io->value[PM_DISK_READ_BYTES] *= PM_DISK_SECTOR;
    io->value[PM_DISK_WRITE_BYTES] *= PM_DISK_SECTOR;

    return 0;
}
