
/*
 * The only program of procmgr with more rights than nginx.  It is started
 * once for one request that came over descriptor 0, and does what the policy
 * permits, if the request bears the MAC of a key that workers have and other
 * programs of their user have not.
 */


#include "helper.h"
#include "../policy/pm_fail.h"
#include "../policy/pm_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>


#define HELPER_LIFETIME  600000       /* ms: no request is good for longer */
#define HELPER_ALARM     3700         /* s: whatever happens, it ends */


static int helper_check(helper_t *h);
static int helper_key(uint8_t key[PM_WIRE_KEY_LEN], char *why, size_t size);
static int helper_hex(char c);
static int helper_uuid_ok(const char *s);
static int helper_payload_ok(helper_t *h);
static void helper_work(helper_t *h);
static int helper_status(helper_t *h);
static int helper_read_all(helper_t *h);


#define helper_cap(c)  (UINT64_C(1) << CAP_##c)

/*
 * What is to be done as root comes first and is as little as can be; behind
 * it root is given up for good but for what stands here.
 */

static const struct {
    const char  *verb;
    int          policy;              /* it needs one */
    int        (*ask)(helper_t *h);
    uint64_t     keep;
    void       (*act)(helper_t *h);
} helper_verbs[] = {
    { "status", 0, helper_status, 0, NULL },
    { "query", 0, helper_spool_ask, 0, helper_spool_tell },
    { "list", 1, helper_list_ask, helper_cap(DAC_READ_SEARCH),
      helper_list_tell },
    { "read", 1, helper_read_all, 0, NULL },
    { "journal", 1, helper_journal_ask, 0, helper_journal_tell },
    { "schedule", 1, helper_schedule_ask, helper_cap(DAC_READ_SEARCH),
      helper_schedule_act },
    { "service", 1, helper_service_ask, 0, helper_service_tell },
    { "command", 1, helper_command_ask, 0, helper_command_tell },
    { "signal", 1, helper_signal_ask,
      helper_cap(KILL)|helper_cap(SYS_PTRACE), helper_signal_act },
    { "priority", 1, helper_priority_ask,
      helper_cap(SYS_NICE)|helper_cap(SYS_PTRACE), helper_priority_act },
};

static helper_t  helper;


int
main(int argc, char **argv)
{
    const char  *wrong;

    helper_env_first();

    if (argc != 1 || strcmp(argv[0], "procmgr-helper") != 0) {
        _exit(1);
    }

    wrong = helper_env_identity();

    if (helper_io_request(&helper) != 0) {
        _exit(1);
    }

    pm_fail(helper_read, helper.text);

    /*
     * nginx logs how its children end; this one ends well and at once, and
     * what follows can neither be waited for nor be lost with the worker
     */

    switch (fork()) {

    case -1:
        helper_io_answer(&helper, "error", "helper_error", "fork failed");
        _exit(1);

    case 0:
        break;

    default:
        _exit(0);
    }

    helper_env_session();
    helper_log_open();
    alarm(HELPER_ALARM);

    helper.dir = -1;
    helper.spool = -1;

    pm_fail(helper_forked, helper.text);

    if (wrong == NULL) {
        helper_work(&helper);
        _exit(0);
    }

    if (strcmp(wrong, "not_setuid") == 0) {
        helper_io_answer(&helper, "error", wrong, "the helper does not run "
                         "as root: it is not installed setuid, or its file "
                         "system or a parent forbids it");

    } else {
        helper_io_answer(&helper, "refused", wrong, "uid %u may not use the "
                         "helper", (unsigned) getuid());
    }

    _exit(0);
}


static void
helper_work(helper_t *h)
{
    size_t  i;

    if (helper_check(h) != 0) {
        return;
    }

    for (i = 0; i < sizeof(helper_verbs) / sizeof(helper_verbs[0]); i++) {

        if (strcmp(h->verb, helper_verbs[i].verb) != 0) {
            continue;
        }

        if (helper_verbs[i].policy
            && pm_policy_load(&h->policy, helper_policy_path, helper_owner)
               != 0)
        {
            helper_io_answer(h, "error", "policy_invalid", "%s",
                             h->policy.error);
            return;
        }

        if (helper_verbs[i].ask(h) != 0) {
            return;
        }

        if (h->dir != -1) {
            helper_spool_prune(h->dir);
        }

        helper_env_drop(helper_verbs[i].keep);
        helper_verbs[i].act(h);

        return;
    }

    helper_io_answer(h, "refused", "bad_request", "unknown verb");
}


/* sealed by a worker, not stale, and in the right form */

