
/* the request comes in, records and the final answer go out */


#include "helper.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>


#define HELPER_IO_REQUEST  5000       /* ms until all of it must be here */
#define HELPER_IO_SEND     10         /* s that the worker may stand still */


static int helper_io_read(void *data, size_t len, uint64_t deadline);


static pm_wire_pid_t  helper_io_pids[PM_WIRE_PIDS];


/* text and payload as they came; nothing of them is believed yet */

int
helper_io_request(helper_t *h)
{
    uint64_t        deadline;
    pm_wire_head_t  head;
    struct timeval  tv;

    tv.tv_sec = HELPER_IO_SEND;
    tv.tv_usec = 0;

    if (setsockopt(HELPER_SOCKET, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))
        == -1)
    {
        return -1;                    /* no socket: nobody to talk to */
    }

    deadline = helper_now() + HELPER_IO_REQUEST;

    if (helper_io_read(&head, sizeof(head), deadline) != 0
        || head.type != PM_WIRE_REQUEST
        || head.len == 0 || head.len > PM_WIRE_TEXT
        || head.pid < 0 || (size_t) head.pid > sizeof(helper_io_pids)
        || (size_t) head.pid % sizeof(pm_wire_pid_t) != 0)
    {
        return -1;
    }

    h->len = head.len;
    h->pids = helper_io_pids;
    h->npids = (size_t) head.pid / sizeof(pm_wire_pid_t);

    if (helper_io_read(h->text, h->len, deadline) != 0
        || helper_io_read(h->pids, (size_t) head.pid, deadline) != 0)
    {
        return -1;
    }

    return 0;
}


static int
helper_io_read(void *data, size_t len, uint64_t deadline)
{
    char           *p;
    ssize_t         n;
    uint64_t        now;
    struct pollfd   pfd;

    for (p = data; len; p += n, len -= (size_t) n) {

        now = helper_now();

        pfd.fd = HELPER_SOCKET;
        pfd.events = POLLIN;

        if (now >= deadline || poll(&pfd, 1, (int) (deadline - now)) != 1) {
            return -1;
        }

        n = recv(HELPER_SOCKET, p, len, MSG_DONTWAIT);

        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            return -1;
        }
    }

    return 0;
}


int
helper_io_send(const void *data, size_t len)
{
    ssize_t      n;
    const char  *p;

    for (p = data; len; p += n, len -= (size_t) n) {

        n = send(HELPER_SOCKET, p, len, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno == EINTR) {
                n = 0;
                continue;
            }

            return -1;
        }
    }

    return 0;
}


void
helper_io_record(int pid, int field, int error, const void *data, size_t len)
{
    pm_wire_head_t  head;

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_RECORD;
    head.field = (uint8_t) field;
    head.error = (uint16_t) error;
    head.len = (uint32_t) len;
    head.pid = pid;

    if (helper_io_send(&head, sizeof(head)) == 0) {
        (void) helper_io_send(data, len);
    }
}


/* a record of no process and no field, where it is kept to be sent later */

size_t
helper_io_put(uint8_t *to, const void *data, size_t len)
{
    pm_wire_head_t  head;

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_RECORD;
    head.len = (uint32_t) len;

    memcpy(to, &head, sizeof(head));
    memcpy(to + sizeof(head), data, len);

    return sizeof(head) + len;
}


void
helper_io_final(const pm_wire_text_t *t, const helper_run_t *run)
{
    size_t          out, err;
    pm_wire_head_t  head;

    out = run ? run->out_len : 0;
    err = run ? run->err_len : 0;

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_FINAL;
    head.len = (uint32_t) t->len;
    head.pid = (int32_t) (out + err);

    if (run && helper_io_send(run->records, run->records_len) != 0) {
        return;
    }

    if (helper_io_send(&head, sizeof(head)) == 0
        && helper_io_send(t->data, t->len) == 0 && run
        && helper_io_send(run->out, out) == 0)
    {
        (void) helper_io_send(run->err, err);
    }
}


void
helper_io_start(pm_wire_text_t *t, const char *result, const char *code,
    const char *reason)
{
    pm_wire_start(t);
    pm_wire_add(t, "result", result);

    if (code) {
        pm_wire_add(t, "code", code);
    }

    if (reason) {
        pm_wire_addn(t, "reason", reason, strnlen(reason, HELPER_WHY));
    }
}


void
helper_io_answer(helper_t *h, const char *result, const char *code,
    const char *fmt, ...)
{
    char            reason[HELPER_WHY];
    va_list         args;
    pm_wire_text_t  t;

    va_start(args, fmt);
    vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);

    helper_io_start(&t, result, code, reason);

    /* whoever asks for the status wants to know these two above all */

    pm_wire_addu(&t, "setuid", !helper_unprivileged && geteuid() == 0);
    pm_wire_addu(&t, "unprivileged", (unsigned) helper_unprivileged);

    helper_io_final(&t, NULL);
    helper_log(h, "%s: %s", code, reason);
}
