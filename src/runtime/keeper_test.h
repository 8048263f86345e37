/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the keeper's tests: a state folder, a keeper that lives there, and waiting for its news. The
 * test program is its own keeper: its main() hands over to keeper_main() when it is asked to.
 */
#pragma once

#include "base/memory.h"
#include "base/number.h"
#include "base/test.h"
#include "cgroup.h"
#include "keeper.h"
#include "keeper_client.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PATIENCE_MS = 60000, NOTE_SIZE = 32 };

/* A piece of news that came in, with the texts that it had. */
struct heard {
    struct keeper_news news;
    char path[256];
    char note[NOTE_SIZE];
    bool used; /* somebody waited for it */
};

struct fixture {
    char folder[64];
    char work[80];
    struct keeper_client *client;
    bool avoids_groups;
    uint64_t abandon_after_ms;
    const char *scope_program;
    int keeper; /* pidfd */
    struct heard *heard;
    size_t heard_count, heard_capacity;
    struct heard last;                            /* what was waited for last */
    unsigned counts[KEEPER_NEWS_SAVE_FAILED + 1]; /* all news since the fixture began */
};

static inline void note_news(void *context, const struct keeper_news *news)
{
    struct fixture *fixture = context;
    struct heard *heard;

    array_reserve(fixture->heard, fixture->heard_capacity, fixture->heard_count + 1);
    heard = &fixture->heard[fixture->heard_count++];
    *heard = (struct heard){.news = *news};
    fixture->counts[news->type]++;
    if (news->failure.path)
        snprintf(heard->path, sizeof(heard->path), "%s", news->failure.path);
    if (news->reason)
        snprintf(heard->path, sizeof(heard->path), "%s", news->reason);
    snprintf(heard->note, sizeof(heard->note), "%.*s", (int)news->note.length,
             news->note.data ? news->note.data : "");
}

/* Takes the oldest such news that nobody waited for yet into fixture->last. */
static inline bool take_news(struct fixture *fixture, enum keeper_news_type type, uint64_t key)
{
    for (size_t i = 0; i < fixture->heard_count; i++) {
        struct heard *heard = &fixture->heard[i];

        if (heard->used || heard->news.type != type || heard->news.key != key)
            continue;
        heard->used = true;
        fixture->last = *heard;
        return true;
    }
    return false;
}

/* Returns what keeper_client_read() or flush said: 0 when the news is there. */
static inline int try_await(struct fixture *fixture, enum keeper_news_type type, uint64_t key)
{
    struct pollfd wait = {.fd = keeper_client_descriptor(fixture->client)};
    int r = 0;

    while (r == 0 && !take_news(fixture, type, key)) {
        r = keeper_client_flush(fixture->client, NULL);
        wait.events = POLLIN;
        if (keeper_client_wants_write(fixture->client))
            wait.events |= POLLOUT;
        if (r == 0 && poll(&wait, 1, PATIENCE_MS) != 1)
            fail_msg("no news %d of task %llu", (int)type, (unsigned long long)key);
        if (r == 0)
            r = keeper_client_read(fixture->client, note_news, fixture, NULL);
    }
    return r;
}

static inline void await(struct fixture *fixture, enum keeper_news_type type, uint64_t key)
{
    assert_int_equal(try_await(fixture, type, key), 0);
}

static inline bool connect_keeper(struct fixture *fixture)
{
    struct keeper_options options = {
        .state_folder = fixture->folder,
        .abandon_after_ms = fixture->abandon_after_ms,
        .avoids_groups = fixture->avoids_groups,
        .scope_program = fixture->scope_program,
    };
    _cleanup_error_ struct error err = ERROR_INIT;
    bool is_new = false;

    if (keeper_start(&options, &fixture->client, &is_new, &err) < 0)
        fail_msg("%s", error_text(&err));
    return is_new;
}

/* Makes the folders and starts a keeper; false if this kind of keeper cannot be had here. */
static inline struct fixture *fixture_new(bool avoids_groups, uint64_t abandon_after_ms)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    *fixture = (struct fixture){.folder = "/tmp/keeper-test-XXXXXX",
                                .avoids_groups = avoids_groups,
                                .abandon_after_ms = abandon_after_ms};
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(chmod(fixture->folder, 0711), 0);
    snprintf(fixture->work, sizeof(fixture->work), "%s/work", fixture->folder);
    assert_int_equal(mkdir(fixture->work, 0700), 0);
    assert_true(connect_keeper(fixture));
    fixture->keeper = (int)syscall(SYS_pidfd_open, keeper_client_pid(fixture->client), 0);
    assert_true(fixture->keeper >= 0);
    return fixture;
}

static inline bool process_ends(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    return poll(&wait, 1, PATIENCE_MS) == 1;
}

/* Ends the keeper with all that it keeps. */
static inline void fixture_free(struct fixture *fixture)
{
    keeper_client_free(fixture->client);
    syscall(SYS_pidfd_send_signal, fixture->keeper, SIGTERM, NULL, 0);
    assert_true(process_ends(fixture->keeper));
    descriptor_close(fixture->keeper);
    assert_int_equal(file_remove_tree(fixture->folder, NULL), 0);
    free(fixture->heard);
    free(fixture);
}

/* ---- the ways to hold tasks ---- */

static int all_mounts = -1; /* the namespace in which version 2 is mounted, when that is hidden */

