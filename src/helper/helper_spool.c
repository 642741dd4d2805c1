
/*
 * The spool: a file for each action, there before it starts and complete
 * after it ended.  Its name is the operation's, so that none runs twice; its
 * lock lives as long as the process that acts.
 *
 * A file is a head and the text of the start; behind it, once the action
 * ended, the records of a measured run, a head, the final answer, and the
 * SHA-256 of all these, see helper_stored.c.
 */


#include "helper.h"
#include "../policy/pm_fail.h"
#include "../policy/pm_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>


#define HELPER_SPOOL_KEEP   (7 * 86400)   /* s, of settled files */
#define HELPER_SPOOL_PRUNE  3600          /* s between two sweeps */


static int helper_spool_lock(int dir, const char *name);
static int helper_spool_file(helper_t *h, int dir, char *why, size_t size);


int
helper_spool_open(char *why, size_t size)
{
    struct stat  st;

    return pm_path_open(helper_spool_dir, helper_owner,
                        PM_PATH_DIR|PM_PATH_SECRET, &st, why, size);
}


int
helper_spool_begin(helper_t *h, const char *target, const char *name)
{
    int   dir, rc;
    char  why[HELPER_WHY];

    dir = h->dir = helper_spool_open(why, sizeof(why));

    if (dir != -1 && helper_spool_lock(dir, target) == -1) {
        return helper_refuse(h, "refused", "busy",
                             "another action on %s is running", name);
    }

    pm_fail(spool_before, NULL);

    rc = dir == -1 ? -1 : helper_spool_file(h, dir, why, sizeof(why));

    if (rc) {
        return rc == 1 ? helper_refuse(h, "refused", "replayed",
                                       "this operation has been run")
                       : helper_refuse(h, "error", "spool_failed", "%s", why);
    }

    pm_fail(spool_begun, NULL);

    helper_anchor(h, dir);

    return 0;
}


/*
 * One action at a time for a unit, by whatever name it goes.  The lock ends
 * with this process.  -1 when another one holds it.
 */

static int
helper_spool_lock(int dir, const char *name)
{
    int          fd;
    char         file[8 + 2 * PM_SHA256_LEN + 1];
    uint8_t      sum[PM_SHA256_LEN];
    pm_sha256_t  ctx;

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, name, strlen(name));
    pm_sha256_final(&ctx, sum);

    memcpy(file, "lock.", 5);
    pm_hex(file + 5, sum, sizeof(sum));

    fd = openat(dir, file, O_RDWR|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (fd == -1 || flock(fd, LOCK_EX|LOCK_NB) == -1) {
        return -1;
    }

    return 0;
}


/* 0; 1 when there is one of this name already; -1 and a sentence */

static int
helper_spool_file(helper_t *h, int dir, char *why, size_t size)
{
    int              fd;
    char             temp[64];
    size_t           i;
    pm_wire_head_t   head;
    pm_wire_text_t   t;

    static const char *const  keys[] = {
        "op", "verb", "name", "action", "actor", "role", "id", "pid",
        "starttime", "signal"
    };

    pm_wire_start(&t);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (pm_wire_get(&h->msg, keys[i])) {
            pm_wire_add(&t, keys[i], pm_wire_get(&h->msg, keys[i]));
        }
    }

    pm_wire_addu(&t, "pid", (uint64_t) getpid());
    pm_wire_addu(&t, "time", (uint64_t) time(NULL));

    memset(&head, 0, sizeof(head));
    head.type = HELPER_SPOOL_START;
    head.len = (uint32_t) t.len;

    snprintf(temp, sizeof(temp), "new.%s.%d", h->op, (int) getpid());

    fd = openat(dir, temp, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);
    if (fd == -1) {
        snprintf(why, size, "open the spool failed: %s", strerror(errno));
        return -1;
    }

    /* it gets its name only when it is complete, locked and on the disk */

    if (flock(fd, LOCK_EX) == -1
        || helper_spool_write(fd, &head, sizeof(head)) == -1
        || helper_spool_write(fd, t.data, t.len) == -1
        || fsync(fd) == -1)
    {
        snprintf(why, size, "write the spool failed: %s", strerror(errno));
        goto failed;
    }

    pm_fail(spool_written, NULL);

    if (renameat2(dir, temp, dir, h->op, RENAME_NOREPLACE) == -1) {

        if (errno == EEXIST) {
            (void) unlinkat(dir, temp, 0);
            close(fd);
            return 1;
        }

        snprintf(why, size, "name the spool failed: %s", strerror(errno));
        goto failed;
    }

    pm_fail(spool_named, NULL);

    if (fsync(dir) == -1) {
        snprintf(why, size, "sync the spool failed: %s", strerror(errno));
        close(fd);
        return -1;
    }

    h->spool = fd;

    return 0;

failed:

    (void) unlinkat(dir, temp, 0);
    close(fd);

    return -1;
}


int
helper_spool_write(int fd, const void *data, size_t len)
{
    ssize_t      n;
    const char  *p;

    pm_fail(spool_write, NULL);

    for (p = data; len; p += n, len -= (size_t) n) {
        n = write(fd, p, len);

        if (n <= 0) {
            return -1;
        }
    }

    return 0;
}


/* leaves a mark: a look that was never taken before is logged */

void
helper_spool_first(helper_t *h, const char *name)
{
    int   dir, fd;
    char  file[64], why[HELPER_WHY];

    dir = helper_spool_open(why, sizeof(why));
    snprintf(file, sizeof(file), "first.%.50s", name);
    fd = openat(dir, file, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    h->first = fd != -1;
    close(fd);
    close(dir);
}


/* operations that ended long ago, and what a crash left half-made */

void
helper_spool_prune(int dir)
{
    int              fd;
    DIR             *d;
    time_t           now;
    struct stat      st;
    struct dirent   *e;

    now = time(NULL);
    fd = openat(dir, "pruned", O_WRONLY|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (fd == -1) {
        return;
    }

    if (fstat(fd, &st) == -1 || (st.st_size
                                 && now - st.st_mtime < HELPER_SPOOL_PRUNE)
        || ftruncate(fd, 0) == -1 || write(fd, "\n", 1) != 1)
    {
        close(fd);
        return;
    }

    close(fd);

    fd = openat(dir, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL) {
        return;
    }

    while ((e = readdir(d)) != NULL) {

        /* "new.<op>.<pid>", or an operation's name alone */

        if ((strncmp(e->d_name, "new.", 4) == 0 || strlen(e->d_name) == 36)
            && fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG(st.st_mode) && now - st.st_mtime > HELPER_SPOOL_KEEP)
        {
            (void) unlinkat(dir, e->d_name, 0);
        }
    }

    closedir(d);
}
