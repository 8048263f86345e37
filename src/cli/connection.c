/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See connection.h. Whatever goes wrong between a command and its answer becomes one of the few
 * failures that exit codes tell apart (exit_code.h), with the server's own words where there are
 * some.
 *
 * Answers that may be long are never held as a whole: files go to a sink, and lists are taken apart
 * while they arrive (json_array.h), so that `dusk q` needs as much memory for a million tasks as
 * for one. Two errors can meet there, the way's and that of whoever takes the pieces; the latter is
 * told, because it is the reason for the former.
 */
#include "connection.h"

#include "base/address.h"
#include "base/memory.h"
#include "exit_code.h"
#include "json_array.h"
#include "net/client.h"
#include "wire/wire.h"

#include <errno.h>
#include <string.h>

enum { DEFAULT_PORT = 7433 };

struct connection {
    struct client *client;
    bool is_local;
    uint64_t timeout_ms;
};

/* The first words that many read of dusk: they say both ways on. */
static int refuse_without_server(struct error *err)
{
    error_set(err, FAILURE_NO_SERVER,
              "cannot find a pool: this computer has no server's socket, "
              "and there was no 'dusk login'");
    error_hint(err, "start a server with 'dusk server', or join a pool that is there: "
                    "dusk login --server HOST:7433 --token TOKEN");
    return FAILURE_NO_SERVER;
}

static int open_with(const struct client_options *options, struct connection **ret_connection,
                     struct error *err)
{
    struct connection *connection;
    struct client *client;
    int r = client_new(options, &client, err);

    if (r < 0)
        return error_prefix(err, FAILURE_NO_SERVER, "cannot reach the server");
    connection = memory_allocate(sizeof(*connection));
    connection->client = client;
    connection->is_local = options->socket_path != NULL;
    connection->timeout_ms = options->timeout_ms;
    *ret_connection = connection;
    return 0;
}

int connection_open(const char *server, const char *socket, struct connection **ret_connection,
                    struct error *err)
{
    _cleanup_config_ struct config config = CONFIG_INIT;
    struct client_options options = {0};
    _cleanup_free_ char *host = NULL;
    int r;

    r = config_read(server, socket, &config, err);
    if (r < 0)
        return r;
    options.protocol = WIRE_PROTOCOL;
    options.timeout_ms = config_timeout_ms(&config);
    if (!config.use_server) {
        options.socket_path = config_value(&config, SETTING_SOCKET);
    } else if (!config_value(&config, SETTING_SERVER)) {
        return refuse_without_server(err);
    } else {
        r = address_split(config_value(&config, SETTING_SERVER), DEFAULT_PORT, &host, &options.port,
                          err);
        if (r < 0)
            return error_prefix(err, server ? FAILURE_USAGE : r, "cannot find the server");
        options.host = host;
        options.identity_folder = config_value(&config, SETTING_IDENTITY);
    }
    return open_with(&options, ret_connection, err);
}

struct connection *connection_free(struct connection *connection)
{
    if (connection)
        client_free(connection->client);
    free(connection);
    return NULL;
}

bool connection_is_local(const struct connection *connection)
{
    return connection->is_local;
}

void connection_set_timeout(struct connection *connection, uint64_t timeout_ms)
{
    client_set_timeout(connection->client, timeout_ms);
}

void connection_reset_timeout(struct connection *connection)
{
    client_set_timeout(connection->client, connection->timeout_ms);
}

const char *json_member_text(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : otherwise;
}

/* For counts and sizes: what is negative or no number is 0. */
uint64_t json_member_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    double number = json_number_value(value);

    if (json_is_integer(value))
        return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    return number > 0 && number < 0x1p63 ? (uint64_t)number : 0;
}

/* Those that commands act on, or that have an exit code; all others are no more than failures. */
static int failure_of_status(unsigned int status)
{
    switch (status) {
    case 401:
    case 403:
        return FAILURE_NOT_ALLOWED;
    case 404:
        return FAILURE_NOT_FOUND;
    case 409:
        return -EBUSY;
    case 413:
        return -EFBIG;
    case 507:
        return -ENOSPC;
    default:
        return -EPROTO;
    }
}

