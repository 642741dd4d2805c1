
#include <stdlib.h>
#include <string.h>

#include "pm_names.h"
#include "pm_pid.h"


#define PM_NAMES_MIN  64


typedef struct {
    uint64_t  starttime;
    uint64_t  learned;                  /* ms */
    int32_t   pid;                      /* 0 is a free place */
    uint16_t  len;
    char      comm[PM_PID_COMM];
    char     *name;
} pm_names_entry_t;


struct pm_names_s {
    pm_names_entry_t  *entries;
    size_t             mask;            /* a power of two less 1 */
    size_t             n;
};


static pm_names_entry_t *pm_names_find(pm_names_entry_t *entries, size_t mask,
    int32_t pid);
static int pm_names_resize(pm_names_t *names, size_t size);


pm_names_t *
pm_names_create(void)
{
    pm_names_t  *names;

    names = calloc(1, sizeof(pm_names_t));

    if (names != NULL && pm_names_resize(names, PM_NAMES_MIN) == -1) {
        free(names);
        names = NULL;
    }

    return names;
}


void
pm_names_destroy(pm_names_t *names)
{
    size_t  i;

    if (names == NULL) {
        return;
    }

    for (i = 0; i <= names->mask; i++) {
        free(names->entries[i].name);
    }

    free(names->entries);
    free(names);
}


int
pm_names_cut(const pm_snapshot_t *s, const pm_proc_t *p)
{
    pm_slice_t  comm;

    comm.data = pm_snapshot_str(s, p->comm);
    comm.len = p->comm.len;

    return !p->kthread && p->state != 'Z' && p->state != 'X'
           && p->name.len == p->comm.len && pm_pid_name_cut(&comm);
}


size_t
pm_names_get(pm_names_t *names, const pm_snapshot_t *s, const pm_proc_t *p,
    uint64_t now, char dst[PM_NAMES_LEN])
{
    pm_names_entry_t  *e;

    e = pm_names_find(names->entries, names->mask, p->pid);

    if (e->pid == 0
        || e->starttime != p->starttime
        || now - e->learned > PM_NAMES_LIFE
        || p->comm.len < PM_PID_COMM
        || memcmp(e->comm, pm_snapshot_str(s, p->comm), PM_PID_COMM) != 0)
    {
        return 0;
    }

    memcpy(dst, e->name, e->len);

    return e->len;
}


int
pm_names_learn(pm_names_t *names, const pm_snapshot_t *s, const pm_proc_t *p,
    uint64_t now, const char *cmdline, size_t len)
{
    char              *copy;
    pm_slice_t         comm, name;
    pm_names_entry_t  *e;

    comm.data = pm_snapshot_str(s, p->comm);
    comm.len = p->comm.len;

    if (comm.len < PM_PID_COMM) {
        return 0;
    }

    pm_pid_name(&comm, cmdline, len, &name);

    if (name.len == 0 || name.len > PM_NAMES_LEN) {
        name = comm;
    }

    if (2 * (names->n + 1) > names->mask
        && pm_names_resize(names, 2 * (names->mask + 1)) == -1)
    {
        return -1;
    }

    copy = malloc(name.len);
    if (copy == NULL) {
        return -1;
    }

    memcpy(copy, name.data, name.len);

    e = pm_names_find(names->entries, names->mask, p->pid);

    if (e->pid == 0) {
        e->pid = p->pid;
        names->n++;
    }

    free(e->name);

    e->starttime = p->starttime;
    e->learned = now;
    e->name = copy;
    e->len = (uint16_t) name.len;
    memcpy(e->comm, comm.data, PM_PID_COMM);

    return 0;
}


void
pm_names_purge(pm_names_t *names, const pm_snapshot_t *s)
{
    size_t            i, kept;
    const pm_proc_t  *p;

    kept = 0;

    for (i = 0; i <= names->mask; i++) {

        if (names->entries[i].pid == 0) {
            continue;
        }

        p = pm_snapshot_find(s, names->entries[i].pid);

        if (p && p->starttime == names->entries[i].starttime) {
            kept++;
            continue;
        }

        free(names->entries[i].name);
        names->entries[i].name = NULL;
    }

    names->n = kept;

    /* those without a name are left behind; without memory they only stay */

    for (i = names->mask + 1; i > PM_NAMES_MIN && i > 8 * kept; i /= 2) {
        /* void */
    }

    (void) pm_names_resize(names, i);
}


size_t
pm_names_number(const pm_names_t *names)
{
    return names->n;
}


/* its place, or the free one where it would stand */

static pm_names_entry_t *
pm_names_find(pm_names_entry_t *entries, size_t mask, int32_t pid)
{
    size_t  i;

    /* numbers of processes are given one behind the other */

    i = (size_t) pid & mask;

    while (entries[i].pid != 0 && entries[i].pid != pid) {
        i = (i + 1) & mask;
    }

    return &entries[i];
}


static int
pm_names_resize(pm_names_t *names, size_t size)
{
    size_t             i;
    pm_names_entry_t  *entries, *e;

    entries = calloc(size, sizeof(pm_names_entry_t));
    if (entries == NULL) {
        return -1;
    }

    for (i = 0; names->entries && i <= names->mask; i++) {

        e = &names->entries[i];

        if (e->name != NULL) {
            *pm_names_find(entries, size - 1, e->pid) = *e;
        }
    }

    free(names->entries);

    names->entries = entries;
    names->mask = size - 1;

    return 0;
}
