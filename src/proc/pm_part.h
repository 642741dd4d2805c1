
/*
 * Pieces of JSON that are written before their place is known: marked where
 * they begin and end, and copied from there when their turn comes.
 */


#ifndef _PM_PART_H_INCLUDED_
#define _PM_PART_H_INCLUDED_


#include "pm_json.h"


typedef struct {
    const pm_json_chunk_t  *chunk;      /* NULL: nothing was there before */
    uint32_t                off;
    uint32_t                len;        /* 0 is no piece */
} pm_part_t;


/* one value is written between begin and end */
void pm_part_begin(pm_part_t *part, pm_json_t *j);
void pm_part_end(pm_part_t *part, const pm_json_t *j);

/* as a value of another text */
void pm_part_copy(pm_json_t *dst, const pm_json_t *src,
    const pm_part_t *part);


#endif /* _PM_PART_H_INCLUDED_ */
