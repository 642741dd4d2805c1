
/* /system/units: what systemd says of all its units, the failed ones first */


#include "ngx_http_procmgr_host.h"
#include "../proc/pm_bus.h"


#define NGX_HTTP_PROCMGR_BUS_TIMEOUT  2000


void
ngx_http_procmgr_make_units(ngx_procmgr_job_t *job)
{
    int                   rc;
    size_t                i;
    pm_json_t            *j;
    pm_unit_row_t        *u;
    pm_unit_rows_t        rows;

    rc = pm_bus_units(PM_BUS_SOCKET, NGX_HTTP_PROCMGR_BUS_TIMEOUT, &rows);

    switch (rc) {

    case 0:
        break;

    case ENOENT:
    case ESRCH:
        ngx_procmgr_job_fail(job, NGX_HTTP_NOT_IMPLEMENTED, "unsupported",
                             "systemd does not run this host, or has no bus");
        return;

    case EACCES:
        ngx_procmgr_job_fail(job, NGX_HTTP_FORBIDDEN, "access_denied",
                             "the system bus does not tell this account of "
                             "units");
        return;

    default:
        ngx_http_procmgr_syscall_failed(job, "asking the system bus", rc);
        return;
    }

    j = &job->json;

    pm_json_array(j);

    for (i = 0; i < rows.n; i++) {
        u = &rows.elts[i];

        pm_json_object(j);
        pm_json_key(j, "name");
        pm_json_str(j, u->name);
        pm_json_key(j, "description");
        pm_json_str(j, u->description);
        pm_json_key(j, "load_state");
        pm_json_str(j, u->load_state);
        pm_json_key(j, "active_state");
        pm_json_str(j, u->active_state);
        pm_json_key(j, "sub_state");
        pm_json_str(j, u->sub_state);
        pm_json_key(j, "following");
        pm_json_str(j, u->following[0] ? u->following : NULL);
        pm_json_key(j, "job");
        pm_json_str(j, u->job ? u->job_type : NULL);
        pm_json_object_end(j);
    }

    pm_json_array_end(j);

    pm_unit_rows_free(&rows);
}
