
/*
 * Watches: the memory of a process, a unit or a name, sampled at an interval
 * into a ring in the zone.  One worker, the holder of the lease, takes all
 * samples in one batch of a pool thread; when it dies another goes on where
 * it stopped.  A sample belongs to a slot of the host's clock, so none can be
 * taken twice, and a slot without one is counted as missed.
 *
 * What has to be written to the database waits as a note in the zone until it
 * is there.
 */


#ifndef _NGX_PROCMGR_WATCH_H_INCLUDED_
#define _NGX_PROCMGR_WATCH_H_INCLUDED_


#include "ngx_procmgr_zone.h"
#include "../proc/pm_json.h"
#include "../proc/pm_slope.h"
#include "../proc/pm_watch.h"


#define NGX_PROCMGR_WATCHES        192
#define NGX_PROCMGR_WATCH_SAMPLES  100000   /* of all of them */
#define NGX_PROCMGR_WATCH_LIMITS   8
#define NGX_PROCMGR_WATCH_NOTES    128

#define NGX_PROCMGR_WATCH_FASTEST  50       /* ms */
#define NGX_PROCMGR_WATCH_SLOWEST  3600000

#define NGX_PROCMGR_WATCH_TARGET   256
#define NGX_PROCMGR_WATCH_COMMAND  256
#define NGX_PROCMGR_WATCH_ACTOR    128
#define NGX_PROCMGR_WATCH_REMOTE   64
#define NGX_PROCMGR_WATCH_DETAIL   2560
#define NGX_PROCMGR_WATCH_BOOT     40

#define NGX_PROCMGR_WATCH_LEASE    2000     /* ms */

/* samples lie in chunks that belong to one watch each */
#define NGX_PROCMGR_WATCH_CHUNK    4096
#define NGX_PROCMGR_WATCH_CHUNKS   2048


typedef enum {
    NGX_PROCMGR_WATCH_PID = 0,
    NGX_PROCMGR_WATCH_UNIT,
    NGX_PROCMGR_WATCH_NAME
} ngx_procmgr_watch_kind_e;


typedef enum {
    NGX_PROCMGR_WATCH_FREE = 0,
    NGX_PROCMGR_WATCH_NEW,              /* not in the database yet */
    NGX_PROCMGR_WATCH_RUNNING,
    NGX_PROCMGR_WATCH_STOPPED,
    NGX_PROCMGR_WATCH_ENDED             /* with its process */
} ngx_procmgr_watch_state_e;


typedef struct {                        /* what was asked for */
    u_char                   id[37];
    uint32_t                 kind;
    char                     target[NGX_PROCMGR_WATCH_TARGET];
    pm_watch_who_t           who;       /* of a pid */
    uint32_t                 interval;  /* ms */
    uint32_t                 history;
    uint32_t                 nlimits;
    double                   limit[NGX_PROCMGR_WATCH_LIMITS];   /* MB */
    double                   growth;    /* MB per minute, 0: none */
    char                     on_alert[NGX_PROCMGR_WATCH_COMMAND];
    char                     command[64];   /* its name in the policy */
    char                     actor[NGX_PROCMGR_WATCH_ACTOR];
    char                     remote[NGX_PROCMGR_WATCH_REMOTE];
    uint32_t                 role;
    unsigned                 detail:1;
    unsigned                 verbose:1;
} ngx_procmgr_watch_def_t;


typedef struct {
    uint64_t                 t;         /* boottime, ms */
    uint64_t                 mem[PM_WATCH_FIELDS];  /* or the first three */
} ngx_procmgr_watch_sample_t;


typedef struct {
    ngx_procmgr_watch_def_t      def;
    uint32_t                     state;
    ngx_procmgr_lease_t          maker;     /* of a new one */
    uint64_t                     run;       /* another at each start */
    pm_watch_who_t               who;       /* pid 0: it waits for one */
    uint32_t                     restarts;
    uint32_t                     alerts;

    uint64_t                     started;   /* boottime, ms */
    uint64_t                     ended;
    int64_t                      offset;    /* of the wall clock, ms */

    uint64_t                     slot;      /* the last one dealt with */
    uint64_t                     find_at;   /* boottime, ms */
    uint64_t                     samples;
    uint64_t                     missed;
    uint32_t                     chunk;     /* of the newest sample */

    ngx_procmgr_watch_sample_t   initial;
    ngx_procmgr_watch_sample_t   current;
    ngx_procmgr_watch_sample_t   max;       /* each field by itself */
    double                       sum[PM_WATCH_FIELDS];

    unsigned                     above[NGX_PROCMGR_WATCH_LIMITS];
    uint32_t                     growing;
    uint64_t                     looked;    /* at the slope, ms */
    pm_slope_t                   slope;
    pm_trend_t                   trend;
} ngx_procmgr_watch_t;


