
/* temperatures, fans and the battery, as psutil reads them below /sys */


#ifndef _PM_SENSOR_H_INCLUDED_
#define _PM_SENSOR_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_SENSOR_NAME     64
#define PM_SENSOR_UNKNOWN  -1e9


typedef struct {                        /* of one chip one behind the other */
    char      chip[PM_SENSOR_NAME];
    char      label[PM_SENSOR_NAME];    /* "" is none */
    double    current;                  /* degrees Celsius */
    double    high;                     /* or PM_SENSOR_UNKNOWN */
    double    critical;
} pm_temp_t;


typedef struct {
    char      chip[PM_SENSOR_NAME];
    char      label[PM_SENSOR_NAME];
    int64_t   current;                  /* rounds per minute */
} pm_fan_t;


/* of a battery's secsleft, as psutil's POWER_TIME_* */
#define PM_BATTERY_UNKNOWN    -1
#define PM_BATTERY_UNLIMITED  -2

typedef struct {
    double    percent;
    int64_t   secsleft;                 /* or PM_BATTERY_* */
    int       plugged;                  /* -1 is not known */
} pm_battery_t;


/*
 * `root' is a descriptor of "/", or of fixtures; 0 and malloc()ed lists, or
 * an errno.  A sensor that cannot be read is left out; without sensors the
 * list is empty.
 */
int pm_sensor_temps(int root, pm_temp_t **temps, size_t *n);
int pm_sensor_fans(int root, pm_fan_t **fans, size_t *n);

/* ENOENT: there is none */
int pm_sensor_battery(int root, pm_battery_t *b);


#endif /* _PM_SENSOR_H_INCLUDED_ */
