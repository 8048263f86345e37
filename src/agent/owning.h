/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's side of the agent: what the sources see (presence/presence.h) and what the clock on
 * the wall says (hours.h) goes to the part that knows whose the computer is (core/lending.h), and
 * what that says becomes the brain's event, in the same turn of the loop. With a policy in
 * HTCondor's words (policing.h) what lasts is only one more thing that it sees. Nothing is decided
 * here.
 */
#pragma once

#include "core/lending.h"
#include "hours.h"
#include "presence/presence.h"
#include "wire/wire.h"

#include <uv.h>

struct body;

struct owning {
    struct lending lending;
    struct presence *presence;
    struct hours hours;
    uv_timer_t timer; /* for lending.view.until_ms */
    char *groups;     /* owned; as presence_options has it, with the next; NULL: there are none */
    char *own_group;
};

/* Somebody has used the computer, as is found out only now. */
void owning_used(struct body *body, uint64_t used_ms);
/* The pool has started it: that it did counts for no use. */
void owning_woken(struct body *body);
/* With the brain, and before it hears of any attempt: an owner may be there already. */
void owning_begin(struct body *body);
/* For how long nobody has used the computer, if it is watched. */
uint64_t owning_idle_ms(const struct owning *owning);
void owning_deinit(struct owning *owning);
/* Something lasts that keeps the pool away, or does not any more: the brain has heard it then. */
void owning_lasts(struct body *body, enum owner_reason reason, bool holds);
/* The owner said that the computer is lent: what else he said lasts no more. */
void owning_resume(struct body *body);
/* The users that an agent of root runs tasks as; any other agent is all of its tasks' user. */
bool owning_is_task(uid_t uid);
/* For how long it is lent before working hours begin, at least 1; 0: it knows of none. */
uint64_t owning_lent_ms(const struct body *body);
/* What a full report says of it; the caller frees it with wire_owner_deinit(). */
void owning_describe(const struct body *body, struct wire_owner *ret_owner);
