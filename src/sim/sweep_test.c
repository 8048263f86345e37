/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep.h"

#include "base/test.h"

static const uint64_t hour = 3600000;

/* Twenty nodes and sweeps that fill half of them. */
static const struct sweep_options usual = {
    .seed = 1,
    .owners = {.absences = {OWNERS_WEIBULL, 0.55, 35.3},
               .presences = {OWNERS_WEIBULL, 0.6, 9.34},
               .habits = 0.3},
    .nodes = 20,
    .cpus = 1,
    .tasks = 10,
    .task_ms = 4 * 3600000,
    .suspend_for_ms = 2 * 60000,
    .learning_days = 7,
    .days = 14,
};

static void the_same_seed_gives_the_same_figures(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result one = sweep_run(&options), same = sweep_run(&options), other;

    (void)state;
    options.seed = 2;
    other = sweep_run(&options);
    assert_memory_equal(&one, &same, sizeof(one));
    assert_memory_not_equal(&one, &other, sizeof(one));
    assert_true(one.vacated > 0);
    assert_true(one.lost_ms > 0);
    assert_true(one.pairs_right > 0);
}

/* Nobody comes within the days that are played. */
static void without_owners_each_sweep_takes_as_long_as_its_longest_task(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result result;

    (void)state;
    options.owners.absences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 10000};
    result = sweep_run(&options);
    assert_in_range(result.sweeps, 14 * 24 / 6 - 1, 14 * 24 / 4);
    assert_int_equal(result.sweeps_open, 1);
    assert_in_range(result.finished, result.sweeps * 10, result.sweeps * 10 + 19);
    assert_int_equal(result.vacated, 0);
    assert_int_equal(result.lost_ms, 0);
    assert_in_range(result.finished_ms, result.finished * 2 * hour, result.finished * 6 * hour);
    assert_in_range(result.sweep_ms_max, 4 * hour, 6 * hour);
    assert_int_equal(result.owners_met[0] + result.owners_met[1], 0);
}

/* They leave for a minute an hour or so, and come back for good. */
static void where_owners_always_are_nothing_is_finished(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result result;

    (void)state;
    options.owners.absences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 1.0 / 60};
    options.owners.presences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 4};
    result = sweep_run(&options);
    assert_int_equal(result.finished, 0);
    assert_int_equal(result.sweeps, 0);
    assert_int_equal(result.sweeps_open, 1);
    assert_true(result.vacated > 0);
    assert_true(result.lost_ms > 0);
}

/* Each takes a minute: nobody is vacated for that, and all that was computed is of use. */
static void who_only_comes_by_costs_no_work(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result result;

    (void)state;
    options.owners.absences = (struct owners_lengths){OWNERS_EXPONENTIAL, 1, 0};
    options.owners.presences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 0.4 / 60};
    result = sweep_run(&options);
    assert_int_equal(result.vacated, 0);
    assert_true(result.sweeps > 14 * 24 / 7);
    assert_in_range(result.sweep_ms_max, 4 * hour, 7 * hour);
}

/* Where there is a choice: half of the nodes are enough. */
static void less_work_is_lost_on_nodes_with_a_good_history(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result fixed, learned;

    (void)state;
    options.nodes = 100;
    options.tasks = 50;
    options.learning_days = 28;
    fixed = sweep_run(&options);
    options.by_history = true;
    learned = sweep_run(&options);
    assert_int_equal(learned.owners_met[0], fixed.owners_met[0]);
    assert_true(learned.lost_ms < fixed.lost_ms * 3 / 4);
    assert_true(learned.finished > fixed.finished);
    assert_true(learned.sweeps_ms / learned.sweeps < fixed.sweeps_ms / fixed.sweeps);
    assert_true(learned.pairs_right > learned.pairs * 55 / 100);
}

static void several_tasks_share_a_node(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result result;

    (void)state;
    options.cpus = 4;
    options.nodes = 3;
    options.owners.absences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 10000};
    result = sweep_run(&options);
    assert_true(result.sweeps > 14 * 24 / 7);
    assert_in_range(result.sweep_ms_max, 4 * hour, 6 * hour);
}

static void results_add_up(void **state)
{
    struct sweep_result one = sweep_run(&usual), sum = {0};

    (void)state;
    sweep_result_add(&sum, &one);
    assert_memory_equal(&sum, &one, sizeof(one));
    sweep_result_add(&sum, &one);
    assert_int_equal(sum.finished, 2 * one.finished);
    assert_int_equal(sum.sweep_ms_max, one.sweep_ms_max);
}

/* They stay for eight hours, and what is frozen would wait for all of them. */
static void who_is_suspended_for_long_is_done_sooner_if_it_moves(void **state)
{
    struct sweep_options options = usual;
    struct sweep_result stays, moves;

    (void)state;
    options.owners.presences = (struct owners_lengths){OWNERS_WEIBULL, 1e6, 8};
    options.suspend_for_ms = 100 * hour;
    stays = sweep_run(&options);
    options.move_suspended_ms = hour / 6;
    moves = sweep_run(&options);
    assert_int_equal(stays.moved, 0);
    assert_true(moves.moved > 0);
    assert_int_equal(moves.moved, moves.vacated);
    assert_true(moves.sweeps > stays.sweeps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_figures),
        cmocka_unit_test(without_owners_each_sweep_takes_as_long_as_its_longest_task),
        cmocka_unit_test(where_owners_always_are_nothing_is_finished),
        cmocka_unit_test(who_only_comes_by_costs_no_work),
        cmocka_unit_test(less_work_is_lost_on_nodes_with_a_good_history),
        cmocka_unit_test(several_tasks_share_a_node),
        cmocka_unit_test(results_add_up),
        cmocka_unit_test(who_is_suspended_for_long_is_done_sooner_if_it_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
