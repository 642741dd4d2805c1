
/* starting the helper, and talking with it in a pool thread */


#include "ngx_procmgr_exec.h"
#include "ngx_procmgr_zone.h"
#include "../policy/pm_sha256.h"
#include <poll.h>
#include <spawn.h>


#define NGX_PROCMGR_WAIT_STEP  100      /* ms, then it looks at ngx_terminate */
#define NGX_PROCMGR_WAIT_POLL  2        /* ms, for its turn */


static void ngx_procmgr_exec_talk(int fd, ngx_procmgr_out_t *out,
    uint64_t deadline, ngx_procmgr_record_pt record, void *data,
    ngx_procmgr_reply_t *reply);


void
ngx_procmgr_request(pm_wire_text_t *t, const char *verb, const char *op,
    ngx_str_t *actor, const char *role, ngx_msec_t lifetime)
{
    pm_wire_start(t);
    pm_wire_add(t, "v", "1");
    pm_wire_add(t, "verb", verb);
    pm_wire_add(t, "op", op);
    pm_wire_addn(t, "actor", actor->data, actor->len);
    pm_wire_add(t, "role", role);

    if (lifetime) {
        pm_wire_addu(t, "expires", ngx_procmgr_boottime() + lifetime);
    }
}


/* at most helper.max at once on the host; the index of the turn, or -1 */

ngx_int_t
ngx_procmgr_exec_turn(ngx_procmgr_t *pm, ngx_msec_t time)
{
    uint64_t              now;
    ngx_int_t             turn;
    ngx_uint_t            i, max;
    ngx_procmgr_lease_t  *lease;

    turn = -1;
    max = ngx_min(pm->helper.max, NGX_PROCMGR_HELPERS);
    now = ngx_procmgr_boottime();

    ngx_shmtx_lock(&pm->shpool->mutex);

    for (i = 0; i < max; i++) {
        lease = &pm->sh->helpers[i];

        if (lease->pid == ngx_pid && lease->until > now) {
            continue;
        }

        /* a run ends by its deadline: the rest is for its clean-up */

        if (ngx_procmgr_lease_take(lease, now, time + 1000) == NGX_OK) {
            turn = i;
            break;
        }
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);

    return turn;
}


void
ngx_procmgr_exec_turn_end(ngx_procmgr_t *pm, ngx_int_t turn)
{
    ngx_shmtx_lock(&pm->shpool->mutex);

    if (pm->sh->helpers[turn].pid == ngx_pid) {
        pm->sh->helpers[turn].pid = 0;
    }

    ngx_shmtx_unlock(&pm->shpool->mutex);
}


ngx_int_t
ngx_procmgr_exec_seal(ngx_procmgr_t *pm, ngx_procmgr_out_t *out,
    pm_wire_text_t *text)
{
    pm_wire_head_t  head;

    pm_wire_seal(text, pm->helper.key);

    if (text->error) {
        return NGX_ERROR;
    }

    ngx_memzero(&head, sizeof(pm_wire_head_t));

    head.type = PM_WIRE_REQUEST;
    head.len = text->len;
    head.pid = out->payload_len;

    ngx_memcpy(out->data, &head, sizeof(pm_wire_head_t));
    ngx_memcpy(out->data + sizeof(pm_wire_head_t), text->data, text->len);

    out->len = sizeof(pm_wire_head_t) + text->len;

    return NGX_OK;
}


/*
 * The worker has threads, so that nothing but posix_spawn() may stand between
 * fork and exec.  The child gets one descriptor, no environment, no blocked
 * or ignored signal; of a pool thread it would inherit almost all blocked.
 * fd[0] is this end, non-blocking.  Returns an errno.
 */

