/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs where: classes of jobs and of nodes, preferences, and the order among nodes. */
#include "core/pool_fixture.h"

#include "base/memory.h"

#include <errno.h>

static void change(struct pool_fixture *fixture, uint32_t node, uint32_t node_class, uint8_t stay)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CHANGED,
                                              .changed = {node, node_class, stay}});
}

/* A job of one part of so many tasks, each for one CPU. */
static void submit(struct pool_fixture *fixture, uint32_t job, uint32_t tasks, uint32_t job_class)
{
    struct pool_part part = {.count = tasks, .request = {1, 1, 1}, .job_class = job_class};

    fixture_submit_parts(fixture, job, 0, false, &part, 1);
}

static void prefer(struct pool_fixture *fixture, uint32_t job_class, int64_t class_0,
                   int64_t class_1, int64_t class_2)
{
    int64_t preferences[] = {class_0, class_1, class_2};

    assert_int_equal(pool_set_job_class(fixture->pool, job_class, preferences, 3), 0);
    pool_assert_invariants(fixture->pool);
}

static uint32_t started_on(const struct pool_fixture *fixture)
{
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    return fixture_find(fixture, POOL_SEND_START)->send.node;
}

static void a_task_waits_for_a_node_that_suits(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, 0, POOL_NEVER);
    fixture_join(fixture, 0, 4);
    submit(fixture, 1, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    change(fixture, 0, 2, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    change(fixture, 0, 1, 0);
    assert_int_equal(started_on(fixture), 0);
}

static void a_task_that_suits_nowhere_does_not_stop_those_behind_it(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, POOL_NEVER, POOL_NEVER);
    submit(fixture, 1, 5, 1);
    submit(fixture, 2, 1, 0);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 2);
}

static void the_preferred_class_goes_first_however_full_it_is(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, 1, 5, POOL_NEVER);
    fixture_join(fixture, 0, 8);
    fixture_join(fixture, 1, 2);
    fixture_join(fixture, 2, 8);
    change(fixture, 1, 1, 0);
    change(fixture, 2, 2, 0);
    submit(fixture, 1, 1, 1);
    assert_int_equal(started_on(fixture), 1);
    submit(fixture, 2, 1, 1);
    assert_int_equal(started_on(fixture), 1);
    submit(fixture, 3, 1, 1);
    assert_int_equal(started_on(fixture), 0);
}

static void equal_classes_compete_with_their_best_nodes(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, 0, 0, 0);
    fixture_join(fixture, 0, 2);
    fixture_join(fixture, 1, 4);
    fixture_join(fixture, 2, 3);
    change(fixture, 1, 1, 0);
    change(fixture, 2, 2, 0);
    submit(fixture, 1, 1, 1);
    assert_int_equal(started_on(fixture), 1);
    change(fixture, 0, 0, 200);
    submit(fixture, 2, 1, 1);
    assert_int_equal(started_on(fixture), 0);
    submit(fixture, 3, 1, 0);
    assert_int_equal(started_on(fixture), 0);
}

static void room_counts_before_the_order_of_nodes(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part large = {.count = 1, .request = {3, 1, 1}, .job_class = 1};

    prefer(fixture, 1, 0, 0, POOL_NEVER);
    fixture_join(fixture, 0, 2);
    fixture_join(fixture, 1, 4);
    change(fixture, 1, 1, 0);
    change(fixture, 0, 0, 255);
    fixture_submit_parts(fixture, 1, 0, false, &large, 1);
    assert_int_equal(started_on(fixture), 1);
}

static void a_better_node_without_room_does_not_hide_the_best_one_with_room(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part large = {.count = 1, .request = {3, 1, 1}, .job_class = 1};

    prefer(fixture, 1, 0, 0, POOL_NEVER);
    fixture_join(fixture, 0, 4);
    fixture_join(fixture, 1, 2);
    fixture_join(fixture, 2, 3);
    change(fixture, 1, 1, 255);
    change(fixture, 2, 1, 0);
    fixture_submit_parts(fixture, 1, 0, false, &large, 1);
    assert_int_equal(started_on(fixture), 0);
}

