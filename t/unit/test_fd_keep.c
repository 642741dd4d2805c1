
/* sockets kept between walks, and network namespaces of processes */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pm_fd_keep.h"
#include "pm_netns.h"


static void
pause_ms(long ms)
{
    struct timespec  ts = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&ts, NULL);
}


static pm_fd_kept_t
kept(int32_t pid, uint64_t ran)
{
    pm_fd_kept_t  k;

    memset(&k, 0, sizeof(k));

    k.pid = pid;
    k.starttime = 7;
    k.taken = 1000;
    k.state.ran = ran;
    k.state.turns = 3;
    k.state.fds = 4;

    return k;
}


static void
keeps(void **state)
{
    size_t                 n;
    pm_fd_map_t            map;
    pm_fd_keep_t           keep, next;
    pm_fd_kept_t           k;
    const pm_fd_kept_t    *found;
    const pm_fd_holder_t  *h;

    (void) state;

    memset(&keep, 0, sizeof(keep));
    memset(&next, 0, sizeof(next));

    k = kept(20, 5);
    assert_null(pm_fd_keep_find(&keep, &k));

    /* not in order; the second could not be read */

    pm_fd_keep_begin(&keep, &k);
    pm_fd_keep_link(&keep, 200, 3);
    pm_fd_keep_link(&keep, 201, 4);

    k = kept(15, 5);
    pm_fd_keep_begin(&keep, &k);
    pm_fd_keep_link(&keep, 150, 3);
    pm_fd_keep_cut(&keep);

    k = kept(10, 5);
    k.until = 5000;
    pm_fd_keep_begin(&keep, &k);
    pm_fd_keep_link(&keep, 100, 9);

    pm_fd_keep_sort(&keep);

    assert_int_equal(keep.error, 0);
    assert_int_equal(keep.n, 2);
    assert_int_equal(keep.nlinks, 3);

    k = kept(15, 5);
    k.taken = 2000;
    assert_null(pm_fd_keep_find(&keep, &k));

    /* as it was */

    k = kept(20, 5);
    k.taken = 1000 + PM_FD_KEEP_AGE;
    assert_non_null(pm_fd_keep_find(&keep, &k));

    /* too young to be told from one that is on a processor all the time */

    k.taken--;
    assert_null(pm_fd_keep_find(&keep, &k));

    /* it ran, got a turn, has another descriptor, is another process */

    k.taken = 2000;
    k.state.ran++;
    assert_null(pm_fd_keep_find(&keep, &k));
    k.state.ran--;
    k.state.turns++;
    assert_null(pm_fd_keep_find(&keep, &k));
    k.state.turns--;
    k.state.fds++;
    assert_null(pm_fd_keep_find(&keep, &k));
    k.state.fds--;
    k.state.threads++;
    assert_null(pm_fd_keep_find(&keep, &k));
    k.state.threads--;
    k.starttime++;
    assert_null(pm_fd_keep_find(&keep, &k));
    k.starttime--;

    found = pm_fd_keep_find(&keep, &k);
    assert_non_null(found);

    /* one that has an end */

    k = kept(10, 5);
    k.taken = 4999;
    assert_non_null(pm_fd_keep_find(&keep, &k));
    k.taken = 5000;
    assert_null(pm_fd_keep_find(&keep, &k));

    /* into a map that wants one of the two, and on to the next */

    assert_int_equal(pm_fd_map_init(&map, 4), 0);
    pm_fd_map_want(&map, 201);

    pm_fd_keep_begin(&next, found);
    map.keep = &next;
    pm_fd_keep_add(&keep, found, &map);
    map.keep = NULL;

    pm_fd_map_sort(&map);

    h = pm_fd_map_find(&map, 201, &n);
    assert_int_equal(n, 1);
    assert_int_equal(h->pid, 20);
    assert_int_equal(h->fd, 4);
    assert_null(pm_fd_map_find(&map, 200, &n));

    assert_int_equal(next.n, 1);
    assert_int_equal(next.elts[0].n, 2);
    assert_int_equal(next.links[1].inode, 201);

    pm_fd_map_free(&map);
    pm_fd_keep_free(&next);
    pm_fd_keep_free(&keep);
}


/* a process that opens a socket whenever it is told to */

