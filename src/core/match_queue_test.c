/* SPDX-License-Identifier: Apache-2.0 */
/* Which pair of classes is next, and on whose account. */
#include "core/match_queue.h"

#include "base/memory.h"
#include "base/test.h"

enum { JOBS = 8 };

static void begin(struct match_queue *queue)
{
    *queue = (struct match_queue){0};
    assert_true(match_queue_try_reserve(queue, JOBS));
}

/* One pair of the first class of tasks, as "job/node"; 0/0 if none waits. */
static void expect(struct match_queue *queue, uint32_t expected_job, uint32_t expected_node,
                   uint64_t steps)
{
    uint32_t job = 0, node = 0;

    if (match_queue_first(queue, &job)) {
        assert_true(match_queue_take(queue, job, &node));
        match_queue_charge(queue, job, steps);
        match_queue_settle(queue, job);
    }
    assert_int_equal(job, expected_job);
    assert_int_equal(node, expected_node);
}

static void a_class_of_tasks_is_compared_with_all_nodes_and_new_nodes_with_all_tasks(void **state)
{
    struct match_queue queue;

    (void)state;
    begin(&queue);
    match_queue_add_node(&queue, 7, false);
    match_queue_add_job(&queue, 1, false, 0);
    match_queue_add_job(&queue, 2, false, 0);
    expect(&queue, 1, 7, 1);
    assert_false(match_queue_waits(&queue, 1));
    expect(&queue, 2, 7, 1);
    expect(&queue, 0, 0, 0);
    match_queue_add_node(&queue, 3, true);
    assert_true(match_queue_waits(&queue, 1));
    match_queue_add_node(&queue, 4, false);
    expect(&queue, 1, 4, 1);
    expect(&queue, 2, 4, 1);
    expect(&queue, 1, 3, 1);
    expect(&queue, 2, 3, 1);
    expect(&queue, 0, 0, 0);
    match_queue_deinit(&queue);
}

static void new_nodes_are_first_compared_with_what_is_known_to_be_cheap(void **state)
{
    struct match_queue queue;

    (void)state;
    begin(&queue);
    match_queue_add_node(&queue, 1, false);
    for (uint32_t job = 1; job <= 3; job++)
        match_queue_add_job(&queue, job, false, 0);
    expect(&queue, 1, 1, 1000);
    expect(&queue, 2, 1, 500);
    expect(&queue, 3, 1, 10);
    match_queue_add_node(&queue, 2, false);
    match_queue_add_node(&queue, 3, false);
    expect(&queue, 3, 2, 10);
    expect(&queue, 3, 3, 10);
    expect(&queue, 2, 2, 100);
    expect(&queue, 2, 3, 500);
    expect(&queue, 1, 2, 1000);
    match_queue_add_node(&queue, 4, false);
    expect(&queue, 3, 4, 10);
    /* Of a class of which nothing is known yet, there is a guess. */
    match_queue_add_job(&queue, 4, false, 300);
    match_queue_add_job(&queue, 5, false, 200);
    expect(&queue, 5, 1, 10);
    match_queue_deinit(&queue);
}

static void what_is_fleeting_is_compared_again_but_not_ahead_of_what_waits(void **state)
{
    struct match_queue queue;

    (void)state;
    begin(&queue);
    match_queue_add_node(&queue, 1, false);
    match_queue_add_job(&queue, 1, true, 0);
    match_queue_add_job(&queue, 2, false, 0);
    expect(&queue, 1, 1, 10);
    expect(&queue, 2, 1, 10);
    match_queue_look_again(&queue);
    assert_false(match_queue_waits(&queue, 2));
    expect(&queue, 1, 1, 10);
    match_queue_add_node(&queue, 2, true);
    expect(&queue, 1, 2, 10);
    expect(&queue, 2, 2, 10);
    /* A new one is under way when the minute is over. */
    match_queue_add_job(&queue, 3, false, 0);
    expect(&queue, 3, 1, 100);
    match_queue_look_again(&queue);
    expect(&queue, 3, 2, 100);
    expect(&queue, 1, 1, 10);
    expect(&queue, 2, 2, 10);
    expect(&queue, 1, 2, 10);
    expect(&queue, 0, 0, 0);
    match_queue_deinit(&queue);
}

static bool is_even(const void *user_data, uint32_t node)
{
    (void)user_data;
    return node % 2 == 0;
}

static void nobody_waits_for_what_is_gone(void **state)
{
    struct match_queue queue;
    uint32_t node;

    (void)state;
    begin(&queue);
    for (uint32_t i = 1; i <= 5; i++)
        match_queue_add_node(&queue, i, i > 4);
    match_queue_add_job(&queue, 1, false, 0);
    match_queue_add_job(&queue, 2, false, 0);
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(match_queue_take(&queue, 1, &node));
    match_queue_keep_nodes(&queue, is_even, NULL);
    match_queue_remove_job(&queue, 2);
    expect(&queue, 1, 4, 1);
    expect(&queue, 0, 0, 0);
    match_queue_deinit(&queue);
}

static void there_may_be_no_room(void **state)
{
    struct match_queue queue;
    uint64_t n = 0;
    bool reserved;

    (void)state;
    do {
        queue = (struct match_queue){0};
        memory_fail_at(++n);
        reserved = match_queue_try_reserve(&queue, JOBS);
        memory_fail_at(0);
        match_queue_deinit(&queue);
    } while (!reserved);
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_of_tasks_is_compared_with_all_nodes_and_new_nodes_with_all_tasks),
        cmocka_unit_test(new_nodes_are_first_compared_with_what_is_known_to_be_cheap),
        cmocka_unit_test(what_is_fleeting_is_compared_again_but_not_ahead_of_what_waits),
        cmocka_unit_test(nobody_waits_for_what_is_gone),
        cmocka_unit_test(there_may_be_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
