
/*
 * The policy where the system fails under it: no memory, files that cannot be
 * read or grow meanwhile, folders that somebody else has put there.  What
 * libc would do is done here instead, when a test asks for it.
 */


#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <cmocka.h>

#include "pm_policy.h"
#include "pm_path.h"


#ifdef __SANITIZE_ADDRESS__
#define OWN_CALLS  0                  /* the sanitizer has these calls */
#else
#define OWN_CALLS  1
#endif


enum { NOTHING, FAILS, FOREIGN, EMPTY, LONG, GROWS };


static char  dir[256], file[300], text[PM_POLICY_SIZE + 16];
static int   memory, stats, links, reads, lists;      /* when, and what */
static int   stat_how, link_how, read_how, list_error;


#if (OWN_CALLS)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);


static int
now(int *when)
{
    return *when && --*when == 0;
}


void *
malloc(size_t size)
{
    return now(&memory) ? NULL : __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    return now(&memory) ? NULL : __libc_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    return now(&memory) ? NULL : __libc_realloc(p, size);
}


static int
any_stat(int fd, const char *path, struct stat *st, int flags)
{
    int  mine;

    mine = now(&stats);

    if (mine && stat_how == FAILS) {
        errno = EIO;
        return -1;
    }

    if (syscall(SYS_newfstatat, fd, path, st, flags) == -1) {
        return -1;
    }

    if (mine) {
        st->st_uid = 4711;
    }

    return 0;
}


int
fstat(int fd, struct stat *st)
{
    return any_stat(fd, "", st, AT_EMPTY_PATH);
}


int
fstatat(int fd, const char *path, struct stat *st, int flags)
{
    return any_stat(fd, path, st, flags);
}


ssize_t
readlinkat(int fd, const char *path, char *buf, size_t size)
{
    if (!now(&links)) {
        return syscall(SYS_readlinkat, fd, path, buf, size);
    }

    if (link_how == FAILS) {
        errno = EIO;
        return -1;
    }

    memset(buf, 'x', size);

    return link_how == EMPTY ? 0 : (ssize_t) size;
}


ssize_t __readlinkat_chk(int fd, const char *path, char *buf, size_t size,
    size_t room);

ssize_t
__readlinkat_chk(int fd, const char *path, char *buf, size_t size,
    size_t room)
{
    (void) room;
    return readlinkat(fd, path, buf, size);
}


ssize_t
read(int fd, void *buf, size_t size)
{
    if (!now(&reads)) {
        return syscall(SYS_read, fd, buf, size);
    }

    if (read_how == FAILS) {
        errno = EIO;
        return -1;
    }

    memset(buf, '\n', size);
    reads = 1;                        /* it does not end */

    return (ssize_t) size;
}


ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);

ssize_t
__read_chk(int fd, void *buf, size_t size, size_t room)
{
    (void) room;
    return read(fd, buf, size);
}


ssize_t
fgetxattr(int fd, const char *name, void *value, size_t size)
{
    (void) fd;
    (void) name;
    (void) value;
    (void) size;

    errno = now(&lists) ? list_error : ENODATA;
    return -1;
}

#endif


static int
parse(pm_policy_t *p, const char *s)
{
    size_t  len;

    len = strlen(s);
    memcpy(text, s, len);

    return pm_policy_parse(p, text, len);
}


/* a folder in which all is well, or the tests that need one are left out */

static int
setup(void **state)
{
    int    fd;
    FILE  *f;
    char   why[256];

    struct stat  st;

    (void) state;
    (void) mkdir("build", 0755);

    snprintf(file, sizeof(file), "build/edges.%d", (int) getpid());

    if (mkdir(file, 0755) == -1 || realpath(file, text) == NULL
        || strlen(text) > 200)
    {
        return -1;
    }

    snprintf(dir, sizeof(dir), "%.200s", text);
    snprintf(file, sizeof(file), "%s/policy.conf", dir);

    f = fopen(file, "w");
    if (f == NULL) {
        return -1;
    }

    fputs("schedule roles=admin\n", f);
    fclose(f);
    (void) chmod(file, 0644);

    fd = pm_path_open(file, getuid(), 0, &st, why, sizeof(why));

    if (fd == -1) {
        fprintf(stderr, "%s: few of these are tested\n", why);
        (void) unlink(file);
        (void) rmdir(dir);
        dir[0] = '\0';
        return 0;
    }

    close(fd);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    if (dir[0]) {
        (void) unlink(file);
        (void) rmdir(dir);
    }

    return 0;
}


