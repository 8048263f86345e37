/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a job needs from the submitter's computer, each looked at once, however many
 * tasks name it. What is missing or not what it should be is found here, before anything is sent.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "lang/submit.h"
#include "origin.h"
#include "sys/hash.h"

struct input {
    char *name; /* owned; the path that the task means (doc/specification/api.md, "files") */
    char *path; /* owned; where it is read: another one for an executable beside an initialdir */
    char sha256[HASH_TEXT_SIZE]; /* "": a folder, which has no content of its own */
    uint64_t size;
    uint32_t mode; /* the permissions */
};

struct inputs {
    struct input *items; /* owned */
    size_t count;
    size_t capacity;
    struct string_map by_name;    /* -> place in items */
    struct string_map by_path;    /* -> place of the first with this path */
    struct string_map by_content; /* SHA-256 -> place of one with this content */
};

#define INPUTS_INIT      ((struct inputs){0})
#define _cleanup_inputs_ _cleanup_(inputs_deinit)

void inputs_deinit(struct inputs *inputs);

/*
 * Finds and hashes the executable and the input files of all tasks; a folder among
 * transfer_input_files stands for all that is below it. -ENOENT, -EACCES, -EISDIR...
 */
int inputs_collect(const struct submit *submit, const struct origin *origin, struct inputs *inputs,
                   struct error *err);

/* A file with this content, or NULL. */
const struct input *inputs_find_content(const struct inputs *inputs, const char *sha256);
