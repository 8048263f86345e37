/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy in HTCondor's words (core/policy.h), if the admin gave one: the eyes and the clock of
 * it. It is looked at whenever owning.h hears something, when work came or went, and otherwise
 * every 5 seconds with work and every 10 without; what follows becomes the brain's event in the
 * same turn of the loop. What START and RANK say of jobs goes to the pool as the node's
 * attributes Start and Rank, and which attributes of jobs the others look at as DuskJobAttributes:
 * starts bring these. Nothing is decided here.
 */
#pragma once

#include "core/agent.h"
#include "core/policy.h"

#include <uv.h>

struct body;

struct policing {
    struct policy *policy; /* the settings'; NULL: there is none */
    uv_timer_t timer;
    struct policy_view view;
    char *start; /* owned; what START asks of jobs, as the pool is told it; NULL: nothing */
    char *rank;  /* owned; likewise how gladly RANK takes them */
    char *names; /* owned; likewise what the others look at of jobs */
    enum agent_event_kind told; /* to the brain, last */
    bool has_work;              /* as the last look saw it */
    double load;                /* of the tasks, damped as the system's is */
    uint64_t used_us;           /* what tasks had used when that was worked out, */
    uint64_t measured_ms;       /* and when that was */
};

/* Before the brain hears of any attempt. Nothing happens until the first look. */
void policing_init(struct body *body);
void policing_deinit(struct policing *policing);
/* Without a policy nothing is done. */
void policing_look(struct body *body);
/* Looks if there is work and was none, or the other way round. */
void policing_follow_work(struct body *body);