static void a_freed_node_takes_the_first_task_that_it_suits(void **state)
{
    struct pool_fixture *fixture = *state;
    uint64_t epoch;

    prefer(fixture, 1, POOL_NEVER, 0, POOL_NEVER);
    prefer(fixture, 2, 0, POOL_NEVER, POOL_NEVER);
    submit(fixture, 1, 1, 0);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    submit(fixture, 2, 1, 1);
    submit(fixture, 3, 1, 2);
    fixture_show(fixture, 0, epoch, ATTEMPT_RUNNING);
    fixture_end(fixture, 0, epoch, OUTCOME_FAILED, REASON_BY_USER);
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_state(fixture, 2, 0), TASK_IDLE);
    assert_int_equal(fixture_state(fixture, 3, 0), TASK_RUNNING);
}

static void what_runs_stays_when_its_node_changes(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, 0, POOL_NEVER);
    fixture_join(fixture, 0, 1);
    change(fixture, 0, 1, 0);
    submit(fixture, 1, 1, 1);
    assert_int_equal(started_on(fixture), 0);
    change(fixture, 0, 2, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
}

static void a_new_preference_is_obeyed_by_the_next_step(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, POOL_NEVER, POOL_NEVER);
    fixture_join(fixture, 0, 1);
    submit(fixture, 1, 1, 1);
    prefer(fixture, 2, 0, POOL_NEVER, POOL_NEVER);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    prefer(fixture, 1, 0, POOL_NEVER, POOL_NEVER);
    fixture_tick(fixture, 0);
    assert_int_equal(started_on(fixture), 0);
}

static void what_is_told_again_is_no_news(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, 7, POOL_NEVER, 0);
    submit(fixture, 1, 1, 1);
    fixture_tick(fixture, 0);
    prefer(fixture, 1, 7, POOL_NEVER, 0);
    prefer(fixture, 1, 7, POOL_NEVER, POOL_NEVER);
    assert_int_equal(pool_next_step_ms(fixture->pool), UINT64_MAX);
    prefer(fixture, 1, 7, 0, POOL_NEVER);
    assert_true(pool_next_step_ms(fixture->pool) < UINT64_MAX);
}

static void a_class_of_nodes_is_told_to_all_job_classes(void **state)
{
    static const int64_t first_suits[] = {0, 7, POOL_NEVER}, last_suits[] = {0, POOL_NEVER, 7};
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, POOL_NEVER, POOL_NEVER);
    prefer(fixture, 2, POOL_NEVER, POOL_NEVER, POOL_NEVER);
    assert_int_equal(pool_set_node_class(fixture->pool, 1, first_suits, 3), 0);
    assert_int_equal(pool_set_node_class(fixture->pool, 1, last_suits, 3), 0);
    assert_int_equal(pool_set_node_class(fixture->pool, 3, first_suits, 2), 0);
    fixture_join(fixture, 0, 4);
    change(fixture, 0, 1, 0);
    submit(fixture, 1, 1, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    submit(fixture, 2, 1, 2);
    assert_int_equal(started_on(fixture), 0);
    change(fixture, 0, 3, 0);
    assert_int_equal(started_on(fixture), 0);
}

static void classes_keep_their_order_however_they_are_told(void **state)
{
    static const int64_t preferences[][2] = {{0, 3}, {0, 9}, {0, 3}, {0, POOL_NEVER}, {0, 5}};
    struct pool_fixture *fixture = *state;

    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(pool_set_node_class(fixture->pool, i, preferences[i], 2), 0);
    assert_int_equal(pool_set_node_class(fixture->pool, 0, preferences[0], 2), 0);
    for (uint32_t node = 0; node < 5; node++) {
        fixture_join(fixture, node, 1);
        change(fixture, node, node, 0);
    }
    /* Of equal ones the node with the smaller number. */
    for (uint32_t i = 0; i < 4; i++) {
        submit(fixture, i + 1, 1, 1);
        assert_int_equal(started_on(fixture), ((const uint32_t[]){1, 4, 0, 2})[i]);
    }
    submit(fixture, 5, 1, 1);
    submit(fixture, 6, 1, 2);
    assert_int_equal(pool_set_node_class(fixture->pool, 3, preferences[0], 2), 0);
    fixture_tick(fixture, 0);
    assert_int_equal(started_on(fixture), 3);
}

