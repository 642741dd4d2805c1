
/*
 * Texts of the kernel, of files and of the bus, as anybody may make them
 * look.  The first byte chooses who reads it; each gets a copy of exactly its
 * bytes, so that a byte too far is seen.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pm_attr.h"
#include "pm_bus.h"
#include "pm_cpu.h"
#include "pm_cron.h"
#include "pm_fd.h"
#include "pm_host.h"
#include "pm_json.h"
#include "pm_map.h"
#include "pm_mask.h"
#include "pm_mem.h"
#include "pm_pid.h"
#include "pm_sock.h"
#include "pm_tz.h"
#include "pm_unit.h"
#include "pm_watch.h"


typedef void (*fuzz_pt)(const char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


/* what is outside of the text is not a part of it */

static void
fuzz_within(const char *p, size_t n, const pm_slice_t *s)
{
    if (s->len != 0 && (s->data < p || s->data + s->len > p + n)) {
        abort();
    }
}


static void
fuzz_stat(const char *p, size_t n)
{
    pm_proc_t   proc = { 0 };
    pm_slice_t  comm = { NULL, 0 };

    if (pm_pid_parse_stat(p, n, &proc, &comm) == 0) {
        fuzz_within(p, n, &comm);
        (void) pm_attr_status(proc.state);
        (void) pm_pid_name_cut(&comm);
    }
}


static void
fuzz_statm(const char *p, size_t n)
{
    pm_proc_t  proc = { 0 };

    (void) pm_pid_parse_statm(p, n, 4096, &proc);
}


static void
fuzz_status(const char *p, size_t n)
{
    uint64_t         v;
    pm_proc_t        proc = { 0 };
    pm_mem_status_t  st;
    uint64_t         mem[PM_WATCH_FIELDS];

    (void) pm_pid_parse_status(p, n, &proc);
    (void) pm_pid_status_value(p, n, "VmHWM", &v);
    (void) pm_watch_parse(p, n, mem);

    if (pm_mem_status(p, n, &st) == 0) {
        fuzz_within(p, n, &st.state);
        fuzz_within(p, n, &st.uid);

        while (pm_mem_next(&st.groups, &v)) {
            fuzz_within(p, n, &st.groups);
        }
    }
}


static void
fuzz_cgroup(const char *p, size_t n)
{
    char        unit[PM_UNIT_LEN];
    size_t      len;
    pm_slice_t  path = { NULL, 0 };

    if (pm_pid_parse_cgroup(p, n, &path) == 0) {
        fuzz_within(p, n, &path);

        len = pm_unit_of(unit, path.data, path.len);

        if (len >= sizeof(unit) || unit[len] != '\0') {
            abort();
        }
    }
}


static void
fuzz_cmdline(const char *p, size_t n)
{
    size_t      all;
    pm_args_t   args;
    pm_slice_t  arg, name, comm = { p, n < 15 ? n : 15 };

    all = 0;
    pm_pid_args(&args, p, n);

    while (pm_pid_args_next(&args, &arg)) {
        fuzz_within(p, n, &arg);
        all += arg.len + 1;
    }

    if (all > n + 1) {
        abort();
    }

    pm_pid_name(&comm, p, n, &name);
}


static void
fuzz_environ(const char *p, size_t n)
{
    pm_slice_t    name, value;
    pm_environ_t  env;

    pm_pid_environ(&env, p, n);

    while (pm_pid_environ_next(&env, &name, &value)) {
        fuzz_within(p, n, &name);
        fuzz_within(p, n, &value);
    }
}


static void
fuzz_io(const char *p, size_t n)
{
    pm_io_t  io;

    (void) pm_pid_parse_io(p, n, &io);
}


static void
fuzz_limits(const char *p, size_t n)
{
    pm_limit_t  limits[PM_LIMITS];

    (void) pm_limits_parse(p, n, limits);
}


/* the parts add up to the whole, and both ways of reading agree */

static void
fuzz_smaps(const char *p, size_t n)
{
    size_t         i;
    uint64_t       rss;
    pm_map_t       map;
    pm_mem_t       mem;
    pm_maps_t      maps = { 0 };
    pm_smaps_t     sums;
    pm_map_iter_t  iter;

    (void) pm_pid_parse_smaps(p, n, &sums);

    pm_map_start(&iter, p, n);

    while (pm_map_next(&iter, &map) == 1) {
        fuzz_within(p, n, &map.addr);
    }

    (void) pm_maps_group(&maps, p, n);
    pm_maps_free(&maps);

    if (pm_mem_segments(p, n, "/usr/bin/a", 10, &mem) == 0) {

        for (rss = 0, i = 0; i < PM_MEM_SEGMENTS; i++) {
            rss += mem.segment[i][PM_MEM_RSS];
        }

        if (rss != mem.total[PM_MEM_RSS]) {
            abort();
        }
    }
}


static void
fuzz_host(const char *p, size_t n)
{
    int             full;
    char           *text;
    double          load[3], uptime;
    uint32_t        ncpus;
    uint64_t        btime;
    pm_cpu_t        cpus[4];
    pm_memory_t     m;
    pm_pressure_t   some, all;
    pm_cpu_ticks_t  ticks;
    pm_cpu_stats_t  stats;

    (void) pm_cpu_parse_stats(p, n, &stats);

    /* these have a zero behind them */

    text = strndup(p, n);
    if (text == NULL) {
        return;
    }

    n = strlen(text);

    (void) pm_host_parse_stat(text, n, &ticks, cpus, 4, &ncpus, &btime);
    (void) pm_host_parse_meminfo(text, n, &m);
    (void) pm_host_parse_loadavg(text, n, load);
    (void) pm_host_parse_uptime(text, n, &uptime);
    (void) pm_host_parse_pressure(text, n, &some, &all, &full);

    free(text);
}


