
/* what the files of the helper share */


#ifndef _HELPER_H_INCLUDED_
#define _HELPER_H_INCLUDED_


#include <sched.h>
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
#define HELPER_PIDS       32
#define HELPER_DROPPED    65533       /* uid and gid: nobody has them */
#define HELPER_TREE       900         /* processes, each a descriptor */

/* of a measured run: a head and some digits for each sample */
#define HELPER_RECORDS    (HELPER_SAMPLES * (sizeof(pm_wire_head_t) + 64))


/* fixed when the helper is compiled: helper_paths.c */

extern const char *const  helper_policy_path;
extern const char *const  helper_key_path;
extern const char *const  helper_spool_dir;
extern const uid_t        helper_web_uid;
extern const uid_t        helper_owner;         /* of policy and programs */
extern const int          helper_unprivileged;


/* a request whose MAC, age and form are right */

typedef struct {
    pm_wire_msg_t         msg;
    char                  text[PM_WIRE_TEXT];
    size_t                len;
    pm_wire_pid_t        *pids;
    size_t                npids;

    const char           *verb;
    const char           *op;
    const char           *actor;
    const char           *role_name;
    unsigned              role;
    uint64_t              expires;    /* ms; nobody waits longer */

    pid_t                 worker;     /* of nginx, once it was looked for */
    int                   dir;        /* of the spool, once an action began */
    int                   spool;      /* of the action that runs, or -1 */
    pm_policy_t           policy;
} helper_t;


/* whom a command runs as */

typedef struct {
    uid_t                 uid;
    gid_t                 gid;
    gid_t                 groups[HELPER_GROUPS];
    int                   ngroups;
} helper_user_t;


/* kB, of the head of a measured run's processes */

typedef struct {
    unsigned              ms;
    unsigned              peak;
    unsigned              size;
    unsigned              hwm;
    unsigned              rss;
} helper_sample_t;


typedef struct {
    struct rusage         usage;
    uint64_t              start;      /* us */
    uint64_t              real;
    uint64_t              next;       /* ms, of the next sample */

    helper_sample_t       sample[HELPER_SAMPLES];
    unsigned              n;
    unsigned              step;       /* every how manieth is kept */
    unsigned              taken;

    uint64_t              rss_sum;
    uint64_t              size_sum;
    unsigned              size_max;
} helper_measure_t;


/* one run of one program */

typedef struct {
    const char           *argv[HELPER_ARGS + 1];
    unsigned              argc;
    const char           *path;       /* NULL: argv[0] is the program */
    const helper_user_t  *user;       /* NULL: whom the helper is */
    unsigned              timeout;    /* ms */
    helper_measure_t     *measure;    /* NULL: not measured */

    uint8_t              *out;        /* PM_WIRE_OUTPUT bytes, or NULL */
    uint8_t              *err;
    size_t                cap;        /* of each, 0 for all of it */
    int                   tail;       /* the last bytes, not the first */
    size_t                out_len;
    size_t                err_len;
    uint8_t              *records;    /* of a measured run, as they are sent */
    size_t                records_len;
    uint64_t              out_total;
    uint64_t              err_total;

    int                   exit_code;  /* -1 when it did not exit */
    int                   signal;
    int                   timed_out;
    uint64_t              duration;   /* ms */
} helper_run_t;


typedef struct {
    const char           *state;      /* active, inactive, failed, ... */
    char                  sub[64];
    pid_t                 pid;        /* 0 when it is not known */
    uint64_t              start;      /* of the pid, ticks */

    pid_t                 pids[HELPER_PIDS];  /* of a group */
    unsigned              npids;

    char                  run[40];    /* names one run of the service */
    char                  enabled[32];
    int                   missing;    /* the manager does not know it */
    int                   once;       /* it ran to its end, and well */

    /* what the manager said, "key=value" each with a zero behind */
    char                  text[PM_WIRE_TEXT];
    size_t                len;
} helper_state_t;


static inline int
helper_state_is(const helper_state_t *s, const char *state)
{
    return strcmp(s->state, state) == 0;
}


/* what a manager of services has of its own */

typedef struct {
    unsigned              actions;    /* bits 1 << PM_ACTION_* */
    unsigned              settle;     /* ms until a start can be believed */
    int                   waits;      /* its end is the end of the action */

    const char           *program;    /* that acts; NULL: it depends */
    /* NULL: it cannot be done to such a unit */
    const char         *(*program_of)(const pm_policy_entry_t *e,
                                      int action, char *buf, size_t size);
    void                (*argv)(const pm_policy_entry_t *e, int action,
                                helper_run_t *run);
    void                (*observe)(const pm_policy_entry_t *e,
                                   helper_state_t *s);
    /* a code and a sentence for what is known to go wrong, or NULL */
    const char         *(*explain)(int action, const helper_run_t *run,
                                   const helper_state_t *after, char *why,
                                   size_t size);
    /* NULL is s when it was not observed */
    void                (*list)(const pm_policy_entry_t *e,
                                const helper_state_t *s, pm_wire_text_t *t);
} helper_manager_t;


