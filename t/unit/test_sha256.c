
/* vectors of FIPS 180-4 (NIST CAVP) and RFC 4231 */


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pm_sha256.h"


static void
check_hash(const void *data, size_t len, size_t step, const char *want)
{
    char         hex[2 * PM_SHA256_LEN + 1];
    size_t       n, off;
    uint8_t      out[PM_SHA256_LEN];
    pm_sha256_t  ctx;

    pm_sha256_init(&ctx);

    for (off = 0; off < len; off += n) {
        n = step && len - off > step ? step : len - off;
        pm_sha256_update(&ctx, (const char *) data + off, n);
    }

    pm_sha256_final(&ctx, out);
    pm_hex(hex, out, sizeof(out));
    assert_string_equal(hex, want);
}


static void
test_hash(void **state)
{
    char    *a;
    size_t   i, step;

    static const struct {
        const char  *text;
        const char  *hash;
    } v[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039"
          "a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          "cf5b16a778af8380036ce59e7b049237"
          "0b249b11e8f07a51afac45037afee9d1" },
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        for (step = 0; step < 70; step++) {
            check_hash(v[i].text, strlen(v[i].text), step, v[i].hash);
        }
    }

    a = malloc(1000000);
    assert_non_null(a);
    memset(a, 'a', 1000000);

    check_hash(a, 1000000, 0, "cdc76e5c9914fb9281a1c7e284d73e67"
                              "f1809a48a497200e046d39ccc7112cd0");
    check_hash(a, 1000000, 997, "cdc76e5c9914fb9281a1c7e284d73e67"
                                "f1809a48a497200e046d39ccc7112cd0");
    free(a);
}


static void
test_hash_lengths(void **state)
{
    char         hex[2 * PM_SHA256_LEN + 1];
    size_t       i;
    uint8_t      out[PM_SHA256_LEN], data[200];
    pm_sha256_t  ctx, all;

    (void) state;

    /* every length around the padding's edges, hashed together */

    pm_sha256_init(&all);
    memset(data, 0x5a, sizeof(data));

    for (i = 0; i <= sizeof(data); i++) {
        pm_sha256_init(&ctx);
        pm_sha256_update(&ctx, data, i);
        pm_sha256_final(&ctx, out);
        pm_sha256_update(&all, out, sizeof(out));
    }

    pm_sha256_final(&all, out);
    pm_hex(hex, out, sizeof(out));

    assert_string_equal(hex, "4204f2e00ef201392991a8f721ac2bf5"
                             "c9fcd483aba8aad72af9cbadce6e1fe5");
}


static void
check_hmac(const uint8_t *key, size_t key_len, const void *data, size_t len,
    const char *want)
{
    char     hex[2 * PM_SHA256_LEN + 1];
    uint8_t  out[PM_SHA256_LEN];

    pm_hmac_sha256(key, key_len, data, len, out);
    pm_hex(hex, out, sizeof(out));
    assert_string_equal(hex, want);
}


static void
test_hmac(void **state)
{
    size_t   i;
    uint8_t  key[131], data[50];

    (void) state;

    memset(key, 0x0b, 20);
    check_hmac(key, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b"
                                       "881dc200c9833da726e9376c2e32cff7");

    check_hmac((const uint8_t *) "Jefe", 4, "what do ya want for nothing?",
               28, "5bdcc146bf60754e6a042426089575c7"
                   "5a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa, 20);
    memset(data, 0xdd, 50);
    check_hmac(key, 20, data, 50, "773ea91e36800e46854db8ebd09181a7"
                                  "2959098b3ef8c122d9635514ced565fe");

    for (i = 0; i < 25; i++) {
        key[i] = (uint8_t) (i + 1);
    }

    memset(data, 0xcd, 50);
    check_hmac(key, 25, data, 50, "82558a389a443c0ea4cc819899f2083a"
                                  "85f0faa3e578f8077a2e3ff46729665b");

    memset(key, 0xaa, 131);
    check_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key "
               "First", 54, "60e431591ee0b67f0d8a26aacbf5b77f"
                            "8e0bc6213728c5140546040f0ee37f54");
    check_hmac(key, 131, "This is a test using a larger than block-size key "
               "and a larger than block-size data. The key needs to be "
               "hashed before being used by the HMAC algorithm.", 152,
               "9b09ffa71b942fcb27635fbcd5b0e944"
               "bfdc63644f0713938a7f51535c3a35e2");

    check_hmac(key, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5"
                              "ff1697c493715653c6c712144292c5ad");
}


static void
test_equal(void **state)
{
    size_t   i;
    uint8_t  a[32], b[32];

    (void) state;

    memset(a, 7, sizeof(a));

    for (i = 0; i < 256; i++) {
        memcpy(b, a, sizeof(a));
        assert_true(pm_equal(a, b, sizeof(a)));
        b[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_false(pm_equal(a, b, sizeof(a)));
    }

    assert_true(pm_equal(a, b, 0));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_lengths),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
