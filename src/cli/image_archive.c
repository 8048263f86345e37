/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_archive.h. Whose the files are is not looked at: in an image all are root's. Names that
 * an image cannot have are refused, and not left out, so that nobody misses them later.
 */
#define _GNU_SOURCE
#include "image_archive.h"

#include "archive_library.h"
#include "base/map.h"
#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <paths.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024 };

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

/* ---- the spool ---- */

void image_spool_deinit(struct image_spool *spool)
{
    descriptor_close(spool->fd);
    *spool = IMAGE_SPOOL_INIT;
}

/* Beside large files of others, and not in memory, as /tmp often is. */
static int spool_open(struct image_spool *spool, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    if (spool->fd >= 0)
        return 0;
    if (!folder || folder[0] != '/')
        folder = _PATH_VARTMP;
    buffer_appendf(&path, "%s/dusk-image-XXXXXX", folder);
    spool->fd = mkostemp(path.data, O_CLOEXEC);
    if (spool->fd < 0) {
        r = error_set_errno(err, -errno, "cannot make a temporary file in '%s'", folder);
        error_hint(err, "name another folder by the variable TMPDIR");
        return r;
    }
    (void)unlink(path.data);
    return 0;
}

/* ---- archives ---- */

struct reading {
    const struct archive_library *library;
    struct archive *archive;
    int fd; /* whose bytes from `offset` to `end` are the archive */
    uint64_t offset, end;
    struct buffer piece;
    struct image_tree *tree;
    struct image_spool *spool;
    struct image_counts *counts;
    bool is_layer;
};

/*
 * A name's bytes as the archive has them. Those that are said to be UTF-8 cannot be converted where
 * the locale has no such characters, and need not be.
 */
static const char *name_of(struct archive_entry *entry,
                           const char *(*get)(struct archive_entry *entry),
                           const char *(*get_utf8)(struct archive_entry *entry))
{
    const char *name = get(entry);

    return name ? name : get_utf8(entry);
}

static int fail_archive(const struct reading *reading, struct error *err)
{
    const char *why = reading->library->error_string(reading->archive);

    return error_set(err, -EBADMSG, "cannot read the archive: %s", why ? why : "it is damaged");
}

/* A hole of a sparse file is one in the spool as well. */
static int spool_content(struct reading *reading, uint64_t size, struct error *err)
{
    struct image_spool *spool = reading->spool;
    const void *block;
    la_int64_t offset;
    size_t length;
    int r;

    while ((r = reading->library->read_data_block(reading->archive, &block, &length, &offset)) ==
           ARCHIVE_OK) {
        if (offset < 0 || (uint64_t)offset > size || length > size - (uint64_t)offset)
            return error_set(err, -EBADMSG, "a file in the archive is longer than it says");
        if (lseek(spool->fd, (off_t)(spool->size + (uint64_t)offset), SEEK_SET) < 0)
            return error_set_errno(err, -errno, "cannot write to a temporary file");
        r = file_write_all(spool->fd, block, length);
        if (r < 0)
            return error_set_errno(err, r, "cannot write to a temporary file");
    }
    if (r != ARCHIVE_EOF)
        return fail_archive(reading, err);
    if (ftruncate(spool->fd, (off_t)(spool->size + size)) < 0)
        return error_set_errno(err, -errno, "cannot write to a temporary file");
    return 0;
}

static int read_file(struct reading *reading, struct archive_entry *entry, const char *path,
                     struct error *err)
{
    la_int64_t announced = reading->library->entry_size(entry);
    uint64_t size = announced > 0 ? (uint64_t)announced : 0;
    struct image_origin origin;
    int r;

    r = spool_open(reading->spool, err);
    if (r < 0)
        return r;
    origin = (struct image_origin){.fd = reading->spool->fd, .offset = reading->spool->size};
    r = image_tree_add_file(reading->tree, path, reading->library->entry_perm(entry),
                            reading->library->entry_mtime(entry), size, &origin, NULL, err);
    if (r == 0)
        r = spool_content(reading, size, err);
    reading->spool->size += size;
    return r;
}

