/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cgroup_limits.h. For a short task all of this counts, so files are written only if they would
 * say something new. Writing anything to the peak begins it anew: in version 2 since Linux 6.12,
 * and for that descriptor alone, which is kept open therefore.
 */
#define _GNU_SOURCE
#include "cgroup_limits.h"

#include "base/number.h"
#include "cgroup_file.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Page cache that the last task left counts as use of the next; so much does not matter. */
    LEFTOVER_MAX = 1024 * 1024,
    /* What stays when all is out: so much, or this part of what was there, if that is more. */
    LEFT_MAX = 16 * 1024 * 1024,
    LEFT_PARTS = 16,
    /* Of the kernel: what one processor is worth, and the ends of the scale. */
    SHARES_PER_CPU = 1024,
    SHARES_MAX = 262144,
    WEIGHT_PER_CPU = 100,
    WEIGHT_MAX = 10000,
    US_PER_SECOND = 1000000,
    NUMBER_SIZE = 32,
    PATH_SIZE = 96,
};

struct memory_files {
    const char *limit, *unlimited, *usage, *peak, *events;
};

static const struct memory_files memory_files[] = {
    [CGROUP_VERSION_1] = {.limit = "memory.limit_in_bytes",
                          .unlimited = "-1",
                          .usage = "memory.usage_in_bytes",
                          .peak = "memory.max_usage_in_bytes",
                          .events = "memory.oom_control"},
    [CGROUP_VERSION_2] = {.limit = "memory.max",
                          .unlimited = "max",
                          .usage = "memory.current",
                          .peak = "memory.peak",
                          .events = "memory.events"},
};

/* Version 1: memory and swap together. Only there where the kernel accounts for swap. */
#define MEMORY_AND_SWAP "memory.memsw.limit_in_bytes"
/* Version 2: whoever pushes memory out looks between two steps how far it is. */
#define RECLAIM_STEP "16M"

/* ---- files ---- */

void cgroup_limits_open(struct cgroup_limits *limits, enum cgroup_controller controller,
                        enum cgroup_version version, int folder)
{
    limits->by_controller[controller] = (struct cgroup_limit){.version = version, .folder = folder};
    if (controller != CGROUP_MEMORY || version != CGROUP_VERSION_2)
        return;
    limits->peak = openat(folder, memory_files[version].peak, O_RDWR | O_CLOEXEC);
    if (limits->peak < 0)
        limits->peak = openat(folder, memory_files[version].peak, O_RDONLY | O_CLOEXEC);
}

void cgroup_limits_close(struct cgroup_limits *limits)
{
    descriptor_close(limits->peak);
    *limits = CGROUP_LIMITS_INIT;
}

/*
 * Where a file of the group lies below the folder. A keeper has a folder of each tree of version 1
 * open, and not one of each for every task: descriptors may be few.
 */
static void find_file(const struct cgroup_limits *limits, const struct cgroup_limit *limit,
                      const char *file, char path[PATH_SIZE])
{
    if (limit->version == CGROUP_VERSION_1)
        snprintf(path, PATH_SIZE, "%s/%s", limits->name, file);
    else
        snprintf(path, PATH_SIZE, "%s", file);
}

static int write_file(const struct cgroup_limits *limits, enum cgroup_controller controller,
                      const char *file, const char *text)
{
    const struct cgroup_limit *limit = &limits->by_controller[controller];
    char path[PATH_SIZE];

    find_file(limits, limit, file, path);
    return cgroup_file_write(limit->folder, path, text);
}

static int write_number(const struct cgroup_limits *limits, enum cgroup_controller controller,
                        const char *file, uint64_t number)
{
    char text[NUMBER_SIZE];

    snprintf(text, sizeof(text), "%" PRIu64, number);
    return write_file(limits, controller, file, text);
}

static int read_file(const struct cgroup_limits *limits, enum cgroup_controller controller,
                     const char *file, char text[CGROUP_FILE_SIZE])
{
    const struct cgroup_limit *limit = &limits->by_controller[controller];
    char path[PATH_SIZE];

    find_file(limits, limit, file, path);
    return cgroup_file_read(limit->folder, path, text);
}

static enum cgroup_version version_of(const struct cgroup_limits *limits,
                                      enum cgroup_controller controller)
{
    return limits->by_controller[controller].version;
}

static const struct memory_files *memory_files_of(const struct cgroup_limits *limits)
{
    return &memory_files[version_of(limits, CGROUP_MEMORY)];
}

/* ---- setting ---- */

/* Version 1 wants swap's limit above memory's at all times, so the one goes out of the way first.
 */
