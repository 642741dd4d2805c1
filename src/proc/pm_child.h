
/*
 * A child of a thread for calls that may never end, because only a process
 * of its own can be killed out of them.
 */


#ifndef _PM_CHILD_H_INCLUDED_
#define _PM_CHILD_H_INCLUDED_


/*
 * As fork(): 0 in the child, 1 and a descriptor of it, or -1 and errno.  The
 * child makes system calls alone, no lock of anybody, and ends by
 * pm_child_exit().  Its name is what ps shows.
 */
int pm_child_start(int *pidfd, const char *name);
void pm_child_exit(void) __attribute__((noreturn));

/* whether it has ended within so long; then nothing is left of it */
int pm_child_ended(int pidfd, int timeout_ms);
void pm_child_kill(int pidfd);


#endif /* _PM_CHILD_H_INCLUDED_ */
