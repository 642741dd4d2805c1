
/*
 * GET /memory/groups: who uses the memory, by user, unit or name.  RSS and
 * sizes are those of the snapshot; PSS, USS and swap come from the helper, one
 * batch for all processes, and only to roles that may read them.
 */


#include "ngx_http_procmgr_groups.h"
#include "../proc/pm_human.h"


#define NGX_HTTP_PROCMGR_GROUPS_MAX  100000


typedef struct {
    ngx_uint_t                       by;
    ngx_uint_t                       sort;
    ngx_uint_t                       order;
    int64_t                          limit;
    ngx_flag_t                       pss;
    ngx_flag_t                       human;
} ngx_http_procmgr_groups_query_t;


typedef struct {
    ngx_http_procmgr_system_args_t   system;
    ngx_http_procmgr_groups_query_t  query;
} ngx_http_procmgr_groups_args_t;


typedef struct {                        /* in the thread */
    const pm_snapshot_t             *snapshot;
    pm_group_smaps_t                *smaps;
} ngx_http_procmgr_groups_read_t;


static void ngx_http_procmgr_make_groups(ngx_procmgr_job_t *job);
static ngx_int_t ngx_http_procmgr_groups_read(ngx_procmgr_job_t *job,
    pm_group_smaps_t *smaps);
static void ngx_http_procmgr_groups_record(void *data,
    const pm_wire_head_t *head, const u_char *bytes);
static void ngx_http_procmgr_groups_json(ngx_procmgr_job_t *job,
    const pm_groups_t *g);
static void ngx_http_procmgr_groups_size(pm_json_t *j, ngx_uint_t sum,
    const pm_group_t *group, ngx_uint_t human);


static const char *const  ngx_http_procmgr_groups_by[] = {
    "user", "unit", "name", NULL
};

/* in the order of pm_group_sum_e */

static const char *const  ngx_http_procmgr_groups_sorts[] = {
    "rss", "vms", "processes", "threads", "cpu_time", "pss", "uss", "swap",
    "group", NULL
};

static const char *const  ngx_http_procmgr_groups_orders[] = {
    "asc", "desc", NULL
};


#define ngx_http_procmgr_groups_at(member)                                    \
    offsetof(ngx_http_procmgr_groups_query_t, member)

static const ngx_http_procmgr_arg_t  ngx_http_procmgr_groups_table[] = {

    { "by", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_groups_at(by), 0, 0,
      ngx_http_procmgr_groups_by },

    { "sort", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_groups_at(sort),
      0, 0, ngx_http_procmgr_groups_sorts },

    { "order", NGX_HTTP_PROCMGR_ARG_ENUM, ngx_http_procmgr_groups_at(order),
      0, 0, ngx_http_procmgr_groups_orders },

    { "limit", NGX_HTTP_PROCMGR_ARG_INT, ngx_http_procmgr_groups_at(limit),
      1, NGX_HTTP_PROCMGR_GROUPS_MAX, NULL },

    { "pss", NGX_HTTP_PROCMGR_ARG_BOOL, ngx_http_procmgr_groups_at(pss),
      0, 0, NULL },

    { "human", NGX_HTTP_PROCMGR_ARG_BOOL, ngx_http_procmgr_groups_at(human),
      0, 0, NULL },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_int_t
ngx_http_procmgr_memory_groups(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    ngx_http_procmgr_groups_args_t    args;
    ngx_http_procmgr_groups_query_t  *q;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_groups_args_t));

    q = &args.query;
    q->pss = 1;
    q->order = NGX_CONF_UNSET_UINT;
    q->limit = NGX_HTTP_PROCMGR_GROUPS_MAX;

    if (ngx_http_procmgr_args(r, ctx, ngx_http_procmgr_groups_table, q)
        != NGX_OK)
    {
        return ctx->rc;
    }

    /* the largest first, names from A on */

    if (q->order == NGX_CONF_UNSET_UINT) {
        q->order = (q->sort != PM_GROUP_KEY);
    }

    return ngx_http_procmgr_system_view(r, ctx, ngx_http_procmgr_make_groups,
               &args, sizeof(args), ngx_http_procmgr_groups_want(q->by),
               "memory/groups?by=%ui&sort=%ui&order=%ui&limit=%L&pss=%d"
               "&human=%d", q->by, q->sort, q->order, q->limit,
               q->pss != 0, q->human != 0);
}


unsigned
ngx_http_procmgr_groups_want(ngx_uint_t by)
{
    return PM_HAVE_STAT|PM_HAVE_STATM
           |(by == PM_GROUP_UNIT ? PM_HAVE_CGROUP : 0);
}


static void
ngx_http_procmgr_make_groups(ngx_procmgr_job_t *job)
{
    pm_groups_t                            groups;
    pm_group_smaps_t                      *smaps;
    const ngx_http_procmgr_groups_args_t  *args;

    args = job->args;

    ngx_memzero(&groups, sizeof(pm_groups_t));

    smaps = ngx_calloc((job->snapshot->nprocs + 1)
                       * sizeof(pm_group_smaps_t), job->log);

    if (smaps == NULL
        || (args->query.pss
            && ngx_http_procmgr_groups_read(job, smaps) != NGX_OK)
        || pm_groups_make(&groups, job->snapshot, args->query.by, smaps)
           != 0)
    {
        ngx_http_procmgr_syscall_failed(job, "malloc", ENOMEM);

    } else {
        pm_groups_sort(&groups, args->query.sort, args->query.order == 1);
        ngx_http_procmgr_groups_json(job, &groups);
    }

    pm_groups_free(&groups);
    ngx_free(smaps);
}


