/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that both brains share: states, reasons and outcomes as enums with the names that
 * people see, and the sizes of things. HTCondor's names, because users know them.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* "No such node", "not in any list", and "all tasks of the job". */
enum { NONE = UINT32_MAX };

enum task_state {
    TASK_IDLE,
    TASK_RUNNING,
    TASK_SUSPENDED,
    TASK_HELD,
    TASK_COMPLETED,
    TASK_REMOVED,
    TASK_STATE_COUNT
};

enum node_state {
    NODE_OFFLINE,
    NODE_OWNER,
    NODE_UNCLAIMED,
    NODE_CLAIMED,
    NODE_DRAINED,
    NODE_STATE_COUNT
};

/* What an agent says of an attempt that it holds. */
enum attempt_state {
    ATTEMPT_PREPARING, /* waits for room, fetches inputs, starts */
    ATTEMPT_RUNNING,
    ATTEMPT_SUSPENDED, /* frozen for the owner, or because its lease ended */
    ATTEMPT_ENDED,     /* has an outcome, and is kept until the server says forget */
    ATTEMPT_STATE_COUNT
};

/* How an attempt ended. */
enum outcome {
    OUTCOME_NONE,    /* it has not */
    OUTCOME_EXITED,  /* by itself, or by a signal of its own: that is its result */
    OUTCOME_FAILED,  /* could not be started, fed or collected: the reason says why */
    OUTCOME_VACATED, /* stopped by us: owner, server, or the agent's end */
    OUTCOME_LOST,    /* the agent no longer knows it, or its lease ended before it began */
    OUTCOME_COUNT
};

/* Why something is as it is: the same words in `dusk why`, the log and the golden tests. */
enum reason {
    REASON_NONE,
    REASON_FIRST_IN_LINE,
    REASON_BY_USER,
    REASON_HELD_AT_SUBMIT,
    REASON_OWNER_RETURNED,
    REASON_OWNER_LEFT,
    REASON_LEASE_ENDED,
    REASON_LEASE_RENEWED,
    REASON_AGENT_LOST_IT,
    REASON_AGENT_STOPPED,
    REASON_NODE_FORGOTTEN,
    REASON_NODE_DRAINED,
    REASON_SUSPENDED_TOO_LONG,
    REASON_OUTRANKED,
    REASON_VACATED,
    REASON_ENDED_BY_ITSELF,
    REASON_CANNOT_START,
    REASON_CANNOT_FETCH_INPUT,
    REASON_CANNOT_COLLECT_OUTPUT,
    REASON_CANNOT_DELIVER_OUTPUT,
    REASON_CANNOT_EXPAND,
    REASON_DISK_FULL_ON_NODE,
    REASON_DISK_FULL_ON_SERVER,
    REASON_DISK_FULL_AT_SUBMITTER,
    REASON_OVER_MEMORY,
    REASON_OVER_DISK,
    REASON_SAVED_ITSELF,
    REASON_CHECKPOINT_STORED,
    REASON_CANNOT_SAVE,
    REASON_OVER_PROCESSES,
    REASON_COUNT
};

/* What an owner's being there means for the pool (core/lending.h). */
enum owner_presence {
    OWNER_AWAY,   /* the computer is lent */
    OWNER_NEAR,   /* what is there goes on, and nothing is begun */
    OWNER_PRESENT /* nothing of the pool may compute */
};

/* And why; of several the first here is the one that is told. */
enum owner_reason {
    OWNER_REASON_NONE,
    OWNER_REASON_USED,   /* somebody used the computer not long ago */
    OWNER_REASON_PAUSED, /* the owner's own word: for some time, or until he says otherwise */
    OWNER_REASON_NEVER,  /* and this: not at all, until he says otherwise */
    OWNER_REASON_UNWATCHED,
    OWNER_REASON_HOURS,
    OWNER_REASON_DISTURB,
    OWNER_REASON_BATTERY,
    OWNER_REASON_HOT,
    OWNER_REASON_LOAD,
    OWNER_REASON_PRESSURE,
    OWNER_REASON_CLOSING,
    OWNER_REASON_NOTICE, /* it will be lent at once; nothing that lasts, like the next */
    OWNER_REASON_POLICY, /* core/policy.h */
    OWNER_REASON_COUNT
};

/* What a task needs and what a node has. */
struct resources {
    uint32_t cpus;
    uint64_t memory; /* bytes */
    uint64_t disk;   /* bytes */
    uint32_t gpus;
};

/* The names that people and peers see; a value out of range is a programming error. */
const char *task_state_name(enum task_state state);
const char *node_state_name(enum node_state state);
const char *attempt_state_name(enum attempt_state state);
const char *outcome_name(enum outcome outcome);
/* A stable short word for the wire and the store ("lease-ended"). */
const char *reason_name(enum reason reason);
/* A clause for people ("first in line for a node with room"). */
const char *reason_text(enum reason reason);
/* The same two for what keeps a node from being lent ("working-hours", "it is working hours"). */
const char *owner_reason_name(enum owner_reason reason);
const char *owner_reason_text(enum owner_reason reason);

/* The way back; return false if no value has that name. */
bool task_state_from_name(const char *name, enum task_state *ret_state);
bool attempt_state_from_name(const char *name, enum attempt_state *ret_state);
bool outcome_from_name(const char *name, enum outcome *ret_outcome);
bool reason_from_name(const char *name, enum reason *ret_reason);
bool owner_reason_from_name(const char *name, enum owner_reason *ret_reason);

/* Whether a task in this state is over: history's, not the queue's. */
bool task_state_is_over(enum task_state state);

bool resources_are_equal(const struct resources *a, const struct resources *b);
bool resources_fit(const struct resources *needed, const struct resources *available);
void resources_take(struct resources *available, const struct resources *taken);
void resources_give(struct resources *available, const struct resources *given);
/* Of each amount the larger one. */
struct resources resources_larger(const struct resources *a, const struct resources *b);
