
/*
 * Records of the helper as values: written when they come, because their
 * bytes are lent, and kept as text until the object's turn comes.
 */

#include "ngx_http_procmgr_row.h"
#include "../proc/pm_human.h"
#include "../proc/pm_mask.h"
#include "../proc/pm_parse.h"


static void ngx_http_procmgr_row_link(ngx_http_procmgr_rows_t *rows,
    const char *data, size_t len);
static void ngx_http_procmgr_json_masked(pm_json_t *j,
    const pm_slice_t part[2]);
static ngx_int_t ngx_http_procmgr_row_environ(ngx_http_procmgr_rows_t *rows,
    const char *data, size_t len);
static int ngx_libc_cdecl ngx_http_procmgr_cmp_var(const void *a,
    const void *b);
static ngx_int_t ngx_http_procmgr_row_io(ngx_http_procmgr_rows_t *rows,
    const char *data, size_t len);
static ngx_int_t ngx_http_procmgr_row_maps(ngx_http_procmgr_rows_t *rows,
    const char *data, size_t len);
static void ngx_http_procmgr_row_map(ngx_http_procmgr_rows_t *rows,
    const pm_map_t *map);
static ngx_int_t ngx_http_procmgr_row_files(ngx_http_procmgr_rows_t *rows,
    const char *data, size_t len);
static ngx_int_t ngx_http_procmgr_row_conns(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, const char *data, size_t len);
static pm_conns_t *ngx_http_procmgr_row_netns(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row);
static void ngx_http_procmgr_row_conn(ngx_http_procmgr_rows_t *rows,
    const pm_conn_t *conn, int fd);


typedef struct {
    pm_slice_t  name;
    pm_slice_t  value;
} ngx_http_procmgr_var_t;


static const u_char  ngx_http_procmgr_parts[PM_READ_MAX] = {
    [PM_READ_FD] = NGX_HTTP_PROCMGR_PART_CONNS,
    [PM_READ_FILES] = NGX_HTTP_PROCMGR_PART_FILES,
    [PM_READ_EXE] = NGX_HTTP_PROCMGR_PART_EXE,
    [PM_READ_CWD] = NGX_HTTP_PROCMGR_PART_CWD,
    [PM_READ_ENVIRON] = NGX_HTTP_PROCMGR_PART_ENVIRON,
    [PM_READ_IO] = NGX_HTTP_PROCMGR_PART_IO,
    [PM_READ_CMDLINE] = NGX_HTTP_PROCMGR_PART_CMDLINE,
    [PM_READ_SMAPS] = NGX_HTTP_PROCMGR_PART_MAPS
};


void
ngx_http_procmgr_row_record(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, ngx_uint_t field, const char *data,
    size_t len)
{
    pm_part_t  *part;
    ngx_int_t   rc;

    if (field == PM_READ_SMAPS_ROLLUP) {

        if (len && pm_pid_parse_smaps(data, len, &row->sums) == 0) {
            row->have |= 1u << field;
        }

        return;
    }

    rc = NGX_OK;
    part = &row->part[ngx_http_procmgr_parts[field]];

    pm_part_begin(part, &rows->store);

    switch (field) {

    case PM_READ_EXE:
    case PM_READ_CWD:
        ngx_http_procmgr_row_link(rows, data, len);
        break;

    case PM_READ_CMDLINE:
        ngx_http_procmgr_json_args(&rows->store, rows->how.role, data, len);
        break;

    case PM_READ_ENVIRON:
        rc = ngx_http_procmgr_row_environ(rows, data, len);
        break;

    case PM_READ_IO:
        rc = ngx_http_procmgr_row_io(rows, data, len);
        break;

    case PM_READ_SMAPS:
        rc = ngx_http_procmgr_row_maps(rows, data, len);
        break;

    case PM_READ_FILES:
        rc = ngx_http_procmgr_row_files(rows, data, len);
        break;

    case PM_READ_FD:
        rc = ngx_http_procmgr_row_conns(rows, row, data, len);
        break;

    default:
        rc = NGX_ERROR;
    }

    pm_part_end(part, &rows->store);

    if (rc == NGX_OK && part->len) {
        row->have |= 1u << field;

    } else {
        part->len = 0;
    }
}


static void
ngx_http_procmgr_row_link(ngx_http_procmgr_rows_t *rows, const char *data,
    size_t len)
{
    pm_json_strn(&rows->store, data, pm_link_len(data, len));
}


