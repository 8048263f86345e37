/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one attempt on its node: its phases, and what events, time and the owner make of it.
 *
 * attempt_move() is the only place that changes a phase, along the table below, and does what
 * entering a phase always means. A phase says what the processes do; what an attempt wants besides
 * is few flags (agent_internal.h).
 */
#include "agent_internal.h"

#include <assert.h>

static const char *const phase_names[AGENT_PHASE_COUNT] = {
    [AGENT_WAITING] = "waiting", [AGENT_FETCHING] = "fetching", [AGENT_STARTING] = "starting",
    [AGENT_RUNNING] = "running", [AGENT_FROZEN] = "frozen",     [AGENT_STOPPING] = "stopping",
    [AGENT_KILLING] = "killing", [AGENT_SAVING] = "saving",     [AGENT_COLLECTING] = "collecting",
    [AGENT_ENDED] = "ended",
};

static const bool phase_move_allowed[AGENT_PHASE_COUNT][AGENT_PHASE_COUNT] = {
    [AGENT_WAITING] = {[AGENT_FETCHING] = true, [AGENT_ENDED] = true},
    [AGENT_FETCHING] = {[AGENT_STARTING] = true, [AGENT_ENDED] = true},
    [AGENT_STARTING] = {[AGENT_RUNNING] = true, [AGENT_KILLING] = true, [AGENT_ENDED] = true},
    [AGENT_RUNNING] = {[AGENT_FROZEN] = true,
                       [AGENT_STOPPING] = true,
                       [AGENT_KILLING] = true,
                       [AGENT_SAVING] = true,
                       [AGENT_COLLECTING] = true,
                       [AGENT_ENDED] = true},
    [AGENT_FROZEN] = {[AGENT_RUNNING] = true,
                      [AGENT_STOPPING] = true,
                      [AGENT_KILLING] = true,
                      [AGENT_SAVING] = true,
                      [AGENT_COLLECTING] = true,
                      [AGENT_ENDED] = true},
    [AGENT_STOPPING] = {[AGENT_KILLING] = true, [AGENT_SAVING] = true, [AGENT_ENDED] = true},
    [AGENT_KILLING] = {[AGENT_ENDED] = true},
    [AGENT_SAVING] = {[AGENT_STARTING] = true, [AGENT_ENDED] = true},
    [AGENT_COLLECTING] = {[AGENT_ENDED] = true},
};

const char *agent_phase_name(enum agent_phase phase)
{
    assert(phase < AGENT_PHASE_COUNT);
    return phase_names[phase];
}

struct agent_effect *agent_emit(struct agent_effects *effects, enum agent_effect_kind kind,
                                uint64_t epoch)
{
    struct agent_effect *effect;

    assert(effects->length < effects->capacity);
    effect = &effects->items[effects->length++];
    *effect = (struct agent_effect){.kind = kind, .epoch = epoch};
    return effect;
}

void attempt_move(struct agent *agent, struct attempt *attempt, enum agent_phase to,
                  enum reason reason, struct agent_effects *effects)
{
    struct agent_effect *trace = agent_emit(effects, AGENT_TRACE, attempt->epoch);

    assert(phase_move_allowed[attempt->phase][to]);
    trace->trace.job = attempt->job;
    trace->trace.task = attempt->task;
    trace->trace.attempt = attempt->attempt;
    trace->trace.from = attempt->phase;
    trace->trace.to = to;
    trace->trace.reason = reason;
    attempt->phase = to;
    attempt->since_ms = agent->now_ms;
    attempt->reason = reason;
    switch (to) {
    case AGENT_FETCHING:
        agent_emit(effects, AGENT_FETCH, attempt->epoch);
        break;
    case AGENT_STARTING:
        agent_emit(effects, AGENT_DEADLINE, attempt->epoch)->deadline_ms = attempt->lease_end_ms;
        agent_emit(effects, AGENT_SPAWN, attempt->epoch)->checkpoint = attempt->checkpoint;
        break;
    case AGENT_FROZEN:
        agent_emit(effects, AGENT_FREEZE, attempt->epoch);
        attempt->frozen = true;
        attempt->is_out = false;
        attempt->news = true;
        break;
    case AGENT_STOPPING:
        agent_emit(effects, AGENT_TERMINATE, attempt->epoch);
        break;
    case AGENT_KILLING:
        agent_emit(effects, AGENT_KILL, attempt->epoch);
        break;
    case AGENT_SAVING:
        attempt_save(attempt, effects);
        break;
    case AGENT_COLLECTING:
        agent_emit(effects, AGENT_COLLECT, attempt->epoch);
        break;
    case AGENT_RUNNING:
    case AGENT_ENDED:
        attempt->frozen = false;
        attempt->news = true;
        break;
    case AGENT_WAITING:
    case AGENT_PHASE_COUNT:
        abort();
    }
}

