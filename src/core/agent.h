/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent's brain: what this node does with the attempts that it was given.
 *
 * The same shape as the pool's: one event in, effects out, no clock, no I/O, no allocation. It is
 * sized once for the attempts that it may hold (agent_new). The claims here are leases on the
 * agent's own clock: a lease is counted from the moment the report was sent that the server's
 * answer names. An attempt whose lease ended is frozen, not killed: if the server was only away and
 * renews it, the work goes on; if the task was given to somebody else meanwhile, the server says
 * forget. Results are kept until then, too.
 *
 * The owner comes first: with the owner present everything is frozen at once, and leaves after a
 * while; with him near nothing is begun. Which of it is so is lending.h's to say, or policy.h's, by
 * which he may also want that all leaves. He may keep the computer for one user's tasks: to those
 * of all others he counts as present at all times.
 * doc/specification/agent.md is the page for it; saving.md is the one for checkpoints.
 */
#pragma once

#include "core/policy.h"
#include "core/words.h"

struct agent;

/* For the two times of the owner's: no clock says when what is frozen leaves, but
 * AGENT_OWNER_VACATES does. */
#define AGENT_NEVER_MS ((uint64_t)INT64_MAX)

struct agent_options {
    struct resources capacity;
    uint32_t attempts_max;        /* held at once; more are refused. No less than are found */
    uint64_t heartbeat_ms;        /* between full reports; the server's welcome may change it */
    uint64_t grace_ms;            /* from the polite signal to the certain one */
    uint64_t suspend_for_ms;      /* frozen this long for its owner, an attempt leaves the node */
    uint64_t give_back_memory_ms; /* the same of one with memory that the owner is short of */
    uint64_t keep_lapsed_ms;      /* frozen this long after its lease, it is given up */
    uint64_t highest_epoch;       /* that was remembered from before the restart */
};

/* The life of an attempt on its node. */
enum agent_phase {
    AGENT_WAITING,  /* for room: something is still leaving */
    AGENT_FETCHING, /* its inputs */
    AGENT_STARTING, /* the keeper was asked to start it */
    AGENT_RUNNING,
    AGENT_FROZEN,
    AGENT_STOPPING,   /* it has had the polite signal */
    AGENT_KILLING,    /* and the certain one */
    AGENT_SAVING,     /* it stands still, for its checkpoint is being made or brought away */
    AGENT_COLLECTING, /* it ended by itself; its outputs are listed and measured */
    AGENT_ENDED,      /* its outcome is kept until the server says forget */
    AGENT_PHASE_COUNT
};

enum agent_event_kind {
    AGENT_TICK,
    AGENT_CONNECTED, /* the server has accepted us */
    AGENT_DISCONNECTED,
    AGENT_START,
    AGENT_STOP,   /* leave, politely first */
    AGENT_FORGET, /* kill it if it runs, drop what is kept */
    AGENT_RENEWED,
    AGENT_FETCHED,        /* the inputs are in place, or cannot be: failure */
    AGENT_STARTED,        /* the keeper started it, or could not: failure */
    AGENT_EXITED,         /* by whatever cause: all of its processes are gone */
    AGENT_VANISHED,       /* its processes are gone, and nobody knows how they ended */
    AGENT_COLLECTED,      /* the outputs are listed, or cannot be: failure */
    AGENT_SAVED_ITSELF,   /* it exited, too, and what it left is to be a checkpoint */
    AGENT_SAVED,          /* the set of a checkpoint is made, or cannot be: failure */
    AGENT_ACKNOWLEDGED,   /* the server has recorded the checkpoint, or cannot */
    AGENT_LAPSED,         /* the keeper froze it, because its lease ended */
    AGENT_FOUND,          /* after our restart: the keeper has it */
    AGENT_PUSHED_OUT,     /* of what is frozen next to nothing is in memory any more */
    AGENT_MEMORY_SHORT,   /* the computer is short of memory, */
    AGENT_MEMORY_ENOUGH,  /* or not any more */
    AGENT_OWNER_RETURNED, /* nothing may compute */
    AGENT_OWNER_NEAR,     /* what is there may, but nothing is begun */
    AGENT_OWNER_LEFT,
    AGENT_OWNER_VACATES, /* nothing may compute but to leave, as long as the next one lets it */
    AGENT_OWNER_KILLS,   /* nothing may be here */
    AGENT_OWNER_KEEPS,   /* for one user's tasks; to others he is present, whatever he does */
    AGENT_LEAVE          /* end everything; AGENT_LEFT follows */
};

