
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pm_json.h"


#define PM_JSON_SAFE    9007199254740991ULL     /* 2^53 - 1 */
#define PM_JSON_NUMBER  24                      /* longest integer, quoted */
#define PM_JSON_SHORT   256                     /* a string copied at once */


static inline char *pm_json_reserve(pm_json_t *j, size_t n);
static char *pm_json_chunk(pm_json_t *j);
static inline void pm_json_commit(pm_json_t *j, size_t n);
static void pm_json_put(pm_json_t *j, const char *s, size_t len);
static void pm_json_open(pm_json_t *j, char c);
static void pm_json_close(pm_json_t *j, char c);
static void pm_json_token(pm_json_t *j, const char *s, size_t len);
static void pm_json_string(pm_json_t *j, const char *s, size_t len);
static void pm_json_escape(pm_json_t *j, unsigned char c);
static char *pm_json_digits(char *end, uint64_t v);


#define pm_json_plain(c)                                                      \
    ((unsigned char) ((c) - 0x20) < 0x60 && (c) != '"' && (c) != '\\')


static const char  pm_json_hex[] = "0123456789abcdef";

static const char  pm_json_pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";


void
pm_json_init(pm_json_t *j, size_t limit)
{
    memset(j, 0, sizeof(pm_json_t));

    j->limit = limit;
}


void
pm_json_free(pm_json_t *j)
{
    pm_json_chunk_t  *chunk, *next;

    for (chunk = j->first; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }

    pm_json_init(j, j->limit);
}


int
pm_json_error(const pm_json_t *j)
{
    return j->error;
}


char *
pm_json_flatten(const pm_json_t *j)
{
    char             *block, *p;
    pm_json_chunk_t  *chunk;

    if (j->error) {
        errno = j->error;
        return NULL;
    }

    block = malloc(j->total ? j->total : 1);
    if (block == NULL) {
        return NULL;
    }

    p = block;

    for (chunk = j->first; chunk; chunk = chunk->next) {
        memcpy(p, chunk->data, chunk->len);
        p += chunk->len;
    }

    return block;
}


void
pm_json_object(pm_json_t *j)
{
    pm_json_open(j, '{');
}


void
pm_json_object_end(pm_json_t *j)
{
    pm_json_close(j, '}');
}


void
pm_json_array(pm_json_t *j)
{
    pm_json_open(j, '[');
}


void
pm_json_array_end(pm_json_t *j)
{
    pm_json_close(j, ']');
}


void
pm_json_key(pm_json_t *j, const char *key)
{
    char    *p, *start;
    size_t   len;

    len = strlen(key);

    if (len > PM_JSON_CHUNK - 4) {
        j->error = EFBIG;
        return;
    }

    p = pm_json_reserve(j, len + 4);
    if (p == NULL) {
        return;
    }

    start = p;

    if (j->comma) {
        *p++ = ',';
    }

    *p++ = '"';
    memcpy(p, key, len);
    p += len;
    *p++ = '"';
    *p++ = ':';

    j->comma = 0;

    pm_json_commit(j, p - start);
}


void
pm_json_key_n(pm_json_t *j, const char *key, size_t len)
{
    pm_json_string(j, key, len);
    pm_json_put(j, ":", 1);

    j->comma = 0;
}


void
pm_json_str(pm_json_t *j, const char *s)
{
    if (s == NULL) {
        pm_json_null(j);
        return;
    }

    pm_json_strn(j, s, strlen(s));
}


void
pm_json_strn(pm_json_t *j, const char *s, size_t len)
{
    pm_json_string(j, s, len);

    j->comma = 1;
}


void
pm_json_u64(pm_json_t *j, uint64_t v)
{
    char  *p, *end, buf[PM_JSON_NUMBER];

    end = buf + sizeof(buf);
    p = end;

    if (v > PM_JSON_SAFE) {
        *--p = '"';
        p = pm_json_digits(p, v);
        *--p = '"';

    } else {
        p = pm_json_digits(p, v);
    }

    pm_json_token(j, p, end - p);
}


