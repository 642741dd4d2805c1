
/*
 * What nobody needs who drives an action: the runs that root has prepared,
 * the system's log, the end.
 */


#include "helper_drive.h"
#include "../policy/pm_fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>


#define HELPER_LOG_PRIORITY  (10 << 3 | 5)      /* authpriv, notice */


static void helper_run_read(int sock, void *data, size_t len);


void
helper_drive(helper_t *h, void (*act)(helper_t *h))
{
    if (h->spool != -1 && helper_anchor_mark(h)) {
        helper_log(h, "chain=%s", helper_anchor_mark(h));
    }

    act(h);
}


helper_run_t *
helper_run(helper_t *h, size_t step)
{
    uint32_t       n;
    helper_run_t  *run;

    n = (uint32_t) step;
    run = &h->step[step];

    if (write(h->sock, &n, sizeof(n)) != sizeof(n)) {
        _exit(1);
    }

    helper_run_read(h->sock, run, sizeof(helper_run_t));
    helper_run_read(h->sock, run->out, run->out_len);
    helper_run_read(h->sock, run->err, run->err_len);

    if (run->measure) {
        helper_run_read(h->sock, run->measure, sizeof(helper_measure_t));
    }

    return run;
}


/* who ran it has died: nobody knows what became of it */

static void
helper_run_read(int sock, void *data, size_t len)
{
    ssize_t  n;
    char    *p;

    for (p = data; len; p += n, len -= (size_t) n) {
        n = read(sock, p, len);

        if (n <= 0) {
            _exit(1);
        }
    }
}


/* on the disk first, so that nobody knows what the spool does not */

void
helper_act_end(helper_t *h, pm_wire_text_t *t, const helper_run_t *run)
{
    pm_fail(end_before, NULL);

    helper_spool_end(h, t, run);

    pm_fail(end_written, NULL);

    helper_io_final(t, run);

    pm_fail(answer_sent, NULL);
}


/*
 * syslog() waits for a log daemon that does not read; here a line is lost
 * then, and the action goes on.
 */

void
helper_log(const helper_t *h, const char *fmt, ...)
{
    char       line[1024], when[32];
    size_t     i, n, head;
    time_t     now;
    va_list    args;
    struct tm  tm;

    now = time(NULL);
    localtime_r(&now, &tm);
    strftime(when, sizeof(when), "%b %e %T", &tm);

    head = (size_t) snprintf(line, sizeof(line),
                             "<%d>%s procmgr-helper[%d]: ",
                             HELPER_LOG_PRIORITY, when, (int) getpid());

    n = head;
    n += (size_t) snprintf(line + n, sizeof(line) - n,
                           "op=%.36s actor=%.64s role=%.16s verb=%.16s ",
                           h->op ? h->op : "-", h->actor ? h->actor : "-",
                           h->role_name ? h->role_name : "-",
                           h->verb ? h->verb : "-");

    va_start(args, fmt);
    n += (size_t) vsnprintf(line + n, sizeof(line) - n, fmt, args);
    va_end(args);

    if (n >= sizeof(line)) {
        n = sizeof(line) - 1;
    }

    for (i = head; i < n; i++) {
        if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }

    if (h->log != -1) {
        (void) send(h->log, line, n, MSG_NOSIGNAL);
    }
}


/* what others put in its place must not be shown */

ssize_t
helper_tail(const char *path, void *buf, size_t size, off_t *whole)
{
    int          fd, error;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY|O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    n = -1;

    if (fstat(fd, &st) == 0) {

        errno = EINVAL;
        *whole = st.st_size;

        if (S_ISREG(st.st_mode) && st.st_nlink == 1) {
            n = pread(fd, buf, size, st.st_size > (off_t) size
                                     ? st.st_size - (off_t) size : 0);
        }
    }

    error = errno;
    close(fd);
    errno = error;

    return n;
}


void
helper_sleep(unsigned ms)
{
    struct timespec  ts;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    (void) nanosleep(&ts, NULL);
}
