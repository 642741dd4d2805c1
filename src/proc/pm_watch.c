
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pm_json.h"
#include "pm_parse.h"
#include "pm_pid.h"
#include "pm_watch.h"


#define PM_WATCH_ROOM      8192         /* a status of few groups */
#define PM_WATCH_ROOM_MAX  (2 * 1024 * 1024)
#define PM_WATCH_STAT      4096
#define PM_WATCH_HYST      20           /* a part of the limit */


static int pm_watch_identify(int dir, pm_watch_who_t *who);
static ssize_t pm_watch_fill(int fd, pm_buf_t *buf);
static int pm_watch_zombie(const char *text, size_t len);


static const struct {
    const char  *key;
    size_t       len;
    int          field;
} pm_watch_lines[] = {
    { "VmSize:", 7, PM_WATCH_VIRTUAL },
    { "VmRSS:", 6, PM_WATCH_PHYSICAL },
    { "RssFile:", 8, PM_WATCH_SHARED },
    { "VmData:", 7, PM_WATCH_DATA },
    { "VmStk:", 6, PM_WATCH_STACK },
    { "VmExe:", 6, PM_WATCH_EXE },
    { "VmLib:", 6, PM_WATCH_LIB },
    { "VmSwap:", 7, PM_WATCH_SWAP },
    { NULL, 0, 0 }
};


int
pm_watch_open(int proc, pm_watch_who_t *who)
{
    int   dir, fd, err;
    char  path[PM_PROCFS_PATH];

    if (pm_procfs_path(path, who->pid, "") == 0) {
        errno = ESRCH;
        return -1;
    }

    /* one folder for both files: a pid that is given again is another one */

    dir = openat(proc, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    fd = -1;

    if (dir != -1) {

        if (pm_watch_identify(dir, who) == 0) {
            fd = openat(dir, "status", O_RDONLY|O_CLOEXEC|O_NOCTTY);
        }

        err = errno;
        close(dir);
        errno = err;
    }

    if (fd == -1 && errno == ENOENT) {
        errno = ESRCH;
    }

    return fd;
}


static int
pm_watch_identify(int dir, pm_watch_who_t *who)
{
    char        stat[PM_WATCH_STAT], text[PM_WATCH_ROOM];
    ssize_t     n, m;
    uint64_t    tgid;
    pm_proc_t   proc;
    pm_slice_t  comm;

    n = pm_procfs_read(dir, "stat", stat, sizeof(stat));
    if (n == -1) {
        return -1;
    }

    m = pm_procfs_read(dir, "status", text, sizeof(text));
    if (m == -1) {
        return -1;
    }

    memset(&proc, 0, sizeof(pm_proc_t));

    if (pm_pid_parse_stat(stat, (size_t) n, &proc, &comm) != 0) {
        errno = EBADMSG;
        return -1;
    }

    /* /proc shows threads too when they are asked for by number */

    if (pm_pid_status_value(text, (size_t) m, "Tgid", &tgid) != 0
        || tgid != (uint64_t) who->pid)
    {
        errno = ESRCH;
        return -1;
    }

    if (who->starttime && who->starttime != proc.starttime) {
        errno = ESTALE;
        return -1;
    }

    if (proc.state == 'Z' || proc.state == 'X') {
        errno = ECHILD;
        return -1;
    }

    if (proc.kthread) {
        errno = ENODATA;
        return -1;
    }

    (void) pm_utf8_repair(who->name, PM_WATCH_NAME, comm.data, comm.len);

    who->starttime = proc.starttime;

    return 0;
}


int
pm_watch_read(int fd, pm_buf_t *buf, uint64_t mem[PM_WATCH_FIELDS])
{
    ssize_t  n;

    n = pm_watch_fill(fd, buf);

    if (n == -1) {
        return -1;
    }

    if (pm_watch_parse(buf->data, (size_t) n, mem) == 0) {
        return 0;
    }

    /* its memory goes first, then it is a zombie */

    errno = pm_watch_zombie(buf->data, (size_t) n) ? ESRCH : EAGAIN;

    return -1;
}


/* in one read, which is all that it costs */

static ssize_t
pm_watch_fill(int fd, pm_buf_t *buf)
{
    ssize_t  n;

    if (pm_buf_grow(buf, PM_WATCH_ROOM) == -1) {
        return -1;
    }

    for ( ;; ) {

        n = pread(fd, buf->data, buf->size - 1, 0);

        if (n == -1) {
            if (errno == EINTR) {
                continue;
            }

            return -1;
        }

        if ((size_t) n < buf->size - 1 || buf->size >= PM_WATCH_ROOM_MAX) {
            buf->data[n] = '\0';
            return n;
        }

        /* somebody in tens of thousands of groups */

        if (pm_buf_grow(buf, buf->size * 4) == -1) {
            return -1;
        }
    }
}


int
pm_watch_parse(const char *text, size_t len, uint64_t mem[PM_WATCH_FIELDS])
{
    size_t       i;
    uint64_t     kib;
    unsigned     seen;
    const char  *p, *end, *v;

    end = text + len;

    /* the kernel writes no line end into a name */

    p = memmem(text, len, "\nVmPeak:", sizeof("\nVmPeak:") - 1);

    if (p == NULL) {
        return -1;
    }

    memset(mem, 0xff, PM_WATCH_FIELDS * sizeof(uint64_t));

    seen = 0;
    i = 0;

    /* in the kernel's order, so that each line is compared once or twice */

    for (p++; p < end && (*p == 'V' || *p == 'R'); p = pm_parse_line(p, end)) {

        if (pm_watch_lines[i].key == NULL) {
            break;
        }

        v = pm_parse_word(p, end, pm_watch_lines[i].key,
                          pm_watch_lines[i].len);

        if (v == NULL) {
            continue;
        }

        if (pm_parse_u64(pm_parse_blanks(v, end), end, &kib) == NULL
            || kib > UINT64_MAX / 1024)
        {
            return -1;
        }

        mem[pm_watch_lines[i].field] = kib * 1024;
        seen |= 1u << pm_watch_lines[i].field;
        i++;
    }

    /* a kernel without swap shows no VmSwap; three must be there */

    return (seen & 7) == 7 ? 0 : -1;
}


static int
pm_watch_zombie(const char *text, size_t len)
{
    const char  *p;

    p = memmem(text, len, "\nState:\t", sizeof("\nState:\t") - 1);

    if (p == NULL || p + sizeof("\nState:\t") - 1 >= text + len) {
        return 0;
    }

    p += sizeof("\nState:\t") - 1;

    return *p == 'Z' || *p == 'X';
}


int
pm_watch_edge(unsigned *above, uint64_t value, uint64_t limit)
{
    if (!*above) {

        if (value > limit) {
            *above = 1;
            return 1;
        }

        return 0;
    }

    if (value <= limit - limit / PM_WATCH_HYST) {
        *above = 0;
        return -1;
    }

    return 0;
}
