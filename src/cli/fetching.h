/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing results home that wait in the server's spool. Each goes where the submit file said;
 * names that a node chose stay within that folder (sys/contained.h). The spool is emptied only
 * when everything is here.
 */
#pragma once

#include "connection.h"
#include "id.h"

struct fetching {
    struct connection *connection;
    struct id id;
    const char *into;        /* put all below this folder, by task; NULL: to its own place */
    const char *skip_prefix; /* leave out files whose last name begins so; NULL: none */
    bool keep;               /* leave the spool as it is */
};

struct fetched {
    uint64_t files;
    uint64_t bytes;
};

/* On failure some files may have arrived; the spool has them all still. */
int fetching_run(const struct fetching *fetching, struct fetched *ret_fetched, struct error *err);

/* Appends the path of a request for one output of a task. */
void fetching_append_path(struct buffer *path, const struct id *task, uint64_t index);
