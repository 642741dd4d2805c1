
/* mappings, pieces of JSON, masks of arguments */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pm_map.h"
#include "pm_mask.h"
#include "pm_part.h"
#include "pm_tree.h"


static const char  smaps[] =
    "55d0c8a00000-55d0c8a2e000 r--p 00000000 fe:00 1835        /usr/bin/a b\n"
    "Size:                184 kB\n"
    "KernelPageSize:        4 kB\n"
    "Rss:                 184 kB\n"
    "Pss:                  92 kB\n"
    "Pss_Dirty:            11 kB\n"
    "Shared_Clean:        180 kB\n"
    "Shared_Dirty:          1 kB\n"
    "Private_Clean:         2 kB\n"
    "Private_Dirty:         3 kB\n"
    "Referenced:          184 kB\n"
    "Anonymous:             5 kB\n"
    "SwapPss:               9 kB\n"
    "Swap:                  6 kB\n"
    "VmFlags: rd mr mw me dw sd\n"
    "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
    "Size:                  4 kB\n"
    "Rss:                   4 kB\n"
    "Private_Hugetlb:    2048 kB\n"
    "VmFlags: rd wr mr mw me ac sd\n"
    "7f0000001000-7f0000002000 rw-p 00000000 00:00 0          /usr/bin/a b\n"
    "Size:                  4 kB\n"
    "Rss:                   1 kB\n"
    "7f0000002000-7f0000003000 rw-s 00000000 00:01 9   /dev/nil (deleted)\n"
    "Size:                  4 kB\n";


static void
each(void **state)
{
    pm_map_t       m;
    pm_map_iter_t  iter;

    (void) state;

    pm_map_start(&iter, smaps, sizeof(smaps) - 1);

    assert_int_equal(pm_map_next(&iter, &m), 1);
    assert_memory_equal(m.addr.data, "55d0c8a00000-55d0c8a2e000", m.addr.len);
    assert_int_equal(m.addr.len, 25);
    assert_memory_equal(m.perms.data, "r--p", 4);
    assert_int_equal(m.path.len, sizeof("/usr/bin/a b") - 1);
    assert_memory_equal(m.path.data, "/usr/bin/a b", m.path.len);
    assert_int_equal(m.size[PM_MAP_RSS], 184 * 1024);
    assert_int_equal(m.size[PM_MAP_SIZE], 184 * 1024);
    assert_int_equal(m.size[PM_MAP_PSS], 92 * 1024);
    assert_int_equal(m.size[PM_MAP_SHARED_CLEAN], 180 * 1024);
    assert_int_equal(m.size[PM_MAP_SHARED_DIRTY], 1024);
    assert_int_equal(m.size[PM_MAP_PRIVATE_CLEAN], 2 * 1024);
    assert_int_equal(m.size[PM_MAP_PRIVATE_DIRTY], 3 * 1024);
    assert_int_equal(m.size[PM_MAP_REFERENCED], 184 * 1024);
    assert_int_equal(m.size[PM_MAP_ANONYMOUS], 5 * 1024);
    assert_int_equal(m.size[PM_MAP_SWAP], 6 * 1024);

    assert_int_equal(pm_map_next(&iter, &m), 1);
    assert_memory_equal(m.path.data, "[anon]", m.path.len);
    assert_int_equal(m.size[PM_MAP_PSS], 0);

    assert_int_equal(pm_map_next(&iter, &m), 1);
    assert_int_equal(pm_map_next(&iter, &m), 1);
    assert_int_equal(m.path.len, sizeof("/dev/nil") - 1);
    assert_int_equal(pm_map_next(&iter, &m), 0);
}


