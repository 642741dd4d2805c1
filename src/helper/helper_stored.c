
/*
 * What an action leaves in its file of the spool, and reading it again.  By
 * now the helper is nobody; it has the file open and nothing else of root's.
 */


#include "helper_drive.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>


static size_t helper_spool_end_of(const uint8_t *buf, size_t len,
    pm_wire_head_t *head, size_t *records);
static void helper_spool_stored(const uint8_t *records, const uint8_t *p,
    const pm_wire_head_t *head);


void
helper_spool_end(helper_t *h, const pm_wire_text_t *t,
    const helper_run_t *run)
{
    uint8_t         sum[PM_SHA256_LEN];
    pm_sha256_t     ctx;
    pm_wire_head_t  head;

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_FINAL;
    head.len = (uint32_t) t->len;
    head.pid = (int32_t) (run->out_len + run->err_len);

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, run->records, run->records_len);
    pm_sha256_update(&ctx, &head, sizeof(head));
    pm_sha256_update(&ctx, t->data, t->len);
    pm_sha256_update(&ctx, run->out, run->out_len);
    pm_sha256_update(&ctx, run->err, run->err_len);
    pm_sha256_final(&ctx, sum);

    if ((run->records_len
         && helper_spool_write(h->spool, run->records, run->records_len) == -1)
        || helper_spool_write(h->spool, &head, sizeof(head)) == -1
        || helper_spool_write(h->spool, t->data, t->len) == -1
        || helper_spool_write(h->spool, run->out, run->out_len) == -1
        || helper_spool_write(h->spool, run->err, run->err_len) == -1
        || helper_spool_write(h->spool, sum, sizeof(sum)) == -1
        || fsync(h->spool) == -1)
    {
        helper_log(h, "writing the end to the spool failed: %s",
                   strerror(errno));
    }
}


void
helper_query_tell(helper_t *h)
{
    int              alive;
    size_t           off, len, records;
    ssize_t          n;
    pm_wire_head_t   head;
    pm_wire_text_t   t;

    static uint8_t   data[2 * sizeof(pm_wire_head_t) + 2 * PM_WIRE_TEXT
                          + HELPER_RECORDS + 2 * PM_WIRE_OUTPUT
                          + PM_SHA256_LEN];

    /* before reading: who holds the lock no more has written all */

    alive = h->stored != -1 && flock(h->stored, LOCK_SH|LOCK_NB) == -1
            && errno == EWOULDBLOCK;
    len = 0;

    do {
        n = read(h->stored, data + len, sizeof(data) - len);
        len += n > 0 ? (size_t) n : 0;
    } while (n > 0 && len < sizeof(data));

    off = helper_spool_end_of(data, len, &head, &records);

    if (off) {
        helper_spool_stored(data + records, data + off, &head);
        return;
    }

    helper_io_start(&t, "ok", NULL, NULL);
    pm_wire_add(&t, "spool", h->stored == -1 ? "none" : "start");
    pm_wire_addu(&t, "alive", (unsigned) alive);
    helper_io_final(&t, NULL);
}


/* where the final answer's text is, 0 when it is not there as a whole */

static size_t
helper_spool_end_of(const uint8_t *buf, size_t len, pm_wire_head_t *head,
    size_t *records)
{
    size_t       off, from, body;
    uint8_t      sum[PM_SHA256_LEN];
    pm_sha256_t  ctx;

    if (len < sizeof(*head)) {
        return 0;
    }

    memcpy(head, buf, sizeof(*head));

    if (head->type != HELPER_SPOOL_START || head->len > PM_WIRE_TEXT) {
        return 0;
    }

    off = from = sizeof(*head) + head->len;

    for ( ;; ) {

        if (off > len || len - off < sizeof(*head)) {
            return 0;
        }

        memcpy(head, buf + off, sizeof(*head));

        if (head->type != PM_WIRE_RECORD) {
            break;
        }

        if (head->len > PM_WIRE_TEXT) {
            return 0;
        }

        off += sizeof(*head) + head->len;
    }

    if (head->type != PM_WIRE_FINAL || head->len > PM_WIRE_TEXT
        || head->pid < 0 || head->pid > 2 * PM_WIRE_OUTPUT)
    {
        return 0;
    }

    body = sizeof(*head) + head->len + (size_t) head->pid;

    if (len - off != body + PM_SHA256_LEN) {
        return 0;
    }

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, buf + from, off - from + body);
    pm_sha256_final(&ctx, sum);

    if (!pm_equal(sum, buf + off + body, sizeof(sum))) {
        return 0;
    }

    *records = from;

    return off;
}


/* the records and the answer of then, with two keys in front of that */

static void
helper_spool_stored(const uint8_t *records, const uint8_t *p,
    const pm_wire_head_t *head)
{
    pm_wire_head_t  f;
    pm_wire_text_t  t;

    pm_wire_start(&t);
    pm_wire_add(&t, "spool", "end");
    pm_wire_addu(&t, "alive", 0);

    f = *head;
    f.len += (uint32_t) t.len;

    if (helper_io_send(records, (size_t) (p - records)) == 0
        && helper_io_send(&f, sizeof(f)) == 0
        && helper_io_send(t.data, t.len) == 0)
    {
        (void) helper_io_send(p + sizeof(f), head->len + (size_t) head->pid);
    }
}
