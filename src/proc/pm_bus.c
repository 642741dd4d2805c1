
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "pm_bus.h"


#define PM_BUS_MESSAGE   (16 * 1024 * 1024)
#define PM_BUS_SKIPPED   64             /* messages that are not for us */
#define PM_BUS_REQUEST   512
#define PM_BUS_UNITS     100000

/* types of messages */
#define PM_BUS_CALL      1
#define PM_BUS_RETURN    2
#define PM_BUS_ERROR     3

/* fields of a head */
#define PM_BUS_PATH      1
#define PM_BUS_INTERFACE 2
#define PM_BUS_MEMBER    3
#define PM_BUS_ERROR_NAME  4
#define PM_BUS_SERIAL    5
#define PM_BUS_DEST      6

#define PM_BUS_HEAD      16             /* with the length of its fields */


typedef struct {
    int        fd;
    int64_t    deadline;                /* monotonic, ms */
    uint32_t   serial;
} pm_bus_t;


typedef struct {
    size_t     len;
    char       data[PM_BUS_REQUEST];
} pm_bus_out_t;


typedef struct {                        /* a message as it is read */
    const char  *data;
    size_t       len;
    size_t       at;
} pm_bus_in_t;


static int pm_bus_open(pm_bus_t *bus, const char *path, int timeout_ms);
static int pm_bus_auth(pm_bus_t *bus);
static int pm_bus_call(pm_bus_t *bus, const char *dest, const char *path,
    const char *interface, const char *member, pm_buf_t *buf, size_t *len);
static int pm_bus_answer(pm_bus_t *bus, pm_buf_t *buf, size_t *len);
static int pm_bus_head(const char *head, const char *fields, size_t len,
    uint32_t *serial, const char **error);
static int pm_bus_refused(const char *name);
static void pm_bus_pad(pm_bus_out_t *out, size_t align);
static void pm_bus_put(pm_bus_out_t *out, const void *data, size_t len);
static void pm_bus_field(pm_bus_out_t *out, char code, const char *type,
    const char *value);
static int pm_bus_send(pm_bus_t *bus, const void *data, size_t len);
static int pm_bus_recv(pm_bus_t *bus, void *data, size_t len);
static int pm_bus_wait(pm_bus_t *bus);
static int64_t pm_bus_now(void);
static int pm_bus_align(pm_bus_in_t *in, size_t align);
static int pm_bus_u32(pm_bus_in_t *in, uint32_t *value);
static int pm_bus_str(pm_bus_in_t *in, const char **s);
static int pm_bus_cmp(const void *a, const void *b);


int
pm_bus_units(const char *path, int timeout_ms, pm_unit_rows_t *rows)
{
    int       rc;
    size_t    len;
    pm_bus_t  bus;

    memset(rows, 0, sizeof(pm_unit_rows_t));

    rc = pm_bus_open(&bus, path, timeout_ms);

    if (rc) {
        return rc;
    }

    rc = pm_bus_auth(&bus);

    if (rc == 0) {
        rc = pm_bus_call(&bus, "org.freedesktop.DBus",
                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                         "Hello", &rows->buf, &len);
    }

    if (rc == 0) {
        rc = pm_bus_call(&bus, "org.freedesktop.systemd1",
                         "/org/freedesktop/systemd1",
                         "org.freedesktop.systemd1.Manager", "ListUnits",
                         &rows->buf, &len);
    }

    close(bus.fd);

    if (rc == 0) {
        rc = pm_bus_parse_units(rows, len);
    }

    if (rc) {
        pm_unit_rows_free(rows);
    }

    return rc;
}


void
pm_unit_rows_free(pm_unit_rows_t *rows)
{
    free(rows->elts);
    pm_buf_free(&rows->buf);

    rows->elts = NULL;
    rows->n = 0;
}


/* a(ssssssouso) */

