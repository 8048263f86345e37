/* SPDX-License-Identifier: Apache-2.0 */
/* What users do to jobs and tasks that are there: every verb in every state. */
#include "core/pool_fixture.h"

#include <string.h>

static void choose_and_expect(struct pool_fixture *fixture, enum pool_event_kind kind, uint32_t job,
                              uint32_t task, enum pool_reply reply, uint32_t count)
{
    fixture_choose(fixture, kind, job, task);
    assert_int_equal(fixture_reply(fixture), reply);
    assert_int_equal(fixture_find(fixture, POOL_REPLY)->reply.count, count);
}

static void what_is_not_there_is_said_so(void **state)
{
    struct pool_fixture *fixture = *state;

    choose_and_expect(fixture, POOL_HOLD, 1, NONE, POOL_REPLY_NO_SUCH_JOB, 0);
    fixture_submit(fixture, 1, 3);
    choose_and_expect(fixture, POOL_HOLD, 1, 3, POOL_REPLY_NO_SUCH_TASK, 0);
    choose_and_expect(fixture, POOL_HOLD, 1, UINT32_MAX - 1, POOL_REPLY_NO_SUCH_TASK, 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, 0, POOL_REPLY_WRONG_STATE, 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, NONE, POOL_REPLY_WRONG_STATE, 0);
}

static void a_task_that_waits_can_be_held_and_released(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 3);
    choose_and_expect(fixture, POOL_HOLD, 1, 1, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_HELD);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.reason, REASON_BY_USER);
    choose_and_expect(fixture, POOL_HOLD, 1, 1, POOL_REPLY_WRONG_STATE, 0);
    fixture_join(fixture, 0, 3);
    /* Its turn comes, and it is passed over. */
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 2);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_PART)->part.next, 3);
    choose_and_expect(fixture, POOL_RELEASE, 1, 1, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 1);
}

static void only_the_first_move_of_a_task_is_traced_as_the_first(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    choose_and_expect(fixture, POOL_HOLD, 1, 1, POOL_REPLY_DONE, 1);
    assert_true(fixture_find(fixture, POOL_TRACE)->trace.first);
    choose_and_expect(fixture, POOL_RELEASE, 1, 1, POOL_REPLY_DONE, 1);
    assert_false(fixture_find(fixture, POOL_TRACE)->trace.first);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.task, 1);
    assert_false(fixture_find(fixture, POOL_TRACE)->trace.first);
    fixture_join(fixture, 1, 1);
    assert_int_equal(fixture_find(fixture, POOL_TRACE)->trace.task, 0);
    assert_true(fixture_find(fixture, POOL_TRACE)->trace.first);
}

static void a_task_that_waits_can_be_removed(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_task_row row;

    fixture_submit(fixture, 1, 2);
    choose_and_expect(fixture, POOL_REMOVE, 1, 1, POOL_REPLY_DONE, 1);
    assert_false(pool_view_task(fixture->pool, 1, 1, &row));
    choose_and_expect(fixture, POOL_REMOVE, 1, 1, POOL_REPLY_WRONG_STATE, 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, 1, POOL_REPLY_WRONG_STATE, 0);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_REMOVED], 1);
    choose_and_expect(fixture, POOL_REMOVE, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_JOB_OVER)->job_over, 1);
    assert_false(fixture_has_job(fixture, 1));
}

static void a_whole_job_is_held_by_its_row(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1000000);
    choose_and_expect(fixture, POOL_HOLD, 1, NONE, POOL_REPLY_DONE, 1000000);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_TASK), 0);
    assert_true(fixture_find(fixture, POOL_SAVE_JOB)->job.held);
    choose_and_expect(fixture, POOL_HOLD, 1, NONE, POOL_REPLY_WRONG_STATE, 0);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, 5, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 5);
    choose_and_expect(fixture, POOL_HOLD, 1, 6, POOL_REPLY_WRONG_STATE, 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, NONE, POOL_REPLY_DONE, 999999);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_IDLE], 999999);
}

static void a_whole_job_is_removed_with_what_runs_of_it(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 10);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    choose_and_expect(fixture, POOL_REMOVE, 1, NONE, POOL_REPLY_DONE, 10);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.epoch, epoch);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_PART)->part.next, 10);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.epoch, epoch);
    assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 0);
    /* As long as the node has not let go, the job stays. */
    choose_and_expect(fixture, POOL_RELEASE, 1, NONE, POOL_REPLY_WRONG_STATE, 0);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_WRONG_STATE, 0);
    fixture_end(fixture, 0, epoch, OUTCOME_VACATED, REASON_BY_USER);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, epoch);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.node, NONE);
    assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 1);
}

static void a_job_whose_tasks_were_singled_out_is_removed_whole(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 5);
    fixture_choose(fixture, POOL_REMOVE, 1, 3);
    fixture_choose(fixture, POOL_HOLD, 1, 4);
    choose_and_expect(fixture, POOL_REMOVE, 1, NONE, POOL_REPLY_DONE, 4);
    assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 1);
    assert_int_equal(pool_count_all(fixture->pool).tasks, 0);
}

