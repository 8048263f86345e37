/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes way for a task that his node ranks higher, and who gets the room. */
#include "core/pool_fixture.h"

#include "base/memory.h"

#include <errno.h>

/* Nodes are of this class; job class n is ranked n there, but for the last, of which none says. */
enum { RANKING = 1, LOW = 1, MIDDLE = 2, HIGH = 3, UNTOLD = 4 };

static void suit(struct pool_fixture *fixture, uint32_t job_class, int64_t ranking, int64_t other)
{
    const int64_t preferences[] = {POOL_NEVER, ranking, other};

    assert_int_equal(pool_set_job_class(fixture->pool, job_class, preferences, 3), 0);
}

static void tell_ranks(struct pool_fixture *fixture)
{
    for (uint32_t job_class = LOW; job_class <= UNTOLD; job_class++)
        suit(fixture, job_class, 0, POOL_NEVER);
    for (uint32_t job_class = LOW; job_class <= HIGH; job_class++)
        pool_set_rank(fixture->pool, job_class, RANKING, job_class);
}

static void change(struct pool_fixture *fixture, uint32_t node, uint32_t node_class)
{
    fixture_step(fixture,
                 (struct pool_event){.kind = POOL_NODE_CHANGED, .changed = {node, node_class, 0}});
}

static void lend(struct pool_fixture *fixture, uint32_t node, uint32_t cpus)
{
    fixture_join(fixture, node, cpus);
    change(fixture, node, RANKING);
}

static void submit_sized(struct pool_fixture *fixture, uint32_t job, int32_t priority,
                         uint32_t tasks, struct resources request, uint32_t job_class)
{
    struct pool_part part = {.count = tasks, .request = request, .job_class = job_class};

    fixture_submit_parts(fixture, job, priority, false, &part, 1);
}

static void submit(struct pool_fixture *fixture, uint32_t job, uint32_t tasks, uint32_t job_class)
{
    submit_sized(fixture, job, 0, tasks, (struct resources){1, 1, 1}, job_class);
}

/* Ranked low, on node 0, under epoch 1. */
static void run_low(struct pool_fixture *fixture)
{
    tell_ranks(fixture);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, LOW);
    assert_int_equal(fixture_started(fixture), 1);
    fixture_show(fixture, 0, 1, ATTEMPT_RUNNING);
}

static void leave(struct pool_fixture *fixture, uint32_t node, uint64_t epoch)
{
    fixture_end(fixture, node, epoch, OUTCOME_VACATED, REASON_VACATED);
}

static bool is_told_to_leave(const struct pool_fixture *fixture, uint64_t epoch)
{
    for (size_t i = 0; i < fixture->effects.length; i++)
        if (fixture->effects.items[i].kind == POOL_SEND_STOP &&
            fixture->effects.items[i].send.epoch == epoch)
            return true;
    return false;
}

static uint32_t job_that_started(const struct pool_fixture *fixture)
{
    (void)fixture_started(fixture);
    return fixture_find(fixture, POOL_SEND_START)->send.job;
}

static uint32_t count_awaited(const struct pool_fixture *fixture, uint32_t job)
{
    struct pool_explanation why;

    assert_true(pool_explain_task(fixture->pool, job, 0, &why));
    return why.making_way;
}

/* ---- who ---- */

static void who_is_ranked_higher_takes_the_place_of_what_runs(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.reason, REASON_OUTRANKED);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.epoch, 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    assert_int_equal(count_awaited(fixture, 2), 1);
    assert_int_equal(count_awaited(fixture, 1), 0);
    fixture_show(fixture, 0, 1, ATTEMPT_RUNNING);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 2);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void who_is_ranked_the_same_or_lower_waits(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, MIDDLE);
    submit(fixture, 2, 1, MIDDLE);
    submit(fixture, 3, 1, LOW);
    fixture_tick(fixture, FIXTURE_HEARTBEAT_MS);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
}

