/* SPDX-License-Identifier: Apache-2.0 */
/* See sleeping.h. */
#include "core/sleeping.h"

/* What hinders a sleep (an update, a program that inhibits it) is rarely over in a minute. */
enum { RETRY_MS = 600000 };

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void sleeping_init(struct sleeping *sleeping, uint64_t after_ms)
{
    *sleeping = (struct sleeping){.after_ms = after_ms};
}

uint64_t sleeping_next_ms(const struct sleeping *sleeping, uint64_t used_ms)
{
    if (sleeping->after_ms == 0 || !sleeping->is_quiet || sleeping->phase != SLEEPING_AWAKE)
        return UINT64_MAX;
    return later(later(sleeping->quiet_ms, used_ms) + sleeping->after_ms, sleeping->earliest_ms);
}

static enum sleeping_act change(struct sleeping *sleeping, enum sleeping_phase phase)
{
    sleeping->phase = phase;
    sleeping->asked_ms = 0;
    return SLEEPING_TELL;
}

enum sleeping_act sleeping_look(struct sleeping *sleeping, uint64_t now_ms, bool is_quiet,
                                uint64_t used_ms)
{
    if (is_quiet && !sleeping->is_quiet)
        sleeping->quiet_ms = now_ms;
    sleeping->is_quiet = is_quiet;
    switch (sleeping->phase) {
    case SLEEPING_AWAKE:
        return now_ms >= sleeping_next_ms(sleeping, used_ms) ? change(sleeping, SLEEPING_ASKING)
                                                             : SLEEPING_NOTHING;
    case SLEEPING_ASKING:
        return is_quiet ? SLEEPING_NOTHING : change(sleeping, SLEEPING_AWAKE);
    case SLEEPING_GOING:
        break;
    }
    return SLEEPING_NOTHING;
}

void sleeping_reported(struct sleeping *sleeping, uint64_t sent_ms)
{
    if (sleeping->phase == SLEEPING_ASKING && sleeping->asked_ms == 0)
        sleeping->asked_ms = sent_ms;
}

bool sleeping_answered(struct sleeping *sleeping, uint64_t answers_ms)
{
    if (sleeping->phase != SLEEPING_ASKING || sleeping->asked_ms == 0 ||
        answers_ms < sleeping->asked_ms)
        return false;
    sleeping->phase = SLEEPING_GOING;
    return true;
}

void sleeping_ended(struct sleeping *sleeping, uint64_t now_ms, bool has_slept)
{
    sleeping->phase = SLEEPING_AWAKE;
    sleeping->is_quiet = false;
    sleeping->earliest_ms = has_slept ? 0 : now_ms + RETRY_MS;
}
