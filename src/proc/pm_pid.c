
#include <string.h>

#include "pm_parse.h"
#include "pm_pid.h"


#define PM_PF_KTHREAD   0x00200000

#define PM_STAT_FIELDS  42              /* up to delayacct_blkio_ticks */


static const char *pm_pid_ids(const char *p, const char *end, uint32_t *ids);
static uint64_t pm_pid_ticks(int64_t v);


int
pm_pid_parse_stat(const char *buf, size_t len, pm_proc_t *p, pm_slice_t *comm)
{
    int          n;
    char         state;
    int64_t      v[PM_STAT_FIELDS + 1];
    uint64_t     u[PM_STAT_FIELDS + 1];
    const char  *s, *end, *open, *close;

    end = buf + len;

    s = pm_parse_u64(buf, end, &u[1]);

    if (s == NULL || u[1] > INT32_MAX || end - s < 2 || s[0] != ' '
        || s[1] != '(')
    {
        return -1;
    }

    open = s + 2;

    /* a comm may hold anything: only the last parenthesis closes it */

    close = memrchr(open, ')', end - open);

    if (close == NULL || end - close < 4 || close[1] != ' '
        || close[3] != ' ')
    {
        return -1;
    }

    state = close[2];

    s = close + 4;

    for (n = 4; n <= PM_STAT_FIELDS; n++) {

        if (s < end && *s == '-') {
            s = pm_parse_i64(s, end, &v[n]);
            u[n] = 0;

        } else {
            s = pm_parse_u64(s, end, &u[n]);
            v[n] = s && u[n] <= INT64_MAX ? (int64_t) u[n] : INT64_MAX;
        }

        if (s == NULL) {
            return -1;
        }

        if (n < PM_STAT_FIELDS) {
            if (s == end || *s != ' ') {
                return -1;
            }

            s++;
        }
    }

    /* the last number may have been cut */

    if (s == end) {
        return -1;
    }

    p->pid = u[1];
    p->state = state;
    p->ppid = v[4];
    p->tty_nr = v[7];
    p->kthread = (u[9] & PM_PF_KTHREAD) != 0;
    p->utime = u[14];
    p->stime = u[15];
    p->cutime = pm_pid_ticks(v[16]);
    p->cstime = pm_pid_ticks(v[17]);
    p->nice = v[19];
    p->num_threads = pm_pid_ticks(v[20]);
    p->starttime = u[22];
    p->processor = v[39];
    p->blkio = u[42];

    p->have |= PM_HAVE_STAT;

    comm->data = open;
    comm->len = close - open;

    return 0;
}


int
pm_pid_parse_statm(const char *buf, size_t len, size_t page_size,
    pm_proc_t *p)
{
    int          n;
    uint64_t     v[7];
    const char  *s, *end;

    s = buf;
    end = buf + len;

    for (n = 0; n < 7; n++) {

        s = pm_parse_u64(s, end, &v[n]);

        if (s == NULL || s == end || *s != (n == 6 ? '\n' : ' ')) {
            return -1;
        }

        s++;
    }

    p->vms = v[0] * page_size;
    p->rss = v[1] * page_size;
    p->shared = v[2] * page_size;
    p->text = v[3] * page_size;
    p->data = v[5] * page_size;

    p->have |= PM_HAVE_STATM;

    return 0;
}


