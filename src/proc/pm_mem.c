
#include <string.h>

#include "pm_mem.h"
#include "pm_parse.h"


static pm_slice_t *pm_mem_text(pm_mem_status_t *st, const char *p,
    size_t len);


const char *const  pm_mem_names[PM_MEM_NUMBERS] = {
    "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon",
    "RssFile", "RssShmem", "VmData", "VmStk", "VmExe", "VmLib", "VmPTE",
    "VmSwap", "Tgid", "PPid", "TracerPid", "FDSize", "Threads"
};


/* a name with a tab in it cannot begin a line: the kernel escapes its ends */

int
pm_mem_status(const char *buf, size_t len, pm_mem_status_t *st)
{
    int          i;
    size_t       n;
    const char  *p, *v, *end, *next, *colon;
    pm_slice_t  *text;

    memset(st, 0, sizeof(pm_mem_status_t));

    end = buf + len;

    for (p = buf; p < end; p = next) {

        next = pm_parse_line(p, end);

        if (next[-1] != '\n') {
            return -1;
        }

        colon = memchr(p, ':', next - p);

        if (colon == NULL) {
            return -1;
        }

        n = colon - p;
        v = pm_parse_blanks(colon + 1, next);

        text = pm_mem_text(st, p, n);

        if (text) {
            text->data = v;
            text->len = next - 1 - v;
            continue;
        }

        for (i = 0; i < PM_MEM_NUMBERS; i++) {

            if (strlen(pm_mem_names[i]) == n
                && memcmp(pm_mem_names[i], p, n) == 0)
            {
                if (pm_parse_u64(v, next, &st->number[i]) == NULL) {
                    return -1;
                }

                st->have |= 1u << i;
                break;
            }
        }
    }

    return ((st->have & 1u << PM_MEM_TGID) && st->state.len) ? 0 : -1;
}


static pm_slice_t *
pm_mem_text(pm_mem_status_t *st, const char *p, size_t len)
{
    if (len == 3 && memcmp(p, "Uid", 3) == 0) {
        return &st->uid;
    }

    if (len == 3 && memcmp(p, "Gid", 3) == 0) {
        return &st->gid;
    }

    if (len == 5 && memcmp(p, "State", 5) == 0) {
        return &st->state;
    }

    if (len == 6 && memcmp(p, "Groups", 6) == 0) {
        return &st->groups;
    }

    return NULL;
}


int
pm_mem_next(pm_slice_t *list, uint64_t *value)
{
    const char  *p, *end;

    end = list->data + list->len;

    p = pm_parse_u64(pm_parse_blanks(list->data, end), end, value);

    if (p == NULL) {
        return 0;
    }

    list->data = p;
    list->len = end - p;

    return 1;
}
