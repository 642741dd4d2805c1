
/*
 * floor ROUNDS list|summary|both|full: the system calls that the scan of an
 * answer cannot do without, and nothing else: no parsing, no text.  Prints
 * the milliseconds of each round: of the CPU, which other processes do not
 * change, but for "full", which stands beside answers over HTTP, of the clock.
 */


#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>


#define LARGEST  16                     /* rows that are read whole */


static char  buf[1 << 20];
static char  entries[65536];
static char  threads[65536];
static char  text[4096];

static const char *const  host[] = {
    "stat", "meminfo", "loadavg", "uptime", "pressure/cpu",
    "pressure/memory", "pressure/io", NULL
};

static int   kept[sizeof(host) / sizeof(host[0])];


static void
join(char *path, const char *folder, const char *name)
{
    stpcpy(stpcpy(stpcpy(path, folder), "/"), name);
}


static void
file(int dir, const char *path, int whole)
{
    int      fd;
    ssize_t  n;

    fd = openat(dir, path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    do {
        n = read(fd, buf, sizeof(buf));
    } while (whole && n > 0);

    close(fd);
}


static void
folder(int dir, const char *path, int links)
{
    int                     fd, sub;
    long                    n;
    char                   *p, name[600];
    struct stat             st;
    const struct dirent64  *e;

    fd = openat(dir, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    while ((n = syscall(SYS_getdents64, fd, threads, sizeof(threads))) > 0) {

        for (p = threads; p < threads + n; p += e->d_reclen) {
            e = (const struct dirent64 *) p;

            if (*e->d_name == '.') {
                continue;
            }

            if (!links) {
                join(name, e->d_name, "stat");
                file(fd, name, 0);
                continue;
            }

            if (readlinkat(fd, e->d_name, text, sizeof(text)) > 0
                && *text == '/' && stat(text, &st) == 0
                && S_ISREG(st.st_mode))
            {
                sub = openat(dir, path, O_PATH|O_DIRECTORY|O_CLOEXEC);
                join(name, "../fdinfo", e->d_name);
                file(sub, name, 0);
                close(sub);
            }
        }
    }

    close(fd);
}


static void
full(int proc, const char *pid)
{
    int                 i;
    char                path[300];
    cpu_set_t           set;

    static const char *const  files[] = {
        "status", "io", "cmdline", "environ", "smaps", "smaps_rollup", NULL
    };

    for (i = 0; files[i]; i++) {
        join(path, pid, files[i]);
        file(proc, path, 1);
    }

    join(path, pid, "exe");
    (void) !readlinkat(proc, path, text, sizeof(text));
    join(path, pid, "cwd");
    (void) !readlinkat(proc, path, text, sizeof(text));
    join(path, pid, "fd");
    folder(proc, path, 1);
    join(path, pid, "task");
    folder(proc, path, 0);

    (void) syscall(SYS_ioprio_get, 1, atoi(pid));
    (void) sched_getaffinity(atoi(pid), sizeof(set), &set);
}


static void
process(int proc, const char *pid, int stat, int statm)
{
    char         path[300];
    struct stat  st;

    if (stat) {
        join(path, pid, "stat");
        file(proc, path, 0);
    }

    if (statm) {
        join(path, pid, "statm");
        file(proc, path, 0);
    }

    if (stat) {
        (void) fstatat(proc, pid, &st, 0);
    }
}


/* which of them is the largest is not the kernel's work: the first ones do */

static void
scan(int proc, const char *what)
{
    int                     i, list, statm, all, n_largest;
    long                    n;
    char                   *p, largest[LARGEST][16];
    const struct dirent64  *e;

    list = (strcmp(what, "list") == 0);
    all = (strcmp(what, "full") == 0);
    statm = (strcmp(what, "summary") != 0);
    n_largest = 0;

    for (i = 0; host[i]; i++) {
        (void) !pread(kept[i], buf, sizeof(buf), 0);
    }

    lseek(proc, 0, SEEK_SET);

    while ((n = syscall(SYS_getdents64, proc, entries, sizeof(entries))) > 0)
    {
        for (p = entries; p < entries + n; p += e->d_reclen) {
            e = (const struct dirent64 *) p;

            if (*e->d_name < '1' || *e->d_name > '9') {
                continue;
            }

            process(proc, e->d_name, !list, statm);

            if (list && n_largest < LARGEST) {
                snprintf(largest[n_largest++], sizeof(largest[0]), "%.15s",
                         e->d_name);
            }

            if (all) {
                full(proc, e->d_name);
            }
        }
    }

    for (i = 0; i < n_largest; i++) {
        process(proc, largest[i], 1, 1);
    }
}


int
main(int argc, char **argv)
{
    int              i, proc, rounds;
    clockid_t        clock;
    struct timespec  a, b;

    if (argc != 3 || (rounds = atoi(argv[1])) <= 0) {
        fprintf(stderr, "usage: floor ROUNDS list|summary|both|full\n");
        return 2;
    }

    proc = open("/proc", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (proc == -1) {
        perror("/proc");
        return 1;
    }

    for (i = 0; host[i]; i++) {
        kept[i] = openat(proc, host[i], O_RDONLY|O_CLOEXEC);
    }

    clock = strcmp(argv[2], "full") == 0 ? CLOCK_MONOTONIC
                                         : CLOCK_PROCESS_CPUTIME_ID;

    scan(proc, "both");

    while (rounds-- > 0) {
        clock_gettime(clock, &a);

        scan(proc, argv[2]);

        clock_gettime(clock, &b);

        printf("%.3f\n", (b.tv_sec - a.tv_sec) * 1e3
                         + (b.tv_nsec - a.tv_nsec) / 1e6);
    }

    return 0;
}
