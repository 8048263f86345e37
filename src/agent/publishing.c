/* SPDX-License-Identifier: Apache-2.0 */
/* See publishing.h. The script runs in an errand's child, which may wait for it. */
#include "publishing.h"

#include "base/memory.h"
#include "body.h"
#include "core/match_round.h"
#include "runtime/script.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>

/* Changes of a minute are told within it; faster ones are the owner's, and no attribute's matter.
 */
enum { LOOK_MS = 60000, SCRIPT_TIME_MS = 30000 };

/* ---- the layers ---- */

static void add_layer(struct attributes *all, const struct attributes *layer, const char *whose)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (attributes_apply(all, layer, &err) < 0)
        log_warning("the attributes of %s are left out: %s", whose, error_text(&err));
}

/* In a string it may have what no attribute can have; no job is right for that. */
static void add_asked(struct attributes *all, const char *name, const char *asked)
{
    if (asked && attributes_set(all, name, asked, NULL) < 0)
        (void)attributes_set(all, name, "error", NULL);
}

static void put_together(struct body *body, struct attributes *all)
{
    struct publishing *publishing = &body->publishing;

    add_layer(all, &publishing->found, "this computer");
    add_layer(all, &body->options.settings->attributes, "the settings");
    add_layer(all, &publishing->scripted, "the script");
    add_asked(all, "Start", body->policing.start);
    add_asked(all, "Rank", body->policing.rank);
    if (body->policing.names)
        (void)attributes_set_text(all, ATTRIBUTE_OF_JOBS, body->policing.names, NULL);
    /* Above all of them: it is the owner's word. */
    if (word_only_user(body))
        (void)attributes_set_text(all, "DuskOnlyUser", word_only_user(body), NULL);
    if (publishing->complaint)
        (void)attributes_set_text(all, "AttributeScriptError", publishing->complaint, NULL);
}

void publishing_note_change(struct body *body)
{
    _cleanup_attributes_ struct attributes now = ATTRIBUTES_INIT, changes = ATTRIBUTES_INIT;

    put_together(body, &now);
    attributes_compare(&body->publishing.told, &now, &changes);
    if (changes.count == 0)
        return;
    body->publishing.is_due = true;
    body->report_due = true;
}

const struct attributes *publishing_tell_all(struct body *body)
{
    struct publishing *publishing = &body->publishing;

    attributes_deinit(&publishing->told);
    put_together(body, &publishing->told);
    publishing->is_due = false;
    return &publishing->told;
}

void publishing_tell_changes(struct body *body, struct attributes *ret_changes)
{
    struct publishing *publishing = &body->publishing;
    struct attributes now = ATTRIBUTES_INIT;

    *ret_changes = ATTRIBUTES_INIT;
    if (!publishing->is_due)
        return;
    put_together(body, &now);
    attributes_compare(&publishing->told, &now, ret_changes);
    attributes_deinit(&publishing->told);
    publishing->told = now;
    publishing->is_due = false;
}

void publishing_write(struct body *body, struct buffer *lines)
{
    _cleanup_attributes_ struct attributes now = ATTRIBUTES_INIT;

    put_together(body, &now);
    attributes_write(&now, lines);
}

/* ---- what changes by itself ---- */

/* The offset is another where summer time begins; else this changes nothing. */
static void look_at_clock(struct publishing *publishing)
{
    describe_clock(clock_utc_offset_seconds(clock_wall_seconds()), &publishing->found);
}

/* Of an attempt that was found after a restart, the first that is heard is an old sum. */
void publishing_count_use(struct body *body, struct attempt *attempt, uint64_t cpu_us)
{
    bool is_news = attempt->counted_us > 0 || !attempt->was_found;

    if (cpu_us > attempt->counted_us && is_news) {
        body->publishing.used_us += cpu_us - attempt->counted_us;
        body->publishing.all_used_us += cpu_us - attempt->counted_us;
        recording_count_use(body, attempt, cpu_us - attempt->counted_us);
    }
    attempt->counted_us = cpu_us;
}

/* The tasks' part is the mean since the last look, and the system's is damped over a minute. */
static struct load measure_load(struct publishing *publishing)
{
    uint64_t now_ms = clock_boot_ms(), passed_ms = now_ms - publishing->looked_ms;
    struct load load = {.all = -1, .tasks = 0};
    double average;

    if (getloadavg(&average, 1) == 1)
        load.all = average;
    if (passed_ms > 0)
        load.tasks = (double)publishing->used_us / 1000 / (double)passed_ms;
    publishing->used_us = 0;
    publishing->looked_ms = now_ms;
    return load;
}

static void look_at_load(struct publishing *publishing)
{
    struct load load = measure_load(publishing);

    if (!load_is_other(&publishing->load, &load))
        return;
    publishing->load = load;
    describe_load(&load, &publishing->found);
}

