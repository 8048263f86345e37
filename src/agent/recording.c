/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See recording.h. The time lent is counted by a clock that stands still while the computer sleeps,
 * since nobody has anything of it then. What happens between two looks belongs to the day of the
 * second: around midnight that is wrong by ten minutes at most.
 */
#include "recording.h"

#include "base/memory.h"
#include "body.h"
#include "errand.h"
#include "lang/date.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>

enum { SAVE_MS = 600000, PRIVATE = 0600, NS_PER_US = 1000, DAY_MINUTES = 24 * 60 };

static int64_t today(void)
{
    return date_quotient(clock_local_minute((int64_t)clock_wall_seconds()), DAY_MINUTES);
}

static void count(struct recording *recording, const char *user, const struct figures_sum *sum)
{
    figures_add(&recording->figures, today(), user, sum);
    recording->save_due = true;
}

/* The time since the last look. */
static void count_lent(struct recording *recording)
{
    uint64_t now_ns = uv_hrtime();
    const struct figures_sum sum = {.lent_us = (now_ns - recording->looked_ns) / NS_PER_US};

    if (recording->is_lent)
        count(recording, "", &sum);
    recording->looked_ns = now_ns;
}

void recording_look(struct body *body)
{
    struct recording *recording = &body->recording;
    bool is_lent = agent_owner(body->brain) == OWNER_AWAY;

    if (is_lent == recording->is_lent)
        return;
    count_lent(recording);
    recording->is_lent = is_lent;
}

void recording_count_task(struct body *body, const struct attempt *attempt)
{
    const struct figures_sum sum = {.tasks = 1};

    count(&body->recording, attempt->start.user, &sum);
}

void recording_count_use(struct body *body, const struct attempt *attempt, uint64_t cpu_us)
{
    const struct figures_sum sum = {.cpu_us = cpu_us};

    count(&body->recording, attempt->start.user, &sum);
}

void recording_describe(struct body *body, struct owner_answer *answer)
{
    struct recording *recording = &body->recording;

    count_lent(recording);
    figures_describe(&recording->figures, today(), body->options.settings->watts_per_core,
                     &answer->figures);
    answer->has_figures = true;
}

/* ---- the file ---- */

static int write_lines(void *context, struct error *err)
{
    const struct recording *recording = context;

    return file_replace(recording->path, recording->lines.data, recording->lines.length, PRIVATE,
                        true, err);
}

/* What could not be saved is tried again with what comes later. */
static void on_saved(void *context, int result, const struct error *err)
{
    struct recording *recording = context;

    recording->errand = NULL;
    if (result == 0)
        return;
    recording->save_due = true;
    log_warning("cannot save the owner's figures: %s", error_text(err));
}

static void gather_lines(struct recording *recording)
{
    figures_forget(&recording->figures, today());
    buffer_clear(&recording->lines);
    figures_write(&recording->figures, &recording->lines);
    recording->save_due = false;
}

static void on_time(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct recording *recording = &body->recording;
    const struct errand_task task = {.run = write_lines, .on_done = on_saved, .context = recording};
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    count_lent(recording);
    if (!recording->save_due || recording->errand)
        return;
    gather_lines(recording);
    r = errand_start(&body->loop, &task, &recording->errand, &err);
    if (r < 0)
        on_saved(recording, r, &err);
}

void recording_begin(struct body *body)
{
    struct recording *recording = &body->recording;
    _cleanup_buffer_ struct buffer lines = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    size_t senseless = 0;
    int r;

    recording->path = file_join(body->options.state->folder, "figures");
    r = file_read(recording->path, FIGURES_SIZE_MAX, &lines, &err);
    if (r == 0)
        senseless = figures_read(&recording->figures, (struct slice){lines.data, lines.length});
    if (r < 0 && r != -ENOENT)
        log_warning("the owner's figures begin anew: %s", error_text(&err));
    if (senseless > 0)
        log_warning("'%s' has lines without sense, which will be removed: %zu", recording->path,
                    senseless);
    recording->looked_ns = uv_hrtime();
    uv_timer_init(&body->loop, &recording->timer);
    recording->timer.data = body;
    uv_timer_start(&recording->timer, on_time, SAVE_MS, SAVE_MS);
}

void recording_end(struct body *body)
{
    struct recording *recording = &body->recording;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (!recording->path)
        return;
    count_lent(recording);
    if (recording->errand) {
        errand_cancel(take_pointer(recording->errand));
        recording->save_due = true;
    }
    if (recording->save_due) {
        gather_lines(recording);
        on_saved(recording, write_lines(recording, &err), &err);
    }
    figures_deinit(&recording->figures);
    buffer_deinit(&recording->lines);
    free(take_pointer(recording->path));
}
