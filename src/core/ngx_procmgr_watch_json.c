
/* What is told of a watch: to a client, to the log, to those who listen */


#include "ngx_procmgr_watch.h"
#include "../proc/pm_human.h"


#define NGX_PROCMGR_MB  1048576.0


static void ngx_procmgr_watch_json_mem(pm_json_t *j, const char *key,
    double value, int digits);
static void ngx_procmgr_watch_json_object(pm_json_t *j,
    const ngx_procmgr_watch_t *w, const char *key,
    const ngx_procmgr_watch_sample_t *s, ngx_uint_t human);
static void ngx_procmgr_watch_json_average(pm_json_t *j,
    const ngx_procmgr_watch_t *w, ngx_uint_t human);
static void ngx_procmgr_watch_json_human(pm_json_t *j, const double *mem,
    size_t n);
static void ngx_procmgr_watch_json_target(pm_json_t *j,
    const ngx_procmgr_watch_t *w);
static void ngx_procmgr_watch_json_config(pm_json_t *j,
    const ngx_procmgr_watch_t *w);
static void ngx_procmgr_watch_json_growth(pm_json_t *j,
    const ngx_procmgr_watch_t *w);
static void ngx_procmgr_watch_json_when(pm_json_t *j,
    const ngx_procmgr_watch_t *w, const char *key, uint64_t t);
static void ngx_procmgr_watch_text(pm_json_t *j, char *buf, size_t len);


static const struct {
    const char  *key;
    const char  *mb;                    /* NULL: of the detail */
    const char  *human;
} ngx_procmgr_watch_fields[PM_WATCH_FIELDS] = {
    { "virtual_size", "virtual_mb", "virtual_size_human" },
    { "physical_size", "physical_mb", "physical_size_human" },
    { "shared_size", "shared_mb", "shared_size_human" },
    { "VmData", NULL, "VmData_human" },
    { "VmStk", NULL, "VmStk_human" },
    { "VmExe", NULL, "VmExe_human" },
    { "VmLib", NULL, "VmLib_human" },
    { "VmSwap", NULL, "VmSwap_human" }
};


static const char *const  ngx_procmgr_watch_states[] = {
    "free", "new", "running", "stopped", "ended"
};


void
ngx_procmgr_watch_time(const ngx_procmgr_watch_t *w, uint64_t t,
    char buf[NGX_PROCMGR_WATCH_TIME])
{
    int64_t   ms;
    ngx_tm_t  tm;

    ms = (int64_t) t + w->offset;

    ngx_gmtime((time_t) (ms / 1000), &tm);

    *ngx_snprintf((u_char *) buf, NGX_PROCMGR_WATCH_TIME - 1,
                  "%4d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.ngx_tm_year,
                  tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                  tm.ngx_tm_min, tm.ngx_tm_sec, (int) (ms % 1000))
        = '\0';
}


static void
ngx_procmgr_watch_json_when(pm_json_t *j, const ngx_procmgr_watch_t *w,
    const char *key, uint64_t t)
{
    char  buf[NGX_PROCMGR_WATCH_TIME];

    pm_json_key(j, key);

    if (t == 0) {
        pm_json_null(j);
        return;
    }

    ngx_procmgr_watch_time(w, t, buf);
    pm_json_str(j, buf);
}


static void
ngx_procmgr_watch_json_mem(pm_json_t *j, const char *key, double value,
    int digits)
{
    pm_json_key(j, key);

    /* a field that this kernel does not show */

    if (value >= 1e19) {
        pm_json_null(j);

    } else if (digits) {
        pm_json_fixed(j, value, digits);

    } else {
        pm_json_u64(j, (uint64_t) value);
    }
}


void
ngx_procmgr_watch_json_sample(pm_json_t *j, const ngx_procmgr_watch_t *w,
    const ngx_procmgr_watch_sample_t *s, ngx_uint_t human)
{
    double      mem[PM_WATCH_FIELDS];
    ngx_uint_t  i, n;

    n = w->def.detail ? PM_WATCH_FIELDS : PM_WATCH_BASIC;

    for (i = 0; i < n; i++) {
        ngx_procmgr_watch_json_mem(j, ngx_procmgr_watch_fields[i].key,
                                   (double) s->mem[i], 0);
    }

    ngx_procmgr_watch_json_when(j, w, "timestamp", s->t);

    for (i = 0; i < PM_WATCH_BASIC; i++) {
        ngx_procmgr_watch_json_mem(j, ngx_procmgr_watch_fields[i].mb,
                                   (double) s->mem[i] / NGX_PROCMGR_MB, 3);
    }

    if (human) {
        for (i = 0; i < n; i++) {
            mem[i] = (double) s->mem[i];
        }

        ngx_procmgr_watch_json_human(j, mem, n);
    }
}


