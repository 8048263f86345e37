/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that sleep, and for whom they are woken. */
#include "core/pool_fixture.h"

#include "base/memory.h"

#include <errno.h>

enum { HALL = 3 /* the segment */, MINUTE_MS = 60000 };

static struct pool_node_view view_of(const struct pool_fixture *fixture, uint32_t node)
{
    struct pool_node_view view;

    assert_true(pool_view_node(fixture->pool, node, &view));
    return view;
}

static void say_good_night(struct pool_fixture *fixture, uint32_t node)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .full = true,
                                                           .asleep = true}});
}

/* Node 0 watches and is full; the others have so many CPUs and sleep in the same hall. */
static void fall_asleep(struct pool_fixture *fixture, uint32_t count, uint32_t cpus)
{
    fixture_join(fixture, 0, 1);
    fixture_drain(fixture, 0, true, false);
    assert_int_equal(pool_set_segment(fixture->pool, 0, HALL), 0);
    for (uint32_t n = 1; n <= count; n++) {
        fixture_join(fixture, n, cpus);
        assert_int_equal(pool_set_segment(fixture->pool, n, HALL), 0);
        fixture_sleep(fixture, n);
    }
}

static void a_node_that_sleeps_is_offline_and_gets_nothing(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 1, 2);
    say_good_night(fixture, 1);
    assert_true(fixture_find(fixture, POOL_SAVE_NODE)->node.asleep);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_NODE)->node.capacity.cpus, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_RENEW), 1);
    fixture_submit(fixture, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(view_of(fixture, 1).state, NODE_OFFLINE);
    assert_true(view_of(fixture, 1).asleep);
    /* It thinks better of it. */
    fixture_report(fixture, 1, true, 0, NULL, 0);
    assert_false(fixture_find(fixture, POOL_SAVE_NODE)->node.asleep);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void a_node_that_was_given_something_meanwhile_does_not_sleep(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 1, 1);
    fixture_submit(fixture, 1, 1);
    say_good_night(fixture, 1);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_NODE), 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_RENEW), 0);
    assert_false(view_of(fixture, 1).asleep);
}

static void the_last_one_of_a_segment_stays_awake_for_the_others(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 1, 1);
    fixture_join(fixture, 2, 1);
    assert_int_equal(pool_set_segment(fixture->pool, 1, HALL), 0);
    assert_int_equal(pool_set_segment(fixture->pool, 2, HALL), 0);
    say_good_night(fixture, 1);
    assert_true(view_of(fixture, 1).asleep);
    assert_int_equal(fixture_count(fixture, POOL_SEND_RENEW), 1);
    say_good_night(fixture, 2);
    assert_false(view_of(fixture, 2).asleep);
    assert_int_equal(fixture_count(fixture, POOL_SEND_RENEW), 0);
    assert_int_equal(pool_set_own_segment(fixture->pool, HALL), 0);
    say_good_night(fixture, 2);
    assert_true(view_of(fixture, 2).asleep);
}

static void what_waits_long_wakes_a_node_that_sleeps(void **state)
{
    struct pool_fixture *fixture = *state;
    const struct pool_effect *wake;

    fall_asleep(fixture, 1, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, FIXTURE_WAKE_MS - 1);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    wake = fixture_find(fixture, POOL_WAKE);
    assert_int_equal(wake->wake.node, 1);
    assert_int_equal(wake->wake.waker, 0);
    assert_int_equal(wake->wake.session, fixture->sessions[0]);
    assert_int_equal(view_of(fixture, 1).wakes, 1);
    fixture_join(fixture, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_false(view_of(fixture, 1).asleep);
    assert_int_equal(view_of(fixture, 1).wakes, 0);
}

static void a_node_is_not_woken_for_what_would_not_end_in_time(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;

    fall_asleep(fixture, 1, 1);
    fixture_join(fixture, 1, 1);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = 1,
                                                           .session = fixture->sessions[1],
                                                           .full = true,
                                                           .lent_ms = 10 * MINUTE_MS,
                                                           .asleep = true}});
    fixture_disconnect(fixture, 1);
    fixture_submit_lasting(fixture, 1, 1, 20 * MINUTE_MS);
    fixture_tick(fixture, 9 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.asleep, 0);
    assert_int_equal(why.closing, 1);
    assert_int_equal(why.longest_lent_ms, MINUTE_MS);
    /* Its owner's hours have begun, whether or not somebody has looked. */
    fixture_tick(fixture, MINUTE_MS);
    fixture_submit(fixture, 2, 1);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_choose(fixture, POOL_REMOVE, 2, NONE);
    pool_let_sleep(fixture->pool, 1, false, 15 * MINUTE_MS);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    pool_let_sleep(fixture->pool, 1, false, 30 * MINUTE_MS);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.asleep, 1);
}

