/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inputs that a node has had, by their SHA-256, so that each travels to it once:
 * content/ab/ab12…; what is still arriving lies in content/arriving/ under a number. What is used
 * longest ago goes when there is more than the limit, but never what is pinned.
 */
#pragma once

#include "base/error.h"
#include "sys/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content;

/* Finds what is there; whatever was arriving is thrown away. */
int content_open(const char *folder, uint64_t size_max, struct content **ret_content,
                 struct error *err);
/* Accepts NULL, returns NULL. */
struct content *content_free(struct content *content);
DEFINE_CLEANUP(struct content *, content_free);

/*
 * Whether the content is here, with `size` bytes; if so, it counts as used now and is pinned: it
 * stays until content_unpin() was called as often as this returned true.
 */
bool content_pin(struct content *content, const char *sha256, uint64_t size);
void content_unpin(struct content *content, const char *sha256);

/*
 * Reads what is pinned and compares its hash, once since content_open(): what was there before may
 * have been damaged meanwhile. -EBADMSG if it is another content; content_reject() is for the
 * caller then, because the check may be done by a child, whose memory is not the loop's. For the
 * same reason content_prove() says that a child has checked it.
 */
int content_check(struct content *content, const char *sha256, struct error *err);
/* Whether content_check() would not read it any more. */
bool content_is_proven(const struct content *content, const char *sha256);
void content_prove(struct content *content, const char *sha256);
/* What is pinned is wrong: from now on it is not here until it has arrived anew. */
void content_reject(struct content *content, const char *sha256);

/* Opens what is pinned for reading; returns the descriptor. */
int content_open_file(const struct content *content, const char *sha256, struct error *err);

/* Removes what is not pinned until at most so many bytes are left. */
void content_trim(struct content *content, uint64_t size_max);
/* Bytes of all that is here. */
uint64_t content_size(const struct content *content);
uint64_t content_size_max(const struct content *content);

/* One content on its way. */
struct content_arrival;

/* `sha256` is valid; it must have exactly `size` bytes. */
int content_arrival_new(struct content *content, const char *sha256, uint64_t size,
                        struct content_arrival **ret_arrival, struct error *err);
/* -ENOSPC may be tried again after content_trim(); other errors are final. */
int content_arrival_add(struct content_arrival *arrival, const void *data, size_t length,
                        struct error *err);
/*
 * Checks size and hash and puts the content in its place. -EBADMSG if it is another one. The
 * arrival is still to be freed.
 */
int content_arrival_finish(struct content_arrival *arrival, struct error *err);
/* What is not finished is removed. Accepts NULL, returns NULL. */
struct content_arrival *content_arrival_free(struct content_arrival *arrival);
DEFINE_CLEANUP(struct content_arrival *, content_arrival_free);