int
pm_bus_parse_units(pm_unit_rows_t *rows, size_t len)
{
    size_t          i, end;
    uint32_t        size;
    const char     *s[9];
    pm_bus_in_t     in;
    pm_unit_row_t  *row, *elts;

    in.data = rows->buf.data;
    in.len = len;
    in.at = 0;

    if (!pm_bus_u32(&in, &size) || !pm_bus_align(&in, 8)
        || size != in.len - in.at)
    {
        return EBADMSG;
    }

    end = in.len;

    while (in.at < end) {

        if (rows->n == PM_BUS_UNITS) {
            return EBADMSG;
        }

        /* doubles at powers of two */

        if ((rows->n & (rows->n - 1)) == 0) {
            elts = realloc(rows->elts, (rows->n ? rows->n * 2 : 1)
                                       * sizeof(pm_unit_row_t));
            if (elts == NULL) {
                return ENOMEM;
            }

            rows->elts = elts;
        }

        row = &rows->elts[rows->n];

        if (!pm_bus_align(&in, 8)) {
            return EBADMSG;
        }

        for (i = 0; i < 7; i++) {
            if (!pm_bus_str(&in, &s[i])) {
                return EBADMSG;
            }
        }

        if (!pm_bus_u32(&in, &row->job) || !pm_bus_str(&in, &s[7])
            || !pm_bus_str(&in, &s[8]))
        {
            return EBADMSG;
        }

        row->name = s[0];
        row->description = s[1];
        row->load_state = s[2];
        row->active_state = s[3];
        row->sub_state = s[4];
        row->following = s[5];
        row->job_type = s[7];

        rows->n++;
    }

    if (rows->n) {
        qsort(rows->elts, rows->n, sizeof(pm_unit_row_t), pm_bus_cmp);
    }

    return 0;
}


static int
pm_bus_open(pm_bus_t *bus, const char *path, int timeout_ms)
{
    int                 rc;
    struct timeval      tv;
    struct sockaddr_un  sa;

    memset(&sa, 0, sizeof(struct sockaddr_un));
    sa.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sa.sun_path)) {
        return ENAMETOOLONG;
    }

    memcpy(sa.sun_path, path, strlen(path));

    bus->serial = 0;
    bus->deadline = pm_bus_now() + timeout_ms;
    bus->fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);

    if (bus->fd == -1) {
        return errno;
    }

    /* a full queue of the listener makes connect() wait too */

    tv.tv_sec = timeout_ms / 1000;
    tv.tv_usec = timeout_ms % 1000 * 1000;

    if (setsockopt(bus->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1
        || connect(bus->fd, (struct sockaddr *) &sa, sizeof(sa)) == -1)
    {
        rc = errno;
        close(bus->fd);

        return rc == ECONNREFUSED ? ENOENT : rc == EAGAIN ? ETIMEDOUT : rc;
    }

    return 0;
}


/* the uid in decimal, in hex; the socket proves it */

static int
pm_bus_auth(pm_bus_t *bus)
{
    int     n, rc;
    char    uid[16], line[256], *p;
    size_t  i, len;

    n = snprintf(uid, sizeof(uid), "%u", (unsigned) geteuid());

    line[0] = '\0';
    len = 1 + snprintf(line + 1, sizeof(line) - 1, "AUTH EXTERNAL ");

    for (i = 0; i < (size_t) n; i++) {
        len += snprintf(line + len, sizeof(line) - len, "%02x",
                        (unsigned char) uid[i]);
    }

    len += snprintf(line + len, sizeof(line) - len, "\r\n");

    rc = pm_bus_send(bus, line, len);

    /* nothing follows the line before we say BEGIN */

    for (i = 0; rc == 0; i++) {

        if (i == sizeof(line) - 1) {
            return EBADMSG;
        }

        rc = pm_bus_recv(bus, line + i, 1);

        if (rc == 0 && line[i] == '\n') {
            break;
        }
    }

    if (rc) {
        return rc;
    }

    p = line;

    if (strncmp(p, "OK ", 3) != 0) {
        return EACCES;
    }

    return pm_bus_send(bus, "BEGIN\r\n", 7);
}


/* a call without arguments */

