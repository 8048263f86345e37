/* SPDX-License-Identifier: Apache-2.0 */
/* See lending.h. The view is worked out anew after each event: there is little to look at. */
#include "lending.h"

#include <assert.h>

/* What lasts and only forbids to begin something; all else that lasts stops what runs, too. */
static bool forbids_only_to_begin(enum owner_reason reason)
{
    return reason == OWNER_REASON_CLOSING;
}

/* Nothing of his word can flap. */
static bool ends_at_once(enum owner_reason reason)
{
    return reason == OWNER_REASON_PAUSED || reason == OWNER_REASON_NEVER;
}

/* The first that lasts, in the order of the enum; OWNER_REASON_NONE if nothing does. */
static enum owner_reason find_lasting(const struct lending *lending)
{
    for (unsigned int i = OWNER_REASON_USED + 1; i < OWNER_REASON_COUNT; i++)
        if (lending->holds[i] && !forbids_only_to_begin((enum owner_reason)i))
            return (enum owner_reason)i;
    return OWNER_REASON_NONE;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When so long will have passed since the last use; 0: nobody ever used it. */
static uint64_t used_before_ms(const struct lending *lending, uint64_t length_ms)
{
    return lending->was_used ? lending->used_ms + length_ms : 0;
}

/* The pause that follows whatever lasted. */
static uint64_t ended_before_ms(const struct lending *lending)
{
    return lending->ended ? lending->ended_ms + lending->options.resume_after_ms : 0;
}

/*
 * When he will be away if nothing happens. Notice is given from when nothing else keeps the pool
 * away, unless he has said since then that he lends it.
 */
static uint64_t lent_from_ms(const struct lending *lending)
{
    uint64_t free_ms = used_before_ms(lending, lending->options.idle_after_ms);

    free_ms = later(later(free_ms, ended_before_ms(lending)), lending->unpaused_ms);
    return lending->resumed_ms >= free_ms ? free_ms : free_ms + lending->options.notice_ms;
}

static struct lending_view work_out(const struct lending *lending)
{
    enum owner_reason lasting = find_lasting(lending);
    uint64_t pause_ms = used_before_ms(lending, lending->options.resume_after_ms);
    uint64_t idle_ms = used_before_ms(lending, lending->options.idle_after_ms);

    if (lasting != OWNER_REASON_NONE)
        return (struct lending_view){OWNER_PRESENT, lasting, 0, UINT64_MAX};
    if (lending->now_ms < pause_ms)
        return (struct lending_view){OWNER_PRESENT, OWNER_REASON_USED, 0, pause_ms};
    if (lending->now_ms < ended_before_ms(lending))
        return (struct lending_view){OWNER_PRESENT, lending->ended, 0, ended_before_ms(lending)};
    if (lending->holds[OWNER_REASON_CLOSING])
        return (struct lending_view){OWNER_NEAR, OWNER_REASON_CLOSING, 0, UINT64_MAX};
    if (lending->now_ms < idle_ms)
        return (struct lending_view){OWNER_NEAR, OWNER_REASON_USED, 0, idle_ms};
    if (lending->now_ms < lent_from_ms(lending))
        return (struct lending_view){OWNER_NEAR, OWNER_REASON_NOTICE, 0, lent_from_ms(lending)};
    return (struct lending_view){OWNER_AWAY, OWNER_REASON_NONE, 0, UINT64_MAX};
}

static bool look(struct lending *lending)
{
    struct lending_view view = work_out(lending);
    bool is_other = view.presence != lending->view.presence;
    bool is_news = is_other || view.reason != lending->view.reason;

    view.since_ms = is_other ? lending->now_ms : lending->view.since_ms;
    lending->view = view;
    return is_news;
}

void lending_init(struct lending *lending, const struct lending_options *options, uint64_t now_ms)
{
    assert(options->resume_after_ms <= options->idle_after_ms);
    *lending = (struct lending){.options = *options, .begun_ms = now_ms, .now_ms = now_ms};
    lending->was_used = lending->is_assumed = options->is_watched;
    lending->used_ms = now_ms;
    lending->view.since_ms = now_ms;
    look(lending);
}

static void on_used(struct lending *lending, uint64_t used_ms)
{
    if (used_ms > lending->now_ms)
        used_ms = lending->now_ms;
    lending->used_ms = lending->was_used ? later(lending->used_ms, used_ms) : used_ms;
    lending->was_used = true;
    lending->is_assumed = false;
}

/* The pause after it begins with its end, unless it left what runs alone or was his own word. */
static void on_lasts(struct lending *lending, enum owner_reason reason, bool holds)
{
    assert(reason > OWNER_REASON_USED && reason < OWNER_REASON_COUNT);
    if (lending->holds[reason] && !holds && !forbids_only_to_begin(reason) &&
        !ends_at_once(reason)) {
        lending->ended = reason;
        lending->ended_ms = lending->now_ms;
    }
    if (lending->holds[reason] && !holds && reason == OWNER_REASON_PAUSED)
        lending->unpaused_ms = lending->now_ms;
    lending->holds[reason] = holds;
}

static void on_resumed(struct lending *lending)
{
    lending->holds[OWNER_REASON_PAUSED] = false;
    lending->holds[OWNER_REASON_NEVER] = false;
    lending->resumed_ms = lending->now_ms;
}

bool lending_step(struct lending *lending, const struct lending_event *event)
{
    assert(event->now_ms >= lending->now_ms);
    lending->now_ms = event->now_ms;
    switch (event->kind) {
    case LENDING_TICK:
        break;
    case LENDING_USED:
        on_used(lending, event->used_ms);
        break;
    case LENDING_LASTS:
        on_lasts(lending, event->lasts.reason, event->lasts.holds);
        break;
    case LENDING_RESUMED:
        on_resumed(lending);
        break;
    case LENDING_WOKEN:
        if (lending->is_assumed)
            lending->was_used = lending->is_assumed = false;
        break;
    }
    return look(lending);
}

bool lending_holds(const struct lending *lending, enum owner_reason reason)
{
    return lending->holds[reason];
}

uint64_t lending_away_ms(const struct lending *lending)
{
    if (find_lasting(lending) != OWNER_REASON_NONE || lending->holds[OWNER_REASON_CLOSING])
        return UINT64_MAX;
    return lent_from_ms(lending);
}
