
#include "ngx_procmgr_slot.h"


#define NGX_PROCMGR_SLOT_LEASE    60000     /* a dead maker loses it earlier */

#define NGX_PROCMGR_ARENA_UNIT    4096
#define NGX_PROCMGR_ARENA_WASTE   65536     /* a region may be too large by */


static ngx_procmgr_slot_t *ngx_procmgr_slot_find(ngx_procmgr_shm_t *sh,
    ngx_procmgr_key_t *key);
static ngx_procmgr_slot_t *ngx_procmgr_slot_victim(ngx_procmgr_shm_t *sh,
    ngx_procmgr_slot_t *keep, ngx_uint_t with_region, uint64_t now);
static ngx_uint_t ngx_procmgr_slot_is(ngx_procmgr_slot_t *slot,
    ngx_procmgr_key_t *key);
static void ngx_procmgr_slot_publish(ngx_procmgr_t *pm,
    ngx_procmgr_slot_t *slot, ngx_procmgr_key_t *key,
    ngx_procmgr_body_t *body);
static void ngx_procmgr_arena_free(ngx_procmgr_region_t *region);
static ngx_int_t ngx_procmgr_arena_alloc(ngx_procmgr_shm_t *sh,
    ngx_procmgr_slot_t *slot, size_t len, uint64_t now);
static ngx_int_t ngx_procmgr_arena_gap(ngx_procmgr_shm_t *sh, size_t size,
    size_t *offset);