static ngx_int_t
ngx_http_procmgr_groups_read(ngx_procmgr_job_t *job, pm_group_smaps_t *smaps)
{
    size_t                                 n;
    uint32_t                               i;
    pm_wire_pid_t                         *pids;
    const pm_proc_t                       *p;
    ngx_http_procmgr_groups_read_t         read;
    const ngx_http_procmgr_groups_args_t  *args;

    args = job->args;

    pids = ngx_calloc((job->snapshot->nprocs + 1) * sizeof(pm_wire_pid_t),
                      job->log);
    if (pids == NULL) {
        return NGX_ERROR;
    }

    n = 0;
    p = pm_snapshot_procs(job->snapshot);

    for (i = 0; i < job->snapshot->nprocs; i++, p++) {

        /* these have no memory of their own: they use none of it */

        if (p->kthread || p->state == 'Z' || p->state == 'X') {
            smaps[i].known = 1;
            continue;
        }

        pids[n].pid = p->pid;
        pids[n].fields = 1u << PM_READ_SMAPS_ROLLUP;
        pids[n].starttime = p->starttime;
        n++;
    }

    read.snapshot = job->snapshot;
    read.smaps = smaps;

    ngx_http_procmgr_read(job, args->system.role, pids, n,
                          ngx_http_procmgr_groups_record, &read);

    ngx_free(pids);

    return NGX_OK;
}


static void
ngx_http_procmgr_groups_record(void *data, const pm_wire_head_t *head,
    const u_char *bytes)
{
    ngx_http_procmgr_groups_read_t *read = data;

    const pm_proc_t   *p;
    pm_group_smaps_t  *smaps;

    p = pm_snapshot_find(read->snapshot, head->pid);

    if (p == NULL || head->field != PM_READ_SMAPS_ROLLUP) {
        return;
    }

    smaps = &read->smaps[p - pm_snapshot_procs(read->snapshot)];

    /* one that has ended meanwhile uses nothing any more */

    if (head->error == ESRCH
        || (head->error == ENOENT && kill(p->pid, 0) == -1
            && ngx_errno == NGX_ESRCH))
    {
        smaps->known = 1;
        return;
    }

    smaps->known = head->error == 0 && head->len && !head->more
                   && pm_pid_parse_smaps((const char *) bytes, head->len,
                                         &smaps->sums)
                      == 0;
}


static void
ngx_http_procmgr_groups_json(ngx_procmgr_job_t *job, const pm_groups_t *g)
{
    size_t                                 i;
    pm_json_t                             *j;
    ngx_uint_t                             human, by;
    const pm_group_t                      *group;
    const ngx_http_procmgr_groups_args_t  *args;

    j = &job->json;
    args = job->args;
    human = args->query.human;
    by = args->query.by;

    pm_json_object(j);

    pm_json_key(j, "by");
    pm_json_str(j, ngx_http_procmgr_groups_by[by]);

    /* memory that processes share is in the RSS of each of them */

    pm_json_key(j, "rss_counted_more_than_once");
    pm_json_bool(j, 1);

    pm_json_key(j, "total");
    pm_json_u64(j, g->n);

    pm_json_key(j, "groups");
    pm_json_array(j);

    for (i = 0; i < g->n && i < (size_t) args->query.limit; i++) {
        group = &g->elts[i];

        pm_json_object(j);

        pm_json_key(j, "group");

        if (group->len) {
            pm_json_strn(j, group->key, group->len);

        } else {
            pm_json_null(j);
        }

        pm_json_key(j, "processes");
        pm_json_u64(j, group->sum[PM_GROUP_PROCESSES]);
        pm_json_key(j, "threads");
        pm_json_u64(j, group->sum[PM_GROUP_THREADS]);
        pm_json_key(j, "cpu_time");
        pm_json_fixed(j, (double) group->sum[PM_GROUP_TICKS]
                         / job->snapshot->ticks_per_second, 2);

        ngx_http_procmgr_groups_size(j, PM_GROUP_RSS, group, human);
        ngx_http_procmgr_groups_size(j, PM_GROUP_VMS, group, human);
        ngx_http_procmgr_groups_size(j, PM_GROUP_PSS, group, human);
        ngx_http_procmgr_groups_size(j, PM_GROUP_USS, group, human);
        ngx_http_procmgr_groups_size(j, PM_GROUP_SWAP, group, human);

        pm_json_object_end(j);

        if (group->unknown && args->query.pss) {
            ngx_http_procmgr_partial(job, "pss");
            ngx_http_procmgr_partial(job, "uss");
            ngx_http_procmgr_partial(job, "swap");
        }
    }

    pm_json_array_end(j);
    pm_json_object_end(j);
}


/* a sum that lacks some of its processes is not known */

static void
ngx_http_procmgr_groups_size(pm_json_t *j, ngx_uint_t sum,
    const pm_group_t *group, ngx_uint_t human)
{
    char         name[64], text[PM_HUMAN_LEN];
    const char  *key;

    key = ngx_http_procmgr_groups_sorts[sum];

    pm_json_key(j, key);

    if (sum >= PM_GROUP_PSS && group->unknown) {
        pm_json_null(j);
        return;
    }

    pm_json_u64(j, group->sum[sum]);

    if (human) {
        (void) snprintf(name, sizeof(name), "%s_human", key);
        (void) pm_human_size(text, group->sum[sum]);

        pm_json_key(j, name);
        pm_json_str(j, text);
    }
}