static void what_runs_is_told_to_stop_when_it_is_held(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 0, epoch, ATTEMPT_SUSPENDED);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.reason, REASON_BY_USER);
    /* Until the node has let go, a release starts nothing, and a result is none. */
    choose_and_expect(fixture, POOL_RELEASE, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_choose(fixture, POOL_RELEASE, 1, 0);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_count(fixture, POOL_COLLECT), 0);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, epoch);
    assert_true(fixture_started(fixture) > epoch);
}

static void a_node_out_of_reach_is_told_when_it_shows_the_attempt(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    fixture_disconnect(fixture, 0);
    choose_and_expect(fixture, POOL_REMOVE, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_connect(fixture, 0, 1);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.epoch, epoch);
    /* And again, as long as it does. */
    fixture_show(fixture, 0, epoch, ATTEMPT_PREPARING);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
}

static void a_result_on_its_way_is_not_wanted_any_more(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    assert_int_equal(fixture_find(fixture, POOL_COLLECT)->send.epoch, epoch);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_FORGET)->send.epoch, epoch);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_int_equal(fixture->effects.length, 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_HELD);
}

static void a_task_that_came_back_can_be_held_too(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    fixture_disconnect(fixture, 0);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_DONE, 1);
    fixture_connect(fixture, 0, 1);
    fixture_report(fixture, 0, true, epoch, NULL, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    choose_and_expect(fixture, POOL_RELEASE, 1, 0, POOL_REPLY_DONE, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.attempt, 2);
}

static void a_job_of_which_all_has_started_is_held_and_removed_as_well(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 2);
    choose_and_expect(fixture, POOL_HOLD, 1, NONE, POOL_REPLY_DONE, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 2);
    assert_false(fixture_find(fixture, POOL_SAVE_JOB)->job.held);
    choose_and_expect(fixture, POOL_REMOVE, 1, NONE, POOL_REPLY_DONE, 2);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_PART), 0);
}

static void what_is_over_cannot_be_held(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    fixture_end(fixture, 0, 1, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, 1, REASON_NONE);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_WRONG_STATE, 0);
    choose_and_expect(fixture, POOL_REMOVE, 1, 0, POOL_REPLY_WRONG_STATE, 0);
}

/* They stand in a list, in the order in which they came back, and each can be taken out of it. */
static void of_several_that_came_back_any_can_be_held(void **state)
{
    static const uint32_t order[] = {2, 3, 0, 4, 1};

    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        struct pool_fixture *fixture = *state;

        fixture_submit(fixture, 1, 5);
        fixture_join(fixture, 0, 5);
        fixture_disconnect(fixture, 0);
        fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
        for (size_t held = 0; held <= i; held++)
            choose_and_expect(fixture, POOL_HOLD, 1, order[held], POOL_REPLY_DONE, 1);
        fixture_connect(fixture, 0, 5);
        fixture_report(fixture, 0, true, 5, NULL, 0);
        assert_int_equal(fixture_count(fixture, POOL_SEND_START), 4 - i);
        pool_fixture_tear_down(state);
        pool_fixture_set_up(state);
    }
}

static void a_part_that_has_all_started_does_not_look_for_those_of_others(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part parts[] = {{.first = 0, .count = 1, .next = 0, .request = {1, 1, 1}},
                                {.first = 1, .count = 2, .next = 1, .request = {2, 2, 2}}};

    fixture_submit_parts(fixture, 1, 0, false, parts, ARRAY_LENGTH(parts));
    choose_and_expect(fixture, POOL_HOLD, 1, 2, POOL_REPLY_DONE, 1);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 0);
    choose_and_expect(fixture, POOL_HOLD, 1, 0, POOL_REPLY_DONE, 1);
    fixture_join(fixture, 1, 4);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_is_not_there_is_said_so),
        fixture_test(a_task_that_waits_can_be_held_and_released),
        fixture_test(only_the_first_move_of_a_task_is_traced_as_the_first),
        fixture_test(a_task_that_waits_can_be_removed),
        fixture_test(a_whole_job_is_held_by_its_row),
        fixture_test(a_whole_job_is_removed_with_what_runs_of_it),
        fixture_test(a_job_whose_tasks_were_singled_out_is_removed_whole),
        fixture_test(what_runs_is_told_to_stop_when_it_is_held),
        fixture_test(a_node_out_of_reach_is_told_when_it_shows_the_attempt),
        fixture_test(a_result_on_its_way_is_not_wanted_any_more),
        fixture_test(a_task_that_came_back_can_be_held_too),
        fixture_test(a_job_of_which_all_has_started_is_held_and_removed_as_well),
        fixture_test(what_is_over_cannot_be_held),
        fixture_test(of_several_that_came_back_any_can_be_held),
        fixture_test(a_part_that_has_all_started_does_not_look_for_those_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