static void nothing_is_woken_while_nothing_waits(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 1, 1);
    assert_int_equal(pool_next_step_ms(fixture->pool), UINT64_MAX);
    fixture_tick(fixture, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
}

static void one_task_wakes_one_node_and_two_that_fit_into_it_no_second(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 4, 2);
    fixture_submit(fixture, 1, 2);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    fixture_submit(fixture, 2, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 2);
}

static void what_came_back_counts_as_waiting_too(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fixture_join(fixture, 5, 2);
    fixture_submit(fixture, 1, 2);
    epoch = fixture_find(fixture, POOL_SEND_START)->send.epoch;
    fixture_show(fixture, 5, epoch, ATTEMPT_RUNNING);
    fall_asleep(fixture, 2, 2);
    fixture_drain(fixture, 5, true, false);
    fixture_end(fixture, 5, epoch, OUTCOME_VACATED, REASON_OWNER_RETURNED);
    fixture_end(fixture, 5, epoch + 1, OUTCOME_VACATED, REASON_OWNER_RETURNED);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    /* And not twice. */
    fixture_tick(fixture, MINUTE_MS / 4);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
}

static void what_is_held_wakes_nobody_but_what_of_it_came_back(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 2, 1);
    fixture_submit(fixture, 1, 3);
    fixture_choose(fixture, POOL_HOLD, 1, NONE);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_choose(fixture, POOL_RELEASE, 1, 0);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
}

static void a_hall_is_not_woken_in_one_moment(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t begun_ms;

    fall_asleep(fixture, 5, 1);
    fixture_submit(fixture, 1, 5);
    fixture_submit(fixture, 2, 5);
    fixture_tick(fixture, FIXTURE_WAKE_MS - 1);
    begun_ms = fixture->now_ms;
    while (fixture_count(fixture, POOL_WAKE) < 1)
        fixture_tick(fixture, 1);
    fixture_tick(fixture, 200);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_tick(fixture, 800);
    assert_in_range(fixture_count(fixture, POOL_WAKE), 3, 4);
    assert_true(fixture->now_ms > begun_ms);
}

static void who_does_not_come_is_tried_again_and_then_given_up(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 1, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    fixture_tick(fixture, MINUTE_MS + MINUTE_MS / 4);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    fixture_tick(fixture, 2 * MINUTE_MS + MINUTE_MS / 4);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    assert_int_equal(view_of(fixture, 1).wakes, 3);
    assert_false(view_of(fixture, 1).does_not_wake);
    fixture_tick(fixture, 60 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    assert_true(view_of(fixture, 1).does_not_wake);
    /* Until it comes by itself. */
    fixture_join(fixture, 1, 1);
    assert_false(view_of(fixture, 1).does_not_wake);
}

static void when_one_does_not_come_another_one_is_woken(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 2, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 1);
    fixture_tick(fixture, MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 2);
}

static void a_node_that_comes_and_goes_again_leaves_the_work_to_others(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 2, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 1);
    fixture_connect(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_disconnect(fixture, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 2);
}

static void wakers_take_turns(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 1, 1);
    fixture_join(fixture, 7, 1);
    fixture_drain(fixture, 7, true, false);
    assert_int_equal(pool_set_segment(fixture->pool, 7, HALL), 0);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.waker, 0);
    fixture_tick(fixture, MINUTE_MS + MINUTE_MS / 4);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.waker, 7);
    /* One that has gone, or that is elsewhere now, is no waker. */
    fixture_disconnect(fixture, 0);
    assert_int_equal(pool_set_segment(fixture->pool, 7, HALL + 1), 0);
    fixture_tick(fixture, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    assert_int_equal(view_of(fixture, 1).wakes, 2);
}

static void the_server_wakes_whoever_is_in_its_own_segment(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 1, 1);
    fixture_disconnect(fixture, 0);
    assert_int_equal(pool_set_own_segment(fixture->pool, HALL), 0);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.waker, NONE);
}

