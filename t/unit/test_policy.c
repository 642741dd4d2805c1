
/* the policy: what it permits, and all the ways in which it is refused */


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "pm_policy.h"
#include "pm_path.h"


static char  text[PM_POLICY_SIZE + 16];


static int
parse(pm_policy_t *p, const char *s)
{
    size_t  len;

    len = strlen(s);
    memcpy(text, s, len);

    return pm_policy_parse(p, text, len);
}


static void
test_empty(void **state)
{
    pm_policy_t               p;
    const pm_policy_entry_t  *e;

    (void) state;

    assert_int_equal(parse(&p, ""), 0);
    assert_int_equal(p.n, 0);
    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_START,
                                       PM_ROLE_ADMIN, &e),
                     PM_DENY_UNKNOWN);
    assert_null(e);
    assert_int_equal(pm_policy_fields(&p, PM_ROLE_ADMIN), 0);
    assert_int_equal(pm_policy_actions(&p, "demo", PM_ROLE_ADMIN), 0);

    assert_int_equal(parse(&p, "\n  # nothing\n\t\n#service\n"), 0);
    assert_int_equal(p.n, 0);
}


static void
test_permit(void **state)
{
    pm_policy_t               p;
    const pm_policy_entry_t  *e;

    (void) state;

    assert_int_equal(parse(&p,
        "service demo lsb /srv/demo actions=start,stop roles=operator,admin "
            "timeout=5s pidfile=/run/demo.pid # mine\n"
        "service demo lsb /srv/demo actions=status roles=viewer "
            "pidfile=/run/demo.pid\n"
        "service web systemd nginx.service actions=reload roles=admin\n"
        "read fields=fd,nfiles roles=viewer\n"
        "read fields=all roles=admin\n"), 0);

    assert_int_equal(p.n, 5);

    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_START,
                                       PM_ROLE_OPERATOR, &e), PM_PERMIT);
    assert_string_equal(e->unit, "/srv/demo");
    assert_string_equal(e->pidfile, "/run/demo.pid");
    assert_int_equal(e->timeout, 5);
    assert_int_equal(e->line, 1);

    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_START,
                                       PM_ROLE_VIEWER, &e), PM_DENY_ROLE);
    assert_non_null(e);
    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_STATUS,
                                       PM_ROLE_VIEWER, &e), PM_PERMIT);
    assert_int_equal(e->line, 2);
    assert_int_equal(e->timeout, 30);

    /* what a later line permits to others only stays a matter of role */
    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_STATUS,
                                       PM_ROLE_ADMIN, &e), PM_DENY_ROLE);
    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_RESTART,
                                       PM_ROLE_ADMIN, &e), PM_DENY_ACTION);
    assert_int_equal(pm_policy_service(&p, "demo", -1, PM_ROLE_ADMIN, &e),
                     PM_DENY_ACTION);
    assert_int_equal(pm_policy_service(&p, "dem", PM_ACTION_START,
                                       PM_ROLE_ADMIN, &e), PM_DENY_UNKNOWN);
    assert_int_equal(pm_policy_service(&p, "demo", PM_ACTION_START, 0, &e),
                     PM_DENY_ROLE);

    assert_int_equal(pm_policy_actions(&p, "demo", PM_ROLE_VIEWER),
                     1 << PM_ACTION_STATUS);
    assert_int_equal(pm_policy_actions(&p, "demo", PM_ROLE_ADMIN),
                     1 << PM_ACTION_START | 1 << PM_ACTION_STOP);
    assert_int_equal(pm_policy_actions(&p, "web", PM_ROLE_OPERATOR), 0);

    assert_int_equal(pm_policy_fields(&p, PM_ROLE_VIEWER),
                     1 << PM_READ_FD | 1 << PM_READ_NFILES);
    assert_int_equal(pm_policy_fields(&p, PM_ROLE_OPERATOR), 0);
    assert_int_equal(pm_policy_fields(&p, PM_ROLE_ADMIN),
                     (1 << PM_READ_MAX) - 1);

    pm_policy_free(&p);
    assert_int_equal(p.n, 0);
}


static void
test_words(void **state)
{
    int  i;

    (void) state;

    for (i = 0; i < PM_ACTIONS; i++) {
        assert_int_equal(pm_action(pm_action_names[i]), i);
    }

    assert_int_equal(pm_action(""), -1);
    assert_int_equal(pm_action("Start"), -1);
    assert_int_equal(pm_role("viewer"), PM_ROLE_VIEWER);
    assert_int_equal(pm_role("operator"), PM_ROLE_OPERATOR);
    assert_int_equal(pm_role("admin"), PM_ROLE_ADMIN);
    assert_int_equal(pm_role("root"), 0);
    assert_int_equal(pm_role(""), 0);
}


