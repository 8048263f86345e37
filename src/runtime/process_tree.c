/* SPDX-License-Identifier: Apache-2.0 */
/* See process_tree.h. */
#define _GNU_SOURCE
#include "process_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STALE_ROUNDS_MAX = 50 };

typedef void process_function(void *context, int pid);

/* ---- without a group ---- */

static bool is_ended(const struct process *process)
{
    return process->state == 'Z' || process->state == 'X';
}

/* Marks the warden and all that is below it, and nothing else. */
static void mark_with_warden(const struct process_tree *tree, struct process_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->items[i].marked = table->items[i].pid == tree->warden.pid;
    process_table_mark_descendants(table);
}

/* Marks the living processes of the tree, and no others: all that is below the task's warden. */
static void mark_members(const struct process_tree *tree, struct process_table *table)
{
    mark_with_warden(tree, table);
    for (size_t i = 0; i < table->count; i++)
        if (is_ended(&table->items[i]) || table->items[i].pid == tree->warden.pid)
            table->items[i].marked = false;
}

/* The same with a table that is read for it; empty if there is no /proc. */
static void find_members(const struct process_tree *tree, struct process_table *table)
{
    if (process_table_read(table) == 0)
        mark_members(tree, table);
}

static void each_marked(const struct process_table *table, process_function *each, void *context)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].marked)
            each(context, table->items[i].pid);
}

static void each_member(const struct process_tree *tree, process_function *each, void *context)
{
    struct process_table table = PROCESS_TABLE_INIT;

    find_members(tree, &table);
    each_marked(&table, each, context);
    process_table_deinit(&table);
}

/*
 * A process that sleeps uninterruptibly stops when it would go back to its program. One that waits
 * for its vfork() child, stopped before execve(), stays so until that goes on.
 */
static bool stands(const struct process *process)
{
    return process->state == 'T' || process->state == 't' ||
           (process->state == 'D' && process_has_pending(process->pid, SIGSTOP));
}

static bool every_member_stands(const struct process_tree *tree)
{
    struct process_table table = PROCESS_TABLE_INIT;
    bool all = true;

    find_members(tree, &table);
    for (size_t i = 0; i < table.count; i++)
        if (table.items[i].marked)
            all = all && stands(&table.items[i]);
    process_table_deinit(&table);
    return all;
}

static void count_one(void *context, int pid)
{
    unsigned *count = context;

    (void)pid;
    (*count)++;
}

int process_tree_make_marker(const char *state_folder, struct buffer *marker)
{
    struct stat status;

    if (stat(state_folder, &status) < 0)
        return -errno;
    buffer_appendf(marker, "%" PRIx64 "-%" PRIx64 "-", (uint64_t)status.st_dev,
                   (uint64_t)status.st_ino);
    return 0;
}

/*
 * In rounds, because what is killed may have forked a moment before; not for ever, because a
 * process in an uninterruptible wait stays where it is, dead as it will be.
 */
void process_tree_kill_stale(const char *marker_start)
{
    unsigned killed = 1;

    for (int round = 0; killed > 0 && round < STALE_ROUNDS_MAX; round++) {
        struct process_table table = PROCESS_TABLE_INIT;

        killed = 0;
        if (process_table_read(&table) < 0)
            return;
        for (size_t i = 0; i < table.count; i++) {
            _cleanup_free_ char *marker = NULL;

            if (is_ended(&table.items[i]))
                continue;
            marker = process_read_variable(table.items[i].pid, PROCESS_TREE_VARIABLE);
            if (marker && strncmp(marker, marker_start, strlen(marker_start)) == 0 &&
                kill(table.items[i].pid, SIGKILL) == 0)
                killed++;
        }
        process_table_deinit(&table);
    }
}

/* ---- both ways ---- */

static void each_process(const struct process_tree *tree, process_function *each, void *context)
{
    if (tree->group)
        cgroup_each_process(tree->group, each, context);
    else
        each_member(tree, each, context);
}

/*
 * By number, although the process may have ended since it was seen: the kernel gives a number again
 * only when it has been through all others (pid_max), which takes far longer than this.
 */
static void signal_one(void *context, int pid)
{
    const int *signal = context;

    kill(pid, *signal);
}

void process_tree_signal(const struct process_tree *tree, int signal)
{
    each_process(tree, signal_one, &signal);
}

void process_tree_kill(const struct process_tree *tree)
{
    if (!tree->group || cgroup_kill(tree->group) < 0)
        process_tree_signal(tree, SIGKILL);
}

