/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Join tokens, and turning one into a certificate.
 *
 * A token is "dusk1.ID.SECRET.FINGERPRINT": the fingerprint of the pool's CA lets whoever joins
 * know the right server before it says the secret. Only a hash of the secret is stored. A token
 * serves any number of computers until it expires or is revoked.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/hash.h"
#include "sys/log.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    TTL_DEFAULT_MS = 24 * 3600 * 1000,
    CERTIFICATE_DAYS = 3650,
    ID_BYTES = 4,
    SECRET_BYTES = 16,
    NAME_LENGTH_MAX_ = 63
};

static void append_random(struct buffer *out, size_t count)
{
    unsigned char bytes[SECRET_BYTES];

    if (RAND_bytes(bytes, (int)count) != 1)
        abort();
    for (size_t i = 0; i < count; i++)
        buffer_appendf(out, "%02x", bytes[i]);
}

void tokens_create(struct server *server, struct request *request, const json_t *body)
{
    _cleanup_buffer_ struct buffer id = BUFFER_INIT, secret = BUFFER_INIT, text = BUFFER_INIT;
    const char *kind = json_string_value(json_object_get(body, "kind"));
    const char *user = json_string_value(json_object_get(body, "user"));
    const json_t *ttl = json_object_get(body, "ttl_ms");
    double ttl_ms = json_is_integer(ttl) ? (double)json_integer_value(ttl) : TTL_DEFAULT_MS;
    char hash[HASH_TEXT_SIZE];
    double now = clock_wall_seconds();

    kind = kind ? kind : "node";
    if ((strcmp(kind, "node") != 0 && strcmp(kind, "user") != 0) || ttl_ms <= 0) {
        api_reply_error(request, 400, NULL, "a token is for a 'node' or a 'user', for some time");
        return;
    }
    if (strcmp(kind, "user") == 0 && !user) {
        api_reply_error(request, 400, "say for whom: dusk token create --user NAME",
                        "a user's token needs the user's name");
        return;
    }
    append_random(&id, ID_BYTES);
    append_random(&secret, SECRET_BYTES);
    hash_bytes(secret.data, secret.length, hash);
    store_begin(server->store);
    store_add_token(server->store, &(struct store_token){.id = id.data,
                                                         .secret_hash = hash,
                                                         .kind = kind,
                                                         .user = user,
                                                         .created_at = now,
                                                         .expires_at = now + ttl_ms / 1000});
    batch_commit(server);
    buffer_appendf(&text, "dusk1.%s.%s.%s", id.data, secret.data,
                   authority_fingerprint(server->authority));
    api_reply_json(request, 200,
                   json_pack("{s:s,s:s,s:f}", "token", text.data, "id", id.data, "expires_at",
                             now + ttl_ms / 1000));
}

static int list_one(const struct store_token *token, void *userdata)
{
    json_array_append_new(userdata,
                          json_pack("{s:s,s:s,s:s?,s:f,s:f,s:b,s:I}", "id", token->id, "kind",
                                    token->kind, "user", token->user, "created_at",
                                    token->created_at, "expires_at", token->expires_at, "revoked",
                                    token->revoked, "uses", (json_int_t)token->uses));
    return 0;
}

void tokens_list(struct server *server, struct request *request)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    json_t *list = json_array();

    if (store_walk_tokens(server->store, NULL, list_one, list, &err) < 0)
        api_reply_error(request, 500, NULL, "cannot read the tokens: %s", error_text(&err));
    else
        api_reply_json(request, 200, json_incref(list));
    json_decref(list);
}

static int find_id(const struct store_token *token, void *userdata)
{
    return strcmp(token->id, userdata) == 0 ? -EEXIST : 0;
}

void tokens_revoke(struct server *server, struct request *request, const char *id)
{
    if (store_walk_tokens(server->store, NULL, find_id, (void *)id, NULL) != -EEXIST) {
        api_reply_error(request, 404, "'dusk token list' shows them", "there is no token '%s'", id);
        return;
    }
    store_begin(server->store);
    store_revoke_token(server->store, id);
    batch_commit(server);
    api_reply_json(request, 200, json_object());
}

/* What a token allows, copied out of the walk. */
struct grant {
    const char *id_wanted;
    char *id;
    char *kind;
    char *user;
    double expires_at;
    bool revoked;
};

static int find_grant(const struct store_token *token, void *userdata)
{
    struct grant *grant = userdata;

    if (strcmp(token->id, grant->id_wanted) != 0)
        return 0;
    grant->id = memory_copy_string(token->id);
    grant->kind = memory_copy_string(token->kind);
    grant->user = token->user ? memory_copy_string(token->user) : NULL;
    grant->expires_at = token->expires_at;
    grant->revoked = token->revoked;
    return 0;
}

static void grant_deinit(struct grant *grant)
{
    free(grant->id);
    free(grant->kind);
    free(grant->user);
}

/* Splits the token; the pieces are the copy's. */
static bool split_token(char *copy, char **ret_id, char **ret_secret)
{
    char *save = NULL;
    const char *version = strtok_r(copy, ".", &save);

    *ret_id = strtok_r(NULL, ".", &save);
    *ret_secret = strtok_r(NULL, ".", &save);
    return version && strcmp(version, "dusk1") == 0 && *ret_id && *ret_secret;
}

