/* SPDX-License-Identifier: Apache-2.0 */
/* See keeping.h. The attempt's epoch is its key with the keeper. */
#define _GNU_SOURCE
#include "keeping.h"

#include "base/memory.h"
#include "body.h"
#include "collect.h"
#include "gpus.h"
#include "launch.h"
#include "note.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
    ALIVE_PARTS = 8,
    ALIVE_MIN_MS = 100,
    ALIVE_MAX_MS = 60000,
    SILENCE_MS = 2000,           /* freezing takes milliseconds */
    SILENCE_IN_THE_END_MS = 3000 /* and to say what it has, no more */
};

/* ---- requests ---- */

/* What is asked for is copied into the request at once, so the arena may go right after. */
static int prepare_spawn(struct body *body, struct attempt *attempt, struct error *err)
{
    const char *sha256 = attempt->start.image.sha256;
    _cleanup_free_ char *image = sha256 ? images_path(body->fetching.images, sha256) : NULL;
    _cleanup_buffer_ struct buffer note = BUFFER_INIT;
    struct keeper_spawn spawn;
    const struct launch_node node = {.name = body->options.settings->name,
                                     .containing = body->options.containing,
                                     .image = image,
                                     .gpus = body->options.gpus};
    int r = gpus_assign(node.gpus, body->options.capacity.gpus, &body->attempts, attempt, err);

    if (r == 0)
        r = note_write(&attempt->start, attempt->gpus, &note, err);
    if (r == 0)
        r = launch_prepare(attempt, &node, &body->arena, &spawn, err);
    if (r < 0)
        return r;
    spawn.note = (struct slice){.data = note.data, .length = note.length};
    spawn.deadline_boot_ms = attempt->deadline_ms;
    return keeper_client_spawn(body->keeping.client, attempt->epoch, &spawn, err);
}

/* Its program has saved itself; the keeper still has what became of it, under the same key. */
static void begin_anew(struct body *body, struct attempt *attempt)
{
    keeping_forget(body, attempt);
    wire_checkpoint_deinit(&attempt->checkpoint);
    attempt->has_ended = attempt->was_found = false;
    attempt->was_restarted = true;
    attempt->counted_us = 0;
}

/*
 * The request leaves with the next flush, after the epoch is on the disk (body.c): a task that runs
 * under an epoch which a restarted agent would accept again could run twice.
 */
void keeping_spawn(struct body *body, struct attempt *attempt)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    if (attempt->has_ended)
        begin_anew(body, attempt);
    r = prepare_spawn(body, attempt, &err);
    arena_clear(&body->arena);
    attempt->is_kept = attempt->is_starting = r == 0;
    if (r == 0)
        return;
    attempt_add_error(attempt, &err);
    body_post_attempt(body, AGENT_STARTED, attempt->epoch, REASON_CANNOT_START);
}

size_t keeping_count_starting(const struct body *body)
{
    size_t count = 0;

    for (size_t i = 0; i < body->attempts.count; i++) {
        const struct attempt *attempt = body->attempts.items[i];

        count += attempt->is_starting && attempt->is_kept && !attempt->has_ended;
    }
    return count;
}

static void on_silence(uv_timer_t *timer);

void keeping_freeze(struct body *body, const struct attempt *attempt)
{
    struct keeping *keeping = &body->keeping;

    if (!attempt->is_kept)
        return;
    keeper_client_freeze(keeping->client, attempt->epoch);
    if (!uv_is_active((uv_handle_t *)&keeping->silence))
        uv_timer_start(&keeping->silence, on_silence, SILENCE_MS, 0);
}

void keeping_thaw(struct body *body, const struct attempt *attempt)
{
    if (attempt->is_kept)
        keeper_client_thaw(body->keeping.client, attempt->epoch, attempt->deadline_ms);
}

void keeping_kill(struct body *body, const struct attempt *attempt)
{
    if (attempt->is_kept)
        keeper_client_kill(body->keeping.client, attempt->epoch);
}

