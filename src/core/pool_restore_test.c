/* SPDX-License-Identifier: Apache-2.0 */
/* A brain made of rows: the same as the one that wrote them, or a clear no. */
#include "core/pool_fixture.h"

#include "base/memory.h"

#include <errno.h>

enum { LONGER_LEASE_MS = 2 * FIXTURE_LEASE_MS };

static struct pool *pool_with_long_leases(void)
{
    static const struct pool_options options = {.lease_ms = FIXTURE_LEASE_MS,
                                                .margin_ms = FIXTURE_MARGIN_MS,
                                                .heartbeat_ms = FIXTURE_HEARTBEAT_MS,
                                                .restored_lease_ms = LONGER_LEASE_MS};

    return pool_new(&options);
}

static const struct pool_task_row running = {
    .job = 1, .task = 1, .state = TASK_RUNNING, .attempts = 1, .node = 0, .epoch = 9};
static const struct pool_task_row held = {
    .job = 1, .task = 2, .state = TASK_HELD, .attempts = 2, .node = NONE};

/* One job of five tasks of which three were started, all but the running one; node 0 is known. */
static void load_job_with(struct pool *pool, uint32_t removed_count)
{
    struct pool_job_row row = {.job = 1, .completed = 1, .removed_count = removed_count};
    struct pool_part part = {.count = 5, .next = 3, .request = {1, 1, 1}};

    assert_int_equal(pool_load_epoch(pool, 10), 0);
    assert_int_equal(pool_load_node(pool, &(struct pool_node_row){.node = 0, .machine = 1}), 0);
    assert_int_equal(pool_load_job(pool, &row, &part, 1), 0);
    assert_int_equal(pool_load_task(pool, &held, 0), 0);
}

static void load_job(struct pool *pool)
{
    load_job_with(pool, 0);
}

static void what_was_running_is_still_claimed(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report_item item = {.epoch = 9, .state = ATTEMPT_RUNNING};

    load_job(fixture->pool);
    assert_int_equal(pool_load_task(fixture->pool, &running, fixture->now_ms), 0);
    pool_assert_invariants(fixture->pool);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_RUNNING], 1);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_IDLE], 2);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_HELD], 1);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_COMPLETED], 1);
    fixture_connect(fixture, 0, 2);
    fixture_report(fixture, 0, true, 9, &item, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_RENEW)->send.epoch, 9);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 3);
    assert_int_equal(fixture_started(fixture), 11);
    fixture_end(fixture, 0, 11, OUTCOME_VACATED, REASON_VACATED);
    /* What came back goes before what never started. */
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 3);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.attempt, 2);
}

static void what_was_frozen_is_still_claimed_too(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_task_row row = running;

    row.state = TASK_SUSPENDED;
    load_job(fixture->pool);
    assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
    fixture_connect(fixture, 0, 1);
    fixture_show(fixture, 0, 9, ATTEMPT_SUSPENDED);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 0);
    fixture_show(fixture, 0, 9, ATTEMPT_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
}

/* With leases as long as before, a claim of before the restart ends before those after it. */
static void of_equal_leases_the_restored_one_ends_first(void **state)
{
    struct pool_fixture *fixture = *state;

    load_job(fixture->pool);
    assert_int_equal(pool_load_task(fixture->pool, &running, fixture->now_ms), 0);
    fixture->now_ms += 1000;
    fixture_join(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS - 1001);
    assert_int_equal(fixture_count(fixture, POOL_TRACE), 0);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.task, 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.reason, REASON_LEASE_ENDED);
}

static void restored_claims_have_the_longest_lease_that_was_given(void **state)
{
    struct pool_fixture *fixture = *state;

    pool_free(fixture->pool);
    fixture->pool = pool_with_long_leases();
    load_job(fixture->pool);
    assert_int_equal(pool_load_task(fixture->pool, &running, fixture->now_ms), 0);
    assert_int_equal(pool_next_step_ms(fixture->pool), fixture->now_ms);
    fixture_join(fixture, 1, 1);
    /* A new claim ends before the restored one. */
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.task, 3);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
    fixture_tick(fixture, LONGER_LEASE_MS - FIXTURE_LEASE_MS - 1);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_IDLE);
}

static void who_was_told_to_stop_is_told_again(void **state)
{
    static const enum task_state states[] = {TASK_HELD, TASK_IDLE, TASK_REMOVED};

    for (size_t i = 0; i < ARRAY_LENGTH(states); i++) {
        struct pool_fixture *fixture = *state;
        struct pool_task_row row = running;

        row.state = states[i];
        load_job_with(fixture->pool, states[i] == TASK_REMOVED);
        assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
        fixture_connect(fixture, 0, 1);
        fixture_show(fixture, 0, 9, ATTEMPT_RUNNING);
        assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.epoch, 9);
        fixture_end(fixture, 0, 9, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
        assert_int_equal(fixture_count(fixture, POOL_COLLECT), 0);
        assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
        pool_fixture_tear_down(state);
        pool_fixture_set_up(state);
    }
}

