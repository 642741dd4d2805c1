
/*
 * The parsers of /proc/<pid>: hostile names, cut and empty files, numbers at
 * their ends, psutil's rules for arguments and names.
 */


#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_parse.h"
#include "pm_pid.h"


/* a text in a block of its own size, so that a sanitizer sees its end */

static char  *block;

static const char *
exact(const char *s, size_t len)
{
    free(block);

    block = malloc(len ? len : 1);
    assert_non_null(block);

    memcpy(block, s, len);

    return block;
}

#define TAIL                                                                  \
    " S 1 42 42 34816 -1 2097216 1 0 0 0 11 22 33 44 15 -5 3 0 "              \
    "18446744073709551615 69632000 2500 18446744073709551615 1 1 0 0 0 0 "    \
    "0 4096 0 1 0 0 17 63 0 0 25 0 0 0 0 0 0 0 0 0 0\n"


static void
check_comm(const char *comm, size_t len)
{
    int         rc;
    char        text[2048];
    size_t      n;
    pm_proc_t   p;
    pm_slice_t  found;

    memcpy(text, "42 (", 4);
    memcpy(text + 4, comm, len);
    memcpy(text + 4 + len, ")" TAIL, sizeof(")" TAIL) - 1);

    n = 4 + len + sizeof(")" TAIL) - 1;

    memset(&p, 0, sizeof(pm_proc_t));

    rc = pm_pid_parse_stat(exact(text, n), n, &p, &found);

    assert_int_equal(rc, 0);
    assert_int_equal(found.len, len);
    assert_memory_equal(found.data, comm, len);

    assert_int_equal(p.have, PM_HAVE_STAT);
    assert_int_equal(p.pid, 42);
    assert_int_equal(p.state, 'S');
    assert_int_equal(p.ppid, 1);
    assert_int_equal(p.tty_nr, 34816);
    assert_int_equal(p.kthread, 1);
    assert_int_equal(p.utime, 11);
    assert_int_equal(p.stime, 22);
    assert_int_equal(p.cutime, 33);
    assert_int_equal(p.cstime, 44);
    assert_int_equal(p.nice, -5);
    assert_int_equal(p.num_threads, 3);
    assert_true(p.starttime == UINT64_MAX);
    assert_int_equal(p.processor, 63);
    assert_int_equal(p.blkio, 25);
}

#define check_literal(s)  check_comm(s, sizeof(s) - 1)


static void
test_stat_names(void **state)
{
    (void) state;

    check_literal("bash");
    check_literal("");
    check_literal(")");
    check_literal("(");
    check_literal("x) S 1 1 1 1");
    check_literal("a b) R 0 0 (c");
    check_literal("new\nline");
    check_literal("\n1 (evil) S 1 1");
    check_literal("Uid:\t0\t0\t0");
    check_literal("\xff\xfe\x80");
    check_literal("<img onerror>");
    check_literal("\"\\");

    /* a kernel thread, 63 bytes */

    check_literal("kworker/u256:63-flush-btrfs-1234567890123456789012345678901"
                  "234");
}


static void
test_stat_cut(void **state)
{
    int          rc;
    size_t       n, len;
    pm_proc_t    p, clean;
    pm_slice_t   comm;
    const char  *text;

    (void) state;

    text = "42 (a) b)" TAIL;
    len = strlen(text);

    memset(&p, 0, sizeof(pm_proc_t));
    memset(&clean, 0, sizeof(pm_proc_t));

    for (n = 0; n < len; n++) {

        rc = pm_pid_parse_stat(exact(text, n), n, &p, &comm);

        /* the first 42 fields are enough */

        if (n < (size_t) (strstr(text, " 25 ") - text) + 4) {

            if (rc != -1 && n != (size_t) (strstr(text, " 25 ") - text) + 3) {
                fail_msg("a text cut at %zu was taken", n);
            }
        }

        if (rc == -1) {
            assert_memory_equal(&p, &clean, sizeof(pm_proc_t));

        } else {
            assert_int_equal(p.blkio, 25);
            p = clean;
        }
    }
}


