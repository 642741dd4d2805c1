
/*
 * Linked into what tools/coverage.sh builds.  The counters of gcc become a
 * file that all processes of a program share: what is killed, confined or
 * becomes another program has counted all the same, and nothing has to be
 * opened or written for it.  With PM_COVERAGE_DUMP=1 a program adds what its
 * file has to the .gcda files that gcov reads, and ends.
 *
 * The calls named below come through here, by the linker's --wrap.
 * PM_FAULT_SITES=FILE has the places written down that they come from;
 * PM_FAULT=PLACE:N:KIND fails the Nth call from there, of whatever process of
 * the program, and N+ all from that one on:
 *
 *   eERRNO  fails          short   one byte only       zero  0, nothing done
 *   otherN  N; of what writes ids: the Nth of them is another one
 *   past    the clock says an hour more from now on
 *
 * PM_CLOCK=N has the clock and the waits of poll() go N times as fast.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <gcov.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>


#define PM_SITES  1024


struct gcov_info;

extern void __gcov_init(struct gcov_info *info);

/* the linker knows them */

extern struct gcov_info *const  __start_pm_gcov_info[];
extern struct gcov_info *const  __stop_pm_gcov_info[];
extern char                     pm_counters_start[];
extern char                     pm_counters_end[];
extern const char               __executable_start[];
extern const char               etext[];


typedef struct {
    uint32_t      place;              /* 0: free */
    uint32_t      count;
    char          name[24];
} pm_site_t;


typedef struct {
    uint32_t      hits;               /* of PM_FAULT */
    uint32_t      calls;
    pm_site_t     sites[PM_SITES];
} pm_sites_t;


static struct {
    uint32_t      place;              /* 0: nothing fails */
    uint32_t      nth;
    int           on;                 /* and all that follow */
    int           error;
    int           other;
    int           past;
    char          kind;
} fault = { .kind = 0 };

static pm_sites_t      *sites;
static long             speed = 1;
static struct timespec  begun;


static void pm_coverage_counters(void);
static void *pm_coverage_map(const char *path, size_t size, void *at);
static int pm_fault(const char *name, const void *from);


__attribute__((constructor))
static void
pm_coverage(void)
{
    char        *p;
    const char  *file, *what;

    pm_coverage_counters();

    file = getenv("PM_FAULT_SITES");
    what = getenv("PM_FAULT");

    if (file) {
        sites = pm_coverage_map(file, sizeof(pm_sites_t), NULL);
    }

    if (sites && what) {
        fault.place = (uint32_t) strtoul(what, &p, 16);
        fault.nth = (uint32_t) strtoul(p + 1, &p, 10);
        fault.on = *p == '+';
        p += fault.on;
        fault.kind = p[1];
        fault.error = atoi(p + 2);
        fault.other = strncmp(p + 1, "other", 5) == 0 ? atoi(p + 6) : 0;
    }

    if (getenv("PM_CLOCK")) {
        speed = atol(getenv("PM_CLOCK"));
        clock_gettime(CLOCK_BOOTTIME, &begun);
    }

    unsetenv("PM_CLOCK");
    unsetenv("PM_FAULT_SITES");
    unsetenv("PM_FAULT");
}


/* of one layout and text, one file: each program has its own */

static void
pm_coverage_counters(void)
{
    char                      path[4096];
    size_t                    size;
    uint64_t                  sum;
    struct gcov_info *const  *info;

    sum = (uint64_t) (etext - __executable_start);

    for (info = __start_pm_gcov_info; info < __stop_pm_gcov_info; info++) {
        sum = sum * 1099511628211u
              + (uint64_t) ((const char *) *info
                            - (const char *) *__start_pm_gcov_info);
    }

    size = (size_t) (pm_counters_end - pm_counters_start);
    snprintf(path, sizeof(path), "%s/%016llx", PM_COVERAGE_DIR,
             (unsigned long long) (sum ^ size));

    if (pm_coverage_map(path, size, pm_counters_start) == NULL) {
        fprintf(stderr, "coverage: %s: %s\n", path, strerror(errno));
        return;
    }

    if (getenv("PM_COVERAGE_DUMP")) {

        for (info = __start_pm_gcov_info; info < __stop_pm_gcov_info; info++)
        {
            __gcov_init(*info);
        }

        __gcov_dump();
        unlink(path);
        _exit(0);
    }
}


