
/*
 * Protected files of /proc: which fields a role may read, and the readers
 * that do it, one after the other, each for one owner.  A read there can hang
 * for ever and ends by SIGKILL only, so whoever asks for a reader can have it
 * ended.
 */


#include "helper_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>


#define HELPER_READER_NOBODY  65534


static int helper_read_confine(uid_t owner);


int
helper_read_ask(helper_t *h)
{
    int       pair[2];
    char      mark[64];
    size_t    i;
    uint32_t  fields;

    fields = pm_policy_fields(&h->policy, h->role);

    for (i = 0; i < h->npids; i++) {
        h->asked |= h->pids[i].fields;
    }

    h->asked &= (1u << PM_READ_MAX) - 1;
    h->fields = h->asked & fields;

    if (h->npids && h->fields == 0) {
        return helper_refuse(h, "refused", "policy_denied", "the policy does "
                             "not allow these fields to the role %s",
                             h->role_name);
    }

    h->shared = mmap(NULL, sizeof(helper_reader_t), PROT_READ|PROT_WRITE,
                     MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    h->proc = open("/proc", O_PATH|O_DIRECTORY|O_CLOEXEC);

    if (h->shared == MAP_FAILED || h->proc == -1
        || socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair) == -1)
    {
        return helper_refuse(h, "error", "helper_error", "no memory");
    }

    h->reads[0] = pair[0];
    h->reads[1] = pair[1];

    snprintf(mark, sizeof(mark), "read.%s.%x", h->role_name,
             (unsigned) h->fields);
    helper_spool_first(h, mark);

    return 0;
}


/* a uid asks for a reader, and no uid for its end; a byte says it ended */

void
helper_read_serve(helper_t *h, int sock)
{
    pid_t          pid;
    uid_t          owner;
    struct pollfd  pfd[2];

    close(h->reads[0]);

    while (read(sock, &owner, sizeof(owner)) == sizeof(owner)) {

        if (owner == HELPER_READER_END) {
            continue;                 /* it has ended by itself */
        }

        pid = fork();

        if (pid == 0) {
            close(sock);
            helper_reader(h, helper_read_confine(owner));
        }

        if (pid != -1) {
            pfd[0].fd = sock;
            pfd[1].fd = (int) syscall(SYS_pidfd_open, pid, 0);
            pfd[0].events = pfd[1].events = POLLIN;

            (void) poll(pfd, 2, -1);

            (void) kill(pid, SIGKILL);
            (void) waitpid(pid, NULL, 0);
            close(pfd[1].fd);
        }

        if (write(sock, "", 1) != 1) {
            break;
        }
    }

    _exit(0);
}


/*
 * The root becomes a folder of /proc that holds nothing to open.  Not /proc
 * itself: the kernel shortens links to what lies below the root, and those
 * of open /proc files would come out wrong.
 */

static int
helper_read_confine(uid_t owner)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
        return errno;
    }

    if (helper_unprivileged) {
        return 0;
    }

    if (chroot("/proc/self/fdinfo") == -1 || chdir("/") == -1
        || setgroups(0, NULL) == -1
        || setresgid(HELPER_READER_NOBODY, HELPER_READER_NOBODY,
                     HELPER_READER_NOBODY) == -1
        || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1
        || setresuid(owner, owner, owner) == -1)
    {
        return errno;
    }

    /* where it was never given, the reads say so themselves */

    if (helper_env_caps(UINT64_C(1) << CAP_SYS_PTRACE) == -1
        || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
    {
        return errno;
    }

    return 0;
}
