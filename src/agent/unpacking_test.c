/* SPDX-License-Identifier: Apache-2.0 */
/* Trees become files in their folder; hostile ones become nothing outside of it. */
#define _GNU_SOURCE
#include "unpacking.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"
#include "wire/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char folder[64];
    char *root;
    struct buffer tree;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/dusk-unpacking-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    fixture->root = file_join(fixture->folder, "root");
    *state = fixture;
    return mkdir(fixture->root, 0700);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    int r = file_remove_tree(fixture->folder, NULL);

    buffer_deinit(&fixture->tree);
    free(fixture->root);
    free(fixture);
    return r;
}

static void append_zeros(struct buffer *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_character(bytes, '\0');
}

static void add(struct fixture *fixture, enum image_entry_kind kind, const char *path,
                const char *text, uint32_t mode)
{
    bool is_file = kind == IMAGE_ENTRY_FILE;
    struct image_entry entry = {.kind = kind,
                                .path = (char *)path,
                                .target = is_file ? NULL : (char *)text,
                                .mode = mode,
                                .size = is_file ? strlen(text) : 0,
                                .time = 1000000000};

    image_entry_append(&fixture->tree, &entry);
    if (is_file)
        buffer_append_text(&fixture->tree, text);
    append_zeros(&fixture->tree, image_entry_padding(&entry));
}

static int make_data(const struct buffer *bytes)
{
    char path[] = "/tmp/dusk-unpacking-data-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    unlink(path);
    assert_int_equal(file_write_all(fd, bytes->data, bytes->length), 0);
    return fd;
}

static int unpack(struct fixture *fixture)
{
    _cleanup_fd_ int fd = make_data(&fixture->tree);
    _cleanup_error_ struct error err = ERROR_INIT;
    uint64_t bytes = 0;
    int r = unpacking_run(fd, fixture->tree.length, fixture->root, &bytes, &err);

    assert_int_equal(r < 0, err.text != NULL);
    assert_true(r < 0 || bytes > 0);
    return r;
}

static int unpack_all(struct fixture *fixture)
{
    append_zeros(&fixture->tree, IMAGE_TREE_END_SIZE);
    return unpack(fixture);
}

static struct stat look(const struct fixture *fixture, const char *path)
{
    _cleanup_free_ char *whole = file_join(fixture->root, path);
    struct stat status;

    assert_int_equal(lstat(whole, &status), 0);
    return status;
}

static void assert_text(const struct fixture *fixture, const char *path, const char *expected)
{
    _cleanup_free_ char *whole = file_join(fixture->root, path);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    assert_int_equal(file_read(whole, 1 << 20, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), expected);
}

static void a_tree_becomes_files(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;

    add(fixture, IMAGE_ENTRY_FOLDER, "bin", NULL, 0755);
    add(fixture, IMAGE_ENTRY_FILE, "bin/sh", "#!", 0755);
    add(fixture, IMAGE_ENTRY_SAME, "bin/zsh", "bin/sh", 0);
    add(fixture, IMAGE_ENTRY_FOLDER, "etc", NULL, 0500);
    add(fixture, IMAGE_ENTRY_FOLDER, "etc/deep", NULL, 0);
    add(fixture, IMAGE_ENTRY_FILE, "etc/deep/x", "", 0600);
    add(fixture, IMAGE_ENTRY_FILE, "etc/x", "y", 0644);
    add(fixture, IMAGE_ENTRY_LINK, "lib", "/etc", 0777);
    assert_int_equal(unpack_all(fixture), 0);
    assert_text(fixture, "bin/zsh", "#!");
    assert_text(fixture, "etc/x", "y");
    status = look(fixture, "bin/sh");
    assert_int_equal(status.st_mode, S_IFREG | 0755);
    assert_int_equal(status.st_nlink, 2);
    assert_int_equal(status.st_mtime, 1000000000);
    assert_int_equal(status.st_uid, geteuid());
    status = look(fixture, "etc");
    assert_int_equal(status.st_mode, S_IFDIR | 0500);
    assert_int_equal(status.st_mtime, 1000000000);
    assert_int_equal(look(fixture, "etc/deep").st_mode, S_IFDIR);
    assert_true(S_ISLNK(look(fixture, "lib").st_mode));
    assert_int_equal(look(fixture, ".").st_mode, S_IFDIR | 0755);
}