static void
test_stat_garbage(void **state)
{
    size_t       i;
    pm_proc_t    p;
    pm_slice_t   comm;

    static const char  *texts[] = {
        "",
        "\n",
        "42",
        "42 ",
        "42 (",
        "42 ()",
        "42 (a) S",
        "(a)" TAIL,
        "-1 (a)" TAIL,
        "x (a)" TAIL,
        "42 a)" TAIL,
        "42 (a" TAIL,
        "42  (a)" TAIL,
        "2147483648 (a)" TAIL,
        "42 (a) S 1 1 1 1 -1 1 1 0 0 0 18446744073709551616 22 33 44 15 -5 3 "
        "0 1 1 1 1 1 1 0 0 0 0 0 0 0 1 0 0 17 63 0 0 25 0\n",
        "42 (a) S 1 1 1 1 -1 1 1 0 0 0 1 - 33 44 15 -5 3 "
        "0 1 1 1 1 1 1 0 0 0 0 0 0 0 1 0 0 17 63 0 0 25 0\n",
        NULL
    };

    (void) state;

    for (i = 0; texts[i]; i++) {
        memset(&p, 0, sizeof(pm_proc_t));

        if (pm_pid_parse_stat(exact(texts[i], strlen(texts[i])),
                              strlen(texts[i]), &p, &comm)
            != -1)
        {
            fail_msg("\"%s\" was taken", texts[i]);
        }

        assert_int_equal(p.have, 0);
    }
}


static void
test_statm(void **state)
{
    size_t       n;
    pm_proc_t    p;
    const char  *text;

    (void) state;

    text = "17000 2500 1250 5 0 600 0\n";

    memset(&p, 0, sizeof(pm_proc_t));

    assert_int_equal(pm_pid_parse_statm(text, strlen(text), 4096, &p), 0);
    assert_int_equal(p.have, PM_HAVE_STATM);
    assert_true(p.vms == 17000 * 4096);
    assert_true(p.rss == 2500 * 4096);
    assert_true(p.shared == 1250 * 4096);
    assert_true(p.text == 5 * 4096);
    assert_true(p.data == 600 * 4096);

    for (n = 0; n < strlen(text); n++) {
        memset(&p, 0, sizeof(pm_proc_t));
        assert_int_equal(pm_pid_parse_statm(exact(text, n), n, 4096, &p), -1);
        assert_int_equal(p.have, 0);
    }
}


#define STATUS(name)                                                          \
    "Name:\t" name "\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\n"        \
    "Ngid:\t0\nPid:\t42\nPPid:\t1\nTracerPid:\t0\n"                           \
    "Uid:\t1000\t1001\t4294967295\t1003\n"                                    \
    "Gid:\t2000\t2001\t2002\t2003\n"                                          \
    "FDSize:\t64\nGroups:\t4 24 27 \nVmHWM:\t    9000 kB\n"                   \
    "Threads:\t7\nSigQ:\t0/31000\n"                                           \
    "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n"


static void
check_status(const char *text)
{
    pm_proc_t  p;

    memset(&p, 0, sizeof(pm_proc_t));

    assert_int_equal(pm_pid_parse_status(exact(text, strlen(text)),
                                         strlen(text), &p),
                     0);
    assert_int_equal(p.have, PM_HAVE_STATUS);
    assert_int_equal(p.uid[0], 1000);
    assert_int_equal(p.uid[1], 1001);
    assert_true(p.uid[2] == UINT32_MAX);
    assert_int_equal(p.gid[0], 2000);
    assert_int_equal(p.gid[1], 2001);
    assert_int_equal(p.gid[2], 2002);
    assert_int_equal(p.num_threads, 7);
    assert_int_equal(p.nvcsw, 150);
    assert_int_equal(p.nivcsw, 545);
}


static void
test_status_names(void **state)
{
    (void) state;

    check_status(STATUS("bash"));
    check_status(STATUS("Uid:\t0\t0\t0"));
    check_status(STATUS("Threads:\t99"));
    check_status(STATUS("a\\nUid:\t0\t0"));
    check_status(STATUS(""));
    check_status(STATUS("\xff\xfe"));
    check_status(STATUS("x") "x86_Thread_features:\t\n");
}


