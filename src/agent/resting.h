/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an idle computer goes to sleep, comes back, and wakes others: core/sleeping.h says when, and
 * doc/specification/sleep.md what for.
 *
 * When the server has answered that it knows, the connection is closed and a command is run,
 * systemctl's unless the admin has another one. That the computer has slept shows in a clock that
 * went on while the loop stood still; then the server is dialled at once. The agent inhibits
 * nothing: it keeps neither the computer nor its screen awake.
 */
#pragma once

#include "core/sleeping.h"
#include "wire/attributes.h"

#include <uv.h>

struct body;

struct resting {
    struct sleeping sleeping;
    uv_timer_t timer;     /* to the next look, or while it lies down */
    uint64_t timer_at_ms; /* the first of these; UINT64_MAX: none */
    uv_process_t command;
    bool is_down;       /* the command was begun */
    uint64_t looked_ms; /* while it is down: when the loop last ran */
    uint32_t looks;     /* likewise, how often */
    uint64_t woke_ms;   /* when it came back; 0: it is not known why, or it never slept */
    uint64_t packet_ms; /* when a magic packet was last sent for somebody */
};

void resting_init(struct body *body);
/* Adds the cards by which this computer can be woken, and when it shall not be. */
void resting_describe(const struct body *body, struct attributes *attributes);
/* Each turn of the loop, before a report is written. */
void resting_look(struct body *body);
/* Whether its sleep has begun, or its end is not understood yet: then waking up is nobody's use. */
bool resting_sleeps(const struct body *body);
/* The server has heard the report that was sent then. */
void resting_answered(struct body *body, uint64_t answers_ms);
/* The server says whether it was the pool that woke this computer. */
void resting_connected(struct body *body, bool woken);
/* Wakes the computer with this card, as sys/interface.h writes it. */
void resting_wake(struct body *body, const char *card);
