
/*
 * The search by name: every word of the query has to occur, in any case, in
 * one of a process's fields, as a substring; or, where none of them has it
 * so, with its letters in their order ("ngx" finds nginx).
 *
 * Letters may be spread over a whole name or unit, but over one word of a
 * path or a command line: in a long one nearly everything could be found.
 */


#ifndef _PM_MATCH_H_INCLUDED_
#define _PM_MATCH_H_INCLUDED_


#include <stddef.h>


#define PM_MATCH_LEN    128
#define PM_MATCH_WORDS  8


/* by weight: a hit in the name stands before one in the arguments */
typedef enum {
    PM_MATCH_CMDLINE = 0,               /* words end by a zero or a space */
    PM_MATCH_EXE,
    PM_MATCH_UNIT,
    PM_MATCH_NAME,
    PM_MATCH_FIELDS
} pm_match_field_e;


typedef struct {
    const char  *text;                  /* NULL is not known */
    size_t       len;
} pm_match_text_t;


typedef struct {
    char         text[PM_MATCH_LEN];    /* in lower case */
    size_t       word[PM_MATCH_WORDS];  /* where each begins */
    size_t       len[PM_MATCH_WORDS];
    size_t       n;
} pm_match_t;


/* 0, or -1: no word, too many of them, or a longer text than fits */
int pm_match_init(pm_match_t *m, const char *query, size_t len);

/* 0 is no match; the more, the better */
unsigned pm_match(const pm_match_t *m,
    const pm_match_text_t fields[PM_MATCH_FIELDS]);


#endif /* _PM_MATCH_H_INCLUDED_ */
