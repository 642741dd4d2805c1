
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
#include "pm_schedule_part.h"


#define PM_SCHEDULE_NAMES  4096         /* files of a folder */

#define PM_SCHEDULE_SPOOL  "var/spool/cron"


static const char  *const pm_schedule_folders[4] = {
    "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
    "/etc/cron.monthly"
};


static int pm_schedule_unfinished(const char *user);
static void pm_schedule_cron(pm_schedule_t *s);
static void pm_schedule_folder(pm_schedule_t *s, const char *folder);
static void pm_schedule_file(pm_schedule_t *s, const char *path,
    const char *user);
static const char *pm_schedule_refused(pm_schedule_t *s,
    const struct stat *st);
static void pm_schedule_table(pm_schedule_t *s, const char *source,
    const char *user, const char *text, size_t len, const char *refused);
static void pm_schedule_part(pm_schedule_t *s, const pm_cron_line_t *l,
    int64_t next);
static void pm_schedule_spool(pm_schedule_t *s);
static void pm_schedule_scripts(pm_schedule_t *s,
    const pm_schedule_parts_t *parts);
static char **pm_schedule_names(pm_schedule_t *s, const char *folder,
    size_t *n, int *fd);
static int pm_schedule_cmp(const void *a, const void *b);


pm_schedule_t *
pm_schedule_create(const char *root, int64_t now, pm_schedule_pt row,
    void *data)
{
    size_t          i;
    pm_schedule_t  *s;

    s = calloc(1, sizeof(pm_schedule_t));
    if (s == NULL) {
        return NULL;
    }

    s->root = pm_procfs_open(root);

    if (s->root == -1) {
        free(s);
        return NULL;
    }

    s->now = now;
    s->row = row;
    s->data = data;

    for (i = 0; i < 4; i++) {
        s->parts[i].folder = pm_schedule_folders[i];
        s->parts[i].next = PM_CRON_NEVER;
    }

    (void) pm_tz_load(s->root, NULL, &s->tz);

    s->anacron = (faccessat(s->root, "usr/sbin/anacron", F_OK, 0) == 0);
    s->strict = (strcmp(root, "/") == 0);

    pm_schedule_cron(s);

    return s;
}


void
pm_schedule_free(pm_schedule_t *s)
{
    if (s) {
        close(s->root);
        pm_tz_free(s->tz);
        free(s);
    }
}


unsigned
pm_schedule_read(pm_schedule_t *s, unsigned *found)
{
    size_t  i;

    pm_schedule_file(s, "etc/crontab", NULL);
    pm_schedule_folder(s, "etc/cron.d");
    pm_schedule_anacron(s);

    for (i = 0; i < 4; i++) {
        pm_schedule_scripts(s, &s->parts[i]);
    }

    pm_schedule_spool(s);

    *found = s->found;

    return s->lost;
}


void
pm_schedule_crontab(pm_schedule_t *s, const char *source, const char *user,
    const char *text, size_t len)
{
    if (!pm_schedule_unfinished(user)) {
        pm_schedule_table(s, source, user, text, len, NULL);
    }
}


/* a table that is being written is called tmp.XXXXXX */

static int
pm_schedule_unfinished(const char *user)
{
    return user[0] == '.' || strncmp(user, "tmp.", 4) == 0;
}


/* programs of many names and versions: they say themselves what they know */

static void
pm_schedule_cron(pm_schedule_t *s)
{
    size_t    i;
    ssize_t   n;
    pm_buf_t  buf = { NULL, 0 };

    static const char *const  daemons[] = {
        "usr/sbin/cron", "usr/sbin/crond"
    };

    s->zones = 1;

    for (i = 0; i < 2; i++) {

        n = pm_procfs_read_all(s->root, daemons[i], &buf, PM_SCHEDULE_FILE);

        if (n > 0) {
            s->zones = (memmem(buf.data, n, "CRON_TZ", 7) != NULL);
            s->newline = (memmem(buf.data, n, "Missing newline", 15)
                          != NULL);
            break;
        }
    }

    pm_buf_free(&buf);
}