ngx_err_t
ngx_procmgr_exec_spawn(ngx_procmgr_t *pm, int fd[2])
{
    pid_t                        pid;
    sigset_t                     none, all;
    ngx_err_t                    err;
    posix_spawnattr_t            attr;
    posix_spawn_file_actions_t   fa;

    static char  name[] = "procmgr-helper";
    char        *argv[] = { name, NULL };
    char        *envp[] = { NULL };

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, fd) == -1) {
        return ngx_errno;
    }

    if (ngx_nonblocking(fd[0]) == -1) {
        err = ngx_errno;
        goto failed;
    }

    err = posix_spawnattr_init(&attr);
    if (err) {
        goto failed;
    }

    err = posix_spawn_file_actions_init(&fa);
    if (err) {
        (void) posix_spawnattr_destroy(&attr);
        goto failed;
    }

    sigemptyset(&none);
    sigfillset(&all);

    (void) posix_spawnattr_setsigmask(&attr, &none);
    (void) posix_spawnattr_setsigdefault(&attr, &all);

    err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK
                                          |POSIX_SPAWN_SETSIGDEF);
    if (err == 0) {
        err = posix_spawn_file_actions_adddup2(&fa, fd[1], 0);
    }

    if (err == 0) {
        err = posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY,
                                               0);
    }

    if (err == 0) {
        err = posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY,
                                               0);
    }

    if (err == 0) {
        err = posix_spawn_file_actions_addclosefrom_np(&fa, 3);
    }

    if (err == 0) {
        err = posix_spawn(&pid, (char *) pm->helper.path.data, &fa, &attr,
                          argv, envp);
    }

    (void) posix_spawn_file_actions_destroy(&fa);
    (void) posix_spawnattr_destroy(&attr);

    if (err) {
        goto failed;
    }

    (void) close(fd[1]);

    ngx_atomic_fetch_add(&pm->sh->counters.helper_runs, 1);

    return 0;

failed:

    (void) close(fd[0]);
    (void) close(fd[1]);

    return err;
}


/* the helper's trouble is logged once for the host until it works again */

void
ngx_procmgr_exec_said(ngx_procmgr_t *pm, ngx_procmgr_reply_t *reply)
{
    const char  *result, *code, *reason;

    code = NULL;
    reason = reply->why;

    if (reply->ended == NGX_PROCMGR_EXEC_DONE) {

        result = pm_wire_get(&reply->msg, "result");

        if (result == NULL || strcmp(result, "error") != 0) {

            /* "status" and "query" answer even when no action could be done */

            if (pm_wire_get(&reply->msg, "spool") == NULL) {
                pm->sh->helper_said = 0;
            }

            return;
        }

        code = pm_wire_get(&reply->msg, "code");
        reason = pm_wire_get(&reply->msg, "reason");
    }

    if (reply->ended == NGX_PROCMGR_EXEC_LOST) {
        ngx_atomic_fetch_add(&pm->sh->counters.helper_lost, 1);
    }

    if (ngx_atomic_cmp_set(&pm->sh->helper_said, 0, 1)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "procmgr helper: %s (%s)",
                      reason ? reason : "it refuses to work",
                      code ? code : "no answer");
    }
}


void
ngx_procmgr_exec_wait(ngx_procmgr_t *pm, pm_wire_text_t *text,
    const pm_wire_pid_t *pids, size_t npids, ngx_msec_t timeout,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply)
{
    int                 fd[2];
    char                hex[2 * PM_SHA256_LEN + 1];
    uint8_t             sum[PM_SHA256_LEN];
    uint64_t            deadline;
    ngx_err_t           err;
    ngx_int_t           turn;
    pm_sha256_t         ctx;
    pm_wire_text_t      copy;
    ngx_procmgr_out_t   out;

    ngx_memzero(reply, sizeof(ngx_procmgr_reply_t));

    reply->ended = NGX_PROCMGR_EXEC_AWAY;

    deadline = ngx_procmgr_boottime() + timeout;

    while ((turn = ngx_procmgr_exec_turn(pm, timeout)) == -1) {

        if (ngx_terminate || ngx_procmgr_boottime() >= deadline) {
            (void) snprintf(reply->why, sizeof(reply->why), "%s",
                            ngx_terminate ? NGX_PROCMGR_EXEC_EXITING
                                          : NGX_PROCMGR_EXEC_NO_TURN);
            return;
        }

        usleep(NGX_PROCMGR_WAIT_POLL * 1000);
    }

    copy = *text;

    out.payload = (const u_char *) pids;
    out.payload_len = npids * sizeof(pm_wire_pid_t);

    if (out.payload_len) {
        pm_sha256_init(&ctx);
        pm_sha256_update(&ctx, out.payload, out.payload_len);
        pm_sha256_final(&ctx, sum);
        pm_hex(hex, sum, PM_SHA256_LEN);

        pm_wire_add(&copy, "payload_sha256", hex);
    }

    if (ngx_procmgr_exec_seal(pm, &out, &copy) != NGX_OK) {
        (void) snprintf(reply->why, sizeof(reply->why),
                        NGX_PROCMGR_EXEC_TOO_LONG);
        goto done;
    }

    err = ngx_procmgr_exec_spawn(pm, fd);

    if (err) {
        (void) snprintf(reply->why, sizeof(reply->why),
                        "starting \"%s\" failed: %s",
                        (char *) pm->helper.path.data, strerror(err));
        goto done;
    }

    ngx_procmgr_exec_talk(fd[0], &out, deadline, record, data, reply);

    (void) close(fd[0]);

done:

    ngx_procmgr_exec_turn_end(pm, turn);
    ngx_procmgr_exec_said(pm, reply);
}


