/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See enrolment.h. Two requests, each with a client of its own because they trust differently: the
 * first believes anybody, and so it carries no secret and its answer counts for nothing until it is
 * compared with the token.
 */
#include "enrolment.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "certificate.h"
#include "client.h"
#include "identity.h"
#include "sys/hash.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum { STATUS_OK = 200 };

#define TOKEN_START "dusk1."

DEFINE_CLEANUP(json_t *, json_decref);
#define _cleanup_json_ _cleanup_(json_decref_p)

/* The rest of the token is the server's business; it knows it when it sees it. */
static int read_fingerprint(const char *token, const char **ret_fingerprint, struct error *err)
{
    const char *last = strrchr(token, '.');

    if (strncmp(token, TOKEN_START, strlen(TOKEN_START)) != 0 || !last ||
        !hash_text_is_valid(last + 1))
        return error_set(err, -ENOKEY, "that is no token");
    *ret_fingerprint = last + 1;
    return 0;
}

/* What a status that is no success says; -EPROTO if it was no server of dusk that said it. */
static int refuse(const struct enrolment *enrolment, const struct buffer *answer, struct error *err)
{
    _cleanup_json_ json_t *json = json_loadb(buffer_text(answer), answer->length, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "error"));
    const char *hint = json_string_value(json_object_get(json, "hint"));

    if (!text)
        return error_set(err, -EPROTO, "'%s' is no server of dusk", enrolment->host);
    error_set(err, -EACCES, "%s", text);
    if (hint)
        error_hint(err, "%s", hint);
    return -EACCES;
}

/*
 * Whatever goes wrong with the connection is one failure, because it may be better the next time;
 * a status came from somebody who understood the question.
 */
static int ask(const struct enrolment *enrolment, const struct client_options *options,
               const char *method, const char *path, const struct slice *body,
               unsigned int *ret_status, struct buffer *answer, struct error *err)
{
    _cleanup_(client_free_p) struct client *client = NULL;

    *ret_status = ENROLMENT_NO_STATUS;
    if (client_new(options, &client, err) < 0 ||
        client_request(client, method, path, body, ret_status, answer, err) < 0) {
        *ret_status = ENROLMENT_NO_STATUS;
        return -ENOTCONN;
    }
    return *ret_status == STATUS_OK ? 0 : refuse(enrolment, answer, err);
}

/* Whoever answers may send any certificate; only the one that the token names is believed. */
static int fetch_authority(const struct enrolment *enrolment, const char *fingerprint,
                           unsigned int *ret_status, struct buffer *pem, struct error *err)
{
    const struct client_options options = {.host = enrolment->host,
                                           .port = enrolment->port,
                                           .unverified = true,
                                           .timeout_ms = enrolment->timeout_ms};
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    int r = ask(enrolment, &options, "GET", "/v1/authority", NULL, ret_status, pem, err);

    if (r < 0)
        return r;
    if (certificate_read(buffer_text(pem), &certificate, err) < 0)
        return error_set(err, -EPROTO, "'%s' is no server of dusk", enrolment->host);
    if (strcmp(certificate.fingerprint, fingerprint) == 0)
        return 0;
    error_set(err, -EKEYREJECTED, "the server at '%s' is not the one that made the token",
              enrolment->host);
    error_hint(err, "check --server, or have a token made by the server that it names");
    return -EKEYREJECTED;
}

/* NULL if something is no UTF-8, which JSON must be; the rest of it is PEM and ours. */
static char *write_request(const struct enrolment *enrolment, const char *request_pem)
{
    _cleanup_json_ json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "token", enrolment->token, "kind",
                  enrolment->kind == PEER_NODE ? "node" : "user", "name", enrolment->name,
                  "request", request_pem, "machine", enrolment->machine);

    return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static int ask_for_certificate(const struct enrolment *enrolment, const char *authority_pem,
                               const char *request_pem, unsigned int *ret_status,
                               struct buffer *answer, struct error *err)
{
    const struct client_options options = {.host = enrolment->host,
                                           .port = enrolment->port,
                                           .authority_pem = authority_pem,
                                           .protocol = enrolment->protocol,
                                           .timeout_ms = enrolment->timeout_ms};
    _cleanup_free_ char *body = write_request(enrolment, request_pem);
    struct slice slice;

    if (!body)
        return error_set(err, -EILSEQ, "the name or the token is not UTF-8");
    slice = slice_from_text(body);
    return ask(enrolment, &options, "POST", "/v1/enrol", &slice, ret_status, answer, err);
}

static int store_answer(const struct enrolment *enrolment, const struct buffer *answer,
                        const char *authority_pem, char **ret_name, struct error *err)
{
    _cleanup_json_ json_t *json = json_loadb(buffer_text(answer), answer->length, 0, NULL);
    const char *certificate = json_string_value(json_object_get(json, "certificate"));
    const char *name = json_string_value(json_object_get(json, "name"));
    int r;

    if (!certificate || !name) {
        error_set(err, -EPROTO, "the answer of the server at '%s' has no certificate",
                  enrolment->host);
        error_hint(err, "compare 'dusk version' here and there");
        return -EPROTO;
    }
    /* The authority that was compared with the token, whatever the answer says about it. */
    r = identity_store(enrolment->identity_folder, certificate, authority_pem, err);
    if (r == 0)
        *ret_name = memory_copy_string(name);
    return r;
}

int enrolment_run(const struct enrolment *enrolment, char **ret_name, unsigned int *ret_status,
                  struct error *err)
{
    _cleanup_buffer_ struct buffer authority = BUFFER_INIT, answer = BUFFER_INIT;
    _cleanup_free_ char *request_pem = NULL;
    const char *fingerprint = NULL;
    int r;

    *ret_status = ENROLMENT_NO_STATUS;
    r = read_fingerprint(enrolment->token, &fingerprint, err);
    if (r == 0)
        r = fetch_authority(enrolment, fingerprint, ret_status, &authority, err);
    /* The key is made before the token is used, so that a folder that takes none costs no use. */
    if (r == 0)
        r = identity_make_request(enrolment->identity_folder, enrolment->name, &request_pem, err);
    if (r == 0)
        r = ask_for_certificate(enrolment, buffer_text(&authority), request_pem, ret_status,
                                &answer, err);
    if (r == 0)
        r = store_answer(enrolment, &answer, buffer_text(&authority), ret_name, err);
    return r;
}
