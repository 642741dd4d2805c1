
/*
 * What came of an action or a look, in words: results, codes, sentences and
 * figures.  By now the helper is nobody.
 */


#include "helper_drive.h"

#include <stdio.h>
#include <string.h>


static const char *helper_service_judge(const helper_service_t *s, char *why,
    size_t size);
static void helper_service_text(pm_wire_text_t *t, const char *when,
    const helper_state_t *s);
static void helper_measure_records(helper_run_t *run);
static void helper_measure_text(const helper_run_t *run, pm_wire_text_t *t);


void
helper_status_tell(helper_t *h)
{
    pm_wire_text_t  t;

    helper_io_start(&t, "ok", NULL, NULL);
    pm_wire_addu(&t, "setuid", (unsigned) !helper_unprivileged);
    pm_wire_addu(&t, "unprivileged", (unsigned) helper_unprivileged);
    pm_wire_add(&t, "version", HELPER_VERSION);
    pm_wire_add(&t, "policy", h->policy.error[0] ? h->policy.error : "ok");
    pm_wire_add(&t, "spool", h->why[0] ? h->why : "ok");
    helper_io_final(&t, NULL);
}


void
helper_service_tell(helper_t *h, helper_service_t *s)
{
    char             why[HELPER_WHY];
    const char      *code, *result;
    pm_wire_text_t   t;

    result = "ok";
    code = NULL;

    if (s->code) {
        result = "refused";
        code = s->code;
        memcpy(why, s->why, sizeof(why));

    } else if (s->done && s->action != PM_ACTION_STATUS) {
        code = "unchanged";
        snprintf(why, sizeof(why), "%s is %.31s already", s->e->name,
                 s->action >= PM_ACTION_ENABLE ? s->before.enabled
                                               : s->before.state);

    } else if (!s->done) {
        code = helper_service_judge(s, why, sizeof(why));
        result = code ? "failed" : "ok";

        if (code == NULL && s->action == PM_ACTION_STOP
            && helper_state_is(&s->after, "failed")
            && !helper_state_is(&s->before, "failed"))
        {
            code = "forced";
            snprintf(why, sizeof(why), "%s did not stop by itself and had to "
                     "be killed", s->e->name);
        }
    }

    s->run->duration = helper_now() - s->start;

    helper_io_start(&t, result, code, code ? why : NULL);
    helper_act_text(&t, s->run);
    helper_service_text(&t, "before", &s->before);
    helper_service_text(&t, "after", &s->after);
    helper_act_end(h, &t, s->run);

    helper_log(h, "%s%s%s: %s %s, exit %d, %s before, %s after", result,
               code ? " " : "", code ? code : "",
               pm_action_names[s->action], s->e->name, s->run->exit_code,
               s->before.state, s->after.state);
}


/* NULL is well; success takes the effect and the exit status */

static const char *
helper_service_judge(const helper_service_t *s, char *why, size_t size)
{
    const char  *code, *action, *program;

    action = pm_action_names[s->action];
    program = helper_step_program(s->e, s->action);

    if (s->effect && s->run->exit_code == 0) {
        return NULL;
    }

    if (!s->run->timed_out && !s->run->signal && s->m->explain) {
        code = s->m->explain(s->action, s->run, &s->after, why, size);

        if (code) {
            return code;
        }
    }

    if (s->run->timed_out || s->run->signal) {
        return helper_act_judge(s->run, why, size);
    }

    if (s->run->exit_code != 0) {
        snprintf(why, size, "%s %s ended with status %d; the service is %s",
                 program, action, s->run->exit_code, s->after.state);
        return "exit_status";
    }

    if (s->action == PM_ACTION_RESTART
        && helper_state_is(&s->after, "active"))
    {
        snprintf(why, size, "the same process runs as before the restart");
        return "not_restarted";
    }

    snprintf(why, size, "%s reported success, but the service is %s",
             program, s->action >= PM_ACTION_ENABLE ? s->after.enabled
                                                       : s->after.state);

    return "no_effect";
}


static void
helper_service_text(pm_wire_text_t *t, const char *when,
    const helper_state_t *s)
{
    char  key[32];

    snprintf(key, sizeof(key), "%s_state", when);
    pm_wire_add(t, key, s->state);

    snprintf(key, sizeof(key), "%s_sub", when);
    pm_wire_add(t, key, s->sub);

    if (s->pid) {
        snprintf(key, sizeof(key), "%s_pid", when);
        pm_wire_addi(t, key, s->pid);
    }

    if (s->enabled[0]) {
        snprintf(key, sizeof(key), "%s_enabled", when);
        pm_wire_add(t, key, s->enabled);
    }
}