static void
fuzz_socket(const char *p, size_t n)
{
    char        addr[PM_SOCK_ADDR_LEN];
    size_t      i;
    pm_socks_t  s;

    pm_socks_init(&s);

    for (i = 0; i < 4; i++) {
        (void) pm_socks_line(&s, (int) i, ~0u, p, n);
    }

    for (i = 0; i < s.n; i++) {
        (void) pm_sock_addr(addr, &s.elts[i], 0);
        (void) pm_sock_addr(addr, &s.elts[i], 1);
    }

    pm_socks_free(&s);
}


static void
fuzz_fds(const char *p, size_t n)
{
    pm_fd_map_t  m;

    (void) pm_fd_socket(p, n);

    if (pm_fd_map_init(&m, 4) != 0) {
        return;
    }

    pm_fd_map_want(&m, 1);
    pm_fd_map_want(&m, 22);

    if (pm_fd_parse(&m, 7, p, n) < 0 && m.n != 0) {
        abort();
    }

    pm_fd_map_sort(&m);
    pm_fd_map_free(&m);
}


static void
fuzz_crontab(const char *p, size_t n)
{
    int              root;
    pm_cron_line_t   line;
    pm_cron_time_t   t;

    static pm_tz_t  *tz;

    if (tz == NULL) {
        root = open("/", O_PATH|O_DIRECTORY|O_CLOEXEC);

        if (pm_tz_load(root, NULL, &tz) != 0) {
            abort();
        }

        close(root);
    }

    pm_cron_line(&line, p, n, 0);
    pm_cron_line(&line, p, n, 1);

    if (pm_cron_time(&t, p, n) == NULL) {
        (void) pm_cron_next(&t, tz, 1700000000);
    }
}


static void
fuzz_zone(const char *p, size_t n)
{
    int64_t   at;
    unsigned  i;
    pm_tz_t  *tz;

    tz = pm_tz_parse(p, n);
    if (tz == NULL) {
        return;
    }

    at = -((int64_t) 1 << 40);

    for (i = 0; i < 64 && at != PM_TZ_NEVER; i++) {
        (void) pm_tz_offset(tz, at);
        at = pm_tz_next(tz, at);
    }

    pm_tz_free(tz);
}


static void
fuzz_bus(const char *p, size_t n)
{
    size_t          i, all;
    pm_unit_rows_t  rows = { 0 };

    rows.buf.data = malloc(n + 1);
    if (rows.buf.data == NULL) {
        return;
    }

    memcpy(rows.buf.data, p, n);
    rows.buf.size = n + 1;

    all = 0;

    if (pm_bus_parse_units(&rows, n) == 0) {
        for (i = 0; i < rows.n; i++) {
            all += strlen(rows.elts[i].name);
        }

        if (all > n) {
            abort();
        }
    }

    pm_unit_rows_free(&rows);
}


static void
fuzz_mask(const char *p, size_t n)
{
    char  dst[256];

    if (pm_mask_text(dst, sizeof(dst), p, n) > sizeof(dst)) {
        abort();
    }
}


/* whatever it was, it is valid afterwards, and JSON that keeps its bounds */

static void
fuzz_utf8(const char *p, size_t n)
{
    int        valid;
    char       dst[64], *again;
    size_t     i, len;
    pm_json_t  j;

    len = pm_utf8_repair(dst, sizeof(dst), p, n);

    if (len >= sizeof(dst) || dst[len] != '\0') {
        abort();
    }

    for (i = 0; i < len; ) {
        i += pm_utf8_sequence(dst + i, len - i, &valid);

        if (!valid) {
            abort();
        }
    }

    pm_json_init(&j, 0);
    pm_json_strn(&j, p, n);

    again = pm_json_flatten(&j);

    for (i = 0; again != NULL && i < j.total; ) {
        if ((unsigned char) again[i] < 0x20) {
            abort();
        }

        i += pm_utf8_sequence(again + i, j.total - i, &valid);

        if (!valid) {
            abort();
        }
    }

    free(again);
    pm_json_free(&j);
}


static const fuzz_pt  fuzz_readers[] = {
    fuzz_stat,
    fuzz_statm,
    fuzz_status,
    fuzz_cgroup,
    fuzz_cmdline,
    fuzz_environ,
    fuzz_io,
    fuzz_limits,
    fuzz_smaps,
    fuzz_host,
    fuzz_socket,
    fuzz_fds,
    fuzz_crontab,
    fuzz_zone,
    fuzz_bus,
    fuzz_mask,
    fuzz_utf8
};


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char    *text;
    size_t   n;

    if (size == 0) {
        return 0;
    }

    n = sizeof(fuzz_readers) / sizeof(fuzz_readers[0]);

    text = malloc(size);
    if (text == NULL) {
        return 0;
    }

    memcpy(text + 1, data + 1, size - 1);
    fuzz_readers[data[0] % n](text + 1, size - 1);

    free(text);
    return 0;
}
