/* SPDX-License-Identifier: Apache-2.0 */
/* A peer together with the memory of its texts, as requests and links keep it. Only for this room.
 */
#pragma once

#include "certificate.h"
#include "peer.h"

#include <libwebsockets.h>
#include <stdbool.h>

struct peer_record {
    struct peer peer;
    struct certificate certificate; /* what the peer's name and serial point into */
    char address[64];
};

/*
 * Finds out who is at the other end of a server's connection: SO_PEERCRED on the Unix socket, else
 * the certificate, if the handshake verified one and it has not expired since.
 */
void peer_record_init(struct peer_record *record, struct lws *wsi, bool unix_socket);
void peer_record_deinit(struct peer_record *record);
