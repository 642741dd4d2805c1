
/*
 * What a client gives: query parameters and members of the JSON body, each by
 * a table, and headers.  A message names the parameter, the value and what is
 * allowed.
 */


#include "ngx_http_procmgr.h"


#define NGX_HTTP_PROCMGR_ARGS_MAX   64


static ngx_int_t ngx_http_procmgr_arg_bad(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_str_t *name, ngx_str_t *value,
    const char *fmt, ...);
static ngx_int_t ngx_http_procmgr_arg_unknown(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const char *what, ngx_str_t *name,
    u_char *allowed, u_char *last);
static ngx_int_t ngx_http_procmgr_arg_decode(ngx_http_request_t *r,
    u_char *start, u_char *end, ngx_str_t *dst);
static ngx_int_t ngx_http_procmgr_arg_set(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_arg_t *arg,
    ngx_str_t *value, u_char *dst);
static ngx_int_t ngx_http_procmgr_arg_int(ngx_str_t *value, int64_t *dst);
static ngx_int_t ngx_http_procmgr_member_set(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const ngx_http_procmgr_member_t *m,
    json_t *value, u_char *dst);
static size_t ngx_http_procmgr_utf8_len(const u_char *p, const u_char *last);


ngx_int_t
ngx_http_procmgr_args(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const ngx_http_procmgr_arg_t *table, void *dst)
{
    u_char      *p, *last, *end, *eq, allowed[512];
    uint64_t     seen;
    ngx_str_t    name, value;
    ngx_uint_t   i;

    seen = 0;
    p = r->args.data;
    last = p + r->args.len;

    while (p < last) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if (p == end) {
            p++;
            continue;
        }

        eq = ngx_strlchr(p, end, '=');
        if (eq == NULL) {
            eq = end;
        }

        if (ngx_http_procmgr_arg_decode(r, p, eq, &name) != NGX_OK
            || ngx_http_procmgr_arg_decode(r, ngx_min(eq + 1, end), end,
                                           &value)
               != NGX_OK)
        {
            name.data = p;
            name.len = end - p;

            ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                               "bad_parameter",
                                               "\"%V\" is not well encoded",
                                               &name);
            return NGX_DECLINED;
        }

        for (i = 0; table && table[i].name; i++) {
            if (name.len == ngx_strlen(table[i].name)
                && ngx_memcmp(name.data, table[i].name, name.len) == 0)
            {
                break;
            }
        }

        if (table == NULL || table[i].name == NULL
            || i >= NGX_HTTP_PROCMGR_ARGS_MAX)
        {
            p = allowed;
            last = allowed + sizeof(allowed);

            for (i = 0; table && table[i].name; i++) {
                p = ngx_slprintf(p, last, "%s%s", i ? ", " : "",
                                 table[i].name);
            }

            return ngx_http_procmgr_arg_unknown(r, ctx, "parameter", &name,
                                                allowed, p);
        }

        if (seen & ((uint64_t) 1 << i)) {
            ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                               "bad_parameter",
                                               "parameter \"%V\" is given "
                                               "twice", &name);
            return NGX_DECLINED;
        }

        seen |= (uint64_t) 1 << i;

        if (ngx_http_procmgr_arg_set(r, ctx, &table[i], &value, dst)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        p = end + 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_arg_set(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const ngx_http_procmgr_arg_t *arg, ngx_str_t *value, u_char *dst)
{
    u_char      *p, *last, buf[480];
    int64_t      n;
    ngx_str_t    name;
    ngx_uint_t   i;

    name.data = (u_char *) arg->name;
    name.len = ngx_strlen(arg->name);

    switch (arg->type) {

    case NGX_HTTP_PROCMGR_ARG_BOOL:

        if ((value->len == 4
             && ngx_strncasecmp(value->data, (u_char *) "true", 4) == 0)
            || (value->len == 1 && value->data[0] == '1'))
        {
            *(ngx_flag_t *) (dst + arg->offset) = 1;
            return NGX_OK;
        }

        if ((value->len == 5
             && ngx_strncasecmp(value->data, (u_char *) "false", 5) == 0)
            || (value->len == 1 && value->data[0] == '0'))
        {
            *(ngx_flag_t *) (dst + arg->offset) = 0;
            return NGX_OK;
        }

        return ngx_http_procmgr_arg_bad(r, ctx, &name, value,
                                        "true, false, 1 or 0");

    case NGX_HTTP_PROCMGR_ARG_INT:

        if (ngx_http_procmgr_arg_int(value, &n) != NGX_OK
            || n < arg->min || n > arg->max)
        {
            return ngx_http_procmgr_arg_bad(r, ctx, &name, value,
                                            "an integer from %L to %L",
                                            arg->min, arg->max);
        }

        *(int64_t *) (dst + arg->offset) = n;
        return NGX_OK;

    case NGX_HTTP_PROCMGR_ARG_STR:

        if ((int64_t) value->len > arg->max || (int64_t) value->len < arg->min)
        {
            return ngx_http_procmgr_arg_bad(r, ctx, &name, value,
                                            "%L to %L bytes", arg->min,
                                            arg->max);
        }

        *(ngx_str_t *) (dst + arg->offset) = *value;
        return NGX_OK;

    default: /* NGX_HTTP_PROCMGR_ARG_ENUM */

        p = buf;
        last = buf + sizeof(buf);

        for (i = 0; arg->values[i]; i++) {
            if (value->len == ngx_strlen(arg->values[i])
                && ngx_memcmp(value->data, arg->values[i], value->len) == 0)
            {
                *(ngx_uint_t *) (dst + arg->offset) = i;
                return NGX_OK;
            }

            p = ngx_slprintf(p, last, "%s%s", i ? ", " : "", arg->values[i]);
        }

        return ngx_http_procmgr_arg_bad(r, ctx, &name, value, "one of %*s",
                                        (size_t) (p - buf), buf);
    }
}


static ngx_int_t
ngx_http_procmgr_arg_bad(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    ngx_str_t *name, ngx_str_t *value, const char *fmt, ...)
{
    u_char     *last, allowed[512];
    va_list     args;
    ngx_str_t   cut;

    va_start(args, fmt);
    last = ngx_vslprintf(allowed, allowed + sizeof(allowed), fmt, args);
    va_end(args);

    cut = *value;
    if (cut.len > 128) {
        cut.len = 128;
    }

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                       "bad_parameter",
                                       "\"%V\" is \"%V\", allowed is %*s",
                                       name, &cut,
                                       (size_t) (last - allowed), allowed);
    return NGX_DECLINED;
}


