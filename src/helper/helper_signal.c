
/*
 * Signals to a process, or to it and all that it has started.  By now the
 * helper is nobody, with the capability to signal and none to become root.
 */


#include "helper_drive.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define HELPER_TREE          900      /* processes, each a descriptor */
#define HELPER_TREE_PASSES   500
#define HELPER_SIGNAL_WAIT   60000    /* ms at most to wait for the end */
#define HELPER_SIGNAL_THEN   2000     /* ms after the second signal */
#define HELPER_SIGNAL_STATE  1000     /* ms until it is stopped or runs */


typedef struct {
    helper_t                 *helper;
    helper_target_t           tree[HELPER_TREE];
    unsigned                  n;
    unsigned                  alive;
    int                       sig;
    int                       then;       /* 0 for none */
    int                       error;      /* the last of sending */
    int                       below;      /* all of the tree */
    unsigned                  wait;       /* ms */
} helper_signal_t;


static int helper_signal_number(const char *name);
static int helper_signal_permit(helper_t *h, const helper_target_t *t);
static const char *helper_signal_freeze(helper_signal_t *s, char *why,
    size_t size);
static int helper_signal_children(helper_signal_t *s, unsigned *moving,
    const char **code, char *why, size_t size);
static helper_target_t *helper_signal_member(helper_signal_t *s, pid_t pid);
static void helper_signal_send(helper_signal_t *s, int sig);
static void helper_signal_thaw(const helper_signal_t *s, int all);
static void helper_signal_wait(helper_signal_t *s, unsigned ms);
static const char *helper_signal_judge(helper_signal_t *s, unsigned wait,
    char *state, char *why, size_t size);
static void helper_signal_list(const helper_signal_t *s, pm_wire_text_t *t);


static helper_signal_t  helper_signal_one;


/* what is asked for, and may it be */

int
helper_signal_may(helper_t *h)
{
    uint64_t          below, wait;
    const char       *name, *then;
    helper_signal_t  *s;

    s = &helper_signal_one;
    s->helper = h;

    name = pm_wire_get(&h->msg, "signal");
    then = pm_wire_get(&h->msg, "then");

    s->sig = name ? helper_signal_number(name) : 0;
    s->then = then && then[0] ? helper_signal_number(then) : 0;

    below = 0;
    wait = 0;

    if (s->sig == 0 || (then && then[0] && s->then == 0)
        || (pm_wire_get(&h->msg, "tree")
            && pm_wire_getu(&h->msg, "tree", 1, &below) != 0)
        || (pm_wire_get(&h->msg, "wait_ms")
            && pm_wire_getu(&h->msg, "wait_ms", HELPER_SIGNAL_WAIT, &wait)
               != 0))
    {
        return helper_refuse(h, "refused", "bad_request", "signal, then, tree "
                             "or wait_ms is wrong");
    }

    if (helper_target_request(h, &s->tree[0]) != 0) {
        return -1;
    }

    s->n = 1;

    if (!helper_signal_permit(h, &s->tree[0])) {
        return helper_refuse(h, "refused", "policy_denied", "the policy does "
                             "not allow this signal to process %d of uid %u "
                             "to the role %s", (int) s->tree[0].who.pid,
                             (unsigned) s->tree[0].who.uid[0], h->role_name);
    }

    s->below = (int) below;
    s->wait = (unsigned) wait;

    return 0;
}


static int
helper_signal_number(const char *name)
{
    int          i;
    const char  *s;

    for (i = 1; i < 32; i++) {
        s = sigabbrev_np(i);

        if (s && strcmp(s, name) == 0) {
            return i;
        }
    }

    return 0;
}


/* the second one too, should it come to that */

static int
helper_signal_permit(helper_t *h, const helper_target_t *t)
{
    helper_signal_t  *s;

    s = &helper_signal_one;

    return pm_policy_signal(&h->policy, &t->who, s->sig, h->role)
           && (s->then == 0
               || pm_policy_signal(&h->policy, &t->who, s->then, h->role));
}


