
/*
 * procmgrctl check, policy check: is everything in its place, and what does
 * the policy say.  The policy is read by the helper's own code.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../policy/pm_policy.h"
#include "../policy/pm_words.h"
#include "ctl.h"


#ifndef PM_HELPER_FILE
#define PM_HELPER_FILE  "/usr/libexec/procmgr-helper"
#endif

#ifndef PM_KEY_FILE
#define PM_KEY_FILE     "/etc/procmgr/helper.key"
#endif

#ifndef PM_POLICY_FILE
#define PM_POLICY_FILE  "/etc/procmgr/policy.conf"
#endif

#ifndef PM_NGINX_FILE
#define PM_NGINX_FILE   "/usr/sbin/nginx"
#endif


static int ctl_check_say(ctl_t *ctl, const char *what, const char *bad);
static const char *ctl_check_database(ctl_t *ctl);
static const char *ctl_check_helper(ctl_t *ctl, const char *path);
static const char *ctl_check_nginx(ctl_t *ctl, const char *path);
static pm_permit_e ctl_policy_ask(pm_policy_t *policy, const char *action,
    char *target, unsigned role, const pm_policy_entry_t **e);


int
ctl_check(ctl_t *ctl)
{
    int           bad;
    pm_policy_t   policy;

    if (ctl->json) {
        printf("[");
    }

    bad = ctl_check_say(ctl, "database", ctl_check_database(ctl));
    bad |= ctl_check_say(ctl, "helper",
               ctl_check_helper(ctl, ctl->helper ? ctl->helper
                                                 : PM_HELPER_FILE));

    if (pm_policy_load(&policy, ctl->policy ? ctl->policy : PM_POLICY_FILE,
                       geteuid())
        == 0)
    {
        bad |= ctl_check_say(ctl, "policy", NULL);
        pm_policy_free(&policy);

    } else {
        bad |= ctl_check_say(ctl, "policy", policy.error);
    }

    bad |= ctl_check_say(ctl, "nginx",
               ctl_check_nginx(ctl, ctl->nginx ? ctl->nginx : PM_NGINX_FILE));

    if (ctl->json) {
        printf("]\n");
    }

    return bad ? CTL_NO : CTL_OK;
}


/* reasons are sentences of ours, of the policy's parser or of the C library */

static int
ctl_check_say(ctl_t *ctl, const char *what, const char *bad)
{
    if (!ctl->json) {
        printf("%s\t%s%s%s\n", bad ? "bad" : "ok", what, bad ? "\t" : "",
               bad ? bad : "");
        return bad != NULL;
    }

    printf("%s{\"what\":\"%s\",\"ok\":%s,\"reason\":",
           strcmp(what, "database") == 0 ? "" : ",", what,
           bad ? "false" : "true");

    if (bad) {
        ctl_string(bad);
    }

    printf(bad ? "}" : "null}");

    return bad != NULL;
}


static const char *
ctl_check_database(ctl_t *ctl)
{
    PGconn       *conn;
    PGresult     *res;
    const char   *bad;
    static char   said[256];

    conn = PQconnectdb(ctl->conninfo ? ctl->conninfo : "dbname=procmgr");

    if (conn == NULL || PQstatus(conn) != CONNECTION_OK) {
        snprintf(said, sizeof(said), "%s",
                 conn ? PQerrorMessage(conn) : "no memory");
        said[strcspn(said, "\n")] = '\0';
        PQfinish(conn);
        return said;
    }

    bad = NULL;

    res = PQexec(conn, "SELECT procmgr.schema_level()");

    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        bad = "there is no schema in it, or not for this role: see migrate";

    } else if (PQserverVersion(conn) < 130000) {
        bad = "it is older than PostgreSQL 13";
    }

    PQclear(res);
    PQfinish(conn);

    return bad;
}


static const char *
ctl_check_helper(ctl_t *ctl, const char *path)
{
    struct stat      st;
    struct statvfs   fs;

    if (lstat(path, &st) == -1) {
        return strerror(errno);
    }

    if (!S_ISREG(st.st_mode)) {
        return "it is no regular file";
    }

    if (st.st_uid != 0) {
        return "it does not belong to root";
    }

    if ((st.st_mode & 07777) != 04750) {
        return "its mode is not 4750";
    }

    if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID)) {
        return "it lies on a file system that is mounted nosuid";
    }

    /* only root can be the user that may run it, and read its key */

    return geteuid() == 0
           ? ctl_helper_status(path, ctl->key ? ctl->key : PM_KEY_FILE)
           : NULL;
}