void process_tree_freeze(const struct process_tree *tree)
{
    if (tree->group)
        cgroup_freeze(tree->group, true);
    else
        process_tree_signal(tree, SIGSTOP);
}

/* SIGCONT goes to those that a task had stopped itself as well: nobody can tell who stopped whom.
 */
void process_tree_thaw(const struct process_tree *tree)
{
    if (tree->group)
        cgroup_freeze(tree->group, false);
    else
        process_tree_signal(tree, SIGCONT);
}

bool process_tree_wakes(const struct process_tree *tree)
{
    return tree->group && tree->group->events >= 0;
}

bool process_tree_is_frozen(const struct process_tree *tree)
{
    bool populated, frozen;

    if (!tree->group)
        return every_member_stands(tree);
    return cgroup_read_events(tree->group, &populated, &frozen) == 0 && frozen;
}

bool process_tree_is_empty(const struct process_tree *tree)
{
    bool populated, frozen;
    unsigned count = 0;

    if (tree->group && cgroup_read_events(tree->group, &populated, &frozen) == 0)
        return !populated;
    each_process(tree, count_one, &count);
    return count == 0;
}

struct measurement {
    uint64_t memory_bytes;
    unsigned count;
};

static void measure_one(void *context, int pid)
{
    struct measurement *measurement = context;

    measurement->memory_bytes += process_measure_memory(pid).own;
    measurement->count++;
}

/*
 * Whoever ended is a zombie, or his parent has waited for him and has his time; of orphans the
 * warden is the parent, which itself uses next to nothing. Missing is only what nobody waits for.
 * Somebody may end between two reads of the same table, so a sum that was larger before is true.
 */
static void measure_cpu_of_members(const struct process_tree *tree, struct keeper_result *result)
{
    struct process_table table = PROCESS_TABLE_INIT;
    uint64_t user_us = 0, system_us = 0;

    if (process_table_read(&table) == 0)
        mark_with_warden(tree, &table);
    for (size_t i = 0; i < table.count; i++) {
        if (!table.items[i].marked)
            continue;
        user_us += table.items[i].user_us;
        system_us += table.items[i].system_us;
    }
    if (user_us + system_us > result->user_us + result->system_us) {
        result->user_us = user_us;
        result->system_us = system_us;
    }
    process_table_deinit(&table);
}

void process_tree_measure(const struct process_tree *tree, struct keeper_result *result)
{
    struct measurement measurement = {0};
    uint64_t peak;

    if (tree->group)
        cgroup_read_cpu(tree->group, &result->user_us, &result->system_us);
    else
        measure_cpu_of_members(tree, result);
    each_process(tree, measure_one, &measurement);
    if (tree->group && cgroup_limits_read_memory_peak(&tree->group->limits, &peak) == 0)
        measurement.memory_bytes = peak;
    if (measurement.memory_bytes > result->memory_peak_bytes)
        result->memory_peak_bytes = measurement.memory_bytes;
    result->processes = measurement.count;
}

static void add_resident(void *context, int pid)
{
    uint64_t *bytes = context;

    *bytes += process_measure_memory(pid).resident;
}

static void add_part(void *context, int pid)
{
    uint64_t *bytes = context;

    *bytes += process_measure_part(pid);
}

/*
 * Processes that were forked share most of what they have, and files that are mapped are nobody's.
 * A sum that counts both to each process can only be too high, so as long as it is below the limit
 * nobody has to look closer.
 */
uint64_t process_tree_measure_memory(const struct process_tree *tree, struct process_table *table,
                                     uint64_t limit)
{
    uint64_t bytes = 0;

    if (tree->group) {
        cgroup_each_process(tree->group, add_resident, &bytes);
        if (bytes < limit)
            return bytes;
        bytes = 0;
        cgroup_each_process(tree->group, add_part, &bytes);
        return bytes;
    }
    mark_members(tree, table);
    each_marked(table, add_resident, &bytes);
    if (bytes < limit)
        return bytes;
    bytes = 0;
    each_marked(table, add_part, &bytes);
    return bytes;
}

uint64_t process_tree_count(const struct process_tree *tree, struct process_table *table)
{
    unsigned count = 0;

    if (tree->group) {
        cgroup_each_process(tree->group, count_one, &count);
        return count;
    }
    mark_members(tree, table);
    each_marked(table, count_one, &count);
    return count;
}