static int
load(void)
{
    int          rc;
    pm_policy_t  p;

    rc = pm_policy_load(&p, file, getuid());

    if (rc == 0) {
        pm_policy_free(&p);

    } else {
        assert_true(p.error[0] != '\0');
        assert_int_equal(p.n, 0);
    }

    memory = stats = links = reads = lists = 0;

    return rc;
}


static void
test_memory(void **state)
{
    int          n;
    char         line[512];
    pm_policy_t  p;

    (void) state;

    if (!OWN_CALLS) {
        skip();
    }

    snprintf(line, sizeof(line),
             "command c path=/bin/x x user=root roles=admin\n");

    for (n = 1; n <= 2; n++) {
        memory = n;
        assert_int_equal(parse(&p, line), -1);
        assert_non_null(strstr(p.error, "no memory"));
        assert_int_equal(p.n, 0);
    }

    memory = 0;
    assert_int_equal(parse(&p, line), 0);
    pm_policy_free(&p);

    if (dir[0]) {
        memory = 1;
        assert_int_equal(load(), -1);
    }
}


static void
test_reading(void **state)
{
    (void) state;

    if (!OWN_CALLS || dir[0] == '\0') {
        skip();
    }

    assert_int_equal(load(), 0);

    reads = 1;
    read_how = FAILS;
    assert_int_equal(load(), -1);

    reads = 1;
    read_how = GROWS;
    assert_int_equal(load(), -1);

    lists = 1;
    list_error = EIO;
    assert_int_equal(load(), -1);

    /* a file system without such lists */

    lists = 1;
    list_error = ENOTSUP;
    assert_int_equal(load(), 0);
}


/* every look at every part of the way */

static void
test_way(void **state)
{
    int  n, well;

    (void) state;

    if (!OWN_CALLS || dir[0] == '\0') {
        skip();
    }

    for (stat_how = FAILS; stat_how <= FOREIGN; stat_how++) {

        for (n = 1, well = 0; !well; n++) {
            stats = n;
            well = load() == 0;
            assert_true(n < 100);
        }

        assert_true(n > 4);
    }
}


static void
test_links(void **state)
{
    int            fd, n;
    char           link[300], why[256];
    struct stat    st;
    struct rlimit  was, none;

    (void) state;

    if (!OWN_CALLS || dir[0] == '\0') {
        skip();
    }

    snprintf(link, sizeof(link), "%s/link", dir);
    assert_int_equal(symlink("policy.conf", link), 0);

    fd = pm_path_open(link, getuid(), 0, &st, why, sizeof(why));
    assert_true(fd != -1);
    close(fd);

    for (link_how = FAILS; link_how <= LONG; link_how++) {
        links = 1;
        fd = pm_path_open(link, getuid(), 0, &st, why, sizeof(why));
        assert_int_equal(fd == -1, 1);
    }

    for (stat_how = FAILS; stat_how <= FOREIGN; stat_how++) {
        for (n = 1; n < 12; n++) {
            stats = n;
            fd = pm_path_open(link, getuid(), 0, &st, why, sizeof(why));

            if (fd != -1) {
                close(fd);
            }
        }
    }

    stats = links = 0;
    assert_int_equal(unlink(link), 0);

    /* not even the root can be opened */

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    fd = pm_path_open(file, getuid(), 0, &st, why, sizeof(why));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(fd, -1);
}


static void
test_names(void **state)
{
    char         path[PATH_MAX + 8], why[256];
    struct stat  st;

    (void) state;

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[NAME_MAX + 2] = '\0';
    assert_int_equal(pm_path_open(path, 0, 0, &st, why, sizeof(why)), -1);

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[PATH_MAX + 1] = '\0';
    assert_int_equal(pm_path_open(path, 0, 0, &st, why, sizeof(why)), -1);
}


