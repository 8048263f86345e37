/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See disk_watch.h. Two rounds may be under way at once, so that an attempt that has ended does not
 * wait until the million files of another are counted: one for those that run, one for those that
 * have ended. Whoever ends while the second is under way is measured in the next.
 */
#define _GNU_SOURCE
#include "disk_watch.h"

#include "base/memory.h"
#include "body.h"
#include "collect.h"
#include "errand.h"
#include "limits.h"
#include "runtime/computer.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    PEEK_MS = 1000,
    ROUND_MS = 10000,
    /*
     * A walk takes a twentieth of the time at most; but one that took long because it had to wait
     * for the processor, as it does for everybody, is no reason to look away for long.
     */
    REST_FACTOR = 20,
    REST_MAX_MS = 15000,
    /* The disk has filled by so much since the last round: somebody is in a hurry. */
    HURRY_BYTES = 32 * 1024 * 1024,
    SMALL_ENTRIES = 64,
    /* Of the rounds, one looks for what has no name. */
    THOROUGH_EVERY = 6,
};

struct disk_measure {
    uint64_t epoch;
    struct scratch *scratch; /* the attempt's; only for the child, who has a copy of everything */
    uint64_t bytes;          /* written by the child */
};

/* ---- a round in a child ---- */

static int run_round(void *context, struct error *err)
{
    struct disk_round *round = context;
    _cleanup_free_ struct scratch **scratches =
        memory_resize(NULL, round->count, sizeof(*scratches));
    _cleanup_free_ uint64_t *unlinked = memory_resize(NULL, round->count, sizeof(*unlinked));

    (void)err;
    for (size_t i = 0; i < round->count; i++)
        scratches[i] = round->measures[i].scratch;
    scratch_measure_unlinked(scratches, round->count, unlinked);
    for (size_t i = 0; i < round->count; i++) {
        scratch_measure(scratches[i], UINT64_MAX, &round->measures[i].bytes, NULL);
        round->measures[i].bytes += unlinked[i];
    }
    return 0;
}

static void forget_round(struct disk_round *round)
{
    if (round->measures)
        munmap(round->measures, round->count * sizeof(*round->measures));
    *round = (struct disk_round){.body = round->body};
}

