/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's brain; agent.h tells what it is for, agent_attempt.c how an attempt lives, and
 * agent_save.c how its work outlives it.
 *
 * A step takes the event to the attempt that it is about, looks at all of the (short) list for what
 * time, the owner and the room on the node have made due, lets go of what nobody wants any more,
 * and last says whether there is something to report.
 */
#include "agent_internal.h"

#include "base/digest.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>

void agent_effects_deinit(struct agent_effects *effects)
{
    free(effects->items);
    *effects = AGENT_EFFECTS_INIT;
}

struct agent *agent_new(const struct agent_options *options)
{
    struct agent *agent = memory_try_allocate(1, sizeof(*agent));

    if (!agent)
        return NULL;
    agent->attempts = memory_try_allocate(options->attempts_max, sizeof(*agent->attempts));
    if (!agent->attempts)
        return agent_free(agent);
    agent->options = *options;
    agent->most = options->capacity;
    agent->highest_epoch = options->highest_epoch;
    return agent;
}

struct agent *agent_free(struct agent *agent)
{
    if (agent)
        free(agent->attempts);
    free(agent);
    return NULL;
}

/* An attempt may move twice in a step (exit, then drop) and does at most three things each time. */
int agent_prepare(const struct agent *agent, struct agent_effects *effects)
{
    enum { EFFECTS_EACH = 10, EFFECTS_ALWAYS = 8 };
    size_t bound = (agent->attempt_count + 1) * EFFECTS_EACH + EFFECTS_ALWAYS;

    if (!array_try_reserve(effects->items, effects->capacity, effects->length + bound))
        return -ENOMEM;
    return 0;
}

/* A task may want less time to leave than the node gives, and gets no more. */
static uint64_t grace_of(const struct agent *agent, uint64_t vacate_ms)
{
    return vacate_ms > 0 ? earlier(vacate_ms, agent->options.grace_ms) : agent->options.grace_ms;
}

static struct attempt *find_attempt(struct agent *agent, uint64_t epoch)
{
    for (size_t i = 0; i < agent->attempt_count; i++)
        if (agent->attempts[i].epoch == epoch)
            return &agent->attempts[i];
    return NULL;
}

/* Whether an attempt in this phase takes room of the node. */
static bool phase_holds_room(enum agent_phase phase)
{
    return phase != AGENT_WAITING && phase != AGENT_COLLECTING && phase != AGENT_ENDED;
}

struct resources agent_used(const struct agent *agent)
{
    struct resources used = {0};

    for (size_t i = 0; i < agent->attempt_count; i++)
        if (phase_holds_room(agent->attempts[i].phase))
            resources_give(&used, &agent->attempts[i].request);
    return used;
}

static bool agent_has_room(const struct agent *agent, const struct resources *request)
{
    struct resources needed = agent_used(agent);

    /* Two that were found may count for one GPU; who needs none can start beside them. */
    if (needed.gpus > agent->options.capacity.gpus)
        needed.gpus = agent->options.capacity.gpus;
    resources_give(&needed, request);
    return resources_fit(&needed, &agent->options.capacity);
}

static uint64_t lease_end(const struct agent_event *event)
{
    return event->start.answers_ms + event->start.lease_ms;
}

/*
 * Whether such an attempt may wait for its turn. One that needs more than the whole node has, as it
 * was given away before the node became smaller, would wait for ever.
 */
static bool agent_can_hold(const struct agent *agent, const struct resources *request)
{
    return agent->attempt_count < agent->options.attempts_max && !agent->leaving &&
           resources_fit(request, &agent->options.capacity);
}

static void on_start(struct agent *agent, const struct agent_event *event,
                     struct agent_effects *effects)
{
    struct attempt *attempt;

