/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "store/test_folder.h"

#include <errno.h>
#include <string.h>

static int open_fresh(void **state)
{
    struct store *store;

    if (test_make_folder(NULL) < 0 || store_open(test_path(), &store, NULL) < 0)
        return -1;
    *state = store;
    return 0;
}

static int close_and_remove(void **state)
{
    *state = store_close(*state);
    return test_remove_folder(NULL);
}

static struct store *reopen(void **state)
{
    struct store *store;

    store_close(*state);
    assert_int_equal(store_open(test_path(), &store, NULL), 0);
    *state = store;
    return store;
}

static void commit(struct store *store)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = store_commit(store, &err);

    if (r < 0)
        fail_msg("%s", error_text(&err));
}

/* Callbacks write what they see as one line of text each. */
static int describe_job(const struct store_job *job, const struct store_part *parts,
                        size_t part_count, void *userdata)
{
    buffer_appendf(userdata, "%u %s %s%s%s %u/%u/%u:", job->number, job->user,
                   job->held ? "held " : "", job->removed ? "removed " : "",
                   job->over ? "over" : "open", job->completed, job->removed_tasks, job->tasks);
    for (size_t i = 0; i < part_count; i++)
        buffer_appendf(userdata, " %u+%u@%u", parts[i].first, parts[i].count, parts[i].next);
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].gpus > 0)
            buffer_appendf(userdata, " part %zu on %u GPUs", i, parts[i].gpus);
    buffer_append_text(userdata, "\n");
    return 0;
}

static int describe_task(const struct store_task_state *state, void *userdata)
{
    buffer_appendf(userdata, "%u.%u %s %u %d %llu %s\n", state->job, state->task, state->state,
                   state->attempts, (int)state->node, (unsigned long long)state->epoch,
                   state->reason ? state->reason : "-");
    return 0;
}

static int describe_output(const struct store_output *output, void *userdata)
{
    buffer_appendf(userdata, "%u.%u/%u %s %llu %o %s %s\n", output->job, output->task,
                   output->index, output->name, (unsigned long long)output->size, output->mode,
                   output->kind, output->path);
    return 0;
}

static int describe_content(const char *sha256, uint64_t size, void *userdata)
{
    buffer_appendf(userdata, "%s %llu\n", sha256, (unsigned long long)size);
    return 0;
}

static int describe_node(const struct store_node *node, void *userdata)
{
    buffer_appendf(userdata, "%u %s %s %llx %g%s%s%s %u %llu %g %s %s\n", node->node, node->name,
                   node->serial, (unsigned long long)node->machine, node->enrolled_at,
                   node->forgotten ? " forgotten" : "", node->drained ? " drained" : "",
                   node->asleep ? " a" : "", node->wakes + node->gpus,
                   (unsigned long long)node->highest_epoch, node->last_seen_at,
                   node->facts ? node->facts : "-", node->attributes ? node->attributes : "-");
    return 0;
}

static int describe_token(const struct store_token *token, void *userdata)
{
    buffer_appendf(userdata, "%s %s %s %s %g-%g%s %llu\n", token->id, token->secret_hash,
                   token->kind, token->user ? token->user : "-", token->created_at,
                   token->expires_at, token->revoked ? " revoked" : "",
                   (unsigned long long)token->uses);
    return 0;
}

static void assert_live_jobs(struct store *store, const char *expected)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    assert_int_equal(store_walk_live_jobs(store, describe_job, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), expected);
}

static void assert_live_tasks(struct store *store, const char *expected)
{
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    assert_int_equal(store_walk_live_tasks(store, describe_task, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), expected);
}

/* The ids that a query hands out, in order. */
static void assert_query(struct store *store, struct store_task_filter filter, const char *expected)
{
    struct store_task_query *query = store_task_query_new(store, &filter);
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;
    const struct store_task *task;
    int r;

    while ((r = store_task_query_next(query, &task, NULL)) == 0)
        buffer_appendf(&seen, "%u.%u ", task->state.job, task->state.task);
    assert_int_equal(r, 1);
    assert_int_equal(store_task_query_next(query, &task, NULL), 1);
    assert_string_equal(buffer_text(&seen), expected);
    store_task_query_free(query);
}

