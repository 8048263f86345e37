/* SPDX-License-Identifier: Apache-2.0 */
/* What a submit brings, which work goes first and where, and what happens without memory. */
#include "core/pool_fixture.h"

#include "base/digest.h"
#include "base/memory.h"

#include <errno.h>

static void a_submit_is_answered_with_its_tasks(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_submit(fixture, 1, 1000000);
    assert_int_equal(fixture_reply(fixture), POOL_REPLY_DONE);
    assert_int_equal(fixture_find(fixture, POOL_REPLY)->reply.count, 1000000);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_JOB)->job.job, 1);
    assert_int_equal(fixture_count(fixture, POOL_SAVE_TASK), 0);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_IDLE], 1000000);
    assert_int_equal(pool_count_all(fixture->pool).tasks, 1000000);
}

static void nobody_is_answered_who_does_not_wait(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};
    struct pool_event event = {.kind = POOL_SUBMIT, .now_ms = fixture->now_ms};

    event.submit.job = 1;
    event.submit.parts = &part;
    event.submit.part_count = 1;
    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), 0);
    pool_step(fixture->pool, &event, &fixture->effects);
    assert_int_equal(fixture_count(fixture, POOL_REPLY), 0);
    assert_true(fixture_has_job(fixture, 1));
}

static void work_starts_when_a_node_has_said_what_it_holds(void **state)
{
    struct pool_fixture *fixture = *state;
    const struct pool_effect *start;

    fixture_submit(fixture, 1, 2);
    fixture_connect(fixture, 3, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_report(fixture, 3, true, 0, NULL, 0);
    start = fixture_find(fixture, POOL_SEND_START);
    assert_int_equal(start->send.node, 3);
    assert_int_equal(start->send.session, fixture->sessions[3]);
    assert_int_equal(start->send.job, 1);
    assert_int_equal(start->send.task, 0);
    assert_int_equal(start->send.attempt, 1);
    assert_int_equal(start->send.lease_ms, FIXTURE_LEASE_MS);
    assert_int_equal(start->send.answers_ms, fixture->now_ms / 2);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_EPOCH)->epoch, start->send.epoch);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_PART)->part.next, 1);
    assert_int_equal(fixture_find(fixture, POOL_SAVE_TASK)->task.state, TASK_RUNNING);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_RUNNING], 1);
    assert_int_equal(fixture_counts(fixture, 1).by_state[TASK_IDLE], 1);
}

static void saves_come_before_what_they_allow(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_effect *items;

    fixture_join(fixture, 0, 1);
    fixture_submit(fixture, 1, 1);
    items = fixture->effects.items;
    /* The order of carrying out is by kind: all saves have smaller numbers than all else. */
    for (size_t i = 0; i < fixture->effects.length; i++)
        assert_true(items[i].kind <= POOL_SAVE_EPOCH || items[i].kind >= POOL_SEND_START);
    assert_true(POOL_SAVE_JOB < POOL_SAVE_EPOCH && POOL_SAVE_EPOCH < POOL_SEND_START);
}

static void the_higher_priority_goes_first_then_the_older_job(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};
    static const uint32_t order[] = {4, 3, 1, 2, 5};

    fixture_submit_parts(fixture, 1, 0, false, &part, 1);
    fixture_submit_parts(fixture, 2, 0, false, &part, 1);
    fixture_submit_parts(fixture, 3, 1, false, &part, 1);
    fixture_submit_parts(fixture, 4, 5000, false, &part, 1);
    fixture_submit_parts(fixture, 5, -5000, false, &part, 1);
    fixture_join(fixture, 0, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        uint64_t epoch = fixture_started(fixture);

        assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, order[i]);
        fixture_end(fixture, 0, epoch, OUTCOME_EXITED, REASON_NONE);
        fixture_collected(fixture, epoch, REASON_NONE);
    }
    assert_int_equal(pool_count_all(fixture->pool).tasks, 0);
}

static void parts_start_in_order_and_each_where_it_fits(void **state)
{
    struct pool_fixture *fixture = *state;
    static const struct pool_part parts[] = {
        {.first = 0, .count = 1, .next = 0, .request = {4, 4, 4}},
        {.first = 1, .count = 2, .next = 1, .request = {1, 1, 1}},
        {.first = 3, .count = 1, .next = 3, .request = {2, 1, 1}},
    };

    fixture_join(fixture, 0, 2);
    fixture_submit_parts(fixture, 1, 0, false, parts, 3);
    /* The first part is too large for any node; the second fills this one. */
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 2);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_IDLE);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 2), TASK_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 3), TASK_IDLE);
    fixture_join(fixture, 1, 4);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.task, 0);
    assert_int_equal(fixture_state(fixture, 1, 3), TASK_IDLE);
}