/* of /proc/PID/stat */

typedef struct {
    pid_t                 pid;
    pid_t                 ppid;
    char                  state;
    int                   kernel;     /* a thread of the kernel */
    uint64_t              start;
} helper_proc_t;


/* a process that is to be acted on */

typedef struct {
    int                   fd;
    int                   gone;
    helper_proc_t         proc;       /* as it was found */
    pm_policy_target_t    who;
} helper_target_t;


/* an action on a service, from what was asked to what came of it */

typedef struct {
    const pm_policy_entry_t  *e;
    const helper_manager_t   *m;
    int                       action;
    int                       detached;   /* nobody waits for the answer */
    const char               *program;
    uint64_t                  start;
    helper_run_t              run;
    helper_state_t            before;
    helper_state_t            after;
    int                       done;       /* there was nothing to do */
    int                       effect;     /* yes or no */
    const char               *code;       /* nothing was executed: why */
    char                      why[HELPER_WHY];
} helper_service_t;


typedef struct {
    const pm_policy_entry_t  *e;
    unsigned                  lines;
    const char               *code;
    char                      why[HELPER_WHY];
    helper_run_t              run;
} helper_said_t;


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


typedef struct {
    int                       nice;
    int                       io;         /* as ioprio_set(2) has it */
    cpu_set_t                 cpus;
} helper_values_t;


typedef struct {
    helper_target_t           target;
    pm_policy_change_t        change;
    helper_values_t           want;
} helper_priority_t;


#define HELPER_SPOOL_START  'S'       /* the type of a file's first head */

typedef struct {
    int                       there;
    int                       alive;      /* it is being acted on */
    size_t                    len;
    uint8_t                   data[2 * sizeof(pm_wire_head_t)
                                   + 2 * PM_WIRE_TEXT + HELPER_RECORDS
                                   + 2 * PM_WIRE_OUTPUT + PM_SHA256_LEN];
} helper_spool_t;


/* helper_env.c */
void helper_env_first(void);
/* NULL, or the code of what is wrong with who calls */
const char *helper_env_identity(void);
void helper_env_session(void);
int helper_env_caps(uint64_t keep);
/* no way back: bits 1 << CAP_* */
void helper_env_drop(uint64_t keep);
void helper_env_child(const helper_user_t *u);
/* 0, or -1 when there is no such user */
int helper_env_user(const char *name, helper_user_t *u);
uint64_t helper_now(void);

/* helper_io.c */
int helper_io_request(helper_t *h);
int helper_io_send(const void *data, size_t len);
void helper_io_record(int pid, int field, int error, const void *data,
    size_t len);
