/* SPDX-License-Identifier: Apache-2.0 */
/* See words.h: tables of names, one line each. */
#include "words.h"

#include <assert.h>
#include <string.h>

static const char *const task_state_names[TASK_STATE_COUNT] = {
    [TASK_IDLE] = "Idle", [TASK_RUNNING] = "Running",     [TASK_SUSPENDED] = "Suspended",
    [TASK_HELD] = "Held", [TASK_COMPLETED] = "Completed", [TASK_REMOVED] = "Removed",
};

static const char *const node_state_names[NODE_STATE_COUNT] = {
    [NODE_OFFLINE] = "Offline", [NODE_OWNER] = "Owner",     [NODE_UNCLAIMED] = "Unclaimed",
    [NODE_CLAIMED] = "Claimed", [NODE_DRAINED] = "Drained",
};

static const char *const attempt_state_names[ATTEMPT_STATE_COUNT] = {
    [ATTEMPT_PREPARING] = "preparing",
    [ATTEMPT_RUNNING] = "running",
    [ATTEMPT_SUSPENDED] = "suspended",
    [ATTEMPT_ENDED] = "ended",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = "none",       [OUTCOME_EXITED] = "exited", [OUTCOME_FAILED] = "failed",
    [OUTCOME_VACATED] = "vacated", [OUTCOME_LOST] = "lost",
};

static const char *const reason_names[REASON_COUNT] = {
    [REASON_NONE] = "none",
    [REASON_FIRST_IN_LINE] = "first-in-line",
    [REASON_BY_USER] = "by-user",
    [REASON_HELD_AT_SUBMIT] = "held-at-submit",
    [REASON_OWNER_RETURNED] = "owner-returned",
    [REASON_OWNER_LEFT] = "owner-left",
    [REASON_LEASE_ENDED] = "lease-ended",
    [REASON_LEASE_RENEWED] = "lease-renewed",
    [REASON_AGENT_LOST_IT] = "agent-lost-it",
    [REASON_AGENT_STOPPED] = "agent-stopped",
    [REASON_NODE_FORGOTTEN] = "node-forgotten",
    [REASON_NODE_DRAINED] = "node-drained",
    [REASON_SUSPENDED_TOO_LONG] = "suspended-too-long",
    [REASON_OUTRANKED] = "outranked",
    [REASON_VACATED] = "vacated",
    [REASON_ENDED_BY_ITSELF] = "ended-by-itself",
    [REASON_CANNOT_START] = "cannot-start",
    [REASON_CANNOT_FETCH_INPUT] = "cannot-fetch-input",
    [REASON_CANNOT_COLLECT_OUTPUT] = "cannot-collect-output",
    [REASON_CANNOT_DELIVER_OUTPUT] = "cannot-deliver-output",
    [REASON_CANNOT_EXPAND] = "cannot-expand",
    [REASON_DISK_FULL_ON_NODE] = "disk-full-on-node",
    [REASON_DISK_FULL_ON_SERVER] = "disk-full-on-server",
    [REASON_DISK_FULL_AT_SUBMITTER] = "disk-full-at-submitter",
    [REASON_OVER_MEMORY] = "over-memory",
    [REASON_OVER_DISK] = "over-disk",
    [REASON_SAVED_ITSELF] = "saved-itself",
    [REASON_CHECKPOINT_STORED] = "checkpoint-stored",
    [REASON_CANNOT_SAVE] = "cannot-save",
    [REASON_OVER_PROCESSES] = "over-processes",
};

static const char *const reason_texts[REASON_COUNT] = {
    [REASON_NONE] = "",
    [REASON_FIRST_IN_LINE] = "first in line for a node with room",
    [REASON_BY_USER] = "a user asked for it",
    [REASON_HELD_AT_SUBMIT] = "submitted on hold",
    [REASON_OWNER_RETURNED] = "the node's owner returned",
    [REASON_OWNER_LEFT] = "the node's owner left",
    [REASON_LEASE_ENDED] = "its lease ended, for node and server did not hear each other",
    [REASON_LEASE_RENEWED] = "the server is back and renewed the lease",
    [REASON_AGENT_LOST_IT] = "the node's agent does not know it any more",
    [REASON_AGENT_STOPPED] = "the node's agent was stopped",
    [REASON_NODE_FORGOTTEN] = "the node was taken out of the pool",
    [REASON_NODE_DRAINED] = "the node is drained, and nothing was to go on there",
    [REASON_SUSPENDED_TOO_LONG] = "it was suspended for long, and another node was free",
    [REASON_OUTRANKED] = "it made way for a task that the node's RANK prefers",
    [REASON_VACATED] = "it was told to leave the node",
    [REASON_ENDED_BY_ITSELF] = "the program ended",
    [REASON_CANNOT_START] = "the program could not be started",
    [REASON_CANNOT_FETCH_INPUT] = "an input could not be brought to the node",
    [REASON_CANNOT_COLLECT_OUTPUT] = "an output could not be brought from the node",
    [REASON_CANNOT_DELIVER_OUTPUT] = "an output could not be written to its place",
    [REASON_CANNOT_EXPAND] = "its submit description could not be expanded",
    [REASON_DISK_FULL_ON_NODE] = "the disk of the node is full",
    [REASON_DISK_FULL_ON_SERVER] = "the disk of the server is full",
    [REASON_DISK_FULL_AT_SUBMITTER] = "the disk of the submit folder is full",
    [REASON_OVER_MEMORY] = "it used more memory than it asked for",
    [REASON_OVER_DISK] = "it used more disk than it asked for",
    [REASON_SAVED_ITSELF] = "the program has saved itself",
    [REASON_CHECKPOINT_STORED] = "the server has its checkpoint, or cannot have it",
    [REASON_CANNOT_SAVE] = "its checkpoint could not be made",
    [REASON_OVER_PROCESSES] = "it wanted more processes than it may have",
};

