
#include <string.h>

#include "pm_match.h"


/* what a hit is worth; a better field outweighs a better place */
#define PM_MATCH_SUBSTRING  100
#define PM_MATCH_FIELD      20
#define PM_MATCH_WHOLE      15
#define PM_MATCH_START      10
#define PM_MATCH_BOUNDARY   5


static unsigned pm_match_word(const char *word, size_t len,
    const pm_match_text_t fields[PM_MATCH_FIELDS]);
static unsigned pm_match_substring(const char *word, size_t len,
    const pm_match_text_t *field);
static int pm_match_subsequence(const char *word, size_t len,
    const pm_match_text_t *field, int words);


static inline int
pm_match_lower(int c)
{
    return (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
}


static inline int
pm_match_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || (c & 0x80);
}


int
pm_match_init(pm_match_t *m, const char *query, size_t len)
{
    int     inside;
    size_t  i;

    m->n = 0;

    if (len > PM_MATCH_LEN) {
        return -1;
    }

    inside = 0;

    for (i = 0; i < len; i++) {

        if (query[i] == ' ') {
            inside = 0;
            continue;
        }

        if (!inside) {

            if (m->n == PM_MATCH_WORDS) {
                return -1;
            }

            m->word[m->n] = i;
            m->len[m->n] = 0;
            m->n++;
            inside = 1;
        }

        m->text[i] = (char) pm_match_lower((unsigned char) query[i]);
        m->len[m->n - 1]++;
    }

    return m->n ? 0 : -1;
}


unsigned
pm_match(const pm_match_t *m, const pm_match_text_t fields[PM_MATCH_FIELDS])
{
    size_t    i;
    unsigned  score, sum;

    sum = 0;

    for (i = 0; i < m->n; i++) {

        score = pm_match_word(m->text + m->word[i], m->len[i], fields);
        if (score == 0) {
            return 0;
        }

        sum += score;
    }

    return sum;
}


static unsigned
pm_match_word(const char *word, size_t len,
    const pm_match_text_t fields[PM_MATCH_FIELDS])
{
    int       i;
    unsigned  score, best;

    best = 0;

    for (i = PM_MATCH_FIELDS - 1; i >= 0; i--) {

        score = pm_match_substring(word, len, &fields[i]);

        if (score != 0) {
            score += PM_MATCH_SUBSTRING + PM_MATCH_FIELD * (unsigned) i;
            best = (score > best) ? score : best;
        }
    }

    if (best != 0) {
        return best;
    }

    for (i = PM_MATCH_FIELDS - 1; i >= 0; i--) {

        if (pm_match_subsequence(word, len, &fields[i],
                                 i == PM_MATCH_CMDLINE || i == PM_MATCH_EXE))
        {
            return 1 + PM_MATCH_FIELD * (unsigned) i;
        }
    }

    return 0;
}


/* 0 is none, else by the best place where it stands */

static unsigned
pm_match_substring(const char *word, size_t len, const pm_match_text_t *field)
{
    size_t       i, k;
    unsigned     score, best;
    const char  *t;

    t = field->text;

    if (t == NULL || len > field->len) {
        return 0;
    }

    best = 0;

    for (i = 0; i + len <= field->len; i++) {

        for (k = 0; k < len; k++) {
            if (pm_match_lower((unsigned char) t[i + k])
                != (unsigned char) word[k])
            {
                break;
            }
        }

        if (k < len) {
            continue;
        }

        if (len == field->len) {
            return PM_MATCH_WHOLE;
        }

        if (i == 0) {
            return PM_MATCH_START;
        }

        score = pm_match_letter((unsigned char) t[i - 1])
                ? 1 : PM_MATCH_BOUNDARY;
        best = (score > best) ? score : best;
    }

    return best;
}


static int
pm_match_subsequence(const char *word, size_t len,
    const pm_match_text_t *field, int words)
{
    int     c;
    size_t  i, k;

    if (field->text == NULL) {
        return 0;
    }

    k = 0;

    for (i = 0; i < field->len && k < len; i++) {

        c = (unsigned char) field->text[i];

        if (words && (c == '\0' || c == ' ' || c == '/')) {
            k = 0;
            continue;
        }

        if (pm_match_lower(c) == (unsigned char) word[k]) {
            k++;
        }
    }

    return k == len;
}
