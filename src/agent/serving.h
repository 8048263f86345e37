/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the server may ask for: the listed outputs of what ended, the streams of what runs.
 */
#pragma once

#include "outgoing.h"

struct body;

/* What the outgoing streams need, answered by this body. */
struct outgoing_world serving_world(struct body *body);
