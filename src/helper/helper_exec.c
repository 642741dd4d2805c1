
/* running one program to its end, or to ours */


#include "helper.h"
#include "../policy/pm_fail.h"
#include "../policy/pm_path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>


#define HELPER_EXEC_KILL   5000       /* ms from SIGTERM to SIGKILL */
#define HELPER_EXEC_GIVEUP 5000       /* ms from SIGKILL to leaving it */
#define HELPER_EXEC_STEP   50         /* ms between looks at strays */


typedef struct {
    pid_t           pid;
    int             pidfd;
    int             out;
    int             err;
    int             ended;            /* the program; status is known */
    int             status;
} helper_child_t;


static int helper_exec_open(const char *path, int *elf, char *why,
    size_t size);
static void helper_exec_child(helper_run_t *run, int fd, int elf, int *pipes,
    pid_t parent) __attribute__((noreturn));
static int helper_exec_started(int fd, const char *path, char *why,
    size_t size);
static void helper_exec_wait(helper_run_t *run, helper_child_t *c);
static void helper_exec_output(helper_run_t *run, helper_child_t *c);
static int helper_exec_drain(int fd, const helper_run_t *run, uint8_t *buf,
    size_t *len, uint64_t *total);
static void helper_exec_reap(helper_run_t *run, helper_child_t *c);


/* would this program be run? */

int
helper_exec_check(const char *path, char *why, size_t size)
{
    int  fd, elf;

    fd = helper_exec_open(path, &elf, why, size);

    if (fd == -1) {
        return -1;
    }

    close(fd);

    return 0;
}


int
helper_exec(helper_run_t *run)
{
    int             fd, elf, i, rc, pipes[6];
    pid_t           self;
    uint64_t        start;
    const char     *path;
    helper_child_t  c;

    char *const     why = run->why;
    const size_t    size = sizeof(run->why);

    run->out_len = 0;
    run->err_len = 0;
    run->out_total = 0;
    run->err_total = 0;
    run->exit_code = -1;
    run->signal = 0;
    run->timed_out = 0;
    run->argv[run->argc] = NULL;

    path = run->path ? run->path : run->argv[0];

    fd = helper_exec_open(path, &elf, why, size);
    if (fd == -1) {
        return -1;
    }

    for (i = 0; i < 6; i += 2) {
        if (pipe2(pipes + i, O_CLOEXEC) == -1) {
            snprintf(why, size, "pipe failed: %s", strerror(errno));

            while (i--) {
                close(pipes[i]);
            }

            close(fd);
            return -1;
        }
    }

    pm_fail(action_before, run->argv[run->argc - 1]);

    helper_stray_spare();

    memset(&c, 0, sizeof(c));
    start = helper_now();

    if (run->measure) {
        helper_measure_start(run->measure);
    }

    self = getpid();
    c.pid = fork();

    if (c.pid == 0) {
        helper_exec_child(run, fd, elf, pipes, self);
    }

    close(fd);
    close(pipes[1]);
    close(pipes[3]);
    close(pipes[5]);

    c.out = pipes[2];
    c.err = pipes[4];
    c.pidfd = -1;
    rc = -1;

    if (c.pid == -1) {
        snprintf(why, size, "fork failed: %s", strerror(errno));

    } else if (helper_exec_started(pipes[0], path, why, size) != 0) {
        (void) waitpid(c.pid, NULL, 0);

    } else {
        pm_fail(action_running, run->argv[run->argc - 1]);

        rc = 0;
        c.pidfd = (int) syscall(SYS_pidfd_open, c.pid, 0);

        (void) fcntl(c.out, F_SETFL, O_NONBLOCK);
        (void) fcntl(c.err, F_SETFL, O_NONBLOCK);

        helper_exec_wait(run, &c);

        pm_fail(action_ended, run->argv[run->argc - 1]);

        run->duration = helper_now() - start;

        if (c.ended && WIFEXITED(c.status)) {
            run->exit_code = WEXITSTATUS(c.status);

        } else if (c.ended && WIFSIGNALED(c.status)) {
            run->signal = WTERMSIG(c.status);
        }
    }

    close(pipes[0]);

    if (c.out != -1) {
        close(c.out);
    }

    if (c.err != -1) {
        close(c.err);
    }

    if (c.pidfd != -1) {
        close(c.pidfd);
    }

    return rc;
}


/*
 * A binary is executed by the descriptor that was checked.  A script loses
 * its $0 that way and goes by its path; nobody can swap it, since every
 * folder on the way belongs to its owners and nobody else can write there.
 */

static int
helper_exec_open(const char *path, int *elf, char *why, size_t size)
{
    int          fd;
    char         magic[4];
    ssize_t      n;
    struct stat  st;

    fd = pm_path_open(path, helper_owner, 0, &st, why, size);
    if (fd == -1) {
        return -1;
    }

    if (!(st.st_mode & S_IXUSR)) {
        snprintf(why, size, "%s is not executable", path);
        close(fd);
        return -1;
    }

    n = pread(fd, magic, sizeof(magic), 0);

    if (n == 4 && memcmp(magic, "\177ELF", 4) == 0) {
        *elf = 1;
        return fd;
    }

    if (n >= 2 && memcmp(magic, "#!", 2) == 0) {
        *elf = 0;
        return fd;
    }

    snprintf(why, size, "%s is neither a binary nor a script", path);
    close(fd);

    return -1;
}


