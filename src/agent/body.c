/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See body.h. One iteration of the loop: callbacks post events, each steps the brain, effects
 * become requests, files and messages; then, in on_prepare(), the epoch is saved before the keeper
 * is asked for anything, the keeper gets its requests, then an owner his answer, and the server its
 * frame.
 */
#include "body.h"

#include "base/memory.h"
#include "facts.h"
#include "limits.h"
#include "serving.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
    FOLLOW_MS = 250,
    RESULT_SIZE = 512, /* in a frame, without texts; an output likewise */
    OUTPUT_SIZE = 96,
    LINGER_MS = 10000 /* what ended may still be fetched before the agent goes */
};

/* ---- events ---- */

static void perform(struct body *body, const struct agent_effect *effect);

/*
 * The brain never allocates, so the room for its effects is made before. Its time is read here and
 * nowhere else: events that waited for their turn must not be older than the step before them.
 */
static void step(struct body *body, struct agent_event *event)
{
    event->now_ms = clock_boot_ms();
    body->effects.length = 0;
    if (agent_prepare(body->brain, &body->effects) < 0)
        abort();
    agent_step(body->brain, event, &body->effects);
    for (size_t i = 0; i < body->effects.length; i++)
        perform(body, &body->effects.items[i]);
}

/*
 * Carrying out an effect often is an event at once (nothing had to be fetched, the outputs are
 * listed). It is queued, because the effects of the step that goes on still have to be seen to.
 */
void body_post(struct body *body, const struct agent_event *event)
{
    struct body_events *events = &body->events;

    array_reserve(events->items, events->capacity, events->count + 1);
    events->items[events->count++] = *event;
    if (body->is_stepping)
        return;
    body->is_stepping = true;
    while (events->next < events->count) {
        /* A copy, because the array may move while more is posted. */
        struct agent_event next = events->items[events->next++];

        step(body, &next);
    }
    events->next = events->count = 0;
    body->is_stepping = false;
    hearing_has_news(&body->hearing);
}

void body_post_attempt(struct body *body, enum agent_event_kind kind, uint64_t epoch,
                       enum reason failure)
{
    struct agent_event event = {.kind = kind, .epoch = epoch};

    event.failure = failure;
    body_post(body, &event);
}

void body_say(struct body *body, const struct wire_message *message)
{
    if (body->uplink.link)
        wire_batch_append(&body->uplink.batch, message);
}

/* ---- effects ---- */

static void trace(const struct attempt *attempt, const struct agent_effect *effect)
{
    log_debug("%u.%u#%u %s -> %s: %s", attempt->start.job, attempt->start.task,
              attempt->start.attempt, agent_phase_name(effect->trace.from),
              agent_phase_name(effect->trace.to), reason_text(effect->trace.reason));
}

/* The keeper forgets in the next flush; nothing of the attempt runs, or this would not happen. */
static void drop(struct body *body, struct attempt *attempt)
{
    fetching_cancel(body, attempt);
    fetching_release_image(body, attempt);
    keeping_forget(body, attempt);
    tidying_note(body, attempt);
    if (attempt->scratch)
        folders_give_back(&body->folders, take_pointer(attempt->scratch), attempt->folder,
                          &attempt->identity);
    attempts_remove(&body->attempts, attempt);
}

/* The loop wakes, and on_prepare() sees that the patience is over. */
static void on_lingered(uv_timer_t *timer)
{
    (void)timer;
}

static void begin_lingering(struct body *body)
{
    body->has_left = true;
    uv_timer_start(&body->linger, on_lingered, LINGER_MS, 0);
}

/* Effects in the words of those who carry them out; nothing is decided here. */
static void perform_on_attempt(struct body *body, const struct agent_effect *effect,
                               struct attempt *attempt)
{
    switch (effect->kind) {
    case AGENT_FETCH:
        fetching_begin(body, attempt);
        break;
    case AGENT_SPAWN:
        attempt->start.checkpoint = effect->checkpoint;
        keeping_spawn(body, attempt);
        break;
    case AGENT_FREEZE:
        keeping_freeze(body, attempt);
        break;
    case AGENT_THAW:
        keeping_thaw(body, attempt);
        break;
    case AGENT_TERMINATE:
        keeping_terminate(body, attempt);
        break;
    case AGENT_KILL:
        keeping_kill(body, attempt);
        break;
    case AGENT_COLLECT:
        disk_watch_collect(body, attempt);
        break;
    case AGENT_SAVE:
        attempt->is_saving = true;
        attempt->saving = effect->checkpoint;
        disk_watch_collect(body, attempt);
        break;
    case AGENT_DROP:
        drop(body, attempt);
        break;
    case AGENT_DEADLINE:
        keeping_set_deadline(body, attempt, effect->deadline_ms);
        break;
    case AGENT_TRACE:
        trace(attempt, effect);
        break;
    case AGENT_SAVE_EPOCH:
    case AGENT_REPORT:
    case AGENT_LEFT:
        break;
    }
}

