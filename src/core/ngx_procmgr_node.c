
#include "ngx_procmgr_node.h"
#include "../policy/pm_sha256.h"


#define NGX_PROCMGR_BUCKETS    128
#define NGX_PROCMGR_NODES      64       /* keys kept by a worker */
#define NGX_PROCMGR_NODE_IDLE  60000    /* ms, then its memory may go */


struct ngx_procmgr_views_s {
    ngx_queue_t              buckets[NGX_PROCMGR_BUCKETS];
    ngx_queue_t              lru;    /* the latest used is first */
    ngx_uint_t               n;
    size_t                   bytes;
};


static void ngx_procmgr_node_trim(ngx_procmgr_t *pm, size_t room);


ngx_int_t
ngx_procmgr_views_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_procmgr_views_t  *views;

    views = ngx_pcalloc(cycle->pool, sizeof(ngx_procmgr_views_t));
    if (views == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_PROCMGR_BUCKETS; i++) {
        ngx_queue_init(&views->buckets[i]);
    }

    ngx_queue_init(&views->lru);

    pm->views = views;

    return NGX_OK;
}


void
ngx_procmgr_body_hold(ngx_procmgr_body_t *body)
{
    body->refs++;
}


void
ngx_procmgr_body_release(ngx_procmgr_body_t *body)
{
    if (--body->refs == 0) {
        free(body->data);
        free(body);
    }
}


/* a key that is too long for a slot stands there by its hash */

void
ngx_procmgr_node_key(ngx_procmgr_key_t *key, ngx_str_t *name)
{
    uint8_t      sum[PM_SHA256_LEN];
    pm_sha256_t  ctx;

    if (name->len <= NGX_PROCMGR_KEY_LEN && name->len) {
        ngx_memcpy(key->data, name->data, name->len);
        key->len = name->len;

    } else {
        pm_sha256_init(&ctx);
        pm_sha256_update(&ctx, name->data, name->len);
        pm_sha256_final(&ctx, sum);

        key->len = ngx_sprintf(key->data, "sha256:") - key->data;
        pm_hex((char *) key->data + key->len, sum, PM_SHA256_LEN);
        key->len += 2 * PM_SHA256_LEN;
    }

    key->hash = ngx_murmur_hash2(key->data, key->len);
}


ngx_procmgr_node_t *
ngx_procmgr_node_find(ngx_procmgr_t *pm, ngx_procmgr_key_t *key)
{
    ngx_queue_t          *q, *bucket;
    ngx_procmgr_node_t   *node;
    ngx_procmgr_views_t  *views;

    views = pm->views;
    bucket = &views->buckets[key->hash % NGX_PROCMGR_BUCKETS];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_procmgr_node_t, chain);

        if (node->key.hash == key->hash
            && node->key.len == key->len
            && ngx_memcmp(node->key.data, key->data, key->len) == 0)
        {
            ngx_queue_remove(&node->lru);
            ngx_queue_insert_head(&views->lru, &node->lru);

            return node;
        }
    }

    return NULL;
}


ngx_procmgr_node_t *
ngx_procmgr_node_add(ngx_procmgr_t *pm, ngx_procmgr_key_t *key)
{
    ngx_procmgr_node_t   *node;
    ngx_procmgr_views_t  *views;

    views = pm->views;

    ngx_procmgr_node_trim(pm, 0);

    node = ngx_calloc(sizeof(ngx_procmgr_node_t), ngx_cycle->log);
    if (node == NULL) {
        return NULL;
    }

    node->key = *key;

    ngx_queue_insert_head(&views->buckets[key->hash % NGX_PROCMGR_BUCKETS],
                          &node->chain);
    ngx_queue_insert_head(&views->lru, &node->lru);

    views->n++;

    return node;
}


void
ngx_procmgr_node_free(ngx_procmgr_t *pm, ngx_procmgr_node_t *node)
{
    ngx_procmgr_views_t  *views;

    views = pm->views;

    ngx_queue_remove(&node->chain);
    ngx_queue_remove(&node->lru);

    views->n--;

    if (node->body) {
        views->bytes -= node->body->len;
        ngx_procmgr_body_release(node->body);
    }

    ngx_free(node);
}


void
ngx_procmgr_node_put(ngx_procmgr_t *pm, ngx_procmgr_node_t *node,
    ngx_procmgr_body_t *body)
{
    ngx_procmgr_views_t  *views;

    views = pm->views;

    if (node->body) {
        views->bytes -= node->body->len;
        ngx_procmgr_body_release(node->body);
        node->body = NULL;
    }

    ngx_queue_remove(&node->lru);
    ngx_queue_insert_head(&views->lru, &node->lru);

    ngx_procmgr_node_trim(pm, body->len);

    body->refs++;

    node->body = body;
    views->bytes += body->len;
}


/* the least used go until another of `room' bytes is within the bounds */

static void
ngx_procmgr_node_trim(ngx_procmgr_t *pm, size_t room)
{
    uint64_t              now;
    ngx_queue_t          *q, *prev;
    ngx_procmgr_node_t   *node;
    ngx_procmgr_views_t  *views;

    views = pm->views;
    now = ngx_procmgr_boottime();

    for (q = ngx_queue_last(&views->lru);
         q != ngx_queue_sentinel(&views->lru);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        node = ngx_queue_data(q, ngx_procmgr_node_t, lru);

        if (node->flight) {
            continue;
        }

        if (views->n < NGX_PROCMGR_NODES
            && views->bytes + room <= pm->sh->arena_size
            && (node->body == NULL
                || node->body->made + NGX_PROCMGR_NODE_IDLE > now))
        {
            break;
        }

        ngx_procmgr_node_free(pm, node);
    }
}
