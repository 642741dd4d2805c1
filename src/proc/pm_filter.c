
#include <string.h>
#include <strings.h>

#include "pm_filter.h"
#include "pm_parse.h"


typedef enum {
    PM_FILTER_EQ = 0,
    PM_FILTER_NE,
    PM_FILTER_LE,
    PM_FILTER_GE,
    PM_FILTER_LT,
    PM_FILTER_GT,
    PM_FILTER_HAS,
    PM_FILTER_SIGNS,

    PM_FILTER_IS_TEXT = 0x08,           /* set in a sign that compares text */

    PM_FILTER_NOT = 0x10,
    PM_FILTER_AND,
    PM_FILTER_OR
} pm_filter_op_e;


/* what is not known lies between no and yes: "and" is the lesser of two */
typedef enum {
    PM_FILTER_NO = 0,
    PM_FILTER_UNKNOWN,
    PM_FILTER_YES
} pm_filter_truth_e;


typedef struct {
    pm_filter_t        *f;
    const char         *start;
    const char         *p;
    const char         *end;
    pm_filter_find_pt   find;
    unsigned            depth;
} pm_filter_parse_t;


static int pm_filter_or(pm_filter_parse_t *c);
static int pm_filter_and(pm_filter_parse_t *c);
static int pm_filter_not(pm_filter_parse_t *c);
static int pm_filter_term(pm_filter_parse_t *c);
static int pm_filter_compare(pm_filter_parse_t *c);
static int pm_filter_sign(pm_filter_parse_t *c, uint8_t *op);
static int pm_filter_value(pm_filter_parse_t *c, pm_filter_node_t *node);
static int pm_filter_quoted(pm_filter_parse_t *c, pm_filter_node_t *node);
static int pm_filter_number(const char *p, const char *end, double *number);
static int pm_filter_word(pm_filter_parse_t *c, const char *word);
static size_t pm_filter_bare(const pm_filter_parse_t *c);
static void pm_filter_space(pm_filter_parse_t *c);
static int pm_filter_node(pm_filter_parse_t *c, const pm_filter_node_t *node);
static int pm_filter_error(pm_filter_parse_t *c, const char *p,
    const char *error);
static size_t pm_filter_operands(const pm_filter_node_t *node);
static pm_filter_truth_e pm_filter_test(const pm_filter_t *f,
    const pm_filter_node_t *node, const pm_filter_value_t *value);
static int pm_filter_has(const pm_filter_value_t *value, const char *text,
    size_t len);


static const char *const  pm_filter_signs[PM_FILTER_SIGNS] = {
    "=", "!=", "<=", ">=", "<", ">", "~"
};


int
pm_filter_compile(pm_filter_t *f, const char *text, size_t len,
    pm_filter_find_pt find)
{
    pm_filter_parse_t  c;

    memset(f, 0, sizeof(pm_filter_t));

    c.f = f;
    c.start = text;
    c.p = text;
    c.end = text + len;
    c.find = find;
    c.depth = 0;

    if (len > PM_FILTER_LEN) {
        return pm_filter_error(&c, text + PM_FILTER_LEN,
                               "the expression is too long");
    }

    if (pm_filter_or(&c) == -1) {
        return -1;
    }

    if (c.p < c.end) {
        return pm_filter_error(&c, c.p, *c.p == ')'
                               ? "a parenthesis was never opened"
                               : "\"and\" or \"or\" is expected");
    }

    return 0;
}


