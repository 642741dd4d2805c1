
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pm_parse.h"
#include "pm_procfs.h"
#include "pm_sensor.h"


#define PM_SENSOR_HWMON    "sys/class/hwmon"
#define PM_SENSOR_THERMAL  "sys/class/thermal"
#define PM_SENSOR_POWER    "sys/class/power_supply"
#define PM_SENSOR_MAX      1024         /* entries of a folder */
#define PM_SENSOR_PATH     512


typedef struct {
    char     *names;                    /* of PM_SENSOR_NAME bytes each */
    size_t    n;
} pm_sensor_dir_t;


/* takes one sensor of a chip; 0 ends the walk */
typedef int (*pm_sensor_pt)(int root, const char *base, const char *chip,
    void *data);

typedef struct {
    void     *elts;
    size_t    n;
} pm_sensor_list_t;


static int pm_sensor_walk(int root, const char *kind, pm_sensor_pt take,
    pm_sensor_list_t *list);
static int pm_sensor_folder(int root, const char *folder, const char *kind,
    pm_sensor_pt take, pm_sensor_list_t *list);
static int pm_sensor_temp(int root, const char *base, const char *chip,
    void *data);
static int pm_sensor_fan(int root, const char *base, const char *chip,
    void *data);
static int pm_sensor_zones(int root, pm_sensor_list_t *list);
static void pm_sensor_trips(int root, const char *zone, pm_temp_t *t);
static void *pm_sensor_add(pm_sensor_list_t *list, size_t size);
static int pm_sensor_dir(int root, const char *path, pm_sensor_dir_t *d);
static int pm_sensor_cmp(const void *a, const void *b);
static int pm_sensor_text(int root, const char *folder, const char *file,
    char dst[PM_SENSOR_NAME]);
static int pm_sensor_number(int root, const char *folder, const char *file,
    int64_t *value);
static double pm_sensor_degrees(int root, const char *folder,
    const char *file);


int
pm_sensor_temps(int root, pm_temp_t **temps, size_t *n)
{
    int               rc;
    pm_sensor_list_t  list = { NULL, 0 };

    rc = pm_sensor_walk(root, "temp", pm_sensor_temp, &list);

    if (rc == 0 && list.n == 0) {
        rc = pm_sensor_zones(root, &list);
    }

    *temps = list.elts;
    *n = list.n;

    return rc;
}


int
pm_sensor_fans(int root, pm_fan_t **fans, size_t *n)
{
    int               rc;
    pm_sensor_list_t  list = { NULL, 0 };

    rc = pm_sensor_walk(root, "fan", pm_sensor_fan, &list);

    *fans = list.elts;
    *n = list.n;

    return rc;
}


int
pm_sensor_battery(int root, pm_battery_t *b)
{
    int              rc, now, full, power;
    char             path[PM_SENSOR_PATH], status[PM_SENSOR_NAME];
    size_t           i;
    int64_t          energy_now, energy_full, power_now, value;
    const char      *name;
    pm_sensor_dir_t  dir;

    rc = pm_sensor_dir(root, PM_SENSOR_POWER, &dir);

    if (rc) {
        return rc;
    }

    name = NULL;

    for (i = 0; i < dir.n && name == NULL; i++) {

        name = dir.names + i * PM_SENSOR_NAME;

        if (strncmp(name, "BAT", 3) != 0
            && strcasestr(name, "battery") == NULL)
        {
            name = NULL;
        }
    }

    if (name == NULL) {
        free(dir.names);
        return ENOENT;
    }

    snprintf(path, sizeof(path), "%s/%s", PM_SENSOR_POWER, name);
    free(dir.names);

    now = pm_sensor_number(root, path, "energy_now", &energy_now)
          || pm_sensor_number(root, path, "charge_now", &energy_now);
    full = pm_sensor_number(root, path, "energy_full", &energy_full)
           || pm_sensor_number(root, path, "charge_full", &energy_full);
    power = pm_sensor_number(root, path, "power_now", &power_now)
            || pm_sensor_number(root, path, "current_now", &power_now);

    if (now && full) {
        b->percent = energy_full ? 100.0 * (double) energy_now
                                   / (double) energy_full
                                 : 0;

    } else if (pm_sensor_number(root, path, "capacity", &value)) {
        b->percent = (double) value;

    } else {
        return ENOENT;
    }

    b->plugged = -1;

    if (pm_sensor_number(root, PM_SENSOR_POWER, "AC0/online", &value)
        || pm_sensor_number(root, PM_SENSOR_POWER, "AC/online", &value))
    {
        b->plugged = (value == 1);

    } else if (pm_sensor_text(root, path, "status", status)) {

        if (strcasecmp(status, "discharging") == 0) {
            b->plugged = 0;

        } else if (strcasecmp(status, "charging") == 0
                   || strcasecmp(status, "full") == 0)
        {
            b->plugged = 1;
        }
    }

    b->secsleft = PM_BATTERY_UNKNOWN;

    if (b->plugged == 1) {
        b->secsleft = PM_BATTERY_UNLIMITED;

    } else if (now && power) {

        if (power_now > 0 && energy_now >= 0) {
            b->secsleft = (double) energy_now / (double) power_now * 3600;
        }

    } else if (pm_sensor_number(root, path, "time_to_empty_now", &value)
               && value >= 0 && value < INT32_MAX)
    {
        b->secsleft = value * 60;
    }

    return 0;
}


