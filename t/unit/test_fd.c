
/* holders of sockets: the map, the helper's records, the walk */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_fd.h"


static void
check(const pm_fd_map_t *m, uint64_t inode, size_t want, ...)
{
    size_t                 i, n;
    va_list                ap;
    const pm_fd_holder_t  *h;

    h = pm_fd_map_find(m, inode, &n);
    assert_int_equal(n, want);

    va_start(ap, want);

    for (i = 0; i < n; i++) {
        assert_int_equal(h[i].pid, va_arg(ap, int));
        assert_int_equal(h[i].fd, va_arg(ap, int));
    }

    va_end(ap);
}


static void
map(void **state)
{
    pm_fd_map_t  m;

    (void) state;

    assert_int_equal(pm_fd_map_init(&m, 3), 0);

    pm_fd_map_want(&m, 100);
    pm_fd_map_want(&m, 200);
    pm_fd_map_want(&m, 200);
    pm_fd_map_want(&m, 300);
    pm_fd_map_want(&m, 0);
    assert_int_equal(m.used, 3);

    assert_int_equal(pm_fd_map_add(&m, 100, 9, 4), 1);
    assert_int_equal(pm_fd_map_add(&m, 100, 7, 11), 1);
    assert_int_equal(pm_fd_map_add(&m, 100, 7, 3), 1);
    assert_int_equal(pm_fd_map_add(&m, 999, 7, 3), 0);
    assert_int_equal(pm_fd_map_add(&m, 0, 7, 3), 0);
    assert_int_equal(pm_fd_map_add(&m, 200, 7, 5), 1);
    /* told twice, as the walk and the helper may */
    assert_int_equal(pm_fd_map_add(&m, 200, 7, 5), 1);

    pm_fd_map_sort(&m);

    check(&m, 100, 3, 7, 3, 7, 11, 9, 4);
    check(&m, 200, 1, 7, 5);
    check(&m, 300, 0);
    check(&m, 999, 0);
    check(&m, 0, 0);
    assert_int_equal(m.truncated, 0);

    pm_fd_map_free(&m);
}


static void
map_many(void **state)
{
    size_t                 n;
    uint64_t               i;
    pm_fd_map_t            m;
    const pm_fd_holder_t  *h;

    (void) state;

    assert_int_equal(pm_fd_map_init(&m, 5000), 0);

    /* numbers one behind the other, and some that differ only high up */

    for (i = 1; i <= 4000; i++) {
        pm_fd_map_want(&m, i);
    }

    for (i = 1; i <= 1000; i++) {
        pm_fd_map_want(&m, i << 32);
    }

    assert_int_equal(m.used, 5000);

    for (i = 1; i <= 4000; i++) {
        assert_int_equal(pm_fd_map_add(&m, i, (int32_t) (1 + i % 100),
                                       (int32_t) i), 1);
    }

    pm_fd_map_sort(&m);

    for (i = 1; i <= 4000; i++) {
        h = pm_fd_map_find(&m, i, &n);
        assert_int_equal(n, 1);
        assert_int_equal(h->fd, i);
    }

    check(&m, UINT64_C(5) << 32, 0);

    pm_fd_map_free(&m);
}


/* a program with one socket a thousand times does not fill the answer */

static void
map_dups(void **state)
{
    int          fd;
    size_t       n;
    pm_fd_map_t  m;

    (void) state;

    assert_int_equal(pm_fd_map_init(&m, 1), 0);

    pm_fd_map_want(&m, 100);

    for (fd = 0; fd < 1000; fd++) {
        (void) pm_fd_map_add(&m, 100, 7, fd);
    }

    assert_int_equal(m.truncated, 1);
    assert_int_equal(pm_fd_map_add(&m, 100, 8, 1), 1);

    pm_fd_map_sort(&m);

    (void) pm_fd_map_find(&m, 100, &n);
    assert_int_equal(n, PM_FD_DUPS + 1);

    pm_fd_map_free(&m);
}


static void
links(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        uint64_t     inode;
    } t[] = {
        { "socket:[1]", 1 },
        { "socket:[4294967295]", 4294967295 },
        { "socket:[9999999999999999999]", UINT64_C(9999999999999999999) },
        { "socket:[]", 0 },
        { "socket:[12", 0 },
        { "socket:[1x]", 0 },
        { "socket:[-1]", 0 },
        { "socket:[99999999999999999999]", 0 },
        { "pipe:[12]", 0 },
        { "/socket:[12]", 0 },
        { "anon_inode:[eventpoll]", 0 },
        { "", 0 }
    };

    (void) state;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(pm_fd_socket(t[i].text, strlen(t[i].text)),
                         t[i].inode);
    }
}


static void
record(void **state)
{
    char         *copy;
    size_t        i, n;
    pm_fd_map_t   m;

    static const char  good[] =
        "0 /dev/null\0" "1 pipe:[5]\0" "3 socket:[100]\0"
        "17 socket:[100]\0" "4 socket:[101]\0" "5 \0";

    static const struct {
        const char  *data;
        size_t       len;
    } bad[] = {
        { "3 socket:[100]", 14 },
        { "3 socket:[100]\0x socket:[100]\0", 30 },
        { "3 socket:[100]\0004\0", 17 },
        { "3 socket:[100]\0-1 socket:[100]\0", 31 },
        { "3 socket:[100]\0\0", 16 },
        { "9999999999 socket:[100]\0", 24 },
        { " socket:[100]\0", 14 }
    };