static int read_hard_link(struct reading *reading, const char *path, const char *target,
                          struct error *err)
{
    struct image_file *file = image_tree_find_file(reading->tree, target);

    if (!file)
        return error_set(err, -EBADMSG,
                         "'%.200s' in the archive is another name of a file that is "
                         "not there",
                         path);
    return image_tree_add_name(reading->tree, path, file, err);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_whiteout(const struct reading *reading, const char *path)
{
    return reading->is_layer && strncmp(last_name(path), WHITEOUT, strlen(WHITEOUT)) == 0;
}

static void read_whiteout(struct reading *reading, const char *path)
{
    const char *name = last_name(path);
    _cleanup_buffer_ struct buffer gone = BUFFER_INIT;

    buffer_append(&gone, path, (size_t)(name - path));
    if (strcmp(name, OPAQUE) == 0) {
        image_tree_remove_content(reading->tree, buffer_text(&gone));
    } else if (name[strlen(WHITEOUT)] != '\0') {
        buffer_append_text(&gone, name + strlen(WHITEOUT));
        image_tree_remove(reading->tree, gone.data);
    }
}

static int read_kind(struct reading *reading, struct archive_entry *entry, const char *path,
                     struct error *err)
{
    const struct archive_library *library = reading->library;
    const char *target = name_of(entry, library->entry_hardlink, library->entry_hardlink_utf8);

    if (target)
        return read_hard_link(reading, path, target, err);
    switch (library->entry_filetype(entry)) {
    case AE_IFREG:
        return read_file(reading, entry, path, err);
    case AE_IFDIR:
        return image_tree_add_folder(reading->tree, path, library->entry_perm(entry),
                                     library->entry_mtime(entry), err);
    case AE_IFLNK:
        target = name_of(entry, library->entry_symlink, library->entry_symlink_utf8);
        return image_tree_add_link(reading->tree, path, target ? target : "",
                                   library->entry_mtime(entry), err);
    default:
        reading->counts->left_out++;
        return 0;
    }
}

/* What a layer takes away it takes from those below it, wherever in the layer that is said. */
static int read_entry(struct reading *reading, struct archive_entry *entry, bool whiteouts,
                      struct error *err)
{
    const struct archive_library *library = reading->library;
    const char *path = name_of(entry, library->entry_pathname, library->entry_pathname_utf8);

    if (!path)
        return error_set(err, -EBADMSG, "a name in the archive cannot be read");
    reading->counts->taken += !whiteouts;
    if (is_whiteout(reading, path) != whiteouts)
        return 0;
    if (!whiteouts)
        return read_kind(reading, entry, path, err);
    read_whiteout(reading, path);
    return 0;
}

static la_ssize_t read_piece(struct archive *archive, void *userdata, const void **ret_bytes)
{
    struct reading *reading = userdata;
    uint64_t left = reading->end - reading->offset;
    ssize_t n;

    (void)archive;
    buffer_clear(&reading->piece);
    buffer_reserve(&reading->piece, READ_SIZE);
    n = pread(reading->fd, reading->piece.data, left < READ_SIZE ? left : READ_SIZE,
              (off_t)reading->offset);
    if (n > 0)
        reading->offset += (uint64_t)n;
    *ret_bytes = reading->piece.data;
    return n;
}

static int open_archive(struct reading *reading, struct error *err)
{
    const struct archive_library *library = reading->library;

    reading->archive = library->read_new();
    if (!reading->archive)
        return error_set(err, -ENOMEM, "there is no memory for reading an archive");
    library->read_support_format_tar(reading->archive);
    library->read_support_filter_gzip(reading->archive);
    library->read_support_filter_bzip2(reading->archive);
    library->read_support_filter_xz(reading->archive);
    library->read_support_filter_zstd(reading->archive);
    if (library->read_open(reading->archive, reading, NULL, read_piece, NULL) != ARCHIVE_OK)
        return fail_archive(reading, err);
    return 0;
}

/* One walk through the archive, for what it takes away or for the rest. */
static int walk_archive(struct reading *reading, bool whiteouts, struct error *err)
{
    uint64_t begin = reading->offset;
    struct archive_entry *entry;
    int r = open_archive(reading, err), next = ARCHIVE_EOF;

    while (r == 0 &&
           ((next = reading->library->read_next_header(reading->archive, &entry)) == ARCHIVE_OK ||
            next == ARCHIVE_WARN))
        r = read_entry(reading, entry, whiteouts, err);
    if (r == 0 && next != ARCHIVE_EOF)
        r = fail_archive(reading, err);
    if (reading->archive)
        reading->library->read_free(reading->archive);
    reading->offset = begin;
    return r;
}

int image_archive_read(int fd, uint64_t offset, uint64_t size, bool is_layer,
                       struct image_tree *tree, struct image_spool *spool,
                       struct image_counts *counts, struct error *err)
{
    struct reading reading = {.library = archive_library_load(err),
                              .fd = fd,
                              .offset = offset,
                              .end = offset + size,
                              .tree = tree,
                              .spool = spool,
                              .counts = counts,
                              .is_layer = is_layer};
    int r = reading.library ? 0 : -ENOENT;

