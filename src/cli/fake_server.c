/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_server.h. */
#define _GNU_SOURCE
#include "fake_server.h"

#include "base/memory.h"
#include "base/test.h"
#include "net/listener.h"
#include "session.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { FILE_SIZE_MAX = 1 << 20, WORDS_MAX = 32 };

struct fake_server {
    char *folder; /* owned */
    pid_t pid;
    const struct fake_answer *answers;
    size_t count;
    size_t *given; /* owned; per answer: how often */
    int log;
};

/* The first of these that was not given yet, else the last. */
static const struct fake_answer *find_answer(struct fake_server *server, const char *method,
                                             const char *path)
{
    const struct fake_answer *found = NULL;

    for (size_t i = 0; i < server->count; i++) {
        const struct fake_answer *answer = &server->answers[i];

        if (strcmp(answer->method, method) != 0 || strcmp(answer->path, path) != 0)
            continue;
        found = answer;
        if (server->given[i]++ == 0)
            break;
    }
    return found;
}

static void log_request(struct fake_server *server, struct request *request)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    const char *name;

    buffer_appendf(&line, "%s %s", request_method(request), request_path(request));
    for (size_t i = 0; (name = request_parameter_name(request, i)); i++)
        buffer_appendf(&line, "%c%s=%s", i == 0 ? '?' : '&', name,
                       request_parameter(request, name));
    buffer_append_character(&line, ' ');
    buffer_append_slice(&line, request_body(request));
    buffer_append_character(&line, '\n');
    (void)file_write_all(server->log, line.data, line.length);
}

static void answer_request(void *userdata, struct request *request)
{
    struct fake_server *server = userdata;
    const struct fake_answer *answer;

    log_request(server, request);
    answer = find_answer(server, request_method(request), request_path(request));
    if (answer)
        request_reply(request, answer->status, "application/json", answer->body,
                      strlen(answer->body));
    else
        request_reply(request, 404, "application/json", "{\"error\":\"not in the list\"}", 27);
}

static struct body_plan collect_body(void *userdata, struct request *request)
{
    (void)userdata;
    (void)request;
    return (struct body_plan){.size_max = FILE_SIZE_MAX};
}

static _noreturn_ void serve(struct fake_server *server, int ready)
{
    uv_loop_t loop;
    struct listener *listener;
    const struct listener_options options = {
        .loop = &loop,
        .host = "",
        .socket_path = "socket",
        .handlers = {.on_request_begin = collect_body, .on_request = answer_request},
        .userdata = server,
    };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    server->given = memory_allocate((server->count + 1) * sizeof(*server->given));
    server->log = open("requests", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (uv_loop_init(&loop) < 0 || listener_new(&options, &listener, NULL) < 0)
        _exit(1);
    (void)file_write_all(ready, "r", 1);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

struct fake_server *fake_server_start(const struct fake_answer *answers, size_t count)
{
    struct fake_server *server = memory_allocate(sizeof(*server));
    int ready[2];
    char byte;

    server->answers = answers;
    server->count = count;
    server->folder = memory_copy_string("/tmp/dusk-cli-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    assert_int_equal(chdir(server->folder), 0);
    setenv("HOME", server->folder, 1);
    setenv("DUSK_SOCKET", "socket", 1);
    setenv("LC_ALL", "C", 1);
    setenv("TZ", "UTC", 1);
    unsetenv("DUSK_SERVER");
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        serve(server, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return server;
}

void fake_server_stop(struct fake_server *server)
{
    kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(file_remove_tree(server->folder, NULL), 0);
    free(server->folder);
    free(server);
}

static _noreturn_ void run_command(char *words, const char *input)
{
    char *argv[WORDS_MAX + 1] = {NULL}, *state = NULL;
    const struct command *command;
    int argc = 0;

    if (input)
        assert_int_equal(file_replace("stdin", input, strlen(input), 0600, false, NULL), 0);
    if (!freopen(input ? "stdin" : "/dev/null", "r", stdin) || !freopen("stdout", "w", stdout) ||
        !freopen("stderr", "w", stderr))
        _exit(99);
    for (char *word = strtok_r(words, " ", &state); word && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &state))
        argv[argc++] = word;
    command = commands_find(argv[0]);
    exit(command ? session_run(command, argc - 1, argv + 1) : 98);
}

void fake_server_run(const char *words, const char *input, struct buffer *transcript)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        char *copy = memory_copy_string(words);

        run_command(copy, input);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    buffer_appendf(transcript, "$ dusk %s\n", words);
    assert_int_equal(file_read("stdout", FILE_SIZE_MAX, transcript, NULL), 0);
    assert_int_equal(file_read("stderr", FILE_SIZE_MAX, transcript, NULL), 0);
    buffer_appendf(transcript, "[%d]\n", WEXITSTATUS(status));
}

void fake_server_requests(struct buffer *requests)
{
    assert_int_equal(file_read("requests", FILE_SIZE_MAX, requests, NULL), 0);
}