struct agent_event {
    enum agent_event_kind kind;
    uint64_t now_ms; /* on the agent's own clock, never less than before */
    uint64_t epoch;  /* of the attempt, where it is about one */
    union {
        struct {
            uint64_t session;
            uint64_t heartbeat_ms;
        } connected;
        struct {
            uint64_t session;
            uint32_t job, task, attempt;
            struct resources request;
            uint64_t answers_ms;
            uint64_t lease_ms;
            uint64_t user;       /* whose it is, as a number; only of AGENT_START, */
            uint64_t checkpoint; /* as is the number of the one that it begins from, or 0, */
            bool saves_to_leave; /* whether what it leaves when it must go is one, */
            uint64_t vacate_ms;  /* and after how long it has gone at the latest; 0: it says none */
        } start;                 /* and AGENT_RENEWED, which uses session, answers_ms, lease_ms */
        enum reason failure;     /* REASON_NONE: it went well */
        uint64_t checkpoint;     /* AGENT_ACKNOWLEDGED: which */
        struct {
            uint32_t job, task, attempt;
            struct resources request;
            /*
             * RUNNING, FROZEN, COLLECTING (it exited), SAVING (it exited, to be saved) or KILLING
             * (it was told to end).
             */
            enum agent_phase phase;
            uint64_t lease_end_ms;
            uint64_t user;
            uint64_t checkpoint; /* the highest number that was used when it was started last */
            bool saves_to_leave;
            uint64_t vacate_ms;
        } found;
        uint64_t only_user; /* of AGENT_OWNER_KEEPS; 0: whoever's tasks are welcome */
    };
};

enum agent_effect_kind {
    AGENT_FETCH,
    AGENT_SPAWN,
    AGENT_FREEZE,
    AGENT_THAW,
    AGENT_TERMINATE, /* the polite signal to the whole tree */
    AGENT_KILL,      /* the certain one */
    AGENT_COLLECT,
    AGENT_SAVE,     /* make the set of a checkpoint; what was reported of the one before is void */
    AGENT_DROP,     /* its scratch, its results, its entry in the keeper */
    AGENT_DEADLINE, /* tell the keeper when the lease ends */
    AGENT_SAVE_EPOCH,
    AGENT_REPORT, /* agent_write_report() now; full or only news */
    AGENT_LEFT,   /* nothing runs any more; the process may end when this report is sent */
    AGENT_TRACE
};

struct agent_effect {
    enum agent_effect_kind kind;
    uint64_t epoch;
    union {
        bool full;            /* AGENT_REPORT */
        uint64_t deadline_ms; /* AGENT_DEADLINE */
        uint64_t checkpoint;  /* AGENT_SAVE, AGENT_SPAWN: the highest number that is used */
        struct {
            uint32_t job, task, attempt;
            enum agent_phase from, to;
            enum reason reason;
        } trace;
    };
};

struct agent_effects {
    struct agent_effect *items; /* owned */
    size_t length;
    size_t capacity;
};

#define AGENT_EFFECTS_INIT ((struct agent_effects){0})
void agent_effects_deinit(struct agent_effects *effects);

/* One attempt as it is reported; the counterpart of struct pool_report_item. */
struct agent_report_item {
    uint64_t epoch;
    uint32_t job, task, attempt;
    enum attempt_state state;
    enum outcome outcome;
    enum reason reason;
    uint64_t checkpoint; /* whose set can be fetched; 0: none */
};

/* NULL if there is no memory. */
struct agent *agent_new(const struct agent_options *options);
/* Accepts NULL, returns NULL. */
struct agent *agent_free(struct agent *agent);

/* Makes room in `effects` for what any event may cause; 0 or -ENOMEM. */
int agent_prepare(const struct agent *agent, struct agent_effects *effects);
void agent_step(struct agent *agent, const struct agent_event *event,
                struct agent_effects *effects);
/* When agent_step() must be called again at the latest; UINT64_MAX: only when something happens. */
uint64_t agent_next_step_ms(const struct agent *agent);

/*
 * Writes what AGENT_REPORT asked for into `items`, which has room for agent_options.attempts_max,
 * and returns how many. Full: all; else those with news since the last report.
 */
size_t agent_write_report(struct agent *agent, bool full, struct agent_report_item *items);

uint64_t agent_highest_epoch(const struct agent *agent);
uint64_t agent_session(const struct agent *agent); /* 0 while there is no connection */
enum owner_presence agent_owner(const struct agent *agent);
/* The event that tells of it. */
enum agent_event_kind agent_event_of_owner(enum owner_presence presence);
/* Likewise of what a policy says of him. */
enum agent_event_kind agent_event_of_policy(const struct policy_view *view);
/* Whether anything is here that computes, or on its way in or out. */
bool agent_has_work(const struct agent *agent);
bool agent_is_leaving(const struct agent *agent);
const char *agent_phase_name(enum agent_phase phase);

uint64_t agent_digest(const struct agent *agent);
void agent_assert_invariants(const struct agent *agent);

/* For the simulator and for people: the attempts held, in no order that means anything. */
struct agent_attempt_view {
    uint64_t epoch;
    uint32_t job, task, attempt;
    enum agent_phase phase;
    enum attempt_state state; /* as it is reported */
    uint64_t checkpoint;      /* the highest number that is used */
    struct resources request;
    uint64_t lease_end_ms;
    uint64_t since_ms; /* when the phase began */
};

size_t agent_count_attempts(const struct agent *agent);
struct agent_attempt_view agent_view_attempt(const struct agent *agent, size_t index);
/* Of all that holds room now. */
struct resources agent_used(const struct agent *agent);