static void
ngx_procmgr_watch_json_human(pm_json_t *j, const double *mem, size_t n)
{
    char    buf[PM_HUMAN_LEN];
    size_t  i;

    for (i = 0; i < n; i++) {

        pm_json_key(j, ngx_procmgr_watch_fields[i].human);

        if (mem[i] >= 1e19) {
            pm_json_null(j);

        } else {
            (void) pm_human_size(buf, (uint64_t) mem[i]);
            pm_json_str(j, buf);
        }
    }
}


static void
ngx_procmgr_watch_json_object(pm_json_t *j, const ngx_procmgr_watch_t *w,
    const char *key, const ngx_procmgr_watch_sample_t *s, ngx_uint_t human)
{
    pm_json_key(j, key);

    if (w->samples == 0) {
        pm_json_null(j);
        return;
    }

    pm_json_object(j);
    ngx_procmgr_watch_json_sample(j, w, s, human);
    pm_json_object_end(j);
}


static void
ngx_procmgr_watch_json_average(pm_json_t *j, const ngx_procmgr_watch_t *w,
    ngx_uint_t human)
{
    double      mem[PM_WATCH_FIELDS];
    ngx_uint_t  i, n;

    pm_json_key(j, "average");

    if (w->samples == 0) {
        pm_json_null(j);
        return;
    }

    n = w->def.detail ? PM_WATCH_FIELDS : PM_WATCH_BASIC;

    pm_json_object(j);

    for (i = 0; i < n; i++) {
        mem[i] = w->current.mem[i] == PM_WATCH_UNKNOWN
                     ? 2e19 : w->sum[i] / (double) w->samples;

        ngx_procmgr_watch_json_mem(j, ngx_procmgr_watch_fields[i].key,
                                   mem[i], 0);
    }

    ngx_procmgr_watch_json_when(j, w, "timestamp", w->current.t);

    for (i = 0; i < PM_WATCH_BASIC; i++) {
        ngx_procmgr_watch_json_mem(j, ngx_procmgr_watch_fields[i].mb,
                                   mem[i] / NGX_PROCMGR_MB, 3);
    }

    if (human) {
        ngx_procmgr_watch_json_human(j, mem, n);
    }

    pm_json_object_end(j);
}


static void
ngx_procmgr_watch_json_target(pm_json_t *j, const ngx_procmgr_watch_t *w)
{
    pm_json_key(j, "target");
    pm_json_object(j);

    switch (w->def.kind) {

    case NGX_PROCMGR_WATCH_PID:
        pm_json_key(j, "pid");
        pm_json_i64(j, w->def.who.pid);
        pm_json_key(j, "name");
        pm_json_str(j, w->def.who.name);
        break;

    case NGX_PROCMGR_WATCH_UNIT:
        pm_json_key(j, "unit");
        pm_json_str(j, w->def.target);
        break;

    default:
        pm_json_key(j, "name");
        pm_json_str(j, w->def.target);
        break;
    }

    pm_json_object_end(j);
}


static void
ngx_procmgr_watch_json_config(pm_json_t *j, const ngx_procmgr_watch_t *w)
{
    ngx_uint_t  i;

    pm_json_key(j, "config");
    pm_json_object(j);

    pm_json_key(j, "interval_ms");
    pm_json_u64(j, w->def.interval);
    pm_json_key(j, "history_size");
    pm_json_u64(j, w->def.history);
    pm_json_key(j, "verbose_logging");
    pm_json_bool(j, w->def.verbose);
    pm_json_key(j, "thresholds_mb");
    pm_json_array(j);

    for (i = 0; i < w->def.nlimits; i++) {
        pm_json_double(j, w->def.limit[i]);
    }

    pm_json_array_end(j);
    pm_json_key(j, "growth_mb_per_min");

    if (w->def.growth > 0) {
        pm_json_double(j, w->def.growth);

    } else {
        pm_json_null(j);
    }

    pm_json_key(j, "on_alert");
    pm_json_str(j, w->def.on_alert[0] ? w->def.on_alert : NULL);
    pm_json_key(j, "detail");
    pm_json_bool(j, w->def.detail);

    pm_json_object_end(j);
}


