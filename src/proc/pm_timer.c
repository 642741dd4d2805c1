
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "pm_parse.h"
#include "pm_procfs.h"
#include "pm_timer.h"


#define PM_TIMER_FILE  65536
#define PM_TIMER_TEXT  1024


static int pm_timer_folder(int root, const char *folder, const char *before,
    pm_schedule_pt row, void *data);
static int pm_timer_wanted(void *list, const char *name);
static void pm_timer_files(int root, size_t folder, pm_timer_told_pt told,
    void *list, pm_schedule_pt row, void *data);
static int pm_timer_is(const char *name);
static void pm_timer_unit(int root, const char *name, int64_t next,
    int64_t run, int enabled, int told, pm_schedule_pt row, void *data);
static void pm_timer_parse(const char *p, const char *end,
    char when[PM_TIMER_TEXT], char unit[PM_TIMER_TEXT]);
static void pm_timer_add(char dst[PM_TIMER_TEXT], const char *p,
    const char *end);


/* in systemd's order: what is in one hides what is in those behind it */

static const char *const  pm_timer_folders[] = {
    "etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system",
    "lib/systemd/system", NULL
};


static const char *const  pm_timer_wants[] = {
    "etc/systemd/system/timers.target.wants",
    "lib/systemd/system/timers.target.wants", NULL
};


int
pm_timer_there(const char *root)
{
    int  fd, there;

    fd = pm_procfs_open(root);

    if (fd == -1) {
        return 0;
    }

    there = (faccessat(fd, "run/systemd/system", F_OK, 0) == 0);

    close(fd);

    return there;
}


int
pm_timer_read(const char *root, pm_schedule_pt row, void *data)
{
    int  fd, rc;

    fd = pm_procfs_open(root);

    if (fd == -1) {
        return errno;
    }

    rc = pm_timer_folder(fd, pm_timer_wants[0], NULL, row, data);

    if (rc == 0 || rc == ENOENT) {
        rc = pm_timer_folder(fd, pm_timer_wants[1], pm_timer_wants[0], row,
                             data);
    }

    if (rc == 0 || rc == ENOENT) {
        pm_timer_rest(root, pm_timer_wanted, &fd, row, data);
    }

    close(fd);

    return rc == ENOENT ? 0 : rc;
}


static int
pm_timer_wanted(void *list, const char *name)
{
    char         path[512];
    size_t       i;
    struct stat  st;

    for (i = 0; pm_timer_wants[i]; i++) {
        snprintf(path, sizeof(path), "%s/%s", pm_timer_wants[i], name);

        if (fstatat(*(int *) list, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            return 1;
        }
    }

    return 0;
}


void
pm_timer_rest(const char *root, pm_timer_told_pt told, void *list,
    pm_schedule_pt row, void *data)
{
    int     fd;
    size_t  i;

    fd = pm_procfs_open(root);

    if (fd == -1) {
        return;
    }

    for (i = 0; pm_timer_folders[i]; i++) {
        pm_timer_files(fd, i, told, list, row, data);
    }

    close(fd);
}


/* a template is no timer yet, and a masked one will never be one */

static void
pm_timer_files(int root, size_t folder, pm_timer_told_pt told, void *list,
    pm_schedule_pt row, void *data)
{
    int             fd;
    DIR            *dir;
    char            path[512];
    size_t          i;
    struct stat     st;
    struct dirent  *entry;

    fd = openat(root, pm_timer_folders[folder],
                O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    dir = (fd == -1) ? NULL : fdopendir(fd);

    if (dir == NULL) {
        if (fd != -1) {
            close(fd);
        }

        return;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!pm_timer_is(entry->d_name)
            || strstr(entry->d_name, "@.") != NULL
            || told(list, entry->d_name)
            || fstatat(fd, entry->d_name, &st, 0) == -1
            || !S_ISREG(st.st_mode))
        {
            continue;
        }

        for (i = 0; i < folder; i++) {
            snprintf(path, sizeof(path), "%s/%s", pm_timer_folders[i],
                     entry->d_name);

            if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                break;
            }
        }

        if (i == folder) {
            pm_timer_unit(root, entry->d_name, PM_CRON_NEVER, PM_CRON_NEVER,
                          0, 0, row, data);
        }
    }

    closedir(dir);
}