static void save_task(struct store *store, uint32_t job, uint32_t task, const char *state,
                      uint32_t node, uint64_t epoch)
{
    bool over = strcmp(state, "Completed") == 0 || strcmp(state, "Removed") == 0;
    struct store_task_state row = {.job = job,
                                   .task = task,
                                   .state = state,
                                   .over = over,
                                   .attempts = 1,
                                   .node = node,
                                   .epoch = epoch,
                                   .reason = "first-in-line"};

    store_save_task(store, &row);
}

static void values_are_found_again(void **state)
{
    struct store *store = *state;
    _cleanup_free_ char *text = NULL;
    uint64_t number = 5;

    assert_int_equal(store_load_number(store, "epoch", &number, NULL), 1);
    assert_int_equal(store_load_text(store, "pool", &text, NULL), 1);
    assert_int_equal(number, 5);
    assert_null(text);
    store_begin(store);
    store_save_number(store, "epoch", 1);
    store_save_number(store, "epoch", UINT64_MAX);
    store_save_text(store, "pool", "über");
    commit(store);
    store = reopen(state);
    assert_int_equal(store_load_number(store, "epoch", &number, NULL), 0);
    assert_true(number == UINT64_MAX);
    assert_int_equal(store_load_text(store, "pool", &text, NULL), 0);
    assert_string_equal(text, "über");
}

static void what_is_not_committed_is_not_read(void **state)
{
    struct store *store = *state;
    uint64_t number = 0;

    store_begin(store);
    store_save_number(store, "epoch", 7);
    assert_int_equal(store_load_number(store, "epoch", &number, NULL), 1);
    commit(store);
    assert_int_equal(store_load_number(store, "epoch", &number, NULL), 0);
    store_begin(store);
    store_save_number(store, "epoch", 8);
    store = reopen(state);
    assert_int_equal(store_load_number(store, "epoch", &number, NULL), 0);
    assert_int_equal(number, 7);
}

static void an_empty_batch_costs_nothing(void **state)
{
    struct store *store = *state;

    store_begin(store);
    commit(store);
    assert_int_equal(store_count_commits(store), 0);
    store_begin(store);
    store_save_number(store, "epoch", 7);
    commit(store);
    assert_int_equal(store_count_commits(store), 1);
}

static void one_failed_write_spoils_the_batch(void **state)
{
    struct store *store = *state;
    _cleanup_error_ struct error err = ERROR_INIT;
    uint64_t number;

    store_begin(store);
    store_save_number(store, "before", 1);
    store_save_part(store, 99, 0, 1);
    store_save_number(store, "after", 1);
    assert_int_equal(store_commit(store, &err), -ENOENT);
    assert_non_null(
        strstr(error_text(&err), "cannot save to the pool's database: there is no row"));
    assert_int_equal(store_load_number(store, "before", &number, NULL), 1);
    assert_int_equal(store_load_number(store, "after", &number, NULL), 1);
    store_begin(store);
    store_save_number(store, "next", 1);
    commit(store);
}

static void a_job_comes_back_as_it_was(void **state)
{
    struct store *store = *state;
    struct store_part parts[] = {
        {.first = 0, .count = 40, .cpus = 1, .memory = UINT64_MAX / 2, .disk = 1},
        {.first = 40, .count = 6, .next = 3, .cpus = 8, .memory = 1, .disk = 1, .gpus = 2}};
    struct store_job job = test_job(17, "ada");

    store_begin(store);
    store_add_job(store, &job, parts, 2, slice_from_text("queue"), slice_from_text("[]"));
    job.held = true;
    job.completed = 4;
    store_save_job(store, &job);
    store_save_part(store, 17, 0, 12);
    commit(store);
    assert_live_jobs(reopen(state), "17 ada held open 4/0/46: 0+40@12 40+6@3 part 1 on 2 GPUs\n");
}

static void texts_of_a_job_may_be_large_and_binary(void **state)
{
    struct store *store = *state;
    _cleanup_buffer_ struct buffer large = BUFFER_INIT, submit = BUFFER_INIT, files = BUFFER_INIT;
    struct store_job job = test_job(1, "ada");

    for (int i = 0; i < 1000000; i++)
        buffer_append(&large, "a\0b\xff\n", 5);
    store_begin(store);
    store_add_job(store, &job, NULL, 0, (struct slice){large.data, large.length},
                  (struct slice){0});
    commit(store);
    assert_int_equal(store_load_job_texts(store, 1, &submit, &files, NULL), 0);
    assert_int_equal(submit.length, large.length);
    assert_memory_equal(submit.data, large.data, large.length);
    assert_int_equal(files.length, 0);
    assert_int_equal(store_load_job_texts(store, 1, NULL, NULL, NULL), 0);
    assert_int_equal(store_load_job_texts(store, 2, &submit, &files, NULL), 1);
}

