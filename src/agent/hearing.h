/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's socket for whoever is at this computer: a line in, the word is taken, a line out
 * (wire/owner_word.h). Anybody on the computer may connect and ask; who may say more is decided by
 * what the kernel knows of him (SO_PEERCRED):
 *
 *     root, and the user whom the agent runs as
 *     whoever sits at the computer (presence/seated.h)
 *     whom the setting `owners` names
 *
 * and never a user whom tasks run as. Nobody can make the agent wait or grow: there is room for
 * few at once, and few of one user; a line is short, and whoever is slow is sent away.
 *
 * Who says "session" is the helper of a desktop session (dusk agent --session) and stays. He says
 * when his desktop is used (presence/session.h), which anybody but a task may, and has an answer
 * whenever it is another than before: at once, but only one a second.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

struct body;
struct door;
struct visitor;

struct hearing {
    struct door *door;        /* NULL: nobody can come */
    struct visitor *visitors; /* owned */
    uv_timer_t pace;          /* until sessions may be told again */
    struct buffer told;       /* what they know, without what changes all the time */
    uint64_t told_ms;
    bool has_news; /* something happened since, that may have changed it */
    uid_t *owners; /* owned; whom the settings name */
    size_t owner_count;
};

/* An agent that cannot listen says so in its log and goes on. Before owning_begin(). */
void hearing_begin(struct body *body);
void hearing_deinit(struct body *body);
/* Something happened that owner_answer may show. */
void hearing_has_news(struct hearing *hearing);
/* Remembers what was said, then answers; after all that follows from it was carried out. */
void hearing_flush(struct body *body);
