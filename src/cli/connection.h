/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with the server in the words of doc/specification/api.md: paths, JSON, and
 * statuses that become errors. Above net/client.h, which moves the bytes.
 */
#pragma once

#include "config.h"

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct connection;

/* `server` and `socket` as in config_read(). Nothing is sent yet. */
int connection_open(const char *server, const char *socket, struct connection **ret_connection,
                    struct error *err);
struct connection *connection_free(struct connection *connection);
DEFINE_CLEANUP(struct connection *, connection_free);

/* Whether the server is this computer's, and sees the submitter's folders as he does. */
bool connection_is_local(const struct connection *connection);
/* How long the server may be silent from now on; 0: for ever. */
void connection_set_timeout(struct connection *connection, uint64_t timeout_ms);
void connection_reset_timeout(struct connection *connection);

DEFINE_CLEANUP(json_t *, json_decref);
#define _cleanup_json_ _cleanup_(json_decref_p)

/*
 * One request. `body` may be NULL and stays the caller's; *ret_reply, which may be NULL, becomes
 * his. Any status but 200 is an error with the server's words: FAILURE_NOT_FOUND for 404,
 * FAILURE_NOT_ALLOWED for 401 and 403, -EBUSY for 409, -ENOSPC for 507; FAILURE_NO_SERVER if there
 * was no answer.
 */
int connection_call(struct connection *connection, const char *method, const char *path,
                    const json_t *body, json_t **ret_reply, struct error *err);

/*
 * The same, but a 409 is a result: returns 1 then, with what it said in *ret_reply.
 */
int connection_call_or_conflict(struct connection *connection, const char *method, const char *path,
                                const json_t *body, json_t **ret_reply, struct error *err);

/* GET whose bytes go to `sink` as they come; what it returns below 0 ends it and is passed on. */
int connection_stream(struct connection *connection, const char *path,
                      int (*sink)(void *userdata, const void *data, size_t length), void *userdata,
                      struct error *err);

/* GET of an array, element by element (json_array.h). */
int connection_walk(struct connection *connection, const char *path,
                    int (*take)(void *userdata, const json_t *element, struct error *err),
                    void *userdata, struct error *err);

/* PUT of the file's next `size` bytes. */
int connection_upload(struct connection *connection, const char *path, int fd, uint64_t size,
                      struct error *err);

/* Members of an object with a value for when they are missing or of another type. */
const char *json_member_text(const json_t *object, const char *name, const char *otherwise);
uint64_t json_member_number(const json_t *object, const char *name);
