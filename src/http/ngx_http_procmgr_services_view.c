
#include "ngx_http_procmgr_services.h"
#include "../proc/pm_late.h"

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
    pm_fd_map_t                      map;
    pm_fd_walk_t                     walk;
    pm_lates_t                       lates;     /* sockets are read anew */

    pm_wire_pid_t                   *ask;
    size_t                           nask;
    size_t                           fds;       /* of them for descriptors */
    size_t                           answered;

    ngx_http_procmgr_search_t       *search;    /* with name= */

    ngx_http_procmgr_services_unit_t  *units;   /* of the snapshot's */
    u_char                          *texts;     /* of the units */
    size_t                           len;
    size_t                           size;

    uint64_t                         netns;
    uint32_t                         uid;       /* the last one looked up */
    unsigned                         known_uid:1;
    char                             user[NGX_HTTP_PROCMGR_USER_LEN];
    char                             unit[PM_UNIT_LEN];
} ngx_http_procmgr_services_t;


static ngx_int_t ngx_http_procmgr_services_sockets(
    ngx_http_procmgr_services_t *v);
static void ngx_http_procmgr_services_walk(ngx_http_procmgr_services_t *v);
static void ngx_http_procmgr_services_ask(ngx_http_procmgr_services_t *v,
    const pm_proc_t *p, unsigned fields);
static const pm_proc_t *ngx_http_procmgr_services_proc(
    ngx_http_procmgr_services_t *v, int32_t pid, const char **name,
    size_t *len);
static unsigned ngx_http_procmgr_services_score(
    ngx_http_procmgr_services_t *v, int32_t pid);
static void ngx_http_procmgr_services_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static ngx_int_t ngx_http_procmgr_services_json(
    ngx_http_procmgr_services_t *v);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_services(const void *a,
    const void *b);
static void ngx_http_procmgr_services_row(ngx_http_procmgr_services_t *v,
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
    int                           rc;
    size_t                        n;
    ngx_http_procmgr_services_t   v;

    ngx_memzero(&v, sizeof(ngx_http_procmgr_services_t));

    v.job = job;
    v.args = job->args;

    pm_socks_init(&v.socks);

    rc = pm_fd_walk_init(&v.walk, NULL);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(job, "open", rc);
        return;
    }

    if (ngx_http_procmgr_services_sockets(&v) != NGX_OK) {
        goto done;
    }

    /* without memory or descriptors the rows are those of the snapshot */

    (void) pm_lates_read(&v.lates, v.walk.proc, job->snapshot);

    n = job->snapshot->nprocs + v.lates.n + 1;

    v.ask = ngx_calloc(n * sizeof(pm_wire_pid_t), job->log);
    v.units = ngx_calloc(n * sizeof(ngx_http_procmgr_services_unit_t),
                         job->log);

    if (v.args->named) {
        v.search = ngx_http_procmgr_search_create(job, &v.args->match);
    }

    if (v.ask == NULL || v.units == NULL
        || (v.args->named && v.search == NULL))
    {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
        goto done;
    }

    ngx_http_procmgr_services_walk(&v);

    ngx_http_procmgr_read(job, v.args->system.role, v.ask, v.nask,
                          ngx_http_procmgr_services_record, &v);

    if (v.answered < v.fds || v.map.truncated) {
        /* somebody else may hold any of the sockets */
        ngx_http_procmgr_partial(job, "pids");
    }

    if (v.socks.truncated) {
        ngx_http_procmgr_partial(job, "services");
    }

    pm_fd_map_sort(&v.map);

    if (v.search) {
        ngx_http_procmgr_search_run(v.search);
    }

    if (v.map.error || ngx_http_procmgr_services_json(&v) != NGX_OK) {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);
    }

done:

    ngx_http_procmgr_search_free(v.search);
    pm_fd_walk_free(&v.walk);
    pm_fd_map_free(&v.map);
    pm_socks_free(&v.socks);
    pm_lates_free(&v.lates);
    ngx_free(v.ask);
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

    rc = pm_fd_map_init(&v->map, v->socks.n);
    if (rc != 0) {
        ngx_http_procmgr_syscall_failed(v->job, "malloc", rc);
        return NGX_ERROR;
    }

    for (i = 0; i < v->socks.n; i++) {
        pm_fd_map_want(&v->map, k[i].inode);
    }

    v->netns = pm_sock_netns();

    return NGX_OK;
}


