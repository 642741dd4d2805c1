
/*
 * Secrets in files: opened once, looked at by their descriptor, and refused
 * when anybody but their owner may read them.
 */


#include "ngx_procmgr_conf.h"
#include "../policy/pm_sha256.h"


#define NGX_PROCMGR_CONNINFO_MAX  4096
#define NGX_PROCMGR_HELPER_MAX    4


static ssize_t ngx_procmgr_conf_secret(ngx_conf_t *cf, ngx_str_t *path,
    u_char *buf, size_t size);
static ngx_int_t ngx_procmgr_conf_key(ngx_conf_t *cf, ngx_str_t *path,
    u_char key[32]);
static void ngx_procmgr_conf_spool(ngx_procmgr_helper_conf_t *helper);


ngx_int_t
ngx_procmgr_conf_conninfo(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *dst)
{
    u_char     *p, buf[NGX_PROCMGR_CONNINFO_MAX];
    ssize_t     n;
    ngx_str_t   text, path;

    text = *value;

    if (text.len > 5 && ngx_strncmp(text.data, "file=", 5) == 0) {

        path.data = text.data + 5;
        path.len = text.len - 5;

        if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        n = ngx_procmgr_conf_secret(cf, &path, buf, sizeof(buf));

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        text.data = buf;
        text.len = n;

        while (text.len
               && (text.data[text.len - 1] == LF
                   || text.data[text.len - 1] == CR
                   || text.data[text.len - 1] == ' '))
        {
            text.len--;
        }

        if (text.len == 0 || ngx_strlchr(buf, buf + text.len, '\0')) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" holds no connection string", &path);
            return NGX_ERROR;
        }
    }

    if (text.len == 0 || text.len >= NGX_PROCMGR_CONNINFO_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the connection string is empty or too long");
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool, text.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    dst->data = p;
    dst->len = text.len;

    p = ngx_cpymem(p, text.data, text.len);
    *p = '\0';

    ngx_explicit_memzero(buf, sizeof(buf));

    return NGX_OK;
}


char *
ngx_procmgr_conf_helper(ngx_conf_t *cf, ngx_procmgr_helper_conf_t *dst)
{
    ngx_int_t    n;
    ngx_str_t   *value, path, text;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (value[1].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the helper's path \"%V\" must be absolute",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    dst->path = value[1];
    dst->max = 0;

    ngx_str_null(&path);

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "max=", 4) == 0 && dst->max == 0) {

            text.data = value[i].data + 4;
            text.len = value[i].len - 4;

            n = ngx_atoi(text.data, text.len);

            if (n < 1 || n > 64) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid number \"%V\", it must be from 1 "
                                   "to 64", &value[i]);
                return NGX_CONF_ERROR;
            }

            dst->max = n;
            continue;
        }

        if (ngx_strncmp(value[i].data, "key=", 4) == 0
            && value[i].len > 4
            && path.len == 0)
        {
            path.data = value[i].data + 4;
            path.len = value[i].len - 4;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid or duplicate parameter \"%V\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "helper \"%V\" has no \"key=\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK
        || ngx_procmgr_conf_key(cf, &path, dst->key) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_procmgr_conf_spool(dst);

    if (dst->max == 0) {
        dst->max = NGX_PROCMGR_HELPER_MAX;
    }

    dst->set = 1;

    return NGX_CONF_OK;
}


/* a helper, its key and its spool are one: what is told of the key names it */

static void
ngx_procmgr_conf_spool(ngx_procmgr_helper_conf_t *helper)
{
    uint8_t      digest[PM_SHA256_LEN];
    pm_sha256_t  sha;

    pm_sha256_init(&sha);
    pm_sha256_update(&sha, "procmgr spool", sizeof("procmgr spool"));
    pm_sha256_update(&sha, helper->key, sizeof(helper->key));
    pm_sha256_final(&sha, digest);

    pm_hex(helper->spool, digest, sizeof(helper->spool) / 2);
}


/* 32 bytes, or as 64 hexadecimal digits with or without an end of line */

static ngx_int_t
ngx_procmgr_conf_key(ngx_conf_t *cf, ngx_str_t *path, u_char key[32])
{
    u_char      buf[128];
    ssize_t     n;
    ngx_int_t   byte;
    ngx_uint_t  i;

    n = ngx_procmgr_conf_secret(cf, path, buf, sizeof(buf));

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (n == 32) {
        ngx_memcpy(key, buf, 32);
        ngx_explicit_memzero(buf, sizeof(buf));
        return NGX_OK;
    }

    if (n == 65 && buf[64] == LF) {
        n--;
    }

    for (i = 0; n == 64 && i < 32; i++) {
        byte = ngx_hextoi(&buf[i * 2], 2);

        if (byte == NGX_ERROR) {
            n = 0;
            break;
        }

        key[i] = (u_char) byte;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    if (n == 64) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" is no key: it must hold 32 bytes or 64 "
                       "hexadecimal digits", path);

    return NGX_ERROR;
}


static ssize_t
ngx_procmgr_conf_secret(ngx_conf_t *cf, ngx_str_t *path, u_char *buf,
    size_t size)
{
    ssize_t      n;
    ngx_fd_t     fd;
    struct stat  st;

    fd = open((const char *) path->data,
              O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC|O_NOCTTY);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "open() \"%V\" failed", path);
        return NGX_ERROR;
    }

    n = NGX_ERROR;

    if (fstat(fd, &st) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "fstat() \"%V\" failed", path);

    } else if (!S_ISREG(st.st_mode)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a regular file", path);

    } else if (st.st_uid != 0 && st.st_uid != geteuid()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" belongs to another user", path);

    } else if (st.st_mode & (S_IRWXG|S_IRWXO)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is accessible by others than its owner",
                           path);

    } else {
        n = read(fd, buf, size);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               "read() \"%V\" failed", path);
            n = NGX_ERROR;

        } else if ((size_t) n == size) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is too long", path);
            n = NGX_ERROR;
        }
    }

    (void) close(fd);

    return n;
}