void
helper_command_act(helper_t *h)
{
    char             why[HELPER_WHY];
    const char      *code, *result;
    helper_run_t    *run;
    pm_wire_text_t   t;

    helper_log(h, "permitted: command %s (%s) as %s", h->e->name, h->e->path,
               h->e->user);

    run = helper_run(h, HELPER_ACT);

    if (run->failed) {
        code = "not_executable";
        result = "refused";
        memcpy(why, run->why, sizeof(why));

    } else {
        code = helper_act_judge(run, why, sizeof(why));
        result = code ? "failed" : "ok";
    }

    helper_io_start(&t, result, code, code ? why : NULL);
    pm_wire_add(&t, "id", h->e->name);
    helper_act_text(&t, run);

    if (run->measure && run->measure->real) {
        helper_measure_records(run);
        helper_measure_text(run, &t);
    }

    helper_act_end(h, &t, run);

    helper_log(h, "%s%s%s: command %s, exit %d, signal %d", result,
               code ? " " : "", code ? code : "", h->e->name, run->exit_code,
               run->signal);
}


void
helper_act_text(pm_wire_text_t *t, const helper_run_t *run)
{
    char      argv[1024];
    size_t    n, len;
    unsigned  i;

    if (run->exit_code >= 0) {
        pm_wire_addi(t, "exit_code", run->exit_code);
    }

    if (run->signal) {
        pm_wire_addi(t, "signal", run->signal);
    }

    pm_wire_addu(t, "duration_ms", run->duration);
    pm_wire_addu(t, "stdout_len", run->out_len);
    pm_wire_addu(t, "stderr_len", run->err_len);
    pm_wire_addu(t, "stdout_total", run->out_total);
    pm_wire_addu(t, "stderr_total", run->err_total);
    pm_wire_addu(t, "truncated", run->out_total > run->out_len
                                 || run->err_total > run->err_len);

    for (i = 0, n = 0; i < run->argc; i++) {

        len = strlen(run->argv[i]);

        if (len + 1 > sizeof(argv) - n) {
            break;
        }

        if (i) {
            argv[n++] = 0x1f;
        }

        memcpy(argv + n, run->argv[i], len);
        n += len;
    }

    pm_wire_addn(t, "argv", argv, n);
}


const char *
helper_act_judge(const helper_run_t *run, char *why, size_t size)
{
    const char  *program;

    program = run->path ? run->path : run->argv[0];

    if (run->timed_out) {
        snprintf(why, size, "%s did not end within %u s and was killed",
                 program, run->timeout / 1000);
        return "timeout";
    }

    if (run->signal) {
        snprintf(why, size, "%s was ended by signal %d", program,
                 run->signal);
        return "killed";
    }

    if (run->exit_code != 0) {
        snprintf(why, size, "%s ended with status %d", program,
                 run->exit_code);
        return "exit_status";
    }

    return NULL;
}


/* the samples as records, for the worker now and for whoever asks later */

static void
helper_measure_records(helper_run_t *run)
{
    int                n;
    char               line[64];
    unsigned           i;
    helper_measure_t  *m;

    static uint8_t     records[HELPER_RECORDS];

    m = run->measure;
    run->records = records;

    for (i = 0; i < m->n; i++) {
        n = snprintf(line, sizeof(line), "%u %u %u %u %u", m->sample[i].ms,
                     m->sample[i].peak, m->sample[i].size, m->sample[i].hwm,
                     m->sample[i].rss);

        run->records_len += helper_io_put(records + run->records_len, line,
                                          (size_t) n);
    }
}


static void
helper_measure_text(const helper_run_t *run, pm_wire_text_t *t)
{
    unsigned              host[3];
    const struct rusage  *u;
    helper_measure_t     *m;

    static const char *const  keys[] = {
        "MemTotal:", "MemAvailable:", "MemFree:"
    };

    m = run->measure;
    u = &m->usage;

    /* as a shell has it in $? */

    pm_wire_addi(t, "usage_retval", run->signal ? 128 + run->signal
                                                : run->exit_code);
    pm_wire_addu(t, "usage_real_us", m->real);
    pm_wire_addi(t, "usage_user_us", u->ru_utime.tv_sec * INT64_C(1000000)
                                     + u->ru_utime.tv_usec);
    pm_wire_addi(t, "usage_sys_us", u->ru_stime.tv_sec * INT64_C(1000000)
                                    + u->ru_stime.tv_usec);
    pm_wire_addi(t, "usage_maxrss_kb", u->ru_maxrss);

    if (m->taken) {
        pm_wire_addu(t, "usage_avgrss_kb", m->rss_sum / m->taken);
        pm_wire_addu(t, "usage_maxvsize_kb", m->size_max);
        pm_wire_addu(t, "usage_avgvsize_kb", m->size_sum / m->taken);
    }

    pm_wire_addi(t, "usage_minflt", u->ru_minflt);
    pm_wire_addi(t, "usage_majflt", u->ru_majflt);
    pm_wire_addi(t, "usage_nvcsw", u->ru_nvcsw);
    pm_wire_addi(t, "usage_nivcsw", u->ru_nivcsw);
    pm_wire_addi(t, "usage_inblock", u->ru_inblock);
    pm_wire_addi(t, "usage_oublock", u->ru_oublock);

    if (helper_measure_kb("/proc/meminfo", keys, host, 3) == 3) {
        pm_wire_addu(t, "usage_host_total_kb", host[0]);
        pm_wire_addu(t, "usage_host_available_kb", host[1]);
        pm_wire_addu(t, "usage_host_free_kb", host[2]);
    }
}