static void
helper_exec_child(helper_run_t *run, int fd, int elf, int *pipes,
    pid_t parent)
{
    int     null, err;
    char  **argv;

    helper_env_child(run->user);

    /*
     * A command does not go on without the helper, which is to end it at its
     * time and holds its lock.  What acts on a service goes on to its end: a
     * restart must not stop half-way.  The kernel forgets this with each
     * change of the user, so it is said last.
     */

    if (run->path && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1
                      || getppid() != parent))
    {
        _exit(127);
    }

    argv = (char **) (uintptr_t) run->argv;
    null = open("/dev/null", O_RDONLY|O_NOCTTY|O_CLOEXEC);

    if (null != -1 && dup2(null, 0) != -1 && dup2(pipes[3], 1) != -1
        && dup2(pipes[5], 2) != -1
        && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    {
        if (elf) {
            fexecve(fd, argv, environ);

        } else {
            execve(run->path ? run->path : argv[0], argv, environ);
        }
    }

    err = errno;
    _exit(write(pipes[1], &err, sizeof(err)) == sizeof(err) ? 127 : 126);
}


/* the pipe closes at exec, or brings errno */

static int
helper_exec_started(int fd, const char *path, char *why, size_t size)
{
    int      err;
    ssize_t  n;

    do {
        n = read(fd, &err, sizeof(err));
    } while (n == -1 && errno == EINTR);

    if (n == 0) {
        return 0;
    }

    snprintf(why, size, "exec %s failed: %s", path,
             n == sizeof(err) ? strerror(err) : "no word from the child");

    return -1;
}


/*
 * Until the program ended; not until its output did, which a daemon that it
 * started may keep open for ever.
 */

static void
helper_exec_wait(helper_run_t *run, helper_child_t *c)
{
    int            n, wait, killed;
    uint64_t       now, deadline;
    struct pollfd  pfd[3];

    deadline = helper_now() + run->timeout;
    killed = 0;

    for ( ;; ) {
        now = helper_now();
        wait = now < deadline ? (int) (deadline - now) : 0;

        if (run->timed_out || c->pidfd == -1) {
            wait = wait < HELPER_EXEC_STEP ? wait : HELPER_EXEC_STEP;
        }

        if (run->measure) {
            n = helper_measure_sample(run->measure, c->pid);
            wait = wait < n ? wait : n;
        }

        pfd[0].fd = c->ended ? -1 : c->pidfd;
        pfd[1].fd = c->out;
        pfd[2].fd = c->err;

        for (n = 0; n < 3; n++) {
            pfd[n].events = POLLIN;
            pfd[n].revents = 0;
        }

        (void) poll(pfd, 3, wait);

        helper_exec_output(run, c);
        helper_exec_reap(run, c);

        if (c->ended && !run->timed_out) {
            helper_exec_output(run, c);
            return;
        }

        if (run->timed_out && c->ended && helper_stray_kill(0) == 0) {
            return;
        }

        if (helper_now() < deadline) {

            if (killed) {
                (void) kill(-c->pid, SIGKILL);
                (void) helper_stray_kill(SIGKILL);
            }

            continue;
        }

        if (killed) {
            return;                   /* not even SIGKILL ends it */
        }

        killed = run->timed_out;
        run->timed_out = 1;
        deadline = helper_now()
                   + (killed ? HELPER_EXEC_GIVEUP : HELPER_EXEC_KILL);

        (void) kill(-c->pid, killed ? SIGKILL : SIGTERM);
        (void) helper_stray_kill(killed ? SIGKILL : SIGTERM);
    }
}


static void
helper_exec_output(helper_run_t *run, helper_child_t *c)
{
    if (c->out != -1
        && helper_exec_drain(c->out, run, run->out, &run->out_len,
                             &run->out_total))
    {
        close(c->out);
        c->out = -1;
    }

    if (c->err != -1
        && helper_exec_drain(c->err, run, run->err, &run->err_len,
                             &run->err_total))
    {
        close(c->err);
        c->err = -1;
    }
}


/* what is there, but not for ever; 1 at the end */

static int
helper_exec_drain(int fd, const helper_run_t *run, uint8_t *buf, size_t *len,
    uint64_t *total)
{
    int       i;
    size_t    cap, room, take;
    ssize_t   n;
    uint8_t   chunk[16384];

    cap = run->cap ? run->cap : PM_WIRE_OUTPUT;

    for (i = 0; i < 64; i++) {

        n = read(fd, chunk, sizeof(chunk));

        if (n == -1) {
            return errno != EAGAIN && errno != EINTR;
        }

        if (n == 0) {
            return 1;
        }

        *total += (uint64_t) n;
        room = buf ? cap - *len : 0;
        take = (size_t) n;

        if (buf && run->tail && take > room) {
            take -= room;             /* so much of the first has to go */
            memmove(buf, buf + take, *len - take);
            *len -= take;
            take = (size_t) n;

        } else if (take > room) {
            take = room;
        }

        if (take) {
            memcpy(buf + *len, chunk, take);
            *len += take;
        }
    }

    return 0;
}


/* orphans of the program are ours too: we are their subreaper */

static void
helper_exec_reap(helper_run_t *run, helper_child_t *c)
{
    int            status;
    pid_t          pid;
    struct rusage  usage;

    for ( ;; ) {
        pid = wait4(-1, &status, WNOHANG, &usage);

        if (pid <= 0) {
            return;
        }

        if (pid == c->pid) {
            c->ended = 1;
            c->status = status;

            if (run->measure) {
                helper_measure_end(run->measure, &usage);
            }
        }
    }
}
