
/* opening a file that nobody but its rightful owners can have put there */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pm_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/xattr.h>


#define PM_PATH_LINKS  16


static int pm_path_check(const struct stat *st, uid_t owner, const char *name,
    char *why, size_t size);
static int pm_path_link(int dir, const char *name, char *rest, uid_t owner,
    char *why, size_t size);
static int pm_path_last(int fd, const char *path, uid_t owner, int flags,
    struct stat *st, char *why, size_t size);


int
pm_path_open(const char *path, uid_t owner, int flags, struct stat *st,
    char *why, size_t size)
{
    int     dir, fd, how, links;
    char   *p, *next;
    char    rest[PATH_MAX], name[NAME_MAX + 1];
    size_t  len;

    len = strlen(path);

    if (path[0] != '/' || len >= sizeof(rest)) {
        snprintf(why, size, "%s is not an absolute path", path);
        return -1;
    }

    memcpy(rest, path, len + 1);

    dir = -1;
    links = 0;

    for (p = rest; /* void */ ; p = next) {

        if (p == rest && *p == '/') {

            if (dir != -1) {
                close(dir);
            }

            dir = open("/", O_PATH|O_DIRECTORY|O_CLOEXEC);

            if (dir == -1 || fstat(dir, st) == -1) {
                snprintf(why, size, "open / failed: %s", strerror(errno));
                goto failed;
            }

            if (pm_path_check(st, owner, "/", why, size) != 0) {
                goto failed;
            }
        }

        p += strspn(p, "/");
        len = strcspn(p, "/");
        next = p + len;
        next += strspn(next, "/");

        if (len > NAME_MAX) {
            snprintf(why, size, "%s: a name is too long", path);
            goto failed;
        }

        memcpy(name, p, len);
        name[len] = '\0';

        if (len == 0) {
            memcpy(name, ".", 2);
        }

        how = O_NOFOLLOW|O_CLOEXEC;

        if (*next != '\0') {
            how |= O_PATH;

        } else {
            how |= O_RDONLY|O_NONBLOCK|O_NOCTTY;
        }

        fd = openat(dir, name, how);

        if (fd == -1 && errno != ELOOP) {
            snprintf(why, size, "open %s failed: %s", path, strerror(errno));
            goto failed;
        }

        if (fd != -1 && fstat(fd, st) == -1) {
            snprintf(why, size, "stat %s failed: %s", path, strerror(errno));
            close(fd);
            goto failed;
        }

        if (fd == -1 || S_ISLNK(st->st_mode)) {

            if (fd != -1) {
                close(fd);
            }

            if (*next == '\0' && (flags & PM_PATH_NOFOLLOW)) {
                snprintf(why, size, "%s is a symbolic link", path);
                goto failed;
            }

            if (++links > PM_PATH_LINKS) {
                snprintf(why, size, "%s: too many links", path);
                goto failed;
            }

            memmove(rest, next, strlen(next) + 1);
            next = rest;

            if (pm_path_link(dir, name, rest, owner, why, size) != 0) {
                goto failed;
            }

            continue;
        }

        if (*next == '\0') {
            close(dir);
            return pm_path_last(fd, path, owner, flags, st, why, size);
        }

        close(dir);
        dir = fd;

        if (!S_ISDIR(st->st_mode)) {
            snprintf(why, size, "%s: \"%s\" is no folder", path, name);
            goto failed;
        }

        if (pm_path_check(st, owner, name, why, size) != 0) {
            goto failed;
        }
    }

failed:

    if (dir != -1) {
        close(dir);
    }

    return -1;
}


static int
pm_path_check(const struct stat *st, uid_t owner, const char *name, char *why,
    size_t size)
{
    if (st->st_uid != 0 && st->st_uid != owner) {
        snprintf(why, size, "\"%s\" belongs to uid %u", name,
                 (unsigned) st->st_uid);
        return -1;
    }

    /* with an access list these bits of the group are the list's mask */

    if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP|S_IWOTH))) {
        snprintf(why, size, "\"%s\" is writable by group or others (%04o)",
                 name, (unsigned) (st->st_mode & 07777));
        return -1;
    }

    return 0;
}


/* puts the link's text before what remains of the path */

static int
pm_path_link(int dir, const char *name, char *rest, uid_t owner, char *why,
    size_t size)
{
    char         text[PATH_MAX];
    size_t       len;
    ssize_t      n;
    struct stat  st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1
        || (n = readlinkat(dir, name, text, sizeof(text))) == -1)
    {
        snprintf(why, size, "link \"%s\": %s", name, strerror(errno));
        return -1;
    }

    if (pm_path_check(&st, owner, name, why, size) != 0) {
        return -1;
    }

    len = strlen(rest);

    if (n == 0 || (size_t) n + 1 + len >= PATH_MAX) {
        snprintf(why, size, "link \"%s\" is too long", name);
        return -1;
    }

    if (len) {
        text[n++] = '/';
    }

    memmove(rest + n, rest, len + 1);
    memcpy(rest, text, (size_t) n);

    return 0;
}


static int
pm_path_last(int fd, const char *path, uid_t owner, int flags,
    struct stat *st, char *why, size_t size)
{
    if ((flags & PM_PATH_DIR) ? !S_ISDIR(st->st_mode)
                              : !S_ISREG(st->st_mode))
    {
        snprintf(why, size, "%s is not a %s", path,
                 (flags & PM_PATH_DIR) ? "folder" : "regular file");
        goto failed;
    }

    if (pm_path_check(st, owner, path, why, size) != 0) {
        goto failed;
    }

    if ((flags & PM_PATH_SECRET) && (st->st_mode & (S_IRWXG|S_IRWXO))) {
        snprintf(why, size, "%s is open to group or others (%04o)", path,
                 (unsigned) (st->st_mode & 07777));
        goto failed;
    }

    if (flags & PM_PATH_SINGLE) {

        if (st->st_nlink != 1) {
            snprintf(why, size, "%s has %lu links", path,
                     (unsigned long) st->st_nlink);
            goto failed;
        }

        if (fgetxattr(fd, "system.posix_acl_access", NULL, 0) != -1) {
            snprintf(why, size, "%s has an access list", path);
            goto failed;
        }

        if (errno != ENODATA && errno != ENOTSUP) {
            snprintf(why, size, "%s: access list: %s", path,
                     strerror(errno));
            goto failed;
        }
    }

    return fd;

failed:

    close(fd);

    return -1;
}
