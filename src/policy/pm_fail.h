
/*
 * Failpoints: named places at which a test may hold a process, and do to it
 * what it likes.  They are there only in a build for the fault run (BUILD=
 * faults defines PROCMGR_FAILPOINTS); elsewhere nothing of them is left.
 *
 * A test listens on a socket of the point's name in a folder.  Who gets
 * there connects, tells its point, its pid and a detail, and waits until the
 * test closes the connection.  Where nobody listens nothing happens.
 */


#ifndef _PM_FAIL_H_INCLUDED_
#define _PM_FAIL_H_INCLUDED_


#ifdef PROCMGR_FAILPOINTS

#define pm_fail(name, detail)  pm_fail_at("fail_" #name, detail)

/* NULL: the environment's PROCMGR_FAIL_DIR; none: no point is ever met */
extern const char  *pm_fail_dir;

void pm_fail_at(const char *name, const char *detail);

#else

#define pm_fail(name, detail)

#endif


#endif /* _PM_FAIL_H_INCLUDED_ */
