
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "pm_child.h"
#include "pm_name.h"
#include "pm_procfs.h"


#define PM_NAMES_STUCK    4             /* readers that cannot be killed */
#define PM_NAMES_KILL_MS  20


/* shared with the reader, which writes nothing else */

typedef struct {
    volatile uint32_t  next;            /* the one that is read */
    pm_name_t          name[PM_NAMES_BATCH];
} pm_names_batch_t;


struct pm_names_s {
    int                proc;
    size_t             n;
    pm_names_batch_t  *batch;
    int                stuck[PM_NAMES_STUCK];
    unsigned           nstuck;
    unsigned           off:1;           /* this kernel cannot */
};


static void pm_names_reader(pm_names_t *names);
static void pm_names_one(int proc, pm_name_t *name);
static void pm_names_reap(pm_names_t *names);


pm_names_t *
pm_names_create(int proc)
{
    pm_names_t  *names;

    names = calloc(1, sizeof(pm_names_t));
    if (names == NULL) {
        return NULL;
    }

    names->proc = proc;

    names->batch = mmap(NULL, sizeof(pm_names_batch_t), PROT_READ|PROT_WRITE,
                        MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (names->batch == MAP_FAILED) {
        free(names);
        return NULL;
    }

    return names;
}


void
pm_names_destroy(pm_names_t *names)
{
    if (names == NULL) {
        return;
    }

    pm_names_reap(names);

    while (names->nstuck) {
        close(names->stuck[--names->nstuck]);
    }

    munmap(names->batch, sizeof(pm_names_batch_t));
    free(names);
}


void
pm_names_start(pm_names_t *names)
{
    pm_names_reap(names);

    names->n = 0;
    names->batch->next = 0;
}


int
pm_names_add(pm_names_t *names, int32_t pid, const char *comm, size_t len)
{
    pm_name_t  *name;

    if (names->n == PM_NAMES_BATCH) {
        return 0;
    }

    if (len >= PM_NAMES_LEN) {
        len = PM_NAMES_LEN - 1;
    }

    name = &names->batch->name[names->n++];

    name->pid = pid;
    name->state = PM_NAME_WAITS;
    name->len = len;
    memcpy(name->name, comm, len);

    return 1;
}


const pm_name_t *
pm_names_read(pm_names_t *names, int timeout_ms, size_t *n)
{
    int       pid, pidfd;
    uint32_t  next;

    *n = names->n;

    if (names->n == 0 || names->off || names->nstuck == PM_NAMES_STUCK) {
        return names->batch->name;
    }

    pid = pm_child_start(&pidfd, "procmgr-names");

    if (pid == -1) {
        names->off = (errno == ENOSYS || errno == EPERM);
        return names->batch->name;
    }

    if (pid == 0) {
        pm_names_reader(names);
    }

    if (pm_child_ended(pidfd, timeout_ms)) {
        close(pidfd);

        names->off = (names->batch->name[0].state == PM_NAME_WAITS);

        return names->batch->name;
    }

    pm_child_kill(pidfd);

    next = names->batch->next;

    if (next < names->n && names->batch->name[next].state == PM_NAME_WAITS) {
        names->batch->name[next].state = PM_NAME_STUCK;
    }

    if (pm_child_ended(pidfd, PM_NAMES_KILL_MS)) {
        close(pidfd);

    } else {
        names->stuck[names->nstuck++] = pidfd;
    }

    return names->batch->name;
}


/* between here and its end: system calls alone, no lock of anybody */

static void
pm_names_reader(pm_names_t *names)
{
    int       proc;
    uint32_t  i;

    /* one that hangs must not keep a port or a file of the program busy */

    proc = dup3(names->proc, 0, O_CLOEXEC);

    if (proc == 0 && syscall(SYS_close_range, 1, ~0U, 0) == 0) {

        for (i = 0; i < names->n; i++) {
            names->batch->next = i;
            pm_names_one(proc, &names->batch->name[i]);
        }
    }

    pm_child_exit();
}


static void
pm_names_one(int proc, pm_name_t *name)
{
    char        *first, path[PM_PROCFS_PATH], text[4096];
    ssize_t      n;
    pm_slice_t   comm, found;

    comm.data = name->name;
    comm.len = name->len;

    pm_procfs_path(path, name->pid, "cmdline");

    n = pm_procfs_read(proc, path, text, sizeof(text));

    if (n > 0) {

        first = memchr(text, '\0', n);

        if (n == sizeof(text) - 1 && first && first - text < n - 1) {

            /* it was cut behind the first argument: there is another one */

            first[1] = 'x';
            first[2] = '\0';
            n = first + 3 - text;
        }

        pm_pid_name(&comm, text, n, &found);

        if (found.data != comm.data && found.len < PM_NAMES_LEN) {
            memcpy(name->name, found.data, found.len);
            name->len = found.len;

            /* whole before it counts: the reader may be killed anywhere */

            __atomic_store_n(&name->state, PM_NAME_LONG, __ATOMIC_RELEASE);
            return;
        }
    }

    name->state = PM_NAME_SHORT;
}


static void
pm_names_reap(pm_names_t *names)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < names->nstuck; i++) {

        if (pm_child_ended(names->stuck[i], 0)) {
            close(names->stuck[i]);

        } else {
            names->stuck[n++] = names->stuck[i];
        }
    }

    names->nstuck = n;
}
