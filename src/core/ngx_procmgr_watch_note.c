
/*
 * Rows of the log that watches make: they wait in the zone until they are in
 * the database.  Each has its id from the start, so that one which is written
 * again, by another worker or after an answer was lost, stays one row.
 */


#include "ngx_procmgr_watch.h"


#define NGX_PROCMGR_NOTE_LEASE  30000   /* ms */


ngx_int_t
ngx_procmgr_watch_note(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_uint_t kind, const char *code, const char *detail)
{
    u_char                     id[37];
    ngx_uint_t                 i;
    ngx_procmgr_watch_shm_t   *ws;
    ngx_procmgr_watch_note_t  *n;

    ws = ngx_procmgr_watch_shm(pm);

    for (i = 0; i < NGX_PROCMGR_WATCH_NOTES; i++) {
        if (ws->note[i].kind == NGX_PROCMGR_NOTE_FREE) {
            break;
        }
    }

    if (i == NGX_PROCMGR_WATCH_NOTES || ngx_procmgr_uuid(id) != NGX_OK) {
        return NGX_BUSY;
    }

    n = &ws->note[i];

    ngx_memzero(n, sizeof(ngx_procmgr_watch_note_t));

    ngx_memcpy(n->id, id, 37);
    ngx_memcpy(n->watch, w->def.id, 37);
    ngx_memcpy(n->actor, w->def.actor, sizeof(n->actor));
    ngx_memcpy(n->remote, w->def.remote, sizeof(n->remote));

    n->seq = ++ws->note_seq;
    n->role = w->def.role;

    ngx_procmgr_watch_title(w, n->target, sizeof(n->target));

    ngx_cpystrn((u_char *) n->code, (u_char *) code, sizeof(n->code));
    ngx_cpystrn((u_char *) n->detail, (u_char *) detail, sizeof(n->detail));

    if (kind == NGX_PROCMGR_NOTE_ALERT) {
        ngx_memcpy(n->on_alert, w->def.on_alert, sizeof(n->on_alert));
        ngx_memcpy(n->command, w->def.command, sizeof(n->command));
    }

    /* whole before it is seen, should this worker die here */

    ngx_memory_barrier();

    n->kind = kind;

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_watch_note_take(ngx_procmgr_t *pm, ngx_procmgr_watch_note_t *dst)
{
    uint64_t                   now;
    ngx_uint_t                 i;
    ngx_procmgr_watch_shm_t   *ws;
    ngx_procmgr_watch_note_t  *n, *oldest;

    ws = ngx_procmgr_watch_shm(pm);
    now = ngx_procmgr_boottime();
    oldest = NULL;

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_WATCH_NOTES; i++) {

        n = &ws->note[i];

        /* one of this worker's own is with the database */

        if (n->kind == NGX_PROCMGR_NOTE_FREE
            || (n->writer.pid == ngx_pid && n->writer.until > now)
            || ngx_procmgr_lease_held(&n->writer, now))
        {
            continue;
        }

        if (oldest == NULL || n->seq < oldest->seq) {
            oldest = n;
        }
    }

    if (oldest) {
        oldest->writer.pid = ngx_pid;
        oldest->writer.until = now + NGX_PROCMGR_NOTE_LEASE;
        *dst = *oldest;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return oldest ? NGX_OK : NGX_DONE;
}


void
ngx_procmgr_watch_note_leave(ngx_procmgr_t *pm, const u_char *id,
    ngx_uint_t written)
{
    ngx_uint_t                 i;
    ngx_procmgr_watch_shm_t   *ws;
    ngx_procmgr_watch_note_t  *n;

    ws = ngx_procmgr_watch_shm(pm);

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_WATCH_NOTES; i++) {

        n = &ws->note[i];

        if (n->kind == NGX_PROCMGR_NOTE_FREE
            || ngx_memcmp(n->id, id, 36) != 0)
        {
            continue;
        }

        if (written) {
            n->kind = NGX_PROCMGR_NOTE_FREE;

        } else {
            n->writer.pid = 0;
        }

        break;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_uint_t
ngx_procmgr_watch_notes(ngx_procmgr_t *pm)
{
    ngx_uint_t                i, n;
    ngx_procmgr_watch_shm_t  *ws;

    ws = ngx_procmgr_watch_shm(pm);
    n = 0;

    for (i = 0; i < NGX_PROCMGR_WATCH_NOTES; i++) {
        n += (ws->note[i].kind != NGX_PROCMGR_NOTE_FREE);
    }

    return n;
}