static void a_job_that_was_just_over_is_let_go_by_the_first_step(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 2, .next = 2, .request = {1, 1, 1}};

    assert_int_equal(
        pool_load_job(fixture->pool, &(struct pool_job_row){.job = 3, .completed = 2}, &part, 1),
        0);
    assert_true(fixture_has_job(fixture, 3));
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_find(fixture, POOL_JOB_OVER)->job_over, 3);
}

static void a_task_singled_out_before_its_turn_is_still_passed_over(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 3, .request = {1, 1, 1}};
    struct pool_task_row row = {.job = 1, .task = 1, .state = TASK_REMOVED, .node = NONE};

    assert_int_equal(pool_load_job(fixture->pool,
                                   &(struct pool_job_row){.job = 1, .removed_count = 1}, &part, 1),
                     0);
    assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
    row.task = 0;
    row.state = TASK_HELD;
    assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
    fixture_join(fixture, 0, 5);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 2);
}

static void a_held_job_stays_held(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 3, .next = 1, .request = {1, 1, 1}};
    struct pool_task_row row = {.job = 1, .task = 2, .state = TASK_IDLE, .node = NONE};

    assert_int_equal(pool_load_job(fixture->pool,
                                   &(struct pool_job_row){.job = 1, .held = true, .completed = 1},
                                   &part, 1),
                     0);
    assert_int_equal(pool_load_task(fixture->pool, &row, fixture->now_ms), 0);
    fixture_join(fixture, 0, 5);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 2);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_HELD], 1);
}

static void jobs_are_in_order_of_their_numbers_however_they_come(void **state)
{
    static const uint32_t numbers[] = {5, 2, 9, 7, 1};
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};

    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        assert_int_equal(
            pool_load_job(fixture->pool, &(struct pool_job_row){.job = numbers[i]}, &part, 1), 0);
    assert_int_equal(pool_next_job(fixture->pool, 0), 1);
    assert_int_equal(pool_next_job(fixture->pool, 2), 5);
    assert_int_equal(pool_next_job(fixture->pool, 6), 7);
    assert_int_equal(pool_next_job(fixture->pool, 9), 0);
    assert_int_equal(pool_next_job(fixture->pool, 100), 0);
}

static void rows_that_contradict_each_other_are_refused(void **state)
{
    static const struct pool_part bad_parts[] = {
        {.first = 1, .count = 1, .next = 1},          {.count = 0},
        {.first = 0, .count = 2, .next = 3},          {.first = 0, .count = UINT32_MAX},
        {.first = UINT32_MAX, .count = 2, .next = 0},
    };
    static const struct pool_part backwards[] = {{.first = 0, .count = 2, .next = 2},
                                                 {.first = 2, .count = 2, .next = 1}};
    static const struct pool_task_row bad_tasks[] = {
        {.job = 2, .task = 0, .node = NONE},
        {.job = 1, .task = 5, .node = NONE},
        {.job = 1, .task = 0, .node = NONE, .state = TASK_STATE_COUNT},
        {.job = 1, .task = 0, .node = NONE, .state = TASK_RUNNING},
        {.job = 1, .task = 0, .node = NONE, .state = TASK_SUSPENDED},
        {.job = 1, .task = 0, .node = NONE, .epoch = 3},
        {.job = 1, .task = 0, .node = 0, .epoch = 0},
        {.job = 1, .task = 0, .node = 0, .epoch = 11},
        {.job = 1, .task = 0, .node = 0, .epoch = 9},
        {.job = 1, .task = 0, .node = 1, .epoch = 8},
        {.job = 1, .task = 0, .node = 0, .epoch = 8, .state = TASK_COMPLETED},
        {.job = 1, .task = 1, .node = NONE},
    };
    struct pool_fixture *fixture = *state;
    struct pool *pool = fixture->pool;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};

    load_job(pool);
    assert_int_equal(pool_load_task(pool, &running, 0), 0);
    assert_int_equal(pool_load_job(pool, &(struct pool_job_row){.job = 0}, &part, 1), -EINVAL);
    assert_int_equal(pool_load_job(pool, &(struct pool_job_row){.job = 1}, &part, 1), -EINVAL);
    assert_int_equal(pool_load_job(pool, &(struct pool_job_row){.job = 3}, &part, 0), -EINVAL);
    for (size_t i = 0; i < ARRAY_LENGTH(bad_parts); i++)
        assert_int_equal(pool_load_job(pool, &(struct pool_job_row){.job = 3}, &bad_parts[i], 1),
                         -EINVAL);
    assert_int_equal(pool_load_job(pool, &(struct pool_job_row){.job = 3}, backwards, 2), -EINVAL);
    for (size_t i = 0; i < ARRAY_LENGTH(bad_tasks); i++)
        assert_int_equal(pool_load_task(pool, &bad_tasks[i], 0), -EINVAL);
    pool_assert_invariants(pool);
}

