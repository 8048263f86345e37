/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The examples of FIPS 180-4. */
static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void known_texts_have_their_known_hash(void **state)
{
    char text[HASH_TEXT_SIZE];

    (void)state;
    hash_bytes("", 0, text);
    assert_string_equal(text, empty);
    hash_bytes("abc", 3, text);
    assert_string_equal(text, abc);
}

static void pieces_hash_like_the_whole(void **state)
{
    struct hash *hash = hash_new();
    char text[HASH_TEXT_SIZE];

    (void)state;
    for (int i = 0; i < 100000; i++)
        hash_add(hash, "aaaaaaaaaa", 10);
    hash_finish(hash, text);
    assert_string_equal(text, million);
}

static void a_file_is_hashed_from_its_start(void **state)
{
    _cleanup_fd_ int fd = memfd_create("hash", MFD_CLOEXEC);
    char text[HASH_TEXT_SIZE];
    uint64_t size;

    (void)state;
    assert_int_equal(hash_file(fd, text, &size, NULL), 0);
    assert_string_equal(text, empty);
    assert_int_equal(size, 0);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(write(fd, "aaaaaaaaaa", 10), 10);
    assert_int_equal(hash_file(fd, text, &size, NULL), 0);
    assert_string_equal(text, million);
    assert_int_equal(size, 1000000);
}

static void what_cannot_be_read_has_no_hash(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_fd_ int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char text[HASH_TEXT_SIZE] = "untouched";
    uint64_t size = 99;

    (void)state;
    assert_int_equal(hash_file(fd, text, &size, &err), -EISDIR);
    assert_string_equal(text, "untouched");
    assert_int_equal(size, 99);
}

static void a_computation_may_be_given_up(void **state)
{
    struct hash *hash = hash_new();

    (void)state;
    hash_add(hash, "x", 1);
    assert_null(hash_free(hash));
    assert_null(hash_free(NULL));
}

static void only_64_lower_case_digits_are_a_hash(void **state)
{
    char text[HASH_TEXT_SIZE + 1];

    (void)state;
    assert_true(hash_text_is_valid(abc));
    assert_false(hash_text_is_valid(""));
    assert_false(hash_text_is_valid(abc + 1));
    snprintf(text, sizeof(text), "%sa", abc);
    assert_false(hash_text_is_valid(text));
    text[64] = '\0';
    assert_true(hash_text_is_valid(text));
    text[0] = 'B';
    assert_false(hash_text_is_valid(text));
    text[0] = '/';
    assert_false(hash_text_is_valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_have_their_known_hash),
        cmocka_unit_test(pieces_hash_like_the_whole),
        cmocka_unit_test(a_file_is_hashed_from_its_start),
        cmocka_unit_test(what_cannot_be_read_has_no_hash),
        cmocka_unit_test(a_computation_may_be_given_up),
        cmocka_unit_test(only_64_lower_case_digits_are_a_hash),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
