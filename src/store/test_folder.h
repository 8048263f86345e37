/* SPDX-License-Identifier: Apache-2.0 */
/* For the store's tests and bench: a folder for one database, and a job to hang tasks on. */
#pragma once

#include "store/store.h"
#include "sys/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char test_folder[64];

static inline const char *test_path(void)
{
    static char path[sizeof(test_folder) + 16];

    snprintf(path, sizeof(path), "%s/pool.db", test_folder);
    return path;
}

static inline int test_make_folder_in(const char *parent)
{
    snprintf(test_folder, sizeof(test_folder), "%s/dusk-store-XXXXXX", parent);
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int test_make_folder(void **state)
{
    (void)state;
    return test_make_folder_in("/tmp");
}

static inline int test_remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(test_folder, NULL);
}

static inline struct store_job test_job(uint32_t number, const char *user)
{
    return (struct store_job){.number = number,
                              .tasks = 46,
                              .user = user,
                              .folder = "/data/sweep",
                              .deliver = true,
                              .uid = 1000,
                              .gid = 100,
                              .submitted_at = 1000.5 + number};
}

static inline void test_add_job(struct store *store, uint32_t number, const char *user)
{
    struct store_part part = {.count = 46, .cpus = 1, .memory = 64 << 20, .disk = 1 << 20};
    struct store_job job = test_job(number, user);

    store_add_job(store, &job, &part, 1, slice_from_text("queue 46"), slice_from_text("{}"));
}
