
/*
 * The policy: what the helper may do at all, and for whom.  What no line
 * permits is denied, and a file with one word that is not understood permits
 * nothing.
 */


#ifndef _PM_POLICY_H_INCLUDED_
#define _PM_POLICY_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pm_wire.h"


#define PM_POLICY_SIZE    (256 * 1024)
#define PM_POLICY_NAME    128
#define PM_POLICY_WORDS   64
#define PM_POLICY_RANGES  8

#define PM_ROLE_VIEWER    0x01
#define PM_ROLE_OPERATOR  0x02
#define PM_ROLE_ADMIN     0x04


typedef enum {
    PM_POLICY_SERVICE = 0,
    PM_POLICY_COMMAND,
    PM_POLICY_SIGNAL,
    PM_POLICY_PRIORITY,
    PM_POLICY_READ,
    PM_POLICY_JOURNAL,
    PM_POLICY_SCHEDULE,
    PM_POLICY_PROTECT,
    PM_POLICY_KINDS
} pm_policy_kind_e;


typedef enum {
    PM_MANAGER_SYSTEMD = 0,
    PM_MANAGER_LSB,
    PM_MANAGER_SUPERVISOR,
    PM_MANAGERS
} pm_manager_e;


typedef enum {                        /* a bit 1 << PM_ACTION_* */
    PM_ACTION_START = 0,
    PM_ACTION_STOP,
    PM_ACTION_RESTART,
    PM_ACTION_RELOAD,
    PM_ACTION_ENABLE,
    PM_ACTION_DISABLE,
    PM_ACTION_STATUS,
    PM_ACTIONS
} pm_action_e;


typedef enum {
    PM_PERMIT = 0,
    PM_DENY_UNKNOWN,
    PM_DENY_ACTION,
    PM_DENY_ROLE
} pm_permit_e;


typedef struct {
    int64_t            from;
    int64_t            to;
} pm_range_t;


/* zero or NULL where a kind has no such option or the line does not have it */

typedef struct {
    pm_policy_kind_e   kind;
    unsigned           line;
    uint32_t           options;       /* which were given */
    unsigned           roles;         /* PM_ROLE_* */
    unsigned           timeout;       /* s */
    const char        *name;          /* of a service, a command */

    pm_manager_e       manager;
    const char        *unit;          /* of a service; of journal, protect: */
    unsigned           actions;       /*   a list, with commas */
    const char        *pidfile;
    const char        *log;
    const char        *config;

    const char        *path;
    const char        *user;
    const char        *example;
    const char       **words;
    unsigned           nwords;
    uint64_t           placeholders;  /* bits 1 << index in words */
    unsigned           output;

    pm_range_t         range[PM_POLICY_RANGES];     /* uids, or pids */
    unsigned           nranges;
    unsigned           sigs;          /* bits 1 << number */
    pm_range_t         nice;
    unsigned           ionice;        /* bits 1 << class */
    unsigned           affinity;      /* 2: on */
    unsigned           fields;        /* bits 1 << PM_READ_* */
    unsigned           lines;
} pm_policy_entry_t;


typedef struct {
    pm_policy_entry_t  *entry;
    size_t              n;
    char               *data;
    char                error[256];
} pm_policy_t;


extern const char *const  pm_role_names[3];
extern const char *const  pm_action_names[PM_ACTIONS];
extern const char *const  pm_manager_names[PM_MANAGERS];
extern const char *const  pm_kind_names[PM_POLICY_KINDS];


/*
 * 0, or -1 and a sentence in p->error, which names the line where there is
 * one.  The file must be root's or the owner's, see pm_path_open().
 */
int pm_policy_load(pm_policy_t *p, const char *path, uid_t owner);
/* the same of a text in memory, which is taken apart in place */
int pm_policy_parse(pm_policy_t *p, char *data, size_t len);
void pm_policy_free(pm_policy_t *p);

/* a number, or -1 */
int pm_name(const char *const *names, int n, const char *name);
/* from *i on, which is left behind it */
const pm_policy_entry_t *pm_policy_next(const pm_policy_t *p, size_t *i,
    pm_policy_kind_e kind, unsigned role);

/* a bit, or 0 */
unsigned pm_role(const char *name);
/* a number, or -1 */
int pm_action(const char *name);

/*
 * May this role do that?  Several lines may name one service, to give other
 * roles other actions; the first line that permits is left in *e, else any
 * line of that name, else NULL.
 */
pm_permit_e pm_policy_service(const pm_policy_t *p, const char *name,
    int action, unsigned role, const pm_policy_entry_t **e);
/* all actions of a service that the role may take */
unsigned pm_policy_actions(const pm_policy_t *p, const char *name,
    unsigned role);
/* the fields that the role may read */
uint32_t pm_policy_fields(const pm_policy_t *p, unsigned role);

/* is entry i the first that tells a role of its service, of its fields? */
int pm_policy_first(const pm_policy_t *p, size_t i, unsigned role);

/*
 * The command whose words are these, by its id when that is not "": the
 * first that permits, else one of the same words that is for other roles.
 */
pm_permit_e pm_policy_command(const pm_policy_t *p, const char *id,
    const char *const *words, size_t n, unsigned role,
    const pm_policy_entry_t **e);

/* what a process looks like to a policy: all the users that it is */

typedef struct {
    pid_t              pid;
    uid_t              uid[3];
} pm_policy_target_t;

/* yes or no */
int pm_policy_signal(const pm_policy_t *p, const pm_policy_target_t *t,
    int sig, unsigned role);

typedef struct {
    int                nice;          /* these are to be set: 0 or 1 */
    int                ionice;
    int                affinity;
    int                nice_value;
    unsigned           ionice_class;
} pm_policy_change_t;

int pm_policy_priority(const pm_policy_t *p, const pm_policy_target_t *t,
    const pm_policy_change_t *c, unsigned role);
/* is it one that no line permits? */
int pm_policy_protects(const pm_policy_t *p, pid_t pid, const char *unit);
/* may the role see what runs by time? */
int pm_policy_schedule(const pm_policy_t *p, unsigned role);
/* how many lines of that unit's log, 0 for none */
unsigned pm_policy_journal(const pm_policy_t *p,
    const pm_policy_entry_t *service, unsigned role);


#endif /* _PM_POLICY_H_INCLUDED_ */