/* the other way of conditions that the other tests take one way only */

static void
test_words(void **state)
{
    char         line[2048], big[1100];
    pm_policy_t  p;

    (void) state;

#define C  "command c path=/bin/x x user=root roles=admin "

    memset(big, 'e', sizeof(big));

    snprintf(line, sizeof(line), C "example=%.512s\n", big);
    assert_int_equal(parse(&p, line), 0);
    pm_policy_free(&p);

    snprintf(line, sizeof(line), C "example=%.513s\n", big);
    assert_int_equal(parse(&p, line), -1);

    snprintf(line, sizeof(line), "service d lsb /%.1023s actions=start "
             "roles=admin\n", big);
    assert_int_equal(parse(&p, line), 0);
    pm_policy_free(&p);

    snprintf(line, sizeof(line), "service d lsb /%.1024s actions=start "
             "roles=admin\n", big);
    assert_int_equal(parse(&p, line), -1);

    assert_int_equal(parse(&p, "service d lsb /.a/b..//c actions=start "
                               "roles=admin\n"), -1);
    assert_int_equal(parse(&p, "service d lsb /.a/ab/.../..c actions=start "
                               "roles=admin\n"), 0);
    pm_policy_free(&p);

    assert_int_equal(parse(&p, "priority uid=1 nice=0..5 roles=admin\n"
                               "priority uid=1 nice=-5..0 roles=admin\n"
                               "priority uid=1 ionice=idle roles=admin\n"
                               "priority uid=1 affinity=on roles=admin\n"),
                     0);
    pm_policy_free(&p);
    assert_int_equal(parse(&p, "priority uid=1 nice=0 roles=admin\n"), -1);

#define S  "service d lsb /s/d actions=start roles=admin"
#define V  "service d supervisor d actions=start roles=admin config="

    assert_int_equal(parse(&p, S " log=/a\n" S " log=/a\n"), 0);
    pm_policy_free(&p);
    assert_int_equal(parse(&p, S " log=/a\n" S " log=/b\n"), -1);
    assert_int_equal(parse(&p, S " log=/a\n" S "\n"), -1);
    assert_int_equal(parse(&p, S "\n" S " log=/a\n"), -1);
    assert_int_equal(parse(&p, V "/a\n" V "/a\n"), 0);
    pm_policy_free(&p);
    assert_int_equal(parse(&p, V "/a\n" V "/b\n"), -1);

    assert_int_equal(parse(&p, "protect unit=a,,b,cc\n"), 0);
    assert_true(pm_policy_protects(&p, 1, "b"));
    assert_true(pm_policy_protects(&p, 1, "cc"));
    assert_false(pm_policy_protects(&p, 1, "x"));
    assert_false(pm_policy_protects(&p, 1, ""));
    pm_policy_free(&p);
}


static void
test_wire(void **state)
{
    const char     *why;
    pm_wire_msg_t   m;

    (void) state;

    memset(text, 'a', sizeof(text));
    assert_int_equal(pm_wire_parse(&m, text, PM_WIRE_TEXT + 1, NULL, &why),
                     -1);
    assert_string_equal(why, "length");
}


static void
test_first(void **state)
{
    size_t       i;
    pm_policy_t  p;

    static const int  want[] = { 1, 0, 1, 1, 1, 0, 1, 1, 1 };

    (void) state;

    assert_int_equal(parse(&p, S "\n" S "\n"
                     "service e lsb /s/e actions=start roles=admin\n"
                     "read fields=fd roles=viewer\n"
                     "read fields=fd roles=admin\n"
                     "read fields=exe roles=admin\n"
                     "schedule roles=admin\n"
                     "schedule roles=admin\n"
                     C "\n"), 0);

    for (i = 0; i < p.n; i++) {
        assert_int_equal(pm_policy_first(&p, i, PM_ROLE_ADMIN), want[i]);
    }

    pm_policy_free(&p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_way),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_first),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