void
ngx_http_procmgr_json_args(pm_json_t *j, ngx_uint_t role, const char *data,
    size_t len)
{
    pm_args_t   args;
    pm_mask_t   mask;
    pm_slice_t  arg, part[2];

    ngx_memzero(&mask, sizeof(pm_mask_t));

    pm_json_array(j);
    pm_pid_args(&args, data, len);

    while (pm_pid_args_next(&args, &arg)) {

        if (role == NGX_PROCMGR_ROLE_ADMIN || !pm_mask(&mask, &arg, part)) {
            pm_json_strn(j, arg.data, arg.len);
            continue;
        }

        ngx_http_procmgr_json_masked(j, part);
    }

    pm_json_array_end(j);
}


static void
ngx_http_procmgr_json_masked(pm_json_t *j, const pm_slice_t part[2])
{
    u_char  *text, *p;
    size_t   len;

    len = part[0].len + sizeof(PM_MASK_TEXT) - 1 + part[1].len;

    text = malloc(len);

    if (text == NULL) {
        pm_json_str(j, PM_MASK_TEXT);
        return;
    }

    p = ngx_cpymem(text, part[0].data, part[0].len);
    p = ngx_cpymem(p, PM_MASK_TEXT, sizeof(PM_MASK_TEXT) - 1);
    ngx_memcpy(p, part[1].data, part[1].len);

    pm_json_strn(j, (char *) text, len);

    free(text);
}


/* in the order of the names: of two with the same the last one counts */

