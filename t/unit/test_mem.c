
/* the memory of a process: status, and the parts of smaps */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_mem.h"


#define KIB  1024


static const char  status[] =
    "Name:\tUid:\\t0\\nVmRSS:\n"
    "Umask:\t0022\n"
    "State:\tS (sleeping)\n"
    "Tgid:\t77\n"
    "PPid:\t1\n"
    "TracerPid:\t5\n"
    "Uid:\t1000\t1001\t1002\t1003\n"
    "Gid:\t33\t34\t35\t36\n"
    "FDSize:\t64\n"
    "Groups:\t4 24 4294967295 \n"
    "VmPeak:\t  284452 kB\n"
    "VmSize:\t  219156 kB\n"
    "VmRSS:\t    7752 kB\n"
    "VmSwap:\t       0 kB\n"
    "Threads:\t5\n";


static void
status_all(void **state)
{
    uint64_t         v;
    pm_slice_t       list;
    pm_mem_status_t  st;

    (void) state;

    assert_int_equal(pm_mem_status(status, sizeof(status) - 1, &st), 0);

    assert_int_equal(st.number[PM_MEM_TGID], 77);
    assert_int_equal(st.number[PM_MEM_TRACERPID], 5);
    assert_int_equal(st.number[PM_MEM_VMPEAK], 284452);
    assert_int_equal(st.number[PM_MEM_VMRSS], 7752);
    assert_int_equal(st.number[PM_MEM_THREADS], 5);
    assert_int_equal(st.state.len, strlen("S (sleeping)"));
    assert_memory_equal(st.state.data, "S (sleeping)", st.state.len);

    /* 0 is a number, nothing is none */

    assert_true(st.have & 1u << PM_MEM_VMSWAP);
    assert_false(st.have & 1u << PM_MEM_VMHWM);

    list = st.uid;
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(v, 1000);
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(v, 1003);
    assert_int_equal(pm_mem_next(&list, &v), 0);

    list = st.groups;
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(pm_mem_next(&list, &v), 1);
    assert_int_equal(v, UINT32_MAX);
    assert_int_equal(pm_mem_next(&list, &v), 0);
}


static void
status_cut(void **state)
{
    char             *copy;
    size_t            n;
    pm_mem_status_t   st;

    (void) state;

    /* at a line's end behind Tgid it is whole, as far as is known */

    for (n = 0; n < sizeof(status) - 1; n++) {
        copy = malloc(n + 1);
        memcpy(copy, status, n);
        copy[n] = 'x';

        if (n && copy[n - 1] == '\n'
            && n >= (size_t) (strstr(status, "PPid") - status))
        {
            assert_int_equal(pm_mem_status(copy, n, &st), 0);

        } else {
            assert_int_equal(pm_mem_status(copy, n, &st), -1);
        }

        free(copy);
    }

    assert_int_equal(pm_mem_status("State:\tS\nTgid:\tx\n", 17, &st), -1);
    assert_int_equal(pm_mem_status("no colon\n", 9, &st), -1);
}


#define SIZES(size, rss, pss, clean, dirty, swap)                             \
    "Size: " #size " kB\nRss: " #rss " kB\nPss: " #pss " kB\n"                \
    "Private_Clean: " #clean " kB\nPrivate_Dirty: " #dirty " kB\n"            \
    "Swap: " #swap " kB\nSwapPss: 7777 kB\nVmFlags: rd\n"


