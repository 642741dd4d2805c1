
#include "ngx_procmgr_denial.h"
#include "ngx_procmgr_zone.h"


/* longer than a statement may take */
#define NGX_PROCMGR_DENIAL_LEASE  15000


static ngx_procmgr_denial_t *ngx_procmgr_denial_find(ngx_procmgr_t *pm,
    const ngx_procmgr_denial_t *like);


ngx_int_t
ngx_procmgr_denial_count(ngx_procmgr_t *pm, const ngx_procmgr_denial_t *row)
{
    ngx_int_t              rc;
    ngx_procmgr_denial_t  *found;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(&pm->shpool->mutex);

    found = ngx_procmgr_denial_find(pm, row);

    if (found->n) {
        found->n++;
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_denial_add(ngx_procmgr_t *pm, const ngx_procmgr_denial_t *row)
{
    ngx_procmgr_denial_t  *found;

    ngx_shmtx_lock(&pm->shpool->mutex);

    found = ngx_procmgr_denial_find(pm, row);

    /* another worker may have been faster */

    if (found->n == 0) {
        *found = *row;

        if (found >= &pm->sh->denials.rows[NGX_PROCMGR_DENIAL_MAX]) {
            ngx_memcpy(found->remote, "*", sizeof("*"));
        }

        found->sent = 0;
        found->n = 0;
    }

    found->n++;

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


/* the one of this source, a free one, or that of all others */

static ngx_procmgr_denial_t *
ngx_procmgr_denial_find(ngx_procmgr_t *pm, const ngx_procmgr_denial_t *like)
{
    ngx_uint_t             i;
    ngx_procmgr_denial_t  *row, *spare;

    row = pm->sh->denials.rows;
    spare = &row[NGX_PROCMGR_DENIAL_MAX + like->code];

    for (i = 0; i < NGX_PROCMGR_DENIAL_MAX; i++) {

        if (row[i].n == 0) {
            spare = &row[i];
            continue;
        }

        if (row[i].code == like->code
            && ngx_strcmp(row[i].remote, like->remote) == 0)
        {
            return &row[i];
        }
    }

    return spare;
}


ngx_int_t
ngx_procmgr_denial_take(ngx_procmgr_t *pm,
    ngx_procmgr_denial_t rows[NGX_PROCMGR_DENIAL_ROWS], ngx_msec_t every,
    ngx_uint_t now)
{
    uint64_t                   time;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_procmgr_denial_shm_t  *sh;

    rc = NGX_DECLINED;
    sh = &pm->sh->denials;
    time = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < NGX_PROCMGR_DENIAL_ROWS && rc == NGX_DECLINED; i++) {
        if (sh->rows[i].n) {
            rc = NGX_OK;
        }
    }

    if (rc == NGX_OK && !now && time < sh->next) {
        rc = NGX_BUSY;
    }

    if (rc == NGX_OK) {
        rc = ngx_procmgr_lease_take(&pm->sh->denial_sender, time,
                                    NGX_PROCMGR_DENIAL_LEASE);
    }

    if (rc == NGX_OK) {
        sh->next = time + every;

        for (i = 0; i < NGX_PROCMGR_DENIAL_ROWS; i++) {
            sh->rows[i].sent = sh->rows[i].n;
        }

        ngx_memcpy(rows, sh->rows, sizeof(sh->rows));
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return rc;
}


void
ngx_procmgr_denial_settle(ngx_procmgr_t *pm, ngx_uint_t written)
{
    ngx_uint_t                 i;
    ngx_procmgr_denial_shm_t  *sh;

    sh = &pm->sh->denials;

    ngx_shmtx_lock(&pm->shpool->mutex);

    /* it may have run out, and be another's now */

    if (pm->sh->denial_sender.pid == ngx_pid) {
        pm->sh->denial_sender.pid = 0;

        for (i = 0; i < NGX_PROCMGR_DENIAL_ROWS; i++) {
            if (written) {
                sh->rows[i].n -= sh->rows[i].sent;
            }

            sh->rows[i].sent = 0;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}
