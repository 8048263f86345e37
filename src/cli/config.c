/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See config.h. Each source is asked only for what no stronger one has said: the command line, the
 * environment, the user's file, what is there on this computer, the defaults.
 *
 * Which of server and socket is used follows from that: whoever names a server on the command line
 * or in the environment means it; otherwise a socket that is there wins over a server in the file,
 * because results come home over it by themselves.
 */
#include "config.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"
#include "exit_code.h"
#include "sys/file.h"
#include "sys/own_file.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 1 << 20 };

static const char *const key_names[SETTING_COUNT] = {
    [SETTING_SOCKET] = "socket",
    [SETTING_SERVER] = "server",
    [SETTING_IDENTITY] = "identity",
    [SETTING_TIMEOUT] = "timeout",
};
static const char *const variables[SETTING_COUNT] = {
    [SETTING_SOCKET] = "DUSK_SOCKET",
    [SETTING_SERVER] = "DUSK_SERVER",
    [SETTING_IDENTITY] = "DUSK_IDENTITY",
    [SETTING_TIMEOUT] = "DUSK_TIMEOUT",
};

void config_deinit(struct config *config)
{
    for (int key = 0; key < SETTING_COUNT; key++) {
        free(config->settings[key].value);
        free(config->settings[key].origin);
    }
    *config = CONFIG_INIT;
}

const char *config_key_name(enum setting_key key)
{
    return key_names[key];
}

const char *config_value(const struct config *config, enum setting_key key)
{
    return config->settings[key].value;
}

/* The stronger source spoke first: what is set stays. */
static void offer(struct config *config, enum setting_key key, const char *value,
                  const char *origin)
{
    struct setting *setting = &config->settings[key];

    if (setting->value || !value || *value == '\0')
        return;
    setting->value = memory_copy_string(value);
    setting->origin = memory_copy_string(origin);
}

char *config_file_path(void)
{
    char *path = own_file_path("XDG_CONFIG_HOME", ".config", "dusk/client.ini");

    return path ? path : memory_copy_string("client.ini");
}

char *config_template_path(const char *name)
{
    _cleanup_buffer_ struct buffer rest = BUFFER_INIT;

    buffer_appendf(&rest, "dusk/templates/%s", name);
    return own_file_path("XDG_CONFIG_HOME", ".config", rest.data);
}

struct file_reader {
    struct config *config;
    const char *path;
    struct error *err;
    int result;
};

/* inih's handler: 1 goes on, 0 is an error. */
static int take_line(void *userdata, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = userdata;
    const char *nearest;

    (void)section;
    for (int key = 0; key < SETTING_COUNT; key++)
        if (strcmp(name, key_names[key]) == 0) {
            offer(reader->config, (enum setting_key)key, value, reader->path);
            return 1;
        }
    /* Refused, because a setting that is misspelt would silently set nothing. */
    nearest = spelling_nearest(name, key_names, SETTING_COUNT);
    reader->result =
        error_set(reader->err, -EINVAL, "'%s' has the unknown key '%s'", reader->path, name);
    error_hint(reader->err, nearest ? "did you mean '%s'?" : "the keys are those of 'dusk config'",
               nearest);
    return 0;
}

static int read_config_file(struct config *config, struct error *err)
{
    _cleanup_free_ char *path = config_file_path();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct file_reader reader = {.config = config, .path = path, .err = err};
    int r;

    if (access(path, F_OK) < 0)
        return 0;
    r = file_read(path, FILE_SIZE_MAX, &text, err);
    if (r < 0)
        return r;
    r = ini_parse_string(buffer_text(&text), take_line, &reader);
    if (reader.result < 0)
        return reader.result;
    if (r > 0)
        return error_set(err, -EINVAL, "'%s', line %d: this is not 'key = value'", path, r);
    return 0;
}

/* The first socket that is there; a server that has ended left none. */
static void offer_default_sockets(struct config *config)
{
    _cleanup_free_ char *runtime = own_file_path("XDG_RUNTIME_DIR", NULL, "dusk/socket");
    _cleanup_free_ char *state =
        own_file_path("XDG_STATE_HOME", ".local/state", "dusk/server/socket");
    const char *const places[] = {"/run/dusk/socket", "/var/lib/dusk/socket", runtime, state};

    for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
        if (places[i] && access(places[i], F_OK) == 0)
            offer(config, SETTING_SOCKET, places[i], "it is there");
}

static int check_timeout(const struct config *config, struct error *err)
{
    const struct setting *setting = &config->settings[SETTING_TIMEOUT];
    uint64_t ms;

    if (number_parse_duration(slice_from_text(setting->value), &ms) == 0 && ms > 0)
        return 0;
    error_set(err, -EINVAL, "the timeout '%s' (from %s) is no duration", setting->value,
              setting->origin);
    error_hint(err, "write it as 500ms, 30s or 2m");
    return -EINVAL;
}

int config_read(const char *server, const char *socket, struct config *ret_config,
                struct error *err)
{
    _cleanup_config_ struct config config = CONFIG_INIT;
    _cleanup_free_ char *folder = own_file_path("XDG_CONFIG_HOME", ".config", "dusk");
    bool server_first = server || (!socket && getenv("DUSK_SERVER") && *getenv("DUSK_SERVER"));
    int r;

    if (server && socket)
        return error_set(err, FAILURE_USAGE, "--server and --socket exclude each other");
    offer(&config, SETTING_SERVER, server, "--server");
    offer(&config, SETTING_SOCKET, socket, "--socket");
    for (int key = 0; key < SETTING_COUNT; key++)
        offer(&config, (enum setting_key)key, getenv(variables[key]), variables[key]);
    r = read_config_file(&config, err);
    if (r < 0)
        return r;
    offer_default_sockets(&config);
    offer(&config, SETTING_IDENTITY, folder, "default");
    offer(&config, SETTING_TIMEOUT, "30s", "default");
    r = check_timeout(&config, err);
    if (r < 0)
        return r;
    config.use_server = server_first || !config_value(&config, SETTING_SOCKET);
    *ret_config = config;
    config = CONFIG_INIT;
    return 0;
}

uint64_t config_timeout_ms(const struct config *config)
{
    uint64_t ms = 0;

    (void)number_parse_duration(slice_from_text(config_value(config, SETTING_TIMEOUT)), &ms);
    return ms;
}

int config_store_server(const char *server, struct error *err)
{
    _cleanup_free_ char *path = config_file_path();

    return own_file_store(path, key_names[SETTING_SERVER], server, err);
}
