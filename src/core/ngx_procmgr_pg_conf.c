
/*
 * What the connection string may say: nothing that makes a worker wait for a
 * look-up, and nothing that lets a password travel in the clear.
 */


#include "ngx_procmgr_pg_conn.h"


static const char *ngx_procmgr_pg_check_host(PQconninfoOption *opts, char *buf,
    size_t len);
static const char *ngx_procmgr_pg_option(PQconninfoOption *opts,
    const char *key);


static const char  *ngx_procmgr_pg_known[] = {
    "host", "hostaddr", "port", "dbname", "user", "password", "sslmode",
    "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslsni",
    "ssl_min_protocol_version", "ssl_max_protocol_version",
    "channel_binding", "keepalives", "keepalives_idle", "keepalives_interval",
    "keepalives_count", "tcp_user_timeout", NULL
};


const char *
ngx_procmgr_pg_check(ngx_str_t *conninfo, char *buf, size_t len)
{
    char               *err;
    const char         *why, *const *known;
    PQconninfoOption   *opts, *o;

    err = NULL;
    opts = PQconninfoParse((char *) conninfo->data, &err);

    if (opts == NULL) {

        /* libpq quotes what it stumbles over, and that may be the password */

        if (err && ngx_strncmp(err, "invalid connection option", 25) == 0) {
            ngx_snprintf((u_char *) buf, len, "unknown keyword%Z");

        } else {
            ngx_snprintf((u_char *) buf, len,
                         "this is no list of keyword=value%Z");
        }

        PQfreemem(err);
        return buf;
    }

    why = NULL;

    for (o = opts; o->keyword && why == NULL; o++) {

        if (o->val == NULL) {
            continue;
        }

        for (known = ngx_procmgr_pg_known; *known; known++) {
            if (ngx_strcmp(o->keyword, *known) == 0) {
                break;
            }
        }

        if (*known == NULL) {
            ngx_snprintf((u_char *) buf, len,
                         "keyword \"%s\" is not supported%Z", o->keyword);
            why = buf;
        }
    }

    if (why == NULL) {
        why = ngx_procmgr_pg_check_host(opts, buf, len);
    }

    PQconninfoFree(opts);

    return why;
}


static const char *
ngx_procmgr_pg_check_host(PQconninfoOption *opts, char *buf, size_t len)
{
    u_char       addr[16];
    ngx_int_t    port;
    const char  *host, *hostaddr, *mode, *value;

    host = ngx_procmgr_pg_option(opts, "host");
    hostaddr = ngx_procmgr_pg_option(opts, "hostaddr");
    mode = ngx_procmgr_pg_option(opts, "sslmode");

    if (ngx_procmgr_pg_option(opts, "user") == NULL) {
        return "\"user\" is missing";
    }

    if (ngx_procmgr_pg_option(opts, "dbname") == NULL) {
        return "\"dbname\" is missing";
    }

    value = ngx_procmgr_pg_option(opts, "port");

    if (value) {
        port = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (port < 1 || port > 65535) {
            return "\"port\" is no port";
        }
    }

    if (hostaddr == NULL) {

        if (host == NULL || (host[0] != '/' && host[0] != '@')
            || ngx_strchr(host, ',') != NULL)
        {
            return "\"host\" is the folder of a socket, "
                   "or comes with \"hostaddr\": names are not looked up";
        }

        if (mode && ngx_strcmp(mode, "disable") != 0) {
            return "\"sslmode\" has no meaning on a socket";
        }

        return NULL;
    }

    if (inet_pton(AF_INET, hostaddr, addr) != 1
        && inet_pton(AF_INET6, hostaddr, addr) != 1)
    {
        ngx_snprintf((u_char *) buf, len,
                     "\"hostaddr\" is no address: \"%s\"%Z", hostaddr);
        return buf;
    }

    if (mode == NULL
        || (ngx_strcmp(mode, "disable") != 0
            && ngx_strcmp(mode, "verify-full") != 0))
    {
        return "\"sslmode\" is \"verify-full\" or \"disable\"";
    }

    if (ngx_strcmp(mode, "verify-full") == 0
        && (host == NULL || host[0] == '/' || host[0] == '@'
            || ngx_strchr(host, ',') != NULL
            || ngx_procmgr_pg_option(opts, "sslrootcert") == NULL))
    {
        return "\"sslmode=verify-full\" needs \"host\", the name in the "
               "certificate, and \"sslrootcert\"";
    }

    return NULL;
}


static const char *
ngx_procmgr_pg_option(PQconninfoOption *opts, const char *key)
{
    for ( /* void */ ; opts->keyword; opts++) {
        if (ngx_strcmp(opts->keyword, key) == 0) {
            return (opts->val && opts->val[0]) ? opts->val : NULL;
        }
    }

    return NULL;
}


ngx_int_t
ngx_procmgr_pg_keywords(ngx_procmgr_pg_t *pg, ngx_str_t *conninfo,
    ngx_pool_t *pool)
{
    size_t             len;
    ngx_uint_t         n;
    PQconninfoOption  *opts, *o;

    opts = PQconninfoParse((char *) conninfo->data, NULL);
    if (opts == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (o = opts; o->keyword; o++) {

        if (o->val == NULL) {
            continue;
        }

        if (n == NGX_PROCMGR_PG_KEYS - 6) {
            PQconninfoFree(opts);
            return NGX_ERROR;
        }

        len = ngx_strlen(o->keyword) + 1;

        pg->keys[n] = ngx_pnalloc(pool, len);
        if (pg->keys[n] == NULL) {
            PQconninfoFree(opts);
            return NGX_ERROR;
        }

        ngx_memcpy((char *) pg->keys[n], o->keyword, len);

        len = ngx_strlen(o->val) + 1;

        pg->values[n] = ngx_pnalloc(pool, len);
        if (pg->values[n] == NULL) {
            PQconninfoFree(opts);
            return NGX_ERROR;
        }

        ngx_memcpy((char *) pg->values[n], o->val, len);

        n++;
    }

    PQconninfoFree(opts);

    /* a later one wins */

    pg->keys[n] = "application_name";
    pg->values[n++] = "procmgr";

    pg->keys[n] = "client_encoding";
    pg->values[n++] = "UTF8";

    pg->keys[n] = "gssencmode";
    pg->values[n++] = "disable";

    /* without one libpq looks for the home of the user */

    pg->keys[n] = "passfile";
    pg->values[n++] = "/nonexistent";

    pg->keys[n] = NULL;

    return NGX_OK;
}
