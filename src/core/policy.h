/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a computer may be used, in HTCondor's own words: START, SUSPEND, CONTINUE, PREEMPT, KILL
 * and their kin, and its ready-made policies by name (HTCondor manual, "Configuration for Execution
 * Points", *condor_startd* Policy Configuration; what the startd does, as its version 23.9.6).
 *
 * The computer is one slot. It is looked at again and again; each look tells what is so, and the
 * expressions say what follows:
 *
 *     owner <──START──> unclaimed ──work──> busy <──SUSPEND, CONTINUE──> suspended
 *                                             └───────PREEMPT──────┬─────────┘
 *                                                 vacating <──WANT_VACATE──> killing
 *                                                     └────────KILL────────────^
 *
 * and from each of the last four back to owner when no work is left. What lasts and keeps the pool
 * away (lending.h) is like a SUSPEND and no START, whatever the expressions say. A look takes one
 * of these ways at most, as a poll of the startd does; work that came or went is followed before.
 *
 * START may look at the job as well. Then the computer's part of it is judged here, and what is
 * left is told, for those who have the job (match.h); so is what RANK says of jobs. As long as
 * something is left, nobody can know it without a job: it counts as UNDEFINED.
 *
 * The other expressions are about jobs that are here, and see what each says of itself, as far as
 * it was told: which of its attributes they look at is told, too, so that starts bring these. Where
 * several jobs are here, all of them do what the one has to do that must give way the most.
 *
 * doc/specification/policy.md is the page for it. Pure: time and all that is seen come with the
 * look. Its memory grows and shrinks within a look, so it is no part of a brain's step.
 */
#pragma once

#include "core/words.h"

#include "base/error.h"

/*
 * What START and RANK may ask of jobs, in bytes each; what is longer is "error", which no job is
 * right for, and which says no rank.
 */
#define POLICY_ASKED_SIZE_MAX ((size_t)2048)

/* So many names of jobs' attributes are looked at, but for START and RANK; others are UNDEFINED. */
#define POLICY_NAMES_MAX 16u

struct policy;

/* A line of HTCondor's configuration: an expression, or a macro that they use as $(NAME). */
struct policy_definition {
    const char *name; /* case does not count */
    const char *value;
};

/* What there is without any name: what HTCondor has where nothing is configured. */
#define POLICY_DEFAULT "ALWAYS_RUN"

/* 0, or -EINVAL with an error that says which ready-made policies there are. */
int policy_check_name(const char *name, struct error *err);

/*
 * Compiles the ready-made policy (NULL: POLICY_DEFAULT) with the definitions behind it, of which
 * the last of a name counts and may refer to the one before. Returns 0, or -EINVAL or -E2BIG: an
 * unknown name, a definition that nothing uses, or what cannot be understood, with its place.
 */
int policy_new(const char *name, const struct policy_definition *definitions, size_t count,
               struct policy **ret_policy, struct error *err);
/* Accepts NULL, returns NULL. */
struct policy *policy_free(struct policy *policy);

/* What a look sees. */
struct policy_sight {
    uint64_t now_ms; /* on the agent's own clock, never less than before */
    int64_t wall_seconds;
    int32_t utc_offset_seconds;
    struct slice node;        /* the node's attributes, a line each, as old ClassAds have them */
    enum owner_presence kept; /* what lasting things say, whatever the expressions say */
    bool has_work;            /* something of the pool is here, or on its way in: */
    const struct slice
        *jobs;            /* what is known of each, as `node`; those that are alike may be one */
    size_t job_count;     /* 0: nothing is known of any */
    uint64_t keyboard_ms; /* the last use; where nobody looks, when the agent began */
    uint64_t console_ms;  /* likewise, at the computer itself */
    bool is_woken;        /* by the pool, and nobody has used it since */
    double load;          /* of everything, as uptime(1) has it; negative: not known */
    double tasks_load;    /* the pool's part of it */
};

enum policy_state {
    POLICY_OWNER,     /* nothing is begun */
    POLICY_UNCLAIMED, /* lent, and there is nothing to do */
    POLICY_BUSY,
    POLICY_SUSPENDED, /* what is there is frozen */
    POLICY_VACATING,  /* it leaves, and may take its time */
    POLICY_KILLING,   /* it ends */
    POLICY_STATE_COUNT
};

struct policy_view {
    enum policy_state state;
    enum owner_presence presence; /* what that means to the pool */
    /*
     * What START asks of jobs just now, as an expression of the old spelling that names nothing but
     * TARGET's attributes: "true" if all may come. NULL: it does not look at jobs. The policy's,
     * until the next look.
     */
    const char *start;
    const char *rank; /* likewise how gladly they are taken, by RANK; NULL: all the same */
    /* Attributes of jobs that the other expressions look at, blanks between; NULL: none. */
    const char *names;
};

/* The state moves, and is returned. Before the first look it is that of the owner. */
struct policy_view policy_look(struct policy *policy, const struct policy_sight *sight);

/* For people and tests: "suspended". */
const char *policy_state_name(enum policy_state state);
/* The text of one of the expressions without macros; NULL: there is none of that name. */
const char *policy_expression(const struct policy *policy, const char *name);
