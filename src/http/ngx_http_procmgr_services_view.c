
#include "ngx_http_procmgr_services.h"
#include "ngx_http_procmgr_holders.h"
#include "../proc/pm_netns.h"


typedef struct {                        /* a cached unit */
    uint32_t                         offset;
    uint32_t                         len;       /* plus 1, 0 is not read */
} ngx_http_procmgr_services_unit_t;


typedef struct {
    const pm_sock_t                 *sock;
    unsigned                         score;
} ngx_http_procmgr_services_row_t;


typedef struct {
    ngx_procmgr_job_t               *job;
    const ngx_http_procmgr_services_args_t  *args;

    pm_socks_t                       socks;
    pm_netnses_t                     netns;     /* empty: one's own alone */
    ngx_http_procmgr_holders_t       holders;
    ngx_http_procmgr_search_t       *search;    /* with name= */

    ngx_http_procmgr_services_unit_t  *units;   /* of the snapshot's */
    u_char                          *texts;     /* of the units */
    size_t                           len;
    size_t                           size;

    uint64_t                         own;       /* number of the netns */
    uint32_t                         uid;       /* the last one looked up */
    unsigned                         known_uid:1;
    char                             user[NGX_HTTP_PROCMGR_USER_LEN];
    char                             unit[PM_UNIT_LEN];
} ngx_http_procmgr_services_t;


static ngx_int_t ngx_http_procmgr_services_sockets(
    ngx_http_procmgr_services_t *v);
static ngx_int_t ngx_http_procmgr_services_others(
    ngx_http_procmgr_services_t *v);
static unsigned ngx_http_procmgr_services_score(
    ngx_http_procmgr_services_t *v, int32_t pid);
static ngx_int_t ngx_http_procmgr_services_json(
    ngx_http_procmgr_services_t *v);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_services(const void *a,
    const void *b);
static void ngx_http_procmgr_services_row(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k);
static void ngx_http_procmgr_services_netns(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k);
static void ngx_http_procmgr_services_holders(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k);
static const char *ngx_http_procmgr_services_unit(
    ngx_http_procmgr_services_t *v, const pm_proc_t *p, size_t *len);
static const char *ngx_http_procmgr_services_user(
    ngx_http_procmgr_services_t *v, uint32_t uid);


void
ngx_http_procmgr_make_services(ngx_procmgr_job_t *job)
{
    size_t                        n;
    ngx_http_procmgr_services_t   v;

    ngx_memzero(&v, sizeof(ngx_http_procmgr_services_t));

    v.job = job;
    v.args = job->args;

    pm_socks_init(&v.socks);

    if (ngx_http_procmgr_holders_init(&v.holders, job, v.args->system.role)
        != NGX_OK
        || ngx_http_procmgr_services_sockets(&v) != NGX_OK)
    {
        goto done;
    }

    n = job->snapshot->nprocs + 1;

    v.units = ngx_calloc(n * sizeof(ngx_http_procmgr_services_unit_t),
                         job->log);

    if (v.args->named) {
        v.search = ngx_http_procmgr_search_create(job, &v.args->match);
    }

    if (v.units == NULL || (v.args->named && v.search == NULL)) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        goto done;
    }

    v.holders.search = v.search;
    v.holders.netns = v.args->netns ? &v.netns : NULL;

    if (ngx_http_procmgr_holders_read(&v.holders) != NGX_OK) {
        goto done;
    }

    if (v.holders.hidden) {
        /* somebody else may hold any of the sockets */
        ngx_http_procmgr_partial(job, "pids");
    }

    if (v.socks.truncated) {
        ngx_http_procmgr_partial(job, "services");
    }

    if (v.search) {
        ngx_http_procmgr_search_run(v.search);
    }

    if (ngx_http_procmgr_services_json(&v) != NGX_OK) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
    }

