/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper of a desktop session, for its parts: what they may ask of it, and the one place that
 * shows the session's user how things are.
 */
#pragma once

#include "wire/owner_word.h"

struct session;

/*
 * How things are now; NULL: there is no agent. Called once at the beginning and at each change. An
 * answer with an error is one to what session_say() said, and says nothing else.
 */
void session_show(struct session *session, const struct owner_answer *answer);
/* The user says a word that lasts; session_show() has the answer. Without an agent it is lost. */
void session_say(struct session *session, const struct owner_word *word);
