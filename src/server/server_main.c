/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dusk server`: how its parts come up and go down.
 *
 * Up: store, authority, brain from the rows, then the doors. Down: the doors first, so that what
 * was begun is answered; whatever is lost then was never acknowledged.
 */
#define _GNU_SOURCE
#include "server/server_main.h"

#include "server.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/complain.h"
#include "sys/configuration.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_TIMEOUT_MS = 3000, ADDRESSES_MAX = 64, EXIT_CANNOT = 1, EXIT_USAGE = 2 };

/* What was arriving when the server before this one ended, is brought again. */
static int empty_arriving(const char *state_folder, struct error *err)
{
    _cleanup_free_ char *path = file_join(state_folder, "spool/arriving");

    return file_remove_tree(path, err);
}

static int make_folders(struct server_options *options, struct error *err)
{
    static const char *const inner[] = {"content", "spool", "spool/arriving"};
    char *absolute;
    int r = file_make_folders(options->state_folder, 0755, err);

    if (r < 0)
        return r;
    absolute = realpath(options->state_folder, NULL);
    if (!absolute)
        return error_set_errno(err, -errno, "cannot enter '%s'", options->state_folder);
    free(options->state_folder);
    options->state_folder = absolute;
    r = empty_arriving(absolute, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LENGTH(inner); i++) {
        _cleanup_free_ char *path = file_join(absolute, inner[i]);

        r = file_make_folders(path, i == 0 ? 0700 : 0711, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A name of this computer that others, and it itself, can resolve. */
static char *own_name(const struct server_options *options)
{
    struct addrinfo *found = NULL;
    char name[256];

    if (options->host)
        return memory_copy_string(options->host);
    if (gethostname(name, sizeof(name)) == 0 && getaddrinfo(name, NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
        return memory_copy_string(name);
    }
    return memory_copy_string("localhost");
}

/*
 * Where there is no name service, people write addresses, so the certificate is for these, too. One
 * that comes later, by DHCP, is in it from the next start on, or by --name.
 */
static void add_own_addresses(struct server_options *options)
{
    uv_interface_address_t *interfaces = NULL;
    int count = 0;

    if (uv_interface_addresses(&interfaces, &count) < 0)
        return;
    for (int i = 0; i < count && i < ADDRESSES_MAX; i++) {
        const struct sockaddr *address = (const struct sockaddr *)&interfaces[i].address;
        char text[INET6_ADDRSTRLEN] = "";

        if (!interfaces[i].is_internal && uv_ip_name(address, text, sizeof(text)) == 0 &&
            strncmp(text, "fe80:", 5) != 0) /* means nothing without its interface: RFC 4007 */
            server_options_add_name(options, text);
    }
    uv_free_interface_addresses(interfaces, count);
}

static int open_doors(struct server *server, struct error *err)
{
    _cleanup_free_ char *authority_folder = file_join(server->options.state_folder, "authority");
    _cleanup_free_ char *socket = file_join(server->options.state_folder, "socket");
    _cleanup_free_ char *name = own_name(&server->options);
    struct listener_options options = {.loop = &server->loop,
                                       .host = server->options.host,
                                       .port = server->options.port,
                                       .socket_path = socket,
                                       .handlers = api_handlers,
                                       .userdata = server};
    int r;

    r = authority_open(authority_folder, &server->authority, err);
    if (r < 0)
        return r;
    server_options_add_name(&server->options, name);
    add_own_addresses(&server->options);
    r = authority_renew_server(server->authority, (const char *const *)server->options.names,
                               server->options.name_count, err);
    if (r < 0)
        return r;
    options.authority_path = authority_pem_path(server->authority);
    options.certificate_path = authority_server_pem_path(server->authority);
    options.key_path = authority_server_key_path(server->authority);
    options.handlers.link = agents_handlers;
    r = listener_new(&options, &server->listener, err);
    if (r < 0)
        return r;
    printf("ready %s:%u\n", name, listener_port(server->listener));
    fflush(stdout);
    return 0;
}

static int open_store(struct server *server, struct error *err)
{
    _cleanup_free_ char *path = file_join(server->options.state_folder, "dusk.db");

    return store_open(path, &server->store, err);
}

static void on_stopped(void *userdata)
{
    struct server *server = userdata;

    uv_stop(&server->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *server = signal->data;

    (void)number;
    if (server->stopping) {
        uv_stop(&server->loop);
        return;
    }
    server->stopping = true;
    log_notice("ending");
    api_dismiss_waiters(server);
    listener_stop(server->listener, STOP_TIMEOUT_MS, on_stopped);
}

static void watch_signals(struct server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    signal(SIGPIPE, SIG_IGN);
    /* A limit of the process is a full disk: an error to be told, and no end without a word. */
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], on_signal, numbers[i]);
    }
}

static void close_handle(uv_handle_t *handle, void *userdata)
{
    (void)userdata;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void server_deinit(struct server *server)
{
    batch_stop(server);
    deliver_deinit(server);
    listener_free(server->listener);
    /* A result that waits in the queue frees its own collect, so the queue goes first. */
    batch_deinit(server);
    collect_deinit(server);
    checkpoint_deinit(server);
    records_deinit(&server->records);
    uv_run(&server->loop, UV_RUN_NOWAIT);
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    authority_free(server->authority);
    store_close(server->store);
    matching_deinit(server);
    pool_free(server->pool);
    map_deinit(&server->links_by_session);
    map_deinit(&server->segments);
    map_deinit(&server->streams_in);
    map_deinit(&server->computed);
    submit_task_deinit(&server->task);
    server_options_deinit(&server->options);
}

static int server_run(struct server *server, struct error *err)
{
    int r = make_folders(&server->options, err);

    if (r == 0)
        r = open_store(server, err);
    if (r == 0)
        r = server_restore(server, err);
    if (r < 0)
        return r;
    batch_init(server);
    images_init(server);
    room_look(server);
    watch_signals(server);
    r = open_doors(server, err);
    if (r < 0)
        return r;
    uv_run(&server->loop, UV_RUN_DEFAULT);
    if (!server->room.still)
        usage_save_all(server);
    return 0;
}

static int give_up(struct error *err, int exit_code)
{
    error_prefix(err, -ECANCELED, "cannot run the server");
    complain(err);
    return exit_code;
}

int server_main(int argc, char **argv)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct server server = {0};
    int r = server_options_read(&server.options, argc, argv, &err);

    if (r != 0)
        server_options_deinit(&server.options);
    if (r == CONFIGURATION_WAS_PRINTED)
        return 0;
    if (r < 0)
        return give_up(&err, EXIT_USAGE);
    server.started_at = clock_wall_seconds();
    /* Sessions of this run are never those of an earlier one, be it of the same second. */
    server.last_session = (uint64_t)(server.started_at * 1000.0) << 10;
    uv_loop_init(&server.loop);
    submit_task_init(&server.task);
    records_init(&server.records);
    r = server_run(&server, &err);
    server_deinit(&server);
    return r < 0 ? give_up(&err, EXIT_CANNOT) : 0;
}