static void an_empty_tree_is_one(void **state)
{
    struct fixture *fixture = *state;
    uint64_t bytes = 7;
    int fd;

    append_zeros(&fixture->tree, IMAGE_TREE_END_SIZE);
    fd = make_data(&fixture->tree);
    assert_int_equal(unpacking_run(fd, IMAGE_TREE_END_SIZE, fixture->root, &bytes, NULL), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(unpacking_run(fd, 0, fixture->root, &bytes, NULL), -EBADMSG);
    assert_int_equal(unpacking_run(fd, 4096, fixture->root, &bytes, NULL), -EIO);
    assert_int_equal(unpacking_run(fd, 1024, "/nonexistent", &bytes, NULL), -ENOENT);
    descriptor_close(fd);
}

/* The folder beside the root, where nothing may appear. */
static void assert_untouched(const struct fixture *fixture)
{
    _cleanup_free_ char *path = file_join(fixture->folder, "outside");

    assert_int_equal(access(path, F_OK), -1);
}

static void nothing_leads_out(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_FILE, "../outside", "x", 0644);
    assert_int_equal(unpack_all(fixture), -EBADMSG);
    assert_untouched(fixture);
    buffer_clear(&fixture->tree);
    add(fixture, IMAGE_ENTRY_LINK, "a", "..", 0777);
    add(fixture, IMAGE_ENTRY_FILE, "a/outside", "x", 0644);
    assert_int_equal(unpack_all(fixture), -EBADMSG);
    assert_untouched(fixture);
    buffer_clear(&fixture->tree);
    add(fixture, IMAGE_ENTRY_LINK, "b", "..", 0777);
    add(fixture, IMAGE_ENTRY_SAME, "c", "b/x", 0);
    assert_int_equal(unpack_all(fixture), -ENOTDIR);
}

static void a_link_is_no_file_to_be_named(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_LINK, "a", "/etc/passwd", 0777);
    add(fixture, IMAGE_ENTRY_SAME, "b", "a", 0);
    assert_int_equal(unpack_all(fixture), -EBADMSG);
    buffer_clear(&fixture->tree);
    add(fixture, IMAGE_ENTRY_SAME, "z", "nothing", 0);
    assert_int_equal(unpack_all(fixture), -ENOENT);
}

static void a_name_comes_once(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_LINK, "a", "/tmp", 0777);
    add(fixture, IMAGE_ENTRY_FOLDER, "a", NULL, 0755);
    assert_int_equal(unpack_all(fixture), -EBADMSG);
}

static void devices_and_setuid_are_refused(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_FILE, "su", "x", 04755);
    assert_int_equal(unpack_all(fixture), -EBADMSG);
    buffer_clear(&fixture->tree);
    add(fixture, IMAGE_ENTRY_FILE, "tty", "", 0644);
    fixture->tree.data[156] = '3';
    assert_int_equal(unpack_all(fixture), -EBADMSG);
}

static void what_is_cut_off_is_refused(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_FILE, "a", "content", 0644);
    assert_int_equal(unpack(fixture), -EBADMSG);
    buffer_clear(&fixture->tree);
    add(fixture, IMAGE_ENTRY_FILE, "b", "content", 0644);
    fixture->tree.length -= 1;
    assert_int_equal(unpack(fixture), -EBADMSG);
}

static void nothing_hides_behind_a_file(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, IMAGE_ENTRY_FILE, "a", "content", 0644);
    fixture->tree.data[fixture->tree.length - 1] = 1;
    assert_int_equal(unpack_all(fixture), -EBADMSG);
}

static void chunks_are_known_by_their_hashes(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_manifest_ struct image_manifest manifest = IMAGE_MANIFEST_INIT;
    _cleanup_buffer_ struct buffer chunks = BUFFER_INIT;
    char sha256[HASH_TEXT_SIZE];
    int fd;

    append_zeros(&fixture->tree, IMAGE_CHUNK_SIZE + 5);
    hash_bytes(fixture->tree.data, IMAGE_CHUNK_SIZE, sha256);
    image_manifest_add(&manifest, sha256, IMAGE_CHUNK_SIZE, NULL);
    hash_bytes(fixture->tree.data, 5, sha256);
    image_manifest_add(&manifest, sha256, 5, NULL);
    fd = make_data(&fixture->tree);
    assert_int_equal(unpacking_check(fd, &manifest, &chunks, NULL), 0);
    assert_int_equal(chunks.length, 2);
    assert_memory_equal(chunks.data, "\1\1", 2);
    assert_int_equal(pwrite(fd, "x", 1, 17), 1);
    assert_int_equal(ftruncate(fd, IMAGE_CHUNK_SIZE + 4), 0);
    buffer_clear(&chunks);
    assert_int_equal(unpacking_check(fd, &manifest, &chunks, NULL), 0);
    assert_memory_equal(chunks.data, "\0\0", 2);
    descriptor_close(fd);
    assert_int_equal(unpacking_check(-1, &manifest, &chunks, NULL), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_becomes_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_tree_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_leads_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_no_file_to_be_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_comes_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(devices_and_setuid_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_cut_off_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_hides_behind_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_are_known_by_their_hashes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
