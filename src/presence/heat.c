/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the computer is too hot to be computed on: one of its sensors is at its limit, until all
 * are 5 °C below theirs. The limit is what the admin set, or else 10 °C below the point at which
 * the sensor itself says that it becomes critical; a sensor that knows none is not judged.
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

/* All that one look saw. */
struct sensors {
    const struct presence_options *options;
    const char *folder; /* that is looked into */
    const char *chip;   /* and in it */
    bool was_read;      /* any of them */
    int64_t margin;     /* of the one that is closest to its limit; INT64_MAX: none has one */
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
static void look_at_input(void *userdata, const char *name)
{
    struct sensors *sensors = userdata;
    size_t stem = strcspn(name, "_");
    _cleanup_buffer_ struct buffer limit = BUFFER_INIT;
    int64_t value, critical = 0;

    if (strncmp(name, "temp", strlen("temp")) != 0 || strcmp(name + stem, "_input") != 0 ||
        !reading_number(sensors->chip, name, &value))
        return;
    buffer_appendf(&limit, "%.*s_crit", (int)stem, name);
    (void)reading_number(sensors->chip, buffer_text(&limit), &critical);
    judge(sensors, value, critical);
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
    struct sensors sensors = {.options = options, .margin = INT64_MAX};

    sensors.folder = zones;
    (void)reading_each(zones, look_at_zone, &sensors, NULL);
    sensors.folder = chips;
    (void)reading_each(chips, look_at_chip, &sensors, NULL);
    sensors.folder = NULL;
    return sensors;
}

static bool is_here(const struct presence_options *options)
{
    return look_at_all(options).was_read;
}

static enum hysteresis_level level_of(const struct sensors *sensors)
{
    if (sensors->margin <= 0)
        return HYSTERESIS_HIGH;
    return sensors->margin > BELOW_LIMIT ? HYSTERESIS_LOW : HYSTERESIS_BETWEEN;
}

static int look(struct source *source, struct error *err)
{
    struct sensors sensors = look_at_all(source->options);
    int r;

    if (!sensors.was_read) {
        r = error_set(err, -ENOENT, "no sensor tells how hot this computer is");
        error_hint(err, "leave 'temperature' out where there is none");
        return r;
    }
    source_lasts(source, OWNER_REASON_HOT,
                 hysteresis_step(source->data, level_of(&sensors), 0, 0, 0));
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