/* "hwmon2/temp1_input"; CentOS has a folder more, "hwmon2/device" */

static int
pm_sensor_walk(int root, const char *kind, pm_sensor_pt take,
    pm_sensor_list_t *list)
{
    int              rc;
    char             path[PM_SENSOR_PATH];
    size_t           i, before;
    pm_sensor_dir_t  chips;

    rc = pm_sensor_dir(root, PM_SENSOR_HWMON, &chips);

    if (rc) {
        return rc == ENOENT ? 0 : rc;
    }

    for (i = 0; i < chips.n && rc == 0; i++) {

        before = list->n;

        snprintf(path, sizeof(path), "%s/%s", PM_SENSOR_HWMON,
                 chips.names + i * PM_SENSOR_NAME);

        rc = pm_sensor_folder(root, path, kind, take, list);

        if (rc == 0 && list->n == before) {
            strncat(path, "/device", sizeof(path) - strlen(path) - 1);
            rc = pm_sensor_folder(root, path, kind, take, list);
        }
    }

    free(chips.names);

    return rc;
}


static int
pm_sensor_folder(int root, const char *folder, const char *kind,
    pm_sensor_pt take, pm_sensor_list_t *list)
{
    int              rc;
    char             chip[PM_SENSOR_NAME], base[PM_SENSOR_PATH];
    size_t           i, len;
    uint64_t         number;
    const char      *name, *p, *end;
    pm_sensor_dir_t  files;

    if (!pm_sensor_text(root, folder, "name", chip)) {
        return 0;
    }

    rc = pm_sensor_dir(root, folder, &files);

    if (rc) {
        return rc == ENOMEM ? rc : 0;
    }

    len = strlen(kind);

    for (i = 0; i < files.n && rc == 0; i++) {

        name = files.names + i * PM_SENSOR_NAME;
        end = name + strlen(name);

        p = pm_parse_word(name, end, kind, len);

        if (p == NULL
            || (p = pm_parse_u64(p, end, &number)) == NULL
            || strcmp(p, "_input") != 0)
        {
            continue;
        }

        snprintf(base, sizeof(base), "%s/%s%llu", folder, kind,
                 (unsigned long long) number);

        rc = take(root, base, chip, list);
    }

    free(files.names);

    return rc;
}


static int
pm_sensor_temp(int root, const char *base, const char *chip, void *data)
{
    double             current;
    pm_temp_t         *t;
    pm_sensor_list_t  *list = data;

    current = pm_sensor_degrees(root, base, "_input");

    if (current <= PM_SENSOR_UNKNOWN) {
        return 0;
    }

    t = pm_sensor_add(list, sizeof(pm_temp_t));
    if (t == NULL) {
        return ENOMEM;
    }

    memcpy(t->chip, chip, PM_SENSOR_NAME);
    (void) pm_sensor_text(root, base, "_label", t->label);

    t->current = current;
    t->high = pm_sensor_degrees(root, base, "_max");
    t->critical = pm_sensor_degrees(root, base, "_crit");

    return 0;
}


static int
pm_sensor_fan(int root, const char *base, const char *chip, void *data)
{
    int64_t            current;
    pm_fan_t          *f;
    pm_sensor_list_t  *list = data;

    if (!pm_sensor_number(root, base, "_input", &current)) {
        return 0;
    }

    f = pm_sensor_add(list, sizeof(pm_fan_t));
    if (f == NULL) {
        return ENOMEM;
    }

    memcpy(f->chip, chip, PM_SENSOR_NAME);
    (void) pm_sensor_text(root, base, "_label", f->label);

    f->current = current;

    return 0;
}


/* where no chip has a thermometer */

