
/*
 * A line that was typed, as the words that a shell would make of it: quotes
 * and backslashes, and nothing else.  There are no variables, patterns,
 * operators or comments; what a shell would expand stays as it was typed.
 */


#ifndef _PM_WORDS_H_INCLUDED_
#define _PM_WORDS_H_INCLUDED_


#include <stddef.h>


#define PM_WORDS_MAX  64              /* as many as a policy's command has */
#define PM_WORDS_LEN  1024            /* of the whole line, in bytes */


typedef struct {
    size_t       n;
    const char  *word[PM_WORDS_MAX];  /* zero terminated */
    const char  *error;               /* a few words, or NULL */
    size_t       at;                  /* of the error: its byte in the line */
    char         data[PM_WORDS_LEN + PM_WORDS_MAX];
} pm_words_t;


/*
 * 0, or -1 with w->error and w->at set.  A line without a word, and one with
 * a control character other than a tab, is an error.
 */
int pm_words_split(pm_words_t *w, const char *line, size_t len);


#endif /* _PM_WORDS_H_INCLUDED_ */