static void nobody_wakes_who_shall_sleep_on(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 4, 1);
    pool_let_sleep(fixture->pool, 1, true, 0);
    pool_let_sleep(fixture->pool, 6, true, 0);
    pool_let_sleep(fixture->pool, 0, false, 1);
    assert_int_equal(pool_set_segment(fixture->pool, 2, 0), 0);
    assert_int_equal(pool_set_segment(fixture->pool, 6, HALL), 0);
    assert_int_equal(pool_set_segment(fixture->pool, 3, HALL), 0);
    fixture_drain(fixture, 3, true, false);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 4});
    /* And one that does not lie down although it said so. */
    fixture_join(fixture, 5, 1);
    assert_int_equal(pool_set_segment(fixture->pool, 5, HALL), 0);
    say_good_night(fixture, 5);
    fixture_submit(fixture, 1, 10);
    fixture_tick(fixture, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    assert_int_equal(view_of(fixture, 5).wakes, 0);
    pool_let_sleep(fixture->pool, 1, false, 0);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 1);
}

static void a_node_that_is_too_small_or_does_not_suit_sleeps_on(void **state)
{
    struct pool_part parts[] = {
        {.count = 1, .request = {2, 1, 1}},
        {.first = 1, .next = 1, .count = 1, .request = {1, 1, 1}, .job_class = 1}};
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 1, 1);
    assert_int_equal(pool_set_job_class(fixture->pool, 1, (int64_t[]){POOL_NEVER}, 1), 0);
    fixture_submit_parts(fixture, 1, 0, false, parts, 2);
    fixture_tick(fixture, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
}

static void what_asks_for_no_processor_or_for_all_memory_counts_as_it_is(void **state)
{
    struct pool_part part = {.count = 9, .request = {0, 2, 0}};
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 5, 2);
    fixture_submit_parts(fixture, 1, 0, false, &part, 1);
    fixture_tick(fixture, MINUTE_MS / 2);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 5);
}

static void the_rows_say_who_sleeps(void **state)
{
    const struct pool_options options = {.heartbeat_ms = 10000, .wake_after_ms = 15000};
    struct pool_fixture *fixture = *state;
    struct pool *pool = fixture->pool;
    struct pool_node_row row = {.node = 1, .machine = 2, .asleep = true, .wakes = 2};

    fixture->pool = pool_free(pool);
    fixture->pool = pool_new(&options);
    row.capacity = (struct resources){1, 1, 1};
    assert_int_equal(pool_load_node(fixture->pool, &row), 0);
    row.node = 2;
    row.wakes = 3;
    assert_int_equal(pool_load_node(fixture->pool, &row), 0);
    row.node = 3;
    row.forgotten = true;
    row.wakes = 0;
    assert_int_equal(pool_load_node(fixture->pool, &row), 0);
    /* Many, more than one step looks at. */
    row = (struct pool_node_row){.machine = 3, .asleep = true};
    for (row.node = 10; row.node < 400; row.node++)
        assert_int_equal(pool_load_node(fixture->pool, &row), 0);
    assert_true(view_of(fixture, 1).asleep);
    assert_true(view_of(fixture, 2).does_not_wake);
    assert_int_equal(pool_set_own_segment(fixture->pool, HALL), 0);
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(pool_set_segment(fixture->pool, n, HALL), 0);
    fixture_submit(fixture, 1, 5);
    /* Those that are awake may need as long to come back. */
    fixture_tick(fixture, 14000);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
    fixture_tick(fixture, 20000);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 1);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 1);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_NODE)->node.wakes, 3);
}

static void a_pool_may_be_told_to_wake_nobody(void **state)
{
    const struct pool_options options = {.heartbeat_ms = 10000};
    struct pool_fixture *fixture = *state;

    pool_free(fixture->pool);
    fixture->pool = pool_new(&options);
    fall_asleep(fixture, 1, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, 10 * MINUTE_MS);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 0);
}

static void while_others_compute_sleepers_are_looked_at_all_the_same(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    fall_asleep(fixture, 2, 1);
    fixture_join(fixture, 5, 1);
    fixture_submit(fixture, 1, 3);
    epoch = fixture_started(fixture);
    fixture_show(fixture, 5, epoch, ATTEMPT_RUNNING);
    fixture_tick(fixture, 2 * FIXTURE_HEARTBEAT_MS + 300);
    assert_int_equal(fixture_count(fixture, POOL_WAKE), 2);
}

