
/* a hash of some bytes, for tables of names: FNV-1a, folded */


#ifndef _PM_HASH_H_INCLUDED_
#define _PM_HASH_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


static inline uint32_t
pm_hash(const char *p, size_t len)
{
    size_t    i;
    uint32_t  h;

    h = 2166136261u;

    for (i = 0; i < len; i++) {
        h = (h ^ (unsigned char) p[i]) * 16777619u;
    }

    return h ^ h >> 15;
}


#endif /* _PM_HASH_H_INCLUDED_ */