    if (event->start.session != agent->session || event->epoch <= agent->highest_epoch)
        return;
    /* What the server hears now lets it renew in time, or send the start anew. */
    if (lease_end(event) <= agent->next_report_ms)
        agent->report_due = true;
    /*
     * It counts from a report that was long on its way. It is as good as lost, and a lost start
     * costs nothing; taking it would only end an attempt that never began.
     */
    if (lease_end(event) <= agent->now_ms)
        return;
    agent->highest_epoch = event->epoch;
    agent_emit(effects, AGENT_SAVE_EPOCH, event->epoch);
    if (!agent_can_hold(agent, &event->start.request)) {
        /* Refused by not being listed: the next full report shows this epoch as seen, not held. */
        agent->report_due = true;
        return;
    }
    attempt = &agent->attempts[agent->attempt_count++];
    *attempt = (struct attempt){
        .epoch = event->epoch,
        .job = event->start.job,
        .task = event->start.task,
        .attempt = event->start.attempt,
        .user = event->start.user,
        .request = event->start.request,
        .checkpoint = event->start.checkpoint,
        .saves_to_leave = event->start.saves_to_leave,
        .grace_ms = grace_of(agent, event->start.vacate_ms),
        .phase = AGENT_WAITING,
        .lease_end_ms = lease_end(event),
        .since_ms = agent->now_ms,
    };
}

static void on_renewed(struct agent *agent, const struct agent_event *event,
                       struct agent_effects *effects)
{
    struct attempt *attempt = find_attempt(agent, event->epoch);

    /* A late renewal takes nothing back. */
    if (!attempt || event->start.session != agent->session ||
        attempt->lease_end_ms >= lease_end(event))
        return;
    attempt->lease_end_ms = lease_end(event);
    if (attempt->phase >= AGENT_STARTING && attempt->phase <= AGENT_KILLING)
        agent_emit(effects, AGENT_DEADLINE, attempt->epoch)->deadline_ms = attempt->lease_end_ms;
    if (agent->now_ms < attempt->lease_end_ms)
        attempt->lapsed = false;
}

static void on_found(struct agent *agent, const struct agent_event *event,
                     struct agent_effects *effects)
{
    struct attempt *attempt;
    struct resources used;

    assert(agent->attempt_count < agent->options.attempts_max);
    attempt = &agent->attempts[agent->attempt_count++];
    *attempt = (struct attempt){
        .epoch = event->epoch,
        .job = event->found.job,
        .task = event->found.task,
        .attempt = event->found.attempt,
        .user = event->found.user,
        .request = event->found.request,
        .checkpoint = event->found.checkpoint,
        .saves_to_leave = event->found.saves_to_leave,
        .grace_ms = grace_of(agent, event->found.vacate_ms),
        .phase = event->found.phase,
        .lapsed = event->found.phase == AGENT_FROZEN,
        .frozen = event->found.phase == AGENT_FROZEN,
        .news = true,
        .lease_end_ms = event->found.lease_end_ms,
        .since_ms = agent->now_ms,
    };
    /* What ran before the restart goes on, also if the agent may now use less than before. */
    used = agent_used(agent);
    agent->most = resources_larger(&agent->most, &used);
    if (event->epoch > agent->highest_epoch) {
        agent->highest_epoch = event->epoch;
        agent_emit(effects, AGENT_SAVE_EPOCH, event->epoch);
    }
    if (attempt->phase == AGENT_COLLECTING)
        agent_emit(effects, AGENT_COLLECT, attempt->epoch);
    if (attempt->phase == AGENT_SAVING)
        attempt_save(attempt, effects);
}

/* What becomes of its checkpoint. */
static void on_save(struct agent *agent, struct attempt *attempt, const struct agent_event *event,
                    struct agent_effects *effects)
{
    if (event->kind == AGENT_SAVED_ITSELF)
        attempt_saved_itself(agent, attempt, effects);
    else if (event->kind == AGENT_SAVED)
        attempt_saved(agent, attempt, event->failure, effects);
    else
        attempt_acknowledged(attempt, event->checkpoint);
}

static void on_attempt(struct agent *agent, const struct agent_event *event,
                       struct agent_effects *effects)
{
    struct attempt *attempt = find_attempt(agent, event->epoch);

