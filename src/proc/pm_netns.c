
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pm_netns.h"
#include "pm_procfs.h"


static int pm_netns_mark(const pm_netnses_t *list, int32_t pid,
    uint64_t *mark);
static int pm_netns_dump(const pm_netnses_t *list, const pm_netns_t *ns,
    int32_t pid, pm_socks_t *s, unsigned protos, unsigned tcp, unsigned udp);


int
pm_netns_init(pm_netnses_t *list, int proc)
{
    memset(list, 0, sizeof(pm_netnses_t));

    list->proc = proc;

    return pm_netns_add(list, (int32_t) getpid());
}


void
pm_netns_free(pm_netnses_t *list)
{
    free(list->elts);
    memset(list, 0, sizeof(pm_netnses_t));
}


int
pm_netns_add(pm_netnses_t *list, int32_t pid)
{
    int           rc;
    char          path[PM_PROCFS_PATH];
    size_t        i, n;
    uint64_t      mark;
    pm_netns_t   *ns;
    struct stat   st;

    rc = pm_netns_mark(list, pid, &mark);
    if (rc != 0) {
        return rc;
    }

    /* neighbours are often of one container */

    i = list->last;

    if (i >= list->n || list->elts[i].mark != mark) {
        for (i = 0; i < list->n && list->elts[i].mark != mark; i++) {
            /* void */
        }
    }

    if (i == list->n) {

        if (list->n == PM_NETNS_MAX) {
            return E2BIG;
        }

        if (list->n == list->allocated) {
            n = list->allocated ? 2 * list->allocated : 16;

            ns = realloc(list->elts, n * sizeof(pm_netns_t));
            if (ns == NULL) {
                return ENOMEM;
            }

            list->elts = ns;
            list->allocated = n;
        }

        memset(&list->elts[list->n], 0, sizeof(pm_netns_t));
        list->elts[list->n++].mark = mark;
    }

    list->last = i;
    ns = &list->elts[i];

    if (ns->npids < PM_NETNS_PIDS) {
        ns->pid[ns->npids++] = pid;
    }

    if (ns->number == 0
        && pm_procfs_path(path, pid, "ns/net") != 0
        && fstatat(list->proc, path, &st, 0) == 0)
    {
        ns->number = st.st_ino;
    }

    return 0;
}


static int
pm_netns_mark(const pm_netnses_t *list, int32_t pid, uint64_t *mark)
{
    char         path[PM_PROCFS_PATH];
    struct stat  st;

    *mark = 0;

    if (pm_procfs_path(path, pid, "net/dev") == 0) {
        return ENAMETOOLONG;
    }

    if (fstatat(list->proc, path, &st, 0) == -1) {
        return errno;
    }

    *mark = st.st_ino;

    return 0;
}


int32_t *
pm_netns_unknown(const pm_netnses_t *list, size_t *n)
{
    size_t             i;
    int32_t           *pids;
    unsigned           k;
    const pm_netns_t  *ns;

    *n = 0;

    pids = malloc((list->n * PM_NETNS_PIDS + 1) * sizeof(int32_t));
    if (pids == NULL) {
        return NULL;
    }

    for (i = 1; i < list->n; i++) {
        ns = &list->elts[i];

        for (k = 0; ns->number == 0 && k < ns->npids; k++) {
            pids[(*n)++] = ns->pid[k];
        }
    }

    if (*n == 0) {
        free(pids);
        return NULL;
    }

    qsort(pids, *n, sizeof(int32_t), pm_netns_by_pid);

    return pids;
}


int
pm_netns_by_pid(const void *one, const void *two)
{
    int32_t  a, b;

    a = *(const int32_t *) one;
    b = *(const int32_t *) two;

    return (a > b) - (a < b);
}


void
pm_netns_told(pm_netnses_t *list, int32_t pid, const char *link, size_t len)
{
    size_t       i;
    uint64_t     number;
    unsigned     k;
    pm_netns_t  *ns;

    if (len < sizeof("net:[0]") - 1 || memcmp(link, "net:[", 5) != 0
        || link[len - 1] != ']')
    {
        return;
    }

    number = 0;

    for (i = 5; i < len - 1; i++) {

        if (link[i] < '0' || link[i] > '9' || number > UINT32_MAX) {
            return;
        }

        number = number * 10 + (uint64_t) (link[i] - '0');
    }

    for (i = 0; i < list->n; i++) {
        ns = &list->elts[i];

        for (k = 0; ns->number == 0 && k < ns->npids; k++) {
            if (ns->pid[k] == pid) {
                ns->number = number;
                return;
            }
        }
    }
}


size_t
pm_netns_sockets(const pm_netnses_t *list, pm_socks_t *s, unsigned protos,
    unsigned tcp, unsigned udp)
{
    int                rc;
    size_t             i, k, n, lost;
    unsigned           p;
    const pm_netns_t  *ns;

    lost = 0;

    for (i = 1; i < list->n; i++) {
        ns = &list->elts[i];
        rc = ESRCH;

        for (p = 0; p < ns->npids && rc != 0; p++) {
            n = s->n;

            rc = pm_netns_dump(list, ns, ns->pid[p], s, protos, tcp, udp);

            if (rc != 0) {
                s->n = n;
                continue;
            }

            for (k = n; k < s->n; k++) {
                s->elts[k].netns = (uint16_t) i;
            }
        }

        /* one whose processes have all ended is no loss */

        if (rc != 0 && rc != ENOENT && rc != ESRCH) {
            lost++;
        }
    }

    return lost;
}


static int
pm_netns_dump(const pm_netnses_t *list, const pm_netns_t *ns, int32_t pid,
    pm_socks_t *s, unsigned protos, unsigned tcp, unsigned udp)
{
    int       rc, proto;
    char      root[sizeof("/proc/self/fd/2147483647/2147483647")];
    unsigned  states;
    uint64_t  mark;

    (void) snprintf(root, sizeof(root), "/proc/self/fd/%d/%d", list->proc,
                    (int) pid);

    for (proto = 0; proto < PM_SOCK_PROTOS; proto++) {

        states = (proto >= PM_SOCK_UDP) ? udp : tcp;

        if (!(protos & (1u << proto)) || states == 0) {
            continue;
        }

        rc = pm_socks_text(s, root, proto, states);

        /* a kernel without IPv6 has no such file */

        if (rc != 0 && rc != ENOENT) {
            return rc;
        }
    }

    /* it may have ended, and its number may be another's by now */

    rc = pm_netns_mark(list, pid, &mark);

    if (rc == 0 && mark != ns->mark) {
        rc = ESRCH;
    }

    return rc;
}
