/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands' side: requests one after the other, each waited for. On this computer over the
 * server's Unix socket, else over TLS 1.3, on a connection that is kept, with the pool's authority
 * pinned and, for a user who has enrolled, his certificate.
 *
 * A status is no error: functions return 0 with any status that came whole. An error means that
 * there was no answer, and says why and what to do.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

struct client_options {
    const char *socket_path; /* this, or host and port */
    const char *host;
    uint16_t port;
    const char *identity_folder; /* certificate and authority (identity.h); may be NULL */
    const char *authority_pem;   /* without an identity: the CA to trust, as text; may be NULL */
    bool unverified;             /* trust anybody, only to fetch the CA and compare it */
    uint32_t protocol;           /* sent as Dusk-Protocol; 0: not at all */
    uint64_t timeout_ms;         /* to connect, and the longest silence; 0: 30 s */
};

/*
 * Connects at the first request. The options' texts are copied. From the first request on SIGPIPE
 * is ignored in the process (libwebsockets does that), so look at what writing to a pipe returns.
 */
int client_new(const struct client_options *options, struct client **ret_client, struct error *err);
struct client *client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free);

/* The longest silence from the next request on; 0: for ever, for long polls. */
void client_set_timeout(struct client *client, uint64_t timeout_ms);

/*
 * One request; `path` may have a query, already encoded (client_append_encoded). `body` may be
 * NULL. The answer is appended to ret_body, which may be NULL; -EMSGSIZE above 1 GiB.
 */
int client_request(struct client *client, const char *method, const char *path,
                   const struct slice *body, unsigned int *ret_status, struct buffer *ret_body,
                   struct error *err);

/*
 * GET whose content goes to `sink` piece by piece as it comes; a negative errno from the sink ends
 * it and is passed on. Only a 200 goes there: what any other status says is appended to ret_body.
 */
int client_download(struct client *client, const char *path,
                    int (*sink)(void *userdata, const void *data, size_t length), void *userdata,
                    unsigned int *ret_status, struct buffer *ret_body, struct error *err);

/* PUT of `size` bytes from the descriptor's position on; -ENODATA if the file has less. */
int client_upload(struct client *client, const char *path, int fd, uint64_t size,
                  unsigned int *ret_status, struct buffer *ret_body, struct error *err);

/* Appends the text percent-encoded (RFC 3986), for path components and query values. */
void client_append_encoded(struct buffer *buffer, const char *text);