static void
test_status_cut(void **state)
{
    size_t       n, len;
    pm_proc_t    p;
    const char  *text;

    (void) state;

    text = STATUS("bash");
    len = strlen(text);

    for (n = 0; n < len; n++) {
        memset(&p, 0, sizeof(pm_proc_t));
        assert_int_equal(pm_pid_parse_status(exact(text, n), n, &p), -1);
        assert_int_equal(p.have, 0);
        assert_int_equal(p.uid[0], 0);
    }
}


static void
test_status_value(void **state)
{
    size_t       len;
    uint64_t     v;
    const char  *text;

    (void) state;

    text = STATUS("VmHWM:\t1 kB");
    len = strlen(text);
    v = 5;

    assert_int_equal(pm_pid_status_value(text, len, "VmHWM", &v), 0);
    assert_int_equal(v, 9000);
    assert_int_equal(pm_pid_status_value(text, len, "Tgid", &v), 0);
    assert_int_equal(v, 42);
    assert_int_equal(pm_pid_status_value(text, len, "VmRSS", &v), -1);
    assert_int_equal(pm_pid_status_value(text, len, "VmH", &v), -1);
    assert_int_equal(pm_pid_status_value(text, len, "State", &v), -1);
    assert_int_equal(pm_pid_status_value("", 0, "State", &v), -1);
    assert_int_equal(v, 42);
}


static const char *
cgroup(const char *text)
{
    static char  path[256];
    pm_slice_t   s;

    if (pm_pid_parse_cgroup(exact(text, strlen(text)), strlen(text), &s)
        == -1)
    {
        return "none";
    }

    memcpy(path, s.data, s.len);
    path[s.len] = '\0';

    return path;
}


static void
test_cgroup(void **state)
{
    (void) state;

    assert_string_equal(cgroup("0::/system.slice/nginx.service\n"),
                        "/system.slice/nginx.service");
    assert_string_equal(cgroup("0::/\n"), "/");
    assert_string_equal(cgroup("0::/a:b::c\n"), "/a:b::c");
    assert_string_equal(cgroup("9:name=systemd:/a\n8:pids:/b\n0::/\n"), "/a");
    assert_string_equal(cgroup("1:name=systemd:/a\n0::/c\n"), "/c");
    assert_string_equal(cgroup("8:pids:/b\n1:name=systemd:/a:0::/x\n"),
                        "/a:0::/x");
    assert_string_equal(cgroup("8:pids:/b\n0::/\n"), "/");
    assert_string_equal(cgroup("8:pids:/b\n"), "none");
    assert_string_equal(cgroup("8:pids:/0::/evil\n"), "none");
    assert_string_equal(cgroup("0::/cut"), "none");
    assert_string_equal(cgroup("0::"), "none");
    assert_string_equal(cgroup(""), "none");
}


static const char *
arguments(const char *s, size_t len)
{
    size_t       n;
    pm_args_t    args;
    pm_slice_t   arg;
    static char  joined[1024];

    n = 0;

    pm_pid_args(&args, exact(s, len), len);

    while (pm_pid_args_next(&args, &arg)) {
        joined[n++] = '[';
        memcpy(joined + n, arg.data, arg.len);
        n += arg.len;
        joined[n++] = ']';
    }

    joined[n] = '\0';

    return joined;
}

#define args(s)  arguments(s, sizeof(s) - 1)


static void
test_args(void **state)
{
    (void) state;

    assert_string_equal(args(""), "");
    assert_string_equal(args("a\0"), "[a]");
    assert_string_equal(args("a\0b c\0d\0"), "[a][b c][d]");
    assert_string_equal(args("a\0\0b\0"), "[a][][b]");
    assert_string_equal(args("\0b\0"), "[][b]");

    /* no zero at the end: a title */

    assert_string_equal(args("a b"), "[a][b]");
    assert_string_equal(args("a b "), "[a][b]");
    assert_string_equal(args("a  b"), "[a][][b]");

    /* one argument with blanks is a title as well */

    assert_string_equal(args("google-chrome --type=x y\0"),
                        "[google-chrome][--type=x][y]");

    /* padded ones keep their blanks and lose the padding */

    assert_string_equal(args("nginx: worker process\0\0\0\0\0"),
                        "[nginx: worker process]");
    assert_string_equal(args("\0"), "");
    assert_string_equal(args("\0\0\0"), "");
}


