
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pm_map.h"
#include "pm_mem.h"
#include "pm_parse.h"


#define PM_MEM_STATUS  (2 * 1024 * 1024)    /* of one in many groups */
#define PM_MEM_STAT    4096

/*
 * A thread's stack lies directly behind a guard, which is a mapping that
 * nobody may touch.  An arena of malloc also has such a part, but it is
 * larger, as are reserved address spaces.
 */
#define PM_MEM_GUARD  (1024 * 1024)
#define PM_MEM_LEAST  16384             /* PTHREAD_STACK_MIN */


typedef struct {
    uint64_t     start;
    uint64_t     end;
    unsigned     shared:1;
    unsigned     writable:1;
    unsigned     code:1;
    unsigned     none:1;                /* not even readable */
} pm_mem_map_t;


typedef struct {
    pm_mem_t    *mem;
    pm_slice_t   exe;
    uint64_t     exe_end;               /* its bss begins there */
    uint64_t     guard_end;             /* a stack begins there */

    /* one file's mappings: whether it has code is known at their end */
    pm_slice_t   file;
    unsigned     code:1;
    uint64_t     size[PM_MEM_SIZES];
} pm_mem_sort_t;


static pm_slice_t *pm_mem_text(pm_mem_status_t *st, const char *p,
    size_t len);
static int pm_mem_read_dir(int dir, uint64_t starttime, pm_buf_t *buf,
    pm_mem_status_t *st);
static int pm_mem_head(const pm_map_t *map, pm_mem_map_t *m);
static const char *pm_mem_hex(const char *p, const char *end, uint64_t *v);
static int pm_mem_sort(pm_mem_sort_t *s, const pm_map_t *map,
    const pm_mem_map_t *m);
static void pm_mem_file_end(pm_mem_sort_t *s);
static int pm_mem_stack(pm_mem_sort_t *s, const pm_mem_map_t *m);
static int pm_mem_is(const pm_slice_t *path, const char *name, size_t len);
static int pm_mem_begins(const pm_slice_t *path, const char *name,
    size_t len);
static int pm_mem_same(const pm_slice_t *path, const pm_slice_t *link);

#define pm_mem_path_is(path, s)  pm_mem_is(path, s, sizeof(s) - 1)
#define pm_mem_path_begins(path, s)  pm_mem_begins(path, s, sizeof(s) - 1)


const char *const  pm_mem_names[PM_MEM_NUMBERS] = {
    "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon",
    "RssFile", "RssShmem", "VmData", "VmStk", "VmExe", "VmLib", "VmPTE",
    "VmSwap", "Tgid", "PPid", "TracerPid", "FDSize", "Threads"
};

const char *const  pm_mem_segment_names[PM_MEM_SEGMENTS] = {
    "text", "data", "heap", "stack", "libraries", "anonymous", "shared",
    "other"
};

const char *const  pm_mem_size_names[PM_MEM_SIZES] = {
    "size", "rss", "pss", "uss", "swap"
};


/* a name with a tab in it cannot begin a line: the kernel escapes its ends */

int
pm_mem_status(const char *buf, size_t len, pm_mem_status_t *st)
{
    int          i;
    size_t       n;
    const char  *p, *v, *end, *next, *colon;
    pm_slice_t  *text;

    memset(st, 0, sizeof(pm_mem_status_t));

    end = buf + len;

    for (p = buf; p < end; p = next) {

        next = pm_parse_line(p, end);

        if (next[-1] != '\n') {
            return -1;
        }

        colon = memchr(p, ':', next - p);

        if (colon == NULL) {
            return -1;
        }

        n = colon - p;
        v = pm_parse_blanks(colon + 1, next);

        text = pm_mem_text(st, p, n);

        if (text) {
            text->data = v;
            text->len = next - 1 - v;
            continue;
        }

        for (i = 0; i < PM_MEM_NUMBERS; i++) {

            if (strlen(pm_mem_names[i]) == n
                && memcmp(pm_mem_names[i], p, n) == 0)
            {
                if (pm_parse_u64(v, next, &st->number[i]) == NULL) {
                    return -1;
                }

                st->have |= 1u << i;
                break;
            }
        }
    }

    return ((st->have & 1u << PM_MEM_TGID) && st->state.len) ? 0 : -1;
}