/*
 * From now on this process, and the keepers that it starts, are on a computer that has control
 * groups of version 1 alone. Without the right to do that they stay where they are.
 */
static inline void hide_version_2(void)
{
    char *own, *mounted;

    all_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (unshare(CLONE_NEWNS) < 0) {
        all_mounts = descriptor_close(all_mounts);
        return;
    }
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    while ((own = cgroup_find_own(&mounted))) {
        assert_int_equal(umount2(mounted, MNT_DETACH), 0);
        free(own);
        free(mounted);
    }
}

static inline int start_with_groups(void **state)
{
    *state = fixture_new(false, 0);
    return 0;
}

static inline int start_with_freezer(void **state)
{
    hide_version_2();
    return start_with_groups(state);
}

static inline int start_with_sessions(void **state)
{
    *state = fixture_new(true, 0);
    return 0;
}

static inline int stop(void **state)
{
    fixture_free(*state);
    if (all_mounts >= 0)
        assert_int_equal(setns(all_mounts, CLONE_NEWNS), 0);
    all_mounts = descriptor_close(all_mounts);
    return 0;
}

#define WITH_GROUPS(test)                                                                          \
    {                                                                                              \
#test, test, start_with_groups, stop, NULL                                                 \
    }

#define WITH_FREEZER(test)                                                                         \
    {                                                                                              \
#test "_by_freezer", test, start_with_freezer, stop, NULL                                  \
    }

#define WITH_SESSIONS(test)                                                                        \
    {                                                                                              \
#test "_by_session", test, start_with_sessions, stop, NULL                                 \
    }

#define BOTH_WAYS(test) WITH_GROUPS(test), WITH_SESSIONS(test)
#define EACH_WAY(test)  BOTH_WAYS(test), WITH_FREEZER(test)

/* ---- tasks ---- */

#define SPAWN_INIT                                                                                 \
    ((struct keeper_spawn){                                                                        \
        .note = {.data = "note", .length = 4}, .output = "out", .error = "err", .input = ""})

/* Asks for `program` with these words behind its name; NULL ends them. */
static inline void ask_spawn(struct fixture *fixture, uint64_t key, struct keeper_spawn spawn,
                             const char **words)
{
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};

    spawn.program = words[0];
    spawn.arguments = words;
    if (!spawn.environment)
        spawn.environment = environment;
    spawn.folder = fixture->work;
    assert_int_equal(keeper_client_spawn(fixture->client, key, &spawn, NULL), 0);
}

static inline void ask_shell(struct fixture *fixture, uint64_t key, const char *script)
{
    ask_spawn(fixture, key, SPAWN_INIT, (const char *[]){"/bin/sh", "-c", script, NULL});
}

/* Runs the script to its end; fixture->last has the result, the file out what it wrote. */
static inline void run_shell(struct fixture *fixture, uint64_t key, const char *script)
{
    ask_shell(fixture, key, script);
    await(fixture, KEEPER_NEWS_EXITED, key);
}

/* Runs this test program itself with a command for its main(). */
static inline void ask_self(struct fixture *fixture, uint64_t key, const char *command)
{
    static char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(length > 0);
    self[length] = '\0';
    ask_spawn(fixture, key, SPAWN_INIT, (const char *[]){self, command, NULL});
}

/* ---- files of the task ---- */

/* A file in the working folder as text; "" while it is not there. The caller frees it. */
static inline char *read_work(struct fixture *fixture, const char *name)
{
    _cleanup_free_ char *path = file_join(fixture->work, name);
    struct buffer content = BUFFER_INIT;

    file_read(path, 1 << 20, &content, NULL);
    return buffer_take(&content);
}

static inline void write_work(struct fixture *fixture, const char *name, const char *text,
                              mode_t mode)
{
    _cleanup_free_ char *path = file_join(fixture->work, name);

    assert_int_equal(file_replace(path, text, strlen(text), mode, false, NULL), 0);
}

static inline void assert_work(struct fixture *fixture, const char *name, const char *text)
{
    _cleanup_free_ char *content = read_work(fixture, name);

    assert_string_equal(content, text);
}

/* For loops that wait for what nobody announces. */
static inline void wait_a_moment(void)
{
    poll(NULL, 0, 1);
}

/* Waits until a task has written a whole line with a number into this file, and returns it. */
static inline int await_number(struct fixture *fixture, const char *name)
{
    uint64_t end = clock_boot_ms() + PATIENCE_MS;

    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    while (clock_boot_ms() < end) {
        _cleanup_free_ char *text = read_work(fixture, name);
        uint64_t number;

        if (strchr(text, '\n') && number_parse_u64(slice_from_text(text), &number) == 0)
            return (int)number;
        wait_a_moment();
    }
    fail_msg("'%s' does not come", name);
    return -1;
}

/* A dead process may wait for its parent; it counts as gone. */
static inline bool is_gone(int pid)
{
    char path[32], text[256] = "";
    _cleanup_fd_ int fd = -1;
    const char *rest;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return true;
    rest = strrchr(text, ')');
    return rest && (rest[2] == 'Z' || rest[2] == 'X');
}

static inline void await_gone(int pid)
{
    uint64_t end = clock_boot_ms() + PATIENCE_MS;

    while (!is_gone(pid) && clock_boot_ms() < end)
        wait_a_moment();
    assert_true(is_gone(pid));
}