static int
pm_sensor_zones(int root, pm_sensor_list_t *list)
{
    int              rc;
    char             zone[PM_SENSOR_PATH], chip[PM_SENSOR_NAME];
    size_t           i;
    double           current;
    pm_temp_t       *t;
    const char      *name;
    pm_sensor_dir_t  dir;

    rc = pm_sensor_dir(root, PM_SENSOR_THERMAL, &dir);

    if (rc) {
        return rc == ENOENT ? 0 : rc;
    }

    for (i = 0; i < dir.n; i++) {

        name = dir.names + i * PM_SENSOR_NAME;

        if (strncmp(name, "thermal_zone", sizeof("thermal_zone") - 1) != 0) {
            continue;
        }

        snprintf(zone, sizeof(zone), "%s/%s", PM_SENSOR_THERMAL, name);

        current = pm_sensor_degrees(root, zone, "/temp");

        if (current <= PM_SENSOR_UNKNOWN
            || !pm_sensor_text(root, zone, "type", chip))
        {
            continue;
        }

        t = pm_sensor_add(list, sizeof(pm_temp_t));

        if (t == NULL) {
            rc = ENOMEM;
            break;
        }

        memcpy(t->chip, chip, PM_SENSOR_NAME);
        t->label[0] = '\0';
        t->current = current;

        pm_sensor_trips(root, zone, t);
    }

    free(dir.names);

    return rc;
}


static void
pm_sensor_trips(int root, const char *zone, pm_temp_t *t)
{
    int       i;
    char      file[64], type[PM_SENSOR_NAME];

    t->high = PM_SENSOR_UNKNOWN;
    t->critical = PM_SENSOR_UNKNOWN;

    for (i = 0; i < 32; i++) {

        snprintf(file, sizeof(file), "trip_point_%d_type", i);

        if (!pm_sensor_text(root, zone, file, type)) {
            break;
        }

        snprintf(file, sizeof(file), "/trip_point_%d_temp", i);

        if (strcmp(type, "critical") == 0) {
            t->critical = pm_sensor_degrees(root, zone, file);

        } else if (strcmp(type, "high") == 0) {
            t->high = pm_sensor_degrees(root, zone, file);
        }
    }
}


static void *
pm_sensor_add(pm_sensor_list_t *list, size_t size)
{
    void  *elts;

    elts = realloc(list->elts, (list->n + 1) * size);
    if (elts == NULL) {
        return NULL;
    }

    list->elts = elts;

    return (char *) elts + list->n++ * size;
}


static int
pm_sensor_dir(int root, const char *path, pm_sensor_dir_t *d)
{
    int             fd, rc;
    DIR            *dir;
    struct dirent  *entry;

    d->n = 0;
    d->names = NULL;

    fd = openat(root, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return errno;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        rc = errno;
        close(fd);
        return rc;
    }

    d->names = malloc(PM_SENSOR_MAX * PM_SENSOR_NAME);

    if (d->names == NULL) {
        closedir(dir);
        return ENOMEM;
    }

    while (d->n < PM_SENSOR_MAX && (entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '.'
            || strlen(entry->d_name) >= PM_SENSOR_NAME)
        {
            continue;
        }

        memcpy(d->names + d->n++ * PM_SENSOR_NAME, entry->d_name,
               strlen(entry->d_name) + 1);
    }

    closedir(dir);

    qsort(d->names, d->n, PM_SENSOR_NAME, pm_sensor_cmp);

    return 0;
}


/* temp2 before temp10 */

static int
pm_sensor_cmp(const void *a, const void *b)
{
    return strverscmp(a, b);
}


/* a label may begin with "_": then it belongs to the name before */

static int
pm_sensor_text(int root, const char *folder, const char *file,
    char dst[PM_SENSOR_NAME])
{
    char     path[PM_SENSOR_PATH + 64];
    ssize_t  n;

    dst[0] = '\0';

    snprintf(path, sizeof(path), "%s%s%s", folder,
             (*file == '_' || *file == '/') ? "" : "/", file);

    n = pm_procfs_read(root, path, dst, PM_SENSOR_NAME);

    if (n == -1) {
        dst[0] = '\0';
        return 0;
    }

    while (n > 0 && (dst[n - 1] == '\n' || dst[n - 1] == ' ')) {
        n--;
    }

    dst[n] = '\0';

    return 1;
}


static int
pm_sensor_number(int root, const char *folder, const char *file,
    int64_t *value)
{
    char         buf[PM_SENSOR_NAME];
    const char  *end;

    if (!pm_sensor_text(root, folder, file, buf)) {
        return 0;
    }

    end = buf + strlen(buf);

    return pm_parse_i64(buf, end, value) == end;
}


static double
pm_sensor_degrees(int root, const char *folder, const char *file)
{
    int64_t  v;

    if (!pm_sensor_number(root, folder, file, &v)) {
        return PM_SENSOR_UNKNOWN;
    }

    return (double) v / 1000;
}
