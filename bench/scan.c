
/*
 * scan ROUNDS list|summary|both: the module's own scan.  Prints the
 * milliseconds of the CPU that each round took.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pm_scan.h"


int
main(int argc, char **argv)
{
    int                   rounds;
    unsigned              want;
    pm_scan_t            *scan;
    struct timespec       a, b;
    const pm_snapshot_t  *s;

    if (argc != 3 || (rounds = atoi(argv[1])) <= 0) {
        fprintf(stderr, "usage: scan ROUNDS list|summary|both\n");
        return 2;
    }

    want = PM_HAVE_STAT;

    if (strcmp(argv[2], "list") == 0) {
        want = PM_HAVE_LARGEST;

    } else if (strcmp(argv[2], "both") == 0) {
        want = PM_HAVE_STAT|PM_HAVE_STATM;
    }

    scan = pm_scan_create("/proc");
    if (scan == NULL) {
        perror("scan");
        return 1;
    }

    /* the first one learns names and users, the next has the other block */

    s = pm_scan(scan, want, NULL);
    s = s ? pm_scan(scan, want, s) : NULL;

    while (s && rounds-- > 0) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);

        s = pm_scan(scan, want, s);

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);

        printf("%.3f\n", (b.tv_sec - a.tv_sec) * 1e3
                         + (b.tv_nsec - a.tv_nsec) / 1e6);
    }

    pm_scan_destroy(scan);

    return s == NULL;
}