    if (!attempt)
        return;
    switch (event->kind) {
    case AGENT_STOP:
        attempt_stop(agent, attempt, REASON_BY_USER, effects);
        break;
    case AGENT_FORGET:
        attempt->forgotten = true;
        attempt_kill(agent, attempt, REASON_VACATED, effects);
        break;
    case AGENT_FETCHED:
        attempt_fetched(agent, attempt, event->failure, effects);
        break;
    case AGENT_STARTED:
        attempt_started(agent, attempt, event->failure, effects);
        break;
    case AGENT_EXITED:
        attempt_exited(agent, attempt, effects);
        break;
    case AGENT_VANISHED:
        attempt_vanished(agent, attempt, effects);
        break;
    case AGENT_COLLECTED:
        attempt_collected(agent, attempt, event->failure, effects);
        break;
    case AGENT_SAVED_ITSELF:
    case AGENT_SAVED:
    case AGENT_ACKNOWLEDGED:
        on_save(agent, attempt, event, effects);
        break;
    case AGENT_PUSHED_OUT:
        attempt->is_out = attempt->phase == AGENT_FROZEN;
        break;
    case AGENT_LAPSED:
        /* The clock says so too, but the keeper may have been a moment faster. */
        attempt_lapse(agent, attempt, effects);
        break;
    case AGENT_TICK:
    case AGENT_CONNECTED:
    case AGENT_DISCONNECTED:
    case AGENT_START:
    case AGENT_RENEWED:
    case AGENT_FOUND:
    case AGENT_MEMORY_SHORT:
    case AGENT_MEMORY_ENOUGH:
    case AGENT_OWNER_RETURNED:
    case AGENT_OWNER_NEAR:
    case AGENT_OWNER_LEFT:
    case AGENT_OWNER_VACATES:
    case AGENT_OWNER_KILLS:
    case AGENT_OWNER_KEEPS:
    case AGENT_LEAVE:
        abort();
    }
}

/* An attempt that the server has forgotten is dropped as soon as nothing of it runs. */
static bool attempt_is_done(const struct attempt *attempt)
{
    return attempt->forgotten &&
           (attempt->phase == AGENT_ENDED || attempt->phase == AGENT_COLLECTING);
}

static void agent_drop_attempts(struct agent *agent, struct agent_effects *effects)
{
    size_t kept = 0;

    for (size_t i = 0; i < agent->attempt_count; i++) {
        if (attempt_is_done(&agent->attempts[i]))
            agent_emit(effects, AGENT_DROP, agent->attempts[i].epoch);
        else
            agent->attempts[kept++] = agent->attempts[i];
    }
    agent->attempt_count = kept;
}

/* Whoever waits for room comes after all who might have given it up just now. */
static void agent_look(struct agent *agent, struct agent_effects *effects)
{
    for (size_t i = 0; i < agent->attempt_count; i++)
        attempt_look(agent, &agent->attempts[i], effects);
    for (size_t i = 0; i < agent->attempt_count; i++) {
        struct attempt *attempt = &agent->attempts[i];

        if (attempt->phase == AGENT_WAITING && agent_has_room(agent, &attempt->request))
            attempt_move(agent, attempt, AGENT_FETCHING, REASON_FIRST_IN_LINE, effects);
    }
    agent_drop_attempts(agent, effects);
}

static bool agent_has_news(const struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++)
        if (agent->attempts[i].news)
            return true;
    return false;
}

/* Whether all that is held has ended, so that the agent may go. */
static bool agent_is_quiet(const struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++)
        if (agent->attempts[i].phase != AGENT_ENDED)
            return false;
    return true;
}

static void agent_speak(struct agent *agent, struct agent_effects *effects)
{
    bool leave = agent->leaving && !agent->left && agent_is_quiet(agent);

    if (agent->session != 0 &&
        (agent->report_due || leave || agent->now_ms >= agent->next_report_ms)) {
        agent->report_due = false;
        agent->next_report_ms = agent->now_ms + agent->options.heartbeat_ms;
        agent_emit(effects, AGENT_REPORT, 0)->full = true;
    } else if (agent->session != 0 && agent_has_news(agent)) {
        agent_emit(effects, AGENT_REPORT, 0)->full = false;
    }
    if (leave) {
        agent->left = true;
        agent_emit(effects, AGENT_LEFT, 0);
    }
}