static const char *const owner_reason_names[OWNER_REASON_COUNT] = {
    [OWNER_REASON_NONE] = "none",
    [OWNER_REASON_USED] = "used",
    [OWNER_REASON_PAUSED] = "paused",
    [OWNER_REASON_NEVER] = "never",
    [OWNER_REASON_UNWATCHED] = "unwatched",
    [OWNER_REASON_HOURS] = "working-hours",
    [OWNER_REASON_DISTURB] = "do-not-disturb",
    [OWNER_REASON_BATTERY] = "on-battery",
    [OWNER_REASON_HOT] = "too-hot",
    [OWNER_REASON_LOAD] = "load",
    [OWNER_REASON_PRESSURE] = "pressure",
    [OWNER_REASON_CLOSING] = "closing",
    [OWNER_REASON_NOTICE] = "notice",
    [OWNER_REASON_POLICY] = "policy",
};

static const char *const owner_reason_texts[OWNER_REASON_COUNT] = {
    [OWNER_REASON_NONE] = "nobody uses it",
    [OWNER_REASON_USED] = "somebody uses it",
    [OWNER_REASON_PAUSED] = "its owner has paused it",
    [OWNER_REASON_NEVER] = "its owner does not lend it",
    [OWNER_REASON_UNWATCHED] = "whether somebody uses it cannot be seen",
    [OWNER_REASON_HOURS] = "it is working hours there",
    [OWNER_REASON_DISTURB] = "a program there must not be disturbed",
    [OWNER_REASON_BATTERY] = "it runs on its battery",
    [OWNER_REASON_HOT] = "it is too hot",
    [OWNER_REASON_LOAD] = "its owner's programs compute",
    [OWNER_REASON_PRESSURE] = "its owner's programs wait for memory or disks",
    [OWNER_REASON_CLOSING] = "its working hours begin soon",
    [OWNER_REASON_NOTICE] = "notice is given that it will be lent",
    [OWNER_REASON_POLICY] = "its policy keeps it back",
};

const char *task_state_name(enum task_state state)
{
    assert(state < TASK_STATE_COUNT);
    return task_state_names[state];
}

const char *node_state_name(enum node_state state)
{
    assert(state < NODE_STATE_COUNT);
    return node_state_names[state];
}

const char *attempt_state_name(enum attempt_state state)
{
    assert(state < ATTEMPT_STATE_COUNT);
    return attempt_state_names[state];
}

const char *outcome_name(enum outcome outcome)
{
    assert(outcome < OUTCOME_COUNT);
    return outcome_names[outcome];
}

const char *reason_name(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return reason_names[reason];
}

const char *reason_text(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return reason_texts[reason];
}

const char *owner_reason_name(enum owner_reason reason)
{
    assert(reason < OWNER_REASON_COUNT);
    return owner_reason_names[reason];
}

const char *owner_reason_text(enum owner_reason reason)
{
    assert(reason < OWNER_REASON_COUNT);
    return owner_reason_texts[reason];
}

static bool name_find(const char *const *names, unsigned int count, const char *name,
                      unsigned int *ret_index)
{
    for (unsigned int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    return false;
}

bool task_state_from_name(const char *name, enum task_state *ret_state)
{
    return name_find(task_state_names, TASK_STATE_COUNT, name, ret_state);
}

bool attempt_state_from_name(const char *name, enum attempt_state *ret_state)
{
    return name_find(attempt_state_names, ATTEMPT_STATE_COUNT, name, ret_state);
}

bool outcome_from_name(const char *name, enum outcome *ret_outcome)
{
    return name_find(outcome_names, OUTCOME_COUNT, name, ret_outcome);
}

bool reason_from_name(const char *name, enum reason *ret_reason)
{
    return name_find(reason_names, REASON_COUNT, name, ret_reason);
}

bool owner_reason_from_name(const char *name, enum owner_reason *ret_reason)
{
    return name_find(owner_reason_names, OWNER_REASON_COUNT, name, ret_reason);
}

bool task_state_is_over(enum task_state state)
{
    return state == TASK_COMPLETED || state == TASK_REMOVED;
}

/* Member by member: between them there may be padding, which holds anything. */
bool resources_are_equal(const struct resources *a, const struct resources *b)
{
    return a->cpus == b->cpus && a->memory == b->memory && a->disk == b->disk && a->gpus == b->gpus;
}

bool resources_fit(const struct resources *needed, const struct resources *available)
{
    return needed->cpus <= available->cpus && needed->memory <= available->memory &&
           needed->disk <= available->disk && needed->gpus <= available->gpus;
}

void resources_take(struct resources *available, const struct resources *taken)
{
    assert(resources_fit(taken, available));
    available->cpus -= taken->cpus;
    available->memory -= taken->memory;
    available->disk -= taken->disk;
    available->gpus -= taken->gpus;
}

void resources_give(struct resources *available, const struct resources *given)
{
    available->cpus += given->cpus;
    available->memory += given->memory;
    available->disk += given->disk;
    available->gpus += given->gpus;
}

struct resources resources_larger(const struct resources *a, const struct resources *b)
{
    return (struct resources){.cpus = a->cpus > b->cpus ? a->cpus : b->cpus,
                              .memory = a->memory > b->memory ? a->memory : b->memory,
                              .disk = a->disk > b->disk ? a->disk : b->disk,
                              .gpus = a->gpus > b->gpus ? a->gpus : b->gpus};
}