static void memory_and_disk_count_as_well(void **state)
{
    struct pool_fixture *fixture = *state;
    static const struct pool_part parts[] = {
        {.first = 0, .count = 1, .next = 0, .request = {1, 3, 1}},
        {.first = 1, .count = 1, .next = 1, .request = {1, 1, 3}},
    };

    fixture_join(fixture, 0, 2);
    fixture_submit_parts(fixture, 1, 0, false, parts, 2);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_join(fixture, 1, 3);
    assert_int_equal(fixture_started(fixture), 1);
}

static void a_gpu_is_for_one_task_alone(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 3, .request = {1, 1, 1, 1}};
    uint64_t epoch;

    fixture_join(fixture, 0, 8);
    fixture_join_gpus(fixture, 1, 8, 2);
    fixture_submit_parts(fixture, 1, 0, false, &part, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 2);
    epoch = fixture_find(fixture, POOL_SEND_START)->send.epoch;
    /* Whoever asks for none does not wait for one. */
    fixture_submit(fixture, 2, 12);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 12);
    fixture_choose(fixture, POOL_REMOVE, 1, 0);
    fixture_end(fixture, 1, epoch, OUTCOME_EXITED, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 1);
    assert_int_equal(fixture_state(fixture, 1, 2), TASK_RUNNING);
}

static void the_emptiest_node_gets_the_task(void **state)
{
    struct pool_fixture *fixture = *state;

    fixture_join(fixture, 0, 2);
    fixture_join(fixture, 1, 4);
    fixture_join(fixture, 2, 4);
    for (uint32_t job = 1; job <= 5; job++) {
        static const uint32_t nodes[] = {1, 2, 1, 2, 0};

        fixture_submit(fixture, job, 1);
        assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, nodes[job - 1]);
    }
}

static void a_large_submit_starts_over_several_steps(void **state)
{
    struct pool_fixture *fixture = *state;
    size_t started;

    fixture_join(fixture, 0, 600);
    fixture_submit(fixture, 1, 700);
    started = fixture_count(fixture, POOL_SEND_START);
    assert_true(started > 0 && started < 600);
    while (pool_next_step_ms(fixture->pool) <= fixture->now_ms) {
        fixture_tick(fixture, 0);
        started += fixture_count(fixture, POOL_SEND_START);
    }
    assert_int_equal(started, 600);
}

static void many_nodes_are_served_over_several_steps(void **state)
{
    struct pool_fixture *fixture = *state;
    size_t started;

    fixture_submit(fixture, 1, 700);
    fixture_join(fixture, 0, 600);
    started = fixture_count(fixture, POOL_SEND_START);
    while (pool_next_step_ms(fixture->pool) <= fixture->now_ms) {
        fixture_tick(fixture, 0);
        started += fixture_count(fixture, POOL_SEND_START);
    }
    assert_int_equal(started, 600);
}

static void what_is_submitted_on_hold_waits_for_its_release(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 3, .request = {1, 1, 1}};

    fixture_join(fixture, 0, 1);
    fixture_submit_parts(fixture, 1, 0, true, &part, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    assert_true(fixture_find(fixture, POOL_SAVE_JOB)->job.held);
    assert_int_equal(fixture_state(fixture, 1, 2), TASK_HELD);
    fixture_choose(fixture, POOL_RELEASE, 1, NONE);
    assert_int_equal(fixture_find(fixture, POOL_REPLY)->reply.count, 3);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void requests_that_nobody_has_any_more_make_room_for_others(void **state)
{
    struct pool_fixture *fixture = *state;

    for (uint32_t job = 1; job <= 100; job++) {
        struct pool_part part = {.count = 1, .request = {1, job, job % 7}};

        fixture_submit_parts(fixture, job, 0, false, &part, 1);
        fixture_choose(fixture, POOL_REMOVE, job, NONE);
        assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 1);
    }
    assert_int_equal(pool_next_job(fixture->pool, 0), 0);
}

