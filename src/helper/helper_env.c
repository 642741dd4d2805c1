
/* nothing that the caller left behind reaches the helper or its children */


#include "helper.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>


#define HELPER_DROPPED  65533         /* uid and gid: nobody has them */


static void helper_env_limits(void);
static void helper_env_signals(void);
static void helper_env_descriptors(void);
static int helper_env_become(uid_t uid, gid_t gid, const gid_t *groups,
    int ngroups);


static char   helper_env_path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
static char   helper_env_lang[] = "LANG=C.UTF-8";
static char   helper_env_home[] = "HOME=/";

static char  *helper_environ[] = {
    helper_env_path, helper_env_lang, helper_env_home, NULL
};


void
helper_env_first(void)
{
    /* the limits first: with few descriptors nothing else can be opened */

    helper_env_limits();
    helper_env_descriptors();
    helper_env_signals();

    environ = helper_environ;
    umask(022);

    if (chdir("/") == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
        _exit(1);
    }
}


static void
helper_env_limits(void)
{
    size_t         i;
    struct rlimit  rl, now;

    static const struct {
        int     resource;
        rlim_t  soft;
        rlim_t  hard;
    } limits[] = {
        { RLIMIT_NOFILE, 1024, 524288 },
        { RLIMIT_STACK, 8 * 1024 * 1024, RLIM_INFINITY },
        { RLIMIT_CORE, 0, RLIM_INFINITY },
        { RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY },
        { RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY },
        { RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY },
        { RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY },
        { RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY },
        { RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY },
    };

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        rl.rlim_cur = limits[i].soft;
        rl.rlim_max = limits[i].hard;

        if (setrlimit(limits[i].resource, &rl) == 0
            || getrlimit(limits[i].resource, &now) == -1)
        {
            continue;
        }

        /* not even root may raise it here: as much as there is */

        if (rl.rlim_cur > now.rlim_max) {
            rl.rlim_cur = now.rlim_max;
        }

        rl.rlim_max = now.rlim_max;
        (void) setrlimit(limits[i].resource, &rl);
    }
}


/* 0 stays the worker's socket; what was closed becomes /dev/null */

static void
helper_env_descriptors(void)
{
    int  fd;

    do {
        fd = open("/dev/null", O_RDWR|O_NOCTTY);

        if (fd == -1) {
            _exit(1);
        }

    } while (fd <= 2);

    if (dup2(fd, 1) == -1 || dup2(fd, 2) == -1
        || close_range(3, ~0U, 0) == -1
        || fcntl(HELPER_SOCKET, F_SETFD, FD_CLOEXEC) == -1)
    {
        _exit(1);
    }
}


static void
helper_env_signals(void)
{
    int               i;
    sigset_t          none;
    unsigned long     kernel[4] = { 0 };    /* all of it zero is SIG_DFL */
    struct itimerval  off;
    struct sigaction  sa;

    sa.sa_handler = SIG_DFL;
    sa.sa_flags = 0;
    sigemptyset(&sa.sa_mask);

    for (i = 1; i < NSIG; i++) {
        (void) sigaction(i, &sa, NULL);
    }

    /* the two that libc keeps for itself: a make ignores them for children */

    for (i = 32; i < 34; i++) {
        (void) syscall(SYS_rt_sigaction, i, kernel, NULL, _NSIG / 8);
    }

    timerclear(&off.it_value);
    timerclear(&off.it_interval);
    (void) setitimer(ITIMER_REAL, &off, NULL);
    (void) setitimer(ITIMER_VIRTUAL, &off, NULL);
    (void) setitimer(ITIMER_PROF, &off, NULL);

    /* a worker that went away must not end an action half-way */
    sa.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &sa, NULL);

    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}


