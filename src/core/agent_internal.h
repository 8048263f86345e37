/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the agent's brain share: the agent (agent.c), its attempts (agent_attempt.c)
 * and their checkpoints (agent_save.c). */
#pragma once

#include "core/agent.h"

struct attempt {
    uint64_t epoch;
    uint32_t job, task, attempt;
    struct resources request;
    enum agent_phase phase;
    enum outcome outcome;
    enum reason reason;
    bool forgotten;      /* the server wants nothing of it: drop it as soon as nothing of it runs */
    bool lapsed;         /* frozen because its lease ended */
    bool for_owner;      /* frozen, or told to stop, because the owner is there */
    bool is_vacated;     /* told to stop by an owner who also says when that takes too long */
    bool frozen;         /* its processes are, also while they are being killed */
    bool is_out;         /* since it was frozen its memory was pushed out */
    bool news;           /* changed since it was last reported */
    bool saves_to_leave; /* what it leaves when it is told to stop is a checkpoint */
    bool leaves;         /* saving: it ends afterwards, and else goes on */
    bool is_ready;       /* saving: the set is made, */
    bool is_answered;    /* and the server has recorded it, or cannot */
    uint64_t checkpoint; /* the highest number that is used */
    uint64_t grace_ms;   /* from the polite signal to the certain one */
    uint64_t lease_end_ms;
    uint64_t since_ms; /* when its phase began */
    uint64_t user;     /* whose it is; a number of the caller's */
};

/* How an owner who is present wants his computer back. */
enum urgency {
    URGENCY_NONE, /* what is frozen has suspend_for_ms */
    URGENCY_VACATE,
    URGENCY_KILL
};

struct agent {
    struct agent_options options;
    struct resources most; /* that may be used: the capacity, or what was found beyond it */
    uint64_t now_ms;
    uint64_t session;
    uint64_t next_report_ms;
    uint64_t highest_epoch;
    enum owner_presence owner;
    enum urgency urgency;
    uint64_t only_user;      /* whose tasks may compute here; 0: everybody's */
    uint64_t owner_since_ms; /* when that changed last */
    bool memory_is_short;
    bool leaving;
    bool left;
    bool report_due;          /* a full one */
    struct attempt *attempts; /* owned; attempts_max of them, in the order of arrival */
    size_t attempt_count;
};

/* Whether the owner keeps the computer for somebody else's tasks. */
static inline bool agent_keeps_out(const struct agent *agent, const struct attempt *attempt)
{
    return agent->only_user != 0 && attempt->user != agent->only_user;
}

/* What the owner is to this attempt. */
static inline enum owner_presence agent_owner_of(const struct agent *agent,
                                                 const struct attempt *attempt)
{
    return agent_keeps_out(agent, attempt) ? OWNER_PRESENT : agent->owner;
}

/* agent_attempt.c */
struct agent_effect *agent_emit(struct agent_effects *effects, enum agent_effect_kind kind,
                                uint64_t epoch);
void attempt_move(struct agent *agent, struct attempt *attempt, enum agent_phase to,
                  enum reason reason, struct agent_effects *effects);
void attempt_end(struct agent *agent, struct attempt *attempt, enum outcome outcome,
                 enum reason reason, struct agent_effects *effects);
/* Politely if that makes sense. */
void attempt_stop(struct agent *agent, struct attempt *attempt, enum reason reason,
                  struct agent_effects *effects);
void attempt_kill(struct agent *agent, struct attempt *attempt, enum reason reason,
                  struct agent_effects *effects);
void attempt_fetched(struct agent *agent, struct attempt *attempt, enum reason failure,
                     struct agent_effects *effects);
void attempt_started(struct agent *agent, struct attempt *attempt, enum reason failure,
                     struct agent_effects *effects);
void attempt_exited(struct agent *agent, struct attempt *attempt, struct agent_effects *effects);
void attempt_vanished(struct agent *agent, struct attempt *attempt, struct agent_effects *effects);
void attempt_collected(struct agent *agent, struct attempt *attempt, enum reason failure,
                       struct agent_effects *effects);
/* agent_save.c */
/* What entering AGENT_SAVING means. */
void attempt_save(struct attempt *attempt, struct agent_effects *effects);
/* It exited, and what it left is to be a checkpoint. */
void attempt_saved_itself(struct agent *agent, struct attempt *attempt,
                          struct agent_effects *effects);
void attempt_saved(struct agent *agent, struct attempt *attempt, enum reason failure,
                   struct agent_effects *effects);
void attempt_acknowledged(struct attempt *attempt, uint64_t checkpoint);
/* One that saves shall not go on afterwards. */
void attempt_leave_saving(const struct agent *agent, struct attempt *attempt, enum reason reason);
/* The same two as below, of one that saves. */
void attempt_look_saving(struct agent *agent, struct attempt *attempt,
                         struct agent_effects *effects);
uint64_t attempt_saving_until_ms(const struct agent *agent, const struct attempt *attempt);

/* agent_attempt.c again */
/* Its lease is over: it must not run, and what has not begun never will. */
void attempt_lapse(struct agent *agent, struct attempt *attempt, struct agent_effects *effects);
/* What time and the owner make of it now. */
void attempt_look(struct agent *agent, struct attempt *attempt, struct agent_effects *effects);
/* When it must be looked at again at the latest. */
uint64_t attempt_next_ms(const struct agent *agent, const struct attempt *attempt);
struct agent_report_item attempt_item(const struct attempt *attempt);

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