done:

    ngx_http_procmgr_search_free(v.search);
    ngx_http_procmgr_holders_free(&v.holders);
    pm_netns_free(&v.netns);
    pm_socks_free(&v.socks);
    ngx_free(v.units);
    free(v.texts);
}


static ngx_int_t
ngx_http_procmgr_services_sockets(ngx_http_procmgr_services_t *v)
{
    int         rc;
    size_t      i, n;
    pm_sock_t  *k;

    rc = pm_socks_dump(&v->socks, NULL, v->args->protos, v->args->tcp,
                       v->args->udp);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "sock_diag", rc);
        return NGX_ERROR;
    }

    if (v->args->netns && ngx_http_procmgr_services_others(v) != NGX_OK) {
        return NGX_ERROR;
    }

    k = v->socks.elts;

    if (v->args->port) {
        n = 0;

        for (i = 0; i < v->socks.n; i++) {
            if (k[i].local_port == v->args->port) {
                k[n++] = k[i];
            }
        }

        v->socks.n = n;
    }

    pm_socks_sort(&v->socks);

    rc = pm_fd_map_init(&v->holders.map, v->socks.n);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "malloc", rc);
        return NGX_ERROR;
    }

    for (i = 0; i < v->socks.n; i++) {
        pm_fd_map_want(&v->holders.map, k[i].inode);
    }

    v->own = pm_sock_netns();

    return NGX_OK;
}


/* the other network namespaces: those that a process is in */