static void only_what_lives_is_loaded(void **state)
{
    struct store *store = *state;
    struct store_job over = test_job(1, "ada");

    over.over = true;
    store_begin(store);
    for (uint32_t job = 1; job <= 3; job++)
        test_add_job(store, job, "ada");
    store_save_job(store, &over);
    over.number = 2;
    store_save_job(store, &over);
    save_task(store, 1, 0, "Completed", STORE_NONE, 0);
    save_task(store, 2, 0, "Completed", STORE_NONE, 0);
    save_task(store, 2, 1, "Removed", 4, 99);
    save_task(store, 3, 7, "Running", 5, 100);
    save_task(store, 3, 8, "Idle", STORE_NONE, 0);
    save_task(store, 3, 9, "Removed", STORE_NONE, 0);
    commit(store);
    store = reopen(state);
    assert_live_jobs(store, "2 ada over 0/0/46: 0+46@0\n3 ada open 0/0/46: 0+46@0\n");
    assert_live_tasks(store, "2.1 Removed 1 4 99 first-in-line\n"
                             "3.7 Running 1 5 100 first-in-line\n"
                             "3.8 Idle 1 -1 0 first-in-line\n"
                             "3.9 Removed 1 -1 0 first-in-line\n");
    store_begin(store);
    save_task(store, 2, 1, "Removed", STORE_NONE, 0);
    commit(store);
    assert_live_jobs(store, "3 ada open 0/0/46: 0+46@0\n");
}

static int stop_at_once(const struct store_task_state *state, void *userdata)
{
    (void)state;
    (*(int *)userdata)++;
    return -ECANCELED;
}

static void a_callback_can_end_a_walk(void **state)
{
    struct store *store = *state;
    int calls = 0;

    store_begin(store);
    test_add_job(store, 1, "ada");
    save_task(store, 1, 0, "Idle", STORE_NONE, 0);
    save_task(store, 1, 1, "Idle", STORE_NONE, 0);
    commit(store);
    for (int round = 1; round <= 2; round++) {
        assert_int_equal(store_walk_live_tasks(store, stop_at_once, &calls, NULL), -ECANCELED);
        assert_int_equal(calls, round);
    }
}

static void a_task_keeps_what_a_save_does_not_name(void **state)
{
    struct store *store = *state;
    struct store_node node = {.node = 4, .name = "pc1", .serial = "0a"};
    struct store_task_state row = {.job = 1, .task = 3, .state = "Running", .attempts = 2};
    struct store_task_result result = {.job = 1,
                                       .task = 3,
                                       .exit_code = -1,
                                       .exit_signal = 9,
                                       .cpu_seconds = 1.5,
                                       .wall_seconds = 2.5,
                                       .memory_peak = 1ULL << 40,
                                       .detail = "over its memory"};
    struct store_task_filter filter = {.job = 1, .task = 3};
    struct store_task_query *query;
    const struct store_task *task;

    store_begin(store);
    store_save_node(store, &node);
    test_add_job(store, 1, "ada");
    row.node = 4;
    row.epoch = 77;
    row.started_at = 100.25;
    store_save_task(store, &row);
    commit(store);
    store_begin(store);
    row = (struct store_task_state){.job = 1,
                                    .task = 3,
                                    .state = "Completed",
                                    .over = true,
                                    .attempts = 2,
                                    .node = STORE_NONE,
                                    .reason = "ended-by-itself",
                                    .ended_at = 200.5};
    store_save_task(store, &row);
    store_save_result(store, &result);
    commit(store);
    query = store_task_query_new(store, &filter);
    assert_int_equal(store_task_query_next(query, &task, NULL), 0);
    assert_string_equal(task->state.state, "Completed");
    assert_string_equal(task->state.reason, "ended-by-itself");
    assert_string_equal(task->user, "ada");
    assert_string_equal(task->node_name, "pc1");
    assert_true(task->state.node == STORE_NONE);
    assert_true(task->state.epoch == 0);
    assert_true(task->submitted_at == 1001.5);
    assert_true(task->state.started_at == 100.25);
    assert_true(task->state.ended_at == 200.5);
    assert_true(task->ended_once);
    assert_int_equal(task->result.exit_code, -1);
    assert_int_equal(task->result.exit_signal, 9);
    assert_true(task->result.cpu_seconds == 1.5);
    assert_true(task->result.memory_peak == 1ULL << 40);
    assert_string_equal(task->result.detail, "over its memory");
    store_task_query_free(query);
}

