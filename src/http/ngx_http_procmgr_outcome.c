
/*
 * From the helper's final answer to what the log keeps of it.  The bytes of
 * an action's output are the action's: they are repaired, never trusted.
 */


#include "ngx_http_procmgr_op.h"
#include "../proc/pm_json.h"


static ngx_int_t ngx_http_procmgr_outcome_json(ngx_http_procmgr_outcome_t *o,
    const pm_wire_msg_t *msg, const u_char *out, size_t out_len,
    const u_char *err, size_t err_len, const char *reason);
static void ngx_http_procmgr_outcome_code(ngx_http_procmgr_outcome_t *o,
    const char *code, const char *otherwise);
static void ngx_http_procmgr_outcome_text(pm_json_t *j, const char *key,
    const void *data, size_t len);
static void ngx_http_procmgr_outcome_number(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);
static void ngx_http_procmgr_outcome_state(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *state, const char *sub,
    const char *pid);
static void ngx_http_procmgr_outcome_argv(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_outcome_usage(pm_json_t *j,
    const pm_wire_msg_t *msg);
static void ngx_http_procmgr_outcome_numbers(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name);
static void ngx_http_procmgr_outcome_priority(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *nice, const char *ionice,
    const char *affinity);


/* of a measured run; `div' makes seconds of microseconds */
static const struct {
    const char  *key;
    const char  *name;
    ngx_uint_t   div;
} ngx_http_procmgr_outcome_usages[] = {
    { "retval", "usage_retval", 1 },
    { "real", "usage_real_us", 1000000 },
    { "user", "usage_user_us", 1000000 },
    { "sys", "usage_sys_us", 1000000 },
    { "maxrss", "usage_maxrss_kb", 1 },
    { "avgrss", "usage_avgrss_kb", 1 },
    { "maxvsize", "usage_maxvsize_kb", 1 },
    { "avgvsize", "usage_avgvsize_kb", 1 },
    { "minflt", "usage_minflt", 1 },
    { "majflt", "usage_majflt", 1 },
    { "nvcsw", "usage_nvcsw", 1 },
    { "nivcsw", "usage_nivcsw", 1 },
    { "inblock", "usage_inblock", 1 },
    { "oublock", "usage_oublock", 1 },
    { NULL, NULL, 0 }
};


static const struct {
    const char  *key;
    const char  *name;
} ngx_http_procmgr_outcome_totals[] = {
    { "totalmem", "usage_host_total_kb" },
    { "available", "usage_host_available_kb" },
    { "free", "usage_host_free_kb" },
    { NULL, NULL }
};


/* of the helper as a whole, whatever it was asked to do */
static const char *const  ngx_http_procmgr_outcome_codes[] = {
    "helper_unavailable",
    "helper_error",
    "not_setuid",
    "policy_invalid",
    "key_unreadable",
    "spool_failed",
    "not_started",
    "expired",
    "replayed",
    "bad_mac",
    NULL
};


ngx_uint_t
ngx_http_procmgr_outcome_helper(const char *code)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_procmgr_outcome_codes[i]; i++) {
        if (ngx_strcmp(code, ngx_http_procmgr_outcome_codes[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_procmgr_outcome_reply(ngx_http_procmgr_outcome_t *o,
    const pm_wire_msg_t *msg, const u_char *out, size_t out_len,
    const u_char *err, size_t err_len)
{
    const char  *result, *code, *reason;

    result = pm_wire_get(msg, "result");
    code = pm_wire_get(msg, "code");
    reason = pm_wire_get(msg, "reason");

    if (result == NULL) {
        return ngx_http_procmgr_outcome_word(o, "unknown", "bad_reply",
                            "the helper's answer could not be understood");
    }

    if (ngx_strcmp(result, "ok") == 0) {
        o->ret = "success";
        ngx_http_procmgr_outcome_code(o, code, "");

    } else if (ngx_strcmp(result, "failed") == 0) {
        o->ret = "failure";
        ngx_http_procmgr_outcome_code(o, code, "failed");

    } else if (ngx_strcmp(result, "refused") == 0) {
        o->ret = "refused";
        ngx_http_procmgr_outcome_code(o, code, "policy_denied");

    } else if (ngx_strcmp(result, "error") == 0) {
        o->ret = "failure";
        ngx_http_procmgr_outcome_code(o, code, "helper_error");

        if (!ngx_http_procmgr_outcome_helper(o->code)) {
            ngx_http_procmgr_outcome_code(o, "helper_error", "");
        }

    } else {
        return ngx_http_procmgr_outcome_word(o, "unknown", "bad_reply",
                            "the helper's answer could not be understood");
    }

    return ngx_http_procmgr_outcome_json(o, msg, out, out_len, err, err_len,
                                         reason);
}


ngx_int_t
ngx_http_procmgr_outcome_word(ngx_http_procmgr_outcome_t *o, const char *ret,
    const char *code, const char *reason)
{
    o->ret = ret;
    ngx_http_procmgr_outcome_code(o, code, "");

    return ngx_http_procmgr_outcome_json(o, NULL, NULL, 0, NULL, 0, reason);
}


ngx_int_t
ngx_http_procmgr_outcome_spool(ngx_http_procmgr_outcome_t *o,
    ngx_procmgr_reply_t *reply)
{
    const char  *spool, *alive;

    if (reply->ended != NGX_PROCMGR_EXEC_DONE) {
        return NGX_ERROR;
    }

    spool = pm_wire_get(&reply->msg, "spool");
    alive = pm_wire_get(&reply->msg, "alive");

    if (spool == NULL || alive == NULL) {
        return NGX_ERROR;
    }

    if (ngx_strcmp(spool, "none") == 0) {
        return NGX_DECLINED;
    }

    if (ngx_strcmp(spool, "end") == 0) {

        /* the answer of then, behind two words of now */

        return ngx_http_procmgr_outcome_reply(o, &reply->msg, reply->out,
                                              reply->out_len, reply->err,
                                              reply->err_len);
    }

    if (ngx_strcmp(spool, "start") != 0) {
        return NGX_ERROR;
    }

    if (ngx_strcmp(alive, "0") != 0) {
        return NGX_AGAIN;
    }

    return ngx_http_procmgr_outcome_word(o, "unknown", "lost",
                             "it was begun, and nobody knows how it ended");
}


void
ngx_http_procmgr_outcome_free(ngx_http_procmgr_outcome_t *o)
{
    free(o->result);
    o->result = NULL;
}


static ngx_int_t
ngx_http_procmgr_outcome_json(ngx_http_procmgr_outcome_t *o,
    const pm_wire_msg_t *msg, const u_char *out, size_t out_len,
    const u_char *err, size_t err_len, const char *reason)
{
    char        *text, *zero;
    uint64_t     truncated;
    pm_json_t    j;
    const char  *argv;

    ngx_http_procmgr_outcome_free(o);

    pm_json_init(&j, 0);
    pm_json_object(&j);

    argv = msg ? pm_wire_get(msg, "argv") : NULL;

    if (argv && argv[0]) {

        /* something was run */

        ngx_http_procmgr_outcome_argv(&j, msg);
        ngx_http_procmgr_outcome_number(&j, "exit_code", msg, "exit_code");
        ngx_http_procmgr_outcome_number(&j, "signal", msg, "signal");
        ngx_http_procmgr_outcome_text(&j, "stdout", out, out_len);
        ngx_http_procmgr_outcome_text(&j, "stderr", err, err_len);

        if (pm_wire_getu(msg, "truncated", 1, &truncated) == 0) {
            pm_json_key(&j, "truncated");
            pm_json_bool(&j, (int) truncated);
        }
    }

    if (msg) {
        ngx_http_procmgr_outcome_state(&j, "before", msg, "before_state",
                                       "before_sub", "before_pid");
        ngx_http_procmgr_outcome_state(&j, "after", msg, "after_state",
                                       "after_sub", "after_pid");
        ngx_http_procmgr_outcome_number(&j, "duration_ms", msg,
                                        "duration_ms");
    }

    if (msg) {
        ngx_http_procmgr_outcome_usage(&j, msg);
        ngx_http_procmgr_outcome_numbers(&j, "gone", msg, "gone");
        ngx_http_procmgr_outcome_numbers(&j, "alive", msg, "alive");
        ngx_http_procmgr_outcome_priority(&j, "before", msg, "before_nice",
                                          "before_ionice",
                                          "before_affinity");
        ngx_http_procmgr_outcome_priority(&j, "after", msg, "after_nice",
                                          "after_ionice", "after_affinity");
    }

    if (reason) {
        ngx_http_procmgr_outcome_text(&j, "reason", reason,
                                      ngx_strlen(reason));
    }

    pm_json_object_end(&j);

    text = pm_json_flatten(&j);

    if (text) {
        zero = realloc(text, j.total + 1);

        if (zero == NULL) {
            free(text);

        } else {
            zero[j.total] = '\0';
            o->result = zero;
        }
    }

    pm_json_free(&j);

    return o->result ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_procmgr_outcome_code(ngx_http_procmgr_outcome_t *o,
    const char *code, const char *otherwise)
{
    size_t  i;

    if (code == NULL) {
        code = otherwise;
    }

    for (i = 0; code[i]; i++) {

        if (i < sizeof(o->code) - 1
            && ((code[i] >= 'a' && code[i] <= 'z')
                || (code[i] >= '0' && code[i] <= '9')
                || code[i] == '_'))
        {
            o->code[i] = code[i];
            continue;
        }

        /* no word of ours: rather none than half of it */
        i = 0;
        break;
    }

    o->code[i] = '\0';
}


/* PostgreSQL's text has no zeros */

static void
ngx_http_procmgr_outcome_text(pm_json_t *j, const char *key,
    const void *data, size_t len)
{
    char        *copy;
    size_t       i, n;
    const char  *p;

    p = data;
    copy = NULL;

    if (len && memchr(p, '\0', len)) {

        copy = malloc(len);
        if (copy == NULL) {
            return;
        }

        for (i = 0, n = 0; i < len; i++) {
            if (p[i] != '\0') {
                copy[n++] = p[i];
            }
        }

        p = copy;
        len = n;
    }

    if (key) {
        pm_json_key(j, key);
    }

    pm_json_strn(j, len ? p : "", len);

    free(copy);
}


static void
ngx_http_procmgr_outcome_number(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    uint64_t  n;

    if (pm_wire_getu(msg, name, INT32_MAX, &n) == 0) {
        pm_json_key(j, key);
        pm_json_u64(j, n);
    }
}


static void
ngx_http_procmgr_outcome_state(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *state, const char *sub,
    const char *pid)
{
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, state);

    if (pair == NULL) {
        return;
    }

    pm_json_key(j, key);
    pm_json_object(j);

    ngx_http_procmgr_outcome_text(j, "state", pair->value, pair->len);

    pair = pm_wire_pair(msg, sub);

    if (pair && pair->len) {
        ngx_http_procmgr_outcome_text(j, "sub_state", pair->value,
                                      pair->len);
    }

    ngx_http_procmgr_outcome_number(j, "main_pid", msg, pid);

    pm_json_object_end(j);
}


static void
ngx_http_procmgr_outcome_argv(pm_json_t *j, const pm_wire_msg_t *msg)
{
    const char            *p, *end, *word;
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, "argv");

    pm_json_key(j, "argv");
    pm_json_array(j);

    p = pair->value;
    end = p + pair->len;

    while (p < end) {
        word = p;

        p = memchr(word, NGX_HTTP_PROCMGR_ARGV_SEP, (size_t) (end - word));
        if (p == NULL) {
            p = end;
        }

        ngx_http_procmgr_outcome_text(j, NULL, word, (size_t) (p - word));

        p++;
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_outcome_usage(pm_json_t *j, const pm_wire_msg_t *msg)
{
    uint64_t    n;
    ngx_uint_t  i;

    if (pm_wire_pair(msg, "usage_real_us") == NULL) {
        return;
    }

    pm_json_key(j, "usage");
    pm_json_object(j);

    for (i = 0; ngx_http_procmgr_outcome_usages[i].key; i++) {

        pm_json_key(j, ngx_http_procmgr_outcome_usages[i].key);

        if (pm_wire_getu(msg, ngx_http_procmgr_outcome_usages[i].name,
                         INT64_MAX, &n)
            != 0)
        {
            pm_json_null(j);

        } else if (ngx_http_procmgr_outcome_usages[i].div == 1) {
            pm_json_u64(j, n);

        } else {
            pm_json_fixed(j, (double) n
                             / ngx_http_procmgr_outcome_usages[i].div, 6);
        }
    }

    pm_json_key(j, "host");
    pm_json_object(j);

    for (i = 0; ngx_http_procmgr_outcome_totals[i].key; i++) {

        pm_json_key(j, ngx_http_procmgr_outcome_totals[i].key);

        if (pm_wire_getu(msg, ngx_http_procmgr_outcome_totals[i].name,
                         INT64_MAX, &n)
            == 0)
        {
            pm_json_u64(j, n);

        } else {
            pm_json_null(j);
        }
    }

    pm_json_object_end(j);
    pm_json_object_end(j);
}


/* a list of decimal numbers, whatever stands between them */

static void
ngx_http_procmgr_outcome_numbers(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *name)
{
    uint64_t               n;
    const char            *p, *last;
    const pm_wire_pair_t  *pair;

    pair = pm_wire_pair(msg, name);

    if (pair == NULL) {
        return;
    }

    pm_json_key(j, key);
    pm_json_array(j);

    p = pair->value;
    last = p + pair->len;

    while (p < last) {

        if (*p < '0' || *p > '9') {
            p++;
            continue;
        }

        for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
            n = ngx_min(n * 10 + (*p - '0'), INT32_MAX);
        }

        pm_json_u64(j, n);
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_outcome_priority(pm_json_t *j, const char *key,
    const pm_wire_msg_t *msg, const char *nice, const char *ionice,
    const char *affinity)
{
    const char  *value;

    value = pm_wire_get(msg, nice);

    if (value == NULL) {
        return;
    }

    pm_json_key(j, key);
    pm_json_object(j);

    if (value[0]) {
        pm_json_key(j, "nice");
        pm_json_i64(j, strtol(value, NULL, 10));
    }

    ngx_http_procmgr_outcome_numbers(j, "ionice", msg, ionice);
    ngx_http_procmgr_outcome_numbers(j, "cpu_affinity", msg, affinity);

    pm_json_object_end(j);
}