/* Looks the token up and answers the request if it is no good. */
static bool check_token(struct server *server, struct request *request, const char *token,
                        const char *kind, struct grant *grant)
{
    static const char hint[] = "ask an admin of the pool for a new one: dusk token create";
    _cleanup_free_ char *copy = memory_copy_string(token ? token : "");
    char *id, *secret;
    char hash[HASH_TEXT_SIZE];

    if (!split_token(copy, &id, &secret)) {
        api_reply_error(request, 403, hint, "this is no token of a dusk pool");
        return false;
    }
    hash_bytes(secret, strlen(secret), hash);
    grant->id_wanted = id;
    if (store_walk_tokens(server->store, hash, find_grant, grant, NULL) < 0 || !grant->id)
        api_reply_error(request, 403, hint, "this token is wrong");
    else if (grant->revoked)
        api_reply_error(request, 403, hint, "this token was revoked");
    else if (grant->expires_at < clock_wall_seconds())
        api_reply_error(request, 403, hint, "this token has expired");
    else if (strcmp(grant->kind, kind) != 0)
        api_reply_error(request, 403, hint, "this token is for a %s, not for a %s", grant->kind,
                        kind);
    else {
        grant->id_wanted = NULL;
        return true;
    }
    return false;
}

/* Names go into paths, certificates and tables: letters, digits, '.', '-', '_'. */
static bool name_is_good(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return name && name[0] != '\0' && name[0] != '.' && name[0] != '-' &&
           strlen(name) <= NAME_LENGTH_MAX_ && strspn(name, allowed) == strlen(name);
}

static bool check_name(struct server *server, struct request *request, const char *name,
                       bool is_node, uint64_t machine)
{
    const struct node_record *node = is_node ? records_find_node(&server->records, name) : NULL;

    if (!name_is_good(name)) {
        api_reply_error(request, 400, "use letters, digits, '.', '-' and '_', 63 at most",
                        "'%.80s' is no good name", name ? name : "");
        return false;
    }
    /* The same computer may ask again: the answer to its first try may have been lost. */
    if (node && (machine == 0 || node->machine != machine)) {
        api_reply_error(request, 409,
                        "choose another --name, or have an admin run: dusk node forget",
                        "a node named '%s' is in the pool already", name);
        return false;
    }
    return true;
}

static void save_node(struct server *server, const char *name, const char *serial, uint64_t machine)
{
    struct node_record *known = records_find_node(&server->records, name);
    struct store_node row = {.node = known ? known->number : (uint32_t)server->records.node_count,
                             .name = name,
                             .serial = serial,
                             .machine = machine,
                             .enrolled_at = clock_wall_seconds(),
                             .attributes = known ? known->attributes : NULL};

    store_save_node(server->store, &row);
    if (!known) {
        records_add_node(&server->records, &row);
        return;
    }
    free(known->serial);
    known->serial = memory_copy_string(serial);
}

static void enrol(struct server *server, struct request *request, const json_t *body,
                  const struct grant *grant, const char *name, uint64_t machine)
{
    const char *pem = json_string_value(json_object_get(body, "request"));
    bool is_node = strcmp(grant->kind, "node") == 0;
    _cleanup_free_ char *certificate = NULL, *serial = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (authority_sign(server->authority, pem ? pem : "", is_node ? PEER_NODE : PEER_USER, name,
                       (int64_t)CERTIFICATE_DAYS * 86400, &certificate, &serial, &err) < 0) {
        api_reply_error(request, 400, NULL, "cannot sign the certificate: %s", error_text(&err));
        return;
    }
    store_begin(server->store);
    if (is_node)
        save_node(server, name, serial, machine);
    store_count_token_use(server->store, grant->id);
    batch_commit(server);
    log_notice("%s '%s' has joined the pool with token %s", grant->kind, name, grant->id);
    api_reply_json(request, 200,
                   json_pack("{s:s,s:s,s:s}", "name", name, "certificate", certificate, "authority",
                             authority_pem(server->authority)));
}

void tokens_enrol(struct server *server, struct request *request, const json_t *body)
{
    const char *kind = json_string_value(json_object_get(body, "kind"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *machine_text = json_string_value(json_object_get(body, "machine"));
    uint64_t machine = 0;
    struct grant grant = {0};

    /* The first 64 bits of the fingerprint, as in the agent's hello. */
    if (machine_text) {
        _cleanup_free_ char *digits = memory_copy_bytes(machine_text, strnlen(machine_text, 16));

        machine = strtoull(digits, NULL, 16);
    }
    kind = kind ? kind : "node";
    if (check_token(server, request, json_string_value(json_object_get(body, "token")), kind,
                    &grant)) {
        if (grant.user)
            name = grant.user;
        if (check_name(server, request, name, strcmp(kind, "node") == 0, machine))
            enrol(server, request, body, &grant, name, machine);
    }
    grant_deinit(&grant);
}
