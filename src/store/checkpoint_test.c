/* SPDX-License-Identifier: Apache-2.0 */
/* One checkpoint a task, whole or not at all, and nothing of it when it is removed. */
#include "base/buffer.h"
#include "base/test.h"
#include "store/test_folder.h"

static int describe(const struct store_checkpoint *checkpoint, void *userdata)
{
    buffer_appendf(userdata, "%u.%u %llu of %llu: %s\n", checkpoint->job, checkpoint->task,
                   (unsigned long long)checkpoint->number, (unsigned long long)checkpoint->epoch,
                   checkpoint->kind);
    return 0;
}

static int describe_file(const struct store_checkpoint_file *file, void *userdata)
{
    buffer_appendf(userdata, "%u %s %s %llu %o %s\n", file->place, file->kind, file->name,
                   (unsigned long long)file->size, file->mode, file->sha256);
    return 0;
}

static int describe_task(const struct store_task_state *state, void *userdata)
{
    buffer_appendf(userdata, "%u.%u has %llu\n", state->job, state->task,
                   (unsigned long long)state->checkpoint);
    return 0;
}

/* Of two files, and the task's row says so. */
static void save(struct store *store, uint32_t task, uint64_t number)
{
    struct store_checkpoint_file file = {
        .job = 1, .task = task, .kind = "file", .name = "state", .size = 5, .mode = 0600};

    store_save_task(store, &(struct store_task_state){.job = 1,
                                                      .task = task,
                                                      .state = "Running",
                                                      .attempts = 1,
                                                      .node = STORE_NONE,
                                                      .checkpoint = number});
    store_save_checkpoint(
        store, &(struct store_checkpoint){
                   .job = 1, .task = task, .number = number, .epoch = 9, .kind = "files"});
    file.sha256 = number == 1 ? "aa" : "bb";
    store_add_checkpoint_file(store, &file);
    file.place = 1;
    file.name = "out";
    file.sha256 = "cc";
    store_add_checkpoint_file(store, &file);
}

static void the_last_checkpoint_takes_the_place_of_the_one_before(void **state)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;
    struct store_checkpoint found;
    struct store *store;
    uint32_t place;

    (void)state;
    assert_int_equal(store_open(test_path(), &store, NULL), 0);
    store_begin(store);
    test_add_job(store, 1, "ada");
    save(store, 0, 1);
    save(store, 3, 1);
    assert_int_equal(store_commit(store, NULL), 0);
    assert_int_equal(store_find_checkpoint_file(store, "aa", &found, &place, NULL), 0);
    store_begin(store);
    save(store, 0, 2);
    store_remove_checkpoint(store, 1, 3);
    /* What is not committed is not there. */
    assert_int_equal(store_find_checkpoint_file(store, "bb", &found, &place, NULL), 1);
    assert_int_equal(store_commit(store, NULL), 0);
    assert_int_equal(store_walk_checkpoints(store, describe, &seen, NULL), 0);
    assert_string_equal(seen.data, "1.0 2 of 9: files\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_checkpoint_files(store, 1, 0, describe_file, &seen, NULL), 0);
    assert_string_equal(seen.data, "0 file state 5 600 bb\n1 file out 5 600 cc\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_checkpoint_files(store, 1, 3, describe_file, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
    assert_int_equal(store_find_checkpoint_file(store, "aa", &found, &place, NULL), 1);
    assert_int_equal(store_find_checkpoint_file(store, "cc", &found, &place, NULL), 0);
    assert_int_equal(found.number, 2);
    assert_int_equal(place, 1);
    assert_int_equal(store_walk_live_tasks(store, describe_task, &seen, NULL), 0);
    assert_string_equal(seen.data, "1.0 has 2\n1.3 has 1\n");
    store_close(store);
}

static void a_task_is_shown_with_its_checkpoint(void **state)
{
    struct store_task_query *query;
    const struct store_task *task;
    struct store *store;

    (void)state;
    assert_int_equal(store_open(test_path(), &store, NULL), 0);
    store_begin(store);
    test_add_job(store, 1, "ada");
    save(store, 0, 7);
    assert_int_equal(store_commit(store, NULL), 0);
    query = store_task_query_new(store, &(struct store_task_filter){.job = 1, .task = STORE_NONE});
    assert_int_equal(store_task_query_next(query, &task, NULL), 0);
    assert_int_equal(task->state.checkpoint, 7);
    store_task_query_free(query);
    store_close(store);
}

#define test(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_last_checkpoint_takes_the_place_of_the_one_before),
        test(a_task_is_shown_with_its_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