void
helper_signal_act(helper_t *h)
{
    int               tree, stops;
    char              why[HELPER_WHY], state;
    unsigned          wait;
    uint64_t          start;
    const char       *code, *result;
    helper_run_t      run;
    pm_wire_text_t    t;
    helper_signal_t  *s;

    if (helper_signal_may(h) != 0) {
        helper_io_refused(h);         /* it was well a moment ago */
        return;
    }

    s = &helper_signal_one;
    tree = s->below;
    wait = s->wait;
    start = helper_now();
    helper_step_start(&run, 0);
    state = s->tree[0].proc.state;

    helper_log(h, "permitted: signal %d to process %d%s, then %d", s->sig,
               (int) s->tree[0].who.pid, tree ? " and below" : "", s->then);

    code = tree ? helper_signal_freeze(s, why, sizeof(why)) : NULL;

    if (code) {
        result = "refused";
        helper_signal_thaw(s, 0);

    } else {
        stops = s->sig == SIGTSTP || s->sig == SIGTTIN || s->sig == SIGTTOU;

        /* going on takes back what would stop it */

        if (tree && stops) {
            helper_signal_thaw(s, 0);
        }

        helper_signal_send(s, s->sig);

        /* a stopped process does not see a signal until it goes on */

        if (tree && !stops && s->sig != SIGSTOP) {
            helper_signal_thaw(s, 1);
        }

        helper_signal_wait(s, wait);

        if (s->alive && s->then) {
            helper_signal_send(s, s->then);
            helper_signal_wait(s, HELPER_SIGNAL_THEN);
        }

        code = helper_signal_judge(s, wait, &state, why, sizeof(why));

        /* but for SIGKILL it is the process's to end or not */

        result = code == NULL || (strcmp(code, "still_alive") == 0
                                  && s->sig != SIGKILL && s->then != SIGKILL)
                 ? "ok" : "failed";
    }

    run.duration = helper_now() - start;

    helper_io_start(&t, result, code, code ? why : NULL);
    helper_act_text(&t, &run);
    pm_wire_add(&t, "before_state",
                helper_target_state(s->tree[0].proc.state));
    pm_wire_add(&t, "after_state", helper_target_state(state));
    helper_signal_list(s, &t);
    helper_act_end(h, &t, &run);

    helper_log(h, "%s%s%s: signal %d to process %d, %u of %u alive", result,
               code ? " " : "", code ? code : "", s->sig,
               (int) s->tree[0].who.pid, s->alive, s->n);
}


/*
 * Children are looked for until there are no new ones while all that are
 * known stand still: only then nothing can have slipped away.
 */

static const char *
helper_signal_freeze(helper_signal_t *s, char *why, size_t size)
{
    int          found, pass;
    unsigned     moving;
    const char  *code;

    (void) helper_target_signal(&s->tree[0], SIGSTOP);

    code = NULL;

    for (pass = 0; pass < HELPER_TREE_PASSES; pass++) {

        found = helper_signal_children(s, &moving, &code, why, size);

        if (code || (found == 0 && moving == 0)) {
            return code;
        }

        if (found == 0) {
            helper_sleep(2);
        }
    }

    snprintf(why, size, "the processes below do not stand still");

    return "unstable_tree";
}


static int
helper_signal_children(helper_signal_t *s, unsigned *moving,
    const char **code, char *why, size_t size)
{
    int               found;
    size_t            i, n;
    const char       *wrong;
    helper_proc_t    *list;
    helper_target_t  *t, *parent;

    n = helper_proc_list(&list);
    found = 0;
    *moving = (n == 0);               /* no list: nobody knows */

    for (i = 0; i < n && *code == NULL; i++) {

        t = helper_signal_member(s, list[i].pid);

        if (t && t->proc.start == list[i].start) {
            *moving += list[i].state != 'T' && list[i].state != 't';
            continue;
        }

        parent = helper_signal_member(s, list[i].ppid);

        if (parent == NULL) {
            continue;
        }

        if (s->n == HELPER_TREE) {
            snprintf(why, size, "there are more than %d processes",
                     HELPER_TREE);
            *code = "tree_too_large";
            break;
        }

        t = &s->tree[s->n];
        wrong = helper_target_open(s->helper, list[i].pid, list[i].start, t,
                                   why, size);

        /* its parent's number is that of the member while that lives */

        if (wrong == NULL && (t->proc.ppid != parent->who.pid
                              || helper_target_gone(parent)))
        {
            helper_target_close(t);
            continue;
        }

        if (wrong && strcmp(wrong, "protected") == 0) {
            *code = wrong;

        } else if (wrong == NULL && !helper_signal_permit(s->helper, t)) {
            snprintf(why, size, "process %d of uid %u is below it, and the "
                     "policy does not allow this signal to it",
                     (int) t->who.pid, (unsigned) t->who.uid[0]);
            *code = "policy_denied";
            helper_target_close(t);

        } else if (wrong == NULL) {
            (void) helper_target_signal(t, SIGSTOP);
            s->n++;
            found++;

        } else {
            ++*moving;                /* until it is not there any more */
        }
    }

    free(list);

    return found;
}