static int set_memory(const struct cgroup_limits *limits, uint64_t bytes)
{
    const struct memory_files *files = memory_files_of(limits);
    bool is_old = version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_1;
    int r;

    if (is_old)
        write_file(limits, CGROUP_MEMORY, MEMORY_AND_SWAP, files->unlimited);
    if (bytes == 0)
        return write_file(limits, CGROUP_MEMORY, files->limit, files->unlimited);
    r = write_number(limits, CGROUP_MEMORY, files->limit, bytes);
    if (r == 0 && is_old)
        write_number(limits, CGROUP_MEMORY, MEMORY_AND_SWAP, bytes);
    if (r == 0 && !is_old)
        write_file(limits, CGROUP_MEMORY, "memory.oom.group", "1");
    return r;
}

static int set_processes(const struct cgroup_limits *limits, uint64_t count)
{
    return count > 0 ? write_number(limits, CGROUP_PROCESSES, "pids.max", count)
                     : write_file(limits, CGROUP_PROCESSES, "pids.max", "max");
}

static void set_cpus(const struct cgroup_limits *limits, uint32_t cpus)
{
    bool is_old = version_of(limits, CGROUP_CPUS) == CGROUP_VERSION_1;
    uint64_t each = is_old ? SHARES_PER_CPU : WEIGHT_PER_CPU;
    uint64_t most = is_old ? SHARES_MAX : WEIGHT_MAX;
    uint64_t share = cpus > 0 ? each * cpus : each;

    write_number(limits, CGROUP_CPUS, is_old ? "cpu.shares" : "cpu.weight",
                 share < most ? share : most);
}

/* Returns 0, or a negative errno if the kernel is too old for that. */
static int restart_peak(const struct cgroup_limits *limits)
{
    if (version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_1)
        return write_file(limits, CGROUP_MEMORY, memory_files_of(limits)->peak, "0");
    return limits->peak < 0 || write(limits->peak, "0", 1) < 0 ? -EOPNOTSUPP : 0;
}

int cgroup_limits_apply(struct cgroup_limits *limits, const struct cgroup_request *request)
{
    const struct cgroup_request *applied = &limits->applied;
    bool has_memory = version_of(limits, CGROUP_MEMORY) != CGROUP_NONE;
    bool has_processes = version_of(limits, CGROUP_PROCESSES) != CGROUP_NONE;
    bool has_cpus = version_of(limits, CGROUP_CPUS) != CGROUP_NONE;
    int r = 0;

    if (has_memory && request->memory_max != applied->memory_max)
        r = set_memory(limits, request->memory_max);
    if (r == 0 && has_processes && request->processes_max != applied->processes_max)
        r = set_processes(limits, request->processes_max);
    if (r < 0)
        return r;
    if (has_cpus && request->cpus != applied->cpus)
        set_cpus(limits, request->cpus);
    limits->applied = *request;
    cgroup_limits_set_frozen(limits, false);
    /* Where it cannot be restarted, groups are used once and begin at 0 anyway. */
    if (has_memory)
        restart_peak(limits);
    return 0;
}

/*
 * A thread that writes "0" to `tasks` moves only itself, and the kernel then does without the lock
 * for which `cgroup.procs` may wait milliseconds (since Linux 5.5). The child has one thread.
 */
int cgroup_limits_join(const struct cgroup_limits *limits)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
        enum cgroup_controller controller = (enum cgroup_controller)i;
        int r = 0;

        if (version_of(limits, controller) == CGROUP_VERSION_1)
            r = write_file(limits, controller, CGROUP_JOIN_FILE, "0");
        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * A running task shall come to its limit and not to the owner's swap, which would take the disk's
 * time as well.
 */
void cgroup_limits_set_frozen(const struct cgroup_limits *limits, bool frozen)
{
    if (version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_2)
        write_file(limits, CGROUP_MEMORY, "memory.swap.max", frozen ? "max" : "0");
}

static int read_usage(const struct cgroup_limits *limits, uint64_t *ret_bytes)
{
    char text[CGROUP_FILE_SIZE];
    int r = read_file(limits, CGROUP_MEMORY, memory_files_of(limits)->usage, text);

    return r < 0 ? r : number_parse_u64(slice_from_text(text), ret_bytes);
}

bool cgroup_limits_can_push_out(const struct cgroup_limits *limits)
{
    return version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_2 &&
           faccessat(limits->by_controller[CGROUP_MEMORY].folder, "memory.reclaim", W_OK, 0) == 0;
}

/*
 * The kernel says EAGAIN when a step found less than it was asked for, as the last one does. So it
 * is asked again as long as something is gained.
 */