/* what the worker may see itself; the others are put on the list to ask */

static void
ngx_http_procmgr_services_walk(ngx_http_procmgr_services_t *v)
{
    size_t            i;
    unsigned          fields;
    const pm_proc_t  *p;

    p = pm_snapshot_procs(v->job->snapshot);

    for (i = 0; i < v->job->snapshot->nprocs; i++, p++) {

        fields = v->search ? ngx_http_procmgr_search_own(v->search,
                                                         v->walk.proc, p)
                           : 0;

        ngx_http_procmgr_services_ask(v, p, fields);
    }

    for (i = 0; i < v->lates.n; i++) {
        ngx_http_procmgr_services_ask(v, &v->lates.elts[i].proc, 0);
    }
}


static void
ngx_http_procmgr_services_ask(ngx_http_procmgr_services_t *v,
    const pm_proc_t *p, unsigned fields)
{
    int  rc;

    /* neither a thread of the kernel nor the dead have descriptors */

    if (v->map.used && !p->kthread && p->state != 'Z' && p->state != 'X') {

        rc = ngx_http_procmgr_own(p)
             ? pm_fd_sockets(&v->walk, &v->map, p->pid, p->starttime)
             : EACCES;

        if (rc != 0 && rc != ENOENT && rc != ESRCH) {
            fields |= 1 << PM_READ_FD;
            v->fds++;
        }
    }

    if (fields) {
        v->ask[v->nask].pid = p->pid;
        v->ask[v->nask].starttime = p->starttime;
        v->ask[v->nask].fields = fields;
        v->nask++;
    }
}


static void
ngx_http_procmgr_services_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_services_t *v = data;

    size_t       len;
    const char  *name;

    if (ngx_http_procmgr_services_proc(v, head->pid, &name, &len) == NULL) {
        return;
    }

    switch (head->field) {

    case PM_READ_FD:

        if (head->error == ENOENT || head->error == ESRCH) {
            v->answered++;

        } else if (head->error == 0
                   && pm_fd_parse(&v->map, head->pid, (const char *) bytes,
                                  head->len)
                      != -1
                   && !head->more)
        {
            v->answered++;
        }

        break;

    case PM_READ_CMDLINE:
    case PM_READ_EXE:

        if (v->search) {
            ngx_http_procmgr_search_record(v->search, head, bytes);
        }

        break;
    }
}


static const pm_proc_t *
ngx_http_procmgr_services_proc(ngx_http_procmgr_services_t *v, int32_t pid,
    const char **name, size_t *len)
{
    const pm_proc_t  *p;
    const pm_late_t  *late;

    p = pm_snapshot_find(v->job->snapshot, pid);

    if (p) {
        *name = pm_snapshot_str(v->job->snapshot, p->name);
        *len = p->name.len;

        return p;
    }

    late = pm_lates_find(&v->lates, pid);

    if (late) {
        *name = late->comm;
        *len = late->len;

        return &late->proc;
    }

    return NULL;
}


static unsigned
ngx_http_procmgr_services_score(ngx_http_procmgr_services_t *v, int32_t pid)
{
    pm_match_text_t   fields[PM_MATCH_FIELDS];
    const pm_late_t  *late;

    late = pm_lates_find(&v->lates, pid);

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
            h = pm_fd_map_find(&v->map, v->socks.elts[i].inode, &n);

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
    pm_json_key(j, "netns");

    if (v->netns) {
        pm_json_u64(j, v->netns);

    } else {
        pm_json_null(j);
    }

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

    h = pm_fd_map_find(&v->map, k->inode, &n);

    pm_json_key(j, "pid_program");

    if (n) {
        (void) ngx_http_procmgr_services_proc(v, h[0].pid, &name, &name_len);

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
        p = ngx_http_procmgr_services_proc(v, h[i].pid, &name, &name_len);

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
        *len = pm_unit_read(v->unit, v->walk.proc, p->pid);

        return *len ? v->unit : NULL;
    }

    u = &v->units[p - pm_snapshot_procs(s)];

    if (u->len == 0) {

        n = (p->have & PM_HAVE_CGROUP)
            ? pm_unit_of(unit, pm_snapshot_str(s, p->cgroup), p->cgroup.len)
            : pm_unit_read(unit, v->walk.proc, p->pid);

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
