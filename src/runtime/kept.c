/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kept.h and doc/specification/keeper.md.
 *
 *     RUNNING <-> FREEZING -> FROZEN -> RUNNING
 *     FROZEN -> SAVING -> FREEZING or RUNNING
 *     each of these four -> ENDING -> ENDED
 *
 * Freezing and ending take time: the tree is told, and kept_continue() looks until it has happened.
 * The end of the leader ends the task. What the agent asks for is in kept_request.c; this file also
 * does what nobody asks for: it reaps, looks at memory, and lets lapse what is past its deadline.
 */
#define _GNU_SOURCE
#include "kept_internal.h"

#include "base/memory.h"
#include "container.h"
#include "process_table.h"
#include "sys/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- the set ---- */

void kept_init(struct kept *kept, int epoll, struct buffer *news, const char *marker_start)
{
    *kept = (struct kept){
        .epoll = epoll,
        .news = news,
        .groups = CGROUP_ROOT_INIT,
        .marker_start = memory_copy_string(marker_start),
    };
}

struct kept_task *kept_find_task(const struct kept *kept, uint64_t key)
{
    uint64_t place;

    return map_get(&kept->by_key, key, &place) ? kept->tasks[place] : NULL;
}

static size_t find_free_place(struct kept *kept)
{
    for (size_t i = 0; i < kept->place_count; i++)
        if (!kept->tasks[i])
            return i;
    array_reserve(kept->tasks, kept->capacity, kept->place_count + 1);
    return kept->place_count++;
}

struct kept_task *kept_add_task(struct kept *kept, uint64_t key, const struct keeper_spawn *spawn)
{
    struct kept_task *task = memory_allocate(sizeof(*task));

    *task = (struct kept_task){
        .key = key,
        .place = find_free_place(kept),
        .note = memory_copy_bytes(spawn->note.data, spawn->note.length),
        .note_length = spawn->note.length,
        .state = KEEPER_STATE_RUNNING,
        .deadline_boot_ms = spawn->deadline_boot_ms,
        .memory_max = spawn->memory_max,
        .processes_max = spawn->processes_max,
        .is_contained = spawn->container.root[0] != '\0',
        .started_us = clock_boot_us(),
    };
    kept->tasks[task->place] = task;
    kept->task_count++;
    kept->living_count++;
    map_put(&kept->by_key, key, task->place);
    return task;
}

void kept_leave_living(struct kept *kept, struct kept_task *task)
{
    kept->living_count--;
    if (task->tree.group)
        cgroup_give_back(&kept->groups, task->tree.group);
    else
        kept->ungrouped_count--;
    task->tree.group = NULL;
    warden_deinit(&task->tree.warden);
}

void kept_drop_task(struct kept *kept, struct kept_task *task)
{
    map_remove(&kept->by_key, task->key);
    kept->tasks[task->place] = NULL;
    kept->task_count--;
    kept_drop_run(kept, task);
    free(task->failure);
    free(task->note);
    free(task);
}

void kept_deinit(struct kept *kept)
{
    assert(kept->living_count == 0);
    for (size_t i = 0; i < kept->place_count; i++)
        if (kept->tasks[i])
            kept_drop_task(kept, kept->tasks[i]);
    cgroup_root_close(&kept->groups);
    map_deinit(&kept->by_key);
    map_deinit(&kept->by_pid);
    map_deinit(&kept->uid_locks); /* the locks themselves go with the process */
    free(kept->tasks);
    free(kept->marker_start);
}

/* ---- news ---- */

void kept_tell(struct kept *kept, const struct keeper_news *news)
{
    int r;

    if (!kept->is_heard)
        return;
    r = keeper_message_encode_news(news, kept->news);
    assert(r == 0); /* a note fits into a frame, the rest is small */
}

void kept_tell_of(struct kept *kept, const struct kept_task *task, enum keeper_news_type type)
{
    struct keeper_news news = {
        .type = type,
        .key = task->key,
        .pid = task->tree.leader,
        .result = task->result,
    };

    if (!task->is_forgotten)
        kept_tell(kept, &news);
}