    if (r == 0 && is_layer)
        r = walk_archive(&reading, true, err);
    if (r == 0)
        r = walk_archive(&reading, false, err);
    buffer_deinit(&reading.piece);
    return r;
}

/* ---- folders ---- */

struct scan {
    struct image_tree *tree;
    struct image_counts *counts;
    size_t root_length;
    struct map files; /* number on the device -> struct image_file *, of those with several names */
};

static int scan_file(struct scan *scan, const FTSENT *entry, const char *path, struct error *err)
{
    const struct stat *status = entry->fts_statp;
    struct image_origin origin = {.path = entry->fts_path, .fd = -1};
    struct image_file *file = NULL;
    uint64_t known;
    int r;

    if (status->st_nlink > 1 && map_get(&scan->files, status->st_ino, &known))
        return image_tree_add_name(scan->tree, path, (struct image_file *)(uintptr_t)known, err);
    r = image_tree_add_file(scan->tree, path, status->st_mode, status->st_mtim.tv_sec,
                            (uint64_t)status->st_size, &origin, &file, err);
    if (r == 0 && status->st_nlink > 1)
        map_put(&scan->files, status->st_ino, (uint64_t)(uintptr_t)file);
    return r;
}

static int scan_link(struct scan *scan, const FTSENT *entry, const char *path, struct error *err)
{
    char target[IMAGE_TREE_PATH_MAX + 2];
    ssize_t length = readlink(entry->fts_path, target, sizeof(target) - 1);

    if (length < 0)
        return error_set_errno(err, -errno, "cannot read the link '%s'", entry->fts_path);
    target[length] = '\0';
    return image_tree_add_link(scan->tree, path, target, entry->fts_statp->st_mtim.tv_sec, err);
}

static int scan_entry(struct scan *scan, const FTSENT *entry, struct error *err)
{
    const char *path = entry->fts_path + scan->root_length;

    switch (entry->fts_info) {
    case FTS_D:
        return image_tree_add_folder(scan->tree, path, entry->fts_statp->st_mode,
                                     entry->fts_statp->st_mtim.tv_sec, err);
    case FTS_F:
        return scan_file(scan, entry, path, err);
    case FTS_SL:
    case FTS_SLNONE:
        return scan_link(scan, entry, path, err);
    case FTS_DP:
        return 0;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return error_set_errno(err, -entry->fts_errno, "cannot read '%s'", entry->fts_path);
    default:
        scan->counts->left_out++;
        return 0;
    }
}

int image_folder_read(const char *path, struct image_tree *tree, struct image_counts *counts,
                      struct error *err)
{
    char *const roots[] = {(char *)path, NULL};
    struct scan scan = {.tree = tree, .counts = counts, .root_length = strlen(path)};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;
    int r = 0;

    if (!walk)
        return error_set_errno(err, -errno, "cannot read the folder '%s'", path);
    while (r == 0 && (entry = fts_read(walk))) {
        r = scan_entry(&scan, entry, err);
        counts->taken++;
    }
    fts_close(walk);
    map_deinit(&scan.files);
    return r;
}