/* `allowed' up to `last' are the names of those that there are */

static ngx_int_t
ngx_http_procmgr_arg_unknown(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, const char *what, ngx_str_t *name,
    u_char *allowed, u_char *last)
{
    ngx_str_t  names;

    if (last == allowed) {
        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "unknown %s \"%V\", none is "
                                           "allowed here", what, name);
        return NGX_DECLINED;
    }

    names.data = allowed;
    names.len = last - allowed;

    ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                       "bad_parameter",
                                       "unknown %s \"%V\", allowed is %V",
                                       what, name, &names);
    return NGX_DECLINED;
}


/* "+" is a space; a zero byte and a broken escape are refused */

static ngx_int_t
ngx_http_procmgr_arg_decode(ngx_http_request_t *r, u_char *start, u_char *end,
    ngx_str_t *dst)
{
    u_char     *p, *d;
    ngx_int_t   n;

    d = ngx_pnalloc(r->pool, end - start + 1);
    if (d == NULL) {
        return NGX_ERROR;
    }

    dst->data = d;

    for (p = start; p < end; p++) {

        if (*p == '+') {
            *d++ = ' ';
            continue;
        }

        if (*p != '%') {
            *d++ = *p;
            continue;
        }

        if (end - p < 3) {
            return NGX_DECLINED;
        }

        n = ngx_hextoi(p + 1, 2);

        if (n == NGX_ERROR || n == 0) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) n;
        p += 2;
    }

    *d = '\0';
    dst->len = d - dst->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_arg_int(ngx_str_t *value, int64_t *dst)
{
    size_t     i;
    int64_t    n;
    ngx_uint_t minus;

    i = 0;
    minus = 0;

    if (value->len && value->data[0] == '-') {
        minus = 1;
        i = 1;
    }

    if (i == value->len || value->len - i > 18) {
        return NGX_ERROR;
    }

    for (n = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9') {
            return NGX_ERROR;
        }

        n = n * 10 + (value->data[i] - '0');
    }

    *dst = minus ? -n : n;

    return NGX_OK;
}