/* ---- states ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#define MOVE(state) (1u << KEEPER_STATE_##state)

static const unsigned allowed_moves[] = {
    [KEEPER_STATE_RUNNING] = MOVE(FREEZING) | MOVE(ENDING),
    [KEEPER_STATE_FREEZING] = MOVE(FROZEN) | MOVE(RUNNING) | MOVE(ENDING),
    [KEEPER_STATE_FROZEN] = MOVE(RUNNING) | MOVE(SAVING) | MOVE(ENDING),
    [KEEPER_STATE_SAVING] = MOVE(FREEZING) | MOVE(RUNNING) | MOVE(ENDING),
    [KEEPER_STATE_ENDING] = MOVE(ENDED),
    [KEEPER_STATE_ENDED] = 0,
};

static bool is_pending(enum keeper_state state)
{
    return state == KEEPER_STATE_FREEZING || state == KEEPER_STATE_ENDING;
}

bool kept_stands_still(enum keeper_state state)
{
    return state == KEEPER_STATE_FREEZING || state == KEEPER_STATE_FROZEN ||
           state == KEEPER_STATE_SAVING;
}

/* Lets the loop wake when the group's events change, for as long as somebody waits for that. */
static void watch_group(struct kept *kept, const struct kept_task *task, bool watch)
{
    struct epoll_event event = {
        .events = EPOLLPRI,
        .data.u64 = (uint64_t)task->place << 32 | KEPT_WAKE,
    };

    if (process_tree_wakes(&task->tree))
        epoll_ctl(kept->epoll, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, task->tree.group->events,
                  &event);
}

/* It is tried again when nothing else is to be done, and all stand still that shall. */
static void stop_pushing_out(struct kept *kept)
{
    struct kept_task *task =
        kept->push_out.child > 0 ? kept_find_task(kept, kept->push_out.key) : NULL;

    if (task)
        task->was_pushed = false;
    push_out_stop(&kept->push_out);
}

void kept_move_task(struct kept *kept, struct kept_task *task, enum keeper_state state)
{
    assert(allowed_moves[task->state] & 1u << state);
    if (kept_stands_still(state) && !kept_stands_still(task->state))
        task->frozen_since_us = clock_boot_us();
    if (!kept_stands_still(state) && kept_stands_still(task->state))
        task->result.frozen_us += clock_boot_us() - task->frozen_since_us;
    if (is_pending(state) != is_pending(task->state)) {
        watch_group(kept, task, is_pending(state));
        kept->pending_count += is_pending(state) ? 1 : -1;
    }
    if (kept->push_out.child > 0 && kept->push_out.key == task->key)
        stop_pushing_out(kept);
    task->was_pushed = task->is_out = false;
    task->is_due = is_pending(state);
    task->state = state;
}

void kept_freeze_task(struct kept *kept, struct kept_task *task)
{
    kept->hurry.is_asked_for = kept->gives_way;
    stop_pushing_out(kept);
    kept_move_task(kept, task, KEEPER_STATE_FREEZING);
    task->was_frozen = true;
    process_tree_freeze(&task->tree);
}

/* ---- the end ---- */

void kept_kill_task(struct kept *kept, struct kept_task *task)
{
    /* Whoever cannot be killed is told so again and again, and hurries once. */
    if (!task->is_killed)
        kept->hurry.is_asked_for = kept->gives_way;
    task->is_killed = true;
    kept_stop_saving(task);
    process_tree_kill(&task->tree);
}

pid_t kept_child_of(const struct process_tree *tree)
{
    return tree->group ? tree->leader : tree->warden.pid;
}

static void read_end_of_leader(struct kept_task *task, int wait_status, const struct rusage *usage)
{
    task->result.wait_status = wait_status;
    task->result.user_us = clock_us_of_timeval(usage->ru_utime);
    task->result.system_us = clock_us_of_timeval(usage->ru_stime);
    task->result.memory_peak_bytes =
        larger(task->result.memory_peak_bytes, (uint64_t)usage->ru_maxrss * 1024);
}

/* A warden that was killed says nothing, and its own end stands for the leader's, who dies of it.
 */
void kept_end_leader(struct kept *kept, struct kept_task *task, int wait_status,
                     const struct rusage *usage)
{
    kept_stop_saving(task);
    if (task->tree.group || !warden_read_end(&task->tree.warden, &task->result))
        read_end_of_leader(task, wait_status, usage);
    task->result.wall_us = clock_boot_us() - task->started_us;
    kept_move_task(kept, task, KEEPER_STATE_ENDING);
}