static int
pm_timer_is(const char *name)
{
    size_t  len;

    len = strlen(name);

    return len > 6 && strcmp(name + len - 6, ".timer") == 0;
}


/* one that is in `before' was there already */

static int
pm_timer_folder(int root, const char *folder, const char *before,
    pm_schedule_pt row, void *data)
{
    int             fd, rc;
    DIR            *dir;
    char            path[512];
    struct stat     st;
    struct dirent  *entry;

    fd = openat(root, folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return errno;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        rc = errno;
        close(fd);
        return rc;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!pm_timer_is(entry->d_name)) {
            continue;
        }

        if (before) {
            snprintf(path, sizeof(path), "%s/%s", before, entry->d_name);

            if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                continue;
            }
        }

        pm_timer_unit(root, entry->d_name, PM_CRON_NEVER, PM_CRON_NEVER,
                      1, 0, row, data);
    }

    closedir(dir);

    return 0;
}


void
pm_timer_named(const char *root, const char *name, int64_t next,
    int64_t last, int enabled, pm_schedule_pt row, void *data)
{
    int  fd;

    fd = pm_procfs_open(root);

    if (fd != -1) {
        pm_timer_unit(fd, name, next, last, enabled, 1, row, data);
        close(fd);
    }
}


static void
pm_timer_unit(int root, const char *name, int64_t next, int64_t run,
    int enabled, int told, pm_schedule_pt row, void *data)
{
    char                path[512], when[PM_TIMER_TEXT], unit[PM_TIMER_TEXT];
    size_t              i;
    ssize_t             n;
    pm_buf_t            buf = { NULL, 0 };
    struct stat         st;
    pm_schedule_row_t   r;

    when[0] = '\0';
    unit[0] = '\0';
    n = -1;

    for (i = 0; pm_timer_folders[i] && n == -1; i++) {
        snprintf(path, sizeof(path), "%s/%s", pm_timer_folders[i], name);
        n = pm_procfs_read_all(root, path, &buf, PM_TIMER_FILE);
    }

    if (n != -1) {
        pm_timer_parse(buf.data, buf.data + n, when, unit);
    }

    pm_buf_free(&buf);

    if (unit[0] == '\0' && strlen(name) > 6) {
        snprintf(unit, sizeof(unit), "%.*s.service",
                 (int) (strlen(name) - 6), name);
    }

    memset(&r, 0, sizeof(pm_schedule_row_t));

    r.source = name;
    r.schedule.data = when[0] ? when : NULL;
    r.schedule.len = strlen(when);
    r.command.data = unit;
    r.command.len = strlen(unit);
    r.next = next;
    r.last = run;
    r.enabled = enabled;

    /* systemd makes a stamp also of a timer that has not run yet */

    snprintf(path, sizeof(path), "var/lib/systemd/timers/stamp-%s", name);

    if (!told && fstatat(root, path, &st, 0) == 0) {
        r.last = st.st_mtime;
    }

    row(data, &r);
}


/* "OnCalendar=daily", "OnBootSec=15min", ... and "Unit=" */

static void
pm_timer_parse(const char *p, const char *end, char when[PM_TIMER_TEXT],
    char unit[PM_TIMER_TEXT])
{
    const char  *next, *last, *v;

    for ( /* void */ ; p < end; p = next) {

        next = pm_parse_line(p, end);
        last = next - (next[-1] == '\n');

        v = memchr(p, '=', last - p);

        if (v == NULL) {
            continue;
        }

        if (pm_parse_key(p, last, "On")) {

            if (v + 1 == last) {
                when[0] = '\0';                 /* an empty one resets */

            } else if (pm_parse_key(p, last, "OnCalendar=")) {
                pm_timer_add(when, v + 1, last);

            } else {
                pm_timer_add(when, p, last);
            }

        } else if (pm_parse_key(p, last, "Unit=")) {
            unit[0] = '\0';
            pm_timer_add(unit, v + 1, last);
        }
    }
}


static void
pm_timer_add(char dst[PM_TIMER_TEXT], const char *p, const char *end)
{
    size_t  len;

    len = strlen(dst);

    (void) snprintf(dst + len, PM_TIMER_TEXT - len, "%s%.*s",
                    len ? "; " : "", (int) (end - p), p);
}
