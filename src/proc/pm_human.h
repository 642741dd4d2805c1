
/* sizes and durations for people to read: "1.5 GiB", "3 d 4 h" */


#ifndef _PM_HUMAN_H_INCLUDED_
#define _PM_HUMAN_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_HUMAN_LEN  32


/* powers of 1024, one digit behind the point from KiB on */
size_t pm_human_size(char dst[PM_HUMAN_LEN], uint64_t bytes);

/* the two largest of d h min s; below a minute one: "4 s" */
size_t pm_human_duration(char dst[PM_HUMAN_LEN], double seconds);


#endif /* _PM_HUMAN_H_INCLUDED_ */
