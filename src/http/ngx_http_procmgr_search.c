
/*
 * The search by name over all processes: names and units from the snapshot,
 * command lines and executables from the helper.  All of it is in the thread.
 */

#include "ngx_http_procmgr_system.h"
#include "../proc/pm_mask.h"
#include "../proc/pm_pid.h"
#include "../proc/pm_procfs.h"


/* of one command line; what is longer is searched and shown up to here */
#define NGX_HTTP_PROCMGR_CMDLINE_MAX  4096
#define NGX_HTTP_PROCMGR_EXE_MAX      4096


typedef struct {
    size_t                           offset;    /* in the texts */
    size_t                           len;
    unsigned                         known:1;
} ngx_http_procmgr_found_text_t;


typedef struct {                        /* one for each of the snapshot's */
    ngx_http_procmgr_found_text_t    cmdline;
    ngx_http_procmgr_found_text_t    exe;
    ngx_http_procmgr_found_text_t    cwd;
    unsigned                         score;
    uint32_t                         index;
    unsigned                         shown:1;
} ngx_http_procmgr_found_t;


struct ngx_http_procmgr_search_s {
    ngx_procmgr_job_t               *job;
    const pm_match_t                *match;
    ngx_http_procmgr_found_t        *found;
    u_char                          *texts;
    size_t                           len;
    size_t                           size;
};


static void ngx_http_procmgr_search_keep(ngx_http_procmgr_search_t *search,
    ngx_http_procmgr_found_text_t *text, const void *data, size_t len);
static ngx_http_procmgr_found_t *ngx_http_procmgr_search_find(
    ngx_http_procmgr_search_t *search, int32_t pid);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_found(const void *a,
    const void *b);
static void ngx_http_procmgr_json_cmdline(pm_json_t *j,
    ngx_http_procmgr_search_t *search, ngx_http_procmgr_found_t *found);


ngx_http_procmgr_search_t *
ngx_http_procmgr_search_create(ngx_procmgr_job_t *job,
    const pm_match_t *match)
{
    uint32_t                    i, n;
    ngx_http_procmgr_search_t  *search;

    search = ngx_calloc(sizeof(ngx_http_procmgr_search_t), job->log);
    if (search == NULL) {
        return NULL;
    }

    n = job->snapshot->nprocs;

    search->found = ngx_calloc((n + 1) * sizeof(ngx_http_procmgr_found_t),
                               job->log);
    if (search->found == NULL) {
        ngx_free(search);
        return NULL;
    }

    for (i = 0; i < n; i++) {
        search->found[i].index = i;
    }

    search->job = job;
    search->match = match;

    return search;
}


void
ngx_http_procmgr_search_free(ngx_http_procmgr_search_t *search)
{
    if (search) {
        free(search->texts);
        ngx_free(search->found);
        ngx_free(search);
    }
}


unsigned
ngx_http_procmgr_search_own(ngx_http_procmgr_search_t *search, int proc,
    const pm_proc_t *p)
{
    char                       path[PM_PROCFS_PATH];
    char                       exe[NGX_HTTP_PROCMGR_EXE_MAX];
    ssize_t                    n;
    ngx_http_procmgr_found_t  *found;

    if (p->kthread || p->state == 'Z' || p->state == 'X') {

        /* they have neither */

        ngx_http_procmgr_search_none(search, p);

        return 0;
    }

    if (ngx_http_procmgr_own(p)
        && pm_procfs_path(path, p->pid, "exe") != 0)
    {
        n = pm_procfs_readlink(proc, path, exe, sizeof(exe));

        if (n >= 0) {
            found = ngx_http_procmgr_search_find(search, p->pid);
            ngx_http_procmgr_search_keep(search, &found->exe, exe, n);

            return 1 << PM_READ_CMDLINE;
        }
    }

    /* even one's own command line can block for ever: the helper reads it */

    return (1 << PM_READ_CMDLINE) | (1 << PM_READ_EXE);
}


