/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/file-test-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 ? file_remove_tree(folder, NULL) : -1;
}

static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_replace(path, text, strlen(text), 0644, false, NULL), 0);
}

static void assert_content(const char *path, const char *text)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    assert_int_equal(file_read(path, 1 << 20, &content, NULL), 0);
    assert_string_equal(buffer_text(&content), text);
}

static void what_was_written_is_read(void **state)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    static char large[200000];

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(file_replace("large", large, sizeof(large), 0600, true, NULL), 0);
    buffer_append_text(&content, "before ");
    assert_int_equal(file_read("large", sizeof(large), &content, NULL), 0);
    assert_int_equal(content.length, 7 + sizeof(large));
    assert_memory_equal(content.data, "before xxx", 10);
}

static void a_file_that_is_too_large_is_not_taken(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    (void)state;
    write_file("eleven", "12345678901");
    buffer_append_text(&content, "kept");
    assert_int_equal(file_read("eleven", 10, &content, &err), -EFBIG);
    assert_string_equal(error_text(&err), "'eleven' is larger than 10 bytes");
    assert_string_equal(content.data, "kept");
    assert_int_equal(file_read("/dev/zero", 1000, &content, &err), -EFBIG);
    assert_string_equal(content.data, "kept");
    assert_int_equal(file_read("missing", 10, &content, &err), -ENOENT);
    assert_int_equal(file_read(".", 10, &content, &err), -EISDIR);
    assert_string_equal(content.data, "kept");
}

static void a_replaced_file_has_its_mode_and_no_helper_is_left(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(mkdir("alone", 0700), 0);
    write_file("alone/file", "old");
    assert_int_equal(file_replace("alone/file", "new", 3, 0640, true, NULL), 0);
    assert_content("alone/file", "new");
    assert_int_equal(stat("alone/file", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(unlink("alone/file"), 0);
    assert_int_equal(rmdir("alone"), 0);
}

static void a_file_that_cannot_be_replaced_stays(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(file_make_folders("taken/full", 0700, NULL), 0);
    assert_int_equal(file_replace("taken", "x", 1, 0600, false, &err), -EISDIR);
    assert_true(exists("taken/full"));
    assert_int_equal(file_replace("missing/file", "x", 1, 0600, false, &err), -ENOENT);
    assert_non_null(strstr(error_text(&err), "missing/file"));
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("a/b//c/", 0700, NULL), 0);
    assert_int_equal(file_make_folders("a/b/c", 0700, NULL), 0);
    assert_int_equal(file_make_folders("/", 0700, NULL), 0);
    assert_true(exists("a/b/c"));
}

static void what_is_no_folder_is_not_taken_for_one(void **state)
{
    (void)state;
    write_file("plain", "");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(file_make_folders("plain", 0700, NULL), -ENOTDIR);
    assert_int_equal(file_make_folders("plain/below", 0700, NULL), -ENOTDIR);
    assert_int_equal(file_make_folders("dangling", 0700, NULL), -ENOTDIR);
    assert_int_equal(file_make_folders("", 0700, NULL), -ENOENT);
}

static void a_tree_is_removed_whole(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("tree/one/two", 0700, NULL), 0);
    assert_int_equal(file_make_folders("tree/three", 0700, NULL), 0);
    write_file("tree/one/two/file", "x");
    write_file("tree/file", "x");
    assert_int_equal(mkfifo("tree/one/pipe", 0600), 0);
    assert_int_equal(file_remove_tree("tree", NULL), 0);
    assert_false(exists("tree"));
    assert_int_equal(file_remove_tree("tree", NULL), 0);
    write_file("single", "x");
    assert_int_equal(file_remove_tree("single", NULL), 0);
    assert_false(exists("single"));
}

static void links_are_removed_and_never_followed(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("outside/kept", 0700, NULL), 0);
    write_file("outside/file", "kept");
    assert_int_equal(chmod("outside/file", 0400), 0);
    assert_int_equal(file_make_folders("linked/inner", 0700, NULL), 0);
    assert_int_equal(symlink("../outside", "linked/folder"), 0);
    assert_int_equal(symlink("../../outside", "linked/inner/folder"), 0);
    assert_int_equal(symlink("../../outside/file", "linked/inner/file"), 0);
    assert_int_equal(link("outside/file", "linked/hard"), 0);
    assert_int_equal(file_remove_tree("linked", NULL), 0);
    assert_false(exists("linked"));
    assert_content("outside/file", "kept");
    assert_true(exists("outside/kept"));
    assert_int_equal(symlink("outside", "link"), 0);
    assert_int_equal(file_remove_tree("link", NULL), 0);
    assert_false(exists("link"));
    assert_true(exists("outside/kept"));
}

