
/*
 * The only program of procmgr with more rights than nginx.  It is started
 * once for one request that came over descriptor 0, and does what the policy
 * permits, if the request bears the MAC of a key that workers have and other
 * programs of their user have not.
 */


#include "helper.h"
#include "../policy/pm_fail.h"

#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/wait.h>


#define HELPER_ALARM     3700         /* s: whatever happens, it ends */


#define helper_cap(c)    (UINT64_C(1) << CAP_##c)
#define HELPER_LOOK      helper_cap(DAC_READ_SEARCH)
#define HELPER_SEE       helper_cap(SYS_PTRACE)

/*
 * What is to be done as root comes first and is as little as can be; behind
 * it root is given up for good but for what stands here.  Only helper_runner()
 * stays, where there is something to be run.
 */

typedef struct {
    const char  *verb;
    int          policy;              /* it needs one */
    int        (*may)(helper_t *h);   /* as nobody, in a process of its own */
    int        (*ask)(helper_t *h);
    uint64_t     keep;
    void       (*act)(helper_t *h);
} helper_verb_t;


static const helper_verb_t *helper_permitted(helper_t *h);
static void helper_apart(helper_t *h, const helper_verb_t *v);


static const helper_verb_t  helper_verbs[] = {

    { "status", 0, NULL, helper_status_ask, 0, helper_status_tell },

    { "query", 0, NULL, helper_query_ask, 0, helper_query_tell },

    { "list", 1, NULL, helper_list_ask, HELPER_LOOK|HELPER_SEE,
      helper_list_act },

    { "journal", 1, NULL, helper_journal_ask, HELPER_LOOK,
      helper_journal_act },

    { "schedule", 1, NULL, helper_schedule_ask, HELPER_LOOK,
      helper_schedule_act },

    { "service", 1, NULL, helper_service_ask, HELPER_LOOK|HELPER_SEE,
      helper_service_act },

    { "command", 1, NULL, helper_command_ask, 0, helper_command_act },

    { "signal", 1, helper_signal_may, helper_process_ask,
      helper_cap(KILL)|HELPER_SEE, helper_signal_act },

    { "priority", 1, helper_priority_may, helper_process_ask,
      helper_cap(SYS_NICE)|HELPER_SEE, helper_priority_act },

    { "read", 1, NULL, helper_read_ask, HELPER_SEE, helper_read_act },

    { NULL, 0, NULL, NULL, 0, NULL }
};

static helper_t  helper;


int
main(int argc, char **argv)
{
    int                   wrong;
    const helper_verb_t  *v;

    helper_env_first();

    if (argc != 1 || strcmp(argv[0], "procmgr-helper") != 0) {
        _exit(1);
    }

    helper.dir = helper.spool = helper.stored = -1;
    helper.setuid = geteuid() == 0;
    wrong = helper_env_identity(&helper);

    if (helper_request(&helper) != 0) {
        _exit(1);
    }

    pm_fail(helper_read, helper.text);

    /*
     * nginx logs how its children end; this one ends well and at once, and
     * what follows can neither be waited for nor be lost with the worker
     */

    switch (fork()) {

    case -1:
        (void) helper_refuse(&helper, "error", "helper_error", "fork failed");
        helper_io_refused(&helper);
        _exit(1);

    case 0:
        break;

    default:
        _exit(0);
    }

    helper_env_session();
    helper_log_open(&helper);
    alarm(HELPER_ALARM);

    pm_fail(helper_forked, helper.text);

    v = wrong ? NULL : helper_permitted(&helper);

    if (helper.setuid) {
        helper_env_drop(v ? v->keep : 0);
    }

    helper_drive(&helper, v ? v->act : helper_io_refused);
    _exit(0);
}


/* what is left to do as nobody, NULL when that is to say what is wrong */

static const helper_verb_t *
helper_permitted(helper_t *h)
{
    const helper_verb_t  *v;

    if (helper_check(h) != 0) {
        return NULL;
    }

    for (v = helper_verbs; v->verb && strcmp(h->verb, v->verb) != 0; v++) {
        /* void */
    }

    if (v->verb == NULL) {
        (void) helper_refuse(h, "refused", "bad_request", "unknown verb");
        return NULL;
    }

    if (v->policy
        && pm_policy_load(&h->policy, helper_policy_path, helper_owner) != 0)
    {
        (void) helper_refuse(h, "error", "policy_invalid", "%s",
                             h->policy.error);
        return NULL;
    }

    if (v->may) {
        helper_apart(h, v);
    }

    if (v->ask(h) != 0) {
        return NULL;
    }

    if (h->dir != -1) {
        helper_spool_prune(h->dir);
    }

    return (h->nsteps || h->shared) && helper_runner(h) != 0 ? NULL : v;
}


/*
 * The same look and the same questions as before the action itself: what is
 * refused is refused here, by nobody, and leaves nothing in the spool.
 */

static void
helper_apart(helper_t *h, const helper_verb_t *v)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        helper_env_drop(v->keep & HELPER_SEE);

        if (v->may(h) == 0) {
            _exit(0);
        }

        helper_io_refused(h);
        _exit(1);
    }

    if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0) {
        _exit(1);                     /* it has been answered */
    }
}