int
pm_pid_parse_status(const char *buf, size_t len, pm_proc_t *p)
{
    uint32_t     uid[3], gid[3];
    uint64_t     threads, nvcsw, nivcsw;
    unsigned     seen;
    const char  *s, *end, *v;

    enum {
        UID = 1, GID = 2, THREADS = 4, VOLUNTARY = 8, NONVOLUNTARY = 16,
        ALL = 31
    };

    threads = 0;
    nvcsw = 0;
    nivcsw = 0;
    seen = 0;
    end = buf + len;

    /*
     * The kernel writes a newline of the name as "\n", but its tabs as they
     * are: a name may hold "Uid:\t0", yet never at the start of a line.
     */

    for (s = buf; s < end; s = pm_parse_line(s, end)) {

        switch (*s) {

        case 'U':
            v = pm_parse_key(s, end, "Uid:");
            if (v && pm_pid_ids(v, end, uid)) {
                seen |= UID;
            }

            break;

        case 'G':
            v = pm_parse_key(s, end, "Gid:");
            if (v && pm_pid_ids(v, end, gid)) {
                seen |= GID;
            }

            break;

        case 'T':
            v = pm_parse_key(s, end, "Threads:");
            if (v && pm_parse_u64(pm_parse_blanks(v, end), end, &threads)) {
                seen |= THREADS;
            }

            break;

        case 'v':
            v = pm_parse_key(s, end, "voluntary_ctxt_switches:");
            if (v && pm_parse_u64(pm_parse_blanks(v, end), end, &nvcsw)) {
                seen |= VOLUNTARY;
            }

            break;

        case 'n':
            v = pm_parse_key(s, end, "nonvoluntary_ctxt_switches:");
            v = v ? pm_parse_u64(pm_parse_blanks(v, end), end, &nivcsw) : NULL;

            /* the last one of the file that is read: it may be cut */

            if (v && v < end) {
                seen |= NONVOLUNTARY;
            }

            break;
        }
    }

    if (seen != ALL) {
        return -1;
    }

    memcpy(p->uid, uid, sizeof(uid));
    memcpy(p->gid, gid, sizeof(gid));

    p->num_threads = threads;
    p->nvcsw = nvcsw;
    p->nivcsw = nivcsw;

    p->have |= PM_HAVE_STATUS;

    return 0;
}


int
pm_pid_status_value(const char *buf, size_t len, const char *key,
    uint64_t *value)
{
    size_t       n;
    uint64_t     number;
    const char  *s, *end, *v;

    n = strlen(key);
    end = buf + len;

    for (s = buf; s < end; s = pm_parse_line(s, end)) {

        v = pm_parse_word(s, end, key, n);

        if (v == NULL || v == end || *v != ':') {
            continue;
        }

        v = pm_parse_u64(pm_parse_blanks(v + 1, end), end, &number);

        if (v == NULL || v == end) {
            return -1;
        }

        *value = number;

        return 0;
    }

    return -1;
}


int
pm_pid_parse_cgroup(const char *buf, size_t len, pm_slice_t *path)
{
    size_t       n;
    pm_slice_t   unified, systemd;
    const char  *s, *end, *line, *v;

    unified.data = NULL;
    unified.len = 0;
    systemd = unified;

    end = buf + len;

    for (line = buf; line < end; line = s) {

        s = pm_parse_line(line, end);

        if (s[-1] != '\n') {
            break;
        }

        n = s - line - 1;

        v = pm_parse_key(line, end, "0::/");

        if (v) {
            unified.data = v - 1;
            unified.len = n - (sizeof("0::") - 1);
            continue;
        }

        v = memchr(line, ':', n);
        v = v ? pm_parse_key(v, end, ":name=systemd:/") : NULL;

        if (v) {
            systemd.data = v - 1;
            systemd.len = line + n - systemd.data;
        }
    }

    /* with the old hierarchies the unified one may hold all in its root */

    if (systemd.data && unified.len <= 1) {
        *path = systemd;
        return 0;
    }

    if (unified.data == NULL) {
        return -1;
    }

    *path = unified;

    return 0;
}


void
pm_pid_args(pm_args_t *args, const char *buf, size_t len)
{
    const char  *end;

    end = buf + len;

    args->pos = buf;
    args->end = end;
    args->separator = ' ';
    args->done = (len == 0);

    if (len == 0) {
        return;
    }

    if (end[-1] != '\0') {

        /* a title that was written over the arguments */

        if (end[-1] == ' ') {
            args->end--;
        }

        return;
    }

    while (args->end > buf && args->end[-1] == '\0') {
        args->end--;
    }

    if (args->end == buf) {
        args->done = 1;
        return;
    }

    /* psutil: one argument with a blank is a title, unless it was padded */

    if (end - args->end > 1 || memchr(buf, '\0', args->end - buf)) {
        args->separator = '\0';
    }
}


int
pm_pid_args_next(pm_args_t *args, pm_slice_t *arg)
{
    const char  *p;

    if (args->done) {
        return 0;
    }

    p = memchr(args->pos, args->separator, args->end - args->pos);

    arg->data = args->pos;

    if (p == NULL) {
        arg->len = args->end - args->pos;
        args->done = 1;

    } else {
        arg->len = p - args->pos;
        args->pos = p + 1;
    }

    return 1;
}