static void
test_all_kinds(void **state)
{
    pm_policy_t               p;
    const pm_policy_entry_t  *e;

    (void) state;

    assert_int_equal(parse(&p,
        "service q supervisor workers:q config=/etc/s.conf "
            "actions=start,stop,restart,reload,enable,disable,status "
            "roles=admin\n"
        "command sv path=/usr/bin/supervisorctl supervisorctl "
            "enum(start,stop) int(-1..10) \"a b=(c)\" user=root roles=admin "
            "timeout=3 output=4k example=\"say \\\"a b\\\" \\\\\"\n"
        "signal uid=0,1000..59999 sigs=TERM,KILL,STOP,CONT roles=operator\n"
        "priority uid=1000 nice=-5..19 ionice=idle,best-effort affinity=on "
            "roles=admin\n"
        "journal unit=a.service,b.service roles=admin lines=50\n"
        "schedule roles=admin\n"
        "protect pid=1,2..5 unit=ssh.service\n"), 0);

    assert_int_equal(p.n, 7);

    e = &p.entry[0];
    assert_int_equal(e->manager, PM_MANAGER_SUPERVISOR);
    assert_string_equal(e->unit, "workers:q");
    assert_string_equal(e->config, "/etc/s.conf");
    assert_int_equal(e->actions, (1 << PM_ACTIONS) - 1);

    e = &p.entry[1];
    assert_string_equal(e->path, "/usr/bin/supervisorctl");
    assert_int_equal(e->nwords, 4);
    assert_string_equal(e->words[0], "supervisorctl");
    assert_string_equal(e->words[1], "enum(start,stop)");
    assert_string_equal(e->words[2], "int(-1..10)");
    assert_string_equal(e->words[3], "a b=(c)");
    assert_true(e->placeholders == 6);
    assert_string_equal(e->user, "root");
    assert_int_equal(e->timeout, 3);
    assert_int_equal(e->output, 4096);
    assert_string_equal(e->example, "say \"a b\" \\");

    e = &p.entry[2];
    assert_int_equal(e->nranges, 2);
    assert_true(e->range[0].from == 0 && e->range[0].to == 0);
    assert_true(e->range[1].from == 1000 && e->range[1].to == 59999);
    assert_true(e->sigs == (1u << 15 | 1u << 9 | 1u << 19 | 1u << 18));

    e = &p.entry[3];
    assert_true(e->nice.from == -5 && e->nice.to == 19);
    assert_int_equal(e->ionice, 12);
    assert_int_equal(e->affinity, 2);

    assert_int_equal(p.entry[4].lines, 50);
    assert_string_equal(p.entry[4].unit, "a.service,b.service");
    assert_int_equal(p.entry[6].nranges, 2);

    pm_policy_free(&p);
}


