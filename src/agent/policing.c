/* SPDX-License-Identifier: Apache-2.0 */
/* See policing.h. */
#include "policing.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "body.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <math.h>
#include <string.h>

enum { BUSY_LOOK_MS = 5000, IDLE_LOOK_MS = 10000, MEASURE_MS = 1000 };

static const double damping_ms = 60000; /* LoadAvg is that of the last minute */

/* ---- what is seen ---- */

/*
 * What tasks use is damped as the kernel damps the load, or the difference of the two would tell of
 * programs that are not there whenever a task begins or ends.
 */
static void measure(struct body *body, uint64_t now_ms)
{
    struct policing *policing = &body->policing;
    uint64_t used_us = body->publishing.all_used_us;
    double passed_ms = (double)(now_ms - policing->measured_ms);
    double rate;

    if (passed_ms < MEASURE_MS)
        return;
    rate = (double)(used_us - policing->used_us) / 1000 / passed_ms;
    policing->load += (rate - policing->load) * (1 - exp(-passed_ms / damping_ms));
    policing->used_us = used_us;
    policing->measured_ms = now_ms;
}

/* Those that watch what somebody does at the computer itself. */
static bool is_console(const char *source)
{
    return strcmp(source, "evdev") == 0 || strcmp(source, "x11") == 0 ||
           strcmp(source, "wayland") == 0 || strcmp(source, "session") == 0;
}

/* Without such a source all others are as good. */
static uint64_t console_ms(const struct owning *owning, uint64_t keyboard_ms, uint64_t now_ms)
{
    size_t count = owning->presence ? presence_count(owning->presence) : 0;
    uint64_t last_ms = owning->lending.begun_ms;
    bool is_watched = false;

    for (size_t i = 0; i < count; i++) {
        struct presence_view source = presence_view(owning->presence, i);

        if (!is_console(source.name))
            continue;
        is_watched = true;
        /* A moment that is to come is one of a clock that is no better than ours. */
        if (source.used_ms > last_ms && source.used_ms <= now_ms)
            last_ms = source.used_ms;
    }
    return is_watched ? last_ms : keyboard_ms;
}

/* What is known of the jobs that are here. */
struct jobs {
    struct buffer *texts; /* owned, both ways; no two are the same */
    struct slice *slices; /* owned; of them */
    size_t count;
};

static void jobs_deinit(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        buffer_deinit(&jobs->texts[i]);
    free(jobs->texts);
    free(jobs->slices);
}

/* Of a hundred tasks of one job, one is looked at: it is its owner's key that waits for that. */
static bool jobs_have(const struct jobs *jobs, const struct buffer *text)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (strcmp(buffer_text(&jobs->texts[i]), buffer_text(text)) == 0)
            return true;
    return false;
}

static void gather_jobs(const struct attempts *attempts, struct jobs *jobs)
{
    *jobs = (struct jobs){.texts = memory_allocate(attempts->count * sizeof(*jobs->texts)),
                          .slices = memory_allocate(attempts->count * sizeof(*jobs->slices))};
    for (size_t i = 0; i < attempts->count; i++) {
        const struct attempt *attempt = attempts->items[i];
        struct buffer text = BUFFER_INIT;

        if (attempt->has_ended)
            continue;
        attributes_write(&attempt->start.attributes, &text);
        if (jobs_have(jobs, &text)) {
            buffer_deinit(&text);
            continue;
        }
        jobs->slices[jobs->count] = (struct slice){buffer_text(&text), text.length};
        jobs->texts[jobs->count++] = text;
    }
}

static void see(struct body *body, struct buffer *node, const struct jobs *jobs,
                struct policy_sight *sight)
{
    const struct lending *lending = &body->owning.lending;
    double wall = clock_wall_seconds(), average;

    *sight = (struct policy_sight){
        .now_ms = clock_boot_ms(),
        .wall_seconds = (int64_t)wall,
        .utc_offset_seconds = clock_utc_offset_seconds(wall),
        .kept = lending->view.presence,
        .has_work = agent_has_work(body->brain),
        .jobs = jobs->slices,
        .job_count = jobs->count,
        .load = getloadavg(&average, 1) == 1 ? average : -1,
    };
    sight->keyboard_ms = lending->was_used ? lending->used_ms : lending->begun_ms;
    sight->is_woken = lending->options.is_watched && !lending->was_used;
    sight->console_ms = console_ms(&body->owning, sight->keyboard_ms, sight->now_ms);
    measure(body, sight->now_ms);
    sight->tasks_load = body->policing.load;
    publishing_write(body, node);
    sight->node = (struct slice){buffer_text(node), node->length};
}

/* ---- looking ---- */

static void tell(struct body *body)
{
    struct policing *policing = &body->policing;
    struct agent_event event = {.kind = agent_event_of_policy(&policing->view)};

    if (event.kind == policing->told)
        return;
    log_debug("policy: %s", policy_state_name(policing->view.state));
    policing->told = event.kind;
    body_post(body, &event);
    publishing_look_at_idle(body);
}

/* Whether it was another one before. */
static bool keep(char **kept, const char *now)
{
    if (*kept == now || (*kept && now && strcmp(*kept, now) == 0))
        return false;
    free(*kept);
    *kept = now ? memory_copy_string(now) : NULL;
    if (now && strcmp(now, "error") == 0)
        log_warning("START or RANK, with what is known here put in, is an error or too long: no "
                    "job is right for it");
    return true;
}

/* The pool judges jobs by what it was told last, so it goes out before the loop waits again. */
static void tell_asked(struct body *body)
{
    struct policing *policing = &body->policing;
    bool start_is_other = keep(&policing->start, policing->view.start);
    bool rank_is_other = keep(&policing->rank, policing->view.rank);
    bool names_are_others = keep(&policing->names, policing->view.names);

    policing->view.start = policing->view.rank = policing->view.names = NULL;
    if (start_is_other || rank_is_other || names_are_others)
        publishing_note_change(body);
}

static void on_time(uv_timer_t *timer)
{
    policing_look(timer->data);
    keeping_ask_use(timer->data);
}

void policing_look(struct body *body)
{
    struct policing *policing = &body->policing;
    _cleanup_buffer_ struct buffer node = BUFFER_INIT;
    _cleanup_(jobs_deinit) struct jobs jobs = {0};
    struct policy_sight sight;

    if (!policing->policy)
        return;
    gather_jobs(&body->attempts, &jobs);
    see(body, &node, &jobs, &sight);
    policing->view = policy_look(policing->policy, &sight);
    policing->has_work = sight.has_work;
    tell_asked(body);
    tell(body);
    uv_timer_start(&policing->timer, on_time, sight.has_work ? BUSY_LOOK_MS : IDLE_LOOK_MS, 0);
}

void policing_follow_work(struct body *body)
{
    if (body->policing.policy && agent_has_work(body->brain) != body->policing.has_work)
        policing_look(body);
}

void policing_init(struct body *body)
{
    body->policing = (struct policing){
        .policy = body->options.settings->policy,
        .view = {POLICY_OWNER, OWNER_NEAR},
        .told = AGENT_OWNER_LEFT, /* the brain knows of nobody */
        .measured_ms = clock_boot_ms(),
    };
    uv_timer_init(&body->loop, &body->policing.timer);
    body->policing.timer.data = body;
}

/* The loop runs once more after that, and there is no keeper to ask any more. */
void policing_deinit(struct policing *policing)
{
    if (policing->policy)
        uv_timer_stop(&policing->timer);
    free(policing->start);
    free(policing->rank);
    free(policing->names);
    policing->start = policing->rank = policing->names = NULL;
}