static void a_job_may_have_many_parts(void **state)
{
    enum { PARTS = 65535 };
    struct pool_fixture *fixture = *state;
    _cleanup_free_ struct pool_part *parts = memory_allocate((PARTS + 1) * sizeof(*parts));
    struct pool_event event = {.kind = POOL_SUBMIT, .now_ms = fixture->now_ms};

    for (uint32_t i = 0; i <= PARTS; i++)
        parts[i] =
            (struct pool_part){.first = i, .count = 1, .next = i, .request = {1, 1 + i % 1000, 1}};
    event.submit.job = 2;
    event.submit.parts = parts;
    event.submit.part_count = PARTS + 1;
    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), -E2BIG);
    fixture_submit_parts(fixture, 1, 0, false, parts, PARTS);
    fixture_join(fixture, 0, 3);
    /* One of each of the first three, in the order of memory asked for and then of parts. */
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 2);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    assert_int_equal(fixture_state(fixture, 1, 1), TASK_RUNNING);
}

/* Whatever was given back can be prepared again, as often as one likes. */
static void a_submit_may_be_prepared_more_than_once(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};
    struct pool_event event = {.kind = POOL_SUBMIT, .now_ms = fixture->now_ms};

    event.submit.job = 1;
    event.submit.parts = &part;
    event.submit.part_count = 1;
    for (uint64_t memory = 1; memory < 100; memory++) {
        part.request.memory = memory;
        assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), 0);
    }
    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

/* Whichever of its allocations fails. Returns how many there are. */
static uint64_t fail_each_allocation_of(const struct pool_event *event)
{
    for (uint64_t failing = 1;; failing++) {
        struct pool_fixture *fixture;
        void *state = NULL;
        uint64_t digest;
        int r;

        pool_fixture_set_up(&state);
        fixture = state;
        digest = pool_digest(fixture->pool);
        memory_fail_at(failing);
        r = pool_prepare(fixture->pool, event, &fixture->effects);
        memory_fail_at(0);
        assert_int_equal(pool_digest(fixture->pool), digest);
        pool_assert_invariants(fixture->pool);
        if (r == 0) {
            fixture_step(fixture, *event);
            pool_fixture_tear_down(&state);
            return failing - 1;
        }
        assert_int_equal(r, -ENOMEM);
        /* As if nothing had been: now there is memory. */
        fixture_step(fixture, *event);
        pool_fixture_tear_down(&state);
    }
}

static void without_memory_nothing_changes(void **state)
{
    struct pool_part parts[] = {{.first = 0, .count = 1, .next = 0, .request = {1, 2, 3}},
                                {.first = 1, .count = 1, .next = 1, .request = {3, 2, 1}}};
    struct pool_event submit = {.kind = POOL_SUBMIT};

    (void)state;
    submit.submit.job = 1;
    submit.submit.parts = parts;
    submit.submit.part_count = ARRAY_LENGTH(parts);
    assert_true(fail_each_allocation_of(&submit) > 8);
    assert_true(fail_each_allocation_of(&(struct pool_event){.kind = POOL_TICK}) > 2);
    assert_true(
        fail_each_allocation_of(&(struct pool_event){
            .kind = POOL_NODE_CONNECTED,
            .connected = {.node = 5000, .session = 1, .machine = 1, .capacity = {3, 3, 3}}}) > 5);
}

static void a_pool_needs_memory(void **state)
{
    static const struct pool_options options = {.lease_ms = 1};

    (void)state;
    memory_fail_at(1);
    assert_null(pool_new(&options));
    memory_fail_at(0);
    assert_null(pool_free(NULL));
}

static void submit_a_gap(void)
{
    struct pool_fixture fixture = {.now_ms = 1};
    static const struct pool_options options = {.lease_ms = 1};
    struct pool_part part = {.first = 1, .count = 1, .next = 1};

    fixture.pool = pool_new(&options);
    fixture_submit_parts(&fixture, 1, 0, false, &part, 1);
}

static void submit_a_number_twice(void)
{
    static const struct pool_options options = {.lease_ms = 1};
    struct pool_fixture fixture = {.now_ms = 1, .pool = pool_new(&options)};

    fixture_submit(&fixture, 1, 1);
    fixture_submit(&fixture, 1, 1);
}

static void step_back_in_time(void)
{
    static const struct pool_options options = {.lease_ms = 1};
    struct pool_fixture fixture = {.now_ms = 2, .pool = pool_new(&options)};

    fixture_tick(&fixture, 0);
    fixture.now_ms = 1;
    fixture_tick(&fixture, 0);
}

static void broken_promises_end_the_process(void **state)
{
    (void)state;
    assert_true(test_aborts(submit_a_gap));
    assert_true(test_aborts(submit_a_number_twice));
    assert_true(test_aborts(step_back_in_time));
}

/* The number that leads from one digest to the other: what digest_add() does, backwards. */
static uint64_t number_between(uint64_t before, uint64_t after)
{
    const uint64_t factor = 0xff51afd7ed558ccdULL;
    uint64_t inverse = factor, mixed = after - 0x9e3779b97f4a7c15ULL;

    for (int i = 0; i < 6; i++)
        inverse *= 2 - factor * inverse;
    return ((mixed ^ (mixed >> 32)) * inverse) ^ before;
}