/* sends the request and reads until the final frame, at most to deadline */

static void
ngx_procmgr_exec_talk(int fd, ngx_procmgr_out_t *out, uint64_t deadline,
    ngx_procmgr_record_pt record, void *data, ngx_procmgr_reply_t *reply)
{
    u_char               *p;
    size_t                size, sent, total;
    ssize_t               n;
    uint64_t              now;
    ngx_int_t             rc;
    const char           *why;
    const u_char         *from;
    struct pollfd         pfd;
    ngx_procmgr_frame_t   frame;

    ngx_memzero(&frame, sizeof(ngx_procmgr_frame_t));

    sent = 0;
    total = out->len + out->payload_len;
    why = NULL;

    for ( ;; ) {

        now = ngx_procmgr_boottime();

        if (ngx_terminate || now >= deadline) {
            why = ngx_terminate ? NGX_PROCMGR_EXEC_EXITING
                                : NGX_PROCMGR_EXEC_LATE;
            break;
        }

        pfd.fd = fd;
        pfd.events = POLLIN | (sent < total ? POLLOUT : 0);
        pfd.revents = 0;

        n = poll(&pfd, 1, ngx_min(deadline - now, NGX_PROCMGR_WAIT_STEP));

        if (n == 0 || (n == -1 && ngx_errno == NGX_EINTR)) {
            continue;
        }

        if (n == -1) {
            why = "poll() failed";
            break;
        }

        if (pfd.revents & POLLOUT) {

            if (sent < out->len) {
                from = out->data + sent;
                size = out->len - sent;

            } else {
                from = out->payload + (sent - out->len);
                size = total - sent;
            }

            n = send(fd, from, size, MSG_NOSIGNAL|MSG_DONTWAIT);

            if (n > 0) {
                sent += n;

            } else if (ngx_errno != NGX_EAGAIN && ngx_errno != NGX_EINTR) {

                /* it may have refused before it read all: the answer tells */

                total = sent;
            }
        }

        if (!(pfd.revents & (POLLIN|POLLHUP|POLLERR))) {
            continue;
        }

        if (ngx_procmgr_frame_room(&frame, &p, &size) != NGX_OK) {
            why = "no memory for the answer";
            break;
        }

        n = recv(fd, p, size, MSG_DONTWAIT);

        if (n == -1
            && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EINTR))
        {
            continue;
        }

        if (n <= 0) {
            why = NGX_PROCMGR_EXEC_ENDED;
            break;
        }

        rc = ngx_procmgr_frame_feed(&frame, n, record, data, reply);

        if (rc != NGX_AGAIN) {
            break;
        }
    }

    ngx_procmgr_frame_free(&frame);

    if (reply->ended == NGX_PROCMGR_EXEC_DONE) {
        return;
    }

    /* a helper that did not get the whole request cannot have acted */

    reply->ended = (sent < out->len + out->payload_len)
                       ? NGX_PROCMGR_EXEC_AWAY : NGX_PROCMGR_EXEC_LOST;

    if (why) {
        (void) snprintf(reply->why, sizeof(reply->why), "%s", why);
    }
}


void
ngx_procmgr_reply_free(ngx_procmgr_reply_t *reply)
{
    free(reply->mem);
    reply->mem = NULL;
}