static void
test_io(void **state)
{
    size_t       n;
    pm_io_t      io;
    const char  *text;

    (void) state;

    text = "rchar: 323934931\nwchar: 18446744073709551615\nsyscr: 632687\n"
           "syscw: 632675\nread_bytes: 0\nwrite_bytes: 323932160\n"
           "cancelled_write_bytes: 5\n";

    assert_int_equal(pm_pid_parse_io(text, strlen(text), &io), 0);
    assert_int_equal(io.read_count, 632687);
    assert_int_equal(io.write_count, 632675);
    assert_int_equal(io.read_bytes, 0);
    assert_int_equal(io.write_bytes, 323932160);
    assert_int_equal(io.read_chars, 323934931);
    assert_true(io.write_chars == UINT64_MAX);

    for (n = 0; n < strlen(text) - 26; n++) {
        assert_int_equal(pm_pid_parse_io(exact(text, n), n, &io), -1);
    }
}


static void
test_smaps(void **state)
{
    size_t       n;
    pm_smaps_t   v;
    const char  *text;

    (void) state;

#define MAP(path)                                                             \
    "55d0-55d1 r--p 00000000 08:01 123        " path "\n"                     \
    "Size:   8 kB\nRss:    7 kB\nPss:    3 kB\nPss_Dirty:  1 kB\n"            \
    "Shared_Clean: 4 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 2 kB\n"         \
    "Private_Hugetlb: 4 kB\nSwap:  5 kB\nSwapPss: 9 kB\nVmFlags: rd\n"

    text = MAP("/bin/x") MAP("/tmp/Rss: 999 kB") MAP("");

    assert_int_equal(pm_pid_parse_smaps(text, strlen(text), &v), 0);
    assert_int_equal(v.rss, 21 * 1024);
    assert_int_equal(v.pss, 9 * 1024);
    assert_int_equal(v.uss, 21 * 1024);
    assert_int_equal(v.swap, 15 * 1024);

    for (n = 1; n < strlen(text); n++) {
        if (text[n - 1] != '\n') {
            assert_int_equal(pm_pid_parse_smaps(exact(text, n), n, &v), -1);
        }
    }

    assert_int_equal(v.rss, 21 * 1024);
    assert_int_equal(pm_pid_parse_smaps(exact("Private_\n", 9), 9, &v), -1);
    assert_int_equal(pm_pid_parse_smaps(exact("Rss:\n", 5), 5, &v), -1);

    /* a kernel thread has none */

    assert_int_equal(pm_pid_parse_smaps("", 0, &v), 0);
    assert_int_equal(v.rss, 0);
}


static const char *
variables(const char *s, size_t len)
{
    size_t        n;
    pm_slice_t    k, v;
    pm_environ_t  env;
    static char   joined[256];

    n = 0;

    pm_pid_environ(&env, exact(s, len), len);

    while (pm_pid_environ_next(&env, &k, &v)) {
        n += snprintf(joined + n, sizeof(joined) - n, "[%.*s|%.*s]",
                      (int) k.len, k.data, (int) v.len, v.data);
    }

    joined[n] = '\0';

    return joined;
}

#define env(s)  variables(s, sizeof(s) - 1)


static void
test_environ(void **state)
{
    (void) state;

    assert_string_equal(env(""), "");
    assert_string_equal(env("A=1\0B=\0"), "[A|1][B|]");
    assert_string_equal(env("A=1=2\0"), "[A|1=2]");
    assert_string_equal(env("=1\0noequal\0C=3\0"), "[C|3]");
    assert_string_equal(env("A=1\0\0B=2\0"), "[A|1]");
    assert_string_equal(env("A=1\0B=cut"), "[A|1]");
    assert_string_equal(env("\0A=1\0"), "");
    assert_string_equal(env("A=1\0A=2\0"), "[A|1][A|2]");
}


