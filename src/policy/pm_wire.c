
/* the text of a frame: written, sealed and taken apart */


#include "pm_wire.h"
#include "pm_sha256.h"

#include <stdio.h>
#include <string.h>


#define PM_WIRE_KEYLEN  32            /* characters of a key's name */

/* "mac=", 64 digits and the line's end */
#define PM_WIRE_MAC     (4 + 2 * PM_SHA256_LEN + 1)


static const char *pm_wire_line(pm_wire_msg_t *m, char *p, char *eol);
static int pm_wire_plain(unsigned char c);
static int pm_wire_key_ok(const char *key, size_t len);
static int pm_wire_digit(char c);
static int pm_wire_unescape(char *p, size_t len, size_t *out);
static int pm_wire_mac_ok(const char *data, size_t len, const uint8_t *key);


const char *const  pm_read_names[PM_READ_MAX] = {
    "fd", "files", "nfiles", "exe", "cwd", "environ", "io", "cmdline",
    "maps", "smaps", "smaps_rollup", "netns"
};


void
pm_wire_start(pm_wire_text_t *t)
{
    t->len = 0;
    t->error = 0;
}


void
pm_wire_add(pm_wire_text_t *t, const char *key, const char *value)
{
    pm_wire_addn(t, key, value, strlen(value));
}


void
pm_wire_addn(pm_wire_text_t *t, const char *key, const void *value,
    size_t len)
{
    size_t                i, n, key_len;
    const unsigned char  *v;

    static const char  hex[] = "0123456789ABCDEF";

    if (t->error) {
        return;
    }

    v = value;
    key_len = strlen(key);

    if (!pm_wire_key_ok(key, key_len) || len > PM_WIRE_TEXT) {
        t->error = 1;
        return;
    }

    n = key_len + 2;

    for (i = 0; i < len; i++) {
        n += pm_wire_plain(v[i]) ? 1 : 3;
    }

    if (n > PM_WIRE_TEXT - t->len) {
        t->error = 1;
        return;
    }

    memcpy(t->data + t->len, key, key_len);
    n = t->len + key_len;
    t->data[n++] = '=';

    for (i = 0; i < len; i++) {

        if (pm_wire_plain(v[i])) {
            t->data[n++] = (char) v[i];
            continue;
        }

        t->data[n++] = '%';
        t->data[n++] = hex[v[i] >> 4];
        t->data[n++] = hex[v[i] & 0xf];
    }

    t->data[n++] = '\n';
    t->len = n;
}


void
pm_wire_addu(pm_wire_text_t *t, const char *key, uint64_t value)
{
    char  buf[24];

    snprintf(buf, sizeof(buf), "%llu", (unsigned long long) value);
    pm_wire_add(t, key, buf);
}


void
pm_wire_addi(pm_wire_text_t *t, const char *key, int64_t value)
{
    char  buf[24];

    snprintf(buf, sizeof(buf), "%lld", (long long) value);
    pm_wire_add(t, key, buf);
}


void
pm_wire_seal(pm_wire_text_t *t, const uint8_t key[PM_WIRE_KEY_LEN])
{
    char     hex[2 * PM_SHA256_LEN + 1];
    uint8_t  mac[PM_SHA256_LEN];

    pm_hmac_sha256(key, PM_WIRE_KEY_LEN, t->data, t->len, mac);
    pm_hex(hex, mac, sizeof(mac));

    pm_wire_add(t, "mac", hex);
}


int
pm_wire_parse(pm_wire_msg_t *m, char *data, size_t len, const uint8_t *key,
    const char **why)
{
    char  *p, *end, *eol;

    m->n = 0;

    if (len == 0 || len > PM_WIRE_TEXT) {
        *why = "length";
        return -1;
    }

    if (key) {
        if (!pm_wire_mac_ok(data, len, key)) {
            *why = "mac";
            return -1;
        }

        /* nothing is looked at that the MAC does not cover */
        len -= PM_WIRE_MAC;
    }

    end = data + len;

    for (p = data; p < end; p = eol + 1) {

        eol = memchr(p, '\n', (size_t) (end - p));
        *why = eol ? pm_wire_line(m, p, eol) : "line";

        if (*why) {
            m->n = 0;
            return -1;
        }
    }

    return 0;
}


