
/* SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) */


#ifndef _PM_SHA256_H_INCLUDED_
#define _PM_SHA256_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_SHA256_LEN  32


typedef struct {
    uint32_t  state[8];
    uint64_t  bytes;
    uint8_t   block[64];
} pm_sha256_t;


void pm_sha256_init(pm_sha256_t *ctx);
void pm_sha256_update(pm_sha256_t *ctx, const void *data, size_t len);
void pm_sha256_final(pm_sha256_t *ctx, uint8_t out[PM_SHA256_LEN]);

void pm_hmac_sha256(const uint8_t *key, size_t key_len, const void *data,
    size_t len, uint8_t out[PM_SHA256_LEN]);

/* lower case, 2 * len characters and a zero */
void pm_hex(char *dst, const uint8_t *src, size_t len);

/* equal or not in a time that does not tell where they differ */
int pm_equal(const void *a, const void *b, size_t len);


#endif /* _PM_SHA256_H_INCLUDED_ */