static void
test_refused(void **state)
{
    char         want[32];
    char         line[1024];
    size_t       i;
    pm_policy_t  p;

#define S  "service d lsb /s/d actions=start roles=admin"
#define C  "command c path=/bin/x x user=root roles=admin"

    static const char *const  bad[] = {
        "allow everything", "Service d lsb /s/d actions=start roles=admin",
        "\"service\" d lsb /s/d actions=start roles=admin",
        "service", "service d", "service d lsb", "service d lsb /s/d",
        "service d lsb /s/d actions=start", "service d lsb /s/d roles=admin",
        "service -d lsb /s/d actions=start roles=admin",
        "service d/e lsb /s/d actions=start roles=admin",
        "service \"d e\" lsb /s/d actions=start roles=admin",
        "service \"\" lsb /s/d actions=start roles=admin",
        "service d upstart /s/d actions=start roles=admin",
        "service d lsb /s/../d actions=start roles=admin",
        "service d lsb /s/./d actions=start roles=admin",
        "service d lsb /s//d actions=start roles=admin",
        "service d lsb /s/ actions=start roles=admin",
        "service d lsb / actions=start roles=admin",
        "service d lsb ../d actions=start roles=admin",
        "service d systemd a/b.service actions=start roles=admin",
        "service d systemd -a actions=start roles=admin",
        "service d supervisor a;b actions=start roles=admin config=/c",
        "service d supervisor a actions=start roles=admin",
        "service d lsb /s/d actions=start,kill roles=admin",
        "service d lsb /s/d actions=start, roles=admin",
        "service d lsb /s/d actions= roles=admin",
        "service d lsb /s/d actions=start,start roles=admin",
        "service d lsb /s/d actions=Start roles=admin",
        "service d lsb /s/d actions=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
            "roles=admin",
        "service d lsb /s/d actions=start roles=root",
        "service d lsb /s/d actions=start roles=*",
        S " roles=admin", S " timeout=0", S " timeout=3601",
        S " timeout=1m", S " timeout=", S " timeout=s", S " timeout=-1",
        S " timeout=99999999999", S " pidfile=run/x", S " pidfile=",
        S " config=/c", S " path=/bin/x", S " user=root", S " extra",
        S " =x", S " \"timeout=3\"", S " timeout",
        "service d systemd d.service actions=start roles=admin pidfile=/x",
        S "\x01", S " pidfile=/x\x7f", S "\r", S " pidfile=\"/x",
        S " pidfile=\"/x\\n\"", S " pidfile=\"/x\ty\"",
        C " timeut=3", C " int(1..)", C " int(10..1)", C " int(1)",
        C " int()", C " int(", C " int(a..b)", C " enum()", C " enum(a,)",
        C " enum(,a)", C " enum(a,,b)", C " enum(a", C " regex(.*)",
        C " \"\"", C " output=65k", C " output=65537", C " output=k",
        C " user=root", "command c path=/bin/x user=root roles=admin",
        "command c x user=root roles=admin",
        "command c path=bin/x x user=root roles=admin",
        "command c path=/bin/x x roles=admin",
        "command c path=/bin/x x user=-x roles=admin",
        "signal sigs=TERM roles=admin", "signal uid=1 roles=admin",
        "signal uid=1 sigs=SIGTERM roles=admin",
        "signal uid=1 sigs=9 roles=admin",
        "signal uid=1 sigs=TERM,TERM roles=admin",
        "signal uid=5..1 sigs=TERM roles=admin",
        "signal uid=-1 sigs=TERM roles=admin",
        "signal uid=4294967295 sigs=TERM roles=admin",
        "signal uid=1,2,3,4,5,6,7,8,9 sigs=TERM roles=admin",
        "signal uid=all sigs=TERM roles=admin",
        "signal uid=1... sigs=TERM roles=admin",
        "priority uid=1 roles=admin", "priority uid=1 nice=-21..0 roles=admin",
        "priority uid=1 nice=0..20 roles=admin",
        "priority uid=1 ionice=fast roles=admin",
        "priority uid=1 affinity=yes roles=admin",
        "read roles=admin", "read fields=fd", "read fields=mem roles=admin",
        "read fields=all,fd roles=admin", "read fields=fd roles=",
        "journal roles=admin", "journal unit=a/b roles=admin",
        "journal unit=a roles=admin lines=0", "schedule",
        "schedule all roles=admin", "protect", "protect pid=x",
        "protect unit=", "protect pid=1 roles=admin",
        S "\n" C "\n" C,
        S "\nservice d lsb /s/e actions=stop roles=admin",
        S "\nservice d systemd d.service actions=stop roles=admin",
        S "\nservice d lsb /s/d actions=stop roles=admin pidfile=/x",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        snprintf(line, sizeof(line), "# a comment\n%s\n", bad[i]);

        if (parse(&p, line) == 0) {
            fail_msg("accepted: %s", bad[i]);
        }

        assert_int_equal(p.n, 0);
        assert_null(p.entry);

        snprintf(want, sizeof(want), "line %d: ",
                 2 + (strchr(bad[i], '\n') != NULL)
                   + (strchr(bad[i], '\n') != strrchr(bad[i], '\n')));

        if (strncmp(p.error, want, strlen(want)) != 0) {
            fail_msg("%s: \"%s\"", bad[i], p.error);
        }
    }

    /* one bad line takes the good ones with it */
    assert_int_equal(parse(&p, S "\nnonsense\n"), -1);
    assert_int_equal(p.n, 0);

    assert_int_equal(parse(&p, S), -1);
    assert_string_equal(p.error, "line 1: the last line has no end");

    memcpy(text, S "\0\n", sizeof(S) + 1);
    assert_int_equal(pm_policy_parse(&p, text, sizeof(S) + 1), -1);
    assert_string_equal(p.error, "line 1: a zero byte");
}


