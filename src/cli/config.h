/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the commands find their pool, and who says so. Each setting has one value and one origin:
 *
 *     socket     the server's socket on this computer
 *                --socket, DUSK_SOCKET, the file, else the first that is there of
 *                /run/dusk/socket, /var/lib/dusk/socket, $XDG_RUNTIME_DIR/dusk/socket,
 *                ~/.local/state/dusk/server/socket
 *     server     HOST:PORT, for a pool whose server is elsewhere
 *                --server, DUSK_SERVER, the file ('dusk login' writes it)
 *     identity   the folder with key and certificate for that
 *                DUSK_IDENTITY, the file, else ~/.config/dusk ($XDG_CONFIG_HOME)
 *     timeout    how long the server may be silent
 *                DUSK_TIMEOUT, the file, else 30s
 *
 * The file is client.ini in ~/.config/dusk; an empty variable counts as unset. The way to the
 * server is: what the command line says; else DUSK_SERVER; else DUSK_SOCKET or the file's socket;
 * else a socket that is there; else the server.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum setting_key {
    SETTING_SOCKET,
    SETTING_SERVER,
    SETTING_IDENTITY,
    SETTING_TIMEOUT,
    SETTING_COUNT
};

struct setting {
    char *value;  /* owned; NULL: there is none */
    char *origin; /* owned; where the value came from, for people */
};

struct config {
    struct setting settings[SETTING_COUNT];
    bool use_server; /* the way to the pool: the server, else the socket */
};

#define CONFIG_INIT      ((struct config){0})
#define _cleanup_config_ _cleanup_(config_deinit)

/* What the command line said, each NULL if it did not; both together are FAILURE_USAGE. */
int config_read(const char *server, const char *socket, struct config *ret_config,
                struct error *err);
void config_deinit(struct config *config);

const char *config_value(const struct config *config, enum setting_key key);
/* "socket", "server", ... */
const char *config_key_name(enum setting_key key);
uint64_t config_timeout_ms(const struct config *config);

/* Writes "server = ..." into the file, whose other lines stay. */
int config_store_server(const char *server, struct error *err);
/* The path of the file, the caller's. */
char *config_file_path(void);
/* The path of the user's own submit template of that name, the caller's; NULL without a home. */
char *config_template_path(const char *name);
