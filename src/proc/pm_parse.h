
/*
 * Numbers and lines in a text of /proc.  Bounded by end, whatever stands
 * there; no locale.
 */


#ifndef _PM_PARSE_H_INCLUDED_
#define _PM_PARSE_H_INCLUDED_


#include <stdint.h>
#include <string.h>


/*
 * Digits at p; returns what stands behind them, or NULL when there is none
 * or the number passes 2^64 - 1.
 */
static inline const char *
pm_parse_u64(const char *p, const char *end, uint64_t *value)
{
    uint64_t     v;
    unsigned     d;
    const char  *start;

    v = 0;
    start = p;

    for ( /* void */ ; p < end; p++) {

        d = (unsigned char) *p - '0';

        if (d > 9) {
            break;
        }

        /* 19 digits cannot overflow */

        if (p - start >= 19
            && (v > UINT64_MAX / 10
                || (v == UINT64_MAX / 10 && d > UINT64_MAX % 10)))
        {
            return NULL;
        }

        v = v * 10 + d;
    }

    if (p == start) {
        return NULL;
    }

    *value = v;

    return p;
}


static inline const char *
pm_parse_i64(const char *p, const char *end, int64_t *value)
{
    int       minus;
    uint64_t  v;

    minus = (p < end && *p == '-');

    p = pm_parse_u64(p + minus, end, &v);

    if (p == NULL || v > (uint64_t) INT64_MAX + minus) {
        return NULL;
    }

    *value = minus ? (int64_t) (0 - v) : (int64_t) v;

    return p;
}


/* "12.34"; at most nine digits of the fraction count */
static inline const char *
pm_parse_decimal(const char *p, const char *end, double *value)
{
    unsigned  d;
    uint64_t  whole, part, scale;

    p = pm_parse_u64(p, end, &whole);

    if (p == NULL) {
        return NULL;
    }

    part = 0;
    scale = 1;

    if (p < end && *p == '.') {

        for (p++; p < end; p++) {

            d = (unsigned char) *p - '0';

            if (d > 9) {
                break;
            }

            if (scale < 1000000000) {
                part = part * 10 + d;
                scale *= 10;
            }
        }
    }

    *value = (double) whole + (double) part / (double) scale;

    return p;
}


static inline const char *
pm_parse_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}


/* the start of the next line, or end */
static inline const char *
pm_parse_line(const char *p, const char *end)
{
    p = memchr(p, '\n', end - p);

    return p ? p + 1 : end;
}


/* what stands behind a word that must be at p, or NULL */
static inline const char *
pm_parse_word(const char *p, const char *end, const char *word, size_t len)
{
    if ((size_t) (end - p) < len || memcmp(p, word, len) != 0) {
        return NULL;
    }

    return p + len;
}

#define pm_parse_key(p, end, key)                                             \
    pm_parse_word(p, end, key, sizeof(key) - 1)


#endif /* _PM_PARSE_H_INCLUDED_ */
