
/* what those files share that run when root has been given up */


#ifndef _HELPER_DRIVE_H_INCLUDED_
#define _HELPER_DRIVE_H_INCLUDED_


#include "helper.h"

#include <sched.h>


#define HELPER_PIDS  32


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
    unsigned              settle;     /* ms until a start can be believed */
    int                   waits;      /* its end is the end of the action */

    /* what it said when it was asked how the service is */
    void                (*observe)(const pm_policy_entry_t *e,
                                   const helper_run_t *run,
                                   helper_state_t *s);
    /* a code and a sentence for what is known to go wrong, or NULL */
    const char         *(*explain)(int action, const helper_run_t *run,
                                   const helper_state_t *after, char *why,
                                   size_t size);
    /* NULL is s when it was not observed */
    void                (*list)(const pm_policy_entry_t *e,
                                const helper_state_t *s, pm_wire_text_t *t);
} helper_manager_t;


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
    uint64_t                  start;
    helper_run_t             *run;
    helper_state_t            before;
    helper_state_t            after;
    int                       done;       /* there was nothing to do */
    int                       effect;     /* yes or no */
    const char               *code;       /* nothing was executed: why */
    char                      why[HELPER_WHY];
} helper_service_t;


/* helper_io.c */
int helper_io_send(const void *data, size_t len);
void helper_io_record(int pid, int field, int error, const void *data,
    size_t len);
size_t helper_io_put(uint8_t *to, const void *data, size_t len);
void helper_io_final(const pm_wire_text_t *t, const helper_run_t *run);
void helper_io_start(pm_wire_text_t *t, const char *result, const char *code,
    const char *reason);

/* helper_drive.c: runs one, or ends if nobody can do it any more */
helper_run_t *helper_run(helper_t *h, size_t step);
/* the answer, to the spool and to the worker */
void helper_act_end(helper_t *h, pm_wire_text_t *t, const helper_run_t *run);
void helper_log(const helper_t *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* a regular file of one name, and no link: bytes, or -1 and errno */
ssize_t helper_tail(const char *path, void *buf, size_t size, off_t *whole);
void helper_sleep(unsigned ms);

/* helper_stored.c */
void helper_spool_end(helper_t *h, const pm_wire_text_t *t,
    const helper_run_t *run);

/* helper_service.c */
const helper_manager_t *helper_manager(const pm_policy_entry_t *e);

/* helper_lsb.c, helper_systemd.c, helper_supervisor.c */
extern const helper_manager_t  helper_lsb;
extern const helper_manager_t  helper_systemd;
extern const helper_manager_t  helper_supervisor;
/* "" when it is not there */
const char *helper_systemd_get(const helper_state_t *s, const char *key);
int helper_systemd_unmet(const helper_state_t *s);
int helper_systemd_own(const helper_state_t *s);
int helper_systemd_leave(helper_t *h, char *why, size_t size);

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
void helper_service_tell(helper_t *h, helper_service_t *s);
void helper_act_text(pm_wire_text_t *t, const helper_run_t *run);
/* what became of the program itself: NULL, or a code and a sentence */
const char *helper_act_judge(const helper_run_t *run, char *why, size_t size);

/* helper_target.c */
const char *helper_target_open(helper_t *h, pid_t pid, uint64_t start,
    helper_target_t *t, char *why, size_t size);
void helper_target_close(helper_target_t *t);
int helper_target_gone(const helper_target_t *t);
int helper_target_signal(const helper_target_t *t, int sig);
const char *helper_target_state(char c);
/* of the request: 0, or -1 and refused */
int helper_target_request(helper_t *h, helper_target_t *t);


#endif /* _HELPER_DRIVE_H_INCLUDED_ */