/* It is told when it comes to a step that people compare with (core/match_round.h). */
static bool look_at_idle(struct body *body)
{
    struct publishing *publishing = &body->publishing;
    uint64_t idle_s = owning_idle_ms(&body->owning) / 1000;
    int64_t step_s = match_round_idle((double)idle_s);

    /* What nobody watches is not made up. */
    if (!body->owning.lending.options.is_watched || step_s == publishing->idle_step_s)
        return false;
    publishing->idle_step_s = step_s;
    describe_idle(idle_s, &publishing->found);
    return true;
}

/* Nothing is compared here: somebody may be waiting for his computer. */
void publishing_look_at_idle(struct body *body)
{
    if (look_at_idle(body))
        body->publishing.is_due = true;
}

static void on_look(uv_timer_t *timer)
{
    struct body *body = timer->data;

    look_at_clock(&body->publishing);
    look_at_load(&body->publishing);
    (void)look_at_idle(body);
    keeping_ask_use(body);
    publishing_note_change(body);
}

/* ---- the script ---- */

static int run_script(void *context, struct error *err)
{
    struct body *body = context;

    return script_run(body->options.settings->attribute_script, SCRIPT_TIME_MS,
                      &body->publishing.printed, err);
}

/* All of it counts, or none. */
static int read_printed(const struct buffer *printed, struct attributes *ret_scripted,
                        struct error *err)
{
    _cleanup_attributes_ struct attributes scripted = ATTRIBUTES_INIT;
    int r = attributes_read(&scripted, (struct slice){printed->data, printed->length}, err);

    for (size_t i = 0; r == 0 && i < scripted.count; i++)
        r = describing_check(&scripted.items[i], err);
    if (r < 0)
        return error_prefix(err, r, "what it prints");
    *ret_scripted = scripted;
    scripted = ATTRIBUTES_INIT;
    return 0;
}

static void complain(struct publishing *publishing, const struct error *err)
{
    const char *text = error_text(err);

    if (!publishing->complaint || strcmp(publishing->complaint, text) != 0)
        log_warning("the script for attributes failed: %s%s%s", text, err->hint ? "; " : "",
                    err->hint ? err->hint : "");
    free(publishing->complaint);
    publishing->complaint = memory_copy_string(text);
}

static void on_script_due(uv_timer_t *timer);

static void on_script_done(void *context, int result, const struct error *failure)
{
    struct body *body = context;
    struct publishing *publishing = &body->publishing;
    struct attributes scripted = ATTRIBUTES_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    publishing->errand = NULL;
    if (result < 0)
        complain(publishing, failure);
    else if (read_printed(&publishing->printed, &scripted, &err) < 0)
        complain(publishing, &err);
    else {
        free(publishing->complaint);
        publishing->complaint = NULL;
        attributes_deinit(&publishing->scripted);
        publishing->scripted = scripted;
    }
    buffer_clear(&publishing->printed);
    publishing_note_change(body);
    uv_timer_start(&publishing->script_timer, on_script_due,
                   body->options.settings->attribute_script_interval_ms, 0);
}

static void on_script_due(uv_timer_t *timer)
{
    struct body *body = timer->data;
    struct publishing *publishing = &body->publishing;
    const struct errand_task task = {.run = run_script,
                                     .on_done = on_script_done,
                                     .context = body,
                                     .answer = &publishing->printed};
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = errand_start(&body->loop, &task, &publishing->errand, &err);

    if (r < 0)
        on_script_done(body, r, &err);
}

/* ---- beginning and end ---- */

void publishing_init(struct body *body, struct attributes *found)
{
    struct publishing *publishing = &body->publishing;

    *publishing = (struct publishing){.found = *found,
                                      .load = {.all = -1, .tasks = -1},
                                      .idle_step_s = -1,
                                      .looked_ms = clock_boot_ms()};
    *found = ATTRIBUTES_INIT;
    uv_timer_init(&body->loop, &publishing->timer);
    uv_timer_init(&body->loop, &publishing->script_timer);
    publishing->timer.data = publishing->script_timer.data = body;
    look_at_clock(publishing);
    look_at_load(publishing);
    uv_timer_start(&publishing->timer, on_look, LOOK_MS, LOOK_MS);
    if (body->options.settings->attribute_script)
        uv_timer_start(&publishing->script_timer, on_script_due, 0, 0);
}

void publishing_deinit(struct body *body)
{
    struct publishing *publishing = &body->publishing;

    uv_timer_stop(&publishing->timer);
    uv_timer_stop(&publishing->script_timer);
    if (publishing->errand)
        errand_cancel(publishing->errand);
    publishing->errand = NULL;
    attributes_deinit(&publishing->found);
    attributes_deinit(&publishing->scripted);
    attributes_deinit(&publishing->told);
    buffer_deinit(&publishing->printed);
    free(publishing->complaint);
    publishing->complaint = NULL;
}
