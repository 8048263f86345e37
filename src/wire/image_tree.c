/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_tree.h. A reader first takes out of an entry what it says, then writes it again and
 * compares: whatever differs from the one form, by a blank or by a checksum, is found by that.
 *
 * What a block of ustar has no room for stands in front, as an extended header of pax, and only
 * then: "linkpath" and "path" beyond 100 bytes.
 */
#include "image_tree.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* Places and lengths in a block ("ustar Interchange Format"). */
enum {
    NAME = 0,
    MODE = 100,
    USER = 108,
    GROUP = 116,
    SIZE = 124,
    TIME = 136,
    CHECKSUM = 148,
    TYPE = 156,
    TARGET = 157,
    MAGIC = 257,
    TEXT_LENGTH = 100,
    SHORT_DIGITS = 7,
    LONG_DIGITS = 11
};

static const char type_of[] = {[IMAGE_ENTRY_FILE] = '0',
                               [IMAGE_ENTRY_FOLDER] = '5',
                               [IMAGE_ENTRY_LINK] = '2',
                               [IMAGE_ENTRY_SAME] = '1'};

#define PAX_TYPE 'x'
#define PAX_NAME "pax"

void image_entry_deinit(struct image_entry *entry)
{
    free(entry->path);
    free(entry->target);
    *entry = IMAGE_ENTRY_INIT;
}

uint64_t image_entry_padding(const struct image_entry *entry)
{
    uint64_t over = entry->size % IMAGE_TREE_BLOCK;

    return over > 0 ? IMAGE_TREE_BLOCK - over : 0;
}

/* ---- writing ---- */

/* Octal digits with zeros in front, and a NUL. */
static void put_number(char *field, int digits, uint64_t number)
{
    for (int i = digits - 1; i >= 0; i--, number >>= 3)
        field[i] = (char)('0' + (number & 7));
}

/* Of all bytes, with blanks where the sum itself will stand. */
static uint64_t sum_of(const char *block)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < IMAGE_TREE_BLOCK; i++)
        sum += i >= CHECKSUM && i < TYPE ? ' ' : (unsigned char)block[i];
    return sum;
}

/* A name that is too long is left out here: it stood in the extended header. */
static void put_text(char *field, const char *text)
{
    size_t length = strlen(text);

    if (length <= TEXT_LENGTH)
        memcpy(field, text, length);
}

static void append_block(struct buffer *out, char type, const char *name, const char *target,
                         const struct image_entry *entry)
{
    char block[IMAGE_TREE_BLOCK] = {0};

    put_text(block + NAME, name);
    put_number(block + MODE, SHORT_DIGITS, entry->mode);
    put_number(block + USER, SHORT_DIGITS, 0);
    put_number(block + GROUP, SHORT_DIGITS, 0);
    put_number(block + SIZE, LONG_DIGITS, entry->size);
    put_number(block + TIME, LONG_DIGITS, entry->time);
    block[TYPE] = type;
    put_text(block + TARGET, target);
    memcpy(block + MAGIC,
           "ustar\0"
           "00",
           8);
    put_number(block + CHECKSUM, SHORT_DIGITS - 1, sum_of(block));
    block[TYPE - 1] = ' ';
    buffer_append(out, block, sizeof(block));
}

static void append_zeros(struct buffer *out, uint64_t count)
{
    static const char zeros[IMAGE_TREE_BLOCK];

    buffer_append(out, zeros, count);
}

