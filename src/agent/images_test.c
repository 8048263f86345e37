/* SPDX-License-Identifier: Apache-2.0 */
/* Images come from a server that is a list here, in a folder of the test's own. */
#define _GNU_SOURCE
#include "images.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"
#include "sys/hash.h"
#include "wire/image_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONTENTS_MAX = 64, WANTS_MAX = 64 };

struct fixture {
    uv_loop_t loop;
    char folder[64];
    struct images *images;
    struct buffer contents[CONTENTS_MAX];
    size_t content_count;
    struct {
        char sha256[HASH_TEXT_SIZE];
        uint64_t stream; /* 0: was served, or cancelled */
    } wants[WANTS_MAX];
    size_t want_count, served;
    uint64_t last_stream;
    bool is_connected;
    int damage; /* so many chunks come with another first byte */
    int ready;  /* how often it was said */
    enum reason failure;
    struct buffer why;
};

static uint64_t want(void *userdata, const char *sha256)
{
    struct fixture *fixture = userdata;

    if (!fixture->is_connected)
        return 0;
    assert_true(fixture->want_count < WANTS_MAX);
    memcpy(fixture->wants[fixture->want_count].sha256, sha256, HASH_TEXT_SIZE);
    fixture->wants[fixture->want_count++].stream = ++fixture->last_stream;
    return fixture->last_stream;
}

static void cancel(void *userdata, uint64_t stream)
{
    struct fixture *fixture = userdata;

    for (size_t i = 0; i < fixture->want_count; i++)
        if (fixture->wants[i].stream == stream)
            fixture->wants[i].stream = 0;
}

static void on_ready(void *userdata, const char *sha256, enum reason failure,
                     const struct error *err)
{
    struct fixture *fixture = userdata;

    (void)sha256;
    fixture->ready++;
    fixture->failure = failure;
    if (err)
        buffer_append_text(&fixture->why, error_text(err));
}

static void open_images(struct fixture *fixture, uint64_t size_max)
{
    struct images_world world = {want, cancel, on_ready, fixture};
    _cleanup_error_ struct error err = ERROR_INIT;

    if (images_open(&fixture->loop, fixture->folder, size_max, &world, &fixture->images, &err) < 0)
        fail_msg("%s", error_text(&err));
}

static void close_images(struct fixture *fixture)
{
    fixture->images = images_free(fixture->images);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    fixture->served = fixture->want_count = 0;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/dusk-images-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    uv_loop_init(&fixture->loop);
    fixture->is_connected = true;
    open_images(fixture, 1 << 30);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    int r;

    close_images(fixture);
    r = file_remove_tree(fixture->folder, NULL);
    for (size_t i = 0; i < fixture->content_count; i++)
        buffer_deinit(&fixture->contents[i]);
    buffer_deinit(&fixture->why);
    uv_loop_close(&fixture->loop);
    free(fixture);
    return r;
}

/* ---- the server ---- */

static const struct buffer *find_content(const struct fixture *fixture, const char *sha256)
{
    char found[HASH_TEXT_SIZE];

    for (size_t i = 0; i < fixture->content_count; i++) {
        hash_bytes(fixture->contents[i].data, fixture->contents[i].length, found);
        if (strcmp(found, sha256) == 0)
            return &fixture->contents[i];
    }
    return NULL;
}

static void add_content(struct fixture *fixture, const void *data, size_t length)
{
    assert_true(fixture->content_count < CONTENTS_MAX);
    buffer_append(&fixture->contents[fixture->content_count++], data, length);
}

/* In two pieces, as larger ones come. */
static void send_content(struct fixture *fixture, uint64_t stream, const struct buffer *content)
{
    _cleanup_free_ char *copy = memory_copy_bytes(content->data, content->length);
    size_t half = content->length / 2;

    if (fixture->damage > 0 && strncmp(copy, "dusk-image", 10) != 0) {
        fixture->damage--;
        copy[0] ^= 1;
    }
    images_piece(fixture->images, stream, (struct slice){copy, half});
    images_piece(fixture->images, stream, (struct slice){copy + half, content->length - half});
    images_ended(fixture->images, &(struct wire_end){.stream = stream});
}

/* Answers one request; false if there is none. */
static bool serve_one(struct fixture *fixture)
{
    while (fixture->served < fixture->want_count && fixture->wants[fixture->served].stream == 0)
        fixture->served++;
    if (fixture->served == fixture->want_count)
        return false;
    uint64_t stream = fixture->wants[fixture->served].stream;
    const struct buffer *content = find_content(fixture, fixture->wants[fixture->served].sha256);

    fixture->wants[fixture->served++].stream = 0;
    if (content)
        send_content(fixture, stream, content);
    else
        images_ended(fixture->images, &(struct wire_end){.stream = stream,
                                                         .failure = REASON_CANNOT_FETCH_INPUT,
                                                         .detail = (char *)"it is not here"});
    return true;
}

