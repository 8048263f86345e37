/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to save tasks: 100,000 rows in batches of 100, first as they start and then as they
 * end. Rows a second are measured where a flush is free, so that the figure is the code's; what a
 * commit costs on a disk is set beside a bare write and flush of as many bytes.
 * Prints one line a figure: bench NAME VALUE UNIT min|max TARGET.
 */
#define _GNU_SOURCE
#include "store/test_folder.h"
#include "sys/clock.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>

enum { ROWS = 100000, BATCH = 100, FLUSHES = 200, FLUSH_SIZE = 16384 };

/* Saves `rows` tasks in batches; *ret_seconds is what it took. */
static int save_tasks(struct store *store, struct store_task_state *state, uint32_t rows,
                      uint32_t batch, double *ret_seconds, struct error *err)
{
    uint64_t start = clock_boot_us();
    int r = 0;

    for (uint32_t task = 0; task < rows && r == 0; task += batch) {
        store_begin(store);
        for (state->task = task; state->task < task + batch; state->task++)
            store_save_task(store, state);
        r = store_commit(store, err);
    }
    *ret_seconds = (double)(clock_boot_us() - start) / 1e6;
    return r;
}

static int measure_rows(struct store *store, struct error *err)
{
    struct store_task_state state = {.job = 1,
                                     .state = "Running",
                                     .attempts = 1,
                                     .node = 3,
                                     .epoch = 123456,
                                     .reason = "first-in-line",
                                     .started_at = 1.7e9};
    double starts = 0, ends = 0;
    int r = save_tasks(store, &state, ROWS, BATCH, &starts, err);

    state.state = "Completed";
    state.over = true;
    state.node = STORE_NONE;
    state.epoch = 0;
    state.reason = "ended-by-itself";
    state.ended_at = 1.7e9 + 1;
    if (r == 0)
        r = save_tasks(store, &state, ROWS, BATCH, &ends, err);
    if (r < 0)
        return r;
    printf("bench store-task-start %.0f rows/s min 150000\n", ROWS / starts);
    printf("bench store-task-end %.0f rows/s min 150000\n", ROWS / ends);
    return 0;
}

/* What no database can beat on this disk: one write and one flush for each batch. */
static int measure_flushes(double *ret_seconds, struct error *err)
{
    _cleanup_free_ char *path = file_join(test_folder, "flush");
    _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char bytes[FLUSH_SIZE];
    uint64_t start = 0;
    int r = 0;

    /* The first round makes the file, as the store has made its log; the second is measured. */
    for (int i = 0; i < 2 * FLUSHES && r == 0; i++) {
        if (i == FLUSHES)
            start = clock_boot_us();
        if (pwrite(fd, bytes, sizeof(bytes), i % FLUSHES * FLUSH_SIZE) < 0 || fdatasync(fd) < 0)
            r = error_set_errno(err, -errno, "cannot write '%s'", path);
    }
    *ret_seconds = (double)(clock_boot_us() - start) / 1e6;
    return r;
}

static int measure_commits(struct store *store, struct error *err)
{
    struct store_task_state state = {.job = 1, .state = "Running", .node = 3, .epoch = 1};
    double commits = 0, flushes = 0;
    int r = save_tasks(store, &state, FLUSHES, 1, &commits, err);

    if (r == 0)
        r = measure_flushes(&flushes, err);
    if (r < 0)
        return r;
    printf("bench store-commit-per-flush %.2f ratio max 2\n", commits / flushes);
    return 0;
}

static int bench(const char *folder, int (*measure)(struct store *, struct error *),
                 struct error *err)
{
    struct store *store = NULL;
    int r;

    if (test_make_folder_in(folder) < 0)
        return error_set_errno(err, -errno, "cannot make a folder in '%s'", folder);
    r = store_open(test_path(), &store, err);
    if (r == 0) {
        store_begin(store);
        test_add_job(store, 1, "ada");
        r = store_commit(store, err);
    }
    if (r == 0)
        r = measure(store, err);
    store_close(store);
    test_remove_folder(NULL);
    return r;
}

int main(void)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = bench("/dev/shm", measure_rows, &err);

    if (r == 0)
        r = bench("/var/tmp", measure_commits, &err);
    if (r < 0)
        fprintf(stderr, "store-bench: %s\n", error_text(&err));
    return r < 0;
}
