/* SPDX-License-Identifier: Apache-2.0 */
/* A tree has one form: what is written reads back, and a bit that differs is refused. */
#include "image_tree.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

static char long_path[2001];

static int fill_long_path(void **state)
{
    (void)state;
    memset(long_path, 'p', sizeof(long_path) - 1);
    for (size_t i = 200; i < sizeof(long_path) - 1; i += 200)
        long_path[i] = '/';
    return 0;
}

static struct image_entry file(const char *path, uint64_t size)
{
    return (struct image_entry){.path = (char *)path, .mode = 0644, .size = size, .time = 1 << 30};
}

static struct image_entry folder(const char *path)
{
    return (struct image_entry){
        .kind = IMAGE_ENTRY_FOLDER, .path = (char *)path, .mode = 0755, .time = 5};
}

static struct image_entry symbolic(const char *path, const char *target)
{
    return (struct image_entry){
        .kind = IMAGE_ENTRY_LINK, .path = (char *)path, .target = (char *)target, .mode = 0777};
}

static struct image_entry same(const char *path, const char *target)
{
    return (struct image_entry){
        .kind = IMAGE_ENTRY_SAME, .path = (char *)path, .target = (char *)target};
}

static int read_entry(const struct buffer *bytes)
{
    _cleanup_image_entry_ struct image_entry entry = IMAGE_ENTRY_INIT;
    size_t length = 0;

    return image_entry_read((struct slice){bytes->data, bytes->length}, &entry, &length, NULL);
}

static void assert_survives(struct image_entry entry)
{
    _cleanup_image_entry_ struct image_entry again = IMAGE_ENTRY_INIT;
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    size_t length, written;

    image_entry_append(&bytes, &entry);
    written = bytes.length;
    assert_int_equal(written % IMAGE_TREE_BLOCK, 0);
    assert_true(written <= IMAGE_TREE_HEAD_MAX);
    buffer_append_text(&bytes, "what follows");
    assert_int_equal(
        image_entry_read((struct slice){bytes.data, bytes.length}, &again, &length, NULL), 0);
    assert_int_equal(length, written);
    assert_int_equal(again.kind, entry.kind);
    assert_string_equal(again.path, entry.path);
    assert_string_equal(again.target ? again.target : "", entry.target ? entry.target : "");
    assert_int_equal(again.mode, entry.mode);
    assert_int_equal(again.size, entry.size);
    assert_int_equal(again.time, entry.time);
}

static void assert_refused(struct image_entry entry)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    image_entry_append(&bytes, &entry);
    assert_int_equal(read_entry(&bytes), -EBADMSG);
}

static void entries_survive(void **state)
{
    (void)state;
    assert_survives(file("bin/sh", 123456));
    assert_survives(file("\xff\n name", 0));
    assert_survives(file("a", IMAGE_TREE_SIZE_MAX));
    assert_survives(folder("usr"));
    assert_survives(symbolic("lib", "usr/lib"));
    assert_survives(symbolic("x", "../../etc/\npasswd"));
    assert_survives(same("bin/two", "bin/one"));
    for (size_t length = 80; length <= 1100; length++) {
        const char *path = long_path + sizeof(long_path) - 1 - length;

        if (path[0] == '/')
            continue;
        assert_survives(file(path, 7));
        assert_survives(folder(path));
        assert_survives(symbolic("s", path));
        assert_survives(symbolic(path, path));
    }
}

static void the_longest_fit(void **state)
{
    char path[IMAGE_TREE_PATH_MAX + 1];

    (void)state;
    memset(path, 'q', sizeof(path));
    for (size_t i = 255; i < sizeof(path) - 1; i += 256)
        path[i] = '/';
    path[IMAGE_TREE_PATH_MAX] = '\0';
    assert_survives(same(path, path));
}

static void what_must_not_be_is_refused(void **state)
{
    struct image_entry wrong;
    char deep[2 * IMAGE_TREE_DEPTH_MAX + 2] = "d", name[IMAGE_TREE_NAME_MAX + 2];

    (void)state;
    assert_refused(file("", 0));
    assert_refused(file("/etc/passwd", 0));
    assert_refused(file("../x", 0));
    assert_refused(file("a/../x", 0));
    assert_refused(file("a/..", 0));
    assert_refused(file("./a", 0));
    assert_refused(file("a//b", 0));
    assert_refused(file("a/", 0));
    assert_refused(folder("."));
    assert_refused(symbolic("a", ""));
    assert_refused(same("b", "/a"));
    assert_refused(same("b", "../a"));
    wrong = file("a", 1);
    for (uint32_t mode = 01000; mode <= 04000; mode *= 2) {
        wrong.mode = mode | 0755;
        assert_refused(wrong);
    }
    wrong.mode = 0666;
    assert_refused(wrong);
    wrong = folder("a");
    wrong.size = 1;
    assert_refused(wrong);
    wrong = symbolic("a", "b");
    wrong.mode = 0755;
    assert_refused(wrong);
    for (int i = 0; i < IMAGE_TREE_DEPTH_MAX; i++)
        memcpy(deep + 2 * i + 1, "/d", 3);
    assert_refused(file(deep, 0));
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_refused(file(name, 0));
}

