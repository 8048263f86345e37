/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's own word: pause, never, mine-only, resume (wire/owner_word.h). It lasts over restarts
 * of the agent, in the file `owner` of the state folder, and a pause with an end is over when the
 * clock on the wall says so: that clock is asked again each minute, because somebody may set it.
 */
#pragma once

#include "base/error.h"
#include "wire/owner_word.h"

#include <uv.h>

struct body;

struct word {
    struct owner_word
        said; /* owned; the last one that was no question; RESUME at the very beginning */
    bool save_due;
    bool is_unsaved;  /* it could not be saved, which is tried again */
    uv_timer_t timer; /* for its end, and for that */
};

/* Takes up what was said before the restart. Behind owning_begin(). */
void word_begin(struct body *body);
/*
 * Takes a word that lasts, and copies it: when this returns, the brain has been stepped. A
 * MINE_ONLY names its user.
 */
void word_take(struct body *body, const struct owner_word *word);
/*
 * Remembers what was taken since the last time. After what the brain decided was carried out: a
 * slow disk must not keep the owner waiting. What cannot be remembered is tried again later, so
 * that a disk that is full for an hour does not lend the computer after the next restart.
 */
int word_save(struct body *body, struct error *err);
/* Whose tasks alone are welcome; NULL: anybody's. */
const char *word_only_user(const struct body *body);
void word_deinit(struct word *word);
/* How things are, for whoever asks; the caller's. */
void word_describe(const struct body *body, struct owner_answer *ret_answer);
