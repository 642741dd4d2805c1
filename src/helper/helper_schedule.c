
/*
 * What runs by time: the tables of users.  By now the helper is nobody, who
 * may read files and change none.
 */


#include "helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


static void helper_schedule_tables(void);
static void helper_schedule_table(int dir, const char *name);


static const char  helper_crontabs[] = "/var/spool/cron/crontabs";


void
helper_schedule_act(helper_t *h)
{
    pm_wire_text_t  t;

    (void) h;

    helper_schedule_tables();

    helper_io_start(&t, "ok", NULL, NULL);
    helper_io_final(&t, NULL);
}


static void
helper_schedule_tables(void)
{
    int             fd;
    DIR            *dir;
    struct dirent  *d;

    fd = open(helper_crontabs, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);
    dir = fd == -1 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        return;
    }

    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] != '.') {
            helper_schedule_table(fd, d->d_name);
        }
    }

    closedir(dir);
}


/* its owner may write it: no links, no devices, no other file's name */

static void
helper_schedule_table(int dir, const char *name)
{
    int          fd, error;
    char         path[sizeof(helper_crontabs) + 256];
    ssize_t      n;
    struct stat  st;

    snprintf(path, sizeof(path), "%s/%s", helper_crontabs, name);

    n = 0;
    fd = openat(dir, name, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY|O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1) {
        error = errno;

    } else if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        error = EINVAL;

    } else if (st.st_size > PM_WIRE_OUTPUT) {
        error = EFBIG;

    } else {
        n = read(fd, helper_out, PM_WIRE_OUTPUT);
        error = n == -1 ? errno : 0;
    }

    if (fd != -1) {
        close(fd);
    }

    helper_schedule_send(path, error, error ? 0 : (size_t) n);
}
