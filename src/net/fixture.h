/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room's tests: a folder with an authority and identities, a server in a child process
 * that answers known paths, and raw connections for peers who misbehave. Everything asserts.
 */
#pragma once

#include "authority.h"
#include "client.h"
#include "listener.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct fixture {
    char *folder;
    char *socket_path;
    struct authority *authority;
    char *node; /* identity folder of the node "pc7" */
    char *node_serial;
    char *user;    /* of the user "ada" */
    char *revoked; /* of the node "gone", which the server does not welcome */
    pid_t server;  /* 0 if there is none */
    uint16_t port;
    size_t connections_max; /* of the server that is started; 0: as usual */
};

void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);

/* Makes an identity; validity as authority_sign(). The folder's path is the caller's. */
char *fixture_make_identity(struct fixture *fixture, struct authority *authority, const char *name,
                            enum peer_kind kind, int64_t validity_s, char **ret_serial);

/* Options for a listener of this fixture, without handlers. */
struct listener_options fixture_listener_options(const struct fixture *fixture, uv_loop_t *loop);

/*
 * Starts a server with an idle timeout. It answers:
 *   /echo            what it knows about the request, as lines of "key=value"
 *   /body            the body back
 *   /sink            counts the body, which is streamed; /early refuses it at once
 *   /numbers?count=N N lines of eight bytes, as a stream; with size=1 of a known size
 *   /produced        how many bytes the streams have made so far
 *   /broken          a stream that breaks off
 *   /file            a file of 100,000 bytes
 *   /hold, /release  the first is answered when the second comes
 *   /v1/authority, /v1/enrol
 *                    as a server of dusk does; nobody becomes "mallory", and "eve" gets nonsense
 *   /held            how many wait; /unanswered how many requests ended without their reply
 *   /quit            ends the server, which must have freed everything
 */
void fixture_start_server(struct fixture *fixture, uint64_t idle_timeout_s);
/* Ends it and asserts that it ended well. */
void fixture_stop_server(struct fixture *fixture);

/* GET on the Unix socket; the body is the caller's. */
char *fixture_get(const struct fixture *fixture, const char *path, unsigned int *ret_status);

/* A raw TCP connection to the server, and TLS on it; NULL if the handshake fails. */
int fixture_connect(const struct fixture *fixture);
SSL *fixture_connect_tls(const struct fixture *fixture, const char *identity, int version_max);
void fixture_close_tls(SSL *ssl);
/* Reads until the end, an error or `length` bytes; returns what came. */
size_t fixture_read(int fd, char *bytes, size_t length);
size_t fixture_read_tls(SSL *ssl, char *bytes, size_t length);