static void
states(void **state)
{
    int            proc, fd[2];
    char           c;
    pid_t          pid;
    pm_fd_state_t  a, b;

    (void) state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        close(fd[0]);

        while (read(fd[1], &c, 1) == 1) {
            (void) !socket(AF_INET, SOCK_DGRAM, 0);
            (void) !write(fd[1], &c, 1);
        }

        _exit(0);
    }

    close(fd[1]);
    pause_ms(50);

    proc = open("/proc", O_RDONLY|O_DIRECTORY);
    assert_true(proc != -1);

    if (pm_fd_state(&a, proc, pid) == -1) {
        /* a kernel that does not count */
        close(proc);
        close(fd[0]);
        (void) waitpid(pid, NULL, 0);
        skip();
    }

    pause_ms(50);
    assert_int_equal(pm_fd_state(&b, proc, pid), 0);
    assert_memory_equal(&a, &b, sizeof(a));

    c = 'x';
    assert_int_equal(write(fd[0], &c, 1), 1);
    assert_int_equal(read(fd[0], &c, 1), 1);
    pause_ms(50);

    assert_int_equal(pm_fd_state(&b, proc, pid), 0);
    assert_true(b.turns > a.turns);
    assert_true(b.ran > a.ran);
    assert_true(b.fds == a.fds + 1 || b.fds == 0);

    close(fd[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(pm_fd_state(&b, proc, pid), -1);

    close(proc);
}


static void *
thread(void *arg)
{
    char  c;
    int  *fd = arg;

    while (read(fd[1], &c, 1) == 1) {
        (void) !socket(AF_INET, SOCK_DGRAM, 0);
        (void) !write(fd[1], &c, 1);
    }

    return NULL;
}


/* what any of its threads does is seen, and a thread more is */

static void
threads(void **state)
{
    int            i, proc, fd[2], more;
    char           c;
    pid_t          pid;
    pthread_t      tid;
    pm_fd_state_t  a, b;

    (void) state;

    proc = open("/proc", O_RDONLY|O_DIRECTORY);
    assert_true(proc != -1);

    if (pm_fd_state(&a, proc, getpid()) == -1) {
        close(proc);
        skip();
    }

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);

    for (more = 1; more <= PM_FD_KEEP_THREADS; more += 5) {

        pid = fork();
        assert_true(pid != -1);

        if (pid == 0) {
            for (i = 0; i < more; i++) {
                (void) !pthread_create(&tid, NULL, thread, fd);
            }

            for ( ;; ) {
                pause();
            }
        }

        pause_ms(100);

        if (1 + more > PM_FD_KEEP_THREADS) {
            assert_int_equal(pm_fd_state(&a, proc, pid), -1);

        } else {
            assert_int_equal(pm_fd_state(&a, proc, pid), 0);
            pause_ms(50);
            assert_int_equal(pm_fd_state(&b, proc, pid), 0);
            assert_memory_equal(&a, &b, sizeof(a));

            c = 'x';
            assert_int_equal(write(fd[0], &c, 1), 1);
            assert_int_equal(read(fd[0], &c, 1), 1);
            pause_ms(50);

            assert_int_equal(pm_fd_state(&b, proc, pid), 0);
            assert_true(b.turns > a.turns);
            assert_int_equal(b.threads, a.threads);
            assert_true(b.fds == a.fds + 1 || b.fds == 0);
        }

        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }

    close(fd[0]);
    close(fd[1]);
    close(proc);
}


static void
namespaces(void **state)
{
    int                 proc, fd, pipes[2];
    pid_t               pid;
    socklen_t           len;
    uint16_t            port;
    pm_socks_t          s;
    struct stat         st;
    pm_netnses_t        list;
    struct sockaddr_in  sin;

    (void) state;

    proc = open("/proc", O_RDONLY|O_DIRECTORY);
    assert_true(proc != -1);

    assert_int_equal(pm_netns_init(&list, proc), 0);
    assert_int_equal(stat("/proc/self/ns/net", &st), 0);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.elts[0].number, st.st_ino);

    /* the same once more, and nobody */

    assert_int_equal(pm_netns_add(&list, getppid()), 0);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.elts[0].npids, 2);
    assert_int_equal(pm_netns_add(&list, 2147483647), ENOENT);

    pm_socks_init(&s);
    assert_int_equal(pm_netns_sockets(&list, &s, PM_SOCK_ALL, PM_SOCK_ANY,
                                      PM_SOCK_ANY), 0);
    assert_int_equal(s.n, 0);

    /* another one, with one socket */

    assert_int_equal(pipe(pipes), 0);

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        port = 0;

        if (unshare(CLONE_NEWNET) == 0) {
            memset(&sin, 0, sizeof(sin));
            sin.sin_family = AF_INET;
            len = sizeof(sin);

            fd = socket(AF_INET, SOCK_STREAM, 0);

            if (bind(fd, (struct sockaddr *) &sin, len) == 0
                && listen(fd, 5) == 0
                && getsockname(fd, (struct sockaddr *) &sin, &len) == 0)
            {
                port = ntohs(sin.sin_port);
            }
        }

        (void) !write(pipes[1], &port, sizeof(port));

        for ( ;; ) {
            pause();
        }
    }

    assert_int_equal(read(pipes[0], &port, sizeof(port)), sizeof(port));

    if (port) {
        assert_int_equal(pm_netns_add(&list, pid), 0);
        assert_int_equal(list.n, 2);
        assert_true(list.elts[1].number != list.elts[0].number);

        assert_int_equal(pm_netns_sockets(&list, &s, PM_SOCK_ALL,
                                          1 << PM_SOCK_LISTEN, 0), 0);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.elts[0].local_port, port);
        assert_int_equal(s.elts[0].netns, 1);
        assert_true(s.elts[0].inode != 0);

        s.n = 0;
    }

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    if (port) {
        /* its processes have ended: it has no sockets, which is no error */

        assert_int_equal(pm_netns_sockets(&list, &s, PM_SOCK_ALL,
                                          PM_SOCK_ANY, PM_SOCK_ANY), 0);
        assert_int_equal(s.n, 0);
    }

    close(pipes[0]);
    close(pipes[1]);
    close(proc);
    pm_socks_free(&s);
    pm_netns_free(&list);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keeps),
        cmocka_unit_test(states),
        cmocka_unit_test(threads),
        cmocka_unit_test(namespaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
