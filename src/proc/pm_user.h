
/*
 * Names of users.  /etc/passwd is parsed once per change; only a uid that is
 * not there is asked of the name service, in a thread of its own, because a
 * directory server may not answer: until it does, the name is the number.
 */


#ifndef _PM_USER_H_INCLUDED_
#define _PM_USER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct pm_users_s  pm_users_t;


/* passwd is "/etc/passwd", or a fixture: then nothing else is asked */
pm_users_t *pm_users_create(const char *passwd);
void pm_users_destroy(pm_users_t *users);

/*
 * Looks whether the file changed; once per scan.  The name service gets at
 * most `wait_ms' altogether until the next call.
 */
void pm_users_refresh(pm_users_t *users, unsigned wait_ms);

/* never NULL; stands until the next call */
const char *pm_users_name(pm_users_t *users, uint32_t uid, size_t *len);


#endif /* _PM_USER_H_INCLUDED_ */