static const char  smaps[] =
    "00400000-00401000 r--p 00000000 fe:00 1     /opt/a b (deleted)\n"
    SIZES(4, 4, 2, 0, 0, 0)
    "00401000-00402000 r-xp 00001000 fe:00 1     /opt/a b (deleted)\n"
    SIZES(4, 4, 3, 1, 0, 0)
    "00402000-00403000 rw-p 00002000 fe:00 1     /opt/a b (deleted)\n"
    SIZES(4, 4, 4, 0, 4, 8)
    "00403000-00405000 rw-p 00000000 00:00 0 \n"
    SIZES(8, 8, 8, 0, 8, 16)
    "00500000-00600000 rw-p 00000000 00:00 0     [heap]\n"
    SIZES(1024, 512, 512, 0, 512, 1)

    /* an arena of malloc: its rest is not readable, and no guard */
    "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
    SIZES(132, 12, 12, 0, 12, 0)
    "7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n"
    SIZES(65404, 0, 0, 0, 0, 0)
    "7f0004000000-7f0004021000 rw-p 00000000 00:00 0 \n"
    SIZES(132, 8, 8, 0, 8, 0)

    /* two threads */
    "7f1000000000-7f1000001000 ---p 00000000 00:00 0 \n"
    SIZES(4, 0, 0, 0, 0, 0)
    "7f1000001000-7f1000801000 rw-p 00000000 00:00 0 \n"
    SIZES(8192, 8, 8, 0, 8, 0)
    "7f1000801000-7f1000802000 ---p 00000000 00:00 0 \n"
    SIZES(4, 0, 0, 0, 0, 0)
    "7f1000802000-7f1001002000 rw-p 00000000 00:00 0     [anon:stack of x]\n"
    SIZES(8192, 8, 8, 0, 8, 0)

    /* a library, a file that is read, a library whose code comes last */
    "7f2000000000-7f2000001000 r--p 00000000 fe:00 2     /lib/l.so\n"
    SIZES(4, 4, 1, 0, 0, 0)
    "7f2000001000-7f2000002000 r-xp 00001000 fe:00 2     /lib/l.so\n"
    SIZES(4, 4, 1, 0, 0, 0)
    "7f2000002000-7f2000003000 rw-p 00002000 fe:00 2     /lib/l.so\n"
    SIZES(4, 4, 4, 0, 4, 2)
    "7f2000003000-7f2000004000 rw-p 00000000 00:00 0 \n"
    SIZES(4, 4, 4, 0, 4, 0)
    "7f3000000000-7f3000001000 r--p 00000000 fe:00 3     /usr/share/x.mo\n"
    SIZES(4, 4, 1, 0, 0, 0)
    "7f3000001000-7f3000002000 r--p 00000000 fe:00 4     /lib/m.so\n"
    SIZES(4, 4, 1, 0, 0, 0)
    "7f3000002000-7f3000003000 --xp 00001000 fe:00 4     /lib/m.so\n"
    SIZES(4, 4, 1, 0, 0, 0)

    "7f4000000000-7f4000001000 rw-s 00000000 00:01 5     /memfd:x (deleted)\n"
    SIZES(4, 4, 4, 0, 4, 0)
    "7f4000001000-7f4000002000 rw-s 00000000 00:01 6     /SYSV00000000 (deleted)\n"
    SIZES(4, 4, 4, 0, 4, 0)
    "7f4000002000-7f4000003000 rw-s 00000000 fe:00 1     /opt/a b (deleted)\n"
    SIZES(4, 4, 4, 0, 4, 0)
    "7f4000200000-7f4000400000 rw-p 00000000 00:0f 7     /anon_hugepage (deleted)\n"
    SIZES(2048, 0, 0, 0, 0, 0)
    "Private_Hugetlb:    2048 kB\n"
    "7f5000000000-7f5000001000 r-xp 00000000 00:00 0     [vdso]\n"
    SIZES(4, 4, 0, 0, 0, 0)
    "7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0     [stack]\n"
    SIZES(132, 16, 16, 0, 16, 4);


static void
adds_up(const pm_mem_t *mem)
{
    int       i, k;
    uint64_t  sum;

    for (k = 0; k < PM_MEM_SIZES; k++) {

        for (i = 0, sum = 0; i < PM_MEM_SEGMENTS; i++) {
            sum += mem->segment[i][k];
        }

        assert_int_equal(sum, mem->total[k]);
    }
}


static void
is(const pm_mem_t *mem, int segment, uint64_t size, uint64_t rss, uint64_t pss,
    uint64_t uss, uint64_t swap)
{
    const uint64_t  *s = mem->segment[segment];

    assert_int_equal(s[PM_MEM_SIZE], size * KIB);
    assert_int_equal(s[PM_MEM_RSS], rss * KIB);
    assert_int_equal(s[PM_MEM_PSS], pss * KIB);
    assert_int_equal(s[PM_MEM_USS], uss * KIB);
    assert_int_equal(s[PM_MEM_SWAP], swap * KIB);
}


