/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checkpoints of an attempt (doc/specification/saving.md): it stands still while the set is
 * made and brought away, and what comes then was said before it began, or is said meanwhile: it
 * goes on, or it leaves.
 *
 * Nothing here waits for ever. A save that goes on lasts as long as its lease, and no longer than
 * an owner who has returned bears it; one that leaves has the grace. Whatever comes of it, the
 * checkpoint before counts until the server has said that it has this one.
 */
#include "agent_internal.h"

#include <assert.h>

void attempt_save(struct attempt *attempt, struct agent_effects *effects)
{
    attempt->frozen = false;
    attempt->is_ready = attempt->is_answered = false;
    attempt->checkpoint++;
    agent_emit(effects, AGENT_SAVE, attempt->epoch)->checkpoint = attempt->checkpoint;
}

static void begin_saving(struct agent *agent, struct attempt *attempt, bool leaves,
                         enum reason reason, struct agent_effects *effects)
{
    attempt->leaves = leaves;
    attempt_move(agent, attempt, AGENT_SAVING, reason, effects);
}

void attempt_saved_itself(struct agent *agent, struct attempt *attempt,
                          struct agent_effects *effects)
{
    switch (attempt->phase) {
    case AGENT_STARTING:
        /* As with any exit, the news of its start may come with it. */
        attempt_move(agent, attempt, AGENT_RUNNING, REASON_FIRST_IN_LINE, effects);
        begin_saving(agent, attempt, false, REASON_SAVED_ITSELF, effects);
        break;
    case AGENT_RUNNING:
    case AGENT_FROZEN:
        begin_saving(agent, attempt, false, REASON_SAVED_ITSELF, effects);
        break;
    case AGENT_STOPPING:
        begin_saving(agent, attempt, true, attempt->reason, effects);
        break;
    case AGENT_KILLING:
        /* It came too late, and may be half of it. */
        attempt_exited(agent, attempt, effects);
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

void attempt_saved(struct agent *agent, struct attempt *attempt, enum reason failure,
                   struct agent_effects *effects)
{
    if (attempt->phase != AGENT_SAVING)
        return;
    if (failure == REASON_NONE)
        attempt->is_ready = attempt->news = true;
    else if (attempt->leaves)
        attempt_end(agent, attempt, OUTCOME_VACATED, attempt->reason, effects);
    else
        attempt_end(agent, attempt, OUTCOME_FAILED, failure, effects);
}

/* An answer about another one was long on its way. */
void attempt_acknowledged(struct attempt *attempt, uint64_t checkpoint)
{
    if (attempt->phase == AGENT_SAVING && attempt->is_ready && attempt->checkpoint == checkpoint)
        attempt->is_answered = true;
}

/* Said again, it gives no more time. */
void attempt_leave_saving(const struct agent *agent, struct attempt *attempt, enum reason reason)
{
    assert(attempt->phase == AGENT_SAVING);
    if (attempt->leaves)
        return;
    attempt->leaves = true;
    attempt->since_ms = agent->now_ms;
    attempt->reason = reason;
}

uint64_t attempt_saving_until_ms(const struct agent *agent, const struct attempt *attempt)
{
    uint64_t until_ms = UINT64_MAX;

    if (attempt->leaves)
        return attempt->is_vacated ? UINT64_MAX : attempt->since_ms + attempt->grace_ms;
    if (agent_keeps_out(agent, attempt))
        until_ms = attempt->since_ms + agent->options.suspend_for_ms;
    else if (agent->owner == OWNER_PRESENT)
        until_ms = agent->owner_since_ms + agent->options.suspend_for_ms;
    if (attempt->lapsed)
        until_ms = earlier(until_ms, attempt->lease_end_ms + agent->options.keep_lapsed_ms);
    return until_ms;
}

/* One that goes on is one that began: it needs no more than what is there to go on. */
static void attempt_go_on(struct agent *agent, struct attempt *attempt,
                          struct agent_effects *effects)
{
    if (attempt->lapsed)
        return;
    attempt->for_owner = false;
    if (agent_owner_of(agent, attempt) == OWNER_PRESENT)
        attempt_end(agent, attempt, OUTCOME_VACATED, REASON_OWNER_RETURNED, effects);
    else
        attempt_move(agent, attempt, AGENT_STARTING, REASON_CHECKPOINT_STORED, effects);
}

void attempt_look_saving(struct agent *agent, struct attempt *attempt,
                         struct agent_effects *effects)
{
    bool is_late = agent->now_ms >= attempt_saving_until_ms(agent, attempt);

    if (attempt->leaves && (attempt->is_answered || is_late))
        attempt_end(agent, attempt, OUTCOME_VACATED, attempt->reason, effects);
    else if (is_late && attempt->lapsed)
        attempt_end(agent, attempt, OUTCOME_LOST, REASON_LEASE_ENDED, effects);
    else if (is_late)
        attempt_end(agent, attempt, OUTCOME_VACATED, REASON_OWNER_RETURNED, effects);
    else if (attempt->is_answered)
        attempt_go_on(agent, attempt, effects);
}