void attempt_end(struct agent *agent, struct attempt *attempt, enum outcome outcome,
                 enum reason reason, struct agent_effects *effects)
{
    attempt->outcome = outcome;
    attempt_move(agent, attempt, AGENT_ENDED, reason, effects);
}

void attempt_stop(struct agent *agent, struct attempt *attempt, enum reason reason,
                  struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_WAITING:
    case AGENT_FETCHING:
        attempt_end(agent, attempt, OUTCOME_VACATED, reason, effects);
        break;
    case AGENT_STARTING:
    case AGENT_FROZEN:
        /*
         * A frozen program would have to be thawed to hear the polite signal. But whoever has no
         * lease, or an owner at the desk, gets no more of the processor.
         */
        attempt_move(agent, attempt, AGENT_KILLING, reason, effects);
        break;
    case AGENT_RUNNING:
        attempt_move(agent, attempt, AGENT_STOPPING, reason, effects);
        break;
    case AGENT_SAVING:
        attempt_leave_saving(agent, attempt, reason);
        attempt->is_vacated = false;
        break;
    case AGENT_COLLECTING:
    case AGENT_ENDED:
        attempt->news = true;
        break;
    case AGENT_STOPPING:
        /* Who else wants it gone gives no more than the grace. */
        attempt->is_vacated = false;
        break;
    case AGENT_KILLING:
    case AGENT_PHASE_COUNT:
        break;
    }
}

