
/*
 * The reader: the files of one owner's processes, as that owner, with no
 * other capability than CAP_SYS_PTRACE, and with no file to open but those
 * below /proc that are no links.
 */


#include "helper_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>


#define HELPER_READER_LINK    4096
#define HELPER_READER_FILES   65536


typedef struct {
    helper_reader_t  *shared;
    helper_records_t *records;        /* the half that is written */
    int               sock;
    int               sent;           /* the other is not empty yet */
    int               proc;
    int               dir;            /* of the process */
    int               pid;
    size_t            at;             /* of the record that is written */
    size_t            end;
    int               more;
} helper_reading_t;


typedef struct {                      /* regular files of one process */
    unsigned          count;
    int               walked;         /* it is their number */
    int               full;           /* data has not all of them */
    size_t            len;
    char              data[HELPER_READER_FILES];
} helper_files_t;


static int helper_reader_open(int dir, const char *name, int flags);
static void helper_reader_process(helper_reading_t *r,
    const pm_wire_pid_t *p);
static int helper_reader_same(helper_reading_t *r, uint64_t start);
static int helper_reader_file(helper_reading_t *r, const char *name);
static int helper_reader_link(helper_reading_t *r, const char *name);
static void helper_reader_fds(helper_reading_t *r, uint32_t fields);
static int helper_reader_walk(helper_reading_t *r, DIR *d, int field,
    uint32_t fields, helper_files_t *files);
static int helper_reader_regular(int fds, const char *name);
static int helper_reader_position(helper_reading_t *r, const char *name,
    unsigned long long *pos, unsigned *flags);
static void helper_reader_put(helper_reading_t *r, const void *data,
    size_t len);
static void helper_reader_begin(helper_reading_t *r);
static void helper_reader_end(helper_reading_t *r, int field, int error);


void
helper_reader(const helper_t *h, int error)
{
    int               f;
    char              c;
    pm_wire_pid_t     p;
    helper_reader_t  *shared;
    helper_reading_t  r;

    shared = h->shared;

    memset(&r, 0, sizeof(r));
    r.shared = shared;
    r.records = &shared->records[0];
    r.sock = h->reads[1];
    r.dir = -1;
    r.proc = h->proc;

    while (recv(r.sock, &c, 1, MSG_DONTWAIT) == 1) {
        /* void: meant for the reader before this one */
    }

    for ( /* void */ ; shared->index < shared->count
                       && shared->index < PM_WIRE_PIDS; shared->index++)
    {
        p = shared->pids[shared->index];
        p.fields &= h->fields;

        r.pid = p.pid;
        shared->done = 0;

        if (error == 0) {
            helper_reader_process(&r, &p);
            continue;
        }

        for (f = 0; f < PM_READ_MAX; f++) {
            if (p.fields & (1u << f)) {
                helper_reader_begin(&r);
                helper_reader_end(&r, f, error);
            }
        }
    }

    _exit(0);
}


static int
helper_reader_open(int dir, const char *name, int flags)
{
    struct open_how  how;

    memset(&how, 0, sizeof(how));
    how.flags = (uint64_t) (flags | O_CLOEXEC | O_NOFOLLOW);
    how.resolve = RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS
                  |RESOLVE_NO_XDEV;

    return (int) syscall(SYS_openat2, dir, name, &how, sizeof(how));
}


static void
helper_reader_process(helper_reading_t *r, const pm_wire_pid_t *p)
{
    int   f, error;
    char  name[16];

    snprintf(name, sizeof(name), "%d", p->pid);

    error = 0;
    r->dir = helper_reader_open(r->proc, name, O_PATH|O_DIRECTORY);

    if (r->dir == -1) {
        error = errno;

    } else if (p->starttime) {
        error = helper_reader_same(r, p->starttime);
    }

    /* the first three come from one walk */

    f = 0;

    if (error == 0 && (p->fields & (1u << PM_READ_FD | 1u << PM_READ_FILES
                                    | 1u << PM_READ_NFILES)))
    {
        helper_reader_fds(r, p->fields);
        f = PM_READ_NFILES + 1;
    }

    for ( /* void */ ; f < PM_READ_MAX; f++) {

        if (!(p->fields & (1u << f))) {
            continue;
        }

        helper_reader_begin(r);

        helper_reader_end(r, f, error ? error
                                : f == PM_READ_EXE || f == PM_READ_CWD
                                ? helper_reader_link(r, pm_read_names[f])
                                : f == PM_READ_NETNS
                                ? helper_reader_link(r, "ns/net")
                                : helper_reader_file(r, pm_read_names[f]));
    }

    if (r->dir != -1) {
        close(r->dir);
    }
}


