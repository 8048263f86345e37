/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With real groups of version 1, where there are such and the test may make them; what a real
 * freezer is too quick to show is read from a plain file.
 */
#define _GNU_SOURCE
#include "base/buffer.h"
#include "base/memory.h"
#include "base/test.h"
#include "cgroup_file.h"
#include "cgroup_freezer.h"
#include "cgroup_places.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 60000, FAMILY = 4 };

struct fixture {
    char *path; /* owned; of the group; NULL: there are none here */
    char *inner_path;
    int folder, inner; /* a group, and one that a task made below it */
    int life[2];       /* a pipe that gets a byte whenever what lives there does something */
};

static int start(void **state)
{
    _cleanup_cgroup_places_ struct cgroup_places places = CGROUP_PLACES_INIT;
    struct fixture *fixture = memory_allocate(sizeof(*fixture));
    char name[64];

    *state = fixture;
    *fixture = (struct fixture){.folder = -1, .inner = -1};
    assert_int_equal(pipe2(fixture->life, O_NONBLOCK | O_CLOEXEC), 0);
    snprintf(name, sizeof(name), "dusk-freezer-test-%d", (int)getpid());
    cgroup_places_read(&places);
    if (!places.freezer.own)
        return 0;
    fixture->path = file_join(places.freezer.own, name);
    fixture->inner_path = file_join(fixture->path, "inner");
    if (mkdir(fixture->path, 0755) < 0 || mkdir(fixture->inner_path, 0755) < 0)
        return 0;
    fixture->folder = open(fixture->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fixture->inner = open(fixture->inner_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fixture->folder < 0 || fixture->inner < 0 ? -1 : 0;
}

/* The test is the parent of all that it puts there, or becomes it. */
static int stop(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->folder >= 0)
        cgroup_freezer_kill(fixture->folder);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    if (fixture->folder >= 0)
        assert_int_equal(rmdir(fixture->inner_path) | rmdir(fixture->path), 0);
    descriptor_close(fixture->folder);
    descriptor_close(fixture->inner);
    close(fixture->life[0]);
    close(fixture->life[1]);
    free(fixture->path);
    free(fixture->inner_path);
    free(fixture);
    return 0;
}

#define NEED_GROUPS(fixture)                                                                       \
    if ((fixture)->folder < 0)                                                                     \
    TEST_SKIP("no freezer of version 1, or not this user's")

/* ---- what lives there ---- */

static void breed(int life)
{
    for (unsigned long i = 0;; i++) {
        if (i % 8 == 0 && write(life, "x", 1) != 1)
            _exit(1);
        if (fork() == 0)
            _exit(0);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

/* Returns true in a child that is in the group, and dies when nobody reads the pipe any more. */
static bool begins_to_live(struct fixture *fixture, int folder)
{
    if (fork() > 0)
        return false;
    close(fixture->life[0]);
    if (cgroup_file_write(folder, "tasks", "0") < 0)
        _exit(1);
    return true;
}

/* Processes that fork all the time, below each other. */
static void start_family(struct fixture *fixture, int folder)
{
    if (!begins_to_live(fixture, folder))
        return;
    for (int i = 1; i < FAMILY; i++)
        if (fork() > 0)
            breed(fixture->life[1]);
    breed(fixture->life[1]);
}

/* Leaves a child in its place and ends, so that whoever is not quick enough finds no one to kill.
 */
static void start_comet(struct fixture *fixture, int folder)
{
    if (!begins_to_live(fixture, folder))
        return;
    for (;;) {
        if (write(fixture->life[1], "x", 1) != 1)
            _exit(1);
        if (fork() > 0)
            _exit(0);
    }
}

static void freeze(int folder)
{
    uint64_t end = clock_boot_ms() + PATIENCE_MS;
    bool populated = false, frozen = false;

    while (!frozen) {
        assert_int_equal(cgroup_freezer_set(folder, true), 0);
        assert_int_equal(cgroup_freezer_look(folder, &populated, &frozen), 0);
        assert_true(clock_boot_ms() < end);
        poll(NULL, 0, 1);
    }
    assert_true(populated);
}

/* Empties the pipe; returns whether anything was in it. */
static bool drain(int fd)
{
    char bytes[4096];
    bool any = false;

    while (read(fd, bytes, sizeof(bytes)) > 0)
        any = true;
    return any;
}

static void await_life(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    drain(fd);
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
}

/* In state D, as the kernel shows what is frozen, or dead already. */
static void assert_stands(void *context, int pid)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *path = NULL;
    struct buffer name = BUFFER_INIT;
    const char *found;

    buffer_appendf(&name, "/proc/%d/stat", pid);
    path = buffer_take(&name);
    (*(unsigned *)context)++;
    assert_int_equal(file_read(path, 4096, &text, NULL), 0);
    found = strrchr(buffer_text(&text), ')');
    assert_non_null(found);
    assert_true(found[2] == 'D' || found[2] == 'Z');
}

static void kill_until_empty(int folder)
{
    uint64_t end = clock_boot_ms() + PATIENCE_MS;
    bool populated = true, frozen;

    while (populated) {
        assert_int_equal(cgroup_freezer_kill(folder), 0);
        assert_int_equal(cgroup_freezer_look(folder, &populated, &frozen), 0);
        assert_true(clock_boot_ms() < end);
    }
    assert_false(frozen);
}

/* ---- the tests ---- */

static void who_forks_all_the_time_is_frozen_as_a_whole_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    unsigned count = 0;

    NEED_GROUPS(fixture);
    start_family(fixture, fixture->folder);
    for (int round = 0; round < 10; round++) {
        await_life(fixture->life[0]);
        freeze(fixture->folder);
        drain(fixture->life[0]);
        assert_int_equal(cgroup_file_each_process(fixture->folder, assert_stands, &count), 0);
        assert_false(drain(fixture->life[0]));
        assert_int_equal(cgroup_freezer_set(fixture->folder, false), 0);
    }
    assert_true(count > 0);
    kill_until_empty(fixture->folder);
}

static void what_flies_on_for_ever_is_killed(void **state)
{
    struct fixture *fixture = *state;

    NEED_GROUPS(fixture);
    for (int round = 0; round < 10; round++) {
        start_comet(fixture, fixture->folder);
        await_life(fixture->life[0]);
        kill_until_empty(fixture->folder);
    }
}

static void a_group_that_a_task_made_below_its_own_is_frozen_with_it(void **state)
{
    struct fixture *fixture = *state;

    NEED_GROUPS(fixture);
    start_comet(fixture, fixture->inner);
    await_life(fixture->life[0]);
    freeze(fixture->folder);
    drain(fixture->life[0]);
    assert_false(drain(fixture->life[0]));
    kill_until_empty(fixture->folder);
}

/* A task may also have frozen part of itself. */
static void what_is_frozen_below_is_killed_as_well(void **state)
{
    struct fixture *fixture = *state;

    NEED_GROUPS(fixture);
    start_family(fixture, fixture->inner);
    await_life(fixture->life[0]);
    freeze(fixture->inner);
    kill_until_empty(fixture->folder);
}

static void put(int folder, const char *name, const char *text)
{
    _cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
}

static void what_is_half_frozen_is_not_frozen(void **state)
{
    char path[] = "/tmp/freezer-test-XXXXXX";
    bool populated, frozen;
    _cleanup_fd_ int folder = -1;

    (void)state;
    assert_non_null(mkdtemp(path));
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    put(folder, "cgroup.procs", "17\n");
    assert_true(cgroup_freezer_look(folder, &populated, &frozen) < 0);
    put(folder, "freezer.state", "FREEZING\n");
    assert_int_equal(cgroup_freezer_look(folder, &populated, &frozen), 0);
    assert_true(populated && !frozen);
    put(folder, "freezer.state", "FROZEN\n");
    assert_int_equal(cgroup_freezer_look(folder, &populated, &frozen), 0);
    assert_true(populated && frozen);
    put(folder, "freezer.state", "THAWED\n");
    put(folder, "cgroup.procs", "");
    assert_int_equal(cgroup_freezer_look(folder, &populated, &frozen), 0);
    assert_true(!populated && !frozen);
    assert_int_equal(file_remove_tree(path, NULL), 0);
}

static void a_group_that_is_gone_is_an_error(void **state)
{
    char path[] = "/tmp/freezer-test-XXXXXX";
    bool populated, frozen;
    _cleanup_fd_ int folder = -1;

    (void)state;
    assert_non_null(mkdtemp(path));
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(cgroup_freezer_set(folder, true) < 0);
    assert_true(cgroup_freezer_kill(folder) < 0);
    assert_true(cgroup_freezer_look(folder, &populated, &frozen) < 0);
    assert_int_equal(rmdir(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_forks_all_the_time_is_frozen_as_a_whole_and_goes_on),
        TEST(what_flies_on_for_ever_is_killed),
        TEST(a_group_that_a_task_made_below_its_own_is_frozen_with_it),
        TEST(what_is_frozen_below_is_killed_as_well),
        TEST(what_is_half_frozen_is_not_frozen),
        TEST(a_group_that_is_gone_is_an_error),
    };

    /* What comets leave must be waited for, or it would be there when the group is removed. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
