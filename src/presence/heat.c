/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the computer is too hot to be computed on: one of its sensors is at its limit, until all
 * are 5 °C below theirs. The limit is what the admin set, or else 10 °C below the point at which
 * the sensor itself says that it becomes critical; a sensor that knows none is not judged. A fan
 * that runs faster than the admin allows says the same, until all are a tenth slower than that.
 *
 * Sensors are the kernel's thermal zones (sysfs-class-thermal in its ABI documentation) and the
 * inputs of its monitoring chips (sysfs-class-hwmon). Some have nothing connected and tell
 * nonsense, and some tell of nonsensical limits, so neither counts if no computer could have it.
 */
#include "source.h"

#include "base/memory.h"
#include "hysteresis.h"
#include "reading.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>

/* In thousandths of a degree, like all that the kernel tells of them. */
enum {
    BELOW_CRITICAL = 10000,
    BELOW_LIMIT = 5000,
    VALUE_MAX = 125000,
    CRITICAL_MIN = 40000,
    CRITICAL_MAX = 150000,
    DEGREE = 1000,
};

/* Turns in a minute; a chip that counts those of no fan tells of even more. */
enum { FAN_MAX = 30000, SLOWER_PARTS = 10 };

/* All that one look saw. */
struct sensors {
    const struct presence_options *options;
    const char *folder; /* that is looked into */
    const char *chip;   /* and in it */
    bool was_read;      /* any of them, but for the fans */
    int64_t margin;     /* of the one that is closest to its limit; INT64_MAX: none has one */
    int64_t fan;        /* the speed of the fastest; -1: none was read */
};

static void judge(struct sensors *sensors, int64_t value, int64_t critical)
{
    int64_t limit = INT64_MAX;

    if (value <= 0 || value > VALUE_MAX)
        return;
    sensors->was_read = true;
    if (sensors->options->temperature_max > 0)
        limit = (int64_t)sensors->options->temperature_max * DEGREE;
    else if (critical >= CRITICAL_MIN && critical <= CRITICAL_MAX)
        limit = critical - BELOW_CRITICAL;
    if (limit != INT64_MAX && limit - value < sensors->margin)
        sensors->margin = limit - value;
}

/* ---- thermal zones ---- */

/* 0 if it has no such point. */
static int64_t find_critical(const char *zone)
{
    for (unsigned int i = 0;; i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;
        _cleanup_free_ char *type = NULL;
        int64_t critical = 0;

        buffer_appendf(&name, "trip_point_%u_type", i);
        type = reading_text(zone, buffer_text(&name));
        if (type[0] == '\0')
            return 0;
        if (strcmp(type, "critical") != 0)
            continue;
        buffer_clear(&name);
        buffer_appendf(&name, "trip_point_%u_temp", i);
        return reading_number(zone, buffer_text(&name), &critical) ? critical : 0;
    }
}

static void look_at_zone(void *userdata, const char *name)
{
    struct sensors *sensors = userdata;
    _cleanup_free_ char *zone = file_join(sensors->folder, name);
    int64_t value;

    if (strncmp(name, "thermal_zone", strlen("thermal_zone")) == 0 &&
        reading_number(zone, "temp", &value))
        judge(sensors, value, find_critical(zone));
}

/* ---- monitoring chips ---- */

/* temp1_input, and what is critical for it in temp1_crit. */
static void judge_input(struct sensors *sensors, const char *name, int64_t value)
{
    _cleanup_buffer_ struct buffer limit = BUFFER_INIT;
    int64_t critical = 0;

    buffer_appendf(&limit, "%.*s_crit", (int)strcspn(name, "_"), name);
    (void)reading_number(sensors->chip, buffer_text(&limit), &critical);
    judge(sensors, value, critical);
}

/* One that stands still has a speed as well. */
static void judge_fan(struct sensors *sensors, int64_t speed)
{
    if (speed > sensors->fan && speed <= FAN_MAX)
        sensors->fan = speed;
}

static void look_at_input(void *userdata, const char *name)
{
    struct sensors *sensors = userdata;
    bool is_heat = strncmp(name, "temp", strlen("temp")) == 0;
    bool is_fan = sensors->options->max_fan > 0 && strncmp(name, "fan", strlen("fan")) == 0;
    int64_t value;

    if ((!is_heat && !is_fan) || strcmp(name + strcspn(name, "_"), "_input") != 0 ||
        !reading_number(sensors->chip, name, &value))
        return;
    if (is_fan)
        judge_fan(sensors, value);
    else
        judge_input(sensors, name, value);
}

/* A disk that is asked for its temperature may never come to rest. */
static void look_at_chip(void *userdata, const char *name)
{
    struct sensors *sensors = userdata;
    _cleanup_free_ char *chip = file_join(sensors->folder, name);

    sensors->chip = chip;
    if (!reading_is(chip, "name", "drivetemp"))
        (void)reading_each(chip, look_at_input, sensors, NULL);
    sensors->chip = NULL;
}

/* ---- the source ---- */

static struct sensors look_at_all(const struct presence_options *options)
{
    _cleanup_free_ char *zones = source_path(options, "/sys/class/thermal");
    _cleanup_free_ char *chips = source_path(options, "/sys/class/hwmon");
    struct sensors sensors = {.options = options, .margin = INT64_MAX, .fan = -1};

    sensors.folder = zones;
    (void)reading_each(zones, look_at_zone, &sensors, NULL);
    sensors.folder = chips;
    (void)reading_each(chips, look_at_chip, &sensors, NULL);
    sensors.folder = NULL;
    return sensors;
}

static bool is_here(const struct presence_options *options)
{
    return options->max_fan > 0 || look_at_all(options).was_read;
}

static enum hysteresis_level level_of_heat(const struct sensors *sensors)
{
    if (sensors->margin <= 0)
        return HYSTERESIS_HIGH;
    return sensors->margin > BELOW_LIMIT ? HYSTERESIS_LOW : HYSTERESIS_BETWEEN;
}

static enum hysteresis_level level_of_fans(const struct sensors *sensors)
{
    int64_t max = sensors->options->max_fan;

    if (max == 0 || sensors->fan < max - max / SLOWER_PARTS)
        return HYSTERESIS_LOW;
    return sensors->fan > max ? HYSTERESIS_HIGH : HYSTERESIS_BETWEEN;
}

static int refuse(const char *what, const char *name, struct error *err)
{
    int r = error_set(err, -ENOENT, "no sensor tells how %s", what);

    error_hint(err, "leave '%s' out where there is none", name);
    return r;
}

static int look(struct source *source, struct error *err)
{
    struct sensors sensors = look_at_all(source->options);
    enum hysteresis_level heat = level_of_heat(&sensors), fans = level_of_fans(&sensors);

    if (source->options->max_fan > 0 && sensors.fan < 0)
        return refuse("fast a fan of this computer runs", "max_fan", err);
    if (source->options->max_fan == 0 && !sensors.was_read)
        return refuse("hot this computer is", "temperature", err);
    source_lasts(source, OWNER_REASON_HOT,
                 hysteresis_step(source->data, fans > heat ? fans : heat, 0, 0, 0));
    return 0;
}

static int heat_open(struct source *source, struct error *err)
{
    source->data = memory_allocate(sizeof(struct hysteresis));
    return source_look(source, SOURCE_LOOK_MS, look, err);
}

static void heat_close(struct source *source)
{
    free(source->data);
}

const struct source_kind source_heat = {
    .name = "temperature", .is_here = is_here, .open = heat_open, .close = heat_close};
