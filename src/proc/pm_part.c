
#include "pm_part.h"


void
pm_part_begin(pm_part_t *part, pm_json_t *j)
{
    part->chunk = j->last;
    part->off = j->last ? (uint32_t) j->last->len : 0;

    /* until its end: where it begins */

    part->len = (uint32_t) j->total;

    j->comma = 0;
}


void
pm_part_end(pm_part_t *part, const pm_json_t *j)
{
    part->len = pm_json_error(j) ? 0 : (uint32_t) j->total - part->len;
}


void
pm_part_copy(pm_json_t *dst, const pm_json_t *src, const pm_part_t *part)
{
    size_t                  len, n, off;
    const pm_json_chunk_t  *chunk;

    len = part->len;
    off = part->off;
    chunk = part->chunk ? part->chunk : src->first;

    while (len && chunk) {

        n = chunk->len - off;

        if (n > len) {
            n = len;
        }

        if (n) {
            pm_json_raw(dst, chunk->data + off, n);
            len -= n;

            /* the rest of one value */

            if (len) {
                dst->comma = 0;
            }
        }

        off = 0;
        chunk = chunk->next;
    }
}
