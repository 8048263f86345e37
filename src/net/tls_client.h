/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connecting side of TLS, for dialer and client: whom to trust, as whom to appear, whether the
 * server is the one that was meant, and in words why it came to nothing. Only for this room.
 */
#pragma once

#include "base/error.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct tls_client;

struct tls_client_options {
    const char *host;            /* what the server's certificate must name */
    const char *identity_folder; /* appear with this and trust its authority; or NULL and */
    const char *authority_pem;   /* trust this; or NULL and */
    bool unverified;             /* trust anybody */
};

int tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
                   struct error *err);
struct tls_client *tls_client_free(struct tls_client *client);
DEFINE_CLEANUP(struct tls_client *, tls_client_free);

/* What lws_client_connect_info.ssl_connection must say; host names are checked here, not there. */
int tls_client_flags(const struct tls_client *client);
/* What lws_context_creation_info.provided_client_ssl_ctx must be; stays the client's. */
SSL_CTX *tls_client_context(struct tls_client *client);
/* For LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION: its arguments and its result. */
int tls_client_verify(struct tls_client *client, X509_STORE_CTX *check, bool verdict);

/* Forgets what went wrong: before each connection. */
void tls_client_begin(struct tls_client *client);
/* What went wrong in the last handshake, a sentence; NULL if TLS was not to blame. */
const char *tls_client_problem(const struct tls_client *client);