static void on_owner(struct agent *agent, enum agent_event_kind kind)
{
    static const struct {
        enum owner_presence owner;
        enum urgency urgency;
    } meanings[] = {
        [AGENT_OWNER_RETURNED] = {OWNER_PRESENT, URGENCY_NONE},
        [AGENT_OWNER_NEAR] = {OWNER_NEAR, URGENCY_NONE},
        [AGENT_OWNER_LEFT] = {OWNER_AWAY, URGENCY_NONE},
        [AGENT_OWNER_VACATES] = {OWNER_PRESENT, URGENCY_VACATE},
        [AGENT_OWNER_KILLS] = {OWNER_PRESENT, URGENCY_KILL},
    };
    enum owner_presence owner = meanings[kind].owner;

    /* Told again, for another reason, he is there no shorter. */
    if (agent->owner != owner)
        agent->owner_since_ms = agent->now_ms;
    agent->owner = owner;
    agent->urgency = meanings[kind].urgency;
    agent->report_due = true;
}

static void on_keeps(struct agent *agent, uint64_t only_user)
{
    agent->only_user = only_user;
    agent->report_due = true;
}

static void agent_dispatch(struct agent *agent, const struct agent_event *event,
                           struct agent_effects *effects)
{
    switch (event->kind) {
    case AGENT_TICK:
        break;
    case AGENT_CONNECTED:
        agent->session = event->connected.session;
        agent->options.heartbeat_ms = event->connected.heartbeat_ms;
        agent->report_due = true;
        break;
    case AGENT_DISCONNECTED:
        agent->session = 0;
        break;
    case AGENT_START:
        on_start(agent, event, effects);
        break;
    case AGENT_RENEWED:
        on_renewed(agent, event, effects);
        break;
    case AGENT_FOUND:
        on_found(agent, event, effects);
        break;
    case AGENT_MEMORY_SHORT:
    case AGENT_MEMORY_ENOUGH:
        agent->memory_is_short = event->kind == AGENT_MEMORY_SHORT;
        break;
    case AGENT_OWNER_RETURNED:
    case AGENT_OWNER_NEAR:
    case AGENT_OWNER_LEFT:
    case AGENT_OWNER_VACATES:
    case AGENT_OWNER_KILLS:
        on_owner(agent, event->kind);
        break;
    case AGENT_OWNER_KEEPS:
        on_keeps(agent, event->only_user);
        break;
    case AGENT_LEAVE:
        agent->leaving = true;
        agent->report_due = true;
        break;
    case AGENT_STOP:
    case AGENT_FORGET:
    case AGENT_FETCHED:
    case AGENT_STARTED:
    case AGENT_EXITED:
    case AGENT_VANISHED:
    case AGENT_COLLECTED:
    case AGENT_SAVED_ITSELF:
    case AGENT_SAVED:
    case AGENT_ACKNOWLEDGED:
    case AGENT_PUSHED_OUT:
    case AGENT_LAPSED:
        on_attempt(agent, event, effects);
        break;
    }
}

/* What was found beyond the capacity is the most that is used until it ends; then it is not. */
static void agent_take_stock(struct agent *agent)
{
    struct resources used = agent_used(agent);

    assert(resources_fit(&used, &agent->most));
    agent->most = resources_larger(&agent->options.capacity, &used);
}

void agent_step(struct agent *agent, const struct agent_event *event, struct agent_effects *effects)
{
    assert(event->now_ms >= agent->now_ms);
    agent->now_ms = event->now_ms;
    agent_dispatch(agent, event, effects);
    agent_look(agent, effects);
    agent_speak(agent, effects);
    agent_take_stock(agent);
}

uint64_t agent_next_step_ms(const struct agent *agent)
{
    uint64_t next = agent->session != 0 ? agent->next_report_ms : UINT64_MAX;

    for (size_t i = 0; i < agent->attempt_count; i++)
        next = earlier(next, attempt_next_ms(agent, &agent->attempts[i]));
    return next;
}

size_t agent_write_report(struct agent *agent, bool full, struct agent_report_item *items)
{
    size_t count = 0;

    for (size_t i = 0; i < agent->attempt_count; i++) {
        struct attempt *attempt = &agent->attempts[i];

        if (!full && !attempt->news)
            continue;
        attempt->news = false;
        items[count++] = attempt_item(attempt);
    }
    return count;
}