static int
helper_check(helper_t *h)
{
    char         why[HELPER_WHY];
    size_t       i;
    uint8_t      key[PM_WIRE_KEY_LEN];
    uint64_t     now;
    const char  *v, *word;

    if (helper_key(key, why, sizeof(why)) != 0) {
        helper_io_answer(h, "error", "key_unreadable", "%s", why);
        return -1;
    }

    if (pm_wire_parse(&h->msg, h->text, h->len, key, &word) != 0) {
        explicit_bzero(key, sizeof(key));
        helper_io_answer(h, "refused",
                         strcmp(word, "mac") == 0 ? "bad_mac" : "bad_request",
                         "the request is not valid: %s", word);
        return -1;
    }

    explicit_bzero(key, sizeof(key));

    for (i = 0; i < h->msg.n; i++) {
        if (strlen(h->msg.pair[i].value) != h->msg.pair[i].len) {
            helper_io_answer(h, "refused", "bad_request", "a zero byte");
            return -1;
        }
    }

    v = pm_wire_get(&h->msg, "v");
    h->verb = pm_wire_get(&h->msg, "verb");
    h->op = pm_wire_get(&h->msg, "op");
    h->actor = pm_wire_get(&h->msg, "actor");
    h->role_name = pm_wire_get(&h->msg, "role");
    h->role = h->role_name ? pm_role(h->role_name) : 0;

    if (v == NULL || strcmp(v, "1") != 0 || h->verb == NULL || h->role == 0
        || h->actor == NULL || h->op == NULL || !helper_uuid_ok(h->op))
    {
        h->op = NULL;
        helper_io_answer(h, "refused", "bad_request",
                         "v, verb, op, actor or role is missing or wrong");
        return -1;
    }

    now = helper_now();

    if (pm_wire_getu(&h->msg, "expires", UINT64_MAX, &h->expires) != 0
        || h->expires <= now || h->expires - now > HELPER_LIFETIME)
    {
        helper_io_answer(h, "refused", "expired",
                         "the request is not valid at this time");
        return -1;
    }

    if (!helper_payload_ok(h)) {
        helper_io_answer(h, "refused", "bad_request",
                         "the payload is not the one that was sealed");
        return -1;
    }

    return 0;
}


/* 32 bytes, or as many in hexadecimal digits */

static int
helper_key(uint8_t key[PM_WIRE_KEY_LEN], char *why, size_t size)
{
    int          fd, hi, lo;
    char         buf[2 * PM_WIRE_KEY_LEN + 2];
    size_t       i;
    ssize_t      n;
    struct stat  st;

    fd = pm_path_open(helper_key_path, helper_owner,
                      PM_PATH_NOFOLLOW|PM_PATH_SECRET, &st, why, size);
    if (fd == -1) {
        return -1;
    }

    n = read(fd, buf, sizeof(buf));
    close(fd);

    if (n == PM_WIRE_KEY_LEN) {
        memcpy(key, buf, PM_WIRE_KEY_LEN);
        explicit_bzero(buf, sizeof(buf));
        return 0;
    }

    if (n == 2 * PM_WIRE_KEY_LEN + 1 && buf[n - 1] == '\n') {
        n--;
    }

    for (i = 0; n == 2 * PM_WIRE_KEY_LEN && i < PM_WIRE_KEY_LEN; i++) {

        hi = helper_hex(buf[2 * i]);
        lo = helper_hex(buf[2 * i + 1]);

        if (hi == -1 || lo == -1) {
            n = 0;
            break;
        }

        key[i] = (uint8_t) (hi << 4 | lo);
    }

    explicit_bzero(buf, sizeof(buf));

    if (n != 2 * PM_WIRE_KEY_LEN) {
        snprintf(why, size, "the key is neither 32 bytes nor 64 digits");
        return -1;
    }

    return 0;
}


static int
helper_hex(char c)
{
    const char  *p;

    static const char  digits[] = "0123456789abcdefABCDEF";

    p = c ? strchr(digits, c) : NULL;

    return p == NULL ? -1 : p - digits < 16 ? (int) (p - digits)
                                            : (int) (p - digits) - 6;
}


static int
helper_uuid_ok(const char *s)
{
    int  i;

    for (i = 0; s[i]; i++) {

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s[i] != '-') {
                return 0;
            }

        } else if (strchr("0123456789abcdef", s[i]) == NULL) {
            return 0;
        }
    }

    return i == 36;
}


static int
helper_payload_ok(helper_t *h)
{
    char         hex[2 * PM_SHA256_LEN + 1];
    uint8_t      sum[PM_SHA256_LEN];
    const char  *want;
    pm_sha256_t  ctx;

    want = pm_wire_get(&h->msg, "payload_sha256");

    if (want == NULL) {
        return h->npids == 0;
    }

    pm_sha256_init(&ctx);
    pm_sha256_update(&ctx, h->pids, h->npids * sizeof(pm_wire_pid_t));
    pm_sha256_final(&ctx, sum);
    pm_hex(hex, sum, sizeof(sum));

    return strcmp(hex, want) == 0;
}


static int
helper_status(helper_t *h)
{
    int             fd;
    char            why[HELPER_WHY];
    pm_wire_text_t  t;

    helper_io_start(&t, "ok", NULL, NULL);
    pm_wire_addu(&t, "setuid", (unsigned) !helper_unprivileged);
    pm_wire_addu(&t, "unprivileged", (unsigned) helper_unprivileged);
    pm_wire_add(&t, "version", HELPER_VERSION);

    if (pm_policy_load(&h->policy, helper_policy_path, helper_owner) == 0) {
        pm_wire_add(&t, "policy", "ok");

    } else {
        pm_wire_add(&t, "policy", h->policy.error);
    }

    fd = helper_spool_open(why, sizeof(why));
    pm_wire_add(&t, "spool", fd == -1 ? why : "ok");

    helper_io_final(&t, NULL);

    return -1;
}


/* its readers give up root before they read, each for its owner */

static int
helper_read_all(helper_t *h)
{
    helper_read(h);

    return -1;
}
