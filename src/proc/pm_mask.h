
/*
 * Secrets in arguments.  What is hidden of an argument:
 *
 *   NAME=value, NAME: value   all behind the sign, where NAME (letters,
 *                             digits, "-", "_", ".") holds one of the words
 *                             below in any case: --db-password=x, PGPASSWORD=x,
 *                             token=x, "Authorization: Bearer x",
 *                             {"token":"x"}
 *   --NAME, -NAME             the argument that follows
 *   -pVALUE, -p VALUE         of mysql, sshpass, ...: the value, whatever the
 *   -aVALUE, -a VALUE         program; of -a that of redis-cli alone
 *   -u NAME:value             curl: all behind the colon; --user, -U,
 *                             --proxy-user as well
 *   scheme://name:value@host  the value
 *
 * The words: pass pwd secret token apikey api-key access-key private-key
 * encryption-key signing-key account-key credential auth cookie session
 * bearer signature; "_" and "-" are one.
 */


#ifndef _PM_MASK_H_INCLUDED_
#define _PM_MASK_H_INCLUDED_


#include "pm_pid.h"


#define PM_MASK_TEXT  "***"


typedef struct {                        /* of one command line; zeroed */
    unsigned    next:2;                 /* what the next argument is */
    unsigned    redis:1;
    unsigned    n;
} pm_mask_t;


/*
 * The arguments in their order: 1 when part[0], PM_MASK_TEXT and part[1] are
 * to be shown instead of it, 0 when all of it may be.
 */
int pm_mask(pm_mask_t *m, const pm_slice_t *arg, pm_slice_t part[2]);

/*
 * The text of a cmdline with its secrets hidden, each argument with a zero
 * behind it; cut where size does not suffice (3 * len + 1 always does).
 */
size_t pm_mask_text(char *dst, size_t size, const char *buf, size_t len);


#endif /* _PM_MASK_H_INCLUDED_ */
