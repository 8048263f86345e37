/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kept_internal.h and doc/specification/keeper.md, "Checkpoints": tasks that wait for CRIU.
 *
 * A dump finds its task frozen, and CRIU freezes it again before it lets go; the keeper sees to
 * that itself all the same, because whoever sits at the computer relies on it. It is never broken
 * off: a task that CRIU held when it was killed has CRIU's instructions in it, and is lost. So what
 * is asked for meanwhile waits, but for the end of the task, which is that of CRIU, too.
 *
 * A restore has CRIU in the task's group, so that all of it can be frozen and killed at any moment.
 * Process 1 is the keeper's child as soon as CRIU has made it, but is known to be the leader only
 * when CRIU has ended well; if it ends before, its status is kept until then.
 */
#define _GNU_SOURCE
#include "kept_internal.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum {
    PATIENCE_MS = 15 * 60 * 1000, /* gigabytes to a slow disk */
    PROCESSES_OF_CRIU = 8,
    MEMORY_OF_CRIU = 64 * 1024 * 1024, /* bytes */
};

/* ---- the run ---- */

static void begin_run(struct kept *kept, struct kept_task *task, enum checkpoint_verb verb,
                      const struct keeper_checkpoint *checkpoint, pid_t child)
{
    struct kept_run *run = memory_allocate(sizeof(*run));

    *run = (struct kept_run){.child = child,
                             .verb = verb,
                             .checkpoint = {.folder = memory_copy_string(checkpoint->folder),
                                            .criu = memory_copy_string(checkpoint->criu)},
                             .ends_ms = clock_boot_ms() + PATIENCE_MS};
    task->run = run;
    kept->run_count++;
}

static void free_run(struct kept_run *run)
{
    free((char *)run->checkpoint.folder);
    free((char *)run->checkpoint.criu);
    free(run);
}

void kept_drop_run(struct kept *kept, struct kept_task *task)
{
    if (!task->run)
        return;
    free_run(task->run);
    task->run = NULL;
    kept->run_count--;
}

bool kept_is_restoring(const struct kept_task *task)
{
    return task->run && task->run->verb == CHECKPOINT_RESTORE;
}

void kept_stop_saving(struct kept_task *task)
{
    if (task->run && task->run->verb == CHECKPOINT_DUMP)
        kill(task->run->child, SIGKILL);
}

/* ---- save ---- */

static void tell_save_failed(struct kept *kept, const struct kept_task *task, bool is_lost,
                             const char *reason)
{
    struct keeper_news news = {
        .type = KEEPER_NEWS_SAVE_FAILED, .key = task->key, .is_lost = is_lost, .reason = reason};

    if (!task->is_forgotten)
        kept_tell(kept, &news);
}

static int begin_dump(struct kept *kept, const struct kept_task *task,
                      const struct keeper_checkpoint *checkpoint, pid_t *ret_child,
                      struct error *err)
{
    _cleanup_free_ char *group = NULL;

    if (kept_is_restoring(task))
        return error_set(err, -EBUSY, "cannot save: it is still being restored");
    if (!task->is_contained)
        return error_set(err, -ENOTSUP, "cannot save: it does not run in a container");
    if (!task->tree.group)
        return error_set(err, -ENOTSUP, "cannot save: this node has no control groups");
    group = file_join(kept->groups.path, task->tree.group->limits.name);
    return checkpoint_begin_dump(checkpoint, task->tree.leader, group, ret_child, err);
}

void kept_save_task(struct kept *kept, struct kept_task *task,
                    const struct keeper_checkpoint *checkpoint)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    pid_t child;

    if (begin_dump(kept, task, checkpoint, &child, &err) < 0) {
        tell_save_failed(kept, task, false, error_text(&err));
        return;
    }
    begin_run(kept, task, CHECKPOINT_DUMP, checkpoint, child);
    kept->hurry.is_asked_for = kept->gives_way;
    kept_move_task(kept, task, KEEPER_STATE_SAVING);
}

static bool has_succeeded(int wait_status)
{
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}

static void explain(const struct kept_run *run, int wait_status, struct error *err)
{
    if (run->is_expired)
        error_set(err, -ETIMEDOUT, "CRIU came to no end within %d minutes",
                  PATIENCE_MS / (60 * 1000));
    else
        checkpoint_explain(&run->checkpoint, run->verb, wait_status, err);
}

/* Its state is SAVING no more when it ended meanwhile, and that is told in other words. */
static void end_dump(struct kept *kept, struct kept_task *task, int wait_status)
{
    bool thaws = task->run->thaws, is_lost = WIFSIGNALED(wait_status);
    _cleanup_error_ struct error err = ERROR_INIT;

    if (!has_succeeded(wait_status))
        explain(task->run, wait_status, &err);
    kept_drop_run(kept, task);
    if (task->state != KEEPER_STATE_SAVING || task->is_killed)
        return;
    if (has_succeeded(wait_status))
        kept_tell_of(kept, task, KEEPER_NEWS_SAVED);
    else
        tell_save_failed(kept, task, is_lost, error_text(&err));
    if (is_lost) {
        task->told_to_end = true;
        kept_kill_task(kept, task);
    } else if (thaws) {
        process_tree_thaw(&task->tree);
        kept_move_task(kept, task, KEEPER_STATE_RUNNING);
        kept_tell_of(kept, task, KEEPER_NEWS_THAWED);
    } else {
        kept_freeze_task(kept, task);
    }
}

