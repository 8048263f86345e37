/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See images.h. What is on the disk says all: a folder under its hash is an image that is whole,
 * because it was renamed to that when it was; its time of change is that of its last use. What is
 * to go is renamed at once and removed by a child later, since a tree has a hundred thousand files.
 */
#include "images_internal.h"

#include "base/memory.h"
#include "base/number.h"
#include "lang/text.h"
#include "sys/file.h"
#include "sys/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, ABOUT_SIZE_MAX = 256 };

/* ---- places ---- */

char *images_place(const struct images *images, const char *sha256)
{
    return file_join(images->folder, sha256);
}

char *images_place_arriving(const struct images *images, const char *sha256)
{
    _cleanup_free_ char *arriving = file_join(images->folder, IMAGES_ARRIVING);

    return file_join(arriving, sha256);
}

static char *place_gone(const struct images *images)
{
    return file_join(images->folder, IMAGES_GONE);
}

/* ---- removing ---- */

/* The folder itself stays, since more may be moved into it meanwhile. */
static int run_removal(void *context, struct error *err)
{
    const struct images *images = context;
    _cleanup_free_ char *gone = place_gone(images);
    DIR *open_folder = opendir(gone);
    struct dirent *item;
    int r = 0;

    if (!open_folder)
        return error_set_errno(err, -errno, "cannot open '%s'", gone);
    while (r == 0 && (item = readdir(open_folder))) {
        _cleanup_free_ char *path = file_join(gone, item->d_name);

        if (item->d_name[0] != '.')
            r = file_remove_tree(path, err);
    }
    closedir(open_folder);
    return r;
}

static void start_removal(struct images *images);

static void on_removed(void *context, int result, const struct error *err)
{
    struct images *images = context;

    images->removal = NULL;
    if (result < 0)
        log_warning("cannot remove an image that nobody uses: %s", error_text(err));
    if (images->removal_is_due)
        start_removal(images);
    image_fetch_next(images);
}

/* What is thrown away while a child removes may come too late for it. */
static void start_removal(struct images *images)
{
    struct errand_task task = {.run = run_removal, .on_done = on_removed, .context = images};
    _cleanup_error_ struct error err = ERROR_INIT;

    images->removal_is_due = images->removal != NULL;
    if (!images->removal && errand_start(images->loop, &task, &images->removal, &err) < 0)
        log_warning("cannot remove an image that nobody uses: %s", error_text(&err));
}

bool images_are_removing(const struct images *images)
{
    return images->removal != NULL;
}

void images_throw_away(struct images *images, const char *path)
{
    _cleanup_free_ char *gone = place_gone(images);
    _cleanup_buffer_ struct buffer to = BUFFER_INIT;

    do {
        buffer_clear(&to);
        buffer_appendf(&to, "%s/%llu", gone, (unsigned long long)++images->last_gone);
    } while (rename(path, to.data) < 0 && (errno == EEXIST || errno == ENOTEMPTY));
    start_removal(images);
}

/* ---- entries ---- */

static struct image *find_image(const struct images *images, const char *sha256)
{
    for (size_t i = 0; i < images->count; i++)
        if (strcmp(images->items[i]->sha256, sha256) == 0)
            return images->items[i];
    return NULL;
}

static struct image *add_image(struct images *images, const char *sha256)
{
    struct image *image = memory_allocate(sizeof(*image));

    memcpy(image->sha256, sha256, HASH_TEXT_SIZE);
    array_reserve(images->items, images->capacity, images->count + 1);
    images->items[images->count++] = image;
    return image;
}

static void drop_image(struct images *images, struct image *image)
{
    size_t place = 0;

    while (images->items[place] != image)
        place++;
    images->items[place] = images->items[--images->count];
    free(image);
}

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* A new agent goes on with the same order. */
static void touch(const struct images *images, struct image *image)
{
    _cleanup_free_ char *place = images_place(images, image->sha256);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    image->used = nanoseconds(now);
    (void)utimensat(AT_FDCWD, place, NULL, AT_SYMLINK_NOFOLLOW);
}

uint64_t images_size(const struct images *images)
{
    uint64_t size = 0;

    for (size_t i = 0; i < images->count; i++)
        size += images->items[i]->bytes;
    return size;
}