static void handle_pushed_out(struct kept *kept, struct kept_task *task, bool is_out)
{
    task->is_out = is_out;
    if (is_out)
        kept_tell_of(kept, task, KEEPER_NEWS_PUSHED_OUT);
}

void kept_reap(struct kept *kept)
{
    struct rusage usage;
    bool is_out;
    int status;
    pid_t pid;

    while ((pid = container_reap(&status, &usage)) > 0) {
        uint64_t pushed_key = kept->push_out.key;
        struct kept_task *task;
        uint64_t place;

        if (push_out_has_ended(&kept->push_out, pid, status, &is_out)) {
            handle_pushed_out(kept, kept_find_task(kept, pushed_key), is_out);
            continue;
        }
        if (kept_run_has_ended(kept, pid, status) || kept_note_early_end(kept, pid, status, &usage))
            continue;
        if (!map_get(&kept->by_pid, (uint64_t)pid, &place))
            continue; /* an orphan of some task */
        map_remove(&kept->by_pid, (uint64_t)pid);
        task = kept->tasks[place];
        kept_end_leader(kept, task, status, &usage);
    }
}

/*
 * Kills what is the keeper's child and no warden: a task of the keeper's own user has killed its
 * warden and left this. Returns whether there was anything, which is cheap to know. As long as a
 * task with a group lives nothing is done, since the orphans of that one are the keeper's as well.
 */
static bool kill_strangers(const struct kept *kept)
{
    _cleanup_free_ pid_t *known = memory_resize(NULL, kept->place_count + 1, sizeof(*known));
    size_t count = 0;

    if (kept->living_count > kept->ungrouped_count)
        return false;
    for (size_t i = 0; i < kept->place_count; i++)
        if (kept->tasks[i] && kept->tasks[i]->state < KEEPER_STATE_ENDING)
            known[count++] = kept_child_of(&kept->tasks[i]->tree);
    if (!process_has_other_children(known, count))
        return false;
    process_kill_other_children(known, count);
    return true;
}

/* Measures what only a group can tell, and leaves it as the next task wants to find it. */
static void finish_group(struct kept_task *task)
{
    struct cgroup_limits *limits = &task->tree.group->limits;
    uint64_t user_us = 0, system_us = 0, peak_bytes = 0;

    cgroup_read_cpu(task->tree.group, &user_us, &system_us);
    if (cgroup_limits_read_memory_peak(limits, &peak_bytes) == 0)
        task->result.memory_peak_bytes = peak_bytes;
    if (cgroup_limits_were_exceeded(limits))
        task->result.over_memory = true;
    task->result.refused_processes =
        larger(task->result.refused_processes, cgroup_limits_count_refused(limits));
    task->result.user_us = larger(task->result.user_us, user_us);
    task->result.system_us = larger(task->result.system_us, system_us);
    if (task->was_frozen)
        cgroup_freeze(task->tree.group, false);
}

/* What did not begin to go on has no end of its own to tell of, and nobody will forget it. */
static void tell_end(struct kept *kept, struct kept_task *task)
{
    struct keeper_news news = {
        .type = KEEPER_NEWS_START_FAILED,
        .key = task->key,
        .failure = {.step = KEEPER_STEP_RESTORE, .error = ENOTSUP, .path = task->failure}};

    if (!task->failure)
        kept_tell_of(kept, task, KEEPER_NEWS_EXITED);
    else if (!task->is_forgotten)
        kept_tell(kept, &news);
    if (task->failure || task->is_forgotten)
        kept_drop_task(kept, task);
}

static void continue_ending(struct kept *kept, struct kept_task *task)
{
    struct process_tree *tree = &task->tree;

    if (!tree->group && kill_strangers(kept))
        return;
    if (tree->group && !process_tree_is_empty(tree)) {
        process_tree_kill(tree);
        return;
    }
    if (tree->group)
        finish_group(task);
    kept_move_task(kept, task, KEEPER_STATE_ENDED);
    kept_leave_living(kept, task);
    tell_end(kept, task);
}

