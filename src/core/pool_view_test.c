/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told: counts, nodes, tasks, and why something waits. */
#include "core/pool_fixture.h"

static struct pool_explanation explain(const struct pool_fixture *fixture, uint32_t job,
                                       uint32_t task)
{
    struct pool_explanation why;

    assert_true(pool_explain_task(fixture->pool, job, task, &why));
    return why;
}

static void report_owner(struct pool_fixture *fixture, uint32_t node, bool present, bool leaving)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = node,
                                                           .session = fixture->sessions[node],
                                                           .full = true,
                                                           .owner_present = present,
                                                           .leaving = leaving}});
}

static void each_node_is_ruled_out_by_one_thing(void **state)
{
    static const struct resources capacities[] = {
        {4, 9, 9}, {1, 9, 9}, {4, 1, 9}, {4, 9, 1}, {4, 9, 9}, {2, 9, 9}, {5, 8, 7}, {4, 9, 9},
    };
    struct pool_fixture *fixture = *state;
    struct pool_part large = {.count = 1, .request = {2, 2, 2}};
    struct pool_explanation why;

    for (uint32_t n = 0; n < FIXTURE_NODES; n++) {
        fixture->sessions[n] = n + 1;
        fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                                  .connected = {.node = n,
                                                                .session = n + 1,
                                                                .machine = n + 1,
                                                                .capacity = capacities[n]}});
        if (n != 6)
            report_owner(fixture, n, n == 4, n == 7);
    }
    fixture_disconnect(fixture, 0);
    /* Fills node 5, so that it is busy; node 6 has not reported yet, and could have room. */
    fixture_submit_parts(fixture, 1, 0, false, &large, 1);
    fixture_submit_parts(fixture, 2, 0, false, &large, 1);
    why = explain(fixture, 2, 0);
    assert_int_equal(why.nodes, 8);
    assert_int_equal(why.offline, 2);
    assert_int_equal(why.too_few_cpus, 1);
    assert_int_equal(why.too_little_memory, 1);
    assert_int_equal(why.too_little_disk, 1);
    assert_int_equal(why.owner_present, 1);
    assert_int_equal(why.busy, 1);
    assert_int_equal(why.available, 1);
    assert_int_equal(why.largest_cpus, 5);
    assert_int_equal(why.largest_memory, 9);
    assert_int_equal(why.largest_disk, 9);
    assert_int_equal(why.request.cpus, 2);
}

/* The first node has none, the second one, and of the third one of two is taken. */
static void gpus_rule_nodes_out_and_are_what_is_waited_for(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part one = {.count = 1, .request = {1, 1, 1, 1}};
    struct pool_part two = {.count = 2, .request = {1, 1, 1, 2}};
    struct pool_explanation why;

    fixture_join_gpus(fixture, 2, 4, 2);
    fixture_submit_parts(fixture, 1, 0, false, &one, 1);
    fixture_join_gpus(fixture, 0, 4, 0);
    fixture_join_gpus(fixture, 1, 4, 1);
    fixture_submit_parts(fixture, 2, 0, false, &two, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    why = explain(fixture, 2, 0);
    assert_int_equal(why.too_few_gpus, 2);
    assert_int_equal(why.largest_gpus, 2);
    assert_int_equal(why.busy, 1);
    assert_int_equal(why.lacking_gpus, 1);
    two.request.cpus = 4;
    fixture_submit_parts(fixture, 3, 0, false, &two, 1);
    why = explain(fixture, 3, 0);
    assert_int_equal(why.busy, 1);
    assert_int_equal(why.lacking_gpus, 0);
}

static void drained_nodes_are_counted_apart(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;

    fixture_join(fixture, 0, 1);
    fixture_drain(fixture, 0, true, false);
    report_owner(fixture, 0, true, false);
    fixture_submit(fixture, 1, 1);
    why = explain(fixture, 1, 0);
    assert_int_equal(why.drained, 1);
    assert_int_equal(why.owner_present, 0);
}

static void forgotten_nodes_do_not_count(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    assert_int_equal(explain(fixture, 1, 1).nodes, 1);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = 0});
    assert_int_equal(explain(fixture, 1, 1).nodes, 0);
}

static void tasks_before_are_those_that_go_first_and_fit_as_well(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part small = {.count = 10, .request = {1, 1, 1}};
    struct pool_part large = {.count = 5, .request = {2, 1, 1}};

    fixture_submit_parts(fixture, 1, 0, false, &small, 1);
    fixture_submit_parts(fixture, 2, 0, false, &large, 1);
    fixture_submit_parts(fixture, 3, 0, true, &small, 1);
    fixture_submit_parts(fixture, 4, 0, false, &small, 1);
    assert_int_equal(explain(fixture, 1, 3).tasks_before, 3);
    assert_int_equal(explain(fixture, 2, 0).tasks_before, 10);
    /* The large ones would not fit where a small one does, and the held ones do not go at all. */
    assert_int_equal(explain(fixture, 4, 1).tasks_before, 11);
}