typedef enum {
    NGX_PROCMGR_NOTE_FREE = 0,
    NGX_PROCMGR_NOTE_ALERT,
    NGX_PROCMGR_NOTE_END
} ngx_procmgr_note_kind_e;


typedef struct {                        /* a row that has to be written */
    uint32_t                 kind;
    ngx_procmgr_lease_t      writer;
    u_char                   id[37];    /* of the row: it is written once */
    u_char                   watch[37];
    uint64_t                 seq;
    uint32_t                 role;
    char                     target[NGX_PROCMGR_WATCH_TARGET + 16];
    char                     actor[NGX_PROCMGR_WATCH_ACTOR];
    char                     remote[NGX_PROCMGR_WATCH_REMOTE];
    char                     code[32];
    char                     on_alert[NGX_PROCMGR_WATCH_COMMAND];
    char                     command[64];
    char                     detail[NGX_PROCMGR_WATCH_DETAIL];   /* JSON */
} ngx_procmgr_watch_note_t;


typedef struct {                        /* at sh->watch_offset of the zone */
    ngx_procmgr_lease_t          sampler;
    ngx_procmgr_lease_t          restorer;
    uint32_t                     restored;
    uint32_t                     nchunks;
    uint64_t                     runs;
    uint64_t                     note_seq;
    size_t                       chunks_offset;
    ngx_atomic_t                 samples;   /* ever taken, for /metrics */
    ngx_atomic_t                 missed;
    ngx_procmgr_watch_t          watch[NGX_PROCMGR_WATCHES];
    ngx_procmgr_watch_note_t     note[NGX_PROCMGR_WATCH_NOTES];

    /* the watch a chunk belongs to, from 1 on; in its order of chunks */
    u_char                       owner[NGX_PROCMGR_WATCH_CHUNKS];
} ngx_procmgr_watch_shm_t;


/* by zone.c: bytes needed beside `data' bytes of other things, and their use */
size_t ngx_procmgr_watch_room(size_t data);
void ngx_procmgr_watch_zone(ngx_procmgr_t *pm);

ngx_procmgr_watch_shm_t *ngx_procmgr_watch_shm(ngx_procmgr_t *pm);


/* watch.c: the table; these take the lock themselves */

/*
 * NGX_OK: it is there, new, and this worker's for a while.  NGX_BUSY: one of
 * the same target runs, its id in `other'.  NGX_DECLINED: no room, and a
 * sentence in err.
 */
ngx_int_t ngx_procmgr_watch_add(ngx_procmgr_t *pm,
    const ngx_procmgr_watch_def_t *def, u_char other[37],
    char err[NGX_PROCMGR_ERR_LEN]);

/*
 * One that is new, has stopped or has ended runs from now on, from its first
 * sample on (NULL: it is still to be found).  NGX_BUSY and NGX_DECLINED as
 * above; NGX_DONE: it runs already; NGX_ERROR: it is not there.
 */
ngx_int_t ngx_procmgr_watch_run(ngx_procmgr_t *pm, const u_char *id,
    const pm_watch_who_t *who, const ngx_procmgr_watch_sample_t *first,
    u_char other[37], char err[NGX_PROCMGR_ERR_LEN]);

/*
 * NGX_OK: it ran until now, or was new.  NGX_DONE: it did not.  NGX_ERROR: it
 * is not there.
 */
ngx_int_t ngx_procmgr_watch_stop(ngx_procmgr_t *pm, const u_char *id);
/* the stop did not count: it runs on as it ran */
void ngx_procmgr_watch_resume(ngx_procmgr_t *pm, const u_char *id);
void ngx_procmgr_watch_remove(ngx_procmgr_t *pm, const u_char *id);
ngx_int_t ngx_procmgr_watch_limits(ngx_procmgr_t *pm,
    const ngx_procmgr_watch_def_t *def);

/* copies; NGX_ERROR: not there */
ngx_int_t ngx_procmgr_watch_get(ngx_procmgr_t *pm, const u_char *id,
    ngx_procmgr_watch_t *dst);