static void *
pm_coverage_map(const char *path, size_t size, void *at)
{
    int    fd;
    void  *p;

    fd = open(path, O_RDWR|O_CREAT|O_CLOEXEC, 0666);

    if (fd == -1) {
        return NULL;
    }

    (void) fchmod(fd, 0666);

    p = ftruncate(fd, (off_t) size) == -1 ? MAP_FAILED
        : mmap(at, size, PROT_READ|PROT_WRITE,
               MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);

    close(fd);

    return p == MAP_FAILED ? NULL : p;
}


/* what is to become of this call, 0 for what it does */

static int
pm_fault(const char *name, const void *from)
{
    uint32_t    i, n, place, none;
    pm_site_t  *s;

    if (sites == NULL) {
        return 0;
    }

    place = (uint32_t) ((const char *) from - __executable_start);

    for (i = place % PM_SITES; /* void */ ; i = (i + 1) % PM_SITES) {
        s = &sites->sites[i];
        none = 0;

        if (__atomic_compare_exchange_n(&s->place, &none, place, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            snprintf(s->name, sizeof(s->name), "%s", name);
            break;
        }

        if (none == place) {
            break;
        }
    }

    n = __atomic_add_fetch(&s->count, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&sites->calls, 1, __ATOMIC_SEQ_CST);

    if (place != fault.place || n < fault.nth || (n > fault.nth && !fault.on))
    {
        return 0;
    }

    __atomic_add_fetch(&sites->hits, 1, __ATOMIC_SEQ_CST);

    if (fault.kind == 'e') {
        errno = fault.error;
    }

    return fault.kind;
}


/* how the kernel takes numbers and pointers: all of them look alike */

#define pm_wrap(name, bad, len)                                               \
                                                                              \
extern long __real_##name();                                                  \
                                                                              \
long                                                                          \
__wrap_##name(long a, long b, long c, long d, long e, long f)                 \
{                                                                             \
    int  kind;                                                                \
                                                                              \
    kind = pm_fault(#name, __builtin_return_address(0));                      \
                                                                              \
    if (kind == 'e') {                                                        \
        return bad;                                                           \
    }                                                                         \
                                                                              \
    if (kind == 'z' || kind == 'o') {                                         \
        return fault.other;                                                   \
    }                                                                         \
                                                                              \
    if (kind == 's' && len > 1) {                                             \
        len = 1;                                                              \
    }                                                                         \
                                                                              \
    return __real_##name(a, b, c, d, e, f);                                   \
}

pm_wrap(read, -1, c)
pm_wrap(write, -1, c)
pm_wrap(recv, -1, c)
pm_wrap(send, -1, c)
pm_wrap(pread, -1, c)
pm_wrap(access, -1, f)
pm_wrap(chdir, -1, f)
pm_wrap(chroot, -1, f)
pm_wrap(close_range, -1, f)
pm_wrap(connect, -1, f)
pm_wrap(dup2, -1, f)
pm_wrap(execve, -1, f)
pm_wrap(fcntl, -1, f)
pm_wrap(fexecve, -1, f)
pm_wrap(fgetxattr, -1, f)
pm_wrap(flock, -1, f)
pm_wrap(fork, -1, f)
pm_wrap(fstat, -1, f)
pm_wrap(fstatat, -1, f)
pm_wrap(fsync, -1, f)
pm_wrap(ftruncate, -1, f)
pm_wrap(getgrouplist, -1, f)
pm_wrap(getpriority, -1, f)
pm_wrap(getrlimit, -1, f)
pm_wrap(getsockopt, -1, f)
pm_wrap(kill, -1, f)
pm_wrap(open, -1, f)
pm_wrap(openat, -1, f)
pm_wrap(pipe2, -1, f)
pm_wrap(prctl, -1, f)
pm_wrap(readlinkat, -1, f)
pm_wrap(renameat, -1, f)
pm_wrap(renameat2, -1, f)
pm_wrap(sched_getaffinity, -1, f)
pm_wrap(sched_setaffinity, -1, f)
pm_wrap(setgroups, -1, f)
pm_wrap(setpriority, -1, f)
pm_wrap(setresgid, -1, f)
pm_wrap(setresuid, -1, f)
pm_wrap(setrlimit, -1, f)
pm_wrap(setsid, -1, f)
pm_wrap(setsockopt, -1, f)
pm_wrap(setuid, -1, f)
pm_wrap(socket, -1, f)
pm_wrap(socketpair, -1, f)
pm_wrap(stat, -1, f)
pm_wrap(statx, -1, f)
pm_wrap(syscall, -1, f)
pm_wrap(unlinkat, -1, f)
pm_wrap(wait4, -1, f)
pm_wrap(waitpid, -1, f)
pm_wrap(writev, -1, f)
pm_wrap(asprintf, -1, f)
pm_wrap(mmap, (long) MAP_FAILED, f)
pm_wrap(calloc, 0, f)
pm_wrap(fdopendir, 0, f)
pm_wrap(getpwnam, 0, f)
pm_wrap(malloc, 0, f)
pm_wrap(opendir, 0, f)
pm_wrap(readdir, 0, f)
pm_wrap(realloc, 0, f)
pm_wrap(getppid, 1, f)


/* ids that are not those that were set */

#define pm_wrap_ids(name)                                                     \
                                                                              \
extern int __real_##name(uid_t *a, uid_t *b, uid_t *c);                       \
                                                                              \
int                                                                           \
__wrap_##name(uid_t *a, uid_t *b, uid_t *c)                                   \
{                                                                             \
    int     kind;                                                             \
    uid_t  *ids[] = { a, b, c };                                              \
                                                                              \
    kind = pm_fault(#name, __builtin_return_address(0));                      \
                                                                              \
    if (kind == 'e') {                                                        \
        return -1;                                                            \
    }                                                                         \
                                                                              \
    if (__real_##name(a, b, c) == -1) {                                       \
        return -1;                                                            \
    }                                                                         \
                                                                              \
    if (kind == 'o') {                                                        \
        *ids[fault.other] ^= 1;                                               \
    }                                                                         \
                                                                              \
    return 0;                                                                 \
}

pm_wrap_ids(getresuid)
pm_wrap_ids(getresgid)


extern int __real_poll(struct pollfd *pfd, nfds_t n, int ms);

int
__wrap_poll(struct pollfd *pfd, nfds_t n, int ms)
{
    int  kind;

    kind = pm_fault("poll", __builtin_return_address(0));

    return kind == 'e' ? -1 : kind ? fault.other
           : __real_poll(pfd, n, ms > 0 ? (int) ((ms + speed - 1) / speed)
                                        : ms);
}


extern int __real_clock_gettime(clockid_t clock, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    int        rc;
    long long  ns;

    if (pm_fault("clock_gettime", __builtin_return_address(0)) == 'p') {
        fault.past = 1;
    }

    rc = __real_clock_gettime(clock, ts);

    if (clock == CLOCK_BOOTTIME && speed > 1) {
        ns = speed * ((ts->tv_sec - begun.tv_sec) * 1000000000LL
                      + ts->tv_nsec - begun.tv_nsec) + begun.tv_nsec;
        ts->tv_sec = begun.tv_sec + (time_t) (ns / 1000000000);
        ts->tv_nsec = (long) (ns % 1000000000);
    }

    ts->tv_sec += fault.past ? 3600 : 0;

    return rc;
}
