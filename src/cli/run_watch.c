/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See run_watch.h. The children that print count what they have written in shared memory, and
 * cannot be ended between a write and its count; so the rest can be taken from the spool without a
 * gap and without a byte twice.
 */
#define _GNU_SOURCE
#include "run_watch.h"

#include "base/memory.h"
#include "exit_code.h"
#include "fetching.h"
#include "run_job.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "waiting.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_STDOUT, CHILD_STDERR, CHILD_WAITER, CHILD_COUNT };
enum { RETRY_MS = 100 };
enum { CHILD_UNREAD = 3 }; /* how a printing child ends when nobody reads what it prints */

static const char *const stream_names[] = {"stdout", "stderr"};
static const int stream_targets[] = {STDOUT_FILENO, STDERR_FILENO};

/* Those that would end this command, and the one that tells of a child's end: read one by one. */
static void fill_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGCHLD);
}

void run_watch_block_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

int run_watch_init(struct run_watch *watch, struct error *err)
{
    uint64_t *shared =
        mmap(NULL, 2 * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return error_set_errno(err, -errno, "cannot share memory with a child");
    watch->written[0] = shared;
    watch->written[1] = shared + 1;
    return 0;
}

void run_watch_deinit(struct run_watch *watch)
{
    if (watch->written[0])
        (void)munmap(watch->written[0], 2 * sizeof(uint64_t));
}

struct tail {
    int fd;
    uint64_t *written;
};

/* SIGUSR1 is how the parent ends this child: it may come before or behind a piece, never within. */
static int print_piece(void *userdata, const void *data, size_t length)
{
    struct tail *tail = userdata;
    sigset_t end;
    int r;

    sigemptyset(&end);
    sigaddset(&end, SIGUSR1);
    sigprocmask(SIG_BLOCK, &end, NULL);
    r = file_write_all(tail->fd, data, length);
    if (r == 0)
        *tail->written += length;
    sigprocmask(SIG_UNBLOCK, &end, NULL);
    return r;
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

/*
 * Prints one stream for as long as the parent lets it: a task may not have started, its node may be
 * lost, the server may be restarted; each time it goes on where it was.
 */
static _noreturn_ void run_tail_child(const struct run_watch *watch, int child)
{
    struct tail tail = {.fd = stream_targets[child], .written = watch->written[child]};

    for (;;) {
        _cleanup_(connection_free_p) struct connection *connection = NULL;
        _cleanup_buffer_ struct buffer path = BUFFER_INIT;

        buffer_append_text(&path, "/v1/tasks/");
        id_append(&path, &watch->task);
        buffer_appendf(&path, "/tail?stream=%s&offset=%" PRIu64 "&follow=1", stream_names[child],
                       *tail.written);
        if (connection_open(watch->server, watch->socket, &connection, NULL) == 0) {
            connection_set_timeout(connection, 0);
            if (connection_stream(connection, path.data, print_piece, &tail, NULL) == -EPIPE)
                _exit(CHILD_UNREAD);
        }
        pause_ms(RETRY_MS);
    }
}

/* A process of its own, because a request that hangs and signals cannot be waited for together. */
static _noreturn_ void run_waiter_child(const struct run_watch *watch)
{
    struct waiting waiting = {.id = watch->task};
    struct progress progress;
    enum run_end end = RUN_FAILED;

    if (connection_open(watch->server, watch->socket, &waiting.connection, NULL) == 0 &&
        waiting_run(&waiting, &progress, &(struct error){0}) == 0) {
        enum verdict verdict = progress_verdict(&progress);

        end = verdict == VERDICT_COMPLETED ? RUN_ENDED
              : verdict == VERDICT_REMOVED ? RUN_REMOVED
                                           : RUN_HELD;
    }
    _exit((int)end);
}

static int start_child(const struct run_watch *watch, int child, pid_t *ret_pid, struct error *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        return error_set_errno(err, -errno, "cannot start a child");
    if (pid > 0) {
        *ret_pid = pid;
        return 0;
    }
    /* The signals that the parent minds stay blocked: Ctrl-C is the parent's. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_CODE_FAILED);
    if (child == CHILD_WAITER)
        run_waiter_child(watch);
    run_tail_child(watch, child);
}

/* Whether it works or not, this command ends: the answer is not looked at. */
static void remove_task(struct run_watch *watch)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *body = json_object();

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/remove", watch->task.job);
    (void)connection_call(watch->connection, "POST", path.data, body, NULL, NULL);
}

/* Removes the task; true if that was asked for before, and the user does not want to wait. */
static bool interrupt(struct run_watch *watch, int signal, enum run_end *ret_end)
{
    bool again = watch->signal != 0;

    watch->signal = signal;
    if (!again)
        remove_task(watch);
    *ret_end = RUN_INTERRUPTED;
    return again;
}

/*
 * Looks which children ended, of which one SIGCHLD may mean several: true if the waiter did. When
 * nobody reads what is printed, that means what it would mean for the program itself: SIGPIPE.
 */
static bool look_at_children(struct run_watch *watch, pid_t *children, enum run_end *ret_end)
{
    int status;

    for (int i = 0; i < CHILD_COUNT; i++) {
        if (children[i] == 0 || waitpid(children[i], &status, WNOHANG) != children[i])
            continue;
        children[i] = 0;
        if (i != CHILD_WAITER && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_UNREAD)
            (void)interrupt(watch, SIGPIPE, ret_end);
        if (i != CHILD_WAITER)
            continue;
        *ret_end = WIFEXITED(status) ? (enum run_end)WEXITSTATUS(status) : RUN_FAILED;
        if (watch->signal != 0)
            *ret_end = RUN_INTERRUPTED;
        return true;
    }
    return false;
}

/* Waits for one signal; true if the watch is over. */
static bool take_signal(struct run_watch *watch, int signals, pid_t *children,
                        enum run_end *ret_end)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return false;
    if (info.ssi_signo == SIGCHLD)
        return look_at_children(watch, children, ret_end);
    return interrupt(watch, (int)info.ssi_signo, ret_end);
}

/* The printing ones finish the piece that they are at, so that the count is right. */
static void stop_children(const pid_t *children)
{
    static const int signals[CHILD_COUNT] = {SIGUSR1, SIGUSR1, SIGKILL};

    for (int i = 0; i < CHILD_COUNT; i++)
        if (children[i] > 0 && kill(children[i], signals[i]) == 0)
            (void)waitpid(children[i], NULL, 0);
}

int run_watch_run(struct run_watch *watch, enum run_end *ret_end, struct error *err)
{
    _cleanup_fd_ int signals = -1;
    pid_t children[CHILD_COUNT] = {0};
    sigset_t set;
    int r = 0;

    fill_signals(&set);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0)
        return error_set_errno(err, -errno, "cannot wait for signals");
    for (int i = 0; r == 0 && i < CHILD_COUNT; i++)
        r = start_child(watch, i, &children[i], err);
    if (r == 0)
        while (!take_signal(watch, signals, children, ret_end))
            ;
    stop_children(children);
    return r;
}