void keeping_terminate(struct body *body, const struct attempt *attempt)
{
    int signal = attempt->start.kill_signal > 0 ? attempt->start.kill_signal : SIGTERM;

    if (signal == SIGKILL)
        keeping_kill(body, attempt);
    else if (attempt->is_kept)
        keeper_client_signal(body->keeping.client, attempt->epoch, signal);
}

/* To the keeper this signal is no order to leave, so an agent after us sees it alike. */
void keeping_end(struct body *body, const struct attempt *attempt)
{
    if (attempt->is_kept)
        keeper_client_signal(body->keeping.client, attempt->epoch, SIGKILL);
}

void keeping_set_deadline(struct body *body, struct attempt *attempt, uint64_t deadline_ms)
{
    attempt->deadline_ms = deadline_ms;
    if (attempt->is_kept)
        keeper_client_set_deadline(body->keeping.client, attempt->epoch, deadline_ms);
}

void keeping_forget(struct body *body, struct attempt *attempt)
{
    if (attempt->is_kept)
        keeper_client_forget(body->keeping.client, attempt->epoch);
    attempt->is_kept = false;
}

/* ---- what it still has ---- */

/* How the brain has to see what the keeper says of a task. */
static enum agent_phase phase_of(const struct wire_start *start, const struct keeper_news *news)
{
    if (news->told_to_end)
        return AGENT_KILLING;
    switch (news->state) {
    case KEEPER_STATE_RUNNING:
    case KEEPER_STATE_ENDING:
        return AGENT_RUNNING;
    case KEEPER_STATE_FREEZING:
    case KEEPER_STATE_FROZEN:
    case KEEPER_STATE_SAVING:
        return AGENT_FROZEN;
    case KEEPER_STATE_ENDED:
        return attempt_exit_is_save(start, news->result.wait_status) ? AGENT_SAVING
                                                                     : AGENT_COLLECTING;
    }
    return AGENT_KILLING;
}

/* The folder is where it was, and the user gets the same identity again. */
static int reopen(struct body *body, struct attempt *attempt, struct error *err)
{
    int r = identities_get(body->identities, attempt->start.user, &attempt->identity, err);

    if (r == 0)
        r = scratch_open(body->options.state->scratch, attempt->folder, attempt->identity.uid,
                         attempt->identity.gid, &attempt->scratch, err);
    return r;
}

/*
 * What was told to end before our restart must not look like a result now: the brain takes it for
 * one that is being killed, and is told of its end only if there was one.
 */
static void post_found(struct body *body, const struct attempt *attempt,
                       const struct keeper_news *news)
{
    const struct wire_start *start = &attempt->start;
    struct agent_event event = {.kind = AGENT_FOUND, .epoch = attempt->epoch};

    event.found.job = start->job;
    event.found.task = start->task;
    event.found.attempt = start->attempt;
    event.found.user = agent_user_number(start->user);
    event.found.request = start->request;
    event.found.request.gpus =
        gpus_count_held(body->options.gpus, body->options.capacity.gpus, attempt);
    event.found.phase = phase_of(start, news);
    event.found.checkpoint = start->checkpoint;
    event.found.saves_to_leave = start->saving.to_leave;
    event.found.vacate_ms = attempt_vacate_ms(start);
    event.found.lease_end_ms = news->deadline_boot_ms;
    body_post(body, &event);
    if (news->is_out)
        body_post_attempt(body, AGENT_PUSHED_OUT, attempt->epoch, REASON_NONE);
    if (event.found.phase != AGENT_KILLING)
        return;
    if (news->state == KEEPER_STATE_ENDED)
        body_post_attempt(body, AGENT_EXITED, attempt->epoch, REASON_NONE);
    else
        keeping_kill(body, attempt);
}