int
pm_mem_read(int32_t pid, uint64_t starttime, pm_buf_t *buf,
    pm_mem_status_t *st)
{
    int   rc, proc, dir;
    char  path[PM_PROCFS_PATH];

    if (pm_procfs_path(path, pid, "") == 0) {
        return ESRCH;
    }

    proc = pm_procfs_open("/proc");
    if (proc == -1) {
        return errno;
    }

    dir = openat(proc, path, O_PATH|O_DIRECTORY|O_CLOEXEC);
    rc = (dir == -1) ? errno : 0;

    close(proc);

    if (rc != 0) {
        return rc;
    }

    rc = pm_mem_read_dir(dir, starttime, buf, st);

    close(dir);

    return rc;
}


static int
pm_mem_read_dir(int dir, uint64_t starttime, pm_buf_t *buf,
    pm_mem_status_t *st)
{
    char        stat[PM_MEM_STAT];
    ssize_t     n;
    pm_proc_t   p;
    pm_slice_t  comm;

    n = pm_procfs_read(dir, "stat", stat, sizeof(stat));

    if (n == -1) {
        return errno;
    }

    if (pm_pid_parse_stat(stat, (size_t) n, &p, &comm) != 0
        || p.starttime != starttime)
    {
        return ESRCH;
    }

    n = pm_procfs_read_all(dir, "status", buf, PM_MEM_STATUS);

    if (n == -1) {
        return errno;
    }

    return pm_mem_status(buf->data, (size_t) n, st) == 0 ? 0 : EBADMSG;
}


static pm_slice_t *
pm_mem_text(pm_mem_status_t *st, const char *p, size_t len)
{
    if (len == 3 && memcmp(p, "Uid", 3) == 0) {
        return &st->uid;
    }

    if (len == 3 && memcmp(p, "Gid", 3) == 0) {
        return &st->gid;
    }

    if (len == 5 && memcmp(p, "State", 5) == 0) {
        return &st->state;
    }

    if (len == 6 && memcmp(p, "Groups", 6) == 0) {
        return &st->groups;
    }

    return NULL;
}


int
pm_mem_next(pm_slice_t *list, uint64_t *value)
{
    const char  *p, *end;

    if (list->len == 0) {
        return 0;
    }

    end = list->data + list->len;

    p = pm_parse_u64(pm_parse_blanks(list->data, end), end, value);

    if (p == NULL) {
        return 0;
    }

    list->data = p;
    list->len = end - p;

    return 1;
}


int
pm_mem_segments(const char *buf, size_t len, const char *exe, size_t exe_len,
    pm_mem_t *mem)
{
    int            rc, i, to;
    uint64_t       size[PM_MEM_SIZES];
    pm_map_t       map;
    pm_mem_map_t   m;
    pm_mem_sort_t  s;
    pm_map_iter_t  iter;

    memset(mem, 0, sizeof(pm_mem_t));
    memset(&s, 0, sizeof(pm_mem_sort_t));

    s.mem = mem;

    if (exe_len) {
        s.exe.data = exe;
        s.exe.len = pm_link_len(exe, exe_len);
    }

    pm_map_start(&iter, buf, len);

    while ((rc = pm_map_next(&iter, &map)) == 1) {

        if (pm_mem_head(&map, &m) == -1) {
            return -1;
        }

        size[PM_MEM_SIZE] = map.size[PM_MAP_SIZE];
        size[PM_MEM_RSS] = map.size[PM_MAP_RSS];
        size[PM_MEM_PSS] = map.size[PM_MAP_PSS];
        size[PM_MEM_USS] = map.size[PM_MAP_PRIVATE_CLEAN]
                           + map.size[PM_MAP_PRIVATE_DIRTY]
                           + map.size[PM_MAP_PRIVATE_HUGETLB];
        size[PM_MEM_SWAP] = map.size[PM_MAP_SWAP];

        to = pm_mem_sort(&s, &map, &m);

        for (i = 0; i < PM_MEM_SIZES; i++) {
            mem->total[i] += size[i];

            if (to == PM_MEM_SEGMENTS) {
                s.size[i] += size[i];

            } else {
                mem->segment[to][i] += size[i];
            }
        }

        mem->maps++;
    }

    pm_mem_file_end(&s);

    return rc;
}


