/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See errand.h. The child says how it went through a pipe, and its end shows as the end of file;
 * a child that was killed has said nothing. It dies with the agent: whatever it has not finished
 * then is found and begun again.
 */
#define _GNU_SOURCE
#include "errand.h"

#include "base/memory.h"
#include "runtime/priority.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 4096, WORDS_SIZE_MAX = 16 * 1024 };

struct errand {
    struct errand_task task;
    pid_t child;
    int pipe;
    struct buffer words; /* result, the error's text and hint, each with its NUL; the answer */
    uv_poll_t poll;
};

/* ---- the child ---- */

static _noreturn_ void run_child(const struct errand_task *task, int pipe, pid_t parent)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer words = BUFFER_INIT;
    int result;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(1);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    result = task->run(task->context, &err);
    buffer_append(&words, &result, sizeof(result));
    buffer_appendf(&words, "%.*s", WORDS_SIZE_MAX / 2, error_text(&err));
    buffer_append_character(&words, '\0');
    buffer_appendf(&words, "%.*s", WORDS_SIZE_MAX / 4, err.hint ? err.hint : "");
    buffer_append_character(&words, '\0');
    if (task->answer)
        buffer_append(&words, task->answer->data, task->answer->length);
    _exit(file_write_all(pipe, words.data, words.length) < 0);
}

/* ---- the parent ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    struct errand *errand = handle->data;

    buffer_deinit(&errand->words);
    free(errand);
}

static void errand_end(struct errand *errand)
{
    while (waitpid(errand->child, NULL, 0) < 0 && errno == EINTR)
        ;
    uv_poll_stop(&errand->poll);
    errand->pipe = descriptor_close(errand->pipe);
    uv_close((uv_handle_t *)&errand->poll, on_poll_closed);
}

static int read_result(const struct buffer *words, struct buffer *answer, struct error *err)
{
    const char *end = words->data + words->length, *text, *hint;
    int result = -ECHILD;

    text = words->length > sizeof(result) ? words->data + sizeof(result) : NULL;
    hint = text ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    if (!hint || ++hint == end || !memchr(hint, '\0', (size_t)(end - hint)))
        return error_set(err, -ECHILD, "a child process was killed");
    memcpy(&result, words->data, sizeof(result));
    if (answer) {
        buffer_clear(answer);
        buffer_append(answer, hint + strlen(hint) + 1, (size_t)(end - hint) - strlen(hint) - 1);
    }
    if (result == 0)
        return 0;
    error_set(err, result, "%s", text);
    if (*hint)
        error_hint(err, "%s", hint);
    return result;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct errand *errand = poll->data;
    _cleanup_error_ struct error err = ERROR_INIT;
    ssize_t n;
    int result;

    (void)status;
    (void)events;
    buffer_reserve(&errand->words, READ_SIZE);
    n = read(errand->pipe, errand->words.data + errand->words.length, READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        errand->words.length += (size_t)n;
        errand->words.data[errand->words.length] = '\0';
        return;
    }
    result = read_result(&errand->words, errand->task.answer, &err);
    errand_end(errand);
    if (errand->task.on_done)
        errand->task.on_done(errand->task.context, result, &err);
}

int errand_start(uv_loop_t *loop, const struct errand_task *task, struct errand **ret_errand,
                 struct error *err)
{
    _cleanup_fd_ int reading = -1, writing = -1;
    struct errand *errand;
    pid_t parent = getpid(), child;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_errno(err, -errno, "cannot make a pipe");
    reading = ends[0];
    writing = ends[1];
    child = fork();
    if (child < 0)
        return error_set_errno(err, -errno, "cannot start a child process");
    if (child == 0) {
        priority_wait();
        run_child(task, writing, parent);
    }
    errand = memory_allocate(sizeof(*errand));
    *errand = (struct errand){.task = *task, .child = child, .pipe = descriptor_take(&reading)};
    errand->poll.data = errand;
    uv_poll_init(loop, &errand->poll, errand->pipe);
    uv_poll_start(&errand->poll, UV_READABLE, on_readable);
    *ret_errand = errand;
    return 0;
}

void errand_cancel(struct errand *errand)
{
    kill(errand->child, SIGKILL);
    errand_end(errand);
}
