/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kept.h and doc/specification/keeper.md, "Messages": what the agent asks for, and the answers.
 *
 * A request begins a change and is done with it: that a task is frozen or has ended is told when it
 * has happened, by kept.c. Each kind of request is decided for each state of its task; what comes
 * too late changes nothing. Only spawn makes a task, and it waits until the program has begun.
 */
#include "base/memory.h"
#include "keeper_child.h"
#include "kept_internal.h"
#include "priority.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "uid_lock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* ---- answers ---- */

static void tell_unknown(struct kept *kept, uint64_t key)
{
    kept_tell(kept, &(struct keeper_news){.type = KEEPER_NEWS_UNKNOWN, .key = key});
}

static void tell_start_failed(struct kept *kept, uint64_t key, const struct keeper_failure *failure)
{
    kept_tell(kept, &(struct keeper_news){
                        .type = KEEPER_NEWS_START_FAILED, .key = key, .failure = *failure});
}

static void tell_list(struct kept *kept)
{
    for (size_t i = 0; i < kept->place_count; i++) {
        const struct kept_task *task = kept->tasks[i];

        if (task && !task->is_forgotten)
            kept_tell(kept, &(struct keeper_news){
                                .type = KEEPER_NEWS_TASK,
                                .key = task->key,
                                .state = task->state,
                                .lapsed = task->lapsed,
                                .is_out = task->is_out,
                                .told_to_end = task->told_to_end,
                                .is_restoring = kept_is_restoring(task),
                                .pid = task->tree.leader,
                                .deadline_boot_ms = task->deadline_boot_ms,
                                .result = task->result,
                                .note = {.data = task->note, .length = task->note_length},
                            });
    }
    kept_tell(kept, &(struct keeper_news){.type = KEEPER_NEWS_LISTED});
}

/* ---- spawn ---- */

/*
 * The keeper stands still until a child has become its program, so that must not wait for the
 * owner's.
 */
static void hurry_birth(struct kept *kept, const struct process_tree *tree, enum cgroup_way way)
{
    if (tree->group && kept->gives_way && kept->hurry.ends_ms == 0)
        cgroup_root_set_way(&kept->groups, way);
}

/* Where no group holds the task together, a warden does, and is the leader's parent. */
static int start_leader(struct kept *kept, struct process_tree *tree,
                        const struct keeper_spawn *spawn, const char *variable, struct buffer *path,
                        struct keeper_failure *failure)
{
    int r;

    hurry_birth(kept, tree, CGROUP_WAY_EQUAL);
    r = tree->group ? keeper_child_start(spawn, variable, tree->group, &tree->leader, path, failure)
                    : warden_start(spawn, variable, &tree->warden, &tree->leader, path, failure);
    hurry_birth(kept, tree, CGROUP_WAY_LAST);
    /*
     * It comes a moment after the program began, because until then we wait for it: a child that
     * was born in that moment is spared, where no group gives way as a whole.
     */
    if (r == 0 && kept->gives_way)
        priority_give_way(tree->leader);
    return r;
}

/*
 * Held until the keeper ends, which it does soon after its agent when it has no task: to count the
 * tasks of each uid would free it a little earlier. Where there can be no lock, or where an agent
 * that knew nothing of them gave this uid away, the task runs none the less.
 */
static void hold_uid(struct kept *kept, uid_t uid)
{
    uint64_t held;
    int fd;

    if (!map_get(&kept->uid_locks, uid, &held) &&
        uid_lock(uid, UID_HOLDER_KEEPER, kept->marker_start, &fd) == 0)
        map_put(&kept->uid_locks, uid, (uint64_t)fd);
}

/* A tree may be full. That is said once, since each task that follows finds the same. */
static void take_group(struct kept *kept, struct kept_task *task,
                       const struct cgroup_request *limits)
{
    int r = cgroup_take(&kept->groups, limits, &task->tree.group);

    kept->ungrouped_count += r < 0;
    if (r < 0 && r != -EOPNOTSUPP && !kept->said_full)
        log_warning("keeper: cannot make a control group for a task below '%s': %s; such tasks are "
                    "held by wardens",
                    kept->groups.path, strerror(-r));
    kept->said_full = r < 0;
}