/* NULL, or what is wrong with it */

static const char *
pm_wire_line(pm_wire_msg_t *m, char *p, char *eol)
{
    char            *eq;
    pm_wire_pair_t  *pair;

    eq = memchr(p, '=', (size_t) (eol - p));

    if (eq == NULL || !pm_wire_key_ok(p, (size_t) (eq - p))) {
        return "key";
    }

    if (m->n == PM_WIRE_KEYS) {
        return "too many keys";
    }

    *eq = '\0';

    if (pm_wire_pair(m, p)) {
        return "repeated key";
    }

    pair = &m->pair[m->n];
    pair->key = p;
    pair->value = eq + 1;

    if (pm_wire_unescape(eq + 1, (size_t) (eol - eq - 1), &pair->len) != 0) {
        return "value";
    }

    m->n++;

    return NULL;
}


const char *
pm_wire_get(const pm_wire_msg_t *m, const char *key)
{
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(m, key);

    return pair ? pair->value : NULL;
}


const pm_wire_pair_t *
pm_wire_pair(const pm_wire_msg_t *m, const char *key)
{
    size_t  i;

    for (i = 0; i < m->n; i++) {
        if (strcmp(m->pair[i].key, key) == 0) {
            return &m->pair[i];
        }
    }

    return NULL;
}


int
pm_wire_getu(const pm_wire_msg_t *m, const char *key, uint64_t max,
    uint64_t *value)
{
    size_t                 i;
    uint64_t               n, d;
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(m, key);

    if (pair == NULL || pair->len == 0 || pair->len > 20) {
        return -1;
    }

    n = 0;

    for (i = 0; i < pair->len; i++) {

        if (pair->value[i] < '0' || pair->value[i] > '9') {
            return -1;
        }

        d = (uint64_t) (pair->value[i] - '0');

        if (n > (UINT64_MAX - d) / 10) {
            return -1;
        }

        n = n * 10 + d;
    }

    if (n > max) {
        return -1;
    }

    *value = n;

    return 0;
}


static int
pm_wire_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '%';
}


static int
pm_wire_key_ok(const char *key, size_t len)
{
    size_t  i;

    if (len == 0 || len > PM_WIRE_KEYLEN) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!(key[i] >= 'a' && key[i] <= 'z')
            && !(key[i] >= '0' && key[i] <= '9') && key[i] != '_')
        {
            return 0;
        }
    }

    return 1;
}


static int
pm_wire_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }

    return -1;
}


/* a value has one way of being written: what need not be escaped is not */

static int
pm_wire_unescape(char *p, size_t len, size_t *out)
{
    int      hi, lo;
    char    *dst, *end;

    dst = p;
    *out = 0;

    for (end = p + len; p < end; p++) {

        if (pm_wire_plain((unsigned char) *p)) {
            *dst++ = *p;
            (*out)++;
            continue;
        }

        if (*p != '%' || end - p < 3) {
            return -1;
        }

        hi = pm_wire_digit(p[1]);
        lo = pm_wire_digit(p[2]);

        if (hi < 0 || lo < 0 || pm_wire_plain((unsigned char) (hi * 16 + lo)))
        {
            return -1;
        }

        *dst++ = (char) (hi * 16 + lo);
        (*out)++;
        p += 2;
    }

    *dst = '\0';

    return 0;
}


static int
pm_wire_mac_ok(const char *data, size_t len, const uint8_t *key)
{
    char         hex[2 * PM_SHA256_LEN + 1];
    uint8_t      mac[PM_SHA256_LEN];
    const char  *line;

    if (len <= PM_WIRE_MAC) {
        return 0;
    }

    line = data + len - PM_WIRE_MAC;

    if (line[-1] != '\n' || memcmp(line, "mac=", 4) != 0
        || data[len - 1] != '\n')
    {
        return 0;
    }

    pm_hmac_sha256(key, PM_WIRE_KEY_LEN, data, (size_t) (line - data), mac);
    pm_hex(hex, mac, sizeof(mac));

    return pm_equal(hex, line + 4, 2 * PM_SHA256_LEN);
}
