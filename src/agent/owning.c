/* SPDX-License-Identifier: Apache-2.0 */
/* See owning.h. */
#include "owning.h"

#include "base/memory.h"
#include "body.h"
#include "runtime/cgroup.h"
#include "runtime/identity.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { REST_MS = 1000 };

static void on_time(uv_timer_t *timer);

/* The clock of the loop stands still in a suspended computer, the other does not: it is asked. */
static void set_timer(struct owning *owning)
{
    uint64_t until_ms = owning->lending.view.until_ms, now_ms = clock_boot_ms();

    if (until_ms == UINT64_MAX)
        uv_timer_stop(&owning->timer);
    else
        uv_timer_start(&owning->timer, on_time, until_ms > now_ms ? until_ms - now_ms : 0, 0);
}

static void tell(struct body *body)
{
    struct agent_event news = {.kind = agent_event_of_owner(body->owning.lending.view.presence)};

    body_post(body, &news);
}

/* The brain is told in the same turn: everything else may wait. */
static void hear(struct body *body, struct lending_event *event)
{
    struct owning *owning = &body->owning;
    const struct lending_view *view = &owning->lending.view;
    enum owner_presence before = view->presence;

    event->now_ms = clock_boot_ms();
    if (lending_step(&owning->lending, event)) {
        log_debug("owner: %s%s", owner_reason_text(view->reason),
                  view->presence == before ? ", too" : "");
        if (!body->policing.policy)
            tell(body);
        publishing_look_at_idle(body);
    }
    policing_look(body);
    hearing_has_news(&body->hearing);
    set_timer(owning);
}

static void on_time(uv_timer_t *timer)
{
    struct lending_event event = {.kind = LENDING_TICK};

    hear(timer->data, &event);
}

void owning_used(struct body *body, uint64_t used_ms)
{
    struct lending_event event = {.kind = LENDING_USED};

    event.used_ms = used_ms;
    hear(body, &event);
}

void owning_woken(struct body *body)
{
    struct lending_event event = {.kind = LENDING_WOKEN};

    hear(body, &event);
}

static void on_used(void *userdata, uint64_t used_ms)
{
    owning_used(userdata, used_ms);
}

/* Whether it sleeps by our doing; who then wakes it, the server says. */
static bool sleeps_by_itself(void *userdata)
{
    return resting_sleeps(userdata);
}

void owning_lasts(struct body *body, enum owner_reason reason, bool holds)
{
    struct lending_event event = {.kind = LENDING_LASTS};

    event.lasts.reason = reason;
    event.lasts.holds = holds;
    hear(body, &event);
}

void owning_resume(struct body *body)
{
    struct lending_event event = {.kind = LENDING_RESUMED};

    hear(body, &event);
}

static void on_lasts(void *userdata, enum owner_reason reason, bool holds)
{
    owning_lasts(userdata, reason, holds);
}

bool owning_is_task(uid_t uid)
{
    return uid >= IDENTITY_UID_FIRST && uid <= IDENTITY_UID_LAST;
}

static uint64_t used_by(int who)
{
    struct rusage usage = {0};

    (void)getrusage(who, &usage);
    return clock_us_of_timeval(usage.ru_utime) + clock_us_of_timeval(usage.ru_stime);
}

/*
 * The tasks' and our own: who brings inputs is not the owner. Of the tasks what is known now; what
 * they have used since then is asked for, and known the next time.
 */
static uint64_t own_cpu_us(void *userdata)
{
    struct body *body = userdata;

    keeping_ask_use(body);
    return body->publishing.all_used_us + used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN);
}

/* What stands still, has not begun or is over waits for nothing. */
static bool is_computing(void *userdata)
{
    const struct body *body = userdata;

    for (size_t i = 0; i < agent_count_attempts(body->brain); i++) {
        enum agent_phase phase = agent_view_attempt(body->brain, i).phase;

        if (phase != AGENT_WAITING && phase != AGENT_FROZEN && phase != AGENT_ENDED)
            return true;
    }
    return false;
}

/*
 * When tasks go on, a source must be listening again: it rests for less than the pause. A policy
 * knows no pause, and counts seconds.
 */
static uint64_t rest_ms(const struct body *body, const struct lending_options *options)
{
    if (body->policing.policy)
        return REST_MS;
    return REST_MS < options->resume_after_ms / 2 ? REST_MS : options->resume_after_ms / 2;
}

static void begin_lending(struct body *body, const struct lending_options *options)
{
    struct lending *lending = &body->owning.lending;

    lending_init(lending, options, clock_boot_ms());
    if (lending->view.presence != OWNER_AWAY)
        tell(body);
}

