/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive (libarchive(3)), loaded when somebody adds an archive as an image. Linked to it, dusk
 * would look for it and for all the compressions that it knows at each start of each command.
 */
#pragma once

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>

/* Each name stands for the function archive_NAME() of the manual. */
#define ARCHIVE_FUNCTIONS(function)                                                                \
    function(entry_filetype);                                                                      \
    function(entry_hardlink);                                                                      \
    function(entry_hardlink_utf8);                                                                 \
    function(entry_mtime);                                                                         \
    function(entry_pathname);                                                                      \
    function(entry_pathname_utf8);                                                                 \
    function(entry_perm);                                                                          \
    function(entry_size);                                                                          \
    function(entry_symlink);                                                                       \
    function(entry_symlink_utf8);                                                                  \
    function(error_string);                                                                        \
    function(read_data_block);                                                                     \
    function(read_free);                                                                           \
    function(read_new);                                                                            \
    function(read_next_header);                                                                    \
    function(read_open);                                                                           \
    function(read_support_filter_bzip2);                                                           \
    function(read_support_filter_gzip);                                                            \
    function(read_support_filter_xz);                                                              \
    function(read_support_filter_zstd);                                                            \
    function(read_support_format_tar)

struct archive_library {
#define ARCHIVE_FUNCTION(name) __typeof__(archive_##name) *name
    ARCHIVE_FUNCTIONS(ARCHIVE_FUNCTION);
#undef ARCHIVE_FUNCTION
};

/* The same each time; it stays loaded. NULL: it is not there, or lacks something. */
const struct archive_library *archive_library_load(struct error *err);
