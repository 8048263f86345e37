/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams that the server asked for: outputs of ended attempts, and what running ones have
 * written so far. Many share the connection piece by piece in turn, as far as it takes them; only a
 * few files are open at a time.
 */
#pragma once

#include "wire/wire.h"

#include <stddef.h>

/* What the streams need of the rest of the agent. */
struct outgoing_world {
    /*
     * Opens what was asked for; sets *ret_size to how much of it there is to be (UINT64_MAX: as
     * much as there is). -EAGAIN: not yet, but it may come (only for a tail).
     */
    int (*open)(void *userdata, const struct wire_want *want, uint64_t *ret_size,
                struct error *err);
    /* Whether nobody writes to it any more. */
    bool (*is_over)(void *userdata, const struct wire_want *want);
    bool (*has_room)(void *userdata);
    /* A binary frame. */
    void (*send)(void *userdata, const void *data, size_t length);
    void (*end)(void *userdata, const struct wire_end *end);
    void *userdata;
};

struct outgoing_stream;

struct outgoing {
    struct outgoing_world world;
    struct outgoing_stream **items; /* owned; in the order in which they were asked for */
    size_t count;
    size_t capacity;
    size_t next;         /* whose turn it is */
    size_t open_count;   /* files that are open, but for those that are followed */
    struct buffer frame; /* kept between pieces */
};

void outgoing_init(struct outgoing *outgoing, const struct outgoing_world *world);
void outgoing_deinit(struct outgoing *outgoing);

/* Queues a stream; begins at the next pump. A number that is in use or one too many ends at once.
 */
void outgoing_add(struct outgoing *outgoing, const struct wire_want *want);
/* The asker wants no more of it. */
void outgoing_cancel(struct outgoing *outgoing, uint64_t stream);
/* The connection is gone, and all that went over it. */
void outgoing_clear(struct outgoing *outgoing);
/* Sends as far as there is room. */
void outgoing_pump(struct outgoing *outgoing);
/* Whether some stream waits for a file to grow, so that the pump is to be called now and then. */
bool outgoing_follows(const struct outgoing *outgoing);
