/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See watcher.h. The child inherits what makes the way of a key short: the agent's priority, its
 * place behind the OOM killer, its control group. It is never waited for: one that was killed and
 * has not ended by the next try, because the kernel keeps it, makes that try fail.
 */
#define _GNU_SOURCE
#include "watcher.h"

#include "base/memory.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "watcher_line.h"
#include "watcher_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    PATIENCE_MS = 5000, /* for the first answer */
    /* Far more than a desktop that is used all the time makes, with the shortest rest. */
    LINES_MAX = 250,
    LINES_PERIOD_MS = 10000,
    REST_MIN_MS = 100
};

struct watcher {
    pid_t child;
    char said[WATCHER_LINE_SIZE_MAX + 1]; /* that is no line yet */
    size_t length;
    unsigned int lines; /* since that time */
    uint64_t since_ms;
};

/* ---- what it says ---- */

static void fail(struct source *source, const char *why)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    error_set(&err, -EPROTO, "%s", why);
    source_fail(source, &err);
}

static bool babbles(struct watcher *watcher)
{
    uint64_t now_ms = clock_boot_ms();

    if (now_ms - watcher->since_ms >= LINES_PERIOD_MS) {
        watcher->since_ms = now_ms;
        watcher->lines = 0;
    }
    return ++watcher->lines > LINES_MAX;
}

/* False: the source is closed. */
static bool take_line(struct source *source, struct slice text)
{
    struct watcher_line line;

    if (babbles(source->data) || !watcher_line_read(text, &line)) {
        fail(source, "the process that watches it makes no sense");
        return false;
    }
    switch (line.word) {
    case WATCHER_USED:
        if (line.ago_ms < REST_MIN_MS)
            source_used(source);
        else
            source_used_before(source, line.ago_ms);
        return true;
    case WATCHER_WORKS:
        if (!source->works)
            source_works(source);
        return true;
    case WATCHER_FAILS:
    case WATCHER_GONE:
        source->is_gone = line.word == WATCHER_GONE;
        fail(source, line.why);
        free(line.why);
        return false;
    case WATCHER_WORD_COUNT:
        break;
    }
    return true;
}

/* False: the source is closed. */
static bool take_lines(struct source *source)
{
    struct watcher *watcher = source->data;
    size_t begin = 0;
    const char *end;

    while ((end = memchr(watcher->said + begin, '\n', watcher->length - begin))) {
        struct slice line = {watcher->said + begin, (size_t)(end - watcher->said) - begin};

        if (!take_line(source, line))
            return false;
        begin += line.length + 1;
    }
    watcher->length -= begin;
    memmove(watcher->said, watcher->said + begin, watcher->length);
    return true;
}

/* As much as has room for a line, each time: no child can keep its parent busy for longer. */
static void on_said(struct source *source, int fd)
{
    struct watcher *watcher = source->data;
    ssize_t n = read(fd, watcher->said + watcher->length, sizeof(watcher->said) - watcher->length);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        fail(source, "the process that watches it has ended");
        return;
    }
    watcher->length += (size_t)n;
    if (take_lines(source) && watcher->length == sizeof(watcher->said))
        fail(source, "the process that watches it makes no sense");
}

static void on_patience_over(struct source *source)
{
    if (!source->works)
        source_fail_silent(source);
}

/* ---- its life ---- */

/* Nothing of the parent is open in the child but the socket. */
static int spawn(const char *const *words, int socket, pid_t *ret_child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    r = -posix_spawn(ret_child, "/proc/self/exe", &actions, &attributes, (char *const *)words,
                     environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

static int start(const struct source *source, int socket, pid_t *ret_child)
{
    uint64_t rest_ms = source->options->rest_ms;
    char parent[32], rest[32], nudge[32];
    const char *words[] = {"dusk", WATCHER_COMMAND, source->kind->name, parent, rest, nudge, NULL};

    snprintf(parent, sizeof(parent), "%d", (int)getpid());
    snprintf(rest, sizeof(rest), "%llu",
             (unsigned long long)(rest_ms > REST_MIN_MS ? rest_ms : REST_MIN_MS));
    snprintf(nudge, sizeof(nudge), "%u", source->options->nudge);
    return spawn(words, socket, ret_child);
}

static void reap(struct source *source)
{
    if (source->left > 0 && waitpid(source->left, NULL, WNOHANG) != 0)
        source->left = 0;
}

int watcher_open(struct source *source, struct error *err)
{
    struct watcher *watcher;
    int ends[2], r;

    reap(source);
    if (source->left > 0)
        return error_set(err, -EBUSY, "process %d, which watched it, was killed and does not end",
                         (int)source->left);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set_errno(err, -errno, "cannot make a pair of sockets");
    watcher = memory_allocate(sizeof(*watcher));
    *watcher = (struct watcher){.since_ms = clock_boot_ms()};
    source->data = watcher;
    r = start(source, ends[1], &watcher->child);
    descriptor_close(ends[1]);
    if (r < 0) {
        descriptor_close(ends[0]);
        return error_set_errno(err, r, "cannot start a process to watch it");
    }
    (void)descriptor_set_nonblocking(ends[0]);
    r = source_watch(source, ends[0], on_said, err);
    source_wake(source, PATIENCE_MS, on_patience_over);
    return r < 0 ? r : SOURCE_OPENING;
}

void watcher_close(struct source *source)
{
    struct watcher *watcher = source->data;

    if (watcher && watcher->child > 0) {
        kill(watcher->child, SIGKILL);
        source->left = watcher->child;
        reap(source);
    }
    free(watcher);
}