/* Until it was said so often that an image is ready, or will not be. */
static void serve_until(struct fixture *fixture, int ready)
{
    while (fixture->ready < ready)
        if (!serve_one(fixture))
            uv_run(&fixture->loop, UV_RUN_ONCE);
}

/* ---- images ---- */

static struct wire_image publish(struct fixture *fixture, enum image_kind kind,
                                 const struct buffer *bytes)
{
    _cleanup_image_manifest_ struct image_manifest manifest = {.kind = kind};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    char sha256[HASH_TEXT_SIZE];

    for (size_t at = 0; at < bytes->length; at += IMAGE_CHUNK_SIZE) {
        size_t left = bytes->length - at,
               length = left < IMAGE_CHUNK_SIZE ? left : IMAGE_CHUNK_SIZE;

        hash_bytes(bytes->data + at, length, sha256);
        image_manifest_add(&manifest, sha256, length, NULL);
        add_content(fixture, bytes->data + at, length);
    }
    image_manifest_write(&manifest, &text);
    add_content(fixture, text.data, text.length);
    hash_bytes(text.data, text.length, sha256);
    return (struct wire_image){
        .sha256 = memory_copy_string(sha256), .kind = kind, .size = bytes->length};
}

/* Of so many bytes, each chunk another. */
static struct wire_image publish_file(struct fixture *fixture, size_t size, char first)
{
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    for (size_t i = 0; i < size; i++)
        buffer_append_character(&bytes, (char)(first + (char)(i / IMAGE_CHUNK_SIZE)));
    return publish(fixture, IMAGE_SQUASHFS, &bytes);
}

static struct wire_image publish_tree(struct fixture *fixture, const char *path)
{
    struct image_entry entry = {.path = (char *)path, .mode = 0644, .size = 2};
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;

    image_entry_append(&bytes, &entry);
    buffer_append_text(&bytes, "hi");
    while (bytes.length % IMAGE_TREE_BLOCK != 0 || bytes.length < 4 * IMAGE_TREE_BLOCK)
        buffer_append_character(&bytes, '\0');
    return publish(fixture, IMAGE_TREE, &bytes);
}

static void free_image(struct wire_image *image)
{
    free(image->sha256);
}

#define _cleanup_image_ _cleanup_(free_image)

static void assert_here(struct fixture *fixture, const struct wire_image *image, const char *name,
                        size_t size)
{
    _cleanup_free_ char *path = images_path(fixture->images, image->sha256), *file = NULL;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    assert_non_null(path);
    file = name ? file_join(path, name) : memory_copy_string(path);
    assert_int_equal(file_read(file, 1 << 30, &text, NULL), 0);
    assert_int_equal(text.length, size);
}

static void assert_not_here(struct fixture *fixture, const struct wire_image *image)
{
    assert_null(images_path(fixture->images, image->sha256));
}

static bool has_files(const struct fixture *fixture, const char *folder)
{
    _cleanup_free_ char *path = file_join(fixture->folder, folder);
    DIR *open_folder = opendir(path);
    struct dirent *item;
    bool found = false;

    while ((item = readdir(open_folder)))
        found = found || item->d_name[0] != '.';
    closedir(open_folder);
    return found;
}

static void get(struct fixture *fixture, const struct wire_image *image)
{
    int ready = fixture->ready + 1;

    assert_int_equal(images_want(fixture->images, image, NULL), 1);
    serve_until(fixture, ready);
    assert_int_equal(fixture->failure, REASON_NONE);
}

/* ---- tests ---- */

static void an_image_is_fetched_once(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image tree = publish_tree(fixture, "motd");
    _cleanup_image_ struct wire_image file = publish_file(fixture, IMAGE_CHUNK_SIZE + 7, 'a');
    _cleanup_buffer_ struct buffer hashes = BUFFER_INIT;

    assert_int_equal(images_want(fixture->images, &tree, NULL), 1);
    assert_int_equal(images_want(fixture->images, &tree, NULL), 1);
    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    serve_until(fixture, 2);
    assert_int_equal(fixture->want_count, 5);
    assert_here(fixture, &tree, "motd", 2);
    assert_here(fixture, &file, NULL, IMAGE_CHUNK_SIZE + 7);
    assert_int_equal(images_want(fixture->images, &tree, NULL), 0);
    images_append_hashes(fixture->images, &hashes);
    assert_int_equal(hashes.length, 2 * (HASH_TEXT_SIZE - 1) + 1);
    assert_memory_equal(hashes.data, tree.sha256, HASH_TEXT_SIZE - 1);
    assert_false(has_files(fixture, "arriving"));
}