static void assert_detail(struct store *store, const char *expected)
{
    struct store_task_filter filter = {.job = 1, .task = 3};
    struct store_task_query *query = store_task_query_new(store, &filter);
    const struct store_task *task;

    assert_int_equal(store_task_query_next(query, &task, NULL), 0);
    assert_string_equal(task->result.detail ? task->result.detail : "none", expected);
    store_task_query_free(query);
}

static void a_detail_goes_with_its_reason(void **state)
{
    struct store *store = *state;
    struct store_task_state row = {.job = 1,
                                   .task = 3,
                                   .state = "Held",
                                   .node = STORE_NONE,
                                   .reason = "by-user",
                                   .detail = "no license"};

    store_begin(store);
    test_add_job(store, 1, "ada");
    store_save_task(store, &row);
    commit(store);
    assert_detail(store, "no license");
    row.detail = NULL;
    store_begin(store);
    store_save_task(store, &row);
    commit(store);
    assert_detail(store, "no license");
    row.state = "Idle";
    store_begin(store);
    store_save_task(store, &row);
    commit(store);
    assert_detail(store, "none");
}

static void a_result_needs_its_task(void **state)
{
    struct store *store = *state;
    struct store_task_result result = {.job = 1, .task = 3};

    store_begin(store);
    test_add_job(store, 1, "ada");
    store_save_result(store, &result);
    assert_int_equal(store_commit(store, NULL), -ENOENT);
}

static void a_task_needs_its_job(void **state)
{
    struct store *store = *state;

    store_begin(store);
    save_task(store, 1, 0, "Idle", STORE_NONE, 0);
    assert_int_equal(store_commit(store, NULL), -EINVAL);
}

static void add_three_jobs(struct store *store)
{
    store_begin(store);
    test_add_job(store, 1, "ada");
    test_add_job(store, 2, "bob");
    test_add_job(store, 3, "ada");
    for (uint32_t job = 1; job <= 3; job++) {
        save_task(store, job, 0, "Completed", STORE_NONE, 0);
        save_task(store, job, 1, "Running", 0, job);
    }
    commit(store);
}

static void queries_filter_and_sort(void **state)
{
    struct store *store = *state;
    struct store_task_filter all = {.task = STORE_NONE};
    struct store_task_filter filter = all;

    add_three_jobs(store);
    assert_query(store, all, "1.0 1.1 2.0 2.1 3.0 3.1 ");
    filter.newest_first = true;
    assert_query(store, filter, "3.1 3.0 2.1 2.0 1.1 1.0 ");
    filter.limit = 3;
    assert_query(store, filter, "3.1 3.0 2.1 ");
    filter = all;
    filter.user = "ada";
    assert_query(store, filter, "1.0 1.1 3.0 3.1 ");
    filter.only_over = true;
    assert_query(store, filter, "1.0 3.0 ");
    filter.newest_first = true;
    assert_query(store, filter, "3.0 1.0 ");
    filter = all;
    filter.only_open = true;
    assert_query(store, filter, "1.1 2.1 3.1 ");
    filter.user = "bob";
    assert_query(store, filter, "2.1 ");
    filter = all;
    filter.job = 2;
    assert_query(store, filter, "2.0 2.1 ");
    filter.newest_first = true;
    assert_query(store, filter, "2.1 2.0 ");
    filter.only_open = true;
    assert_query(store, filter, "2.1 ");
    filter.only_open = false;
    filter.task = 1;
    assert_query(store, filter, "2.1 ");
    filter.job = 4;
    assert_query(store, filter, "");
}

