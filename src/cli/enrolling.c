/* SPDX-License-Identifier: Apache-2.0 */
/* See enrolling.h. */
#include "enrolling.h"

#include "base/memory.h"
#include "connection.h"
#include "exit_code.h"
#include "net/certificate.h"
#include "net/client.h"
#include "net/identity.h"
#include "sys/hash.h"
#include "wire/wire.h"

#include <errno.h>
#include <string.h>

#define TOKEN_START "dusk1."

static int read_fingerprint(const char *token, const char **ret_fingerprint, struct error *err)
{
    const char *last = strrchr(token, '.');

    if (strncmp(token, TOKEN_START, strlen(TOKEN_START)) != 0 || !last ||
        !hash_text_is_valid(last + 1)) {
        error_set(err, FAILURE_USAGE, "that is no token");
        error_hint(err, "an admin of the pool makes one with 'dusk token create --user NAME'");
        return FAILURE_USAGE;
    }
    *ret_fingerprint = last + 1;
    return 0;
}

static int fetch_authority(const struct enrolling *enrolling, const char *fingerprint,
                           struct buffer *pem, struct error *err)
{
    const struct client_options options = {
        .host = enrolling->host,
        .port = enrolling->port,
        .unverified = true,
        .timeout_ms = enrolling->timeout_ms,
    };
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    _cleanup_(client_free_p) struct client *client = NULL;
    unsigned int status = 0;
    int r;

    if (client_new(&options, &client, err) < 0 ||
        client_request(client, "GET", "/v1/authority", NULL, &status, pem, err) < 0)
        return FAILURE_NO_SERVER;
    r = status == 200 ? certificate_read(buffer_text(pem), &certificate, err) : -EPROTO;
    if (r < 0)
        return error_set(err, r, "'%s' is no server of dusk", enrolling->host);
    if (strcmp(certificate.fingerprint, fingerprint) == 0)
        return 0;
    error_set(err, FAILURE_NOT_ALLOWED, "the server at '%s' is not the one that made the token",
              enrolling->host);
    error_hint(err, "check --server, or have a token made there");
    return FAILURE_NOT_ALLOWED;
}

static int ask_for_certificate(const struct enrolling *enrolling, const char *authority_pem,
                               const char *request_pem, json_t **ret_reply, struct error *err)
{
    const struct client_options options = {
        .host = enrolling->host,
        .port = enrolling->port,
        .authority_pem = authority_pem,
        .protocol = WIRE_PROTOCOL,
        .timeout_ms = enrolling->timeout_ms,
    };
    _cleanup_json_ json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "token", enrolling->token, "kind", "user", "name",
                  enrolling->user, "request", request_pem, "machine", "");
    _cleanup_(connection_free_p) struct connection *connection = NULL;
    int r;

    if (!body)
        return error_set(err, FAILURE_USAGE, "the name or the token is not UTF-8");
    r = connection_open_with(&options, &connection, err);
    if (r == 0)
        r = connection_call(connection, "POST", "/v1/enrol", body, ret_reply, err);
    return r;
}

int enrolling_run(const struct enrolling *enrolling, char **ret_name, struct error *err)
{
    _cleanup_buffer_ struct buffer authority = BUFFER_INIT;
    _cleanup_free_ char *request_pem = NULL;
    _cleanup_json_ json_t *reply = NULL;
    const char *fingerprint;
    int r;

    r = read_fingerprint(enrolling->token, &fingerprint, err);
    if (r == 0)
        r = fetch_authority(enrolling, fingerprint, &authority, err);
    if (r == 0)
        r = identity_make_request(enrolling->identity_folder, enrolling->user, &request_pem, err);
    if (r == 0)
        r = ask_for_certificate(enrolling, buffer_text(&authority), request_pem, &reply, err);
    if (r == 0)
        r = identity_store(enrolling->identity_folder, json_member_text(reply, "certificate", ""),
                           buffer_text(&authority), err);
    if (r == 0)
        *ret_name = memory_copy_string(json_member_text(reply, "name", enrolling->user));
    return r;
}
