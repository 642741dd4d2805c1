
/*
 * Passwords by yescrypt, in the thread pool: at most two at once on the host
 * and at a low priority, so that logins cannot starve anything else.
 */


#ifndef _NGX_PROCMGR_CRYPT_H_INCLUDED_
#define _NGX_PROCMGR_CRYPT_H_INCLUDED_


#include "ngx_procmgr.h"


#define NGX_PROCMGR_PASSWORD_MAX  512
#define NGX_PROCMGR_HASH_LEN      384   /* CRYPT_OUTPUT_SIZE */


typedef struct ngx_procmgr_crypt_s  ngx_procmgr_crypt_t;

/*
 * NGX_OK: it is the password, or `hash' is made.  NGX_DECLINED: it is not.
 * NGX_BUSY: no turn came in time.  NGX_ERROR.
 */
typedef void (*ngx_procmgr_crypt_pt)(void *data, ngx_int_t rc,
    const char *hash);

/*
 * Compares with `hash'; "" stands for an account that does not exist and
 * costs the same.  NULL makes a new hash.  The password is copied and wiped.
 * The handler comes once, never from inside this call.  NULL: the queue is
 * full, or no memory.
 */
ngx_procmgr_crypt_t *ngx_procmgr_crypt(ngx_procmgr_t *pm, ngx_str_t *password,
    const char *hash, ngx_procmgr_crypt_pt handler, void *data);
void ngx_procmgr_crypt_forget(ngx_procmgr_crypt_t *crypt);


#endif /* _NGX_PROCMGR_CRYPT_H_INCLUDED_ */
