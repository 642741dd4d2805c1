
/* what runs by time: the tables of users and the timers of systemd */


#include "helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_SCHEDULE_TIME  4000    /* ms at most, to list the timers */


static void helper_schedule_tables(void);
static void helper_schedule_table(int dir, const char *name);
static void helper_schedule_timers(void);
static void helper_schedule_send(const char *path, int error, size_t len);


static const char  helper_crontabs[] = "/var/spool/cron/crontabs";


void
helper_schedule(helper_t *h)
{
    int             dir;
    char            mark[64], why[HELPER_WHY];
    pm_wire_text_t  t;

    if (!pm_policy_schedule(&h->policy, h->role)) {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow the schedules to the role %s", h->role_name);
        return;
    }

    helper_schedule_tables();
    helper_schedule_timers();

    helper_io_start(&t, "ok", NULL, NULL);
    helper_io_final(&t, NULL);

    snprintf(mark, sizeof(mark), "schedule.%s", h->role_name);
    dir = helper_spool_open(why, sizeof(why));

    if (dir != -1 && helper_spool_first(dir, mark)) {
        helper_log(h, "first read of the schedules");
    }
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


static void
helper_schedule_timers(void)
{
    char          why[HELPER_WHY];
    helper_run_t  run;

    static const char *const  words[] = {
        "/usr/bin/systemctl", "list-timers", "--all", "--no-pager",
        "--output=json", NULL
    };

    if (access("/run/systemd/system", F_OK) == -1) {
        return;
    }

    helper_run_start(&run, HELPER_SCHEDULE_TIME);
    helper_run_words(&run, words);

    if (helper_exec(&run, why, sizeof(why)) == 0 && run.exit_code == 0
        && run.out_total == run.out_len)
    {
        helper_schedule_send("systemd timers", 0, run.out_len);
    }
}


/* the path, a zero byte, and so many bytes of what was read */

static void
helper_schedule_send(const char *path, int error, size_t len)
{
    size_t          n;

    static uint8_t  record[512 + PM_WIRE_OUTPUT];

    n = strlen(path) + 1;
    memcpy(record, path, n);
    memcpy(record + n, helper_out, len);

    helper_io_record(0, 0, error, record, n + len);
}