/* What cannot be known again is no use to anybody: the server will hear that it is lost. */
static void on_task(struct body *body, const struct keeper_news *news)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *gpus = NULL;
    struct wire_start start = {0};
    struct attempt *attempt;
    int r = note_read(news->note, &start, &gpus, &err);

    if (r < 0 || start.epoch != news->key || attempts_find(&body->attempts, start.epoch) ||
        body->attempts.count == WIRE_ATTEMPTS_MAX) {
        log_warning("the keeper has a task that is none of ours: %s", error_text(&err));
        wire_start_deinit(&start);
        keeper_client_forget(body->keeping.client, news->key);
        return;
    }
    attempt = attempts_add(&body->attempts, &start);
    attempt->gpus = take_pointer(gpus);
    attempt->is_kept = true;
    attempt->was_found = true;
    attempt->deadline_ms = news->deadline_boot_ms;
    r = reopen(body, attempt, &err);
    if (r < 0) {
        /* One that had ended and has no folder was dropped in the very moment of our end. */
        if (r != -ENOENT || news->state != KEEPER_STATE_ENDED)
            log_warning("attempt %s is lost: %s", attempt->folder, error_text(&err));
        keeping_forget(body, attempt);
        attempts_remove(&body->attempts, attempt);
        return;
    }
    fetching_hold_image(body, attempt);
    attempt->has_ended = news->state == KEEPER_STATE_ENDED;
    if (attempt->has_ended)
        collect_exit(attempt, &news->result);
    post_found(body, attempt, news);
}

/*
 * Folders of attempts that nobody knows any more. Only when the keeper has said what it has: a
 * folder that no attempt is known for might have been that of a task which goes on running.
 */
static void remove_orphans(struct body *body)
{
    _cleanup_free_ char *path = file_join(body->options.state->scratch, "attempts");
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' && !attempts_have_folder(&body->attempts, entry->d_name))
            folders_remove(&body->folders, entry->d_name);
    if (folder)
        closedir(folder);
    folders_empty_trash(&body->folders);
}

/* The first full report will name all that was found; only now may the server be spoken to. */
static void on_listed(struct body *body)
{
    if (body->keeping.is_listed)
        return;
    body->keeping.is_listed = true;
    if (body->attempts.count > 0)
        log_notice("found %zu attempts from before", body->attempts.count);
    remove_orphans(body);
    if (body->signal_count > 0)
        body_leave(body);
    else
        uplink_begin(body);
}

void keeping_ask_use(struct body *body)
{
    for (size_t i = 0; i < body->attempts.count; i++) {
        const struct attempt *attempt = body->attempts.items[i];

        if (attempt->is_kept && !attempt->has_ended)
            keeper_client_ask_usage(body->keeping.client, attempt->epoch);
    }
}

/* ---- news ---- */

static void on_start_failed(struct body *body, struct attempt *attempt,
                            const struct keeper_failure *failure)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    attempt->is_kept = false;
    attempt->has_ended = true;
    keeper_failure_describe(failure, &err);
    attempt_add_error(attempt, &err);
    /* One that the brain takes to be running already was found while it was starting. */
    if (attempt->was_found)
        body_post_attempt(body, AGENT_VANISHED, attempt->epoch, REASON_NONE);
    else
        body_post_attempt(body, AGENT_STARTED, attempt->epoch, REASON_CANNOT_START);
}

/* The exit status is taken down before the brain hears of it: it may want the outputs at once. */
static void on_exited(struct body *body, struct attempt *attempt,
                      const struct keeper_result *result)
{
    attempt->has_ended = true;
    publishing_count_use(body, attempt, result->user_us + result->system_us);
    collect_exit(attempt, result);
    body_post_attempt(body,
                      attempt_exit_is_save(&attempt->start, result->wait_status)
                          ? AGENT_SAVED_ITSELF
                          : AGENT_EXITED,
                      attempt->epoch, REASON_NONE);
}

/*
 * A task that the keeper should have and has not: one that was killed and started anew has none. To
 * the brain that is a task that vanished, and to the server one to be run again.
 */