/* But of long names: those stand where no checksum counts, and are other names then. */
static void every_bit_counts(void **state)
{
    struct image_entry entries[] = {file("bin/sh", 12), folder("x"), symbolic("y", "z"),
                                    same("b", "a")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

        image_entry_append(&bytes, &entries[i]);
        for (size_t bit = 0; bit < 8 * bytes.length; bit++) {
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
            assert_int_equal(read_entry(&bytes), -EBADMSG);
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        }
    }
}

static void what_is_cut_off_is_refused(void **state)
{
    struct image_entry entry = symbolic(long_path, long_path);
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    (void)state;
    image_entry_append(&bytes, &entry);
    while (bytes.length-- > 0)
        assert_int_equal(read_entry(&bytes), -EBADMSG);
    bytes.length = 0;
}

static void the_end_is_zeros_and_nothing_behind(void **state)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    (void)state;
    for (size_t i = 0; i < IMAGE_TREE_END_SIZE; i++) {
        assert_int_equal(read_entry(&bytes), -EBADMSG);
        buffer_append_character(&bytes, '\0');
    }
    assert_int_equal(read_entry(&bytes), 1);
    bytes.data[1000] = 1;
    assert_int_equal(read_entry(&bytes), -EBADMSG);
    bytes.data[1000] = 0;
    buffer_append_character(&bytes, '\0');
    assert_int_equal(read_entry(&bytes), -EBADMSG);
}

static void content_is_filled_up_to_blocks(void **state)
{
    struct image_entry entry = file("a", 0);

    (void)state;
    assert_int_equal(image_entry_padding(&entry), 0);
    entry.size = 1;
    assert_int_equal(image_entry_padding(&entry), 511);
    entry.size = 512;
    assert_int_equal(image_entry_padding(&entry), 0);
}

static void paths_are_in_the_order_of_folders(void **state)
{
    static const char *const paths[] = {"a", "a/b", "a/b/c", "a/c", "a-b", "a.b", "b", "\xff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
        for (size_t j = 0; j < ARRAY_LENGTH(paths); j++)
            assert_int_equal(image_tree_compare(paths[i], paths[j]), i < j ? -1 : i > j);
}

static int check(const struct image_entry *before, struct image_entry entry)
{
    return image_entry_check_order(before, &entry, NULL);
}

static void an_entry_stands_in_its_folder(void **state)
{
    struct image_entry in_folder = file("a/b", 0), folder_a = folder("a"), file_a = file("a", 0),
                       link_a = symbolic("a", "/etc"), deep = file("a/b/c/d", 0);

    (void)state;
    assert_int_equal(check(NULL, file_a), 0);
    assert_int_equal(check(NULL, in_folder), -EBADMSG);
    assert_int_equal(check(&folder_a, in_folder), 0);
    assert_int_equal(check(&file_a, in_folder), -EBADMSG);
    assert_int_equal(check(&link_a, in_folder), -EBADMSG);
    assert_int_equal(check(&in_folder, folder_a), -EBADMSG);
    assert_int_equal(check(&folder_a, folder_a), -EBADMSG);
    assert_int_equal(check(&folder_a, deep), -EBADMSG);
    assert_int_equal(check(&deep, file("a/b/d", 0)), 0);
    assert_int_equal(check(&deep, file("a/c", 0)), 0);
    assert_int_equal(check(&deep, file("b", 0)), 0);
    assert_int_equal(check(&deep, file("a/bb/d", 0)), -EBADMSG);
    assert_int_equal(check(&folder_a, file("ab/c", 0)), -EBADMSG);
    assert_int_equal(check(&file_a, same("b", "a")), 0);
    assert_int_equal(check(&file_a, same("b", "b")), -EBADMSG);
    assert_int_equal(check(&file_a, same("b", "c")), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_survive),
        cmocka_unit_test(the_longest_fit),
        cmocka_unit_test(what_must_not_be_is_refused),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(the_end_is_zeros_and_nothing_behind),
        cmocka_unit_test(content_is_filled_up_to_blocks),
        cmocka_unit_test(paths_are_in_the_order_of_folders),
        cmocka_unit_test(an_entry_stands_in_its_folder),
    };

    return cmocka_run_group_tests(tests, fill_long_path, NULL);
}