static void where_a_node_is_free_nobody_makes_way(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    lend(fixture, 1, 1);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void nobody_makes_way_for_a_lower_priority(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    submit_sized(fixture, 2, -1, 1, (struct resources){1, 1, 1}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    /* Of several it is for the one of the highest priority, and then for the highest ranked. */
    fixture_drain(fixture, 0, true, false);
    submit(fixture, 3, 1, MIDDLE);
    submit(fixture, 4, 1, HIGH);
    submit_sized(fixture, 5, 1, 1, (struct resources){1, 1, 1}, MIDDLE);
    submit_sized(fixture, 6, 0, 1, (struct resources){1, 1, 2}, HIGH);
    fixture_drain(fixture, 0, false, false);
    assert_int_equal(count_awaited(fixture, 5), 1);
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 5);
    fixture_choose(fixture, POOL_REMOVE, 5, NONE);
    leave(fixture, 0, 2);
    assert_int_equal(job_that_started(fixture), 4);
}

/* However the kinds stand in their tree. */
static void a_higher_priority_goes_before_a_higher_rank(void **state)
{
    static const struct {
        int32_t priority;
        uint32_t job_class;
    } jobs[] = {{5, UNTOLD}, {-1, HIGH}, {3, MIDDLE}, {-5, LOW}};
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    for (uint32_t i = 0; i < ARRAY_LENGTH(jobs); i++) {
        struct pool_part part = {.count = 1, .request = {1, 1, 1}, .job_class = jobs[i].job_class};

        fixture_submit_parts(fixture, i + 1, jobs[i].priority, i < 3, &part, 1);
    }
    fixture_drain(fixture, 0, true, false);
    for (uint32_t job = 1; job <= 3; job++)
        fixture_choose(fixture, POOL_RELEASE, job, NONE);
    fixture_drain(fixture, 0, false, false);
    assert_true(is_told_to_leave(fixture, 1));
    assert_int_equal(count_awaited(fixture, 3), 1);
}

static void of_one_priority_the_highest_ranked_is_given_way_to(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    fixture_drain(fixture, 0, true, false);
    submit(fixture, 2, 1, MIDDLE);
    submit(fixture, 3, 1, HIGH);
    submit_sized(fixture, 4, 0, 1, (struct resources){1, 1, 0}, HIGH);
    fixture_drain(fixture, 0, false, false);
    assert_true(is_told_to_leave(fixture, 1));
    assert_int_equal(count_awaited(fixture, 3), 1);
}

static void of_whom_nothing_is_said_he_neither_makes_way_nor_takes_it(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    pool_set_rank(fixture->pool, LOW, RANKING, -5);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, UNTOLD);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    lend(fixture, 1, 1);
    assert_int_equal(job_that_started(fixture), 2);
    submit(fixture, 3, 1, UNTOLD);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void who_has_ended_or_leaves_already_does_not_make_way(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 2);
    submit(fixture, 1, 2, LOW);
    fixture_end(fixture, 0, 1, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_choose(fixture, POOL_HOLD, 1, 1);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(count_awaited(fixture, 2), 0);
}

/* Nor from one that is drained, or not heard of yet; and when he has left it is looked at again. */
static void nothing_is_taken_from_a_node_that_is_not_lent(void **state)
{
    struct pool_report_item item = {.epoch = 1, .state = ATTEMPT_RUNNING};
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    fixture_show(fixture, 0, 1, ATTEMPT_SUSPENDED);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_report(fixture, 0, false, 1, &item, 1);
    assert_true(is_told_to_leave(fixture, 1));
}

static void who_is_awaited_elsewhere_asks_nobody_else(void **state)
{
    struct pool_report_item item = {.epoch = 2, .state = ATTEMPT_RUNNING};
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    lend(fixture, 1, 1);
    submit(fixture, 2, 1, LOW);
    fixture_show(fixture, 1, 2, ATTEMPT_SUSPENDED);
    submit(fixture, 3, 1, HIGH);
    assert_true(is_told_to_leave(fixture, 1));
    fixture_report(fixture, 1, false, 2, &item, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void what_does_not_suit_takes_nothing(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    suit(fixture, HIGH, POOL_NEVER, 0);
    pool_set_rank(fixture->pool, HIGH, RANKING, HIGH);
    submit(fixture, 2, 1, HIGH);
    fixture_drain(fixture, 0, true, false);
    fixture_drain(fixture, 0, false, false);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

/* ---- where, and how many ---- */

static void the_preferred_nodes_are_asked_first(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    for (uint32_t job_class = LOW; job_class <= HIGH; job_class++) {
        suit(fixture, job_class, 0, job_class == HIGH ? 7 : 0);
        pool_set_rank(fixture->pool, job_class, RANKING, job_class);
        pool_set_rank(fixture->pool, job_class, 2, job_class);
    }
    lend(fixture, 0, 1);
    fixture_join(fixture, 1, 1);
    change(fixture, 1, 2);
    submit(fixture, 1, 2, LOW);
    submit(fixture, 2, 1, HIGH);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.node, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    submit(fixture, 3, 1, MIDDLE);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.node, 0);
}

static void the_node_with_the_lowest_ranked_is_asked_first(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, MIDDLE);
    lend(fixture, 1, 1);
    submit(fixture, 2, 1, LOW);
    submit(fixture, 3, 1, HIGH);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.node, 1);
}

/* The lowest ranked, of equals the last; and nobody whose leaving would be of no use. */
static void as_many_make_way_as_are_in_it(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    fixture_join_gpus(fixture, 0, 6, 1);
    change(fixture, 0, RANKING);
    submit_sized(fixture, 1, 0, 1, (struct resources){1, 0, 0, 1}, MIDDLE); /* 1 */
    submit_sized(fixture, 2, 0, 2, (struct resources){1, 1, 1}, LOW);       /* 2, 3 */
    submit_sized(fixture, 3, 0, 1, (struct resources){1, 2, 0}, MIDDLE);    /* 4 */
    submit_sized(fixture, 4, 0, 1, (struct resources){1, 0, 2}, MIDDLE);    /* 5 */
    submit_sized(fixture, 5, 0, 1, (struct resources){1, 0, 0}, HIGH);      /* 6 */
    submit_sized(fixture, 6, 0, 1, (struct resources){1, 0, 0, 1}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 1));
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 6); /* 7 */
    submit_sized(fixture, 7, 0, 1, (struct resources){1, 0, 0}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 3));
    leave(fixture, 0, 3);
    assert_int_equal(job_that_started(fixture), 7); /* 8 */
    submit_sized(fixture, 8, 0, 1, (struct resources){1, 6, 0}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 2);
    assert_true(is_told_to_leave(fixture, 2));
    assert_true(is_told_to_leave(fixture, 4));
    leave(fixture, 0, 4);
    leave(fixture, 0, 2);
    assert_int_equal(job_that_started(fixture), 8); /* 9 */
    submit_sized(fixture, 9, 0, 1, (struct resources){1, 0, 5}, HIGH);
    assert_true(is_told_to_leave(fixture, 5));
}

