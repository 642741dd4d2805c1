
/*
 * What the managers of services said, in words and codes, and what is told
 * of a service.  Nothing here needs a privilege: it runs after the drop.
 */


#include "helper_drive.h"
#include "../policy/pm_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


static const char *helper_supervisor_known(const uint8_t *text, size_t len,
    char *why, size_t size);
static void helper_lsb_description(const char *path, char *buf, size_t size);
static void helper_systemd_pids(const char *group, pm_wire_text_t *t);
static size_t helper_systemd_group(int dir, unsigned depth, char *text,
    size_t len, size_t size);


/* in the order in which one explains the other */

const char *
helper_systemd_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size)
{
    size_t       i, len;
    const char  *result;

    static const struct {
        const char  *said;            /* by systemctl */
        const char  *key;             /* or shown of the unit */
        const char  *value;
        const char  *code;
        const char  *why;
    } known[] = {
        { "not been booted", NULL, NULL, "manager_unavailable",
          "systemd does not run here" },
        { "Failed to connect to bus", NULL, NULL, "manager_unavailable",
          "systemd cannot be reached" },
        { "authentication required", NULL, NULL, "permission_denied",
          "systemd does not allow this to the helper's user" },
        { "Access denied", NULL, NULL, "permission_denied",
          "systemd does not allow this to the helper's user" },
        { NULL, "LoadState", "not-found", "not_found",
          "systemd knows no such unit" },
        { " does not exist", NULL, NULL, "not_found",
          "systemd knows no such unit" },
        { " is masked", NULL, NULL, "masked", "the unit is masked" },
        { "reload is not applicable", NULL, NULL, "reload_unsupported",
          "the unit cannot be reloaded" },
        { "Operation refused", NULL, NULL, "refuse_manual",
          "the unit may not be started or stopped by hand" },
        { "attempted too often", NULL, NULL, "rate_limited",
          "the unit was started too often in too short a time; "
          "it stays so until \"systemctl reset-failed\" or for a while" },
        { NULL, "Result", "start-limit-hit", "rate_limited",
          "the unit was started too often in too short a time" },
        { "ependency ", NULL, NULL, "dependency_failed",
          "another unit that it needs could not be started" },
        { "bad unit file", NULL, NULL, "bad_unit",
          "the unit's file is not valid" },
        { NULL, "LoadState", "bad-setting", "bad_unit",
          "the unit's file is not valid" },
    };

    if (action == PM_ACTION_ENABLE && run->exit_code == 0) {
        snprintf(why, size, "the unit's file does not say how it would be "
                 "enabled");
        return "not_installable";
    }

    len = run->err_len < PM_WIRE_OUTPUT ? run->err_len : PM_WIRE_OUTPUT;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {

        if (known[i].said
            ? memmem(run->err, len, known[i].said, strlen(known[i].said))
              != NULL
            : strcmp(helper_systemd_get(after, known[i].key), known[i].value)
              == 0)
        {
            snprintf(why, size, "%s", known[i].why);
            return known[i].code;
        }
    }

    if (action == PM_ACTION_START || action == PM_ACTION_RESTART) {
        result = helper_systemd_get(after, "Result");

        if (run->exit_code == 0 && helper_systemd_unmet(after)) {
            snprintf(why, size, "a condition of the unit is not met, so it "
                     "was not started");
            return "condition_failed";
        }

        if (strcmp(result, "timeout") == 0) {
            snprintf(why, size, "the service was not ready in its time");
            return "start_timeout";
        }

        if (run->exit_code == 0 && strcmp(after->state, "inactive") == 0) {
            snprintf(why, size, "systemd started it without an error, but it "
                     "does not run: it ended at once, or one of its "
                     "conditions is not met");
            return "not_running";
        }

        if (strcmp(after->state, "active") != 0) {
            snprintf(why, size, "the service did not stay up: it is %s (%s)",
                     after->state, result);
            return "start_failed";
        }
    }

    return NULL;
}


void
helper_systemd_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t)
{
    char         text[256];
    size_t       i;
    const char  *value, *end;

    static const char *const  keys[][2] = {
        { "Description", "description" }, { "User", "user" },
        { "FragmentPath", "unit_file" }, { "ControlGroup", "cgroup" },
    };

    (void) e;

    if (s == NULL) {
        return;
    }

    helper_systemd_pids(helper_systemd_get(s, "ControlGroup"), t);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        value = helper_systemd_get(s, keys[i][0]);

        if (value[0]) {
            pm_wire_addn(t, keys[i][1], value, strnlen(value, 300));
        }
    }

    value = helper_systemd_get(s, "MemoryCurrent");

    if (value[0] >= '0' && value[0] <= '9' && strlen(value) < 20) {
        pm_wire_add(t, "memory", value);
    }

    value = helper_systemd_get(s, "ActiveEnterTimestamp");

    if (value[0] == '@') {
        pm_wire_add(t, "since", value + 1);
    }

    /* ExecStart={ path=/usr/sbin/cron ; argv[]=... */

    value = strstr(helper_systemd_get(s, "ExecStart"), "path=");
    end = value ? strstr(value, " ;") : NULL;

    if (end && (size_t) (end - value) < sizeof(text)) {
        pm_wire_addn(t, "program", value + 5, (size_t) (end - value) - 5);
    }
}


/* all of the unit's control group, as many as there is room for */