/* ---- restore ---- */

struct cgroup_request kept_limits_of_restore(struct cgroup_request limits)
{
    if (limits.processes_max > 0 && limits.processes_max < UINT64_MAX - PROCESSES_OF_CRIU)
        limits.processes_max += PROCESSES_OF_CRIU;
    if (limits.memory_max > 0 && limits.memory_max < UINT64_MAX - MEMORY_OF_CRIU)
        limits.memory_max += MEMORY_OF_CRIU;
    return limits;
}

int kept_restore_task(struct kept *kept, struct kept_task *task, const struct keeper_spawn *spawn,
                      const struct cgroup_request *limits, struct error *err)
{
    pid_t child;
    int r;

    if (!task->tree.group)
        return error_set(err, -ENOTSUP, "this node has no control groups");
    r = checkpoint_begin_restore(spawn, task->tree.group, &child, err);
    if (r < 0)
        return r;
    begin_run(kept, task, CHECKPOINT_RESTORE, &spawn->restore, child);
    task->run->limits = *limits;
    return 0;
}

/* Whoever is left in its group is killed, and then the failure is told. */
static void fail_restore(struct kept *kept, struct kept_task *task, int wait_status)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    explain(task->run, wait_status, &err);
    kept_drop_run(kept, task);
    task->result.wait_status = SIGKILL;
    if (!task->is_killed)
        task->failure = memory_copy_string(error_text(&err));
    kept_kill_task(kept, task);
    kept_move_task(kept, task, KEEPER_STATE_ENDING);
}

static void begin_again(struct kept *kept, struct kept_task *task, pid_t leader)
{
    struct kept_run *run = task->run;

    task->run = NULL;
    kept->run_count--;
    task->tree.leader = leader;
    (void)cgroup_limits_apply(&task->tree.group->limits, &run->limits);
    kept_tell_of(kept, task, KEEPER_NEWS_STARTED);
    if (run->signal > 0)
        process_tree_signal(&task->tree, run->signal);
    if (run->has_ended)
        kept_end_leader(kept, task, run->wait_status, &run->usage);
    else
        map_put(&kept->by_pid, (uint64_t)leader, task->place);
    free_run(run);
}

static void end_restore(struct kept *kept, struct kept_task *task, int wait_status)
{
    pid_t leader =
        has_succeeded(wait_status) ? checkpoint_read_leader(task->run->checkpoint.folder) : 0;

    if (leader > 0)
        begin_again(kept, task, leader);
    else
        fail_restore(kept, task, wait_status);
}

/* ---- both ---- */

bool kept_run_has_ended(struct kept *kept, pid_t pid, int wait_status)
{
    for (size_t i = 0; i < kept->place_count && kept->run_count > 0; i++) {
        struct kept_task *task = kept->tasks[i];

        if (!task || !task->run || task->run->child != pid)
            continue;
        if (task->run->verb == CHECKPOINT_DUMP)
            end_dump(kept, task, wait_status);
        else
            end_restore(kept, task, wait_status);
        return true;
    }
    return false;
}

bool kept_note_early_end(struct kept *kept, pid_t pid, int wait_status, const struct rusage *usage)
{
    for (size_t i = 0; i < kept->place_count && kept->run_count > 0; i++) {
        const struct kept_task *task = kept->tasks[i];

        if (!task || !kept_is_restoring(task) ||
            checkpoint_read_leader(task->run->checkpoint.folder) != pid)
            continue;
        task->run->has_ended = true;
        task->run->wait_status = wait_status;
        task->run->usage = *usage;
        return true;
    }
    return false;
}

/* A restore that stands still with its task is not to blame for the time. */
static void expire(struct kept_task *task, uint64_t now_boot_ms)
{
    if (kept_is_restoring(task) && kept_stands_still(task->state)) {
        task->run->ends_ms = now_boot_ms + PATIENCE_MS;
        return;
    }
    task->run->is_expired = true;
    task->run->ends_ms = UINT64_MAX;
    if (kept_is_restoring(task))
        process_tree_kill(&task->tree);
    else
        kept_stop_saving(task);
}

void kept_expire(struct kept *kept, uint64_t now_boot_ms)
{
    if (now_boot_ms < kept_next_expiry(kept))
        return;
    for (size_t i = 0; i < kept->place_count; i++)
        if (kept->tasks[i] && kept->tasks[i]->run && kept->tasks[i]->run->ends_ms <= now_boot_ms)
            expire(kept->tasks[i], now_boot_ms);
}

uint64_t kept_next_expiry(const struct kept *kept)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < kept->place_count && kept->run_count > 0; i++)
        if (kept->tasks[i] && kept->tasks[i]->run && kept->tasks[i]->run->ends_ms < next)
            next = kept->tasks[i]->run->ends_ms;
    return next;
}