/* Each way to ask for one task must do without a sort, which the query asserts. */
static void one_task_is_found_in_every_way(void **state)
{
    struct store *store = *state;

    add_three_jobs(store);
    for (int way = 0; way < 8; way++) {
        const struct store_task_filter filter = {.job = 2,
                                                 .task = way & 1 ? 1 : 0,
                                                 .only_open = way & 1,
                                                 .only_over = !(way & 1),
                                                 .newest_first = way & 2,
                                                 .user = way & 4 ? "bob" : NULL};

        assert_query(store, filter, way & 1 ? "2.1 " : "2.0 ");
    }
}

/* More than one chunk, cut in the middle of jobs, in every way to walk. */
static void chunks_join_without_a_seam(void **state)
{
    enum { JOBS = 7, TASKS = 200 };
    struct store *store = *state;

    store_begin(store);
    for (uint32_t job = 1; job <= JOBS; job++) {
        test_add_job(store, job, job % 2 ? "ada" : "bob");
        for (uint32_t task = 0; task < TASKS; task++)
            save_task(store, job, task, "Running", 0, 1);
    }
    commit(store);
    for (int way = 0; way < 16; way++) {
        struct store_task_filter filter = {.task = STORE_NONE,
                                           .newest_first = way & 1,
                                           .only_open = way & 2,
                                           .user = way & 4 ? "ada" : NULL,
                                           .job = way & 8 ? 3 : 0};
        struct store_task_query *query = store_task_query_new(store, &filter);
        int expected = TASKS * (way & 8 ? 1 : way & 4 ? 4 : JOBS), rows = 0;
        const struct store_task *task;
        int64_t last = way & 1 ? INT64_MAX : -1;

        for (; store_task_query_next(query, &task, NULL) == 0; rows++) {
            int64_t key = (int64_t)task->state.job * TASKS + task->state.task;

            assert_true(way & 1 ? key < last : key > last);
            last = key;
        }
        assert_int_equal(rows, expected);
        store_task_query_free(query);
    }
}

static void a_cursor_lets_writers_go_on(void **state)
{
    enum { TASKS = 1000 };
    struct store *store = *state;
    struct store_task_filter filter = {.task = STORE_NONE};
    struct store_task_query *query = store_task_query_new(store, &filter);
    const struct store_task *task;

    store_begin(store);
    test_add_job(store, 1, "ada");
    for (uint32_t i = 0; i < TASKS; i++)
        save_task(store, 1, 2 * i, "Running", 0, 1);
    commit(store);
    for (uint32_t i = 0; i < TASKS; i++) {
        assert_int_equal(store_task_query_next(query, &task, NULL), 0);
        /* What comes in behind the cursor is not seen, and nothing comes twice. */
        assert_int_equal(task->state.task, 2 * i);
        store_begin(store);
        save_task(store, 1, 2 * i, "Completed", STORE_NONE, 0);
        if (i > 0)
            save_task(store, 1, 2 * i - 1, "Running", 0, 1);
        commit(store);
    }
    assert_int_equal(store_task_query_next(query, &task, NULL), 1);
    store_task_query_free(query);
}

static void the_log_is_cleaned_under_an_open_cursor(void **state)
{
    struct store *store = *state;
    struct store_task_filter filter = {.task = STORE_NONE};
    struct store_task_query *query = store_task_query_new(store, &filter);
    _cleanup_buffer_ struct buffer log = BUFFER_INIT;
    const struct store_task *task;
    struct buffer content = BUFFER_INIT;

    add_three_jobs(store);
    assert_int_equal(store_task_query_next(query, &task, NULL), 0);
    for (int round = 0; round < 400; round++) {
        store_begin(store);
        for (uint32_t i = 0; i < 200; i++)
            save_task(store, 1, 10 + (i * 7919 + (uint32_t)round * 31) % 20000, "Running", 0, 1);
        commit(store);
    }
    buffer_appendf(&log, "%s-wal", test_path());
    /* Without clean-up it would hold some 400 times 200 pages. */
    assert_int_equal(file_read(log.data, 32 << 20, &content, NULL), 0);
    buffer_deinit(&content);
    store_task_query_free(query);
}