void images_append_hashes(const struct images *images, struct buffer *text)
{
    uint64_t below = UINT64_MAX;
    const struct image *next;

    do {
        next = NULL;
        for (size_t i = 0; i < images->count; i++) {
            const struct image *image = images->items[i];

            if (image->is_here && image->used < below && (!next || image->used > next->used))
                next = image;
        }
        if (!next)
            return;
        buffer_appendf(text, "%s%s", below == UINT64_MAX ? "" : ",", next->sha256);
        below = next->used;
    } while (true);
}

static void remove_image(struct images *images, struct image *image)
{
    _cleanup_free_ char *place = image->is_here ? images_place(images, image->sha256)
                                                : images_place_arriving(images, image->sha256);

    images_throw_away(images, place);
    drop_image(images, image);
}

static struct image *find_oldest_unused(const struct images *images)
{
    struct image *oldest = NULL;

    for (size_t i = 0; i < images->count; i++) {
        struct image *image = images->items[i];

        if (image->uses == 0 && image->wanted == 0 && (!oldest || image->used < oldest->used))
            oldest = image;
    }
    return oldest;
}

bool images_make_room(struct images *images, uint64_t more)
{
    struct image *oldest;

    while (images_size(images) > images->size_max ||
           more > images->size_max - images_size(images)) {
        oldest = find_oldest_unused(images);
        if (!oldest)
            return false;
        log_notice("the image %s makes room for others", oldest->sha256);
        remove_image(images, oldest);
    }
    return true;
}

/* ---- what is there at the start ---- */

/* "tree 123456\n" */
static bool read_about(const char *place, struct image *image)
{
    _cleanup_free_ char *path = file_join(place, "about");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *kind = NULL;
    struct slice line;

    if (file_read(path, ABOUT_SIZE_MAX, &text, NULL) < 0)
        return false;
    line = (struct slice){buffer_text(&text), text.length};
    kind = slice_copy(text_take(&line, ' '));
    return image_kind_from_name(kind, &image->kind) && number_parse_u64(line, &image->bytes) == 0;
}

/* The agent ended before it had removed what the image was unpacked from. */
static void find_whole(struct images *images, const char *sha256)
{
    _cleanup_free_ char *place = images_place(images, sha256), *data = file_join(place, "data");
    struct image found = {.is_here = true}, *image;
    struct stat status;

    if (!read_about(place, &found) || stat(place, &status) < 0) {
        images_throw_away(images, place);
        return;
    }
    unlink(data);
    found.used = nanoseconds(status.st_mtim);
    image = add_image(images, sha256);
    memcpy(found.sha256, image->sha256, HASH_TEXT_SIZE);
    *image = found;
}

/* What was unpacked of it when the agent ended is worth nothing; what has come is. */
static void find_part(struct images *images, const char *sha256)
{
    _cleanup_free_ char *place = images_place_arriving(images, sha256),
                        *root = file_join(place, "root"), *data = file_join(place, "data");
    struct stat status;
    struct image *image;

    if (access(root, F_OK) == 0)
        images_throw_away(images, root);
    if (stat(data, &status) < 0) {
        images_throw_away(images, place);
        return;
    }
    image = add_image(images, sha256);
    image->bytes = (uint64_t)status.st_blocks * 512;
    image->used = nanoseconds(status.st_mtim);
}

static int find_all(struct images *images, const char *folder,
                    void (*find)(struct images *images, const char *sha256), struct error *err)
{
    DIR *open_folder = opendir(folder);
    struct dirent *item;

    if (!open_folder)
        return error_set_errno(err, -errno, "cannot open '%s'", folder);
    while ((item = readdir(open_folder)))
        if (hash_text_is_valid(item->d_name) && !find_image(images, item->d_name))
            find(images, item->d_name);
    closedir(open_folder);
    return 0;
}

int images_open(uv_loop_t *loop, const char *folder, uint64_t size_max,
                const struct images_world *world, struct images **ret_images, struct error *err)
{
    struct images *images = memory_allocate(sizeof(*images));
    _cleanup_free_ char *arriving = file_join(folder, IMAGES_ARRIVING);
    _cleanup_free_ char *gone = file_join(folder, IMAGES_GONE);
    int r;

    *images = (struct images){.loop = loop,
                              .folder = memory_copy_string(folder),
                              .size_max = size_max,
                              .world = *world,
                              .fetch.fd = -1};
    uv_idle_init(loop, &images->turn);
    images->turn.data = images;
    r = file_make_folders(arriving, FOLDER_MODE, err);
    if (r == 0)
        r = file_make_folders(gone, FOLDER_MODE, err);
    if (r == 0)
        r = find_all(images, folder, find_whole, err);
    if (r == 0)
        r = find_all(images, arriving, find_part, err);
    if (r < 0) {
        images_free(images);
        return r;
    }
    start_removal(images);
    (void)images_make_room(images, 0);
    *ret_images = images;
    return 0;
}

