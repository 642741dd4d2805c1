
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pm_hash.h"
#include "pm_map.h"
#include "pm_parse.h"


#define PM_MAP_DELETED  " (deleted)"


typedef struct {
    const char  *key;
    size_t       len;
    int          size;                  /* PM_MAP_* */
} pm_map_key_t;


static int pm_map_head(pm_map_t *map, const char *p, const char *end);
static int pm_map_size(pm_map_t *map, const char *p, const char *end);
static int pm_maps_add(pm_maps_t *maps, const pm_map_t *map);
static int pm_maps_rehash(pm_maps_t *maps);


const char *const  pm_map_names[PM_MAP_SIZES] = {
    "rss", "size", "pss", "shared_clean", "shared_dirty", "private_clean",
    "private_dirty", "referenced", "anonymous", "swap"
};


#define pm_map_key(key, size)  { key, sizeof(key) - 1, size }

/* by their first letter */

static const pm_map_key_t  pm_map_keys[PM_MAP_ALL] = {
    pm_map_key("Rss:", PM_MAP_RSS),
    pm_map_key("Referenced:", PM_MAP_REFERENCED),
    pm_map_key("Size:", PM_MAP_SIZE),
    pm_map_key("Shared_Clean:", PM_MAP_SHARED_CLEAN),
    pm_map_key("Shared_Dirty:", PM_MAP_SHARED_DIRTY),
    pm_map_key("Swap:", PM_MAP_SWAP),
    pm_map_key("Pss:", PM_MAP_PSS),
    pm_map_key("Private_Clean:", PM_MAP_PRIVATE_CLEAN),
    pm_map_key("Private_Dirty:", PM_MAP_PRIVATE_DIRTY),
    pm_map_key("Private_Hugetlb:", PM_MAP_PRIVATE_HUGETLB),
    pm_map_key("Anonymous:", PM_MAP_ANONYMOUS)
};

#define PM_MAP_LINE_R  0
#define PM_MAP_LINE_S  2
#define PM_MAP_LINE_P  6
#define PM_MAP_LINE_A  10


void
pm_map_start(pm_map_iter_t *iter, const char *buf, size_t len)
{
    iter->pos = buf;
    iter->end = buf + len;
}


int
pm_map_next(pm_map_iter_t *iter, pm_map_t *map)
{
    const char  *p, *end, *next;

    p = iter->pos;
    end = iter->end;

    if (p == end) {
        return 0;
    }

    next = pm_parse_line(p, end);

    if (next[-1] != '\n' || pm_map_head(map, p, next - 1) == -1) {
        return -1;
    }

    /* an address begins a mapping, in lower case; its lines do not */

    for (p = next; p < end && *p >= 'A' && *p <= 'Z'; p = next) {

        next = pm_parse_line(p, end);

        if (next[-1] != '\n' || pm_map_size(map, p, next - 1) == -1) {
            return -1;
        }
    }

    iter->pos = p;

    return 1;
}


/* "55d0c8a00000-55d0c8a2e000 r--p 00000000 fe:00 1835 /usr/bin/dash" */

static int
pm_map_head(pm_map_t *map, const char *p, const char *end)
{
    int          i;
    pm_slice_t   word[5];
    const char  *s;

    for (i = 0; i < 5; i++) {

        p = pm_parse_blanks(p, end);
        s = p;

        while (p < end && *p != ' ' && *p != '\t') {
            p++;
        }

        if (p == s) {
            return -1;
        }

        word[i].data = s;
        word[i].len = p - s;
    }

    if (memchr(word[0].data, '-', word[0].len) == NULL) {
        return -1;
    }

    memset(map, 0, sizeof(pm_map_t));

    map->addr = word[0];
    map->perms = word[1];

    p = pm_parse_blanks(p, end);

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    if (p == end) {
        map->path.data = "[anon]";
        map->path.len = sizeof("[anon]") - 1;

    } else {
        map->path.data = p;
        map->path.len = pm_link_len(p, end - p);
    }

    return 0;
}


