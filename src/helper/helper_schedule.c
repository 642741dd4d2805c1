
/*
 * What runs by time: systemd's timers and the tables of users.  By now the
 * helper is nobody, who may read files and change none.
 */


#include "helper_drive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>


static void helper_schedule_send(const char *path, int error,
    const void *data, size_t len);
static void helper_schedule_tables(void);


static const char  helper_crontabs[] = "/var/spool/cron/crontabs";


void
helper_schedule_act(helper_t *h)
{
    helper_run_t    *run;
    pm_wire_text_t   t;

    if (h->first) {
        helper_log(h, "first read of the schedules");
    }

    if (h->nsteps) {
        run = helper_run(h, 0);

        if (!run->failed && run->exit_code == 0
            && run->out_total == run->out_len)
        {
            helper_schedule_send("systemd timers", 0, run->out, run->out_len);
        }
    }

    helper_schedule_tables();

    helper_io_start(&t, "ok", NULL, NULL);
    helper_io_final(&t, NULL);
}


static void
helper_schedule_tables(void)
{
    int             error;
    DIR            *dir;
    char            path[sizeof(helper_crontabs) + 256];
    off_t           whole;
    ssize_t         n;
    struct dirent  *d;

    static uint8_t  table[PM_WIRE_OUTPUT];

    dir = opendir(helper_crontabs);

    while (dir && (d = readdir(dir)) != NULL) {

        if (d->d_name[0] == '.') {
            continue;
        }

        /* its owner may write it: no links, no devices, no other's name */

        snprintf(path, sizeof(path), "%s/%s", helper_crontabs, d->d_name);

        n = helper_tail(path, table, sizeof(table), &whole);
        error = n == -1 ? errno : whole > (off_t) sizeof(table) ? EFBIG : 0;

        helper_schedule_send(path, error, table, error ? 0 : (size_t) n);
    }

    if (dir) {
        closedir(dir);
    }
}


/* the path, a zero byte, and so many bytes of what was read */

static void
helper_schedule_send(const char *path, int error, const void *data,
    size_t len)
{
    size_t          n;

    static uint8_t  record[512 + PM_WIRE_OUTPUT];

    n = strlen(path) + 1;
    memcpy(record, path, n);
    memcpy(record + n, data, len);

    helper_io_record(0, 0, error, record, n + len);
}