/* STARTED is told when CRIU has done it. */
static int begin_restore(struct kept *kept, struct kept_task *task,
                         const struct keeper_spawn *spawn, const struct cgroup_request *limits,
                         struct buffer *path, struct keeper_failure *failure)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    hurry_birth(kept, &task->tree, CGROUP_WAY_EQUAL);
    r = kept_restore_task(kept, task, spawn, limits, &err);
    hurry_birth(kept, &task->tree, CGROUP_WAY_LAST);
    if (r == 0)
        return 0;
    buffer_append_text(path, error_text(&err));
    *failure = (struct keeper_failure){
        .step = KEEPER_STEP_RESTORE, .error = -r, .path = buffer_text(path)};
    return 1;
}

/* Returns 1 and the failure if it does not begin. */
static int begin_task(struct kept *kept, struct kept_task *task, const struct keeper_spawn *spawn,
                      struct buffer *path, struct keeper_failure *failure)
{
    _cleanup_buffer_ struct buffer variable = BUFFER_INIT;
    struct cgroup_request limits = {.memory_max = spawn->memory_max,
                                    .processes_max = spawn->processes_max,
                                    .cpus = spawn->cpus};
    struct cgroup_request of_restore = kept_limits_of_restore(limits);
    bool restores = spawn->restore.folder[0] != '\0';

    take_group(kept, task, restores ? &of_restore : &limits);
    if (restores)
        return begin_restore(kept, task, spawn, &limits, path, failure);
    buffer_appendf(&variable, "%s=%s%llu", PROCESS_TREE_VARIABLE, kept->marker_start,
                   (unsigned long long)task->key);
    if (start_leader(kept, &task->tree, spawn, buffer_text(&variable), path, failure) != 0)
        return 1;
    map_put(&kept->by_pid, (uint64_t)kept_child_of(&task->tree), task->place);
    kept_tell_of(kept, task, KEEPER_NEWS_STARTED);
    return 0;
}

static void handle_spawn(struct kept *kept, uint64_t key, const struct keeper_spawn *spawn)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct keeper_failure failure = {.step = KEEPER_STEP_KEY, .error = EEXIST, .path = ""};
    struct kept_task *task;

    if (kept_find_task(kept, key)) {
        tell_start_failed(kept, key, &failure);
        return;
    }
    /* What is waiting to be looked at is not put off, or a busy node would never look. */
    if (kept_next_look(kept) == UINT64_MAX)
        kept->look_at_ms = clock_boot_ms() + KEPT_LOOK_MS;
    if (spawn->becomes_user)
        hold_uid(kept, spawn->uid);
    task = kept_add_task(kept, key, spawn);
    if (begin_task(kept, task, spawn, &path, &failure) == 0)
        return;
    tell_start_failed(kept, key, &failure);
    kept_leave_living(kept, task);
    kept_drop_task(kept, task);
}

/* ---- to one task ---- */

static void handle_freeze(struct kept *kept, struct kept_task *task)
{
    switch (task->state) {
    case KEEPER_STATE_RUNNING:
        kept_freeze_task(kept, task);
        break;
    case KEEPER_STATE_FROZEN:
        kept_tell_of(kept, task, KEEPER_NEWS_FROZEN);
        break;
    case KEEPER_STATE_SAVING:
        if (task->run)
            task->run->thaws = false;
        kept_tell_of(kept, task, KEEPER_NEWS_FROZEN);
        break;
    case KEEPER_STATE_FREEZING:
    case KEEPER_STATE_ENDING:
    case KEEPER_STATE_ENDED:
        break;
    }
}

static void handle_thaw(struct kept *kept, struct kept_task *task, uint64_t deadline_boot_ms)
{
    if (task->state >= KEEPER_STATE_ENDING)
        return;
    task->deadline_boot_ms = deadline_boot_ms;
    task->lapsed = false;
    /* CRIU cannot be stopped half-way without harm. */
    if (task->state == KEEPER_STATE_SAVING) {
        if (task->run)
            task->run->thaws = true;
        return;
    }
    if (kept_stands_still(task->state)) {
        process_tree_thaw(&task->tree);
        kept_move_task(kept, task, KEEPER_STATE_RUNNING);
    }
    kept_tell_of(kept, task, KEEPER_NEWS_THAWED);
}

