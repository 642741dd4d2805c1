
/*
 * procmgrctl check: the helper is asked for its status as a worker asks it,
 * by the user whose group may run it.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "../policy/pm_wire.h"
#include "ctl.h"


#define CTL_HELPER_WAIT  10000      /* ms */


static int ctl_helper_key(const char *path, uint8_t key[PM_WIRE_KEY_LEN]);
static void ctl_helper_text(pm_wire_text_t *t,
    const uint8_t key[PM_WIRE_KEY_LEN]);
static pid_t ctl_helper_start(const char *path, const struct passwd *user,
    const int fds[2]);
static const char *ctl_helper_answer(int fd);
static int ctl_helper_read(int fd, void *buf, size_t len);


const char *
ctl_helper_status(const char *path, const char *key_path)
{
    int                   fds[2];
    pid_t                 pid;
    uint8_t               key[PM_WIRE_KEY_LEN];
    const char           *bad;
    struct stat           st;
    struct group         *group;
    struct passwd        *user;
    pm_wire_head_t        head;
    static pm_wire_text_t  text;

    if (stat(path, &st) == -1) {
        return strerror(errno);
    }

    group = getgrgid(st.st_gid);
    user = group ? getpwnam(group->gr_name) : NULL;

    if (user == NULL || user->pw_uid == 0) {
        return "its group is not that of a user: who may run it?";
    }

    if (ctl_helper_key(key_path, key) == -1) {
        return "its key cannot be read";
    }

    ctl_helper_text(&text, key);
    explicit_bzero(key, sizeof(key));

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, fds) == -1) {
        return strerror(errno);
    }

    pid = ctl_helper_start(path, user, fds);
    close(fds[1]);

    memset(&head, 0, sizeof(head));
    head.type = PM_WIRE_REQUEST;
    head.len = (uint32_t) text.len;

    /* who is not there any more is seen by his missing answer */

    bad = pid == -1 ? strerror(errno) : NULL;

    if (bad == NULL) {
        (void) send(fds[0], &head, sizeof(head), MSG_NOSIGNAL);
        (void) send(fds[0], text.data, text.len, MSG_NOSIGNAL);
        bad = ctl_helper_answer(fds[0]);
        (void) waitpid(pid, NULL, 0);
    }

    close(fds[0]);

    return bad;
}


/* 32 bytes, or as many in hexadecimal digits */

static int
ctl_helper_key(const char *path, uint8_t key[PM_WIRE_KEY_LEN])
{
    int        fd;
    char       buf[2 * PM_WIRE_KEY_LEN + 2], digits[3];
    size_t     i;
    ssize_t    n;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd == -1) {
        return -1;
    }

    n = read(fd, buf, sizeof(buf));
    close(fd);

    if (n == PM_WIRE_KEY_LEN) {
        memcpy(key, buf, PM_WIRE_KEY_LEN);

    } else if (n >= 2 * PM_WIRE_KEY_LEN) {

        for (i = 0; i < PM_WIRE_KEY_LEN; i++) {
            memcpy(digits, buf + 2 * i, 2);
            digits[2] = '\0';
            key[i] = (uint8_t) strtoul(digits, NULL, 16);
        }

    } else {
        n = -1;
    }

    explicit_bzero(buf, sizeof(buf));

    return n == -1 ? -1 : 0;
}


static void
ctl_helper_text(pm_wire_text_t *t, const uint8_t key[PM_WIRE_KEY_LEN])
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_BOOTTIME, &now);

    pm_wire_start(t);
    pm_wire_add(t, "v", "1");
    pm_wire_add(t, "verb", "status");
    pm_wire_add(t, "op", "00000000-0000-4000-8000-000000000000");
    pm_wire_add(t, "actor", "procmgrctl");
    pm_wire_add(t, "role", "admin");
    pm_wire_addu(t, "expires", (uint64_t) now.tv_sec * 1000
                               + (uint64_t) now.tv_nsec / 1000000
                               + CTL_HELPER_WAIT);
    pm_wire_seal(t, key);
}


static pid_t
ctl_helper_start(const char *path, const struct passwd *user,
    const int fds[2])
{
    pid_t   pid;
    char   *argv[] = { (char *) "procmgr-helper", NULL };
    char   *envp[] = { NULL };

    (void) fflush(stdout);

    pid = fork();

    if (pid != 0) {
        return pid;
    }

    if (dup2(fds[1], STDIN_FILENO) == -1
        || setgroups(0, NULL) == -1
        || setgid(user->pw_gid) == -1
        || setuid(user->pw_uid) == -1)
    {
        _exit(127);
    }

    (void) execve(path, argv, envp);
    _exit(127);
}


static const char *
ctl_helper_answer(int fd)
{
    uint64_t               setuid;
    const char            *why, *word;
    pm_wire_msg_t          msg;
    pm_wire_head_t         head;
    static char            text[PM_WIRE_TEXT + 1];

    if (ctl_helper_read(fd, &head, sizeof(head)) == -1
        || head.type != PM_WIRE_FINAL || head.len == 0
        || head.len > PM_WIRE_TEXT
        || ctl_helper_read(fd, text, head.len) == -1
        || pm_wire_parse(&msg, text, head.len, NULL, &why) != 0)
    {
        return "it gives no answer";
    }

    word = pm_wire_get(&msg, "result");

    if (word == NULL || strcmp(word, "ok") != 0) {
        why = pm_wire_get(&msg, "reason");
        return why ? why : "it answered nonsense";
    }

    if (pm_wire_getu(&msg, "setuid", 1, &setuid) != 0 || !setuid) {
        return "setuid has no effect on it here";
    }

    word = pm_wire_get(&msg, "policy");

    if (word && strcmp(word, "ok") != 0) {
        return word;
    }

    word = pm_wire_get(&msg, "spool");

    return word && strcmp(word, "ok") != 0 ? word : NULL;
}


static int
ctl_helper_read(int fd, void *buf, size_t len)
{
    char           *p;
    ssize_t         n;
    struct pollfd   pfd;

    pfd.fd = fd;
    pfd.events = POLLIN;

    for (p = buf; len; p += n, len -= (size_t) n) {

        if (poll(&pfd, 1, CTL_HELPER_WAIT) != 1) {
            return -1;
        }

        n = read(fd, p, len);

        if (n <= 0) {
            return -1;
        }
    }

    return 0;
}