static void
segments(void **state)
{
    pm_mem_t  mem;

    (void) state;

    assert_int_equal(pm_mem_segments(smaps, sizeof(smaps) - 1,
                                     "/opt/a b (deleted)", 18, &mem), 0);

    is(&mem, PM_MEM_TEXT, 8, 8, 5, 1, 0);
    is(&mem, PM_MEM_DATA, 12, 12, 12, 12, 24);
    is(&mem, PM_MEM_HEAP, 1024, 512, 512, 512, 1);
    is(&mem, PM_MEM_STACK, 132, 16, 16, 16, 4);
    is(&mem, PM_MEM_LIBRARIES, 20, 20, 8, 4, 2);
    is(&mem, PM_MEM_ANONYMOUS, 132 + 65404 + 132 + 2 * 8196 + 4 + 2048,
       12 + 8 + 16 + 4, 40, 40 + 2048, 0);
    is(&mem, PM_MEM_SHARED, 12, 12, 12, 12, 0);
    is(&mem, PM_MEM_OTHER, 8, 8, 1, 0, 0);

    assert_int_equal(mem.maps, 25);
    assert_int_equal(mem.stacks, 2);

    adds_up(&mem);
}


static void
no_executable(void **state)
{
    pm_mem_t  mem;

    (void) state;

    /* then it is a file as others are */

    assert_int_equal(pm_mem_segments(smaps, sizeof(smaps) - 1, NULL, 0, &mem),
                     0);

    is(&mem, PM_MEM_TEXT, 0, 0, 0, 0, 0);
    is(&mem, PM_MEM_DATA, 0, 0, 0, 0, 0);
    is(&mem, PM_MEM_LIBRARIES, 32, 32, 17, 9, 10);

    adds_up(&mem);

    /* a kernel thread has none of it */

    assert_int_equal(pm_mem_segments(NULL, 0, NULL, 0, &mem), 0);
    assert_int_equal(mem.maps, 0);
    assert_int_equal(mem.total[PM_MEM_RSS], 0);
}


static void
line_feed(void **state)
{
    pm_mem_t  mem;

    static const char  text[] =
        "00400000-00401000 r--p 00000000 fe:00 1     /opt/a\\012b\n"
        SIZES(4, 4, 2, 0, 0, 0)
        "00401000-00402000 r--p 00000000 fe:00 1     /opt/a\\012bc\n"
        SIZES(4, 4, 2, 0, 0, 0)
        "00402000-00403000 r--p 00000000 fe:00 1     /opt/a\\01\n"
        SIZES(4, 4, 2, 0, 0, 0);

    (void) state;

    assert_int_equal(pm_mem_segments(text, sizeof(text) - 1, "/opt/a\nb", 8,
                                     &mem), 0);

    is(&mem, PM_MEM_TEXT, 4, 4, 2, 0, 0);
    is(&mem, PM_MEM_OTHER, 8, 8, 4, 0, 0);
}


static void
segments_cut(void **state)
{
    char      *copy;
    size_t     n;
    pm_mem_t   mem;

    (void) state;

    /* never beyond the end, whatever it says; a line's end may be the end */

    for (n = 1; n < sizeof(smaps) - 1; n++) {
        copy = malloc(n);
        memcpy(copy, smaps, n);

        if (pm_mem_segments(copy, n, "/opt/a b", 8, &mem) == 0) {
            assert_int_equal(copy[n - 1], '\n');
            adds_up(&mem);
        }

        free(copy);
    }

    assert_int_equal(pm_mem_segments("x-y r--p 0 0:0 0\n", 17, "", 0, &mem),
                     -1);
    assert_int_equal(pm_mem_segments("2-1 r--p 0 0:0 0\n", 17, "", 0, &mem),
                     -1);
    assert_int_equal(pm_mem_segments("1-2 r 0 0:0 0\n", 14, "", 0, &mem), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(status_all),
        cmocka_unit_test(status_cut),
        cmocka_unit_test(segments),
        cmocka_unit_test(no_executable),
        cmocka_unit_test(line_feed),
        cmocka_unit_test(segments_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
