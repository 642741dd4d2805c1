
/* SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) */


#include "pm_sha256.h"

#include <string.h>


#define PM_SHA256_BLOCK  64

#define pm_rotr(x, n)    (((x) >> (n)) | ((x) << (32 - (n))))


static void pm_sha256_block(uint32_t state[8], const uint8_t *p);


static const uint32_t  pm_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};


void
pm_sha256_init(pm_sha256_t *ctx)
{
    static const uint32_t  start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    memcpy(ctx->state, start, sizeof(start));
    ctx->bytes = 0;
}


void
pm_sha256_update(pm_sha256_t *ctx, const void *data, size_t len)
{
    size_t          used, n;
    const uint8_t  *p;

    p = data;
    used = ctx->bytes % PM_SHA256_BLOCK;
    ctx->bytes += len;

    if (used) {
        n = PM_SHA256_BLOCK - used;

        if (len < n) {
            n = len;
        }

        if (n) {
            memcpy(ctx->block + used, p, n);
        }

        if (used + n < PM_SHA256_BLOCK) {
            return;
        }

        pm_sha256_block(ctx->state, ctx->block);
        p += n;
        len -= n;
    }

    while (len >= PM_SHA256_BLOCK) {
        pm_sha256_block(ctx->state, p);
        p += PM_SHA256_BLOCK;
        len -= PM_SHA256_BLOCK;
    }

    if (len) {
        memcpy(ctx->block, p, len);
    }
}


void
pm_sha256_final(pm_sha256_t *ctx, uint8_t out[PM_SHA256_LEN])
{
    size_t    used;
    uint64_t  bits;
    unsigned  i;

    bits = ctx->bytes * 8;
    used = ctx->bytes % PM_SHA256_BLOCK;

    ctx->block[used++] = 0x80;

    if (used > PM_SHA256_BLOCK - 8) {
        memset(ctx->block + used, 0, PM_SHA256_BLOCK - used);
        pm_sha256_block(ctx->state, ctx->block);
        used = 0;
    }

    memset(ctx->block + used, 0, PM_SHA256_BLOCK - 8 - used);

    for (i = 0; i < 8; i++) {
        ctx->block[PM_SHA256_BLOCK - 1 - i] = (uint8_t) (bits >> (8 * i));
    }

    pm_sha256_block(ctx->state, ctx->block);

    for (i = 0; i < PM_SHA256_LEN; i++) {
        out[i] = (uint8_t) (ctx->state[i / 4] >> (24 - 8 * (i % 4)));
    }

    explicit_bzero(ctx, sizeof(pm_sha256_t));
}


static void
pm_sha256_block(uint32_t state[8], const uint8_t *p)
{
    uint32_t  w[64], s[8], t1, t2;
    unsigned  i;

    for (i = 0; i < 16; i++) {
        w[i] = (uint32_t) p[4 * i] << 24 | (uint32_t) p[4 * i + 1] << 16
               | (uint32_t) p[4 * i + 2] << 8 | (uint32_t) p[4 * i + 3];
    }

    for ( /* void */ ; i < 64; i++) {
        t1 = w[i - 2];
        t2 = w[i - 15];
        w[i] = (pm_rotr(t1, 17) ^ pm_rotr(t1, 19) ^ (t1 >> 10)) + w[i - 7]
               + (pm_rotr(t2, 7) ^ pm_rotr(t2, 18) ^ (t2 >> 3)) + w[i - 16];
    }

    memcpy(s, state, sizeof(s));

    for (i = 0; i < 64; i++) {
        t1 = s[7] + (pm_rotr(s[4], 6) ^ pm_rotr(s[4], 11) ^ pm_rotr(s[4], 25))
             + ((s[4] & s[5]) ^ (~s[4] & s[6])) + pm_sha256_k[i] + w[i];
        t2 = (pm_rotr(s[0], 2) ^ pm_rotr(s[0], 13) ^ pm_rotr(s[0], 22))
             + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        memmove(&s[1], &s[0], 7 * sizeof(uint32_t));
        s[4] += t1;
        s[0] = t1 + t2;
    }

    for (i = 0; i < 8; i++) {
        state[i] += s[i];
    }
}


void
pm_hmac_sha256(const uint8_t *key, size_t key_len, const void *data,
    size_t len, uint8_t out[PM_SHA256_LEN])
{
    uint8_t      pad[PM_SHA256_BLOCK], hash[PM_SHA256_LEN];
    unsigned     i;
    pm_sha256_t  ctx;

    memset(pad, 0, sizeof(pad));

    if (key_len > PM_SHA256_BLOCK) {
        pm_sha256_init(&ctx);
        pm_sha256_update(&ctx, key, key_len);
        pm_sha256_final(&ctx, pad);

    } else if (key_len) {
        memcpy(pad, key, key_len);
    }

    for (i = 0; i < PM_SHA256_BLOCK; i++) {
        pad[i] ^= 0x36;
    }

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, pad, sizeof(pad));
    pm_sha256_update(&ctx, data, len);
    pm_sha256_final(&ctx, hash);

    for (i = 0; i < PM_SHA256_BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, pad, sizeof(pad));
    pm_sha256_update(&ctx, hash, sizeof(hash));
    pm_sha256_final(&ctx, out);

    explicit_bzero(pad, sizeof(pad));
}


void
pm_hex(char *dst, const uint8_t *src, size_t len)
{
    size_t  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < len; i++) {
        *dst++ = hex[src[i] >> 4];
        *dst++ = hex[src[i] & 0xf];
    }

    *dst = '\0';
}


int
pm_equal(const void *a, const void *b, size_t len)
{
    size_t                   i;
    const volatile uint8_t  *x, *y;
    uint8_t                  diff;

    x = a;
    y = b;
    diff = 0;

    for (i = 0; i < len; i++) {
        diff |= x[i] ^ y[i];
    }

    return diff == 0;
}