static void on_unknown(struct body *body, struct attempt *attempt)
{
    if (!attempt->is_kept || attempt->has_ended)
        return;
    attempt->is_kept = false;
    attempt->has_ended = true;
    body_post_attempt(body, AGENT_VANISHED, attempt->epoch, REASON_NONE);
}

/* Each piece of news is one event; those that only confirm what the brain knows are none. */
static void on_news(void *context, const struct keeper_news *news)
{
    struct body *body = context;
    struct attempt *attempt = attempts_find(&body->attempts, news->key);

    if (news->type == KEEPER_NEWS_TASK) {
        if (!body->keeping.is_listed)
            on_task(body, news);
        return;
    }
    if (news->type == KEEPER_NEWS_LISTED)
        on_listed(body);
    if (!attempt)
        return;
    attempt->is_starting = false;
    switch (news->type) {
    case KEEPER_NEWS_STARTED:
        if (!attempt->was_restarted)
            recording_count_task(body, attempt);
        body_post_attempt(body, AGENT_STARTED, attempt->epoch, REASON_NONE);
        break;
    case KEEPER_NEWS_START_FAILED:
        on_start_failed(body, attempt, &news->failure);
        break;
    case KEEPER_NEWS_LAPSED:
        body_post_attempt(body, AGENT_LAPSED, attempt->epoch, REASON_NONE);
        break;
    case KEEPER_NEWS_PUSHED_OUT:
        body_post_attempt(body, AGENT_PUSHED_OUT, attempt->epoch, REASON_NONE);
        break;
    case KEEPER_NEWS_EXITED:
        on_exited(body, attempt, &news->result);
        break;
    case KEEPER_NEWS_UNKNOWN:
        on_unknown(body, attempt);
        break;
    case KEEPER_NEWS_USAGE:
        publishing_count_use(body, attempt, news->result.user_us + news->result.system_us);
        break;
    case KEEPER_NEWS_HELLO:
    case KEEPER_NEWS_FROZEN:
    case KEEPER_NEWS_THAWED:
    case KEEPER_NEWS_TASK:
    case KEEPER_NEWS_LISTED:
    case KEEPER_NEWS_SAVED: /* nobody asks for that yet */
    case KEEPER_NEWS_SAVE_FAILED:
        break;
    }
}

/* ---- its silence ---- */

static void hear(struct keeping *keeping)
{
    uv_timer_stop(&keeping->silence);
    keeping->was_nudged = false;
}

/*
 * Somebody has stopped it, or it hangs. It is asked for what it always has an answer to: there may
 * have been nothing to freeze. That is read before the second time is over even if it was this
 * process that stood still.
 */
static void on_silence(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct keeping *keeping = &body->keeping;
    int pid = keeping->client ? keeper_client_pid(keeping->client) : 0;

    if (pid <= 0)
        return;
    if (keeping->was_nudged) {
        log_error("the keeper, process %d, stands still and its owner waits: it is ended", pid);
        (void)kill(pid, SIGKILL);
        return;
    }
    log_warning("the keeper, process %d, does not answer: it is told to go on", pid);
    keeping->was_nudged = true;
    (void)kill(pid, SIGCONT);
    keeper_client_ask_list(keeping->client);
    uv_timer_start(timer, on_silence, SILENCE_IN_THE_END_MS, 0);
}

/* ---- the connection ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* libuv frees a handle later, so each connection has a handle of its own. */
static void disconnect(struct keeping *keeping)
{
    if (keeping->poll) {
        uv_poll_stop(keeping->poll);
        uv_close((uv_handle_t *)keeping->poll, on_poll_closed);
    }
    keeping->poll = NULL;
    hear(keeping);
    keeping->client = keeper_client_free(keeping->client);
}

void keeping_deinit(struct keeping *keeping)
{
    disconnect(keeping);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct body *body = poll->data;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)events;
    if (status < 0 || keeper_client_read(body->keeping.client, on_news, body, &err) < 0) {
        log_debug("%s", error_text(&err));
        body->keeping.is_lost = true;
    } else {
        hear(&body->keeping);
    }
}