static void images_outlive_the_agent(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image tree = publish_tree(fixture, "motd");
    _cleanup_image_ struct wire_image file = publish_file(fixture, 7, 'a');
    uint64_t size;

    get(fixture, &tree);
    get(fixture, &file);
    size = images_size(fixture->images);
    close_images(fixture);
    open_images(fixture, 1 << 30);
    assert_int_equal(images_size(fixture->images), size);
    assert_int_equal(images_want(fixture->images, &tree, NULL), 0);
    assert_int_equal(images_want(fixture->images, &file, NULL), 0);
    assert_here(fixture, &tree, "motd", 2);
    assert_int_equal(fixture->want_count, 0);
}

static void what_has_come_need_not_come_again(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 6 * IMAGE_CHUNK_SIZE, 'a');

    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    while (fixture->served < 4)
        if (!serve_one(fixture))
            uv_run(&fixture->loop, UV_RUN_ONCE);
    close_images(fixture);
    open_images(fixture, 1 << 30);
    assert_not_here(fixture, &file);
    get(fixture, &file);
    /* Neither the manifest nor the three chunks. */
    assert_int_equal(fixture->want_count, 3);
    assert_here(fixture, &file, NULL, 6 * IMAGE_CHUNK_SIZE);
}

/* What is half here, and looks whole, is no image. */
static void what_was_damaged_meanwhile_comes_again(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 2 * IMAGE_CHUNK_SIZE, 'a');
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    while (fixture->served < 2)
        if (!serve_one(fixture))
            uv_run(&fixture->loop, UV_RUN_ONCE);
    close_images(fixture);
    buffer_appendf(&path, "%s/arriving/%s/data", fixture->folder, file.sha256);
    assert_int_equal(file_replace(path.data, "x", 1, 0600, false, NULL), 0);
    assert_int_equal(truncate(path.data, 2 * IMAGE_CHUNK_SIZE), 0);
    open_images(fixture, 1 << 30);
    get(fixture, &file);
    assert_int_equal(fixture->want_count, 2);
    assert_here(fixture, &file, NULL, 2 * IMAGE_CHUNK_SIZE);
}

static void a_new_connection_goes_on(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 3 * IMAGE_CHUNK_SIZE, 'a');

    fixture->is_connected = false;
    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture->want_count, 0);
    fixture->is_connected = true;
    images_connected(fixture->images);
    while (fixture->served < 2)
        assert_true(serve_one(fixture));
    images_disconnected(fixture->images);
    fixture->served = fixture->want_count;
    images_connected(fixture->images);
    serve_until(fixture, 1);
    assert_here(fixture, &file, NULL, 3 * IMAGE_CHUNK_SIZE);
    assert_int_equal(fixture->want_count, 1 + 3 + 2);
}

static void a_damaged_chunk_comes_again(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 3 * IMAGE_CHUNK_SIZE, 'a');

    fixture->damage = 2;
    get(fixture, &file);
    assert_here(fixture, &file, NULL, 3 * IMAGE_CHUNK_SIZE);
    assert_int_equal(fixture->want_count, 1 + 3 + 2);
}

static void a_server_that_is_always_wrong_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, IMAGE_CHUNK_SIZE, 'a');

    fixture->damage = 1000;
    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    serve_until(fixture, 1);
    assert_int_equal(fixture->failure, REASON_CANNOT_FETCH_INPUT);
    assert_non_null(strstr(fixture->why.data, "damaged"));
    assert_not_here(fixture, &file);
    images_release(fixture->images, file.sha256);
    fixture->damage = 0;
    get(fixture, &file);
}

static void what_the_server_does_not_have_fails(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 5, 'a');

    fixture->content_count--;
    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    serve_until(fixture, 1);
    assert_int_equal(fixture->failure, REASON_CANNOT_FETCH_INPUT);
    assert_non_null(strstr(fixture->why.data, "it is not here"));
    fixture->content_count++;
    images_release(fixture->images, file.sha256);
    assert_int_equal(images_size(fixture->images), 0);
}

static void a_manifest_must_say_what_was_said(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 5, 'a');

    file.size++;
    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    serve_until(fixture, 1);
    assert_int_equal(fixture->failure, REASON_CANNOT_FETCH_INPUT);
    assert_non_null(strstr(fixture->why.data, "another size"));
}

