/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of its keeper on the loop: requests gathered and sent, news turned into events.
 *
 * At the start the keeper is asked what it still has, and only when that is known may the agent
 * speak to the server. When the keeper is gone, so are its processes: a new one is started, and
 * every attempt that was with the old one has vanished. One that stands still would leave an owner
 * without his computer: it is continued, and if that does not help, ended.
 */
#pragma once

#include "runtime/keeper_client.h"

#include <uv.h>

struct attempt;
struct body;

struct keeping {
    struct keeper_client *client;
    uv_poll_t *poll;    /* owned by the loop; one for each connection */
    bool is_writing;    /* the poll waits for room, too */
    bool is_lost;       /* the connection failed; to be replaced before the loop waits again */
    bool is_listed;     /* all that was there at the start is known */
    uv_timer_t alive;   /* for the keeper to hear, which ends everything if its agent hangs */
    uv_timer_t silence; /* since it was asked to freeze something and said nothing */
    bool was_nudged;    /* meanwhile */
};

/* Starts or finds the keeper and asks for its list; `uplink_begin` follows when it is through. */
int keeping_begin(struct body *body, struct error *err);
void keeping_deinit(struct keeping *keeping);

/* Asks to start the attempt; AGENT_STARTED follows. */
void keeping_spawn(struct body *body, struct attempt *attempt);
/* How many it was asked to start and has said nothing of. */
size_t keeping_count_starting(const struct body *body);
/* Requests about an attempt; nothing is asked about one that the keeper does not have. */
void keeping_freeze(struct body *body, const struct attempt *attempt);
void keeping_thaw(struct body *body, const struct attempt *attempt);
void keeping_terminate(struct body *body, const struct attempt *attempt);
void keeping_kill(struct body *body, const struct attempt *attempt);
/* Kills it as if it had ended by itself: what becomes of it is its own doing. */
void keeping_end(struct body *body, const struct attempt *attempt);
void keeping_set_deadline(struct body *body, struct attempt *attempt, uint64_t deadline_ms);
void keeping_forget(struct body *body, struct attempt *attempt);

/* Asks what all attempts have used; publishing_count_use() is told. */
void keeping_ask_use(struct body *body);

/* Sends what was gathered, and replaces a keeper that is gone. */
void keeping_flush(struct body *body);