/* Several reports of one iteration become one, and it is full if one of them had to be. */
static void perform(struct body *body, const struct agent_effect *effect)
{
    struct attempt *attempt = attempts_find(&body->attempts, effect->epoch);

    if (effect->kind == AGENT_SAVE_EPOCH) {
        body->epoch_due = true;
    } else if (effect->kind == AGENT_REPORT) {
        body->report_due = true;
        body->report_is_full = body->report_is_full || effect->full;
    } else if (effect->kind == AGENT_LEFT) {
        begin_lingering(body);
    } else if (attempt) {
        perform_on_attempt(body, effect, attempt);
    }
}

/* ---- what is said once per iteration ---- */

static size_t outputs_size(const struct wire_output *outputs, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += OUTPUT_SIZE + strlen(outputs[i].name);
    return size;
}

/* About how long a result becomes in a frame. */
static size_t result_size(const struct wire_result *result)
{
    return RESULT_SIZE + (result->detail ? strlen(result->detail) : 0) +
           outputs_size(result->outputs, result->output_count);
}

/* Its checkpoint, as long as there is room for that. */
static void describe_checkpoint(const struct attempt *attempt, uint64_t number, size_t *room,
                                struct wire_attempt *described)
{
    size_t size;

    if (!attempt || number == 0 || attempt->checkpoint.number != number)
        return;
    size = outputs_size(attempt->checkpoint.files, attempt->checkpoint.file_count);
    if (size > *room)
        return;
    *room -= size;
    described->checkpoint = attempt->checkpoint;
}

/*
 * What has ended is said with its result, as long as there is room in the frame; then it seems to
 * run on until the server has taken some of the others and a later report has room.
 */
static struct wire_attempt describe(const struct body *body, const struct agent_report_item *item,
                                    size_t *room)
{
    const struct attempt *attempt = attempts_find(&body->attempts, item->epoch);
    struct wire_attempt described = {
        .epoch = item->epoch,
        .job = item->job,
        .task = item->task,
        .attempt = item->attempt,
        .state = item->state,
        .outcome = item->outcome,
        .reason = item->reason,
        .result.exit_code = -1,
    };
    size_t size = attempt ? result_size(&attempt->result) : RESULT_SIZE;

    if (item->state != ATTEMPT_ENDED) {
        describe_checkpoint(attempt, item->checkpoint, room, &described);
        return described;
    }
    if (size > *room) {
        described.state = ATTEMPT_RUNNING;
        described.outcome = OUTCOME_NONE;
        return described;
    }
    *room -= size;
    if (attempt)
        described.result = attempt->result;
    return described;
}

/*
 * The moment in which the report is sent is the moment from which the leases count that it renews:
 * later than the state that it tells, never earlier.
 */
static void report(struct body *body)
{
    size_t count = agent_write_report(body->brain, body->report_is_full, body->items);
    _cleanup_free_ struct wire_attempt *attempts = memory_allocate((count + 1) * sizeof(*attempts));
    struct wire_message message = {.kind = WIRE_REPORT};
    size_t room = LINK_TEXT_SIZE_MAX / 2;
    struct wire_owner owner;

    for (size_t i = 0; i < count; i++)
        attempts[i] = describe(body, &body->items[i], &room);
    owning_describe(body, &owner);
    message.report = (struct wire_report){
        .session = agent_session(body->brain),
        .sent_ms = clock_boot_ms(),
        .highest_epoch = agent_highest_epoch(body->brain),
        .full = body->report_is_full,
        .owner_present = agent_owner(body->brain) != OWNER_AWAY,
        .leaving = agent_is_leaving(body->brain),
        .asleep = body->resting.sleeping.phase != SLEEPING_AWAKE,
        .lent_ms = owning_lent_ms(body),
        .owner = owner,
        .attempts = attempts,
        .attempt_count = count,
    };
    if (message.report.full)
        sleeping_reported(&body->resting.sleeping, message.report.sent_ms);
    publishing_tell_changes(body, &message.report.changes);
    body_say(body, &message);
    attributes_deinit(&message.report.changes);
    wire_owner_deinit(&owner);
}

static void on_tick(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct agent_event event = {.kind = AGENT_TICK};

    body->tick_at_ms = UINT64_MAX;
    body_post(body, &event);
}

static void on_follow(uv_timer_t *timer)
{
    struct body *body = timer->data;

    outgoing_pump(&body->outgoing);
}

/*
 * The brain's next time is mostly the same for many iterations, and then costs nothing here. It is
 * counted by a clock that stands still while the computer sleeps; the keeper's does not, so no task
 * outlives its lease by that.
 */
