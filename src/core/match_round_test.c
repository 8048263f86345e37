/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the attributes of a node that never stand still. */
#include "core/match_round.h"

#include "base/test.h"

/* Whether the condition is true of a node of these lines, once they are rounded. */
static bool is_true_of(const char *lines, const char *condition)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_classad_ struct classad *node = classad_new();
    struct classad_failure failure;
    struct classad_value value;
    bool boolean = false;

    evaluator.now_seconds = 5000;
    classad_read_tolerantly(node, slice_from_text(lines));
    match_round(node, &evaluator);
    assert_int_equal(
        classad_expression_parse(slice_from_text(condition), CLASSAD_OLD, &expression, &failure),
        0);
    value = classad_evaluate(&evaluator, classad_expression_node(expression), node, NULL);
    return classad_value_as_boolean(&value, &boolean) && boolean;
}

static void a_load_is_rounded_down(void **state)
{
    (void)state;
    assert_true(is_true_of("LoadAvg = 0.04", "LoadAvg == 0"));
    assert_true(is_true_of("LoadAvg = 0.30", "LoadAvg == 0.3"));
    assert_true(is_true_of("LoadAvg = 0.34", "LoadAvg == 0.3"));
    assert_true(is_true_of("CondorLoadAvg = 1.99", "CondorLoadAvg == 1.5"));
    assert_true(is_true_of("TotalLoadAvg = 64.2", "TotalLoadAvg == 60"));
}

static void a_load_is_below_a_step_if_it_was_before(void **state)
{
    (void)state;
    for (int hundredths = 0; hundredths < 100; hundredths++)
        for (int step = 5; step < 100; step += 5) {
            char line[32], condition[32];

            (void)snprintf(line, sizeof(line), "LoadAvg = 0.%02d", hundredths);
            (void)snprintf(condition, sizeof(condition), "LoadAvg < 0.%02d", step);
            assert_int_equal(is_true_of(line, condition), hundredths < step);
        }
}

/* HTCondor's NonCondorLoadAvg, whatever the tasks of the pool do beside it. */
static void what_others_load_is_the_difference_as_if_it_were_told_itself(void **state)
{
    static const char difference[] = "(LoadAvg - CondorLoadAvg) <= 0.3";

    (void)state;
    assert_true(is_true_of("LoadAvg = 8.2\nCondorLoadAvg = 7.9", difference));
    assert_false(is_true_of("LoadAvg = 14.0\nCondorLoadAvg = 10.2", difference));
    assert_true(is_true_of("LoadAvg = 14.0\nCondorLoadAvg = 10.2",
                           "LoadAvg - CondorLoadAvg == 3.5 && CondorLoadAvg == 10"));
    assert_true(is_true_of("TotalLoadAvg = 14.0\nTotalCondorLoadAvg = 14.0",
                           "TotalLoadAvg == TotalCondorLoadAvg"));
    assert_true(is_true_of("LoadAvg = 0.32\nCondorLoadAvg = 0.4", "LoadAvg < CondorLoadAvg"));
    assert_true(is_true_of("LoadAvg = 0.32\nCondorLoadAvg = Half", "LoadAvg == 0.3"));
    for (int tasks = 0; tasks < 1500; tasks += 7)
        for (int others = 0; others < 100; others += 5) {
            char lines[64];

            (void)snprintf(lines, sizeof(lines), "LoadAvg = %d.%02d\nCondorLoadAvg = %d.%02d",
                           (tasks + others) / 100, (tasks + others) % 100, tasks / 100,
                           tasks % 100);
            assert_int_equal(is_true_of(lines, difference), others <= 30);
        }
}

static void idle_seconds_are_above_the_steps_that_they_have_reached(void **state)
{
    (void)state;
    assert_true(is_true_of("KeyboardIdle = 59", "KeyboardIdle == 0"));
    assert_true(is_true_of("KeyboardIdle = 900", "KeyboardIdle > 15 * 60"));
    assert_true(is_true_of("KeyboardIdle = 1199", "KeyboardIdle == 901"));
    assert_false(is_true_of("ConsoleIdle = 899", "ConsoleIdle >= 15 * 60"));
    assert_true(is_true_of("ConsoleIdle = 99999999", "ConsoleIdle > 14 * 24 * 3600"));
    assert_true(is_true_of("CpuBusyTime = -5", "CpuBusyTime == 0"));
}

static void the_clock_of_a_node_is_ours(void **state)
{
    (void)state;
    assert_true(is_true_of("MyCurrentTime = 17", "MyCurrentTime == 5000"));
    assert_true(is_true_of("LastHeardFrom = 17", "time() - LastHeardFrom < 300"));
}

static void what_is_no_number_stays(void **state)
{
    (void)state;
    assert_true(is_true_of("LoadAvg = \"none\"", "LoadAvg == \"none\""));
    assert_true(is_true_of("LoadAvg = true", "LoadAvg is true"));
    assert_true(is_true_of("LoadAvg = Half / 2\nHalf = 0.5", "LoadAvg == 0.25"));
    assert_true(is_true_of("Memory = 17", "LoadAvg is undefined && Memory == 17"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_is_rounded_down),
        cmocka_unit_test(a_load_is_below_a_step_if_it_was_before),
        cmocka_unit_test(what_others_load_is_the_difference_as_if_it_were_told_itself),
        cmocka_unit_test(idle_seconds_are_above_the_steps_that_they_have_reached),
        cmocka_unit_test(the_clock_of_a_node_is_ours),
        cmocka_unit_test(what_is_no_number_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
