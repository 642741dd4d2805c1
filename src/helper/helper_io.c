
/* records and the final answer go out */


#include "helper_drive.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>


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


/* an action that began has its end in the spool, whatever comes of it */

void
helper_io_refused(helper_t *h)
{
    helper_run_t    none;
    pm_wire_text_t  t;

    memset(&none, 0, sizeof(none));

    helper_io_start(&t, h->result, h->code, h->why);

    /* whoever asks for the status wants to know these two above all */

    pm_wire_addu(&t, "setuid", !helper_unprivileged && h->setuid);
    pm_wire_addu(&t, "unprivileged", (unsigned) helper_unprivileged);

    if (h->spool != -1) {
        helper_spool_end(h, &t, &none);
    }

    helper_io_final(&t, NULL);
    helper_log(h, "%s: %s", h->code, h->why);
}