void
ngx_procmgr_slot_look(ngx_procmgr_t *pm, ngx_procmgr_key_t *key,
    uint64_t oldest, uint64_t generation, ngx_procmgr_seen_t *seen)
{
    uint64_t               now;
    ngx_procmgr_shm_t     *sh;
    ngx_procmgr_slot_t    *slot;
    ngx_procmgr_region_t  *region;

    sh = pm->sh;
    now = ngx_procmgr_boottime();

    ngx_memzero(seen, sizeof(ngx_procmgr_seen_t));

    ngx_shmtx_lock(&pm->shpool->mutex);

    slot = ngx_procmgr_slot_find(sh, key);

    if (slot == NULL) {
        slot = ngx_procmgr_slot_victim(sh, NULL, 0, now);

        if (slot == NULL) {
            ngx_shmtx_unlock(&pm->shpool->mutex);
            seen->slot = -1;
            return;
        }

        /* the region stays with the slot: it will often do */

        slot->region.len = 0;
        slot->region.seq += (slot->region.seq & 1) ? 1 : 2;

        slot->hash = key->hash;
        slot->key_len = key->len;
        ngx_memcpy(slot->key, key->data, key->len);
    }

    region = &slot->region;

    seen->slot = slot - sh->slots;
    seen->region = *region;
    seen->held = ngx_procmgr_lease_held(&slot->maker, now);

    seen->there = !(region->seq & 1)
                  && region->len
                  && region->len <= region->size
                  && (region->made >= oldest
                      || (generation && region->generation >= generation));

    slot->used = now;

    if (seen->there) {
        ngx_memcpy(seen->partial, slot->partial, sizeof(seen->partial));

    } else if (!seen->held) {
        (void) ngx_procmgr_lease_take(&slot->maker, now,
                                      NGX_PROCMGR_SLOT_LEASE);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_procmgr_body_t *
ngx_procmgr_slot_read(ngx_procmgr_t *pm, ngx_procmgr_key_t *key,
    ngx_procmgr_seen_t *seen, ngx_int_t *rc)
{
    ngx_procmgr_body_t  *body;

    *rc = NGX_ERROR;

    body = ngx_procmgr_body_create(pm, key);
    if (body == NULL) {
        return NULL;
    }

    body->status = 200;
    body->generation = seen->region.generation;
    body->made = seen->region.made;
    body->len = seen->region.len;
    ngx_memcpy(body->partial, seen->partial, sizeof(body->partial));

    body->data = malloc(body->len);

    if (body->data) {
        *rc = ngx_procmgr_region_read(pm, &pm->sh->slots[seen->slot].region,
                                      &seen->region, body->data);
        if (*rc == NGX_OK) {
            return body;
        }
    }

    ngx_procmgr_body_release(body);

    return NULL;
}


void
ngx_procmgr_slot_leave(ngx_procmgr_t *pm, ngx_int_t n,
    ngx_procmgr_key_t *key, ngx_procmgr_body_t *body)
{
    ngx_procmgr_slot_t  *slot;

    if (n == -1) {
        return;
    }

    slot = &pm->sh->slots[n];

    if (body) {
        ngx_procmgr_slot_publish(pm, slot, key, body);
    }

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (slot->maker.pid == ngx_pid && ngx_procmgr_slot_is(slot, key)) {

        slot->maker.pid = 0;

        if (slot->region.len == 0 && !(slot->region.seq & 1)) {
            slot->key_len = 0;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_procmgr_body_t *
ngx_procmgr_body_create(ngx_procmgr_t *pm, ngx_procmgr_key_t *key)
{
    ngx_procmgr_body_t  *body;

    body = calloc(1, sizeof(ngx_procmgr_body_t));

    if (body) {
        body->refs = 1;
        body->birth = pm->sh->birth;
        body->hash = key->hash;
    }

    return body;
}


static ngx_procmgr_slot_t *
ngx_procmgr_slot_find(ngx_procmgr_shm_t *sh, ngx_procmgr_key_t *key)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PROCMGR_SLOTS; i++) {

        if (ngx_procmgr_slot_is(&sh->slots[i], key)) {
            return &sh->slots[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_procmgr_slot_is(ngx_procmgr_slot_t *slot, ngx_procmgr_key_t *key)
{
    return slot->hash == key->hash
           && slot->key_len == key->len
           && ngx_memcmp(slot->key, key->data, key->len) == 0;
}


/* a free slot or the least used one that nobody makes or writes */

static ngx_procmgr_slot_t *
ngx_procmgr_slot_victim(ngx_procmgr_shm_t *sh, ngx_procmgr_slot_t *keep,
    ngx_uint_t with_region, uint64_t now)
{
    ngx_uint_t           i;
    ngx_procmgr_slot_t  *slot, *victim;

    victim = NULL;

    for (i = 0; i < NGX_PROCMGR_SLOTS; i++) {
        slot = &sh->slots[i];

        if (slot == keep || (with_region && slot->region.size == 0)) {
            continue;
        }

        if (slot->maker.pid && slot->maker.until > now
            && (slot->maker.pid == ngx_pid
                || ngx_procmgr_lease_held(&slot->maker, now)))
        {
            continue;
        }

        if ((slot->region.seq & 1)
            && (slot->region.writer.pid == ngx_pid
                || ngx_procmgr_lease_held(&slot->region.writer, now)))
        {
            continue;
        }

        if (slot->key_len == 0) {
            return slot;
        }

        if (victim == NULL || slot->used < victim->used) {
            victim = slot;
        }
    }

    return victim;
}


static void
ngx_procmgr_slot_publish(ngx_procmgr_t *pm, ngx_procmgr_slot_t *slot,
    ngx_procmgr_key_t *key, ngx_procmgr_body_t *body)
{
    uint64_t               now;
    ngx_int_t              rc;
    ngx_atomic_uint_t      seq;
    ngx_procmgr_region_t  *region;

    seq = 0;
    region = &slot->region;
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    rc = NGX_DECLINED;

    if (slot->maker.pid == ngx_pid && ngx_procmgr_slot_is(slot, key)) {

        rc = ngx_procmgr_region_begin(region, now);

        if (rc == NGX_OK) {
            seq = region->seq;
            rc = ngx_procmgr_arena_alloc(pm->sh, slot, body->len, now);

            if (rc != NGX_OK) {
                (void) ngx_procmgr_region_end(region, seq, 0, 0, 0);
            }
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    if (rc != NGX_OK) {
        return;
    }

    ngx_memcpy(ngx_procmgr_region_data(pm, region), body->data, body->len);

    ngx_shmtx_lock(&pm->shpool->mutex);

    if (region->seq == seq) {
        ngx_memcpy(slot->partial, body->partial, sizeof(slot->partial));
        slot->used = now;

        (void) ngx_procmgr_region_end(region, seq, body->len, body->made,
                                      body->generation);
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


static void
ngx_procmgr_arena_free(ngx_procmgr_region_t *region)
{
    region->len = 0;
    region->size = 0;
    region->offset = 0;
}


static ngx_int_t
ngx_procmgr_arena_alloc(ngx_procmgr_shm_t *sh, ngx_procmgr_slot_t *slot,
    size_t len, uint64_t now)
{
    size_t               size, offset;
    ngx_procmgr_slot_t  *victim;

    size = ngx_align(len, NGX_PROCMGR_ARENA_UNIT);

    if (size > sh->arena_size) {
        return NGX_DECLINED;
    }

    if (slot->region.size >= size
        && slot->region.size - size <= NGX_PROCMGR_ARENA_WASTE)
    {
        return NGX_OK;
    }

    ngx_procmgr_arena_free(&slot->region);

    while (ngx_procmgr_arena_gap(sh, size, &offset) != NGX_OK) {

        victim = ngx_procmgr_slot_victim(sh, slot, 1, now);

        if (victim == NULL) {
            return NGX_DECLINED;
        }

        ngx_procmgr_arena_free(&victim->region);

        victim->region.seq += (victim->region.seq & 1) ? 1 : 2;
        victim->maker.pid = 0;
        victim->key_len = 0;
    }

    slot->region.offset = offset;
    slot->region.size = size;

    return NGX_OK;
}


/* the first gap between the regions of all slots */

static ngx_int_t
ngx_procmgr_arena_gap(ngx_procmgr_shm_t *sh, size_t size, size_t *offset)
{
    size_t                 at;
    ngx_uint_t             i, j, n;
    ngx_procmgr_region_t  *region, *sorted[NGX_PROCMGR_SLOTS];

    n = 0;

    for (i = 0; i < NGX_PROCMGR_SLOTS; i++) {
        region = &sh->slots[i].region;

        if (region->size == 0) {
            continue;
        }

        for (j = n; j > 0 && sorted[j - 1]->offset > region->offset; j--) {
            sorted[j] = sorted[j - 1];
        }

        sorted[j] = region;
        n++;
    }

    at = sh->arena_offset;

    for (i = 0; i < n; i++) {

        if (sorted[i]->offset >= at + size) {
            *offset = at;
            return NGX_OK;
        }

        at = sorted[i]->offset + sorted[i]->size;
    }

    if (sh->arena_offset + sh->arena_size - at >= size) {
        *offset = at;
        return NGX_OK;
    }

    return NGX_DECLINED;
}
