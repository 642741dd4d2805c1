
/* what the files of the helper share: all that those know that run as root */


#ifndef _HELPER_H_INCLUDED_
#define _HELPER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "../policy/pm_policy.h"
#include "../policy/pm_sha256.h"
#include "../policy/pm_wire.h"


#define HELPER_VERSION    "1"
#define HELPER_SOCKET     0           /* the descriptor of the worker */
#define HELPER_WHY        256
#define HELPER_ARGS       (PM_POLICY_WORDS + 8)
#define HELPER_GROUPS     64
#define HELPER_SAMPLES    1000

/* of a measured run: a head and some digits for each sample */
#define HELPER_RECORDS    (HELPER_SAMPLES * (sizeof(pm_wire_head_t) + 64))


/* fixed when the helper is compiled: helper_paths.c */

extern const char *const  helper_policy_path;
extern const char *const  helper_key_path;
extern const char *const  helper_spool_dir;
extern const uid_t        helper_web_uid;
extern const uid_t        helper_owner;         /* of policy and programs */
extern const int          helper_unprivileged;


typedef struct helper_run_s     helper_run_t;
typedef struct helper_reader_s  helper_reader_t;


/* a request whose MAC, age and form are right */

typedef struct {
    pm_wire_msg_t             msg;
    char                      text[PM_WIRE_TEXT];
    size_t                    len;
    pm_wire_pid_t            *pids;
    size_t                    npids;

    const char               *verb;
    const char               *op;
    const char               *actor;
    const char               *role_name;
    unsigned                  role;
    uint64_t                  expires;    /* ms; nobody waits longer */

    pid_t                     worker;     /* of nginx, once looked for */
    int                       dir;        /* of the spool, once it began */
    int                       spool;      /* of the action, or -1 */
    pm_policy_t               policy;

    /* what is found as root, for those that follow as nobody */

    const pm_policy_entry_t  *e;          /* that permits */
    int                       action;
    unsigned                  lines;      /* of a log */
    int                       first;      /* such a look was not before */
    int                       setuid;
    int                       stored;     /* a queried one's file, or -1 */
    int                       sock;       /* to helper_runner() */
    int                       log;        /* or -1 */
    helper_run_t             *step;       /* what may be run, in any order */
    size_t                    nsteps;

    uint32_t                  asked;      /* of a read: fields, */
    uint32_t                  fields;     /*   those of them that may be */
    helper_reader_t          *shared;
    int                       reads[2];   /* to the reader, from it */
    int                       proc;       /* the folder */

    const char               *result;     /* of what is not done */
    const char               *code;
    char                      why[HELPER_WHY];
} helper_t;


/* whom a command runs as */

typedef struct {
    uid_t                     uid;
    gid_t                     gid;
    gid_t                     groups[HELPER_GROUPS];
    int                       ngroups;
} helper_user_t;


/* kB, of the head of a measured run's processes */

typedef struct {
    unsigned                  ms;
    unsigned                  peak;
    unsigned                  size;
    unsigned                  hwm;
    unsigned                  rss;
} helper_sample_t;


typedef struct {
    struct rusage             usage;
    uint64_t                  start;      /* us */
    uint64_t                  real;
    uint64_t                  next;       /* ms, of the next sample */

    helper_sample_t           sample[HELPER_SAMPLES];
    unsigned                  n;
    unsigned                  step;       /* every how manieth is kept */
    unsigned                  taken;

    uint64_t                  rss_sum;
    uint64_t                  size_sum;
    unsigned                  size_max;
} helper_measure_t;


/* one run of one program, and what came of it */

struct helper_run_s {
    const char               *argv[HELPER_ARGS + 1];
    unsigned                  argc;       /* 0: there is nothing to run */
    const char               *path;       /* NULL: argv[0] is the program */
    const helper_user_t      *user;       /* NULL: whom the helper is */
    unsigned                  timeout;    /* ms */
    int                       once;       /* not twice */
    helper_measure_t         *measure;    /* NULL: not measured */

    uint8_t                  *out;        /* PM_WIRE_OUTPUT bytes, or NULL */
    uint8_t                  *err;
    size_t                    cap;        /* of each, 0 for all of it */
    int                       tail;       /* the last bytes */
    size_t                    out_len;
    size_t                    err_len;
    uint8_t                  *records;    /* of a measured run, to be sent */
    size_t                    records_len;
    uint64_t                  out_total;
    uint64_t                  err_total;

    int                       failed;     /* it was not executed: why */
    char                      why[HELPER_WHY];
    int                       exit_code;  /* -1 when it did not exit */
    int                       signal;
    int                       timed_out;
    uint64_t                  duration;   /* ms */
};


/* the runs of an action on a service; of other verbs there is only the first */

enum {
    HELPER_ACT = 0,
    HELPER_OBSERVE,
    HELPER_LEAVE,                         /* the unit of nginx */
    HELPER_DETACHED,                      /* act, and do not wait */
    HELPER_STEPS
};


/* of /proc/PID/stat */

typedef struct {
    pid_t                     pid;
    pid_t                     ppid;
    char                      state;
    int                       kernel;     /* a thread of the kernel */
    uint64_t                  start;
} helper_proc_t;


