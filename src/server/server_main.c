/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dusk server`: the command line, the configuration, and how the parts come up and go down.
 *
 * Up: store, authority, brain from the rows, then the doors. Down: the doors first, so that what
 * was begun is answered; whatever is lost then was never acknowledged.
 */
#define _GNU_SOURCE
#include "server/server_main.h"

#include "server.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PORT_DEFAULT = 7433, LEASE_DEFAULT_MS = 30000, STOP_TIMEOUT_MS = 3000 };

static const char help[] =
    "Usage: dusk server [OPTION...]\n"
    "Runs the server of a pool in the foreground until SIGTERM.\n"
    "\n"
    "  --state DIR      where it keeps everything (/var/lib/dusk for root, else\n"
    "                   ~/.local/state/dusk/server)\n"
    "  --port N         the port for nodes and users elsewhere (7433; 0: any free one)\n"
    "  --host NAME      listen on this name or address only (all of this computer's)\n"
    "  --name NAME      one more name of this computer, for its certificate; may be repeated\n"
    "  --config FILE    read this file (DIR/server.ini if it is there)\n"
    "  --lease TIME     how long a node works on when nothing is heard of the server (30s)\n"
    "  --verbose        log every move of every task\n"
    "\n"
    "The file's keys, in a section [server], are: host, port, name, lease, admins\n"
    "(names of users, with spaces between).\n"
    "\n"
    "Example: dusk server --state /var/lib/dusk\n";

/* The configuration. */

static int set_lease(struct server_options *options, const char *value)
{
    uint64_t lease_ms;

    if (number_parse_duration(slice_from_text(value), &lease_ms) < 0 || lease_ms < 1000 ||
        lease_ms > 86400000)
        return -EINVAL;
    options->pool.lease_ms = lease_ms;
    /* Three reports a lease: two may be lost. A tenth is for clocks that run apart. */
    options->pool.heartbeat_ms = lease_ms / 3;
    options->pool.margin_ms = lease_ms / 10;
    options->pool.restored_lease_ms = lease_ms;
    return 0;
}

static int set_port(struct server_options *options, const char *value)
{
    uint64_t port;

    if (number_parse_u64(slice_from_text(value), &port) < 0 || port > UINT16_MAX)
        return -EINVAL;
    options->port = (uint16_t)port;
    return 0;
}

static void add_text(char ***items, size_t *count, const char *text)
{
    *items = memory_resize(*items, *count + 1, sizeof(**items));
    (*items)[(*count)++] = memory_copy_string(text);
}

static int set_admins(struct server_options *options, const char *value)
{
    _cleanup_free_ char *copy = memory_copy_string(value);
    char *save = NULL;

    for (char *name = strtok_r(copy, " ,\t", &save); name; name = strtok_r(NULL, " ,\t", &save))
        add_text(&options->admins, &options->admin_count, name);
    return 0;
}

static void set_host(struct server_options *options, const char *value)
{
    free(options->host);
    options->host = memory_copy_string(value);
}

/* inih's callback: 1 goes on, 0 names the line as wrong. */
static int on_ini(void *userdata, const char *section, const char *key, const char *value)
{
    struct server_options *options = userdata;

    if (strcmp(section, "server") != 0)
        return 1;
    if (strcmp(key, "host") == 0)
        set_host(options, value);
    else if (strcmp(key, "port") == 0)
        return set_port(options, value) == 0;
    else if (strcmp(key, "name") == 0)
        add_text(&options->names, &options->name_count, value);
    else if (strcmp(key, "lease") == 0)
        return set_lease(options, value) == 0;
    else if (strcmp(key, "admins") == 0)
        return set_admins(options, value) == 0;
    else
        return 0;
    return 1;
}

static int read_config(struct server_options *options, const char *path, bool must_exist,
                       struct error *err)
{
    int r;

    if (!must_exist && access(path, F_OK) < 0)
        return 0;
    r = ini_parse(path, on_ini, options);
    if (r < 0)
        return error_set(err, -ENOENT, "cannot read the configuration '%s'", path);
    if (r > 0) {
        error_set(err, -EINVAL, "line %d of '%s' is wrong", r, path);
        error_hint(err, "the keys of [server] are host, port, name, lease and admins");
        return -EINVAL;
    }
    return 0;
}

static char *default_state_folder(void)
{
    const char *home = getenv("HOME");

    if (geteuid() == 0 || !home)
        return memory_copy_string("/var/lib/dusk");
    return file_join(home, ".local/state/dusk/server");
}

enum {
    OPTION_STATE = 1,
    OPTION_PORT,
    OPTION_HOST,
    OPTION_NAME,
    OPTION_CONFIG,
    OPTION_LEASE,
    OPTION_VERBOSE,
    OPTION_HELP
};

static const struct option long_options[] = {{"state", required_argument, NULL, OPTION_STATE},
                                             {"port", required_argument, NULL, OPTION_PORT},
                                             {"host", required_argument, NULL, OPTION_HOST},
                                             {"name", required_argument, NULL, OPTION_NAME},
                                             {"config", required_argument, NULL, OPTION_CONFIG},
                                             {"lease", required_argument, NULL, OPTION_LEASE},
                                             {"verbose", no_argument, NULL, OPTION_VERBOSE},
                                             {"help", no_argument, NULL, OPTION_HELP},
                                             {NULL, 0, NULL, 0}};

static int take_option(struct server_options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_PORT:
        return set_port(options, value);
    case OPTION_HOST:
        set_host(options, value);
        return 0;
    case OPTION_NAME:
        add_text(&options->names, &options->name_count, value);
        return 0;
    case OPTION_LEASE:
        return set_lease(options, value);
    case OPTION_VERBOSE:
        log_set_level(LOG_LEVEL_DEBUG);
        return 0;
    default:
        return 0;
    }
}

/* 0: go on; 1: help was printed; 2: wrong usage, already said. */
static int read_options(struct server_options *options, int argc, char **argv, struct error *err)
{
    _cleanup_free_ char *config = NULL;
    const char *config_given = NULL;
    int option;

    /* The folder first, because the file in it comes before what the command line says. */
    for (optind = 1; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (option == '?')
            return 2;
        if (option == OPTION_HELP) {
            fputs(help, stdout);
            return 1;
        }
        if (option == OPTION_STATE) {
            free(options->state_folder);
            options->state_folder = memory_copy_string(optarg);
        }
        if (option == OPTION_CONFIG)
            config_given = optarg;
    }
    if (optind < argc) {
        fprintf(stderr, "dusk: server takes no argument '%s'\nhint: see 'dusk server --help'\n",
                argv[optind]);
        return 2;
    }
    if (!options->state_folder)
        options->state_folder = default_state_folder();
    config = config_given ? memory_copy_string(config_given)
                          : file_join(options->state_folder, "server.ini");
    if (read_config(options, config, config_given != NULL, err) < 0)
        return -EINVAL;
    for (optind = 1; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
        if (take_option(options, option, optarg) < 0)
            return error_set(err, -EINVAL, "'%s' is no good value here", optarg);
    return 0;
}

/* Up and down. */

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
    add_text(&server->options.names, &server->options.name_count, name);
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
    collect_deinit(server);
    batch_deinit(server);
    records_deinit(&server->records);
    uv_run(&server->loop, UV_RUN_NOWAIT);
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    authority_free(server->authority);
    store_close(server->store);
    pool_free(server->pool);
    map_deinit(&server->links_by_session);
    map_deinit(&server->streams_in);
    submit_task_deinit(&server->task);
    for (size_t i = 0; i < server->options.admin_count; i++)
        free(server->options.admins[i]);
    for (size_t i = 0; i < server->options.name_count; i++)
        free(server->options.names[i]);
    free(server->options.admins);
    free(server->options.names);
    free(server->options.host);
    free(server->options.state_folder);
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
    room_look(server);
    watch_signals(server);
    r = open_doors(server, err);
    if (r < 0)
        return r;
    uv_run(&server->loop, UV_RUN_DEFAULT);
    return 0;
}

int server_main(int argc, char **argv)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct server server = {0};
    int r;

    server.options.port = PORT_DEFAULT;
    (void)set_lease(&server.options, "30s");
    server.started_at = clock_wall_seconds();
    /* Sessions of this run are never those of an earlier one, be it of the same second. */
    server.last_session = (uint64_t)(server.started_at * 1000.0) << 10;
    uv_loop_init(&server.loop);
    submit_task_init(&server.task);
    r = read_options(&server.options, argc, argv, &err);
    if (r == 0)
        r = server_run(&server, &err);
    if (r < 0) {
        fprintf(stderr, "dusk: cannot run the server: %s\n", error_text(&err));
        if (err.hint)
            fprintf(stderr, "hint: %s\n", err.hint);
    }
    server_deinit(&server);
    if (r == 2)
        return 2;
    return r < 0 ? 1 : 0;
}