static int
pm_bus_call(pm_bus_t *bus, const char *dest, const char *path,
    const char *interface, const char *member, pm_buf_t *buf, size_t *len)
{
    int           rc;
    uint32_t      word;
    pm_bus_out_t  out;

    bus->serial++;

    out.len = 0;

    out.data[0] = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? 'l' : 'B';
    out.data[1] = PM_BUS_CALL;
    out.data[2] = 2;                            /* start nobody for it */
    out.data[3] = 1;
    out.len = 4;

    word = 0;
    pm_bus_put(&out, &word, 4);
    pm_bus_put(&out, &bus->serial, 4);
    pm_bus_put(&out, &word, 4);

    pm_bus_field(&out, PM_BUS_PATH, "o", path);
    pm_bus_field(&out, PM_BUS_DEST, "s", dest);
    pm_bus_field(&out, PM_BUS_INTERFACE, "s", interface);
    pm_bus_field(&out, PM_BUS_MEMBER, "s", member);

    word = out.len - PM_BUS_HEAD;
    memcpy(out.data + 12, &word, 4);

    pm_bus_pad(&out, 8);

    rc = pm_bus_send(bus, out.data, out.len);

    return rc ? rc : pm_bus_answer(bus, buf, len);
}


/* signals come in between */

static int
pm_bus_answer(pm_bus_t *bus, pm_buf_t *buf, size_t *len)
{
    int          i, rc;
    char         head[PM_BUS_HEAD];
    uint32_t     body, fields, serial;
    const char  *error;

    for (i = 0; i < PM_BUS_SKIPPED; i++) {

        rc = pm_bus_recv(bus, head, PM_BUS_HEAD);

        if (rc) {
            return rc;
        }

        memcpy(&body, head + 4, 4);
        memcpy(&fields, head + 12, 4);

        if (head[0] != ((__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                        ? 'l' : 'B')
            || body > PM_BUS_MESSAGE || fields > PM_BUS_MESSAGE)
        {
            return EBADMSG;
        }

        *len = (fields + 7) & ~(size_t) 7;

        if (pm_buf_grow(buf, *len + body + 1) == -1) {
            return ENOMEM;
        }

        rc = pm_bus_recv(bus, buf->data, *len + body);

        if (rc) {
            return rc;
        }

        rc = pm_bus_head(head, buf->data, fields, &serial, &error);

        if (rc) {
            return rc;
        }

        if (serial != bus->serial) {
            continue;
        }

        if (head[1] == PM_BUS_ERROR) {
            return pm_bus_refused(error);
        }

        if (head[1] != PM_BUS_RETURN) {
            continue;
        }

        memmove(buf->data, buf->data + *len, body);
        buf->data[body] = '\0';
        *len = body;

        return 0;
    }

    return EBADMSG;
}


/* the fields that an answer has are strings, objects, signatures, numbers */

static int
pm_bus_head(const char *head, const char *fields, size_t len,
    uint32_t *serial, const char **error)
{
    char         code, type;
    const char  *s;
    uint32_t     word;
    pm_bus_in_t  in;

    (void) head;

    *serial = 0;
    *error = "";

    in.data = fields;
    in.len = len;
    in.at = 0;

    while (in.at < in.len) {

        /* a byte, a signature of one letter, a value */

        if (!pm_bus_align(&in, 8) || in.len - in.at < 4
            || in.data[in.at + 1] != 1 || in.data[in.at + 3] != '\0')
        {
            return EBADMSG;
        }

        code = in.data[in.at];
        type = in.data[in.at + 2];
        in.at += 4;

        switch (type) {

        case 's':
        case 'o':
            if (!pm_bus_str(&in, &s)) {
                return EBADMSG;
            }

            if (code == PM_BUS_ERROR_NAME) {
                *error = s;
            }

            break;

        case 'u':
            if (!pm_bus_u32(&in, &word)) {
                return EBADMSG;
            }

            if (code == PM_BUS_SERIAL) {
                *serial = word;
            }

            break;

        case 'g':
            if (in.at >= in.len
                || (size_t) (unsigned char) in.data[in.at] + 2
                   > in.len - in.at)
            {
                return EBADMSG;
            }

            in.at += (unsigned char) in.data[in.at] + 2;
            break;

        default:
            return EBADMSG;
        }
    }

    return 0;
}


static int
pm_bus_refused(const char *name)
{
    if (strcmp(name, "org.freedesktop.DBus.Error.AccessDenied") == 0) {
        return EACCES;
    }

    if (strcmp(name, "org.freedesktop.DBus.Error.ServiceUnknown") == 0
        || strcmp(name, "org.freedesktop.DBus.Error.NameHasNoOwner") == 0)
    {
        return ESRCH;
    }

    if (strcmp(name, "org.freedesktop.DBus.Error.NoReply") == 0
        || strcmp(name, "org.freedesktop.DBus.Error.Timeout") == 0)
    {
        return ETIMEDOUT;
    }

    return EBADMSG;
}


static void
pm_bus_pad(pm_bus_out_t *out, size_t align)
{
    while (out->len % align) {
        pm_bus_put(out, "", 1);
    }
}


/* requests are ours and short */

static void
pm_bus_put(pm_bus_out_t *out, const void *data, size_t len)
{
    if (len <= PM_BUS_REQUEST - out->len) {
        memcpy(out->data + out->len, data, len);
        out->len += len;
    }
}


static void
pm_bus_field(pm_bus_out_t *out, char code, const char *type,
    const char *value)
{
    uint32_t  len;

    len = strlen(value);

    pm_bus_pad(out, 8);
    pm_bus_put(out, &code, 1);
    pm_bus_put(out, "\1", 1);
    pm_bus_put(out, type, 2);
    pm_bus_put(out, &len, 4);
    pm_bus_put(out, value, len + 1);
}


static int
pm_bus_send(pm_bus_t *bus, const void *data, size_t len)
{
    ssize_t      n;
    const char  *p;

    for (p = data; len; p += n, len -= n) {

        n = send(bus->fd, p, len, MSG_NOSIGNAL);

        if (n == -1) {

            if (errno == EINTR) {
                n = 0;
                continue;
            }

            return errno == EAGAIN ? ETIMEDOUT : errno;
        }
    }

    return 0;
}


static int
pm_bus_recv(pm_bus_t *bus, void *data, size_t len)
{
    int      rc;
    char    *p;
    ssize_t  n;

    for (p = data; len; p += n, len -= n) {

        rc = pm_bus_wait(bus);

        if (rc) {
            return rc;
        }

        n = recv(bus->fd, p, len, 0);

        if (n == -1) {

            if (errno == EINTR || errno == EAGAIN) {
                n = 0;
                continue;
            }

            return errno;
        }

        if (n == 0) {
            return ECONNRESET;
        }
    }

    return 0;
}


/* what is left of the time is what a receive may wait */

static int
pm_bus_wait(pm_bus_t *bus)
{
    int64_t         left;
    struct timeval  tv;

    left = bus->deadline - pm_bus_now();

    if (left <= 0) {
        return ETIMEDOUT;
    }

    tv.tv_sec = left / 1000;
    tv.tv_usec = left % 1000 * 1000;

    if (setsockopt(bus->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1) {
        return errno;
    }

    return 0;
}


static int64_t
pm_bus_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


static int
pm_bus_align(pm_bus_in_t *in, size_t align)
{
    in->at = (in->at + align - 1) / align * align;

    return in->at <= in->len;
}


static int
pm_bus_u32(pm_bus_in_t *in, uint32_t *value)
{
    if (!pm_bus_align(in, 4) || in->len - in->at < 4) {
        return 0;
    }

    memcpy(value, in->data + in->at, 4);
    in->at += 4;

    return 1;
}


static int
pm_bus_str(pm_bus_in_t *in, const char **s)
{
    uint32_t  len;

    if (!pm_bus_u32(in, &len) || len >= in->len - in->at
        || memchr(in->data + in->at, '\0', (size_t) len + 1)
           != in->data + in->at + len)
    {
        return 0;
    }

    *s = in->data + in->at;
    in->at += (size_t) len + 1;

    return 1;
}


static int
pm_bus_cmp(const void *a, const void *b)
{
    int                   x, y;
    const pm_unit_row_t  *u = a, *v = b;

    x = (strcmp(u->active_state, "failed") != 0);
    y = (strcmp(v->active_state, "failed") != 0);

    return x != y ? x - y : strcmp(u->name, v->name);
}