static void who_leaves_nothing_of_use_stays(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 6);
    submit_sized(fixture, 1, 0, 1, (struct resources){0, 1, 0}, LOW);    /* 1 */
    submit_sized(fixture, 2, 0, 1, (struct resources){1, 0, 0}, LOW);    /* 2 */
    submit_sized(fixture, 3, 0, 1, (struct resources){1, 0, 2}, MIDDLE); /* 3 */
    submit_sized(fixture, 4, 0, 1, (struct resources){1, 0, 5}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 3));
    leave(fixture, 0, 3);
    assert_int_equal(job_that_started(fixture), 4);
    submit_sized(fixture, 5, 0, 1, (struct resources){5, 0, 0}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 2));
}

/* It needs one that is free, and does not use it. */
static void who_asks_for_no_cpu_is_given_way_to_as_well(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    submit_sized(fixture, 2, 0, 1, (struct resources){0, 0, 0}, HIGH);
    assert_true(is_told_to_leave(fixture, 1));
    leave(fixture, 0, 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 2);
}

static void who_would_not_have_room_all_the_same_takes_nothing(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 2);
    submit(fixture, 1, 1, LOW);
    submit(fixture, 2, 1, HIGH);
    submit_sized(fixture, 3, 0, 1, (struct resources){2, 1, 1}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    /* And does when somebody has gone by himself. */
    fixture_choose(fixture, POOL_REMOVE, 2, NONE);
    leave(fixture, 0, 2);
    assert_true(is_told_to_leave(fixture, 1));
}