static void jobs_are_listed_newest_first(void **state)
{
    struct store *store = *state;
    struct store_job over = test_job(1, "ada");
    struct store_job_filter filter = {.user = "ada"};
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    add_three_jobs(store);
    over.over = true;
    over.completed = 46;
    store_begin(store);
    store_save_job(store, &over);
    commit(store);
    assert_int_equal(store_walk_jobs(store, &filter, describe_job, &seen, NULL), 0);
    filter = (struct store_job_filter){.only_open = true, .limit = 1};
    assert_int_equal(store_walk_jobs(store, &filter, describe_job, &seen, NULL), 0);
    filter = (struct store_job_filter){.only_over = true};
    assert_int_equal(store_walk_jobs(store, &filter, describe_job, &seen, NULL), 0);
    filter = (struct store_job_filter){.job = 2};
    assert_int_equal(store_walk_jobs(store, &filter, describe_job, &seen, NULL), 0);
    assert_string_equal(seen.data, "3 ada open 0/0/46:\n1 ada over 46/0/46:\n"
                                   "3 ada open 0/0/46:\n"
                                   "1 ada over 46/0/46:\n"
                                   "2 bob open 0/0/46:\n");
}

static void removed_jobs_are_found_page_by_page(void **state)
{
    struct store *store = *state;
    const struct store_job_filter all = {.limit = 1}, of_ada = {.user = "ada"}, one = {.job = 3};
    struct store_job first = test_job(1, "ada"), last = test_job(3, "ada");
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    add_three_jobs(store);
    first.removed = last.removed = true;
    store_begin(store);
    store_save_job(store, &first);
    store_save_job(store, &last);
    commit(store);
    store_walk_removed_jobs(store, &all, false, 0, describe_job, &seen, NULL);
    store_walk_removed_jobs(store, &all, false, 1, describe_job, &seen, NULL);
    store_walk_removed_jobs(store, &all, false, 3, describe_job, &seen, NULL);
    assert_string_equal(seen.data, "1 ada removed open 0/0/46:\n3 ada removed open 0/0/46:\n");
    buffer_clear(&seen);
    store_walk_removed_jobs(store, &of_ada, true, STORE_NONE, describe_job, &seen, NULL);
    store_walk_removed_jobs(store, &of_ada, true, 3, describe_job, &seen, NULL);
    store_walk_removed_jobs(store, &one, true, STORE_NONE, describe_job, &seen, NULL);
    assert_string_equal(seen.data, "3 ada removed open 0/0/46:\n1 ada removed open 0/0/46:\n"
                                   "1 ada removed open 0/0/46:\n"
                                   "3 ada removed open 0/0/46:\n");
}

static int describe_history(uint32_t node, struct slice history, void *userdata)
{
    buffer_appendf(userdata, "%u %.*s\n", node, (int)history.length, history.data);
    return 0;
}