void
pm_json_i64(pm_json_t *j, int64_t v)
{
    char      *p, *end, buf[PM_JSON_NUMBER];
    uint64_t   u;

    if (v >= 0) {
        pm_json_u64(j, v);
        return;
    }

    u = 0 - (uint64_t) v;

    end = buf + sizeof(buf);
    p = end;

    if (u > PM_JSON_SAFE) {
        *--p = '"';
    }

    p = pm_json_digits(p, u);
    *--p = '-';

    if (u > PM_JSON_SAFE) {
        *--p = '"';
    }

    pm_json_token(j, p, end - p);
}


void
pm_json_double(pm_json_t *j, double v)
{
    int       digits;
    char     *p, *end, buf[40];
    size_t    len;
    double    scaled;
    uint64_t  n;

    if (!isfinite(v)) {
        pm_json_null(j);
        return;
    }

    scaled = fabs(v) * 100;

    if (scaled < 1e15) {
        n = (uint64_t) (scaled + 0.5);

        /*
         * both n and 100 are exact, therefore the quotient is the double
         * that stands nearest to the two decimals, as strtod() would find
         */

        if ((double) n / 100 == fabs(v)) {
            end = buf + sizeof(buf);
            p = end;

            *--p = pm_json_pairs[n % 100 * 2 + 1];
            *--p = pm_json_pairs[n % 100 * 2];

            if (end[-1] == '0') {
                end--;
            }

            *--p = '.';
            p = pm_json_digits(p, n / 100);

            if (signbit(v)) {
                *--p = '-';
            }

            pm_json_token(j, p, end - p);
            return;
        }
    }

    for (digits = 15; /* void */ ; digits++) {
        len = snprintf(buf, sizeof(buf) - 2, "%.*g", digits, v);

        if (digits == 17 || strtod(buf, NULL) == v) {
            break;
        }
    }

    /* a locale must not leak into JSON */

    p = strchr(buf, ',');
    if (p) {
        *p = '.';
    }

    if (strpbrk(buf, ".e") == NULL) {
        memcpy(buf + len, ".0", 2);
        len += 2;
    }

    pm_json_token(j, buf, len);
}


void
pm_json_fixed(pm_json_t *j, double v, int digits)
{
    char    *p, *comma, buf[352];
    size_t   len;

    if (!isfinite(v)) {
        pm_json_null(j);
        return;
    }

    if (digits < 0) {
        digits = 0;
    }

    if (digits > 17) {
        digits = 17;
    }

    len = snprintf(buf, sizeof(buf), "%.*f", digits, v);

    comma = strchr(buf, ',');
    if (comma) {
        *comma = '.';
    }

    p = buf;

    /* what rounds to nothing has no sign */

    if (*p == '-' && strspn(p, "-0.") == len) {
        p++;
        len--;
    }

    pm_json_token(j, p, len);
}


void
pm_json_bool(pm_json_t *j, int v)
{
    if (v) {
        pm_json_token(j, "true", sizeof("true") - 1);

    } else {
        pm_json_token(j, "false", sizeof("false") - 1);
    }
}


void
pm_json_null(pm_json_t *j)
{
    pm_json_token(j, "null", sizeof("null") - 1);
}


void
pm_json_raw(pm_json_t *j, const char *s, size_t len)
{
    if (j->comma) {
        pm_json_put(j, ",", 1);
    }

    pm_json_put(j, s, len);

    j->comma = 1;
}


/*
 * The place for n bytes in one piece, n <= PM_JSON_CHUNK; nothing counts
 * until pm_json_commit(), which must follow before the next call.
 */

static inline char *
pm_json_reserve(pm_json_t *j, size_t n)
{
    pm_json_chunk_t  *chunk;

    chunk = j->last;

    if (chunk && PM_JSON_CHUNK - chunk->len >= n && j->error == 0) {
        return chunk->data + chunk->len;
    }

    return pm_json_chunk(j);
}


static char *
pm_json_chunk(pm_json_t *j)
{
    pm_json_chunk_t  *chunk;

    if (j->error) {
        return NULL;
    }

    /* not calloc(): 32 KiB of zeroes would only be written over */

    chunk = malloc(sizeof(pm_json_chunk_t));
    if (chunk == NULL) {
        j->error = ENOMEM;
        return NULL;
    }

    chunk->next = NULL;
    chunk->len = 0;

    if (j->last) {
        j->last->next = chunk;

    } else {
        j->first = chunk;
    }

    j->last = chunk;

    return chunk->data;
}