int
helper_env_identity(helper_t *h)
{
    uid_t  ruid, euid, suid;

    if (getresuid(&ruid, &euid, &suid) == -1) {
        _exit(1);
    }

    if (ruid != helper_web_uid
        || (helper_unprivileged && (euid == 0 || suid == 0)))
    {
        return helper_refuse(h, "refused", "bad_caller",
                             "uid %u may not use the helper",
                             (unsigned) ruid);
    }

    if (helper_unprivileged) {
        return 0;
    }

    if (euid != 0) {
        return helper_refuse(h, "error", "not_setuid", "the helper does not "
                             "run as root: it is not installed setuid, or "
                             "its file system or a parent forbids it");
    }

    if (setgroups(0, NULL) == -1 || setresgid(0, 0, 0) == -1
        || setresuid(0, 0, 0) == -1 || helper_env_caps(~UINT64_C(0)) == -1)
    {
        _exit(1);
    }

    return 0;
}


/* of those that it has, these capabilities stay, and none for children */

int
helper_env_caps(uint64_t keep)
{
    int                              i;
    struct __user_cap_data_struct    data[2];
    struct __user_cap_header_struct  head;

    head.version = _LINUX_CAPABILITY_VERSION_3;
    head.pid = 0;

    if (syscall(SYS_capget, &head, data) == -1) {
        return -1;
    }

    for (i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t) (keep >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }

    return syscall(SYS_capset, &head, data) == -1 ? -1 : 0;
}


/*
 * What is left to do needs no more than these: nobody's user, whom nothing
 * else runs as and whose processes nobody but root can signal or trace.
 */

void
helper_env_drop(uint64_t keep)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
        _exit(1);
    }

    if (helper_unprivileged) {
        return;
    }

    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1
        || helper_env_become(HELPER_DROPPED, HELPER_DROPPED, NULL, 0) == -1
        || helper_env_caps(keep) == -1
        || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 || setuid(0) == 0)
    {
        _exit(1);
    }
}


/* for good: nothing of root is left to come back to */

static int
helper_env_become(uid_t uid, gid_t gid, const gid_t *groups, int ngroups)
{
    uid_t  ruid, euid, suid;
    gid_t  rgid, egid, sgid;

    if (setgroups((size_t) ngroups, groups) == -1
        || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1
        || getresuid(&ruid, &euid, &suid) == -1
        || getresgid(&rgid, &egid, &sgid) == -1
        || ruid != uid || euid != uid || suid != uid
        || rgid != gid || egid != gid || sgid != gid)
    {
        return -1;
    }

    return 0;
}


/* of the process that does the work, once nginx has nothing to wait for */

void
helper_env_session(void)
{
    if (setsid() == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1) {
        _exit(1);
    }

    /* what it starts it also ends; only SIGKILL comes between */
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}


/* of a child between fork() and exec() */

void
helper_env_child(const helper_user_t *u)
{
    cpu_set_t         cpus;
    struct sigaction  sa;

    sa.sa_handler = SIG_DFL;
    sa.sa_flags = 0;
    sigemptyset(&sa.sa_mask);

    (void) sigaction(SIGHUP, &sa, NULL);
    (void) sigaction(SIGINT, &sa, NULL);
    (void) sigaction(SIGQUIT, &sa, NULL);
    (void) sigaction(SIGTERM, &sa, NULL);
    (void) sigaction(SIGPIPE, &sa, NULL);

    /* a service is not to run with the niceness and the CPUs of a worker */

    if (!helper_unprivileged) {
        (void) setpriority(PRIO_PROCESS, 0, 0);
        memset(&cpus, 0xff, sizeof(cpus));
        (void) sched_setaffinity(0, sizeof(cpus), &cpus);
    }

    if (setsid() == -1) {
        _exit(1);
    }

    if (u && !helper_unprivileged
        && (helper_env_become(u->uid, u->gid, u->groups, u->ngroups) == -1
            || (u->uid && setuid(0) == 0)))
    {
        _exit(1);
    }
}


int
helper_env_user(const char *name, helper_user_t *u)
{
    struct passwd  *pw;

    pw = getpwnam(name);
    if (pw == NULL) {
        return -1;
    }

    u->uid = pw->pw_uid;
    u->gid = pw->pw_gid;
    u->ngroups = HELPER_GROUPS;

    return getgrouplist(name, u->gid, u->groups, &u->ngroups) == -1 ? -1 : 0;
}


uint64_t
helper_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}
