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
 * Either has to last for a minute. Pressure of I/O is left out: it does not say who caused it, and
 * a task that reads its input would push itself out.
 */
#include "source.h"

#include "base/memory.h"
#include "base/number.h"
#include "hysteresis.h"
#include "lang/text.h"
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
    struct hysteresis hysteresis;
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
    struct load now = {.hysteresis = load->hysteresis,
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

/* Kernels without the figures have nothing there, and then nothing is known of it. */
static double measure_stalled(const struct presence_options *options)
{
    _cleanup_free_ char *folder = source_path(options, "/proc");
    _cleanup_free_ char *pressure = reading_text(folder, "pressure/memory");
    struct slice rest = slice_from_text(pressure);
    double stalled = 0;

    while (rest.length > 0) {
        struct slice line = text_take(&rest, '\n');

        if (!slice_equals(text_take_word(&line, ""), "full"))
            continue;
        text_take(&line, '=');
        (void)number_parse_double(text_take_word(&line, ""), &stalled);
    }
    return stalled;
}

/* ---- both ---- */

static enum hysteresis_level level_of(double value, double limit)
{
    if (value > limit)
        return HYSTERESIS_HIGH;
    return value < low_part * limit ? HYSTERESIS_LOW : HYSTERESIS_BETWEEN;
}

static enum hysteresis_level judge(const struct presence_options *options, double cores)
{
    _cleanup_free_ char *folder = source_path(options, "/proc");
    enum hysteresis_level by_cores = HYSTERESIS_LOW, by_memory = HYSTERESIS_LOW;

    if (options->max_load > 0)
        by_cores = level_of(cores, options->max_load);
    if (reading_memory_is_short(folder))
        by_memory = level_of(measure_stalled(options), stalled_max);
    return by_cores > by_memory ? by_cores : by_memory;
}

/*
 * What was measured is true of all the time since the look before; the first one only begins to
 * measure.
 */
static int look(struct source *source, struct error *err)
{
    struct load *load = source->data;
    const struct presence_options *options = source->options;
    uint64_t for_ms = options->load_for_ms > 0 ? options->load_for_ms : LOAD_FOR_MS;
    uint64_t before_us = load->looked_us;
    double cores;
    int r = measure_cores(source, &cores, err);

    if (r == 0 && before_us > 0)
        source_lasts(source, OWNER_REASON_LOAD,
                     hysteresis_step(&load->hysteresis, judge(options, cores), before_us / 1000,
                                     load->looked_us / 1000, for_ms));
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