static inline void
pm_json_commit(pm_json_t *j, size_t n)
{
    if (j->limit && n > j->limit - j->total) {
        j->error = EFBIG;
        return;
    }

    j->last->len += n;
    j->total += n;
}


static void
pm_json_put(pm_json_t *j, const char *s, size_t len)
{
    char    *p;
    size_t   n;

    while (len) {

        p = pm_json_reserve(j, 1);
        if (p == NULL) {
            return;
        }

        n = PM_JSON_CHUNK - j->last->len;
        if (n > len) {
            n = len;
        }

        memcpy(p, s, n);

        pm_json_commit(j, n);

        if (j->error) {
            return;
        }

        s += n;
        len -= n;
    }
}


static void
pm_json_open(pm_json_t *j, char c)
{
    pm_json_token(j, &c, 1);

    j->comma = 0;
}


static void
pm_json_close(pm_json_t *j, char c)
{
    j->comma = 0;

    pm_json_token(j, &c, 1);
}


/* a short value, with the comma before it */

static void
pm_json_token(pm_json_t *j, const char *s, size_t len)
{
    char    *p;
    size_t   comma;

    comma = j->comma;

    p = pm_json_reserve(j, comma + len);
    if (p == NULL) {
        return;
    }

    if (comma) {
        *p++ = ',';
    }

    memcpy(p, s, len);

    j->comma = 1;

    pm_json_commit(j, comma + len);
}


static void
pm_json_string(pm_json_t *j, const char *s, size_t len)
{
    int          valid;
    char        *start, *dst;
    size_t       n;
    const char  *p, *end, *run;

    p = s;
    end = s + len;

    if (len <= PM_JSON_SHORT) {

        /* nearly all are short and need no escaping */

        start = pm_json_reserve(j, len + sizeof(",\"\""));
        if (start == NULL) {
            return;
        }

        dst = start;

        if (j->comma) {
            *dst++ = ',';
        }

        *dst++ = '"';

        while (p < end && pm_json_plain(*p)) {
            *dst++ = *p++;
        }

        if (p == end) {
            *dst++ = '"';
            pm_json_commit(j, dst - start);
            return;
        }

        pm_json_commit(j, dst - start);

        if (j->error) {
            return;
        }

    } else if (j->comma) {
        pm_json_put(j, ",\"", 2);

    } else {
        pm_json_put(j, "\"", 1);
    }

    run = p;

    while (p < end) {

        if (pm_json_plain(*p)) {
            p++;
            continue;
        }

        if ((unsigned char) *p < 0x80) {
            pm_json_put(j, run, p - run);
            pm_json_escape(j, *p);
            run = ++p;
            continue;
        }

        n = pm_utf8_sequence(p, end - p, &valid);

        if (!valid) {
            pm_json_put(j, run, p - run);
            pm_json_put(j, "\xef\xbf\xbd", 3);
            run = p + n;
        }

        p += n;
    }

    pm_json_put(j, run, p - run);
    pm_json_put(j, "\"", 1);
}


static void
pm_json_escape(pm_json_t *j, unsigned char c)
{
    char  buf[6];

    buf[0] = '\\';

    switch (c) {

    case '"':
    case '\\':
        buf[1] = c;
        break;

    case '\b':
        buf[1] = 'b';
        break;

    case '\f':
        buf[1] = 'f';
        break;

    case '\n':
        buf[1] = 'n';
        break;

    case '\r':
        buf[1] = 'r';
        break;

    case '\t':
        buf[1] = 't';
        break;

    default:
        memcpy(buf + 1, "u00", 3);
        buf[4] = pm_json_hex[c >> 4];
        buf[5] = pm_json_hex[c & 15];
        pm_json_put(j, buf, 6);
        return;
    }

    pm_json_put(j, buf, 2);
}


/* writes backwards from end and returns the first digit */

static char *
pm_json_digits(char *end, uint64_t v)
{
    unsigned  pair;

    while (v >= 100) {
        pair = v % 100 * 2;
        v /= 100;
        *--end = pm_json_pairs[pair + 1];
        *--end = pm_json_pairs[pair];
    }

    if (v >= 10) {
        *--end = pm_json_pairs[v * 2 + 1];
        *--end = pm_json_pairs[v * 2];

    } else {
        *--end = '0' + v;
    }

    return end;
}
