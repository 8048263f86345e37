/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers of desktop sessions (dusk agent --session), as the source `session` sees them. They
 * come to the agent's socket (agent/hearing.h), which tells here what they say; each is a program
 * of some user of this computer, so nothing that it says can do more than keep the pool away.
 */
#pragma once

#include "presence.h"

struct session_helper;

/* A helper of this user's has come. He stays until session_go(); the presence owns him. */
struct session_helper *session_come(struct presence *presence, uid_t uid);
/* He says whether he sees who uses his desktop (NULL), or why not. */
void session_watches(struct presence *presence, struct session_helper *helper, const char *why_not);
/* Somebody used his desktop so long ago. */
void session_used(struct presence *presence, uint64_t ago_ms);
/* He has gone: nobody knows why, so it is a use. */
void session_go(struct presence *presence, struct session_helper *helper);
/* All of them, at the presence's end. */
void session_free_all(struct session_helper *helpers);
