/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits in a folder of plain files, so that both versions can be tried wherever the test runs. A
 * plain file keeps what was written behind a shorter text, so each is emptied between the steps.
 */
#define _GNU_SOURCE
#include "base/buffer.h"
#include "base/memory.h"
#include "base/test.h"
#include "cgroup_limits.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char path[64];
    int folder;
    struct cgroup_limits limits;
};

static const char *const files[] = {
    "tasks",
    "pids.max",
    "pids.events",
    "cpu.shares",
    "cpu.weight",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.usage_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.oom_control",
    "memory.max",
    "memory.current",
    "memory.peak",
    "memory.events",
    "memory.oom.group",
    "memory.swap.max",
};

static void put(struct fixture *fixture, const char *name, const char *text)
{
    _cleanup_fd_ int fd = openat(fixture->folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
}

static void assert_file(struct fixture *fixture, const char *name, const char *text)
{
    _cleanup_free_ char *path = file_join(fixture->path, name);
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    assert_int_equal(file_read(path, 4096, &content, NULL), 0);
    assert_string_equal(buffer_text(&content), text);
}

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    *fixture = (struct fixture){.path = "/tmp/limits-test-XXXXXX", .limits = CGROUP_LIMITS_INIT};
    assert_non_null(mkdtemp(fixture->path));
    fixture->folder = open(fixture->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        put(fixture, files[i], "");
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    cgroup_limits_close(&fixture->limits);
    descriptor_close(fixture->folder);
    assert_int_equal(file_remove_tree(fixture->path, NULL), 0);
    free(fixture);
    return 0;
}

static void open_all(struct fixture *fixture, enum cgroup_version version)
{
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        cgroup_limits_open(&fixture->limits, (enum cgroup_controller)i, version, fixture->folder);
    snprintf(fixture->limits.name, sizeof(fixture->limits.name), ".");
}

static const struct cgroup_request request = {
    .memory_max = 64 << 20, .processes_max = 100, .cpus = 3};

static void version_1_is_told_in_its_own_words(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_1);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    assert_file(fixture, "memory.limit_in_bytes", "67108864");
    assert_file(fixture, "memory.memsw.limit_in_bytes", "67108864");
    assert_file(fixture, "pids.max", "100");
    assert_file(fixture, "cpu.shares", "3072");
    assert_file(fixture, "memory.max", "");
    assert_false(cgroup_limits_end_all(&fixture->limits));
}

static void version_2_is_told_in_its_own_words(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_2);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    assert_file(fixture, "memory.max", "67108864");
    assert_file(fixture, "memory.oom.group", "1");
    assert_file(fixture, "memory.swap.max", "0");
    assert_file(fixture, "pids.max", "100");
    assert_file(fixture, "cpu.weight", "300");
    assert_file(fixture, "memory.limit_in_bytes", "");
    assert_file(fixture, "tasks", "");
    assert_true(cgroup_limits_end_all(&fixture->limits));
}

static void what_is_said_already_is_not_said_again(void **state)
{
    struct fixture *fixture = *state;
    struct cgroup_request more = request;

    open_all(fixture, CGROUP_VERSION_1);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        put(fixture, files[i], "");
    more.processes_max = 200;
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &more), 0);
    assert_file(fixture, "pids.max", "200");
    assert_file(fixture, "memory.limit_in_bytes", "");
    assert_file(fixture, "cpu.shares", "");
}

static void a_limit_is_taken_away_again(void **state)
{
    struct fixture *fixture = *state;
    struct cgroup_request none = {0};

    open_all(fixture, CGROUP_VERSION_2);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        put(fixture, files[i], "");
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &none), 0);
    assert_file(fixture, "memory.max", "max");
    assert_file(fixture, "pids.max", "max");
    assert_file(fixture, "cpu.weight", "100");
}

static void the_kernels_scale_of_shares_is_not_left(void **state)
{
    struct fixture *fixture = *state;
    struct cgroup_request large = {.cpus = 4096};

    open_all(fixture, CGROUP_VERSION_2);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &large), 0);
    assert_file(fixture, "cpu.weight", "10000");
}

static void a_limit_that_cannot_be_set_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_2);
    assert_int_equal(unlinkat(fixture->folder, "memory.max", 0), 0);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), -ENOENT);
}

/* A kernel that does not account for swap has no file for it. */
static void a_limit_on_swap_is_a_wish(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_1);
    assert_int_equal(unlinkat(fixture->folder, "memory.memsw.limit_in_bytes", 0), 0);
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    assert_file(fixture, "memory.limit_in_bytes", "67108864");
}

static void a_group_of_version_1_lies_below_its_keepers(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_1);
    snprintf(fixture->limits.name, sizeof(fixture->limits.name), "task-1");
    assert_int_equal(mkdirat(fixture->folder, "task-1", 0700), 0);
    put(fixture, "task-1/tasks", "");
    assert_int_equal(cgroup_limits_join(&fixture->limits), 0);
    assert_file(fixture, "task-1/tasks", "0");
    assert_file(fixture, "tasks", "");
}

static void who_joins_says_so_to_version_1_only(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_2);
    assert_int_equal(cgroup_limits_join(&fixture->limits), 0);
    assert_file(fixture, "tasks", "");
    cgroup_limits_close(&fixture->limits);
    open_all(fixture, CGROUP_VERSION_1);
    assert_int_equal(cgroup_limits_join(&fixture->limits), 0);
    assert_file(fixture, "tasks", "0");
}