struct spooled {
    uint64_t index[2];
    bool found[2];
};

/* What the task printed is among its outputs, under names that it cannot have by chance. */
static int find_streams(void *userdata, const json_t *output, struct error *err)
{
    static const char *const names[] = {RUN_STDOUT, RUN_STDERR};
    struct spooled *spooled = userdata;
    const char *path = json_member_text(output, "path", "");
    const char *slash = strrchr(path, '/');

    (void)err;
    for (int i = 0; i < 2; i++)
        if (strcmp(slash ? slash + 1 : path, names[i]) == 0) {
            spooled->index[i] = json_member_number(output, "index");
            spooled->found[i] = true;
        }
    return 0;
}

struct rest {
    int fd;
    uint64_t skip; /* bytes that were printed before */
};

/* The file has all that was printed; what the children printed already is passed over. */
static int print_rest(void *userdata, const void *data, size_t length)
{
    struct rest *rest = userdata;
    size_t skipped = rest->skip < length ? (size_t)rest->skip : length;

    rest->skip -= skipped;
    return file_write_all(rest->fd, (const char *)data + skipped, length - skipped);
}

static int print_stream(const struct run_watch *watch, const struct spooled *spooled, int stream,
                        struct error *err)
{
    struct rest rest = {.fd = stream_targets[stream], .skip = *watch->written[stream]};
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    if (!spooled->found[stream])
        return 0;
    fetching_append_path(&path, &watch->task, spooled->index[stream]);
    return connection_stream(watch->connection, path.data, print_rest, &rest, err);
}

int run_watch_collect(struct run_watch *watch, struct error *err)
{
    const struct fetching fetching = {
        .connection = watch->connection,
        .id = {.job = watch->task.job},
        .skip_prefix = RUN_PREFIX,
    };
    struct spooled spooled = {0};
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct fetched fetched;
    int r;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/outputs", watch->task.job);
    r = connection_walk(watch->connection, path.data, find_streams, &spooled, err);
    for (int i = 0; r == 0 && i < 2; i++)
        r = print_stream(watch, &spooled, i, err);
    return r < 0 ? r : fetching_run(&fetching, &fetched, err);
}