static void
test_many(void **state)
{
    char         *s;
    size_t        i, n;
    pm_policy_t   p;

    (void) state;

    for (i = 0, n = 0; i < 3000; i++) {
        s = text + n;
        n += (size_t) snprintf(s, sizeof(text) - n, "service s%zu lsb /s/%zu "
                               "actions=start roles=admin\n", i, i);
    }

    assert_int_equal(pm_policy_parse(&p, text, n), 0);
    assert_int_equal(p.n, 3000);
    assert_string_equal(p.entry[2999].name, "s2999");
    pm_policy_free(&p);

    /* too many words in a line */
    for (i = 0, n = 0; i < PM_POLICY_WORDS + 1; i++) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "service ");
    }

    text[n++] = '\n';
    assert_int_equal(pm_policy_parse(&p, text, n), -1);
}


static void
test_mutated(void **state)
{
    long          i;
    char          copy[512];
    size_t        n;
    pm_policy_t   p;

    static const char  good[] = S " timeout=5\n" C " int(1..3) enum(a,b)\n"
        "signal uid=1..5 sigs=TERM roles=admin\nread fields=all roles=admin\n"
        "protect pid=1 unit=x\n";

    (void) state;

    srand(7);

    for (i = 0; i < 20000; i++) {
        memcpy(copy, good, sizeof(good));

        for (n = (size_t) rand() % 4 + 1; n; n--) {
            copy[(size_t) rand() % (sizeof(good) - 1)] = (char) rand();
        }

        if (pm_policy_parse(&p, copy, sizeof(good) - 1) == 0) {
            pm_policy_free(&p);
        }
    }
}


static void
test_file(void **state)
{
    char         dir[64], path[128], other[128], why[256];
    FILE        *f;
    pm_policy_t  p;
    struct stat  st;

    (void) state;

    /* below the working folder: /tmp is everybody's */

    snprintf(dir, sizeof(dir), "build/policy.%d", (int) getpid());
    (void) mkdir("build", 0755);
    assert_int_equal(mkdir(dir, 0755), 0);

    assert_non_null(realpath(dir, text));
    snprintf(path, sizeof(path), "%.100s/policy.conf", text);
    snprintf(other, sizeof(other), "%.100s/other", text);

    f = fopen(path, "w");
    assert_non_null(f);
    fputs(S "\n", f);
    fclose(f);
    assert_int_equal(chmod(path, 0644), 0);

    if (pm_policy_load(&p, path, getuid()) != 0) {
        fprintf(stderr, "%s: only the refusals are tested\n", p.error);

    } else {
        assert_int_equal(p.n, 1);
        pm_policy_free(&p);
    }

    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(chmod(path, 0646), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(chmod(path, 0644), 0);

    assert_int_equal(symlink("policy.conf", other), 0);
    assert_int_equal(pm_policy_load(&p, other, getuid()), -1);
    assert_int_equal(unlink(other), 0);

    assert_int_equal(link(path, other), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(unlink(other), 0);

    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(chmod(dir, 01777), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(chmod(dir, 0755), 0);

    assert_int_equal(pm_policy_load(&p, dir, getuid()), -1);
    assert_non_null(strstr(p.error, "not an absolute path"));
    assert_int_equal(pm_policy_load(&p, "/dev/null", getuid()), -1);
    assert_int_equal(pm_policy_load(&p, "/", getuid()), -1);
    assert_int_equal(pm_policy_load(&p, "/proc/self/root/x/y", getuid()),
                     -1);
    assert_int_equal(pm_path_open("/tmp/x", getuid(), 0, &st, why,
                                  sizeof(why)), -1);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(pm_policy_load(&p, path, getuid()), -1);
    assert_int_equal(rmdir(dir), 0);
}


static void
test_path(void **state)
{
    int          fd;
    char         why[256];
    struct stat  st;

    (void) state;

    /* links on the way, of a system where /bin is one */

    fd = pm_path_open("/bin/sh", 0, 0, &st, why, sizeof(why));
    assert_true(fd != -1);
    assert_true(S_ISREG(st.st_mode));
    close(fd);

    fd = pm_path_open("/usr/../bin//sh", 0, 0, &st, why, sizeof(why));
    assert_true(fd != -1);
    close(fd);

    assert_int_equal(pm_path_open("/bin/sh", 0, PM_PATH_DIR, &st, why,
                                  sizeof(why)), -1);
    assert_int_equal(pm_path_open("/bin/sh/x", 0, 0, &st, why, sizeof(why)),
                     -1);
    assert_int_equal(pm_path_open("", 0, 0, &st, why, sizeof(why)), -1);
    assert_int_equal(pm_path_open("/bin/sh", 0, PM_PATH_SECRET, &st, why,
                                  sizeof(why)), -1);

    fd = pm_path_open("/", 0, PM_PATH_DIR, &st, why, sizeof(why));
    assert_true(fd != -1);
    close(fd);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_permit),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_mutated),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