static void continue_freezing(struct kept *kept, struct kept_task *task)
{
    struct process_tree *tree = &task->tree;

    if (process_tree_is_frozen(tree)) {
        kept_move_task(kept, task, KEEPER_STATE_FROZEN);
        kept_tell_of(kept, task, KEEPER_NEWS_FROZEN);
    } else if (!process_tree_wakes(tree)) {
        process_tree_freeze(tree);
    }
}

/* A place may have another task by now: it is looked at once too often. */
void kept_wake(struct kept *kept, size_t place)
{
    if (place < kept->place_count && kept->tasks[place])
        kept->tasks[place]->is_due = true;
}

/*
 * Only what is due is looked at: when a hundred tasks are frozen, each of their groups wakes the
 * loop, and the keeper would take the processor from those that still have to freeze.
 */
static void continue_task(struct kept *kept, struct kept_task *task)
{
    if (!task->is_due && process_tree_wakes(&task->tree))
        return;
    task->is_due = false;
    if (task->state == KEEPER_STATE_ENDING)
        continue_ending(kept, task);
    else
        continue_freezing(kept, task);
}

/* One after the other, and as soon as something is to be frozen again, none. */
static void push_out_next(struct kept *kept)
{
    for (size_t i = 0; i < kept->place_count && kept->push_out.child == 0; i++) {
        struct kept_task *task = kept->tasks[i];

        if (!task || task->state != KEEPER_STATE_FROZEN || task->was_pushed)
            continue;
        task->was_pushed = true;
        if (task->tree.group && cgroup_limits_can_push_out(&task->tree.group->limits))
            push_out_begin(&kept->push_out, task->key, &task->tree.group->limits);
    }
}

/* Who is not frozen or dead that shall be, and whether anybody else computes. */
static enum hurry_need find_need(const struct kept *kept)
{
    enum hurry_need most = HURRY_ALL;
    bool somebody = false;

    for (size_t i = 0; i < kept->place_count; i++) {
        const struct kept_task *task = kept->tasks[i];

        if (task &&
            (is_pending(task->state) || (task->is_killed && task->state < KEEPER_STATE_ENDING)))
            somebody = true;
        else if (task && task->state == KEEPER_STATE_SAVING)
            somebody = true; /* it runs a little of CRIU's */
        else if (task && task->state == KEEPER_STATE_RUNNING)
            most = HURRY_SOME;
    }
    return somebody ? most : HURRY_NOBODY;
}

bool kept_continue(struct kept *kept)
{
    bool again = false;

    for (size_t i = 0; i < kept->place_count && kept->pending_count > 0; i++) {
        struct kept_task *task = kept->tasks[i];

        if (task && is_pending(task->state))
            continue_task(kept, task);
        task = kept->tasks[i];
        again = again || (task && is_pending(task->state) && !process_tree_wakes(&task->tree));
    }
    if (hurry_next_ms(&kept->hurry) != UINT64_MAX)
        hurry_look(&kept->hurry, &kept->groups, clock_boot_ms(), find_need(kept));
    if (kept->pending_count == 0)
        push_out_next(kept);
    return again;
}

void kept_kill_all(struct kept *kept)
{
    for (size_t i = 0; i < kept->place_count; i++)
        if (kept->tasks[i] && kept->tasks[i]->state < KEEPER_STATE_ENDING)
            kept_kill_task(kept, kept->tasks[i]);
}

/* ---- limits ---- */

/* What stands still asks for no more. 0: nobody has to look. */
static uint64_t look_every_ms(const struct kept_task *task)
{
    if (!task || task->state != KEEPER_STATE_RUNNING)
        return 0;
    if (task->memory_max > 0 &&
        (!task->tree.group || !cgroup_limits_end_all(&task->tree.group->limits)))
        return KEPT_LOOK_MS;
    return task->processes_max > 0 ? KEPT_ASK_MS : 0;
}

/* Whether a group holds it to its memory, so that only the kernel has to be asked. */
static bool is_held_to_memory(const struct kept_task *task)
{
    return task->tree.group && cgroup_limits_hold(&task->tree.group->limits, CGROUP_MEMORY);
}

