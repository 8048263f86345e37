/* SPDX-License-Identifier: Apache-2.0 */
/* See enrolment.h; doc/specification/api.md has the requests. */
#include "enrolment.h"

#include "base/buffer.h"
#include "net/client.h"
#include "net/identity.h"
#include "sys/hash.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { PATIENCE_MS = 10000, STATUS_OK = 200, STATUS_TOO_MANY = 429, STATUS_SERVER_ERROR = 500 };

#define TOKEN_START "dusk1."

static void json_decref_p(json_t **json)
{
    json_decref(*json);
}

#define _cleanup_json_ _cleanup_(json_decref_p)

int enrolment_read_fingerprint(const char *token, char ret_fingerprint[FINGERPRINT_TEXT_SIZE],
                               struct error *err)
{
    const char *last = strrchr(token, '.');

    if (strncmp(token, TOKEN_START, strlen(TOKEN_START)) != 0 || !last ||
        !hash_text_is_valid(last + 1)) {
        error_set(err, -EINVAL, "that is no token");
        error_hint(err, "an admin of the pool makes one with 'dusk token create'");
        return -EINVAL;
    }
    memcpy(ret_fingerprint, last + 1, FINGERPRINT_TEXT_SIZE);
    return 0;
}

/* What the server said with a status that is no success. */
static int refuse(unsigned int status, const struct buffer *body, struct error *err)
{
    _cleanup_json_ json_t *json = json_loadb(buffer_text(body), body->length, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "error"));
    const char *hint = json_string_value(json_object_get(json, "hint"));

    if (text)
        error_set(err, -EACCES, "%s", text);
    else
        error_set(err, -EACCES, "the server answered with status %u", status);
    if (hint)
        error_hint(err, "%s", hint);
    return status >= STATUS_SERVER_ERROR || status == STATUS_TOO_MANY ? ENROLMENT_NOT_NOW : -EACCES;
}

/*
 * One request, with a client of its own because the two trust differently. What is wrong with the
 * connection may be better the next time.
 */
static int ask(const struct client_options *options, const char *method, const char *path,
               const struct slice *body, struct buffer *answer, struct error *err)
{
    _cleanup_(client_free_p) struct client *client = NULL;
    unsigned int status = 0;

    if (client_new(options, &client, err) < 0 ||
        client_request(client, method, path, body, &status, answer, err) < 0)
        return ENROLMENT_NOT_NOW;
    return status == STATUS_OK ? 0 : refuse(status, answer, err);
}

/* Whoever answers may send any certificate; only the one that the token names is believed. */
static int fetch_authority(const struct enrolment *enrolment, struct buffer *pem, struct error *err)
{
    struct client_options options = {.host = enrolment->host,
                                     .port = enrolment->port,
                                     .unverified = true,
                                     .timeout_ms = PATIENCE_MS};
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    char expected[FINGERPRINT_TEXT_SIZE];
    int r = enrolment_read_fingerprint(enrolment->token, expected, err);

    if (r == 0)
        r = ask(&options, "GET", "/v1/authority", NULL, pem, err);
    if (r == 0)
        r = certificate_read(buffer_text(pem), &certificate, err);
    if (r != 0)
        return r;
    if (strcmp(certificate.fingerprint, expected) == 0)
        return 0;
    error_set(err, -EKEYREJECTED, "the server at %s is not the one that made the token",
              enrolment->host);
    error_hint(err, "check --server, and make the token with the server that it names");
    return -EKEYREJECTED;
}

static char *write_request(const struct enrolment *enrolment, const char *request_pem)
{
    _cleanup_json_ json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "token", enrolment->token, "kind", "node", "name",
                  enrolment->name, "request", request_pem, "machine", enrolment->machine);

    return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static int store_answer(const struct enrolment *enrolment, const struct buffer *answer,
                        const char *authority_pem, struct error *err)
{
    _cleanup_json_ json_t *json = json_loadb(buffer_text(answer), answer->length, 0, NULL);
    const char *certificate = json_string_value(json_object_get(json, "certificate"));

    if (!certificate)
        return error_set(err, -EPROTO, "the server's answer has no certificate");
    return identity_store(enrolment->identity_folder, certificate, authority_pem, err);
}

int enrolment_try(const struct enrolment *enrolment, struct error *err)
{
    _cleanup_buffer_ struct buffer authority = BUFFER_INIT, answer = BUFFER_INIT;
    _cleanup_free_ char *request_pem = NULL, *body = NULL;
    struct client_options options = {
        .host = enrolment->host, .port = enrolment->port, .timeout_ms = PATIENCE_MS};
    struct slice slice;
    int r = fetch_authority(enrolment, &authority, err);

    if (r == 0)
        r = identity_make_request(enrolment->identity_folder, enrolment->name, &request_pem, err);
    if (r != 0)
        return r;
    body = write_request(enrolment, request_pem);
    if (!body)
        return error_set(err, -EINVAL, "name or token is no valid UTF-8");
    slice = slice_from_text(body);
    options.authority_pem = buffer_text(&authority);
    r = ask(&options, "POST", "/v1/enrol", &slice, &answer, err);
    return r != 0 ? r : store_answer(enrolment, &answer, buffer_text(&authority), err);
}