static void
grouped(void **state)
{
    pm_maps_t  maps;

    (void) state;

    memset(&maps, 0, sizeof(maps));

    assert_int_equal(pm_maps_group(&maps, smaps, sizeof(smaps) - 1), 0);
    assert_int_equal(maps.n, 3);
    assert_int_equal(maps.elts[0].size[PM_MAP_RSS], 185 * 1024);
    assert_int_equal(maps.elts[0].size[PM_MAP_SIZE], 188 * 1024);
    assert_int_equal(maps.elts[1].size[PM_MAP_RSS], 4 * 1024);

    /* what it held before is gone */

    assert_int_equal(pm_maps_group(&maps, "", 0), 0);
    assert_int_equal(maps.n, 0);

    pm_maps_free(&maps);
}


static void
many(void **state)
{
    char       *text;
    size_t      i, n;
    pm_maps_t   maps;

    (void) state;

    /* 60,000 mappings, each of a file of its own */

    text = malloc(60000 * 128);
    assert_non_null(text);

    for (i = 0, n = 0; i < 60000; i++) {
        n += (size_t) snprintf(text + n, 128, "%zx000-%zx000 rw-p 00000000 "
                               "fe:00 1 /tmp/%zu\nSize: 4 kB\nRss: 4 kB\n",
                               i + 16, i + 17, i / 2);
    }

    memset(&maps, 0, sizeof(maps));

    assert_int_equal(pm_maps_group(&maps, text, n), 0);
    assert_int_equal(maps.n, 30000);
    assert_int_equal(maps.elts[29999].size[PM_MAP_SIZE], 8192);
    assert_memory_equal(maps.elts[29999].path.data, "/tmp/29999", 10);

    pm_maps_free(&maps);
    free(text);
}


static void
cut(void **state)
{
    size_t     i;
    char      *copy;
    pm_maps_t  maps;

    (void) state;

    memset(&maps, 0, sizeof(maps));

    /* wherever it is cut, nothing behind it is read, and it is said */

    for (i = 1; i < sizeof(smaps) - 1; i++) {

        copy = malloc(i);
        assert_non_null(copy);
        memcpy(copy, smaps, i);

        assert_int_equal(pm_maps_group(&maps, copy, i),
                         copy[i - 1] == '\n' ? 0 : -1);
        free(copy);
    }

    assert_int_equal(pm_maps_group(&maps, "Rss: 1 kB\n", 10), -1);
    assert_int_equal(pm_maps_group(&maps, "1-2 r\n", 6), -1);
    assert_int_equal(pm_maps_group(&maps, "\n", 1), -1);

    pm_maps_free(&maps);
}


static void
links(void **state)
{
    int          fd;
    const char  *path;

    (void) state;

    assert_int_equal(pm_link_len("/a", 2), 2);
    assert_int_equal(pm_link_len("/a\0(deleted)", 12), 2);
    assert_int_equal(pm_link_len("/none (deleted)", 15), 5);
    assert_int_equal(pm_link_len(" (deleted)", 10), 10);
    assert_int_equal(pm_link_len("memfd:x (deleted)", 17), 7);
    assert_int_equal(pm_link_len("", 0), 0);

    /* a file that is called so */

    tree_create();
    path = tree_path("x (deleted)");
    fd = open(path, O_WRONLY|O_CREAT, 0600);
    assert_int_not_equal(fd, -1);
    close(fd);

    assert_int_equal(pm_link_len(path, strlen(path)), strlen(path));
    tree_remove();
}


