/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines on a real loop. The order of things is tested, never how long they took. */
#define _GNU_SOURCE
#include "deadlines.h"

#include "base/test.h"

#include <unistd.h>

enum { LENGTH_MS = 200, COUNT = 8 };

struct thing {
    struct deadline deadline;
    unsigned int over;
    struct thing *again; /* set when this one is over */
};

static uv_loop_t loop;
static struct deadlines deadlines;
static struct thing things[COUNT];
static unsigned int order[4 * COUNT], over_count;

static void on_over(struct deadline *deadline)
{
    struct thing *thing = (struct thing *)deadline;

    assert_null(deadline->deadlines);
    thing->over++;
    order[over_count++] = (unsigned int)(thing - things);
    if (thing->again)
        deadline_set(&thing->again->deadline, &deadlines);
}

static int set_up(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < COUNT; i++)
        things[i] = (struct thing){.over = 0};
    over_count = 0;
    uv_loop_init(&loop);
    deadlines_init(&deadlines, &loop, LENGTH_MS, on_over);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    deadlines_close(&deadlines);
    while (!deadlines.is_closed)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void those_that_were_set_first_are_over_first(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < COUNT; i++)
        deadline_set(&things[COUNT - 1 - i].deadline, &deadlines);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(over_count, COUNT);
    for (unsigned int i = 0; i < COUNT; i++)
        assert_int_equal(order[i], COUNT - 1 - i);
}

static void one_that_is_set_again_goes_to_the_end(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < COUNT; i++)
        deadline_set(&things[i].deadline, &deadlines);
    deadline_set(&things[0].deadline, &deadlines);
    deadline_set(&things[3].deadline, &deadlines);
    deadline_set(&things[3].deadline, &deadlines);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(over_count, COUNT);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[COUNT - 2], 0);
    assert_int_equal(order[COUNT - 1], 3);
}

static void one_that_is_cleared_is_never_over(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 4; i++)
        deadline_set(&things[i].deadline, &deadlines);
    deadline_clear(&things[0].deadline);
    deadline_clear(&things[2].deadline);
    deadline_clear(&things[3].deadline);
    deadline_clear(&things[3].deadline);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(over_count, 1);
    assert_int_equal(things[1].over, 1);
}

static void nothing_that_is_set_keeps_no_loop_from_ending(void **state)
{
    (void)state;
    deadline_set(&things[0].deadline, &deadlines);
    deadline_clear(&things[0].deadline);
    assert_false(uv_loop_alive(&loop));
}

static void one_that_is_over_may_set_others_and_itself(void **state)
{
    (void)state;
    things[0].again = &things[1];
    things[1].again = &things[1];
    deadline_set(&things[0].deadline, &deadlines);
    while (things[1].over < 3)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(things[0].over, 1);
    deadline_clear(&things[1].deadline);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    deadline_set(&things[0].deadline, &deadlines);
    uv_close((uv_handle_t *)poll, NULL);
}

/* As when a disk holds the process up: the sign of life is there, but was not read in time. */
static void a_loop_that_stood_still_reads_before_it_calls_anybody_late(void **state)
{
    uv_poll_t poll;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    uv_poll_init(&loop, &poll, ends[0]);
    uv_poll_start(&poll, UV_READABLE, on_readable);
    deadline_set(&things[0].deadline, &deadlines);
    assert_int_equal(write(ends[1], "x", 1), 1);
    usleep(3 * LENGTH_MS * 1000);
    while (!uv_is_closing((uv_handle_t *)&poll))
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(things[0].over, 0);
    /* And it is not forgotten. */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(things[0].over, 1);
    close(ends[0]);
    close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(those_that_were_set_first_are_over_first),
        TEST(one_that_is_set_again_goes_to_the_end),
        TEST(one_that_is_cleared_is_never_over),
        TEST(nothing_that_is_set_keeps_no_loop_from_ending),
        TEST(one_that_is_over_may_set_others_and_itself),
        TEST(a_loop_that_stood_still_reads_before_it_calls_anybody_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
