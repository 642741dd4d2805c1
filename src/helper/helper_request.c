
/* the request: as it came, and whether it may be believed */


#include "helper.h"
#include "../policy/pm_path.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>


#define HELPER_LIFETIME         600000  /* ms: none is good for longer */
#define HELPER_REQUEST_TIME     5000    /* ms until all of it must be here */
#define HELPER_REQUEST_SEND     10      /* s that the worker may stand still */


static int helper_request_read(void *data, size_t len, uint64_t deadline);
static int helper_key(uint8_t key[PM_WIRE_KEY_LEN], char *why, size_t size);
static int helper_hex(char c);
static int helper_uuid_ok(const char *s);
static int helper_payload_ok(helper_t *h);


static pm_wire_pid_t  helper_pids[PM_WIRE_PIDS];


/* text and payload as they came; nothing of them is believed yet */

int
helper_request(helper_t *h)
{
    uint64_t        deadline;
    pm_wire_head_t  head;
    struct timeval  tv;

    tv.tv_sec = HELPER_REQUEST_SEND;
    tv.tv_usec = 0;

    if (setsockopt(HELPER_SOCKET, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))
        == -1)
    {
        return -1;                    /* no socket: nobody to talk to */
    }

    deadline = helper_now() + HELPER_REQUEST_TIME;

    if (helper_request_read(&head, sizeof(head), deadline) != 0
        || head.type != PM_WIRE_REQUEST
        || head.len == 0 || head.len > PM_WIRE_TEXT
        || head.pid < 0 || (size_t) head.pid > sizeof(helper_pids)
        || (size_t) head.pid % sizeof(pm_wire_pid_t) != 0)
    {
        return -1;
    }

    h->len = head.len;
    h->pids = helper_pids;
    h->npids = (size_t) head.pid / sizeof(pm_wire_pid_t);

    if (helper_request_read(h->text, h->len, deadline) != 0
        || helper_request_read(h->pids, (size_t) head.pid, deadline) != 0)
    {
        return -1;
    }

    return 0;
}


static int
helper_request_read(void *data, size_t len, uint64_t deadline)
{
    char           *p;
    ssize_t         n;
    uint64_t        now;
    struct pollfd   pfd;

    for (p = data; len; p += n, len -= (size_t) n) {

        now = helper_now();

        pfd.fd = HELPER_SOCKET;
        pfd.events = POLLIN;

        if (now >= deadline || poll(&pfd, 1, (int) (deadline - now)) != 1) {
            return -1;
        }

        n = recv(HELPER_SOCKET, p, len, MSG_DONTWAIT);

        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            return -1;
        }
    }

    return 0;
}


/* sealed by a worker, not stale, and in the right form */

int
helper_check(helper_t *h)
{
    char         why[HELPER_WHY];
    size_t       i;
    uint8_t      key[PM_WIRE_KEY_LEN];
    uint64_t     now;
    const char  *v, *word;

    if (helper_key(key, why, sizeof(why)) != 0) {
        return helper_refuse(h, "error", "key_unreadable", "%s", why);
    }

    if (pm_wire_parse(&h->msg, h->text, h->len, key, &word) != 0) {
        explicit_bzero(key, sizeof(key));
        return helper_refuse(h, "refused", strcmp(word, "mac") == 0
                                           ? "bad_mac" : "bad_request",
                             "the request is not valid: %s", word);
    }

    explicit_bzero(key, sizeof(key));

    for (i = 0; i < h->msg.n; i++) {
        if (strlen(h->msg.pair[i].value) != h->msg.pair[i].len) {
            return helper_refuse(h, "refused", "bad_request", "a zero byte");
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
        return helper_refuse(h, "refused", "bad_request", "v, verb, op, actor "
                             "or role is missing or wrong");
    }

    now = helper_now();

    if (pm_wire_getu(&h->msg, "expires", UINT64_MAX, &h->expires) != 0
        || h->expires <= now || h->expires - now > HELPER_LIFETIME)
    {
        return helper_refuse(h, "refused", "expired", "the request is not "
                             "valid at this time");
    }

    if (!helper_payload_ok(h)) {
        return helper_refuse(h, "refused", "bad_request", "the payload is not "
                             "the one that was sealed");
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


int
helper_refuse(helper_t *h, const char *result, const char *code,
    const char *fmt, ...)
{
    va_list  args;

    h->result = result;
    h->code = code;

    va_start(args, fmt);
    vsnprintf(h->why, sizeof(h->why), fmt, args);
    va_end(args);

    return -1;
}
