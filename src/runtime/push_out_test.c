/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's part is played here: what is written to memory.reclaim changes memory.current, a
 * plain file, also in the child.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "cgroup_file.h"
#include "push_out.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY = 7, MEGABYTE = 1024 * 1024, STEP = 16 * MEGABYTE };

static char folder_path[] = "/tmp/push-out-test-XXXXXX";
static int folder = -1;
static struct cgroup_limits limits;
static uint64_t in_memory;  /* what is there, */
static uint64_t stays;      /* and of that what cannot be pushed out */
static unsigned steps;      /* that were asked for */
static bool stands_still;   /* a step never ends */
static int error_of_a_step; /* that is none of having found too little */

int __real_cgroup_file_write(int fd, const char *name, const char *text);
int __wrap_cgroup_file_write(int fd, const char *name, const char *text);

static void put(const char *name, uint64_t number)
{
    _cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char text[32];
    int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", number);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, (size_t)length), 0);
}

/* As cgroup-v2.rst has it: EAGAIN if less was found than was asked for. */
int __wrap_cgroup_file_write(int fd, const char *name, const char *text)
{
    uint64_t found;

    if (strcmp(name, "memory.reclaim") != 0)
        return __real_cgroup_file_write(fd, name, text);
    assert_string_equal(text, "16M");
    while (stands_still)
        pause();
    if (error_of_a_step < 0)
        return error_of_a_step;
    found = in_memory - stays < STEP ? in_memory - stays : STEP;
    in_memory -= found;
    steps++;
    put("memory.current", in_memory);
    return found < STEP ? -EAGAIN : 0;
}

static void begin_with(uint64_t megabytes, uint64_t megabytes_that_stay)
{
    in_memory = megabytes * MEGABYTE;
    stays = megabytes_that_stay * MEGABYTE;
    put("memory.current", in_memory);
    put("memory.reclaim", 0);
}

static int start(void **state)
{
    (void)state;
    snprintf(folder_path, sizeof(folder_path), "/tmp/push-out-test-XXXXXX");
    assert_non_null(mkdtemp(folder_path));
    folder = open(folder_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    limits = CGROUP_LIMITS_INIT;
    cgroup_limits_open(&limits, CGROUP_MEMORY, CGROUP_VERSION_2, folder);
    stands_still = false;
    error_of_a_step = 0;
    steps = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cgroup_limits_close(&limits);
    folder = descriptor_close(folder);
    assert_int_equal(file_remove_tree(folder_path, NULL), 0);
    return 0;
}

static void what_can_go_goes_step_by_step(void **state)
{
    (void)state;
    begin_with(100, 0);
    assert_int_equal(cgroup_limits_push_out(&limits), 0);
    assert_int_equal(steps, 6);
}

static void little_is_left_alone(void **state)
{
    (void)state;
    begin_with(16, 0);
    assert_int_equal(cgroup_limits_push_out(&limits), 0);
    assert_int_equal(steps, 0);
}

/* Page tables of what is on the disk stay in memory, for one. */
static void of_much_a_little_more_may_stay(void **state)
{
    (void)state;
    begin_with(1600, 99);
    assert_int_equal(cgroup_limits_push_out(&limits), 0);
}

static void without_swap_it_ends_where_nothing_is_gained(void **state)
{
    (void)state;
    begin_with(500, 440);
    assert_int_equal(cgroup_limits_push_out(&limits), -EAGAIN);
    assert_int_equal(steps, 5);
}

static void a_step_that_is_refused_is_the_last(void **state)
{
    (void)state;
    begin_with(500, 0);
    error_of_a_step = -EIO;
    assert_int_equal(cgroup_limits_push_out(&limits), -EIO);
}

static void what_is_no_group_of_version_2_cannot_be_pushed_out(void **state)
{
    (void)state;
    begin_with(500, 0);
    assert_true(cgroup_limits_can_push_out(&limits));
    assert_int_equal(unlinkat(folder, "memory.reclaim", 0), 0);
    assert_false(cgroup_limits_can_push_out(&limits));
    put("memory.reclaim", 0);
    limits.by_controller[CGROUP_MEMORY].version = CGROUP_VERSION_1;
    assert_false(cgroup_limits_can_push_out(&limits));
    limits.by_controller[CGROUP_MEMORY].version = CGROUP_NONE;
    assert_false(cgroup_limits_can_push_out(&limits));
}

/* What the child says of its end. */
static bool is_out_after(struct push_out *push_out)
{
    pid_t child = push_out->child;
    bool is_out = false;
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(push_out_has_ended(push_out, child + 1, status, &is_out));
    assert_true(push_out_has_ended(push_out, child, status, &is_out));
    assert_int_equal(push_out->child, 0);
    return is_out;
}

static void a_child_does_it_and_says_how_it_went(void **state)
{
    struct push_out push_out = PUSH_OUT_INIT;

    (void)state;
    begin_with(100, 0);
    assert_true(push_out_begin(&push_out, KEY, &limits));
    assert_int_equal(push_out.key, KEY);
    assert_true(is_out_after(&push_out));
    begin_with(100, 80);
    assert_true(push_out_begin(&push_out, KEY, &limits));
    assert_false(is_out_after(&push_out));
}

static void it_is_stopped_in_the_middle_of_a_step(void **state)
{
    struct push_out push_out = PUSH_OUT_INIT;
    bool is_out = false;
    pid_t child;
    int status;

    (void)state;
    begin_with(100, 0);
    stands_still = true;
    assert_true(push_out_begin(&push_out, KEY, &limits));
    child = push_out.child;
    push_out_stop(&push_out);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_false(push_out_has_ended(&push_out, child, status, &is_out));
    push_out_stop(&push_out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_can_go_goes_step_by_step),
        TEST(little_is_left_alone),
        TEST(of_much_a_little_more_may_stay),
        TEST(without_swap_it_ends_where_nothing_is_gained),
        TEST(a_step_that_is_refused_is_the_last),
        TEST(what_is_no_group_of_version_2_cannot_be_pushed_out),
        TEST(a_child_does_it_and_says_how_it_went),
        TEST(it_is_stopped_in_the_middle_of_a_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
