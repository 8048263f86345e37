/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether programs that are not the pool's compute here: a render that was begun in the evening
 * wants its computer although nobody sits at it. Two things are looked at:
 *
 *  - how many cores the others use: what the computer was busy (proc_stat(5)) less what the tasks
 *    used meanwhile. What a computer that is a virtual machine gets not (steal) is nobody's here.
 *  - whether it thrashes: for a tenth of the time all stood still for memory (full avg10 of
 *    /proc/pressure/memory, Documentation/accounting/psi.rst), and there is little left. Without
 *    the latter a task would count that only presses against the limit of its own memory.
 *
 * And, for a reason of its own, whether others wait for memory or for disks, whoever makes them:
 * the pressure of the control groups beside ours (pressure.h). Where there are none it is that of
 * the whole computer, and known only while nothing of ours goes on: a task that reads its input
 * would push itself out.
 *
 * Each has to last for a minute. All is looked at by the clock; a trigger of the kernel would need
 * rights that not every agent has, and would wake it up more often when there is something to see.
 */
#include "pressure.h"

#include "base/memory.h"
#include "hysteresis.h"
#include "reading.h"
#include "sys/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { LOAD_FOR_MS = 60000, US_PER_SECOND = 1000000 };

/* Where load ends that has begun, as a part of where it begins. */
static const double low_part = 0.7;
static const double stalled_max = 10; /* percent of the time */

struct load {
    struct hysteresis load;
    struct hysteresis pressure;
    uint64_t looked_us;
    uint64_t busy_us;
    uint64_t own_us;
};

static bool is_here(const struct presence_options *options)
{
    _cleanup_free_ char *path = source_path(options, "/proc/stat");

    return access(path, R_OK) == 0;
}

/* ---- processors ---- */

/* User and nice hold what guests used as well. */
static int read_busy(const struct presence_options *options, uint64_t *ret_us, struct error *err)
{
    _cleanup_free_ char *folder = source_path(options, "/proc");
    _cleanup_free_ char *text = reading_text(folder, "stat");
    uint64_t user, nice, system, irq, softirq;

    if (sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64, &user,
               &nice, &system, &irq, &softirq) != 5)
        return error_set(err, -ENOENT, "cannot read in '%s/stat' what the processors do", folder);
    *ret_us =
        (user + nice + system + irq + softirq) * (US_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
    return 0;
}

static uint64_t more(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Both clocks tick differently, so the tasks may seem to have used more than all together. */
static int measure_cores(struct source *source, double *ret_cores, struct error *err)
{
    struct load *load = source->data;
    const struct presence_options *options = source->options;
    struct load now = {.load = load->load,
                       .pressure = load->pressure,
                       .own_us =
                           options->own_cpu_us ? options->own_cpu_us(options->own_userdata) : 0,
                       .looked_us = clock_boot_us()};
    int r = read_busy(options, &now.busy_us, err);
    uint64_t busy_us, own_us, span_us;

    if (r < 0)
        return r;
    busy_us = more(now.busy_us, load->busy_us);
    own_us = more(now.own_us, load->own_us);
    span_us = more(now.looked_us, load->looked_us);
    *ret_cores = span_us > 0 ? (double)more(busy_us, own_us) / (double)span_us : 0;
    *load = now;
    return 0;
}

/* ---- memory ---- */

static enum hysteresis_level level_of(double value, double limit)
{
    if (value > limit)
        return HYSTERESIS_HIGH;
    return value < low_part * limit ? HYSTERESIS_LOW : HYSTERESIS_BETWEEN;
}

/* Kernels without the figures have nothing there, and then nothing is known of it. */
static enum hysteresis_level judge_memory(const struct presence_options *options)
{
    _cleanup_free_ char *folder = source_path(options, "/proc");
    struct pressure pressure = {0};

    if (!reading_memory_is_short(folder))
        return HYSTERESIS_LOW;
    (void)pressure_read(folder, "pressure/memory", &pressure);
    return level_of(pressure.full, stalled_max);
}

/* ---- pressure ---- */

static int refuse(const char *folder, const char *resource, struct error *err)
{
    int r = error_set(err, -ENOENT, "the kernel does not tell in '%s/%s' how long programs wait",
                      folder, resource);

    error_hint(err, "leave 'max_pressure' out, or start the kernel with psi=1");
    return r;
}

/*
 * No group waits longer than the computer, so most looks end with one file. What is of others and
 * what of ours, if nobody can tell, changes nothing.
 */
static int judge_resource(const struct presence_options *options, const char *resource,
                          enum hysteresis_level *ret_level, struct error *err)
{
    _cleanup_free_ char *folder = source_path(options, "/proc/pressure");
    struct pressure pressure = {0};
    enum hysteresis_level level;

    if (!pressure_read(folder, resource, &pressure) && options->needs_pressure)
        return refuse(folder, resource, err);
    level = level_of(pressure.some, options->max_pressure);
    if (level != HYSTERESIS_LOW) {
        if (pressure_beside(options, resource, &pressure.some))
            level = level_of(pressure.some, options->max_pressure);
        else if (options->is_computing && options->is_computing(options->own_userdata))
            level = HYSTERESIS_BETWEEN;
    }
    *ret_level = level;
    return 0;
}

static int judge_pressure(const struct presence_options *options, enum hysteresis_level *ret_level,
                          struct error *err)
{
    enum hysteresis_level memory = HYSTERESIS_LOW, io = HYSTERESIS_LOW;
    int r = 0;

    if (options->max_pressure > 0)
        r = judge_resource(options, "memory", &memory, err);
    if (r == 0 && options->max_pressure > 0)
        r = judge_resource(options, "io", &io, err);
    if (r == 0)
        *ret_level = memory > io ? memory : io;
    return r;
}

/* ---- all of them ---- */

static enum hysteresis_level judge_load(const struct presence_options *options, double cores)
{
    enum hysteresis_level by_cores = HYSTERESIS_LOW, by_memory = judge_memory(options);

    if (options->max_load > 0)
        by_cores = level_of(cores, options->max_load);
    return by_cores > by_memory ? by_cores : by_memory;
}

static void step(struct source *source, enum owner_reason reason, struct hysteresis *hysteresis,
                 enum hysteresis_level level, uint64_t before_us)
{
    const struct load *load = source->data;
    uint64_t for_ms = source->options->load_for_ms;

    source_lasts(source, reason,
                 hysteresis_step(hysteresis, level, before_us / 1000, load->looked_us / 1000,
                                 for_ms > 0 ? for_ms : LOAD_FOR_MS));
}

/*
 * What was measured is true of all the time since the look before; the first one only begins to
 * measure.
 */
static int look(struct source *source, struct error *err)
{
    struct load *load = source->data;
    const struct presence_options *options = source->options;
    uint64_t before_us = load->looked_us;
    enum hysteresis_level pressure = HYSTERESIS_LOW;
    double cores;
    int r = measure_cores(source, &cores, err);

    if (r == 0)
        r = judge_pressure(options, &pressure, err);
    if (r == 0 && before_us > 0) {
        step(source, OWNER_REASON_LOAD, &load->load, judge_load(options, cores), before_us);
        step(source, OWNER_REASON_PRESSURE, &load->pressure, pressure, before_us);
    }
    return r;
}

static int load_open(struct source *source, struct error *err)
{
    source->data = memory_allocate(sizeof(struct load));
    return source_look(source, SOURCE_LOOK_MS, look, err);
}

static void load_close(struct source *source)
{
    free(source->data);
}

const struct source_kind source_load = {
    .name = "load", .is_here = is_here, .open = load_open, .close = load_close};