static void
helper_systemd_pids(const char *group, pm_wire_text_t *t)
{
    int      fd;
    char     path[PM_WIRE_TEXT + 32], text[800];
    size_t   i;

    /* where systemd has a tree of its own beside others, that first */

    static const char *const  roots[] = {
        "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"
    };

    text[0] = '\0';

    for (i = 0; group[0] == '/' && group[1] && i < 3; i++) {

        snprintf(path, sizeof(path), "%s%s", roots[i], group);

        fd = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

        if (fd != -1 && helper_systemd_group(fd, 0, text, 0, sizeof(text))) {
            pm_wire_add(t, "pids", text);
            return;
        }
    }
}


/* its processes and those of the groups below it; closes dir */

static size_t
helper_systemd_group(int dir, unsigned depth, char *text, size_t len,
    size_t size)
{
    int             fd;
    DIR            *d;
    char            buf[4096];
    char           *p, *save;
    ssize_t         n;
    struct dirent  *e;

    fd = openat(dir, "cgroup.procs", O_RDONLY|O_CLOEXEC);
    n = fd == -1 ? -1 : read(fd, buf, sizeof(buf) - 1);

    if (fd != -1) {
        close(fd);
    }

    /* the last line may be cut where the buffer ends */

    while (n > 0 && buf[n - 1] != '\n') {
        n--;
    }

    buf[n > 0 ? n : 0] = '\0';

    for (p = strtok_r(buf, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        if (strcmp(p, "0") != 0 && len + strlen(p) + 2 < size) {
            len += (size_t) snprintf(text + len, size - len, "%s%s",
                                     len ? "," : "", p);
        }
    }

    d = fdopendir(dir);

    if (d == NULL) {
        close(dir);
        return len;
    }

    while (depth < 8 && (e = readdir(d)) != NULL) {

        if (e->d_type != DT_DIR || e->d_name[0] == '.') {
            continue;
        }

        fd = openat(dir, e->d_name,
                    O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

        if (fd != -1) {
            len = helper_systemd_group(fd, depth + 1, text, len, size);
        }
    }

    closedir(d);

    return len;
}


/* all that it has to say goes to its output, whatever the status */

static const char *
helper_supervisor_known(const uint8_t *text, size_t len, char *why,
    size_t size)
{
    size_t  i;

    static const struct {
        const char  *said;
        const char  *code;
        const char  *why;
    } known[] = {
        { "ERROR (spawn error)", "start_failed",
          "supervisor could not keep the program running" },
        { "ERROR (abnormal termination)", "start_failed",
          "the program ended right after its start" },
        { "ERROR (no such file)", "missing_program",
          "the program's file is not there" },
        { "ERROR (file is not executable)", "missing_program",
          "the program's file cannot be executed" },
        { "no such process", "not_found",
          "supervisor knows no such program" },
        { "no such group", "not_found", "supervisor knows no such group" },
        { "no such file", "manager_unavailable", "supervisor does not run" },
        { "refused connection", "manager_unavailable",
          "supervisor does not answer" },
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memmem(text, len, known[i].said, strlen(known[i].said))) {
            snprintf(why, size, "%s", known[i].why);
            return known[i].code;
        }
    }

    return NULL;
}


const char *
helper_supervisor_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size)
{
    const char  *code;

    (void) action;
    (void) after;

    code = helper_supervisor_known(run->out, run->out_len, why, size);

    return code ? code
                : helper_supervisor_known(run->err, run->err_len, why, size);
}


void
helper_supervisor_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t)
{
    char      text[12 * HELPER_PIDS];
    size_t    n;
    unsigned  i;

    pm_wire_add(t, "config", e->config);

    text[0] = '\0';

    for (i = 0, n = 0; s && i < s->npids; i++) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%d",
                               i ? "," : "", (int) s->pids[i]);
    }

    if (n) {
        pm_wire_add(t, "pids", text);
    }
}


/* scripts say little that is common to them, but update-rc.d does */

const char *
helper_lsb_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size)
{
    if ((action == PM_ACTION_ENABLE || action == PM_ACTION_DISABLE)
        && run->exit_code != 0 && after->enabled[0] == '\0')
    {
        snprintf(why, size, "no runlevel has the script, so there is nothing "
                 "to enable or disable");
        return "not_installable";
    }

    return NULL;
}


void
helper_lsb_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t)
{
    char         text[200];
    const char  *program;

    (void) s;

    program = helper_step_script(e);
    pm_wire_add(t, "program", program);

    helper_lsb_description(program, text, sizeof(text));

    if (text[0]) {
        pm_wire_add(t, "description", text);
    }
}


/* of the script's own head */

static void
helper_lsb_description(const char *path, char *buf, size_t size)
{
    int          fd;
    char         text[4096];
    char        *p;
    size_t       len;
    ssize_t      n;
    struct stat  st;

    static const char  key[] = "\n# Short-Description:";

    buf[0] = '\0';

    fd = pm_path_open(path, helper_owner, 0, &st, text, sizeof(text));
    if (fd == -1) {
        return;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);

    if (n <= 0) {
        return;
    }

    text[n] = '\0';
    p = strstr(text, key);

    if (p == NULL) {
        return;
    }

    p += sizeof(key) - 1;
    p += strspn(p, " \t");
    len = strcspn(p, "\r\n");

    if (len >= size) {
        len = size - 1;
    }

    memcpy(buf, p, len);
    buf[len] = '\0';
}