static int
pm_map_size(pm_map_t *map, const char *p, const char *end)
{
    int          i, last;
    uint64_t     kib;
    const char  *v;

    /* a mapping has some 25 lines: few of them are compared with few keys */

    switch (*p) {

    case 'R':
        i = PM_MAP_LINE_R;
        last = PM_MAP_LINE_S;
        break;

    case 'S':
        i = PM_MAP_LINE_S;
        last = PM_MAP_LINE_P;
        break;

    case 'P':
        i = PM_MAP_LINE_P;
        last = PM_MAP_LINE_A;
        break;

    case 'A':
        i = PM_MAP_LINE_A;
        last = PM_MAP_ALL;
        break;

    default:
        return 0;
    }

    for ( /* void */ ; i < last; i++) {

        v = pm_parse_word(p, end, pm_map_keys[i].key, pm_map_keys[i].len);

        if (v == NULL) {
            continue;
        }

        if (pm_parse_u64(pm_parse_blanks(v, end), end, &kib) == NULL) {
            return -1;
        }

        map->size[pm_map_keys[i].size] = kib * 1024;

        break;
    }

    return 0;
}


int
pm_maps_group(pm_maps_t *maps, const char *buf, size_t len)
{
    int            rc;
    pm_map_t       map;
    pm_map_iter_t  iter;

    maps->n = 0;

    if (maps->slots) {
        memset(maps->slots, 0, maps->nslots * sizeof(uint32_t));
    }

    pm_map_start(&iter, buf, len);

    while ((rc = pm_map_next(&iter, &map)) == 1) {

        rc = pm_maps_add(maps, &map);

        if (rc != 0) {
            return rc;
        }
    }

    return rc;
}


static int
pm_maps_add(pm_maps_t *maps, const pm_map_t *map)
{
    int        i;
    size_t     allocated, slot;
    pm_map_t  *elts;

    /* at most half of the slots are taken */

    if ((maps->slots == NULL || 2 * (maps->n + 1) > maps->nslots)
        && pm_maps_rehash(maps) != 0)
    {
        return ENOMEM;
    }

    slot = pm_hash(map->path.data, map->path.len) & (maps->nslots - 1);

    while (maps->slots[slot]) {

        elts = &maps->elts[maps->slots[slot] - 1];

        if (elts->path.len == map->path.len
            && memcmp(elts->path.data, map->path.data, map->path.len) == 0)
        {
            for (i = 0; i < PM_MAP_SIZES; i++) {
                elts->size[i] += map->size[i];
            }

            return 0;
        }

        slot = (slot + 1) & (maps->nslots - 1);
    }

    if (maps->n == maps->allocated) {

        allocated = maps->allocated ? 2 * maps->allocated : 64;

        elts = realloc(maps->elts, allocated * sizeof(pm_map_t));
        if (elts == NULL) {
            return ENOMEM;
        }

        maps->elts = elts;
        maps->allocated = allocated;
    }

    maps->elts[maps->n++] = *map;
    maps->slots[slot] = maps->n;

    return 0;
}


static int
pm_maps_rehash(pm_maps_t *maps)
{
    size_t     i, n, slot;
    uint32_t  *slots;

    n = maps->nslots ? 2 * maps->nslots : 128;

    slots = calloc(n, sizeof(uint32_t));
    if (slots == NULL) {
        return ENOMEM;
    }

    for (i = 0; i < maps->n; i++) {

        slot = pm_hash(maps->elts[i].path.data, maps->elts[i].path.len)
               & (n - 1);

        while (slots[slot]) {
            slot = (slot + 1) & (n - 1);
        }

        slots[slot] = i + 1;
    }

    free(maps->slots);

    maps->slots = slots;
    maps->nslots = n;

    return 0;
}


void
pm_maps_free(pm_maps_t *maps)
{
    free(maps->elts);
    free(maps->slots);

    memset(maps, 0, sizeof(pm_maps_t));
}


size_t
pm_link_len(const char *path, size_t len)
{
    char          name[PATH_MAX];
    size_t        n;
    const char   *zero;
    struct statx  st;

    zero = memchr(path, '\0', len);
    if (zero) {
        len = zero - path;
    }

    n = sizeof(PM_MAP_DELETED) - 1;

    if (len <= n || memcmp(path + len - n, PM_MAP_DELETED, n) != 0) {
        return len;
    }

    if (path[0] == '/' && len < sizeof(name)) {

        memcpy(name, path, len);
        name[len] = '\0';

        if (statx(AT_FDCWD, name,
                  AT_SYMLINK_NOFOLLOW|AT_NO_AUTOMOUNT|AT_STATX_DONT_SYNC,
                  STATX_TYPE, &st)
            == 0)
        {
            return len;
        }
    }

    return len - n;
}