/* As a number that is used again is: one by one, each of them would move those behind it. */
static void a_class_that_suited_many_suits_what_it_is_told_anew(void **state)
{
    enum { MANY = 100000 };
    static const int64_t only[] = {POOL_NEVER, 4};
    struct pool_fixture *fixture = *state;
    int64_t *preferences = memory_allocate(MANY * sizeof(*preferences));

    /* The best comes first, so that none makes room for another. */
    for (uint32_t i = 0; i < MANY; i++)
        preferences[i] = MANY - i;
    assert_int_equal(pool_set_job_class(fixture->pool, 1, preferences, MANY), 0);
    assert_int_equal(pool_set_job_class(fixture->pool, 1, only, 2), 0);
    pool_assert_invariants(fixture->pool);
    fixture_join(fixture, 0, 1);
    submit(fixture, 1, 1, 1);
    change(fixture, 0, MANY - 1, 0);
    change(fixture, 0, 2, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    change(fixture, 0, 1, 0);
    assert_int_equal(started_on(fixture), 0);
    free(preferences);
}

static void a_node_may_leave_the_middle_of_its_class(void **state)
{
    struct pool_fixture *fixture = *state;

    prefer(fixture, 1, POOL_NEVER, 0, POOL_NEVER);
    for (uint32_t node = 0; node < 4; node++) {
        fixture_join(fixture, node, 1);
        change(fixture, node, 1, 0);
    }
    fixture_disconnect(fixture, 3);
    change(fixture, 1, 2, 0);
    change(fixture, 0, 2, 0);
    change(fixture, 7, 1, 0); /* nobody knows that one */
    assert_true(pool_uses_node_class(fixture->pool, 1));
    submit(fixture, 1, 3, 1);
    assert_int_equal(started_on(fixture), 2);
    change(fixture, 2, 0, 0);
    change(fixture, 3, 0, 0);
    assert_false(pool_uses_node_class(fixture->pool, 1));
    assert_false(pool_uses_node_class(fixture->pool, 17));
}

static void a_job_class_is_in_use_as_long_as_a_job_is_of_it(void **state)
{
    struct pool_fixture *fixture = *state;

    assert_false(pool_uses_job_class(fixture->pool, 1));
    submit(fixture, 1, 1, 1);
    assert_true(pool_uses_job_class(fixture->pool, 1));
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    assert_false(pool_uses_job_class(fixture->pool, 1));
}

static void nodes_that_the_requirements_rule_out_are_counted(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation explanation;

    prefer(fixture, 1, POOL_NEVER, 0, POOL_NEVER);
    fixture_join(fixture, 0, 1);
    fixture_join(fixture, 1, 1);
    submit(fixture, 1, 1, 1);
    assert_true(pool_explain_task(fixture->pool, 1, 0, &explanation));
    assert_int_equal(explanation.unsuited, 2);
    assert_int_equal(explanation.available, 0);
    assert_int_equal(explanation.job_class, 1);
}

static void parts_are_alike_if_they_ask_for_the_same(void **state)
{
    struct pool_part part = {.count = 1, .request = {1, 2, 3}, .job_class = 4}, other = part;

    (void)state;
    other.first = 7;
    assert_true(pool_parts_are_alike(&part, &other));
    other.request.disk = 4;
    assert_false(pool_parts_are_alike(&part, &other));
    other = part;
    other.job_class = 5;
    assert_false(pool_parts_are_alike(&part, &other));
}

/* All that needs memory; stops where it is refused. */
static int grow(struct pool *pool)
{
    static const int64_t preferences[] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct pool_effects effects = POOL_EFFECTS_INIT;
    struct pool_event event = {.kind = POOL_NODE_CHANGED, .changed = {0, 40, 0}};
    struct pool_part part = {.count = 1, .request = {1, 1, 1}, .job_class = 60};
    int r = pool_set_job_class(pool, 5, preferences, 9);

    if (r == 0)
        r = pool_set_node_class(pool, 20, preferences, 9);
    if (r == 0)
        r = pool_prepare(pool, &event, &effects);
    if (r == 0) {
        event = (struct pool_event){.kind = POOL_SUBMIT, .submit = {1, 0, false, &part, 1}};
        r = pool_prepare(pool, &event, &effects);
    }
    pool_effects_deinit(&effects);
    return r;
}

static void classes_are_refused_when_memory_ends(void **state)
{
    struct pool_fixture *fixture = *state;
    static const struct pool_options options = {.lease_ms = 1};
    uint64_t n = 1;
    int r;

    do {
        struct pool *pool = pool_new(&options);

        memory_fail_at(n++);
        r = grow(pool);
        memory_fail_at(0);
        pool_assert_invariants(pool);
        pool_free(pool);
    } while (r == -ENOMEM);
    assert_int_equal(r, 0);
    assert_true(n > 20);
    assert_int_equal(grow(fixture->pool), 0);
    assert_int_equal(pool_set_job_class(fixture->pool, 2, NULL, 0), 0);
    assert_int_equal(pool_set_node_class(fixture->pool, 2, NULL, 0), 0);
}

static void a_part_may_become_one_of_another_class(void **state)
{
    struct pool_fixture *fixture = *state;
    static const int64_t never[] = {POOL_NEVER, POOL_NEVER};
    const struct pool_part parts[] = {
        {.count = 1, .request = {1, 1, 1}, .job_class = 1},
        {.first = 1, .next = 1, .count = 1, .request = {1, 1, 1}, .job_class = 1},
    };
    int r;

    assert_int_equal(pool_set_job_class(fixture->pool, 1, never, 1), 0);
    fixture_join(fixture, 0, 8);
    fixture_submit_parts(fixture, 1, 0, false, parts, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_int_equal(pool_set_part_class(fixture->pool, 2, 0, 0), 0);
    assert_int_equal(pool_set_part_class(fixture->pool, 1, 2, 0), 0);
    assert_int_equal(pool_set_part_class(fixture->pool, 1, 1, 1), 0);
    for (uint64_t n = 1;; n++) {
        memory_fail_at(n);
        r = pool_set_part_class(fixture->pool, 1, 1, 0);
        memory_fail_at(0);
        pool_assert_invariants(fixture->pool);
        if (r == 0)
            break;
        assert_int_equal(r, -ENOMEM);
    }
    fixture_tick(fixture, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    assert_true(pool_uses_job_class(fixture->pool, 1));
}

/* Nodes of class 1 suit these job classes and rank them. */
static void rank(struct pool_fixture *fixture, int64_t first, int64_t second, int64_t third)
{
    const int64_t ranks[] = {first, second, third};

    for (uint32_t i = 0; i < ARRAY_LENGTH(ranks); i++) {
        prefer(fixture, i + 1, POOL_NEVER, 0, POOL_NEVER);
        pool_set_rank(fixture->pool, i + 1, 1, ranks[i]);
    }
}

static uint32_t job_that_starts_on_a_new_node(struct pool_fixture *fixture, uint32_t node)
{
    fixture_join(fixture, node, 1);
    change(fixture, node, 1, 0);
    assert_int_equal(started_on(fixture), node);
    return fixture_find(fixture, POOL_SEND_START)->send.job;
}

static void a_node_takes_whom_it_ranks_highest_of_one_priority(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part urgent = {.count = 1, .request = {1, 1, 1}, .job_class = 1};
    struct pool_part unsuited = {.count = 1, .request = {1, 1, 1}, .job_class = 4};

    rank(fixture, -1, 7, 7);
    pool_set_rank(fixture->pool, 0, 2, 9);
    submit(fixture, 1, 1, 1);
    submit(fixture, 2, 1, 2);
    submit(fixture, 3, 1, 3);
    submit(fixture, 4, 1, 2);
    fixture_choose(fixture, POOL_REMOVE, 2, NONE);
    fixture_submit_parts(fixture, 5, 3, false, &urgent, 1);
    /* What does not suit is not asked for. */
    prefer(fixture, 4, POOL_NEVER, POOL_NEVER, 0);
    pool_set_rank(fixture->pool, 4, 1, 99);
    fixture_submit_parts(fixture, 6, 0, false, &unsuited, 1);
    /* And of what nothing was said, is 0. */
    prefer(fixture, 5, POOL_NEVER, 0, POOL_NEVER);
    submit(fixture, 7, 1, 5);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 0), 5);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 1), 3);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 2), 4);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 3), 7);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 4), 1);
}