static void nodes_come_back_and_a_forgotten_name_is_free(void **state)
{
    struct store *store = *state;
    struct store_node node = {.name = "pc1", .serial = "0a", .enrolled_at = 5};
    struct store_node gone = {.machine = UINT64_MAX, .forgotten = true, .drained = true};
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    gone.wakes = gone.gpus = gone.asleep = 1;
    store_begin(store);
    store_save_node(store, &node);
    store_save_node_facts(store, 0, 9, "{\"cpus\": 8}");
    store_save_node_attributes(store, 0, "Cpus = 8");
    store_save_node_state(store, &gone);
    node.node = 1;
    node.serial = "0b";
    node.highest_epoch = 3;
    node.attributes = "1";
    node.drained = true;
    store_save_node(store, &node);
    store_save_node_history(store, 0, slice_from_text("gone"));
    store_save_node_history(store, 1, slice_from_text("old"));
    store_save_node_history(store, 1, slice_from_text("new"));
    commit(store);
    assert_int_equal(store_walk_nodes(reopen(state), describe_node, &seen, NULL), 0);
    assert_string_equal(
        seen.data, "0 pc1 0a ffffffffffffffff 5 forgotten drained a 2 0 9 {\"cpus\": 8} Cpus = 8\n"
                   "1 pc1 0b 0 5 drained 0 3 0 - 1\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_node_histories(*state, describe_history, &seen, NULL), 0);
    assert_string_equal(seen.data, "1 new\n");
    store = *state;
    node.node = 2;
    store_begin(store);
    store_save_node(store, &node);
    assert_int_equal(store_commit(store, NULL), -EINVAL);
}

static void tokens_are_counted_and_revoked(void **state)
{
    struct store *store = *state;
    struct store_token node = {
        .id = "t1", .secret_hash = "aa", .kind = "node", .created_at = 1, .expires_at = 2};
    struct store_token user = {.id = "t0",
                               .secret_hash = "bb",
                               .kind = "user",
                               .user = "ada",
                               .created_at = 3,
                               .expires_at = 4};
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    store_begin(store);
    store_add_token(store, &node);
    store_add_token(store, &user);
    store_count_token_use(store, "t1");
    store_count_token_use(store, "t1");
    store_revoke_token(store, "t0");
    commit(store);
    assert_int_equal(store_walk_tokens(store, NULL, describe_token, &seen, NULL), 0);
    assert_int_equal(store_walk_tokens(store, "bb", describe_token, &seen, NULL), 0);
    assert_int_equal(store_walk_tokens(store, "cc", describe_token, &seen, NULL), 0);
    assert_string_equal(seen.data, "t1 aa node - 1-2 2\n"
                                   "t0 bb user ada 3-4 revoked 0\n"
                                   "t0 bb user ada 3-4 revoked 0\n");
}

static void content_is_kept_while_a_job_needs_it(void **state)
{
    struct store *store = *state;
    struct store_job over = test_job(1, "ada");
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    add_three_jobs(store);
    over.over = true;
    store_begin(store);
    store_add_content(store, "shared", 1, 10);
    store_add_content(store, "shared", 2, 10);
    store_add_content(store, "single", 1, 20);
    store_add_content(store, "single", 1, 20);
    commit(store);
    assert_int_equal(store_walk_unneeded_contents(store, describe_content, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
    store_begin(store);
    store_save_job(store, &over);
    commit(store);
    assert_int_equal(store_walk_unneeded_contents(store, describe_content, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "single 20\n");
    store_begin(store);
    store_forget_content(store, "single");
    commit(store);
    buffer_clear(&seen);
    assert_int_equal(store_walk_unneeded_contents(store, describe_content, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
}

static void outputs_wait_until_they_are_removed(void **state)
{
    struct store *store = *state;
    struct store_output output = {
        .job = 1, .name = "out", .size = 5, .mode = 0644, .kind = "file", .path = "/data/out"};
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;

    store_begin(store);
    test_add_job(store, 1, "ada");
    for (uint32_t task = 0; task < 2; task++)
        for (uint32_t index = 0; index < 2; index++) {
            output.task = task;
            output.index = index;
            store_add_output(store, &output);
        }
    output.size = 6;
    store_add_output(store, &output);
    store_remove_outputs(store, 1, 0);
    commit(store);
    assert_int_equal(store_walk_outputs(store, 1, 0, describe_output, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
    assert_int_equal(store_walk_outputs(store, 1, STORE_NONE, describe_output, &seen, NULL), 0);
    assert_string_equal(seen.data, "1.1/0 out 5 644 file /data/out\n"
                                   "1.1/1 out 6 644 file /data/out\n");
    store_begin(store);
    store_remove_outputs(store, 1, STORE_NONE);
    commit(store);
    buffer_clear(&seen);
    assert_int_equal(store_walk_outputs(store, 1, 1, describe_output, &seen, NULL), 0);
    assert_string_equal(buffer_text(&seen), "");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_fresh, close_and_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(values_are_found_again),
        test(what_is_not_committed_is_not_read),
        test(an_empty_batch_costs_nothing),
        test(one_failed_write_spoils_the_batch),
        test(a_job_comes_back_as_it_was),
        test(texts_of_a_job_may_be_large_and_binary),
        test(only_what_lives_is_loaded),
        test(a_callback_can_end_a_walk),
        test(a_task_keeps_what_a_save_does_not_name),
        test(a_detail_goes_with_its_reason),
        test(a_result_needs_its_task),
        test(a_task_needs_its_job),
        test(queries_filter_and_sort),
        test(one_task_is_found_in_every_way),
        test(chunks_join_without_a_seam),
        test(a_cursor_lets_writers_go_on),
        test(the_log_is_cleaned_under_an_open_cursor),
        test(jobs_are_listed_newest_first),
        test(removed_jobs_are_found_page_by_page),
        test(nodes_come_back_and_a_forgotten_name_is_free),
        test(tokens_are_counted_and_revoked),
        test(content_is_kept_while_a_job_needs_it),
        test(outputs_wait_until_they_are_removed),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