static void handle_signal(struct kept_task *task, int signal)
{
    if (task->state >= KEEPER_STATE_ENDING)
        return;
    /* Which signal is the polite one the task says; an agent that has enough of it sends this. */
    task->told_to_end = task->told_to_end || signal != SIGKILL;
    /* Now it would end CRIU. */
    if (kept_is_restoring(task)) {
        task->run->signal = signal;
        return;
    }
    process_tree_signal(&task->tree, signal);
}

static void handle_kill(struct kept *kept, struct kept_task *task)
{
    if (task->state >= KEEPER_STATE_ENDING)
        return;
    task->told_to_end = true;
    kept_kill_task(kept, task);
}

/*
 * The answer is silence: the agent drops the attempt in the same moment, so news of it would be of
 * a key that it does not know.
 */
static void handle_forget(struct kept *kept, struct kept_task *task)
{
    if (task->state == KEEPER_STATE_ENDED) {
        kept_drop_task(kept, task);
        return;
    }
    task->is_forgotten = true;
    kept_kill_task(kept, task);
}

/* One that is being saved is answered once, when that is over; of one that ends its end is told. */
static void handle_save(struct kept *kept, struct kept_task *task,
                        const struct keeper_checkpoint *checkpoint)
{
    switch (task->state) {
    case KEEPER_STATE_FROZEN:
        kept_save_task(kept, task, checkpoint);
        break;
    case KEEPER_STATE_RUNNING:
    case KEEPER_STATE_FREEZING:
        kept_tell(kept, &(struct keeper_news){.type = KEEPER_NEWS_SAVE_FAILED,
                                              .key = task->key,
                                              .reason = "cannot save: it does not stand still"});
        break;
    case KEEPER_STATE_SAVING:
    case KEEPER_STATE_ENDING:
    case KEEPER_STATE_ENDED:
        break;
    }
}

static void handle_usage(struct kept *kept, struct kept_task *task)
{
    if (task->state < KEEPER_STATE_ENDING) {
        process_tree_measure(&task->tree, &task->result);
        task->result.wall_us = clock_boot_us() - task->started_us;
    }
    kept_tell_of(kept, task, KEEPER_NEWS_USAGE);
}

/* ---- the whole ---- */

void kept_handle_request(struct kept *kept, const struct keeper_request *request)
{
    struct kept_task *task = kept_find_task(kept, request->key);
    bool names_task = request->type != KEEPER_REQUEST_SPAWN &&
                      request->type != KEEPER_REQUEST_LIST && request->type != KEEPER_REQUEST_ALIVE;

    if (names_task && (!task || task->is_forgotten)) {
        tell_unknown(kept, request->key);
        return;
    }
    switch (request->type) {
    case KEEPER_REQUEST_SPAWN:
        handle_spawn(kept, request->key, &request->spawn);
        break;
    case KEEPER_REQUEST_SIGNAL:
        handle_signal(task, request->signal);
        break;
    case KEEPER_REQUEST_FREEZE:
        handle_freeze(kept, task);
        break;
    case KEEPER_REQUEST_THAW:
        handle_thaw(kept, task, request->deadline_boot_ms);
        break;
    case KEEPER_REQUEST_KILL:
        handle_kill(kept, task);
        break;
    case KEEPER_REQUEST_DEADLINE:
        task->deadline_boot_ms = request->deadline_boot_ms;
        break;
    case KEEPER_REQUEST_FORGET:
        handle_forget(kept, task);
        break;
    case KEEPER_REQUEST_USAGE:
        handle_usage(kept, task);
        break;
    case KEEPER_REQUEST_LIST:
        tell_list(kept);
        break;
    case KEEPER_REQUEST_SAVE:
        handle_save(kept, task, &request->save);
        break;
    case KEEPER_REQUEST_ALIVE: /* the loop has heard it, and that is all */
        break;
    }
}