/* the n-th that is there, 0 .. NGX_PROCMGR_WATCHES - 1; NGX_DECLINED: none */
ngx_int_t ngx_procmgr_watch_at(ngx_procmgr_t *pm, ngx_uint_t n,
    ngx_procmgr_watch_t *dst);

/*
 * Samples from number `from' on, at most n of them, in order.  Their count;
 * *first is the number of the first one: older ones are gone.
 */
size_t ngx_procmgr_watch_history(ngx_procmgr_t *pm, const u_char *id,
    uint64_t from, size_t n, ngx_procmgr_watch_sample_t *dst,
    uint64_t *first);

/* (m) with the zone locked: the watch, or NULL */
ngx_procmgr_watch_t *ngx_procmgr_watch_find(ngx_procmgr_t *pm,
    const u_char *id);
/* (m) a sample behind the newest one, and its part of the figures */
void ngx_procmgr_watch_append(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    const ngx_procmgr_watch_sample_t *s);
/* "pid 17 (name)", "unit x.service", "name x" */
void ngx_procmgr_watch_title(const ngx_procmgr_watch_t *w, char *buf,
    size_t len);


/* watch_note.c */

/* (m) NGX_BUSY: no room, try again later */
ngx_int_t ngx_procmgr_watch_note(ngx_procmgr_t *pm, ngx_procmgr_watch_t *w,
    ngx_uint_t kind, const char *code, const char *detail);
/* the oldest that nobody writes is this worker's now; NGX_DONE: none */
ngx_int_t ngx_procmgr_watch_note_take(ngx_procmgr_t *pm,
    ngx_procmgr_watch_note_t *dst);
/* it is written, or has to be taken again later */
void ngx_procmgr_watch_note_leave(ngx_procmgr_t *pm, const u_char *id,
    ngx_uint_t written);
ngx_uint_t ngx_procmgr_watch_notes(ngx_procmgr_t *pm);


/* watch_json.c */

void ngx_procmgr_watch_json(pm_json_t *j, const ngx_procmgr_watch_t *w,
    ngx_uint_t human);
/* the members of a sample, in an object that the caller opens and closes */
void ngx_procmgr_watch_json_sample(pm_json_t *j, const ngx_procmgr_watch_t *w,
    const ngx_procmgr_watch_sample_t *s, ngx_uint_t human);
/* its summary, as a row of the log keeps it; zero terminated */
void ngx_procmgr_watch_summary(const ngx_procmgr_watch_t *w,
    const char *sentence, char *buf, size_t len);
/* of an alert; limit 0: it grows */
void ngx_procmgr_watch_alert(const ngx_procmgr_watch_t *w, double limit,
    char *buf, size_t len);
/* RFC 3339 in UTC with milliseconds */
#define NGX_PROCMGR_WATCH_TIME  sizeof("2026-01-01T00:00:00.000Z")
void ngx_procmgr_watch_time(const ngx_procmgr_watch_t *w, uint64_t t,
    char buf[NGX_PROCMGR_WATCH_TIME]);
/* a "watch" for those who listen */
void ngx_procmgr_watch_event(const ngx_procmgr_watch_t *w, const char *what,
    char *buf, size_t len);


/* watch_find.c, in a pool thread */

/*
 * The process of a watch, and a first sample of it.  0; or the status of a
 * problem, its code and a sentence.
 */
ngx_uint_t ngx_procmgr_watch_look(ngx_procmgr_t *pm, ngx_uint_t kind,
    const char *target, pm_watch_who_t *who,
    ngx_procmgr_watch_sample_t *first, char code[32],
    char err[NGX_PROCMGR_ERR_LEN]);
/* of this boot of the host */
const char *ngx_procmgr_watch_boot(void);


/* watch_run.c: the worker's part */

/* in init_process; `notes' is called when rows wait to be written */
ngx_int_t ngx_procmgr_watch_init(ngx_procmgr_t *pm, ngx_cycle_t *cycle,
    void (*notes)(ngx_procmgr_t *pm));
void ngx_procmgr_watch_exit(ngx_procmgr_t *pm);
/* there may be something to do: one runs, or a note waits */
void ngx_procmgr_watch_kick(ngx_procmgr_t *pm);
/* one was started here: this worker samples from now on, at once */
void ngx_procmgr_watch_seize(ngx_procmgr_t *pm);


#endif /* _NGX_PROCMGR_WATCH_H_INCLUDED_ */