uint64_t agent_highest_epoch(const struct agent *agent)
{
    return agent->highest_epoch;
}

uint64_t agent_session(const struct agent *agent)
{
    return agent->session;
}

enum agent_event_kind agent_event_of_owner(enum owner_presence presence)
{
    static const enum agent_event_kind kinds[] = {
        [OWNER_AWAY] = AGENT_OWNER_LEFT,
        [OWNER_NEAR] = AGENT_OWNER_NEAR,
        [OWNER_PRESENT] = AGENT_OWNER_RETURNED,
    };

    return kinds[presence];
}

enum agent_event_kind agent_event_of_policy(const struct policy_view *view)
{
    if (view->state == POLICY_VACATING)
        return AGENT_OWNER_VACATES;
    if (view->state == POLICY_KILLING)
        return AGENT_OWNER_KILLS;
    return agent_event_of_owner(view->presence);
}

enum owner_presence agent_owner(const struct agent *agent)
{
    return agent->owner;
}

bool agent_has_work(const struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++)
        if (agent->attempts[i].phase < AGENT_COLLECTING)
            return true;
    return false;
}

bool agent_is_leaving(const struct agent *agent)
{
    return agent->leaving;
}

uint64_t agent_digest(const struct agent *agent)
{
    struct digest digest = DIGEST_INIT;

    digest_add(&digest, agent->highest_epoch);
    digest_add(&digest, agent->session);
    digest_add(&digest, agent->owner);
    digest_add(&digest, agent->urgency);
    digest_add(&digest, agent->memory_is_short);
    digest_add(&digest, agent->only_user);
    for (size_t i = 0; i < agent->attempt_count; i++) {
        digest_add(&digest, agent->attempts[i].epoch);
        digest_add(&digest, agent->attempts[i].phase);
        digest_add(&digest, agent->attempts[i].outcome);
        digest_add(&digest, agent->attempts[i].lease_end_ms);
        digest_add(&digest, agent->attempts[i].checkpoint);
    }
    return digest.value;
}

void agent_assert_invariants(const struct agent *agent)
{
    struct resources used = agent_used(agent);

    assert(resources_fit(&used, &agent->most));
    assert(agent->attempt_count <= agent->options.attempts_max);
    for (size_t i = 0; i < agent->attempt_count; i++) {
        const struct attempt *attempt = &agent->attempts[i];
        enum owner_presence owner = agent_owner_of(agent, attempt);

        assert(attempt->epoch <= agent->highest_epoch);
        assert((attempt->phase == AGENT_ENDED) == (attempt->outcome != OUTCOME_NONE));
        assert(attempt->phase != AGENT_RUNNING || owner != OWNER_PRESENT);
        assert(attempt->phase != AGENT_RUNNING || agent->now_ms < attempt->lease_end_ms);
        assert(attempt->phase != AGENT_RUNNING || !attempt->lapsed);
        assert(attempt->phase != AGENT_FROZEN || attempt->lapsed || owner == OWNER_PRESENT);
        assert(attempt->phase != AGENT_SAVING || attempt->checkpoint > 0);
        assert(attempt->phase != AGENT_WAITING || !agent_has_room(agent, &attempt->request));
        for (size_t j = 0; j < i; j++)
            assert(agent->attempts[j].epoch != attempt->epoch);
    }
}

size_t agent_count_attempts(const struct agent *agent)
{
    return agent->attempt_count;
}

struct agent_attempt_view agent_view_attempt(const struct agent *agent, size_t index)
{
    const struct attempt *attempt = &agent->attempts[index];

    assert(index < agent->attempt_count);
    return (struct agent_attempt_view){.epoch = attempt->epoch,
                                       .job = attempt->job,
                                       .task = attempt->task,
                                       .attempt = attempt->attempt,
                                       .phase = attempt->phase,
                                       .state = attempt_item(attempt).state,
                                       .checkpoint = attempt->checkpoint,
                                       .request = attempt->request,
                                       .lease_end_ms = attempt->lease_end_ms,
                                       .since_ms = attempt->since_ms};
}
