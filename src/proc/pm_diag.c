
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "pm_diag.h"


/* the kernel fills at most 32 KiB at once, whatever is asked for */
#define PM_DIAG_BUF      32768
/* a dump that was interrupted by changes is begun anew so many times */
#define PM_DIAG_RETRIES  3
/* of one dump; it has no business to take longer */
#define PM_DIAG_SECONDS  5


static int pm_diag_request(const pm_diag_t *diag, int fd, uint32_t seq);
static int pm_diag_answer(const pm_diag_t *diag, int fd, uint32_t seq,
    void *buf);
static int pm_diag_messages(const pm_diag_t *diag, uint32_t seq, void *buf,
    unsigned left, int *interrupted);


int
pm_diag_dump(const pm_diag_t *diag)
{
    int             fd, rc, try;
    void           *buf;
    struct timeval  tv;

    fd = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd == -1) {
        return errno;
    }

    tv.tv_sec = PM_DIAG_SECONDS;
    tv.tv_usec = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1) {
        rc = errno;
        close(fd);
        return rc;
    }

    buf = malloc(PM_DIAG_BUF);
    if (buf == NULL) {
        close(fd);
        return ENOMEM;
    }

    rc = 0;

    for (try = 1; try <= PM_DIAG_RETRIES; try++) {

        diag->again(diag->data);

        rc = pm_diag_request(diag, fd, (uint32_t) try);

        if (rc == 0) {
            rc = pm_diag_answer(diag, fd, (uint32_t) try, buf);
        }

        if (rc != EINTR) {
            break;
        }
    }

    free(buf);
    close(fd);

    /* still changing under the dump: the last one is as good as any */

    return (rc == EINTR) ? 0 : rc;
}


static int
pm_diag_request(const pm_diag_t *diag, int fd, uint32_t seq)
{
    struct iovec        iov[2];
    struct msghdr       msg;
    struct nlmsghdr     head;
    struct sockaddr_nl  kernel;

    memset(&head, 0, sizeof(head));

    head.nlmsg_len = (uint32_t) (sizeof(head) + diag->len);
    head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    head.nlmsg_flags = NLM_F_REQUEST|NLM_F_DUMP;
    head.nlmsg_seq = seq;

    memset(&kernel, 0, sizeof(kernel));
    kernel.nl_family = AF_NETLINK;

    iov[0].iov_base = &head;
    iov[0].iov_len = sizeof(head);
    iov[1].iov_base = (void *) diag->request;
    iov[1].iov_len = diag->len;

    memset(&msg, 0, sizeof(msg));
    msg.msg_name = &kernel;
    msg.msg_namelen = sizeof(kernel);
    msg.msg_iov = iov;
    msg.msg_iovlen = 2;

    while (sendmsg(fd, &msg, 0) == -1) {
        if (errno != EINTR) {
            return errno;
        }
    }

    return 0;
}


/* 0 when the dump is whole, EINTR when it was interrupted, or errno */

static int
pm_diag_answer(const pm_diag_t *diag, int fd, uint32_t seq, void *buf)
{
    int                 rc, interrupted;
    ssize_t             n;
    socklen_t           len;
    struct timespec     now, end;
    struct sockaddr_nl  from;

    interrupted = 0;

    (void) clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += PM_DIAG_SECONDS;

    for ( ;; ) {
        len = sizeof(from);
        memset(&from, 0, len);

        n = recvfrom(fd, buf, PM_DIAG_BUF, MSG_TRUNC,
                     (struct sockaddr *) &from, &len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            return (errno == EAGAIN) ? ETIMEDOUT : errno;
        }

        if (n == 0 || n > PM_DIAG_BUF) {
            return EPROTO;
        }

        (void) clock_gettime(CLOCK_MONOTONIC, &now);

        if (now.tv_sec > end.tv_sec) {
            return ETIMEDOUT;
        }

        if (len != sizeof(from) || from.nl_pid != 0) {
            /* another process may write to a netlink socket too */
            continue;
        }

        rc = pm_diag_messages(diag, seq, buf, (unsigned) n, &interrupted);

        if (rc != EAGAIN) {
            return (rc == 0 && interrupted) ? EINTR : rc;
        }
    }
}


/* EAGAIN when there is more to come */

static int
pm_diag_messages(const pm_diag_t *diag, uint32_t seq, void *buf,
    unsigned left, int *interrupted)
{
    int               rc, done;
    struct nlmsghdr  *h;
    struct nlmsgerr  *e;

    for (h = buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {

        if (h->nlmsg_seq != seq) {
            continue;
        }

        if (h->nlmsg_flags & NLM_F_DUMP_INTR) {
            *interrupted = 1;
        }

        switch (h->nlmsg_type) {

        case NLMSG_DONE:

            /* an error that came late stands in the closing message */

            done = 0;

            if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
                memcpy(&done, NLMSG_DATA(h), sizeof(int));
            }

            return (done < 0) ? -done : 0;

        case NLMSG_ERROR:

            if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
                return EPROTO;
            }

            e = NLMSG_DATA(h);

            return (e->error < 0) ? -e->error : EPROTO;

        case SOCK_DIAG_BY_FAMILY:

            if (h->nlmsg_len < NLMSG_LENGTH(diag->least)) {
                return EPROTO;
            }

            rc = diag->row(diag->data, NLMSG_DATA(h),
                           h->nlmsg_len - NLMSG_LENGTH(0));
            if (rc != 0) {
                return rc;
            }

            break;
        }
    }

    return EAGAIN;
}