static ngx_int_t
ngx_http_procmgr_services_others(ngx_http_procmgr_services_t *v)
{
    int               rc;
    size_t            i, n;
    pm_lates_t       *lates;
    const pm_proc_t  *p;

    rc = pm_netns_init(&v->netns, v->holders.walk.proc);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "stat", rc);
        return NGX_ERROR;
    }

    p = pm_snapshot_procs(v->job->snapshot);
    lates = &v->holders.lates;
    n = v->job->snapshot->nprocs;

    for (i = 0; i < n + lates->n; i++, p++) {

        if (i >= n) {
            p = &lates->elts[i - n].proc;
        }

        if (p->kthread || p->state == 'Z' || p->state == 'X') {
            continue;
        }

        rc = pm_netns_add(&v->netns, p->pid);

        if (rc != 0 && rc != ENOENT && rc != ESRCH && rc != EINVAL) {
            ngx_http_procmgr_partial(v->job, "services");
        }
    }

    if (pm_netns_sockets(&v->netns, &v->socks, v->args->protos, v->args->tcp,
                         v->args->udp)
        != 0)
    {
        ngx_http_procmgr_partial(v->job, "services");
    }

    if (v->socks.error) {
        ngx_http_procmgr_syscall_failed(v->job, "malloc", v->socks.error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static unsigned
ngx_http_procmgr_services_score(ngx_http_procmgr_services_t *v, int32_t pid)
{
    pm_match_text_t   fields[PM_MATCH_FIELDS];
    const pm_late_t  *late;

    late = pm_lates_find(&v->holders.lates, pid);

    if (late == NULL) {
        return ngx_http_procmgr_search_score(v->search, pid);
    }

    ngx_memzero(fields, sizeof(fields));

    fields[PM_MATCH_NAME].text = late->comm;
    fields[PM_MATCH_NAME].len = late->len;

    return pm_match(&v->args->match, fields);
}


static ngx_int_t
ngx_http_procmgr_services_json(ngx_http_procmgr_services_t *v)
{
    size_t                            i, k, n, nrows;
    pm_json_t                        *j;
    unsigned                          score, best;
    const pm_fd_holder_t             *h;
    ngx_http_procmgr_services_row_t  *rows;

    j = &v->job->json;

    rows = ngx_alloc((v->socks.n + 1)
                     * sizeof(ngx_http_procmgr_services_row_t), v->job->log);
    if (rows == NULL) {
        return NGX_ERROR;
    }

    nrows = 0;

    for (i = 0; i < v->socks.n; i++) {

        best = 0;

        if (v->search) {
            h = pm_fd_map_find(&v->holders.map, v->socks.elts[i].inode, &n);

            for (k = 0; k < n; k++) {
                score = ngx_http_procmgr_services_score(v, h[k].pid);
                best = ngx_max(best, score);
            }

            if (best == 0) {
                continue;
            }

            for (k = 0; k < n; k++) {
                ngx_http_procmgr_search_shown(v->search, h[k].pid);
            }
        }

        rows[nrows].sock = &v->socks.elts[i];
        rows[nrows].score = best;
        nrows++;
    }

    if (v->search) {
        qsort(rows, nrows, sizeof(ngx_http_procmgr_services_row_t),
              ngx_http_procmgr_cmp_services);

        pm_json_object(j);
        pm_json_key(j, "services");
    }

    pm_json_array(j);

    for (i = 0; i < nrows; i++) {
        ngx_http_procmgr_services_row(v, rows[i].sock);
    }

    pm_json_array_end(j);

    ngx_free(rows);

    if (v->search) {
        pm_json_key(j, "processes");
        ngx_http_procmgr_search_json(v->search);
        pm_json_object_end(j);
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_services(const void *a, const void *b)
{
    const ngx_http_procmgr_services_row_t  *x = a, *y = b;

    if (x->score != y->score) {
        return (x->score < y->score) ? 1 : -1;
    }

    /* they stand in one array, sorted */

    return (x->sock > y->sock) - (x->sock < y->sock);
}


static void
ngx_http_procmgr_services_row(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k)
{
    char        addr[PM_SOCK_ADDR_LEN];
    pm_json_t  *j;

    j = &v->job->json;

    pm_json_object(j);

    pm_json_key(j, "proto");
    pm_json_str(j, pm_sock_proto(k->proto));
    pm_json_key(j, "recv_q");
    pm_json_u64(j, k->recv_q);
    pm_json_key(j, "send_q");
    pm_json_u64(j, k->send_q);
    pm_json_key(j, "local");
    pm_json_strn(j, addr, pm_sock_addr(addr, k, 0));
    pm_json_key(j, "foreign");
    pm_json_strn(j, addr, pm_sock_addr(addr, k, 1));
    pm_json_key(j, "state");
    pm_json_str(j, pm_sock_state(k->proto, k->state));

    ngx_http_procmgr_services_holders(v, k);

    pm_json_key(j, "uid");
    pm_json_u64(j, k->uid);
    pm_json_key(j, "user");
    pm_json_str(j, ngx_http_procmgr_services_user(v, k->uid));
    pm_json_key(j, "inode");
    pm_json_u64(j, k->inode);

    ngx_http_procmgr_services_netns(v, k);

    pm_json_key(j, "backlog");

    if (k->proto < PM_SOCK_UDP && k->state == PM_SOCK_LISTEN) {
        pm_json_u64(j, k->backlog);
        pm_json_key(j, "backlog_max");

        if (k->backlog_max != UINT32_MAX) {
            pm_json_u64(j, k->backlog_max);

        } else {
            pm_json_null(j);
        }

    } else {
        pm_json_null(j);
        pm_json_key(j, "backlog_max");
        pm_json_null(j);
    }

    pm_json_object_end(j);
}


/* where the helper may not tell a number, who is in it is known */

static void
ngx_http_procmgr_services_netns(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k)
{
    uint64_t           number;
    pm_json_t         *j;
    const pm_netns_t  *ns;

    j = &v->job->json;
    ns = v->args->netns ? &v->netns.elts[k->netns] : NULL;

    number = k->netns ? ns->number : v->own;

    pm_json_key(j, "netns");

    if (number) {
        pm_json_u64(j, number);

    } else {
        pm_json_null(j);
    }

    if (ns == NULL) {
        return;
    }

    pm_json_key(j, "netns_pid");

    if (k->netns) {
        pm_json_i64(j, ns->pid[0]);

    } else {
        pm_json_null(j);
    }
}


/* pid_program, pids and unit */

static void
ngx_http_procmgr_services_holders(ngx_http_procmgr_services_t *v,
    const pm_sock_t *k)
{
    char                   program[300];
    size_t                 i, n, len, name_len, unit_len;
    pm_json_t             *j;
    const char            *name, *unit;
    const pm_proc_t       *p;
    const pm_fd_holder_t  *h;

    j = &v->job->json;

    h = pm_fd_map_find(&v->holders.map, k->inode, &n);

    pm_json_key(j, "pid_program");

    if (n) {
        (void) ngx_http_procmgr_holders_proc(&v->holders, h[0].pid, &name,
                                             &name_len);

        len = (size_t) snprintf(program, sizeof(program), "%d/", h[0].pid);
        name_len = ngx_min(name_len, sizeof(program) - len);
        ngx_memcpy(program + len, name, name_len);

        pm_json_strn(j, program, len + name_len);

    } else {
        pm_json_str(j, "-");
    }

    unit = NULL;
    unit_len = 0;

    pm_json_key(j, "pids");
    pm_json_array(j);

    for (i = 0; i < n; i++) {
        p = ngx_http_procmgr_holders_proc(&v->holders, h[i].pid, &name,
                                          &name_len);

        if (unit == NULL) {
            unit = ngx_http_procmgr_services_unit(v, p, &unit_len);
        }

        pm_json_object(j);
        pm_json_key(j, "pid");
        pm_json_i64(j, h[i].pid);
        pm_json_key(j, "name");
        pm_json_strn(j, name, name_len);
        pm_json_key(j, "fd");
        pm_json_i64(j, h[i].fd);
        pm_json_object_end(j);
    }

    pm_json_array_end(j);

    pm_json_key(j, "unit");

    if (unit) {
        pm_json_strn(j, unit, unit_len);

    } else {
        pm_json_null(j);
    }
}


/* only of those that hold a socket, and once */

static const char *
ngx_http_procmgr_services_unit(ngx_http_procmgr_services_t *v,
    const pm_proc_t *p, size_t *len)
{
    char                               unit[PM_UNIT_LEN];
    size_t                             n, size;
    u_char                            *texts;
    const pm_snapshot_t               *s;
    ngx_http_procmgr_services_unit_t  *u;

    s = v->job->snapshot;

    if (pm_snapshot_find(s, p->pid) != p) {
        *len = pm_unit_read(v->unit, v->holders.walk.proc, p->pid);

        return *len ? v->unit : NULL;
    }

    u = &v->units[p - pm_snapshot_procs(s)];

    if (u->len == 0) {

        n = (p->have & PM_HAVE_CGROUP)
            ? pm_unit_of(unit, pm_snapshot_str(s, p->cgroup), p->cgroup.len)
            : pm_unit_read(unit, v->holders.walk.proc, p->pid);

        if (v->size - v->len < n) {

            size = ngx_max(2 * v->size, 4096);

            texts = realloc(v->texts, size);
            if (texts == NULL) {
                return NULL;
            }

            v->texts = texts;
            v->size = size;
        }

        if (n) {
            ngx_memcpy(v->texts + v->len, unit, n);
        }

        u->offset = (uint32_t) v->len;
        u->len = (uint32_t) n + 1;

        v->len += n;
    }

    *len = u->len - 1;

    return *len ? (char *) v->texts + u->offset : NULL;
}


static const char *
ngx_http_procmgr_services_user(ngx_http_procmgr_services_t *v, uint32_t uid)
{
    if (v->known_uid && v->uid == uid) {
        return v->user;
    }

    if (!v->known_uid) {
        ngx_http_procmgr_users_refresh();
    }

    ngx_http_procmgr_user_name(v->user, uid);

    v->uid = uid;
    v->known_uid = 1;

    return v->user;
}
