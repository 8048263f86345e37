/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images of a node: what containers have as their root. Each is fetched once, however many
 * attempts wait for it, chunk by chunk, and each chunk is compared with its hash; what was here
 * when the agent or the server ended need not come again. Trees of files are unpacked; file systems
 * stay files. An image is here whole or not at all.
 *
 *     FOLDER/HASH/root/        a tree, unpacked; or
 *     FOLDER/HASH/image        a file system in a file
 *     FOLDER/HASH/about        its kind, and what it takes on the disk
 *     FOLDER/arriving/HASH/    what has come of one so far
 *     FOLDER/gone/             what is being removed
 *
 * What was used longest ago goes when there is more than the limit, but never what is in use.
 */
#pragma once

#include "wire/wire.h"

#include <uv.h>

struct images;

/* What the images need of the rest of the agent. */
struct images_world {
    /* Asks the server for a content; its stream's number, or 0 if there is no connection. */
    uint64_t (*want)(void *userdata, const char *sha256);
    void (*cancel)(void *userdata, uint64_t stream);
    /*
     * An image that was coming is here (REASON_NONE), or will not come. Whoever waits for it has it
     * in use until images_release() all the same.
     */
    void (*on_ready)(void *userdata, const char *sha256, enum reason failure,
                     const struct error *err);
    void *userdata;
};

/* Finds what is there. The folder is made if it is missing. */
int images_open(uv_loop_t *loop, const char *folder, uint64_t size_max,
                const struct images_world *world, struct images **ret_images, struct error *err);
/*
 * Stops what is being done; what has come so far stays. The loop has to run once more, to let go of
 * what it knows. Accepts NULL, returns NULL.
 */
struct images *images_free(struct images *images);

/*
 * The image is wanted, and in use from now on until images_release() is called as often as this
 * returned 0 or 1. 0: it is here. 1: it is coming, and on_ready() follows. -EINVAL, -EFBIG: it is
 * refused, and `err` says why; it is not in use then.
 */
int images_want(struct images *images, const struct wire_image *image, struct error *err);
void images_release(struct images *images, const char *sha256);
/* Of one that is here: the folder that is the root, or the file; the caller's. NULL: it is not. */
char *images_path(const struct images *images, const char *sha256);
/* The hashes of all that are here, with commas between, those used last first. */
void images_append_hashes(const struct images *images, struct buffer *text);
/* Bytes on the disk, of what is here and of what is coming. */
uint64_t images_size(const struct images *images);

/* The server accepted us: what is missing is asked for. */
void images_connected(struct images *images);
/* What was half here of a chunk has to come again. */
void images_disconnected(struct images *images);
/* From the server; streams that nobody asked for are passed over. */
void images_piece(struct images *images, uint64_t stream, struct slice bytes);
void images_ended(struct images *images, const struct wire_end *end);
