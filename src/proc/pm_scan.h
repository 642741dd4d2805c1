
/*
 * One scan of the host: every process with what stat, statm and status say,
 * and the figures of the header that top prints.
 *
 * A snapshot is one block of memory without pointers (strings and tables are
 * offsets), so that it can be copied into and out of shared memory.
 */


#ifndef _PM_SCAN_H_INCLUDED_
#define _PM_SCAN_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <sys/types.h>


typedef struct {
    uint32_t  off;                  /* from the start of the snapshot */
    uint32_t  len;
} pm_str_t;


/* which parts of pm_proc_t were read; a missing part is "not known" */
#define PM_HAVE_STAT     0x01
#define PM_HAVE_STATM    0x02
#define PM_HAVE_STATUS   0x04
#define PM_HAVE_CGROUP   0x08
/* of a snapshot: statm of all, and the rest of those with the most memory */
#define PM_HAVE_LARGEST  0x10

#define PM_SCAN_LARGEST  16             /* so many of them */


/* bits of pm_snapshot_t.have_pressure, to be shifted by the resource */
#define PM_PRESSURE_SOME  0x01
#define PM_PRESSURE_FULL  0x08


typedef struct {
    int32_t   pid;
    int32_t   ppid;
    uint32_t  have;                 /* PM_HAVE_* */
    char      state;                /* letter of the kernel: R S D T t Z ... */
    uint8_t   kthread;              /* PF_KTHREAD */
    uint16_t  flags;                /* the scanner's own */
    uint32_t  euid;                 /* owner of /proc/<pid> */
    uint32_t  uid[3];               /* real, effective, saved */
    uint32_t  gid[3];
    uint32_t  num_threads;
    int32_t   nice;
    int32_t   processor;
    uint32_t  tty_nr;
    uint64_t  starttime;            /* clock ticks after boot */
    uint64_t  utime;                /* clock ticks */
    uint64_t  stime;
    uint64_t  cutime;
    uint64_t  cstime;
    uint64_t  blkio;                /* delayacct_blkio_ticks */
    uint64_t  vms;                  /* bytes */
    uint64_t  rss;
    uint64_t  shared;
    uint64_t  text;
    uint64_t  data;
    uint64_t  nvcsw;
    uint64_t  nivcsw;
    uint64_t  sampled;              /* boottime of the ticks above, ns */
    double    cpu_percent;          /* of one core, since the last sample */
    pm_str_t  comm;
    pm_str_t  name;                 /* psutil's: comm, or the longer argv[0] */
    pm_str_t  username;             /* of the real uid */
    pm_str_t  cgroup;               /* path of the unified hierarchy */
} pm_proc_t;


typedef struct {                    /* clock ticks, as in /proc/stat */
    uint64_t  user, nice, system, idle, iowait, irq, softirq, steal;
    uint64_t  guest, guest_nice;
} pm_cpu_ticks_t;


typedef struct {                    /* percent of the time since the last */
    double    us, sy, ni, id, wa, hi, si, st;    /* scan; the sum is 100 */
    double    guest, guest_nice;    /* parts of us and ni */
} pm_cpu_percent_t;


typedef struct {
    pm_cpu_ticks_t    ticks;
    pm_cpu_percent_t  percent;
} pm_cpu_t;


typedef struct {                    /* avg10 avg60 avg300 in percent */
    double    avg10, avg60, avg300;
    uint64_t  total;                /* microseconds */
} pm_pressure_t;


typedef struct {
    uint32_t  total, running, sleeping, stopped, zombie;
} pm_tasks_t;


typedef struct {                    /* KiB, lines of /proc/meminfo */
    uint64_t  total, free, available, buffers, cached, sreclaimable;
    uint64_t  shmem, active, inactive, slab;
    uint64_t  swap_total, swap_free, swap_cached;
} pm_memory_t;


typedef struct {
    uint32_t          magic;
    uint32_t          layout;       /* sizeof(pm_snapshot_t) */
    uint64_t          size;         /* of the whole block */
    uint64_t          generation;   /* set by who publishes it */
    uint64_t          monotonic_ns; /* CLOCK_BOOTTIME at the start */
    int64_t           wall_ms;      /* CLOCK_REALTIME at the start */
    uint64_t          btime;        /* boot_time of /proc/stat, seconds */
    double            uptime;       /* seconds */
    double            load[3];
    uint32_t          ticks_per_second;
    uint32_t          page_size;
    uint32_t          ncpus;        /* lines cpuN of /proc/stat */
    uint32_t          nprocs;
    uint64_t          cpus_off;     /* pm_cpu_t[ncpus] */
    uint64_t          procs_off;    /* pm_proc_t[nprocs], by pid */
    pm_cpu_t          cpu;
    pm_tasks_t        tasks;
    pm_memory_t       memory;
    uint32_t          have_pressure;   /* bits: 1 cpu, 2 memory, 4 io; */
                                       /* 8, 16, 32: "full" of them */
    pm_pressure_t     pressure_some[3];    /* cpu memory io */
    pm_pressure_t     pressure_full[3];
} pm_snapshot_t;


#define pm_snapshot_procs(s)                                                  \
    ((const pm_proc_t *) ((const char *) (s) + (s)->procs_off))
#define pm_snapshot_cpus(s)                                                   \
    ((const pm_cpu_t *) ((const char *) (s) + (s)->cpus_off))
#define pm_snapshot_str(s, str)  ((const char *) (s) + (str).off)


typedef struct pm_scan_s  pm_scan_t;


/*
 * A scanner keeps its descriptor of /proc, its buffers and the cache of user
 * names between scans.  `root' is "/proc", or a folder of fixtures in a test.
 * NULL and errno on failure.  A scanner belongs to one thread at a time.
 */
pm_scan_t *pm_scan_create(const char *root);
void pm_scan_destroy(pm_scan_t *scan);

/*
 * What a scan that is to find `want' will find.  PM_HAVE_LARGEST alone is the
 * cheap one: it reads stat of PM_SCAN_LARGEST processes only, and the others'
 * rows, without PM_HAVE_STAT, keep their last sample of the processor for a
 * later scan.  With anything else it is whatever has stat and statm of all.
 */
unsigned pm_scan_parts(unsigned want);

/*
 * Scans the host into the scanner's own block, which stays valid until the
 * next pm_scan().  `want' is a set of PM_HAVE_*; stat is always read, but for
 * PM_HAVE_LARGEST alone, when the counts of tasks are 0, too.  Rates
 * and percentages are against `prev', a snapshot of the same host or NULL:
 * matched by pid and start time; without one they are 0 and the header's
 * percentages are those since boot, as top's first screen shows them.
 * NULL and errno when /proc itself cannot be read, or descriptors or memory
 * are short; a process that vanishes on the way is left out.  `prev' may be
 * what the last call returned.
 *
 * A name beyond 15 characters stands in cmdline, whose reading may never
 * end: it is read once in the life of a process, by a child that is killed
 * after 50 ms, three times at most; where that fails the name is the comm.
 */
const pm_snapshot_t *pm_scan(pm_scan_t *scan, unsigned want,
    const pm_snapshot_t *prev);

/* checks that a block copied from elsewhere is a whole snapshot */
int pm_snapshot_valid(const pm_snapshot_t *s, size_t size);

const pm_proc_t *pm_snapshot_find(const pm_snapshot_t *s, int32_t pid);


#endif /* _PM_SCAN_H_INCLUDED_ */
