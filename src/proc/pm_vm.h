
/* virtual memory and swap, as psutil and free tell them */


#ifndef _PM_VM_H_INCLUDED_
#define _PM_VM_H_INCLUDED_


#include <stdint.h>


typedef struct {                        /* bytes */
    uint64_t  total, available, used, free, active, inactive;
    uint64_t  buffers, cached, shared, slab;
    double    percent;                  /* of total, not available */
} pm_vm_t;


typedef struct {                        /* bytes */
    uint64_t  total, used, free;
    uint64_t  sin, sout;                /* since boot */
    double    percent;
    unsigned  have_io:1;                /* sin and sout are known */
} pm_swap_t;


/* `root' is a descriptor of "/", or of fixtures; 0, or an errno */
int pm_vm_read(int root, pm_vm_t *vm, pm_swap_t *swap);


#endif /* _PM_VM_H_INCLUDED_ */