static helper_target_t *
helper_signal_member(helper_signal_t *s, pid_t pid)
{
    unsigned  i;

    for (i = 0; i < s->n; i++) {
        if (s->tree[i].who.pid == pid) {
            return &s->tree[i];
        }
    }

    return NULL;
}


/* children first, so that no parent starts them anew */

static void
helper_signal_send(helper_signal_t *s, int sig)
{
    int       error;
    unsigned  i;

    for (i = s->n; i-- > 0; /* void */) {

        if (s->tree[i].gone) {
            continue;
        }

        error = helper_target_signal(&s->tree[i], sig);

        if (error && error != ESRCH) {
            s->error = error;
        }
    }
}


/* all, or but for those that stood still before */

static void
helper_signal_thaw(const helper_signal_t *s, int all)
{
    unsigned  i;

    for (i = s->n; i-- > 0; /* void */) {
        if (all || s->tree[i].proc.state != 'T') {
            (void) helper_target_signal(&s->tree[i], SIGCONT);
        }
    }
}


static void
helper_signal_wait(helper_signal_t *s, unsigned ms)
{
    uint64_t        now, end;
    unsigned        i;

    static struct pollfd  pfd[HELPER_TREE];

    now = helper_now();
    end = now + ms;

    for ( ;; ) {
        s->alive = 0;

        for (i = 0; i < s->n; i++) {
            s->tree[i].gone = helper_target_gone(&s->tree[i]);
            s->alive += !s->tree[i].gone;

            pfd[i].fd = s->tree[i].gone ? -1 : s->tree[i].fd;
            pfd[i].events = POLLIN;
        }

        now = helper_now();

        if (s->alive == 0 || now >= end) {
            return;
        }

        (void) poll(pfd, s->n, (int) (end - now));
    }
}


/* NULL, or a code and a sentence */

static const char *
helper_signal_judge(helper_signal_t *s, unsigned wait, char *state, char *why,
    size_t size)
{
    int             stopped;
    uint64_t        end;
    helper_proc_t   p;

    if (s->error) {
        snprintf(why, size, "the signal could not be sent: %s",
                 strerror(s->error));
        return "permission_denied";
    }

    end = helper_now() + HELPER_SIGNAL_STATE;

    for ( ;; ) {
        *state = 0;

        if (!helper_target_gone(&s->tree[0])
            && helper_proc(s->tree[0].who.pid, &p) == 0)
        {
            *state = p.state;
        }

        stopped = *state == 'T' || *state == 't';

        if (*state == 0 || (s->sig != SIGSTOP && s->sig != SIGCONT)
            || stopped == (s->sig == SIGSTOP))
        {
            break;
        }

        if (helper_now() >= end) {
            snprintf(why, size, "process %d is %s all the same",
                     (int) s->tree[0].who.pid, helper_target_state(*state));
            return "no_effect";
        }

        helper_sleep(5);
    }

    if (s->sig == SIGKILL && wait < HELPER_SIGNAL_THEN) {
        helper_signal_wait(s, HELPER_SIGNAL_THEN - wait);
    }

    if (s->alive && (wait || s->sig == SIGKILL) && s->sig != SIGSTOP
        && s->sig != SIGCONT)
    {
        snprintf(why, size, "%u of %u processes still run", s->alive, s->n);
        return "still_alive";
    }

    if (s->alive == 0) {
        *state = 0;
    }

    return NULL;
}


/* as many pids as there is room for, and how many they are */

static void
helper_signal_list(const helper_signal_t *s, pm_wire_text_t *t)
{
    int       gone;
    char      text[1400];
    size_t    n;
    unsigned  i;

    for (gone = 0; gone < 2; gone++) {

        text[0] = '\0';

        for (i = 0, n = 0; i < s->n && n + 16 < sizeof(text); i++) {
            if (s->tree[i].gone == gone) {
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%d",
                                       n ? "," : "",
                                       (int) s->tree[i].who.pid);
            }
        }

        pm_wire_add(t, gone ? "gone" : "alive", text);
    }

    pm_wire_addu(t, "alive_count", s->alive);
    pm_wire_addu(t, "gone_count", s->n - s->alive);
}
