
/*
 * The system bus: answers whole and cut anywhere, a bus that refuses, that
 * falls silent and that speaks nonsense.  With arguments it prints the units
 * of the bus there, for a test beside a real systemd.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "pm_bus.h"
#include "pm_tree.h"


typedef struct {
    char    data[8192];
    size_t  len;
} text_t;


typedef enum {
    WELL, REFUSES_USER, SILENT, CLOSES, DENIES, UNKNOWN, NONSENSE, HUGE_ONE,
    CHATTERS
} manner_e;


static manner_e  manner;
static int       listener;


static void
pad(text_t *t, size_t align)
{
    while (t->len % align) {
        t->data[t->len++] = '\0';
    }
}


static void
u32(text_t *t, uint32_t v)
{
    pad(t, 4);
    memcpy(t->data + t->len, &v, 4);
    t->len += 4;
}


static void
str(text_t *t, const char *s)
{
    u32(t, strlen(s));
    memcpy(t->data + t->len, s, strlen(s) + 1);
    t->len += strlen(s) + 1;
}


static void
unit(text_t *t, const char *name, const char *active)
{
    pad(t, 8);
    str(t, name);
    str(t, "a description");
    str(t, "loaded");
    str(t, active);
    str(t, "sub");
    str(t, "");
    str(t, "/org/freedesktop/systemd1/unit/x");
    u32(t, 7);
    str(t, "start");
    str(t, "/");
}


static void
units(text_t *t)
{
    uint32_t  size;

    memset(t, 0, sizeof(text_t));

    u32(t, 0);
    pad(t, 8);
    unit(t, "b.service", "active");
    unit(t, "a.service", "active");
    unit(t, "z.service", "failed");

    size = t->len - 8;
    memcpy(t->data, &size, 4);
}


static int
parse(const text_t *t, size_t len, pm_unit_rows_t *rows)
{
    memset(rows, 0, sizeof(pm_unit_rows_t));

    /* exactly as long, for a sanitizer to see what is read behind */

    rows->buf.data = malloc(len ? len : 1);
    rows->buf.size = len;
    memcpy(rows->buf.data, t->data, len);

    return pm_bus_parse_units(rows, len);
}


static void
test_units(void **state)
{
    size_t          i, k;
    text_t          t, bad;
    unsigned        seed;
    pm_unit_rows_t  rows;

    (void) state;

    units(&t);

    assert_int_equal(parse(&t, t.len, &rows), 0);
    assert_int_equal(rows.n, 3);
    assert_string_equal(rows.elts[0].name, "z.service");
    assert_string_equal(rows.elts[1].name, "a.service");
    assert_string_equal(rows.elts[2].name, "b.service");
    assert_string_equal(rows.elts[0].active_state, "failed");
    assert_int_equal(rows.elts[0].job, 7);
    pm_unit_rows_free(&rows);

    for (i = 0; i < t.len; i++) {
        assert_int_not_equal(parse(&t, i, &rows), 0);
        pm_unit_rows_free(&rows);
    }

    seed = 1;

    for (i = 0; i < 20000; i++) {
        bad = t;

        for (k = 0; k < 3; k++) {
            seed = seed * 1103515245 + 12345;
            bad.data[(seed >> 8) % t.len] = seed >> 24;
        }

        (void) parse(&bad, t.len, &rows);
        pm_unit_rows_free(&rows);
    }

    memset(&t, 0, sizeof(t));
    assert_int_equal(parse(&t, 8, &rows), 0);
    assert_int_equal(rows.n, 0);
    pm_unit_rows_free(&rows);
}


static void
answer(int fd, int type, uint32_t serial, const char *error,
    const text_t *body)
{
    text_t    t;
    uint32_t  n;

    memset(&t, 0, sizeof(t));

    t.data[0] = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? 'l' : 'B';
    t.data[1] = type;
    t.data[3] = 1;
    t.len = 4;
    u32(&t, body ? body->len : 0);
    u32(&t, 99);
    u32(&t, 0);

    memcpy(t.data + t.len, "\5\1u", 4);
    t.len += 4;
    u32(&t, serial);

    if (error) {
        pad(&t, 8);
        memcpy(t.data + t.len, "\4\1s", 4);
        t.len += 4;
        str(&t, error);
    }

    pad(&t, 8);
    memcpy(t.data + t.len, "\10\1g\0\1s", 7);
    t.len += 7;

    n = t.len - 16;
    memcpy(t.data + 12, &n, 4);
    pad(&t, 8);

    (void) !write(fd, t.data, t.len);

    if (body) {
        (void) !write(fd, body->data, body->len);
    }
}


/* what comes up to a word: it may come in pieces */

