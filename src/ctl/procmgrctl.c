
/*
 * procmgrctl: schema, accounts and log of procmgr, from a shell.
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <getopt.h>
#include "ctl.h"


typedef struct {
    const char  *group;
    const char  *name;
    int          min;           /* arguments */
    int          max;
    const char  *options;       /* letters of what it takes */
    int        (*run)(ctl_t *ctl);
    const char  *usage;
} ctl_command_t;


static const ctl_command_t *ctl_find(int *argc, char ***argv);
static int ctl_options(ctl_t *ctl, int argc, char **argv, char *seen);
static int ctl_number(const char *text);
static void ctl_usage(FILE *to);


static const ctl_command_t  ctl_commands[] = {

    { "migrate", NULL, 0, 1, "j",
      ctl_migrate, "migrate [DIR] [--json]" },

    { "account", "add", 1, 1, "rpuj",
      ctl_account_add,
      "account add NAME --role ROLE [--password-stdin] [--or-update] "
      "[--json]" },

    { "account", "list", 0, 0, "j",
      ctl_account_list, "account list [--json]" },

    { "account", "passwd", 1, 1, "pj",
      ctl_account_passwd, "account passwd NAME [--password-stdin] "
      "[--json]" },

    { "account", "role", 2, 2, "j",
      ctl_account_role, "account role NAME ROLE [--json]" },

    { "account", "disable", 1, 1, "j",
      ctl_account_disable, "account disable NAME [--json]" },

    { "account", "unlock", 1, 1, "j",
      ctl_account_unlock, "account unlock NAME [--json]" },

    { "account", "delete", 1, 1, "j",
      ctl_account_delete, "account delete NAME [--json]" },

    { "account", "allow", 1, 257, "j",
      ctl_account_allow, "account allow NAME [SERVICE ...] [--json]" },

    { "token", "add", 2, 2, "rdj",
      ctl_token_add, "token add TOKEN ACCOUNT [--role ROLE] [--days N] "
      "[--json]" },

    { "token", "list", 0, 0, "j",
      ctl_token_list, "token list [--json]" },

    { "token", "revoke", 1, 1, "j",
      ctl_token_revoke, "token revoke TOKEN [--json]" },

    { "session", "list", 0, 0, "j",
      ctl_session_list, "session list [--json]" },

    { "session", "end", 1, 1, "j",
      ctl_session_end, "session end ID [--json]" },

    { "log", "verify", 0, 0, "jHaA",
      ctl_log_verify, "log verify [--host HOST] [--anchor FILE] | "
      "[--archive FILE] [--json]" },

    { "log", "heads", 0, 0, "jH",
      ctl_log_heads, "log heads [--host HOST] [--json]" },

    { "log", "export", 0, 0, "fHSTj",
      ctl_log_export, "log export [--format csv|jsonl | --json] [--host HOST] "
      "[--since TIME] [--until TIME]" },

    { "log", "archive", 1, 1, "dHj",
      ctl_log_archive, "log archive --days N [--host HOST] DIR "
      "[--json]" },

    { "check", NULL, 0, 0, "jEKPNC",
      ctl_check, "check [--helper FILE] [--key FILE] [--policy FILE] "
      "[--nginx FILE] [--config FILE] [--json]" },

    { "policy", "check", 3, 3, "rj",
      ctl_policy_check, "policy check FILE ACTION TARGET [--role ROLE] "
      "[--json]" },

    { NULL, NULL, 0, 0, NULL, NULL, NULL }
};


static const struct option  ctl_long[] = {
    { "anchor", required_argument, NULL, 'A' },
    { "archive", required_argument, NULL, 'a' },
    { "config", required_argument, NULL, 'C' },
    { "conninfo", required_argument, NULL, 'c' },
    { "days", required_argument, NULL, 'd' },
    { "format", required_argument, NULL, 'f' },
    { "helper", required_argument, NULL, 'E' },
    { "help", no_argument, NULL, 'h' },
    { "host", required_argument, NULL, 'H' },
    { "json", no_argument, NULL, 'j' },
    { "key", required_argument, NULL, 'K' },
    { "nginx", required_argument, NULL, 'N' },
    { "or-update", no_argument, NULL, 'u' },
    { "password-stdin", no_argument, NULL, 'p' },
    { "policy", required_argument, NULL, 'P' },
    { "role", required_argument, NULL, 'r' },
    { "since", required_argument, NULL, 'S' },
    { "until", required_argument, NULL, 'T' },
    { NULL, 0, NULL, 0 }
};


