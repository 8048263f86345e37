/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end, as far as the kernel or the pool's own CA vouches for it. The texts
 * live as long as the request or link that shows the peer.
 */
#pragma once

#include <stdint.h>

enum peer_kind {
    PEER_UNKNOWN, /* on the port, without a certificate */
    PEER_SOCKET,  /* on the Unix socket: uid and pid are the kernel's word (SO_PEERCRED) */
    PEER_NODE,    /* on the port, with a node's certificate: name and serial */
    PEER_USER     /* on the port, with a user's certificate: name and serial */
};

struct peer {
    enum peer_kind kind;
    uint32_t uid;     /* PEER_SOCKET */
    int32_t pid;      /* PEER_SOCKET; may be over by now */
    const char *name; /* PEER_NODE, PEER_USER; else "" */
    const char
        *serial; /* PEER_NODE, PEER_USER: hexadecimal, as authority_sign() gave it; else "" */
    const char *address; /* for people: "192.0.2.7", "2001:db8::7" or "socket" */
};