static const char *
name(const char *c, const char *cmdline, size_t len)
{
    pm_slice_t   comm, found;
    static char  buf[256];

    comm.data = c;
    comm.len = strlen(c);

    pm_pid_name(&comm, exact(cmdline, len), len, &found);

    memcpy(buf, found.data, found.len);
    buf[found.len] = '\0';

    return buf;
}

#define name_of(c, s)  name(c, s, sizeof(s) - 1)


static void
test_name(void **state)
{
    (void) state;

    assert_string_equal(name_of("bash", "/bin/bashful\0"), "bash");
    assert_string_equal(name_of("gnome-terminal-", "/usr/lib/gnome-terminal-"
                                "server\0-x\0"),
                        "gnome-terminal-server");
    assert_string_equal(name_of("gnome-terminal-", "gnome-terminal-\0"),
                        "gnome-terminal-");
    assert_string_equal(name_of("gnome-terminal-", "other-name-that-is-long"),
                        "gnome-terminal-");
    assert_string_equal(name_of("gnome-terminal-", ""), "gnome-terminal-");
    assert_string_equal(name_of("gnome-terminal-", "/x/\0"),
                        "gnome-terminal-");
    assert_string_equal(name_of("systemd-timesyn", "/lib/systemd/systemd-time"
                                "syncd\0\0\0\0"),
                        "systemd-timesyncd");

    /* fourteen bytes were not cut */

    assert_string_equal(name_of("abcdefghijklmn", "abcdefghijklmnop\0"),
                        "abcdefghijklmn");
}


static void
test_numbers(void **state)
{
    double       d;
    int64_t      i;
    uint64_t     u;
    const char  *s;

    (void) state;

#define parse(fn, text, v)                                                    \
    (exact(text, sizeof(text) - 1),                                           \
     fn(block, block + sizeof(text) - 1, v))
#define u64(text)      parse(pm_parse_u64, text, &u)
#define i64(text)      parse(pm_parse_i64, text, &i)
#define decimal(text)  parse(pm_parse_decimal, text, &d)

    u = 7;
    i = 7;
    d = 7;

    assert_null(u64(""));
    assert_null(u64("x"));
    assert_null(u64("-1"));
    assert_null(u64("18446744073709551616"));
    assert_null(u64("99999999999999999999"));
    assert_null(u64("184467440737095516150"));
    assert_int_equal(u, 7);

    s = u64("18446744073709551615");
    assert_ptr_equal(s, block + 20);
    assert_true(u == UINT64_MAX);

    assert_non_null(u64("00000000000000000000000000012 "));
    assert_int_equal(u, 12);

    assert_null(i64("-"));
    assert_null(i64("--1"));
    assert_null(i64("9223372036854775808"));
    assert_null(i64("-9223372036854775809"));
    assert_int_equal(i, 7);
    assert_non_null(i64("9223372036854775807"));
    assert_true(i == INT64_MAX);
    assert_non_null(i64("-9223372036854775808"));
    assert_true(i == INT64_MIN);
    assert_non_null(i64("-20 "));
    assert_int_equal(i, -20);

    assert_non_null(decimal("350735.47 "));
    assert_true(d == 350735.47);
    assert_non_null(decimal("12."));
    assert_true(d == 12);
    assert_non_null(decimal("0.1234567891234"));
    assert_true(d > 0.123456788 && d < 0.12345679);
    assert_null(decimal(".5"));
}


static int
teardown(void **state)
{
    (void) state;

    free(block);
    block = NULL;

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_stat_names),
        cmocka_unit_test(test_stat_cut),
        cmocka_unit_test(test_stat_garbage),
        cmocka_unit_test(test_statm),
        cmocka_unit_test(test_status_names),
        cmocka_unit_test(test_status_cut),
        cmocka_unit_test(test_status_value),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_args),
        cmocka_unit_test(test_io),
        cmocka_unit_test(test_smaps),
        cmocka_unit_test(test_environ),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_numbers)
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