size_t helper_io_put(uint8_t *to, const void *data, size_t len);
void helper_io_final(const pm_wire_text_t *t, const helper_run_t *run);
void helper_io_answer(helper_t *h, const char *result, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void helper_io_start(pm_wire_text_t *t, const char *result, const char *code,
    const char *reason);

/* helper_log.c */
void helper_log_open(void);
void helper_log(const helper_t *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* helper_exec.c: -1 and a sentence when nothing was executed */
int helper_exec(helper_run_t *run, char *why, size_t size);
int helper_exec_check(const char *path, char *why, size_t size);

/* helper_stray.c */
void helper_stray_spare(void);
unsigned helper_stray_kill(int sig);

/* helper_proc.c */
int helper_proc_read(const char *path, char *buf, size_t size);
int helper_proc(pid_t pid, helper_proc_t *p);
size_t helper_proc_list(helper_proc_t **list);

/* helper_anchor.c: where the log's chain stood */
void helper_anchor(const helper_t *h, int dir);

/* helper_spool.c */
int helper_spool_open(char *why, size_t size);
int helper_spool_lock(int dir, const char *name);
int helper_spool_begin(helper_t *h, int dir, char *why, size_t size);
void helper_spool_end(helper_t *h, const pm_wire_text_t *t,
    const helper_run_t *run);
int helper_spool_first(int dir, const char *name);
void helper_spool_prune(int dir);
int helper_spool_write(int fd, const void *data, size_t len);
int helper_spool_ask(helper_t *h);
void helper_spool_tell(helper_t *h);          /* helper_stored.c */

/* helper_act.c: what all that acts has in common */
extern uint8_t  helper_out[PM_WIRE_OUTPUT];
extern uint8_t  helper_err[PM_WIRE_OUTPUT];
void helper_run_start(helper_run_t *run, unsigned timeout);
void helper_run_word(helper_run_t *run, const char *word);
void helper_run_words(helper_run_t *run, const char *const *words);
/* 0, or -1 and it has been answered; target is what only one may act on */
int helper_act_begin(helper_t *h, const char *target, const char *name);
void helper_act_end(helper_t *h, pm_wire_text_t *t, const helper_run_t *run);
void helper_sleep(unsigned ms);

/*
 * Of each verb, as root: what is asked for, may it be, and what only root can
 * do.  0: the rest may follow; -1: it has been answered.
 */
int helper_list_ask(helper_t *h);             /* helper_service.c */
int helper_service_ask(helper_t *h);
int helper_command_ask(helper_t *h);          /* helper_command.c */
int helper_signal_ask(helper_t *h);           /* helper_ask.c */
int helper_priority_ask(helper_t *h);
int helper_schedule_ask(helper_t *h);
int helper_journal_ask(helper_t *h);          /* helper_journal.c */
void helper_read(helper_t *h);                /* helper_read.c */

/* and after helper_env_drop() */
void helper_list_tell(helper_t *h);           /* helper_list.c */
void helper_service_tell(helper_t *h);        /* helper_tell.c */
void helper_command_tell(helper_t *h);
void helper_journal_tell(helper_t *h);
void helper_signal_act(helper_t *h);          /* helper_signal.c */
void helper_priority_act(helper_t *h);        /* helper_priority.c */
void helper_schedule_act(helper_t *h);        /* helper_schedule.c */

/* what the first of these halves leave to the second */
extern helper_service_t   helper_service_one;
extern helper_spool_t     helper_spooled;
extern helper_said_t      helper_said;        /* by a command, by a log */
extern helper_signal_t    helper_signal_one;
extern helper_priority_t  helper_priority_one;

/* helper_service.c; NULL when it was not observed */
const helper_manager_t *helper_manager(const pm_policy_entry_t *e);
const helper_state_t *helper_list_state(size_t i);

/* helper_ask.c */
int helper_signal_permit(helper_t *h, const helper_target_t *t);
void helper_schedule_send(const char *path, int error, size_t len);

/* helper_lsb.c, helper_systemd.c, helper_supervisor.c */
extern const helper_manager_t  helper_lsb;
extern const helper_manager_t  helper_systemd;
extern const helper_manager_t  helper_supervisor;
const char *helper_lsb_path(const pm_policy_entry_t *e, char *path,
    size_t size);
/* "" when it is not there */
const char *helper_systemd_get(const helper_state_t *s, const char *key);
int helper_systemd_unmet(const helper_state_t *s);
int helper_systemd_own(const helper_state_t *s);
int helper_systemd_leave(const char *op, char *why, size_t size);
void helper_supervisor_argv(const pm_policy_entry_t *e, const char *verb,
    helper_run_t *run);

/* helper_explain.c: of the managers, see helper_manager_t */
const char *helper_systemd_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size);
const char *helper_supervisor_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size);
const char *helper_lsb_explain(int action, const helper_run_t *run,
    const helper_state_t *after, char *why, size_t size);
void helper_systemd_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t);
void helper_supervisor_list(const pm_policy_entry_t *e,
    const helper_state_t *s, pm_wire_text_t *t);
void helper_lsb_list(const pm_policy_entry_t *e, const helper_state_t *s,
    pm_wire_text_t *t);

/* helper_tell.c */
void helper_act_text(pm_wire_text_t *t, const helper_run_t *run);
/* what became of the program itself: NULL, or a code and a sentence */
const char *helper_act_judge(const helper_run_t *run, char *why, size_t size);

/* helper_measure.c */
void helper_measure_start(helper_measure_t *m);
/* ms until the next sample is due */
int helper_measure_sample(helper_measure_t *m, pid_t pid);
void helper_measure_end(helper_measure_t *m, const struct rusage *usage);
/* how many of the keys have a value in kB there */
unsigned helper_measure_kb(const char *path, const char *const *keys,
    unsigned *values, unsigned n);

/* helper_target.c */
const char *helper_target_open(helper_t *h, pid_t pid, uint64_t start,
    helper_target_t *t, char *why, size_t size);
void helper_target_close(helper_target_t *t);
int helper_target_gone(const helper_target_t *t);
int helper_target_signal(const helper_target_t *t, int sig);
const char *helper_target_state(char c);
int helper_target_request(helper_t *h, helper_target_t *t);
int helper_target_begin(helper_t *h, const helper_target_t *t);


#endif /* _HELPER_H_INCLUDED_ */
