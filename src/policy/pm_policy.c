
/* the policy: questions that are asked of it, and reading it from its file */


#include "pm_policy.h"
#include "pm_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


const char *const  pm_role_names[3] = { "viewer", "operator", "admin" };

const char *const  pm_action_names[PM_ACTIONS] = {
    "start", "stop", "restart", "reload", "enable", "disable", "status"
};

const char *const  pm_manager_names[PM_MANAGERS] = {
    "systemd", "lsb", "supervisor"
};

const char *const  pm_kind_names[PM_POLICY_KINDS] = {
    "service", "command", "signal", "priority", "read", "journal",
    "schedule", "protect"
};


int
pm_policy_load(pm_policy_t *p, const char *path, uid_t owner)
{
    int          fd;
    char        *data;
    size_t       len;
    ssize_t      n;
    struct stat  st;

    memset(p, 0, sizeof(pm_policy_t));

    fd = pm_path_open(path, owner, PM_PATH_NOFOLLOW|PM_PATH_SINGLE, &st,
                      p->error, sizeof(p->error));
    if (fd == -1) {
        return -1;
    }

    if (st.st_size > PM_POLICY_SIZE) {
        snprintf(p->error, sizeof(p->error), "%s is longer than %d bytes",
                 path, PM_POLICY_SIZE);
        close(fd);
        return -1;
    }

    /* a byte more than it may have, to see that it did not grow */

    data = malloc(PM_POLICY_SIZE + 1);
    if (data == NULL) {
        snprintf(p->error, sizeof(p->error), "no memory");
        close(fd);
        return -1;
    }

    for (len = 0; len <= PM_POLICY_SIZE; len += (size_t) n) {

        n = read(fd, data + len, PM_POLICY_SIZE + 1 - len);

        if (n == -1) {
            snprintf(p->error, sizeof(p->error), "read %s failed: %s", path,
                     strerror(errno));
            break;
        }

        if (n == 0) {
            break;
        }
    }

    close(fd);

    if (p->error[0] == '\0' && len > PM_POLICY_SIZE) {
        snprintf(p->error, sizeof(p->error), "%s grew while it was read",
                 path);
    }

    if (p->error[0] != '\0' || pm_policy_parse(p, data, len) != 0) {
        free(data);
        return -1;
    }

    p->data = data;

    return 0;
}


void
pm_policy_free(pm_policy_t *p)
{
    size_t  i;

    for (i = 0; i < p->n; i++) {
        free(p->entry[i].words);
    }

    free(p->entry);
    free(p->data);

    p->entry = NULL;
    p->data = NULL;
    p->n = 0;
}


int
pm_name(const char *const *names, int n, const char *name)
{
    while (n-- > 0) {
        if (strcmp(names[n], name) == 0) {
            return n;
        }
    }

    return -1;
}


unsigned
pm_role(const char *name)
{
    int  i;

    i = pm_name(pm_role_names, 3, name);

    return i == -1 ? 0 : 1u << i;
}


int
pm_action(const char *name)
{
    return pm_name(pm_action_names, PM_ACTIONS, name);
}


/* the next of a kind that is for a role, NULL when there is none */

const pm_policy_entry_t *
pm_policy_next(const pm_policy_t *p, size_t *i, pm_policy_kind_e kind,
    unsigned role)
{
    const pm_policy_entry_t  *e;

    while (*i < p->n) {
        e = &p->entry[(*i)++];

        if (e->kind == kind && (e->roles & role)) {
            return e;
        }
    }

    return NULL;
}


pm_permit_e
pm_policy_service(const pm_policy_t *p, const char *name, int action,
    unsigned role, const pm_policy_entry_t **e)
{
    size_t                    i;
    pm_permit_e               permit;
    const pm_policy_entry_t  *s;

    *e = NULL;
    permit = PM_DENY_UNKNOWN;

    for (i = 0; i < p->n; i++) {
        s = &p->entry[i];

        if (s->kind != PM_POLICY_SERVICE || strcmp(s->name, name) != 0) {
            continue;
        }

        *e = s;

        if (action < 0 || !(s->actions & (1u << action))) {
            if (permit == PM_DENY_UNKNOWN) {
                permit = PM_DENY_ACTION;
            }

            continue;
        }

        if (s->roles & role) {
            return PM_PERMIT;
        }

        permit = PM_DENY_ROLE;
    }

    return permit;
}


unsigned
pm_policy_actions(const pm_policy_t *p, const char *name, unsigned role)
{
    size_t                    i;
    unsigned                  actions;
    const pm_policy_entry_t  *e;

    i = 0;
    actions = 0;

    while ((e = pm_policy_next(p, &i, PM_POLICY_SERVICE, role)) != NULL) {
        actions |= strcmp(e->name, name) == 0 ? e->actions : 0;
    }

    return actions;
}


uint32_t
pm_policy_fields(const pm_policy_t *p, unsigned role)
{
    size_t                    i;
    uint32_t                  fields;
    const pm_policy_entry_t  *e;

    i = 0;
    fields = 0;

    while ((e = pm_policy_next(p, &i, PM_POLICY_READ, role)) != NULL) {
        fields |= e->fields;
    }

    return fields;
}


/* a service's lines are one entry, and so are all fields that may be read */

int
pm_policy_first(const pm_policy_t *p, size_t i, unsigned role)
{
    size_t                    j;
    const pm_policy_entry_t  *e, *o;

    e = &p->entry[i];

    for (j = 0; j < i; j++) {
        o = &p->entry[j];

        if (o->kind != e->kind || !(o->roles & role)) {
            continue;
        }

        if (e->kind == PM_POLICY_READ
            || (e->kind == PM_POLICY_SERVICE
                && strcmp(e->name, o->name) == 0))
        {
            return 0;
        }
    }

    return 1;
}