static void a_frozen_task_may_be_swapped_out(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_2);
    cgroup_limits_set_frozen(&fixture->limits, true);
    assert_file(fixture, "memory.swap.max", "max");
}

static void a_kill_at_the_limit_is_told_from_one_far_below(void **state)
{
    struct fixture *fixture = *state;

    for (int version = CGROUP_VERSION_1; version <= CGROUP_VERSION_2; version++) {
        bool is_old = version == CGROUP_VERSION_1;
        const char *events = is_old ? "memory.oom_control" : "memory.events";
        const char *peak = is_old ? "memory.max_usage_in_bytes" : "memory.peak";

        open_all(fixture, (enum cgroup_version)version);
        assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
        put(fixture, peak, "67000000\n");
        put(fixture, events, "low 0\nmax 7\noom_kill_disable 0\noom 0\noom_kill 0\n");
        assert_false(cgroup_limits_were_exceeded(&fixture->limits));
        put(fixture, events, "low 0\nmax 7\noom_kill_disable 0\noom 1\noom_kill 1\n");
        assert_true(cgroup_limits_were_exceeded(&fixture->limits));
        put(fixture, peak, "30000000\n");
        assert_false(cgroup_limits_were_exceeded(&fixture->limits));
        cgroup_limits_close(&fixture->limits);
    }
}

static void a_group_is_used_again_if_it_can_be_measured_anew(void **state)
{
    struct fixture *fixture = *state;

    open_all(fixture, CGROUP_VERSION_2);
    put(fixture, "memory.events", "oom_kill 0\n");
    put(fixture, "memory.current", "4096\n");
    assert_true(cgroup_limits_can_start_anew(&fixture->limits));
    put(fixture, "memory.current", "50000000\n");
    assert_false(cgroup_limits_can_start_anew(&fixture->limits));
    put(fixture, "memory.current", "4096\n");
    put(fixture, "memory.events", "oom_kill 2\n");
    assert_false(cgroup_limits_can_start_anew(&fixture->limits));
}

/* Linux before 6.12 lets nobody write to memory.peak. */
static void a_group_that_refused_a_process_is_for_one_task(void **state)
{
    struct fixture *fixture = *state;
    struct cgroup_limits *limits = &fixture->limits;
    const struct cgroup_request few = {.processes_max = 20};

    cgroup_limits_open(limits, CGROUP_PROCESSES, CGROUP_VERSION_2, fixture->folder);
    put(fixture, "pids.events", "max 7\n");
    assert_int_equal(cgroup_limits_count_refused(limits), 0);
    assert_int_equal(cgroup_limits_apply(limits, &few), 0);
    put(fixture, "pids.events", "max 0\n");
    assert_int_equal(cgroup_limits_count_refused(limits), 0);
    assert_true(cgroup_limits_can_start_anew(limits));
    put(fixture, "pids.events", "max 7\n");
    assert_int_equal(cgroup_limits_count_refused(limits), 7);
    assert_false(cgroup_limits_can_start_anew(limits));
}

static void a_peak_that_cannot_be_set_back_makes_a_group_for_one_task(void **state)
{
    struct fixture *fixture = *state;
    uint64_t bytes;

    open_all(fixture, CGROUP_VERSION_2);
    put(fixture, "memory.events", "oom_kill 0\n");
    put(fixture, "memory.current", "4096\n");
    put(fixture, "memory.peak", "5000\n");
    descriptor_close(fixture->limits.peak);
    fixture->limits.peak = openat(fixture->folder, "memory.peak", O_RDONLY | O_CLOEXEC);
    assert_false(cgroup_limits_can_start_anew(&fixture->limits));
    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    assert_int_equal(cgroup_limits_read_memory_peak(&fixture->limits, &bytes), 0);
    assert_int_equal(bytes, 5000);
}

static void without_controllers_nothing_is_limited_and_everything_works(void **state)
{
    struct fixture *fixture = *state;
    uint64_t bytes;

    assert_int_equal(cgroup_limits_apply(&fixture->limits, &request), 0);
    assert_int_equal(cgroup_limits_join(&fixture->limits), 0);
    assert_false(cgroup_limits_were_exceeded(&fixture->limits));
    assert_true(cgroup_limits_can_start_anew(&fixture->limits));
    assert_int_equal(cgroup_limits_read_memory_peak(&fixture->limits, &bytes), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_1_is_told_in_its_own_words),
        TEST(version_2_is_told_in_its_own_words),
        TEST(what_is_said_already_is_not_said_again),
        TEST(a_limit_is_taken_away_again),
        TEST(the_kernels_scale_of_shares_is_not_left),
        TEST(a_limit_that_cannot_be_set_is_an_error),
        TEST(a_limit_on_swap_is_a_wish),
        TEST(a_group_of_version_1_lies_below_its_keepers),
        TEST(who_joins_says_so_to_version_1_only),
        TEST(a_frozen_task_may_be_swapped_out),
        TEST(a_kill_at_the_limit_is_told_from_one_far_below),
        TEST(a_group_is_used_again_if_it_can_be_measured_anew),
        TEST(a_peak_that_cannot_be_set_back_makes_a_group_for_one_task),
        TEST(a_group_that_refused_a_process_is_for_one_task),
        TEST(without_controllers_nothing_is_limited_and_everything_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