static int
pm_mem_head(const pm_map_t *map, pm_mem_map_t *m)
{
    const char  *p, *end;

    end = map->addr.data + map->addr.len;

    p = pm_mem_hex(map->addr.data, end, &m->start);

    if (p == end || *p != '-'
        || pm_mem_hex(p + 1, end, &m->end) != end
        || m->end < m->start
        || map->perms.len < 4)
    {
        return -1;
    }

    p = map->perms.data;

    m->shared = (p[3] == 's');
    m->writable = (p[1] == 'w');
    m->code = (p[2] == 'x');
    m->none = (p[0] == '-' && p[1] == '-' && p[2] == '-');

    return 0;
}


static const char *
pm_mem_hex(const char *p, const char *end, uint64_t *v)
{
    unsigned  d;

    *v = 0;

    for ( /* void */ ; p < end; p++) {

        if (*p >= '0' && *p <= '9') {
            d = *p - '0';

        } else if (*p >= 'a' && *p <= 'f') {
            d = *p - 'a' + 10;

        } else {
            break;
        }

        *v = *v << 4 | d;
    }

    return p;
}


/* the segment, or PM_MEM_SEGMENTS: it is the file's */

static int
pm_mem_sort(pm_mem_sort_t *s, const pm_map_t *map, const pm_mem_map_t *m)
{
    const pm_slice_t  *path;

    path = &map->path;

    if (m->shared) {
        return PM_MEM_SHARED;
    }

    if (pm_mem_path_is(path, "[anon]") || pm_mem_path_begins(path, "[anon:")) {

        /* what stands directly behind the executable is its bss */

        if (m->start == s->exe_end && m->writable) {
            s->exe_end = m->end;
            return PM_MEM_DATA;
        }

        s->mem->stacks += pm_mem_stack(s, m);

        return PM_MEM_ANONYMOUS;
    }

    if (path->data[0] == '[') {

        if (pm_mem_path_is(path, "[heap]")) {
            return PM_MEM_HEAP;
        }

        if (pm_mem_path_is(path, "[stack]")) {
            return PM_MEM_STACK;
        }

        /* older kernels name those of threads */

        if (pm_mem_path_begins(path, "[stack:")) {
            s->mem->stacks++;
            return PM_MEM_ANONYMOUS;
        }

        return PM_MEM_OTHER;
    }

    /* files that only stand for none */

    if (pm_mem_path_is(path, "/dev/zero")
        || pm_mem_path_is(path, "/anon_hugepage"))
    {
        return PM_MEM_ANONYMOUS;
    }

    if (pm_mem_same(path, &s->exe)) {
        s->exe_end = m->end;
        return m->writable ? PM_MEM_DATA : PM_MEM_TEXT;
    }

    if (s->file.data == NULL
        || s->file.len != path->len
        || memcmp(s->file.data, path->data, path->len) != 0)
    {
        pm_mem_file_end(s);
        s->file = *path;
    }

    s->code |= m->code;

    return PM_MEM_SEGMENTS;
}


static void
pm_mem_file_end(pm_mem_sort_t *s)
{
    int  i, to;

    to = s->code ? PM_MEM_LIBRARIES : PM_MEM_OTHER;

    for (i = 0; i < PM_MEM_SIZES; i++) {
        s->mem->segment[to][i] += s->size[i];
        s->size[i] = 0;
    }

    s->code = 0;
    s->file.data = NULL;
}


static int
pm_mem_stack(pm_mem_sort_t *s, const pm_mem_map_t *m)
{
    if (m->none) {
        s->guard_end = (m->end - m->start <= PM_MEM_GUARD) ? m->end : 0;
        return 0;
    }

    return m->writable
           && s->guard_end
           && m->start == s->guard_end
           && m->end - m->start >= PM_MEM_LEAST;
}


static int
pm_mem_is(const pm_slice_t *path, const char *name, size_t len)
{
    return path->len == len && memcmp(path->data, name, len) == 0;
}


static int
pm_mem_begins(const pm_slice_t *path, const char *name, size_t len)
{
    return path->len >= len && memcmp(path->data, name, len) == 0;
}


/* in smaps a line feed of a name is written as \012 */

static int
pm_mem_same(const pm_slice_t *path, const pm_slice_t *link)
{
    size_t  i, k;

    if (link->len == 0) {
        return 0;
    }

    for (i = 0, k = 0; i < path->len && k < link->len; i++, k++) {

        if (path->data[i] == link->data[k]) {
            continue;
        }

        if (link->data[k] != '\n'
            || path->len - i < 4
            || memcmp(path->data + i, "\\012", 4) != 0)
        {
            return 0;
        }

        i += 3;
    }

    return i == path->len && k == link->len;
}
