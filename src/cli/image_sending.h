/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image on its way to the server: read once for its hashes, and once more for the chunks that
 * the server lacks. What has arrived when it breaks off need not be sent again.
 */
#pragma once

#include "connection.h"
#include "image_source.h"
#include "sys/hash.h"

struct image_sent {
    char sha256[HASH_TEXT_SIZE];
    enum image_kind kind;
    uint64_t size;
    uint64_t left_out; /* devices, sockets and pipes, which no image has */
};

/* `name` NULL: it gets none, and stays a while. Returns when all of it is there. */
int image_send(struct connection *connection, const char *path, const char *name,
               struct image_sent *ret_sent, struct error *err);