static void no_more_make_way_than_wait(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    for (uint32_t node = 0; node < 3; node++)
        lend(fixture, node, 2);
    submit(fixture, 1, 6, LOW);
    submit(fixture, 2, 3, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 3);
    submit_sized(fixture, 3, -1, 5, (struct resources){1, 1, 1}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

/* One that leaves may leave room for several. */
static void as_many_come_as_there_is_room_for(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 4);
    submit_sized(fixture, 1, 0, 1, (struct resources){3, 3, 3}, LOW);
    submit_sized(fixture, 2, 0, 1, (struct resources){1, 1, 1}, LOW);
    submit(fixture, 3, 3, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 1));
    leave(fixture, 0, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 3);
}

/* What one step does not do the next one does. */
static void many_make_way_in_turn(void **state)
{
    enum { COUNT = 300 };
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    for (uint32_t node = 0; node < 3; node++)
        lend(fixture, node, COUNT);
    submit(fixture, 1, 3 * COUNT, LOW);
    while (fixture_counts(fixture, 1).by_state[TASK_IDLE] > 0)
        fixture_tick(fixture, 0);
    for (uint32_t node = 0; node < 3; node++)
        fixture_drain(fixture, node, true, false);
    submit(fixture, 2, 2 * COUNT, HIGH);
    submit_sized(fixture, 3, 0, COUNT, (struct resources){1, 1, 0}, HIGH);
    pool_set_rank(fixture->pool, HIGH, RANKING, HIGH + 1);
    fixture_drain(fixture, 0, false, false);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), COUNT);
    /* One kind waits for its turn, and becomes more urgent meanwhile. */
    submit_sized(fixture, 4, 1, COUNT, (struct resources){1, 1, 0}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    /* While others begin, two nodes have something new. */
    fixture_join(fixture, 3, 3 * COUNT);
    submit(fixture, 5, 3 * COUNT, 0);
    fixture_drain(fixture, 1, false, false);
    fixture_drain(fixture, 2, false, false);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), COUNT);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), COUNT);
}

/* ---- the room that is left ---- */

static void the_room_is_kept_until_all_have_left(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 4);
    submit(fixture, 1, 2, LOW); /* 1, 2 */
    submit_sized(fixture, 2, 0, 1, (struct resources){3, 3, 3}, MIDDLE);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_true(is_told_to_leave(fixture, 2));
    /* What was free is kept, too, from those who are ranked lower, whatever their priority. */
    submit_sized(fixture, 3, 5, 1, (struct resources){1, 1, 1}, LOW);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    leave(fixture, 0, 2);
    assert_int_equal(job_that_started(fixture), 2);
}

static void what_is_not_kept_is_anybodys(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 4);
    submit_sized(fixture, 1, 0, 2, (struct resources){2, 2, 2}, LOW); /* 1, 2 */
    submit_sized(fixture, 2, 0, 1, (struct resources){3, 3, 3}, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 2);
    submit(fixture, 3, 2, LOW);
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 3);
    leave(fixture, 0, 2);
    assert_int_equal(job_that_started(fixture), 2);
}

static void who_is_ranked_higher_still_gets_the_room(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 2);
    submit_sized(fixture, 1, 0, 1, (struct resources){2, 2, 2}, LOW);
    submit_sized(fixture, 2, 0, 1, (struct resources){2, 2, 2}, MIDDLE);
    assert_true(is_told_to_leave(fixture, 1));
    submit(fixture, 3, 1, HIGH);
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 3);
    /* And those for whom it was meant look for others. */
    assert_int_equal(count_awaited(fixture, 2), 0);
    lend(fixture, 1, 2);
    assert_int_equal(job_that_started(fixture), 2);
}

