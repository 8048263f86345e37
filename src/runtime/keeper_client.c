/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper_client.h. The agent makes the listening socket and hands it to the keeper that it
 * starts, so its own connection waits in the queue before the keeper's first instruction: there is
 * nothing to poll for, and a keeper that cannot start shows as an end of file.
 *
 * A keeper that has nothing left may end in the moment in which somebody connects; then the
 * greeting fails to come, and a new one is started.
 */
#define _GNU_SOURCE
#include "keeper_client.h"

#include "base/memory.h"
#include "cgroup.h"
#include "keeper.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    HELLO_PATIENCE_MS = 30000,
    ABANDON_AFTER_MS = 15 * 60 * 1000,
    COMMAND_WORDS_MAX = 24,
};

#define SCOPE_PROGRAM "systemd-run"

extern char **environ;

struct keeper_client {
    int fd;
    struct buffer requests; /* gathered, not yet sent */
    struct buffer news;     /* received, not yet whole */
    int pid;
    struct keeper_means means;
};

struct keeper_client *keeper_client_free(struct keeper_client *client)
{
    if (!client)
        return NULL;
    descriptor_close(client->fd);
    buffer_deinit(&client->requests);
    buffer_deinit(&client->news);
    free(client);
    return NULL;
}

int keeper_client_descriptor(const struct keeper_client *client)
{
    return client->fd;
}

bool keeper_client_wants_write(const struct keeper_client *client)
{
    return client->requests.length > 0;
}

int keeper_client_pid(const struct keeper_client *client)
{
    return client->pid;
}

const struct keeper_means *keeper_client_means(const struct keeper_client *client)
{
    return &client->means;
}

/* ---- requests ---- */

/* A request without texts always fits. */
static void gather(struct keeper_client *client, const struct keeper_request *request)
{
    keeper_message_encode_request(request, &client->requests);
}

int keeper_client_spawn(struct keeper_client *client, uint64_t key,
                        const struct keeper_spawn *spawn, struct error *err)
{
    struct keeper_request request = {
        .type = KEEPER_REQUEST_SPAWN,
        .key = key,
        .spawn = *spawn,
    };

    if (keeper_message_encode_request(&request, &client->requests) < 0) {
        error_set(err, -E2BIG, "arguments and environment are too long");
        error_hint(err, "put them into an input file");
        return -E2BIG;
    }
    return 0;
}

void keeper_client_signal(struct keeper_client *client, uint64_t key, int signal)
{
    gather(client,
           &(struct keeper_request){.type = KEEPER_REQUEST_SIGNAL, .key = key, .signal = signal});
}

void keeper_client_freeze(struct keeper_client *client, uint64_t key)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_FREEZE, .key = key});
}

void keeper_client_thaw(struct keeper_client *client, uint64_t key, uint64_t deadline_boot_ms)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_THAW,
                                            .key = key,
                                            .deadline_boot_ms = deadline_boot_ms});
}

void keeper_client_kill(struct keeper_client *client, uint64_t key)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_KILL, .key = key});
}

void keeper_client_set_deadline(struct keeper_client *client, uint64_t key,
                                uint64_t deadline_boot_ms)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_DEADLINE,
                                            .key = key,
                                            .deadline_boot_ms = deadline_boot_ms});
}

void keeper_client_forget(struct keeper_client *client, uint64_t key)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_FORGET, .key = key});
}

void keeper_client_ask_usage(struct keeper_client *client, uint64_t key)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_USAGE, .key = key});
}

void keeper_client_ask_list(struct keeper_client *client)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_LIST});
}

void keeper_client_save(struct keeper_client *client, uint64_t key,
                        const struct keeper_checkpoint *checkpoint)
{
    gather(client,
           &(struct keeper_request){.type = KEEPER_REQUEST_SAVE, .key = key, .save = *checkpoint});
}

void keeper_client_say_alive(struct keeper_client *client)
{
    gather(client, &(struct keeper_request){.type = KEEPER_REQUEST_ALIVE});
}

