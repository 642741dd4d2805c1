
/*
 * A process to act on: held by a descriptor, and the one that was meant.
 * Its number may be another's by now, so what is read of it counts only as
 * long as the descriptor still has a process behind it.
 */


#include "helper_drive.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/syscall.h>


static int helper_target_uids(helper_target_t *t);
static int helper_target_protected(helper_t *h, const helper_target_t *t);
static int helper_target_unit(helper_t *h, pid_t pid);


/* NULL and an open descriptor, or a code and a sentence */

const char *
helper_target_open(helper_t *h, pid_t pid, uint64_t start,
    helper_target_t *t, char *why, size_t size)
{
    const char  *code;

    memset(t, 0, sizeof(helper_target_t));
    t->who.pid = pid;
    t->fd = -1;

    if (pid <= 1 || pid == getpid()) {
        snprintf(why, size, "no signal goes to process %d", (int) pid);
        return "protected";
    }

    t->fd = (int) syscall(SYS_pidfd_open, pid, 0);

    if (t->fd == -1 || helper_proc(pid, &t->proc) != 0) {
        snprintf(why, size, "there is no process %d", (int) pid);
        code = "no_such_process";

    } else if (t->proc.start != start) {
        snprintf(why, size, "process %d is another one by now", (int) pid);
        code = "stale_process";

    } else if (t->proc.state == 'Z' || t->proc.state == 'X') {
        snprintf(why, size, "process %d has ended", (int) pid);
        code = "zombie";

    } else if (helper_target_protected(h, t)) {
        snprintf(why, size, "process %d is protected", (int) pid);
        code = "protected";

    } else if (helper_target_uids(t) != 0 || helper_target_gone(t)) {
        snprintf(why, size, "process %d has just ended", (int) pid);
        code = "no_such_process";

    } else {
        return NULL;
    }

    helper_target_close(t);

    return code;
}


void
helper_target_close(helper_target_t *t)
{
    if (t->fd != -1) {
        close(t->fd);
        t->fd = -1;
    }
}


/* a zombie is gone: it only waits to be noticed */

int
helper_target_gone(const helper_target_t *t)
{
    struct pollfd  pfd;

    pfd.fd = t->fd;
    pfd.events = POLLIN;

    return poll(&pfd, 1, 0) == 1;
}


/* 0 or errno */

int
helper_target_signal(const helper_target_t *t, int sig)
{
    return syscall(SYS_pidfd_send_signal, t->fd, sig, NULL, 0) == -1 ? errno
                                                                     : 0;
}


/* the name comes first and cannot hold a line's end, see proc(5) */

static int
helper_target_uids(helper_target_t *t)
{
    char         path[32], buf[4096];
    const char  *p;

    snprintf(path, sizeof(path), "/proc/%d/status", (int) t->who.pid);

    if (helper_proc_read(path, buf, sizeof(buf)) != 0) {
        return -1;
    }

    p = strstr(buf, "\nUid:");

    return p && sscanf(p + 5, "%u %u %u", &t->who.uid[0], &t->who.uid[1],
                       &t->who.uid[2]) == 3 ? 0 : -1;
}


/* the kernel's, nginx's, and what the policy protects */

static int
helper_target_protected(helper_t *h, const helper_target_t *t)
{
    socklen_t      len;
    struct ucred   peer;
    helper_proc_t  worker;

    static pid_t   master = -1;

    if (master == -1) {
        len = sizeof(peer);

        /* a worker that is gone does not tell whose it was: any may be */

        if (getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_PEERCRED, &peer, &len)
            == -1 || helper_proc(peer.pid, &worker) != 0)
        {
            return 1;
        }

        master = worker.ppid;
        h->worker = peer.pid;
    }

    return t->proc.kernel || t->who.pid == h->worker
           || (master > 1 && (t->who.pid == master
                              || t->proc.ppid == master))
           || helper_target_unit(h, t->who.pid);
}


/* every part of its control group's path may be a protected unit */

static int
helper_target_unit(helper_t *h, pid_t pid)
{
    char   path[32], buf[4096];
    char  *p, *save;

    if (pm_policy_protects(&h->policy, pid, "")) {
        return 1;
    }

    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int) pid);
    errno = 0;

    /* one that has ended, or a kernel without groups; else it may be one */

    if (helper_proc_read(path, buf, sizeof(buf)) != 0) {
        return errno != 0 && errno != ENOENT && errno != ESRCH;
    }

    for (p = strtok_r(buf, "/\n", &save); p; p = strtok_r(NULL, "/\n", &save))
    {
        if (pm_policy_protects(&h->policy, pid, p)) {
            return 1;
        }
    }

    return 0;
}


const char *
helper_target_state(char c)
{
    size_t  i;

    static const struct {
        char         c;
        const char  *name;
    } states[] = {
        { 'R', "running" }, { 'S', "sleeping" }, { 'D', "disk-sleep" },
        { 'T', "stopped" }, { 't', "tracing-stop" }, { 'Z', "zombie" },
        { 'I', "idle" }
    };

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (states[i].c == c) {
            return states[i].name;
        }
    }

    return "gone";
}


/* pid and starttime of the request: 0, or -1 and refused */

int
helper_target_request(helper_t *h, helper_target_t *t)
{
    char         why[HELPER_WHY];
    uint64_t     pid, start;
    const char  *code;

    if (pm_wire_getu(&h->msg, "pid", INT32_MAX, &pid) != 0
        || pm_wire_getu(&h->msg, "starttime", UINT64_MAX, &start) != 0)
    {
        return helper_refuse(h, "refused", "bad_request", "pid or starttime "
                             "is missing or wrong");
    }

    code = helper_target_open(h, (pid_t) pid, start, t, why, sizeof(why));

    if (code) {
        return helper_refuse(h, "refused", code, "%s", why);
    }

    return 0;
}
