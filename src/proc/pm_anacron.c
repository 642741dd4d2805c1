
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pm_parse.h"
#include "pm_procfs.h"
#include "pm_schedule_part.h"


static void pm_anacron_line(pm_schedule_t *s, pm_schedule_row_t *row,
    const char *p, const char *end);
static int64_t pm_anacron_stamp(pm_schedule_t *s, const char *id,
    size_t len);


void
pm_schedule_anacron(pm_schedule_t *s)
{
    ssize_t             n;
    pm_buf_t            buf = { NULL, 0 };
    const char         *p, *next, *end;
    pm_cron_line_t      l;
    pm_schedule_row_t   row;

    n = pm_procfs_read_all(s->root, "etc/anacrontab", &buf,
                           PM_SCHEDULE_FILE);

    if (n == -1) {

        if (errno != ENOENT) {
            s->lost |= PM_SCHEDULE_TABLES;
        }

        pm_buf_free(&buf);
        return;
    }

    s->found++;

    memset(&row, 0, sizeof(pm_schedule_row_t));

    row.source = "/etc/anacrontab";

    end = buf.data + n;

    for (p = buf.data; p < end; p = next) {

        next = pm_parse_line(p, end);
        row.line++;

        pm_cron_line(&l, p, next - p - (next[-1] == '\n'), 1);

        if (l.kind == PM_CRON_NONE || l.kind == PM_CRON_SET) {
            continue;
        }

        pm_anacron_line(s, &row, p,
                                 next - (next[-1] == '\n'));
        pm_schedule_row(s, &row);
    }

    pm_buf_free(&buf);
}


/*
 * "7 10 cron.weekly run-parts /etc/cron.weekly": days, minutes to wait, a
 * name.  When anacron is started, which decides, nobody can tell.
 */

static void
pm_anacron_line(pm_schedule_t *s, pm_schedule_row_t *row,
    const char *p, const char *end)
{
    size_t                i;
    const char           *word[3];
    pm_cron_str_t         id;
    pm_schedule_parts_t  *parts;

    p = pm_parse_blanks(p, end);

    row->user.data = "root";
    row->user.len = 4;
    row->schedule.data = p;
    row->command.data = NULL;
    row->command.len = 0;
    row->next = PM_CRON_NEVER;
    row->last = PM_CRON_NEVER;
    row->enabled = 0;

    for (i = 0; i < 3; i++) {
        word[i] = p;

        while (p < end && *p != ' ' && *p != '\t') {
            p++;
        }

        if (i == 1) {
            row->schedule.len = p - row->schedule.data;
        }

        id.data = word[i];
        id.len = p - word[i];

        p = pm_parse_blanks(p, end);
    }

    row->command.data = p;
    row->command.len = end - p;

    if (*word[0] != '@' && (*word[0] < '0' || *word[0] > '9')) {
        row->error = "bad period";

    } else if (word[1] == end || *word[1] < '0' || *word[1] > '9') {
        row->error = "bad delay";

    } else if (p == end) {
        row->error = "bad command";

    } else if (!s->anacron) {
        row->error = "anacron is not installed";

    } else {
        row->error = NULL;
        row->enabled = 1;
        row->last = pm_anacron_stamp(s, id.data, id.len);

        for (i = 0; i < 4; i++) {
            parts = &s->parts[i];

            if (!parts->found
                && memmem(p, end - p, parts->folder, strlen(parts->folder)))
            {
                parts->found = 1;
                parts->anacron = 1;

                snprintf(parts->schedule, PM_SCHEDULE_TEXT, "%.*s",
                         (int) row->schedule.len, row->schedule.data);
            }
        }
    }

    if (row->error && p == end) {
        row->schedule.len = end - row->schedule.data;
    }
}


/* the day of the last run, "20261121", at its midnight in the host's time */

static int64_t
pm_anacron_stamp(pm_schedule_t *s, const char *id, size_t len)
{
    char      path[PM_SCHEDULE_PATH], text[32];
    ssize_t   n;
    int64_t   at;
    uint64_t  day;

    if (len == 0 || len > 128 || memchr(id, '/', len)) {
        return PM_CRON_NEVER;
    }

    snprintf(path, sizeof(path), "var/spool/anacron/%.*s", (int) len, id);

    n = pm_procfs_read(s->root, path, text, sizeof(text));

    if (n < 8 || pm_parse_u64(text, text + 8, &day) != text + 8
        || s->tz == NULL)
    {
        return PM_CRON_NEVER;
    }

    at = pm_days(day / 10000, day / 100 % 100, day % 100) * 86400;

    return at - pm_tz_offset(s->tz, at);
}
