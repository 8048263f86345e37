/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk token and dusk login: who may come from afar, and how. A token is a secret that is exchanged
 * for a certificate. So 'create' prints it and nothing else, for $(...), and 'login' takes it from
 * the environment or a file as well: what stands on a command line, all users of the computer can
 * read.
 */
#include "session.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/number.h"
#include "exit_code.h"
#include "listing.h"
#include "net/client.h"
#include "net/enrolment.h"
#include "sys/file.h"
#include "wire/wire.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PORT = 7433, TOKEN_SIZE_MAX = 4096 };
enum key { KEY_TTL = KEY_OWN, KEY_USER, KEY_TOKEN, KEY_TOKEN_FILE };

static const struct option_word token_words[] = {
    {"ttl", KEY_TTL, OPTION_VALUE, "TIME", "create: how long it serves, as 24h or 30d"},
    {"user", KEY_USER, OPTION_VALUE, "NAME", "create: to log in as NAME, not to add nodes"},
    OPTIONS_OF_LISTING,
};

static const struct option_word login_words[] = {
    {"server", KEY_SERVER, OPTION_VALUE, "HOST[:PORT]", "the pool's server"},
    {"token", KEY_TOKEN, OPTION_VALUE, "TOKEN", "others may see it here: rather DUSK_TOKEN"},
    {"token-file", KEY_TOKEN_FILE, OPTION_VALUE, "FILE", "a file with the token"},
    {"user", KEY_USER, OPTION_VALUE, "NAME", "the name to ask for, if the token has none"},
};

static int create_token(struct connection *connection, const struct listing *listing,
                        const char *user, uint64_t ttl_ms, struct error *err)
{
    _cleanup_json_ json_t *body = json_object(), *reply = NULL;
    int r;

    json_object_set_new(body, "kind", json_string(user ? "user" : "node"));
    if (user && json_object_set_new(body, "user", json_string(user)) < 0)
        return error_set(err, FAILURE_USAGE, "the user's name is not UTF-8");
    if (ttl_ms > 0)
        json_object_set_new(body, "ttl_ms", json_integer((json_int_t)ttl_ms));
    r = connection_call(connection, "POST", "/v1/tokens", body, &reply, err);
    if (r < 0)
        return r;
    if (listing->json) {
        _cleanup_free_ char *text = json_dumps(reply, JSON_COMPACT);

        printf("%s\n", text);
    } else {
        printf("%s\n", json_member_text(reply, "token", ""));
    }
    return 0;
}

static int revoke_token(struct connection *connection, const char *id, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    buffer_append_text(&path, "/v1/tokens/");
    client_append_encoded(&path, id);
    r = connection_call(connection, "DELETE", path.data, NULL, NULL, err);
    if (r == 0)
        printf("%s is revoked: who joined with it stays, nobody joins with it any more\n", id);
    return r;
}

/* Before a server is looked for: a mistyped word is wrong without one. */
static int check_token_verb(struct session *session, struct error *err)
{
    const char *verb;
    int r = session_need_operands(session, 1, 2, "'create', 'list' or 'revoke ID'", err);

    if (r < 0)
        return r;
    verb = session->operands[0];
    if (strcmp(verb, "create") == 0 || strcmp(verb, "list") == 0)
        return session_need_operands(session, 1, 1, "", err);
    if (strcmp(verb, "revoke") == 0)
        return session_need_operands(session, 2, 2, "the ID that 'dusk token list' shows", err);
    return options_refuse(session->command, err, "'dusk token' cannot '%s'", verb);
}

static int run_token(struct session *session, struct error *err)
{
    struct listing listing = {0};
    struct connection *connection;
    const char *user = NULL, *value;
    uint64_t ttl_ms = 0;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_USER)
            user = value;
        else if (key == KEY_TTL && number_parse_duration(slice_from_text(value), &ttl_ms) < 0)
            return options_refuse(session->command, err, "'%s' is no time: write 90s, 24h or 30d",
                                  value);
        else
            (void)listing_take_option(&listing, key, value);
    }
    if (key < 0)
        return key;
    r = check_token_verb(session, err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    if (strcmp(session->operands[0], "create") == 0)
        return create_token(connection, &listing, user, ttl_ms, err);
    if (strcmp(session->operands[0], "list") == 0)
        return listing_show(&listing, &columns_of_tokens, connection, "/v1/tokens", err);
    return revoke_token(connection, session->operands[1], err);
}

struct login {
    const char *token;
    const char *user;
    char *file_token; /* owned */
};