ngx_int_t
ngx_http_procmgr_members(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const ngx_http_procmgr_member_t *table, void *dst)
{
    u_char                           *p, *last, allowed[512];
    json_t                           *value;
    ngx_str_t                         name;
    const char                       *key;
    const ngx_http_procmgr_member_t  *m;

    json_object_foreach(ctx->body, key, value) {

        for (m = table; m->name; m++) {
            if (ngx_strcmp(m->name, key) == 0) {
                break;
            }
        }

        if (m->name == NULL) {
            name.data = (u_char *) key;
            name.len = ngx_min(ngx_strlen(key), 128);

            p = allowed;
            last = allowed + sizeof(allowed);

            for (m = table; m->name; m++) {
                p = ngx_slprintf(p, last, "%s%s", m == table ? "" : ", ",
                                 m->name);
            }

            return ngx_http_procmgr_arg_unknown(r, ctx, "member", &name,
                                                allowed, p);
        }
    }

    for (m = table; m->name; m++) {
        value = json_object_get(ctx->body, m->name);

        if (m->optional && (value == NULL || json_is_null(value))) {
            continue;
        }

        if (value == NULL) {
            ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                               "bad_parameter",
                                               "member \"%s\" is missing",
                                               m->name);
            return NGX_DECLINED;
        }

        if (ngx_http_procmgr_member_set(r, ctx, m, value, dst) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* values are not quoted here: one of them may be a password */

static ngx_int_t
ngx_http_procmgr_member_set(ngx_http_request_t *r, ngx_http_procmgr_ctx_t *ctx,
    const ngx_http_procmgr_member_t *m, json_t *value, u_char *dst)
{
    int64_t     n;
    ngx_str_t  *s;

    switch (m->type) {

    case 's':

        if (json_is_string(value)) {
            n = json_string_length(value);

            if ((n > 0 || m->optional) && n >= m->min && n <= m->max) {
                s = (ngx_str_t *) (dst + m->offset);
                s->len = n;
                s->data = (u_char *) json_string_value(value);
                return NGX_OK;
            }
        }

        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "member \"%s\" must be a string of "
                                           "%L to %L bytes", m->name,
                                           (m->min == 0 && !m->optional)
                                               ? (int64_t) 1 : m->min,
                                           m->max);
        return NGX_DECLINED;

    case 'b':

        if (json_is_boolean(value)) {
            *(ngx_flag_t *) (dst + m->offset) = json_is_true(value) ? 1 : 0;
            return NGX_OK;
        }

        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "member \"%s\" must be true or "
                                           "false", m->name);
        return NGX_DECLINED;

    case 'j':

        *(json_t **) (dst + m->offset) = value;

        return NGX_OK;

    default: /* 'i' */

        if (json_is_integer(value)) {
            n = json_integer_value(value);

            if (n >= m->min && n <= m->max) {
                *(int64_t *) (dst + m->offset) = n;
                return NGX_OK;
            }
        }

        ctx->rc = ngx_http_procmgr_problem(r, NGX_HTTP_BAD_REQUEST,
                                           "bad_parameter",
                                           "member \"%s\" must be an integer "
                                           "from %L to %L", m->name, m->min,
                                           m->max);
        return NGX_DECLINED;
    }
}


ngx_str_t *
ngx_http_procmgr_header_in(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            return &h[i].value;
        }
    }
}


char *
ngx_http_procmgr_text(ngx_http_request_t *r, ngx_str_t *s, size_t max)
{
    char    *text, *d;
    size_t   n;
    u_char  *p, *last;

    text = ngx_pnalloc(r->pool, ngx_min(s->len * 3, max) + 1);
    if (text == NULL) {
        return NULL;
    }

    d = text;
    p = s->data;
    last = p + s->len;

    while (p < last) {

        n = ngx_http_procmgr_utf8_len(p, last);

        if (n == 0) {

            /* U+FFFD for each byte that is part of nothing */

            if (d - text + 3 > (ssize_t) max) {
                break;
            }

            d = (char *) ngx_cpymem(d, "\xef\xbf\xbd", 3);
            p++;
            continue;
        }

        if (n == 1 && (*p < 0x20 || *p == 0x7f)) {
            p++;
            continue;
        }

        if (d - text + n > max) {
            break;
        }

        d = (char *) ngx_cpymem(d, p, n);
        p += n;
    }

    *d = '\0';

    return text;
}


/* bytes of the well-formed character at p (RFC 3629), or 0 */

static size_t
ngx_http_procmgr_utf8_len(const u_char *p, const u_char *last)
{
    size_t  i, n;

    if (*p < 0x80) {
        return 1;
    }

    if (*p >= 0xc2 && *p <= 0xdf) {
        n = 2;

    } else if (*p >= 0xe0 && *p <= 0xef) {
        n = 3;

    } else if (*p >= 0xf0 && *p <= 0xf4) {
        n = 4;

    } else {
        return 0;
    }

    if ((size_t) (last - p) < n) {
        return 0;
    }

    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f)
        || (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
    {
        return 0;
    }

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}
