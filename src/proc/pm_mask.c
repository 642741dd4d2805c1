
#include <string.h>

#include "pm_mask.h"


#define PM_MASK_VALUE  1                /* the next one is a secret */
#define PM_MASK_USER   2                /* it is "name:secret" */


static int pm_mask_option(pm_mask_t *m, const pm_slice_t *arg,
    pm_slice_t part[2]);
static int pm_mask_url(const pm_slice_t *arg, pm_slice_t part[2]);
static int pm_mask_pair(const pm_slice_t *arg, pm_slice_t part[2]);
static int pm_mask_from(const pm_slice_t *arg, size_t off,
    pm_slice_t part[2]);
static int pm_mask_secret(const char *p, size_t len);
static int pm_mask_is(const pm_slice_t *arg, const char *word);
static int pm_mask_letter(unsigned char c);
static unsigned char pm_mask_fold(unsigned char c);


static const char *const  pm_mask_words[] = {
    "pass", "pwd", "secret", "token", "apikey", "api-key", "access-key",
    "accesskey", "private-key", "privatekey", "encryption-key",
    "signing-key", "account-key", "accountkey", "credential", "auth",
    "cookie", "session", "bearer", "signature", NULL
};


int
pm_mask(pm_mask_t *m, const pm_slice_t *arg, pm_slice_t part[2])
{
    unsigned     next;
    const char  *p;

    if (m->n++ == 0) {
        m->redis = arg->len >= 9
                   && memcmp(arg->data + arg->len - 9, "redis-cli", 9) == 0;

        /* a title may hold all in one */

        return pm_mask_url(arg, part) || pm_mask_pair(arg, part);
    }

    next = m->next;
    m->next = 0;

    if (next == PM_MASK_VALUE) {
        return pm_mask_from(arg, 0, part);
    }

    if (next == PM_MASK_USER) {
        p = memchr(arg->data, ':', arg->len);

        return p ? pm_mask_from(arg, p + 1 - arg->data, part) : 0;
    }

    /* the longest part that is hidden counts */

    return pm_mask_pair(arg, part)
           || pm_mask_option(m, arg, part)
           || pm_mask_url(arg, part);
}


size_t
pm_mask_text(char *dst, size_t size, const char *buf, size_t len)
{
    int          i;
    size_t       n;
    pm_args_t    args;
    pm_mask_t    mask;
    pm_slice_t   piece[4];

    memset(&mask, 0, sizeof(pm_mask_t));
    pm_pid_args(&args, buf, len);

    n = 0;

    /* an argument, what is shown of it, and the zero */

    while (pm_pid_args_next(&args, &piece[0])) {

        if (pm_mask(&mask, &piece[0], &piece[1])) {
            piece[0] = piece[1];
            piece[1].data = PM_MASK_TEXT;
            piece[1].len = sizeof(PM_MASK_TEXT) - 1;

        } else {
            piece[1].len = 0;
            piece[2].len = 0;
        }

        piece[3].data = "";
        piece[3].len = 1;

        for (i = 0; i < 4; i++) {

            if (piece[i].len > size - n) {
                piece[i].len = size - n;
            }

            if (piece[i].len) {
                memcpy(dst + n, piece[i].data, piece[i].len);
                n += piece[i].len;
            }
        }
    }

    return n;
}


static int
pm_mask_option(pm_mask_t *m, const pm_slice_t *arg, pm_slice_t part[2])
{
    const char  *p;

    if (arg->len < 2 || arg->data[0] != '-') {
        return 0;
    }

    if (arg->data[1] == 'p' || (arg->data[1] == 'a' && m->redis)) {

        if (arg->len > 2) {
            return pm_mask_from(arg, 2, part);
        }

        m->next = PM_MASK_VALUE;
        return 0;
    }

    if (pm_mask_is(arg, "-u") || pm_mask_is(arg, "-U")
        || pm_mask_is(arg, "--user") || pm_mask_is(arg, "--proxy-user"))
    {
        m->next = PM_MASK_USER;
        return 0;
    }

    p = memchr(arg->data, ':', arg->len);

    if (p && (arg->data[1] == 'u' || arg->data[1] == 'U'
              || (arg->len > 7 && memcmp(arg->data, "--user=", 7) == 0)
              || (arg->len > 13
                  && memcmp(arg->data, "--proxy-user=", 13) == 0)))
    {
        return pm_mask_from(arg, p + 1 - arg->data, part);
    }

    if (memchr(arg->data, '=', arg->len) == NULL
        && pm_mask_secret(arg->data, arg->len))
    {
        m->next = PM_MASK_VALUE;
    }

    return 0;
}


/* "scheme://name:secret@host" */

static int
pm_mask_url(const pm_slice_t *arg, pm_slice_t part[2])
{
    const char  *p, *end, *at, *colon;

    end = arg->data + arg->len;

    p = memmem(arg->data, arg->len, "://", 3);

    if (p == NULL) {
        return 0;
    }

    p += 3;

    for (at = p; at < end && *at != '/' && *at != '?' && *at != '#'; at++) {
        /* void */
    }

    /* a secret may hold the sign itself */

    at = memrchr(p, '@', at - p);

    if (at == NULL) {
        return 0;
    }

    colon = memchr(p, ':', at - p);

    if (colon == NULL) {
        return 0;
    }

    part[0].data = arg->data;
    part[0].len = colon + 1 - arg->data;
    part[1].data = at;
    part[1].len = end - at;

    return 1;
}


/* the first name of a secret before "=" or ":", wherever it stands */

static int
pm_mask_pair(const pm_slice_t *arg, pm_slice_t part[2])
{
    size_t       i;
    const char  *p, *name, *sign;

    for (i = 0, name = arg->data; i < arg->len; i++) {

        p = arg->data + i;

        if (pm_mask_letter(*p)) {
            continue;
        }

        /* {"name":"value"} */

        sign = ((*p == '"' || *p == '\'') && i + 1 < arg->len) ? p + 1 : p;

        if ((*sign == '=' || *sign == ':')
            && pm_mask_secret(name, p - name))
        {
            return pm_mask_from(arg, sign + 1 - arg->data, part);
        }

        name = p + 1;
    }

    return 0;
}


static int
pm_mask_from(const pm_slice_t *arg, size_t off, pm_slice_t part[2])
{
    part[0].data = arg->data;
    part[0].len = off;
    part[1].data = arg->data + arg->len;
    part[1].len = 0;

    return off < arg->len;
}


static int
pm_mask_secret(const char *p, size_t len)
{
    size_t              i, k;
    const char *const  *word;

    for (word = pm_mask_words; *word; word++) {

        for (i = 0; i < len; i++) {

            for (k = 0; (*word)[k] && i + k < len
                        && pm_mask_fold(p[i + k])
                           == (unsigned char) (*word)[k]; k++)
            {
                /* void */
            }

            if ((*word)[k] == '\0') {
                return 1;
            }
        }
    }

    return 0;
}


static int
pm_mask_is(const pm_slice_t *arg, const char *word)
{
    return arg->len == strlen(word) && memcmp(arg->data, word, arg->len) == 0;
}


static int
pm_mask_letter(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}


static unsigned char
pm_mask_fold(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') ? c + 0x20 : (c == '_') ? '-' : c;
}