static void of_parts_that_come_together_the_one_that_is_ranked_highest_begins(void **state)
{
    struct pool_fixture *fixture = *state;
    const struct pool_part parts[] = {
        {.first = 0, .next = 0, .count = 1, .request = {1, 1, 1}, .job_class = 1},
        {.first = 1, .next = 1, .count = 1, .request = {1, 1, 1}, .job_class = 2},
    };

    rank(fixture, 1, 2, 0);
    fixture_join(fixture, 0, 1);
    change(fixture, 0, 1, 0);
    fixture_submit_parts(fixture, 1, 0, false, parts, 2);
    assert_int_equal(started_on(fixture), 0);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 1);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
}

static void a_class_that_is_told_anew_is_ranked_no_more(void **state)
{
    static const int64_t never[] = {POOL_NEVER, POOL_NEVER, 0, 0, 0};
    struct pool_fixture *fixture = *state;

    rank(fixture, 1, 2, 3);
    prefer(fixture, 3, POOL_NEVER, 0, POOL_NEVER);
    submit(fixture, 1, 1, 1);
    submit(fixture, 2, 2, 2);
    submit(fixture, 3, 1, 3);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 0), 2);
    assert_int_equal(pool_set_node_class(fixture->pool, 1, never, 5), 0);
    pool_set_preference(fixture->pool, 1, 1, 0);
    assert_int_equal(job_that_starts_on_a_new_node(fixture, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_task_waits_for_a_node_that_suits),
        fixture_test(a_task_that_suits_nowhere_does_not_stop_those_behind_it),
        fixture_test(the_preferred_class_goes_first_however_full_it_is),
        fixture_test(equal_classes_compete_with_their_best_nodes),
        fixture_test(room_counts_before_the_order_of_nodes),
        fixture_test(a_better_node_without_room_does_not_hide_the_best_one_with_room),
        fixture_test(a_freed_node_takes_the_first_task_that_it_suits),
        fixture_test(what_runs_stays_when_its_node_changes),
        fixture_test(a_new_preference_is_obeyed_by_the_next_step),
        fixture_test(what_is_told_again_is_no_news),
        fixture_test(a_class_of_nodes_is_told_to_all_job_classes),
        fixture_test(classes_keep_their_order_however_they_are_told),
        fixture_test(a_class_that_suited_many_suits_what_it_is_told_anew),
        fixture_test(a_node_may_leave_the_middle_of_its_class),
        fixture_test(a_job_class_is_in_use_as_long_as_a_job_is_of_it),
        fixture_test(nodes_that_the_requirements_rule_out_are_counted),
        cmocka_unit_test(parts_are_alike_if_they_ask_for_the_same),
        fixture_test(classes_are_refused_when_memory_ends),
        fixture_test(a_node_takes_whom_it_ranks_highest_of_one_priority),
        fixture_test(of_parts_that_come_together_the_one_that_is_ranked_highest_begins),
        fixture_test(a_class_that_is_told_anew_is_ranked_no_more),
        fixture_test(a_part_may_become_one_of_another_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
