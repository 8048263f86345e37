/* SPDX-License-Identifier: Apache-2.0 */
/* See image_source.h. File systems are known by the numbers that mount(8) knows them by. */
#include "image_source.h"

#include "base/memory.h"
#include "image_layout.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_SIZE = 256 * 1024 };

void image_source_deinit(struct image_source *source)
{
    image_tree_free(source->tree);
    image_spool_deinit(&source->spool);
    descriptor_close(source->fd);
    *source = IMAGE_SOURCE_INIT;
}

/* Their superblocks, little-endian. */
static bool find_kind(int fd, enum image_kind *ret_kind)
{
    static const struct {
        enum image_kind kind;
        off_t offset;
        size_t length;
        char bytes[5];
    } marks[] = {{IMAGE_SQUASHFS, 0, 4, "hsqs"},
                 {IMAGE_EXT4, 1024 + 56, 2, "\x53\xef"},
                 {IMAGE_EROFS, 1024, 4, "\xe2\xe1\xf5\xe0"}};
    char found[4];

    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        if (pread(fd, found, marks[i].length, marks[i].offset) != (ssize_t)marks[i].length ||
            memcmp(found, marks[i].bytes, marks[i].length) != 0)
            continue;
        *ret_kind = marks[i].kind;
        return true;
    }
    return false;
}

static int refuse_kind(const char *path, struct error *err)
{
    error_prefix(err, -EINVAL, "'%s' is no image", path);
    error_hint(err, "give a folder, a tar archive, an OCI image layout, or a file with a squashfs, "
                    "ext4 or erofs file system");
    return -EINVAL;
}

/* An archive or a folder may hold an image of layers, and is itself none then. */
static int read_layout(struct image_source *source, struct error *err)
{
    _cleanup_(image_tree_free_p) struct image_tree *layout = NULL;
    _cleanup_image_spool_ struct image_spool parts = IMAGE_SPOOL_INIT;

    if (!image_layout_is_one(source->tree))
        return 0;
    layout = take_pointer(source->tree);
    parts = source->spool;
    source->spool = IMAGE_SPOOL_INIT;
    source->tree = image_tree_new();
    source->counts = (struct image_counts){0};
    return image_layout_read(layout, source->tree, &source->spool, &source->counts, err);
}

static int open_file(const char *path, int fd, uint64_t size, struct image_source *source,
                     struct error *err)
{
    int r;

    if (find_kind(fd, &source->kind)) {
        source->fd = fd;
        return 0;
    }
    source->tree = image_tree_new();
    r = image_archive_read(fd, 0, size, false, source->tree, &source->spool, &source->counts, err);
    descriptor_close(fd);
    if (r == 0 && source->counts.taken == 0)
        r = error_set(err, -EBADMSG, "there is nothing in it");
    return r == -EBADMSG ? refuse_kind(path, err) : r;
}

int image_source_open(const char *path, struct image_source *source, struct error *err)
{
    /* A pipe must not stop us here before it can be refused. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        r = error_set_errno(err, -errno, "cannot open '%s'", path);
        descriptor_close(fd);
        return r;
    }
    if (S_ISDIR(status.st_mode)) {
        descriptor_close(fd);
        source->tree = image_tree_new();
        r = image_folder_read(path, source->tree, &source->counts, err);
    } else if (S_ISREG(status.st_mode)) {
        r = open_file(path, fd, (uint64_t)status.st_size, source, err);
    } else {
        descriptor_close(fd);
        error_set(err, -EINVAL, "it is neither a file nor a folder");
        r = refuse_kind(path, err);
    }
    if (r == 0 && source->tree)
        r = read_layout(source, err);
    return r;
}

static int write_file(int fd, image_sink *sink, void *userdata, struct error *err)
{
    _cleanup_buffer_ struct buffer piece = BUFFER_INIT;
    off_t offset = 0;
    ssize_t n;

    buffer_reserve(&piece, PIECE_SIZE);
    while ((n = pread(fd, piece.data, PIECE_SIZE, offset)) > 0) {
        int r = sink(userdata, piece.data, (size_t)n, err);

        if (r < 0)
            return r;
        offset += n;
    }
    return n < 0 ? error_set_errno(err, -errno, "cannot read the image") : 0;
}

int image_source_write(struct image_source *source, image_sink *sink, void *userdata,
                       struct error *err)
{
    return source->tree ? image_tree_write(source->tree, sink, userdata, err)
                        : write_file(source->fd, sink, userdata, err);
}
