/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See automatics.h. Asked once, when the job is submitted: all tasks see the same time, and the
 * submitter's computer, not the node's, as in HTCondor. Those that a text uses are written into its
 * frozen form, so that the server, which reads that days later, has the same values.
 */
#include "automatics.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/platform.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

struct list {
    struct submit_automatic *items; /* owned until it is handed over to the arena */
    size_t count;
    size_t capacity;
    struct arena *arena;
};

static _printf_(3, 4) void add(struct list *list, const char *name, const char *format, ...)
{
    _cleanup_buffer_ struct buffer value = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&value, format, arguments);
    va_end(arguments);
    array_reserve(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = (struct submit_automatic){
        .name = name,
        .value = arena_copy(list->arena, (struct slice){buffer_text(&value), value.length})};
}

/* The local day, as people write it into names of folders. */
static void add_time(struct list *list)
{
    time_t now = (time_t)clock_wall_seconds();
    struct tm day = {0};

    localtime_r(&now, &day);
    add(list, "SUBMIT_TIME", "%lld", (long long)now);
    add(list, "Year", "%04d", day.tm_year + 1900);
    add(list, "Month", "%02d", day.tm_mon + 1);
    add(list, "Day", "%02d", day.tm_mday);
}

/* HTCondor's words for the platform, from where the agent has them, too. */
static void add_computer(struct list *list)
{
    _cleanup_platform_ struct platform platform = PLATFORM_INIT;

    platform_read(&platform);
    add(list, "ARCH", "%s", platform.arch);
    add(list, "OPSYS", "%s", platform.opsys);
    add(list, "OPSYSANDVER", "%s", platform.versioned);
    add(list, "OPSYSMAJORVER", "%u", platform.major);
    add(list, "OPSYSVER", "%u", platform_version(&platform));
    add(list, "IsLinux", "1");
    add(list, "IsWindows", "0");
}

const struct submit_automatic *automatics_make(const char *file, const char *folder,
                                               struct arena *arena, size_t *ret_count)
{
    struct list list = {.arena = arena};
    _cleanup_free_ char *path = strcmp(file, "-") == 0 ? NULL : file_join(folder, file);
    struct submit_automatic *items;

    add_time(&list);
    add_computer(&list);
    add(&list, "SUBMIT_FILE", "%s", path ? path : file);
    add(&list, "SUBMIT_FOLDER", "%s", folder);
    /* Of a task that runs in parallel, which node of its own it is; others have none. */
    add(&list, "Node", "%s", "");
    items = arena_allocate(arena, list.count, sizeof(*items));
    memcpy(items, list.items, list.count * sizeof(*items));
    free(list.items);
    *ret_count = list.count;
    return items;
}

uint64_t automatics_seed(void)
{
    uint64_t seed = 0;

    /* Without it the clock does: nobody has to guess this number. */
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = clock_boot_us();
    return seed;
}
