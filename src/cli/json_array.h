/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a JSON array apart while it arrives: each element is handed on as soon as its last byte
 * is here, and only one stands in memory. Only the outermost structure is looked at; the elements
 * must be objects, and jansson judges what is in them.
 */
#pragma once

#include "base/error.h"

#include <jansson.h>

struct json_array;

/*
 * `take` gets one element, which it may look at until it returns; a negative value ends the work
 * and is passed on.
 */
struct json_array *json_array_new(int (*take)(void *userdata, const json_t *element,
                                              struct error *err),
                                  void *userdata);
struct json_array *json_array_free(struct json_array *array);
DEFINE_CLEANUP(struct json_array *, json_array_free);

/* The next piece of the text. -EBADMSG if it is no array of objects or has an element too large. */
int json_array_feed(struct json_array *array, const void *data, size_t length, struct error *err);
/* The text is over: -EBADMSG if the array is not. */
int json_array_end(struct json_array *array, struct error *err);