static void
parts(void **state)
{
    char       *text, *big;
    size_t      i, n;
    pm_json_t   j, store;
    pm_part_t   part[3];

    (void) state;

    n = 3 * PM_JSON_CHUNK;
    big = malloc(n);
    assert_non_null(big);
    memset(big, 'x', n);

    pm_json_init(&j, 0);
    pm_json_init(&store, 0);

    pm_part_begin(&part[0], &store);
    pm_json_array(&store);
    pm_json_u64(&store, 1);
    pm_json_u64(&store, 2);
    pm_json_array_end(&store);
    pm_part_end(&part[0], &store);

    pm_part_begin(&part[1], &store);
    pm_json_strn(&store, big, n);
    pm_part_end(&part[1], &store);

    pm_part_begin(&part[2], &store);
    pm_json_null(&store);
    pm_part_end(&part[2], &store);

    pm_json_array(&j);

    for (i = 3; i-- > 0; /* void */ ) {
        pm_part_copy(&j, &store, &part[i]);
    }

    pm_json_array_end(&j);

    text = pm_json_flatten(&j);
    assert_non_null(text);
    assert_int_equal(j.total, n + 2 + sizeof("[null,,[1,2]]") - 1);
    assert_memory_equal(text, "[null,\"xx", 9);
    assert_memory_equal(text + j.total - 10, "xx\",[1,2]]", 10);

    free(text);
    free(big);
    pm_json_free(&store);
    pm_json_free(&j);
}


static void
masked(void **state)
{
    size_t  i, k, n, len;
    char    in[256], out[1024];

    static const char *const  cases[][2] = {
        { "mysql -uroot -phunter2 db", "mysql -uroot -p*** db" },
        { "mysqld --password=x --port=3", "mysqld --password=*** --port=3" },
        { "a --password x y", "a --password *** y" },
        { "a --PASSWORD-file=/x", "a --PASSWORD-file=***" },
        { "a --api-key k --api_key=k", "a --api-key *** --api_key=***" },
        { "a token=abc x=1", "a token=*** x=1" },
        { "a PGPASSWORD=x", "a PGPASSWORD=***" },
        { "sshpass -p x ssh h", "sshpass -p *** ssh h" },
        { "curl -u me:x h", "curl -u me:*** h" },
        { "curl --user=me:x h", "curl --user=me:*** h" },
        { "curl -ume:x h", "curl -ume:*** h" },
        { "a http://u:x@h/p?q", "a http://u:***@h/p?q" },
        { "a http://u:x@y@h/p", "a http://u:***@h/p" },
        { "a http://h:80/p@q", "a http://h:80/p@q" },
        { "redis-cli -a x", "redis-cli -a ***" },
        { "ls -a x", "ls -a x" },
        { "a -Ddb.secret=x", "a -Ddb.secret=***" },
        { "a {\"token\":\"x\"}", "a {\"token\":\"x\"}" },
        { "sleep 600", "sleep 600" },
        { "token=x a", "token=*** a" },
        { "a --secret= b", "a --secret= b" },
        { NULL, NULL }
    };

    (void) state;

    for (i = 0; cases[i][0]; i++) {

        len = strlen(cases[i][0]) + 1;

        for (k = 0; k < len; k++) {
            in[k] = cases[i][0][k] == ' ' ? '\0' : cases[i][0][k];
        }

        n = pm_mask_text(out, sizeof(out), in, len);

        for (k = 0; k + 1 < n; k++) {
            out[k] = out[k] ? out[k] : ' ';
        }

        assert_int_equal(out[n - 1], '\0');

        if (strstr(cases[i][0], "{\"token")) {
            /* a quoted name is one, too */
            assert_null(strstr(out, "\"x\""));
            continue;
        }

        assert_string_equal(out, cases[i][1]);
    }

    /* a header in one argument */

    n = pm_mask_text(out, sizeof(out), "curl\0-H\0Authorization: Bearer x",
                     sizeof("curl\0-H\0Authorization: Bearer x"));
    assert_memory_equal(out, "curl\0-H\0Authorization:***", n);

    /* cut, and never longer than promised */

    for (i = 0; i < 12; i++) {
        assert_int_equal(pm_mask_text(out, i, "a\0token=bcd", 12), i);
    }

    assert_int_equal(pm_mask_text(out, sizeof(out), "", 0), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(each),
        cmocka_unit_test(grouped),
        cmocka_unit_test(many),
        cmocka_unit_test(cut),
        cmocka_unit_test(links),
        cmocka_unit_test(parts),
        cmocka_unit_test(masked)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