static void who_does_not_get_it_asks_others(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    lend(fixture, 1, 1);
    submit(fixture, 1, 2, LOW);
    submit(fixture, 2, 1, MIDDLE);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    fixture_drain(fixture, fixture_find(fixture, POOL_SEND_STOP)->send.node, true, false);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    fixture_tick(fixture, 0);
    leave(fixture, 0, 1);
    assert_true(is_told_to_leave(fixture, 2));
}

static void if_nobody_wants_it_any_more_it_is_anybodys(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    submit(fixture, 2, 1, HIGH);
    fixture_choose(fixture, POOL_REMOVE, 2, NONE);
    leave(fixture, 0, 1);
    assert_int_equal(job_that_started(fixture), 1);
}

static void after_a_lease_that_ended_it_is_looked_at_anew(void **state)
{
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    submit(fixture, 2, 1, HIGH);
    fixture_disconnect(fixture, 0);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
    assert_int_equal(count_awaited(fixture, 2), 0);
    fixture_connect(fixture, 0, 1);
    fixture_report(fixture, 0, true, 1, NULL, 0);
    assert_int_equal(job_that_started(fixture), 2);
}

/* ---- what changes ---- */

static void a_rank_that_becomes_another_is_obeyed(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, MIDDLE);
    submit(fixture, 2, 1, LOW);
    pool_set_rank(fixture->pool, MIDDLE, RANKING, MIDDLE);
    pool_set_rank(fixture->pool, MIDDLE, RANKING, LOW);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    pool_set_rank(fixture->pool, MIDDLE, RANKING, LOW - 1);
    fixture_tick(fixture, 0);
    assert_true(is_told_to_leave(fixture, 1));
}

/* Where it concerns more nodes than there are classes, the kinds are asked instead. */
static void a_rank_that_many_run_under_becomes_another(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    for (uint32_t node = 0; node < 6; node++)
        lend(fixture, node, 1);
    submit(fixture, 1, 6, MIDDLE);
    fixture_choose(fixture, POOL_REMOVE, 1, 5);
    leave(fixture, 5, 6);
    submit(fixture, 2, 1, LOW);
    submit(fixture, 3, 6, LOW);
    pool_set_rank(fixture->pool, MIDDLE, RANKING, LOW - 1);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 5);
    pool_set_rank(fixture->pool, MIDDLE, RANKING, LOW - 2);
    pool_set_rank(fixture->pool, UNTOLD, 2, LOW);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

static void a_class_that_is_told_anew_makes_no_way(void **state)
{
    static const int64_t never[] = {POOL_NEVER, 0, 0, 0, 0};
    struct pool_fixture *fixture = *state;

    run_low(fixture);
    lend(fixture, 1, 1);
    submit(fixture, 2, 1, LOW);
    assert_int_equal(pool_set_node_class(fixture->pool, RANKING, never, 5), 0);
    fixture_tick(fixture, 0);
    submit(fixture, 3, 1, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    pool_set_rank(fixture->pool, LOW, RANKING, LOW);
    pool_set_rank(fixture->pool, HIGH, RANKING, HIGH);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
}

static void what_runs_may_become_of_another_class(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    lend(fixture, 0, 1);
    submit(fixture, 1, 1, HIGH);
    submit(fixture, 2, 1, MIDDLE);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
    assert_int_equal(pool_set_part_class(fixture->pool, 1, 0, LOW), 0);
    fixture_tick(fixture, 0);
    assert_true(is_told_to_leave(fixture, 1));
}

static void a_node_may_become_of_another_class(void **state)
{
    struct pool_fixture *fixture = *state;

    tell_ranks(fixture);
    for (uint32_t node = 0; node < 3; node++)
        lend(fixture, node, 1);
    submit(fixture, 1, 3, LOW);
    change(fixture, 0, 2);
    change(fixture, 2, 2);
    submit(fixture, 2, 3, HIGH);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 1);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.node, 1);
    change(fixture, 2, RANKING);
    assert_int_equal(fixture_find(fixture, POOL_SEND_STOP)->send.node, 2);
}