static void on_turn_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct images *images_free(struct images *images)
{
    if (!images)
        return NULL;
    image_fetch_stop(images);
    if (images->removal)
        errand_cancel(images->removal);
    for (size_t i = 0; i < images->count; i++)
        free(images->items[i]);
    free(images->items);
    free(images->folder);
    uv_close((uv_handle_t *)&images->turn, on_turn_closed);
    return NULL;
}

/* ---- use ---- */

char *images_path(const struct images *images, const char *sha256)
{
    const struct image *image = find_image(images, sha256);
    _cleanup_free_ char *place = images_place(images, sha256);

    if (!image || !image->is_here)
        return NULL;
    return file_join(place, image->kind == IMAGE_TREE ? "root" : "image");
}

/* Somebody may have tidied up behind our back. */
static bool is_still_here(struct images *images, struct image *image)
{
    _cleanup_free_ char *path = images_path(images, image->sha256);

    return path && access(path, F_OK) == 0;
}

static int check_image(const struct images *images, const struct wire_image *image,
                       struct error *err)
{
    if (!hash_text_is_valid(image->sha256) || image->size == 0)
        return error_set(err, -EINVAL, "its image is named by no hash, or has no size");
    if (image->size <= images->size_max)
        return 0;
    error_set(err, -EFBIG, "its image %.12s has %llu MB, and this node keeps %llu MB of images",
              image->sha256, (unsigned long long)image->size >> 20,
              (unsigned long long)images->size_max >> 20);
    error_hint(err, "take a smaller image, or let the node keep more (image_cache)");
    return -EFBIG;
}

static void join_line(struct images *images, struct image *image, const struct wire_image *wanted)
{
    image->kind = wanted->kind;
    image->size = wanted->size;
    image->wanted = ++images->last_wanted;
}

/* Not at once, so that whoever wants an image hears of its end only when he has asked for it. */
static void on_turn(uv_idle_t *turn)
{
    uv_idle_stop(turn);
    image_fetch_next(turn->data);
}

int images_want(struct images *images, const struct wire_image *wanted, struct error *err)
{
    struct image *image = find_image(images, wanted->sha256);
    int r;

    if (image && image->is_here && (image->uses > 0 || is_still_here(images, image))) {
        image->uses++;
        touch(images, image);
        return 0;
    }
    r = check_image(images, wanted, err);
    if (r < 0)
        return r;
    if (image && image->is_here) {
        remove_image(images, image);
        image = NULL;
    }
    if (!image)
        image = add_image(images, wanted->sha256);
    image->uses++;
    if (image->wanted == 0)
        join_line(images, image, wanted);
    uv_idle_start(&images->turn, on_turn);
    return 1;
}

/* What nobody waits for any more need not come; what has come of it may serve the next one. */
static void leave_line(struct images *images, struct image *image)
{
    if (images->fetch.image == image)
        image_fetch_stop(images);
    image->wanted = 0;
    if (image->bytes == 0)
        drop_image(images, image);
}

void images_release(struct images *images, const char *sha256)
{
    struct image *image = find_image(images, sha256);

    assert(image && image->uses > 0);
    if (--image->uses > 0)
        return;
    if (image->wanted > 0)
        leave_line(images, image);
    else if (!image->is_here && image->bytes == 0)
        drop_image(images, image);
    (void)images_make_room(images, 0);
    image_fetch_next(images);
}

void images_arrived(struct images *images, struct image *image, enum reason failure,
                    const struct error *err)
{
    char sha256[HASH_TEXT_SIZE];

    memcpy(sha256, image->sha256, HASH_TEXT_SIZE);
    image->wanted = 0;
    image->is_here = failure == REASON_NONE;
    if (image->is_here)
        touch(images, image);
    /* Whoever hears of it may let go of it, and then it may be gone. */
    images->world.on_ready(images->world.userdata, sha256, failure, err);
    (void)images_make_room(images, 0);
    image_fetch_next(images);
}