int
pm_pid_parse_io(const char *buf, size_t len, pm_io_t *io)
{
    pm_io_t  v;

    if (pm_pid_status_value(buf, len, "syscr", &v.read_count) == -1
        || pm_pid_status_value(buf, len, "syscw", &v.write_count) == -1
        || pm_pid_status_value(buf, len, "read_bytes", &v.read_bytes) == -1
        || pm_pid_status_value(buf, len, "write_bytes", &v.write_bytes) == -1
        || pm_pid_status_value(buf, len, "rchar", &v.read_chars) == -1
        || pm_pid_status_value(buf, len, "wchar", &v.write_chars) == -1)
    {
        return -1;
    }

    *io = v;

    return 0;
}


int
pm_pid_parse_smaps(const char *buf, size_t len, pm_smaps_t *sums)
{
    uint64_t     number, *sum;
    pm_smaps_t   v;
    const char  *s, *end, *p;

    memset(&v, 0, sizeof(pm_smaps_t));

    end = buf + len;

    if (len && end[-1] != '\n') {
        return -1;
    }

    /* the line of a mapping starts with its address, in lower case */

    for (s = buf; s < end; s = pm_parse_line(s, end)) {

        if ((p = pm_parse_key(s, end, "Rss:")) != NULL) {
            sum = &v.rss;

        } else if ((p = pm_parse_key(s, end, "Pss:")) != NULL) {
            sum = &v.pss;

        } else if ((p = pm_parse_key(s, end, "Swap:")) != NULL) {
            sum = &v.swap;

        } else if ((p = pm_parse_key(s, end, "Private_")) != NULL) {
            sum = &v.uss;

            while (*p != ':' && *p != '\n') {
                p++;
            }

            if (*p++ == '\n') {
                return -1;
            }

        } else {
            continue;
        }

        if (pm_parse_u64(pm_parse_blanks(p, end), end, &number) == NULL) {
            return -1;
        }

        *sum += number * 1024;
    }

    *sums = v;

    return 0;
}


void
pm_pid_environ(pm_environ_t *env, const char *buf, size_t len)
{
    env->pos = buf;
    env->end = buf + len;
}


int
pm_pid_environ_next(pm_environ_t *env, pm_slice_t *name, pm_slice_t *value)
{
    const char  *start, *stop, *equal;

    while (env->pos < env->end) {

        start = env->pos;
        stop = memchr(start, '\0', env->end - start);

        if (stop == NULL || stop == start) {
            env->pos = env->end;
            return 0;
        }

        env->pos = stop + 1;

        equal = memchr(start, '=', stop - start);

        if (equal == NULL || equal == start) {
            continue;
        }

        name->data = start;
        name->len = equal - start;
        value->data = equal + 1;
        value->len = stop - equal - 1;

        return 1;
    }

    return 0;
}


int
pm_pid_name_cut(const pm_slice_t *comm)
{
    return comm->len >= PM_PID_COMM;
}


void
pm_pid_name(const pm_slice_t *comm, const char *cmdline, size_t len,
    pm_slice_t *name)
{
    pm_args_t    args;
    pm_slice_t   arg;
    const char  *slash;

    *name = *comm;

    if (!pm_pid_name_cut(comm)) {
        return;
    }

    pm_pid_args(&args, cmdline, len);

    if (!pm_pid_args_next(&args, &arg)) {
        return;
    }

    slash = memrchr(arg.data, '/', arg.len);

    if (slash) {
        arg.len -= slash + 1 - arg.data;
        arg.data = slash + 1;
    }

    if (arg.len >= comm->len
        && memcmp(arg.data, comm->data, comm->len) == 0)
    {
        *name = arg;
    }
}


/* the first three of the four ids of a line */

static const char *
pm_pid_ids(const char *p, const char *end, uint32_t *ids)
{
    int       i;
    uint64_t  v;

    for (i = 0; i < 3; i++) {

        p = pm_parse_u64(pm_parse_blanks(p, end), end, &v);

        if (p == NULL || p == end || *p != '\t' || v > UINT32_MAX) {
            return NULL;
        }

        ids[i] = v;
    }

    return p;
}


/* signed in the text, but never below 0 */

static uint64_t
pm_pid_ticks(int64_t v)
{
    return v < 0 ? 0 : v;
}