static void loading_without_memory_is_refused(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};
    struct pool_task_row row = {.job = 1, .task = 0, .state = TASK_HELD, .node = NONE};

    memory_fail_at(1);
    assert_int_equal(pool_load_node(fixture->pool, &(struct pool_node_row){.node = 0}), -ENOMEM);
    memory_fail_at(1);
    assert_int_equal(pool_load_job(fixture->pool, &(struct pool_job_row){.job = 1}, &part, 1),
                     -ENOMEM);
    memory_fail_at(0);
    assert_int_equal(pool_load_job(fixture->pool, &(struct pool_job_row){.job = 1}, &part, 1), 0);
    memory_fail_at(1);
    assert_int_equal(pool_load_task(fixture->pool, &row, 0), -ENOMEM);
    memory_fail_at(0);
    assert_int_equal(pool_load_task(fixture->pool, &row, 0), 0);
    pool_assert_invariants(fixture->pool);
}

/* Each change of a row changes the digest. */
static void the_digest_sees_every_row(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t digests[6];
    uint64_t epoch;

    digests[0] = pool_digest(fixture->pool);
    fixture_submit(fixture, 1, 2);
    digests[1] = pool_digest(fixture->pool);
    fixture_connect(fixture, 0, 1);
    digests[2] = pool_digest(fixture->pool);
    fixture_report(fixture, 0, true, 0, NULL, 0);
    epoch = fixture_started(fixture);
    digests[3] = pool_digest(fixture->pool);
    fixture_choose(fixture, POOL_HOLD, 1, 1);
    digests[4] = pool_digest(fixture->pool);
    fixture_end(fixture, 0, epoch, OUTCOME_FAILED, REASON_CANNOT_START);
    digests[5] = pool_digest(fixture->pool);
    for (size_t i = 0; i < ARRAY_LENGTH(digests); i++)
        for (size_t j = 0; j < i; j++)
            assert_true(digests[i] != digests[j]);
    /* And what is no row does not. */
    fixture_disconnect(fixture, 0);
    assert_true(pool_digest(fixture->pool) == digests[5]);
}

static void a_server_that_was_away_gives_restored_claims_their_lease_anew(void **state)
{
    struct pool_fixture *fixture = *state;

    pool_free(fixture->pool);
    fixture->pool = pool_with_long_leases();
    load_job(fixture->pool);
    assert_int_equal(pool_load_task(fixture->pool, &running, fixture->now_ms), 0);
    fixture_tick(fixture, 0);
    fixture->now_ms += 10 * LONGER_LEASE_MS;
    fixture_tick(fixture, LONGER_LEASE_MS + FIXTURE_MARGIN_MS - 1);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_IDLE);
}

static void a_job_that_is_over_leaves_nothing_in_the_digest(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t digest;

    fixture_submit(fixture, 1, 2);
    digest = pool_digest(fixture->pool);
    fixture_submit(fixture, 2, 2);
    assert_true(pool_digest(fixture->pool) != digest);
    fixture_choose(fixture, POOL_REMOVE, 2, NONE);
    assert_true(pool_digest(fixture->pool) == digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_was_running_is_still_claimed),
        fixture_test(what_was_frozen_is_still_claimed_too),
        fixture_test(of_equal_leases_the_restored_one_ends_first),
        fixture_test(restored_claims_have_the_longest_lease_that_was_given),
        fixture_test(who_was_told_to_stop_is_told_again),
        fixture_test(a_job_that_was_just_over_is_let_go_by_the_first_step),
        fixture_test(a_task_singled_out_before_its_turn_is_still_passed_over),
        fixture_test(a_held_job_stays_held),
        fixture_test(jobs_are_in_order_of_their_numbers_however_they_come),
        fixture_test(rows_that_contradict_each_other_are_refused),
        fixture_test(loading_without_memory_is_refused),
        fixture_test(the_digest_sees_every_row),
        fixture_test(a_server_that_was_away_gives_restored_claims_their_lease_anew),
        fixture_test(a_job_that_is_over_leaves_nothing_in_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
