/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a file's name, as $F() takes them (condor_submit(1), "$F", and HTCondor's manual on
 * configuration macros). Both '/' and '\' separate directories; a name ends where its last '.' is.
 */
#pragma once

#include "base/buffer.h"

struct file_name_parts {
    bool is_full;         /* f: with the folder in front of a relative path */
    bool has_path;        /* p: all directories */
    uint32_t directories; /* d, dd...: so many of them, the last ones */
    bool has_name;        /* n: the name without its extension */
    bool has_extension;   /* x: with its '.' */
    bool is_bare;         /* b: without the last '/', or the '.' of the extension */
    char quote;           /* q: '"', with a: '\''; 0: none */
    char separator;       /* u: '/', w: '\\', in place of the other; 0: as it is */
};

/* Appends those parts of `path`, whose own quotes do not count. `folder` may be empty. */
void file_name_append(const struct file_name_parts *parts, struct slice path, struct slice folder,
                      struct buffer *text);
