
/*
 * A folder of a test's own, for files that no fixture can hold.
 */


#ifndef _PM_TREE_H_INCLUDED_
#define _PM_TREE_H_INCLUDED_


#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


static char  tree[64];


static inline const char *
tree_path(const char *path)
{
    static char  full[4][PATH_MAX];
    static int   turn;

    turn = (turn + 1) % 4;

    snprintf(full[turn], PATH_MAX, "%s/%s", tree, path);

    return full[turn];
}


static inline void
tree_create(void)
{
    snprintf(tree, sizeof(tree), "/tmp/procmgr.XXXXXX");
    assert_non_null(mkdtemp(tree));
}


static int
tree_unlink(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;

    return remove(path);
}


static inline void
tree_remove(void)
{
    assert_int_equal(nftw(tree, tree_unlink, 16, FTW_DEPTH|FTW_PHYS), 0);
}


/* the folders above it are made */

static inline void
tree_write(const char *path, const void *data, size_t len)
{
    int         fd;
    char       *p;
    static char  full[PATH_MAX];

    snprintf(full, sizeof(full), "%s/%s", tree, path);

    for (p = full + strlen(tree) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void) mkdir(full, 0755);
        *p = '/';
    }

    fd = open(full, O_WRONLY|O_CREAT|O_TRUNC, 0644);
    assert_true(fd != -1);
    assert_int_equal(write(fd, data, len), (ssize_t) len);
    close(fd);
}

#define tree_text(path, text)  tree_write(path, text, strlen(text))


#endif /* _PM_TREE_H_INCLUDED_ */
