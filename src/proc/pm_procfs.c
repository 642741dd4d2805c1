
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_procfs.h"


#define PM_PROCFS_STEP  4096


typedef enum {
    PM_FILL_END = 0,
    PM_FILL_RECORD,
    PM_FILL_KEPT
} pm_procfs_fill_e;


static ssize_t pm_procfs_open_fill(int dirfd, const char *path, pm_buf_t *buf,
    size_t limit, pm_procfs_fill_e how);
static ssize_t pm_procfs_fill(int fd, pm_buf_t *buf, size_t limit,
    pm_procfs_fill_e how);


int
pm_procfs_open(const char *path)
{
    return open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
}


size_t
pm_procfs_path(char path[PM_PROCFS_PATH], int32_t pid, const char *file)
{
    char      *p, *d, digits[16];
    size_t     len;
    uint32_t   n;

    d = digits + sizeof(digits);

    n = pid < 0 ? 0 : pid;

    do {
        *--d = '0' + n % 10;
        n /= 10;
    } while (n);

    p = path;

    len = digits + sizeof(digits) - d;
    memcpy(p, d, len);
    p += len;

    len = strlen(file);

    if ((size_t) (p - path) + len + 2 > PM_PROCFS_PATH) {
        path[0] = '\0';
        return 0;
    }

    if (len) {
        *p++ = '/';
        memcpy(p, file, len);
        p += len;
    }

    *p = '\0';

    return p - path;
}


ssize_t
pm_procfs_read(int dirfd, const char *path, char *buf, size_t size)
{
    int      fd, err;
    ssize_t  n;

    fd = openat(dirfd, path, O_RDONLY|O_CLOEXEC|O_NOCTTY);
    if (fd == -1) {
        return -1;
    }

    do {
        n = read(fd, buf, size - 1);
    } while (n == -1 && errno == EINTR);

    err = errno;

    close(fd);

    if (n == -1) {
        errno = err;
        return -1;
    }

    buf[n] = '\0';

    return n;
}


ssize_t
pm_procfs_read_all(int dirfd, const char *path, pm_buf_t *buf, size_t limit)
{
    return pm_procfs_open_fill(dirfd, path, buf, limit, PM_FILL_END);
}


ssize_t
pm_procfs_read_record(int dirfd, const char *path, pm_buf_t *buf,
    size_t limit)
{
    return pm_procfs_open_fill(dirfd, path, buf, limit, PM_FILL_RECORD);
}


ssize_t
pm_procfs_reread(int fd, pm_buf_t *buf, size_t limit)
{
    return pm_procfs_fill(fd, buf, limit, PM_FILL_KEPT);
}


static ssize_t
pm_procfs_open_fill(int dirfd, const char *path, pm_buf_t *buf, size_t limit,
    pm_procfs_fill_e how)
{
    int      fd, err;
    ssize_t  n;

    fd = openat(dirfd, path, O_RDONLY|O_CLOEXEC|O_NOCTTY);
    if (fd == -1) {
        return -1;
    }

    n = pm_procfs_fill(fd, buf, limit, how);

    err = errno;

    close(fd);

    errno = err;

    return n;
}


static ssize_t
pm_procfs_fill(int fd, pm_buf_t *buf, size_t limit, pm_procfs_fill_e how)
{
    size_t   asked;
    size_t   len;
    ssize_t  n;

    len = 0;

    for ( ;; ) {

        if (buf->size - len < 2
            && pm_buf_grow(buf, buf->size ? buf->size * 2 : PM_PROCFS_STEP)
               == -1)
        {
            return -1;
        }

        asked = buf->size - len - 1;

        if (how == PM_FILL_KEPT) {
            n = pread(fd, buf->data + len, asked, len);

        } else {
            n = read(fd, buf->data + len, asked);
        }

        if (n == -1) {
            if (errno == EINTR) {
                continue;
            }

            return -1;
        }

        len += n;
        buf->data[len] = '\0';

        if (len > limit) {
            buf->data[limit] = '\0';
            errno = EFBIG;
            return -1;
        }

        if (n == 0 || (how == PM_FILL_RECORD && (size_t) n < asked)) {
            return len;
        }
    }
}


ssize_t
pm_procfs_readlink(int dirfd, const char *path, char *buf, size_t size)
{
    ssize_t  n;

    n = readlinkat(dirfd, path, buf, size);

    if (n == -1) {
        return -1;
    }

    if ((size_t) n == size) {
        errno = ENAMETOOLONG;
        return -1;
    }

    buf[n] = '\0';

    return n;
}


int
pm_buf_grow(pm_buf_t *buf, size_t size)
{
    char  *data;

    if (size <= buf->size) {
        return 0;
    }

    data = realloc(buf->data, size);
    if (data == NULL) {
        return -1;
    }

    buf->data = data;
    buf->size = size;

    return 0;
}


void
pm_buf_free(pm_buf_t *buf)
{
    free(buf->data);

    buf->data = NULL;
    buf->size = 0;
}
