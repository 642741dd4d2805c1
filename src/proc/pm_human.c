
#include <stdio.h>

#include "pm_human.h"


size_t
pm_human_size(char dst[PM_HUMAN_LEN], uint64_t bytes)
{
    int       i, n;
    uint64_t  tenths, whole, rest;

    static const char *const  units[] = {
        "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
    };

    if (bytes < 1024) {
        n = snprintf(dst, PM_HUMAN_LEN, "%u B", (unsigned) bytes);
        return (size_t) n;
    }

    whole = bytes;
    rest = 0;

    for (i = 0; whole >= 1024; i++) {
        rest = whole & 1023;
        whole >>= 10;
    }

    tenths = whole * 10 + (rest * 10 + 512) / 1024;

    if (tenths >= 10240 && i < 6) {
        /* 1023.96 KiB are 1.0 MiB */
        tenths = 10;
        i++;
    }

    n = snprintf(dst, PM_HUMAN_LEN, "%u.%u %s", (unsigned) (tenths / 10),
                 (unsigned) (tenths % 10), units[i]);

    return (size_t) n;
}


size_t
pm_human_duration(char dst[PM_HUMAN_LEN], double seconds)
{
    int       n;
    uint64_t  s;

    /* not a number compares with nothing */

    s = (seconds >= 0 && seconds < 1e15) ? (uint64_t) seconds : 0;

    if (s >= 86400) {
        n = snprintf(dst, PM_HUMAN_LEN, "%llu d %llu h",
                     (unsigned long long) (s / 86400),
                     (unsigned long long) (s % 86400 / 3600));

    } else if (s >= 3600) {
        n = snprintf(dst, PM_HUMAN_LEN, "%u h %u min", (unsigned) (s / 3600),
                     (unsigned) (s % 3600 / 60));

    } else if (s >= 60) {
        n = snprintf(dst, PM_HUMAN_LEN, "%u min %u s", (unsigned) (s / 60),
                     (unsigned) (s % 60));

    } else {
        n = snprintf(dst, PM_HUMAN_LEN, "%u s", (unsigned) s);
    }

    return (size_t) n;
}