#define HELPER_SPOOL_START  'S'           /* type of a file's first head */


/* helper_log.c: while it is root, whom alone it may be open to */
void helper_log_open(helper_t *h);

/* helper_env.c */
void helper_env_first(void);
/* 0, or -1 and refused: who calls */
int helper_env_identity(helper_t *h);
void helper_env_session(void);
int helper_env_caps(uint64_t keep);
/* no way back: bits 1 << CAP_* */
void helper_env_drop(uint64_t keep);
void helper_env_child(const helper_user_t *u);
/* 0, or -1 when there is no such user */
int helper_env_user(const char *name, helper_user_t *u);
uint64_t helper_now(void);

/* helper_request.c */
int helper_request(helper_t *h);
int helper_check(helper_t *h);
/* -1, and what is told when root has been given up */
int helper_refuse(helper_t *h, const char *result, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* helper_exec.c: -1 and run->why when nothing was executed */
int helper_exec(helper_run_t *run);
int helper_exec_check(const char *path, char *why, size_t size);

/* helper_stray.c */
void helper_stray_spare(void);
unsigned helper_stray_kill(int sig);

/* helper_proc.c */
int helper_proc_read(const char *path, char *buf, size_t size);
int helper_proc(pid_t pid, helper_proc_t *p);
size_t helper_proc_list(helper_proc_t **list);

/* helper_measure.c */
void helper_measure_start(helper_measure_t *m);
/* ms until the next sample is due */
int helper_measure_sample(helper_measure_t *m, pid_t pid);
void helper_measure_end(helper_measure_t *m, const struct rusage *usage);
/* how many of the keys have a value in kB there */
unsigned helper_measure_kb(const char *path, const char *const *keys,
    unsigned *values, unsigned n);

/* helper_anchor.c: where the log's chain stood, or NULL */
const char *helper_anchor_mark(const helper_t *h);
void helper_anchor(const helper_t *h, int dir);

/* helper_spool.c */
int helper_spool_open(char *why, size_t size);
/* 0, or -1 and refused; target is what only one may act on */
int helper_spool_begin(helper_t *h, const char *target, const char *name);
void helper_spool_first(helper_t *h, const char *name);
void helper_spool_prune(int dir);
int helper_spool_write(int fd, const void *data, size_t len);

/* helper_step.c: which program with which words, from the policy alone */
const char *helper_step_program(const pm_policy_entry_t *e, int action);
const char *helper_step_script(const pm_policy_entry_t *e);
/* the name that runlevels know an LSB script by, or NULL */
const char *helper_step_init(const pm_policy_entry_t *e);
/* 0, or -1 and refused */
int helper_steps(helper_t *h, size_t n);
void helper_step_start(helper_run_t *run, unsigned timeout);
void helper_step_word(helper_run_t *run, const char *word);
void helper_step_service(helper_t *h);
void helper_step_leave(pid_t one, pid_t other);
void helper_step_observe(helper_run_t *run, const pm_policy_entry_t *e);
void helper_step_id(const pm_policy_entry_t *e, char *buf, size_t size);
void helper_step_log(helper_run_t *run, const pm_policy_entry_t *e,
    unsigned lines);
void helper_step_timers(helper_run_t *run);

/* helper_runner.c: 0 in a child, which is to give up root */
int helper_runner(helper_t *h);
void helper_read_serve(helper_t *h, int sock) __attribute__((noreturn));

/*
 * Of each verb, as root: may it be, and what only root can do.  0: the rest
 * may follow; -1: it is refused.
 */
int helper_status_ask(helper_t *h);           /* helper_ask.c */
int helper_query_ask(helper_t *h);
int helper_list_ask(helper_t *h);
int helper_journal_ask(helper_t *h);
int helper_schedule_ask(helper_t *h);
int helper_service_ask(helper_t *h);
int helper_command_ask(helper_t *h);          /* helper_command.c */
int helper_process_ask(helper_t *h);          /* helper_ask.c */
int helper_read_ask(helper_t *h);             /* helper_read.c */

/* as nobody, before root decides: the same, and nothing has been done yet */
int helper_signal_may(helper_t *h);           /* helper_signal.c */
int helper_priority_may(helper_t *h);         /* helper_priority.c */

/* and as nobody, for good */
void helper_drive(helper_t *h, void (*act)(helper_t *h));   /* one of these */
void helper_io_refused(helper_t *h);          /* helper_io.c */
void helper_status_tell(helper_t *h);         /* helper_tell.c */
void helper_read_act(helper_t *h);            /* helper_follow.c */
void helper_query_tell(helper_t *h);          /* helper_stored.c */
void helper_list_act(helper_t *h);            /* helper_list.c */
void helper_journal_act(helper_t *h);         /* helper_journal.c */
void helper_schedule_act(helper_t *h);        /* helper_schedule.c */
void helper_service_act(helper_t *h);         /* helper_service.c */
void helper_command_act(helper_t *h);         /* helper_tell.c */
void helper_signal_act(helper_t *h);          /* helper_signal.c */
void helper_priority_act(helper_t *h);        /* helper_priority.c */


#endif /* _HELPER_H_INCLUDED_ */
