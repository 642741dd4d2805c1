
#include "ngx_procmgr.h"
#include <sys/random.h>
#include <time.h>


/*
 * A timer's data is taken for a connection by the debug log, which prints
 * its descriptor: events without one point here.
 */

ngx_connection_t  ngx_procmgr_no_connection = { .fd = (ngx_socket_t) -1 };


void
ngx_procmgr_event(ngx_event_t *ev, ngx_event_handler_pt handler)
{
    ev->data = &ngx_procmgr_no_connection;
    ev->handler = handler;
    ev->log = ngx_cycle->log;
}


uint64_t
ngx_procmgr_boottime(void)
{
    return ngx_procmgr_boottime_us() / 1000;
}


uint64_t
ngx_procmgr_boottime_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


ngx_int_t
ngx_procmgr_random(u_char *buf, size_t len)
{
    ssize_t  n;

    while (len) {
        n = getrandom(buf, len, 0);

        if (n == -1) {

            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            return NGX_ERROR;
        }

        buf += n;
        len -= n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_procmgr_uuid(u_char buf[37])
{
    u_char      raw[16], *p;
    ngx_uint_t  i;

    if (ngx_procmgr_random(raw, sizeof(raw)) != NGX_OK) {
        return NGX_ERROR;
    }

    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;

    p = buf;

    for (i = 0; i < 16; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }

        p = ngx_hex_dump(p, &raw[i], 1);
    }

    *p = '\0';

    return NGX_OK;
}
