/* SPDX-License-Identifier: Apache-2.0 */
/* See image.h. A manifest is read line by line, and each line has one form alone. */
#include "image.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FIRST_LINE "dusk-image 1"

static const char *const kind_names[IMAGE_KIND_COUNT] = {[IMAGE_TREE] = "tree",
                                                         [IMAGE_SQUASHFS] = "squashfs",
                                                         [IMAGE_EXT4] = "ext4",
                                                         [IMAGE_EROFS] = "erofs"};

const char *image_kind_name(enum image_kind kind)
{
    return kind_names[kind];
}

bool image_kind_from_name(const char *name, enum image_kind *ret_kind)
{
    for (enum image_kind kind = 0; kind < IMAGE_KIND_COUNT; kind++) {
        if (strcmp(name, kind_names[kind]) != 0)
            continue;
        *ret_kind = kind;
        return true;
    }
    return false;
}

void image_manifest_deinit(struct image_manifest *manifest)
{
    free(manifest->chunks);
    *manifest = IMAGE_MANIFEST_INIT;
}

static void add_chunk(struct image_manifest *manifest, const char *sha256)
{
    array_reserve(manifest->chunks, manifest->chunk_capacity, manifest->chunk_count + 1);
    memcpy(manifest->chunks[manifest->chunk_count++], sha256, HASH_TEXT_SIZE);
}

int image_manifest_add(struct image_manifest *manifest, const char *sha256, uint64_t size,
                       struct error *err)
{
    if (manifest->chunk_count == IMAGE_CHUNKS_MAX)
        return error_set(err, -EFBIG, "an image has %d GiB at most",
                         (int)((uint64_t)IMAGE_CHUNKS_MAX * IMAGE_CHUNK_SIZE >> 30));
    add_chunk(manifest, sha256);
    manifest->size += size;
    return 0;
}

uint64_t image_manifest_chunk_size(const struct image_manifest *manifest, size_t index)
{
    uint64_t before = (uint64_t)index * IMAGE_CHUNK_SIZE;

    return manifest->size - before < IMAGE_CHUNK_SIZE ? manifest->size - before : IMAGE_CHUNK_SIZE;
}

/* ---- the text ---- */

void image_manifest_write(const struct image_manifest *manifest, struct buffer *text)
{
    buffer_appendf(text, FIRST_LINE "\nkind %s\nsize %" PRIu64 "\n",
                   image_kind_name(manifest->kind), manifest->size);
    for (size_t i = 0; i < manifest->chunk_count; i++)
        buffer_appendf(text, "%s\n", manifest->chunks[i]);
}

/* Takes the next line off the text as a text of its own, without its end; false if there is none.
 */
static bool take_line(struct slice *text, char *line, size_t size)
{
    const char *end = text->length > 0 ? memchr(text->data, '\n', text->length) : NULL;
    size_t length = end ? (size_t)(end - text->data) : 0;

    if (!end || length >= size || memchr(text->data, '\0', length))
        return false;
    memcpy(line, text->data, length);
    line[length] = '\0';
    *text = (struct slice){.data = end + 1, .length = text->length - length - 1};
    return true;
}

/* "size 17", and nothing that means the same. */
static bool read_size(const char *line, uint64_t *ret_size)
{
    const char *digits = line + 5;

    return strncmp(line, "size ", 5) == 0 && digits[0] >= '1' && digits[0] <= '9' &&
           strspn(digits, "0123456789") == strlen(digits) &&
           number_parse_u64(slice_from_text(digits), ret_size) == 0;
}

static int read_head(struct slice *text, struct image_manifest *manifest, struct error *err)
{
    char line[HASH_TEXT_SIZE];

    if (!take_line(text, line, sizeof(line)) || strcmp(line, FIRST_LINE) != 0)
        return error_set(err, -EBADMSG, "it does not begin with '" FIRST_LINE "'");
    if (!take_line(text, line, sizeof(line)) || strncmp(line, "kind ", 5) != 0 ||
        !image_kind_from_name(line + 5, &manifest->kind))
        return error_set(err, -EBADMSG, "its second line names no kind of image");
    if (!take_line(text, line, sizeof(line)) || !read_size(line, &manifest->size) ||
        manifest->size > (uint64_t)IMAGE_CHUNKS_MAX * IMAGE_CHUNK_SIZE)
        return error_set(err, -EBADMSG, "its third line names no size");
    return 0;
}

/* The size says how many there must be, so that nobody sends more lines than he announced bytes. */
static int read_chunks(struct slice text, struct image_manifest *manifest, struct error *err)
{
    uint64_t count = (manifest->size + IMAGE_CHUNK_SIZE - 1) / IMAGE_CHUNK_SIZE;
    char line[HASH_TEXT_SIZE];

    if (text.length != count * HASH_TEXT_SIZE)
        return error_set(err, -EBADMSG, "it does not list %" PRIu64 " chunks", count);
    while (manifest->chunk_count < count) {
        if (!take_line(&text, line, sizeof(line)) || !hash_text_is_valid(line))
            return error_set(err, -EBADMSG, "its chunk %zu has no hash", manifest->chunk_count);
        add_chunk(manifest, line);
    }
    return 0;
}

int image_manifest_read(struct slice text, struct image_manifest *manifest, struct error *err)
{
    int r = read_head(&text, manifest, err);

    if (r == 0)
        r = read_chunks(text, manifest, err);
    return r < 0 ? error_prefix(err, r, "the manifest of the image makes no sense") : 0;
}

/* ---- names ---- */

static bool is_plain(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

bool image_name_is_valid(const char *name)
{
    const char *colon = strchr(name, ':');
    size_t length = strlen(name);

    for (const char *at = name; *at; at++)
        if (!is_plain(*at) && at != colon && !strchr("._-", *at))
            return false;
    return length <= IMAGE_NAME_LENGTH_MAX && is_plain(name[0]) && (!colon || colon[1]) &&
           !hash_text_is_valid(name);
}