static const char *
ctl_check_nginx(ctl_t *ctl, const char *path)
{
    int          fd, status;
    pid_t        pid;
    char *const  argv[] = { (char *) path, "-t", "-q",
                            ctl->config ? "-c" : NULL, (char *) ctl->config,
                            NULL };

    (void) fflush(stdout);

    pid = fork();

    if (pid == -1) {
        return strerror(errno);
    }

    if (pid == 0) {
        fd = open("/dev/null", O_RDONLY|O_CLOEXEC);

        if (fd != -1) {
            (void) dup2(fd, STDIN_FILENO);
        }

        (void) dup2(STDERR_FILENO, STDOUT_FILENO);
        (void) execv(path, argv);
        _exit(127);
    }

    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR) {
            return strerror(errno);
        }
    }

    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return "it cannot be started";
    }

    return WIFEXITED(status) && WEXITSTATUS(status) == 0
           ? NULL : "nginx -t refuses its configuration";
}


int
ctl_policy_check(ctl_t *ctl)
{
    int                       i, rc;
    unsigned                  roles, line;
    const char               *why;
    pm_permit_e               said;
    pm_policy_t               policy;
    const pm_policy_entry_t  *e;

    static const char *const  whys[] = {
        "permitted", "no line names it", "the action is not in its list",
        "the role is not in its list"
    };

    if (ctl->role && pm_role(ctl->role) == 0) {
        return ctl_say(CTL_USAGE, "--role is one of viewer, operator, admin");
    }

    if (pm_action(ctl->argv[1]) == -1 && strcmp(ctl->argv[1], "command") != 0
        && strcmp(ctl->argv[1], "journal") != 0
        && strcmp(ctl->argv[1], "signal") != 0
        && strcmp(ctl->argv[1], "priority") != 0)
    {
        return ctl_say(CTL_USAGE, "an action is one of start, stop, restart, "
                       "reload, enable, disable, status, journal, command, "
                       "signal, priority");
    }

    if (pm_policy_load(&policy, ctl->argv[0], geteuid()) == -1) {
        return ctl_say(CTL_FAILED, "%s", policy.error);
    }

    /* of the roles that are asked for, those that may */

    roles = 0;
    line = 0;
    why = whys[PM_DENY_UNKNOWN];

    for (i = 0; i < 3; i++) {

        if (ctl->role && strcmp(ctl->role, pm_role_names[i]) != 0) {
            continue;
        }

        e = NULL;
        said = ctl_policy_ask(&policy, ctl->argv[1], ctl->argv[2],
                              pm_role(pm_role_names[i]), &e);

        if (said == PM_PERMIT) {
            roles |= 1u << i;
            line = e ? e->line : line;

        } else if (said != PM_DENY_UNKNOWN) {
            why = whys[said];
        }
    }

    rc = roles ? CTL_OK : CTL_NO;

    if (ctl->json) {
        printf("{\"permit\":%s,\"line\":%u,\"roles\":[",
               roles ? "true" : "false", line);

    } else if (roles) {
        printf("permit line %u roles ", line);

    } else {
        printf("deny %s\n", why);
    }

    for (i = 0; i < 3; i++) {
        if (roles & 1u << i) {
            printf(ctl->json ? "%s\"%s\"" : "%s%s",
                   roles & ((1u << i) - 1) ? "," : "", pm_role_names[i]);
        }
    }

    printf(ctl->json ? "]}\n" : roles ? "\n" : "");

    pm_policy_free(&policy);

    return rc;
}


static pm_permit_e
ctl_policy_ask(pm_policy_t *policy, const char *action, char *target,
    unsigned role, const pm_policy_entry_t **e)
{
    pm_words_t    words;
    pm_permit_e   said;

    if (strcmp(action, "command") == 0) {
        return pm_words_split(&words, target, strlen(target)) == -1
               ? PM_DENY_UNKNOWN
               : pm_policy_command(policy, "", words.word, words.n, role, e);
    }

    if (strcmp(action, "signal") == 0 || strcmp(action, "priority") == 0) {
        return ctl_policy_process(policy, action[0] == 's', target, role, e);
    }

    if (strcmp(action, "journal") != 0) {
        return pm_policy_service(policy, target, pm_action(action), role, e);
    }

    said = pm_policy_service(policy, target, PM_ACTION_STATUS, role, e);

    if (*e == NULL) {
        return said;
    }

    return pm_policy_journal(policy, *e, role) ? PM_PERMIT : PM_DENY_ROLE;
}
