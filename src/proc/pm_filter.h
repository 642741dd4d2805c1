
/*
 * The language of lists: "cpu_percent > 1 and (username = root or not name ~
 * nginx)".
 *
 *   expression = and { "or" and }        and  = not { "and" not }
 *   not        = [ "not" ] not | "(" expression ")" | field sign value
 *   sign       = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 *   value      = number [ K | M | G | T ] | word | "text" | 'text'
 *
 * "~" is "contains", in any case of letters.  In quotes a backslash takes the
 * next character as it is.  A comparison with what is not known is neither
 * true nor false, and so is its "not": such a row is no hit.
 *
 * Nothing is allocated, neither here nor for a row.
 */


#ifndef _PM_FILTER_H_INCLUDED_
#define _PM_FILTER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_FILTER_LEN    512            /* bytes of an expression */
#define PM_FILTER_NODES  64             /* comparisons and signs of it */
#define PM_FILTER_DEPTH  16             /* of "(" and "not" */


typedef enum {
    PM_FILTER_NUMBER = 0,
    PM_FILTER_TEXT,
    PM_FILTER_NONE                      /* it cannot be compared */
} pm_filter_type_e;


typedef struct {                        /* of a field of a row */
    const char     *text;               /* need not end with a zero */
    size_t          len;
    double          number;
    unsigned        known:1;
} pm_filter_value_t;


/* the number of a field (0 .. 63) and its type, or -1 */
typedef int (*pm_filter_find_pt)(const char *name, size_t len,
    pm_filter_type_e *type);

typedef void (*pm_filter_get_pt)(void *data, unsigned field,
    pm_filter_value_t *value);


typedef struct {
    uint8_t         op;
    uint8_t         field;
    uint16_t        off;                /* of the text */
    uint16_t        len;
    double          number;
} pm_filter_node_t;


typedef struct {
    pm_filter_node_t  nodes[PM_FILTER_NODES];   /* operands come first */
    size_t            n;
    uint64_t          fields;           /* bits of those it compares */
    char              text[PM_FILTER_LEN];
    size_t            text_len;

    const char       *error;            /* a phrase, after -1 */
    size_t            pos;              /* of it: 1 is the first byte */
} pm_filter_t;


/* 0, or -1 with error and pos */
int pm_filter_compile(pm_filter_t *f, const char *text, size_t len,
    pm_filter_find_pt find);

/* 1 is a hit */
int pm_filter_run(const pm_filter_t *f, pm_filter_get_pt get, void *data);


#endif /* _PM_FILTER_H_INCLUDED_ */