void
ngx_http_procmgr_search_record(ngx_http_procmgr_search_t *search,
    const pm_wire_head_t *head, const u_char *bytes)
{
    char                                   masked[3
                                             * NGX_HTTP_PROCMGR_CMDLINE_MAX];
    size_t                                 max, len;
    ngx_http_procmgr_found_t              *found;
    ngx_http_procmgr_found_text_t         *text;
    const ngx_http_procmgr_system_args_t  *args;

    found = ngx_http_procmgr_search_find(search, head->pid);
    if (found == NULL) {
        return;
    }

    if (head->field == PM_READ_CMDLINE) {
        text = &found->cmdline;
        max = NGX_HTTP_PROCMGR_CMDLINE_MAX;

    } else {
        text = (head->field == PM_READ_EXE) ? &found->exe : &found->cwd;
        max = NGX_HTTP_PROCMGR_EXE_MAX;
    }

    args = search->job->args;
    len = ngx_min(head->len, max);

    if (head->error == 0 && head->field == PM_READ_CMDLINE
        && args->role != NGX_PROCMGR_ROLE_ADMIN)
    {
        /* what is not shown is not found either */

        len = pm_mask_text(masked, sizeof(masked), (const char *) bytes, len);

        ngx_http_procmgr_search_keep(search, text, masked, len);

    } else if (head->error == 0) {
        ngx_http_procmgr_search_keep(search, text, bytes, len);

    } else if (head->error == ENOENT || head->error == ESRCH) {

        /* it has none, or is gone: nothing is kept from anybody */

        text->known = 1;
    }
}


static void
ngx_http_procmgr_search_keep(ngx_http_procmgr_search_t *search,
    ngx_http_procmgr_found_text_t *text, const void *data, size_t len)
{
    size_t   size;
    u_char  *texts;

    if (search->size - search->len < len) {

        size = ngx_max(2 * search->size, 65536);

        texts = realloc(search->texts, size);
        if (texts == NULL) {
            return;
        }

        search->texts = texts;
        search->size = size;
    }

    if (len) {
        ngx_memcpy(search->texts + search->len, data, len);
    }

    text->offset = search->len;
    text->len = len;
    text->known = 1;

    search->len += len;
}


static ngx_http_procmgr_found_t *
ngx_http_procmgr_search_find(ngx_http_procmgr_search_t *search, int32_t pid)
{
    const pm_proc_t  *p;

    p = pm_snapshot_find(search->job->snapshot, pid);

    return p ? &search->found[p - pm_snapshot_procs(search->job->snapshot)]
             : NULL;
}


void
ngx_http_procmgr_search_none(ngx_http_procmgr_search_t *search,
    const pm_proc_t *p)
{
    ngx_http_procmgr_found_t  *found;

    found = ngx_http_procmgr_search_find(search, p->pid);

    found->cmdline.known = 1;
    found->exe.known = 1;
}


ngx_uint_t
ngx_http_procmgr_search_text(ngx_http_procmgr_search_t *search, uint32_t i,
    ngx_uint_t field, ngx_str_t *text)
{
    ngx_http_procmgr_found_t       *found;
    ngx_http_procmgr_found_text_t  *t;

    found = &search->found[i];

    t = (field == PM_READ_CMDLINE) ? &found->cmdline
        : (field == PM_READ_EXE) ? &found->exe : &found->cwd;

    text->data = search->texts ? search->texts + t->offset : (u_char *) "";
    text->len = t->len;

    return t->known;
}


void
ngx_http_procmgr_search_run(ngx_http_procmgr_search_t *search)
{
    uint32_t  i;

    for (i = 0; i < search->job->snapshot->nprocs; i++) {
        (void) ngx_http_procmgr_search_match(search, i);
    }
}


