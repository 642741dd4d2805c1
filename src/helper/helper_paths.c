
/* the only place that knows where things are and whom the helper serves */


#include "helper.h"
#include "../policy/pm_fail.h"


const char *const  helper_policy_path = PM_POLICY_PATH;
const char *const  helper_key_path = PM_KEY_PATH;
const char *const  helper_spool_dir = PM_SPOOL_DIR;

const uid_t        helper_web_uid = PM_WEB_UID;
const uid_t        helper_owner = PM_UNPRIVILEGED ? PM_WEB_UID : 0;
const int          helper_unprivileged = PM_UNPRIVILEGED;

#ifdef PROCMGR_FAILPOINTS
const char        *pm_fail_dir = PM_FAIL_DIR;
#endif