/* Closed folders stop only those who are not root, and a test may run as either. */
static void closed_folders_are_opened(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("closed/inner/most", 0700, NULL), 0);
    write_file("closed/inner/most/file", "x");
    write_file("closed/inner/file", "x");
    assert_int_equal(chmod("closed/inner/most", 0), 0);
    assert_int_equal(chmod("closed/inner", 0500), 0);
    assert_int_equal(chmod("closed", 0), 0);
    if (geteuid() == 0)
        assert_int_equal(chown("closed", 65534, 65534), 0);
    assert_int_equal(file_remove_tree("closed", NULL), 0);
    assert_false(exists("closed"));
}

/* Deeper than any path, than descriptors, and than a recursion would like. */
static void no_depth_is_too_deep(void **state)
{
    enum { DEPTH = 2000 };
    _cleanup_fd_ int start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(mkdir("deep", 0700), 0);
    assert_int_equal(chdir("deep"), 0);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdir("d", 0700), 0);
        if (i % 1000 == 0)
            write_file("file", "x");
        assert_int_equal(chdir("d"), 0);
    }
    assert_int_equal(fchdir(start), 0);
    assert_int_equal(file_remove_tree("deep", NULL), 0);
    assert_false(exists("deep"));
}

/* Names that the flattening itself uses. */
static void no_name_is_in_the_way(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("names/.removed-0/.removed-1/x", 0700, NULL), 0);
    assert_int_equal(file_make_folders("names/a/.removed-0/.removed-2/x", 0700, NULL), 0);
    write_file("names/.removed-1", "x");
    write_file("names/a/.removed-0/\n", "x");
    assert_int_equal(file_remove_tree("names", NULL), 0);
    assert_false(exists("names"));
}

static void many_entries_are_removed(void **state)
{
    char name[64];

    (void)state;
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "many/%d/inner/%d", i % 40, i);
        assert_int_equal(file_make_folders(name, 0700, NULL), 0);
    }
    assert_int_equal(file_remove_tree("many", NULL), 0);
    assert_false(exists("many"));
}

static void copying_takes_the_rest_of_a_file(void **state)
{
    _cleanup_fd_ int from = -1, to = -1;

    (void)state;
    write_file("from", "skipped copied");
    from = open("from", O_RDONLY | O_CLOEXEC);
    to = open("to", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(lseek(from, 8, SEEK_SET), 8);
    assert_int_equal(file_copy(from, to, NULL), 0);
    assert_content("to", "copied");
}

static void copying_works_where_the_kernel_cannot(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_fd_ int from = -1, to = -1, full = -1;

    (void)state;
    write_file("from", "content");
    from = open("from", O_RDONLY | O_CLOEXEC);
    to = open("appended", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_int_equal(file_copy(from, to, &err), 0);
    assert_content("appended", "content");
    full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(lseek(from, 0, SEEK_SET), 0);
    assert_int_equal(file_copy(from, full, &err), -ENOSPC);
}

static void joined_paths_have_one_slash(void **state)
{
    static const char *const examples[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"a", "/b", "/b"}, {"", "b", "b"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(examples); i++) {
        _cleanup_free_ char *path = file_join(examples[i][0], examples[i][1]);

        assert_string_equal(path, examples[i][2]);
    }
}

static void only_names_that_stay_inside_are_contained(void **state)
{
    static const char *const inside[] = {"a", "a/b", "..a", "a..", ".a/...", "a b\n", "\xff"};
    static const char *const outside[] = {"",     "/",     "/a",     ".",    "..", "./a", "../a",
                                          "a/..", "a/./b", "a/../b", "a//b", "a/", "a/."};
    char name[5000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(inside); i++)
        assert_true(file_name_is_contained(inside[i]));
    for (size_t i = 0; i < ARRAY_LENGTH(outside); i++)
        assert_false(file_name_is_contained(outside[i]));
    memset(name, 'a', 256);
    name[256] = '\0';
    assert_false(file_name_is_contained(name));
    assert_true(file_name_is_contained(name + 1));
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 2 ? '/' : 'a';
    name[4097] = '\0';
    assert_false(file_name_is_contained(name));
    name[4095] = '\0';
    assert_true(file_name_is_contained(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_file_that_is_too_large_is_not_taken),
        cmocka_unit_test(a_replaced_file_has_its_mode_and_no_helper_is_left),
        cmocka_unit_test(a_file_that_cannot_be_replaced_stays),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(what_is_no_folder_is_not_taken_for_one),
        cmocka_unit_test(a_tree_is_removed_whole),
        cmocka_unit_test(links_are_removed_and_never_followed),
        cmocka_unit_test(closed_folders_are_opened),
        cmocka_unit_test(no_depth_is_too_deep),
        cmocka_unit_test(no_name_is_in_the_way),
        cmocka_unit_test(many_entries_are_removed),
        cmocka_unit_test(copying_takes_the_rest_of_a_file),
        cmocka_unit_test(copying_works_where_the_kernel_cannot),
        cmocka_unit_test(joined_paths_have_one_slash),
        cmocka_unit_test(only_names_that_stay_inside_are_contained),
    };

    return cmocka_run_group_tests_name("file", tests, enter_folder, leave_folder);
}