static void
hear(int fd, const char *word)
{
    char     buf[4096];
    size_t   len;
    ssize_t  n;

    len = 0;

    while (len < sizeof(buf)
           && memmem(buf, len, word, strlen(word) + 1) == NULL)
    {
        n = read(fd, buf + len, sizeof(buf) - len);

        if (n <= 0) {
            return;
        }

        len += n;
    }
}


static void *
bus(void *data)
{
    int     fd, i;
    char    buf[4096];
    text_t  body;

    (void) data;

    fd = accept(listener, NULL, NULL);
    (void) !read(fd, buf, sizeof(buf));

    if (manner == SILENT) {
        (void) !read(fd, buf, sizeof(buf));         /* until it leaves */
        close(fd);
        return NULL;
    }

    if (manner == REFUSES_USER) {
        (void) !write(fd, "REJECTED EXTERNAL\r\n", 19);
        close(fd);
        return NULL;
    }

    (void) !write(fd, "OK 1234\r\n", 9);
    hear(fd, "Hello");

    if (manner == NONSENSE) {
        memset(buf, 'l', sizeof(buf));
        (void) !write(fd, buf, sizeof(buf));
        close(fd);
        return NULL;
    }

    memset(&body, 0, sizeof(body));
    str(&body, ":1.7");

    answer(fd, 2, 1, NULL, &body);
    answer(fd, 4, 0, NULL, &body);                  /* a signal */
    hear(fd, "ListUnits");

    units(&body);

    switch (manner) {

    case WELL:
        answer(fd, 2, 2, NULL, &body);
        break;

    case DENIES:
        answer(fd, 3, 2, "org.freedesktop.DBus.Error.AccessDenied", NULL);
        break;

    case UNKNOWN:
        answer(fd, 3, 2, "org.freedesktop.DBus.Error.ServiceUnknown", NULL);
        break;

    case HUGE_ONE:
        memset(buf, 0xff, 16);
        buf[0] = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? 'l' : 'B';
        (void) !write(fd, buf, 16);
        break;

    case CHATTERS:
        for (i = 0; i < 100; i++) {
            answer(fd, 4, 0, NULL, &body);
        }

        break;

    default:
        break;
    }

    close(fd);

    return NULL;
}


static int
ask(manner_e how, int timeout, pm_unit_rows_t *rows)
{
    int                 rc;
    pthread_t           thread;
    struct sockaddr_un  sa;

    tree_create();

    memset(&sa, 0, sizeof(sa));
    sa.sun_family = AF_UNIX;
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/bus", tree);

    listener = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &sa, sizeof(sa)), 0);
    assert_int_equal(listen(listener, 1), 0);

    manner = how;
    assert_int_equal(pthread_create(&thread, NULL, bus, NULL), 0);

    rc = pm_bus_units(sa.sun_path, timeout, rows);

    pthread_join(thread, NULL);
    close(listener);
    tree_remove();

    return rc;
}


static void
test_bus(void **state)
{
    pm_unit_rows_t  rows;

    (void) state;

    assert_int_equal(pm_bus_units("/no/such/bus", 100, &rows), ENOENT);

    assert_int_equal(ask(WELL, 5000, &rows), 0);
    assert_int_equal(rows.n, 3);
    assert_string_equal(rows.elts[0].name, "z.service");
    pm_unit_rows_free(&rows);

    assert_int_equal(ask(REFUSES_USER, 5000, &rows), EACCES);
    assert_int_equal(ask(SILENT, 100, &rows), ETIMEDOUT);
    assert_int_equal(ask(CLOSES, 5000, &rows), ECONNRESET);
    assert_int_equal(ask(DENIES, 5000, &rows), EACCES);
    assert_int_equal(ask(UNKNOWN, 5000, &rows), ESRCH);
    assert_int_equal(ask(NONSENSE, 5000, &rows), EBADMSG);
    assert_int_equal(ask(HUGE_ONE, 5000, &rows), EBADMSG);
    assert_int_equal(ask(CHATTERS, 5000, &rows), EBADMSG);
    assert_null(rows.elts);
}


static int
print(const char *path)
{
    int             rc;
    size_t          i;
    pm_unit_rows_t  rows;

    rc = pm_bus_units(path, 5000, &rows);

    if (rc) {
        printf("%s\n", strerror(rc));
        return 1;
    }

    for (i = 0; i < rows.n; i++) {
        printf("%s %s %s %s\n", rows.elts[i].name, rows.elts[i].load_state,
               rows.elts[i].active_state, rows.elts[i].sub_state);
    }

    pm_unit_rows_free(&rows);

    return 0;
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_bus)
    };

    if (argc > 1) {
        return print(argv[1]);
    }

    (void) signal(SIGPIPE, SIG_IGN);

    return cmocka_run_group_tests(tests, NULL, NULL);
}
