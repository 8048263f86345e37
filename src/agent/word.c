/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See word.h. Of the words only two say that something lasts (core/lending.h); all others say that
 * it does not. Whose tasks are welcome is the brain's business, and an attribute of the node, by
 * which the pool knows (core/match.h).
 */
#include "word.h"

#include "base/memory.h"
#include "body.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>

enum { LOOK_MS = 60000, SAVE_AGAIN_MS = 10000, PRIVATE = 0600 };

static char *file_of(const struct body *body)
{
    return file_join(body->options.state->folder, "owner");
}

/* ---- what it does ---- */

static void on_time(uv_timer_t *timer);

static void set_timer(struct word *word)
{
    double left_ms = (word->said.until_at - clock_wall_seconds()) * 1000;
    uint64_t wait_ms = word->is_unsaved ? SAVE_AGAIN_MS : LOOK_MS;

    if (word->said.has_end && left_ms < (double)wait_ms)
        wait_ms = left_ms > 0 ? (uint64_t)left_ms + 1 : 0;
    if (word->said.has_end || word->is_unsaved)
        uv_timer_start(&word->timer, on_time, wait_ms, 0);
    else
        uv_timer_stop(&word->timer);
}

/* What holds now before what does not any more, so that there is no moment between them. */
static void tell_owning(struct body *body, bool is_resumed)
{
    bool is_never = body->word.said.kind == OWNER_WORD_NEVER;
    bool is_paused = body->word.said.kind == OWNER_WORD_PAUSE;

    if (is_resumed) {
        owning_resume(body);
        return;
    }
    if (is_never)
        owning_lasts(body, OWNER_REASON_NEVER, true);
    owning_lasts(body, OWNER_REASON_PAUSED, is_paused);
    if (!is_never)
        owning_lasts(body, OWNER_REASON_NEVER, false);
}

const char *word_only_user(const struct body *body)
{
    return body->word.said.user;
}

static void tell_brain(struct body *body)
{
    const char *user = word_only_user(body);
    struct agent_event event = {.kind = AGENT_OWNER_KEEPS};

    event.only_user = user ? agent_user_number(user) : 0;
    body->publishing.is_due = true;
    body_post(body, &event);
}

void word_deinit(struct word *word)
{
    owner_word_deinit(&word->said);
}

void word_take(struct body *body, const struct owner_word *word)
{
    static const struct owner_word resume = {.kind = OWNER_WORD_RESUME};
    bool is_resumed = word->kind == OWNER_WORD_RESUME;
    struct owner_word said;

    said = *word;
    if (said.kind == OWNER_WORD_PAUSE && !said.user)
        said.user = body->word.said.user;
    if (owner_word_is_over(word, clock_wall_seconds()))
        said = said.user ? (struct owner_word){.kind = OWNER_WORD_MINE_ONLY, .user = said.user}
                         : resume;
    said.why_not = NULL;
    said.user = said.user ? memory_copy_string(said.user) : NULL;
    owner_word_deinit(&body->word.said);
    body->word.said = said;
    body->word.save_due = true;
    /* Others are kept out before what kept out everybody ends. */
    tell_brain(body);
    tell_owning(body, is_resumed);
    set_timer(&body->word);
}

static void on_time(uv_timer_t *timer)
{
    struct body *body = timer->data;

    if (body->word.is_unsaved)
        body->word.save_due = true;
    if (owner_word_is_over(&body->word.said, clock_wall_seconds())) {
        log_notice("the owner's pause is over");
        word_take(body, &body->word.said);
    } else {
        set_timer(&body->word);
    }
}

/* ---- what is remembered ---- */

/*
 * A file that is there and makes no sense was a word once. It counts as the one that is safe for
 * the owner, and he can take it back.
 */