int cgroup_limits_push_out(const struct cgroup_limits *limits)
{
    uint64_t left, before, enough = LEFT_MAX;
    int r = read_usage(limits, &left);

    if (r == 0 && left / LEFT_PARTS > enough)
        enough = left / LEFT_PARTS;
    while (r == 0 && left > enough) {
        before = left;
        r = write_file(limits, CGROUP_MEMORY, "memory.reclaim", RECLAIM_STEP);
        if (r == 0 || r == -EAGAIN)
            r = read_usage(limits, &left);
        if (r == 0 && left >= before)
            r = -EAGAIN;
    }
    return r;
}

/* ---- looking ---- */

int cgroup_limits_read_memory_peak(const struct cgroup_limits *limits, uint64_t *ret_bytes)
{
    char text[CGROUP_FILE_SIZE];
    int r;

    if (version_of(limits, CGROUP_MEMORY) == CGROUP_NONE)
        return -ENOENT;
    if (version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_1)
        r = read_file(limits, CGROUP_MEMORY, memory_files_of(limits)->peak, text);
    else
        r = cgroup_file_read_open(limits->peak, text);
    return r < 0 ? r : number_parse_u64(slice_from_text(text), ret_bytes);
}

/* How many processes the kernel has killed in the group in its whole life, for whatever reason. */
static int read_kills(const struct cgroup_limits *limits, uint64_t *ret_kills)
{
    char text[CGROUP_FILE_SIZE];
    int r = read_file(limits, CGROUP_MEMORY, memory_files_of(limits)->events, text);

    return r < 0 ? r : cgroup_file_find_number(text, "oom_kill", ret_kills);
}

/*
 * When the whole computer has run out of memory, tasks are the first to be killed. So the peak must
 * have come close to the limit, too; it stops a little short of it where the last request was for
 * many pages at once. A group in which anything was killed is not used again.
 */
bool cgroup_limits_were_exceeded(const struct cgroup_limits *limits)
{
    uint64_t limit = limits->applied.memory_max, kills, peak;

    if (version_of(limits, CGROUP_MEMORY) == CGROUP_NONE || limit == 0 ||
        read_kills(limits, &kills) < 0 || kills == 0)
        return false;
    return cgroup_limits_read_memory_peak(limits, &peak) < 0 || peak >= limit - limit / 8;
}

uint64_t cgroup_limits_count_refused(struct cgroup_limits *limits)
{
    char text[CGROUP_FILE_SIZE];
    uint64_t refused;

    if (version_of(limits, CGROUP_PROCESSES) == CGROUP_NONE || limits->applied.processes_max == 0 ||
        read_file(limits, CGROUP_PROCESSES, "pids.events", text) < 0 ||
        cgroup_file_find_number(text, "max", &refused) < 0)
        return 0;
    limits->has_refused = limits->has_refused || refused > 0;
    return refused;
}

bool cgroup_limits_hold(const struct cgroup_limits *limits, enum cgroup_controller controller)
{
    return version_of(limits, controller) != CGROUP_NONE;
}

bool cgroup_limits_end_all(const struct cgroup_limits *limits)
{
    return version_of(limits, CGROUP_MEMORY) == CGROUP_VERSION_2;
}

/* In clock ticks, because the finer files tell user from system by them as well. */
int cgroup_limits_read_cpu_time(const struct cgroup_limits *limits, uint64_t *ret_user_us,
                                uint64_t *ret_system_us)
{
    uint64_t tick_us = US_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK), user, system;
    char text[CGROUP_FILE_SIZE];
    int r;

    if (version_of(limits, CGROUP_CPU_TIME) != CGROUP_VERSION_1)
        return -ENOENT;
    r = read_file(limits, CGROUP_CPU_TIME, "cpuacct.stat", text);
    if (r < 0)
        return r;
    if (cgroup_file_find_number(text, "user", &user) < 0 ||
        cgroup_file_find_number(text, "system", &system) < 0)
        return -EBADMSG;
    *ret_user_us = user * tick_us;
    *ret_system_us = system * tick_us;
    return 0;
}

bool cgroup_limits_can_start_anew(const struct cgroup_limits *limits)
{
    uint64_t usage, kills;

    if (limits->has_refused)
        return false;
    if (version_of(limits, CGROUP_MEMORY) == CGROUP_NONE)
        return true;
    if (restart_peak(limits) < 0 || read_kills(limits, &kills) < 0 || kills > 0)
        return false;
    return read_usage(limits, &usage) == 0 && usage <= LEFTOVER_MAX;
}