int
main(int argc, char **argv)
{
    int                   rc;
    char                  seen[16], *s;
    ctl_t                 ctl;
    const ctl_command_t  *command;

    memset(&ctl, 0, sizeof(ctl_t));
    ctl.conninfo = getenv("PROCMGR_CONNINFO");

    if (ctl_options(&ctl, argc, argv, seen) == -1) {
        ctl_usage(stderr);
        return CTL_USAGE;
    }

    if (strchr(seen, 'h')) {
        ctl_usage(stdout);
        return CTL_OK;
    }

    argc -= optind;
    argv += optind;

    command = ctl_find(&argc, &argv);

    if (command == NULL) {
        ctl_usage(stderr);
        return CTL_USAGE;
    }

    for (s = seen; *s; s++) {
        if (*s != 'c' && strchr(command->options, *s) == NULL) {
            return ctl_say(CTL_USAGE, "usage: procmgrctl %s", command->usage);
        }
    }

    if (argc < command->min || argc > command->max) {
        return ctl_say(CTL_USAGE, "usage: procmgrctl %s", command->usage);
    }

    ctl.argc = argc;
    ctl.argv = argv;

    rc = command->run(&ctl);

    if (fflush(stdout) != 0 && rc == CTL_OK) {
        return ctl_say(CTL_FAILED, "cannot write to standard output");
    }

    return rc;
}


static int
ctl_options(ctl_t *ctl, int argc, char **argv, char *seen)
{
    int     c;
    size_t  n;

    n = 0;

    while ((c = getopt_long(argc, argv, "", ctl_long, NULL)) != -1) {

        switch (c) {

        case 'c':
            ctl->conninfo = optarg;
            break;

        case 'j':
            ctl->json = 1;
            break;

        case 'p':
            ctl->password_stdin = 1;
            break;

        case 'r':
            ctl->role = optarg;
            break;

        case 'u':
            ctl->or_update = 1;
            break;

        case 'd':
            ctl->days = ctl_number(optarg);

            if (ctl->days == -1) {
                (void) ctl_say(0, "--days is a number from 1 to 36500");
                return -1;
            }

            break;

        case 'A': ctl->anchor = optarg; break;
        case 'a': ctl->archive = optarg; break;
        case 'C': ctl->config = optarg; break;
        case 'E': ctl->helper = optarg; break;
        case 'f': ctl->format = optarg; break;
        case 'H': ctl->host = optarg; break;
        case 'K': ctl->key = optarg; break;
        case 'N': ctl->nginx = optarg; break;
        case 'P': ctl->policy = optarg; break;
        case 'S': ctl->since = optarg; break;
        case 'T': ctl->until = optarg; break;

        case 'h':
            break;

        default:
            return -1;
        }

        if (n < 15 && memchr(seen, c, n) == NULL) {
            seen[n++] = (char) c;
        }
    }

    seen[n] = '\0';

    return 0;
}


static int
ctl_number(const char *text)
{
    long   n;
    char  *end;

    n = strtol(text, &end, 10);

    return (end == text || *end != '\0' || n < 1 || n > 36500) ? -1 : (int) n;
}


static const ctl_command_t *
ctl_find(int *argc, char ***argv)
{
    int                   words;
    const ctl_command_t  *command;

    for (command = ctl_commands; command->run; command++) {
        words = command->name ? 2 : 1;

        if (*argc < words
            || strcmp((*argv)[0], command->group) != 0
            || (command->name && strcmp((*argv)[1], command->name) != 0))
        {
            continue;
        }

        *argc -= words;
        *argv += words;

        return command;
    }

    return NULL;
}


static void
ctl_usage(FILE *to)
{
    const ctl_command_t  *command;

    fprintf(to, "usage: procmgrctl [--conninfo CONNINFO] COMMAND\n\n");

    for (command = ctl_commands; command->run; command++) {
        fprintf(to, "    %s\n", command->usage);
    }

    fprintf(to, "\nThe environment's PROCMGR_CONNINFO stands in for "
                "--conninfo.\n");
}


int
ctl_say(int code, const char *fmt, ...)
{
    va_list  args;

    fprintf(stderr, "procmgrctl: ");

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);

    return code;
}
