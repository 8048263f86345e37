/* SPDX-License-Identifier: Apache-2.0 */
/* On a folder with plain files in place of a group's. */
#define _GNU_SOURCE
#include "hurry.h"

#include "base/buffer.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/dusk-hurry-XXXXXX";
static char slice[sizeof(folder) + 1 + sizeof(CGROUP_SLICE)];
static struct cgroup_root groups = {.folder = -1};

static int make_group(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    groups = CGROUP_ROOT_INIT;
    groups.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    groups.is_unified[CGROUP_CPUS] = true;
    return groups.folder < 0 ? -1 : 0;
}

static int remove_group(void **state)
{
    (void)state;
    unlinkat(AT_FDCWD, folder, AT_REMOVEDIR);
    groups.folder = descriptor_close(groups.folder);
    return 0;
}

/* What the group was told since the last look; - if nothing. */
static char told(void)
{
    _cleanup_free_ char *path = file_join(folder, "cpu.idle");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (file_read(path, 16, &text, NULL) < 0)
        return '?';
    assert_int_equal(file_replace(path, "-", 1, 0600, false, NULL), 0);
    return text.data[0];
}

static void it_lasts_until_nobody_must_run_any_more(void **state)
{
    struct hurry hurry = HURRY_INIT;

    (void)state;
    hurry.is_asked_for = true;
    assert_int_equal(hurry_next_ms(&hurry), 0);
    hurry_look(&hurry, &groups, 5000, HURRY_SOME);
    assert_int_equal(told(), '0');
    assert_int_equal(hurry_next_ms(&hurry), 6000);
    hurry_look(&hurry, &groups, 5001, HURRY_SOME);
    assert_int_equal(told(), '-');
    hurry_look(&hurry, &groups, 5002, HURRY_NOBODY);
    assert_int_equal(told(), '1');
    assert_int_equal(hurry_next_ms(&hurry), UINT64_MAX);
}

static void who_cannot_be_frozen_does_not_make_it_last(void **state)
{
    struct hurry hurry = HURRY_INIT;

    (void)state;
    hurry.is_asked_for = true;
    hurry_look(&hurry, &groups, 5000, HURRY_SOME);
    hurry_look(&hurry, &groups, 5999, HURRY_SOME);
    assert_int_equal(told(), '0');
    hurry_look(&hurry, &groups, 6000, HURRY_SOME);
    assert_int_equal(told(), '1');
    hurry_look(&hurry, &groups, 7000, HURRY_SOME);
    assert_int_equal(told(), '-');
}

/* One that must run gets no more for it than anybody, as long as others compute beside it. */
static void all_that_shall_stand_still_go_first(void **state)
{
    _cleanup_free_ char *path = file_join(folder, "cpu.weight");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct hurry hurry = HURRY_INIT;

    (void)state;
    assert_int_equal(file_replace(path, "-", 1, 0600, false, NULL), 0);
    hurry.is_asked_for = true;
    hurry_look(&hurry, &groups, 5000, HURRY_SOME);
    assert_int_equal(told(), '0');
    assert_int_equal(file_read(path, 16, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), "-");
    hurry_look(&hurry, &groups, 5001, HURRY_ALL);
    assert_int_equal(told(), '0');
    buffer_clear(&text);
    assert_int_equal(file_read(path, 16, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), "10000");
    hurry_look(&hurry, &groups, 5002, HURRY_SOME);
    assert_int_equal(told(), '-');
    hurry_look(&hurry, &groups, 5003, HURRY_NOBODY);
    assert_int_equal(told(), '1');
    assert_int_equal(unlink(path), 0);
}

/* There its tasks compete with all sessions of all people, whatever they are to each other. */
static void the_slice_of_the_tasks_gives_way_with_them(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *path = NULL, *idle = NULL;

    (void)state;
    snprintf(slice, sizeof(slice), "%s/" CGROUP_SLICE, folder);
    path = file_join(slice, "scope/dusk-1");
    idle = file_join(slice, "cpu.idle");
    assert_int_equal(mkdir(slice, 0700), 0);
    assert_int_equal(file_replace(idle, "-", 1, 0600, false, NULL), 0);
    groups.path = path;
    cgroup_root_take_slice(&groups);
    cgroup_root_set_way(&groups, CGROUP_WAY_LAST);
    assert_int_equal(told(), '1');
    assert_int_equal(file_read(idle, 16, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), "1");
    groups.path = NULL;
    groups.slice = descriptor_close(groups.slice);
    assert_int_equal(unlink(idle) | rmdir(slice), 0);
}

static void assert_is_least(const char *where, const char *file)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *path = file_join(where, file);

    assert_int_equal(file_read(path, 16, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), "1");
    assert_int_equal(unlink(path), 0);
}

/* Where there is no such file, because nobody weighs, nothing happens. */
static void the_disk_is_for_everybody_else_first(void **state)
{
    static const char *const files[] = {"io.weight", "io.bfq.weight"};

    (void)state;
    snprintf(slice, sizeof(slice), "%s/" CGROUP_SLICE, folder);
    assert_int_equal(mkdir(slice, 0700), 0);
    groups.slice = open(slice, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cgroup_root_yield_disk(&groups);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        _cleanup_free_ char *own = file_join(folder, files[i]);
        _cleanup_free_ char *of_slice = file_join(slice, files[i]);

        assert_int_equal(access(own, F_OK), -1);
        assert_int_equal(file_replace(own, "", 0, 0600, false, NULL), 0);
        assert_int_equal(file_replace(of_slice, "", 0, 0600, false, NULL), 0);
    }
    cgroup_root_yield_disk(&groups);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        assert_is_least(folder, files[i]);
        assert_is_least(slice, files[i]);
    }
    groups.slice = descriptor_close(groups.slice);
    assert_int_equal(rmdir(slice), 0);
}

static void what_has_happened_already_needs_none(void **state)
{
    struct hurry hurry = HURRY_INIT;

    (void)state;
    hurry.is_asked_for = true;
    hurry_look(&hurry, &groups, 5000, HURRY_NOBODY);
    assert_int_equal(told(), '-');
    assert_int_equal(hurry_next_ms(&hurry), UINT64_MAX);
}

static int begin(void **state)
{
    _cleanup_free_ char *path = file_join(folder, "cpu.idle");

    (void)state;
    return file_replace(path, "-", 1, 0600, false, NULL);
}

static int end(void **state)
{
    _cleanup_free_ char *path = file_join(folder, "cpu.idle");

    (void)state;
    return unlink(path);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_lasts_until_nobody_must_run_any_more),
        TEST(who_cannot_be_frozen_does_not_make_it_last),
        TEST(all_that_shall_stand_still_go_first),
        TEST(the_slice_of_the_tasks_gives_way_with_them),
        TEST(the_disk_is_for_everybody_else_first),
        TEST(what_has_happened_already_needs_none),
    };

    return cmocka_run_group_tests(tests, make_group, remove_group);
}
