
/* included into all files of tools/coverage.sh: what ends there is counted */


#include <unistd.h>


extern void __gcov_dump(void);


static inline void __attribute__((noreturn))
pm_coverage_exit(int status)
{
    __gcov_dump();
    _exit(status);
}


#define _exit(status)  pm_coverage_exit(status)


/* what becomes another program is counted before; libgcov knows the others */

static inline int
pm_coverage_fexecve(int fd, char *const argv[], char *const envp[])
{
    __gcov_dump();
    return fexecve(fd, argv, envp);
}


#define fexecve(fd, argv, envp)  pm_coverage_fexecve(fd, argv, envp)
