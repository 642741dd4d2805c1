
/* the processes as /proc has them */


#include "helper.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define HELPER_PROC_KERNEL  0x00200000            /* PF_KTHREAD */


/* as much of a file as there is room for, and a zero; 0, or -1 for nothing */

int
helper_proc_read(const char *path, char *buf, size_t size)
{
    int      fd;
    ssize_t  n;

    fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY|O_CLOEXEC);
    n = fd == -1 ? -1 : read(fd, buf, size - 1);

    if (fd != -1) {
        close(fd);
    }

    buf[n > 0 ? n : 0] = '\0';

    return n > 0 ? 0 : -1;
}


/* a name may hold anything, so count from the last parenthesis */

int
helper_proc(pid_t pid, helper_proc_t *p)
{
    char                 path[32], buf[1024];
    char                *s;
    unsigned             flags;
    unsigned long long   ticks;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);

    if (helper_proc_read(path, buf, sizeof(buf)) != 0) {
        return -1;
    }

    s = strrchr(buf, ')');

    if (s == NULL
        || sscanf(s + 1, " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u "
                  "%*d %*d %*d %*d %*d %*d %llu", &p->state, &p->ppid, &flags,
                  &ticks) != 4)
    {
        return -1;
    }

    p->pid = pid;
    p->start = ticks;
    p->kernel = (flags & HELPER_PROC_KERNEL) != 0;

    return 0;
}


/* every process that is not a zombie; 0 where not all of them can be had */

size_t
helper_proc_list(helper_proc_t **list)
{
    DIR            *dir;
    size_t          n, size;
    helper_proc_t  *p, proc;
    struct dirent  *d;

    *list = NULL;
    n = 0;
    size = 0;

    dir = opendir("/proc");
    if (dir == NULL) {
        return 0;
    }

    while ((d = readdir(dir)) != NULL) {

        if (!isdigit((unsigned char) d->d_name[0])
            || helper_proc(atoi(d->d_name), &proc) != 0
            || proc.state == 'Z' || proc.state == 'X')
        {
            continue;
        }

        if (n == size) {
            size = size ? 2 * size : 1024;
            p = realloc(*list, size * sizeof(helper_proc_t));

            if (p == NULL) {
                n = 0;
                break;
            }

            *list = p;
        }

        (*list)[n++] = proc;
    }

    closedir(dir);

    return n;
}
