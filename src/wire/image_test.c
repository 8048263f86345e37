/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest has one form, and nothing else is taken for one. */
#include "image.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

#define ONE   "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO   "22222222222222222222222222222222222222222222222222222222222222ff"
#define SMALL "dusk-image 1\nkind tree\nsize 1024\n" ONE "\n"

static int read_text(const char *text, size_t length)
{
    _cleanup_image_manifest_ struct image_manifest manifest = IMAGE_MANIFEST_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = image_manifest_read((struct slice){text, length}, &manifest, &err);

    assert_int_equal(r < 0, err.text != NULL);
    return r;
}

static void assert_refused(const char *text)
{
    assert_int_equal(read_text(text, strlen(text)), -EBADMSG);
}

static void a_manifest_survives(void **state)
{
    _cleanup_image_manifest_ struct image_manifest manifest = {.kind = IMAGE_EROFS},
                                                   again = IMAGE_MANIFEST_INIT;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, other = BUFFER_INIT;

    (void)state;
    assert_int_equal(image_manifest_add(&manifest, ONE, IMAGE_CHUNK_SIZE, NULL), 0);
    assert_int_equal(image_manifest_add(&manifest, TWO, 17, NULL), 0);
    image_manifest_write(&manifest, &text);
    assert_string_equal(text.data, "dusk-image 1\nkind erofs\nsize 4194321\n" ONE "\n" TWO "\n");
    assert_int_equal(image_manifest_read((struct slice){text.data, text.length}, &again, NULL), 0);
    assert_int_equal(again.kind, IMAGE_EROFS);
    assert_int_equal(again.size, IMAGE_CHUNK_SIZE + 17);
    assert_int_equal(again.chunk_count, 2);
    assert_string_equal(again.chunks[1], TWO);
    assert_int_equal(image_manifest_chunk_size(&again, 0), IMAGE_CHUNK_SIZE);
    assert_int_equal(image_manifest_chunk_size(&again, 1), 17);
    image_manifest_write(&again, &other);
    assert_string_equal(other.data, text.data);
}

static void a_full_last_chunk_is_one(void **state)
{
    _cleanup_image_manifest_ struct image_manifest manifest = IMAGE_MANIFEST_INIT;

    (void)state;
    image_manifest_add(&manifest, ONE, IMAGE_CHUNK_SIZE, NULL);
    assert_int_equal(image_manifest_chunk_size(&manifest, 0), IMAGE_CHUNK_SIZE);
}

static void an_image_is_bounded(void **state)
{
    _cleanup_image_manifest_ struct image_manifest manifest = IMAGE_MANIFEST_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = 0;

    (void)state;
    for (size_t i = 0; r == 0 && i <= IMAGE_CHUNKS_MAX; i++)
        r = image_manifest_add(&manifest, ONE, IMAGE_CHUNK_SIZE, &err);
    assert_int_equal(r, -EFBIG);
    assert_int_equal(manifest.chunk_count, IMAGE_CHUNKS_MAX);
    assert_string_equal(error_text(&err), "an image has 256 GiB at most");
}

static void another_text_is_no_manifest(void **state)
{
    (void)state;
    assert_int_equal(read_text(SMALL, strlen(SMALL)), 0);
    assert_int_equal(read_text(SMALL, strlen(SMALL) + 1), -EBADMSG);
    assert_refused("");
    assert_refused("\n");
    assert_refused("dusk-image 1\r\nkind tree\nsize 1024\n" ONE "\n");
    assert_refused("dusk-image 2\nkind tree\nsize 1024\n" ONE "\n");
    assert_refused("dusk-image 1\nkind vdi\nsize 1024\n" ONE "\n");
    assert_refused("dusk-image 1\nsize 1024\nkind tree\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 01024\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize +1024\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 1024 \n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 0\n");
    assert_refused("dusk-image 1\nkind tree\nsize 99999999999999999999999\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 274877906945\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 1024\n" ONE);
    assert_refused("dusk-image 1\nkind tree\nsize 1024\n" ONE "\n\n");
    assert_refused("dusk-image 1\nkind tree\nsize 1024\n" ONE "\n" TWO "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 4194305\n" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 1024\nX" ONE "\n");
    assert_refused("dusk-image 1\nkind tree\nsize 1024\n"
                   "111111111111111111111111111111111111111111111111111111111111111F\n");
}

static void names_are_plain(void **state)
{
    char name[IMAGE_NAME_LENGTH_MAX + 2];

    (void)state;
    assert_true(image_name_is_valid("debian12"));
    assert_true(image_name_is_valid("debian12:v2"));
    assert_true(image_name_is_valid("Debian_12-slim.0:v2.1-x"));
    assert_false(image_name_is_valid(""));
    assert_false(image_name_is_valid(":v2"));
    assert_false(image_name_is_valid("debian:"));
    assert_false(image_name_is_valid("a:b:c"));
    assert_false(image_name_is_valid("-x"));
    assert_false(image_name_is_valid(".."));
    assert_false(image_name_is_valid("a/b"));
    assert_false(image_name_is_valid("a b"));
    assert_false(image_name_is_valid("\xc3\xa4"));
    assert_false(image_name_is_valid(ONE));
    memset(name, 'a', sizeof(name));
    name[IMAGE_NAME_LENGTH_MAX + 1] = '\0';
    assert_false(image_name_is_valid(name));
    name[IMAGE_NAME_LENGTH_MAX] = '\0';
    assert_true(image_name_is_valid(name));
}

static void kinds_have_names(void **state)
{
    enum image_kind kind;

    (void)state;
    for (enum image_kind i = 0; i < IMAGE_KIND_COUNT; i++) {
        assert_true(image_kind_from_name(image_kind_name(i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(image_kind_from_name("", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_survives),         cmocka_unit_test(a_full_last_chunk_is_one),
        cmocka_unit_test(an_image_is_bounded),         cmocka_unit_test(names_are_plain),
        cmocka_unit_test(another_text_is_no_manifest), cmocka_unit_test(kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
