
/* splitting a line into words */


#include "pm_words.h"

#include <string.h>


static size_t pm_words_one(pm_words_t *w, const char *line, size_t len,
    size_t i, char **out);
static int pm_words_fail(pm_words_t *w, size_t at, const char *error);


int
pm_words_split(pm_words_t *w, const char *line, size_t len)
{
    char           *p;
    size_t          i;
    unsigned char   c;

    w->n = 0;
    w->error = NULL;
    w->at = 0;

    if (len > PM_WORDS_LEN) {
        return pm_words_fail(w, PM_WORDS_LEN, "it is too long");
    }

    for (i = 0; i < len; i++) {
        c = (unsigned char) line[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return pm_words_fail(w, i, "a control character");
        }
    }

    p = w->data;
    i = 0;

    for ( ;; ) {

        while (i < len && (line[i] == ' ' || line[i] == '\t')) {
            i++;
        }

        if (i == len) {
            break;
        }

        if (w->n == PM_WORDS_MAX) {
            return pm_words_fail(w, i, "too many words");
        }

        w->word[w->n++] = p;

        i = pm_words_one(w, line, len, i, &p);

        if (w->error) {
            return -1;
        }

        *p++ = '\0';
    }

    if (w->n == 0 || w->word[0][0] == '\0') {
        return pm_words_fail(w, 0, "there is no command");
    }

    return 0;
}


/*
 * One word from i on, to *out; the place behind it.  Every byte written has
 * one of the line, so that the buffer suffices for it and the zeros.
 */

static size_t
pm_words_one(pm_words_t *w, const char *line, size_t len, size_t i,
    char **out)
{
    char     c, quote;
    char    *p;
    size_t   start;

    p = *out;
    quote = 0;
    start = i;

    for ( /* void */ ; i < len; i++) {
        c = line[i];

        if (quote == '\'') {

            if (c == '\'') {
                quote = 0;

            } else {
                *p++ = c;
            }

            continue;
        }

        if (quote == '"') {

            if (c == '"') {
                quote = 0;
                continue;
            }

            /* between these a backslash is one before four characters only */

            if (c == '\\' && i + 1 < len && strchr("$`\"\\", line[i + 1])) {
                c = line[++i];
            }

            *p++ = c;
            continue;
        }

        if (c == ' ' || c == '\t') {
            break;
        }

        if (c == '\'' || c == '"') {
            quote = c;
            start = i;
            continue;
        }

        if (c == '\\') {

            if (i + 1 == len) {
                (void) pm_words_fail(w, i, "nothing follows the backslash");
                return i;
            }

            c = line[++i];
        }

        *p++ = c;
    }

    if (quote) {
        (void) pm_words_fail(w, start, "the quote is not closed");
    }

    *out = p;

    return i;
}


static int
pm_words_fail(pm_words_t *w, size_t at, const char *error)
{
    w->n = 0;
    w->at = at;
    w->error = error;

    return -1;
}
