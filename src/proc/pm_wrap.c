
#include <string.h>

#include "pm_wrap.h"


static pm_wrap_t *pm_wrap_find(pm_wraps_t *wraps, size_t first,
    const char *name);


size_t
pm_unwrap(pm_wraps_t *wraps, const pm_wrap_list_t *list, int keep)
{
    char       *elt;
    size_t      i, k, at, full;
    uint64_t   *value;
    pm_wrap_t  *w, was;

    /* a damaged number must not lead out of the table */

    if (wraps->n > PM_WRAPS) {
        wraps->n = 0;
    }

    at = 0;
    full = 0;

    for (i = 0; i < list->n; i++) {
        elt = (char *) list->elts + i * list->size;
        value = (uint64_t *) (elt + list->value);

        /* those before `at' stand in the order of this reading already */

        w = pm_wrap_find(wraps, at, elt);

        if (w) {
            was = *w;

        } else if (wraps->n < PM_WRAPS) {
            memset(&was, 0, sizeof(was));
            memcpy(was.name, elt, strnlen(elt, PM_WRAP_NAME - 1));

        } else {
            full++;
            continue;
        }

        for (k = 0; k < list->counters; k++) {

            if (value[k] >= was.last[k]) {
                continue;
            }

            if (keep) {
                was.lost[k] += was.last[k];

            } else {
                /* older than what is known, or fallen since */
                value[k] = was.last[k];
            }
        }

        if (keep) {
            memcpy(was.last, value, list->counters * sizeof(uint64_t));

            /* the one in its place takes the place that it had */

            if (w == NULL) {
                w = &wraps->elts[wraps->n++];
            }

            if (w != &wraps->elts[at]) {
                *w = wraps->elts[at];
            }

            wraps->elts[at++] = was;
        }

        for (k = 0; k < list->counters; k++) {
            value[k] += was.lost[k];
        }
    }

    if (keep) {
        /* what was not seen is gone */
        wraps->n = (uint32_t) at;
    }

    return full;
}


static pm_wrap_t *
pm_wrap_find(pm_wraps_t *wraps, size_t first, const char *name)
{
    size_t  i;

    for (i = first; i < wraps->n; i++) {
        if (strncmp(wraps->elts[i].name, name, PM_WRAP_NAME - 1) == 0) {
            return &wraps->elts[i];
        }
    }

    return NULL;
}