static int connect_keeper(struct body *body, struct error *err)
{
    uint64_t keep_lapsed_ms = body->options.settings->keep_lapsed_ms;
    struct keeper_options options = {
        .state_folder = body->options.state->folder,
        .abandon_after_ms = keep_lapsed_ms > 0 ? keep_lapsed_ms : 1,
        .gives_way = body->options.settings->give_way,
    };
    struct keeping *keeping = &body->keeping;
    bool is_new;
    int r = keeper_start(&options, &keeping->client, &is_new, err);

    if (r < 0)
        return r;
    keeping->is_lost = false;
    keeping->is_writing = false;
    keeping->poll = memory_allocate(sizeof(*keeping->poll));
    keeping->poll->data = body;
    uv_poll_init(&body->loop, keeping->poll, keeper_client_descriptor(keeping->client));
    uv_poll_start(keeping->poll, UV_READABLE, on_ready);
    log_debug("%s keeper, process %d", is_new ? "a new" : "the",
              keeper_client_pid(keeping->client));
    return 0;
}

static void on_alive(uv_timer_t *timer)
{
    struct body *body = timer->data;

    if (body->keeping.client && body->attempts.count > 0)
        keeper_client_say_alive(body->keeping.client);
}

/* Some words in each time of silence that the keeper bears, but not more than are needed. */
static void start_alive(struct body *body)
{
    uint64_t each_ms = body->options.settings->keep_lapsed_ms / ALIVE_PARTS;

    if (each_ms > ALIVE_MAX_MS)
        each_ms = ALIVE_MAX_MS;
    if (each_ms < ALIVE_MIN_MS)
        each_ms = ALIVE_MIN_MS;
    uv_timer_init(&body->loop, &body->keeping.alive);
    body->keeping.alive.data = body;
    uv_timer_start(&body->keeping.alive, on_alive, each_ms, each_ms);
}

int keeping_begin(struct body *body, struct error *err)
{
    int r;

    uv_timer_init(&body->loop, &body->keeping.silence);
    body->keeping.silence.data = body;
    r = connect_keeper(body, err);
    if (r == 0)
        keeper_client_ask_list(body->keeping.client);
    if (r == 0)
        start_alive(body);
    return r;
}

/* A keeper takes its processes with it, and the next one sees to what is left of them. */
static void replace_keeper(struct body *body)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    log_warning("the keeper is gone, and with it the tasks that ran; a new one is started");
    disconnect(&body->keeping);
    if (connect_keeper(body, &err) < 0) {
        body->is_ending = true;
        body_give_up(body, error_text(&err), err.hint);
        return;
    }
    for (size_t i = body->attempts.count; i-- > 0;) {
        struct attempt *attempt = body->attempts.items[i];
        bool vanished = attempt->is_kept && !attempt->has_ended;

        attempt->is_kept = false;
        attempt->has_ended = attempt->has_ended || vanished;
        if (vanished)
            body_post_attempt(body, AGENT_VANISHED, attempt->epoch, REASON_NONE);
    }
    if (!body->keeping.is_listed)
        keeper_client_ask_list(body->keeping.client);
}

/*
 * A keeper that is gone is replaced here and not where it was noticed, because its client cannot be
 * freed while it hands out news.
 */
void keeping_flush(struct body *body)
{
    struct keeping *keeping = &body->keeping;
    bool writes;

    if (!keeping->client)
        return;
    if (keeper_client_wants_write(keeping->client) && !keeping->is_lost &&
        keeper_client_flush(keeping->client, NULL) < 0)
        keeping->is_lost = true;
    if (keeping->is_lost)
        replace_keeper(body);
    if (!keeping->client)
        return;
    writes = keeper_client_wants_write(keeping->client);
    if (writes != keeping->is_writing)
        uv_poll_start(keeping->poll, UV_READABLE | (writes ? UV_WRITABLE : 0), on_ready);
    keeping->is_writing = writes;
}