static void set_timers(struct body *body)
{
    uint64_t next_ms = agent_next_step_ms(body->brain), now_ms = clock_boot_ms();

    if (next_ms != body->tick_at_ms && next_ms == UINT64_MAX)
        uv_timer_stop(&body->tick);
    else if (next_ms != body->tick_at_ms)
        uv_timer_start(&body->tick, on_tick, next_ms > now_ms ? next_ms - now_ms : 0, 0);
    body->tick_at_ms = next_ms;
    if (outgoing_follows(&body->outgoing) && !uv_is_active((uv_handle_t *)&body->follow))
        uv_timer_start(&body->follow, on_follow, FOLLOW_MS, 0);
    disk_watch_wake(body);
}

/* Whether nobody can want anything more of this agent. */
static bool may_end(const struct body *body)
{
    return body->has_left && (!uplink_is_up(&body->uplink) || body->attempts.count == 0 ||
                              !uv_is_active((const uv_handle_t *)&body->linger));
}

/*
 * The order matters: an epoch is remembered before anything is started under it, or an agent that
 * dies in between would take the same start again.
 */
static void on_prepare(uv_prepare_t *prepare)
{
    struct body *body = prepare->data;

    if (body->epoch_due)
        state_save_epoch(body->options.state, agent_highest_epoch(body->brain));
    body->epoch_due = false;
    policing_follow_work(body);
    recording_look(body);
    memory_watch_follow(body);
    fetching_follow(body);
    keeping_flush(body);
    hearing_flush(body);
    resting_look(body);
    if (body->report_due && agent_session(body->brain) != 0)
        report(body);
    body->report_due = body->report_is_full = false;
    uplink_flush(body);
    set_timers(body);
    if (!body->is_ending && may_end(body)) {
        body->is_ending = true;
        uplink_close(body);
    }
    if (body->is_ending && !body->uplink.link)
        uv_stop(&body->loop);
}

/* ---- the end ---- */

void body_leave(struct body *body)
{
    struct agent_event event = {.kind = AGENT_LEAVE};

    if (!agent_is_leaving(body->brain))
        body_post(body, &event);
}

void body_give_up(struct body *body, const char *why, const char *hint)
{
    log_error("%s%s%s", why, hint ? "; " : "", hint ? hint : "");
    body->exit_code = 1;
    body_leave(body);
}

/* The brain has asked politely and waits; it hears of the ends as of any others. Of what has ended,
 * checkpoints may still be on their way: no more. */
static void kill_all(struct body *body)
{
    /* Backwards, because the last takes the place of one that goes. */
    for (size_t i = body->attempts.count; i-- > 0;) {
        const struct attempt *attempt = body->attempts.items[i];

        if (!attempt->has_ended)
            keeping_kill(body, attempt);
        else
            body_post_attempt(body, AGENT_SAVED, attempt->epoch, REASON_AGENT_STOPPED);
    }
}

/* Once: politely. Twice: in a hurry. Three times: at once. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct body *body = handle->data;

    (void)number;
    switch (++body->signal_count) {
    case 1:
        log_notice("leaving; again to hurry");
        /* As long as the keeper has not said what runs, nobody knows what has to leave. */
        if (body->keeping.is_listed)
            body_leave(body);
        break;
    case 2:
        uv_timer_stop(&body->linger);
        kill_all(body);
        break;
    default:
        body->is_ending = true;
        uv_stop(&body->loop);
        break;
    }
}

/* What has no result worth keeping needs no keeper; it goes away when it keeps nothing. */
static void forget_worthless(struct body *body)
{
    size_t count = agent_write_report(body->brain, true, body->items);

    for (size_t i = 0; i < count; i++) {
        struct attempt *attempt = attempts_find(&body->attempts, body->items[i].epoch);

        if (attempt && body->items[i].state == ATTEMPT_ENDED &&
            body->items[i].outcome != OUTCOME_EXITED)
            drop(body, attempt);
    }
    keeping_flush(body);
}

/* ---- the beginning ---- */

/* From here on the loop takes them; what came while the agent joined was kept back. */
static int start_signals(struct body *body)
{
    const int numbers[BODY_SIGNALS] = {SIGTERM, SIGINT};
    sigset_t signals;
    int r = 0;

    sigemptyset(&signals);
    for (size_t i = 0; r == 0 && i < BODY_SIGNALS; i++) {
        sigaddset(&signals, numbers[i]);
        r = uv_signal_start(&body->signals[i], on_signal, numbers[i]);
    }
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    return r;
}

