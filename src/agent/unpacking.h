/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with the bytes of an image on a node, by a child of the agent because it takes long:
 * the chunks that are here are compared with their hashes, and a tree of files (wire/image_tree.h)
 * is unpacked. Whatever the tree says, nothing is written outside of its folder, no link is
 * followed, and what comes out are files, folders and links of whoever unpacks, and nothing else.
 */
#pragma once

#include "wire/image.h"

/*
 * Which chunks of the image the file has, a byte each: 1 if it is right. What was written of one
 * when the agent ended is not.
 */
int unpacking_check(int fd, const struct image_manifest *manifest, struct buffer *ret_chunks,
                    struct error *err);

/*
 * Unpacks the tree in the first `size` bytes of the file into the empty folder, and has all of it
 * on the disk when it returns. *ret_bytes is about what that takes. -EBADMSG if the tree is not
 * well formed; what was unpacked so far is then to be removed.
 */
int unpacking_run(int fd, uint64_t size, const char *folder, uint64_t *ret_bytes,
                  struct error *err);