static size_t count_digits(size_t number)
{
    size_t digits = 1;

    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

/* "16 path=folder/x\n", where 16 counts its own digits, too. */
static void append_record(struct buffer *out, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1;

    while (rest + count_digits(length) != length)
        length++;
    buffer_appendf(out, "%zu %s=%s\n", length, key, value);
}

static void append_pax(struct buffer *out, const char *name, const char *target)
{
    _cleanup_buffer_ struct buffer records = BUFFER_INIT;
    struct image_entry about = {.mode = 0644};

    if (strlen(target) > TEXT_LENGTH)
        append_record(&records, "linkpath", target);
    if (strlen(name) > TEXT_LENGTH)
        append_record(&records, "path", name);
    if (records.length == 0)
        return;
    about.size = records.length;
    append_block(out, PAX_TYPE, PAX_NAME, "", &about);
    buffer_append(out, records.data, records.length);
    append_zeros(out, image_entry_padding(&about));
}

void image_entry_append(struct buffer *out, const struct image_entry *entry)
{
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    const char *target = entry->target ? entry->target : "";

    buffer_append_text(&name, entry->path);
    if (entry->kind == IMAGE_ENTRY_FOLDER)
        buffer_append_character(&name, '/');
    append_pax(out, name.data, target);
    append_block(out, type_of[entry->kind], name.data, target, entry);
}

/* ---- reading ---- */

static int refuse(struct error *err, const char *why)
{
    return error_set(err, -EBADMSG, "the image is not well formed: %s", why);
}

/* Digits that are none are found when the entry is compared. */
static uint64_t get_number(const char *field, int digits)
{
    uint64_t number = 0;

    for (int i = 0; i < digits; i++)
        number = number << 3 | (unsigned char)((field[i] - '0') & 7);
    return number;
}

static char *get_text(const char *field)
{
    return memory_copy_bytes(field, strnlen(field, TEXT_LENGTH));
}

/*
 * Takes the record of that key off the front of the records, if it is there. Its length says where
 * it ends: a link may lead to a name with a line feed.
 */
static char *take_record(struct slice *records, const char *key)
{
    const char *value, *end = records->data + records->length, *at = records->data;
    size_t length = 0, key_length = strlen(key);
    char *text;

    for (; at < end && *at >= '0' && *at <= '9' && length <= records->length; at++)
        length = length * 10 + (size_t)(*at - '0');
    value = at + key_length + 2;
    if (length > records->length || (size_t)(at - records->data) + key_length + 3 > length ||
        strncmp(at + 1, key, key_length) != 0)
        return NULL;
    end = records->data + length;
    text = memory_copy_bytes(value, (size_t)(end - value) - 1);
    *records = (struct slice){end, records->length - length};
    return text;
}

/* Reads an extended header, if there is one, up to the block of the entry itself. */
static int read_pax(struct slice *bytes, struct image_entry *entry, struct error *err)
{
    struct slice records;
    uint64_t size;

    if (bytes->data[TYPE] != PAX_TYPE)
        return 0;
    size = get_number(bytes->data + SIZE, LONG_DIGITS);
    if (size > IMAGE_TREE_HEAD_MAX - 2 * IMAGE_TREE_BLOCK)
        return refuse(err, "a name is too long");
    records = (struct slice){bytes->data + IMAGE_TREE_BLOCK, size};
    size += IMAGE_TREE_BLOCK + image_entry_padding(&(struct image_entry){.size = size});
    if (bytes->length < size + IMAGE_TREE_BLOCK)
        return refuse(err, "it ends too early");
    entry->target = take_record(&records, "linkpath");
    entry->path = take_record(&records, "path");
    *bytes = (struct slice){bytes->data + size, bytes->length - size};
    return 0;
}

static int read_block(const char *block, struct image_entry *entry, struct error *err)
{
    size_t length;

    for (entry->kind = IMAGE_ENTRY_FILE; type_of[entry->kind] != block[TYPE]; entry->kind++)
        if (entry->kind == IMAGE_ENTRY_SAME)
            return refuse(err, "an entry is neither file nor folder nor link");
    entry->mode = (uint32_t)get_number(block + MODE, SHORT_DIGITS);
    entry->size = get_number(block + SIZE, LONG_DIGITS);
    entry->time = get_number(block + TIME, LONG_DIGITS);
    if (!entry->path)
        entry->path = get_text(block + NAME);
    if (!entry->target && (entry->kind == IMAGE_ENTRY_LINK || entry->kind == IMAGE_ENTRY_SAME))
        entry->target = get_text(block + TARGET);
    length = strlen(entry->path);
    if (entry->kind == IMAGE_ENTRY_FOLDER && length > 0 && entry->path[length - 1] == '/')
        entry->path[length - 1] = '\0';
    return 0;
}

static bool is_path(const char *path)
{
    size_t depth = 0;

    if (strlen(path) > IMAGE_TREE_PATH_MAX)
        return false;
    for (const char *at = path;; at++) {
        size_t length = strcspn(at, "/");

        if (length == 0 || length > IMAGE_TREE_NAME_MAX || (length == 1 && at[0] == '.') ||
            (length == 2 && at[0] == '.' && at[1] == '.') || ++depth > IMAGE_TREE_DEPTH_MAX)
            return false;
        at += length;
        if (*at == '\0')
            return true;
    }
}

static int check_entry(const struct image_entry *entry, struct error *err)
{
    bool is_link = entry->kind == IMAGE_ENTRY_LINK, is_same = entry->kind == IMAGE_ENTRY_SAME;

    if (!is_path(entry->path))
        return refuse(err, "a path leads out of it, or is too long");
    if (is_link && (entry->target[0] == '\0' || strlen(entry->target) > IMAGE_TREE_PATH_MAX))
        return refuse(err, "a link leads nowhere");
    if (is_same && !is_path(entry->target))
        return refuse(err, "a link leads out of it");
    if (is_link || is_same ? entry->mode != (is_link ? 0777U : 0U)
                           : entry->mode & ~IMAGE_TREE_MODES)
        return refuse(err, "an entry has permissions that it must not have");
    if (entry->kind != IMAGE_ENTRY_FILE && entry->size != 0)
        return refuse(err, "what is no file has a content");
    return 0;
}

static bool is_end(struct slice bytes)
{
    static const char zeros[IMAGE_TREE_END_SIZE];

    return bytes.length == IMAGE_TREE_END_SIZE && memcmp(bytes.data, zeros, sizeof(zeros)) == 0;
}

int image_entry_read(struct slice bytes, struct image_entry *entry, size_t *ret_length,
                     struct error *err)
{
    _cleanup_image_entry_ struct image_entry found = IMAGE_ENTRY_INIT;
    _cleanup_buffer_ struct buffer again = BUFFER_INIT;
    struct slice block = bytes;
    int r;

    if (is_end(bytes))
        return 1;
    if (bytes.length < IMAGE_TREE_BLOCK)
        return refuse(err, "it ends too early");
    r = read_pax(&block, &found, err);
    if (r == 0)
        r = read_block(block.data, &found, err);
    if (r == 0)
        r = check_entry(&found, err);
    if (r < 0)
        return r;
    image_entry_append(&again, &found);
    if (again.length > bytes.length || memcmp(again.data, bytes.data, again.length) != 0)
        return refuse(err, "an entry is written in another way than it must be");
    *ret_length = again.length;
    *entry = found;
    found = IMAGE_ENTRY_INIT;
    return 0;
}

/* ---- order ---- */

int image_tree_compare(const char *one, const char *other)
{
    unsigned char left, right;

    while (*one && *one == *other) {
        one++;
        other++;
    }
    left = (unsigned char)*one;
    right = (unsigned char)*other;
    /* The end of a path is before all, and then comes what is in that folder. */
    if (left == right)
        return 0;
    if (left == '\0' || right == '\0')
        return left == '\0' ? -1 : 1;
    if (left == '/' || right == '/')
        return left == '/' ? -1 : 1;
    return left < right ? -1 : 1;
}

/* All that a path before it goes through are folders, and itself if it is one. */
static bool has_begun(const struct image_entry *before, const char *path, size_t length)
{
    const char *rest;

    if (!before || strncmp(before->path, path, length) != 0)
        return false;
    rest = before->path + length;
    return *rest == '/' || (*rest == '\0' && before->kind == IMAGE_ENTRY_FOLDER);
}

int image_entry_check_order(const struct image_entry *before, const struct image_entry *entry,
                            struct error *err)
{
    const char *slash = strrchr(entry->path, '/');

    if (before && image_tree_compare(before->path, entry->path) >= 0)
        return refuse(err, "an entry does not stand where it must");
    if (slash && !has_begun(before, entry->path, (size_t)(slash - entry->path)))
        return refuse(err, "an entry is in a folder that is not there");
    if (entry->kind == IMAGE_ENTRY_SAME && image_tree_compare(entry->target, entry->path) >= 0)
        return refuse(err, "a link to a file stands before it");
    return 0;
}
