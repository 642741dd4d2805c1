
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pm_fact.h"


typedef struct {
    const char  *text;
    const char  *name;
} pm_fact_word_t;


static const char *pm_fact_container(pm_fact_t *f);
static const char *pm_fact_machine(pm_fact_t *f);
static int pm_fact_exists(pm_fact_t *f, const char *path);


/* the start of a vendor's or product's name in the firmware's table */

static const pm_fact_word_t  pm_fact_vendors[] = {
    { "KVM", "kvm" },
    { "Amazon EC2", "amazon" },
    { "QEMU", "qemu" },
    { "VMware", "vmware" },
    { "VMW", "vmware" },
    { "innotek GmbH", "virtualbox" },
    { "VirtualBox", "virtualbox" },
    { "Oracle Corporation", "virtualbox" },
    { "Xen", "xen" },
    { "Bochs", "bochs" },
    { "Parallels", "parallels" },
    { "BHYVE", "bhyve" },
    { "Google Compute Engine", "google" },
    { "Hyper-V", "hyper-v" },
    { "Virtual Machine", "hyper-v" },
    { "OpenStack", "openstack" },
    { "Alibaba Cloud ECS", "alibaba" },
    { "Apple Virtualization", "apple" },
    { NULL, NULL }
};


/* what a container's first process is called in its own control group */

static const pm_fact_word_t  pm_fact_cgroups[] = {
    { "/docker", "docker" },
    { "/kubepods", "kubernetes" },
    { "/libpod", "podman" },
    { "/lxc", "lxc" },
    { NULL, NULL }
};


int
pm_fact_virtualization(pm_fact_t *f)
{
    const char  *name;

    name = pm_fact_container(f);

    if (name == NULL) {
        name = pm_fact_machine(f);
    }

    /* a container's manager may have put its own word there already */

    return name == f->out ? 0 : pm_fact_set(f, name, strlen(name));
}


static const char *
pm_fact_container(pm_fact_t *f)
{
    ssize_t                n;
    pm_buf_t               buf = { NULL, 0 };
    const char            *name;
    const pm_fact_word_t  *word;

    if (pm_fact_first_line(f, "run/systemd/container") == 0) {
        return f->out;
    }

    if (pm_fact_exists(f, ".dockerenv")) {
        return "docker";
    }

    if (pm_fact_exists(f, "run/.containerenv")) {
        return "podman";
    }

    name = NULL;

    n = pm_fact_read(f, "proc/1/cgroup", &buf);

    if (n > 0) {
        for (word = pm_fact_cgroups; word->text; word++) {

            if (strstr(buf.data, word->text)) {
                name = word->name;
                break;
            }
        }
    }

    pm_buf_free(&buf);

    return name;
}


static const char *
pm_fact_machine(pm_fact_t *f)
{
    char                   flags[8192];
    size_t                 i;
    pm_fact_t              local;
    const char            *p;
    const pm_fact_word_t  *word;

    static const char  *files[] = {
        "sys/class/dmi/id/product_name",
        "sys/class/dmi/id/sys_vendor",
        "sys/class/dmi/id/board_vendor",
        "sys/class/dmi/id/bios_vendor",
        NULL
    };

    local = *f;
    local.out = flags;
    local.size = sizeof(flags);

    for (i = 0; files[i]; i++) {

        if (pm_fact_first_line(&local, files[i]) != 0) {
            continue;
        }

        for (word = pm_fact_vendors; word->text; word++) {

            if (strncmp(flags, word->text, strlen(word->text)) == 0) {
                return word->name;
            }
        }
    }

    if (pm_fact_first_line(&local, "sys/hypervisor/type") == 0
        && strcmp(flags, "xen") == 0)
    {
        return "xen";
    }

    if (pm_fact_cpuinfo(&local, "flags") == 0) {

        p = strstr(flags, " hypervisor");

        if (p && (p[11] == ' ' || p[11] == '\0')) {
            return "vm";
        }
    }

    return "none";
}


static int
pm_fact_exists(pm_fact_t *f, const char *path)
{
    return faccessat(f->root, path, F_OK, 0) == 0;
}
