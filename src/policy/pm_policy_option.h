
/* within the parser of the policy: the options of a line and their values */


#ifndef _PM_POLICY_OPTION_H_INCLUDED_
#define _PM_POLICY_OPTION_H_INCLUDED_


#include "pm_policy.h"


typedef enum {
    PM_OPTION_BITS = 0,               /* names with commas between them */
    PM_OPTION_FIELDS,                 /* the same, or "all" */
    PM_OPTION_SIGNALS,
    PM_OPTION_NUMBER,                 /* from..to */
    PM_OPTION_RANGE,                  /* a..b between from and to */
    PM_OPTION_IDS,                    /* up to PM_POLICY_RANGES ranges */
    PM_OPTION_NAME,
    PM_OPTION_NAMES,
    PM_OPTION_PATH,
    PM_OPTION_TEXT
} pm_option_type_e;


typedef struct {
    const char         *name;
    unsigned            kinds;        /* that may have it */
    unsigned            required;     /* kinds that must */
    pm_option_type_e    type;
    size_t              field;
    const char *const  *names;        /* of bits */
    int64_t             from;         /* of numbers */
    int64_t             to;           /* of numbers; how many names */
    char                suffix;       /* of a number: 's', or 'k' for 1024 */
} pm_policy_option_t;


/* ends with one that has no name */
extern const pm_policy_option_t  pm_policy_options[];

int pm_policy_option(pm_policy_entry_t *e, const pm_policy_option_t *o,
    const char *value);

/* yes or no */
int pm_policy_name_ok(const char *s, const char *more);
int pm_policy_path_ok(const char *s);
/* 0 or -1 */
int pm_policy_range(const char *s, size_t len, int64_t min, int64_t max,
    pm_range_t *r);


#endif /* _PM_POLICY_OPTION_H_INCLUDED_ */
