/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection of a desktop session's helper to the agent on its computer (agent/hearing.h). It
 * is made again for ever, with growing pauses; the agent is root's or the helper's own user's, and
 * nobody else's is spoken to.
 */
#pragma once

#include "wire/owner_word.h"

#include <uv.h>

struct session_link;

struct session_link_listener {
    /* The agent listens: it is to be told how things are. */
    void (*on_connected)(void *userdata);
    /* An answer, or NULL: there is no agent. Valid within the call only. */
    void (*on_answer)(void *userdata, const struct owner_answer *answer);
    void *userdata;
};

/* `path` is the socket's, NULL: where it is found at each try. Both texts stay the caller's. */
struct session_link *session_link_new(uv_loop_t *loop, const char *path,
                                      const struct session_link_listener *listener);
/* Without an agent it is lost: what still holds is said in on_connected(). */
void session_link_say(struct session_link *link, const struct owner_word *word);
/* Its handles close with the next turn of the loop, which must come. Accepts NULL. */
void session_link_free(struct session_link *link);