static uint64_t digest_of(uint64_t first, uint64_t second)
{
    struct digest digest = DIGEST_INIT;

    digest_add(&digest, first);
    digest_add(&digest, second);
    return digest.value;
}

/* Anybody can ask for such amounts; whoever does gets what he asks for, and nobody else. */
static void requests_with_one_digest_are_kept_apart(void **state)
{
    struct pool_fixture *fixture = *state;
    struct digest whole = {.value = digest_of(1, 1)};
    struct pool_part parts[] = {{.request = {1, 1, 1}},
                                {.request = {1, 2, 0}},
                                {.request = {1, 2, 0}},
                                {.request = {2, 1, 0}},
                                {.request = {1, 2, 0}}};

    digest_add(&whole, 1);
    parts[1].request.disk = number_between(digest_of(1, 2), whole.value);
    /* One that is another's neighbour, where that one would be if it were alone. */
    parts[2].request.disk = number_between(digest_of(1, 2), whole.value + 1);
    parts[3].request.disk = number_between(digest_of(2, 1), whole.value);
    parts[4].request.disk = parts[1].request.disk;
    for (uint32_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        parts[i].first = parts[i].next = i;
        parts[i].count = 1;
    }
    fixture_submit_parts(fixture, 1, 0, false, parts, ARRAY_LENGTH(parts));
    fixture_join(fixture, 0, 8);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
}

/* Whatever else happens between the two, what was prepared is there. */
static void a_prepared_submit_outlives_the_last_job_of_its_kind(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {1, 1, 1}};
    struct pool_event event = {.kind = POOL_SUBMIT, .now_ms = fixture->now_ms};

    fixture_submit(fixture, 1, 1);
    event.submit.job = 2;
    event.submit.parts = &part;
    event.submit.part_count = 1;
    assert_int_equal(pool_prepare(fixture->pool, &event, &fixture->effects), 0);
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    assert_int_equal(fixture_count(fixture, POOL_JOB_OVER), 1);
    pool_step(fixture->pool, &event, &fixture->effects);
    fixture_join(fixture, 0, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
}

static void who_asks_for_no_cpu_still_waits_for_one_that_is_free(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {0, 1, 1}};

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 2);
    fixture_submit(fixture, 2, 1);
    fixture_submit_parts(fixture, 3, 0, false, &part, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_end(fixture, 0, 1, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 3);
}

static void room_that_a_waiting_node_gets_back_is_offered(void **state)
{
    struct pool_fixture *fixture = *state;
    struct pool_part part = {.count = 1, .request = {3, 3, 3}};

    fixture_submit(fixture, 1, 1);
    fixture_join(fixture, 0, 3);
    fixture_submit_parts(fixture, 2, 0, false, &part, 1);
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 0);
    fixture_end(fixture, 0, 1, OUTCOME_EXITED, REASON_ENDED_BY_ITSELF);
    fixture_collected(fixture, 1, REASON_NONE);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.job, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_submit_is_answered_with_its_tasks),
        fixture_test(nobody_is_answered_who_does_not_wait),
        fixture_test(work_starts_when_a_node_has_said_what_it_holds),
        fixture_test(saves_come_before_what_they_allow),
        fixture_test(the_higher_priority_goes_first_then_the_older_job),
        fixture_test(parts_start_in_order_and_each_where_it_fits),
        fixture_test(memory_and_disk_count_as_well),
        fixture_test(a_gpu_is_for_one_task_alone),
        fixture_test(the_emptiest_node_gets_the_task),
        fixture_test(a_large_submit_starts_over_several_steps),
        fixture_test(many_nodes_are_served_over_several_steps),
        fixture_test(what_is_submitted_on_hold_waits_for_its_release),
        fixture_test(requests_that_nobody_has_any_more_make_room_for_others),
        fixture_test(a_job_may_have_many_parts),
        fixture_test(a_submit_may_be_prepared_more_than_once),
        fixture_test(without_memory_nothing_changes),
        fixture_test(a_pool_needs_memory),
        fixture_test(broken_promises_end_the_process),
        fixture_test(requests_with_one_digest_are_kept_apart),
        fixture_test(a_prepared_submit_outlives_the_last_job_of_its_kind),
        fixture_test(who_asks_for_no_cpu_still_waits_for_one_that_is_free),
        fixture_test(room_that_a_waiting_node_gets_back_is_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