static void recall(struct body *body, struct owner_word *word)
{
    _cleanup_free_ char *path = file_of(body);
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct owner_word said = {0};
    int r = file_read(path, OWNER_WORD_SIZE_MAX, &line, &err);

    if (r == -ENOENT)
        return;
    if (r == 0)
        r = owner_word_decode((struct slice){buffer_text(&line), line.length}, &said, &err);
    if (r == 0 && said.kind == OWNER_WORD_MINE_ONLY && !said.user)
        r = error_set(&err, -EPROTO, "it does not say whose tasks are welcome");
    if (r == 0 && owner_word_lasts(said.kind)) {
        *word = said;
        return;
    }
    if (r == 0)
        error_set(&err, -EPROTO, "'%s' does not last", owner_word_name(said.kind));
    owner_word_deinit(&said);
    word->kind = OWNER_WORD_PAUSE;
    log_warning("what the owner said last cannot be read from '%s': %s; this counts as 'pause', "
                "until 'dusk owner resume'",
                path, error_text(&err));
}

void word_begin(struct body *body)
{
    struct owner_word word = {.kind = OWNER_WORD_RESUME};

    uv_timer_init(&body->loop, &body->word.timer);
    body->word.timer.data = body;
    recall(body, &word);
    word_take(body, &word);
    /* Nothing new was said, but what is over need not be read again. */
    body->word.save_due = word.kind != body->word.said.kind;
    owner_word_deinit(&word);
}

int word_save(struct body *body, struct error *err)
{
    _cleanup_free_ char *path = file_of(body);
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    int r;

    if (!body->word.save_due)
        return 0;
    owner_word_encode(&line, &body->word.said);
    r = file_replace(path, line.data, line.length, PRIVATE, true, err);
    body->word.save_due = false;
    body->word.is_unsaved = r < 0;
    if (r < 0)
        set_timer(&body->word);
    return r;
}

/* ---- how things are ---- */

/* A moment on the agent's own clock as the clock on the wall shows it. */
static double wall_of(uint64_t boot_ms)
{
    return clock_wall_seconds() + ((double)boot_ms - (double)clock_boot_ms()) / 1000;
}

static void describe_tasks(const struct body *body, struct owner_answer *answer)
{
    size_t count = agent_count_attempts(body->brain);

    answer->tasks = memory_allocate((count + 1) * sizeof(*answer->tasks));
    for (size_t i = 0; i < count; i++) {
        struct agent_attempt_view view = agent_view_attempt(body->brain, i);
        const struct attempt *attempt = attempts_find(&body->attempts, view.epoch);
        const char *user = attempt ? attempt->start.user : NULL;

        answer->tasks[answer->task_count++] =
            (struct owner_task){.job = view.job,
                                .task = view.task,
                                .state = view.state,
                                .user = user ? memory_copy_string(user) : NULL,
                                .since_at = wall_of(view.since_ms)};
    }
}

/* Its own end is known by the clock on the wall, all others by the agent's own. */
static void describe_end(const struct body *body, const struct wire_owner *owner,
                         struct owner_answer *answer)
{
    answer->has_end = owner->has_end;
    answer->until_at = clock_wall_seconds() + (double)owner->end_ms / 1000;
    if (owner->reason != OWNER_REASON_PAUSED)
        return;
    answer->has_end = body->word.said.has_end;
    answer->until_at = body->word.said.until_at;
}

void word_describe(const struct body *body, struct owner_answer *ret_answer)
{
    const struct lending_view *view = &body->owning.lending.view;
    const char *problem = uplink_problem(&body->uplink), *only = word_only_user(body);
    struct wire_owner owner;

    owning_describe(body, &owner);
    *ret_answer = (struct owner_answer){
        .node = memory_copy_string(body->options.settings->name),
        .presence = view->presence,
        .reason = view->reason,
        .since_at = wall_of(view->since_ms),
        .only_user = only ? memory_copy_string(only) : NULL,
        .server_problem = problem ? memory_copy_string(problem) : NULL,
        .nudge = body->options.settings->nudge,
        .sources = owner.sources,
        .source_count = owner.source_count,
    };
    describe_end(body, &owner, ret_answer);
    describe_tasks(body, ret_answer);
}
