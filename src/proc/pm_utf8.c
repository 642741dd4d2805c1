
#include <string.h>

#include "pm_json.h"


size_t
pm_utf8_sequence(const char *s, size_t len, int *valid)
{
    size_t                i, n;
    unsigned char         lower, upper;
    const unsigned char  *p;

    p = (const unsigned char *) s;

    *valid = 1;

    if (len == 0) {
        return 0;
    }

    if (p[0] < 0x80) {
        return 1;
    }

    lower = 0x80;
    upper = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;

        if (p[0] == 0xe0) {
            lower = 0xa0;           /* no overlong forms */

        } else if (p[0] == 0xed) {
            upper = 0x9f;           /* no surrogates */
        }

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;

        if (p[0] == 0xf0) {
            lower = 0x90;

        } else if (p[0] == 0xf4) {
            upper = 0x8f;           /* nothing above U+10FFFF */
        }

    } else {
        *valid = 0;
        return 1;
    }

    for (i = 1; i < n; i++) {

        if (i == len || p[i] < lower || p[i] > upper) {
            *valid = 0;
            return i;
        }

        lower = 0x80;
        upper = 0xbf;
    }

    return n;
}


size_t
pm_utf8_repair(char *dst, size_t size, const char *src, size_t len)
{
    int          valid;
    size_t       n, used;
    const char  *end;

    used = 0;
    end = src + len;

    if (size == 0) {
        return 0;
    }

    while (src < end) {

        n = pm_utf8_sequence(src, end - src, &valid);

        if (!valid) {
            if (used + 3 >= size) {
                break;
            }

            memcpy(dst + used, "\xef\xbf\xbd", 3);
            used += 3;

        } else if (*src) {
            if (used + n >= size) {
                break;
            }

            memcpy(dst + used, src, n);
            used += n;
        }

        src += n;
    }

    dst[used] = '\0';

    return used;
}
