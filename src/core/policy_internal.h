/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the policy share: its texts (policy_text.c) and its states (policy.c). */
#pragma once

#include "core/policy.h"

#include "lang/classad.h"

/* The expressions that are evaluated; all else that is defined is a macro of theirs. */
enum policy_expression {
    POLICY_START,
    POLICY_RANK,
    POLICY_IS_OWNER,
    POLICY_WANT_SUSPEND,
    POLICY_SUSPEND,
    POLICY_CONTINUE,
    POLICY_PREEMPT,
    POLICY_WANT_VACATE,
    POLICY_KILL,
    POLICY_MACHINE_MAX_VACATE_TIME,
    POLICY_CPU_BUSY,
    POLICY_EXPRESSION_COUNT
};

extern const char *const policy_expression_names[POLICY_EXPRESSION_COUNT];

struct policy {
    char *texts[POLICY_EXPRESSION_COUNT]; /* owned; without macros */
    struct classad_evaluator evaluator;
    enum policy_state state;
    uint64_t state_ms;    /* when it was entered, as HTCondor counts states: */
    uint64_t activity_ms; /* busy and suspended are activities of one */
    uint64_t work_ms;     /* since when there is work */
    uint64_t busy_ms;     /* since when CpuBusy is true; only if is_cpu_busy */
    bool is_cpu_busy;
    struct buffer start;   /* what START asks of jobs, as of the last look */
    struct buffer rank;    /* and RANK */
    struct buffer names;   /* of jobs' attributes that the others look at, likewise */
    double vacate_seconds; /* what the work that is here was pledged for its leaving */
};

/* Fills texts[]; as policy_new(). */
int policy_compile(struct policy *policy, const char *name,
                   const struct policy_definition *definitions, size_t count, struct error *err);
