
/* the last lines that a service has left, where its manager keeps them */


#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


#define HELPER_JOURNAL_TIME   10000   /* ms at most */
#define HELPER_JOURNAL_LINES  1000


static int helper_journal_read(helper_run_t *run, const char *path, char *why,
    size_t size);


int
helper_journal_ask(helper_t *h)
{
    char                      why[HELPER_WHY], n[16];
    uint64_t                  asked;
    unsigned                  lines;
    const char               *name, *code;
    helper_run_t             *run;
    const pm_policy_entry_t  *e;

    static const char *const  words[] = {
        "/usr/bin/journalctl", "--no-pager", "--quiet", "--output=short-iso",
        "-n", NULL
    };

    run = &helper_said.run;
    name = pm_wire_get(&h->msg, "name");

    if (name == NULL || pm_wire_getu(&h->msg, "lines", HELPER_JOURNAL_LINES,
                                     &asked) != 0 || asked == 0)
    {
        helper_io_answer(h, "refused", "bad_request", "name or lines is "
                         "missing or wrong");
        return -1;
    }

    (void) pm_policy_service(&h->policy, name, -1, h->role, &e);

    if (e == NULL) {
        helper_io_answer(h, "refused", "unknown_service",
                         "the policy knows no service \"%.64s\"", name);
        return -1;
    }

    lines = pm_policy_journal(&h->policy, e, h->role);

    if (lines == 0) {
        helper_io_answer(h, "refused", "policy_denied", "the policy does not "
                         "allow the log of \"%.64s\" to the role %s", name,
                         h->role_name);
        return -1;
    }

    if (asked < lines) {
        lines = (unsigned) asked;
    }

    helper_run_start(run, HELPER_JOURNAL_TIME);
    run->tail = 1;
    snprintf(n, sizeof(n), "%u", lines);
    code = NULL;

    if (e->manager == PM_MANAGER_SYSTEMD) {
        helper_run_words(run, words);
        helper_run_word(run, n);
        helper_run_word(run, "-u");
        helper_run_word(run, e->unit);

    } else if (e->manager == PM_MANAGER_SUPERVISOR) {
        helper_supervisor_argv(e, "tail", run);
        run->argv[run->argc - 1] = "-65536";
        helper_run_word(run, e->unit);

    } else if (e->log == NULL) {
        code = "no_log";
        snprintf(why, sizeof(why), "the policy names no log of \"%.64s\"",
                 name);
    }

    if (code == NULL
        && (e->manager == PM_MANAGER_LSB
            ? helper_journal_read(run, e->log, why, sizeof(why))
            : helper_exec(run, why, sizeof(why))) != 0)
    {
        code = "log_unreadable";
    }

    if (code) {
        helper_io_answer(h, "refused", code, "%s", why);
        return -1;
    }

    helper_said.e = e;
    helper_said.lines = lines;

    return 0;
}


/* no link, no device: what others put in its place must not be shown */

static int
helper_journal_read(helper_run_t *run, const char *path, char *why,
    size_t size)
{
    int          fd;
    off_t        from;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY|O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1) {
        snprintf(why, size, "open %s failed: %s", path, strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return -1;
    }

    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        snprintf(why, size, "%s is no regular file of one name", path);
        close(fd);
        return -1;
    }

    from = st.st_size > PM_WIRE_OUTPUT ? st.st_size - PM_WIRE_OUTPUT : 0;
    n = pread(fd, run->out, PM_WIRE_OUTPUT, from);
    close(fd);

    if (n == -1) {
        snprintf(why, size, "read %s failed: %s", path, strerror(errno));
        return -1;
    }

    run->exit_code = 0;
    run->out_len = (size_t) n;
    run->out_total = (uint64_t) st.st_size;

    return 0;
}