/* A node that is no member of its class any more, although it was to be looked at. */
static void a_node_that_is_looked_at_too_late_tempts_nobody(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event event = {.kind = POOL_NODE_CHANGED};

    run_low(fixture);
    submit(fixture, 2, 1, MIDDLE);
    leave(fixture, 0, 1);
    /* More kinds than one step begins keep the step from looking at who makes way. */
    fixture_join(fixture, 1, 300);
    submit(fixture, 3, 300, 0);
    event.changed.node = 0;
    event.changed.node_class = 2;
    fixture_step(fixture, event);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_count(fixture, POOL_SEND_STOP), 0);
}

/* What was allocated stays, so that each time something else fails. */
static void a_class_that_ranks_is_refused_more_members_when_memory_ends(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event event = {.kind = POOL_NODE_CHANGED, .changed = {.node_class = RANKING}};

    tell_ranks(fixture);
    for (uint32_t node = 0; node < FIXTURE_NODES; node++) {
        int r = -ENOMEM;

        fixture_join(fixture, node, 1);
        while (r == -ENOMEM) {
            memory_fail_at(2);
            r = pool_prepare(fixture->pool, &event, &fixture->effects);
            memory_fail_at(0);
        }
        assert_int_equal(r, 0);
        change(fixture, node, RANKING);
    }
    submit(fixture, 1, FIXTURE_NODES, LOW);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), FIXTURE_NODES);
}

static void without_memory_nothing_is_ranked(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_event event = {.kind = POOL_NODE_CHANGED, .changed = {.node_class = 2}};

    fixture_join(fixture, 0, 1);
    suit(fixture, LOW, 0, 0);
    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), 0);
    memory_fail_at(1);
    pool_set_rank(fixture->pool, LOW, 2, LOW);
    memory_fail_at(0);
    change(fixture, 0, 2);
    submit(fixture, 1, 1, LOW);
    assert_int_equal(job_that_started(fixture), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(who_is_ranked_higher_takes_the_place_of_what_runs),
        fixture_test(who_is_ranked_the_same_or_lower_waits),
        fixture_test(where_a_node_is_free_nobody_makes_way),
        fixture_test(nobody_makes_way_for_a_lower_priority),
        fixture_test(a_higher_priority_goes_before_a_higher_rank),
        fixture_test(of_one_priority_the_highest_ranked_is_given_way_to),
        fixture_test(of_whom_nothing_is_said_he_neither_makes_way_nor_takes_it),
        fixture_test(who_has_ended_or_leaves_already_does_not_make_way),
        fixture_test(nothing_is_taken_from_a_node_that_is_not_lent),
        fixture_test(who_is_awaited_elsewhere_asks_nobody_else),
        fixture_test(what_does_not_suit_takes_nothing),
        fixture_test(the_preferred_nodes_are_asked_first),
        fixture_test(the_node_with_the_lowest_ranked_is_asked_first),
        fixture_test(as_many_make_way_as_are_in_it),
        fixture_test(who_leaves_nothing_of_use_stays),
        fixture_test(who_asks_for_no_cpu_is_given_way_to_as_well),
        fixture_test(who_would_not_have_room_all_the_same_takes_nothing),
        fixture_test(no_more_make_way_than_wait),
        fixture_test(as_many_come_as_there_is_room_for),
        fixture_test(many_make_way_in_turn),
        fixture_test(the_room_is_kept_until_all_have_left),
        fixture_test(what_is_not_kept_is_anybodys),
        fixture_test(who_is_ranked_higher_still_gets_the_room),
        fixture_test(who_does_not_get_it_asks_others),
        fixture_test(if_nobody_wants_it_any_more_it_is_anybodys),
        fixture_test(after_a_lease_that_ended_it_is_looked_at_anew),
        fixture_test(a_rank_that_becomes_another_is_obeyed),
        fixture_test(a_rank_that_many_run_under_becomes_another),
        fixture_test(a_class_that_is_told_anew_makes_no_way),
        fixture_test(what_runs_may_become_of_another_class),
        fixture_test(a_node_may_become_of_another_class),
        fixture_test(a_node_that_is_looked_at_too_late_tempts_nobody),
        fixture_test(a_class_that_ranks_is_refused_more_members_when_memory_ends),
        fixture_test(without_memory_nothing_is_ranked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
