/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requirements without the conditions that compare a node's amounts with the task's requests, as
 * HTCondor adds them to everybody's: the brain sees to these itself, and tasks that ask for
 * different amounts shall be of one class (match.h).
 */
#pragma once

#include "lang/classad.h"

/* Nothing is left of Requirements that are made of such conditions. Too long ones stay whole. */
void match_leave_amounts_out(struct classad *ad);
/* Whether it is the name of one of the requests that the brain keeps; case is ignored. */
bool match_is_request(const char *name);
