
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pm_fact.h"
#include "pm_parse.h"


static int pm_fact_crontab(pm_fact_t *f, const char *path, unsigned *n);
static int pm_fact_cron_line(const char *p, const char *end);
static int pm_fact_cron_name(const char *name);


/* the number of valid lines in the host's own tables */

int
pm_fact_schedule(pm_fact_t *f)
{
    int             rc, fd;
    DIR            *dir;
    char            path[300];
    unsigned        n;
    struct dirent  *entry;

    n = 0;

    rc = pm_fact_crontab(f, "etc/crontab", &n);

    if (rc && rc != ENOENT) {
        return rc;
    }

    fd = openat(f->root, "etc/cron.d", O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {

        /* no cron at all, or one without the folder */

        if (rc || errno != ENOENT) {
            return errno;
        }

        goto done;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        rc = errno;
        close(fd);
        return rc;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!pm_fact_cron_name(entry->d_name)) {
            continue;
        }

        snprintf(path, sizeof(path), "etc/cron.d/%s", entry->d_name);

        (void) pm_fact_crontab(f, path, &n);
    }

    closedir(dir);

done:

    snprintf(f->out, f->size, "%u", n);

    return 0;
}


static int
pm_fact_crontab(pm_fact_t *f, const char *path, unsigned *n)
{
    int          rc;
    ssize_t      len;
    pm_buf_t     buf = { NULL, 0 };
    const char  *p, *end, *next;

    len = pm_fact_read(f, path, &buf);

    if (len == -1) {
        rc = errno;
        pm_buf_free(&buf);
        return rc;
    }

    end = buf.data + len;

    for (p = buf.data; p < end; p = next) {

        next = pm_parse_line(p, end);

        *n += pm_fact_cron_line(p, next);
    }

    pm_buf_free(&buf);

    return 0;
}


/*
 * Whether a line of a system table has five times (or @word), a user and a
 * command; settings and comments have not.
 */

static int
pm_fact_cron_line(const char *p, const char *end)
{
    int          i, times;
    const char  *word, *s;

    p = pm_parse_blanks(p, end);

    if (p == end || *p == '#' || *p == '\n') {
        return 0;
    }

    times = (*p == '@') ? 1 : 5;

    for (i = 0; i < times + 1; i++) {

        word = p;

        while (p < end && *p != ' ' && *p != '\t' && *p != '\n') {
            p++;
        }

        if (p == word) {
            return 0;
        }

        if (i < times && *word != '@') {

            for (s = word; s < p; s++) {

                if (strchr("*,-/~", *s) == NULL
                    && !(*s >= '0' && *s <= '9')
                    && !(*s >= 'a' && *s <= 'z')
                    && !(*s >= 'A' && *s <= 'Z'))
                {
                    return 0;
                }
            }
        }

        p = pm_parse_blanks(p, end);
    }

    return p < end && *p != '\n';
}


/* the names that cron itself reads in cron.d */

static int
pm_fact_cron_name(const char *name)
{
    const char  *p;

    for (p = name; *p; p++) {

        if (!(*p >= '0' && *p <= '9') && !(*p >= 'a' && *p <= 'z')
            && !(*p >= 'A' && *p <= 'Z') && *p != '_' && *p != '-')
        {
            return 0;
        }
    }

    return p != name;
}
