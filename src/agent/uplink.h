/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's connection to its server: dials again and again, says hello, hands each message to
 * where it belongs, and sends what was gathered as one frame.
 */
#pragma once

#include "net/dialer.h"
#include "wire/wire.h"

#include <uv.h>

struct body;

struct uplink {
    struct dialer *dialer;
    struct link *link; /* NULL: there is none */
    struct wire_batch batch;
    uv_timer_t timer;  /* to dial again, or the patience with which a welcome is waited for */
    uint64_t delay_ms; /* before the next dial */
    bool is_welcomed;  /* the server's first word was heard on this link */
    uint64_t in_the_way_since_ms; /* an older connection of ours, in all dials since; 0: none */
    char *last_complaint;         /* owned; what was logged about the server last */
};

/* `ret_uplink` belongs to a body whose loop is there. Nothing is dialled yet. */
int uplink_init(struct body *body, struct error *err);
/* Outside of all callbacks. */
void uplink_deinit(struct uplink *uplink);

/* Dials for the first time. */
void uplink_begin(struct body *body);
/* Whether the server has accepted us and listens. */
bool uplink_is_up(const struct uplink *uplink);
/* Why not, for people; NULL if it is up. The uplink's, until its loop runs again. */
const char *uplink_problem(const struct uplink *uplink);
/* Whether there is so little in the queue that files may follow. */
bool uplink_has_room(const struct uplink *uplink);
/* Sends what was gathered. */
void uplink_flush(struct body *body);
/* Says goodbye; nothing is dialled any more. */
void uplink_close(struct body *body);