void attempt_kill(struct agent *agent, struct attempt *attempt, enum reason reason,
                  struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_WAITING:
    case AGENT_FETCHING:
    case AGENT_SAVING:
        attempt_end(agent, attempt, OUTCOME_VACATED, reason, effects);
        break;
    case AGENT_STARTING:
    case AGENT_RUNNING:
    case AGENT_FROZEN:
    case AGENT_STOPPING:
        attempt_move(agent, attempt, AGENT_KILLING, reason, effects);
        break;
    case AGENT_KILLING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

/* What was told to end has ended. */
static void attempt_gone(struct agent *agent, struct attempt *attempt,
                         struct agent_effects *effects)
{
    attempt_end(agent, attempt, attempt->lapsed ? OUTCOME_LOST : OUTCOME_VACATED, attempt->reason,
                effects);
}

void attempt_exited(struct agent *agent, struct attempt *attempt, struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_STARTING:
        /* It was so short that the news of its start and of its end came together. */
        attempt_move(agent, attempt, AGENT_RUNNING, REASON_FIRST_IN_LINE, effects);
        attempt_move(agent, attempt, AGENT_COLLECTING, REASON_ENDED_BY_ITSELF, effects);
        break;
    case AGENT_RUNNING:
    case AGENT_FROZEN:
        attempt_move(agent, attempt, AGENT_COLLECTING, REASON_ENDED_BY_ITSELF, effects);
        break;
    case AGENT_STOPPING:
        if (attempt->saves_to_leave)
            attempt_saved_itself(agent, attempt, effects);
        else
            attempt_gone(agent, attempt, effects);
        break;
    case AGENT_KILLING:
        attempt_gone(agent, attempt, effects);
        break;
    case AGENT_WAITING:
    case AGENT_FETCHING:
    case AGENT_SAVING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

/* Nobody knows whether it had done its work, so it has not. */
void attempt_vanished(struct agent *agent, struct attempt *attempt, struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_STARTING:
    case AGENT_RUNNING:
    case AGENT_FROZEN:
        attempt_end(agent, attempt, OUTCOME_LOST, REASON_AGENT_LOST_IT, effects);
        break;
    case AGENT_STOPPING:
    case AGENT_KILLING:
        attempt_gone(agent, attempt, effects);
        break;
    case AGENT_WAITING:
    case AGENT_FETCHING:
    case AGENT_SAVING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

void attempt_fetched(struct agent *agent, struct attempt *attempt, enum reason failure,
                     struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_FETCHING:
        if (failure != REASON_NONE)
            attempt_end(agent, attempt, OUTCOME_FAILED, failure, effects);
        else
            attempt_move(agent, attempt, AGENT_STARTING, REASON_FIRST_IN_LINE, effects);
        break;
    case AGENT_WAITING:
    case AGENT_STARTING:
    case AGENT_RUNNING:
    case AGENT_FROZEN:
    case AGENT_STOPPING:
    case AGENT_KILLING:
    case AGENT_SAVING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

void attempt_started(struct agent *agent, struct attempt *attempt, enum reason failure,
                     struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_STARTING:
        if (failure != REASON_NONE)
            attempt_end(agent, attempt, OUTCOME_FAILED, failure, effects);
        else
            attempt_move(agent, attempt, AGENT_RUNNING, REASON_FIRST_IN_LINE, effects);
        break;
    case AGENT_KILLING:
        /* It was still starting when it had to go, so that the kill found nothing to end. */
        if (failure != REASON_NONE)
            attempt_end(agent, attempt, OUTCOME_FAILED, failure, effects);
        else
            agent_emit(effects, AGENT_KILL, attempt->epoch);
        break;
    case AGENT_WAITING:
    case AGENT_FETCHING:
    case AGENT_RUNNING:
    case AGENT_FROZEN:
    case AGENT_STOPPING:
    case AGENT_SAVING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

void attempt_collected(struct agent *agent, struct attempt *attempt, enum reason failure,
                       struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_COLLECTING:
        if (failure != REASON_NONE)
            attempt_end(agent, attempt, OUTCOME_FAILED, failure, effects);
        else
            attempt_end(agent, attempt, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF, effects);
        break;
    case AGENT_WAITING:
    case AGENT_FETCHING:
    case AGENT_STARTING:
    case AGENT_RUNNING:
    case AGENT_FROZEN:
    case AGENT_STOPPING:
    case AGENT_KILLING:
    case AGENT_SAVING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

void attempt_lapse(struct agent *agent, struct attempt *attempt, struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_WAITING:
    case AGENT_FETCHING:
        attempt_end(agent, attempt, OUTCOME_LOST, REASON_LEASE_ENDED, effects);
        break;
    case AGENT_RUNNING:
        attempt->lapsed = true;
        attempt_move(agent, attempt, AGENT_FROZEN, REASON_LEASE_ENDED, effects);
        break;
    case AGENT_FROZEN:
        attempt->lapsed = true;
        break;
    case AGENT_SAVING:
        /* What leaves leaves it to whoever has the task now. */
        if (attempt->leaves)
            attempt_end(agent, attempt, OUTCOME_LOST, REASON_LEASE_ENDED, effects);
        else
            attempt->lapsed = true;
        break;
    case AGENT_STARTING:
    case AGENT_STOPPING:
        attempt->lapsed = true;
        attempt_move(agent, attempt, AGENT_KILLING, REASON_LEASE_ENDED, effects);
        break;
    case AGENT_KILLING:
    case AGENT_COLLECTING:
    case AGENT_ENDED:
    case AGENT_PHASE_COUNT:
        break;
    }
}

/*
 * How long an owner bears what is frozen. To make one leave that was pushed out would cost him
 * memory: it is thawed for that, and comes back.
 */
static uint64_t suspend_for_ms(const struct agent *agent, const struct attempt *attempt)
{
    uint64_t suspend_for_ms = agent->options.suspend_for_ms;

    return agent->memory_is_short && !attempt->is_out
               ? earlier(suspend_for_ms, agent->options.give_back_memory_ms)
               : suspend_for_ms;
}

/* When a frozen attempt must leave, for its owner's sake or because it lapsed; else UINT64_MAX. */
static uint64_t frozen_until_ms(const struct agent *agent, const struct attempt *attempt)
{
    uint64_t until_ms = UINT64_MAX;

    /*
     * Who is kept out leaves no later because the owner comes and goes. Else it is from his return
     * on, also for what was starting then and could not be frozen before.
     */
    if (agent_keeps_out(agent, attempt))
        until_ms = attempt->since_ms + suspend_for_ms(agent, attempt);
    else if (agent->owner == OWNER_PRESENT)
        until_ms = agent->owner_since_ms + suspend_for_ms(agent, attempt);
    if (attempt->lapsed)
        until_ms = earlier(until_ms, attempt->since_ms + agent->options.keep_lapsed_ms);
    return until_ms;
}

/*
 * For its owner's sake a task leaves politely: it is thawed to hear the signal, and has its grace
 * in which to save what it can, while whatever the owner does goes first. One without a lease may
 * not compute any more.
 */
static void attempt_leave_frozen(struct agent *agent, struct attempt *attempt,
                                 struct agent_effects *effects)
{
    bool is_kept_out = agent_owner_of(agent, attempt) == OWNER_PRESENT;
    enum reason reason = is_kept_out ? REASON_OWNER_RETURNED : REASON_LEASE_ENDED;

    if (attempt->lapsed) {
        attempt_move(agent, attempt, AGENT_KILLING, reason, effects);
        return;
    }
    attempt_move(agent, attempt, AGENT_STOPPING, reason, effects);
    agent_emit(effects, AGENT_THAW, attempt->epoch);
    attempt->frozen = false;
}

static void attempt_look_frozen(struct agent *agent, struct attempt *attempt,
                                struct agent_effects *effects)
{
    if (agent->now_ms >= frozen_until_ms(agent, attempt)) {
        attempt_leave_frozen(agent, attempt, effects);
        return;
    }
    if (attempt->lapsed || agent_owner_of(agent, attempt) == OWNER_PRESENT)
        return;
    attempt_move(agent, attempt, AGENT_RUNNING,
                 attempt->for_owner ? REASON_OWNER_LEFT : REASON_LEASE_RENEWED, effects);
    agent_emit(effects, AGENT_THAW, attempt->epoch);
    attempt->for_owner = false;
}

/* What an owner who wants his computer back makes of an attempt. */
static void attempt_give_back(struct agent *agent, struct attempt *attempt,
                              struct agent_effects *effects)
{
    if (agent->urgency == URGENCY_KILL) {
        attempt_kill(agent, attempt, REASON_OWNER_RETURNED, effects);
        return;
    }
    if (attempt->phase != AGENT_RUNNING && attempt->phase != AGENT_FROZEN &&
        (attempt->phase != AGENT_SAVING || attempt->leaves))
        return;
    attempt->for_owner = attempt->is_vacated = true;
    if (attempt->phase == AGENT_FROZEN)
        attempt_leave_frozen(agent, attempt, effects);
    else if (attempt->phase == AGENT_SAVING)
        attempt_leave_saving(agent, attempt, REASON_OWNER_RETURNED);
    else
        attempt_move(agent, attempt, AGENT_STOPPING, REASON_OWNER_RETURNED, effects);
}

/* What was told to stop for the owner's sake has time until he says otherwise. */
static bool attempt_has_grace(const struct attempt *attempt)
{
    return attempt->phase == AGENT_STOPPING && !attempt->is_vacated;
}

/* What time and the owner make of an attempt now. */
void attempt_look(struct agent *agent, struct attempt *attempt, struct agent_effects *effects)
{
    if (agent->now_ms >= attempt->lease_end_ms)
        attempt_lapse(agent, attempt, effects);
    if (attempt->phase <= AGENT_FETCHING && agent_owner_of(agent, attempt) != OWNER_AWAY)
        attempt_end(agent, attempt, OUTCOME_VACATED, REASON_OWNER_RETURNED, effects);
    if (agent->urgency != URGENCY_NONE)
        attempt_give_back(agent, attempt, effects);
    if (attempt->phase == AGENT_RUNNING && agent_owner_of(agent, attempt) == OWNER_PRESENT) {
        attempt->for_owner = true;
        attempt_move(agent, attempt, AGENT_FROZEN, REASON_OWNER_RETURNED, effects);
    }
    if (attempt->phase == AGENT_FROZEN)
        attempt_look_frozen(agent, attempt, effects);
    if (attempt_has_grace(attempt) && agent->now_ms - attempt->since_ms >= attempt->grace_ms)
        attempt_move(agent, attempt, AGENT_KILLING, attempt->reason, effects);
    if (agent->leaving && attempt->phase < AGENT_COLLECTING)
        attempt_stop(agent, attempt, REASON_AGENT_STOPPED, effects);
    if (attempt->phase == AGENT_SAVING)
        attempt_look_saving(agent, attempt, effects);
}

uint64_t attempt_next_ms(const struct agent *agent, const struct attempt *attempt)
{
    uint64_t next = UINT64_MAX;

    if ((attempt->phase <= AGENT_STOPPING || attempt->phase == AGENT_SAVING) && !attempt->lapsed)
        next = attempt->lease_end_ms;
    if (attempt_has_grace(attempt))
        next = earlier(next, attempt->since_ms + attempt->grace_ms);
    if (attempt->phase == AGENT_FROZEN)
        next = earlier(next, frozen_until_ms(agent, attempt));
    if (attempt->phase == AGENT_SAVING)
        next = earlier(next, attempt_saving_until_ms(agent, attempt));
    return next;
}

static bool attempt_is_ending(const struct attempt *attempt)
{
    return attempt->phase == AGENT_STOPPING || attempt->phase == AGENT_KILLING ||
           (attempt->phase == AGENT_SAVING && attempt->leaves);
}

struct agent_report_item attempt_item(const struct attempt *attempt)
{
    struct agent_report_item item = {.epoch = attempt->epoch,
                                     .job = attempt->job,
                                     .task = attempt->task,
                                     .attempt = attempt->attempt,
                                     .state = ATTEMPT_RUNNING,
                                     .outcome = attempt->outcome,
                                     .reason = attempt->reason};

    if (attempt->phase <= AGENT_STARTING)
        item.state = ATTEMPT_PREPARING;
    /* To its user it is suspended until it is gone, also while it says goodbye. */
    if (attempt->frozen || (attempt_is_ending(attempt) && attempt->for_owner))
        item.state = ATTEMPT_SUSPENDED;
    if (attempt->phase == AGENT_ENDED)
        item.state = ATTEMPT_ENDED;
    if (attempt->phase == AGENT_SAVING && attempt->is_ready)
        item.checkpoint = attempt->checkpoint;
    return item;
}