unsigned
ngx_http_procmgr_search_match(ngx_http_procmgr_search_t *search, uint32_t i)
{
    char                       unit[PM_UNIT_LEN];
    u_char                    *texts;
    pm_match_text_t            fields[PM_MATCH_FIELDS];
    const pm_proc_t           *p;
    const pm_snapshot_t       *s;
    ngx_http_procmgr_found_t  *found;

    s = search->job->snapshot;
    p = &pm_snapshot_procs(s)[i];
    found = &search->found[i];

    texts = search->texts ? search->texts : (u_char *) "";

    fields[PM_MATCH_NAME].text = pm_snapshot_str(s, p->name);
    fields[PM_MATCH_NAME].len = p->name.len;

    fields[PM_MATCH_UNIT].text = unit;
    fields[PM_MATCH_UNIT].len = pm_unit_of(unit,
                                           pm_snapshot_str(s, p->cgroup),
                                           p->cgroup.len);

    fields[PM_MATCH_EXE].text = (char *) texts + found->exe.offset;
    fields[PM_MATCH_EXE].len = found->exe.len;

    fields[PM_MATCH_CMDLINE].text = (char *) texts + found->cmdline.offset;
    fields[PM_MATCH_CMDLINE].len = found->cmdline.len;

    found->score = pm_match(search->match, fields);

    if (!found->cmdline.known) {
        ngx_http_procmgr_partial(search->job, "cmdline");
    }

    if (!found->exe.known) {
        ngx_http_procmgr_partial(search->job, "exe");
    }

    return found->score;
}


unsigned
ngx_http_procmgr_search_score(ngx_http_procmgr_search_t *search, int32_t pid)
{
    ngx_http_procmgr_found_t  *found;

    found = ngx_http_procmgr_search_find(search, pid);

    return found ? found->score : 0;
}


void
ngx_http_procmgr_search_shown(ngx_http_procmgr_search_t *search, int32_t pid)
{
    ngx_http_procmgr_found_t  *found;

    found = ngx_http_procmgr_search_find(search, pid);

    if (found) {
        found->shown = 1;
    }
}


void
ngx_http_procmgr_search_json(ngx_http_procmgr_search_t *search)
{
    char                       unit[PM_UNIT_LEN];
    uint32_t                   i, n;
    pm_json_t                 *j;
    const pm_proc_t           *procs, *p;
    const pm_snapshot_t       *s;
    ngx_http_procmgr_found_t  *found;

    j = &search->job->json;
    s = search->job->snapshot;
    procs = pm_snapshot_procs(s);

    n = 0;

    for (i = 0; i < s->nprocs; i++) {
        found = &search->found[i];

        if (found->score && !found->shown) {
            search->found[n++] = *found;
        }
    }

    qsort(search->found, n, sizeof(ngx_http_procmgr_found_t),
          ngx_http_procmgr_cmp_found);

    pm_json_array(j);

    for (i = 0; i < n; i++) {
        found = &search->found[i];
        p = &procs[found->index];

        pm_json_object(j);

        pm_json_key(j, "pid");
        pm_json_i64(j, p->pid);
        pm_json_key(j, "name");
        ngx_http_procmgr_json_name(search->job, p);
        pm_json_key(j, "cmdline");
        ngx_http_procmgr_json_cmdline(j, search, found);
        pm_json_key(j, "unit");

        if (pm_unit_of(unit, pm_snapshot_str(s, p->cgroup), p->cgroup.len)) {
            pm_json_str(j, unit);

        } else {
            pm_json_null(j);
        }

        pm_json_object_end(j);
    }

    pm_json_array_end(j);
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_found(const void *a, const void *b)
{
    const ngx_http_procmgr_found_t  *x = a, *y = b;

    if (x->score != y->score) {
        return (x->score < y->score) ? 1 : -1;
    }

    return (x->index > y->index) - (x->index < y->index);
}


static void
ngx_http_procmgr_json_cmdline(pm_json_t *j, ngx_http_procmgr_search_t *search,
    ngx_http_procmgr_found_t *found)
{
    pm_args_t   args;
    pm_slice_t  arg;

    if (!found->cmdline.known) {
        pm_json_null(j);
        return;
    }

    pm_json_array(j);

    if (found->cmdline.len) {
        pm_pid_args(&args,
                    (char *) search->texts + found->cmdline.offset,
                    found->cmdline.len);

        while (pm_pid_args_next(&args, &arg)) {
            pm_json_strn(j, arg.data, arg.len);
        }
    }

    pm_json_array_end(j);
}
