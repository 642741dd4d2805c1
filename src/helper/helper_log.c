
/* every action leaves a line in the system's log, permitted or not */


#include "helper.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>


#define HELPER_LOG_PRIORITY  (10 << 3 | 5)      /* authpriv, notice */


static int  helper_log_fd = -1;


/* while it is root: not everybody need be allowed to write there */

void
helper_log_open(void)
{
    struct sockaddr_un  addr;

    helper_log_fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    if (helper_log_fd == -1) {
        return;
    }

    memset(&addr, 0, sizeof(addr));
    addr.sun_family = AF_UNIX;
    memcpy(addr.sun_path, "/dev/log", sizeof("/dev/log"));

    if (connect(helper_log_fd, (struct sockaddr *) &addr, sizeof(addr)) == -1)
    {
        close(helper_log_fd);
        helper_log_fd = -1;
    }
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

    if (helper_log_fd != -1) {
        (void) send(helper_log_fd, line, n, MSG_NOSIGNAL);
    }
}
