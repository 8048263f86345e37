/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting an attempt's inputs into its working folder, in two steps: first all contents into the
 * cache, each asked of the server once however many attempts wait for it; then a copy of each into
 * the folder. Small inputs are copied at once, large ones by a child.
 *
 * A server may start a hundred attempts with one word, and their folders take a disk's time. They
 * are made a few at a time, and not before the keeper has started those before them, so that
 * whoever presses a key meanwhile need not wait for the rest.
 *
 * The image that an attempt runs in comes beside its inputs (images.h), and stays until the attempt
 * is dropped.
 */
#pragma once

#include "base/map.h"
#include "content.h"
#include "images.h"
#include "wire/wire.h"

#include <uv.h>

struct attempt;
struct body;

struct fetching_content; /* one that is not here yet */

struct fetching {
    struct content *cache;
    struct images *images;
    struct fetching_content *first, *last; /* in the order in which they are asked for */
    struct string_map by_hash;             /* to the pointer */
    size_t stream_count;
    uint64_t last_stream;
    uv_idle_t turn;    /* active while an attempt may have its folder */
    uint64_t *waiting; /* owned; their epochs, in order */
    size_t waiting_next, waiting_count, waiting_capacity;
};

/* The sizes are those of what is kept for later: of the inputs, and of the images. */
int fetching_init(struct body *body, uint64_t cache_size, uint64_t image_cache_size,
                  struct error *err);
/* Before the loop ends, which lets go of them. */
void fetching_stop_images(struct fetching *fetching);
void fetching_deinit(struct fetching *fetching);

/* Makes the attempt's folder soon, and sees to its inputs; AGENT_FETCHED follows. */
void fetching_begin(struct body *body, struct attempt *attempt);
/* Before the loop waits: goes on with those that wait for their folders, if it is their turn. */
void fetching_follow(struct body *body);
/* Stops whatever is being done for the attempt; nothing follows. */
void fetching_cancel(struct body *body, struct attempt *attempt);
/* An attempt that was found has its image in use, if that is still here. */
void fetching_hold_image(struct body *body, struct attempt *attempt);
/* The attempt is dropped: its image is not in use for it any more. */
void fetching_release_image(struct body *body, struct attempt *attempt);

/* The server accepted us: what is missing is asked for. */
void fetching_connected(struct body *body);
/* What was half here is gone. */
void fetching_disconnected(struct body *body);
/* From the server; streams that nobody asked for are passed over. */
void fetching_piece(struct body *body, uint64_t stream, struct slice bytes);
void fetching_ended(struct body *body, const struct wire_end *end);