/* the folder stays this process's, whoever has its pid later */

static int
helper_reader_same(helper_reading_t *r, uint64_t start)
{
    int                  fd, i;
    char                 buf[1024];
    char                *p;
    ssize_t              n;

    fd = helper_reader_open(r->dir, "stat", O_RDONLY);
    if (fd == -1) {
        return errno;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    if (n <= 0) {
        return ESRCH;
    }

    buf[n] = '\0';
    p = strrchr(buf, ')');

    /* the start is the 20th word behind the name */

    for (i = 0; p && i < 20; i++) {
        p = strchr(p + 1, ' ');
    }

    return p && strtoull(p, NULL, 10) == start ? 0 : ESRCH;
}


static int
helper_reader_file(helper_reading_t *r, const char *name)
{
    int      fd, error;
    size_t   room, used;
    ssize_t  n;

    fd = helper_reader_open(r->dir, name, O_RDONLY|O_NONBLOCK);
    if (fd == -1) {
        return errno;
    }

    error = 0;

    for ( ;; ) {
        used = r->end - r->at - sizeof(pm_wire_head_t);
        room = PM_WIRE_RECORD_LEN - used;

        if (room == 0) {
            r->more = 1;
            break;
        }

        if (room > 65536) {
            room = 65536;
        }

        n = read(fd, r->records->data + r->end, room);

        if (n == -1) {
            error = errno;
        }

        if (n <= 0) {
            break;
        }

        r->end += (size_t) n;
    }

    close(fd);

    return error;
}


static int
helper_reader_link(helper_reading_t *r, const char *name)
{
    ssize_t  n;

    n = readlinkat(r->dir, name, (char *) r->records->data + r->end,
                   HELPER_READER_LINK);
    if (n == -1) {
        return errno;
    }

    r->end += (size_t) n;

    return 0;
}


/*
 * A record is written at a time: the files that are seen while descriptors
 * are listed wait, and only where they are too many there is a second walk.
 */

static void
helper_reader_fds(helper_reading_t *r, uint32_t fields)
{
    int             fds, f, error;
    DIR            *d;
    char            line[64];
    ssize_t         n;
    helper_files_t  files;

    fds = helper_reader_open(r->dir, "fd", O_RDONLY|O_DIRECTORY);
    d = fds == -1 ? NULL : fdopendir(fds);
    error = d == NULL ? errno : 0;

    if (fds != -1 && d == NULL) {
        close(fds);
    }

    files.len = 0;
    files.count = 0;
    files.walked = 0;
    files.full = 0;

    for (f = PM_READ_FD; f <= PM_READ_NFILES; f++) {

        if (!(fields & (1u << f))) {
            continue;
        }

        helper_reader_begin(r);

        if (error == 0 && d != NULL) {

            if (f == PM_READ_FD || !files.walked
                || (f == PM_READ_FILES && files.full))
            {
                error = helper_reader_walk(r, d, f, fields, &files);

            } else if (f == PM_READ_FILES) {
                helper_reader_put(r, files.data, files.len);
            }
        }

        if (f == PM_READ_NFILES) {
            n = snprintf(line, sizeof(line), "%u", files.count);
            helper_reader_put(r, line, (size_t) n);
        }

        helper_reader_end(r, f, error);
    }

    if (d) {
        closedir(d);
    }
}


static int
helper_reader_walk(helper_reading_t *r, DIR *d, int field, uint32_t fields,
    helper_files_t *files)
{
    int                  fds, keep;
    char                 link[HELPER_READER_LINK], line[64];
    size_t               len;
    ssize_t              n;
    unsigned             flags;
    struct dirent       *e;
    unsigned long long   pos;

    fds = dirfd(d);
    keep = (field == PM_READ_FD);

    rewinddir(d);
    files->count = 0;
    files->walked = !keep || (fields & (1u << PM_READ_FILES
                                        | 1u << PM_READ_NFILES));

    while ((e = readdir(d)) != NULL) {

        if (e->d_name[0] == '.') {
            continue;
        }

        n = readlinkat(fds, e->d_name, link, sizeof(link) - 1);

        if (n == -1 && errno == EACCES) {
            return EACCES;
        }

        if (n <= 0) {
            continue;
        }

        link[n] = '\0';
        len = strlen(link) + 1;

        if (keep) {
            n = snprintf(line, sizeof(line), "%s ", e->d_name);
            helper_reader_put(r, line, (size_t) n);
            helper_reader_put(r, link, len);
        }

        if (!files->walked || link[0] != '/'
            || !helper_reader_regular(fds, e->d_name))
        {
            continue;
        }

        if (!(fields & (1u << PM_READ_FILES))) {
            files->count++;
            continue;
        }

        if (helper_reader_position(r, e->d_name, &pos, &flags) != 0) {
            continue;
        }

        files->count++;
        n = snprintf(line, sizeof(line), "%s %llu 0%o ", e->d_name, pos,
                     flags);

        if (!keep) {
            helper_reader_put(r, line, (size_t) n);
            helper_reader_put(r, link, len);

        } else if (files->full
                   || sizeof(files->data) - files->len < (size_t) n + len)
        {
            files->full = 1;

        } else {
            memcpy(files->data + files->len, line, (size_t) n);
            memcpy(files->data + files->len + n, link, len);
            files->len += (size_t) n + len;
        }
    }

    return 0;
}


/*
 * The one link that is followed, and only to look: what is open is a regular
 * file that has a name still.
 */

static int
helper_reader_regular(int fds, const char *name)
{
    struct statx  st;

    return statx(fds, name, AT_STATX_DONT_SYNC|AT_NO_AUTOMOUNT,
                 STATX_TYPE|STATX_NLINK, &st) == 0
           && S_ISREG(st.stx_mode) && st.stx_nlink > 0;
}


static int
helper_reader_position(helper_reading_t *r, const char *name,
    unsigned long long *pos, unsigned *flags)
{
    int      fd;
    char     path[32], buf[256];
    ssize_t  n;

    snprintf(path, sizeof(path), "fdinfo/%.16s", name);

    fd = helper_reader_open(r->dir, path, O_RDONLY);
    if (fd == -1) {
        return -1;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    close(fd);

    if (n <= 0) {
        return -1;
    }

    buf[n] = '\0';

    return sscanf(buf, "pos: %llu flags: %o", pos, flags) == 2 ? 0 : -1;
}


static void
helper_reader_put(helper_reading_t *r, const void *data, size_t len)
{
    if (r->more
        || r->end - r->at - sizeof(pm_wire_head_t) + len > PM_WIRE_RECORD_LEN)
    {
        r->more = 1;
        return;
    }

    memcpy(r->records->data + r->end, data, len);
    r->end += len;
}


/* a record counts from its end on only: until then it can be lost */

static void
helper_reader_begin(helper_reading_t *r)
{
    char  c;

    if (r->records->len > HELPER_READER_FLUSH) {

        if (r->sent && read(r->sock, &c, 1) != 1) {
            _exit(1);
        }

        c = (char) r->shared->half;

        if (write(r->sock, &c, 1) != 1) {
            _exit(1);
        }

        r->sent = 1;
        r->shared->half ^= 1;
        r->records = &r->shared->records[r->shared->half];
    }

    r->at = r->records->len;
    r->end = r->at + sizeof(pm_wire_head_t);
    r->more = 0;
}


static void
helper_reader_end(helper_reading_t *r, int field, int error)
{
    pm_wire_head_t  head;

    if (error) {
        r->end = r->at + sizeof(pm_wire_head_t);
    }

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_RECORD;
    head.field = (uint8_t) field;
    head.error = (uint16_t) error;
    head.len = (uint32_t) (r->end - r->at - sizeof(pm_wire_head_t));
    head.pid = r->pid;
    head.more = (uint32_t) r->more;

    memcpy(r->records->data + r->at, &head, sizeof(head));
    r->records->len = r->end;
    r->shared->done |= 1u << field;
}
