/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "contained.h"

#include "base/buffer.h"
#include "base/test.h"
#include "descriptor.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct place {
    char path[64];
    int fd;
};

static int make_place(void **state)
{
    static struct place place;

    (void)snprintf(place.path, sizeof(place.path), "%s", "/tmp/dusk-contained-XXXXXX");
    assert_non_null(mkdtemp(place.path));
    place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place.fd >= 0);
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    descriptor_close(place->fd);
    return file_remove_tree(place->path, NULL);
}

static int write_file(struct place *place, const char *name, const char *text)
{
    _cleanup_contained_file_ struct contained_file file = CONTAINED_FILE_INIT;
    int r = contained_file_begin(&file, place->fd, name, NULL);

    if (r < 0)
        return r;
    assert_int_equal(file_write_all(file.fd, text, strlen(text)), 0);
    return contained_file_commit(&file, 0640, true, NULL);
}

static void assert_content(struct place *place, const char *name, const char *expected)
{
    _cleanup_free_ char *path = file_join(place->path, name);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    assert_int_equal(file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), expected);
}

static void a_file_appears_with_its_folders_and_its_mode(void **state)
{
    struct stat status;

    assert_int_equal(write_file(*state, "a/b/c", "one"), 0);
    assert_content(*state, "a/b/c", "one");
    assert_int_equal(fstatat(((struct place *)*state)->fd, "a/b/c", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(write_file(*state, "a/b/c", "two"), 0);
    assert_content(*state, "a/b/c", "two");
}

static void a_file_that_is_not_complete_is_not_there(void **state)
{
    struct place *place = *state;

    {
        _cleanup_contained_file_ struct contained_file file = CONTAINED_FILE_INIT;

        assert_int_equal(contained_file_begin(&file, place->fd, "half", NULL), 0);
        assert_int_equal(file_write_all(file.fd, "x", 1), 0);
        assert_int_equal(faccessat(place->fd, "half", F_OK, 0), -1);
    }
    assert_int_equal(faccessat(place->fd, "half", F_OK, 0), -1);
}

static void a_name_that_leaves_the_folder_is_refused(void **state)
{
    assert_int_equal(write_file(*state, "../out", "x"), -EPERM);
    assert_int_equal(write_file(*state, "/tmp/out", "x"), -EPERM);
    assert_int_equal(write_file(*state, "", "x"), -EPERM);
    assert_int_equal(write_file(*state, "a/../../b", "x"), -EPERM);
}

static void a_link_on_the_way_is_refused(void **state)
{
    struct place *place = *state;

    assert_int_equal(symlinkat("/tmp", place->fd, "link"), 0);
    assert_int_equal(write_file(place, "link/out", "x"), -EPERM);
    assert_int_equal(contained_make_folder(place->fd, "link/out", 0755, NULL), -EPERM);
    assert_int_equal(contained_make_folder(place->fd, "link", 0755, NULL), -EPERM);
}

static void a_link_under_the_name_itself_is_replaced(void **state)
{
    struct place *place = *state;
    struct stat status;

    assert_int_equal(write_file(place, "target", "keep"), 0);
    assert_int_equal(symlinkat("target", place->fd, "name"), 0);
    assert_int_equal(write_file(place, "name", "new"), 0);
    assert_content(place, "target", "keep");
    assert_content(place, "name", "new");
    assert_int_equal(fstatat(place->fd, "name", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(status.st_mode));
}

static void a_folder_is_made_with_its_mode(void **state)
{
    struct place *place = *state;
    struct stat status;

    assert_int_equal(contained_make_folder(place->fd, "x/y", 0750, NULL), 0);
    assert_int_equal(contained_make_folder(place->fd, "x/y", 0700, NULL), 0);
    assert_int_equal(fstatat(place->fd, "x/y", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_appears_with_its_folders_and_its_mode, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_complete_is_not_there, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_name_that_leaves_the_folder_is_refused, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_link_on_the_way_is_refused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_link_under_the_name_itself_is_replaced, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_folder_is_made_with_its_mode, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