static bool is_over_memory(struct kept_task *task, struct process_table *table)
{
    uint64_t bytes;

    if (task->memory_max == 0)
        return false;
    if (is_held_to_memory(task))
        return cgroup_limits_were_exceeded(&task->tree.group->limits);
    bytes = process_tree_measure_memory(&task->tree, table, task->memory_max);
    if (bytes < task->memory_max)
        return false;
    task->result.memory_peak_bytes = larger(task->result.memory_peak_bytes, bytes);
    return bytes > task->memory_max;
}

/* One that is refused a process may try for ever, so it does not go on. */
static bool is_over_processes(struct kept_task *task, struct process_table *table)
{
    struct process_tree *tree = &task->tree;
    uint64_t count;

    if (task->processes_max == 0)
        return false;
    if (tree->group && cgroup_limits_hold(&tree->group->limits, CGROUP_PROCESSES)) {
        task->result.refused_processes = cgroup_limits_count_refused(&tree->group->limits);
        return task->result.refused_processes > 0;
    }
    count = process_tree_count(tree, table);
    if (count > task->processes_max)
        task->result.refused_processes = count - task->processes_max;
    return count > task->processes_max;
}

/* Returns when this one is to be looked at again, in ms from now. */
static uint64_t look_at_task(struct kept *kept, struct kept_task *task, struct process_table *table)
{
    uint64_t every_ms = look_every_ms(task);

    if (every_ms == 0)
        return UINT64_MAX;
    if (is_over_memory(task, table))
        task->result.over_memory = true;
    if (task->result.over_memory || is_over_processes(task, table))
        kept_kill_task(kept, task);
    return every_ms;
}

/* One table serves all tasks of this round, because to read it is what looking costs. */
void kept_look(struct kept *kept, uint64_t now_boot_ms)
{
    struct process_table table = PROCESS_TABLE_INIT;
    uint64_t next_ms = KEPT_ASK_MS;

    if (now_boot_ms < kept_next_look(kept))
        return;
    if (kept->ungrouped_count > 0)
        process_table_read(&table);
    for (size_t i = 0; i < kept->place_count; i++) {
        uint64_t wait_ms = look_at_task(kept, kept->tasks[i], &table);

        next_ms = wait_ms < next_ms ? wait_ms : next_ms;
    }
    kept->look_at_ms = now_boot_ms + next_ms;
    process_table_deinit(&table);
}

uint64_t kept_next_look(const struct kept *kept)
{
    for (size_t i = 0; i < kept->place_count; i++)
        if (look_every_ms(kept->tasks[i]) > 0)
            return kept->look_at_ms;
    return UINT64_MAX;
}

/* ---- deadlines ---- */

static bool can_lapse(const struct kept_task *task)
{
    return task && task->state < KEEPER_STATE_ENDING && !task->lapsed &&
           task->deadline_boot_ms != 0;
}

/*
 * Told first and frozen then, so that the agent hears in this order why. One that stands still
 * already is only marked: from here on nothing but THAW lets it go on.
 */
void kept_lapse(struct kept *kept, uint64_t now_boot_ms)
{
    for (size_t i = 0; i < kept->place_count; i++) {
        struct kept_task *task = kept->tasks[i];

        if (!can_lapse(task) || task->deadline_boot_ms > now_boot_ms)
            continue;
        task->lapsed = true;
        if (task->state == KEEPER_STATE_SAVING && task->run)
            task->run->thaws = false;
        kept_tell_of(kept, task, KEEPER_NEWS_LAPSED);
        if (!kept_stands_still(task->state))
            kept_freeze_task(kept, task);
    }
}

uint64_t kept_first_deadline(const struct kept *kept)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < kept->place_count; i++)
        if (can_lapse(kept->tasks[i]) && kept->tasks[i]->deadline_boot_ms < first)
            first = kept->tasks[i]->deadline_boot_ms;
    return first;
}

uint64_t kept_last_deadline(const struct kept *kept)
{
    uint64_t last = 0;

    for (size_t i = 0; i < kept->place_count; i++) {
        const struct kept_task *task = kept->tasks[i];

        if (task && task->deadline_boot_ms == 0)
            return UINT64_MAX;
        if (task)
            last = larger(last, task->deadline_boot_ms);
    }
    return last;
}
