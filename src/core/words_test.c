/* SPDX-License-Identifier: Apache-2.0 */
#include "core/words.h"

#include "base/test.h"

#include <string.h>

static void each_value_has_a_name_and_the_name_leads_back(void **state)
{
    enum task_state task;
    enum attempt_state attempt;
    enum outcome outcome;
    enum reason reason;
    enum owner_reason owner;

    (void)state;
    for (enum task_state i = 0; i < TASK_STATE_COUNT; i++) {
        assert_true(task_state_from_name(task_state_name(i), &task));
        assert_int_equal(task, i);
    }
    for (enum attempt_state i = 0; i < ATTEMPT_STATE_COUNT; i++) {
        assert_true(attempt_state_from_name(attempt_state_name(i), &attempt));
        assert_int_equal(attempt, i);
    }
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        assert_true(outcome_from_name(outcome_name(i), &outcome));
        assert_int_equal(outcome, i);
    }
    for (enum reason i = 0; i < REASON_COUNT; i++) {
        assert_true(reason_from_name(reason_name(i), &reason));
        assert_int_equal(reason, i);
    }
    for (enum owner_reason i = 0; i < OWNER_REASON_COUNT; i++) {
        assert_true(owner_reason_from_name(owner_reason_name(i), &owner));
        assert_int_equal(owner, i);
    }
}

static void assert_is_clause(const char *text)
{
    assert_true(strlen(text) > 10);
    assert_true(text[strlen(text) - 1] != '.');
    assert_true(text[0] >= 'a' && text[0] <= 'z');
}

static void each_reason_but_none_is_a_clause(void **state)
{
    (void)state;
    assert_string_equal(reason_text(REASON_NONE), "");
    for (enum reason i = REASON_NONE + 1; i < REASON_COUNT; i++)
        assert_is_clause(reason_text(i));
    for (enum owner_reason i = 0; i < OWNER_REASON_COUNT; i++)
        assert_is_clause(owner_reason_text(i));
}

static void an_unknown_name_leaves_the_value_alone(void **state)
{
    enum task_state task = TASK_HELD;
    enum attempt_state attempt = ATTEMPT_ENDED;
    enum outcome outcome = OUTCOME_LOST;
    enum reason reason = REASON_BY_USER;

    (void)state;
    assert_false(task_state_from_name("idle", &task));
    assert_false(attempt_state_from_name("", &attempt));
    assert_false(outcome_from_name("exited ", &outcome));
    assert_false(reason_from_name("by_user", &reason));
    assert_int_equal(task, TASK_HELD);
    assert_int_equal(attempt, ATTEMPT_ENDED);
    assert_int_equal(outcome, OUTCOME_LOST);
    assert_int_equal(reason, REASON_BY_USER);
}

static void nodes_have_the_names_that_users_know(void **state)
{
    (void)state;
    assert_string_equal(node_state_name(NODE_OFFLINE), "Offline");
    assert_string_equal(node_state_name(NODE_OWNER), "Owner");
    assert_string_equal(node_state_name(NODE_UNCLAIMED), "Unclaimed");
    assert_string_equal(node_state_name(NODE_CLAIMED), "Claimed");
    assert_string_equal(node_state_name(NODE_DRAINED), "Drained");
}

static void over_is_completed_or_removed(void **state)
{
    (void)state;
    for (enum task_state i = 0; i < TASK_STATE_COUNT; i++)
        assert_int_equal(task_state_is_over(i), i == TASK_COMPLETED || i == TASK_REMOVED);
}

static void resources_fit_if_each_does(void **state)
{
    const struct resources room = {2, 20, 200, 4};
    struct resources rest = room;

    (void)state;
    assert_true(resources_fit(&room, &room));
    assert_true(resources_fit(&(struct resources){0}, &room));
    assert_false(resources_fit(&(struct resources){3, 1, 1}, &room));
    assert_false(resources_fit(&(struct resources){1, 21, 1}, &room));
    assert_false(resources_fit(&(struct resources){1, 1, 201}, &room));
    assert_false(resources_fit(&(struct resources){1, 1, 1, 5}, &room));
    resources_take(&rest, &(struct resources){1, 5, 100, 3});
    assert_int_equal(rest.cpus, 1);
    assert_int_equal(rest.memory, 15);
    assert_int_equal(rest.disk, 100);
    assert_int_equal(rest.gpus, 1);
    resources_give(&rest, &(struct resources){1, 5, 100, 3});
    assert_true(resources_are_equal(&rest, &room));
}

static void resources_are_equal_if_each_is(void **state)
{
    const struct resources some = {2, 20, 200, 4};

    (void)state;
    assert_true(resources_are_equal(&some, &(struct resources){2, 20, 200, 4}));
    assert_false(resources_are_equal(&some, &(struct resources){1, 20, 200, 4}));
    assert_false(resources_are_equal(&some, &(struct resources){2, 21, 200, 4}));
    assert_false(resources_are_equal(&some, &(struct resources){2, 20, 199, 4}));
    assert_false(resources_are_equal(&some, &(struct resources){2, 20, 200, 3}));
}

static void of_two_the_larger_amounts_are_taken(void **state)
{
    const struct resources a = {1, 20, 3, 40}, b = {10, 2, 30, 4}, larger = {10, 20, 30, 40};
    struct resources one = resources_larger(&a, &b), other = resources_larger(&b, &a);

    (void)state;
    assert_true(resources_are_equal(&one, &larger));
    assert_true(resources_are_equal(&other, &larger));
}

static void take_too_much(void)
{
    resources_take(&(struct resources){1, 1, 1}, &(struct resources){2, 1, 1});
}

static void name_nothing(void)
{
    reason_name(REASON_COUNT);
}

static void broken_promises_end_the_process(void **state)
{
    (void)state;
    assert_true(test_aborts(take_too_much));
    assert_true(test_aborts(name_nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_a_name_and_the_name_leads_back),
        cmocka_unit_test(each_reason_but_none_is_a_clause),
        cmocka_unit_test(an_unknown_name_leaves_the_value_alone),
        cmocka_unit_test(nodes_have_the_names_that_users_know),
        cmocka_unit_test(over_is_completed_or_removed),
        cmocka_unit_test(resources_fit_if_each_does),
        cmocka_unit_test(resources_are_equal_if_each_is),
        cmocka_unit_test(of_two_the_larger_amounts_are_taken),
        cmocka_unit_test(broken_promises_end_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
