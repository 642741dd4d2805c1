
/*
 * Metrics as text, in the form that Prometheus 0.0.4 reads or in that of
 * OpenMetrics 1.0.  A family is begun, then its samples follow:
 *
 *   pm_expo_family(e, "procmgr_x_seconds", PM_EXPO_COUNTER, "seconds", "...");
 *   pm_expo_sample(e);
 *   pm_expo_label(e, "mode", "idle", 4);
 *   pm_expo_u64(e, 5);
 *
 * A counter's name stands without "_total", which is written where it has to
 * be.  The first failure is sticky.
 */


#ifndef _PM_EXPO_H_INCLUDED_
#define _PM_EXPO_H_INCLUDED_


#include "pm_procfs.h"


typedef enum {
    PM_EXPO_GAUGE = 0,
    PM_EXPO_COUNTER
} pm_expo_type_e;


typedef struct {
    pm_buf_t         buf;
    size_t           len;
    const char      *name;              /* of the family */
    pm_expo_type_e   type;
    unsigned         open:1;            /* OpenMetrics */
    unsigned         labels:1;          /* the sample has some */
    unsigned         error:1;           /* no memory */
} pm_expo_t;


void pm_expo_init(pm_expo_t *e, int open);
void pm_expo_free(pm_expo_t *e);

/* name, unit and help are the program's own; unit is NULL where it has none */
void pm_expo_family(pm_expo_t *e, const char *name, pm_expo_type_e type,
    const char *unit, const char *help);

void pm_expo_sample(pm_expo_t *e);
/* value is from the outside: any bytes */
void pm_expo_label(pm_expo_t *e, const char *key, const char *value,
    size_t len);
/* each ends its sample */
void pm_expo_u64(pm_expo_t *e, uint64_t v);
void pm_expo_i64(pm_expo_t *e, int64_t v);
/* v / 1000000 */
void pm_expo_millionths(pm_expo_t *e, uint64_t v);

void pm_expo_end(pm_expo_t *e);


#endif /* _PM_EXPO_H_INCLUDED_ */