static int
pm_filter_or(pm_filter_parse_t *c)
{
    pm_filter_node_t  node = { .op = PM_FILTER_OR };

    if (pm_filter_and(c) == -1) {
        return -1;
    }

    while (pm_filter_word(c, "or")) {

        if (pm_filter_and(c) == -1 || pm_filter_node(c, &node) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
pm_filter_and(pm_filter_parse_t *c)
{
    pm_filter_node_t  node = { .op = PM_FILTER_AND };

    if (pm_filter_not(c) == -1) {
        return -1;
    }

    while (pm_filter_word(c, "and")) {

        if (pm_filter_not(c) == -1 || pm_filter_node(c, &node) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
pm_filter_not(pm_filter_parse_t *c)
{
    pm_filter_node_t  node = { .op = PM_FILTER_NOT };

    if (!pm_filter_word(c, "not")) {
        return pm_filter_term(c);
    }

    if (++c->depth > PM_FILTER_DEPTH) {
        return pm_filter_error(c, c->p, "the expression is too deep");
    }

    if (pm_filter_not(c) == -1) {
        return -1;
    }

    c->depth--;

    return pm_filter_node(c, &node);
}


static int
pm_filter_term(pm_filter_parse_t *c)
{
    pm_filter_space(c);

    if (c->p == c->end || *c->p != '(') {
        return pm_filter_compare(c);
    }

    if (++c->depth > PM_FILTER_DEPTH) {
        return pm_filter_error(c, c->p, "the expression is too deep");
    }

    c->p++;

    if (pm_filter_or(c) == -1) {
        return -1;
    }

    pm_filter_space(c);

    if (c->p == c->end || *c->p != ')') {
        return pm_filter_error(c, c->p, "\")\" is expected");
    }

    c->p++;
    c->depth--;

    return 0;
}


static int
pm_filter_compare(pm_filter_parse_t *c)
{
    int                found;
    size_t             len;
    const char        *start;
    pm_filter_node_t   node;
    pm_filter_type_e   type;

    memset(&node, 0, sizeof(pm_filter_node_t));

    start = c->p;
    len = pm_filter_bare(c);

    if (len == 0) {
        return pm_filter_error(c, start, "the name of a field is expected");
    }

    found = c->find(start, len, &type);

    if (found < 0 || found > 63) {
        return pm_filter_error(c, start, "there is no such field");
    }

    if (type == PM_FILTER_NONE) {
        return pm_filter_error(c, start, "this field cannot be compared");
    }

    node.field = (uint8_t) found;

    c->p += len;
    pm_filter_space(c);
    start = c->p;

    if (pm_filter_sign(c, &node.op) == -1) {
        return -1;
    }

    if (type == PM_FILTER_TEXT) {
        node.op |= PM_FILTER_IS_TEXT;

    } else if (node.op == PM_FILTER_HAS) {
        return pm_filter_error(c, start, "\"~\" is for text, and this field "
                                         "is a number");
    }

    pm_filter_space(c);
    start = c->p;

    if (pm_filter_value(c, &node) == -1) {
        return -1;
    }

    if (type == PM_FILTER_NUMBER
        && pm_filter_number(c->f->text + node.off,
                            c->f->text + node.off + node.len, &node.number)
           == -1)
    {
        return pm_filter_error(c, start, "a number is expected");
    }

    c->f->fields |= UINT64_C(1) << found;

    return pm_filter_node(c, &node);
}


static int
pm_filter_sign(pm_filter_parse_t *c, uint8_t *op)
{
    size_t    len;
    unsigned  i;

    for (i = 0; i < PM_FILTER_SIGNS; i++) {

        len = strlen(pm_filter_signs[i]);

        if ((size_t) (c->end - c->p) >= len
            && memcmp(c->p, pm_filter_signs[i], len) == 0)
        {
            *op = (uint8_t) i;
            c->p += len;

            return 0;
        }
    }

    return pm_filter_error(c, c->p, "one of = != < <= > >= ~ is expected");
}


/* its text is kept, also that of a number */

static int
pm_filter_value(pm_filter_parse_t *c, pm_filter_node_t *node)
{
    size_t  len;

    node->off = (uint16_t) c->f->text_len;

    if (c->p < c->end && (*c->p == '"' || *c->p == '\'')) {
        return pm_filter_quoted(c, node);
    }

    len = pm_filter_bare(c);

    if (len == 0
        || (len == 2 && strncasecmp(c->p, "or", 2) == 0)
        || (len == 3 && (strncasecmp(c->p, "and", 3) == 0
                         || strncasecmp(c->p, "not", 3) == 0)))
    {
        return pm_filter_error(c, c->p, "a value is expected");
    }

    memcpy(c->f->text + c->f->text_len, c->p, len);

    c->f->text_len += len;
    c->p += len;
    node->len = (uint16_t) len;

    return 0;
}


static int
pm_filter_quoted(pm_filter_parse_t *c, pm_filter_node_t *node)
{
    char         quote;
    const char  *start;

    start = c->p;
    quote = *c->p++;

    for ( /* void */ ; c->p < c->end; c->p++) {

        if (*c->p == quote) {
            c->p++;
            node->len = (uint16_t) (c->f->text_len - node->off);

            return 0;
        }

        if (*c->p == '\\' && c->p + 1 < c->end) {
            c->p++;
        }

        /* what is kept is never more than what was given */

        c->f->text[c->f->text_len++] = *c->p;
    }

    return pm_filter_error(c, start, "the quote is never closed");
}


static int
pm_filter_number(const char *p, const char *end, double *number)
{
    int     minus;
    double  v;

    minus = (p < end && *p == '-');

    p = pm_parse_decimal(p + minus, end, &v);

    if (p == NULL) {
        return -1;
    }

    if (p < end) {

        switch (*p++) {

        case 'T':
        case 't':
            v *= 1024;
            /* fall through */

        case 'G':
        case 'g':
            v *= 1024;
            /* fall through */

        case 'M':
        case 'm':
            v *= 1024;
            /* fall through */

        case 'K':
        case 'k':
            v *= 1024;
            break;

        default:
            return -1;
        }
    }

    *number = minus ? -v : v;

    return p == end ? 0 : -1;
}


/* 1 when the word stands here, as one: it is passed */

static int
pm_filter_word(pm_filter_parse_t *c, const char *word)
{
    size_t  len;

    pm_filter_space(c);

    len = strlen(word);

    if (pm_filter_bare(c) != len || strncasecmp(c->p, word, len) != 0) {
        return 0;
    }

    c->p += len;

    return 1;
}


static size_t
pm_filter_bare(const pm_filter_parse_t *c)
{
    const char  *p;

    for (p = c->p; p < c->end; p++) {

        if ((unsigned char) *p <= ' ' || strchr("()\"'=!<>~", *p) != NULL) {
            break;
        }
    }

    return p - c->p;
}


static void
pm_filter_space(pm_filter_parse_t *c)
{
    while (c->p < c->end
           && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n'
               || *c->p == '\r'))
    {
        c->p++;
    }
}


static int
pm_filter_node(pm_filter_parse_t *c, const pm_filter_node_t *node)
{
    if (c->f->n == PM_FILTER_NODES) {
        return pm_filter_error(c, c->p, "the expression has too many terms");
    }

    c->f->nodes[c->f->n++] = *node;

    return 0;
}


static int
pm_filter_error(pm_filter_parse_t *c, const char *p, const char *error)
{
    c->f->error = error;
    c->f->pos = p - c->start + 1;

    return -1;
}


int
pm_filter_run(const pm_filter_t *f, pm_filter_get_pt get, void *data)
{
    size_t                   i, top;
    pm_filter_truth_e        a, stack[PM_FILTER_NODES] = { PM_FILTER_NO };
    pm_filter_value_t        value;
    const pm_filter_node_t  *node;

    top = 0;

    for (i = 0; i < f->n; i++) {

        node = &f->nodes[i];

        /* a compiled one never lacks operands; a broken one hits nothing */

        if (top < pm_filter_operands(node) || top == PM_FILTER_NODES) {
            return 0;
        }

        switch (node->op) {

        case PM_FILTER_NOT:
            stack[top - 1] = PM_FILTER_YES - stack[top - 1];
            break;

        case PM_FILTER_AND:
            a = stack[--top];

            if (a < stack[top - 1]) {
                stack[top - 1] = a;
            }

            break;

        case PM_FILTER_OR:
            a = stack[--top];

            if (a > stack[top - 1]) {
                stack[top - 1] = a;
            }

            break;

        default:
            memset(&value, 0, sizeof(pm_filter_value_t));

            get(data, node->field, &value);

            stack[top++] = pm_filter_test(f, node, &value);
        }
    }

    return top == 1 && stack[0] == PM_FILTER_YES;
}


static size_t
pm_filter_operands(const pm_filter_node_t *node)
{
    switch (node->op) {

    case PM_FILTER_NOT:
        return 1;

    case PM_FILTER_AND:
    case PM_FILTER_OR:
        return 2;

    default:
        return 0;
    }
}


static pm_filter_truth_e
pm_filter_test(const pm_filter_t *f, const pm_filter_node_t *node,
    const pm_filter_value_t *value)
{
    int          rc, yes;
    size_t       len;
    unsigned     sign;
    const char  *text;

    if (!value->known) {
        return PM_FILTER_UNKNOWN;
    }

    text = f->text + node->off;
    sign = node->op & ~PM_FILTER_IS_TEXT;

    if (sign == PM_FILTER_HAS) {
        return pm_filter_has(value, text, node->len) ? PM_FILTER_YES
                                                     : PM_FILTER_NO;
    }

    if (node->op & PM_FILTER_IS_TEXT) {
        len = value->len < node->len ? value->len : node->len;
        rc = len ? memcmp(value->text, text, len) : 0;

        if (rc == 0) {
            rc = (value->len > node->len) - (value->len < node->len);
        }

    } else {
        rc = (value->number > node->number) - (value->number < node->number);
    }

    switch (sign) {

    case PM_FILTER_EQ:
        yes = (rc == 0);
        break;

    case PM_FILTER_NE:
        yes = (rc != 0);
        break;

    case PM_FILTER_LE:
        yes = (rc <= 0);
        break;

    case PM_FILTER_GE:
        yes = (rc >= 0);
        break;

    case PM_FILTER_LT:
        yes = (rc < 0);
        break;

    default: /* PM_FILTER_GT */
        yes = (rc > 0);
    }

    return yes ? PM_FILTER_YES : PM_FILTER_NO;
}


static int
pm_filter_has(const pm_filter_value_t *value, const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i + len <= value->len; i++) {

        if (strncasecmp(value->text + i, text, len) == 0) {
            return 1;
        }
    }

    return 0;
}