static void who_asks_why_hears_of_nodes_that_may_be_woken(void **state)
{
    struct pool_part part = {.count = 1, .request = {2, 1, 1}};
    struct pool_explanation why;
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 2, 1);
    fixture_join(fixture, 5, 1);
    say_good_night(fixture, 5);
    fixture_submit(fixture, 1, 1);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.asleep, 3);
    assert_int_equal(why.offline, 0);
    fixture_submit_parts(fixture, 2, 0, false, &part, 1);
    assert_true(pool_explain_task(fixture->pool, 2, 0, &why));
    assert_int_equal(why.asleep, 0);
    assert_int_equal(why.offline, 3);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 5});
    assert_int_equal(pool_set_job_class(fixture->pool, 1, (int64_t[]){POOL_NEVER}, 1), 0);
    part = (struct pool_part){.count = 1, .request = {1, 1, 1}, .job_class = 1};
    fixture_submit_parts(fixture, 3, 0, false, &part, 1);
    assert_true(pool_explain_task(fixture->pool, 3, 0, &why));
    assert_int_equal(why.offline, 2);
    fixture_tick(fixture, 30 * MINUTE_MS);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &why));
    assert_int_equal(why.asleep, 0);
    assert_int_equal(why.offline, 2);
}

static enum pool_reply wake_by_hand(struct pool_fixture *fixture, uint32_t node)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_WOKEN, .woken_node = node});
    return fixture_reply(fixture);
}

static void an_admin_may_wake_whoever_sleeps(void **state)
{
    struct pool_fixture *fixture = *state;

    fall_asleep(fixture, 3, 1);
    fixture_submit(fixture, 1, 1);
    fixture_tick(fixture, 30 * MINUTE_MS);
    assert_true(view_of(fixture, 1).does_not_wake);
    assert_int_equal(wake_by_hand(fixture, 1), POOL_REPLY_DONE);
    assert_int_equal(fixture_find(fixture, POOL_WAKE)->wake.node, 1);
    assert_false(view_of(fixture, 1).does_not_wake);
    assert_int_equal(view_of(fixture, 1).wakes, 0);
    assert_int_equal(wake_by_hand(fixture, 0), POOL_REPLY_WRONG_STATE);
    assert_int_equal(wake_by_hand(fixture, 99), POOL_REPLY_WRONG_STATE);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 3});
    assert_int_equal(wake_by_hand(fixture, 3), POOL_REPLY_WRONG_STATE);
    assert_int_equal(pool_set_segment(fixture->pool, 2, 0), 0);
    assert_int_equal(wake_by_hand(fixture, 2), POOL_REPLY_NO_WAKER);
    fixture_disconnect(fixture, 0);
    assert_int_equal(wake_by_hand(fixture, 1), POOL_REPLY_NO_WAKER);
}

static void no_segment_is_set_without_memory(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 1, 1);
    memory_fail_at(1);
    assert_int_equal(pool_set_segment(fixture->pool, 1, 70), -ENOMEM);
    memory_fail_at(1);
    assert_int_equal(pool_set_own_segment(fixture->pool, 70), -ENOMEM);
    memory_fail_at(0);
    pool_assert_invariants(fixture->pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_node_that_sleeps_is_offline_and_gets_nothing),
        fixture_test(a_node_that_was_given_something_meanwhile_does_not_sleep),
        fixture_test(the_last_one_of_a_segment_stays_awake_for_the_others),
        fixture_test(what_waits_long_wakes_a_node_that_sleeps),
        fixture_test(a_node_is_not_woken_for_what_would_not_end_in_time),
        fixture_test(nothing_is_woken_while_nothing_waits),
        fixture_test(one_task_wakes_one_node_and_two_that_fit_into_it_no_second),
        fixture_test(what_came_back_counts_as_waiting_too),
        fixture_test(what_is_held_wakes_nobody_but_what_of_it_came_back),
        fixture_test(a_hall_is_not_woken_in_one_moment),
        fixture_test(who_does_not_come_is_tried_again_and_then_given_up),
        fixture_test(when_one_does_not_come_another_one_is_woken),
        fixture_test(a_node_that_comes_and_goes_again_leaves_the_work_to_others),
        fixture_test(wakers_take_turns),
        fixture_test(the_server_wakes_whoever_is_in_its_own_segment),
        fixture_test(nobody_wakes_who_shall_sleep_on),
        fixture_test(a_node_that_is_too_small_or_does_not_suit_sleeps_on),
        fixture_test(what_asks_for_no_processor_or_for_all_memory_counts_as_it_is),
        fixture_test(the_rows_say_who_sleeps),
        fixture_test(a_pool_may_be_told_to_wake_nobody),
        fixture_test(while_others_compute_sleepers_are_looked_at_all_the_same),
        fixture_test(who_asks_why_hears_of_nodes_that_may_be_woken),
        fixture_test(an_admin_may_wake_whoever_sleeps),
        fixture_test(no_segment_is_set_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
