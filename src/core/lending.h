/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose computer it is just now: the owner's, or the pool's.
 *
 * Those who watch (presence/) tell two kinds of things: that somebody used the computer at some
 * moment, and that something lasts which keeps the pool away (working hours, the owner's word, a
 * battery…). From these and from time alone follows one of three answers: the owner is present, and
 * nothing of the pool may compute; he is near, and what is there goes on, but nothing is begun; he
 * is away, and the computer is lent.
 *
 *     a use ──> present ── resume_after without another ──> near ── idle_after ──> away
 *
 * Before he counts as away he may be given notice: for so long he stays near, so that whoever still
 * looks at the screen can object. One who said himself that his computer is lent needs none.
 *
 * So a nudge of the desk costs the tasks a short pause, and a person who comes back to work is not
 * met by new ones. What lasts counts like a use while it lasts, and is followed by the same pause,
 * so that nothing flaps, unless it was his own word; idle_after counts from a use alone.
 * doc/specification/lending.md is the page for it.
 *
 * Pure, like the brains beside it: time comes in with the event, nothing is allocated.
 */
#pragma once

#include "core/words.h"

struct lending_options {
    bool is_watched;          /* false: nobody looks, and nobody ever uses the computer */
    uint64_t idle_after_ms;   /* without a use for so long, the computer is lent */
    uint64_t resume_after_ms; /* and for so long, what was frozen goes on; not above idle_after */
    uint64_t notice_ms;       /* so long before it is lent, he is told; 0: not at all */
};

enum lending_event_kind {
    LENDING_TICK,    /* nothing but time */
    LENDING_USED,    /* somebody used the computer */
    LENDING_LASTS,   /* something lasts, or does not any more */
    LENDING_RESUMED, /* he said that it is lent: what he said before lasts no more */
    LENDING_WOKEN    /* the pool itself has started it: nobody used it to do so */
};

struct lending_event {
    enum lending_event_kind kind;
    uint64_t now_ms; /* on the agent's own clock, never less than before */
    union {
        uint64_t used_ms; /* when; a moment that is to come counts as now */
        struct {
            enum owner_reason reason; /* above OWNER_REASON_USED */
            bool holds;
        } lasts;
    };
};

/* What follows; who asks may keep it. */
struct lending_view {
    enum owner_presence presence;
    enum owner_reason reason; /* OWNER_REASON_NONE if he is away */
    uint64_t since_ms;        /* of this presence */
    uint64_t until_ms;        /* when time alone will change it; UINT64_MAX: it will not */
};

struct lending {
    struct lending_options options;
    uint64_t begun_ms;
    uint64_t now_ms;
    uint64_t used_ms;        /* the last use; only if was_used */
    uint64_t ended_ms;       /* when what lasted ended last */
    enum owner_reason ended; /* what that was; OWNER_REASON_NONE: nothing yet */
    uint64_t unpaused_ms;    /* when a pause was over by itself */
    uint64_t resumed_ms;     /* when he said that it is lent */
    bool was_used;
    bool is_assumed; /* that use, because nobody knew better at the beginning */
    bool holds[OWNER_REASON_COUNT];
    struct lending_view view;
};

/*
 * Nobody knows what was before: a computer that is watched counts as used at `now_ms`. No
 * destructor is needed.
 */
void lending_init(struct lending *lending, const struct lending_options *options, uint64_t now_ms);
/* Takes the event. Returns whether presence or reason are others than before. */
bool lending_step(struct lending *lending, const struct lending_event *event);
/* When he will be away if nothing happens; UINT64_MAX: as long as something lasts, nobody knows. */
uint64_t lending_away_ms(const struct lending *lending);
/* Whether this lasts, as far as was told. */
bool lending_holds(const struct lending *lending, enum owner_reason reason);