static void
pm_schedule_folder(pm_schedule_t *s, const char *folder)
{
    int      fd;
    char   **names, path[PM_SCHEDULE_PATH];
    size_t   i, n;

    names = pm_schedule_names(s, folder, &n, &fd);

    if (names == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {

        if (pm_cron_name(names[i])) {
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
            pm_schedule_file(s, path, NULL);
        }

        free(names[i]);
    }

    free(names);
    close(fd);
}


/* a table of the system has no user of its own */

static void
pm_schedule_file(pm_schedule_t *s, const char *path, const char *user)
{
    char                source[PM_SCHEDULE_PATH + 1];
    ssize_t             n;
    pm_buf_t            buf = { NULL, 0 };
    struct stat         st;
    pm_schedule_row_t   row;

    snprintf(source, sizeof(source), "/%s", path);

    /* a pipe would not end, and cron reads none either */

    if (fstatat(s->root, path, &st, 0) == -1) {

        if (errno == ENOENT) {
            return;
        }

        n = -1;

    } else if (!S_ISREG(st.st_mode)) {
        return;

    } else {
        n = pm_procfs_read_all(s->root, path, &buf, PM_SCHEDULE_FILE);
    }

    s->found++;

    if (n == -1) {
        memset(&row, 0, sizeof(pm_schedule_row_t));

        row.source = source;
        row.next = PM_CRON_NEVER;
        row.last = PM_CRON_NEVER;
        row.error = (errno == EACCES) ? "may not be read"
                    : (errno == EFBIG) ? "is too long to be a table"
                    : "cannot be read";
        row.user.data = user;
        row.user.len = user ? strlen(user) : 0;

        s->lost |= user ? PM_SCHEDULE_CRONTABS : PM_SCHEDULE_TABLES;

        pm_schedule_row(s, &row);

    } else {
        pm_schedule_table(s, source, user, buf.data, n,
                          user ? NULL : pm_schedule_refused(s, &st));
    }

    pm_buf_free(&buf);
}


static const char *
pm_schedule_refused(pm_schedule_t *s, const struct stat *st)
{
    if (!s->strict) {
        return NULL;
    }

    if (st->st_uid != 0) {
        return "cron refuses this file: it is not owned by root";
    }

    if (st->st_mode & 022) {
        return "cron refuses this file: others than root may write it";
    }

    return NULL;
}


static void
pm_schedule_table(pm_schedule_t *s, const char *source, const char *user,
    const char *text, size_t len, const char *refused)
{
    char                name[PM_SCHEDULE_TEXT];
    pm_tz_t            *own;
    const char         *p, *next, *end, *zone_error;
    pm_cron_str_t       zone;
    pm_cron_line_t      l;
    pm_schedule_row_t   row;

    own = NULL;
    zone_error = NULL;
    memset(&zone, 0, sizeof(pm_cron_str_t));

    end = text + len;

    if (refused == NULL && s->newline && len && end[-1] != '\n') {
        refused = "cron refuses this file: its last line has no end";
    }

    memset(&row, 0, sizeof(pm_schedule_row_t));

    row.source = source;

    for (p = text; p < end; p = next) {

        next = pm_parse_line(p, end);
        row.line++;

        pm_cron_line(&l, p, next - p - (next[-1] == '\n'), user == NULL);

        if (l.kind == PM_CRON_NONE) {
            continue;
        }

        if (l.kind == PM_CRON_SET) {

            if (!s->zones || l.name.len != 7
                || memcmp(l.name.data, "CRON_TZ", 7) != 0)
            {
                continue;
            }

            pm_tz_free(own);
            own = NULL;
            zone = l.value;
            zone_error = NULL;

            (void) snprintf(name, sizeof(name), "%.*s", (int) zone.len,
                            zone.data);

            if (zone.len >= sizeof(name)
                || pm_tz_load(s->root, name, &own) != 0)
            {
                zone_error = "there is no such time zone";
            }

            continue;
        }

        row.user = l.user;

        if (user) {
            row.user.data = user;
            row.user.len = strlen(user);
        }

        row.schedule = l.schedule;
        row.command = l.command;
        row.input = l.input;
        row.zone = zone;
        row.next = PM_CRON_NEVER;
        row.last = PM_CRON_NEVER;
        row.error = l.why ? l.why : refused ? refused : zone_error;
        row.enabled = (row.error == NULL);

        if (row.enabled && (own || s->tz)) {
            row.next = pm_cron_next(&l.time, own ? own : s->tz, s->now);

            if (row.next == PM_CRON_NEVER && !l.time.reboot) {
                row.error = "never runs: there is no such day or time";
            }

            pm_schedule_part(s, &l, row.next);
        }

        pm_schedule_row(s, &row);
    }

    pm_tz_free(own);
}


/* "run-parts /etc/cron.daily": what is in there runs by this line */

static void
pm_schedule_part(pm_schedule_t *s, const pm_cron_line_t *l, int64_t next)
{
    size_t                i;
    pm_schedule_parts_t  *parts;

    for (i = 0; i < 4; i++) {
        parts = &s->parts[i];

        if (parts->found
            || memmem(l->command.data, l->command.len, parts->folder,
                      strlen(parts->folder))
               == NULL)
        {
            continue;
        }

        /* Debian's lines do nothing where anacron is there */

        if (s->anacron
            && memmem(l->command.data, l->command.len, "anacron", 7))
        {
            continue;
        }

        parts->found = 1;
        parts->next = next;

        snprintf(parts->schedule, PM_SCHEDULE_TEXT, "%.*s",
                 (int) l->schedule.len, l->schedule.data);
    }
}


/* Debian has a folder more there; its owner alone may look in */

static void
pm_schedule_spool(pm_schedule_t *s)
{
    int            fd;
    char         **names, path[PM_SCHEDULE_PATH];
    size_t         i, n;
    const char    *folder;
    struct stat    st;

    folder = PM_SCHEDULE_SPOOL "/crontabs";

    if (fstatat(s->root, folder, &st, 0) == -1 && errno == ENOENT) {
        folder = PM_SCHEDULE_SPOOL;
    }

    names = pm_schedule_names(s, folder, &n, &fd);

    if (names == NULL) {

        if (errno != ENOENT) {
            s->found++;
            s->lost |= PM_SCHEDULE_CRONTABS;
        }

        return;
    }

    for (i = 0; i < n; i++) {

        if (!pm_schedule_unfinished(names[i])) {
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
            pm_schedule_file(s, path, names[i]);
        }

        free(names[i]);
    }

    free(names);
    close(fd);
}


static void
pm_schedule_scripts(pm_schedule_t *s, const pm_schedule_parts_t *parts)
{
    int                 fd;
    char              **names, path[PM_SCHEDULE_PATH];
    size_t              i, n;
    struct stat         st;
    pm_schedule_row_t   row;

    names = pm_schedule_names(s, parts->folder + 1, &n, &fd);

    if (names == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {

        if (!pm_cron_name(names[i]) || fstatat(fd, names[i], &st, 0) == -1
            || !S_ISREG(st.st_mode))
        {
            free(names[i]);
            continue;
        }

        memset(&row, 0, sizeof(pm_schedule_row_t));

        snprintf(path, sizeof(path), "%s/%s", parts->folder, names[i]);

        row.source = parts->folder;
        row.user.data = "root";
        row.user.len = 4;
        row.command.data = path;
        row.command.len = strlen(path);
        row.last = PM_CRON_NEVER;
        row.next = PM_CRON_NEVER;

        if (parts->found) {
            row.schedule.data = parts->schedule;
            row.schedule.len = strlen(parts->schedule);
        }

        if (!(st.st_mode & 0111)) {
            row.error = "may not be executed";

        } else if (!parts->found) {
            row.error = "no table runs this folder";

        } else {
            row.enabled = 1;
            row.next = parts->next;
        }

        pm_schedule_row(s, &row);

        free(names[i]);
    }

    free(names);
    close(fd);
}


void
pm_schedule_row(pm_schedule_t *s, pm_schedule_row_t *row)
{
    if (s->rows == PM_SCHEDULE_ROWS) {
        s->lost |= PM_SCHEDULE_TABLES;
        return;
    }

    s->rows++;

    s->row(s->data, row);
}


/* sorted; NULL and errno */

static char **
pm_schedule_names(pm_schedule_t *s, const char *folder, size_t *n, int *fd)
{
    int             copy, err;
    DIR            *dir;
    char          **names;
    struct dirent  *entry;

    *n = 0;

    *fd = openat(s->root, folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (*fd == -1) {

        if (errno != ENOENT && strncmp(folder, PM_SCHEDULE_SPOOL,
                                       sizeof(PM_SCHEDULE_SPOOL) - 1) != 0)
        {
            s->lost |= PM_SCHEDULE_TABLES;
        }

        return NULL;
    }

    names = calloc(PM_SCHEDULE_NAMES, sizeof(char *));
    copy = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    dir = (copy == -1) ? NULL : fdopendir(copy);

    if (names == NULL || dir == NULL) {
        err = errno;
        free(names);
        close(*fd);

        if (dir) {
            closedir(dir);

        } else if (copy != -1) {
            close(copy);
        }

        errno = err;
        return NULL;
    }

    while (*n < PM_SCHEDULE_NAMES && (entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '.') {
            continue;
        }

        names[*n] = strdup(entry->d_name);

        if (names[*n] == NULL) {
            break;
        }

        (*n)++;
    }

    closedir(dir);

    s->found++;

    qsort(names, *n, sizeof(char *), pm_schedule_cmp);

    return names;
}


static int
pm_schedule_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}