static void init_handles(struct body *body)
{
    uv_prepare_init(&body->loop, &body->prepare);
    uv_timer_init(&body->loop, &body->tick);
    uv_timer_init(&body->loop, &body->follow);
    uv_timer_init(&body->loop, &body->linger);
    tidying_init(body);
    publishing_init(body, body->options.attributes);
    resting_init(body);
    body->prepare.data = body->tick.data = body->follow.data = body;
    for (size_t i = 0; i < BODY_SIGNALS; i++) {
        uv_signal_init(&body->loop, &body->signals[i]);
        body->signals[i].data = body;
    }
    uv_prepare_start(&body->prepare, on_prepare);
    disk_watch_init(body);
    memory_watch_init(body);
}

/* By a policy nobody leaves by the clock: its expressions say who leaves when. */
static struct agent *make_brain(const struct body_options *options)
{
    const struct settings *settings = options->settings;
    struct agent_options brain = {
        .capacity = options->capacity,
        .attempts_max = WIRE_ATTEMPTS_MAX,
        .grace_ms = settings->grace_ms,
        .suspend_for_ms = settings->policy ? AGENT_NEVER_MS : settings->suspend_for_ms,
        .give_back_memory_ms =
            settings->policy ? AGENT_NEVER_MS : settings->give_back_memory_within_ms,
        .keep_lapsed_ms = settings->keep_lapsed_ms,
        .highest_epoch = options->state->epoch,
    };

    return agent_new(&brain);
}

/* What the keeper can do is known only now, and is a fact about this node like any other. */
static void tell_limits(struct body *body)
{
    const struct keeper_means *means = keeper_client_means(body->keeping.client);

    limits_announce(means);
    body->facts = facts_add_limits(body->options.facts, means);
    body->options.facts = body->facts;
}

/* What is kept for later tasks must not take the disk that is promised to those that run. */
static uint64_t cache_size(const struct body_options *options, uint64_t wished)
{
    return wished < options->capacity.disk ? wished : options->capacity.disk;
}

static int begin(struct body *body, struct error *err)
{
    struct outgoing_world world = serving_world(body);
    const struct settings *settings = body->options.settings;
    const struct state *state = body->options.state;
    int r;

    body->brain = make_brain(&body->options);
    body->items = memory_allocate(WIRE_ATTEMPTS_MAX * sizeof(*body->items));
    if (!body->brain)
        return error_set(err, -ENOMEM, "there is no memory");
    hearing_begin(body);
    owning_begin(body);
    word_begin(body);
    recording_begin(body);
    outgoing_init(&body->outgoing, &world);
    folders_init(&body->folders, &body->loop, state);
    r = identities_open(state->folder, 0, 0, &body->identities, err);
    if (r == 0)
        r = fetching_init(body, cache_size(&body->options, settings->cache_size),
                          cache_size(&body->options, settings->image_cache), err);
    if (r == 0)
        r = uplink_init(body, err);
    if (r == 0)
        r = keeping_begin(body, err);
    if (r == 0)
        tell_limits(body);
    if (r == 0)
        r = start_signals(body);
    return r;
}

static void close_handle(uv_handle_t *handle, void *userdata)
{
    (void)userdata;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/*
 * In this order: children first, then the connections (the dialer runs the loop once more to get
 * rid of its handles, so on_prepare() must be still by then), the loop, and what it pointed to.
 */
static void end(struct body *body)
{
    if (body->keeping.client && body->brain)
        forget_worthless(body);
    for (size_t i = 0; i < body->attempts.count; i++)
        fetching_cancel(body, body->attempts.items[i]);
    fetching_stop_images(&body->fetching);
    disk_watch_deinit(&body->disk_watch);
    folders_deinit(&body->folders);
    tidying_deinit(body);
    publishing_deinit(body);
    recording_end(body);
    policing_deinit(&body->policing);
    hearing_deinit(body);
    owning_deinit(&body->owning);
    word_deinit(&body->word);
    keeping_deinit(&body->keeping);
    uv_prepare_stop(&body->prepare);
    uplink_deinit(&body->uplink);
    uv_walk(&body->loop, close_handle, NULL);
    uv_run(&body->loop, UV_RUN_DEFAULT);
    uv_loop_close(&body->loop);
    attempts_deinit(&body->attempts);
    outgoing_deinit(&body->outgoing);
    fetching_deinit(&body->fetching);
    identities_free(body->identities);
    arena_deinit(&body->arena);
    agent_effects_deinit(&body->effects);
    agent_free(body->brain);
    free(body->facts);
    free(body->items);
    free(body->events.items);
}

int body_run(const struct body_options *options, struct error *err)
{
    struct body body = {.options = *options, .tick_at_ms = UINT64_MAX};
    int r = uv_loop_init(&body.loop);

    if (r < 0)
        return error_set_errno(err, r, "cannot make a loop");
    init_handles(&body);
    r = begin(&body, err);
    if (r == 0)
        uv_run(&body.loop, UV_RUN_DEFAULT);
    end(&body);
    return r < 0 ? r : body.exit_code;
}