static void
ngx_procmgr_watch_json_growth(pm_json_t *j, const ngx_procmgr_watch_t *w)
{
    double      now, limit, eta;
    ngx_uint_t  i;

    pm_json_key(j, "growth");

    if (w->samples == 0) {
        pm_json_null(j);

    } else {
        pm_json_object(j);

        for (i = 0; i < PM_WATCH_BASIC; i++) {
            pm_json_key(j, ngx_procmgr_watch_fields[i].mb);
            pm_json_fixed(j, ((double) w->current.mem[i]
                              - (double) w->initial.mem[i]) / NGX_PROCMGR_MB,
                          3);
        }

        pm_json_object_end(j);
    }

    pm_json_key(j, "slope_mb_per_min");

    if (w->slope.n == 0) {
        pm_json_null(j);
        pm_json_key(j, "slope_low_mb_per_min");
        pm_json_null(j);
        pm_json_key(j, "slope_high_mb_per_min");
        pm_json_null(j);

    } else {
        pm_json_fixed(j, w->slope.slope, 4);
        pm_json_key(j, "slope_low_mb_per_min");
        pm_json_fixed(j, w->slope.low, 4);
        pm_json_key(j, "slope_high_mb_per_min");
        pm_json_fixed(j, w->slope.high, 4);
    }

    /* to the nearest threshold above, when it surely grows */

    now = (double) w->current.mem[PM_WATCH_PHYSICAL] / NGX_PROCMGR_MB;
    limit = 0;

    for (i = 0; i < w->def.nlimits; i++) {
        if (w->def.limit[i] >= now
            && (limit == 0 || w->def.limit[i] < limit))
        {
            limit = w->def.limit[i];
        }
    }

    pm_json_key(j, "eta_to_threshold_s");

    if (limit == 0 || w->samples == 0 || w->slope.n == 0 || w->slope.low <= 0)
    {
        pm_json_null(j);
        return;
    }

    eta = (limit - now) / w->slope.slope * 60;

    if (eta > 4e9) {
        pm_json_null(j);

    } else {
        pm_json_fixed(j, eta, 1);
    }
}


void
ngx_procmgr_watch_json(pm_json_t *j, const ngx_procmgr_watch_t *w,
    ngx_uint_t human)
{
    char        buf[64];
    ngx_uint_t  i;

    pm_json_object(j);

    pm_json_key(j, "id");
    pm_json_str(j, (const char *) w->def.id);
    pm_json_key(j, "is_running");
    pm_json_bool(j, w->state == NGX_PROCMGR_WATCH_RUNNING);
    pm_json_key(j, "state");
    pm_json_str(j, w->state == NGX_PROCMGR_WATCH_RUNNING && w->who.pid == 0
                   ? "waiting" : ngx_procmgr_watch_states[w->state]);

    ngx_procmgr_watch_json_target(j, w);
    ngx_procmgr_watch_json_config(j, w);

    pm_json_key(j, "pid");

    if (w->who.pid) {
        pm_json_i64(j, w->who.pid);

    } else {
        pm_json_null(j);
    }

    pm_json_key(j, "name");
    pm_json_str(j, w->who.pid ? w->who.name : NULL);
    pm_json_key(j, "identity");

    if (w->who.pid) {
        *ngx_snprintf((u_char *) buf, sizeof(buf) - 1, "%D:%uL", w->who.pid,
                      w->who.starttime)
            = '\0';
        pm_json_str(j, buf);

    } else {
        pm_json_null(j);
    }

    pm_json_key(j, "actor");
    pm_json_str(j, w->def.actor);

    ngx_procmgr_watch_json_when(j, w, "started", w->started);
    ngx_procmgr_watch_json_when(j, w, "ended", w->ended);

    ngx_procmgr_watch_json_object(j, w, "initial", &w->initial, human);
    ngx_procmgr_watch_json_object(j, w, "current", &w->current, human);
    ngx_procmgr_watch_json_object(j, w, "max", &w->max, human);
    ngx_procmgr_watch_json_average(j, w, human);
    ngx_procmgr_watch_json_growth(j, w);

    pm_json_key(j, "growing");
    pm_json_bool(j, w->growing != 0);
    pm_json_key(j, "above_mb");
    pm_json_array(j);

    for (i = 0; i < w->def.nlimits; i++) {
        if (w->above[i]) {
            pm_json_double(j, w->def.limit[i]);
        }
    }

    pm_json_array_end(j);

    pm_json_key(j, "samples");
    pm_json_u64(j, w->samples);
    pm_json_key(j, "missed");
    pm_json_u64(j, w->missed);
    pm_json_key(j, "restarts");
    pm_json_u64(j, w->restarts);
    pm_json_key(j, "alerts");
    pm_json_u64(j, w->alerts);

    pm_json_object_end(j);
}


