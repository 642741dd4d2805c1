
/*
 * The files of /proc/<pid>: one parser for each.  They take what was read
 * (any bytes, cut anywhere) and never read themselves, so that the text may
 * come from /proc, from the helper or from a fixture.
 *
 * A parser returns 0, or -1 when the text is not whole; the target is then
 * as it was.
 */


#ifndef _PM_PID_H_INCLUDED_
#define _PM_PID_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pm_scan.h"


#define PM_PID_COMM   15                /* a longer comm was cut here */


typedef struct {                        /* points into what was parsed */
    const char  *data;
    size_t       len;
} pm_slice_t;


/* all fields of pm_proc_t that stat has, and PM_HAVE_STAT */
int pm_pid_parse_stat(const char *buf, size_t len, pm_proc_t *p,
    pm_slice_t *comm);

int pm_pid_parse_statm(const char *buf, size_t len, size_t page_size,
    pm_proc_t *p);

/* Uid, Gid and the context switches; only lines at column 0 count */
int pm_pid_parse_status(const char *buf, size_t len, pm_proc_t *p);

/* one number of status: "Tgid", "VmHWM", ... ; -1 when it is not there */
int pm_pid_status_value(const char *buf, size_t len, const char *key,
    uint64_t *value);

/* path of the unified hierarchy, else of systemd's own */
int pm_pid_parse_cgroup(const char *buf, size_t len, pm_slice_t *path);


/*
 * The arguments as psutil splits them, but for the empty ones at the end
 * that a title written over them leaves.
 */

typedef struct {
    const char  *pos;
    const char  *end;
    char         separator;
    unsigned     done:1;
} pm_args_t;

void pm_pid_args(pm_args_t *args, const char *buf, size_t len);
/* 1 and the next argument, or 0 */
int pm_pid_args_next(pm_args_t *args, pm_slice_t *arg);


typedef struct {                        /* in psutil's order */
    uint64_t  read_count;
    uint64_t  write_count;
    uint64_t  read_bytes;
    uint64_t  write_bytes;
    uint64_t  read_chars;
    uint64_t  write_chars;
} pm_io_t;

int pm_pid_parse_io(const char *buf, size_t len, pm_io_t *io);


typedef struct {                        /* bytes */
    uint64_t  rss;
    uint64_t  pss;
    uint64_t  uss;
    uint64_t  swap;
} pm_smaps_t;

/* the sums of smaps, which smaps_rollup holds already */
int pm_pid_parse_smaps(const char *buf, size_t len, pm_smaps_t *sums);


/*
 * The environment as psutil takes it: it ends at the first empty string, and
 * what has no name before its "=" is left out.  Of two with the same name
 * the later counts.
 */

typedef struct {
    const char  *pos;
    const char  *end;
} pm_environ_t;

void pm_pid_environ(pm_environ_t *env, const char *buf, size_t len);
/* 1 and the next variable, or 0 */
int pm_pid_environ_next(pm_environ_t *env, pm_slice_t *name,
    pm_slice_t *value);


/* whether a comm may be the beginning of a longer name */
int pm_pid_name_cut(const pm_slice_t *comm);

/* psutil's name: the base name of the first argument if comm begins it */
void pm_pid_name(const pm_slice_t *comm, const char *cmdline, size_t len,
    pm_slice_t *name);


#endif /* _PM_PID_H_INCLUDED_ */
