/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the images share: images.c keeps them, image_fetch.c brings them. */
#pragma once

#include "errand.h"
#include "images.h"
#include "sys/hash.h"
#include "wire/image.h"

enum { IMAGE_STREAMS_MAX = 4 };

#define IMAGES_ARRIVING "arriving"
#define IMAGES_GONE     "gone"

struct image {
    char sha256[HASH_TEXT_SIZE];
    enum image_kind kind;
    uint64_t size;   /* as it travels; 0: not known, of what came before this agent */
    uint64_t bytes;  /* on the disk; while it is coming what it may become */
    uint64_t used;   /* when, nanoseconds since 1970 */
    uint64_t wanted; /* its place in the line of those that are coming; 0: it is not coming */
    uint32_t uses;
    bool is_here;
};

/* One chunk, or the manifest, on its way. */
struct image_stream {
    uint64_t number; /* 0: free */
    bool is_manifest;
    size_t chunk;
    uint64_t received;
    struct hash *hash; /* owned; of a chunk */
};

enum image_chunk { IMAGE_CHUNK_MISSING, IMAGE_CHUNK_RIGHT, IMAGE_CHUNK_ASKED };

/* One at a time: whoever waits gets the first of them sooner that way. */
struct image_fetch {
    struct image *image; /* NULL: none is being fetched */
    struct image_manifest manifest;
    struct buffer text;   /* of the manifest, as far as it has come */
    int fd;               /* of the content; -1: it is not open */
    struct buffer chunks; /* an enum image_chunk each; empty until that is known */
    struct image_stream streams[IMAGE_STREAMS_MAX];
    struct errand *errand; /* a child looks at what is here, or unpacks; NULL: none does */
    struct buffer answer;
    unsigned int failures; /* chunks that came wrong */
};

struct images {
    uv_loop_t *loop;
    uv_idle_t turn; /* active when somebody has joined the line */
    char *folder;   /* owned */
    uint64_t size_max;
    struct images_world world;
    struct image **items; /* owned; a handful */
    size_t count, capacity;
    uint64_t last_wanted;
    uint64_t last_gone;
    struct errand *removal; /* NULL: nothing is being removed */
    bool removal_is_due;
    struct image_fetch fetch;
};

/* Where it is, or was, or will be; the caller's. */
char *images_place(const struct images *images, const char *sha256);
char *images_place_arriving(const struct images *images, const char *sha256);
/* Moves it out of the way at once, and has it removed by a child. */
void images_throw_away(struct images *images, const char *path);
/*
 * Removes what is not in use until so many more bytes have room. False if they have none: then all
 * that could go has gone.
 */
bool images_make_room(struct images *images, uint64_t more);
/* Whether something is still being removed, so that there will be more room. */
bool images_are_removing(const struct images *images);

/* The image is not coming any more: it is here (REASON_NONE), or it could not be had. */
void images_arrived(struct images *images, struct image *image, enum reason failure,
                    const struct error *err);

/* Begins with the first of the line that has room, if nothing is being fetched. */
void image_fetch_next(struct images *images);
/* Gives up what is being fetched; what has come of it stays. */
void image_fetch_stop(struct images *images);
