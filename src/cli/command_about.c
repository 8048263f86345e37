/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk config, version and help: about dusk itself. None of them asks a server, so that they work
 * where nothing else does: before there is a pool, and when the settings are what is wrong.
 */
#include "session.h"

#include "exit_code.h"
#include "help.h"
#include "listing.h"
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

static const struct option_word config_words[] = {
    {"json", KEY_JSON, OPTION_FLAG, NULL, "a JSON array"},
    {"server", KEY_SERVER, OPTION_VALUE, "HOST[:PORT]", "as if a command were given this"},
    {"socket", KEY_SOCKET, OPTION_VALUE, "PATH", "likewise"},
};

static const struct option_word version_words[] = {
    {"json", KEY_JSON, OPTION_FLAG, NULL, "a JSON object"},
};

static const struct column setting_columns[] = {
    {"key", NULL, "KEY", COLUMN_TEXT, false},
    {"value", NULL, "VALUE", COLUMN_TEXT, true},
    {"origin", NULL, "WHERE FROM", COLUMN_TEXT, true},
};
static const struct column_set columns_of_settings = {
    .what = "setting",
    .columns = setting_columns,
    .count = ARRAY_LENGTH(setting_columns),
    .usual = "key,value,origin",
};

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* All settings, also those that are not set; last the one of them that commands go by. */
static json_t *describe_config(const struct config *config)
{
    enum setting_key used = config->use_server ? SETTING_SERVER : SETTING_SOCKET;
    json_t *list = json_array();

    for (int key = 0; key < SETTING_COUNT; key++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "key",
                                              config_key_name((enum setting_key)key), "value",
                                              text_or_null(config->settings[key].value), "origin",
                                              text_or_null(config->settings[key].origin)));
    json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "key", "connection", "value",
                                          text_or_null(config_value(config, used)), "origin",
                                          config_key_name(used)));
    return list;
}

static int run_config(struct session *session, struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    _cleanup_config_ struct config config = CONFIG_INIT;
    const struct listing listing = {0};
    _cleanup_json_ json_t *list = NULL;
    bool json = false;
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0)
        json = true;
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 0, "", err);
    if (r == 0)
        r = config_read(session->server, session->socket, &config, err);
    if (r < 0)
        return r;
    list = describe_config(&config);
    if (json) {
        _cleanup_free_ char *text = json_dumps(list, JSON_COMPACT);

        printf("%s\n", text);
        return 0;
    }
    r = listing_printer_new(&listing, &columns_of_settings, &printer, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_array_size(list); i++)
        (void)listing_print(printer, json_array_get(list, i), err);
    listing_end(printer);
    return 0;
}

static int run_version(struct session *session, struct error *err)
{
    bool json = false;
    const char *value;
    int key;

    while ((key = session_next_option(session, &value, err)) > 0)
        json = true;
    if (key < 0)
        return key;
    if (json)
        printf("{\"version\":\"%s\",\"protocol\":%d}\n", DUSK_VERSION, WIRE_PROTOCOL);
    else
        printf("dusk %s\n", DUSK_VERSION);
    return 0;
}

/* For the completion: the long options of a command, or the names of all commands. */
static void print_words(const struct command *command)
{
    for (size_t i = 0; i < command_count && !command; i++)
        printf("%s\n", commands[i]->name);
    for (size_t i = 0; command && i < command->option_count; i++)
        printf("--%s\n", command->options[i].name);
    if (command && !command->is_local)
        for (size_t i = 0; i < ARRAY_LENGTH(options_of_server); i++)
            printf("--%s\n", options_of_server[i].name);
    if (command)
        printf("--help\n");
}

static int refuse_topic(struct session *session, const char *topic, struct error *err)
{
    const char *nearest = help_nearest(topic);

    options_refuse(session->command, err, "there is no command '%s'", topic);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    return FAILURE_USAGE;
}

/* A program explains itself: it is asked as if somebody had typed --help behind it. */
static int show_topic(struct session *session, const char *topic, struct error *err)
{
    const struct command *command = commands_find(topic);
    const struct program *program = help_find_program(topic);
    char help[] = "--help", *argv[] = {(char *)topic, help, NULL};

    if (strcmp(topic, "exit-codes") == 0)
        (void)fputs(exit_code_help, stdout);
    else if (command)
        help_print_command(command);
    else if (program)
        return program->main(2, argv);
    else
        return refuse_topic(session, topic, err);
    return 0;
}

static int run_help(struct session *session, struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r = session_end_options(session, err);

    if (r == 0)
        r = session_need_operands(session, 0, 2, "", err);
    if (r < 0)
        return r;
    if (session->operand_count > 0 && strcmp(session->operands[0], "words") == 0) {
        print_words(session->operand_count > 1 ? commands_find(session->operands[1]) : NULL);
        return 0;
    }
    if (session->operand_count > 0)
        return show_topic(session, session->operands[0], err);
    help_append_list(&text);
    (void)fputs(text.data, stdout);
    return 0;
}

const struct command command_config = {
    .name = "config",
    .summary = "shows what is set, and where each setting comes from",
    .synopsis = "[OPTION]... | server | agent",
    .description =
        "'dusk config server' and 'dusk config agent' show what a server or an agent would\n"
        "take that is started here, with the options that follow; see their --help.\n"
        "\n"
        "Else it shows how the commands find their pool. Each is taken from the first\n"
        "of its sources that has it; the file is ~/.config/dusk/client.ini, lines of\n"
        "'key = value'.\n"
        "\n"
        "  socket    --socket, DUSK_SOCKET, the file, or the first that is there of\n"
        "            /run/dusk/socket, /var/lib/dusk/socket,\n"
        "            $XDG_RUNTIME_DIR/dusk/socket, ~/.local/state/dusk/server/socket\n"
        "  server    --server, DUSK_SERVER, or the file, where 'dusk login' writes it\n"
        "  identity  DUSK_IDENTITY, the file, or ~/.config/dusk\n"
        "  timeout   DUSK_TIMEOUT, the file, or 30s\n"
        "\n"
        "The connection is what the command line says, else DUSK_SERVER, else a\n"
        "socket, else the server.\n",
    .examples = "  dusk config\n"
                "  dusk config agent --config /etc/dusk/agent.ini --json\n"
                "  DUSK_SOCKET=/tmp/pool/socket dusk config --json\n",
    .options = config_words,
    .option_count = ARRAY_LENGTH(config_words),
    .is_local = true,
    .run = run_config,
};

const struct command command_version = {
    .name = "version",
    .summary = "prints the version of dusk",
    .synopsis = "[OPTION]...",
    .description = "Prints the version of this program.\n",
    .examples = "  dusk version\n",
    .options = version_words,
    .option_count = ARRAY_LENGTH(version_words),
    .is_local = true,
    .run = run_version,
};

const struct command command_help = {
    .name = "help",
    .summary = "explains a command, or the exit codes",
    .synopsis = "[COMMAND | exit-codes]",
    .description = "Explains a command as its --help does; without one, lists all of them.\n",
    .examples = "  dusk help submit\n"
                "  dusk help exit-codes\n",
    .is_local = true,
    .run = run_help,
};
