
#include "ngx_procmgr_frame.h"


#define NGX_PROCMGR_FRAME_BUFFER  65536


static ngx_int_t ngx_procmgr_frame_final(ngx_procmgr_frame_t *f,
    pm_wire_head_t *head, ngx_procmgr_reply_t *reply);
static ngx_int_t ngx_procmgr_frame_bad(ngx_procmgr_reply_t *reply,
    const char *why);


ngx_int_t
ngx_procmgr_frame_room(ngx_procmgr_frame_t *f, u_char **p, size_t *size)
{
    u_char  *buf;
    size_t   need;

    need = ngx_max(f->need, NGX_PROCMGR_FRAME_BUFFER);

    if (f->pos) {
        ngx_memmove(f->buf, f->buf + f->pos, f->last - f->pos);
        f->last -= f->pos;
        f->pos = 0;
    }

    if (f->size < need) {
        buf = realloc(f->buf, need);
        if (buf == NULL) {
            return NGX_ERROR;
        }

        f->buf = buf;
        f->size = need;
    }

    *p = f->buf + f->last;
    *size = f->size - f->last;

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_frame_feed(ngx_procmgr_frame_t *f, size_t n,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply)
{
    size_t          have;
    pm_wire_head_t  head;

    f->last += n;

    for ( ;; ) {

        f->need = sizeof(pm_wire_head_t);
        have = f->last - f->pos;

        if (have < f->need) {
            return NGX_AGAIN;
        }

        ngx_memcpy(&head, f->buf + f->pos, sizeof(pm_wire_head_t));

        switch (head.type) {

        case PM_WIRE_RECORD:

            if (head.len > NGX_PROCMGR_FRAME_RECORD) {
                return ngx_procmgr_frame_bad(reply, "a record is too long");
            }

            f->need += head.len;

            if (have < f->need) {
                return NGX_AGAIN;
            }

            if (record) {
                record(data, &head,
                       f->buf + f->pos + sizeof(pm_wire_head_t));
            }

            f->pos += f->need;

            break;

        case PM_WIRE_FINAL:

            if (head.len == 0
                || head.len > PM_WIRE_TEXT
                || head.pid < 0
                || head.pid > 2 * PM_WIRE_OUTPUT)
            {
                return ngx_procmgr_frame_bad(reply,
                                             "the final frame is too long");
            }

            f->need += head.len + head.pid;

            if (have < f->need) {
                return NGX_AGAIN;
            }

            return ngx_procmgr_frame_final(f, &head, reply);

        default:
            return ngx_procmgr_frame_bad(reply, "a frame of unknown type");
        }
    }
}


/* the reply gets a block of its own: the text, then both outputs */

static ngx_int_t
ngx_procmgr_frame_final(ngx_procmgr_frame_t *f, pm_wire_head_t *head,
    ngx_procmgr_reply_t *reply)
{
    char        *mem;
    size_t       len;
    uint64_t     out, err;
    const char  *why;

    len = head->len + head->pid;

    mem = malloc(len);
    if (mem == NULL) {
        return ngx_procmgr_frame_bad(reply, "no memory");
    }

    ngx_memcpy(mem, f->buf + f->pos + sizeof(pm_wire_head_t), len);

    if (pm_wire_parse(&reply->msg, mem, head->len, NULL, &why) != 0) {
        free(mem);
        reply->msg.n = 0;
        return ngx_procmgr_frame_bad(reply, why);
    }

    out = 0;
    err = 0;

    if ((pm_wire_pair(&reply->msg, "stdout_len")
         && pm_wire_getu(&reply->msg, "stdout_len", PM_WIRE_OUTPUT, &out) != 0)
        || (pm_wire_pair(&reply->msg, "stderr_len")
            && pm_wire_getu(&reply->msg, "stderr_len", PM_WIRE_OUTPUT, &err)
               != 0)
        || out + err != (uint64_t) head->pid)
    {
        free(mem);
        reply->msg.n = 0;
        return ngx_procmgr_frame_bad(reply, "its output has another length");
    }

    reply->mem = mem;
    reply->out = (u_char *) mem + head->len;
    reply->out_len = out;
    reply->err = reply->out + out;
    reply->err_len = err;
    reply->ended = NGX_PROCMGR_EXEC_DONE;

    return NGX_DONE;
}


static ngx_int_t
ngx_procmgr_frame_bad(ngx_procmgr_reply_t *reply, const char *why)
{
    (void) snprintf(reply->why, sizeof(reply->why),
                    "the helper's answer is malformed: %s", why);

    return NGX_ERROR;
}


void
ngx_procmgr_frame_free(ngx_procmgr_frame_t *f)
{
    free(f->buf);
    f->buf = NULL;
}
