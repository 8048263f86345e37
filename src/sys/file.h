/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files and folders. A file that dusk writes appears under its name complete or not at all:
 * it is written beside its place, flushed if asked, and renamed.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

/* Reads the file and appends it; -EFBIG if it is larger than `size_max` bytes. */
int file_read(const char *path, size_t size_max, struct buffer *content, struct error *err);

/* Writes all of it, also to pipes, across EINTR and short writes. Returns 0 or a negative errno. */
int file_write_all(int fd, const void *data, size_t length);

/* Replaces the file atomically; `durable` asks for fsync of file and folder before it returns. */
int file_replace(const char *path, const void *data, size_t length, mode_t mode, bool durable,
                 struct error *err);

/* mkdir -p: makes what is missing with `mode`; what exists stays as it is. */
int file_make_folders(const char *path, mode_t mode, struct error *err);

/*
 * Removes a file or a folder with everything in it, without following links and without crossing
 * into another file system's mount by a link; missing is success. Makes closed folders accessible.
 */
int file_remove_tree(const char *path, struct error *err);

/* Copies the rest of one open file to another, in the kernel where that works. */
int file_copy(int from, int to, struct error *err);

/* "folder/name", owned by the caller; an absolute `name` stands for itself. */
char *file_join(const char *folder, const char *name);

/*
 * Whether a name that came from outside stays inside the folder that it is joined to: relative,
 * not empty, no '..' and no '.' or empty component, no NUL, at most 4096 bytes, valid as a path on
 * Linux.
 */
bool file_name_is_contained(const char *name);