static int read_token_file(struct login *login, const char *path, struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r = file_read(path, TOKEN_SIZE_MAX, &text, err);

    if (r < 0)
        return r;
    free(login->file_token);
    login->file_token = slice_copy(slice_trim(slice_from_text(buffer_text(&text))));
    login->token = login->file_token;
    return 0;
}

/* Without --user the name is the one that the user has here. Options overrule the environment. */
static int read_login(struct session *session, struct login *login, struct error *err)
{
    const char *value;
    int key, r = 0;

    login->token = getenv("DUSK_TOKEN");
    while (r == 0 && (key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_TOKEN)
            login->token = value;
        else if (key == KEY_USER)
            login->user = value;
        else
            r = read_token_file(login, value, err);
    }
    if (r < 0 || key < 0)
        return r < 0 ? r : key;
    r = session_need_operands(session, 0, 0, "", err);
    if (r < 0)
        return r;
    if (!login->token || *login->token == '\0')
        return options_refuse(session->command, err, "'dusk login' needs a token");
    if (!login->user) {
        const struct passwd *self = getpwuid(getuid());

        login->user = self ? self->pw_name : "nobody";
    }
    return 0;
}

/* The exit code that belongs to it, and what to do about it. */
static int failure_of_enrolment(int r, unsigned int status, struct error *err)
{
    if (r == -ENOKEY)
        error_hint(err, "an admin of the pool makes one with 'dusk token create --user NAME'");
    if (r == -ENOKEY || r == -EILSEQ)
        return FAILURE_USAGE;
    if (r == -ENOTCONN)
        return FAILURE_NO_SERVER;
    if (r == -EKEYREJECTED || status == 401 || status == 403)
        return FAILURE_NOT_ALLOWED;
    return r;
}

static int log_in(struct session *session, const struct login *login, struct error *err)
{
    _cleanup_config_ struct config config = CONFIG_INIT;
    _cleanup_free_ char *host = NULL, *name = NULL;
    struct enrolment enrolment = {.token = login->token,
                                  .kind = PEER_USER,
                                  .name = login->user,
                                  .machine = "",
                                  .protocol = WIRE_PROTOCOL};
    unsigned int status;
    const char *server;
    int r;

    r = config_read(session->server, NULL, &config, err);
    if (r < 0)
        return r;
    server = config_value(&config, SETTING_SERVER);
    if (!server)
        return options_refuse(session->command, err, "'dusk login' needs --server HOST[:PORT]");
    r = address_split(server, DEFAULT_PORT, &host, &enrolment.port, err);
    if (r < 0)
        return FAILURE_USAGE;
    enrolment.host = host;
    enrolment.identity_folder = config_value(&config, SETTING_IDENTITY);
    enrolment.timeout_ms = config_timeout_ms(&config);
    r = enrolment_run(&enrolment, &name, &status, err);
    if (r < 0)
        return failure_of_enrolment(r, status, err);
    /* Last, so that commands go there only once they would be let in. */
    r = config_store_server(server, err);
    if (r < 0)
        return r;
    printf("you are '%s' in the pool of %s\n", name, host);
    return 0;
}

static int run_login(struct session *session, struct error *err)
{
    struct login login = {0};
    int r = read_login(session, &login, err);

    if (r == 0)
        r = log_in(session, &login, err);
    free(login.file_token);
    return r;
}

const struct command command_token = {
    .name = "token",
    .summary = "makes, lists and revokes tokens to join the pool with",
    .synopsis = "create [--ttl=TIME] [--user=NAME] | list | revoke ID",
    .description =
        "For admins. 'create' prints a token, and nothing else. It serves any number of\n"
        "computers that join the pool as nodes, or with --user one person who logs in,\n"
        "until it expires or is revoked.\n",
    .examples = "  dusk token create --ttl 24h\n"
                "  dusk token create --user marie\n"
                "  dusk token list\n"
                "  dusk token revoke 3f2a\n",
    .options = token_words,
    .option_count = ARRAY_LENGTH(token_words),
    .run = run_token,
};

const struct command command_login = {
    .name = "login",
    .summary = "joins a pool whose server is on another computer",
    .synopsis = "--server=HOST[:PORT] --token=TOKEN",
    .description = "Turns a token into a certificate in ~/.config/dusk. From then on the commands\n"
                   "speak to that server whenever this computer has no server's socket. The key\n"
                   "is made here and never leaves.\n",
    .examples = "  dusk login --server pool.example.org --token dusk1.3f2a...\n"
                "  DUSK_TOKEN=$(cat token) dusk login --server pool.example.org:7433\n",
    .options = login_words,
    .option_count = ARRAY_LENGTH(login_words),
    .is_local = true,
    .run = run_login,
};
