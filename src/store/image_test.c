/* SPDX-License-Identifier: Apache-2.0 */
/* Images are kept by names, by jobs and for a while; contents by images and by jobs. */
#include "base/buffer.h"
#include "base/memory.h"
#include "base/test.h"
#include "store/test_folder.h"

#include <errno.h>

static const char contents[][STORE_HASH_SIZE] = {"a", "b", "a"}, others[][STORE_HASH_SIZE] = {"b"};

static int open_with_images(void **state)
{
    struct store_image image = {.sha256 = "one",
                                .kind = "tree",
                                .size = 100,
                                .user = "ada",
                                .added_at = 1,
                                .kept_until = 50};
    struct store *store;

    if (test_make_folder(NULL) < 0 || store_open(test_path(), &store, NULL) < 0)
        return -1;
    store_begin(store);
    test_add_job(store, 1, "ada");
    store_add_image(store, &image, contents, ARRAY_LENGTH(contents));
    image.sha256 = "two";
    image.size = 20;
    store_add_image(store, &image, others, ARRAY_LENGTH(others));
    *state = store;
    return store_commit(store, NULL);
}

static int close_and_remove(void **state)
{
    *state = store_close(*state);
    return test_remove_folder(NULL);
}

static void commit(struct store *store)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (store_commit(store, &err) < 0)
        fail_msg("%s", error_text(&err));
}

static int describe_image(const struct store_image *image, void *userdata)
{
    buffer_appendf(userdata, "%s %s %llu %s %g %g%s\n", image->sha256, image->kind,
                   (unsigned long long)image->size, image->user, image->added_at, image->kept_until,
                   image->complete ? " complete" : "");
    return 0;
}

static int describe_name(const struct store_image_name *name, void *userdata)
{
    buffer_appendf(userdata, "%s=%s %s %g\n", name->name, name->sha256, name->user, name->named_at);
    return 0;
}

static int describe_content(const char *sha256, uint64_t size, void *userdata)
{
    (void)size;
    buffer_appendf(userdata, "%s\n", sha256);
    return 0;
}

static int stop(const struct store_image *image, void *userdata)
{
    (void)image;
    (void)userdata;
    return -ECANCELED;
}

static int describe_hash(const struct store_image *image, void *userdata)
{
    buffer_appendf(userdata, "%s\n", image->sha256);
    return 0;
}

static void assert_unneeded(struct store *store, double now, const char *expected)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    assert_int_equal(store_walk_unneeded_images(store, now, describe_hash, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), expected);
}

static void assert_own_contents(struct store *store, const char *image, uint32_t limit,
                                const char *expected)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    assert_int_equal(store_walk_image_contents(store, image, limit, describe_content, &seen, NULL),
                     0);
    assert_string_equal(buffer_text(&seen), expected);
}

static void images_are_found_and_changed(void **state)
{
    struct store *store = *state;
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;
    uint64_t size;

    store_begin(store);
    store_save_image(
        store,
        &(struct store_image){.sha256 = "two", .user = "bob", .kept_until = 7.5, .complete = true});
    commit(store);
    assert_int_equal(store_walk_images(store, NULL, describe_image, &seen, NULL), 0);
    assert_string_equal(seen.data, "one tree 100 ada 1 50\ntwo tree 20 bob 1 7.5 complete\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_images(store, "two", describe_image, &seen, NULL), 0);
    assert_string_equal(seen.data, "two tree 20 bob 1 7.5 complete\n");
    assert_int_equal(store_walk_images(store, NULL, stop, NULL, NULL), -ECANCELED);
    assert_int_equal(store_sum_images(store, "ada", "", &size, NULL), 0);
    assert_int_equal(size, 100);
    assert_int_equal(store_sum_images(store, "ada", "one", &size, NULL), 0);
    assert_int_equal(size, 0);
}

static void names_move(void **state)
{
    struct store_image_name name = {"debian:v1", "one", "ada", 3};
    struct store *store = *state;
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    store_begin(store);
    store_save_image_name(store, &name);
    name.name = "debian";
    store_save_image_name(store, &name);
    name.sha256 = "two";
    name.named_at = 4;
    store_save_image_name(store, &name);
    commit(store);
    assert_int_equal(store_walk_image_names(store, NULL, NULL, describe_name, &seen, NULL), 0);
    assert_string_equal(seen.data, "debian=two ada 4\ndebian:v1=one ada 3\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_image_names(store, "debian", NULL, describe_name, &seen, NULL), 0);
    assert_int_equal(store_walk_image_names(store, NULL, "one", describe_name, &seen, NULL), 0);
    assert_int_equal(store_walk_image_names(store, "debian", "one", describe_name, &seen, NULL), 0);
    assert_string_equal(seen.data, "debian=two ada 4\ndebian:v1=one ada 3\n");
}

static void names_jobs_and_time_keep_an_image(void **state)
{
    struct store *store = *state;
    struct store_job over = test_job(1, "ada");

    assert_unneeded(store, 49, "");
    assert_unneeded(store, 50, "one\ntwo\n");
    store_begin(store);
    store_save_image_name(store, &(struct store_image_name){"debian", "one", "ada", 3});
    store_add_image_job(store, "two", 1);
    store_add_image_job(store, "two", 1);
    commit(store);
    assert_unneeded(store, 50, "");
    over.over = true;
    store_begin(store);
    store_remove_image_name(store, "debian");
    store_save_job(store, &over);
    commit(store);
    assert_unneeded(store, 50, "one\ntwo\n");
    store_begin(store);
    store_remove_image(store, "two");
    commit(store);
    assert_unneeded(store, 50, "one\n");
}

static void a_content_is_kept_by_whoever_needs_it(void **state)
{
    struct store *store = *state;
    struct store_job over = test_job(1, "ada");
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    assert_own_contents(store, "one", 9, "a\n");
    assert_own_contents(store, "two", 9, "");
    store_begin(store);
    store_add_content(store, "a", 1, 5);
    over.over = true;
    store_save_job(store, &over);
    commit(store);
    /* It is a job's, too, and no job's alone. */
    assert_own_contents(store, "one", 9, "");
    assert_int_equal(store_walk_unneeded_contents(store, describe_content, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
    store_begin(store);
    store_remove_image(store, "two");
    commit(store);
    assert_own_contents(store, "one", 9, "b\n");
    assert_own_contents(store, "one", 0, "");
    store_begin(store);
    store_remove_image_content(store, "one", "b");
    store_remove_image_content(store, "one", "a");
    commit(store);
    assert_own_contents(store, "one", 9, "");
    assert_int_equal(store_walk_unneeded_contents(store, describe_content, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(images_are_found_and_changed, open_with_images,
                                        close_and_remove),
        cmocka_unit_test_setup_teardown(names_move, open_with_images, close_and_remove),
        cmocka_unit_test_setup_teardown(names_jobs_and_time_keep_an_image, open_with_images,
                                        close_and_remove),
        cmocka_unit_test_setup_teardown(a_content_is_kept_by_whoever_needs_it, open_with_images,
                                        close_and_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
