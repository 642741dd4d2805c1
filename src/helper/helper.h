
/* what the files of the helper share */


#ifndef _HELPER_H_INCLUDED_
#define _HELPER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../policy/pm_policy.h"
#include "../policy/pm_sha256.h"
#include "../policy/pm_wire.h"


#define HELPER_VERSION    "1"
#define HELPER_SOCKET     0           /* the descriptor of the worker */
#define HELPER_WHY        256
#define HELPER_ARGS       (PM_POLICY_WORDS + 8)


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

    int                   spool;      /* of the action that runs, or -1 */
    pm_policy_t           policy;
} helper_t;


/* one run of one program */

typedef struct {
    const char           *argv[HELPER_ARGS + 1];
    unsigned              argc;
    unsigned              timeout;    /* ms */

    uint8_t              *out;        /* PM_WIRE_OUTPUT bytes, or NULL */
    uint8_t              *err;
    size_t                out_len;
    size_t                err_len;
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
} helper_state_t;


/* helper_env.c */
void helper_env_first(void);
/* NULL, or the code of what is wrong with who calls */
const char *helper_env_identity(void);
void helper_env_session(void);
void helper_env_child(void);
uint64_t helper_now(void);

/* helper_io.c */
int helper_io_request(helper_t *h);
int helper_io_send(const void *data, size_t len);
void helper_io_record(int pid, int field, int error, const void *data,
    size_t len);
void helper_io_final(const pm_wire_text_t *t, const helper_run_t *run);
void helper_io_answer(helper_t *h, const char *result, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void helper_io_start(pm_wire_text_t *t, const char *result, const char *code,
    const char *reason);

/* helper_log.c */
void helper_log(const helper_t *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* helper_exec.c: -1 and a sentence when nothing was executed */
int helper_exec(helper_run_t *run, char *why, size_t size);
int helper_exec_check(const char *path, char *why, size_t size);

/* helper_stray.c */
void helper_stray_spare(void);
unsigned helper_stray_kill(int sig);
int helper_stat(int pid, char *state, int *ppid, uint64_t *start);

/* helper_spool.c */
int helper_spool_open(char *why, size_t size);
int helper_spool_lock(int dir, const char *name);
int helper_spool_begin(helper_t *h, int dir, char *why, size_t size);
void helper_spool_end(helper_t *h, const pm_wire_text_t *t,
    const helper_run_t *run);
int helper_spool_first(int dir, const char *name);
void helper_spool_prune(int dir);
void helper_spool_query(helper_t *h);

/* helper_service.c */
void helper_service(helper_t *h);

/* helper_lsb.c */
void helper_lsb_observe(const pm_policy_entry_t *e, helper_state_t *s);
void helper_lsb_argv(const pm_policy_entry_t *e, int action,
    helper_run_t *run);
const char *helper_lsb_path(const pm_policy_entry_t *e, char *path,
    size_t size);

/* helper_list.c */
void helper_list(helper_t *h);

/* helper_read.c */
void helper_read(helper_t *h);


#endif /* _HELPER_H_INCLUDED_ */
