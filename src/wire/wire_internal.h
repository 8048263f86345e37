/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers and writers of this room share. */
#pragma once

#include "wire/wire.h"

#include <jansson.h>

extern const char *const wire_kind_names[WIRE_KIND_COUNT];
extern const char *const wire_output_kind_names[];
extern const char *const wire_want_kind_names[];
extern const char *const wire_checkpoint_kind_names[];

/* Appends the message as one JSON object. */
void wire_encode(struct buffer *frame, const struct wire_message *message);

/* Fills an empty message; on failure what it owns already must be freed like after success. */
int wire_decode_message(const json_t *object, struct wire_message *message, struct error *err);

/*
 * member.c: the member of this name, or -EPROTO with an error that names it and never what stood in
 * it. *ret stays as it was then.
 */
int wire_wrong(struct error *err, const char *name, const char *expected);
/* A whole number from 0 to `max`. */
int wire_get_number(const json_t *object, const char *name, uint64_t max, uint64_t *ret,
                    struct error *err);
int wire_get_u64(const json_t *object, const char *name, uint64_t *ret, struct error *err);
int wire_get_u32(const json_t *object, const char *name, uint32_t *ret, struct error *err);
/* The caller's. One that may be absent is NULL then. */
int wire_get_text(const json_t *object, const char *name, bool optional, char **ret,
                  struct error *err);
/* One of these words, as its place among them. */
int wire_get_word(const json_t *object, const char *name, const char *const *words, size_t count,
                  unsigned int *ret, struct error *err);