    (void) state;

    assert_int_equal(pm_fd_map_init(&m, 2), 0);
    pm_fd_map_want(&m, 100);

    assert_int_equal(pm_fd_parse(&m, 42, good, sizeof(good) - 1), 2);
    assert_int_equal(pm_fd_parse(&m, 43, "", 0), 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(pm_fd_parse(&m, 44, bad[i].data, bad[i].len), -1);
    }

    /* cut anywhere: never read beyond */

    for (i = 0; i < sizeof(good) - 1; i++) {
        copy = malloc(i ? i : 1);
        assert_non_null(copy);
        memcpy(copy, good, i);
        n = m.n;
        (void) pm_fd_parse(&m, 45, copy, i);
        pm_fd_map_cut(&m, n);
        free(copy);
    }

    pm_fd_map_sort(&m);

    check(&m, 100, 2, 42, 3, 42, 17);

    pm_fd_map_free(&m);
}


static uint64_t
starttime(pid_t pid)
{
    int    i;
    char   path[64], buf[1024], *p;
    FILE  *f;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);

    f = fopen(path, "r");
    assert_non_null(f);
    i = (int) fread(buf, 1, sizeof(buf) - 1, f);
    (void) fclose(f);
    buf[i] = '\0';

    p = strrchr(buf, ')');
    assert_non_null(p);

    for (i = 2; i < 22; i++) {
        p = strchr(p + 1, ' ');
        assert_non_null(p);
    }

    return strtoull(p, NULL, 10);
}


static void
walk(void **state)
{
    int           pair[2], dup1;
    pid_t         me;
    struct stat   st;
    pm_fd_map_t   m;
    pm_fd_walk_t  w;

    (void) state;

    me = getpid();

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(fstat(pair[0], &st), 0);
    dup1 = dup(pair[0]);
    assert_true(dup1 > pair[1]);

    assert_int_equal(pm_fd_walk_init(&w, NULL), 0);
    assert_int_equal(pm_fd_map_init(&m, 1), 0);
    pm_fd_map_want(&m, st.st_ino);

    assert_int_equal(pm_fd_sockets(&w, &m, me, starttime(me)), 0);
    pm_fd_map_sort(&m);
    check(&m, st.st_ino, 2, me, pair[0], me, dup1);

    /* the number belongs to another process by now: nothing of it counts */

    pm_fd_map_cut(&m, 0);
    assert_int_equal(pm_fd_sockets(&w, &m, me, starttime(me) + 1), ESRCH);
    pm_fd_map_sort(&m);
    check(&m, st.st_ino, 0);

    assert_int_equal(pm_fd_sockets(&w, &m, 0x7fffffff, 0), ENOENT);

    close(dup1);
    close(pair[0]);
    close(pair[1]);

    pm_fd_map_free(&m);
    pm_fd_walk_free(&w);
}


/* what psutil's open_files has: files that still have a name */

static void
files(void **state)
{
    int           named, unnamed, memory, folder, null, pipes[2];
    char          path[] = "/tmp/pm-test-XXXXXX";
    char          gone[] = "/tmp/pm-test-XXXXXX";
    uint64_t      before, n;
    pm_fd_walk_t  w;

    (void) state;

    assert_int_equal(pm_fd_walk_init(&w, NULL), 0);
    assert_int_equal(pm_fd_files(&w, getpid(), starttime(getpid()), &before),
                     0);

    named = mkstemp(path);
    unnamed = mkstemp(gone);
    assert_int_equal(unlink(gone), 0);
    memory = memfd_create("x", MFD_CLOEXEC);
    folder = open("/", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    null = open("/dev/null", O_RDONLY|O_CLOEXEC);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);

    assert_int_equal(pm_fd_files(&w, getpid(), 0, &n), 0);
    assert_int_equal(n, before + 1);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(pm_fd_files(&w, getpid(), 0, &n), 0);
    assert_int_equal(n, before);

    assert_int_equal(pm_fd_files(&w, getpid(), 1, &n), ESRCH);
    assert_int_equal(pm_fd_files(&w, 0x7fffffff, 0, &n), ENOENT);

    close(named);
    close(unnamed);
    close(memory);
    close(folder);
    close(null);
    close(pipes[0]);
    close(pipes[1]);

    pm_fd_walk_free(&w);
}


/* as another user: refused, which is neither gone nor empty */

static void
denied(void **state)
{
    int           rc, status;
    pid_t         pid;
    uint64_t      n;
    pm_fd_map_t   m;
    pm_fd_walk_t  w;

    (void) state;

    if (getuid() != 0) {
        skip();
    }

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        rc = 1;

        if (setgid(65534) == 0 && setuid(65534) == 0
            && pm_fd_walk_init(&w, NULL) == 0
            && pm_fd_map_init(&m, 1) == 0
            && pm_fd_sockets(&w, &m, getppid(), 0) == EACCES
            && pm_fd_files(&w, getppid(), 0, &n) == EACCES)
        {
            rc = 0;
        }

        _exit(rc);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(map),
        cmocka_unit_test(map_many),
        cmocka_unit_test(map_dups),
        cmocka_unit_test(links),
        cmocka_unit_test(record),
        cmocka_unit_test(walk),
        cmocka_unit_test(files),
        cmocka_unit_test(denied),
    };

    return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