static void what_is_not_there_is_not_explained(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;
    struct pool_task_row row;
    struct pool_part part;
    struct pool_counts counts;
    struct pool_node_view view;

    fixture_submit(fixture, 1, 2);
    assert_false(pool_explain_task(fixture->pool, 2, 0, &why));
    assert_false(pool_explain_task(fixture->pool, 1, 2, &why));
    assert_false(pool_view_task(fixture->pool, 2, 0, &row));
    assert_false(pool_view_part(fixture->pool, 2, 0, &part));
    assert_false(pool_view_part(fixture->pool, 1, 2, &part));
    assert_true(pool_view_part(fixture->pool, 1, 1, &part));
    assert_int_equal(part.first, 0);
    assert_false(pool_view_task(fixture->pool, 1, 2, &row));
    assert_false(pool_count_job(fixture->pool, 2, &counts));
    assert_false(pool_view_node(fixture->pool, 0, &view));
    assert_false(pool_view_node(fixture->pool, 5000, &view));
}

static void tasks_that_never_started_are_as_their_job(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 3, .request = {1, 1, 1}};
    struct pool_task_row row;

    fixture_submit_parts(fixture, 1, 0, true, &part, 1);
    assert_true(pool_view_task(fixture->pool, 1, 2, &row));
    assert_int_equal(row.state, TASK_HELD);
    assert_int_equal(row.reason, REASON_BY_USER);
    assert_int_equal(row.node, NONE);
    fixture_choose(fixture, POOL_RELEASE, 1, NONE);
    assert_true(pool_view_task(fixture->pool, 1, 2, &row));
    assert_int_equal(row.state, TASK_IDLE);
    assert_int_equal(row.reason, REASON_NONE);
}

static void a_task_that_is_over_is_the_stores_to_show(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_task_row row;
    uint64_t epoch;

    fixture_submit(fixture, 1, 2);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    assert_true(pool_view_task(fixture->pool, 1, 0, &row));
    assert_int_equal(row.epoch, epoch);
    fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, epoch, REASON_NONE);
    assert_false(pool_view_task(fixture->pool, 1, 0, &row));
}

static void count_row(const struct pool_task_row *row, void *userdata)
{
    uint32_t *counts = userdata;

    counts[row->task]++;
}

static void a_node_shows_what_it_holds(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report_item items[] = {{.epoch = 1, .state = ATTEMPT_SUSPENDED},
                                       {.epoch = 2, .state = ATTEMPT_SUSPENDED}};
    uint32_t counts[2] = {0};
    struct pool_node_view view;

    fixture_join(fixture, 0, 3);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_UNCLAIMED);
    assert_int_equal(view.heard_ms, fixture->now_ms);
    assert_false(view.suspended);
    fixture_submit(fixture, 1, 2);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_CLAIMED);
    assert_int_equal(view.claims, 2);
    assert_int_equal(view.available.cpus, 1);
    assert_int_equal(view.capacity.memory, 3);
    fixture_report(fixture, 0, false, 2, items, 1);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_false(view.suspended);
    fixture_report(fixture, 0, false, 2, items, 2);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_true(view.suspended);
    pool_walk_node(fixture->pool, 0, count_row, counts);
    pool_walk_node(fixture->pool, 7, count_row, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    fixture_disconnect(fixture, 0);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_OFFLINE);
}

static void a_node_that_holds_something_is_claimed_also_by_its_owner(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_report report = {.node = 0, .owner_present = true};
    struct pool_node_view view;

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    report.session = fixture->sessions[0];
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED, .reported = report});
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_CLAIMED);
}

static void a_node_that_has_not_reported_yet_is_its_owners(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_node_view view;

    fixture_connect(fixture, 0, 1);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_OWNER);
    report_owner(fixture, 0, false, false);
    assert_true(pool_view_node(fixture->pool, 0, &view));
    assert_int_equal(view.state, NODE_UNCLAIMED);
}

static void what_was_there_before_is_not_counted(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_explanation why;

    fixture_connect(fixture, 3, 1);
    fixture_submit(fixture, 1, 5);
    fixture_submit(fixture, 2, 5);
    assert_true(pool_explain_task(fixture->pool, 2, 0, &why));
    assert_int_equal(why.nodes, 1);
    assert_int_equal(why.tasks_before, 5);
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    assert_true(pool_explain_task(fixture->pool, 2, 0, &why));
    assert_int_equal(why.tasks_before, 0);
}

static void a_claim_is_found_by_its_epoch_as_long_as_it_stands(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_task_row row;
    uint64_t epoch;

    fixture_submit(fixture, 4, 2);
    fixture_join(fixture, 0, 1);
    epoch = fixture_started(fixture);
    assert_true(pool_view_claim(fixture->pool, epoch, &row));
    assert_int_equal(row.job, 4);
    assert_int_equal(row.task, 0);
    assert_int_equal(row.node, 0);
    assert_false(pool_view_claim(fixture->pool, epoch + 1, &row));
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_false(pool_view_claim(fixture->pool, epoch, &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(each_node_is_ruled_out_by_one_thing),
        fixture_test(gpus_rule_nodes_out_and_are_what_is_waited_for),
        fixture_test(drained_nodes_are_counted_apart),
        fixture_test(forgotten_nodes_do_not_count),
        fixture_test(tasks_before_are_those_that_go_first_and_fit_as_well),
        fixture_test(what_is_not_there_is_not_explained),
        fixture_test(tasks_that_never_started_are_as_their_job),
        fixture_test(a_task_that_is_over_is_the_stores_to_show),
        fixture_test(a_node_shows_what_it_holds),
        fixture_test(a_node_that_holds_something_is_claimed_also_by_its_owner),
        fixture_test(a_node_that_has_not_reported_yet_is_its_owners),
        fixture_test(what_was_there_before_is_not_counted),
        fixture_test(a_claim_is_found_by_its_epoch_as_long_as_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
