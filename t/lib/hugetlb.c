/* Two private pages of hugetlbfs and a shared one, written to. */

#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  (2ul << 20)


static int
pages(size_t n, int flags)
{
    char  *p;

    p = mmap(NULL, n * PAGE, PROT_READ|PROT_WRITE,
             flags|MAP_ANONYMOUS|MAP_HUGETLB, -1, 0);

    if (p == MAP_FAILED) {
        return -1;
    }

    memset(p, 1, n * PAGE);
    return 0;
}


int
main(void)
{
    char  c;

    if (pages(2, MAP_PRIVATE) == -1 || pages(1, MAP_SHARED) == -1) {
        puts("none");
        return 1;
    }

    puts("ready");
    fflush(stdout);

    return read(0, &c, 1) == 0 ? 0 : 1;
}