/* a text that does not fit is none: half of an object is not JSON */

static void
ngx_procmgr_watch_text(pm_json_t *j, char *buf, size_t len)
{
    char  *text;

    text = pm_json_error(j) == 0 && j->total < len ? pm_json_flatten(j) : NULL;

    if (text) {
        ngx_memcpy(buf, text, j->total);
        buf[j->total] = '\0';
        free(text);

    } else {
        ngx_cpystrn((u_char *) buf, (u_char *) "{}", len);
    }

    pm_json_free(j);
}


void
ngx_procmgr_watch_summary(const ngx_procmgr_watch_t *w, const char *sentence,
    char *buf, size_t len)
{
    pm_json_t  j;

    pm_json_init(&j, 0);
    pm_json_object(&j);

    pm_json_key(&j, "stdout");
    pm_json_str(&j, sentence);
    pm_json_key(&j, "watch");
    pm_json_str(&j, (const char *) w->def.id);

    ngx_procmgr_watch_json_object(&j, w, "initial", &w->initial, 0);
    ngx_procmgr_watch_json_object(&j, w, "current", &w->current, 0);
    ngx_procmgr_watch_json_object(&j, w, "max", &w->max, 0);
    ngx_procmgr_watch_json_average(&j, w, 0);
    ngx_procmgr_watch_json_growth(&j, w);

    pm_json_key(&j, "samples");
    pm_json_u64(&j, w->samples);
    pm_json_key(&j, "missed");
    pm_json_u64(&j, w->missed);
    pm_json_key(&j, "alerts");
    pm_json_u64(&j, w->alerts);

    pm_json_object_end(&j);

    ngx_procmgr_watch_text(&j, buf, len);
}


void
ngx_procmgr_watch_alert(const ngx_procmgr_watch_t *w, double limit, char *buf,
    size_t len)
{
    char       title[NGX_PROCMGR_WATCH_TARGET + 16], text[512];
    double     mb;
    pm_json_t  j;

    mb = (double) w->current.mem[PM_WATCH_PHYSICAL] / NGX_PROCMGR_MB;

    ngx_procmgr_watch_title(w, title, sizeof(title));

    if (limit > 0) {
        (void) snprintf(text, sizeof(text),
                        "%s: %.1f MB of physical memory, above %.10g MB",
                        title, mb, limit);

    } else {
        (void) snprintf(text, sizeof(text),
                        "%s: grows by %.2f MB a minute (%.2f to %.2f), "
                        "%.1f MB now", title, w->slope.slope, w->slope.low,
                        w->slope.high, mb);
    }

    pm_json_init(&j, 0);
    pm_json_object(&j);

    pm_json_key(&j, "stdout");
    pm_json_str(&j, text);
    pm_json_key(&j, "watch");
    pm_json_str(&j, (const char *) w->def.id);
    pm_json_key(&j, "target");
    pm_json_str(&j, title);
    pm_json_key(&j, "pid");
    pm_json_i64(&j, w->who.pid);
    pm_json_key(&j, "threshold_mb");

    if (limit > 0) {
        pm_json_double(&j, limit);

    } else {
        pm_json_null(&j);
    }

    ngx_procmgr_watch_json_object(&j, w, "current", &w->current, 0);
    ngx_procmgr_watch_json_growth(&j, w);

    pm_json_object_end(&j);

    ngx_procmgr_watch_text(&j, buf, len);
}


void
ngx_procmgr_watch_event(const ngx_procmgr_watch_t *w, const char *what,
    char *buf, size_t len)
{
    char       title[NGX_PROCMGR_WATCH_TARGET + 16];
    pm_json_t  j;

    ngx_procmgr_watch_title(w, title, sizeof(title));

    pm_json_init(&j, 0);
    pm_json_object(&j);

    pm_json_key(&j, "id");
    pm_json_str(&j, (const char *) w->def.id);
    pm_json_key(&j, "event");
    pm_json_str(&j, what);
    pm_json_key(&j, "target");
    pm_json_str(&j, title);
    pm_json_key(&j, "samples");
    pm_json_u64(&j, w->samples);

    pm_json_object_end(&j);

    ngx_procmgr_watch_text(&j, buf, len);
}
