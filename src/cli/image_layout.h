/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image of the Open Container Initiative as it lies in a folder or an archive
 * ("image-layout.md"): its layers, laid upon one another. Each of its parts is compared with its
 * hash before it is used.
 */
#pragma once

#include "image_archive.h"

/* Whether the tree has such an image in it. */
bool image_layout_is_one(struct image_tree *layout);
/* Adds what its layers make together; contents go into the spool. */
int image_layout_read(struct image_tree *layout, struct image_tree *tree, struct image_spool *spool,
                      struct image_counts *counts, struct error *err);