/* What a status other than 200 says; a server of dusk says it in JSON, others do not. */
static int refuse_status(unsigned int status, const struct buffer *body, struct error *err)
{
    _cleanup_json_ json_t *reply = json_loadb(buffer_text(body), body->length, 0, NULL);
    const char *text = json_member_text(reply, "error", NULL);
    const char *hint = json_member_text(reply, "hint", NULL);
    int failure = failure_of_status(status);

    if (text)
        error_set(err, failure, "%s", text);
    else
        error_set(err, failure, "the server answered with status %u and no reason", status);
    if (hint)
        error_hint(err, "%s", hint);
    else if (status == 401)
        error_hint(err, "ask an admin of the pool for a token, and use it with 'dusk login'");
    return failure;
}

static int parse_reply(const struct buffer *body, json_t **ret_reply, struct error *err)
{
    json_error_t why;
    json_t *reply = json_loadb(buffer_text(body), body->length, 0, &why);

    if (!reply) {
        error_set(err, -EBADMSG, "cannot understand the server's answer: %s", why.text);
        error_hint(err, "compare 'dusk version' here and on the server");
        return -EBADMSG;
    }
    *ret_reply = reply;
    return 0;
}

static int request(struct connection *connection, const char *method, const char *path,
                   const json_t *body, unsigned int *ret_status, struct buffer *answer,
                   struct error *err)
{
    _cleanup_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct slice sent = {0};

    if (text)
        sent = slice_from_text(text);
    if (client_request(connection->client, method, path, text ? &sent : NULL, ret_status, answer,
                       err) < 0)
        return FAILURE_NO_SERVER;
    return 0;
}

int connection_call_or_conflict(struct connection *connection, const char *method, const char *path,
                                const json_t *body, json_t **ret_reply, struct error *err)
{
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status;
    int r;

    r = request(connection, method, path, body, &status, &answer, err);
    if (r < 0)
        return r;
    if (status != 200 && status != 409)
        return refuse_status(status, &answer, err);
    r = parse_reply(&answer, ret_reply, err);
    if (r < 0)
        return r;
    return status == 409;
}

int connection_call(struct connection *connection, const char *method, const char *path,
                    const json_t *body, json_t **ret_reply, struct error *err)
{
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status;
    int r;

    r = request(connection, method, path, body, &status, &answer, err);
    if (r < 0)
        return r;
    if (status != 200)
        return refuse_status(status, &answer, err);
    return ret_reply ? parse_reply(&answer, ret_reply, err) : 0;
}

/* Tells an error of the sink, which is the caller's own, from one of the way to the server. */
struct sink_guard {
    int (*sink)(void *userdata, const void *data, size_t length);
    void *userdata;
    int result;
};

static int guard_sink(void *userdata, const void *data, size_t length)
{
    struct sink_guard *guard = userdata;

    guard->result = guard->sink(guard->userdata, data, length);
    return guard->result;
}

int connection_stream(struct connection *connection, const char *path,
                      int (*sink)(void *userdata, const void *data, size_t length), void *userdata,
                      struct error *err)
{
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    struct sink_guard guard = {.sink = sink, .userdata = userdata};
    unsigned int status;
    int r;

    r = client_download(connection->client, path, guard_sink, &guard, &status, &answer, err);
    if (guard.result < 0)
        return guard.result;
    if (r < 0)
        return FAILURE_NO_SERVER;
    return status == 200 ? 0 : refuse_status(status, &answer, err);
}

struct walk {
    struct json_array *array;
    struct error err; /* of the array or of whoever takes its elements */
};

static int feed_walk(void *userdata, const void *data, size_t length)
{
    struct walk *walk = userdata;

    return json_array_feed(walk->array, data, length, &walk->err);
}

int connection_walk(struct connection *connection, const char *path,
                    int (*take)(void *userdata, const json_t *element, struct error *err),
                    void *userdata, struct error *err)
{
    _cleanup_(json_array_free_p) struct json_array *array = json_array_new(take, userdata);
    struct walk walk = {.array = array};
    int r;

    r = connection_stream(connection, path, feed_walk, &walk, err);
    if (walk.err.text) {
        error_clear(err);
        *err = walk.err;
        return r;
    }
    return r < 0 ? r : json_array_end(array, err);
}

int connection_upload(struct connection *connection, const char *path, int fd, uint64_t size,
                      struct error *err)
{
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status;
    int r;

    r = client_upload(connection->client, path, fd, size, &status, &answer, err);
    /* The file became shorter, which is nothing that the server did. */
    if (r == -ENODATA)
        return r;
    if (r < 0)
        return FAILURE_NO_SERVER;
    return status == 200 ? 0 : refuse_status(status, &answer, err);
}
