/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing files under names that came from outside (a node says what its task left). The name
 * cannot lead out of the folder that it is put into: not by '..', not by being absolute, and not
 * through a link that somebody placed on its way. What is there under the name already is
 * replaced; a file that is not complete is never seen under it.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* A file on its way: written beside its place, then renamed. */
struct contained_file {
    int fd;       /* to write to; -1: none */
    int folder;   /* where it will stand */
    char *name;   /* owned; its last component */
    char *beside; /* owned; what it is called until it is complete */
};

#define CONTAINED_FILE_INIT      ((struct contained_file){.fd = -1, .folder = -1})
#define _cleanup_contained_file_ _cleanup_(contained_file_deinit)

/*
 * Begins a file beneath the open folder and makes the folders that its name goes through with
 * mode 0777 and the umask. -EPERM if the name leaves the folder or a link or a file is on its way.
 */
int contained_file_begin(struct contained_file *file, int folder, const char *name,
                         struct error *err);
/* Gives it its mode and its name. `durable` asks for fsync of file and folder before. */
int contained_file_commit(struct contained_file *file, mode_t mode, bool durable,
                          struct error *err);
/* Removes what was not committed. */
void contained_file_deinit(struct contained_file *file);

/* Makes a folder beneath `folder`, and those on its way; one that is there keeps its content. */
int contained_make_folder(int folder, const char *name, mode_t mode, struct error *err);
