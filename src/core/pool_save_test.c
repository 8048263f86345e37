/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in the pool: which one counts, and what nodes are told of those that they made. */
#include "core/pool_fixture.h"

enum { NODE = 0, EPOCH = 1 };

/* One task, running on the only node. */
static void run(struct pool_fixture *fixture)
{
    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, NODE, 1);
    assert_int_equal(fixture_started(fixture), EPOCH);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.checkpoint, 0);
    fixture_show(fixture, NODE, EPOCH, ATTEMPT_RUNNING);
}

static void show_saved(struct pool_fixture *fixture, uint32_t node, uint64_t checkpoint)
{
    struct pool_report_item item = {
        .epoch = EPOCH, .state = ATTEMPT_RUNNING, .checkpoint = checkpoint};

    fixture_report(fixture, node, true, EPOCH, &item, 1);
}

static void collected(struct pool_fixture *fixture, uint64_t checkpoint, enum reason failure)
{
    fixture_step(fixture,
                 (struct pool_event){
                     .kind = POOL_CHECKPOINT_COLLECTED,
                     .collected = {.epoch = EPOCH, .checkpoint = checkpoint, .failure = failure}});
}

static uint64_t saved(const struct pool_fixture *fixture)
{
    struct pool_task_row row;

    assert_true(pool_view_task(fixture->pool, 1, 0, &row));
    return row.checkpoint;
}

static void a_checkpoint_is_brought_recorded_and_then_acknowledged(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_find(fixture, POOL_COLLECT_CHECKPOINT)->send.checkpoint, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_SAVED), 0);
    assert_int_equal(saved(fixture), 0);
    /* It is on its way. */
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
    assert_true(pool_takes_checkpoint(fixture->pool, EPOCH, 1));
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.checkpoint, 1);
    assert_int_equal(fixture_find(fixture, POOL_CHECKPOINTED)->send.checkpoint, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_SAVED)->send.checkpoint, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_SAVED)->send.reason, REASON_NONE);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
}

static void an_answer_that_was_lost_is_said_again(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    collected(fixture, 1, REASON_NONE);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_SAVED)->send.checkpoint, 1);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
    /* Files that came twice are recorded once. */
    assert_false(pool_takes_checkpoint(fixture->pool, EPOCH, 1));
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
}

static void one_that_cannot_be_stored_leaves_the_one_before(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    collected(fixture, 1, REASON_NONE);
    show_saved(fixture, NODE, 2);
    collected(fixture, 2, REASON_DISK_FULL_ON_SERVER);
    assert_int_equal(fixture_find(fixture, POOL_SEND_SAVED)->send.checkpoint, 2);
    assert_int_equal(fixture_find(fixture, POOL_SEND_SAVED)->send.reason,
                     REASON_DISK_FULL_ON_SERVER);
    assert_int_equal(fixture_count(fixture, POOL_CHECKPOINTED), 0);
    assert_int_equal(saved(fixture), 1);
    /* The node has not heard of it and asks again. */
    show_saved(fixture, NODE, 2);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 1);
    /* What came of one that is not awaited any more changes nothing of the other. */
    show_saved(fixture, NODE, 3);
    collected(fixture, 2, REASON_CANNOT_COLLECT_OUTPUT);
    show_saved(fixture, NODE, 3);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
}

static void in_a_new_session_it_is_brought_again(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    fixture_disconnect(fixture, NODE);
    fixture_connect(fixture, NODE, 1);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 1);
}

static void who_is_not_connected_is_told_nothing(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    fixture_disconnect(fixture, NODE);
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture_count(fixture, POOL_SEND_SAVED), 0);
    assert_int_equal(saved(fixture), 1);
}

static void the_next_attempt_begins_from_it(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 4);
    collected(fixture, 4, REASON_NONE);
    fixture_end(fixture, NODE, EPOCH, OUTCOME_VACATED, REASON_VACATED);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.checkpoint, 4);
}

static void what_a_given_up_attempt_saved_is_forgotten(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_false(pool_takes_checkpoint(fixture->pool, EPOCH, 1));
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(saved(fixture), 0);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, EPOCH);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
}

static void what_ended_besides_saves_nothing(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report_item item = {
        .epoch = EPOCH, .state = ATTEMPT_ENDED, .outcome = OUTCOME_VACATED, .checkpoint = 1};

    run(fixture);
    fixture_report(fixture, NODE, true, EPOCH, &item, 1);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
}

static void what_is_held_is_saved_as_it_leaves(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    fixture_choose(fixture, POOL_HOLD, 1, 0);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 1);
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(saved(fixture), 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
}

static void what_was_removed_is_not_saved(void **state)
{
    struct pool_fixture *fixture = *state;

    run(fixture);
    show_saved(fixture, NODE, 1);
    fixture_choose(fixture, POOL_REMOVE, 1, 0);
    assert_false(pool_takes_checkpoint(fixture->pool, EPOCH, 1));
    collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
    show_saved(fixture, NODE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, EPOCH);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT_CHECKPOINT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_checkpoint_is_brought_recorded_and_then_acknowledged),
        fixture_test(an_answer_that_was_lost_is_said_again),
        fixture_test(one_that_cannot_be_stored_leaves_the_one_before),
        fixture_test(in_a_new_session_it_is_brought_again),
        fixture_test(who_is_not_connected_is_told_nothing),
        fixture_test(the_next_attempt_begins_from_it),
        fixture_test(what_a_given_up_attempt_saved_is_forgotten),
        fixture_test(what_ended_besides_saves_nothing),
        fixture_test(what_is_held_is_saved_as_it_leaves),
        fixture_test(what_was_removed_is_not_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