/* The memory is mapped and shared, because a child's own is gone with it. */
static int begin_round(struct disk_round *round, struct attempt *const *attempts, size_t count,
                       void (*on_done)(void *context, int result, const struct error *err),
                       struct error *err)
{
    struct errand_task task = {.run = run_round, .on_done = on_done, .context = round};
    struct disk_measure *measures = mmap(NULL, count * sizeof(*measures), PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int r;

    if (measures == MAP_FAILED)
        return error_set_errno(err, -errno, "cannot map memory");
    round->measures = measures;
    round->count = count;
    for (size_t i = 0; i < count; i++)
        measures[i] =
            (struct disk_measure){.epoch = attempts[i]->epoch, .scratch = attempts[i]->scratch};
    r = errand_start(&round->body->loop, &task, &round->errand, err);
    if (r < 0)
        forget_round(round);
    return r;
}

static void end_round(struct disk_round *round)
{
    if (round->errand)
        errand_cancel(round->errand);
    forget_round(round);
}

/* ---- what runs ---- */

static bool is_watched(const struct attempt *attempt)
{
    return attempt->is_kept && !attempt->has_ended && attempt->scratch;
}

/* The most that it ever had counts: what is over is ended, and may shrink before it is gone. */
static void note_use(struct attempt *attempt, uint64_t bytes)
{
    if (bytes > attempt->disk_bytes)
        attempt->disk_bytes = bytes;
}

static void judge(struct body *body, struct attempt *attempt, uint64_t bytes)
{
    note_use(attempt, bytes);
    if (is_watched(attempt) && attempt->disk_bytes > limits_disk(&attempt->start))
        keeping_end(body, attempt);
}

static uint64_t rest_after_ms(uint64_t walk_ms)
{
    uint64_t rest_ms = walk_ms * (REST_FACTOR - 1);

    return rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
}

static void on_running_measured(void *context, int result, const struct error *err)
{
    struct disk_round *round = context;
    struct disk_watch *watch = &round->body->disk_watch;

    round->errand = NULL;
    if (result < 0)
        log_debug("disk use was not measured: %s", error_text(err));
    for (size_t i = 0; result == 0 && i < round->count; i++) {
        struct attempt *attempt = attempts_find(&round->body->attempts, round->measures[i].epoch);

        if (attempt)
            judge(round->body, attempt, round->measures[i].bytes);
    }
    watch->earliest_ms = clock_boot_ms() + rest_after_ms(clock_boot_ms() - watch->began_ms);
    forget_round(round);
}

/*
 * Those that are small at once; returns how many of `large` have to be measured by a child, which
 * also looks for what is in no folder. So now and then, and if the disk fills, that is all of them.
 */
static size_t measure_small(struct body *body, struct attempt **large)
{
    size_t count = 0;

    for (size_t i = 0; i < body->attempts.count; i++) {
        struct attempt *attempt = body->attempts.items[i];
        uint64_t bytes;

        if (!is_watched(attempt))
            continue;
        if (!body->disk_watch.is_thorough &&
            scratch_measure(attempt->scratch, SMALL_ENTRIES, &bytes, NULL) == 0)
            judge(body, attempt, bytes);
        else
            large[count++] = attempt;
    }
    return count;
}

static void measure_running(struct body *body)
{
    struct disk_watch *watch = &body->disk_watch;
    _cleanup_free_ struct attempt **large =
        memory_allocate((body->attempts.count + 1) * sizeof(struct attempt *));
    _cleanup_error_ struct error err = ERROR_INIT;
    size_t count = measure_small(body, large);

    if (count > 0 && begin_round(&watch->running, large, count, on_running_measured, &err) < 0)
        log_warning("disk use cannot be measured: %s", error_text(&err));
}

static bool has_watched(const struct body *body)
{
    for (size_t i = 0; i < body->attempts.count; i++)
        if (is_watched(body->attempts.items[i]))
            return true;
    return false;
}

/* Whether the disk has less room than a moment ago. Others fill it as well, and then we look. */
static bool is_in_hurry(const struct disk_watch *watch, uint64_t free_bytes)
{
    return free_bytes < watch->free_then && watch->free_then - free_bytes >= HURRY_BYTES;
}

static void on_peek(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct disk_watch *watch = &body->disk_watch;
    uint64_t now_ms = clock_boot_ms(), free_bytes = 0;

    if (!has_watched(body)) {
        uv_timer_stop(timer);
        return;
    }
    computer_measure_disk(body->options.state->scratch, &free_bytes, NULL);
    if (watch->running.errand || now_ms < watch->earliest_ms ||
        (now_ms < watch->next_ms && !is_in_hurry(watch, free_bytes)))
        return;
    watch->is_thorough = is_in_hurry(watch, free_bytes) || watch->rounds++ % THOROUGH_EVERY == 0;
    watch->began_ms = now_ms;
    watch->next_ms = now_ms + ROUND_MS;
    watch->free_then = free_bytes;
    measure_running(body);
}

void disk_watch_wake(struct body *body)
{
    struct disk_watch *watch = &body->disk_watch;

    if (uv_is_active((uv_handle_t *)&watch->timer) || !has_watched(body))
        return;
    computer_measure_disk(body->options.state->scratch, &watch->free_then, NULL);
    watch->next_ms = clock_boot_ms() + ROUND_MS;
    uv_timer_start(&watch->timer, on_peek, PEEK_MS, PEEK_MS);
}

/* ---- what has ended ---- */

/*
 * The outputs are listed here and not by a child: two microseconds a file, an eighth of a second
 * for the most that a list may have, because whoever measured a large folder just now (a child) has
 * brought all of its inodes into memory. A child would have to send back what is a megabyte of
 * names.
 */
static void finish(struct body *body, struct attempt *attempt)
{
    bool saves = attempt->is_saving;

    attempt->is_collecting = attempt->is_saving = false;
    if (saves)
        body_post_attempt(body, AGENT_SAVED, attempt->epoch, collect_checkpoint(attempt));
    else
        body_post_attempt(body, AGENT_COLLECTED, attempt->epoch, collect_outputs(attempt));
}

static void measure_ended(struct body *body);

static void on_ended_measured(void *context, int result, const struct error *err)
{
    struct disk_round *round = context;
    struct body *body = round->body;

    round->errand = NULL;
    if (result < 0)
        log_debug("disk use was not measured: %s", error_text(err));
    for (size_t i = 0; i < round->count; i++) {
        struct attempt *attempt = attempts_find(&body->attempts, round->measures[i].epoch);

        /* The server may have had enough of it meanwhile. */
        if (!attempt || !attempt->is_collecting)
            continue;
        note_use(attempt, round->measures[i].bytes);
        finish(body, attempt);
    }
    forget_round(round);
    measure_ended(body);
}

/* One that cannot be measured is collected as it is: its user is not to blame. */
static void measure_ended(struct body *body)
{
    _cleanup_free_ struct attempt **waiting =
        memory_allocate((body->attempts.count + 1) * sizeof(struct attempt *));
    _cleanup_error_ struct error err = ERROR_INIT;
    size_t count = 0;

    for (size_t i = 0; i < body->attempts.count; i++)
        if (body->attempts.items[i]->is_collecting)
            waiting[count++] = body->attempts.items[i];
    if (count == 0 || body->disk_watch.ended.errand)
        return;
    if (begin_round(&body->disk_watch.ended, waiting, count, on_ended_measured, &err) == 0)
        return;
    log_warning("disk use cannot be measured: %s", error_text(&err));
    while (count > 0)
        finish(body, waiting[--count]);
}

void disk_watch_collect(struct body *body, struct attempt *attempt)
{
    uint64_t bytes;

    if (scratch_measure(attempt->scratch, SMALL_ENTRIES, &bytes, NULL) == 0) {
        note_use(attempt, bytes);
        finish(body, attempt);
        return;
    }
    attempt->is_collecting = true;
    measure_ended(body);
}

void disk_watch_init(struct body *body)
{
    struct disk_watch *watch = &body->disk_watch;

    watch->running.body = watch->ended.body = body;
    uv_timer_init(&body->loop, &watch->timer);
    watch->timer.data = body;
}

void disk_watch_deinit(struct disk_watch *watch)
{
    end_round(&watch->running);
    end_round(&watch->ended);
}