static ngx_int_t
ngx_http_procmgr_row_environ(ngx_http_procmgr_rows_t *rows, const char *data,
    size_t len)
{
    size_t                   i, n;
    pm_json_t               *j;
    pm_slice_t               name, value;
    pm_environ_t             env;
    ngx_http_procmgr_var_t  *vars;

    n = 0;
    pm_pid_environ(&env, data, len);

    while (pm_pid_environ_next(&env, &name, &value)) {

        if ((n + 1) * sizeof(ngx_http_procmgr_var_t) > rows->vars.size
            && pm_buf_grow(&rows->vars, 2 * (n + 64)
                                        * sizeof(ngx_http_procmgr_var_t))
               == -1)
        {
            return NGX_ERROR;
        }

        vars = (ngx_http_procmgr_var_t *) rows->vars.data;
        vars[n].name = name;
        vars[n].value = value;
        n++;
    }

    j = &rows->store;
    vars = (ngx_http_procmgr_var_t *) rows->vars.data;

    if (n > 1) {
        qsort(vars, n, sizeof(ngx_http_procmgr_var_t),
              ngx_http_procmgr_cmp_var);
    }

    pm_json_object(j);

    for (i = 0; i < n; i++) {

        if (i + 1 < n
            && vars[i].name.len == vars[i + 1].name.len
            && ngx_memcmp(vars[i].name.data, vars[i + 1].name.data,
                          vars[i].name.len) == 0)
        {
            continue;
        }

        pm_json_key_n(j, vars[i].name.data, vars[i].name.len);

        if (rows->how.values) {
            pm_json_strn(j, vars[i].value.data, vars[i].value.len);

        } else {
            pm_json_null(j);
        }
    }

    pm_json_object_end(j);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_procmgr_cmp_var(const void *a, const void *b)
{
    const ngx_http_procmgr_var_t  *x = a, *y = b;

    int                            rc;

    rc = ngx_memcmp(x->name.data, y->name.data,
                    ngx_min(x->name.len, y->name.len));

    if (rc == 0) {
        rc = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    }

    /* the order in which they stood */

    return rc ? rc : (x->name.data > y->name.data) ? 1 : -1;
}


static ngx_int_t
ngx_http_procmgr_row_io(ngx_http_procmgr_rows_t *rows, const char *data,
    size_t len)
{
    pm_io_t     io;
    pm_json_t  *j;

    if (pm_pid_parse_io(data, len, &io) == -1) {
        return NGX_ERROR;
    }

    j = &rows->store;

    ngx_http_procmgr_entry(rows, j);
    ngx_http_procmgr_entry_u64(rows, j, "read_count", io.read_count);
    ngx_http_procmgr_entry_u64(rows, j, "write_count", io.write_count);
    ngx_http_procmgr_entry_size(rows, j, "read_bytes", io.read_bytes);
    ngx_http_procmgr_entry_size(rows, j, "write_bytes", io.write_bytes);
    ngx_http_procmgr_entry_size(rows, j, "read_chars", io.read_chars);
    ngx_http_procmgr_entry_size(rows, j, "write_chars", io.write_chars);
    ngx_http_procmgr_entry_end(rows, j);

    return NGX_OK;
}


static ngx_int_t
ngx_http_procmgr_row_maps(ngx_http_procmgr_rows_t *rows, const char *data,
    size_t len)
{
    int            rc;
    size_t         i;
    pm_map_t       map;
    pm_json_t     *j;
    pm_map_iter_t  iter;

    j = &rows->store;

    pm_json_array(j);

    if (rows->how.ungrouped) {

        pm_map_start(&iter, data, len);

        while ((rc = pm_map_next(&iter, &map)) == 1) {
            ngx_http_procmgr_row_map(rows, &map);
        }

    } else {
        rc = pm_maps_group(&rows->maps, data, len);

        for (i = 0; rc == 0 && i < rows->maps.n; i++) {
            ngx_http_procmgr_row_map(rows, &rows->maps.elts[i]);
        }
    }

    pm_json_array_end(j);

    return (rc == 0) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_procmgr_row_map(ngx_http_procmgr_rows_t *rows, const pm_map_t *map)
{
    pm_json_t   *j;
    ngx_uint_t   i;

    j = &rows->store;

    ngx_http_procmgr_entry(rows, j);

    if (rows->how.ungrouped) {
        ngx_http_procmgr_entry_key(rows, j, "addr");
        pm_json_strn(j, map->addr.data, map->addr.len);
        ngx_http_procmgr_entry_key(rows, j, "perms");
        pm_json_strn(j, map->perms.data, map->perms.len);
    }

    ngx_http_procmgr_entry_key(rows, j, "path");
    pm_json_strn(j, map->path.data, map->path.len);

    for (i = 0; i < PM_MAP_SIZES; i++) {
        ngx_http_procmgr_entry_size(rows, j, pm_map_names[i], map->size[i]);
    }

    ngx_http_procmgr_entry_end(rows, j);
}


/* "<fd> <pos> <flags octal> <path>\0" for each */

static ngx_int_t
ngx_http_procmgr_row_files(ngx_http_procmgr_rows_t *rows, const char *data,
    size_t len)
{
    char         mode[3], *octal;
    uint64_t     fd, pos, flags;
    pm_json_t   *j;
    const char  *p, *end, *zero;

    j = &rows->store;
    end = data + len;

    pm_json_array(j);

    for (p = data; p < end; p = zero + 1) {

        zero = memchr(p, '\0', end - p);

        if (zero == NULL
            || (p = pm_parse_u64(p, zero, &fd)) == NULL || *p != ' '
            || (p = pm_parse_u64(p + 1, zero, &pos)) == NULL || *p != ' ')
        {
            return NGX_ERROR;
        }

        flags = strtoull(p + 1, &octal, 8);

        if (octal == p + 1 || *octal != ' ') {
            return NGX_ERROR;
        }

        p = octal + 1;

        /* psutil's letters */

        mode[0] = (flags & O_ACCMODE) == O_RDONLY ? 'r'
                  : (flags & O_APPEND) ? 'a'
                  : (flags & O_ACCMODE) == O_WRONLY ? 'w' : 'r';
        mode[1] = (flags & O_ACCMODE) == O_RDWR ? '+' : '\0';
        mode[2] = '\0';

        ngx_http_procmgr_entry(rows, j);
        ngx_http_procmgr_entry_key(rows, j, "path");
        pm_json_strn(j, p, pm_link_len(p, zero - p));
        ngx_http_procmgr_entry_u64(rows, j, "fd", fd);
        ngx_http_procmgr_entry_u64(rows, j, "position", pos);
        ngx_http_procmgr_entry_key(rows, j, "mode");
        pm_json_str(j, mode);
        ngx_http_procmgr_entry_u64(rows, j, "flags", flags);
        ngx_http_procmgr_entry_end(rows, j);
    }

    pm_json_array_end(j);

    return NGX_OK;
}


/* "<fd> <link>\0" for each */

static ngx_int_t
ngx_http_procmgr_row_conns(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row, const char *data, size_t len)
{
    int          looked;
    uint64_t     fd, inode;
    pm_conn_t    conn;
    pm_conns_t  *other;
    const char  *p, *end, *zero;

    looked = 0;
    other = NULL;
    row->fds = 0;
    end = data + len;

    if (!rows->conns_read
        && (rows->how.fields
            & ngx_http_procmgr_bit(NGX_HTTP_PROCMGR_F_CONNECTIONS)))
    {
        rows->conns_read = 1;
        rows->conns.netns = pm_conn_netns(rows->walk.proc, 0);

        (void) pm_conns_own(&rows->conns,
                            pm_conn_protos[rows->how.kind]);
    }

    pm_json_array(&rows->store);

    for (p = data; p < end; p = zero + 1) {

        zero = memchr(p, '\0', end - p);

        if (zero == NULL
            || (p = pm_parse_u64(p, zero, &fd)) == NULL || *p != ' '
            || fd > NGX_MAX_INT32_VALUE)
        {
            return NGX_ERROR;
        }

        row->fds++;

        inode = pm_fd_socket(p + 1, zero - p - 1);

        if (inode == 0 || !rows->conns_read) {
            continue;
        }

        if (pm_conns_find(&rows->conns, inode, &conn)) {
            ngx_http_procmgr_row_conn(rows, &conn, (int) fd);
            continue;
        }

        if (!looked) {
            other = ngx_http_procmgr_row_netns(rows, row);
            looked = 1;
        }

        if (other && pm_conns_find(other, inode, &conn)) {
            ngx_http_procmgr_row_conn(rows, &conn, (int) fd);
        }
    }

    pm_json_array_end(&rows->store);

    if (rows->conns.error) {
        row->cut = 1;
    }

    return NGX_OK;
}


/* the sockets of the namespace that a process is in, unless it is this one */

static pm_conns_t *
ngx_http_procmgr_row_netns(ngx_http_procmgr_rows_t *rows,
    ngx_http_procmgr_row_t *row)
{
    uint64_t     netns;
    pm_conns_t  *c;
    ngx_uint_t   i;

    netns = pm_conn_netns(rows->walk.proc, row->proc->pid);

    if (netns == 0 || netns == rows->conns.netns) {
        return NULL;
    }

    for (i = 0; i < rows->nothers; i++) {
        if (rows->others[i].netns == netns) {
            return &rows->others[i];
        }
    }

    if (rows->others == NULL) {
        rows->others = ngx_calloc(PM_CONN_OTHERS * sizeof(pm_conns_t),
                                  rows->job->log);
    }

    if (rows->others == NULL || rows->nothers == PM_CONN_OTHERS) {
        row->cut = 1;
        return NULL;
    }

    c = &rows->others[rows->nothers++];
    c->netns = netns;

    if (pm_conns_of(c, NULL, row->proc->pid, pm_conn_protos[rows->how.kind])
        != 0)
    {
        row->cut = 1;
    }

    return c;
}


static void
ngx_http_procmgr_row_conn(ngx_http_procmgr_rows_t *rows,
    const pm_conn_t *conn, int fd)
{
    pm_json_t  *j;

    j = &rows->store;

    ngx_http_procmgr_entry(rows, j);
    ngx_http_procmgr_entry_u64(rows, j, "fd", (uint64_t) fd);
    ngx_http_procmgr_entry_u64(rows, j, "family", (uint64_t) conn->family);
    ngx_http_procmgr_entry_u64(rows, j, "type", (uint64_t) conn->type);

    ngx_http_procmgr_entry_key(rows, j, "laddr");

    if (conn->path) {
        pm_json_strn(j, conn->path, conn->path_len);
        ngx_http_procmgr_entry_key(rows, j, "raddr");
        pm_json_str(j, "");

    } else {
        pm_json_array(j);

        if (conn->local_port) {
            pm_json_str(j, conn->local);
            pm_json_u64(j, conn->local_port);
        }

        pm_json_array_end(j);
        ngx_http_procmgr_entry_key(rows, j, "raddr");
        pm_json_array(j);

        if (conn->remote_port) {
            pm_json_str(j, conn->remote);
            pm_json_u64(j, conn->remote_port);
        }

        pm_json_array_end(j);
    }

    ngx_http_procmgr_entry_key(rows, j, "status");
    pm_json_str(j, conn->status);
    ngx_http_procmgr_entry_end(rows, j);
}


void
ngx_http_procmgr_entry(ngx_http_procmgr_rows_t *rows, pm_json_t *j)
{
    if (rows->how.object) {
        pm_json_object(j);

    } else {
        pm_json_array(j);
    }
}


void
ngx_http_procmgr_entry_end(ngx_http_procmgr_rows_t *rows, pm_json_t *j)
{
    if (rows->how.object) {
        pm_json_object_end(j);

    } else {
        pm_json_array_end(j);
    }
}


void
ngx_http_procmgr_entry_key(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key)
{
    if (rows->how.object) {
        pm_json_key(j, key);
    }
}


void
ngx_http_procmgr_entry_u64(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key, uint64_t v)
{
    ngx_http_procmgr_entry_key(rows, j, key);
    pm_json_u64(j, v);
}


void
ngx_http_procmgr_entry_size(ngx_http_procmgr_rows_t *rows, pm_json_t *j,
    const char *key, uint64_t v)
{
    char  name[64], human[PM_HUMAN_LEN];

    ngx_http_procmgr_entry_u64(rows, j, key, v);

    if (rows->how.object && rows->how.human) {
        (void) snprintf(name, sizeof(name), "%s_human", key);
        (void) pm_human_size(human, v);

        pm_json_key(j, name);
        pm_json_str(j, human);
    }
}