static void begin_watching(struct body *body, const struct lending_options *options)
{
    const struct settings *settings = body->options.settings;
    struct owning *owning = &body->owning;
    struct presence_options watch = {
        .sources = settings->presence,
        .root = "",
        .rest_ms = rest_ms(body, options),
        .nudge = settings->nudge,
        .is_task = geteuid() == 0 ? owning_is_task : NULL,
        .on_battery = settings->on_battery,
        .temperature_max = settings->temperature_max,
        .max_fan = settings->max_fan,
        .max_load = body->policing.policy ? 0 : settings->max_load,
        .max_pressure = body->policing.policy ? 0 : settings->max_pressure,
        .needs_pressure = settings->needs_pressure,
        .groups = owning->groups,
        .own_group = owning->own_group,
        .own_cpu_us = own_cpu_us,
        .is_computing = is_computing,
        .own_userdata = body,
        .sleeps_by_itself = sleeps_by_itself,
        .do_not_disturb = settings->do_not_disturb,
        .hears_sessions = body->hearing.door != NULL,
    };
    struct presence_listener listener = {on_used, on_lasts, body};

    owning->presence = presence_new(&body->loop, &watch, &listener);
}

/* To a policy what lasts is told at once and for as long as it lasts; uses it counts itself. */
static struct lending_options lending_options(const struct body *body)
{
    const struct settings *settings = body->options.settings;
    struct lending_options options = {.is_watched = presence_is_wanted(settings->presence)};

    if (body->policing.policy)
        return options;
    options.idle_after_ms = settings->idle_after_ms;
    options.resume_after_ms = settings->resume_after_ms;
    options.notice_ms = settings->notice_before_start_ms;
    if (options.resume_after_ms > options.idle_after_ms)
        options.resume_after_ms = options.idle_after_ms;
    return options;
}

void owning_begin(struct body *body)
{
    const struct settings *settings = body->options.settings;
    struct owning *owning = &body->owning;
    struct lending_options options;
    struct lending_event event = {.kind = LENDING_TICK};

    policing_init(body);
    options = lending_options(body);
    uv_timer_init(&body->loop, &owning->timer);
    owning->timer.data = body;
    begin_lending(body, &options);
    owning->own_group = cgroup_find_own(&owning->groups);
    begin_watching(body, &options);
    owning->hours = (struct hours){.calendar = &settings->calendar,
                                   .closing_ms = settings->stop_starting_before_ms,
                                   .on_lasts = on_lasts,
                                   .userdata = body};
    hours_begin(&owning->hours, &body->loop);
    hear(body, &event);
    publishing_look_at_idle(body);
}

uint64_t owning_idle_ms(const struct owning *owning)
{
    return clock_boot_ms() - owning->lending.used_ms;
}

void owning_deinit(struct owning *owning)
{
    owning->presence = presence_free(owning->presence);
    free(owning->groups);
    free(owning->own_group);
}

/* A server refuses a longer one; no character is cut in two. */
static char *copy_short(const char *text)
{
    size_t length = strnlen(text, WIRE_SOURCE_TEXT_MAX);

    while (text[length] != '\0' && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return memory_copy_bytes(text, length);
}

/* By the policy nobody knows when a computer is lent; of working hours the calendar knows it. */
static void describe_end(const struct body *body, struct wire_owner *owner)
{
    const struct lending *lending = &body->owning.lending;
    uint64_t now_ms = clock_boot_ms(), away_ms = lending_away_ms(lending);

    if (owner->reason == OWNER_REASON_HOURS) {
        owner->has_end = hours_find_end(&body->owning.hours, &owner->end_ms);
        return;
    }
    owner->has_end =
        !body->policing.policy && lending->view.presence != OWNER_AWAY && away_ms != UINT64_MAX;
    if (owner->has_end)
        owner->end_ms = away_ms > now_ms ? away_ms - now_ms : 0;
}

uint64_t owning_lent_ms(const struct body *body)
{
    uint64_t begin_ms;

    if (!hours_find_begin(&body->owning.hours, &begin_ms))
        return 0;
    return begin_ms > 0 ? begin_ms : 1;
}

void owning_describe(const struct body *body, struct wire_owner *ret_owner)
{
    const struct owning *owning = &body->owning;
    size_t count = presence_count(owning->presence);
    uint64_t now_ms = clock_boot_ms();

    *ret_owner =
        (struct wire_owner){.reason = owning->lending.view.reason,
                            .sources = memory_allocate((count + 1) * sizeof(*ret_owner->sources))};
    if (body->policing.policy && ret_owner->reason == OWNER_REASON_NONE &&
        body->policing.view.presence != OWNER_AWAY)
        ret_owner->reason = OWNER_REASON_POLICY;
    describe_end(body, ret_owner);
    for (size_t i = 0; i < count; i++) {
        struct presence_view seen = presence_view(owning->presence, i);

        ret_owner->sources[ret_owner->source_count++] =
            (struct wire_source){.name = memory_copy_string(seen.name),
                                 .why_not = seen.why_not ? copy_short(seen.why_not) : NULL,
                                 .was_used = seen.used_ms > 0,
                                 .used_ms_ago = now_ms > seen.used_ms ? now_ms - seen.used_ms : 0};
    }
}