int keeper_client_flush(struct keeper_client *client, struct error *err)
{
    size_t sent = 0;

    while (sent < client->requests.length) {
        ssize_t n = send(client->fd, client->requests.data + sent, client->requests.length - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return error_set(err, -ECONNRESET, "the keeper is gone");
        sent += (size_t)n;
    }
    buffer_consume(&client->requests, sent);
    return 0;
}

/* ---- news ---- */

/* Returns 0, -EAGAIN if there is nothing, or -ECONNRESET. */
static int receive(struct keeper_client *client, struct error *err)
{
    ssize_t n;

    buffer_reserve(&client->news, READ_SIZE);
    do {
        n = recv(client->fd, client->news.data + client->news.length, READ_SIZE, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return -EAGAIN;
    if (n <= 0)
        return error_set(err, -ECONNRESET, "the keeper is gone");
    client->news.length += (size_t)n;
    return 0;
}

static int decode_next(struct keeper_client *client, size_t *at, struct keeper_news *ret_news)
{
    struct slice rest = {.data = client->news.data + *at, .length = client->news.length - *at};
    size_t length = 0;
    int r = keeper_message_find_frame(rest, &length);

    if (r <= 0)
        return r;
    rest.length = length;
    r = keeper_message_decode_news(rest, ret_news);
    if (r < 0)
        return r;
    *at += length;
    return 1;
}

int keeper_client_read(struct keeper_client *client, keeper_news_function *on_news, void *context,
                       struct error *err)
{
    struct keeper_news news;
    size_t at = 0;
    int r = receive(client, err);

    if (r == -EAGAIN)
        return 0;
    if (r < 0)
        return r;
    while ((r = decode_next(client, &at, &news)) == 1)
        on_news(context, &news);
    buffer_consume(&client->news, at);
    return r < 0 ? error_set(err, r, "the keeper sent news that cannot be read") : 0;
}

/* ---- the start ---- */

/*
 * The path of this program for whoever executes it in our place: its name, or if another file has
 * that by now, ours as the kernel knows it as long as we live.
 */
static char *find_own_program(void)
{
    _cleanup_free_ char *path = realpath("/proc/self/exe", NULL);
    struct stat named, own;
    struct buffer link = BUFFER_INIT;

    if (path && stat(path, &named) == 0 && stat("/proc/self/exe", &own) == 0 &&
        named.st_ino == own.st_ino && named.st_dev == own.st_dev)
        return take_pointer(path);
    buffer_appendf(&link, "/proc/%d/exe", (int)getpid());
    return buffer_take(&link);
}

/*
 * Which program makes a scope for the keeper; NULL: none. An ordinary user's scope belongs to his
 * own systemd, which ends it when he logs out: it is only for an agent that ends then, too, because
 * it lives there itself.
 */
static const char *find_scope_program(const struct keeper_options *options)
{
    _cleanup_free_ char *mount = NULL, *own = NULL;

    if (options->avoids_groups)
        return NULL;
    if (options->scope_program)
        return options->scope_program[0] ? options->scope_program : NULL;
    if (access("/run/systemd/system", F_OK) < 0)
        return NULL;
    if (geteuid() == 0)
        return SCOPE_PROGRAM;
    own = cgroup_find_own(&mount);
    return own && strstr(own, "/user@") ? SCOPE_PROGRAM : NULL;
}

/* The words of the whole command, in a list of `room`; NULL at the end. */
static void make_command(const struct keeper_options *options, const char *scope_program,
                         const char *program, const char *abandon_after, const char **words)
{
    const char *const scope[] = {
        scope_program,
        "--scope",
        "--quiet",
        "--collect",
        "--slice=" CGROUP_SLICE,
        "--description=keeper of the tasks of a dusk agent",
        "--property=Delegate=yes",
        /* So that at the computer's end the agent can let its tasks leave before they are killed.
         */
        "--property=Before=dusk-agent.service",
        geteuid() == 0 ? "--system" : "--user",
        "--",
        program,
    };
    const char *const keeper[] = {
        KEEPER_COMMAND,
        abandon_after,
        options->avoids_groups ? KEEPER_HOLDS_SESSIONS : KEEPER_HOLDS_GROUPS,
        options->gives_way ? KEEPER_GIVES_WAY : KEEPER_COMPETES,
        options->state_folder,
        NULL,
    };
    size_t count = 0;

    if (!scope_program)
        words[count++] = "dusk";
    for (size_t i = 0; scope_program && i < ARRAY_LENGTH(scope); i++)
        words[count++] = scope[i];
    for (size_t i = 0; i < ARRAY_LENGTH(keeper); i++)
        words[count++] = keeper[i];
    assert(count <= COMMAND_WORDS_MAX);
}

/* Waits for the end of what it started: the keeper detaches itself, its starter ends. */
static int run_command(const char *program, const char *const *words, int listener, int log)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = 0, r;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, listener, KEEPER_LISTENER);
    posix_spawn_file_actions_addclosefrom_np(&actions, KEEPER_LISTENER + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    r = -posix_spawnp(&pid, program, &actions, &attributes, (char *const *)words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    while (r == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return r == 0 && status != 0 ? -ECHILD : r;
}

/* In a scope where there is one to be had. That is better and never needed. */
static int spawn_keeper(const struct keeper_options *options, int listener, int log,
                        struct error *err)
{
    _cleanup_free_ char *own = find_own_program();
    const char *program = options->program ? options->program : own;
    const char *scope_program = find_scope_program(options);
    const char *words[COMMAND_WORDS_MAX];
    uint64_t abandon_after_ms =
        options->abandon_after_ms ? options->abandon_after_ms : ABANDON_AFTER_MS;
    char abandon_text[32];
    int r = -ENOENT;

    snprintf(abandon_text, sizeof(abandon_text), "%llu", (unsigned long long)abandon_after_ms);
    if (scope_program) {
        make_command(options, scope_program, program, abandon_text, words);
        r = run_command(scope_program, words, listener, log);
    }
    if (r < 0) {
        make_command(options, NULL, program, abandon_text, words);
        r = run_command(program, words, listener, log);
    }
    return r < 0 ? error_set_errno(err, r, "cannot start the keeper '%s'", program) : 0;
}

static int start_keeper(const struct keeper_options *options, const char *socket_path, int *ret_fd,
                        struct error *err)
{
    _cleanup_free_ char *log_path = file_join(options->state_folder, "keeper.log");
    _cleanup_fd_ int listener = -1, log = -1, fd = -1;
    int r;

    log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log < 0)
        return error_set_errno(err, -errno, "cannot create '%s'", log_path);
    listener = descriptor_listen_unix(socket_path, SOCK_STREAM, 0600, err);
    if (listener < 0)
        return listener;
    fd = descriptor_connect_unix(socket_path, SOCK_STREAM, err);
    if (fd < 0)
        return fd;
    r = spawn_keeper(options, listener, log, err);
    if (r < 0)
        return r;
    *ret_fd = descriptor_take(&fd);
    return 0;
}

/* Waits for the greeting, in a moment in which the agent has nothing else to do. */
static int await_hello(struct keeper_client *client, struct error *err)
{
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    struct keeper_news news = {0};
    size_t at = 0;
    int r = 0;

    while (r == 0) {
        int ready = poll(&wait, 1, HELLO_PATIENCE_MS);

        if (ready == 0)
            return error_set(err, -ETIMEDOUT, "the keeper does not answer");
        r = receive(client, err);
        if (r < 0 && r != -EAGAIN)
            return r;
        r = decode_next(client, &at, &news);
    }
    buffer_consume(&client->news, at);
    if (r < 0 || news.type != KEEPER_NEWS_HELLO || news.version != KEEPER_VERSION) {
        error_set(err, -EPROTO, "the running keeper is of another version of dusk");
        error_hint(err, "let its tasks end, or end process %d: they will run again", news.pid);
        return -EPROTO;
    }
    client->pid = news.pid;
    client->means = news.means;
    return 0;
}

/* Takes over the descriptor, also on failure. */
static int greet(int fd, struct keeper_client **ret_client, struct error *err)
{
    _cleanup_(keeper_client_free_p) struct keeper_client *client = NULL;
    int r;

    client = memory_allocate(sizeof(*client));
    *client = (struct keeper_client){.fd = fd};
    r = await_hello(client, err);
    if (r < 0)
        return r;
    *ret_client = take_pointer(client);
    return 0;
}

int keeper_start(const struct keeper_options *options, struct keeper_client **ret_client,
                 bool *ret_is_new, struct error *err)
{
    _cleanup_free_ char *path = file_join(options->state_folder, "keeper.socket");
    int fd = descriptor_connect_unix(path, SOCK_STREAM, NULL);
    int r;

    if (fd >= 0) {
        r = greet(fd, ret_client, err);
        if (r == 0)
            *ret_is_new = false;
        if (r != -ECONNRESET)
            return r;
        error_clear(err);
    }
    r = start_keeper(options, path, &fd, err);
    if (r == 0)
        r = greet(fd, ret_client, err);
    if (r == 0)
        *ret_is_new = true;
    return r < 0 ? error_prefix(err, r, "cannot keep tasks") : 0;
}
