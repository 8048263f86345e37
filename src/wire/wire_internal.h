/* SPDX-License-Identifier: Apache-2.0 */
/* What wire.c, encode.c and decode.c share. */
#pragma once

#include "wire/wire.h"

#include <jansson.h>

extern const char *const wire_kind_names[WIRE_KIND_COUNT];
extern const char *const wire_output_kind_names[];
extern const char *const wire_want_kind_names[];

/* Appends the message as one JSON object. */
void wire_encode(struct buffer *frame, const struct wire_message *message);

/* Fills an empty message; on failure what it owns already must be freed like after success. */
int wire_decode_message(const json_t *object, struct wire_message *message, struct error *err);
