
#include <errno.h>
#include <string.h>

#include "pm_host.h"
#include "pm_parse.h"
#include "pm_procfs.h"
#include "pm_vm.h"


#define PM_VM_FILE  (1024 * 1024)
#define PM_VM_PAGE  4096                /* of vmstat, as psutil takes it */


static void pm_vm_swap_io(int root, pm_buf_t *buf, pm_swap_t *swap);


int
pm_vm_read(int root, pm_vm_t *vm, pm_swap_t *swap)
{
    int          rc;
    ssize_t      n;
    uint64_t     gone;
    pm_buf_t     buf = { NULL, 0 };
    pm_memory_t  m;

    n = pm_procfs_read_all(root, "proc/meminfo", &buf, PM_VM_FILE);

    if (n == -1 || pm_host_parse_meminfo(buf.data, n, &m) == -1) {
        rc = (n == -1) ? errno : ENODATA;
        pm_buf_free(&buf);
        return rc;
    }

    memset(vm, 0, sizeof(pm_vm_t));
    memset(swap, 0, sizeof(pm_swap_t));

    /* in a container the parts may pass the whole */

    vm->total = m.total * 1024;
    vm->free = m.free * 1024;
    vm->available = (m.available > m.total ? m.free : m.available) * 1024;
    vm->active = m.active * 1024;
    vm->inactive = m.inactive * 1024;
    vm->buffers = m.buffers * 1024;
    vm->cached = (m.cached + m.sreclaimable) * 1024;
    vm->shared = m.shmem * 1024;
    vm->slab = m.slab * 1024;

    gone = vm->free + vm->cached + vm->buffers;

    if (gone > vm->total) {
        gone = vm->free;
    }

    vm->used = gone > vm->total ? 0 : vm->total - gone;

    if (vm->total) {
        vm->percent = (double) (vm->total - vm->available)
                      / (double) vm->total * 100;
    }

    swap->total = m.swap_total * 1024;
    swap->free = m.swap_free * 1024;
    swap->used = swap->free > swap->total ? 0 : swap->total - swap->free;

    if (swap->total) {
        swap->percent = (double) swap->used / (double) swap->total * 100;
    }

    pm_vm_swap_io(root, &buf, swap);

    pm_buf_free(&buf);

    return 0;
}


static void
pm_vm_swap_io(int root, pm_buf_t *buf, pm_swap_t *swap)
{
    ssize_t      n;
    unsigned     seen;
    const char  *p, *v, *end;

    n = pm_procfs_read_all(root, "proc/vmstat", buf, PM_VM_FILE);

    if (n == -1) {
        return;
    }

    seen = 0;
    end = buf->data + n;

    for (p = buf->data; p < end; p = pm_parse_line(p, end)) {

        v = pm_parse_key(p, end, "pswpin ");

        if (v && pm_parse_u64(v, end, &swap->sin)) {
            seen |= 1;
        }

        v = pm_parse_key(p, end, "pswpout ");

        if (v && pm_parse_u64(v, end, &swap->sout)) {
            seen |= 2;
        }
    }

    swap->sin *= PM_VM_PAGE;
    swap->sout *= PM_VM_PAGE;
    swap->have_io = (seen == 3);
}