static void a_hostile_tree_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image tree = publish_tree(fixture, "../motd");

    assert_int_equal(images_want(fixture->images, &tree, NULL), 1);
    serve_until(fixture, 1);
    assert_int_equal(fixture->failure, REASON_CANNOT_FETCH_INPUT);
    assert_non_null(strstr(fixture->why.data, "not well formed"));
    assert_not_here(fixture, &tree);
    assert_false(has_files(fixture, "arriving"));
    images_release(fixture->images, tree.sha256);
    assert_int_equal(images_size(fixture->images), 0);
}

static void what_is_used_longest_ago_makes_room(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image one = publish_file(fixture, 4000, 'a');
    _cleanup_image_ struct wire_image two = publish_file(fixture, 4000, 'b');
    _cleanup_image_ struct wire_image three = publish_file(fixture, 4000, 'c');

    close_images(fixture);
    open_images(fixture, 9000);
    get(fixture, &one);
    images_release(fixture->images, one.sha256);
    get(fixture, &two);
    images_release(fixture->images, two.sha256);
    assert_int_equal(images_want(fixture->images, &one, NULL), 0);
    images_release(fixture->images, one.sha256);
    get(fixture, &three);
    assert_not_here(fixture, &two);
    assert_here(fixture, &one, NULL, 4000);
    assert_true(images_size(fixture->images) <= 9000);
    images_release(fixture->images, three.sha256);
}

static void what_is_in_use_stays(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image one = publish_file(fixture, 4000, 'a');
    _cleanup_image_ struct wire_image two = publish_file(fixture, 4000, 'b');
    _cleanup_image_ struct wire_image large = publish_file(fixture, 9001, 'c');
    _cleanup_error_ struct error err = ERROR_INIT;

    close_images(fixture);
    open_images(fixture, 7000);
    get(fixture, &one);
    assert_int_equal(images_want(fixture->images, &two, NULL), 1);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_false(serve_one(fixture));
    assert_here(fixture, &one, NULL, 4000);
    images_release(fixture->images, one.sha256);
    serve_until(fixture, 2);
    assert_here(fixture, &two, NULL, 4000);
    assert_not_here(fixture, &one);
    assert_int_equal(images_want(fixture->images, &large, &err), -EFBIG);
    assert_non_null(err.hint);
}

static void what_nobody_waits_for_stops(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 3 * IMAGE_CHUNK_SIZE, 'a');
    _cleanup_image_ struct wire_image other = publish_file(fixture, 3, 'x');

    assert_int_equal(images_want(fixture->images, &file, NULL), 1);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_true(serve_one(fixture));
    assert_true(serve_one(fixture));
    images_release(fixture->images, file.sha256);
    assert_false(serve_one(fixture));
    get(fixture, &other);
    get(fixture, &file);
    assert_here(fixture, &file, NULL, 3 * IMAGE_CHUNK_SIZE);
}

static void nonsense_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct wire_image image = {.sha256 = (char *)"../x", .size = 5};

    assert_int_equal(images_want(fixture->images, &image, NULL), -EINVAL);
    images_piece(fixture->images, 99, slice_from_text("x"));
    images_ended(fixture->images, &(struct wire_end){.stream = 99});
    images_ended(fixture->images, &(struct wire_end){.stream = 0});
}

static void what_is_no_image_is_removed_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_image_ struct wire_image file = publish_file(fixture, 5, 'a');
    _cleanup_free_ char *place = file_join(fixture->folder, file.sha256);
    _cleanup_free_ char *root = file_join(place, "root");

    close_images(fixture);
    assert_int_equal(file_make_folders(root, 0700, NULL), 0);
    open_images(fixture, 1 << 30);
    assert_not_here(fixture, &file);
    get(fixture, &file);
    assert_here(fixture, &file, NULL, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_is_fetched_once),
        TEST(images_outlive_the_agent),
        TEST(what_has_come_need_not_come_again),
        TEST(what_was_damaged_meanwhile_comes_again),
        TEST(a_new_connection_goes_on),
        TEST(a_damaged_chunk_comes_again),
        TEST(a_server_that_is_always_wrong_is_given_up),
        TEST(what_the_server_does_not_have_fails),
        TEST(a_manifest_must_say_what_was_said),
        TEST(a_hostile_tree_leaves_nothing),
        TEST(what_is_used_longest_ago_makes_room),
        TEST(what_is_in_use_stays),
        TEST(what_nobody_waits_for_stops),
        TEST(nonsense_is_refused),
        TEST(what_is_no_image_is_removed_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
